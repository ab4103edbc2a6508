package school_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

const lists = "../../kernel/people/onde/testdata/"

// sample reads the lists of one of the two sample schools.
func sample(t testing.TB, dir string, names ...string) []testapp.File {
	t.Helper()
	if len(names) == 0 {
		names = []string{"eleves.csv", "responsables.csv", "enseignants.csv"}
	}
	var out []testapp.File
	for _, n := range names {
		b, err := os.ReadFile(filepath.Join(lists, dir, n))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, testapp.File{Field: "fichiers", Name: n, Bytes: b})
	}
	return out
}

func (s site) count(text string, args ...any) int {
	s.T.Helper()
	n, err := db.Value[int](context.Background(), s.Core.DB, text, args...)
	if err != nil {
		s.T.Fatal(err)
	}
	return n
}

type site struct {
	*testapp.App
	head *testapp.Person
}

func open(t testing.TB) site {
	a := testapp.Empty(t)
	a.Found()
	return site{a, a.As("odile.marchand")}
}

// give uploads lists, says yes and lets the job run; it returns the import's page.
func (s site) give(files []testapp.File, pairs ...string) string {
	s.T.Helper()
	at := s.head.Upload("/ecole/import", files, pairs...).To()
	s.head.Get(at).OK().Has("Ce qui va changer")
	if to := s.head.Post(at).To(); to != at {
		s.T.Fatalf("led to %s", to)
	}
	s.Drain()
	return at
}

func TestAHeadImportsASchool(t *testing.T) {
	s := open(t)
	s.head.Get("/ecole").OK().Has("L’école est vide", "/ecole/import")
	s.head.Get("/ecole/import").OK().Has("Fichiers d’ONDE", `type="file"`, "multiple").Lacks("Imports précédents")

	at := s.head.Upload("/ecole/import", sample(t, "recent")).To()
	page := s.head.Get(at).OK().Has("219", "258", "9 classes à créer", "393 liens de famille", "9 cas à regarder", "Manon Nicolas", "Décider plus tard", "219 élèves créés", "même adresse", "Le fichier dit")
	if n := s.count(`SELECT count(*) FROM membership WHERE profile = 'pupil'`); n != 0 {
		t.Fatalf("%d pupils before anybody said yes", n)
	}
	// One answer now, the others later.
	answer := regexp.MustCompile(`name="(cas-[0-9a-f]+)"[^>]*value="(attach [0-9a-f]+)"`).FindStringSubmatch(page.Body)
	if answer == nil {
		t.Fatal("no case offers a person")
	}
	if to := s.head.Post(at, answer[1], answer[2]).To(); to != at {
		t.Fatalf("led to %s", to)
	}
	waiting := s.head.Get(at).OK().Has("<progress", `data-poll="`+at+`/avancement"`, "Voir où il en est")
	if waiting.Header.Get("Refresh") == "" {
		t.Error("without script the page would never come again")
	}
	s.head.Get(at + "/avancement").OK().Has("data-poll").Lacks("<html")
	s.Drain()
	s.head.Get(at+"/avancement").OK().Has("Voir le résultat", `href="`+at+`"`).Lacks("data-poll")
	s.head.Get(at).OK().Has("Import fait", "Imprimer les fiches", "/ecole/fiches", "Annuler cet import", "8 cas attendent")
	if n := s.count(`SELECT count(*) FROM activation_code`); n != 486 && n != 487 {
		t.Errorf("%d codes", n)
	}
	s.head.Get("/ecole").OK().Has("219", "9 classes", "CP-CE1 Mme Carpentier", "8 cas attendent")
	s.head.Get("/ecole/import").OK().Has("Imports précédents", "Odile Marchand", "Annuler cet import")

	// The same again changes nothing, and is no later import.
	again := s.give(sample(t, "recent"))
	s.head.Get(again).OK().Has("Import fait", "219")
	s.head.Get("/ecole/import").OK().Has(at + "/annuler")
}

func TestDoubtsAreSettledLater(t *testing.T) {
	s := open(t)
	s.give(sample(t, "recent"))
	page := s.head.Get("/ecole/import/doutes").OK().Has("9 cas à regarder", "2 élèves s’appellent Manon Nicolas")
	links := s.count(`SELECT count(*) FROM family_link`)
	fields := regexp.MustCompile(`(?s)<legend>[^<]*2 élèves s’appellent Manon Nicolas\. Choisissez celui dont Nadia Nicolas.*?name="(cas-[0-9a-f]+)".*?value="(attach [^"]+)"`).FindStringSubmatch(page.Body)
	if fields == nil {
		t.Fatal("no homonym")
	}
	if to := s.head.Post("/ecole/import/doutes", fields[1], fields[2]).To(); !strings.HasPrefix(to, "/ecole/import/doutes") {
		t.Fatal(to)
	}
	s.head.Get("/ecole/import/doutes?fait=regle").OK().Has("8 cas à regarder", "Vos choix sont enregistrés")
	if n := s.count(`SELECT count(*) FROM family_link`); n != links+1 {
		t.Errorf("%d links after %d", n, links)
	}
	s.head.Post("/ecole/import/doutes", fields[1], fields[2]).NotFound()
	other := regexp.MustCompile(`name="(cas-[0-9a-f]+)"[^>]*value="(attach [^"]+)"`).FindStringSubmatch(s.head.Get("/ecole/import/doutes").Body)
	s.head.Post("/ecole/import/doutes", other[1], "attach id:nobody").Faulty()
	s.head.Post("/ecole/import/doutes", other[1], "explode").Faulty()
	s.head.Post("/ecole/import/doutes").To()
}

func TestAnImportIsTakenBackWithItsCodes(t *testing.T) {
	s := open(t)
	at := s.give(sample(t, "recent"))
	s.head.Get(at+"/annuler").OK().Has("Oui, annuler cet import", "487 personnes créées")
	if to := s.head.Post(at + "/annuler").To(); to != "/ecole/import?fait=annule" {
		t.Fatal(to)
	}
	s.head.Get("/ecole/import?fait=annule").OK().Has("Annulé", "l’école est comme avant")
	if n := s.count(`SELECT count(*) FROM person`); n != 2 {
		t.Errorf("%d persons are left", n)
	}
	if n := s.count(`SELECT count(*) FROM activation_code`); n != 0 {
		t.Errorf("%d codes are left", n)
	}
	s.head.Get(at).OK().Has("a été annulé")
	s.head.Post(at + "/annuler").Is(409).Has("déjà annulé")
	s.head.Get("/ecole/import/doutes").OK().Has("Tout est réglé")
}

func TestSomebodyActiveKeepsAnImport(t *testing.T) {
	s := open(t)
	at := s.give(sample(t, "recent"))
	ctx := context.Background()
	if err := s.Core.DB.Write(ctx, func(tx *db.Tx) error {
		person, err := db.Value[string](ctx, tx, `SELECT min(person) FROM membership WHERE profile = 'relative'`)
		if err != nil {
			return err
		}
		return session.Settle(ctx, tx, rights.System("test"), []string{person}, s.Core.Clock.Now(), s.Core.Clock.Now())
	}); err != nil {
		t.Fatal(err)
	}
	s.head.Get(at).OK().Lacks("Annuler cet import")
	s.head.Get(at + "/annuler").Is(409).Has("a déjà activé son compte")
	s.head.Post(at + "/annuler").Is(409)
	s.head.Get("/ecole").OK().Has("dont 1 a activé")
}

// A word sent to a new class ties it: the import can't go any more.
func TestAClassInUseKeepsAnImport(t *testing.T) {
	s := open(t)
	at := s.give(sample(t, "recent"))
	class := s.One(`SELECT min(id) FROM class`)
	word := s.head.Post("/carnet?ecole="+s.One(`SELECT id FROM school`), "id", "01900000-0000-7000-8000-0000000000aa", "titre", "Sortie", "texte", "Demain", "a", "class:"+class)
	word.To()
	s.head.Post(at + "/annuler").Is(409).Has("ont déjà servi")
	if n := s.count(`SELECT count(*) FROM membership WHERE profile = 'pupil'`); n != 219 {
		t.Errorf("%d pupils: half undone", n)
	}
}

func TestWrongFilesAreToldOneByOne(t *testing.T) {
	s := open(t)
	s.head.Upload("/ecole/import", nil).Faulty().Has("Choisissez au moins un fichier")
	s.head.Post("/ecole/import").Faulty()
	files := append(sample(t, "recent", "eleves.csv"),
		testapp.File{Field: "fichiers", Name: "photo.csv", Bytes: []byte("a;b\n1;2\n")},
		testapp.File{Field: "fichiers", Name: "liste.xlsx", Bytes: []byte("PK\x03\x04 not a list")},
		testapp.File{Field: "fichiers", Name: "<b>vide.csv", Bytes: nil})
	s.head.Upload("/ecole/import", files, "tout", "1").Faulty().Has("photo.csv", "n’est pas une extraction d’ONDE", "Listes &amp; extractions", "liste.xlsx", "classeur", "&lt;b&gt;vide.csv", "checked").Lacks("<b>vide")
	if n := s.count(`SELECT count(*) FROM import`); n != 0 {
		t.Errorf("%d imports kept", n)
	}
	big := testapp.File{Field: "fichiers", Name: "gros.csv", Bytes: make([]byte, people.MaxImport+2<<20)}
	s.head.Upload("/ecole/import", []testapp.File{big}).Is(413).Has("pèsent trop lourd")
	s.head.Get("/ecole/import/nowhere").NotFound()
	s.head.Get("/ecole/import/nowhere/avancement").NotFound()
	s.head.Post("/ecole/import/nowhere").NotFound()
	s.head.Post("/ecole/import/nowhere/annuler").NotFound()
	s.head.Post("/ecole/import/nowhere/abandon").NotFound()
}

func TestAPlanIsDropped(t *testing.T) {
	s := open(t)
	at := s.head.Upload("/ecole/import", sample(t, "recent")).To()
	s.head.Post(at + "/annuler").Is(409).Has("n’a pas été fait")
	if to := s.head.Post(at + "/abandon").To(); to != "/ecole/import?fait=abandonne" {
		t.Fatal(to)
	}
	s.head.Get(at).NotFound()
	// A second plan of the same head takes the place of the first.
	one := s.head.Upload("/ecole/import", sample(t, "recent")).To()
	s.head.Upload("/ecole/import", sample(t, "older")).To()
	s.head.Get(one).NotFound()
	// Nobody says yes for a day: gone, files included.
	s.Core.Clock.Advance(25 * time.Hour)
	if err := s.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return people.ExpireImports(t.Context(), tx, s.Core.Clock.Now()) }); err != nil {
		t.Fatal(err)
	}
	if n := s.count(`SELECT count(*) FROM import`); n != 0 {
		t.Errorf("%d plans are left", n)
	}
}

// Whoever said yes and no longer runs the school when the job comes, did not.
func TestAYesIsCheckedAgain(t *testing.T) {
	s := open(t)
	at := s.head.Upload("/ecole/import", sample(t, "recent")).To()
	s.head.Post(at).To()
	ctx := context.Background()
	if err := s.Core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE membership SET head = FALSE`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s.Drain()
	if n := s.count(`SELECT count(*) FROM class`); n != 0 {
		t.Errorf("%d classes", n)
	}
	if state := s.One(`SELECT state FROM import`); state != "failed" {
		t.Errorf("state %s", state)
	}
	if err := s.Core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE membership SET head = TRUE WHERE person = $1`, s.head.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	s.head.Get(at).OK().Has("Importer")
	s.head.Post(at).To()
	s.Drain()
	s.head.Get(at).OK().Has("Import fait")
}

func TestOnlyTheHeadManagesTheSchool(t *testing.T) {
	a := testapp.New(t)
	head := a.As("claire.fontaine")
	imported := head.Upload("/ecole/import", sample(t, "older", "enseignants.csv")).To()
	pages := []string{"/ecole", "/ecole/import", "/ecole/import/doutes", imported, imported + "/avancement", imported + "/annuler"}
	acts := []string{"/ecole/import", "/ecole/import/doutes", imported, imported + "/abandon", imported + "/annuler"}
	for _, p := range pages {
		if to := a.Stranger().Get(p).To(); !strings.HasPrefix(to, "/connexion") {
			t.Errorf("a stranger at %s goes to %s", p, to)
		}
		for _, login := range []string{"helene.duvivier", "nadia.kermadec", "ines.kermadec", "martine.wallon"} {
			a.As(login).Get(p).Denied()
		}
	}
	for _, p := range acts {
		for _, login := range []string{"helene.duvivier", "nadia.kermadec", "ines.kermadec", "martine.wallon"} {
			a.As(login).Post(p).Denied()
		}
	}
	// The head of another school knows of none of it.
	other := a.As("directrice.duport")
	for _, p := range []string{imported, imported + "/avancement", imported + "/annuler"} {
		other.Get(p).NotFound()
	}
	for _, p := range []string{imported, imported + "/abandon", imported + "/annuler"} {
		other.Post(p).NotFound()
	}
	school := a.One(`SELECT school FROM import`)
	other.Get("/ecole?ecole=" + school).NotFound()
	other.Get("/ecole").OK().Lacks(fmt.Sprint("ecole=", school))
	head.Get(imported).OK()
}

// The pages cost the same whatever the size of the school.
func TestPagesCountTheirStatements(t *testing.T) {
	s := open(t)
	var n int
	s.Core.DB.Watch(func(context.Context, string, []any) { n++ })
	s.head.Get("/ecole").OK()
	empty := n
	s.give(sample(t, "recent"))
	n = 0
	s.head.Get("/ecole").OK()
	if n != empty {
		t.Errorf("/ecole: %d statements with 9 classes, %d with none", n, empty)
	}
	n = 0
	page := s.head.Get("/ecole").OK()
	if n > 9 {
		t.Errorf("/ecole: %d statements", n)
	}
	if len(page.Body) > 40_000 {
		t.Errorf("/ecole: %d bytes", len(page.Body))
	}
}
