package server_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// cost is what a page takes: statements, and bytes before compression.
type cost struct {
	statements, bytes int
	texts             []string
}

// asked is what the pages that seek are asked.
var asked = map[string]string{"/recherche": "?q=mot", "/partage/qui": "?q=ma"}

// costs of every page that somebody can open, by "profile GET pattern".
func costs(t *testing.T, a *testapp.App, more map[string]string) map[string]cost {
	t.Helper()
	path := a.Paths(more)
	out := map[string]cost{}
	for _, c := range []struct{ profile, login string }{
		{"relative", "nadia.kermadec"}, {"pupil", "ines.kermadec"}, {"teacher", "helene.duvivier"}, {"head", "claire.fontaine"}, {"operator", "odile.portail"},
	} {
		p := a.As(c.login)
		for _, r := range a.Routes() {
			if r.Method != http.MethodGet || strings.Contains(r.Pattern, "sortir") {
				continue
			}
			at := path(r) + asked[r.Pattern]
			page := p.Get(at) // the first visit may note something
			if page.Status != http.StatusOK || !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
				continue
			}
			var mu sync.Mutex
			var texts []string
			a.Core.DB.Watch(func(_ context.Context, text string, _ []any) {
				mu.Lock()
				defer mu.Unlock()
				if !strings.Contains(text, "river_") {
					texts = append(texts, strings.Join(strings.Fields(text), " "))
				}
			})
			page = p.Get(at).OK()
			a.Core.DB.Watch(nil)
			if page.Body == "" {
				continue // a part that has nothing to add
			}
			out[c.profile+" "+r.Pattern] = cost{len(texts), len(page.Body), texts}
		}
	}
	return out
}

// much gives the school many more of everything that lists are made of.
func much(t *testing.T, a *testapp.App, from, to int) {
	t.Helper()
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	class := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	ines := a.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`)
	now := a.Core.Clock.Now()
	day := func(i int) string {
		d := now.AddDate(0, 0, i)
		for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday || d.Weekday() == time.Wednesday {
			d = d.AddDate(0, 0, 1)
		}
		return d.Format(time.DateOnly)
	}
	document := a.One(`SELECT d.id FROM document d JOIN person p ON p.id = d.owner WHERE d.name = 'Baie de Somme' AND p.login = 'helene.duvivier'`)
	for i := from; i < to; i++ {
		s := fmt.Sprintf("%02d", i)
		w, _, _ := strings.Cut(helene.Post("/carnet", "id", id.New(), "titre", "Encore un mot "+s, "texte", "Bonjour.", "a", "class:"+class, "demande", "read").To(), "?")
		nadia.Post(w + "/lu")
		nadia.Post("/signaler", "objet", strings.TrimPrefix(w, "/carnet/"), "motif", "mistake", "texte", "Une erreur "+s)
		helene.Post("/carnet/brouillon", "id", id.New(), "onglet", id.New(), "titre", "Brouillon "+s, "texte", "x", "a", "class:"+class).To()
		helene.Post("/carnet/planifier", "id", id.New(), "titre", "Plus tard "+s, "texte", "x", "a", "class:"+class, "jour", day(3), "heure", "08:00").To()
		// There are so many words a parent may write in a day.
		if page := nadia.Post("/carnet/ecrire", "id", id.New(), "enfant", ines, "texte", "Un mot "+s); page.Status == http.StatusSeeOther {
			note, _, _ := strings.Cut(page.To(), "?")
			helene.Post(note+"/message", "texte", "Bien reçu.")
		}
		nadia.Post("/carnet/absence", "enfant", ines, "du", day(3*i+1), "motif", "sick")
		helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "fiche " + s + ".txt", Bytes: []byte("fiche " + s)}}).To()
		helene.Upload("/documents/"+document+"/ajouter", []testapp.File{{Field: "piece", Name: "dedans " + s + ".txt", Bytes: []byte("dedans " + s)}}).To()
		helene.Post("/documents/"+document+"/commentaires", "texte", "Voilà "+s)
		helene.Post("/classe/"+class+"/groupes/nouveau", "nom", "Groupe "+s, "membre", ines)
		trash := a.One(`SELECT d.id FROM document d WHERE d.name = $1`, "fiche "+s+".txt")
		if i%2 == 0 {
			helene.Post("/documents/corbeille", "id", trash).To()
		}
	}
	a.Drain()
}

// Each page asks what it asks however much there is, and says so in its line of
// testdata/costs.txt: statements to the letter, bytes within a twentieth.
func TestWhatAPageCosts(t *testing.T) {
	a := testapp.New(t)
	much(t, a, 0, 4) // something of everything
	more := map[string]string{
		"/ecole/signalements/{id}": a.One(`SELECT max(id) FROM report`),
		"groupe":                   a.One(`SELECT max(id) FROM school_group WHERE label = 'Groupe 01'`),
	}
	few := costs(t, a, more)
	var b strings.Builder
	b.WriteString("# Page, then the statements it asks and the bytes it weighs before compression.\n")
	for _, k := range sorted(few) {
		fmt.Fprintf(&b, "%-9s %-50s %3d %7d\n", strings.Fields(k)[0], strings.Fields(k)[1], few[k].statements, few[k].bytes)
	}
	const file = "testdata/costs.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	held, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]cost{}
	for line := range strings.Lines(string(held)) {
		var c cost
		var profile, pattern string
		if n, _ := fmt.Sscan(line, &profile, &pattern, &c.statements, &c.bytes); n == 4 {
			want[profile+" "+pattern] = c
		}
	}
	for _, k := range sorted(few) {
		got, held := few[k], want[k]
		if held.bytes == 0 {
			t.Errorf("%s: nobody holds its cost, %d statements and %d bytes", k, got.statements, got.bytes)
			continue
		}
		if got.statements != held.statements {
			t.Errorf("%s: %d statements, held to %d\n%s", k, got.statements, held.statements, strings.Join(got.texts, "\n"))
		}
		if got.bytes > held.bytes+held.bytes/20+200 || got.bytes < held.bytes-held.bytes/20-200 {
			t.Errorf("%s: %d bytes, held to %d", k, got.bytes, held.bytes)
		}
		if strings.HasSuffix(k, " /{$}") && got.statements > 4 {
			t.Errorf("%s: a home asks %d statements", k, got.statements)
		}
	}
	for k := range want {
		if _, ok := few[k]; !ok {
			t.Errorf("%s is held to a cost and does not open", k)
		}
	}
	if t.Failed() {
		t.Logf("after a look, go test ./internal/server -run %s -update", t.Name())
	}

	much(t, a, 4, 44)
	for k, c := range costs(t, a, more) {
		if c.statements != few[k].statements {
			t.Errorf("%s: %d statements with little, %d with much\n%s", k, few[k].statements, c.statements, strings.Join(c.texts, "\n"))
		}
	}
}

func sorted(m map[string]cost) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
