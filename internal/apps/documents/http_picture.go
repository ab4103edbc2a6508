package documents

import (
	"net/http"
	"net/url"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// retouch is the page where a picture is turned, cut, made unreadable in places
// and put in words: that of a document, or one that the viewer joined to a word.
func (h handler) retouch(r *app.Request) (web.Response, error) {
	p, err := h.picture(r)
	if err != nil {
		return nil, err
	}
	return h.retouching(r, http.StatusOK, p, file.Retouch{Alt: p.Alt}, nil)
}

// easel is a picture that is retouched.
type easel struct {
	view
	at, back  string // its address, and where one comes from
	leave     string // what addresses repeat so that one comes back there
	picture   Picture
	asked     file.Retouch
	original  string
	elsewhere []string
}

// picture is that of the grant's document, else the viewer's own of the address.
func (h handler) picture(r *app.Request) (Picture, error) {
	if r.Grant.Role() > 0 {
		return PictureOf(r.Context(), h.core.DB, r.Grant)
	}
	file := r.PathValue("fichier")
	if !id.Valid(file) {
		return Picture{}, errs.ErrNotFound
	}
	return Held(r.Context(), h.core.DB, r.Viewer.Scope(), file)
}

// joined is the address of a file that the viewer joined to something.
func joined(file string) string { return "/documents/services/" + file }

// from is where a picture is retouched, where one goes from there, and what its
// addresses repeat: the page of what one writes, when one comes from there.
func (h handler) from(r *app.Request, p Picture) (at, back, leave string) {
	if r.Grant.Role() > 0 {
		return path(r.Grant.ID()), path(r.Grant.ID()), ""
	}
	if writing := web.Local(r.URL.Query().Get("retour")); writing != "" {
		return joined(p.ID), writing, "?" + url.Values{"retour": {writing}}.Encode()
	}
	return joined(p.ID), "/documents/services", ""
}

// done adds to the address of a page what was done.
func done(page, what string) string {
	u, err := url.Parse(page)
	if err != nil {
		return "/documents"
	}
	q := u.Query()
	q.Set("fait", what)
	u.RawQuery = q.Encode()
	return u.String()
}

func (h handler) retouching(r *app.Request, status int, p Picture, asked file.Retouch, faults map[string]string) (web.Response, error) {
	e := easel{view: view{r: r, role: r.Grant.Role(), tab: "services", faults: faults}, picture: p, asked: asked}
	e.at, e.back, e.leave = h.from(r, p)
	if e.role > 0 {
		if err := h.one(&e.view); err != nil {
			return nil, err
		}
	}
	var err error
	if e.original, err = file.Original(r.Context(), h.core.DB, r.Viewer.Person, p.ID); err != nil {
		return nil, err
	}
	if e.elsewhere, err = Elsewhere(r.Context(), h.core.DB, r.Viewer.Scope(), p.ID, r.Grant.ID()); err != nil {
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
	p, err := h.picture(r)
	if err != nil {
		return nil, err
	}
	put := RepaintHeld
	if r.Grant.Role() > 0 {
		put = Repaint
	}
	asked := file.RetouchOf(form)
	made, err := asked.Make(r.Context(), h.core, p.ID)
	if err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return put(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), made)
		})
	}
	if faults, ok := r.Faults(err); ok {
		return h.retouching(r, http.StatusUnprocessableEntity, p, asked, faults)
	}
	if errs.KindOf(err) == errs.Conflict { // the gestures were of another picture
		fault := r.Say(errs.As(err).Message)
		if p, err = h.picture(r); err != nil {
			return nil, err
		}
		return h.retouching(r, http.StatusConflict, p, file.Retouch{Alt: asked.Alt}, map[string]string{"geste": fault})
	}
	if err != nil {
		return nil, err
	}
	what := "decrit"
	if made.Draws() {
		what = "retouche"
	}
	_, back, _ := h.from(r, p)
	return web.Redirect(done(back, what)), nil
}

// original puts back what was kept of a picture, or forgets it.
func (h handler) original(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	p, err := h.picture(r)
	if err != nil {
		return nil, err
	}
	put := form.Get("remettre") != ""
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if r.Grant.Role() > 0 {
			return Original(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), put)
		}
		return OriginalHeld(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), p.ID, put)
	}); err != nil {
		return nil, err
	}
	at, back, leave := h.from(r, p)
	if put {
		return web.Redirect(done(back, "retouche")), nil
	}
	return web.Redirect(at + "/retoucher" + leave), nil
}

// retouches says whether the viewer may retouch an item of a page.
func (v view) retouches(i Item) bool {
	return (file.File{Type: i.Type}).Editable() && (v.role >= rights.Manage || v.role >= rights.Contribute && i.Author == v.r.Viewer.Person)
}

// says is what stands for a picture where it is not seen.
func (i Item) says() string { return file.File{Name: i.Name, Alt: i.Alt}.Says() }

// Editable says whether what was joined is a picture that can be retouched.
func (a Attached) Editable() bool { return file.File{Type: a.Type}.Editable() }

// above are the places above the picture.
func (e easel) above() []ui.Crumb {
	if e.item != nil {
		return append(e.crumbs(), ui.Crumb{Label: e.item.Name, Href: path(e.item.ID)})
	}
	if e.leave != "" {
		return []ui.Crumb{{Label: e.r.T("documents.writing"), Href: e.back}}
	}
	return []ui.Crumb{{Label: e.r.T(e.say("documents.services")), Href: e.back}}
}

func (e easel) props() ui.PictureProps {
	own := e.picture.Holder == e.r.Viewer.Person
	return ui.PictureProps{
		Action: e.at + "/retoucher" + e.leave, Back: e.back,
		Src: e.picture.URL("web"), Width: e.picture.Width, Height: e.picture.Height, Done: e.asked.Edits, Error: e.faults["geste"],
		Alt: e.asked.Alt, AltError: e.faults["description"],
		Keep: own, Kept: e.asked.Keep || e.original != "" && len(e.asked.Edits) == 0,
	}
}
