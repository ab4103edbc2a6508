package e2e

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// is holds the page of a tab to a status.
func (w *walk) is(tab *browser.Tab, status int) {
	w.t.Helper()
	if tab.Status() != status {
		w.t.Fatalf("%s answers %d, want %d", tab.Path(), tab.Status(), status)
	}
}

// send presses a button and holds the page that answers it, without another
// address in between, to what every page must be.
func (w *walk) send(tab *browser.Tab, button, name string, status int) {
	w.t.Helper()
	browser.Eval[bool](tab, `window.before = true`)
	tab.Click(button)
	wait(w.t, name+" is not answered", func() bool { return browser.Eval[bool](tab, `!window.before && document.readyState === "complete"`) })
	if browser.Eval[int](tab, `performance.getEntriesByType("navigation")[0].redirectCount`) != 0 {
		w.t.Errorf("%s leads to another address: %s", name, tab.Path())
	}
	w.is(tab, status)
	w.check(tab, name)
}

// TestPagesThatAnswerAPost presses the buttons whose answer is a page with no
// address of its own, which no walk of addresses comes to.
func TestPagesThatAnswerAPost(t *testing.T) {
	t.Parallel()
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			t.Parallel() // each with its own server and browser
			s := openGate(t)
			w := walk{t: t, gate: s, b: browser.Start(t), size: screen.size, tabs: map[string]*browser.Tab{}}
			press := func(login, path, name string, buttons ...string) {
				t.Helper()
				tab, last := w.tab(login), len(buttons)-1
				tab.Go(s.URL + path)
				for _, b := range buttons[:last] {
					tab.Click(b)
				}
				w.send(tab, buttons[last], name, http.StatusOK)
			}
			class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
			asleep := s.One(`SELECT min(p.id) FROM person p JOIN class_member m ON m.person = p.id AND m.profile = 'pupil' WHERE m.class = $1 AND p.activated_at IS NULL`, class)

			// Sheets and codes.
			press("helene.duvivier", "/classe/"+class+"/fiches", "fiches-classe", "Voir à l'écran")
			press("claire.fontaine", "/ecole/fiches", "fiches-ecole", "CE1 B", "Voir à l'écran")
			press("helene.duvivier", "/classe/personne/"+asleep+"/code/nouveau", "code-nouveau", "Faire un nouveau code")
			press("helene.duvivier", "/classe/"+class+"/eleve/"+asleep, "code-fiche", `[formaction*="/code/fiche"]`)

			// Documents: where to, for whom.
			s.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Devoirs.txt", Bytes: []byte("Relire la page 24.")}}).To()
			paper := s.One(`SELECT id FROM document WHERE name = 'Devoirs.txt'`)
			press("helene.duvivier", "/documents", "documents-deplacer", `[data-choice]`, `[formaction="/documents/deplacer"]`)
			press("helene.duvivier", "/documents", "documents-copier", `[data-choice]`, `[formaction="/documents/copier"]`)
			press("helene.duvivier", "/documents/"+paper+"/partage", "partage-etoile", `[name=etoile]`)
			tab := w.tab("helene.duvivier")
			for _, words := range []string{"fontaine", "zzzz"} {
				tab.Go(s.URL + "/documents/" + paper + "/partage")
				tab.Fill("#q", words)
				w.send(tab, `[name=chercher]`, "partage-cherche-"+words, http.StatusOK)
			}

			// What mails lead to.
			press("", "/desabonnement/"+w.stops(s.One(`SELECT id FROM person WHERE login = 'nadia.kermadec'`)), "desabonnement-fait", "Arrêter ces e-mails")
			w.open("", "/desabonnement/"+w.stops("quelqu'un qui n'est plus là"), "desabonnement-ancien")

			// A password for a computer, shown once.
			w.active("helene.duvivier", "helene@exemple.fr")
			name, value := s.Cookie("helene.duvivier") // a new password ended her sessions
			tab.SetCookie(s.URL, name, value)
			tab.Go(s.URL + "/compte/mots-de-passe")
			tab.Fill("Nom de l'ordinateur", "Portable de la classe")
			tab.Fill("Votre mot de passe actuel", chosen)
			w.send(tab, "Créer", "mots-de-passe-cree", http.StatusOK)
		})
	}
}

// TestPagesThatComeTooLate looks at what is shown when somebody else was faster,
// when too much is sent, under a name that is not the portal's, and when there are
// too many at once.
func TestPagesThatComeTooLate(t *testing.T) {
	t.Parallel()
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			t.Parallel() // each with its own server and browser
			s := openGate(t)
			w := walk{t: t, gate: s, b: browser.Start(t), size: screen.size, tabs: map[string]*browser.Tab{}}

			// 409: the last teacher of a class leaves it.
			helene := w.tab("helene.duvivier")
			helene.Go(s.URL + "/classe/" + s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`) + "/equipe")
			w.send(helene, `[action$="/equipe/retirer"] button`, "409-equipe", http.StatusConflict)

			// 413: a file that no school has, and a text that no form takes.
			heavy := filepath.Join(t.TempDir(), "eleves.csv")
			if err := os.WriteFile(heavy, bytes.Repeat([]byte("Nom;Prénom\n"), 4_000_000), 0o600); err != nil {
				t.Fatal(err)
			}
			claire := w.tab("claire.fontaine")
			claire.Go(s.URL + "/ecole/import")
			claire.Upload("Fichiers d'ONDE", heavy)
			w.send(claire, "Voir ce qui va changer", "413-import", http.StatusRequestEntityTooLarge)
			nadia := w.tab("nadia.kermadec")
			nadia.Go(s.URL + "/signaler?objet=" + s.One(`SELECT max(d.word) FROM word_pupil d JOIN person p ON p.id = d.pupil WHERE p.login = 'ines.kermadec'`))
			browser.Eval[bool](nadia, `(e => { e.removeAttribute("maxlength"); e.value = "très long ".repeat(40000); return true; })(document.querySelector("textarea"))`)
			w.send(nadia, "Signaler", "413-formulaire", http.StatusRequestEntityTooLarge)

			// 421: another name for the same machine, whose page is dressed all the same.
			other := w.b.Tab(t, w.size)
			other.Allow("421) was received when fetching the script") // no worker settles there
			other.Go(strings.Replace(s.URL, "127.0.0.1", "localhost", 1) + "/connexion")
			w.is(other, http.StatusMisdirectedRequest)
			w.check(other, "421-autre-nom")

			// 503: everybody at once. What is written waits for a hand that holds it.
			tab := w.b.Tab(t, w.size)
			tab.Allow("status 503")
			w.crowd(func() {
				tab.Go(s.URL + "/connexion")
				w.is(tab, http.StatusServiceUnavailable)
			})
			w.check(tab, "503-connexion")
		})
	}
}

// crowd calls f while more ask than the server works for at once.
func (w *walk) crowd(f func()) {
	w.t.Helper()
	name, value := w.Cookie("helene.duvivier")
	ctx, leave := context.WithCancel(w.t.Context())
	const many = 400
	gone := make(chan error, many)
	full := errors.New("full")
	err := w.Core.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE person SET theme = theme WHERE login = 'helene.duvivier'`); err != nil {
			return err
		}
		refused := make(chan struct{}, many)
		for range many {
			go func() {
				r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL+"/compte/affichage", strings.NewReader(url.Values{"theme": {"sombre"}}.Encode()))
				if err == nil {
					r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
					r.AddCookie(&http.Cookie{Name: name, Value: value})
					var answer *http.Response
					if answer, err = http.DefaultTransport.RoundTrip(r); err == nil {
						if answer.StatusCode == http.StatusServiceUnavailable {
							refused <- struct{}{}
						}
						err = answer.Body.Close()
					}
				}
				gone <- err
			}()
		}
		<-refused // and nobody leaves before this ends
		f()
		return full
	})
	leave()
	for range many {
		<-gone
	}
	if !errors.Is(err, full) {
		w.t.Fatal(err)
	}
}
