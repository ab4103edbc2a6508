package secret

import (
	"crypto/rand"
	"strings"
)

// appKeyLen symbols make 130 bits.
const appKeyLen = 26

// NewKey draws a secret that nobody guesses and that can still be typed, in its
// bare form: 26 symbols, 130 bits. It is kept by Hash.
func NewKey() string {
	b := make([]byte, appKeyLen)
	rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[c&31]
	}
	return string(b)
}

// FormatKey shows a bare key in groups: XXXXX-XXXXX-XXXXX-XXXXX-XXXXXX.
func FormatKey(key string) string {
	if len(key) != appKeyLen {
		return key
	}
	return strings.Join([]string{key[:5], key[5:10], key[10:15], key[15:20], key[20:]}, "-")
}

// NormalizeKey accepts a key as people type it and returns the bare form, or
// false when it cannot be one.
func NormalizeKey(s string) (string, bool) {
	bare := bare(s)
	return bare, len(bare) == appKeyLen
}
