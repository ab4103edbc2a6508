package blob

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"time"
)

// tmpDir holds what is being written. Neither it nor any shard can be a key's
// segment, as '~' is no character of a key.
const tmpDir = "~tmp"

// Folder is a Store in a folder. The object a/b/cdef is the file a/b/~cd/cdef:
// folders stay small whatever the keys, and an object x never meets x/y.
type Folder struct{ root *os.Root }

// NewFolder opens the folder, making it when absent (mode 0700), and clears
// what a killed process left half written more than a day ago.
func NewFolder(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	if err := root.Mkdir(tmpDir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	f := &Folder{root}
	entries, err := fs.ReadDir(root.FS(), tmpDir)
	if err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	for _, e := range entries {
		// A younger one may be the work of another process on the same folder.
		if i, err := e.Info(); err == nil && time.Since(i.ModTime()) > 24*time.Hour {
			root.Remove(path.Join(tmpDir, e.Name()))
		}
	}
	return f, nil
}

func place(key string) string {
	dir, name := path.Split(key)
	return dir + "~" + name[:min(2, len(name))] + "/" + name
}

// Put implements Store: write aside, fsync, rename, fsync the folder.
func (f *Folder) Put(ctx context.Context, key string, r io.Reader, size int64) (err error) {
	if err := checkKey(key); err != nil {
		return err
	}
	tmp := path.Join(tmpDir, rand.Text())
	w, err := f.root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("blob put: %w", err)
	}
	defer func() {
		if err != nil {
			f.root.Remove(tmp)
			err = fmt.Errorf("blob put %s: %w", key, err)
		}
	}()
	n, err := io.Copy(w, &exact{ctx: ctx, r: r, left: size})
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	if err := errors.Join(err, w.Sync(), w.Close()); err != nil {
		return err
	}
	to := place(key)
	// A Delete may take an emptied folder away between the two steps.
	for range 100 {
		if err = f.root.Rename(tmp, to); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if err = f.mkdirs(path.Dir(to)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err != nil {
		return err
	}
	return f.sync(path.Dir(to))
}

// mkdirs makes a folder and its parents durably.
func (f *Folder) mkdirs(dir string) error {
	at := ""
	for _, s := range strings.Split(dir, "/") {
		parent := at
		at = path.Join(at, s)
		switch err := f.root.Mkdir(at, 0o700); {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return err
		}
		if err := f.sync(parent); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) sync(dir string) error {
	if dir == "" {
		dir = "."
	}
	d, err := f.root.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // emptied and removed since: nothing left to keep
	}
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// OpenRange implements Store.
func (f *Folder) OpenRange(_ context.Context, key string, off, n int64) (io.ReadCloser, error) {
	if err := checkKey(key); err != nil {
		return nil, missing(err)
	}
	if off < 0 {
		return nil, fmt.Errorf("blob open %s: negative offset", key)
	}
	file, err := f.root.Open(place(key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(err)
	}
	if err != nil {
		return nil, fmt.Errorf("blob open: %w", err)
	}
	if off == 0 && n < 0 {
		return file, nil
	}
	if _, err := file.Seek(off, io.SeekStart); err != nil {
		file.Close()
		return nil, fmt.Errorf("blob open: %w", err)
	}
	if n < 0 {
		return file, nil
	}
	return struct {
		io.Reader // an *io.LimitedReader over the file: sendfile sees through it
		io.Closer
	}{io.LimitReader(file, n), file}, nil
}

// Delete implements Store; the erasure is durable when it returns.
func (f *Folder) Delete(_ context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	at := place(key)
	err := f.root.Remove(at)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("blob delete: %w", err)
	}
	dir := path.Dir(at)
	if err := f.sync(dir); err != nil {
		return fmt.Errorf("blob delete: %w", err)
	}
	for dir != "." && f.root.Remove(dir) == nil { // stops at the first that is not empty
		dir = path.Dir(dir)
	}
	return nil
}

// List implements Store.
func (f *Folder) List(ctx context.Context, prefix string) iter.Seq2[Info, error] {
	return func(yield func(Info, error) bool) {
		if !valid(prefix, false) {
			yield(Info{}, fmt.Errorf("blob list: invalid prefix %q", prefix))
			return
		}
		top := path.Dir(prefix + "x") // the folder all matching keys are under
		err := fs.WalkDir(f.root.FS(), top, func(p string, d fs.DirEntry, err error) error {
			switch {
			case ctx.Err() != nil:
				return ctx.Err()
			case errors.Is(err, fs.ErrNotExist):
				return nil // deleted meanwhile, or no such prefix
			case err != nil:
				return err
			case d.IsDir() && d.Name() == tmpDir:
				return fs.SkipDir
			case d.IsDir():
				return nil
			}
			dir, name := path.Split(p)
			key := path.Join(path.Dir(path.Clean(dir)), name)
			if !strings.HasPrefix(key, prefix) {
				return nil
			}
			i, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if !yield(Info{Key: key, Size: i.Size(), Modified: i.ModTime()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(Info{}, fmt.Errorf("blob list: %w", err))
		}
	}
}
