// Package backup writes a whole portal into one archive and reads it back: a
// tar under zstd with every table as lines of JSON from one snapshot, the jobs
// still to be done, the files that rows refer to, and the server's secret. The
// same archive comes from SQLite and from PostgreSQL and goes into either. It
// knows tables by the database's own catalogue and refuses to know what any of
// them means, but for one rule: a column named "blob" holds the key of a file.
//
// Entries, in order: format.json; tables/<table>/<n>.jsonl, whose first line
// names the columns; jobs.jsonl; blobs/<key>; secret; entries.jsonl, which lists
// all of those with their SHA-256; manifest.json, whose own sum is in no list
// but which holds that of entries.jsonl. An archive that was cut short has no
// manifest; one that was altered does not match it.
package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"time"

	"github.com/klauspost/compress/zstd"

	"marelle/internal/platform/blob"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// version of the format; a reader refuses any other.
const version = 1

// chunk is the most bytes of rows in one entry, which are held in memory.
const chunk = 4 << 20

// Header opens an archive.
type Header struct {
	Format     int       `json:"format"`
	Made       time.Time `json:"made"`
	Program    string    `json:"program"`    // version that wrote it
	Engine     string    `json:"engine"`     // sqlite or postgres
	Migrations []int64   `json:"migrations"` // those that had run
}

// Manifest closes it.
type Manifest struct {
	Header
	Tables  map[string]int64 `json:"tables"` // rows
	Jobs    int              `json:"jobs"`
	Blobs   int64            `json:"blobs"`
	Bytes   int64            `json:"bytes"`   // of the blobs
	Missing int64            `json:"missing"` // blobs that a row names and the store has not
	Secret  bool             `json:"secret"`
	Entries int64            `json:"entries"`
	Sum     string           `json:"sum"` // SHA-256 of entries.jsonl
}

// Rows is how many rows the archive holds.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t
	}
	return n
}

// entry is a line of entries.jsonl.
type entry struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
	Sum  string `json:"sha256"`
}

// Source is what is backed up. The server may be running meanwhile.
type Source struct {
	DB      *db.DB
	Blobs   blob.Store
	Secret  []byte // the secret file; nil leaves it out
	Program string
	Now     time.Time
}

// Write writes an archive of everything. What it returns is also its last entry.
func Write(ctx context.Context, to io.Writer, s Source) (Manifest, error) {
	a, err := newArchive(to)
	if err != nil {
		return Manifest{}, err
	}
	m, err := a.fill(ctx, s)
	return m, errors.Join(err, a.close(err == nil))
}

type archive struct {
	zstd    *zstd.Encoder
	tar     *tar.Writer
	entries *spool
	count   int64
	made    time.Time
}

func newArchive(to io.Writer) (*archive, error) {
	z, err := zstd.NewWriter(to, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	list, err := newSpool()
	if err != nil {
		return nil, err
	}
	return &archive{zstd: z, tar: tar.NewWriter(z), entries: list}, nil
}

func (a *archive) close(whole bool) error {
	err := a.entries.close()
	if whole {
		err = errors.Join(err, a.tar.Close())
	}
	return errors.Join(err, a.zstd.Close())
}

func (a *archive) fill(ctx context.Context, s Source) (Manifest, error) {
	m := Manifest{Tables: map[string]int64{}}
	m.Header = Header{Format: version, Made: s.Now.UTC(), Program: s.Program, Engine: string(s.DB.Dialect())}
	a.made = s.Now
	keys, err := newSpool()
	if err != nil {
		return m, err
	}
	defer keys.close()
	if err := s.DB.Snapshot(ctx, func(tx *db.Tx) (err error) {
		if m.Migrations, err = migrations(ctx, tx); err != nil {
			return err
		}
		if err := a.json("format.json", m.Header); err != nil {
			return err
		}
		return a.database(ctx, tx, &m, keys)
	}); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	// The snapshot is closed: files may take hours, and never change.
	if err := keys.lines(func(line []byte) error { return a.blob(ctx, s.Blobs, string(line), &m) }); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	if s.Secret != nil {
		m.Secret = true
		if err := a.bytes("secret", s.Secret); err != nil {
			return m, err
		}
	}
	m.Entries = a.count
	if m.Sum, err = a.list(); err != nil {
		return m, err
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, err
	}
	return m, a.raw("manifest.json", bytes.NewReader(b), int64(len(b)))
}

// database writes every table and the waiting jobs, and notes the keys of files.
func (a *archive) database(ctx context.Context, tx *db.Tx, m *Manifest, keys *spool) error {
	tables, err := catalogue(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		n, err := a.table(ctx, tx, t)
		if err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
		m.Tables[t.Name] = n
		if t.has("blob") {
			if err := each(ctx, tx, `SELECT DISTINCT blob FROM `+t.Name+` WHERE blob IS NOT NULL AND blob <> '' ORDER BY blob`, 1, func(v []any) error {
				return keys.line([]byte(fmt.Sprint(v[0])))
			}); err != nil {
				return fmt.Errorf("files of %s: %w", t.Name, err)
			}
		}
	}
	list, err := waiting(ctx, tx)
	if err != nil {
		return fmt.Errorf("jobs: %w", err)
	}
	var b bytes.Buffer
	for _, j := range list {
		if err := json.NewEncoder(&b).Encode(j); err != nil {
			return err
		}
	}
	m.Jobs = len(list)
	return a.bytes("jobs.jsonl", b.Bytes())
}

// table writes the rows of a table in chunks, by primary key.
func (a *archive) table(ctx context.Context, tx *db.Tx, t table) (int64, error) {
	var b bytes.Buffer
	var rows int64
	part := 0
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	begin := func() error { b.Reset(); return enc.Encode(t) }
	flush := func() error {
		part++
		return a.bytes(fmt.Sprintf("tables/%s/%06d.jsonl", t.Name, part), b.Bytes())
	}
	if err := begin(); err != nil {
		return 0, err
	}
	err := each(ctx, tx, `SELECT `+t.columns()+` FROM `+t.Name+t.order(), len(t.Columns), func(v []any) error {
		if b.Len() > chunk {
			if err := errors.Join(flush(), begin()); err != nil {
				return err
			}
		}
		line := make([]any, len(v))
		for i, c := range t.Columns {
			var err error
			if line[i], err = c.encode(v[i]); err != nil {
				return err
			}
		}
		rows++
		return enc.Encode(line)
	})
	return rows, errors.Join(err, flush())
}

func (a *archive) blob(ctx context.Context, from blob.Store, key string, m *Manifest) error {
	r, err := from.OpenRange(ctx, key, 0, -1)
	if errs.KindOf(err) == errs.NotFound {
		m.Missing++
		return nil
	}
	if err != nil {
		return fmt.Errorf("file %s: %w", key, err)
	}
	defer r.Close()
	seeker, ok := r.(io.ReadSeeker)
	if !ok {
		return fmt.Errorf("file %s: the store tells no size", key)
	}
	size, err := seeker.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = seeker.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = a.add("blobs/"+key, seeker, size)
	}
	if err != nil {
		return fmt.Errorf("file %s: %w", key, err)
	}
	m.Blobs++
	m.Bytes += size
	return nil
}

// list writes entries.jsonl and returns its sum.
func (a *archive) list() (string, error) {
	r, size, err := a.entries.rewind()
	if err != nil {
		return "", err
	}
	h := sha256.New()
	err = a.raw("entries.jsonl", io.TeeReader(r, h), size)
	return hex.EncodeToString(h.Sum(nil)), err
}

func (a *archive) json(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.bytes(name, b)
}

func (a *archive) bytes(name string, b []byte) error {
	return a.add(name, bytes.NewReader(b), int64(len(b)))
}

// add writes an entry and notes its sum.
func (a *archive) add(name string, r io.Reader, size int64) error {
	h := sha256.New()
	if err := a.raw(name, io.TeeReader(r, h), size); err != nil {
		return err
	}
	a.count++
	b, err := json.Marshal(entry{name, size, hex.EncodeToString(h.Sum(nil))})
	if err != nil {
		return err
	}
	return a.entries.line(b)
}

func (a *archive) raw(name string, r io.Reader, size int64) error {
	if err := a.tar.WriteHeader(&tar.Header{Name: path.Clean(name), Mode: 0o600, Size: size, ModTime: a.made, Format: tar.FormatPAX}); err != nil {
		return err
	}
	if n, err := io.Copy(a.tar, r); err != nil {
		return err
	} else if n != size {
		return fmt.Errorf("%s: %d bytes instead of %d", name, n, size)
	}
	return nil
}

// spool is a list of lines kept on disk, so that memory stays bounded however
// many files a region has.
type spool struct {
	f *os.File
	w *bufio.Writer
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "marelle-backup-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name()) // gone with the process, however it ends
	return &spool{f, bufio.NewWriterSize(f, 64<<10)}, nil
}

func (s *spool) line(b []byte) error {
	_, err := s.w.Write(append(b, '\n'))
	return err
}

func (s *spool) rewind() (io.Reader, int64, error) {
	if err := s.w.Flush(); err != nil {
		return nil, 0, err
	}
	size, err := s.f.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = s.f.Seek(0, io.SeekStart)
	}
	return bufio.NewReader(s.f), size, err
}

func (s *spool) lines(f func([]byte) error) error {
	r, _, err := s.rewind()
	if err != nil {
		return err
	}
	for sc := bufio.NewScanner(r); ; {
		if !sc.Scan() {
			return sc.Err()
		}
		if err := f(sc.Bytes()); err != nil {
			return err
		}
	}
}

func (s *spool) close() error { return s.f.Close() }
