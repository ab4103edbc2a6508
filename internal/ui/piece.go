package ui

import (
	"slices"
	"strconv"

	"github.com/a-h/templ"
)

// Reading is how many of a word's families have confirmed. What replaces
// "familles ont lu" when other things are counted.
type Reading struct {
	Done, Total int
	What        string
	Mini        bool
}

// cells is the most families drawn one by one; above, the bar is continuous.
const cells = 40

func (r Reading) class() string {
	if r.Mini {
		return "suivi mini"
	}
	return "suivi"
}

func (r Reading) ratio() string { return strconv.Itoa(r.Done) + "/" + strconv.Itoa(r.Total) }

// strip holds the cells of every possible count, drawn once: a list of words
// shows dozens of them. Never written again.
var strip = drawStrips()

func drawStrips() [cells + 1][cells + 1]string {
	var out [cells + 1][cells + 1]string
	for total := 1; total <= cells; total++ {
		for done := 0; done <= total; done++ {
			b := make([]byte, 0, total*18)
			for i := range total {
				if i < done {
					b = append(b, `<i class="lu"></i>`...)
				} else {
					b = append(b, `<i></i>`...)
				}
			}
			out[total][done] = string(b)
		}
	}
	return out
}

func (r Reading) cells() templ.Component {
	if r.Total < 1 || r.Total > cells || r.Done < 0 || r.Done > r.Total {
		return templ.NopComponent
	}
	return markup(strip[r.Total][r.Done])
}

// ProgressProps describes a bar: a quota, an import. Poll is an address asked
// for the same fragment again every second until it comes without one.
type ProgressProps struct {
	ID, Label, Value string // Value: in words, "2,1 Go sur 5 Go"
	Done, Total      int64
	Paint            string
	Poll             string
}

func (p ProgressProps) class() string {
	if c := PaintClass(p.Paint); c != "" {
		return "avance " + c
	}
	return "avance"
}

// Band is a service in the settings: the switch of the whole and its lines.
type Band struct {
	Key, Label, Icon, Paint string
	Name                    string // of the switch of the whole
	Lines                   []BandLine
	Off                     bool // the whole service is cut
}

// BandLine is one kind of event: its switch, and a choice under it when that
// has a name.
type BandLine struct {
	SwitchProps
	Choice FieldProps
}

func (b Band) on() int {
	n := 0
	for _, l := range b.Lines {
		if l.On {
			n++
		}
	}
	return n
}

// long tells whether lines have a choice under their switch.
func (b Band) long() bool {
	return slices.ContainsFunc(b.Lines, func(l BandLine) bool { return l.Choice.Name != "" })
}

func (b Band) faulty() bool {
	return slices.ContainsFunc(b.Lines, func(l BandLine) bool { return l.Choice.Error != "" })
}

// File is one line of a list of documents.
type File struct {
	ID, Name, Href string
	Icon, Paint    string
	Who, WhoPaint  string // who sees it, in words
	WhoIcon        string
	Changed, Size  string
	Thumb          string // address of a small picture of it
	Drag           bool   // a script lets it be dragged into a folder
	Chosen         bool
	Apart          bool // opens in a tab of its own
}

// FolderProps is one folder.
type FolderProps struct {
	ID, Name, Href, Paint, Caption string
	Drag                           bool   // into another
	Drop                           bool   // takes what is dragged
	Form                           string // id of the Selection of its box
}

// Mail is one line of a list of messages.
type Mail struct {
	Href, From, When, Subject, Excerpt string
	Person                             Person
	Icon                               string // for a group, instead of the person
	Unread, Current                    bool
}

// WordRow is one line of a list of words.
type WordRow struct {
	Href, Title, Caption string
	Reading              *Reading // for its author
	ToRead, Read         bool     // for a family
	Flag                 string   // "3 à relancer"
	Current              bool
}

// Day is a column of the week.
type Day struct {
	Name, Short, Number string // "Lundi", "lun", "23"
	Href                string // of this day alone, for the phone
	Today, Off          bool
	Lessons             []Lesson
}

// Lesson is what was done, or what is to be done when it has Tasks.
type Lesson struct {
	Subject, Paint, Text string
	Links                []Link
	Tasks                []DayTask
}

// DayTask is a box to tick in the week.
type DayTask struct {
	Name, Value, Text string
	Done, ReadOnly    bool
}

// Crumb is a place above the current one.
type Crumb struct{ Label, Href string }

// EventRow is a line of an agenda, with its date in a painted square.
type EventRow struct{ Day, Month, Title, Href, Paint string }
