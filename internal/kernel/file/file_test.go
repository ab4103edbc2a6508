package file_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/media"
	s3test "marelle/internal/testkit/s3"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// stores runs a test on a folder and on an S3 server, and on a real one if there
// is one.
func stores(t *testing.T, f func(t *testing.T, a *testapp.App)) {
	t.Run("folder", func(t *testing.T) { f(t, testapp.New(t)) })
	t.Run("S3", func(t *testing.T) {
		a := testapp.New(t)
		a.Core.Blobs = s3(t)
		f(t, a)
	})
	if at := s3test.Given(t); at != "" {
		t.Run("given S3", func(t *testing.T) {
			a := testapp.New(t)
			var err error
			if a.Core.Blobs, err = blob.Open(t.Context(), at, t.TempDir()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				for i, err := range a.Core.Blobs.List(context.Background(), "") {
					if err == nil {
						err = a.Core.Blobs.Delete(context.Background(), i.Key)
					}
					if err != nil {
						t.Error(err)
					}
				}
			})
			f(t, a)
		})
	}
}

func s3(t *testing.T) blob.Store {
	t.Helper()
	back := s3mem.New()
	if err := back.CreateBucket("ecole"); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(gofakes3.New(back).Server())
	t.Cleanup(srv.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "test")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test")
	s, err := blob.Open(t.Context(), "s3://ecole?endpoint="+srv.URL+"&region=test", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// school is where somebody of the sample is.
func school(a *testapp.App, person string) string {
	return a.One(`SELECT school FROM membership WHERE person = $1 ORDER BY school LIMIT 1`, person)
}

// give has somebody send a file, and keeps it.
func give(t *testing.T, a *testapp.App, owner, name string, b []byte) file.Received {
	t.Helper()
	r, err := file.ReceiveAny(t.Context(), a.Core, school(a, owner), owner, name, bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	write(t, a, func(tx *db.Tx) error {
		return file.Record(t.Context(), tx, rights.System("test").For(r.School), a.Core.Clock.Now(), r)
	})
	return r
}

func write(t *testing.T, a *testapp.App, f func(tx *db.Tx) error) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// said is the sentence of a fault of one field.
func said(a *testapp.App, err error) string {
	if e := errs.As(err); e != nil {
		for _, m := range e.Fields {
			return a.Core.Catalog.Render(m.Key, m.Args)
		}
		return a.Core.Catalog.Render(e.Message.Key, e.Message.Args)
	}
	return fmt.Sprint(err)
}

func photo(t testing.TB, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, w, h)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func archive(t *testing.T, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		w, err := z.Create(n)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, "texte")
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a school works with comes back as it was sent, and never runs in the
// portal's name.
func TestWhateverASchoolWorksWith(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene := a.As("helene.duvivier")
		odt := archive(t, "mimetype", "content.xml")
		odt = append([]byte("PK\x03\x04\x14\x00\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x27\x00\x00\x00\x27\x00\x00\x00\x08\x00\x00\x00mimetypeapplication/vnd.oasis.opendocument.text"), odt...)
		for name, c := range map[string]struct {
			bytes []byte
			kind  string // as it is handed out
		}{
			"Dictée.txt":     {[]byte("Le chat dort.\n"), "text/plain"},
			"Projet.odt":     {odt, "application/vnd.oasis.opendocument.text"},
			"Sortie.zip":     {archive(t, "a.txt"), "application/zip"},
			"Chanson.wav":    {[]byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"), "audio/wav"},
			"Fiche.pdf":      {[]byte("%PDF-1.7\n1 0 obj\n"), "application/pdf"},
			"page.html":      {[]byte("<!DOCTYPE html><script>alert(1)</script>"), "text/plain"},
			"dessin.svg":     {[]byte("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + `<svg xmlns:xlink="http://www.w3.org/1999/xlink" xmlns="http://www.w3.org/2000/svg"><path d="M0 0"></path></svg>`), "image/svg+xml"},
			"notes.xml":      {[]byte(`<?xml version="1.0"?><a/>`), "text/plain"},
			"je ne sais pas": {[]byte{0, 1, 2, 3, 254, 0, 0}, "application/octet-stream"},
		} {
			got := give(t, a, helene.ID, name, c.bytes)
			page := helene.Get("/fichiers/" + got.ID + "/original").OK()
			if page.Body != string(c.bytes) || page.Header.Get("Content-Type") != c.kind {
				t.Errorf("%s: %d bytes of %s, want %d of %s", name, len(page.Body), page.Header.Get("Content-Type"), len(c.bytes), c.kind)
			}
			if d := page.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
				t.Errorf("%s opens in the page: %s", name, d)
			}
			if p := page.Header.Get("Content-Security-Policy"); !strings.Contains(p, "sandbox") || page.Header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s is served with %q", name, p)
			}
			if p := page.Header.Get("Cache-Control"); p != "private, no-cache" {
				t.Errorf("%s is kept on the way: %s", name, p)
			}
			a.As("nadia.kermadec").Get("/fichiers/" + got.ID + "/original").NotFound()
		}
		if a.Core.Spool.Used() != 0 {
			t.Errorf("%d bytes are left on the disk", a.Core.Spool.Used())
		}
	})
}

// A drawing is drawn in a page only; a sound is played there.
func TestOnlyThePageShowsAndPlays(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	drawing := give(t, a, helene.ID, "dessin.svg", []byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`))
	sound := give(t, a, helene.ID, "a.wav", []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00"))
	text := give(t, a, helene.ID, "a.html", []byte("<!DOCTYPE html><p>"))
	for _, c := range []struct{ id, variant, dest, want string }{
		{drawing.ID, "web", "image", "inline"}, {drawing.ID, "web", "document", "attachment"}, {drawing.ID, "web", "object", "attachment"}, {drawing.ID, "thumb", "iframe", "attachment"},
		{sound.ID, "original", "audio", "inline"}, {sound.ID, "original", "document", "attachment"},
		{text.ID, "original", "document", "attachment"}, {text.ID, "original", "iframe", "attachment"}, {text.ID, "original", "image", "attachment"},
	} {
		helene.Header.Set("Sec-Fetch-Dest", c.dest)
		if d := helene.Get("/fichiers/" + c.id + "/" + c.variant).OK().Header.Get("Content-Disposition"); !strings.HasPrefix(d, c.want) {
			t.Errorf("%s %s as %s: %s", c.id, c.variant, c.dest, d)
		}
	}
}

// A piece of a file is asked for by players and by downloads that go on.
func TestPiecesOfAFile(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene := a.As("helene.duvivier")
		whole := bytes.Repeat([]byte("0123456789"), 1000)
		got := give(t, a, helene.ID, "chiffres.txt", whole)
		helene.Header.Set("Range", "bytes=15-24")
		p := helene.Get("/fichiers/" + got.ID + "/original").Is(http.StatusPartialContent)
		if p.Body != "5678901234" || p.Header.Get("Content-Range") != "bytes 15-24/10000" {
			t.Errorf("%q of %s", p.Body, p.Header.Get("Content-Range"))
		}
		helene.Header.Set("Range", "bytes=20000-")
		helene.Get("/fichiers/" + got.ID + "/original").Is(http.StatusRequestedRangeNotSatisfiable)
		helene.Header.Del("Range")
		helene.Header.Set("If-None-Match", p.Header.Get("ETag"))
		helene.Get("/fichiers/" + got.ID + "/original").Is(http.StatusNotModified)
	})
}

func TestProgramsAreRefusedByTheirKind(t *testing.T) {
	a := testapp.New(t)
	a.Core.Pictures = media.NewMaker(1, "") // whatever tools this machine has
	helene := a.As("helene.duvivier")
	for name, b := range map[string]string{
		"jeu.exe": "MZ\x90\x00", "photo.jpg.exe": "texte", "installe.bat": "@echo off", "macro.vbs": "MsgBox 1", "RACCOURCI.LNK ": "L\x00\x00\x00", "vide.js.": "alert(1)",
		"sans-nom": "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 64), "script": "#!/usr/bin/env python3\nprint(1)\n", "facture.pdf": "MZ\x90\x00" + strings.Repeat("\x00", 200),
	} {
		_, err := file.ReceiveAny(t.Context(), a.Core, school(a, helene.ID), helene.ID, name, strings.NewReader(b))
		if s := said(a, err); !strings.Contains(s, "Les programmes et les scripts (") {
			t.Errorf("%s: %s", name, s)
		}
	}
	for name, c := range map[string]struct{ b, want string }{
		"vide.txt":  {"", "vide"},
		"lourd.txt": {strings.Repeat("a", int(a.Core.UploadMax)+1), "trop lourd"},
		"photo.tif": {"II*\x00\x08\x00\x00\x00", "JPEG"},
		"photo.jpg": {"\xff\xd8\xff\xe0 et rien d'autre", "abîmée"},
	} {
		_, err := file.ReceiveAny(t.Context(), a.Core, school(a, helene.ID), helene.ID, name, strings.NewReader(c.b))
		if s := said(a, err); !strings.Contains(s, c.want) {
			t.Errorf("%s: %s", name, s)
		}
	}
	// The carnet keeps to what is read, seen or heard in a page.
	_, err := file.Receive(t.Context(), a.Core, school(a, helene.ID), helene.ID, "a.txt", strings.NewReader("texte"))
	if s := said(a, err); !strings.Contains(s, "On peut joindre ici des photos") {
		t.Error(s)
	}
	if n := a.Core.Spool.Used(); n != 0 {
		t.Errorf("%d bytes are left on the disk", n)
	}
}

// asking is a request of somebody signed in, as a handler gets it.
func asking(a *testapp.App, person, contentType string, body io.Reader) *app.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.Header.Set("Content-Type", contentType)
	return &app.Request{Request: r, W: httptest.NewRecorder(), Core: a.Core, Viewer: &rights.Viewer{Person: person}}
}

// A form without a script brings several files; one that is refused is named, and
// keeps neither the others nor the words from being taken.
func TestAFormOfSeveralFiles(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	form := "--b\r\nContent-Disposition: form-data; name=\"titre\"\r\n\r\nSortie\x00 au bois\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nun\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"jeu.exe\"\r\n\r\nMZ\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../b.txt\"\r\n\r\ndeux\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"c.txt\"\r\n\r\ntrois\r\n" +
		"--b\r\nContent-Disposition: form-data; name=\"apres\"\r\n\r\noui\r\n--b--"
	values, got, err := file.Form(asking(a, helene.ID, "multipart/form-data; boundary=b", strings.NewReader(form)), school(a, helene.ID), 2)
	if s := said(a, err); !strings.Contains(s, "jeu.exe") {
		t.Error(s)
	}
	if values.Get("titre") != "Sortie au bois" || values.Get("apres") != "oui" || len(values) != 2 {
		t.Errorf("values %v", values)
	}
	if len(got) != 2 || got[0].Name != "a.txt" || got[1].Name != "b.txt" {
		t.Errorf("files %v", got)
	}
	cut, _, err := file.Form(asking(a, helene.ID, "multipart/form-data; boundary=b", strings.NewReader(form[:len(form)-40])), school(a, helene.ID), 9)
	if errs.KindOf(err) != errs.Invalid {
		t.Errorf("cut: %v, %v", cut, err)
	}
}

func FuzzForm(f *testing.F) {
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.txt\"\r\n\r\nun\r\n--b--"), "multipart/form-data; boundary=b")
	f.Add([]byte("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\xff\"\r\n\r\n\xff\xd8\xff\r\n--b--"), "multipart/form-data; boundary=b")
	f.Add([]byte("a=b"), "application/x-www-form-urlencoded")
	a := testapp.New(f)
	a.Core.UploadMax = 4 << 10
	helene := a.As("helene.duvivier")
	place := school(a, helene.ID)
	f.Fuzz(func(t *testing.T, body []byte, kind string) {
		_, got, err := file.Form(asking(a, helene.ID, kind, bytes.NewReader(body)), place, 3)
		if err != nil && errs.KindOf(err) == errs.Internal {
			t.Errorf("a fault of ours: %v", err)
		}
		for _, r := range got {
			if r.Size == 0 || r.Name == "" || strings.ContainsAny(r.Name, "/\\\x00\n") {
				t.Errorf("%q, %d bytes", r.Name, r.Size)
			}
		}
		if a.Core.Spool.Used() != 0 {
			t.Errorf("%d bytes are left", a.Core.Spool.Used())
		}
	})
}

// What a form leaves in the temporary folder is gone once it is answered.
func TestNothingOfAFormIsLeft(t *testing.T) {
	a := testapp.New(t)
	t.Setenv("TMPDIR", t.TempDir())
	pdf := append([]byte("%PDF-1.7\n"), bytes.Repeat([]byte("x"), 2<<20)...)
	a.As("helene.duvivier").Upload("/carnet", []testapp.File{{Field: "piece", Name: "a.pdf", Bytes: pdf}, {Field: "piece", Name: "b.pdf", Bytes: pdf}})
	if left, _ := os.ReadDir(os.TempDir()); len(left) > 0 {
		t.Errorf("%d files are left: %s", len(left), left[0].Name())
	}
}

func sum(b []byte) string {
	h := sha256.Sum256(b)
	return hex.EncodeToString(h[:])
}

// The same bytes are kept once in a school, under their sum.
func TestTheSameBytesAreKeptOnce(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene := a.As("helene.duvivier")
		before := count(t, a.Core.Blobs)
		b := []byte("Le chat dort.")
		one := give(t, a, helene.ID, "a.txt", b)
		give(t, a, helene.ID, "b.txt", b)
		give(t, a, a.As("claire.fontaine").ID, "c.txt", b)
		if n := count(t, a.Core.Blobs); n != before+1 {
			t.Errorf("%d objects more", n-before)
		}
		if key := a.One(`SELECT blob FROM file_variant WHERE file = $1`, one.ID); key != one.School+"/"+sum(b) {
			t.Errorf("kept under %s", key)
		}
	})
}

func count(t *testing.T, s blob.Store) int {
	t.Helper()
	n := 0
	for _, err := range s.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	return n
}

// A photo of an iPhone becomes one that everybody opens, under a name that says so.
func TestAPhotoOfAnIPhone(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	b, err := os.ReadFile("../../platform/media/testdata/small.heic")
	if err != nil {
		t.Fatal(err)
	}
	got := give(t, a, helene.ID, "IMG_0042.HEIC", b)
	if got.Name != "IMG_0042.jpg" || got.Type != "image/jpeg" {
		t.Errorf("%s of %s", got.Name, got.Type)
	}
	helene.Get("/fichiers/" + got.ID + "/original").NotFound()
	if page := helene.Get("/fichiers/" + got.ID + "/web").OK(); strings.Contains(page.Body, "Cachette") {
		t.Error("the name of the phone is told")
	}
}

// A PDF is read in its tab when the address asks for it, whole or in part; what is
// no PDF by its content is saved whatever its name and the address say; and whoever
// may not have it finds nothing, in any form.
func TestAPDFIsReadInItsTab(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	pdf := give(t, a, helene.ID, "Programme.pdf", []byte("%PDF-1.4\n% rien d'autre\n"))
	disguised := give(t, a, helene.ID, "page.pdf", []byte("<!doctype html><title>x</title><script>alert(1)</script>"))
	word := shown(t, a, pdf, nadia.ID)
	write(t, a, func(tx *db.Tx) error { return file.Attach(t.Context(), tx, helene.ID, disguised.ID, word) })
	at := "/fichiers/" + pdf.ID + "/original"

	saved := nadia.Get(at).OK()
	if d := saved.Header.Get("Content-Disposition"); !strings.HasPrefix(d, "attachment") {
		t.Errorf("unasked it is shown: %s", d)
	}
	if p := saved.Header.Get("Content-Security-Policy"); !strings.Contains(p, "sandbox") {
		t.Errorf("what is saved has power: %s", p)
	}
	read := nadia.Get(at + "?ouvrir").OK()
	for name, want := range map[string]string{
		"Content-Type": "application/pdf", "Content-Disposition": "inline", "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin",
		"Content-Security-Policy": "default-src 'none'; ", "X-Frame-Options": "DENY", "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes",
	} {
		if got := read.Header.Get(name); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if p := read.Header.Get("Content-Security-Policy"); strings.Contains(p, "script-src") || !strings.Contains(p, "frame-ancestors 'none'") || !strings.Contains(read.Header.Get("Content-Disposition"), "Programme.pdf") {
		t.Errorf("%v", read.Header)
	}
	nadia.Header = http.Header{"Range": {"bytes=1-3"}}
	if p := nadia.Get(at + "?ouvrir").Is(http.StatusPartialContent); p.Body != "PDF" || !strings.HasPrefix(p.Header.Get("Content-Disposition"), "inline") {
		t.Errorf("%q, %v", p.Body, p.Header)
	}
	nadia.Header = nil
	p := nadia.Get("/fichiers/" + disguised.ID + "/original?ouvrir").OK()
	if !strings.HasPrefix(p.Header.Get("Content-Disposition"), "attachment") || !strings.HasPrefix(p.Header.Get("Content-Type"), "text/plain") || !strings.Contains(p.Header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("a page that is called PDF: %v", p.Header)
	}

	away := a.As(a.One(`SELECT p.login FROM person p JOIN membership m ON m.person = p.id JOIN school s ON s.id = m.school
		WHERE s.uai <> '0809876A' AND p.login IS NOT NULL AND NOT EXISTS (SELECT 1 FROM membership o JOIN school x ON x.id = o.school WHERE o.person = p.id AND x.uai = '0809876A') ORDER BY p.login LIMIT 1`))
	pupil := a.As(a.One(`SELECT p.login FROM person p JOIN membership m ON m.person = p.id WHERE m.profile = 'pupil' AND m.school = $2 AND p.login IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM resource_grant g JOIN person_principal pp ON pp.principal = g.principal WHERE g.resource = $1 AND pp.person = p.id) ORDER BY p.login LIMIT 1`, word, pdf.School))
	for name, who := range map[string]*testapp.Person{"a pupil": pupil, "a family of another class": a.As("antoine.mercier"), "another school": away} {
		for _, form := range []string{"original", "original?ouvrir", "cover", "thumb", "source?ouvrir"} {
			if p := who.Get("/fichiers/" + pdf.ID + "/" + form); p.Status != http.StatusNotFound {
				t.Errorf("%s gets %d for %s", name, p.Status, form)
			}
		}
	}
	if p := a.Stranger().Get(at + "?ouvrir"); p.Status == http.StatusOK || strings.Contains(p.Body, "%PDF") {
		t.Errorf("a stranger gets %d", p.Status)
	}
	write(t, a, func(tx *db.Tx) error { return file.DetachAll(t.Context(), tx, word) })
	nadia.Get(at + "?ouvrir").NotFound()
}
