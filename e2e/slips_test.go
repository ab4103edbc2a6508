package e2e

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	onpaper "marelle/internal/testkit/paper"
	"marelle/internal/testkit/testapp"
)

// TestSlipsAreRead prints slips, and has the page of the teacher read them off
// what a camera sees and off photos: each says whose it is, and is noted.
func TestSlipsAreRead(t *testing.T) {
	t.Parallel()
	s := testapp.Serve(t)
	helene := s.As("helene.duvivier")
	class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	word := func(title string, more ...string) string {
		w, _, _ := strings.Cut(helene.Post("/carnet", append([]string{"titre", title, "texte", "À rendre jeudi.", "a", "class:" + class}, more...)...).To(), "?")
		return w
	}
	printed := func(w string) onpaper.Sheets {
		return onpaper.Read(t, []byte(helene.Post(w+"/talons/imprimer").OK().Body))
	}
	signed, asked := word("Assurance", "demande", "sign_one"), word("Patinoire", "demande", "yesno", "question", "Votre enfant vient-il à la patinoire ?")
	noted := func(w string) string {
		return s.One(`SELECT coalesce(string_agg(first || coalesce(' ' || choice, ''), ', '), '') FROM (SELECT p.first, pa.choice FROM word_paper pa JOIN person p ON p.id = pa.pupil WHERE pa.word = $1 ORDER BY p.name_key) x`, strings.TrimPrefix(w, "/carnet/"))
	}
	open := func(b *browser.Browser, w string) *browser.Tab {
		tab := b.Tab(t, browser.Phone)
		name, value := s.Cookie("helene.duvivier")
		tab.SetCookie(s.URL, name, value)
		tab.Go(s.URL + w + "/talons")
		return tab
	}

	t.Run("photos", func(t *testing.T) {
		sheets := printed(signed)
		tab := open(browser.Start(t), signed)
		tab.Upload("Ou des photos de talons", sheets.Pictures...)
		tab.WaitText("Gabriel Roussel : reçu")
		if got := noted(signed); got != "Héloïse, Agathe, Gabriel" {
			t.Errorf("noted: %s", got)
		}
		tab.CheckPage("talons-lus")
		// One of them is taken back, at once.
		tab.Click("Annuler : Agathe Fauvel : reçu")
		tab.WaitText("C’est annulé")
		if got := noted(signed); got != "Héloïse, Gabriel" {
			t.Errorf("after the undo: %s", got)
		}
		// The slip of another word says so, and so does what is no slip.
		tab.Allow("status 422") // how a slip is refused
		tab.Upload("Ou des photos de talons", printed(asked).Pictures[0])
		tab.WaitText("Ce talon est celui d’un autre mot.")
		blank := filepath.Join(t.TempDir(), "blanc.png")
		var white bytes.Buffer
		if err := png.Encode(&white, image.NewGray(image.Rect(0, 0, 300, 300))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(blank, white.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		tab.Upload("Ou des photos de talons", blank)
		tab.WaitText("Aucun carré lisible")
		tab.Go(signed + "/talons")
		if !tab.Has("Sur papier, noté par Hélène Duvivier") {
			t.Error("the list does not show what came")
		}
	})

	t.Run("camera", func(t *testing.T) {
		tab := open(browser.StartFilming(t, film(t, printed(asked).Pictures[0])), asked)
		tab.Click("Ouvrir l’appareil photo")
		tab.WaitText("Héloïse Cousin : que dit le talon ?")
		tab.Screenshot("talons-camera")
		tab.CheckPage("talons-camera")
		tab.Click("Non")
		tab.WaitText("Héloïse Cousin : reçu")
		if got := noted(asked); got != "Héloïse 2" {
			t.Errorf("noted: %s", got)
		}
		tab.Click("Arrêter")
	})

	t.Run("no script", func(t *testing.T) {
		b := browser.Start(t)
		tab := b.Tab(t, browser.Phone, browser.NoScript)
		name, value := s.Cookie("helene.duvivier")
		tab.SetCookie(s.URL, name, value)
		tab.Go(s.URL + asked + "/talons")
		if tab.Has("Ouvrir l’appareil photo") {
			t.Error("a camera is offered that cannot be opened")
		}
		tab.Click("Oui : le talon de Inès Kermadec")
		tab.WaitText("Inès Kermadec : reçu")
		tab.Click("Annuler")
		tab.WaitText("C’est annulé")
	})
}

// film writes the part of a printed sheet around its first square as what a
// camera sees, 640 by 480.
func film(t *testing.T, picture string) string {
	t.Helper()
	data, err := os.ReadFile(picture)
	if err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	const w, h = 640, 480
	x0, y0 := m.Bounds().Dx()-w, 200
	var b bytes.Buffer
	fmt.Fprintf(&b, "YUV4MPEG2 W%d H%d F5:1 Ip A1:1 C420\n", w, h)
	for range 5 {
		b.WriteString("FRAME\n")
		for y := range h {
			for x := range w {
				b.WriteByte(color.GrayModel.Convert(m.At(x0+x, y0+y)).(color.Gray).Y)
			}
		}
		b.Write(bytes.Repeat([]byte{128}, w*h/2))
	}
	file := filepath.Join(t.TempDir(), "talon.y4m")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
