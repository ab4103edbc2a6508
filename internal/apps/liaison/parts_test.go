package liaison

import (
	"io/fs"
	"regexp"
	"slices"
	"testing"
)

// A word that goes takes all that is held of it: a new table must be told of.
func TestEveryPartOfAWordIsKnown(t *testing.T) {
	table := regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n\);`)
	refers := regexp.MustCompile(`REFERENCES word \(id\)`)
	found := 0
	names, err := fs.Glob(files, "migrations/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range table.FindAllStringSubmatch(string(text), -1) {
			if !refers.MatchString(m[2]) {
				continue
			}
			found++
			if !slices.Contains(parts, m[1]) {
				t.Errorf("%s holds something of a word and is not in parts", m[1])
			}
		}
	}
	if found < len(parts) {
		t.Errorf("%d tables for %d parts", found, len(parts))
	}
}
