package search

import (
	"crypto/sha256"
	"encoding/base32"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"marelle/internal/platform/i18n"
)

// longest is where a word is cut, in characters, in items and in questions alike.
const longest = 40

// word is one word of a text: folded, with the bytes that it came from. A
// joined one spans words that an apostrophe or a hyphen holds together.
type word struct {
	text     string
	from, to int
	joined   bool
}

// split finds the words of a text: runs of letters and digits. "l'école" is l
// and ecole, and lecole besides, as hurried thumbs type it.
func split(s string) []word {
	var out []word
	var raw strings.Builder
	start, end := -1, -1
	first := 0 // of the words held together
	close := func(held bool) {
		if start >= 0 {
			if w := fold(raw.String()); w != "" {
				out = append(out, word{text: w, from: start, to: end})
			}
			raw.Reset()
			start = -1
		} else {
			held = false // two signs in a row part words
		}
		if held {
			return
		}
		if group := out[first:]; len(group) > 1 {
			var b strings.Builder
			for _, w := range group {
				b.WriteString(w.text)
			}
			if utf8.RuneCountInString(b.String()) <= longest {
				out = append(out, word{b.String(), group[0].from, group[len(group)-1].to, true})
			}
		}
		first = len(out)
	}
	for i, r := range s {
		switch {
		case holds(r):
			close(true)
		case unicode.IsLetter(r), unicode.IsDigit(r):
			if start < 0 {
				start = i
			}
			raw.WriteRune(r)
			end = i + utf8.RuneLen(r)
		case start >= 0 && unicode.Is(unicode.Mn, r):
			raw.WriteRune(r)
			end = i + utf8.RuneLen(r)
		case start >= 0 && unicode.Is(unicode.Cf, r): // a soft hyphen, a joiner: not seen
		default:
			close(false)
		}
	}
	close(false)
	return out
}

// holds says whether a sign holds two words together.
func holds(r rune) bool {
	switch r {
	case '\'', '’', 'ʼ', '-', '‐', '‑':
		return true
	}
	return false
}

// fold takes accents, case and ligatures away, and keeps letters and digits only.
func fold(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, i18n.Fold(norm.NFKC.String(s)))
	if utf8.RuneCountInString(s) > longest {
		s = string([]rune(s)[:longest])
	}
	return s
}

// little are words that say nothing by themselves; a question that has others
// does without them, but for a letter at its end: "CE1 A", "groupe D".
var little = func() map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(`a au aux avec c ce ces d dans de des du elle en est et il ils j je l la le les leur m ma mes mon n ne nos notre nous
		on ou par pas pour qu que qui s sa se ses si son sur t ta te tes ton tu un une vos votre vous y`) {
		m[w] = true
	}
	return m
}()

// term is one word of a question: what it may be the beginning of, and other
// forms that it may be.
type term struct {
	prefix string
	exact  []string
}

// most is how many words of a question count.
const most = 8

// ask reads a question: its words, each once.
func ask(s string) []term {
	words := slices.DeleteFunc(split(s), func(w word) bool { return w.joined })
	var all, telling []string
	for i, w := range words {
		if slices.Contains(all, w.text) {
			continue
		}
		all = append(all, w.text)
		if !little[w.text] || len(w.text) == 1 && i == len(words)-1 {
			telling = append(telling, w.text)
		}
	}
	if len(telling) == 0 {
		telling = all
	}
	var out []term
	for _, w := range telling[:min(len(telling), most)] {
		out = append(out, newTerm(w))
	}
	return out
}

// newTerm finds a word by its beginning, and by its other number: sorties is
// sortie too, and chevaux is cheval. A single sign ("CE1 B", "le 2") is found
// as such only.
func newTerm(w string) term {
	n := utf8.RuneCountInString(w)
	if n == 1 {
		return term{exact: []string{w}}
	}
	t := term{prefix: w}
	if n >= 4 && (strings.HasSuffix(w, "s") || strings.HasSuffix(w, "x")) {
		t.exact = append(t.exact, w[:len(w)-1])
	}
	if stem, ok := strings.CutSuffix(w, "aux"); ok && n >= 5 {
		t.exact = append(t.exact, stem+"al")
	}
	if stem, ok := strings.CutSuffix(w, "al"); ok && n >= 5 {
		t.exact = append(t.exact, stem+"aux")
	}
	return t
}

// fits says whether a folded word answers the term.
func (t term) fits(w string) bool {
	return t.prefix != "" && strings.HasPrefix(w, t.prefix) || slices.Contains(t.exact, w)
}

// What precedes each word in the index: where it stands, and the school, so
// that a question reads only what its school wrote.
const (
	inTitle  = "t"
	anywhere = "a"
)

// key is eight signs that stand for a school. Two schools with the same would
// only cost time: rights are checked on each item.
func key(school string) string {
	sum := sha256.Sum256([]byte(school))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:5]))
}

// tokens are what the index keeps of an item, each once, in order.
func tokens(school, title, text string) string {
	k := key(school)
	var out []string
	for _, w := range split(title) {
		out = append(out, inTitle+k+w.text, anywhere+k+w.text)
	}
	for _, w := range split(text) {
		out = append(out, anywhere+k+w.text)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// syntax is how an engine writes a question. Words are letters and digits
// only: no sign that a person types reaches it.
type syntax struct{ quote, prefix, and, or string }

// write asks for every term in one of the schools.
func (s syntax) write(where string, schools []string, terms []term) string {
	bySchool := make([]string, len(schools))
	for i, school := range schools {
		k := where + key(school)
		all := make([]string, len(terms))
		for j, t := range terms {
			var forms []string
			if t.prefix != "" {
				forms = append(forms, s.quote+k+t.prefix+s.quote+s.prefix)
			}
			for _, e := range t.exact {
				forms = append(forms, s.quote+k+e+s.quote)
			}
			all[j] = "(" + strings.Join(forms, s.or) + ")"
		}
		bySchool[i] = "(" + strings.Join(all, s.and) + ")"
	}
	return strings.Join(bySchool, s.or)
}
