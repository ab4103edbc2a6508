package push

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
)

// Every body has one size, whatever it says: a push service, or whoever counts
// bytes on the way, learns nothing from its length. A kilobyte holds what a
// notification shows, at a quarter of the 4,096 bytes that services must take.
const (
	bodySize   = 1024
	headerSize = 16 + 4 + 1 + 65 // salt, record size, length of the key, key
	tagSize    = 16
	// MaxPayload is the longest payload, in bytes.
	MaxPayload = bodySize - headerSize - tagSize - 1
	// recordSize is what the header declares: more than one record ever holds.
	recordSize = 4096
)

// encrypt makes the body of a push (RFC 8291), with a key and a salt used once.
func encrypt(to *target, payload []byte) ([]byte, error) {
	once, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	var salt [16]byte
	rand.Read(salt[:])
	return seal(once, salt, to, payload, bodySize)
}

// seal is encrypt with everything chosen. The size counts header and tag, and
// must leave a byte after the payload for the mark of its end.
func seal(once *ecdh.PrivateKey, salt [16]byte, to *target, payload []byte, size int) ([]byte, error) {
	shared, err := once.ECDH(to.key)
	if err != nil {
		return nil, err
	}
	public := once.PublicKey().Bytes()
	ikm, err := hkdf.Key(sha256.New, shared, to.auth, "WebPush: info\x00"+string(to.key.Bytes())+string(public), 32)
	if err != nil {
		return nil, err
	}
	prk, err := hkdf.Extract(sha256.New, ikm, salt[:])
	if err != nil {
		return nil, err
	}
	key, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: aes128gcm\x00", 16)
	if err != nil {
		return nil, err
	}
	nonce, err := hkdf.Expand(sha256.New, prk, "Content-Encoding: nonce\x00", 12)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	body := make([]byte, size)
	copy(body, salt[:])
	binary.BigEndian.PutUint32(body[16:], recordSize)
	body[20] = byte(len(public))
	copy(body[21:], public)
	plain := body[headerSize : size-tagSize]
	plain[copy(plain, payload)] = 2 // the last record; zeros follow
	gcm.Seal(plain[:0], nonce, plain, nil)
	return body, nil
}
