package liaison

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// AnnounceAbsence tells the school that a child will be absent: the teachers of
// the class, the head and, without why, the staff. A half-day is announced once,
// by one relative.
func AnnounceAbsence(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, d AbsenceDraft) (string, error) {
	if err := g.Must(ctx, tx, Announce); err != nil {
		return "", err
	}
	return announce(ctx, tx, core, g, g.Viewer(), now, d)
}

// announce writes the absence that v, a relative, announces.
func announce(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, v *rights.Viewer, now time.Time, d AbsenceDraft) (string, error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return "", err
	}
	if _, ok, err := db.One[string](ctx, tx, `SELECT id FROM absence WHERE id = $1 AND author = $2`, d.ID, v.Person); err != nil || ok {
		return d.ID, err
	}
	p, err := placeOf(ctx, tx, v, d.Pupil)
	if err != nil {
		return "", err
	}
	if p.School != g.School() {
		return "", errs.ErrNotFound
	}
	if err := count(ctx, tx, g, v, now, "du"); err != nil {
		return "", err
	}
	local := now.In(memberZone(v, p.School))
	if err := d.Check(local); err != nil {
		return "", err
	}
	if _, err := resource.Create(ctx, tx, g, now, resource.Row{ID: d.ID, School: p.School, Kind: Absence, Owner: v.Person, Manager: kin(p.Pupil, v.Person),
		Title: core.Catalog.T("liaison.absence_of", "of", i18n.Of(p.First+" "+p.Last)), Summary: period(core.Catalog.T, d.Halves, local)}); err != nil {
		return "", err
	}
	if err := resource.Share(ctx, tx, d.ID, rights.Contribute, append(p.teachers(), "school:head")...); err != nil {
		return "", err
	}
	if err := resource.Share(ctx, tx, d.ID, rights.Comment, "school:staff"); err != nil {
		return "", err
	}
	var reason any
	if d.Reason != "" {
		reason = d.Reason
	}
	if _, err := tx.Exec(ctx, `INSERT INTO absence (id, school, pupil, author, reason, words, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.ID, p.School, p.Pupil, v.Person, reason, d.Words, now.UnixMilli()); err != nil {
		return "", fmt.Errorf("absence: %w", err)
	}
	if err := away(ctx, tx, d.ID, p.Pupil, p.School, d.Halves); err != nil {
		return "", err
	}
	return d.ID, tellSchool(ctx, tx, core, g, notify.Event{School: p.School, Resource: d.ID, Actor: v.Person, Pupils: []string{p.Pupil}, At: now, Tell: now.Add(undoFor)})
}

// memberZone is where a school keeps its hours, as its members know it.
func memberZone(v *rights.Viewer, school string) *time.Location {
	for _, m := range v.Memberships {
		if m.School == school && m.Zone != "" {
			return clock.Zone(m.Zone)
		}
	}
	return v.Zone()
}

// away writes half-days; one that is announced already refuses all.
//
// scope: written by whoever holds the grant of its caller
func away(ctx context.Context, tx *db.Tx, absence, pupil, school string, halves []Half) error {
	rows := make([][]any, len(halves))
	for i, h := range halves {
		rows[i] = []any{pupil, h.Day, h.n(), absence, school}
	}
	n, err := db.Insert(ctx, tx, `INSERT INTO absence_half (pupil, day, half, absence, school) VALUES `, `ON CONFLICT DO NOTHING`, rows)
	if err != nil {
		return fmt.Errorf("absence: %w", err)
	}
	if int(n) < len(rows) {
		return errs.Field("du", "liaison.absence_known")
	}
	return nil
}

// hold takes an absence that stands until the end of the transaction, with its
// half-days; what v may still change of it is ahead.
func holdAbsence(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (a Away, ahead []Half, err error) {
	row, ok, err := db.One[struct {
		Pupil, First, Last string
		Created            int64
	}](ctx, tx, `UPDATE absence SET withdrawn_at = NULL WHERE id = $1 AND withdrawn_at IS NULL RETURNING pupil, created_at AS created,
		(SELECT p.first FROM person p WHERE p.id = absence.pupil) AS first, (SELECT CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END FROM person p WHERE p.id = absence.pupil) AS last`, g.ID())
	if err == nil && !ok {
		err = errs.Field("du", "liaison.absence_gone")
	}
	if err != nil {
		return a, nil, err
	}
	a = Away{ID: g.ID(), School: g.School(), Pupil: row.Pupil, First: row.First, Last: row.Last, Created: row.Created}
	if a.Halves, err = halvesOf(ctx, tx, g); err != nil {
		return a, nil, err
	}
	ahead = a.Ahead(now.In(memberZone(g.Viewer(), g.School())))
	return a, ahead, nil
}

func halvesOf(ctx context.Context, q db.Querier, g rights.Grant) ([]Half, error) {
	rows, err := db.All[struct {
		Day  string
		Half int
	}](ctx, q, `SELECT day, half FROM absence_half WHERE absence = $1 ORDER BY day, half`, g.ID())
	out := make([]Half, len(rows))
	for i, r := range rows {
		out[i] = Half{r.Day, r.Half == 1}
	}
	return out, err
}

// gone takes half-days out of an absence.
func gone(ctx context.Context, tx *db.Tx, g rights.Grant, halves []Half) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, h := range halves {
		if _, err := tx.Exec(ctx, `DELETE FROM absence_half WHERE absence = $1 AND day = $2 AND half = $3`, g.ID(), h.Day, h.n()); err != nil {
			return fmt.Errorf("absence: %w", err)
		}
	}
	return nil
}

// retell tells the school of what an absence has become, instead of what it was.
func retell(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, a Away, title string) error {
	local := now.In(memberZone(g.Viewer(), g.School()))
	if err := resource.Update(ctx, tx, g, now, resource.Row{ID: a.ID, Title: core.Catalog.T(title, "of", i18n.Of(a.Name())), Summary: period(core.Catalog.T, a.Halves, local)}); err != nil {
		return err
	}
	if err := notify.RemoveAll(ctx, tx, g, a.ID); err != nil {
		return err
	}
	return tellSchool(ctx, tx, core, g, notify.Event{School: a.School, Resource: a.ID, Actor: g.Viewer().Person, Pupils: []string{a.Pupil}, At: now})
}

// tellSchool tells those of the school who may know: another relative of the
// child, be they a teacher of the class, is not told who announced it.
func tellSchool(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, e notify.Event) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	e.Kind = string(Absence)
	var err error
	if e.Only, err = db.All[string](ctx, tx, `SELECT DISTINCT pp.person FROM resource_grant rg JOIN person_principal pp ON pp.principal = rg.principal AND pp.school = $2
		WHERE rg.resource = $1 AND rg.role >= $3 AND pp.valid_from <= $4 AND pp.valid_to > $4 AND pp.person <> $5
		AND NOT EXISTS (SELECT 1 FROM family_link f WHERE f.pupil = $6 AND f.relative = pp.person AND f.valid_to > $4)`,
		e.Resource, e.School, int(rights.Comment), e.At.UnixMilli(), e.Actor, e.Pupils[0]); err != nil {
		return fmt.Errorf("absence: %w", err)
	}
	if len(e.Only) == 0 { // and not everybody
		return nil
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, e)
	return err
}

// ChangeAbsence replaces what has not begun of an absence by what the draft
// says; the school has to see it again.
func ChangeAbsence(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, d AbsenceDraft) error {
	if err := g.Must(ctx, tx, AbsenceChanging); err != nil {
		return err
	}
	local := now.In(memberZone(g.Viewer(), g.School()))
	if err := d.Check(local); err != nil {
		return err
	}
	a, ahead, err := holdAbsence(ctx, tx, g, now)
	if err != nil {
		return err
	}
	if len(ahead) == 0 {
		return errs.Field("du", "liaison.absence_begun")
	}
	if err := count(ctx, tx, g, g.Viewer(), now, "du"); err != nil {
		return err
	}
	if err := gone(ctx, tx, g, ahead); err != nil {
		return err
	}
	begun := slices.DeleteFunc(slices.Clone(a.Halves), func(h Half) bool { return slices.Contains(ahead, h) })
	more := slices.DeleteFunc(d.Halves, func(h Half) bool { return slices.Contains(begun, h) })
	if err := away(ctx, tx, a.ID, a.Pupil, a.School, more); err != nil {
		return err
	}
	var reason any
	if d.Reason != "" {
		reason = d.Reason
	}
	if _, err := tx.Exec(ctx, `UPDATE absence SET reason = $2, words = $3, seen_by = NULL, seen_at = NULL WHERE id = $1`, a.ID, reason, d.Words); err != nil {
		return fmt.Errorf("absence: %w", err)
	}
	if a.Halves, err = halvesOf(ctx, tx, g); err != nil {
		return err
	}
	return retell(ctx, tx, core, g, now, a, "liaison.absence_of")
}

// WithdrawAbsence takes back what has not begun of an absence. Of one that was
// announced by mistake just now nothing stays; of another the school is told.
func WithdrawAbsence(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) (nothing bool, err error) {
	if err := g.Must(ctx, tx, AbsenceChanging); err != nil {
		return false, err
	}
	a, ahead, err := holdAbsence(ctx, tx, g, now)
	if err != nil {
		return false, err
	}
	if a.Created >= now.Add(-undoFor).UnixMilli() {
		return true, forgetAbsences(ctx, tx, g, a.ID)
	}
	if len(ahead) == 0 {
		return false, errs.Field("du", "liaison.absence_begun")
	}
	if err := gone(ctx, tx, g, ahead); err != nil {
		return false, err
	}
	if a.Halves, err = halvesOf(ctx, tx, g); err != nil {
		return false, err
	}
	if len(a.Halves) > 0 { // some of it was
		_, err = tx.Exec(ctx, `UPDATE absence SET seen_by = NULL, seen_at = NULL WHERE id = $1`, a.ID)
		if err != nil {
			return false, err
		}
		return false, retell(ctx, tx, core, g, now, a, "liaison.absence_of")
	}
	if _, err := tx.Exec(ctx, `UPDATE absence SET withdrawn_at = $2, reason = NULL, words = '', seen_by = NULL, seen_at = NULL WHERE id = $1`, a.ID, now.UnixMilli()); err != nil {
		return false, fmt.Errorf("absence: %w", err)
	}
	return false, retell(ctx, tx, core, g, now, a, "liaison.absence_withdrawn")
}

// NoteAbsence says that the school has seen an absence; once is enough.
func NoteAbsence(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Must(ctx, tx, AbsenceNoting); err != nil {
		return err
	}
	by := g.Viewer().Person
	n, err := tx.Exec(ctx, `UPDATE absence SET seen_by = coalesce(seen_by, $2), seen_at = coalesce(seen_at, $3) WHERE id = $1 AND (author IS NULL OR author <> $2)`, g.ID(), by, now.UnixMilli())
	if err == nil && n == 0 {
		err = errs.ErrDenied // who announces it is not the school
	}
	if err != nil {
		return err
	}
	return notify.Seen(ctx, tx, by, g.ID(), now)
}

// SeeAbsences takes absences that the viewer has before their eyes out of the news.
func SeeAbsences(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, list []Away) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	ids := make([]string, len(list))
	for i, a := range list {
		ids[i] = a.ID
	}
	return notify.SeenAll(ctx, tx, g.Viewer().Person, now, ids...)
}

// fresh are those that are still news.
func fresh(list []Away) []Away {
	return slices.DeleteFunc(slices.Clone(list), func(a Away) bool { return !a.Fresh })
}

// awayColumns are an absence as its viewer, $1, may know it: another relative of
// the child, be they a teacher too, learns neither why nor from whom; others
// learn why where a condition holds.
func awayColumns(why string) string {
	why = `CASE WHEN o.id IS NOT NULL AND ` + why + ` THEN `
	return `a.id, a.school, a.pupil, k.first, CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END AS last, k.avatar, a.created_at AS created, a.withdrawn_at AS withdrawn, a.seen_at,
	` + notify.Fresh("a.id", "$1") + ` AS fresh,
	coalesce(s.first || ' ' || CASE WHEN s.use_name <> '' THEN s.use_name ELSE s.last END, '') AS seen_by,
	CASE WHEN o.id IS NULL THEN '' ELSE o.id END AS author, coalesce(o.first || ' ' || CASE WHEN o.use_name <> '' THEN o.use_name ELSE o.last END, '') AS said_by,
	` + why + `coalesce(a.reason, '') ELSE '' END AS reason, ` + why + `a.words ELSE '' END AS words`
}

const awayJoins = ` JOIN person k ON k.id = a.pupil LEFT JOIN person s ON s.id = a.seen_by
	LEFT JOIN person o ON o.id = a.author AND (a.author = $1 OR NOT EXISTS (SELECT 1 FROM family_link x WHERE x.pupil = a.pupil AND x.relative = $1))`

// fold makes absences of their half-days.
func fold(rows []awayRow) []Away {
	var out []Away
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].ID != r.ID || out[n-1].Class != r.Class {
			out = append(out, r.Away)
		}
		if r.Day != nil {
			last := &out[len(out)-1]
			last.Halves = append(last.Halves, Half{*r.Day, *r.Half == 1})
		}
	}
	return out
}

type awayRow struct {
	Away
	Day  *string
	Half *int
}

// AbsentOn reads who is announced absent on a day to whoever of the school may
// know, by class, in one statement.
func AbsentOn(ctx context.Context, q db.Querier, s rights.Scope, schools []string, day string) ([]Away, error) {
	in, args := db.In([]any{s.Person(), s.At(), day}, schools)
	scope, args := s.Where("r", rights.Comment, args)
	why, args := s.Where("r", rights.Contribute, args)
	rows, err := db.All[awayRow](ctx, q, `SELECT `+awayColumns(why)+`, coalesce(c.id, '') AS class, coalesce(c.label, '') AS label, h.day, h.half
		FROM absence_half h JOIN absence a ON a.id = h.absence JOIN resource r ON r.id = a.id`+awayJoins+`
		LEFT JOIN class_member cm ON cm.person = a.pupil AND cm.profile = 'pupil' AND cm.valid_from <= $2 AND cm.valid_to > $2
		LEFT JOIN class c ON c.id = cm.class AND c.school = a.school
		WHERE h.school IN (`+in+`) AND h.day = $3 AND `+scope+` ORDER BY c.label_key, c.id, k.name_key, a.id, h.half`, args...)
	return fold(rows), err
}

// AbsencesOf reads what is announced of the viewer's children from a day on, in
// one statement: that they are absent, whoever said so; the rest of one's own.
func AbsencesOf(ctx context.Context, q db.Querier, s rights.Scope, since string, limit int) ([]Away, error) {
	in, args := db.In([]any{s.Person(), since, limit}, s.Children())
	rows, err := db.All[awayRow](ctx, q, `SELECT `+awayColumns(`1 = 1`)+`, '' AS class, '' AS label, h.day, h.half FROM (SELECT absence, max(day) AS last FROM absence_half WHERE pupil IN (`+in+`) AND day >= $2 GROUP BY absence ORDER BY last DESC, absence LIMIT $3) p
		JOIN absence a ON a.id = p.absence JOIN absence_half h ON h.absence = a.id`+awayJoins+` ORDER BY p.last DESC, a.id, h.day, h.half`, args...)
	return fold(rows), err
}

// AbsenceOf reads one.
func AbsenceOf(ctx context.Context, q db.Querier, g rights.Grant) (Away, error) {
	why := `1 = 0`
	if g.Role() >= rights.Contribute {
		why = `1 = 1`
	}
	rows, err := db.All[awayRow](ctx, q, `SELECT `+awayColumns(why)+`, '' AS class, '' AS label, h.day, h.half FROM absence a`+awayJoins+`
		LEFT JOIN absence_half h ON h.absence = a.id WHERE a.id = $2 ORDER BY h.day, h.half`, g.Viewer().Person, g.ID())
	if err != nil {
		return Away{}, err
	}
	list := fold(rows)
	if len(list) == 0 {
		return Away{}, errs.ErrNotFound
	}
	return list[0], nil
}

// forgetAbsences removes absences for good, with what told of them.
func forgetAbsences(ctx context.Context, tx *db.Tx, g rights.Grant, absences ...string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, a := range absences {
		if err := notify.RemoveAll(ctx, tx, g, a); err != nil {
			return err
		}
		for _, text := range []string{`DELETE FROM absence_half WHERE absence = $1`, `DELETE FROM absence WHERE id = $1`} {
			if _, err := tx.Exec(ctx, text, a); err != nil {
				return fmt.Errorf("forget: %w", err)
			}
		}
		if err := resource.Remove(ctx, tx, g, a); err != nil {
			return err
		}
	}
	return nil
}

// eraseAbsences forgets those of a pupil, and of a relative who said why.
func eraseAbsences(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	list, err := db.All[string](ctx, tx, `SELECT id FROM absence WHERE pupil = $1`, person)
	if err != nil {
		return err
	}
	if err := forgetAbsences(ctx, tx, g, list...); err != nil {
		return err
	}
	for _, text := range []string{`UPDATE absence SET author = NULL, reason = NULL, words = '' WHERE author = $1`, `UPDATE absence SET seen_by = NULL WHERE seen_by = $1`} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	return nil
}

// mergeAbsences makes the loser's absences the winner's.
func mergeAbsences(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{
		`UPDATE absence SET author = $1 WHERE author = $2`, `UPDATE absence SET pupil = $1 WHERE pupil = $2`, `UPDATE absence SET seen_by = $1 WHERE seen_by = $2`,
		`INSERT INTO absence_half (pupil, day, half, absence, school) SELECT $1, day, half, absence, school FROM absence_half WHERE pupil = $2 ON CONFLICT DO NOTHING`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM absence_half WHERE pupil = $1`, loser)
	return err
}

// exportAbsences hands over what somebody announced, and a pupil's absences
// without what a relative said of them.
//
// scope: the rows of the person whose data it is
func exportAbsences(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	said, err := db.All[struct {
		Absence, First, Day, Reason, Words string
		Half                               int
		CreatedAt                          int64  `db:"created_at"`
		WithdrawnAt                        *int64 `db:"withdrawn_at"`
	}](ctx, q, `SELECT a.id AS absence, k.first, coalesce(h.day, '') AS day, coalesce(h.half, 0) AS half, coalesce(a.reason, '') AS reason, a.words, a.created_at, a.withdrawn_at
		FROM absence a JOIN person k ON k.id = a.pupil LEFT JOIN absence_half h ON h.absence = a.id WHERE a.author = $1 ORDER BY a.created_at, a.id, h.day, h.half`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/absences announced", said); err != nil {
		return err
	}
	own, err := db.All[struct {
		Day  string
		Half int
	}](ctx, q, `SELECT day, half FROM absence_half WHERE pupil = $1 ORDER BY day, half`, person)
	if err != nil {
		return err
	}
	return add("liaison/absences", own)
}

// retainAbsences forgets, when a school year is over, why children were absent
// in it. That they were stays with what the school knows of the child.
func retainAbsences(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	begin := time.Date(people.Year(now), time.August, 1, 0, 0, 0, 0, time.UTC)
	_, err := tx.Exec(ctx, `UPDATE absence SET reason = NULL, words = '' WHERE created_at < $1 AND (reason IS NOT NULL OR words <> '')
		AND NOT EXISTS (SELECT 1 FROM absence_half h WHERE h.absence = absence.id AND h.day >= $2)`, begin.UnixMilli(), begin.Format(time.DateOnly))
	return err
}
