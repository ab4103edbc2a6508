// Package ui draws Marelle: page layouts, components, style sheet, scripts,
// fonts, icons and drawings, all served by the program itself. It refuses to
// know rights, data and services: it is handed plain values by its callers and
// gives back HTML that works without JavaScript, under a strict
// Content-Security-Policy (no inline style, script or handler).
//
// A caller fills a Shell, calls one layout (Layout, HomeLayout, PupilHome,
// Gate, Bare) and puts components in it. Kit shows every component in every
// state. Sources of the assets are in web; build makes dist from them.
package ui

import (
	"context"
	"embed"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"marelle/internal/platform/i18n"
)

//go:generate go run marelle/internal/ui/build -root ../..
//go:generate go tool templ generate -path .

//go:embed i18n/fr.json
var messages embed.FS

// Messages is the catalogue of this package: fr.json at its root, keys "ui.…".
var Messages fs.FS = sub(messages, "i18n")

func sub(f fs.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // dir is a constant: a wrong one cannot pass any test
	}
	return s
}

// Shell is what surrounds a page, filled by the caller for each request.
type Shell struct {
	Title string // <title>; the portal's name is added

	Theme   string // data-theme: clair, sombre, contraste; "" follows the system
	Reading string // data-lecture: debutant, dyslexie, or ""
	Season  string // data-saison: automne, hiver, printemps, ete, or ""
	Frugal  bool   // no web font travels

	Portal string // name of the portal, in the title and the footer
	School string

	Signed        bool
	Name          string // "Nadia Kermadec"
	Caption       string // "Mère d’Inès et de Yanis"
	Initials      string // "NK"; see Initials
	Avatar        string // an animal of Animals, or ""
	AvatarPaint   string // paint behind the initials
	AvatarPicture string // address of a photo, or ""

	Pupil   bool     // the page says "tu" and its targets grow to 72 px
	Unread  int      // count on the bell
	Squares []Square // numbered services, in order
	Current string   // Key of the service this page belongs to, "home", or ""
	Extra   []Link   // under the ladder: settings, help, sign out…
	Tabs    []Tab    // bottom bar of the phone, five at most
	Toast   *Toast
	Banner  string // sentence of the platform above every page, or ""
	Demo    bool

	Installs bool     // may be put on the home screen: the portal serves the worker and the manifest
	Styles   []string // addresses of what this page alone needs, see Asset
	Scripts  []string
}

// Square is a service: a numbered square of the court. With Href empty the
// service is switched off for this person and its square stays unpainted.
type Square struct {
	Number int    // 1 to 9, the same for the whole school
	Key    string // "carnet", "textes"…
	Label  string
	Short  string // for the phone bar; Label when empty
	Href   string
	Icon   string // name in web/icons.txt
	Picto  string // drawing for pupils, see Pictos
	Paint  string // a paint of Paints
	Count  int    // what is new in it
}

// Link is an entry of a menu or of the ladder's foot. With Post it is a form
// with a button, as for signing out.
type Link struct {
	Label, Href, Icon string
	Post              bool
	Danger            bool
	Confirm           string // question asked before a Post
}

// Tab is an entry of the bottom bar, of a row of tabs or of a choice of children.
type Tab struct {
	Key                      string // of the service that it counts, or ""
	Label, Href, Icon, Paint string
	Count                    int
	Current                  bool
}

// Toast is a short announcement after an action. With Undo set it carries a
// form that POSTs there.
type Toast struct {
	Text      string
	Undo      string            // address of the undo, or ""
	UndoLabel string            // "Annuler" when empty
	Fields    map[string]string // hidden fields of the undo form
	Stays     bool              // does not leave by itself
}

// Kept is what a form said that was refused. Text is what its sender typed, to
// be copied; Again is where all of it may be sent once more, or ""; SignIn where
// to sign in before, or "". Files says that it brought files, which are not kept.
type Kept struct {
	Text   string
	Again  string
	Fields map[string][]string
	SignIn string
	Files  bool
	Pupil  bool
}

func (k Kept) names() []string { return slices.Sorted(maps.Keys(k.Fields)) }

// say is a sentence to whoever sent the form.
func (k Kept) say(ctx context.Context, key, pupil string) string {
	if k.Pupil {
		key = pupil
	}
	return i18n.T(ctx, key)
}

// Paints lists the paints of the yard, each with its pale ground.
func Paints() []string {
	return []string{"jaune", "vert", "ciel", "rose", "lilas", "orange", "turquoise"}
}

// Animals lists the avatars that pupils choose from.
func Animals() []string {
	return []string{"chat", "chouette", "grenouille", "herisson", "lapin", "ours", "phoque", "renard"}
}

// Pictos lists the drawings for pupils.
func Pictos() []string {
	return []string{"mots", "travail", "messages", "blog", "cahiers", "cartable", "livre", "bottes", "calcul"}
}

// longWord says whether a title has a word that needs much place.
func longWord(title string) bool {
	for w := range strings.FieldsSeq(title) {
		if utf8.RuneCountInString(w) > 10 {
			return true
		}
	}
	return false
}

// PaintClass is the CSS class of a paint, "" for an unknown one: the name comes
// from data and must not reach a class attribute unchecked.
func PaintClass(paint string) string {
	switch paint {
	case "jaune":
		return "p-jaune"
	case "vert":
		return "p-vert"
	case "ciel":
		return "p-ciel"
	case "rose":
		return "p-rose"
	case "lilas":
		return "p-lilas"
	case "orange":
		return "p-orange"
	case "turquoise":
		return "p-turquoise"
	}
	return ""
}

// count writes a badge: two digits at most for adults, one for pupils, who
// would only be worried by more.
func count(n int, pupil bool) string {
	switch {
	case pupil && n > 9:
		return "9+"
	case n > 99:
		return "99+"
	}
	return strconv.Itoa(n)
}

// square finds the service of a key.
func (s Shell) square(key string) (Square, bool) {
	for _, q := range s.Squares {
		if q.Key == key && key != "" {
			return q, true
		}
	}
	return Square{}, false
}

func (s Shell) bodyClass() string {
	q, _ := s.square(s.Current)
	c := PaintClass(q.Paint)
	if s.Pupil {
		c += " tu"
	}
	return c
}

// paper is the shell of a page to print: black on white whatever the theme.
func (s Shell) paper() Shell {
	s.Theme = "clair"
	return s
}

func (s Shell) title() string {
	name := s.Portal
	if name == "" {
		name = "Marelle"
	}
	if s.Title == "" || s.Title == name {
		return name
	}
	return s.Title + " · " + name
}

// courtClass widens the grid when there are more than six squares.
func courtClass(n int) string {
	switch {
	case n >= 9:
		return "n9"
	case n == 8:
		return "n8"
	case n == 7:
		return "n7"
	}
	return ""
}

// place is the class of a square's place in the court, from its number.
func place(number int) string {
	if number < 1 || number > 9 {
		return ""
	}
	return "c" + strconv.Itoa(number)
}

// size is the highest number of the court: an empty square keeps its place.
func size(squares []Square) int {
	top := 0
	for _, q := range squares {
		top = max(top, q.Number)
	}
	return top
}
