package charset

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestATextIsReadHoweverItWasSaved(t *testing.T) {
	for name, c := range map[string]struct{ bytes, want string }{
		"UTF-8":             {"Élève à Noël", "Élève à Noël"},
		"its mark":          {"\xef\xbb\xbfÉlève", "Élève"},
		"cut in a sign":     {"Élèv\xc3", "Élèv"},
		"Windows":           {"\xc9l\xe8ve \x80", "Élève €"},
		"MS-DOS":            {"\x90l\x8ave", "Élève"},
		"UTF-16":            {"\xff\xfe\xc9\x00l\x00", "Él"},
		"UTF-16, the other": {"\xfe\xff\x00\xc9\x00l", "Él"},
		"no text":           {"\x01\x02\x03\xff", ""},
		"nothing":           {"", ""},
		"a few noughts":     {"a\x00b", "ab"},
	} {
		if got := Legible([]byte(c.bytes)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func FuzzLegible(f *testing.F) {
	f.Add([]byte("\xc9l\xe8ve"))
	f.Add([]byte("\xff\xfe\xc9"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s := Legible(b); !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			t.Errorf("%q", s)
		}
	})
}
