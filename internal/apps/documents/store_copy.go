package documents

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// copiesMax is how much one copy may hold: its transaction writes it all.
const copiesMax = 500

// Copy makes copies of items, with what lies in them as far as the viewer may
// read it, in the folder of another grant or at the top of the viewer's own
// documents. A copy belongs to that space and has the rights of that folder;
// its files count as the viewer's. Comments and versions stay where they are.
//
// Sound and video of somebody else that are not ready are left out, as of a ZIP,
// unless there is no other file; it says how many. Those who may read that folder
// are told, as of what is deposited there, unless they are not to be.
func Copy(ctx context.Context, tx *db.Tx, core *app.Core, g, to rights.Grant, now time.Time, ids []string, tell bool) (int, error) {
	// Only the space that it goes to is held: two who copy from each other at once
	// would else wait for each other.
	if err := g.Confirm(ctx, tx); err != nil {
		return 0, err
	}
	list, err := look(ctx, tx, g, now, rights.Read, ids)
	if err != nil {
		return 0, err
	}
	in, err := folder(ctx, tx, to)
	if err != nil {
		return 0, err
	}
	if err := to.Must(ctx, tx, Keep, Contributing); err != nil {
		return 0, err
	}
	for _, n := range list {
		if n.School != in.School { // the bytes of a school stay in it
			return 0, errs.Field("vers", "documents.other_school")
		}
	}
	// Of a folder and something in it, both chosen, the folder brings both.
	set, args := db.In([]any{g.Viewer().Person}, ids)
	scope, args := rights.ScopeOf(g.Viewer().Person, now).Where("r", rights.Read, args)
	rows, err := db.All[struct {
		ID, Parent, Name, File string
		Folder, Ready          bool
		N                      int
	}](ctx, tx, tree(set)+`SELECT t.id, CASE WHEN t.n = 0 THEN '' ELSE coalesce(d.parent, '') END AS parent, d.name, coalesce(d.file, '') AS file, d.folder, t.n,
			EXISTS (SELECT 1 FROM file_variant fv JOIN file f ON f.id = fv.file WHERE fv.file = d.file AND (fv.name <> 'source' OR f.owner = $1)) AS ready
		FROM (SELECT id, max(n) AS n FROM tree WHERE top NOT IN (SELECT id FROM tree WHERE n > 0) GROUP BY id) t
		JOIN document d ON d.id = t.id JOIN resource r ON r.id = d.id WHERE `+scope+` ORDER BY t.n, d.name_key, d.id LIMIT `+fmt.Sprint(copiesMax+1), args...)
	if err != nil {
		return 0, fmt.Errorf("copy: %w", err)
	}
	if len(rows) > copiesMax {
		return 0, errs.Field("vers", "documents.copies_many", "n", copiesMax)
	}
	var files []string
	high, left := 0, 0
	for _, r := range rows {
		switch {
		case r.Folder:
			high = max(high, r.N+1)
		case r.Ready:
			files = append(files, r.File)
		default:
			left++
		}
	}
	if left > 0 && len(files) == 0 {
		return 0, errs.Field("vers", "file.preparing")
	}
	if err := room(ctx, tx, to, in, len(rows), high); err != nil {
		return 0, err
	}
	made, err := file.Copy(ctx, tx, to, now, g.Viewer().Person, files)
	if err != nil {
		return 0, err
	}
	copies := map[string]string{"": in.ID}
	var items []Item
	for _, r := range rows {
		at, known := copies[r.Parent]
		if !known || !r.Folder && !r.Ready { // the first: of a folder that the viewer may not read
			continue
		}
		copies[r.ID] = id.New()
		items = append(items, Item{ID: copies[r.ID], Author: g.Viewer().Person, Parent: at, Folder: r.Folder, Name: r.Name, File: made[r.File]})
	}
	if err := put(ctx, tx, core, to, now, in, items); err != nil {
		return 0, err
	}
	if _, err := tellFull(ctx, tx, core, to, g.Viewer().Person); err != nil || !tell {
		return left, err
	}
	return left, told(ctx, tx, core, to, now, in.ID, Added)
}
