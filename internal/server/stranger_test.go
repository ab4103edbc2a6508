package server_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// rows are all rows of the database that name one of ids, and not but: what is
// somebody's own may change. The log of acts and the queue are no part of it,
// nor is the name that somebody typed to activate or find an account.
func rows(t *testing.T, a *testapp.App, ids map[string]bool, but string) map[string]bool {
	t.Helper()
	columns := `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name NOT IN ('recovery_request', 'entry') ORDER BY table_name, column_name`
	if a.Core.DB.Dialect() == db.SQLite {
		columns = `SELECT l.name || '.' || x.name FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) x WHERE l.schema = 'main' AND l.type = 'table' AND l.name NOT IN ('recovery_request', 'entry') ORDER BY l.name, x.name`
	}
	list, err := db.All[string](t.Context(), a.Core.DB, columns)
	if err != nil {
		t.Fatal(err)
	}
	of := map[string][]string{}
	for _, c := range list {
		table, column, _ := strings.Cut(c, ".")
		if table == "audit" || strings.HasPrefix(table, "river_") || strings.HasPrefix(table, "sqlite_") || strings.HasPrefix(table, "search_") {
			continue
		}
		of[table] = append(of[table], `coalesce(CAST("`+column+`" AS TEXT), '')`)
	}
	out := map[string]bool{}
	for _, table := range slices.Sorted(maps.Keys(of)) {
		all, err := db.All[string](t.Context(), a.Core.DB, fmt.Sprintf(`SELECT %s FROM "%s"`, strings.Join(of[table], ` || '|' || `), table))
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range all {
			if but != "" && strings.Contains(row, but) {
				continue
			}
			if slices.ContainsFunc(uuid.FindAllString(row, -1), func(id string) bool { return ids[id] }) {
				out[table+": "+row] = true
			}
		}
	}
	if len(out) < 1000 {
		t.Fatalf("only %d rows are watched", len(out))
	}
	return out
}

// Whatever somebody sends who has no right on a class, its pupils, its words
// or its school, not one row that names them changes, and no page tells of
// them.
func TestOthersChangeNothing(t *testing.T) {
	a := testapp.New(t)
	home := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	ids, values := map[string]bool{home: true}, []string{home, "1", "oui", "2026-11-23", "x"}
	for _, q := range []string{`SELECT person FROM membership WHERE school = $1`, `SELECT id FROM class WHERE school = $1`, `SELECT id FROM word WHERE school = $1`,
		`SELECT id FROM school_group WHERE school = $1`, `SELECT id FROM resource WHERE school = $1`} {
		list, err := db.All[string](t.Context(), a.Core.DB, q, home)
		if err != nil {
			t.Fatal(err)
		}
		for n, id := range list {
			ids[id] = true
			if n < 40 {
				values = append(values, id)
			}
		}
	}
	path, names, chance := a.Paths(nil), fields(t), rand.New(rand.NewPCG(7, 8))
	// Whoever is of the school changes things there by the pages without an
	// identifier, as they may.
	who := map[string]bool{"": false, "parent.duport": false, "eleve.duport": false, "maitre.duport": false, "directrice.duport": false,
		"antoine.mercier": true, a.One(`SELECT min(p.login) FROM person p JOIN membership m ON m.person = p.id AND m.profile = 'relative' AND m.school = $1
			WHERE p.activated_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM person_principal pp JOIN class c ON pp.principal = 'class:' || c.id || ':relative' WHERE pp.person = p.id AND c.label = 'CE1 B')`, home): true}
	for login, ofSchool := range who {
		own := ""
		if login != "" {
			own = a.As(login).ID
		}
		before := rows(t, a, ids, own)
		for _, r := range a.Routes() {
			if r.Method != http.MethodPost || ofSchool && !strings.Contains(r.Pattern, "{") {
				continue
			}
			for range 3 {
				form := url.Values{}
				for _, n := range names {
					if chance.IntN(5) > 0 {
						form.Set(n, values[chance.IntN(len(values))])
					}
				}
				p := a.Stranger()
				if login != "" {
					p = a.As(login)
				}
				page := p.Do(http.MethodPost, path(r)+"?ecole="+home, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
				if strings.Contains(page.Body, "Kermadec") && !ofSchool {
					t.Errorf("POST %s tells %q of a family of another school", r.Pattern, login)
				}
			}
		}
		after := rows(t, a, ids, own)
		for row := range before {
			if !after[row] {
				t.Errorf("%q has changed or removed %.300s", login, row)
			}
		}
		for row := range after {
			if !before[row] {
				t.Errorf("%q has added %.300s", login, row)
			}
		}
	}
}
