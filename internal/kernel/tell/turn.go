package tell

import "sync"

// sending is how many jobs of one channel send at once: two, so that one reads
// the database while the other waits for the network. More would fill the
// queue's workers with mails, and phones would wait for them.
const sending = 2

// turns are taken by the jobs that send. Who finds none leaves what is due to
// those who are at it.
type turns struct {
	mu   sync.Mutex
	busy map[string]int
	more map[string]bool // somebody came and found no turn
}

// take says whether there is a turn on a channel.
func (t *turns) take(channel string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy[channel] >= sending {
		t.more[channel] = true
		return false
	}
	t.busy[channel]++
	return true
}

// done gives the turn back, unless somebody came meanwhile whose work is not
// done: then the turn goes on.
func (t *turns) done(channel string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.more[channel] {
		t.more[channel] = false
		return false
	}
	t.busy[channel]--
	return true
}

// drop gives the turn back, whatever is left.
func (t *turns) drop(channel string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy[channel]--
}
