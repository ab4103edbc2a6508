package arch

import (
	"go/ast"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestKitShowsEveryComponent holds internal/ui to its own showcase, without
// exception: a component that the kit does not draw is one that nobody looks at
// in every theme.
func TestKitShowsEveryComponent(t *testing.T) {
	all := components(files(t))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !all[name] {
			t.Errorf("ui.%s is not in the kit: show it, in each of its states, in internal/ui/kit*.templ", name)
		}
	}
	if len(all) < 60 {
		t.Errorf("only %d components seen", len(all))
	}
}

func TestKitMissesAComponent(t *testing.T) {
	var planted []*file
	for name, text := range map[string]string{
		"piece_templ.go": "package ui\nfunc Card() templ.Component { return nil }\nfunc Fold() templ.Component { return Card() }\nfunc tool() templ.Component { return nil }\nfunc Size() string { return \"\" }\nfunc (p Props) Icon() templ.Component { return nil }",
		"kit_templ.go":   "package ui\nfunc kitMoves() templ.Component { return Card() }",
	} {
		f, err := parse("internal/ui/"+name, text)
		if err != nil {
			t.Fatal(err)
		}
		planted = append(planted, f)
	}
	got := components(planted)
	if len(got) != 2 || !got["Card"] || got["Fold"] {
		t.Errorf("components: %v", got)
	}
}

// components are the exported components of internal/ui, and whether the kit's
// own files draw them.
func components(all []*file) map[string]bool {
	drawn := map[string]bool{}
	var named []string
	for _, f := range all {
		if f.ast == nil || f.test() || path.Dir(f.path) != "internal/ui" {
			continue
		}
		kit := strings.HasPrefix(path.Base(f.path), "kit")
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.IsExported() && isComponent(fn) {
				named = append(named, fn.Name.Name)
			}
		}
		if !kit {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			if c, ok := n.(*ast.CallExpr); ok {
				if id, ok := c.Fun.(*ast.Ident); ok {
					drawn[id.Name] = true
				}
			}
			return true
		})
	}
	out := map[string]bool{}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(named))) {
		out[name] = drawn[name]
	}
	return out
}

// isComponent says whether a function gives a templ.Component alone.
func isComponent(fn *ast.FuncDecl) bool {
	if fn.Type.Results == nil || len(fn.Type.Results.List) != 1 {
		return false
	}
	s, ok := fn.Type.Results.List[0].Type.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != "Component" {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "templ"
}
