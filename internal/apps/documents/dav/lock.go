package dav

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// Locks are rows: every copy of the server knows them. They keep programs on the
// drive from overwriting each other; the pages, where every version stays, go
// on. They end by themselves, an hour after they were asked for last at most.
const longestLock = time.Hour

var errLocked = errs.New(errs.Conflict, "dav.locked")

// ownerMax bounds what a program calls whoever uses it.
const ownerMax = 1000

// covers says whether what stands at a place is locked by it.
func (l lock) covers(place string) bool { return l.Place == place || l.Deep && below(place, l.Place) }

// below says whether a place lies within another.
func below(place, in string) bool { return strings.HasPrefix(place, in+"/") }

// timeout is how long a lock lasts, of what a program asks for.
func timeout(header string) time.Duration {
	first, _, _ := strings.Cut(header, ",")
	if n, err := time.ParseDuration(strings.TrimPrefix(strings.TrimSpace(first), "Second-") + "s"); err == nil && n > 0 && n < longestLock {
		return max(n, time.Second)
	}
	return longestLock
}

// locks is the webdav.LockSystem of one request.
type locks struct{ d *drive }

func (d *drive) locks(ctx context.Context, space string) ([]lock, error) {
	err := d.learn(ctx, space)
	return d.held[space], err
}

// learn reads the locks of spaces, in one statement for those that are not known.
func (d *drive) learn(ctx context.Context, spaces ...string) error {
	spaces = slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(spaces))), func(s string) bool { _, known := d.held[s]; return known })
	if len(spaces) == 0 {
		return nil
	}
	held, err := locksOf(ctx, d.core.DB, d.core.Clock.Now(), spaces...)
	if err != nil {
		return err
	}
	for _, s := range spaces {
		d.held[s] = nil
	}
	for _, l := range held {
		d.held[l.Space] = append(d.held[l.Space], l)
	}
	return nil
}

// spot is where a path lies for everybody: a space, and a place in it. What is
// above documents is nowhere.
func (d *drive) spot(ctx context.Context, name string) (space, place string, err error) {
	e, err := d.find(ctx, name)
	if err != nil {
		return "", "", err
	}
	if e != nil {
		if e.sort != thing && e.sort != mine {
			return "", "", nil
		}
		place, err := d.placeOf(ctx, d.core.DB, e)
		return e.space, place, err
	}
	in, err := d.find(ctx, path.Dir(name))
	if err != nil || in == nil || in.sort != thing && in.sort != mine {
		return "", "", err
	}
	place, err = d.placeOf(ctx, d.core.DB, in)
	return in.space, place + "/" + clean(path.Base(name)), err
}

var tokens = regexp.MustCompile(`<(urn:uuid:[0-9a-f-]{36})>`)

// free demands that nothing which the request would change is locked by another
// program: locks whose tokens it shows are its own.
func (l *locks) free(ctx context.Context, name string) error {
	space, place, err := l.d.spot(ctx, name)
	if err != nil || space == "" {
		return err
	}
	held, err := l.d.locks(ctx, space)
	if err != nil {
		return err
	}
	var shown []string
	for _, m := range tokens.FindAllStringSubmatch(l.d.r.Header.Get("If"), -1) {
		shown = append(shown, m[1])
	}
	there, err := l.d.find(ctx, name)
	if err != nil {
		return err
	}
	// What comes or goes changes the folder that it lies in, too, and what goes
	// takes along all that lies in it.
	comes := there == nil || l.d.r.Method != http.MethodPut && l.d.r.Method != "PROPPATCH"
	for _, h := range held {
		if !h.covers(place) && !(comes && h.Place == path.Dir(place)) && !(comes && below(h.Place, place)) {
			continue
		}
		if h.Person != l.d.r.Viewer.Person || !slices.Contains(shown, h.Token) {
			return errLocked
		}
	}
	return nil
}

// Create takes a lock; in any other request than LOCK the library asks for one to
// know that there is none, and that is all that it gets.
func (l *locks) Create(_ time.Time, want webdav.LockDetails) (string, error) {
	ctx, d := l.d.r.Context(), l.d
	if d.r.Method != "LOCK" {
		return "", l.told(l.free(ctx, want.Root))
	}
	e, err := d.find(ctx, want.Root)
	if err != nil {
		return "", d.fails(err)
	}
	at := e
	if e == nil {
		if at, _, err = d.to(ctx, want.Root); err != nil {
			if err != d.fault { // no such folder
				d.fault = errs.New(errs.Conflict, "error.not_found")
			}
			return "", err
		}
	}
	if at.sort != thing && e != nil {
		return "", d.refuse("dav.here")
	}
	space, place, err := d.spot(ctx, want.Root)
	if err != nil {
		return "", d.fails(err)
	}
	now := d.core.Clock.Now()
	one := lock{Token: "urn:uuid:" + id.New(), Place: place, Deep: !want.ZeroDepth, Owner: want.OwnerXML, ExpiresAt: now.Add(want.Duration).UnixMilli()}
	if len(one.Owner) > ownerMax {
		one.Owner = ""
	}
	known := d.known
	err = d.core.DB.Write(ctx, func(tx *db.Tx) error {
		g, err := d.grant(ctx, tx, at, rights.Contribute)
		if err != nil {
			return seen(err)
		}
		return take(ctx, tx, g, now, space, one)
	})
	if db.IsDuplicate(err) {
		err = errLocked
	}
	d.known = known
	delete(d.held, space)
	return one.Token, l.told(err)
}

// told keeps what happened and gives the library its own word for it.
func (l *locks) told(err error) error {
	if err == nil {
		return nil
	}
	_ = l.d.fails(err)
	if errors.Is(err, errLocked) {
		return webdav.ErrLocked
	}
	return err
}

// Confirm judges one list of conditions of an If header, all of which must hold,
// and then demands that all that is locked was named.
func (l *locks) Confirm(_ time.Time, name0, name1 string, conditions ...webdav.Condition) (func(), error) {
	ctx, d := l.d.r.Context(), l.d
	of := name0
	if of == "" {
		of = name1
	}
	for _, c := range conditions {
		holds, err := l.holds(ctx, of, c)
		if err != nil {
			return nil, l.told(err)
		}
		if holds == c.Not {
			return nil, webdav.ErrConfirmationFailed
		}
	}
	// The header may speak of something else: what the request changes counts.
	var changes []string
	if d.r.Method != "COPY" {
		changes = append(changes, strings.TrimPrefix(d.r.URL.Path, session.DrivePath))
	}
	if to := d.r.Header.Get("Destination"); to != "" && (d.r.Method == "COPY" || d.r.Method == "MOVE") {
		u, err := url.Parse(to)
		if err != nil {
			return nil, webdav.ErrConfirmationFailed
		}
		changes = append(changes, strings.TrimPrefix(u.Path, session.DrivePath))
	}
	for _, name := range changes {
		if err := l.free(ctx, name); err != nil {
			return nil, l.told(err)
		}
	}
	return func() {}, nil
}

// holds says whether a condition is true of what stands at a path.
func (l *locks) holds(ctx context.Context, name string, c webdav.Condition) (bool, error) {
	if c.ETag != "" {
		e, err := l.d.find(ctx, name)
		if err != nil || e == nil || e.dir() {
			return false, err
		}
		tag, err := info{e}.ETag(ctx)
		return tag == c.ETag, err
	}
	space, place, err := l.d.spot(ctx, name)
	if err != nil || space == "" {
		return false, err
	}
	held, err := l.d.locks(ctx, space)
	return slices.ContainsFunc(held, func(h lock) bool {
		return h.Token == c.Token && h.Person == l.d.r.Viewer.Person && (h.covers(place) || below(h.Place, place))
	}), err
}

// Refresh gives a lock more time.
func (l *locks) Refresh(_ time.Time, token string, d time.Duration) (webdav.LockDetails, error) {
	ctx, now := l.d.r.Context(), l.d.core.Clock.Now()
	var one lock
	there := false
	if err := l.d.core.DB.Write(ctx, func(tx *db.Tx) (err error) {
		one, there, err = prolong(ctx, tx, l.d.r.Grant, now, token, now.Add(d))
		return err
	}); err != nil {
		return webdav.LockDetails{}, l.told(err)
	}
	if !there {
		return webdav.LockDetails{}, webdav.ErrNoSuchLock
	}
	return webdav.LockDetails{Root: strings.TrimPrefix(l.d.r.URL.Path, session.DrivePath), Duration: d, OwnerXML: one.Owner, ZeroDepth: !one.Deep}, nil
}

// Unlock ends a lock; what Create gave for the time of a request is none.
func (l *locks) Unlock(_ time.Time, token string) error {
	if token == "" {
		return nil
	}
	ctx, there, others := l.d.r.Context(), false, false
	if err := l.d.core.DB.Write(ctx, func(tx *db.Tx) (err error) {
		there, others, err = release(ctx, tx, l.d.r.Grant, l.d.core.Clock.Now(), token)
		return err
	}); err != nil {
		return l.told(err)
	}
	switch {
	case others:
		return webdav.ErrForbidden
	case !there:
		return webdav.ErrNoSuchLock
	}
	return nil
}
