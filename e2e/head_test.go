package e2e

import (
	"path/filepath"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// exports are the lists of a school as ONDE gives them, by absolute paths.
func exports(t testing.TB) []string {
	t.Helper()
	lists, err := filepath.Glob("../internal/kernel/people/onde/testdata/recent/*.csv")
	if err != nil || len(lists) != 3 {
		t.Fatalf("lists: %v (%v)", lists, err)
	}
	for i := range lists {
		if lists[i], err = filepath.Abs(lists[i]); err != nil {
			t.Fatal(err)
		}
	}
	return lists
}

// The whole way of a head, in a real browser, on both screens, with and without
// script, each page held to what every page must be.
func TestAHeadImports(t *testing.T) {
	t.Parallel()
	chromium := browser.Start(t)
	wrong, err := filepath.Abs("head_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]struct {
		screen  browser.Screen
		options []browser.Option
	}{
		"phone":                  {browser.Phone, nil},
		"desktop without script": {browser.Desktop, []browser.Option{browser.NoScript}},
	} {
		t.Run(name, func(t *testing.T) {
			l := testapp.ServeEmpty(t)
			l.Found()
			tab := chromium.Tab(t, way.screen, way.options...)
			key, value := l.Cookie("odile.marchand")
			tab.SetCookie(l.URL, key, value)
			tab.Go(l.URL + "/ecole")
			tab.CheckPage("ecole-vide")
			tab.Click("Importer depuis ONDE")
			tab.CheckPage("ecole-import")
			tab.Upload("Fichiers d’ONDE", wrong)
			tab.Click("Voir ce qui va changer")
			tab.WaitText("n’est pas une extraction d’ONDE")
			tab.CheckPage("ecole-import-faux")
			tab.Upload("Fichiers d’ONDE", exports(t)...)
			tab.Click("Voir ce qui va changer")
			tab.WaitText("219 élèves créés")
			tab.CheckPage("ecole-plan")
			tab.Click("219 élèves créés")
			tab.Screenshot("ecole-plan-ouvert-" + name)
			tab.Click("Importer")
			if len(way.options) == 0 {
				tab.WaitText("Voir le résultat") // the bar asked for itself
				tab.CheckPage("ecole-avancement")
				tab.Click("Voir le résultat")
			}
			if len(way.options) > 0 { // the page comes again by itself; here it is asked for
				for i := 0; l.One(`SELECT state FROM import`) != "done"; i++ {
					if i > 200 {
						t.Fatal("the import never ends")
					}
					time.Sleep(50 * time.Millisecond)
				}
				tab.Go(tab.URL())
			}
			tab.WaitText("Import fait")
			tab.CheckPage("ecole-fait")
			tab.Go(l.URL + "/ecole/import/doutes")
			tab.CheckPage("ecole-doutes")
			tab.Click("C’est quelqu’un d’autre : créer")
			tab.Click("Enregistrer mes choix")
			tab.WaitText("Vos choix sont enregistrés")
			tab.Go(l.URL + "/ecole")
			tab.WaitText("8 cas attendent")
			tab.CheckPage("ecole")
			tab.Go(l.URL + "/ecole/import")
			tab.WaitText("Imports précédents")
			tab.CheckPage("ecole-imports")
			tab.Click("Annuler cet import")
			tab.CheckPage("ecole-annuler")
			tab.Click("Oui, annuler cet import")
			tab.WaitText("l’école est comme avant")
		})
	}
}

// What a head decides about people: each page in each state, on both screens.
func TestAHeadDecidesAboutPeople(t *testing.T) {
	t.Parallel()
	chromium := browser.Start(t)
	for name, way := range map[string]struct {
		screen  browser.Screen
		options []browser.Option
	}{
		"phone":                  {browser.Phone, nil},
		"desktop without script": {browser.Desktop, []browser.Option{browser.NoScript}},
	} {
		t.Run(name, func(t *testing.T) {
			l := testapp.Serve(t)
			who := func(login string) string { return l.One(`SELECT id FROM person WHERE login = $1`, login) }
			ines, youssef, nadia, again := who("ines.kermadec"), who("youssef.kermadec"), who("nadia.kermadec"), secondRecord(t, l.App)
			tab := chromium.Tab(t, way.screen, way.options...)
			key, value := l.Cookie("claire.fontaine")
			tab.SetCookie(l.URL, key, value)

			tab.Go(l.URL + "/ecole")
			tab.CheckPage("ecole")
			tab.Click("Qui peut joindre qui")
			tab.CheckPage("ecole-joindre")
			tab.Click("Les parents de la classe")
			tab.Click("Enregistrer")
			tab.WaitText("Réglage propre à votre école")
			tab.CheckPage("ecole-joindre-change")
			tab.Click("Revenir aux réglages habituels")
			tab.WaitText("Les réglages habituels sont revenus")

			tab.Go(l.URL + "/ecole/famille/" + ines + "/" + youssef)
			tab.CheckPage("ecole-acces")
			tab.Fill("Dernier jour", "2026-12-31")
			tab.Fill("Note de la direction", "Jugement")
			tab.Click("Suspendre l’accès")
			tab.WaitText("ce qui a été décidé")
			tab.CheckPage("ecole-acces-faux")
			tab.Fill("Note de la direction", "Jugement du 12 novembre, tribunal judiciaire")
			tab.Click("Suspendre l’accès")
			tab.WaitText("L’accès est suspendu")
			tab.CheckPage("ecole-acces-suspendu")
			tab.Click("Inès Kermadec")
			tab.WaitText("Accès suspendu")
			tab.CheckPage("classe-eleve-suspendu")
			tab.Click("Corriger le nom : Youssef Kermadec")
			tab.Fill("Prénom", "")
			tab.CheckPage("classe-nom")

			tab.Go(l.URL + "/ecole/fusion?nom=kermadec")
			tab.CheckPage("ecole-fusion-chercher")
			tab.Go(l.URL + "/ecole/fusion?fiche=" + nadia + "&fiche=" + youssef)
			tab.CheckPage("ecole-fusion-refus")
			tab.Go(l.URL + "/ecole/fusion?fiche=" + nadia + "&fiche=" + again)
			tab.CheckPage("ecole-fusion")
			tab.Click("Oui, réunir les deux fiches")
			tab.WaitText("Les deux fiches sont réunies")
		})
	}
}

// secondRecord adds a record of Nadia's name, with another child.
func secondRecord(t *testing.T, a *testapp.App) (id string) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		ctx, now := t.Context(), a.Core.Clock.Now()
		school, err := db.Value[string](ctx, tx, `SELECT id FROM school WHERE uai = '0809876A'`)
		if err != nil {
			return err
		}
		class, err := db.Value[string](ctx, tx, `SELECT id FROM class WHERE label = 'GS' AND school = $1`, school)
		if err != nil {
			return err
		}
		g := rights.System("test").For(school)
		p, err := people.CreatePersons(ctx, tx, g, now, []people.Person{{First: "Nadia", Last: "Kermadec", Phone: "0600000000"}, {First: "Ada", Last: "Kermadec", Birth: "2021-01-01"}})
		if err != nil {
			return err
		}
		id = p[0].ID
		return people.Apply(ctx, tx, g, now, people.Change{School: school,
			Join:  []people.Membership{{Person: id, School: school, Profile: rights.Relative}, {Person: p[1].ID, School: school, Profile: rights.Pupil}},
			Enter: []people.Place{{Person: p[1].ID, Class: class, Profile: rights.Pupil, Level: "GS"}},
			Link:  []people.Link{{Relative: id, Pupil: p[1].ID}}})
	}); err != nil {
		t.Fatal(err)
	}
	return id
}
