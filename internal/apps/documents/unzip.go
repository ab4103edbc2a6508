package documents

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	slash "path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Bounds of a ZIP that is unpacked: it is taken whole, within one request, or
// not at all.
const (
	unpackedFiles = 300
	unpackedBytes = 300 << 20
	unpackedRatio = 200 // times its own size, past which it is a trap
	// unpackedList bounds what lists its entries, which is kept in memory: some 45,000
	// of the shortest, and twice what is unpacked with the longest names.
	unpackedList = 2 << 20
)

// parcel is a ZIP as it will be unpacked: what lies in which folder. Folders
// come before what lies in them.
type parcel struct {
	items []parcelItem
	size  int64 // unpacked, as it says
}

type parcelItem struct {
	in, name string // the folder's path, "" at the top
	file     *zip.File
}

// refusal is why a ZIP is not unpacked, said of one of its entries.
func refusal(key, name string, pairs ...any) error {
	if r := []rune(name); len(r) > 60 {
		name = string(r[:60]) + "…"
	}
	return errs.Field("zip", key, append(pairs, "name", strings.ToValidUTF8(name, "?"))...)
}

// counted lets so many bytes be read.
type counted struct {
	io.ReaderAt
	left int64
}

var errMany = errors.New("a list of entries over its bound")

func (c *counted) ReadAt(p []byte, off int64) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, errMany
	}
	return c.ReaderAt.ReadAt(p, off)
}

// openZip reads the list of a ZIP, within its bound.
func openZip(r io.ReaderAt, size int64) (*zip.Reader, error) {
	list := &counted{r, unpackedList}
	z, err := zip.NewReader(list, size)
	switch {
	case errors.Is(err, errMany):
		return nil, refusal("documents.zip.many", "", "n", unpackedFiles)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath): // those are refused by name
		return nil, refusal("documents.zip.broken", "")
	}
	list.left = math.MaxInt64 // its files are read by what they say of themselves
	return z, nil
}

// inspect reads the directory of a ZIP and refuses what is no tree of plain
// files: ways out of it, links, locked entries, more than would be unpacked. It
// unpacks nothing: what entries say of their size is held to when they are read.
func inspect(z *zip.Reader, size int64) (parcel, error) {
	var p parcel
	folders := map[string]bool{"": true}
	files := 0
	for _, f := range z.File {
		name, err := entryName(f)
		if err != nil {
			return p, err
		}
		if name == "" { // what systems leave behind
			continue
		}
		switch {
		case f.Flags&1 != 0:
			return p, refusal("documents.zip.locked", name)
		case !f.Mode().IsRegular() && !f.Mode().IsDir():
			return p, refusal("documents.zip.link", name)
		case strings.Count(name, "/") >= deepest-1:
			return p, refusal("documents.too_deep", name, "n", deepest)
		}
		dir, last := slash.Split(strings.TrimSuffix(name, "/"))
		dir = strings.TrimSuffix(dir, "/")
		at := ""
		for _, step := range strings.Split(dir, "/") {
			if dir == "" {
				break
			}
			if whole := slash.Join(at, step); !folders[whole] {
				folders[whole] = true
				p.items = append(p.items, parcelItem{in: at, name: step})
			}
			at = slash.Join(at, step)
		}
		if f.Mode().IsDir() {
			if whole := slash.Join(dir, last); !folders[whole] {
				folders[whole] = true
				p.items = append(p.items, parcelItem{in: dir, name: last})
			}
		} else {
			files++
			if f.UncompressedSize64 > unpackedBytes {
				return p, refusal("documents.zip.large", name, "max", i18n.Size(unpackedBytes))
			}
			p.size += int64(f.UncompressedSize64)
			p.items = append(p.items, parcelItem{in: dir, name: last, file: f})
		}
		switch {
		case files > unpackedFiles || len(p.items) > copiesMax:
			return p, refusal("documents.zip.many", name, "n", unpackedFiles)
		case p.size > unpackedBytes:
			return p, refusal("documents.zip.large", name, "max", i18n.Size(unpackedBytes))
		case p.size > 10<<20 && p.size/unpackedRatio > size:
			return p, refusal("documents.zip.trap", name)
		}
	}
	if len(p.items) == 0 {
		return p, refusal("documents.zip.empty", "")
	}
	return p, nil
}

// entryName is the path of an entry, in clear and within the ZIP.
func entryName(f *zip.File) (string, error) {
	name := f.Name
	if f.NonUTF8 || !utf8.ValidString(name) { // old programs write as DOS did
		if s, err := charmap.CodePage850.NewDecoder().String(name); err == nil {
			name = s
		}
	}
	name = strings.ReplaceAll(name, `\`, "/")
	plain := strings.TrimSuffix(name, "/")
	if !fs.ValidPath(plain) || plain == "." || strings.ContainsRune(name, 0) || len(plain) > 1 && plain[1] == ':' {
		return "", refusal("documents.zip.path", name)
	}
	for _, part := range strings.Split(plain, "/") {
		if part == "__MACOSX" || part == ".DS_Store" || part == "Thumbs.db" || part == "desktop.ini" {
			return "", nil
		}
	}
	return name, nil
}

// unpack reads a ZIP of a document and keeps its files, before any row of theirs
// is written: nothing of a ZIP that is refused on the way shows anywhere, and
// its bytes are swept.
func unpack(ctx context.Context, core *app.Core, g rights.Grant, key string, size int64) (parcel, map[*zip.File]file.Received, error) {
	in, err := core.Blobs.OpenRange(ctx, key, 0, -1)
	if err != nil {
		return parcel{}, nil, fmt.Errorf("unpack: %w", err)
	}
	defer in.Close()
	whole, err := core.Spool.Take(ctx, in, size)
	if whole != nil { // also where the source broke
		defer whole.Close()
	}
	if err != nil {
		return parcel{}, nil, fmt.Errorf("unpack: %w", err)
	}
	z, err := openZip(whole, whole.Size)
	if err != nil {
		return parcel{}, nil, err
	}
	p, err := inspect(z, size)
	if err != nil {
		return p, nil, err
	}
	if err := file.Room(ctx, core.DB, g.Viewer().Now, g.School(), g.Viewer().Person, p.size); err != nil {
		return p, nil, atField(err, "zip")
	}
	got := map[*zip.File]file.Received{}
	for _, i := range p.items {
		if i.file == nil {
			continue
		}
		if got[i.file], err = unpackOne(ctx, core, g, i); err != nil {
			return p, nil, err
		}
	}
	return p, got, nil
}

func unpackOne(ctx context.Context, core *app.Core, g rights.Grant, i parcelItem) (file.Received, error) {
	in, err := i.file.Open()
	if err != nil {
		return file.Received{}, refusal("documents.zip.broken", i.name)
	}
	defer in.Close()
	// The reader of the package stops at the size that the entry says, and fails
	// when more comes or less.
	got, err := file.ReceiveAny(ctx, core, g.School(), g.Viewer().Person, i.name, in)
	if e := errs.As(err); e != nil && e.Kind == errs.Invalid {
		for _, m := range e.Fields {
			return got, refusal("documents.zip.of", i.name, "fault", core.Catalog.Render(m.Key, m.Args))
		}
	}
	if errors.Is(err, zip.ErrChecksum) || errors.Is(err, zip.ErrFormat) || errors.Is(err, zip.ErrAlgorithm) || errors.Is(err, io.ErrUnexpectedEOF) {
		return got, refusal("documents.zip.broken", i.name)
	}
	return got, err
}
