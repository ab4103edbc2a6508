package people_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

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

// homonyms draws the two lists of a small school from few names.
func homonyms(r *rand.Rand) []string {
	of := func(in ...string) string { return in[r.IntN(len(in))] }
	kids := "Nom;Nom d'usage;Prénom;Classe;Date de naissance;INE\n"
	for range 1 + r.IntN(5) {
		kids += strings.Join([]string{of("A", "B"), of("", "", "B"), of("Léa", "Lea", "Noé"), of("", "CP", "CE1"), of("1/2/2018", "3/2/2018"), of("", "", "111111112AA", "111111113AA")}, ";") + "\n"
	}
	adults := "Civilité;Nom responsable;Nom d'usage responsable;Prénom responsable;Courriel;Téléphone portable;Nom de famille enfant;Prénom enfant\n"
	for range 1 + r.IntN(4) {
		adults += strings.Join([]string{of("MME", "M."), of("A", "B"), of("", "A"), of("Eva", "Luc"), of("", "a@b.fr", "c@d.fr"), of("", "0612345678"), of("A", "B", "C"), of("Léa", "Noé")}, ";") + "\n"
	}
	return []string{kids, adults}
}

// Whatever the second import did in a school of homonyms, undone it never was.
func TestUndoAmongHomonyms(t *testing.T) {
	s := open(t)
	undone := 0
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 1))
		first := s.order(homonyms(r)...)
		first.Whole = true // the school of the draw before leaves
		s.now = s.now.Add(time.Hour)
		s.apply(first)
		was := s.dump()
		second := s.order(homonyms(r)...)
		second.Whole = r.IntN(2) == 0
		s.now = s.now.Add(time.Hour)
		res := s.imports(second)
		if res.Import == "" || res.Plan.Empty() {
			continue
		}
		if err := s.undo(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		undone++
		s.same(was, fmt.Sprint("after the undo, seed ", seed))
		if t.Failed() {
			return
		}
	}
	if undone < 20 {
		t.Errorf("only %d imports were undone", undone)
	}
}
