package server_test

import (
	"io/fs"
	"path/filepath"
	"slices"
	"testing"
	"testing/fstest"

	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
	"marelle/internal/server"
	"marelle/internal/testkit/postgres"
	"marelle/internal/testkit/testapp"
)

// before are the migrations of some roots that are older than a date.
func before(t *testing.T, roots []fs.FS, date string) (out []fs.FS) {
	t.Helper()
	for _, root := range roots {
		older := fstest.MapFS{}
		names, err := fs.Glob(root, "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			text, err := fs.ReadFile(root, n)
			if err != nil {
				t.Fatal(err)
			}
			if n < date {
				older[n] = &fstest.MapFile{Data: text}
			}
		}
		out = append(out, older)
	}
	return out
}

// What parents wished at their activation, when nothing read it yet, is how they
// are told since the upgrade; who was asked nothing has the usual.
func TestTheOldWishBecomesAChoice(t *testing.T) {
	var roots []fs.FS
	for _, a := range testapp.Empty(t).Core.Apps {
		if a.Migrations != nil {
			roots = append(roots, a.Migrations)
		}
	}
	dsn := filepath.Join(t.TempDir(), "marelle.db")
	if postgres.URL() != "" {
		dsn = postgres.Clone(t, postgres.Template(t, "bare", func(string) error { return nil }))
	}
	ctx := t.Context()
	d, err := db.Open(ctx, dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	if _, err := d.Migrate(ctx, nil, before(t, roots, "20261125113000")...); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(ctx, func(tx *db.Tx) error {
		for _, text := range []string{
			`INSERT INTO person (id, first, last, name_key, login, created_at) VALUES ('yes', 'A', 'A', 'a a', 'a.a', 0), ('no', 'B', 'B', 'b b', 'b.b', 0), ('else', 'C', 'C', 'c c', 'c.c', 0), ('none', 'D', 'D', 'd d', 'd.d', 0)`,
			`INSERT INTO wish (person, name, wanted) VALUES ('yes', 'mail.liaison', TRUE), ('no', 'mail.liaison', FALSE), ('else', 'mail.blog', TRUE)`,
		} {
			if _, err := tx.Exec(ctx, text); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := d.Migrate(ctx, nil, roots...); err != nil || n == 0 {
		t.Fatalf("%d migrations (%v)", n, err)
	}
	got, err := db.All[string](ctx, d, `SELECT person || ' ' || kind || ' ' || mail || CASE WHEN push THEN ' rings' ELSE '' END FROM told_choice ORDER BY person`)
	if want := []string{"no liaison.word never rings", "yes liaison.word once rings"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("%q (%v), want %q", got, err, want)
	}
	if _, err := db.Value[int](ctx, d, `SELECT count(*) FROM wish`); err == nil {
		t.Error("the old table is still there")
	}
}

// An upgrade leaves the database as it was beside itself, once.
func TestAnUpgradeCopiesTheDatabase(t *testing.T) {
	if postgres.URL() != "" {
		t.Skip("PostgreSQL migrates within transactions, and is copied by its operator")
	}
	core := *testapp.Empty(t).Core
	var roots []fs.FS
	for _, a := range core.Apps {
		if a.Migrations != nil {
			roots = append(roots, a.Migrations)
		}
	}
	ctx, dir := t.Context(), t.TempDir()
	d, err := db.Open(ctx, filepath.Join(dir, "marelle.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	core.DB = d
	copies := func() []string {
		names, err := filepath.Glob(filepath.Join(dir, "marelle-*.db"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	if _, err := d.Migrate(ctx, nil, before(t, roots, "20261130")...); err != nil {
		t.Fatal(err)
	}
	pending, err := d.Pending(ctx, roots...)
	if err != nil || pending == 0 {
		t.Fatalf("%d to do, %v", pending, err)
	}
	if err := server.Migrate(ctx, &core); err != nil {
		t.Fatal(err)
	}
	if got := copies(); len(got) != 1 {
		t.Fatalf("copies: %v", got)
	}
	old, err := db.Open(ctx, copies()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if n, err := old.Pending(ctx, roots...); err != nil || n != pending {
		t.Errorf("the copy has %d to do, not %d (%v)", n, pending, err)
	}
	if err := server.Migrate(ctx, &core); err != nil || len(copies()) != 1 {
		t.Errorf("copied again: %v, %v", copies(), err)
	}
}

// The queue's own tables count as well, on both engines.
func TestAnOldQueueIsKnown(t *testing.T) {
	ctx, d := t.Context(), testapp.Empty(t).Core.DB
	if is, err := jobs.Outdated(ctx, d); err != nil || is {
		t.Errorf("outdated: %t, %v", is, err)
	}
	if err := d.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM river_migration WHERE version = (SELECT max(version) FROM river_migration)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if is, err := jobs.Outdated(ctx, d); err != nil || !is {
		t.Errorf("outdated: %t, %v", is, err)
	}
}
