package db

import (
	"context"
	"sync"
	"time"
)

// signals carries words from the transaction that says them to whoever listens:
// through the database where several processes share it, in this one on SQLite,
// which has one.
type signals struct {
	mu   sync.Mutex
	next int
	by   map[int]listener
}

type listener struct {
	channel string
	heard   func(word string)
}

func (s *signals) add(l listener) (remove func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by == nil {
		s.by = map[int]listener{}
	}
	n := s.next
	s.next++
	s.by[n] = l
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.by, n)
	}
}

func (s *signals) say(said []word) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range said {
		for _, l := range s.by {
			if l.channel == w.channel {
				l.heard(w.text)
			}
		}
	}
}

type word struct{ channel, text string }

// Signal says a word on a channel to whoever listens, once the transaction has
// committed. It names nobody, and may be lost when nobody listens.
func (t *Tx) Signal(ctx context.Context, channel, text string) error {
	if t.db.dialect == Postgres {
		_, err := t.Exec(ctx, `SELECT pg_notify($1, $2)`, channel, text)
		return err
	}
	t.said = append(t.said, word{channel, text})
	return nil
}

// relisten is the pause before listening again after the database went away.
const relisten = 5 * time.Second

// Listen has heard called for each word on a channel until ctx ends. It returns
// once that is so, or when the database does not answer: then it goes on trying,
// and what is said meanwhile is lost. heard must not wait.
func (d *DB) Listen(ctx context.Context, channel string, heard func(word string)) {
	if d.dialect != Postgres {
		context.AfterFunc(ctx, d.signals.add(listener{channel, heard}))
		return
	}
	ready := make(chan struct{})
	began := sync.OnceFunc(func() { close(ready) })
	go func() {
		for ctx.Err() == nil {
			_ = d.listen(ctx, channel, began, heard)
			began()
			select {
			case <-ctx.Done():
			case <-time.After(relisten):
			}
		}
	}()
	select {
	case <-ready:
	case <-time.After(relisten):
	}
}

func (d *DB) listen(ctx context.Context, channel string, began func(), heard func(word string)) error {
	if d.pool == nil {
		return nil
	}
	c, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	conn := c.Hijack() // it listens, and goes with us
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, `LISTEN "`+channel+`"`); err != nil {
		return err
	}
	began()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		heard(n.Payload)
	}
}
