package liaison

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/richtext"
)

// Corrected is the kind of event that says that a word was corrected.
const Corrected = "liaison.corrected"

// meanwhile is the fault of a correction of what was corrected since.
const meanwhile = "liaison.corrected_meanwhile"

// Correction is what a word says from now on. To whom it goes and what it asks
// stand: an answer must stay one to its question.
type Correction struct {
	Seen  int64 // the version that the form showed
	Title string
	Text  string
	Rich  richtext.HTML // as of a Draft
	Theme string
	Due   string
	Files []string // those kept and those added
	Again bool     // every family is asked again
}

// Version is what a word said before a correction, who changed it and when.
type Version struct {
	Version  int
	Title    string
	Body     string
	Theme    string
	Due      string
	Files    string // names, a line each
	At       int64
	First    string
	Last     string
	Civility string
}

// said is what a word says, held until the end of the transaction.
type said struct {
	asking
	Title, Body, Theme string
	Recall             int
}

// Correct changes a word that was sent, keeps what it said, tells its readers
// and gives its new version. When families are asked again, what they gave is
// kept under the version that they had.
func Correct(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, c Correction) (int64, error) {
	if err := g.Must(ctx, tx, Manage); err != nil {
		return 0, err
	}
	// The row is held: a parent who confirms meanwhile does it before, for the
	// version that was, or after, for the one that is.
	old, ok, err := db.One[said](ctx, tx, `SELECT ask, version, asked, due, title, body, coalesce(theme, '') AS theme, recall
		FROM word WHERE id = $1`+tx.Hold(), g.ID())
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	if err != nil {
		return 0, err
	}
	if c.Seen != 0 && c.Seen != old.Version {
		return 0, errs.Field("titre", meanwhile)
	}
	d := Draft{ID: g.ID(), Title: c.Title, Text: c.Text, Rich: c.Rich, Theme: c.Theme, Files: c.Files, Ask: AskRead, To: []string{"school"}}
	if d.Rich == "" && richtext.Same(richtext.HTML(old.Body), d.Text) { // no editor, and the words are as they were
		d.Rich = richtext.HTML(old.Body)
	}
	if c.Due != old.Due { // a day that is past may stand
		d.Due = c.Due
	}
	zone, err := schoolZone(ctx, tx, g.School())
	if err != nil {
		return 0, err
	}
	now = now.In(zone)
	if err := d.Check(now); err != nil {
		return 0, err
	}
	shown, err := file.Of(ctx, tx, g)
	if err != nil {
		return 0, err
	}
	var names, gone []string
	for _, f := range shown {
		names = append(names, f.Name)
		if !slices.Contains(c.Files, f.ID) {
			gone = append(gone, f.ID)
		}
	}
	added := slices.DeleteFunc(slices.Clone(c.Files), func(id string) bool {
		return slices.ContainsFunc(shown, func(f file.File) bool { return f.ID == id })
	})
	body := d.Body()
	if !c.Again && d.Title == old.Title && string(body) == old.Body && d.Theme == old.Theme && c.Due == old.Due && len(gone)+len(added) == 0 {
		return 0, errs.Field("texte", "liaison.correct_nothing")
	}
	if _, err := tx.Exec(ctx, `INSERT INTO word_version (word, version, asked, title, body, theme, due, files, corrector, at)
		SELECT id, version, asked, title, body, theme, due, $2, $3, $4 FROM word WHERE id = $1`,
		g.ID(), strings.Join(names, "\n"), g.Viewer().Person, now.UnixMilli()); err != nil {
		return 0, fmt.Errorf("correct: %w", err)
	}
	version := old.Version + 1
	if _, err := tx.Exec(ctx, `UPDATE word SET title = $2, body = $3, theme = $4, due = $5, version = $6, corrected_at = $7,
			recall_at = CASE WHEN due <> $5 THEN $8 ELSE recall_at END WHERE id = $1`,
		g.ID(), d.Title, string(body), d.Theme, c.Due, version, now.UnixMilli(), recallMillis(c.Due, old.Recall, now)); err != nil {
		return 0, fmt.Errorf("correct: %w", err)
	}
	if err := resource.Update(ctx, tx, g, now, resource.Row{ID: g.ID(), Title: d.Title, Summary: richtext.Excerpt(body, 140), Text: richtext.Text(body)}); err != nil {
		return 0, err
	}
	if err := file.Detach(ctx, tx, g.ID(), gone...); err != nil {
		return 0, err
	}
	for _, f := range added {
		if err := file.Attach(ctx, tx, g.Viewer().Person, f, g.ID()); err != nil {
			return 0, err
		}
	}
	if c.Again {
		if err := askAgain(ctx, tx, g, now, version); err != nil {
			return 0, err
		}
	}
	if err := audit.Note(ctx, tx, g, now, "liaison.correct", g.ID(), "version "+strconv.FormatInt(version, 10)); err != nil {
		return 0, err
	}
	pupils, err := db.All[string](ctx, tx, `SELECT pupil FROM word_pupil WHERE word = $1`, g.ID())
	if err != nil {
		return 0, fmt.Errorf("correct: %w", err)
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: Corrected, Resource: g.ID(), Actor: g.Viewer().Person,
		Pupils: pupils, Awaits: c.Again, Replaces: c.Again, At: now})
	return version, err
}

// askAgain asks every family anew, from a version on. The word is held.
func askAgain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, version int64) error {
	for _, text := range []string{
		`INSERT INTO receipt_past (word, person, version, read_at) SELECT word, person, version, read_at FROM receipt
			WHERE word = $1 AND read_at IS NOT NULL AND version < $2 ON CONFLICT DO NOTHING`,
		`UPDATE word SET asked = $2 WHERE id = $1`,
	} {
		if _, err := tx.Exec(ctx, text, g.ID(), version); err != nil {
			return fmt.Errorf("ask again: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE word_pupil SET reached_at = NULL WHERE word = $1 AND reached_at IS NOT NULL`, g.ID()); err != nil {
		return fmt.Errorf("ask again: %w", err)
	}
	return recount(ctx, tx, g, now, g.ID())
}

// Versions are what a word said before its corrections, the latest first.
func Versions(ctx context.Context, q db.Querier, g rights.Grant) ([]Version, error) {
	return db.All[Version](ctx, q, `SELECT v.version, v.title, v.body, coalesce(v.theme, '') AS theme, v.due, v.files, v.at, p.first,
			CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.civility
		FROM word_version v JOIN person p ON p.id = v.corrector WHERE v.word = $1 ORDER BY v.version DESC`, g.ID())
}

// VersionAt is the version that a word had at an instant, on a page that shows no
// number; 0 for the one that is.
func VersionAt(ctx context.Context, q db.Querier, g rights.Grant, at int64) (int64, error) {
	return db.Value[int64](ctx, q, `SELECT coalesce(min(version), 0) FROM word_version WHERE word = $1 AND at > $2`, g.ID(), at)
}

// Earlier is what somebody gave to a version that was corrected since.
type Earlier struct {
	Person  string
	Version int
	At      int64
	Choice  *int64
	Body    string
	Replied bool // signed or answered, rather than read
}

// EarlierOf lists, by person, the last thing that each gave to an earlier
// version of a word and that no longer counts; of everybody for whoever follows
// it, but the other parent of a child of theirs, else the viewer's own.
func EarlierOf(ctx context.Context, q db.Querier, g rights.Grant) (map[string]Earlier, error) {
	args, rp, rc := []any{g.ID(), g.Viewer().Person}, " AND rp.person = $2", " AND x.person = $2"
	if g.Role() >= rights.Contribute {
		rp, rc = " AND NOT "+coparent("rp.person", "$2"), " AND NOT "+coparent("x.person", "$2")
	}
	rows, err := db.All[Earlier](ctx, q, `SELECT rp.person AS person, rp.version AS version, rp.at AS at, rp.choice AS choice, rp.body AS body, TRUE AS replied FROM reply rp JOIN word w ON w.id = rp.word
			WHERE rp.word = $1 AND rp.asked < w.asked`+rp+`
		UNION ALL SELECT x.person, x.version, x.read_at, NULL, '', FALSE FROM receipt_past x JOIN word w ON w.id = x.word
			WHERE x.word = $1 AND x.version < w.asked`+rc+`
		ORDER BY version, replied`, args...)
	out := make(map[string]Earlier, len(rows))
	for _, r := range rows {
		out[r.Person] = r // the last version stands, and a reply says more than a reading
	}
	return out, err
}
