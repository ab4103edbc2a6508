package db_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/db"
)

// However much is written, the log is moved into the database beside those who
// write, and is written over from its beginning instead of growing.
func TestLogIsMovedBesideItsWriter(t *testing.T) {
	ctx := t.Context()
	path := filepath.Join(t.TempDir(), "marelle.db")
	d, err := db.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	write := func(text string, args ...any) {
		t.Helper()
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, text, args...); return err }); err != nil {
			t.Fatal(err)
		}
	}
	write(`CREATE TABLE page (id INTEGER PRIMARY KEY, text TEXT)`)
	size := func(of string) int64 {
		t.Helper()
		info, err := os.Stat(of)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	for round := range 12 {
		before := size(path)
		for range 15 { // 6 MB: more than a thousand pages
			write(`INSERT INTO page (text) VALUES ($1)`, strings.Repeat("mot ", 100_000))
		}
		for end := time.Now().Add(20 * time.Second); size(path) < before+4_000_000; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("round %d: the database has %d bytes of 6 MB more than %d, its log %d", round, size(path), before, size(path+"-wal"))
			}
		}
	}
	if log := size(path + "-wal"); log > 40_000_000 {
		t.Errorf("72 MB went through a log of %d bytes", log)
	}
	if n, err := db.Value[int](context.WithoutCancel(ctx), d, `SELECT count(*) FROM page`); err != nil || n != 180 {
		t.Errorf("%d rows of 180 (%v)", n, err)
	}
}
