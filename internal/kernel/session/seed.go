package session

import (
	"context"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
)

// SetPassword gives an account a password, hashed already.
func SetPassword(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person, hash string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE person SET password = $2 WHERE id = $1`, person, hash)
	return err
}

// SignInAs opens a session for a person.
func SignInAs(ctx context.Context, tx *db.Tx, core *app.Core, person string) (string, error) {
	t, now := secret.Token(256), core.Clock.Now()
	_, err := tx.Exec(ctx, `INSERT INTO session (id, person, created_at, seen_at, expires_at) VALUES ($1, $2, $3, $3, $4)`,
		secret.Hash(t), person, now.UnixMilli(), now.Add(24*time.Hour).UnixMilli())
	return t, err
}
