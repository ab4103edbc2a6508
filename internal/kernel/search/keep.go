package search

import (
	"context"
	"fmt"
	"strings"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
)

// Texts reads the plain texts of items of one kind, by id, from the service
// that holds them.
type Texts func(ctx context.Context, q db.Querier, kind rights.Kind, ids []string) (map[string]string, error)

// batch is how many items one transaction looks at.
const batch = 200

// Fill is the job that makes found what is not yet: items older than the
// index, and everything after a restore. It goes on in batches.
type Fill struct {
	After string `json:"after,omitempty"`
}

// Kind names the job.
func (Fill) Kind() string { return "search.fill" }

// Jobs are the package's jobs; queue is asked for when they run.
func Jobs(d *db.DB, texts Texts, queue func() *jobs.Queue) []jobs.Kind {
	return []jobs.Kind{jobs.Handle(func(ctx context.Context, f Fill) error {
		return d.Write(ctx, func(tx *db.Tx) error {
			_, last, err := step(ctx, tx, texts, f.After, amend{missing: true, write: true})
			if err != nil || last == "" {
				return err
			}
			return queue().Add(ctx, tx, Fill{After: last})
		})
	})}
}

// Periodic has the index filled when the server starts, and once a day.
func Periodic() []jobs.Every {
	return []jobs.Every{{Interval: 24 * time.Hour, Args: func() jobs.Args { return Fill{} }}}
}

// Check counts the items that are found by something else than what their
// services hold, or not at all. With repair it puts them right.
func Check(ctx context.Context, d *db.DB, texts Texts, repair bool) (int, error) {
	differ := 0
	look := d.Snapshot
	if repair {
		look = d.Write
	}
	if d.Dialect() == db.SQLite {
		// PostgreSQL derives its index itself; this one may be damaged alone.
		what := `INSERT INTO search_index (search_index, rank) VALUES ('integrity-check', 1)`
		if repair {
			what = `INSERT INTO search_index (search_index) VALUES ('rebuild')`
		}
		if err := d.Write(ctx, func(tx *db.Tx) error { _, err := tx.Exec(ctx, what); return err }); err != nil {
			return 0, fmt.Errorf("search: index: %w", err)
		}
	}
	for after := ""; ; {
		if err := look(ctx, func(tx *db.Tx) error {
			n, last, err := step(ctx, tx, texts, after, amend{write: repair})
			differ, after = differ+n, last
			return err
		}); err != nil || after == "" {
			return differ, err
		}
	}
}

// amend says what a step looks for and whether it writes.
type amend struct{ missing, write bool }

// step compares one batch of items with the index, in the order of ids, and
// returns the last one when more may follow.
func step(ctx context.Context, tx *db.Tx, texts Texts, after string, how amend) (differ int, last string, err error) {
	only := ""
	if how.missing {
		only = ` AND ((e.id IS NULL AND r.trashed_at IS NULL) OR (e.id IS NOT NULL AND r.trashed_at IS NOT NULL))`
	}
	rows, err := db.All[struct {
		ID, School, Kind, Title string
		Trashed, Known          bool
		Text, Words             string
	}](ctx, tx, `SELECT r.id, r.school, r.kind, r.title, r.trashed_at IS NOT NULL AS trashed, e.id IS NOT NULL AS known,
			coalesce(e.text, '') AS text, coalesce(e.words, '') AS words
		FROM resource r LEFT JOIN search_entry e ON e.id = r.id WHERE r.id > $1`+only+` ORDER BY r.id LIMIT $2`, after, batch)
	if err != nil {
		return 0, "", fmt.Errorf("search: %w", err)
	}
	ids := map[rights.Kind][]string{}
	for _, r := range rows {
		if !r.Trashed {
			ids[rights.Kind(r.Kind)] = append(ids[rights.Kind(r.Kind)], r.ID)
		}
	}
	of := map[string]string{}
	for kind, list := range ids {
		found, err := texts(ctx, tx, kind, list)
		if err != nil {
			return 0, "", fmt.Errorf("search: texts of %s: %w", kind, err)
		}
		for item, text := range found {
			of[item] = strings.Join(strings.Fields(text), " ")
		}
	}
	for _, r := range rows {
		g := rights.System("search").For(r.School)
		right := r.Known && r.Text == of[r.ID] && r.Words == tokens(r.School, r.Title, of[r.ID])
		if r.Trashed {
			right = !r.Known
		}
		switch {
		case right:
			continue
		case !how.write:
		case r.Trashed:
			err = Remove(ctx, tx, g, r.ID)
		default:
			err = Put(ctx, tx, g, r.ID, r.Title, of[r.ID])
		}
		if err != nil {
			return 0, "", err
		}
		differ++
	}
	if len(rows) == batch {
		last = rows[len(rows)-1].ID
	}
	return differ, last, nil
}
