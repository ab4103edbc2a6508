package home_test

import (
	"context"
	"html"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// statements counts what a page asks the database.
func statements(a *testapp.App, p *testapp.Person, path string) []string {
	var mu sync.Mutex
	var list []string
	a.Core.DB.Watch(func(_ context.Context, text string, _ []any) {
		mu.Lock()
		defer mu.Unlock()
		list = append(list, strings.Join(strings.Fields(text), " "))
	})
	p.Get(path).OK()
	a.Core.DB.Watch(nil)
	return list
}

func TestHomeCostsFourStatements(t *testing.T) {
	a := testapp.New(t)
	for _, login := range []string{"nadia.kermadec", "helene.duvivier", "claire.fontaine", "ines.kermadec", "odile.portail"} {
		p := a.As(login)
		p.Get("/").OK() // the first visit may note that the session lives
		if list := statements(a, p, "/"); len(list) > 4 {
			t.Errorf("home of %s: %d statements\n%s", login, len(list), strings.Join(list, "\n"))
		}
	}
}

func TestListsCostTheSameWhateverTheirLength(t *testing.T) {
	a := testapp.New(t)
	for _, c := range []struct{ login, long, short string }{
		{"helene.duvivier", "/carnet", "/carnet?avant=1"},
		{"nadia.kermadec", "/carnet", "/carnet?avant=1"},
		{"nadia.kermadec", "/recherche?q=sortie", "/recherche?q=zzzz"},
		{"helene.duvivier", "/recherche?q=a", "/recherche?q=zzzz"},
	} {
		p := a.As(c.login)
		p.Get(c.long).OK()
		long, short := statements(a, p, c.long), statements(a, p, c.short)
		if len(long) > len(short)+2 || len(long) > 6 { // a teacher's carnet also says who is away and what is being written
			t.Errorf("%s: %d statements, %s: %d", c.long, len(long), c.short, len(short))
		}
	}
}

// The first page must travel light: bytes before compression, held exactly
// enough to notice a page that grows.
func TestPagesStayLight(t *testing.T) {
	a := testapp.New(t)
	for path, most := range map[string]int{"/": 48_000, "/carnet": 40_000} {
		if n := len(a.As("nadia.kermadec").Get(path).OK().Body); n > most {
			t.Errorf("%s weighs %d bytes, more than %d", path, n, most)
		}
	}
}

func TestHome(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	nadia.Get("/").OK().Has("Bonjour Nadia", "Lundi", "À lire", "Inès", "Yanis", "PS-MS", "Carnet de liaison")
	a.As("helene.duvivier").Get("/").OK().Has("Bonjour Hélène", "Mes derniers mots", "/27")
	a.As("ines.kermadec").Get("/").OK().Has("Bonjour Inès", "Tu as", "Mes mots").Lacks("Écrire un mot")
	a.As("odile.portail").Get("/").OK().Has("Bonjour Odile").Lacks("/carnet/nouveau")
	if to := a.Stranger().Get("/").To(); to != "/connexion?suite=%2F" {
		t.Errorf("a stranger is sent to %s", to)
	}
}

func TestRemovingFromTheFeedCanBeUndone(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	event := a.One(`SELECT f.event FROM feed f JOIN event e ON e.id = f.event JOIN resource r ON r.id = e.resource
		WHERE f.person = $1 AND r.title LIKE 'Sortie en baie%'`, nadia.ID)
	resource := a.One(`SELECT resource FROM event WHERE id = $1`, event)
	nadia.Get("/").OK().Has(resource)
	to := nadia.Post("/fil/" + event + "/retirer").To()
	nadia.Get(to).OK().Lacks(resource).Has("Retiré du fil", "/fil/"+event+"/remettre")
	nadia.Post("/fil/" + event + "/remettre").To()
	nadia.Get("/").OK().Has(resource)
	nadia.Post("/fil/nope/retirer").NotFound()
	a.As("antoine.mercier").Post("/fil/" + event + "/retirer").To() // nothing of theirs, nothing happens
	nadia.Get("/").OK().Has(resource)
}

func TestSearch(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	nadia.Get("/recherche?q=SORTIE+en+baie").OK().Has("<mark>Sortie</mark> en <mark>baie</mark> de Somme")
	nadia.Get("/recherche?q=phoques").OK().Has("de Somme", "observer les <mark>phoques</mark>") // said in the text alone
	nadia.Get("/recherche?q=l%27ecole+bottes").OK().Has("devant l’<mark>école</mark>", "des <mark>bottes</mark>")
	nadia.Get("/recherche?q=duvi").OK().Has("Hélène Duvivier")
	nadia.Get("/recherche?q=mercier").OK().Lacks("Antoine Mercier") // teaches another class
	nadia.Get("/recherche?q=duport").OK().Lacks("Directrice")
	a.As("helene.duvivier").Get("/recherche?q=mercier").OK().Has("Antoine Mercier")
	a.As("ines.kermadec").Get("/recherche?q=nadia").OK().Has("Nadia Kermadec")
	// Where to look, and what helps when there is nothing.
	nadia.Get("/recherche?q=duvivier&dans=liaison").OK().Lacks("Hélène Duvivier").Has("Rien trouvé", "/recherche?q=duvivier\"")
	nadia.Get("/recherche?q=somme&dans=personnes").OK().Has("Rien trouvé", "Chercher partout").Lacks("/carnet/0")
	nadia.Get("/recherche?q=somme&dans=liaison").OK().Has("de <mark>Somme</mark>").Has("aria-current=\"page\"")
	nadia.Get("/recherche?q=somme&dans=nulle-part").OK().Has("de <mark>Somme</mark>")
	nadia.Get("/recherche?q=la+sortie+zzzz").OK().Has("Rien trouvé", "Seulement « sortie »", "/recherche?q=zzzz").Lacks("Seulement « la")
	a.As("ines.kermadec").Get("/recherche?q=zzzz").OK().Has("Essaie avec un autre mot").Lacks("Essayez")
	// Pages follow each other without a script.
	helene := a.As("helene.duvivier")
	first := helene.Get("/recherche?q=le&dans=liaison").OK().Has("Plus de résultats").Body
	_, next, _ := strings.Cut(first, "<p class=\"plus\"><a class=\"bouton second\" href=\"")
	next, _, _ = strings.Cut(next, "\"")
	second := helene.Get(html.UnescapeString(next)).OK().Body
	for _, id := range regexp.MustCompile(`/carnet/[0-9a-f-]{36}`).FindAllString(second, -1) {
		if strings.Contains(first, id) {
			t.Errorf("%s is on two pages", id)
		}
	}
	for _, q := range []string{"", "%25", "_", "a%27%22%3E", strings.Repeat("x", 5000), "%ff%fe", "%00"} {
		nadia.Get("/recherche?q=" + q).OK()
	}
	nadia.Get("/?avant=" + id.New()).OK()
	nadia.Get("/?avant=1." + id.New()).OK().Has("Pas encore de nouvelles")
	nadia.Get("/?enfant=" + id.New()).OK()
}

func BenchmarkHome(b *testing.B) {
	a := testapp.New(b)
	nadia := a.As("nadia.kermadec")
	nadia.Get("/").OK()
	b.ReportAllocs()
	for b.Loop() {
		nadia.Get("/").OK()
	}
}

func BenchmarkWords(b *testing.B) {
	a := testapp.New(b)
	nadia := a.As("nadia.kermadec")
	nadia.Get("/carnet").OK()
	b.ReportAllocs()
	for b.Loop() {
		nadia.Get("/carnet").OK()
	}
}

func BenchmarkHomeParallel(b *testing.B) {
	a := testapp.New(b)
	nadia := a.As("nadia.kermadec")
	nadia.Get("/").OK()
	b.ReportAllocs()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			nadia.Get("/").OK()
		}
	})
}
