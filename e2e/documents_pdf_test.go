package e2e

import (
	"bytes"
	"image/png"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"codeberg.org/go-pdf/fpdf"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// leaves is a PDF of so many pages, each with its number.
func leaves(t *testing.T, n int) []byte {
	t.Helper()
	p := fpdf.New("P", "mm", "A4", "")
	for i := range n {
		p.AddPage()
		p.SetFillColor(20*(i%10), 80, 200)
		p.Rect(20, 60, 170, 200, "F")
		p.SetFont("Helvetica", "", 40)
		p.Cell(40, 40, "Page "+string(rune('A'+i)))
	}
	var out bytes.Buffer
	if err := p.Output(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestAPDFIsRead opens a PDF from its page and from a word: Chromium's own reader
// shows it in spite of all that the policy forbids.
func TestAPDFIsRead(t *testing.T) {
	t.Parallel()
	g := openGate(t)
	who := g.As("helene.duvivier")
	who.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Programme.pdf", Bytes: leaves(t, 3)}}).To()
	made(t, g)
	j := journey{t: t, gate: g, b: browser.StartWhole(t)} // the one without windows has no reader
	helene := j.tab("helene.duvivier", browser.Desktop)
	helene.Go(g.URL + "/documents")
	helene.Click("Programme.pdf")
	if !helene.Has("Ouvrir le PDF") || helene.Count("a.bouton[href$='?ouvrir'][target='_blank'][rel='noopener']") != 1 {
		t.Fatal("the page opens no PDF")
	}
	helene.Allow("chrome-extension://") // the reader
	helene.Allow("favicon.ico")         // which a PDF does not name
	at := browser.Eval[string](helene, `document.querySelector("a.bouton[href$='?ouvrir']").href`)
	if _, err := chromedp.Call(helene.Context(), page.Navigate, page.NavigateParams{URL: at}); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); !blue(t, helene); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the reader shows nothing of the PDF")
		}
	}
}

// blue says whether a tab shows the fill of the first of leaves.
func blue(t *testing.T, tab *browser.Tab) bool {
	t.Helper()
	shot, err := chromedp.Run(tab.Context(), chromedp.CaptureScreenshot())
	if err != nil {
		return false // between two pages there is nothing to see
	}
	img, err := png.Decode(bytes.NewReader(shot))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y += 4 {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x += 4 {
			if r, g, b, _ := img.At(x, y).RGBA(); r>>8 < 30 && g>>8 > 60 && g>>8 < 100 && b>>8 > 180 && b>>8 < 220 {
				n++
			}
		}
	}
	return n > 1000
}
