// Package show is how a file shows where an item shows it: a picture, a player,
// a line that gives it. It refuses to know the items.
package show

import (
	"embed"
	"io/fs"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
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

// App declares the address at which a page asks again for what is made ready.
func App() app.App {
	return app.App{
		Name: "show", Messages: messages(),
		Routes: func(r *app.Router) {
			r.GET("/fichiers/montrer/{id}", rights.SignedIn, again)
		},
	}
}

// again is the part of a page that shows a file, asked until it plays.
func again(r *app.Request) (web.Response, error) {
	f, err := file.Get(r.Context(), r.Core.DB, r.Viewer, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return web.Page(File(f, "")), nil
}

// joined is a file that is given: a PDF opens in a tab of its own, anything else
// is saved.
func joined(f file.File) ui.File {
	out := ui.File{Name: f.Name, Href: f.URL("original"), Icon: "file-pdf", Paint: "orange", Size: i18n.Size(f.Size)}
	if f.PDF() {
		out.Href, out.Apart = f.Read(), true
	}
	return out
}
