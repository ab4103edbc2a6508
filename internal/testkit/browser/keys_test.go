package browser

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What CheckKeys and CheckReflow blame is planted here, one fault on each page.
func TestFaultsOfTheKeyboardAreSeen(t *testing.T) {
	const skip = `<a href="#c">Aller au contenu</a>`
	pages := map[string]struct{ style, body, want string }{
		"/sound":     {"", skip + `<main id="c"><button>Un</button> <button>Deux</button></main>`, ""},
		"/unseen":    {"button:focus-visible { outline: none }", skip + `<main id="c"><button>Un</button></main>`, "no visible focus on button"},
		"/backwards": {"main { display: flex; flex-direction: row-reverse }", skip + `<main id="c"><button>Un</button> <button>Deux</button></main>`, "stands behind it"},
		"/noskip":    {"", `<a href="/">Accueil</a><main id="c"><button>Un</button></main>`, "no skip link"},
		"/under":     {".terre { position: fixed; inset: auto 0 0 0; height: 80px; background: #fff } button { position: absolute; top: 580px }", skip + `<main id="c"><button>Un</button></main><div class="terre">barre</div>`, "under the phone bar"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := pages[r.URL.Path]
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang="fr"><head><title>Essai</title><link rel="icon" href="data:,"><style>body { margin: 0 } :focus-visible { outline: 3px solid blue } `+p.style+`</style></head><body>`+p.body+`</body></html>`)
	}))
	t.Cleanup(server.Close)
	for path, p := range pages {
		tab := Start(t).Tab(t, Screen{390, 640, false})
		tab.Go(server.URL + path)
		faults := strings.Join(tab.keyFaults(), "\n")
		if p.want == "" && faults != "" || !strings.Contains(faults, p.want) {
			t.Errorf("%s: %q, want %q", path, faults, p.want)
		}
	}
}

func TestCutTextIsSeen(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, `<!doctype html><html lang="fr"><head><title>Essai</title><link rel="icon" href="data:,"><style>p { height: 20px; width: 200px; overflow: hidden }</style></head><body><main><p>Une phrase qui ne tient pas sur une seule ligne de cette boîte étroite.</p><div>Celle-ci tient.</div></main></body></html>`)
	}))
	t.Cleanup(server.Close)
	tab := Start(t).Tab(t, Phone)
	tab.Go(server.URL)
	if got := Eval[[]string](tab, cuts); len(got) != 1 || !strings.HasPrefix(got[0], "<p>") {
		t.Errorf("cut: %q, want the paragraph alone", got)
	}
}
