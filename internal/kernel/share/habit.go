package share

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

const (
	favourites = 8   // shown
	often      = 2   // times from which somebody is a favourite
	habits     = 200 // kept of one person in a school
	forgotten  = 400 // days after which a habit is none any more
)

// Note keeps that the grant's viewer shared with some principals of its school.
func Note(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, principals []string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	rows := make([][]any, len(principals))
	for n, p := range principals {
		rows[n] = []any{g.Viewer().Person, g.School(), p, 1, now.UnixMilli()}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO share_habit (person, school, principal, times, used_at) VALUES `,
		`ON CONFLICT (person, school, principal) DO UPDATE SET times = share_habit.times + 1, used_at = excluded.used_at`, rows); err != nil {
		return fmt.Errorf("habit: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM share_habit WHERE person = $1 AND school = $2 AND NOT starred AND principal NOT IN
		(SELECT h.principal FROM share_habit h WHERE h.person = $1 AND h.school = $2 ORDER BY h.used_at DESC, h.principal LIMIT `+fmt.Sprint(habits)+`)`, g.Viewer().Person, g.School()); err != nil {
		return fmt.Errorf("habit: %w", err)
	}
	return nil
}

// Star marks whom the grant's viewer may reach as one of their favourites, or no
// longer when it is one.
func Star(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, principal string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if err := Check(ctx, tx, g.Viewer(), g.School(), []string{principal}); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO share_habit (person, school, principal, starred, used_at) VALUES ($1, $2, $3, TRUE, $4)
		ON CONFLICT (person, school, principal) DO UPDATE SET starred = NOT share_habit.starred, times = CASE WHEN share_habit.starred THEN 0 ELSE share_habit.times END`,
		g.Viewer().Person, g.School(), principal, now.UnixMilli())
	return err
}

// Favourites lists those of a viewer in a school whom they may still reach, what
// they starred first.
func Favourites(ctx context.Context, q db.Querier, v *rights.Viewer, say people.Say, school string) ([]Target, error) {
	rows, err := db.All[struct {
		Principal string
		Starred   bool
	}](ctx, q, `SELECT principal, starred FROM share_habit WHERE person = $1 AND school = $2 AND (starred OR times >= $3)
		ORDER BY CASE WHEN starred THEN 0 ELSE 1 END, times DESC, used_at DESC, principal LIMIT $4`, v.Person, school, often, 3*favourites)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	known := make([]string, len(rows))
	for n, r := range rows {
		known[n] = r.Principal
	}
	if known, err = Reached(ctx, q, v, school, known); err != nil {
		return nil, err
	}
	names, err := Names(ctx, q, say, known)
	if err != nil {
		return nil, err
	}
	var out []Target
	for _, r := range rows {
		if t, ok := names[r.Principal]; ok && len(out) < favourites {
			t.Starred = r.Starred
			out = append(out, t)
		}
	}
	return out, nil
}

// export hands over whom a person shares with, by name where it is a person.
func export(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	list, err := db.All[struct {
		Principal, First, Last string
		Times                  int
		Starred                bool
		UsedAt                 int64 `db:"used_at"`
	}](ctx, q, `SELECT h.principal, coalesce(p.first, '') AS first, coalesce(p.last, '') AS last, h.times, h.starred, h.used_at
		FROM share_habit h LEFT JOIN person p ON h.principal = 'person:' || p.id WHERE h.person = $1 ORDER BY h.used_at, h.principal`, person)
	if err != nil {
		return err
	}
	return add("share_habits", list)
}

// erase forgets the habits of a person, and that they were one of others'.
func erase(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM share_habit WHERE person = $1 OR principal = 'person:' || $1`, person)
	return err
}

func merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	const sum = ` ON CONFLICT (person, school, principal) DO UPDATE SET times = share_habit.times + excluded.times,
		starred = CASE WHEN excluded.starred THEN TRUE ELSE share_habit.starred END`
	for _, text := range []string{
		`INSERT INTO share_habit (person, school, principal, times, starred, used_at)
			SELECT $1, school, principal, times, starred, used_at FROM share_habit WHERE person = $2 AND principal <> 'person:' || $1` + sum, // nobody shares with themselves
		`INSERT INTO share_habit (person, school, principal, times, starred, used_at)
			SELECT person, school, 'person:' || $1, times, starred, used_at FROM share_habit WHERE principal = 'person:' || $2 AND person <> $1` + sum,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("habit: %w", err)
		}
	}
	return erase(ctx, tx, g, loser)
}

// retain forgets what has not been a habit for a year and more.
func retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM share_habit WHERE used_at < $1 AND NOT starred`, now.AddDate(0, 0, -forgotten).UnixMilli())
	return err
}
