package secret

import (
	_ "embed"
	"strings"
)

// knownList is the words that guessers try first, sorted, each followed by the
// sign of its rank ('A' and the half bits). It stays text: a binary search in
// the binary's own pages costs nothing at start, nor any memory until somebody
// chooses a password.
//
//go:generate go run ./lists
//go:embed known.txt
var knownList string

// longestKnown bounds the words looked for, those of a person's own included.
const longestKnown = 32

// known says how many bits it takes to guess a word of the list.
func known(word string) (bits float64, ok bool) {
	low, high := 0, len(knownList)
	for low < high {
		at := (low + high) / 2
		start := low + strings.LastIndexByte(knownList[low:at], '\n') + 1
		end := start + strings.IndexByte(knownList[start:], '\n')
		switch here := knownList[start : end-1]; {
		case here == word:
			return float64(knownList[end-1]-'A') / 2, true
		case here < word:
			low = end + 1
		default:
			high = start
		}
	}
	return 0, false
}
