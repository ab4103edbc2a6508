package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// Subscription is a browser's PushSubscription, as its toJSON gives it. Whoever
// holds it may write to that browser's screen: it is kept like a password, and
// goes to no log.
type Subscription struct {
	Endpoint string           `json:"endpoint"`
	Keys     SubscriptionKeys `json:"keys"`
}

// SubscriptionKeys are the browser's public key and the secret shared with it,
// in base64url.
type SubscriptionKeys struct {
	P256dh string `json:"p256dh"`
	Auth   string `json:"auth"`
}

const (
	maxSubscription = 4096
	maxEndpoint     = 2048
)

// ReadSubscription decodes what a browser posted and checks all of it: an
// address of an allowed push service, a point of the curve, a secret of 16
// bytes. What else a browser says is ignored. The error names no part of it.
func ReadSubscription(data []byte, hosts Hosts) (Subscription, error) {
	if len(data) > maxSubscription {
		return Subscription{}, fmt.Errorf("a subscription over %d bytes", maxSubscription)
	}
	var s Subscription
	if err := json.Unmarshal(data, &s); err != nil {
		return Subscription{}, errors.New("a subscription that is not the JSON of a PushSubscription")
	}
	if _, err := s.open(hosts); err != nil {
		return Subscription{}, err
	}
	return s, nil
}

// target is a subscription with its parts decoded.
type target struct {
	endpoint string
	origin   string // the audience of a token: scheme, host, port if unusual
	key      *ecdh.PublicKey
	auth     []byte
}

// open decodes and checks. The error names no part of the subscription.
func (s Subscription) open(hosts Hosts) (*target, error) {
	t, err := hosts.locate(s.Endpoint)
	if err != nil {
		return nil, err
	}
	point, err := decode(s.Keys.P256dh, 65)
	if err != nil {
		return nil, errors.New("a subscription whose key is not 65 bytes in base64url")
	}
	if t.key, err = ecdh.P256().NewPublicKey(point); err != nil {
		return nil, errors.New("a subscription whose key is no point of the curve")
	}
	if t.auth, err = decode(s.Keys.Auth, 16); err != nil {
		return nil, errors.New("a subscription whose secret is not 16 bytes in base64url")
	}
	return t, nil
}

// decode reads exactly n bytes in one spelling only: the last letter's unused
// bits are zero, so that one subscription is one text.
func decode(s string, n int) ([]byte, error) {
	if len(s) != base64.RawURLEncoding.EncodedLen(n) {
		return nil, errors.New("wrong length")
	}
	// The decoder passes over line ends.
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err == nil && len(b) != n {
		err = errors.New("wrong length")
	}
	return b, err
}

// locate checks an endpoint.
func (h Hosts) locate(endpoint string) (*target, error) {
	if len(endpoint) > maxEndpoint {
		return nil, fmt.Errorf("a subscription whose address is over %d bytes", maxEndpoint)
	}
	for _, c := range []byte(endpoint) {
		if c <= ' ' || c >= 0x7f || c == '\\' {
			return nil, errors.New("a subscription whose address holds a sign that no browser writes")
		}
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Opaque != "" || u.User != nil || strings.Contains(endpoint, "#") || len(u.Path) < 2 ||
		u.Host != strings.ToLower(u.Host) || !strings.HasPrefix(endpoint, u.Scheme+"://"+u.Host+"/") {
		return nil, errors.New("a subscription whose address is none of a push service")
	}
	port := u.Port()
	switch {
	case strings.HasSuffix(u.Host, ":"):
		return nil, errors.New("a subscription whose address is none of a push service")
	case port == "" && u.Scheme == "http":
		port = "80"
	case port == "":
		port = "443"
	}
	if !h.allow(u.Scheme, u.Hostname(), port) {
		return nil, errors.New("a subscription of a push service that is not allowed")
	}
	host := u.Host
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.TrimSuffix(host, ":"+port) // as browsers write an origin
	}
	return &target{endpoint: endpoint, origin: u.Scheme + "://" + host}, nil
}
