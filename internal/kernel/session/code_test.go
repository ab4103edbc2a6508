package session_test

import (
	"context"
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// grant is what a route would hand to somebody signed in.
func (s *site) grant(login string, need rights.Need, object string) rights.Grant {
	s.t.Helper()
	ctx := context.Background()
	var token string
	s.write(func(ctx context.Context, tx *db.Tx) (err error) {
		token, err = session.SignInAs(ctx, tx, s.core, s.ids[login])
		return err
	})
	v, err := session.Resolve(ctx, s.core.DB, withCookie(token), s.core.Clock.Now())
	if err != nil || v == nil {
		s.t.Fatalf("%s: %v %v", login, v, err)
	}
	g, err := need.Resolve(ctx, s.core.DB, v, object)
	if err != nil {
		s.t.Fatalf("%s: %v", login, err)
	}
	return g
}

func (s *site) open(g rights.Grant, logins ...string) (map[string]string, error) {
	var ids []string
	for _, l := range logins {
		ids = append(ids, s.ids[l])
	}
	var codes map[string]string
	err := s.try(func(ctx context.Context, tx *db.Tx) (err error) {
		if err := session.IssueCodes(ctx, tx, s.core, g, ids); err != nil {
			return err
		}
		codes, err = session.OpenCodes(ctx, tx, s.core, g, ids)
		return err
	})
	return codes, err
}

func (s *site) reissue(g rights.Grant, login string) (code string, err error) {
	err = s.try(func(ctx context.Context, tx *db.Tx) (err error) {
		code, err = session.Reissue(ctx, tx, s.core, g, s.ids[login])
		return err
	})
	return code, err
}

func TestCodes(t *testing.T) {
	s := open(t)
	g := rights.System("sheets")
	first, err := s.open(g, "nadia.kermadec", "ines.kermadec")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{3}$`)
	for p, c := range first {
		if !form.MatchString(c) {
			t.Errorf("%s: code %q", p, c)
		}
	}
	again, err := s.open(g, "nadia.kermadec", "ines.kermadec")
	if err != nil || fmt.Sprint(again) != fmt.Sprint(first) {
		t.Errorf("a code in force was replaced: %v, %v", again, err)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'code.open'`); n != 4 {
		t.Errorf("%d openings in the audit, expected 4", n)
	}
	// Neither the code nor its form is in the database.
	for _, c := range first {
		if n := s.count(`SELECT count(*) FROM activation_code WHERE mac LIKE $1 OR sealed LIKE $1`, "%"+c[:4]+"%"); n != 0 {
			t.Error("a code can be read in the database")
		}
	}
	s.core.Clock.Advance(61 * 24 * time.Hour)
	later, err := s.open(g, "nadia.kermadec")
	if err != nil || later[s.ids["nadia.kermadec"]] == first[s.ids["nadia.kermadec"]] || len(later) != 1 {
		t.Errorf("an expired code was not replaced: %v", err)
	}
	s.active("nadia.kermadec")
	if codes, err := s.open(g, "nadia.kermadec"); err != nil || len(codes) != 0 {
		t.Errorf("a code for an active account: %v, %v", codes, err)
	}
	if _, err := s.open(rights.Grant{}, "ines.kermadec"); err == nil {
		t.Error("codes without a grant")
	}
}

// TestWhoHandsOutCodes holds the rule: in charge of the person, and above all
// that the person is, anywhere.
func TestWhoHandsOutCodes(t *testing.T) {
	s := open(t)
	s.active("odile.marchand", "anne.duvivier", "nadia.kermadec", "paul.voisin", "claire.portail")
	head := func() rights.Grant {
		return s.grant("odile.marchand", rights.Can("school.manage", rights.Head), "")
	}
	teacher := func() rights.Grant {
		return s.grant("anne.duvivier", rights.OnClass("class.manage", "id"), s.class)
	}
	mother := func() rights.Grant { return s.grant("nadia.kermadec", rights.SignedIn, "") }
	stranger := func() rights.Grant { return s.grant("paul.voisin", rights.SignedIn, "") }
	operator := func() rights.Grant { return s.grant("claire.portail", rights.Operating, "") }
	for _, c := range []struct {
		name   string
		who    func() rights.Grant
		target string
		want   errs.Kind
	}{
		{"a teacher, a pupil of the class", teacher, "ines.kermadec", -1},
		{"a teacher, a mother of the class", teacher, "nadia.kermadec", -1},
		{"a teacher, the head", teacher, "odile.marchand", errs.Denied},
		{"a teacher, oneself", teacher, "anne.duvivier", errs.Denied},
		{"a teacher, a father of no pupil of theirs", teacher, "bastien.perrault", errs.NotFound},
		{"the head, a teacher", head, "anne.duvivier", -1},
		{"the head, oneself", head, "odile.marchand", errs.Denied},
		{"the head, a father who teaches elsewhere", head, "bastien.perrault", -1},
		{"the head, somebody of another school", head, "paul.voisin", errs.NotFound},
		{"the head, the operator", head, "claire.portail", errs.NotFound},
		{"a mother, her own child", mother, "ines.kermadec", errs.NotFound},
		{"a teacher of another school", stranger, "ines.kermadec", errs.NotFound},
		{"the operator, the head", operator, "odile.marchand", -1},
		{"the operator, oneself", operator, "claire.portail", errs.Denied},
	} {
		g := c.who()
		for what, f := range map[string]func() error{
			"open":    func() error { _, err := s.open(g, c.target); return err },
			"reissue": func() error { _, err := s.reissue(g, c.target); return err },
		} {
			err := f()
			if c.want == -1 && err != nil || c.want != -1 && errs.KindOf(err) != c.want {
				t.Errorf("%s: %s: %v", c.name, what, err)
			}
		}
		s.active("odile.marchand", "anne.duvivier", "nadia.kermadec", "paul.voisin", "claire.portail")
	}
	// A teacher of this school who is a head elsewhere gains nothing here.
	s.write(func(ctx context.Context, tx *db.Tx) error {
		other, _, err := people.SchoolByUAI(ctx, tx, "0801235H")
		if err != nil {
			return err
		}
		return people.Apply(ctx, tx, rights.System("test"), s.core.Clock.Now(), people.Change{School: other.ID,
			Join: []people.Membership{member(s.ids["anne.duvivier"], other.ID, rights.Teacher, true)}})
	})
	s.write(func(ctx context.Context, tx *db.Tx) error {
		return people.Apply(ctx, tx, rights.System("test"), s.core.Clock.Now(), people.Change{School: s.school,
			Join: []people.Membership{member(s.ids["nadia.kermadec"], s.school, rights.Teacher, false)}})
	})
	if _, err := s.reissue(teacher(), "nadia.kermadec"); errs.KindOf(err) != errs.Denied {
		t.Errorf("a teacher, a mother who teaches: %v", err)
	}
}

func TestReissue(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	s.exec(`UPDATE person SET email = 'nadia@exemple.fr' WHERE id = $1`, s.ids["nadia.kermadec"])
	c := s.in("nadia.kermadec")
	code, err := s.reissue(rights.System("test"), "nadia.kermadec")
	if err != nil {
		t.Fatal(err)
	}
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	s.client().signIn("nadia.kermadec").is(422)
	s.work()
	if got := s.mails.To("nadia@exemple.fr"); len(got) != 1 || !contains(got[0].Text, "une nouvelle fiche") {
		t.Errorf("the holder was not told: %+v", got)
	}
	if s.email("nadia.kermadec") != "" {
		t.Error("whoever confirmed the address could recover the account by it")
	}
	second, err := s.reissue(rights.System("test"), "nadia.kermadec")
	if err != nil || second == code {
		t.Fatalf("%q %v", second, err)
	}
	s.work()
	if got := s.mails.To("nadia@exemple.fr"); len(got) != 1 {
		t.Errorf("%d mails: an account that sleeps has nothing to be told", len(got))
	}
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", code).is(422)
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", second).goesTo("/activation/charte")
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'code.reissue' AND target = $1`, s.ids["nadia.kermadec"]); n != 2 {
		t.Errorf("%d lines in the audit", n)
	}
}

// TestTwoPrintAtOnce: what is on a sheet that was printed stays good.
func TestTwoPrintAtOnce(t *testing.T) {
	s := open(t)
	codes := make([]string, 6)
	var wg sync.WaitGroup
	for i := range codes {
		wg.Go(func() {
			printed, err := s.open(rights.System("test"), "nadia.kermadec")
			if err != nil {
				t.Error(err)
			}
			codes[i] = printed[s.ids["nadia.kermadec"]]
		})
	}
	wg.Wait()
	for _, c := range codes {
		if c == "" || c != codes[0] {
			t.Fatalf("sheets of one person differ: %v", codes)
		}
	}
}

// TestAWholeSchool: a head opens the codes of 600 persons at once, in as many
// statements as hundreds of persons, not as persons.
func TestAWholeSchool(t *testing.T) {
	s := open(t)
	s.active("odile.marchand")
	var logins []string
	s.write(func(ctx context.Context, tx *db.Tx) error {
		var list []people.Person
		for i := range 600 {
			list = append(list, people.Person{First: "Camille", Last: fmt.Sprintf("Durand%c%c", 'a'+i/26, 'a'+i%26)})
		}
		list, err := people.CreatePersons(ctx, tx, rights.System("test"), s.core.Clock.Now(), list)
		if err != nil {
			return err
		}
		change := people.Change{School: s.school}
		for _, p := range list {
			s.ids[p.Login] = p.ID
			logins = append(logins, p.Login)
			change.Join = append(change.Join, member(p.ID, s.school, rights.Relative, false))
		}
		return people.Apply(ctx, tx, rights.System("test"), s.core.Clock.Now(), change)
	})
	head := s.grant("odile.marchand", rights.Can("school.manage", rights.Head), "")
	statements := 0
	count := func(logins []string) map[string]string {
		t.Helper()
		statements = 0
		s.core.DB.Watch(func(context.Context, string, []any) { statements++ })
		codes, err := s.open(head, logins...)
		s.core.DB.Watch(nil)
		if err != nil || len(codes) != len(logins) {
			t.Fatalf("%d codes of %d, %v", len(codes), len(logins), err)
		}
		return codes
	}
	count(logins[:20])
	few := statements
	codes := count(logins[20:])
	if few > 12 || statements-few > 30 {
		t.Errorf("%d statements for 20 persons, %d for 580", few, statements)
	}
	seen := map[string]bool{}
	for _, c := range codes {
		seen[c] = true
	}
	if len(seen) != 580 {
		t.Errorf("%d different codes of 580", len(seen))
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'code.open' AND actor = $1`, s.ids["odile.marchand"]); n != 600 {
		t.Errorf("%d openings in the audit of 600", n)
	}
	// One person above the head among the many, and nobody's code is opened.
	if _, err := s.open(head, append(logins[:100:100], "odile.marchand")...); errs.KindOf(err) != errs.Denied {
		t.Errorf("the head among them: %v", err)
	}
}
