package documents_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// A ZIP holds what its reader may read, under names that any system unpacks.
func TestAZipHoldsTheTree(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	in := folder(t, helene, "", "Œuvres de l'été")
	helene.Post("/documents/"+in+"/dossier", "nom", "..").Faulty().Has("Il manque le nom")
	deep := folder(t, helene, in, "Élèves: CE1")
	deposit(t, a, helene, in, "photo.jpg")
	deposit(t, a, helene, in, "PHOTO.jpg")
	deposit(t, a, helene, deep, "mer.jpg")
	names := func(p *testapp.Page) []string {
		t.Helper()
		var out []string
		for _, f := range testapp.Unzip(t, p.OK().Body) {
			if f.Body == "" && !strings.HasSuffix(f.Name, "/") {
				t.Errorf("%s is empty", f.Name)
			}
			out = append(out, f.Name)
		}
		slices.Sort(out)
		return out
	}
	want := []string{"Œuvres de l'été/", "Œuvres de l'été/PHOTO (2).jpg", "Œuvres de l'été/photo.jpg", "Œuvres de l'été/Élèves_ CE1/", "Œuvres de l'été/Élèves_ CE1/mer.jpg"}
	if got := names(helene.Get("/documents/" + in + "/zip")); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	// Of a choice, what one may not read makes the whole unknown only when nothing is left.
	one := deposit(t, a, helene, "", "seul.jpg")
	give(helene, deep, "1", families(a, "CE1 B")).To()
	if got := names(nadia.Post("/documents/telecharger", "id", one, "id", in, "id", deep)); !slices.Equal(got, []string{"Élèves_ CE1/", "Élèves_ CE1/mer.jpg"}) {
		t.Errorf("a mother downloads %q", got)
	}
}

// film is bytes that are taken for a film, and of which nothing is ever made.
func film() []byte {
	return append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), bytes.Repeat([]byte{7}, 4000)...)
}

// fail makes of films that wait to be made ready some that could not be.
func fail(t *testing.T, a *testapp.App) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE file_render SET state = 'failed' WHERE state = 'waiting'`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// What a ZIP lacks is told in it, by name and with the reason: its reader would
// else think that they have it all.
func TestAZipTellsWhatItLacks(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	in := folder(t, helene, "", "Spectacle")
	deposit(t, a, helene, in, "affiche.jpg")
	helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: "Danse.mp4", Bytes: film()}}).To()
	give(helene, in, "1", families(a, "CE1 B")).To()
	const note = "À lire - fichiers qui manquent.txt"
	read := func(p *testapp.Page) (names []string, said string) {
		t.Helper()
		for _, f := range testapp.Unzip(t, p.OK().Body) {
			names = append(names, f.Name)
			if strings.HasPrefix(f.Name, "À lire") {
				said = f.Body
			}
		}
		return names, said
	}
	if names, said := read(helene.Get("/documents/" + in + "/zip")); said != "" || !slices.Contains(names, "Spectacle/Danse.mp4") {
		t.Errorf("she who sent it gets %q, and reads %q", names, said)
	}
	names, said := read(nadia.Get("/documents/" + in + "/zip"))
	if !slices.Equal(names, []string{"Spectacle/", "Spectacle/affiche.jpg", note}) || !strings.Contains(said, "Spectacle/Danse.mp4\u00a0: en préparation") {
		t.Errorf("%q, which says %q", names, said)
	}
	fail(t, a)
	if _, said = read(nadia.Get("/documents/" + in + "/zip")); !strings.Contains(said, "Spectacle/Danse.mp4\u00a0: n’a pas pu être préparé. Mme") || strings.Contains(said, "en préparation") {
		t.Errorf("of a film that failed: %q", said)
	}
	// A document of that name keeps it.
	own := a.One(`SELECT id FROM document WHERE name = 'Danse.mp4'`)
	helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: note, Bytes: []byte("Bonjour")}}).To()
	one := a.One(`SELECT id FROM document WHERE name = $1`, note)
	if names, _ = read(nadia.Post("/documents/telecharger", "id", one, "id", own)); !slices.Equal(names, []string{note, strings.Replace(note, ".txt", " (2).txt", 1)}) {
		t.Errorf("%q", names)
	}
}

// A copy of somebody else's film is offered once there is something to copy; she
// who sent it has her own at once.
func TestACopyIsOfferedOfWhatIsThere(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	in := folder(t, helene, "", "Spectacle")
	picture := deposit(t, a, helene, in, "affiche.jpg")
	helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: "Danse.mp4", Bytes: film()}}).To()
	give(helene, in, "1", families(a, "CE1 B")).To()
	at := "/documents/" + a.One(`SELECT id FROM document WHERE name = 'Danse.mp4' ORDER BY id LIMIT 1`)
	file := a.One(`SELECT file FROM document WHERE name = 'Danse.mp4' ORDER BY id LIMIT 1`)
	const sign = `/copier"`
	// Of a folder what is ready is copied, and what is not is told before and after.
	nadia.Get("/documents/"+in+"/copier").OK().Has("Copier ici", "ne sera pas copié", "Danse.mp4\u00a0: en préparation.")
	nadia.Get("/documents/" + picture + "/copier").OK().Lacks("ne sera pas copié")
	helene.Get("/documents/" + in + "/copier").OK().Lacks("ne sera pas copié")
	mine := folder(t, nadia, "", "Chez moi")
	nadia.Get(nadia.Post("/documents/copier", "id", in, "vers", mine).To()).OK().Has("C’est copié, sauf 1 fichier qui n’est pas encore prêt.")
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM document WHERE owner = $1 AND name IN ('affiche.jpg', 'Danse.mp4')`, nadia.ID); n != "1" {
		t.Errorf("she has %s files", n)
	}
	nadia.Post("/documents/copier", "id", a.One(`SELECT id FROM document WHERE name = 'Danse.mp4'`), "vers", mine).Faulty().Has("est encore en préparation")
	helene.Get(helene.Post("/documents/copier", "id", in, "vers", folder(t, helene, "", "Copie")).To()).OK().Has("C’est copié.")
	helene.Get(at).OK().Has(at + sign)
	helene.Get("/documents/" + in).OK().Has(at + sign)
	nadia.Get("/documents/"+in).OK().Has("Danse.mp4", "/documents/"+picture+sign).Lacks(at+sign, "/fichiers/"+file+"/original")
	nadia.Get(at).OK().Lacks(at + sign)
	nadia.Get(at + "?lecture").OK().Lacks(at + sign)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { // it is made ready
		if _, err := tx.Exec(t.Context(), `UPDATE file_render SET state = 'done' WHERE file = $1`, file); err != nil {
			return err
		}
		_, err := tx.Exec(t.Context(), `INSERT INTO file_variant (file, name, blob, type, size, width, height) SELECT file, 'original', blob, type, size, width, height FROM file_variant WHERE file = $1 AND name = 'source'`, file)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"/documents/" + in, at, at + "?lecture"} {
		nadia.Get(page).OK().Has(at+sign, "/fichiers/"+file+"/original")
	}
}
