package session_test

import (
	"strings"
	"testing"
)

func TestLegalPages(t *testing.T) {
	s := open(t)
	c := s.client()
	c.get("/mentions-legales").is(200).says("Responsable du traitement", "n'est pas encore nommé", "délégué", "CNIL")
	s.exec(`INSERT INTO setting (scope, name, value) VALUES ('', 'controller', 'IA-DASEN de la Somme'), ('', 'host', 'Hébergeur SAS, Amiens'), ('', 'dpo', 'dpd@exemple.fr')`)
	c.get("/mentions-legales").is(200).says("IA-DASEN de la Somme", "Hébergeur SAS", "dpd@exemple.fr").silent("pas encore")
	c.get("/accessibilite").is(200).says("partiellement conforme", "RGAA version 4.1", "Contenus non accessibles", "Établissement de cette déclaration",
		"Retour d'information et contact", "Défenseur des droits", "Schéma pluriannuel", "Résultats des tests")
	c.get("/aide").is(200).says("première visite", "mot de passe", "Changer d'élève")
	c.get("/aide/licences").is(200).says("modernc.org/sqlite", "Le texte entier")
	if p := c.get("/aide/licences.txt").is(200); len(p.body) < 10000 || p.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d bytes of licences, %s", len(p.body), p.header.Get("Content-Type"))
	}
	p := c.get("/charte").is(200).says("226-1", "un an d'emprisonnement", "45 000", "226-8", "intelligence artificielle", "23 mai 2024", "60 000", "réseau social", "Légifrance", "Version 1")
	if !strings.Contains(p.body, "/charte/affiche") {
		t.Error("no poster")
	}
	c.get("/charte/affiche").is(200).says("Notre charte", "Mon mot de passe et mon code sont à moi")
	// The public home page says how accessible the place is, and leads there.
	if p := c.get("/connexion").is(200).says("Accessibilité : partiellement conforme"); !strings.Contains(p.body, `href="/accessibilite"`) {
		t.Error("no link to the declaration")
	}
	s.active("nadia.kermadec")
	s.in("nadia.kermadec").get("/charte").is(200).says("Charte d'utilisation")
}
