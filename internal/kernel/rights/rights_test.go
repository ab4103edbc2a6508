package rights_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// A grant given when the request began is worth nothing once the right is lost.
func TestConfirmReadsTheRightsAgain(t *testing.T) {
	a := testapp.New(t)
	ctx := t.Context()
	claire := a.As("claire.fontaine")
	school := a.One(`SELECT school FROM membership WHERE person = $1`, claire.ID)
	v := &rights.Viewer{Person: claire.ID, Session: a.One(`SELECT id FROM session WHERE person = $1`, claire.ID), Now: a.Core.Clock.Now(), Memberships: []rights.Membership{{School: school, Profile: rights.Teacher, Head: true}}}
	g, err := people.ManageSchool.Resolve(ctx, a.Core.DB, v, "")
	if err != nil {
		t.Fatal(err)
	}
	confirm := func() error { return a.Core.DB.Write(ctx, func(tx *db.Tx) error { return g.Confirm(ctx, tx) }) }
	if err := confirm(); err != nil {
		t.Fatalf("a head may: %v", err)
	}
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		return people.Apply(ctx, tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{School: school,
			Join: []people.Membership{{Person: claire.ID, School: school, Profile: rights.Teacher}}})
	}); err != nil {
		t.Fatal(err)
	}
	if err := confirm(); errs.KindOf(err) != errs.Denied && errs.KindOf(err) != errs.NotFound {
		t.Errorf("no longer a head, and yet: %v", err)
	}
}

// A session revoked while a request runs writes nothing any more, whatever the
// need was, and asks no statement of its own while all is well.
func TestConfirmMissesTheSession(t *testing.T) {
	a := testapp.New(t)
	ctx := t.Context()
	claire, helene := a.As("claire.fontaine"), a.As("helene.duvivier")
	class := a.One(`SELECT c.id FROM class_member m JOIN class c ON c.id = m.class WHERE m.person = $1 AND m.profile = 'teacher'`, helene.ID)
	pupil := a.One(`SELECT person FROM class_member WHERE class = $1 AND profile = 'pupil' ORDER BY person LIMIT 1`, class)
	word := a.One(`SELECT id FROM word WHERE author = $1 ORDER BY id LIMIT 1`, helene.ID)
	for name, c := range map[string]struct {
		who    string
		need   rights.Need
		object string
	}{
		"entering": {helene.ID, rights.Entering, ""}, "signed in": {helene.ID, rights.SignedIn, ""},
		"in a school": {claire.ID, people.ManageSchool, ""}, "a class": {helene.ID, rights.OnClass("test", "id"), class},
		"a person": {helene.ID, rights.OnPerson("test", "id"), pupil}, "a resource": {helene.ID, rights.On("liaison.word", rights.Manage, "id"), word},
	} {
		t.Run(name, func(t *testing.T) {
			token := ""
			write(t, a, func(tx *db.Tx) (err error) {
				token, err = session.SignInAs(ctx, tx, a.Core, c.who)
				return err
			})
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.AddCookie(&http.Cookie{Name: session.Cookie, Value: token})
			v, err := session.Resolve(ctx, a.Core.DB, r, a.Core.Clock.Now())
			if err != nil {
				t.Fatal(err)
			}
			g, err := c.need.Resolve(ctx, a.Core.DB, v, c.object)
			if err != nil {
				t.Fatal(err)
			}
			n := 0
			a.Core.DB.Watch(func(context.Context, string, []any) { n++ })
			write(t, a, func(tx *db.Tx) error { return g.Confirm(ctx, tx) })
			a.Core.DB.Watch(nil)
			if n != 1 {
				t.Errorf("%d statements to confirm", n)
			}
			write(t, a, func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DELETE FROM session WHERE id = $1`, v.Session)
				return err
			})
			err = a.Core.DB.Write(ctx, func(tx *db.Tx) error { return g.Confirm(ctx, tx) })
			if errs.KindOf(err) != errs.Unauthenticated {
				t.Errorf("revoked, and yet: %v", err)
			}
		})
	}
}

// A pupil's mother is told that she may not, a stranger that there is nobody:
// many at once as one alone.
func TestInChargeOfMany(t *testing.T) {
	a := testapp.New(t)
	ctx := t.Context()
	helene := a.As("helene.duvivier")
	class := a.One(`SELECT c.id FROM class_member m JOIN class c ON c.id = m.class WHERE m.person = $1 AND m.profile = 'teacher'`, helene.ID)
	pupils, err := db.All[string](ctx, a.Core.DB, `SELECT person FROM class_member WHERE class = $1 AND profile = 'pupil'`, class)
	if err != nil || len(pupils) < 10 {
		t.Fatalf("%d pupils, %v", len(pupils), err)
	}
	v := &rights.Viewer{Person: helene.ID, Now: a.Core.Clock.Now()}
	need := rights.OnPerson("test", "id")
	schools, err := need.InCharge(ctx, a.Core.DB, v, pupils)
	if err != nil || len(schools) != len(pupils) {
		t.Fatalf("%d schools for %d pupils: %v", len(schools), len(pupils), err)
	}
	colleague := a.As("claire.fontaine").ID
	other := a.One(`SELECT person FROM class_member WHERE class <> $1 AND profile = 'pupil' AND person NOT IN (SELECT person FROM class_member WHERE class = $1) ORDER BY person LIMIT 1`, class)
	for who, want := range map[string]errs.Kind{colleague: errs.Denied, other: errs.NotFound, "nobody": errs.NotFound} {
		_, one := need.Resolve(ctx, a.Core.DB, v, who)
		_, all := need.InCharge(ctx, a.Core.DB, v, append(pupils[:len(pupils):len(pupils)], who))
		if errs.KindOf(one) != want || errs.KindOf(all) != want {
			t.Errorf("%s: %v alone, %v among others", who, one, all)
		}
	}
	if _, err := rights.SignedIn.InCharge(ctx, a.Core.DB, v, pupils); err == nil {
		t.Error("a need that is not about persons")
	}
	if _, err := need.InCharge(ctx, a.Core.DB, nil, pupils); errs.KindOf(err) != errs.Unauthenticated {
		t.Errorf("nobody signed in: %v", err)
	}
}

func write(t *testing.T, a *testapp.App, f func(tx *db.Tx) error) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func TestTheZeroGrantRefuses(t *testing.T) {
	a := testapp.New(t)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return rights.Grant{}.Confirm(t.Context(), tx) }); err == nil {
		t.Error("a write without a grant went through")
	}
	if (rights.Need{}).Valid() {
		t.Error("a route could carry the zero need")
	}
}
