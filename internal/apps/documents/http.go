package documents

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/share"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

type handler struct{ core *app.Core }

// mine is the top of the viewer's own documents, after those they starred.
func (h handler) mine(r *app.Request) (web.Response, error) {
	v := view{r: r, tab: "mine", role: rights.Manage}
	if err := h.fill(&v, Query{Mine: true}); err != nil {
		return nil, err
	}
	if v.after == "" {
		var err error
		if v.starred, err = List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{Star: true, Limit: 8}); err != nil {
			return nil, err
		}
	}
	if err := h.space(&v); err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, r.T(v.say("documents.mine")), "documents", v.toast(), listPage(v))
}

// space reads how much the viewer holds: in the school of the open folder, or in
// each where they keep documents.
func (h handler) space(v *view) error {
	schools := v.r.Viewer.SchoolsAs(keepers...)
	if v.item != nil {
		schools = []string{v.item.School}
	}
	held, err := file.Usages(v.r.Context(), h.core.DB, v.r.Viewer.Now, v.r.Viewer.Person, schools)
	for _, s := range schools {
		one := holding{Space: held[s]}
		for _, m := range v.r.Viewer.Memberships {
			if m.School == s && len(schools) > 1 {
				one.School = m.Name
			}
		}
		v.rooms = append(v.rooms, one)
	}
	return err
}

// shared is what was given to the viewer, newest first.
func (h handler) shared(r *app.Request) (web.Response, error) {
	v := view{r: r, tab: "shared", role: rights.Read}
	given := []string{}
	for _, p := range r.Viewer.Principals {
		given = append(given, p.Name)
	}
	if err := h.fill(&v, Query{Given: given}); err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, r.T(v.say("documents.shared")), "documents", v.toast(), listPage(v))
}

// fill reads a page of a list, and who sees what the viewer manages.
func (h handler) fill(v *view, o Query) error {
	v.after = after(v.r.URL.Query().Get("apres"))
	o.After, o.Limit = v.after, page+1
	list, err := List(v.r.Context(), h.core.DB, v.r.Viewer.Scope(), o)
	if err != nil {
		return err
	}
	if len(list) > page {
		list = list[:page]
		v.next = next(list[page-1], o)
	}
	v.items = list
	if v.grid, err = Grid(v.r.Context(), h.core.DB, v.r.Viewer.Person, v.pupil()); err != nil {
		return err
	}
	if v.item != nil {
		list = append(list[:len(list):len(list)], *v.item)
	}
	if v.role < rights.Manage || len(list) == 0 {
		return nil
	}
	return h.audience(v, list)
}

// after is where a link says that a list goes on; "" when it is not one of ours.
func after(link string) string {
	tail := link
	if n := len(link) - 36; n > 0 && link[n-1] == '.' {
		tail = link[n:]
	}
	if !id.Valid(tail) {
		return ""
	}
	return link
}

// next names the last of a page to the link that goes on after it.
func next(last Item, o Query) string {
	if len(o.Given) > 0 {
		return strconv.FormatInt(last.At, 10) + "." + last.ID
	}
	return last.ID
}

// audience names who else sees some items.
func (h handler) audience(v *view, list []Item) error {
	var err error
	if v.open, err = Audience(v.r.Context(), h.core.DB, v.r.Viewer.Scope(), list); err != nil {
		return err
	}
	var all []string
	for _, p := range v.open {
		all = append(all, p...)
	}
	slices.Sort(all)
	v.names, err = share.Names(v.r.Context(), h.core.DB, v.r.T, slices.Compact(all))
	return err
}

// show is a folder with what lies in it, or a file and its preview.
func (h handler) show(r *app.Request) (web.Response, error) {
	v := view{r: r, role: r.Grant.Role()}
	if err := h.one(&v); err != nil {
		return nil, err
	}
	if r.URL.Query().Has("lecture") { // asked again and again until it can be played
		return h.playing(v)
	}
	if v.item.Fresh {
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return notify.Seen(r.Context(), tx, r.Viewer.Person, r.Grant.ID(), h.core.Clock.Now())
		}); err != nil {
			return nil, err
		}
	}
	return h.page(r, http.StatusOK, v)
}

// page shows the open item of a view.
func (h handler) page(r *app.Request, status int, v view) (web.Response, error) {
	var err error
	if v.item.Folder {
		if err = h.fill(&v, Query{In: v.item.ID}); err != nil {
			return nil, err
		}
		return r.PageWith(status, v.item.Name, "documents", v.toast(), listPage(v))
	}
	if v.comments, err = Comments(r.Context(), h.core.DB, r.Grant); err != nil {
		return nil, err
	}
	if v.versions, err = Versions(r.Context(), h.core.DB, r.Grant); err != nil {
		return nil, err
	}
	if err := h.preview(&v); err != nil {
		return nil, err
	}
	return r.PageWith(status, v.item.Name, "documents", v.toast(), filePage(v))
}

// one reads the grant's item, the folders above it and who else sees it.
func (h handler) one(v *view) error {
	ctx, s := v.r.Context(), v.r.Viewer.Scope()
	list, err := List(ctx, h.core.DB, s, Query{ID: v.r.Grant.ID(), Limit: 1})
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return errs.ErrNotFound
	}
	v.item = &list[0]
	v.tab = "shared"
	if v.item.Owner == v.r.Viewer.Person {
		v.tab = "mine"
	}
	if v.way, err = Way(ctx, h.core.DB, s, v.item.ID); err != nil {
		return err
	}
	if v.role >= rights.Manage {
		return h.audience(v, list)
	}
	return nil
}

// add is where files are deposited and folders made: in the grant's folder, or
// at the top of the viewer's own documents.
func (h handler) add(r *app.Request) (web.Response, error) {
	return h.adding(r, http.StatusOK, nil, 0, "")
}

func (h handler) adding(r *app.Request, status int, faults map[string]string, done int, name string) (web.Response, error) {
	v := view{r: r, tab: "mine", role: r.Grant.Role(), faults: faults, typed: name, adding: true}
	if r.Grant.Role() > 0 {
		if err := h.one(&v); err != nil {
			return nil, err
		}
		if !v.item.Folder {
			return nil, errs.ErrNotFound
		}
	}
	if err := h.space(&v); err != nil {
		return nil, err
	}
	var toast *ui.Toast
	if done > 0 {
		toast = &ui.Toast{Text: r.T("documents.done.added", "n", done)}
	}
	return r.PageWith(status, r.T(v.say("documents.add")), "documents", toast, addPage(v))
}

// deposit keeps every file that may be kept; one that is refused is named, and
// stops no other. Those that a script sent before are named by the form.
func (h handler) deposit(r *app.Request) (web.Response, error) {
	form, list, err := file.Form(r, r.Grant.School(), filesMax)
	before := slices.Compact(slices.Sorted(slices.Values(form["fichier"])))
	if err == nil && len(list)+len(before) == 0 {
		err = errs.Field("piece", "documents.file_missing")
	}
	if err == nil && len(list)+len(before) > choiceMax {
		err = errs.Field("piece", "file.many", "n", choiceMax)
	}
	faults, told := r.Faults(err)
	if err != nil && !told {
		return nil, err
	}
	done := 0
	if len(list)+len(before) > 0 && len(list)+len(before) <= choiceMax {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
			done, err = Deposit(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), list, before)
			return err
		})
		if more, ok := r.Faults(err); ok {
			faults, done = more, 0
		} else if err != nil {
			return nil, err
		}
	}
	if len(faults) > 0 {
		return h.adding(r, http.StatusUnprocessableEntity, faults, done, "")
	}
	return web.Redirect(h.whence(r) + "?fait=depose." + strconv.Itoa(done)), nil
}

// whence is the page of the grant's folder, or of the viewer's own documents.
func (h handler) whence(r *app.Request) string {
	if r.Grant.Role() > 0 {
		return path(r.Grant.ID())
	}
	return "/documents"
}

func (h handler) folder(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	made := ""
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		made, err = MakeFolder(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), f.Get("nom"))
		return err
	})
	if faults, ok := r.Faults(err); ok {
		return h.adding(r, http.StatusUnprocessableEntity, faults, 0, f.Get("nom"))
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(made) + "?fait=dossier"), nil
}

// edit is where an item gets another name, and a file another version.
func (h handler) edit(r *app.Request) (web.Response, error) {
	return h.editing(r, http.StatusOK, nil, "")
}

func (h handler) editing(r *app.Request, status int, faults map[string]string, name string) (web.Response, error) {
	v := view{r: r, role: r.Grant.Role(), faults: faults}
	if err := h.one(&v); err != nil {
		return nil, err
	}
	if v.typed = name; faults["nom"] == "" {
		v.typed = v.item.Name
	}
	return r.PageWith(status, r.T("documents.edit"), "documents", nil, editPage(v))
}

func (h handler) rename(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Rename(r.Context(), tx, r.Grant, h.core.Clock.Now(), f.Get("nom"))
	})
	if faults, ok := r.Faults(err); ok {
		return h.editing(r, http.StatusUnprocessableEntity, faults, f.Get("nom"))
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=renomme"), nil
}

// replace keeps the one file of the form, or that a script sent before, as the
// next version.
func (h handler) replace(r *app.Request) (web.Response, error) {
	form, list, err := file.Form(r, r.Grant.School(), 1)
	before := slices.Compact(slices.Sorted(slices.Values(form["fichier"])))
	switch {
	case err != nil:
	case len(list)+len(before) == 0:
		err = errs.Field("piece", "documents.file_missing")
	case len(list)+len(before) > 1:
		err = errs.Field("piece", "documents.file_one")
	default:
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return Replace(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), list, before)
		})
	}
	if faults, ok := r.Faults(err); ok {
		return h.editing(r, http.StatusUnprocessableEntity, faults, "")
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=version"), nil
}

func (h handler) revert(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(f.Get("version"))
	if err != nil {
		return nil, errs.ErrNotFound
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Revert(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), n)
	}); err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=version"), nil
}

// look shows lists as a grid from now on, or as lines.
func (h handler) look(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return SetGrid(r.Context(), tx, r.Grant, f.Get("vue") == "grille") }); err != nil {
		return nil, err
	}
	return web.Redirect(listed(f.Get("retour"))), nil
}

// listed is the address of a list, as view.back names it.
func listed(back string) string {
	switch {
	case id.Valid(back):
		return path(back)
	case back == "partages", back == "corbeille":
		return "/documents/" + back
	}
	return "/documents"
}

func (h handler) star(r *app.Request) (web.Response, error) {
	q := r.URL.Query() // a link of a menu has no fields
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return Star(r.Context(), tx, r.Grant, q.Get("oui") != "") }); err != nil {
		return nil, err
	}
	return web.Redirect(listed(q.Get("retour"))), nil
}

func (h handler) comment(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Say(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), f.Get("texte"))
	})
	if faults, ok := r.Faults(err); ok {
		v := view{r: r, role: r.Grant.Role(), faults: faults, typed: f.Get("texte")}
		if err := h.one(&v); err != nil {
			return nil, err
		}
		return h.page(r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=commente#commentaires"), nil
}

func (h handler) uncomment(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return Unsay(r.Context(), tx, r.Grant, f.Get("commentaire")) }); err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "#commentaires"), nil
}

// download answers a choice with one file, or with a ZIP of several.
func (h handler) download(r *app.Request) (web.Response, error) {
	ids, err := chosen(r)
	if err != nil {
		return nil, err
	}
	return h.pack(r, ids, r.T("documents.zip_name"))
}

func (h handler) zip(r *app.Request) (web.Response, error) {
	list, err := List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{ID: r.Grant.ID(), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.ErrNotFound
	}
	return h.pack(r, []string{r.Grant.ID()}, list[0].Name)
}

func (h handler) pack(r *app.Request, ids []string, name string) (web.Response, error) {
	list, err := Entries(r.Context(), h.core.DB, r.Viewer.Scope(), ids)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.ErrNotFound
	}
	left := leftOut{name: r.T("documents.zip.left") + ".txt", head: r.T("documents.zip.left.head"), line: func(e Entry, at string) string {
		return "- " + e.lacks(r, "documents.zip.left.waiting", at)
	}}
	return archive(h.core.Blobs, file.ZipName(name)+".zip", list, left, r.Viewer.Now.In(r.Viewer.Zone())), nil
}

// unzip unpacks a ZIP into a folder beside it. The bytes are read and kept before
// the transaction that shows them.
func (h handler) unzip(r *app.Request) (web.Response, error) {
	ctx := r.Context()
	p, err := packedFile(ctx, h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	need, at := Contributing, p.Parent
	if at == "" { // at the top of a space only its owner adds
		need, at = Keep, r.Grant.School()
	}
	in, err := need.Resolve(ctx, h.core.DB, r.Viewer, at)
	if err != nil {
		return nil, err
	}
	made := ""
	list, got, err := unpack(ctx, h.core, in, p.Blob, p.Size)
	if err == nil {
		err = h.core.DB.Write(ctx, func(tx *db.Tx) error {
			made, err = Unpack(ctx, tx, h.core, in, h.core.Clock.Now(), strings.TrimSuffix(p.Name, ".zip"), list, got)
			return err
		})
	}
	if faults, ok := r.Faults(err); ok {
		v := view{r: r, role: r.Grant.Role(), faults: faults}
		if err := h.one(&v); err != nil {
			return nil, err
		}
		return h.page(r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(made) + "?fait=deballe"), nil
}

// services is what the viewer joined to words and to other things.
func (h handler) services(r *app.Request) (web.Response, error) {
	v := view{r: r, tab: "services"}
	before := Attached{At: rights.Forever}
	if seen := strings.Split(r.URL.Query().Get("avant"), "."); len(seen) == 3 {
		if at, err := strconv.ParseInt(seen[0], 10, 64); err == nil {
			before = Attached{At: at, File: seen[1], Resource: seen[2]}
		}
	}
	var err error
	if v.attached, err = InServices(r.Context(), h.core.DB, r.Viewer.Scope(), before, page+1); err != nil {
		return nil, err
	}
	if len(v.attached) > page {
		v.attached = v.attached[:page]
		last := v.attached[page-1]
		v.next = fmt.Sprintf("%d.%s.%s", last.At, last.File, last.Resource)
	}
	return r.PageWith(http.StatusOK, r.T(v.say("documents.services")), "documents", v.toast(), servicesPage(v))
}
