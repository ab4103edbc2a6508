package school_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/testkit/testapp"
)

func person(t testing.TB, a *testapp.App, login string) string {
	t.Helper()
	p := a.One(`SELECT id FROM person WHERE login = $1`, login)
	if p == "" {
		t.Fatalf("nobody is %s", login)
	}
	return p
}

func home(a *testapp.App) string { return a.One(`SELECT id FROM school WHERE uai = '0809876A'`) }

func class(a *testapp.App, label string) string {
	return a.One(`SELECT id FROM class WHERE label = $1 AND school = $2`, label, home(a))
}

// change writes to the directory of the sample's school.
func change(t testing.TB, a *testapp.App, list []people.Person, f func(list []people.Person) people.Change) []people.Person {
	t.Helper()
	ctx := context.Background()
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		g := rights.System("test").For(home(a))
		made, err := people.CreatePersons(ctx, tx, g, a.Core.Clock.Now(), list)
		if err != nil {
			return err
		}
		list = made
		c := f(made)
		if c.School == "" {
			c.School = home(a)
		}
		return people.Apply(ctx, tx, g, a.Core.Clock.Now(), c)
	}); err != nil {
		t.Fatal(err)
	}
	return list
}

// settle has people sign in and accept the charter.
func settle(t testing.TB, a *testapp.App, persons ...string) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return session.Settle(t.Context(), tx, rights.System("test"), persons, a.Core.Clock.Now(), a.Core.Clock.Now())
	}); err != nil {
		t.Fatal(err)
	}
}

func steady(t testing.TB, a *testapp.App) {
	t.Helper()
	if n, err := people.Drift(context.Background(), a.Core.DB); err != nil || n != 0 {
		t.Errorf("the directory drifts by %d (%v)", n, err)
	}
}

// A word about Inès alone, to which nobody of the family owes anything else.
func wordAbout(t testing.TB, a *testapp.App, pupil string) string {
	t.Helper()
	to := a.As("helene.duvivier").Post("/carnet", "titre", "Lunettes oubliées", "texte", "Elles sont sur le bureau.", "a", "pupil:"+pupil).To()
	return strings.SplitN(strings.TrimPrefix(to, "/carnet/"), "?", 2)[0]
}

func TestARestrictedParentReadsNothingOfTheChildUntilItEnds(t *testing.T) {
	a := testapp.New(t)
	ines, youssef := person(t, a, "ines.kermadec"), person(t, a, "youssef.kermadec")
	word := wordAbout(t, a, ines)
	claire, father, mother := a.As("claire.fontaine"), a.As("youssef.kermadec"), a.As("nadia.kermadec")
	father.Get("/").OK().Has("Lunettes oubliées", "Inès")
	father.Get("/carnet/" + word).OK()
	page := "/ecole/famille/" + ines + "/" + youssef
	claire.Get("/classe/" + class(a, "CE1 B") + "/eleve/" + ines).OK().Has("/ecole/famille/" + ines + "/" + youssef)
	claire.Get(page).OK().Has("Youssef Kermadec a accès", "2026-11-23")

	// A fault is told beside its field and what was typed stays.
	claire.Post(page, "from", "2026-11-20", "to", "", "note", "Non").Faulty().
		Has("Choisissez le dernier jour.", "ce qui a été décidé", ">Non</textarea>", "2026-11-20")
	claire.Post(page, "from", "2026-11-20", "to", "2026-12-01", "note", "Jugement du 12 novembre").Faulty().Has("Choisissez aujourd’hui")
	claire.Post(page, "from", "2026-12-02", "to", "2026-12-01", "note", "Jugement du 12 novembre").Faulty().Has("ne peut pas venir avant")
	father.Get("/carnet/" + word).OK()

	claire.Post(page, "from", "2026-11-23", "to", "2026-11-30", "note", "Jugement du 12 novembre, tribunal d’Amiens").To()
	steady(t, a)
	claire.Get(page).OK().Has("n’a pas accès", i18n.LongDate(testapp.Now), i18n.LongDate(testapp.Now.AddDate(0, 0, 7)), "Jugement du 12 novembre")
	father.Get("/").OK().Lacks("Lunettes oubliées", "Inès").Has("Yanis")
	father.Get("/?enfant="+ines).OK().Lacks("Lunettes oubliées", "Inès")
	father.Get("/carnet").OK().Lacks("Lunettes oubliées", "Inès")
	father.Get("/carnet/" + word).NotFound()
	father.Post("/carnet/" + word + "/lu").NotFound()
	father.Get("/recherche?q=lunettes").OK().Lacks(word)
	father.Get("/recherche?q=ines").OK().Lacks("Inès")
	father.Get("/compte").OK().Lacks("Inès")
	// What comes meanwhile is not his either.
	second := wordAbout(t, a, ines)
	father.Get("/carnet/" + second).NotFound()
	// The other parent reads on and learns nothing; the teacher knows, without the note.
	mother.Get("/carnet/" + word).OK()
	for _, p := range []string{"/", "/carnet", "/carnet/" + word, "/compte"} {
		mother.Get(p).OK().Lacks("suspend", "Jugement", "Youssef")
	}
	mother.Get(page).Denied()
	helene := a.As("helene.duvivier")
	helene.Get(page).Denied()
	roster := "/classe/" + class(a, "CE1 B")
	helene.Get(roster+"/eleve/"+ines).OK().Has("Accès suspendu", "Youssef Kermadec").Lacks("Jugement", "/ecole/famille/")
	helene.Get("/carnet/" + word).OK().Lacks("Youssef")
	a.As("directrice.duport").Get(page).NotFound()
	// A detached and attached link stays suspended.
	helene.Post(roster+"/eleve/"+ines+"/detacher", "personne", youssef).To()
	helene.Post(roster+"/eleve/"+ines+"/rattacher", "personne", youssef).To()
	father.Get("/carnet/" + word).NotFound()
	steady(t, a)

	a.Core.Clock.Advance(8 * 24 * time.Hour) // the first of December
	a.Drain()
	father.Get("/").OK().Has("Lunettes oubliées", "Inès")
	father.Get("/carnet/" + word).OK()
	father.Get("/carnet/" + second).OK()
	if a.One(`SELECT event FROM feed f WHERE person = $1 AND event IN (SELECT id FROM event WHERE resource = $2)`, youssef, second) == "" {
		t.Error("the news of meanwhile did not come back")
	}
	claire.Get(page).OK().Has("a de nouveau accès")
	if acts := a.One(`SELECT detail FROM audit WHERE action = 'family.restrict' AND target = $1`, youssef); acts != ines+" 2026-11-23 2026-11-30" {
		t.Errorf("audited as %q", acts)
	}
	// A year later nothing of it is kept.
	a.Core.Clock.Advance(366 * 24 * time.Hour)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Retain(t.Context(), tx, rights.System("test"), a.Core.Clock.Now())
	}); err != nil {
		t.Fatal(err)
	}
	if note := a.One(`SELECT note FROM family_link WHERE relative = $1 AND pupil = $2`, youssef, ines); note != "" {
		t.Errorf("the note is still there: %s", note)
	}
	steady(t, a)
}

func TestARestrictionBeginsOnItsDayAndIsLifted(t *testing.T) {
	a := testapp.New(t)
	ines, youssef := person(t, a, "ines.kermadec"), person(t, a, "youssef.kermadec")
	word := wordAbout(t, a, ines)
	claire, father := a.As("claire.fontaine"), a.As("youssef.kermadec")
	page := "/ecole/famille/" + ines + "/" + youssef
	claire.Post(page, "from", "2026-11-25", "to", "2026-12-25", "note", "Jugement du 12 novembre").To()
	father.Get("/carnet/" + word).OK()
	claire.Get(page).OK().Has("n’aura pas accès")
	a.Core.Clock.Advance(48 * time.Hour)
	father.Get("/carnet/" + word).NotFound()
	// The last day may change while the first stays.
	claire.Post(page, "from", "2026-11-25", "to", "2026-12-20", "note", "Jugement du 12 novembre").To()
	father.Get("/carnet/" + word).NotFound()
	claire.Post(page + "/retablir").To()
	claire.Post(page + "/retablir").To() // a nervous thumb
	father.Get("/carnet/" + word).OK()
	steady(t, a)
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE action = 'family.lift'`); n != "1" {
		t.Errorf("lifted %s times", n)
	}
}

func TestAHeadChoosesWhoReachesWhom(t *testing.T) {
	a := testapp.New(t)
	other := change(t, a, []people.Person{{First: "Zélie", Last: "Aubrac", Civility: "F"}, {First: "Milo", Last: "Aubrac", Birth: "2019-02-02"}}, func(p []people.Person) people.Change {
		return people.Change{Join: []people.Membership{{Person: p[0].ID, School: home(a), Profile: rights.Relative}, {Person: p[1].ID, School: home(a), Profile: rights.Pupil}},
			Enter: []people.Place{{Person: p[1].ID, Class: class(a, "CE1 B"), Profile: rights.Pupil, Level: "CE1"}},
			Link:  []people.Link{{Relative: p[0].ID, Pupil: p[1].ID}}}
	})
	nadia, ines, helene, claire := a.As("nadia.kermadec"), a.As("ines.kermadec"), a.As("helene.duvivier"), a.As("claire.fontaine")
	finds := func(p *testapp.Person, words, name string, want bool) {
		t.Helper()
		if got := strings.Contains(p.Get("/recherche?q="+words).OK().Body, name); got != want {
			t.Errorf("%s looks for %s: found is %v", p.Login, words, got)
		}
	}
	usual := func() {
		t.Helper()
		finds(nadia, "aubrac", "Zélie", false)
		finds(nadia, "duvivier", "Hélène", true)
		finds(nadia, "mercier", "Antoine", false)
		finds(nadia, "fontaine", "Claire", true)
		finds(nadia, "wallon", "Martine", false)
		finds(nadia, "yanis", "Yanis Kermadec", true)
		finds(ines, "aubrac", "Milo", true)
		finds(ines, "aubrac", "Zélie", false)
		finds(ines, "nadia", "Nadia Kermadec", true)
		finds(ines, "duvivier", "Hélène", true)
		finds(ines, "fontaine", "Claire", false)
		finds(helene, "aubrac", "Zélie", true)
		finds(helene, "mercier", "Antoine", true)
		finds(a.As("directrice.duport"), "aubrac", "Zélie", false)
	}
	usual()
	claire.Get("/ecole").OK().Has("Qui peut joindre qui")
	form := claire.Get("/ecole/joindre").OK().Has("Un parent joint", "Les parents de la classe").Lacks("Revenir aux réglages habituels")
	on := checked(form.Body)
	if slices.Contains(on, "relative:relative") || !slices.Contains(on, "relative:teacher") {
		t.Fatalf("on: %v", on)
	}
	save := func(values []string) {
		t.Helper()
		var pairs []string
		for _, v := range values {
			pairs = append(pairs, "joint", v)
		}
		claire.Post("/ecole/joindre", pairs...).To()
	}
	save(append(slices.DeleteFunc(on, func(s string) bool { return s == "relative:teacher" || s == "pupil:pupil" || s == "teacher:relative" }), "relative:relative", "nobody:knows"))
	claire.Get("/ecole/joindre").OK().Has("Revenir aux réglages habituels", "Réglage propre à votre école")
	finds(nadia, "aubrac", "Zélie", true)
	finds(nadia, "aubrac", "Milo", false) // a parent finds parents, not their child
	finds(nadia, "duvivier", "Hélène", false)
	finds(nadia, "fontaine", "Claire", true)
	finds(ines, "aubrac", "Milo", false)
	finds(ines, "nadia", "Nadia Kermadec", true) // a family always reaches itself
	finds(helene, "aubrac", "Zélie", false)
	finds(claire, "aubrac", "Zélie", true) // a head reaches everybody
	// Who may be chosen follows: a relative is not proposed to the teacher any more.
	helene.Get("/classe/" + class(a, "CE1 B") + "/eleve/" + person(t, a, "ines.kermadec") + "?nom=aubrac").OK().Lacks("Zélie Aubrac")
	// Another parent is "Parent" to a family, and of whom to the staff.
	nadia.Get("/recherche?q=aubrac").OK().Has("Parent").Lacks("Mère de Milo")
	claire.Get("/recherche?q=aubrac").OK().Has("Mère de Milo")
	if set := a.One(`SELECT detail FROM audit WHERE action = 'reach.set'`); set != "[+relative:relative -pupil:pupil -relative:teacher -teacher:relative]" {
		t.Errorf("audited as %s", set)
	}
	claire.Post("/ecole/joindre/habituel").To()
	usual()
	helene.Get("/ecole/joindre").Denied()
	_ = other
}

// checked are the values of the switches that are on.
func checked(body string) []string {
	var out []string
	for _, part := range strings.Split(body, "<input ")[1:] {
		tag, _, _ := strings.Cut(part, ">")
		if _, v, ok := strings.Cut(tag, `name="joint" value="`); ok && strings.Contains(tag, " checked") {
			v, _, _ = strings.Cut(v, `"`)
			out = append(out, v)
		}
	}
	return out
}

// A teacher whose child is in the school is a colleague to the staff, and a
// teacher and nothing else to other families.
func TestATeacherWhoIsAMotherIsATeacherToOtherFamilies(t *testing.T) {
	a := testapp.New(t)
	change(t, a, []people.Person{{First: "Basile", Last: "Duvivier", Birth: "2020-02-02"}}, func(p []people.Person) people.Change {
		return people.Change{Join: []people.Membership{{Person: person(t, a, "helene.duvivier"), School: home(a), Profile: rights.Relative}, {Person: p[0].ID, School: home(a), Profile: rights.Pupil}},
			Link: []people.Link{{Relative: person(t, a, "helene.duvivier"), Pupil: p[0].ID}}}
	})
	settle(t, a, person(t, a, "basile.duvivier"))
	a.As("nadia.kermadec").Get("/recherche?q=duvivier").OK().Has("Enseignante du CE1 B").Lacks("Basile")
	a.As("ines.kermadec").Get("/recherche?q=duvivier").OK().Has("Enseignante du CE1 B").Lacks("Basile")
	a.As("antoine.mercier").Get("/recherche?q=duvivier").OK().Has("Enseignante du CE1 B, mère de Basile")
	a.As("basile.duvivier").Get("/recherche?q=helene").OK().Has("Enseignante du CE1 B, mère de Basile")
	a.As("helene.duvivier").Get("/carnet").OK().Has("Enseignante du CE1 B, mère de Basile")
}
