// Package export hands a person all that is kept of them, in one ZIP: what each
// service says of them as JSON, and the bytes of their files as they are. It
// refuses to know what a service keeps: each says so in its own declaration.
package export

import (
	"archive/zip"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/web"
)

//go:embed i18n/fr.json
var files embed.FS

// App declares the page of one's data and their download.
func App(core *app.Core) app.App {
	said, err := fs.Sub(files, "i18n")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return app.App{Name: "export", Messages: said, Routes: func(r *app.Router) {
		r.GET("/compte/mes-donnees", rights.SignedIn, func(r *app.Request) (web.Response, error) {
			return r.Page(r.T("export.title"), "", page(r.Viewer.Main() == rights.Pupil))
		})
		r.POST("/compte/mes-donnees", rights.SignedIn, func(r *app.Request) (web.Response, error) { return download(r, core) })
	}}
}

// part is one JSON file of the ZIP.
type part struct {
	name string
	body []byte
}

// download reads what is kept of the viewer in one moment, then streams it: no
// transaction is open meanwhile, and no file is in memory.
func download(r *app.Request, core *app.Core) (web.Response, error) {
	ctx, person := r.Context(), r.Viewer.Person
	var parts []part
	var own []file.Stored
	if err := core.DB.Snapshot(ctx, func(tx *db.Tx) (err error) {
		if parts, err = collect(ctx, tx, core.Apps, person); err != nil {
			return err
		}
		own, err = file.OwnBytes(ctx, tx, person)
		return err
	}); err != nil {
		return nil, err
	}
	if err := core.DB.Write(ctx, func(tx *db.Tx) error {
		if err := r.Grant.Confirm(ctx, tx); err != nil {
			return err
		}
		return audit.Note(ctx, tx, r.Grant, core.Clock.Now(), "person.export", person, "")
	}); err != nil {
		return nil, err
	}
	return web.Func(func(w http.ResponseWriter, hr *http.Request) error {
		web.Attach(w, "mes-donnees-marelle.zip", "application/zip")
		if err := write(hr.Context(), core, zip.NewWriter(w), parts, own); err != nil {
			panic(http.ErrAbortHandler) // bytes have left: only the cut line can tell
		}
		return nil
	}), nil
}

func collect(ctx context.Context, q db.Querier, apps []app.App, person string) ([]part, error) {
	var out []part
	for _, a := range apps {
		if a.Export == nil {
			continue
		}
		if err := a.Export(ctx, q, person, func(name string, v any) error {
			body, err := json.MarshalIndent(v, "", "  ")
			if !strings.HasPrefix(name, a.Name+"/") {
				name = a.Name + "/" + name
			}
			out = append(out, part{name + ".json", body})
			return err
		}); err != nil {
			return nil, fmt.Errorf("export of %s: %w", a.Name, err)
		}
	}
	return out, nil
}

func write(ctx context.Context, core *app.Core, z *zip.Writer, parts []part, own []file.Stored) error {
	for _, p := range parts {
		to, err := z.CreateHeader(&zip.FileHeader{Name: p.name, Method: zip.Deflate, Modified: core.Clock.Now()})
		if err != nil {
			return err
		}
		if _, err := to.Write(p.body); err != nil {
			return err
		}
	}
	for _, f := range own {
		if err := pour(ctx, core, z, f); err != nil {
			return err
		}
	}
	return z.Close()
}

// pour copies the bytes of one file, under its id since two may have one name.
func pour(ctx context.Context, core *app.Core, z *zip.Writer, f file.Stored) error {
	to, err := z.CreateHeader(&zip.FileHeader{Name: "fichiers/" + f.ID + " " + file.ZipName(f.Name), Method: zip.Store, Modified: f.Created()})
	if err != nil {
		return err
	}
	return file.Pour(ctx, core.Blobs, to, f.Blob)
}
