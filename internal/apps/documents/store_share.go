package documents

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/share"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// Give gives a role on the grant's item, and on all that lies in it, to people
// whom the viewer may reach, and tells those who had nothing on it. Who has a
// role by another share keeps it.
func Give(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, role rights.Role, tell bool, principals ...string) error {
	f := errs.Fields{}
	switch {
	case len(principals) == 0:
		f.Add("a", "documents.share_missing")
	case len(principals) > sharesMax:
		f.Add("a", "documents.share_many", "n", sharesMax)
	}
	if role < rights.Read || role > rights.Manage {
		f.Add("role", "documents.role_missing")
	}
	if err := f.Err(); err != nil {
		return err
	}
	if err := share.Check(ctx, tx, g.Viewer(), g.School(), principals); err != nil {
		return err
	}
	if err := managed(ctx, tx, g); err != nil {
		return err
	}
	// Each is written on all that lies below.
	n, err := db.Value[int](ctx, tx, `WITH RECURSIVE up(id) AS (SELECT d.id FROM document d WHERE d.id = $1
		UNION ALL SELECT d.parent FROM up JOIN document d ON d.id = up.id WHERE d.parent IS NOT NULL)
		SELECT count(DISTINCT s.principal) FROM up JOIN document_share s ON s.node = up.id`, g.ID())
	if err != nil {
		return fmt.Errorf("share: %w", err)
	}
	if n+len(principals) > 2*sharesMax {
		return errs.Field("a", "documents.share_full", "n", 2*sharesMax)
	}
	in, args := db.In([]any{g.ID()}, principals)
	had, err := db.All[string](ctx, tx, `SELECT principal FROM resource_grant WHERE resource = $1 AND principal IN (`+in+`)`, args...)
	if err != nil {
		return fmt.Errorf("share: %w", err)
	}
	rows := make([][]any, len(principals))
	for n, p := range principals {
		rows[n] = []any{g.ID(), p, int(role), now.UnixMilli()}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO document_share (node, principal, role, at) VALUES `, `ON CONFLICT (node, principal) DO UPDATE SET role = excluded.role`, rows); err != nil {
		return fmt.Errorf("share: %w", err)
	}
	if err := regrant(ctx, tx, g, g.ID()); err != nil {
		return err
	}
	if err := share.Note(ctx, tx, g, now, principals); err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(principals), func(p string) bool { return slices.Contains(had, p) })
	if !tell || len(fresh) == 0 {
		return nil
	}
	who, err := share.Persons(ctx, tx, g.School(), now, fresh)
	if err != nil {
		return err
	}
	who = slices.DeleteFunc(who, func(p string) bool { return p == g.Viewer().Person })
	if len(who) == 0 {
		return nil
	}
	pupils, err := share.Pupils(ctx, tx, g.School(), now, fresh)
	if err != nil {
		return err
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: Shared, Resource: g.ID(), Actor: g.Viewer().Person, Pupils: pupils, Only: who, Later: true, At: now})
	return err
}

// managed insists that the grant's viewer manages its item, while its space is
// held.
func managed(ctx context.Context, tx *db.Tx, g rights.Grant) error {
	if err := holdOf(ctx, tx, g, g.ID()); err != nil {
		return err
	}
	return g.Must(ctx, tx, Managing)
}

// Take takes a share back; what the same people have by another stays.
func Take(ctx context.Context, tx *db.Tx, g rights.Grant, principal string) error {
	if err := managed(ctx, tx, g); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM document_share WHERE node = $1 AND principal = $2`, g.ID(), principal); err != nil {
		return fmt.Errorf("share: %w", err)
	}
	return regrant(ctx, tx, g, g.ID())
}

// Say adds a comment and tells those who may read the item.
func Say(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, body string) error {
	body = strings.TrimSpace(strings.ReplaceAll(body, "\r\n", "\n"))
	f := errs.Fields{}
	switch {
	case body == "":
		f.Add("texte", "documents.comment_missing")
	case len([]rune(body)) > commentMax:
		f.Add("texte", "documents.comment_long", "n", commentMax)
	}
	if err := f.Err(); err != nil {
		return err
	}
	if err := g.Must(ctx, tx, Commenting); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO document_comment (id, node, author, body, at) VALUES ($1, $2, $3, $4, $5)`, id.New(), g.ID(), g.Viewer().Person, body, now.UnixMilli()); err != nil {
		return fmt.Errorf("comment: %w", err)
	}
	return told(ctx, tx, core, g, now, g.ID(), Commented)
}

// Unsay removes a comment: its author's own, or any for who manages the item.
func Unsay(ctx context.Context, tx *db.Tx, g rights.Grant, comment string) error {
	if err := g.Must(ctx, tx, Reading); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM document_comment WHERE id = $1 AND node = $2 AND (author = $3 OR $4)`, comment, g.ID(), g.Viewer().Person, g.Role() >= rights.Manage)
	if err == nil && n == 0 {
		err = errs.ErrNotFound
	}
	return err
}

// Replace makes a file the version in force of the grant's one, and tells those
// who may read it: the one of list, or that its sender has already. Twenty versions are kept.
func Replace(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, list []file.Received, before []string) error {
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	kept, err := sentBefore(ctx, tx, g, g.School(), before)
	if err != nil {
		return err
	}
	for _, f := range list {
		kept = append(kept, sent{f.ID, f.Name})
	}
	if len(kept) != 1 {
		return errs.Field("piece", "documents.file_one")
	}
	if err := file.Record(ctx, tx, g, now, list...); err != nil {
		return err
	}
	if err := file.Attach(ctx, tx, g.Viewer().Person, kept[0].ID, g.ID()); err != nil {
		return err
	}
	if err := version(ctx, tx, core, g, now, kept[0].ID); err != nil {
		return err
	}
	return told(ctx, tx, core, g, now, g.ID(), Versioned)
}

// version writes the next version of the grant's file. Whoever comes second
// waits at the row, and writes the one after.
func version(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, kept string) error {
	n, err := tx.Exec(ctx, `UPDATE document SET version = version + 1, file = $2, author = $3, changed_at = $4 WHERE id = $1 AND NOT folder`, g.ID(), kept, g.Viewer().Person, now.UnixMilli())
	if err == nil && n == 0 {
		err = errs.ErrNotFound
	}
	if err != nil {
		return err
	}
	for _, text := range []string{
		`INSERT INTO document_version (node, n, file, author, at) SELECT id, version, file, author, changed_at FROM document WHERE id = $1`,
		`DELETE FROM document_version WHERE node = $1 AND n <= (SELECT version FROM document WHERE id = $1) - ` + fmt.Sprint(versionsMax),
		`DELETE FROM file_use WHERE resource = $1 AND file NOT IN (SELECT v.file FROM document_version v WHERE v.node = $1)`,
	} {
		if _, err := tx.Exec(ctx, text, g.ID()); err != nil {
			return fmt.Errorf("version: %w", err)
		}
	}
	return later(ctx, tx, core.Jobs, []string{g.ID()})
}

// Revert makes an earlier version the one in force again; the later ones stay.
func Revert(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, n int) error {
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	// Held, lest a version that comes meanwhile takes this one's place.
	if _, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE id = $1`+tx.Hold(), g.ID()); err != nil {
		return fmt.Errorf("revert: %w", err)
	}
	kept, err := db.Value[string](ctx, tx, `SELECT file FROM document_version WHERE node = $1 AND n = $2`, g.ID(), n)
	if err != nil {
		return err
	}
	if kept == "" {
		return errs.ErrNotFound
	}
	if err := version(ctx, tx, core, g, now, kept); err != nil {
		return err
	}
	return told(ctx, tx, core, g, now, g.ID(), Versioned)
}

// Grid says whether a person looks at documents as a grid; usual is what they do
// unless they said so.
//
// scope: the reader's own row
func Grid(ctx context.Context, q db.Querier, person string, usual bool) (bool, error) {
	grid, ok, err := db.One[bool](ctx, q, `SELECT grid FROM document_look WHERE person = $1`, person)
	if !ok {
		grid = usual
	}
	return grid, err
}

// SetGrid has the grant's viewer look at documents as a grid, or as a list.
func SetGrid(ctx context.Context, tx *db.Tx, g rights.Grant, grid bool) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO document_look (person, grid) VALUES ($1, $2) ON CONFLICT (person) DO UPDATE SET grid = excluded.grid`, g.Viewer().Person, grid)
	return err
}

// Star marks the grant's item as one that the viewer wants to find at once, or
// no longer.
func Star(ctx context.Context, tx *db.Tx, g rights.Grant, on bool) error {
	if err := g.Must(ctx, tx, Reading); err != nil {
		return err
	}
	text := `DELETE FROM document_star WHERE person = $1 AND node = $2`
	if on {
		text = `INSERT INTO document_star (person, node) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	}
	_, err := tx.Exec(ctx, text, g.Viewer().Person, g.ID())
	return err
}
