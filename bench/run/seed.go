package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
	"marelle/internal/sample"
	"marelle/internal/server"
)

// school is a seeded database and who may be asked for in it.
type school struct {
	dir, dsn string // folder of the product's data; postgres://… or ""
	env      []string
	parents  []visitor
	teachers []visitor
	reads    []visit // a parent and a word they have opened
	tracks   []visit // a teacher and a word they wrote
	confirms []visit
	signIns  []string // sign-in names of parents
	drive    string   // the Authorization of a teacher's application password
	rows     int64    // of the feed
	accounts int64

	// The product's own statements and page, for floors that do the same.
	traces map[string][][]step
	bodies map[string][]byte
}

// visitor is somebody with a session.
type visitor struct {
	Person, Token string
	Draw          string // by which they were drawn
}

// cookie is the value of the Cookie header.
func (v visitor) cookie() string { return session.Cookie + "=" + v.Token }

type visit struct {
	visitor
	Word string
}

// step is a statement of a request, as bench/floor reads it.
type step struct {
	SQL  string `json:"sql"`
	Args []any  `json:"args"`
}

// password of every parent who may sign in.
const password = "marelle-relative"

// base is the address under which the seeding server answers; nothing listens.
const base = "http://127.0.0.1:1"

// seed makes the sample school, copies of it, older years of words in each, and
// sessions for a thousand parents drawn over all schools.
func seed(ctx context.Context, dir, dsn string, schools, years int, slim bool) (_ *school, err error) {
	cfg, err := config.Load(config.Settings{Addr: "127.0.0.1:0", BaseURL: base, Data: dir, Database: dsn, UploadMax: "50M"}, nil)
	if err != nil {
		return nil, err
	}
	srv, err := server.Open(ctx, cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := srv.Close(); err == nil {
			err = e
		}
	}()
	if _, err := sample.School(ctx, srv.Core); err != nil {
		return nil, err
	}
	only := "" // school of whoever is asked for; with words, any
	if slim {
		if only, err = db.Value[string](ctx, srv.Core.DB, `SELECT id FROM school`); err != nil {
			return nil, err
		}
	}
	if dsn == "" { // what a power cut would cost here is a second run
		if _, err := srv.Core.DB.Writer().ExecContext(ctx, `PRAGMA synchronous = OFF; PRAGMA cache_size = -400000`); err != nil {
			return nil, err
		}
	}
	if err := multiply(ctx, srv.Core.DB, schools, years, slim); err != nil {
		return nil, fmt.Errorf("copies: %w", err)
	}
	// Copies are found too, lest the server that is measured fill its index first.
	if _, err := search.Check(ctx, srv.Core.DB, srv.Core.Texts, true); err != nil {
		return nil, err
	}
	s := &school{dir: dir, dsn: dsn, traces: map[string][][]step{}, bodies: map[string][]byte{}}
	if err := s.people(ctx, srv, only); err != nil {
		return nil, err
	}
	if s.rows, err = db.Value[int64](ctx, srv.Core.DB, `SELECT count(*) FROM feed`); err != nil {
		return nil, err
	}
	if s.accounts, err = db.Value[int64](ctx, srv.Core.DB, `SELECT count(*) FROM person`); err != nil {
		return nil, err
	}
	if dsn != "" { // as autovacuum does sooner or later
		if _, err := srv.Core.DB.Writer().ExecContext(ctx, `VACUUM ANALYZE`); err != nil {
			return nil, err
		}
	}
	for _, c := range []struct {
		name string
		list []visit
	}{{"home", visits(s.parents)}, {"read", s.reads}, {"read wide", s.reads}, {"track", s.tracks}} {
		for _, v := range c.list[:min(len(c.list), 200)] {
			if err := s.trace(srv, c.name, v); err != nil {
				return nil, err
			}
		}
	}
	return s, nil
}

func visits(list []visitor) []visit {
	out := make([]visit, len(list))
	for i, v := range list {
		out[i] = visit{visitor: v}
	}
	return out
}

// people opens sessions and draws who is asked for. The last letters of an id
// are random: their order is a draw.
func (s *school) people(ctx context.Context, srv *server.Server, school string) error {
	core := srv.Core
	active := func(profile string, limit int) ([]visitor, error) {
		list, err := db.All[visitor](ctx, core.DB, `SELECT DISTINCT p.id AS person, '' AS token, substr(p.id, 20) AS draw FROM person p JOIN membership m ON m.person = p.id
			WHERE m.profile = $1 AND NOT m.head AND p.activated_at IS NOT NULL AND ($3 = '' OR m.school = $3) ORDER BY substr(p.id, 20) LIMIT $2`, profile, limit, school)
		return list, err
	}
	var err error
	if s.parents, err = active("relative", 1000); err != nil {
		return err
	}
	if s.teachers, err = active("teacher", 200); err != nil {
		return err
	}
	hash, err := core.Hasher.Hash(ctx, password)
	if err != nil {
		return err
	}
	err = core.DB.Write(ctx, func(tx *db.Tx) (err error) {
		for _, p := range s.parents[:min(len(s.parents), 128)] {
			if err := session.SetPassword(ctx, tx, core, rights.System("bench"), p.Person, hash); err != nil {
				return err
			}
			login, err := db.Value[string](ctx, tx, `SELECT login FROM person WHERE id = $1`, p.Person)
			if err != nil {
				return err
			}
			s.signIns = append(s.signIns, login)
		}
		if s.drive, err = opened(ctx, tx, s.teachers[0].Person); err != nil {
			return err
		}
		for _, list := range [][]visitor{s.parents, s.teachers} {
			for i := range list {
				if list[i].Token, err = session.SignInAs(ctx, tx, core, list[i].Person); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	token := map[string]string{}
	for _, v := range append(s.parents[:len(s.parents):len(s.parents)], s.teachers...) {
		token[v.Person] = v.Token
	}
	draw := func(limit int, text string) (out []visit, err error) {
		rows, err := db.All[struct{ Person, Word, Draw string }](ctx, core.DB, text, time.Now().UnixMilli())
		for _, r := range rows {
			if t := token[r.Person]; t != "" && len(out) < limit {
				out = append(out, visit{visitor{Person: r.Person, Token: t}, r.Word})
			}
		}
		return out, err
	}
	if s.reads, err = draw(2000, `SELECT rc.person, rc.word, substr(rc.word, 20) || substr(rc.person, 20) AS draw FROM receipt rc JOIN session s ON s.person = rc.person
		WHERE rc.opened_at < $1 AND rc.opened_at > $1 - 7776000000 ORDER BY draw LIMIT 20000`); err != nil {
		return err
	}
	if s.tracks, err = draw(2000, `SELECT w.author AS person, w.id AS word, substr(w.id, 20) AS draw FROM word w JOIN session s ON s.person = w.author
		WHERE w.published_at < $1 AND w.published_at > $1 - 7776000000 ORDER BY draw LIMIT 20000`); err != nil {
		return err
	}
	// Older words become unread again: each confirmation then has a row to commit.
	if s.confirms, err = draw(60000, `SELECT DISTINCT f.relative AS person, wp.word, substr(wp.word, 20) || substr(f.relative, 20) AS draw FROM session s JOIN family_link f ON f.relative = s.person
		JOIN word_pupil wp ON wp.pupil = f.pupil WHERE f.valid_from <= $1 AND wp.published_at < $1 - 7776000000 ORDER BY draw LIMIT 60000`); err != nil {
		return err
	}
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		old := time.Now().UnixMilli() - 7776000000
		for _, text := range []string{
			`DELETE FROM receipt WHERE word IN (SELECT id FROM word WHERE published_at < $1)`,
			`UPDATE word_pupil SET reached_at = NULL WHERE published_at < $1`,
			`UPDATE word SET reached = 0 WHERE published_at < $1`,
		} {
			if _, err := tx.Exec(ctx, text, old); err != nil {
				return err
			}
		}
		return nil
	})
}

// phone is how the telephone of most parents names itself.
const phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"

// trace asks the product for a page and keeps its statements and its bytes.
func (s *school) trace(srv *server.Server, name string, v visit) error {
	path := "/"
	if v.Word != "" {
		path = "/carnet/" + v.Word
	}
	var steps []step
	ask := func() (*httptest.ResponseRecorder, error) {
		r := httptest.NewRequest(http.MethodGet, base+path, nil)
		r.Header.Set("Cookie", v.cookie())
		if name == "read" {
			r.Header.Set("User-Agent", phone)
		}
		w := httptest.NewRecorder()
		srv.Handler().ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			return nil, fmt.Errorf("%s: %s answers %d", name, path, w.Code)
		}
		return w, nil
	}
	if _, err := ask(); err != nil { // a first visit may write
		return err
	}
	srv.Core.DB.Watch(func(_ context.Context, text string, args []any) { steps = append(steps, step{text, args}) })
	w, err := ask()
	srv.Core.DB.Watch(nil)
	if err != nil {
		return err
	}
	s.traces[name] = append(s.traces[name], steps)
	if s.bodies[name] == nil {
		s.bodies[name] = w.Body.Bytes()
	}
	return nil
}

// plain are the three statements of the floor of a home page: who, their
// children, the newest of their feed, each by its index and nothing else.
func (s *school) plain() (out [][]step) {
	for _, v := range s.parents {
		out = append(out, []step{
			{`SELECT p.id, p.first, p.last, p.use_name, p.avatar, p.theme FROM session s JOIN person p ON p.id = s.person WHERE s.id = $1`, []any{secret.Hash(v.Token)}},
			{`SELECT k.id, k.first, k.avatar FROM family_link f JOIN person k ON k.id = f.pupil WHERE f.relative = $1`, []any{v.Person}},
			{`SELECT r.id, r.title, r.summary, f.at, f.read_at FROM feed f JOIN event e ON e.id = f.event JOIN resource r ON r.id = e.resource
				WHERE f.person = $1 ORDER BY f.at DESC LIMIT 25`, []any{v.Person}},
		})
	}
	return out
}

// commits is one row of the kind that a confirmation writes; each changes
// something, for SQLite commits nothing of a row that stays as it was.
func (s *school) commits() (out [][]step) {
	now := time.Now().UnixMilli()
	for _, v := range s.confirms {
		out = append(out, []step{{`INSERT INTO receipt (word, person, version, opened_at, read_at) VALUES ($1, $2, 1, $3, $3)
			ON CONFLICT (word, person) DO UPDATE SET read_at = receipt.read_at + 1`, []any{v.Word, v.Person, now}}})
	}
	return out
}

// tables of a school, parents before children.
var tables = []string{"school", "class", "person", "membership", "class_member", "family_link", "person_principal", "person_caption", "charter_acceptance",
	"resource", "resource_grant", "event", "event_pupil", "feed", "word", "word_pupil", "word_class", "receipt"}

// published are those that a year of words fills; directory is the rest.
var published, directory = tables[9:], tables[:9]

// multiply copies all rows of the sample: each school under other ids, and each
// older year of words under other ids and earlier dates.
func multiply(ctx context.Context, d *db.DB, schools, years int, slim bool) error {
	of := map[string][][]any{}
	heads := map[string]string{}
	words := map[string]bool{}
	for _, t := range tables {
		rows, err := d.QueryContext(ctx, `SELECT * FROM `+t)
		if err != nil {
			return err
		}
		columns, err := rows.Columns()
		if err != nil {
			return err
		}
		heads[t] = `INSERT INTO ` + t + ` (` + strings.Join(columns, ", ") + `) VALUES `
		for rows.Next() {
			row, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range row {
				into[i] = &row[i]
			}
			if err := rows.Scan(into...); err != nil {
				return err
			}
			of[t] = append(of[t], row)
			if t == "resource" || t == "event" {
				words[row[0].(string)] = true
			}
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	copyAs := func(tx *db.Tx, list []string, n int, all bool, ago time.Duration) error {
		for _, t := range list {
			out := make([][]any, len(of[t]))
			for i, row := range of[t] {
				out[i] = make([]any, len(row))
				for c, v := range row {
					switch v := v.(type) {
					case string:
						out[i][c] = rename(v, n, all, words)
					case int64:
						out[i][c] = v
						if v > 1e12 && v < rights.Forever {
							out[i][c] = v - ago.Milliseconds()
						}
					default:
						out[i][c] = v
					}
				}
				switch {
				case t == "school":
					out[i][1] = fmt.Sprintf("%07dX", n) // uai
				case t == "person" && all:
					for c, name := range strings.Split(heads[t], ", ") {
						if name == "login" {
							out[i][c] = fmt.Sprintf("%s.%d", row[c], n)
						}
					}
				}
			}
			if _, err := db.Insert(ctx, tx, heads[t], "ON CONFLICT DO NOTHING", out); err != nil {
				return fmt.Errorf("%s: %w", t, err)
			}
		}
		return nil
	}
	for y := 1; y < years; y++ {
		if err := d.Write(ctx, func(tx *db.Tx) error {
			return copyAs(tx, published, 1<<20+y, false, time.Duration(y)*365*24*time.Hour)
		}); err != nil {
			return err
		}
	}
	list := tables
	if slim {
		list = directory
	}
	for n := 1; n < schools; {
		if err := d.Write(ctx, func(tx *db.Tx) error { // some schools at once: a commit costs
			for end := min(n+20, schools); n < end; n++ {
				if err := copyAs(tx, list, n, true, 0); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

// rename gives every id in a text, or those of words alone, the n-th other id:
// its last letters, which are random, exclusive-or n.
func rename(s string, n int, all bool, words map[string]bool) string {
	for i := 0; i+36 <= len(s); i++ {
		if s[i+8] != '-' || s[i+13] != '-' || s[i+18] != '-' || s[i+23] != '-' || s[i+14] != '7' {
			continue
		}
		if all || words[s[i:i+36]] {
			tail, err := strconv.ParseUint(s[i+28:i+36], 16, 32)
			if err != nil {
				continue
			}
			s = s[:i+28] + fmt.Sprintf("%08x", tail^uint64(n)) + s[i+36:]
		}
		i += 35
	}
	return s
}

// createDatabase makes an empty database on the server of the suite.
func createDatabase(ctx context.Context, server, name string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize())
	return errors.Join(err, conn.Close(ctx))
}
