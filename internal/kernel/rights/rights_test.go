package rights_test

import (
	"os"
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
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
	v := &rights.Viewer{Person: claire.ID, Now: a.Core.Clock.Now(), Memberships: []rights.Membership{{School: school, Profile: rights.Teacher, Head: true}}}
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

func TestTheZeroGrantRefuses(t *testing.T) {
	a := testapp.New(t)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return rights.Grant{}.Confirm(t.Context(), tx) }); err == nil {
		t.Error("a write without a grant went through")
	}
	if (rights.Need{}).Valid() {
		t.Error("a route could carry the zero need")
	}
}
