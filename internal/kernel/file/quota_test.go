package file_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/testkit/testapp"
)

func held(t *testing.T, a *testapp.App, person string) file.Space {
	t.Helper()
	s, err := file.Usage(t.Context(), a.Core.DB, a.Core.Clock.Now(), school(a, person), person)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// keep records what was received; the error is the refusal.
func keep(t *testing.T, a *testapp.App, r file.Received) error {
	t.Helper()
	return a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return file.Record(t.Context(), tx, rights.System("test").For(r.School), a.Core.Clock.Now(), r)
	})
}

func receive(t *testing.T, a *testapp.App, person, name string, b []byte) file.Received {
	t.Helper()
	r, err := file.ReceiveAny(t.Context(), a.Core, school(a, person), person, name, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func limit(t *testing.T, a *testapp.App, place string, p rights.Profile, n int64) {
	t.Helper()
	write(t, a, func(tx *db.Tx) error {
		return file.SetQuota(t.Context(), tx, rights.System("test"), place, p, n)
	})
}

func TestEachProfileHasItsRoom(t *testing.T) {
	a := testapp.New(t)
	for login, want := range map[string]int64{"ines.kermadec": 100e6, "nadia.kermadec": 200e6, "helene.duvivier": 2e9, "claire.fontaine": 2e9} {
		if got := held(t, a, a.As(login).ID).Max; got != want {
			t.Errorf("%s may hold %d, want %d", login, got, want)
		}
	}
	helene := a.As("helene.duvivier")
	limit(t, a, school(a, helene.ID), rights.Teacher, 5e9)
	if got := held(t, a, helene.ID).Max; got != 5e9 {
		t.Errorf("the school's own: %d", got)
	}
	// A head is a teacher too: the larger of both.
	if got := held(t, a, a.As("claire.fontaine").ID).Max; got != 2e9 {
		t.Errorf("the head's: %d", got)
	}
	limit(t, a, school(a, helene.ID), rights.Teacher, 0)
	if got := held(t, a, helene.ID).Max; got != 2e9 {
		t.Errorf("back to the usual: %d", got)
	}
}

// The same bytes count once for one holder, whatever their names, and for each
// holder; what is made of a picture counts for nobody.
func TestTheSameBytesCountOnce(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
		before, hers := held(t, a, helene.ID), held(t, a, nadia.ID)
		b := bytes.Repeat([]byte("a"), 1000)
		one := give(t, a, helene.ID, "a.txt", b)
		two := give(t, a, helene.ID, "b.txt", b)
		give(t, a, nadia.ID, "a.txt", b)
		p := give(t, a, helene.ID, "p.jpg", photo(t, 500, 300))
		if got := held(t, a, helene.ID).Used - before.Used; got != 1000+p.Size {
			t.Errorf("%d bytes more, want %d", got, 1000+p.Size)
		}
		if got := held(t, a, nadia.ID).Used - hers.Used; got != 1000 {
			t.Errorf("the other holder: %d", got)
		}
		// Given up one after the other, a day later.
		a.Core.Clock.Advance(25 * time.Hour)
		word := a.One(`SELECT id FROM word ORDER BY id LIMIT 1`)
		write(t, a, func(tx *db.Tx) error { return file.Attach(t.Context(), tx, helene.ID, two.ID, word) })
		sweep(t, a)
		if n := a.One(`SELECT count(*) || '' FROM file WHERE id IN ($1, $2, $3)`, one.ID, two.ID, p.ID); n != "1" {
			t.Errorf("%s files are left", n)
		}
		if got := held(t, a, helene.ID).Used - before.Used; got != 1000 {
			t.Errorf("with one of two left: %d", got)
		}
		write(t, a, func(tx *db.Tx) error {
			return file.Drop(t.Context(), tx, rights.System("test"), a.Core.Clock.Now(), word)
		})
		if got := held(t, a, helene.ID).Used; got != 0 {
			t.Errorf("with none left: %d", got)
		}
		helene.Get("/fichiers/" + two.ID + "/original").NotFound()
	})
}

func sweep(t *testing.T, a *testapp.App) {
	t.Helper()
	for _, p := range a.Core.Apps {
		if p.Name == "file" {
			write(t, a, func(tx *db.Tx) error { return p.Retain(t.Context(), tx, rights.System("test")) })
		}
	}
}

func TestWithoutRoomItIsRefusedAndNothingIsLost(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	limit(t, a, school(a, helene.ID), rights.Teacher, held(t, a, helene.ID).Used+1000)
	room := func() int64 { s := held(t, a, helene.ID); return s.Max - s.Used }
	one := receive(t, a, helene.ID, "a.txt", bytes.Repeat([]byte("a"), 700))
	if err := keep(t, a, one); err != nil {
		t.Fatal(err)
	}
	err := keep(t, a, receive(t, a, helene.ID, "b.txt", bytes.Repeat([]byte("b"), 301)))
	if s := said(a, err); errs.KindOf(err) != errs.Invalid || !strings.Contains(s, "plus assez de place") {
		t.Errorf("one byte too much: %s", s)
	}
	if room() != 300 {
		t.Errorf("%d bytes of room", room())
	}
	helene.Get("/fichiers/" + one.ID + "/original").OK()
	if err := file.Room(t.Context(), a.Core.DB, a.Core.Clock.Now(), one.School, helene.ID, 301); errs.KindOf(err) != errs.Invalid {
		t.Errorf("told before the bytes come: %v", err)
	}
	if err := keep(t, a, receive(t, a, helene.ID, "encore.txt", bytes.Repeat([]byte("a"), 700))); err != nil {
		t.Errorf("bytes that are held already: %v", err)
	}
	if err := keep(t, a, receive(t, a, helene.ID, "c.txt", bytes.Repeat([]byte("c"), 300))); err != nil || room() != 0 {
		t.Errorf("the last bytes: %v, %d left", err, room())
	}
	if s := held(t, a, helene.ID); !s.Nearly() || s.Percent() != 100 {
		t.Errorf("%v", s)
	}
}

// They are told once that little room is left, and again after they made some.
func TestLittleRoomIsToldOnce(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	limit(t, a, school(a, nadia.ID), rights.Relative, 1000)
	warned := func() string {
		return a.One(`SELECT coalesce(warned_at, 0) || '' FROM file_usage WHERE person = $1`, nadia.ID)
	}
	give(t, a, nadia.ID, "a.txt", bytes.Repeat([]byte("a"), 799))
	if warned() != "0" || held(t, a, nadia.ID).Nearly() {
		t.Error("told below four fifths")
	}
	give(t, a, nadia.ID, "b.txt", []byte("b"))
	first := warned()
	if first == "0" || !held(t, a, nadia.ID).Nearly() {
		t.Error("not told at four fifths")
	}
	a.Core.Clock.Advance(time.Hour)
	give(t, a, nadia.ID, "c.txt", []byte("c"))
	if warned() != first {
		t.Error("told twice")
	}
	a.Core.Clock.Advance(25 * time.Hour)
	sweep(t, a)
	if warned() != "0" {
		t.Error("still told once there is room")
	}
}

// Many files at once never hold more than what is allowed, and are all counted.
func TestConcurrentFilesAreCountedExactly(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	start := held(t, a, helene.ID).Used
	limit(t, a, school(a, helene.ID), rights.Teacher, start+5500)
	list := make([]file.Received, 0, 16)
	for i := range 8 {
		b := bytes.Repeat([]byte{byte('a' + i)}, 1000)
		list = append(list, receive(t, a, helene.ID, fmt.Sprint(i, ".txt"), b), receive(t, a, helene.ID, fmt.Sprint(i, "-bis.txt"), b))
	}
	var wg sync.WaitGroup
	kept := make([]bool, len(list))
	for i, r := range list {
		wg.Go(func() {
			err := keep(t, a, r)
			if kept[i] = err == nil; err != nil && errs.KindOf(err) != errs.Invalid {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	different := 0
	for i := 0; i < len(list); i += 2 {
		if kept[i] != kept[i+1] {
			t.Errorf("the same bytes were taken once and refused once")
		}
		if kept[i] {
			different++
		}
	}
	if got := held(t, a, helene.ID).Used - start; different != 5 || got != 5000 {
		t.Errorf("%d files of 1000 bytes are kept, %d bytes counted", different, got)
	}
}
