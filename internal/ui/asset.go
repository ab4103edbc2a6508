package ui

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Prefix is where Assets must be mounted.
const Prefix = "/_/"

//go:embed dist
var dist embed.FS

// addresses maps a plain name ("app.css") to its hashed address. It is made
// once from the names of the embedded files and never written again.
var addresses = index()

func index() map[string]string {
	m := map[string]string{}
	err := fs.WalkDir(dist, "dist", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		hashed := strings.TrimPrefix(p, "dist/")
		ext := path.Ext(hashed)
		rest := strings.TrimSuffix(hashed, ext)
		m[strings.TrimSuffix(rest, path.Ext(rest))+ext] = Prefix + hashed
		return nil
	})
	if err != nil {
		panic(err) // an embedded folder that cannot be read
	}
	return m
}

// Asset gives the address of a built file by its plain name, "app.css",
// "avatars/renard.svg"; "" for an unknown one. The address changes with the
// bytes, so it may be kept by browsers for ever.
func Asset(name string) string { return addresses[name] }

// Licence is the text that a font or a set of icons travels with.
type Licence struct{ Name, Text string }

// Licences lists what is embedded here and is not ours, by name.
func Licences() []Licence {
	var out []Licence
	for name, address := range addresses {
		if short, ok := strings.CutPrefix(name, "licences/"); ok {
			text, err := dist.ReadFile("dist/" + strings.TrimPrefix(address, Prefix))
			if err != nil {
				panic(err) // the name was read from the same embedded folder
			}
			out = append(out, Licence{Name: strings.TrimSuffix(short, ".txt"), Text: string(text)})
		}
	}
	slices.SortFunc(out, func(a, b Licence) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// Assets serves the built files under Prefix, for ever cacheable, compressed
// when that helps. It answers 404 to any other name.
func Assets() http.Handler {
	files := make(map[string]*asset, len(addresses))
	for _, address := range addresses {
		files[address] = newAsset(strings.TrimPrefix(address, Prefix))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f := files[r.URL.Path]
		if f == nil {
			http.NotFound(w, r)
			return
		}
		f.serve(w, r)
	})
}

// asset is one embedded file. Its bytes stay in the binary until they are asked
// for: together they are more than the rest of the server keeps.
type asset struct {
	name, kind string
	gz         func() []byte // nil when the format is compressed already
}

// kinds of the files that build makes; the system's own table differs from one
// machine to the next.
var kinds = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".txt":   "text/plain; charset=utf-8",
	".png":   "image/png",
	".woff2": "font/woff2",
}

func newAsset(name string) *asset {
	a := &asset{name: name, kind: kinds[path.Ext(name)]}
	switch path.Ext(name) {
	case ".css", ".js", ".svg", ".txt":
		a.gz = sync.OnceValue(func() []byte {
			var b bytes.Buffer
			w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
			if err != nil {
				return nil
			}
			if _, err := w.Write(a.plain()); err != nil {
				return nil
			}
			if err := w.Close(); err != nil {
				return nil
			}
			return b.Bytes()
		})
	}
	return a
}

func (a *asset) plain() []byte {
	data, err := dist.ReadFile("dist/" + a.name)
	if err != nil {
		panic(err) // the name was read from the same embedded folder
	}
	return data
}

func (a *asset) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	var body []byte
	if a.gz != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			if z := a.gz(); z != nil {
				h.Set("Content-Encoding", "gzip")
				body = z
			}
		}
	}
	if body == nil {
		body = a.plain()
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodHead {
		return
	}
	// A client that goes away is no fault of the server.
	_, _ = w.Write(body)
}
