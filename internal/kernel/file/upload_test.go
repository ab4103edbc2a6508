package file_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// sender sends files in pieces, as the script of the page does.
type sender struct{ *testapp.Person }

func (s sender) begin(name string, size int) *testapp.Page {
	s.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Upload-Length": {fmt.Sprint(size)},
		"Upload-Metadata": {"filename " + base64.StdEncoding.EncodeToString([]byte(name)) + ",autre"}}
	return s.Do(http.MethodPost, "/fichiers/envoi", "", nil)
}

func (s sender) send(at string, offset int, body io.Reader) *testapp.Page {
	s.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Upload-Offset": {fmt.Sprint(offset)}}
	return s.Do(http.MethodPatch, at, "application/offset+octet-stream", body)
}

func (s sender) ask(method, at string) *testapp.Page {
	s.Header = http.Header{"Tus-Resumable": {"1.0.0"}}
	return s.Do(method, at, "", nil)
}

func (s sender) beginReading(name string, size int) *testapp.Page {
	s.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Upload-Length": {fmt.Sprint(size)},
		"Upload-Metadata": {"filename " + base64.StdEncoding.EncodeToString([]byte(name))}}
	return s.Do(http.MethodPost, "/fichiers/envoi?lire", "", nil)
}

func received(p *testapp.Page) string { return p.Header.Get("Upload-Offset") }

// pieces is enough for several parts, none of which looks like another.
func pieces(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "ligne %d\n", i)
	}
	return b.Bytes()[:n]
}

// A file whose line is cut goes on where it was, on any copy of the server, and
// is the same to the byte.
func TestAnUploadGoesOnAfterACut(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		a.Core.UploadMax = 40 << 20
		helene := sender{a.As("helene.duvivier")}
		whole := pieces(18 << 20)
		before := count(t, a.Core.Blobs)
		at := helene.begin("Sortie au bois.txt", len(whole)).Is(http.StatusCreated).Header.Get("Location")
		cut := 5<<20 + 123
		helene.send(at, 0, io.MultiReader(bytes.NewReader(whole[:cut]), iotest.ErrReader(errors.New("cut")))).Is(http.StatusNoContent)
		p := helene.ask(http.MethodHead, at).OK()
		if received(p) != fmt.Sprint(cut) || p.Header.Get("Upload-Length") != fmt.Sprint(len(whole)) || p.Header.Get("Upload-Expires") == "" {
			t.Fatalf("%s of %d bytes", received(p), cut)
		}
		// What somebody else, or a second line, believes changes nothing.
		helene.send(at, 0, bytes.NewReader(whole)).Is(http.StatusConflict)
		helene.send(at, cut, bytes.NewReader(whole[cut:cut+(9<<20)])).Is(http.StatusNoContent)
		cut += 9 << 20
		p = helene.send(at, cut, bytes.NewReader(whole[cut:])).Is(http.StatusNoContent)
		got := p.Header.Get(file.FileHeader)
		helene.Header = http.Header{}
		if page := helene.Get("/fichiers/" + got + "/original").OK(); page.Body != string(whole) || page.Header.Get("Content-Type") != "text/plain" {
			t.Errorf("%d bytes of %s came back", len(page.Body), page.Header.Get("Content-Type"))
		}
		if name := a.One(`SELECT name FROM file WHERE id = $1`, got); name != "Sortie au bois.txt" {
			t.Errorf("named %s", name)
		}
		if n := count(t, a.Core.Blobs) - before; n != 1 {
			t.Errorf("%d objects are kept", n)
		}
		if key := a.One(`SELECT blob FROM file_variant WHERE file = $1`, got); !strings.HasSuffix(key, sum(whole)) {
			t.Errorf("kept under %s", key)
		}
		// An answer that was lost is given again.
		if again := helene.ask(http.MethodHead, at).OK().Header.Get(file.FileHeader); again != got {
			t.Errorf("became %q, then %q", got, again)
		}
		if again := helene.send(at, len(whole), strings.NewReader("")).Is(http.StatusNoContent).Header.Get(file.FileHeader); again != got {
			t.Errorf("became %q, then %q", got, again)
		}
		if n := a.Core.Spool.Used(); n != 0 {
			t.Errorf("%d bytes are left on the disk", n)
		}
	})
}

// Byte by byte, a file and a photo come through all the same.
func TestAnUploadOfTinyPieces(t *testing.T) {
	a := testapp.New(t)
	helene := sender{a.As("helene.duvivier")}
	for name, whole := range map[string][]byte{"photo.heic.jpg": photo(t, 60, 40), "a.txt": []byte("court")} {
		at := helene.begin(name, len(whole)).Is(http.StatusCreated).Header.Get("Location")
		step := max(1, len(whole)/7)
		var p *testapp.Page
		for i := 0; i < len(whole); i += step {
			p = helene.send(at, i, bytes.NewReader(whole[i:min(i+step, len(whole))])).Is(http.StatusNoContent)
		}
		kind := a.One(`SELECT type FROM file WHERE id = $1`, p.Header.Get(file.FileHeader))
		if want := map[string]string{"photo.heic.jpg": "image/jpeg", "a.txt": "text/plain"}[name]; kind != want {
			t.Errorf("%s became %s", name, kind)
		}
	}
}

func TestOnlyWhoBeganGoesOn(t *testing.T) {
	a := testapp.New(t)
	helene, other := sender{a.As("helene.duvivier")}, sender{a.As("claire.fontaine")}
	at := helene.begin("a.txt", 10).Is(http.StatusCreated).Header.Get("Location")
	other.send(at, 0, strings.NewReader("0123456789")).NotFound()
	other.ask(http.MethodHead, at).NotFound()
	other.ask(http.MethodDelete, at).NotFound()
	other.ask(http.MethodHead, "/fichiers/envoi/rien").NotFound()
	stranger := sender{a.Stranger()}
	stranger.send(at, 0, strings.NewReader("0123456789")).Is(http.StatusUnauthorized)
	helene.Header = http.Header{"Tus-Resumable": {"1.0.0"}, "Upload-Offset": {"0"}, "Sec-Fetch-Site": {"cross-site"}}
	helene.Do(http.MethodPatch, at, "application/offset+octet-stream", strings.NewReader("0123456789")).Denied()
	if got := received(helene.ask(http.MethodHead, at).OK()); got != "0" {
		t.Errorf("%s bytes came from somebody else", got)
	}
	// Signed out on the way: what comes after is not kept.
	cut := &meanwhile{Reader: strings.NewReader("0123456789"), then: func() {
		write(t, a, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `DELETE FROM session WHERE person = $1`, helene.ID)
			return err
		})
	}}
	helene.send(at, 0, cut).Is(http.StatusUnauthorized)
	if n := a.One(`SELECT received || '' FROM upload WHERE person = $1`, helene.ID); n != "0" {
		t.Errorf("%s bytes were kept of somebody signed out", n)
	}
}

// meanwhile does something while a body comes.
type meanwhile struct {
	io.Reader
	then func()
}

func (m *meanwhile) Read(p []byte) (int, error) {
	if m.then != nil {
		m.then()
		m.then = nil
	}
	return m.Reader.Read(p)
}

func TestRefusalsOfAnUpload(t *testing.T) {
	a := testapp.New(t)
	helene := sender{a.As("helene.duvivier")}
	helene.begin("jeu.exe", 10).Faulty().Has("Les programmes")
	helene.begin("vide.txt", 0).Faulty().Has("vide")
	helene.begin("lourd.txt", int(a.Core.UploadMax)+1).Faulty().Has("trop lourd")
	helene.begin("a.txt", -1).Faulty()
	before := count(t, a.Core.Blobs)
	// Told by the first piece, not after the last.
	program := append([]byte("MZ\x90\x00"), make([]byte, 10000)...)
	at := helene.begin("photo.jpg", len(program)).Is(http.StatusCreated).Header.Get("Location")
	helene.send(at, 0, bytes.NewReader(program[:5000])).Faulty().Has("Les programmes")
	helene.ask(http.MethodHead, at).NotFound()
	// More than was announced.
	at = helene.begin("a.txt", 5).Is(http.StatusCreated).Header.Get("Location")
	helene.send(at, 0, strings.NewReader("0123456789"))
	if got := received(helene.ask(http.MethodHead, at).OK()); got != "5" {
		t.Errorf("%s bytes of five", got)
	}
	// Given up.
	at = helene.begin("a.txt", 5).Is(http.StatusCreated).Header.Get("Location")
	helene.send(at, 0, strings.NewReader("012")).Is(http.StatusNoContent)
	helene.ask(http.MethodDelete, at).Is(http.StatusNoContent)
	helene.ask(http.MethodHead, at).NotFound()
	if n := count(t, a.Core.Blobs) - before; n != 1 {
		t.Errorf("%d objects are kept", n)
	}
	// What is read in a page only.
	at = helene.beginReading("a.txt", 5).Is(http.StatusCreated).Header.Get("Location")
	helene.send(at, 0, strings.NewReader("01234")).Faulty().Has("On peut joindre ici des photos")
	// Another protocol, another body.
	helene.Header = http.Header{}
	helene.Do(http.MethodPost, "/fichiers/envoi", "", nil).Faulty().Has(`lang="fr"`)
	if n := a.Core.Spool.Used(); n != 0 {
		t.Errorf("%d bytes are left on the disk", n)
	}
}

// Room is asked for all that is under way, before the bytes come.
func TestUploadsHaveTheRoomThatIsLeft(t *testing.T) {
	a := testapp.New(t)
	helene := sender{a.As("helene.duvivier")}
	limit(t, a, school(a, helene.ID), rights.Teacher, held(t, a, helene.ID).Used+1000)
	at := helene.begin("a.txt", 600).Is(http.StatusCreated).Header.Get("Location")
	helene.begin("b.txt", 600).Faulty().Has("plus assez de place")
	// The room goes to something else on the way: nothing is lost but what would not fit.
	give(t, a, helene.ID, "c.txt", bytes.Repeat([]byte("c"), 700))
	helene.send(at, 0, bytes.NewReader(bytes.Repeat([]byte("a"), 600))).Faulty().Has("plus assez de place")
	if got := held(t, a, helene.ID); got.Max-got.Used != 300 {
		t.Errorf("%d bytes of room", got.Max-got.Used)
	}
}

// Two lines of one phone send the same piece: one counts.
func TestConcurrentPiecesOfOneUpload(t *testing.T) {
	a := testapp.New(t)
	helene := sender{a.As("helene.duvivier")}
	whole := pieces(300_000)
	at := helene.begin("a.txt", len(whole)).Is(http.StatusCreated).Header.Get("Location")
	var wg sync.WaitGroup
	for range 4 {
		second := sender{helene.In(t)}
		wg.Go(func() { second.send(at, 0, bytes.NewReader(whole)) })
	}
	wg.Wait()
	p := helene.ask(http.MethodHead, at).OK()
	got := p.Header.Get(file.FileHeader)
	helene.Header = http.Header{}
	if page := helene.Get("/fichiers/" + got + "/original").OK(); page.Body != string(whole) {
		t.Errorf("%d bytes of %d", len(page.Body), len(whole))
	}
	if n := a.One(`SELECT count(*) || '' FROM file WHERE owner = $1 AND name = 'a.txt'`, helene.ID); n != "1" {
		t.Errorf("%s files", n)
	}
}

// What nobody goes on with is gone a day later, bytes included; what goes on is
// left alone by the sweep.
func TestForgottenUploadsExpire(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene := sender{a.As("helene.duvivier")}
		left := helene.begin("a.txt", 10).Is(http.StatusCreated).Header.Get("Location")
		helene.send(left, 0, strings.NewReader("01234")).Is(http.StatusNoContent)
		a.Core.Clock.Advance(20 * time.Hour)
		goes := helene.begin("b.txt", 10).Is(http.StatusCreated).Header.Get("Location")
		helene.send(goes, 0, strings.NewReader("01234")).Is(http.StatusNoContent)
		a.Core.Clock.Advance(5 * time.Hour)
		sweep(t, a)
		helene.ask(http.MethodHead, left).NotFound()
		a.Core.Clock.Freeze(time.Now().Add(48 * time.Hour)) // bytes are dated by the machine
		if err := file.Sweep(t.Context(), a.Core); err != nil {
			t.Fatal(err)
		}
		n := 0
		for i, err := range a.Core.Blobs.List(t.Context(), "envoi/") {
			if err != nil || i.Size != 5 {
				t.Errorf("%v, %v", i, err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%d pieces are left", n)
		}
		a.Core.Clock.Freeze(testapp.Now.Add(25 * time.Hour))
		helene.send(goes, 5, strings.NewReader("56789")).Is(http.StatusNoContent)
	})
}
