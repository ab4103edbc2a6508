package classroom

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// kin is the page of a pupil.
type kin struct {
	frame
	pupil    Pupil
	signed   map[string]bool
	words    string // searched among the adults of the school
	found    []Account
	newcomer Newcomer
	same     []Account
	faults   map[string]string
}

func face(a Account, size string) ui.Person { return app.Face(a.ID, a.First, a.Last, a.Avatar, size) }

// caption says who somebody is, to the school's staff.
func caption(ctx context.Context, c people.Caption) string {
	return c.Whole(func(key string, pairs ...any) string { return i18n.T(ctx, key, pairs...) })
}

func (f frame) zone() *time.Location { return f.r.Viewer.Zone() }

func (f frame) tabs(ctx context.Context) []ui.Tab {
	var out []ui.Tab
	for _, t := range []struct{ key, page string }{{"pupils", ""}, {"families", "familles"}, {"groups", "groupes"}, {"team", "equipe"}} {
		href := path(f.class.ID)
		if t.page != "" {
			href = path(f.class.ID, t.page)
		}
		out = append(out, ui.Tab{Label: i18n.T(ctx, "classroom.tab."+t.key), Href: href, Current: f.tab == t.page})
	}
	return out
}

// code says what is known of somebody's code, never the code.
func (f frame) code(ctx context.Context, a Account) string {
	switch {
	case a.Active():
		return i18n.T(ctx, "classroom.code.used")
	case a.CodeTo == nil:
		return i18n.T(ctx, "classroom.code.none")
	case !a.Ready(f.r.Viewer.Now):
		return i18n.T(ctx, "classroom.code.expired")
	}
	return i18n.T(ctx, "classroom.code.until", "day", i18n.LongDate(time.UnixMilli(*a.CodeTo).In(f.zone())))
}

// seen says when somebody was last there.
func (f frame) seen(ctx context.Context, a Account) string {
	if a.Seen == nil {
		return i18n.T(ctx, "classroom.never_seen")
	}
	return i18n.Ago(time.UnixMilli(*a.Seen).In(f.zone()), f.r.Viewer.Now.In(f.zone()))
}

// children are the pupils of the class whose relative somebody is.
func (f frame) children(a Account) []Pupil {
	var out []Pupil
	for _, p := range f.roster {
		for _, r := range p.Relatives {
			if r.ID == a.ID {
				out = append(out, p)
			}
		}
	}
	return out
}

func firsts(list []Pupil) string {
	names := make([]string, len(list))
	for i, p := range list {
		names[i] = p.First
	}
	return i18n.List(names...)
}

// orphans are the pupils without any responsible adult.
func (f frame) orphans() []Pupil {
	var out []Pupil
	for _, p := range f.roster {
		if len(p.Relatives) == 0 {
			out = append(out, p)
		}
	}
	return out
}

// person is the address of an act on somebody, which leads back to this page.
func (f frame) person(a Account, act, pupil string, more ...string) string {
	s := "/classe/personne/" + a.ID + "/" + act + "?classe=" + f.class.ID
	if pupil != "" {
		s += "&eleve=" + pupil
	}
	for _, m := range more {
		s += "&" + m
	}
	return s
}

func (f frame) pupilMenu(ctx context.Context, p Pupil) []ui.Link {
	links := []ui.Link{{Label: i18n.T(ctx, "classroom.family_of", "of", i18n.Of(p.First)), Href: path(f.class.ID, "eleve", p.ID), Icon: "users"}}
	if p.Below(rank(f.r.Grant)) {
		links = append(links, ui.Link{Label: i18n.T(ctx, "classroom.new_code"), Href: f.person(p.Account, "code/nouveau", p.ID), Icon: "key"})
	}
	return links
}

func (f frame) relativeMenu(ctx context.Context, a Account) []ui.Link {
	var links []ui.Link
	for _, p := range f.children(a) {
		links = append(links, ui.Link{Label: i18n.T(ctx, "classroom.family_of", "of", i18n.Of(p.First)), Href: path(f.class.ID, "eleve", p.ID), Icon: "users"})
	}
	if a.Below(rank(f.r.Grant)) {
		links = append(links, ui.Link{Label: i18n.T(ctx, "classroom.new_code"), Href: f.person(a, "code/nouveau", ""), Icon: "key"})
	}
	return links
}

// automatic are the groups that everybody has without making them.
func (f frame) automatic() []string {
	label := func(string) string { return f.class.Label }
	var out []string
	for _, who := range []string{"relative", "pupil", "teacher"} {
		out = append(out, people.PrincipalLabel(f.r.T, "class:"+f.class.ID+":"+who, label))
	}
	for _, l := range strings.Fields(f.class.Levels) {
		out = append(out, people.PrincipalLabel(f.r.T, "level:"+strconv.Itoa(f.class.Year)+":"+l+":relative", label))
	}
	return append(out, people.PrincipalLabel(f.r.T, "school:relative", label), people.PrincipalLabel(f.r.T, "school:teacher", label))
}

func (v naming) fields(ctx context.Context) (first, last, use ui.FieldProps) {
	f := fields{Newcomer{First: v.n.First, Last: v.n.Last}, v.faults}
	return f.first(ctx), f.last(ctx), ui.FieldProps{Name: "usage", Label: i18n.T(ctx, "classroom.name.use"), Help: i18n.T(ctx, "classroom.name.use_help"), Value: v.n.Use, Error: v.faults["usage"], Optional: true,
		Attrs: templ.Attributes{"autocomplete": "off", "maxlength": "80"}}
}

// suspend is where a head suspends a relative's access to the pupil.
func (v kin) suspend(a Account) string {
	return "/ecole/famille/" + v.pupil.ID + "/" + a.ID + "?ecole=" + v.frame.class.School
}

// fields of the forms of newcomers.
type fields struct {
	n      Newcomer
	faults map[string]string
}

func (f fields) first(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "prenom", Label: i18n.T(ctx, "classroom.first"), Value: f.n.First, Error: f.faults["prenom"], Required: true, Attrs: templ.Attributes{"autocomplete": "off", "maxlength": "80"}}
}

func (f fields) last(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "nom", Label: i18n.T(ctx, "classroom.last"), Value: f.n.Last, Error: f.faults["nom"], Required: true, Attrs: templ.Attributes{"autocomplete": "off", "maxlength": "80"}}
}

func (f fields) birth(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "naissance", Label: i18n.T(ctx, "classroom.birth"), Type: "date", Value: f.n.Birth, Error: f.faults["naissance"], Optional: true}
}

func (f fields) email(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "courriel", Label: i18n.T(ctx, "classroom.email"), Help: i18n.T(ctx, "classroom.email_help"), Type: "email", Value: f.n.Email, Error: f.faults["courriel"], Optional: true, Attrs: templ.Attributes{"autocomplete": "off"}}
}

func (f fields) level(ctx context.Context, levels []string) ui.FieldProps {
	p := ui.FieldProps{Name: "niveau", Label: i18n.T(ctx, "classroom.level"), Value: f.n.Level, Placeholder: i18n.T(ctx, "classroom.choose"), Error: f.faults["niveau"], Required: true}
	for _, l := range levels {
		p.Options = append(p.Options, ui.Option{Value: l, Label: l})
	}
	return p
}

func (f fields) civility(ctx context.Context, pupil bool) ui.FieldProps {
	m, w := "classroom.civility.m", "classroom.civility.f"
	label := "classroom.civility"
	if pupil {
		m, w, label = "classroom.boy", "classroom.girl", "classroom.sex"
	}
	return ui.FieldProps{Name: "civilite", Label: i18n.T(ctx, label), Value: f.n.Civility, Error: f.faults["civilite"], Optional: true, SideBySide: true,
		Options: []ui.Option{{Value: "F", Label: i18n.T(ctx, w)}, {Value: "M", Label: i18n.T(ctx, m)}}}
}

func (f fields) anyway(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "memeque", Label: i18n.T(ctx, "classroom.anyway"), Error: f.faults["memeque"], Checked: f.n.Anyway}
}

func (f fields) errors(ctx context.Context) []ui.FieldError {
	return ui.Errors(f.first(ctx), f.last(ctx), f.civility(ctx, false), f.birth(ctx), f.level(ctx, nil), f.email(ctx), f.anyway(ctx))
}

func (v composing) name(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "nom", Label: i18n.T(ctx, "classroom.group_name"), Value: v.label, Error: v.faults["nom"], Required: true, ReadOnly: !v.mine, Attrs: templ.Attributes{"maxlength": "80"}}
}

func (v composing) action() string {
	if v.group.ID == "" {
		return path(v.class.ID, "groupes", "nouveau")
	}
	return path(v.class.ID, "groupe", v.group.ID)
}

// members are those in the group, in the order of the page.
func (v composing) members() []Member {
	var out []Member
	for _, m := range append(slices.Clone(v.near), v.others...) {
		if m.Chosen {
			out = append(out, m)
		}
	}
	return out
}

func (v composing) face(m Member) ui.Person { return app.Face(m.ID, m.First, m.Last, m.Avatar, "") }

func (p printing) label(ctx context.Context, key, who string) string {
	if p.counts == nil {
		return i18n.T(ctx, key)
	}
	return i18n.T(ctx, key) + " (" + strconv.Itoa(p.counts[who]) + ")"
}

func teacherField(ctx context.Context, others []Account, faults map[string]string) ui.FieldProps {
	p := ui.FieldProps{Name: "personne", Label: i18n.T(ctx, "classroom.teacher"), Placeholder: i18n.T(ctx, "classroom.choose"), Error: faults["personne"], Required: true}
	for _, a := range others {
		p.Options = append(p.Options, ui.Option{Value: a.ID, Label: a.Name()})
	}
	return p
}

// oneSchool says that the name of the school beside each class tells nothing.
func oneSchool(list []Class) bool {
	for _, c := range list {
		if c.Home != list[0].Home {
			return false
		}
	}
	return true
}
