package home_test

import (
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// publish has Mme Duvivier write a word to the families of CE1 B.
func publish(a *testapp.App, title string) (path string) {
	class := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	to := a.As("helene.duvivier").Post("/carnet", "id", id.New(), "titre", title, "texte", "Bonjour.", "a", "class:"+class).To()
	path, _, _ = strings.Cut(to, "?")
	return path
}

// aside is the column of what waits, rest what follows it.
func aside(t *testing.T, p *testapp.Page) (waits, rest string) {
	t.Helper()
	waits, rest, ok := strings.Cut(p.Body, `id="nouveautes"`)
	if !ok {
		t.Fatal("no feed on the page")
	}
	return waits, rest
}

// A reminder says that it is one, and its word waits once all the same.
func TestAReminderSaysSoAndWaitsOnce(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	count := func() string {
		return a.One(`SELECT CAST(count(*) AS TEXT) FROM feed WHERE person = $1 AND removed_at IS NULL AND (read_at IS NULL OR awaits)`, nadia.ID)
	}
	word := publish(a, "Le bonnet oublié")
	before := count()
	waits, _ := aside(t, nadia.Get("/").OK())
	if strings.Contains(waits, "Rappel") {
		t.Fatal("a word that was published is called a reminder")
	}
	a.Core.Clock.Advance(time.Minute)
	a.As("helene.duvivier").Post(word + "/relance").To()
	once := func(when string, n int) {
		t.Helper()
		waits, _ := aside(t, nadia.Get("/").OK())
		if got := strings.Count(waits, "Le bonnet oublié"); got != n {
			t.Errorf("%s it waits %d times, not %d", when, got, n)
		}
	}
	once("reminded,", 1)
	waits, rest := aside(t, nadia.Get("/").OK())
	for where, body := range map[string]string{"what waits": waits, "the feed": rest} {
		if !strings.Contains(body, `<span class="quoi">Rappel · </span>`) {
			t.Errorf("%s does not say that it is a reminder", where)
		}
	}
	if now := count(); now != before {
		t.Errorf("%s things are new after a reminder, %s before", now, before)
	}
	nadia.Post(word + "/lu").To()
	once("read,", 0)
	nadia.Post(word + "/annuler").To()
	once("taken back,", 1)
}
