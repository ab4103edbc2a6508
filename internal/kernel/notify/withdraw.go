package notify

import (
	"context"
	"fmt"
	"slices"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Withdraw removes all that was told of resources which are about to be deleted.
func Withdraw(ctx context.Context, tx *db.Tx, g rights.Grant, resources []string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for some := range slices.Chunk(resources, 400) {
		list, args := db.In(nil, some)
		of := ` WHERE event IN (SELECT id FROM event WHERE resource IN (` + list + `))`
		for _, text := range []string{`DELETE FROM delivery` + of, `DELETE FROM feed` + of, `DELETE FROM event_pupil` + of, `DELETE FROM event WHERE resource IN (` + list + `)`} {
			if _, err := tx.Exec(ctx, text, args...); err != nil {
				return fmt.Errorf("withdraw: %w", err)
			}
		}
	}
	return nil
}
