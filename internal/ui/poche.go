package ui

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"marelle/internal/platform/i18n"
)

// Where Poche must be mounted.
const (
	ManifestPath = "/manifest.webmanifest"
	WorkerPath   = "/sw.js" // at the root: a worker sees only what is below it
	OfflinePath  = "/hors-ligne"
)

// themeColor paints what the system shows around a page.
const themeColor = "#232B42"

// Poche serves what makes the portal an app of the phone: its manifest, its
// service worker, and the page shown without network, which names nobody. All
// three are the same for everybody.
func Poche() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+ManifestPath, manifest)
	mux.HandleFunc("GET "+WorkerPath, serviceWorker)
	mux.HandleFunc("GET "+OfflinePath, func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		s := Shell{Title: i18n.T(ctx, "ui.offline.title"), Portal: i18n.T(ctx, "ui.app.short")}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache")
		// An empty address is that of the page which did not come.
		retry := Link{Label: i18n.T(ctx, "ui.offline.retry"), Href: "?", Icon: "arrow-clockwise"}
		_ = ErrorPage(s, 0, s.Title, i18n.T(ctx, "ui.offline"), "", retry, Kept{}).Render(ctx, w)
	})
	return mux
}

type appIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

func manifest(w http.ResponseWriter, r *http.Request) {
	var icons []appIcon
	for _, purpose := range []string{"any", "maskable"} {
		for _, size := range []int{192, 512} {
			n := strconv.Itoa(size)
			icons = append(icons, appIcon{Asset("icons/marelle-" + n + ".png"), n + "x" + n, "image/png", purpose})
		}
	}
	ctx := r.Context()
	body, err := json.MarshalIndent(struct {
		ID          string    `json:"id"`
		Name        string    `json:"name"`
		Short       string    `json:"short_name"`
		Description string    `json:"description"`
		Lang        string    `json:"lang"`
		Start       string    `json:"start_url"`
		Scope       string    `json:"scope"`
		Display     string    `json:"display"`
		Theme       string    `json:"theme_color"`
		Background  string    `json:"background_color"`
		Icons       []appIcon `json:"icons"`
	}{"/", i18n.T(ctx, "ui.app.name"), i18n.T(ctx, "ui.app.short"), i18n.T(ctx, "ui.app.description"), "fr", "/", "/", "standalone", themeColor, themeColor, icons}, "", "  ")
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(body)
}

// serviceWorker says what to keep in front of the script: new files make new
// bytes, by which a browser knows that there is a new worker.
func serviceWorker(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	script, err := dist.ReadFile("dist/" + strings.TrimPrefix(Asset("sw.js"), Prefix))
	var told []byte
	// What the offline page shows. Not the fonts: they are kept once a page has
	// asked for them, and never travel in "mode économe".
	files := []string{Asset("app.css"), Asset("app.js"), Asset("sprite.svg"), Asset("extra.svg")}
	if err == nil {
		sum := sha256.Sum256([]byte(strings.Join(files, " ") + i18n.T(ctx, "ui.offline")))
		told, err = json.Marshal(map[string]any{
			"cache": "marelle-" + hex.EncodeToString(sum[:5]), "files": files, "prefix": Prefix, "offline": OfflinePath,
			"icon": Asset("icons/marelle-192.png"), "title": i18n.T(ctx, "ui.app.name"), "text": i18n.T(ctx, "ui.app.news"),
		})
	}
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	fmt.Fprintf(w, "const MARELLE=%s;\n%s", told, script)
}
