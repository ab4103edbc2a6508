// Command floor is what the product is measured against: a handler that does
// nothing but the same SELECTs on the same database and sends the same bytes.
// It refuses to know sessions, rights and templates: what a page costs beyond
// this program is the product's own doing.
//
//	floor -addr 127.0.0.1:8091 -body home.html                                  bare: fixed bytes
//	floor -addr … -body home.html -db FILE|postgres://… -sql home.sql -args ids.txt
//
// home.sql holds the statements of the page, each ended by a line ";"; $1 is the
// next line of ids.txt. Take them from the product's own statement log.
package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync/atomic"

	_ "github.com/jackc/pgx/v5/stdlib"
	_ "modernc.org/sqlite"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("floor: ", err)
	}
}

type floor struct {
	body       []byte
	statements []*sql.Stmt
	takes      []bool // whether the statement has a $1
	args       []string
	turn       atomic.Uint64
}

func run() error {
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on")
	body := flag.String("body", "", "file with the bytes of the page")
	database := flag.String("db", "", "SQLite file or postgres:// address; none for fixed bytes alone")
	statements := flag.String("sql", "", "file with the SELECTs, each ended by a line \";\"")
	args := flag.String("args", "", "file with the values of $1, one per line")
	flag.Parse()

	f := &floor{}
	var err error
	if f.body, err = os.ReadFile(*body); err != nil {
		return err
	}
	if *database != "" {
		if err := f.prepare(*database, *statements, *args); err != nil {
			return err
		}
	}
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Printf("http://%s/ %d\n", l.Addr(), os.Getpid())
	return http.Serve(l, f)
}

func (f *floor) prepare(database, statements, args string) error {
	db, err := open(database)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(statements)
	if err != nil {
		return err
	}
	for one := range strings.SplitSeq(string(text)+"\n", "\n;\n") {
		if strings.TrimSpace(one) == "" {
			continue
		}
		s, err := db.Prepare(one)
		if err != nil {
			return fmt.Errorf("%s: %w", strings.TrimSpace(one), err)
		}
		f.statements, f.takes = append(f.statements, s), append(f.takes, strings.Contains(one, "$1"))
	}
	values, err := os.ReadFile(args)
	if err != nil {
		return err
	}
	f.args = strings.Fields(string(values))
	if len(f.args) == 0 {
		return errors.New("the file of -args is empty")
	}
	return nil
}

// open opens as the product does: readers for SQLite, a pool for PostgreSQL.
func open(database string) (*sql.DB, error) {
	if strings.HasPrefix(database, "postgres://") {
		db, err := sql.Open("pgx", database)
		if err == nil {
			db.SetMaxIdleConns(4 * runtime.NumCPU())
			db.SetMaxOpenConns(4 * runtime.NumCPU())
		}
		return db, err
	}
	q := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(5000)", "query_only(1)"}}
	db, err := sql.Open("sqlite", "file:"+database+"?"+q.Encode())
	if err == nil {
		db.SetMaxIdleConns(2 * runtime.NumCPU())
		db.SetMaxOpenConns(2 * runtime.NumCPU())
	}
	return db, err
}

func (f *floor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := bytes.NewBuffer(make([]byte, 0, len(f.body)+4096))
	for i, s := range f.statements {
		var arg []any
		if f.takes[i] {
			arg = []any{f.args[int(f.turn.Add(1))%len(f.args)]}
		}
		if err := read(r.Context(), s, arg, out); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	// The rows were turned to text, as a page must; the page has its own length.
	out.Reset()
	out.Write(f.body)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(out.Bytes()) // a client that left is no fault
}

func read(ctx context.Context, s *sql.Stmt, arg []any, out *bytes.Buffer) error {
	rows, err := s.QueryContext(ctx, arg...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]sql.RawBytes, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		for _, v := range values {
			out.Write(v)
		}
	}
	return rows.Err()
}
