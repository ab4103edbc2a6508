package documents

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Picture is a document to be retouched.
type Picture struct {
	file.File
	Holder   string
	Versions int // other pictures of its history
}

// PictureOf reads the grant's picture as who may retouch it sees it: whoever
// holds it, and whoever manages the document, for a retouch leaves nothing of
// what was before. Whoever else may add to the folder replaces it, which leaves
// a version.
func PictureOf(ctx context.Context, q db.Querier, g rights.Grant) (Picture, error) {
	p, ok, err := db.One[Picture](ctx, q, `SELECT f.id, f.name, f.type, f.size, f.alt, f.retouched_at AS drawn, coalesce(w.width, 0) AS width, coalesce(w.height, 0) AS height, f.owner AS holder,
			(SELECT count(*) FROM document_version v JOIN file o ON o.id = v.file WHERE v.node = d.id AND v.file <> d.file AND o.type LIKE 'image/%') AS versions
		FROM document d JOIN file f ON f.id = d.file LEFT JOIN file_variant w ON w.file = f.id AND w.name = 'web' WHERE d.id = $1`, g.ID())
	if err != nil {
		return p, fmt.Errorf("picture: %w", err)
	}
	if !ok || !p.Editable() {
		return p, errs.ErrNotFound
	}
	if g.Role() < rights.Manage && p.Holder != g.Viewer().Person {
		return p, errs.ErrDenied
	}
	return p, nil
}

// Elsewhere lists the titles of what else shows the grant's picture when it is
// the viewer's, five at most: there too it changes.
func Elsewhere(ctx context.Context, q db.Querier, s rights.Scope, g rights.Grant) ([]string, error) {
	scope, args := s.Where("r", rights.Read, []any{g.ID(), s.Person()})
	return db.All[string](ctx, q, `SELECT r.title FROM document d JOIN file f ON f.id = d.file AND f.owner = $2
		JOIN file_use u ON u.file = f.id AND u.resource <> d.id JOIN resource r ON r.id = u.resource WHERE d.id = $1 AND `+scope+` ORDER BY r.id DESC LIMIT 5`, args...)
}

// Repaint puts a retouched picture in the place of the grant's. A picture that
// somebody else holds becomes the viewer's in this document, and stays as it was
// where they show it themselves. What was hidden is not left in the history: the
// other pictures of it go.
func Repaint(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, made file.Retouched) error {
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	// Rooms before the document, as whoever deposits a version holds them.
	old, err := pictures(ctx, tx, g)
	if err == nil {
		err = file.HoldRooms(ctx, tx, g, old...)
	}
	if err != nil {
		return err
	}
	if _, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE id = $1`+tx.Hold(), g.ID()); err != nil {
		return fmt.Errorf("repaint: %w", err)
	}
	p, err := PictureOf(ctx, tx, g)
	if err != nil {
		return err
	}
	if p.ID != made.File() {
		return errs.New(errs.Conflict, "documents.picture_replaced")
	}
	if old, err = pictures(ctx, tx, g); err != nil {
		return err
	}
	mine, err := file.Mine(ctx, tx, g, now, p.ID)
	if err != nil {
		return err
	}
	var gone []string
	if mine != p.ID {
		if err := file.Attach(ctx, tx, g.Viewer().Person, mine, g.ID()); err != nil {
			return err
		}
		for _, text := range []string{`UPDATE document SET file = $2 WHERE id = $1 AND file = $3`, `UPDATE document_version SET file = $2 WHERE node = $1 AND file = $3`} {
			if _, err := tx.Exec(ctx, text, g.ID(), mine, p.ID); err != nil {
				return fmt.Errorf("repaint: %w", err)
			}
		}
		gone = append(gone, p.ID)
	}
	if made.Hides() {
		for _, f := range old {
			if f != p.ID {
				gone = append(gone, f)
			}
		}
		if _, err := tx.Exec(ctx, `DELETE FROM document_version WHERE node = $1 AND n <> (SELECT d.version FROM document d WHERE d.id = $1)
			AND file IN (SELECT id FROM file WHERE type LIKE 'image/%')`, g.ID()); err != nil {
			return fmt.Errorf("repaint: %w", err)
		}
	}
	if err := made.Apply(ctx, tx, core.Jobs, g, now, mine); err != nil {
		return err
	}
	if err := file.Unshow(ctx, tx, core.Jobs, g, now, g.ID(), gone...); err != nil {
		return err
	}
	if made.Draws() {
		_, err = tx.Exec(ctx, `UPDATE document SET changed_at = $2 WHERE id = $1`, g.ID(), now.UnixMilli())
	}
	return err
}

// pictures are the files of the grant's document that are pictures, versions
// included.
func pictures(ctx context.Context, q db.Querier, g rights.Grant) ([]string, error) {
	list, err := db.All[string](ctx, q, `SELECT DISTINCT v.file FROM document_version v JOIN file o ON o.id = v.file WHERE v.node = $1 AND o.type LIKE 'image/%' ORDER BY v.file`, g.ID())
	if err != nil {
		return nil, fmt.Errorf("repaint: %w", err)
	}
	return list, nil
}

// Original puts back what the viewer kept of the grant's picture, or forgets it.
func Original(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, back bool) error {
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	p, err := PictureOf(ctx, tx, g)
	if err != nil {
		return err
	}
	if err := file.Restore(ctx, tx, core.Jobs, g, now, p.ID, back); err != nil || !back {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE document SET changed_at = $2 WHERE id = $1`, g.ID(), now.UnixMilli())
	return err
}
