package file

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// Copy makes files of an owner's of some that the caller may read: rows of their
// own over the same bytes, counted like any other. It gives the new id of each.
func Copy(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, owner string, files []string) (map[string]string, error) {
	in, args := db.In(nil, files)
	rows, err := db.All[struct {
		File, School, Name, Type string
		Size                     int64
		Variant, Blob, Kind      string
		Bytes                    int64
		Width, Height            int
	}](ctx, tx, `SELECT f.id AS file, f.school, f.name, f.type, f.size, v.name AS variant, v.blob, v.type AS kind, v.size AS bytes, v.width, v.height
		FROM file f JOIN file_variant v ON v.file = f.id WHERE f.id IN (`+in+`)
		ORDER BY f.id, CASE WHEN v.blob = f.blob THEN 0 ELSE 1 END, v.name`, args...)
	if err != nil {
		return nil, fmt.Errorf("copy: %w", err)
	}
	out := map[string]string{}
	var made []Received
	for _, r := range rows {
		if out[r.File] == "" {
			out[r.File] = id.New()
			made = append(made, Received{ID: out[r.File], School: r.School, Owner: owner, Name: r.Name, Type: r.Type, Size: r.Size})
		}
		// The first is the one that is counted.
		one := &made[len(made)-1]
		one.variants = append(one.variants, variant{r.Variant, r.Blob, r.Kind, r.Bytes, r.Width, r.Height})
	}
	return out, Record(ctx, tx, g, now, made...)
}
