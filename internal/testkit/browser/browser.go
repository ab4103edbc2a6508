// Package browser drives a real Chromium in tests, in the words of the person
// who sits before it: go there, fill this field, press that button. Whatever a
// page does behind that person's back fails the test: an error on the console,
// a breach of the content security policy, a request to another origin.
//
// It knows nothing of the product's pages; it takes a base address and names.
package browser

import (
	"context"
	"errors"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// patience bounds one step of a test: generous, because the race detector and
// a busy machine slow everything but a hanging page.
const patience = 20 * time.Second

// shared is the one Chromium of a test binary that runs under Main.
var shared struct {
	sync.Mutex
	on      bool
	browser *Browser
}

// Main runs the tests of a package on one Chromium and closes it after them:
//
//	func TestMain(m *testing.M) { os.Exit(browser.Main(m)) }
//
// Without it each Start launches its own.
func Main(m *testing.M) int {
	shared.on = true
	code := m.Run()
	if shared.browser != nil {
		shared.browser.close()
	}
	return code
}

// Browser is a running Chromium.
type Browser struct {
	ctx   context.Context
	close func()
}

// Start returns a running Chromium. An absent one fails the test with what to
// install: a browser test that skips itself proves nothing.
func Start(t testing.TB) *Browser {
	t.Helper()
	if !shared.on {
		b, err := launch(shell)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.close)
		return b
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.browser == nil {
		b, err := launch(shell)
		if err != nil {
			t.Fatal(err)
		}
		shared.browser = b
	}
	return shared.browser
}

// StartWhole returns a Chromium of its own with all that stands around a page,
// such as the notifications that a page shows.
func StartWhole(t testing.TB) *Browser {
	t.Helper()
	b, err := launch(whole)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// StartFilming returns a Chromium of its own whose camera sees a film: a file of
// raw pictures (.y4m).
func StartFilming(t testing.TB, film string) *Browser {
	t.Helper()
	b, err := launch(shell, chromedp.Flag("use-file-for-fake-video-capture", film))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.close)
	return b
}

// A Chromium goes by one of these names. The shell is the same engine without
// windows, which cost as much as the pages in them.
var (
	whole = []string{"chromium", "chromium-browser", "google-chrome"}
	shell = append([]string{"chromium-headless-shell"}, whole...)
)

func launch(names []string, more ...chromedp.ExecAllocatorOption) (*Browser, error) {
	var program string
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			program = p
			break
		}
	}
	if program == "" {
		return nil, errors.New("the browser tests need Chromium; on Debian: apt-get install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), // its user data folder is new and removed at the end
		chromedp.NoSandbox,         // containers and root have none to give
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-domain-reliability", true),
		chromedp.Flag("no-pings", true),
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Env("LANGUAGE=fr"),
		chromedp.Flag("lang", "fr-FR"),
		chromedp.Flag("accept-lang", "fr-FR,fr"),
		// A microphone and a camera that need no permission and no device.
		chromedp.Flag("use-fake-device-for-media-stream", true),
		chromedp.Flag("use-fake-ui-for-media-stream", true),
	)
	allocator, cancelAllocator := chromedp.NewExecAllocator(context.Background(), append(options, more...)...)
	ctx, cancel := chromedp.NewContext(allocator)
	// The first call binds the browser to its context: it must have no timeout.
	if err := chromedp.Do(ctx); err != nil {
		cancel()
		cancelAllocator()
		return nil, err
	}
	return &Browser{ctx: ctx, close: func() { cancel(); cancelAllocator() }}, nil
}

// Screen is the size of a window in CSS pixels, and whether it is touched.
type Screen struct {
	Width, Height int
	Touch         bool
}

// The two widths at which every page is checked.
var (
	Phone   = Screen{390, 844, true}
	Desktop = Screen{1280, 900, false}
)

// Option of a tab.
type Option func(*Tab)

// NoScript opens the tab with JavaScript switched off, as some people have it.
func NoScript(tab *Tab) { tab.noScript = true }

// Tab opens a private window of one tab: no cookie or storage is shared with
// another. What it did wrong is reported when the test ends.
func (b *Browser) Tab(t testing.TB, screen Screen, options ...Option) *Tab {
	t.Helper()
	tab := &Tab{t: t, screen: screen, watch: newWatch(), downloads: t.TempDir()}
	for _, o := range options {
		o(tab)
	}
	ctx, cancel := chromedp.NewContext(b.ctx, chromedp.WithNewBrowserContext(), chromedp.WithListener(tab.watch.hear))
	tab.ctx = ctx
	t.Cleanup(func() {
		tab.report()
		cancel()
	})
	viewport := []chromedp.EmulateViewportOption{}
	if screen.Touch {
		viewport = append(viewport, chromedp.EmulateMobile, chromedp.EmulateTouch, chromedp.EmulatePortrait)
	}
	tab.do("open a tab",
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err1 := cdp.Call(ctx, t, network.Enable, network.EnableParams{})
			_, err2 := cdp.Call(ctx, t, log.Enable, cdp.Empty{})
			// A transition half-way gives false contrasts.
			_, err3 := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
				Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
			})
			return errors.Join(err1, err2, err3)
		}),
		chromedp.EmulateViewport(int64(screen.Width), int64(screen.Height), viewport...),
	)
	events := true
	_, err := chromedp.CallBrowser(ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: tab.downloads, EventsEnabled: &events,
		BrowserContextID: chromedp.FromContext(ctx).BrowserContextID,
	})
	if err == nil {
		err = chromedp.ListenBrowser(ctx, tab.watch.hear)
	}
	if err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	tab.scripts(!tab.noScript)
	go tab.acceptDialogs()
	return tab
}
