package arch

import (
	"fmt"
	"go/ast"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// rule reads one file and says what is wrong with it.
type rule struct {
	name string
	find func(f *file) []string
	// A source that it must refuse, and where it would stand.
	path, planted string
}

// dialectMay lists who may write one thing for SQLite and another for
// PostgreSQL; the rest writes one text of SQL for both.
var dialectMay = []string{"internal/platform/db", "internal/platform/jobs", "internal/backup", "internal/kernel/search", "cmd/marelle/doctor.go", "internal/testkit", "bench"}

// wallClockMay lists who may read the system's clock; the rest asks platform/clock.
var wallClockMay = []string{
	"internal/platform/clock", "internal/testkit", "bench", "e2e",
	"internal/platform/jobs/jobs.go",  // River compares its due times with the system's clock
	"internal/platform/mail/mailtest", // waits for a message in real time
	"cmd/marelle/doctor.go",           // looks at the machine itself
	"internal/server/metrics.go",      // how long an answer took
	"internal/platform/clamav",        // until when a daemon may be silent
	"internal/platform/web/serve.go",  // until when the network may send a body
}

// rawMay lists who may put HTML into a page as it is.
var rawMay = []string{"internal/platform/richtext"}

var rules = []rule{
	{"dialect", func(f *file) (bad []string) {
		if f.ast == nil || f.test() || under(f.path, dialectMay...) {
			return nil
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, _ := s.X.(*ast.Ident)
			if s.Sel.Name == "Dialect" || x != nil && x.Name == "db" && (s.Sel.Name == "SQLite" || s.Sel.Name == "Postgres") {
				bad = append(bad, fmt.Sprintf("%s:%d branches by database", f.path, f.line(n)))
			}
			return true
		})
		return bad
	}, "internal/kernel/people/x.go", `package people
func f(d *db.DB) { if d.Dialect() == db.SQLite {} }`},

	{"wall clock", func(f *file) []string {
		if f.test() || under(f.path, wallClockMay...) {
			return nil
		}
		return selectors(f, "time", "Now", "reads the system's clock instead of platform/clock")
	}, "internal/kernel/people/x.go", `package people
import "time"
func f() time.Time { return time.Now() }`},

	{"raw HTML", func(f *file) []string {
		if under(f.path, rawMay...) {
			return nil
		}
		if f.templ() {
			return matches(f, regexp.MustCompile(`templ\.Raw\(|template\.HTML\(`), "puts HTML into a page unchecked")
		}
		if f.generated() { // its .templ file is read instead
			return nil
		}
		return append(selectors(f, "templ", "Raw", "puts HTML into a page unchecked"), selectors(f, "template", "HTML", "puts HTML into a page unchecked")...)
	}, "internal/ui/x.templ", "package ui\n\ntempl X(s string) { @templ.Raw(s) }"},

	{"html/template", func(f *file) (bad []string) {
		if f.ast == nil {
			return nil
		}
		for _, i := range f.ast.Imports {
			if i.Path.Value == `"html/template"` {
				bad = append(bad, f.path+" imports html/template: pages are templ (several times slower, and a second way)")
			}
		}
		return bad
	}, "internal/ui/x.go", "package ui\nimport _ \"html/template\""},

	{"init", func(f *file) (bad []string) {
		if f.ast == nil || f.generated() {
			return nil
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				bad = append(bad, fmt.Sprintf("%s:%d has an init function: declare, do not register", f.path, f.line(fn)))
			}
		}
		return bad
	}, "internal/ui/x.go", "package ui\nfunc init() {}"},

	{"length", func(f *file) []string {
		if n := strings.Count(f.text, "\n"); n > 700 && !f.generated() {
			return []string{fmt.Sprintf("%s has %d lines: split it by subject", f.path, n)}
		}
		return nil
	}, "internal/ui/x.go", "package ui\n" + strings.Repeat("\n", 700)},

	// The content security policy refuses them all in the browser.
	{"inline", func(f *file) []string {
		if !f.templ() {
			return nil
		}
		return matches(f, regexp.MustCompile(`(?i)\sstyle\s*=|<style[\s>]|<script>|<script\s+(type="module")?>|[\s"]on[a-z]+\s*=\s*["{]|hx-on|"javascript:`), "carries inline style or script")
	}, "internal/ui/x.templ", "package ui\n\ntempl X() { <p style=\"color: red\">x</p> }"},
}

func TestSources(t *testing.T) {
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			planted, err := parse(r.path, r.planted)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.find(planted)) == 0 {
				t.Errorf("the rule lets this pass: %s", r.planted)
			}
			for _, f := range files(t) {
				for _, bad := range r.find(f) {
					t.Error(bad)
				}
			}
		})
	}
}

func TestInlineKnowsItsForms(t *testing.T) {
	for text, bad := range map[string]bool{
		`<button onclick="x()">`: true, `<script>alert(1)</script>`: true, `<script src="/x.js"></script>`: false, `<p hx-on:click="x">`: true,
		`<style>p {}</style>`: true, `<p class="style">on = 1</p>`: false, `<a href="javascript:x">`: true, `<link rel="stylesheet" href={ u }/>`: false,
	} {
		f, err := parse("internal/ui/x.templ", "package ui\n\ntempl X() { "+text+" }")
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			if r.name == "inline" && (len(r.find(f)) > 0) != bad {
				t.Errorf("%s: refused should be %v", text, bad)
			}
		}
	}
}

// selectors finds every mention of x.name in a Go file.
func selectors(f *file, x, name, why string) (bad []string) {
	if f.ast == nil {
		return nil
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == name {
			if id, ok := s.X.(*ast.Ident); ok && id.Name == x {
				bad = append(bad, fmt.Sprintf("%s:%d %s", f.path, f.line(n), why))
			}
		}
		return true
	})
	return bad
}

// matches finds every line of a text that fits the expression.
func matches(f *file, re *regexp.Regexp, why string) (bad []string) {
	for i, line := range strings.Split(f.text, "\n") {
		if re.MatchString(line) {
			bad = append(bad, fmt.Sprintf("%s:%d %s: %s", f.path, i+1, why, strings.TrimSpace(line)))
		}
	}
	return bad
}

// text is the value of a string literal; ok is false for any other expression.
func text(e ast.Expr) (s string, ok bool) {
	l, ok := e.(*ast.BasicLit)
	if !ok {
		return "", false
	}
	s, err := strconv.Unquote(l.Value)
	return s, err == nil && l.Value[0] != '\''
}
