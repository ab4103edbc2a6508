package people_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// persons adds people and makes them relatives of the school.
func (s *site) persons(n int) []people.Person {
	s.t.Helper()
	ctx := context.Background()
	list := make([]people.Person, n)
	for i := range list {
		list[i] = people.Person{First: "Camille", Last: fmt.Sprintf("Essai %c", 'A'+i)}
	}
	s.write(func(tx *db.Tx) error {
		made, err := people.CreatePersons(ctx, tx, system, s.now, list)
		if err != nil {
			return err
		}
		list = made
		c := people.Change{School: s.school}
		for _, p := range list {
			c.Join = append(c.Join, people.Membership{Person: p.ID, School: s.school, Profile: rights.Relative})
		}
		return people.Apply(ctx, tx, system, s.now, c)
	})
	return list
}

func TestWhoLeavesTheSchoolLeavesItsGroups(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	p := s.persons(1)[0]
	group := id.New()
	s.exec(`INSERT INTO school_group (id, school, owner, label, label_key, created_at, valid_to) VALUES ($1, $2, $3, 'Chorale', 'chorale', 0, $4)`, group, s.school, p.ID, rights.Forever)
	s.exec(`INSERT INTO group_member (group_id, person, valid_from, valid_to) VALUES ($1, $2, $3, $4)`, group, p.ID, s.now.UnixMilli(), rights.Forever)
	member := func(at time.Time) int {
		return s.count(`SELECT count(*) FROM person_principal WHERE person = $1 AND principal = $2 AND valid_from <= $3 AND valid_to > $3`, p.ID, "group:"+group, at.UnixMilli())
	}
	s.write(func(tx *db.Tx) error {
		return people.Apply(ctx, tx, system, s.now, people.Change{School: s.school, Touched: []string{p.ID}})
	})
	if member(s.now) != 1 {
		t.Fatal("not in the group to begin with")
	}
	later := s.now.Add(time.Hour)
	s.write(func(tx *db.Tx) error {
		return people.Apply(ctx, tx, system, later, people.Change{School: s.school, Leave: []people.Membership{{Person: p.ID, School: s.school, Profile: rights.Relative}}})
	})
	if member(later) != 0 {
		t.Error("still in a group of the school that was left")
	}
}

// Two changes about one person at the same instant: on PostgreSQL each would
// derive principals without the other's.
func TestChangesOfASchoolFollowEachOther(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	kin := s.persons(8)
	relative, pupils := kin[0], kin[1:]
	s.write(func(tx *db.Tx) error {
		c := people.Change{School: s.school}
		for _, p := range pupils {
			c.Join = append(c.Join, people.Membership{Person: p.ID, School: s.school, Profile: rights.Pupil})
		}
		return people.Apply(ctx, tx, system, s.now, c)
	})
	var all sync.WaitGroup
	faults := make([]error, len(pupils))
	for i, p := range pupils {
		all.Go(func() {
			faults[i] = s.db.Write(ctx, func(tx *db.Tx) error {
				return people.Apply(ctx, tx, system, s.now, people.Change{School: s.school, Link: []people.Link{{Relative: relative.ID, Pupil: p.ID}}})
			})
		})
	}
	all.Wait()
	for _, err := range faults {
		if err != nil {
			t.Error(err)
		}
	}
	if n, err := people.Drift(ctx, s.db); err != nil || n != 0 {
		t.Errorf("%d principals are not what the directory derives (%v)", n, err)
	}
}
