package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Kinship is a family link as the head sees it, with the restriction that the
// head has put on it; To is 0 without one.
type Kinship struct {
	Relative string
	Pupil    string
	Adult    string // name of the relative
	Child    string
	Class    string // id of the pupil's latest class, "" for none
	From     int64  `db:"restricted_from"`
	To       int64  `db:"restricted_to"`
	Note     string
}

// Restricted says whether the relative has no access at a moment.
func (k Kinship) Restricted(now time.Time) bool {
	return k.From <= now.UnixMilli() && k.To > now.UnixMilli()
}

// Ahead says whether a restriction is in force, or will be.
func (k Kinship) Ahead(now time.Time) bool { return k.To > now.UnixMilli() }

// KinshipOf finds the link of a relative with a pupil of the grant's school.
func KinshipOf(ctx context.Context, q db.Querier, g rights.Grant, now time.Time, relative, pupil string) (Kinship, error) {
	k, ok, err := db.One[Kinship](ctx, q, `SELECT f.relative, f.pupil, a.first || ' ' || CASE WHEN a.use_name <> '' THEN a.use_name ELSE a.last END AS adult,
			c.first || ' ' || CASE WHEN c.use_name <> '' THEN c.use_name ELSE c.last END AS child,
			coalesce((SELECT cm.class FROM class_member cm JOIN class cl ON cl.id = cm.class WHERE cm.person = f.pupil AND cm.profile = 'pupil'
				AND cl.school = $3 AND cm.valid_from <= $4 AND cm.valid_to > $4 ORDER BY cl.year DESC LIMIT 1), '') AS class,
			f.restricted_from, f.restricted_to, f.note
		FROM family_link f JOIN person a ON a.id = f.relative JOIN person c ON c.id = f.pupil
		JOIN membership m ON m.person = f.pupil AND m.school = $3 AND m.profile = 'pupil' AND m.valid_from <= $4 AND m.valid_to > $4
		WHERE f.relative = $1 AND f.pupil = $2 AND f.valid_to > $4`, relative, pupil, g.School(), now.UnixMilli())
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return k, err
}

// longestNote bounds what a head writes about a restriction.
const longestNote = 1000

// Restrict takes a relative's access to a pupil away, from the beginning of a
// day to the end of another, in the school's time. Both parents being equal, it
// needs a note that says what was decided and by whom.
func Restrict(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, relative, pupil, from, to, note string) (until time.Time, err error) {
	if err := g.Must(ctx, tx, ManageSchool); err != nil {
		return until, err
	}
	if err := turn(ctx, tx, g.School()); err != nil {
		return until, err
	}
	k, err := KinshipOf(ctx, tx, g, now, relative, pupil)
	if err != nil {
		return until, err
	}
	s, _, err := SchoolByID(ctx, tx, g.School())
	if err != nil {
		return until, err
	}
	zone, err := time.LoadLocation(s.Timezone)
	if err != nil {
		return until, fmt.Errorf("restriction: %w", err)
	}
	f := errs.Fields{}
	begins, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(from), zone)
	if err != nil {
		f.Add("from", "people.restriction_from")
	}
	ends, err := time.ParseInLocation(time.DateOnly, strings.TrimSpace(to), zone)
	if err != nil {
		f.Add("to", "people.restriction_to")
	}
	until = ends.AddDate(0, 0, 1)
	y, m, d := now.In(zone).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, zone)
	if len(f) == 0 {
		switch {
		// One that began earlier keeps its first day.
		case begins.Before(today) && (!k.Restricted(now) || begins.UnixMilli() != k.From):
			f.Add("from", "people.restriction_past")
		case ends.Before(begins) || ends.Before(today):
			f.Add("to", "people.restriction_order")
		case ends.After(today.AddDate(20, 0, 0)):
			f.Add("to", "people.restriction_far")
		}
	}
	note = strings.TrimSpace(strings.ToValidUTF8(note, ""))
	switch n := len([]rune(note)); {
	case n < 10:
		f.Add("note", "people.restriction_note")
	case n > longestNote:
		f.Add("note", "people.restriction_long", "n", longestNote)
	}
	if err := f.Err(); err != nil {
		return until, err
	}
	if _, err := tx.Exec(ctx, `UPDATE family_link SET restricted_from = $3, restricted_to = $4, note = $5 WHERE relative = $1 AND pupil = $2`,
		relative, pupil, begins.UnixMilli(), until.UnixMilli(), note); err != nil {
		return until, fmt.Errorf("restriction: %w", err)
	}
	if err := refresh(ctx, tx, []string{relative}); err != nil {
		return until, err
	}
	return until, audit.Note(ctx, tx, g, now, "family.restrict", relative, fmt.Sprintf("%s %s %s", pupil, begins.Format(time.DateOnly), ends.Format(time.DateOnly)))
}

// Lift ends a restriction now; one that has not begun never will.
func Lift(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, relative, pupil string) error {
	if err := g.Must(ctx, tx, ManageSchool); err != nil {
		return err
	}
	if err := turn(ctx, tx, g.School()); err != nil {
		return err
	}
	k, err := KinshipOf(ctx, tx, g, now, relative, pupil)
	if err != nil {
		return err
	}
	switch {
	case k.Restricted(now):
		k.To = now.UnixMilli()
	case k.Ahead(now):
		k.From, k.To, k.Note = 0, 0, ""
	default:
		return nil // it has ended by itself, or was lifted a moment ago
	}
	if _, err := tx.Exec(ctx, `UPDATE family_link SET restricted_from = $3, restricted_to = $4, note = $5 WHERE relative = $1 AND pupil = $2`,
		relative, pupil, k.From, k.To, k.Note); err != nil {
		return fmt.Errorf("restriction: %w", err)
	}
	if err := refresh(ctx, tx, []string{relative}); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "family.lift", relative, pupil)
}

// Retain forgets restrictions a year after their end, notes included.
func Retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	before := now.AddDate(-1, 0, 0).UnixMilli()
	list, err := db.All[string](ctx, tx, `SELECT DISTINCT relative FROM family_link WHERE restricted_to > 0 AND restricted_to < $1`, before)
	if err != nil || len(list) == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE family_link SET restricted_from = 0, restricted_to = 0, note = '' WHERE restricted_to > 0 AND restricted_to < $1`, before); err != nil {
		return fmt.Errorf("restrictions: %w", err)
	}
	return refresh(ctx, tx, list)
}
