// Package web is the plumbing between net/http and handlers that return
// (Response, error): kinds of answers, one place that shows errors, security
// headers, host and origin checks, compression and bounded forms. It knows no
// page, no person and no right.
package web

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"
)

// Response is what a handler answers. A nil Response with a nil error is 204.
type Response interface {
	Write(w http.ResponseWriter, r *http.Request) error
}

// Func makes a Response of a function, for streams.
type Func func(w http.ResponseWriter, r *http.Request) error

// Write answers.
func (f Func) Write(w http.ResponseWriter, r *http.Request) error { return f(w, r) }

// Page answers 200 with HTML.
func Page(c templ.Component) Response { return PageStatus(http.StatusOK, c) }

// PageStatus answers a status with HTML, written whole so that a template that
// fails shows an error page rather than half a page.
func PageStatus(status int, c templ.Component) Response {
	return Func(func(w http.ResponseWriter, r *http.Request) error {
		buf := templ.GetBuffer()
		defer templ.ReleaseBuffer(buf)
		devices := false
		if err := c.Render(context.WithValue(r.Context(), devicesKey{}, &devices), buf); err != nil {
			return err
		}
		h := w.Header()
		if devices {
			h.Set("Permissions-Policy", permissions("(self)"))
		}
		h.Set("Content-Type", "text/html; charset=utf-8")
		if h.Get("Cache-Control") == "" {
			h.Set("Cache-Control", "private, no-store")
		}
		w.WriteHeader(status)
		if r.Method == http.MethodHead {
			return nil
		}
		_, err := w.Write(buf.Bytes())
		return err
	})
}

type devicesKey struct{}

// Devices is said by a component whose script uses the camera or the microphone:
// the page that draws it may ask the person for them. No other page may.
func Devices(ctx context.Context) {
	if used, ok := ctx.Value(devicesKey{}).(*bool); ok {
		*used = true
	}
}

// permissions is the Permissions-Policy of an answer, by who may ask for the
// camera and the microphone.
func permissions(who string) string {
	return "camera=" + who + ", microphone=" + who + ", geolocation=(), interest-cohort=()"
}

// Redirect answers 303: after a POST, the next page is got.
func Redirect(to string) Response {
	return Func(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	})
}

// JSON answers a value.
func JSON(status int, v any) Response {
	return Func(func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		return json.NewEncoder(w).Encode(v)
	})
}

// Download streams a document made on the fly as an attachment.
func Download(name, mediaType string, write func(ctx context.Context, w io.Writer) error) Response {
	return Func(func(w http.ResponseWriter, r *http.Request) error {
		Attach(w, name, mediaType)
		return write(r.Context(), w)
	})
}

// Attach sets the headers of a download.
func Attach(w http.ResponseWriter, name, mediaType string) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Disposition", Disposition("attachment", name))
	h.Set("Cache-Control", "private, no-store")
}

// Disposition writes a Content-Disposition with an ASCII and a UTF-8 name
// (RFC 6266, RFC 8187).
func Disposition(kind, name string) string {
	var plain, full strings.Builder
	for _, b := range []byte(name) {
		switch {
		case b == '"' || b == '\\' || b < 0x20 || b >= 0x7f || b == '/' || b == '%':
			plain.WriteByte('_')
		default:
			plain.WriteByte(b)
		}
		if b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$&+-.^_`|~", b) >= 0 {
			full.WriteByte(b)
		} else {
			full.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(b)+0x100, 16)[1:]))
		}
	}
	return kind + `; filename="` + plain.String() + `"; filename*=UTF-8''` + full.String()
}

// RetryAfter writes the header in whole seconds, at least one.
func RetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(max(1, int((d+time.Second-1)/time.Second))))
}
