package browser

import (
	"fmt"
	"image"
	"image/png"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

const pageHead = `<!doctype html><html lang="fr"><head><meta charset="utf-8"><title>Essai</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css"><link rel="icon" href="/icon.svg"></head><body><main><h1>Essai</h1>`

var pages = map[string]string{
	"/": pageHead + `<form method="post" action="/form" enctype="multipart/form-data">
<p><label for="name">Identifiant :</label> <input id="name" name="name" autocomplete="off"></p>
<p><label for="class">Classe</label> <select id="class" name="class"><option value="1">CP</option><option value="2">CE1</option></select></p>
<p><label for="day">Jour</label> <input id="day" name="day" type="date"></p>
<p><label for="text">Message</label> <textarea id="text" name="text">ancien</textarea></p>
<p><input type="checkbox" id="ok" name="ok"><label for="ok">J’accepte</label></p>
<p><label for="file">Pièce jointe</label> <input id="file" name="file" type="file"></p>
<p><button>Envoyer le&nbsp;mot</button></p></form>
<p><a href="/file.pdf">Télécharger la fiche</a></p><button type="button" id="js">Compter</button> <output id="count">0</output></main>
<script src="/script.js"></script></body></html>`,
	"/unlabelled": pageHead + `<form><input name="q"></form><p class="pale">Trop pâle</p></main></body></html>`,
	"/wide":       pageHead + `<div class="wide">Trop large</div></main></body></html>`,
	"/narrow":     pageHead + `<h2 class="narrow">Carnet de liaison</h2><p class="narrow">non</p><p class="narrow">marie.dupont@exemple.fr</p></main></body></html>`,
	"/stretched":  pageHead + `<img alt="" src="/wide.png" width="60" height="60"> <img alt="" src="/wide.png" width="60" height="30"></main></body></html>`,
	"/inline":     pageHead + `<p style="color: red">Rouge</p></main></body></html>`,
	"/foreign":    pageHead + `<img alt="" src="http://127.0.0.2:9/x.png"></main></body></html>`,
	"/broken":     pageHead + `<img alt="" src="/absent.png"></main></body></html>`,
	"/throws":     pageHead + `<p>Essai</p></main><script src="/throws.js"></script></body></html>`,
	"/night":      pageHead + `<p class="night">Trop pâle la nuit</p></main></body></html>`,
	"/covered":    pageHead + `<button>Dessous</button><div class="cover">Dessus</div></main></body></html>`,
}

func site(t *testing.T) string {
	mux := http.NewServeMux()
	text := func(path, kind, body string) {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = io.WriteString(w, body)
		})
	}
	for path, body := range pages {
		if path == "/" {
			path = "/{$}"
		}
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "seen", Value: "yes", HttpOnly: true, SameSite: http.SameSiteLaxMode})
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			// The foreign picture is let through: the harness must catch it itself.
			w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' http://127.0.0.2:9; form-action 'self'; base-uri 'none'")
			_, _ = io.WriteString(w, body)
		})
	}
	text("/style.css", "text/css", `body { margin: 0; color: #222; background: #fff } .pale { color: #ccc } .wide { width: 2000px } .narrow { width: 3em; overflow-wrap: anywhere } .cover { position: fixed; inset: 0; background: #fff }
:root[data-theme=sombre] .night { color: #ddd }`)
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, pageHead+"</main></body></html>")
	})
	mux.HandleFunc("GET /wide.png", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_ = png.Encode(w, image.NewGray(image.Rect(0, 0, 80, 40)))
	})
	text("/icon.svg", "image/svg+xml", `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	text("/script.js", "text/javascript", `document.getElementById("js").addEventListener("click", () => fetch("/slow").then(r => r.text()).then(n => document.getElementById("count").textContent = n))`)
	text("/throws.js", "text/javascript", `console.error("planted", 1); throw new Error("planted throw")`)
	mux.HandleFunc("GET /slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(200 * time.Millisecond)
		fmt.Fprint(w, 7)
	})
	mux.HandleFunc("GET /file.pdf", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Disposition", `attachment; filename="fiche.pdf"`)
		c, err := r.Cookie("seen")
		if err != nil {
			http.Error(w, "no cookie", http.StatusForbidden)
			return
		}
		fmt.Fprintf(w, "%%PDF-1.7 %s", c.Value)
	})
	mux.HandleFunc("POST /form", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(http.StatusUnprocessableEntity)
		f, _, err := r.FormFile("file")
		if err != nil {
			fmt.Fprint(w, err)
			return
		}
		sent, err := io.ReadAll(f)
		fmt.Fprintf(w, pageHead+"<p>%s|%s|%s|%s|%s|%s|%v</p></main></body></html>", r.FormValue("name"), r.FormValue("class"),
			r.FormValue("day"), r.FormValue("text"), r.FormValue("ok"), sent, err == nil)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAPersonFillsAForm(t *testing.T) {
	address := site(t)
	file := filepath.Join(t.TempDir(), "note.txt")
	if err := os.WriteFile(file, []byte("joint"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		screen  Screen
		options []Option
	}{{"desktop", Desktop, nil}, {"phone", Phone, nil}, {"without scripts", Phone, []Option{NoScript}}} {
		t.Run(c.name, func(t *testing.T) {
			tab := Start(t).Tab(t, c.screen, c.options...)
			if status := tab.Go(address); status != 200 {
				t.Fatalf("status %d", status)
			}
			tab.CheckPage("form")
			tab.Click("Compter")
			count := "7"
			if c.options != nil {
				count = "0"
			}
			if got := tab.Text("#count"); got != count {
				t.Errorf("the count is %s, want %s", got, count)
			}
			if name, data := tab.Download("Télécharger la fiche"); name != "fiche.pdf" || string(data) != "%PDF-1.7 yes" {
				t.Errorf("downloaded %s: %s", name, data)
			}
			if r, body := tab.Get("/file.pdf"); r.StatusCode != 200 || string(body) != "%PDF-1.7 yes" {
				t.Errorf("fetched %s: %s", r.Status, body)
			}
			tab.Fill("Identifiant", "amelie.dupré")
			tab.Fill("Classe", "CE1")
			tab.Fill("[name=day]", "2026-09-01")
			tab.Fill("Message", "nouveau")
			tab.Click("J'accepte")
			tab.Upload("Pièce jointe", file)
			tab.Focus("Envoyer le mot")
			tab.Press("Enter")
			tab.WaitText("amelie.dupré|2|2026-09-01|nouveau|on|joint|true")
			if tab.Path() != "/form" || tab.Status() != 422 {
				t.Errorf("at %s with status %d", tab.Path(), tab.Status())
			}
			if tab.Go("/unlabelled") != 200 || tab.Count("input") != 1 || tab.Has("absent") {
				t.Error("a path must open on the same site")
			}
		})
	}
}

func TestAxeFindsWhatIsPlanted(t *testing.T) {
	tab := Start(t).Tab(t, Desktop, NoScript)
	tab.Go(site(t) + "/unlabelled")
	var ids []string
	for _, v := range tab.Axe() {
		ids = append(ids, v.ID)
	}
	if !slices.Contains(ids, "label") || !slices.Contains(ids, "color-contrast") {
		t.Errorf("axe found %v, want label and color-contrast", ids)
	}
	tab.Go("/")
	if v := tab.Axe(); len(v) > 0 {
		t.Errorf("axe finds on a sound page: %v", v)
	}
	tab.Go("/night")
	tab.SetTheme(Theme{"sombre", "sombre", ""})
	if v := tab.Axe(); len(v) != 1 || v[0].ID != "color-contrast" {
		t.Errorf("axe found %v in the dark theme, want its pale text alone", v)
	}
}

func TestOverflowIsSeen(t *testing.T) {
	address := site(t)
	for _, screen := range []Screen{Phone, Desktop} {
		tab := Start(t).Tab(t, screen)
		tab.Go(address + "/wide")
		if got := tab.overflow(); len(got) != 2 || !strings.Contains(got[1], "wide") {
			t.Errorf("at %d px: %q", screen.Width, got)
		}
		tab.Go("/")
		if got := tab.overflow(); len(got) > 0 {
			t.Errorf("at %d px a sound page overflows: %q", screen.Width, got)
		}
	}
}

func TestAPictureOutOfShapeIsSeen(t *testing.T) {
	tab := Start(t).Tab(t, Desktop)
	tab.Go(site(t) + "/stretched")
	if got := tab.stretched(); len(got) != 1 || !strings.Contains(got[0], "60 by 60") {
		t.Errorf("%q", got)
	}
}

func TestABrokenWordIsSeen(t *testing.T) {
	tab := Start(t).Tab(t, Desktop)
	address := site(t)
	tab.Go(address + "/narrow")
	if got := tab.broken(); len(got) != 2 || !strings.Contains(got[0], "Carnet") || !strings.Contains(got[1], "liaison") {
		t.Errorf("%q", got)
	}
	tab.Go("/")
	if got := tab.broken(); len(got) > 0 {
		t.Errorf("a sound page breaks %q", got)
	}
}

func TestFaultsAreCaught(t *testing.T) {
	address := site(t)
	for path, want := range map[string][]string{
		"/inline":  {"style-src"},
		"/foreign": {"another origin", "ERR_"},
		"/broken":  {"404"},
		"/throws":  {`"planted" 1`, "planted throw"},
		"/absent":  nil, // "not found" is a page like another
		"/":        nil,
	} {
		tab := Start(t).Tab(t, Desktop)
		tab.Go(address + path)
		got := strings.Join(tab.Faults(), "\n")
		for _, w := range want {
			if !strings.Contains(got, w) {
				t.Errorf("%s: no %q in %q", path, w, got)
			}
		}
		if want == nil && got != "" {
			t.Errorf("%s: %s", path, got)
		}
		tab.Allow("style-src")
		tab.Go("/inline")
		if got := tab.Faults(); len(got) > 0 {
			t.Errorf("after %s, not allowed: %q", path, got)
		}
	}
}

func TestACoveredButtonIsNoButton(t *testing.T) {
	tab := Start(t).Tab(t, Desktop)
	tab.Go(site(t) + "/covered")
	if at := tab.place("Dessous"); !strings.Contains(at.Cover, "Dessus") {
		t.Errorf("a button under another element can be clicked: %+v", at)
	}
}

func TestTabsShareNothing(t *testing.T) {
	address := site(t)
	one, other := Start(t).Tab(t, Desktop), Start(t).Tab(t, Desktop)
	one.Go(address)
	other.Go(address + "/absent")
	if r, _ := one.Get("/file.pdf"); r.StatusCode != 200 {
		t.Errorf("the first tab has lost its cookie: %s", r.Status)
	}
	if r, _ := other.Get("/file.pdf"); r.StatusCode != 403 {
		t.Errorf("the other tab has the first one's cookie: %s", r.Status)
	}
}
