package session_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
)

// start brings a client to the charter with a code.
func (s *site) start(login string) (*client, string) {
	s.t.Helper()
	code := s.code(login)
	c := s.client()
	c.post("/connexion", "identifiant", login, "secret", strings.ToLower(code)).goesTo("/activation/charte")
	return c, code
}

func TestActivationOfAnAdult(t *testing.T) {
	s := open(t)
	code := s.code("nadia.kermadec")
	c := s.client()
	c.get("/activation/code").goesTo("/activation")
	c.get("/activation").is(200).says("Qui êtes-vous ?", "Étape 1 sur 5")
	c.post("/activation", "identifiant", "").is(422).says("Écrivez votre identifiant")
	c.post("/activation", "identifiant", "Nadia.Kermadec").goesTo("/activation/code")
	c.get("/activation/mot-de-passe").goesTo("/activation/code") // no step is skipped
	c.get("/activation/charte").goesTo("/activation/code")
	c.post("/activation/charte", "accord", "1").goesTo("/activation/code")
	c.post("/activation/code", "code", "").is(422).says("Écrivez le code")
	c.post("/activation/code", "code", "0OI1").is(422).says("onze signes")
	if p := c.post("/activation/code", "code", "ABCD-EFGH-JKL").is(422).says("ne va pas avec cet identifiant"); !strings.Contains(p.body, "ABCD-EFGH-JKL") {
		t.Error("the typed code is gone")
	}
	c.post("/activation/code", "code", strings.ReplaceAll(strings.ToLower(code), "-", " ")).goesTo("/activation/charte")
	c.get("/activation/charte").is(200).says("Bonjour Nadia", "Étape 3 sur 5", "Mon mot de passe et mon code sont à moi")
	c.get("/activation/mot-de-passe").goesTo("/activation/charte")
	c.post("/activation/mot-de-passe", "passe", password, "passe2", password).goesTo("/activation/charte")
	c.post("/activation/charte").is(422).says("Cochez cette case")
	c.post("/activation/charte", "accord", "1").goesTo("/activation/mot-de-passe")
	c.post("/activation/charte", "accord", "1").goesTo("/activation/mot-de-passe") // twice
	c.get("/activation").is(200)                                                   // back to the beginning, and on again
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")                          // a code alone opens nothing
	for _, bad := range []struct{ one, two, words string }{
		{"", "", "Choisissez un mot de passe"},
		{"court", "court", "au moins 8"},
		{code, code, "ne peut pas devenir"},
		{strings.ToLower(code), "", "ne peut pas devenir"},
		{"nadia.kermadec", "nadia.kermadec", "votre identifiant, votre nom ou votre code"},
		{password, "autre chose", "sont différents"},
		{password, "", "une seconde fois"},
	} {
		c.post("/activation/mot-de-passe", "passe", bad.one, "passe2", bad.two).is(422).says(bad.words)
	}
	if n := s.count(`SELECT count(*) FROM person WHERE activated_at IS NOT NULL`); n != 0 {
		t.Fatal("active before the password was set")
	}
	c.post("/activation/mot-de-passe", "passe", password, "passe2", password).goesTo("/activation/email")
	// Reloading or posting again what is done leads on.
	c.post("/activation/mot-de-passe", "passe", password, "passe2", password).goesTo("/activation/ciel")
	c.get("/activation/email").is(200).says("Où vous prévenir", "n'envoie pas encore d'e-mails", "Plus tard")
	c.post("/activation/email", "email", "nadia@exemple.fr").is(422).says("n'envoie pas encore d'e-mails")
	c.get("/activation/ciel").is(200).says("Vous y êtes", "Ces 2 enfants", "Inès", "Yanis")
	c.post("/activation/ciel", "theme", "sombre", "lecture", "dyslexie").goesTo("/")
	if !strings.Contains(c.get("/compte").is(200).body, `data-theme="sombre"`) {
		t.Error("the theme is not served")
	}
	if n := s.count(`SELECT count(*) FROM activation_code`); n != 0 {
		t.Error("the code was not wiped")
	}
	if n := s.count(`SELECT count(*) FROM charter_acceptance WHERE person = $1 AND version = 1 AND length(hash) = 64 AND paper_by = '' AND at = $2`,
		s.ids["nadia.kermadec"], s.core.Clock.Now().UnixMilli()); n > 1 {
		t.Error("accepted twice")
	}
	if n := s.count(`SELECT count(*) FROM charter_acceptance WHERE person = $1`, s.ids["nadia.kermadec"]); n != 1 {
		t.Errorf("%d acceptances", n)
	}
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", code).is(422) // used up
	s.client().signIn("nadia.kermadec").goesTo("/")
}

func TestActivationOfAPupil(t *testing.T) {
	s := open(t)
	c, _ := s.start("ines.kermadec")
	c.get("/activation/charte").is(200).says("Bonjour Inès !", "Les quatre règles", "Je promets").silent("Cochez", "vous ")
	c.post("/activation/charte").is(422).says("Coche la case")
	c.post("/activation/charte", "accord", "1").goesTo("/activation/mot-de-passe")
	phrase := func() string {
		body := c.get("/activation/mot-de-passe").is(200).says("Recopie ces mots").body
		_, rest, _ := strings.Cut(body, `id="phrase"`)
		_, rest, _ = strings.Cut(rest, ">")
		words, _, _ := strings.Cut(rest, "<")
		return words
	}
	first := phrase()
	if len(strings.Split(first, "-")) != 5 || phrase() != first {
		t.Fatalf("phrase %q", first)
	}
	c.post("/activation/phrase").goesTo("/activation/mot-de-passe")
	second := phrase()
	if second == first {
		t.Error("the phrase was not drawn again")
	}
	c.post("/activation/mot-de-passe").goesTo("/activation/ciel")
	c.get("/activation/ciel").is(200).says("Choisis tes couleurs", "Couleurs").silent("E-mail")
	c.post("/activation/ciel", "theme", "clair").goesTo("/")
	d := s.client() // as a child of seven types it
	d.post("/connexion", "identifiant", "ines.kermadec", "secret", strings.ToUpper(strings.ReplaceAll(second, "-", " "))).goesTo("/")
	d.get("/compte").is(200).silent("Adresse e-mail")
}

// TestConcurrentActivations has two parents use their child's code at the same
// moment, again and again: exactly one of the two passwords stands.
func TestConcurrentActivations(t *testing.T) {
	s := open(t)
	code := s.code("ines.kermadec")
	var clients []*client
	for range 6 {
		c := s.client()
		c.post("/connexion", "identifiant", "ines.kermadec", "secret", code).goesTo("/activation/charte")
		c.post("/activation/charte", "accord", "1").goesTo("/activation/mot-de-passe")
		clients = append(clients, c)
	}
	status := make([]int, len(clients))
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() { status[i] = c.post("/activation/mot-de-passe").status })
	}
	wg.Wait()
	won := 0
	for i, st := range status {
		switch st {
		case 303:
			if clients[i].get("/compte").status == 200 {
				won++
			}
		case 409:
			clients[i].get("/compte").goesTo("/connexion?suite=%2Fcompte")
		default:
			t.Errorf("status %d", st)
		}
	}
	if won != 1 {
		t.Errorf("%d activations won: %v", won, status)
	}
	if n := s.count(`SELECT count(*) FROM session`); n != 1 {
		t.Errorf("%d sessions", n)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'session.activate'`); n != 1 {
		t.Errorf("%d activations in the audit", n)
	}
}

func TestGettingAPageUsesNothingUp(t *testing.T) {
	s := open(t)
	link := linkOf(s, "nadia.kermadec")
	path := strings.TrimPrefix(link, s.server.URL)
	before, fragment, _ := strings.Cut(path, "#")
	if before != "/activation" || !strings.HasPrefix(fragment, "nadia.kermadec/") {
		t.Fatalf("link %q", link)
	}
	c := s.client()
	for range 3 {
		c.get(before).is(200)
	}
	c.post("/activation/lien", "lien", fragment).goesTo("/activation/charte")
	for _, p := range []string{"/activation", "/activation/code", "/activation/charte", "/activation/mot-de-passe"} {
		c.get(p)
	}
	if n := s.count(`SELECT count(*) FROM activation_code`); n != 1 {
		t.Error("a page used the code up")
	}
	s.client().post("/activation/lien", "lien", fragment).goesTo("/activation/charte") // on another telephone
	s.client().post("/activation/lien", "lien", "n'importe quoi").is(422).says("n'a pas été lu en entier")
	s.client().post("/activation/lien", "lien", "nadia.kermadec/ABCDEFGHJKL").is(422).says("a déjà servi")
}

func TestCodesExpire(t *testing.T) {
	s := open(t)
	c, code := s.start("nadia.kermadec")
	c.post("/activation/charte", "accord", "1").goesTo("/activation/mot-de-passe")
	s.core.Clock.Advance(61 * 24 * time.Hour)
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", code).is(422)
	if err := s.sweep(); err != nil {
		t.Fatal(err)
	}
	if n := s.count(`SELECT count(*) FROM activation_code`) + s.count(`SELECT count(*) FROM entry`); n != 0 {
		t.Errorf("%d expired rows remain", n)
	}
	c.post("/activation/mot-de-passe", "passe", password, "passe2", password).goesTo("/activation")
}

func TestReplacedCodeStopsAnActivation(t *testing.T) {
	s := open(t)
	c, _ := s.start("nadia.kermadec")
	c.post("/activation/charte", "accord", "1").goesTo("/activation/mot-de-passe")
	s.exec(`UPDATE activation_code SET mac = 'replaced'`)
	c.post("/activation/mot-de-passe", "passe", password, "passe2", password).is(409).says("son code a été remplacé")
	if n := s.count(`SELECT count(*) FROM person WHERE password <> ''`); n != 0 {
		t.Error("a password was set with a code that had been replaced")
	}
}

func TestNewCharterAsksAgain(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec", "ines.kermadec")
	s.exec(`UPDATE charter_acceptance SET version = 0`) // as if the text in force were newer
	c := s.in("nadia.kermadec")
	c.get("/compte").goesTo("/activation")
	c.get("/activation").is(200).says("La charte, en quatre phrases", "Acceptez la charte en vigueur")
	c.post("/activation/nouvelle-charte").is(422).says("Cochez cette case")
	c.post("/activation/nouvelle-charte", "accord", "1").goesTo("/")
	c.get("/compte").is(200).says("Vous avez accepté la charte le")
	if n := s.count(`SELECT count(*) FROM charter_acceptance WHERE person = $1`, s.ids["nadia.kermadec"]); n != 2 {
		t.Errorf("%d acceptances, expected the old one and the new one", n)
	}
	p := s.in("ines.kermadec")
	p.get("/activation").is(200).says("Les quatre règles", "Je promets")
}

func TestPaperCharter(t *testing.T) {
	s := open(t)
	nadia := s.ids["nadia.kermadec"]
	note := func(signed bool) {
		s.write(func(ctx context.Context, tx *db.Tx) error {
			return session.NotePaperCharter(ctx, tx, s.core, rights.System("test"), nadia, signed)
		})
	}
	signed := func() bool {
		m, err := session.PaperCharters(context.Background(), s.core.DB, []string{nadia})
		if err != nil {
			t.Fatal(err)
		}
		return m[nadia]
	}
	note(true)
	note(true)
	if !signed() || s.count(`SELECT count(*) FROM charter_acceptance`) != 1 {
		t.Error("not noted once")
	}
	// Paper lets nobody in: the screen still asks.
	c, _ := s.start("nadia.kermadec")
	c.get("/activation/mot-de-passe").goesTo("/activation/charte")
	note(false)
	if signed() {
		t.Error("not taken back")
	}
}
