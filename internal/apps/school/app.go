// Package school is what a head runs a school with: its figures, its classes
// and the imports from ONDE. It knows no other service, and refuses to know how
// files are read and how the directory is written: that is people and onde.
package school

import (
	"context"
	"embed"
	"io/fs"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

//go:embed i18n/fr.json
var files embed.FS

func messages() fs.FS {
	f, err := fs.Sub(files, "i18n")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// App declares the school's management.
func App(core *app.Core) app.App {
	return app.App{
		Name:     "school",
		Square:   app.Square{Number: 8, Path: "/ecole", Icon: "buildings", Paint: "turquoise", For: []rights.Profile{rights.Head}},
		Messages: messages(),
	}
}

// Forget removes all that every service holds of a person, for the undo of an
// import that created them.
func Forget(core *app.Core, g rights.Grant) people.Forget {
	return func(ctx context.Context, tx *db.Tx, person string) error {
		for _, a := range core.Apps {
			if a.Erase == nil {
				continue
			}
			if err := a.Erase(ctx, tx, g, person); err != nil {
				return err
			}
		}
		return nil
	}
}
