package liaison_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// morning turns the clock to 7:30 in Paris on the Tuesday after the sample's
// Monday.
func morning(a *testapp.App) {
	a.Core.Clock.Advance(time.Date(2026, 11, 24, 6, 30, 0, 0, time.UTC).Sub(a.Core.Clock.Now()))
}

func child(t *testing.T, a *testapp.App, login string) string {
	t.Helper()
	return one(t, a, `SELECT id FROM person WHERE login = $1`, login)
}

// announced has a relative announce an absence, and is its path.
func announced(t *testing.T, a *testapp.App, login, pupil, day string, more ...string) string {
	t.Helper()
	form := append([]string{"enfant", child(t, a, pupil), "du", day}, more...)
	path, query, _ := strings.Cut(a.As(login).Post("/carnet/absence", form...).To(), "?")
	if query != "fait=annonce" {
		t.Fatalf("sent to %s?%s", path, query)
	}
	return path
}

func TestParentAnnouncesAnAbsence(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	nadia, helene, claire := a.As("nadia.kermadec"), a.As("helene.duvivier"), a.As("claire.fontaine")
	nadia.Get("/carnet/absence").OK().Has("Inès, CE1 B", "Yanis", "toute la journée").Lacks("Motif")
	nadia.Get("/carnet/absence?enfant="+child(t, a, "ines.kermadec")).OK().Has("Rien ne vous oblige à le dire", "Sans motif", "Maladie")
	// The one tap.
	absence := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-24", "fin", "apres-midi")
	nadia.Get(absence+"?fait=annonce").OK().Has("L’école est prévenue", absence+"/retirer", "Mardi\u00a024\u00a0novembre, toute la journée", "pas encore vu")
	helene.Get("/carnet").OK().Has("absence annoncée aujourd’hui", "Inès Kermadec")
	helene.Get("/").OK().Has("nouvelles absences annoncées", "Absence d’Inès Kermadec")
	helene.Get("/carnet/absences").OK().Has("Aujourd’hui, mardi", "CE1 B", "Inès Kermadec", "Toute la journée", absence+"/vu")
	claire.Get("/carnet/absences").OK().Has("Inès Kermadec")
	a.As("martine.wallon").Get("/carnet/absences").OK().Has("Inès Kermadec")
	a.As("antoine.mercier").Get("/carnet/absences").OK().Lacks("Inès Kermadec")
	nadia.Post(absence + "/vu").Denied()
	if to := helene.Post(absence+"/vu", "jour", "2026-11-24").To(); to != "/carnet/absences?fait=vu&jour=2026-11-24" {
		t.Errorf("sent to %s", to)
	}
	helene.Get("/carnet/absences").OK().Lacks(absence + "/vu")
	nadia.Get(absence).OK().Has("L’école l’a vu")
	// A second teacher marks nothing anew.
	claire.Post(absence + "/vu").To()
	helene.Get(absence).OK().Has("Vu par Hélène Duvivier")
	// The day before and after, and one class alone.
	helene.Get("/carnet/absences?jour=2026-11-25").OK().Lacks("Inès Kermadec").Has("jour=2026-11-24", "jour=2026-11-26")
	helene.Get("/carnet/absences?jour=2026-11-27").OK().Has("jour=2026-11-30") // no week-end
	claire.Get("/carnet/absences?jour=2026-11-23&classe=" + class(t, a, "CE1 B")).OK().Lacks("CM2 : ")
	helene.Get("/carnet/absences?jour=quand").OK().Has("Aujourd’hui")
	a.As("ines.kermadec").Get("/carnet/absences").Denied()
}

// Days without school are left out, half-days are chosen, what makes no sense
// is told and keeps what was typed.
func TestAbsenceOfHalfDays(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	helene := a.As("helene.duvivier")
	post := func(pairs ...string) *testapp.Page {
		return a.As("nadia.kermadec").Post("/carnet/absence", append([]string{"enfant", child(t, a, "ines.kermadec")}, pairs...)...)
	}
	halves := func(path string) string {
		rows, err := db.All[string](t.Context(), a.Core.DB, `SELECT day || ' ' || half FROM absence_half WHERE absence = $1 ORDER BY day, half`, strings.TrimPrefix(path, "/absence/"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(strings.Join(rows, ", "), "2026-", "")
	}
	for _, c := range []struct{ name, du, debut, au, fin, want, says string }{
		{"a morning", "2026-12-01", "matin", "", "matin", "12-01 0", "mardi\u00a01er\u00a0décembre, le matin"},
		{"an afternoon", "2026-12-03", "apres-midi", "", "apres-midi", "12-03 1", "l’après-midi"},
		{"a Wednesday", "2026-12-02", "matin", "", "apres-midi", "12-02 0", "mercredi\u00a02\u00a0décembre, le matin"},
		{"over a week-end", "2026-12-11", "apres-midi", "2026-12-14", "matin", "12-11 1, 12-14 0", "du vendredi\u00a011\u00a0décembre après-midi au lundi\u00a014\u00a0décembre matin"},
	} {
		path, _, _ := strings.Cut(post("du", c.du, "debut", c.debut, "au", c.au, "fin", c.fin).To(), "?")
		if got := halves(path); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
		if page := helene.Get(path).OK(); !strings.Contains(strings.ToLower(page.Body), strings.ToLower(c.says)) {
			t.Errorf("%s: the page does not say %q", c.name, c.says)
		}
	}
	for _, c := range []struct{ du, au, says string }{
		{"2026-11-23", "", "Ce jour est passé"}, {"2026-11-28", "2026-11-29", "Il n’y a pas d’école"}, {"2026-12-18", "2026-12-17", "La fin vient avant"},
		{"2026-12-17", "2027-03-01", "trop long"}, {"2027-11-24", "", "trop long"}, {"jamais", "", "Cette date n’existe pas"}, {"", "", "Cette date n’existe pas"},
		{"2026-12-01", "2026-12-01", "L’école sait déjà"},
	} {
		post("du", c.du, "au", c.au, "motif", "sick", "precision", "Un rhume").Faulty().Has(c.says, "Un rhume", `value="sick" selected`)
	}
	post("du", "2026-12-18", "precision", strings.Repeat("é", 201)).Faulty().Has("trop longue")
}

func TestAbsenceIsCorrectedUntilItBegins(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	absence := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-24", "au", "2026-11-26", "motif", "sick")
	helene.Post(absence + "/vu").To()
	a.Core.Clock.Advance(time.Minute)
	nadia.Post(absence, "du", "2026-11-24", "au", "2026-11-23").Faulty().Has("La fin vient avant")
	nadia.Post(absence, "du", "2026-11-24", "au", "2026-11-24", "fin", "matin", "motif", "appointment", "precision", "Dentiste").To()
	helene.Get(absence).OK().Has("Mardi\u00a024\u00a0novembre, le matin", "Rendez-vous", "Dentiste", absence+"/vu")
	helene.Get("/").OK().Has(absence)
	helene.Get("/carnet/absences?jour=2026-11-26").OK().Lacks("Inès Kermadec")
	// At ten the morning has begun: it stays; what is ahead may change.
	nadia.Post(absence, "du", "2026-11-24", "au", "2026-11-26").To()
	a.Core.Clock.Advance(3 * time.Hour)
	nadia.Post(absence, "du", "2026-11-26", "au", "2026-11-26").To()
	helene.Get("/carnet/absences").OK().Has("Inès Kermadec", "Matin")
	helene.Get("/carnet/absences?jour=2026-11-26").OK().Has("Inès Kermadec")
	helene.Post(absence, "du", "2026-11-27").Denied()
	helene.Post(absence + "/retirer").Denied()
	if to := nadia.Post(absence + "/retirer").To(); to != absence+"?fait=retire" {
		t.Errorf("sent to %s", to)
	}
	helene.Get("/carnet/absences?jour=2026-11-26").OK().Lacks("Inès Kermadec")
	helene.Get("/carnet/absences").OK().Has("Inès Kermadec", "Matin")
	nadia.Post(absence, "du", "2026-11-27").Faulty().Has("a commencé")
	nadia.Post(absence + "/retirer").Faulty().Has("a commencé")
	nadia.Get(absence).OK().Has("on ne peut plus la changer", "Écrire à l’enseignant")
	// All of one that is ahead: the school learns that the child comes.
	later := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-12-01", "motif", "family", "precision", "Mariage")
	a.Core.Clock.Advance(time.Minute)
	nadia.Post(later + "/retirer").To()
	helene.Get(later).OK().Has("Absence annulée d’Inès", "attendu à l’école").Lacks("Mariage", "/vu")
	helene.Get("/").OK().Has("Absence annulée")
	nadia.Post(later, "du", "2026-12-02").Faulty()
	// A slip of the thumb leaves no trace, even when school has begun.
	slip := announced(t, a, "nadia.kermadec", "yanis.kermadec", "2026-11-24")
	if to := nadia.Post(slip + "/retirer").To(); to != "/carnet/absences?fait=retire" {
		t.Errorf("sent to %s", to)
	}
	nadia.Get(slip).NotFound()
	if n := one(t, a, `SELECT count(*) || '' FROM event WHERE resource = $1`, strings.TrimPrefix(slip, "/absence/")); n != "0" {
		t.Errorf("%s events of a slip", n)
	}
}

// The other parent learns that the child is announced absent: neither why, nor
// by whom, nor anything else of it, on any page, in any list, feed or export.
func TestOtherParentLearnsOnlyThatTheChildIsAbsent(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	absence := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-24", "motif", "family", "precision", "Audience chez le juge")
	youssef, ines := a.As("youssef.kermadec"), a.As("ines.kermadec")
	youssef.Get("/carnet/absences").OK().Has("Inès", "mardi\u00a024\u00a0novembre, toute la journée", "annoncée à l’école").Lacks(absence, "juge", "Nadia")
	for _, p := range []*testapp.Person{youssef, ines} {
		p.Get(absence).NotFound()
		p.Post(absence, "du", "2026-11-25").NotFound()
		p.Post(absence + "/retirer").NotFound()
		p.Post(absence + "/vu").NotFound()
		for _, path := range []string{"/", "/carnet", "/recherche?q=absence", "/recherche?q=Audience", "/?enfant=" + child(t, a, "ines.kermadec")} {
			if page := p.Get(path).OK(); strings.Contains(page.Body, "chez le juge") || strings.Contains(page.Body, "/absence/") || strings.Contains(page.Body, "Absence d’") {
				t.Errorf("%s finds the absence on %s", p.Login, path)
			}
		}
		if all := exports(t, a, p.ID); strings.Contains(all, "juge") || strings.Contains(all, "family") {
			t.Errorf("the export of %s says why", p.Login)
		}
	}
	if all := exports(t, a, ines.ID); !strings.Contains(all, "2026-11-24") {
		t.Error("the export of a pupil without their absence")
	}
	if all := exports(t, a, a.As("nadia.kermadec").ID); !strings.Contains(all, "juge") {
		t.Error("an export without what one said")
	}
	// Saying it again says nothing more; for the afternoon of another day he may.
	youssef.Post("/carnet/absence", "enfant", ines.ID, "du", "2026-11-24", "precision", "Chez moi").Faulty().Has("L’école sait déjà", "Chez moi").Lacks("juge")
	mine := announced(t, a, "youssef.kermadec", "ines.kermadec", "2026-11-27")
	a.As("nadia.kermadec").Get(mine).NotFound()
	a.As("nadia.kermadec").Get("/carnet/absences").OK().Has("vendredi\u00a027\u00a0novembre").Lacks(mine)
	// As a teacher of the class he learns who is absent like any teacher, and no more of his own child.
	school, helene, ce1b := one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`), a.As("helene.duvivier"), class(t, a, "CE1 B")
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		if err := people.Apply(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{School: school,
			Join:  []people.Membership{{Person: youssef.ID, School: school, Profile: rights.Teacher}},
			Enter: []people.Place{{Person: youssef.ID, Class: ce1b, Profile: rights.Teacher}}}); err != nil {
			return err
		}
		// Teachers accept the charter on screen.
		_, err := tx.Exec(t.Context(), `INSERT INTO charter_acceptance (person, version, hash, at) SELECT $1, version, hash, at FROM charter_acceptance WHERE person = $2 AND paper_by = '' ON CONFLICT DO NOTHING`, youssef.ID, helene.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Second)
	youssef.Get("/carnet/absences").OK().Has("Inès Kermadec").Lacks("juge", "Raison familiale")
	youssef.Get(absence).OK().Has("Absence d’Inès").Lacks("juge", "Raison familiale", "Nadia")
	again := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-30")
	if n := one(t, a, `SELECT count(*) || '' FROM feed WHERE person = $1 AND resource = $2`, youssef.ID, strings.TrimPrefix(again, "/absence/")); n != "0" {
		t.Error("the feed of the other parent says who announced it")
	}
	helene.Get("/").OK().Has(again)
}

// Both parents tap at once, several times: one absence, each half-day once.
func TestConcurrentAnnouncements(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	ines := child(t, a, "ines.kermadec")
	var all sync.WaitGroup
	for _, login := range []string{"nadia.kermadec", "youssef.kermadec"} {
		p := a.As(login)
		for range 3 {
			all.Go(func() {
				if s := p.Post("/carnet/absence", "enfant", ines, "du", "2026-11-24").Status; s != 303 && s != 422 {
					t.Errorf("%s: %d", login, s)
				}
			})
		}
	}
	all.Wait()
	if n := one(t, a, `SELECT count(DISTINCT a.id) || ' ' || count(*) FROM absence a JOIN absence_half h ON h.absence = a.id WHERE a.pupil = $1 AND h.day = '2026-11-24'`, ines); n != "1 2" {
		t.Errorf("absences and half-days: %s", n)
	}
}

// When the school year is over nobody knows any more why a child was absent;
// that it was stays with what the school knows of the child.
func TestReasonsAreForgottenWithTheYear(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	absence := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-24", "motif", "sick", "precision", "Varicelle")
	retain := func(day string) {
		at, err := time.Parse(time.DateOnly, day)
		if err != nil {
			t.Fatal(err)
		}
		a.Core.Clock.Advance(at.Sub(a.Core.Clock.Now()))
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return liaisonApp(t, a).Retain(t.Context(), tx, rights.System("retention")) }); err != nil {
			t.Fatal(err)
		}
	}
	what := func() string {
		return one(t, a, `SELECT coalesce(reason, '') || ' ' || words || ' ' || (SELECT count(*) FROM absence_half h WHERE h.absence = absence.id) FROM absence WHERE id = $1`, strings.TrimPrefix(absence, "/absence/"))
	}
	retain("2027-07-31")
	if got := what(); got != "sick Varicelle 2" {
		t.Errorf("before the end of the year: %s", got)
	}
	retain("2027-08-02")
	if got := what(); got != "  2" {
		t.Errorf("after the end of the year: %s", got)
	}
}

func liaisonApp(t *testing.T, a *testapp.App) app.App {
	t.Helper()
	for _, s := range a.Core.Apps {
		if s.Name == "liaison" {
			return s
		}
	}
	t.Fatal("no carnet")
	return app.App{}
}
