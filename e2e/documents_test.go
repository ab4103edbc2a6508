package e2e

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestDocuments is the way of a document: a teacher deposits it, shares it with
// the families of her class; a mother finds it, opens and downloads it on her
// phone; taken back it is gone at once, the ZIP and the search included; thrown
// away it comes back. The same without scripts.
func TestDocuments(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, way := range []struct {
		name   string
		option []browser.Option
	}{{"with scripts", nil}, {"without scripts", []browser.Option{browser.NoScript}}} {
		t.Run(way.name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b, option: way.option}
			dir := t.TempDir()
			for name, data := range map[string][]byte{"phare.png": picture(t), "Liste.txt": []byte("Des bottes et un bonnet.")} {
				if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			helene, nadia := j.tab("helene.duvivier", browser.Desktop), j.tab("nadia.kermadec", browser.Phone)
			helene.Go(j.URL + "/documents")
			helene.Click("Déposer")
			helene.Fill("Nom", "Sortie au phare")
			helene.Click("Créer le dossier")
			helene.WaitText("Dossier créé.")
			helene.Click("Déposer")
			helene.Upload("Fichiers", filepath.Join(dir, "phare.png"), filepath.Join(dir, "Liste.txt"))
			helene.Click(".carte > button.bouton")
			helene.WaitText("2 fichiers déposés.")
			helene.Click("Liste.txt")
			helene.WaitText("Des bottes et un bonnet.")
			file := helene.Path()
			helene.Go(j.URL + "/documents")
			helene.Click("Sortie au phare")
			at := helene.Path()
			helene.Go(j.URL + at + "/partage")
			helene.Click("Familles de CE1 B")
			helene.Click("Partager")
			helene.WaitText("Peut lire")

			places := []string{"/", "/documents/partages", "/recherche?q=phare"}
			for _, p := range places {
				nadia.Go(j.URL + p)
				if !nadia.Has("Sortie au phare") {
					t.Errorf("%s does not show the folder", p)
				}
			}
			nadia.Go(j.URL + "/documents/partages")
			nadia.Click("Sortie au phare")
			nadia.Click("Liste.txt")
			nadia.WaitText("Des bottes et un bonnet.")
			if _, got := nadia.Download("Télécharger"); string(got) != "Des bottes et un bonnet." {
				t.Errorf("downloaded %q", got)
			}
			_, pack := nadia.Get(at + "/zip")
			if z, err := zip.NewReader(bytes.NewReader(pack), int64(len(pack))); err != nil || len(z.File) != 3 {
				t.Errorf("a ZIP of %d bytes: %v", len(pack), err)
			}

			helene.Go(j.URL + at + "/partage")
			helene.Click("Retirer Familles de CE1 B")
			helene.WaitText("Accès retiré.")
			for _, p := range []string{at, file, at + "/zip"} {
				if res, _ := nadia.Get(p); res.StatusCode != 404 {
					t.Errorf("%s answers %d once taken back", p, res.StatusCode)
				}
			}
			for _, p := range places {
				nadia.Go(j.URL + p)
				if nadia.Has("Sortie au phare") {
					t.Errorf("%s still shows the folder", p)
				}
			}

			helene.Go(j.URL + file)
			helene.Click("Mettre à la corbeille")
			helene.WaitText("Mis à la corbeille.")
			helene.Go(j.URL + "/documents/corbeille")
			helene.Click("[data-choice]")
			helene.Click("Remettre à sa place")
			helene.WaitText("C’est remis à sa place.")
			helene.Go(j.URL + at)
			helene.WaitText("Liste.txt")
			if !strings.Contains(helene.URL(), at) {
				t.Errorf("at %s", helene.URL())
			}
		})
	}
}

// TestPagesOfDocuments looks at what the addresses of a router do not show: a
// folder with files, each kind of preview, comments and versions, a search in
// the window of sharing, the trash with something in it.
func TestPagesOfDocuments(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			s := openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}, seen: map[string]bool{}}
			d := w.documents()
			for _, p := range []struct{ login, path, name string }{
				{"helene.duvivier", "/documents", "mes-documents"},
				{"helene.duvivier", d.folder, "dossier"},
				{"helene.duvivier", d.picture, "photo"},
				{"helene.duvivier", d.text, "texte"},
				{"helene.duvivier", d.folder + "/partage?q=ker", "partage-cherche"},
				{"helene.duvivier", d.picture + "/partage", "partage-herite"},
				{"helene.duvivier", d.picture + "/modifier", "modifier"},
				{"helene.duvivier", d.folder + "/ajouter", "deposer"},
				{"helene.duvivier", "/documents/corbeille", "corbeille"},
				{"nadia.kermadec", "/documents/partages", "partages-parent"},
				{"nadia.kermadec", d.folder, "dossier-parent"},
				{"nadia.kermadec", d.picture, "photo-parent"},
				{"ines.kermadec", "/documents/partages", "partages-eleve"},
				{"ines.kermadec", d.folder, "dossier-eleve"},
			} {
				w.open(p.login, p.path, "documents-"+p.name)
				if got := w.tab(p.login).Status(); got != 200 {
					t.Errorf("%s answers %d", p.path, got)
				}
			}
		})
	}
}

// shown is what documents makes, by address.
type shown struct{ folder, picture, text string }

// documents makes a folder of a teacher that her class sees, with files that were
// commented and replaced, and something in the trash.
func (w *walk) documents() shown {
	w.t.Helper()
	helene, nadia := w.As("helene.duvivier"), w.As("nadia.kermadec")
	class := w.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	folder, _, _ := strings.Cut(helene.Post("/documents/dossier", "nom", "Sortie en baie de Somme").To(), "?")
	helene.Post(folder+"/dossier", "nom", "Photos").To()
	helene.Upload(folder+"/ajouter", []testapp.File{
		{Field: "piece", Name: "phoque.png", Bytes: picture(w.t)}, {Field: "piece", Name: "Programme de la journée.txt", Bytes: []byte("8 h 15 : rendez-vous\n10 h : marche avec la guide")},
		{Field: "piece", Name: "brouillon.txt", Bytes: []byte("Rien encore.")},
	}).To()
	find := func(name string) string {
		return "/documents/" + w.One(`SELECT id FROM document WHERE name = $1`, name)
	}
	d := shown{folder, find("phoque.jpg"), find("Programme de la journée.txt")}
	helene.Post(folder+"/partage", "a", "class:"+class+":relative", "a", "class:"+class+":pupil", "role", "2", "prevenir", "1").To()
	helene.Post(d.picture+"/favori", "oui", "1").To()
	nadia.Post(d.picture+"/commentaires", "texte", "Quelle belle journée !").To()
	helene.Upload(d.text+"/version", []testapp.File{{Field: "piece", Name: "x.txt", Bytes: []byte("8 h 30 : rendez-vous\n10 h : marche avec la guide")}}).To()
	helene.Post("/documents/corbeille", "id", strings.TrimPrefix(find("brouillon.txt"), "/documents/")).To()
	return d
}
