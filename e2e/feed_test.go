package e2e

import (
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/browser"
)

// TestTheFeed is a mother's evening: a burst of words is one line, what may be
// done with a line opens over the page, the next page comes below, and what is
// published meanwhile shows at once.
func TestTheFeed(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			s := openGate(t)
			class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
			publish := func(title string) {
				s.As("helene.duvivier").Post("/carnet", "id", id.New(), "titre", title, "texte", "Bonjour à tous.", "a", "class:"+class).To()
			}
			for _, title := range []string{"Piscine vendredi", "Goûter de Noël", "Photo de classe"} {
				publish(title)
			}
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			tab := w.tab("nadia.kermadec")
			tab.Go(s.URL + "/")
			w.check(tab, "fil")
			tab.Click(".rafale summary")
			tab.WaitText("Goûter de Noël")
			w.check(tab, "fil-rafale")
			// What may be done with a line, over the page, and back to it.
			browser.Eval[bool](tab, `(document.querySelector("[data-sheet]").click(), true)`)
			tab.WaitText("Ne plus m’avertir à ce sujet")
			tab.Screenshot("fil-actions")
			tab.Click("Ne plus m’avertir à ce sujet")
			tab.WaitText("plus de notification à ce sujet")
			tab.Go(s.URL + "/notifications")
			tab.WaitText("En sourdine")
			w.check(tab, "notifications-sourdine")
			// The next page, below.
			tab.Go(s.URL + "/")
			count := func() int { return browser.Eval[int](tab, `document.querySelectorAll("#nouveautes .fil > li").length`) }
			before := count()
			tab.Click("Voir la suite")
			for end := time.Now().Add(20 * time.Second); count() == before; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("nothing came below")
				}
			}
			if got := browser.Eval[string](tab, `document.querySelector("#nouveautes [data-told]").textContent`); !strings.HasPrefix(got, "Lignes ajoutées") {
				t.Errorf("a reader of the screen hears %q", got)
			}
			if !browser.Eval[bool](tab, `document.activeElement.matches("#nouveautes .fil a, #nouveautes .fil summary")`) {
				t.Error("the focus is not on the first line that came")
			}
			// What is published while she looks, once the page listens.
			for end := time.Now().Add(20 * time.Second); s.Core.Live.Count() == 0; time.Sleep(20 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the page does not listen")
				}
			}
			count = func() int {
				return browser.Eval[int](tab, `Number(document.querySelector("header .ico[data-badge] .palet").textContent)`)
			}
			bell := count()
			publish("Les poux sont de retour")
			tab.WaitText("1 nouveauté")
			if now := count(); now != bell+1 {
				t.Errorf("the bell says %d, not %d", now, bell+1)
			}
			w.check(tab, "fil-nouveaute")
			tab.Click("1 nouveauté")
			tab.WaitText("Les poux sont de retour")
			// The head, who is told of two services.
			s.As("nadia.kermadec").Post("/signaler", "objet", s.One(`SELECT max(id) FROM word`), "motif", "private", "texte", "Mon nom y est.").To()
			head := w.tab("claire.fontaine")
			head.Go(s.URL + "/?service=report")
			head.WaitText("Signalements")
			w.check(head, "fil-filtre")
		})
	}
}
