package school

import (
	"io"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

type handler struct{ core *app.Core }

// here is an address of these pages, for the school that the grant is for: who
// runs two schools keeps it from page to page.
func here(r *app.Request, parts ...string) string {
	to := "/ecole" + strings.Join(parts, "")
	if len(r.Viewer.SchoolsAs(rights.Head)) < 2 {
		return to
	}
	before, fragment, found := strings.Cut(to, "#")
	sep := "?"
	if strings.Contains(before, "?") {
		sep = "&"
	}
	before += sep + "ecole=" + url.QueryEscape(r.Grant.School())
	if found {
		before += "#" + fragment
	}
	return before
}

// page answers with a page of the school, in its own style sheet.
func page(r *app.Request, status int, title string, body templ.Component) (web.Response, error) {
	s, err := r.Shell(title, "school")
	if err != nil {
		return nil, err
	}
	s.Toast, s.Styles = notice(r), []string{ui.Asset("page-school.css")}
	return web.PageStatus(status, app.Inside(ui.Layout(s), body)), nil
}

func (h handler) home(r *app.Request) (web.Response, error) {
	ctx, year := r.Context(), people.Year(r.Viewer.Now)
	v := homeView{r: r, year: year}
	var err error
	var ok bool
	if v.school, ok, err = people.SchoolByID(ctx, h.core.DB, r.Grant.School()); err != nil {
		return nil, err
	} else if !ok {
		return nil, errs.ErrNotFound
	}
	if v.figures, err = count(ctx, h.core.DB, r.Grant, r.Viewer.Now); err != nil {
		return nil, err
	}
	if v.rooms, err = rooms(ctx, h.core.DB, r.Grant, year, r.Viewer.Now); err != nil {
		return nil, err
	}
	last, ok, err := people.LastImport(ctx, h.core.DB, r.Grant.School())
	if err != nil {
		return nil, err
	}
	if ok {
		v.doubts = last.Counts().Doubtful
	}
	return page(r, http.StatusOK, r.T("square.school"), homePage(v))
}

func (h handler) list(r *app.Request) (web.Response, error) {
	return h.form(r, http.StatusOK, fileForm{year: people.Year(r.Viewer.Now)})
}

// form shows where files are given, and the imports of before.
func (h handler) form(r *app.Request, status int, f fileForm) (web.Response, error) {
	ctx := r.Context()
	f.r = r
	list, err := people.Imports(ctx, h.core.DB, r.Grant.School(), 20)
	if err != nil {
		return nil, err
	}
	var actors []string
	for _, i := range list {
		actors = append(actors, i.Actor)
	}
	who, err := names(ctx, h.core.DB, r.Grant, actors)
	if err != nil {
		return nil, err
	}
	for _, i := range list {
		f.past = append(f.past, pastImport{Import: i, who: who[i.Actor]})
	}
	if u, ok, err := people.Undoable(ctx, h.core.DB, r.Grant.School()); err != nil {
		return nil, err
	} else if ok && people.CanUndo(ctx, h.core.DB, r.Viewer.Now, u) == nil {
		f.undoable = u.ID
	}
	return page(r, status, r.T("school.import.title"), importPage(f))
}

// notice is what the page says after an action.
func notice(r *app.Request) *ui.Toast {
	switch r.URL.Query().Get("fait") {
	case "annule":
		return &ui.Toast{Text: r.T("school.undo.done")}
	case "abandonne":
		return &ui.Toast{Text: r.T("school.import.dropped")}
	case "joindre":
		return &ui.Toast{Text: r.T("school.reach.saved")}
	case "joindre-habituel":
		return &ui.Toast{Text: r.T("school.reach.was_reset")}
	case "suspendu":
		return &ui.Toast{Text: r.T("school.access.done")}
	case "retabli":
		return &ui.Toast{Text: r.T("school.access.lifted")}
	case "reunies":
		return &ui.Toast{Text: r.T("school.merge.done")}
	case "regle":
		return &ui.Toast{Text: r.T("school.doubts.noted")}
	}
	return nil
}

func (h handler) upload(r *app.Request) (web.Response, error) {
	f := fileForm{year: people.Year(r.Viewer.Now)}
	form, err := web.Form(r.W, r.Request, people.MaxImport+1<<20)
	if err != nil {
		e := errs.As(err)
		if e == nil || e.Kind != errs.TooLarge {
			return nil, err
		}
		f.faults = []string{r.T("people.import_too_large")}
		return h.form(r, http.StatusRequestEntityTooLarge, f)
	}
	f.whole = form.Get("tout") != ""
	if y, err := strconv.Atoi(form.Get("annee")); err == nil && (y == f.year || y == f.year+1) {
		f.year = y
	}
	given, err := received(r)
	if err != nil {
		return nil, err
	}
	// Each wrong file is named, not the first alone.
	for _, one := range given {
		if _, err := people.ReadImport([]people.ImportFile{one}); err != nil {
			e := errs.As(err)
			if e == nil || e.Kind == errs.Internal {
				return nil, err
			}
			f.faults, f.wrong = append(f.faults, r.Say(e.Message)), append(f.wrong, one.Name)
		}
	}
	if len(given) == 0 {
		f.faults = []string{r.T("people.import_no_file")}
	}
	if len(f.faults) > 0 {
		return h.form(r, http.StatusUnprocessableEntity, f)
	}
	var imp people.Import
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		imp, err = people.PlanImport(r.Context(), tx, r.Grant, h.core.Clock.Now(), r.Grant.School(), f.year, f.whole, given)
		return err
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/import/", imp.ID)), nil
}

// received takes the files out of the form; its size was bounded before.
func received(r *app.Request) ([]people.ImportFile, error) {
	if r.MultipartForm == nil {
		return nil, nil
	}
	var out []people.ImportFile
	for _, head := range r.MultipartForm.File["fichiers"] {
		if head.Filename == "" && head.Size == 0 { // no file was chosen
			continue
		}
		in, err := head.Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(in)
		_ = in.Close()
		if err != nil {
			return nil, err
		}
		name := strings.ToValidUTF8(path.Base(strings.ReplaceAll(head.Filename, `\`, "/")), "")
		out = append(out, people.ImportFile{Name: name, Data: data})
	}
	return out, nil
}

func (h handler) show(r *app.Request) (web.Response, error) {
	imp, err := people.ImportByID(r.Context(), h.core.DB, r.Grant.School(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	switch imp.State {
	case people.ImportPlanned, people.ImportFailed:
		return h.plan(r, http.StatusOK, imp, nil)
	case people.ImportQueued:
		// The bar asks for itself; without script the page comes again.
		r.W.Header().Set("Refresh", "4")
		return page(r, http.StatusOK, r.T("school.import.title"), progressPage(r, imp))
	}
	v := doneView{r: r, imp: imp}
	if imp.State == people.ImportDone {
		if err := people.CanUndo(r.Context(), h.core.DB, r.Viewer.Now, imp); err == nil {
			v.undoable = true
		} else if errs.As(err) == nil {
			return nil, err
		}
	}
	newest, err := people.Imports(r.Context(), h.core.DB, r.Grant.School(), 1)
	if err != nil {
		return nil, err
	}
	v.newest = len(newest) > 0 && newest[0].ID == imp.ID
	return page(r, http.StatusOK, r.T("school.import.title"), donePage(v))
}

// plan is the dry run of an import that waits for a yes.
func (h handler) plan(r *app.Request, status int, imp people.Import, made map[string]onde.Choice) (web.Response, error) {
	o, kept, err := people.ImportOrder(r.Context(), h.core.DB, imp)
	if err != nil {
		return nil, err
	}
	if !kept {
		return nil, errs.New(errs.Conflict, "people.import_gone")
	}
	p, err := people.PreviewImport(r.Context(), h.core.DB, r.Viewer.Now, o)
	if err != nil {
		return nil, err
	}
	v := planView{r: r, imp: imp, plan: p, rows: rowsOf(r, o.Files), made: made, names: fileNames(o)}
	return page(r, status, r.T("school.plan.title"), planPage(v))
}

func fileNames(o people.Order) []string {
	var out []string
	for _, f := range o.Given {
		out = append(out, f.Name)
	}
	return out
}

// chosen reads the answers about doubtful cases: "cas-<id>" is "do" or
// "do target"; an empty one waits.
func chosen(form url.Values) map[string]onde.Choice {
	out := map[string]onde.Choice{}
	for name, values := range form {
		subject, ok := strings.CutPrefix(name, "cas-")
		if !ok || len(values) == 0 || values[0] == "" {
			continue
		}
		do, target, _ := strings.Cut(values[0], " ")
		out[subject] = onde.Choice{Do: do, Target: target}
	}
	return out
}

func (h handler) accept(r *app.Request) (web.Response, error) {
	ctx := r.Context()
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	imp, err := people.ImportByID(ctx, h.core.DB, r.Grant.School(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if imp.State != people.ImportPlanned && imp.State != people.ImportFailed { // said twice
		return web.Redirect(here(r, "/import/", imp.ID)), nil
	}
	made := chosen(form)
	if len(made) > 0 {
		o, kept, err := people.ImportOrder(ctx, h.core.DB, imp)
		if err != nil {
			return nil, err
		}
		if !kept {
			return nil, errs.New(errs.Conflict, "people.import_gone")
		}
		p, err := people.PreviewImport(ctx, h.core.DB, r.Viewer.Now, o)
		if err != nil {
			return nil, err
		}
		for subject, c := range made {
			if made[subject], err = people.CheckChoice(p, subject, c); err != nil {
				return nil, err
			}
		}
	}
	if err := h.core.DB.Write(ctx, func(tx *db.Tx) error {
		if err := people.QueueImport(ctx, tx, r.Grant, h.core.Clock.Now(), r.Grant.School(), imp.ID, made); err != nil {
			return err
		}
		return h.core.Jobs.Add(ctx, tx, applying{Import: imp.ID})
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/import/", imp.ID)), nil
}

// progress is the bar alone, asked for every second, then what came out.
func (h handler) progress(r *app.Request) (web.Response, error) {
	imp, err := people.ImportByID(r.Context(), h.core.DB, r.Grant.School(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return web.Page(bar(r, imp)), nil
}

func (h handler) drop(r *app.Request) (web.Response, error) {
	if _, err := people.ImportByID(r.Context(), h.core.DB, r.Grant.School(), r.PathValue("id")); err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return people.DropImport(r.Context(), tx, r.Grant, r.Grant.School(), r.PathValue("id"))
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/import?fait=abandonne")), nil
}

func (h handler) askUndo(r *app.Request) (web.Response, error) {
	imp, err := people.ImportByID(r.Context(), h.core.DB, r.Grant.School(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	if err := people.CanUndo(r.Context(), h.core.DB, r.Viewer.Now, imp); err != nil {
		return nil, err
	}
	return page(r, http.StatusOK, r.T("school.undo.title"), undoPage(doneView{r: r, imp: imp}))
}

func (h handler) undo(r *app.Request) (web.Response, error) {
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return people.UndoImport(r.Context(), tx, r.Grant, h.core.Clock.Now(), r.Grant.School(), r.PathValue("id"),
			Forget(h.core, rights.System("undo of an import").For(r.Grant.School())))
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/import?fait=annule")), nil
}

func (h handler) doubts(r *app.Request) (web.Response, error) {
	imp, p, err := people.Doubts(r.Context(), h.core.DB, r.Viewer.Now, r.Grant.School())
	if err != nil {
		return nil, err
	}
	v := planView{r: r, imp: imp, plan: p}
	if imp.ID != "" {
		o, _, err := people.ImportOrder(r.Context(), h.core.DB, imp)
		if err != nil {
			return nil, err
		}
		v.rows, v.names = rowsOf(r, o.Files), fileNames(o)
	}
	return page(r, http.StatusOK, r.T("school.doubts.title"), doubtsPage(v))
}

func (h handler) settle(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	made := chosen(form)
	if len(made) == 0 {
		return web.Redirect(here(r, "/import/doutes")), nil
	}
	if err := people.Write(r.Context(), h.core.DB, func(tx *db.Tx) error {
		res, err := people.ResolveImport(r.Context(), tx, r.Grant, h.core.Clock.Now(), r.Grant.School(), made)
		if err != nil {
			return err
		}
		// The head decided who joins the school; the codes follow from it.
		return session.IssueCodes(r.Context(), tx, h.core, rights.System("doubtful case settled by a head").For(r.Grant.School()), res.Newcomers())
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/import/doutes?fait=regle")), nil
}
