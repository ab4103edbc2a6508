// Package school is what a head runs a school with: its figures, its classes,
// the imports from ONDE, who may reach whom, a family link suspended, two records
// of one person made one. It knows no other service, and refuses to know how
// files are read and how the directory is written: that is people and onde.
package school

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/retention"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
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
	h := handler{core}
	return app.App{
		Name:     "school",
		Square:   app.Square{Number: 8, Path: "/ecole", Icon: "buildings", Paint: "turquoise", For: []rights.Profile{rights.Head}},
		Messages: messages(),
		Routes: func(r *app.Router) {
			r.GET("/ecole", people.ManageSchool, h.home)
			r.GET("/ecole/import", people.ManageSchool, h.list)
			r.POST("/ecole/import", people.ManageSchool, h.upload)
			r.GET("/ecole/import/doutes", people.ManageSchool, h.doubts)
			r.POST("/ecole/import/doutes", people.ManageSchool, h.settle)
			r.GET("/ecole/import/{id}", people.ManageSchool, h.show)
			r.POST("/ecole/import/{id}", people.ManageSchool, h.accept)
			r.GET("/ecole/import/{id}/avancement", people.ManageSchool, h.progress)
			r.POST("/ecole/import/{id}/abandon", people.ManageSchool, h.drop)
			r.GET("/ecole/import/{id}/annuler", people.ManageSchool, h.askUndo)
			r.POST("/ecole/import/{id}/annuler", people.ManageSchool, h.undo)
			r.GET("/ecole/joindre", people.ManageSchool, h.reach)
			r.POST("/ecole/joindre", people.ManageSchool, h.saveReach)
			r.POST("/ecole/joindre/habituel", people.ManageSchool, h.resetReach)
			r.GET("/ecole/famille/{eleve}/{parent}", people.ManageSchool, h.kinship)
			r.POST("/ecole/famille/{eleve}/{parent}", people.ManageSchool, h.restrict)
			r.POST("/ecole/famille/{eleve}/{parent}/retablir", people.ManageSchool, h.lift)
			r.GET("/ecole/fusion", people.ManageSchool, h.twins)
			r.POST("/ecole/fusion", people.ManageSchool, h.merge)
		},
		Jobs: []jobs.Kind{
			returns(core),
			jobs.Handle(func(ctx context.Context, j applying) error { return apply(ctx, core, j.Import) }),
			jobs.Handle(func(ctx context.Context, _ expiring) error {
				return core.DB.Write(ctx, func(tx *db.Tx) error { return people.ExpireImports(ctx, tx, core.Clock.Now()) })
			}),
		},
		Periodic: []jobs.Every{{Interval: 6 * time.Hour, Args: func() jobs.Args { return expiring{} }}},
	}
}

// Forget removes all that every service holds of a person, for the undo of an
// import that created them.
func Forget(core *app.Core, g rights.Grant) people.Forget {
	return func(ctx context.Context, tx *db.Tx, person string) error {
		return retention.Forget(ctx, tx, core, g, person)
	}
}
