package liaison_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// sent has the teacher of CE1 B send a word that asks something, and is its path.
func sent(t *testing.T, a *testapp.App, title, ask string, more ...string) string {
	t.Helper()
	form := append([]string{"titre", title, "texte", "Dites-nous.", "a", "class:" + class(t, a, "CE1 B"), "demande", ask}, more...)
	w, _, _ := strings.Cut(a.As("helene.duvivier").Post("/carnet", form...).To(), "?")
	return w
}

func TestFamilyAnswersYesOrNo(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	due := a.Core.Clock.Now().AddDate(0, 0, 2).Format(time.DateOnly)
	w := sent(t, a, "Piscine", "yesno", "question", "Votre enfant vient-il à la piscine ?", "avant", due)
	page := nadia.Get(w).OK().Has("vient-il à la piscine", "Oui", "Non", "J’ai lu et je réponds", "Seule l’école voit votre réponse", "Réponse attendue avant")
	if strings.Contains(page.Body, "checked") {
		t.Error("an answer is chosen for the parent")
	}
	// Saying "J'ai lu" is not the answer: the word still waits.
	if to := nadia.Post(w + "/lu").To(); to != w+"?fait=reste" {
		t.Errorf("sent to %s", to)
	}
	helene.Get(w).OK().Has("<b>0/27</b>", "Sans réponse")
	nadia.Get("/").OK().Has(w)
	nadia.Post(w+"/reponse", "reponse", "").Faulty().Has("Choisissez une réponse")
	nadia.Post(w+"/reponse", "reponse", "3").Faulty().Has("Choisissez une réponse")
	nadia.Post(w+"/reponse", "reponse", "2").To()
	nadia.Get(w+"?fait=repondu").OK().Has("Vous avez répondu", "<b>Non</b>", "Changer ma réponse", w+"/annuler")
	helene.Get(w).OK().Has("<b>1/27</b>", "famille a répondu", "Nadia Kermadec\u00a0: Non", "Non\u00a0: 1")
	a.Core.Clock.Advance(time.Minute)
	nadia.Post(w+"/reponse", "reponse", "1").To()
	helene.Get(w).OK().Has("<b>1/27</b>", "Nadia Kermadec\u00a0: Oui").Lacks("Nadia Kermadec\u00a0: Non")
	// What was just tapped is taken back: first the change, then no more.
	if to := nadia.Post(w + "/annuler").To(); to != w+"?fait=annule" {
		t.Errorf("sent to %s", to)
	}
	helene.Get(w).OK().Has("<b>1/27</b>", "Nadia Kermadec\u00a0: Non")
	if to := nadia.Post(w + "/annuler").To(); to != w+"?fait=tard" {
		t.Errorf("sent to %s", to)
	}
	a.Core.Clock.Advance(72 * time.Hour)
	nadia.Post(w+"/reponse", "reponse", "1").Faulty().Has("La date est passée")
	nadia.Get(w).OK().Has("<b>Non</b>").Lacks("J’ai lu et je réponds", "/reponse")
	// A first answer may come late, and be taken back.
	youssef := a.As("youssef.kermadec")
	youssef.Post(w+"/reponse", "reponse", "1").To()
	helene.Get(w).OK().Has("Réponses différentes", "Youssef Kermadec\u00a0: Oui", "<b>1/27</b>")
	youssef.Post(w + "/annuler").To()
	helene.Get(w).OK().Lacks("Réponses différentes", "Youssef Kermadec\u00a0:").Has("<b>1/27</b>")
	a.As("ines.kermadec").Get(w).OK().Lacks("/reponse", "Oui")
	a.As("ines.kermadec").Post(w+"/reponse", "reponse", "1").Denied()
	helene.Post(w+"/reponse", "reponse", "1").Denied()
}

func TestTapIsUndone(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Seulement lire", "read")
	nadia.Post(w + "/lu").To()
	helene.Get(w).OK().Has("<b>1/27</b>")
	nadia.Get(w + "?fait=lu").OK().Has(w + "/annuler")
	nadia.Post(w + "/annuler").To()
	helene.Get(w).OK().Has("<b>0/27</b>")
	helene.Get("/carnet").OK().Has("0/27")
	nadia.Get("/").OK().Has(w + "/lu")
	nadia.Post(w + "/lu").To()
	a.Core.Clock.Advance(time.Minute)
	nadia.Post(w + "/annuler").To()
	helene.Get(w).OK().Has("<b>1/27</b>")
	// One parent's undo takes nothing from the other.
	youssef := a.As("youssef.kermadec")
	youssef.Post(w + "/lu").To()
	youssef.Post(w + "/annuler").To()
	helene.Get(w).OK().Has("<b>1/27</b>")
}

func TestSignatureOfOneOrBoth(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, youssef := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("youssef.kermadec")
	one := sent(t, a, "Règlement", "sign_one")
	nadia.Get(one).OK().Has("Je signe\u00a0: Nadia Kermadec")
	nadia.Post(one+"/reponse", "signe", "1").To()
	helene.Get(one).OK().Has("<b>1/27</b>", "Signé par Nadia Kermadec", "(version 1)")
	youssef.Get(one).OK().Has("Je signe\u00a0: Youssef Kermadec").Lacks("Nadia")
	both := sent(t, a, "Voyage", "sign_both")
	nadia.Post(both+"/reponse", "signe", "1").To()
	nadia.Get(both).OK().Has("Vous avez signé")
	helene.Get(both).OK().Has("<b>0/27</b>", "Signé par Nadia Kermadec")
	youssef.Post(both+"/reponse", "signe", "1").To()
	helene.Get(both).OK().Has("<b>1/27</b>", "Signé par Youssef Kermadec")
	helene.Get("/carnet").OK().Has("1/27")
	youssef.Post(both + "/annuler").To()
	helene.Get(both).OK().Has("<b>0/27</b>", "Signé par Nadia Kermadec").Lacks("Signé par Youssef")
}

func TestFaultyQuestionKeepsWhatWasTyped(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	post := func(pairs ...string) *testapp.Page {
		return helene.Post("/carnet", append([]string{"titre", "T", "texte", "x", "a", "class:" + class(t, a, "CE1 B")}, pairs...)...)
	}
	post("demande", "yesno").Faulty().Has("Écrivez la question", `value="yesno" checked`)
	post("demande", "choice", "question", "Quel jour ?", "choix", "lundi\nlundi\n").Faulty().Has("de 2 à 8 choix", "Quel jour", "lundi")
	post("demande", "choice", "question", "Quel jour ?", "choix", strings.Join(strings.Split("abcdefghi", ""), "\n")).Faulty().Has("de 2 à 8 choix")
	post("avant", "2026-02-30").Faulty().Has("Cette date n’existe pas")
	post("avant", "2020-01-01").Faulty().Has("Cette date est passée")
	w, _, _ := strings.Cut(post("demande", "choice", "question", "Quel jour ?", "choix", " lundi\r\n\r\nmardi").To(), "?")
	nadia := a.As("nadia.kermadec")
	nadia.Get(w).OK().Has("Quel jour", "lundi", "mardi")
	nadia.Post(w+"/reponse", "reponse", "2").To()
	helene.Get(w).OK().Has("Nadia Kermadec\u00a0: mardi")
	free, _, _ := strings.Cut(post("demande", "text", "question", "Une allergie ?").To(), "?")
	nadia.Post(free+"/reponse", "reponse", strings.Repeat("é", 2001)).Faulty().Has("trop longue", "ééé")
	nadia.Post(free+"/reponse", "reponse", "<b>aucune</b>").To()
	helene.Get(free).OK().Has("&lt;b&gt;aucune&lt;/b&gt;")
}

// Two parents who live apart answer for themselves: nothing of one shows to
// the other, on any page and in any file.
func TestSeparatedParentsNeverSeeEachOthersAnswer(t *testing.T) {
	a := testapp.New(t)
	nadia, youssef := a.As("nadia.kermadec"), a.As("youssef.kermadec")
	w := sent(t, a, "Garde du mercredi", "text", "question", "Qui vient chercher Inès ?")
	nadia.Post(w+"/reponse", "reponse", "Ma sœur Zoubida passera").To()
	for _, p := range []*testapp.Person{youssef, a.As("ines.kermadec")} {
		for _, path := range []string{w, "/carnet", "/", "/recherche?q=Zoubida", "/recherche?q=Garde+du+mercredi", "/carnet?theme=misc"} {
			page := p.Get(path).OK()
			if strings.Contains(page.Body, "sœur Zoubida") || strings.Contains(page.Body, "Vous avez répondu") {
				t.Errorf("%s reads the answer on %s", p.Login, path)
			}
		}
		var all strings.Builder
		if err := liaison.Export(t.Context(), a.Core.DB, p.ID, func(name string, v any) error {
			b, err := json.Marshal(v)
			fmt.Fprintf(&all, "%s %s\n", name, b)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(all.String(), "Zoubida") {
			t.Errorf("the export of %s holds the answer", p.Login)
		}
	}
	a.As("helene.duvivier").Get(w).OK().Has("Ma sœur Zoubida passera")
	nadia.Get(w).OK().Has("Ma sœur Zoubida passera")
	found := false
	if err := liaison.Export(t.Context(), a.Core.DB, nadia.ID, func(_ string, v any) error {
		b, err := json.Marshal(v)
		found = found || strings.Contains(string(b), "Zoubida")
		return err
	}); err != nil || !found {
		t.Errorf("an export without one's own answer (%v)", err)
	}
	youssef.Get(w).OK().Has("J’ai lu et je réponds")
}

// Every relative of a class signs, some take it back and sign again, all at
// once: the bar tells the families where two signed, no more and no less.
func TestConcurrentSignaturesOfBothParents(t *testing.T) {
	a := testapp.New(t)
	w := sent(t, a, "Tous ensemble", "sign_both")
	id := strings.TrimPrefix(w, "/carnet/")
	logins, err := db.All[string](t.Context(), a.Core.DB, `SELECT DISTINCT p.login FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE wp.word = $1 AND p.activated_at IS NOT NULL`, id)
	if err != nil || len(logins) < 30 {
		t.Fatalf("%d relatives (%v)", len(logins), err)
	}
	people := make([]*testapp.Person, len(logins))
	for i, l := range logins {
		people[i] = a.As(l)
	}
	var all sync.WaitGroup
	for i, p := range people {
		all.Go(func() {
			steps := []string{"/reponse", "/reponse"}
			if i%3 == 0 {
				steps = []string{"/reponse", "/annuler", "/reponse"}
			}
			for _, s := range steps {
				if page := p.Post(w+s, "signe", "1"); page.Status != 303 {
					t.Errorf("%s: %d", p.Login, page.Status)
				}
			}
		})
	}
	all.Wait()
	if n := one(t, a, `SELECT count(*) || '' FROM reply WHERE word = $1`, id); n != fmt.Sprint(len(logins)) {
		t.Errorf("%s signatures of %d", n, len(logins))
	}
	want := one(t, a, `SELECT count(*) || '' FROM (SELECT wp.pupil, count(DISTINCT p.id) AS signed, count(DISTINCT f.relative) AS everyone
		FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil LEFT JOIN person p ON p.id = f.relative AND p.activated_at IS NOT NULL
		WHERE wp.word = $1 GROUP BY wp.pupil) x WHERE (signed >= 2 OR (signed = 1 AND everyone = 1))`, id)
	if n := one(t, a, `SELECT reached || '' FROM word WHERE id = $1`, id); n != want || want == "0" {
		t.Errorf("the bar says %s, %s families signed", n, want)
	}
	page := a.As("helene.duvivier").Get(w).OK()
	if m := regexp.MustCompile(`<b>(\d+)/27</b>`).FindStringSubmatch(page.Body); m == nil || m[1] != want {
		t.Errorf("the page says %v, not %s", m, want)
	}
}

func TestMissingFamiliesAreReminded(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, youssef := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("youssef.kermadec")
	w := sent(t, a, "À rendre", "sign_both")
	id := strings.TrimPrefix(w, "/carnet/")
	events := func() string {
		return one(t, a, `SELECT count(*) || ' ' || count(DISTINCT event) FROM feed WHERE resource = $1 AND kind = 'liaison.reminder'`, id)
	}
	nadia.Post(w+"/reponse", "signe", "1").To()
	nadia.Post(w + "/relance").Denied()
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	// One family: who has signed is left alone.
	if to := helene.Post(w+"/relance", "eleve", ines).To(); to != w+"?fait=relance" {
		t.Errorf("sent to %s", to)
	}
	if n := events(); n != "1 1" {
		t.Errorf("%s told, not 1", n)
	}
	helene.Get(w).OK().Has("Relancée aujourd’hui à")
	youssef.Get("/").OK().Has(w)
	if to := helene.Post(w+"/relance", "eleve", ines).To(); to != w+"?fait=dejarelance" {
		t.Errorf("sent to %s", to)
	}
	// All: those reminded within the hour wait. A nervous thumb reminds once.
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { helene.Post(w + "/relance").To() })
	}
	all.Wait()
	most := one(t, a, `SELECT count(DISTINCT f.relative) || ' 2' FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = $1 AND f.relative <> $2`, id, nadia.ID)
	if n := events(); n != most {
		t.Errorf("%s told, not %s", n, most)
	}
	a.Core.Clock.Advance(61 * time.Minute)
	if to := helene.Post(w+"/relance", "eleve", ines).To(); to != w+"?fait=relance" {
		t.Errorf("sent to %s", to)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM reminder WHERE word = $1 AND person = $2`, id, youssef.ID); n != "2" {
		t.Errorf("%s reminders of one parent", n)
	}
}
