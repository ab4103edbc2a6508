package tell

import (
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
)

// most is how many muted things the page shows.
const most = 50

// mute lets the viewer hear no more of one thing that was published.
func (h handler) mute(r *app.Request) (web.Response, error) {
	what := r.PathValue("id")
	if !id.Valid(what) {
		return nil, errs.ErrNotFound
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return notify.Mute(r.Context(), tx, r.Grant, h.core.Clock.Now(), what)
	}); err != nil {
		return nil, err
	}
	return web.Redirect("/?fait=sourdine." + what), nil
}

func (h handler) unmute(r *app.Request) (web.Response, error) {
	what := r.PathValue("id")
	if !id.Valid(what) {
		return nil, errs.ErrNotFound
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return notify.Unmute(r.Context(), tx, r.Grant, what)
	}); err != nil {
		return nil, err
	}
	if form.Get("retour") == "reglages" {
		return web.Redirect(atSettings + "?fait=1"), nil
	}
	return web.Redirect("/"), nil
}

// path is where a muted thing is read.
func (v view) path(m notify.Muted) string {
	if _, k, ok := v.Core.Kind(rights.Kind(m.Kind)); ok && k.Path != nil {
		return k.Path(m.Resource)
	}
	return "/"
}
