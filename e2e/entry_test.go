package e2e

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/smtp"
	"marelle/internal/testkit/testapp"
)

// chosen is the password of whoever gets in here.
const chosen = "tilleul craie samedi bateau"

// gate is a school that tells people outside, where accounts can be made new.
type gate struct {
	*testapp.Live
	out *testapp.Outside
}

func openGate(t *testing.T) *gate {
	t.Helper()
	return outside(testapp.Serve(t))
}

// outside gives a server a mail server and a push service.
func outside(live *testapp.Live) *gate { return &gate{live, live.Outside()} }

func (g *gate) write(f func(ctx context.Context, tx *db.Tx) error) {
	g.T.Helper()
	ctx := context.Background()
	if err := g.Core.DB.Write(ctx, func(tx *db.Tx) error { return f(ctx, tx) }); err != nil {
		g.T.Fatal(err)
	}
}

// code makes somebody's account new and returns the code of their sheet.
func (g *gate) code(login string) (code string) {
	g.T.Helper()
	g.write(func(ctx context.Context, tx *db.Tx) (err error) {
		person, err := db.Value[string](ctx, tx, `SELECT id FROM person WHERE login = $1`, login)
		if err != nil {
			return err
		}
		for _, text := range []string{`UPDATE person SET email = '' WHERE id = $1`, `DELETE FROM charter_acceptance WHERE person = $1`} {
			if _, err := tx.Exec(ctx, text, person); err != nil {
				return err
			}
		}
		code, err = session.Reissue(ctx, tx, g.Core, rights.System("test"), person)
		return err
	})
	return code
}

// active gives somebody the password, and an address.
func (g *gate) active(login, address string) {
	g.T.Helper()
	hash, err := g.Core.Hasher.Hash(context.Background(), chosen)
	if err != nil {
		g.T.Fatal(err)
	}
	g.write(func(ctx context.Context, tx *db.Tx) error {
		person, err := db.Value[string](ctx, tx, `SELECT id FROM person WHERE login = $1`, login)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE person SET email = $2 WHERE id = $1`, person, address); err != nil {
			return err
		}
		return session.SetPassword(ctx, tx, g.Core, rights.System("test"), person, hash)
	})
}

// calm waits until all is told that was to be, without the seconds in which it can
// be taken back: some of it the server's own workers have in hand.
func (g *gate) calm() {
	g.T.Helper()
	wait(g.T, "what is to be told is not told", func() bool {
		g.Drain()
		return g.One(`SELECT count(*) || '' FROM delivery WHERE done_at IS NULL AND NOT digest`) == "0" &&
			g.One(`SELECT count(*) || '' FROM river_job WHERE kind IN ('notify.tell', 'notify.spread', 'tell.flush') AND state IN ('available', 'running', 'retryable', 'scheduled', 'pending')`) == "0"
	})
}

// mailed waits for the n-th message to an address and returns it.
func (g *gate) mailed(n int, address string) smtp.Message {
	g.T.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got := g.to(address); len(got) >= n {
			return got[n-1]
		} else if time.Now().After(end) {
			g.T.Fatalf("%d messages for %s, not %d", len(got), address, n)
		}
	}
}

// to are the messages that came for an address.
func (g *gate) to(address string) (out []smtp.Message) {
	for _, m := range g.out.Mails.Messages() {
		if slices.Contains(m.To, address) {
			out = append(out, m)
		}
	}
	return out
}

// link waits for the mail whose address carries a secret: others tell what the
// school published meanwhile.
func (g *gate) link(address string) string {
	g.T.Helper()
	for n := 1; n < 20; n++ {
		for _, w := range strings.Fields(g.mailed(n, address).Text) {
			if strings.Contains(w, "#") {
				return w
			}
		}
	}
	g.T.Fatal("no mail carries a link with a secret")
	return ""
}

var sixDigits = regexp.MustCompile(`\b(\d{3})[ \x{a0}\x{202f}]?(\d{3})\b`)

// TestAMotherComesIn goes from the paper of the school to the home page, as a
// person does: on a phone with the QR code, on a computer by hand, and with
// JavaScript switched off.
func TestAMotherComesIn(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, way := range []struct {
		name   string
		screen browser.Screen
		link   bool
		option []browser.Option
	}{
		{"phone", browser.Phone, true, nil},
		{"computer", browser.Desktop, false, nil},
		{"no script", browser.Phone, false, []browser.Option{browser.NoScript}},
	} {
		t.Run(way.name, func(t *testing.T) {
			s := openGate(t)
			code := s.code("nadia.kermadec")
			tab := b.Tab(t, way.screen, way.option...)
			scripts := way.option == nil
			check := func(name string) {
				if scripts {
					tab.CheckPage(name)
				}
			}
			tab.Go(s.URL + "/connexion")
			check("connexion")
			tab.Click("Se connecter")
			tab.WaitText("Écrivez votre identifiant")
			check("connexion-fautes")
			tab.Click("Première visite ?")
			check("activation-1-identifiant")
			tab.Fill("Identifiant", "Nadia Kermadec")
			tab.Click("Continuer")
			check("activation-2-code")
			tab.Fill("Code d'activation", "ABCD-EFGH-JKL")
			tab.Click("Continuer")
			tab.WaitText("ne va pas avec cet identifiant")
			if way.link {
				tab.Go(session.CodeLink(s.URL, "nadia.kermadec", code))
			} else {
				tab.Fill("Code d'activation", strings.ToLower(code))
				tab.Click("Continuer")
			}
			tab.WaitText("La charte, en quatre phrases")
			if strings.Contains(tab.URL(), "#") {
				t.Errorf("the code stays in the address: %s", tab.URL())
			}
			check("activation-3-charte")
			tab.Click("Accepter")
			tab.WaitText("on n'entre pas sans accepter")
			tab.Click("J'ai lu la charte et je la respecterai.")
			tab.Click("Accepter")
			check("activation-4-mot-de-passe")
			if scripts {
				tab.Fill("Nouveau mot de passe", "kerma")
				tab.WaitText("Encore trop court")
				tab.Fill("Nouveau mot de passe", chosen)
				tab.WaitText("Solide")
			}
			tab.Fill("Nouveau mot de passe", chosen)
			tab.Fill("Le même, une seconde fois", chosen)
			tab.Click("Continuer")
			tab.WaitText("Où vous prévenir")
			check("activation-5-email")
			tab.Fill("Adresse e-mail", "nadia@exemple.fr")
			tab.Click("Recevoir le code")
			digits := strings.Join(sixDigits.FindStringSubmatch(s.mailed(1, "nadia@exemple.fr").Text)[1:], "")
			check("activation-5-chiffres")
			tab.Fill("Code reçu par e-mail", digits)
			tab.Click("Confirmer")
			tab.WaitText("Vous y êtes")
			check("activation-6-ciel")
			tab.Click("Sombre")
			tab.Click("Entrer")
			tab.Go("/compte")
			tab.WaitText("nadia@exemple.fr")
			check("compte")
			tab.Go("/deconnexion")
			check("deconnexion")
			tab.Click("Se déconnecter")
			tab.WaitText("Vous êtes déconnecté")
			tab.Fill("Identifiant", "nadia.kermadec")
			tab.Fill("Mot de passe ou code d'activation", chosen)
			tab.Click("Se connecter")
			tab.Go("/compte")
			tab.WaitText("nadia@exemple.fr")
		})
	}
}

// TestAPupilComesIn on the tablet of the class, and leaves it to the next one.
func TestAPupilComesIn(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	code := s.code("ines.kermadec")
	tab := browser.Start(t).Tab(t, browser.Screen{Width: 768, Height: 1024, Touch: true})
	tab.Go(s.URL + "/connexion?tablette=1")
	tab.Fill("Identifiant", "ines.kermadec")
	tab.Fill("Mot de passe ou code d'activation", code)
	tab.Click("Se connecter")
	tab.WaitText("Les quatre règles")
	tab.CheckPage("eleve-charte")
	tab.Click("Je promets.")
	tab.Click("Oui")
	tab.CheckPage("eleve-mot-de-passe")
	phrase := tab.Text("#phrase")
	tab.Click("D'autres mots")
	if tab.Text("#phrase") == phrase {
		t.Error("the words are the same")
	}
	tab.Click("C'est noté")
	tab.CheckPage("eleve-couleurs")
	tab.Click("Entrer")
	tab.Go("/compte")
	tab.CheckPage("eleve-compte")
	tab.Go("/changer")
	tab.CheckPage("eleve-changer")
	tab.Click("Changer d'élève")
	tab.WaitText("Tablette partagée")
}

// TestPagesOfTheDoor holds the other pages to what every page must be.
func TestPagesOfTheDoor(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, screen := range map[string]browser.Screen{"phone": browser.Phone, "computer": browser.Desktop} {
		t.Run(name, func(t *testing.T) {
			s := openGate(t)
			s.active("claire.fontaine", "claire@exemple.fr")
			tab := b.Tab(t, screen)
			tab.Go(s.URL + "/mot-de-passe-oublie")
			for _, p := range []string{"/mot-de-passe-oublie", "/mot-de-passe-oublie?envoye", "/identifiant-oublie", "/nouveau-mot-de-passe", "/charte", "/charte/affiche", "/mentions-legales", "/accessibilite", "/aide", "/aide/licences"} {
				tab.Go(p)
				u, _ := url.Parse(p)
				tab.CheckPage("porte" + strings.ReplaceAll(u.Path, "/", "-") + u.RawQuery)
			}
			tab.Go("/connexion")
			tab.Fill("Identifiant", "claire.fontaine")
			tab.Fill("Mot de passe ou code d'activation", chosen)
			tab.Click("Se connecter")
			for _, p := range []string{"/compte", "/compte/mot-de-passe", "/compte/email", "/compte/appareils", "/compte/deuxieme-facteur", "/charte"} {
				tab.Go(p)
				tab.CheckPage("signe" + strings.ReplaceAll(p, "/", "-"))
			}
		})
	}
}

// TestTheLinkOfAMail opens as it stands in the message: the secret goes from
// the fragment into the form and out of the address.
func TestTheLinkOfAMail(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	s.active("nadia.kermadec", "nadia@exemple.fr")
	tab := browser.Start(t).Tab(t, browser.Phone)
	tab.Go(s.URL + "/mot-de-passe-oublie")
	tab.Fill("Identifiant ou adresse e-mail", "nadia.kermadec")
	tab.Click("Recevoir un lien")
	tab.WaitText("Si un compte y correspond")
	tab.Go(s.link("nadia@exemple.fr"))
	if strings.Contains(tab.URL(), "#") {
		t.Errorf("the secret stays in the address: %s", tab.URL())
	}
	tab.Fill("Nouveau mot de passe", "phoque lanterne gravier violon")
	tab.Fill("Le même, une seconde fois", "phoque lanterne gravier violon")
	tab.Click("Changer de mot de passe")
	tab.WaitText("Votre mot de passe est changé")
}
