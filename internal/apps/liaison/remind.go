package liaison

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Reminder is the kind of event that recalls a word.
const Reminder = "liaison.reminder"

// pause is the least time between two reminders of a word to somebody.
const pause = time.Hour

// Whom is a reminder for: all the missing families when it is empty.
type Whom struct {
	Pupils []string // those of these pupils
	Class  string   // those of this class, or noClass
}

// Remind recalls a word to the relatives of the families that it has not
// reached, or of some of them, and says to how many. Who has already signed or
// answered, and who was reminded within the hour, is left alone: a second tap
// reminds nobody.
func Remind(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, o Whom) (int, error) {
	if err := g.Must(ctx, tx, Follow); err != nil {
		return 0, err
	}
	return remind(ctx, tx, core, g, round{word: g.ID(), actor: g.Viewer().Person, whom: o, now: now})
}

// round is a reminder of a word: by whom, at what time, of some families or of
// all that are missing.
type round struct {
	word, actor string
	whom        Whom
	now         time.Time
}

func remind(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, r round) (int, error) {
	now := r.now
	a, err := holdWord(ctx, tx, r.word)
	if err != nil {
		return 0, err
	}
	some, args := "", []any{r.word, now.UnixMilli(), a.Asked, now.Add(-pause).UnixMilli(), r.actor}
	if len(r.whom.Pupils) > 0 {
		var in string
		in, args = db.In(args, r.whom.Pupils)
		some += " AND wp.pupil IN (" + in + ")"
	}
	switch r.whom.Class {
	case "":
	case noClass:
		some += " AND wp.class = ''"
	default:
		args = append(args, r.whom.Class)
		some += " AND wp.class = $" + strconv.Itoa(len(args))
	}
	persons, err := db.All[string](ctx, tx, `SELECT DISTINCT f.relative FROM word w CROSS JOIN word_pupil wp CROSS JOIN membership m JOIN family_link f ON f.pupil = wp.pupil
		WHERE w.id = $1 AND wp.word = w.id AND m.person = wp.pupil AND m.school = w.school AND m.profile = 'pupil' AND m.valid_from <= $2 AND m.valid_to > $2 AND wp.reached_at IS NULL AND f.relative <> $5 AND `+people.LinkHolds("f", "$2")+`
		AND NOT EXISTS (SELECT 1 FROM reply rp WHERE rp.word = wp.word AND rp.person = f.relative AND rp.asked = $3)
		AND NOT EXISTS (SELECT 1 FROM reminder rm WHERE rm.word = wp.word AND rm.person = f.relative AND rm.at > $4)`+some, args...)
	if err != nil || len(persons) == 0 {
		return 0, err
	}
	n, err := db.Value[int64](ctx, tx, `SELECT coalesce(max(round), 0) + 1 FROM reminder WHERE word = $1`, r.word)
	if err != nil {
		return 0, fmt.Errorf("remind: %w", err)
	}
	rows := make([][]any, len(persons))
	for i, p := range persons {
		rows[i] = []any{r.word, p, n, now.UnixMilli()}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO reminder (word, person, round, at) VALUES `, "", rows); err != nil {
		return 0, fmt.Errorf("remind: %w", err)
	}
	pupils, err := db.All[string](ctx, tx, `SELECT pupil FROM word_pupil WHERE word = $1`, r.word)
	if err != nil {
		return 0, fmt.Errorf("remind: %w", err)
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: Reminder, Resource: r.word, Actor: r.actor, Pupils: pupils, Only: persons, At: now})
	return len(persons), err
}
