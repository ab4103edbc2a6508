package file_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"marelle/internal/kernel/file"
	"marelle/internal/platform/clamav"
	"marelle/internal/platform/clamav/clamavtest"
	"marelle/internal/platform/errs"
	"marelle/internal/testkit/testapp"
)

func daemon(t *testing.T, address string) *clamav.Client {
	t.Helper()
	c, err := clamav.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// What the antivirus knows is refused, in one go or in pieces, and nothing of it
// is kept; while it is away nothing passes, and an upload waits for it.
func TestAnAntivirusLooksFirst(t *testing.T) {
	stores(t, func(t *testing.T, a *testapp.App) {
		helene := sender{a.As("helene.duvivier")}
		a.Core.Clamd = daemon(t, clamavtest.Start(t))
		before := count(t, a.Core.Blobs)
		bad := "bonjour " + clamavtest.Virus
		_, err := file.ReceiveAny(t.Context(), a.Core, school(a, helene.ID), helene.ID, "a.txt", strings.NewReader(bad))
		if s := said(a, err); !strings.Contains(s, "un virus") {
			t.Error(s)
		}
		at := helene.begin("a.txt", len(bad)).Is(http.StatusCreated).Header.Get("Location")
		helene.send(at, 0, strings.NewReader(bad[:15])).Is(http.StatusNoContent)
		helene.send(at, 15, strings.NewReader(bad[15:])).Faulty().Has("un virus")
		helene.ask(http.MethodHead, at).NotFound()
		if n := count(t, a.Core.Blobs) - before; n != 0 {
			t.Errorf("%d objects are kept", n)
		}
		give(t, a, helene.ID, "b.txt", []byte("rien de mal"))

		good := a.Core.Clamd
		a.Core.Clamd = daemon(t, "127.0.0.1:1")
		_, err = file.ReceiveAny(t.Context(), a.Core, school(a, helene.ID), helene.ID, "c.txt", strings.NewReader("texte"))
		if s := said(a, err); errs.KindOf(err) != errs.Unavailable || !strings.Contains(s, "ne répond pas") {
			t.Error(s)
		}
		at = helene.begin("d.txt", 5).Is(http.StatusCreated).Header.Get("Location")
		helene.send(at, 0, bytes.NewReader([]byte("texte"))).Is(http.StatusServiceUnavailable).Has("ne répond pas")
		if got := received(helene.ask(http.MethodHead, at).OK()); got != "5" {
			t.Errorf("%s bytes are left", got)
		}
		a.Core.Clamd = good
		if id := helene.send(at, 5, bytes.NewReader(nil)).Is(http.StatusNoContent).Header.Get(file.FileHeader); id == "" {
			t.Error("it does not become a file once the antivirus is back")
		}
	})
}
