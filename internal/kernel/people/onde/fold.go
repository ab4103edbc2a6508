package onde

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"marelle/internal/platform/i18n"
)

// fold is i18n.Fold by a quicker way for Latin letters: an import folds every
// cell several times, and Fold builds a chain of transformers each time. A test
// holds the two equal.
func fold(s string) string {
	ascii := true
	for _, r := range s {
		if r >= 0x250 && r != '’' {
			return i18n.Fold(s)
		}
		ascii = ascii && r < 0x80
	}
	if !ascii {
		s = norm.NFD.String(s)
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	put := func(r rune) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	for _, r := range s {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '@':
			put(r)
		case r >= 'A' && r <= 'Z':
			put(r + 'a' - 'A')
		case r < 0x80:
			space = true
		case unicode.Is(unicode.Mn, r):
		case r == 'œ', r == 'Œ':
			put('o')
			put('e')
		case r == 'æ', r == 'Æ':
			put('a')
			put('e')
		case unicode.IsLetter(r), unicode.IsDigit(r):
			put(unicode.ToLower(r))
		default:
			space = true
		}
	}
	return b.String()
}
