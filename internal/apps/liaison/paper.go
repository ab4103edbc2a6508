package liaison

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Paper is a slip that a family sent back: what it says, and who noted it.
type Paper struct {
	Given
	By string // the name of who noted it; At is when
}

// Slip is what one that came back says.
type Slip struct {
	Pupil   string
	Version int64 // of the word, as it was printed; 0 is the one of today
	Choice  int64
	Text    string
	Day     string // when it came back; "" is today
}

// Came is what a slip that was noted changed.
type Came int

// It is the family's first; it says what was noted already; or something else.
const (
	CameFirst Came = iota
	CameAgain
	CameChanged
)

// came is when a slip came back, a day of the life of its word.
func (s Slip) came(published int64, now time.Time) (time.Time, error) {
	if s.Day == "" || s.Day == now.Format(time.DateOnly) {
		return now, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, s.Day, now.Location())
	if err != nil || s.Day > now.Format(time.DateOnly) || s.Day < time.UnixMilli(published).In(now.Location()).Format(time.DateOnly) {
		return now, errs.Field("jour", "liaison.slip_day")
	}
	if day = day.Add(12 * time.Hour); day.UnixMilli() < published {
		day = time.UnixMilli(published)
	}
	return day, nil
}

// NoteReturn notes a slip of paper that came back: the family is reached, by
// paper, and nothing is said in the name of a relative. Noting it again changes
// what it says, and keeps what it said.
func NoteReturn(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, s Slip) (Came, error) {
	if err := g.Must(ctx, tx, Follow); err != nil {
		return 0, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return 0, err
	}
	published, err := db.Value[int64](ctx, tx, `SELECT published_at FROM word WHERE id = $1`, g.ID())
	if err != nil {
		return 0, fmt.Errorf("paper: %w", err)
	}
	zone, err := schoolZone(ctx, tx, g.School())
	if err != nil {
		return 0, err
	}
	at, err := s.came(published, now.In(zone))
	if err != nil {
		return 0, err
	}
	if s.Version == 0 {
		s.Version = a.Version
	}
	if s.Version < a.Asked {
		return 0, errs.Field("talon", "liaison.slip_old")
	}
	here, err := db.Value[int64](ctx, tx, `SELECT count(*) FROM word_pupil wp JOIN membership m ON m.person = wp.pupil AND m.school = $3 AND m.profile = 'pupil' AND m.valid_to > $4
		WHERE wp.word = $1 AND wp.pupil = $2`, g.ID(), s.Pupil, g.School(), now.UnixMilli())
	if err != nil {
		return 0, err
	}
	if here == 0 {
		return 0, errs.Field("talon", "liaison.slip_nobody")
	}
	chosen, text, err := a.check(ctx, tx, g, s.Choice, s.Text)
	if err != nil {
		return 0, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO word_paper (word, pupil, asked, version, noted_by, noted_at, choice, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		g.ID(), s.Pupil, a.Asked, s.Version, g.Viewer().Person, at.UnixMilli(), chosen, text)
	if err != nil {
		return 0, fmt.Errorf("paper: %w", err)
	}
	if n == 0 {
		n, err := tx.Exec(ctx, `UPDATE word_paper SET was_version = version, was_by = noted_by, was_at = noted_at, was_choice = choice, was_body = body, version = $4, noted_by = $5, noted_at = $6, choice = $7, body = $8
			WHERE word = $1 AND pupil = $2 AND asked = $3 AND (coalesce(choice, 0) <> coalesce($7, 0) OR body <> $8)`,
			g.ID(), s.Pupil, a.Asked, s.Version, g.Viewer().Person, at.UnixMilli(), chosen, text)
		if n == 0 {
			return CameAgain, err
		}
		return CameChanged, err
	}
	return CameFirst, a.reachOf(ctx, tx, g, now, time.Time{}, onePupil, s.Pupil)
}

// RestoreReturn has a slip say again what it said before the last change, and says
// whether there was one.
func RestoreReturn(ctx context.Context, tx *db.Tx, g rights.Grant, pupil string) (bool, error) {
	if err := g.Must(ctx, tx, Follow); err != nil {
		return false, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `UPDATE word_paper SET version = was_version, noted_by = was_by, noted_at = was_at, choice = was_choice, body = was_body,
		was_version = NULL, was_by = NULL, was_at = NULL, was_choice = NULL, was_body = '' WHERE word = $1 AND pupil = $2 AND asked = $3 AND was_at IS NOT NULL`, g.ID(), pupil, a.Asked)
	if err != nil {
		return false, fmt.Errorf("paper: %w", err)
	}
	return n > 0, nil
}

// UndoReturn takes back that a slip came, and says whether there was one. A
// family that a relative reached stays so.
func UndoReturn(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, pupil string) (bool, error) {
	if err := g.Must(ctx, tx, Follow); err != nil {
		return false, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return false, err
	}
	at, ok, err := db.One[int64](ctx, tx, `DELETE FROM word_paper WHERE word = $1 AND pupil = $2 AND asked = $3 RETURNING noted_at`, g.ID(), pupil, a.Asked)
	if err != nil || !ok {
		return false, err
	}
	first, err := db.Value[int64](ctx, tx, `SELECT coalesce(reached_at, 0) FROM word_pupil WHERE word = $1 AND pupil = $2`, g.ID(), pupil)
	if err != nil {
		return false, err
	}
	return true, a.reachOf(ctx, tx, g, now, time.UnixMilli(min(at, first)), onePupil, pupil)
}

// onePupil is the family of pupil $2, for reachOf.
const onePupil = `SELECT m.person FROM membership m WHERE m.person = $2 AND m.profile = 'pupil' AND m.school = (SELECT w.school FROM word w WHERE w.id = $1) AND m.valid_to > $3`
