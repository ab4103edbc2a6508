package server_test

import (
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"marelle/internal/kernel/app"
	"marelle/internal/testkit/testapp"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// columns are who tries each route: a stranger, then people of the sample seen
// from the class CE1 B, then the neighbouring school.
var columns = []struct{ name, login string }{
	{"stranger", ""},
	{"relative", "nadia.kermadec"},
	{"relative elsewhere", "?relative"},
	{"pupil", "ines.kermadec"},
	{"pupil elsewhere", "?pupil"},
	{"teacher", "helene.duvivier"},
	{"teacher elsewhere", "antoine.mercier"},
	{"staff", "martine.wallon"},
	{"head", "claire.fontaine"},
	{"operator", "odile.portail"},
	{"other school: relative", "parent.duport"},
	{"other school: teacher", "maitre.duport"},
	{"other school: head", "directrice.duport"},
}

// The matrix of rights: every route, tried by everybody. A change of rights
// shows as a line of this file.
func TestRightsMatrix(t *testing.T) {
	type row struct{ route, need string }
	cells := map[row][]string{}
	var order []row
	for _, c := range columns {
		a := testapp.New(t)
		login := c.login
		switch login {
		case "?relative", "?pupil":
			profile := login[1:]
			login = a.One(`SELECT min(p.login) FROM person p JOIN membership m ON m.person = p.id AND m.profile = $1 JOIN school s ON s.id = m.school AND s.uai = '0809876A'
				WHERE p.activated_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM person_principal pp JOIN class cl ON pp.principal = 'class:' || cl.id || ':' || $1
				WHERE pp.person = p.id AND cl.label = 'CE1 B')`, profile)
		}
		path := a.Paths(nil)
		routes := a.Routes()
		// What changes something comes after what only shows.
		slices.SortStableFunc(routes, func(x, y app.Route) int { return strings.Compare(x.Method, y.Method) })
		for _, r := range routes {
			p := a.Stranger()
			if login != "" {
				p = a.As(login)
			}
			var page *testapp.Page
			switch r.Method {
			case http.MethodPost:
				page = p.Post(path(r))
			default:
				page = p.Do(r.Method, path(r), "", nil)
			}
			if page.Status >= 500 {
				t.Errorf("%s %s as %s: %d", r.Method, r.Pattern, c.name, page.Status)
			}
			k := row{r.Method + " " + r.Pattern, r.Need.String()}
			if cells[k] == nil {
				order = append(order, k)
			}
			status := fmt.Sprint(page.Status)
			if to := page.Header.Get("Location"); page.Status == http.StatusSeeOther && strings.HasPrefix(to, "/connexion") {
				status = "sign" // sent to sign in
			}
			cells[k] = append(cells[k], status)
		}
	}
	slices.SortFunc(order, func(x, y row) int {
		return strings.Compare(strings.SplitN(x.route, " ", 2)[1]+x.route, strings.SplitN(y.route, " ", 2)[1]+y.route)
	})
	var b strings.Builder
	b.WriteString("# Route, need, then one column each: ")
	for i, c := range columns {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.name)
	}
	b.WriteString("\n# \"sign\" is a redirection to /connexion; forms are sent empty.\n")
	for _, k := range order {
		fmt.Fprintf(&b, "%-52s %-24s %s\n", k.route, k.need, strings.Join(cells[k], " "))
	}
	golden(t, "testdata/rights.txt", b.String())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) == got {
		return
	}
	old := strings.Split(string(want), "\n")
	for _, line := range strings.Split(got, "\n") {
		if !slices.Contains(old, line) {
			t.Errorf("%s has not: %s", file, line)
		}
	}
	t.Errorf("%s differs; after a look, go test ./internal/server -run %s -update", file, t.Name())
}
