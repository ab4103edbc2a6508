package e2e

import (
	"context"
	"strings"
	"testing"
	"time"

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
	t.Parallel()
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
			helene.Fill(".choix-docs [name=q]", "phoque")
			helene.Press("Enter")
			helene.WaitText("phoque.jpg")
			helene.Click(`[value="` + j.One(`SELECT id FROM document WHERE name = 'phoque.jpg'`) + `"]`)
			helene.Click(".choix-docs .onglets a") // what is chosen stays chosen
			helene.Click(`.choix-docs a[href*="` + strings.TrimPrefix(folder, "/documents/") + `"]`)
			helene.WaitText("Ne peut pas être joint ici") // a text, in a word
			helene.Click(`[value="` + document + `"]`)
			helene.WaitText("2 choisis")
			helene.CheckPage("choisir-fichiers")
			helene.Click("Ajouter")
			helene.WaitText("Autorisation de sortie.pdf")

			helene.Click("Enregistrer un son")
			helene.Click(".enregistreur [data-do=start]")
			helene.WaitText("0:01")
			helene.CheckPage("son-en-cours")
			helene.Click("Pause")
			helene.WaitText("En pause")
			helene.Click("Continuer")
			helene.Click("Terminer")
			helene.WaitText("C’est enregistré.")
			helene.Press("Escape") // it asks first
			helene.WaitText("Jeter cet enregistrement")
			helene.Click("Ne pas jeter")
			helene.CheckPage("son-fini")
			helene.Click("Écouter")
			helene.Click("Garder")
			helene.WaitText("Arrivé")
			helene.Click("Enregistrer le brouillon") // keeps what was picked
			helene.WaitText("Garder Autorisation de sortie.pdf")
			helene.Click("Publier")
			helene.WaitText("Mot publié.")
			word := helene.Path()
			at := func(kind string) string {
				return "/fichiers/" + j.One(`SELECT f.id FROM file f JOIN file_use u ON u.file = f.id WHERE u.resource = $1 AND f.type LIKE $2`, strings.TrimPrefix(word, "/carnet/"), kind) + "/"
			}
			pdf, photo, sound := at("application/pdf")+"original", at("image/%")+"web", at("audio/%")+"original"

			// The document is taken out of this world, its shares with it.
			as.Post("/documents/corbeille", "id", strings.TrimPrefix(folder, "/documents/")).To()
			as.Post("/documents/corbeille/vider", "id", strings.TrimPrefix(folder, "/documents/")).To()
			if n := j.One(`SELECT count(*) FROM document WHERE owner = $1 AND name LIKE 'Autorisation%'`, as.ID); n != "0" {
				t.Fatalf("%s documents are left", n)
			}

			nadia := j.tab("nadia.kermadec", screen.size)
			nadia.Go(j.URL + word)
			nadia.WaitText("Autorisation de sortie.pdf")
			nadia.CheckPage("mot-joints-parent")
			for address, begins := range map[string]string{pdf: "%PDF-1.7", photo: "\xff\xd8\xff"} {
				if res, got := nadia.Get(address); res.StatusCode != 200 || !strings.HasPrefix(string(got), begins) {
					t.Errorf("%s answers %d with %.8q to who may read the word", address, res.StatusCode, got)
				}
			}
			for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) { // it is made ready first
				if res, _ := nadia.Get(sound); res.StatusCode != 404 || time.Now().After(end) {
					break
				}
			}
			nadia.Go(j.URL + word) // its page waits for that too
			if res, got := nadia.Get(sound); res.StatusCode != 200 || !strings.HasPrefix(res.Header.Get("Content-Type"), "audio/") || len(got) < 2000 {
				t.Errorf("the sound answers %d, %s, %d bytes", res.StatusCode, res.Header.Get("Content-Type"), len(got))
			}
			nadia.Press("Tab") // browsers play for those who did something
			heard := browser.Eval[float64](nadia, `new Promise((done, fail) => {
				const a = document.querySelector("audio");
				a.onerror = () => fail(new Error("not played: " + a.error.message));
				a.onended = () => done(a.currentTime);
				a.ontimeupdate = () => { if (a.currentTime > 1) done(a.currentTime); };
				a.muted = true;
				a.play().catch(fail);
			})`)
			if heard < 1 || heard > 60 {
				t.Errorf("the sound lasts %v s", heard)
			}
			for _, p := range []string{word, pdf, photo, sound} { // a parent of another class, whoever runs the portal, nobody
				j.As("antoine.mercier").Get(p).NotFound()
				j.As("odile.portail").Get(p).NotFound()
				j.Stranger().Get(p).Is(303)
			}
		})
	}
}

// A child records a sound where there is no room for it: it is told so, keeps the
// sound, and sends it once there is room.
func TestARecordingThatIsRefusedIsNotLost(t *testing.T) {
	t.Parallel()
	j := journey{t: t, gate: openGate(t), b: browser.Start(t)}
	room := func(bytes int64) {
		t.Helper()
		j.write(func(ctx context.Context, tx *db.Tx) error {
			return file.SetQuota(ctx, tx, rights.System("test"), j.One(`SELECT id FROM school WHERE uai = '0809876A'`), rights.Pupil, bytes)
		})
	}
	ines := j.tab("ines.kermadec", browser.Phone)
	ines.Allow("422")
	ines.Go(j.URL + "/documents/ajouter")
	room(10)
	ines.Click("Enregistrer un son")
	ines.Click(".enregistreur [data-do=start]")
	ines.WaitText("0:01")
	ines.Click("Terminer")
	ines.WaitText("C’est enregistré.")
	ines.Click("Garder")
	ines.WaitText("Il n’y a plus assez de place")
	ines.CheckPage("son-sans-place")
	if _, got := ines.Download("Garder sur cet appareil"); len(got) < 1000 {
		t.Errorf("%d bytes are kept on the device", len(got))
	}
	room(1 << 20)
	ines.Click("Réessayer")
	ines.WaitText("Arrivé")
	ines.Click(".carte > button.bouton")
	ines.WaitText("Enregistrement")
	if got := j.One(`SELECT f.type FROM document d JOIN file f ON f.id = d.file WHERE d.name LIKE 'Enregistrement %'`); !strings.HasPrefix(got, "audio/") {
		t.Errorf("it is kept as %s", got)
	}
}
