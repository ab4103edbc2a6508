package liaison

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// view is a list of words with, perhaps, one of them open.
type view struct {
	r        *app.Request
	follow   bool // the viewer wrote or follows these words
	tabs     []ui.Tab
	absent   []Away // announced for today, to whoever follows
	child    string
	theme    string
	year     int // the school year shown
	first    int // that of the first word
	open     string
	alone    bool // on a phone, which has no room for the list beside it
	next     Cursor
	zone     *time.Location
	list     []Item
	word     *Item
	files    []file.File
	track    *tracking // for whoever follows it
	choices  []Choice
	given    *Given // by the viewer
	slip     slip
	earlier  map[string]Earlier // by person, of a version that asks no more
	versions []Version          // that the word had

	drafting bool // the list is the viewer's drafts
	drafts   []Saved
	pile     Pile
	preview  bool   // the word is shown as a family sees it
	back     string // from there
}

// slip is what a relative typed in a reply that was refused, and why.
type slip struct{ value, fault string }

// ask is the slip's field, with nothing chosen unless the viewer did.
func (v view) ask() ui.FieldProps {
	f := ui.FieldProps{Name: "reponse", Label: i18n.Spaces(v.word.Question), Value: v.slip.value, Error: v.slip.fault, Required: true, Rows: 4}
	if v.given != nil && f.Error == "" {
		f.Value = v.given.Body
		if v.given.Choice != nil {
			f.Value = strconv.FormatInt(*v.given.Choice, 10)
		}
	}
	for _, c := range v.choices {
		f.Options = append(f.Options, ui.Option{Value: strconv.FormatInt(c.N, 10), Label: c.Label})
	}
	return f
}

// alt is what stands for a picture among the files of a word: its name is the
// camera's.
func alt(say func(string, ...any) string, files []file.File, f file.File) string {
	n, of := 0, 0
	for _, o := range files {
		if o.Picture() {
			of++
			if o.ID == f.ID {
				n = of
			}
		}
	}
	if of == 1 {
		return say("liaison.photo")
	}
	return say("liaison.photo_of", "n", n, "of", of)
}

// due says by which day the word wants a reply.
func (v view) due() string { return v.day(v.word.Due) }

// day writes one that a word keeps, "" for none.
func (v view) day(s string) string { return dayOf(s, v.now()) }

// dayOf writes a day that a word keeps, "" for none, as it is said now.
func dayOf(s string, now time.Time) string {
	day, err := time.ParseInLocation(time.DateOnly, s, now.Location())
	if err != nil {
		return ""
	}
	return i18n.Date(day, now)
}

func (v view) closed() bool { return closed(v.word.Due, v.r.Viewer, v.r.Viewer.Now) }

func (v view) now() time.Time { return v.r.Viewer.Now.In(v.zone) }

// title is the name of the service for who looks.
func (v view) title() string {
	if v.pupil() {
		return "square.liaison.pupil"
	}
	return "square.liaison"
}

func (v view) pupil() bool { return v.r.Viewer.Main() == rights.Pupil }

// pupils are those whose words the viewer reads.
func (v view) pupils() []string {
	switch {
	case v.child != "":
		return []string{v.child}
	case v.pupil():
		return []string{v.r.Viewer.Person}
	}
	out := make([]string, len(v.r.Viewer.Children))
	for i, c := range v.r.Viewer.Children {
		out[i] = c.ID
	}
	return out
}

// follows says whether the open word is one that the viewer follows.
func (v view) follows() bool { return !v.preview && v.r.Grant.Role() >= rights.Contribute }

// actions are what the viewer may do with the open word, besides following it.
func (v view) actions() (out []ui.Link) {
	at := path(v.word.ID)
	if v.r.Grant.Role() >= rights.Manage {
		out = append(out, ui.Link{Label: v.r.T("liaison.correct"), Href: at + "/corriger", Icon: "pencil-simple"},
			ui.Link{Label: v.r.T("liaison.duplicate"), Href: at + "/dupliquer", Icon: "copy", Post: true},
			ui.Link{Label: v.r.T("liaison.delegate"), Href: at + "/confier", Icon: "user-plus"})
	}
	if v.follows() {
		return append(out, ui.Link{Label: v.r.T("liaison.preview_it"), Href: at + "/apercu", Icon: "eye"})
	}
	return append(out, app.Reactions(v.r.Context(), v.word.ID)...)
}

// children are the viewer's children in a word.
func (v view) children(i Item) []rights.Child {
	var out []rights.Child
	for _, c := range v.r.Viewer.Children {
		if strings.Contains(i.Children, c.ID) {
			out = append(out, c)
		}
	}
	return out
}

func names(children []rights.Child) string {
	list := make([]string, len(children))
	for i, c := range children {
		list[i] = c.First
	}
	return i18n.List(list...)
}

// rows are the lines of the list.
func (v view) rows() []ui.WordRow {
	out := make([]ui.WordRow, 0, len(v.list))
	for _, i := range v.list {
		row := ui.WordRow{Href: v.link(i.ID), Title: i.Title, Current: i.ID == v.open}
		switch {
		case v.follow:
			row.Reading = &ui.Reading{Done: i.Reached, Total: i.Families, What: counted(v.r.T, i.Ask, i.Reached), Mini: true}
			row.Caption = i.Audience
			if i.Author != v.r.Viewer.Person {
				row.Caption += " · " + i.From()
			}
			if n := i.Families - i.Reached; n > 0 {
				row.Flag = v.r.T("liaison.missing", "n", n)
			}
		case v.pupil():
			row.Caption = i.From() + " · " + i18n.Date(i.At(v.zone), v.now())
		default:
			row.Read, row.ToRead = i.Done(), !i.Done() && i.Children != ""
			row.Caption = strings.Join(slices.DeleteFunc([]string{names(v.children(i)), i.From(), i18n.Date(i.At(v.zone), v.now())}, func(s string) bool { return s == "" }), " · ")
		}
		out = append(out, row)
	}
	return out
}

func (v view) link(id string) string { return v.with(path(id), "", Cursor{}) }

func (v view) more() string { return v.with("/carnet", v.theme, v.next) }

// with is an address that keeps the child and the year that were chosen.
func (v view) with(at, theme string, before Cursor) string {
	q := url.Values{}
	if before.At > 0 {
		q.Set("avant", before.String())
	}
	if v.child != "" {
		q.Set("enfant", v.child)
	}
	if theme != "" {
		q.Set("theme", theme)
	}
	if v.year != 0 && v.year != v.today() {
		q.Set("annee", strconv.Itoa(v.year))
	}
	if at == "/carnet" && !v.follow && follower(v.r.Viewer) {
		q.Set("vue", "recus")
	}
	if len(q) == 0 {
		return at
	}
	return at + "?" + q.Encode()
}

// name is the title of a draft, or what stands for it.
func (v view) name(d Saved) string {
	if d.Title == "" {
		return v.r.T("liaison.untitled")
	}
	return i18n.Spaces(d.Title)
}

// themes are the choice of what the words are about.
func (v view) themes(ctx context.Context) ui.FieldProps {
	f := ui.FieldProps{Name: "theme", Label: i18n.T(ctx, "liaison.theme"), Value: v.theme, Options: []ui.Option{{Label: i18n.T(ctx, "liaison.all_themes"), Selected: v.theme == ""}}}
	f.Options = append(f.Options, themes(ctx)...)
	return f
}

func themes(ctx context.Context) []ui.Option {
	out := make([]ui.Option, len(Themes))
	for i, t := range Themes {
		out[i] = ui.Option{Value: t, Label: i18n.T(ctx, "liaison.theme."+t)}
	}
	return out
}

// filter is the choice of a child, for parents of several.
func (v view) filter() []ui.ChildTab {
	kids := v.r.Viewer.Children
	if v.follow || len(kids) < 2 {
		return nil
	}
	shown := v.child
	of := func(child string) string {
		v.child = child
		return v.with("/carnet", v.theme, Cursor{})
	}
	out := []ui.ChildTab{{Href: of(""), Name: v.r.T("liaison.all_children"), Current: shown == ""}}
	for _, c := range kids {
		out = append(out, ui.ChildTab{Href: of(c.ID), Name: c.First, Class: c.Class, Person: app.Face(c.ID, c.First, "", c.Avatar, ""), Current: shown == c.ID})
	}
	return out
}

// recipients are the choices of a sender.
type recipients struct {
	mine   []people.Class
	others []people.Class
	groups []people.Group
	pupils []people.Pupil
}

func (r recipients) of(class string) []people.Pupil {
	return slices.DeleteFunc(slices.Clone(r.pupils), func(p people.Pupil) bool { return p.Class != class })
}

// form is a word being written.
type form struct {
	draft  Draft
	faults map[string]string
	kept   []file.File
	to     recipients
	school string

	seen  int64 // the version that is corrected
	again bool  // everybody is asked anew
	now   *Item // what the word says, where somebody else corrected it meanwhile

	planned string // when it is sent by itself, in words
}

func (f form) chosen(to string) bool { return slices.Contains(f.draft.To, to) }

// anyPupil says whether one pupil of the class is chosen, so that the list is
// shown open.
func (f form) anyPupil(class string) bool {
	return slices.ContainsFunc(f.to.of(class), func(p people.Pupil) bool { return f.chosen("pupil:" + p.ID) })
}

func (f form) anyOther() bool {
	return f.chosen("school") || slices.ContainsFunc(f.to.others, func(c people.Class) bool { return f.chosen("class:" + c.ID) })
}

func (f form) title(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "titre", Label: i18n.T(ctx, "liaison.title"), Value: f.draft.Title, Error: f.faults["titre"], Required: true, Attrs: templ.Attributes{"maxlength": "150"}}
}

func (f form) theme(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "theme", Label: i18n.T(ctx, "liaison.theme"), Value: f.draft.Theme, Options: themes(ctx)}
}

func (f form) text(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "texte", Label: i18n.T(ctx, "liaison.text"), Value: f.draft.Text, Error: f.faults["texte"], Required: true, Rows: 9}
}

func (f form) editor(ctx context.Context) ui.EditorProps {
	return ui.EditorProps{FieldProps: f.text(ctx), Rich: f.draft.Rich}
}

func (f form) ask(ctx context.Context) ui.FieldProps {
	p := ui.FieldProps{Name: "demande", Label: i18n.T(ctx, "liaison.ask"), Value: string(f.draft.Ask)}
	for _, a := range Asks {
		p.Options = append(p.Options, ui.Option{Value: string(a), Label: i18n.T(ctx, "liaison.ask."+string(a))})
	}
	return p
}

func (f form) question(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "question", Label: i18n.T(ctx, "liaison.question"), Help: i18n.T(ctx, "liaison.question_help"), Value: f.draft.Question, Error: f.faults["question"], Attrs: templ.Attributes{"maxlength": "150"}}
}

func (f form) choices(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "choix", Label: i18n.T(ctx, "liaison.choices"), Help: i18n.T(ctx, "liaison.choices_help", "n", choicesMax), Value: strings.Join(f.draft.Choices, "\n"), Error: f.faults["choix"], Rows: 4}
}

func (f form) due(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "avant", Type: "date", Label: i18n.T(ctx, "liaison.due"), Value: f.draft.Due, Error: f.faults["avant"], Optional: true}
}

// asks says whether the fields of an answer are shown open.
func (f form) asks() bool {
	return f.draft.Ask.Answered() || f.draft.Due != "" || f.faults["question"]+f.faults["choix"]+f.faults["avant"]+f.faults["rappel"] != ""
}

// keptFile is a file that an earlier try left.
func keptFile(ctx context.Context, f file.File) ui.FieldProps {
	return ui.FieldProps{Name: "fichier", ID: "fichier-" + f.ID, Value: f.ID, Label: i18n.T(ctx, "liaison.file_kept", "name", f.Name), Checked: true}
}

func (f form) who() ui.FieldProps { return ui.FieldProps{Name: "a", Error: f.faults["a"]} }

// joins are the types of files that a word or a letter takes.
const joins = "image/*,audio/*,video/*,application/pdf"

// drafted is the field of files of a form that can be kept as a draft: without a
// script it is, before the window of documents opens.
func (f form) drafted(ctx context.Context) ui.FieldProps {
	p := f.file(ctx)
	if f.planned == "" {
		p.After = in(atSave, f.school)
	}
	return p
}

func (f form) file(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "piece", Label: i18n.T(ctx, "liaison.file"), Help: i18n.T(ctx, "liaison.file_help", "n", filesMax), Multiple: true, Error: f.faults["piece"], Optional: true,
		Accept: joins, Upload: "/fichiers/envoi?lire&ecole=" + f.school, Kept: "fichier", Pick: "/fichiers/choisir?lire&ecole=" + f.school}
}
