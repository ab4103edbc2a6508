package backup_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"image"
	"image/png"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"marelle/internal/backup"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
	"marelle/internal/testkit/postgres"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

var secret = []byte(strings.Repeat("ab", 32) + "\n")

// lived is a school with files and jobs still to be done.
func lived(t *testing.T) *testapp.App {
	t.Helper()
	a := testapp.New(t)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 900, 600))); err != nil {
		t.Fatal(err)
	}
	class := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	a.As("helene.duvivier").Upload("/carnet", []testapp.File{{Field: "piece", Name: "photo.png", Bytes: picture.Bytes()}},
		"id", id.New(), "titre", "Une « photo » <b>& rien d’autre", "texte", "Regardez.\n\t\u2028Voilà 🎒", "a", "class:"+class).To()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return a.Core.Jobs.AddAt(t.Context(), tx, testapp.Now.Add(48*time.Hour), later{"x"})
	}); err != nil {
		t.Fatal(err)
	}
	return a
}

// later has the kind of a job of the kernel, with arguments that say nothing.
type later struct {
	Event string `json:"event"`
}

func (later) Kind() string { return "notify.spread" }

func archive(t *testing.T, d *db.DB, b blob.Store) ([]byte, backup.Manifest) {
	t.Helper()
	var out bytes.Buffer
	m, err := backup.Write(t.Context(), &out, backup.Source{DB: d, Blobs: b, Secret: secret, Program: "test", Now: testapp.Now})
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), m
}

func target(t *testing.T, core *app.Core, dsn string) (backup.Target, *[]byte) {
	t.Helper()
	d, err := db.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	blobs, err := blob.NewFolder(filepath.Join(t.TempDir(), "blobs"))
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	to := backup.Target{DB: d, Blobs: blobs, Clock: core.Clock, Secret: func(b []byte) error { got = b; return nil }}
	for _, a := range core.Apps {
		if a.Migrations != nil {
			to.Migrations = append(to.Migrations, a.Migrations)
		}
		to.Kinds = append(to.Kinds, a.Jobs...)
	}
	return to, &got
}

// entries reads an archive into memory.
func entries(t *testing.T, b []byte) map[string]string {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[h.Name] = string(body)
	}
}

// alike demands the same rows and the same files.
func alike(t *testing.T, a, b []byte) {
	t.Helper()
	x, y := entries(t, a), entries(t, b)
	for name := range maps.Keys(x) {
		if (strings.HasPrefix(name, "tables/") || strings.HasPrefix(name, "blobs/")) && x[name] != y[name] {
			t.Errorf("%s differs:\n%.400s\n%.400s", name, x[name], y[name])
		}
	}
	if len(x) != len(y) {
		t.Errorf("%d entries became %d", len(x), len(y))
	}
}

func TestRoundTrip(t *testing.T) {
	a := lived(t)
	first, m := archive(t, a.Core.DB, a.Core.Blobs)
	if m.Blobs < 2 || m.Jobs < 1 || m.Tables["person"] < 400 || !m.Secret || m.Missing != 0 {
		t.Fatalf("a poor archive: %+v", m)
	}
	if checked, err := backup.Check(bytes.NewReader(first)); err != nil || checked.Rows() != m.Rows() {
		t.Fatalf("check: %v", err)
	}
	dsns := []string{filepath.Join(t.TempDir(), "restored.db")}
	if postgres.URL() != "" {
		// From one engine to the other, and back.
		dsns = append(dsns, postgres.Clone(t, postgres.Template(t, "empty", func(string) error { return nil })))
	}
	now := first
	for _, dsn := range dsns {
		to, got := target(t, a.Core, dsn)
		done, err := backup.Restore(t.Context(), bytes.NewReader(now), to)
		if err != nil {
			t.Fatal(err)
		}
		if done.Rows() != m.Rows() || !bytes.Equal(*got, secret) {
			t.Errorf("restored %d rows of %d, secret %q", done.Rows(), m.Rows(), *got)
		}
		again, _ := archive(t, to.DB, to.Blobs)
		alike(t, first, again)
		later, err := db.Value[int](t.Context(), to.DB, `SELECT count(*) FROM river_job WHERE state = 'scheduled' AND kind = $1`, later{}.Kind())
		if err != nil || later != 1 {
			t.Errorf("%d jobs wait for their time (%v)", later, err)
		}
		waiting, err := jobs.Waiting(t.Context(), to.DB, to.DB.Dialect())
		if err != nil || len(waiting) != m.Jobs {
			t.Errorf("%d jobs of %d (%v)", len(waiting), m.Jobs, err)
		}
		// The index of the search is not copied, and can be made again.
		if n, err := search.Check(t.Context(), to.DB, a.Core.Texts, true); err != nil || n < 10 {
			t.Errorf("%d items were to be found again (%v)", n, err)
		}
		if n, err := search.Check(t.Context(), to.DB, a.Core.Texts, false); err != nil || n != 0 {
			t.Errorf("%d items are not found after a restore (%v)", n, err)
		}
		// Foreign keys hold again.
		if err := to.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO family_link (relative, pupil, school, valid_from, valid_to) VALUES ('x', 'y', 'z', 0, 0)`)
			return err
		}); err == nil {
			t.Error("a link between nobody and nobody was accepted")
		}
		if _, err := backup.Restore(t.Context(), bytes.NewReader(now), to); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("a second restore over the first: %v", err)
		}
		now = again
	}
}

// Every table of the application is in the archive.
func TestNothingIsForgotten(t *testing.T) {
	a := testapp.New(t)
	_, m := archive(t, a.Core.DB, a.Core.Blobs)
	tables := `SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()`
	if a.Core.DB.Dialect() == db.SQLite {
		tables = `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`
	}
	list, err := db.All[string](t.Context(), a.Core.DB, tables)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range list {
		if _, ok := m.Tables[name]; !ok && !strings.HasPrefix(name, "river_") && !strings.HasPrefix(name, "goose_") && !strings.HasPrefix(name, "search_") {
			t.Errorf("table %s is in no backup", name)
		}
	}
}

func TestDamagedArchivesAreRefused(t *testing.T) {
	a := lived(t)
	whole, _ := archive(t, a.Core.DB, a.Core.Blobs)
	refused := func(what string, b []byte) {
		t.Helper()
		if _, err := backup.Check(bytes.NewReader(b)); err == nil {
			t.Errorf("%s: accepted", what)
		}
		to, _ := target(t, a.Core, filepath.Join(t.TempDir(), "x.db"))
		if _, err := backup.Restore(t.Context(), bytes.NewReader(b), to); err == nil {
			t.Errorf("%s: restored", what)
		}
		// Refused before anything was made.
		if n, err := db.Value[int](t.Context(), to.DB, `SELECT count(*) FROM sqlite_master`); err != nil || n != 0 {
			t.Errorf("%s: left %d tables (%v)", what, n, err)
		}
	}
	for _, part := range []int{0, 1, 10, 50, 90, 99} {
		refused("cut short", whole[:len(whole)*part/100])
	}
	refused("one byte less", whole[:len(whole)-1])
	for _, at := range []int{5, len(whole) / 3, len(whole) / 2, len(whole) - 20} {
		b := slices.Clone(whole)
		b[at] ^= 0x40
		refused("a bit turned", b)
	}
	// Written again with care, as somebody who wants to change a row would.
	for what, change := range map[string]func(name string, body []byte) (string, []byte, bool){
		"a name changed": func(n string, b []byte) (string, []byte, bool) {
			return n, bytes.ReplaceAll(b, []byte("Kermadec"), []byte("Kermadoc")), true
		},
		"a table less": func(n string, b []byte) (string, []byte, bool) { return n, b, !strings.HasPrefix(n, "tables/audit/") },
		"no manifest":  func(n string, b []byte) (string, []byte, bool) { return n, b, n != "manifest.json" },
		"no list":      func(n string, b []byte) (string, []byte, bool) { return n, b, n != "entries.jsonl" },
		"another key": func(n string, b []byte) (string, []byte, bool) {
			return strings.Replace(n, "blobs/", "blobs/../", 1), b, true
		},
		"a format of 2030": func(n string, b []byte) (string, []byte, bool) {
			return n, bytes.Replace(b, []byte(`"format":1`), []byte(`"format":9`), 1), true
		},
	} {
		refused(what, rewrite(t, whole, change))
	}
	refused("something else", []byte("PK\x03\x04 some other file"))
}

func rewrite(t *testing.T, whole []byte, change func(string, []byte) (string, []byte, bool)) []byte {
	t.Helper()
	z, err := zstd.NewReader(bytes.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var out bytes.Buffer
	zw, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(zw)
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		name, body, keep := change(h.Name, body)
		if !keep {
			continue
		}
		h.Name, h.Size = name, int64(len(body))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zw.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// An archive of a newer program is refused with a sentence.
func TestNewerArchive(t *testing.T) {
	a := lived(t)
	whole, _ := archive(t, a.Core.DB, a.Core.Blobs)
	to, _ := target(t, a.Core, filepath.Join(t.TempDir(), "x.db"))
	to.Migrations = slices.DeleteFunc(to.Migrations, func(f fs.FS) bool {
		names, _ := fs.Glob(f, "*liaison.sql")
		return len(names) > 0
	})
	if _, err := backup.Restore(t.Context(), bytes.NewReader(whole), to); err == nil || !strings.Contains(err.Error(), "upgrade first") {
		t.Errorf("restored: %v", err)
	}
}

// A file that the store lost is counted, and the rest is saved.
func TestMissingFile(t *testing.T) {
	a := lived(t)
	if err := a.Core.Blobs.Delete(t.Context(), a.One(`SELECT min(blob) FROM file_variant`)); err != nil {
		t.Fatal(err)
	}
	b, m := archive(t, a.Core.DB, a.Core.Blobs)
	if m.Missing != 1 {
		t.Errorf("%d missing", m.Missing)
	}
	if _, err := backup.Check(bytes.NewReader(b)); err != nil {
		t.Error(err)
	}
}
