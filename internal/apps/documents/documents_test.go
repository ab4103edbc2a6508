package documents_test

import (
	"archive/zip"
	"bytes"
	"html"
	"image"
	"image/png"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/retention"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/apptest"
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

// deposit puts a picture in a folder of somebody ("" for their own documents)
// and returns its id.
func deposit(t testing.TB, a *testapp.App, p *testapp.Person, in, name string) string {
	t.Helper()
	at := "/documents"
	if in != "" {
		at += "/" + in
	}
	p.Upload(at+"/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: drawing(t, 8+len(name))}}).To()
	return a.One(`SELECT id FROM document WHERE name = $1 ORDER BY id DESC LIMIT 1`, name)
}

// folder makes one, and returns its id.
func folder(t testing.TB, p *testapp.Person, in, name string) string {
	t.Helper()
	at := "/documents"
	if in != "" {
		at += "/" + in
	}
	to := p.Post(at+"/dossier", "nom", name).To()
	made, _, _ := strings.Cut(strings.TrimPrefix(to, "/documents/"), "?")
	return made
}

func class(a *testapp.App, label string) string {
	return a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = $1 AND s.uai = '0809876A'`, label)
}

func families(a *testapp.App, label string) string { return "class:" + class(a, label) + ":relative" }

func give(p *testapp.Person, id, role string, to ...string) *testapp.Page {
	form := []string{"role", role, "prevenir", "1"}
	for _, t := range to {
		form = append(form, "a", t)
	}
	return p.Post("/documents/"+id+"/partage", form...)
}

func TestConformance(t *testing.T) {
	apptest.Conform(t, "documents", func(t *testing.T, a *testapp.App) []apptest.Subject {
		helene := a.As("helene.duvivier")
		in := folder(t, helene, "", "Baie de Somme")
		helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: "Autorisation de sortie.txt", Bytes: []byte("Je laisse mon enfant marcher dans la baie.")}}).To()
		id := a.One(`SELECT id FROM document WHERE name = 'Autorisation de sortie.txt'`)
		a.Drain()
		give(helene, in, "1", families(a, "CE1 B"), "class:"+class(a, "CE1 B")+":pupil").To()
		return []apptest.Subject{{Kind: documents.Document, ID: id, Reader: "nadia.kermadec", Pupil: "ines.kermadec",
			Others: []string{"antoine.mercier"}, Lists: []string{"/documents", "/documents/partages", "/documents/" + in}}}
	})
}

// The whole way: a teacher deposits a file and shares it with her class's
// families; a mother finds it everywhere; taken back, it is gone everywhere.
func TestWhatIsSharedIsFoundAndWhatIsTakenBackIsGone(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, antoine := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("antoine.mercier")
	id := deposit(t, a, helene, "", "Plan du phare.jpg")
	at, file := "/documents/"+id, a.One(`SELECT file FROM document WHERE id = $1`, id)
	places := []string{"/documents/partages", "/", "/recherche?q=phare"}
	pages := []string{at, at + "/zip", "/fichiers/" + file + "/web", "/fichiers/" + file + "/thumb"}

	helene.Get("/documents").OK().Has("Plan du phare.jpg", "Vous seulement")
	helene.Get(at).OK().Has("/fichiers/" + file + "/web")
	gone := func(p *testapp.Person) {
		t.Helper()
		for _, place := range places {
			p.Get(place).OK().Lacks(id)
		}
		for _, page := range pages {
			p.Get(page).NotFound()
		}
		p.Post("/documents/telecharger", "id", id).NotFound()
	}
	gone(nadia)

	helene.Get(at+"/partage").OK().Has("Familles de CE1 B", "Personne d’autre pour l’instant")
	give(helene, id, "1", families(a, "CE1 B")).To()
	helene.Get("/documents").OK().Has("Familles de CE1 B")
	for _, place := range places {
		nadia.Get(place).OK().Has(at)
	}
	for _, page := range pages {
		nadia.Get(page).OK()
	}
	nadia.Get("/documents/partages").Has("Mme Duvivier")
	nadia.Get(at + "/partage").Denied() // a reader sees nobody else's rights
	gone(antoine)

	helene.Post(at+"/partage/retirer", "a", families(a, "CE1 B")).To()
	gone(nadia)
	helene.Get(at).OK()
}

// What is given on a folder holds for what lies in it, however deep, and ends
// for what is moved out; what was given on the thing itself stays.
func TestFoldersHandDownWhatTheyAreGiven(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, julien := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("julien.lecoq")
	out := folder(t, helene, "", "Sorties")
	deep := folder(t, helene, out, "Marquenterre")
	early := deposit(t, a, helene, deep, "avant.jpg")
	give(helene, out, "1", families(a, "CE1 B")).To()
	give(helene, early, "2", "person:"+julien.ID).To()
	late := deposit(t, a, helene, deep, "apres.jpg")
	for _, id := range []string{out, deep, early, late} {
		nadia.Get("/documents/" + id).OK()
	}
	nadia.Get("/documents/partages").Has("Sorties").Lacks("Marquenterre", early)
	nadia.Get("/documents/"+out).Has("Marquenterre", "Partagés avec moi")
	helene.Get("/documents/" + out).OK().Has("Familles de CE1 B").Lacks("Vous seulement")
	julien.Get("/documents/" + late).NotFound()
	julien.Get("/documents/"+early).OK().Lacks("/documents/"+out, "/documents/"+deep)

	helene.Get("/documents/"+early+"/partage").Has("par le dossier Sorties", "Familles de CE1 B", "Julien Lecoq")
	helene.Post("/documents/deplacer", "id", early, "id", late, "vers", "haut").To()
	nadia.Get("/documents/" + early).NotFound()
	nadia.Get("/documents/" + late).NotFound()
	julien.Get("/documents/" + early).OK()
	helene.Post("/documents/deplacer", "id", late, "vers", out).To()
	nadia.Get("/documents/" + late).OK()

	// Two shares of one group: taking one back leaves the other.
	give(helene, late, "1", families(a, "CE1 B")).To()
	helene.Post("/documents/"+out+"/partage/retirer", "a", families(a, "CE1 B")).To()
	nadia.Get("/documents/" + late).OK()
	nadia.Get("/documents/" + out).NotFound()
}

// A reader reads, a contributor adds to what is the owner's, nobody goes further.
func TestEachRoleDoesWhatItSays(t *testing.T) {
	a := testapp.New(t)
	helene, julien := a.As("helene.duvivier"), a.As("julien.lecoq")
	in := folder(t, helene, "", "Projet")
	id := deposit(t, a, helene, in, "affiche.jpg")
	at := "/documents/" + id
	try := func(want map[string]int) {
		t.Helper()
		for what, f := range map[string]func() *testapp.Page{
			"read":     func() *testapp.Page { return julien.Get(at) },
			"comment":  func() *testapp.Page { return julien.Post(at+"/commentaires", "texte", "Très beau.") },
			"rename":   func() *testapp.Page { return julien.Post(at+"/modifier", "nom", "affiche.jpg") },
			"add":      func() *testapp.Page { return julien.Get("/documents/" + in + "/ajouter") },
			"share":    func() *testapp.Page { return julien.Get(at + "/partage") },
			"move":     func() *testapp.Page { return julien.Get(at + "/deplacer") },
			"children": func() *testapp.Page { return julien.Get("/documents/" + in) },
		} {
			if page := f(); page.Status != want[what] {
				t.Errorf("%s: %d, want %d", what, page.Status, want[what])
			}
		}
	}
	try(map[string]int{"read": 404, "comment": 404, "rename": 404, "add": 404, "share": 404, "move": 404, "children": 404})
	give(helene, in, "1", "person:"+julien.ID).To()
	try(map[string]int{"read": 200, "comment": 403, "rename": 403, "add": 403, "share": 403, "move": 403, "children": 200})
	julien.Post("/documents/corbeille", "id", id).NotFound()
	julien.Post("/documents/deplacer", "id", id, "vers", "haut").NotFound()
	give(helene, in, "2", "person:"+julien.ID).To()
	try(map[string]int{"read": 200, "comment": 303, "rename": 403, "add": 403, "share": 403, "move": 403, "children": 200})
	give(helene, in, "3", "person:"+julien.ID).To()
	try(map[string]int{"read": 200, "comment": 303, "rename": 303, "add": 200, "share": 403, "move": 403, "children": 200})
	// What a colleague adds lies in the owner's space.
	added := deposit(t, a, julien, in, "esquisse.jpg")
	helene.Get("/documents/" + added + "/partage").OK()
	julien.Get("/documents/" + added + "/partage").Denied()
	give(helene, in, "4", "person:"+julien.ID).To()
	try(map[string]int{"read": 200, "comment": 303, "rename": 303, "add": 200, "share": 200, "move": 200, "children": 200})
	// Who manages moves within the space, never out of it.
	julien.Post("/documents/deplacer", "id", id, "vers", "haut").Faulty().Has("change pas de propriétaire")
	julien.Post("/documents/corbeille", "id", id).To()
	helene.Get("/documents/corbeille").OK().Has("affiche.jpg")
	julien.Get("/documents/corbeille").OK().Lacks("affiche.jpg")
}

// One shares with those whom one may reach, and learns no other name.
func TestSharingStopsAtWhomOneMayReach(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, ines, antoine := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("ines.kermadec"), a.As("antoine.mercier")
	mine := deposit(t, a, nadia, "", "certificat.jpg")
	stranger := a.As("parent.duport")
	for _, to := range []string{families(a, "CE1 B"), "person:" + antoine.ID, "person:" + stranger.ID, "school:relative", "family:" + ines.ID, "class:x:relative", "nobody"} {
		give(nadia, mine, "1", to).Faulty().Has("pas dans la liste")
	}
	nadia.Get("/documents/" + mine + "/partage?a=person:" + antoine.ID).OK().Lacks("Antoine Mercier")
	nadia.Get("/documents/" + mine + "/partage?q=antoine").OK().Lacks("Mercier")
	nadia.Get("/documents/" + mine + "/partage?q=hel").OK().Has("Hélène Duvivier")
	give(nadia, mine, "1", "person:"+helene.ID).To()
	helene.Get("/documents/partages").Has("certificat.jpg", "Mme Kermadec")
	drawn := deposit(t, a, ines, "", "dessin.jpg")
	give(ines, drawn, "1", "person:"+helene.ID, "class:"+class(a, "CE1 B")+":pupil").To()
	give(ines, drawn, "1", families(a, "CE1 B")).Faulty()
	give(ines, drawn, "1", "class:"+class(a, "CE2")+":pupil").Faulty()
	helene.Get("/documents/" + drawn).OK()
	// What is typed stays when there is a fault, and the search keeps what was chosen.
	helene.Post("/documents/"+deposit(t, a, helene, "", "n.jpg")+"/partage", "chercher", "1", "q", "kermadec", "a", families(a, "CE2"), "role", "2").
		OK().Has(`value="kermadec"`, "Nadia Kermadec", `value="`+families(a, "CE2")+`" checked`)
}

func TestTheTrashGivesBackAndForgets(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	in := folder(t, helene, "", "Classeur")
	first, second := deposit(t, a, helene, in, "un.jpg"), deposit(t, a, helene, in, "deux.jpg")
	give(helene, in, "1", families(a, "CE1 B")).To()
	helene.Post("/documents/corbeille", "id", first, "retour", in).To()
	nadia.Get("/documents/" + first).NotFound()
	nadia.Get("/documents/" + in).OK().Lacks("un.jpg").Has("deux.jpg")
	helene.Post("/documents/" + in + "/supprimer").To()
	for _, id := range []string{in, second} {
		nadia.Get("/documents/" + id).NotFound()
		helene.Get("/documents/" + id).NotFound()
	}
	for _, place := range []string{"/documents", "/recherche?q=classeur", "/"} {
		helene.Get(place).OK().Lacks("/documents/"+in, "/documents/"+second)
		nadia.Get(place).OK().Lacks("/documents/" + in)
	}
	helene.Get("/documents/corbeille").Has("Classeur", "un.jpg").Lacks("deux.jpg")
	// The trash is its owner's.
	nadia.Post("/documents/corbeille/remettre", "id", in).To()
	nadia.Post("/documents/corbeille/vider", "id", in).To()
	helene.Get("/documents/corbeille").Has("Classeur")
	// What was removed before its folder comes back to the top while that is away.
	helene.Post("/documents/corbeille/remettre", "id", first, "retour", "corbeille").To()
	helene.Get("/documents").Has("un.jpg")
	nadia.Get("/documents/" + first).NotFound()
	helene.Post("/documents/corbeille/remettre", "id", in).To()
	for _, id := range []string{in, second} {
		nadia.Get("/documents/" + id).OK()
	}
	// Thirty days later it is gone for good, with all that was told of it.
	helene.Post("/documents/corbeille", "id", in).To()
	a.Core.Clock.Advance(29 * 24 * time.Hour)
	sweep(t, a)
	a.As("helene.duvivier").Get("/documents/corbeille").Has("Classeur")
	a.Core.Clock.Advance(2 * 24 * time.Hour)
	sweep(t, a)
	a.As("helene.duvivier").Get("/documents/corbeille").Lacks("Classeur")
	if n := a.One(`SELECT count(*) || '' FROM resource WHERE id IN ($1, $2)`, in, second); n != "0" {
		t.Errorf("%s rows are left", n)
	}
	a.As("helene.duvivier").Get("/documents/" + first).OK()
}

func sweep(t *testing.T, a *testapp.App) {
	t.Helper()
	if err := retention.Sweep(t.Context(), a.Core); err != nil {
		t.Fatal(err)
	}
}

// A new version comes with its form, or before it, in pieces: one file, the
// sender's own.
func TestANewVersionIsSentBefore(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := a.As("helene.duvivier"), a.As("antoine.mercier")
	id := deposit(t, a, helene, "", "liste.jpg")
	at := "/documents/" + id
	helene.Get(at+"/modifier").OK().Has(`data-upload="/fichiers/envoi?ecole=`, `data-kept="fichier"`)
	other := deposit(t, a, helene, "", "suite.jpg")
	sent := a.One(`SELECT file FROM document WHERE id = $1`, other)
	theirs := a.One(`SELECT file FROM document WHERE id = $1`, deposit(t, a, antoine, "", "sienne.jpg"))
	helene.Post(at + "/version").Faulty().Has("Il manque le fichier")
	helene.Post(at+"/version", "fichier", theirs).Faulty().Has("le choisir de nouveau")
	helene.Post(at+"/version", "fichier", sent, "fichier", theirs).Faulty().Has("un seul fichier")
	helene.Upload(at+"/version", []testapp.File{{Field: "piece", Name: "trois.jpg", Bytes: drawing(t, 70)}}, "fichier", sent).Faulty().Has("un seul fichier")
	if v := a.One(`SELECT version || '' FROM document WHERE id = $1`, id); v != "1" {
		t.Errorf("version %s after what was refused", v)
	}
	helene.Post(at+"/version", "fichier", sent).To()
	if f := a.One(`SELECT file FROM document WHERE id = $1 AND version = 2`, id); f != sent {
		t.Errorf("the version is %q, not what was sent", f)
	}
	helene.Post("/documents/corbeille", "id", other).To()
	helene.Post("/documents/corbeille/vider", "id", other).To()
	helene.Get("/fichiers/" + sent + "/web").OK()
}

// Where files are deposited one button does it: no link leads to the page itself.
func TestOneButtonDeposits(t *testing.T) {
	a := testapp.New(t)
	for _, who := range []string{"helene.duvivier", "ines.kermadec"} {
		p := a.As(who)
		in := folder(t, p, "", "Photos")
		for _, at := range []string{"/documents", "/documents/" + in} {
			p.Get(at).OK().Has(`href="` + at + `/ajouter`)
			p.Get(at+"/ajouter").OK().Lacks(`href="`+at+`/ajouter`).Has(`action="`+at+`/ajouter`, "data-upload")
		}
	}
}

func TestAFolderNeverGoesIntoItself(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	up := folder(t, helene, "", "Haut")
	mid := folder(t, helene, up, "Milieu")
	low := folder(t, helene, mid, "Bas")
	for _, to := range []string{up, mid, low} {
		helene.Post("/documents/deplacer", "id", up, "vers", to).Faulty().Has("dans lui-même")
	}
	// Two moves at once, each into the other: one of them is refused.
	left, right := folder(t, helene, "", "Gauche"), folder(t, helene, "", "Droite")
	done := make(chan int, 2)
	for _, m := range [][2]string{{left, right}, {right, left}} {
		go func() { done <- helene.Post("/documents/deplacer", "id", m[0], "vers", m[1]).Status }()
	}
	if one, two := <-done, <-done; one+two != 303+422 {
		t.Errorf("two moves into each other answer %d and %d", one, two)
	}
	// Twelve deep, and no further.
	at := low
	for range 9 {
		at = folder(t, helene, at, "Encore")
	}
	helene.Post("/documents/"+at+"/dossier", "nom", "Trop").Faulty().Has("l’un dans l’autre")
}

func TestVersionsComeBack(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	id := deposit(t, a, helene, "", "menu.jpg")
	give(helene, id, "1", families(a, "CE1 B")).To()
	first := a.One(`SELECT file FROM document WHERE id = $1`, id)
	helene.Upload("/documents/"+id+"/version", []testapp.File{{Field: "piece", Name: "autre nom.jpg", Bytes: drawing(t, 40)}}).To()
	second := a.One(`SELECT file FROM document WHERE id = $1`, id)
	nadia.Get("/documents/"+id).OK().Has("menu.jpg", "/fichiers/"+second+"/web", "2 versions")
	nadia.Get("/").Has("menu.jpg")
	nadia.Post("/documents/"+id+"/version/remettre", "version", "1").Denied()
	helene.Post("/documents/"+id+"/version/remettre", "version", "1").To()
	helene.Post("/documents/"+id+"/version/remettre", "version", "9").NotFound()
	nadia.Get("/documents/"+id).OK().Has("/fichiers/"+first+"/web", "3 versions")
	helene.Upload("/documents/"+id+"/version", nil).Faulty().Has("Il manque le fichier")
}

func TestCommentsAreTheirAuthors(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, youssef := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("youssef.kermadec")
	id := deposit(t, a, helene, "", "sondage.jpg")
	give(helene, id, "2", families(a, "CE1 B")).To()
	at := "/documents/" + id
	nadia.Post(at+"/commentaires", "texte", " ").Faulty().Has("Il manque le commentaire")
	nadia.Post(at+"/commentaires", "texte", strings.Repeat("é", 2001)).Faulty().Has("trop long")
	nadia.Post(at+"/commentaires", "texte", "Le <b>jeudi</b> nous va.").To()
	said := a.One(`SELECT id FROM document_comment WHERE node = $1`, id)
	helene.Get(at).Has("Le &lt;b&gt;jeudi&lt;/b&gt; nous va.", "Nadia Kermadec")
	helene.Get("/").Has("sondage.jpg")
	youssef.Post(at+"/commentaires/retirer", "commentaire", said).NotFound()
	nadia.Post(at+"/commentaires/retirer", "commentaire", said).To()
	helene.Get(at).Lacks("jeudi")
	nadia.Post(at+"/commentaires", "texte", "Encore").To()
	helene.Post(at+"/commentaires/retirer", "commentaire", a.One(`SELECT id FROM document_comment WHERE node = $1`, id)).To()
}

// Who leaves takes their documents along; what they added elsewhere stays
// without their name.
func TestErasingTakesTheSpaceAlong(t *testing.T) {
	a := testapp.New(t)
	helene, julien := a.As("helene.duvivier"), a.As("julien.lecoq")
	theirs := folder(t, helene, "", "Commun")
	give(helene, theirs, "3", "person:"+julien.ID).To()
	added := deposit(t, a, julien, theirs, "ajout.jpg")
	julien.Upload("/documents/"+added+"/version", []testapp.File{{Field: "piece", Name: "ajout.jpg", Bytes: drawing(t, 41)}}).To()
	own := deposit(t, a, julien, folder(t, julien, "", "À moi"), "secret.jpg")
	give(julien, own, "1", "person:"+helene.ID).To()
	var service = func() (f func(tx *db.Tx) error) {
		for _, s := range a.Core.Apps {
			if s.Name == "documents" {
				return func(tx *db.Tx) error { return s.Erase(t.Context(), tx, rights.System("test"), julien.ID) }
			}
		}
		return nil
	}()
	if err := a.Core.DB.Write(t.Context(), service); err != nil {
		t.Fatal(err)
	}
	helene.Get("/documents/" + own).NotFound()
	page := helene.Get("/documents/" + added).OK().Lacks("Julien")
	if history := strings.Join(strings.Fields(page.Body), " "); !strings.Contains(history, "2 versions") || strings.Contains(history, "· <") || strings.Contains(history, "·</") {
		t.Errorf("the history of what nobody wrote any more: %s", history)
	}
	if n := a.One(`SELECT count(*) || '' FROM document_version WHERE author = $1`, julien.ID); n != "0" {
		t.Errorf("%s versions still name their author", n)
	}
	helene.Get("/documents/" + theirs + "/partage").OK().Lacks("Julien Lecoq")
}

func TestWhatIsJoinedElsewhereIsListed(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	word, _, _ := strings.Cut(helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "phoque.jpg", Bytes: drawing(t, 30)}},
		"titre", "Trois phoques", "texte", "Regardez.", "a", "class:"+class(a, "CE1 B")).To(), "?")
	helene.Get("/documents/services").OK().Has("phoque.jpg", "Trois phoques", word)
	nadia.Get("/documents/services").OK().Lacks("phoque.jpg")
}

// Pages come one after the other, each thing once, and favourites first.
func TestLongFoldersComeInPages(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	for n := range 65 {
		folder(t, helene, "", "Dossier "+string(rune('a'+n/26))+string(rune('a'+n%26)))
	}
	first := helene.Get("/documents").OK()
	_, tail, ok := strings.Cut(first.Body, `/documents?apres=`)
	if !ok {
		t.Fatal("no second page")
	}
	next, _, _ := strings.Cut(tail, `"`)
	second := helene.Get("/documents?apres=" + next).OK()
	if n := strings.Count(first.Body, "<b>Dossier") + strings.Count(second.Body, "<b>Dossier"); n != 65 {
		t.Errorf("%d folders on two pages", n)
	}
	helene.Get("/documents?apres=" + url.QueryEscape("x'y")).OK()
	star := a.One(`SELECT min(id) FROM document WHERE owner = $1`, helene.ID)
	helene.Post("/documents/" + star + "/favori?oui=1").To()
	helene.Get("/documents").Has("Favoris")
	helene.Post("/documents/" + star + "/favori").To()
	helene.Get("/documents").Lacks("Favoris")
	// By the menu of a folder, which stays with its list.
	menu := regexp.MustCompile(`action="(/documents/[^/"]+/favori[?][^"]*)"`).FindStringSubmatch(helene.Get("/documents").OK().Body)
	if menu == nil {
		t.Fatal("no favourite in the menu of a folder")
	}
	if to := helene.Post(html.UnescapeString(menu[1])).To(); to != "/documents" {
		t.Errorf("a favourite leads to %s", to)
	}
	helene.Get("/documents").Has("Favoris", "Retirer des favoris")
}

// A copy is its maker's: it counts as theirs, has the rights of where it lies,
// and outlives what it was made of.
func TestACopyIsItsMakers(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, julien := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("julien.lecoq")
	in := folder(t, helene, "", "Recettes")
	deep := folder(t, helene, in, "Soupes")
	one := deposit(t, a, helene, deep, "potiron.jpg")
	julien.Post("/documents/copier", "id", in, "vers", "haut").NotFound()
	give(helene, in, "1", families(a, "CE1 B"), "person:"+julien.ID).To()
	julien.Get("/documents/" + in + "/copier").OK().Has("Copier ici")
	julien.Post("/documents/copier", "id", in).OK().Has("Copier ici")
	julien.Post("/documents/copier", "id", in, "vers", in).Faulty() // not his to add to
	julien.Post("/documents/copier", "id", in, "vers", "haut").To()
	mine := a.One(`SELECT id FROM document WHERE owner = $1 AND name = 'potiron.jpg'`, julien.ID)
	for _, p := range []*testapp.Person{helene, nadia} {
		p.Get("/documents/" + mine).NotFound()
	}
	if used, held := a.One(`SELECT used || '' FROM file_usage WHERE person = $1`, julien.ID), a.One(`SELECT size || '' FROM file WHERE id = (SELECT file FROM document WHERE id = $1)`, mine); used != held {
		t.Errorf("%s octets are counted, %s copied", used, held)
	}
	helene.Post("/documents/corbeille", "id", in).To()
	helene.Post("/documents/corbeille/vider", "id", in).To()
	julien.Get("/documents/" + mine).OK()
	julien.Get("/fichiers/" + a.One(`SELECT file FROM document WHERE id = $1`, mine) + "/web").OK()
	nadia.Get("/documents/" + one).NotFound()
	if used := a.One(`SELECT used || '' FROM file_usage WHERE person = $1`, helene.ID); used != "0" {
		t.Errorf("the emptied trash still counts %s octets", used)
	}
	// Into itself, a copy is one more folder, not an endless one.
	copied := a.One(`SELECT id FROM document WHERE owner = $1 AND name = 'Recettes'`, julien.ID)
	julien.Post("/documents/copier", "id", copied, "vers", copied).To()
	if n := a.One(`SELECT count(*) || '' FROM document WHERE owner = $1`, julien.ID); n != "6" {
		t.Errorf("%s documents", n)
	}
}

// What a script sent before the form is deposited by its name, and nobody
// deposits a file of somebody else's.
func TestFilesSentBeforeTheForm(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := a.As("helene.duvivier"), a.As("antoine.mercier")
	kept := a.One(`SELECT file FROM document WHERE id = $1`, deposit(t, a, helene, "", "envoi.jpg"))
	antoine.Post("/documents/ajouter", "fichier", kept).Faulty().Has("le choisir de nouveau")
	helene.Post("/documents/ajouter", "fichier", kept, "fichier", kept).To()
	if n := a.One(`SELECT count(*) || '' FROM document WHERE file = $1`, kept); n != "2" {
		t.Errorf("%s documents of the file", n)
	}
	// A file that may not be sent stops no other, and is named.
	page := helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "bon.txt", Bytes: []byte("Bonjour")}, {Field: "piece", Name: "jeu.exe", Bytes: []byte("MZ\x90\x00rien")}}).Faulty()
	page.Has("jeu.exe", "1 fichier déposé")
	helene.Get("/documents").Has("bon.txt").Lacks("jeu.exe")
}

// A ZIP becomes a folder beside it, with its tree, or nothing at all.
func TestAZipIsUnpackedWholeOrNotAtAll(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, julien := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("julien.lecoq")
	in := folder(t, helene, "", "Musique")
	give(helene, in, "1", families(a, "CE1 B")).To()
	pack := func(name string, entries map[string]string) string {
		t.Helper()
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for at, body := range entries {
			w, err := z.Create(at)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(w, body); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: b.Bytes()}}).To()
		return a.One(`SELECT id FROM document WHERE name = $1`, name)
	}
	good := pack("Chants.zip", map[string]string{"Noël/Étoile.txt": "Belle nuit", "Noël/hiver/Neige.txt": "Il neige", "liste.txt": "Étoile, Neige"})
	helene.Get("/documents/" + good).OK().Has("Décompresser")
	nadia.Get("/documents/" + good).OK().Lacks("Décompresser")
	nadia.Post("/documents/" + good + "/decompresser").Denied()
	julien.Post("/documents/" + good + "/decompresser").NotFound()
	to, _, _ := strings.Cut(helene.Post("/documents/"+good+"/decompresser").To(), "?")
	nadia.Get(to).OK().Has("Noël", "liste.txt")
	snow := "/documents/" + a.One(`SELECT id FROM document WHERE name = 'Neige.txt'`)
	nadia.Get(snow).OK().Has("Il neige", "hiver", "Noël", "Chants")
	before := a.One(`SELECT count(*) || '' FROM document`)
	bad := pack("Jeux.zip", map[string]string{"ok.txt": "Bonjour", "jeu.exe": "MZ\x90\x00rien"})
	helene.Post("/documents/"+bad+"/decompresser").Faulty().Has("jeu.exe", "Rien n’a été décompressé")
	helene.Post("/documents/" + snow[len("/documents/"):] + "/decompresser").NotFound()
	if n := a.One(`SELECT (count(*) - 1) || '' FROM document`); n != before {
		t.Errorf("%s documents, there were %s", n, before)
	}
}

// A file is found by what it says, under its new name too, and no longer by what
// an earlier version said.
func TestFilesAreFoundByTheirWords(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "mardi.txt", Bytes: []byte("Penser au pique-nique.")}}).To()
	id := a.One(`SELECT id FROM document WHERE name = 'mardi.txt'`)
	a.Drain()
	helene.Get("/recherche?dans=documents&q=pique-nique").OK().Has("/documents/" + id)
	nadia.Get("/recherche?dans=documents&q=pique-nique").OK().Lacks(id)
	helene.Post("/documents/"+id+"/modifier", "nom", "jeudi.EXE").Faulty().Has("le nom d’un programme (.exe)")
	helene.Post("/documents/"+id+"/modifier", "nom", "jeudi.txt").To()
	helene.Get("/recherche?dans=documents&q=pique-nique").Has("/documents/" + id)
	helene.Get("/recherche?dans=documents&q=jeudi").Has("/documents/" + id)
	helene.Upload("/documents/"+id+"/version", []testapp.File{{Field: "piece", Name: "x.txt", Bytes: []byte("Penser au goûter.")}}).To()
	a.Drain()
	helene.Get("/recherche?dans=documents&q=pique-nique").Lacks(id)
	helene.Get("/recherche?dans=documents&q=gouter").Has("/documents/" + id)
	// A picture says nothing.
	helene.Upload("/documents/"+id+"/version", []testapp.File{{Field: "piece", Name: "x.png", Bytes: drawing(t, 12)}}).To()
	a.Drain()
	helene.Get("/recherche?dans=documents&q=gouter").Lacks(id)
}

// What is sent ahead of the form goes to the school of the folder, whatever other
// school its sender has.
func TestFilesAreSentToTheSchoolOfTheFolder(t *testing.T) {
	a := testapp.New(t)
	other := a.One(`SELECT id FROM school WHERE uai <> '0809876A' LIMIT 1`)
	helene := a.As("helene.duvivier")
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test").For(other), a.Core.Clock.Now(), people.Change{School: other,
			Join: []people.Membership{{Person: helene.ID, School: other, Profile: rights.Teacher}}})
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Second)
	for _, school := range []string{other, a.One(`SELECT id FROM school WHERE uai = '0809876A'`)} {
		to := helene.Post("/documents/dossier?ecole="+school, "nom", "Dossier").To()
		in, _, _ := strings.Cut(to, "?")
		helene.Get("/documents").OK().Has(a.One(`SELECT name FROM school WHERE id = $1`, school) + "\u00a0:")
		helene.Get(in + "/ajouter").OK().Has(`data-upload="/fichiers/envoi?ecole=` + school + `"`)
	}
}

// The operator may have the trash forget sooner.
func TestTheTrashForgetsWhenItIsTold(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	id := deposit(t, a, helene, "", "vieux.jpg")
	helene.Post("/documents/corbeille", "id", id).To()
	helene.Get("/documents/corbeille").Has("au bout de 30 jours")
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `INSERT INTO setting (scope, name, value) VALUES ('', 'trash_days', '7')`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	helene.Get("/documents/corbeille").Has("au bout de 7 jours")
	a.Core.Clock.Advance(8 * 24 * time.Hour)
	sweep(t, a)
	a.As("helene.duvivier").Get("/documents/corbeille").OK().Lacks("vieux.jpg")
}
