package secret

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/trustelem/zxcvbn/matching"
	"github.com/trustelem/zxcvbn/scoring"
)

// TestAsStrictAsZxcvbn holds that no habit which zxcvbn knows costs more here.
func TestAsStrictAsZxcvbn(t *testing.T) {
	draw := rand.New(rand.NewPCG(20, 26))
	lines := strings.Split(strings.TrimSpace(knownList), "\n")
	word := func() string { w := lines[draw.IntN(len(lines))]; return w[:len(w)-1] }
	one := func(list ...string) string { return list[draw.IntN(len(list))] }
	parts := []func() string{
		word, word, word,
		func() string { w := word(); return strings.ToUpper(w[:1]) + w[1:] },
		func() string { return strings.NewReplacer("a", "@", "e", "3", "o", "0", "l", "1").Replace(word()) },
		func() string {
			return one("qwertyuiop", "zxcvbn", "1qaz2wsx", "QWErty", "asdfghjkl", "147258369", "poiuyt")
		},
		func() string { return one("abcdef", "987654", "aceg", "XYZ", "fedcba", "135") },
		func() string { return one("2015", "1987", "12072015", "1/3/1991", "13.7.04", "240690", "2001-11-05") },
		func() string { return one("!", "?", "..", "-", "62", "1", "59!") },
		func() string { w := word(); return w + w },
		func() string { return one("aaa", "ababab", "1212", "xyzxyz", "zzzzzz") },
	}
	for range 3000 {
		pw := ""
		for range 1 + draw.IntN(3) {
			pw += parts[draw.IntN(len(parts))]()
		}
		if len(pw) > measured {
			continue
		}
		ours, theirs := estimate(pw, nil), zxcvbn(pw)
		if ours > theirs+1 {
			t.Errorf("%q: %.1f bits, %.1f by zxcvbn", pw, ours, theirs)
		}
	}
}

// zxcvbn is the cheapest cover by the patterns that the library finds.
func zxcvbn(password string) float64 {
	plain := []rune(password)
	cost := make([]float64, len(plain)+1)
	found := matching.Omnimatch(password, nil)
	for i := 1; i <= len(plain); i++ {
		cost[i] = cost[i-1] + single(plain, i-1, alphabetSize(plain))
		for _, m := range found {
			if m.J+1 == i {
				cost[i] = min(cost[i], cost[m.I]+math.Log2(max(1, scoring.EstimateGuesses(m, password))))
			}
		}
	}
	return cost[len(plain)]
}
