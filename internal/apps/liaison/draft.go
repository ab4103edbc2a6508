package liaison

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
)

const (
	draftsMax = 100
	toMax     = 1000 // recipients chosen one by one
	// draftsFor is how long a draft is kept after it was last saved.
	draftsFor = 180 * 24 * time.Hour
	// takeBackFor is how long a word just sent can be taken back: ten seconds, and
	// one for the way of the last tap.
	takeBackFor = 11 * time.Second
	// TellAfter is how long after it nobody is told outside the portal: what left
	// cannot be caught.
	TellAfter = 12 * time.Second
)

// Saved is a draft that its author keeps.
type Saved struct {
	ID         string
	School     string
	Title      string
	Body       string
	Rich       string
	Theme      string
	Ask        Ask
	Question   string
	Choices    string
	Due        string
	Recipients string
	Files      string
	Revision   int64
	SavedAt    int64 `db:"saved_at"`
	Recall     int
	SendAt     *int64 `db:"send_at"`
	Refused    string // the key of the sentence that says why it was not sent
}

const savedColumns = `id, school, title, body, rich, coalesce(theme, '') AS theme, coalesce(ask, '') AS ask, question, choices, due, recipients, files, revision, saved_at, recall, send_at, refused`

// Draft is what goes back into the form.
func (s Saved) Draft() Draft {
	if s.Theme == "" {
		s.Theme = "misc"
	}
	return Draft{ID: s.ID, Title: s.Title, Text: s.Body, Rich: richtext.HTML(s.Rich), Theme: s.Theme, Ask: s.Ask, Question: s.Question, Choices: strings.Split(s.Choices, "\n"), Due: s.Due,
		To: strings.Fields(s.Recipients), Files: strings.Fields(s.Files), Revision: s.Revision, Recall: s.Recall}
}

// recipients writes to whom a draft goes, as a row keeps it.
func (d Draft) recipients() string {
	return strings.Join(slices.DeleteFunc(slices.Clone(d.To), func(t string) bool { return len(strings.Fields(t)) != 1 || len(t) > 64 }), " ")
}

// cut bounds what a draft keeps: some times what a word may hold, so that what
// was typed too long is there to be shortened.
func (d *Draft) cut() {
	const times = 3
	d.Title, d.Question, d.Due, d.Text = cut(d.Title, times*titleMax), cut(d.Question, times*titleMax), cut(d.Due, len(time.DateOnly)), cut(d.Text, times*bodyMax)
	d.Choices = slices.Clone(d.Choices[:min(len(d.Choices), times*choicesMax)])
	for i, c := range d.Choices {
		d.Choices[i] = cut(c, times*titleMax)
	}
	d.To, d.Files = d.To[:min(len(d.To), toMax)], d.Files[:min(len(d.Files), filesMax)]
}

// cut keeps the first runes of a text.
func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i]
		}
	}
	return s
}

// Kept is what became of a draft that was saved.
type Kept struct {
	ID       string
	Revision int64
	// Newer is when another page saved the same draft; this one then became a
	// second one, so that neither loses a word.
	Newer int64
	// Sent says that it is a word already, Planned that it is to become one by
	// itself, and is changed from its own page: nothing was kept.
	Sent, Planned bool
}

// Save keeps what its author has typed, faults and all. The page that saved it
// last goes on, and so does one that shows the latest revision.
func Save(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, d Draft) (Kept, error) {
	if err := g.Must(ctx, tx, Write); err != nil {
		return Kept{}, err
	}
	if !id.Valid(d.ID) {
		d.ID = id.New()
	}
	d.cut()
	if sent, err := db.Value[int](ctx, tx, `SELECT count(*) FROM word WHERE id = $1`, d.ID); err != nil || sent > 0 {
		return Kept{ID: d.ID, Sent: sent > 0}, err
	}
	author := g.Viewer().Person
	if err := file.Keep(ctx, tx, author, now.Add(draftsFor), d.Files...); err != nil {
		return Kept{}, err
	}
	theme, ask := any(nil), any(nil)
	if slices.Contains(Themes, d.Theme) {
		theme = d.Theme
	}
	if slices.Contains(Asks, d.Ask) {
		ask = string(d.Ask)
	}
	values := []any{d.ID, g.School(), author, d.Title, d.Text, theme, ask, d.Question, strings.Join(d.Choices, "\n"), d.Due, d.recipients(), strings.Join(d.Files, " "), d.Tab, now.UnixMilli(), d.Recall, string(d.Rich)}
	free := "send_at IS NULL"
	if d.planning {
		free = "1 = 1"
	}
	// Words that come back as they are, without an editor, keep the form they had.
	revision, ok, err := db.One[int64](ctx, tx, `UPDATE word_draft SET title = $4, body = $5, rich = CASE WHEN $16 = '' AND body = $5 THEN rich ELSE $16 END, theme = $6, ask = $7, question = $8, choices = $9, due = $10,
		recipients = $11, files = $12, tab = $13, saved_at = $14, recall = $15, revision = revision + 1, dropped_at = NULL, refused = ''
		WHERE id = $1 AND school = $2 AND author = $3 AND (tab = $13 OR revision = $17) AND `+free+` RETURNING revision`, append(values, d.Revision)...)
	if err != nil || ok {
		return Kept{ID: d.ID, Revision: revision}, err
	}
	kept := Kept{ID: d.ID, Revision: 1}
	if err := room(ctx, tx, author); err != nil {
		return kept, err
	}
	for range 2 {
		n, err := tx.Exec(ctx, `INSERT INTO word_draft (id, school, author, title, body, theme, ask, question, choices, due, recipients, files, tab, saved_at, recall, rich)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (id) DO NOTHING`, values...)
		if err != nil || n == 1 {
			return kept, err
		}
		// Another page of the same author saved it meanwhile, or it is somebody else's.
		before, ok, err := db.One[Saved](ctx, tx, `SELECT `+savedColumns+` FROM word_draft WHERE id = $1 AND author = $2`, d.ID, author)
		if err == nil && !ok {
			err = errs.ErrNotFound
		}
		if err != nil {
			return kept, err
		}
		if before.SendAt != nil && !d.planning {
			return Kept{ID: d.ID, Planned: true}, nil
		}
		kept.ID, kept.Newer = id.New(), before.SavedAt
		values[0] = kept.ID
	}
	return kept, fmt.Errorf("draft: no free id")
}

// room says that an author has begun too much to begin more.
//
// scope: the author's own
func room(ctx context.Context, tx *db.Tx, author string) error {
	mine, err := db.Value[int](ctx, tx, `SELECT count(*) FROM word_draft WHERE author = $1 AND dropped_at IS NULL`, author)
	if err == nil && mine >= draftsMax {
		err = errs.Field("titre", "liaison.drafts_many", "n", draftsMax)
	}
	return err
}

// Drafts are what an author has begun in their schools: first what is to be
// sent, the soonest first, then the latest.
func Drafts(ctx context.Context, q db.Querier, s rights.Scope) ([]Saved, error) {
	return db.All[Saved](ctx, q, `SELECT `+savedColumns+` FROM word_draft WHERE author = $1 AND dropped_at IS NULL
		ORDER BY CASE WHEN send_at IS NULL THEN 1 ELSE 0 END, send_at, saved_at DESC LIMIT $2`, s.Person(), 2*draftsMax) // what was taken back or brought back always has room
}

// Pile is how many drafts an author has, and how many of them were to be sent and
// could not.
type Pile struct{ Total, Refused int }

// PileOf counts an author's drafts.
func PileOf(ctx context.Context, q db.Querier, s rights.Scope) (Pile, error) {
	p, _, err := db.One[Pile](ctx, q, `SELECT count(*) AS total, coalesce(sum(CASE WHEN refused <> '' THEN 1 ELSE 0 END), 0) AS refused
		FROM word_draft WHERE author = $1 AND dropped_at IS NULL`, s.Person())
	return p, err
}

// DraftOf reads one of the viewer's own in the school of the grant.
func DraftOf(ctx context.Context, q db.Querier, g rights.Grant, draft string) (Saved, error) {
	s, ok, err := db.One[Saved](ctx, q, `SELECT `+savedColumns+` FROM word_draft WHERE id = $1 AND author = $2 AND school = $3 AND dropped_at IS NULL`,
		draft, g.Viewer().Person, g.School())
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return s, err
}

// overtaken is the fault of a page that another has overtaken.
const overtaken = "liaison.draft_newer"

// settleDraft takes the draft of a word that is being sent, unless another page
// has since written something else in it.
func settleDraft(ctx context.Context, tx *db.Tx, author string, d Draft) error {
	n, err := tx.Exec(ctx, `DELETE FROM word_draft WHERE id = $1 AND author = $2 AND (tab = $3 OR revision = $4 OR $3 = '')`, d.ID, author, d.Tab, d.Revision)
	if err != nil || n == 1 {
		return err
	}
	left, err := db.Value[int](ctx, tx, `SELECT count(*) FROM word_draft WHERE id = $1 AND author = $2`, d.ID, author)
	if err == nil && left > 0 {
		err = errs.Field("titre", overtaken)
	}
	return err
}

// Drop takes a draft away; Undrop brings it back within the day.
func Drop(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, draft string) error {
	return drop(ctx, tx, g, `UPDATE word_draft SET dropped_at = $4, send_at = NULL WHERE id = $1 AND author = $2 AND school = $3 AND dropped_at IS NULL`, draft, now.UnixMilli())
}

// Undrop brings back a draft that was dropped.
func Undrop(ctx context.Context, tx *db.Tx, g rights.Grant, draft string) error {
	return drop(ctx, tx, g, `UPDATE word_draft SET dropped_at = NULL WHERE id = $1 AND author = $2 AND school = $3 AND dropped_at IS NOT NULL`, draft)
}

func drop(ctx context.Context, tx *db.Tx, g rights.Grant, text, draft string, at ...any) error {
	if err := g.Must(ctx, tx, Write); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, text, append([]any{draft, g.Viewer().Person, g.School()}, at...)...)
	if err == nil && n == 0 {
		err = errs.ErrNotFound
	}
	return err
}

// TakeBack makes a draft again of a word that its author has just sent, and
// gives its id; "" when it is too late. Families who had opened it find it no
// more.
func TakeBack(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (string, error) {
	if err := g.Must(ctx, tx, Manage); err != nil {
		return "", err
	}
	author := g.Viewer().Person
	n, err := tx.Exec(ctx, `UPDATE word SET taken_at = $3 WHERE id = $1 AND author = $2 AND version = 1 AND published_at >= $4 AND taken_at IS NULL`,
		g.ID(), author, now.UnixMilli(), now.Add(-takeBackFor).UnixMilli())
	if err != nil || n == 0 {
		return "", err
	}
	if out, err := notify.Out(ctx, tx, g); err != nil || out {
		if err == nil {
			_, err = tx.Exec(ctx, `UPDATE word SET taken_at = NULL WHERE id = $1`, g.ID())
		}
		return "", err
	}
	draft, err := copyOf(ctx, tx, g, now, true)
	if err != nil {
		return "", err
	}
	return draft, resource.Trash(ctx, tx, g, now, g.ID())
}

// Duplicate makes a draft of what a word of the viewer's says and asks.
func Duplicate(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (string, error) {
	if err := g.Must(ctx, tx, Manage); err != nil {
		return "", err
	}
	if err := room(ctx, tx, g.Viewer().Person); err != nil {
		return "", err
	}
	return copyOf(ctx, tx, g, now, false)
}

// copying makes a draft of a word, and gives its id.
type copying func(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (string, error)

// copyOf writes a draft of the viewer's with what a word holds; whole keeps to
// whom it went and by when.
func copyOf(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, whole bool) (string, error) {
	author := g.Viewer().Person
	w, ok, err := db.One[struct {
		Title, Body, Theme, Question, Due, Recipients string
		Recall                                        int
		Ask                                           Ask
	}](ctx, tx, `SELECT title, body, coalesce(theme, '') AS theme, question, due, recipients, recall, coalesce(ask, '') AS ask FROM word WHERE id = $1`, g.ID())
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	if err != nil {
		return "", err
	}
	shown, err := file.Of(ctx, tx, g)
	if err != nil {
		return "", err
	}
	choices, err := Choices(ctx, tx, g)
	if err != nil {
		return "", err
	}
	d := Draft{ID: id.New(), Title: w.Title, Text: richtext.Text(richtext.HTML(w.Body)), Rich: richtext.HTML(w.Body), Theme: w.Theme, Ask: w.Ask, Question: w.Question}
	if w.Ask == AskChoice {
		for _, c := range choices {
			d.Choices = append(d.Choices, c.Label)
		}
	}
	for _, f := range shown {
		d.Files = append(d.Files, f.ID)
	}
	if err := file.Keep(ctx, tx, author, now.Add(draftsFor), d.Files...); err != nil {
		return "", err
	}
	if !whole {
		w.Due, w.Recipients, w.Recall = "", "", 0
	}
	_, err = tx.Exec(ctx, `INSERT INTO word_draft (id, school, author, title, body, theme, ask, question, choices, due, recipients, files, tab, saved_at, recall, rich)
		SELECT $1, school, $2, $3, $4, theme, ask, question, $5, $6, $7, $8, '', $9, $11, $12 FROM word WHERE id = $10`,
		d.ID, author, d.Title, d.Text, strings.Join(d.Choices, "\n"), w.Due, w.Recipients, strings.Join(d.Files, " "), now.UnixMilli(), g.ID(), w.Recall, string(d.Rich))
	if err != nil {
		return "", fmt.Errorf("draft: %w", err)
	}
	return d.ID, nil
}

// Retain forgets old drafts, those dropped a day ago and the words taken back a
// day ago.
func Retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	day := now.AddDate(0, 0, -1).UnixMilli()
	if _, err := tx.Exec(ctx, `DELETE FROM word_draft WHERE ((saved_at < $1 AND send_at IS NULL) OR (dropped_at IS NOT NULL AND dropped_at < $2))`, now.Add(-draftsFor).UnixMilli(), day); err != nil {
		return fmt.Errorf("drafts: %w", err)
	}
	if err := forgetUnsent(ctx, tx, g, `created_at < $2`, now.AddDate(0, 0, -30).UnixMilli()); err != nil {
		return err
	}
	words, err := db.All[string](ctx, tx, `SELECT id FROM word WHERE taken_at IS NOT NULL AND taken_at < $1`, day)
	if err != nil {
		return fmt.Errorf("words taken back: %w", err)
	}
	for _, w := range words {
		if err := removeWord(ctx, tx, g, w); err != nil {
			return fmt.Errorf("word taken back: %w", err)
		}
	}
	return nil
}

// parts are the tables that hold something of a word.
var parts = []string{"receipt", "receipt_past", "reply", "reminder", "word_version", "word_choice", "word_class", "word_pupil", "word_delegate", "word_paper"}

func removeWord(ctx context.Context, tx *db.Tx, g rights.Grant, word string) error {
	if err := notify.RemoveAll(ctx, tx, g, word); err != nil {
		return err
	}
	if err := file.DetachAll(ctx, tx, word); err != nil {
		return err
	}
	for _, table := range parts {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE word = $1`, word); err != nil {
			return err
		}
	}
	// What a relative answered it privately stays, with whom it was shared.
	if _, err := tx.Exec(ctx, `UPDATE note SET word = NULL WHERE word = $1`, word); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM word WHERE id = $1`, word); err != nil {
		return err
	}
	return resource.Remove(ctx, tx, g, word)
}
