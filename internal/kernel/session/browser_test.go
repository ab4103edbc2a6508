package session_test

import (
	"strings"
	"testing"
	"time"

	"marelle/internal/testkit/browser"
)

// TestAMotherComesIn goes from the paper of the school to the home page, on a
// phone, as a person does.
func TestAMotherComesIn(t *testing.T) {
	s := open(t, withMail)
	s.active("odile.marchand")
	link := linkOf(s, "nadia.kermadec")
	tab := browser.Start(t).Tab(t, browser.Phone)
	tab.Go(s.server.URL + "/connexion")
	tab.CheckPage("connexion")
	tab.Click("Première visite ?")
	tab.CheckPage("activation-1-identifiant")
	tab.Fill("Identifiant", "Nadia Kermadec")
	tab.Click("Continuer")
	tab.CheckPage("activation-2-code")
	tab.Fill("Code d'activation", "ABCD-EFGH-JKL")
	tab.Click("Continuer")
	tab.WaitText("ne va pas avec cet identifiant")
	tab.Go(link)
	tab.WaitText("La charte, en quatre phrases")
	if strings.Contains(tab.URL(), "#") {
		t.Errorf("the code stays in the address: %s", tab.URL())
	}
	tab.CheckPage("activation-3-charte")
	tab.Click("Accepter")
	tab.WaitText("on n'entre pas sans accepter")
	tab.Click("J'ai lu la charte et je la respecterai.")
	tab.Click("Accepter")
	tab.CheckPage("activation-4-mot-de-passe")
	tab.Fill("Nouveau mot de passe", "kerma")
	tab.WaitText("Encore trop court")
	tab.Fill("Nouveau mot de passe", password)
	tab.WaitText("Solide")
	tab.Fill("Le même, une seconde fois", password)
	tab.Click("Continuer")
	tab.WaitText("Où vous prévenir")
	tab.CheckPage("activation-5-email")
	tab.Fill("Adresse e-mail", "nadia@exemple.fr")
	tab.Click("Recevoir le code")
	s.work()
	got := s.mails.Wait(1, 5*time.Second)
	if len(got) != 1 || got[0].To != "nadia@exemple.fr" {
		t.Fatalf("mails: %+v", got)
	}
	tab.CheckPage("activation-5-chiffres")
	tab.Fill("Code reçu par e-mail", digitsIn(got[0].Text))
	tab.Click("Confirmer")
	tab.WaitText("Vous y êtes")
	tab.CheckPage("activation-6-ciel")
	tab.Click("Sombre")
	tab.Click("Entrer")
	tab.Go("/compte")
	tab.WaitText("nadia@exemple.fr")
	tab.CheckPage("compte")
}
