package documents

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/share"
	"marelle/internal/platform/db"
	"marelle/internal/platform/web"
)

// sharing is the window of who has what.
func (h handler) sharing(r *app.Request) (web.Response, error) {
	return h.window(r, http.StatusOK, nil, r.URL.Query())
}

func (h handler) window(r *app.Request, status int, faults map[string]string, typed url.Values) (web.Response, error) {
	v := view{r: r, role: r.Grant.Role(), faults: faults}
	if err := h.one(&v); err != nil {
		return nil, err
	}
	ctx := r.Context()
	shares, err := Shares(ctx, h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	groups, err := share.Groups(ctx, h.core.DB, r.Viewer, r.T, r.Grant.School())
	if err != nil {
		return nil, err
	}
	stars, err := share.Favourites(ctx, h.core.DB, r.Viewer, r.T, r.Grant.School())
	if err != nil {
		return nil, err
	}
	w := window{view: v, shares: shares, groups: groups, stars: stars, words: typed.Get("q"), given: typed.Get("role"), chosen: typed["a"], tell: r.Method == http.MethodGet || typed.Has("prevenir")}
	if role(w.given) == 0 {
		w.given = "1"
	}
	if len([]rune(w.words)) > 100 {
		w.words = ""
	}
	// What the address or the form names is named back only to who may reach it.
	if w.chosen, err = share.Reached(ctx, h.core.DB, r.Viewer, r.Grant.School(), w.chosen[:min(len(w.chosen), sharesMax)]); err != nil {
		return nil, err
	}
	if w.found, err = share.Find(ctx, h.core.DB, r.Viewer, r.T, r.Grant.School(), w.words, 20); err != nil {
		return nil, err
	}
	known := slices.Clone(w.chosen)
	for _, s := range shares {
		known = append(known, s.Principal)
	}
	if w.names, err = share.Names(ctx, h.core.DB, r.T, known); err != nil {
		return nil, err
	}
	return r.PageWith(status, r.T("documents.share_of", "name", v.item.Name), "documents", v.toast(), sharePage(w))
}

func (h handler) give(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	who := slices.Clone(f["a"])
	slices.Sort(who)
	who = slices.Compact(who)
	if f.Has("chercher") { // the form's own search, which keeps what was chosen
		return h.window(r, http.StatusOK, nil, f)
	}
	if one := f.Get("etoile"); one != "" {
		err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return share.Star(r.Context(), tx, r.Grant, h.core.Clock.Now(), one) })
		faults, ok := r.Faults(err)
		if err != nil && !ok {
			return nil, err
		}
		status := http.StatusOK
		if ok {
			status = http.StatusUnprocessableEntity
		}
		return h.window(r, status, faults, f)
	}
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Give(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), role(f.Get("role")), f.Has("prevenir"), who...)
	})
	if faults, ok := r.Faults(err); ok {
		return h.window(r, http.StatusUnprocessableEntity, faults, f)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "/partage?fait=partage"), nil
}

func (h handler) take(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return Take(r.Context(), tx, r.Grant, f.Get("a")) }); err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "/partage?fait=retire"), nil
}

// role reads one of the four; 0 is none of them.
func role(s string) rights.Role {
	n, err := strconv.Atoi(s)
	if err != nil || n < int(rights.Read) || n > int(rights.Manage) {
		return 0
	}
	return rights.Role(n)
}
