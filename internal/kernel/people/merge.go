package people

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// BeginMerge decides, inside the transaction that makes one record of two,
// which of them is kept; both are held until its end.
func BeginMerge(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, a, b string) (winner, loser string, err error) {
	if err := g.Must(ctx, tx, ManageSchool); err != nil {
		return "", "", err
	}
	if err := turn(ctx, tx, g.School()); err != nil {
		return "", "", err
	}
	if _, err := tx.Exec(ctx, `UPDATE person SET name_key = name_key WHERE id IN ($1, $2)`, a, b); err != nil {
		return "", "", fmt.Errorf("merge: %w", err)
	}
	keep, gone, refused, err := Twins(ctx, tx, g, now, a, b)
	if err == nil {
		err = refused
	}
	return keep.ID, gone.ID, err
}

// Merge moves to the winner all that the directory says of the loser, whose row
// goes: it comes after every other package moved its own. What the winner lacks
// is taken from the loser. Dates widen, and a restriction of either stays.
func Merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	const wider = `valid_from = CASE WHEN excluded.valid_from < %[1]s.valid_from THEN excluded.valid_from ELSE %[1]s.valid_from END,
		valid_to = CASE WHEN excluded.valid_to > %[1]s.valid_to THEN excluded.valid_to ELSE %[1]s.valid_to END`
	const stricter = `restricted_from = CASE WHEN family_link.restricted_to = 0 THEN excluded.restricted_from WHEN excluded.restricted_to = 0 THEN family_link.restricted_from
			WHEN excluded.restricted_from < family_link.restricted_from THEN excluded.restricted_from ELSE family_link.restricted_from END,
		restricted_to = CASE WHEN excluded.restricted_to > family_link.restricted_to THEN excluded.restricted_to ELSE family_link.restricted_to END,
		note = CASE WHEN family_link.note = '' OR family_link.note = excluded.note THEN excluded.note WHEN excluded.note = '' THEN family_link.note
			ELSE family_link.note || ' ' || excluded.note END`
	lacking := ""
	for _, c := range []string{"use_name", "civility", "birth", "ine", "address", "phone", "contact_email", "avatar"} {
		lacking += fmt.Sprintf(`%[1]s = CASE WHEN %[1]s = '' THEN (SELECT l.%[1]s FROM person l WHERE l.id = $2) ELSE %[1]s END, `, c)
	}
	for _, text := range []string{
		`UPDATE person SET ` + lacking + `created_at = (SELECT MIN(l.created_at) FROM person l WHERE l.id IN ($1, $2)) WHERE id = $1`,
		`INSERT INTO membership (person, school, profile, head, head_at, valid_from, valid_to) SELECT $1, school, profile, head, head_at, valid_from, valid_to FROM membership WHERE person = $2
			ON CONFLICT (person, school, profile) DO UPDATE SET ` + fmt.Sprintf(wider, "membership"),
		`INSERT INTO class_member (person, class, profile, level, valid_from, valid_to) SELECT $1, class, profile, level, valid_from, valid_to FROM class_member WHERE person = $2
			ON CONFLICT (person, class, profile) DO UPDATE SET ` + fmt.Sprintf(wider, "class_member"),
		`INSERT INTO family_link (relative, pupil, school, note, valid_from, valid_to, restricted_from, restricted_to)
			SELECT $1, pupil, school, note, valid_from, valid_to, restricted_from, restricted_to FROM family_link WHERE relative = $2
			ON CONFLICT (relative, pupil) DO UPDATE SET ` + fmt.Sprintf(wider, "family_link") + `, ` + stricter,
		`INSERT INTO family_link (relative, pupil, school, note, valid_from, valid_to, restricted_from, restricted_to)
			SELECT relative, $1, school, note, valid_from, valid_to, restricted_from, restricted_to FROM family_link WHERE pupil = $2
			ON CONFLICT (relative, pupil) DO UPDATE SET ` + fmt.Sprintf(wider, "family_link") + `, ` + stricter,
		`INSERT INTO group_member (group_id, person, valid_from, valid_to) SELECT group_id, $1, valid_from, valid_to FROM group_member WHERE person = $2
			ON CONFLICT (group_id, person) DO UPDATE SET ` + fmt.Sprintf(wider, "group_member"),
		`UPDATE school_group SET owner = $1 WHERE owner = $2`,
		`UPDATE import SET actor = $1 WHERE actor = $2`,
		`UPDATE import_choice SET actor = $1 WHERE actor = $2`,
		`UPDATE import_choice SET target = $1 WHERE target = $2`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	for _, text := range []string{
		`DELETE FROM membership WHERE person = $1`, `DELETE FROM class_member WHERE person = $1`, `DELETE FROM family_link WHERE relative = $1 OR pupil = $1`,
		`DELETE FROM group_member WHERE person = $1`, `DELETE FROM person_principal WHERE person = $1`, `DELETE FROM person_caption WHERE person = $1`,
	} {
		if _, err := tx.Exec(ctx, text, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	// The relatives of a pupil had the loser's family among their principals:
	// they are refreshed with the pupil.
	if err := refresh(ctx, tx, []string{winner}); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM person WHERE id = $1`, loser); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	return nil
}
