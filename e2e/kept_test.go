package e2e

import (
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
)

// A session that ends while a word is written: the page that refuses it keeps
// the text, and sends it once its author has signed in again.
func TestAWordOutlivesItsSession(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			s := openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			tab := b.Tab(t, screen.size)
			tab.Allow("status 401")
			name, value := s.Cookie("helene.duvivier")
			tab.SetCookie(s.URL, name, value)
			tab.Go(s.URL + "/carnet/nouveau")
			tab.Fill("Titre", "Sortie à la mer")
			tab.Fill("Texte", "Départ à 8 h, avec un pique-nique.")
			tab.SetCookie(s.URL, name, "")
			tab.Click("Publier")
			tab.WaitText("Il faut se connecter")
			if tab.Status() != 401 {
				t.Errorf("status %d", tab.Status())
			}
			if kept := browser.Eval[string](tab, `document.querySelector("textarea").value`); !strings.Contains(kept, "avec un pique-nique") {
				t.Errorf("kept: %q", kept)
			}
			w.check(tab, "401-mot")
			tab.SetCookie(s.URL, name, value)
			tab.Click("Envoyer de nouveau")
			tab.WaitText("Sortie à la mer")
			if n := s.One(`SELECT count(*) FROM word WHERE title = 'Sortie à la mer'`); n != "1" {
				t.Errorf("sent %s times", n)
			}
		})
	}
}
