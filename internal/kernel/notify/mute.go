package notify

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Mute lets the viewer hear no more of a resource that they may read.
func Mute(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, resource string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	v := g.Viewer()
	scope, args := rights.ScopeOf(v.Person, now).Where("r", rights.Read, []any{v.Person, resource, now.UnixMilli()})
	n, err := tx.Exec(ctx, `INSERT INTO muted (person, resource, at) SELECT $1, r.id, $3 FROM resource r WHERE r.id = $2 AND `+scope+`
		ON CONFLICT (person, resource) DO UPDATE SET at = excluded.at`, args...)
	if err == nil && n == 0 {
		err = errs.ErrNotFound
	}
	return err
}

// Unmute lets them hear of it again.
func Unmute(ctx context.Context, tx *db.Tx, g rights.Grant, resource string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM muted WHERE person = $1 AND resource = $2`, g.Viewer().Person, resource)
	return err
}

// Muted is something of which somebody hears no more.
type Muted struct {
	Resource, Kind, Title string
	At                    int64
}

// MutedBy lists what the viewer muted and may still read, the latest first.
func MutedBy(ctx context.Context, q db.Querier, v *rights.Viewer, limit int) ([]Muted, error) {
	scope, args := v.Scope().Where("r", rights.Read, []any{v.Person, limit})
	return db.All[Muted](ctx, q, `SELECT m.resource, r.kind, r.title, m.at FROM muted m JOIN resource r ON r.id = m.resource
		WHERE m.person = $1 AND `+scope+` ORDER BY m.at DESC, m.resource LIMIT $2`, args...)
}

// Hears writes the condition that a person did not mute a resource, both named
// by columns.
func Hears(person, resource string) string {
	return `NOT EXISTS (SELECT 1 FROM muted mu WHERE mu.person = ` + person + ` AND mu.resource = ` + resource + `)`
}

func eraseMuted(ctx context.Context, tx *db.Tx, person string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM muted WHERE person = $1`, person); err != nil {
		return fmt.Errorf("erase muted: %w", err)
	}
	return nil
}

func mergeMuted(ctx context.Context, tx *db.Tx, winner, loser string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO muted (person, resource, at) SELECT $1, resource, at FROM muted WHERE person = $2 ON CONFLICT DO NOTHING`, winner, loser); err != nil {
		return fmt.Errorf("merge muted: %w", err)
	}
	return nil
}

func exportMuted(ctx context.Context, q db.Querier, now time.Time, person string, add func(string, any) error) error {
	list, err := db.All[struct {
		Kind, Title string
		At          int64
	}](ctx, q, `SELECT r.kind, CASE WHEN `+rights.Sees("r", "$1", "$2", rights.Read)+` THEN r.title ELSE '' END AS title, m.at
		FROM muted m JOIN resource r ON r.id = m.resource WHERE m.person = $1 ORDER BY m.at, m.resource`, person, now.UnixMilli())
	if err != nil {
		return err
	}
	return add("muted", list)
}
