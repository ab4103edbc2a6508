package db_test

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"marelle/internal/platform/db"
)

// What runs on one engine has its twin on the other, so that a backup finds the
// same numbers on both.
func TestMigrationOfOneEngineHasATwin(t *testing.T) {
	d, err := db.Open(t.Context(), filepath.Join(t.TempDir(), "marelle.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	up := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)} }
	files := fstest.MapFS{"20260101000000_a.sqlite.sql": up("CREATE TABLE a (id INTEGER);")}
	if _, err := d.Migrate(t.Context(), nil, files); err == nil || !strings.Contains(err.Error(), "20260101000000_a") {
		t.Fatalf("alone: %v", err)
	}
	files["20260101000000_a.postgres.sql"] = up("SELECT 1;")
	if n, err := d.Migrate(t.Context(), nil, files); err != nil || n != 1 {
		t.Fatalf("with its twin: %d, %v", n, err)
	}
}
