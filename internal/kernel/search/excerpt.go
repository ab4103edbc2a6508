package search

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// Span is a piece of a text; Found is a word that was asked for.
type Span struct {
	Text  string
	Found bool
}

// Sizes of an excerpt, in characters: all of it, and what precedes the first
// word found.
const (
	excerpt = 180
	before  = 40
)

// found is where a word of a text answers a term of the question.
type found struct{ from, to, term int }

func finds(s string, terms []term) []found {
	var out []found
	for _, w := range split(s) {
		for n, t := range terms {
			if t.fits(w.text) {
				out = append(out, found{w.from, w.to, n})
				break
			}
		}
	}
	slices.SortFunc(out, func(a, b found) int { return a.from - b.from })
	return out
}

// mark cuts s[from:to] where words were found.
func mark(s string, from, to int, list []found) []Span {
	var out []Span
	at := from
	for _, f := range list {
		if f.to > to || f.from < from || f.to <= at {
			continue
		}
		start := max(f.from, at) // joined words lie over their parts
		if start > at {
			out = append(out, Span{Text: s[at:start]})
		}
		if n := len(out); n > 0 && out[n-1].Found {
			out[n-1].Text += s[start:f.to]
		} else {
			out = append(out, Span{s[start:f.to], true})
		}
		at = f.to
	}
	if at < to {
		out = append(out, Span{Text: s[at:to]})
	}
	return out
}

// around marks the part of a text that answers best: where most different
// words of the question stand together, the first of such places.
func around(s string, terms []term) []Span {
	list := finds(s, terms)
	start, best := 0, 0
	for i, f := range list {
		seen := map[int]bool{}
		for _, g := range list[i:] {
			if g.to-f.from > excerpt-before {
				break
			}
			seen[g.term] = true
		}
		if len(seen) > best {
			start, best = f.from, len(seen)
		}
		if best == len(terms) {
			break
		}
	}
	from := back(s, start, before)
	to := forth(s, from, excerpt)
	out := mark(s, from, to, list)
	if from > 0 {
		out = append([]Span{{Text: "… "}}, out...)
	}
	if to < len(s) {
		out = append(out, Span{Text: "…"})
	}
	return out
}

// back goes at most n characters before at, to the beginning of a word.
func back(s string, at, n int) int {
	from := at
	for range n {
		if from == 0 {
			return 0
		}
		_, size := utf8.DecodeLastRuneInString(s[:from])
		from -= size
	}
	if i := strings.IndexByte(s[from:at], ' '); i >= 0 {
		return from + i + 1
	}
	return at
}

// forth goes at most n characters beyond from, to the end of a word.
func forth(s string, from, n int) int {
	to := from
	for range n {
		if to == len(s) {
			return to
		}
		_, size := utf8.DecodeRuneInString(s[to:])
		to += size
	}
	if i := strings.LastIndexByte(s[from:to], ' '); i > 0 && to < len(s) {
		return from + i
	}
	return to
}
