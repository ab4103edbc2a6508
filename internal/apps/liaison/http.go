package liaison

import (
	"cmp"
	"net/http"
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
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

type handler struct{ core *app.Core }

// How many words a list shows at once: alone, beside an open word, and on the
// home page of somebody who follows some.
const (
	page   = 20
	beside = 8
	latest = 4
)

// follower says whether the viewer writes words rather than receives them.
func follower(v *rights.Viewer) bool { return v.Is(rights.Teacher, rights.Staff, rights.Head) }

func (h handler) list(r *app.Request) (web.Response, error) {
	if follower(r.Viewer) && r.URL.Query().Get("vue") == "brouillons" {
		return h.draftList(r)
	}
	return h.view(r, http.StatusOK, "", slip{})
}

func (h handler) show(r *app.Request) (web.Response, error) {
	return h.view(r, http.StatusOK, r.Grant.ID(), slip{})
}

// view is the list of words with one of them open; on a phone the page shows
// one or the other.
func (h handler) view(r *app.Request, status int, open string, typed slip) (web.Response, error) {
	q := r.URL.Query()
	before := cursor(q.Get("avant"))
	v := view{r: r, follow: follower(r.Viewer), open: open, slip: typed, zone: r.Viewer.Zone()}
	if c := q.Get("enfant"); slices.ContainsFunc(r.Viewer.Children, func(k rights.Child) bool { return k.ID == c }) {
		v.child = c
	}
	// Somebody who is both teacher and parent reads what they receive under
	// "reçus".
	if v.follow && len(r.Viewer.Children) > 0 && (q.Get("vue") == "recus" || v.child != "" || open != "" && r.Grant.Role() < rights.Contribute) {
		v.follow = false
	}
	if t := q.Get("theme"); slices.Contains(Themes, t) {
		v.theme = t
	}
	v.year = chosenYear(q.Get("annee"), v.today())
	most := page
	if open != "" {
		most = beside
	}
	o := Query{Follow: v.follow, Pupils: v.pupils(), Theme: v.theme, Limit: most + 1}
	if o.Since, o.Before.At = span(v.year, v.zone); before.At > 0 && before.At < o.Before.At {
		o.Before = before
	}
	var err error
	if v.alone = open != "" && r.Phone(); !v.alone {
		if v.list, err = h.words(r, o); err != nil {
			return nil, err
		}
	}
	if len(v.list) > most {
		v.list = v.list[:most]
		v.next = Cursor{v.list[most-1].PublishedAt, v.list[most-1].ID}
	}
	if open == "" && v.follow {
		if v.pile, err = PileOf(r.Context(), h.core.DB, r.Viewer.Scope()); err != nil {
			return nil, err
		}
	}
	tab := tabReceived
	if v.follow {
		tab = tabSent
	}
	if open == "" {
		at, err := Oldest(r.Context(), h.core.DB, r.Viewer.Scope(), o)
		if err != nil {
			return nil, err
		}
		if v.first = v.today(); at > 0 {
			v.first = people.Year(time.UnixMilli(at).In(v.zone))
		}
		if v.follow && before.At == 0 && v.theme == "" {
			if v.absent, err = AbsentOn(r.Context(), h.core.DB, r.Viewer.Scope(), r.Viewer.SchoolsAs(rights.Teacher, rights.Staff, rights.Head), v.now().Format(time.DateOnly)); err != nil {
				return nil, err
			}
		}
		if v.tabs, err = h.tabs(r, tab, &v.pile); err != nil {
			return nil, err
		}
		return r.Page(r.T(v.title()), "liaison", listPage(v))
	}
	words, err := h.words(r, Query{Follow: r.Grant.Role() >= rights.Contribute, ID: open, Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errs.ErrNotFound
	}
	v.word = &words[0]
	if v.files, err = file.Of(r.Context(), h.core.DB, r.Grant); err != nil {
		return nil, err
	}
	if v.word.Ask.Chosen() {
		if v.choices, err = Choices(r.Context(), h.core.DB, r.Grant); err != nil {
			return nil, err
		}
	}
	if v.word.Replied {
		if v.given, err = Mine(r.Context(), h.core.DB, r.Grant); err != nil {
			return nil, err
		}
	}
	if err := h.corrected(r, &v); err != nil {
		return nil, err
	}
	if r.Grant.Role() >= rights.Contribute {
		if v.track, err = h.follow(r, *v.word, v.choices, v.earlier); err != nil {
			return nil, err
		}
	}
	if (v.word.Fresh || v.word.OpenedAt == nil && v.word.Children != "") && r.Method == http.MethodGet {
		// Opened is the first time only; it also takes the word out of the news.
		// Whoever follows a word has nothing to write at each visit.
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return Open(r.Context(), tx, r.Grant, h.core.Clock.Now()) }); err != nil {
			return nil, err
		}
	}
	if v.tabs, err = h.tabs(r, tab, &v.pile); err != nil { // after it was opened: it is no news any more
		return nil, err
	}
	return r.PageWith(status, v.word.Title, "liaison", toast(r, *v.word), wordPage(v))
}

// toast says what was just done, as the address has it.
func toast(r *app.Request, w Item) *ui.Toast {
	switch r.URL.Query().Get("fait") {
	case "envoye":
		t := &ui.Toast{Text: r.T("liaison.sent", "n", w.Families)}
		if w.Author == r.Viewer.Person && r.Viewer.Now.Sub(w.At(r.Viewer.Zone())) < takeBackFor {
			t.Undo = path(w.ID) + "/reprendre"
		}
		return t
	case "parti":
		return &ui.Toast{Text: r.T("liaison.taken_late")}
	case "tropdebrouillons":
		return &ui.Toast{Text: r.T("liaison.drafts_many", "n", draftsMax), Stays: true}
	case "lu":
		return &ui.Toast{Text: r.T("liaison.thanks"), Undo: path(w.ID) + "/annuler"}
	case "signe":
		return &ui.Toast{Text: r.T("liaison.signed_now"), Undo: path(w.ID) + "/annuler"}
	case "repondu":
		return &ui.Toast{Text: r.T("liaison.answered_now"), Undo: path(w.ID) + "/annuler"}
	case "annule":
		return &ui.Toast{Text: r.T("liaison.undone")}
	case "tard":
		return &ui.Toast{Text: r.T("liaison.undo_late")}
	case "relance":
		return &ui.Toast{Text: r.T("liaison.reminded_now")}
	case "dejarelance":
		return &ui.Toast{Text: r.T("liaison.reminded_already")}
	case "ajoutes":
		return &ui.Toast{Text: r.T("liaison.newcomers_added")}
	case "rien":
		return &ui.Toast{Text: r.T("liaison.nothing_to_print")}
	case "personne":
		return &ui.Toast{Text: r.T("liaison.tick_one")}
	case "corrige":
		return &ui.Toast{Text: r.T("liaison.corrected_since"), Stays: true}
	case "change":
		return &ui.Toast{Text: r.T("liaison.corrected_now")}
	case "reste":
		return &ui.Toast{Text: r.T("liaison.more_asked")}
	}
	return nil
}

// words lists, and keeps the bars that had to be counted again.
func (h handler) words(r *app.Request, o Query) ([]Item, error) {
	list, err := List(r.Context(), h.core.DB, r.Viewer.Scope(), o)
	if err == nil && slices.ContainsFunc(list, func(i Item) bool { return i.Stale }) {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return Recount(r.Context(), tx, r.Viewer.Now, list) })
	}
	return list, err
}

// tile is the latest words that a teacher follows, and how far they went.
func (h handler) tile(r *app.Request) (templ.Component, error) {
	if !follower(r.Viewer) {
		return nil, nil
	}
	v := view{r: r, follow: true, zone: r.Viewer.Zone()}
	var err error
	if v.list, err = h.words(r, Query{Follow: true, Limit: latest}); err != nil {
		return nil, err
	}
	counts, err := r.Unread()
	if err != nil || len(v.list)+counts.Kinds[string(Absence)]+counts.Kinds[string(Note)] == 0 {
		return nil, err
	}
	return tile(v, counts.Kinds[string(Absence)], counts.Kinds[string(Note)]), nil
}

func (h handler) confirm(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	var left Outcome
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		seen := number(f.Get("version"))
		if at := number(f.Get("vu")); seen == 0 && at > 0 {
			if seen, err = VersionAt(r.Context(), tx, r.Grant, at); err != nil {
				return err
			}
		}
		left, err = Confirm(r.Context(), tx, r.Grant, h.core.Clock.Now(), seen)
		return err
	}); err != nil {
		return nil, err
	}
	switch left {
	case AsksMore:
		return web.Redirect(path(r.Grant.ID()) + "?fait=reste"), nil
	case AsksAgain:
		return web.Redirect(path(r.Grant.ID()) + "?fait=corrige"), nil
	}
	if f.Get("retour") == "accueil" {
		return web.Redirect("/?fait=lu." + string(Word) + "." + r.Grant.ID()), nil
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=lu"), nil
}

func (h handler) answer(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	typed := slip{value: f.Get("reponse")}
	var left Outcome
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		left, err = Answer(r.Context(), tx, r.Grant, h.core.Clock.Now(), number(f.Get("version")), number(typed.value), typed.value)
		return err
	})
	if faults, ok := r.Faults(err); ok {
		typed.fault = faults["reponse"]
		return h.view(r, http.StatusUnprocessableEntity, r.Grant.ID(), typed)
	}
	if err != nil {
		return nil, err
	}
	if left == AsksAgain {
		return web.Redirect(path(r.Grant.ID()) + "?fait=corrige"), nil
	}
	if f.Has("signe") {
		return web.Redirect(path(r.Grant.ID()) + "?fait=signe"), nil
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=repondu"), nil
}

// number reads a field that holds one, 0 when it does not.
func number(s string) int64 {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

func (h handler) undo(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	var done bool
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		done, err = Undo(r.Context(), tx, r.Grant, h.core.Clock.Now())
		return err
	}); err != nil {
		return nil, err
	}
	switch {
	case !done:
		return web.Redirect(path(r.Grant.ID()) + "?fait=tard"), nil
	case f.Get("retour") == "accueil":
		return web.Redirect("/?fait=annule"), nil
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=annule"), nil
}

func (h handler) compose(r *app.Request) (web.Response, error) {
	if draft := r.URL.Query().Get("brouillon"); draft != "" {
		return h.resume(r, draft)
	}
	d := Draft{ID: id.New(), Ask: AskRead, Theme: "misc"}
	mine, err := people.ClassesOf(r.Context(), h.core.DB, r.Viewer.Person, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	if len(mine) == 1 {
		d.To = []string{"class:" + mine[0].ID}
	}
	return h.form(r, http.StatusOK, d, nil)
}

// form shows the word being written, with what was typed and what is wrong.
func (h handler) form(r *app.Request, status int, d Draft, faults map[string]string) (web.Response, error) {
	return h.formWith(r, status, d, faults, nil)
}

func (h handler) formWith(r *app.Request, status int, d Draft, faults map[string]string, toast *ui.Toast) (web.Response, error) {
	if d.Tab == "" {
		d.Tab = id.New()
	}
	f := form{draft: d, faults: faults, school: r.Grant.School()}
	s, err := DraftOf(r.Context(), h.core.DB, r.Grant, d.ID)
	if err == nil && s.SendAt != nil {
		f.planned = view{r: r, zone: r.Viewer.Zone()}.planned(s)
	} else if err != nil && errs.KindOf(err) != errs.NotFound {
		return nil, err
	}
	if f.kept, err = file.Own(r.Context(), h.core.DB, r.Viewer.Person, d.Files...); err != nil {
		return nil, err
	}
	if f.to, err = h.recipients(r); err != nil {
		return nil, err
	}
	page, err := r.Shell(r.T("liaison.write"), "liaison")
	if err != nil {
		return nil, err
	}
	page.Toast, page.Scripts = toast, []string{ui.Asset("draft.js")}
	return web.PageStatus(status, app.Inside(ui.Layout(page), composePage(f))), nil
}

// recipients are the choices of a sender: own classes with their pupils first,
// then the other classes, the groups and the whole school.
func (h handler) recipients(r *app.Request) (recipients, error) {
	ctx, q, school := r.Context(), h.core.DB, r.Grant.School()
	var out recipients
	mine, err := people.ClassesOf(ctx, q, r.Viewer.Person, r.Viewer.Now)
	if err != nil {
		return out, err
	}
	all, err := people.Classes(ctx, q, school, people.Year(r.Viewer.Now))
	if err != nil {
		return out, err
	}
	own := map[string]bool{}
	for _, c := range mine {
		if c.School == school {
			own[c.ID] = true
			out.mine = append(out.mine, c)
		}
	}
	for _, c := range all {
		if !own[c.ID] {
			out.others = append(out.others, c)
		}
	}
	if out.groups, err = people.Groups(ctx, q, school, r.Viewer.Now); err != nil {
		return out, err
	}
	ids := make([]string, 0, len(out.mine))
	for _, c := range out.mine {
		ids = append(ids, c.ID)
	}
	out.pupils, err = people.PupilsOf(ctx, q, ids, r.Viewer.Now)
	return out, err
}

func (h handler) send(r *app.Request) (web.Response, error) {
	d, received, err := h.draft(r)
	if faults, ok := r.Faults(err); ok {
		return h.form(r, http.StatusUnprocessableEntity, d, faults)
	}
	if err != nil {
		return nil, err
	}
	now := h.core.Clock.Now()
	var word string
	d.Tell = TellAfter
	if err = d.Check(now.In(r.Viewer.Zone())); err == nil {
		err = h.write(r, func(tx *db.Tx) error {
			if err := record(r.Context(), tx, r.Grant, now, received); err != nil {
				return err
			}
			var err error
			word, err = Send(r.Context(), tx, h.core, r.Grant, r.Viewer.Person, r.Viewer.Main(), now, d)
			return err
		})
	}
	if faults, ok := r.Faults(err); ok {
		// A faulty form keeps the files that came with it.
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return record(r.Context(), tx, r.Grant, now, received) }); err != nil {
			return nil, err
		}
		return h.refused(r, d, faults, err)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(word) + "?fait=envoye"), nil
}

// write is a transaction of a form that carries its own id. On PostgreSQL a second
// one of the same form may have been under way, which this one could not see and
// ran into: begun again, it finds what was sent.
func (h handler) write(r *app.Request, do func(tx *db.Tx) error) error {
	err := h.core.DB.Write(r.Context(), do)
	if errs.KindOf(err) == errs.NotFound {
		err = h.core.DB.Write(r.Context(), do)
	}
	return err
}

// refused shows the form of a word that was neither sent nor planned, and what is
// wrong with it.
func (h handler) refused(r *app.Request, d Draft, faults map[string]string, cause error) (web.Response, error) {
	if errs.As(cause).Fields["titre"].Key == overtaken {
		s, err := DraftOf(r.Context(), h.core.DB, r.Grant, d.ID)
		if err != nil {
			return nil, err
		}
		d.Revision = s.Revision // sent again, this text is the one meant
	}
	return h.form(r, http.StatusUnprocessableEntity, d, faults)
}

func compact(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// draft reads the form of a word, and takes the files that came with it after
// those that an earlier try left, or that the word shows.
func (h handler) draft(r *app.Request, shown ...file.File) (Draft, []file.Received, error) {
	form, heavy, err := h.sent(r)
	if err != nil {
		return Draft{}, nil, err
	}
	text, rich := richtext.Typed(form["texte"], form["texte_html"])
	d := Draft{ID: form.Get("id"), Title: form.Get("titre"), Text: text, Rich: rich, Theme: form.Get("theme"), To: compact(form["a"]),
		Ask: Ask(form.Get("demande")), Question: form.Get("question"), Choices: strings.Split(form.Get("choix"), "\n"), Due: form.Get("avant"),
		Recall: int(number(form.Get("rappel"))), Day: form.Get("jour"), Hour: form.Get("heure"), Tab: form.Get("onglet"), Revision: number(form.Get("revision"))}
	if !id.Valid(d.Tab) {
		d.Tab = ""
	}
	var received []file.Received
	d.Files, received, err = h.pieces(r, form["fichier"], shown...)
	return d, received, cmp.Or(heavy, err)
}

// sent reads a form that may bring files. One that weighs more than a file may is
// a fault of its files, heavy, beside what was typed before them.
func (h handler) sent(r *app.Request) (form url.Values, heavy, err error) {
	form, err = web.Form(r.W, r.Request, h.core.UploadMax+1<<20)
	if errs.KindOf(err) == errs.TooLarge && len(form) > 0 {
		return form, errs.Field("piece", "file.too_large", "max", i18n.Limit(h.core.UploadMax)), nil
	}
	return form, nil, err
}
