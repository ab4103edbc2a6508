package liaison

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/platform/csv"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// listed is the most families that a page lists; of more, it lists classes.
const listed = 40

// tracking is who has read a word, on its own page or under the word.
type tracking struct {
	r       *app.Request
	word    Item
	zone    *time.Location
	choices []Choice
	sum     Summary
	part    Part
	list    []Family
	more    string // the last family of a page that another follows
	whole   bool   // on a page of its own
	page    string // of the word's: "/suivi" or "/talons"

	earlier   map[string]Earlier // by person, of a version that asks no more
	newcomers []people.Pupil     // who joined its classes since it was sent

	one       bool // of one pupil, whose slip was read
	returning returning
	day       string // when the slips that are noted came back
}

// follow is the tracking under a word: its families, or its classes when they
// are too many.
func (h handler) follow(r *app.Request, w Item, choices []Choice, earlier map[string]Earlier) (*tracking, error) {
	t := tracking{r: r, word: w, earlier: earlier, zone: r.Viewer.Zone(), choices: choices, page: "/suivi"}
	var err error
	if w.Families > listed || len(choices) > 0 {
		if t.sum, err = Summarize(r.Context(), h.core.DB, r.Grant, r.Viewer.Now.UnixMilli()); err != nil {
			return nil, err
		}
	}
	if w.Families <= listed {
		if t.list, err = Families(r.Context(), h.core.DB, r.Grant, r.Viewer.Now.UnixMilli(), Part{Limit: listed}); err != nil {
			return nil, err
		}
	}
	t.newcomers, err = Newcomers(r.Context(), h.core.DB, r.Grant, r.Viewer.Now)
	return &t, err
}

// part reads the choice of families from an address.
func part(q url.Values) Part {
	p := Part{Class: q.Get("classe"), After: q.Get("apres")}
	if _, ok := known[Filter(q.Get("filtre"))]; ok {
		p.Filter = Filter(q.Get("filtre"))
	}
	return p
}

// followed reads the word that a page follows, and its choices.
func (h handler) followed(r *app.Request) (t tracking, err error) {
	words, err := h.words(r, Query{Follow: true, ID: r.Grant.ID(), Limit: 1})
	if err != nil {
		return t, err
	}
	if len(words) == 0 {
		return t, errs.ErrNotFound
	}
	t = tracking{r: r, word: words[0], zone: r.Viewer.Zone(), part: part(r.URL.Query()), whole: true, page: "/suivi"}
	if t.word.Ask.Chosen() {
		if t.choices, err = Choices(r.Context(), h.core.DB, r.Grant); err != nil {
			return t, err
		}
	}
	if t.word.Version > 1 {
		t.earlier, err = EarlierOf(r.Context(), h.core.DB, r.Grant)
	}
	return t, err
}

func (h handler) track(r *app.Request) (web.Response, error) {
	t, err := h.followed(r)
	if err != nil {
		return nil, err
	}
	now := r.Viewer.Now.UnixMilli()
	if t.sum, err = Summarize(r.Context(), h.core.DB, r.Grant, now); err != nil {
		return nil, err
	}
	if !t.wide() {
		o := t.part
		o.Limit = listed + 1
		if t.list, err = Families(r.Context(), h.core.DB, r.Grant, now, o); err != nil {
			return nil, err
		}
		if len(t.list) > listed {
			t.list = t.list[:listed]
			t.more = t.list[listed-1].Pupil
		}
	}
	if t.newcomers, err = Newcomers(r.Context(), h.core.DB, r.Grant, r.Viewer.Now); err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, r.T("liaison.tracking_of", "title", t.word.Title), "liaison", toast(r, t.word), trackingPage(t))
}

// export is the tracking as lines for a spreadsheet, one a relative.
func (h handler) export(r *app.Request) (web.Response, error) {
	t, err := h.followed(r)
	if err != nil {
		return nil, err
	}
	t.part.After = ""
	if t.list, err = Families(r.Context(), h.core.DB, r.Grant, r.Viewer.Now.UnixMilli(), t.part); err != nil {
		return nil, err
	}
	return web.Download(r.T("liaison.csv_name"), "text/csv; charset=utf-8", func(_ context.Context, w io.Writer) error {
		return csv.Write(w, t.lines())
	}), nil
}

// remind recalls the word to one family, to those that were ticked, or to all
// that are missing, and goes back to where it was asked.
func (h handler) remind(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	back, ticked := path(r.Grant.ID()), r.URL.Query().Has("choix")
	if ticked || f.Has("suivi") {
		back += "/suivi"
	}
	o := Whom{Pupils: f["eleve"], Class: f.Get("classe")}
	if ticked && len(o.Pupils) == 0 {
		if o.Pupils = f["id"]; len(o.Pupils) == 0 {
			return web.Redirect(back + "?fait=personne"), nil
		}
	}
	n := 0
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		n, err = Remind(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), o)
		return err
	}); err != nil {
		return nil, err
	}
	if n == 0 {
		return web.Redirect(back + "?fait=dejarelance"), nil
	}
	return web.Redirect(back + "?fait=relance"), nil
}

// lines are the cells of the export, with their heads.
func (t tracking) lines() [][]string {
	heads := []string{"pupil", "class", "state", "relative", "account", "opened", "read", "replied", "answer", "version", "reminded"}
	out := [][]string{make([]string, len(heads))}
	for i, k := range heads {
		out[0][i] = t.r.T("liaison.csv." + k)
	}
	at := func(ms *int64) string {
		if ms == nil {
			return ""
		}
		return time.UnixMilli(*ms).In(t.zone).Format("02/01/2006 15:04")
	}
	for _, f := range t.list {
		about := []string{f.Name(), f.Class, t.short(f)}
		if p := f.Paper; p != nil {
			out = append(out, append(slices.Clone(about), t.r.T("liaison.csv.paper", "by", p.By), "", "", "", at(&p.At), p.Text(t.choices), strconv.Itoa(p.Version), ""))
		}
		adults := f.Relatives
		if len(adults) == 0 {
			adults = []Relative{{}}
		}
		for _, p := range adults {
			account := "liaison.csv.inactive"
			if p.Active {
				account = "liaison.csv.active"
			}
			line := append(slices.Clone(about), p.Name, t.r.T(account), at(p.Opened), at(p.Read), "", "", "", at(p.Reminded))
			if p.Hidden {
				line[8] = t.r.T("liaison.did_hidden")
			}
			if p.Read != nil {
				line[9] = strconv.Itoa(p.Version)
			}
			if g := p.Reply; g != nil {
				line[7], line[8], line[9] = at(&g.At), g.Text(t.choices), strconv.Itoa(g.Version)
			}
			out = append(out, line)
		}
	}
	return out
}

// wide says whether the page shows classes rather than families: there are too
// many, and none were chosen.
func (t tracking) wide() bool {
	return t.sum.Families > listed && t.part.Class == "" && t.part.Filter == Everyone
}

func (t tracking) address(o Part) string {
	q := url.Values{}
	for k, v := range map[string]string{"filtre": string(o.Filter), "classe": o.Class, "apres": o.After} {
		if v != "" {
			q.Set(k, v)
		}
	}
	if len(q) == 0 {
		return path(t.word.ID) + t.page
	}
	return path(t.word.ID) + t.page + "?" + q.Encode()
}

func (t tracking) csv() string {
	q := url.Values{"filtre": {string(t.part.Filter)}, "classe": {t.part.Class}}
	return path(t.word.ID) + "/suivi.csv?" + q.Encode()
}

// counted is the summary of the class that was chosen, or of all.
func (t tracking) counted() Count {
	for _, c := range t.sum.Classes {
		if t.part.Class != "" && classOf(c) == t.part.Class {
			return c
		}
	}
	return t.sum.Count
}

func classOf(c Count) string {
	if c.Class == "" {
		return noClass
	}
	return c.Class
}

func (t tracking) classLabel(c Count) string {
	if c.Class == "" {
		return t.r.T("liaison.no_class")
	}
	return c.Label
}

// filters are the tabs, each with how many families it shows.
func (t tracking) filters() []ui.Tab {
	list := []Filter{Everyone, Missing, HaveRead}
	if t.word.Ask != AskRead {
		list = append(list, Answered)
	}
	if t.word.Ask.Chosen() {
		list = append(list, Differing)
	}
	c := t.counted()
	var out []ui.Tab
	for _, f := range append(list, Without) {
		key := "liaison.filter." + string(f)
		switch {
		case f == Everyone:
			key = "liaison.filter.all"
		case f == Answered:
			key = t.key(key)
		}
		out = append(out, ui.Tab{Label: t.r.T(key, "n", c.of(f)), Href: t.address(Part{Filter: f, Class: t.part.Class}), Current: t.part.Filter == f})
	}
	return out
}

// ofClass are the tabs of the classes of a word that went to several, each with
// the filter that was chosen; the list of classes does for them.
func (t tracking) ofClass() []ui.Tab {
	if len(t.sum.Classes) < 2 || t.wide() {
		return nil
	}
	out := []ui.Tab{{Label: t.r.T("liaison.all_classes"), Href: t.address(Part{Filter: t.part.Filter}), Current: t.part.Class == ""}}
	for _, c := range t.sum.Classes {
		out = append(out, ui.Tab{Label: t.classLabel(c), Href: t.address(Part{Filter: t.part.Filter, Class: classOf(c)}), Current: t.part.Class == classOf(c)})
	}
	return out
}

func (t tracking) now() time.Time { return t.r.Viewer.Now.In(t.zone) }

func (t tracking) ago(ms int64) string { return i18n.Ago(time.UnixMilli(ms).In(t.zone), t.now()) }

// tally is how many families gave each answer.
func (t tracking) tally() []string {
	if len(t.choices) == 0 {
		return nil
	}
	var out []string
	for _, c := range t.choices {
		out = append(out, t.r.T("liaison.tally", "choice", c.Label, "n", t.sum.Answers[c.N]))
	}
	if n := t.sum.Answers[differ]; n > 0 {
		out = append(out, t.r.T("liaison.tally", "choice", t.r.T("liaison.differ"), "n", n))
	}
	return out
}

// counted is what the bar of a word counts, in words.
func counted(t func(string, ...any) string, a Ask, n int) string {
	switch {
	case a.Signed():
		return t("liaison.bar_signed", "n", n)
	case a.Answered():
		return t("liaison.bar_answered", "n", n)
	}
	return ""
}

func (t tracking) bar(c Count) ui.Reading {
	return ui.Reading{Done: c.Reached, Total: c.Families, What: counted(t.r.T, t.word.Ask, c.Reached)}
}

// total is the bar of all families, or of the class that was chosen.
func (t tracking) total() ui.Reading {
	if t.sum.Families > 0 {
		return t.bar(t.counted())
	}
	return t.bar(Count{Families: len(t.list), Reached: len(t.reached())})
}

func mini(r ui.Reading) ui.Reading {
	r.Mini = true
	return r
}

func (t tracking) missing() []Family {
	return slices.DeleteFunc(slices.Clone(t.list), Family.Reached)
}

func (t tracking) reached() []Family {
	return slices.DeleteFunc(slices.Clone(t.list), func(f Family) bool { return !f.Reached() })
}

// chosen is what the box of a family sends; there is none once it is reached.
func (t tracking) chosen(f Family) string {
	if !t.whole || f.Reached() {
		return ""
	}
	return f.Pupil
}

// reminding is where the chosen families are reminded.
func (t tracking) reminding() string { return path(t.word.ID) + "/relance?choix=1" }

// key is a sentence about reading, or the one about signing or answering.
func (t tracking) key(read string) string {
	switch {
	case t.word.Ask.Signed():
		return read + ".sign"
	case t.word.Ask.Answered():
		return read + ".answer"
	}
	return read
}

func family(t func(string, ...any) string, f Family) string {
	return t("liaison.family", "of", i18n.Of(f.Name()))
}

// caption is the class of a family, where there are several.
func (t tracking) caption(f Family) string {
	if len(t.sum.Classes) > 1 && t.part.Class == "" {
		return f.Class
	}
	return ""
}

// says is what is known of a family: under a word in a sentence, on the page of
// its own one line for each relative.
func (t tracking) says(f Family) []string {
	if !t.whole {
		return []string{t.state(f)}
	}
	var out []string
	for _, r := range f.Relatives {
		out = append(out, t.r.T("liaison.did", "name", r.Name, "what", t.did(r)))
	}
	switch {
	case f.Paper != nil:
		return append([]string{t.paper(*f.Paper, t.moment(time.UnixMilli(f.Paper.At).In(t.zone), time.Time{}))}, out...)
	case len(out) == 0:
		out = append(out, t.r.T("liaison.no_relative"))
	case f.Reached() && !f.Hidden() && !slices.ContainsFunc(f.Relatives, func(r Relative) bool { return r.Read != nil || r.Reply != nil }):
		out = append(out, t.r.T("liaison.read_by_gone"))
	}
	return out
}

// paper is what a slip says, and who noted it when.
func (t tracking) paper(p Paper, when string) string {
	by := strings.TrimSpace(p.By)
	if by == "" { // erased since
		by = t.r.T("liaison.the_school")
	}
	said := p.Text(t.choices)
	if said == "" {
		return t.r.T("liaison.on_paper", "by", by, "when", when)
	}
	return t.r.T("liaison.on_paper_says", "answer", said, "by", by, "when", when)
}

// did is what one relative did, every act with its time, and when they were
// reminded.
func (t tracking) did(p Relative) string {
	say := t.r.T
	if p.Hidden {
		return say("liaison.did_hidden")
	}
	var acts []string
	var before time.Time
	act := func(key string, ms int64, pairs ...any) {
		at := time.UnixMilli(ms).In(t.zone)
		acts = append(acts, say(key, append(pairs, "when", t.moment(at, before))...))
		before = at
	}
	if p.Opened != nil {
		act("liaison.did_open", *p.Opened)
	}
	if e, ok := t.earlier[p.ID]; ok {
		key := "liaison.did_read_version"
		switch {
		case e.Replied && t.word.Ask.Signed():
			key = "liaison.did_sign"
		case e.Replied:
			key = "liaison.did_answer_version"
		}
		act(key, e.At, "version", e.Version, "answer", Given{Choice: e.Choice, Body: e.Body}.Text(t.choices))
	}
	if p.Read != nil {
		key := "liaison.did_read"
		if t.word.Version > 1 {
			key = "liaison.did_read_version"
		}
		act(key, *p.Read, "version", p.Version)
	}
	switch g := p.Reply; {
	case g == nil:
	case t.word.Ask.Signed():
		act("liaison.did_sign", g.At, "version", g.Version)
	default:
		act("liaison.did_answer", g.At, "answer", g.Text(t.choices))
	}
	switch {
	case len(acts) == 0 && !p.Active:
		acts = append(acts, say("liaison.did_nothing_without"))
	case len(acts) == 0:
		acts = append(acts, say("liaison.did_nothing"))
	}
	if p.Reminded != nil && p.Active {
		act("liaison.did_reminded", *p.Reminded)
	}
	return strings.Join(acts, " · ")
}

// moment is when something was done, as a list says it that may be printed:
// "lun. 23/11 à 9 h 12", the hour alone on the day of what was said before it.
func (t tracking) moment(at, before time.Time) string {
	y, m, d := at.Date()
	if by, bm, bd := before.In(t.zone).Date(); !before.IsZero() && y == by && m == bm && d == bd {
		return t.r.T("liaison.at_hour", "hour", i18n.Hour(at))
	}
	form := "02/01"
	if y != t.now().Year() {
		form = "02/01/2006"
	}
	return t.r.T("liaison.at_day", "day", i18n.Date(at, at)[:3], "date", at.Format(form), "hour", i18n.Hour(at))
}

// hadGiven says in words what somebody gave to an earlier version, "" if nothing.
func (t tracking) hadGiven(p Relative) string {
	e, ok := t.earlier[p.ID]
	if !ok {
		return ""
	}
	key := "liaison.before_read"
	switch {
	case e.Replied && t.word.Ask.Signed():
		key = "liaison.before_signed"
	case e.Replied:
		key = "liaison.before_answered"
	}
	return t.r.T(key, "name", p.Name, "version", e.Version, "answer", Given{Choice: e.Choice, Body: e.Body}.Text(t.choices))
}

// short is the state of a family in two words.
func (t tracking) short(f Family) string {
	if f.Reached() {
		return t.r.T(t.key("liaison.short_done"))
	}
	return t.r.T(t.key("liaison.short_missing"))
}

// state says in one sentence what is known of a family.
func (t tracking) state(f Family) string {
	say := t.r.T
	var replies []string
	if f.Paper != nil {
		replies = append(replies, t.paper(*f.Paper, t.ago(f.Paper.At)))
	}
	for _, r := range f.Relatives {
		switch {
		case r.Reply == nil:
		case t.word.Ask.Signed():
			replies = append(replies, say("liaison.signed_by", "name", r.Name, "when", t.ago(r.Reply.At), "version", r.Reply.Version))
		default:
			replies = append(replies, say("liaison.answer_of", "name", r.Name, "answer", r.Reply.Text(t.choices)))
		}
	}
	var last int64
	for _, r := range f.Relatives {
		if r.Reminded != nil && r.Active {
			last = max(last, *r.Reminded)
		}
	}
	if last > 0 && !f.Reached() {
		replies = append(replies, say("liaison.reminded", "when", t.ago(last)))
	}
	if !f.Reached() {
		for _, r := range f.Relatives {
			if s := t.hadGiven(r); s != "" {
				replies = append(replies, s)
			}
		}
	}
	if f.Hidden() {
		for _, r := range f.Relatives {
			if r.Read != nil && r.Reply == nil {
				replies = append(replies, say("liaison.read_by", "name", r.Name, "when", t.ago(*r.Read)))
			}
		}
		replies = append(replies, say("liaison.other_hidden"))
	}
	if len(replies) > 0 {
		return strings.Join(replies, " · ")
	}
	if f.Reached() {
		var who []string
		for _, r := range f.Relatives {
			if r.Read != nil {
				who = append(who, say("liaison.read_by", "name", r.Name, "when", t.ago(*r.Read)))
			}
		}
		if len(who) == 0 {
			return say("liaison.read_by_gone")
		}
		return strings.Join(who, " · ")
	}
	switch {
	case len(f.Relatives) == 0:
		return say("liaison.no_relative")
	case !f.Active():
		return say("liaison.no_account")
	case f.Opened():
		return say("liaison.opened")
	}
	return say("liaison.not_opened")
}

// came are the words of the button that notes a slip without an answer.
func (t tracking) came() string {
	if t.word.Ask.Signed() {
		return "liaison.slip_came.sign"
	}
	return "liaison.slip_came"
}

// cameBack is the field of the day on which the slips that are noted came back.
func (t tracking) cameBack(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "jour", Type: "date", Label: i18n.T(ctx, "liaison.slip_came_back"), Value: t.day, Attrs: templ.Attributes{"min": t.word.At(t.zone).Format(time.DateOnly), "max": t.now().Format(time.DateOnly)}}
}

// answered is the field of what a slip answers in its own words.
func (t tracking) answered(ctx context.Context, f Family) ui.FieldProps {
	p := ui.FieldProps{Name: "reponse", ID: "reponse-" + f.Pupil, Label: i18n.T(ctx, "liaison.slip_answer")}
	if t.returning.pupil == f.Pupil {
		p.Value = t.returning.value
	}
	return p
}
