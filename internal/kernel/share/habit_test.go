package share_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/share"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// habit is what is kept of one person and one of those they share with.
type habit struct {
	person, principal string
	times             int
	starred           bool
}

func keep(t *testing.T, a *testapp.App, list ...habit) {
	t.Helper()
	school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	write(t, a, func(tx *db.Tx) error {
		for n, h := range list {
			if _, err := tx.Exec(t.Context(), `INSERT INTO share_habit (person, school, principal, times, starred, used_at) VALUES ($1, $2, $3, $4, $5, $6)`,
				h.person, school, h.principal, h.times, h.starred, a.Core.Clock.Now().UnixMilli()+int64(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func write(t *testing.T, a *testapp.App, f func(tx *db.Tx) error) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// kept fails unless these habits are all that there is.
func kept(t *testing.T, a *testapp.App, want ...habit) {
	t.Helper()
	rows, err := db.All[struct {
		Person, Principal string
		Times             int
		Starred           bool
	}](t.Context(), a.Core.DB, `SELECT person, principal, times, starred FROM share_habit`)
	if err != nil {
		t.Fatal(err)
	}
	got := map[habit]bool{}
	for _, r := range rows {
		got[habit{r.Person, r.Principal, r.Times, r.Starred}] = true
	}
	for _, h := range want {
		if !got[h] {
			t.Errorf("%+v is not kept", h)
		}
		delete(got, h)
	}
	for h := range got {
		t.Errorf("%+v is kept", h)
	}
}

// What is kept of whom somebody shares with is theirs to take along, with names
// that they can read, and nobody else's.
func TestHabitsAreExported(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, antoine := a.As("helene.duvivier").ID, a.As("nadia.kermadec").ID, a.As("antoine.mercier").ID
	keep(t, a, habit{helene, "person:" + nadia, 3, true}, habit{helene, "school:teacher", 1, false}, habit{antoine, "person:" + helene, 2, false})
	export := func(person string) string {
		t.Helper()
		said := ""
		if err := share.App(a.Core).Export(t.Context(), a.Core.DB, person, func(name string, v any) error {
			b, err := json.Marshal(v)
			said += name + " " + string(b)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return said
	}
	got := export(helene)
	for _, want := range []string{"share_habits", "Nadia", "Kermadec", "school:teacher", `"Times":3`, `"Starred":true`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if strings.Contains(got, antoine) || strings.Contains(export(nadia), "Kermadec") {
		t.Error("what others do is among one's data")
	}
}

// Somebody who is erased has no habits, and is none of others'.
func TestHabitsAreErased(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, antoine := a.As("helene.duvivier").ID, a.As("nadia.kermadec").ID, a.As("antoine.mercier").ID
	stays := habit{antoine, "person:" + helene, 1, true}
	keep(t, a, habit{nadia, "person:" + helene, 3, true}, habit{antoine, "person:" + nadia, 2, false}, stays)
	write(t, a, func(tx *db.Tx) error { return share.App(a.Core).Erase(t.Context(), tx, rights.System("test"), nadia) })
	kept(t, a, stays)
}

// Two records of one person become one, as the one who shares and as one with
// whom others do: what both had is added, and nobody shares with themselves.
func TestHabitsFollowAMerge(t *testing.T) {
	a := testapp.New(t)
	winner, loser := a.As("helene.duvivier").ID, a.As("julien.lecoq").ID
	nadia, antoine := a.As("nadia.kermadec").ID, a.As("antoine.mercier").ID
	keep(t, a,
		habit{winner, "person:" + nadia, 3, false}, habit{loser, "person:" + nadia, 2, true}, habit{loser, "school:teacher", 4, false},
		habit{nadia, "person:" + winner, 1, true}, habit{nadia, "person:" + loser, 5, false}, habit{antoine, "person:" + loser, 2, false},
		habit{winner, "person:" + loser, 6, true}, habit{loser, "person:" + winner, 7, true})
	write(t, a, func(tx *db.Tx) error {
		return share.App(a.Core).Merge(t.Context(), tx, rights.System("test"), winner, loser)
	})
	kept(t, a,
		habit{winner, "person:" + nadia, 5, true}, habit{winner, "school:teacher", 4, false},
		habit{nadia, "person:" + winner, 6, true}, habit{antoine, "person:" + winner, 2, false})
}
