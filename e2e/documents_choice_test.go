package e2e

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestFoldersAreChosenWithFiles takes home a folder and a file that were ticked, by
// the mouse and by the keyboard, unpacks them where they are, moves them and throws
// them away; in lines and as a grid, with scripts and without.
func TestFoldersAreChosenWithFiles(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, way := range []struct {
		name   string
		size   browser.Screen
		option []browser.Option
	}{{"by the mouse", browser.Desktop, nil}, {"on a phone", browser.Phone, nil}, {"without scripts", browser.Phone, []browser.Option{browser.NoScript}}} {
		t.Run(way.name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b, option: way.option}
			api := j.As("helene.duvivier")
			in, _, _ := strings.Cut(api.Post("/documents/dossier", "nom", "Sortie").To(), "?")
			at, _, _ := strings.Cut(api.Post(in+"/dossier", "nom", "Photos").To(), "?")
			other, _, _ := strings.Cut(api.Post(in+"/dossier", "nom", "Archives").To(), "?")
			api.Upload(at+"/ajouter", []testapp.File{{Field: "piece", Name: "phare.txt", Bytes: []byte("Un phare.")}}).To()
			api.Upload(in+"/ajouter", []testapp.File{{Field: "piece", Name: "Liste.txt", Bytes: []byte("Des bottes.")}}).To()
			box := func(path string) string {
				return `input[data-choice][value="` + strings.TrimPrefix(path, "/documents/") + `"]`
			}
			file := box("/documents/" + j.One(`SELECT id FROM document WHERE name = 'Liste.txt'`))
			action := func(name string) string { return `.selection button[formaction="/documents/` + name + `"]` }

			helene := j.tab("helene.duvivier", way.size)
			helene.Go(j.URL + in)
			if way.option == nil {
				if browser.Eval[bool](helene, `document.querySelector(".selection").checkVisibility()`) {
					t.Error("the bar shows while nothing is chosen")
				}
				helene.Focus(box(at)) // by the keyboard
				helene.Press(" ")
				helene.WaitText("1 choisi")
				helene.CheckPage("documents-dossier-choisi")
			} else {
				helene.Click(box(at))
			}
			helene.Click(file)
			if way.option == nil {
				helene.WaitText("2 choisis")
				helene.Click("Tout choisir")
				helene.WaitText("3 choisis")
				helene.Click("Tout choisir")
				if helene.Count("input[data-choice]:checked, .dossier-l.choisi") != 0 {
					t.Error("what is no longer chosen looks so")
				}
				helene.Click(box(at))
				helene.Click(file)
			}
			name, data := helene.Download(action("telecharger"))
			z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var names []string
			for _, f := range z.File {
				names = append(names, f.Name)
			}
			slices.Sort(names)
			if got := strings.Join(names, " "); got != "Liste.txt Photos/ Photos/phare.txt" {
				t.Errorf("the ZIP holds %q", got)
			}

			// What was taken home comes back, and is unpacked with one button.
			pack := filepath.Join(t.TempDir(), "Retour.zip")
			if err := os.WriteFile(pack, data, 0o600); err != nil {
				t.Fatal(err)
			}
			helene.Go(j.URL + in + "/ajouter")
			helene.Upload("Fichiers", pack)
			helene.Click(".carte > button.bouton")
			helene.WaitText("1 fichier déposé.")
			helene.Click("Retour.zip")
			helene.Click("Décompresser")
			helene.WaitText("Liste.txt")
			if !helene.Has("Retour") || !helene.Has("Photos") {
				t.Error("what is unpacked is not there")
			}

			// A folder and a file are moved into another, then thrown away with it.
			helene.Go(j.URL + in)
			if way.option == nil {
				helene.Click("Voir en grille")
				helene.Click(box(at))
				helene.Click(file)
				helene.CheckPage("documents-dossier-choisi-grille")
			} else {
				helene.Click(box(at))
				helene.Click(file)
			}
			helene.Click(action("deplacer"))
			helene.Click(`button[name="dans"][value="` + strings.TrimPrefix(other, "/documents/") + `"]`)
			helene.Click("Déplacer ici")
			helene.WaitText("C’est déplacé.")
			if helene.Path() != other || !helene.Has("Photos") || !helene.Has("Liste.txt") {
				t.Errorf("moved, at %s", helene.Path())
			}
			helene.Click(box(at))
			helene.Click(file)
			helene.Click(action("corbeille"))
			helene.WaitText("Mis à la corbeille.")
			if helene.Path() != other || helene.Has("Photos") || helene.Has("Liste.txt") {
				t.Errorf("thrown away, at %s", helene.Path())
			}
			for _, path := range []string{at} {
				api.Get(path).NotFound()
			}
			helene.Go(j.URL + "/documents/corbeille")
			if !helene.Has("Photos") || !helene.Has("Liste.txt") {
				t.Error("what was thrown away is not in the trash")
			}
		})
	}
}
