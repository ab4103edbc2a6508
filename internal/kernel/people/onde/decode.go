package onde

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	uni "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"
)

// texts returns the readings of a file worth trying, likeliest first. ONDE
// writes ISO-8859-1, which Windows-1252 extends; spreadsheets re-save as UTF-8
// with or without BOM, UTF-16, MS-DOS (CP 850) or Mac Roman. Whoever knows the
// headers picks the one that shows them.
func texts(b []byte) []string {
	if t, ok := utf16(b); ok {
		return []string{clean(t)}
	}
	for _, bom := range [][]byte{{0xEF, 0xBB, 0xBF}, []byte("ï»¿")} {
		for bytes.HasPrefix(b, bom) { // twice has been seen
			b = b[len(bom):]
		}
	}
	if utf8.Valid(b) {
		return []string{clean(string(b))}
	}
	var out []string
	for _, cm := range []*charmap.Charmap{charmap.Windows1252, charmap.CodePage850, charmap.Macintosh} {
		if s, err := cm.NewDecoder().Bytes(b); err == nil {
			out = append(out, clean(string(s)))
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

// clean repairs double encoding and gives composed letters (a Mac writes é as
// two code points).
func clean(s string) string {
	s = strings.TrimLeft(unmangle(unmangle(s)), "\ufeff")
	return norm.NFC.String(s)
}

// unmangle undoes UTF-8 that was read as Windows-1252 and encoded again
// ("ElÃ¨ve" → "Elève"). It works on each run of non-ASCII characters alone, so
// that a file half mangled by copy and paste is repaired too; a run that is
// correct French is never valid UTF-8 when taken as bytes.
func unmangle(s string) string {
	if !strings.ContainsAny(s, "ÃÂâÅï") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
			i++
			continue
		}
		j := i
		for j < len(s) && s[j] >= utf8.RuneSelf {
			j++
		}
		run := s[i:j]
		if raw, ok := asBytes(run); ok && utf8.Valid(raw) {
			b.Write(raw)
		} else {
			b.WriteString(run)
		}
		i = j
	}
	return b.String()
}

// asBytes maps each character to its Windows-1252 or ISO-8859-1 byte.
func asBytes(s string) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		if c, ok := charmap.Windows1252.EncodeRune(r); ok {
			out = append(out, c)
		} else if r >= 0x80 && r < 0xA0 {
			out = append(out, byte(r))
		} else {
			return nil, false
		}
	}
	return out, true
}
