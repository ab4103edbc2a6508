package classroom

import (
	"context"
	"fmt"
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

// Group is a manual group with its author.
type Group struct {
	ID      string
	Label   string
	Owner   string
	By      string // first name and name of the owner
	N       int
	ValidTo int64 `db:"valid_to"`
}

// Member is somebody in a group, or who could be.
type Member struct {
	ID      string
	First   string
	Last    string
	Avatar  string
	Caption people.Caption
	Chosen  bool
}

// Name is "Inès Kermadec".
func (m Member) Name() string { return m.First + " " + m.Last }

const groupColumns = `gr.id, gr.label, gr.owner, p.first || ' ' || CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS by,
	(SELECT count(*) FROM group_member gm WHERE gm.group_id = gr.id AND gm.valid_to > $2) AS n, gr.valid_to`

// Groups lists the manual groups of the grant's school, by name.
func Groups(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) ([]Group, error) {
	return db.All[Group](ctx, q, `SELECT `+groupColumns+` FROM school_group gr JOIN person p ON p.id = gr.owner
		WHERE gr.school = $1 AND gr.valid_to > $2 ORDER BY gr.label_key, gr.id`, g.School(), now.UnixMilli())
}

// FindGroup finds a group of the grant's school; a deleted one only with gone.
func FindGroup(ctx context.Context, q db.Querier, g rights.Grant, group string, gone bool, now time.Time) (Group, error) {
	gr, ok, err := db.One[Group](ctx, q, `SELECT `+groupColumns+` FROM school_group gr JOIN person p ON p.id = gr.owner
		WHERE gr.school = $1 AND gr.id = $3`, g.School(), now.UnixMilli(), group)
	if err == nil && (!ok || !gone && gr.ValidTo <= now.UnixMilli()) {
		err = errs.ErrNotFound
	}
	return gr, err
}

// own refuses whoever neither made the group nor leads the school.
func own(g rights.Grant, gr Group) error {
	if v := g.Viewer(); v != nil && v.Person != gr.Owner && !head(g) {
		return errs.ErrDenied
	}
	return nil
}

// facts are a person's caption in the school $1.
const facts = `coalesce((SELECT pc.facts FROM person_caption pc WHERE pc.person = p.id AND pc.school = $1), '')`

// Members lists who is in a group, by name.
func Members(ctx context.Context, q db.Querier, g rights.Grant, group string, now time.Time) ([]Member, error) {
	return db.All[Member](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, `+facts+` AS caption, TRUE AS chosen
		FROM group_member gm JOIN school_group gr ON gr.id = gm.group_id JOIN person p ON p.id = gm.person
		WHERE gm.group_id = $3 AND gr.school = $1 AND gm.valid_to > $2 AND EXISTS (SELECT 1 FROM membership m
			WHERE m.person = p.id AND m.school = $1 AND m.valid_from <= $2 AND m.valid_to > $2) ORDER BY p.name_key, p.id`, g.School(), now.UnixMilli(), group)
}

// Named lists pupils and relatives of the school by id: those a form chose.
func Named(ctx context.Context, q db.Querier, g rights.Grant, ids []string, now time.Time) ([]Member, error) {
	list, args := db.In([]any{g.School(), now.UnixMilli()}, ids)
	return db.All[Member](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, `+facts+` AS caption, TRUE AS chosen
		FROM person p WHERE p.id IN (`+list+`) AND EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.school = $1
			AND m.profile IN ('pupil', 'relative') AND m.valid_from <= $2 AND m.valid_to > $2) ORDER BY p.name_key, p.id`, args...)
}

// Eligible finds pupils and relatives of the school by the beginning of a name,
// among those whom the grant's holder may reach.
func Eligible(ctx context.Context, q db.Querier, g rights.Grant, words string, now time.Time) ([]Member, error) {
	key := i18n.Fold(words)
	if key == "" {
		return nil, nil
	}
	gate, args := people.Reachable(g.Viewer(), []any{g.School(), now.UnixMilli(), key + "%", "% " + key + "%"})
	return db.All[Member](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, `+facts+` AS caption, FALSE AS chosen
		FROM (SELECT DISTINCT person FROM `+gate+` g WHERE school = $1) r JOIN person p ON p.id = r.person
		WHERE (p.name_key LIKE $3 OR p.name_key LIKE $4) AND EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.school = $1
			AND m.profile IN ('pupil', 'relative') AND m.valid_from <= $2 AND m.valid_to > $2) ORDER BY p.name_key, p.id LIMIT 30`, args...)
}

// most is how many people a manual group holds: more is the whole school, for
// which there is an automatic one.
const most = 500

// SaveGroup creates a group (id "") or writes its name and members anew. Only
// pupils and relatives of the school are members; others are a fault.
func SaveGroup(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, group, label string, members []string) (string, error) {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return "", err
	}
	f := errs.Fields{}
	label = strings.Join(strings.Fields(label), " ")
	switch {
	case label == "" || i18n.Fold(label) == "":
		f.Add("nom", "classroom.fault.group")
	case len([]rune(label)) > longest:
		f.Add("nom", "classroom.fault.long", "n", longest)
	}
	slices.Sort(members)
	members = slices.Compact(members)
	if len(members) > most {
		f.Add("membre", "classroom.fault.members_many", "n", most)
		members = nil
	}
	known, err := Named(ctx, tx, g, members, now)
	if err != nil {
		return "", err
	}
	if len(known) != len(members) {
		f.Add("membre", "classroom.fault.members")
	}
	if err := f.Err(); err != nil {
		return "", err
	}
	touched := slices.Clone(members)
	if group == "" {
		group = id.New()
		if _, err := tx.Exec(ctx, `INSERT INTO school_group (id, school, owner, label, label_key, created_at, valid_to) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			group, g.School(), g.Viewer().Person, label, i18n.Fold(label), now.UnixMilli(), rights.Forever); err != nil {
			return "", fmt.Errorf("group: %w", err)
		}
	} else {
		gr, err := FindGroup(ctx, tx, g, group, false, now)
		if err == nil {
			err = own(g, gr)
		}
		if err != nil {
			return "", err
		}
		// From here on the group is ours until the end: who was in it is read
		// after.
		if _, err := tx.Exec(ctx, `UPDATE school_group SET label = $2, label_key = $3 WHERE id = $1`, group, label, i18n.Fold(label)); err != nil {
			return "", fmt.Errorf("group: %w", err)
		}
		before, err := db.All[string](ctx, tx, `SELECT person FROM group_member WHERE group_id = $1 AND valid_to > $2`, group, now.UnixMilli())
		if err != nil {
			return "", err
		}
		list, args := db.In([]any{group, now.UnixMilli()}, members)
		if _, err := tx.Exec(ctx, `UPDATE group_member SET valid_to = $2 WHERE group_id = $1 AND valid_to > $2 AND person NOT IN (`+orNone(list)+`)`, args...); err != nil {
			return "", fmt.Errorf("group: %w", err)
		}
		touched = append(touched, before...)
	}
	rows := make([][]any, len(members))
	for i, m := range members {
		rows[i] = []any{group, m, now.UnixMilli(), rights.Forever}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO group_member (group_id, person, valid_from, valid_to) VALUES `,
		`ON CONFLICT (group_id, person) DO UPDATE SET valid_to = excluded.valid_to,
		valid_from = CASE WHEN group_member.valid_to > excluded.valid_from THEN group_member.valid_from ELSE excluded.valid_from END`, rows); err != nil {
		return "", fmt.Errorf("group: %w", err)
	}
	return group, people.Apply(ctx, tx, g, now, people.Change{School: g.School(), Touched: touched})
}

// orNone keeps NOT IN true of everybody when the list is empty.
func orNone(list string) string {
	if list == "NULL" {
		return "''"
	}
	return list
}

// CloseGroup deletes a group, or brings a deleted one back.
func CloseGroup(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, group string, gone bool) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	gr, err := FindGroup(ctx, tx, g, group, !gone, now)
	if err == nil {
		err = own(g, gr)
	}
	if err != nil {
		return err
	}
	to := rights.Forever
	if gone {
		to = now.UnixMilli()
	}
	if _, err := tx.Exec(ctx, `UPDATE school_group SET valid_to = $2 WHERE id = $1`, group, to); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	members, err := db.All[string](ctx, tx, `SELECT person FROM group_member WHERE group_id = $1`, group)
	if err != nil {
		return err
	}
	return people.Apply(ctx, tx, g, now, people.Change{School: g.School(), Touched: members})
}
