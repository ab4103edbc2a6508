// Package secret holds what must not be guessed nor read: the server's secret
// file and the keys derived from it, random tokens, activation codes, pupils'
// passphrases, and the hashing and judging of passwords. It knows no account,
// stores nothing but the secret file, and counts no failures: throttling is the
// business of who signs people in.
package secret

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"marelle/internal/platform/errs"
)

//go:embed i18n
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// keyLen is the size of the master key and of every derived key, in bytes.
const keyLen = 32

// Keys derives every key of the server from one master key: one key per label,
// so that a value made for one purpose is worthless for another.
type Keys struct{ master []byte }

// Load reads the secret file: 64 hexadecimal characters (32 bytes). When it is
// absent and create is true, it is made with mode 0600, whole or not at all;
// of two processes that start together, both get the key of the first.
// Otherwise the error satisfies errors.Is(err, fs.ErrNotExist).
func Load(path string, create bool) (*Keys, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := generate(path); err != nil {
			return nil, fmt.Errorf("secret file: %w", err)
		}
		b, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("secret file: %w", err)
	}
	master, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(master) != keyLen {
		return nil, errs.New(errs.Invalid, "secret.file_form", "file", path, "n", 2*keyLen)
	}
	return &Keys{master}, nil
}

// NewKeys makes keys from a master of 32 bytes, for demonstrations and tests.
func NewKeys(master [32]byte) *Keys { return &Keys{master[:]} }

func generate(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	master := make([]byte, keyLen)
	rand.Read(master)
	_, err = tmp.WriteString(hex.EncodeToString(master) + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	// A link, unlike a rename, never replaces a secret that is already there.
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// Derive returns the 32-byte key of a label (HKDF-SHA256, RFC 5869).
func (k *Keys) Derive(label string) []byte {
	key, err := hkdf.Key(sha256.New, k.master, nil, "marelle/"+label, keyLen)
	if err != nil {
		panic(err) // only for a length over 8,160 bytes
	}
	return key
}

// MAC is HMAC-SHA256 under the label's key: 32 bytes, to compare with
// hmac.Equal or to store as a look-up key of a code.
func (k *Keys) MAC(label string, data []byte) []byte {
	m := hmac.New(sha256.New, k.Derive("mac/"+label))
	m.Write(data)
	return m.Sum(nil)
}

// Seal encrypts with AES-256-GCM under the label's key; ad binds the result to
// its place (an id), so that sealed values cannot be swapped between rows.
func (k *Keys) Seal(label string, plain, ad []byte) []byte {
	return k.aead(label).Seal(nil, nil, plain, ad)
}

// Open reverses Seal; any altered byte, other label or other ad is an error.
func (k *Keys) Open(label string, sealed, ad []byte) ([]byte, error) {
	plain, err := k.aead(label).Open(nil, nil, sealed, ad)
	if err != nil {
		return nil, fmt.Errorf("opening a sealed %s: %w", label, err)
	}
	return plain, nil
}

func (k *Keys) aead(label string) cipher.AEAD {
	block, err := aes.NewCipher(k.Derive("seal/" + label))
	if err != nil {
		panic(err) // only for a wrong key length
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic(err)
	}
	return a
}

// Token returns at least n random bits in URL-safe letters (base64url).
func Token(n int) string {
	b := make([]byte, (n+7)/8)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// Hash is what is stored of a random token: SHA-256 in hexadecimal. It suits
// tokens of 128 bits or more, never anything a person chose.
func Hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
