package session

import (
	"context"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Settle makes accounts look used, for the demonstration and the tests: the
// charter accepted, the account active. Without a password nobody signs in.
func Settle(ctx context.Context, tx *db.Tx, g rights.Grant, persons []string, at time.Time) error {
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
	for len(persons) > 0 {
		n := min(len(persons), 500)
		list, args := db.In([]any{at.UnixMilli()}, persons[:n])
		if _, err := tx.Exec(ctx, `UPDATE person SET activated_at = $1, seen_at = $1 WHERE id IN (`+list+`)`, args...); err != nil {
			return err
		}
		persons = persons[n:]
	}
	return nil
}
