package people

import (
	"context"
	"fmt"
	"strings"

	"marelle/internal/platform/db"
)

// branches derive principals from the directory: each has the person's column
// first, so that a change of one person reads one person's rows.
//
//	person:<id>                     oneself, while a member of the school
//	school:<profile>, school:head   everybody of a profile
//	class:<id>:pupil|teacher|relative
//	level:<year>:<CE1>:pupil|relative
//	family:<pupil>                  the pupil's relatives
//	group:<id>                      a manual group
var branches = []struct{ column, text string }{
	{"m.person", `SELECT m.person AS person, 'person:' || m.person AS principal, m.school AS school, m.valid_from AS valid_from, m.valid_to AS valid_to FROM membership m WHERE %s`},
	{"m.person", `SELECT m.person, 'school:' || m.profile, m.school, m.valid_from, m.valid_to FROM membership m WHERE %s`},
	{"m.person", `SELECT m.person, 'school:head', m.school, m.valid_from, m.valid_to FROM membership m WHERE m.head AND %s`},
	{"cm.person", `SELECT cm.person, 'class:' || cm.class || ':' || cm.profile, c.school, cm.valid_from, cm.valid_to
		FROM class_member cm JOIN class c ON c.id = cm.class WHERE %s`},
	{"cm.person", `SELECT cm.person, 'level:' || c.year || ':' || cm.level || ':pupil', c.school, cm.valid_from, cm.valid_to
		FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.profile = 'pupil' AND cm.level <> '' AND %s`},
	{"f.relative", `SELECT f.relative, 'class:' || cm.class || ':relative', c.school,
		CASE WHEN f.valid_from > cm.valid_from THEN f.valid_from ELSE cm.valid_from END,
		CASE WHEN f.valid_to < cm.valid_to THEN f.valid_to ELSE cm.valid_to END
		FROM family_link f JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class WHERE %s`},
	{"f.relative", `SELECT f.relative, 'level:' || c.year || ':' || cm.level || ':relative', c.school,
		CASE WHEN f.valid_from > cm.valid_from THEN f.valid_from ELSE cm.valid_from END,
		CASE WHEN f.valid_to < cm.valid_to THEN f.valid_to ELSE cm.valid_to END
		FROM family_link f JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class
		WHERE cm.level <> '' AND %s`},
	{"f.relative", `SELECT f.relative, 'family:' || f.pupil, m.school,
		CASE WHEN f.valid_from > m.valid_from THEN f.valid_from ELSE m.valid_from END,
		CASE WHEN f.valid_to < m.valid_to THEN f.valid_to ELSE m.valid_to END
		FROM family_link f JOIN membership m ON m.person = f.pupil AND m.profile = 'pupil' WHERE %s`},
	// Whoever leaves the school is in none of its groups any more.
	{"gm.person", `SELECT gm.person, 'group:' || gm.group_id, g.school,
		CASE WHEN gm.valid_from > m.valid_from THEN gm.valid_from ELSE m.valid_from END,
		CASE WHEN gm.valid_to < g.valid_to AND gm.valid_to < m.valid_to THEN gm.valid_to WHEN g.valid_to < m.valid_to THEN g.valid_to ELSE m.valid_to END
		FROM group_member gm JOIN school_group g ON g.id = gm.group_id JOIN membership m ON m.person = gm.person AND m.school = g.school WHERE %s`},
}

func derive(where func(column string) string) string {
	var parts []string
	for _, b := range branches {
		parts = append(parts, fmt.Sprintf(b.text, where(b.column)))
	}
	return `SELECT person, principal, school, MIN(valid_from) AS valid_from, MAX(valid_to) AS valid_to FROM (` +
		strings.Join(parts, " UNION ALL ") + `) p GROUP BY person, principal, school`
}

// refresh brings the principals and the captions of some persons up to date.
// Every change of the directory ends with it, in its own transaction. A pupil's
// relatives are refreshed with the pupil.
func refresh(ctx context.Context, tx *db.Tx, persons []string) error {
	const step = 300
	for len(persons) > 0 {
		n := min(step, len(persons))
		list, args := db.In(nil, persons[:n])
		related, err := db.All[string](ctx, tx, `SELECT DISTINCT relative FROM family_link WHERE pupil IN (`+list+`) AND relative NOT IN (`+list+`)`, args...)
		if err != nil {
			return fmt.Errorf("principals: %w", err)
		}
		batch := append(append([]string{}, persons[:n]...), related...)
		list, args = db.In(nil, batch)
		if _, err := tx.Exec(ctx, `DELETE FROM person_principal WHERE person IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("principals: %w", err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO person_principal (person, principal, school, valid_from, valid_to) `+
			derive(func(column string) string { return column + " IN (" + list + ")" }), args...); err != nil {
			return fmt.Errorf("principals: %w", err)
		}
		if err := caption(ctx, tx, batch); err != nil {
			return fmt.Errorf("captions: %w", err)
		}
		// What others counted of these pupils and their families is to be counted again.
		list, args = db.In(nil, persons[:n])
		if _, err := tx.Exec(ctx, `INSERT INTO revision (school, n) SELECT DISTINCT school, 1 FROM membership WHERE profile = 'pupil' AND person IN (`+list+`)
			ON CONFLICT (school) DO UPDATE SET n = revision.n + 1`, args...); err != nil {
			return fmt.Errorf("revision: %w", err)
		}
		persons = persons[n:]
	}
	return nil
}

// Drift counts the principals that differ from what the directory derives:
// always 0, unless somebody wrote to the database by hand.
func Drift(ctx context.Context, q db.Querier) (int, error) {
	all := derive(func(string) string { return "1 = 1" })
	columns := "person, principal, school, valid_from, valid_to"
	return db.Value[int](ctx, q, `SELECT (SELECT count(*) FROM (SELECT `+columns+` FROM person_principal EXCEPT SELECT `+columns+` FROM (`+all+`) a) x)
		+ (SELECT count(*) FROM (SELECT `+columns+` FROM (`+all+`) b EXCEPT SELECT `+columns+` FROM person_principal) y)`)
}

// Rebuild derives every principal again.
func Rebuild(ctx context.Context, tx *db.Tx) error {
	ids, err := db.All[string](ctx, tx, `SELECT id FROM person`)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM person_principal`); err != nil {
		return err
	}
	return refresh(ctx, tx, ids)
}
