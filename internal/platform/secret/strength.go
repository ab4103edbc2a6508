package secret

import (
	_ "embed"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"marelle/internal/platform/i18n"
)

// Limits of a password, in characters. MinBits is the CNIL's floor of 2022 for
// passwords whose trials are throttled; there are no composition rules (OWASP
// ASVS 6.2.5) and no forced renewal.
const (
	MinLength = 8
	MaxLength = 128
	MinBits   = 50
)

// measured bounds the work of the estimate; bits beyond are not counted.
const measured = 48

//go:embed common.txt
var commonList string

// Strength estimates how many bits an attacker who knows people's habits must
// guess, and returns an empty key when the password is acceptable, else the key
// of the sentence to show (argument n: a number of characters). Personal holds
// what such an attacker knows of the person: names, sign-in name, activation
// code, school.
//
// The estimate is that of zxcvbn: the password's habits (words, names, dates,
// keyboard runs, repeats, with French lists and a French keyboard) and its
// cheapest cover by them. Unlike zxcvbn, which counts 10 guesses for every unmatched character, a character of
// another kind than the one before counts for the whole alphabet in use: else no
// random password under 16 characters would reach 50 bits.
func Strength(password string, personal ...string) (bits float64, key string) {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinLength:
		return 0, "secret.password_short"
	case n > MaxLength:
		return 0, "secret.password_long"
	case !utf8.ValidString(password):
		return 0, "secret.password_weak"
	}
	bare := squeeze(password)
	var mine []string
	for _, p := range personal {
		if s := squeeze(p); len(s) >= 2 {
			mine = append(mine, s)
			if s == bare || len(s) >= 5 && len(s)*3 >= len(bare)*2 && strings.Contains(bare, s) {
				return 0, "secret.password_personal"
			}
		}
		for _, w := range strings.Fields(i18n.Fold(p)) {
			if len(w) >= 2 {
				mine = append(mine, strings.Trim(w, ".@"))
			}
		}
	}
	common := strings.Fields(commonList)
	for _, c := range common {
		if c == bare || c == strings.TrimFunc(bare, unicode.IsDigit) {
			return 0, "secret.password_common"
		}
	}
	own := map[string]float64{}
	for i, w := range slices.Concat(mine, common, words()) {
		if _, twice := own[w]; !twice {
			own[w] = math.Log2(float64(i + 1))
		}
	}
	bits = estimate(password, own)
	if bits < MinBits {
		return bits, "secret.password_weak"
	}
	return bits, ""
}

// squeeze leaves only the letters and digits, folded, so that no dash hides a
// code nor an accent a name.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, i18n.Fold(s))
}

// estimate finds the cheapest cover of the password by patterns and single
// characters and returns its cost in bits. Own holds words with the bits of
// their rank.
func estimate(password string, own map[string]float64) float64 {
	plain := []rune(password)
	if len(plain) > measured {
		plain = plain[:measured]
	}
	// The lists and keyboards are ASCII: match on the folded letters.
	ascii := make([]byte, len(plain))
	for i, c := range plain {
		ascii[i] = 1 // stands for nothing
		if c < 128 {
			ascii[i] = byte(c)
		} else if f := i18n.Fold(string(c)); len(f) == 1 {
			ascii[i] = f[0]
		}
	}
	c := cover{own: own, known: map[string]float64{}}
	return c.cost(plain, string(ascii))
}

// cover finds what parts of a password cost.
type cover struct {
	own   map[string]float64
	known map[string]float64 // what is said again was priced already
}

// cost is the cheapest cover, by dynamic programming over its ends.
func (c *cover) cost(plain []rune, text string) float64 {
	if bits, ok := c.known[text]; ok {
		return bits
	}
	size := alphabetSize(plain)
	found := patterns(text, c.own)
	best := make([]float64, len(plain)+1)
	for i := 1; i <= len(plain); i++ {
		bits := best[i-1] + single(plain, i-1, size)
		for _, g := range found {
			if g.to == i {
				bits = min(bits, best[g.from]+g.bits)
			}
		}
		// A part said again costs itself, and how often.
		for n := 1; i >= 2*n; n++ {
			base := text[i-n : i]
			for times := 2; i >= times*n && text[i-times*n:i-(times-1)*n] == base; times++ {
				one := min(c.cost(plain[i-n:i], base), float64(n)*math.Log2(10))
				bits = min(bits, best[i-times*n]+one+math.Log2(float64(times)))
			}
		}
		best[i] = bits
	}
	c.known[text] = best[len(plain)]
	return best[len(plain)]
}

// single is the cost of one character that no pattern explains.
func single(plain []rune, i int, size float64) float64 {
	switch {
	case i == 0 || kind(plain[i]) != kind(plain[i-1]):
		return math.Log2(size)
	case plain[i] == plain[i-1]:
		return 1
	}
	return math.Log2(10)
}

func kind(r rune) int {
	switch {
	case r >= '0' && r <= '9':
		return 0
	case unicode.IsLower(r):
		return 1
	case unicode.IsUpper(r):
		return 2
	}
	return 3
}

// alphabetSize adds the sizes of the kinds of characters in use.
func alphabetSize(s []rune) float64 {
	sizes := [...]float64{10, 26, 26, 33}
	var seen [4]bool
	total := 0.0
	for _, r := range s {
		if k := kind(r); !seen[k] {
			seen[k] = true
			total += sizes[k]
		}
	}
	return total
}
