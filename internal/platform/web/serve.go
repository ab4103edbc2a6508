package web

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"marelle/internal/platform/errs"
)

// Policy is the Content-Security-Policy of every page: nothing inline, nothing
// from elsewhere, no frame around us (ANSSI-PA-009).
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; " +
	"connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; object-src 'none'"

// Options is what the operator settled.
type Options struct {
	Base    *url.URL                                                // https://ecole.example; unknown hosts are refused
	AnyHost func(r *http.Request) bool                              // answers under any name: health checks, styles
	Raw     func(r *http.Request) bool                              // answers that nothing may wrap nor compress
	Refuse  func(w http.ResponseWriter, r *http.Request, err error) // shows an error page
}

// Secure wraps the whole handler: security headers, host check, cross-origin
// protection, a panic shown as an error page, compression.
func Secure(next http.Handler, o Options) (http.Handler, error) {
	cross := http.NewCrossOriginProtection()
	cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o.Refuse(w, r, errs.New(errs.Denied, "error.cross_origin"))
	}))
	guarded := cross.Handler(next)
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		harden(w.Header(), o.Base)
		defer func() {
			if v := recover(); v != nil {
				if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(v)
				}
				o.Refuse(w, r, &panicked{v})
			}
		}()
		if !known(r.Host, o.Base) && !o.AnyHost(r) {
			o.Refuse(w, r, errs.New(errs.Misdirected, "error.host"))
			return
		}
		if text(r.URL.Path) != r.URL.Path { // names nothing that anybody could have stored
			o.Refuse(w, r, errs.ErrNotFound)
			return
		}
		cleanQuery(r.URL)
		guarded.ServeHTTP(w, r)
	})
	wrap, err := gzhttp.NewWrapper(
		gzhttp.MinSize(1024), gzhttp.CompressionLevel(1), gzhttp.RandomJitter(32, 0, false),
		gzhttp.ContentTypes([]string{"text/html", "text/css", "text/csv", "text/plain", "text/javascript", "application/json", "image/svg+xml"}),
	)
	if err != nil {
		return nil, err
	}
	packed := wrap(inner)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.Raw(r) {
			inner.ServeHTTP(w, r)
			return
		}
		packed.ServeHTTP(w, r)
	}), nil
}

// harden sets the headers that every answer carries.
func harden(h http.Header, base *url.URL) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", permissions("()"))
	h.Set("X-Frame-Options", "DENY")
	if base.Scheme == "https" {
		h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	}
}

type panicked struct{ v any }

func (p *panicked) Error() string { return "panic: " + strings.TrimSpace(slog.AnyValue(p.v).String()) }

// known says whether the Host header names this server: the base URL's host.
func known(host string, base *url.URL) bool {
	return strings.EqualFold(host, base.Host) || strings.EqualFold(stripDefault(host, base.Scheme), stripDefault(base.Host, base.Scheme))
}

func stripDefault(host, scheme string) string {
	h, port, err := net.SplitHostPort(host)
	if err == nil && (scheme == "https" && port == "443" || scheme == "http" && port == "80") {
		return h
	}
	return host
}

// Client is the address of whoever asks: the connection's, or the last one in
// X-Forwarded-For that no trusted proxy added.
func Client(r *http.Request, proxies []netip.Prefix) netip.Addr {
	addr := Line(r)
	trusted := func(a netip.Addr) bool { return Trusted(a, proxies) }
	if !addr.IsValid() || !trusted(addr) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = a.Unmap()
		if !trusted(addr) {
			break
		}
	}
	return addr
}

// Line is the address at the other end of the connection, a proxy's where there
// is one.
func Line(r *http.Request) netip.Addr {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return at.Addr().Unmap()
}

// Trusted says whether an address is of a proxy that the operator named.
func Trusted(a netip.Addr, proxies []netip.Prefix) bool {
	return slices.ContainsFunc(proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// Door is what one household or school shows itself by: an IPv4 address, or a
// /64 in IPv6, where one machine has as many addresses as it likes (RFC 8981).
func Door(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}

// Network is the neighbourhood that a throttle counts together: a /24, or a /56
// in IPv6.
func Network(a netip.Addr) string {
	bits := 24
	if a.Is6() {
		bits = 56
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return "?"
	}
	return p.String()
}

// Patience is how long a body of so many bytes may take to come: half a minute,
// and what a line of 32 kB/s needs for the rest.
func Patience(limit int64) time.Duration {
	return 30*time.Second + time.Duration(limit>>15)*time.Second
}

// Steady reads a body that may take as long as it is long: each piece must come
// within what Patience gives for all that came before it. It sets no bound on the
// bytes.
func Steady(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	return &steady{ReadCloser: r.Body, line: http.NewResponseController(w), began: time.Now()}
}

type steady struct {
	io.ReadCloser
	line  *http.ResponseController
	began time.Time
	got   int64
	given time.Duration
}

func (s *steady) Read(p []byte) (int, error) {
	// A second more for each 32 kB: the deadline moves no more often.
	if d := Patience(s.got); d != s.given {
		if err := s.line.SetReadDeadline(s.began.Add(d)); err != nil && !errors.Is(err, http.ErrNotSupported) {
			return 0, fmt.Errorf("body: %w", err)
		}
		s.given = d
	}
	n, err := s.ReadCloser.Read(p)
	s.got += int64(n)
	if err != nil { // left standing, it would end a handler that takes its time
		_ = s.line.SetReadDeadline(time.Time{})
	}
	return n, err
}

// Form reads a form of at most limit bytes, urlencoded or multipart. Broken and
// oversized ones are Invalid and TooLarge, and those that dawdle Invalid: whoever
// sends a byte a minute does not keep a connection. Bytes that are no UTF-8 are
// dropped. Of an oversized form the fields that came before its end are given
// beside the error: they were typed by somebody.
func Form(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, error) {
	// A writer without deadlines (a test's) has no connection to keep either.
	line := http.NewResponseController(w)
	if err := line.SetReadDeadline(time.Now().Add(Patience(limit))); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return nil, fmt.Errorf("form: %w", err)
	}
	// Left standing, it would end the request of a handler that takes its time.
	defer func() { _ = line.SetReadDeadline(time.Time{}) }()
	body := &prefix{ReadCloser: http.MaxBytesReader(w, r.Body, limit)}
	r.Body = body
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	if kind == "multipart/form-data" {
		err = r.ParseMultipartForm(1 << 20)
	} else {
		err = r.ParseForm()
	}
	if err != nil {
		var big *http.MaxBytesError
		if errors.As(err, &big) {
			body.give(r, params["boundary"])
			return r.PostForm, errs.Wrap(errs.TooLarge, err, "error.too_large")
		}
		return nil, errs.Wrap(errs.Invalid, err, "error.form")
	}
	return plainly(r.PostForm), nil
}

// text is what a database takes for one: PostgreSQL refuses bytes that are no
// UTF-8, and NUL.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, ""), "\x00", "")
}

// cleanQuery leaves text alone in the query of an address, as Form does in a
// form.
func cleanQuery(u *url.URL) {
	if u.RawQuery == "" {
		return
	}
	q, dirty := u.Query(), false
	for _, vs := range q {
		for i, v := range vs {
			if vs[i] = text(v); vs[i] != v {
				dirty = true
			}
		}
	}
	if dirty {
		u.RawQuery = q.Encode()
	}
}

// Status is the HTTP status of an error.
func Status(err error) int {
	switch errs.KindOf(err) {
	case errs.NotFound:
		return http.StatusNotFound
	case errs.Denied:
		return http.StatusForbidden
	case errs.Unauthenticated:
		return http.StatusUnauthorized
	case errs.Invalid:
		return http.StatusUnprocessableEntity
	case errs.Conflict:
		return http.StatusConflict
	case errs.TooLarge:
		return http.StatusRequestEntityTooLarge
	case errs.TooMany:
		return http.StatusTooManyRequests
	case errs.Misdirected:
		return http.StatusMisdirectedRequest
	case errs.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Stream is an answer that goes on: server-sent events.
type Stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// streamSlow is how long a caller may take to receive a word of a stream.
const streamSlow = 10 * time.Second

// Events begins a stream. Nothing between may keep it back, and nothing more is
// read of the caller, for as long as it lasts.
func Events(w http.ResponseWriter) *Stream {
	s := &Stream{w, http.NewResponseController(w)}
	_ = s.rc.SetReadDeadline(time.Time{}) // a recorder in tests has none
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // nginx
	return s
}

// Say sends lines as they are, and says whether they went.
func (s *Stream) Say(lines string) bool {
	_ = s.rc.SetWriteDeadline(time.Now().Add(streamSlow))
	if _, err := io.WriteString(s.w, lines); err != nil {
		return false
	}
	return s.rc.Flush() == nil
}
