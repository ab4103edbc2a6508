package documents_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// The lists of a space of 10,000 files and folders of which 200 are shared, beside
// a colleague's as large: what a page costs, in how many statements, and with -v
// how the database answers each of those that read documents.
func BenchmarkLargeSpace(b *testing.B) {
	a := testapp.New(b)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	in := ""
	for _, p := range []*testapp.Person{a.As("julien.lecoq"), helene} {
		in = fill(b, a, p.ID, []string{families(a, "CE1 B"), "person:" + nadia.ID})
	}
	var said []statement
	a.Core.DB.Watch(func(_ context.Context, text string, args []any) {
		if strings.Contains(text, "document") {
			said = append(said, statement{text, args})
		}
	})
	for _, c := range []struct {
		who  *testapp.Person
		path string
	}{
		{helene, "/documents"}, {helene, "/documents/" + in}, {helene, "/documents/" + in + "/partage"}, {helene, "/documents/services"}, {helene, "/documents/corbeille"},
		{helene, "/documents/" + in + "/deplacer"}, {nadia, "/documents/partages"}, {nadia, "/documents/" + in},
	} {
		name := strings.ReplaceAll(strings.TrimPrefix(c.path, "/"), in, "…")
		b.Run(strings.ReplaceAll(name, "/", "-"), func(b *testing.B) {
			for b.Loop() {
				said = said[:0]
				if page := c.who.Get(c.path); page.Status != 200 {
					b.Fatal(page.Status)
				}
			}
			b.ReportMetric(float64(len(said)), "statements")
			if testing.Verbose() {
				for _, s := range slices.Clone(said) {
					b.Log(s.plan(b, a))
				}
			}
		})
	}
	a.Core.DB.Watch(nil)
}

type statement struct {
	text string
	args []any
}

func (s statement) plan(b *testing.B, a *testapp.App) string {
	var out []string
	var err error
	if a.Core.DB.Dialect() == db.Postgres {
		out, err = db.All[string](b.Context(), a.Core.DB, "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) "+s.text, s.args...)
	} else {
		var rows []struct {
			ID, Parent, Notused int
			Detail              string
		}
		rows, err = db.All[struct {
			ID, Parent, Notused int
			Detail              string
		}](b.Context(), a.Core.DB, "EXPLAIN QUERY PLAN "+s.text, s.args...)
		for _, r := range rows {
			out = append(out, r.Detail)
		}
	}
	if err != nil {
		out = append(out, err.Error())
	}
	return "\n" + strings.Join(strings.Fields(s.text), " ") + "\n\t" + strings.Join(out, "\n\t")
}

// fill gives somebody 100 folders of 99 folders and files each, two things of
// each of which are shared, and returns one of them.
func fill(b *testing.B, a *testapp.App, owner string, shared []string) string {
	b.Helper()
	school := a.One(`SELECT school FROM membership WHERE person = $1 LIMIT 1`, owner)
	now := a.Core.Clock.Now().UnixMilli()
	var common, rows, grants, shares [][]any
	last := ""
	add := func(parent any, name string, open bool) string {
		one := id.New()
		common = append(common, []any{one, school, string(documents.Document), one, owner, name, "", now, now})
		rows = append(rows, []any{one, school, owner, owner, parent, true, name, strings.ToLower(name), now})
		grants = append(grants, []any{one, "person:" + owner, int(rights.Manage)})
		if open {
			for _, p := range shared {
				grants = append(grants, []any{one, p, int(rights.Read)})
			}
			shares = append(shares, []any{one, shared[len(shares)%len(shared)], int(rights.Read), now})
		}
		return one
	}
	for n := range 100 {
		last = add(nil, fmt.Sprintf("Dossier %d", n), true)
		for k := range 99 {
			add(last, fmt.Sprintf("Dedans %d %d", n, k), k == 0)
		}
	}
	if err := a.Core.DB.Write(b.Context(), func(tx *db.Tx) error {
		for _, t := range []struct {
			text string
			rows [][]any
		}{
			{`INSERT INTO resource (id, school, kind, root, owner, title, summary, created_at, updated_at) VALUES `, common},
			{`INSERT INTO document (id, school, owner, author, parent, folder, name, name_key, changed_at) VALUES `, rows},
			{`INSERT INTO resource_grant (resource, principal, role) VALUES `, grants},
			{`INSERT INTO document_share (node, principal, role, at) VALUES `, shares},
		} {
			if _, err := db.Insert(b.Context(), tx, t.text, "", t.rows); err != nil {
				return err
			}
		}
		_, err := tx.Exec(b.Context(), `ANALYZE`)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	return last
}
