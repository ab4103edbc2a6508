package people_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/testkit/postgres"
)

// childEnv names the database in which the test binary, run again, imports a
// school until it is killed.
const (
	childEnv = "MARELLE_TEST_IMPORT_CHILD"
	holdEnv  = "MARELLE_TEST_IMPORT_HOLD" // "true": stay before the commit
)

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childEnv); dsn != "" {
		if err := importUntilKilled(dsn, os.Getenv(holdEnv) == "true"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

var (
	november = time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)
	system   = rights.System("test")
)

// site is a database with one empty school in it.
type site struct {
	t      testing.TB
	db     *db.DB
	dsn    string
	now    time.Time
	school string
}

func migrate(dsn string) error {
	d, err := db.Open(context.Background(), dsn)
	if err != nil {
		return err
	}
	defer d.Close()
	_, err = d.Migrate(context.Background(), nil, people.Migrations(), audit.Migrations())
	return err
}

func open(t testing.TB) *site {
	t.Helper()
	s := &site{t: t, now: november}
	if postgres.URL() != "" {
		s.dsn = postgres.Clone(t, postgres.Template(t, "people import 1", migrate))
	} else {
		s.dsn = filepath.Join(t.TempDir(), "marelle.db")
		if err := migrate(s.dsn); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.db, err = db.Open(context.Background(), s.dsn); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.db.Close() })
	s.write(func(tx *db.Tx) error {
		made, err := people.CreateSchool(context.Background(), tx, system, s.now, people.School{UAI: "0801234G", Name: "École Jules Verne"})
		s.school = made.ID
		return err
	})
	return s
}

func (s *site) write(f func(tx *db.Tx) error) {
	s.t.Helper()
	if err := s.db.Write(context.Background(), f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) exec(text string, args ...any) {
	s.t.Helper()
	s.write(func(tx *db.Tx) error {
		_, err := tx.Exec(context.Background(), text, args...)
		return err
	})
}

func (s *site) count(text string, args ...any) int {
	s.t.Helper()
	n, err := db.Value[int](context.Background(), s.db, text, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *site) one(text string, args ...any) string {
	s.t.Helper()
	v, err := db.Value[string](context.Background(), s.db, text, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

// caption is what the school's staff read under a name.
func (s *site) caption(person string) string {
	s.t.Helper()
	words, err := i18n.New(people.Messages())
	if err != nil {
		s.t.Fatal(err)
	}
	return people.Caption(s.one(`SELECT facts FROM person_caption WHERE person = $1 AND school = $2`, person, s.school)).Whole(words.T)
}

// given reads files of testdata, or takes texts: a name with a newline is the
// content of a file "liste.csv".
func given(t testing.TB, names ...string) []people.ImportFile {
	t.Helper()
	var out []people.ImportFile
	for i, n := range names {
		if strings.Contains(n, "\n") {
			out = append(out, people.ImportFile{Name: fmt.Sprintf("liste%d.csv", i+1), Data: []byte(strings.TrimLeft(n, "\n"))})
			continue
		}
		b, err := os.ReadFile(filepath.Join("onde", "testdata", n))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, people.ImportFile{Name: filepath.Base(n), Data: b})
	}
	return out
}

func school(dir string) []string {
	return []string{dir + "/eleves.csv", dir + "/responsables.csv", dir + "/enseignants.csv"}
}

// order is an order of the year 2026 for the files.
func (s *site) order(names ...string) people.Order {
	s.t.Helper()
	o := people.Order{School: s.school, Year: 2026, Given: given(s.t, names...)}
	var err error
	if o.Files, err = people.ReadImport(o.Given); err != nil {
		s.t.Fatal(err)
	}
	return o
}

func (s *site) apply(o people.Order) (res people.Result) {
	s.t.Helper()
	s.write(func(tx *db.Tx) (err error) {
		res, err = people.ApplyImport(context.Background(), tx, system, s.now, o)
		return err
	})
	if n, err := people.Drift(context.Background(), s.db); err != nil || n != 0 {
		s.t.Fatalf("principals drift by %d (%v)", n, err)
	}
	s.now = s.now.Add(time.Minute)
	return res
}

// imports applies, and demands that the same again changes nothing at all.
func (s *site) imports(o people.Order) people.Result {
	s.t.Helper()
	res := s.apply(o)
	was := s.dump()
	again := s.apply(o)
	if !again.Plan.Empty() || len(again.Newcomers()) > 0 {
		s.t.Fatalf("the same again: %+v", again.Plan.Summary(say))
	}
	s.same(was, "after the same again")
	return res
}

func (s *site) undo() error {
	ctx := context.Background()
	return s.db.Write(ctx, func(tx *db.Tx) error {
		imp, ok, err := people.Undoable(ctx, tx, s.school)
		if err != nil || !ok {
			return errors.Join(err, errs.New(errs.NotFound, "people.undo_none"))
		}
		return people.UndoImport(ctx, tx, system, s.now, s.school, imp.ID, nil)
	})
}

func say(key string, _ map[string]any) string { return key }

// dump is every row of the directory, principals and captions included.
func (s *site) dump() map[string][]string {
	s.t.Helper()
	out := map[string][]string{}
	for _, table := range []string{"school", "class", "person", "membership", "class_member", "family_link", "school_group", "group_member", "person_principal", "person_caption"} {
		rows, err := s.db.QueryContext(context.Background(), `SELECT * FROM `+table)
		if err != nil {
			s.t.Fatal(err)
		}
		names, err := rows.Columns()
		if err != nil {
			s.t.Fatal(err)
		}
		list := []string{}
		for rows.Next() {
			cells := make([]any, len(names))
			to := make([]any, len(names))
			for i := range cells {
				to[i] = &cells[i]
			}
			if err := rows.Scan(to...); err != nil {
				s.t.Fatal(err)
			}
			list = append(list, fmt.Sprint(cells...))
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			s.t.Fatal(err)
		}
		out[table] = sorted(list)
	}
	return out
}

func sorted(list []string) []string {
	m := map[string]int{}
	for _, x := range list {
		m[x]++
	}
	out := make([]string, 0, len(list))
	for x, n := range m {
		out = append(out, fmt.Sprintf("%s ×%d", x, n))
	}
	slices.Sort(out)
	return out
}

func (s *site) same(was map[string][]string, when string) {
	s.t.Helper()
	now := s.dump()
	for table, rows := range was {
		if !reflect.DeepEqual(rows, now[table]) {
			in := map[string]bool{}
			for _, r := range rows {
				in[r] = true
			}
			for _, r := range now[table] {
				if !in[r] {
					s.t.Logf("+ %s", r)
				}
				delete(in, r)
			}
			for r := range in {
				s.t.Logf("- %s", r)
			}
			s.t.Errorf("%s differs %s: %d rows, %d before", table, when, len(now[table]), len(rows))
		}
	}
}

// sentence is the key of an error's message.
func sentence(err error) string {
	e := errs.As(err)
	if e == nil {
		return fmt.Sprint(err)
	}
	for _, m := range e.Fields {
		return m.Key
	}
	return e.Message.Key
}
