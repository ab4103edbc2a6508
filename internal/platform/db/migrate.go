package db

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"sort"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
)

// Migrate brings the schema up to date with the .sql files at the root of each
// file system, ordered by their dated names whatever package they come from.
// A name that ends in .sqlite.sql or .postgres.sql is for that engine alone, and
// has its twin for the other: a backup that moves from one engine to the other
// knows migrations by their numbers.
// before is called once when there is something to do, with the number of
// pending files: the place for a copy of the database.
func (d *DB) Migrate(ctx context.Context, before func(pending int) error, files ...fs.FS) (applied int, err error) {
	p, err := d.provider(files)
	if err != nil {
		return 0, err
	}
	status, err := p.Status(ctx)
	if err != nil {
		return 0, fmt.Errorf("migrations: %w", err)
	}
	pending, done := 0, 0
	for _, s := range status {
		if s.State == goose.StatePending {
			pending++
		} else {
			done++
		}
	}
	if pending == 0 {
		return 0, nil
	}
	if before != nil && done > 0 {
		if err := before(pending); err != nil {
			return 0, err
		}
	}
	res, err := p.Up(ctx)
	if err != nil {
		return len(res), fmt.Errorf("migrations: %w", err)
	}
	return len(res), nil
}

// Pending counts the migrations that have not run.
func (d *DB) Pending(ctx context.Context, files ...fs.FS) (int, error) {
	p, err := d.provider(files)
	if err != nil {
		return 0, err
	}
	status, err := p.Status(ctx)
	n := 0
	for _, s := range status {
		if s.State == goose.StatePending {
			n++
		}
	}
	return n, err
}

func (d *DB) provider(files []fs.FS) (*goose.Provider, error) {
	merged, err := merge(files, d.dialect)
	if err != nil {
		return nil, err
	}
	dialect := goose.DialectSQLite3
	if d.dialect == Postgres {
		dialect = goose.DialectPostgres
	}
	p, err := goose.NewProvider(dialect, d.write, merged, goose.WithAllowOutofOrder(true))
	if err != nil {
		return nil, fmt.Errorf("migrations: %w", err)
	}
	return p, nil
}

// merge lays several roots of .sql files over each other, without what is for
// the other engine; the same name twice is an error.
func merge(files []fs.FS, d Dialect) (flat, error) {
	all := flat{}
	alone := map[string]bool{}
	for _, f := range files {
		names, err := fs.Glob(f, "*.sql")
		if err != nil {
			return nil, err
		}
		for _, n := range names {
			if base, engine, ok := strings.Cut(strings.TrimSuffix(n, ".sql"), "."); ok {
				if alone[base] = !alone[base]; Dialect(engine) != d {
					continue
				}
			}
			if _, twice := all[n]; twice {
				return nil, fmt.Errorf("migrations: %s exists twice", n)
			}
			b, err := fs.ReadFile(f, n)
			if err != nil {
				return nil, err
			}
			all[n] = b
		}
	}
	for n, alone := range alone {
		if alone {
			return nil, fmt.Errorf("migrations: %s exists for one engine only", n)
		}
	}
	return all, nil
}

// flat is a directory of files in memory.
type flat map[string][]byte

func (f flat) Open(name string) (fs.File, error) {
	if name == "." {
		return &root{f: f}, nil
	}
	b, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &file{info: info{name, int64(len(b))}, Reader: bytes.NewReader(b)}, nil
}

func (f flat) ReadDir(string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	for n, b := range f {
		out = append(out, fs.FileInfoToDirEntry(info{n, int64(len(b))}))
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name() < out[j].Name() })
	return out, nil
}

type root struct{ f flat }

func (r *root) Stat() (fs.FileInfo, error) { return info{".", -1}, nil }
func (r *root) Read([]byte) (int, error)   { return 0, io.EOF }
func (r *root) Close() error               { return nil }

type file struct {
	info
	*bytes.Reader
}

func (f *file) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *file) Close() error               { return nil }
func (f *file) Size() int64                { return f.info.size }

type info struct {
	name string
	size int64
}

func (i info) Name() string { return i.name }
func (i info) Size() int64  { return max(i.size, 0) }
func (i info) Mode() fs.FileMode {
	if i.size < 0 {
		return fs.ModeDir | 0o555
	}
	return 0o444
}
func (i info) ModTime() time.Time { return time.Time{} }
func (i info) IsDir() bool        { return i.size < 0 }
func (i info) Sys() any           { return nil }
