package classroom

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
)

// printing is the page where sheets are chosen, and shown.
type printing struct {
	r       *app.Request
	action  string
	back    string
	title   string // of the class or the school
	classes []people.Class
	choice  Choice
	counts  map[string]int // of Choice.Who
	faults  map[string]string
	done    *Print
}

func (p printing) who(w string) bool    { return slices.Contains(p.choice.Who, w) }
func (p printing) class(c string) bool  { return slices.Contains(p.choice.Classes, c) }
func (p printing) school() bool         { return p.classes != nil }
func (p printing) chosen() []string     { return p.choice.Persons }
func (p printing) slips() (out []paper) { return papers(p.done) }

// paper is a slip on screen.
type paper struct {
	Class, Name, Role, Login, Code string
	Child                          bool
}

func papers(p *Print) (out []paper) {
	if p == nil {
		return nil
	}
	for _, s := range p.Slips {
		out = append(out, paper{s.Class, s.Person.Name, s.Person.Role, s.Person.Login, s.Person.Code, s.Child})
	}
	return out
}

func (h handler) sheets(r *app.Request) (web.Response, error) {
	return h.sheetsWith(r, http.StatusOK, Choice{Who: []string{PupilsWithout, FamiliesWithout}}, nil, nil)
}

func (h handler) sheetsWith(r *app.Request, status int, c Choice, done *Print, faults map[string]string) (web.Response, error) {
	f, err := h.open(r, "fiches")
	if err != nil {
		return nil, err
	}
	v := printing{r: r, action: path(f.class.ID, "fiches"), back: path(f.class.ID), title: f.class.Label, choice: c, faults: faults, done: done, counts: waiting(f.roster, nil)}
	return r.PageWith(status, r.T("classroom.sheets"), "classroom", nil, sheetsPage(v))
}

// waiting counts who has no account in use.
func waiting(roster []Pupil, staff []Account) map[string]int {
	n := map[string]int{}
	for _, k := range roster {
		if !k.Active() {
			n[PupilsWithout]++
		}
	}
	for _, a := range relatives(roster) {
		if !a.Active() {
			n[FamiliesWithout]++
		}
	}
	for _, a := range staff {
		if !a.Active() {
			n[StaffWithout]++
		}
	}
	return n
}

func (h handler) print(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	c := Choice{Classes: []string{r.Grant.ID()}, Who: form["qui"], Persons: form["id"]}
	return h.answer(r, c, format(r, form), func(status int, done *Print, faults map[string]string) (web.Response, error) {
		return h.sheetsWith(r, status, c, done, faults)
	})
}

// format is asked by the address of a button, or by a field.
func format(r *app.Request, form url.Values) string {
	if f := r.URL.Query().Get("format"); f != "" {
		return f
	}
	if f := form.Get("format"); f != "" {
		return f
	}
	return FormatPage
}

// answer prepares sheets in one transaction and draws them after it.
func (h handler) answer(r *app.Request, c Choice, format string, page func(int, *Print, map[string]string) (web.Response, error)) (web.Response, error) {
	school, _, err := people.SchoolByID(r.Context(), h.core.DB, r.Grant.School())
	if err != nil {
		return nil, err
	}
	var p Print
	err = h.write(r, func(tx *db.Tx) (err error) {
		p, err = Prepare(r.Context(), tx, h.core, r.Grant, school.Name, c)
		return err
	})
	if faults, ok := r.Faults(err); ok {
		return page(http.StatusUnprocessableEntity, nil, faults)
	}
	if err != nil {
		return nil, err
	}
	if format == FormatPage || len(p.Slips) == 0 {
		return page(http.StatusOK, &p, nil)
	}
	return h.download(r, p, format)
}

// download draws sheets whole before the first byte leaves, so that a fault
// shows as a page.
func (h handler) download(r *app.Request, p Print, format string) (web.Response, error) {
	kinds := map[string][2]string{
		FormatPDF:   {"fiches.pdf", "application/pdf"},
		FormatSlips: {"fiches-8-par-page.pdf", "application/pdf"},
		FormatCSV:   {"fiches.csv", "text/csv; charset=utf-8"},
	}
	kind, ok := kinds[format]
	if !ok {
		return nil, errs.Field("format", "classroom.fault.format")
	}
	var b bytes.Buffer
	if err := p.Write(&b, h.core.Catalog, format); err != nil {
		return nil, err
	}
	return web.Func(func(w http.ResponseWriter, _ *http.Request) error {
		web.Attach(w, kind[0], kind[1])
		_, err := b.WriteTo(w)
		return err
	}), nil
}

func (h handler) schoolSheets(r *app.Request) (web.Response, error) {
	return h.schoolWith(r, http.StatusOK, Choice{Who: []string{PupilsWithout, FamiliesWithout}, Staff: true}, nil, nil)
}

func (h handler) schoolWith(r *app.Request, status int, c Choice, done *Print, faults map[string]string) (web.Response, error) {
	ctx, q, now := r.Context(), h.core.DB, r.Viewer.Now
	school, _, err := people.SchoolByID(ctx, q, r.Grant.School())
	if err != nil {
		return nil, err
	}
	v := printing{r: r, action: "/ecole/fiches?ecole=" + school.ID, back: "/classe", title: school.Name, choice: c, faults: faults, done: done}
	if v.classes, err = people.Classes(ctx, q, school.ID, people.Year(now)); err != nil {
		return nil, err
	}
	if v.classes == nil {
		v.classes = []people.Class{}
	}
	if done == nil {
		ids := make([]string, len(v.classes))
		for i, c := range v.classes {
			ids[i] = c.ID
		}
		roster, err := Roster(ctx, q, r.Grant, ids, "", now)
		if err != nil {
			return nil, err
		}
		staff, err := Staff(ctx, q, r.Grant, now)
		if err != nil {
			return nil, err
		}
		v.counts = waiting(roster, staff)
	}
	return r.PageWith(status, r.T("classroom.sheets"), "classroom", nil, sheetsPage(v))
}

func (h handler) printSchool(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	c := Choice{Classes: form["classe"], Who: form["qui"], Persons: form["id"], Staff: true}
	all := c
	if len(c.Classes) == 0 {
		list, err := people.Classes(r.Context(), h.core.DB, r.Grant.School(), people.Year(r.Viewer.Now))
		if err != nil {
			return nil, err
		}
		for _, k := range list {
			all.Classes = append(all.Classes, k.ID)
		}
	} else {
		all.Staff = slices.Contains(c.Who, StaffWithout)
	}
	return h.answer(r, all, format(r, form), func(status int, done *Print, faults map[string]string) (web.Response, error) {
		return h.schoolWith(r, status, c, done, faults)
	})
}

// lone is the page about one person's code.
type lone struct {
	r    *app.Request
	who  Account
	code string
	back string
	from string // the query that says which page it came from
}

func (h handler) confirmCode(r *app.Request) (web.Response, error) {
	who, err := One(r.Context(), h.core.DB, r.Grant, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	if !who.Below(rank(r.Grant)) {
		return nil, errs.New(errs.Denied, "session.outranked")
	}
	q := r.URL.Query()
	return r.Page(r.T("classroom.new_code"), "classroom", confirmCodePage(lone{r: r, who: who, back: back(q), from: from(q)}))
}

func from(q url.Values) string {
	return url.Values{"classe": {q.Get("classe")}, "eleve": {q.Get("eleve")}}.Encode()
}

func (h handler) reissue(r *app.Request) (web.Response, error) {
	q := r.URL.Query()
	v := lone{r: r, back: back(q), from: from(q)}
	err := h.write(r, func(tx *db.Tx) (err error) {
		if v.code, err = session.Reissue(r.Context(), tx, h.core, r.Grant, r.Grant.ID()); err != nil {
			return err
		}
		v.who, err = One(r.Context(), tx, r.Grant, h.core.Clock.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return r.Page(r.T("classroom.new_code"), "classroom", codePage(v))
}

// printOne is one person's sheet: as a PDF, or on screen.
func (h handler) printOne(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	school, _, err := people.SchoolByID(r.Context(), h.core.DB, r.Grant.School())
	if err != nil {
		return nil, err
	}
	var p Print
	if err := h.write(r, func(tx *db.Tx) (err error) {
		p, err = Alone(r.Context(), tx, h.core, r.Grant, school.Name)
		return err
	}); err != nil {
		return nil, err
	}
	if f := format(r, form); f != FormatPage {
		return h.download(r, p, f)
	}
	q := r.URL.Query()
	v := lone{r: r, back: back(q), from: from(q)}
	if v.who, err = One(r.Context(), h.core.DB, r.Grant, r.Viewer.Now); err != nil {
		return nil, err
	}
	if len(p.Slips) > 0 {
		v.code = p.Slips[0].Person.Code
	}
	return r.Page(r.T("classroom.code_of", "name", v.who.Name()), "classroom", codePage(v))
}
