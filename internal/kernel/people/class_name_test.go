package people_test

import (
	"context"
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

// "Le" is the teacher's name here, an article there: the directory knows which.
func TestAClassNamedAfterItsTeacherKeepsTheName(t *testing.T) {
	s := open(t)
	ctx := context.Background()
	for _, c := range []struct{ label, last, useName, of, pupil string }{
		{"Le Goff", "LE GOFF", "", "de Le\u00a0Goff", "in Le\u00a0Goff"},
		{"La Rocca", "Martin", "La Rocca", "de La\u00a0Rocca", "in La\u00a0Rocca"},
		{"Le Gall CE1", "Le Gall", "", "de Le\u00a0Gall CE1", "in Le\u00a0Gall CE1"},
		{"Le Petit Bois", "Le Goff", "", "du Petit Bois", "in Le Petit Bois"},
		{"Le Gallois", "Le Gall", "", "du Gallois", "in Le Gallois"},
		{"Les Renards", "Les", "", "des Renards", "in Les Renards"},
		{"La Forêt", "Duval", "", "de la Forêt", "in La Forêt"},
	} {
		s.write(func(tx *db.Tx) error {
			class, err := people.CreateClass(ctx, tx, system, s.now, people.Class{School: s.school, Year: 2026, Label: c.label, Levels: "CE1"})
			if err != nil {
				return err
			}
			made, err := people.CreatePersons(ctx, tx, system, s.now, []people.Person{{First: "Anne", Last: c.last, UseName: c.useName}, {First: "Tom", Last: "Blanc"}})
			if err != nil {
				return err
			}
			teacher, pupil := made[0].ID, made[1].ID
			// The pupil was there first: their caption follows.
			if err := people.Apply(ctx, tx, system, s.now, people.Change{School: s.school,
				Join:  []people.Membership{{Person: pupil, School: s.school, Profile: rights.Pupil}},
				Enter: []people.Place{{Person: pupil, Class: class.ID, Profile: rights.Pupil, Level: "CE1"}}}); err != nil {
				return err
			}
			if err := people.Apply(ctx, tx, system, s.now, people.Change{School: s.school,
				Join:  []people.Membership{{Person: teacher, School: s.school, Profile: rights.Teacher}},
				Enter: []people.Place{{Person: teacher, Class: class.ID, Profile: rights.Teacher}}}); err != nil {
				return err
			}
			label, err := db.Value[string](ctx, tx, `SELECT label FROM class WHERE id = $1`, class.ID)
			if err != nil {
				return err
			}
			if got := i18n.OfClass(label); got != c.of {
				t.Errorf("%s of %s%s: %q, want %q", c.label, c.last, c.useName, got, c.of)
			}
			facts, err := db.Value[string](ctx, tx, `SELECT facts FROM person_caption WHERE person = $1`, pupil)
			if err != nil {
				return err
			}
			if want := "is pupil \n" + c.pupil; facts != want {
				t.Errorf("%s: the pupil's caption is %q, want %q", c.label, facts, want)
			}
			return nil
		})
	}
	if n := s.count(`SELECT count(*) FROM class WHERE label_key = 'le goff'`); n != 1 { // what comparisons fold
		t.Errorf("%d classes are compared as le goff", n)
	}
	if n, err := people.Drift(ctx, s.db); err != nil || n != 0 {
		t.Errorf("drift of %d: %v", n, err)
	}
}
