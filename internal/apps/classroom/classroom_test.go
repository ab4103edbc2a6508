package classroom_test

import (
	"context"
	"encoding/csv"
	"os"
	"regexp"
	"strings"
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

func class(a *testapp.App, label string) string {
	return a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = $1 AND s.uai = '0809876A'`, label)
}

func person(a *testapp.App, login string) string {
	a.T.Helper()
	p := a.One(`SELECT id FROM person WHERE login = $1`, login)
	if p == "" {
		a.T.Fatalf("nobody is %s", login)
	}
	return p
}

// asleep is a relative of a class without an account in use, with the pupil.
func asleep(a *testapp.App, class string) (relative, pupil string) {
	a.T.Helper()
	row, ok, err := db.One[struct{ Relative, Pupil string }](a.T.Context(), a.Core.DB, `SELECT f.relative, f.pupil FROM family_link f
		JOIN class_member cm ON cm.person = f.pupil AND cm.class = $1 AND cm.profile = 'pupil' JOIN person p ON p.id = f.relative
		WHERE p.activated_at IS NULL ORDER BY p.login LIMIT 1`, class)
	if err != nil || !ok {
		a.T.Fatalf("everybody has an account (%v)", err)
	}
	return row.Relative, row.Pupil
}

func apply(t *testing.T, a *testapp.App, c people.Change) {
	t.Helper()
	if c.School == "" {
		c.School = a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(context.WithoutCancel(t.Context()), tx, rights.System("test").For(c.School), a.Core.Clock.Now(), c)
	}); err != nil {
		t.Fatal(err)
	}
}

// create adds a person to the sample.
func create(t *testing.T, a *testapp.App, p people.Person) string {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		list, err := people.CreatePersons(context.WithoutCancel(t.Context()), tx, rights.System("test"), a.Core.Clock.Now(), []people.Person{p})
		if err == nil {
			p = list[0]
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return p.ID
}

func TestTeacherFindsOwnClass(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	helene := a.As("helene.duvivier")
	if to := helene.Get("/classe").To(); to != "/classe/"+ce1 {
		t.Fatalf("the only class is at %s", to)
	}
	helene.Get("/classe/"+ce1).OK().Has("CE1 B · 27 élèves", "Inès Kermadec", "ines.kermadec", "2 sur 2", "familles ont un compte", "/27")
	helene.Get("/classe/"+ce1+"/familles").OK().Has("Nadia Kermadec", "Charte sur papier", "Famille d’Inès")
	helene.Get("/classe/" + ce1 + "/groupes").OK().Has("Familles de CE1 B", "Nouveau groupe")
	helene.Get("/classe/"+ce1+"/equipe").OK().Has("Hélène Duvivier", "Antoine Mercier")
	helene.Get("/").OK().Has("/classe")
	a.As("claire.fontaine").Get("/classe").OK().Has("CE1 B", "PS-MS", "CM2", "/ecole/fiches")
	a.As("nadia.kermadec").Get("/").OK().Lacks(`href="/classe"`)
}

// One statement for each list, whatever the number of pupils.
func TestListsAskOnce(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	for _, page := range []string{"/classe", "/classe/" + class(a, "CE1 B"), "/classe/" + class(a, "CE1 B") + "/familles", "/classe/" + class(a, "CE1 B") + "/groupes"} {
		who := helene
		if page == "/classe" {
			who = a.As("claire.fontaine")
		}
		who.Get(page).OK() // notes that the session lives
		n := 0
		a.Core.DB.Watch(func(context.Context, string, []any) { n++ })
		who.Get(page).OK()
		a.Core.DB.Watch(nil)
		if n > 7 {
			t.Errorf("%s asks the database %d times", page, n)
		}
	}
}

var code = regexp.MustCompile(`\b[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{3}\b`)

func audits(a *testapp.App, action string) string {
	return a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE action = $1`, action)
}

func TestSheetsOfAClass(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	page := "/classe/" + ce1 + "/fiches"
	helene := a.As("helene.duvivier")
	if found := code.FindString(helene.Get(page).OK().Has("Élèves sans compte (", "Toute la classe").Body); found != "" {
		t.Fatalf("a GET opened the code %s", found)
	}
	if n := audits(a, "code.open"); n != "0" {
		t.Fatalf("%s codes were opened by nobody", n)
	}
	helene.Post(page).Faulty().Has("Choisissez qui recevra une fiche")
	shown := helene.Post(page, "qui", "eleves", "qui", "familles").OK().Body
	codes := code.FindAllString(shown, -1)
	if len(codes) == 0 || audits(a, "code.open") == "0" {
		t.Fatalf("%d codes shown, %s openings noted", len(codes), audits(a, "code.open"))
	}
	pdf := helene.Post(page, "qui", "familles", "format", "pdf").OK()
	if !strings.HasPrefix(pdf.Body, "%PDF-") || pdf.Header.Get("Cache-Control") != "private, no-store" {
		t.Error("no PDF to keep to oneself")
	}
	if eight := helene.Post(page, "qui", "tous", "format", "pdf8").OK(); !strings.HasPrefix(eight.Body, "%PDF-") {
		t.Error("no slips")
	}
	lines, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(strings.TrimPrefix(helene.Post(page, "qui", "eleves", "qui", "familles", "format", "csv").OK().Body, "\ufeff"), ";", ","))).ReadAll()
	if err != nil || len(lines) != len(codes)+1 {
		t.Errorf("%d lines for %d codes (%v)", len(lines), len(codes), err)
	}
	// The same code each time, until it is used.
	if again := code.FindAllString(helene.Post(page, "qui", "eleves", "qui", "familles").OK().Body, -1); strings.Join(again, " ") != strings.Join(codes, " ") {
		t.Error("printing again changes the codes")
	}
	helene.Post(page, "qui", "tous", "format", "docx").Is(422)
	// A selection of the table prints those alone; somebody from elsewhere is nobody.
	relative, _ := asleep(a, ce1)
	if got := code.FindAllString(helene.Post(page, "id", relative).OK().Body, -1); len(got) != 1 {
		t.Errorf("one chosen, %d codes", len(got))
	}
	helene.Post(page, "id", person(a, "claire.fontaine")).OK().Has("Rien à imprimer")
}
