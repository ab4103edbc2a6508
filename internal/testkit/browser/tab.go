package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed find.js
var finder string

// Tab is one page open before a person. Its methods wait for what they need and
// end the test with a sentence when it does not come. Names of fields and
// buttons are their visible labels ("Mot de passe", "J'ai lu"), any apostrophe
// and any space; a name that begins like a CSS selector ("#id", ".class",
// "[name=x]", "form > input") is one.
type Tab struct {
	t         testing.TB
	ctx       context.Context
	screen    Screen
	noScript  bool
	watch     *watch
	downloads string
}

// Context is the tab's chromedp context, for what this package does not offer.
func (tab *Tab) Context() context.Context { return tab.ctx }

// Go opens an address and returns the page's HTTP status. A path is taken on
// the site of the first full address.
func (tab *Tab) Go(address string) int {
	tab.t.Helper()
	tab.watch.mu.Lock()
	if strings.HasPrefix(address, "/") {
		address = tab.watch.origin + address
	} else if u, err := url.Parse(address); err == nil && tab.watch.origin == "" {
		tab.watch.origin = u.Scheme + "://" + u.Host
	}
	tab.watch.mu.Unlock()
	tab.do("go to "+address, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		r, err := cdp.Call(ctx, t, page.Navigate, page.NavigateParams{URL: address})
		if err == nil && r.ErrorText != "" && !r.IsDownload {
			err = fmt.Errorf("%s", r.ErrorText)
		}
		return err
	}))
	tab.rest(20 * time.Millisecond)
	return tab.Status()
}

// Status is the HTTP status of the page shown.
func (tab *Tab) Status() int {
	tab.watch.mu.Lock()
	defer tab.watch.mu.Unlock()
	return tab.watch.status
}

// URL is the address shown.
func (tab *Tab) URL() string {
	tab.t.Helper()
	return Eval[string](tab, `location.href`)
}

// Path is the path of the address shown.
func (tab *Tab) Path() string {
	tab.t.Helper()
	return Eval[string](tab, `location.pathname`)
}

// Eval returns the value of a JavaScript expression, awaited when it is a
// promise. It works under any policy, and with scripts switched off.
func Eval[T any](tab *Tab, expression string) T {
	tab.t.Helper()
	v, err := evaluate[T](tab, expression)
	if err != nil {
		tab.t.Fatalf("evaluate %.80s: %v", expression, err)
	}
	return v
}

// evaluate is Eval for who tries again: a page that leaves for another answers
// nothing.
func evaluate[T any](tab *Tab, expression string) (T, error) {
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Click presses the button, link or label of that name with the mouse, and
// waits for what it set going. Another element above it fails the test.
func (tab *Tab) Click(name string) {
	tab.t.Helper()
	tab.press(name)
	tab.settle()
}

func (tab *Tab) press(name string) {
	tab.t.Helper()
	at := tab.place(name)
	for deadline := time.Now().Add(patience / 2); at.Cover != "" && time.Now().Before(deadline); at = tab.place(name) {
		time.Sleep(50 * time.Millisecond)
	}
	if at.Cover != "" {
		tab.t.Fatalf("%q cannot be clicked: it is under %s", name, at.Cover)
	}
	tab.do("click "+name, chromedp.MouseClickXY(at.X, at.Y))
}

// place is where the mouse presses, in CSS pixels of the window, and what is in
// the way there.
type place struct {
	X, Y  float64
	Cover string
}

func (tab *Tab) place(name string) place {
	tab.t.Helper()
	return call[place](tab, tab.find("button", name), `function () {
		this.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = this.getClientRects()[0];
		if (!r) return {X: 0, Y: 0, Cover: "nothing: it has no size"};
		const x = r.x + r.width / 2, y = r.y + r.height / 2, hit = document.elementFromPoint(x, y);
		const ours = hit && (this.contains(hit) || this.control === hit);
		return {X: x, Y: y, Cover: ours ? "" : hit ? hit.outerHTML.slice(0, 120) : "the edge of the window"};
	}`)
}

// Fill replaces what the field of that label holds, as if typed; in a list it
// chooses the option of that text or value.
func (tab *Tab) Fill(name, value string) {
	tab.t.Helper()
	field := tab.find("field", name)
	text, err := json.Marshal(value)
	if err != nil {
		tab.t.Fatal(err)
	}
	how := call[string](tab, field, `function () {
		const value = `+string(text)+`;
		const tell = () => { for (const e of ["input", "change"]) this.dispatchEvent(new Event(e, {bubbles: true})); };
		this.scrollIntoView({block: "center", behavior: "instant"});
		this.focus();
		if (this.tagName === "SELECT") {
			const o = Array.from(this.options).find(o => o.value === value || o.text.trim() === value);
			if (!o) return "it has no option " + value;
			o.selected = true;
			tell();
			return "done";
		}
		if (/^(date|time|month|week|datetime-local|color|range)$/.test(this.type)) { this.value = value; tell(); return "done"; }
		if (this.disabled || this.readOnly) return "it cannot be changed";
		if (this.isContentEditable) return "editor";
		this.select();
		return "";
	}`)
	switch how {
	case "done":
	case "editor":
		tab.write(name, value)
	case "":
		if value == "" {
			tab.do("empty "+name, chromedp.KeyEvent(kb.Delete))
			break
		}
		tab.do("fill "+name, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: value})
			return err
		}))
	default:
		tab.t.Fatalf("fill %q: %s", name, how)
	}
	tab.settle()
}

// write replaces what an editor holds, with the keys of a person: a blank line
// parts paragraphs.
func (tab *Tab) write(name, value string) {
	tab.t.Helper()
	steps := []chromedp.Action[chromedp.Void]{chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent(kb.Delete)}
	for i, paragraph := range strings.Split(value, "\n\n") {
		if i > 0 {
			steps = append(steps, enter(0))
		}
		for j, line := range strings.Split(paragraph, "\n") {
			if j > 0 {
				steps = append(steps, enter(chromedp.ModifierShift))
			}
			steps = append(steps, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
				_, err := cdp.Call(ctx, t, input.InsertText, input.InsertTextParams{Text: line})
				return err
			}))
		}
	}
	tab.do("write in "+name, steps...)
}

// enter presses Enter as a keyboard does: whoever takes the key takes the line end
// that it would have typed as well.
func enter(with chromedp.Modifier) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		down := input.DispatchKeyEventParams{Type: kb.KeyDown, Key: "Enter", Code: "Enter", Text: "\r", UnmodifiedText: "\r", WindowsVirtualKeyCode: 13, NativeVirtualKeyCode: 13, Modifiers: int64(with)}
		up := down
		up.Type, up.Text, up.UnmodifiedText = kb.KeyUp, "", ""
		for _, k := range []input.DispatchKeyEventParams{down, up} {
			if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Upload gives files to the file field of that label, and waits for what the page
// does with them.
func (tab *Tab) Upload(name string, files ...string) {
	tab.t.Helper()
	tab.Give(name, files...)
	tab.settle()
}

// Give is Upload without waiting.
func (tab *Tab) Give(name string, files ...string) {
	tab.t.Helper()
	id := tab.find("file", name)
	tab.do("upload to "+name, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: files, ObjectID: id})
		return err
	}))
}

// keys that Press knows by name; any other is typed as it stands.
var keys = map[string]string{
	"Tab": kb.Tab, "Enter": kb.Enter, "Escape": kb.Escape, "Space": " ", "Backspace": kb.Backspace, "Delete": kb.Delete,
	"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
	"Home": kb.Home, "End": kb.End, "PageUp": kb.PageUp, "PageDown": kb.PageDown,
}

// Press types on the keyboard: "Tab", "Shift+Tab", "Enter", "bonjour"…
func (tab *Tab) Press(sequence ...string) {
	tab.t.Helper()
	for _, key := range sequence {
		var with []chromedp.KeyOption
		if rest, ok := strings.CutPrefix(key, "Shift+"); ok {
			key, with = rest, append(with, chromedp.KeyModifiers(chromedp.ModifierShift))
		}
		if key == "Enter" && with == nil && Eval[bool](tab, `document.activeElement.isContentEditable`) {
			tab.do("press "+key, enter(0))
			continue
		}
		if rest, ok := strings.CutPrefix(key, "Ctrl+"); ok {
			key, with = rest, append(with, chromedp.KeyModifiers(chromedp.ModifierCtrl))
		}
		if known, ok := keys[key]; ok {
			key = known
		}
		tab.do("press "+key, chromedp.KeyEvent(key, with...))
	}
	tab.settle()
}

// Focus moves to the control or field of that name with the Tab key alone, as a
// person without a mouse does, and fails when it cannot be reached so.
func (tab *Tab) Focus(name string) {
	tab.t.Helper()
	for range 200 {
		tab.do("press Tab", chromedp.KeyEvent(kb.Tab))
		if Eval[bool](tab, `[`+tab.finding("button", name)+`, `+tab.finding("field", name)+`].includes(document.activeElement)`) {
			return
		}
	}
	tab.t.Fatalf("%q cannot be reached with the Tab key on %s", name, tab.URL())
}

// SetCookie gives the tab a cookie, Secure and HttpOnly as the server's are.
func (tab *Tab) SetCookie(address, name, value string) {
	tab.t.Helper()
	yes := true
	tab.do("set a cookie", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: name, Value: value, URL: address, Path: "/", Secure: &yes, HTTPOnly: &yes})
		return err
	}))
}

// Text is the visible text of the first element of that CSS selector.
func (tab *Tab) Text(css string) string {
	tab.t.Helper()
	return strings.TrimSpace(call[string](tab, tab.find("text", css), `function () { return this.innerText; }`))
}

// Count is the number of elements of that CSS selector, visible or not.
func (tab *Tab) Count(css string) int {
	tab.t.Helper()
	return Eval[int](tab, fmt.Sprintf(`document.querySelectorAll(%s).length`, quote(css)))
}

// Has says whether the page shows that text now, whatever its apostrophes and
// spaces.
func (tab *Tab) Has(text string) bool {
	tab.t.Helper()
	return strings.Contains(plain(Eval[string](tab, words)), plain(text))
}

const words = `document.body?.innerText ?? ""`

// WaitText waits until the page shows that text.
func (tab *Tab) WaitText(text string) {
	tab.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(50 * time.Millisecond) {
		shown, err := evaluate[string](tab, words)
		if err == nil && strings.Contains(plain(shown), plain(text)) {
			return
		}
		if time.Now().After(deadline) {
			tab.t.Fatalf("%q does not appear on %s (%v)", text, tab.URL(), err)
		}
	}
}

// Slow lets so many bytes a second leave the tab; -1 is as many as there are.
func (tab *Tab) Slow(bytes float64) {
	tab.t.Helper()
	conditions := network.EmulateNetworkConditionsByRuleParams{
		MatchedNetworkConditions: []*network.Conditions{{DownloadThroughput: -1, UploadThroughput: bytes}},
	}
	tab.do("slow the network", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, conditions)
		return err
	}))
}

// Offline cuts the tab and its service worker off the network, or joins them again.
func (tab *Tab) Offline(off bool) {
	tab.t.Helper()
	conditions := network.EmulateNetworkConditionsByRuleParams{
		EmulateOfflineServiceWorker: &off,
		MatchedNetworkConditions:    []*network.Conditions{{Offline: off, DownloadThroughput: -1, UploadThroughput: -1}},
	}
	tab.do("cut the network", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, network.EmulateNetworkConditionsByRule, conditions); err != nil {
			return err
		}
		// That cuts; this is what navigator.onLine says.
		_, err := cdp.Call(ctx, t, network.OverrideNetworkState, network.OverrideNetworkStateParams{
			Offline: off, DownloadThroughput: -1, UploadThroughput: -1,
		})
		return err
	}))
}

// Download clicks and returns the name and the bytes of the file that comes.
func (tab *Tab) Download(name string) (file string, data []byte) {
	tab.t.Helper()
	tab.press(name)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if guid, file, ok := tab.watch.finished(); ok {
			data, err := os.ReadFile(filepath.Join(tab.downloads, guid))
			if err != nil {
				tab.t.Fatal(err)
			}
			return file, data
		}
		if time.Now().After(deadline) {
			tab.t.Fatalf("%q downloads nothing", name)
		}
	}
}

// Get fetches an address of the site with the tab's cookies, outside of it: for
// a file that the page would show rather than save.
func (tab *Tab) Get(path string) (*http.Response, []byte) {
	tab.t.Helper()
	tab.watch.mu.Lock()
	address := tab.watch.origin + path
	tab.watch.mu.Unlock()
	req, err := http.NewRequestWithContext(tab.ctx, http.MethodGet, address, nil)
	if err != nil {
		tab.t.Fatal(err)
	}
	r, err := chromedp.Call(tab.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{address}})
	if err != nil {
		tab.t.Fatal(err)
	}
	for _, c := range r.Cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		tab.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		tab.t.Fatal(err)
	}
	return resp, body
}

// Allow accepts faults that contain that text, where a test provokes them.
func (tab *Tab) Allow(text string) {
	tab.watch.mu.Lock()
	defer tab.watch.mu.Unlock()
	tab.watch.allowed = append(tab.watch.allowed, text)
}

// Faults returns what the pages did wrong since the last call, and forgets it.
func (tab *Tab) Faults() []string {
	tab.watch.mu.Lock()
	defer tab.watch.mu.Unlock()
	faults := tab.watch.faults
	tab.watch.faults = nil
	return faults
}

// ---- underneath

// report fails the test for the faults; after a failure it shows the page.
func (tab *Tab) report() {
	for _, f := range tab.Faults() {
		tab.t.Errorf("the page did wrong: %s", f)
	}
	if !tab.t.Failed() {
		return
	}
	ctx, cancel := context.WithTimeout(tab.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 1500)`))
	if err == nil {
		tab.t.Logf("the tab showed %s", text)
	}
	if png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot()); err == nil {
		tab.save("failed-"+strings.ReplaceAll(tab.t.Name(), "/", "-"), png)
	}
}

func (tab *Tab) acceptDialogs() {
	for _, err := range chromedp.Events(tab.ctx, page.JavascriptDialogOpening) {
		if err != nil {
			return
		}
		// The tab may be gone by now: then there is nothing to accept.
		_, _ = chromedp.Call(tab.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
	}
}

// scripts switches the page's own JavaScript on or off.
func (tab *Tab) scripts(on bool) {
	tab.t.Helper()
	tab.do("switch scripts", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
		return err
	}))
}

func (tab *Tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tab.t.Helper()
	// The first call of a context must carry no timeout: it would end the tab.
	ctx, cancel := tab.ctx, context.CancelFunc(func() {})
	if chromedp.FromContext(tab.ctx).Target != nil {
		ctx, cancel = context.WithTimeout(tab.ctx, patience)
	}
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tab.t.Fatalf("%s: %v", what, err)
	}
}

// settle waits until the page has no request or load under way. A form's
// navigation is announced some milliseconds after the click.
func (tab *Tab) settle() {
	tab.t.Helper()
	time.Sleep(30 * time.Millisecond)
	tab.rest(40 * time.Millisecond)
}

// rest waits until nothing has been under way for a while.
func (tab *Tab) rest(while time.Duration) {
	tab.t.Helper()
	for deadline := time.Now().Add(patience); !tab.watch.quiet(while); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			tab.t.Fatalf("the page does not come to rest")
		}
	}
}

func (tab *Tab) finding(kind, name string) string {
	return fmt.Sprintf("(%s)(%s, %s)", strings.TrimSpace(finder), quote(kind), quote(name))
}

// find waits for an element and returns a handle on it.
func (tab *Tab) find(kind, name string) runtime.RemoteObjectID {
	tab.t.Helper()
	for deadline := time.Now().Add(patience / 2); ; time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(tab.ctx, patience)
		o, err := chromedp.Run(ctx, chromedp.Evaluate[*runtime.RemoteObject](tab.finding(kind, name)))
		cancel()
		if err == nil && o.ObjectID != "" {
			return o.ObjectID
		}
		if time.Now().After(deadline) {
			tab.t.Fatalf("there is no %s %q on %s (%v)", kind, name, tab.URL(), err)
		}
	}
}

// call runs a JavaScript function on an element.
func call[T any](tab *Tab, id runtime.RemoteObjectID, function string) T {
	tab.t.Helper()
	yes := true
	ctx, cancel := context.WithTimeout(tab.ctx, patience)
	defer cancel()
	r, err := chromedp.Call(ctx, runtime.CallFunctionOn, runtime.CallFunctionOnParams{
		FunctionDeclaration: function, ObjectID: id, ReturnByValue: &yes, UserGesture: &yes,
	})
	var v T
	if err == nil && r.ExceptionDetails != nil {
		err = &chromedp.ExceptionError{ExceptionDetails: r.ExceptionDetails}
	}
	if err == nil {
		err = json.Unmarshal(r.Result.Value, &v)
	}
	if err != nil {
		tab.t.Fatalf("act on an element: %v", err)
	}
	return v
}

func quote(s string) string {
	b, _ := json.Marshal(s) // a string always can
	return string(b)
}

// plain undoes what French typography does to a text.
func plain(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("\u00a0", " ", "\u202f", " ", "’", "'").Replace(s)), " ")
}
