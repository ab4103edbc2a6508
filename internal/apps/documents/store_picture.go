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

// Held reads a picture that the viewer holds, whatever shows it.
func Held(ctx context.Context, q db.Querier, s rights.Scope, id string) (Picture, error) {
	p, ok, err := db.One[Picture](ctx, q, `SELECT f.id, f.name, f.type, f.size, f.alt, f.retouched_at AS drawn, coalesce(w.width, 0) AS width, coalesce(w.height, 0) AS height, f.owner AS holder,
			(SELECT count(*) FROM document d JOIN document_version v ON v.node = d.id JOIN file o ON o.id = v.file WHERE d.file = f.id AND v.file <> d.file AND o.type LIKE 'image/%') AS versions
		FROM file f LEFT JOIN file_variant w ON w.file = f.id AND w.name = 'web' WHERE f.id = $1 AND f.owner = $2
			AND EXISTS (SELECT 1 FROM membership m WHERE m.person = $2 AND m.school = f.school AND m.valid_from <= $3 AND m.valid_to > $3)`, id, s.Person(), s.At())
	if err != nil {
		return p, fmt.Errorf("picture: %w", err)
	}
	if !ok || !p.Editable() {
		return p, errs.ErrNotFound
	}
	return p, nil
}

// Elsewhere lists the titles of what shows a picture that the viewer holds,
// beside one item, five at most: there too it changes.
func Elsewhere(ctx context.Context, q db.Querier, s rights.Scope, picture, beside string) ([]string, error) {
	scope, args := s.Where("r", rights.Read, []any{picture, s.Person(), beside})
	return db.All[string](ctx, q, `SELECT r.title FROM file f JOIN file_use u ON u.file = f.id AND u.resource <> $3 JOIN resource r ON r.id = u.resource
		WHERE f.id = $1 AND f.owner = $2 AND `+scope+` ORDER BY r.id DESC LIMIT 5`, args...)
}

// Repaint puts a retouched picture in the place of the grant's. A picture that
// somebody else holds becomes the viewer's in this document, and stays as it was
// where they show it themselves.
func Repaint(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, made file.Retouched) error {
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	// Rooms before documents, as whoever deposits a version holds them.
	older, err := olderPictures(ctx, tx, g, made.File(), g.ID())
	if err == nil {
		err = holdPictures(ctx, tx, g, made.File(), older)
	}
	if err != nil {
		return err
	}
	p, err := PictureOf(ctx, tx, g)
	if err != nil {
		return err
	}
	if p.ID != made.File() {
		return errs.New(errs.Conflict, "documents.picture_replaced")
	}
	mine, err := file.Mine(ctx, tx, g, now, p.ID)
	if err != nil {
		return err
	}
	if mine == p.ID {
		return repaint(ctx, tx, core, g, now, made, mine, "")
	}
	if err := file.Attach(ctx, tx, g.Viewer().Person, mine, g.ID()); err != nil {
		return err
	}
	for _, text := range []string{`UPDATE document SET file = $2 WHERE id = $1 AND file = $3`, `UPDATE document_version SET file = $2 WHERE node = $1 AND file = $3`} {
		if _, err := tx.Exec(ctx, text, g.ID(), mine, p.ID); err != nil {
			return fmt.Errorf("repaint: %w", err)
		}
	}
	if err := repaint(ctx, tx, core, g, now, made, mine, g.ID()); err != nil {
		return err
	}
	return file.Unshow(ctx, tx, core.Jobs, g, now, g.ID(), p.ID)
}

// RepaintHeld puts a retouch in a picture that the viewer holds, whatever shows it.
func RepaintHeld(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, made file.Retouched) error {
	if err := g.Must(ctx, tx, rights.SignedIn); err != nil {
		return err
	}
	p, err := Held(ctx, tx, rights.ScopeOf(g.Viewer().Person, now), made.File())
	if err != nil {
		return err
	}
	older, err := olderPictures(ctx, tx, g, p.ID, "")
	if err == nil {
		err = holdPictures(ctx, tx, g, p.ID, older)
	}
	if err != nil {
		return err
	}
	return repaint(ctx, tx, core, g, now, made, p.ID, "")
}

// shownBy is a file that a document shows.
type shownBy struct{ Node, File string }

// olderPictures lists the other pictures in the history of the documents that
// show a picture now, or of one of them.
func olderPictures(ctx context.Context, q db.Querier, _ rights.Grant, picture, only string) ([]shownBy, error) {
	list, err := db.All[shownBy](ctx, q, `SELECT DISTINCT v.node, v.file FROM document d JOIN document_version v ON v.node = d.id JOIN file o ON o.id = v.file
		WHERE d.file = $1 AND ($2 = '' OR d.id = $2) AND v.file <> d.file AND o.type LIKE 'image/%' ORDER BY v.node, v.file`, picture, only)
	if err != nil {
		return nil, fmt.Errorf("repaint: %w", err)
	}
	return list, nil
}

// holdPictures holds what a retouch changes: rooms, then documents.
func holdPictures(ctx context.Context, tx *db.Tx, g rights.Grant, picture string, older []shownBy) error {
	files := []string{picture}
	for _, o := range older {
		files = append(files, o.File)
	}
	if err := file.HoldRooms(ctx, tx, g, files...); err != nil {
		return err
	}
	if _, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE file = $1 ORDER BY id`+tx.Hold(), picture); err != nil {
		return fmt.Errorf("repaint: %w", err)
	}
	return nil
}

// repaint draws a retouch in a file of the viewer's. What was hidden is not left
// in the history: the other pictures of it go.
func repaint(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, made file.Retouched, mine, only string) error {
	if made.Hides() {
		older, err := olderPictures(ctx, tx, g, mine, only)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM document_version WHERE node IN (SELECT id FROM document WHERE file = $1 AND ($2 = '' OR id = $2))
			AND n <> (SELECT d.version FROM document d WHERE d.id = document_version.node) AND EXISTS (SELECT 1 FROM file o WHERE o.id = document_version.file AND o.type LIKE 'image/%')`, mine, only); err != nil {
			return fmt.Errorf("repaint: %w", err)
		}
		for _, o := range older {
			if err := file.Unshow(ctx, tx, core.Jobs, g, now, o.Node, o.File); err != nil {
				return err
			}
		}
	}
	if err := made.Apply(ctx, tx, core.Jobs, g, now, mine); err != nil || !made.Draws() {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE document SET changed_at = $2 WHERE file = $1`, mine, now.UnixMilli())
	return err
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
	return restorePicture(ctx, tx, core, g, now, p.ID, back)
}

// OriginalHeld does so for a picture that the viewer holds, whatever shows it.
func OriginalHeld(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, picture string, back bool) error {
	if err := g.Must(ctx, tx, rights.SignedIn); err != nil {
		return err
	}
	return restorePicture(ctx, tx, core, g, now, picture, back)
}

func restorePicture(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, picture string, back bool) error {
	if err := file.Restore(ctx, tx, core.Jobs, g, now, picture, back); err != nil || !back {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE document SET changed_at = $2 WHERE file = $1`, picture, now.UnixMilli())
	return err
}
