package documents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Trash takes items with all that lies in them out of everybody's sight, into
// the trash of their owner.
func Trash(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, ids []string) error {
	if _, err := nodes(ctx, tx, g, now, rights.Manage, ids); err != nil {
		return err
	}
	in, args := db.In(nil, ids)
	taken, err := db.All[string](ctx, tx, tree(in)+`SELECT DISTINCT t.id FROM tree t JOIN document d ON d.id = t.id WHERE d.taken IS NULL`, args...)
	if err != nil {
		return fmt.Errorf("trash: %w", err)
	}
	// Each is taken along by the highest of those above it that are chosen. What was
	// removed before stays a thing of its own in the trash.
	if _, err := tx.Exec(ctx, tree(in)+`UPDATE document SET taken = (SELECT t.top FROM tree t WHERE t.id = document.id ORDER BY t.n DESC LIMIT 1)
		WHERE taken IS NULL AND id IN (SELECT id FROM tree)`, args...); err != nil {
		return fmt.Errorf("trash: %w", err)
	}
	return resource.Trash(ctx, tx, g, now, taken...)
}

// own keeps, of some items in the trash, those that are the viewer's.
func own(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, ids []string) ([]string, error) {
	if err := hold(ctx, tx, g, g.Viewer().Person); err != nil {
		return nil, err
	}
	if err := g.Confirm(ctx, tx); err != nil {
		return nil, err
	}
	in, args := db.In([]any{g.Viewer().Person, now.UnixMilli()}, ids)
	return db.All[string](ctx, tx, `SELECT d.id FROM document d WHERE d.owner = $1 AND d.taken = d.id AND `+here+` AND d.id IN (`+in+`) ORDER BY d.id`, args...)
}

// Restore puts items of the viewer's trash back where they lay, or at the top
// when that folder is gone, with the rights that they have there.
func Restore(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, ids []string) ([]string, error) {
	ids, err := own(ctx, tx, g, now, ids)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	in, args := db.In(nil, ids)
	back, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE taken IN (`+in+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	if err := resource.Restore(ctx, tx, g, back...); err != nil {
		return nil, err
	}
	for _, text := range []string{
		`UPDATE document SET taken = NULL WHERE taken IN (` + in + `)`,
		`UPDATE document SET parent = NULL WHERE id IN (` + in + `) AND parent IN (SELECT u.id FROM document u WHERE u.taken IS NOT NULL)`,
	} {
		if _, err := tx.Exec(ctx, text, args...); err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
	}
	return ids, regrant(ctx, tx, g, ids...)
}

// Empty removes items of the viewer's trash for good.
func Empty(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, ids []string) error {
	ids, err := own(ctx, tx, g, now, ids)
	if err != nil {
		return err
	}
	return purge(ctx, tx, g, now, ids)
}

// days is how long the trash keeps things, unless the operator says otherwise
// by the setting "trash_days".
const days = 30

// Kept is how long the trash of this portal keeps things, in days.
//
// scope: a setting of the portal, which everybody may know
func Kept(ctx context.Context, q db.Querier) (int, error) {
	n, err := db.Value[int](ctx, q, `SELECT CAST(value AS BIGINT) FROM setting WHERE scope = '' AND name = 'trash_days' AND value IN ('7', '15', '30', '60', '90')`)
	if n == 0 {
		n = days
	}
	return n, err
}

// retain empties the trash of what has lain there long enough.
func retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	kept, err := Kept(ctx, tx)
	if err != nil {
		return err
	}
	old, err := db.All[string](ctx, tx, `SELECT d.id FROM document d JOIN resource r ON r.id = d.id WHERE d.taken = d.id AND r.trashed_at < $1 ORDER BY d.id`, now.AddDate(0, 0, -kept).UnixMilli())
	if err != nil {
		return fmt.Errorf("trash: %w", err)
	}
	return purge(ctx, tx, g, now, old)
}

// purge removes what was taken along with the tops, for good: what still is in
// the trash when its row is held.
func purge(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, tops []string) error {
	var gone []string
	for some := range slices.Chunk(tops, 400) {
		in, args := db.In(nil, some)
		list, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE taken IN (`+in+`) ORDER BY id`+tx.Hold(), args...)
		if err != nil {
			return fmt.Errorf("purge: %w", err)
		}
		gone = append(gone, list...)
	}
	return remove(ctx, tx, g, now, gone)
}

// remove deletes nodes and all that is known of them. The owners of files that
// nothing else shows have the room back.
func remove(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, gone []string) error {
	if len(gone) == 0 {
		return nil
	}
	for some := range slices.Chunk(gone, 400) {
		in, args := db.In(nil, some)
		for _, text := range []string{
			`DELETE FROM document_comment WHERE node IN (`, `DELETE FROM document_star WHERE node IN (`, `DELETE FROM document_share WHERE node IN (`,
			`DELETE FROM document_version WHERE node IN (`, `DELETE FROM document_text WHERE node IN (`,
			`UPDATE document SET parent = NULL WHERE parent IN (`, // also what had been removed before its folder
		} {
			if _, err := tx.Exec(ctx, text+in+`)`, args...); err != nil {
				return fmt.Errorf("purge: %w", err)
			}
		}
	}
	for some := range slices.Chunk(gone, 400) {
		in, args := db.In(nil, some)
		if _, err := tx.Exec(ctx, `DELETE FROM document WHERE id IN (`+in+`)`, args...); err != nil {
			return fmt.Errorf("purge: %w", err)
		}
	}
	if err := file.Drop(ctx, tx, g, now, gone...); err != nil {
		return err
	}
	if err := notify.RemoveAll(ctx, tx, g, gone...); err != nil {
		return err
	}
	return resource.Remove(ctx, tx, g, gone...)
}
