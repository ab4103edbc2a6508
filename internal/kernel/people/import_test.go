package people_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/testkit/postgres"
)

// childEnv names the database in which the test binary, run again, imports a
// school until it is killed.
const childEnv = "MARELLE_TEST_IMPORT_CHILD"

func TestMain(m *testing.M) {
	if dsn := os.Getenv(childEnv); dsn != "" {
		if err := importAgainAndAgain(dsn); err != nil {
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
	for _, table := range []string{"school", "class", "person", "membership", "class_member", "family_link", "school_group", "group_member", "person_principal"} {
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

// The counts were worked out from the files by hand and by an independent
// reading (see onde).
func TestBothSchools(t *testing.T) {
	for _, x := range []struct {
		dir                                                   string
		pupils, relatives, teachers, links, homonyms, doubles int
	}{
		{"recent", 219, 258, 10, 393, 3, 6},
		{"older", 217, 255, 10, 388, 3, 5},
	} {
		t.Run(x.dir, func(t *testing.T) {
			s := open(t)
			empty := s.dump()
			began := time.Now()
			res := s.apply(s.order(school(x.dir)...))
			t.Logf("%d persons in %v", len(res.Created), time.Since(began).Round(time.Millisecond))
			sum := res.Plan.Summary(say)
			want := onde.Summary{Classes: 9, Pupils: onde.Counts{Created: x.pupils}, Relatives: onde.Counts{Created: x.relatives}, Teachers: onde.Counts{Created: x.teachers},
				FamilyLinks: x.links, Doubtful: sum.Doubtful, Rejected: []onde.Refusal{}}
			if !reflect.DeepEqual(sum, want) || len(sum.Doubtful) != x.homonyms+x.doubles {
				t.Errorf("got  %+v\nwant %+v", sum, want)
			}
			for text, n := range map[string]int{
				`SELECT count(*) FROM class WHERE year = 2026`:                                                          9,
				`SELECT count(*) FROM person`:                                                                           x.pupils + x.relatives + x.teachers,
				`SELECT count(*) FROM membership WHERE profile = 'pupil'`:                                               x.pupils,
				`SELECT count(*) FROM membership WHERE profile = 'relative'`:                                            x.relatives,
				`SELECT count(*) FROM membership WHERE profile = 'teacher'`:                                             x.teachers,
				`SELECT count(*) FROM membership WHERE head`:                                                            1,
				`SELECT count(*) FROM class_member WHERE profile = 'pupil' AND level <> ''`:                             x.pupils,
				`SELECT count(*) FROM family_link`:                                                                      x.links,
				`SELECT count(*) FROM person WHERE caption = ''`:                                                        0,
				`SELECT count(*) FROM person WHERE avatar <> ''`:                                                        x.pupils,
				`SELECT count(*) FROM person p JOIN membership m ON m.person = p.id WHERE m.head AND p.last = 'Wattel'`: 1,
				`SELECT count(DISTINCT login) FROM person`:                                                              x.pupils + x.relatives + x.teachers,
				`SELECT count(*) FROM audit WHERE action = 'import.apply'`:                                              1,
			} {
				if got := s.count(text); got != n {
					t.Errorf("%s: %d, want %d", text, got, n)
				}
			}
			full := s.dump()
			again := s.apply(s.order(school(x.dir)...))
			want = onde.Summary{Pupils: onde.Counts{Unchanged: x.pupils}, Relatives: onde.Counts{Unchanged: x.relatives}, Teachers: onde.Counts{Unchanged: x.teachers}, Doubtful: sum.Doubtful, Rejected: []onde.Refusal{}}
			if got := again.Plan.Summary(say); !reflect.DeepEqual(got, want) {
				t.Errorf("the same again: %+v", got)
			}
			s.same(full, "after the same again")
			if err := s.undo(); err != nil {
				t.Fatal(err)
			}
			s.same(empty, "after the undo")
		})
	}
}

// The same school, a year of ONDE later in form, after changes by hand: an undo
// brings back every row.
func TestUndoRestoresAChangedSchool(t *testing.T) {
	s := open(t)
	s.apply(s.order(school("recent")...))
	// A pupil of the files left, one moved, one changed name; a parent has another
	// address; a class is called otherwise; a stranger came by hand.
	pupils := s.rows(`SELECT person FROM membership WHERE profile = 'pupil' ORDER BY person LIMIT 3`)
	classes := s.rows(`SELECT id FROM class ORDER BY label LIMIT 2`)
	s.write(func(tx *db.Tx) error {
		ctx := context.Background()
		old, err := db.Value[string](ctx, tx, `SELECT class FROM class_member WHERE person = $1`, pupils[1])
		if err != nil {
			return err
		}
		to := classes[0]
		if old == to {
			to = classes[1]
		}
		stranger, err := people.CreatePersons(ctx, tx, system, s.now, []people.Person{{First: "Zoé", Last: "Dupont", Birth: "2019-01-01"}})
		if err != nil {
			return err
		}
		return people.Apply(ctx, tx, system, s.now, people.Change{School: s.school,
			Leave: []people.Membership{{Person: pupils[0], School: s.school, Profile: rights.Pupil}},
			Exit:  []people.Place{{Person: pupils[1], Class: old, Profile: rights.Pupil}},
			Enter: []people.Place{{Person: pupils[1], Class: to, Profile: rights.Pupil, Level: "CP"}, {Person: stranger[0].ID, Class: old, Profile: rights.Pupil, Level: "CP"}},
			Join:  []people.Membership{{Person: stranger[0].ID, School: s.school, Profile: rights.Pupil}},
		})
	})
	s.exec(`UPDATE person SET use_name = 'Autre', phone = '01 02 03 04 05' WHERE id = $1`, pupils[2])
	s.exec(`UPDATE person SET contact_email = 'old@exemple.fr', address = '1 rue X', phone = '' WHERE id IN (SELECT person FROM membership WHERE profile = 'relative')`)
	s.exec(`UPDATE class SET label = 'Autre', label_key = 'autre' WHERE id = $1`, classes[0])
	s.write(func(tx *db.Tx) error { return people.Rebuild(context.Background(), tx) })
	s.now = s.now.Add(time.Hour)
	was := s.dump()
	o := s.order(school("recent")...)
	o.Whole = true
	sum := s.imports(o).Plan.Summary(say)
	if sum.Pupils.Left != 1 || sum.Pupils.Moved < 1 || sum.Pupils.Updated < 1 || sum.Relatives.Updated < 200 {
		t.Errorf("%+v", sum)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
	if err := s.undo(); sentence(err) != "people.undo_none" {
		t.Errorf("the first import is undone after the second: %v", err)
	}
}

func (s *site) rows(text string, args ...any) []string {
	s.t.Helper()
	list, err := db.All[string](context.Background(), s.db, text, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return list
}

const (
	oneClass = "Nom élève;Prénom élève;Date naissance;Classe\nMARTIN;Ana;01/02/2019;CE1 A\nPETIT;Luc;03/04/2019;CE1 A\n"
	bothOf   = "Nom élève;Prénom élève;Date naissance;Classe\nMARTIN;Ana;01/02/2019;CE1 A\nPETIT;Luc;03/04/2019;CE1 A\nROUX;Léa;05/06/2018;CE2 B\n"
)

func TestUndoKeepsWhatPeopleDidSince(t *testing.T) {
	s := open(t)
	s.imports(s.order(oneClass))
	s.exec(`UPDATE person SET first = 'Anna', name_key = 'martin anna' WHERE last = 'Martin'`)
	s.imports(s.order(bothOf)) // Ana again, and Léa
	if n := s.count(`SELECT count(*) FROM person WHERE first = 'Léa'`); n != 1 {
		t.Fatal("no Léa")
	}
	s.exec(`UPDATE person SET phone = '06 00 00 00 00' WHERE last = 'Petit'`)
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	if got := s.one(`SELECT first FROM person WHERE last = 'Martin'`) + s.one(`SELECT phone FROM person WHERE last = 'Petit'`); got != "Anna06 00 00 00 00" {
		t.Errorf("got %q", got)
	}
	if n := s.count(`SELECT count(*) FROM person`); n != 2 {
		t.Errorf("%d persons", n)
	}
}

func TestUndoIsRefused(t *testing.T) {
	s := open(t)
	if err := s.undo(); sentence(err) != "people.undo_none" {
		t.Errorf("nothing to undo: %v", err)
	}
	first := s.apply(s.order(oneClass))
	s.apply(s.order(oneClass)) // changes nothing: no later import
	later := s.apply(s.order(bothOf))
	try := func(imp string) string {
		ctx := context.Background()
		return sentence(s.db.Write(ctx, func(tx *db.Tx) error { return people.UndoImport(ctx, tx, system, s.now, s.school, imp, nil) }))
	}
	if got := try(first.Import); got != "people.undo_later" {
		t.Errorf("after a later one: %s", got)
	}
	lea := s.one(`SELECT id FROM person WHERE first = 'Léa'`)
	s.exec(`UPDATE person SET activated_at = 1 WHERE id = $1`, lea)
	if got := try(later.Import); got != "people.undo_active" {
		t.Errorf("somebody active: %s", got)
	}
	s.exec(`UPDATE person SET activated_at = NULL WHERE id = $1`, lea)
	s.now = s.now.Add(31 * 24 * time.Hour)
	if got := try(later.Import); got != "people.undo_old" {
		t.Errorf("after 31 days: %s", got)
	}
	s.now = s.now.Add(-31 * 24 * time.Hour)
	other := open(t)
	other.apply(other.order(oneClass))
	if got := try("nobody"); got != "error.not_found" {
		t.Errorf("an unknown import: %s", got)
	}
	// A pupil placed by hand in a class of the import.
	s.write(func(tx *db.Tx) error {
		ctx := context.Background()
		made, err := people.CreatePersons(ctx, tx, system, s.now, []people.Person{{First: "Tom", Last: "Blanc"}})
		if err != nil {
			return err
		}
		return people.Apply(ctx, tx, system, s.now, people.Change{School: s.school, Join: []people.Membership{{Person: made[0].ID, School: s.school, Profile: rights.Pupil}},
			Enter: []people.Place{{Person: made[0].ID, Class: s.one(`SELECT id FROM class WHERE label = 'CE2 B'`), Profile: rights.Pupil}}})
	})
	was := s.dump()
	if got := try(later.Import); got != "people.undo_class" {
		t.Errorf("somebody in the class: %s", got)
	}
	s.same(was, "after a refusal")
}

func TestOneClassFileIsNoDeparture(t *testing.T) {
	s := open(t)
	s.imports(s.order(school("recent")...))
	class := s.one(`SELECT c.label FROM class c JOIN class_member m ON m.class = c.id AND m.profile = 'pupil' GROUP BY c.label ORDER BY count(*) DESC LIMIT 1`)
	// The rows of one class of the file, cut by hand.
	all := given(t, "recent/eleves.csv")[0].Data
	lines := bytes.SplitAfter(all, []byte("\n"))
	cut := lines[0]
	kept := 0
	for _, l := range lines[1:] {
		if bytes.Contains(l, latin(class)) {
			cut = append(cut, l...)
			kept++
		}
	}
	if kept < 15 {
		t.Fatalf("%d rows of %s", kept, class)
	}
	o := people.Order{School: s.school, Year: 2026, Given: []people.ImportFile{{Name: "classe.csv", Data: cut}}}
	var err error
	if o.Files, err = people.ReadImport(o.Given); err != nil {
		t.Fatal(err)
	}
	was := s.dump()
	sum := s.apply(o).Plan.Summary(say)
	if sum.Pupils != (onde.Counts{Unchanged: kept}) {
		t.Errorf("%+v", sum.Pupils)
	}
	s.same(was, "after a one-class file")
	o.Whole = true
	left := s.imports(o).Plan.Summary(say)
	if left.Pupils.Left != 219-kept || left.Relatives.Left == 0 {
		t.Errorf("the whole school: %+v %+v", left.Pupils, left.Relatives)
	}
	if n := s.count(`SELECT count(*) FROM person_principal pp JOIN membership m ON m.person = pp.person AND m.profile = 'pupil' WHERE m.valid_to < $1 AND pp.valid_to > $1`, s.now.UnixMilli()); n != 0 {
		t.Errorf("%d principals of pupils who left are open", n)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}

func latin(s string) []byte {
	var out []byte
	for _, r := range s {
		out = append(out, byte(r)) // the samples are Windows-1252, and labels stay in Latin-1
	}
	return out
}

func TestANewYearMovesPupils(t *testing.T) {
	s := open(t)
	s.imports(s.order(oneClass))
	o := s.order("Nom élève;Prénom élève;Date naissance;Classe\nMARTIN;Ana;01/02/2019;CE2 A\nPETIT;Luc;03/04/2019;CE2 A\n")
	o.Year = 2027
	was := s.dump()
	sum := s.imports(o).Plan.Summary(say)
	if sum.Classes != 1 || sum.Pupils != (onde.Counts{Moved: 2}) {
		t.Errorf("%+v", sum)
	}
	if n := s.count(`SELECT count(*) FROM class_member WHERE valid_to > $1`, s.now.UnixMilli()); n != 2 {
		t.Errorf("%d open places", n)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}

const (
	parents  = "Civilité;Nom responsable;Prénom responsable;Courriel;Nom de famille enfant;Prénom enfant\n"
	teachers = "Civilité;Nom;Prénom;Directeur;Classe\nMme;ROUX;Iris;Oui;CE1 A\n"
)

// A link that the head restricted by hand is not opened again by a file.
func TestARestrictedLinkStaysShut(t *testing.T) {
	s := open(t)
	o := s.order(oneClass, parents+"M.;MARTIN;Paul;paul@exemple.fr;MARTIN;Ana\n")
	if sum := s.imports(o).Plan.Summary(say); sum.FamilyLinks != 1 {
		t.Fatalf("%+v", sum)
	}
	s.exec(`UPDATE family_link SET valid_to = $1, note = 'jugement du 3 novembre'`, s.now.UnixMilli())
	s.write(func(tx *db.Tx) error { return people.Rebuild(context.Background(), tx) })
	was := s.dump()
	s.apply(o)
	s.same(was, "after the same files")
}

// Nobody with a staff profile, and nobody of another school, becomes a parent
// without a choice; with one, they do, and the undo takes it back.
func TestChoicesAttach(t *testing.T) {
	s := open(t)
	s.imports(s.order(oneClass, teachers))
	o := s.order(oneClass, teachers, parents+"Mme;ROUX;Iris;iris@exemple.fr;MARTIN;Ana\n")
	before := s.dump()
	res := s.imports(o)
	if len(res.Plan.Cases) != 1 || res.Plan.Cases[0].Kind != onde.StaffParent {
		t.Fatalf("cases %+v", res.Plan.Cases)
	}
	if n := s.count(`SELECT count(*) FROM person WHERE last = 'Roux'`); n != 2 {
		t.Fatalf("%d persons called Roux", n)
	}
	cs := res.Plan.Cases[0]
	settle := func(subject string, c onde.Choice) (res people.Result, err error) {
		err = s.db.Write(context.Background(), func(tx *db.Tx) (err error) {
			res, err = people.ResolveImport(context.Background(), tx, system, s.now, s.school, map[string]onde.Choice{subject: c})
			return err
		})
		s.now = s.now.Add(time.Minute)
		return res, err
	}
	if _, err := settle("nothing", onde.Choice{Do: onde.New}); sentence(err) != "people.import_case" {
		t.Errorf("an unknown case: %v", err)
	}
	if _, err := settle(cs.ID, onde.Choice{Do: "explode"}); sentence(err) != "people.import_choice" {
		t.Errorf("an unknown choice: %v", err)
	}
	if _, err := settle(cs.ID, onde.Choice{Do: onde.Attach, Target: "x"}); sentence(err) != "people.import_target" {
		t.Errorf("an unknown target: %v", err)
	}
	if _, err := settle(cs.ID, onde.Choice{Do: onde.Attach}); err != nil {
		t.Fatal(err)
	}
	teacher := s.one(`SELECT person FROM membership WHERE profile = 'teacher'`)
	if got := s.one(`SELECT relative FROM family_link WHERE valid_to > $1`, s.now.UnixMilli()); got != teacher {
		t.Errorf("the link is %s's, not the teacher's", got)
	}
	if got := s.one(`SELECT caption FROM person WHERE id = $1`, teacher); got != "Directrice, CE1 A, mère d’Ana" {
		t.Errorf("caption %q", got)
	}
	if n, err := people.Drift(context.Background(), s.db); n != 0 || err != nil {
		t.Errorf("drift %d %v", n, err)
	}
	if !s.apply(o).Plan.Empty() {
		t.Error("the choice is not remembered")
	}
	if _, err := settle(cs.ID, onde.Choice{Do: onde.New}); sentence(err) != "people.import_no_doubt" {
		t.Errorf("a settled case: %v", err)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(before, "after the undo of an import and its choice")
}

func TestSomebodyFromAnotherSchool(t *testing.T) {
	s := open(t)
	var away string
	s.write(func(tx *db.Tx) error {
		ctx := context.Background()
		other, err := people.CreateSchool(ctx, tx, system, s.now, people.School{UAI: "0801235H", Name: "École du Port"})
		if err != nil {
			return err
		}
		list, err := people.CreatePersons(ctx, tx, system, s.now, []people.Person{{First: "Ana", Last: "Martin", Birth: "2019-02-01", INE: "123456789AB"}})
		if err != nil {
			return err
		}
		away = list[0].ID
		return people.Apply(ctx, tx, system, s.now, people.Change{School: other.ID, Join: []people.Membership{{Person: away, School: other.ID, Profile: rights.Pupil}}})
	})
	before := s.dump()
	o := s.order(oneClass)
	p, err := people.PreviewImport(context.Background(), s.db, s.now, o)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Cases) != 1 || p.Cases[0].Kind != onde.Elsewhere || p.Summary(say).Pupils.Created != 2 {
		t.Fatalf("%+v", p.Cases)
	}
	o.Choices = map[string]onde.Choice{p.Cases[0].ID: {Do: onde.Attach, Target: away}}
	s.imports(o)
	if n := s.count(`SELECT count(*) FROM membership WHERE person = $1`, away); n != 2 {
		t.Errorf("%d memberships", n)
	}
	if n := s.count(`SELECT count(*) FROM person`); n != 2 {
		t.Errorf("%d persons", n)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(before, "after the undo")
}

// A choice made weeks later writes what follows from it, and leaves alone what
// people changed by hand meanwhile.
func TestALateChoiceTouchesNothingElse(t *testing.T) {
	s := open(t)
	o := s.order(bothOf, parents+"M.;PETIT;Jean;jean@exemple.fr;PETIT;Lucas\nM.;ROUX;Marc;marc@exemple.fr;ROUX;Léa\n")
	res := s.imports(o)
	if len(res.Plan.Cases) != 1 || res.Plan.Cases[0].Kind != onde.Unmatched {
		t.Fatalf("%+v", res.Plan.Cases)
	}
	s.exec(`UPDATE person SET contact_email = 'nouveau@exemple.fr' WHERE first = 'Marc'`)
	s.write(func(tx *db.Tx) error {
		late, err := people.ResolveImport(context.Background(), tx, system, s.now, s.school, map[string]onde.Choice{res.Plan.Cases[0].ID: {Do: onde.New}})
		if err == nil && len(late.Created) != 1 {
			t.Errorf("created %d", len(late.Created))
		}
		return err
	})
	if n := s.count(`SELECT count(*) FROM person WHERE first = 'Jean' AND caption = 'Parent'`); n != 1 {
		t.Error("the choice made nobody")
	}
	if got := s.one(`SELECT contact_email FROM person WHERE first = 'Marc'`); got != "nouveau@exemple.fr" {
		t.Errorf("the file came back over a change by hand: %s", got)
	}
}

// Two classes of one label, which ONDE allows, and two that exchange theirs.
func TestLabelsOfClasses(t *testing.T) {
	s := open(t)
	head := "Nom élève;Prénom élève;Date naissance;INE;Classe;Identifiant classe\n"
	s.imports(s.order(head + "MARTIN;Ana;01/02/2019;120000000AA;CE1;11\nPETIT;Luc;03/04/2019;120000001AB;CE1;12\n"))
	if got := strings.Join(s.rows(`SELECT label FROM class ORDER BY label`), ", "); got != "CE1, CE1 (2)" {
		t.Errorf("labels %s", got)
	}
	s.imports(s.order(head + "MARTIN;Ana;01/02/2019;120000000AA;CE1 A;11\nPETIT;Luc;03/04/2019;120000001AB;CE1 B;12\n"))
	was := s.dump()
	s.imports(s.order(head + "MARTIN;Ana;01/02/2019;120000000AA;CE1 B;11\nPETIT;Luc;03/04/2019;120000001AB;CE1 A;12\n"))
	if got := s.one(`SELECT label FROM class WHERE onde_id = '11'`); got != "CE1 B" {
		t.Errorf("label %s", got)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}

func TestTwoImportsAtOnce(t *testing.T) {
	s := open(t)
	orders := []people.Order{s.order(school("recent")...), s.order(school("recent")...)}
	var wait sync.WaitGroup
	results := make([]people.Result, len(orders))
	failures := make([]error, len(orders))
	for i := range orders {
		wait.Go(func() {
			failures[i] = s.db.Write(context.Background(), func(tx *db.Tx) (err error) {
				results[i], err = people.ApplyImport(context.Background(), tx, system, s.now, orders[i])
				return err
			})
		})
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
	a, b := len(results[0].Created), len(results[1].Created)
	if a+b != 487 || a != 0 && b != 0 {
		t.Errorf("created %d and %d", a, b)
	}
	if n := s.count(`SELECT count(*) FROM person`); n != 487 {
		t.Errorf("%d persons", n)
	}
}

func TestOnlyWhoRunsTheSchoolImports(t *testing.T) {
	s := open(t)
	o := s.order(oneClass)
	ctx := context.Background()
	for name, g := range map[string]rights.Grant{
		"nobody":           {},
		"a head elsewhere": head(t, "somewhere else"),
	} {
		if err := s.db.Write(ctx, func(tx *db.Tx) error {
			_, err := people.ApplyImport(ctx, tx, g, s.now, o)
			return err
		}); err == nil {
			t.Errorf("%s imported", name)
		}
		if err := s.db.Write(ctx, func(tx *db.Tx) error {
			return people.UndoImport(ctx, tx, g, s.now, s.school, "x", nil)
		}); err == nil || sentence(err) == "error.not_found" {
			t.Errorf("%s was let in: %v", name, err)
		}
	}
	if n := s.count(`SELECT count(*) FROM person`); n != 0 {
		t.Errorf("%d persons", n)
	}
}

// head is the grant of somebody who runs a school.
func head(t *testing.T, school string) rights.Grant {
	t.Helper()
	v := &rights.Viewer{Person: "p", Memberships: []rights.Membership{{School: school, Profile: rights.Teacher, Head: true}}, Now: november}
	g, err := people.ManageSchool.Resolve(context.Background(), nil, v, "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// importAgainAndAgain imports and undoes in the database that a test gave,
// saying each beginning and each end, until the test kills it.
func importAgainAndAgain(dsn string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, dsn)
	if err != nil {
		return err
	}
	id, err := db.Value[string](ctx, d, `SELECT id FROM school`)
	if err != nil {
		return err
	}
	o := people.Order{School: id, Year: 2026}
	for _, n := range school("recent") {
		b, err := os.ReadFile(filepath.Join("onde", "testdata", n))
		if err != nil {
			return err
		}
		o.Given = append(o.Given, people.ImportFile{Name: filepath.Base(n), Data: b})
	}
	if o.Files, err = people.ReadImport(o.Given); err != nil {
		return err
	}
	fmt.Println("ready")
	return d.Write(ctx, func(tx *db.Tx) error {
		_, err := people.ApplyImport(ctx, tx, system, november, o)
		return err
	})
}

// Killed at any moment, an import left all or nothing.
func TestKilledImport(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	nothing, all := 0, 0
	// How long a whole one takes here, then deaths spread over that time.
	var whole time.Duration
	const tries = 8
	for i := range tries {
		s := open(t)
		child := exec.Command(self, "-test.run=^$")
		child.Env = append(os.Environ(), childEnv+"="+s.dsn)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("the child said %q (%v)", line, err)
		}
		began := time.Now()
		if i == 0 {
			if err := child.Wait(); err != nil {
				t.Fatal(err)
			}
			whole = time.Since(began)
		} else {
			time.Sleep(time.Duration(float64(whole) * (float64(i-1) + rand.Float64()) / (tries - 1)))
			_ = child.Process.Kill()
			_ = child.Wait()
		}
		switch n := s.count(`SELECT count(*) FROM person`); n {
		case 0:
			nothing++
		case 487:
			all++
		default:
			t.Errorf("%d persons: half an import", n)
		}
		got := fmt.Sprint(s.count(`SELECT count(*) FROM class`), s.count(`SELECT count(*) FROM membership`), s.count(`SELECT count(*) FROM family_link`), s.count(`SELECT count(*) FROM import`), s.count(`SELECT count(*) FROM audit`))
		if got != "0 0 0 0 0" && got != "9 487 393 1 1" {
			t.Errorf("half an import: %s", got)
		}
		// Whatever was left, the next import makes it whole.
		s.apply(s.order(school("recent")...))
		if n := s.count(`SELECT count(*) FROM person`); n != 487 {
			t.Errorf("%d persons after the next import", n)
		}
	}
	t.Logf("a whole import took %v; killed: %d left nothing, %d all", whole.Round(time.Millisecond), nothing, all)
	if nothing == 0 || all == 0 {
		t.Errorf("the deaths missed the import: %d nothing, %d all", nothing, all)
	}
}
