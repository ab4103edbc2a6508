// Package spool keeps bytes on the machine's disk on their way in, hashed as they
// come: what somebody sends is never whole in memory, and what all send at once
// has a bound. It knows neither what the bytes are nor where they go.
package spool

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"marelle/internal/platform/errs"
)

//go:embed i18n/fr.json
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// Spool is a folder with a bound.
type Spool struct {
	dir  string
	max  int64
	used atomic.Int64
}

// New makes the folder when absent. A folder of the data, rather than the
// system's for temporary files, which is often memory.
func New(dir string, max int64) (*Spool, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	return &Spool{dir: dir, max: max}, nil
}

// Used is how many bytes are held now.
func (s *Spool) Used() int64 { return s.used.Load() }

// File is what came, to be read from its beginning and closed.
type File struct {
	*os.File
	Size  int64
	spool *Spool
	sum   hash.Hash
}

// Sum is the SHA-256 of the bytes, in hexadecimal.
func (f *File) Sum() string { return hex.EncodeToString(f.sum.Sum(nil)) }

// Rewind goes back to the first byte.
func (f *File) Rewind() error {
	_, err := f.Seek(0, io.SeekStart)
	return err
}

// Close gives the room back. The file has no name since it was made, so that
// nothing of it outlives the process either.
func (f *File) Close() error {
	f.spool.used.Add(-f.Size)
	return f.File.Close()
}

// Scratch is a file without a name for what a tool makes, bound by whoever starts
// the tool: closed, or with the process, it is gone.
func (s *Spool) Scratch() (*os.File, error) {
	f, err := os.CreateTemp(s.dir, "out-*")
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("spool: %w", err), f.Close())
	}
	return f, nil
}

// ErrTooLarge says that more came than was allowed.
var ErrTooLarge = errors.New("spool: more bytes than allowed")

// step is how many bytes are asked room for at once.
const step = 256 << 10

// Take holds what r gives, up to limit bytes. When r fails or ends early the
// file has what came, and the error beside it; on any other error there is none.
func (s *Spool) Take(ctx context.Context, r io.Reader, limit int64) (*File, error) {
	return s.Go(ctx, r, limit, sha256.New())
}

// Go is Take for a piece of something longer, whose hash goes on with it.
func (s *Spool) Go(ctx context.Context, r io.Reader, limit int64, sum hash.Hash) (*File, error) {
	w, err := os.CreateTemp(s.dir, "in-*")
	if err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	f := &File{File: w, spool: s, sum: sum}
	if err := os.Remove(w.Name()); err != nil {
		return nil, errors.Join(fmt.Errorf("spool: %w", err), f.Close())
	}
	broken, err := f.fill(ctx, r, limit)
	if err == nil {
		err = f.Rewind()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, broken
}

func (f *File) fill(ctx context.Context, r io.Reader, limit int64) (broken, err error) {
	buf := make([]byte, 32<<10)
	room := int64(0)
	defer func() { f.spool.used.Add(f.Size - room) }()
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n, rerr := r.Read(buf)
		if f.Size+int64(n) > limit {
			return nil, ErrTooLarge
		}
		if f.Size+int64(n) > room {
			if f.spool.used.Add(step) > f.spool.max {
				f.spool.used.Add(-step)
				return nil, errs.New(errs.Unavailable, "spool.full")
			}
			room += step
		}
		f.sum.Write(buf[:n])
		if _, err := f.Write(buf[:n]); err != nil {
			return nil, fmt.Errorf("spool: %w", err)
		}
		f.Size += int64(n)
		switch {
		case rerr == io.EOF:
			return nil, nil
		case rerr != nil:
			return rerr, nil
		}
	}
}
