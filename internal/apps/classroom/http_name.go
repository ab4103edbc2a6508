package classroom

import (
	"net/http"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
)

// naming is the page where a name is corrected.
type naming struct {
	r      *app.Request
	who    people.Person
	n      Naming
	back   string
	from   string // the query that leads back
	faults map[string]string
}

// named is the person whose name may be corrected by who asks.
func (h handler) named(r *app.Request) (naming, error) {
	v := naming{r: r, from: r.URL.Query().Encode(), back: back(r.URL.Query())}
	var ok bool
	var err error
	if v.who, ok, err = people.PersonByID(r.Context(), h.core.DB, r.Grant.ID()); err != nil {
		return v, err
	}
	if !ok {
		return v, errs.ErrNotFound
	}
	v.n = Naming{First: v.who.First, Last: v.who.Last, Use: v.who.UseName}
	return v, people.MayRename(r.Context(), h.core.DB, r.Grant, r.Viewer.Now)
}

func (h handler) nameForm(r *app.Request) (web.Response, error) {
	v, err := h.named(r)
	if err != nil {
		return nil, err
	}
	return r.Page(r.T("classroom.name.title"), "classroom", namePage(v))
}

func (h handler) saveName(r *app.Request) (web.Response, error) {
	v, err := h.named(r)
	if err != nil {
		return nil, err
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	v.n = Naming{First: form.Get("prenom"), Last: form.Get("nom"), Use: form.Get("usage")}
	login := ""
	err = v.n.Check()
	if err == nil {
		err = h.write(r, func(tx *db.Tx) (err error) {
			login, err = people.Rename(r.Context(), tx, r.Grant, h.core.Clock.Now(), v.n.First, v.n.Last, v.n.Use)
			return err
		})
	}
	var ok bool
	if v.faults, ok = r.Faults(err); ok {
		return r.PageWith(http.StatusUnprocessableEntity, r.T("classroom.name.title"), "classroom", nil, namePage(v))
	}
	if err != nil {
		return nil, err
	}
	if login != v.who.Login {
		return after(v.back, "nom-identifiant", ""), nil
	}
	return after(v.back, "nom", ""), nil
}
