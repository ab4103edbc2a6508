package session_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

func TestPasswordIsChanged(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	c, elsewhere := s.in("nadia.kermadec"), s.in("nadia.kermadec")
	const fresh = "phoque lanterne gravier violon"
	c.post("/compte/mot-de-passe").is(422).says("mot de passe actuel", "Choisissez un mot de passe")
	c.post("/compte/mot-de-passe", "actuel", "faux", "passe", fresh, "passe2", fresh).is(422).says("Ce n'est pas votre mot de passe actuel")
	c.post("/compte/mot-de-passe", "actuel", password, "passe", "nadia kermadec", "passe2", "nadia kermadec").is(422)
	c.post("/compte/mot-de-passe", "actuel", password, "passe", fresh, "passe2", fresh).goesTo("/compte?fait=mot-de-passe")
	c.get("/compte?fait=mot-de-passe").is(200).says("Mot de passe changé")
	elsewhere.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	s.client().signIn("nadia.kermadec").is(422)
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", fresh).goesTo("/")
	// A borrowed session does not help to guess it.
	for range 5 {
		c.post("/compte/mot-de-passe", "actuel", "faux", "passe", password, "passe2", password).is(422)
	}
	c.post("/compte/mot-de-passe", "actuel", fresh, "passe", password, "passe2", password).is(429)
}

func TestPupilsAreSpokenToSimply(t *testing.T) {
	s := open(t)
	s.active("ines.kermadec")
	c := s.in("ines.kermadec")
	c.get("/compte").is(200).says("Connu de toi seul").silent("Connu de vous")
	c.post("/compte/mot-de-passe").is(422).says("Écris ton mot de passe d'avant").silent("Écrivez")
	c.post("/compte/mot-de-passe", "actuel", password, "passe", "ines", "passe2", "ines").is(422).says("Trop facile").silent("Choisissez")
	c.post("/compte/mot-de-passe", "actuel", "faux", "passe", "phoque lanterne gravier violon", "passe2", "phoque lanterne gravier violon").is(422).says("pas celui d'avant")
}

func TestDevices(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec", "bastien.perrault")
	a, b, c := s.in("nadia.kermadec"), s.in("nadia.kermadec"), s.in("nadia.kermadec")
	other := s.in("bastien.perrault")
	list := a.get("/compte/appareils").is(200).says("Celui-ci", "Déconnecter tous les autres").body
	if n := strings.Count(list, `name="appareil"`); n != 2 {
		t.Fatalf("%d devices to close, expected 2", n)
	}
	_, rest, _ := strings.Cut(list, `name="appareil" value="`)
	id, _, _ := strings.Cut(rest, `"`)
	other.post("/compte/appareils", "appareil", id).goesTo("/compte/appareils?fait=appareils") // somebody else's: nothing happens
	if b.get("/compte").status != 200 || c.get("/compte").status != 200 {
		t.Error("a stranger closed a device")
	}
	a.post("/compte/appareils", "appareil", id).goesTo("/compte/appareils?fait=appareils")
	if (b.get("/compte").status == 200) == (c.get("/compte").status == 200) {
		t.Error("not exactly one was closed")
	}
	a.post("/compte/appareils", "autres", "1").goesTo("/compte/appareils?fait=appareils")
	b.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	a.get("/compte").is(200).says("1 appareil connecté")
	other.get("/compte").is(200)
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'session.revoke'`); n != 2 {
		t.Errorf("%d revocations in the audit", n)
	}
}

func TestLooks(t *testing.T) {
	s := open(t)
	s.active("ines.kermadec")
	c := s.in("ines.kermadec")
	c.post("/compte/affichage", "theme", "contraste", "lecture", "dyslexie").goesTo("/compte?fait=affichage")
	p := c.get("/compte")
	if !strings.Contains(p.body, `data-theme="contraste"`) || !strings.Contains(p.body, `data-lecture="dyslexie"`) {
		t.Error("the choice is not served in the first byte")
	}
	c.post("/compte/affichage", "theme", `x" onload="`).is(422)
	c.post("/compte/affichage", "theme", "", "lecture", "").goesTo("/compte?fait=affichage")
	if strings.Contains(c.get("/compte").body, "data-theme") {
		t.Error("the theme does not follow the device again")
	}
}

func TestStrangersSeeNoAccount(t *testing.T) {
	s := open(t)
	for _, p := range []string{"/compte", "/compte/mot-de-passe", "/compte/email", "/compte/appareils", "/compte/deuxieme-facteur", "/activation/email", "/activation/ciel"} {
		if got := s.client().get(p); got.status != 303 || !strings.HasPrefix(got.to, "/connexion?suite=") {
			t.Errorf("%s: %d %s", p, got.status, got.to)
		}
		if got := s.client().post(p); p != "/compte" && got.status != 401 {
			t.Errorf("POST %s: %d", p, got.status)
		}
	}
}

// codeAt is what the telephone shows at the server's time.
func (s *site) codeAt(key string) string {
	s.t.Helper()
	c, err := totp.GenerateCode(key, s.core.Clock.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

func keyIn(p page) string {
	_, rest, _ := strings.Cut(p.body, `<b translate="no">`)
	key, _, _ := strings.Cut(rest, "<")
	return strings.ReplaceAll(key, " ", "")
}

func TestSecondFactor(t *testing.T) {
	s := open(t)
	s.active("anne.duvivier", "nadia.kermadec")
	s.in("nadia.kermadec").get("/compte/deuxieme-facteur").is(404) // offered to the staff alone
	c := s.in("anne.duvivier")
	p := c.get("/compte/deuxieme-facteur").is(200).says("photographiez")
	key := keyIn(p)
	if len(key) != 32 || keyIn(c.get("/compte/deuxieme-facteur")) != key {
		t.Fatalf("key %q", key)
	}
	if n := s.count(`SELECT count(*) FROM second_factor WHERE sealed LIKE $1`, "%"+key+"%"); n != 0 {
		t.Error("the key can be read in the database")
	}
	if q := c.get("/compte/deuxieme-facteur/qr.png").is(200); !strings.HasPrefix(q.body, "\x89PNG") || q.header.Get("Content-Type") != "image/png" {
		t.Error("no picture")
	}
	c.post("/compte/deuxieme-facteur", "chiffres", "12").is(422).says("six chiffres")
	c.post("/compte/deuxieme-facteur", "chiffres", other(s.codeAt(key))).is(422).says("n'est pas le bon")
	first := s.codeAt(key)
	p = c.post("/compte/deuxieme-facteur", "chiffres", first).is(200).says("Codes de secours", "ne seront plus montrés")
	_, rest, _ := strings.Cut(p.body, `codes-secours`)
	_, rest, _ = strings.Cut(rest, "<li>")
	spare, _, _ := strings.Cut(rest, "<")
	c.get("/compte/deuxieme-facteur").is(200).silent(spare)
	c.get("/compte/deuxieme-facteur/qr.png").is(404)

	d := s.client()
	d.signIn("anne.duvivier").goesTo("/connexion/deuxieme-facteur")
	d.get("/compte").goesTo("/connexion?suite=%2Fcompte") // a password alone opens nothing
	d.get("/connexion/deuxieme-facteur").is(200).says("application de codes")
	d.post("/connexion/deuxieme-facteur", "chiffres", first).is(422) // a code serves once
	s.core.Clock.Advance(time.Minute)
	d.post("/connexion/deuxieme-facteur", "chiffres", s.codeAt(key)).goesTo("/")
	d.get("/compte").is(200)

	e := s.client() // the telephone is lost
	e.signIn("anne.duvivier").goesTo("/connexion/deuxieme-facteur")
	e.post("/connexion/deuxieme-facteur", "chiffres", strings.ToLower(spare)).goesTo("/")
	f := s.client()
	f.signIn("anne.duvivier").goesTo("/connexion/deuxieme-facteur")
	f.post("/connexion/deuxieme-facteur", "chiffres", spare).is(422)
	for range 4 {
		f.post("/connexion/deuxieme-facteur", "chiffres", "000000").is(422)
	}
	f.post("/connexion/deuxieme-facteur", "chiffres", "000000").is(429)

	s.core.Clock.Advance(2 * time.Minute)
	e.post("/compte/deuxieme-facteur/retirer", "chiffres", other(s.codeAt(key))).is(422)
	e.post("/compte/deuxieme-facteur/retirer", "chiffres", s.codeAt(key)).goesTo("/compte?fait=sans-facteur")
	s.client().signIn("anne.duvivier").goesTo("/")
	s.client().get("/connexion/deuxieme-facteur").goesTo("/connexion")
}

func TestHeadsMustAddASecondFactor(t *testing.T) {
	s := open(t)
	s.active("odile.marchand", "claire.portail", "anne.duvivier")
	c := s.in("odile.marchand")
	c.get("/compte").is(200).says("avant le 7 décembre 2026")
	s.core.Clock.Advance(14*24*time.Hour + time.Minute)
	for _, who := range []string{"odile.marchand", "claire.portail"} {
		h := s.in(who)
		h.get("/compte").goesTo("/activation")
		h.get("/activation").goesTo("/compte/deuxieme-facteur")
		p := h.get("/compte/deuxieme-facteur").is(200).says("Le délai de deux semaines est passé")
		h.post("/compte/affichage", "theme", "clair").goesTo("/activation") // nothing else works
		h.post("/compte/deuxieme-facteur", "chiffres", s.codeAt(keyIn(p))).is(200).says("Codes de secours")
		h.get("/compte").is(200)
	}
	s.in("anne.duvivier").get("/compte").is(200)         // a teacher may do without
	s.write(func(ctx context.Context, tx *db.Tx) error { // and has two weeks after becoming a head
		return people.Apply(ctx, tx, rights.System("test"), s.core.Clock.Now(), people.Change{School: s.school, Join: []people.Membership{member(s.ids["anne.duvivier"], s.school, rights.Teacher, true)}})
	})
	s.in("anne.duvivier").get("/compte").is(200).says("avant le 21 décembre 2026")
	s.core.Clock.Advance(14*24*time.Hour + time.Minute)
	s.in("anne.duvivier").get("/compte").goesTo("/activation")
}
