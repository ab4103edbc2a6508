package push

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"marelle/internal/platform/secret"
)

const (
	// tokenLife is how long a token may be used; RFC 8292 allows a day, and a
	// clock may be wrong.
	tokenLife = 12 * time.Hour
	// tokenServes is how long we use it.
	tokenServes = 6 * time.Hour
)

// Identity is by which push services know this server (VAPID, RFC 8292).
type Identity struct {
	key     *ecdsa.PrivateKey
	public  string
	subject string
}

// NewIdentity derives the identity from the server's secret: a subscription
// lives as long as the secret does. The base URL tells a push service whom to
// ask; only an https one may be told.
func NewIdentity(keys *secret.Keys, base *url.URL) (*Identity, error) {
	for n := 0; ; n++ {
		// One number in four billion is no key of the curve: then the next.
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), keys.Derive("push/identity/"+strconv.Itoa(n)))
		if err != nil && n < 8 {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("push: deriving the key: %w", err)
		}
		public, err := key.PublicKey.Bytes()
		if err != nil {
			return nil, fmt.Errorf("push: the public key: %w", err)
		}
		id := &Identity{key: key, public: base64.RawURLEncoding.EncodeToString(public)}
		if base != nil && base.Scheme == "https" {
			id.subject = "https://" + base.Host
		}
		return id, nil
	}
}

// PublicKey is what a page gives to pushManager.subscribe as
// applicationServerKey: an uncompressed point, in base64url.
func (id *Identity) PublicKey() string { return id.public }

// authorize signs the Authorization header for a push service's origin.
func (id *Identity) authorize(origin string, expires time.Time) (string, error) {
	claims, err := json.Marshal(struct {
		Aud string `json:"aud"`
		Exp int64  `json:"exp"`
		Sub string `json:"sub,omitempty"`
	}{origin, expires.Unix(), id.subject})
	if err != nil {
		return "", err
	}
	b64 := base64.RawURLEncoding.EncodeToString
	token := b64([]byte(`{"typ":"JWT","alg":"ES256"}`)) + "." + b64(claims)
	sum := sha256.Sum256([]byte(token))
	r, s, err := ecdsa.Sign(rand.Reader, id.key, sum[:])
	if err != nil {
		return "", err
	}
	var signature [64]byte // JWS wants the two numbers side by side, not ASN.1
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return "vapid t=" + token + "." + b64(signature[:]) + ", k=" + id.public, nil
}
