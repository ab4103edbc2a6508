package browser

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
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

// strides is how many presses of Tab are sent at a time: the page looks at each
// by itself, and is drawn once for several.
const strides = 12

// walk presses Tab from the top of the page until it leaves it.
func (tab *Tab) walk() (faults []string) {
	tab.t.Helper()
	count := Eval[int](tab, `reach.begin(true)`)
	for pressed := 0; pressed < count+10; pressed += strides { // a date has several stops
		tab.stride()
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

// stride holds Tab down for so many stops. The presses are all alike: it does not
// matter in which order they are sent.
func (tab *Tab) stride() {
	tab.t.Helper()
	tab.do("press Tab", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		key := kb.Encode('\t')
		sent := make(chan error, strides)
		for range strides {
			go func() {
				_, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *key[0])
				sent <- err
			}()
		}
		var err error
		for range strides {
			err = errors.Join(err, <-sent)
		}
		_, up := cdp.Call(ctx, t, input.DispatchKeyEvent, *key[1])
		return errors.Join(err, up)
	}))
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
		if is, err := evaluate[bool](tab, js); err == nil && is {
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
		if kind.what == "menu" && !Eval[bool](tab, `(r => r.left >= 0 && r.right <= document.documentElement.clientWidth)(document.querySelector("details.menu[open] > ul").getBoundingClientRect())`) {
			fault("the menu of %s is cut off", Eval[string](tab, `reach.say(opener_)`))
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
