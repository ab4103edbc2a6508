package tell_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/push"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/testapp"
)

// A word to every family of the sample school, one phone each, worked to the last push.
func BenchmarkFanOut(b *testing.B) {
	a := testapp.New(b)
	service, err := pushtest.Start(a.Core.Clock)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { service.Close() })
	hosts, err := push.ParseHosts([]string{service.Host()})
	if err != nil {
		b.Fatal(err)
	}
	a.Core.Push = push.NewSender(push.Options{Identity: a.Core.Push.Identity, Hosts: hosts, Clock: a.Core.Clock, Roots: service.Roots()})
	a.Drain()
	logins, err := db.All[string](b.Context(), a.Core.DB, `SELECT DISTINCT p.login FROM person p JOIN membership m ON m.person = p.id JOIN school s ON s.id = m.school WHERE m.profile = 'relative' AND p.activated_at IS NOT NULL AND s.uai = '0809876A'`)
	if err != nil {
		b.Fatal(err)
	}
	for _, l := range logins {
		browser, err := service.Subscribe(a.Core.Push.Identity.PublicKey())
		if err != nil {
			b.Fatal(err)
		}
		if got := a.As(l).Do(http.MethodPost, "/poche/abonnements", "application/json", strings.NewReader(string(browser.JSON()))); got.Status != http.StatusNoContent {
			b.Fatal(got.Status)
		}
	}
	service.Bare()
	head := a.As("claire.fontaine")
	n := 0
	for b.Loop() {
		n++
		b.StopTimer()
		if err := a.Core.DB.Write(b.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(b.Context(), `UPDATE feed SET read_at = at, awaits = FALSE WHERE read_at IS NULL OR awaits`)
			return err
		}); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		head.Post("/carnet", "id", id.New(), "titre", fmt.Sprint("Mot ", n), "texte", "Bonjour.", "a", "school").To()
		a.Drain()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(service.Taken()), "µs/push")
	b.Logf("%d pushes", service.Taken())
}
