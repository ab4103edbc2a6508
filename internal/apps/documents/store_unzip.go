package documents

import (
	"archive/zip"
	"context"
	"fmt"
	slash "path"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// Unpack writes what came out of a ZIP into a folder beside it, named after it:
// everything or nothing. The grant is of the folder in which the ZIP lies, or of
// the viewer's own documents.
func Unpack(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, name string, p parcel, got map[*zip.File]file.Received) (string, error) {
	in, err := folder(ctx, tx, g)
	if err != nil {
		return "", err
	}
	if err := g.Must(ctx, tx, Keep, Contributing); err != nil {
		return "", err
	}
	high := 1
	for _, i := range p.items {
		if i.file == nil {
			high = max(high, strings.Count(slash.Join(i.in, i.name), "/")+2)
		}
	}
	if err := room(ctx, tx, g, in, len(p.items)+1, high); err != nil {
		return "", atField(err, "zip")
	}
	if name, err = cleanName("zip", name); err != nil {
		name = "ZIP"
	}
	me := g.Viewer().Person
	top := Item{ID: id.New(), Author: me, Parent: in.ID, Folder: true, Name: name}
	at := map[string]string{"": top.ID}
	made, files := []Item{top}, []file.Received{}
	for _, i := range p.items {
		one := Item{ID: id.New(), Author: me, Parent: at[i.in], Folder: i.file == nil, Name: i.name}
		if one.Name, err = cleanName("zip", i.name); err != nil {
			return "", refusal("documents.zip.path", i.name)
		}
		if i.file == nil {
			at[slash.Join(i.in, i.name)] = one.ID
		} else {
			f := got[i.file]
			files = append(files, f)
			one.Name, one.File = f.Name, f.ID
		}
		made = append(made, one)
	}
	if err := file.Record(ctx, tx, g, now, files...); err != nil {
		return "", atField(err, "zip")
	}
	if err := put(ctx, tx, core, g, now, in, made); err != nil {
		return "", err
	}
	return top.ID, told(ctx, tx, core, g, now, in.ID, Added)
}

// Packed is a ZIP that lies among documents.
type Packed struct {
	Name, Parent, Type, Blob string
	Size                     int64
}

// packedFile reads where the grant's ZIP lies and its bytes are.
func packedFile(ctx context.Context, q db.Querier, g rights.Grant) (Packed, error) {
	p, ok, err := db.One[Packed](ctx, q, `SELECT d.name, coalesce(d.parent, '') AS parent, v.type, v.blob, v.size
		FROM document d JOIN file_variant v ON v.file = d.file AND v.name = 'original' WHERE d.id = $1`, g.ID())
	if err != nil {
		return p, fmt.Errorf("unpack: %w", err)
	}
	if !ok || p.Type != "application/zip" {
		return p, errs.ErrNotFound
	}
	return p, nil
}
