package liaison_test

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/testkit/testapp"
)

// cells reads a CSV back.
func cells(t *testing.T, body string) [][]string {
	t.Helper()
	text, marked := strings.CutPrefix(body, "\ufeff")
	if !marked {
		t.Error("the CSV has no byte order mark")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestTrackingTellsWhatEachParentDid(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, youssef := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("youssef.kermadec")
	w := sent(t, a, "Cinéma", "yesno", "question", "Votre enfant vient-il au cinéma ?")
	helene.Get(w).OK().Has(w + "/suivi")
	helene.Get(w+"/suivi").OK().Has("0/27", "Votre enfant vient-il au cinéma", "Manquent\u00a0: 27", "Ont répondu\u00a0: 0", "Oui\u00a0: 0",
		"Nadia Kermadec\u00a0: pas encore ouvert", "pas de compte actif", "Capucine Ziane")
	nadia.Get(w).OK()
	helene.Get(w + "/suivi").OK().Has("Nadia Kermadec\u00a0: ouvert " + moment(a))
	nadia.Post(w+"/reponse", "reponse", "1").To()
	youssef.Post(w+"/reponse", "reponse", "2").To()
	helene.Post(w + "/relance").To()
	helene.Get(w+"/suivi").OK().Has("1/27", "répondu «\u00a0Oui\u00a0» à", "Youssef Kermadec\u00a0: ouvert ", "répondu «\u00a0Non\u00a0» à", "relance "+moment(a),
		"Réponses différentes\u00a0: 1", "Oui\u00a0: 0", "Non\u00a0: 0")
	// Each filter shows its families and no other.
	for filter, shows := range map[string]bool{"": true, "manquants": false, "lus": true, "repondus": true, "differentes": true, "sans-compte": false, "zzz": true} {
		page := helene.Get(w + "/suivi?filtre=" + filter).OK()
		if strings.Contains(page.Body, "Famille d’Inès Kermadec") != shows {
			t.Errorf("filter %q: Inès shown is not %v", filter, shows)
		}
	}
	helene.Get(w + "/suivi?filtre=differentes").OK().Lacks("Capucine Ziane")
	helene.Get(w+"/suivi?filtre=manquants").OK().Has("Capucine Ziane", "Manquent\u00a0: 26")
	// Only who follows the word sees any of it.
	for _, path := range []string{"/suivi", "/suivi.csv"} {
		nadia.Get(w + path).Denied()
		a.As("ines.kermadec").Get(w + path).Denied()
		for _, who := range []string{"antoine.mercier", "martine.wallon", "maitre.duport", "parent.duport", elsewhere(t, a, "CE1 B")} {
			a.As(who).Get(w + path).NotFound()
		}
	}
}

// moment is now as the tracking writes it.
func moment(a *testapp.App) string {
	at := a.Core.Clock.Now().In(clock.Zone("Europe/Paris"))
	return i18n.Date(at, at)[:3] + ". " + at.Format("02/01") + " à " + i18n.Hour(at)
}

// Every act of a parent is there with its time, and of a word that was corrected
// what they gave before too.
func TestTrackingTellsEveryActWithItsTime(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Piscine", "sign_one")
	a.Core.Clock.Advance(42 * time.Minute)
	opened := moment(a)
	nadia.Get(w).OK()
	a.Core.Clock.Advance(time.Minute)
	nadia.Post(w + "/lu").To()
	a.Core.Clock.Advance(2 * time.Minute)
	nadia.Post(w+"/reponse", "signe", "1", "version", "1").To()
	did := "Nadia Kermadec\u00a0: ouvert " + opened + " · "
	helene.Get(w+"/suivi").OK().Has(did+"lu à 17\u00a0h\u00a013 · signé à 17\u00a0h\u00a015 (version 1)<", "Youssef Kermadec\u00a0: pas encore ouvert")
	a.Core.Clock.Advance(24 * time.Hour)
	helene.Post(w+"/corriger", "version", "1", "titre", "Piscine", "texte", "Demain.", "encore", "1").To()
	before := did + "signé à 17\u00a0h\u00a015 (version 1)"
	helene.Get(w + "/suivi").OK().Has(before + "<")
	a.Core.Clock.Advance(time.Hour)
	again := moment(a)
	nadia.Post(w + "/lu").To()
	helene.Get(w + "/suivi").OK().Has(before + " · lu " + again + " (version 2)<")
	a.Core.Clock.Advance(time.Minute)
	nadia.Post(w+"/reponse", "signe", "1", "version", "2").To()
	helene.Get(w + "/suivi").OK().Has(before + " · lu " + again + " (version 2) · signé à 18\u00a0h\u00a016 (version 2)<")
}

// A word that went to two classes is followed class by class, few families or
// many, whatever the filter; one that went to one class offers no choice.
func TestTrackingOfTwoClassesGoesByClassToo(t *testing.T) {
	a := testapp.New(t)
	claire := a.As("claire.fontaine")
	ce1, cm2 := class(t, a, "CE1 B"), class(t, a, "CM2")
	some := func(class string) string {
		return one(t, a, `SELECT min(cm.person) FROM class_member cm WHERE cm.class = $1 AND cm.profile = 'pupil'`, class)
	}
	name := func(pupil string) string {
		return one(t, a, `SELECT first || ' ' || last FROM person WHERE id = $1`, pupil)
	}
	w, _, _ := strings.Cut(claire.Post("/carnet", "titre", "Deux élèves", "texte", "x", "a", "pupil:"+some(ce1), "a", "pupil:"+some(cm2)).To(), "?")
	one, other := name(some(ce1)), name(some(cm2))
	claire.Get(w+"/suivi").OK().Has(one, other, `aria-label="Quelle classe"`, w+"/suivi?classe="+ce1, w+"/suivi?classe="+cm2)
	claire.Get(w+"/suivi?filtre=manquants&classe="+ce1).OK().Has(one, "0/1", w+"/suivi?classe="+cm2+"&amp;filtre=manquants", `href="`+w+`/suivi?filtre=manquants"`).Lacks(other)
	claire.Get(w+"/suivi?classe="+cm2).OK().Has(other, "Manquent\u00a0: 1").Lacks(one)
	helene := a.As("helene.duvivier")
	helene.Get(sent(t, a, "Une classe", "read") + "/suivi").OK().Lacks("Quelle classe")
}

func TestTrackingForASpreadsheet(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Allergies", "text", "question", "Une allergie ?")
	nadia.Post(w+"/reponse", "reponse", "=HYPERLINK(\"x\") ; arachides").To()
	page := helene.Get(w + "/suivi.csv").OK()
	if d := page.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
		t.Errorf("shown, not downloaded: %q", d)
	}
	rows := cells(t, page.Body)
	var found []string
	for _, r := range rows {
		if r[3] == "Nadia Kermadec" {
			found = r
		}
	}
	if found == nil {
		t.Fatalf("Nadia is not in %d lines", len(rows))
	}
	day := a.Core.Clock.Now().In(time.FixedZone("Paris", 3600)).Format("02/01/2006 15:04")
	for i, want := range []string{"Inès Kermadec", "CE1 B", "Répondu", "Nadia Kermadec", "actif", day, day, day, "'=HYPERLINK(\"x\") ; arachides", "1", ""} {
		if found[i] != want {
			t.Errorf("%s: %q, want %q", rows[0][i], found[i], want)
		}
	}
	if n := len(cells(t, helene.Get(w+"/suivi.csv?filtre=repondus").OK().Body)); n != 3 { // heads, and both parents of Inès
		t.Errorf("%d lines of those who answered", n)
	}
}

// statements counts what a request asks of the database.
func statements(a *testapp.App, do func()) int {
	n := 0
	a.Core.DB.Watch(func(context.Context, string, []any) { n++ })
	do()
	a.Core.DB.Watch(nil)
	return n
}

func TestTrackingOfAWholeSchoolGoesByClass(t *testing.T) {
	a := testapp.New(t)
	claire := a.As("claire.fontaine")
	w, _, _ := strings.Cut(claire.Post("/carnet", "titre", "À toute l’école", "texte", "x", "a", "school").To(), "?")
	ce1 := class(t, a, "CE1 B")
	claire.Get(w).OK().Has(w + "/suivi?classe=" + ce1).Lacks("Famille d’Inès")
	claire.Get(w+"/suivi").OK().Has("CE1 B", "CM2", "27", w+"/suivi?classe="+ce1).Lacks("Famille d’Inès")
	claire.Get(w+"/suivi?classe="+ce1).OK().Has("0/27", "Famille d’Inès Kermadec", "Toutes les classes").Lacks("Par classe")
	// A filter of all classes comes in pages, in the order of names, each family once.
	seen := map[string]int{} // there are homonyms
	pages, all := 0, 0
	for next := w + "/suivi?filtre=manquants"; next != ""; pages++ {
		page := claire.Get(next).OK()
		for _, p := range strings.Split(page.Body, `<b>Famille d`)[1:] {
			name, _, _ := strings.Cut(p, "</b>")
			seen[name]++
			all++
		}
		next = ""
		if _, after, ok := strings.Cut(page.Body, `href="`+w+`/suivi?apres=`); ok {
			after, _, _ = strings.Cut(after, `"`)
			next = w + "/suivi?apres=" + strings.ReplaceAll(after, "&amp;", "&")
		}
	}
	id := strings.TrimPrefix(w, "/carnet/")
	want := one(t, a, `SELECT families || ' ' || (SELECT count(DISTINCT first || ' ' || last) FROM person p JOIN word_pupil wp ON wp.pupil = p.id WHERE wp.word = word.id) FROM word WHERE id = $1`, id)
	if got := fmt.Sprint(all, len(seen)); got != want || pages < 4 {
		t.Errorf("%s families and names on %d pages, want %s", got, pages, want)
	}
	// It costs as many statements as a class.
	helene := a.As("helene.duvivier")
	small := sent(t, a, "À une classe", "read")
	helene.Get(small + "/suivi").OK()
	for _, of := range []string{"/suivi?filtre=manquants", "/suivi.csv", ""} {
		few := statements(a, func() { helene.Get(small + of).OK() })
		many := statements(a, func() { claire.Get(w + of).OK() })
		if many > few+1 || few == 0 { // a summary instead of, or beside, the families
			t.Errorf("%q takes %d statements for a class and %d for the school", of, few, many)
		}
	}
}

// What the summary counts is what the lists show.
func TestSummaryAgreesWithTheList(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Compter", "choice", "question", "Quel jour ?", "choix", "lundi\nmardi")
	logins, err := db.All[string](t.Context(), a.Core.DB, `SELECT DISTINCT p.login FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE wp.word = $1 AND p.activated_at IS NOT NULL ORDER BY p.login`, strings.TrimPrefix(w, "/carnet/"))
	if err != nil {
		t.Fatal(err)
	}
	for i, l := range logins[:20] {
		p := a.As(l)
		switch i % 3 {
		case 0:
			p.Get(w).OK()
		case 1:
			p.Post(w + "/lu")
		default:
			p.Post(w+"/reponse", "reponse", strconv.Itoa(1+i%2)).Is(http.StatusSeeOther)
		}
	}
	page := helene.Get(w + "/suivi").OK().Body
	for filter, label := range map[string]string{"manquants": "Manquent", "lus": "Ont lu", "repondus": "Ont répondu", "differentes": "Réponses différentes", "sans-compte": "Sans compte"} {
		n := strings.Count(helene.Get(w+"/suivi?filtre="+filter).OK().Body, `class="famille"`)
		if !strings.Contains(page, label+"\u00a0: "+strconv.Itoa(n)+"\n") && !strings.Contains(page, label+"\u00a0: "+strconv.Itoa(n)+"<") {
			t.Errorf("%s: the list has %d", label, n)
		}
	}
}

// The families ticked are reminded, and no other; nobody is when none is.
func TestTickedFamiliesAreReminded(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Cocher", "read")
	id := strings.TrimPrefix(w, "/carnet/")
	reminded := func() string {
		return one(t, a, `SELECT coalesce(string_agg(login, ' '), '') FROM (SELECT DISTINCT k.login FROM reminder rm JOIN family_link f ON f.relative = rm.person JOIN word_pupil wp ON wp.word = rm.word AND wp.pupil = f.pupil
			JOIN person k ON k.id = f.pupil WHERE rm.word = $1) x`, id)
	}
	helene.Get(w+"/suivi").OK().Has("Relancer les 27 familles qui manquent", w+"/relance?choix=1")
	if to := helene.Post(w + "/relance?choix=1").To(); to != w+"/suivi?fait=personne" || reminded() != "" {
		t.Errorf("nothing ticked: sent to %s, reminded %q", to, reminded())
	}
	helene.Get(w + "/suivi?fait=personne").OK().Has("Cochez au moins une famille")
	ids, err := db.All[string](t.Context(), a.Core.DB, `SELECT p.id FROM person p WHERE p.login IN ('ines.kermadec', 'iris.blanchard') ORDER BY p.login`)
	if err != nil || len(ids) != 2 {
		t.Fatal(ids, err)
	}
	if to := helene.Post(w+"/relance?choix=1", "id", ids[0], "id", ids[1]).To(); to != w+"/suivi?fait=relance" {
		t.Errorf("sent to %s", to)
	}
	if got := strings.Fields(reminded()); len(got) != 2 || !slices.Contains(got, "ines.kermadec") || !slices.Contains(got, "iris.blanchard") {
		t.Errorf("reminded %q", got)
	}
	// The button of one line leaves the ticks of the others alone.
	tom := one(t, a, `SELECT id FROM person WHERE login = 'tom.bonnet'`)
	alice := one(t, a, `SELECT id FROM person WHERE login = 'alice.guerin'`)
	helene.Post(w+"/relance?choix=1", "id", alice, "eleve", tom).To()
	if got := strings.Fields(reminded()); len(got) != 3 || slices.Contains(got, "alice.guerin") {
		t.Errorf("reminded %q", got)
	}
	// A pupil to whom the word did not go reminds nobody.
	other := one(t, a, `SELECT min(cm.person) FROM class_member cm WHERE cm.class = $1 AND cm.profile = 'pupil'`, class(t, a, "CM2"))
	if to := helene.Post(w+"/relance?choix=1", "id", other).To(); to != w+"/suivi?fait=dejarelance" {
		t.Errorf("sent to %s", to)
	}
	// One class of a word that went to several.
	claire := a.As("claire.fontaine")
	both, _, _ := strings.Cut(claire.Post("/carnet", "titre", "Deux classes", "texte", "x", "a", "class:"+class(t, a, "CE1 B"), "a", "class:"+class(t, a, "CM2")).To(), "?")
	claire.Post(both+"/relance", "suivi", "1", "classe", class(t, a, "CM2")).To()
	if n := one(t, a, `SELECT count(*) || '' FROM reminder rm JOIN person p ON p.id = rm.person WHERE rm.word = $1 AND p.login = 'nadia.kermadec'`, strings.TrimPrefix(both, "/carnet/")); n != "0" {
		t.Errorf("a parent of another class was reminded")
	}
	if n := one(t, a, `SELECT count(*) || '' FROM reminder WHERE word = $1`, strings.TrimPrefix(both, "/carnet/")); n == "0" {
		t.Errorf("nobody was reminded")
	}
}
