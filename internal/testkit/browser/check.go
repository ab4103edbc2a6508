package browser

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/chromedp/chromedp"
)

//go:embed axe.min.js
var axe string

// ScreenshotsEnv names the folder, as an absolute path, where screenshots are
// written; nothing is written where it is empty.
const ScreenshotsEnv = "MARELLE_SCREENSHOTS"

// Violation is a fault against accessibility that axe-core found.
type Violation struct {
	ID, Impact, Help string
	Nodes            []string // the elements' HTML and what is wrong with each
}

// String says it on a few lines.
func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s\n\t%s", v.ID, v.Impact, v.Help, strings.Join(v.Nodes, "\n\t"))
}

// Axe runs axe-core with its default rules (WCAG 2.2 A and AA, and its best
// practices) on the page as it is shown.
func (tab *Tab) Axe() []Violation {
	tab.t.Helper()
	return tab.axe("")
}

// axe runs axe-core with more options, in JavaScript.
func (tab *Tab) axe(options string) []Violation {
	tab.t.Helper()
	if tab.noScript { // axe needs timers; the page's scripts do not come back by this
		tab.scripts(true)
		defer tab.scripts(false)
	}
	if !Eval[bool](tab, `typeof axe === "object"`) {
		Eval[chromedp.Void](tab, axe)
	}
	return Eval[[]Violation](tab, `axe.run(document, {resultTypes: ["violations"], `+options+`}).then(r => r.violations.map(v => ({
		ID: v.id, Impact: v.impact, Help: v.help,
		Nodes: v.nodes.slice(0, 8).map(n => n.html.slice(0, 240) + " — " + n.failureSummary.replace(/\s+/g, " ").slice(0, 300)),
	})))`)
}

// Theme is a look of the pages, by the attributes of the html element.
type Theme struct{ Name, Theme, Reading string }

// Themes are the looks in which every page is checked.
var Themes = []Theme{
	{"clair", "clair", ""},
	{"sombre", "sombre", ""},
	{"contraste", "contraste", ""},
	{"dyslexie", "clair", "dyslexie"},
}

// SetTheme shows the page in that look until the next one is loaded.
func (tab *Tab) SetTheme(theme Theme) {
	tab.t.Helper()
	tab.setRoot(theme.Theme, theme.Reading)
}

func (tab *Tab) setRoot(theme, reading string) {
	tab.t.Helper()
	Eval[bool](tab, fmt.Sprintf(`(async () => {
		for (const [name, value] of [["data-theme", %s], ["data-lecture", %s]]) {
			if (value) document.documentElement.setAttribute(name, value); else document.documentElement.removeAttribute(name);
		}
		await document.fonts.ready;
		return true;
	})()`, quote(theme), quote(reading)))
}

// ofLooks are the rules of axe-core that a theme can break: a theme changes
// colours and letters, never the elements, so the others need one look.
const ofLooks = `runOnly: {type: "rule", values: ["color-contrast", "target-size", "link-in-text-block", "scrollable-region-focusable"]}`

// CheckPage holds the page to what every page must be, at the tab's width and
// in each of the Themes: no violation for axe-core, nothing that overflows
// sideways. Its screenshots are called
// <name>-<width>-<theme>.png.
func (tab *Tab) CheckPage(name string) {
	tab.t.Helper()
	was := Eval[[2]string](tab, `["data-theme", "data-lecture"].map(a => document.documentElement.getAttribute(a) || "")`)
	for i, theme := range Themes {
		tab.SetTheme(theme)
		where := fmt.Sprintf("%s at %d px, %s", name, tab.screen.Width, theme.Name)
		options := ofLooks
		if i == 0 {
			options = ""
		}
		for _, v := range tab.axe(options) {
			tab.t.Errorf("%s: %s", where, v)
		}
		if wide := tab.overflow(); len(wide) > 0 {
			tab.t.Errorf("%s: scrolls sideways because of\n\t%s", where, strings.Join(wide, "\n\t"))
		}
		tab.Screenshot(fmt.Sprintf("%s-%d-%s", name, tab.screen.Width, theme.Name))
	}
	tab.setRoot(was[0], was[1])
}

// overflow names the elements that make the page wider than the screen. A phone
// zooms out to show them, so the window's own width says nothing.
func (tab *Tab) overflow() []string {
	tab.t.Helper()
	return Eval[[]string](tab, fmt.Sprintf(`(width => {
		if (document.documentElement.scrollWidth <= width) return [];
		const wide = Array.from(document.querySelectorAll("body *")).filter(e => e.getBoundingClientRect().right + scrollX > width + 0.5);
		return [document.documentElement.scrollWidth + " px"].concat(wide.slice(-6).map(e => e.cloneNode(false).outerHTML.slice(0, 120)));
	})(%d)`, tab.screen.Width))
}

// Screenshot writes the whole page to <name>.png in the folder of
// ScreenshotsEnv, if there is one.
func (tab *Tab) Screenshot(name string) {
	tab.t.Helper()
	if os.Getenv(ScreenshotsEnv) == "" {
		return
	}
	png, err := chromedp.Run(tab.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		tab.t.Fatalf("screenshot of %s: %v", name, err)
	}
	tab.save(name, png)
}

func (tab *Tab) save(name string, png []byte) {
	dir := os.Getenv(ScreenshotsEnv)
	if dir == "" {
		return
	}
	path := filepath.Join(dir, name+".png")
	err := os.MkdirAll(filepath.Dir(path), 0o755)
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		tab.t.Errorf("write the screenshot: %v", err)
	}
}
