package file

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Bytes that must not stay do not wait for the sweep. Somebody may be sending the
// same ones, though, and write them down later. So they are marked first; whoever
// writes a file down looks for the mark after its rows; and what looked before the
// mark has ended when the bytes go, a moment later, if no row names them.

// grace is longer than a transaction that writes a file down.
const grace = 20 * time.Second

// clearing is the job that deletes bytes which must not stay.
type clearing struct {
	Blobs  []string `json:"blobs"`
	Marked bool     `json:"marked"`
}

// Kind names the job.
func (clearing) Kind() string { return "file.clear" }

func (c clearing) work(ctx context.Context, core *app.Core) error {
	do := c.mark
	if c.Marked {
		do = c.wipe
	}
	if err := do(ctx, core); err != nil {
		return fmt.Errorf("clear: %w", err)
	}
	return nil
}

// mark says that bytes are being deleted, those that no file holds.
func (c clearing) mark(ctx context.Context, core *app.Core) error {
	slices.Sort(c.Blobs) // in one order, so that two wait and do not block
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		next := clearing{Marked: true}
		for _, key := range slices.Compact(c.Blobs) {
			n, err := named(ctx, tx, key)
			if err != nil {
				return err
			}
			if n > 0 {
				continue
			}
			if _, err := tx.Exec(ctx, `INSERT INTO blob_cleared (object, at) VALUES ($1, $2) ON CONFLICT (object) DO UPDATE SET at = excluded.at`, key, rights.Forever); err != nil {
				return err
			}
			next.Blobs = append(next.Blobs, key)
		}
		if len(next.Blobs) == 0 {
			return nil
		}
		return core.Jobs.AddAt(ctx, tx, core.Clock.Now().Add(grace), next)
	})
}

// wipe deletes marked bytes, unless a file of them was written down meanwhile.
func (c clearing) wipe(ctx context.Context, core *app.Core) error {
	for _, key := range c.Blobs {
		n, err := named(ctx, core.DB, key)
		if err != nil {
			return err
		}
		at := int64(0)
		if n == 0 {
			if err := core.Blobs.Delete(ctx, key); err != nil {
				return err
			}
			at = core.Clock.Now().UnixMilli()
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE blob_cleared SET at = $2 WHERE object = $1`, key, at)
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}

func named(ctx context.Context, q db.Querier, key string) (int, error) {
	return db.Value[int](ctx, q, `SELECT count(*) FROM file_variant WHERE blob = $1`, key)
}

// there insists, once their rows are written, that the bytes of files were not
// deleted since they were stored.
func there(ctx context.Context, tx *db.Tx, list ...Received) error {
	if len(list) == 0 {
		return nil
	}
	since := list[0].at
	var keys []string
	for _, r := range list {
		if r.at.Before(since) {
			since = r.at
		}
		for _, v := range r.variants {
			keys = append(keys, v.blob)
		}
	}
	for some := range slices.Chunk(keys, 400) {
		in, args := db.In([]any{since.UnixMilli()}, some)
		gone, err := db.Value[int](ctx, tx, `SELECT count(*) FROM blob_cleared WHERE at >= $1 AND object IN (`+in+`)`, args...)
		if err != nil {
			return err
		}
		if gone > 0 {
			return errs.Field("piece", "file.cleared")
		}
	}
	return nil
}
