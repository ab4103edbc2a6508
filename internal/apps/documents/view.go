package documents

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/share"
	"marelle/internal/platform/charset"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// view is a page of documents.
type view struct {
	r        *app.Request
	tab      string // mine, shared, services, trash
	role     rights.Role
	item     *Item // the open one, or the folder whose content is listed
	way      []Step
	items    []Item
	starred  []Item
	after    string
	next     string
	grid     bool
	open     map[string][]string // principals by item
	names    map[string]share.Target
	comments []Comment
	versions []Version
	text     string // of a text, its beginning
	look     file.Look
	alone    bool // only the part of the page that changes
	removed  []Removed
	attached []Attached
	days     int
	adding   bool      // files are deposited in this page
	how      string    // move or copy
	rooms    []holding // how much the viewer holds, where they may add
	dir      place     // where a choice may go
	missing  []Entry   // what a copy leaves out
	faults   map[string]string
	typed    string
}

// window is the page of who has what on an item.
type window struct {
	view
	shares []Share
	groups []share.Target
	stars  []share.Target
	found  []share.Target
	chosen []string
	words  string
	given  string // the role chosen
	tell   bool
}

func (v view) pupil() bool { return v.r.Viewer.Main() == rights.Pupil }

// say is the key of a sentence as it is said to who looks.
func (v view) say(key string) string {
	if said := key + ".pupil"; v.pupil() && v.r.Core.Catalog.Has(said) {
		return said
	}
	return key
}

func (v view) local(at int64) time.Time { return time.UnixMilli(at).In(v.r.Viewer.Zone()) }
func (v view) now() time.Time           { return v.r.Viewer.Now.In(v.r.Viewer.Zone()) }
func (v view) date(at int64) string     { return i18n.Date(v.local(at), v.now()) }

// keeps says whether the viewer has documents of their own.
func (v view) keeps() bool {
	return v.r.Viewer.Is(keepers...)
}

// copies says whether the viewer may have a copy of an item.
func (v view) copies(i Item) bool { return v.keeps() && (i.Folder || i.Ready) }

// missingMax is how many files that a copy leaves out are told by name.
const missingMax = 10

// lacks says why an entry is not there yet, in the words of who waits for it.
func (e Entry) lacks(r *app.Request, waiting, name string) string {
	if e.Failed {
		return r.T("documents.zip.left.failed", "name", name, "who", people.Formal(e.Civility, e.First, e.Last))
	}
	return r.T(waiting, "name", name)
}

// adds says whether the viewer may add to what is listed, and where.
func (v view) adds() (string, bool) {
	switch {
	case v.item == nil:
		return "/documents/ajouter", v.tab == "mine" && v.keeps()
	case v.item.Folder && v.role >= rights.Contribute:
		return path(v.item.ID) + "/ajouter", true
	}
	return "", false
}

// base is the address under which forms add to the folder of the page.
func (v view) base() string {
	if v.item != nil {
		return path(v.item.ID)
	}
	return "/documents"
}

func (v view) tabs() []ui.Tab {
	var out []ui.Tab
	add := func(tab, href, icon string) {
		out = append(out, ui.Tab{Label: v.r.T(v.say("documents." + tab)), Href: href, Icon: icon, Current: v.tab == tab})
	}
	if v.keeps() {
		add("mine", "/documents", "")
	}
	add("shared", "/documents/partages", "")
	if v.keeps() {
		add("services", "/documents/services", "")
		add("trash", "/documents/corbeille", "")
	}
	return out
}

// crumbs are the folders above the open item.
func (v view) crumbs() []ui.Crumb {
	out := []ui.Crumb{{Label: v.r.T(v.say("documents." + v.tab)), Href: map[string]string{"mine": "/documents", "shared": "/documents/partages"}[v.tab]}}
	for _, s := range v.way {
		out = append(out, ui.Crumb{Label: s.Name, Href: path(s.ID)})
	}
	return out
}

// split parts folders from files.
func split(list []Item) (folders, files []Item) {
	for _, i := range list {
		if i.Folder {
			folders = append(folders, i)
		} else {
			files = append(files, i)
		}
	}
	return folders, files
}

// paints are those of folders, in turn.
var paints = []string{"ciel", "jaune", "vert", "lilas"}

// choice is the id of the form of what is chosen in a list.
const choice = "choix"

func (v view) folder(n int, i Item) ui.FolderProps {
	caption := v.r.T("documents.within", "n", i.Within)
	if i.Within == 0 {
		caption = v.r.T("documents.within_none")
	}
	if i.Owner != v.r.Viewer.Person {
		caption = i.From()
	}
	return ui.FolderProps{ID: i.ID, Name: i.Name, Href: path(i.ID), Paint: paints[n%len(paints)], Caption: caption,
		Form: choice, Drag: v.role >= rights.Manage, Drop: v.role >= rights.Contribute}
}

// file is the line of a file.
func (v view) file(i Item) ui.File {
	icon, paint := i.face()
	who, whoPaint, whoIcon := v.who(i)
	return ui.File{ID: i.ID, Name: i.Name, Href: path(i.ID), Icon: icon, Paint: paint, Who: who, WhoPaint: whoPaint, WhoIcon: whoIcon,
		Thumb: i.thumb(), Drag: v.role >= rights.Manage,
		Changed: v.date(i.ChangedAt), Size: i18n.Size(i.Size)}
}

// thumb is where a small picture of a file is, if there is one.
func (i Item) thumb() string {
	if !i.Thumb {
		return ""
	}
	return file.URL(i.File, "thumb", i.Drawn)
}

// who says who sees an item: to its manager everybody, to others whose it is.
func (v view) who(i Item) (words, paint, icon string) {
	if v.role < rights.Manage {
		return i.From(), "neutre", "user"
	}
	list := v.audience(i)
	switch len(list) {
	case 0:
		return v.r.T(v.say("documents.alone")), "neutre", "lock-key"
	case 1:
		return list[0].Label, audiencePaint[list[0].Kind], list[0].Icon()
	}
	return v.r.T("documents.and_others", "who", list[0].Label, "n", len(list)-1), "jaune", "users"
}

// audience is to whom an item is open, beside its owner.
func (v view) audience(i Item) []share.Target {
	var out []share.Target
	for _, p := range v.open[i.ID] {
		if t, ok := v.names[p]; ok {
			out = append(out, t)
		}
	}
	return out
}

var audiencePaint = map[string]string{"pupil": "vert", "relative": "jaune", "teacher": "ciel", "staff": "ciel", "group": "lilas", "person": "ciel"}

// menu is what may be done with an item of a list, by links: it stands in a form.
func (v view) menu(i Item) []ui.Link {
	var out []ui.Link
	add := func(href, icon, key string) {
		out = append(out, ui.Link{Label: v.r.T(key), Href: href, Icon: icon})
	}
	if v.role >= rights.Manage {
		add(path(i.ID)+"/partage", "share-fat", "documents.share")
	}
	if i.Folder || i.Ready {
		add(download(i), "download-simple", "documents.download")
	}
	if v.role >= rights.Contribute {
		add(path(i.ID)+"/modifier", "pencil-simple", "documents.edit")
	}
	if v.retouches(i) {
		add(path(i.ID)+"/retoucher", "crop", "documents.retouch")
	}
	if v.role >= rights.Manage {
		add(path(i.ID)+"/deplacer", "folder", "documents.move")
	}
	if v.copies(i) {
		add(path(i.ID)+"/copier", "copy", "documents.copy")
	}
	return out
}

// download is where an item's bytes are.
func download(i Item) string {
	switch {
	case i.Folder:
		return path(i.ID) + "/zip"
	case i.Is("image/"):
		return file.URL(i.File, "web", i.Drawn)
	}
	return "/fichiers/" + i.File + "/original"
}

// readText is how much of a text is shown.
const readText = 64 << 10

// preview reads the beginning of a text; everything else is shown by the browser.
func (h handler) preview(v *view) error {
	if v.played() || v.item.Type == "application/pdf" {
		var err error
		v.look, err = file.LookAt(v.r.Context(), h.core.DB, v.r.Viewer.Person, v.item.File)
		return err
	}
	if !v.item.Is("text/") || v.item.Size == 0 {
		return nil
	}
	return h.text(v.r.Context(), v)
}

func (h handler) text(ctx context.Context, v *view) error {
	list, err := Entries(ctx, h.core.DB, v.r.Viewer.Scope(), []string{v.item.ID})
	if err != nil || len(list) == 0 || list[0].Blob == "" {
		return err
	}
	in, err := h.core.Blobs.OpenRange(ctx, list[0].Blob, 0, min(readText, v.item.Size))
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, readText))
	if err != nil {
		return fmt.Errorf("preview: %w", err)
	}
	v.text = charset.Legible(b)
	return nil
}

// toast says what was just done.
func (v view) toast() *ui.Toast {
	fait, n, _ := strings.Cut(v.r.URL.Query().Get("fait"), ".")
	say := func(key string, pairs ...any) *ui.Toast { return &ui.Toast{Text: v.r.T(key, pairs...)} }
	switch fait {
	case "depose":
		if k, err := strconv.Atoi(n); err == nil && k > 0 && k <= choiceMax {
			return say("documents.done.added", "n", k)
		}
	case "dossier":
		return say("documents.done.folder")
	case "renomme":
		return say("documents.done.renamed")
	case "version":
		return say("documents.done.version")
	case "retouche":
		return say("documents.done.retouched")
	case "decrit":
		return say("documents.done.described")
	case "commente":
		return say("documents.done.comment")
	case "deballe":
		return say("documents.done.unzipped")
	case "copie":
		if k, err := strconv.Atoi(n); err == nil && k > 0 && k <= copiesMax {
			return say("documents.done.copied_but", "n", k)
		}
		return say("documents.done.copied")
	case "deplace":
		return say("documents.done.moved")
	case "corbeille":
		return say("documents.done.trashed")
	case "remis":
		return say("documents.done.restored")
	case "vide":
		return say("documents.done.emptied")
	case "partage":
		return say("documents.done.shared")
	case "retire":
		return say("documents.done.unshared")
	}
	return nil
}

func (v view) pieceField() ui.FieldProps {
	return ui.FieldProps{Name: "piece", Label: v.r.T("documents.files"), Help: v.r.T("documents.files_help", "n", filesMax, "size", i18n.Limit(v.r.Core.UploadMax)), Error: v.faults["piece"], Multiple: true, Upload: "/fichiers/envoi?ecole=" + v.r.Grant.School(), Kept: "fichier"}
}

func (v view) nameField() ui.FieldProps {
	return ui.FieldProps{Name: "nom", Label: v.r.T("documents.name"), Value: v.typed, Error: v.faults["nom"], Attrs: map[string]any{"maxlength": strconv.Itoa(nameMax)}}
}

func (v view) commentField() ui.FieldProps {
	return ui.FieldProps{Name: "texte", Label: v.r.T(v.say("documents.comment_add")), Value: v.typed, Error: v.faults["texte"], Rows: 3}
}

// place is a folder that is looked at as one where a choice may go, "haut" for
// the top of a space: the folders above it and a page of those in it.
type place struct {
	id, name string
	own      bool // the top is the viewer's own
	takes    bool // the choice may go here
	shared   bool // others have it, whom one may tell
	tell     bool
	above    []Step
	folders  []Item
	after    string
	next     string
}

// placeField is the fault of the choice of a folder.
func (v view) placeField() ui.FieldProps {
	return ui.FieldProps{Name: "vers", ID: "vers", Label: v.r.T("documents.to"), Error: v.faults["vers"]}
}

// windowProps is the window as the page draws it.
func (w window) props() ui.ShareProps {
	p := ui.ShareProps{Action: path(w.item.ID) + "/partage", Propose: share.Proposals(w.r.Grant.School()), Words: w.words, Searched: w.words != "", Tell: w.tell, Error: w.faults["a"]}
	listed := map[string]bool{}
	pick := func(t share.Target) ui.ShareChoice {
		listed[t.Principal] = true
		c := t.Choice(w.r, w.r.Grant.School())
		c.Checked = w.picked(t.Principal)
		for _, s := range w.stars {
			c.Starred = c.Starred || s.Principal == c.Value && s.Starred
		}
		return c
	}
	for _, t := range w.found {
		p.Found = append(p.Found, pick(t))
	}
	for _, c := range w.chosen {
		if t, ok := w.names[c]; ok && !listed[c] {
			p.Found = append(p.Found, pick(t))
		}
	}
	for _, t := range w.stars {
		if !listed[t.Principal] {
			p.Stars = append(p.Stars, pick(t))
		}
	}
	for _, t := range w.groups {
		switch {
		case listed[t.Principal]:
		case t.Mine:
			p.Mine = append(p.Mine, pick(t))
		default:
			p.Others = append(p.Others, pick(t))
		}
	}
	p.Roles = ui.FieldProps{Name: "role", Label: w.r.T("documents.role"), Value: w.given, Error: w.faults["role"], Options: roles(w.r, *w.item)}
	for _, s := range w.shares {
		t, ok := w.names[s.Principal]
		if !ok {
			t.Label = w.r.T("documents.somebody_gone")
		}
		row := ui.ShareRow{Label: t.Label, Icon: t.Icon(), Role: w.r.T(fmt.Sprintf("documents.may.%d", s.Role))}
		if t.Kind == "person" {
			face := app.Face(t.Person.ID, t.Person.First, t.Person.Last, t.Person.Avatar, "")
			row.Person = &face
		}
		if s.Node == w.item.ID {
			row.Action, row.Value = p.Action+"/retirer", s.Principal
		} else {
			row.From, row.FromHref = w.r.T("documents.inherited", "name", s.Name), path(s.Node)+"/partage"
		}
		p.Rows = append(p.Rows, row)
	}
	return p
}

func (w window) picked(principal string) bool {
	for _, c := range w.chosen {
		if c == principal {
			return true
		}
	}
	return false
}

// roles are the rights that can be given, in words; on a file nothing is added.
func roles(r *app.Request, i Item) []ui.Option {
	var out []ui.Option
	for _, role := range []rights.Role{rights.Read, rights.Comment, rights.Contribute, rights.Manage} {
		help := fmt.Sprintf("documents.may.%d.file", role)
		if i.Folder {
			help = fmt.Sprintf("documents.may.%d.folder", role)
		}
		out = append(out, ui.Option{Value: strconv.Itoa(int(role)), Label: r.T(fmt.Sprintf("documents.may.%d", role)), Help: r.T(help)})
	}
	return out
}

// emptiness is the key of what is said of a place where nothing lies.
func (v view) emptiness() string {
	if v.item != nil {
		return "folder"
	}
	return v.tab
}

// whoHead is the head of the column of readers, or of owners.
func (v view) whoHead() string {
	if v.role < rights.Manage {
		return "documents.owner"
	}
	return "documents.seen_by"
}

// back names to a form the list that it comes back to.
func (v view) back() string {
	if v.item != nil {
		return v.item.ID
	}
	return map[string]string{"shared": "partages"}[v.tab]
}

// schoolOf is the school in which what is listed lies, or will.
func (v view) schoolOf() string {
	if v.item != nil {
		return v.item.School
	}
	return v.r.Grant.School()
}

// dropField is where files dropped on a folder are sent, by a script.
func (v view) dropField() ui.FieldProps {
	return ui.FieldProps{Name: "piece", Label: v.r.T("documents.files"), Multiple: true, Upload: "/fichiers/envoi?ecole=" + v.schoolOf(), Kept: "fichier"}
}

// more is the address of the page after this one.
func (v view) more() string {
	at := "/documents"
	if v.item != nil {
		at = path(v.item.ID)
	} else if v.tab == "shared" {
		at = "/documents/partages"
	}
	return at + "?apres=" + v.next
}

// star is what makes an item a favourite, or none any more, and stays where it is.
func (v view) star(i Item) ui.Link {
	if i.Starred {
		return ui.Link{Label: v.r.T("documents.unstar"), Href: path(i.ID) + "/favori?retour=" + v.back(), Icon: "f-star", Post: true}
	}
	return ui.Link{Label: v.r.T("documents.star"), Href: path(i.ID) + "/favori?oui=1&retour=" + v.back(), Icon: "star", Post: true}
}

// folderMenu is what may be done with a folder.
func (v view) folderMenu(i Item) []ui.Link {
	out := v.menu(i)
	out = append(out, v.star(i))
	if v.role >= rights.Manage {
		out = append(out, ui.Link{Label: v.r.T("documents.remove"), Href: path(i.ID) + "/supprimer", Icon: "trash", Post: true, Danger: true})
	}
	return out
}

// seen says who will see what is added to a folder.
func (v view) seen(i Item) string {
	words, _, _ := v.who(i)
	return words
}

// school keeps the school that somebody of several chose.
func (v view) school() string {
	if s := v.r.URL.Query().Get("ecole"); s != "" && s == v.r.Grant.School() {
		return "?ecole=" + s
	}
	return ""
}

func (v view) oneField() ui.FieldProps {
	return ui.FieldProps{Name: "piece", Label: v.r.T("documents.file"), Error: v.faults["piece"], Upload: "/fichiers/envoi?ecole=" + v.schoolOf(), Kept: "fichier"}
}

// about is where the thing is read that shows a file.
func (v view) about(a Attached) string {
	if _, k, ok := v.r.Core.Kind(rights.Kind(a.Kind)); ok {
		return k.Path(a.Resource)
	}
	return "/fichiers/" + a.File + "/original"
}

// holding is how much the viewer holds in a school; its name is said to those who
// have several.
type holding struct {
	School string
	file.Space
}

// filled says how much of the viewer's room is taken.
func (v view) filled() string {
	if len(v.rooms) == 0 {
		return v.r.Core.Caption(v.r.Viewer)
	}
	var out []string
	for _, s := range v.rooms {
		out = append(out, v.held(s))
	}
	return strings.Join(out, " · ")
}

// held says how much of a room is taken; of an empty one, what there is to fill.
func (v view) held(s holding) string {
	key := "documents.room"
	switch empty := s.Used == 0 && s.Max > 0; {
	case empty && s.School != "":
		key = "documents.room_free_of"
	case empty:
		key = "documents.room_free"
	case s.School != "":
		key = "documents.room_of"
	}
	return v.r.T(v.say(key), "school", s.School, "used", i18n.Size(s.Used), "max", i18n.Limit(s.Max))
}
