package people

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// Caption is what stands under a name in one school, as facts: who shows it
// says it in words, and tells of kinship only those who may know it.
type Caption string

// Say speaks the language of a page.
type Say func(key string, pairs ...any) string

// For is the caption as a viewer may read it: the school's staff know all of
// it; a family knows of its own children; others learn nothing of anybody's
// family, a colleague's least of all.
func (c Caption) For(say Say, v *rights.Viewer, school string) string {
	return c.words(say, func(pupil string) bool {
		return v.Person == pupil || slices.ContainsFunc(v.Children, func(k rights.Child) bool { return k.ID == pupil }) ||
			slices.Contains(v.SchoolsAs(rights.Teacher, rights.Staff, rights.Head), school)
	})
}

// Whole is the caption with every child, for pages of the school's staff.
func (c Caption) Whole(say Say) string { return c.words(say, func(string) bool { return true }) }

// Public is the caption without any kinship.
func (c Caption) Public(say Say) string { return c.words(say, func(string) bool { return false }) }

func (c Caption) words(say Say, known func(pupil string) bool) string {
	kinds := map[string]bool{}
	form := "x"
	var classes, children []string
	for line := range strings.SplitSeq(string(c), "\n") {
		fact, rest, _ := strings.Cut(line, " ")
		switch fact {
		case "is":
			kind, civility, _ := strings.Cut(rest, " ")
			kinds[kind] = true
			if civility != "" {
				form = strings.ToLower(civility)
			}
		case "in":
			classes = append(classes, say("people.caption."+ofClass(rest), "class", i18n.TheClass(rest)))
		case "of":
			if pupil, first, _ := strings.Cut(rest, " "); known(pupil) {
				children = append(children, i18n.Of(first))
			}
		}
	}
	who := ""
	for _, kind := range []string{"operator", "head", "teacher", "staff", "guest", "pupil"} {
		if kinds[kind] {
			who = kind
			break
		}
	}
	out, kin := "", i18n.List(children...)
	switch {
	case who == "" && kin != "":
		return say("people.caption.kin."+form, "of", kin)
	case who == "" && kinds["relative"]:
		return say("people.caption.relative")
	case who == "":
		return ""
	case len(classes) > 0 && len(classes) <= 3 && (who == "head" || who == "teacher" || who == "pupil"):
		out = say("people.caption."+who+"_in."+form, "classes", i18n.List(classes...))
	default:
		out = say("people.caption." + who + "." + form)
	}
	if kin != "" {
		out = say("people.caption.and_kin."+form, "who", out, "of", kin)
	}
	return out
}

// ofClass tells "du CE1 B" from "de la classe des Renards".
func ofClass(label string) string {
	for _, level := range Levels[4:] { // CP on
		if strings.HasPrefix(label, level) {
			return "of_level"
		}
	}
	return "of_class"
}

// captions derive the facts of persons; each branch has the person's column
// first, as those of principals have.
var captions = []struct{ column, text string }{
	{"m.person", `SELECT m.person AS person, m.school AS school, 'is ' || CASE WHEN m.head THEN 'head' ELSE m.profile END || ' ' || p.civility AS line, 0 AS rank, '' AS ord
		FROM membership m JOIN person p ON p.id = m.person WHERE m.valid_to = 9007199254740991 AND %s`},
	{"cm.person", `SELECT cm.person, c.school, 'in ' || c.label, 1, c.label_key FROM class_member cm JOIN class c ON c.id = cm.class
		WHERE cm.valid_to = 9007199254740991 AND %s`},
	{"f.relative", `SELECT f.relative, km.school, 'of ' || k.id || ' ' || k.first, 2, k.birth || k.first FROM family_link f JOIN person k ON k.id = f.pupil
		JOIN membership km ON km.person = k.id AND km.profile = 'pupil' AND km.valid_to = 9007199254740991
		WHERE f.valid_to = 9007199254740991 AND %s`},
}

func deriveCaptions(where func(column string) string) string {
	var parts []string
	for _, b := range captions {
		parts = append(parts, fmt.Sprintf(b.text, where(b.column)))
	}
	return `SELECT person, school, string_agg(line, '
' ORDER BY rank, ord, line) AS facts FROM (` + strings.Join(parts, " UNION ALL ") + `) x GROUP BY person, school`
}

// caption brings the captions of some persons up to date.
func caption(ctx context.Context, tx *db.Tx, list string, args []any) error {
	if _, err := tx.Exec(ctx, `DELETE FROM person_caption WHERE person IN (`+list+`)`, args...); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO person_caption (person, school, facts) `+
		deriveCaptions(func(column string) string { return column + " IN (" + list + ")" }), args...)
	return err
}
