package tell

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/cpu"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

const (
	// planned is how many people one transaction decides for.
	planned = 300
	// fresh is how old an event may be that people are still told of: a queue
	// that stood still, or a copy that was restored, must not wake a school.
	fresh = 24 * time.Hour
)

// reader is somebody who may be told of an event.
type reader struct {
	Person  string
	Address bool // confirmed, and not refused since
}

// plan decides for each person whether, how and when they are told, one batch
// and one transaction after the other: a job for each would wait for the queue
// between them. Planned twice, it changes nothing.
func plan(ctx context.Context, core *app.Core, t notify.Tell) error {
	began := core.Clock.Now()
	for {
		last, err := planSome(ctx, core, t)
		if err != nil || last == "" {
			return err
		}
		t.After = last
		if core.Clock.Now().Sub(began) >= enough {
			return core.DB.Write(ctx, func(tx *db.Tx) error { return core.Jobs.Add(ctx, tx, t) })
		}
	}
}

// planSome decides for one batch, and returns its last person when more may
// follow.
func planSome(ctx context.Context, core *app.Core, t notify.Tell) (last string, err error) {
	var p decided
	cpu.Behind(func() { p, err = decide(ctx, core, t) })
	if err != nil || len(p.rows) == 0 {
		return p.last, err
	}
	return p.last, core.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := db.Insert(ctx, tx, `INSERT INTO delivery (id, event, person, channel, target, digest, due_at) VALUES `, `ON CONFLICT DO NOTHING`, p.rows); err != nil {
			return fmt.Errorf("tell: %w", err)
		}
		for _, channel := range []string{pushed, mailed} {
			if p.soon[channel] {
				if err := core.Jobs.Add(ctx, tx, flush{channel}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// decided is what to do for one batch.
type decided struct {
	last string          // person, when more may follow
	rows [][]any         // of deliveries
	soon map[string]bool // channels on which something is due
}

// decide reads what those of one batch want.
func decide(ctx context.Context, core *app.Core, t notify.Tell) (p decided, err error) {
	now := core.Clock.Now()
	e, ok, err := db.One[struct {
		Kind, School, Zone string
		At                 int64
	}](ctx, core.DB, `SELECT e.kind, e.school, s.timezone AS zone, e.created_at AS at FROM event e JOIN school s ON s.id = e.school WHERE e.id = $1`, t.Event)
	if err != nil || !ok || e.At < now.Add(-fresh).UnixMilli() {
		return p, err
	}
	what, ok := core.Told(e.Kind)
	if !ok {
		return p, nil
	}
	people, err := db.All[reader](ctx, core.DB, `SELECT f.person, (p.email <> '' AND r.person IS NULL) AS address
		FROM feed f JOIN person p ON p.id = f.person LEFT JOIN refused_address r ON r.person = p.id AND r.email = p.email
		WHERE f.event = $1 AND f.person > $2 AND p.activated_at IS NOT NULL ORDER BY f.person LIMIT $3`, t.Event, t.After, planned)
	if err != nil || len(people) == 0 {
		return p, err
	}
	persons := make([]string, len(people))
	for i, r := range people {
		persons[i] = r.Person
	}
	known, err := read(ctx, core.DB, now, persons)
	if err != nil {
		return p, fmt.Errorf("tell: %w", err)
	}
	zone := clock.Zone(e.Zone)
	p.soon = map[string]bool{}
	for _, r := range people {
		for _, w := range ways(what, known.settings[r.Person], known.profiles[r.Person], known.devices[r.Person], r.Address && session.CanMail(core), now, zone) {
			p.rows = append(p.rows, []any{id.New(), t.Event, r.Person, w.Channel, w.Target, w.Digest, w.Due.UnixMilli()})
			p.soon[w.Channel] = p.soon[w.Channel] || !w.Due.After(now)
		}
	}
	if len(people) == planned {
		p.last = persons[len(persons)-1]
	}
	return p, nil
}

// way is one by which somebody is told.
type way struct {
	Channel string
	Target  string // the device that rings
	Digest  bool   // in a summary
	Due     time.Time
}

// ways are those by which somebody is told now of a kind of event, in a school of
// that zone: what they chose decides, or what their profiles have.
func ways(what notify.Told, s notify.Setting, profiles []rights.Profile, devices []string, address bool, now time.Time, zone *time.Location) (out []way) {
	c, ok := s.Of(what, profiles)
	if !ok {
		return nil
	}
	if c.Push {
		for _, device := range devices {
			out = append(out, way{pushed, device, false, s.Hours.Due(now, zone)})
		}
	}
	switch {
	case !address || c.Mail == notify.Never:
	case c.Mail == notify.Once:
		out = append(out, way{mailed, "", false, s.Hours.Due(now, zone)})
	default:
		out = append(out, way{mailed, "", true, s.Hours.Next(c.Mail, now, zone)})
	}
	return out
}

// wishes are what is to be known of a batch of people to decide for them.
type wishes struct {
	settings map[string]notify.Setting
	profiles map[string][]rights.Profile
	devices  map[string][]string // push subscriptions of sessions that last
}

func read(ctx context.Context, q db.Querier, now time.Time, persons []string) (w wishes, err error) {
	if w.settings, err = notify.Settings(ctx, q, persons); err != nil {
		return w, err
	}
	at := []any{now.UnixMilli()}
	list, args := db.In(at, persons)
	held, err := db.All[struct {
		Person, Profile string
		Head            bool
	}](ctx, q, `SELECT person, profile, head FROM membership WHERE valid_from <= $1 AND valid_to > $1 AND person IN (`+list+`)`, args...)
	if err != nil {
		return w, err
	}
	w.profiles = map[string][]rights.Profile{}
	for _, m := range held {
		w.profiles[m.Person] = append(w.profiles[m.Person], rights.Profile(m.Profile))
		if m.Head {
			w.profiles[m.Person] = append(w.profiles[m.Person], rights.Head)
		}
	}
	w.devices, err = session.Devices(ctx, q, now, persons)
	return w, err
}
