package pick_test

import (
	"bytes"
	"image"
	"image/png"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// drawing is a small picture; side makes two of them differ.
func drawing(t testing.TB, side int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, side, side))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shelf is what a teacher keeps: a folder with a photo, a text and a folder in it.
type shelf struct {
	*testapp.App
	helene *testapp.Person
	at     string // the window, for a word of her school

	folder, inner, photo, text string
}

func open(t *testing.T) *shelf {
	a := testapp.New(t)
	s := &shelf{App: a, helene: a.As("helene.duvivier"), at: "/fichiers/choisir?lire&ecole=" + a.One(`SELECT id FROM school WHERE uai = '0809876A'`)}
	made := func(to string) string {
		id, _, _ := strings.Cut(strings.TrimPrefix(to, "/documents/"), "?")
		return id
	}
	s.folder = made(s.helene.Post("/documents/dossier", "nom", "Phares").To())
	s.inner = made(s.helene.Post("/documents/"+s.folder+"/dossier", "nom", "Nuit").To())
	s.helene.Upload("/documents/"+s.folder+"/ajouter", []testapp.File{{Field: "piece", Name: "phare.png", Bytes: drawing(t, 40)}, {Field: "piece", Name: "liste.txt", Bytes: []byte("Des bottes.")}}).To()
	s.photo = a.One(`SELECT id FROM document WHERE name = 'phare.jpg'`)
	s.text = a.One(`SELECT id FROM document WHERE name = 'liste.txt'`)
	return s
}

// take chooses as the script does.
func (s *shelf) take(p *testapp.Person, at string, ids ...string) *testapp.Page {
	s.T.Helper()
	p.Header.Set("Accept", "application/json")
	defer p.Header.Del("Accept")
	var form []string
	for _, id := range ids {
		form = append(form, "document", id)
	}
	return p.Post(at, form...)
}

func (s *shelf) share(to string) {
	s.T.Helper()
	s.helene.Post("/documents/"+s.folder+"/partage", "a", to, "role", "1").To()
}

func (s *shelf) class() string {
	return "class:" + s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
}

// What somebody may not read is not there to be chosen, by whatever way; what
// was given to them may be, as it may be downloaded, until it is taken back.
func TestOnlyWhatOneReadsIsChosen(t *testing.T) {
	s := open(t)
	nadia, antoine := s.As("nadia.kermadec"), s.As("antoine.mercier")
	for _, p := range []*testapp.Person{nadia, antoine} {
		p.Get(s.at + "&dans=" + s.folder).NotFound()
		p.Get(s.at + "&q=phare").OK().Lacks("phare.jpg")
		s.take(p, s.at, s.photo).NotFound().Lacks("phare")
	}
	s.share(s.class() + ":relative")
	nadia.Get(s.at + "&ou=partages").OK().Has("Phares")
	nadia.Get(s.at+"&dans="+s.folder).OK().Has("phare.jpg", "de Mme Duvivier")
	nadia.Get(s.at + "&q=phare").OK().Has("phare.jpg")
	s.take(nadia, s.at, s.photo).OK().Has(`"name":"phare.jpg"`)
	antoine.Get(s.at + "&dans=" + s.folder).NotFound()
	s.take(antoine, s.at, s.photo).NotFound()
	s.helene.Post("/documents/"+s.folder+"/partage/retirer", "a", s.class()+":relative").To()
	s.take(nadia, s.at, s.photo).NotFound()

	// Of one's own what is in the trash is gone too, and one that is missing is all missing.
	s.take(s.helene, s.at, s.photo, "01920000-0000-7000-8000-000000000000").NotFound()
	s.helene.Post("/documents/corbeille", "id", s.photo).To()
	s.take(s.helene, s.at, s.photo).NotFound()
	if n := s.One(`SELECT count(*) FROM file WHERE name = 'phare.jpg'`); n != "2" { // the document's, and what the mother took
		t.Errorf("%s files", n)
	}
}

// The bytes of a school stay in it: nobody chooses for a school where they are
// not, nor in one what they keep in another.
func TestASchoolsFilesStayInIt(t *testing.T) {
	s := open(t)
	other := "/fichiers/choisir?ecole=" + s.One(`SELECT id FROM school WHERE uai <> '0809876A' ORDER BY uai LIMIT 1`)
	s.helene.Get(other).NotFound()
	s.take(s.helene, other, s.photo).NotFound()
	s.Stranger().Get(s.at).Is(303)
	s.take(s.Stranger(), s.at, s.photo).Is(401)
}

// A folder is no file, and where a word is written only what is read in a page is
// taken: each is said in a sentence, and nothing is made.
func TestWhatCannotBeJoined(t *testing.T) {
	s := open(t)
	s.take(s.helene, s.at, s.inner).Faulty().Has("Nuit", "est un dossier")
	s.take(s.helene, s.at, s.text, s.photo).Faulty().Has("liste.txt", "ne peut pas être joint ici")
	s.take(s.helene, s.at).Faulty().Has("Il faut choisir au moins un fichier.")
	var many []string
	for range 21 {
		many = append(many, s.photo+strings.Repeat("x", len(many)))
	}
	s.take(s.helene, s.at, many...).Faulty().Has("20 fichiers à la fois")
	if n := s.One(`SELECT count(*) FROM file WHERE name IN ('phare.jpg', 'liste.txt')`); n != "2" {
		t.Errorf("%s files", n)
	}
	s.take(s.helene, strings.Replace(s.at, "lire&", "", 1), s.text, s.photo).OK().Has("liste.txt", "phare.jpg")
}

// The same bytes count once for whoever holds them, and for whoever takes them
// too; without room nothing is taken.
func TestWhatIsTakenCounts(t *testing.T) {
	s := open(t)
	used := func(p *testapp.Person) string {
		return s.One(`SELECT coalesce(sum(used), 0) FROM file_usage WHERE person = $1`, p.ID)
	}
	size := s.One(`SELECT size FROM file WHERE name = 'phare.jpg'`)
	before := used(s.helene)
	s.take(s.helene, s.at, s.photo).OK()
	if got := used(s.helene); got != before {
		t.Errorf("what one holds counts twice: %s, then %s", before, got)
	}
	s.share(s.class() + ":relative")
	nadia := s.As("nadia.kermadec")
	s.take(nadia, s.at, s.photo).OK()
	if got := used(nadia); got != size {
		t.Errorf("%s of %s bytes count", got, size)
	}
	youssef := s.As("youssef.kermadec")
	if err := s.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return file.SetQuota(t.Context(), tx, rights.System("test"), s.One(`SELECT id FROM school WHERE uai = '0809876A'`), rights.Relative, 10)
	}); err != nil {
		t.Fatal(err)
	}
	s.take(youssef, s.at, s.photo).Faulty().Has("Il n’y a plus assez de place")
	// What nothing shows is gone a day later, and the room is back.
	s.Core.Clock.Advance(49 * time.Hour)
	for _, p := range s.Core.Apps {
		if p.Name != "file" {
			continue
		}
		if err := s.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return p.Retain(t.Context(), tx, rights.System("test")) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := used(s.As("nadia.kermadec")); got != "0" {
		t.Errorf("%s bytes are left", got)
	}
}

// Without a script the form is kept as a draft, the window is a page, and leads
// back to the form with what was chosen; to no page but ours.
func TestChoosingWithoutAScript(t *testing.T) {
	s := open(t)
	to := s.helene.Upload("/carnet/brouillon", nil, "titre", "Le phare", "texte", "Allumé.", "choisir", "1").To()
	if !strings.HasPrefix(to, "/fichiers/choisir?") {
		t.Fatal(to)
	}
	s.helene.Get(to).OK().Has("Phares", "Revenir sans rien ajouter")
	back := s.helene.Post(to, "document", s.photo).To()
	u, err := url.Parse(back)
	if err != nil || u.Path != "/carnet/nouveau" || u.Query().Get("fichier") == "" {
		t.Fatal(back)
	}
	s.helene.Get(back).OK().Has("Allumé.", "Garder phare.jpg")
	s.As("nadia.kermadec").Get("/fichiers/" + u.Query().Get("fichier") + "/web").NotFound()
	for _, away := range []string{"https://exemple.fr/", "//exemple.fr/", `/\exemple.fr`, "javascript:alert(1)", "exemple"} {
		s.helene.Get(s.at+"&retour="+url.QueryEscape(away)).OK().Lacks("exemple", "javascript:", "Revenir")
		s.helene.Post(s.at+"&retour="+url.QueryEscape(away), "document", s.photo).NotFound()
	}
}

// The page of a form with the field may ask for the microphone; no other may.
func TestDevicesAreForPagesThatUseThem(t *testing.T) {
	s := open(t)
	for path, want := range map[string]string{"/carnet/nouveau": "microphone=(self)", "/documents/ajouter": "microphone=(self)", "/documents": "microphone=(self)", "/documents/corbeille": "microphone=()", "/": "microphone=()", "/connexion": "microphone=()"} {
		if got := s.helene.Get(path).Header.Get("Permissions-Policy"); !strings.Contains(got, want) {
			t.Errorf("%s: %s", path, got)
		}
	}
}
