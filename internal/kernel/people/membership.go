package people

import (
	"context"
	"fmt"
	"strings"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// Membership is one profile of a person in a school, from now on.
type Membership struct {
	Person  string
	School  string
	Profile rights.Profile
	Head    bool
}

// Place is a person in a class, from now on: a pupil with a level, or a teacher.
type Place struct {
	Person  string
	Class   string
	Profile rights.Profile
	Level   string
}

// Link is a relative of a pupil.
type Link struct {
	Relative string
	Pupil    string
}

// Change is a set of changes of one school's directory, applied together.
type Change struct {
	School  string
	Join    []Membership // opened, or opened again
	Leave   []Membership // closed, with the places they held
	Enter   []Place
	Exit    []Place
	Link    []Link
	Unlink  []Link
	Touched []string // others whose captions depend on what changed
}

// Apply writes a change and brings principals and captions up to date.
func Apply(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, c Change) error {
	if err := g.Must(ctx, tx, ManageSchool, ManageClass, rights.Operating); err != nil {
		return err
	}
	if err := turn(ctx, tx, c.School); err != nil {
		return err
	}
	at := now.UnixMilli()
	touched := map[string]bool{}
	var rows [][]any
	for _, m := range c.Join {
		since := int64(0)
		if m.Head {
			since = at
		}
		rows = append(rows, []any{m.Person, m.School, string(m.Profile), m.Head, since, at, rights.Forever})
		touched[m.Person] = true
	}
	// An open membership keeps its first day, and a head the day of becoming one.
	if _, err := db.Insert(ctx, tx, `INSERT INTO membership (person, school, profile, head, head_at, valid_from, valid_to) VALUES `,
		`ON CONFLICT (person, school, profile) DO UPDATE SET head = excluded.head,
		head_at = CASE WHEN membership.head AND excluded.head AND membership.valid_to > excluded.valid_from THEN membership.head_at ELSE excluded.head_at END, valid_to = excluded.valid_to,
		valid_from = CASE WHEN membership.valid_to > excluded.valid_from THEN membership.valid_from ELSE excluded.valid_from END`, rows); err != nil {
		return fmt.Errorf("join: %w", err)
	}
	for _, m := range c.Leave {
		touched[m.Person] = true
		for _, text := range []string{
			`UPDATE membership SET valid_to = $3 WHERE person = $1 AND school = $2 AND profile = $4 AND valid_to > $3`,
			`UPDATE class_member SET valid_to = $3 WHERE person = $1 AND valid_to > $3 AND profile = $4 AND class IN (SELECT id FROM class WHERE school = $2)`,
		} {
			if _, err := tx.Exec(ctx, text, m.Person, m.School, at, string(m.Profile)); err != nil {
				return fmt.Errorf("leave: %w", err)
			}
		}
	}
	rows = rows[:0]
	for _, p := range c.Enter {
		rows = append(rows, []any{p.Person, p.Class, string(p.Profile), p.Level, at, rights.Forever})
		touched[p.Person] = true
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO class_member (person, class, profile, level, valid_from, valid_to) VALUES `,
		`ON CONFLICT (person, class, profile) DO UPDATE SET level = excluded.level, valid_to = excluded.valid_to,
		valid_from = CASE WHEN class_member.valid_to > excluded.valid_from THEN class_member.valid_from ELSE excluded.valid_from END`, rows); err != nil {
		return fmt.Errorf("enter: %w", err)
	}
	for _, p := range c.Exit {
		touched[p.Person] = true
		if _, err := tx.Exec(ctx, `UPDATE class_member SET valid_to = $4 WHERE person = $1 AND class = $2 AND profile = $3 AND valid_to > $4`,
			p.Person, p.Class, string(p.Profile), at); err != nil {
			return fmt.Errorf("exit: %w", err)
		}
	}
	rows = rows[:0]
	for _, l := range c.Link {
		rows = append(rows, []any{l.Relative, l.Pupil, c.School, at, rights.Forever})
		touched[l.Relative], touched[l.Pupil] = true, true
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO family_link (relative, pupil, school, valid_from, valid_to) VALUES `,
		`ON CONFLICT (relative, pupil) DO UPDATE SET school = excluded.school, valid_to = excluded.valid_to,
		valid_from = CASE WHEN family_link.valid_to > excluded.valid_from THEN family_link.valid_from ELSE excluded.valid_from END`, rows); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	for _, l := range c.Unlink {
		touched[l.Relative], touched[l.Pupil] = true, true
		if _, err := tx.Exec(ctx, `UPDATE family_link SET valid_to = $3 WHERE relative = $1 AND pupil = $2 AND valid_to > $3`, l.Relative, l.Pupil, at); err != nil {
			return fmt.Errorf("unlink: %w", err)
		}
	}
	for _, p := range c.Touched {
		touched[p] = true
	}
	list := make([]string, 0, len(touched))
	for p := range touched {
		list = append(list, p)
	}
	return refresh(ctx, tx, list)
}

// turn makes the changes of a school follow each other: principals are derived
// from what the transaction sees, and two at once would each miss the other's.
func turn(ctx context.Context, tx *db.Tx, school string) error {
	if _, err := tx.Exec(ctx, `UPDATE school SET name = name WHERE id = $1`, school); err != nil {
		return fmt.Errorf("turn: %w", err)
	}
	return nil
}

// PrincipalLabel names an automatic group as people say it: "Familles de CE1 B",
// "Élèves des Renards". t speaks the language, class gives a class's label by its id.
func PrincipalLabel(t func(key string, pairs ...any) string, principal string, class func(id string) string) string {
	part := strings.Split(principal, ":")
	switch {
	case part[0] == "class" && len(part) == 3:
		return t("people.of."+part[2], "of", i18n.OfClass(class(part[1])))
	case part[0] == "level" && len(part) == 4:
		return t("people.of."+part[3], "of", i18n.OfClass(part[2]))
	case part[0] == "school" && len(part) == 2:
		return t("people.school." + part[1])
	}
	return ""
}
