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
}

// NoteReturn notes a slip of paper that came back: the family is reached, by
// paper, and nothing is said in the name of a relative. Noting it again changes
// what it says, and says that it was there.
func NoteReturn(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, s Slip) (again bool, err error) {
	if err := g.Must(ctx, tx, Follow); err != nil {
		return false, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return false, err
	}
	if s.Version == 0 {
		s.Version = a.Version
	}
	if s.Version < a.Asked {
		return false, errs.Field("talon", "liaison.slip_old")
	}
	here, err := db.Value[int64](ctx, tx, `SELECT count(*) FROM word_pupil wp JOIN membership m ON m.person = wp.pupil AND m.school = $3 AND m.profile = 'pupil' AND m.valid_to > $4
		WHERE wp.word = $1 AND wp.pupil = $2`, g.ID(), s.Pupil, g.School(), now.UnixMilli())
	if err != nil {
		return false, err
	}
	if here == 0 {
		return false, errs.Field("talon", "liaison.slip_nobody")
	}
	chosen, text, err := a.check(ctx, tx, g, s.Choice, s.Text)
	if err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `INSERT INTO word_paper (word, pupil, asked, version, noted_by, noted_at, choice, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`,
		g.ID(), s.Pupil, a.Asked, s.Version, g.Viewer().Person, now.UnixMilli(), chosen, text)
	if err != nil {
		return false, fmt.Errorf("paper: %w", err)
	}
	if n == 0 {
		_, err := tx.Exec(ctx, `UPDATE word_paper SET version = $4, noted_by = $5, noted_at = $6, choice = $7, body = $8
			WHERE word = $1 AND pupil = $2 AND asked = $3 AND (coalesce(choice, 0) <> coalesce($7, 0) OR body <> $8)`,
			g.ID(), s.Pupil, a.Asked, s.Version, g.Viewer().Person, now.UnixMilli(), chosen, text)
		return true, err
	}
	return false, a.reachOf(ctx, tx, g, now, time.Time{}, onePupil, s.Pupil)
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
