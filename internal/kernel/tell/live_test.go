package tell_test

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// listen opens the stream of somebody's page on a real connection, and returns
// what is heard on it.
func (s *school) listen(srv *httptest.Server, p *testapp.Person, query string) (heard <-chan string, leave func()) {
	s.t.Helper()
	ctx, stop := context.WithCancel(s.t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"/fil/direct"+query, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Host = s.Config.Base.Host
	r.Header.Set("Accept", "text/event-stream")
	for _, c := range p.Cookies() {
		r.AddCookie(c)
	}
	res, err := srv.Client().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); res.StatusCode != http.StatusOK || got != "text/event-stream" || res.Header.Get("Content-Encoding") != "" {
		s.t.Fatalf("stream: %d %s", res.StatusCode, got)
	}
	in := bufio.NewScanner(res.Body)
	if !in.Scan() || !strings.HasPrefix(in.Text(), "retry:") {
		s.t.Fatalf("a stream begins with %q", in.Text())
	}
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		defer res.Body.Close()
		for in.Scan() {
			if l := in.Text(); l != "" {
				lines <- l
			}
		}
	}()
	return lines, stop
}

// next is the next word of a stream that is no heartbeat, "" at its end.
func next(t *testing.T, heard <-chan string) string {
	t.Helper()
	for {
		select {
		case l, ok := <-heard:
			if !ok {
				return ""
			}
			if l != ":" {
				return l
			}
		case <-time.After(20 * time.Second):
			t.Fatal("nothing is heard")
		}
	}
}

// An open page hears at once that something came, and nothing of what it is; a
// page of somebody else hears nothing.
func TestAnOpenPageHearsWhatArrives(t *testing.T) {
	s := open(t)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close) // after what listens
	nadia, far := s.As("nadia.kermadec"), s.As("parent.duport")
	mine, leave := s.listen(srv, nadia, "")
	other, _ := s.listen(srv, far, "")
	s.word("La kermesse d'Inès")
	if got := next(t, mine); got != "event: arrive" {
		t.Errorf("heard %q", got)
	}
	got := next(t, mine)
	if !strings.HasPrefix(got, `data: {"plus":1,"services":{"liaison":`) || strings.Contains(got, "kermesse") || strings.Contains(got, "-") {
		t.Errorf("heard %q", got)
	}
	select {
	case l := <-other:
		t.Errorf("another school heard %q", l)
	default:
	}
	// A page that was away hears what it missed when it comes back.
	leave()
	for s.Core.Live.Count() != 1 {
		time.Sleep(time.Millisecond)
	}
	drawn := s.Core.Clock.Now().UnixMilli()
	s.Core.Clock.Advance(time.Minute)
	s.word("Pendant ce temps")
	back, _ := s.listen(srv, nadia, "?depuis="+strconv.FormatInt(drawn, 10))
	next(t, back)
	if got := next(t, back); !strings.HasPrefix(got, `data: {"plus":1,`) {
		t.Errorf("back, heard %q", got)
	}
}

// A session that ends ends its stream, and so do a right that goes and a server
// that stops; the page is told which of them comes back.
func TestAStreamEndsWithItsSession(t *testing.T) {
	s := open(t)
	srv := httptest.NewServer(s.Handler())
	t.Cleanup(srv.Close) // after what listens
	nadia := s.As("nadia.kermadec")
	heard, _ := s.listen(srv, nadia, "")
	nadia.Post("/deconnexion").To()
	s.word("Après") // asked before it is told
	if got := next(t, heard); got != "event: fin" {
		t.Errorf("signed out, heard %q", got)
	}
	youssef := s.As("youssef.kermadec")
	heard, _ = s.listen(srv, youssef, "")
	s.exec(`UPDATE membership SET valid_to = $2 WHERE person = $1`, youssef.ID, s.Core.Clock.Now().UnixMilli())
	if err := s.Core.Live.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := next(t, heard); got != "event: fin" {
		t.Errorf("left the school, heard %q", got)
	}
	// One person's pages are so many, and the last ones stay.
	helene := s.As("helene.duvivier")
	first, _ := s.listen(srv, helene, "")
	var last <-chan string
	for range 6 {
		last, _ = s.listen(srv, helene, "")
	}
	if got := next(t, first); got != "" {
		t.Errorf("the oldest page heard %q", got)
	}
	// A server that stops lets everybody go, and takes nobody more.
	s.Core.Live.Close()
	if got := next(t, last); got != "" {
		t.Errorf("stopping, heard %q", got)
	}
	if n := s.Core.Live.Count(); n != 0 {
		t.Errorf("%d pages still sit", n)
	}
	// Who asks for no stream, or is nobody.
	s.As("claire.fontaine").Get("/fil/direct").OK().Lacks("event:")
	s.As("nadia.kermadec").Get("/fil/direct?depuis=1").OK().Has("event: arrive")
	s.Stranger().Get("/fil/direct").To()
}

// What is taken back is not heard of.
func TestATransactionTakenBackIsNotHeardOf(t *testing.T) {
	s := open(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	words := make(chan string, 10)
	s.Core.DB.Listen(ctx, "test", func(w string) { words <- w })
	for _, w := range []string{"gone", "there"} {
		_ = s.Core.DB.Write(ctx, func(tx *db.Tx) error {
			if err := tx.Signal(ctx, "elsewhere", "no"); err != nil {
				return err
			}
			if err := tx.Signal(ctx, "test", w); err != nil || w == "there" {
				return err
			}
			return context.Canceled
		})
	}
	if got := <-words; got != "there" {
		t.Errorf("heard %q", got)
	}
}
