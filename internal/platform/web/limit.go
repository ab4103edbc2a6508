package web

import (
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Limit bounds the requests worked on at once: those beyond are refused at once
// rather than added to a queue that nobody sees the end of, so that the others
// are still answered and memory has a bound.
type Limit struct {
	Most    int64
	Free    func(r *http.Request) bool // never refused nor counted: health, files, streams
	Base    *url.URL
	Page    []byte // what the others see, drawn once: it must cost next to nothing
	now     atomic.Int64
	refused atomic.Int64
}

// Refused counts those who were sent away.
func (l *Limit) Refused() int64 { return l.refused.Load() }

// busyRetry is when whoever was refused may come back: a burst lasts seconds.
const busyRetry = 5 * time.Second

// Handler wraps next. A request that waits for the bytes of its caller is not
// counted meanwhile: a slow line keeps nobody else out.
func (l *Limit) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.Free(r) {
			next.ServeHTTP(w, r)
			return
		}
		if l.now.Add(1) > l.Most {
			l.now.Add(-1)
			l.refused.Add(1)
			harden(w.Header(), l.Base)
			RetryAfter(w, busyRetry)
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			w.Header().Set("Cache-Control", "no-store")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write(l.Page) // a client that left is no fault
			return
		}
		defer l.now.Add(-1)
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = &waiting{r.Body, l}
		}
		next.ServeHTTP(w, r)
	})
}

type waiting struct {
	io.ReadCloser
	limit *Limit
}

func (b *waiting) Read(p []byte) (int, error) {
	b.limit.now.Add(-1)
	defer b.limit.now.Add(1)
	return b.ReadCloser.Read(p)
}
