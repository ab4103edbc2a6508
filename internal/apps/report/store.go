package report

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// Subject is what may be reported.
type Subject struct{ ID, School, Kind, Title, Author string }

// Find is a resource that the viewer may read; another is not found.
func Find(ctx context.Context, q db.Querier, s rights.Scope, resource string) (Subject, error) {
	scope, args := s.Where("r", rights.Read, []any{resource})
	out, ok, err := db.One[Subject](ctx, q, `SELECT r.id, r.school, r.kind, r.title, r.owner AS author FROM resource r WHERE r.id = $1 AND `+scope, args...)
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return out, err
}

// heads are those who may deal with a report in a school: not its author. One
// says whether the author is a head.
//
// scope: the school is that of a resource that the reporter may read.
func heads(ctx context.Context, q db.Querier, school, author string, now time.Time) (persons []string, one bool, err error) {
	all, err := db.All[string](ctx, q, `SELECT DISTINCT m.person FROM membership m WHERE m.school = $1 AND m.head AND m.valid_from <= $2 AND m.valid_to > $2 ORDER BY m.person`, school, now.UnixMilli())
	for _, p := range all {
		if p == author {
			one = true
		} else {
			persons = append(persons, p)
		}
	}
	return persons, one, err
}

// Send keeps a report and tells the heads of the school. Sent twice, it is kept
// once.
func Send(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, d Draft, words string) error {
	if err := g.Must(ctx, tx, rights.SignedIn); err != nil {
		return err
	}
	if err := d.Check(); err != nil {
		return err
	}
	who := g.Viewer().Person
	s, err := Find(ctx, tx, rights.ScopeOf(who, now), d.Resource)
	if err != nil {
		return err
	}
	to, own, err := heads(ctx, tx, s.School, s.Author, now)
	if err != nil {
		return err
	}
	if own && len(to) == 0 {
		return errs.New(errs.Conflict, "report.nobody")
	}
	n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM report WHERE reporter = $1 AND at > $2`, who, now.Add(-24*time.Hour).UnixMilli())
	if err != nil {
		return err
	}
	if n >= perDay {
		return &errs.Error{Kind: errs.TooMany, Message: errs.Msg("report.too_many"), Retry: time.Hour}
	}
	made := id.New()
	added, err := tx.Exec(ctx, `INSERT INTO report (id, school, resource, title, excerpt, author, reporter, reason, said, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (resource, reporter) WHERE closed_at IS NULL AND reporter <> '' DO NOTHING`,
		made, s.School, s.ID, s.Title, words, s.Author, who, d.Reason, d.Said, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if added == 0 {
		return nil
	}
	if err := audit.Write(ctx, tx, audit.Act{At: now.UnixMilli(), School: s.School, Actor: who, Action: "report.made", Target: made}); err != nil {
		return err
	}
	box, err := open(ctx, tx, core, rights.System("report").For(s.School), now)
	if err != nil || len(to) == 0 {
		return err
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: s.School, Kind: Made, Resource: box, Actor: who, Only: to, At: now})
	return err
}

// open is the resource by which the heads of a school are told, made the first
// time.
func open(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) (string, error) {
	box := id.New()
	n, err := tx.Exec(ctx, `INSERT INTO report_box (school, resource) VALUES ($1, $2) ON CONFLICT DO NOTHING`, g.School(), box)
	if err != nil {
		return "", fmt.Errorf("report: %w", err)
	}
	if n == 0 {
		return db.Value[string](ctx, tx, `SELECT resource FROM report_box WHERE school = $1`, g.School())
	}
	if _, err := resource.Create(ctx, tx, g, now, resource.Row{ID: box, School: g.School(), Kind: Box, Title: core.Catalog.T("report.title")}); err != nil {
		return "", err
	}
	return box, resource.Share(ctx, tx, box, rights.Read, "school:head")
}

// Report is one that a head reads.
type Report struct {
	ID, Resource, Kind   string
	Title, Excerpt       string
	Reason, Said, Note   string
	Reporter, Author, By string // names
	At                   int64
	ClosedAt             *int64 `db:"closed_at"`
	Sees                 bool   // may open what is reported
}

// name writes the name of a person by alias, "" where there is none any more.
func name(alias string) string {
	return `coalesce(` + alias + `.first || ' ' || CASE WHEN ` + alias + `.use_name <> '' THEN ` + alias + `.use_name ELSE ` + alias + `.last END, '')`
}

// List reads the reports of the school that the head may deal with, those that
// wait first; with an id, that one. Those about what they published are not
// among them.
func List(ctx context.Context, q db.Querier, g rights.Grant, one string, limit, skip int) ([]Report, error) {
	scope, args := g.Viewer().Scope().Where("r", rights.Read, []any{g.School(), g.Viewer().Person, limit, skip})
	more := ""
	if one != "" {
		args = append(args, one)
		more = fmt.Sprintf(` AND p.id = $%d`, len(args))
	}
	return db.All[Report](ctx, q, `SELECT p.id, p.resource, coalesce(r.kind, '') AS kind, p.title, p.excerpt, p.reason, p.said, p.note, `+name("w")+` AS reporter, `+name("a")+` AS author, `+name("b")+` AS by,
		p.at, p.closed_at, CASE WHEN `+scope+` THEN TRUE ELSE FALSE END AS sees
		FROM report p LEFT JOIN resource r ON r.id = p.resource LEFT JOIN person w ON w.id = p.reporter LEFT JOIN person a ON a.id = p.author LEFT JOIN person b ON b.id = p.closed_by
		WHERE p.school = $1 AND p.author <> $2`+more+` ORDER BY CASE WHEN p.closed_at IS NULL THEN 0 ELSE 1 END, p.at DESC, p.id LIMIT $3 OFFSET $4`, args...)
}

// Fresh is the resource by which the head was told of reports that they have not
// looked at since, or "".
func Fresh(ctx context.Context, q db.Querier, g rights.Grant) (string, error) {
	return db.Value[string](ctx, q, `SELECT b.resource FROM report_box b WHERE b.school = $1
		AND `+notify.Fresh("b.resource", "$2"), g.School(), g.Viewer().Person)
}

// Seen says that the head looked at them.
func Seen(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, box string) error {
	if err := g.Must(ctx, tx, Handle); err != nil {
		return err
	}
	return notify.Seen(ctx, tx, g.Viewer().Person, box, now)
}

// Close says that a report was dealt with, and how.
func Close(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, report, note string) error {
	return set(ctx, tx, g, now, report, "report.closed", `UPDATE report SET closed_at = $4, closed_by = $3, note = $5 WHERE id = $1 AND school = $2 AND author <> $3 AND closed_at IS NULL`, now.UnixMilli(), note)
}

// Reopen says that it was not; a second report made since by the same person
// stands in its stead.
func Reopen(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, report string) error {
	return set(ctx, tx, g, now, report, "report.reopened", `UPDATE report SET closed_at = NULL, closed_by = '' WHERE id = $1 AND school = $2 AND author <> $3 AND closed_at IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM report o WHERE o.resource = report.resource AND o.reporter = report.reporter AND o.reporter <> '' AND o.closed_at IS NULL)`)
}

func set(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, report, act, text string, more ...any) error {
	if err := g.Must(ctx, tx, Handle); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, text, append([]any{report, g.School(), g.Viewer().Person}, more...)...)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if n == 0 { // already so, or not theirs: the page says which
		return nil
	}
	return audit.Note(ctx, tx, g, now, act, report, "")
}

// Export hands over what a person reported. What others reported of theirs is
// the heads' alone.
//
// scope: the person's own rows.
func Export(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	list, err := db.All[struct {
		Reason, Said string
		At           int64
		Closed       bool
	}](ctx, q, `SELECT reason, said, at, closed_at IS NOT NULL AS closed FROM report WHERE reporter = $1 ORDER BY at, id`, person)
	if err != nil {
		return err
	}
	return add("reports", list)
}

// Erase removes the reports of what a person published, and their name from
// those that they made.
func Erase(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM report WHERE author = $1`, `UPDATE report SET reporter = '', said = '' WHERE reporter = $1`, `UPDATE report SET closed_by = '' WHERE closed_by = $1`} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return fmt.Errorf("erase reports: %w", err)
		}
	}
	return nil
}

// Merge makes the loser's the winner's; what both reported is one report.
func Merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM report WHERE reporter = $2 AND closed_at IS NULL AND EXISTS (SELECT 1 FROM report o WHERE o.resource = report.resource AND o.reporter = $1 AND o.closed_at IS NULL)`,
		`UPDATE report SET reporter = $1 WHERE reporter = $2`, `UPDATE report SET author = $1 WHERE author = $2`, `UPDATE report SET closed_by = $1 WHERE closed_by = $2`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge reports: %w", err)
		}
	}
	return nil
}

// Retain forgets a report a year after it was dealt with.
func Retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM report WHERE closed_at < $1`, now.AddDate(-1, 0, 0).UnixMilli())
	return err
}
