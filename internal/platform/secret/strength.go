package secret

import (
	_ "embed"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trustelem/zxcvbn/matching"
	"github.com/trustelem/zxcvbn/scoring"

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
// The estimate is zxcvbn's pattern matching (words, names, dates, keyboard runs,
// repeats, with our French lists) and its cheapest cover of the password. Unlike
// zxcvbn, which counts 10 guesses for every unmatched character, a character of
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
	var known []string
	for _, p := range personal {
		if s := squeeze(p); len(s) >= 2 {
			known = append(known, s)
			if s == bare || len(s) >= 5 && len(s)*3 >= len(bare)*2 && strings.Contains(bare, s) {
				return 0, "secret.password_personal"
			}
		}
		for _, w := range strings.Fields(i18n.Fold(p)) {
			if len(w) >= 2 {
				known = append(known, strings.Trim(w, ".@"))
			}
		}
	}
	common := strings.Fields(commonList)
	for _, c := range common {
		if c == bare || c == strings.TrimFunc(bare, unicode.IsDigit) {
			return 0, "secret.password_common"
		}
	}
	bits = estimate(password, append(append(known, common...), words()...))
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
// characters (dynamic programming over its bytes) and returns its cost in bits.
func estimate(password string, dictionary []string) float64 {
	plain := []rune(password)
	if len(plain) > measured {
		plain = plain[:measured]
	}
	// zxcvbn counts in bytes and knows ASCII words: match on the folded letters.
	ascii := make([]byte, len(plain))
	for i, c := range plain {
		ascii[i] = '?'
		if c < 128 {
			ascii[i] = byte(c)
		} else if f := i18n.Fold(string(c)); len(f) == 1 {
			ascii[i] = f[0]
		}
	}
	cost := make([]float64, len(plain)+1)
	size := alphabetSize(plain)
	single := func(i int) float64 {
		switch {
		case i > 0 && kind(plain[i]) == kind(plain[i-1]):
			if plain[i] == plain[i-1] {
				return 1
			}
			return math.Log2(10)
		default:
			return math.Log2(size)
		}
	}
	type piece struct {
		from int
		bits float64
	}
	ends := make([][]piece, len(plain)+1)
	text := string(ascii)
	for _, m := range matching.Omnimatch(text, dictionary) {
		g := scoring.EstimateGuesses(m, text)
		ends[m.J+1] = append(ends[m.J+1], piece{m.I, math.Log2(max(g, 1))})
	}
	for i := 1; i <= len(plain); i++ {
		cost[i] = cost[i-1] + single(i-1)
		for _, p := range ends[i] {
			cost[i] = min(cost[i], cost[p.from]+p.bits)
		}
	}
	return cost[len(plain)]
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
