package school

import (
	"context"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// homeView is the first page of the school's management.
type homeView struct {
	r       *app.Request
	school  people.School
	year    int
	figures map[rights.Profile]figures
	rooms   []room
	doubts  int
}

// staff are teachers and the other adults of the school together.
func (v homeView) staff() figures {
	a, b := v.figures[rights.Teacher], v.figures[rights.Staff]
	return figures{All: a.All + b.All, Active: a.Active + b.Active}
}

func (v homeView) empty() bool { return len(v.rooms) == 0 && v.figures[rights.Pupil].All == 0 }

// fileForm is the form that takes the files.
type fileForm struct {
	r        *app.Request
	year     int
	whole    bool
	faults   []string // sentences
	wrong    []string // names of the files that they are about
	past     []pastImport
	undoable string // id
}

func (f fileForm) field() ui.FieldProps {
	p := ui.FieldProps{Name: "fichiers", Label: f.r.T("school.import.files"), Help: f.r.T("school.import.files_help"), Multiple: true, Accept: ".csv,.txt,text/csv"}
	p.Error = strings.Join(f.faults, " ")
	return p
}

// summary says in short what stands under the field at length.
func (f fileForm) summary() []ui.FieldError {
	switch {
	case len(f.faults) == 0:
		return nil
	case len(f.wrong) == 0:
		return ui.Errors(f.field())
	}
	out := make([]ui.FieldError, len(f.wrong))
	for i, name := range f.wrong {
		out[i] = ui.FieldError{ID: "fichiers", Message: f.r.T("school.import.wrong", "file", name)}
	}
	return out
}

func (f fileForm) years() ui.FieldProps {
	p := ui.FieldProps{Name: "annee", Label: f.r.T("school.import.year")}
	now := people.Year(f.r.Viewer.Now)
	for _, y := range []int{now, now + 1} {
		p.Options = append(p.Options, ui.Option{Value: strconv.Itoa(y), Label: schoolYear(y), Selected: y == f.year})
	}
	return p
}

func (f fileForm) wholeBox() ui.FieldProps {
	return ui.FieldProps{Name: "tout", Label: f.r.T("school.import.whole"), Help: f.r.T("school.import.whole_help"), Checked: f.whole}
}

func schoolYear(y int) string { return strconv.Itoa(y) + "-" + strconv.Itoa(y+1) }

// pastImport is an import of before, with who asked for it.
type pastImport struct {
	people.Import
	who string
}

func (f fileForm) by(p pastImport) string {
	if p.who != "" {
		return p.who
	}
	return f.r.T("school.import.by_operator")
}

func when(r *app.Request, at *int64) string {
	if at == nil {
		return ""
	}
	zone := r.Viewer.Zone()
	return i18n.Ago(time.UnixMilli(*at).In(zone), r.Viewer.Now.In(zone))
}

// gist is an import in one line.
func gist(r *app.Request, c people.ImportCounts) string {
	var parts []string
	add := func(key string, n int) {
		if n > 0 {
			parts = append(parts, r.T(key, "n", n))
		}
	}
	add("school.gist.created", c.Pupils.Created+c.Relatives.Created+c.Teachers.Created)
	add("school.gist.changed", c.Pupils.Updated+c.Relatives.Updated+c.Teachers.Updated+c.Pupils.Moved+c.Teachers.Moved)
	add("school.gist.left", c.Pupils.Left+c.Relatives.Left+c.Teachers.Left)
	add("school.gist.doubtful", c.Doubtful)
	if len(parts) == 0 {
		return r.T("school.gist.nothing")
	}
	return strings.Join(parts, ", ")
}

// doneView is an import that was written.
type doneView struct {
	r        *app.Request
	imp      people.Import
	undoable bool
	newest   bool // its doubtful cases can be settled
}

// lines are the counts of an import, by kind of person.
func lines(r *app.Request, c people.ImportCounts) [][]string {
	var out [][]string
	for _, k := range []struct {
		key string
		n   onde.Counts
	}{{"pupils", c.Pupils}, {"relatives", c.Relatives}, {"teachers", c.Teachers}} {
		row := []string{r.T("onde.who." + k.key)}
		for _, n := range []int{k.n.Created, k.n.Updated, k.n.Moved, k.n.Left, k.n.Unchanged} {
			row = append(row, strconv.Itoa(n))
		}
		out = append(out, row)
	}
	return out
}

// col is a column of a table; numbers stand right, and what a phone has no room
// for shows on wide screens alone.
type col struct {
	label     string
	num, wide bool
}

// countHeads are the columns of lines.
func countHeads(r *app.Request) []col {
	out := heads(r, "onde.column.who")
	for _, k := range []string{"created", "updated", "moved", "left", "unchanged"} {
		out = append(out, col{label: r.T("onde.column." + k), num: true, wide: k == "unchanged"})
	}
	return out
}

func pastHeads(r *app.Request) []col {
	out := heads(r, "school.col.when", "school.col.who", "school.col.what", "school.col.state")
	out[1].wide = true
	return out
}

// besides is what an import does to classes and families, or did.
func besides(r *app.Request, c people.ImportCounts, done bool) string {
	if done {
		return r.T("school.done.classes", "n", c.Classes) + r.T("school.done.links", "n", c.FamilyLinks)
	}
	return r.T("onde.new_classes", "n", c.Classes) + ", " + r.T("onde.new_links", "n", c.FamilyLinks) + "."
}

func active(ctx context.Context, f figures) string {
	if f.Active == 0 {
		return i18n.T(ctx, "school.inactive")
	}
	return i18n.T(ctx, "school.active", "n", f.Active)
}

func roomHeads(r *app.Request) []col {
	out := append(heads(r, "school.col.class", "school.col.levels", "school.col.teachers"), col{label: r.T("school.col.pupils"), num: true})
	out[1].wide = true
	return out
}

// planView is a plan that waits for a yes, or whose cases wait.
type planView struct {
	r     *app.Request
	imp   people.Import
	plan  onde.Plan
	rows  map[onde.Origin]string
	made  map[string]onde.Choice
	names []string
}

func (v planView) counts() people.ImportCounts { return people.CountsOf(v.plan) }

// sections are the tables of the report, creations or all the rest; the cases
// have a form of their own.
func (v planView) sections(creations bool) []onde.Section {
	var out []onde.Section
	for _, s := range v.plan.Report() {
		if s.Key != "cases" && strings.HasSuffix(s.Key, ".create") == creations {
			out = append(out, s)
		}
	}
	return out
}

// open says which tables are unfolded at first: what takes something away or
// was refused.
func (v planView) open(s onde.Section) bool {
	return s.Key == "rejected" || strings.HasSuffix(s.Key, ".leave") || strings.HasSuffix(s.Key, ".move")
}

func (v planView) cell(c onde.Cell) string {
	if c.Key != "" {
		return v.r.Say(c.Message)
	}
	return c.Text
}

// question is a doubtful case as radio buttons: nothing is decided unless
// somebody does.
func (v planView) question(c onde.Case) ui.FieldProps {
	f := ui.FieldProps{Name: "cas-" + c.ID, Label: v.r.Say(c.Message)}
	made := v.made[c.ID]
	f.Options = append(f.Options, ui.Option{Value: "", Label: v.r.T("school.doubts.later"), Selected: made.Do == ""})
	for _, do := range c.Choices {
		if do != onde.Attach {
			f.Options = append(f.Options, ui.Option{Value: do, Label: v.r.T("onde.choice." + do), Selected: made.Do == do})
			continue
		}
		for _, cand := range c.Candidates {
			o := ui.Option{Value: do + " " + cand.Key, Label: v.r.T("school.doubts.it_is", "who", cand.Label), Selected: made.Do == do && made.Target == cand.Key}
			if cand.Hint.Key != "" {
				o.Help = v.r.Say(cand.Hint)
			}
			f.Options = append(f.Options, o)
		}
	}
	return f
}

// rowsOf tells what the files say, row by row, in words.
func rowsOf(r *app.Request, files []onde.File) map[onde.Origin]string {
	out := map[onde.Origin]string{}
	say := func(f onde.File, line int, parts ...string) {
		var kept []string
		for _, p := range parts {
			if p = strings.TrimSpace(p); p != "" {
				kept = append(kept, p)
			}
		}
		out[onde.Origin{File: f.Name, Line: line}] = r.T("school.doubts.file_says", "row", strings.Join(kept, " · "))
	}
	for _, f := range files {
		for _, p := range f.Pupils {
			say(f, p.Line, p.Full(), frenchDay(p.Birth), p.INE, p.Class, p.Level)
		}
		for _, p := range f.Relatives {
			var kids []string
			for _, c := range p.Children {
				kids = append(kids, strings.TrimSpace(c.Full()+" "+c.Class))
			}
			say(f, p.Line, p.Civility+" "+p.Full(), p.Email, strings.Join(p.Phones, ", "), strings.TrimSpace(p.Address.Street+" "+p.Address.Postcode+" "+p.Address.City), i18n.List(kids...))
		}
		for _, p := range f.Teachers {
			say(f, p.Line, p.Civility+" "+p.Full(), p.Email, strings.Join(p.Classes, ", "))
		}
	}
	return out
}

func frenchDay(day string) string {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return day
	}
	return t.Format("02/01/2006")
}

func heads(r *app.Request, keys ...string) []col {
	out := make([]col, len(keys))
	for i, k := range keys {
		out[i].label = r.T(k)
	}
	return out
}

func (v planView) heads(s onde.Section) []col {
	out := make([]col, len(s.Columns))
	for i, c := range s.Columns {
		out[i].label = v.r.Say(c)
	}
	return out
}
