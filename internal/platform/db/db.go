// Package db opens the database, SQLite or PostgreSQL, behind one small door:
// reads go to a pool that cannot write, writes happen inside a transaction and
// nowhere else, and one text of SQL ($1, $2 …) serves both. It refuses to know
// any table.
package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/georgysavva/scany/v2/sqlscan"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlitelib "modernc.org/sqlite/lib"

	"marelle/internal/platform/errs"
)

//go:embed i18n/fr.json
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// Dialect names the engine. Only the packages that architecture names may ask.
type Dialect string

// The two engines.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

// DB holds the pools. It is safe for concurrent use.
type DB struct {
	dialect Dialect
	read    *sql.DB // cannot write: query_only, or read-only transactions
	write   *sql.DB // one connection on SQLite
	pool    *pgxpool.Pool
	path    string
	log     *checkpointer // of SQLite's log
	stmts   stmtCache
	writes  writeCache
	signals signals
	watch   func(ctx context.Context, text string, args []any)
}

// Querier is what a read needs; DB and Tx both are one.
type Querier interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// Open opens the database named by dsn: postgres://… or the path of a SQLite
// file (with or without the scheme sqlite:). It runs no migration.
func Open(ctx context.Context, dsn string) (*DB, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return openPostgres(ctx, dsn)
	}
	if scheme, _, ok := strings.Cut(dsn, "://"); ok {
		return nil, fmt.Errorf("database: unknown scheme %q (postgres:// or the path of a SQLite file)", scheme)
	}
	return openSQLite(ctx, strings.TrimPrefix(dsn, "sqlite:"))
}

func openSQLite(ctx context.Context, path string) (*DB, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	dsn := func(extra string) string {
		// synchronous(FULL): an acknowledged write survives a power cut. The cache
		// is of each connection; what it misses is in the system's own, a read away.
		// What a transaction changes beyond it is written twice.
		return "file:" + (&url.URL{Path: path}).EscapedPath() + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(wal)" +
			"&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=temp_store(memory)" + extra
	}
	// The driver would make it readable by everybody on the machine.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	write, err := sql.Open("sqlite", dsn(fmt.Sprintf("&_txlock=immediate&_pragma=cache_size(-8000)&_pragma=wal_autocheckpoint(%d)", mostFrames)))
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	write.SetMaxOpenConns(1)
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", path, err), write.Close())
	}
	read, err := sql.Open("sqlite", dsn("&_pragma=cache_size(-2000)&_pragma=query_only(1)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), write.Close())
	}
	move, err := sql.Open("sqlite", dsn("&_pragma=cache_size(-100)"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), write.Close(), read.Close())
	}
	n := max(4, runtime.NumCPU()*2)
	read.SetMaxOpenConns(n)
	read.SetMaxIdleConns(n)
	return &DB{dialect: SQLite, read: read, write: write, path: path, log: newCheckpointer(move), stmts: stmtCache{db: read}}, nil
}

func openPostgres(ctx context.Context, dsn string) (*DB, error) {
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	open := func(readOnly bool, conns int) *sql.DB {
		cc := cfg.ConnConfig.Copy()
		cc.RuntimeParams["application_name"] = "marelle"
		// A page is a dozen rows by their keys, and what a school reads is in memory
		// or on a disk without a head to move: PostgreSQL's 4 has it read whole tables.
		if _, said := cc.RuntimeParams["random_page_cost"]; !said {
			cc.RuntimeParams["random_page_cost"] = "1.1"
		}
		if readOnly {
			cc.RuntimeParams["default_transaction_read_only"] = "on"
		}
		d := stdlib.OpenDB(*cc)
		d.SetMaxOpenConns(conns)
		d.SetMaxIdleConns(conns)
		d.SetConnMaxIdleTime(5 * time.Minute)
		return d
	}
	write := open(false, max(8, runtime.NumCPU()*2))
	if err := write.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("database: %w", err), write.Close())
	}
	read := open(true, max(8, runtime.NumCPU()*4))
	return &DB{dialect: Postgres, read: read, write: write, stmts: stmtCache{db: nil}}, nil
}

// Listener returns a pool for LISTEN on PostgreSQL, opened at the first call,
// and nil on SQLite.
func (d *DB) Listener(ctx context.Context, dsn string) (*pgxpool.Pool, error) {
	if d.dialect != Postgres || d.pool != nil {
		return d.pool, nil
	}
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	cfg.MaxConns = 2
	d.pool, err = pgxpool.NewWithConfig(ctx, cfg)
	return d.pool, err
}

// Close closes the pools.
func (d *DB) Close() error {
	if d.pool != nil {
		d.pool.Close()
	}
	d.stmts.close()
	d.writes.close()
	var moved error
	if d.log != nil {
		moved = d.log.close()
	}
	return errors.Join(moved, d.read.Close(), d.write.Close())
}

// Dialect names the engine.
func (d *DB) Dialect() Dialect { return d.dialect }

// Path is the SQLite file, "" on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Writer is the writing pool, for the job queue and the migrations alone.
func (d *DB) Writer() *sql.DB { return d.write }

// Own keeps a second process off a SQLite file until the returned function is
// called: the job queue and the single writer count on being alone. On
// PostgreSQL several may work together, and it does nothing.
func (d *DB) Own() (release func() error, err error) {
	if d.dialect != SQLite {
		return func() error { return nil }, nil
	}
	f, err := os.OpenFile(d.path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(errs.New(errs.Conflict, "db.locked", "file", d.path), f.Close())
	}
	return f.Close, nil
}

// Copy writes a consistent copy of a SQLite database beside it, and returns its
// path; on PostgreSQL, where backups are the server's, it does nothing.
func (d *DB) Copy(ctx context.Context, now time.Time) (string, error) {
	if d.dialect != SQLite {
		return "", nil
	}
	path := strings.TrimSuffix(d.path, ".db") + now.Format("-20060102-150405") + ".db"
	if _, err := d.write.ExecContext(ctx, `VACUUM INTO $1`, path); err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return "", fmt.Errorf("copy: %w", err)
	}
	return path, nil
}

// Watch has f called with each statement before it runs; for tests that count
// and for measurements.
func (d *DB) Watch(f func(ctx context.Context, text string, args []any)) { d.watch = f }

// Ping says whether the database answers.
func (d *DB) Ping(ctx context.Context) error {
	_, err := Value[int](ctx, d, `SELECT 1`)
	return err
}

// QueryContext runs a read, prepared once per connection.
func (d *DB) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if d.watch != nil {
		d.watch(ctx, text, args)
	}
	if s := d.stmts.get(ctx, text); s != nil {
		return s.QueryContext(ctx, args...)
	}
	return d.read.QueryContext(ctx, text, args...)
}

// Tx is an open transaction: the only thing that can write.
type Tx struct {
	tx   *sql.Tx
	db   *DB
	read bool   // a snapshot, on the reading pool
	said []word // once it has committed
}

// Write runs f in one transaction and commits when f returns nil. On SQLite
// there is one at a time; f must do no network, image or hashing work.
func (d *DB) Write(ctx context.Context, f func(tx *Tx) error) error {
	return d.in(ctx, d.write, nil, f)
}

// Snapshot runs f on one consistent view of the whole database.
func (d *DB) Snapshot(ctx context.Context, f func(tx *Tx) error) error {
	var opt *sql.TxOptions
	if d.dialect == Postgres {
		opt = &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}
	}
	return d.in(ctx, d.read, opt, f)
}

func (d *DB) in(ctx context.Context, pool *sql.DB, opt *sql.TxOptions, f func(tx *Tx) error) (err error) {
	tx, err := pool.BeginTx(ctx, opt)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, ignoreDone(tx.Rollback()))
		}
	}()
	t := &Tx{tx: tx, db: d, read: pool == d.read}
	if err := f(t); err != nil {
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if len(t.said) > 0 {
		d.signals.say(t.said)
	}
	if pool == d.write && d.dialect == SQLite {
		d.log.committed()
		d.writes.prepare(ctx, d.write)
	}
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// QueryContext reads inside the transaction.
func (t *Tx) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if t.db.watch != nil {
		t.db.watch(ctx, text, args)
	}
	if s := t.prepared(text); s != nil {
		return t.tx.StmtContext(ctx, s).QueryContext(ctx, args...)
	}
	return t.tx.QueryContext(ctx, text, args...)
}

// prepared is the statement of a text that was written before.
func (t *Tx) prepared(text string) *sql.Stmt {
	if t.db.dialect != SQLite || t.read { // pgx does it by itself
		return nil
	}
	return t.db.writes.get(text)
}

// Exec writes and returns the number of rows changed.
func (t *Tx) Exec(ctx context.Context, text string, args ...any) (int64, error) {
	if t.db.watch != nil {
		t.db.watch(ctx, text, args)
	}
	var r sql.Result
	var err error
	if s := t.prepared(text); s != nil {
		r, err = t.tx.StmtContext(ctx, s).ExecContext(ctx, args...)
	} else {
		r, err = t.tx.ExecContext(ctx, text, args...)
	}
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// Hold ends a SELECT of rows that are to stay as they are until the end of the
// transaction: who would hold or change them waits. On SQLite, whose writers
// come one after another, there is nothing to say.
func (t *Tx) Hold() string {
	if t.db.dialect == Postgres {
		return " FOR NO KEY UPDATE" // lets through who refers to them
	}
	return ""
}

// SQL is the bare transaction, for the job queue alone.
func (t *Tx) SQL() *sql.Tx { return t.tx }

// Dialect names the engine.
func (t *Tx) Dialect() Dialect { return t.db.dialect }

// All scans every row of a query into values of T, a struct with `db` tags or
// a single column.
func All[T any](ctx context.Context, q Querier, text string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	var out []T
	if err := api.ScanAll(&out, rows); err != nil {
		return nil, err
	}
	return out, nil
}

// One scans the only row of a query; ok is false when there is none.
func One[T any](ctx context.Context, q Querier, text string, args ...any) (v T, ok bool, err error) {
	rows, err := q.QueryContext(ctx, text, args...)
	if err != nil {
		return v, false, err
	}
	err = api.ScanOne(&v, rows)
	if sqlscan.NotFound(err) {
		return v, false, nil
	}
	return v, err == nil, err
}

// Value scans the only column of the only row; the zero value when there is none.
func Value[T any](ctx context.Context, q Querier, text string, args ...any) (T, error) {
	v, _, err := One[T](ctx, q, text, args...)
	return v, err
}

// In writes "$n,$n+1,…" for len(values) arguments after those in args, and
// returns args with the values added: the portable IN list. With no value it
// writes NULL, which matches nothing.
func In[T any](args []any, values []T) (string, []any) {
	if len(values) == 0 {
		return "NULL", args
	}
	var b strings.Builder
	for i, v := range values {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "$%d", len(args)+1)
		args = append(args, v)
	}
	return b.String(), args
}

// Insert writes rows in as few statements as the engine's limit on parameters
// allows. The text ends in VALUES; tail (ON CONFLICT …) may be empty. It
// returns the number of rows written.
func Insert(ctx context.Context, tx *Tx, head, tail string, rows [][]any) (int64, error) {
	const most = 900 // parameters: SQLite's oldest limit is 999
	var total int64
	for len(rows) > 0 {
		n := min(len(rows), max(1, most/max(1, len(rows[0]))))
		var b strings.Builder
		b.WriteString(head)
		var args []any
		for i, row := range rows[:n] {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteByte('(')
			var list string
			list, args = In(args, row)
			b.WriteString(list)
			b.WriteByte(')')
		}
		b.WriteString(" " + tail)
		changed, err := tx.Exec(ctx, b.String(), args...)
		if err != nil {
			return total, err
		}
		total += changed
		rows = rows[n:]
	}
	return total, nil
}

// IsDuplicate says whether err is a unique key refusing a second row.
func IsDuplicate(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlitelib.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlitelib.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

var api = must(sqlscan.NewAPI(must(sqlscan.NewDBScanAPI())))

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// stmtCache keeps read statements prepared: on SQLite that doubles the rate;
// pgx does it by itself. Texts with lists of varying length would fill it, so
// it stops growing at a bound.
type stmtCache struct {
	db   *sql.DB
	mu   sync.RWMutex
	by   map[string]*sql.Stmt
	full bool
}

func (c *stmtCache) get(ctx context.Context, text string) *sql.Stmt {
	if c.db == nil {
		return nil
	}
	c.mu.RLock()
	s, full := c.by[text], c.full
	c.mu.RUnlock()
	if s != nil || full {
		return s
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.by[text]; s != nil {
		return s
	}
	s, err := c.db.PrepareContext(ctx, text)
	if err != nil {
		return nil // the plain query will say what is wrong
	}
	if c.by == nil {
		c.by = map[string]*sql.Stmt{}
	}
	c.by[text] = s
	c.full = len(c.by) >= 400
	return s
}

func (c *stmtCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.by {
		_ = s.Close()
	}
	c.by, c.full = nil, true
}

// writeCache keeps prepared what SQLite's one writer runs again and again. The
// writer has one connection, which its transaction holds: a text is prepared
// after the transaction that ran it a second time, for the next.
type writeCache struct {
	mu   sync.Mutex
	seen map[string]bool
	next []string
	by   map[string]*sql.Stmt
}

// writesKept bounds the statements kept; lists of varying length would fill it.
const writesKept = 200

func (c *writeCache) get(text string) *sql.Stmt {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.by[text]; s != nil || len(c.seen) >= 4*writesKept || len(c.by)+len(c.next) >= writesKept {
		return s
	}
	if c.seen == nil {
		c.seen, c.by = map[string]bool{}, map[string]*sql.Stmt{}
	}
	if c.seen[text] && !slices.Contains(c.next, text) {
		c.next = append(c.next, text)
	}
	c.seen[text] = true
	return nil
}

// prepare prepares what the last transactions ran a second time.
func (c *writeCache) prepare(ctx context.Context, pool *sql.DB) {
	c.mu.Lock()
	next := c.next
	c.next = nil
	c.mu.Unlock()
	for _, text := range next {
		s, err := pool.PrepareContext(ctx, text)
		if err != nil {
			continue // it runs unprepared, and says then what is wrong
		}
		c.mu.Lock()
		if c.by == nil || c.by[text] != nil {
			_ = s.Close() // closed meanwhile, or prepared by another
		} else {
			c.by[text] = s
		}
		c.mu.Unlock()
	}
}

func (c *writeCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.by {
		_ = s.Close()
	}
	c.by = nil
}
