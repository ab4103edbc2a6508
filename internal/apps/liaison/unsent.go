package liaison

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// Unsent is the kind of what tells an author, alone, that a word which was to
// leave by itself did not: it leads to their drafts, where it says why. It is
// also the kind of its event.
const Unsent rights.Kind = "liaison.unsent"

// tellUnsent tells an author that a planned word did not leave, if they still
// work for the school.
func tellUnsent(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, author, title string) error {
	if title == "" {
		title = core.Catalog.T("liaison.untitled")
	}
	notice := id.New()
	if _, err := resource.Create(ctx, tx, g, now, resource.Row{ID: notice, School: g.School(), Kind: Unsent, Owner: author, Manager: staff(author), Title: title}); err != nil {
		return err
	}
	if err := search.Remove(ctx, tx, g, notice); err != nil { // it is the word that is looked for
		return err
	}
	_, err := notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: string(Unsent), Resource: notice, Actor: author, Only: []string{author}, At: now})
	return err
}

// SeeUnsent takes what told the viewer of words that did not leave out of their
// news.
func SeeUnsent(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	ids, err := db.All[string](ctx, tx, `SELECT id FROM resource WHERE owner = $1 AND kind = $2 ORDER BY created_at DESC LIMIT $3`, g.Viewer().Person, string(Unsent), draftsMax)
	if err != nil || len(ids) == 0 {
		return err
	}
	return notify.SeenAll(ctx, tx, g.Viewer().Person, now, ids...)
}

// forgetUnsent forgets what told of words that did not leave: those that a
// condition finds.
func forgetUnsent(ctx context.Context, tx *db.Tx, g rights.Grant, which string, arg any) error {
	ids, err := db.All[string](ctx, tx, `SELECT id FROM resource WHERE kind = $1 AND `+which, string(Unsent), arg)
	if err != nil {
		return fmt.Errorf("unsent: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	if err := notify.RemoveAll(ctx, tx, g, ids...); err != nil { // which confirms the grant
		return err
	}
	return resource.Remove(ctx, tx, g, ids...)
}
