package documents

import (
	"net/http"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// retouch is the page where a picture is turned, cut, made unreadable in places
// and put in words.
func (h handler) retouch(r *app.Request) (web.Response, error) {
	p, err := PictureOf(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	return h.retouching(r, http.StatusOK, p, file.Retouch{Alt: p.Alt}, nil)
}

// easel is a picture that is retouched.
type easel struct {
	view
	picture   Picture
	asked     file.Retouch
	original  string
	elsewhere []string
}

func (h handler) retouching(r *app.Request, status int, p Picture, asked file.Retouch, faults map[string]string) (web.Response, error) {
	e := easel{view: view{r: r, role: r.Grant.Role(), faults: faults}, picture: p, asked: asked}
	err := h.one(&e.view)
	if err != nil {
		return nil, err
	}
	if e.original, err = file.Original(r.Context(), h.core.DB, r.Viewer.Person, p.ID); err != nil {
		return nil, err
	}
	if e.elsewhere, err = Elsewhere(r.Context(), h.core.DB, r.Viewer.Scope(), r.Grant); err != nil {
		return nil, err
	}
	s, err := r.Shell(r.T("documents.retouch"), "documents")
	if err != nil {
		return nil, err
	}
	s.Scripts, s.Styles = []string{ui.Asset("picture.js")}, []string{ui.Asset("page-picture.css")}
	return web.PageStatus(status, app.Inside(ui.Layout(s), retouchPage(e))), nil
}

// repaint draws what the form asks before the transaction that shows it.
func (h handler) repaint(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	p, err := PictureOf(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	asked := file.RetouchOf(form)
	made, err := asked.Make(r.Context(), h.core, p.ID)
	if err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return Repaint(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), made)
		})
	}
	if faults, ok := r.Faults(err); ok {
		return h.retouching(r, http.StatusUnprocessableEntity, p, asked, faults)
	}
	if errs.KindOf(err) == errs.Conflict { // the gestures were of another picture
		fault := r.Say(errs.As(err).Message)
		if p, err = PictureOf(r.Context(), h.core.DB, r.Grant); err != nil {
			return nil, err
		}
		return h.retouching(r, http.StatusConflict, p, file.Retouch{Alt: asked.Alt}, map[string]string{"geste": fault})
	}
	if err != nil {
		return nil, err
	}
	done := "decrit"
	if made.Draws() {
		done = "retouche"
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=" + done), nil
}

// original puts back what was kept of a picture, or forgets it.
func (h handler) original(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	back := form.Get("remettre") != ""
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Original(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), back)
	}); err != nil {
		return nil, err
	}
	if back {
		return web.Redirect(path(r.Grant.ID()) + "?fait=retouche"), nil
	}
	return web.Redirect(path(r.Grant.ID()) + "/retoucher"), nil
}

// retouches says whether the viewer may retouch an item of a page.
func (v view) retouches(i Item) bool {
	return (file.File{Type: i.Type}).Editable() && (v.role >= rights.Manage || v.role >= rights.Contribute && i.Author == v.r.Viewer.Person)
}

// says is what stands for a picture where it is not seen.
func (i Item) says() string { return file.File{Name: i.Name, Alt: i.Alt}.Says() }

func (e easel) props() ui.PictureProps {
	own := e.picture.Holder == e.r.Viewer.Person
	return ui.PictureProps{
		Action: path(e.item.ID) + "/retoucher", Back: path(e.item.ID),
		Src: e.picture.URL("web"), Width: e.picture.Width, Height: e.picture.Height, Done: e.asked.Edits, Error: e.faults["geste"],
		Alt:  ui.FieldProps{Name: "description", Label: e.r.T("ui.picture.alt"), Help: e.r.T("ui.picture.alt_help"), Value: e.asked.Alt, Error: e.faults["description"], Optional: true, Rows: 2},
		Keep: own, Kept: e.asked.Keep || e.original != "" && len(e.asked.Edits) == 0,
	}
}
