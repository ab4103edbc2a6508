// Command floor is what the product is measured against: a handler that does
// nothing but its statements on the same database and sends as many bytes. It
// refuses to know sessions, rights and components: what a page costs beyond
// this program is the product's own doing.
//
//	floor -addr 127.0.0.1:8091 -body home.html                          fixed bytes
//	floor -addr … -body home.html -db FILE|postgres://… -trace home.json  the statements, then those bytes
//	floor … -template                                                   the rows through a compiled template of that size
//	floor … -write                                                      the statements committed, then a redirection
//	floor -addr … -hash 1                                               one argon2id per request, so many at once
//	floor -addr … -body message -push subscriptions.json                that message encrypted and posted to each, then a redirection
//
// A trace is a JSON array of requests, taken in turn; a request is an array of
// {"sql": …, "args": […]}. cmd bench/run writes them.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/crypto/argon2"
	"golang.org/x/net/webdav"
	_ "modernc.org/sqlite"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/push"
	"marelle/internal/platform/secret"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("floor: ", err)
	}
}

// step is a statement of a request.
type step struct {
	SQL  string `json:"sql"`
	Args []any  `json:"args"`
	stmt *sql.Stmt
}

type floor struct {
	body     []byte
	db       *sql.DB
	trace    [][]step
	write    bool
	template bool
	filler   int
	turn     atomic.Uint64
}

func run() error {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	body := flag.String("body", "", "file with the bytes of the page")
	database := flag.String("db", "", "SQLite file or postgres:// address; none for fixed bytes alone")
	trace := flag.String("trace", "", "file with the statements of each request")
	f := &floor{}
	flag.BoolVar(&f.write, "write", false, "commit the statements and redirect")
	flag.BoolVar(&f.template, "template", false, "render the rows instead of sending the bytes")
	hash := flag.Int("hash", 0, "argon2id hashes at once; 0 for none")
	drive := flag.String("drive", "", "folder to open as a drive: the protocol alone")
	subscriptions := flag.String("push", "", "file with push subscriptions, as a JSON array")
	flag.Parse()

	var err error
	if *body != "" {
		if f.body, err = os.ReadFile(*body); err != nil {
			return err
		}
	}
	if *database != "" {
		if err := f.prepare(*database, *trace); err != nil {
			return err
		}
	}
	var handler http.Handler = f
	if *hash > 0 {
		handler = hasher(*hash)
	}
	if *drive != "" {
		handler = &webdav.Handler{FileSystem: webdav.Dir(*drive), LockSystem: webdav.NewMemLS()}
	}
	if *subscriptions != "" {
		if handler, err = pusher(*subscriptions, f.body); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/ %d\n", l.Addr(), os.Getpid())
	return http.Serve(l, handler)
}

func (f *floor) prepare(database, trace string) (err error) {
	if f.db, err = open(database, f.write); err != nil {
		return err
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&f.trace); err != nil {
		return err
	}
	if len(f.trace) == 0 {
		return errors.New("the trace is empty")
	}
	prepared := map[string]*sql.Stmt{}
	for _, request := range f.trace {
		for i := range request {
			s := &request[i]
			for n, a := range s.Args {
				if number, ok := a.(json.Number); ok {
					if s.Args[n], err = number.Int64(); err != nil {
						return err
					}
				}
			}
			if s.stmt = prepared[s.SQL]; s.stmt == nil {
				if s.stmt, err = f.db.Prepare(s.SQL); err != nil {
					return fmt.Errorf("%s: %w", s.SQL, err)
				}
				prepared[s.SQL] = s.stmt
			}
		}
	}
	if f.template {
		return f.size()
	}
	return nil
}

// size finds how much filler makes the template as long as the page.
func (f *floor) size() error {
	rows, err := f.rows(context.Background(), f.trace[0])
	if err != nil {
		return err
	}
	for out := new(bytes.Buffer); out.Len() < len(f.body); f.filler++ {
		out.Reset()
		if err := page(rows, f.filler).Render(context.Background(), out); err != nil {
			return err
		}
	}
	return nil
}

// open opens as the product does: readers or one writer for SQLite, a pool for
// PostgreSQL.
func open(database string, write bool) (*sql.DB, error) {
	n := 2 * max(2, runtime.NumCPU())
	if strings.HasPrefix(database, "postgres://") {
		db, err := sql.Open("pgx", database)
		if err == nil {
			db.SetMaxIdleConns(2 * n)
			db.SetMaxOpenConns(2 * n)
		}
		return db, err
	}
	q := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(wal)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-2000)"}}
	if write {
		n = 1
		q.Set("_txlock", "immediate")
	} else {
		q.Add("_pragma", "query_only(1)")
	}
	db, err := sql.Open("sqlite", "file:"+database+"?"+q.Encode())
	if err == nil {
		db.SetMaxIdleConns(n)
		db.SetMaxOpenConns(n)
	}
	return db, err
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request []step
	if f.trace != nil {
		request = f.trace[int(f.turn.Add(1)-1)%len(f.trace)]
	}
	if f.write {
		if err := f.commit(r.Context(), request); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	rows, err := f.rows(r.Context(), request)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	body := f.body
	if f.template {
		out := bytes.NewBuffer(make([]byte, 0, len(f.body)+4096))
		if err := page(rows, f.filler).Render(r.Context(), out); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		body = out.Bytes()
	}
	_, _ = w.Write(body) // a client that left is no fault
}

// rows reads all that the statements of a request give, as text.
func (f *floor) rows(ctx context.Context, request []step) (all [][]string, err error) {
	for _, s := range request {
		if all, err = read(ctx, s.stmt, s.Args, all); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func read(ctx context.Context, s *sql.Stmt, args []any, all [][]string) ([][]string, error) {
	rows, err := s.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		row := make([]string, len(values))
		for i, v := range values {
			row[i] = string(v)
		}
		all = append(all, row)
	}
	return all, rows.Err()
}

func (f *floor) commit(ctx context.Context, request []step) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	for _, s := range request {
		if _, err := tx.StmtContext(ctx, s.stmt).ExecContext(ctx, s.Args...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

// hasher does what sign-in cannot do without: one argon2id with the product's
// parameters (19 MiB, 2 passes), so many at once.
func hasher(parallel int) http.Handler {
	slots := make(chan struct{}, parallel)
	salt := []byte("sixteen bytes of")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slots <- struct{}{}
		defer func() { <-slots }()
		argon2.IDKey([]byte("marelle-relative"), salt, 2, 19*1024, 1, 32)
		http.Redirect(w, r, "/", http.StatusSeeOther)
	})
}

// pusher encrypts one message for every subscription and posts it, all at each
// request: what a fan-out cannot do without. The keys are its own.
func pusher(file string, message []byte) (http.Handler, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var to []push.Subscription
	if err := json.Unmarshal(text, &to); err != nil {
		return nil, err
	}
	if len(to) == 0 {
		return nil, errors.New("nobody to push to")
	}
	service, err := url.Parse(to[0].Endpoint)
	if err != nil {
		return nil, err
	}
	hosts, err := push.ParseHosts([]string{service.Host})
	if err != nil {
		return nil, err
	}
	keys, err := secret.Load(file+".secret", true)
	if err != nil {
		return nil, err
	}
	identity, err := push.NewIdentity(keys, service)
	if err != nil {
		return nil, err
	}
	sender := push.NewSender(push.Options{Identity: identity, Hosts: hosts, Clock: clock.System()})
	all := make([]push.Push, len(to))
	for i := range to {
		all[i] = push.Push{To: to[i], Message: push.Message{Payload: message, TTL: 72 * time.Hour, Urgency: push.High, Topic: "floor"}}
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, result := range sender.SendAll(r.Context(), all) {
			if result.Outcome != push.Sent {
				http.Error(w, result.Outcome.String()+" "+result.Reason, http.StatusBadGateway)
				return
			}
		}
		http.Redirect(w, r, "/", http.StatusSeeOther)
	}), nil
}

func fillerID(n int) string { return "p" + strconv.Itoa(n) }
