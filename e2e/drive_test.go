package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
)

// TestADrive is the way of a teacher who opens her documents from a computer: a
// password is made on the page, a program signs in with what the page shows, what
// it writes is among the documents, and taken away the password opens nothing.
func TestADrive(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, size := range []browser.Screen{browser.Phone, browser.Desktop} {
		t.Run(fmt.Sprint(size.Width), func(t *testing.T) {
			s := openGate(t)
			const password = "phoque lanterne gravier violon"
			hash, err := s.Core.Hasher.Hash(t.Context(), password)
			if err != nil {
				t.Fatal(err)
			}
			helene := s.As("helene.duvivier").ID
			if err := s.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
				return session.SetPassword(t.Context(), tx, s.Core, rights.System("test"), helene, hash)
			}); err != nil {
				t.Fatal(err)
			}
			tab := b.Tab(t, size)
			name, value := s.Cookie("helene.duvivier")
			tab.SetCookie(s.URL, name, value)
			tab.Go(s.URL + "/compte")
			tab.Click("a[href='/compte/mots-de-passe']")
			tab.WaitText("Vos documents comme un disque")
			tab.CheckPage("disque")
			tab.Fill("Nom de l'ordinateur", "Salle 3")
			tab.Fill("Votre mot de passe actuel", password)
			tab.Click("Créer")
			tab.WaitText("une seule fois")
			tab.CheckPage("disque-cree")
			key, address := tab.Text(".carte > .cle"), tab.Text(".cle-ou .cle")
			ask := func(method, path, body string) (int, string) {
				t.Helper()
				r, err := http.NewRequestWithContext(t.Context(), method, address+path, strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.SetBasicAuth("helene.duvivier", key)
				res, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				got, err := io.ReadAll(res.Body)
				if err != nil {
					t.Fatal(err)
				}
				return res.StatusCode, string(got)
			}
			if status, said := ask(http.MethodPut, "Mes%20documents/Bagages.txt", "Des bottes"); status != http.StatusCreated {
				t.Fatalf("the drive answers %d %s", status, said)
			}
			tab.Go(s.URL + "/documents")
			tab.Click("Bagages.txt")
			tab.WaitText("Des bottes")
			tab.Go(s.URL + "/compte/mots-de-passe")
			tab.WaitText("servi aujourd’hui")
			tab.CheckPage("disque-en-service")
			tab.Click("Retirer")
			tab.WaitText("Mot de passe retiré")
			if status, _ := ask(http.MethodGet, "Mes%20documents/Bagages.txt", ""); status != http.StatusUnauthorized {
				t.Errorf("the password that was taken away opens: %d", status)
			}
		})
	}
}
