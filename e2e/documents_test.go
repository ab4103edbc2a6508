package e2e

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/platform/db"
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
			helene.Click(`.choix-partage input[value$=":relative"]`)
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
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
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
	helene.Post(d.picture + "/favori?oui=1").To()
	nadia.Post(d.picture+"/commentaires", "texte", "Quelle belle journée !").To()
	helene.Upload(d.text+"/version", []testapp.File{{Field: "piece", Name: "x.txt", Bytes: []byte("8 h 30 : rendez-vous\n10 h : marche avec la guide")}}).To()
	helene.Post("/documents/corbeille", "id", strings.TrimPrefix(find("brouillon.txt"), "/documents/")).To()
	return d
}

// TestDocumentsByHand is what a script adds: names proposed as they are typed and
// taken by the keyboard, things dragged into folders, files dropped on them, of
// which the one without room is refused and named while the others arrive.
func TestDocumentsByHand(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	j := journey{t: t, gate: openGate(t), b: b}
	api := j.As("helene.duvivier")
	to, _, _ := strings.Cut(api.Post("/documents/dossier", "nom", "Sortie").To(), "?")
	api.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "phare.png", Bytes: picture(t)}}).To()
	helene := j.tab("helene.duvivier", browser.Desktop)

	helene.Go(j.URL + to + "/partage")
	helene.Focus("#q")
	helene.Press("n", "a", "d")
	helene.WaitText("Mère d’Inès et de Yanis")
	helene.CheckPage("partage-propose")
	helene.Press("ArrowDown", "Enter")
	if got := helene.Text(".choisis"); !strings.Contains(got, "Nadia Kermadec") || helene.Count(".choisis li") != 1 {
		t.Errorf("chosen: %q", got)
	}
	helene.Click("Retirer Nadia Kermadec")
	if helene.Count(".choisis li") != 0 {
		t.Error("what was chosen by mistake stays")
	}
	helene.Focus("#q")
	helene.Press("n", "a", "d")
	helene.WaitText("Mère d’Inès et de Yanis")
	helene.Press("ArrowDown", "Enter")
	helene.CheckPage("partage-choisi")
	helene.Click("Partager")
	helene.WaitText("Partagé.")
	j.As("nadia.kermadec").Get(to).OK()

	helene.Go(j.URL + "/documents")
	helene.Click("Voir en grille")
	if helene.Count(".vignette img") != 1 {
		t.Error("the grid shows no picture")
	}
	helene.CheckPage("documents-grille")
	const drag = `((from, to, files) => {
		const data = new DataTransfer();
		for (const [name, size] of files) data.items.add(new File([name.repeat(size / name.length)], name, {type: "text/plain"}));
		const fire = (el, kind) => el.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true, cancelable: true}));
		if (from) fire(document.querySelector(from), "dragstart");
		fire(document.querySelector(to), "dragover");
		fire(document.querySelector(to), "drop");
		return true;
	})`
	folder := `"[data-drop='` + strings.TrimPrefix(to, "/documents/") + `']"`
	browser.Eval[bool](helene, drag+`(".vignette", `+folder+`, [])`)
	helene.WaitText("C’est déplacé.")
	if helene.Path() != to || !helene.Has("phare.jpg") {
		t.Errorf("dragged into a folder, it is at %s", helene.Path())
	}
	browser.Eval[bool](helene, drag+`(".vignette", ".fil-ariane a", [])`)
	for helene.Path() != "/documents" { // the folder said the same
		helene.WaitText("C’est déplacé.")
	}
	helene.WaitText("phare.jpg")
	helene.Go("/documents") // and its script is there

	if err := j.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE quota SET bytes = 40000 + (SELECT used FROM file_usage WHERE person = $1) WHERE profile = 'teacher' AND school = ''`, api.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	helene.Allow("422")
	browser.Eval[bool](helene, drag+`("", `+folder+`, [["un.txt", 12000], ["lourd.txt", 90000], ["deux.txt", 12000]])`)
	helene.WaitText("Refusé")
	helene.WaitText("plus assez de place")
	for helene.Count(`.envoi[data-state="done"]`) < 2 {
		helene.WaitText("Déposer dans « Sortie »")
	}
	helene.CheckPage("documents-refus")
	helene.Click("form[data-deposit] button.bouton:not(.discret)")
	helene.WaitText("2 fichiers déposés.")
	for name, want := range map[string]bool{"un.txt": true, "deux.txt": true, "lourd.txt": false} {
		if helene.Has(name) != want {
			t.Errorf("%s is there: %v", name, !want)
		}
	}
}
