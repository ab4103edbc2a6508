package school

import (
	"context"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// figures are a school in numbers: members of each profile, and how many of
// them have activated their account.
type figures struct {
	Profile string
	All     int
	Active  int
}

func count(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) (map[rights.Profile]figures, error) {
	rows, err := db.All[figures](ctx, q, `SELECT m.profile AS profile, count(*) AS "all", count(p.activated_at) AS active
		FROM membership m JOIN person p ON p.id = m.person
		WHERE m.school = $1 AND m.valid_from <= $2 AND m.valid_to > $2 GROUP BY m.profile`, g.School(), now.UnixMilli())
	out := map[rights.Profile]figures{}
	for _, r := range rows {
		out[rights.Profile(r.Profile)] = r
	}
	return out, err
}

// room is a class with those in it.
type room struct {
	people.Class
	Pupils   int
	Teachers []string
}

// rooms lists the classes of a year with their pupils counted and their
// teachers named, youngest pupils first.
func rooms(ctx context.Context, q db.Querier, g rights.Grant, year int, now time.Time) ([]room, error) {
	classes, err := people.Classes(ctx, q, g.School(), year)
	if err != nil {
		return nil, err
	}
	rows, err := db.All[struct {
		Class   string
		Profile string
		N       int
		Name    string
	}](ctx, q, `SELECT cm.class AS class, cm.profile AS profile, count(*) AS n,
			CASE WHEN cm.profile = 'teacher' THEN p.first || ' ' || CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END ELSE '' END AS name
		FROM class_member cm JOIN class c ON c.id = cm.class JOIN person p ON p.id = cm.person
		WHERE c.school = $1 AND c.year = $2 AND cm.valid_from <= $3 AND cm.valid_to > $3
		GROUP BY 1, 2, 4 ORDER BY 4`, g.School(), year, now.UnixMilli())
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	out := make([]room, len(classes))
	for i, c := range classes {
		out[i].Class, at[c.ID] = c, i
	}
	for _, r := range rows {
		o := &out[at[r.Class]]
		if r.Profile == string(rights.Teacher) {
			o.Teachers = append(o.Teachers, r.Name)
		} else {
			o.Pupils += r.N
		}
	}
	return out, nil
}

// names gives the names of those who asked for imports of the school.
func names(ctx context.Context, q db.Querier, g rights.Grant, persons []string) (map[string]string, error) {
	list, args := db.In([]any{g.School()}, persons)
	rows, err := db.All[struct{ ID, Name string }](ctx, q, `SELECT p.id AS id, p.first || ' ' || CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS name
		FROM person p WHERE p.id IN (`+list+`) AND EXISTS (SELECT 1 FROM import i WHERE i.school = $1 AND i.actor = p.id)`, args...)
	out := map[string]string{}
	for _, r := range rows {
		out[r.ID] = r.Name
	}
	return out, err
}

// record is somebody whose record may be one of two.
type record struct {
	ID      string
	Name    string
	Login   string
	Caption people.Caption
}

// records finds pupils, relatives and guests of the school by the beginning of
// a name.
func records(ctx context.Context, q db.Querier, g rights.Grant, words string, now time.Time) ([]record, error) {
	key := i18n.Fold(words)
	if key == "" {
		return nil, nil
	}
	return db.All[record](ctx, q, `SELECT p.id, p.first || ' ' || CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS name, p.login, coalesce(pc.facts, '') AS caption
		FROM person p LEFT JOIN person_caption pc ON pc.person = p.id AND pc.school = $1
		WHERE (p.name_key LIKE $3 OR p.name_key LIKE $4) AND EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.school = $1
			AND m.profile IN ('pupil', 'relative', 'guest') AND m.valid_from <= $2 AND m.valid_to > $2) ORDER BY p.name_key, p.id LIMIT 30`,
		g.School(), now.UnixMilli(), key+"%", "% "+key+"%")
}

// suspect is two records of one name and profile.
type suspect struct {
	A, B   string
	Name   string
	LoginA string `db:"login_a"`
	LoginB string `db:"login_b"`
}

// suspects lists records of the school that bear one name in one profile, and
// no two days of birth.
func suspects(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) ([]suspect, error) {
	return db.All[suspect](ctx, q, `SELECT a.id AS a, b.id AS b, a.first || ' ' || CASE WHEN a.use_name <> '' THEN a.use_name ELSE a.last END AS name, a.login AS login_a, b.login AS login_b
		FROM membership ma JOIN person a ON a.id = ma.person JOIN person b ON b.name_key = a.name_key AND b.id > a.id
		JOIN membership mb ON mb.person = b.id AND mb.school = ma.school AND mb.profile = ma.profile
		WHERE ma.school = $1 AND ma.profile IN ('pupil', 'relative') AND ma.valid_from <= $2 AND ma.valid_to > $2 AND mb.valid_from <= $2 AND mb.valid_to > $2
		AND (a.birth = '' OR b.birth = '' OR a.birth = b.birth) ORDER BY a.name_key, a.id, b.id LIMIT 50`, g.School(), now.UnixMilli())
}
