package ui_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

func catalogue(t testing.TB) *i18n.Catalog {
	t.Helper()
	c, err := i18n.New(ui.Messages)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t testing.TB, h http.Handler, path string, gzipped bool) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if gzipped {
		r.Header.Set("Accept-Encoding", "gzip")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r.WithContext(i18n.With(r.Context(), catalogue(t))))
	return w
}

// The first view must fit in 60 kB without fonts (aim: 35), fonts in 115 kB.
func TestFirstViewIsLight(t *testing.T) {
	assets := ui.Assets()
	var page bytes.Buffer
	z := gzip.NewWriter(&page)
	if _, err := z.Write(get(t, ui.KitHandler(), "/kit/accueil", false).Body.Bytes()); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	total := page.Len()
	for _, n := range []string{"app.css", "app.js", "sprite.svg"} {
		w := get(t, assets, ui.Asset(n), true)
		if w.Header().Get("Content-Encoding") != "gzip" {
			t.Errorf("%s is not compressed", n)
		}
		total += w.Body.Len()
	}
	if total > 35_000 {
		t.Errorf("first view: %d bytes, want 35000 at most", total)
	}
	fonts := 0
	for _, n := range []string{"fonts/bricolage.woff2", "fonts/atkinson.woff2"} {
		fonts += get(t, assets, ui.Asset(n), true).Body.Len()
	}
	if fonts > 115_000 {
		t.Errorf("fonts: %d bytes, want 115000 at most", fonts)
	}
}

func TestAssets(t *testing.T) {
	h := ui.Assets()
	for name, kind := range map[string]string{"app.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "sprite.svg": "image/svg+xml", "fonts/andika-400.woff2": "font/woff2", "icons/marelle-512.png": "image/png"} {
		w := get(t, h, ui.Asset(name), false)
		if w.Code != 200 || w.Header().Get("Content-Type") != kind {
			t.Errorf("%s at %q: %d %s", name, ui.Asset(name), w.Code, w.Header().Get("Content-Type"))
		}
		if c := w.Header().Get("Cache-Control"); !strings.Contains(c, "immutable") {
			t.Errorf("%s: Cache-Control %q", name, c)
		}
	}
	for _, p := range []string{"/_/app.css", "/_/", "/_/../ui.go"} {
		if w := get(t, h, p, false); w.Code != 404 {
			t.Errorf("%s: %d, want 404", p, w.Code)
		}
	}
	if u := ui.Asset("nothing.css"); u != "" {
		t.Errorf("an unknown asset has the address %q", u)
	}
}

// Every address that the style sheet and the pages ask for exists.
func TestNothingIsMissing(t *testing.T) {
	h := ui.Assets()
	texts := []string{get(t, h, ui.Asset("app.css"), false).Body.String()}
	for _, p := range []string{"/kit", "/kit/accueil", "/kit/eleve", "/kit/connexion", "/kit/erreur"} {
		texts = append(texts, get(t, ui.KitHandler(), p, false).Body.String())
	}
	seen := 0
	for _, text := range texts {
		for _, u := range regexp.MustCompile(`/_/[\w./-]+`).FindAllString(text, -1) {
			seen++
			if w := get(t, h, u, false); w.Code != 200 {
				t.Errorf("%s: %d", u, w.Code)
			}
		}
		if strings.Contains(text, "asset:") {
			t.Error("an asset: address was left in")
		}
	}
	if seen < 50 {
		t.Errorf("only %d addresses seen", seen)
	}
}

// kitPages are the addresses that the kit's first page leads to, and itself.
func kitPages(t *testing.T) []string {
	t.Helper()
	pages := []string{"/kit"}
	nav := regexp.MustCompile(`(?s)aria-label="Autres planches">.*?</nav>`).FindString(get(t, ui.KitHandler(), "/kit", false).Body.String())
	for _, m := range regexp.MustCompile(`href="([^"]+)"`).FindAllStringSubmatch(nav, -1) {
		pages = append(pages, m[1])
	}
	if len(pages) < 19 {
		t.Fatalf("the kit leads to %d pages only", len(pages))
	}
	return pages
}

// Pages hold nothing that the policy forbids, and every message is known.
func TestPagesKeepThePolicy(t *testing.T) {
	inline := regexp.MustCompile(`<[^>]+\s(style|on[a-z]+)=|<style|<script(?:\s[^>]*)?>[^<]|javascript:|\bdata:`)
	for _, p := range kitPages(t) {
		body := get(t, ui.KitHandler(), p, false).Body.String()
		if m := inline.FindString(body); m != "" {
			t.Errorf("%s: %q", p, m)
		}
		if m := regexp.MustCompile(`\bui\.[a-z]\w*`).FindString(body); m != "" {
			t.Errorf("%s: the key %q was left in", p, m)
		}
		ids := map[string]bool{}
		for _, id := range regexp.MustCompile(` id="([^"]*)"`).FindAllStringSubmatch(body, -1) {
			if ids[id[1]] {
				t.Errorf("%s: id %q twice", p, id[1])
			}
			ids[id[1]] = true
		}
	}
}

// Every key written in the sources is in the catalogue, and no other is.
func TestMessagesAreUsed(t *testing.T) {
	c := catalogue(t)
	used := map[string]bool{}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(p, ".templ") && !strings.HasSuffix(p, ".go") || strings.HasSuffix(p, "_test.go") {
			return err
		}
		b, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, m := range regexp.MustCompile(`"(ui\.[a-z_.]+)"`).FindAllStringSubmatch(string(b), -1) {
			used[m[1]] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(used, "ui.animal.")
	for _, a := range ui.Animals() {
		used["ui.animal."+a] = true
	}
	for k := range used {
		if !c.Has(k) {
			t.Errorf("key %q has no text", k)
		}
	}
	for _, k := range c.Keys() {
		if !used[k] {
			t.Errorf("key %q is used nowhere", k)
		}
	}
}

func TestIconsOfTheSourcesExist(t *testing.T) {
	files, err := filepath.Glob("*.templ")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range append(files, "kit.go") {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?:Icon\(|Icon: )"([a-z-]+)"`).FindAllStringSubmatch(string(b), -1) {
			n++
			if !ui.HasIcon(m[1]) {
				t.Errorf("%s: no icon %q", f, m[1])
			}
		}
	}
	if n < 40 {
		t.Errorf("only %d icons seen", n)
	}
}

func TestLicencesTravelWithTheFonts(t *testing.T) {
	texts := map[string]string{}
	for _, l := range ui.Licences() {
		texts[l.Name] = l.Text
	}
	for name, word := range map[string]string{"andika": "SIL", "opendyslexic": "SIL", "atkinson-hyperlegible-next": "SIL", "bricolage-grotesque": "SIL", "phosphor-icons": "MIT"} {
		if !strings.Contains(texts[name], word) {
			t.Errorf("%s: the licence is missing", name)
		}
	}
}

func TestInitialsAndPaint(t *testing.T) {
	for want, got := range map[string]string{"NK": ui.Initials("Nadia", "Kermadec"), "ÉÔ": ui.Initials("élodie", " ôtan"), "X": ui.Initials("", "x")} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if first, again := ui.PersonPaint("a"), ui.PersonPaint("a"); first != again || ui.PaintClass(first) == "" {
		t.Error("a person's paint must be a paint, always the same")
	}
	if c := ui.PaintClass(`jaune" onload="x`); c != "" {
		t.Errorf("an unknown paint gives the class %q", c)
	}
}

// The home page costs well under the 0.3 ms that the whole request may take.
func BenchmarkHome(b *testing.B) {
	h := ui.KitHandler()
	c := catalogue(b)
	r := httptest.NewRequest(http.MethodGet, "/kit/accueil", nil)
	r = r.WithContext(i18n.With(context.Background(), c))
	b.ReportAllocs()
	for b.Loop() {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
	}
}
