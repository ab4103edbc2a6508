package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/platform/clamav"
	"marelle/internal/platform/clamav/clamavtest"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
)

// TestAFileWaitsForTheAntivirus is a teacher whose file is looked at for a while:
// she sees that, publishes her word at once, and it leaves when the file may; until
// then nobody has the file. One that is infected is refused with a sentence, and
// the word leaves without it.
func TestAFileWaitsForTheAntivirus(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	dir := t.TempDir()
	menu, bad := filepath.Join(dir, "Menu.pdf"), filepath.Join(dir, "Facture.pdf")
	for path, says := range map[string]string{menu: "Des lentilles.", bad: clamavtest.Virus} {
		if err := os.WriteFile(path, []byte("%PDF-1.7\n"+says+"\n%%EOF\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b}
			address, answer := clamavtest.StartSlow(t)
			var err error
			if j.Core.Clamd, err = clamav.Parse(address); err != nil {
				t.Fatal(err)
			}
			files := func(name string) (n int) {
				t.Helper()
				n, err := db.Value[int](context.Background(), j.Core.DB, `SELECT count(*) FROM file WHERE name = $1`, name)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
			nadia := j.As("nadia.kermadec")
			helene := j.tab("helene.duvivier", screen.size)
			helene.Go(j.URL + "/carnet/nouveau")
			helene.Fill("Titre", "Le menu de la semaine")
			helene.Fill("Texte", "Bon appétit.")
			helene.Give(`input[name="piece"]`, menu)
			helene.WaitText("Vérification par l’antivirus")
			helene.CheckPage("ecrire-antivirus")
			upload := j.One(`SELECT id FROM upload WHERE name = 'Menu.pdf'`)
			for _, at := range []string{"/fichiers/" + upload + "/original", "/fichiers/" + upload + "/source"} {
				nadia.Get(at).NotFound()
			}
			nadia.Do("HEAD", "/fichiers/envoi/"+upload, "", nil).NotFound()
			if n := files("Menu.pdf"); n != 0 {
				t.Errorf("%d files are there before they were looked at", n)
			}
			// By its own hand: the test's waits for the page to rest, which it does not.
			browser.Eval[bool](helene, `(Array.from(document.querySelectorAll("button.bouton")).find((b) => b.textContent.includes("Publier")).click(), true)`)
			if at := helene.Path(); at != "/carnet/nouveau" || j.One(`SELECT CAST(count(*) AS TEXT) FROM word WHERE title = 'Le menu de la semaine'`) != "0" {
				t.Errorf("the word left before its file, to %s", at)
			}
			answer()
			helene.WaitText("Mot publié.")
			file := j.One(`SELECT f.id FROM file f JOIN file_use u ON u.file = f.id WHERE u.resource = $1`, strings.TrimPrefix(helene.Path(), "/carnet/"))
			nadia.Get(helene.Path()).OK().Has("Menu.pdf")
			nadia.Get("/fichiers/" + file + "/original").OK().Has("Des lentilles.")

			helene.Allow("422")
			helene.Go(j.URL + "/carnet/nouveau")
			helene.Fill("Titre", "La facture")
			helene.Fill("Texte", "La voici.")
			helene.Give(`input[name="piece"]`, bad)
			helene.WaitText("Vérification par l’antivirus")
			answer()
			helene.WaitText("Refusé : L’antivirus a trouvé un virus dans ce fichier : il n’a pas été gardé.")
			helene.CheckPage("ecrire-virus")
			if n := files("Facture.pdf"); n != 0 || j.One(`SELECT CAST(count(*) AS TEXT) FROM upload WHERE name = 'Facture.pdf'`) != "0" {
				t.Errorf("%d files of it are kept, or its upload", n)
			}
			helene.Click("Publier")
			helene.WaitText("Mot publié.")
			nadia.Get(helene.Path()).OK().Has("La voici.").Lacks("Facture")
		})
	}
}
