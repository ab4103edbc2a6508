package liaison

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
)

// target is a pupil to whom a word goes: of the class that was chosen, else of
// one of theirs; the teachers of all of them follow it.
type target struct {
	Pupil   string
	Class   string
	Classes []string
}

// targets finds the pupils that the recipients of a draft stand for, in the
// grant's school, each once.
func targets(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, to []string) ([]target, []string, error) {
	at := now.UnixMilli()
	var principals, pupils, classes, labels []string
	for _, t := range to {
		kind, ref, _ := strings.Cut(t, ":")
		switch kind {
		case "school":
			principals = append(principals, "school:pupil")
			labels = append(labels, core.Catalog.T("liaison.everybody"))
		case "class":
			c, ok, err := people.ClassByID(ctx, tx, ref)
			if err != nil {
				return nil, nil, err
			}
			if !ok || c.School != g.School() {
				return nil, nil, errs.Field("a", "liaison.to_unknown")
			}
			principals = append(principals, "class:"+ref+":pupil")
			classes = append(classes, ref)
			labels = append(labels, c.Label)
		case "group":
			label, err := db.Value[string](ctx, tx, `SELECT label FROM school_group WHERE id = $1 AND school = $2 AND valid_to > $3`, ref, g.School(), at)
			if err != nil {
				return nil, nil, err
			}
			if label == "" {
				return nil, nil, errs.Field("a", "liaison.to_unknown")
			}
			principals = append(principals, "group:"+ref)
			labels = append(labels, label)
		case "pupil":
			pupils = append(pupils, ref)
		default:
			return nil, nil, errs.Field("a", "liaison.to_unknown")
		}
	}
	in, args := db.In([]any{g.School(), at}, principals)
	who, args := db.In(args, pupils)
	rows, err := db.All[struct{ Person, First, Class string }](ctx, tx, `SELECT m.person, p.first, coalesce(c.id, '') AS class
		FROM membership m JOIN person p ON p.id = m.person
		LEFT JOIN class_member cm ON cm.person = m.person AND cm.profile = 'pupil' AND cm.valid_from <= $2 AND cm.valid_to > $2
		LEFT JOIN class c ON c.id = cm.class AND c.school = m.school
		WHERE m.school = $1 AND m.profile = 'pupil' AND m.valid_from <= $2 AND m.valid_to > $2
		AND (m.person IN (`+who+`) OR m.person IN (SELECT pp.person FROM person_principal pp
			WHERE pp.principal IN (`+in+`) AND pp.school = $1 AND pp.valid_from <= $2 AND pp.valid_to > $2))
		ORDER BY p.name_key, m.person, c.year DESC, c.label_key, c.id`, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("recipients: %w", err)
	}
	var out []target
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].Pupil != r.Person {
			out = append(out, target{Pupil: r.Person})
			if slices.Contains(pupils, r.Person) {
				labels = append(labels, r.First)
			}
		}
		if r.Class == "" {
			continue
		}
		t := &out[len(out)-1]
		if t.Class == "" || slices.Contains(classes, r.Class) && !slices.Contains(classes, t.Class) {
			t.Class = r.Class
		}
		t.Classes = append(t.Classes, r.Class)
	}
	for _, p := range pupils {
		if !slices.ContainsFunc(out, func(t target) bool { return t.Pupil == p }) {
			return nil, nil, errs.Field("a", "liaison.to_unknown")
		}
	}
	if len(out) == 0 {
		return nil, nil, errs.Field("a", "liaison.to_empty")
	}
	return out, labels, nil
}

// Send publishes a word: the pupils are frozen, each of their families may read
// it, the teachers of their classes follow it, and everybody's feed has it when
// the transaction commits. A draft already sent is not sent again.
func Send(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, author string, profile rights.Profile, now time.Time, d Draft) (string, error) {
	if err := g.Must(ctx, tx, Write); err != nil {
		return "", err
	}
	zone, err := schoolZone(ctx, tx, g.School())
	if err != nil {
		return "", err
	}
	now = now.In(zone)
	if err := d.Check(now); err != nil {
		return "", err
	}
	// Whoever sends a draft takes it first: of two, the second finds the word.
	if err := settleDraft(ctx, tx, author, d); err != nil {
		return "", err
	}
	if owner, ok, err := db.One[string](ctx, tx, `SELECT author FROM word WHERE id = $1`, d.ID); err != nil || ok {
		if ok && owner != author {
			err = errs.ErrNotFound
		}
		return d.ID, err
	}
	list, labels, err := targets(ctx, tx, core, g, now, d.To)
	if err != nil {
		return "", err
	}
	body := d.Body()
	if _, err := resource.Create(ctx, tx, g, now, resource.Row{
		ID: d.ID, School: g.School(), Kind: Word, Owner: author, Manager: staff(author), Title: d.Title, Summary: richtext.Excerpt(body, 140), Text: richtext.Text(body), Asks: d.Ask.asks(),
	}); err != nil {
		return "", err
	}
	if profile == rights.Head {
		profile = rights.Teacher
	}
	if _, err := tx.Exec(ctx, `INSERT INTO word (id, school, author, profile, title, body, audience, published_at, theme, ask, question, due, recipients, recall, recall_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
		d.ID, g.School(), author, string(profile), d.Title, string(body), audience(core, labels), now.UnixMilli(), d.Theme, string(d.Ask), d.Question, d.Due, d.recipients(), d.Recall, recallMillis(d.Due, d.Recall, now)); err != nil {
		return "", fmt.Errorf("word: %w", err)
	}
	if d.Ask == AskYesNo {
		d.Choices = []string{core.Catalog.T("liaison.yes"), core.Catalog.T("liaison.no")}
	}
	var choices [][]any
	for i, c := range d.Choices {
		choices = append(choices, []any{d.ID, i + 1, c})
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO word_choice (word, n, label) VALUES `, "", choices); err != nil {
		return "", fmt.Errorf("word: %w", err)
	}
	var rows, classes [][]any
	var followers []string
	seen := map[string]bool{}
	for _, t := range list {
		rows = append(rows, []any{d.ID, t.Pupil, t.Class, now.UnixMilli()})
		for _, c := range t.Classes {
			if !seen[c] {
				seen[c] = true
				classes = append(classes, []any{c, d.ID, now.UnixMilli()})
				followers = append(followers, "class:"+c+":teacher")
			}
		}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO word_pupil (word, pupil, class, published_at) VALUES `, "", rows); err != nil {
		return "", fmt.Errorf("word: %w", err)
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO word_class (class, word, published_at) VALUES `, "", classes); err != nil {
		return "", fmt.Errorf("word: %w", err)
	}
	if err := resource.ShareOf(ctx, tx, d.ID, rights.Read, `SELECT 'family:' || pupil AS principal FROM word_pupil WHERE word = $1 UNION ALL SELECT 'person:' || pupil FROM word_pupil WHERE word = $1`); err != nil {
		return "", err
	}
	if err := resource.Share(ctx, tx, d.ID, rights.Contribute, followers...); err != nil {
		return "", err
	}
	for _, f := range d.Files {
		if err := file.Attach(ctx, tx, author, f, d.ID); err != nil {
			return "", err
		}
	}
	if err := recount(ctx, tx, g, now, d.ID); err != nil {
		return "", err
	}
	e := notify.Event{School: g.School(), Kind: string(Word), Resource: d.ID, Actor: author, PupilsOf: `SELECT pupil FROM word_pupil WHERE word = $1`, Awaits: true, At: now}
	if d.Tell > 0 {
		e.Tell = now.Add(d.Tell)
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, e)
	return d.ID, err
}

// texts are the words of words, for the index of the search.
//
// scope: the index answers with what a scope lets through
func texts(ctx context.Context, q db.Querier, ids []string) (map[string]string, error) {
	in, args := db.In(nil, ids)
	rows, err := db.All[struct{ ID, Body string }](ctx, q, `SELECT id, body FROM word WHERE id IN (`+in+`)`, args...)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.ID] = richtext.Text(richtext.HTML(r.Body))
	}
	return out, err
}

// audience writes to whom a word goes, shortly.
func audience(core *app.Core, labels []string) string {
	const most = 4
	if len(labels) > most {
		return i18n.List(append(labels[:most-1:most-1], core.Catalog.T("liaison.more_audience", "n", len(labels)-most+1))...)
	}
	return i18n.List(labels...)
}

// Open notes that a relative has opened a word, once, and that it is no news
// any more.
func Open(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Must(ctx, tx, Reading); err != nil {
		return err
	}
	person, at := g.Viewer().Person, now.UnixMilli()
	if _, err := tx.Exec(ctx, `INSERT INTO receipt (word, person, version, opened_at)
		SELECT w.id, $2, w.version, $3 FROM word w WHERE w.id = $1 AND EXISTS (SELECT 1 FROM word_pupil wp
			JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = w.id AND f.relative = $2 AND `+people.LinkHolds("f", "$3")+`)
		ON CONFLICT DO NOTHING`, g.ID(), person, at); err != nil {
		return fmt.Errorf("open: %w", err)
	}
	return notify.Seen(ctx, tx, person, g.ID(), now)
}

// Recount brings the bars of words up to date with the directory, for those
// that a list found counted at another revision of it.
func Recount(ctx context.Context, tx *db.Tx, now time.Time, words []Item) error {
	for _, w := range words {
		if !w.Stale {
			continue
		}
		if err := recount(ctx, tx, rights.System("bars of words").For(w.School), now, w.ID); err != nil {
			return err
		}
	}
	return nil
}

func recount(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, word string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	// The row is held before its families are counted: a parent who confirms
	// meanwhile is in the count or adds to it, never neither.
	if _, err := tx.Exec(ctx, `UPDATE word SET counted = -1 WHERE id = $1`, word); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	// CROSS JOIN as in counts.
	const present = `FROM word_pupil wp CROSS JOIN membership m WHERE wp.word = $1 AND m.person = wp.pupil AND m.school = word.school AND m.profile = 'pupil' AND m.valid_to > $2`
	if _, err := tx.Exec(ctx, `UPDATE word SET families = (SELECT count(*) `+present+`), reached = (SELECT count(wp.reached_at) `+present+`),
		counted = coalesce((SELECT n FROM revision WHERE school = word.school), 0) WHERE id = $1`, word, now.UnixMilli()); err != nil {
		return fmt.Errorf("count: %w", err)
	}
	return nil
}

const itemColumns = `w.id, w.school, w.author, a.first, CASE WHEN a.use_name <> '' THEN a.use_name ELSE a.last END AS last,
	a.civility, a.avatar, w.title, coalesce(w.theme, '') AS theme, w.audience, w.version, w.corrected_at, w.published_at, w.ask, w.question, w.due, w.recall_at,
	CASE WHEN rc.version >= w.asked THEN rc.read_at ELSE NULL END AS read_at, rc.opened_at,
	EXISTS (SELECT 1 FROM reply rp WHERE rp.word = w.id AND rp.person = $1 AND rp.asked = w.asked) AS replied`

// counts are what a follower sees of the words of the page whose bars were
// counted before the directory last changed; present families alone count.
// CROSS JOIN keeps the order on SQLite: a word has thirty pupils, a school has
// hundreds.
//
// scope: the words of the page, which is scoped
const counts = `SELECT wp.word, count(*) AS families, count(wp.reached_at) AS reached
	FROM page CROSS JOIN word_pupil wp CROSS JOIN membership m
	WHERE page.stale AND wp.word = page.word AND m.person = wp.pupil AND m.school = page.school AND m.profile = 'pupil' AND m.valid_to > $2 GROUP BY wp.word`

// Query chooses a page of words.
type Query struct {
	Follow bool     // those that the viewer wrote or whose classes they teach, with their counts
	Pupils []string // those about these pupils
	Theme  string   // those about this only
	ID     string   // only this one: reading one is the list with an id
	Since  int64    // published then or later
	Before Cursor
	Limit  int
}

// Cursor is the last line of a page: when it is from, and its id, for several
// may be from one instant. Its zero value is before all pages.
type Cursor struct {
	At int64
	ID string
}

// String writes it as an address has it.
func (c Cursor) String() string { return strconv.FormatInt(c.At, 10) + "." + c.ID }

// cursor reads one of an address; anything else is the first page.
func cursor(s string) Cursor {
	at, last, ok := strings.Cut(s, ".")
	n, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || n < 1 || !id.Valid(last) {
		return Cursor{}
	}
	return Cursor{n, last}
}

// List reads a page of words that the scope lets its viewer see, newest first,
// in one statement, or two where some of the newest are hidden from the viewer.
//
// scope: choose applies it
func List(ctx context.Context, q db.Querier, s rights.Scope, o Query) ([]Item, error) {
	o.Limit = max(1, o.Limit)
	rows, err := choose(ctx, q, s, o, o.Limit)
	// Fewer than asked for of as many as were looked at: others may follow.
	if err == nil && o.ID == "" && len(rows) < o.Limit && (len(rows) == 0 || rows[0].Candidates == o.Limit) {
		rows, err = choose(ctx, q, s, o, 16*o.Limit)
	}
	list := make([]Item, len(rows))
	for i, r := range rows {
		list[i] = r.Item
	}
	return list, err
}

// candidate is a word of a page, and of how many words the page was chosen.
type candidate struct {
	Item
	Candidates int
}

// choose takes a page among that many of the newest words. They come from one
// range of an index for each child, or for the author and the classes of this
// year: the cost of a page does not grow with what was written before.
func choose(ctx context.Context, q db.Querier, s rights.Scope, o Query, of int) ([]candidate, error) {
	least := rights.Read
	if o.Follow {
		least = rights.Contribute
	}
	args := []any{s.Person()}
	if o.Follow {
		args = append(args, s.At()) // $2, of classes taught and of families present
	}
	if o.Before.At == 0 {
		o.Before.At = rights.Forever
	}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	page, merged, about := "", "", ""
	if o.ID == "" {
		if o.Theme != "" {
			about = " EXISTS (SELECT 1 FROM word t WHERE t.id = c.word AND t.theme = " + arg(o.Theme) + ") AND"
		}
		most := arg(of)
		page = " AND (published_at, word) < (" + arg(o.Before.At) + ", " + arg(o.Before.ID) + ") AND published_at >= " + arg(o.Since) + " ORDER BY published_at DESC, word DESC LIMIT " + most
		merged = " ORDER BY published_at DESC, word DESC LIMIT " + most
	}
	var candidates []string
	columns, with, from := itemColumns, "", ""
	switch {
	case o.ID != "":
		// Fresh is still news to the viewer.
		columns += `, w.body, ` + notify.Fresh("w.id", "$1") + ` AS fresh`
		candidates = []string{"SELECT id AS word, published_at FROM word WHERE id = " + arg(o.ID)}
	case o.Follow:
		here := ""
		if schools := s.Schools(); len(schools) > 0 { // not those of a school that was left: they would take the places
			here, args = db.In(args, schools)
			here = " AND school IN (" + here + ")"
		}
		candidates = []string{"SELECT word, published_at FROM (SELECT id AS word, published_at, author, school FROM word) c WHERE" + about + " author = $1" + here + page,
			`SELECT word, published_at FROM word_class c WHERE` + about + ` class IN (SELECT class FROM class_member WHERE person = $1 AND profile = 'teacher' AND valid_from <= $2 AND valid_to > $2)` + page,
			`SELECT word, published_at FROM word_delegate c WHERE` + about + ` person = $1` + page}
	default:
		for _, p := range o.Pupils {
			candidates = append(candidates, "SELECT word, published_at FROM word_pupil c WHERE"+about+" pupil = "+arg(p)+page)
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	if o.ID == "" {
		columns += ", '' AS body, FALSE AS fresh"
	}
	stale := "FALSE"
	if o.Follow {
		stale = "(SELECT x.counted FROM word x WHERE x.id = r.id) <> coalesce((SELECT x.n FROM revision x WHERE x.school = r.school), 0)"
		columns += ", page.stale AS stale, CASE WHEN page.stale THEN coalesce(n.families, 0) ELSE w.families END AS families, CASE WHEN page.stale THEN coalesce(n.reached, 0) ELSE w.reached END AS reached"
		with, from = ", n AS MATERIALIZED ("+counts+")", " LEFT JOIN n ON n.word = w.id"
	} else {
		columns += ", FALSE AS stale, 0 AS families, 0 AS reached"
	}
	if len(s.Children()) > 0 {
		var mine string
		mine, args = db.In(args, s.Children())
		columns += ", coalesce((SELECT string_agg(wp.pupil, ' ') FROM word_pupil wp WHERE wp.word = w.id AND wp.pupil IN (" + mine + ")), '') AS children"
	} else {
		columns += ", '' AS children"
	}
	limit := arg(o.Limit)
	scope, args := s.Where("r", least, args)
	// The page is cut before its columns are worked out: the counts of what is
	// not shown would cost more than all the rest.
	return db.All[candidate](ctx, q, `WITH c AS MATERIALIZED (SELECT * FROM (`+strings.Join(candidates, `) a UNION SELECT * FROM (`)+`) b`+merged+`),
		page AS MATERIALIZED (SELECT c.word, r.school, `+stale+` AS stale FROM c JOIN resource r ON r.id = c.word WHERE `+scope+` ORDER BY c.published_at DESC, c.word DESC LIMIT `+limit+`)`+with+`
		SELECT `+columns+`, (SELECT count(*) FROM c) AS candidates FROM page JOIN word w ON w.id = page.word JOIN person a ON a.id = w.author
		LEFT JOIN receipt rc ON rc.word = w.id AND rc.person = $1`+from+`
		ORDER BY w.published_at DESC, w.id DESC`, args...)
}

// Erase forgets what a relative did; the words that a teacher wrote stay with
// the school and lose their author when the account goes.
func Erase(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if err := unname(ctx, tx, core, person); err != nil {
		return err
	}
	if err := forgetUnsent(ctx, tx, g, `owner = $2`, person); err != nil {
		return err
	}
	if err := eraseNotes(ctx, tx, g, person); err != nil {
		return err
	}
	if err := eraseAbsences(ctx, tx, g, person); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM receipt WHERE person = $1`, `DELETE FROM receipt_past WHERE person = $1`, `DELETE FROM reply WHERE person = $1`, `DELETE FROM reminder WHERE person = $1`, `DELETE FROM word_paper WHERE pupil = $1`,
		`DELETE FROM word_draft WHERE author = $1`, `DELETE FROM word_delegate WHERE person = $1`, `UPDATE word_draft SET recipients = replace(recipients, 'pupil:' || $1, '') WHERE recipients LIKE '%' || $1 || '%'`,
		`UPDATE word SET recipients = replace(recipients, 'pupil:' || $1, '') WHERE id IN (SELECT word FROM word_pupil WHERE pupil = $1)`,
		`UPDATE word SET counted = -1 WHERE id IN (SELECT word FROM word_pupil WHERE pupil = $1)`, `DELETE FROM word_pupil WHERE pupil = $1`} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return err
		}
	}
	return nil
}

// unname takes a pupil who was chosen alone out of the names of those to whom
// words went.
//
// scope: what the caller erases
func unname(ctx context.Context, tx *db.Tx, core *app.Core, pupil string) error {
	words, err := db.All[struct{ ID, Recipients string }](ctx, tx, `SELECT id, recipients FROM word WHERE id IN (SELECT word FROM word_pupil WHERE pupil = $1) AND recipients LIKE '%pupil:' || $1 || '%'`, pupil)
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	for _, w := range words {
		var labels, refs []string
		for _, t := range strings.Fields(w.Recipients) {
			if t == "school" {
				labels = append(labels, core.Catalog.T("liaison.everybody"))
			}
			refs = append(refs, t)
		}
		in, args := db.In([]any{"pupil:" + pupil}, refs)
		rest, err := db.All[string](ctx, tx, `SELECT label FROM (SELECT 'class:' || id AS ref, label, 1 AS rank FROM class UNION ALL SELECT 'group:' || id, label, 2 FROM school_group
			UNION ALL SELECT 'pupil:' || id, first, 3 FROM person) x WHERE ref <> $1 AND ref IN (`+in+`) ORDER BY rank, label`, args...)
		if err != nil {
			return fmt.Errorf("erase: %w", err)
		}
		labels = append(append(labels, rest...), core.Catalog.T("liaison.former_pupil"))
		if _, err := tx.Exec(ctx, `UPDATE word SET audience = $2 WHERE id = $1`, w.ID, audience(core, labels)); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	return nil
}

// Merge makes the loser's words, receipts and place in words the winner's.
func Merge(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	// Of two receipts the one that says more stands, with the version that it is of.
	const later = `excluded.read_at IS NOT NULL AND (receipt.read_at IS NULL OR excluded.version > receipt.version)`
	for _, text := range []string{
		`UPDATE word SET author = $1 WHERE author = $2`,
		`UPDATE word_draft SET author = $1 WHERE author = $2`,
		`UPDATE word_draft SET recipients = replace(recipients, 'pupil:' || $2, 'pupil:' || $1) WHERE recipients LIKE '%' || $2 || '%'`,
		`UPDATE word SET recipients = replace(recipients, 'pupil:' || $2, 'pupil:' || $1) WHERE id IN (SELECT word FROM word_pupil WHERE pupil = $2)`,
		`UPDATE word SET counted = -1 WHERE id IN (SELECT word FROM word_pupil WHERE pupil = $1 OR pupil = $2)`,
		`INSERT INTO word_pupil (word, pupil, class, published_at, reached_at) SELECT word, $1, class, published_at, reached_at FROM word_pupil WHERE pupil = $2
			ON CONFLICT (word, pupil) DO UPDATE SET reached_at = coalesce(word_pupil.reached_at, excluded.reached_at)`,
		`INSERT INTO receipt (word, person, version, opened_at, read_at) SELECT word, $1, version, opened_at, read_at FROM receipt WHERE person = $2
			ON CONFLICT (word, person) DO UPDATE SET version = CASE WHEN ` + later + ` THEN excluded.version ELSE receipt.version END,
			read_at = CASE WHEN ` + later + ` THEN excluded.read_at ELSE receipt.read_at END`,
		`INSERT INTO receipt_past (word, person, version, read_at) SELECT word, $1, version, read_at FROM receipt_past WHERE person = $2 ON CONFLICT DO NOTHING`,
		`INSERT INTO word_delegate (word, person, published_at, at) SELECT word, $1, published_at, at FROM word_delegate WHERE person = $2 ON CONFLICT DO NOTHING`,
		`UPDATE word_version SET corrector = $1 WHERE corrector = $2`,
		`INSERT INTO reply (word, person, asked, version, at, choice, body) SELECT word, $1, asked, version, at, choice, body FROM reply WHERE person = $2
			ON CONFLICT DO NOTHING`,
		`UPDATE word_paper SET noted_by = $1 WHERE noted_by = $2`, `UPDATE word_paper SET was_by = $1 WHERE was_by = $2`,
		`INSERT INTO word_paper (word, pupil, asked, version, noted_by, noted_at, choice, body) SELECT word, $1, asked, version, noted_by, noted_at, choice, body FROM word_paper WHERE pupil = $2
			ON CONFLICT DO NOTHING`,
		`INSERT INTO reminder (word, person, round, at) SELECT word, $1, round, at FROM reminder WHERE person = $2 ON CONFLICT DO NOTHING`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	if err := mergeNotes(ctx, tx, g, winner, loser); err != nil {
		return err
	}
	if err := mergeAbsences(ctx, tx, g, winner, loser); err != nil {
		return err
	}
	return Erase(ctx, tx, core, g, loser)
}

// Export hands over the words a person wrote or received, and what they did.
//
// scope: the rows of the person whose data it is
func Export(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	written, err := db.All[struct {
		ID, Title, Body, Audience string
		PublishedAt               int64 `db:"published_at"`
	}](ctx, q, `SELECT id, title, body, audience, published_at FROM word WHERE author = $1 ORDER BY published_at`, person)
	if err != nil {
		return err
	}
	receipts, err := db.All[struct {
		Word, Title string
		OpenedAt    int64  `db:"opened_at"`
		ReadAt      *int64 `db:"read_at"`
	}](ctx, q, `SELECT rc.word, w.title, rc.opened_at, rc.read_at FROM receipt rc JOIN word w ON w.id = rc.word WHERE rc.person = $1 ORDER BY rc.opened_at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/written", written); err != nil {
		return err
	}
	replies, err := db.All[struct {
		Word, Title, Ask, Question string
		Version                    int
		At                         int64
		Answer                     string
	}](ctx, q, `SELECT rp.word, w.title, w.ask, w.question, rp.version, rp.at, coalesce(c.label, rp.body) AS answer FROM reply rp JOIN word w ON w.id = rp.word
		LEFT JOIN word_choice c ON c.word = rp.word AND c.n = rp.choice WHERE rp.person = $1 ORDER BY rp.at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/replies", replies); err != nil {
		return err
	}
	reminders, err := db.All[struct {
		Word, Title string
		At          int64
	}](ctx, q, `SELECT rm.word, w.title, rm.at FROM reminder rm JOIN word w ON w.id = rm.word WHERE rm.person = $1 ORDER BY rm.at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/reminders", reminders); err != nil {
		return err
	}
	if err := exportNotes(ctx, q, person, add); err != nil {
		return err
	}
	if err := exportAbsences(ctx, q, person, add); err != nil {
		return err
	}
	// A slip is of a pupil's family: what it answers is no more the pupil's than
	// what a relative answers.
	returned, err := db.All[struct {
		Word, Title string
		NotedAt     int64 `db:"noted_at"`
	}](ctx, q, `SELECT pa.word, w.title, pa.noted_at FROM word_paper pa JOIN word w ON w.id = pa.word WHERE pa.pupil = $1 ORDER BY pa.noted_at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/paper", returned); err != nil {
		return err
	}
	noted, err := db.All[struct {
		Word, Title string
		NotedAt     int64 `db:"noted_at"`
	}](ctx, q, `SELECT pa.word, w.title, pa.noted_at FROM word_paper pa JOIN word w ON w.id = pa.word WHERE pa.noted_by = $1 ORDER BY pa.noted_at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/paper_noted", noted); err != nil {
		return err
	}
	if err := add("liaison/receipts", receipts); err != nil {
		return err
	}
	past, err := db.All[struct {
		Word, Title string
		Version     int
		ReadAt      int64 `db:"read_at"`
	}](ctx, q, `SELECT x.word, w.title, x.version, x.read_at FROM receipt_past x JOIN word w ON w.id = x.word WHERE x.person = $1 ORDER BY x.read_at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/receipts_of_earlier_versions", past); err != nil {
		return err
	}
	corrections, err := db.All[struct {
		Word, Title, Body string
		Version           int
		At                int64
	}](ctx, q, `SELECT word, title, body, version, at FROM word_version WHERE corrector = $1 ORDER BY at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/corrected", corrections); err != nil {
		return err
	}
	drafts, err := db.All[struct {
		Title, Body, Rich, Question, Choices, Due string
		SavedAt                                   int64 `db:"saved_at"`
	}](ctx, q, `SELECT title, body, rich, question, choices, due, saved_at FROM word_draft WHERE author = $1 ORDER BY saved_at`, person)
	if err != nil {
		return err
	}
	if err := add("liaison/drafts", drafts); err != nil {
		return err
	}
	followed, err := db.All[struct {
		Word, Title string
		At          int64
	}](ctx, q, `SELECT d.word, w.title, d.at FROM word_delegate d JOIN word w ON w.id = d.word WHERE d.person = $1 ORDER BY d.at`, person)
	if err != nil {
		return err
	}
	return add("liaison/followed", followed)
}
