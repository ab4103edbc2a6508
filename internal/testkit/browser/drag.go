package browser

import (
	"context"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Drag presses on an element, a CSS selector, moves and lets go: with the finger
// where the screen is touched, else with the mouse. Places are parts of the
// element: 0, 0 is its top left corner.
func (tab *Tab) Drag(css string, fromX, fromY, toX, toY float64) {
	tab.t.Helper()
	type box struct{ X, Y, W, H float64 }
	at := call[box](tab, tab.find("button", css), `function () {
		this.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = this.getBoundingClientRect();
		return {X: r.x, Y: r.y, W: r.width, H: r.height};
	}`)
	tab.do("drag on "+css, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		const steps = 6
		for n := 0; n <= steps+1; n++ {
			part := float64(min(n, steps)) / steps
			x, y := at.X+at.W*(fromX+(toX-fromX)*part), at.Y+at.H*(fromY+(toY-fromY)*part)
			var err error
			if tab.screen.Touch {
				kind, points := input.DispatchTouchEventTypeTouchMove, []*input.TouchPoint{{X: x, Y: y}}
				switch n {
				case 0:
					kind = input.DispatchTouchEventTypeTouchStart
				case steps + 1:
					kind, points = input.DispatchTouchEventTypeTouchEnd, []*input.TouchPoint{}
				}
				_, err = cdp.Call(ctx, t, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points})
			} else {
				kind := input.DispatchMouseEventTypeMouseMoved
				switch n {
				case 0:
					kind = input.DispatchMouseEventTypeMousePressed
				case steps + 1:
					kind = input.DispatchMouseEventTypeMouseReleased
				}
				_, err = cdp.Call(ctx, t, input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: kind, X: x, Y: y, Button: input.MouseButtonLeft, Buttons: 1, ClickCount: 1})
			}
			if err != nil {
				return err
			}
		}
		return nil
	}))
	tab.settle()
}
