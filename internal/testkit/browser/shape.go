package browser

import (
	_ "embed"
	"encoding/json"
	"os"
	"slices"
	"strconv"
	"sync"
)

//go:embed shape.js
var shape string

// seen are the shapes that this run has held to each of the checks. What has the
// shape of something that was seen is checked already, but for the length of its
// words, which has checks of its own.
var seen = struct {
	sync.Mutex
	of map[string]bool
}{of: map[string]bool{}}

// anew says of each shape whether that check has not seen it yet, on this screen,
// and that it has now. To who makes screenshots everything is new, and to a package
// whose tests have a browser each: what they plant differs by its styles alone.
func (tab *Tab) anew(check string, shapes []string) []bool {
	out := make([]bool, len(shapes))
	if os.Getenv(ScreenshotsEnv) != "" || !shared.on {
		for n := range out {
			out[n] = true
		}
		return out
	}
	on := check + " " + strconv.Itoa(tab.screen.Width) + " "
	seen.Lock()
	defer seen.Unlock()
	for n, s := range shapes {
		out[n] = !seen.of[on+s]
		seen.of[on+s] = true
	}
	return out
}

// news says whether the frame of the page or its content has a shape that the
// check has not seen yet.
func (tab *Tab) news(check string) bool {
	tab.t.Helper()
	return slices.Contains(tab.anew(check, Eval[[]string](tab, `(`+shape+`).halves()`)), true)
}

// mark marks with data-new what has no like among what was seen in the theme:
// elements to which other rules of the style sheets may apply. It says whether
// there is any.
func (tab *Tab) mark(theme Theme) bool {
	tab.t.Helper()
	anew := tab.anew(theme.Name, Eval[[]string](tab, `(`+shape+`).elements()`))
	which, _ := json.Marshal(anew)
	return Eval[bool](tab, `(`+shape+`).mark(`+string(which)+`)`)
}
