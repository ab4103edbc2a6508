package liaison_test

import (
	"strings"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// changes writes to the directory of the school, a second later.
func changes(t *testing.T, a *testapp.App, c people.Change) {
	t.Helper()
	a.Core.Clock.Advance(time.Second)
	c.School = one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`)
	for i := range c.Join {
		c.Join[i].School = c.School
	}
	for i := range c.Leave {
		c.Leave[i].School = c.School
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test").For(c.School), a.Core.Clock.Now(), c)
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Second)
}

// Who becomes a relative of the child after a letter was written to the teachers
// reads it no more, nor what is said in it from then on; their colleagues do.
func TestLetterIsClosedToWhoBecomesAnotherRelative(t *testing.T) {
	a := testapp.New(t)
	nadia, helene, claire := a.As("nadia.kermadec"), a.As("helene.duvivier"), a.As("claire.fontaine")
	ines := pupil(t, a, "ines.kermadec")
	note, _, _ := strings.Cut(nadia.Upload("/carnet/ecrire", []testapp.File{{Field: "piece", Name: "jugement.pdf", Bytes: pdf(t)}}, "enfant", ines, "texte", "Le zouave.", "direction", "1").To(), "?")
	file := one(t, a, `SELECT file FROM file_use WHERE resource = $1`, strings.TrimPrefix(note, "/echange/"))
	helene.Get(note).OK().Has("zouave")
	helene.Get("/fichiers/" + file + "/original").OK()
	changes(t, a, people.Change{Link: []people.Link{{Relative: helene.ID, Pupil: ines}}})
	closed := func() {
		t.Helper()
		helene.Get(note).NotFound()
		helene.Post(note+"/message", "texte", "Et moi ?").NotFound()
		helene.Get("/fichiers/" + file + "/original").NotFound()
		for _, path := range []string{"/", "/carnet/echanges", "/recherche?q=zouave", "/recherche?q=suite", "/notifications"} {
			helene.Get(path).OK().Lacks(note)
		}
	}
	closed()
	nadia.Post(note+"/message", "texte", "La suite.").To()
	a.Drain()
	if n := one(t, a, `SELECT count(*) || '' FROM feed f JOIN event e ON e.id = f.event WHERE e.resource = $1 AND f.person = $2`, strings.TrimPrefix(note, "/echange/"), helene.ID); n != "1" {
		t.Errorf("%s lines, the second after she was a relative", n)
	}
	closed()
	// A link that has ended, or is suspended, opens nothing again.
	changes(t, a, people.Change{Unlink: []people.Link{{Relative: helene.ID, Pupil: ines}}})
	closed()
	claire.Get(note).OK().Has("zouave", "La suite")
	claire.Get("/fichiers/" + file + "/original").OK()
	nadia.Get(note).OK().Has("La suite")
}

// A father who comes to run the school and teach the class reads nothing of what
// the mother wrote before.
func TestLetterIsClosedToAFatherWhoComesToTeach(t *testing.T) {
	a := testapp.New(t)
	youssef := a.As("youssef.kermadec")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Sans lui.", "direction", "1")
	changes(t, a, people.Change{Join: []people.Membership{{Person: youssef.ID, Profile: rights.Teacher, Head: true}},
		Enter: []people.Place{{Person: youssef.ID, Class: class(t, a, "CE1 B"), Profile: rights.Teacher}}})
	v := rights.Viewer{Person: youssef.ID, Now: a.Core.Clock.Now()}
	if _, err := liaison.NoteReading.Resolve(t.Context(), a.Core.DB, &v, strings.TrimPrefix(note, "/echange/")); err == nil {
		t.Error("he reads it as a teacher")
	}
	for _, role := range []rights.Role{rights.Read, rights.Contribute} {
		for _, s := range []rights.Scope{v.Scope(), rights.ScopeOf(youssef.ID, v.Now)} {
			where, args := s.Where("r", role, []any{strings.TrimPrefix(note, "/echange/")})
			if n, err := db.Value[int](t.Context(), a.Core.DB, `SELECT count(*) FROM resource r WHERE r.id = $1 AND `+where, args...); err != nil || n != 0 {
				t.Errorf("%d in a scope (%v)", n, err)
			}
		}
	}
	// Who teaches the class later, and is no relative, reads what the class received.
	bruno := a.As("antoine.mercier")
	bruno.Get(note).NotFound()
	changes(t, a, people.Change{Enter: []people.Place{{Person: bruno.ID, Class: class(t, a, "CE1 B"), Profile: rights.Teacher}}})
	bruno.Get(note).OK().Has("Sans lui.")
}

// A private answer to the author of a word is for them: once they are a relative
// of the child nobody would read it, and the parent is told so.
func TestNobodyIsWrittenToInVain(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	word := strings.TrimPrefix(sent(t, a, "Goûter", "read"), "/carnet/")
	ines := pupil(t, a, "ines.kermadec")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "J'apporte du jus.", "mot", word)
	changes(t, a, people.Change{Link: []people.Link{{Relative: helene.ID, Pupil: ines}}})
	nadia.Post(note+"/message", "texte", "Et des verres.").Faulty().Has("Plus personne", "Et des verres.")
	nadia.Get("/carnet/ecrire?enfant="+ines+"&mot="+word).OK().Has("Mme Fontaine").Lacks("Mme Duvivier", "Goûter")
}

// A parent who taught or worked in the school, and no longer does, is a parent:
// they neither manage their words, nor follow those that were handed to them, nor
// read the answers that families gave them.
func TestWhoNoLongerTeachesIsAParentAlone(t *testing.T) {
	a := testapp.New(t)
	nadia, helene, bruno := a.As("nadia.kermadec"), a.As("helene.duvivier"), a.As("antoine.mercier")
	other := one(t, a, `SELECT cm.person FROM class_member cm JOIN person p ON p.id = cm.person WHERE cm.class = $1 AND cm.profile = 'pupil' ORDER BY p.id LIMIT 1`, class(t, a, "CM2"))
	link := []people.Link{{Relative: helene.ID, Pupil: other}, {Relative: bruno.ID, Pupil: other}}
	join := []people.Membership{{Person: helene.ID, Profile: rights.Relative}, {Person: bruno.ID, Profile: rights.Relative}}
	word := sent(t, a, "Le zouave", "yesno", "question", "Vient-il ?")
	helene.Post(word+"/confier", "personne", bruno.ID).To()
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Pour vous seule.", "mot", strings.TrimPrefix(sent(t, a, "Goûter", "read"), "/carnet/"))
	bruno.Get(word + "/suivi").OK()
	changes(t, a, people.Change{Join: join, Link: link})
	changes(t, a, people.Change{Leave: []people.Membership{{Person: helene.ID, Profile: rights.Teacher}, {Person: bruno.ID, Profile: rights.Teacher}}})
	for who, c := range map[string]struct {
		person *testapp.Person
		need   rights.Need
		id     string
	}{
		"the author follows": {helene, liaison.Follow, word}, "the delegate follows": {bruno, liaison.Follow, word}, "the author is answered": {helene, liaison.NoteReading, note},
	} {
		v := rights.Viewer{Person: c.person.ID, Now: a.Core.Clock.Now()}
		if _, err := c.need.Resolve(t.Context(), a.Core.DB, &v, c.id[strings.LastIndex(c.id, "/")+1:]); err == nil {
			t.Errorf("%s still", who)
		}
	}
	nadia.Get(word).OK()
	if n, err := people.Drift(t.Context(), a.Core.DB); err != nil || n != 0 {
		t.Errorf("%d principals drifted (%v)", n, err)
	}
}

// Who follows a word and is a parent of a child in it never learns there what the
// other parent did or answered: neither under the word, nor in its tracking, its
// slips, its spreadsheet or its totals, nor after a correction.
func TestFollowerNeverSeesTheOtherParentsAnswer(t *testing.T) {
	a := testapp.New(t)
	nadia, helene, claire := a.As("nadia.kermadec"), a.As("helene.duvivier"), a.As("claire.fontaine")
	ines := pupil(t, a, "ines.kermadec")
	word := sent(t, a, "Une allergie ?", "text", "question", "Laquelle ?")
	nadia.Post(word+"/reponse", "reponse", "Le zouave").To()
	choice := sent(t, a, "Vient-il ?", "yesno", "question", "Vient-il ?")
	nadia.Post(choice+"/reponse", "reponse", "1").To()
	helene.Get(word + "/suivi").OK().Has("zouave")
	changes(t, a, people.Change{Link: []people.Link{{Relative: helene.ID, Pupil: ines}}})
	pages := []string{"", "/suivi", "/suivi?filtre=repondus", "/suivi?filtre=differentes", "/suivi.csv", "/talons", "/talons?eleve=" + ines}
	hidden := func() {
		t.Helper()
		for _, path := range pages {
			helene.Get(word+path).OK().Lacks("zouave", "Nadia Kermadec a")
		}
	}
	hidden()
	helene.Get(word).OK().Has("Réponse de l’autre parent non montrée")
	helene.Get(word+"/suivi").OK().Has("Nadia Kermadec\u00a0: réponse non montrée", "Ont répondu\u00a0: 0")
	helene.Get(word + "/suivi.csv").OK().Has("Nadia Kermadec;actif;;;;réponse non montrée")
	helene.Get(choice).OK().Has("Oui\u00a0: 0", "Non\u00a0: 0")
	claire.Get(word + "/suivi").NotFound()
	// Her own she sees; on paper it is the family's, and she does not learn what it says.
	helene.Post(word+"/reponse", "reponse", "Aucune").To()
	helene.Get(word + "/suivi").OK().Has("Aucune")
	helene.Post(word+"/talons", "eleve", ines, "reponse", "Le zouave").To()
	hidden()
	helene.Post(word+"/corriger", "version", "1", "titre", "Une allergie ?", "texte", "Dites-le.", "encore", "1").To()
	hidden()
}

// The staff see that a child is absent and say that it is seen; why is for the
// teachers of the child and the head.
func TestStaffLearnThatAChildIsAbsentAndNotWhy(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	office := a.As("martine.wallon")
	absence := announced(t, a, "nadia.kermadec", "ines.kermadec", "2026-11-24", "motif", "family", "precision", "Audience chez le juge")
	for _, path := range []string{absence, "/carnet/absences?jour=2026-11-24"} {
		office.Get(path).OK().Has("Inès Kermadec").Lacks("juge", "Raison familiale")
		for _, login := range []string{"helene.duvivier", "claire.fontaine"} {
			a.As(login).Get(path).OK().Has("Inès Kermadec", "juge", "Raison familiale")
		}
	}
	a.As("nadia.kermadec").Get(absence).OK().Has("juge")
	office.Post(absence+"/vu", "jour", "2026-11-24").To()
	a.As("helene.duvivier").Get(absence).OK().Has("Vu par")
}
