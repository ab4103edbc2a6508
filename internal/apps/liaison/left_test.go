package liaison_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// meanwhile is a body that takes its time: something happens before it comes.
type meanwhile struct {
	*strings.Reader
	happens func()
}

func (m *meanwhile) Read(b []byte) (int, error) {
	if m.happens != nil {
		m.happens()
		m.happens = nil
	}
	return m.Reader.Read(b)
}

// leaves takes somebody out of their school, a second later.
func leaves(t *testing.T, a *testapp.App, person string, profile rights.Profile) {
	t.Helper()
	a.Core.Clock.Advance(time.Second)
	school := one(t, a, `SELECT school FROM membership WHERE person = $1 AND profile = $2`, person, string(profile))
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{School: school,
			Leave: []people.Membership{{Person: person, School: school, Profile: profile}}})
	}); err != nil {
		t.Fatal(err)
	}
}

func TestNobodyWritesAfterLeaving(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	form := url.Values{"titre": {"Trop tard"}, "texte": {"Bonjour"}, "a": {"class:" + class(t, a, "CE1 B")}}
	helene.Do(http.MethodPost, "/carnet", "application/x-www-form-urlencoded", &meanwhile{strings.NewReader(form.Encode()), func() {
		leaves(t, a, helene.ID, rights.Teacher)
	}}).Denied()
	if n := one(t, a, `SELECT coalesce(min(title), '') FROM word WHERE title = 'Trop tard'`); n != "" {
		t.Error("a word was published by somebody who had left")
	}
}

func TestGrantOnAnItemEndsWithTheRight(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	w := word(t, a, trip)
	r := rights.Viewer{Person: nadia.ID, Now: a.Core.Clock.Now(), Clock: a.Core.Clock}
	g, err := rights.On("liaison.word", rights.Read, "id").Resolve(t.Context(), a.Core.DB, &r, w)
	if err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Second)
	school := g.School()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		links, err := db.All[string](t.Context(), tx, `SELECT pupil FROM family_link WHERE relative = $1`, nadia.ID)
		if err != nil {
			return err
		}
		c := people.Change{School: school}
		for _, p := range links {
			c.Unlink = append(c.Unlink, people.Link{Relative: nadia.ID, Pupil: p})
		}
		return people.Apply(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), c)
	}); err != nil {
		t.Fatal(err)
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return g.Confirm(t.Context(), tx) }); err == nil {
		t.Error("a grant outlived the right it proved")
	}
}

// What somebody gave to a school stays there when they leave, even if another
// school still knows them.
func TestOwnFilesStayWithTheSchool(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	f := one(t, a, `SELECT f.id FROM file f JOIN file_use u ON u.file = f.id WHERE f.owner = $1 LIMIT 1`, helene.ID)
	if f == "" {
		school := one(t, a, `SELECT school FROM membership WHERE person = $1`, helene.ID)
		f = "01900000-0000-7000-8000-000000000001"
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `INSERT INTO file (id, school, owner, name, type, size, created_at) VALUES ($1, $2, $3, 'photo.jpg', 'image/jpeg', 3, 0)`, f, school, helene.ID)
			if err != nil {
				return err
			}
			if err := a.Core.Blobs.Put(t.Context(), school+"/aa", strings.NewReader("abc"), 3); err != nil {
				return err
			}
			_, err = tx.Exec(t.Context(), `INSERT INTO file_variant (file, name, blob, type, size, width, height) VALUES ($1, 'web', $2, 'image/jpeg', 3, 1, 1)`, f, school+"/aa")
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	helene.Get("/fichiers/" + f + "/web").OK()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		other := one(t, a, `SELECT min(id) FROM school WHERE id <> (SELECT school FROM membership WHERE person = $1)`, helene.ID)
		return people.Apply(t.Context(), tx, rights.System("test"), a.Core.Clock.Now(), people.Change{School: other,
			Join: []people.Membership{{Person: helene.ID, School: other, Profile: rights.Teacher}}})
	}); err != nil {
		t.Fatal(err)
	}
	here := one(t, a, `SELECT school FROM file WHERE id = $1`, f)
	a.Core.Clock.Advance(time.Second)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test"), a.Core.Clock.Now(), people.Change{School: here,
			Leave: []people.Membership{{Person: helene.ID, School: here, Profile: rights.Teacher}}})
	}); err != nil {
		t.Fatal(err)
	}
	helene.Get("/carnet").OK()
	helene.Get("/fichiers/" + f + "/web").NotFound()
}
