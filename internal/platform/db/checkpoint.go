package db

import (
	"context"
	"database/sql"
	"time"
)

// SQLite writes a commit to its log, and moves the log into the database when it
// has grown: some hundred pages here and there, and two waits for the disk. Left
// to itself, the commit that comes to be the thousandth page does it, and whoever
// waits for that commit waits for it as well. Here another connection does it
// beside them (https://www.sqlite.org/wal.html, "Checkpointing").
const (
	dueFrames   = 1000 // of the log that are not in the database yet: then they are moved
	mostFrames  = 8000 // in the log: the writer then moves what is left itself, lest it grow without end
	betweenLook = 100 * time.Millisecond
)

// checkpointer moves the log of a SQLite database into it.
type checkpointer struct {
	conn  *sql.DB
	wake  chan struct{} // something was committed
	stop  context.CancelFunc
	ended chan struct{}
}

// newCheckpointer starts one on a pool of its own, which it closes.
func newCheckpointer(conn *sql.DB) *checkpointer {
	ctx, stop := context.WithCancel(context.Background())
	c := &checkpointer{conn: conn, wake: make(chan struct{}, 1), stop: stop, ended: make(chan struct{})}
	conn.SetMaxOpenConns(1)
	go c.run(ctx)
	return c
}

// committed says that the log may have grown.
func (c *checkpointer) committed() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run(ctx context.Context) {
	defer close(c.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		// What fails here is done at the next commit, or by the writer.
		if due, err := c.frames(ctx, `PRAGMA wal_checkpoint(NOOP)`); err == nil && due >= dueFrames {
			_, _ = c.frames(ctx, `PRAGMA wal_checkpoint(PASSIVE)`) // waits for nobody
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(betweenLook):
		}
	}
}

// frames are those of the log that a statement leaves outside of the database.
func (c *checkpointer) frames(ctx context.Context, statement string) (int, error) {
	var busy, log, moved int
	err := c.conn.QueryRowContext(ctx, statement).Scan(&busy, &log, &moved)
	return log - moved, err
}

func (c *checkpointer) close() error {
	c.stop()
	<-c.ended
	return c.conn.Close()
}
