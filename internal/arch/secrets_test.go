package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	secretField = regexp.MustCompile(`(?s)ui\.Field\(ui\.FieldProps\{Name: "([a-z0-9]+)",(.*?)\}\)`)
	isSecret    = regexp.MustCompile(`Type: "password"|-password"|"one-time-code"`)
)

// A page that refuses a form gives back what was typed: no field of a secret may
// be missing from those it leaves out.
func TestNoSecretIsGivenBack(t *testing.T) {
	kept, err := os.ReadFile("../kernel/app/kept.go")
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(string(kept), "secrets = []string{")
	list, _, _ = strings.Cut(list, "}")
	found := 0
	for _, dir := range []string{"../kernel", "../apps"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".templ") {
				return err
			}
			b, err := os.ReadFile(path)
			for _, m := range secretField.FindAllStringSubmatch(string(b), -1) {
				if isSecret.MatchString(m[2]) {
					if found++; !strings.Contains(list, `"`+m[1]+`"`) {
						t.Errorf("%s: the field %q holds a secret that a page of refusal would show", path, m[1])
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 6 {
		t.Errorf("only %d fields of secrets found: the forms are written otherwise now", found)
	}
}
