package liaison

import (
	"context"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Ask is what a word asks of each family, as word_ask has it.
type Ask string

// Read asks for "J'ai lu" alone; the others ask for a reply, which says it too.
const (
	AskRead   Ask = "read"
	SignOne   Ask = "sign_one"  // the signature of one relative
	SignBoth  Ask = "sign_both" // of two, where there are two
	AskText   Ask = "text"
	AskYesNo  Ask = "yesno"
	AskChoice Ask = "choice"
)

// Asks are all of them, in the order of the form.
var Asks = []Ask{AskRead, SignOne, SignBoth, AskYesNo, AskChoice, AskText}

// Signed says whether it asks for a signature.
func (a Ask) Signed() bool { return a == SignOne || a == SignBoth }

// Answered says whether it asks for an answer.
func (a Ask) Answered() bool { return a == AskText || a.Chosen() }

// Chosen says whether the answer is one of the word's choices.
func (a Ask) Chosen() bool { return a == AskYesNo || a == AskChoice }

// asks is what a list says of it: nothing of what a tap answers.
func (a Ask) asks() string {
	if a == AskRead {
		return ""
	}
	return string(a)
}

// asked says, by what a word asks, where it is signed or answered.
func asked() map[string]app.Asked {
	out := map[string]app.Asked{}
	for _, a := range Asks {
		switch {
		case a.Signed():
			out[string(a)] = app.Asked{Label: "liaison.to_sign", Icon: "pencil-simple", Place: "#retour"}
		case a.Answered():
			out[string(a)] = app.Asked{Label: "liaison.to_answer", Icon: "arrow-bend-up-left", Place: "#retour"}
		}
	}
	return out
}

const (
	answerMax  = 2000
	choicesMax = 8
	// A tap can be taken back while its toast shows, and the road is slow.
	undoFor = 15 * time.Second
)

// Choice is one of those that a word gives.
type Choice struct {
	N     int64
	Label string
}

// Given is what a relative signed or answered.
type Given struct {
	Version int
	At      int64
	Choice  *int64
	Body    string
}

// Text is a reply in words, with the choices of its word.
func (g Given) Text(choices []Choice) string {
	if g.Choice != nil {
		for _, c := range choices {
			if c.N == *g.Choice {
				return c.Label
			}
		}
	}
	return g.Body
}

// asking is a word held until the end of the transaction: whoever replies to
// it, takes a reply back or corrects it waits for the one before.
type asking struct {
	Ask     Ask
	Version int64
	Asked   int64
	Due     string
}

// Outcome is what a confirmation or a reply leaves to do.
type Outcome int

// Nothing; what the word asks besides having read; or to read again, for the
// word was corrected meanwhile and asks anew.
const (
	AllDone Outcome = iota
	AsksMore
	AsksAgain
)

func hold(ctx context.Context, tx *db.Tx, g rights.Grant) (asking, error) {
	return holdWord(ctx, tx, g.ID())
}

// holdWord is hold for a job, whose grant is on a school.
//
// scope: the caller holds a grant that reaches the word
func holdWord(ctx context.Context, tx *db.Tx, word string) (asking, error) {
	a, ok, err := db.One[asking](ctx, tx, `SELECT ask, version, asked, due FROM word WHERE id = $1`+tx.Hold(), word)
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return a, err
}

// had takes up the version that a relative had before them, 0 for the one that
// is, and says whether the word asks anew since.
func (a *asking) had(ctx context.Context, tx *db.Tx, g rights.Grant, version int64) (late bool, err error) {
	if version <= 0 || version >= a.Version {
		return false, nil
	}
	a.Version = version
	if version >= a.Asked {
		return false, nil
	}
	asked, ok, err := db.One[int64](ctx, tx, `SELECT asked FROM word_version WHERE word = $1 AND version = $2`, g.ID(), version)
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	a.Asked = asked
	return true, err
}

// closed says whether the date by which to reply is past for the viewer.
func closed(due string, v *rights.Viewer, now time.Time) bool {
	return due != "" && now.In(v.Zone()).Format(time.DateOnly) > due
}

// Confirm notes that a relative has read a version of a word, 0 for the one that
// is. Saying it twice changes nothing.
func Confirm(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, seen int64) (Outcome, error) {
	if err := g.Must(ctx, tx, Reading); err != nil {
		return AllDone, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return AllDone, err
	}
	late, err := a.had(ctx, tx, g, seen)
	if err != nil {
		return AllDone, err
	}
	if late {
		return AsksAgain, a.readBefore(ctx, tx, g, now)
	}
	if err := a.read(ctx, tx, g, now); err != nil {
		return AllDone, err
	}
	if a.Ask != AskRead {
		given, err := Mine(ctx, tx, g)
		if given == nil {
			return AsksMore, err
		}
		return AllDone, err
	}
	if err := a.reach(ctx, tx, g, now, time.Time{}); err != nil {
		return AllDone, err
	}
	return AllDone, notify.Settle(ctx, tx, g.Viewer().Person, g.ID(), now)
}

// readBefore keeps that a relative had read a version that asks no more.
func (a asking) readBefore(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	n, err := tx.Exec(ctx, `INSERT INTO receipt_past (word, person, version, read_at)
		SELECT w.id, $2, $4, $3 FROM word w WHERE w.id = $1 AND EXISTS (SELECT 1 FROM word_pupil wp
			JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = w.id AND f.relative = $2 AND `+people.LinkHolds("f", "$3")+`)
		ON CONFLICT (word, person, version) DO UPDATE SET read_at = receipt_past.read_at`,
		g.ID(), g.Viewer().Person, now.UnixMilli(), a.Version)
	if err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	if n == 0 {
		return errs.ErrDenied
	}
	return nil
}

// read writes the receipt; a reading of a version before the one that asks is
// replaced.
func (a asking) read(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	n, err := tx.Exec(ctx, `INSERT INTO receipt (word, person, version, opened_at, read_at)
		SELECT w.id, $2, $5, $3, $3 FROM word w WHERE w.id = $1 AND EXISTS (SELECT 1 FROM word_pupil wp
			JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = w.id AND f.relative = $2 AND `+people.LinkHolds("f", "$3")+`)
		ON CONFLICT (word, person) DO UPDATE SET
			read_at = CASE WHEN receipt.version < $4 THEN excluded.read_at ELSE coalesce(receipt.read_at, excluded.read_at) END,
			version = CASE WHEN receipt.read_at IS NULL OR receipt.version < $4 THEN excluded.version ELSE receipt.version END`,
		g.ID(), g.Viewer().Person, now.UnixMilli(), a.Asked, a.Version)
	if err != nil {
		return fmt.Errorf("confirm: %w", err)
	}
	if n == 0 {
		return errs.ErrDenied // may read it, but has no child in it
	}
	return nil
}

// Answer notes what a relative signs or answers, which also says that they have
// read; seen is the version that they had, 0 for the one that is. A signature
// stays; an answer may change until the date.
func Answer(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, seen, choice int64, text string) (Outcome, error) {
	if err := g.Must(ctx, tx, Reading); err != nil {
		return AllDone, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return AllDone, err
	}
	late, err := a.had(ctx, tx, g, seen)
	if err != nil {
		return AllDone, err
	}
	before, err := Mine(ctx, tx, g)
	if err != nil {
		return AllDone, err
	}
	if a.Ask == AskRead {
		return AllDone, errs.ErrNotFound
	}
	if before != nil && a.Ask.Answered() && closed(a.Due, g.Viewer(), now) {
		return AllDone, errs.Field("reponse", "liaison.answer_closed")
	}
	chosen, text, err := a.check(ctx, tx, g, choice, text)
	if err != nil {
		return AllDone, err
	}
	if a.Ask == AskText && text == "" {
		return AllDone, errs.Field("reponse", "liaison.answer_missing")
	}
	read := a.read
	if late {
		read = a.readBefore
	}
	if err := read(ctx, tx, g, now); err != nil {
		return AllDone, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO reply (word, person, asked, version, at, choice, body) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (word, person, asked) DO UPDATE SET was_version = reply.version, was_at = reply.at, was_choice = reply.choice, was_body = reply.body,
			version = excluded.version, at = excluded.at, choice = excluded.choice, body = excluded.body
		WHERE (coalesce(reply.choice, 0) <> coalesce(excluded.choice, 0) OR reply.body <> excluded.body)`,
		g.ID(), g.Viewer().Person, a.Asked, a.Version, now.UnixMilli(), chosen, text); err != nil {
		return AllDone, fmt.Errorf("reply: %w", err)
	}
	if late {
		return AsksAgain, nil
	}
	if err := a.reach(ctx, tx, g, now, time.Time{}); err != nil {
		return AllDone, err
	}
	return AllDone, notify.Settle(ctx, tx, g.Viewer().Person, g.ID(), now)
}

// check keeps of an answer what the word asks for.
func (a asking) check(ctx context.Context, tx *db.Tx, g rights.Grant, choice int64, text string) (any, string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case a.Ask.Chosen():
		_, ok, err := db.One[int64](ctx, tx, `SELECT n FROM word_choice WHERE word = $1 AND n = $2`, g.ID(), choice)
		if err == nil && !ok {
			err = errs.Field("reponse", "liaison.answer_choose")
		}
		return choice, "", err
	case a.Ask != AskText:
		return nil, "", nil
	case utf8.RuneCountInString(text) > answerMax:
		return nil, text, errs.Field("reponse", "liaison.answer_long", "n", answerMax)
	}
	return nil, text, nil
}

// Undo takes back what a relative has just tapped, and says whether it was
// still time.
func Undo(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (bool, error) {
	if err := g.Must(ctx, tx, Reading); err != nil {
		return false, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return false, err
	}
	person, since := g.Viewer().Person, now.Add(-undoFor)
	n, err := tx.Exec(ctx, `UPDATE reply SET version = was_version, at = was_at, choice = was_choice, body = was_body,
		was_version = NULL, was_at = NULL, was_choice = NULL, was_body = ''
		WHERE word = $1 AND person = $2 AND asked = $3 AND at >= $4 AND was_at IS NOT NULL`, g.ID(), person, a.Asked, since.UnixMilli())
	if err != nil || n > 0 {
		return n > 0, err // the answer before it still confirms
	}
	gone, err := tx.Exec(ctx, `DELETE FROM reply WHERE word = $1 AND person = $2 AND asked = $3 AND at >= $4`, g.ID(), person, a.Asked, since.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("undo: %w", err)
	}
	unread, err := tx.Exec(ctx, `UPDATE receipt SET read_at = NULL WHERE word = $1 AND person = $2 AND read_at >= $4
		AND NOT EXISTS (SELECT 1 FROM reply rp WHERE rp.word = $1 AND rp.person = $2 AND rp.asked = $3)`, g.ID(), person, a.Asked, since.UnixMilli())
	if err != nil {
		return false, fmt.Errorf("undo: %w", err)
	}
	if gone+unread == 0 {
		return false, nil
	}
	if err := a.reach(ctx, tx, g, now, since); err != nil {
		return false, err
	}
	return true, notify.Unsettle(ctx, tx, person, g.ID())
}

// reach is reachOf for the families of the viewer's children.
func (a asking) reach(ctx context.Context, tx *db.Tx, g rights.Grant, now, since time.Time) error {
	if a.Ask != SignBoth && since.IsZero() { // the viewer has just done all that it takes
		more, err := tx.Exec(ctx, `UPDATE word_pupil SET reached_at = $3 WHERE word = $1 AND reached_at IS NULL AND pupil IN (`+theirs+`)`,
			g.ID(), g.Viewer().Person, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("reach: %w", err)
		}
		return advance(ctx, tx, g, more)
	}
	return a.reachOf(ctx, tx, g, now, since, theirs, g.Viewer().Person)
}

// reachOf sets which of some families are reached by the rule of the word, and
// moves its bar with them: those of the pupils that a text finds for who is $2.
// Families reached since what is undone, and no longer, are taken out. The word
// is held, so that of two parents who sign at once the second sees the first.
func (a asking) reachOf(ctx context.Context, tx *db.Tx, g rights.Grant, now, since time.Time, whose, who string) error {
	acts := `SELECT count(DISTINCT rc.person) FROM receipt rc JOIN family_link x ON x.relative = rc.person AND x.pupil = wp.pupil
		WHERE rc.word = wp.word AND rc.read_at IS NOT NULL AND rc.version >= $4`
	if a.Ask != AskRead {
		acts = `SELECT count(DISTINCT rp.person) FROM reply rp JOIN family_link x ON x.relative = rp.person AND x.pupil = wp.pupil
			WHERE rp.word = wp.word AND rp.asked = $4`
	}
	rows, err := db.All[struct {
		Pupil     string
		ReachedAt *int64 `db:"reached_at"`
		Acts      int
		Relatives int
		Paper     bool
	}](ctx, tx, `SELECT wp.pupil, wp.reached_at, (`+acts+`) AS acts,
			(SELECT count(DISTINCT x.relative) FROM family_link x WHERE x.pupil = wp.pupil AND `+people.LinkHolds("x", "$3")+`) AS relatives,
			EXISTS (SELECT 1 FROM word_paper pa WHERE pa.word = wp.word AND pa.pupil = wp.pupil AND pa.asked = $4) AS paper
		FROM word_pupil wp WHERE wp.word = $1 AND wp.pupil IN (`+whose+`)`,
		g.ID(), who, now.UnixMilli(), a.Asked)
	if err != nil {
		return fmt.Errorf("reach: %w", err)
	}
	var in, out []string
	for _, r := range rows {
		need := 1
		if a.Ask == SignBoth {
			need = min(2, max(1, r.Relatives))
		}
		switch done := r.Acts >= need || r.Paper; {
		case done && r.ReachedAt == nil:
			in = append(in, r.Pupil)
		case !done && r.ReachedAt != nil && !since.IsZero() && *r.ReachedAt >= since.UnixMilli():
			out = append(out, r.Pupil)
		}
	}
	var moved int64
	if len(in) > 0 {
		set, args := db.In([]any{g.ID(), now.UnixMilli()}, in)
		n, err := tx.Exec(ctx, `UPDATE word_pupil SET reached_at = $2 WHERE word = $1 AND reached_at IS NULL AND pupil IN (`+set+`)`, args...)
		if err != nil {
			return fmt.Errorf("reach: %w", err)
		}
		moved += n
	}
	if len(out) > 0 {
		set, args := db.In([]any{g.ID()}, out)
		n, err := tx.Exec(ctx, `UPDATE word_pupil SET reached_at = NULL WHERE word = $1 AND reached_at IS NOT NULL AND pupil IN (`+set+`)`, args...)
		if err != nil {
			return fmt.Errorf("reach: %w", err)
		}
		moved -= n
	}
	return advance(ctx, tx, g, moved)
}

// theirs are the pupils of person $2 at $3, in the school of word $1: what counts
// is who is there. CROSS JOIN keeps SQLite from walking all the pupils of the school.
var theirs = `SELECT f.pupil FROM family_link f CROSS JOIN membership m
	WHERE m.person = f.pupil AND m.profile = 'pupil' AND m.school = (SELECT w.school FROM word w WHERE w.id = $1) AND f.relative = $2 AND ` + people.LinkHolds("f", "$3") + ` AND m.valid_to > $3`

// advance moves the bar of a word.
func advance(ctx context.Context, tx *db.Tx, g rights.Grant, families int64) error {
	if families == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `UPDATE word SET reached = reached + $2 WHERE id = $1`, g.ID(), families); err != nil {
		return fmt.Errorf("reach: %w", err)
	}
	return nil
}

// Mine is what the viewer gave to a word: nobody else's reply is ever read for
// a family.
func Mine(ctx context.Context, q db.Querier, g rights.Grant) (*Given, error) {
	v, ok, err := db.One[Given](ctx, q, `SELECT rp.version, rp.at, rp.choice, rp.body FROM reply rp JOIN word w ON w.id = rp.word
		WHERE rp.word = $1 AND rp.person = $2 AND rp.asked = w.asked`, g.ID(), g.Viewer().Person)
	if err != nil || !ok {
		return nil, err
	}
	return &v, nil
}

// Choices are those that a word gives, in order.
func Choices(ctx context.Context, q db.Querier, g rights.Grant) ([]Choice, error) {
	return db.All[Choice](ctx, q, `SELECT n, label FROM word_choice WHERE word = $1 ORDER BY n`, g.ID())
}
