// Command lists writes ../known.txt, the words that a guesser tries first, from
// the frequency lists of zxcvbn (passwords, English words, names, films): run
// `go generate ./internal/platform/secret`. Its lists go into the binary as
// text, because the library itself unpacks them at every start.
package main

import (
	"log"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/trustelem/zxcvbn/frequency"
)

func main() {
	log.SetFlags(0)
	best := map[string]int{}
	for _, list := range frequency.FrequencyLists {
		for i, w := range list {
			w = strings.ToLower(w)
			if rank, ok := best[w]; strings.IndexFunc(w, unusable) < 0 && (!ok || i+1 < rank) {
				best[w] = i + 1
			}
		}
	}
	lines := make([]string, 0, len(best))
	for w, rank := range best {
		// The sign after the word is its rank in half bits: one sign is enough
		// for 2^40.
		lines = append(lines, w+string(rune('A'+int(math.Floor(2*math.Log2(float64(rank))))))+"\n")
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[:len(a)-2], b[:len(b)-2]) })
	if err := os.WriteFile("known.txt", []byte(strings.Join(lines, "")), 0o644); err != nil {
		log.Fatal("lists: ", err)
	}
}

func unusable(r rune) bool { return r <= ' ' || r > '~' }
