package ui_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// policy is that of production: a component that needs more must not pass.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func serveKit(t *testing.T) *httptest.Server {
	t.Helper()
	c := catalogue(t)
	mux := http.NewServeMux()
	mux.Handle(ui.Prefix, ui.Assets())
	mux.Handle("/kit", ui.KitHandler())
	mux.Handle("/kit/", ui.KitHandler())
	mux.HandleFunc("/fragment", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<div id="suivi-t">fini</div>`))
	})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		mux.ServeHTTP(w, r.WithContext(i18n.With(r.Context(), c)))
	}))
	t.Cleanup(s.Close)
	return s
}

// axeSource finds axe-core where the tests of the repository keep it, or where
// npm ci puts it.
func axeSource(t *testing.T) string {
	t.Helper()
	for _, p := range []string{"../testkit/browser/axe.min.js", "../../node_modules/axe-core/axe.min.js"} {
		if b, err := os.ReadFile(p); err == nil {
			return string(b)
		}
	}
	t.Fatal("axe-core is missing: run npm ci at the root of the repository")
	return ""
}

func browser(t *testing.T) context.Context {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Fatal("no Chromium in PATH: the pages cannot be checked (apt-get install chromium)")
	}
	opts := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("hide-scrollbars", true))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), opts...)
	ctx, close := chromedp.NewContext(ctx)
	t.Cleanup(func() { close(); stop() })
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// axeRun asks for every WCAG rule up to 2.2 AA, the contrast of AAA, and the
// best practices that a page of ours can follow.
// The figure of a badge is AA by design (5.4:1), its words are read apart.
const axeRun = `axe.run(document, {runOnly: {type: "tag", values: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}, rules: {"color-contrast-enhanced": {enabled: true}, "target-size": {enabled: true}}, resultTypes: ["violations"]}).then(r => JSON.stringify(r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.filter(n => !(v.id === "color-contrast-enhanced" && n.html.startsWith("<span class=\"palet"))).slice(0, 4).map(n => n.html.slice(0, 160) + " — " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message)})).filter(v => v.nodes.length > 0)))`

// layoutCheck finds what axe does not: sideways scrolling and targets below 48
// px (44 where the design says so).
const layoutCheck = `JSON.stringify((() => {
  const out = [];
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) {
    const who = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && getComputedStyle(e).position !== "fixed").slice(0, 4).map(e => e.tagName + "." + e.getAttribute("class"));
    out.push("scrolls sideways by " + wide + " px: " + who.join(", "));
  }
  const least = document.body.classList.contains("tu") ? 72 : 48;
  for (const e of document.querySelectorAll(".bouton, .ico, .tuile, .terre a, .onglets a, .echelle a, .echelle button, .saisie, .choix label, .coche, .menu summary, .bas-page a, .compte-b, .enfants a, .recherche")) {
    const r = e.getBoundingClientRect();
    if (r.width === 0 || e.closest("[hidden]")) continue;
    const small = e.closest(".outils, .selection, .compacte, .cahier, .bas-page") || e.matches(".recherche");
    const want = small ? 28 : least;
    if (r.height < want - 0.5) out.push(e.tagName + "." + e.getAttribute("class") + " is " + Math.round(r.height) + " px high, want " + want + ": " + e.outerHTML.slice(0, 80));
  }
  return out.slice(0, 12);
})())`

func TestPagesAreAccessible(t *testing.T) {
	site := serveKit(t)
	axe := axeSource(t)
	ctx := browser(t)

	var mu sync.Mutex
	var refused []string
	go func() {
		for m, err := range chromedp.Console(ctx) {
			if err != nil {
				return
			}
			if s := fmt.Sprint(m); strings.Contains(s, "Content Security Policy") {
				mu.Lock()
				refused = append(refused, s)
				mu.Unlock()
			}
		}
	}()

	pages := []string{"/kit", "/kit/service", "/kit/service-eleve", "/kit/accueil", "/kit/neuf", "/kit/eleve", "/kit/connexion", "/kit/activation", "/kit/erreur", "/kit/nue"}
	themes := []string{"theme=clair", "theme=sombre", "theme=contraste", "theme=clair&lecture=dyslexie"}
	for _, p := range pages {
		for _, q := range themes {
			t.Run(strings.TrimPrefix(p, "/")+"?"+q, func(t *testing.T) {
				if err := open(ctx, site.URL+p+"?"+q); err != nil {
					t.Fatal(err)
				}
				for _, width := range []int64{320, 390, 768, 1024, 1280} {
					if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, 844)); err != nil {
						t.Fatal(err)
					}
					for _, fault := range ask[[]string](t, ctx, layoutCheck) {
						t.Errorf("at %d px: %s", width, fault)
					}
					if width != 390 && width != 1280 {
						continue
					}
					if err := inject(ctx, axe); err != nil {
						t.Fatal(err)
					}
					for _, v := range ask[[]violation](t, ctx, axeRun) {
						t.Errorf("at %d px: %s: %s\n\t%s", width, v.ID, v.Help, strings.Join(v.Nodes, "\n\t"))
					}
				}
			})
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, r := range refused {
		t.Error(r)
	}
}

type violation struct {
	ID, Help string
	Nodes    []string
}

// open loads a page and waits for its fonts: letters decide of widths.
func open(ctx context.Context, url string) error {
	if err := chromedp.Do(ctx, chromedp.Navigate(url)); err != nil {
		return err
	}
	_, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("document.fonts.ready.then(() => true)", chromedp.EvalAwaitPromise))
	return err
}

func ask[T any](t *testing.T, ctx context.Context, js string) T {
	t.Helper()
	var out T
	c, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := chromedp.Run(c, chromedp.Evaluate[string](js, chromedp.EvalAwaitPromise))
	if err == nil {
		err = json.Unmarshal([]byte(s), &out)
	}
	if err != nil {
		t.Fatal(errors.Join(errors.New(js[:60]), err))
	}
	return out
}

func inject(ctx context.Context, axe string) error {
	has, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("typeof axe === 'object'"))
	if err != nil || has {
		return err
	}
	_, err = chromedp.Run(ctx, chromedp.Evaluate[bool](axe+"\n;true"))
	return err
}
