package report

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
)

type handler struct{ core *app.Core }

// A page of the list of a school, and as far as it goes: they are kept a year.
const (
	shown = 50
	last  = 10_000
)

// formView is the form, or what became of it.
type formView struct {
	r       *app.Request
	subject Subject
	draft   Draft
	faults  map[string]string
	path    string // of what is reported
	done    bool
}

// say is a sentence for an adult, or for a child.
func (v formView) say(key string, pairs ...any) string {
	if v.r.Viewer.Main() == rights.Pupil {
		key += ".pupil"
	}
	return v.r.T(key, pairs...)
}

// subject is what is to be reported, and where it is read.
func (h handler) subject(r *app.Request, what string) (s Subject, path string, err error) {
	if !id.Valid(what) {
		return s, "", errs.ErrNotFound
	}
	if s, err = Find(r.Context(), h.core.DB, r.Viewer.Scope(), what); err != nil {
		return s, "", err
	}
	_, k, ok := h.core.Kind(rights.Kind(s.Kind))
	if !ok || k.Apart || s.Author == r.Viewer.Person {
		return s, "", errs.ErrNotFound
	}
	return s, k.Path(s.ID), nil
}

func (h handler) form(r *app.Request) (web.Response, error) {
	what := r.URL.Query().Get("objet")
	if what == "" {
		return r.Page(r.T("report.form"), "", howPage(formView{r: r}))
	}
	s, path, err := h.subject(r, what)
	if err != nil {
		return nil, err
	}
	return r.Page(r.T("report.form"), "", formPage(formView{r: r, subject: s, path: path, done: r.URL.Query().Has("fait")}))
}

func (h handler) send(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	d := Draft{Resource: form.Get("objet"), Reason: form.Get("motif"), Said: form.Get("texte")}
	s, path, err := h.subject(r, d.Resource)
	if err != nil {
		return nil, err
	}
	if faults, bad := r.Faults(d.Check()); bad {
		return r.PageWith(http.StatusUnprocessableEntity, r.T("report.form"), "", nil, formPage(formView{r: r, subject: s, path: path, draft: d, faults: faults}))
	}
	texts, err := h.core.Texts(r.Context(), h.core.DB, rights.Kind(s.Kind), []string{s.ID})
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Send(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), d, first(texts[s.ID], kept))
	}); err != nil {
		return nil, err
	}
	return web.Redirect(atForm + "?objet=" + s.ID + "&fait=1"), nil
}

// first is the beginning of a text.
func first(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n]) + "…"
}

// listView is the reports of a school, or one of them.
type listView struct {
	r    *app.Request
	list []Report
	next int    // of the list; 0 for none
	note string // as typed
	bad  string // what is wrong with it
}

// here keeps the school of who runs two.
func (v listView) here(path string) string { return here(v.r, path) }

func here(r *app.Request, path string) string {
	if len(r.Viewer.SchoolsAs(rights.Head)) < 2 {
		return path
	}
	return path + "?ecole=" + url.QueryEscape(r.Grant.School())
}

// older is the address of the next page.
func (v listView) older() string {
	at := url.Values{"apres": {strconv.Itoa(v.next)}}
	if len(v.r.Viewer.SchoolsAs(rights.Head)) > 1 {
		at.Set("ecole", v.r.Grant.School())
	}
	return atList + "?" + at.Encode()
}

func (v listView) when(at int64) string {
	zone := v.r.Viewer.Zone()
	return i18n.Ago(time.UnixMilli(at).In(zone), v.r.Viewer.Now.In(zone))
}

// path is where what was reported is read.
func (v listView) path(p Report) string {
	if _, k, ok := v.r.Core.Kind(rights.Kind(p.Kind)); ok && p.Sees {
		return k.Path(p.Resource)
	}
	return ""
}

func (h handler) list(r *app.Request) (web.Response, error) {
	skip, _ := strconv.Atoi(r.URL.Query().Get("apres"))
	skip = max(0, min(skip, last))
	list, err := List(r.Context(), h.core.DB, r.Grant, "", shown+1, skip)
	if err != nil {
		return nil, err
	}
	next := 0
	if len(list) > shown {
		list, next = list[:shown], skip+shown
	}
	box, err := Fresh(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	if box != "" {
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return Seen(r.Context(), tx, r.Grant, h.core.Clock.Now(), box)
		}); err != nil {
			return nil, err
		}
	}
	return r.Page(r.T("report.title"), "school", listPage(listView{r: r, list: list, next: next}))
}

// one finds a report that the head may deal with.
func (h handler) one(r *app.Request) (listView, error) {
	if !id.Valid(r.PathValue("id")) {
		return listView{}, errs.ErrNotFound
	}
	list, err := List(r.Context(), h.core.DB, r.Grant, r.PathValue("id"), 1, 0)
	if err == nil && len(list) == 0 {
		err = errs.ErrNotFound
	}
	return listView{r: r, list: list}, err
}

func (h handler) show(r *app.Request) (web.Response, error) {
	v, err := h.one(r)
	if err != nil {
		return nil, err
	}
	return r.Page(r.T("report.one"), "school", onePage(v))
}

func (h handler) close(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	v, err := h.one(r)
	if err != nil {
		return nil, err
	}
	v.note = strings.TrimSpace(form.Get("note"))
	switch {
	case v.note == "":
		v.bad = r.T("report.note_missing")
	case utf8.RuneCountInString(v.note) > longest:
		v.bad = r.T("report.too_long", "n", longest)
	}
	if v.bad != "" {
		return r.PageWith(http.StatusUnprocessableEntity, r.T("report.one"), "school", nil, onePage(v))
	}
	return h.change(r, func(tx *db.Tx) error {
		return Close(r.Context(), tx, r.Grant, h.core.Clock.Now(), r.PathValue("id"), v.note)
	})
}

func (h handler) reopen(r *app.Request) (web.Response, error) {
	if _, err := h.one(r); err != nil {
		return nil, err
	}
	return h.change(r, func(tx *db.Tx) error {
		return Reopen(r.Context(), tx, r.Grant, h.core.Clock.Now(), r.PathValue("id"))
	})
}

func (h handler) change(r *app.Request, do func(tx *db.Tx) error) (web.Response, error) {
	if err := h.core.DB.Write(r.Context(), do); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, atList+"/"+r.PathValue("id"))), nil
}
