package documents

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// What a drive does beside the pages: programs make an empty file before they
// send its bytes, and save by putting another file in the place of the first.

// Name is what a program calls something, as it is kept.
func Name(name string) (string, error) { return cleanName("nom", name) }

// Fill gives the grant's file, which its viewer made empty, its first bytes: no
// version is left behind, and nobody is told twice. A file that somebody else
// made, or that holds something, gets another version.
func Fill(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, f file.Received) error {
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	if _, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE id = $1`+tx.Hold(), g.ID()); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	empty, err := db.Value[string](ctx, tx, `SELECT f.id FROM document d JOIN file f ON f.id = d.file WHERE d.id = $1 AND d.author = $2 AND f.size = 0`, g.ID(), g.Viewer().Person)
	if err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	if empty == "" || f.Size == 0 {
		return Replace(ctx, tx, core, g, now, []file.Received{f}, nil)
	}
	if err := file.Record(ctx, tx, g, now, f); err != nil {
		return err
	}
	if err := file.Attach(ctx, tx, g.Viewer().Person, f.ID, g.ID()); err != nil {
		return err
	}
	for _, text := range []string{
		`UPDATE document_version SET file = $2, at = $3 WHERE node = $1 AND n = (SELECT version FROM document WHERE id = $1)`,
		`UPDATE document SET file = $2, changed_at = $3 WHERE id = $1`,
	} {
		if _, err := tx.Exec(ctx, text, g.ID(), f.ID, now.UnixMilli()); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM file_use WHERE resource = $1 AND file NOT IN (SELECT v.file FROM document_version v WHERE v.node = $1)`, g.ID()); err != nil {
		return fmt.Errorf("fill: %w", err)
	}
	return later(ctx, tx, core.Jobs, []string{g.ID()})
}

// Supplant makes what a file of the same school holds the next version of the
// grant's: whoever could read the one still can, and finds what it was before.
func Supplant(ctx context.Context, tx *db.Tx, core *app.Core, g, from rights.Grant, now time.Time) error {
	if err := from.Must(ctx, tx, Reading); err != nil {
		return err
	}
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	if from.School() != g.School() { // the bytes of a school stay in it
		return errs.Field("vers", "documents.other_school")
	}
	kept, err := db.Value[string](ctx, tx, `SELECT coalesce(file, '') FROM document WHERE id = $1`, from.ID())
	if err != nil {
		return fmt.Errorf("supplant: %w", err)
	}
	if kept == "" {
		return errs.ErrNotFound
	}
	copies, err := file.Copy(ctx, tx, g, now, g.Viewer().Person, []string{kept})
	if err != nil {
		return err
	}
	if err := file.Attach(ctx, tx, g.Viewer().Person, copies[kept], g.ID()); err != nil {
		return err
	}
	if err := version(ctx, tx, core, g, now, copies[kept]); err != nil {
		return err
	}
	return told(ctx, tx, core, g, now, g.ID(), Versioned)
}

// Spend removes the grant's file for good once its bytes are elsewhere: it was
// the paper on which a program wrote before it saved.
func Spend(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	list, err := nodes(ctx, tx, g, now, rights.Manage, []string{g.ID()})
	if err != nil {
		return err
	}
	if list[0].Folder {
		return errs.ErrNotFound
	}
	return remove(ctx, tx, g, now, []string{g.ID()})
}

// Newest finds the copy that the grant's viewer has just made of something of
// this name, in the grant's folder or at the top of their own documents.
func Newest(ctx context.Context, tx *db.Tx, g rights.Grant, name string) (string, error) {
	in, at := `d.parent IS NULL AND d.owner = $3 AND d.school = $2`, g.School()
	if g.Role() > 0 {
		in, at = `d.parent = $2 AND d.author = $3`, g.ID()
	}
	found, err := db.Value[string](ctx, tx, `SELECT max(d.id) FROM document d WHERE d.name = $1 AND `+in, name, at, g.Viewer().Person)
	if err == nil && found == "" {
		err = errs.ErrNotFound
	}
	return found, err
}
