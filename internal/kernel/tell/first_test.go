package tell_test

import (
	"testing"
	"time"
)

// What is chosen at the end of an activation, under "Ciel", is obeyed by what is
// published next, and the page of settings shows it. The phone stays as it was.
func TestTheFirstChoiceIsObeyed(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	told := func(when string, rung, mailed int) {
		t.Helper()
		if r, m := len(phone.Messages()), len(s.mailed("nadia.kermadec")); r != rung || m != mailed {
			t.Errorf("%s: rang %d times, %d mails; want %d, %d", when, r, m, rung, mailed)
		}
	}
	nadia.Get("/activation/ciel").OK().Has(`name="prevenir"`, `name="prevenir-la"`)
	nadia.Post("/activation/ciel", "prevenir-la", "1").To() // the box was emptied
	s.publish("Un")
	told("without the box", 1, 0)
	nadia.Get("/notifications").OK().Has(`<option value="never" selected`).Lacks(`<option value="once" selected`)
	nadia.Post("/activation/ciel", "theme", "sombre").To() // a page without the box
	s.publish("Deux")
	told("a page without the box", 2, 0)
	nadia.Post("/activation/ciel", "prevenir-la", "1", "prevenir", "1").To()
	s.publish("Trois")
	told("with the box", 3, 1)
	nadia.Get("/notifications").OK().Has(`<option value="once" selected`).Lacks(`<option value="never" selected`)
}

// A copy that comes back after days, with the phones that rang for the portal
// and what was about to be said, wakes nobody; what is published on it from then
// on is told.
func TestARestoredCopyWakesNobody(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	_, second := s.reached("youssef.kermadec")
	choose(nadia, true, true, "once", "silence", "1", "de", "16")
	s.publish("Retenu par le silence") // decided, and not sent
	s.word("Publié à l'instant")       // not decided yet
	rung, mails := len(second.Messages()), len(s.mailed("youssef.kermadec"))
	s.tick(10*24*time.Hour + 16*time.Hour) // the archive lay in a drawer; it is the morning
	if r, m := len(phone.Messages()), len(s.mailed("nadia.kermadec")); r+m != 0 {
		t.Errorf("who was not to be disturbed hears of it ten days later: %d and %d times", r, m)
	}
	if r, m := len(second.Messages())-rung, len(s.mailed("youssef.kermadec"))-mails; r+m != 0 {
		t.Errorf("what nobody had been told of is told ten days later: %d and %d times", r, m)
	}
	s.publish("Nouveau")
	if r, m := len(second.Messages())-rung, len(s.mailed("youssef.kermadec"))-mails; r != 1 || m != 1 {
		t.Errorf("a restored portal is silent: %d and %d", r, m)
	}
}
