package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whoever comes when there are too many is sent away at once; health is asked
// for all the same; a slow line holds no place.
func TestLimit(t *testing.T) {
	begun, end := make(chan struct{}), make(chan struct{})
	l := &Limit{Most: 2, Free: func(r *http.Request) bool { return r.URL.Path == "/healthz" },
		Base: &url.URL{Scheme: "https", Host: "ecole.example"}, Page: []byte("Réessayez")}
	h := l.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/page" {
			begun <- struct{}{}
			<-end
		}
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	ask := func(r *http.Request) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	get := func(path string) *httptest.ResponseRecorder {
		return ask(httptest.NewRequest(http.MethodGet, path, nil))
	}

	// Two callers who dawdle with their bodies keep no place.
	slow := make(chan int)
	var bodies []*io.PipeWriter
	for range 2 {
		from, to := io.Pipe()
		bodies = append(bodies, to)
		go func() { slow <- ask(httptest.NewRequest(http.MethodPost, "/form", from)).Code }()
		if _, err := to.Write([]byte("a=")); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan int)
	for range 2 {
		go func() { done <- get("/page").Code }()
		<-begun
	}
	w := get("/page")
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || w.Header().Get("Content-Security-Policy") != Policy || w.Body.String() != "Réessayez" {
		t.Errorf("one too many: %d %v %q", w.Code, w.Header(), w.Body)
	}
	if w := ask(httptest.NewRequest(http.MethodPost, "/form", strings.NewReader("a=b"))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a form too many: %d", w.Code)
	}
	if w := get("/healthz"); w.Code != http.StatusOK {
		t.Errorf("health: %d", w.Code)
	}
	close(end)
	for range 2 {
		if code := <-done; code != http.StatusOK {
			t.Errorf("a page under way: %d", code)
		}
	}
	for _, b := range bodies {
		_ = b.Close()
		if code := <-slow; code != http.StatusOK {
			t.Errorf("a slow form: %d", code)
		}
	}
	if n := l.now.Load(); n != 0 || l.Refused() != 2 {
		t.Errorf("%d places are lost, %d were refused", n, l.Refused())
	}
	if w := ask(httptest.NewRequest(http.MethodPost, "/form", strings.NewReader("a=b"))); w.Code != http.StatusOK {
		t.Errorf("afterwards: %d", w.Code)
	}
}
