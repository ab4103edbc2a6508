package session_test

import (
	"regexp"
	"strings"
	"testing"

	"marelle/internal/platform/secret"
)

// An application password is made for who knows the account's, told by mail, shown
// once, kept as a hash alone, and it ends with the password of the account.
func TestAnApplicationPasswordIsShownOnce(t *testing.T) {
	s := open(t, withMail)
	s.active("anne.duvivier", "nadia.kermadec")
	c := s.in("anne.duvivier")
	c.post("/compte/email", "email", "anne@exemple.fr")
	c.post("/compte/email/code", "chiffres", digitsIn(s.mailed("anne@exemple.fr")))
	const at = "/compte/mots-de-passe"
	s.in("nadia.kermadec").get(at).is(403)
	s.in("nadia.kermadec").get("/compte").is(200).silent("Mots de passe d'application")
	c.get("/compte").is(200).says("Mots de passe d'application")
	c.get(at).is(200).says("/dav/", "Avec Windows", "Avec un Mac", "Avec Linux", "anne.duvivier")
	c.post(at, "nom", " ", "actuel", "").is(422).says("Donnez un nom", "mot de passe actuel")
	c.post(at, "nom", strings.Repeat("n", 61), "actuel", password).is(422)
	if p := c.post(at, "nom", "Salle 3", "actuel", "faux").is(422).says("pas votre mot de passe actuel"); !strings.Contains(p.body, `value="Salle 3"`) {
		t.Error("what was typed is lost")
	}
	page := c.post(at, "nom", "Salle 3", "actuel", password).is(200).says("une seule fois", "Salle 3").body
	shown := regexp.MustCompile(`[2-9A-HJ-NP-Z]{5}(-[2-9A-HJ-NP-Z]{5}){3}-[2-9A-HJ-NP-Z]{6}`).FindString(page)
	if shown == "" {
		t.Fatal("it is not shown")
	}
	key, ok := secret.NormalizeKey(strings.ToLower(shown))
	if !ok || s.count(`SELECT count(*) FROM app_password WHERE id = $1 AND seen_at IS NULL`, secret.Hash(key)) != 1 {
		t.Errorf("%q is not what is kept", shown)
	}
	c.get(at).is(200).says("Salle 3", "jamais servi").silent(shown)
	if m := s.mailed("anne@exemple.fr"); !strings.Contains(m, "mot de passe d'application") && !strings.Contains(m, "mot de passe d’application") || strings.Contains(m, shown) {
		t.Errorf("the mail says %q", m)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'app_password.make'`); n != 1 {
		t.Errorf("%d lines in the log of acts", n)
	}
	for range 9 {
		c.post(at, "nom", "Autre", "actuel", password).is(200)
	}
	if p := c.get(at).is(200).says("retirez-en un"); strings.Contains(p.body, `name="actuel"`) {
		t.Error("an eleventh is offered")
	}
	c.post(at, "nom", "De trop", "actuel", password).is(422)
	const fresh = "phoque lanterne gravier violon"
	c.post("/compte/mot-de-passe", "actuel", password, "passe", fresh, "passe2", fresh).goesTo("/compte?fait=mot-de-passe")
	if n := s.count(`SELECT count(*) FROM app_password`); n != 0 {
		t.Errorf("%d are left after the password changed", n)
	}
	for range 5 {
		c.post(at, "nom", "x", "actuel", "faux").is(422)
	}
	c.post(at, "nom", "x", "actuel", fresh).is(429)
}
