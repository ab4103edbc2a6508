package file

import (
	"context"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

func export(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	list, err := db.All[struct {
		ID, Name, Type, Alt string
		Size                int64
		CreatedAt           int64 `db:"created_at"`
	}](ctx, q, `SELECT id, name, type, alt, size, created_at FROM file WHERE owner = $1 ORDER BY created_at`, person)
	if err != nil {
		return err
	}
	if err := add("files", list); err != nil {
		return err
	}
	held, err := db.All[struct {
		School string
		Used   int64
	}](ctx, q, `SELECT school, used FROM file_usage WHERE person = $1 ORDER BY school`, person)
	if err != nil {
		return err
	}
	if err := add("file_usage", held); err != nil {
		return err
	}
	coming, err := db.All[struct {
		Name           string
		Size, Received int64
	}](ctx, q, `SELECT name, size, received FROM upload WHERE person = $1 ORDER BY id`, person)
	if err != nil {
		return err
	}
	return add("uploads", coming)
}

// Stored is a file of somebody's and where its bytes are.
type Stored struct {
	ID, Name, Blob string
	CreatedAt      int64 `db:"created_at"`
}

// Created is when it was given.
func (s Stored) Created() time.Time { return time.UnixMilli(s.CreatedAt) }

// OwnBytes lists the files that a person gave, each in the form that is closest to
// what they gave, for the ZIP of their data.
func OwnBytes(ctx context.Context, q db.Querier, person string) ([]Stored, error) {
	return db.All[Stored](ctx, q, `SELECT f.id, f.name, f.created_at, v.blob FROM file f JOIN file_variant v ON v.file = f.id
		AND v.name = CASE WHEN EXISTS (SELECT 1 FROM file_variant o WHERE o.file = f.id AND o.name = 'source') THEN 'source'
			WHEN EXISTS (SELECT 1 FROM file_variant o WHERE o.file = f.id AND o.name = 'original') THEN 'original' ELSE 'web' END
		WHERE f.owner = $1 ORDER BY f.created_at, f.id`, person)
}

// erase gives the files of somebody who goes to nobody: items that show them
// keep them, the others are swept, and with them what was kept for the holder alone.
func erase(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM upload_part WHERE upload IN (SELECT id FROM upload WHERE person = $1)`, `DELETE FROM upload WHERE person = $1`,
		`DELETE FROM file_variant WHERE name = 'source' AND file IN (SELECT f.id FROM file f JOIN file_render r ON r.file = f.id WHERE f.owner = $1 AND r.state = 'done')`,
		`DELETE FROM file_original WHERE kept IN (SELECT id FROM file WHERE owner = $1)`, `UPDATE file SET owner = '' WHERE owner = $1`, `DELETE FROM file_usage WHERE person = $1`} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return err
		}
	}
	return nil
}

// merge makes the loser's files the winner's, who may hold more than they could
// give: nothing is lost.
func merge(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	schools, err := db.All[string](ctx, tx, `SELECT DISTINCT school FROM file WHERE owner = $1 ORDER BY school`, loser)
	if err != nil {
		return err
	}
	for _, s := range schools {
		for _, p := range []string{min(winner, loser), max(winner, loser)} {
			if err := hold(ctx, tx, s, p); err != nil {
				return err
			}
		}
	}
	for _, text := range []string{`UPDATE file SET owner = $1 WHERE owner = $2`, `UPDATE upload SET person = $1 WHERE person = $2`, `DELETE FROM file_usage WHERE $1 <> $2 AND person = $2`} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return err
		}
	}
	for _, s := range schools {
		if err := recount(ctx, tx, now, s, winner); err != nil {
			return err
		}
	}
	return nil
}
