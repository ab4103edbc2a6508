// Package charset reads bytes of text that do not say how they were encoded, as
// people in France save them. It does not know what the text is about.
package charset

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	uni "golang.org/x/text/encoding/unicode"
)

// Readings returns the readings of a text worth trying, likeliest first. Old
// software writes ISO-8859-1, which Windows-1252 extends; spreadsheets save as
// UTF-8 with or without BOM, UTF-16, MS-DOS (CP 850) or Mac Roman. Whoever knows
// what is to be found there picks the one that shows it.
func Readings(b []byte) []string {
	if t, ok := utf16(b); ok {
		return []string{t}
	}
	for _, bom := range [][]byte{{0xEF, 0xBB, 0xBF}, []byte("ï»¿")} {
		for bytes.HasPrefix(b, bom) { // twice has been seen
			b = b[len(bom):]
		}
	}
	if utf8.Valid(b) {
		return []string{string(b)}
	}
	var out []string
	for _, cm := range []*charmap.Charmap{charmap.Windows1252, charmap.CodePage850, charmap.Macintosh} {
		if s, err := cm.NewDecoder().Bytes(b); err == nil {
			out = append(out, string(s))
		}
	}
	return out
}

func utf16(b []byte) (string, bool) {
	var e encoding.Encoding
	switch {
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		e = uni.UTF16(uni.LittleEndian, uni.UseBOM)
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		e = uni.UTF16(uni.BigEndian, uni.UseBOM)
	default:
		return "", false
	}
	s, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return "", false
	}
	return string(s), true
}

// Legible is the beginning of a text, which may end in the middle of a sign; ""
// when it is none.
func Legible(b []byte) string {
	for cut := range min(utf8.UTFMax, len(b)+1) {
		if utf8.Valid(b[:len(b)-cut]) {
			b = b[:len(b)-cut]
			break
		}
	}
	for _, s := range Readings(b) {
		s = strings.TrimPrefix(strings.ReplaceAll(s, "\x00", ""), "\ufeff")
		if !strings.ContainsFunc(s, func(r rune) bool {
			return r < ' ' && !strings.ContainsRune("\t\n\r\f", r) || r >= 0x7f && r < 0xa0 || r == utf8.RuneError
		}) {
			return s
		}
	}
	return ""
}
