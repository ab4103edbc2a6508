package pushtest

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"
)

// verify checks an Authorization header (RFC 8292) against the key that was
// given when the browser subscribed, and returns its token.
func (b *Browser) verify(header string) (string, error) {
	rest, ok := strings.CutPrefix(header, "vapid ")
	if !ok {
		return "", errors.New("authorization: not by vapid")
	}
	params := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		params[k] = v
	}
	point, err := b.identity.Bytes()
	if err != nil {
		return "", err
	}
	if params["k"] != base64.RawURLEncoding.EncodeToString(point) {
		return "", errors.New("authorization: not the key of the subscription")
	}
	token := params["t"]
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errors.New("authorization: no token of three parts")
	}
	var decoded [3][]byte
	for i, p := range parts {
		if decoded[i], err = base64.RawURLEncoding.DecodeString(p); err != nil {
			return "", errors.New("authorization: a token that is not base64url")
		}
	}
	var head struct{ Alg, Typ string }
	if err := json.Unmarshal(decoded[0], &head); err != nil || head.Alg != "ES256" || head.Typ != "JWT" {
		return "", errors.New("authorization: not signed by ES256")
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if len(decoded[2]) != 64 || !ecdsa.Verify(b.identity, sum[:], new(big.Int).SetBytes(decoded[2][:32]), new(big.Int).SetBytes(decoded[2][32:])) {
		return "", errors.New("authorization: a wrong signature")
	}
	var claims struct {
		Aud string
		Exp int64
		Sub string
	}
	if err := json.Unmarshal(decoded[1], &claims); err != nil {
		return "", errors.New("authorization: claims that are not JSON")
	}
	left := time.Unix(claims.Exp, 0).Sub(b.service.clock.Now())
	switch {
	case claims.Aud != b.service.origin():
		return "", errors.New("authorization: a token for another service")
	case left <= 0:
		return "", errors.New("authorization: a token that is over")
	case left > 24*time.Hour:
		return "", errors.New("authorization: a token of more than a day")
	case claims.Sub != "" && !strings.HasPrefix(claims.Sub, "https://") && !strings.HasPrefix(claims.Sub, "mailto:"):
		return "", errors.New("authorization: a subject that is no address")
	}
	return token, nil
}

// Decrypt reads a body of RFC 8291 as a browser does. The derivations are
// written out with HMAC, as RFC 5869 has them, to owe nothing to who encrypts.
func Decrypt(key *ecdh.PrivateKey, auth, body []byte) (string, error) {
	if len(body) < 21+65+17 {
		return "", errors.New("body: too short")
	}
	salt, rs, idlen := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	if idlen != 65 {
		return "", fmt.Errorf("body: a key of %d bytes", idlen)
	}
	sender, err := ecdh.P256().NewPublicKey(body[21:86])
	if err != nil {
		return "", errors.New("body: a key that is no point")
	}
	record := body[86:]
	if uint64(rs) < uint64(len(record)) {
		return "", errors.New("body: more than one record")
	}
	shared, err := key.ECDH(sender)
	if err != nil {
		return "", err
	}
	info := bytes.Join([][]byte{[]byte("WebPush: info\x00"), key.PublicKey().Bytes(), sender.Bytes(), {1}}, nil)
	ikm := mac(mac(auth, shared), info)
	prk := mac(salt, ikm)
	cek := mac(prk, []byte("Content-Encoding: aes128gcm\x00\x01"))[:16]
	nonce := mac(prk, []byte("Content-Encoding: nonce\x00\x01"))[:12]
	block, err := aes.NewCipher(cek)
	if err != nil {
		return "", err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return "", err
	}
	plain, err := gcm.Open(nil, nonce, record, nil)
	if err != nil {
		return "", errors.New("body: it cannot be decrypted")
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		return "", errors.New("body: no mark of the last record")
	}
	return string(plain[:len(plain)-1]), nil
}

func mac(key, data []byte) []byte {
	m := hmac.New(sha256.New, key)
	m.Write(data)
	return m.Sum(nil)
}
