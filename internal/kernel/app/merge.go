package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Merge makes one record of two of the same human being, in the caller's
// transaction: each part moves what is the loser's to the winner, services
// first and the directory last. It returns the winner.
func (c *Core) Merge(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, a, b string) (string, error) {
	winner, loser, err := people.BeginMerge(ctx, tx, g, now, a, b)
	if err != nil {
		return "", err
	}
	for _, part := range slices.Backward(c.Apps) {
		if part.Merge == nil {
			continue
		}
		if err := part.Merge(ctx, tx, g, winner, loser); err != nil {
			return "", fmt.Errorf("%s: %w", part.Name, err)
		}
	}
	return winner, audit.Note(ctx, tx, g, now, "person.merge", winner, loser)
}
