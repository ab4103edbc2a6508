package liaison_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// enters moves a pupil from CM2 to CE1 B.
func enters(t *testing.T, a *testapp.App, pupils ...string) {
	t.Helper()
	a.Core.Clock.Advance(time.Minute)
	c := people.Change{School: one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`)}
	for _, p := range pupils {
		c.Exit = append(c.Exit, people.Place{Person: p, Class: class(t, a, "CM2"), Profile: rights.Pupil})
		c.Enter = append(c.Enter, people.Place{Person: p, Class: class(t, a, "CE1 B"), Profile: rights.Pupil, Level: "CE1"})
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test").For(c.School), a.Core.Clock.Now(), c)
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Minute)
}

func TestNewcomersAreAddedByATap(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Avant leur arrivée", "read")
	id := strings.TrimPrefix(w, "/carnet/")
	part, _, _ := strings.Cut(helene.Post("/carnet", "titre", "Pour Inès seule", "texte", "x", "a", "pupil:"+pupil(t, a, "ines.kermadec")).To(), "?")
	row, err := db.All[struct{ Pupil, Login, Parent string }](t.Context(), a.Core.DB, `SELECT k.id AS pupil, k.login, min(r.login) AS parent FROM class_member cm JOIN person k ON k.id = cm.person
		JOIN family_link f ON f.pupil = k.id JOIN person r ON r.id = f.relative WHERE cm.class = $1 AND cm.profile = 'pupil' AND r.activated_at IS NOT NULL AND r.login <> 'nadia.kermadec'
		AND NOT EXISTS (SELECT 1 FROM family_link y JOIN class_member z ON z.person = y.pupil WHERE y.relative = r.id AND z.class = $2) GROUP BY k.id, k.login ORDER BY k.login LIMIT 2`, class(t, a, "CM2"), class(t, a, "CE1 B"))
	if err != nil || len(row) != 2 {
		t.Fatal(row, err)
	}
	parent := a.As(row[0].Parent)
	parent.Get(w).NotFound()
	helene.Get(w + "/suivi").OK().Lacks("depuis l’envoi")
	enters(t, a, row[0].Pupil, row[1].Pupil)
	// In the class is not yet among those who received it.
	parent.Get(w).NotFound()
	helene.Get(w).OK().Has("<b>0/27</b>", "2 élèves arrivés depuis l’envoi", "Les ajouter")
	helene.Get(w + "/suivi").OK().Has("2 élèves arrivés depuis l’envoi")
	// A word to some of a class, or sent since, waits for nobody.
	helene.Get(part + "/suivi").OK().Lacks("depuis l’envoi")
	later := sent(t, a, "Après", "read")
	helene.Get(later + "/suivi").OK().Lacks("depuis l’envoi").Has("0/29")
	parent.Post(w + "/nouveaux").NotFound()
	a.As("nadia.kermadec").Post(w + "/nouveaux").Denied()
	var all sync.WaitGroup
	for range 3 { // a nervous thumb
		all.Go(func() { helene.Post(w + "/nouveaux").To() })
	}
	all.Wait()
	helene.Get(w+"/suivi?fait=ajoutes").OK().Has("0/29", "leurs familles reçoivent le mot").Lacks("depuis l’envoi")
	helene.Get("/carnet").OK().Has("0/29")
	parent.Get("/").OK().Has("Avant leur arrivée", w+"/lu")
	parent.Get(w).OK().Has("J’ai lu")
	a.As(row[0].Login).Get(w).OK().Has("Avant leur arrivée")
	parent.Post(w + "/lu").To()
	helene.Get(w).OK().Has("<b>1/29</b>")
	// Told once each, and nobody who was there before.
	if n := one(t, a, `SELECT count(*) || ' ' || count(DISTINCT person) FROM feed WHERE resource = $1 AND person = $2`, id, parent.ID); n != "1 1" {
		t.Errorf("a newcomer's parent was told %s times", n)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM feed WHERE resource = $1 AND person = $2`, id, a.As("nadia.kermadec").ID); n != "1" {
		t.Errorf("a parent of the class was told %s times", n)
	}
}

// A brother's parent who has confirmed already is counted, not told again.
func TestNewcomersParentWhoReadIsNotToldAgain(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Pour la fratrie", "read")
	nadia.Post(w + "/lu").To()
	yanis := pupil(t, a, "yanis.kermadec")
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		school := one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`)
		a.Core.Clock.Advance(time.Minute)
		return people.Apply(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{School: school,
			Enter: []people.Place{{Person: yanis, Class: class(t, a, "CE1 B"), Profile: rights.Pupil, Level: "CE1"}}})
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Minute)
	helene.Get(w+"/suivi").OK().Has("1 élève arrivé depuis l’envoi", "Yanis Kermadec")
	helene.Post(w + "/nouveaux").To()
	helene.Get(w).OK().Has("<b>2/28</b>")
	if n := one(t, a, `SELECT count(*) || '' FROM feed WHERE resource = $1 AND person = $2`, strings.TrimPrefix(w, "/carnet/"), nadia.ID); n != "1" {
		t.Errorf("told %s times", n)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM feed WHERE resource = $1 AND person = $2`, strings.TrimPrefix(w, "/carnet/"), a.As("youssef.kermadec").ID); n != "2" {
		t.Errorf("the other parent was told %s times", n)
	}
}
