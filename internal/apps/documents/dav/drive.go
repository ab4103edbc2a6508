package dav

import (
	"context"
	"os"
	"path"
	"strings"
	"time"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
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

	known    map[string]*entry     // by path; nil is nothing
	held     map[string][]lock     // by space
	fault    error                 // what really happened
	victim   *entry                // what a COPY or a MOVE is to take the place of
	replaced bool                  // a PUT found a file in its place
	room     map[string]file.Space // by school
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
	d := &drive{r: r, core: r.Core, scope: r.Viewer.Scope(), known: map[string]*entry{}, held: map[string][]lock{}, room: map[string]file.Space{}}
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
		if d.discover && e.sort == thing { // where all that lies in it lies, too
			if _, err := d.placeOf(ctx, d.core.DB, e); err != nil {
				return nil, err
			}
		}
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
	var spaces []string
	for _, one := range e.inside {
		d.known[one.path] = one
		if d.discover && one.sort == thing {
			spaces = append(spaces, one.space)
		}
	}
	return e.inside, d.learn(ctx, spaces...)
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

// seen turns "not found" of what the viewer has just found into a refusal.
func seen(err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return errs.ErrDenied
	}
	return err
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

// usage is how much room there is where an entry lies, read once.
func (d *drive) usage(e *entry) (file.Space, error) {
	s, ok := d.room[e.school]
	if ok {
		return s, nil
	}
	s, err := file.Usage(d.r.Context(), d.core.DB, d.core.Clock.Now(), e.school, d.r.Viewer.Person)
	if err == nil {
		d.room[e.school] = s
	}
	return s, err
}
