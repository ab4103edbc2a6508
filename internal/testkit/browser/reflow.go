package browser

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// narrow is a window of 1280 px seen at 400 %.
const narrow = 320

// spacing is what WCAG 1.4.12 lets a person ask of every text.
const spacing = `* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }`

// cuts names the elements whose text does not show whole: it runs out of a box
// that hides what overflows.
const cuts = `(() => {
	const out = [];
	for (const e of document.querySelectorAll("body *")) {
		if (!e.innerText || e.closest(".vh, svg, select, dialog:not([open]), .skip") || !e.checkVisibility()) continue;
		const s = getComputedStyle(e);
		if (!/hidden|clip/.test(s.overflowX + s.overflowY) || /absolute/.test(s.position) && e.offsetWidth < 3) continue;
		if (e.scrollWidth > e.clientWidth + 1 && /hidden|clip/.test(s.overflowX) || e.scrollHeight > e.clientHeight + 1 && /hidden|clip/.test(s.overflowY)) {
			out.push(e.cloneNode(false).outerHTML.slice(0, 80) + " " + JSON.stringify(e.innerText.slice(0, 40)));
		}
	}
	return out.slice(0, 6);
})()`

// CheckReflow holds the page to what people need who enlarge it: at 320 px
// (1280 px at 400 %) nothing scrolls sideways, in any of the letters, nor with
// the widest spacing of text; that spacing cuts no text; nothing moves for those
// who asked for stillness. A page whose halves were both held to it before is not
// looked at again (see news).
func (tab *Tab) CheckReflow(name string) { tab.checkReflow("reflow", name) }

// CheckLongReflow is CheckReflow for words that are longer than those of a page
// of the same shape.
func (tab *Tab) CheckLongReflow(name string) { tab.checkReflow("long reflow", name) }

func (tab *Tab) checkReflow(kind, name string) {
	tab.t.Helper()
	if !tab.news(kind) {
		return
	}
	was := Eval[[2]string](tab, `["data-theme", "data-lecture"].map(a => document.documentElement.getAttribute(a) || "")`)
	screen := tab.screen
	tab.Resize(Screen{narrow, 640, false})
	check := func(how string) {
		tab.t.Helper()
		if wide := tab.overflow(); len(wide) > 0 {
			tab.t.Errorf("%s at %d px, %s: scrolls sideways because of\n\t%s", name, tab.screen.Width, how, strings.Join(wide, "\n\t"))
		}
		if cut := Eval[[]string](tab, cuts); len(cut) > 0 {
			tab.t.Errorf("%s at %d px, %s: text is cut in\n\t%s", name, tab.screen.Width, how, strings.Join(cut, "\n\t"))
		}
	}
	check("as it is")
	tab.Screenshot(name + "-320")
	tab.setRoot("clair", "dyslexie")
	check("dyslexie")
	tab.setRoot(was[0], was[1])
	Eval[bool](tab, fmt.Sprintf(`(() => { const s = new CSSStyleSheet(); s.replaceSync(%s); document.adoptedStyleSheets = [s]; return true; })()`, quote(spacing)))
	check("with wide spacing")
	tab.Resize(screen)
	check("with wide spacing")
	Eval[bool](tab, `(() => { document.adoptedStyleSheets = []; return true; })()`)
	if moving := Eval[[]string](tab, `Array.from(document.querySelectorAll("body, body *")).filter(e => {
		const s = getComputedStyle(e), some = t => t.split(",").some(x => parseFloat(x) > 0.011);
		return some(s.transitionDuration) || s.animationName !== "none" && some(s.animationDuration) || s.scrollBehavior === "smooth";
	}).slice(0, 4).map(e => e.cloneNode(false).outerHTML.slice(0, 100))`); len(moving) > 0 {
		tab.t.Errorf("%s moves although stillness was asked for:\n\t%s", name, strings.Join(moving, "\n\t"))
	}
}

// Resize gives the page another window.
func (tab *Tab) Resize(screen Screen) {
	tab.t.Helper()
	tab.screen = screen
	options := []chromedp.EmulateViewportOption{}
	if screen.Touch {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	tab.do("change the window", chromedp.EmulateViewport(int64(screen.Width), int64(screen.Height), options...))
}

// Colours asks for a media feature of colour, such as "forced-colors" "active",
// until it is asked for "".
func (tab *Tab) Colours(feature, value string) {
	tab.t.Helper()
	tab.do("ask for colours", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-reduced-motion", Value: "reduce"}, {Name: feature, Value: value},
		}})
		return err
	}))
}

// Agent has the browser name itself otherwise, until it is asked for "".
func (tab *Tab) Agent(name string) {
	tab.t.Helper()
	tab.do("take another name", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: name})
		return err
	}))
}

// Print returns the page as it is printed on A4, as the PDF that the browser's
// own "Print" saves: without backgrounds.
func (tab *Tab) Print() []byte {
	tab.t.Helper()
	yes, no := true, false
	r, err := chromedp.Call(tab.ctx, page.PrintToPDF, page.PrintToPDFParams{PreferCSSPageSize: &yes, PrintBackground: &no, PaperWidth: 8.27, PaperHeight: 11.69})
	if err != nil {
		tab.t.Fatalf("print %s: %v", tab.URL(), err)
	}
	return r.Data
}
