package people_test

import (
	"context"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// A link that the head restricted by hand is not opened again by a file.
func TestARestrictedLinkStaysShut(t *testing.T) {
	s := open(t)
	o := s.order(oneClass, parents+"M.;MARTIN;Paul;paul@exemple.fr;MARTIN;Ana\n")
	if sum := s.imports(o).Plan.Summary(say); sum.FamilyLinks != 1 {
		t.Fatalf("%+v", sum)
	}
	s.write(func(tx *db.Tx) error {
		return people.Apply(context.Background(), tx, system, s.now, people.Change{School: s.school,
			Unlink: []people.Link{{Relative: s.one(`SELECT relative FROM family_link`), Pupil: s.one(`SELECT pupil FROM family_link`)}}})
	})
	s.now = s.now.Add(time.Minute)
	was := s.dump()
	s.apply(o)
	s.same(was, "after the same files")
}

// A link that the files no longer have goes when somebody says so, once.
func TestALinkIsTakenAway(t *testing.T) {
	s := open(t)
	s.imports(s.order(bothOf, parents+"M.;MARTIN;Paul;paul@exemple.fr;MARTIN;Ana\nM.;MARTIN;Paul;paul@exemple.fr;ROUX;Léa\n"))
	was := s.dump()
	o := s.order(bothOf, parents+"M.;MARTIN;Paul;paul@exemple.fr;MARTIN;Ana\n")
	res := s.imports(o)
	if len(res.Plan.Cases) != 1 || res.Plan.Cases[0].Kind != onde.LinkAbsent {
		t.Fatalf("%+v", res.Plan.Cases)
	}
	o.Choices = map[string]onde.Choice{res.Plan.Cases[0].ID: {Do: onde.Remove}}
	s.imports(o)
	if n := s.count(`SELECT count(*) FROM family_link WHERE valid_to > $1`, s.now.UnixMilli()); n != 1 {
		t.Errorf("%d links are open", n)
	}
	if got := s.caption(s.one(`SELECT id FROM person WHERE first = 'Paul'`)); got != "Père d’Ana" {
		t.Errorf("caption %q", got)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}

// Two records that a choice says are one person: the second leaves, its children
// are the first one's.
func TestTwoRecordsBecomeOne(t *testing.T) {
	s := open(t)
	o := s.order(bothOf, parents+"Mme;ROUX;Iris;iris@exemple.fr;ROUX;Léa\nMme;ROUX;Iris;autre@exemple.fr;MARTIN;Ana\n")
	res := s.imports(o)
	if len(res.Plan.Cases) != 1 || res.Plan.Cases[0].Kind != onde.Duplicate || len(res.Created) != 5 {
		t.Fatalf("%+v", res.Plan.Cases)
	}
	was := s.dump()
	o.Choices = map[string]onde.Choice{res.Plan.Cases[0].ID: {Do: onde.Attach, Target: res.Plan.Cases[0].Candidates[0].Key}}
	s.imports(o)
	if n := s.count(`SELECT count(*) FROM membership WHERE profile = 'relative' AND valid_to > $1`, s.now.UnixMilli()); n != 1 {
		t.Errorf("%d parents", n)
	}
	if n := s.count(`SELECT count(*) FROM person_principal WHERE principal LIKE 'family:%' AND valid_to > $1`, s.now.UnixMilli()); n != 2 {
		t.Errorf("%d family principals are open, want 2", n)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
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
	if got := s.caption(teacher); got != "Directrice, enseignante du CE1 A, mère d’Ana" {
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
	if got := s.caption(s.one(`SELECT id FROM person WHERE first = 'Jean'`)); got != "Parent" {
		t.Errorf("the choice made nobody, or %q", got)
	}
	if got := s.one(`SELECT contact_email FROM person WHERE first = 'Marc'`); got != "nouveau@exemple.fr" {
		t.Errorf("the file came back over a change by hand: %s", got)
	}
}
