package liaison_test

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

func TestWordJustSentIsTakenBack(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Parti trop vite", "yesno", "question", "Vient-il ?")
	helene.Get(w + "?fait=envoye").OK().Has(w + "/reprendre")
	nadia.Get(w).OK().Has("Parti trop vite")
	nadia.Post(w+"/reponse", "reponse", "1").To()
	nadia.Post(w + "/reprendre").Denied()
	a.Core.Clock.Advance(5 * time.Second)
	to := helene.Post(w + "/reprendre").To()
	helene.Get(to).OK().Has("Le mot est redevenu un brouillon", "Parti trop vite", "Dites-nous.", "Vient-il", `value="yesno" checked`, `value="class:`+class(t, a, "CE1 B")+`" checked`)
	for _, p := range []*testapp.Person{helene, nadia, a.As("ines.kermadec")} {
		p.Get(w).NotFound()
		p.Get("/").OK().Lacks("Parti trop vite")
		p.Get("/carnet").OK().Lacks(w)
		p.Get("/recherche?q=trop+vite").OK().Lacks(w)
	}
	nadia.Post(w + "/lu").NotFound()
	helene.Post(w + "/reprendre").NotFound()
	// Nobody is told, not even a job late.
	if err := a.Core.Jobs.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(48 * time.Hour)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return liaison.Retain(t.Context(), tx, rights.System("test"), a.Core.Clock.Now())
	}); err != nil {
		t.Fatal(err)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM resource WHERE id = $1`, strings.TrimPrefix(w, "/carnet/")); n != "0" {
		t.Error("a word taken back is kept for ever")
	}
	helene.Get("/carnet?vue=brouillons").OK().Has("Parti trop vite")
}

func TestWordIsNotTakenBackLate(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Trop tard", "read")
	if due := one(t, a, `SELECT count(*) || '' FROM delivery d JOIN event e ON e.id = d.event WHERE e.resource = $1`, strings.TrimPrefix(w, "/carnet/")); due != "0" {
		t.Errorf("%s told at once", due)
	}
	a.Core.Clock.Advance(12 * time.Second)
	helene.Get(w + "?fait=envoye").OK().Lacks("/reprendre")
	if to := helene.Post(w + "/reprendre").To(); to != w+"?fait=parti" {
		t.Errorf("sent to %s", to)
	}
	nadia.Get(w).OK().Has("Trop tard")
}

func TestDraftIsKeptContinuedAndDropped(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := a.As("helene.duvivier"), a.As("antoine.mercier")
	to := "class:" + class(t, a, "CE1 B")
	helene.Get("/carnet").OK().Lacks("Brouillons")
	next := helene.Upload("/carnet/brouillon", []testapp.File{{Field: "piece", Name: "plan.pdf", Bytes: pdf(t)}},
		"id", id.New(), "onglet", id.New(), "titre", "À finir", "texte", "Il manque\nla fin", "a", to, "demande", "choice", "question", "Quel jour ?", "choix", "lundi").To()
	helene.Get(next).OK().Has("Brouillon enregistré à", "À finir", "Il manque\nla fin", "lundi", "Garder plan.pdf", `value="`+to+`" checked`, `value="choice" checked`)
	draft := query(t, next, "brouillon")
	helene.Get("/carnet").OK().Has("Brouillons (1)")
	helene.Get("/carnet?vue=brouillons").OK().Has("À finir", "Continuer", "Supprimer", draft)
	// Nobody else's, of whatever profile, nor under another school's name.
	for _, p := range []*testapp.Person{antoine, a.As("claire.fontaine"), a.As("directrice.duport")} {
		p.Get("/carnet/nouveau?brouillon=" + draft).NotFound()
		p.Get("/carnet/apercu?brouillon=" + draft).NotFound()
		p.Post("/carnet/brouillon", "id", draft, "onglet", id.New(), "titre", "Volé").NotFound()
		p.Post("/carnet/brouillon/supprimer", "brouillon", draft).NotFound()
		p.Get("/carnet?vue=brouillons").OK().Lacks("À finir")
	}
	a.As("nadia.kermadec").Get("/carnet/nouveau?brouillon=" + draft).Denied()
	a.As("nadia.kermadec").Get("/carnet?vue=brouillons").OK().Lacks("À finir")
	// The files of a draft outlive the day of those that nothing shows.
	file := one(t, a, `SELECT files FROM word_draft WHERE id = $1`, draft)
	a.Core.Clock.Advance(72 * time.Hour)
	sweep(t, a)
	helene.Get("/carnet/nouveau?brouillon=" + draft).OK().Has("Garder plan.pdf")
	gone := helene.Post("/carnet/brouillon/supprimer", "brouillon", draft).To()
	helene.Get(gone).OK().Has("Brouillon supprimé", "/carnet/brouillon/garder").Lacks("À finir")
	helene.Post("/carnet/brouillon/garder", "brouillon", draft).To()
	helene.Get("/carnet?vue=brouillons").OK().Has("À finir")
	// Sent, it is a draft no more, and a saving that comes late revives nothing.
	w, _, _ := strings.Cut(helene.Post("/carnet", "id", draft, "titre", "Fini", "texte", "x", "a", to, "fichier", file).To(), "?")
	helene.Get(w).OK().Has("plan.pdf")
	helene.Get("/carnet?vue=brouillons").OK().Has("Aucun brouillon")
	if to := helene.Post("/carnet/brouillon", "id", draft, "onglet", id.New(), "titre", "Retard").To(); to != w {
		t.Errorf("sent to %s", to)
	}
	helene.Get(w).OK().Lacks("Retard")
	// Old ones go.
	helene.Post("/carnet/brouillon", "id", id.New(), "titre", "Oublié").To()
	a.Core.Clock.Advance(181 * 24 * time.Hour)
	sweep(t, a)
	if n := one(t, a, `SELECT count(*) || '' FROM word_draft`); n != "0" {
		t.Errorf("%s old drafts", n)
	}
}

// script saves a draft as the page's script does.
func script(t *testing.T, p *testapp.Person, pairs ...string) (out struct {
	ID, Text string
	Revision int64
	Stop     bool
}) {
	t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	page := p.Do("POST", "/carnet/brouillon?pour=script", "application/x-www-form-urlencoded", strings.NewReader(form.Encode())).OK()
	if err := json.Unmarshal([]byte(page.Body), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDraftInTwoPagesLosesNothing(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	draft, first, second := id.New(), id.New(), id.New()
	if k := script(t, helene, "id", draft, "onglet", first, "revision", "0", "titre", "Un"); k.ID != draft || k.Revision != 1 || !strings.HasPrefix(k.Text, "Brouillon enregistré à 16\u00a0h\u00a030") {
		t.Fatalf("%+v", k)
	}
	// The same page goes on, even when an answer was lost on the way.
	script(t, helene, "id", draft, "onglet", first, "revision", "0", "titre", "Un deux")
	// Another page that shows the latest takes over; the first is now the older.
	if k := script(t, helene, "id", draft, "onglet", second, "revision", "2", "titre", "Trois"); k.ID != draft || k.Revision != 3 {
		t.Fatalf("%+v", k)
	}
	k := script(t, helene, "id", draft, "onglet", first, "revision", "2", "titre", "Un deux encore")
	if k.ID == draft || !strings.Contains(k.Text, "second brouillon") || !strings.Contains(k.Text, "16\u00a0h\u00a030") {
		t.Fatalf("%+v", k)
	}
	helene.Get("/carnet?vue=brouillons").OK().Has("Trois", "Un deux encore")
	// Publishing from a page that another has overtaken asks first.
	to := "class:" + class(t, a, "CE1 B")
	page := helene.Post("/carnet", "id", draft, "onglet", first, "revision", "2", "titre", "Vieux", "texte", "x", "a", to).Faulty().Has("changé dans une autre page", "Vieux")
	tab := regexp.MustCompile(`name="revision" value="(\d+)"`).FindStringSubmatch(page.Body)
	helene.Post("/carnet", "id", draft, "onglet", first, "revision", tab[1], "titre", "Vieux", "texte", "x", "a", to).To()
	if k := script(t, helene, "id", draft, "onglet", second, "revision", "3", "titre", "Trop tard"); !k.Stop {
		t.Fatalf("%+v", k)
	}
}

func TestDuplicateAndPreview(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w, _, _ := strings.Cut(helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "plan.pdf", Bytes: pdf(t)}}, "titre", "Piscine", "texte", "Jeudi.", "theme", "trip",
		"a", "class:"+class(t, a, "CE1 B"), "demande", "choice", "question", "Quel car ?", "choix", "8 h\n9 h").To(), "?")
	to := helene.Post(w + "/dupliquer").To()
	helene.Get(to).OK().Has("Nouveau brouillon", "Piscine", "Jeudi.", "Quel car", "8 h\n9 h", "Garder plan.pdf", `value="trip" selected`).Lacks(`value="class:` + class(t, a, "CE1 B") + `" checked`)
	helene.Get(w).OK().Has("Piscine")
	nadia.Post(w + "/dupliquer").Denied()
	// The preview is what a family has before it, and notes nothing.
	for _, at := range []string{w + "/apercu", strings.Replace(to, "/carnet/nouveau", "/carnet/apercu", 1)} {
		helene.Get(at).OK().Has("Ceci est un aperçu", "Piscine", "Jeudi.", "plan.pdf", "Quel car", "8 h", "J’ai lu et je réponds", "<fieldset", "disabled").Lacks("familles ont", "Relancer")
	}
	nadia.Get(w + "/apercu").Denied()
	if n := one(t, a, `SELECT count(*) || '' FROM receipt WHERE word = $1`, strings.TrimPrefix(w, "/carnet/")); n != "0" {
		t.Errorf("%s receipts of a preview", n)
	}
	// From the form: what is typed is kept, then shown.
	at := helene.Post("/carnet/brouillon", "id", id.New(), "onglet", id.New(), "titre", "En cours", "texte", "Pas fini", "apercu", "1").To()
	helene.Get(at).OK().Has("Ceci est un aperçu", "En cours", "Pas fini", "J’ai lu", "Revenir au mot")
}

func query(t *testing.T, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get(name)
}

// sweep is the day's forgetting, of every part.
func sweep(t *testing.T, a *testapp.App) {
	t.Helper()
	for _, s := range a.Core.Apps {
		if s.Retain == nil || s.Name != "liaison" && s.Name != "file" {
			continue
		}
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return s.Retain(t.Context(), tx, rights.System("test")) }); err != nil {
			t.Fatal(err)
		}
	}
}
