package classroom_test

import (
	"context"
	"encoding/csv"
	"os"
	"regexp"
	"strconv"
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
	helene.Get("/classe/"+ce1+"/groupes").OK().Has("Familles de CE1 B", "Nouveau groupe")
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

// Who may do what, beside the matrix of rights: nobody from elsewhere.
func TestOthersAreKeptOut(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	ines, nadia := person(a, "ines.kermadec"), person(a, "nadia.kermadec")
	routes := []struct{ method, path string }{}
	for _, r := range a.Routes() {
		if strings.HasPrefix(r.Pattern, "/classe/") {
			p := strings.NewReplacer("/personne/{id}", "/personne/"+nadia, "{id}", ce1, "{eleve}", ines, "{groupe}", nadia).Replace(r.Pattern)
			routes = append(routes, struct{ method, path string }{r.Method, p})
		}
	}
	if len(routes) < 25 {
		t.Fatalf("only %d routes", len(routes))
	}
	for login, want := range map[string]string{"antoine.mercier": "403 404", "nadia.kermadec": "403 404", "ines.kermadec": "403 404", "maitre.duport": "404", "directrice.duport": "404", "parent.duport": "404", "martine.wallon": "403 404"} {
		p := a.As(login)
		for _, r := range routes {
			page := p.Do(r.method, r.path, "application/x-www-form-urlencoded", strings.NewReader("personne="+nadia+"&qui=tous&nom=X&prenom=Y"))
			if !strings.Contains(want, strconv.Itoa(page.Status)) {
				t.Errorf("%s %s as %s: %d", r.method, r.path, login, page.Status)
			}
			page.Lacks("Perrault")
		}
	}
	for _, r := range routes {
		want := 401
		if r.method == "GET" {
			want = 303
		}
		if page := a.Stranger().Do(r.method, r.path, "application/x-www-form-urlencoded", strings.NewReader("")); page.Status != want {
			t.Errorf("%s %s as a stranger: %d", r.method, r.path, page.Status)
		}
	}
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE actor NOT LIKE 'system:%'`); n != "0" {
		t.Errorf("%s acts were done", n)
	}
}

func TestNewCode(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	page := "/classe/personne/" + nadia.ID + "/code/nouveau?classe=" + ce1
	helene.Get(page).OK().Has("Nouveau code pour Nadia Kermadec", "efface son mot de passe", "/classe/"+ce1+"/familles")
	nadia.Get("/carnet").OK()
	shown := helene.Post(page).OK().Has("nadia.kermadec").Body
	if len(code.FindAllString(shown, -1)) == 0 {
		t.Fatal("no code shown")
	}
	nadia.Get("/carnet").To() // every session ended
	pdf := helene.Post("/classe/personne/" + nadia.ID + "/code/fiche?format=pdf").OK()
	if !strings.HasPrefix(pdf.Body, "%PDF-") {
		t.Error("no sheet to print")
	}
	if audits(a, "code.reissue") != "1" {
		t.Error("not in the log")
	}
	// Nobody reaches up or sideways.
	for login, who := range map[string]string{"helene.duvivier": "claire.fontaine", "lucie.prevost": "romain.caudron", "claire.fontaine": "claire.fontaine"} {
		target := "/classe/personne/" + person(a, who)
		for _, act := range []string{"/code/nouveau", "/code/fiche"} {
			if got := a.As(login).Post(target + act).Status; got != 403 && got != 404 {
				t.Errorf("%s of %s by %s: %d", act, who, login, got)
			}
		}
	}
	// The head does for a teacher; a parent who is also a teacher is the head's.
	a.As("claire.fontaine").Post("/classe/personne/" + person(a, "lucie.prevost") + "/code/nouveau").OK()
	relative, _ := asleep(a, ce1)
	apply(t, a, people.Change{Join: []people.Membership{{Person: relative, School: a.One(`SELECT id FROM school WHERE uai = '0809876A'`), Profile: rights.Teacher}}})
	helene.Get("/classe/personne/" + relative + "/code/nouveau").Denied()
	helene.Post("/classe/personne/" + relative + "/code/nouveau").Denied()
	name := a.One(`SELECT first || ' ' || last FROM person WHERE id = $1`, relative)
	helene.Post("/classe/"+ce1+"/fiches", "qui", "familles").OK().Has("à demander à la direction", name)
	a.As("claire.fontaine").Post("/ecole/fiches", "qui", "familles", "classe", ce1).OK().Has(name).Lacks("à demander")
}

func TestCharterOnPaper(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	helene := a.As("helene.duvivier")
	relative, pupil := asleep(a, ce1)
	families := "/classe/" + ce1 + "/familles"
	to := helene.Post("/classe/personne/" + relative + "/charte/papier?classe=" + ce1 + "&signee=1").To()
	if !strings.HasPrefix(to, families+"?") {
		t.Fatalf("leads to %s", to)
	}
	helene.Get(to).OK().Has("Charte notée", `aria-checked="true"`)
	if audits(a, "charter.paper") != "1" {
		t.Error("not in the log")
	}
	to = helene.Post("/classe/personne/"+relative+"/charte/papier", "classe", ce1, "eleve", pupil, "signee", "0").To()
	if !strings.HasPrefix(to, "/classe/"+ce1+"/eleve/"+pupil+"?") {
		t.Fatalf("leads to %s", to)
	}
	helene.Get(families).OK().Lacks(`aria-checked="true"`)
	// An address from elsewhere is no way back.
	if to := helene.Post("/classe/personne/"+relative+"/charte/papier", "classe", "//evil.example", "signee", "1").To(); !strings.HasPrefix(to, "/classe?") {
		t.Errorf("leads to %s", to)
	}
}

func TestPupilByHand(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	helene := a.As("helene.duvivier")
	form := "/classe/" + ce1 + "/eleves/nouveau"
	helene.Get(form).OK().Has("Prénom", "Date de naissance")
	const evil = `<script>alert(1)</script>`
	helene.Post(form, "prenom", "", "nom", evil, "naissance", "2050-01-01").Faulty().
		Has("Il manque le prénom", "n’est pas possible", "&lt;script&gt;alert(1)").Lacks(evil)
	helene.Post(form, "prenom", "Inès", "nom", "Kermadec").Faulty().Has("porte déjà ce nom", "ines.kermadec", "C’est quelqu’un d’autre")
	if to := helene.Post(form, "prenom", "Inès", "nom", "Kermadec", "memeque", "1").To(); !strings.Contains(to, "/eleve/") {
		t.Fatal(to)
	}
	helene.Get("/classe/"+ce1).OK().Has("28 élèves", "Un doublon possible", "deux élèves portent ce nom")
	to := helene.Post(form, "prenom", "=cmd|' /C calc'!A0", "nom", evil, "naissance", "2019-04-02", "civilite", "M").To()
	helene.Get(to).OK().Has("Élève ajouté", "&lt;script&gt;", "Aucun responsable").Lacks(evil)
	helene.Get("/classe/" + ce1).OK().Has("aucun responsable").Lacks(evil)
	helene.Get("/classe/" + ce1 + "/familles").OK().Has("Sans aucun responsable").Lacks(evil)
	sheet := helene.Post("/classe/"+ce1+"/fiches", "qui", "eleves", "format", "csv").OK()
	if !strings.Contains(sheet.Body, `"'=cmd`) && !strings.Contains(sheet.Body, `'=cmd`) {
		t.Error("a formula went out as it is")
	}
	helene.Post("/classe/"+ce1+"/fiches", "qui", "tous", "format", "pdf").OK()
	helene.Post("/classe/"+ce1+"/fiches", "qui", "tous").OK().Lacks(evil)
	// A class of two levels asks which.
	two := class(a, "CP-CE1")
	lucie := a.As("lucie.prevost")
	lucie.Post("/classe/"+two+"/eleves/nouveau", "prenom", "Zoé", "nom", "Neuve").Faulty().Has("Choisissez le niveau")
	lucie.Post("/classe/"+two+"/eleves/nouveau", "prenom", "Zoé", "nom", "Neuve", "niveau", "CP").To()
	if n, err := people.Drift(t.Context(), a.Core.DB); err != nil || n != 0 {
		t.Errorf("%d rights drifted (%v)", n, err)
	}
}

func TestRemoveAndUndo(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	ines := person(a, "ines.kermadec")
	to := helene.Post("/classe/" + ce1 + "/eleve/" + ines + "/retirer").To()
	helene.Get(to).OK().Has("Élève retiré", "/eleve/"+ines+"/remettre", "26 élèves")
	helene.Get("/classe/" + ce1 + "/eleve/" + ines).NotFound()
	helene.Post("/classe/"+ce1+"/eleve/"+ines+"/detacher", "personne", nadia.ID).NotFound()
	helene.Get(helene.Post("/classe/" + ce1 + "/eleve/" + ines + "/remettre").To()).OK().Has("27 élèves")
	// A pupil of another class is not taken that way.
	yanis := person(a, "yanis.kermadec")
	helene.Post("/classe/" + ce1 + "/eleve/" + yanis + "/remettre").NotFound()
	helene.Post("/classe/" + ce1 + "/eleve/" + yanis + "/retirer").NotFound()
	// Moved meanwhile: the undo says so.
	helene.Post("/classe/" + ce1 + "/eleve/" + ines + "/retirer").To()
	apply(t, a, people.Change{Enter: []people.Place{{Person: ines, Class: class(a, "CE2"), Profile: rights.Pupil, Level: "CE2"}}})
	helene.Post("/classe/" + ce1 + "/eleve/" + ines + "/remettre").Is(409)
}

func TestFamily(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	ines := person(a, "ines.kermadec")
	pupil := "/classe/" + ce1 + "/eleve/" + ines
	helene.Get(pupil).OK().Has("Nadia Kermadec", "Youssef Kermadec", "Détacher")
	to := helene.Post(pupil+"/detacher", "personne", nadia.ID).To()
	helene.Get(to).OK().Has("Responsable détaché", "/rattacher", nadia.ID)
	nadia.Get("/").OK().Lacks("Inès, CE1 B")
	helene.Get(helene.Post(pupil+"/rattacher", "personne", nadia.ID).To()).OK().Has("Responsable rattaché")
	helene.Post(pupil+"/detacher", "personne", person(a, "helene.duvivier")).NotFound()

	// A new relative, with the faults of the form kept.
	helene.Post(pupil+"/responsable", "prenom", "Rachid", "nom", "", "courriel", "rachid@").Faulty().Has("Il manque le nom", `value="Rachid"`, "pas complète")
	helene.Post(pupil+"/responsable", "prenom", "Nadia", "nom", "Kermadec").Faulty().Has("nadia.kermadec", "porte déjà ce nom")
	helene.Get(helene.Post(pupil+"/responsable", "prenom", "Rachid", "nom", "Bensaïd", "civilite", "M").To()).OK().Has("Rachid Bensaïd", "rachid.bensaid")
	helene.Post(pupil+"/responsable", "prenom", "Nadia", "nom", "Kermadec", "memeque", "1").To()
	helene.Get("/classe/" + ce1).OK().Has("deux responsables")

	// Somebody else's parent: the head decides, since whoever attaches may then
	// hand out codes.
	other := a.One(`SELECT min(p.login) FROM person p JOIN membership m ON m.person = p.id AND m.profile = 'relative' JOIN school s ON s.id = m.school AND s.uai = '0809876A'
		WHERE NOT EXISTS (SELECT 1 FROM person_principal pp WHERE pp.person = p.id AND pp.principal = $1)`, "class:"+ce1+":relative")
	helene.Get(pupil + "?nom=" + strings.Split(other, ".")[0]).OK().Has("Rattacher")
	helene.Post(pupil+"/rattacher", "personne", person(a, other)).Denied()
	helene.Post(pupil+"/rattacher", "personne", person(a, "parent.duport")).NotFound()
	helene.Post(pupil+"/rattacher", "personne", "").NotFound()
	head := a.As("claire.fontaine")
	head.Post(pupil+"/rattacher", "personne", person(a, other)).To()
	head.Post(pupil+"/rattacher", "personne", person(a, "parent.duport")).NotFound()
	if n, err := people.Drift(t.Context(), a.Core.DB); err != nil || n != 0 {
		t.Errorf("%d rights drifted (%v)", n, err)
	}
}

func TestFiveChildrenStandOnOneSheet(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	mother := create(t, a, people.Person{First: "Rose", Last: "Quintuple", Civility: "F"})
	c := people.Change{Join: []people.Membership{{Person: mother, School: school, Profile: rights.Relative}}}
	for _, first := range []string{"Ana", "Bob", "Cléo", "Dan", "Eve"} {
		k := create(t, a, people.Person{First: first, Last: "Quintuple"})
		c.Join = append(c.Join, people.Membership{Person: k, School: school, Profile: rights.Pupil})
		c.Enter = append(c.Enter, people.Place{Person: k, Class: ce1, Profile: rights.Pupil, Level: "CE1"})
		c.Link = append(c.Link, people.Link{Relative: mother, Pupil: k})
	}
	apply(t, a, c)
	helene := a.As("helene.duvivier")
	helene.Get("/classe/"+ce1+"/familles").OK().Has("Rose Quintuple", "Famille d’Ana, Bob, Cléo, Dan et Eve")
	if got := code.FindAllString(helene.Post("/classe/"+ce1+"/fiches", "id", mother).OK().Body, -1); len(got) != 1 {
		t.Errorf("%d slips for one", len(got))
	}
	if pdf := helene.Post("/classe/"+ce1+"/fiches", "id", mother, "format", "pdf").OK(); strings.Count(pdf.Body, "/Type /Page\n") != 1 {
		t.Errorf("%d pages for one adult", strings.Count(pdf.Body, "/Type /Page\n"))
	}
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE action = 'code.issue' AND actor = $1`, helene.ID); n != "6" {
		t.Errorf("%s codes issued for six people", n)
	}
}

func TestEmptyClass(t *testing.T) {
	a := testapp.New(t)
	school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	var c people.Class
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) (err error) {
		c, err = people.CreateClass(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Class{School: school, Year: 2026, Label: "ULIS"})
		return err
	}); err != nil {
		t.Fatal(err)
	}
	head := a.As("claire.fontaine")
	head.Get("/classe").OK().Has("ULIS")
	head.Get("/classe/"+c.ID).OK().Has("Une classe vide", "0 élève")
	head.Get("/classe/" + c.ID + "/familles").OK().Has("Pas encore de famille")
	head.Get("/classe/" + c.ID + "/groupes/nouveau").OK()
	head.Get("/classe/" + c.ID + "/equipe").OK().Has("Personne n’enseigne")
	head.Post("/classe/"+c.ID+"/fiches", "qui", "tous").OK().Has("Rien à imprimer")
	head.Post("/classe/"+c.ID+"/fiches", "qui", "tous", "format", "pdf").OK().Has("Rien à imprimer")
}

func TestTeam(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	team := "/classe/" + ce1 + "/equipe"
	helene, antoine := a.As("helene.duvivier"), a.As("antoine.mercier")
	antoine.Get("/classe/" + ce1).Denied()
	helene.Post(team+"/retirer", "personne", helene.ID).Is(409)
	helene.Post(team, "personne", "").Faulty().Has("Choisissez un enseignant")
	for _, who := range []string{"martine.wallon", "nadia.kermadec", "maitre.duport"} {
		helene.Post(team, "personne", person(a, who)).Faulty()
	}
	helene.Get(helene.Post(team, "personne", antoine.ID).To()).OK().Has("Équipe mise à jour")
	antoine.Get("/classe/" + ce1).OK()
	antoine.Get("/classe").OK().Has("CE2", "CE1 B")
	helene.Get(helene.Post(team+"/retirer", "personne", antoine.ID).To()).OK().Has("Retiré de la classe", antoine.ID)
	antoine.Get("/classe/" + ce1).Denied()
	antoine.Post(team, "personne", antoine.ID).Denied()
	helene.Post(team+"/retirer", "personne", antoine.ID).NotFound()
	// One who leaves goes home.
	helene.Post(team, "personne", antoine.ID).To()
	if to := helene.Post(team+"/retirer", "personne", helene.ID).To(); to != "/classe" {
		t.Errorf("leads to %s", to)
	}
	helene.Get("/classe/" + ce1).Denied()
}

func TestGroups(t *testing.T) {
	a := testapp.New(t)
	ce1 := class(a, "CE1 B")
	groups := "/classe/" + ce1 + "/groupes"
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	yanis := person(a, "yanis.kermadec")
	helene.Post(groups+"/nouveau", "nom", " ", "membre", nadia.ID).Faulty().Has("Donnez un nom", "checked")
	helene.Post(groups+"/nouveau", "nom", "Chorale", "chercher", "1", "chercher-nom", "yanis", "membre", nadia.ID).OK().Has("Yanis Kermadec", `value="Chorale"`, "checked")
	for _, who := range []string{"claire.fontaine", "parent.duport", "eleve.duport"} {
		helene.Post(groups+"/nouveau", "nom", "Chorale", "membre", person(a, who)).Faulty().Has("n’est plus dans l’école")
	}
	helene.Get(helene.Post(groups+"/nouveau", "nom", "<b>Chorale</b>", "membre", nadia.ID, "membre", yanis).To()).OK().Has("Groupe enregistré", "&lt;b&gt;Chorale", "2 personnes")
	id := a.One(`SELECT id FROM school_group`)
	member := func(who, group string) bool {
		return a.One(`SELECT CAST(count(*) AS TEXT) FROM person_principal WHERE person = $1 AND principal = $2 AND valid_to > $3`, who, "group:"+group, testapp.Now.UnixMilli()) == "1"
	}
	if !member(nadia.ID, id) || !member(yanis, id) {
		t.Error("the group reaches nobody")
	}
	one := "/classe/" + ce1 + "/groupe/" + id
	helene.Get(one).OK().Has("Yanis Kermadec", "Enregistrer")
	helene.Post(one, "nom", "Chorale", "membre", yanis).To()
	if member(nadia.ID, id) {
		t.Error("who was taken out stays")
	}
	// A colleague sees it and changes nothing; the head does.
	thomas, ps := a.As("thomas.lerouge"), class(a, "PS-MS")
	theirs := "/classe/" + ps + "/groupe/" + id
	thomas.Get(theirs).OK().Has("Yanis Kermadec", "Ce groupe est à Hélène Duvivier").Lacks("Enregistrer")
	thomas.Post(theirs, "nom", "À moi").Denied()
	thomas.Post(theirs + "/supprimer").Denied()
	a.As("directrice.duport").Get(one).NotFound()
	head := a.As("claire.fontaine")
	head.Get(head.Post(theirs+"/supprimer").To()).OK().Has("Groupe supprimé", theirs+"/retablir")
	helene.Get(one).NotFound()
	if member(yanis, id) {
		t.Error("a deleted group still reaches people")
	}
	helene.Post(one + "/retablir").To()
	if !member(yanis, id) {
		t.Error("the undo forgot the members")
	}
	if n, err := people.Drift(t.Context(), a.Core.DB); err != nil || n != 0 {
		t.Errorf("%d rights drifted (%v)", n, err)
	}
}

func TestSheetsOfASchool(t *testing.T) {
	a := testapp.New(t)
	head := a.As("claire.fontaine")
	head.Get("/ecole/fiches").OK().Has("Élèves sans compte (", "PS-MS", "Personnel sans compte")
	all := code.FindAllString(head.Post("/ecole/fiches", "qui", "eleves", "qui", "familles", "qui", "personnel").OK().Body, -1)
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM person p JOIN membership m ON m.person = p.id JOIN school s ON s.id = m.school AND s.uai = '0809876A' WHERE p.activated_at IS NULL`); n == "0" || len(all) == 0 {
		t.Fatalf("%s without account, %d codes", n, len(all))
	}
	one := code.FindAllString(head.Post("/ecole/fiches", "qui", "eleves", "qui", "familles", "classe", class(a, "CM2")).OK().Body, -1)
	if len(one) == 0 || len(one) >= len(all) {
		t.Errorf("%d codes for a class, %d for the school", len(one), len(all))
	}
	// Another school's class is nobody here, and nobody else prints.
	theirs := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE s.uai = '0802468Y'`)
	head.Post("/ecole/fiches", "qui", "tous", "classe", theirs).OK().Has("Rien à imprimer")
	head.Get("/ecole/fiches?ecole=" + a.One(`SELECT id FROM school WHERE uai = '0802468Y'`)).NotFound()
	for _, who := range []string{"helene.duvivier", "nadia.kermadec", "ines.kermadec", "martine.wallon"} {
		a.As(who).Post("/ecole/fiches", "qui", "tous").Denied()
	}
}
