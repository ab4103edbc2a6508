package e2e

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestPicturesOfTheReadme draws the pictures of docs/img that show one page, small
// enough for a slow line, in the folder of the screenshots.
func TestPicturesOfTheReadme(t *testing.T) {
	to := os.Getenv(browser.ScreenshotsEnv)
	if to == "" { // drawn all the same, to see that they can be and what they weigh
		to = t.TempDir()
		t.Setenv(browser.ScreenshotsEnv, to)
	}
	s, b := openGate(t), browser.Start(t)
	var files []testapp.File
	for _, l := range exports(t) {
		data, err := os.ReadFile(l)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, testapp.File{Field: "fichiers", Name: filepath.Base(l), Bytes: data})
	}
	for name, data := range map[string][]byte{"Trois phoques.png": picture(t), "Liste des livres.txt": bytes.Repeat([]byte("Le loup. "), 4000), "Chanson des phoques.txt": bytes.Repeat([]byte("Plouf. "), 900)} {
		s.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: data}}).To()
	}
	for _, p := range []struct {
		name, login, path string
		screen            browser.Screen
	}{
		{"telephone-parent", "nadia.kermadec", "/", browser.Phone},
		{"suivi-d-un-mot", "helene.duvivier", "/carnet/" + s.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`), browser.Desktop},
		{"documents", "helene.duvivier", "/documents", browser.Desktop},
		{"import-a-blanc", "claire.fontaine", s.As("claire.fontaine").Upload("/ecole/import", files).To(), browser.Desktop},
	} {
		tab := b.Tab(t, p.screen)
		name, value := s.Cookie(p.login)
		tab.SetCookie(s.URL, name, value)
		tab.Go(s.URL + p.path)
		tab.SetTheme(browser.Themes[0])
		tab.Screenshot("docs/" + p.name)
		small := few(t, filepath.Join(to, "docs", p.name+".png"), p.screen)
		if len(small) > 150_000 {
			t.Errorf("%s weighs %d bytes, want 150000 at most", p.name, len(small))
		}
		if err := os.WriteFile(filepath.Join(to, "docs", p.name+".png"), small, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// few is what a screen shows of a whole page, in its 256 commonest colours.
func few(t *testing.T, path string, screen browser.Screen) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	full, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	area := full.Bounds().Intersect(image.Rect(0, 0, screen.Width, screen.Height))
	seen := map[color.Color]int{}
	for y := area.Min.Y; y < area.Max.Y; y++ {
		for x := area.Min.X; x < area.Max.X; x++ {
			seen[color.NRGBAModel.Convert(full.At(x, y))]++
		}
	}
	common := make(color.Palette, 0, len(seen))
	for c := range seen {
		common = append(common, c)
	}
	slices.SortFunc(common, func(a, b color.Color) int {
		x, y := a.(color.NRGBA), b.(color.NRGBA)
		return cmp.Or(cmp.Compare(seen[b], seen[a]), cmp.Compare(x.R, y.R), cmp.Compare(x.G, y.G), cmp.Compare(x.B, y.B))
	})
	out := image.NewPaletted(area, common[:min(256, len(common))])
	draw.Draw(out, area, full, area.Min, draw.Src)
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, out); err != nil {
		t.Fatal(err)
	}
	return small.Bytes()
}
