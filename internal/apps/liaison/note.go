package liaison

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
)

// Note is the kind of what a relative writes to the school about a child: a
// short thread between them and those whom they wrote to. No other relative of
// the child ever has a right on it.
const Note rights.Kind = "liaison.note"

// NoteAnswer is the kind of event by which a relative learns that the school
// answered.
const NoteAnswer = "liaison.answer"

// The needs of notes. Who answers contributes: the relative manages.
var (
	WriteNote     = rights.Can("liaison.note", rights.Relative)
	ListNotes     = rights.Can("liaison.notes", rights.Relative, rights.Teacher, rights.Staff, rights.Head)
	NoteReading   = rights.On(Note, rights.Read, "id")
	NoteAnswering = rights.On(Note, rights.Contribute, "id")
)

const (
	noteMax     = 3000 // of one message
	messagesMax = 40   // of one thread
	writtenMax  = 30   // by one relative in a day
)

// NoteDraft is what a relative types, or who answers them.
type NoteDraft struct {
	ID    string // made with the form, so that sending twice sends once
	Pupil string
	Word  string // the word it answers, or ""
	Head  bool   // also to the head
	Text  string
	Files []string // ids of files already received
}

// Check says all that is wrong with it.
func (d *NoteDraft) Check() error {
	f := errs.Fields{}
	d.Text = strings.TrimSpace(strings.ReplaceAll(d.Text, "\r\n", "\n"))
	switch {
	case d.Text == "":
		f.Add("texte", "liaison.note_missing")
	case utf8.RuneCountInString(d.Text) > noteMax:
		f.Add("texte", "liaison.text_long", "n", noteMax)
	}
	if len(d.Files) > filesMax {
		f.Add("piece", "liaison.files_many", "n", filesMax)
	}
	if !id.Valid(d.ID) {
		d.ID = id.New()
	}
	return f.Err()
}

// place is where a relative's child is at school. A child of two classes has
// the teachers of both.
type place struct {
	Pupil, First, Last, Avatar string
	School                     string
	Classes                    []placed
}

type placed struct{ Class, Label string }

// label names the classes: "CE1 B".
func (p place) label() string {
	out := make([]string, len(p.Classes))
	for i, c := range p.Classes {
		out[i] = c.Label
	}
	return strings.Join(out, ", ")
}

// of is what follows "enseignants": "de CE1 B", "de CE1 B et des Renards".
func (p place) of() string {
	out := make([]string, len(p.Classes))
	for i, c := range p.Classes {
		out[i] = i18n.OfClass(c.Label)
	}
	return i18n.List(out...)
}

// teachers are the principals of those who teach the child.
func (p place) teachers() []string {
	out := make([]string, len(p.Classes))
	for i, c := range p.Classes {
		out[i] = "class:" + c.Class + ":teacher"
	}
	return out
}

// kin is the principal of one relative of one pupil.
func kin(pupil, relative string) string { return "kin:" + pupil + ":" + relative }

// recipient is somebody of the school whom a relative may write to about a child.
type recipient struct {
	ID, First, Last, Civility, Avatar string
	Teacher, Head                     bool
	Family                            bool // is a relative of the child: never reads what another one wrote
}

func (r recipient) name() string {
	return Item{First: r.First, Last: r.Last, Civility: r.Civility}.From()
}

// audience is who may receive a note.
type audienceOf struct {
	place place
	list  []recipient
}

func (a audienceOf) teachers() []recipient {
	return slices.DeleteFunc(slices.Clone(a.list), func(r recipient) bool { return r.Family || !r.Teacher })
}

// heads are those who would not read it as teachers of the class.
func (a audienceOf) heads() []recipient {
	return slices.DeleteFunc(slices.Clone(a.list), func(r recipient) bool { return r.Family || r.Teacher || !r.Head })
}

// principals are whom a note is shared with: the rule, so that a substitute
// reads what the teacher received. Another relative of the child among them is
// kept out by the row itself, which is withheld.
func (a audienceOf) principals(head bool) []string {
	var out []string
	if len(a.teachers()) > 0 {
		out = a.place.teachers()
	}
	if head && len(a.heads()) > 0 {
		out = append(out, "school:head")
	}
	return out
}

// Thread is a note as a list shows it.
type Thread struct {
	ID         string
	School     string
	Author     string
	First      string // of the relative
	Last       string
	Avatar     string
	Pupil      string
	PupilFirst string `db:"pupil_first"`
	PupilLast  string `db:"pupil_last"`
	PupilFace  string `db:"pupil_face"`
	Word       *string
	WordTitle  string `db:"word_title"`
	WordFirst  string `db:"word_first"` // of the word's author
	WordLast   string `db:"word_last"`
	WordSex    string `db:"word_sex"`
	Audience   string
	Messages   int64
	LastAt     int64  `db:"last_at"`
	LastBy     string `db:"last_by"`
	Body       string // of the last message
	Unread     bool
}

// At is when the last message was written.
func (t Thread) At(zone *time.Location) time.Time { return time.UnixMilli(t.LastAt).In(zone) }

// About names the child.
func (t Thread) About() string { return t.PupilFirst + " " + t.PupilLast }

// To says who receives it; "" is the author of a word that is no more.
func (t Thread) To() string {
	if t.Audience == "" && t.Word != nil {
		return Item{First: t.WordFirst, Last: t.WordLast, Civility: t.WordSex}.From()
	}
	return t.Audience
}

// Message is one message of a thread.
type Message struct {
	ID       string
	N        int64
	Author   string
	First    string
	Last     string
	Civility string
	Avatar   string
	At       int64
	Body     string
}

// From names its author.
func (m Message) From() string {
	return Item{First: m.First, Last: m.Last, Civility: m.Civility}.From()
}

// Reader is somebody who read a thread, and up to where.
type Reader struct {
	Person   string
	First    string
	Last     string
	Civility string
	Seen     int64
	At       int64
}

// searchable is the plain text of a thread.
func searchable(bodies []string) string {
	out := make([]string, len(bodies))
	for i, b := range bodies {
		out[i] = richtext.Text(richtext.HTML(b))
	}
	return strings.Join(out, "\n")
}
