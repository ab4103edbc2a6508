package secret

import (
	"math"
	"strings"
)

// guess is a part of a password that follows a habit, and what it takes to try
// all that follow it.
type guess struct {
	from, to int // bytes from ≤ i < to
	bits     float64
}

// patterns finds the habits in a password, as zxcvbn does (Wheeler, USENIX
// Security 2016), with the same counts of guesses: words, also reversed or with
// digits for letters; runs on a keyboard; sequences; years and dates. Repeats
// are found by the cover. Own holds words with the bits of their rank.
func patterns(text string, own map[string]float64) []guess {
	var all []guess
	add := func(from, to int, bits float64) {
		// A part costs some guesses of its own, however common it is.
		if to-from < len(text) {
			least := math.Log2(50)
			if to-from == 1 {
				least = math.Log2(10)
			}
			bits = max(bits, least)
		}
		all = append(all, guess{from, to, max(bits, 0)})
	}
	lower := strings.ToLower(text)
	dictionary(text, lower, own, add)
	for _, k := range keyboards {
		k.runs(text, add)
	}
	sequences(text, add)
	dates(text, add)
	return all
}

type adder func(from, to int, bits float64)

// dictionary finds words as they are, reversed, and behind digits and signs.
func dictionary(text, lower string, own map[string]float64, add adder) {
	look := func(word string) (float64, bool) {
		bits, ok := known(word)
		if mine, too := own[word]; too && (!ok || mine < bits) {
			return mine, true
		}
		return bits, ok
	}
	backwards := []byte(lower)
	for i, j := 0, len(backwards)-1; i < j; i, j = i+1, j-1 {
		backwards[i], backwards[j] = backwards[j], backwards[i]
	}
	reversed := string(backwards)
	n := len(text)
	for i := range n {
		for j := i + 1; j <= min(n, i+longestKnown); j++ {
			capitals := shapes(text[i:j])
			if bits, ok := look(lower[i:j]); ok {
				add(i, j, bits+capitals)
			}
			if bits, ok := look(reversed[n-j : n-i]); ok && j-i > 1 {
				add(i, j, bits+capitals+1)
			}
		}
	}
	for _, plain := range undisguised(lower) {
		for i := range n {
			for j := i + 2; j <= min(n, i+longestKnown); j++ {
				if plain[i:j] == lower[i:j] {
					continue
				}
				if bits, ok := look(plain[i:j]); ok {
					add(i, j, bits+shapes(text[i:j])+disguise(lower[i:j], plain[i:j]))
				}
			}
		}
	}
}

// disguises are the signs that people put for letters.
var disguises = map[byte]string{
	'4': "a", '@': "a", '8': "b", '(': "c", '{': "c", '[': "c", '<': "c", '3': "e", '6': "g", '9': "g",
	'!': "i", '1': "il", '|': "il", '0': "o", '$': "s", '5': "s", '+': "t", '7': "lt", '%': "x", '2': "z",
}

// undisguised gives the readings of a text whose signs stand for letters. A sign
// of two letters is read alike all along: at most eight readings.
func undisguised(lower string) []string {
	if !strings.ContainsFunc(lower, func(r rune) bool { return disguises[byte(r)] != "" }) {
		return nil
	}
	first := []byte(lower)
	for i, c := range first {
		if letters := disguises[c]; letters != "" {
			first[i] = letters[0]
		}
	}
	out := []string{string(first)}
	for _, sign := range []byte("1|7") {
		if strings.IndexByte(lower, sign) < 0 {
			continue
		}
		for _, reading := range out {
			other := []byte(reading)
			for i := range len(lower) {
				if lower[i] == sign {
					other[i] = disguises[sign][1]
				}
			}
			out = append(out, string(other))
		}
	}
	return out
}

// disguise is what the signs put for letters cost: each kind of them in all, or
// in some of the places where its letter stands.
func disguise(typed, plain string) float64 {
	bits := 0.0
	seen := map[byte]bool{}
	for i := range len(typed) {
		if typed[i] == plain[i] || seen[typed[i]] {
			continue
		}
		seen[typed[i]] = true
		signs, letters := strings.Count(typed, typed[i:i+1]), strings.Count(typed, plain[i:i+1])
		bits += math.Max(1, ways(signs, letters))
	}
	return bits
}

// shapes is what capitals cost: one bit for the usual places, else the choice
// of places.
func shapes(token string) float64 {
	upper, lower := 0, 0
	for i := range len(token) {
		switch c := token[i]; {
		case c >= 'A' && c <= 'Z':
			upper++
		case c >= 'a' && c <= 'z':
			lower++
		}
	}
	first, last := token[0] >= 'A' && token[0] <= 'Z', token[len(token)-1] >= 'A' && token[len(token)-1] <= 'Z'
	switch {
	case upper == 0:
		return 0
	case lower == 0, upper == 1 && (first || last):
		return 1
	}
	return ways(upper, lower)
}

// ways is log2 of how many ways there are to change up to the fewer of a and b
// places among all.
func ways(a, b int) float64 {
	total := 0.0
	for i := 1; i <= min(a, b); i++ {
		total += choose(a+b, i)
	}
	return math.Log2(max(total, 1))
}

func choose(n, k int) float64 {
	r := 1.0
	for i := range k {
		r = r * float64(n-i) / float64(i+1)
	}
	return r
}

// keyboard is the keys of a keyboard by place; a key is its signs, the plain
// one first.
type keyboard struct {
	rows  []string // keys separated by spaces; the second sign is with Shift
	slant bool     // each row stands half a key to the right of the one above
	shift string   // signs that need Shift
	keys  float64
	near  float64 // neighbours of a key, on average
}

var keyboards = []keyboard{
	// French. Accented letters come here without their accent: only their digits
	// count.
	{[]string{`. &1 2 "3 '4 (5 -6 7 _8 9 0 ) =+`, `. aA zZ eE rR tT yY uU iI oO pP ^ $`, `. qQ sS dD fF gG hH jJ kK lL mM % *`, `<> wW xX cC vV bB nN ,? ;. :/ !`},
		true, "1234567890+%", 94, 4.6},
	{[]string{"`~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) -_ =+", `. qQ wW eE rR tT yY uU iI oO pP [{ ]} \|`, `. aA sS dD fF gG hH jJ kK lL ;: '"`, `. zZ xX cC vV bB nN mM ,< .> /?`},
		true, "~!@#$%^&*()_+{}|:\"<>?", 94, 4.6},
	{[]string{`. / * -`, `7 8 9 +`, `4 5 6`, `1 2 3`, `. 0`}, false, "", 15, 5.1},
}

type place struct{ x, y int }

func (k keyboard) places() map[byte][]place {
	at := map[byte][]place{}
	for y, row := range k.rows {
		for x, key := range strings.Fields(row) {
			if key == "." && x == 0 {
				continue // no key: it only sets the row
			}
			for i := range len(key) {
				at[key[i]] = append(at[key[i]], place{x, y})
			}
		}
	}
	return at
}

// directions to the neighbours of a key.
var (
	slanted = []place{{-1, 0}, {0, -1}, {1, -1}, {1, 0}, {0, 1}, {-1, 1}}
	square  = []place{{-1, 0}, {-1, -1}, {0, -1}, {1, -1}, {1, 0}, {1, 1}, {0, 1}, {-1, 1}}
)

// step is the direction from a key to a neighbour, or -1.
func (k keyboard) step(at map[byte][]place, from, to byte) int {
	ways := square
	if k.slant {
		ways = slanted
	}
	for _, f := range at[from] {
		for _, t := range at[to] {
			for d, w := range ways {
				if f.x+w.x == t.x && f.y+w.y == t.y {
					return d
				}
			}
		}
	}
	return -1
}

// runs finds three keys or more, each beside the one before.
func (k keyboard) runs(text string, add adder) {
	at := k.places()
	for i := 0; i < len(text)-1; {
		j, turns, last, shifted := i+1, 0, -1, 0
		if strings.IndexByte(k.shift, text[i]) >= 0 || text[i] >= 'A' && text[i] <= 'Z' {
			shifted++
		}
		for ; j < len(text); j++ {
			d := k.step(at, text[j-1], text[j])
			if d < 0 {
				break
			}
			if d != last {
				turns, last = turns+1, d
			}
			if strings.IndexByte(k.shift, text[j]) >= 0 || text[j] >= 'A' && text[j] <= 'Z' {
				shifted++
			}
			if n := j + 1 - i; n > 2 {
				add(i, j+1, k.bits(n, turns, shifted))
			}
		}
		i = max(j-1, i+1)
	}
}

// bits counts the runs of so many keys or fewer, with so many turns or fewer.
func (k keyboard) bits(n, turns, shifted int) float64 {
	total := 0.0
	for i := 2; i <= n; i++ {
		for j := 1; j <= min(turns, i-1); j++ {
			total += choose(i-1, j-1) * k.keys * math.Pow(k.near, float64(j))
		}
	}
	bits := math.Log2(max(total, 1))
	switch {
	case shifted == 0:
	case shifted == n:
		bits++
	default:
		bits += ways(shifted, n-shifted)
	}
	return bits
}

// sequences finds abc, 2468, zyx: signs of one kind at a constant distance.
func sequences(text string, add adder) {
	for i := 0; i < len(text)-1; {
		delta := int(text[i+1]) - int(text[i])
		j := i + 1
		for j+1 < len(text) && int(text[j+1])-int(text[j]) == delta && kind(rune(text[j+1])) == kind(rune(text[i])) {
			j++
		}
		far := max(delta, -delta)
		if n := j + 1 - i; kind(rune(text[i])) == kind(rune(text[i+1])) && far >= 1 && far <= 5 && (n > 2 || far == 1) {
			starts := 26.0
			switch c := text[i]; {
			case strings.IndexByte("aAzZ019", c) >= 0:
				starts = 4
			case c >= '0' && c <= '9':
				starts = 10
			}
			if delta < 0 {
				starts *= 2
			}
			add(i, j+1, math.Log2(starts*float64(n)))
		}
		i = j
	}
}

// thisYear is about when passwords are chosen: years near it are tried first.
const thisYear = 2026

func yearBits(year int) float64 {
	return math.Log2(math.Max(20, math.Abs(float64(year-thisYear))))
}

// dates finds years and days, with or without separators.
func dates(text string, add adder) {
	for i := range len(text) {
		for n := 4; n <= 10 && i+n <= len(text); n++ {
			token := text[i : i+n]
			if year, ok := number(token); ok && n == 4 && year >= 1900 && year < 2050 {
				add(i, i+n, yearBits(year))
			}
			if n <= 8 {
				if _, ok := number(token); ok {
					for a := 1; a <= 4; a++ {
						for b := 1; b <= 2 && a+b < n; b++ {
							day(token[:a], token[a:a+b], token[a+b:], 0, i, i+n, add)
						}
					}
					continue
				}
			}
			// day, separator, month, the same separator, year
			at := strings.IndexAny(token, " /\\_.-")
			if n < 6 || at < 1 {
				continue
			}
			part := strings.Split(token, token[at:at+1])
			if len(part) == 3 {
				day(part[0], part[1], part[2], 2, i, i+n, add)
			}
		}
	}
}

// day adds three numbers that can be read as a day: the year first or last, the
// day and the month in any order.
func day(a, b, c string, more float64, from, to int, add adder) {
	x, ok1 := number(a)
	y, ok2 := number(b)
	z, ok3 := number(c)
	if !ok1 || !ok2 || !ok3 || len(a) > 4 || len(b) > 2 || len(c) > 4 {
		return
	}
	read := func(year, d, m int) {
		if !(d >= 1 && d <= 31 && m >= 1 && m <= 12) && !(m >= 1 && m <= 31 && d >= 1 && d <= 12) {
			return
		}
		switch {
		case year >= 1000 && year <= 2050:
		case year > 50 && year < 100:
			year += 1900
		case year <= 50:
			year += 2000
		default:
			return
		}
		add(from, to, yearBits(year)+math.Log2(365)+more)
	}
	read(z, x, y)
	read(x, y, z)
}

func number(s string) (n int, ok bool) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, s != ""
}
