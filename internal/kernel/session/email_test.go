package session_test

import (
	"fmt"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailed runs the jobs and returns the last message that an address received.
func (s *site) mailed(address string) string {
	s.t.Helper()
	s.work()
	got := s.mails.To(address)
	if len(got) == 0 {
		s.t.Fatalf("nothing was sent to %s", address)
	}
	return got[len(got)-1].Text
}

func (s *site) email(login string) (address string) {
	if s.count(`SELECT count(*) FROM person WHERE id = $1 AND email <> ''`, s.ids[login]) == 0 {
		return ""
	}
	for _, a := range []string{"nadia@exemple.fr", "nadia.k@exemple.fr", "partage@exemple.fr"} {
		if s.count(`SELECT count(*) FROM person WHERE id = $1 AND email = $2`, s.ids[login], a) == 1 {
			return a
		}
	}
	return "?"
}

func TestAddressIsConfirmed(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	if p := c.get("/compte/email").is(200); !strings.Contains(p.body, `value="nadia@exemple.fr"`) {
		t.Error("the school's address is not proposed")
	}
	c.post("/compte/email", "email", "").is(422).says("Écrivez votre adresse")
	if p := c.post("/compte/email", "email", "nadia@exemple").is(422); !strings.Contains(p.body, `value="nadia@exemple"`) || !strings.Contains(p.body, "aria-invalid") {
		t.Error("the typed address is not kept with its fault")
	}
	c.post("/compte/email", "email", "nadia@gmial.com").is(422).says("nadia@gmail.com")
	c.post("/compte/email", "email", "nadia@gmial.com", "sur", "nadia@gmial.com").goesTo("/compte/email")
	c.post("/compte/email", "email", " Nadia@Exemple.fr ").goesTo("/compte/email")
	digits := digitsIn(s.mailed("nadia@exemple.fr"))
	if len(digits) != 6 || s.email("nadia.kermadec") != "" {
		t.Fatalf("digits %q, address %q before it is confirmed", digits, s.email("nadia.kermadec"))
	}
	if n := s.count(`SELECT count(*) FROM outgoing_mail WHERE body <> '' OR sent_at IS NULL`); n != 0 {
		t.Error("the words of a message stay after it was sent")
	}
	if n := s.count(`SELECT count(*) FROM email_confirmation WHERE mac LIKE $1`, "%"+digits+"%"); n != 0 {
		t.Error("the digits can be read in the database")
	}
	c.post("/compte/email/code", "chiffres", "12345").is(422).says("six chiffres")
	c.post("/compte/email/code", "chiffres", "abcdef").is(422).says("six chiffres")
	c.post("/compte/email/code", "chiffres", other(digits)).is(422).says("Il reste 4 essais")
	c.post("/compte/email/code", "chiffres", digits[:3]+" "+digits[3:]).goesTo("/compte?fait=email")
	if s.email("nadia.kermadec") != "nadia@exemple.fr" {
		t.Error("not confirmed")
	}
	c.get("/compte?fait=email").is(200).says("Adresse confirmée", "nadia@exemple.fr")
	c.post("/compte/email/code", "chiffres", digits).is(422) // used up
	c.post("/compte/email/retirer").goesTo("/compte?fait=sans-email")
	if s.email("nadia.kermadec") != "" {
		t.Error("not removed")
	}
}

// Nothing is written to pupils, whatever they post.
func TestPupilsHaveNoAddress(t *testing.T) {
	s := open(t, withMail)
	s.active("ines.kermadec")
	c := s.in("ines.kermadec")
	for _, p := range []string{"/compte/email", "/activation/email"} {
		c.get(p).is(404)
		c.post(p, "email", "ines@exemple.fr").is(404)
		c.post(p+"/code", "chiffres", "123456").is(404)
	}
	if n := s.count(`SELECT count(*) FROM email_confirmation`); n != 0 {
		t.Errorf("%d addresses wait", n)
	}
}

func other(digits string) string {
	if digits == "000000" {
		return "111111"
	}
	return "000000"
}

// TestConcurrentSixDigits has many guesses arrive at once: five are judged.
func TestConcurrentSixDigits(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	c.post("/compte/email", "email", "nadia@exemple.fr").goesTo("/compte/email")
	digits := digitsIn(s.mailed("nadia@exemple.fr"))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if guess := fmt.Sprintf("%06d", i); guess != digits {
				c.post("/compte/email/code", "chiffres", guess).is(422)
			}
		})
	}
	wg.Wait()
	if n := s.count(`SELECT tries FROM email_confirmation`); n != 5 {
		t.Errorf("%d guesses counted", n)
	}
	c.post("/compte/email/code", "chiffres", digits).is(422).says("n'est plus valable")
}

func TestSixDigitsExpire(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	c.post("/compte/email", "email", "nadia@exemple.fr").goesTo("/compte/email")
	digits := digitsIn(s.mailed("nadia@exemple.fr"))
	s.core.Clock.Advance(16 * time.Minute)
	c.post("/compte/email/code", "chiffres", digits).is(422).says("n'est plus valable")
}

func TestNobodyIsFlooded(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	for i := range 5 {
		c.post("/compte/email", "email", fmt.Sprintf("a%d@exemple.fr", i)).goesTo("/compte/email")
	}
	p := c.post("/compte/email", "email", "a6@exemple.fr").is(429).says("Attendez une heure")
	if p.header.Get("Retry-After") != "3600" {
		t.Errorf("Retry-After %q", p.header.Get("Retry-After"))
	}
	s.core.Clock.Advance(61 * time.Minute)
	c.post("/compte/email", "email", "a7@exemple.fr").goesTo("/compte/email")
}

// TestMailServerIsAway: nothing is lost while it is, nothing is tried for ever
// when an address does not exist.
func TestMailServerIsAway(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	s.mails.Refuse("nadia@exemple.fr", 451)
	c.post("/compte/email", "email", "nadia@exemple.fr").goesTo("/compte/email")
	if err := s.core.Jobs.Drain(t.Context()); err == nil {
		t.Fatal("a passing fault did not ask to be tried again")
	}
	s.mails.Refuse("nadia@exemple.fr", 0)
	if digitsIn(s.mailed("nadia@exemple.fr")) == "" {
		t.Error("the message was lost")
	}
	s.mails.Refuse("nadia@exemple.fr", 550)
	c.post("/compte/email", "email", "nadia@exemple.fr").goesTo("/compte/email")
	s.work()
	if n := s.count(`SELECT count(*) FROM outgoing_mail WHERE sent_at IS NULL`); n != 0 {
		t.Error("a message that cannot arrive waits for ever")
	}
}

// confirmed gives somebody an address without its ceremony.
func (s *site) confirmed(login, address string) {
	s.t.Helper()
	s.exec(`UPDATE person SET email = $2 WHERE id = $1`, s.ids[login], address)
}

func TestLostPassword(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec")
	s.confirmed("nadia.kermadec", "nadia@exemple.fr")
	signed := s.in("nadia.kermadec")
	c := s.client()
	c.get("/mot-de-passe-oublie").is(200).says("Identifiant ou adresse e-mail")
	c.post("/mot-de-passe-oublie", "identifiant", "").is(422).says("Écrivez votre identifiant")
	c.post("/mot-de-passe-oublie", "identifiant", "nadia.kermadec").goesTo("/mot-de-passe-oublie?envoye")
	c.get("/mot-de-passe-oublie?envoye").is(200).says("Si un compte y correspond")
	link := linkIn(s.mailed("nadia@exemple.fr"))
	page, token, ok := strings.Cut(link, "#")
	if !ok || page != s.server.URL+"/nouveau-mot-de-passe" || len(token) < 22 {
		t.Fatalf("link %q", link)
	}
	for range 3 {
		c.get("/nouveau-mot-de-passe").is(200) // a GET uses nothing up
	}
	const fresh = "phoque lanterne gravier violon"
	c.post("/nouveau-mot-de-passe", "jeton", "faux", "passe", fresh, "passe2", fresh).is(422).says("a déjà servi")
	c.post("/nouveau-mot-de-passe", "jeton", token, "passe", "nadia", "passe2", "nadia").is(422).says("trop court")
	c.post("/nouveau-mot-de-passe", "jeton", link, "passe", fresh, "passe2", fresh).goesTo("/connexion?apres=motdepasse")
	c.post("/nouveau-mot-de-passe", "jeton", token, "passe", fresh, "passe2", fresh).is(422).says("a déjà servi")
	signed.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	s.client().signIn("nadia.kermadec").is(422)
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", fresh).goesTo("/")
	if !contains(s.mailed("nadia@exemple.fr"), "vient d'être changé") {
		t.Error("the holder was not told")
	}
	// A link lasts half an hour.
	c.post("/mot-de-passe-oublie", "identifiant", "nadia@exemple.fr").goesTo("/mot-de-passe-oublie?envoye")
	_, token, _ = strings.Cut(linkIn(s.mailed("nadia@exemple.fr")), "#")
	s.core.Clock.Advance(31 * time.Minute)
	c.post("/nouveau-mot-de-passe", "jeton", token, "passe", fresh, "passe2", fresh).is(422).says("trente minutes")
}

// TestRecoveryTellsNothing compares what is answered for an account, for none,
// for one without an address and for an address on two accounts.
func TestRecoveryTellsNothing(t *testing.T) {
	s := open(t, withMail)
	s.active("nadia.kermadec", "bastien.perrault", "anne.duvivier", "odile.marchand")
	s.confirmed("nadia.kermadec", "nadia@exemple.fr")
	s.confirmed("anne.duvivier", "partage@exemple.fr")
	s.confirmed("odile.marchand", "partage@exemple.fr")
	for _, asked := range []string{"nadia.kermadec", "nadia@exemple.fr", "personne.ici", "personne@exemple.fr", "bastien.perrault", "anne.duvivier", "partage@exemple.fr", "ines.kermadec", "'; DROP TABLE person; --", "@", "%"} {
		c := s.client()
		c.post("/mot-de-passe-oublie", "identifiant", asked).goesTo("/mot-de-passe-oublie?envoye")
		if p := c.get("/mot-de-passe-oublie?envoye").is(200); strings.Contains(p.body, asked) && asked != "@" && asked != "%" {
			t.Errorf("the answer repeats %q", asked)
		}
	}
	for _, asked := range []string{"nadia@exemple.fr", "personne@exemple.fr", "partage@exemple.fr"} {
		s.client().post("/identifiant-oublie", "identifiant", asked).goesTo("/identifiant-oublie?envoye")
	}
	s.client().post("/identifiant-oublie", "identifiant", "nadia.kermadec").is(422).says("Ce n'est pas une adresse")
	s.work()
	if got := s.mails.Messages(); len(got) != 3 {
		t.Errorf("%d messages, expected 3 (two links and a name)", len(got))
	}
	for _, m := range s.mails.Messages() {
		if m.To != "nadia@exemple.fr" {
			t.Errorf("a message went to %s", m.To)
		}
	}
	if !contains(s.mailed("nadia@exemple.fr"), "nadia.kermadec") {
		t.Error("the name was not sent")
	}
	if n := s.count(`SELECT count(*) FROM recovery_request`); n != 0 {
		t.Error("what was typed stays in the database")
	}
	// The fourth mail in an hour is not sent.
	for range 5 {
		s.client().post("/mot-de-passe-oublie", "identifiant", "nadia.kermadec").goesTo("/mot-de-passe-oublie?envoye")
	}
	s.work()
	if got := s.mails.Messages(); len(got) != 3 {
		t.Errorf("%d messages: somebody can be flooded", len(got))
	}
}

func TestWithoutMail(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	s.confirmed("nadia.kermadec", "nadia@exemple.fr")
	for _, p := range []string{"/mot-de-passe-oublie", "/identifiant-oublie"} {
		s.client().get(p).is(200).says("Ce portail n'envoie pas d'e-mails", "Demandez une nouvelle fiche")
		s.client().post(p, "identifiant", "nadia@exemple.fr").is(422).says("Ce portail n'envoie pas d'e-mails")
	}
	if n := s.count(`SELECT count(*) FROM outgoing_mail`) + s.count(`SELECT count(*) FROM recovery_request`); n != 0 {
		t.Error("something waits to be sent")
	}
	s.client().get("/portail/courriels").is(404)
}

func TestDemoShowsItsMail(t *testing.T) {
	s := open(t, asDemo)
	s.active("nadia.kermadec")
	s.client().get("/portail/courriels").is(200).says("Aucun e-mail")
	c := s.in("nadia.kermadec")
	c.post("/compte/email", "email", "nadia@exemple.fr").goesTo("/compte/email")
	s.work()
	p := s.client().get("/portail/courriels").is(200).says("nadia@exemple.fr", "Votre code")
	c.post("/compte/email/code", "chiffres", digitsIn(text(p.body))).goesTo("/compte?fait=email")
}

func linkIn(text string) string {
	for _, w := range strings.Fields(text) {
		if u, err := url.Parse(w); err == nil && u.Fragment != "" {
			return w
		}
	}
	return ""
}
