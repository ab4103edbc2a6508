package dav

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/media"
	"marelle/internal/platform/web"
)

// drive is what one request sees, and the webdav.FileSystem that does what it
// asks. The library walks it as a disk, a step at a time; here a folder is read
// once, and what a COPY or a MOVE does is one transaction.
type drive struct {
	r               *app.Request
	core            *app.Core
	scope           rights.Scope
	schools         []school
	quota, discover bool // the request asks for how much room there is, for who holds what

	known    map[string]*entry // by path; nil is nothing
	held     map[string][]lock // by space
	fault    error             // what really happened
	victim   *entry            // what a COPY or a MOVE is to take the place of
	replaced bool              // a PUT found a file in its place
	room     *file.Space
}

// school is one of the viewer's, and its folder when there are several.
type school struct{ id, name string }

// sort is what an entry is.
type sort int

const (
	root   sort = iota // the drive, or a school's folder in it
	mine               // the top of one's own documents
	shared             // what others gave
	thing              // a document
)

// entry is what stands at a path.
type entry struct {
	node
	sort   sort
	path   string
	name   string // as it is shown
	school string
	inside []*entry // once it was listed
	listed bool
	space  string // owner.school
	place  string // names from the top of the space; "" until it is needed, for what was shared
}

func newDrive(r *app.Request) *drive {
	d := &drive{r: r, core: r.Core, scope: r.Viewer.Scope(), known: map[string]*entry{}, held: map[string][]lock{}}
	names := map[string]bool{}
	for _, id := range r.Viewer.SchoolsAs(rights.Teacher, rights.Staff, rights.Head, rights.Relative) {
		for _, m := range r.Viewer.Memberships {
			if m.School == id {
				name := clean(strings.NewReplacer("/", " ", "\\", " ").Replace(m.Name))
				if names[name] {
					name += " [" + id[30:] + "]"
				}
				names[name] = true
				d.schools = append(d.schools, school{id, name})
				break
			}
		}
	}
	return d
}

// fails remembers what happened, which says more than the library's few errors.
func (d *drive) fails(err error) error {
	if err == nil {
		return nil
	}
	d.fault = err
	if errs.KindOf(err) == errs.NotFound { // without a word more than of what never was
		d.fault = nil
		return os.ErrNotExist
	}
	return err
}

func (d *drive) refuse(key string) error { return d.fails(errs.New(errs.Denied, key)) }

// top is where the documents of an entry's root begin.
func (d *drive) top(e *entry) top {
	t := top{School: e.school}
	if e.sort == shared {
		t.Given = []string{}
		for _, p := range d.r.Viewer.Principals {
			if p.School == e.school {
				t.Given = append(t.Given, p.Name)
			}
		}
	}
	return t
}

// roots finds what stands above documents; rest is the way from there.
func (d *drive) roots(way []string) (e *entry, rest []string) {
	e = d.above(root, "/", "", "")
	if len(d.schools) == 0 {
		return nil, nil
	}
	if len(d.schools) == 1 {
		e.school = d.schools[0].id
	} else if len(way) > 0 {
		for _, s := range d.schools {
			if s.name == clean(way[0]) {
				e = d.above(root, "/"+way[0], s.name, s.id)
			}
		}
		if e.school == "" {
			return nil, nil
		}
		way = way[1:]
	}
	if len(way) == 0 {
		return e, nil
	}
	for _, one := range d.rootsOf(e) {
		if one.name == clean(way[0]) {
			one.path = path.Join(e.path, way[0])
			return one, way[1:]
		}
	}
	return nil, nil
}

// rootsOf are the folders of one school.
func (d *drive) rootsOf(e *entry) []*entry {
	own, given := d.r.T("dav.mine"), d.r.T("dav.shared")
	top := d.above(mine, path.Join(e.path, own), own, e.school)
	top.space = d.r.Viewer.Person + "." + e.school
	return []*entry{top, d.above(shared, path.Join(e.path, given), given, e.school)}
}

// above is a folder above documents, as old as the day.
func (d *drive) above(what sort, at, name, school string) *entry {
	e := &entry{sort: what, path: at, name: name, school: school}
	e.ChangedAt = d.r.Viewer.Now.Truncate(24 * time.Hour).UnixMilli()
	return e
}

// find is what stands at a path, nil for nothing. Faults are of the path or of
// the database.
func (d *drive) find(ctx context.Context, name string) (*entry, error) {
	way, err := split(name)
	if err != nil {
		return nil, err
	}
	at := "/" + strings.Join(way, "/")
	if e, ok := d.known[at]; ok {
		return e, nil
	}
	e, err := d.look(ctx, way)
	if err != nil {
		return nil, err
	}
	d.known[at] = e
	return e, nil
}

func (d *drive) look(ctx context.Context, way []string) (*entry, error) {
	e, rest := d.roots(way)
	if e == nil || len(rest) == 0 {
		return e, nil
	}
	steps := make([]step, len(rest))
	for n, name := range rest {
		if junk(name) {
			return nil, nil
		}
		steps[n] = stepOf(name)
	}
	found, err := walk(ctx, d.core.DB, d.scope, d.top(e), steps)
	if err != nil || len(found) < len(rest) {
		return nil, err
	}
	at := e
	for n, f := range found {
		at = d.entry(at, f, rest[n])
		d.known[at.path] = at
	}
	return at, nil
}

// entry is a document in a folder of the drive.
func (d *drive) entry(in *entry, n node, name string) *entry {
	e := &entry{node: n, sort: thing, path: path.Join(in.path, name), name: name, school: n.School, space: n.Owner + "." + n.School}
	if in.sort == mine || in.place != "" {
		e.place = in.place + "/" + n.Name
	}
	return e
}

// dir says whether an entry holds others.
func (e *entry) dir() bool { return e.sort != thing || e.Folder }

// children lists an entry once.
func (d *drive) children(ctx context.Context, e *entry) ([]*entry, error) {
	if e.listed || !e.dir() {
		return e.inside, nil
	}
	e.listed = true
	if e.sort == root {
		if e.school == "" {
			for _, s := range d.schools {
				e.inside = append(e.inside, d.above(root, "/"+s.name, s.name, s.id))
			}
		} else {
			e.inside = d.rootsOf(e)
		}
	} else {
		found, err := list(ctx, d.core.DB, d.scope, d.top(e), e.ID)
		if err != nil {
			return nil, err
		}
		for n, name := range called(found) {
			if !junk(name) {
				e.inside = append(e.inside, d.entry(e, found[n], name))
			}
		}
	}
	for _, one := range e.inside {
		d.known[one.path] = one
	}
	return e.inside, nil
}

// grant resolves a role on an entry; at the top of one's own documents, the right
// to keep some.
func (d *drive) grant(ctx context.Context, q db.Querier, e *entry, least rights.Role) (rights.Grant, error) {
	switch e.sort {
	case mine:
		return documents.Keep.Resolve(ctx, q, d.viewer(), e.school)
	case thing:
		return rights.On(documents.Document, least, "id").Resolve(ctx, q, d.viewer(), e.ID)
	}
	return rights.Grant{}, errs.New(errs.Denied, "dav.here")
}

// viewer is who asks, as of now: a body may have taken minutes to come.
func (d *drive) viewer() *rights.Viewer {
	v := *d.r.Viewer
	v.Now = d.core.Clock.Now()
	return &v
}

// write runs one transaction; what was known before it is no longer.
func (d *drive) write(ctx context.Context, f func(tx *db.Tx, now time.Time) error) error {
	err := d.core.DB.Write(ctx, func(tx *db.Tx) error {
		if err := d.r.Grant.Confirm(ctx, tx); err != nil { // the password is still one
			return err
		}
		return f(tx, d.core.Clock.Now())
	})
	clear(d.known)
	return d.fails(err)
}

// Stat says what stands at a path.
func (d *drive) Stat(ctx context.Context, name string) (os.FileInfo, error) {
	e, err := d.find(ctx, name)
	if err != nil {
		return nil, d.fails(err)
	}
	if e == nil {
		return nil, os.ErrNotExist
	}
	return info{e}, nil
}

// to is where something new is to stand: the folder, and its name there.
func (d *drive) to(ctx context.Context, name string) (*entry, string, error) {
	way, err := split(name)
	if err != nil {
		return nil, "", d.fails(err)
	}
	if len(way) == 0 {
		return nil, "", d.refuse("dav.here")
	}
	last, err := d.named(way[len(way)-1])
	if err != nil {
		return nil, "", err
	}
	in, err := d.find(ctx, strings.Join(way[:len(way)-1], "/"))
	if err != nil {
		return nil, "", d.fails(err)
	}
	switch {
	case in == nil || !in.dir():
		return nil, "", os.ErrNotExist // which is a conflict: the folder is to be made first
	case in.sort == root || in.sort == shared:
		return nil, "", d.refuse("dav.here")
	}
	return in, last, nil
}

// named is what something new is to be called.
func (d *drive) named(name string) (string, error) {
	if junk(name) {
		return "", d.refuse("dav.junk")
	}
	name, err := documents.Name(clean(name))
	return name, d.fails(err)
}

// OpenFile opens what is there, or begins a file.
func (d *drive) OpenFile(ctx context.Context, name string, flag int, _ os.FileMode) (webdav.File, error) {
	if flag&os.O_CREATE != 0 {
		return d.begin(ctx, name)
	}
	e, err := d.find(ctx, name)
	if err != nil {
		return nil, d.fails(err)
	}
	if e == nil {
		return nil, os.ErrNotExist
	}
	if m := d.r.Method; (m == http.MethodGet || m == http.MethodHead) && !e.dir() {
		h := d.r.W.Header()
		h.Set("Content-Type", media.Served(e.Type))
		h.Set("Content-Disposition", web.Disposition("attachment", e.Name))
	}
	return &reading{d: d, e: e, ctx: ctx}, nil
}

func (d *drive) begin(ctx context.Context, name string) (webdav.File, error) {
	in, last, err := d.to(ctx, name)
	if err != nil {
		return nil, err
	}
	there, err := d.find(ctx, name)
	if err != nil {
		return nil, d.fails(err)
	}
	if d.r.Method == "COPY" {
		return &writing{d: d, ctx: ctx, path: name}, d.copied(ctx, in, last, true)
	}
	if there != nil && there.dir() {
		return nil, fs.ErrExist // 405
	}
	// Refused before the bytes come, and again when they are written.
	at := in
	if there != nil {
		at, d.replaced = there, true
	}
	g, err := d.grant(ctx, d.core.DB, at, rights.Contribute)
	if err != nil {
		return nil, d.fails(seen(err))
	}
	w := &writing{d: d, ctx: ctx, path: name, in: in, there: there, name: last, school: g.School()}
	if size := d.r.ContentLength; d.r.Method == http.MethodPut && size > 0 {
		if size > d.core.UploadMax {
			return nil, d.fails(errs.New(errs.TooLarge, "error.too_large"))
		}
		if err := file.Room(ctx, d.core.DB, d.core.Clock.Now(), w.school, d.r.Viewer.Person, size); err != nil {
			return nil, d.fails(err)
		}
	}
	return w, nil
}

// seen turns "not found" of what the viewer has just found into a refusal.
func seen(err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.ErrDenied
	}
	return err
}

// Mkdir makes a folder; of a COPY, the whole of what is copied.
func (d *drive) Mkdir(ctx context.Context, name string, _ os.FileMode) error {
	in, last, err := d.to(ctx, name)
	if err != nil {
		return err
	}
	if d.r.Method == "COPY" {
		return d.copied(ctx, in, last, d.r.Header.Get("Depth") != "0")
	}
	if there, err := d.find(ctx, name); err != nil || there != nil {
		return errors.Join(d.fails(err), fs.ErrExist)
	}
	return d.write(ctx, func(tx *db.Tx, now time.Time) error {
		return d.folder(ctx, tx, now, in, last)
	})
}

func (d *drive) folder(ctx context.Context, tx *db.Tx, now time.Time, in *entry, name string) error {
	g, err := d.grant(ctx, tx, in, rights.Contribute)
	if err != nil {
		return seen(err)
	}
	_, err = documents.MakeFolder(ctx, tx, d.core, g, now, name)
	return err
}

// RemoveAll puts something in the trash of its owner. What a COPY or a MOVE finds
// in its place goes in the same transaction as the rest of it.
func (d *drive) RemoveAll(ctx context.Context, name string) error {
	e, err := d.find(ctx, name)
	if err != nil {
		return d.fails(err)
	}
	if e == nil {
		return os.ErrNotExist
	}
	if e.sort != thing {
		return d.refuse("dav.here")
	}
	if d.r.Method != http.MethodDelete {
		d.victim = e
		return nil
	}
	return d.write(ctx, func(tx *db.Tx, now time.Time) error { return d.trash(ctx, tx, now, e) })
}

func (d *drive) trash(ctx context.Context, tx *db.Tx, now time.Time, e *entry) error {
	if err := documents.Trash(ctx, tx, d.r.Grant, now, []string{e.ID}); err != nil {
		return seen(err)
	}
	place, err := d.placeOf(ctx, tx, e)
	if err != nil {
		return err
	}
	return unlock(ctx, tx, d.r.Grant, e.space, place)
}

// asked finds what a COPY or a MOVE is about.
func (d *drive) asked(ctx context.Context, name string) (*entry, error) {
	src, err := d.find(ctx, name)
	switch {
	case err != nil:
		return nil, d.fails(err)
	case src == nil:
		return nil, os.ErrNotExist
	case src.sort != thing:
		return nil, d.refuse("dav.here")
	}
	return src, nil
}

// copied makes the copy that the request asks for, with all that lies in it or
// without. On a file, a file is its next version.
func (d *drive) copied(ctx context.Context, in *entry, name string, all bool) error {
	src, err := d.asked(ctx, strings.TrimPrefix(d.r.URL.Path, session.DrivePath))
	if err != nil {
		return err
	}
	if src.place != "" && in.space == src.space && below(in.place, src.place) || in.ID == src.ID && src.ID != "" {
		return d.fails(errs.Field("vers", "documents.into_itself"))
	}
	return d.write(ctx, func(tx *db.Tx, now time.Time) error {
		if d.victim != nil && !d.victim.Folder && !src.Folder {
			return d.supplant(ctx, tx, now, src)
		}
		if d.victim != nil {
			if err := d.trash(ctx, tx, now, d.victim); err != nil {
				return err
			}
		}
		if !all {
			return d.folder(ctx, tx, now, in, name)
		}
		to, err := d.grant(ctx, tx, in, rights.Contribute)
		if err != nil {
			return seen(err)
		}
		if err := documents.Copy(ctx, tx, d.core, d.r.Grant, to, now, []string{src.ID}); err != nil {
			return seen(err)
		}
		made, err := documents.Newest(ctx, tx, to, src.Name)
		if err != nil {
			return err
		}
		g, err := documents.Contributing.Resolve(ctx, tx, d.viewer(), made)
		if err != nil {
			return err
		}
		if name != src.Name {
			if err := documents.Rename(ctx, tx, g, now, name); err != nil {
				return err
			}
		}
		notes, err := parse(src.Body)
		if err != nil || len(notes) == 0 {
			return err
		}
		return noteDown(ctx, tx, g, notes)
	})
}

func (d *drive) supplant(ctx context.Context, tx *db.Tx, now time.Time, src *entry) error {
	from, err := d.grant(ctx, tx, src, rights.Read)
	if err != nil {
		return seen(err)
	}
	g, err := d.grant(ctx, tx, d.victim, rights.Contribute)
	if err != nil {
		return seen(err)
	}
	return documents.Supplant(ctx, tx, d.core, g, from, now)
}

// Rename moves something, and calls it something else. Saved over a file, a file
// is its next version: programs write beside what they save and put that in its
// place.
func (d *drive) Rename(ctx context.Context, from, to string) error {
	src, err := d.asked(ctx, from)
	if err != nil {
		return err
	}
	in, name, err := d.toOf(ctx, src, to)
	if err != nil {
		return err
	}
	return d.write(ctx, func(tx *db.Tx, now time.Time) error {
		place, err := d.placeOf(ctx, tx, src)
		if err != nil {
			return err
		}
		if err := unlock(ctx, tx, d.r.Grant, src.space, place); err != nil {
			return err
		}
		if d.victim != nil && !d.victim.Folder && !src.Folder {
			if err := d.supplant(ctx, tx, now, src); err != nil {
				return err
			}
			g, err := d.grant(ctx, tx, src, rights.Manage)
			if err != nil {
				return seen(err)
			}
			return documents.Spend(ctx, tx, g, now)
		}
		if d.victim != nil {
			if err := d.trash(ctx, tx, now, d.victim); err != nil {
				return err
			}
		}
		if in != nil && (in.ID != src.Parent || in.sort == mine && in.space != src.space) {
			g, err := d.grant(ctx, tx, in, rights.Contribute)
			if err != nil {
				return seen(err)
			}
			if err := documents.Move(ctx, tx, d.core, d.r.Grant, g, now, []string{src.ID}); err != nil {
				return seen(err)
			}
		}
		if name == src.Name {
			return nil
		}
		g, err := d.grant(ctx, tx, src, rights.Contribute)
		if err != nil {
			return seen(err)
		}
		return documents.Rename(ctx, tx, g, now, name)
	})
}

// toOf is to, and lets what was shared get another name where it stands, for
// which there is no folder.
func (d *drive) toOf(ctx context.Context, src *entry, name string) (*entry, string, error) {
	way, err := split(name)
	if err != nil {
		return nil, "", d.fails(err)
	}
	if n := len(way) - 1; n >= 0 && "/"+strings.Join(way[:n], "/") == path.Dir(src.path) {
		if in, err := d.find(ctx, path.Dir(src.path)); err == nil && in != nil && in.sort == shared {
			last, err := d.named(way[n])
			return nil, last, err
		}
	}
	return d.to(ctx, name)
}

// placeOf is where a document lies from the top of its owner's space.
func (d *drive) placeOf(ctx context.Context, q db.Querier, e *entry) (string, error) {
	if e.sort == mine || e.place != "" {
		return e.place, nil
	}
	names, err := above(ctx, q, e.ID)
	if err != nil {
		return "", err
	}
	e.place = "/" + strings.Join(append(names, e.Name), "/")
	return e.place, nil
}

// space is how much room there is where an entry lies, read once.
func (d *drive) usage(e *entry) (file.Space, error) {
	if d.room == nil {
		s, err := file.Usage(d.r.Context(), d.core.DB, d.core.Clock.Now(), e.school, d.r.Viewer.Person)
		if err != nil {
			return s, err
		}
		d.room = &s
	}
	return *d.room, nil
}

// info is what a program is told of an entry.
type info struct{ e *entry }

func (i info) Name() string { return i.e.name }
func (i info) Size() int64  { return i.e.Size }
func (i info) IsDir() bool  { return i.e.dir() }
func (i info) Sys() any     { return nil }

func (i info) Mode() os.FileMode {
	if i.e.dir() {
		return os.ModeDir | 0o755
	}
	return 0o644
}

func (i info) ModTime() time.Time { return time.UnixMilli(i.e.ChangedAt) }

// ContentType is what the file is, as we recognised it.
func (i info) ContentType(context.Context) (string, error) { return media.Served(i.e.Type), nil }

// ETag is the beginning of the hash of the bytes, 128 bits: some programs repeat
// it within a line that they do not let grow.
func (i info) ETag(context.Context) (string, error) {
	sum := i.e.Blob[strings.LastIndexByte(i.e.Blob, '/')+1:]
	return `"` + sum[:min(32, len(sum))] + `"`, nil
}

// reading is something open: its bytes are fetched when they are asked for.
type reading struct {
	d   *drive
	e   *entry
	ctx context.Context
	in  io.ReadSeekCloser
}

func (f *reading) open() error {
	if f.in != nil {
		return nil
	}
	if f.e.dir() {
		return fs.ErrInvalid
	}
	in, err := f.d.core.Blobs.OpenRange(f.ctx, f.e.Blob, 0, -1)
	if err != nil {
		return err
	}
	seek, ok := in.(io.ReadSeekCloser)
	if !ok {
		return errors.Join(errors.New("dav: the store gave no seekable reader"), in.Close())
	}
	f.in = seek
	return nil
}

// Read, Seek and Close are a file's.
func (f *reading) Read(p []byte) (int, error) {
	if err := f.open(); err != nil {
		return 0, err
	}
	return f.in.Read(p)
}

func (f *reading) Seek(offset int64, whence int) (int64, error) {
	if err := f.open(); err != nil {
		return 0, err
	}
	return f.in.Seek(offset, whence)
}

func (f *reading) Close() error {
	if f.in == nil {
		return nil
	}
	return f.in.Close()
}

// Write is none: what is written is written anew.
func (f *reading) Write([]byte) (int, error) { return 0, fs.ErrPermission }

// Stat says what it is.
func (f *reading) Stat() (os.FileInfo, error) { return info{f.e}, nil }

// Readdir lists a folder; of a COPY nothing, for it was copied whole.
func (f *reading) Readdir(int) ([]os.FileInfo, error) {
	if f.d.r.Method == "COPY" {
		return nil, nil
	}
	inside, err := f.d.children(f.ctx, f.e)
	out := make([]os.FileInfo, len(inside))
	for n, e := range inside {
		out[n] = info{e}
	}
	return out, f.d.fails(err)
}

// writing is a file that comes. Nothing is kept of it before all of it is there.
type writing struct {
	d      *drive
	ctx    context.Context
	path   string
	in     *entry // the folder
	there  *entry // the file that is in its place, or nil
	name   string
	school string
	got    *file.Received
	failed bool
	done   *entry
}

// ReadFrom takes the bytes to the store, hashed and looked at on their way.
func (f *writing) ReadFrom(r io.Reader) (int64, error) {
	if f.in == nil { // a copy, which is made already
		return 0, nil
	}
	// A caller who left ends the request, not the keeping of what they sent.
	got, err := file.ReceiveDraft(f.ctx, f.d.core, f.school, f.d.r.Viewer.Person, f.name, r)
	if err != nil {
		f.failed = true
		return 0, f.d.fails(broken(err))
	}
	// A program looks for what it sent under the name that it gave.
	got.Name = f.name
	f.got = &got
	return got.Size, nil
}

// broken is a body that ended early, which is nobody's fault but the line's.
func broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded) {
		return errs.Wrap(errs.Invalid, err, "error.form")
	}
	return err
}

// Close shows what came.
func (f *writing) Close() error {
	if f.failed || f.in == nil {
		return nil
	}
	if f.got == nil { // a LOCK on nothing yet makes an empty file
		if _, err := f.ReadFrom(strings.NewReader("")); err != nil {
			return err
		}
	}
	err := f.d.write(f.ctx, func(tx *db.Tx, now time.Time) error {
		if f.there != nil {
			g, err := f.d.grant(f.ctx, tx, f.there, rights.Contribute)
			if err != nil {
				return seen(err)
			}
			return documents.Fill(f.ctx, tx, f.d.core, g, now, *f.got)
		}
		g, err := f.d.grant(f.ctx, tx, f.in, rights.Contribute)
		if err != nil {
			return seen(err)
		}
		_, err = documents.Deposit(f.ctx, tx, f.d.core, g, now, []file.Received{*f.got}, nil)
		return err
	})
	if err != nil {
		return err
	}
	f.done, err = f.d.find(f.ctx, f.path)
	return f.d.fails(err)
}

// Stat is asked before the file is closed and read after.
func (f *writing) Stat() (os.FileInfo, error) { return coming{f}, nil }

// coming is what will be told of a file once it is there.
type coming struct{ f *writing }

func (c coming) entry() *entry {
	if c.f.done != nil {
		return c.f.done
	}
	return &entry{sort: thing, name: c.f.name}
}
func (c coming) Name() string       { return c.entry().name }
func (c coming) Size() int64        { return c.entry().Size }
func (c coming) IsDir() bool        { return false }
func (c coming) Sys() any           { return nil }
func (c coming) Mode() os.FileMode  { return 0o644 }
func (c coming) ModTime() time.Time { return info{c.entry()}.ModTime() }
func (c coming) ETag(ctx context.Context) (string, error) {
	return info{c.entry()}.ETag(ctx)
}

// Write takes what the library hands over piece by piece; ReadFrom spares it.
func (f *writing) Write([]byte) (int, error)          { return 0, fs.ErrInvalid }
func (f *writing) Read([]byte) (int, error)           { return 0, fs.ErrInvalid }
func (f *writing) Seek(int64, int) (int64, error)     { return 0, fs.ErrInvalid }
func (f *writing) Readdir(int) ([]os.FileInfo, error) { return nil, fs.ErrInvalid }
