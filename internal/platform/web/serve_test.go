package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/web"
)

// line is a connection that remembers until when it was to be read.
type line struct {
	*httptest.ResponseRecorder
	until []time.Time
}

func (l *line) SetReadDeadline(t time.Time) error {
	l.until = append(l.until, t)
	return nil
}

func TestABodyHasATimeToCome(t *testing.T) {
	w := &line{ResponseRecorder: httptest.NewRecorder()}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("a=b"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	began := time.Now()
	v, err := web.Form(w, r, 256<<10)
	if err != nil || v.Get("a") != "b" {
		t.Fatal(v, err)
	}
	if len(w.until) != 2 || w.until[0].Before(began) || w.until[0].After(time.Now().Add(time.Minute)) {
		t.Fatalf("the body may come until %v", w.until)
	}
	if !w.until[1].IsZero() {
		t.Error("the deadline stands while the handler works")
	}
}

// One machine has as many IPv6 addresses as it likes: they are one door.
func TestDoor(t *testing.T) {
	door := func(s string) string { return web.Door(netip.MustParseAddr(s)) }
	if door("2001:db8:1:2::1") != door("2001:db8:1:2:ffff::9") {
		t.Error("two addresses of one household count apart")
	}
	if door("2001:db8:1:2::1") == door("2001:db8:1:3::1") || door("192.0.2.1") == door("192.0.2.2") {
		t.Error("two households count together")
	}
}
