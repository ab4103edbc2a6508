package dav_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"marelle/internal/testkit/testapp"
	"marelle/internal/testkit/tools"
)

// What litmus 0.13 finds in each of its parts: how many tests pass of how many
// that ran. docs/operate.md says why one does not, and seven more do not run.
var parts = []struct{ name, passes string }{
	{"basic", "16/16"}, {"copymove", "13/13"}, {"props", "30/30"}, {"locks", "33/34"},
}

var verdict = regexp.MustCompile("<- summary for `(\\w+)': of (\\d+) tests run: (\\d+) passed, (\\d+) failed")

// Litmus, the suite of those who made the first WebDAV server, against a real
// listener.
func TestLitmus(t *testing.T) {
	dir := "/usr/libexec/litmus"
	_, err := os.Stat(filepath.Join(dir, "basic"))
	tools.Need(t, err == nil, "litmus")
	a := testapp.Serve(t)
	key := keyOf(t, a.App, "helene.duvivier")
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			cmd := exec.Command(filepath.Join(dir, p.name), "--htdocs", "/usr/share/litmus/htdocs", a.URL+"/dav/Mes%20documents/", "helene.duvivier", key)
			cmd.Dir = t.TempDir()
			out, err := cmd.CombinedOutput()
			var got []string
			for _, m := range verdict.FindAllStringSubmatch(string(out), -1) {
				got = append(got, m[3]+"/"+m[2])
			}
			if said := strings.Join(got, " "); said != p.passes {
				t.Errorf("%s: %s pass, not %s (%v)\n%s", p.name, said, p.passes, err, out)
			}
		})
	}
}
