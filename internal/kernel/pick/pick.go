// Package pick is the window in which somebody chooses among their files what
// they join to something that they write: a page that works as it is, which a
// script opens over the form. It refuses to know what lends the files, and what
// they are joined to.
package pick

import (
	"embed"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
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

// most is how many files are taken at once.
const most = 20

// at is the address of the window.
const at = "/fichiers/choisir"

// App declares the window.
func App() app.App {
	return app.App{
		Name: "pick", Messages: messages(),
		Routes: func(r *app.Router) {
			r.GET(at, rights.SignedIn, show)
			r.POST(at, rights.SignedIn, take)
		},
	}
}

// window is what the address of a window says.
type window struct {
	r       *app.Request
	shelf   *app.Shelf
	school  string
	reading bool   // only what is read in a page
	back    string // the page of the form, for who has no script
	app.Looking
}

func open(r *app.Request) (window, error) {
	q := r.URL.Query()
	w := window{r: r, shelf: r.Core.Shelf(), school: r.Grant.School(), reading: q.Has("lire")}
	if s := q.Get("ecole"); s != "" {
		w.school = s
	}
	if w.shelf == nil || !slices.ContainsFunc(r.Viewer.Memberships, func(m rights.Membership) bool { return m.School == w.school }) {
		return w, errs.ErrNotFound
	}
	w.back = web.Local(q.Get("retour"))
	w.Looking = app.Looking{School: w.school, Place: q.Get("ou"), Folder: q.Get("dans"), Words: strings.TrimSpace(q.Get("q")), After: q.Get("apres")}
	return w, nil
}

// fixed is what every address of one window repeats.
func (w window) fixed() url.Values {
	q := url.Values{"ecole": {w.school}}
	if w.reading {
		q.Set("lire", "")
	}
	if w.back != "" {
		q.Set("retour", w.back)
	}
	return q
}

// with is the address of another part of the shelf.
func (w window) with(pairs ...string) string {
	q := w.fixed()
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return at + "?" + q.Encode()
}

func show(r *app.Request) (web.Response, error) {
	w, err := open(r)
	if err != nil {
		return nil, err
	}
	return w.page(http.StatusOK, "", nil)
}

// page draws a part of the shelf: alone over the form that a script left open, or
// as a page.
func (w window) page(status int, fault string, chosen []string) (web.Response, error) {
	seen, err := w.shelf.Look(w.r, w.Looking)
	if err != nil {
		return nil, err
	}
	p := ui.PickerProps{Action: w.with(), Search: at, Fixed: w.fixed(), Words: w.Words, Back: w.back, Error: fault, Most: most}
	for _, t := range seen.Places {
		p.Places = append(p.Places, ui.Tab{Label: t.Name, Href: w.with("ou", t.ID), Current: t.Current})
	}
	for n, f := range seen.Way {
		if p.Here = f.Name; n < len(seen.Way)-1 {
			p.Way = append(p.Way, ui.Crumb{Label: f.Name, Href: w.with("dans", f.ID)})
		}
	}
	for _, t := range seen.Things {
		f := ui.PickerFile{ID: t.ID, Name: t.Name, Icon: t.Icon, Paint: t.Paint, Chosen: slices.Contains(chosen, t.ID)}
		if t.Folder {
			f.Href, f.Caption = w.with("dans", t.ID), w.r.T("pick.within", "n", t.Within)
			if t.Within == 0 {
				f.Caption = w.r.T("pick.within_none")
			}
		} else {
			f.Caption = i18n.Size(t.Size)
			f.Unfit = w.reading && !file.Fits(t.Type)
			f.Thumb = t.Thumb
		}
		if t.From != "" {
			f.Caption = w.r.T("pick.from", "who", t.From, "what", f.Caption)
		}
		p.Files = append(p.Files, f)
	}
	if seen.Next != "" {
		p.Next = w.with("ou", w.Place, "dans", w.Folder, "apres", seen.Next)
	}
	var body templ.Component = ui.Picker(p)
	if w.r.Header.Get("Marelle-Fragment") != "" {
		return web.PageStatus(status, body), nil
	}
	return w.r.PageWith(status, w.r.T("pick.title"), "documents", nil, ui.PickerPage(p))
}

// take makes files of the viewer's of what they chose, for the form that they
// are writing.
func take(r *app.Request) (web.Response, error) {
	w, err := open(r)
	if err != nil {
		return nil, err
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	chosen := slices.Compact(slices.Sorted(slices.Values(form["document"])))
	var got []file.File
	switch {
	case len(chosen) == 0:
		err = errs.Field("piece", "pick.none")
	case len(chosen) > most:
		err = errs.Field("piece", "pick.many", "n", most)
	default:
		ctx, now := r.Context(), r.Core.Clock.Now()
		err = r.Core.DB.Write(ctx, func(tx *db.Tx) error {
			list, err := w.shelf.Take(ctx, tx, r.Grant, now, w.school, chosen)
			if err == nil {
				got, err = file.Pick(ctx, tx, r.Grant, now, r.Viewer.Person, list, w.reading)
			}
			return err
		})
	}
	script := r.Header.Get("Accept") == "application/json"
	if e := errs.As(err); err != nil && e != nil && (script || errs.KindOf(err) == errs.Invalid) {
		m := e.Message
		for _, of := range e.Fields {
			m = of
		}
		if script {
			return web.JSON(web.Status(err), map[string]string{"text": r.Say(m)}), nil
		}
		return w.page(web.Status(err), r.Say(m), chosen)
	}
	if err != nil {
		return nil, err
	}
	if script {
		type made struct {
			ID    string `json:"id"`
			Name  string `json:"name"`
			Size  string `json:"size"`
			Thumb string `json:"thumb,omitempty"`
		}
		out := make([]made, len(got))
		for n, f := range got {
			out[n] = made{ID: f.ID, Name: f.Name, Size: i18n.Size(f.Size)}
			if f.Picture() {
				out[n].Thumb = f.URL("thumb")
			}
		}
		return web.JSON(http.StatusOK, map[string]any{"files": out}), nil
	}
	to, err := url.Parse(w.back)
	if err != nil || w.back == "" {
		return nil, errs.ErrNotFound
	}
	q := to.Query()
	for _, f := range got {
		q.Add("fichier", f.ID)
	}
	to.RawQuery = q.Encode()
	return web.Redirect(to.String()), nil
}
