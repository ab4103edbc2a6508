package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"marelle/internal/platform/db"
)

// inForce are the links of families while they give rights: all of each, or
// what comes before and after its restriction.
const inForce = `(SELECT relative, pupil, valid_from, CASE WHEN restricted_to > 0 AND restricted_from < valid_to THEN restricted_from ELSE valid_to END AS valid_to FROM family_link
	UNION ALL SELECT relative, pupil, CASE WHEN restricted_to > valid_from THEN restricted_to ELSE valid_from END, valid_to FROM family_link WHERE restricted_to > 0)`

// LinkHolds is the condition that a family link, named by an alias, gives
// rights at a moment: it is open, and no restriction is in force. Whoever reads
// family_link for a family's sake asks it.
func LinkHolds(link, now string) string {
	return fmt.Sprintf(`(%[1]s.valid_from <= %[2]s AND %[1]s.valid_to > %[2]s AND NOT %[3]s)`, link, now, Restricted(link, now))
}

// Restricted is the condition that the head has suspended a family link, named
// by an alias, at a moment.
func Restricted(link, now string) string {
	return fmt.Sprintf(`(%[1]s.restricted_from <= %[2]s AND %[1]s.restricted_to > %[2]s)`, link, now)
}

// branches derive principals from the directory: each has the person's column
// first, so that a change of one person reads one person's rows.
//
//	person:<id>                     oneself, while a member of the school
//	staff:<id>                      the same, while a teacher or of the staff
//	school:<profile>, school:head   everybody of a profile
//	class:<id>:pupil|teacher|relative
//	level:<year>:<CE1>:pupil|relative
//	family:<pupil>                  the pupil's relatives
//	kin:<pupil>:<relative>          one of them, while they are
//	group:<id>                      a manual group
var branches = []struct{ column, text string }{
	{"m.person", `SELECT m.person AS person, 'person:' || m.person AS principal, m.school AS school, m.valid_from AS valid_from, m.valid_to AS valid_to FROM membership m WHERE %s`},
	{"m.person", `SELECT m.person, 'staff:' || m.person, m.school, m.valid_from, m.valid_to FROM membership m WHERE m.profile IN ('teacher', 'staff') AND %s`},
	{"m.person", `SELECT m.person, 'school:' || m.profile, m.school, m.valid_from, m.valid_to FROM membership m WHERE %s`},
	{"m.person", `SELECT m.person, 'school:head', m.school, m.valid_from, m.valid_to FROM membership m WHERE m.head AND %s`},
	{"cm.person", `SELECT cm.person, 'class:' || cm.class || ':' || cm.profile, c.school, cm.valid_from, cm.valid_to
		FROM class_member cm JOIN class c ON c.id = cm.class WHERE %s`},
	{"cm.person", `SELECT cm.person, 'level:' || c.year || ':' || cm.level || ':pupil', c.school, cm.valid_from, cm.valid_to
		FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.profile = 'pupil' AND cm.level <> '' AND %s`},
	{"f.relative", `SELECT f.relative, 'class:' || cm.class || ':relative', c.school,
		CASE WHEN f.valid_from > cm.valid_from THEN f.valid_from ELSE cm.valid_from END,
		CASE WHEN f.valid_to < cm.valid_to THEN f.valid_to ELSE cm.valid_to END
		FROM ` + inForce + ` f JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class WHERE %s`},
	{"f.relative", `SELECT f.relative, 'level:' || c.year || ':' || cm.level || ':relative', c.school,
		CASE WHEN f.valid_from > cm.valid_from THEN f.valid_from ELSE cm.valid_from END,
		CASE WHEN f.valid_to < cm.valid_to THEN f.valid_to ELSE cm.valid_to END
		FROM ` + inForce + ` f JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class
		WHERE cm.level <> '' AND %s`},
	{"f.relative", `SELECT f.relative, 'family:' || f.pupil, m.school,
		CASE WHEN f.valid_from > m.valid_from THEN f.valid_from ELSE m.valid_from END,
		CASE WHEN f.valid_to < m.valid_to THEN f.valid_to ELSE m.valid_to END
		FROM ` + inForce + ` f JOIN membership m ON m.person = f.pupil AND m.profile = 'pupil' WHERE %s`},
	{"f.relative", `SELECT f.relative, 'kin:' || f.pupil || ':' || f.relative, m.school,
		CASE WHEN f.valid_from > m.valid_from THEN f.valid_from ELSE m.valid_from END,
		CASE WHEN f.valid_to < m.valid_to THEN f.valid_to ELSE m.valid_to END
		FROM ` + inForce + ` f JOIN membership m ON m.person = f.pupil AND m.profile = 'pupil' WHERE %s`},
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
	return `SELECT person, principal, school, valid_from, MAX(valid_to) AS valid_to FROM (` +
		strings.Join(parts, " UNION ALL ") + `) p WHERE valid_from < valid_to GROUP BY person, principal, school, valid_from`
}

// refresh brings the principals and the captions of some persons up to date.
// Every change of the directory ends with it, in its own transaction. A pupil's
// relatives are refreshed with the pupil.
func refresh(ctx context.Context, tx *db.Tx, persons []string) error {
	const step = 300
	for some := range slices.Chunk(slices.Clone(persons), step) {
		list, args := db.In(nil, some)
		members, err := nameClasses(ctx, tx, list, args)
		if err != nil {
			return err
		}
		persons = append(persons[:len(persons):len(persons)], members...)
	}
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
		if err := caption(ctx, tx, list, args); err != nil {
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

// Drift counts the principals and captions that differ from what the directory
// derives: always 0, unless somebody wrote to the database by hand.
func Drift(ctx context.Context, q db.Querier) (int, error) {
	everybody := func(string) string { return "1 = 1" }
	total := 0
	for _, t := range []struct{ name, columns, derived string }{
		{"person_principal", "person, principal, school, valid_from, valid_to", derive(everybody)},
		{"person_caption", "person, school, facts", deriveCaptions(everybody)},
	} {
		n, err := db.Value[int](ctx, q, fmt.Sprintf(`SELECT (SELECT count(*) FROM (SELECT %[2]s FROM %[1]s EXCEPT SELECT %[2]s FROM (%[3]s) a) x)
			+ (SELECT count(*) FROM (SELECT %[2]s FROM (%[3]s) b EXCEPT SELECT %[2]s FROM %[1]s) y)`, t.name, t.columns, t.derived))
		if err != nil {
			return 0, fmt.Errorf("drift: %w", err)
		}
		total += n
	}
	return total, nil
}

// Rebuild derives every principal and caption again.
func Rebuild(ctx context.Context, tx *db.Tx) error {
	ids, err := db.All[string](ctx, tx, `SELECT id FROM person`)
	if err != nil {
		return err
	}
	for _, table := range []string{"person_principal", "person_caption"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table); err != nil {
			return err
		}
	}
	return refresh(ctx, tx, ids)
}
