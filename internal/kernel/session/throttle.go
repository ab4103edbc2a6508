package session

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
)

// How many trials of a secret are free, and what each further one costs: per
// account and network a wait that doubles, per address a high ceiling, since a
// whole school may sit behind one.
const (
	freeTrials   = 5
	firstWait    = 30 * time.Second
	longestWait  = time.Hour
	forgetTrials = 2 * time.Hour // after the last one

	addressTrials = 400
	addressSteps  = 4000 // of pages that check nothing, only write a row
	addressWindow = 15 * time.Minute
)

// attempt is one trial of a secret, counted before it is judged, so that many
// at the same instant gain nothing over one after the other.
type attempt struct {
	core             *app.Core
	account, address string // subjects; address is "" on a known device
}

// try counts a trial at the secret that what names, for an account as typed
// (known to exist or not). Known is the id of a device from which the account
// was signed in before: it has a count of its own, so that nobody else's
// failures slow it. The error is TooMany, with the time to wait.
func (d *door) try(r *app.Request, what, account, known string) (*attempt, error) {
	network := web.Network(web.Client(r.Request, d.core.Proxies))
	a := &attempt{core: d.core}
	if known != "" {
		a.account = d.subject("device", what, account, known)
	} else {
		a.account = d.subject("account", what, account, network)
		a.address = d.subject("address", web.Door(web.Client(r.Request, d.core.Proxies)))
	}
	now := d.core.Clock.Now().UnixMilli()
	err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := countAccount(r.Context(), tx, a.account, now); err != nil {
			return err
		}
		if a.address == "" {
			return nil
		}
		return countWithin(r.Context(), tx, a.address, now, addressTrials)
	})
	return a, err
}

// tryAddress counts a trial by address alone, for secrets that no guessing
// reaches and for pages that cost something.
func (d *door) tryAddress(r *app.Request) (*attempt, error) {
	a := &attempt{core: d.core, address: d.subject("address", web.Door(web.Client(r.Request, d.core.Proxies)))}
	err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return countWithin(r.Context(), tx, a.address, d.core.Clock.Now().UnixMilli(), addressTrials)
	})
	return a, err
}

// tryStep bounds what one address can have written by a form that checks no
// secret: a whole school activates within the hour, a flood does not.
func (d *door) tryStep(r *app.Request) error {
	return d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return countWithin(r.Context(), tx, d.subject("step", web.Door(web.Client(r.Request, d.core.Proxies))), d.core.Clock.Now().UnixMilli(), addressSteps)
	})
}

// Ration bounds how often one person may have something done that costs others
// something, such as a mail at once: most times in a quarter of an hour. The error
// is TooMany, with the time to wait.
func Ration(ctx context.Context, tx *db.Tx, core *app.Core, what, person string, most int) error {
	return countWithin(ctx, tx, subject(core, "ration", what, person), core.Clock.Now().UnixMilli(), most)
}

func (d *door) subject(parts ...string) string { return subject(d.core, parts...) }

// subject names what is counted without saying it: a keyed hash.
func subject(core *app.Core, parts ...string) string {
	return hex.EncodeToString(core.Keys.MAC("throttle", []byte(strings.Join(parts, "\x00"))))[:40]
}

// waits writes the wait after n failures as SQL, for both engines.
var waits = func() string {
	var b strings.Builder
	b.WriteString("CASE")
	wait, n := firstWait, freeTrials
	for ; wait < longestWait; n++ {
		fmt.Fprintf(&b, " WHEN n <= %d THEN %d", n, wait.Milliseconds())
		wait *= 2
	}
	fmt.Fprintf(&b, " ELSE %d END", longestWait.Milliseconds())
	return b.String()
}()

func countAccount(ctx context.Context, tx *db.Tx, subject string, now int64) error {
	// One statement decides and counts. From the last free trial on, the row is
	// closed for a while as it is counted; a success deletes it.
	const n = "(CASE WHEN throttle.expires_at <= $2 THEN 1 ELSE throttle.failures + 1 END)"
	counted, err := tx.Exec(ctx, `INSERT INTO throttle (subject, failures, blocked_to, expires_at) VALUES ($1, 1, 0, $3)
		ON CONFLICT (subject) DO UPDATE SET failures = `+n+`,
		blocked_to = CASE WHEN `+n+` < `+fmt.Sprint(freeTrials)+` THEN 0 ELSE $2 + `+strings.ReplaceAll(waits, "n <=", n+" <=")+` END,
		expires_at = $3
		WHERE throttle.blocked_to <= $2`, subject, now, now+forgetTrials.Milliseconds())
	if err != nil || counted == 1 {
		return err
	}
	return tooMany(ctx, tx, subject, "blocked_to", now)
}

// countWithin counts what one subject does, in a window that begins with the first
// of it.
func countWithin(ctx context.Context, tx *db.Tx, subject string, now int64, most int) error {
	counted, err := tx.Exec(ctx, `INSERT INTO throttle (subject, failures, blocked_to, expires_at) VALUES ($1, 1, 0, $3)
		ON CONFLICT (subject) DO UPDATE SET
		failures = CASE WHEN throttle.expires_at <= $2 THEN 1 ELSE throttle.failures + 1 END,
		expires_at = CASE WHEN throttle.expires_at <= $2 THEN $3 ELSE throttle.expires_at END
		WHERE throttle.expires_at <= $2 OR throttle.failures < $4`, subject, now, now+addressWindow.Milliseconds(), most)
	if err != nil || counted == 1 {
		return err
	}
	return tooMany(ctx, tx, subject, "expires_at", now)
}

func tooMany(ctx context.Context, tx *db.Tx, subject, column string, now int64) error {
	until, err := db.Value[int64](ctx, tx, `SELECT `+column+` FROM throttle WHERE subject = $1`, subject)
	if err != nil {
		return err
	}
	wait := time.Duration(max(until-now, 1000)) * time.Millisecond
	e := errs.New(errs.TooMany, "session.too_many", "n", int((wait+time.Minute-1)/time.Minute))
	if wait < time.Minute {
		e.Message = errs.Msg("session.too_many.seconds", "n", int((wait+time.Second-1)/time.Second))
	}
	e.Retry = wait
	return e
}

// passed forgets the account's failures and takes this trial off the address.
func (a *attempt) passed(ctx context.Context, tx *db.Tx) error {
	if a.account != "" {
		if _, err := tx.Exec(ctx, `DELETE FROM throttle WHERE subject = $1`, a.account); err != nil {
			return err
		}
	}
	if a.address == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `UPDATE throttle SET failures = failures - 1 WHERE subject = $1 AND failures > 0`, a.address)
	return err
}

// undo takes back a trial that was not judged, because the server could not.
func (a *attempt) undo(ctx context.Context) error {
	return a.core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE throttle SET failures = failures - 1, blocked_to = 0 WHERE subject IN ($1, $2) AND failures > 0`, a.account, a.address)
		return err
	})
}
