// Package resource keeps the common row of every item that can be shared,
// found, trashed or notified, and the grants on it. It refuses to know what an
// item contains.
package resource

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
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
	Manager string // the principal that manages it; empty is its owner, whatever becomes of them in the school
	Title   string
	Summary string // first words, plain
	Text    string // all of them, plain, for the search
	// Withheld is the pupil whose relatives may not see it, the owner aside,
	// whatever else they are in the school; empty withholds nothing.
	Withheld string
	Asks     string // more than a tap, in the words of its kind: see app.Kind
}

// Create writes the row of a new item, which is found from then on; g is the grant that allows its creation
// in the school. The owner manages it.
func Create(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, r Row) (Row, error) {
	list, err := CreateAll(ctx, tx, g, now, r)
	return list[0], err
}

// CreateAll writes the rows of new items, in as few statements for many as for one.
func CreateAll(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, list ...Row) ([]Row, error) {
	list = slices.Clone(list)
	if err := g.Confirm(ctx, tx); err != nil {
		return list, err
	}
	rows := make([][]any, len(list))
	entries := make([]search.Entry, len(list))
	managed := make([][]any, 0, len(list))
	for n := range list {
		r := &list[n]
		if g.School() != r.School {
			return list, errs.ErrDenied
		}
		if r.ID == "" {
			r.ID = id.New()
		}
		if r.Root == "" {
			r.Root = r.ID
		}
		if r.Manager == "" {
			r.Manager = "person:" + r.Owner
		}
		withheld := any(nil)
		if r.Withheld != "" {
			withheld = r.Withheld
		}
		rows[n] = []any{r.ID, r.School, string(r.Kind), r.Root, r.Owner, r.Title, r.Summary, now.UnixMilli(), now.UnixMilli(), withheld, r.Asks}
		entries[n] = search.Entry{Item: r.ID, Title: r.Title, Text: r.Text}
		if r.Root == r.ID {
			managed = append(managed, []any{r.ID, r.Manager, int(rights.Manage)})
		}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO resource (id, school, kind, root, owner, title, summary, created_at, updated_at, withheld, asks) VALUES `, "", rows); err != nil {
		if db.IsDuplicate(err) {
			err = errs.ErrNotFound // an identifier from a form, of something else
		}
		return list, fmt.Errorf("resource: %w", err)
	}
	if err := search.PutAll(ctx, tx, g, entries...); err != nil {
		return list, err
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO resource_grant (resource, principal, role) VALUES `, higher, managed); err != nil {
		return list, fmt.Errorf("resource: %w", err)
	}
	return list, nil
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

// Trash takes items out of every page, list and feed, for which the caller holds
// the grant. One that is there already, or is none, is a fault.
func Trash(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, items ...string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	n, err := each(ctx, tx, `UPDATE resource SET trashed_at = $1 WHERE trashed_at IS NULL AND id IN (`, []any{now.UnixMilli()}, items)
	if err == nil && n < len(items) {
		err = errs.ErrNotFound
	}
	return err
}

// Restore shows items again to those who may see them; the caller holds the
// grant that allows it.
func Restore(ctx context.Context, tx *db.Tx, g rights.Grant, items ...string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := each(ctx, tx, `UPDATE resource SET trashed_at = NULL WHERE id IN (`, nil, items)
	return err
}

// Remove deletes items and what was shared of them; whatever shows or tells of
// them went before, and the caller holds the grant that allows it.
func Remove(ctx context.Context, tx *db.Tx, g rights.Grant, items ...string) error {
	if err := search.Remove(ctx, tx, g, items...); err != nil { // which confirms the grant
		return err
	}
	for _, text := range []string{`DELETE FROM resource_grant WHERE resource IN (`, `DELETE FROM resource WHERE id IN (`} {
		if _, err := each(ctx, tx, text, nil, items); err != nil {
			return err
		}
	}
	return nil
}

// each runs a text that ends in a list of items, some hundreds at a time, and
// counts the rows.
func each(ctx context.Context, tx *db.Tx, text string, args []any, items []string) (int, error) {
	total := 0
	for some := range slices.Chunk(items, 400) {
		list, args := db.In(args[:len(args):len(args)], some)
		n, err := tx.Exec(ctx, text+list+`)`, args...)
		if err != nil {
			return total, fmt.Errorf("resource: %w", err)
		}
		total += int(n)
	}
	return total, nil
}

// Merge makes the loser's items the winner's, and what was shared with the loser
// or their family.
func Merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	// A right names the loser in its principal: alone, or as the pupil or the relative
	// of "kin:", a pupil's 36 letters, ":", a relative's. A relative has those on what
	// is theirs; the others are on anything of the schools that the two were in.
	// PostgreSQL refuses a parameter that a statement does not use, hence $1 <> $2.
	const schools = `(SELECT school FROM membership WHERE person IN ($1, $2))`
	for _, which := range []string{
		`resource IN (SELECT id FROM resource WHERE owner = $2) AND principal LIKE 'kin:%' AND substr(principal, 42) = $2`,
		`resource IN (SELECT id FROM resource WHERE school IN ` + schools + `) AND principal >= 'kin:' || $2 || ':' AND principal < 'kin:' || $2 || ';'`,
		`resource IN (SELECT id FROM resource WHERE school IN ` + schools + `) AND principal IN ('person:' || $2, 'staff:' || $2, 'family:' || $2)`,
	} {
		if _, err := tx.Exec(ctx, `INSERT INTO resource_grant (resource, principal, role) SELECT resource, replace(principal, $2, $1), role FROM resource_grant WHERE `+which+` `+higher, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM resource_grant WHERE $1 <> $2 AND `+which, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	for _, text := range []string{`UPDATE resource SET owner = $1 WHERE owner = $2`, `UPDATE resource SET withheld = $1 WHERE withheld = $2`} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
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

// ShareOf is Share with many at once, whom a statement finds in what has just been
// written: a SELECT of "principal" by the resource, $1.
func ShareOf(ctx context.Context, tx *db.Tx, resource string, role rights.Role, principals string) error {
	if _, err := tx.Exec(ctx, `INSERT INTO resource_grant (resource, principal, role) SELECT $1, principal, $2 FROM (`+principals+`) x WHERE 1 = 1 `+higher, resource, int(role)); err != nil {
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
