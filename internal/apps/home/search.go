package home

import (
	"net/url"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// Sizes of a page of results: items, people beside them, people alone. A
// question is cut at longest characters.
const (
	foundItems  = 20
	foundPeople = 4
	allPeople   = 50
	longest     = 200
)

// inPeople is the place of the filter that no service has.
const inPeople = "personnes"

// results are what a search found.
type results struct {
	r      *app.Request
	words  string
	in     string // "", inPeople or the name of a service
	later  bool   // a page after the first
	people []people.Found
	more   bool // people, beyond those shown
	items  []search.Hit
	next   string
}

// search costs two statements: people by their names, items by their words.
func (h handler) search(r *app.Request) (web.Response, error) {
	ctx, q := r.Context(), r.URL.Query()
	res := results{r: r, words: strings.TrimSpace(strings.ToValidUTF8(q.Get("q"), " ")), in: q.Get("dans"), later: q.Get("apres") != ""}
	if list := []rune(res.words); len(list) > longest {
		res.words = string(list[:longest])
	}
	kinds, known := res.kinds()
	if !known {
		res.in = ""
	}
	if (res.in == "" && !res.later || res.in == inPeople) && len(i18n.Fold(res.words)) >= 2 {
		most := foundPeople
		if res.in == inPeople {
			most = allPeople
		}
		var err error
		if res.people, err = people.Search(ctx, h.core.DB, r.Viewer, res.words, most+1); err != nil {
			return nil, err
		}
		if res.more = len(res.people) > most; res.more {
			res.people = res.people[:most]
		}
	}
	if res.in != inPeople {
		p, err := search.Find(ctx, h.core.DB, r.Viewer, search.Query{Words: res.words, Kinds: kinds, After: q.Get("apres"), Limit: foundItems})
		if err != nil {
			return nil, err
		}
		res.items = p.Hits
		if p.Next != "" {
			res.next = res.link(res.words, res.in) + "&apres=" + url.QueryEscape(p.Next)
		}
	}
	return r.Page(r.T("home.search"), "home", searchPage(res))
}

// kinds are those of the service chosen; known is false when there is none.
func (res results) kinds() (list []rights.Kind, known bool) {
	for _, a := range res.r.Core.Apps {
		if a.Name == res.in {
			for _, k := range a.Kinds {
				list = append(list, k.Kind)
			}
		}
	}
	return list, len(list) > 0 || res.in == inPeople
}

// link is the address of a question.
func (res results) link(words, in string) string {
	v := url.Values{"q": {words}}
	if in != "" {
		v.Set("dans", in)
	}
	return "/recherche?" + v.Encode()
}

// tabs are where to look: everywhere, among people, in each service.
func (res results) tabs() []ui.Tab {
	tab := func(in, label, icon string) ui.Tab {
		return ui.Tab{Href: res.link(res.words, in), Label: label, Icon: icon, Current: res.in == in}
	}
	out := []ui.Tab{tab("", res.r.T("home.in_all"), ""), tab(inPeople, res.r.T("home.found_people"), "users")}
	for _, a := range res.r.Core.Apps {
		if len(a.Kinds) > 0 && a.Square.Number > 0 {
			out = append(out, tab(a.Name, res.tell("square."+a.Name+".short", "square."+a.Name+".pupil"), a.Square.Icon))
		}
	}
	return out
}

// service is the name of a service, as its square has it.
func (res results) service(a app.App) string {
	return res.tell("square."+a.Name, "square."+a.Name+".pupil")
}

// none says whether nothing at all was found.
func (res results) none() bool { return len(res.items) == 0 && len(res.people) == 0 }

// tell picks the sentence for whom it speaks to.
func (res results) tell(adult, pupil string) string {
	if res.r.Viewer.Main() == rights.Pupil {
		return res.r.T(pupil)
	}
	return res.r.T(adult)
}

// fewer are the words of a question of several, each to be tried alone.
func (res results) fewer() []string {
	list := search.Telling(res.words)
	if len(list) < 2 {
		return nil
	}
	return list
}

func (res results) news(i search.Hit) ui.News {
	n := ui.News{Marked: pieces(i.Title), Href: "/"}
	zone := res.r.Viewer.Zone()
	n.Text = i18n.Date(time.UnixMilli(i.At).In(zone), res.r.Viewer.Now.In(zone))
	if a, k, ok := res.r.Core.Kind(i.Kind); ok {
		n.Icon, n.Paint, n.Href = a.Square.Icon, a.Square.Paint, k.Path(i.ID)
		n.Text = res.service(a) + " · " + n.Text
	}
	return n
}

func pieces(list []search.Span) []ui.Piece {
	out := make([]ui.Piece, len(list))
	for i, s := range list {
		out[i] = ui.Piece{Text: i18n.Spaces(s.Text), Mark: s.Found}
	}
	return out
}
