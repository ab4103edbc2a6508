package session

import (
	"context"
	"slices"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// visits are how long ago the people of a sample were here.
var visits = []time.Duration{2 * time.Hour, 20 * time.Hour, 26 * time.Hour, 3 * 24 * time.Hour, 6 * 24 * time.Hour, 17 * 24 * time.Hour}

// Settle makes accounts look used, for the demonstration and the tests: the
// charter accepted and the account active at an instant, a visit lately. Without
// a password nobody signs in.
func Settle(ctx context.Context, tx *db.Tx, g rights.Grant, persons []string, at, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	c, err := readCharter(charterVersion)
	if err != nil {
		return err
	}
	rows := make([][]any, len(persons))
	for i, p := range persons {
		rows[i] = []any{p, c.Version, c.Hash, at.UnixMilli(), ""}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO charter_acceptance (person, version, hash, at, paper_by) VALUES `, "ON CONFLICT DO NOTHING", rows); err != nil {
		return err
	}
	seen := make([][]string, len(visits))
	for i, p := range persons {
		seen[i%len(visits)] = append(seen[i%len(visits)], p)
	}
	for i, some := range seen {
		for list := range slices.Chunk(some, 500) {
			in, args := db.In([]any{at.UnixMilli(), now.Add(-visits[i]).UnixMilli()}, list)
			if _, err := tx.Exec(ctx, `UPDATE person SET activated_at = $1, seen_at = $2 WHERE id IN (`+in+`)`, args...); err != nil {
				return err
			}
		}
	}
	return nil
}
