package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Rhythm is how often somebody is written to.
type Rhythm string

// The rhythms, from the most to the least pressing.
const (
	Once   Rhythm = "once" // at once
	Daily  Rhythm = "daily"
	Weekly Rhythm = "weekly"
	Never  Rhythm = "never"
)

// Rhythms are all of them, in the order of a list.
var Rhythms = []Rhythm{Once, Daily, Weekly, Never}

// Valid says whether it is one of them.
func (r Rhythm) Valid() bool { return r.rank() < len(Rhythms) }

func (r Rhythm) rank() int {
	for i, known := range Rhythms {
		if r == known {
			return i
		}
	}
	return len(Rhythms)
}

// Choice is how somebody is told of one kind of event.
type Choice struct {
	Push bool
	Mail Rhythm
}

// Told is a kind of event that people are told of outside the portal. A
// profile that is not in For is not, and is not asked.
type Told struct {
	Kind  string // "liaison.word"
	Label string // key of its line among the settings
	Text  string // key of what a phone and a subject say: no name, no title
	Many  string // key of what a line says of n of them by one author, given as "from": "de Mme …"
	Line  string // key of what a line of the feed says before the title; "" for the publication itself
	For   map[rights.Profile]Choice
}

// Service is the part of the kind before the dot.
func (t Told) Service() string {
	s, _, _ := strings.Cut(t.Kind, ".")
	return s
}

// Default is the most pressing of what the profiles have; ok is false when
// none is told.
func (t Told) Default(profiles []rights.Profile) (c Choice, ok bool) {
	c.Mail = Never
	for _, p := range profiles {
		if d, is := t.For[p]; is {
			ok = true
			c.Push = c.Push || d.Push
			if d.Mail.rank() < c.Mail.rank() {
				c.Mail = d.Mail
			}
		}
	}
	return c, ok
}

// Hours are when somebody may be told, as hours of the day.
type Hours struct {
	QuietFrom int `db:"quiet_from"` // the same hour twice is no silence
	QuietTo   int `db:"quiet_to"`
	Sunday    bool
	Summary   int
	Day       int // of the week's summary, Monday 1 to Sunday 7; 0 is Friday
}

func (h Hours) weekly() time.Weekday {
	if h.Day == 0 {
		return time.Friday
	}
	return time.Weekday(h.Day % 7)
}

// DefaultHours hold for who chose nothing: told at once, summaries after school.
var DefaultHours = Hours{Summary: 18, Day: int(time.Friday)}

// Setting is all that somebody chose.
type Setting struct {
	Choices map[string]Choice // by kind
	Off     map[string]bool   // by service
	Hours   Hours
}

// Of is what was chosen for a kind of event, else its default; ok is false
// when nothing is to be said.
func (s Setting) Of(t Told, profiles []rights.Profile) (Choice, bool) {
	c, ok := t.Default(profiles)
	if !ok || s.Off[t.Service()] {
		return Choice{Mail: Never}, false
	}
	if own, chosen := s.Choices[t.Kind]; chosen {
		c = own
	}
	return c, true
}

// Settings reads what people chose, in three statements.
func Settings(ctx context.Context, q db.Querier, persons []string) (map[string]Setting, error) {
	out := make(map[string]Setting, len(persons))
	for _, p := range persons {
		out[p] = Setting{Choices: map[string]Choice{}, Off: map[string]bool{}, Hours: DefaultHours}
	}
	if len(persons) == 0 {
		return out, nil
	}
	list, args := db.In(nil, persons)
	choices, err := db.All[struct {
		Person, Kind string
		Push         bool
		Mail         string
	}](ctx, q, `SELECT person, kind, push, mail FROM told_choice WHERE person IN (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for _, c := range choices {
		out[c.Person].Choices[c.Kind] = Choice{c.Push, Rhythm(c.Mail)}
	}
	offs, err := db.All[struct{ Person, Service string }](ctx, q, `SELECT person, service FROM told_off WHERE person IN (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for _, o := range offs {
		out[o.Person].Off[o.Service] = true
	}
	hours, err := db.All[struct {
		Person    string
		QuietFrom int `db:"quiet_from"`
		QuietTo   int `db:"quiet_to"`
		Sunday    bool
		Summary   int
		Day       int
	}](ctx, q, `SELECT person, quiet_from, quiet_to, sunday, summary, day FROM told_hours WHERE person IN (`+list+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	for _, h := range hours {
		s := out[h.Person]
		s.Hours = Hours{h.QuietFrom, h.QuietTo, h.Sunday, h.Summary, h.Day}
		out[h.Person] = s
	}
	return out, nil
}

// Choose keeps what somebody chose for kinds of events where it is not usual:
// who leaves a kind as it is follows what becomes usual.
func Choose(ctx context.Context, tx *db.Tx, g rights.Grant, person string, choices, usual map[string]Choice) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	rows := make([][]any, 0, len(choices))
	var plain []string
	for kind, c := range choices {
		if u, ok := usual[kind]; ok && u == c {
			plain = append(plain, kind)
			continue
		}
		rows = append(rows, []any{person, kind, c.Push, string(c.Mail)})
	}
	if len(plain) > 0 {
		list, args := db.In([]any{person}, plain)
		if _, err := tx.Exec(ctx, `DELETE FROM told_choice WHERE person = $1 AND kind IN (`+list+`)`, args...); err != nil {
			return err
		}
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO told_choice (person, kind, push, mail) VALUES `,
		`ON CONFLICT (person, kind) DO UPDATE SET push = excluded.push, mail = excluded.mail, stopped = ''`, rows)
	return err
}

// Stop ends the mails of some kinds, which come to somebody as said, and keeps how
// they came, for who wants them back.
func Stop(ctx context.Context, tx *db.Tx, g rights.Grant, person string, was map[string]Choice) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	rows := make([][]any, 0, len(was))
	for kind, c := range was {
		rows = append(rows, []any{person, kind, c.Push, string(Never), string(c.Mail)})
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO told_choice (person, kind, push, mail, stopped) VALUES `,
		`ON CONFLICT (person, kind) DO UPDATE SET mail = excluded.mail, stopped = excluded.stopped`, rows)
	return err
}

// Stopped is how the kinds came of which somebody stopped the mails from one of
// them, and chose nothing since.
func Stopped(ctx context.Context, q db.Querier, person string) (map[string]Rhythm, error) {
	rows, err := db.All[struct{ Kind, Stopped string }](ctx, q, `SELECT kind, stopped FROM told_choice WHERE person = $1 AND stopped <> '' AND mail = 'never'`, person)
	out := map[string]Rhythm{}
	for _, r := range rows {
		out[r.Kind] = Rhythm(r.Stopped)
	}
	return out, err
}

// Forget goes back to the defaults of every kind.
func Forget(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM told_choice WHERE person = $1`, person)
	return err
}

// Cut switches a service off for somebody, or on again.
func Cut(ctx context.Context, tx *db.Tx, g rights.Grant, person, service string, off bool) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	text := `DELETE FROM told_off WHERE person = $1 AND service = $2`
	if off {
		text = `INSERT INTO told_off (person, service) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	}
	_, err := tx.Exec(ctx, text, person, service)
	return err
}

// SetHours keeps when somebody may be told.
func SetHours(ctx context.Context, tx *db.Tx, g rights.Grant, person string, h Hours) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO told_hours (person, quiet_from, quiet_to, sunday, summary, day) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (person) DO UPDATE SET quiet_from = excluded.quiet_from, quiet_to = excluded.quiet_to, sunday = excluded.sunday, summary = excluded.summary, day = excluded.day`,
		person, h.QuietFrom, h.QuietTo, h.Sunday, h.Summary, h.Day)
	return err
}

// Due is when something may be said to somebody: now, or when their silence
// ends. The zone is the school's; a night that is an hour longer or shorter
// ends at the same hour of the wall.
func (h Hours) Due(now time.Time, zone *time.Location) time.Time {
	at := now.In(zone)
	for range 4 { // a night, a Sunday and the night after it
		y, m, d := at.Date()
		switch {
		case h.Sunday && at.Weekday() == time.Sunday:
			at = time.Date(y, m, d+1, 0, 0, 0, 0, zone)
		case h.quiet(at.Hour()):
			if at.Hour() >= h.QuietTo { // it ends tomorrow
				d++
			}
			at = time.Date(y, m, d, h.QuietTo, 0, 0, 0, zone)
		default:
			return at
		}
	}
	return at
}

func (h Hours) quiet(hour int) bool {
	if h.QuietFrom <= h.QuietTo {
		return hour >= h.QuietFrom && hour < h.QuietTo
	}
	return hour >= h.QuietFrom || hour < h.QuietTo
}

// Next is when the next summary of a rhythm leaves: the hour chosen, each day
// or on the day of the week.
func (h Hours) Next(r Rhythm, now time.Time, zone *time.Location) time.Time {
	at := now.In(zone)
	y, m, d := at.Date()
	next := time.Date(y, m, d, h.Summary, 0, 0, 0, zone)
	for !next.After(at) || r == Weekly && next.Weekday() != h.weekly() {
		d++
		next = time.Date(y, m, d, h.Summary, 0, 0, 0, zone)
	}
	return h.Due(next, zone)
}

// eraseTold removes what somebody chose and what is on its way to them.
func eraseTold(ctx context.Context, tx *db.Tx, person string) error {
	for _, table := range []string{"told_choice", "told_off", "told_hours", "delivery"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, person); err != nil {
			return fmt.Errorf("erase %s: %w", table, err)
		}
	}
	return eraseMuted(ctx, tx, person)
}

// mergeTold gives the winner what the loser chose where they chose nothing, and
// what was said to the loser, so that it is not said again.
func mergeTold(ctx context.Context, tx *db.Tx, winner, loser string) error {
	for _, text := range []string{
		`INSERT INTO told_off (person, service) SELECT $1, o.service FROM told_off o WHERE o.person = $2
			AND NOT EXISTS (SELECT 1 FROM told_choice c WHERE c.person = $1 AND c.kind LIKE o.service || '.%') ON CONFLICT DO NOTHING`,
		`INSERT INTO told_choice (person, kind, push, mail) SELECT $1, kind, push, mail FROM told_choice WHERE person = $2 ON CONFLICT DO NOTHING`,
		`INSERT INTO told_hours (person, quiet_from, quiet_to, sunday, summary, day) SELECT $1, quiet_from, quiet_to, sunday, summary, day FROM told_hours WHERE person = $2 ON CONFLICT DO NOTHING`,
		`UPDATE delivery SET person = $1 WHERE person = $2 AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.person = $1
			AND d.event = delivery.event AND d.channel = delivery.channel AND d.target = delivery.target)`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	return mergeMuted(ctx, tx, winner, loser)
}

func exportTold(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	settings, err := Settings(ctx, q, []string{person})
	if err != nil {
		return err
	}
	if err := add("notifications", settings[person]); err != nil {
		return err
	}
	sent, err := db.All[struct {
		Kind, Channel, Outcome string
		DueAt                  int64  `db:"due_at"`
		DoneAt                 *int64 `db:"done_at"`
	}](ctx, q, `SELECT e.kind, d.channel, d.outcome, d.due_at, d.done_at FROM delivery d JOIN event e ON e.id = d.event WHERE d.person = $1 ORDER BY d.id`, person)
	if err != nil {
		return err
	}
	return add("deliveries", sent)
}

// kept is how long it is remembered what was sent: long enough that no repeat
// of a job sends it again.
const kept = 60 * 24 * time.Hour
