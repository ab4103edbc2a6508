package clamav_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/iotest"

	"marelle/internal/platform/clamav"
	"marelle/internal/platform/clamav/clamavtest"
)

func TestWhatTheDaemonSays(t *testing.T) {
	c, err := clamav.Parse(clamavtest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("a", 200_000)
	for _, text := range []string{"", "bonjour", long} {
		if err := c.Scan(t.Context(), strings.NewReader(text)); err != nil {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
	found, ok := errors.AsType[clamav.FoundError](c.Scan(t.Context(), strings.NewReader(long+clamavtest.Virus)))
	if !ok || found.Name != "Test.Virus" {
		t.Errorf("found %v", found)
	}
	err = c.Scan(t.Context(), bytes.NewReader(make([]byte, 5<<20)))
	if _, found := errors.AsType[clamav.FoundError](err); err == nil || found {
		t.Errorf("more than it takes: %v", err)
	}
	if err := c.Scan(t.Context(), iotest.ErrReader(errors.New("disk"))); err == nil || !strings.Contains(err.Error(), "disk") {
		t.Errorf("a broken disk: %v", err)
	}
	gone, stop := context.WithCancel(t.Context())
	stop()
	if err := c.Scan(gone, strings.NewReader("a")); err == nil {
		t.Error("a caller who left waits")
	}
}

func TestADaemonThatIsAway(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	c, err := clamav.Parse(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if c.Ping(t.Context()) == nil || c.Scan(t.Context(), strings.NewReader("a")) == nil {
		t.Error("nobody answered, and all is well")
	}
	for _, s := range []string{"", "clamd", "unix:relative", ":3310", "http://x"} {
		if _, err := clamav.Parse(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
	if _, err := clamav.Parse("unix:/run/clamav/clamd.ctl"); err != nil {
		t.Error(err)
	}
}
