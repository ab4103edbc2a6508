package classroom_test

import (
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// A teacher chooses two lines of the table, sees their sheets, notes a charter
// and takes it back, with scripts and without.
func TestTeacherPrintsAChoice(t *testing.T) {
	b := browser.Start(t)
	a := testapp.Serve(t)
	ce1 := class(a.App, "CE1 B")
	for _, o := range [][]browser.Option{nil, {browser.NoScript}} {
		tab := b.Tab(t, browser.Desktop, o...)
		name, value := a.Cookie("helene.duvivier")
		tab.SetCookie(a.URL, name, value)
		relative, _ := asleep(a.App, ce1)
		who := a.One(`SELECT first || ' ' || last FROM person WHERE id = $1`, relative)
		tab.Go(a.URL + "/classe/" + ce1 + "/familles")
		tab.Click("Charte signée sur papier par " + who)
		tab.WaitText("Charte notée comme signée")
		tab.Click("Charte signée sur papier par " + who)
		tab.WaitText("Signature retirée")
		tab.Click(`input[name="id"][value="` + relative + `"]`)
		tab.Click("Voir les fiches")
		tab.WaitText("Ne donnez ce code à personne")
		if !tab.Has(who) || len(code.FindAllString(tab.Text("main"), -1)) != 1 {
			t.Errorf("%s is not alone on the page:\n%s", who, strings.TrimSpace(tab.Text("main")))
		}
	}
}
