package people

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// Pupil is a pupil in a class, for lists.
type Pupil struct {
	ID     string
	First  string
	Last   string
	Avatar string
	Class  string // id
	Level  string
}

// Name is "Inès Kermadec".
func (p Pupil) Name() string { return p.First + " " + p.Last }

// PupilsOf lists the pupils of classes, by name.
func PupilsOf(ctx context.Context, q db.Querier, classes []string, now time.Time) ([]Pupil, error) {
	list, args := db.In([]any{now.UnixMilli()}, classes)
	return db.All[Pupil](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, cm.class, cm.level
		FROM class_member cm JOIN person p ON p.id = cm.person
		WHERE cm.profile = 'pupil' AND cm.valid_from <= $1 AND cm.valid_to > $1 AND cm.class IN (`+list+`) ORDER BY p.name_key, p.id`, args...)
}

// Group is a manual group.
type Group struct {
	ID    string
	Label string
	Owner string
	N     int
}

// Groups lists a school's manual groups, by name.
func Groups(ctx context.Context, q db.Querier, school string, now time.Time) ([]Group, error) {
	return db.All[Group](ctx, q, `SELECT g.id, g.label, g.owner, (SELECT count(*) FROM group_member gm WHERE gm.group_id = g.id AND gm.valid_to > $2) AS n
		FROM school_group g WHERE g.school = $1 AND g.valid_to > $2 ORDER BY g.label_key`, school, now.UnixMilli())
}

// Found is a person that a search gives, without contact data.
type Found struct {
	ID      string
	First   string
	Last    string
	Avatar  string
	Caption string
}

// Search finds people by the beginning of any of their names, among those whom
// the viewer may reach: everybody of the school for its staff; the class's
// teachers, the head and their own children for relatives; classmates, teachers
// and family for pupils.
func Search(ctx context.Context, q db.Querier, v *rights.Viewer, words string, limit int) ([]Found, error) {
	key := i18n.Fold(words)
	if key == "" {
		return nil, nil
	}
	now := v.Now.UnixMilli()
	args := []any{key + "%", "% " + key + "%", now, v.Person, limit}
	reach := `EXISTS (SELECT 1 FROM person_principal t JOIN person_principal mine ON mine.school = t.school
		WHERE t.person = p.id AND t.valid_from <= $3 AND t.valid_to > $3 AND mine.person = $4 AND mine.valid_from <= $3 AND mine.valid_to > $3 AND (
		(mine.principal IN ('school:teacher', 'school:staff', 'school:head') AND t.principal LIKE 'school:%')
		OR (mine.principal LIKE 'class:%' AND t.principal = substr(mine.principal, 1, 43) || 'teacher')
		OR (mine.principal LIKE 'class:%:pupil' AND t.principal = mine.principal)
		OR (mine.principal = 'school:relative' AND t.principal = 'school:head')
		OR (mine.principal LIKE 'family:%' AND t.principal = 'person:' || substr(mine.principal, 8))
		OR (mine.principal LIKE 'person:%' AND t.principal = 'family:' || substr(mine.principal, 8))))`
	return db.All[Found](ctx, q, fmt.Sprintf(`SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, p.caption
		FROM person p WHERE (p.name_key LIKE $1 OR p.name_key LIKE $2) AND p.id <> $4 AND %s ORDER BY p.name_key LIMIT $5`, reach), args...)
}
