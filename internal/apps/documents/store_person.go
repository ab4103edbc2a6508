package documents

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Export hands over the documents of a person, what was given to them by name,
// what they said and what they marked.
//
// scope: the rows of the person whose data it is
func Export(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	own, err := db.All[struct {
		ID, Name, Parent, File string
		Folder, Trashed        bool
		ChangedAt              int64 `db:"changed_at"`
	}](ctx, q, `SELECT id, name, coalesce(parent, '') AS parent, coalesce(file, '') AS file, folder, taken IS NOT NULL AS trashed, changed_at FROM document WHERE owner = $1 ORDER BY id`, person)
	if err != nil {
		return err
	}
	if err := add("documents/own", own); err != nil {
		return err
	}
	given, err := db.All[struct {
		Node, Name string
		Role       int
		At         int64
	}](ctx, q, `SELECT s.node, d.name, s.role, s.at FROM document_share s JOIN document d ON d.id = s.node WHERE s.principal = $1 ORDER BY s.at, s.node`, "person:"+person)
	if err != nil {
		return err
	}
	if err := add("documents/given", given); err != nil {
		return err
	}
	said, err := db.All[struct {
		Node, Body string
		At         int64
	}](ctx, q, `SELECT node, body, at FROM document_comment WHERE author = $1 ORDER BY id`, person)
	if err != nil {
		return err
	}
	if err := add("documents/comments", said); err != nil {
		return err
	}
	starred, err := db.All[string](ctx, q, `SELECT node FROM document_star WHERE person = $1 ORDER BY node`, person)
	if err != nil {
		return err
	}
	if err := add("documents/starred", starred); err != nil {
		return err
	}
	look, err := db.All[bool](ctx, q, `SELECT grid FROM document_look WHERE person = $1`, person)
	if err != nil {
		return err
	}
	return add("documents/grid", look)
}

// Erase removes a person's documents, as a key that they take home, and what
// they said of others'. What they put in somebody else's folder stays there
// without their name.
func Erase(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if err := hold(ctx, tx, g, person); err != nil {
		return err
	}
	gone, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE owner = $1`, person)
	if err != nil {
		return err
	}
	if err := remove(ctx, tx, g, now, gone); err != nil {
		return err
	}
	if err := removeSpaces(ctx, tx, g, person); err != nil {
		return err
	}
	for _, text := range []string{
		`DELETE FROM document_comment WHERE author = $1`, `DELETE FROM document_star WHERE person = $1`, `DELETE FROM document_look WHERE person = $1`,
		`UPDATE document SET author = '' WHERE author = $1`, `UPDATE document_version SET author = '' WHERE author = $1`,
	} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	given, err := db.All[string](ctx, tx, `SELECT node FROM document_share WHERE principal = $1`, "person:"+person)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM document_share WHERE principal = $1`, "person:"+person); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return regrant(ctx, tx, g, given...)
}

// Merge makes the loser's documents, shares, comments and marks the winner's.
func Merge(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if err := hold(ctx, tx, g, winner, loser); err != nil {
		return err
	}
	if err := removeSpaces(ctx, tx, g, loser); err != nil {
		return err
	}
	touched, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE owner = $1 AND parent IS NULL UNION SELECT node FROM document_share WHERE principal = $2`, loser, "person:"+loser)
	if err != nil {
		return err
	}
	for _, text := range []string{
		`UPDATE document SET owner = $1 WHERE owner = $2`, `UPDATE document SET author = $1 WHERE author = $2`,
		`UPDATE resource SET owner = $1 WHERE owner = $2 AND kind = '` + string(Document) + `'`,
		`UPDATE document_version SET author = $1 WHERE author = $2`, `UPDATE document_comment SET author = $1 WHERE author = $2`,
		`INSERT INTO document_star (person, node) SELECT $1, node FROM document_star WHERE person = $2 ON CONFLICT DO NOTHING`,
		`INSERT INTO document_look (person, grid) SELECT $1, grid FROM document_look WHERE person = $2 ON CONFLICT DO NOTHING`,
		`INSERT INTO document_share (node, principal, role, at) SELECT node, 'person:' || $1, role, at FROM document_share WHERE principal = 'person:' || $2
			ON CONFLICT (node, principal) DO UPDATE SET role = CASE WHEN excluded.role > document_share.role THEN excluded.role ELSE document_share.role END`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	for _, text := range []string{`DELETE FROM document_star WHERE person = $1`, `DELETE FROM document_look WHERE person = $1`, `DELETE FROM document_share WHERE principal = 'person:' || $1`} {
		if _, err := tx.Exec(ctx, text, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	return regrant(ctx, tx, g, touched...)
}
