package documents

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// packedOf writes a ZIP by hand: names as they come, modes and flags as given.
func packedOf(t testing.TB, entries ...zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, h := range entries {
		body := []byte("Bonjour")
		if strings.HasSuffix(h.Name, "/") {
			body = nil
		}
		h.CompressedSize64, h.UncompressedSize64 = uint64(len(body)), max(uint64(len(body)), h.UncompressedSize64)
		w, err := z.CreateRaw(&h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(body); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, b []byte) (parcel, error) {
	t.Helper()
	z, err := openZip(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return parcel{}, err
	}
	return inspect(z, int64(len(b)))
}

// Entries by the hundred thousand are refused before they are in memory.
func TestAZipOfTooManyEntriesTakesNoMemory(t *testing.T) {
	entries := make([]zip.FileHeader, 200_000)
	for n := range entries {
		entries[n].Name = strconv.Itoa(n)
	}
	b := packedOf(t, entries...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := read(t, b)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "zip=documents.zip.many") {
		t.Errorf("refused by %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 40<<20 {
		t.Errorf("%d MB for a list of %d entries", took>>20, len(entries))
	}
}

func TestAZipThatIsNoTreeIsRefused(t *testing.T) {
	link := zip.FileHeader{Name: "lien"}
	link.SetMode(fs.ModeSymlink | 0o777)
	many := make([]zip.FileHeader, unpackedFiles+1)
	for n := range many {
		many[n].Name = strings.Repeat("a", n%50) + strings.Repeat("b", n/50) + ".txt"
	}
	for want, entries := range map[string][]zip.FileHeader{
		"documents.zip.path":   {{Name: "../dehors.txt"}},
		"documents.zip.path ":  {{Name: "/etc/passwd"}},
		"documents.zip.path  ": {{Name: `..\dehors.txt`}},
		"documents.zip.path d": {{Name: `C:\dehors.txt`}},
		"documents.zip.path n": {{Name: "a/\x00/b"}},
		"documents.zip.path v": {{Name: "a//b"}},
		"documents.zip.link":   {link},
		"documents.zip.locked": {{Name: "a.txt", Flags: 1}},
		"documents.zip.many":   many,
		"documents.zip.large":  {{Name: "a.txt", UncompressedSize64: unpackedBytes + 1}},
		"documents.zip.large ": {{Name: "a.txt", UncompressedSize64: 1 << 63}},
		"documents.zip.trap":   {{Name: "a.txt", UncompressedSize64: 100 << 20}},
		"documents.too_deep":   {{Name: strings.Repeat("a/", deepest) + "b"}},
		"documents.zip.empty":  {{Name: "__MACOSX/a"}, {Name: ".DS_Store"}},
	} {
		_, err := read(t, packedOf(t, entries...))
		if err == nil || !strings.Contains(err.Error(), "zip="+strings.TrimRight(want, " dnv")) {
			t.Errorf("%s: %v", want, err)
		}
	}
	p, err := read(t, packedOf(t, zip.FileHeader{Name: "a/b/c.txt"}, zip.FileHeader{Name: "a/"}, zip.FileHeader{Name: "a/b/"}, zip.FileHeader{Name: `d\e.txt`}))
	if err != nil || len(p.items) != 5 {
		t.Errorf("%d items, %v", len(p.items), err)
	}
}

// FuzzUnzip: whatever the bytes, what is to be unpacked is a tree within its
// bounds: go test -fuzz FuzzUnzip ./internal/apps/documents.
func FuzzUnzip(f *testing.F) {
	f.Add(packedOf(f, zip.FileHeader{Name: "a/b/c.txt"}, zip.FileHeader{Name: `d\é.txt`, NonUTF8: true}))
	f.Add(packedOf(f, zip.FileHeader{Name: "../x"}, zip.FileHeader{Name: "__MACOSX/y"}))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
			return
		}
		p, err := inspect(z, int64(len(b)))
		if err != nil {
			return
		}
		known := map[string]bool{"": true}
		var size int64
		for _, i := range p.items {
			if !known[i.in] || i.name == "" || i.name == "." || i.name == ".." || strings.ContainsAny(i.name, "/\\\x00") {
				t.Fatalf("%q in %q", i.name, i.in)
			}
			if i.file == nil {
				known[strings.TrimPrefix(i.in+"/"+i.name, "/")] = true
			} else {
				size += int64(i.file.UncompressedSize64)
			}
		}
		if len(p.items) > copiesMax || size > unpackedBytes || size != p.size {
			t.Fatalf("%d items of %d octets", len(p.items), size)
		}
	})
}
