package e2e

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// wait asks until it is so.
func wait(t testing.TB, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal(what)
		}
	}
}

// paperOf is what a PDF of that size looks like from outside.
func paperOf(size int) []byte {
	out := append([]byte("%PDF-1.7\n"), make([]byte, size)...)
	for i := 9; i < len(out); i += 64 {
		out[i] = byte(rand.IntN(256))
	}
	return out
}

// A teacher on a slow line adds two files to a word; the line is lost in the
// middle, comes back, the page is loaded anew, and the same file goes on.
func TestFilesOfAPageGoOnAfterACut(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	a := testapp.Serve(t)
	pdf := paperOf(12 << 20)
	dir := t.TempDir()
	menu, drawing := filepath.Join(dir, "menu.pdf"), filepath.Join(dir, "dessin.png")
	if err := os.WriteFile(menu, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	var p bytes.Buffer
	m := image.NewRGBA(image.Rect(0, 0, 40, 30))
	m.Set(3, 3, color.Black)
	if err := png.Encode(&p, m); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(drawing, p.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tab := b.Tab(t, browser.Phone)
	tab.Allow("ERR_INTERNET_DISCONNECTED")
	name, value := a.Cookie("helene.duvivier")
	tab.SetCookie(a.URL, name, value)
	tab.Go(a.URL + "/carnet/nouveau")
	tab.Slow(1 << 20)
	got := func() string {
		return a.One(`SELECT coalesce(max(received), 0) || '' FROM upload WHERE name = 'menu.pdf'`)
	}
	tab.Give(`input[name="piece"]`, menu, drawing)
	progress := func() float64 { return browser.Eval[float64](tab, `document.querySelector(".envoi progress").value`) }
	wait(t, "nothing leaves", func() bool { return progress() > 1<<20 })
	tab.Offline(true)
	tab.WaitText("Connexion perdue")
	tab.Screenshot("upload-cut")
	wait(t, "what came before the cut is not kept", func() bool { return got() != "0" })
	cut := got()
	at, _ := strconv.ParseFloat(cut, 64)
	tab.Offline(false)
	tab.Slow(1 << 20)
	wait(t, "it does not go on by itself", func() bool { return progress() > at+(1<<20) })
	tab.Click("Mettre en pause menu.pdf")
	tab.WaitText("En pause")
	wait(t, "what came before the pause is not kept", func() bool { return got() != cut })
	cut = got()
	tab.Click("Reprendre menu.pdf")
	tab.Slow(-1)
	wait(t, "menu.pdf does not arrive", func() bool { return tab.Count(`.envoi[data-state="done"]`) == 2 })
	tab.CheckPage("upload")
	ids := browser.Eval[[]string](tab, `Array.from(document.querySelectorAll('input[name="fichier"]'), (i) => i.value)`)
	if len(ids) != 2 {
		t.Fatalf("%d files are in the form", len(ids))
	}
	id := a.One(`SELECT id FROM file WHERE name = 'menu.pdf'`)
	if back := a.As("helene.duvivier").Get("/fichiers/" + id + "/original").OK(); back.Body != string(pdf) {
		t.Errorf("%d bytes of %d came back", len(back.Body), len(pdf))
	}
	if id := a.One(`SELECT type FROM file WHERE name = 'dessin.jpg'`); id != "image/jpeg" && id != "" {
		t.Errorf("the drawing became %s", id)
	}

	// A reload in the middle: the same file, chosen again, does not begin anew.
	other := filepath.Join(dir, "sortie.pdf")
	more := paperOf(5 << 20)
	if err := os.WriteFile(other, more, 0o600); err != nil {
		t.Fatal(err)
	}
	tab.Go(a.URL + "/carnet/nouveau")
	tab.Slow(1 << 20)
	tab.Give(`input[name="piece"]`, other)
	wait(t, "nothing leaves", func() bool { return progress() > 1<<20 })
	tab.Click("Mettre en pause sortie.pdf") // nothing is on the line when the page goes
	tab.Allow("'beforeunload'")
	tab.Go(a.URL + "/carnet/nouveau")
	kept := ""
	wait(t, "what came before the reload is not kept", func() bool {
		kept = a.One(`SELECT received || '' FROM upload WHERE name = 'sortie.pdf'`)
		return kept != "0"
	})
	tab.Slow(-1)
	tab.Give(`input[name="piece"]`, other)
	wait(t, "sortie.pdf does not arrive", func() bool { return tab.Count(`.envoi[data-state="done"]`) == 1 })
	if n := a.One(`SELECT count(*) || '' FROM upload WHERE name = 'sortie.pdf'`); n != "1" {
		t.Errorf("began %s times", n)
	}
	id = a.One(`SELECT id FROM file WHERE name = 'sortie.pdf'`)
	if back := a.As("helene.duvivier").Get("/fichiers/" + id + "/original").OK(); back.Body != string(more) {
		t.Errorf("%d bytes of %d came back", len(back.Body), len(more))
	}
}

// A new version of a document goes as a deposit does: it shows how far it is, can be
// paused, another choice takes its place, and who says yes too early has it done
// when it is there.
func TestANewVersionIsSentAsADepositIs(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	a := testapp.Serve(t)
	helene := a.As("helene.duvivier")
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Plan.pdf", Bytes: paperOf(2000)}}).To()
	at := "/documents/" + a.One(`SELECT id FROM document WHERE name = 'Plan.pdf'`)
	dir, want := t.TempDir(), paperOf(3<<20)
	second, third := filepath.Join(dir, "plan-2.pdf"), filepath.Join(dir, "plan-3.pdf")
	for path, data := range map[string][]byte{second: paperOf(12 << 20), third: want} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tab := b.Tab(t, browser.Phone)
	name, value := a.Cookie("helene.duvivier")
	tab.SetCookie(a.URL, name, value)
	tab.Go(a.URL + at + "/modifier")
	tab.Slow(1 << 20)
	tab.Give(`input[name="piece"]`, second)
	wait(t, "nothing leaves", func() bool {
		return browser.Eval[float64](tab, `document.querySelector(".envoi progress").value`) > 1<<20
	})
	tab.Click("Mettre en pause plan-2.pdf")
	tab.WaitText("En pause")
	tab.CheckPage("version-en-pause")
	tab.Give(`input[name="piece"]`, third)
	wait(t, "the second choice does not take the place of the first", func() bool {
		return tab.Count(".envoi") == 1 && tab.Has("plan-3.pdf")
	})
	wait(t, "what was given up is kept", func() bool { return a.One(`SELECT count(*) || '' FROM upload WHERE name = 'plan-2.pdf'`) == "0" })
	tab.Click("Déposer une nouvelle version")
	tab.Slow(-1)
	tab.WaitText("La nouvelle version est en place.")
	tab.WaitText("2 versions")
	file := a.One(`SELECT file FROM document WHERE name = 'Plan.pdf'`)
	if back := helene.Get("/fichiers/" + file + "/original").OK(); back.Body != string(want) {
		t.Errorf("%d bytes of %d came back", len(back.Body), len(want))
	}
}
