package onde

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"marelle/internal/platform/charset"
)

// texts returns the readings of a file worth trying, likeliest first.
func texts(b []byte) []string {
	out := charset.Readings(b)
	for i, t := range out {
		out[i] = clean(t)
	}
	return out
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
