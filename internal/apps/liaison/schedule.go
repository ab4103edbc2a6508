package liaison

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// planFor is how far ahead a word may be planned.
const planFor = 366 * 24 * time.Hour

// schoolZone is the time zone of a school.
//
// scope: a school's zone is nobody's secret
func schoolZone(ctx context.Context, q db.Querier, school string) (*time.Location, error) {
	name, err := db.Value[string](ctx, q, `SELECT timezone FROM school WHERE id = $1`, school)
	return clock.Zone(name), err
}

// Plan keeps a draft to be sent at an hour of the school, and is what became of
// it.
func Plan(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, profile rights.Profile, now time.Time, d Draft) (Kept, error) {
	if err := g.Must(ctx, tx, Write); err != nil {
		return Kept{}, err
	}
	zone, err := schoolZone(ctx, tx, g.School())
	if err != nil {
		return Kept{}, err
	}
	at, err := d.checkPlan(now.In(zone))
	if err != nil {
		return Kept{}, err
	}
	if _, _, err := targets(ctx, tx, core, g, now, d.To); err != nil {
		return Kept{}, err
	}
	d.planning = true
	kept, err := Save(ctx, tx, g, now, d)
	if err != nil || kept.Sent {
		return kept, err
	}
	if kept.Newer != 0 { // a second one would be sent as well
		return Kept{}, errs.Field("titre", overtaken)
	}
	if err := file.Keep(ctx, tx, g.Viewer().Person, at.Add(draftsFor), d.Files...); err != nil {
		return kept, err
	}
	if _, err := tx.Exec(ctx, `UPDATE word_draft SET send_at = $2, profile = $3, refused = '' WHERE id = $1`, kept.ID, at.UnixMilli(), string(profile)); err != nil {
		return kept, fmt.Errorf("plan: %w", err)
	}
	return kept, core.Jobs.AddAt(ctx, tx, at, sending{Draft: kept.ID})
}

// checkPlan says all that is wrong with a draft on the day that it is to be sent,
// and with that day.
func (d *Draft) checkPlan(now time.Time) (time.Time, error) {
	f := errs.Fields{}
	at, err := time.ParseInLocation(time.DateOnly+" 15:04", d.Day+" "+d.Hour, now.Location())
	switch {
	case err != nil:
		f.Add("jour", "liaison.plan_wrong")
	case !at.After(now):
		f.Add("jour", "liaison.plan_past")
	case at.After(now.Add(planFor)):
		f.Add("jour", "liaison.plan_far")
	}
	if len(f) > 0 {
		at = now
	}
	if err := d.Check(at); err != nil {
		maps.Copy(f, errs.As(err).Fields)
	}
	return at, f.Err()
}

// Unplan makes a draft again of what was to be sent.
func Unplan(ctx context.Context, tx *db.Tx, g rights.Grant, draft string) error {
	return drop(ctx, tx, g, `UPDATE word_draft SET send_at = NULL WHERE id = $1 AND author = $2 AND school = $3 AND send_at IS NOT NULL`, draft)
}

// sending is the job that sends a draft at its hour, or all that are due.
type sending struct {
	Draft string `json:"draft,omitempty"`
}

// Kind names the job.
func (sending) Kind() string { return "liaison.send" }

// SendDue sends the words whose hour has come, each once, as the rights of
// their authors stand now. What cannot be sent is a draft again, and says why.
func SendDue(ctx context.Context, core *app.Core) error {
	now := core.Clock.Now()
	due, err := db.All[string](ctx, core.DB, `SELECT id FROM word_draft WHERE send_at <= $1 AND dropped_at IS NULL ORDER BY send_at`, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("planned words: %w", err)
	}
	var failed error
	for _, draft := range due {
		failed = errors.Join(failed, sendOne(ctx, core, draft)) // one that fails holds up no other
	}
	return failed
}

// sendOne sends one whose hour has come; before it, or once it is gone, there is
// nothing to do.
func sendOne(ctx context.Context, core *app.Core, draft string) error {
	now := core.Clock.Now()
	err := core.DB.Write(ctx, func(tx *db.Tx) error { return sendPlanned(ctx, tx, core, now, draft) })
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Denied, errs.NotFound:
		err = core.DB.Write(ctx, func(tx *db.Tx) error { return refuse(ctx, tx, core, rights.System("planned word"), now, draft, err) })
	}
	if err != nil {
		return fmt.Errorf("planned word %s: %w", draft, err)
	}
	return nil
}

// sendPlanned sends one, unless somebody else has: the row is taken first.
//
// scope: a grant is minted for the author
func sendPlanned(ctx context.Context, tx *db.Tx, core *app.Core, now time.Time, draft string) error {
	p, ok, err := db.One[struct {
		Saved
		Author, Profile string
	}](ctx, tx, `UPDATE word_draft SET send_at = NULL WHERE id = $1 AND send_at <= $2 AND dropped_at IS NULL
		RETURNING `+savedColumns+`, author, profile`, draft, now.UnixMilli())
	if err != nil || !ok {
		return err
	}
	g, err := Write.Behalf(ctx, tx, p.Author, p.School, now)
	if err != nil {
		return err
	}
	zone, err := schoolZone(ctx, tx, p.School)
	if err != nil {
		return err
	}
	d := p.Draft()
	d.planned(now.In(zone))
	_, err = Send(ctx, tx, core, g, p.Author, rights.Profile(p.Profile), now, d)
	return err
}

// planned lets go of a reminder whose hour is past at now, a time of the school:
// the word matters more.
func (d *Draft) planned(now time.Time) {
	if at, ok := recallAt(d.Due, d.Recall, now.Location()); ok && !at.After(now) {
		d.Recall = 0
	}
}

// refuse notes why a word was not sent; its author is told, and finds it among the
// drafts.
func refuse(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, draft string, cause error) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	why := "liaison.planned_refused"
	for _, m := range errs.As(cause).Fields {
		if len(m.Args) == 0 { // a sentence that stands alone
			why = m.Key
		}
	}
	d, ok, err := db.One[struct{ School, Author, Title string }](ctx, tx, `UPDATE word_draft SET send_at = NULL, refused = $3, saved_at = $2 WHERE id = $1 AND send_at <= $2 RETURNING school, author, title`, draft, now.UnixMilli(), why)
	if err != nil || !ok {
		return err
	}
	if err := tellUnsent(ctx, tx, core, g.For(d.School), now, d.Author, d.Title); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g.For(d.School), now, "liaison.planned_refused", draft, "")
}

// Recalls are the days before the date at which the missing may be reminded.
var Recalls = []int{1, 3}

const (
	// recallHour is when school is over and nobody is asleep.
	recallHour = 17
	// A reminder that was held up waits for a decent hour.
	dayFrom, dayTo = 8, 20
)

// recallAt is when the missing are reminded, days before the date; false when
// they are not.
func recallAt(due string, days int, zone *time.Location) (time.Time, bool) {
	day, err := time.ParseInLocation(time.DateOnly, due, zone)
	if err != nil || days == 0 {
		return time.Time{}, false
	}
	return time.Date(day.Year(), day.Month(), day.Day()-days, recallHour, 0, 0, 0, zone), true
}

// recallMillis is the same as a row keeps it: nothing that is past.
func recallMillis(due string, days int, now time.Time) any {
	at, ok := recallAt(due, days, now.Location())
	if !ok || !at.After(now) {
		return nil
	}
	return at.UnixMilli()
}

// checkRecall keeps a reminder only of what has a date.
func (d *Draft) checkRecall(f errs.Fields, now time.Time) {
	if d.Due == "" || !slices.Contains(Recalls, d.Recall) {
		d.Recall = 0
	}
	if at, ok := recallAt(d.Due, d.Recall, now.Location()); ok && !at.After(now) {
		f.Add("rappel", "liaison.recall_past")
	}
}

// recalling is the job that reminds of what is due soon.
type recalling struct{}

// Kind names the job.
func (recalling) Kind() string { return "liaison.recall" }

// RecallDue reminds, once, those who have not answered a word whose date comes.
func RecallDue(ctx context.Context, core *app.Core) error {
	now := core.Clock.Now()
	due, err := db.All[struct{ ID, School, Author, Zone, Due string }](ctx, core.DB, `SELECT w.id, w.school, w.author, s.timezone AS zone, w.due
		FROM word w JOIN school s ON s.id = w.school WHERE w.recall_at <= $1 AND w.taken_at IS NULL ORDER BY w.recall_at`, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("reminders: %w", err)
	}
	var failed error
	for _, w := range due {
		local := now.In(clock.Zone(w.Zone))
		if h := local.Hour(); h < dayFrom || h >= dayTo {
			continue
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			g := rights.System("reminder before the date").For(w.School)
			n, err := tx.Exec(ctx, `UPDATE word SET recall_at = NULL WHERE id = $1 AND recall_at <= $2`, w.ID, now.UnixMilli())
			if err != nil || n == 0 || local.Format(time.DateOnly) > w.Due {
				return err
			}
			_, err = remind(ctx, tx, core, g, round{word: w.ID, actor: w.Author, now: now})
			return err
		}); err != nil {
			failed = errors.Join(failed, fmt.Errorf("reminder of %s: %w", w.ID, err))
		}
	}
	return failed
}
