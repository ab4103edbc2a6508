// Package clock is the only source of the time of day. Code that needs "now"
// takes a Clock, so that a test, and a demonstration, may choose the date.
package clock

import (
	"sync"
	"time"
)

// Clock tells the time. The zero value tells the machine's.
type Clock struct {
	mu     sync.Mutex
	offset time.Duration
	frozen bool
	at     time.Time
}

// System returns the machine's clock.
func System() *Clock { return &Clock{} }

// StartingAt returns a clock that says t now and runs at normal speed from there.
func StartingAt(t time.Time) *Clock { return &Clock{offset: time.Until(t)} }

// Freeze makes the clock stand at t until Advance moves it.
func (c *Clock) Freeze(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.frozen, c.at = true, t
}

// Now returns the time, in UTC, to the millisecond (what the database keeps).
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.at
	if !c.frozen {
		t = time.Now().Add(c.offset)
	}
	return t.UTC().Truncate(time.Millisecond)
}

// Advance moves the clock forward.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
	c.at = c.at.Add(d)
}
