// Package retention forgets what has outlived its purpose, once a day: persons
// three months after they left (arrêté of 30 November 2006, article 6), and
// whatever each part declares. It knows no table.
package retention

import (
	"context"
	"errors"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
)

// after is how long the data of somebody who left is kept.
const after = 92 * 24 * time.Hour

// batch is how many persons are looked up at once; one that runs out of time
// is retried and goes on.
const batch = 200

type sweep struct{}

func (sweep) Kind() string { return "retention.sweep" }

// App declares the daily job. core.Apps is read when it runs.
func App(core *app.Core) app.App {
	return app.App{
		Name:     "retention",
		Jobs:     []jobs.Kind{jobs.Handle(func(ctx context.Context, _ sweep) error { return Sweep(ctx, core) })},
		Periodic: []jobs.Every{{Interval: 24 * time.Hour, Args: func() jobs.Args { return sweep{} }}},
	}
}

// Sweep forgets what is due now. Running it again changes nothing; what fails
// keeps nothing else from going, and is in the error.
func Sweep(ctx context.Context, core *app.Core) error {
	before := core.Clock.Now().Add(-after)
	g := rights.System("retention")
	var failed []error
	for last := ""; ; {
		left, err := people.Left(ctx, core.DB, before, last, batch)
		if err != nil {
			return errors.Join(append(failed, fmt.Errorf("retention: %w", err))...)
		}
		for _, p := range left {
			if err := core.DB.Write(ctx, func(tx *db.Tx) error {
				// Who came back in the meantime stays.
				if gone, err := people.HasLeft(ctx, tx, before, p); err != nil || !gone {
					return err
				}
				return Forget(ctx, tx, core, g, p)
			}); err != nil {
				failed = append(failed, fmt.Errorf("retention: %w", err))
			}
			last = p
		}
		if len(left) < batch || ctx.Err() != nil {
			break
		}
	}
	for _, a := range core.Apps {
		if a.Retain == nil {
			continue
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error { return a.Retain(ctx, tx, g) }); err != nil {
			failed = append(failed, fmt.Errorf("retention of %s: %w", a.Name, err))
		}
	}
	return errors.Join(failed...)
}

// Forget erases a person everywhere, in one transaction, and notes that it was
// done.
func Forget(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string) error {
	for _, a := range core.Apps {
		if a.Erase != nil {
			if err := a.Erase(ctx, tx, g, person); err != nil {
				return fmt.Errorf("%s: %w", a.Name, err)
			}
		}
	}
	return audit.Note(ctx, tx, g, core.Clock.Now(), "person.erase", person, "")
}
