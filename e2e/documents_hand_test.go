package e2e

import (
	"bytes"
	"context"
	"image"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestAPictureIsCut cuts a photo by hand, with the mouse or a finger, then what is
// left of it with the keys alone: the bytes that anybody gets are as large as what
// was kept, and of that place.
func TestAPictureIsCut(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b}
			// A face in the upper left quarter and one in the lower right.
			j.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Classe.png", Bytes: class(t, [2]float64{0.25, 0.25}, [2]float64{0.75, 0.75})}}).To()
			at := "/documents/" + j.One(`SELECT id FROM document WHERE name = 'Classe.jpg'`)
			tab := j.tab("helene.duvivier", screen.size)
			size := func() (w, h int, photo []byte) {
				t.Helper()
				_, photo = tab.Get(strings.TrimPrefix(browser.Eval[string](tab, `document.querySelector(".photo img").src`), j.URL))
				c, _, err := image.DecodeConfig(bytes.NewReader(photo))
				if err != nil {
					t.Fatal(err)
				}
				return c.Width, c.Height, photo
			}
			within := func(what string, got, want int) {
				t.Helper()
				if got < want-want/12 || got > want+want/12 {
					t.Errorf("%s is %d, want about %d", what, got, want)
				}
			}
			save := func() {
				t.Helper()
				tab.Click("form.retouche > .rangee > button.bouton")
				tab.WaitText("Photo enregistrée.")
			}

			tab.Go(j.URL + at + "/retoucher")
			tab.Click("[data-tool=crop]")
			tab.Drag("[data-view]", 0.9, 0.9, 0.5, 0.5) // the lower right corner of the box that is there
			tab.Click("Valider")
			tab.WaitText("Gestes à enregistrer : 1.")
			save()
			w, h, photo := size()
			within("cut by hand, its width", w, 360)
			within("cut by hand, its height", h, 240)
			if c := contrast(t, photo, [2]float64{0.375, 0.375}); c < 150 {
				t.Errorf("the face that was kept is not there (%d)", c)
			}

			tab.Go(j.URL + at + "/retoucher")
			tab.Focus("[data-tool=crop]")
			tab.Press("Enter") // four fifths, in the middle
			for range 5 {
				tab.Press("Shift+ArrowLeft")
			}
			tab.Focus("Valider")
			tab.Press("Enter")
			tab.WaitText("Gestes à enregistrer : 1.")
			save()
			w2, h2, _ := size()
			within("cut by keys, its height", h2, h*8/10)
			if w2 >= w*8/10-5 || w2 < w/2 {
				t.Errorf("cut by keys, its width is %d of %d: the box was not narrowed", w2, w)
			}
		})
	}
}

// TestAPhotoIsTakenInTheWindow is a computer that shows what its camera sees: the
// photo that is taken anew and kept is one among her documents.
func TestAPhotoIsTakenInTheWindow(t *testing.T) {
	t.Parallel()
	j := journey{t: t, gate: openGate(t), b: browser.Start(t)}
	helene := j.tab("helene.duvivier", browser.Desktop)
	helene.Go(j.URL + "/documents/ajouter")
	helene.Click("Prendre une photo")
	seen := func() {
		t.Helper()
		if !browser.Eval[bool](helene, `new Promise((done) => {
			const look = () => document.querySelector("dialog.photographe video").videoWidth > 0 ? done(true) : setTimeout(look, 50);
			look();
		})`) {
			t.Fatal("the camera shows nothing")
		}
	}
	seen()
	helene.CheckPage("photo-a-prendre")
	helene.Click(".photographe [data-do=start]")
	helene.Click(".photographe .petit-rond[data-do=again]")
	seen()
	sees := func(want string) bool {
		return browser.Eval[bool](helene, `new Promise((done) => {
			const end = Date.now() + 10000;
			const look = () => {
				const live = document.querySelector("dialog.photographe video").srcObject?.getTracks().some((t) => t.readyState === "live") ?? false;
				if (live === `+want+` || Date.now() > end) done(live); else setTimeout(look, 50);
			};
			look();
		})`)
	}
	if !sees("true") {
		t.Error("the camera does not see again")
	}
	helene.Click(".photographe [data-do=start]")
	helene.CheckPage("photo-prise")
	if sees("false") {
		t.Error("the camera goes on once the photo is taken")
	}
	helene.Click(".photographe [data-do=keep]")
	helene.WaitText("Arrivé")
	helene.Click(".carte > button.bouton")
	helene.WaitText("1 fichier déposé.")
	if got := j.One(`SELECT f.type FROM document d JOIN file f ON f.id = d.file WHERE d.owner = $1 ORDER BY d.id DESC LIMIT 1`, j.As("helene.duvivier").ID); got != "image/jpeg" {
		t.Errorf("it is kept as %s", got)
	}
}

// TestARecordingEndsByItself lets the page's clock go on by ten minutes: what was
// recorded is there, and nothing more is heard.
func TestARecordingEndsByItself(t *testing.T) {
	t.Parallel()
	j := journey{t: t, gate: openGate(t), b: browser.Start(t)}
	helene := j.tab("helene.duvivier", browser.Desktop)
	helene.Go(j.URL + "/documents/ajouter")
	helene.Click("Enregistrer un son")
	helene.Click(".enregistreur [data-do=start]")
	helene.WaitText("0:01")
	const later = `(() => { const now = performance.now.bind(performance); performance.now = () => now() + %s; })(), true`
	browser.Eval[bool](helene, strings.ReplaceAll(later, "%s", "9 * 60000"))
	helene.WaitText("9:0")
	if helene.Has("10 minutes : c’est") {
		t.Error("it ended before its time")
	}
	browser.Eval[bool](helene, strings.ReplaceAll(later, "%s", "60000"))
	helene.WaitText("10 minutes : c’est le maximum.")
	helene.Click("Garder")
	helene.WaitText("Arrivé")
}

// TestNobodyIsToldWhoIsNotToBe shares a folder with the families, who find it and
// are told nothing, because the teacher unticked it.
func TestNobodyIsToldWhoIsNotToBe(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, option := range map[string][]browser.Option{"with scripts": nil, "without scripts": {browser.NoScript}} {
		t.Run(name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b, option: option}
			api, nadia := j.As("helene.duvivier"), j.As("nadia.kermadec")
			helene := j.tab("helene.duvivier", browser.Phone)
			for _, tell := range []bool{false, true} {
				in, _, _ := strings.Cut(api.Post("/documents/dossier", "nom", "Sortie").To(), "?")
				helene.Go(j.URL + in + "/partage")
				helene.Click(`.choix-partage input[value$=":relative"]`)
				if !tell {
					helene.Click("Prévenir ces personnes")
				}
				helene.Click("Partager")
				helene.WaitText("Peut lire")
				nadia.Get(in).OK()
				want := map[bool]string{false: "0", true: "1"}[tell]
				if n := j.One(`SELECT count(*) || '' FROM feed f JOIN event e ON e.id = f.event WHERE e.resource = $1 AND f.person = $2`, strings.TrimPrefix(in, "/documents/"), nadia.ID); n != want {
					t.Errorf("to be told (%v), she was told %s times", tell, n)
				}
			}
		})
	}
}

// TestASpaceFillsUp warns from four fifths, and refuses what would not fit: what was
// there stays as it was.
func TestASpaceFillsUp(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, option := range map[string][]browser.Option{"with scripts": nil, "without scripts": {browser.NoScript}} {
		t.Run(name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b, option: option}
			api := j.As("helene.duvivier")
			was := bytes.Repeat([]byte("Un phare. "), 40_000)
			api.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Ancien.txt", Bytes: was}}).To()
			room := func(percent string) { // what she holds is that much of it
				j.write(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE quota SET bytes = (SELECT sum(used) * 100 / `+percent+` FROM file_usage WHERE person = $1) WHERE profile = 'teacher' AND school = ''`, api.ID)
					return err
				})
			}
			helene := j.tab("helene.duvivier", browser.Phone)
			helene.Allow("422")
			helene.Allow("beforeunload") // of a page in which nobody did anything but choose a file
			room("79")
			helene.Go(j.URL + "/documents")
			if helene.Has("Bientôt plus de place") {
				t.Error("warned before four fifths")
			}
			room("80")
			helene.Go(j.URL + "/documents")
			helene.WaitText("Bientôt plus de place")
			helene.CheckPage("documents-bientot-plein")

			room("100")
			heavy := filepath.Join(t.TempDir(), "Nouveau.txt")
			if err := os.WriteFile(heavy, []byte("Un de plus."), 0o600); err != nil {
				t.Fatal(err)
			}
			helene.Go(j.URL + "/documents/ajouter")
			helene.Upload("Fichiers", heavy)
			if option != nil {
				helene.Click(".carte > button.bouton")
			}
			helene.WaitText("plus assez de place")
			helene.Go(j.URL + "/documents")
			if helene.Has("Nouveau.txt") {
				t.Error("what does not fit is kept")
			}
			helene.Click("Ancien.txt")
			if _, got := helene.Download("Télécharger"); !bytes.Equal(got, was) {
				t.Errorf("of what was there, %d bytes are left of %d", len(got), len(was))
			}
		})
	}
}
