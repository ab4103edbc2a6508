package backup

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"marelle/internal/platform/blob"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/jobs"
)

//go:embed i18n/fr.json
var said embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(said, "i18n")

// damaged is an archive that is not whole, or was altered.
func damaged(key string, pairs ...any) error { return errs.New(errs.Invalid, key, pairs...) }

// ErrNotEmpty is a database that holds something already: nothing is ever
// written over.
var ErrNotEmpty = errs.New(errs.Conflict, "backup.not_empty")

// Check reads a whole archive and compares every sum and count.
func Check(r io.Reader) (Manifest, error) {
	return read(r, func(string, int64, io.Reader) error { return nil })
}

// read walks an archive, hands each entry over, and compares all with the
// manifest at the end: until then nothing that was handed over is to be
// trusted.
func read(r io.Reader, visit func(name string, size int64, r io.Reader) error) (m Manifest, err error) {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
	if err != nil {
		return m, damaged("backup.foreign")
	}
	defer z.Close()
	seen, err := newSpool()
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, seen.close()) }()
	var count int64
	listed, complete := "", false
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return m, errs.Wrap(errs.Invalid, err, "backup.broken")
		}
		if complete || h.Typeflag != tar.TypeReg {
			return m, damaged("backup.extra", "entry", h.Name)
		}
		sum := sha256.New()
		body := &counted{r: io.TeeReader(t, sum)}
		switch h.Name {
		case "entries.jsonl":
			if err := same(body, seen); err != nil {
				return m, err
			}
			listed = hex.EncodeToString(sum.Sum(nil))
			continue
		case "manifest.json":
			d := json.NewDecoder(io.LimitReader(body, 16<<20))
			if err := d.Decode(&m); err != nil {
				return m, damaged("backup.unreadable")
			}
			complete = true
			continue
		case "format.json":
			b, err := io.ReadAll(io.LimitReader(body, 1<<20))
			var head Header
			if err == nil {
				err = json.Unmarshal(b, &head)
			}
			if err != nil || count > 0 {
				return m, damaged("backup.unreadable")
			}
			if head.Format != version {
				return m, fmt.Errorf("this archive has format %d and this program reads format %d: use the version %s of Marelle", head.Format, version, head.Program)
			}
			if err := visit(h.Name, h.Size, bytes.NewReader(b)); err != nil {
				return m, err
			}
		default:
			if count == 0 {
				return m, damaged("backup.foreign")
			}
			if err := visit(h.Name, h.Size, body); err != nil {
				return m, body.blame(err)
			}
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			return m, damaged("backup.broken")
		}
		count++
		b, err := json.Marshal(entry{h.Name, h.Size, hex.EncodeToString(sum.Sum(nil))})
		if err != nil {
			return m, err
		}
		if err := seen.line(b); err != nil {
			return m, err
		}
	}
	switch {
	case !complete:
		return m, damaged("backup.broken")
	case listed != m.Sum || count != m.Entries:
		return m, damaged("backup.altered", "entry", "MANIFEST")
	}
	return m, nil
}

// counted remembers whether reading failed, so that a visitor's failure is
// blamed on the archive when it comes from there.
type counted struct {
	r   io.Reader
	err error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}

func (c *counted) blame(err error) error {
	if c.err != nil {
		return errs.Wrap(errs.Invalid, c.err, "backup.broken")
	}
	return err
}

// same compares the archive's own list with what was read.
func same(list io.Reader, seen *spool) error {
	mine, _, err := seen.rewind()
	if err != nil {
		return err
	}
	a, b := bufio.NewReader(list), bufio.NewReader(mine)
	for {
		x, errX := a.ReadBytes('\n')
		y, errY := b.ReadBytes('\n')
		if !bytes.Equal(x, y) {
			var want entry
			_ = json.Unmarshal(x, &want)
			if want.Name == "" {
				_ = json.Unmarshal(y, &want)
			}
			return damaged("backup.altered", "entry", want.Name)
		}
		if errX == io.EOF && errY == io.EOF {
			return nil
		}
		if errX != nil || errY != nil {
			return damaged("backup.unreadable")
		}
	}
}

// Target is where an archive goes.
type Target struct {
	DB         *db.DB // without any row of ours; without any table, rather
	Blobs      blob.Store
	Migrations []fs.FS // of this program
	Kinds      []jobs.Kind
	Clock      *clock.Clock
	// Secret is handed the secret file, when the archive has one.
	Secret func([]byte) error
}

// Restore loads an archive. It reads it twice: once to see that it is whole,
// then to load it in one transaction. The schema is brought to the state of the
// archive, loaded, and then brought up to date, so that later migrations find
// the rows that they expect.
func Restore(ctx context.Context, from io.ReadSeeker, t Target) (Manifest, error) {
	m, err := Check(from)
	if err != nil {
		return m, err
	}
	if _, err := from.Seek(0, io.SeekStart); err != nil {
		return m, err
	}
	if err := t.prepare(ctx, m); err != nil {
		return m, err
	}
	queue, err := jobs.New(t.DB, jobs.Options{Kinds: t.Kinds, Clock: t.Clock})
	if err != nil {
		return m, err
	}
	if err := t.DB.Write(ctx, func(tx *db.Tx) error {
		l := loader{ctx: ctx, tx: tx, target: t, queue: queue, rows: map[string]int64{}}
		return l.load(from, m)
	}); err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	if _, err := t.DB.Migrate(ctx, nil, t.Migrations...); err != nil {
		return m, err
	}
	return m, nil
}

// prepare makes the archive's tables in an empty database.
func (t Target) prepare(ctx context.Context, m Manifest) error {
	if err := t.empty(ctx); err != nil {
		return err
	}
	known := map[int64]bool{}
	for _, f := range t.Migrations {
		names, err := fs.Glob(f, "*.sql")
		if err != nil {
			return err
		}
		for _, n := range names {
			known[number(n)] = true
		}
	}
	for _, v := range m.Migrations {
		if !known[v] {
			return fmt.Errorf("this archive comes from a newer Marelle (%s) than this one: upgrade first", m.Program)
		}
	}
	if err := jobs.Migrate(ctx, t.DB); err != nil {
		return err
	}
	chosen := make([]fs.FS, len(t.Migrations))
	for i, f := range t.Migrations {
		chosen[i] = some{f, m.Migrations}
	}
	if _, err := t.DB.Migrate(ctx, nil, chosen...); err != nil {
		return err
	}
	have, err := migrations(ctx, t.DB)
	if err != nil {
		return err
	}
	if len(have) != len(m.Migrations) {
		return errors.New("the database was prepared by a newer Marelle than the archive: name one without any table")
	}
	return nil
}

// empty refuses a database where somebody lives.
func (t Target) empty(ctx context.Context) error {
	return t.DB.Snapshot(ctx, func(tx *db.Tx) error {
		tables, err := catalogue(ctx, tx)
		if err != nil {
			return err
		}
		for _, name := range []string{"person", "school", "setting", "audit"} {
			if !slices.ContainsFunc(tables, func(t table) bool { return t.Name == name }) {
				continue
			}
			n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM (SELECT 1 FROM `+name+` LIMIT 1) x`)
			if err != nil {
				return err
			}
			if n > 0 {
				return ErrNotEmpty
			}
		}
		return nil
	})
}

// number is the version of a migration file: the digits before its first
// underscore.
func number(name string) int64 {
	digits, _, _ := strings.Cut(name, "_")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// some shows those of a folder's migrations whose versions are listed.
type some struct {
	fs.FS
	versions []int64
}

func (s some) Open(name string) (fs.File, error) {
	if name != "." && !slices.Contains(s.versions, number(name)) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return s.FS.Open(name)
}

func (s some) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(s.FS, pattern)
	return slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(s.versions, number(n)) }), err
}

// loader loads one archive in one transaction.
type loader struct {
	ctx    context.Context
	tx     *db.Tx
	target Target
	queue  *jobs.Queue
	tables []table
	rows   map[string]int64
	jobs   int
	blobs  int64
}

func (l *loader) load(from io.Reader, want Manifest) error {
	var err error
	if l.tables, err = catalogue(l.ctx, l.tx); err != nil {
		return err
	}
	end, err := deferKeys(l.ctx, l.tx)
	if err != nil {
		return err
	}
	// What migrations put there (states, profiles) comes with the archive too.
	for _, t := range l.tables {
		if _, archived := want.Tables[t.Name]; archived {
			if _, err := l.tx.Exec(l.ctx, `DELETE FROM `+t.Name); err != nil {
				return err
			}
		}
	}
	m, err := read(from, l.entry)
	if err != nil {
		return err
	}
	for name, n := range m.Tables {
		if l.rows[name] != n {
			return damaged("backup.rows", "table", name, "rows", l.rows[name], "want", n)
		}
	}
	if m.Sum != want.Sum || l.jobs != m.Jobs || l.blobs != m.Blobs {
		return damaged("backup.changed")
	}
	return end()
}

func (l *loader) entry(name string, size int64, r io.Reader) error {
	kind, rest, _ := strings.Cut(name, "/")
	switch kind {
	case "tables":
		return l.table(r)
	case "jobs.jsonl":
		return l.waiting(r)
	case "blobs":
		l.blobs++
		return l.target.Blobs.Put(l.ctx, rest, r, size)
	case "secret":
		b, err := io.ReadAll(io.LimitReader(r, 4<<10))
		if err != nil || l.target.Secret == nil {
			return err
		}
		return l.target.Secret(b)
	case "format.json":
		return nil
	}
	return fmt.Errorf("this archive holds %q, which this program does not know", name)
}

// table loads one chunk of rows.
func (l *loader) table(r io.Reader) error {
	d := json.NewDecoder(r)
	d.UseNumber()
	var head table
	if err := d.Decode(&head); err != nil {
		return err
	}
	at := slices.IndexFunc(l.tables, func(t table) bool { return t.Name == head.Name })
	if at < 0 {
		return fmt.Errorf("no table %q here", head.Name)
	}
	here := map[string]string{}
	for _, c := range l.tables[at].Columns {
		here[c.Name] = c.Type
	}
	for _, c := range head.Columns {
		if here[c.Name] != c.Type {
			return fmt.Errorf("column %s.%s is %q here and %q in the archive", head.Name, c.Name, here[c.Name], c.Type)
		}
	}
	text := `INSERT INTO ` + head.Name + ` (` + head.columns() + `) VALUES `
	var batch [][]any
	held := 0
	flush := func() error {
		n, err := db.Insert(l.ctx, l.tx, text, "", batch)
		l.rows[head.Name] += n
		batch, held = batch[:0], 0
		if err != nil {
			return fmt.Errorf("table %s: %w", head.Name, err)
		}
		return nil
	}
	for d.More() {
		var line []any
		if err := d.Decode(&line); err != nil {
			return err
		}
		if len(line) != len(head.Columns) {
			return fmt.Errorf("table %s: a row of %d values", head.Name, len(line))
		}
		for i, c := range head.Columns {
			var err error
			if line[i], err = c.decode(line[i]); err != nil {
				return fmt.Errorf("table %s: %w", head.Name, err)
			}
		}
		batch = append(batch, line)
		if held++; held == 500 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// kept is a job as it was, whatever its kind.
type kept struct{ job }

func (k kept) Kind() string                 { return k.job.Kind }
func (k kept) MarshalJSON() ([]byte, error) { return k.job.Args, nil }

func (l *loader) waiting(r io.Reader) error {
	for d := json.NewDecoder(r); d.More(); {
		var j job
		if err := d.Decode(&j); err != nil {
			return err
		}
		var err error
		if wait := time.Until(j.At); wait > 0 {
			err = l.queue.AddAt(l.ctx, l.tx, l.target.Clock.Now().Add(wait), kept{j})
		} else {
			err = l.queue.Add(l.ctx, l.tx, kept{j})
		}
		if err != nil {
			return fmt.Errorf("job %s: %w", j.Kind, err)
		}
		l.jobs++
	}
	return nil
}

// deferKeys lets foreign keys be broken until the end of the transaction, so
// that tables load in any order; what it returns checks them all.
func deferKeys(ctx context.Context, tx *db.Tx) (end func() error, err error) {
	if tx.Dialect() == db.SQLite {
		_, err := tx.Exec(ctx, `PRAGMA defer_foreign_keys = ON`)
		return func() error { return nil }, err // checked by COMMIT
	}
	list, err := db.All[struct{ Tab, Name string }](ctx, tx, `SELECT conrelid::regclass::text AS tab, conname AS name FROM pg_constraint
		WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND NOT condeferrable ORDER BY 1, 2`)
	if err != nil {
		return nil, err
	}
	alter := func(how string) error {
		for _, c := range list {
			if _, err := tx.Exec(ctx, `ALTER TABLE `+c.Tab+` ALTER CONSTRAINT `+quote(c.Name)+how); err != nil {
				return err
			}
		}
		return nil
	}
	if err := alter(` DEFERRABLE INITIALLY DEFERRED`); err != nil {
		return nil, err
	}
	return func() error {
		if _, err := tx.Exec(ctx, `SET CONSTRAINTS ALL IMMEDIATE`); err != nil {
			return err
		}
		return alter(` NOT DEFERRABLE`)
	}, nil
}
