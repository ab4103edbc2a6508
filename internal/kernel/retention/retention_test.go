package retention_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/retention"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// Three months after a family left, no table names them (arrêté of 30 November
// 2006, article 6).
func TestNobodyIsKeptThreeMonthsAfterLeaving(t *testing.T) {
	a := testapp.New(t)
	ctx := t.Context()
	ines := a.As("ines.kermadec")
	word := a.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`)
	a.As("helene.duvivier").Get("/carnet/" + word).OK().Has("Inès Kermadec")
	school := a.One(`SELECT school FROM membership WHERE person = $1`, ines.ID)
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		return people.Apply(ctx, tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{
			School: school, Leave: []people.Membership{{Person: ines.ID, School: school, Profile: rights.Pupil}},
		})
	}); err != nil {
		t.Fatal(err)
	}
	sweep := func(days int) {
		t.Helper()
		a.Core.Clock.Advance(time.Duration(days) * 24 * time.Hour)
		if err := retention.Sweep(ctx, a.Core); err != nil {
			t.Fatal(err)
		}
	}
	sweep(90)
	if n := a.One(`SELECT first FROM person WHERE id = $1`, ines.ID); n != "Inès" {
		t.Fatalf("forgotten too early: %q", n)
	}
	// One who cannot be forgotten keeps nobody else, and stays in the error.
	failing := errors.New("one who cannot be forgotten")
	a.Core.Apps = append(a.Core.Apps, app.App{Name: "test", Erase: func(context.Context, *db.Tx, rights.Grant, string) error { return failing }})
	a.Core.Clock.Advance(3 * 24 * time.Hour)
	if err := retention.Sweep(ctx, a.Core); !errors.Is(err, failing) {
		t.Fatalf("%v", err)
	}
	a.Core.Apps = a.Core.Apps[:len(a.Core.Apps)-1]
	// Who comes back between the list and the erasure stays.
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		gone, err := people.HasLeft(ctx, tx, a.Core.Clock.Now().Add(-92*24*time.Hour), ines.ID)
		if back, e := people.HasLeft(ctx, tx, a.Core.Clock.Now().Add(-96*24*time.Hour), ines.ID); !gone || back || e != nil {
			t.Errorf("gone: %v, and earlier: %v (%v)", gone, back, e)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	sweep(0)
	var left []string
	for _, table := range []string{"person", "membership", "class_member", "family_link", "person_principal", "word_pupil", "receipt", "event_pupil", "feed", "told_choice", "told_off", "told_hours", "delivery", "push_subscription", "refused_address", "session", "activation_code", "charter_acceptance"} {
		rows, err := a.Core.DB.QueryContext(ctx, `SELECT * FROM `+table)
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			cells := make([]any, len(columns))
			for i := range cells {
				cells[i] = new(any)
			}
			if err := rows.Scan(cells...); err != nil {
				t.Fatal(err)
			}
			for i, c := range cells {
				s, _ := (*c.(*any)).(string)
				if s == ines.ID && table != "person" || strings.Contains(s, "ines.kermadec") || s == "Inès" && table == "person" {
					left = append(left, table+"."+columns[i])
				}
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	// Other pupils of the sample may be called Inès: hers was the only renard.
	if a.One(`SELECT first || avatar FROM person WHERE id = $1`, ines.ID) != "" {
		left = append(left, "her own row")
	}
	if len(left) > 0 {
		t.Errorf("still there: %v", left)
	}
	if a.One(`SELECT count(*) || '' FROM audit WHERE action = 'person.erase' AND target = $1`, ines.ID) != "1" {
		t.Error("no trace of the erasure")
	}
	if n, err := people.Drift(ctx, a.Core.DB); err != nil || n != 0 {
		t.Errorf("principals drift by %d (%v)", n, err)
	}
	sweep(1) // again: nothing more
	a.As("nadia.kermadec").Get("/").OK().Has("Bonjour Nadia").Lacks("Inès")
}
