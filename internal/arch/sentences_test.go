package arch

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	keyForm    = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`)
	prefixForm = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*\.$`)
	formatForm = regexp.MustCompile(`^[a-z][a-z0-9_]*\.[a-z0-9_.]*%[sdv][a-z0-9_.%]*$`)
)

// sentences is what the sources ask of the catalogues.
type sentences struct {
	shown    map[string]string // key → where a call certainly shows it
	literals map[string]bool   // every literal that looks like a key
	tails    []string          // what is put behind a key: key + ".pupil"
	parts    []*regexp.Regexp  // keys put together: "people.profile." + x
}

// read gathers the keys of a file. A call of i18n.T, errs.New and their kin
// names a key for certain; any other literal of that form may be one, so it
// only keeps a sentence alive.
func (s *sentences) read(f *file) {
	if f.ast == nil || f.test() {
		return
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if at := keyArgument(n); at >= 0 && at < len(n.Args) {
				if key, ok := text(n.Args[at]); ok && keyForm.MatchString(key) {
					s.shown[key] = fmt.Sprintf("%s:%d", f.path, f.line(n))
				}
			}
		case *ast.BinaryExpr: // key + ".pupil"
			if tail, ok := text(n.Y); ok && n.Op == token.ADD && strings.HasPrefix(tail, ".") && !slices.Contains(s.tails, tail) {
				s.tails = append(s.tails, tail)
			}
		case *ast.BasicLit:
			lit, ok := text(n)
			switch {
			case !ok:
			case keyForm.MatchString(lit):
				s.literals[lit] = true
			case prefixForm.MatchString(lit):
				s.parts = append(s.parts, regexp.MustCompile("^"+regexp.QuoteMeta(lit)))
			case formatForm.MatchString(lit):
				quoted := regexp.MustCompile(`%[sdv]`).ReplaceAllString(regexp.QuoteMeta(lit), `[a-z0-9_]+`)
				s.parts = append(s.parts, regexp.MustCompile("^"+quoted+"$"))
			}
		}
		return true
	})
}

// keyArgument is the place of the key among the arguments of a call that takes
// one, or -1.
func keyArgument(call *ast.CallExpr) int {
	s, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return -1
	}
	x, _ := s.X.(*ast.Ident)
	of := ""
	if x != nil {
		of = x.Name
	}
	switch {
	case of == "i18n" && s.Sel.Name == "T", of == "errs" && s.Sel.Name == "New", of == "errs" && s.Sel.Name == "Field":
		return 1
	case of == "errs" && s.Sel.Name == "Wrap":
		return 2
	case of == "errs" && s.Sel.Name == "Msg", s.Sel.Name == "T", s.Sel.Name == "Render":
		return 0
	case s.Sel.Name == "Add" && len(call.Args) >= 2: // errs.Fields
		return 1
	}
	return -1
}

// faults compares with the catalogues' keys (key → file).
func (s *sentences) faults(catalogue map[string]string) (bad []string) {
	for key, where := range s.shown {
		if _, ok := catalogue[key]; !ok {
			bad = append(bad, fmt.Sprintf("%s: no catalogue has the sentence %q", where, key))
		}
	}
	known := func(key string) bool {
		return s.literals[key] || slices.ContainsFunc(s.parts, func(re *regexp.Regexp) bool { return re.MatchString(key) })
	}
	for key, where := range catalogue {
		used := s.literals[key] || slices.ContainsFunc(s.tails, func(tail string) bool {
			stem, ok := strings.CutSuffix(key, tail)
			return ok && known(stem)
		}) || slices.ContainsFunc(s.parts, func(re *regexp.Regexp) bool { return re.MatchString(key) })
		if !used {
			bad = append(bad, fmt.Sprintf("%s: nobody shows the sentence %q", where, key))
		}
	}
	slices.Sort(bad)
	return bad
}

func newSentences() *sentences {
	return &sentences{shown: map[string]string{}, literals: map[string]bool{}}
}

func TestEverySentenceExistsAndIsShown(t *testing.T) {
	s := newSentences()
	for _, f := range files(t) {
		s.read(f)
	}
	dir, err := root()
	if err != nil {
		t.Fatal(err)
	}
	catalogue := map[string]string{}
	for _, p := range packages(t) {
		path := filepath.Join(p.Dir, "i18n", "fr.json")
		data, err := os.ReadFile(path)
		if os.IsNotExist(err) {
			continue
		}
		var keys map[string]any
		if err == nil {
			err = json.Unmarshal(data, &keys)
		}
		if err != nil {
			t.Fatal(err)
		}
		for key := range keys {
			catalogue[key], _ = filepath.Rel(dir, path)
		}
	}
	for _, bad := range s.faults(catalogue) {
		t.Error(bad)
	}
}

func TestSentences(t *testing.T) {
	f, err := parse("internal/kernel/x/x.go", `package x
func f() {
	i18n.T(ctx, "x.shown")
	errs.New(errs.Invalid, "x.absent")
	fields.Add("name", "x.field")
	say("x.profile." + p)
	fmt.Sprintf("x.%s.title", p)
	list := []string{"x.listed"}
}`)
	if err != nil {
		t.Fatal(err)
	}
	s := newSentences()
	s.read(f)
	got := s.faults(map[string]string{"x.shown": "fr", "x.profile.head": "fr", "x.page.title": "fr", "x.page.other": "fr", "x.listed": "fr", "x.dead": "fr"})
	want := []string{
		`fr: nobody shows the sentence "x.dead"`,
		`fr: nobody shows the sentence "x.page.other"`,
		`internal/kernel/x/x.go:4: no catalogue has the sentence "x.absent"`,
		`internal/kernel/x/x.go:5: no catalogue has the sentence "x.field"`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
