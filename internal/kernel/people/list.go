package people

import (
	"context"
	"time"

	"marelle/internal/platform/db"
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

// Colleague is somebody who works in a school.
type Colleague struct {
	ID      string
	First   string
	Last    string
	Avatar  string
	Caption Caption
}

// Name is "Hélène Duvivier".
func (c Colleague) Name() string { return c.First + " " + c.Last }

// Colleagues lists who works in a school, by name.
func Colleagues(ctx context.Context, q db.Querier, school string, now time.Time) ([]Colleague, error) {
	return db.All[Colleague](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, coalesce(pc.facts, '') AS caption
		FROM person p LEFT JOIN person_caption pc ON pc.person = p.id AND pc.school = $1
		WHERE p.id IN (SELECT m.person FROM membership m WHERE m.school = $1 AND m.profile IN ('teacher', 'staff') AND m.valid_from <= $2 AND m.valid_to > $2)
		ORDER BY p.name_key, p.id`, school, now.UnixMilli())
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
