// Command build makes internal/ui/dist from internal/ui/web: style sheet,
// scripts, fonts, icon sprites and drawings, each with a hash of its bytes in
// its name. It is run by hand after a change in web (go generate ./internal/ui)
// and by CI, which refuses a difference: the same sources give the same bytes.
// It knows nothing of pages or of what the icons mean.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// fonts maps a published name to a file of the npm packages: Latin only, since
// Latin-ext costs as much again and only Atkinson (names of people) needs it.
var fonts = map[string]string{
	"fonts/bricolage.woff2":        "@fontsource-variable/bricolage-grotesque/files/bricolage-grotesque-latin-wdth-normal.woff2",
	"fonts/atkinson.woff2":         "@fontsource-variable/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-wght-normal.woff2",
	"fonts/atkinson-ext.woff2":     "@fontsource-variable/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-ext-wght-normal.woff2",
	"fonts/atkinson-italic.woff2":  "@fontsource-variable/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-wght-italic.woff2",
	"fonts/andika-400.woff2":       "@fontsource/andika/files/andika-latin-400-normal.woff2",
	"fonts/andika-700.woff2":       "@fontsource/andika/files/andika-latin-700-normal.woff2",
	"fonts/opendyslexic-400.woff2": "@fontsource/opendyslexic/files/opendyslexic-latin-400-normal.woff2",
	"fonts/opendyslexic-700.woff2": "@fontsource/opendyslexic/files/opendyslexic-latin-700-normal.woff2",
}

func main() {
	log.SetFlags(0)
	root := flag.String("root", ".", "root of the module, where node_modules lies")
	flag.Parse()
	if err := run(*root); err != nil {
		log.Fatal(err)
	}
}

func run(root string) error {
	b := &builder{
		web:     filepath.Join(root, "internal/ui/web"),
		modules: filepath.Join(root, "node_modules"),
		files:   map[string][]byte{},
		urls:    map[string]string{},
	}
	if _, err := os.Stat(b.modules); err != nil {
		return fmt.Errorf("node_modules is missing: run npm ci first (%w)", err)
	}
	for _, step := range []func() error{b.fonts, b.licences, b.static, b.sprites, b.drawings, b.styles, b.scripts} {
		if err := step(); err != nil {
			return err
		}
	}
	return b.write(filepath.Join(root, "internal/ui/dist"))
}

type builder struct {
	web, modules string
	files        map[string][]byte // hashed name → bytes
	urls         map[string]string // plain name → address
}

// add keeps bytes under name with their hash before the extension.
func (b *builder) add(name string, data []byte) {
	sum := sha256.Sum256(data)
	ext := path.Ext(name)
	hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
	b.files[hashed] = data
	b.urls[name] = "/_/" + hashed
}

func (b *builder) fonts() error {
	for name, from := range fonts {
		data, err := os.ReadFile(filepath.Join(b.modules, from))
		if err != nil {
			return err
		}
		b.add(name, data)
	}
	return nil
}

// licences keeps the texts that the fonts and icons must travel with
// (SIL OFL 1.1 §2, MIT).
func (b *builder) licences() error {
	for name, from := range map[string]string{
		"atkinson-hyperlegible-next": "@fontsource-variable/atkinson-hyperlegible-next/LICENSE",
		"bricolage-grotesque":        "@fontsource-variable/bricolage-grotesque/LICENSE",
		"andika":                     "@fontsource/andika/LICENSE",
		"opendyslexic":               "@fontsource/opendyslexic/LICENSE",
		"phosphor-icons":             "@phosphor-icons/core/LICENSE",
	} {
		data, err := os.ReadFile(filepath.Join(b.modules, from))
		if err != nil {
			return err
		}
		b.add("licences/"+name+".txt", data)
	}
	return nil
}

// static publishes the files of web/static as they are.
func (b *builder) static() error {
	dir := filepath.Join(b.web, "static")
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		b.add(filepath.ToSlash(rel), data)
		return nil
	})
}

var svgTag = regexp.MustCompile(`(?s)<svg([^>]*)>(.*)</svg>`)
var viewBox = regexp.MustCompile(`viewBox="[^"]*"`)
var aspect = regexp.MustCompile(`preserveAspectRatio="[^"]*"`)

// symbol turns a file into a <symbol> of the given id.
func symbol(id string, svg []byte) (string, error) {
	m := svgTag.FindSubmatch(svg)
	if m == nil {
		return "", fmt.Errorf("%s: not an svg", id)
	}
	attrs := string(viewBox.Find(m[1]))
	if a := aspect.Find(m[1]); a != nil {
		attrs += " " + string(a)
	}
	return `<symbol id="` + id + `" ` + attrs + `>` + strings.TrimSpace(string(m[2])) + "</symbol>\n", nil
}

func sprite(symbols string) []byte {
	return []byte("<svg xmlns=\"http://www.w3.org/2000/svg\">\n" + symbols + "</svg>\n")
}

// sprites makes sprite.svg (icons of every page) and extra.svg (the others)
// from web/icons.txt.
func (b *builder) sprites() error {
	list, err := os.ReadFile(filepath.Join(b.web, "icons.txt"))
	if err != nil {
		return err
	}
	name, out := "sprite.svg", strings.Builder{}
	seen := map[string]bool{}
	var missing []string
	for _, id := range strings.Fields(regexp.MustCompile(`(?m)^#.*$`).ReplaceAllString(string(list), "")) {
		if id == "extra" {
			b.add(name, sprite(out.String()))
			name = "extra.svg"
			out.Reset()
			continue
		}
		if seen[id] {
			return fmt.Errorf("icons.txt: %s twice", id)
		}
		seen[id] = true
		file := "bold/" + id + "-bold.svg"
		if plain, ok := strings.CutPrefix(id, "f-"); ok {
			file = "fill/" + plain + "-fill.svg"
		}
		data, err := os.ReadFile(filepath.Join(b.modules, "@phosphor-icons/core/assets", file))
		if err != nil {
			missing = append(missing, id)
			continue
		}
		s, err := symbol(id, data)
		if err != nil {
			return err
		}
		out.WriteString(s)
	}
	if missing != nil {
		return fmt.Errorf("icons.txt: not in Phosphor: %s", strings.Join(missing, ", "))
	}
	b.add(name, sprite(out.String()))
	return nil
}

// drawings makes dessins.svg from web/dessins: decor of the yard, which takes
// its colours from the page (custom properties reach through <use>).
func (b *builder) drawings() error {
	files, err := filepath.Glob(filepath.Join(b.web, "dessins", "*.svg"))
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		s, err := symbol(strings.TrimSuffix(filepath.Base(f), ".svg"), data)
		if err != nil {
			return err
		}
		out.WriteString(s)
	}
	b.add("dessins.svg", sprite(out.String()))
	return nil
}

var assetURL = regexp.MustCompile(`asset:([\w./-]+)`)

// styles bundles every web/css/*.css that no other imports, by convention
// app.css and the sheets of single pages (page-*.css).
func (b *builder) styles() error {
	entries, err := filepath.Glob(filepath.Join(b.web, "css", "page-*.css"))
	if err != nil {
		return err
	}
	for _, e := range append([]string{filepath.Join(b.web, "css", "app.css")}, entries...) {
		css, err := bundle(e, "")
		if err != nil {
			return err
		}
		var unknown error
		css = assetURL.ReplaceAllFunc(css, func(m []byte) []byte {
			u, ok := b.urls[string(m[len("asset:"):])]
			if !ok {
				unknown = fmt.Errorf("%s: no such asset: %s", filepath.Base(e), m)
			}
			return []byte(u)
		})
		if unknown != nil {
			return unknown
		}
		b.add(filepath.Base(e), css)
	}
	return nil
}

// scripts bundles every web/js/entry-*.ts to its own module: entry-app.ts
// becomes app.js.
func (b *builder) scripts() error {
	entries, err := filepath.Glob(filepath.Join(b.web, "js", "entry-*.ts"))
	if err != nil {
		return err
	}
	for _, e := range entries {
		js, err := bundle(e, b.modules)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(e), "entry-"), ".ts")
		b.add(name+".js", js)
	}
	return nil
}

func bundle(entry, modules string) ([]byte, error) {
	o := api.BuildOptions{
		EntryPoints:       []string{entry},
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		// Nesting and :is() are lowered by nothing: all browsers since 2023 have them.
		External:      []string{"asset:*"},
		LegalComments: api.LegalCommentsNone,
		Charset:       api.CharsetUTF8,
		Outdir:        "out",
		Write:         false,
	}
	if modules != "" {
		o.NodePaths = []string{modules}
	}
	r := api.Build(o)
	if len(r.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(r.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage}), "\n"))
	}
	if len(r.Warnings) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(r.Warnings, api.FormatMessagesOptions{Kind: api.WarningMessage}), "\n"))
	}
	if len(r.OutputFiles) != 1 {
		return nil, fmt.Errorf("%s: %d files come out, want 1", entry, len(r.OutputFiles))
	}
	return r.OutputFiles[0].Contents, nil
}

// write replaces the folder by the files built; a file that already has the
// right bytes is left alone.
func (b *builder) write(dir string) error {
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if b.files[filepath.ToSlash(rel)] == nil {
			return os.Remove(p)
		}
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for name, data := range b.files {
		p := filepath.Join(dir, filepath.FromSlash(name))
		if old, err := os.ReadFile(p); err == nil && bytes.Equal(old, data) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(p, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
