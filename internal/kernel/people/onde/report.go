package onde

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"marelle/internal/platform/errs"
)

// Counts of what an import does to one kind of person. Updated includes those
// who come back; a pupil who moves counts as moved only.
type Counts struct {
	Created   int `json:"created"`
	Updated   int `json:"updated"`
	Moved     int `json:"moved"`
	Left      int `json:"left"`
	Unchanged int `json:"unchanged"`
}

func (c *Counts) add(a Action) {
	switch a {
	case Create:
		c.Created++
	case Update, Return:
		c.Updated++
	case Move:
		c.Moved++
	case Leave:
		c.Left++
	default:
		c.Unchanged++
	}
}

// Doubt is a case as the command line tells it.
type Doubt struct {
	Kind    string `json:"kind"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// Refusal is a rejected row as the command line tells it.
type Refusal struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Message string `json:"message"`
}

// Summary is the last line of "import onde --json". Schools, Classes and
// FamilyLinks count what this run creates.
type Summary struct {
	Schools     int       `json:"schools"`
	Classes     int       `json:"classes"`
	Pupils      Counts    `json:"pupils"`
	Relatives   Counts    `json:"relatives"`
	Teachers    Counts    `json:"teachers"`
	FamilyLinks int       `json:"family_links"`
	Doubtful    []Doubt   `json:"doubtful"`
	Rejected    []Refusal `json:"rejected"`
}

// Render turns a message into a sentence: i18n.Catalog.Render fits.
type Render func(key string, args map[string]any) string

// Summary counts a plan.
func (p Plan) Summary(say Render) Summary {
	s := Summary{Doubtful: []Doubt{}, Rejected: []Refusal{}}
	if p.NewSchool {
		s.Schools = 1
	}
	for _, o := range p.Classes {
		if o.Action == Create {
			s.Classes++
		}
	}
	for _, o := range p.Pupils {
		s.Pupils.add(o.Action)
	}
	for _, o := range p.Relatives {
		s.Relatives.add(o.Action)
	}
	for _, o := range p.Teachers {
		s.Teachers.add(o.Action)
	}
	for _, l := range p.Links {
		if !l.Remove {
			s.FamilyLinks++
		}
	}
	for _, c := range p.Cases {
		s.Doubtful = append(s.Doubtful, Doubt{c.Kind, c.File, c.Line, say(c.Message.Key, c.Message.Args)})
	}
	for _, r := range p.Rejected {
		s.Rejected = append(s.Rejected, Refusal{r.File, r.Line, say(r.Message.Key, r.Message.Args)})
	}
	return s
}

// Section is one table of the dry run: everybody to whom the same thing happens.
// Unchanged persons are counted in the title line of Totals and not listed.
type Section struct {
	Key     string // "pupils.create", "cases"…: for anchors and tests
	Title   errs.Message
	Columns []errs.Message
	Rows    []Row
}

// Row is one line of a table. Case is the case's id in the section of cases.
type Row struct {
	Cells []Cell
	Case  string
}

// Cell is a text as it stands, or a message when it has a key.
type Cell struct {
	Text string
	errs.Message
}

func text(s string) Cell       { return Cell{Text: s} }
func says(m errs.Message) Cell { return Cell{Message: m} }
func columns(keys ...string) []errs.Message {
	var out []errs.Message
	for _, k := range keys {
		out = append(out, errs.Msg("onde.column."+k))
	}
	return out
}

// Report lists what a plan would do, in the order a head wants to read it: what
// was refused, doubts, departures, moves, changes, creations.
func (p Plan) Report() []Section {
	labels := map[Ref]string{}
	for _, o := range p.Classes {
		labels[o.Ref] = o.Label
	}
	var out []Section
	put := func(s Section) {
		if len(s.Rows) > 0 {
			s.Title = errs.Msg("onde.section."+s.Key, "n", len(s.Rows))
			out = append(out, s)
		}
	}
	rejected := Section{Key: "rejected", Columns: columns("file", "line", "what")}
	for _, r := range p.Rejected {
		rejected.Rows = append(rejected.Rows, Row{Cells: []Cell{text(r.File), text(fmt.Sprint(r.Line)), says(r.Message)}})
	}
	put(rejected)
	cases := Section{Key: "cases", Columns: columns("kind", "file", "line", "what")}
	for _, c := range p.Cases {
		cases.Rows = append(cases.Rows, Row{Case: c.ID, Cells: []Cell{says(errs.Msg("onde.kind." + c.Kind)), text(c.File), text(fmt.Sprint(c.Line)), says(c.Message)}})
	}
	put(cases)
	for _, a := range []Action{Leave, Move, Return, Update, Create} {
		classes := Section{Key: "classes." + string(a), Columns: columns("class", "levels", "changes")}
		for _, o := range p.Classes {
			if o.Action == a {
				classes.Rows = append(classes.Rows, Row{Cells: []Cell{text(o.Label), text(strings.Join(o.Levels, ", ")), text(changes(o.Changes))}})
			}
		}
		put(classes)
		pupils := Section{Key: "pupils." + string(a), Columns: columns("name", "birth", "from", "class", "changes")}
		for _, o := range p.Pupils {
			if o.Action != a {
				continue
			}
			s := o.Pupil
			pupils.Rows = append(pupils.Rows, Row{Cells: []Cell{text(listed(s.Family, s.Use, s.First)), text(frenchDay(s.Birth)), text(labels[o.From]), text(labels[o.Class]), text(changes(o.Changes))}})
		}
		put(pupils)
		relatives := Section{Key: "relatives." + string(a), Columns: columns("name", "email", "changes")}
		for _, o := range p.Relatives {
			if o.Action == a {
				s := o.Relative
				relatives.Rows = append(relatives.Rows, Row{Cells: []Cell{text(listed(s.Family, s.Use, s.First)), text(s.Email), text(changes(o.Changes))}})
			}
		}
		put(relatives)
		teachers := Section{Key: "teachers." + string(a), Columns: columns("name", "class", "changes")}
		for _, o := range p.Teachers {
			if o.Action != a {
				continue
			}
			var names []string
			for _, r := range o.Classes {
				names = append(names, labels[r])
			}
			s := o.Teacher
			teachers.Rows = append(teachers.Rows, Row{Cells: []Cell{text(listed(s.Family, s.Use, s.First)), text(strings.Join(names, ", ")), text(changes(o.Changes))}})
		}
		put(teachers)
	}
	return out
}

// listed writes a name as a school's list does: family name first.
func listed(family, use, first string) string {
	s := family
	if use != "" {
		s += " (" + use + ")"
	}
	return strings.TrimSpace(s + " " + first)
}

func changes(ch []Change) string {
	var parts []string
	for _, c := range ch {
		if c.Field == "birth" {
			c.Old, c.New = frenchDay(c.Old), frenchDay(c.New)
		}
		if c.Old == "" {
			parts = append(parts, "+ "+c.New)
			continue
		}
		parts = append(parts, c.Old+" → "+c.New)
	}
	return strings.Join(parts, " ; ")
}

// Totals is the table of counts: one row per kind of person, in the order of
// the columns created, updated, moved, left, unchanged.
func (p Plan) Totals() Section {
	s := p.Summary(func(k string, _ map[string]any) string { return k })
	t := Section{Key: "totals", Title: errs.Msg("onde.section.totals"), Columns: columns("who", "created", "updated", "moved", "left", "unchanged")}
	for _, r := range []struct {
		key string
		c   Counts
	}{{"pupils", s.Pupils}, {"relatives", s.Relatives}, {"teachers", s.Teachers}} {
		row := Row{Cells: []Cell{says(errs.Msg("onde.who." + r.key))}}
		for _, n := range []int{r.c.Created, r.c.Updated, r.c.Moved, r.c.Left, r.c.Unchanged} {
			row.Cells = append(row.Cells, text(fmt.Sprint(n)))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Write prints the plan for a terminal: totals, then each section as a table.
func (p Plan) Write(w io.Writer, say Render) error {
	s := p.Summary(say)
	if p.NewSchool {
		fmt.Fprintln(w, say("onde.new_school", nil))
	}
	fmt.Fprintln(w, say("onde.new_classes", map[string]any{"n": s.Classes}))
	fmt.Fprintln(w, say("onde.new_links", map[string]any{"n": s.FamilyLinks}))
	for _, sec := range append([]Section{p.Totals()}, p.Report()...) {
		fmt.Fprintf(w, "\n%s\n", say(sec.Title.Key, sec.Title.Args))
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		var heads []string
		for _, c := range sec.Columns {
			heads = append(heads, say(c.Key, c.Args))
		}
		fmt.Fprintln(tw, "  "+strings.Join(heads, "\t"))
		for _, r := range sec.Rows {
			var cells []string
			for _, c := range r.Cells {
				t := c.Text
				if c.Key != "" {
					t = say(c.Key, c.Args)
				}
				cells = append(cells, t)
			}
			fmt.Fprintln(tw, "  "+strings.Join(cells, "\t"))
		}
		if err := tw.Flush(); err != nil {
			return fmt.Errorf("print the plan: %w", err)
		}
	}
	for _, n := range p.Notices {
		fmt.Fprintf(w, "\n%s\n", say(n.Key, n.Args))
	}
	return nil
}
