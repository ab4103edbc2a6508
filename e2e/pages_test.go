package e2e

import (
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// page is an address as somebody sees it; {name} stands for an id below.
type page struct{ who, name, path string }

var pages = []page{
	{"nadia.kermadec", "accueil-parent", "/"},
	{"helene.duvivier", "accueil-enseignante", "/"},
	{"claire.fontaine", "accueil-directrice", "/"},
	{"ines.kermadec", "accueil-eleve", "/"},
	{"nadia.kermadec", "carnet-parent", "/carnet"},
	{"nadia.kermadec", "mot-parent", "/carnet/{sortie}"},
	{"helene.duvivier", "carnet-enseignante", "/carnet"},
	{"helene.duvivier", "mot-enseignante", "/carnet/{sortie}"},
	{"helene.duvivier", "mot-nouveau", "/carnet/nouveau"},
	{"ines.kermadec", "carnet-eleve", "/carnet"},
	{"ines.kermadec", "mot-eleve", "/carnet/{sortie}"},
	{"helene.duvivier", "classe", "/classe/{classe}"},
	{"helene.duvivier", "classe-familles", "/classe/{classe}/familles"},
	{"helene.duvivier", "classe-groupes", "/classe/{classe}/groupes"},
	{"helene.duvivier", "classe-groupe-nouveau", "/classe/{classe}/groupes/nouveau"},
	{"helene.duvivier", "classe-equipe", "/classe/{classe}/equipe"},
	{"helene.duvivier", "classe-fiches", "/classe/{classe}/fiches"},
	{"helene.duvivier", "classe-eleve", "/classe/{classe}/eleve/{ines}"},
	{"helene.duvivier", "classe-eleve-nouveau", "/classe/{classe}/eleves/nouveau"},
	{"helene.duvivier", "classe-code", "/classe/personne/{ines}/code/nouveau"},
	{"claire.fontaine", "ecole", "/ecole"},
	{"claire.fontaine", "ecole-import", "/ecole/import"},
	{"claire.fontaine", "ecole-doutes", "/ecole/import/doutes"},
	{"claire.fontaine", "ecole-fiches", "/ecole/fiches"},
	{"claire.fontaine", "classes", "/classe"},
	{"nadia.kermadec", "recherche-nue", "/recherche"},
	{"nadia.kermadec", "recherche", "/recherche?q=pique-nique+école"},
	{"helene.duvivier", "recherche-personnes", "/recherche?q=ma"},
	{"helene.duvivier", "recherche-vide", "/recherche?q=sortie+zzzz&dans=liaison"},
	{"ines.kermadec", "recherche-eleve", "/recherche?q=sortie"},
	{"nadia.kermadec", "introuvable", "/rien"},
}

// Every page, on a phone and on a computer, in four looks: nothing that
// axe-core blames, nothing that runs over the edge.
func TestPagesAreAccessible(t *testing.T) {
	app := testapp.Serve(t)
	b := browser.Start(t)
	ids := strings.NewReplacer("{sortie}", app.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`),
		"{classe}", app.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`),
		"{ines}", app.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`))
	for _, device := range []struct {
		name string
		size browser.Screen
	}{{"telephone", browser.Phone}, {"ordinateur", browser.Desktop}} {
		tabs := map[string]*browser.Tab{}
		for _, p := range pages {
			t.Run(device.name+"/"+p.name, func(t *testing.T) {
				tab := tabs[p.who]
				if tab == nil {
					tab = b.Tab(t, device.size)
					if p.who != "" {
						name, value := app.Cookie(p.who)
						tab.SetCookie(app.URL, name, value)
					}
				}
				if p.name == "introuvable" {
					tab.Allow("404")
				}
				tab.Go(app.URL + ids.Replace(p.path))
				tab.CheckPage(p.name)
			})
		}
	}
}
