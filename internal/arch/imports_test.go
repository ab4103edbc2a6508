package arch

import (
	"fmt"
	"path"
	"strings"
	"testing"
)

// layer is a part of the tree and the parts that it may import; the first that
// fits a path stands. Imports go down only.
type layer struct {
	at  string
	may []string
}

var layers = []layer{
	{"cmd", []string{"cmd", "internal/server", "internal/apps", "internal/sample", "internal/backup", "internal/kernel", "internal/ui", "internal/platform", "internal/licence"}},
	{"internal/sample", []string{"internal/kernel", "internal/platform"}},
	{"internal/server", []string{"internal/apps", "internal/kernel", "internal/ui", "internal/platform", "internal/licence"}},
	{"internal/backup", []string{"internal/kernel", "internal/platform"}},
	{"internal/apps/*", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	{"internal/apps", []string{"internal/apps", "internal/kernel", "internal/platform"}},
	// The contract of an app carries its paint and its icon, and its router shows error pages.
	{"internal/kernel/app", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	// The ways in are pages too.
	{"internal/kernel/session", []string{"internal/kernel", "internal/ui", "internal/platform", "internal/licence"}},
	// And so is the page of what one is told of.
	{"internal/kernel/tell", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	// And the window in which one chooses files.
	{"internal/kernel/pick", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	// And what shows a file.
	{"internal/kernel/show", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	// And the window in which things are shared.
	{"internal/kernel/share", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	// And the page of one's data.
	{"internal/kernel/export", []string{"internal/kernel", "internal/ui", "internal/platform"}},
	{"internal/kernel", []string{"internal/kernel", "internal/platform"}},
	{"internal/ui", []string{"internal/ui", "internal/platform"}},
	{"internal/platform", []string{"internal/platform"}},
	{"internal/licence", []string{"internal/licence"}},
	{"internal/arch", nil},
	// What only serves tests and measurements sees everything.
	{"internal/testkit", []string{"cmd", "internal"}},
	{"e2e", []string{"cmd", "internal", "e2e"}},
	{"bench", []string{"cmd", "internal", "bench"}},
}

// badImport says why a package of the product may not import another, or "".
func badImport(from, to string) string {
	for _, l := range layers {
		own := l.at
		if dir, ok := strings.CutSuffix(l.at, "/*"); ok {
			rest, below := strings.CutPrefix(from, dir+"/")
			if !below {
				continue
			}
			app, _, _ := strings.Cut(rest, "/")
			own = dir + "/" + app
		} else if !under(from, l.at) {
			continue
		}
		if under(to, own) && own != l.at || under(to, l.may...) {
			return ""
		}
		return fmt.Sprintf("%s imports %s: %s may import only %v", from, to, l.at, l.may)
	}
	return from + " stands in no layer: name it in the list of layers"
}

func TestImportsGoDown(t *testing.T) {
	for _, p := range packages(t) {
		for _, imported := range p.Imports {
			if to := local(imported); to != "" {
				if why := badImport(p.path(), to); why != "" {
					t.Error(why)
				}
			}
		}
		// Tests may use the testkit; two apps stay strangers in tests as well.
		for _, imported := range append(p.TestImports, p.XTestImports...) {
			app, isApp := strings.CutPrefix(local(imported), "internal/apps/")
			if mine, ok := strings.CutPrefix(p.path(), "internal/apps/"); ok && isApp && app != mine {
				t.Errorf("the tests of %s import the app %s", p.path(), app)
			}
		}
	}
}

func TestLayersRefuse(t *testing.T) {
	for from, targets := range map[string]map[string]bool{
		"cmd/marelle":              {"internal/apps": true, "internal/testkit/browser": false, "e2e": false},
		"internal/apps/blog":       {"internal/apps/liaison": false, "internal/apps": false, "internal/apps/blog/draft": true, "internal/ui": true, "internal/kernel/rights": true, "internal/testkit": false},
		"internal/apps":            {"internal/apps/blog": true, "internal/server": false},
		"internal/kernel/people":   {"internal/kernel/rights": true, "internal/ui": false, "internal/apps/blog": false},
		"internal/platform/db":     {"internal/platform/errs": true, "internal/kernel/people": false, "internal/ui": false},
		"internal/ui":              {"internal/platform/i18n": true, "internal/kernel/rights": false},
		"internal/platformer/else": {"internal/platform/db": false},
	} {
		for to, may := range targets {
			if why := badImport(from, to); (why == "") != may {
				t.Errorf("%s → %s: allowed should be %v (%s)", from, to, may, why)
			}
		}
	}
}

// go list shows the doc of whichever file comes first, and a generated file's
// directives pass for one: the sources themselves are read.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said := map[string]bool{}
	for _, f := range files(t) {
		if f.ast != nil && f.ast.Doc != nil && !f.test() && !f.generated() && len(strings.Fields(f.ast.Doc.Text())) >= 8 {
			said[path.Dir(f.path)] = true
		}
	}
	for _, p := range packages(t) {
		if len(p.GoFiles) > 0 && !said[p.path()] {
			t.Errorf("%s has no doc comment that says what it is for", p.path())
		}
	}
}
