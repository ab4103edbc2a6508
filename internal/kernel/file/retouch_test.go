package file_test

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/retention"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/testkit/testapp"
)

// face is a photo, black but for a white square in its middle.
func face(t testing.TB) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 200, 200))
	for y := range 200 {
		for x := range 200 {
			c := color.RGBA{0, 0, 0, 255}
			if x >= 97 && x < 103 && y >= 97 && y < 103 {
				c = color.RGBA{255, 255, 255, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// white says how light the middle of a picture is.
func white(t testing.TB, body string) uint32 {
	t.Helper()
	m, err := jpeg.Decode(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	b := m.Bounds()
	r, _, _, _ := m.At(b.Dx()/2, b.Dy()/2).RGBA()
	return r >> 8
}

// retouch does it in the name of the system for an owner, who holds the file.
func retouch(t *testing.T, a *testapp.App, owner *testapp.Person, id string, r file.Retouch) error {
	t.Helper()
	made, err := r.Make(t.Context(), a.Core, id)
	if err != nil {
		return err
	}
	return a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return made.Apply(t.Context(), tx, a.Core.Jobs, grant(t, a, owner), a.Core.Clock.Now(), id)
	})
}

// grant is that of somebody signed in.
func grant(t *testing.T, a *testapp.App, p *testapp.Person) rights.Grant {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, c := range p.Cookies() {
		r.AddCookie(c)
	}
	v, err := session.Resolve(t.Context(), a.Core.DB, r, a.Core.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	g, err := rights.SignedIn.Resolve(t.Context(), a.Core.DB, v, "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// blobs are all bytes of the store.
func blobs(t *testing.T, a *testapp.App) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	for i, err := range a.Core.Blobs.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		out[i.Key] = true
	}
	return out
}

const hide = "oval 0.3 0.3 0.4 0.4"

// Once a face is hidden nothing holds the clear picture: not the address, at
// which another one is served, not the store.
func TestTheClearPictureIsGone(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene := a.As("helene.duvivier")
		before := blobs(t, a)
		got := give(t, a, helene.ID, "Classe.jpg", face(t))
		clear := helene.Get("/fichiers/" + got.ID + "/web").OK()
		if w := white(t, clear.Body); w < 200 {
			t.Fatalf("the face is not there: %d", w)
		}
		old := blobs(t, a)
		if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{hide}, Alt: "Un visage caché"}); err != nil {
			t.Fatal(err)
		}
		a.Drain()
		for _, form := range []string{"web", "thumb"} {
			p := helene.Get("/fichiers/" + got.ID + "/" + form).OK()
			if p.Header.Get("ETag") == clear.Header.Get("ETag") {
				t.Errorf("%s: a browser would keep the old one", form)
			}
			if w := white(t, p.Body); w > 100 {
				t.Errorf("%s still shows the face: %d", form, w)
			}
		}
		for key := range blobs(t, a) {
			if old[key] && !before[key] {
				t.Errorf("%s of the clear picture is still in the store", key)
			}
		}
		if n := a.One(`SELECT count(*) FROM file_original`); n != "0" {
			t.Error("kept unasked")
		}
		if alt := a.One(`SELECT alt FROM file WHERE id = $1`, got.ID); alt != "Un visage caché" {
			t.Errorf("alt: %q", alt)
		}
		used := a.One(`SELECT used FROM file_usage WHERE person = $1`, helene.ID)
		if size := a.One(`SELECT sum(size) FROM file WHERE owner = $1`, helene.ID); used != size {
			t.Errorf("charged %s for %s", used, size)
		}
	})
}

// What others copied is theirs, bytes included: a retouch of the first changes
// neither.
func TestACopyStays(t *testing.T) {
	a := testapp.New(t)
	helene, claire := a.As("helene.duvivier"), a.As("claire.fontaine")
	got := give(t, a, helene.ID, "Classe.jpg", face(t))
	var theirs string
	write(t, a, func(tx *db.Tx) error {
		made, err := file.Copy(t.Context(), tx, rights.System("test").For(got.School), a.Core.Clock.Now(), claire.ID, []string{got.ID})
		theirs = made[got.ID]
		return err
	})
	if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{hide}}); err != nil {
		t.Fatal(err)
	}
	a.Drain()
	if w := white(t, claire.Get("/fichiers/"+theirs+"/web").OK().Body); w < 200 {
		t.Errorf("the copy has changed: %d", w)
	}
	if err := retouch(t, a, helene, theirs, file.Retouch{Edits: []string{hide}}); errs.KindOf(err) != errs.NotFound {
		t.Errorf("somebody else's: %v", err)
	}
}

// The picture as it was is kept for its holder alone, when asked; put back, or
// forgotten, and gone with what it was of.
func TestTheOriginalIsItsHolders(t *testing.T) {
	a := testapp.New(t)
	helene, claire := a.As("helene.duvivier"), a.As("claire.fontaine")
	got := give(t, a, helene.ID, "Classe.jpg", face(t))
	word := a.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`)
	write(t, a, func(tx *db.Tx) error { return file.Attach(t.Context(), tx, helene.ID, got.ID, word) })
	if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{hide}, Keep: true}); err != nil {
		t.Fatal(err)
	}
	a.Drain()
	kept := a.One(`SELECT kept FROM file_original WHERE file = $1`, got.ID)
	if w := white(t, helene.Get("/fichiers/"+kept+"/web").OK().Body); w < 200 {
		t.Errorf("kept another: %d", w)
	}
	for _, who := range []string{"nadia.kermadec", "claire.fontaine", "odile.portail"} {
		a.As(who).Get("/fichiers/" + kept + "/web").NotFound()
	}
	claire.Get("/fichiers/" + kept + "/thumb").NotFound()
	// It stays for as long as the file does, whatever is swept.
	a.Core.Clock.Advance(72 * 3600e9)
	if err := retention.Sweep(t.Context(), a.Core); err != nil {
		t.Fatal(err)
	}
	if a.One(`SELECT count(*) FROM file WHERE id = $1`, kept) != "1" {
		t.Fatal("swept")
	}
	// A second retouch keeps the first original, not what lies between.
	if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{"turn 1"}, Keep: true}); err != nil {
		t.Fatal(err)
	}
	if again := a.One(`SELECT kept FROM file_original WHERE file = $1`, got.ID); again != kept {
		t.Errorf("another original: %s", again)
	}
	restore := func(back bool) error {
		return a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			return file.Restore(t.Context(), tx, a.Core.Jobs, grant(t, a, helene), a.Core.Clock.Now(), got.ID, back)
		})
	}
	if err := restore(true); err != nil {
		t.Fatal(err)
	}
	if w := white(t, helene.Get("/fichiers/"+got.ID+"/web").OK().Body); w < 200 {
		t.Errorf("not put back: %d", w)
	}
	helene.Get("/fichiers/" + kept + "/web").NotFound()
	if err := restore(true); errs.KindOf(err) != errs.NotFound {
		t.Errorf("twice: %v", err)
	}
	// Forgotten, the bytes go too.
	if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{hide}, Keep: true}); err != nil {
		t.Fatal(err)
	}
	clear := a.One(`SELECT blob FROM file WHERE id = (SELECT kept FROM file_original WHERE file = $1)`, got.ID)
	if err := restore(false); err != nil {
		t.Fatal(err)
	}
	a.Drain()
	if blobs(t, a)[clear] {
		t.Error("the forgotten original is in the store")
	}
	// And with the file goes what was kept of it.
	if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{"turn 1"}, Keep: true}); err != nil {
		t.Fatal(err)
	}
	write(t, a, func(tx *db.Tx) error {
		return file.Drop(t.Context(), tx, rights.System("test").For(got.School), a.Core.Clock.Now(), word)
	})
	if n := a.One(`SELECT count(*) FROM file WHERE owner = $1 AND name = 'Classe.jpg'`, helene.ID); n != "0" {
		t.Errorf("%s files are left", n)
	}
}

// Bytes that are deleted because they must not stay are not missed by somebody
// who sends the same ones at that moment.
func TestBytesSentWhileTheyAreDeleted(t *testing.T) {
	a := testapp.New(t)
	helene, claire := a.As("helene.duvivier"), a.As("claire.fontaine")
	got := give(t, a, helene.ID, "Classe.jpg", face(t))
	receive := func() file.Received {
		r, err := file.ReceiveAny(t.Context(), a.Core, got.School, claire.ID, "Autre.jpg", bytes.NewReader(face(t)))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	record := func(r file.Received) error {
		return a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			return file.Record(t.Context(), tx, rights.System("test").For(r.School), a.Core.Clock.Now(), r)
		})
	}
	early := receive()
	a.Core.Clock.Advance(1e9)
	if err := retouch(t, a, helene, got.ID, file.Retouch{Edits: []string{hide}}); err != nil {
		t.Fatal(err)
	}
	a.Drain()
	if err := record(early); !strings.Contains(said(a, err), "dans une minute") {
		t.Errorf("written down without its bytes: %v", err)
	}
	a.Core.Clock.Advance(1e9)
	late := receive()
	if err := record(late); err != nil {
		t.Fatal(err)
	}
	if w := white(t, claire.Get("/fichiers/"+late.ID+"/web").OK().Body); w < 200 {
		t.Errorf("%d", w)
	}
	// What came first is not deleted.
	again := give(t, a, helene.ID, "Classe.jpg", face(t))
	if err := retouch(t, a, helene, again.ID, file.Retouch{Edits: []string{hide}}); err != nil {
		t.Fatal(err)
	}
	a.Drain()
	claire.Get("/fichiers/" + late.ID + "/web").OK()
}

// Two who retouch the same picture at once: the second is told, and loses no
// gesture to the first.
func TestTwoRetouchesAtOnce(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	got := give(t, a, helene.ID, "Classe.jpg", face(t))
	first, err := file.Retouch{Edits: []string{"turn 1"}}.Make(t.Context(), a.Core, got.ID)
	if err != nil {
		t.Fatal(err)
	}
	second, err := file.Retouch{Edits: []string{hide}}.Make(t.Context(), a.Core, got.ID)
	if err != nil {
		t.Fatal(err)
	}
	apply := func(ctx context.Context, r file.Retouched) error {
		return a.Core.DB.Write(ctx, func(tx *db.Tx) error {
			return r.Apply(ctx, tx, a.Core.Jobs, grant(t, a, helene), a.Core.Clock.Now(), got.ID)
		})
	}
	if err := apply(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if err := apply(t.Context(), second); errs.KindOf(err) != errs.Conflict {
		t.Errorf("the second: %v", err)
	}
}
