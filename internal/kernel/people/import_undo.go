package people

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Forget removes all that the services hold of a person, so that the person
// can be removed.
type Forget func(ctx context.Context, tx *db.Tx, person string) error

// CanUndo says why an import cannot be undone, as an errs.Conflict; nil when it
// can: it is the school's last, 30 days old at most, and none of those whom it
// created has activated an account.
func CanUndo(ctx context.Context, q db.Querier, now time.Time, imp Import) error {
	_, err := undoable(ctx, q, now, imp)
	return err
}

func undoable(ctx context.Context, q db.Querier, now time.Time, imp Import) (journal, error) {
	var j journal
	switch last, ok, err := lastWritten(ctx, q, imp.School); {
	case err != nil:
		return j, err
	case imp.State == ImportUndone:
		return j, errs.New(errs.Conflict, "people.undo_done")
	case imp.State != ImportDone:
		return j, errs.New(errs.Conflict, "people.undo_not_applied")
	case !ok || last.ID != imp.ID:
		return j, errs.New(errs.Conflict, "people.undo_later")
	case imp.AppliedAt == nil || now.Sub(time.UnixMilli(*imp.AppliedAt)) > keepImports:
		return j, errs.New(errs.Conflict, "people.undo_old")
	}
	kept, err := db.Value[[]byte](ctx, q, `SELECT journal FROM import WHERE id = $1`, imp.ID)
	if err != nil {
		return j, err
	}
	if len(kept) == 0 {
		return j, errs.New(errs.Conflict, "people.undo_old")
	}
	if err := unpack(kept, &j); err != nil {
		return j, err
	}
	active := 0
	for batch := range slices.Chunk(created(j.Persons), 400) {
		list, args := db.In(nil, batch)
		n, err := db.Value[int](ctx, q, `SELECT count(*) FROM person WHERE (activated_at IS NOT NULL OR seen_at IS NOT NULL) AND id IN (`+list+`)`, args...)
		if err != nil {
			return j, err
		}
		active += n
	}
	if active > 0 {
		return j, errs.New(errs.Conflict, "people.undo_active", "n", active)
	}
	return j, nil
}

// UndoImport takes an import back: whoever it created is removed with
// everything, and every row it changed is as before, unless somebody changed
// that row since. The school stays, even when the import created it.
func UndoImport(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school, imp string, forget Forget) error {
	if err := mayImport(ctx, tx, g, school); err != nil {
		return err
	}
	i, err := ImportByID(ctx, tx, school, imp)
	if err != nil {
		return err
	}
	j, err := undoable(ctx, tx, now, i)
	if err != nil {
		return err
	}
	var outside []string
	for _, e := range j.Persons {
		outside = append(outside, e.Now.ID)
	}
	current, err := load(ctx, tx, school, outside)
	if err != nil {
		return err
	}
	u := undo{tx: tx, school: school, gone: set(created(j.Persons)), closed: set(created(j.Classes)), touched: map[string]bool{}}
	// Somebody was placed by hand in a class that would go.
	ours := map[string]bool{}
	for _, e := range j.Places {
		ours[e.Now.key()] = true
	}
	for k, p := range current.places {
		if u.closed[p.Class] && !u.gone[p.Person] && !ours[k] {
			return errs.New(errs.Conflict, "people.undo_class", "label", current.classes[p.Class].Label)
		}
	}
	classes, err := u.rows(ctx, j, current)
	if err != nil {
		return err
	}
	if err := u.remove(ctx, forget); err != nil {
		return err
	}
	// After the new classes went: one may have taken the label of an old one.
	if err := updateClasses(ctx, tx, classes); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE import SET state = $2, undone_at = $3, journal = NULL WHERE id = $1`, imp, ImportUndone, now.UnixMilli()); err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE import SET files = NULL WHERE school = $1 AND state IN ($2, $3)`, school, ImportDone, ImportUndone); err != nil {
		return fmt.Errorf("undo: %w", err)
	}
	if err := refresh(ctx, tx, slices.Sorted(maps.Keys(u.touched))); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g.For(school), now, "import.undo", imp, fmt.Sprintf("%d persons removed", len(u.gone)))
}

func set(list []string) map[string]bool {
	out := make(map[string]bool, len(list))
	for _, x := range list {
		out[x] = true
	}
	return out
}

type undo struct {
	tx      *db.Tx
	school  string
	gone    map[string]bool // persons who go
	closed  map[string]bool // classes that go
	touched map[string]bool // persons who stay and whose rights or caption change
}

// undone gives the rows to write back and those to delete, of one table: none
// that somebody changed since, none of those who go.
func undone[R keyed](list []edit[R], current map[string]R, goes func(R) bool) (back, drop []R) {
	for _, e := range list {
		if goes(e.Now) || current[e.Now.key()] != e.Now {
			continue
		}
		if e.Was != nil {
			back = append(back, *e.Was)
		} else {
			drop = append(drop, e.Now)
		}
	}
	return back, drop
}

// rows brings back what the import changed of persons who stay, and gives the
// classes to bring back when the new ones are gone.
func (u undo) rows(ctx context.Context, j journal, current directory) ([]classRow, error) {
	persons, _ := undone(j.Persons, current.persons, func(r personRow) bool { return u.gone[r.ID] })
	if err := updatePersons(ctx, u.tx, persons); err != nil {
		return nil, err
	}
	for _, r := range persons {
		u.touched[r.ID] = true
	}
	classes, _ := undone(j.Classes, current.classes, func(r classRow) bool { return u.closed[r.ID] })
	for _, c := range classes {
		for _, p := range current.places {
			if p.Class == c.ID && !u.gone[p.Person] {
				u.touched[p.Person] = true
			}
		}
	}
	members, strangers := undone(j.Members, current.members, func(r memberRow) bool { return u.gone[r.Person] })
	for _, r := range strangers {
		u.touched[r.Person] = true
		if _, err := u.tx.Exec(ctx, `DELETE FROM membership WHERE person = $1 AND school = $2 AND profile = $3`, r.Person, u.school, r.Profile); err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
	}
	for _, r := range members {
		u.touched[r.Person] = true
		if _, err := u.tx.Exec(ctx, `UPDATE membership SET head = $4, valid_from = $5, valid_to = $6, head_at = $7 WHERE person = $1 AND school = $2 AND profile = $3`,
			r.Person, u.school, r.Profile, r.Head, r.From, r.To, r.HeadAt); err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
	}
	places, left := undone(j.Places, current.places, func(r placeRow) bool { return u.gone[r.Person] })
	for _, r := range left {
		u.touched[r.Person] = true
		if _, err := u.tx.Exec(ctx, `DELETE FROM class_member WHERE person = $1 AND class = $2 AND profile = $3`, r.Person, r.Class, r.Profile); err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
	}
	for _, r := range places {
		u.touched[r.Person] = true
		if _, err := u.tx.Exec(ctx, `UPDATE class_member SET level = $4, valid_from = $5, valid_to = $6 WHERE person = $1 AND class = $2 AND profile = $3`,
			r.Person, r.Class, r.Profile, r.Level, r.From, r.To); err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
	}
	links, cut := undone(j.Links, current.links, func(r linkRow) bool { return u.gone[r.Relative] || u.gone[r.Pupil] })
	for _, r := range cut {
		u.touched[r.Relative], u.touched[r.Pupil] = true, true
		if _, err := u.tx.Exec(ctx, `DELETE FROM family_link WHERE relative = $1 AND pupil = $2`, r.Relative, r.Pupil); err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
	}
	for _, r := range links {
		u.touched[r.Relative], u.touched[r.Pupil] = true, true
		if _, err := u.tx.Exec(ctx, `UPDATE family_link SET school = $3, note = $4, valid_from = $5, valid_to = $6 WHERE relative = $1 AND pupil = $2`,
			r.Relative, r.Pupil, r.School, r.Note, r.From, r.To); err != nil {
			return nil, fmt.Errorf("undo: %w", err)
		}
	}
	// Those who stay lose their links to those who go, and their places in
	// classes that go.
	for _, p := range current.places {
		if u.closed[p.Class] {
			u.touched[p.Person] = true
		}
	}
	for _, l := range current.links {
		if u.gone[l.Relative] != u.gone[l.Pupil] {
			u.touched[l.Relative], u.touched[l.Pupil] = true, true
		}
	}
	return classes, nil
}

// remove takes away whoever the import created, then its classes.
func (u undo) remove(ctx context.Context, forget Forget) error {
	gone := slices.Sorted(maps.Keys(u.gone))
	for _, p := range gone {
		delete(u.touched, p)
		if forget != nil {
			if err := forget(ctx, u.tx, p); err != nil {
				return fmt.Errorf("undo: %w", err)
			}
		}
	}
	for batch := range slices.Chunk(gone, 400) {
		list, args := db.In(nil, batch)
		for _, text := range []string{
			`DELETE FROM family_link WHERE relative IN (` + list + `) OR pupil IN (` + list + `)`,
			`DELETE FROM class_member WHERE person IN (` + list + `)`,
			`DELETE FROM group_member WHERE person IN (` + list + `)`,
			`DELETE FROM membership WHERE person IN (` + list + `)`,
			`DELETE FROM person_principal WHERE person IN (` + list + `)`,
			`DELETE FROM person_caption WHERE person IN (` + list + `)`,
		} {
			if _, err := u.tx.Exec(ctx, text, args...); err != nil {
				return fmt.Errorf("undo: %w", err)
			}
		}
	}
	for batch := range slices.Chunk(gone, 400) {
		list, args := db.In(nil, batch)
		if _, err := u.tx.Exec(ctx, `DELETE FROM person WHERE id IN (`+list+`)`, args...); err != nil {
			return used(err)
		}
	}
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(u.closed)), 400) {
		list, args := db.In(nil, batch)
		if _, err := u.tx.Exec(ctx, `DELETE FROM class_member WHERE class IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("undo: %w", err)
		}
		if _, err := u.tx.Exec(ctx, `DELETE FROM class WHERE id IN (`+list+`)`, args...); err != nil {
			return used(err)
		}
	}
	return nil
}

// used tells a row that a service still points to (a word sent to a new class)
// from a failure; both engines say "foreign key".
func used(err error) error {
	if strings.Contains(strings.ToLower(err.Error()), "foreign key") {
		return errs.Wrap(errs.Conflict, err, "people.undo_used")
	}
	return fmt.Errorf("undo: %w", err)
}
