// Package paper reads a PDF back as people and their telephones do: its words,
// its pages as pictures, and the codes on them. It knows nothing of what is
// printed.
package paper

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Sheets is what a PDF says.
type Sheets struct {
	Text     string
	Codes    []string // read from the pictures of the pages
	Pictures []string // a PNG file for each page, at 110 points an inch
}

// Read runs poppler and zbar over a PDF. With PAPER_DIR set the pages stay there.
func Read(t testing.TB, pdf []byte) Sheets {
	t.Helper()
	for tool, pkg := range map[string]string{"pdftotext": "poppler-utils", "pdftoppm": "poppler-utils", "zbarimg": "zbar-tools"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is needed to read paper back: install the package %s", tool, pkg)
		}
	}
	dir := t.TempDir()
	if keep := os.Getenv("PAPER_DIR"); keep != "" {
		var err error
		if dir, err = os.MkdirTemp(keep, strings.ReplaceAll(t.Name(), "/", "-")+"-"); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(dir, "paper.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(name string, arg ...string) string {
		out, err := exec.Command(name, arg...).Output()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return string(out)
	}
	s := Sheets{Text: run("pdftotext", "-layout", file, "-")}
	run("pdftoppm", "-r", "110", "-png", file, filepath.Join(dir, "page"))
	var err error
	if s.Pictures, err = filepath.Glob(filepath.Join(dir, "page*.png")); err != nil {
		t.Fatal(err)
	}
	for _, p := range s.Pictures {
		out, _ := exec.Command("zbarimg", "--quiet", "--raw", "-Sdisable", "-Sqrcode.enable", p).Output() // fails on a page without a code
		s.Codes = append(s.Codes, strings.Fields(string(out))...)
	}
	return s
}
