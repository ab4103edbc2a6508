// Package share is whom a thing may be given to: the people, classes and groups
// that somebody may reach, what they are called, and whom they stand for. Every
// choice of readers asks it, so that the school's matrix of who reaches whom
// holds for all services; it remembers whom each person shares with most. It
// refuses to know what is shared.
package share

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Target is somebody, or a group as people say it: "Familles de CE1 B".
type Target struct {
	Principal string // what rights are given to
	Label     string
	Kind      string         // pupil, relative, teacher, staff, group, person
	Mine      bool           // a class or a group of whoever chooses
	Starred   bool           // one of their favourites, by their own choice
	Person    people.Found   // of a person
	Caption   people.Caption // of a person
}

// Groups lists the classes, the groups and the whole of the school that a viewer
// may reach, their own first, in one statement.
func Groups(ctx context.Context, q db.Querier, v *rights.Viewer, say people.Say, school string) ([]Target, error) {
	text, args := reachable(v, school)
	rows, err := db.All[row](ctx, q, `SELECT principal, label, whom, mine FROM (`+text+`) x ORDER BY mine DESC, rank, label_key, whom`, args...)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	out := make([]Target, len(rows))
	for n, r := range rows {
		out[n] = Target{Principal: r.Principal, Label: r.words(say), Kind: r.kind(), Mine: r.Mine}
	}
	return out, nil
}

// row is a group: of a class, of a school or made by hand.
type row struct {
	Principal, Label, Whom string
	Mine                   bool
}

func (r row) kind() string {
	if r.Whom == "" {
		return "group"
	}
	return r.Whom
}

func (r row) words(say people.Say) string {
	switch {
	case r.Whom == "":
		return r.Label
	case r.Label == "":
		return say("share.school." + r.Whom)
	}
	return say("share.class."+r.Whom, "of", i18n.OfClass(r.Label))
}

// reachable is the query of the groups that a viewer may reach in a school, by
// the pairs of profiles that let people reach each other.
func reachable(v *rights.Viewer, school string) (string, []any) {
	const pairs = ` FROM %s JOIN person_principal m ON m.person = $3 AND m.school = $1 AND m.valid_from <= $4 AND m.valid_to > $4
		AND m.principal = CASE rp.extent WHEN 'school' THEN 'school:' || rp.who ELSE %s END
		LEFT JOIN reach x ON x.school = $1 AND x.who = rp.who AND x.whom = rp.whom WHERE coalesce(x.allowed, rp.allowed) AND `
	held := `EXISTS (SELECT 1 FROM person_principal h WHERE h.person = $3 AND h.school = $1 AND h.valid_from <= $4 AND h.valid_to > $4 AND h.principal `
	return `SELECT DISTINCT 'class:' || c.id || ':' || rp.whom AS principal, c.label AS label, c.label_key AS label_key, rp.whom AS whom, 1 AS rank, ` + held + `LIKE 'class:' || c.id || ':%') AS mine` +
		fmt.Sprintf(pairs, `class c CROSS JOIN reach_pair rp`, `'class:' || c.id || ':' || rp.who`) +
		`c.school = $1 AND c.year = $2 AND rp.whom IN ('pupil', 'relative', 'teacher')
	UNION SELECT DISTINCT 'school:' || rp.whom, '', '', rp.whom, 2, FALSE` +
		fmt.Sprintf(pairs, `reach_pair rp`, `''`) + `rp.extent = 'school' AND rp.whom IN ('pupil', 'relative', 'teacher', 'staff')
	UNION SELECT 'group:' || g.id, g.label, g.label_key, '', 0, g.owner = $3 FROM school_group g WHERE g.school = $1 AND g.valid_to > $4
		AND (` + held + `= 'group:' || g.id) OR ` + held + `IN ('school:teacher', 'school:staff', 'school:head')))`, []any{school, people.Year(v.Now), v.Person, v.Now.UnixMilli()}
}

// Find answers two letters with people and groups whose name begins so.
func Find(ctx context.Context, q db.Querier, v *rights.Viewer, say people.Say, school, words string, limit int) ([]Target, error) {
	key := i18n.Fold(words)
	if len(key) < 2 {
		return nil, nil
	}
	groups, err := Groups(ctx, q, v, say, school)
	if err != nil {
		return nil, err
	}
	out := slices.DeleteFunc(groups, func(t Target) bool { return !strings.Contains(" "+i18n.Fold(t.Label), " "+key) })
	found, err := people.SearchIn(ctx, q, v, school, words, limit)
	if err != nil {
		return nil, err
	}
	for _, f := range found {
		out = append(out, Target{Principal: "person:" + f.ID, Label: strings.TrimSpace(f.First + " " + f.Last), Kind: "person", Person: f, Caption: f.Caption})
	}
	return out[:min(len(out), limit)], nil
}

// Reached keeps, of some principals, those that a viewer may reach in the school.
func Reached(ctx context.Context, q db.Querier, v *rights.Viewer, school string, principals []string) ([]string, error) {
	var persons, groups, out []string
	for _, p := range principals {
		if who, ok := strings.CutPrefix(p, "person:"); ok && id.Valid(who) {
			persons = append(persons, who)
		} else {
			groups = append(groups, p)
		}
	}
	if len(groups) > 0 {
		text, args := reachable(v, school)
		list, args := db.In(args, groups)
		found, err := db.All[string](ctx, q, `SELECT DISTINCT principal FROM (`+text+`) x WHERE principal IN (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("share: %w", err)
		}
		out = append(out, found...)
	}
	if len(persons) > 0 {
		gate, args := people.Reachable(v, []any{school})
		list, args := db.In(args, persons)
		found, err := db.All[string](ctx, q, `SELECT DISTINCT 'person:' || person FROM `+gate+` g WHERE school = $1 AND person IN (`+list+`)`, args...)
		if err != nil {
			return nil, fmt.Errorf("share: %w", err)
		}
		out = append(out, found...)
	}
	return out, nil
}

// Check demands that a viewer may reach every principal, each named once.
func Check(ctx context.Context, q db.Querier, v *rights.Viewer, school string, principals []string) error {
	known, err := Reached(ctx, q, v, school, principals)
	if err == nil && len(known) < len(principals) {
		err = errs.Field("a", "share.unknown")
	}
	return err
}

// Names says what principals are called, to whoever knows already that they
// were given something.
func Names(ctx context.Context, q db.Querier, say people.Say, principals []string) (map[string]Target, error) {
	var classes, groups, persons []string
	out := make(map[string]Target, len(principals))
	for _, p := range principals {
		kind, ref, _ := strings.Cut(p, ":")
		switch kind {
		case "class":
			class, _, _ := strings.Cut(ref, ":")
			classes = append(classes, class)
		case "group":
			groups = append(groups, ref)
		case "person":
			persons = append(persons, ref)
		case "school":
			out[p] = Target{Principal: p, Kind: ref, Label: row{Whom: ref}.words(say)}
		}
	}
	if len(classes)+len(groups)+len(persons) == 0 {
		return out, nil
	}
	c, args := db.In(nil, classes)
	g, args := db.In(args, groups)
	p, args := db.In(args, persons)
	rows, err := db.All[struct{ Kind, Ref, First, Last, Avatar string }](ctx, q, `SELECT 'class' AS kind, id AS ref, label AS first, '' AS last, '' AS avatar FROM class WHERE id IN (`+c+`)
		UNION ALL SELECT 'group', id, label, '', '' FROM school_group WHERE id IN (`+g+`)
		UNION ALL SELECT 'person', id, first, CASE WHEN use_name <> '' THEN use_name ELSE last END, avatar FROM person WHERE id IN (`+p+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("share: %w", err)
	}
	by := map[string]Target{}
	for _, r := range rows {
		by[r.Kind+":"+r.Ref] = Target{Label: strings.TrimSpace(r.First + " " + r.Last), Person: people.Found{ID: r.Ref, First: r.First, Last: r.Last, Avatar: r.Avatar}}
	}
	for _, p := range principals {
		kind, ref, _ := strings.Cut(p, ":")
		switch kind {
		case "class":
			class, whom, _ := strings.Cut(ref, ":")
			if t, ok := by["class:"+class]; ok {
				out[p] = Target{Principal: p, Kind: whom, Label: row{Label: t.Label, Whom: whom}.words(say)}
			}
		case "group", "person":
			if t, ok := by[p]; ok {
				t.Principal, t.Kind = p, kind
				out[p] = t
			}
		}
	}
	return out, nil
}

// Persons lists who principals of a school stand for at a moment.
func Persons(ctx context.Context, q db.Querier, school string, now time.Time, principals []string) ([]string, error) {
	list, args := db.In([]any{school, now.UnixMilli()}, principals)
	return db.All[string](ctx, q, `SELECT DISTINCT person FROM person_principal WHERE principal IN (`+list+`) AND school = $1 AND valid_from <= $2 AND valid_to > $2 ORDER BY person`, args...)
}

// Pupils lists the pupils of the classes that principals are of: whom a thing
// given to their families is about.
func Pupils(ctx context.Context, q db.Querier, school string, now time.Time, principals []string) ([]string, error) {
	var classes []string
	for _, p := range principals {
		if ref, ok := strings.CutPrefix(p, "class:"); ok {
			class, whom, _ := strings.Cut(ref, ":")
			if whom == "relative" {
				classes = append(classes, "class:"+class+":pupil")
			}
		}
	}
	if len(classes) == 0 {
		return nil, nil
	}
	return Persons(ctx, q, school, now, classes)
}
