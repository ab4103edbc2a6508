package arch

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "marelle"

// pkg is what `go list` says of a package of the module; Path is without the
// module's own name ("internal/ui").
type pkg struct {
	ImportPath, Dir                    string
	GoFiles                            []string
	Imports, TestImports, XTestImports []string
}

func (p pkg) path() string { return local(p.ImportPath) }

// local strips the module's name; "" for a package from elsewhere.
func local(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, module+"/")
	if !ok {
		return ""
	}
	return rest
}

var root = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(out))), err
})

var list = sync.OnceValues(func() ([]pkg, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Dir,GoFiles,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
})

func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := list()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 5 {
		t.Fatalf("go list names only %d packages", len(all))
	}
	return all
}

// file is a parsed Go file, or the text of a .templ file (then AST is nil).
type file struct {
	path string // from the module's root, with slashes
	text string
	ast  *ast.File
	fset *token.FileSet
}

func (f *file) test() bool      { return strings.HasSuffix(f.path, "_test.go") }
func (f *file) generated() bool { return f.ast != nil && ast.IsGenerated(f.ast) }
func (f *file) templ() bool     { return strings.HasSuffix(f.path, ".templ") }

func (f *file) line(n ast.Node) int { return f.fset.Position(n.Pos()).Line }

// parse reads one source; it serves the tests of the rules too.
func parse(path, text string) (*file, error) {
	f := &file{path: path, text: text, fset: token.NewFileSet()}
	if f.templ() {
		return f, nil
	}
	tree, err := parser.ParseFile(f.fset, path, text, parser.ParseComments|parser.SkipObjectResolution)
	f.ast = tree
	return f, err
}

var sources = sync.OnceValues(func() ([]*file, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	var all []*file
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != dir && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".templ") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f, err := parse(filepath.ToSlash(rel), string(text))
		if err != nil {
			return err
		}
		all = append(all, f)
		return nil
	})
	return all, err
})

func files(t *testing.T) []*file {
	t.Helper()
	all, err := sources()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d sources found", len(all))
	}
	return all
}

// under says whether a path is one of the given ones or below it.
func under(path string, of ...string) bool {
	for _, o := range of {
		if path == o || strings.HasPrefix(path, o+"/") {
			return true
		}
	}
	return false
}
