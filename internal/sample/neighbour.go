package sample

import (
	"context"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
)

// Neighbour adds another school of the same portal, for the tests that walk
// from one into the other: a head, a teacher, a relative and a pupil whose
// sign-in names are those of people of a "port".
func Neighbour(ctx context.Context, core *app.Core) error {
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		now := core.Clock.Now().AddDate(0, -2, 0)
		system := rights.System("sample")
		s, err := people.CreateSchool(ctx, tx, system, now, people.School{UAI: "0802468Y", Name: "École du Port"})
		if err != nil {
			return err
		}
		g := system.For(s.ID)
		c, err := people.CreateClass(ctx, tx, g, now, people.Class{School: s.ID, Year: people.Year(now), Label: "CE1", Levels: "CE1"})
		if err != nil {
			return err
		}
		p, err := people.CreatePersons(ctx, tx, g, now, []people.Person{
			{First: "Directrice", Last: "Duport", Civility: "F"}, {First: "Maitre", Last: "Duport", Civility: "M"},
			{First: "Parent", Last: "Duport", Civility: "F"}, {First: "Eleve", Last: "Duport", Birth: "2019-05-04", Avatar: "?"},
		})
		if err != nil {
			return err
		}
		if err := people.Apply(ctx, tx, g, now, people.Change{
			School: s.ID,
			Join: []people.Membership{
				{Person: p[0].ID, School: s.ID, Profile: rights.Teacher, Head: true}, {Person: p[1].ID, School: s.ID, Profile: rights.Teacher},
				{Person: p[2].ID, School: s.ID, Profile: rights.Relative}, {Person: p[3].ID, School: s.ID, Profile: rights.Pupil},
			},
			Enter: []people.Place{{Person: p[1].ID, Class: c.ID, Profile: rights.Teacher}, {Person: p[3].ID, Class: c.ID, Profile: rights.Pupil, Level: "CE1"}},
			Link:  []people.Link{{Relative: p[2].ID, Pupil: p[3].ID}},
		}); err != nil {
			return err
		}
		return session.Settle(ctx, tx, g, []string{p[0].ID, p[1].ID, p[2].ID, p[3].ID}, core.Clock.Now(), core.Clock.Now())
	})
}
