// Package notify tells people what was published for them: an event is written
// with the change that causes it, becomes one feed row per person, and is
// filtered again by rights each time it is read. It refuses to know any service.
package notify

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of events and feeds.
func Migrations() fs.FS {
	f, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Event is something published.
type Event struct {
	ID       string
	School   string
	Kind     string // "liaison.word": the part before the dot is the service
	Resource string
	Actor    string
	Pupils   []string // whom it is about
	PupilsOf string   // in their place, where they are hundreds: a SELECT of "pupil" by the resource, $1
	Awaits   bool     // asks something of the relatives of those pupils
	Only     []string // of those who may read the resource, these alone; everybody when empty
	Later    bool     // who may read it later is told then, even if only some are now
	Replaces bool     // what was asked before about the resource waits no more: this event asks it
	At       time.Time
	Tell     time.Time // before it nobody is told outside the portal; At when zero
}

const (
	first = 200 // readers whose rows of feeds are written while somebody waits for the reply
	most  = 400 // rows that a transaction of a job writes
)

// Publish writes the event and the feed rows of everybody who may read the
// resource, its actor aside. Within one school they are visible when the
// transaction commits; where more than 200 people may read it, a job writes them
// at once, in batches.
func Publish(ctx context.Context, tx *db.Tx, queue *jobs.Queue, e Event) (Event, error) {
	if e.ID == "" {
		e.ID = id.New()
	}
	// What a job, or a reader before it, is writing of the same resource is seen below,
	// and sees this event.
	if _, err := hold(ctx, tx, `resource = $1 AND spreading`, e.Resource); err != nil {
		return e, fmt.Errorf("event: %w", err)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO event (id, school, kind, resource, actor, created_at, chosen, awaits) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		e.ID, e.School, e.Kind, e.Resource, e.Actor, e.At.UnixMilli(), len(e.Only) > 0 && !e.Later, e.Awaits); err != nil {
		return e, fmt.Errorf("event: %w", err)
	}
	if err := about(ctx, tx, e); err != nil {
		return e, fmt.Errorf("event: %w", err)
	}
	if e.Replaces {
		if _, err := tx.Exec(ctx, `UPDATE feed SET awaits = FALSE WHERE awaits AND event IN (SELECT id FROM event WHERE resource = $1 AND id <> $2)`, e.Resource, e.ID); err != nil {
			return e, fmt.Errorf("feed: %w", err)
		}
	}
	at := int64(0)
	if !e.Tell.IsZero() {
		at = e.Tell.UnixMilli()
	}
	if len(e.Only) > 0 {
		if err := spread(ctx, tx, e.ID, slices.Sorted(slices.Values(e.Only))); err != nil {
			return e, fmt.Errorf("feed: %w", err)
		}
		if err := (span{event: e.ID}).signal(ctx, tx); err != nil {
			return e, err
		}
		return e, tellAt(ctx, tx, queue, at, Tell{Event: e.ID})
	}
	persons, err := readers(ctx, tx, e.ID, "", first+1)
	if err != nil {
		return e, fmt.Errorf("feed: %w", err)
	}
	if len(persons) > first {
		if _, err := tx.Exec(ctx, `UPDATE event SET spreading = TRUE WHERE id = $1`, e.ID); err != nil {
			return e, fmt.Errorf("event: %w", err)
		}
		return e, queue.Add(ctx, tx, Spread{Event: e.ID, Tell: at})
	}
	if err := spread(ctx, tx, e.ID, persons); err != nil {
		return e, fmt.Errorf("feed: %w", err)
	}
	if err := (span{event: e.ID}).signal(ctx, tx); err != nil {
		return e, err
	}
	return e, tellAt(ctx, tx, queue, at, Tell{Event: e.ID})
}

// about writes the pupils whom an event is about.
func about(ctx context.Context, tx *db.Tx, e Event) error {
	if e.PupilsOf != "" {
		_, err := tx.Exec(ctx, `INSERT INTO event_pupil (event, pupil) SELECT $2, pupil FROM (`+e.PupilsOf+`) x WHERE 1 = 1 ON CONFLICT DO NOTHING`, e.Resource, e.ID)
		return err
	}
	rows := make([][]any, len(e.Pupils))
	for i, p := range e.Pupils {
		rows[i] = []any{e.ID, p}
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO event_pupil (event, pupil) VALUES `, `ON CONFLICT DO NOTHING`, rows)
	return err
}

// tellAt enqueues a job that tells, not before an instant; 0 for at once.
func tellAt(ctx context.Context, tx *db.Tx, queue *jobs.Queue, at int64, t Tell) error {
	if at == 0 {
		return queue.Add(ctx, tx, t)
	}
	return queue.AddAt(ctx, tx, time.UnixMilli(at), t)
}

// Withdraw takes back an event: its lines go from every feed, and what is on its
// way to people does not arrive.
func Withdraw(ctx context.Context, tx *db.Tx, g rights.Grant, event string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM delivery WHERE event = $1`, `DELETE FROM feed WHERE event = $1`, `DELETE FROM event_pupil WHERE event = $1`, `DELETE FROM event WHERE id = $1`} {
		if _, err := tx.Exec(ctx, text, event); err != nil {
			return fmt.Errorf("withdraw: %w", err)
		}
	}
	return nil
}

// Out says whether somebody was told about a resource outside the portal.
func Out(ctx context.Context, q db.Querier, g rights.Grant) (bool, error) {
	n, err := db.Value[int](ctx, q, `SELECT count(*) FROM delivery d JOIN event e ON e.id = d.event WHERE e.resource = $1`, g.ID())
	return n > 0, err
}

// RemoveAll removes all that was told of resources which are about to be deleted.
func RemoveAll(ctx context.Context, tx *db.Tx, g rights.Grant, resources ...string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for some := range slices.Chunk(resources, 400) {
		list, args := db.In(nil, some)
		of := ` WHERE event IN (SELECT id FROM event WHERE resource IN (` + list + `))`
		for _, text := range []string{`DELETE FROM delivery` + of, `DELETE FROM feed` + of, `DELETE FROM event_pupil` + of,
			`DELETE FROM event WHERE resource IN (` + list + `)`, `DELETE FROM muted WHERE resource IN (` + list + `)`} {
			if _, err := tx.Exec(ctx, text, args...); err != nil {
				return fmt.Errorf("remove: %w", err)
			}
		}
	}
	return nil
}

// Tell is the job that tells people of an event outside the portal: those who
// have a feed row, after one person. Who does it declares its function.
type Tell struct {
	Event string `json:"event"`
	After string `json:"after,omitempty"`
}

// Kind names the job.
func (Tell) Kind() string { return "notify.tell" }

// Spread is the job that writes the rest of an event's feed rows.
type Spread struct {
	Event string `json:"event"`
	After string `json:"after,omitempty"`
	Tell  int64  `json:"tell,omitempty"` // not before, in Unix milliseconds
}

// Kind names the job.
func (Spread) Kind() string { return "notify.spread" }

// Jobs are the package's jobs; queue is asked for when they run.
func Jobs(d *db.DB, queue func() *jobs.Queue) []jobs.Kind {
	return []jobs.Kind{jobs.Handle(func(ctx context.Context, s Spread) error {
		persons, err := readers(ctx, d, s.Event, s.After, 0)
		if err != nil {
			return err
		}
		// One transaction after the other: a job for each would wait for the queue
		// between them. Begun again, it writes nothing twice.
		for {
			batch, last := persons[:min(most, len(persons))], ""
			if persons = persons[len(batch):]; len(persons) > 0 {
				last = batch[len(batch)-1]
			}
			if err := d.Write(ctx, func(tx *db.Tx) (err error) {
				if _, err := hold(ctx, tx, `resource = (SELECT resource FROM event WHERE id = $1)`, s.Event); err != nil {
					return err
				}
				if err := spread(ctx, tx, s.Event, batch); err != nil {
					return err
				}
				if err := (span{s.Event, s.After, last}).signal(ctx, tx); err != nil || last != "" {
					return err
				}
				if _, err := tx.Exec(ctx, `UPDATE event SET spreading = FALSE WHERE id = $1`, s.Event); err != nil {
					return err
				}
				return tellAt(ctx, tx, queue(), s.Tell, Tell{Event: s.Event})
			}); err != nil || last == "" {
				return err
			}
			s.After = last
		}
	})}
}

// readers are those who may read the resource of an event, its actor aside, in
// their order, after one of them; limit of them, whoever they are, or all for 0.
func readers(ctx context.Context, q db.Querier, event, after string, limit int) ([]string, error) {
	args, cut := []any{event, after}, ""
	if limit > 0 {
		args, cut = append(args, limit), " LIMIT $3"
	}
	persons, err := db.All[string](ctx, q, `SELECT DISTINCT pp.person FROM event e
		JOIN resource r ON r.id = e.resource JOIN resource_grant rg ON rg.resource = r.root
		JOIN person_principal pp ON pp.principal = rg.principal AND pp.school = e.school
		WHERE e.id = $1 AND pp.valid_from <= e.created_at AND pp.valid_to > e.created_at AND pp.person <> e.actor AND pp.person > $2 AND `+rights.Opens("r", "pp.person")+cut, args...)
	slices.Sort(persons)
	return persons, err
}

// spread writes the feed rows of some persons, who come in their order, of those
// who may read the resource. Writing a row twice changes nothing.
func spread(ctx context.Context, tx *db.Tx, event string, persons []string) error {
	if len(persons) == 0 {
		return nil
	}
	for some := range slices.Chunk(persons, first) {
		in, args := db.In([]any{event}, some)
		if _, err := tx.Exec(ctx, lines(`pp.person IN (`+in+`)`), args...); err != nil {
			return err
		}
	}
	return succession(ctx, tx, event, persons[0], persons[len(persons)-1])
}

// succeed lets an event take the place of those that came before it about the
// same resource, for those who have its line, from one person to another: what
// waits for somebody, or is new to them, is so once, in its newest line.
func succeed(ctx context.Context, tx *db.Tx, event, from, to string) error {
	earlier, err := db.All[struct {
		ID string
		At int64
	}](ctx, tx, `SELECT o.id, o.created_at AS at FROM event e JOIN event o ON o.resource = e.resource AND (o.created_at, o.id) < (e.created_at, e.id) WHERE e.id = $1`, event)
	if err != nil || len(earlier) == 0 {
		return err
	}
	var ids []string
	var ats []int64
	for _, e := range earlier {
		ids, ats = append(ids, e.ID), append(ats, e.At)
	}
	in, args := db.In([]any{event, from, to}, ids)
	when, open := db.In(args, ats)
	if _, err := tx.Exec(ctx, `UPDATE feed SET awaits = TRUE WHERE event = $1 AND person >= $2 AND person <= $3 AND removed_at IS NULL
		AND EXISTS (SELECT 1 FROM feed o WHERE o.person = feed.person AND o.at IN (`+when+`) AND o.event IN (`+in+`) AND o.awaits)`, open...); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE feed SET awaits = FALSE, read_at = coalesce(read_at, (SELECT created_at FROM event WHERE id = $1))
		WHERE event IN (`+in+`) AND person >= $2 AND person <= $3 AND (awaits OR read_at IS NULL)
		AND EXISTS (SELECT 1 FROM feed n WHERE n.person = feed.person AND n.at = (SELECT created_at FROM event WHERE id = $1) AND n.event = $1)`, args...)
	return err
}

// succession is succeed for an event and those that came after it: their lines
// may have been written before its own.
func succession(ctx context.Context, tx *db.Tx, event, from, to string) error {
	later, err := db.All[string](ctx, tx, `SELECT n.id FROM event e JOIN event n ON n.resource = e.resource AND (n.created_at, n.id) >= (e.created_at, e.id)
		WHERE e.id = $1 ORDER BY n.created_at, n.id`, event)
	for _, l := range later {
		if err := succeed(ctx, tx, l, from, to); err != nil {
			return err
		}
	}
	return err
}

// catchUp gives a person the lines about resources that a job has yet to write
// for them: what they do now would be unknown to it.
func catchUp(ctx context.Context, tx *db.Tx, person string, resources ...string) error {
	in, args := db.In(nil, resources)
	events, err := hold(ctx, tx, `resource IN (`+in+`) AND spreading`, args...)
	if err != nil {
		return err
	}
	for _, e := range events {
		if _, err := tx.Exec(ctx, lines(`pp.person <> e.actor AND pp.person = $2`), e, person); err != nil {
			return err
		}
		if err := succession(ctx, tx, e, person, person); err != nil {
			return err
		}
	}
	return nil
}

// hold has whoever writes the lines of some events wait for whoever does: they
// would hold each other's lines otherwise.
func hold(ctx context.Context, tx *db.Tx, which string, args ...any) (events []string, err error) {
	return db.All[string](ctx, tx, `SELECT id FROM event WHERE `+which+` ORDER BY id`+tx.Hold(), args...)
}

// lines writes the feed rows of event $1 for those who may read its resource and
// are whom it says, which names some persons. Writing a row twice changes nothing.
//
// CROSS JOIN keeps the order on SQLite: a person has a dozen principals, an item
// may have thousands of rights.
func lines(whom string) string {
	return `INSERT INTO feed (person, event, at, kind, resource, actor, pupils, awaits)
		SELECT person, id, created_at, kind, resource, actor, pupils, CASE WHEN asks AND pupils <> '' THEN TRUE ELSE FALSE END
		FROM (SELECT DISTINCT pp.person, e.awaits AS asks, e.id, e.created_at, e.kind, e.resource, e.actor, ` + concerned("e", "pp.person") + ` AS pupils
			FROM event e JOIN resource r ON r.id = e.resource CROSS JOIN person_principal pp CROSS JOIN resource_grant rg
			WHERE e.id = $1 AND pp.school = e.school AND rg.resource = r.root AND rg.principal = pp.principal
			AND pp.valid_from <= e.created_at AND pp.valid_to > e.created_at AND ` + rights.Opens("r", "pp.person") + ` AND ` + Hears("pp.person", "e.resource") + ` AND ` + whom + `) x WHERE 1 = 1
		ON CONFLICT DO NOTHING`
}

// concerned writes the children of a person that an event is about.
func concerned(event, person string) string {
	return `coalesce((SELECT string_agg(ep.pupil, ' ') FROM event_pupil ep JOIN family_link f ON f.pupil = ep.pupil
		WHERE ep.event = ` + event + `.id AND f.relative = ` + person + ` AND ` + people.LinkHolds("f", event+".created_at") + `), '')`
}

// Item is one line of a feed.
type Item struct {
	Event    string
	Kind     string // what happened
	About    string // the kind of the resource
	Resource string
	Title    string
	Summary  string
	Actor    string
	First    string // of the actor
	Last     string
	Civility string
	Children string // ids of the reader's children concerned, separated by spaces
	At       int64
	Unread   bool
	Awaits   bool   // still asks something of the reader
	Asks     string // what the resource asks that a tap does not answer
}

// Service is the part of the kind before the dot.
func (i Item) Service() string {
	s, _, _ := strings.Cut(i.Kind, ".")
	return s
}

// Query chooses a page of a feed.
type Query struct {
	Child   string // only what is about this child
	Service string // only what it published
	Event   string // that line alone
	Awaits  bool   // only what still asks something
	Before  int64  // the last line already seen
	BeforeE string
	Limit   int
}

// Feed reads a page, newest first, in one statement. What the reader may no
// longer see is not in it.
func Feed(ctx context.Context, q db.Querier, v *rights.Viewer, o Query) ([]Item, error) {
	if o.Before == 0 {
		o.Before, o.BeforeE = rights.Forever, ""
	}
	args := []any{v.Person, o.Before, o.BeforeE, o.Limit}
	more := ""
	if o.Child != "" {
		args = append(args, o.Child)
		more += fmt.Sprintf(" AND EXISTS (SELECT 1 FROM event_pupil ep WHERE ep.event = f.event AND ep.pupil = $%d)", len(args))
	}
	if o.Service != "" {
		args = append(args, o.Service+".", o.Service+"/") // the sign after the dot
		more += fmt.Sprintf(" AND f.kind >= $%d AND f.kind < $%d", len(args)-1, len(args))
	}
	if o.Event != "" {
		args = append(args, o.Event)
		more += fmt.Sprintf(" AND f.event = $%d AND f.at = (SELECT created_at FROM event WHERE id = $%[1]d)", len(args))
	}
	if o.Awaits {
		more += " AND f.awaits = TRUE AND (f.read_at IS NULL OR f.awaits)" // as feed_open has it
	}
	scope, args := v.Scope().Where("r", rights.Read, args)
	return db.All[Item](ctx, q, `SELECT f.event, f.kind, r.kind AS about, f.resource, r.title, r.summary, f.actor, a.first,
		CASE WHEN a.use_name <> '' THEN a.use_name ELSE a.last END AS last, a.civility, f.at, f.read_at IS NULL AS unread, f.awaits, r.asks, f.pupils AS children
		FROM feed f JOIN resource r ON r.id = f.resource JOIN person a ON a.id = f.actor
		WHERE f.person = $1 AND f.removed_at IS NULL AND (f.at, f.event) < ($2, $3)`+more+` AND `+scope+`
		ORDER BY f.at DESC, f.event DESC LIMIT $4`, args...)
}

// Fresh writes the condition that a resource is news to a person, both named by
// an expression of SQL: something happened to it that they have not read.
func Fresh(resource, person string) string {
	return `EXISTS (SELECT 1 FROM event e CROSS JOIN feed f WHERE e.resource = ` + resource + ` AND f.person = ` + person + ` AND f.at = e.created_at AND f.event = e.id AND f.read_at IS NULL)`
}

// Counts are how much a person has not seen, or has yet to do.
type Counts struct {
	Services map[string]int
	Kinds    map[string]int // by what happened: "liaison.word"
	Awaits   int            // of them, what asks something
	Capped   bool           // there may be more
}

// counted is how much news is told apart.
const counted = 100

// Unread counts what the viewer has not seen, or has yet to do, by service, up
// to a hundred in all.
func Unread(ctx context.Context, q db.Querier, v *rights.Viewer) (Counts, error) {
	scope, args := v.Scope().Where("r", rights.Read, []any{v.Person})
	rows, err := db.All[struct {
		Kind      string
		N, Awaits int
	}](ctx, q, `SELECT kind, count(*) AS n, count(awaits) AS awaits FROM (SELECT f.kind AS kind, CASE WHEN f.awaits THEN 1 END AS awaits FROM feed f JOIN resource r ON r.id = f.resource
		WHERE f.person = $1 AND (f.read_at IS NULL OR f.awaits) AND f.removed_at IS NULL AND `+scope+` LIMIT `+strconv.Itoa(counted)+`) x GROUP BY kind`, args...)
	out := Counts{Services: map[string]int{}, Kinds: map[string]int{}}
	all := 0
	for _, r := range rows {
		service, _, _ := strings.Cut(r.Kind, ".")
		out.Services[service] += r.N
		out.Kinds[r.Kind] = r.N
		out.Awaits += r.Awaits
		all += r.N
	}
	out.Capped = all >= counted
	return out, err
}

// Badges counts, for many people at once, what each has not seen or has yet to
// do: what an icon shows.
func Badges(ctx context.Context, q db.Querier, now time.Time, persons []string) (map[string]int, error) {
	all, err := counts(ctx, q, now, persons)
	out := make(map[string]int, len(all))
	for person, services := range all {
		for _, n := range services {
			out[person] = min(out[person]+n, counted)
		}
	}
	return out, err
}

// Seen marks everything about a resource as read by a person.
func Seen(ctx context.Context, tx *db.Tx, person, resource string, now time.Time) error {
	return SeenAll(ctx, tx, person, now, resource)
}

// SeenAll is Seen for some hundreds.
func SeenAll(ctx context.Context, tx *db.Tx, person string, now time.Time, resources ...string) error {
	if err := catchUp(ctx, tx, person, resources...); err != nil {
		return err
	}
	in, args := db.In([]any{person, now.UnixMilli()}, resources)
	_, err := tx.Exec(ctx, `UPDATE feed SET read_at = $2 WHERE person = $1 AND read_at IS NULL AND (at, event) IN (SELECT created_at, id FROM event WHERE resource IN (`+in+`))`, args...)
	return err
}

// Settle says that a person did what a resource asked.
func Settle(ctx context.Context, tx *db.Tx, person, resource string, now time.Time) error {
	if err := catchUp(ctx, tx, person, resource); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE feed SET awaits = FALSE, read_at = coalesce(read_at, $3) WHERE person = $1 AND (at, event) IN (SELECT created_at, id FROM event WHERE resource = $2)`,
		person, resource, now.UnixMilli())
	return err
}

// Unsettle says that a person took back what they did: it waits again, in its
// newest line.
func Unsettle(ctx context.Context, tx *db.Tx, person, resource string) error {
	_, err := tx.Exec(ctx, `UPDATE feed SET awaits = TRUE WHERE person = $1 AND (at, event) = (SELECT f.at, f.event FROM event e CROSS JOIN feed f
		WHERE e.resource = $2 AND f.person = $1 AND f.at = e.created_at AND f.event = e.id AND f.pupils <> '' ORDER BY f.at DESC, f.event DESC LIMIT 1)`, person, resource)
	return err
}

// Remove takes a line out of a person's own feed.
func Remove(ctx context.Context, tx *db.Tx, g rights.Grant, event string, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE feed SET removed_at = $3 WHERE person = $1 AND at = (SELECT created_at FROM event WHERE id = $2) AND event = $2`, g.Viewer().Person, event, now.UnixMilli())
	return err
}

// Backfill gives a person what they may read and were not told of, of the last
// thirty days: a new member's first page is not empty. Each thing comes once, by
// the last that happened to it, and nothing that was told to chosen people alone.
func Backfill(ctx context.Context, tx *db.Tx, person string, now time.Time) error {
	scope, args := rights.ScopeOf(person, now).Where("r", rights.Read, []any{person, now.AddDate(0, 0, -30).UnixMilli()})
	_, err := tx.Exec(ctx, `INSERT INTO feed (person, event, at, kind, resource, actor, pupils)
		SELECT $1, e.id, e.created_at, e.kind, e.resource, e.actor, `+concerned("e", "$1")+` FROM event e JOIN resource r ON r.id = e.resource
		WHERE e.created_at >= $2 AND e.actor <> $1 AND NOT e.chosen AND e.school IN (SELECT school FROM membership WHERE person = $1)
		AND NOT EXISTS (SELECT 1 FROM event n WHERE n.resource = e.resource AND NOT n.chosen AND n.actor <> $1 AND (n.created_at, n.id) > (e.created_at, e.id))
		AND `+Hears("$1", "e.resource")+` AND `+scope+`
		ON CONFLICT (person, at, event) DO UPDATE SET pupils = excluded.pupils`, args...)
	return err
}

// Restore puts a removed line back.
func Restore(ctx context.Context, tx *db.Tx, g rights.Grant, event string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE feed SET removed_at = NULL WHERE person = $1 AND at = (SELECT created_at FROM event WHERE id = $2) AND event = $2`, g.Viewer().Person, event)
	return err
}

// Erase removes a person's feed, and them from what events are about.
func Erase(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM feed WHERE person = $1`,
		`UPDATE feed SET pupils = replace(pupils, $1, '') WHERE event IN (SELECT event FROM event_pupil WHERE pupil = $1)`, `DELETE FROM event_pupil WHERE pupil = $1`} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return err
		}
	}
	return eraseTold(ctx, tx, person)
}

// Merge gives the winner the loser's feed, and their place in events.
func Merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{
		`UPDATE feed SET actor = $1 WHERE event IN (SELECT id FROM event WHERE actor = $2)`,
		`UPDATE event SET actor = $1 WHERE actor = $2`,
		`UPDATE feed SET pupils = replace(pupils, $2, $1) WHERE event IN (SELECT event FROM event_pupil WHERE pupil = $2)`,
		`INSERT INTO event_pupil (event, pupil) SELECT event, $1 FROM event_pupil WHERE pupil = $2 ON CONFLICT DO NOTHING`,
		`INSERT INTO feed (person, event, at, kind, resource, actor, pupils, read_at, awaits, removed_at)
			SELECT $1, event, at, kind, resource, actor, pupils, read_at, awaits, removed_at FROM feed WHERE person = $2
			ON CONFLICT (person, at, event) DO UPDATE SET awaits = feed.awaits AND excluded.awaits, read_at = coalesce(feed.read_at, excluded.read_at)`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return err
		}
	}
	if err := mergeTold(ctx, tx, winner, loser); err != nil {
		return err
	}
	return Erase(ctx, tx, g, loser)
}

// Export hands over a person's feed: what they were told and when they saw it.
// What they may no longer read is named by its kind and date alone.
func Export(ctx context.Context, q db.Querier, now time.Time, person string, add func(string, any) error) error {
	list, err := db.All[struct {
		Kind, Title string
		At          int64
		ReadAt      *int64 `db:"read_at"`
	}](ctx, q, `SELECT f.kind, CASE WHEN `+rights.Sees("r", "$1", "$2", rights.Read)+` THEN r.title ELSE '' END AS title, f.at, f.read_at
		FROM feed f JOIN resource r ON r.id = f.resource WHERE f.person = $1 ORDER BY f.at, f.event`, person, now.UnixMilli())
	if err != nil {
		return err
	}
	if err := add("feed", list); err != nil {
		return err
	}
	if err := exportMuted(ctx, q, now, person, add); err != nil {
		return err
	}
	return exportTold(ctx, q, person, add)
}

// keep is how long a line stays in a feed: the item itself lives elsewhere.
const keep = 400 * 24 * time.Hour

// Retain forgets lines of feeds older than thirteen months, and after two what
// was sent.
func Retain(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM delivery WHERE due_at < $1`, now.Add(-kept).UnixMilli()); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM feed WHERE at < $1`, now.Add(-keep).UnixMilli())
	return err
}
