package session

import (
	"context"
	"fmt"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// export hands over what is held of a person here; no secret is among it.
func export(ctx context.Context, q db.Querier, person string, add func(name string, v any) error) error {
	type acceptance struct {
		Version int    `json:"version"`
		Hash    string `json:"sha256"`
		At      int64  `json:"at"` // Unix milliseconds
		Paper   bool   `json:"paper"`
	}
	accepted, err := db.All[acceptance](ctx, q, `SELECT version, hash, at, (paper_by <> '') AS paper FROM charter_acceptance WHERE person = $1 ORDER BY at`, person)
	if err != nil {
		return err
	}
	if err := add("charter", accepted); err != nil {
		return err
	}
	type open struct {
		Agent     string `json:"device"`
		CreatedAt int64  `json:"created_at" db:"created_at"`
		SeenAt    int64  `json:"seen_at" db:"seen_at"`
		Shared    bool   `json:"shared"`
	}
	sessions, err := db.All[open](ctx, q, `SELECT agent, created_at, seen_at, shared FROM session WHERE person = $1 ORDER BY created_at`, person)
	if err != nil {
		return err
	}
	if err := add("sessions", sessions); err != nil {
		return err
	}
	keys, err := db.All[struct {
		Name      string `json:"name"`
		CreatedAt int64  `json:"created_at" db:"created_at"`
		SeenAt    *int64 `json:"seen_at" db:"seen_at"`
	}](ctx, q, `SELECT name, created_at, seen_at FROM app_password WHERE person = $1 ORDER BY created_at`, person)
	if err != nil {
		return err
	}
	if err := add("app_passwords", keys); err != nil {
		return err
	}
	devices, err := db.All[struct {
		CreatedAt int64 `json:"created_at" db:"created_at"`
	}](ctx, q, `SELECT created_at FROM push_subscription WHERE person = $1 ORDER BY created_at`, person)
	if err != nil {
		return err
	}
	if err := add("push", devices); err != nil {
		return err
	}
	refused, err := db.All[struct {
		Email string `json:"email"`
		At    int64  `json:"at"`
	}](ctx, q, `SELECT email, at FROM refused_address WHERE person = $1`, person)
	if err != nil {
		return err
	}
	if err := add("refused_address", refused); err != nil {
		return err
	}
	returned, err := db.All[struct {
		Email string `json:"email"`
		N     int    `json:"n"`
		At    int64  `json:"at"`
	}](ctx, q, `SELECT email, n, at FROM returned_mail WHERE person = $1`, person)
	if err != nil {
		return err
	}
	return add("returned_mail", returned)
}

// merge keeps the winner's ways in and the charters that either accepted; the
// loser's codes and devices go.
func merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO charter_acceptance (person, version, hash, at, paper_by) SELECT $1, version, hash, at, paper_by FROM charter_acceptance WHERE person = $2
		ON CONFLICT DO NOTHING`, winner, loser); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	for _, column := range []string{"charter_acceptance SET paper_by = $1 WHERE paper_by", "activation_code SET issued_by = $1 WHERE issued_by"} {
		if _, err := tx.Exec(ctx, `UPDATE `+column+` = $2`, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	return erase(ctx, tx, g, loser)
}

// erase removes all that is held of a person here.
func erase(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, table := range []string{"push_subscription", "session", "app_password", "known_device", "entry", "activation_code", "charter_acceptance", "email_confirmation",
		"recovery", "second_factor", "recovery_code", "refused_address", "returned_mail", "outgoing_mail"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, person); err != nil {
			return fmt.Errorf("erase %s: %w", table, err)
		}
	}
	return nil
}
