// Package jobs runs work that must happen after a transaction commits, on
// River: a job is enqueued inside the caller's transaction (so that it exists
// exactly when the change does), is retried with back-off, and must be
// idempotent. It knows no job of its own.
package jobs

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"
	"github.com/riverqueue/river/rivertype"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
)

// Args are the arguments of one kind of job: ids only, as JSON, never a name.
type Args = river.JobArgs

// Kind is a kind of job with the function that works it.
type Kind struct {
	name string
	lane string // the queue, when it has one of its own
	add  func(*river.Workers) error
	run  func(context.Context, []byte) error
}

// Handle declares a kind of job. f must be idempotent: it may run again after
// a crash.
func Handle[T Args](f func(ctx context.Context, args T) error) Kind {
	var zero T
	return Kind{
		name: zero.Kind(),
		add: func(w *river.Workers) error {
			return river.AddWorkerSafely(w, river.WorkFunc(func(ctx context.Context, j *river.Job[T]) error { return f(ctx, j.Args) }))
		},
		run: func(ctx context.Context, raw []byte) error {
			var args T
			if err := json.Unmarshal(raw, &args); err != nil {
				return err
			}
			return f(ctx, args)
		},
	}
}

// Slow declares a kind of job that may take as long as most. One of each lane is
// worked at a time in a process, so that the others wait for none of them. On
// PostgreSQL one that died with its process is taken up again after most: whoever
// cannot wait for that looks after it.
func Slow[T Args](lane string, most time.Duration, f func(ctx context.Context, args T) error) Kind {
	k := Handle(f)
	k.lane = lane
	k.add = func(w *river.Workers) error { return river.AddWorkerSafely(w, &slow[T]{f: f, most: most}) }
	return k
}

type slow[T Args] struct {
	river.WorkerDefaults[T]
	f    func(context.Context, T) error
	most time.Duration
}

func (s *slow[T]) Work(ctx context.Context, j *river.Job[T]) error { return s.f(ctx, j.Args) }
func (s *slow[T]) Timeout(*river.Job[T]) time.Duration             { return s.most }

// Every is a job that comes back.
type Every struct {
	Interval time.Duration
	Args     func() Args
}

// settle is how long after the start a job first comes: whoever waits for a
// page goes first.
const settle = 20 * time.Second

// rhythm is a job's beat, from soon after the start on: a server that is started
// anew each night would otherwise never come to what is done once a day.
type rhythm struct {
	interval time.Duration
	begun    bool
}

func (r *rhythm) Next(t time.Time) time.Time {
	if !r.begun {
		r.begun = true
		return t.Add(min(settle, r.interval))
	}
	return t.Add(r.interval)
}

// Options sets a queue up.
type Options struct {
	Kinds    []Kind
	Periodic []Every
	Clock    *clock.Clock
	Log      *slog.Logger
	Listener *pgxpool.Pool // PostgreSQL only: wakes the queue at once
}

// Queue is the outbox and its workers.
type Queue struct {
	db     *db.DB
	clock  *clock.Clock
	client *river.Client[*sql.Tx]
	driver riverdriver.Driver[*sql.Tx]
	kinds  map[string]Kind
	drain  sync.Mutex
}

// timeout bounds one run of a job; a job killed with its process is taken up
// again after rescue, which is looked for each 30 s: two minutes at most.
const (
	timeout = 88 * time.Second
	rescue  = 90 * time.Second
)

// New prepares the queue; nothing runs before Start.
func New(d *db.DB, o Options) (*Queue, error) {
	q := &Queue{db: d, clock: o.Clock, kinds: map[string]Kind{}}
	workers := river.NewWorkers()
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 8}}
	for _, k := range o.Kinds {
		if err := k.add(workers); err != nil {
			return nil, fmt.Errorf("jobs: %w", err)
		}
		q.kinds[k.name] = k
		if k.lane != "" { // nobody waits for a second there
			queues[k.lane] = river.QueueConfig{MaxWorkers: 1, FetchPollInterval: time.Second}
		}
	}
	cfg := &river.Config{
		Workers:              workers,
		Queues:               queues,
		JobTimeout:           timeout,
		RescueStuckJobsAfter: rescue,
		SoftStopTimeout:      10 * time.Second,
		ErrorHandler:         failures{o.Log},
		Logger:               slog.New(slog.NewTextHandler(io.Discard, nil)),
	}
	for _, e := range o.Periodic {
		cfg.PeriodicJobs = append(cfg.PeriodicJobs, river.NewPeriodicJob(&rhythm{interval: e.Interval},
			func() (river.JobArgs, *river.InsertOpts) { return e.Args(), nil }, nil))
	}
	switch {
	case d.Dialect() == db.SQLite:
		q.driver = riversqlite.New(d.Writer())
		cfg.FetchPollInterval = 250 * time.Millisecond
	case o.Listener != nil:
		q.driver = riverdatabasesql.NewWithPgxListener(d.Writer(), o.Listener)
	default:
		q.driver = riverdatabasesql.New(d.Writer())
	}
	var err error
	if q.client, err = river.NewClient(q.driver, cfg); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return q, nil
}

func migrator(d *db.DB) (*rivermigrate.Migrator[*sql.Tx], error) {
	var driver riverdriver.Driver[*sql.Tx] = riverdatabasesql.New(d.Writer())
	if d.Dialect() == db.SQLite {
		driver = riversqlite.New(d.Writer())
	}
	m, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return m, nil
}

// Outdated says whether the queue has tables that Migrate would change.
func Outdated(ctx context.Context, d *db.DB) (bool, error) {
	m, err := migrator(d)
	if err != nil {
		return false, err
	}
	have, err := m.ExistingVersions(ctx)
	if err != nil {
		return false, fmt.Errorf("jobs: %w", err)
	}
	return len(have) > 0 && len(have) < len(m.AllVersions()), nil
}

// Migrate creates and upgrades the queue's own tables.
func Migrate(ctx context.Context, d *db.DB) error {
	m, err := migrator(d)
	if err != nil {
		return err
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	return nil
}

// Start begins to work. On SQLite one process owns the file, so whatever was
// running when the last one died is taken up at once, and so is its lead, without
// which nothing that was put off comes for a quarter of a minute.
func (q *Queue) Start(ctx context.Context) error {
	if q.db.Dialect() == db.SQLite {
		if err := q.db.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE river_job SET state = 'available' WHERE state = 'running'`); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `DELETE FROM river_leader`)
			return err
		}); err != nil {
			return fmt.Errorf("jobs: %w", err)
		}
	}
	return q.client.Start(ctx)
}

// Stop lets running jobs finish for a while, then cancels them.
func (q *Queue) Stop(ctx context.Context) error { return q.client.Stop(ctx) }

// Add enqueues a job that exists when tx commits.
func (q *Queue) Add(ctx context.Context, tx *db.Tx, args Args) error {
	_, err := q.client.InsertTx(ctx, tx.SQL(), args, q.in(args))
	return err
}

// in says in which queue a job waits.
func (q *Queue) in(args Args) *river.InsertOpts {
	return &river.InsertOpts{Queue: q.kinds[args.Kind()].lane}
}

// AddAt enqueues a job for a time of the queue's clock.
func (q *Queue) AddAt(ctx context.Context, tx *db.Tx, at time.Time, args Args) error {
	when := time.Now().Add(at.Sub(q.clock.Now()))
	o := q.in(args)
	o.ScheduledAt = when
	_, err := q.client.InsertTx(ctx, tx.SQL(), args, o)
	return err
}

// AddMany enqueues a batch.
func (q *Queue) AddMany(ctx context.Context, tx *db.Tx, args []Args) error {
	if len(args) == 0 {
		return nil
	}
	params := make([]river.InsertManyParams, len(args))
	for i, a := range args {
		params[i] = river.InsertManyParams{Args: a, InsertOpts: q.in(a)}
	}
	_, err := q.client.InsertManyFastTx(ctx, tx.SQL(), params)
	return err
}

// Pending is a job waiting in the database, whatever its engine.
type Pending struct {
	ID   int64  `db:"id"`
	Kind string `db:"kind"`
	Args string `db:"args"`
}

// Waiting lists the jobs still to be done, oldest first, for backup and tests.
func Waiting(ctx context.Context, from db.Querier, dialect db.Dialect) ([]Pending, error) {
	args := "args::text"
	if dialect == db.SQLite {
		args = "json(args)"
	}
	return db.All[Pending](ctx, from, `SELECT id, kind, `+args+` AS args FROM river_job
		WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending') ORDER BY id`)
}

type raw struct {
	kind string
	args json.RawMessage
}

func (r raw) Kind() string                 { return r.kind }
func (r raw) MarshalJSON() ([]byte, error) { return r.args, nil }

// Restore enqueues what Waiting listed elsewhere.
func (q *Queue) Restore(ctx context.Context, tx *db.Tx, list []Pending) error {
	for _, p := range list {
		if err := q.Add(ctx, tx, raw{p.Kind, json.RawMessage(p.Args)}); err != nil {
			return err
		}
	}
	return nil
}

// Drain works every waiting job in the caller's goroutine, and those that they
// add, until none is left: what tests use instead of Start.
func (q *Queue) Drain(ctx context.Context) error {
	q.drain.Lock()
	defer q.drain.Unlock()
	for {
		list, err := Waiting(ctx, q.db, q.db.Dialect())
		if err != nil || len(list) == 0 {
			return err
		}
		for _, p := range list {
			k, ok := q.kinds[p.Kind]
			if !ok {
				return fmt.Errorf("jobs: unknown kind %q", p.Kind)
			}
			if err := k.run(ctx, []byte(p.Args)); err != nil {
				return fmt.Errorf("jobs: %s: %w", p.Kind, err)
			}
			if err := q.db.Write(ctx, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM river_job WHERE id = $1`, p.ID)
				return err
			}); err != nil {
				return err
			}
		}
	}
}

// Count counts the jobs still to be done.
func Count(ctx context.Context, from db.Querier) (int, error) {
	return db.Value[int](ctx, from, `SELECT count(*) FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending')`)
}

// Dead counts the jobs that were given up, which the operator should look at.
func Dead(ctx context.Context, from db.Querier) (int, error) {
	return db.Value[int](ctx, from, `SELECT count(*) FROM river_job WHERE state = 'discarded'`)
}

type failures struct{ log *slog.Logger }

func (f failures) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	f.log.WarnContext(ctx, "job failed", "kind", job.Kind, "job", job.ID, "attempt", job.Attempt, "of", job.MaxAttempts, "error", err)
	return nil
}

func (f failures) HandlePanic(ctx context.Context, job *rivertype.JobRow, v any, trace string) *river.ErrorHandlerResult {
	f.log.ErrorContext(ctx, "job panicked", "kind", job.Kind, "job", job.ID, "panic", fmt.Sprint(v), "trace", trace)
	return nil
}
