package browser

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch hears all that a tab does. Its listener only notes: it runs in the loop
// that reads the browser's messages.
type watch struct {
	mu       sync.Mutex
	origin   string // of the site under test; a request elsewhere is a fault
	faults   []string
	allowed  []string
	requests map[network.RequestID]request
	pending  map[network.RequestID]string // by the document that asked
	loading  bool
	last     time.Time // of the last request, answer or load
	status   int
	saved    map[string]*download
}

type request struct {
	url  string
	kind network.ResourceType
}

type download struct {
	name  string
	state browser.DownloadProgressState
}

func newWatch() *watch {
	return &watch{
		requests: map[network.RequestID]request{},
		pending:  map[network.RequestID]string{},
		saved:    map[string]*download{},
	}
}

func (w *watch) hear(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := ev.(type) {
	case *network.EventRequestWillBeSent:
		w.last = time.Now()
		w.requests[e.RequestID] = request{e.Request.URL, e.Type}
		if e.Type == network.ResourceTypeDocument || e.Type == network.ResourceTypeFetch || e.Type == network.ResourceTypeXHR {
			w.pending[e.RequestID] = string(e.LoaderID)
		}
		if w.origin != "" && foreign(w.origin, e.Request.URL) {
			w.fault("request to another origin: " + e.Request.URL)
		}
	case *network.EventResponseReceived:
		w.last = time.Now()
		status := int(e.Response.Status)
		if e.Type == network.ResourceTypeDocument {
			w.status = status
		}
		if strings.HasPrefix(e.Response.MimeType, "text/event-stream") {
			delete(w.pending, e.RequestID) // never ends
		}
		if status >= 500 {
			w.fault(fmt.Sprintf("status %d: %s", status, e.Response.URL))
		}
	case *network.EventLoadingFinished:
		w.last = time.Now()
		delete(w.pending, e.RequestID)
	case *network.EventLoadingFailed:
		w.last = time.Now()
		delete(w.pending, e.RequestID)
	case *page.EventFrameRequestedNavigation, *page.EventFrameStartedNavigating, *page.EventFrameStartedLoading:
		w.last, w.loading = time.Now(), true
	case *page.EventFrameNavigated:
		if e.Frame.ParentID == "" { // what a page sent as it left is answered to nobody
			maps.DeleteFunc(w.pending, func(_ network.RequestID, by string) bool { return by != string(e.Frame.LoaderID) })
		}
	case *page.EventFrameStoppedLoading:
		w.last, w.loading = time.Now(), false
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		w.fault("exception: " + text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			parts := []string{"console error:"}
			for _, a := range e.Args {
				if parts = append(parts, string(a.Value)); len(a.Value) == 0 {
					parts[len(parts)-1] = a.Description
				}
			}
			w.fault(strings.Join(parts, " "))
		}
	case *log.EventEntryAdded:
		w.entry(e.Entry)
	case *browser.EventDownloadWillBegin:
		w.saved[e.GUID] = &download{name: e.SuggestedFilename}
		w.loading = false // the navigation became a download
	case *browser.EventDownloadProgress:
		if d := w.saved[e.GUID]; d != nil {
			d.state = e.State
		}
	}
}

// entry notes an error that the browser itself wrote: a breach of the policy, a
// style sheet or a picture that isn't there. A page that answers "not found" or
// "wrong form" is none: tests look at such pages.
func (w *watch) entry(e *log.Entry) {
	if e.Level != log.EntryLevelError {
		return
	}
	if e.Source == log.EntrySourceNetwork {
		switch w.requests[e.NetworkRequestID].kind {
		case network.ResourceTypeDocument, network.ResourceTypeFetch, network.ResourceTypeXHR:
			return
		}
	}
	w.fault(strings.TrimSpace(fmt.Sprintf("%s: %s %s", e.Source, e.Text, e.URL)))
}

func (w *watch) fault(text string) {
	if !slices.ContainsFunc(w.allowed, func(a string) bool { return strings.Contains(text, a) }) {
		w.faults = append(w.faults, text)
	}
}

// foreign says whether a page of the origin leaves it by that request.
func foreign(origin, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return true
	}
	switch u.Scheme {
	case "data", "blob", "about":
		return false
	}
	return u.Scheme+"://"+u.Host != origin
}

// quiet says whether nothing has been under way for the given time.
func (w *watch) quiet(since time.Duration) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.loading && len(w.pending) == 0 && time.Since(w.last) >= since
}

// finished returns a download that is complete, and forgets it.
func (w *watch) finished() (guid, name string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for guid, d := range w.saved {
		if d.state == browser.DownloadProgressStateCompleted {
			delete(w.saved, guid)
			return guid, d.name, true
		}
	}
	return "", "", false
}
