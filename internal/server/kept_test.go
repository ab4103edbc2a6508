package server_test

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)

// again sends what a page of refusal kept, as its button does.
func again(t *testing.T, p *testapp.Person, page *testapp.Page) *testapp.Page {
	t.Helper()
	_, form, ok := strings.Cut(page.Body, `<form class="rangee" method="post" action="`)
	if !ok {
		t.Fatalf("nothing to send again in\n%s", page.Body)
	}
	action, form, _ := strings.Cut(form, `"`)
	form, _, _ = strings.Cut(form, "</form>")
	var pairs []string
	for _, m := range hidden.FindAllStringSubmatch(form, -1) {
		pairs = append(pairs, html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return p.Post(html.UnescapeString(action), pairs...)
}

// A session that ends while somebody writes takes nothing of the text with it.
func TestATextOutlivesItsSession(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	class := a.One(`SELECT id FROM class WHERE label = 'CE1 B'`)
	text := "Départ à 8 h,\nretour à 16 h : \"prévoir\" <un> pique-nique & de l’eau."
	word := []string{"titre", "Sortie à la mer", "texte", text, "a", "class:" + class, "demande", "read"}
	for n, send := range []func(p *testapp.Person, pairs ...string) *testapp.Page{
		func(p *testapp.Person, pairs ...string) *testapp.Page { return p.Post("/carnet", pairs...) },
		func(p *testapp.Person, pairs ...string) *testapp.Page {
			return p.Upload("/carnet", []testapp.File{{Field: "piece", Name: "plan.txt", Bytes: []byte("un plan")}}, pairs...)
		},
	} {
		page := send(a.Stranger(), append([]string{"id", id.New()}, word...)...).Is(401).
			Has("Sortie à la mer", html.EscapeString(text), `href="/connexion" target="_blank"`, "Envoyer de nouveau")
		if brought := strings.Contains(page.Body, "Les fichiers joints ne sont pas gardés"); brought != (n == 1) {
			t.Errorf("it says that files are lost: %v", brought)
		}
		to := again(t, helene, page).To()
		helene.Get(to).OK().Has("Sortie à la mer", "Départ à 8", "&lt;un&gt; pique-nique")
	}
	// What was tapped without a word to type can be sent again too.
	again(t, helene, a.Stranger().Post("/documents/vue", "vue", "grille").Is(401).Lacks("<textarea")).To()
}

func TestARefusedTextIsGivenBack(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	// Nothing to correct there any more: sending again would not help.
	helene.Post("/carnet/"+id.New()+"/corriger", "version", "1", "titre", "Tout neuf", "texte", "Écrit trop tard").NotFound().
		Has("Ce que vous avez écrit", "Écrit trop tard").Lacks("Envoyer de nouveau")
	// More than a form may hold.
	helene.Do("POST", "/documents/dossier", "application/x-www-form-urlencoded", strings.NewReader("nom=Mon+dossier&suite="+strings.Repeat("x", 2<<20))).Is(413).
		Has("Mon dossier").Lacks("Envoyer de nouveau")
	// A child is spoken to as one.
	a.As("ines.kermadec").Post("/carnet", "titre", "Mon mot", "texte", "Bonjour tout le monde").Denied().Has("Ce que tu as écrit", "Bonjour tout le monde")
	// What is secret stays with whoever typed it.
	a.Stranger().Post("/compte/mot-de-passe", "actuel", "mon vieux secret", "passe", "mon nouveau secret", "passe2", "mon nouveau secret").Is(401).
		Lacks("secret\"", "vieux secret", "nouveau secret", "Ce que vous avez écrit")
}

// A file that is too large leaves the word as it was written.
func TestATooLargeFileLeavesTheText(t *testing.T) {
	a := testapp.New(t)
	class := a.One(`SELECT id FROM class WHERE label = 'CE1 B'`)
	film := []testapp.File{{Field: "piece", Name: "film.mp4", Bytes: make([]byte, a.Core.UploadMax+2<<20)}}
	a.As("helene.duvivier").Upload("/carnet", film, "id", id.New(), "titre", "Le film", "texte", "Il est long.", "a", "class:"+class).Faulty().
		Has("Le film", "Il est long.", "20\u00a0Mo", `value="class:`+class+`" checked`)
	a.As("nadia.kermadec").Upload("/carnet/ecrire", film, "id", id.New(), "enfant", a.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`), "texte", "Voici son film.").Faulty().
		Has("Voici son film.", "20\u00a0Mo")
	if n := a.One(`SELECT count(*) FROM word WHERE title = 'Le film'`); n != "0" {
		t.Errorf("published all the same: %s", n)
	}
}

func TestATextAsLongAsAllowedIsNotTooLong(t *testing.T) {
	a := testapp.New(t)
	text := strings.Repeat("🌻", 20_000) // four bytes each, twelve in a form
	class := a.One(`SELECT id FROM class WHERE label = 'CE1 B'`)
	a.As("helene.duvivier").Post("/carnet", "id", id.New(), "titre", "Long", "texte", text, "a", "class:"+class).To()
}
