package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	reads     = regexp.MustCompile(`(?is)^\s*(SELECT|WITH)\s`)
	scopeForm = regexp.MustCompile(`^// ?scope: *\S`) // gofmt adds the space in a doc comment
	writes    = regexp.MustCompile(`(?is)^\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s`)
)

// scopeLint holds the SQL of an app's store to the two locks of rights: what
// reads takes a Scope or a Grant (or says in a "//scope:" comment what filters
// it), what writes takes a Grant. SQL outside of functions has no parameters
// and so must say it.
func scopeLint(f *file) (bad []string) {
	if f.ast == nil || f.test() || !strings.HasPrefix(f.path, "internal/apps/") || !strings.HasPrefix(path.Base(f.path), "store") {
		return nil
	}
	said := map[int]bool{} // lines with a scope comment
	for _, group := range f.ast.Comments {
		for _, c := range group.List {
			if scopeForm.MatchString(c.Text) {
				said[f.fset.Position(c.Pos()).Line] = true
			}
		}
	}
	for _, d := range f.ast.Decls {
		scope, grant := false, false
		name := "a declaration"
		if fn, ok := d.(*ast.FuncDecl); ok {
			name = fn.Name.Name
			fields := fn.Type.Params.List
			if fn.Recv != nil {
				fields = append(fields[:len(fields):len(fields)], fn.Recv.List...)
			}
			for _, p := range fields {
				typ := typeName(p.Type)
				scope = scope || typ == "Scope"
				grant = grant || strings.HasSuffix(typ, "Grant")
			}
		}
		from, to := d.Pos(), d.End()
		if doc := docOf(d); doc != nil {
			from = doc.Pos()
		}
		explained := false
		for line := range said {
			explained = explained || line >= f.fset.Position(from).Line && line <= f.fset.Position(to).Line
		}
		if explained {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			e, ok := n.(ast.Expr)
			if !ok {
				return true
			}
			sql, ok := text(e)
			switch {
			case !ok:
			case writes.MatchString(sql) && !grant:
				bad = append(bad, fmt.Sprintf("%s:%d %s writes without a rights.Grant: take one, or say why in a //scope: comment", f.path, f.line(n), name))
			case reads.MatchString(sql) && !grant && !scope:
				bad = append(bad, fmt.Sprintf("%s:%d %s reads without a rights.Scope or Grant: take one, or say what filters it in a //scope: comment", f.path, f.line(n), name))
			}
			return true
		})
	}
	return bad
}

func docOf(d ast.Decl) *ast.CommentGroup {
	switch d := d.(type) {
	case *ast.FuncDecl:
		return d.Doc
	case *ast.GenDecl:
		if d.Tok != token.IMPORT {
			return d.Doc
		}
	}
	return nil
}

// typeName is the last word of a type: "Scope" of rights.Scope, *rights.Scope.
func typeName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeName(e.X)
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.Ident:
		return e.Name
	}
	return ""
}

func TestEveryQueryOfAnAppIsScoped(t *testing.T) {
	for _, f := range files(t) {
		for _, bad := range scopeLint(f) {
			t.Error(bad)
		}
	}
}

func TestScopeLint(t *testing.T) {
	for _, c := range []struct {
		source string
		bad    int
	}{
		{"func list(q db.Querier) { q.Query(`SELECT 1 FROM post`) }", 1},
		{"func list(q db.Querier) { q.Query(`\n  WITH x AS (SELECT 1) SELECT * FROM x`) }", 1},
		{"func list(q db.Querier, s rights.Scope) { q.Query(`SELECT 1 FROM post`) }", 0},
		{"func one(q db.Querier, g rights.Grant) { q.Query(`SELECT 1 FROM post`) }", 0},
		{"func one(q db.Querier, g *PostGrant) { q.Query(`SELECT 1 FROM post`) }", 0},
		{"//scope: one row of the person, by its key\nfunc own(q db.Querier) { q.Query(`SELECT 1 FROM post`) }", 0},
		{"//scope:\nfunc own(q db.Querier) { q.Query(`SELECT 1 FROM post`) }", 1},
		{"func own(q db.Querier) {\n\t//scope: the caller's own rows\n\tq.Query(`SELECT 1 FROM post`)\n}\nfunc other(q db.Querier) { q.Query(`SELECT 2`) }", 1},
		{"func write(tx *db.Tx, s rights.Scope) { tx.Exec(`UPDATE post SET n = 1`) }", 1},
		{"func write(tx *db.Tx, g rights.Grant) { tx.Exec(`INSERT INTO post VALUES (1)`) }", 0},
		{"const all = `SELECT 1 FROM post`", 1},
		{"func say() string { return `Selected` }", 0},
	} {
		f, err := parse("internal/apps/blog/store.go", "package blog\n"+c.source)
		if err != nil {
			t.Fatal(err)
		}
		if bad := scopeLint(f); len(bad) != c.bad {
			t.Errorf("%s: %d faults %q, want %d", c.source, len(bad), bad, c.bad)
		}
	}
}
