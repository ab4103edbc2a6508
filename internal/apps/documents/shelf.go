package documents

import (
	"context"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// The places of the shelf that other services take files from.
const (
	placeMine   = "a-moi"
	placeShared = "partages"
)

func (h handler) shelf() *app.Shelf {
	return &app.Shelf{Look: h.onShelf, Take: Lend, Retouch: func(file string) string { return joined(file) + "/retoucher" }}
}

// onShelf lists a page of what the viewer keeps, or was given, in one school: the
// bytes of a school stay in it.
func (h handler) onShelf(r *app.Request, o app.Looking) (app.Shown, error) {
	ctx, scope := r.Context(), r.Viewer.Scope()
	keeps := r.Viewer.Is(keepers...)
	if o.Place != placeShared && !keeps {
		o.Place = placeShared
	}
	q := Query{School: o.School, Mine: true, After: o.After, Limit: page + 1}
	var out app.Shown
	switch {
	case o.Words != "":
		found, err := search.Find(ctx, h.core.DB, r.Viewer, search.Query{Words: o.Words, Kinds: []rights.Kind{Document}, Limit: page})
		if err != nil || len(found.Hits) == 0 {
			return h.places(r, out, o, keeps), err
		}
		q.Mine, q.After = false, ""
		for _, hit := range found.Hits {
			q.Kind = append(q.Kind, hit.ID)
		}
	case o.Folder != "":
		if !id.Valid(o.Folder) {
			return out, errs.ErrNotFound
		}
		at, err := List(ctx, h.core.DB, scope, Query{ID: o.Folder, School: o.School, Limit: 1})
		if err != nil {
			return out, err
		}
		if len(at) == 0 || !at[0].Folder {
			return out, errs.ErrNotFound
		}
		way, err := Way(ctx, h.core.DB, scope, o.Folder)
		if err != nil {
			return out, err
		}
		for _, w := range append(way, Step{ID: at[0].ID, Name: at[0].Name}) {
			out.Way = append(out.Way, app.Place{ID: w.ID, Name: w.Name})
		}
		q.Mine, q.In = false, o.Folder
		if o.Place = placeMine; at[0].Owner != r.Viewer.Person {
			o.Place = placeShared
		}
	case o.Place == placeShared:
		q.Mine = false
		for _, p := range r.Viewer.Principals {
			q.Given = append(q.Given, p.Name)
		}
	}
	q.After = after(q.After)
	list, err := List(ctx, h.core.DB, scope, q)
	if err != nil {
		return out, err
	}
	if len(list) > page {
		list = list[:page]
		out.Next = next(list[page-1], q)
	}
	for _, i := range list {
		t := app.Thing{ID: i.ID, Name: i.Name, Thumb: i.thumb(), Type: i.Type, Size: i.Size, Within: i.Within, Folder: i.Folder}
		t.Icon, t.Paint = i.face()
		if i.Owner != r.Viewer.Person {
			t.From = i.From()
		}
		out.Things = append(out.Things, t)
	}
	return h.places(r, out, o, keeps), nil
}

func (h handler) places(r *app.Request, out app.Shown, o app.Looking, keeps bool) app.Shown {
	v := view{r: r}
	if keeps {
		out.Places = append(out.Places, app.Place{ID: placeMine, Name: r.T(v.say("documents.mine")), Current: o.Place != placeShared && o.Words == ""})
	}
	out.Places = append(out.Places, app.Place{ID: placeShared, Name: r.T(v.say("documents.shared")), Current: o.Place == placeShared && o.Words == ""})
	return out
}

// Lend finds the files of documents that the grant's viewer may read by now:
// whoever may read one may download it, and so may join it to what they write.
func Lend(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school string, ids []string) ([]app.Taken, error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return nil, err
	}
	in, args := db.In([]any{school}, ids)
	scope, args := rights.ScopeOf(g.Viewer().Person, now).Where("r", rights.Read, args)
	rows, err := db.All[struct {
		File, Name string
		Folder     bool
	}](ctx, tx, `SELECT coalesce(d.file, '') AS file, d.name, d.folder FROM document d JOIN resource r ON r.id = d.id
		WHERE d.school = $1 AND d.id IN (`+in+`) AND `+scope+` ORDER BY d.name_key, d.id`, args...)
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 || len(rows) != len(ids) {
		return nil, errs.New(errs.NotFound, "documents.taken_gone")
	}
	out := make([]app.Taken, len(rows))
	for n, row := range rows {
		if row.Folder {
			return nil, errs.Field("piece", "documents.taken_folder", "name", row.Name)
		}
		out[n] = app.Taken{File: row.File, Name: row.Name}
	}
	return out, nil
}
