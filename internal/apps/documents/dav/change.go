package dav

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"strings"
	"time"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

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
	if _, err = documents.MakeFolder(ctx, tx, d.core, g, now, name); err != nil {
		return err
	}
	return alone(ctx, tx, g, name)
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
		left, err := documents.Copy(ctx, tx, d.core, d.r.Grant, to, now, []string{src.ID}, false) // as of what is put there
		if err == nil && left > 0 {                                                               // a program would take it for all that there is
			err = errs.Field("vers", "file.preparing")
		}
		if err != nil {
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
		if err := alone(ctx, tx, to, name); err != nil {
			return err
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
			if err := documents.Move(ctx, tx, d.core, d.r.Grant, g, now, []string{src.ID}, false); err != nil {
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
