package documents

import (
	"context"
	"embed"
	"io/fs"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
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

// App declares the espace documentaire.
func App(core *app.Core) app.App {
	h := handler{core}
	quiet := map[rights.Profile]notify.Choice{
		rights.Relative: {Mail: notify.Never}, rights.Pupil: {Mail: notify.Never}, rights.Teacher: {Mail: notify.Never}, rights.Staff: {Mail: notify.Never}, rights.Head: {Mail: notify.Never},
	}
	given := map[rights.Profile]notify.Choice{
		rights.Relative: {Push: true, Mail: notify.Daily}, rights.Pupil: {Push: true, Mail: notify.Never},
		rights.Teacher: {Mail: notify.Daily}, rights.Staff: {Mail: notify.Daily}, rights.Head: {Mail: notify.Daily},
	}
	full := map[rights.Profile]notify.Choice{
		rights.Relative: {Mail: notify.Never}, rights.Pupil: {Mail: notify.Never}, rights.Teacher: {Mail: notify.Daily}, rights.Staff: {Mail: notify.Daily}, rights.Head: {Mail: notify.Daily},
	}
	return app.App{
		Name:   "documents",
		Square: app.Square{Number: 6, Path: "/documents", Icon: "folder-open", Picto: "cartable", Paint: "orange"},
		Kinds: []app.Kind{{Kind: Document, Path: path, ReadLabel: "documents.open", Texts: texts},
			{Kind: Space, Path: func(id string) string { return "/place/" + id }, ReadLabel: "documents.place", Apart: true}},
		Told: []notify.Told{
			{Kind: Shared, Label: "documents.told.shared", Text: "documents.told.shared.text", For: given},
			{Kind: Added, Label: "documents.told.added", Text: "documents.told.added.text", For: quiet},
			{Kind: Versioned, Label: "documents.told.version", Text: "documents.told.version.text", For: quiet},
			{Kind: Commented, Label: "documents.told.comment", Text: "documents.told.comment.text", For: quiet},
			{Kind: Full, Label: "documents.told.full", Text: "documents.told.full.text", Line: "documents.told.full.line", For: full},
		},
		Routes: func(r *app.Router) {
			r.GET("/documents", rights.SignedIn, h.mine)
			r.GET("/documents/partages", rights.SignedIn, h.shared)
			r.GET("/documents/services", rights.SignedIn, h.services)
			r.GET("/documents/services/{fichier}/retoucher", rights.SignedIn, h.retouch)
			r.POST("/documents/services/{fichier}/retoucher", rights.SignedIn, h.repaint)
			r.POST("/documents/services/{fichier}/origine", rights.SignedIn, h.original)
			r.GET("/documents/corbeille", rights.SignedIn, h.trash)
			r.GET("/documents/ajouter", Keep, h.add)
			r.POST("/documents/ajouter", Keep, h.deposit)
			r.POST("/documents/dossier", Keep, h.folder)
			r.POST("/documents/vue", rights.SignedIn, h.look)
			r.POST("/documents/telecharger", rights.SignedIn, h.download)
			r.POST("/documents/deplacer", rights.SignedIn, h.move)
			r.POST("/documents/copier", rights.SignedIn, h.copy)
			r.POST("/documents/corbeille", rights.SignedIn, h.remove)
			r.POST("/documents/corbeille/remettre", rights.SignedIn, h.restore)
			r.POST("/documents/corbeille/vider", rights.SignedIn, h.empty)

			r.GET("/place/{id}", Holding, h.holding)
			r.GET("/documents/quotas", Rule, h.quotas)
			r.POST("/documents/quotas", Rule, h.saveQuotas)

			r.GET("/documents/{id}", Reading, h.show)
			r.GET("/documents/{id}/zip", Reading, h.zip)
			r.POST("/documents/{id}/decompresser", Contributing, h.unzip)
			r.POST("/documents/{id}/favori", Reading, h.star)
			r.POST("/documents/{id}/commentaires", Commenting, h.comment)
			r.POST("/documents/{id}/commentaires/retirer", Reading, h.uncomment)
			r.GET("/documents/{id}/ajouter", Contributing, h.add)
			r.POST("/documents/{id}/ajouter", Contributing, h.deposit)
			r.POST("/documents/{id}/dossier", Contributing, h.folder)
			r.GET("/documents/{id}/modifier", Contributing, h.edit)
			r.POST("/documents/{id}/modifier", Contributing, h.rename)
			r.GET("/documents/{id}/retoucher", Contributing, h.retouch)
			r.POST("/documents/{id}/retoucher", Contributing, h.repaint)
			r.POST("/documents/{id}/origine", Contributing, h.original)
			r.POST("/documents/{id}/version", Contributing, h.replace)
			r.POST("/documents/{id}/version/remettre", Contributing, h.revert)
			r.GET("/documents/{id}/deplacer", Managing, h.moveOne)
			r.GET("/documents/{id}/copier", Reading, h.copyOne)
			r.POST("/documents/{id}/supprimer", Managing, h.removeOne)
			r.GET("/documents/{id}/partage", Managing, h.sharing)
			r.POST("/documents/{id}/partage", Managing, h.give)
			r.POST("/documents/{id}/partage/retirer", Managing, h.take)
		},
		Shelf:      h.shelf(),
		Migrations: sub("migrations"),
		Messages:   sub("i18n"),
		Export:     Export,
		Erase: func(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
			return Erase(ctx, tx, g, core.Clock.Now(), person)
		},
		Merge: Merge,
		Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return retain(ctx, tx, g, core.Clock.Now())
		},
		Jobs: []jobs.Kind{jobs.Handle(func(ctx context.Context, w wordsOf) error { return readWords(ctx, core, w.Nodes) }),
			jobs.Handle(func(ctx context.Context, _ nearly) error { return tellNearly(ctx, core) })},
		Periodic: []jobs.Every{{Interval: nearlyEvery, Args: func() jobs.Args { return nearly{} }}},
		Sample: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return sample(ctx, tx, core, g, core.Clock.Now())
		},
	}
}

func path(id string) string { return "/documents/" + id }
