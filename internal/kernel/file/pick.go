package file

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/media"
)

// Fits says whether files of a type may be joined where only what is read, seen
// or heard in a page may: the photos and drawings that a page shows, PDFs, sound,
// video.
func Fits(mime string) bool {
	kind := media.Type{MIME: mime}
	return kind.Picture() || kind.Audio() || kind.Video() || mime == "application/pdf"
}

// Pick makes files of an owner's of some that were taken from a shelf, in the
// transaction that found them to be theirs to take: over the same bytes, counted
// like any other, gone a day later if nothing shows them. What becomes of the
// first does not touch them. With reading, only what is read in a page is taken.
func Pick(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, owner string, list []app.Taken, reading bool) ([]File, error) {
	ids := make([]string, len(list))
	names := map[string]string{}
	for n, t := range list {
		ids[n], names[t.File] = t.File, t.Name
	}
	in, args := db.In(nil, ids)
	files, err := db.All[File](ctx, tx, `SELECT id, name, type, size, 0 AS width, 0 AS height FROM file WHERE id IN (`+in+`) ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("pick: %w", err)
	}
	for _, f := range files {
		if reading && !Fits(f.Type) {
			return nil, errs.Field("piece", "file.pick_kind", "name", names[f.ID])
		}
	}
	made, err := Copy(ctx, tx, g, now, owner, ids)
	if err != nil {
		return nil, err
	}
	ids = ids[:0]
	for _, f := range files { // in the order in which the first ones came
		ids = append(ids, made[f.ID])
		names[made[f.ID]] = clean(names[f.ID])
	}
	in, args = db.In(nil, ids)
	out, err := db.All[File](ctx, tx, `SELECT id, name, type, size, 0 AS width, 0 AS height FROM file WHERE id IN (`+in+`) ORDER BY id`, args...)
	if err != nil {
		return nil, fmt.Errorf("pick: %w", err)
	}
	for n, f := range out {
		name := names[f.ID]
		// Where it is saved to it is opened by the end of its name.
		if end := filepath.Ext(f.Name); !strings.EqualFold(filepath.Ext(name), end) {
			name += end
		}
		if name == f.Name {
			continue
		}
		out[n].Name = name
		if _, err := tx.Exec(ctx, `UPDATE file SET name = $2 WHERE id = $1`, f.ID, name); err != nil {
			return nil, fmt.Errorf("pick: %w", err)
		}
	}
	return out, nil
}
