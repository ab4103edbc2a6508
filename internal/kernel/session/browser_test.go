package session_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"marelle/internal/testkit/browser"
)

// TestAMotherComesIn goes from the paper of the school to the home page, as a
// person does: on a phone with the QR code, on a computer by hand, and with
// JavaScript switched off.
func TestAMotherComesIn(t *testing.T) {
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
			s := open(t, withMail)
			code := s.code("nadia.kermadec")
			tab := b.Tab(t, way.screen, way.option...)
			scripts := way.option == nil
			check := func(name string) {
				if scripts {
					tab.CheckPage(name)
				}
			}
			tab.Go(s.server.URL + "/connexion")
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
				tab.Go(linkOf(s, "nadia.kermadec"))
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
				tab.Fill("Nouveau mot de passe", password)
				tab.WaitText("Solide")
			}
			tab.Fill("Nouveau mot de passe", password)
			tab.Fill("Le même, une seconde fois", password)
			tab.Click("Continuer")
			tab.WaitText("Où vous prévenir")
			check("activation-5-email")
			tab.Fill("Adresse e-mail", "nadia@exemple.fr")
			tab.Click("Recevoir le code")
			s.work()
			got := s.mails.Wait(1, 5*time.Second)
			if len(got) != 1 || got[0].To != "nadia@exemple.fr" {
				t.Fatalf("mails: %+v", got)
			}
			check("activation-5-chiffres")
			tab.Fill("Code reçu par e-mail", digitsIn(got[0].Text))
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
			tab.Fill("Mot de passe ou code d'activation", password)
			tab.Click("Se connecter")
			tab.Go("/compte")
			tab.WaitText("nadia@exemple.fr")
		})
	}
}

// TestAPupilComesIn on the tablet of the class, and leaves it to the next one.
func TestAPupilComesIn(t *testing.T) {
	s := open(t)
	code := s.code("ines.kermadec")
	tab := browser.Start(t).Tab(t, browser.Screen{Width: 768, Height: 1024, Touch: true})
	tab.Go(s.server.URL + "/connexion?tablette=1")
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
	b := browser.Start(t)
	for name, screen := range map[string]browser.Screen{"phone": browser.Phone, "computer": browser.Desktop} {
		t.Run(name, func(t *testing.T) {
			s := open(t, asDemo)
			s.active("odile.marchand")
			s.confirmed("odile.marchand", "partage@exemple.fr")
			tab := b.Tab(t, screen)
			tab.Go(s.server.URL + "/mot-de-passe-oublie")
			for _, p := range []string{"/mot-de-passe-oublie", "/mot-de-passe-oublie?envoye", "/identifiant-oublie", "/nouveau-mot-de-passe", "/charte", "/charte/affiche", "/mentions-legales", "/accessibilite", "/aide"} {
				tab.Go(p)
				u, _ := url.Parse(p)
				tab.CheckPage("porte" + strings.ReplaceAll(u.Path, "/", "-") + u.RawQuery)
			}
			tab.Go("/connexion")
			tab.Fill("Identifiant", "odile.marchand")
			tab.Fill("Mot de passe ou code d'activation", password)
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
	s := open(t, withMail)
	s.active("nadia.kermadec")
	s.confirmed("nadia.kermadec", "nadia@exemple.fr")
	s.client().post("/mot-de-passe-oublie", "identifiant", "nadia.kermadec")
	link := linkIn(s.mailed("nadia@exemple.fr"))
	tab := browser.Start(t).Tab(t, browser.Phone)
	tab.Go(link)
	if strings.Contains(tab.URL(), "#") {
		t.Errorf("the secret stays in the address: %s", tab.URL())
	}
	tab.Fill("Nouveau mot de passe", "phoque lanterne gravier violon")
	tab.Fill("Le même, une seconde fois", "phoque lanterne gravier violon")
	tab.Click("Changer de mot de passe")
	tab.WaitText("Votre mot de passe est changé")
}
