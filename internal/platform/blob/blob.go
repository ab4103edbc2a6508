// Package blob keeps bytes under keys: in a folder of the machine or in any
// S3-compatible store, with one behaviour. It knows neither what the bytes are
// nor who may read them, counts no references and deduplicates nothing.
package blob

import (
	"context"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"marelle/internal/platform/errs"
)

//go:embed i18n/fr.json
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// Store is what both kinds of store do. All methods may be called at once from
// many goroutines; one key is always whole: old bytes or new, never a mixture,
// even when the process is killed.
type Store interface {
	// Put keeps exactly size bytes of r under key, durably, replacing what was
	// there. A reader that is shorter or longer is an error and keeps nothing.
	Put(ctx context.Context, key string, r io.Reader, size int64) error
	// OpenRange reads n bytes from offset off, or fewer where the object ends;
	// n < 0 means to the end. With off 0 and n < 0 the reader is an
	// io.ReadSeeker too (an *os.File for a folder, so that sendfile works).
	// A missing key is errs.NotFound.
	OpenRange(ctx context.Context, key string, off, n int64) (io.ReadCloser, error)
	// Delete forgets a key; a missing one is no error.
	Delete(ctx context.Context, key string) error
	// List walks the keys that begin with prefix, in no promised order. It ends
	// at the first error. Keys put or deleted meanwhile may be seen or not.
	List(ctx context.Context, prefix string) iter.Seq2[Info, error]
}

// Info describes a kept object.
type Info struct {
	Key      string
	Size     int64
	Modified time.Time
}

// Open gives the store of an address: empty for the folder "blobs" of the data
// folder, a path (absolute, or within the data folder), or
// s3://bucket[/prefix]?endpoint=…&region=… with keys from AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN. The error is one clear sentence.
func Open(ctx context.Context, address, dataDir string) (Store, error) {
	switch {
	case strings.HasPrefix(address, "s3://"):
		return openS3(ctx, address)
	case strings.Contains(address, "://"):
		return nil, errs.New(errs.Invalid, "blob.address", "value", strings.SplitN(address, "://", 2)[0]+"://")
	case address == "":
		return NewFolder(filepath.Join(dataDir, "blobs"))
	case !filepath.IsAbs(address):
		address = filepath.Join(dataDir, address)
	}
	return NewFolder(address)
}

// maxKey keeps every key under the limits of S3 (1,024 bytes) and of folders.
const maxKey = 500

func checkKey(key string) error {
	if !valid(key, true) {
		return fmt.Errorf("blob: invalid key %q", key)
	}
	return nil
}

// valid accepts a-z 0-9 / . _ - without an empty, "." or ".." segment, at most
// 200 bytes a segment; a prefix (not whole) may also end anywhere.
func valid(key string, whole bool) bool {
	if len(key) > maxKey || whole && key == "" {
		return false
	}
	for i := range len(key) {
		c := key[i]
		if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '/' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	parts := strings.Split(key, "/")
	for i, p := range parts {
		last := i == len(parts)-1
		if p == "" && (whole || !last) || p == ".." || p == "." || len(p) > 200 {
			return false
		}
	}
	return true
}

func missing(cause error) error { return errs.Wrap(errs.NotFound, cause, "error.not_found") }

// exact reads a stream that must hold exactly left bytes: it fails on the last
// of them when more follow, before a store has taken the object as complete.
type exact struct {
	ctx  context.Context
	r    io.Reader
	left int64
	err  error
}

func (e *exact) Read(p []byte) (int, error) {
	if e.err == nil {
		e.err = e.ctx.Err()
	}
	if e.err != nil {
		return 0, e.err
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	var n int
	var err error
	if e.left > 0 {
		n, err = e.r.Read(p)
		e.left -= int64(n)
	}
	if e.left > 0 {
		if err == io.EOF {
			e.err = fmt.Errorf("blob: %d bytes are missing: %w", e.left, io.ErrUnexpectedEOF)
			return n, e.err
		}
		if err != nil {
			e.err = err
		}
		return n, err
	}
	var more [1]byte
	for err == nil {
		var k int
		if k, err = e.r.Read(more[:]); k > 0 {
			e.err = fmt.Errorf("blob: more bytes than announced")
			return 0, e.err
		}
	}
	e.err = err
	if err != io.EOF {
		return 0, err
	}
	return n, io.EOF
}
