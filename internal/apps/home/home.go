// Package home is the first page: what waits for somebody, what was published
// for them, the court of services, and the search. It knows services only by
// what they declare.
package home

import (
	"embed"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

//go:embed i18n/fr.json
var files embed.FS

// App declares the home page and the search.
func App(core *app.Core) app.App {
	messages, err := fs.Sub(files, "i18n")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	h := handler{core}
	return app.App{
		Name: "home", Messages: messages,
		Routes: func(r *app.Router) {
			r.GET("/{$}", rights.SignedIn, h.home)
			r.GET("/recherche", rights.SignedIn, h.search)
			r.GET("/fil/{event}", rights.SignedIn, h.line)
			r.POST("/fil/{event}/retirer", rights.SignedIn, h.remove)
			r.POST("/fil/{event}/remettre", rights.SignedIn, h.restore)
		},
	}
}

type handler struct{ core *app.Core }

// page is a home page.
type page struct {
	r       *app.Request
	child   string
	service string
	awaits  []notify.Item
	more    bool // waits, beyond those shown
	feed    []entry
	next    string
	tiles   []templ.Component
}

func (p page) zone() *time.Location { return p.r.Viewer.Zone() }
func (p page) now() time.Time       { return p.r.Viewer.Now.In(p.zone()) }
func (p page) pupil() bool          { return p.r.Viewer.Main() == rights.Pupil }

// home costs three statements: who asks (with children), the counts, the feed;
// and a fourth when something waits that the page of the feed does not hold.
func (h handler) home(r *app.Request) (web.Response, error) {
	q := r.URL.Query()
	p := page{r: r}
	if c := q.Get("enfant"); slices.ContainsFunc(r.Viewer.Children, func(k rights.Child) bool { return k.ID == c }) {
		p.child = c
	}
	if s := q.Get("service"); slices.ContainsFunc(p.services(), func(a app.App) bool { return a.Name == s }) {
		p.service = s
	}
	o := notify.Query{Child: p.child, Service: p.service}
	o.Before, o.BeforeE = cursor(q.Get("avant"))
	if o.Before > 0 && r.Header.Get("Marelle-Fragment") != "" {
		if err := p.read(h.core, o, feedMost); err != nil {
			return nil, err
		}
		return web.Page(news(p)), nil
	}
	s, err := r.Shell(r.T("app.home"), "home")
	if err != nil {
		return nil, err
	}
	s.Scripts = []string{ui.Asset("home.js")}
	most := feedPage
	if s.Unread > feedPage || o.Before > 0 { // there may be bursts
		most = feedMost
	}
	if err := p.read(h.core, o, most); err != nil {
		return nil, err
	}
	if o.Before == 0 && len(r.Viewer.Children) > 0 {
		if err := h.waits(&p); err != nil {
			return nil, err
		}
	}
	if o.Before == 0 && len(r.Viewer.Children) == 0 && !p.pupil() {
		for _, a := range h.core.Apps {
			if a.Tile == nil {
				continue
			}
			t, err := a.Tile(r)
			if err != nil {
				return nil, err
			}
			if t != nil {
				p.tiles = append(p.tiles, t)
			}
		}
	}
	switch fait := q.Get("fait"); {
	case strings.HasPrefix(fait, "lu."):
		kind, item := cutLast(strings.TrimPrefix(fait, "lu."))
		if _, k, ok := h.core.Kind(rights.Kind(kind)); ok && k.Undo != nil && id.Valid(item) {
			s.Toast = &ui.Toast{Text: r.T("home.thanks"), Undo: k.Undo(item), Fields: map[string]string{"retour": "accueil"}}
		}
	case fait == "annule":
		s.Toast = &ui.Toast{Text: r.T("home.undone")}
	case strings.HasPrefix(fait, "retire."):
		if e := strings.TrimPrefix(fait, "retire."); id.Valid(e) {
			s.Toast = &ui.Toast{Text: r.T("home.removed"), Undo: "/fil/" + e + "/remettre"}
		}
	case strings.HasPrefix(fait, "sourdine."):
		if e := strings.TrimPrefix(fait, "sourdine."); id.Valid(e) {
			s.Toast = &ui.Toast{Text: r.T("home.muted"), Undo: "/sourdine/" + e + "/lever"}
		}
	}
	hero := ui.Hero{Title: r.T("home.hello", "name", r.Viewer.First), Children: p.children()}
	day := i18n.Capital(i18n.Date(p.now(), p.now()))
	if p.pupil() {
		s.Reading = pupilReading(s.Reading)
		hero.Sub = r.T("home.pupil_day", "day", day, "n", p.unread())
		hero.Listen = hero.Title + ". " + hero.Sub
		return web.PageStatus(http.StatusOK, app.Inside(ui.PupilHome(s, hero), pupilBody(p))), nil
	}
	hero.Sub = day
	if len(r.Viewer.Children) > 0 {
		hero.Sub = day + " · " + r.T("home.to_read", "n", len(p.awaits))
		if len(p.awaits) == 0 {
			hero.Sub = day + " · " + r.T("home.all_read")
		}
		if all := r.Counts; p.more && p.child == "" && !all.Capped {
			hero.Sub = day + " · " + r.T("home.to_read", "n", all.Awaits)
		} else if p.more {
			hero.Sub = day + " · " + r.T("home.to_read_more", "n", len(p.awaits))
		}
	} else if s.Unread > 0 {
		hero.Sub = day + " · " + r.T("home.news", "n", s.Unread)
	}
	return web.PageStatus(http.StatusOK, app.Inside(ui.HomeLayout(s, hero), body(p))), nil
}

// waits finds what still asks something of a parent: in the page of the feed when
// all of it is there, which is most often so.
func (h handler) waits(p *page) error {
	for _, i := range p.items() {
		if i.Awaits {
			p.awaits = append(p.awaits, i)
		}
	}
	if len(p.awaits) <= waiting && (len(p.awaits) < p.r.Counts.Awaits || p.r.Counts.Capped) {
		var err error
		if p.awaits, err = notify.Feed(p.r.Context(), h.core.DB, p.r.Viewer, notify.Query{Child: p.child, Awaits: true, Limit: waiting + 1}); err != nil {
			return err
		}
	}
	if p.more = len(p.awaits) > waiting; p.more {
		p.awaits = p.awaits[:waiting]
	}
	return nil
}

// cutLast parts a kind, which has a dot of its own, from what follows its last one.
func cutLast(s string) (before, after string) {
	i := strings.LastIndexByte(s, '.')
	return s[:max(i, 0)], s[i+1:]
}

// pupilReading gives beginners their letters unless they chose others.
func pupilReading(chosen string) string {
	if chosen == "" {
		return "debutant"
	}
	return chosen
}

// about keeps the child that was chosen.
func (p page) about(href string) string {
	if p.child != "" {
		href += "?enfant=" + p.child
	}
	return href
}

// children is the choice of a child.
func (p page) children() []ui.ChildTab {
	kids := p.r.Viewer.Children
	if len(kids) < 2 {
		return nil
	}
	out := []ui.ChildTab{{Href: p.link("", p.service), Name: p.r.T("home.all_children"), Current: p.child == ""}}
	for _, c := range kids {
		out = append(out, ui.ChildTab{Href: p.link(c.ID, p.service), Name: c.First, Class: c.Class, Person: app.Face(c.ID, c.First, "", c.Avatar, ""), Current: p.child == c.ID})
	}
	return out
}

// of are the viewer's children that an item is about.
func (p page) of(i notify.Item) []rights.Child {
	var out []rights.Child
	for _, c := range p.r.Viewer.Children {
		if strings.Contains(i.Children, c.ID) {
			out = append(out, c)
		}
	}
	return out
}

func (p page) who(i notify.Item) (ui.Person, string) {
	kids := p.of(i)
	switch len(kids) {
	case 0:
		return ui.Person{}, ""
	case 1:
		return app.Face(kids[0].ID, kids[0].First, "", kids[0].Avatar, "p"), kids[0].First
	}
	names := make([]string, len(kids))
	for n, k := range kids {
		names[n] = k.First
	}
	return ui.Person{}, i18n.List(names...)
}

// from names an author as families do.
func from(i notify.Item) string {
	return people.Formal(i.Civility, i.First, i.Last)
}

// kind finds what the service of an item declares.
func (p page) kind(i notify.Item) (app.App, app.Kind) {
	a, k, ok := p.r.Core.Kind(rights.Kind(i.About))
	if !ok {
		return app.App{}, app.Kind{Path: func(string) string { return "/" }}
	}
	return a, k
}

// lead says what happened to what a line is about; "" when it was published.
func (p page) lead(i notify.Item) string {
	if t, ok := p.r.Core.Told(i.Kind); ok && t.Line != "" {
		return p.r.T(t.Line)
	}
	return ""
}

// titled is a title with what happened, in one text.
func (p page) titled(i notify.Item) string {
	if l := p.lead(i); l != "" {
		return l + " · " + i.Title
	}
	return i.Title
}

func (p page) news(i notify.Item) ui.News {
	a, k := p.kind(i)
	face, name := p.who(i)
	at := time.UnixMilli(i.At).In(p.zone())
	return ui.News{
		Icon: a.Square.Icon, Paint: a.Square.Paint, Lead: p.lead(i), Title: i.Title, Href: k.Path(i.Resource), Person: face, Child: name,
		Text: from(i) + " · " + i18n.Hour(at), Unread: i.Unread, Sheet: "/fil/" + i.Event,
	}
}

func (h handler) remove(r *app.Request) (web.Response, error) {
	e := r.PathValue("event")
	if !id.Valid(e) {
		return nil, errs.ErrNotFound
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return notify.Remove(r.Context(), tx, r.Grant, e, h.core.Clock.Now())
	}); err != nil {
		return nil, err
	}
	return web.Redirect("/?fait=retire." + e), nil
}

func (h handler) restore(r *app.Request) (web.Response, error) {
	e := r.PathValue("event")
	if !id.Valid(e) {
		return nil, errs.ErrNotFound
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return notify.Restore(r.Context(), tx, r.Grant, e) }); err != nil {
		return nil, err
	}
	return web.Redirect("/"), nil
}
