package session_test

import (
	"regexp"
	"strings"
	"testing"
)

// sourced is each reference and figure of the law that a page may state: it was
// read in a text of the law or of a regulator. A new one is read there first.
var sourced = map[string]bool{
	"372-1": true, "226-1": true, "226-8": true, "226-8-1": true, "loi 2024-120": true, "19 février 2024": true,
	"23 mai 2024": true, "45 000 euros": true, "15 000 euros": true, "60 000 euros": true,
	"un an d'emprisonnement": true, "deux ans d'emprisonnement": true,
	"version 4.1": true, "106 critères": true,
}

var stated = regexp.MustCompile(`\b\d{3}-\d+(?:-\d+)?\b|(?i:loi(?: n°)? \d{4}-\d+)|\b\d{1,2}(?:er)? (?:janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre) (?:19|20)\d\d|\b[\d ]+ euros|\b(?:un|deux|trois|cinq|\d+) (?:an|ans|mois) d'emprisonnement|\bversion \d\.\d|\b\d+ critères|article \d+(?:-\d+)*`)

// No page states a reference, a date or a penalty of the law that was not read.
func TestTheLawIsNotInvented(t *testing.T) {
	c := open(t).client()
	for path, least := range map[string]int{"/charte": 12, "/mentions-legales": 0, "/accessibilite": 3, "/aide": 0} {
		main := c.get(path).is(200).body
		main = main[strings.Index(main, "<main"):strings.Index(main, "</main>")]
		main = strings.NewReplacer("\u00a0", " ", "\u202f", " ", "’", "'").Replace(main)
		found := 0
		for _, s := range stated.FindAllString(main, -1) {
			s = strings.TrimSpace(s)
			if rest, ok := strings.CutPrefix(s, "article "); ok && sourced[rest] {
				s = rest
			}
			found++
			if !sourced[s] && !strings.Contains(main, "publiée le "+s) && !strings.Contains(main, "établie le "+s) {
				t.Errorf("%s states %q: where was it read?", path, s)
			}
		}
		if found < least {
			t.Errorf("%s states %d things, want %d at least", path, found, least)
		}
	}
}

func TestLegalPages(t *testing.T) {
	s := open(t)
	c := s.client()
	c.get("/mentions-legales").is(200).says("Responsable du traitement", "n'est pas encore nommé", "délégué", "CNIL")
	s.exec(`INSERT INTO setting (scope, name, value) VALUES ('', 'controller', 'IA-DASEN de la Somme'), ('', 'host', 'Hébergeur SAS, Amiens'), ('', 'dpo', 'dpd@exemple.fr')`)
	c.get("/mentions-legales").is(200).says("IA-DASEN de la Somme", "Hébergeur SAS", "dpd@exemple.fr").silent("pas encore")
	c.get("/accessibilite").is(200).says("non conforme", "RGAA version 4.1", "Contenus non accessibles", "Établissement de cette déclaration",
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
	if p := c.get("/connexion").is(200).says("Accessibilité : non conforme"); !strings.Contains(p.body, `href="/accessibilite"`) {
		t.Error("no link to the declaration")
	}
	s.active("nadia.kermadec")
	s.in("nadia.kermadec").get("/charte").is(200).says("Charte d'utilisation")
}
