// Package dav opens the espace documentaire as a drive (WebDAV, RFC 4918):
// paths, locks and properties for programs that know nothing of the portal. All
// that it does goes through the use cases of documents, whose rights it refuses
// to know; the protocol itself is golang.org/x/net/webdav's.
package dav

import (
	"context"
	"embed"
	"io/fs"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// App declares the drive.
func App(core *app.Core) app.App {
	return app.App{
		Name:       "dav",
		Routes:     func(r *app.Router) { r.Drive(session.DrivePath, session.Drive, serve) },
		Migrations: sub("migrations"),
		Messages:   sub("i18n"),
		Export:     export,
		Erase:      forget,
		Merge: func(ctx context.Context, tx *db.Tx, g rights.Grant, _, loser string) error {
			return forget(ctx, tx, g, loser)
		},
		Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return expire(ctx, tx, g, core.Clock.Now())
		},
	}
}
