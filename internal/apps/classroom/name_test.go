package classroom_test

import (
	"strings"
	"testing"

	"marelle/internal/apps/classroom"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestATeacherCorrectsANameInTheClass(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	relative, pupil := asleep(a, ce1)
	helene := a.As("helene.duvivier")
	from := "?classe=" + ce1 + "&eleve=" + pupil
	was := a.One(`SELECT login FROM person WHERE id = $1`, relative)
	helene.Get("/classe/" + ce1 + "/eleve/" + pupil).OK().Has("/classe/personne/" + relative + "/nom/corriger")
	helene.Get("/classe/personne/"+relative+"/nom/corriger"+from).OK().Has(was, "suivra le nom")

	page := helene.Post("/classe/personne/"+relative+"/nom/corriger"+from, "prenom", "", "nom", "--", "usage", strings.Repeat("a", 90)).Faulty()
	page.Has("Il manque le prénom.", `value="--"`, "80 lettres")
	if to := helene.Post("/classe/personne/"+relative+"/nom/corriger"+from, "prenom", " Zoé ", "nom", "Quignon", "usage", "de La  Rue").To(); !strings.Contains(to, "nom-identifiant") || !strings.HasPrefix(to, "/classe/"+ce1+"/eleve/"+pupil) {
		t.Errorf("led to %s", to)
	}
	// Never used, the sign-in name follows; search and lists too.
	if login := a.One(`SELECT login FROM person WHERE id = $1`, relative); login != "zoe.de-la-rue" {
		t.Errorf("sign-in name %s", login)
	}
	helene.Get("/recherche?q=de+la+rue").OK().Has("Zoé de La Rue")
	helene.Get("/classe/" + ce1 + "/familles").OK().Has("Zoé de La Rue")
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE action = 'person.name' AND target = $1`, relative); n != "1" {
		t.Errorf("%s acts are noted", n)
	}
	// A child's first name changes in the captions of the family; what has
	// served to sign in stays.
	ines := person(a, "ines.kermadec")
	helene.Post("/classe/personne/"+ines+"/nom/corriger"+from, "prenom", "Inaya", "nom", "Kermadec").To()
	helene.Get("/recherche?q=nadia+kermadec").OK()
	helene.Get("/recherche?q=nadia").OK().Has("Mère d’Inaya et de Yanis")
	if login := a.One(`SELECT login FROM person WHERE id = $1`, ines); login != "ines.kermadec" {
		t.Errorf("sign-in name %s", login)
	}
	if n, err := people.Drift(t.Context(), a.Core.DB); err != nil || n != 0 {
		t.Errorf("drift %d (%v)", n, err)
	}
}

func TestNamesThatAreNotATeachersToCorrect(t *testing.T) {
	a := testapp.New(t)
	helene, claire := a.As("helene.duvivier"), a.As("claire.fontaine")
	nadia, antoine := person(a, "nadia.kermadec"), person(a, "antoine.mercier")
	at := func(p string) string { return "/classe/personne/" + p + "/nom/corriger" }
	helene.Get(at(antoine)).Denied() // a colleague
	a.As("antoine.mercier").Get(at(nadia)).NotFound()
	a.As("directrice.duport").Get(at(nadia)).NotFound()
	a.As("nadia.kermadec").Get(at(person(a, "ines.kermadec"))).NotFound()
	// A colleague who is a parent in the class is a colleague.
	apply(t, a, people.Change{Join: []people.Membership{{Person: antoine, School: a.One(`SELECT id FROM school WHERE uai = '0809876A'`), Profile: rights.Relative}},
		Link: []people.Link{{Relative: antoine, Pupil: person(a, "ines.kermadec")}}})
	helene.Get(at(antoine)).Denied().Has("corrigé par la direction")
	helene.Post(at(antoine), "prenom", "Autre", "nom", "Nom").Denied()
	claire.Post(at(antoine), "prenom", "Antonin", "nom", "Mercier").To()
	if name := a.One(`SELECT first FROM person WHERE id = $1`, antoine); name != "Antonin" {
		t.Errorf("he is %s", name)
	}
}

// The sheet of a parent whose access is suspended opens nothing of the child's.
func TestASuspendedParentsSheetHasNoChild(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	relative, pupil := asleep(a, ce1)
	claire := a.As("claire.fontaine")
	children := func() (n int) {
		t.Helper()
		school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			p, err := classroom.Prepare(t.Context(), tx, a.Core, rights.System("test").For(school), "École", classroom.Choice{Classes: []string{ce1}, Persons: []string{relative}})
			if err == nil && len(p.Sheets) != 1 {
				t.Fatalf("%d sheets", len(p.Sheets))
			}
			n = len(p.Sheets[0].Children)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before := children()
	claire.Post("/ecole/famille/"+pupil+"/"+relative, "from", "2026-11-23", "to", "2027-06-30", "note", "Jugement du 12 novembre").To()
	if n := children(); before == 0 || n != before-1 {
		t.Errorf("%d children, then %d", before, n)
	}
}
