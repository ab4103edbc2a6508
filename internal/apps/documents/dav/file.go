package dav

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/webdav"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/media"
	"marelle/internal/platform/web"
)

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
	if d.r.Method == http.MethodPut {
		if err := expected(d.r.Header, there); err != nil {
			return nil, d.fails(err)
		}
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

// expected demands that what a file is put in the place of is what the program
// last saw there (RFC 9110, 13.1).
func expected(h http.Header, there *entry) error {
	tag := ""
	if there != nil {
		tag, _ = info{there}.ETag(context.Background()) // known
	}
	lists := func(name string) bool {
		v := h.Get(name)
		return there != nil && (strings.TrimSpace(v) == "*" || strings.Contains(v, tag))
	}
	if h.Get("If-Match") != "" && !lists("If-Match") || h.Get("If-None-Match") != "" && lists("If-None-Match") {
		return errs.New(errs.Conflict, "dav.changed")
	}
	return nil
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

var _ syscall.Conn = (*reading)(nil)

// SyscallConn lets the system copy from the disk to the socket, where the store is
// a folder: the bytes do not pass through the program.
func (f *reading) SyscallConn() (syscall.RawConn, error) {
	if err := f.open(); err != nil {
		return nil, err
	}
	if file, ok := f.in.(syscall.Conn); ok {
		return file.SyscallConn()
	}
	return nil, errors.ErrUnsupported
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
		if _, err = documents.Deposit(f.ctx, tx, f.d.core, g, now, []file.Received{*f.got}, nil); err != nil {
			return err
		}
		return alone(f.ctx, tx, g, f.name)
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
