// Package retention forgets what has outlived its purpose, once a day: persons
// three months after they left (arrêté of 30 November 2006, article 6), and
// whatever each part declares. It knows no table.
package retention

import (
	"context"
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

// Sweep forgets what is due now. Running it again changes nothing.
func Sweep(ctx context.Context, core *app.Core) error {
	now := core.Clock.Now()
	g := rights.System("retention")
	for {
		left, err := people.Left(ctx, core.DB, now.Add(-after), batch)
		if err != nil {
			return fmt.Errorf("retention: %w", err)
		}
		for _, p := range left {
			if err := core.DB.Write(ctx, func(tx *db.Tx) error { return Forget(ctx, tx, core, g, p) }); err != nil {
				return fmt.Errorf("retention: %w", err)
			}
		}
		if len(left) < batch {
			break
		}
	}
	for _, a := range core.Apps {
		if a.Retain == nil {
			continue
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error { return a.Retain(ctx, tx, g) }); err != nil {
			return fmt.Errorf("retention of %s: %w", a.Name, err)
		}
	}
	return nil
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
