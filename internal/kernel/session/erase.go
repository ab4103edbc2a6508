package session

import (
	"context"
	"fmt"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Erase removes all that getting in holds of a person: codes, sessions,
// devices, acceptances, wishes and mail that waits.
func Erase(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, table := range []string{"activation_code", "session", "known_device", "entry", "charter_acceptance", "email_confirmation",
		"second_factor", "recovery_code", "recovery", "wish", "outgoing_mail"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, person); err != nil {
			return fmt.Errorf("erase from %s: %w", table, err)
		}
	}
	return nil
}
