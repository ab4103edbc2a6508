package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"os"
)

// The go command itself writes the input: a module with every way to end.
func TestTally(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module probe\n\ngo 1.26\n",
		"good/a_test.go": `package good
import "testing"
func TestPlain(t *testing.T) { t.Log("unheard") }
func TestParent(t *testing.T) { t.Run("one", func(t *testing.T) {}); t.Run("two", func(t *testing.T) {}) }
func TestLeft(t *testing.T) { t.Skip("unheard too") }
`,
		"bad/a_test.go": `package bad
import "testing"
func TestParent(t *testing.T) { t.Run("one", func(t *testing.T) {}); t.Run("two", func(t *testing.T) { t.Error("heard") }) }
`,
		"dies/a_test.go":   "package dies\nimport (\"os\"; \"testing\")\nfunc TestDies(t *testing.T) { println(\"last words\"); os.Exit(3) }\n",
		"broken/a_test.go": "package broken\nimport \"testing\"\nfunc TestX(t *testing.T) { undefined() }\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "test", "-json", "./...")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off")
	stdout, _ := cmd.Output() // it fails: that is what is read here
	var out strings.Builder
	tl := &tally{out: &out, packages: map[string]map[string]*result{}}
	if err := tl.read(strings.NewReader(string(stdout))); err != nil {
		t.Fatal(err)
	}
	if tl.passed != 4 || tl.failed != 3 || tl.skipped != 1 {
		t.Errorf("%d passed, %d failed, %d skipped; want 4, 3, 1", tl.passed, tl.failed, tl.skipped)
	}
	for _, want := range []string{"ok  \tprobe/good", "heard", "last words", "undefined: undefined", "FAIL\tprobe/broken"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "unheard") {
		t.Errorf("the output of a test that passed is shown:\n%s", &out)
	}
}
