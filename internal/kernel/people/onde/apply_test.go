package onde

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"marelle/internal/platform/i18n"
)

// failer is what testing.TB and rapid.T share.
type failer interface {
	Helper()
	Fatalf(string, ...any)
}

// school is a directory in memory: the test's own reading of what it means to
// apply a Plan.
type school struct {
	Snapshot
	next int
}

func (s *school) apply(t failer, p Plan) {
	t.Helper()
	ids := map[Ref]string{}
	id := func(r Ref) string {
		if r == "" || !r.New() {
			return string(r)
		}
		if ids[r] == "" {
			s.next++
			ids[r] = fmt.Sprintf("%04d", s.next)
		}
		return ids[r]
	}
	s.School = true
	for _, o := range p.Classes {
		c := ClassState{ID: id(o.Ref), Label: o.Label, ONDE: o.ONDE, Levels: o.Levels}
		if o.Action == Create {
			s.Classes = append(s.Classes, c)
			continue
		}
		at(t, s.Classes, c.ID, func(x *ClassState) string { return x.ID }, func(x *ClassState) { *x = c })
	}
	room := map[string]bool{"": true}
	for _, c := range s.Classes {
		if room[c.ID] {
			t.Fatalf("class %s is created twice", c.ID)
		}
		room[c.ID] = true
	}
	for _, o := range p.Pupils {
		x := o.Pupil
		x.ID, x.Class = id(o.Ref), id(o.Class)
		if !room[x.Class] {
			t.Fatalf("pupil %v in unknown class %q", x, x.Class)
		}
		if o.Action == Leave {
			x.Class = string(o.From)
		}
		if o.Action == Create {
			s.Pupils = append(s.Pupils, x)
			continue
		}
		at(t, s.Pupils, x.ID, func(x *PupilState) string { return x.ID }, func(y *PupilState) { *y = x })
	}
	for _, o := range p.Relatives {
		x := o.Relative
		x.ID = id(o.Ref)
		if o.Action == Create {
			x.Children = nil
			s.Relatives = append(s.Relatives, x)
			continue
		}
		at(t, s.Relatives, x.ID, func(x *RelativeState) string { return x.ID }, func(y *RelativeState) { x.Children = y.Children; *y = x })
	}
	for _, o := range p.Teachers {
		x := o.Teacher
		x.ID = id(o.Ref)
		for _, c := range o.Classes {
			if !room[id(c)] {
				t.Fatalf("teacher %v in unknown class %q", x, c)
			}
			x.Classes = append(append([]string(nil), x.Classes...), id(c))
		}
		if o.Action == Create && !o.Attached {
			s.Staff = append(s.Staff, x)
			continue
		}
		at(t, s.Staff, x.ID, func(x *StaffState) string { return x.ID }, func(y *StaffState) { *y = x })
	}
	for _, l := range p.Links {
		rel, kid := id(l.Relative), id(l.Pupil)
		at(t, s.Pupils, kid, func(x *PupilState) string { return x.ID }, func(*PupilState) {})
		at(t, s.Relatives, rel, func(x *RelativeState) string { return x.ID }, func(x *RelativeState) {
			var out []string
			for _, c := range x.Children {
				if c == kid && !l.Remove {
					t.Fatalf("link %v exists already", l)
				}
				if c != kid {
					out = append(out, c)
				}
			}
			if !l.Remove {
				out = append(out, kid)
			}
			x.Children = out
		})
	}
	seen := map[string]bool{}
	for _, p := range s.Pupils {
		if seen[p.ID] {
			t.Fatalf("pupil %s is there twice", p.ID)
		}
		seen[p.ID] = true
	}
}

func at[T any](t failer, in []T, id string, of func(*T) string, do func(*T)) {
	t.Helper()
	for i := range in {
		if of(&in[i]) == id {
			do(&in[i])
			return
		}
	}
	t.Fatalf("the plan names %q, whom nobody knows", id)
}

var catalogue *i18n.Catalog

func say(key string, args map[string]any) string {
	if catalogue == nil {
		c, err := i18n.New(Messages())
		if err != nil {
			panic(err)
		}
		catalogue = c
	}
	return catalogue.Render(key, args)
}

// kinds counts the cases of a plan.
func kinds(p Plan) map[string]int {
	out := map[string]int{}
	for _, c := range p.Cases {
		out[c.Kind]++
	}
	return out
}

func caseIDs(p Plan) string {
	var ids []string
	for _, c := range p.Cases {
		ids = append(ids, c.ID)
	}
	sort.Strings(ids)
	return strings.Join(ids, " ")
}

// imports plans, applies, and checks that doing it again changes nothing and
// asks the same.
func (s *school) imports(t testing.TB, opt Options, files ...File) Plan {
	t.Helper()
	if opt.Year == 0 {
		opt.Year = 2026
	}
	p := Compare(files, s.Snapshot, opt)
	s.apply(t, p)
	again := Compare(files, s.Snapshot, opt)
	if !again.Empty() {
		t.Fatalf("importing again is not idle: %s", dump(again))
	}
	if a, b := caseIDs(p), caseIDs(again); a != b {
		t.Fatalf("cases differ the second time:\n%s\n%s\n%s\n%s", a, b, dump(p), dump(again))
	}
	return p
}

func dump(p Plan) string {
	var b bytes.Buffer
	if err := p.Write(&b, say); err != nil {
		return err.Error()
	}
	return b.String()
}

// csv reads lines given as one text: rows separated by newlines.
func csv(t testing.TB, name, text string) File {
	t.Helper()
	f, err := Read(name, strings.NewReader(strings.TrimLeft(text, "\n")))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

func load(t testing.TB, pattern string) []File {
	t.Helper()
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no files for %s", pattern)
	}
	var out []File
	for _, p := range paths {
		r, err := os.Open(p)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read(p, r)
		_ = r.Close()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, f)
	}
	return out
}
