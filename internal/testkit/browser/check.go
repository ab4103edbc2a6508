package browser

import (
	_ "embed"
	"encoding/json"
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
	return tab.axe(`document`, "")
}

// AxeRules runs some rules of axe-core on the page as it is shown.
func (tab *Tab) AxeRules(rules ...string) []Violation {
	tab.t.Helper()
	list, _ := json.Marshal(rules)
	return tab.axe(`document`, `runOnly: {type: "rule", values: `+string(list)+`}`)
}

// only runs some rules of axe-core alone.
func only(rules string) string { return `runOnly: {type: "rule", values: [` + rules + `]}` }

// axe runs axe-core on a part of the page with more options, both in JavaScript.
func (tab *Tab) axe(part, options string) []Violation {
	tab.t.Helper()
	if tab.noScript { // axe needs timers; the page's scripts do not come back by this
		tab.scripts(true)
		defer tab.scripts(false)
	}
	if !Eval[bool](tab, `typeof axe === "object"`) {
		Eval[chromedp.Void](tab, axe)
	}
	// Where an editor has drawn the part anew meanwhile, the whole page is looked at.
	return Eval[[]Violation](tab, `((part) =>
		axe.run(typeof part === "string" && !document.querySelector(part) ? document : part, {resultTypes: ["violations"], `+options+`}).then(r => r.violations.map(v => ({
		ID: v.id, Impact: v.impact, Help: v.help,
		Nodes: v.nodes.slice(0, 8).map(n => n.html.slice(0, 240) + " — " + n.failureSummary.replace(/\s+/g, " ").slice(0, 300)),
	}))))(`+part+`)`)
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

// letters are those of the Themes that differ in their letters.
var letters = []Theme{Themes[0], Themes[3]}

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

// A theme changes colours and letters, never the elements: of axe-core's rules
// it can break those of colours, and those of sizes where a box has moved.
const (
	ofColours = `"color-contrast", "link-in-text-block"`
	ofSizes   = `"target-size", "scrollable-region-focusable"`
)

// boxes are the places of everything on the page.
const boxes = `(() => {
	let sum = 0;
	for (const e of document.body.getElementsByTagName("*")) {
		const r = e.getBoundingClientRect();
		for (const x of [r.x, r.y, r.width, r.height, e.scrollWidth, e.scrollHeight]) sum = (Math.imul(sum, 31) + Math.round(x * 8)) | 0;
	}
	return sum;
})()`

// CheckPage holds the page to what every page must be, at the tab's width and
// in each of the Themes: no violation for axe-core, nothing that overflows
// sideways, no word of usual length broken, no picture out of shape. A page whose halves were both held to
// it before is not looked at again, nor the colours of an element whose like was
// (see news and mark). Its screenshots are called <name>-<width>-<theme>.png.
func (tab *Tab) CheckPage(name string) {
	tab.t.Helper()
	if !tab.news("page") {
		return
	}
	first := 0
	tab.looks(name, Themes, func(theme Theme) (faults []Violation) {
		rules := ofColours
		if at := Eval[int](tab, boxes); theme == Themes[0] {
			first = at
			if words := tab.broken(); len(words) > 0 {
				tab.t.Errorf("%s at %d px: a line breaks the middle of\n\t%s", name, tab.screen.Width, strings.Join(words, "\n\t"))
			}
			if pictures := tab.stretched(); len(pictures) > 0 {
				tab.t.Errorf("%s at %d px: out of shape\n\t%s", name, tab.screen.Width, strings.Join(pictures, "\n\t"))
			}
			faults = tab.axe(`document`, `rules: {"color-contrast": {enabled: false}}`)
		} else if at != first {
			rules += ", " + ofSizes
		}
		if tab.mark(theme) {
			faults = append(faults, tab.axe(`"[data-new]"`, only(rules))...)
		}
		return faults
	})
}

// CheckLengths holds a page whose words are longer than those of a page that
// CheckPage has seen to what their length can break: nothing overflows sideways
// and every target keeps its size, in all the letters.
func (tab *Tab) CheckLengths(name string) {
	tab.t.Helper()
	if !tab.news("lengths") {
		return
	}
	tab.looks(name, letters, func(Theme) []Violation { return tab.axe(`document`, only(ofSizes)) })
}

// looks shows the page in themes, one after the other, and reports what is found
// in each, and what overflows sideways.
func (tab *Tab) looks(name string, themes []Theme, find func(Theme) []Violation) {
	tab.t.Helper()
	was := Eval[[2]string](tab, `["data-theme", "data-lecture"].map(a => document.documentElement.getAttribute(a) || "")`)
	for _, theme := range themes {
		tab.SetTheme(theme)
		where := fmt.Sprintf("%s at %d px, %s", name, tab.screen.Width, theme.Name)
		for _, v := range find(theme) {
			tab.t.Errorf("%s: %s", where, v)
		}
		if wide := tab.overflow(); len(wide) > 0 {
			tab.t.Errorf("%s: scrolls sideways because of\n\t%s", where, strings.Join(wide, "\n\t"))
		}
		tab.Screenshot(fmt.Sprintf("%s-%d-%s", name, tab.screen.Width, theme.Name))
	}
	tab.setRoot(was[0], was[1])
}

// broken names the words that a line breaks in the middle although they are of
// usual length: their box is too narrow for what it says.
func (tab *Tab) broken() []string {
	tab.t.Helper()
	return Eval[[]string](tab, `(() => {
		const out = [], range = document.createRange();
		const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
		for (let n; (n = texts.nextNode()) && out.length < 6; ) {
			if (!/\p{L}{2}/u.test(n.data) || !n.parentElement.checkVisibility({visibilityProperty: true}) || n.parentElement.closest(".vh, .skip, svg, select, option, textarea, [hidden]")) continue;
			range.selectNodeContents(n);
			if (range.getClientRects().length < 2) continue;
			for (const word of n.data.matchAll(/(?<![\p{L}\d@\/._])\p{L}{2,13}(?![\p{L}\d@\/_]|\.\p{L})/gu)) { // but addresses
				range.setStart(n, word.index);
				range.setEnd(n, word.index + word[0].length);
				const lines = new Set(Array.from(range.getClientRects(), r => Math.round(r.top)));
				if (lines.size > 1) out.push(n.parentElement.cloneNode(false).outerHTML.slice(0, 80) + " " + JSON.stringify(word[0]));
			}
		}
		return out;
	})()`)
}

// stretched names the pictures that are shown higher or wider than they are. A
// drawing keeps its shape by itself, and one that is not there yet has none.
func (tab *Tab) stretched() []string {
	tab.t.Helper()
	return Eval[[]string](tab, `Array.from(document.images).filter(e => {
		const style = getComputedStyle(e), wide = parseFloat(style.width), high = parseFloat(style.height);
		return e.naturalWidth && !/\.svg$/.test(e.src) && style.objectFit === "fill" && wide >= 16 && high >= 16 && Math.abs(wide / high * e.naturalHeight / e.naturalWidth - 1) > 0.05;
	}).map(e => e.outerHTML.slice(0, 120) + " shown as " + e.width + " by " + e.height)`)
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
