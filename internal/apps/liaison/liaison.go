// Package liaison is the carnet de liaison: words from the school to families,
// and who has read them. A word is addressed to pupils; each of their relatives
// receives it, and a family counts as reached when one of them says so.
package liaison

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
)

// Word is the kind of resource that this service makes.
const Word rights.Kind = "liaison.word"

// The needs of the service. Writing is the school's; a relative confirms what
// they may read; whoever contributes (the author, the teachers of the class)
// follows.
var (
	Write   = rights.Can("liaison.write", rights.Teacher, rights.Staff, rights.Head)
	Reading = rights.On(Word, rights.Read, "id")
	Follow  = rights.On(Word, rights.Contribute, "id")
	Manage  = rights.On(Word, rights.Manage, "id")
)

// staff is the principal of somebody as long as they work for the school: a
// parent who taught there once follows nothing any more.
func staff(person string) string { return "staff:" + person }

const (
	titleMax = 150
	bodyMax  = 20_000
	filesMax = 5
)

// Themes are what a word may be about, as word_theme has them.
var Themes = []string{"canteen", "event", "trip", "urgent", "leisure", "misc"}

// Draft is a word as its author types it.
type Draft struct {
	ID    string        // made with the form, so that sending twice sends once
	Title string        //
	Text  string        // plain text of the text area
	Rich  richtext.HTML // what the editor made of it, "" where there was none: Text is its words
	Theme string        // one of Themes
	To    []string      // "class:<id>", "group:<id>", "pupil:<id>", "school"
	Files []string      // ids of files already received

	Ask      Ask
	Question string
	Choices  []string
	Due      string // the day by which to reply, or ""

	Recall int // how many days before it the missing are reminded, or 0

	Day, Hour string // when to send it, in the school's zone; now when empty

	Tell     time.Duration // how long after it is sent somebody is told outside the portal
	Tab      string        // the page in which it is typed
	Revision int64         // of the saved draft that the page shows
	planning bool          // it is saved to be sent by itself
}

// Check says all that is wrong with a draft on the day of now.
func (d *Draft) Check(now time.Time) error {
	f := errs.Fields{}
	d.Title = strings.TrimSpace(d.Title)
	d.Text = strings.TrimSpace(strings.ReplaceAll(d.Text, "\r\n", "\n"))
	switch {
	case d.Title == "":
		f.Add("titre", "liaison.title_missing")
	case utf8.RuneCountInString(d.Title) > titleMax:
		f.Add("titre", "liaison.title_long", "n", titleMax)
	}
	switch {
	case d.Text == "":
		f.Add("texte", "liaison.text_missing")
	case utf8.RuneCountInString(d.Text) > bodyMax:
		f.Add("texte", "liaison.text_long", "n", bodyMax)
	}
	richtext.Fault(f, "texte", d.Rich)
	if !slices.Contains(Themes, d.Theme) {
		d.Theme = "misc"
	}
	d.checkAsk(f, now)
	d.checkRecall(f, now)
	if len(d.Files) > filesMax {
		f.Add("piece", "liaison.files_many", "n", filesMax)
	}
	if len(d.To) == 0 {
		f.Add("a", "liaison.to_missing")
	}
	if !id.Valid(d.ID) {
		d.ID = id.New()
	}
	return f.Err()
}

// checkAsk keeps of what is asked what goes with it.
func (d *Draft) checkAsk(f errs.Fields, now time.Time) {
	if !slices.Contains(Asks, d.Ask) {
		d.Ask = AskRead
	}
	d.Question = strings.TrimSpace(d.Question)
	var choices []string
	for _, c := range d.Choices {
		if c = strings.TrimSpace(c); c != "" && !slices.Contains(choices, c) {
			choices = append(choices, c)
		}
	}
	d.Choices = choices
	if !d.Ask.Answered() {
		d.Question = ""
	}
	if d.Ask != AskChoice {
		d.Choices = nil
	}
	switch {
	case d.Ask.Answered() && d.Question == "":
		f.Add("question", "liaison.question_missing")
	case utf8.RuneCountInString(d.Question) > titleMax:
		f.Add("question", "liaison.question_long", "n", titleMax)
	}
	if d.Ask == AskChoice && (len(d.Choices) < 2 || len(d.Choices) > choicesMax) {
		f.Add("choix", "liaison.choices_count", "n", choicesMax)
	} else if slices.ContainsFunc(d.Choices, func(c string) bool { return utf8.RuneCountInString(c) > titleMax }) {
		f.Add("choix", "liaison.choices_long", "n", titleMax)
	}
	if d.Due == "" {
		return
	}
	if _, err := time.Parse(time.DateOnly, d.Due); err != nil {
		f.Add("avant", "liaison.due_wrong")
	} else if d.Due < now.Format(time.DateOnly) {
		f.Add("avant", "liaison.due_past")
	}
}

// Body is the text in its final form.
func (d Draft) Body() richtext.HTML {
	if d.Rich != "" {
		return d.Rich
	}
	return richtext.FromText(d.Text)
}

// Item is a word as a page shows it.
type Item struct {
	ID          string
	School      string
	Author      string
	First       string
	Last        string
	Civility    string
	Avatar      string
	Title       string
	Theme       string // "" for words older than themes
	Body        string
	Audience    string
	Version     int
	CorrectedAt *int64 `db:"corrected_at"`
	PublishedAt int64  `db:"published_at"`
	Ask         Ask
	Question    string
	Due         string // the day by which to reply, or ""
	RecallAt    *int64 `db:"recall_at"` // when the missing are reminded; nil once they are
	Replied     bool   // by the viewer
	ReadAt      *int64
	OpenedAt    *int64
	Children    string // ids of the reader's children, separated by spaces
	Families    int    // for whoever follows
	Reached     int
	Stale       bool // its families were counted before the directory last changed
	Fresh       bool // still news to the reader; only when one is asked for
}

// At is when it was published.
func (i Item) At(zone *time.Location) time.Time { return time.UnixMilli(i.PublishedAt).In(zone) }

// Done says whether the viewer did what the word asks of them.
func (i Item) Done() bool {
	if i.Ask == AskRead {
		return i.ReadAt != nil
	}
	return i.Replied
}

// From is how a family names the author: "Mme Duvivier".
func (i Item) From() string { return people.Formal(i.Civility, i.First, i.Last) }
