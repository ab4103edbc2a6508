package resource

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
)

// Rename gives an item another title and text, by which it is found from then on.
func Rename(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, item, title, text string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE resource SET title = $2, updated_at = $3 WHERE id = $1`, item, title, now.UnixMilli()); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	return search.Put(ctx, tx, g, item, title, text)
}

// Trash hides items from everybody: pages, lists, search, feed and files ask
// for what is not in the trash. What lies there already stays as it was put.
func Trash(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, items []string) error {
	return place(ctx, tx, g, `UPDATE resource SET trashed_at = $1 WHERE trashed_at IS NULL AND id IN (`, []any{now.UnixMilli()}, items)
}

// Restore shows items again to those who might see them before.
func Restore(ctx context.Context, tx *db.Tx, g rights.Grant, items []string) error {
	return place(ctx, tx, g, `UPDATE resource SET trashed_at = NULL WHERE id IN (`, nil, items)
}

// Delete removes the rows of items for good, with their grants and what they
// are found by. Whoever holds rows of theirs has removed them before.
func Delete(ctx context.Context, tx *db.Tx, g rights.Grant, items []string) error {
	if err := search.Remove(ctx, tx, g, items...); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM resource_grant WHERE resource IN (`, `DELETE FROM resource WHERE id IN (`} {
		if err := place(ctx, tx, g, text, nil, items); err != nil {
			return err
		}
	}
	return nil
}

// place runs a text that ends in a list of items, some hundreds at a time.
func place(ctx context.Context, tx *db.Tx, g rights.Grant, text string, args []any, items []string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for some := range slices.Chunk(items, 400) {
		list, args := db.In(args[:len(args):len(args)], some)
		if _, err := tx.Exec(ctx, text+list+`)`, args...); err != nil {
			return fmt.Errorf("resource: %w", err)
		}
	}
	return nil
}
