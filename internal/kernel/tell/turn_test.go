package tell

import "testing"

// Two send at once on a channel; who comes third leaves it to them, and one of
// them looks again before it stops.
func TestWhoFindsNoTurnIsWorkedFor(t *testing.T) {
	s := &turns{busy: map[string]int{}, more: map[string]bool{}}
	for range 2 {
		if !s.take(mailed) {
			t.Fatal("two may send at once")
		}
	}
	if s.take(mailed) {
		t.Fatal("a third sends too")
	}
	if !s.take(pushed) {
		t.Fatal("phones wait for mails")
	}
	if s.done(mailed) {
		t.Fatal("what came third is left to nobody")
	}
	if !s.done(mailed) || !s.take(mailed) {
		t.Fatal("a turn was not given back")
	}
	s.drop(mailed)
	if !s.done(mailed) || !s.done(pushed) || s.busy[mailed] != 0 || s.busy[pushed] != 0 {
		t.Fatalf("turns are left: %v", s.busy)
	}
}
