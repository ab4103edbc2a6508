package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// class is a photo with a face of stripes at each of some places, in parts of it.
func class(t *testing.T, faces ...[2]float64) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for y := range 600 {
		for x := range 900 {
			c := color.RGBA{120, 170, 120, 255}
			for _, f := range faces {
				if dx, dy := float64(x)-f[0]*900, float64(y)-f[1]*600; dx*dx+dy*dy < 40*40 {
					c = color.RGBA{255, 255, 255, 255}
					if (x/6+y/6)%2 == 0 {
						c = color.RGBA{0, 0, 0, 255}
					}
				}
			}
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// contrast is how far the lightest and the darkest point around a place are apart.
func contrast(t *testing.T, photo []byte, at [2]float64) int {
	t.Helper()
	m, err := jpeg.Decode(bytes.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	low, high := 255, 0
	r := m.Bounds().Dy() / 20
	for y := -r; y <= r; y++ {
		for x := -r; x <= r; x++ {
			v := int(color.GrayModel.Convert(m.At(int(at[0]*float64(m.Bounds().Dx()))+x, int(at[1]*float64(m.Bounds().Dy()))+y)).(color.Gray).Y)
			low, high = min(low, v), max(high, v)
		}
	}
	return high - low
}

// TestFacesAreHidden is a teacher who hides two faces of a photo, one drawn by
// hand and one placed with the keyboard, changes her mind about a third, loses the
// line and saves: the bytes that anybody gets have neither face, and the photo
// has its words. On a computer with a mouse, on a phone with a finger.
func TestFacesAreHidden(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	left, middle, right := [2]float64{0.2, 0.5}, [2]float64{0.5, 0.5}, [2]float64{0.8, 0.5}
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			s := openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			w.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Classe.png", Bytes: class(t, left, middle, right)}}).To()
			at := "/documents/" + w.One(`SELECT id FROM document WHERE name = 'Classe.jpg'`)
			tab := w.tab("helene.duvivier")
			tab.Go(w.URL + at)
			clear := strings.TrimPrefix(browser.Eval[string](tab, `document.querySelector(".photo img").src`), w.URL)
			if _, photo := tab.Get(clear); contrast(t, photo, left) < 150 {
				t.Fatal("there is no face to hide")
			}
			tab.Click("Retoucher la photo")
			w.check(tab, "documents-retoucher-"+screen.name)

			// By hand, over the left face.
			tab.Click("Flouter un visage")
			tab.Drag("[data-view]", 0.12, 0.36, 0.28, 0.64)
			w.check(tab, "documents-retoucher-cadre-"+screen.name)
			tab.Click("Valider")
			// With the keys alone: the box lies in the middle, over the second face.
			tab.Focus("Flouter un visage")
			tab.Press("Enter", "ArrowLeft", "ArrowRight", "Shift+ArrowRight", "Enter")
			tab.WaitText("Gestes à enregistrer : 2.")
			// A third one that was not meant.
			tab.Drag("[data-view]", 0.72, 0.36, 0.88, 0.64)
			tab.Click("Annuler le dernier geste")
			tab.Click("Tourner à droite")
			tab.Click("Annuler le dernier geste")
			tab.WaitText("Gestes à enregistrer : 2.")
			tab.Fill("Description de la photo", "Trois enfants devant le préau")

			tab.Allow("ERR_INTERNET_DISCONNECTED")
			tab.Offline(true)
			tab.Click("form.retouche > .rangee > button.bouton")
			tab.WaitText("Rien n'est perdu")
			tab.Offline(false)
			w.check(tab, "documents-retoucher-coupe-"+screen.name)
			tab.Click("form.retouche > .rangee > button.bouton")
			tab.WaitText("Photo enregistrée.")
			tab.Screenshot("documents-retouche-fait-" + screen.name)

			shown := strings.TrimPrefix(browser.Eval[string](tab, `document.querySelector(".photo img").src`), w.URL)
			if shown == clear {
				t.Error("a browser that kept the old picture would show it")
			}
			if alt := browser.Eval[string](tab, `document.querySelector(".photo img").alt`); alt != "Trois enfants devant le préau" {
				t.Errorf("alt is %q", alt)
			}
			for _, address := range []string{clear, shown} {
				_, photo := tab.Get(address)
				if l, m, r := contrast(t, photo, left), contrast(t, photo, middle), contrast(t, photo, right); l > 60 || m > 60 || r < 150 {
					t.Errorf("%s: contrasts %d, %d and %d, want the first two hidden and the last one clear", address, l, m, r)
				}
			}
		})
	}
}

// TestAPictureIsRetouchedBeforeItIsSent is a teacher who writes a word, joins a
// photo, hides a face of it and finds her text again, with that photo in it: the
// families get no other, and the clear one is kept nowhere.
func TestAPictureIsRetouchedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	left, right := [2]float64{0.2, 0.5}, [2]float64{0.8, 0.5}
	photo := filepath.Join(t.TempDir(), "Classe.png")
	if err := os.WriteFile(photo, class(t, left, right), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			j := journey{t: t, gate: openGate(t), b: b}
			tab := j.tab("helene.duvivier", screen.size)
			tab.Go(j.URL + "/carnet/nouveau")
			tab.Fill("Titre", "Photo de classe")
			tab.Fill("Texte", "La voici.")
			tab.Give(`input[name="piece"]`, photo)
			tab.WaitText("Arrivé")
			tab.CheckPage("ecrire-photo-jointe")
			tab.Click("Retoucher Classe.png")
			tab.WaitText("Flouter un visage")
			tab.CheckPage("ecrire-retoucher")
			tab.Click("Flouter un visage")
			tab.Drag("[data-view]", 0.12, 0.36, 0.28, 0.64)
			tab.Click("Valider")
			tab.Click("form.retouche > .rangee > button.bouton")
			tab.WaitText("Photo enregistrée.")
			if at := tab.Path(); !strings.HasPrefix(at, "/carnet/nouveau") {
				t.Fatalf("she comes back to %s", at)
			}
			if title := browser.Eval[string](tab, `document.querySelector("[name=titre]").value`); title != "Photo de classe" {
				t.Errorf("of her text there is %q", title)
			}
			tab.WaitText("Garder Classe.jpg")
			tab.CheckPage("ecrire-photo-retouchee")
			tab.Click("Publier")
			tab.WaitText("Mot publié.")
			file := j.One(`SELECT f.id FROM file f JOIN file_use u ON u.file = f.id WHERE u.resource = $1`, strings.TrimPrefix(tab.Path(), "/carnet/"))
			nadia := j.tab("nadia.kermadec", screen.size)
			nadia.Go(j.URL + tab.Path())
			_, got := nadia.Get("/fichiers/" + file + "/web")
			if l, r := contrast(t, got, left), contrast(t, got, right); l > 60 || r < 150 {
				t.Errorf("contrasts %d and %d, want the first hidden and the other clear", l, r)
			}
			if n := j.One(`SELECT CAST(count(*) AS TEXT) FROM file WHERE name = 'Classe.jpg'`); n != "1" {
				t.Errorf("%s pictures are kept", n)
			}
		})
	}
}

// Without scripts too: the form is kept as a draft on the way. The key Enter keeps
// it, and leads nowhere else.
func TestAPictureIsRetouchedBeforeItIsSentWithoutScripts(t *testing.T) {
	t.Parallel()
	j := journey{t: t, gate: openGate(t), b: browser.Start(t), option: []browser.Option{browser.NoScript}}
	photo := filepath.Join(t.TempDir(), "Classe.png")
	if err := os.WriteFile(photo, class(t), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := j.tab("helene.duvivier", browser.Phone)
	tab.Go(j.URL + "/carnet/nouveau")
	tab.Fill("Titre", "Photo de classe")
	tab.Give(`input[name="piece"]`, photo)
	tab.Focus("Titre")
	tab.Press("Enter")
	tab.WaitText("Garder Classe.jpg")
	tab.Fill("Titre", "Notre photo")
	tab.Click("Retoucher Classe.jpg")
	tab.Click("Tourner à droite")
	tab.WaitText("Photo enregistrée.")
	tab.WaitText("Garder Classe.jpg")
	if got := j.One(`SELECT title FROM word_draft`); got != "Notre photo" {
		t.Errorf("the draft is %q", got)
	}
	_, got := tab.Get("/fichiers/" + j.One(`SELECT id FROM file WHERE name = 'Classe.jpg'`) + "/web")
	if c, err := jpeg.DecodeConfig(bytes.NewReader(got)); err != nil || c.Width != 600 || c.Height != 900 {
		t.Errorf("%d × %d, %v", c.Width, c.Height, err)
	}
	// Somebody else's picture is retouched by nobody, and no page of another place
	// is come back to.
	file := j.One(`SELECT id FROM file WHERE name = 'Classe.jpg'`)
	j.As("antoine.mercier").Get("/documents/services/" + file + "/retoucher?retour=/carnet/nouveau").NotFound()
	j.As("helene.duvivier").Get("/documents/services/" + file + "/retoucher?retour=//exemple.fr/").OK().Lacks("exemple.fr")
	to := j.As("helene.duvivier").Post("/documents/services/"+file+"/retoucher?retour=https://exemple.fr/", "description", "La cour").To()
	if to != "/documents/services?fait=decrit" {
		t.Errorf("it leads to %s", to)
	}
}

// TestAPictureIsTurnedWithoutScripts: the buttons and the words work by
// themselves.
func TestAPictureIsTurnedWithoutScripts(t *testing.T) {
	t.Parallel()
	j := journey{t: t, gate: openGate(t), b: browser.Start(t), option: []browser.Option{browser.NoScript}}
	j.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Classe.png", Bytes: class(t)}}).To()
	at := "/documents/" + j.One(`SELECT id FROM document WHERE name = 'Classe.jpg'`)
	tab := j.tab("helene.duvivier", browser.Phone)
	tab.Go(j.URL + at + "/retoucher")
	tab.Fill("Description de la photo", "La cour")
	tab.Click("Tourner à droite")
	tab.WaitText("Photo enregistrée.")
	if alt := tab.Count(`.photo img[alt="La cour"]`); alt != 1 {
		t.Error("the words are lost")
	}
	_, photo := tab.Get("/fichiers/" + j.One(`SELECT file FROM document WHERE name = 'Classe.jpg'`) + "/web")
	c, err := jpeg.DecodeConfig(bytes.NewReader(photo))
	if err != nil || c.Width != 600 || c.Height != 900 {
		t.Errorf("%d × %d, %v", c.Width, c.Height, err)
	}
}
