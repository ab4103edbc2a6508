package testapp

import (
	"context"
	"net"
	"testing"

	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
)

// Live is a server that listens on loopback and works its jobs, for browsers
// and other real clients.
type Live struct {
	*App
	URL string
}

// Serve starts the sample school on a free port.
func Serve(t testing.TB) *Live { return serve(t, clone(t)) }

// ServeEmpty starts a server without any school.
func ServeEmpty(t testing.TB) *Live { return serve(t, blank(t)) }

func serve(t testing.TB, at place) *Live {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at.base = "http://" + ln.Addr().String()
	l := &Live{App: open(t, at, true), URL: at.base}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	ready := make(chan struct{})
	go func() { done <- l.Run(ctx, ln, func() { close(ready) }) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	return l
}

// Cookie is the name and the value of the session cookie of somebody signed in.
func (a *App) Cookie(login string) (name, value string) {
	a.T.Helper()
	p := a.As(login)
	return session.Cookie, p.cookie[session.Cookie]
}

// One reads a single text from the database, for what no page shows.
func (a *App) One(text string, args ...any) string {
	a.T.Helper()
	s, err := db.Value[string](a.T.Context(), a.Core.DB, text, args...)
	if err != nil {
		a.T.Fatal(err)
	}
	return s
}
