package notify

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// channel is where an event is signalled when its lines are written.
const channel = "marelle_feed"

// Bounds of open pages: of one person, of all, of what is asked at once, and how
// often it is asked whether they may stay.
const (
	seatsEach = 6
	seatsAll  = 20_000
	atOnce    = 500
	sweeping  = time.Minute
)

// Arrived is what an open page is told: how many lines came, and how much is
// unread in each service. It names nothing and nobody.
type Arrived struct {
	Plus     int            `json:"plus"`
	Services map[string]int `json:"services"`
}

// Seat is an open page.
type Seat struct {
	Arrived <-chan Arrived
	Gone    <-chan struct{} // closed when it may no longer stay, or must make room
	Over    bool            // once Gone: the session ended, or the right

	person, session string
	arrived         chan Arrived
	gone            chan struct{}
}

// Hub tells open pages what arrives for those who look at them. It is of one
// process; the database carries the word from whichever publishes. Nothing runs
// until the first page sits down.
type Hub struct {
	db    *db.DB
	clock *clock.Clock
	log   *slog.Logger

	mu     sync.Mutex
	seats  map[string][]*Seat // by person, the oldest first
	n      int
	closed bool
	stop   context.CancelFunc
	ready  chan struct{} // closed when it listens
	words  chan string
}

// NewHub makes a hub where nobody sits.
func NewHub(d *db.DB, c *clock.Clock, log *slog.Logger) *Hub {
	return &Hub{db: d, clock: c, log: log, seats: map[string][]*Seat{}, words: make(chan string, 256)}
}

// Sit gives an open page a seat; the oldest of somebody who has many makes room.
func (h *Hub) Sit(v *rights.Viewer) (*Seat, error) {
	s := &Seat{person: v.Person, session: v.Session, arrived: make(chan Arrived, 4), gone: make(chan struct{})}
	s.Arrived, s.Gone = s.arrived, s.gone
	ready, err := h.seat(v, s)
	if err != nil {
		return nil, err
	}
	<-ready // what happens from now on is heard
	return s, nil
}

// seat takes the seat, and says what to wait for: the first has the hub listen,
// which the database may make wait, and others with it but not with the lock.
func (h *Hub) seat(v *rights.Viewer, s *Seat) (ready <-chan struct{}, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.n >= seatsAll {
		return nil, &errs.Error{Kind: errs.Unavailable, Message: errs.Msg("error.busy"), Retry: time.Minute}
	}
	if h.stop == nil {
		ctx, stop := context.WithCancel(context.Background())
		h.stop, h.ready = stop, make(chan struct{})
		go func() {
			h.db.Listen(ctx, channel, func(word string) { // waits for the database
				select {
				case h.words <- word:
				default: // a flood: counts come with the next
				}
			})
			close(h.ready)
			h.work(ctx)
		}()
	}
	if mine := h.seats[v.Person]; len(mine) >= seatsEach {
		h.drop(mine[0], false)
	}
	h.seats[v.Person] = append(h.seats[v.Person], s)
	h.n++
	return h.ready, nil
}

// Leave gives a seat back.
func (h *Hub) Leave(s *Seat) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.drop(s, false)
}

// drop ends a seat that is still taken.
func (h *Hub) drop(s *Seat, over bool) {
	mine := h.seats[s.person]
	at := slices.Index(mine, s)
	if at < 0 {
		return
	}
	if mine = slices.Delete(mine, at, at+1); len(mine) == 0 {
		delete(h.seats, s.person)
	} else {
		h.seats[s.person] = mine
	}
	h.n--
	s.Over = over
	close(s.gone)
}

// Count is how many pages are open.
func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.n
}

// Close ends every seat: they come back to another process, or to this one.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.stop != nil {
		h.stop()
	}
	for _, mine := range h.seats {
		for _, s := range slices.Clone(mine) {
			h.drop(s, false)
		}
	}
}

func (h *Hub) work(ctx context.Context) {
	tick := time.NewTicker(sweeping)
	defer tick.Stop()
	for {
		var err error
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			err = h.Sweep(ctx)
		case word := <-h.words:
			batch := []span{spanOf(word)}
			for more := true; more && len(batch) < 50; {
				select {
				case word = <-h.words:
					batch = append(batch, spanOf(word))
				default:
					more = false
				}
			}
			err = h.tell(ctx, batch)
		}
		if err != nil && ctx.Err() == nil {
			h.log.WarnContext(ctx, "open pages", "error", err)
		}
	}
}

// sitting are those who sit, or their sessions.
func (h *Hub) sitting(of func(*Seat) string) []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]string, 0, h.n)
	for _, mine := range h.seats {
		for _, s := range mine {
			out = append(out, of(s))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Sweep ends the seats of sessions that ended and of whoever left every school.
func (h *Hub) Sweep(ctx context.Context) error {
	return h.sweep(ctx, h.sitting(func(s *Seat) string { return s.session }))
}

// sessions are those of some persons, sorted.
func (h *Hub) sessions(of map[string]int) (out []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for person := range of {
		for _, s := range h.seats[person] {
			out = append(out, s.session)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (h *Hub) sweep(ctx context.Context, sessions []string) error {
	for some := range slices.Chunk(sessions, atOnce) {
		list, args := db.In([]any{h.clock.Now().UnixMilli()}, some)
		live, err := db.All[string](ctx, h.db, `SELECT s.id FROM session s WHERE s.id IN (`+list+`) AND s.expires_at > $1
			AND EXISTS (SELECT 1 FROM membership m WHERE m.person = s.person AND m.valid_from <= $1 AND m.valid_to > $1)`, args...)
		if err != nil {
			return fmt.Errorf("sessions: %w", err)
		}
		slices.Sort(live)
		h.mu.Lock()
		for _, mine := range h.seats {
			for _, s := range slices.Clone(mine) {
				if _, asked := slices.BinarySearch(some, s.session); asked {
					if _, ok := slices.BinarySearch(live, s.session); !ok {
						h.drop(s, true)
					}
				}
			}
		}
		h.mu.Unlock()
	}
	return nil
}

// span is an event whose lines were written for some: after one person, up to
// another, "" being everybody.
type span struct{ event, after, to string }

// signal says, once the transaction has committed, that lines of an event are
// there.
func (s span) signal(ctx context.Context, tx *db.Tx) error {
	return tx.Signal(ctx, channel, s.event+" "+s.after+" "+s.to)
}

func spanOf(word string) (s span) {
	s.event, word, _ = strings.Cut(word, " ")
	s.after, s.to, _ = strings.Cut(word, " ")
	return s
}

func (s span) has(person, event string) bool {
	return event == s.event && person > s.after && (s.to == "" || person <= s.to)
}

// tell tells those who sit of events whose lines they have and may read; whether
// they may still sit is asked first.
func (h *Hub) tell(ctx context.Context, batch []span) error {
	now := h.clock.Now()
	events := make([]string, len(batch))
	for i, b := range batch {
		events[i] = b.event
	}
	for some := range slices.Chunk(h.sitting(func(s *Seat) string { return s.person }), atOnce) {
		who, args := db.In([]any{now.UnixMilli()}, some)
		what, args := db.In(args, events)
		lines, err := db.All[struct{ Person, Event string }](ctx, h.db, `SELECT f.person, f.event FROM feed f JOIN resource r ON r.id = f.resource
			WHERE f.person IN (`+who+`) AND f.at IN (SELECT created_at FROM event WHERE id IN (`+what+`)) AND f.event IN (`+what+`) AND f.removed_at IS NULL AND `+rights.Sees("r", "f.person", "$1", rights.Read), args...)
		if err != nil {
			return fmt.Errorf("events: %w", err)
		}
		came := map[string]int{}
		for _, l := range lines {
			if slices.ContainsFunc(batch, func(b span) bool { return b.has(l.Person, l.Event) }) {
				came[l.Person]++
			}
		}
		if len(came) == 0 {
			continue
		}
		if err := h.sweep(ctx, h.sessions(came)); err != nil {
			return err
		}
		counts, err := counts(ctx, h.db, now, slices.Sorted(maps.Keys(came)))
		if err != nil {
			return err
		}
		h.mu.Lock()
		for person, n := range came {
			for _, s := range slices.Clone(h.seats[person]) {
				select {
				case s.arrived <- Arrived{n, counts[person]}:
				default:
					h.drop(s, false) // it does not listen
				}
			}
		}
		h.mu.Unlock()
	}
	return nil
}

// Since counts the lines that came for the viewer after an instant, up to a
// hundred.
func Since(ctx context.Context, q db.Querier, v *rights.Viewer, after int64) (int, error) {
	scope, args := v.Scope().Where("r", rights.Read, []any{v.Person, after})
	return db.Value[int](ctx, q, `SELECT count(*) FROM (SELECT f.event FROM feed f JOIN resource r ON r.id = f.resource
		WHERE f.person = $1 AND f.at > $2 AND f.removed_at IS NULL AND `+scope+` LIMIT 100) x`, args...)
}

// counts is, for many people at once, what each has not seen or has yet to do, by
// service.
func counts(ctx context.Context, q db.Querier, now time.Time, persons []string) (map[string]map[string]int, error) {
	list, args := db.In([]any{now.UnixMilli()}, persons)
	rows, err := db.All[struct {
		Person, Kind string
		N            int
	}](ctx, q, `SELECT f.person, f.kind, count(*) AS n FROM feed f JOIN resource r ON r.id = f.resource
		WHERE f.person IN (`+list+`) AND (f.read_at IS NULL OR f.awaits) AND f.removed_at IS NULL AND `+rights.Sees("r", "f.person", "$1", rights.Read)+`
		GROUP BY f.person, f.kind`, args...)
	if err != nil {
		return nil, fmt.Errorf("counts: %w", err)
	}
	out := make(map[string]map[string]int, len(rows))
	for _, r := range rows {
		if out[r.Person] == nil {
			out[r.Person] = map[string]int{}
		}
		service, _, _ := strings.Cut(r.Kind, ".")
		out[r.Person][service] = min(out[r.Person][service]+r.N, counted)
	}
	return out, nil
}
