package liaison_test

import (
	"strings"
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// A mother had two records, one of which wrote; a pupil had two, about one of
// whom it was written. What was written is read by the record that stays, and
// goes on; nothing of it falls to the father.
func TestLettersAndAbsencesFollowAMerge(t *testing.T) {
	for _, who := range []string{"relative", "pupil"} {
		t.Run(who, func(t *testing.T) {
			a := testapp.New(t)
			morning(a)
			nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
			note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Avant la réunion des fiches.")
			absence := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-26", "precision", "Oculiste")
			school := one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`)
			loser := nadia.ID
			if who == "pupil" {
				loser = child(t, a, "ines.kermadec")
			}
			winner := ""
			if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
				g := rights.System("test").For(school)
				made, err := people.CreatePersons(t.Context(), tx, g, a.Core.Clock.Now(), []people.Person{{First: "Autre", Last: "Fiche"}})
				if err != nil {
					return err
				}
				winner = made[0].ID
				c := people.Change{School: school, Join: []people.Membership{{Person: winner, School: school, Profile: rights.Profile(who)}}}
				if who == "pupil" {
					c.Enter = []people.Place{{Person: winner, Class: class(t, a, "CE1 B"), Profile: rights.Pupil}}
				}
				if err := people.Apply(t.Context(), tx, g, a.Core.Clock.Now(), c); err != nil {
					return err
				}
				// The older account would stay: here the other one does.
				if _, err := tx.Exec(t.Context(), `UPDATE person SET activated_at = CASE WHEN id = $1 THEN created_at ELSE NULL END, login = login WHERE id IN ($1, $2)`, winner, loser); err != nil {
					return err
				}
				kept, err := a.Core.Merge(t.Context(), tx, g, a.Core.Clock.Now(), winner, loser)
				if err == nil && kept != winner {
					t.Errorf("the record kept is %s", kept)
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			author := nadia
			if who == "relative" {
				author = a.As(one(t, a, `SELECT login FROM person WHERE id = $1`, winner))
			}
			v := rights.Viewer{Person: author.ID, Now: a.Core.Clock.Now()}
			for need, path := range map[string]string{"note": note, "absence": absence} {
				g, err := map[string]rights.Need{"note": rights.On("liaison.note", rights.Manage, "id"), "absence": rights.On("liaison.absence", rights.Manage, "id")}[need].
					Resolve(t.Context(), a.Core.DB, &v, path[strings.LastIndexByte(path, '/')+1:])
				if err != nil || g.School() != school {
					t.Errorf("%s is no longer its author's (%v)", need, err)
				}
			}
			if n := one(t, a, `SELECT count(*) || '' FROM note_to WHERE note = $1 AND principal = 'kin:' || (SELECT pupil FROM note WHERE id = $1) || ':' || (SELECT author FROM note WHERE id = $1)`, strings.TrimPrefix(note, "/echange/")); n != "1" {
				t.Errorf("the thread is in %s lists of its author", n)
			}
			for _, table := range []string{"resource_grant", "note_to"} {
				if n := one(t, a, `SELECT count(*) || '' FROM `+table+` WHERE principal LIKE '%' || $1 || '%'`, loser); n != "0" {
					t.Errorf("%s rows of %s still name the record that went", n, table)
				}
			}
			helene.Get(note).OK().Has("Avant la réunion")
			helene.Get("/carnet/absences?jour=2026-11-26").OK().Has("Oculiste")
			a.As("youssef.kermadec").Get(note).NotFound()
			a.As("youssef.kermadec").Get(absence).NotFound()
		})
	}
}
