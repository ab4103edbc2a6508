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
	// The changes of a school follow each other: principals are derived from
	// what the transaction sees, and two at once would each miss the other's.
	if _, err := tx.Exec(ctx, `UPDATE school SET name = name WHERE id = $1`, c.School); err != nil {
		return fmt.Errorf("turn: %w", err)
	}
	at := now.UnixMilli()
	touched := map[string]bool{}
	var rows [][]any
	for _, m := range c.Join {
		rows = append(rows, []any{m.Person, m.School, string(m.Profile), m.Head, at, rights.Forever})
		touched[m.Person] = true
	}
	// An open membership keeps its first day.
	if _, err := db.Insert(ctx, tx, `INSERT INTO membership (person, school, profile, head, valid_from, valid_to) VALUES `,
		`ON CONFLICT (person, school, profile) DO UPDATE SET head = excluded.head, valid_to = excluded.valid_to,
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

// caption writes, under a name, who the person is: "Mère d’Inès et de Yanis",
// "Enseignante, CE1 B", "Élève, CE1 B".
func caption(ctx context.Context, tx *db.Tx, persons []string) error {
	list, args := db.In(nil, persons)
	type row struct{ Person, Kind, Word, Civility string }
	rows, err := db.All[row](ctx, tx, `SELECT person, kind, word, civility FROM (
		SELECT m.person AS person, CASE WHEN m.head THEN 'head' ELSE m.profile END AS kind, '' AS word, p.civility AS civility, '' AS rank
		FROM membership m JOIN person p ON p.id = m.person WHERE m.valid_to = 9007199254740991 AND m.person IN (`+list+`)
		UNION ALL
		SELECT cm.person, 'class', c.label, '', c.label_key FROM class_member cm JOIN class c ON c.id = cm.class
		WHERE cm.valid_to = 9007199254740991 AND cm.person IN (`+list+`)
		UNION ALL
		SELECT f.relative, 'child', k.first, '', k.birth || k.first FROM family_link f JOIN person k ON k.id = f.pupil
		JOIN membership km ON km.person = k.id AND km.profile = 'pupil' AND km.valid_to = 9007199254740991
		WHERE f.valid_to = 9007199254740991 AND f.relative IN (`+list+`)
		) x ORDER BY person, kind, rank, word`, args...)
	if err != nil {
		return err
	}
	type facts struct {
		kinds             map[string]bool
		civility          string
		classes, children []string
	}
	by := map[string]*facts{}
	for _, p := range persons {
		by[p] = &facts{kinds: map[string]bool{}}
	}
	for _, r := range rows {
		f := by[r.Person]
		switch r.Kind {
		case "class":
			f.classes = append(f.classes, r.Word)
		case "child":
			f.children = append(f.children, i18n.Of(r.Word))
		default:
			f.kinds[r.Kind] = true
			f.civility = r.Civility
		}
	}
	for p, f := range by {
		if _, err := tx.Exec(ctx, `UPDATE person SET caption = $2 WHERE id = $1 AND caption <> $2`, p, describe(f.kinds, f.civility, f.classes, f.children)); err != nil {
			return err
		}
	}
	return nil
}

func describe(kinds map[string]bool, civility string, classes, children []string) string {
	word := func(m, f, either string) string {
		switch civility {
		case "M":
			return m
		case "F":
			return f
		}
		return either
	}
	var parts []string
	if kinds["operator"] {
		parts = append(parts, "Exploitation du portail")
	}
	switch {
	case kinds["head"]:
		parts = append(parts, word("Directeur", "Directrice", "Direction"))
	case kinds["teacher"]:
		parts = append(parts, word("Enseignant", "Enseignante", "Équipe enseignante"))
	case kinds["staff"]:
		parts = append(parts, "Personnel")
	case kinds["guest"]:
		parts = append(parts, word("Invité", "Invitée", "Invité"))
	case kinds["pupil"]:
		parts = append(parts, "Élève")
	}
	if len(classes) > 0 && len(classes) <= 3 {
		parts = append(parts, i18n.List(classes...))
	}
	if kinds["relative"] && len(children) > 0 {
		who := word("Père", "Mère", "Parent") + " " + i18n.List(children...)
		if len(parts) > 0 {
			who = strings.ToLower(who[:1]) + who[1:]
		}
		parts = append(parts, who)
	} else if kinds["relative"] && len(parts) == 0 {
		parts = append(parts, "Parent")
	}
	return strings.Join(parts, ", ")
}

// PrincipalLabel names an automatic group as people say it: "Familles de CE1 B",
// "Élèves de CM2". t speaks the language, class gives a class's label by its id.
func PrincipalLabel(t func(key string, pairs ...any) string, principal string, class func(id string) string) string {
	part := strings.Split(principal, ":")
	switch {
	case part[0] == "class" && len(part) == 3:
		return t("people.of."+part[2], "what", class(part[1]))
	case part[0] == "level" && len(part) == 4:
		return t("people.of."+part[3], "what", part[2])
	case part[0] == "school" && len(part) == 2:
		return t("people.school." + part[1])
	}
	return ""
}
