// Package resource keeps the common row of every item that can be shared,
// found, trashed or notified, and the grants on it. It refuses to know what an
// item contains.
package resource

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the tables of resources and grants.
func Migrations() fs.FS {
	f, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Row is the common row. Root is the id itself for what carries its own grants.
type Row struct {
	ID      string
	School  string
	Kind    rights.Kind
	Root    string
	Owner   string
	Title   string
	Summary string // first words, plain
	Text    string // all of them, plain, for the search
}

// Create writes the row of a new item, which is found from then on; g is the grant that allows its creation
// in the school. The owner manages it.
func Create(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, r Row) (Row, error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return Row{}, err
	}
	if g.School() != r.School {
		return Row{}, errs.ErrDenied
	}
	if r.ID == "" {
		r.ID = id.New()
	}
	if r.Root == "" {
		r.Root = r.ID
	}
	if _, err := tx.Exec(ctx, `INSERT INTO resource (id, school, kind, root, owner, title, summary, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)`,
		r.ID, r.School, string(r.Kind), r.Root, r.Owner, r.Title, r.Summary, now.UnixMilli()); err != nil {
		return Row{}, fmt.Errorf("resource: %w", err)
	}
	if err := search.Put(ctx, tx, g, r.ID, r.Title, r.Text); err != nil {
		return Row{}, err
	}
	if r.Root == r.ID {
		return r, Share(ctx, tx, r.ID, rights.Manage, "person:"+r.Owner)
	}
	return r, nil
}

// Update writes what an item of the grant is called and says from now on; it is
// found by that alone.
func Update(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, r Row) error {
	if err := search.Put(ctx, tx, g, r.ID, r.Title, r.Text); err != nil { // which confirms the grant
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE resource SET title = $3, summary = $4, updated_at = $5 WHERE id = $1 AND school = $2`, r.ID, g.School(), r.Title, r.Summary, now.UnixMilli())
	if err == nil && n == 0 {
		err = errs.ErrNotFound
	}
	return err
}

// Trash takes an item of the grant out of every page, list and feed.
func Trash(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, item string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE resource SET trashed_at = $2 WHERE id = $1 AND school = $3 AND trashed_at IS NULL`, item, now.UnixMilli(), g.School())
	if err == nil && n == 0 {
		err = errs.ErrNotFound
	}
	return err
}

// Remove deletes an item of the grant and what was shared of it; whatever shows
// or tells of it went before.
func Remove(ctx context.Context, tx *db.Tx, g rights.Grant, item string) error {
	if err := search.Remove(ctx, tx, g, item); err != nil { // which confirms the grant
		return err
	}
	for _, text := range []string{`DELETE FROM resource_grant WHERE resource = $1`, `DELETE FROM resource WHERE id = $1`} {
		if _, err := tx.Exec(ctx, text, item); err != nil {
			return fmt.Errorf("resource: %w", err)
		}
	}
	return nil
}

// Merge makes the loser's items the winner's, and what was shared with the loser
// or their family.
func Merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE resource SET owner = $1 WHERE owner = $2`, winner, loser); err != nil {
		return fmt.Errorf("merge: %w", err)
	}
	for _, kind := range []string{"person:", "family:"} {
		if _, err := tx.Exec(ctx, `INSERT INTO resource_grant (resource, principal, role) SELECT resource, $1, role FROM resource_grant WHERE principal = $2 `+higher, kind+winner, kind+loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM resource_grant WHERE principal = $1`, kind+loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	return nil
}

// higher keeps the higher of two roles of one principal.
const higher = `ON CONFLICT (resource, principal) DO UPDATE SET role = CASE WHEN excluded.role > resource_grant.role THEN excluded.role ELSE resource_grant.role END`

// Share gives a role to principals; it never lowers one that they have, and
// never removes another. The caller holds the grant that allows it.
func Share(ctx context.Context, tx *db.Tx, resource string, role rights.Role, principals ...string) error {
	rows := make([][]any, 0, len(principals))
	seen := map[string]bool{}
	for _, p := range principals {
		if !seen[p] {
			seen[p] = true
			rows = append(rows, []any{resource, p, int(role)})
		}
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO resource_grant (resource, principal, role) VALUES `, higher, rows)
	if err != nil {
		return fmt.Errorf("share: %w", err)
	}
	return nil
}

// Unshare takes back what was given to a principal by name; what others give to
// the same person stays. The caller holds the grant that allows it.
func Unshare(ctx context.Context, tx *db.Tx, resource, principal string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM resource_grant WHERE resource = $1 AND principal = $2 AND role < $3`, resource, principal, int(rights.Manage)); err != nil {
		return fmt.Errorf("share: %w", err)
	}
	return nil
}
