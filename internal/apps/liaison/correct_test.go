package liaison_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestCorrectedWordSaysSoAndKeepsWhatItSaid(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, youssef := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("youssef.kermadec")
	w := sent(t, a, "Départ à 8 h", "read")
	nadia.Post(w+"/lu", "version", "1").To()
	helene.Get(w).OK().Has("<b>1/27</b>", "Corriger le mot")
	helene.Get(w+"/corriger").OK().Has("Départ à 8 h", "Dites-nous.")
	helene.Post(w+"/corriger", "version", "1", "titre", "", "texte", "Un texte gardé").Faulty().Has("Il manque le titre", "Un texte gardé")
	helene.Post(w+"/corriger", "version", "1", "titre", "Départ à 8 h", "texte", "Dites-nous.").Faulty().Has("Rien n’a changé")
	a.Core.Clock.Advance(time.Hour)
	to := helene.Post(w+"/corriger", "version", "1", "titre", "Départ à 9 h", "texte", "Neuf heures.", "theme", "trip").To()
	if to != w+"?fait=change" {
		t.Errorf("sent to %s", to)
	}
	helene.Get(to).OK().Has("Départ à 9 h", "Corrigé le lundi\u00a023\u00a0novembre", "Ce que disait le mot avant", "Départ à 8 h", "Corrigée par Mme Duvivier", "<b>1/27</b>")
	// Who has read has read; everybody is told, and sees that it is a correction.
	nadia.Get(w).OK().Has("Neuf heures.", "Corrigé le", "Vous avez lu ce mot").Lacks("Départ à 8 h", "Dites-nous.")
	nadia.Get("/").OK().Has("Corrigé · ", "Départ à 9 h")
	nadia.Get("/recherche?q=neuf+heures").OK().Has("Départ à 9 h")
	nadia.Get("/recherche?q=Dites-nous").OK().Lacks(w)
	youssef.Get("/").OK().Has(w+"/lu", "Corrigé · ")
	// Two who correct at once: the second reads the first.
	helene.Post(w+"/corriger", "version", "1", "titre", "Départ à 7 h", "texte", "x").Faulty().Has("corrigé entre-temps", "Départ à 7 h", `name="version" value="2"`, "Le mot dit maintenant", "Neuf heures.")
	for _, p := range []*testapp.Person{nadia, a.As("ines.kermadec")} {
		p.Get(w + "/corriger").Denied()
		p.Post(w+"/corriger", "titre", "Piraté", "texte", "x").Denied()
	}
	a.As("antoine.mercier").Post(w+"/corriger", "titre", "Piraté", "texte", "x").NotFound()
	if n := one(t, a, `SELECT action || ' ' || detail FROM audit WHERE target = $1`, strings.TrimPrefix(w, "/carnet/")); n != "liaison.correct version 2" {
		t.Errorf("the log says %q", n)
	}
}

func TestCorrectionAsksAgain(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, youssef := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("youssef.kermadec")
	w := sent(t, a, "Règlement", "sign_one")
	nadia.Post(w+"/reponse", "signe", "1", "version", "1").To()
	helene.Get(w).OK().Has("<b>1/27</b>")
	a.Core.Clock.Advance(time.Hour)
	helene.Post(w+"/corriger", "version", "1", "titre", "Règlement", "texte", "Tout autre.", "encore", "1").To()
	helene.Get(w).OK().Has("<b>0/27</b>", "Nadia Kermadec a signé la version 1")
	helene.Get("/carnet").OK().Has("0/27")
	nadia.Get("/").OK().Has(w)
	nadia.Get(w).OK().Has("Vous aviez répondu le", "vous demande de le relire", "Je signe\u00a0: Nadia Kermadec")
	youssef.Get(w).OK().Lacks("Vous aviez répondu")
	if n := one(t, a, `SELECT count(*) || '' FROM feed WHERE resource = $1 AND person = $2 AND awaits`, strings.TrimPrefix(w, "/carnet/"), nadia.ID); n != "1" {
		t.Errorf("%s lines wait for one word", n)
	}
	// The page was opened before the correction: that signature is the old version's.
	if to := youssef.Post(w+"/reponse", "signe", "1", "version", "1").To(); to != w+"?fait=corrige" {
		t.Errorf("sent to %s", to)
	}
	youssef.Get(w+"?fait=corrige").OK().Has("Le mot vient d’être corrigé", "Je signe\u00a0: Youssef")
	helene.Get(w).OK().Has("<b>0/27</b>", "Youssef Kermadec a signé la version 1")
	nadia.Post(w+"/reponse", "signe", "1", "version", "2").To()
	helene.Get(w).OK().Has("<b>1/27</b>", "Signé par Nadia Kermadec", "(version 2)").Lacks("Nadia Kermadec a signé la version 1")
	nadia.Post(w + "/annuler").To()
	helene.Get(w).OK().Has("<b>0/27</b>", "Nadia Kermadec a signé la version 1")
	if n := one(t, a, `SELECT count(*) || '' FROM feed WHERE resource = $1 AND person = $2 AND awaits`, strings.TrimPrefix(w, "/carnet/"), nadia.ID); n != "1" {
		t.Errorf("after an undo %s lines wait for one word", n)
	}
}

// Everybody confirms while the author corrects twice, asking again: each
// confirmation is kept with a version, and the bar tells those of the last.
func TestConcurrentCorrections(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Pendant ce temps", "read")
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
	for _, p := range people {
		all.Go(func() {
			for range 2 {
				if page := p.Post(w+"/lu", "version", "1"); page.Status != 303 {
					t.Errorf("%s: %d", p.Login, page.Status)
				}
			}
		})
	}
	all.Go(func() {
		for v := range 2 {
			if page := helene.Post(w+"/corriger", "version", fmt.Sprint(v+1), "titre", "Pendant ce temps", "texte", fmt.Sprint("Encore ", v), "encore", "1"); page.Status != 303 {
				t.Errorf("correction: %d", page.Status)
			}
		}
	})
	all.Wait()
	if n := one(t, a, `SELECT count(DISTINCT person) || '' FROM receipt_past WHERE word = $1 AND version = 1`, id); n != fmt.Sprint(len(logins)) {
		t.Errorf("%s confirmations of the first version, of %d", n, len(logins))
	}
	for _, p := range people {
		all.Go(func() { p.Post(w+"/lu", "version", "3").To() })
	}
	all.Wait()
	want := one(t, a, `SELECT count(DISTINCT wp.pupil) || '' FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE wp.word = $1 AND p.activated_at IS NOT NULL`, id)
	if n := one(t, a, `SELECT reached || '' FROM word WHERE id = $1`, id); n != want {
		t.Errorf("the bar says %s, %s families read", n, want)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM receipt_past WHERE word = $1`, id); n != fmt.Sprint(len(logins)) {
		t.Errorf("%s earlier confirmations of %d", n, len(logins))
	}
	if n := one(t, a, `SELECT count(*) || '' FROM event WHERE resource = $1 AND kind = $2`, id, liaison.Corrected); n != "2" {
		t.Errorf("%s corrections told", n)
	}
}
