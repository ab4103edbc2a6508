package dav

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
)

// bodyMax bounds what is said in XML.
const bodyMax = 64 << 10

// tooDeep refuses to list a whole tree at once, as RFC 4918 (9.1) allows.
const tooDeep = `<?xml version="1.0" encoding="utf-8"?>
<D:error xmlns:D="DAV:"><D:propfind-finite-depth/></D:error>
`

// serve answers one request of a program: the library reads the protocol, a drive
// of this request alone says what there is and does what is asked.
func serve(r *app.Request) (web.Response, error) {
	d := newDrive(r)
	h := r.W.Header()
	// Whatever it is, a browser that opens it runs nothing of it.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-cache")
	// What is named without its host is here; the library would not know it.
	r.Header.Set("If", strings.ReplaceAll(r.Header.Get("If"), "</", "<http://"+r.Host+"/"))
	switch r.Method {
	case "PROPFIND":
		if depth := r.Header.Get("Depth"); depth != "0" && depth != "1" {
			return web.Func(func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("Content-Type", "application/xml; charset=utf-8")
				w.WriteHeader(http.StatusForbidden)
				_, err := io.WriteString(w, tooDeep)
				return err
			}), nil
		}
		asked, err := said(r)
		if err != nil {
			return nil, err
		}
		if unbound(asked) {
			return web.Func(func(w http.ResponseWriter, hr *http.Request) error {
				session.Plain(w, hr, http.StatusBadRequest, r.T("error.form"))
				return nil
			}), nil
		}
		d.quota, d.discover = bytes.Contains(asked, []byte("quota-")), bytes.Contains(asked, []byte("lockdiscovery"))
	case "PROPPATCH", "LOCK":
		if _, err := said(r); err != nil {
			return nil, err
		}
		if r.Method == "LOCK" { // the library says what was asked, not what was given
			r.Header.Set("Timeout", "Second-"+strconv.Itoa(int(timeout(r.Header.Get("Timeout"))/time.Second)))
		}
	case http.MethodPut:
		// As long as it is long; how much is bounded where it is kept.
		r.Body = web.Steady(r.W, r.Request)
	case "COPY", "MOVE":
		if r.Header.Get("Overwrite") == "" { // RFC 4918, 10.6
			r.Header.Set("Overwrite", "T")
		}
	}
	return web.Func(func(w http.ResponseWriter, hr *http.Request) error {
		out := w
		if hr.Method != http.MethodGet && hr.Method != http.MethodHead { // which the kernel copies from disk to socket
			out = &answer{ResponseWriter: w, d: d}
		}
		(&webdav.Handler{Prefix: session.DrivePath, FileSystem: d, LockSystem: &locks{d}}).ServeHTTP(out, r.Request)
		return nil
	}), nil
}

// said reads what is said in XML, and leaves it to be read again.
func said(r *app.Request) ([]byte, error) {
	b, err := io.ReadAll(http.MaxBytesReader(r.W, web.Steady(r.W, r.Request), bodyMax))
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			return nil, errs.Wrap(errs.TooLarge, err, "error.too_large")
		}
		return nil, errs.Wrap(errs.Invalid, err, "error.form")
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
	return b, nil
}

// unbound says whether XML takes a prefix back, which no version 1.0 of it may
// (Namespaces in XML 1.0, 5); the decoder of the library lets it pass.
func unbound(b []byte) bool {
	for in := xml.NewDecoder(bytes.NewReader(b)); ; {
		t, err := in.RawToken()
		if err != nil {
			return false // the library says what it makes of the rest
		}
		if e, ok := t.(xml.StartElement); ok && slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Space == "xmlns" && a.Value == "" }) {
			return true
		}
	}
}

// answer puts what really happened in the place of what the library makes of it:
// it knows a handful of errors of a disk.
type answer struct {
	http.ResponseWriter
	d     *drive
	taken bool // the answer is ours, the library's words are dropped
}

// WriteHeader answers.
func (a *answer) WriteHeader(status int) {
	if status == http.StatusCreated && a.d.r.Method == http.MethodPut && a.d.replaced {
		status = http.StatusNoContent
	}
	// The library does not ask whether the file could be made that a LOCK is for.
	if a.d.fault == nil || status < 400 && a.d.r.Method != "LOCK" {
		a.ResponseWriter.WriteHeader(status)
		return
	}
	if token := strings.Trim(a.Header().Get("Lock-Token"), "<>"); token != "" {
		a.Header().Del("Lock-Token")
		fault := a.d.fault
		_ = (&locks{a.d}).Unlock(time.Time{}, token) // what is left ends by itself
		a.d.fault = fault
	}
	a.taken = true
	fault, r := a.d.fault, a.d.r
	e := errs.As(fault)
	if e == nil || e.Kind == errs.Internal {
		session.Challenge(a.ResponseWriter, r.Request, r.Core, fault)
		return
	}
	sentence := e.Message
	for _, of := range e.Fields {
		sentence = of
	}
	if e.Retry > 0 {
		web.RetryAfter(a.ResponseWriter, e.Retry)
	}
	if e.Kind == errs.Unauthenticated { // ended meanwhile
		session.Challenge(a.ResponseWriter, r.Request, r.Core, fault)
		return
	}
	session.Plain(a.ResponseWriter, r.Request, statusOf(e, sentence.Key), r.Say(sentence))
}

// Write says what the library says, unless the answer was ours.
func (a *answer) Write(b []byte) (int, error) {
	if a.taken {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// statusOf is what a program understands of a refusal.
func statusOf(e *errs.Error, key string) int {
	switch {
	case key == "dav.locked":
		return webdav.StatusLocked
	case key == "dav.changed":
		return http.StatusPreconditionFailed
	case key == "file.full", key == "documents.too_many", key == "dav.properties_many", key == "dav.locks_many":
		return webdav.StatusInsufficientStorage
	case key == "file.too_large":
		return http.StatusRequestEntityTooLarge
	case key == "file.program", key == "documents.program", key == "file.kind", strings.HasPrefix(key, "media."):
		return http.StatusUnsupportedMediaType
	case e.Kind == errs.Invalid:
		return http.StatusForbidden
	}
	return web.Status(e)
}
