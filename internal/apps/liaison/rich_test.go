package liaison_test

import (
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
	"marelle/internal/testkit/testapp"
)

const (
	// formed is a text as the editor sends it, and words its plain text.
	formed = `<h3>Sortie</h3><p>Prévoir <strong>des bottes</strong>, <a href="https://exemple.fr/plan">le plan</a></p><ul><li><p>un seau</p></li></ul>`
	words  = "Sortie\n\nPrévoir des bottes, le plan\n\n- un seau"
)

// shown is the form as pages show it.
var shown = string(richtext.Clean(formed))

// kept says that a form holds a text's form and, in its text area, its words.
func kept(t *testing.T, p *testapp.Page, rich, plain string) {
	t.Helper()
	p.Has(`name="texte_html" value="`+html.EscapeString(rich)+`"`, html.EscapeString(plain)+"</textarea>")
}

// seen is the word of the last sending, as somebody has it before them.
func seen(t *testing.T, a *testapp.App, login, want string) {
	t.Helper()
	a.As(login).Get("/carnet/" + one(t, a, `SELECT max(id) FROM word`)).OK().Has(want)
}

func TestTheFormOfATextIsKeptEverywhere(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	to := "class:" + class(t, a, "CE1 B")
	draft := id.New()
	if k := script(t, helene, "id", draft, "onglet", id.New(), "titre", "Bottes", "a", to, "texte_html", formed+`<script>x</script><p></p>`); k.ID != draft {
		t.Fatalf("%+v", k)
	}
	at := "/carnet/nouveau?brouillon=" + draft
	kept(t, helene.Get(at).OK(), shown, words)
	helene.Get("/carnet/apercu?brouillon=" + draft).OK().Has(shown)
	// Without a script the words come back, and the form with them.
	for _, rich := range [][]string{{"texte_html", shown}, nil} {
		helene.Post("/carnet/brouillon", append([]string{"id", draft, "onglet", id.New(), "revision", one(t, a, `SELECT revision || '' FROM word_draft`), "titre", "Bottes", "a", to,
			"texte", strings.ReplaceAll(words, "\n", "\r\n")}, rich...)...).To()
		kept(t, helene.Get(at).OK(), shown, words)
	}
	// A form with another fault, with the editor and without.
	for _, typed := range [][]string{{"texte_html", formed}, {"texte_html", shown, "texte", words}} {
		kept(t, helene.Post("/carnet", append([]string{"titre", "", "a", to}, typed...)...).Faulty(), shown, words)
	}
	w, _, _ := strings.Cut(helene.Post("/carnet", "id", draft, "titre", "Bottes", "a", to, "texte", words, "texte_html", shown).To(), "?")
	for _, who := range []string{"nadia.kermadec", "ines.kermadec", "helene.duvivier"} {
		seen(t, a, who, shown)
	}
	a.As("nadia.kermadec").Get("/recherche?q=seau").OK().Has(w)
	// Used again, and taken back.
	kept(t, helene.Get(helene.Post(w+"/dupliquer").To()).OK(), shown, words)
	kept(t, helene.Get(helene.Post(w+"/reprendre").To()).OK(), shown, words)
	// Planned, changed there, and sent by itself.
	helene.Post("/carnet/planifier", "titre", "Plus tard", "a", to, "texte_html", formed, "jour", "2026-11-26", "heure", "07:30").To()
	kept(t, helene.Get("/carnet/nouveau?brouillon="+one(t, a, `SELECT id FROM word_draft WHERE send_at IS NOT NULL`)).OK(), shown, words)
	a.Core.Clock.Advance(7 * 24 * time.Hour)
	if err := liaison.SendDue(t.Context(), a.Core); err != nil {
		t.Fatal(err)
	}
	seen(t, a, "nadia.kermadec", shown)
	// And it is among what one has of oneself.
	if got := one(t, a, `SELECT count(*) || '' FROM word_draft WHERE rich = $1 AND body = $2`, shown, words); got != "2" {
		t.Errorf("%s drafts have the form", got)
	}
}

func TestWordsThatChangeWithoutTheEditorLoseTheirForm(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	to := "class:" + class(t, a, "CE1 B")
	draft := id.New()
	script(t, helene, "id", draft, "onglet", id.New(), "titre", "Bottes", "texte_html", formed)
	helene.Get("/carnet/nouveau?brouillon=" + draft).OK().Has("Ce texte est mis en forme")
	helene.Post("/carnet/brouillon", "id", draft, "revision", "1", "titre", "Bottes", "texte", words+" et une pelle", "texte_html", shown).To()
	helene.Get("/carnet/nouveau?brouillon="+draft).OK().Has("un seau et une pelle</textarea>").Lacks("&lt;strong", "Ce texte est mis en forme")
	helene.Post("/carnet", "id", draft, "revision", "2", "titre", "Bottes", "a", to, "texte", words+" et une pelle").To()
	seen(t, a, "nadia.kermadec", "<p>- un seau et une pelle</p>")
	// A text area alone is plain text, whatever it says.
	helene.Post("/carnet", "titre", "Brut", "a", to, "texte", "<strong>gras</strong>").To()
	seen(t, a, "nadia.kermadec", "<p>&lt;strong&gt;gras&lt;/strong&gt;</p>")
}

func TestATextOfNothingIsMissing(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	to := "class:" + class(t, a, "CE1 B")
	for _, empty := range []string{"", "<p></p>", "<p> </p><p>&nbsp;</p>", "<ul><li><p></p></li></ul>", `<img src="https://exemple.fr/x.png">`} {
		helene.Post("/carnet", "titre", "Rien", "a", to, "texte_html", empty).Faulty().Has("Il manque le texte du mot.")
	}
}

func TestATextTooLongIsToldAndKept(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	to := "class:" + class(t, a, "CE1 B")
	long := strings.Repeat("<p><strong><em><u>a</u></em></strong></p>", 6000)
	w := sent(t, a, "Court", "read")
	for _, at := range []string{"/carnet", w + "/corriger"} {
		p := helene.Post(at, "titre", "Long", "a", to, "texte_html", long).Faulty().Has("Ce texte est trop long")
		if got := regexp.MustCompile(`name="texte_html" value="([^"]*)"`).FindStringSubmatch(p.Body); len(got) != 2 || html.UnescapeString(got[1]) != long {
			t.Errorf("%s: what was typed is gone", at)
		}
	}
	// Many words are too many with a form as without.
	helene.Post("/carnet", "titre", "Long", "a", to, "texte_html", "<p>"+strings.Repeat("mot ", 5001)+"</p>").Faulty().Has("Le texte est trop long")
	// Kept as a draft it can be shortened.
	draft := id.New()
	script(t, helene, "id", draft, "titre", "Long", "texte_html", long)
	kept(t, helene.Get("/carnet/nouveau?brouillon="+draft).OK(), long, strings.TrimSuffix(strings.Repeat("a\n\n", 6000), "\n\n"))
}

func TestACorrectionKeepsTheFormOfTheText(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w, _, _ := strings.Cut(helene.Post("/carnet", "titre", "Bottes", "a", "class:"+class(t, a, "CE1 B"), "theme", "misc", "texte_html", formed).To(), "?")
	kept(t, helene.Get(w+"/corriger").OK(), shown, words)
	// Nothing was changed, by the editor or without it.
	for _, typed := range [][]string{{"texte_html", shown}, {"texte", strings.ReplaceAll(words, "\n", "\r\n")}, {"texte", words, "texte_html", shown}} {
		helene.Post(w+"/corriger", append([]string{"version", "1", "titre", "Bottes", "theme", "misc"}, typed...)...).Faulty().Has("Rien n’a changé", `action="`+w+`/corriger"`)
	}
	// Another title leaves the text as it was.
	helene.Post(w+"/corriger", "version", "1", "titre", "Bottes et seau", "theme", "misc", "texte", words).To()
	seen(t, a, "nadia.kermadec", shown)
	// The form alone may change, and the editor may take it off.
	helene.Post(w+"/corriger", "version", "2", "titre", "Bottes et seau", "theme", "misc", "texte_html", "<p>Prévoir <em>des bottes</em></p>").To()
	seen(t, a, "nadia.kermadec", "<p>Prévoir <em>des bottes</em></p>")
	helene.Get(w).OK().Has(shown) // what it said before
	helene.Post(w+"/corriger", "version", "3", "titre", "Bottes et seau", "theme", "misc", "texte_html", "<p>Prévoir des bottes</p>").To()
	seen(t, a, "nadia.kermadec", "<p>Prévoir des bottes</p>")
	// Somebody else corrected it meanwhile: both texts are before the author.
	p := helene.Post(w+"/corriger", "version", "3", "titre", "Bottes", "texte_html", formed).Faulty().Has("<p>Prévoir des bottes</p>")
	kept(t, p, shown, words)
}
