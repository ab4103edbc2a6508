package tell_test

import (
	"bufio"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// BenchmarkOpenPages says what an idle open page costs the server: run it with
// -benchtime 2000x. The other end of each line is in the same process, and is
// counted too, so that the truth is somewhat less.
func BenchmarkOpenPages(b *testing.B) {
	a := testapp.New(b)
	srv := httptest.NewServer(a.Handler())
	b.Cleanup(srv.Close)
	var people []*testapp.Person
	logins, err := db.All[string](b.Context(), a.Core.DB, `SELECT p.login FROM person p WHERE p.activated_at IS NOT NULL
		AND EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.profile = 'relative') ORDER BY p.login LIMIT 400`)
	if err != nil {
		b.Fatal(err)
	}
	for _, login := range logins {
		people = append(people, a.As(login))
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	n := 0
	for b.Loop() {
		r, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, srv.URL+"/fil/direct", nil)
		r.Host = a.Config.Base.Host
		r.Header.Set("Accept", "text/event-stream")
		p := people[n%len(people)]
		for _, c := range p.Cookies() {
			r.AddCookie(c)
		}
		res, err := srv.Client().Do(r)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := bufio.NewReader(res.Body).ReadString('\n'); err != nil {
			b.Fatal(err)
		}
		n++
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapInuse+after.StackInuse-before.HeapInuse-before.StackInuse)/float64(n), "B/page")
	b.ReportMetric(float64(a.Core.Live.Count()), "open")
}
