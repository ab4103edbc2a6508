package e2e

import (
	"regexp"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

var sheetCode = regexp.MustCompile(`\b[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{3}\b`)

// A teacher chooses two lines of the table, sees their sheets, notes a charter
// and takes it back, with scripts and without.
func TestTeacherPrintsAChoice(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	a := testapp.Serve(t)
	ce1 := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	for _, o := range [][]browser.Option{nil, {browser.NoScript}} {
		tab := b.Tab(t, browser.Desktop, o...)
		name, value := a.Cookie("helene.duvivier")
		tab.SetCookie(a.URL, name, value)
		relative := a.One(`SELECT f.relative FROM family_link f JOIN class_member cm ON cm.person = f.pupil AND cm.class = $1 AND cm.profile = 'pupil'
			JOIN person p ON p.id = f.relative WHERE p.activated_at IS NULL ORDER BY p.login LIMIT 1`, ce1)
		who := a.One(`SELECT first || ' ' || last FROM person WHERE id = $1`, relative)
		tab.Go(a.URL + "/classe/" + ce1 + "/familles")
		tab.Click("Charte signée sur papier par " + who)
		tab.WaitText("Charte notée comme signée")
		tab.Click("Charte signée sur papier par " + who)
		tab.WaitText("Signature retirée")
		tab.Click(`input[name="id"][value="` + relative + `"]`)
		tab.Click("Voir les fiches")
		tab.WaitText("Ne donnez ce code à personne")
		if !tab.Has(who) || len(sheetCode.FindAllString(tab.Text("main"), -1)) != 1 {
			t.Errorf("%s is not alone on the page:\n%s", who, strings.TrimSpace(tab.Text("main")))
		}
	}
}
