package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
	"marelle/internal/testkit/tools"
)

// TestAVideoInItsPage is a film of a teacher's phone on its way to a mother: while
// it is made ready its owner plays what she sent, the mother is told to wait, and
// her open page plays it as soon as it is there.
func TestAVideoInItsPage(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	g := openGate(t)
	tools.Need(t, g.Core.Pictures.Plays(), "ffmpeg")
	dir := t.TempDir()
	film, voice, leaf := filepath.Join(dir, "Les phoques.mov"), filepath.Join(dir, "La mer.webm"), filepath.Join(dir, "Programme.pdf")
	for _, args := range [][]string{
		{"-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=3", "-f", "lavfi", "-i", "sine=d=3", "-c:v", "libx264", "-preset", "ultrafast", "-metadata", "location=+48.8584+002.2945/", film},
		{"-f", "lavfi", "-i", "sine=d=3", "-c:a", "libopus", voice},
	} {
		if out, err := exec.Command("ffmpeg", append([]string{"-v", "error"}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	p := fpdf.New("P", "mm", "A4", "")
	p.AddPage()
	p.SetFont("Helvetica", "", 40)
	p.Cell(40, 40, "Sortie en baie de Somme")
	if err := p.OutputFileAndClose(leaf); err != nil {
		t.Fatal(err)
	}
	var files []testapp.File
	for _, at := range []string{film, voice, leaf} {
		bytes, err := os.ReadFile(at)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, testapp.File{Field: "piece", Name: filepath.Base(at), Bytes: bytes})
	}
	class := g.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	who := g.As("helene.duvivier")
	folder, _, _ := strings.Cut(who.Post("/documents/dossier", "nom", "Sortie en baie").To(), "?")
	who.Post(folder+"/partage", "a", "class:"+class+":relative", "role", "1").To()
	who.Upload(folder+"/ajouter", files).To()
	at := func(name string) string {
		return g.URL + "/documents/" + g.One(`SELECT id FROM document WHERE name = $1`, name)
	}

	made(t, g)
	// The film is still being worked on.
	id := g.One(`SELECT file FROM document WHERE name = 'Les phoques.mov'`)
	g.write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM file_variant WHERE file = $1 AND name <> 'source'`, id); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE file_render SET state = 'waiting', percent = 40, held_until = $2 WHERE file = $1`, id, testapp.Now.AddDate(1, 0, 0).UnixMilli())
		return err
	})

	j := journey{t: t, gate: g, b: b}
	helene, nadia := j.tab("helene.duvivier", browser.Desktop), j.tab("nadia.kermadec", browser.Phone)
	helene.Go(at("Les phoques.mov"))
	helene.WaitText("En préparation pour les autres")
	nadia.Go(at("Les phoques.mov"))
	nadia.WaitText("En préparation…")
	if helene.Count("video[src$='/original']") != 1 || nadia.Count("video") != 0 {
		t.Error("the owner has no player, or the others have one too early")
	}
	helene.Screenshot("film-preparation-1280")
	nadia.CheckPage("film-preparation")
	g.write(func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE file_render SET held_until = 0, ask_at = 0 WHERE file = $1`, id); err != nil {
			return err
		}
		return g.Core.Jobs.Add(ctx, tx, again{})
	})
	made(t, g)
	helene.WaitText("Télécharger le fichier d’origine")
	plays(t, nadia, "video[controls][preload='metadata'][poster]:not([autoplay])")
	nadia.Screenshot("film-390")
	helene.Go(at("Les phoques.mov"))
	helene.CheckPage("film-auteur")
	nadia.Go(at("La mer.webm"))
	nadia.Click("audio") // sound waits for a hand
	plays(t, nadia, "audio[controls][preload='metadata']:not([autoplay])")
	nadia.Screenshot("son-390")
	nadia.Go(at("Programme.pdf"))
	nadia.CheckPage("pdf")
	if nadia.Count("img[src$='/cover']") != 1 {
		t.Error("the PDF shows no page")
	}
	nadia.Go(g.URL + folder)
	if n := nadia.Count("img.vignette"); n != 2 {
		t.Errorf("%d small pictures in the list", n)
	}
	nadia.Screenshot("dossier-vignettes-390")
	helene.Go(g.URL + folder)
	helene.Screenshot("dossier-vignettes-1280")
}

// again is the job that takes up what nobody works on.
type again struct{}

func (again) Kind() string { return "file.again" }

// made waits until all that is made of files is made, by the server's own workers
// or by this.
func made(t *testing.T, g *gate) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); g.One(`SELECT count(*) || '' FROM file_render WHERE state = 'waiting'`) != "0"; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the files are not made ready")
		}
		g.Drain()
	}
}

// plays waits until a player is there, and has got on.
func plays(t *testing.T, tab *browser.Tab, css string) {
	t.Helper()
	if got := browser.Eval[string](tab, `(async () => {
		const rest = () => new Promise((done) => setTimeout(done, 50));
		let p;
		for (let n = 0; n < 300 && !(p = document.querySelector("`+css+`")); n++) await rest();
		if (!p) return "there is none";
		p.muted = true;
		try { await p.play(); } catch (e) { return String(e); }
		for (let n = 0; n < 300 && p.currentTime < 0.3; n++) await rest();
		return p.currentTime >= 0.3 ? "" : "it stands still";
	})()`); got != "" {
		t.Errorf("%s: %s", css, got)
	}
}
