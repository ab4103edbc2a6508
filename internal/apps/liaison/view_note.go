package liaison

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/richtext"
	"marelle/internal/ui"
)

// noteForm is a note being written.
type noteForm struct {
	r      *app.Request
	draft  NoteDraft
	faults map[string]string
	to     audienceOf
	word   *answered
	kept   []file.File
}

// readers says in words who will read.
func (f noteForm) readers() string {
	if f.word != nil {
		return Item{First: f.word.First, Last: f.word.Last, Civility: f.word.Civility}.From()
	}
	list := f.to.teachers()
	if len(list) == 0 {
		list = f.to.heads()
	}
	return recipientNames(list)
}

func recipientNames(list []recipient) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.name()
	}
	return i18n.List(out...)
}

// nobody says whether the school lets nobody be written to.
func (f noteForm) nobody() bool { return f.word == nil && len(f.to.principals(true)) == 0 }

// head says whether the head may be added.
func (f noteForm) head() bool {
	return f.word == nil && len(f.to.teachers()) > 0 && len(f.to.heads()) > 0
}

func (f noteForm) headField(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "direction", Label: i18n.T(ctx, "liaison.note_head", "who", recipientNames(f.to.heads())), Checked: f.draft.Head}
}

// others are the other children, to write about.
func (f noteForm) children() []ui.ChildTab {
	if f.word != nil || len(f.r.Viewer.Children) < 2 {
		return nil
	}
	out := make([]ui.ChildTab, len(f.r.Viewer.Children))
	for i, c := range f.r.Viewer.Children {
		out[i] = ui.ChildTab{Href: "/carnet/ecrire?enfant=" + c.ID, Name: c.First, Class: c.Class, Person: app.Face(c.ID, c.First, "", c.Avatar, ""), Current: c.ID == f.draft.Pupil}
	}
	return out
}

// messageField is where a message is typed, fileField where files are added.
func messageField(ctx context.Context, label string, d NoteDraft, faults map[string]string) ui.FieldProps {
	return ui.FieldProps{Name: "texte", Label: label, Value: d.Text, Error: faults["texte"], Required: true, Rows: 6, Attrs: templ.Attributes{"maxlength": strconv.Itoa(noteMax)}}
}

func fileField(ctx context.Context, school string, faults map[string]string) ui.FieldProps {
	return form{school: school, faults: faults}.file(ctx)
}

// notesView is a list of threads.
type notesView struct {
	r    *app.Request
	tabs []ui.Tab
	list []Thread
	next Cursor
}

// mine says whether the viewer began a thread.
func mine(r *app.Request, t Thread) bool { return t.Author == r.Viewer.Person }

func (v notesView) rows() []ui.Mail {
	zone := v.r.Viewer.Zone()
	now := v.r.Viewer.Now.In(zone)
	out := make([]ui.Mail, len(v.list))
	for i, t := range v.list {
		m := ui.Mail{Href: notePath(t.ID), Unread: t.Unread, When: when(t.At(zone), now), Excerpt: richtext.Excerpt(richtext.HTML(t.Body), 120)}
		if mine(v.r, t) {
			m.Person, m.From = app.Face(t.Pupil, t.PupilFirst, t.PupilLast, t.PupilFace, ""), to(v.r.T, t)
			m.Subject = v.r.T("liaison.note_about", "of", i18n.Of(t.PupilFirst))
		} else {
			m.Person, m.From = app.Face(t.Author, t.First, t.Last, t.Avatar, ""), t.First+" "+t.Last
			m.Subject = v.r.T("liaison.note_about", "of", i18n.Of(t.About()))
		}
		if t.WordTitle != "" {
			m.Subject += " · " + v.r.T("liaison.note_reply", "word", t.WordTitle)
		}
		switch {
		case t.LastBy == v.r.Viewer.Person && !mine(v.r, t):
			m.Excerpt = v.r.T("liaison.note_you", "text", m.Excerpt)
		case t.LastBy != t.Author && !mine(v.r, t):
			m.Excerpt = v.r.T("liaison.note_colleague", "text", m.Excerpt)
		}
		out[i] = m
	}
	return out
}

// when is short: the hour today, else the day.
func when(t, now time.Time) string {
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return i18n.Hour(t)
	}
	return i18n.Date(t, now)
}

// threadView is one thread.
type threadView struct {
	r        *app.Request
	tabs     []ui.Tab
	note     Thread
	messages []Message
	readers  []Reader
	files    []file.File
	with     map[string]int64
	draft    NoteDraft
	faults   map[string]string
	kept     []file.File
}

func (v threadView) mine() bool { return mine(v.r, v.note) }

// title is what the thread is about, as its row has it.
func (v threadView) title() string {
	if v.note.Word != nil {
		return v.r.T("liaison.note_reply", "word", v.note.WordTitle)
	}
	return v.r.T("liaison.note_about", "of", i18n.Of(v.note.PupilFirst))
}

func (v threadView) full() bool { return v.note.Messages >= messagesMax }

func (v threadView) own(m Message) bool { return m.Author == v.r.Viewer.Person }

func (v threadView) name(m Message) string {
	switch {
	case v.own(m):
		return v.r.T("liaison.you")
	case m.Author == v.note.Author:
		return m.First + " " + m.Last
	}
	return m.From()
}

func (v threadView) at(ms int64) string {
	zone := v.r.Viewer.Zone()
	return i18n.Ago(time.UnixMilli(ms).In(zone), v.r.Viewer.Now.In(zone))
}

// of are the files that came with a message.
func (v threadView) of(m Message) []file.File {
	return slices.DeleteFunc(slices.Clone(v.files), func(f file.File) bool { return v.with[f.ID] != m.N })
}

// state says, under the viewer's last message, who has read it.
func (v threadView) state(m Message) string {
	if !v.own(m) || m.N != v.note.Messages {
		return ""
	}
	var who []string
	for _, r := range v.readers {
		// A colleague who reads is not the family who has.
		if r.Seen >= m.N && (v.mine() || r.Person == v.note.Author) {
			who = append(who, v.r.T("liaison.read_by", "name", Item{First: r.First, Last: r.Last, Civility: r.Civility}.From(), "when", v.at(r.At)))
		}
	}
	if len(who) == 0 {
		return v.r.T("liaison.note_unread")
	}
	return strings.Join(who, " · ")
}

func (v threadView) message(ctx context.Context) ui.FieldProps {
	label := i18n.T(ctx, "liaison.note_more")
	if !v.mine() {
		label = i18n.T(ctx, "liaison.note_answer", "name", v.note.First+" "+v.note.Last)
	}
	return messageField(ctx, label, v.draft, v.faults)
}

// private says who alone reads the thread.
func (v threadView) private(ctx context.Context) string {
	if v.mine() {
		return i18n.T(ctx, "liaison.note_reads", "who", to(v.r.T, v.note))
	}
	return i18n.T(ctx, "liaison.note_private", "name", v.note.First+" "+v.note.Last)
}

// answers are the links to answer a word privately, by child.
func (v view) answers() []ui.Link {
	var out []ui.Link
	kids := v.answerable()
	for _, c := range kids {
		label := v.r.T("liaison.note_to_author", "who", v.word.From())
		if len(kids) > 1 {
			label = v.r.T("liaison.note_to_author_for", "who", v.word.From(), "child", c.First)
		}
		out = append(out, ui.Link{Label: label, Href: "/carnet/ecrire?enfant=" + c.ID + "&mot=" + v.word.ID})
	}
	return out
}

// writes says whether the page offers what a relative writes.
func writes(r *app.Request, follow bool) bool { return !follow && r.Viewer.Is(rights.Relative) }

// to says who receives a thread.
func to(say func(string, ...any) string, t Thread) string {
	if who := t.To(); who != "" {
		return who
	}
	return say("liaison.the_school")
}

func notesMore(next Cursor) string {
	return "/carnet/echanges?avant=" + next.String()
}

// childAt is "Inès, CE1 B".
func childAt(p place) string {
	if l := p.label(); l != "" {
		return p.First + ", " + l
	}
	return p.First
}

// about keeps the child that was chosen.
func about(href, child string) templ.SafeURL {
	if child != "" {
		href += "?enfant=" + child
	}
	return templ.SafeURL(href)
}
