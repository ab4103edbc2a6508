package school

import (
	"context"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// applying is the job that writes an import which a head said yes to.
type applying struct {
	Import string `json:"import"`
}

// Kind names the job.
func (applying) Kind() string { return "school.import" }

// expiring is the job that wipes what old imports kept.
type expiring struct{}

// Kind names the job.
func (expiring) Kind() string { return "school.expire" }

// apply writes an import and the codes of its newcomers in one transaction; run
// again after a crash, it finds all of it or nothing. What cannot be written is
// said on the import's page.
func apply(ctx context.Context, core *app.Core, id string) error {
	order, kept, err := people.QueuedOrder(ctx, core.DB, id)
	if err != nil || !kept {
		return err
	}
	g := rights.System("import asked for by a head").For(order.School)
	err = people.Write(ctx, core.DB, func(tx *db.Tx) error {
		res, ok, err := people.ApplyQueued(ctx, tx, g, core.Clock.Now(), id, order)
		if err != nil || !ok {
			return err
		}
		return session.IssueCodes(ctx, tx, core, g, res.Newcomers())
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	key := "school.import.failed"
	if e := errs.As(err); e != nil && e.Kind != errs.Internal {
		key = e.Message.Key
	} else {
		core.Log.ErrorContext(ctx, "import failed", "import", id, "error", err)
	}
	return core.DB.Write(ctx, func(tx *db.Tx) error { return people.FailImport(ctx, tx, g, id, key) })
}
