package liaison_test

import (
	"bytes"
	"codeberg.org/go-pdf/fpdf"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"marelle/internal/apps/liaison"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/apptest"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// one reads a single text, for what the pages do not show.
func one(t *testing.T, a *testapp.App, text string, args ...any) string {
	t.Helper()
	s, err := db.Value[string](t.Context(), a.Core.DB, text, args...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// word is the identifier of the newest word with a title.
func word(t *testing.T, a *testapp.App, title string) string {
	t.Helper()
	w := one(t, a, `SELECT id FROM word WHERE title = $1 ORDER BY published_at DESC LIMIT 1`, title)
	if w == "" {
		t.Fatalf("no word %q", title)
	}
	return w
}

func class(t *testing.T, a *testapp.App, label string) string {
	t.Helper()
	return one(t, a, `SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = $1 AND s.uai = '0809876A'`, label)
}

// stranger is a relative of the sample with no child in the class.
func elsewhere(t *testing.T, a *testapp.App, label string) string {
	t.Helper()
	return one(t, a, `SELECT min(p.login) FROM person p JOIN membership m ON m.person = p.id AND m.profile = 'relative' JOIN school s ON s.id = m.school AND s.uai = '0809876A'
		WHERE p.activated_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM person_principal pp WHERE pp.person = p.id AND pp.principal = $1)`, "class:"+class(t, a, label)+":relative")
}

const trip = "Sortie en baie de Somme, jeudi 3 décembre"

func TestConformance(t *testing.T) {
	apptest.Conform(t, "liaison", func(t *testing.T, a *testapp.App) []apptest.Subject {
		return []apptest.Subject{{
			Kind: liaison.Word, ID: word(t, a, trip), Reader: "nadia.kermadec", Pupil: "ines.kermadec",
			Others: []string{elsewhere(t, a, "CE1 B"), "antoine.mercier", "martine.wallon"},
			Lists:  []string{"/carnet", "/carnet?vue=recus"},
		}, {
			Kind: liaison.Note, ID: one(t, a, `SELECT n.id FROM note n JOIN person p ON p.id = n.author WHERE p.login = 'nadia.kermadec' ORDER BY n.id LIMIT 1`), Reader: "nadia.kermadec", Pupil: "ines.kermadec", Private: true,
			Others: []string{"youssef.kermadec", elsewhere(t, a, "CE1 B"), "antoine.mercier", "martine.wallon", "claire.fontaine"},
			Lists:  []string{"/carnet", "/carnet/echanges"},
		}, {
			Kind: liaison.Absence, ID: one(t, a, `SELECT a.id FROM absence a JOIN person p ON p.id = a.author WHERE p.login = 'nadia.kermadec' LIMIT 1`), Reader: "nadia.kermadec", Pupil: "ines.kermadec", Private: true,
			Others: []string{"youssef.kermadec", elsewhere(t, a, "CE1 B"), "antoine.mercier"},
			Lists:  []string{"/carnet", "/carnet/absences", "/carnet/absences?jour=2026-12-10"},
		}}
	})
}

func TestWordFromTeacherToBar(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, ines := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("ines.kermadec")
	to := helene.Post("/carnet", "id", id.New(), "titre", "Goûter d’automne", "texte", "Vendredi à 15 h.\n\nApportez une pomme.", "a", "class:"+class(t, a, "CE1 B")).To()
	path, _, _ := strings.Cut(to, "?")
	helene.Get(to).OK().Has("0/27", "27 familles")
	nadia.Get("/").OK().Has("Goûter d’automne", path+"/lu")
	nadia.Get("/carnet").OK().Has("Goûter d’automne")
	nadia.Get(path).OK().Has("Apportez une pomme", "J’ai lu", "Inès, CE1 B")
	helene.Get(path).OK().Has("0/27", "Mot ouvert, pas encore confirmé")
	if next := nadia.Post(path + "/lu").To(); next != path+"?fait=lu" {
		t.Errorf("after confirming: %s", next)
	}
	nadia.Get(path).OK().Has("Vous avez lu ce mot").Lacks("talon")
	nadia.Get("/").OK().Lacks(path + "/lu")
	helene.Get(path).OK().Has("1/27", "Lu par Nadia Kermadec", "Pas encore lu\u00a0: 26 familles")
	ines.Get("/").OK().Has("Goûter d’automne")
	ines.Get(path).OK().Has("Apportez une pomme").Lacks("J’ai lu", "familles")
	ines.Post(path + "/lu").Denied()
}

func TestFaultyWordKeepsWhatWasTyped(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	helene.Post("/carnet", "titre", "", "texte", "Un texte <b>gardé</b>", "a", "class:"+class(t, a, "CE1 B")).
		Faulty().Has("Il manque le titre", "Un texte &lt;b&gt;gardé&lt;/b&gt;", "checked")
	helene.Post("/carnet", "titre", "Sans personne", "texte", "x").Faulty().Has("Choisissez à qui", "Sans personne")
	helene.Post("/carnet", "titre", strings.Repeat("é", 151), "texte", "x", "a", "school").Faulty().Has("trop long")
	for _, to := range []string{"class:nope", "group:" + id.New(), "pupil:" + id.New(), "truc", "class:" + one(t, a, `SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE s.uai = '0802468Y'`)} {
		helene.Post("/carnet", "titre", "T", "texte", "x", "a", to).Faulty().Has("n’existe plus")
	}
}

func TestSendingTwiceSendsOnce(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	form := []string{"id", id.New(), "titre", "Une seule fois", "texte", "x", "a", "class:" + class(t, a, "CE1 B")}
	if first, second := helene.Post("/carnet", form...).To(), helene.Post("/carnet", form...).To(); first != second {
		t.Errorf("two words: %s and %s", first, second)
	}
	// The identifier of somebody else's word opens nothing.
	a.As("antoine.mercier").Post("/carnet", form...).NotFound()
}

func TestChildOfTwoClassesFilters(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	yanis := one(t, a, `SELECT id FROM person WHERE login = 'yanis.kermadec'`)
	for path, chosen := range map[string]string{"/carnet": "/carnet", "/carnet?enfant=" + yanis: "/carnet?enfant=" + yanis} {
		row := regexp.MustCompile(`<nav class="enfants".*?</nav>`).FindString(nadia.Get(path).OK().Body)
		if n := strings.Count(row, "aria-current"); n != 1 || !strings.Contains(row, `href="`+chosen+`" aria-current="true"`) {
			t.Errorf("%s shows %d children as chosen: %s", path, n, row)
		}
	}
	nadia.Get("/carnet?enfant=" + yanis).OK().Lacks("Sortie en baie de Somme")
	nadia.Get("/?enfant=" + yanis).OK().Lacks("Sortie en baie de Somme")
	nadia.Get("/carnet?enfant=" + id.New()).OK().Has("Sortie en baie de Somme")
}

// A school's families all confirm at once while the teacher looks: none is lost.
func TestConcurrentConfirmations(t *testing.T) {
	a := testapp.New(t)
	w := word(t, a, trip)
	logins, err := db.All[string](t.Context(), a.Core.DB, `SELECT DISTINCT p.login FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE wp.word = $1 AND p.activated_at IS NOT NULL`, w)
	if err != nil || len(logins) < 30 {
		t.Fatalf("%d relatives (%v)", len(logins), err)
	}
	people := make([]*testapp.Person, len(logins))
	for i, l := range logins {
		people[i] = a.As(l)
	}
	var all sync.WaitGroup
	for _, p := range people {
		all.Go(func() {
			for range 2 { // a nervous thumb
				if page := p.Post("/carnet/" + w + "/lu"); page.Status != 303 {
					t.Errorf("%s: %d", p.Login, page.Status)
				}
			}
		})
	}
	all.Wait()
	if n := one(t, a, `SELECT count(*) || '' FROM receipt WHERE word = $1 AND read_at IS NOT NULL`, w); n != fmt.Sprint(len(logins)) {
		t.Errorf("%s confirmations of %d", n, len(logins))
	}
	reached := one(t, a, `SELECT count(DISTINCT wp.pupil) || '' FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE wp.word = $1 AND p.activated_at IS NOT NULL`, w)
	a.As("helene.duvivier").Get("/carnet/" + w).OK().Has("<b>" + reached + "/27</b>")
}

func TestWordsAreFoundByTheme(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w, _, _ := strings.Cut(helene.Post("/carnet", "titre", "Purée jeudi", "texte", "x", "theme", "canteen", "a", "class:"+class(t, a, "CE1 B")).To(), "?")
	helene.Get(w).OK().Has("Cantine")
	for _, p := range []*testapp.Person{helene, nadia, a.As("ines.kermadec")} {
		p.Get("/carnet?theme=canteen").OK().Has("Purée jeudi").Lacks(trip)
		p.Get("/carnet?theme=trip").OK().Has(trip).Lacks("Purée jeudi")
		p.Get("/carnet?theme=leisure%27").OK().Has(trip, "Purée jeudi")
	}
}

// pdf is a small one.
func pdf(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	p := fpdf.New("P", "mm", "A4", "")
	p.AddPage()
	if err := p.Output(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A file of a word is its readers', in every form of it.
func TestTheFileOfAWordIsItsReaders(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	var photo bytes.Buffer
	if err := png.Encode(&photo, image.NewNRGBA(image.Rect(0, 0, 900, 600))); err != nil {
		t.Fatal(err)
	}
	w, _, _ := strings.Cut(helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "phoque.png", Bytes: photo.Bytes()}}, "titre", "Trois phoques", "texte", "x", "a", "class:"+class(t, a, "CE1 B")).To(), "?")
	f := one(t, a, `SELECT file FROM file_use WHERE resource = $1`, strings.TrimPrefix(w, "/carnet/"))
	elsewhere := one(t, a, `SELECT min(p.login) FROM person p JOIN family_link l ON l.relative = p.id JOIN class_member m ON m.person = l.pupil JOIN class c ON c.id = m.class
		WHERE p.activated_at IS NOT NULL AND c.label = 'CE2' AND p.id NOT IN (SELECT l.relative FROM family_link l JOIN class_member m ON m.person = l.pupil JOIN class c ON c.id = m.class WHERE c.label = 'CE1 B')`)
	others := []*testapp.Person{a.Stranger(), a.As(elsewhere), a.As("antoine.mercier"), a.As("directrice.duport"), a.As("parent.duport"), a.As("eleve.duport")}
	forms := 0
	for _, form := range []string{"original", "web", "thumb"} {
		at := "/fichiers/" + f + "/" + form
		if nadia.Get(at).Status != http.StatusOK {
			continue // small pictures have fewer forms
		}
		forms++
		for _, p := range others {
			if got := p.Get(at); got.Status == http.StatusOK {
				t.Errorf("%s is given to somebody who does not read the word", form)
			}
		}
	}
	if forms < 2 {
		t.Errorf("%d forms of a picture", forms)
	}
}

func TestWordKeepsSeveralFiles(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	page1 := pdf(t)
	files := func(n int) []testapp.File {
		out := make([]testapp.File, n)
		for i := range out {
			out[i] = testapp.File{Field: "piece", Name: fmt.Sprintf("menu-%d.pdf", i), Bytes: page1}
		}
		return out
	}
	to := "class:" + class(t, a, "CE1 B")
	helene.Upload("/carnet", files(6), "titre", "Six", "texte", "x", "a", to).Faulty().Has("5 fichiers au plus")
	// A fault keeps the files; one of them is unchecked, another is added.
	page := helene.Upload("/carnet", files(3), "titre", "", "texte", "x", "a", to).Faulty().Has("Garder menu-0.pdf", "Garder menu-2.pdf")
	ids := regexp.MustCompile(`name="fichier" value="([^"]+)"`).FindAllStringSubmatch(page.Body, -1)
	if len(ids) != 3 {
		t.Fatalf("%d files kept", len(ids))
	}
	w, _, _ := strings.Cut(helene.Upload("/carnet", files(1), "titre", "Menus", "texte", "x", "a", to, "fichier", ids[0][1], "fichier", ids[2][1]).To(), "?")
	nadia.Get(w).OK().Has("/fichiers/" + ids[0][1]).Lacks("/fichiers/" + ids[1][1])
	if n := one(t, a, `SELECT count(*) || '' FROM file_use WHERE resource = $1`, strings.TrimPrefix(w, "/carnet/")); n != "3" {
		t.Errorf("%s files", n)
	}
	// Somebody else's file goes nowhere.
	a.As("antoine.mercier").Post("/carnet", "titre", "", "texte", "x", "a", to, "fichier", ids[1][1]).Faulty().Lacks("menu-1.pdf")
}
