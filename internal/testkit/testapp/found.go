package testapp

import (
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
)

// Found makes the school whose lists the directory's samples are, empty but for a
// head, odile.marchand, and a teacher, paul.voisin, who have accepted the charter.
func (a *App) Found() {
	a.T.Helper()
	ctx, g := a.T.Context(), rights.System("test")
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		now := a.Core.Clock.Now()
		s, err := people.CreateSchool(ctx, tx, g, now, people.School{UAI: "0801234G", Name: "École Jules Verne"})
		if err != nil {
			return err
		}
		list, err := people.CreatePersons(ctx, tx, g, now, []people.Person{{First: "Odile", Last: "Marchand", Civility: "F"}, {First: "Paul", Last: "Voisin"}})
		if err != nil {
			return err
		}
		if err := people.Apply(ctx, tx, g, now, people.Change{School: s.ID, Join: []people.Membership{
			{Person: list[0].ID, School: s.ID, Profile: rights.Teacher, Head: true}, {Person: list[1].ID, School: s.ID, Profile: rights.Teacher}}}); err != nil {
			return err
		}
		return session.Settle(ctx, tx, g, []string{list[0].ID, list[1].ID}, now, now)
	}); err != nil {
		a.T.Fatal(err)
	}
}
