package school_test

import (
	"fmt"
	"strings"
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// left lists the columns where an id still stands, the log of acts aside: it
// says what was done then.
func left(t testing.TB, a *testapp.App, id string) []string {
	t.Helper()
	columns := `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() AND data_type = 'text'`
	if a.Core.DB.Dialect() == db.SQLite {
		columns = `SELECT l.name || '.' || x.name FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) x WHERE l.schema = 'main' AND l.type = 'table' AND lower(x.type) = 'text'`
	}
	list, err := db.All[string](t.Context(), a.Core.DB, columns)
	if err != nil || len(list) < 50 {
		t.Fatalf("%d columns (%v)", len(list), err)
	}
	var out []string
	for _, c := range list {
		table, column, _ := strings.Cut(c, ".")
		if table == "audit" || strings.HasPrefix(table, "river_") || strings.HasPrefix(table, "sqlite_") {
			continue
		}
		n, err := db.Value[int](t.Context(), a.Core.DB, fmt.Sprintf(`SELECT count(*) FROM "%s" WHERE "%s" LIKE $1`, table, column), "%"+id+"%")
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			out = append(out, c)
		}
	}
	return out
}

// twice adds a second record of Nadia, with another child, and one of Inès, in
// the same class, about whom a word was written.
func twice(t testing.TB, a *testapp.App) (nadia, ines, ada string) {
	t.Helper()
	made := change(t, a, []people.Person{{First: "Nadia", Last: "Kermadec", Phone: "0600000000"}, {First: "Inès", Last: "Kermadec", INE: "123456789AB"}, {First: "Ada", Last: "Kermadec", Birth: "2021-01-01"}},
		func(p []people.Person) people.Change {
			return people.Change{
				Join: []people.Membership{{Person: p[0].ID, School: home(a), Profile: rights.Relative}, {Person: p[1].ID, School: home(a), Profile: rights.Pupil}, {Person: p[2].ID, School: home(a), Profile: rights.Pupil}},
				Enter: []people.Place{{Person: p[1].ID, Class: class(a, "CE1 B"), Profile: rights.Pupil, Level: "CE1"},
					{Person: p[2].ID, Class: class(a, "GS"), Profile: rights.Pupil, Level: "GS"}},
				Link: []people.Link{{Relative: p[0].ID, Pupil: p[1].ID}, {Relative: p[0].ID, Pupil: p[2].ID}},
			}
		})
	return made[0].ID, made[1].ID, made[2].ID
}

func TestTwoRecordsOfAMotherBecomeOne(t *testing.T) {
	a := testapp.New(t)
	nadia2, ines2, _ := twice(t, a)
	nadia, ines := person(t, a, "nadia.kermadec"), person(t, a, "ines.kermadec")
	word := wordAbout(t, a, ines2)
	settle(t, a, nadia2)
	double := a.As("nadia.kermadec2") // looked, read and accepted the charter
	double.Post("/carnet/" + word + "/lu").To()
	claire, mother := a.As("claire.fontaine"), a.As("nadia.kermadec")
	mother.Get("/carnet/" + word).NotFound()
	// The sample's record is in use; the double is not.
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE person SET activated_at = NULL WHERE id = $1 OR id = $2`, nadia2, ines2)
		return err
	}); err != nil {
		t.Fatal(err)
	}

	claire.Get("/ecole/fusion").OK().Has("Nadia Kermadec", "nadia.kermadec2", "fiche="+nadia2)
	claire.Get("/ecole/fusion?nom=kermadec").OK().Has("Comparer", "fiche-"+nadia2)
	claire.Get("/ecole/fusion?nom=kermadec&fiche=" + nadia).OK().Has("Cochez deux fiches")
	claire.Get("/ecole/fusion?fiche="+nadia2+"&fiche="+nadia).OK().Has("Fiche gardée", "Fiche qui disparaît", "L’identifiant nadia.kermadec2", "Ada Kermadec", "0600000000", "Oui, réunir")
	// The class's page leads there too, for the head alone.
	claire.Get("/classe/" + class(a, "CE1 B")).OK().Has("/ecole/fusion")
	a.As("helene.duvivier").Get("/classe/" + class(a, "CE1 B")).OK().Lacks("/ecole/fusion")
	a.As("helene.duvivier").Post("/ecole/fusion", "fiche", nadia, "fiche", nadia2).Denied()

	claire.Post("/ecole/fusion", "fiche", nadia2, "fiche", nadia).To()
	steady(t, a)
	if where := left(t, a, nadia2); len(where) > 0 {
		t.Errorf("the record that went is still in %v", where)
	}
	if at := a.One(`SELECT CAST(count(*) AS TEXT) FROM receipt WHERE word = $1 AND person = $2 AND read_at IS NOT NULL`, word, nadia); at != "1" {
		t.Error("the receipt did not move")
	}
	mother.Get("/").OK().Has("Ada", "Yanis")
	mother.Get("/carnet/" + word).OK()
	if phone := a.One(`SELECT phone FROM person WHERE id = $1`, nadia); phone != "0600000000" {
		t.Errorf("phone %q", phone)
	}
	// The child's second record follows, and nothing of hers is lost.
	claire.Post("/ecole/fusion", "fiche", ines, "fiche", ines2).To()
	steady(t, a)
	if where := left(t, a, ines2); len(where) > 0 {
		t.Errorf("the record that went is still in %v", where)
	}
	a.As("ines.kermadec").Get("/carnet/" + word).OK()
	a.As("youssef.kermadec").Get("/carnet/" + word).OK()
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE action = 'person.merge' AND actor = $1`, person(t, a, "claire.fontaine")); n != "2" {
		t.Errorf("%s acts are noted", n)
	}
	claire.Post("/ecole/fusion", "fiche", ines, "fiche", ines2).NotFound() // said twice
}

func TestRecordsThatStayApart(t *testing.T) {
	a := testapp.New(t)
	nadia2, ines2, ada := twice(t, a)
	claire := a.As("claire.fontaine")
	apart := func(x, y, why string) {
		t.Helper()
		claire.Get("/ecole/fusion?fiche=" + x + "&fiche=" + y).OK().Has(why).Lacks("Oui, réunir")
		claire.Post("/ecole/fusion", "fiche", x, "fiche", y).Is(409).Has(why)
	}
	nadia, ines := person(t, a, "nadia.kermadec"), person(t, a, "ines.kermadec")
	apart(nadia2, person(t, a, "helene.duvivier"), "membre de l’équipe")
	apart(nadia2, ines, "celle d’un adulte")
	apart(ines2, ada, "dans deux classes")
	apart(nadia, person(t, a, "youssef.kermadec"), "déjà utilisés")
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE person SET ine = '999999999ZZ' WHERE id = $1`, ines)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	apart(ines2, ines, "deux enfants")
	port := a.One(`SELECT id FROM school WHERE uai = '0802468Y'`)
	change(t, a, nil, func([]people.Person) people.Change {
		return people.Change{School: port, Join: []people.Membership{{Person: nadia2, School: port, Profile: rights.Relative}}}
	})
	apart(nadia2, nadia, "dans une autre école")
	claire.Get("/ecole/fusion?fiche=" + nadia + "&fiche=" + person(t, a, "parent.duport")).NotFound()
	claire.Post("/ecole/fusion", "fiche", nadia, "fiche", nadia).NotFound()
	claire.Post("/ecole/fusion", "fiche", "x", "fiche", nadia).NotFound()
}
