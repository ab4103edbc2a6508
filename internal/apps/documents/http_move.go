package documents

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
)

// chosen are the items of a form, each once.
func chosen(r *app.Request) ([]string, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	ids := slices.Clone(f["id"])
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if len(ids) == 0 || slices.ContainsFunc(ids, func(s string) bool { return !id.Valid(s) }) {
		return nil, errs.New(errs.Invalid, "documents.none_chosen")
	}
	if len(ids) > choiceMax {
		return nil, errs.New(errs.Invalid, "documents.chosen_many", "n", choiceMax)
	}
	return ids, nil
}

// moveOne and copyOne ask where one item goes; move and copy where a choice goes,
// and put it there.
func (h handler) moveOne(r *app.Request) (web.Response, error) {
	return h.picker(r, http.StatusOK, "move", []string{r.Grant.ID()}, nil)
}

func (h handler) copyOne(r *app.Request) (web.Response, error) {
	return h.picker(r, http.StatusOK, "copy", []string{r.Grant.ID()}, nil)
}

func (h handler) move(r *app.Request) (web.Response, error) {
	return h.carry(r, "move", func(ctx context.Context, tx *db.Tx, to rights.Grant, ids []string, tell bool) (string, error) {
		return "deplace", Move(ctx, tx, h.core, r.Grant, to, h.core.Clock.Now(), ids, tell)
	})
}

func (h handler) copy(r *app.Request) (web.Response, error) {
	return h.carry(r, "copy", func(ctx context.Context, tx *db.Tx, to rights.Grant, ids []string, tell bool) (string, error) {
		left, err := Copy(ctx, tx, h.core, r.Grant, to, h.core.Clock.Now(), ids, tell)
		if left > 0 {
			return "copie." + strconv.Itoa(left), err
		}
		return "copie", err
	})
}

// carry puts a choice where it goes; f says what was done.
func (h handler) carry(r *app.Request, how string, f func(ctx context.Context, tx *db.Tx, to rights.Grant, ids []string, tell bool) (string, error)) (web.Response, error) {
	ids, err := chosen(r)
	if err != nil {
		return nil, err
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	if !form.Has("vers") {
		return h.picker(r, http.StatusOK, how, ids, nil)
	}
	done := ""
	to, err := h.into(r, form)
	if err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
			done, err = f(r.Context(), tx, to, ids, tells(form))
			return err
		})
	}
	if faults, ok := r.Faults(err); ok {
		if faults["vers"] == "" { // without room for a copy
			faults["vers"] = faults["piece"]
		}
		return h.picker(r, http.StatusUnprocessableEntity, how, ids, faults)
	}
	if err != nil {
		return nil, err
	}
	if to.Role() > 0 {
		return web.Redirect(path(to.ID()) + "?fait=" + done), nil
	}
	return web.Redirect("/documents?fait=" + done), nil
}

// tells says whether those who have the folder are told: they are, as of what is
// deposited there, unless a form asked and was told not to.
func tells(f url.Values) bool { return !f.Has("demande") || f.Has("prevenir") }

// into is the grant on the folder that a form names: a folder to which the
// viewer may add, or the top of their own documents.
func (h handler) into(r *app.Request, f url.Values) (rights.Grant, error) {
	need, at := Contributing, f.Get("vers")
	if at == "haut" {
		need, at = Keep, f.Get("ecole")
	}
	g, err := need.Resolve(r.Context(), h.core.DB, r.Viewer, at)
	if k := errs.KindOf(err); err != nil && (k == errs.NotFound || k == errs.Denied) {
		err = errs.Field("vers", "documents.folder_gone")
	}
	return g, err
}

// picker goes through the folders to which the chosen items may go: those of the
// space in which they lie, or for a copy the viewer's own.
func (h handler) picker(r *app.Request, status int, how string, ids []string, faults map[string]string) (web.Response, error) {
	v := view{r: r, tab: "mine", role: rights.Manage, faults: faults, how: how}
	least := rights.Manage
	if how == "copy" {
		least = rights.Read
	}
	var err error
	if v.items, err = List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{Kind: ids, Least: least, Limit: len(ids)}); err != nil {
		return nil, err
	}
	if len(v.items) != len(ids) {
		return nil, errs.ErrNotFound
	}
	if how == "copy" {
		if v.missing, err = Missing(r.Context(), h.core.DB, r.Viewer.Scope(), ids, missingMax+1); err != nil {
			return nil, err
		}
	}
	if err := h.place(&v, ids); err != nil {
		return nil, err
	}
	return r.PageWith(status, r.T("documents."+how), "documents", nil, movePage(v))
}

// place reads the folder that is looked at, and a page of those in it.
func (h handler) place(v *view, ids []string) error {
	ctx, s, first := v.r.Context(), v.r.Viewer.Scope(), v.items[0]
	f, err := v.r.Values()
	if err != nil {
		return err
	}
	owner := first.Owner
	if v.how == "copy" {
		owner = v.r.Viewer.Person
	}
	at := place{id: f.Get("dans"), own: owner == v.r.Viewer.Person, after: after(f.Get("apres"))}
	if f.Get("vers") != "" { // what was refused is still looked at
		at.id = f.Get("vers")
	}
	if !f.Has("dans") && !f.Has("vers") && v.how == "move" {
		at.id = first.Parent
	}
	in := Query{Folders: true, Owner: owner, School: first.School, Least: rights.Contribute, After: at.after, Limit: page + 1}
	if id.Valid(at.id) {
		// One that is not there any more, or not theirs to add to, is the top.
		open, err := List(ctx, h.core.DB, s, Query{ID: at.id, Folders: true, Owner: owner, School: first.School, Least: rights.Contribute, Limit: 1})
		if err != nil {
			return err
		}
		if len(open) > 0 {
			at.name, at.takes, in.In = open[0].Name, true, at.id
			seen, err := Audience(ctx, h.core.DB, s, open)
			if err != nil {
				return err
			}
			at.shared, at.tell = !at.own || len(seen[at.id]) > 0, tells(f)
			if at.above, err = Way(ctx, h.core.DB, s, at.id); err != nil {
				return err
			}
		}
	}
	switch {
	case in.In != "":
	case at.own:
		at.id, at.takes, in.Mine = "haut", true, true
	default: // of somebody else's space, what was given
		at.id = "haut"
		for _, p := range v.r.Viewer.Principals {
			in.Given = append(in.Given, p.Name)
		}
	}
	if at.folders, err = List(ctx, h.core.DB, s, in); err != nil {
		return err
	}
	if len(at.folders) > page {
		at.folders = at.folders[:page]
		at.next = next(at.folders[page-1], in)
	}
	if v.how == "move" { // nothing goes into itself
		at.folders = slices.DeleteFunc(at.folders, func(i Item) bool { return slices.Contains(ids, i.ID) })
	}
	v.dir = at
	return nil
}

// in runs a change of chosen items and comes back to where they were.
func (h handler) in(r *app.Request, done string, f func(ctx context.Context, tx *db.Tx, ids []string) error) (web.Response, error) {
	ids, err := chosen(r)
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return f(r.Context(), tx, ids) }); err != nil {
		return nil, err
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	return web.Redirect(listed(form.Get("retour")) + "?fait=" + done), nil
}

func (h handler) remove(r *app.Request) (web.Response, error) {
	return h.in(r, "corbeille", func(ctx context.Context, tx *db.Tx, ids []string) error {
		return Trash(ctx, tx, r.Grant, h.core.Clock.Now(), ids)
	})
}

func (h handler) removeOne(r *app.Request) (web.Response, error) {
	list, err := List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{ID: r.Grant.ID(), Limit: 1})
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Trash(r.Context(), tx, r.Grant, h.core.Clock.Now(), []string{r.Grant.ID()})
	}); err != nil {
		return nil, err
	}
	if len(list) > 0 && list[0].Parent != "" {
		return web.Redirect(path(list[0].Parent) + "?fait=corbeille"), nil
	}
	return web.Redirect("/documents?fait=corbeille"), nil
}

func (h handler) restore(r *app.Request) (web.Response, error) {
	return h.in(r, "remis", func(ctx context.Context, tx *db.Tx, ids []string) error {
		_, err := Restore(ctx, tx, r.Grant, h.core.Clock.Now(), ids)
		return err
	})
}

func (h handler) empty(r *app.Request) (web.Response, error) {
	return h.in(r, "vide", func(ctx context.Context, tx *db.Tx, ids []string) error {
		return Empty(ctx, tx, r.Grant, h.core.Clock.Now(), ids)
	})
}

// trash is what the viewer removed.
func (h handler) trash(r *app.Request) (web.Response, error) {
	v := view{r: r, tab: "trash"}
	before := Removed{TrashedAt: rights.Forever}
	if at, one, ok := strings.Cut(r.URL.Query().Get("avant"), "."); ok {
		if n, err := strconv.ParseInt(at, 10, 64); err == nil {
			before = Removed{TrashedAt: n, ID: one}
		}
	}
	var err error
	if v.removed, err = Trashed(r.Context(), h.core.DB, r.Viewer.Scope(), before, page+1); err != nil {
		return nil, err
	}
	if len(v.removed) > page {
		v.removed = v.removed[:page]
		last := v.removed[page-1]
		v.next = fmt.Sprintf("%d.%s", last.TrashedAt, last.ID)
	}
	if v.days, err = Kept(r.Context(), h.core.DB); err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, r.T("documents.trash"), "documents", v.toast(), trashPage(v))
}
