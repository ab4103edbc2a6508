package tell

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/cpu"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/push"
)

const (
	// lease is how long a batch may be under way before another takes it up: the
	// network's part, and reading and writing around it. What was under way when
	// a process died is then sent within two minutes of the next start.
	lease = 75 * time.Second
	// enough bounds one run of the job, within that of jobs; another goes on.
	enough = 45 * time.Second
	// patience bounds the network's part of a batch; what was not sent by then is
	// for later.
	patience = 40 * time.Second
	// What is in flight when a process dies is sent again, and so is small for
	// mail, one message after the other.
	mailBatch = 25
	pushBatch = 200
	// held is how old a thing may be that is told at once: silence, with a Sunday
	// in it, is a day and a half, and trying goes on for nine hours. Past it, a
	// server that stood still or a copy that was restored would wake a school.
	held = 3 * 24 * time.Hour
	// tries, with a pause that doubles from a minute, are some nine hours.
	tries = 10
)

// flush is the job that sends what is due on one channel.
type flush struct {
	Channel string `json:"channel"`
}

// Kind names the job.
func (flush) Kind() string { return "tell.flush" }

func (f flush) run(ctx context.Context, core *app.Core, t *turns) error {
	if !t.take(f.Channel) {
		return nil
	}
	back := false // the turn was given back, which a panic must do too
	defer func() {
		if !back {
			t.drop(f.Channel)
		}
	}()
	began := core.Clock.Now()
	for core.Clock.Now().Sub(began) < enough {
		n, err := f.batch(ctx, core)
		if err != nil {
			return err
		}
		if n == 0 {
			if back = t.done(f.Channel); back {
				return nil
			}
		}
	}
	return core.DB.Write(ctx, func(tx *db.Tx) error { return core.Jobs.Add(ctx, tx, f) })
}

// item is one delivery under way.
type item struct {
	ID, Event, Person, Target string
	Digest                    bool
	Tries                     int
	Kind, About               string // of the event, and of what it is about
	Resource, Zone            string
	Email, First              string
	Refused                   bool // the address
	Sees                      bool // still may read it
	Hears                     bool // did not mute it
	At                        int64

	Rhythm notify.Rhythm `db:"-"` // in which its person is written to
}

// outcome is what became of one delivery.
type outcome struct {
	said  string    // "" when it is tried again
	again time.Time // when
}

// batch claims what is due, says it, and writes down what became of it. The
// network is asked outside of any transaction.
func (f flush) batch(ctx context.Context, core *app.Core) (int, error) {
	ids, err := f.claim(ctx, core)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	now := core.Clock.Now()
	results := map[string]outcome{}
	var due []item
	cpu.Behind(func() { due, err = f.due(ctx, core, now, ids, results) })
	if err != nil {
		return 0, fmt.Errorf("tell: %w", err)
	}
	asking, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if f.Channel == pushed {
		err = ring(asking, core, now, due, results)
	} else {
		err = write(asking, core, now, due, results)
	}
	// What was said is written down even when the server is stopping.
	return len(ids), errors.Join(err, settle(context.WithoutCancel(ctx), core, now, results))
}

// due reads what was claimed, and returns what is still to be said.
func (f flush) due(ctx context.Context, core *app.Core, now time.Time, ids []string, results map[string]outcome) ([]item, error) {
	list, args := db.In([]any{now.UnixMilli()}, ids)
	items, err := db.All[item](ctx, core.DB, `SELECT d.id, d.event, d.person, d.target, d.digest, d.tries, e.kind, r.kind AS about, e.resource, s.timezone AS zone, e.created_at AS at,
		p.email, p.first, (x.person IS NOT NULL) AS refused, `+rights.Sees("r", "d.person", "$1", rights.Read)+` AS sees, `+notify.Hears("d.person", "e.resource")+` AS hears
		FROM delivery d JOIN event e ON e.id = d.event JOIN school s ON s.id = e.school JOIN resource r ON r.id = e.resource JOIN person p ON p.id = d.person
		LEFT JOIN refused_address x ON x.person = p.id AND x.email = p.email
		WHERE d.id IN (`+list+`) ORDER BY d.person, e.created_at, d.id`, args...)
	if err != nil {
		return nil, err
	}
	return f.wanted(ctx, core, now, items, results)
}

// claim takes what is due under a lease; two that claim at once never get the
// same. Summaries of one person are claimed together, for they are one mail.
func (f flush) claim(ctx context.Context, core *app.Core) (ids []string, err error) {
	n := mailBatch
	if f.Channel == pushed {
		n = pushBatch
	}
	now := core.Clock.Now()
	err = core.DB.Write(ctx, func(tx *db.Tx) error {
		taken, err := db.All[struct {
			ID, Person string
			Digest     bool
		}](ctx, tx, `UPDATE delivery SET due_at = $3, tries = tries + 1 WHERE done_at IS NULL AND due_at <= $2 AND id IN
			(SELECT id FROM delivery WHERE channel = $1 AND done_at IS NULL AND due_at <= $2 ORDER BY due_at, id LIMIT $4) RETURNING id, person, digest`,
			f.Channel, now.UnixMilli(), now.Add(lease).UnixMilli(), n)
		if err != nil {
			return err
		}
		var persons []string
		for _, t := range taken {
			ids = append(ids, t.ID)
			if t.Digest && !slices.Contains(persons, t.Person) {
				persons = append(persons, t.Person)
			}
		}
		if len(persons) == 0 {
			return nil
		}
		list, args := db.In([]any{f.Channel, now.UnixMilli(), now.Add(lease).UnixMilli()}, persons)
		more, err := db.All[string](ctx, tx, `UPDATE delivery SET due_at = $3, tries = tries + 1 WHERE channel = $1 AND digest AND done_at IS NULL AND due_at <= $2
			AND person IN (`+list+`) RETURNING id`, args...)
		ids = append(ids, more...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("tell: %w", err)
	}
	return ids, nil
}

// wanted asks again, at the moment of sending, whether each is still to be said:
// rights, settings and silence may have changed since it was planned.
func (f flush) wanted(ctx context.Context, core *app.Core, now time.Time, items []item, results map[string]outcome) (due []item, err error) {
	var persons []string
	for _, i := range items {
		persons = append(persons, i.Person)
	}
	if len(persons) == 0 {
		return nil, nil
	}
	known, err := read(ctx, core.DB, now, slices.Compact(slices.Sorted(slices.Values(persons))))
	if err != nil {
		return nil, err
	}
	for _, i := range items {
		s := known.settings[i.Person]
		what, declared := core.Told(i.Kind)
		c, ok := s.Of(what, known.profiles[i.Person])
		at := s.Hours.Due(now, clock.Zone(i.Zone))
		switch {
		case !i.Sees:
			results[i.ID] = outcome{said: "rights"}
		case !i.Hears, !declared, !ok, f.Channel == pushed && !c.Push, f.Channel == mailed && c.Mail == notify.Never:
			results[i.ID] = outcome{said: "unwanted"}
		case !i.Digest && i.At < now.Add(-held).UnixMilli():
			results[i.ID] = outcome{said: "late"}
		case f.Channel == mailed && (i.Email == "" || i.Refused):
			results[i.ID] = outcome{said: "no address"}
		case at.After(now):
			results[i.ID] = outcome{again: at}
		default:
			i.Rhythm = c.Mail
			due = append(due, i)
		}
	}
	return due, nil
}

// settle writes down what became of a batch.
func settle(ctx context.Context, core *app.Core, now time.Time, results map[string]outcome) error {
	done := map[string][]string{}
	again := map[int64][]string{}
	for id, o := range results {
		if o.said != "" {
			done[o.said] = append(done[o.said], id)
		} else {
			again[o.again.UnixMilli()] = append(again[o.again.UnixMilli()], id)
		}
	}
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		for said, ids := range done {
			list, args := db.In([]any{now.UnixMilli(), said}, ids)
			if _, err := tx.Exec(ctx, `UPDATE delivery SET done_at = $1, outcome = $2 WHERE id IN (`+list+`)`, args...); err != nil {
				return fmt.Errorf("tell: %w", err)
			}
		}
		for at, ids := range again {
			list, args := db.In([]any{at}, ids)
			if _, err := tx.Exec(ctx, `UPDATE delivery SET due_at = $1 WHERE id IN (`+list+`)`, args...); err != nil {
				return fmt.Errorf("tell: %w", err)
			}
		}
		return nil
	})
}

// later is another try, after a pause that doubles, or the end of trying.
func later(now time.Time, i item, pause time.Duration) outcome {
	if i.Tries >= tries {
		return outcome{said: "given up"}
	}
	return outcome{again: now.Add(max(pause, time.Minute<<min(i.Tries-1, 9)))}
}

// payload is what the service worker shows: nothing of anybody.
type payload struct {
	Title string `json:"titre"`
	Text  string `json:"texte"`
	URL   string `json:"url"`
	Badge int    `json:"badge"`
}

// pushes writes what goes to phones, and returns what each is of.
func pushes(ctx context.Context, core *app.Core, now time.Time, items []item, results map[string]outcome) (all []push.Push, sent []item, err error) {
	var targets, persons []string
	for _, i := range items {
		targets, persons = append(targets, i.Target), append(persons, i.Person)
	}
	subscriptions, err := session.Subscriptions(ctx, core.DB, now, targets)
	if err != nil {
		return nil, nil, err
	}
	badges, err := notify.Badges(ctx, core.DB, now, slices.Compact(slices.Sorted(slices.Values(persons))))
	if err != nil {
		return nil, nil, err
	}
	for _, i := range items {
		to, ok := subscriptions[i.Target]
		if !ok {
			results[i.ID] = outcome{said: "gone"}
			continue
		}
		what, _ := core.Told(i.Kind)
		_, kind, _ := core.Kind(rights.Kind(i.About))
		address := "/"
		if kind.Path != nil {
			address = kind.Path(i.Resource)
		}
		body, err := json.Marshal(payload{core.Catalog.T("tell.push.title"), core.Catalog.T(what.Text), address, badges[i.Person]})
		if err != nil {
			return nil, nil, err
		}
		all = append(all, push.Push{To: to, Message: push.Message{Payload: body, TTL: 3 * 24 * time.Hour, Urgency: push.High, Topic: topic(core, i.Event)}})
		sent = append(sent, i)
	}
	return all, sent, nil
}

// ring sends to phones.
func ring(ctx context.Context, core *app.Core, now time.Time, items []item, results map[string]outcome) (err error) {
	if len(items) == 0 {
		return nil
	}
	var all []push.Push
	var sent []item
	cpu.Behind(func() { all, sent, err = pushes(ctx, core, now, items, results) })
	if err != nil {
		return err
	}
	var gone []string
	for n, r := range core.Push.SendAll(ctx, all) {
		i := sent[n]
		switch r.Outcome {
		case push.Sent:
			results[i.ID] = outcome{said: "sent"}
		case push.Later:
			results[i.ID] = later(now, i, r.After)
		case push.Gone:
			results[i.ID] = outcome{said: "gone"}
			gone = append(gone, i.Target)
		default:
			results[i.ID] = outcome{said: "refused"}
			core.Log.WarnContext(ctx, "push refused", "delivery", i.ID, "reason", r.Reason)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	return core.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error { return session.ForgetDevices(ctx, tx, rights.System("push gone"), gone) })
}

// topic makes a repeat of an event replace itself on a phone that was off; the
// push service learns nothing by it.
func topic(core *app.Core, event string) string {
	return base64.RawURLEncoding.EncodeToString(core.Keys.MAC("push topic", []byte(event))[:24])
}

// letter is one mail: of one event, or a summary.
type letter struct {
	items []item
}

// write sends mails, all of a batch over one connection.
func write(ctx context.Context, core *app.Core, now time.Time, items []item, results map[string]outcome) error {
	var letters []letter
	summaries := map[string]int{}
	for _, i := range items {
		if n, ok := summaries[i.Person]; ok && i.Digest {
			letters[n].items = append(letters[n].items, i)
			continue
		}
		if i.Digest {
			summaries[i.Person] = len(letters)
		}
		letters = append(letters, letter{[]item{i}})
	}
	messages := make([]mail.Message, len(letters))
	var err error
	cpu.Behind(func() {
		for n, l := range letters {
			if messages[n], err = l.message(ctx, core); err != nil {
				return
			}
		}
	})
	if err != nil {
		return err
	}
	if core.Mail == nil { // a demonstration, where they are looked at on a page
		return core.DB.Write(ctx, func(tx *db.Tx) error {
			for n, l := range letters {
				if err := session.Show(ctx, tx, now, l.items[0].Person, messages[n].To, messages[n].Subject, messages[n].Text); err != nil {
					return err
				}
				l.became(results, outcome{said: "sent"})
			}
			return nil
		})
	}
	bounced := map[string]string{}
	for n, err := range core.Mail.SendAll(ctx, messages) {
		l := letters[n]
		var refusal *mail.Error
		switch {
		case err == nil:
			l.became(results, outcome{said: "sent"})
		case errors.As(err, &refusal) && refusal.Permanent:
			l.became(results, outcome{said: "refused"})
			if refusal.Recipient {
				bounced[l.items[0].Person] = l.items[0].Email
			}
			core.Log.WarnContext(ctx, "mail refused for good", "delivery", l.items[0].ID, "error", err)
		default:
			for _, i := range l.items {
				results[i.ID] = later(now, i, 0)
			}
		}
	}
	if len(bounced) == 0 {
		return nil
	}
	return core.DB.Write(context.WithoutCancel(ctx), func(tx *db.Tx) error {
		for person, email := range bounced {
			if err := session.Refuse(ctx, tx, rights.System("mail refused"), now, person, email); err != nil {
				return err
			}
		}
		return nil
	})
}

func (l letter) became(results map[string]outcome, o outcome) {
	for _, i := range l.items {
		results[i.ID] = o
	}
}

// line is one thing published, in a mail.
type line struct{ Text, URL string }

// message writes a mail. It names what was published by its kind alone, and is
// the same again when it is tried again.
func (l letter) message(ctx context.Context, core *app.Core) (mail.Message, error) {
	first := l.items[0]
	base := strings.TrimSuffix(core.Base.String(), "/")
	m := mail.Message{To: first.Email, Name: first.First, Return: returnToken(core, first.ID)}
	identity := first.Person
	stops, stop := first.Kind, "tell.mail.stop"
	var lines []line
	for _, i := range l.items {
		identity += " " + i.Event
		what, _ := core.Told(i.Kind)
		address := base + "/"
		if _, k, ok := core.Kind(rights.Kind(i.About)); ok && k.Path != nil {
			address = base + k.Path(i.Resource)
		}
		text := core.Catalog.T(what.Text)
		if first.Digest {
			text += ", " + i18n.LongDate(time.UnixMilli(i.At).In(clock.Zone(i.Zone)))
		} else {
			m.Subject = text
		}
		lines = append(lines, line{text, address})
	}
	if first.Digest {
		m.Subject = core.Catalog.T("tell.mail.summary", "n", len(lines))
		stops, stop = summed(l.items), "tell.mail.stop.summary"
	}
	m.MessageID = hex.EncodeToString(core.Keys.MAC("mail id", []byte(identity))[:16]) + "@" + core.Base.Hostname()
	m.ListUnsubscribe = base + atStop + stopping{first.Person, stops}.token(core)
	var text strings.Builder
	fmt.Fprintf(&text, "%s\n\n", core.Catalog.T("tell.mail.hello", "name", first.First))
	for _, n := range lines {
		fmt.Fprintf(&text, "%s\n%s\n\n", n.Text, n.URL)
	}
	fmt.Fprintf(&text, "-- \n%s\n%s\n%s\n%s\n", core.Catalog.T("tell.mail.why"), base+atSettings, core.Catalog.T("tell.mail.colon", "what", core.Catalog.T(stop)), m.ListUnsubscribe)
	m.Text = text.String()
	var page bytes.Buffer
	if err := mailPage(m.Subject, core.Catalog.T("tell.mail.hello", "name", first.First), lines, base+atSettings, core.Catalog.T(stop), m.ListUnsubscribe).Render(i18n.With(ctx, core.Catalog), &page); err != nil {
		return m, err
	}
	m.HTML = page.String()
	return m, nil
}
