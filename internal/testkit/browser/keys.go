package browser

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed reach.js
var reach string

// CheckKeys walks through the page with the keyboard alone and holds it to what
// a person without a mouse needs: the first stop leads past the navigation;
// Tab reaches every control, in the order in which they stand, shows where it
// is, hides it under nothing and comes out at the end; what opens (a dialog, a
// question before an act, a menu) opens with Enter, keeps the focus, closes
// with Escape and gives the focus back. A page whose halves were both held to it
// before is not walked again (see news).
func (tab *Tab) CheckKeys(name string) {
	tab.t.Helper()
	if !tab.news("keys") {
		return
	}
	for _, f := range tab.keyFaults() {
		tab.t.Errorf("%s at %d px, by keyboard: %s", name, tab.screen.Width, f)
	}
}

func (tab *Tab) keyFaults() (faults []string) {
	tab.t.Helper()
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	Eval[chromedp.Void](tab, reach)
	for _, f := range tab.walk() {
		fault("%s", f)
	}
	tab.skip(fault)
	tab.openings(fault)
	return faults
}

// key presses one key and does not wait for the network.
func (tab *Tab) key(k string) {
	tab.t.Helper()
	tab.do("press a key", chromedp.KeyEvent(k))
}

// walk presses Tab from the top of the page until it leaves it.
func (tab *Tab) walk() (faults []string) {
	tab.t.Helper()
	count := Eval[int](tab, `reach.begin()`)
	for range count + 10 { // a date has several stops
		tab.key(kb.Tab)
		at := Eval[struct {
			Faults []string
			End    bool
		}](tab, `reach.here()`)
		faults = append(faults, at.Faults...)
		if at.End {
			break
		}
	}
	if missed := Eval[[]string](tab, `reach.missed()`); len(missed) > 0 {
		faults = append(faults, "Tab does not reach "+strings.Join(missed, ", "))
	}
	return faults
}

// skip follows the first link of the page: the focus must land where it says.
func (tab *Tab) skip(fault func(string, ...any)) {
	tab.t.Helper()
	Eval[int](tab, `reach.begin()`)
	tab.key(kb.Tab)
	if Eval[bool](tab, `document.activeElement === document.body || document.activeElement.closest("main") !== null`) {
		return // nothing stands before the content
	}
	target := Eval[string](tab, `(document.activeElement.getAttribute("href") || "").replace(/^[^#]*/, "")`)
	if !strings.HasPrefix(target, "#") {
		fault("the first stop is no skip link")
		return
	}
	tab.key(kb.Enter)
	tab.key(kb.Tab)
	// Without any control in it, the content is followed by what comes after.
	if !Eval[bool](tab, fmt.Sprintf(`(() => {
		const target = document.querySelector(%s), e = document.activeElement;
		return target !== null && (target.contains(e) || reach.stops(target).length === 0 && e !== reach.list[1]);
	})()`, quote(target))) {
		fault("the skip link to %s does not lead into it", target)
	}
}

// becomes says whether something becomes true within a second.
func (tab *Tab) becomes(js string) bool {
	tab.t.Helper()
	for end := time.Now().Add(time.Second); ; time.Sleep(10 * time.Millisecond) {
		if Eval[bool](tab, js) {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

// openings opens what opens on the page, each kind once, with the keyboard.
func (tab *Tab) openings(fault func(string, ...any)) {
	tab.t.Helper()
	for _, kind := range []struct{ what, opener, opened string }{
		{"dialog", `[data-opens]`, `document.querySelector("dialog[open]")`},
		{"question", `form[data-confirm] button`, `document.querySelector("dialog[open]")`},
		{"menu", `details.menu > summary`, `document.querySelector("details.menu[open]")`},
	} {
		if !Eval[bool](tab, fmt.Sprintf(`(() => {
			window.opener_ = Array.from(document.querySelectorAll(%s)).find(e => reach.shown(e) && !e.disabled);
			if (!opener_) return false;
			opener_.focus();
			return true;
		})()`, quote(kind.opener))) {
			continue
		}
		tab.key(kb.Enter)
		if !tab.becomes(kind.opened + ` !== null`) {
			fault("Enter on %s opens no %s", Eval[string](tab, `reach.say(opener_)`), kind.what)
			continue
		}
		for range 6 {
			tab.key(kb.Tab)
			if kind.what != "menu" && !Eval[bool](tab, `(e => e === document.body || `+kind.opened+`.contains(e))(document.activeElement)`) {
				fault("Tab leaves the %s", kind.what)
				break
			}
		}
		tab.key(kb.Escape)
		if !tab.becomes(kind.opened + ` === null`) {
			fault("Escape does not close the %s", kind.what)
		} else if kind.what != "menu" && !Eval[bool](tab, `document.activeElement === opener_`) {
			fault("the %s does not give the focus back to %s", kind.what, Eval[string](tab, `reach.say(opener_)`))
		}
	}
}
