package server_test

import (
	"context"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// growing are the tables that get longer with each year of a school.
var growing = []string{"feed", "event", "event_pupil", "resource", "resource_grant", "word", "word_pupil", "receipt", "reply", "delivery", "note", "note_message",
	"absence", "document", "document_version", "file", "file_variant", "file_use", "search_entry"}

var (
	named  = regexp.MustCompile(`(?i)\b(?:FROM|JOIN|UPDATE)\s+(\w+)(?:\s+(?:AS\s+)?(\w+))?`)
	walked = regexp.MustCompile(`^SCAN (\w+)`)
)

// No page goes through all that a school, or a portal, has: SQLite says how it
// would find what each statement asks for. It plans without statistics, so that a
// small school shows what a large one would suffer.
func TestNoPageWalksASchool(t *testing.T) {
	a := testapp.New(t)
	if a.Core.DB.Dialect() != db.SQLite {
		return // plans there follow statistics
	}
	path := a.Paths(nil)
	seen := map[string]bool{}
	for _, login := range []string{"nadia.kermadec", "helene.duvivier", "claire.fontaine", "ines.kermadec"} {
		p := a.As(login)
		for _, r := range a.Routes() {
			if r.Method != http.MethodGet {
				continue
			}
			type statement struct {
				text string
				args []any
			}
			var mu sync.Mutex
			var list []statement
			a.Core.DB.Watch(func(_ context.Context, text string, args []any) {
				mu.Lock()
				defer mu.Unlock()
				if !seen[text] && !strings.Contains(text, "river") {
					seen[text] = true
					list = append(list, statement{text, slices.Clone(args)})
				}
			})
			p.Do(http.MethodGet, path(r), "", nil)
			a.Core.DB.Watch(nil)
			for _, s := range list {
				tables := map[string]string{}
				for _, m := range named.FindAllStringSubmatch(s.text, -1) {
					tables[m[1]] = m[1]
					if m[2] != "" {
						tables[m[2]] = m[1]
					}
				}
				steps, err := db.All[struct {
					ID, Parent, Notused int
					Detail              string
				}](t.Context(), a.Core.DB, `EXPLAIN QUERY PLAN `+s.text, s.args...)
				if err != nil {
					t.Fatalf("%s: %v\n%s", r.Pattern, err, s.text)
				}
				for _, step := range steps {
					m := walked.FindStringSubmatch(step.Detail)
					if m != nil && slices.Contains(growing, tables[m[1]]) || strings.Contains(step.Detail, "resource_kind (school=?)") {
						t.Errorf("%s as %s: %s\n%s", r.Pattern, login, step.Detail, s.text)
					}
				}
			}
		}
	}
	if len(seen) < 50 {
		t.Errorf("%d statements were looked at", len(seen))
	}
}
