package file

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// Copy makes files of an owner's of some that the caller may read: rows of their
// own over the same bytes, counted like any other. Of somebody else's sound or
// video it is what others get, and what is not ready yet is refused. It gives the
// new id of each.
func Copy(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, owner string, files []string) (map[string]string, error) {
	in, args := db.In(nil, files)
	args = append(args, owner)
	me := fmt.Sprintf("$%d", len(args))
	rows, err := db.All[struct {
		File, School, Name, Type, Alt string
		Size                          int64
		Variant, Blob, Kind           string
		Bytes                         int64
		Width, Height                 int
		Render                        string
		Own                           bool
	}](ctx, tx, `SELECT f.id AS file, f.school, f.name, f.type, f.alt, f.size, v.name AS variant, v.blob, v.type AS kind, v.size AS bytes, v.width, v.height,
			coalesce(d.state, '') AS render, f.owner = `+me+` AS own
		FROM file f JOIN file_variant v ON v.file = f.id LEFT JOIN file_render d ON d.file = f.id
		WHERE f.id IN (`+in+`) AND (v.name <> 'source' OR f.owner = `+me+`)
		ORDER BY f.id, CASE WHEN v.blob = f.blob THEN 0 WHEN v.name = 'original' THEN 1 ELSE 2 END, v.name`, args...)
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	out := map[string]string{}
	var made []Received
	state := map[string]string{} // of what is made of some of them
	for _, r := range rows {
		if out[r.File] == "" {
			one := Received{ID: id.New(), School: r.School, Owner: owner, Name: r.Name, Type: r.Type, Size: r.Size, alt: r.Alt, at: now}
			if !r.Own && r.Variant == "original" { // it has no source any more
				one.Name, one.Type, one.Size = Named(r.Name, r.Kind), r.Kind, r.Bytes
			}
			out[r.File] = one.ID
			made = append(made, one)
			if r.Render != "" {
				state[one.ID] = r.Render
			}
		}
		// The first is the one that is counted.
		one := &made[len(made)-1]
		one.variants = append(one.variants, variant{r.Variant, r.Blob, r.Kind, r.Bytes, r.Width, r.Height})
	}
	for _, f := range files {
		if out[f] == "" {
			return nil, errs.Field("piece", "file.preparing")
		}
	}
	if err := Record(ctx, tx, g, now, made...); err != nil {
		return nil, err
	}
	states := make([][]any, 0, len(state))
	for f, s := range state {
		states = append(states, []any{f, s})
	}
	_, err = db.Insert(ctx, tx, `INSERT INTO file_render (file, state) VALUES `, "", states)
	return out, err
}
