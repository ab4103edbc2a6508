// Package audit keeps the log of sensitive acts: who, what, on whom, when; ids
// only, never a name. It is written in the transaction of the act itself.
package audit

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations is the log's table.
func Migrations() fs.FS {
	f, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Act is one line of the log.
type Act struct {
	At     int64
	School string
	Actor  string
	Action string // "code.issue", "session.sign_in" …
	Target string // an id
	Detail string // no personal data
}

// Note writes an act by the holder of g.
func Note(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, action, target, detail string) error {
	return Write(ctx, tx, Act{At: now.UnixMilli(), School: g.School(), Actor: g.Actor(), Action: action, Target: target, Detail: detail})
}

// NoteAll writes the same act on each target.
func NoteAll(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, action string, targets []string) error {
	rows := make([][]any, len(targets))
	for i, t := range targets {
		rows[i] = []any{id.New(), now.UnixMilli(), g.School(), g.Actor(), action, t, ""}
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO audit (id, at, school, actor, action, target, detail) VALUES `, "", rows)
	return err
}

// Write writes an act whose actor holds no grant yet, as at sign-in.
func Write(ctx context.Context, tx *db.Tx, a Act) error {
	_, err := tx.Exec(ctx, `INSERT INTO audit (id, at, school, actor, action, target, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		id.New(), a.At, a.School, a.Actor, a.Action, a.Target, a.Detail)
	return err
}

// Expire removes acts older than a year (CNIL, October 2021: six to twelve months).
func Expire(ctx context.Context, tx *db.Tx, now time.Time) error {
	_, err := tx.Exec(ctx, `DELETE FROM audit WHERE at < $1`, now.AddDate(-1, 0, 0).UnixMilli())
	return err
}
