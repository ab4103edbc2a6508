package file

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// wait is how long bytes or rows that nothing shows are left alone: an upload
// may be on its way to its transaction.
const wait = 24 * time.Hour

// retain forgets files that nothing has shown for a day and that nobody keeps,
// such as one received with a form that was given up.
func retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	ids, err := db.All[string](ctx, tx, `SELECT f.id FROM file f WHERE f.created_at < $1 AND f.kept_until < $2
		AND NOT EXISTS (SELECT 1 FROM file_use u WHERE u.file = f.id) AND NOT EXISTS (SELECT 1 FROM file_original o WHERE o.kept = f.id) ORDER BY f.id`, now.Add(-wait).UnixMilli(), now.UnixMilli())
	if err != nil {
		return err
	}
	if err := expire(ctx, tx, now.Add(-wait)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM blob_cleared WHERE at < $1`, now.Add(-wait).UnixMilli()); err != nil {
		return err
	}
	return forget(ctx, tx, now, ids)
}

// sweep is the job that removes bytes which no row names.
type sweep struct{}

func (sweep) Kind() string { return "file.sweep" }

// Sweep walks the store and deletes, a day after they came, the bytes that no
// row names. Rows are asked for after the walk has seen the bytes, so that what
// arrives meanwhile is safe.
func Sweep(ctx context.Context, core *app.Core) error {
	old := core.Clock.Now().Add(-wait)
	for info, err := range core.Blobs.List(ctx, "") {
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		if info.Modified.After(old) {
			continue
		}
		n, err := db.Value[int](ctx, core.DB, `SELECT (SELECT count(*) FROM file_variant WHERE blob = $1) + (SELECT count(*) FROM upload_part WHERE blob = $1)`, info.Key)
		if err != nil {
			return fmt.Errorf("sweep: %w", err)
		}
		if n == 0 {
			if err := core.Blobs.Delete(ctx, info.Key); err != nil {
				return fmt.Errorf("sweep: %w", err)
			}
		}
	}
	return nil
}
