package secret

import (
	"crypto/rand"
	_ "embed"
	"strings"
)

// alphabet has 32 symbols without the look-alikes 0 O 1 I: 5 bits each.
const alphabet = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

// codeLen symbols make 55 bits, over the 50 that the CNIL (2022) asks of a secret
// whose trials are throttled.
const codeLen = 11

// NewCode draws an activation code in its bare form: 11 symbols, 55 bits.
func NewCode() string {
	b := make([]byte, codeLen)
	rand.Read(b)
	for i, c := range b {
		b[i] = alphabet[c&31] // 256 is a multiple of 32: no bias
	}
	return string(b)
}

// FormatCode shows a bare code as on paper: XXXX-XXXX-XXX.
func FormatCode(code string) string {
	if len(code) != codeLen {
		return code
	}
	return code[:4] + "-" + code[4:8] + "-" + code[8:]
}

// NormalizeCode accepts a code as people type it (small letters, spaces, any
// dash) and returns the bare form, or false when it cannot be a code.
func NormalizeCode(s string) (string, bool) {
	code := bare(s)
	return code, len(code) == codeLen
}

// bare takes what people type between the symbols out, "" for what no symbols
// make.
func bare(s string) string {
	if len(s) > 100 {
		return ""
	}
	var b strings.Builder
	for _, r := range strings.ToUpper(s) {
		switch {
		case r < 128 && strings.IndexByte(alphabet, byte(r)) >= 0:
			b.WriteRune(r)
		case strings.ContainsRune(" \t\u00a0\u202f-\u2010\u2011\u2012\u2013\u2014\u2212_.", r):
		default:
			return ""
		}
	}
	return b.String()
}

//go:embed words.txt
var wordList string

// words returns the 1,024 words of the pupils' passphrases: French, 3 to 7
// letters, no accent, nothing that could hurt beside a child's name.
func words() []string { return strings.Fields(wordList) }

// passphraseWords of 10 bits each make the 50 bits asked of a password whose
// trials are throttled.
const passphraseWords = 5

// Passphrase draws five words, joined by hyphens: what a child of seven can
// copy from paper. Words may repeat, so that it holds 50 bits exactly.
func Passphrase() string {
	list := words()
	out := make([]string, passphraseWords)
	for i := range out {
		var b [2]byte
		rand.Read(b[:])
		out[i] = list[(int(b[0])<<8|int(b[1]))&1023]
	}
	return strings.Join(out, "-")
}

// NormalizePassphrase accepts a passphrase as a child types it (capitals,
// spaces or commas between the words) and returns the form that Passphrase
// gave. What is no such phrase comes back unchanged: it is some other password.
func NormalizePassphrase(s string) string {
	f := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return strings.ContainsRune(" \t\u00a0\u202f-\u2010\u2011\u2012\u2013\u2014\u2212_.,;", r)
	})
	if len(f) != passphraseWords {
		return s
	}
	for _, w := range f {
		if !strings.Contains("\n"+wordList, "\n"+w+"\n") {
			return s
		}
	}
	return strings.Join(f, "-")
}
