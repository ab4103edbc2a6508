package file_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/db"
	"marelle/internal/platform/media"
	"marelle/internal/testkit/testapp"
	"marelle/internal/testkit/tools"
)

// clip makes a short film of a phone, that says where it was taken.
func clip(t *testing.T, a *testapp.App, name string, args ...string) []byte {
	t.Helper()
	tools.Need(t, a.Core.Pictures.Plays() && a.Core.Pictures.Draws(), "ffmpeg or pdftoppm")
	at := filepath.Join(t.TempDir(), name)
	all := append(append([]string{"-v", "error"}, args...), "-metadata", "location="+place, "-metadata", "title=Cachette", "-movflags", "use_metadata_tags", at)
	if out, err := exec.Command("ffmpeg", all...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b, err := os.ReadFile(at)
	if err != nil || !bytes.Contains(b, []byte(place)) {
		t.Fatalf("the clip has nothing to hide: %v", err)
	}
	return b
}

const place = "+48.8584+002.2945/"

var filming = []string{"-f", "lavfi", "-i", "testsrc2=s=320x180:r=10:d=0.3", "-f", "lavfi", "-i", "sine=d=0.3", "-c:v", "libx264", "-preset", "ultrafast"}

// shown puts a file of its owner's in one of the owner's words.
func shown(t *testing.T, a *testapp.App, f file.Received, reader string) (resource string) {
	t.Helper()
	resource = a.One(`SELECT r.id FROM resource r JOIN resource_grant g ON g.resource = r.id JOIN person_principal pp ON pp.principal = g.principal
		WHERE r.kind = 'liaison.word' AND r.owner = $1 AND pp.person = $2 ORDER BY r.id LIMIT 1`, f.Owner, reader)
	write(t, a, func(tx *db.Tx) error { return file.Attach(t.Context(), tx, f.Owner, f.ID, resource) })
	return resource
}

// What others get of a film is seen and heard, and tells nothing else; what came
// is its owner's alone; and all of it goes when the share does.
// losing is a store that loses what it is given at first, as when the last file of
// the same bytes is removed at that moment.
type losing struct {
	blob.Store
	a    *testapp.App
	left int
}

func (l *losing) Put(ctx context.Context, key string, r io.Reader, size int64) error {
	if err := l.Store.Put(ctx, key, r, size); err != nil || l.left == 0 {
		return err
	}
	l.left--
	if err := l.a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO blob_cleared (object, at) VALUES ($1, $2)`, key, l.a.Core.Clock.Now().UnixMilli())
		return err
	}); err != nil {
		return err
	}
	return l.Store.Delete(ctx, key)
}

// What is made of a film is never said to be there when its bytes were deleted
// while it was being made: it is made again.
func TestWhatWasDeletedMeanwhileIsMadeAgain(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	f := give(t, a, helene.ID, "IMG_0043.MOV", clip(t, a, "film.mov", filming...))
	shown(t, a, f, nadia.ID)
	at := "/fichiers/" + f.ID + "/original"
	store := a.Core.Blobs
	a.Core.Blobs = &losing{store, a, 1}
	if err := a.Core.Jobs.Drain(t.Context()); err == nil {
		t.Error("nothing is said of what was deleted")
	}
	nadia.Get(at).NotFound()
	a.Core.Blobs = store
	a.Core.Clock.Advance(time.Minute)
	a.Drain()
	if p := nadia.Get(at).OK(); len(p.Body) < 1000 {
		t.Errorf("%d bytes", len(p.Body))
	}
}

func TestAFilmIsMadeReady(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		src := clip(t, a, "film.mov", filming...)
		helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
		f := give(t, a, helene.ID, "IMG_0042.MOV", src)
		used := held(t, a, helene.ID).Used
		word := shown(t, a, f, nadia.ID)
		at := "/fichiers/" + f.ID + "/"
		// Until it is ready, nobody else has it.
		nadia.Get(at + "original").NotFound()
		nadia.Get(at + "source").NotFound()
		if p := helene.Get(at + "original").OK(); p.Body != string(src) {
			t.Error("the owner has not what was sent")
		}
		a.Drain()
		page := nadia.Get(at + "original").OK()
		if page.Header.Get("Content-Type") != "video/mp4" || !strings.Contains(page.Header.Get("Content-Disposition"), "IMG_0042.mp4") || len(page.Body) < 1000 {
			t.Errorf("%v, %d bytes", page.Header, len(page.Body))
		}
		for _, form := range []string{"original", "cover", "thumb"} {
			for _, secret := range []string{"48.85", "Cachette"} {
				if p := nadia.Get(at + form).OK(); strings.Contains(p.Body, secret) {
					t.Errorf("%s tells %s", form, secret)
				}
			}
		}
		nadia.Header = http.Header{"Range": {"bytes=10-19"}, "Sec-Fetch-Dest": {"video"}}
		if p := nadia.Get(at + "original").Is(http.StatusPartialContent); p.Body != page.Body[10:20] || !strings.HasPrefix(p.Header.Get("Content-Disposition"), "inline") {
			t.Errorf("%q, %v", p.Body, p.Header)
		}
		nadia.Header = http.Header{}
		nadia.Get(at + "source").NotFound()
		if p := helene.Get(at + "source").OK(); p.Body != string(src) {
			t.Error("the owner lost what was sent")
		}
		if now := held(t, a, helene.ID).Used; now != used {
			t.Errorf("what was made is counted: %d after %d", now, used)
		}

		// A copy of somebody else's is of what they get, and counts as that.
		before, copied := held(t, a, nadia.ID).Used, ""
		write(t, a, func(tx *db.Tx) error {
			made, err := file.Copy(t.Context(), tx, rights.System("test").For(f.School), a.Core.Clock.Now(), nadia.ID, []string{f.ID})
			copied = made[f.ID]
			return err
		})
		if p := nadia.Get("/fichiers/" + copied + "/original").OK(); p.Body != page.Body || held(t, a, nadia.ID).Used != before+int64(len(p.Body)) {
			t.Errorf("%d bytes, %d more are counted", len(p.Body), held(t, a, nadia.ID).Used-before)
		}
		nadia.Get("/fichiers/" + copied + "/source").NotFound()

		// The same bytes again are ready without being worked on.
		again := give(t, a, a.As("helene.duvivier").ID, "encore.mov", src)
		begun := time.Now()
		a.Drain()
		if took := time.Since(begun); took > 2*time.Second {
			t.Errorf("the same bytes were encoded again: %v", took)
		}
		helene.Get("/fichiers/" + again.ID + "/cover").OK()

		write(t, a, func(tx *db.Tx) error { return file.DetachAll(t.Context(), tx, word) })
		for _, form := range []string{"original", "cover", "thumb"} {
			nadia.Get(at + form).NotFound()
		}
	})
}

// periodic is a job that comes back by itself.
type periodic string

func (p periodic) Kind() string               { return string(p) }
func (periodic) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// work has a job that comes back come now, with all that it asks for.
func work(t *testing.T, a *testapp.App, kind string) {
	t.Helper()
	write(t, a, func(tx *db.Tx) error { return a.Core.Jobs.Add(t.Context(), tx, periodic(kind)) })
	a.Drain()
}

// What no tool can read stays its owner's, who is told so; a PDF that is locked
// has no picture, and one that is not has one.
func TestWhatCannotBeMade(t *testing.T) {
	a := testapp.New(t)
	clip(t, a, "any.mov", filming...)
	broken := give(t, a, a.As("helene.duvivier").ID, "film.mp4", append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), bytes.Repeat([]byte{7}, 4000)...))
	locked := give(t, a, a.As("helene.duvivier").ID, "secret.pdf", []byte("%PDF-1.4\ntrailer << /Encrypt 5 0 R >>"))
	a.Drain()
	for _, f := range []file.Received{broken, locked} {
		if s := a.One(`SELECT state FROM file_render WHERE file = $1`, f.ID); s != "failed" {
			t.Errorf("%s: %s", f.Name, s)
		}
		a.As("helene.duvivier").Get("/fichiers/" + f.ID + "/original").OK()
		a.As("helene.duvivier").Get("/fichiers/" + f.ID + "/cover").NotFound()
	}
	look, err := file.LookAt(t.Context(), a.Core.DB, "nadia.kermadec", broken.ID)
	if err != nil || look.Form != "" || look.State != "failed" {
		t.Errorf("%+v, %v", look, err)
	}
	own, err := file.OwnBytes(t.Context(), a.Core.DB, a.As("helene.duvivier").ID)
	if err != nil || !slices.ContainsFunc(own, func(s file.Stored) bool { return s.ID == broken.ID }) {
		t.Errorf("what she sent is not among her data: %+v, %v", own, err)
	}
}

// Sound in the box of a film is sound, and is played as that.
func TestSoundOfARecorder(t *testing.T) {
	a := testapp.New(t)
	src := clip(t, a, "voix.webm", "-f", "lavfi", "-i", "sine=d=0.3", "-c:a", "libopus")
	f := give(t, a, a.As("helene.duvivier").ID, "voix.webm", src)
	a.Drain()
	look, err := file.LookAt(t.Context(), a.Core.DB, "nadia.kermadec", f.ID)
	if err != nil || look.Form != "original" || look.Type != "audio/mp4" || look.State != "" || look.Own {
		t.Errorf("%+v, %v", look, err)
	}
	if kind := a.One(`SELECT type FROM file WHERE id = $1`, f.ID); kind != "audio/webm" {
		t.Error(kind)
	}
}

// A process that dies in the middle leaves work that is taken up; one that always
// dies over a file leaves it alone in the end; a file that goes is forgotten.
func TestAWorkerDies(t *testing.T) {
	a := testapp.New(t)
	src := clip(t, a, "film.mov", filming...)
	f := give(t, a, a.As("helene.duvivier").ID, "film.mov", src)
	die := func() { // somebody claims it, and is never heard of again
		write(t, a, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE file_render SET held_until = $2, ask_at = $3, tries = tries + 1 WHERE file = $1`, f.ID, a.Core.Clock.Now().Add(time.Minute).UnixMilli(), a.Core.Clock.Now().UnixMilli())
			return err
		})
	}
	state := func() string { return a.One(`SELECT state FROM file_render WHERE file = $1`, f.ID) }
	die()
	a.Drain() // whoever comes too early leaves it
	if state() != "waiting" {
		t.Fatal(state())
	}
	a.Core.Clock.Advance(90 * time.Second)
	work(t, a, "file.again")
	if state() != "done" {
		t.Fatal(state())
	}

	f = give(t, a, a.As("helene.duvivier").ID, "autre.mov", append(bytes.Clone(src), 0))
	for range 3 {
		die()
	}
	a.Core.Clock.Advance(90 * time.Second)
	work(t, a, "file.again")
	if state() != "failed" {
		t.Errorf("a file that kills whoever works on it: %s", state())
	}

	// Gone while it waits: nothing is written, and its bytes are swept.
	f = give(t, a, a.As("helene.duvivier").ID, "vite.mov", append(bytes.Clone(src), 0, 0))
	before := count(t, a.Core.Blobs)
	a.Core.Clock.Advance(100 * 24 * time.Hour)
	sweep(t, a)
	a.Drain()
	if n := a.One(`SELECT count(*) || '' FROM file_render`); n != "0" {
		t.Errorf("%s are still to be made", n)
	}
	if err := file.Sweep(t.Context(), a.Core); err != nil {
		t.Fatal(err)
	}
	if after := count(t, a.Core.Blobs); after >= before {
		t.Errorf("%d objects of %d are left", after, before)
	}
}

// What came before the tools is taken up by the daily job, and what needs none
// is left as it is.
func TestOlderFiles(t *testing.T) {
	a := testapp.New(t)
	src := clip(t, a, "film.mov", filming...)
	tools := a.Core.Pictures
	a.Core.Pictures = media.NewMaker(1, "")
	f := give(t, a, a.As("helene.duvivier").ID, "film.mov", src)
	a.Drain()
	if n := a.One(`SELECT name FROM file_variant WHERE file = $1`, f.ID); n != "original" {
		t.Fatal("without tools a film is not handed out as it came")
	}
	a.Core.Pictures = tools
	work(t, a, "file.sweep")
	work(t, a, "file.again")
	a.As("helene.duvivier").Get("/fichiers/" + f.ID + "/cover").OK()
}
