package home

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// Sizes: lines of a page, what is read for them where bursts may fold, and what
// waits.
const (
	feedPage = 12
	feedMost = 3 * feedPage
	waiting  = 5
)

// A burst is at least so many lines of one service by one author on one day,
// each within so long of the next.
const (
	burstLeast = 3
	burstGap   = 30 * time.Minute
)

// entry is one line of the page: an item, or a burst of them, newest first.
type entry struct{ items []notify.Item }

func (e entry) first() notify.Item { return e.items[0] }
func (e entry) last() notify.Item  { return e.items[len(e.items)-1] }
func (e entry) burst() bool        { return len(e.items) > 1 }

// day is one day of the feed.
type day struct {
	label string
	lines []entry
}

// read fills the page with the feed, in one statement.
func (p *page) read(core *app.Core, o notify.Query, most int) error {
	o.Limit = most + 1
	items, err := notify.Feed(p.r.Context(), core.DB, p.r.Viewer, o)
	if err != nil {
		return err
	}
	later := len(items) > most
	items = items[:min(len(items), most)]
	p.feed = fold(items, p.zone())
	if len(p.feed) > feedPage {
		p.feed, later = p.feed[:feedPage], true
	}
	if later {
		last := p.feed[len(p.feed)-1].last()
		p.next = p.link(p.child, p.service, "avant", fmt.Sprintf("%d.%s", last.At, last.Event))
	}
	return nil
}

// fold makes one line of a burst.
func fold(items []notify.Item, zone *time.Location) (out []entry) {
	for len(items) > 0 {
		n := 1
		for n < len(items) && follows(items[n-1], items[n], zone) {
			n++
		}
		if n < burstLeast {
			n = 1
		}
		out = append(out, entry{items[:n]})
		items = items[n:]
	}
	return out
}

// follows says whether a line belongs to the burst of the one before it.
func follows(newer, older notify.Item, zone *time.Location) bool {
	if newer.Actor != older.Actor || newer.At-older.At > burstGap.Milliseconds() || newer.Service() != older.Service() {
		return false
	}
	return time.UnixMilli(newer.At).In(zone).YearDay() == time.UnixMilli(older.At).In(zone).YearDay()
}

func (p page) days() []day {
	var out []day
	y, m, d := p.now().Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, p.zone())
	for _, e := range p.feed {
		at := time.UnixMilli(e.first().At).In(p.zone())
		label := capital(i18n.Date(at, p.now()))
		switch {
		case !at.Before(today):
			label = p.r.T("home.today")
		case !at.Before(today.AddDate(0, 0, -1)):
			label = p.r.T("home.yesterday")
		}
		if n := len(out); n == 0 || out[n-1].label != label {
			out = append(out, day{label: label})
		}
		out[len(out)-1].lines = append(out[len(out)-1].lines, e)
	}
	return out
}

// burst is the line that stands for several.
func (p page) burst(e entry) ui.Burst {
	first := e.first()
	a, _ := p.kind(first)
	key, of := "home.many", "de "+from(first) // "de Mme …" has no elision
	if first.Civility == "" {
		of = i18n.Of(from(first))
	}
	if t, ok := p.r.Core.Told(first.Kind); ok && t.Many != "" {
		key = t.Many
	}
	b := ui.Burst{Icon: a.Square.Icon, Paint: a.Square.Paint}
	for _, i := range e.items {
		if i.Kind != first.Kind {
			key = "home.many"
		}
		b.Unread = b.Unread || i.Unread
	}
	b.Title = p.r.T(key, "n", len(e.items), "from", of)
	until, since := p.hour(first), p.hour(e.last())
	b.Text = until
	if since != until {
		b.Text = p.r.T("home.between", "from", since, "to", until)
	}
	return b
}

func (p page) hour(i notify.Item) string { return i18n.Hour(time.UnixMilli(i.At).In(p.zone())) }

// items are the lines one by one.
func (p page) items() (out []notify.Item) {
	for _, e := range p.feed {
		out = append(out, e.items...)
	}
	return out
}

// unread counts the lines of the page that were not seen.
func (p page) unread() (n int) {
	for _, i := range p.items() {
		if i.Unread {
			n++
		}
	}
	return n
}

// services are those that may tell the viewer something.
func (p page) services() (out []app.App) {
	profiles := p.r.Viewer.Profiles()
	for _, a := range p.r.Core.Apps {
		for _, t := range a.Told {
			if _, ok := t.Default(profiles); ok {
				out = append(out, a)
				break
			}
		}
	}
	return out
}

// filter is the choice of a service, where there are several.
func (p page) filter() []ui.Tab {
	list := p.services()
	if len(list) < 2 {
		return nil
	}
	out := []ui.Tab{{Label: p.r.T("home.all_services"), Href: p.link(p.child, "") + "#nouveautes", Current: p.service == ""}}
	for _, a := range list {
		label := "square." + a.Name
		if p.r.Core.Catalog.Has(label + ".short") {
			label += ".short"
		}
		out = append(out, ui.Tab{Label: p.r.T(label), Href: p.link(p.child, a.Name) + "#nouveautes", Icon: a.Square.Icon, Current: p.service == a.Name})
	}
	return out
}

// drawn is when the page was drawn, in milliseconds.
func (p page) drawn() string { return strconv.FormatInt(p.r.Viewer.Now.UnixMilli(), 10) }

// link is the address of the page with what is chosen on it.
func (p page) link(child, service string, more ...string) string {
	v := url.Values{}
	if child != "" {
		v.Set("enfant", child)
	}
	if service != "" {
		v.Set("service", service)
	}
	for n := 0; n+1 < len(more); n += 2 {
		v.Set(more[n], more[n+1])
	}
	if len(v) == 0 {
		return "/"
	}
	return "/?" + v.Encode()
}

func cursor(s string) (int64, string) {
	at, event, ok := strings.Cut(s, ".")
	n, err := strconv.ParseInt(at, 10, 64)
	if !ok || err != nil || n < 1 || !id.Valid(event) {
		return 0, ""
	}
	return n, event
}

// actions are what may be done with a line.
func (p page) actions(i notify.Item) []ui.Link {
	out := []ui.Link{{Label: p.r.T("home.remove"), Href: "/fil/" + i.Event + "/retirer", Icon: "x", Post: true}}
	if _, k := p.kind(i); !k.Apart {
		out = append(out, app.Reactions(p.r.Context(), i.Resource)...)
	}
	return out
}

// line is what may be done with one line of the feed.
func (h handler) line(r *app.Request) (web.Response, error) {
	e := r.PathValue("event")
	if !id.Valid(e) {
		return nil, errs.ErrNotFound
	}
	items, err := notify.Feed(r.Context(), h.core.DB, r.Viewer, notify.Query{Event: e, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, errs.ErrNotFound
	}
	p := page{r: r}
	if r.Header.Get("Marelle-Fragment") != "" {
		return web.Page(sheetBox(p, items[0])), nil
	}
	return r.Page(r.T("home.line"), "home", linePage(p, items[0]))
}
