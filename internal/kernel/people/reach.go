package people

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// Reachable is the gate: a query of (person, school) for everybody whom a
// viewer may find and address, by the school's matrix of profiles. A family's
// members always reach each other through the child. It returns args with its
// own added; whoever shows people to choose from joins it.
func Reachable(v *rights.Viewer, args []any) (string, []any) {
	n := len(args)
	// From the viewer's few principals to theirs, each a range of an index:
	// 43 letters are "class:", an id and ":".
	return fmt.Sprintf(`(SELECT t.person AS person, mine.school AS school FROM person_principal mine
		JOIN reach_pair rp ON (rp.extent = 'school' AND mine.principal = 'school:' || rp.who) OR (rp.extent = 'class' AND mine.principal LIKE 'class:%%:' || rp.who)
		LEFT JOIN reach x ON x.school = mine.school AND x.who = rp.who AND x.whom = rp.whom
		JOIN person_principal t ON t.school = mine.school
			AND t.principal = CASE rp.extent WHEN 'class' THEN substr(mine.principal, 1, 43) ELSE 'school:' END || rp.whom
		WHERE mine.person = $%[1]d AND mine.valid_from <= $%[2]d AND mine.valid_to > $%[2]d
		AND t.valid_from <= $%[2]d AND t.valid_to > $%[2]d AND t.person <> $%[1]d AND coalesce(x.allowed, rp.allowed)
		UNION
		SELECT t.person, mine.school FROM person_principal mine
		JOIN person_principal t ON t.school = mine.school AND t.principal = CASE
			WHEN mine.principal LIKE 'family:%%' THEN 'person:' || substr(mine.principal, 8)
			WHEN mine.principal LIKE 'person:%%' THEN 'family:' || substr(mine.principal, 8) END
		WHERE mine.person = $%[1]d AND mine.valid_from <= $%[2]d AND mine.valid_to > $%[2]d
		AND t.valid_from <= $%[2]d AND t.valid_to > $%[2]d AND t.person <> $%[1]d)`, n+1, n+2), append(args, v.Person, v.Now.UnixMilli())
}

// Found is a person that a search gives, without contact data.
type Found struct {
	ID      string
	School  string // where the viewer reaches them
	First   string
	Last    string
	Avatar  string
	Caption Caption
}

// Search finds people by the beginning of any of their names, among those whom
// the viewer may reach.
func Search(ctx context.Context, q db.Querier, v *rights.Viewer, words string, limit int) ([]Found, error) {
	return SearchIn(ctx, q, v, "", words, limit)
}

// SearchIn is Search in one school.
func SearchIn(ctx context.Context, q db.Querier, v *rights.Viewer, school, words string, limit int) ([]Found, error) {
	key := i18n.Fold(words)
	if key == "" {
		return nil, nil
	}
	gate, args := Reachable(v, []any{key + "%", "% " + key + "%", limit})
	in := ""
	if school != "" {
		args = append(args, school)
		in = fmt.Sprintf(` WHERE g.school = $%d`, len(args))
	}
	// Somebody met in two schools is shown once, as one of them knows them.
	return db.All[Found](ctx, q, `SELECT p.id, r.school, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, coalesce(pc.facts, '') AS caption
		FROM (SELECT person, MIN(school) AS school FROM `+gate+` g`+in+` GROUP BY person) r JOIN person p ON p.id = r.person
		LEFT JOIN person_caption pc ON pc.person = r.person AND pc.school = r.school
		WHERE (p.name_key LIKE $1 OR p.name_key LIKE $2) ORDER BY p.name_key, p.id LIMIT $3`, args...)
}

// Pair says whether a profile reaches another in a school.
type Pair struct {
	Who     rights.Profile
	Whom    rights.Profile
	Extent  string // class or school
	Allowed bool
	Usual   bool // what it is unless the school says otherwise
}

// Matrix lists who reaches whom in a school, but for the head, who reaches
// everybody.
func Matrix(ctx context.Context, q db.Querier, school string) ([]Pair, error) {
	return db.All[Pair](ctx, q, `SELECT rp.who, rp.whom, rp.extent, coalesce(x.allowed, rp.allowed) AS allowed, rp.allowed AS usual
		FROM reach_pair rp LEFT JOIN reach x ON x.school = $1 AND x.who = rp.who AND x.whom = rp.whom WHERE rp.who <> 'head'`, school)
}

// SetReach writes which pairs are allowed in the grant's school; all others are
// not. Only what differs from the usual is kept, so that nil is the usual again.
func SetReach(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, allowed func(Pair) bool) error {
	if err := g.Must(ctx, tx, ManageSchool); err != nil {
		return err
	}
	if err := turn(ctx, tx, g.School()); err != nil {
		return err
	}
	list, err := Matrix(ctx, tx, g.School())
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM reach WHERE school = $1`, g.School()); err != nil {
		return fmt.Errorf("reach: %w", err)
	}
	var rows [][]any
	var changed []string
	for _, p := range list {
		want := p.Usual
		if allowed != nil {
			want = allowed(p)
		}
		if want != p.Usual {
			rows = append(rows, []any{g.School(), string(p.Who), string(p.Whom), want})
		}
		if want != p.Allowed {
			sign := "-"
			if want {
				sign = "+"
			}
			changed = append(changed, sign+string(p.Who)+":"+string(p.Whom))
		}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO reach (school, who, whom, allowed) VALUES `, "", rows); err != nil {
		return fmt.Errorf("reach: %w", err)
	}
	if len(changed) == 0 {
		return nil
	}
	slices.Sort(changed)
	return audit.Note(ctx, tx, g, now, "reach.set", g.School(), fmt.Sprint(changed))
}
