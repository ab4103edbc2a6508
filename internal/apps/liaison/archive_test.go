package liaison_test

import (
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// earlier puts every word back by some days, as if they had been sent then.
func earlier(t *testing.T, a *testapp.App, days int64) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		for _, table := range []string{"word", "word_pupil", "word_class"} {
			if _, err := tx.Exec(t.Context(), `UPDATE `+table+` SET published_at = published_at - $1`, days*24*time.Hour.Milliseconds()); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func TestOlderYearsAreInTheArchive(t *testing.T) {
	a := testapp.New(t)
	w := sent(t, a, "Avant les vacances", "read", "theme", "leisure")
	earlier(t, a, 120) // all of it is the school year 2025 now
	for _, login := range []string{"helene.duvivier", "nadia.kermadec", "ines.kermadec"} {
		p := a.As(login)
		p.Get("/carnet").OK().Lacks("Avant les vacances", "2024-2025").Has("Aucun mot cette année", "2026-2027", "2025-2026")
		p.Get("/carnet?annee=2025").OK().Has("Avant les vacances", trip, w+"?annee=2025")
		p.Get("/carnet?annee=2025&theme=leisure").OK().Has("Avant les vacances").Lacks(trip)
		p.Get("/carnet?annee=2025&theme=canteen").OK().Lacks("Avant les vacances", trip)
		p.Get("/carnet?annee=2024").OK().Lacks("Avant les vacances", trip)
		p.Get(w+"?annee=2025").OK().Has("Avant les vacances", "Dites-nous", trip)
		for _, wrong := range []string{"zzz", "1999", "3000", "-1", "2025'"} {
			p.Get("/carnet?annee=" + wrong).OK().Lacks("Avant les vacances")
		}
	}
	// The year stays chosen from page to page, and so does the child.
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	page := helene.Get("/carnet?annee=2025").OK()
	_, next, ok := strings.Cut(page.Body, `href="/carnet?annee=2025&amp;avant=`)
	if !ok {
		t.Fatalf("no more of the year in\n%s", page.Body)
	}
	before, _, _ := strings.Cut(next, `"`)
	helene.Get("/carnet?annee=2025&avant="+before).OK().Has("?annee=2025").Lacks("Avant les vacances", trip)
	nadia.Get("/carnet?annee=2025").OK().Has("/carnet?annee=2025&amp;enfant=" + pupil(t, a, "ines.kermadec"))
	// An older year costs what this one does.
	for _, p := range []*testapp.Person{helene, nadia} {
		now := statements(a, func() { p.Get("/carnet").OK() })
		then := statements(a, func() { p.Get("/carnet?annee=2025").OK() })
		if then > now || now == 0 {
			t.Errorf("%s: %d statements for an older year, %d for this one", p.Login, then, now)
		}
	}
	// Who has no word of another year has no choice to make.
	a.As("martine.wallon").Get("/carnet").OK().Lacks("Année scolaire")
}

func TestCarnetIsSearched(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	nadia.Get("/carnet").OK().Has(`action="/recherche"`, `name="dans" value="liaison"`, "Un mot du carnet")
	nadia.Get("/recherche?q=phoques&dans=liaison").OK().Has("baie de Somme", "<mark>phoques</mark>")
}
