package people

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

const hasLeft = `p.erased_at IS NULL AND EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id)
	AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.valid_to > $1)`

// Left lists persons whose last membership ended before a moment and who have
// not been erased, in the order of their ids, after one of them.
func Left(ctx context.Context, q db.Querier, before time.Time, last string, limit int) ([]string, error) {
	return db.All[string](ctx, q, `SELECT p.id FROM person p WHERE `+hasLeft+` AND p.id > $2 ORDER BY p.id LIMIT $3`, before.UnixMilli(), last, limit)
}

// HasLeft says whether that is still so of one of them, and keeps it so until
// the transaction ends: whoever brings them back takes their schools' turn too.
func HasLeft(ctx context.Context, tx *db.Tx, before time.Time, person string) (bool, error) {
	schools, err := db.All[string](ctx, tx, `SELECT DISTINCT school FROM membership WHERE person = $1 ORDER BY school`, person)
	if err != nil {
		return false, err
	}
	for _, s := range schools {
		if err := turn(ctx, tx, s); err != nil {
			return false, err
		}
	}
	n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM person p WHERE `+hasLeft+` AND p.id = $2`, before.UnixMilli(), person)
	return n > 0, err
}

// Erase takes all that names a person out of the directory. The row itself
// stays, without a name, where something written still points to it.
func Erase(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	relatives, err := db.All[string](ctx, tx, `SELECT relative FROM family_link WHERE pupil = $1`, person)
	if err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM membership WHERE person = $1`, `DELETE FROM class_member WHERE person = $1`,
		`DELETE FROM family_link WHERE relative = $1 OR pupil = $1`, `DELETE FROM group_member WHERE person = $1`,
	} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE person SET first = '', last = '', use_name = '', name_key = '', civility = '', birth = '', ine = '', address = '', phone = '',
		contact_email = '', email = '', login = $2, password = '', avatar = '', activated_at = NULL, seen_at = NULL, erased_at = $3 WHERE id = $1`,
		person, "x-"+id.New(), now.UnixMilli()); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return refresh(ctx, tx, append(relatives, person))
}

// Export hands over what the directory holds of a person. A relative's export
// names the children, never the other parent, and says when the head suspended
// a link; whose it is, and the note, tell of others.
func Export(ctx context.Context, q db.Querier, now time.Time, person string, add func(string, any) error) error {
	self, _, err := db.One[Person](ctx, q, `SELECT `+PersonColumns("p")+` FROM person p WHERE p.id = $1`, person)
	if err != nil {
		return err
	}
	if err := add("person", self); err != nil {
		return err
	}
	members, err := db.All[struct {
		School, Profile string
		Head            bool
		ValidFrom       int64 `db:"valid_from"`
		ValidTo         int64 `db:"valid_to"`
	}](ctx, q, `SELECT coalesce(s.name, '') AS school, m.profile, m.head, m.valid_from, m.valid_to FROM membership m LEFT JOIN school s ON s.id = m.school WHERE m.person = $1 ORDER BY m.valid_from`, person)
	if err != nil {
		return err
	}
	if err := add("memberships", members); err != nil {
		return err
	}
	classes, err := db.All[struct {
		Class, Profile, Level string
		Year                  int
	}](ctx, q, `SELECT c.label AS class, cm.profile, cm.level, c.year FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.person = $1 ORDER BY c.year`, person)
	if err != nil {
		return err
	}
	if err := add("classes", classes); err != nil {
		return err
	}
	children, err := db.All[struct{ First, Last string }](ctx, q, `SELECT k.first, k.last FROM family_link f JOIN person k ON k.id = f.pupil WHERE f.relative = $1 AND NOT `+Restricted("f", "$2")+` ORDER BY k.birth, k.first`, person, now.UnixMilli())
	if err != nil {
		return err
	}
	if err := add("children", children); err != nil {
		return err
	}
	restrictions, err := db.All[struct {
		From int64 `db:"restricted_from"`
		To   int64 `db:"restricted_to"`
	}](ctx, q, `SELECT restricted_from, restricted_to FROM family_link WHERE relative = $1 AND restricted_to > 0 ORDER BY restricted_from`, person)
	if err != nil {
		return err
	}
	return add("restrictions", restrictions)
}
