package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// visitors are who opens the pages: one of each profile.
var visitors = []struct{ name, login string }{
	{"inconnu", ""},
	{"parent", "nadia.kermadec"},
	{"eleve", "ines.kermadec"},
	{"enseignante", "helene.duvivier"},
	{"personnel", "martine.wallon"},
	{"directrice", "claire.fontaine"},
	{"exploitante", "odile.portail"},
}

var screens = []struct {
	name string
	size browser.Screen
}{{"telephone", browser.Phone}, {"ordinateur", browser.Desktop}}

// TestEveryPage opens every page that a route declares, as everybody who may,
// on a phone and on a computer, and holds it to what every page must be: for
// axe-core in four looks, for the keyboard, enlarged. The list is the router's:
// a new route is visited, or the test fails and asks how to get there.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			t.Parallel() // each with its own server and browser
			b, s := browser.Start(t), openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			w.prepare()
			opened := map[string]bool{}
			path := s.Paths(w.ids)
			for _, r := range s.Routes() {
				if r.Method != http.MethodGet {
					continue
				}
				for _, v := range visitors {
					p := s.Stranger()
					if v.login != "" {
						p = s.As(v.login)
					}
					page := p.Get(path(r))
					if page.Status != http.StatusOK {
						continue
					}
					opened[r.Pattern] = true
					if isPage(page) {
						w.open(v.login, path(r), slug(r)+"-"+v.name)
					}
				}
			}
			for pattern, way := range w.ways() {
				if opened[pattern] {
					t.Errorf("GET %s opens by itself: it needs no way of its own", pattern)
				}
				way(pattern)
				opened[pattern] = true
			}
			for _, r := range s.Routes() {
				if r.Method == http.MethodGet && !opened[r.Pattern] && !r.Need.NeedsPassword() { // programs open those
					t.Errorf("nobody opened GET %s (%s answers otherwise): name its object in prepare, or say in ways how one gets there", r.Pattern, path(r))
				}
			}
		})
	}
}

// isPage tells a page from a file and from a part that a page fetches.
func isPage(p *testapp.Page) bool {
	return strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") && strings.HasPrefix(strings.ToLower(p.Body), "<!doctype")
}

var unsafe = regexp.MustCompile(`[^a-z-]+`)

func slug(r app.Route) string {
	name := strings.Trim(unsafe.ReplaceAllString(strings.ReplaceAll(r.Pattern, "/", "-"), ""), "-")
	if name == "" {
		return "accueil"
	}
	return name
}

// rawKey is the key of a sentence that has none.
var rawKey = regexp.MustCompile(`\b(?:app|ui|session|liaison|documents|dav|share|classroom|school|home|people|notify|tell|file|show|pick|sheet|square)\.[a-z_.]{3,}\b`)

// walk is a visit of a whole server on one screen.
type walk struct {
	t *testing.T
	*gate
	b     *browser.Browser
	size  browser.Screen
	tabs  map[string]*browser.Tab
	ids   map[string]string // of objects, for Paths
	words bool              // only lengths of words differ from pages that were checked
}

// tab is the browser of somebody, signed in.
func (w *walk) tab(login string) *browser.Tab {
	if w.tabs[login] == nil {
		w.tabs[login] = w.b.Tab(w.t, w.size)
		if login != "" {
			name, value := w.Cookie(login)
			w.tabs[login].SetCookie(w.URL, name, value)
		}
		w.tabs[login].Go(w.URL + "/aide")
	}
	return w.tabs[login]
}

// open holds a page to what every page must be.
func (w *walk) open(login, path, name string) {
	w.t.Helper()
	tab := w.tab(login)
	tab.Go(w.URL + path)
	w.check(tab, name)
}

func (w *walk) check(tab *browser.Tab, name string) {
	w.t.Helper()
	if keys := rawKey.FindAllString(browser.Eval[string](tab, `document.body.innerText`), -1); len(keys) > 0 {
		w.t.Errorf("%s shows keys instead of sentences: %q", name, keys)
	}
	if w.words { // they change no stop and no colour
		tab.CheckLengths(name)
	} else {
		tab.CheckPage(name)
		tab.CheckKeys(name)
	}
	switch {
	case w.size != browser.Phone: // it takes all widths by itself
	case w.words:
		tab.CheckLongReflow(name)
	default:
		tab.CheckReflow(name)
	}
}

// prepare makes what the sample has not: a word with a picture, a group, an
// import that waits.
func (w *walk) prepare() {
	helene, claire := w.As("helene.duvivier"), w.As("claire.fontaine")
	class := w.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	word := helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "phoque.png", Bytes: picture(w.t)}}, "titre", "Trois phoques", "texte", "Regardez !", "theme", "trip", "a", "class:"+class,
		"demande", "yesno", "question", "Votre enfant vient-il voir les phoques ?", "avant", w.Core.Clock.Now().AddDate(0, 0, 3).Format(time.DateOnly)).To()
	w.As("youssef.kermadec").Post(strings.Split(word, "?")[0]+"/reponse", "reponse", "1").To()
	helene.Post("/classe/"+class+"/groupes/nouveau", "nom", "Lecteurs du mardi", "membre", w.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`)).To()
	var files []testapp.File
	for _, l := range exports(w.t) {
		data, err := os.ReadFile(l)
		if err != nil {
			w.t.Fatal(err)
		}
		files = append(files, testapp.File{Field: "fichiers", Name: filepath.Base(l), Bytes: data})
	}
	claire.Upload("/ecole/import", files).To()
	w.As("nadia.kermadec").Post("/signaler", "objet", w.One(`SELECT max(id) FROM word WHERE title = 'Trois phoques'`), "motif", "image", "texte", "Sa photo y est.").To()
	// Her space becomes nearly full, of which she is told.
	w.quota(`1000 + (SELECT max(u.used) FROM file_usage u JOIN person p ON p.id = u.person WHERE p.login = 'helene.duvivier')`)
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "long.txt", Bytes: bytes.Repeat([]byte("long "), 190)}}).To()
	w.quota(`2000000000`)
	w.ids = map[string]string{
		"/place/{id}":              w.One(`SELECT resource FROM document_space`),
		"eleve":                    w.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`),
		"groupe":                   w.One(`SELECT id FROM school_group WHERE label = 'Lecteurs du mardi'`),
		"/fichiers/montrer/{id}":   w.One(`SELECT max(file) FROM file_variant WHERE name = 'web'`),
		"/fichiers/{id}":           w.One(`SELECT max(file) FROM file_variant WHERE name = 'web'`),
		"/ecole/signalements/{id}": w.One(`SELECT id FROM report`),
		"/ecole/import/{id}":       w.One(`SELECT id FROM import ORDER BY id DESC LIMIT 1`),
		// What a mail carries.
		"/desabonnement/{token}": w.stops(w.One(`SELECT id FROM person WHERE login = 'nadia.kermadec'`)),
	}
}

// stops is what a mail carries for somebody who wants no more of its kind.
func (w *walk) stops(person string) string {
	return base64.RawURLEncoding.EncodeToString(w.Core.Keys.Seal("unsubscribe", []byte(person+" liaison.word"), nil))
}

// quota is what a teacher may hold.
func (w *walk) quota(bytes string) {
	w.t.Helper()
	if err := w.Core.DB.Write(w.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(w.t.Context(), `UPDATE quota SET bytes = `+bytes+` WHERE school = '' AND profile = 'teacher'`)
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

// ways says how one comes to the pages that no address alone opens.
func (w *walk) ways() map[string]func(pattern string) {
	newcomer := func() *browser.Tab {
		tab := w.b.Tab(w.t, w.size)
		tab.Go(w.URL + "/activation")
		tab.Fill("Identifiant", "nadia.kermadec")
		tab.Click("Continuer")
		return tab
	}
	withCode := func() *browser.Tab {
		code := w.code("nadia.kermadec")
		tab := newcomer()
		tab.Fill("Code d'activation", code)
		tab.Click("Continuer")
		return tab
	}
	return map[string]func(string){
		"/documents/services/{fichier}/retoucher": func(string) {
			w.open("helene.duvivier", "/documents/services/"+w.One(`SELECT u.file FROM file_use u JOIN word w ON w.id = u.resource WHERE w.title = 'Trois phoques'`)+"/retoucher", "documents-services-retoucher")
		},
		"/documents/{id}/retoucher": func(string) {
			w.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Retouche.png", Bytes: picture(w.t)}}).To()
			w.open("helene.duvivier", "/documents/"+w.One(`SELECT id FROM document WHERE name = 'Retouche.jpg'`)+"/retoucher", "documents-retoucher")
		},
		"/activation/code":   func(string) { w.check(newcomer(), "activation-code") },
		"/activation/charte": func(string) { w.check(withCode(), "activation-charte") },
		"/activation/mot-de-passe": func(string) {
			tab := withCode()
			tab.Click("J'ai lu la charte et je la respecterai.")
			tab.Click("Accepter")
			w.check(tab, "activation-mot-de-passe")
		},
		"/connexion/deuxieme-facteur": func(string) {
			w.active("claire.fontaine", "claire@exemple.fr")
			tab := w.tab("claire.fontaine")
			name, value := w.Cookie("claire.fontaine") // a new password ended her sessions
			tab.SetCookie(w.URL, name, value)
			tab.Go(w.URL + "/compte/deuxieme-facteur")
			key := strings.ReplaceAll(tab.Text(`b[translate="no"]`), " ", "")
			digits, err := totp.GenerateCode(key, w.Core.Clock.Now())
			if err != nil {
				w.t.Fatal(err)
			}
			tab.Fill("[name=chiffres]", digits)
			tab.Click("Confirmer")
			tab.WaitText("Codes de secours")
			w.check(tab, "deuxieme-facteur-codes")
			door := w.b.Tab(w.t, w.size)
			door.Go(w.URL + "/connexion")
			door.Fill("Identifiant", "claire.fontaine")
			door.Fill("Mot de passe ou code d'activation", chosen)
			door.Click("Se connecter")
			w.check(door, "connexion-deuxieme-facteur")
		},
		"/ecole/import/{id}/annuler": func(string) {
			at := "/ecole/import/" + w.ids["/ecole/import/{id}"]
			w.As("claire.fontaine").Post(at).To()
			for end := time.Now().Add(time.Minute); w.One(`SELECT state FROM import WHERE id = $1`, w.ids["/ecole/import/{id}"]) != "done"; time.Sleep(100 * time.Millisecond) {
				if time.Now().After(end) {
					w.t.Fatal("the import does not end")
				}
			}
			w.open("claire.fontaine", at, "ecole-import-fait")
			w.open("claire.fontaine", at+"/annuler", "ecole-import-annuler")
			if got := w.tab("claire.fontaine").Status(); got != http.StatusOK {
				w.t.Errorf("%s/annuler answers %d", at, got)
			}
		},
		"/carnet/apercu": func(path string) {
			at := w.As("helene.duvivier").Post("/carnet/brouillon", "titre", "Lecture du soir", "texte", "Dix minutes suffisent.", "demande", "choice", "question", "Combien de soirs ?", "choix", "Deux\nTrois", "apercu", "1").To()
			w.open("helene.duvivier", at, "carnet-apercu")
			w.open("helene.duvivier", "/carnet?vue=brouillons", "carnet-brouillons")
			w.open("helene.duvivier", strings.Replace(at, path, "/carnet/nouveau", 1), "carnet-brouillon")
		},
		"/portail/courriels": func(path string) {
			w.Core.Demo = true // shows the mails instead of sending them
			defer func() { w.Core.Demo = false }()
			w.open("odile.portail", path, "portail-courriels")
		},
	}
}

func picture(t *testing.T) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 900, 600))
	for y := range 600 {
		for x := range 900 {
			m.Set(x, y, color.RGBA{uint8(x / 4), 150, uint8(100 + y/4), 255})
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestPagesThatRefuse looks at what is shown when something is not as it
// should be.
func TestPagesThatRefuse(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			s := openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			is := func(tab *browser.Tab, status int) {
				t.Helper()
				if tab.Status() != status {
					t.Errorf("%s answers %d, want %d", tab.Path(), tab.Status(), status)
				}
			}
			for _, c := range []struct {
				login, path, name string
				status            int
			}{
				{"", "/rien", "404-inconnu", 404},
				{"nadia.kermadec", "/rien", "404-parent", 404},
				{"ines.kermadec", "/rien", "404-eleve", 404},
				{"nadia.kermadec", "/carnet/nouveau", "403-parent", 403},
				{"ines.kermadec", "/ecole", "403-eleve", 403},
				{"nadia.kermadec", "/recherche?q=zzzz", "recherche-vide", 200},
				{"nadia.kermadec", "/recherche?q=pique-nique+école", "recherche-trouve", 200},
				{"helene.duvivier", "/recherche?q=ma", "recherche-personnes", 200},
				{"helene.duvivier", "/recherche?q=sortie+zzzz&dans=liaison", "recherche-ailleurs", 200},
				{"ines.kermadec", "/recherche?q=sortie", "recherche-eleve", 200},
			} {
				w.open(c.login, c.path, c.name)
				is(w.tab(c.login), c.status)
			}
			// A form with faults.
			tab := w.tab("helene.duvivier")
			tab.Go("/carnet/nouveau")
			tab.Click("Publier")
			is(tab, 422)
			w.check(tab, "422-mot")
			door := w.b.Tab(t, w.size)
			for range 6 {
				door.Go(s.URL + "/connexion")
				door.Fill("Identifiant", "youssef.kermadec")
				door.Fill("Mot de passe ou code d'activation", "ce n'est pas lui")
				door.Click("Se connecter")
			}
			is(door, 429)
			w.check(door, "429-connexion")
			// A database without its words.
			s.write(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `DROP TABLE receipt`)
				return err
			})
			for _, login := range []string{"nadia.kermadec", "ines.kermadec"} {
				tab := w.tab(login)
				tab.Allow("status 500")
				w.open(login, "/carnet", "500-"+login)
				is(tab, 500)
			}
		})
	}
}

// TestWordsThatAsk looks at what a word may ask, before and after an answer,
// as a parent and as the teacher who follows it.
func TestWordsThatAsk(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			s := openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			helene, nadia := s.As("helene.duvivier"), s.As("nadia.kermadec")
			class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
			for _, c := range []struct {
				ask   string
				more  []string
				reply []string
			}{
				{"yesno", []string{"theme", "trip", "question", "Votre enfant vient-il à la sortie ?", "avant", "2026-12-18"}, []string{"reponse", "1"}},
				{"choice", []string{"question", "Quel jour vous convient ?", "choix", "lundi\nmardi\njeudi soir, après la classe"}, []string{"reponse", "2"}},
				{"text", []string{"question", "Une allergie ?"}, []string{"reponse", "Aux arachides."}},
				{"sign_both", nil, []string{"signe", "1"}},
			} {
				form := append([]string{"titre", "Ce que l'on demande", "texte", "Merci de répondre.", "a", "class:" + class, "demande", c.ask}, c.more...)
				word, _, _ := strings.Cut(helene.Post("/carnet", form...).To(), "?")
				w.open("nadia.kermadec", word, "demande-"+c.ask)
				done := nadia.Post(word+"/reponse", c.reply...).To()
				w.open("nadia.kermadec", done, "repondu-"+c.ask)
				w.open("helene.duvivier", word, "suivi-"+c.ask)
				helene.Post(word + "/relance").To()
				w.open("helene.duvivier", word+"?fait=relance", "relance-"+c.ask)
			}
			if screen.size == browser.Phone { // a telephone that says so gets the word without the list beside it
				tab := w.tab("nadia.kermadec")
				tab.Agent(testapp.IPhone)
				w.open("nadia.kermadec", "/carnet/"+s.One(`SELECT max(id) FROM word`), "mot-seul")
				if browser.Eval[bool](tab, `document.querySelector(".liste-cote") !== null`) {
					t.Error("a phone gets the list as well")
				}
				tab.Agent("")
			}
			tab := w.tab("helene.duvivier")
			tab.Go("/carnet/nouveau")
			tab.Click("Répondre oui ou non")
			tab.Click("Publier")
			w.check(tab, "422-mot-qui-demande")
		})
	}
}

// TestLongNamesAndManyChildren fills the school with what no mockup shows: the
// longest names and titles that are taken, a parent of five children in two
// schools, a school where nothing was written yet.
func TestLongNamesAndManyChildren(t *testing.T) {
	t.Parallel()
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			t.Parallel() // each with its own server and browser
			b, s := browser.Start(t), openGate(t)
			w := walk{t: t, gate: s, b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			w.words = true
			s.stretch()
			w.prepare()
			path := s.Paths(w.ids)
			for _, v := range visitors {
				for _, r := range s.Routes() {
					if r.Method != http.MethodGet || v.login == "" || v.name == "personnel" || v.name == "exploitante" || r.Need.String() == "public" {
						continue
					}
					page := s.As(v.login).Get(path(r))
					if page.Status == http.StatusOK && isPage(page) {
						w.open(v.login, path(r), "long-"+slug(r)+"-"+v.name)
					}
				}
			}
			for _, login := range []string{"directrice.duport", "maitre.duport", "parent.duport", "eleve.duport"} {
				for _, p := range []string{"/", "/carnet", "/recherche?q=sortie"} {
					w.open(login, p, fmt.Sprintf("vide-%s-%s", strings.Trim(strings.Split(p, "?")[0], "/"), login))
				}
			}
		})
	}
}

// TestForcedColours shows pages to those whose system imposes its colours: the
// keyboard still shows where it is, and nothing is told by a background alone.
func TestForcedColours(t *testing.T) {
	t.Parallel()
	s := testapp.Serve(t)
	b := browser.Start(t)
	word := "/carnet/" + s.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`)
	for _, p := range []struct{ login, path, name, mark string }{
		{"nadia.kermadec", "/", "accueil-parent", ".tuile[href]"},
		{"helene.duvivier", word, "suivi", ".suivi .rang-cases i.lu"},
		{"nadia.kermadec", word, "mot", ".talon .bouton"},
		{"", "/connexion", "connexion", ".bouton"},
	} {
		tab := b.Tab(t, browser.Phone)
		if p.login != "" {
			name, value := s.Cookie(p.login)
			tab.SetCookie(s.URL, name, value)
		}
		tab.Colours("forced-colors", "active")
		tab.Go(s.URL + p.path)
		tab.CheckKeys("couleurs-" + p.name)
		tab.Screenshot("couleurs-" + p.name)
		if !browser.Eval[bool](tab, `matchMedia("(forced-colors: active)").matches`) {
			t.Error("the colours are not forced")
		}
		// What is drawn by a background must keep it or have an edge.
		if !browser.Eval[bool](tab, fmt.Sprintf(`(e => { const s = getComputedStyle(e); return s.forcedColorAdjust === "none" || parseFloat(s.borderTopWidth) >= 1 && s.borderTopStyle !== "none"; })(document.querySelector(%q))`, p.mark)) {
			t.Errorf("%s: %s has no edge when colours are forced", p.name, p.mark)
		}
	}
}

// A surname and a title as long as they are taken, hard to break.
const (
	longName  = "Andrianampoinimerinatompokoindrindra-Rakotomalala-Ravelonano"
	longTitle = "Sortie en baie de Somme puis au Musée-Mémorial franco-australien de Villers-Bretonneux : anticonstitutionnellement, rassemblement à huit heures devant"
)

// stretch gives the sample's people long names and titles, and Nadia Kermadec
// five children in two schools.
func (g *gate) stretch() {
	g.T.Helper()
	if n, m := len([]rune(longName)), len([]rune(longTitle)); n != 60 || m != 150 {
		g.T.Fatalf("%d and %d characters", n, m)
	}
	g.write(func(ctx context.Context, tx *db.Tx) error {
		for _, text := range []string{
			`UPDATE person SET last = $1, first = first || '-Maximilienne' WHERE login IN ('nadia.kermadec', 'ines.kermadec', 'helene.duvivier', 'claire.fontaine', 'martine.wallon', 'odile.portail')`,
			`UPDATE word SET title = $1 WHERE title LIKE 'Sortie en baie%' OR published_at > (SELECT max(published_at) FROM word) - 86400000`,
			`UPDATE class SET label = $1 WHERE label = 'CE2-CM1'`,
			`UPDATE school SET name = $1 WHERE uai = '0809876A'`,
		} {
			value := longName
			switch {
			case strings.Contains(text, "word"):
				value = longTitle
			case strings.Contains(text, "class"):
				value = "CE2-CM1-CM2 de Mme Benhaddou"
			case strings.Contains(text, "school"):
				value = "Regroupement pédagogique intercommunal concentré Antoine de Saint-Exupéry et Germaine Tillion"
			}
			if _, err := tx.Exec(ctx, text, value); err != nil {
				return err
			}
		}
		nadia, err := db.Value[string](ctx, tx, `SELECT id FROM person WHERE login = 'nadia.kermadec'`)
		if err != nil {
			return err
		}
		for uai, pupils := range map[string]string{
			"0809876A": `SELECT min(p.id) AS id FROM person p JOIN class_member cm ON cm.person = p.id AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class WHERE c.label IN ('CM2', 'GS') GROUP BY c.id`,
			"0802468Y": `SELECT id FROM person WHERE login = 'eleve.duport'`,
		} {
			school, err := db.Value[string](ctx, tx, `SELECT id FROM school WHERE uai = $1`, uai)
			if err != nil {
				return err
			}
			rows, err := db.All[struct{ ID string }](ctx, tx, pupils)
			if err != nil {
				return err
			}
			change := people.Change{School: school, Join: []people.Membership{{Person: nadia, School: school, Profile: rights.Relative}}}
			for _, r := range rows {
				change.Link = append(change.Link, people.Link{Relative: nadia, Pupil: r.ID})
			}
			if err := people.Apply(ctx, tx, rights.System("test").For(school), g.Core.Clock.Now(), change); err != nil {
				return err
			}
		}
		return nil
	})
}
