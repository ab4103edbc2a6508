package file

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/media"
)

// A picture is retouched where it lies: the file keeps its id, and all that shows
// it shows the new points from then on, at another address, so that no browser
// draws the old ones. What somebody else copied is a file of theirs and stays.
// The clear picture is gone at once, its bytes too unless another file holds the
// same, or stays with its holder alone, when they ask for it.

// AltMax is how long the words for a picture may be, in characters.
const AltMax = 300

// Retouch is what a form asks for: gestures and words.
type Retouch struct {
	Edits []string // as media.ParseEdits reads them
	Keep  bool     // the picture as it was, for its holder alone
	Alt   string
}

// RetouchOf reads a form.
func RetouchOf(form url.Values) Retouch {
	return Retouch{Edits: form["geste"], Keep: form.Get("garder") != "", Alt: strings.Join(strings.Fields(form.Get("description")), " ")}
}

// Retouched is a retouch whose pictures are made and whose rows are not written
// yet.
type Retouched struct {
	file, before string // what was retouched, and its bytes
	alt          string
	hides        bool
	keep         bool
	how          []string  // the gestures, in one word each
	got          *Received // nil: only the words change
}

// File is what was retouched.
func (t Retouched) File() string { return t.file }

// Draws says whether points change, not the words alone.
func (t Retouched) Draws() bool { return t.got != nil }

// Hides says whether something that was seen no longer is.
func (t Retouched) Hides() bool { return t.hides }

// Editable says whether a file is a picture of points.
func (f File) Editable() bool { return f.kind().Picture() }

// Make draws what a retouch asks of a file that its caller may change, and stores
// it. No row is written: Apply does it in the transaction that shows it.
func (t Retouch) Make(ctx context.Context, core *app.Core, file string) (Retouched, error) {
	out := Retouched{file: file, alt: t.Alt, keep: t.Keep}
	if utf8.RuneCountInString(t.Alt) > AltMax {
		return out, errs.Field("description", "file.alt_long", "n", AltMax)
	}
	edits, err := media.ParseEdits(t.Edits)
	if err != nil {
		return out, atGestures(err)
	}
	out.hides = slices.ContainsFunc(edits, media.Edit.Hides)
	for _, e := range t.Edits {
		how, _, _ := strings.Cut(e, " ")
		out.how = append(out.how, how)
	}
	now, ok, err := db.One[struct{ School, Owner, Name, Blob, Type string }](ctx, core.DB, `SELECT f.school, f.owner, f.name, v.blob, v.type
		FROM file f JOIN file_variant v ON v.file = f.id AND v.name = 'web' WHERE f.id = $1`, file)
	if err != nil {
		return out, fmt.Errorf("retouch: %w", err)
	}
	if !ok || !(media.Type{MIME: now.Type}).Picture() {
		return out, errs.ErrNotFound
	}
	if out.before = now.Blob; len(edits) == 0 {
		return out, nil
	}
	in, err := core.Blobs.OpenRange(ctx, now.Blob, 0, -1)
	if errs.KindOf(err) == errs.NotFound { // by somebody else, this moment
		return out, errs.New(errs.Conflict, "file.retouched_meanwhile")
	}
	if err != nil {
		return out, fmt.Errorf("retouch: %w", err)
	}
	defer in.Close()
	got := Received{ID: file, School: now.School, Owner: now.Owner, Name: now.Name, at: core.Clock.Now()}
	var page, thumb bytes.Buffer
	info, err := core.Pictures.Edited(ctx, in, &page, edits, media.Options{Side: webSide, Thumb: &thumb, ThumbSide: thumbSide, PNG: now.Type == "image/png"})
	if err != nil {
		return out, atGestures(err)
	}
	if err := got.drawn(ctx, core.Blobs, info, page.Bytes(), thumb.Bytes()); err != nil {
		return out, err
	}
	out.got = &got
	return out, nil
}

// atGestures shows a refusal beside the picture.
func atGestures(err error) error {
	e := errs.As(err)
	if e == nil || e.Kind != errs.Invalid && e.Kind != errs.TooLarge {
		return err
	}
	said := e.Message
	for _, of := range e.Fields {
		said = of
	}
	return &errs.Error{Kind: errs.Invalid, Message: errs.Msg("error.invalid"), Fields: errs.Fields{"geste": said}, Cause: err}
}

// Mine gives the file that the viewer changes instead of one that they may change
// where it is shown: itself when they hold it, else a copy, which is theirs.
func Mine(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, file string) (string, error) {
	owner, err := db.Value[string](ctx, tx, `SELECT owner FROM file WHERE id = $1`, file)
	if err != nil || owner == g.Viewer().Person {
		return file, err
	}
	made, err := Copy(ctx, tx, g, now, g.Viewer().Person, []string{file})
	if err == nil && made[file] == "" {
		err = errs.ErrNotFound
	}
	return made[file], err
}

// Apply puts a retouch in a file of the viewer's: the one that it was made of, or
// its copy. Every item that shows the file shows it so.
func (t Retouched) Apply(ctx context.Context, tx *db.Tx, queue *jobs.Queue, g rights.Grant, now time.Time, file string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	h, err := holding(ctx, tx, g, file)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE file SET alt = $2 WHERE id = $1`, file, t.alt); err != nil || t.got == nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE file SET blob = $2, size = $3, retouched_at = CASE WHEN retouched_at >= $4 THEN retouched_at + 1 ELSE $4 END
		WHERE id = $1 AND EXISTS (SELECT 1 FROM file_variant v WHERE v.file = $1 AND v.name = 'web' AND v.blob = $5)`,
		file, t.got.variants[0].blob, t.got.Size, now.UnixMilli(), t.before)
	if err == nil && n == 0 {
		err = errs.New(errs.Conflict, "file.retouched_meanwhile")
	}
	if err != nil {
		return err
	}
	original, err := db.Value[string](ctx, tx, `SELECT kept FROM file_original WHERE file = $1`, file)
	if err != nil {
		return err
	}
	switch {
	case t.keep && original == "":
		err = keepOriginal(ctx, tx, file)
	case !t.keep:
		err = dropOriginal(ctx, tx, queue, file, original)
	default: // what was the original stays it
		err = clearForms(ctx, tx, queue, file)
	}
	if err != nil {
		return fmt.Errorf("retouch: %w", err)
	}
	got := *t.got
	got.ID = file
	if err := write(ctx, tx, got); err != nil {
		return atGestures(err)
	}
	// What a word showed when it was confirmed may matter later.
	if err := audit.Note(ctx, tx, g, now, "file.retouch", file, strings.Join(t.how, " ")); err != nil {
		return err
	}
	return weigh(ctx, tx, now, h)
}

// HoldRooms holds the rooms of the viewer and of the holders of some files, all
// before any is touched and in one order, so that two who change the same wait.
func HoldRooms(ctx context.Context, tx *db.Tx, g rights.Grant, files ...string) error {
	in, args := db.In(nil, files)
	list, err := db.All[Holder](ctx, tx, `SELECT DISTINCT owner, school FROM file WHERE owner <> '' AND id IN (`+in+`)`, args...)
	if err != nil {
		return err
	}
	for _, h := range list {
		list = append(list, Holder{g.Viewer().Person, h.School})
	}
	return holdAll(ctx, tx, list)
}

// holding holds the row of the viewer's room, and insists that a file is theirs.
func holding(ctx context.Context, tx *db.Tx, g rights.Grant, file string) (Holder, error) {
	h := Holder{Owner: g.Viewer().Person}
	var err error
	if h.School, err = db.Value[string](ctx, tx, `SELECT school FROM file WHERE id = $1 AND owner = $2`, file, h.Owner); err != nil {
		return h, err
	}
	if h.School == "" {
		return h, errs.ErrNotFound
	}
	return h, hold(ctx, tx, h.School, h.Owner)
}

// weigh counts anew what somebody holds, and refuses what has become too much.
func weigh(ctx context.Context, tx *db.Tx, now time.Time, h Holder) error {
	before, err := Usage(ctx, tx, now, h.School, h.Owner)
	if err != nil {
		return err
	}
	if err := recount(ctx, tx, now, h.School, h.Owner); err != nil {
		return err
	}
	after, err := Usage(ctx, tx, now, h.School, h.Owner)
	if err == nil && after.Used > after.Max && after.Used > before.Used {
		err = atGestures(full(before))
	}
	return err
}

// keepOriginal gives the forms of a file to another one, which nothing shows.
func keepOriginal(ctx context.Context, tx *db.Tx, file string) error {
	kept := id.New()
	for _, s := range []struct {
		text string
		args []any
	}{
		{`INSERT INTO file (id, school, owner, name, type, size, blob, alt, created_at)
			SELECT $2, f.school, f.owner, f.name, v.type, v.size, v.blob, f.alt, f.created_at FROM file f JOIN file_variant v ON v.file = f.id AND v.name = 'web' WHERE f.id = $1`, []any{file, kept}},
		{`UPDATE file_variant SET file = $2 WHERE file = $1`, []any{file, kept}},
		{`INSERT INTO file_original (file, kept) VALUES ($1, $2)`, []any{file, kept}},
	} {
		if _, err := tx.Exec(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	return nil
}

// dropOriginal leaves nothing of what a file was, whether it was kept or not.
func dropOriginal(ctx context.Context, tx *db.Tx, queue *jobs.Queue, file, original string) error {
	if err := clearForms(ctx, tx, queue, file); err != nil || original == "" {
		return err
	}
	if err := clearForms(ctx, tx, queue, original); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM file_original WHERE kept = $1`, `DELETE FROM file WHERE id = $1`} {
		if _, err := tx.Exec(ctx, text, original); err != nil {
			return err
		}
	}
	return nil
}

// clearForms forgets the forms of a file, and has their bytes deleted at once.
func clearForms(ctx context.Context, tx *db.Tx, queue *jobs.Queue, file string) error {
	blobs, err := db.All[string](ctx, tx, `SELECT DISTINCT blob FROM file_variant WHERE file = $1 ORDER BY blob`, file)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM file_variant WHERE file = $1`, file); err != nil {
		return err
	}
	return queue.Add(ctx, tx, clearing{Blobs: blobs})
}

// Original is the id of the picture that the viewer kept of a file of theirs
// before it was retouched; "" when there is none.
func Original(ctx context.Context, q db.Querier, owner, file string) (string, error) {
	return db.Value[string](ctx, q, `SELECT o.kept FROM file_original o JOIN file f ON f.id = o.kept WHERE o.file = $1 AND f.owner = $2`, file, owner)
}

// Restore puts back the picture that was kept, or forgets it.
func Restore(ctx context.Context, tx *db.Tx, queue *jobs.Queue, g rights.Grant, now time.Time, file string, back bool) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	h, err := holding(ctx, tx, g, file)
	if err != nil {
		return err
	}
	original, err := Original(ctx, tx, h.Owner, file)
	if err == nil && original == "" {
		err = errs.ErrNotFound
	}
	if err != nil {
		return err
	}
	if back { // what each was, the other is; and then it goes
		for _, text := range []string{
			`DELETE FROM file_variant WHERE file = $1`,
			`UPDATE file_variant SET file = $1 WHERE file = $2`,
			`UPDATE file SET blob = (SELECT k.blob FROM file k WHERE k.id = $2), size = (SELECT k.size FROM file k WHERE k.id = $2), retouched_at = retouched_at + 1 WHERE id = $1`,
		} {
			args := []any{file, original}
			if !strings.Contains(text, "$2") {
				args = args[:1]
			}
			if _, err := tx.Exec(ctx, text, args...); err != nil {
				return fmt.Errorf("restore: %w", err)
			}
		}
	} else if err := clearForms(ctx, tx, queue, original); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	for _, text := range []string{`DELETE FROM file_original WHERE kept = $1`, `DELETE FROM file WHERE id = $1`} {
		if _, err := tx.Exec(ctx, text, original); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
	}
	return weigh(ctx, tx, now, h)
}

// Unshow has an item that goes on no longer show some files; those that nothing
// else shows are gone at once, their bytes too.
func Unshow(ctx context.Context, tx *db.Tx, queue *jobs.Queue, g rights.Grant, now time.Time, resource string, files ...string) error {
	if err := g.Confirm(ctx, tx); err != nil || len(files) == 0 {
		return err
	}
	if err := Detach(ctx, tx, resource, files...); err != nil {
		return err
	}
	in, args := db.In(nil, files)
	blobs, err := db.All[string](ctx, tx, `SELECT DISTINCT blob FROM file_variant WHERE file IN (`+in+`) ORDER BY blob`, args...)
	if err != nil {
		return fmt.Errorf("unshow: %w", err)
	}
	if err := forget(ctx, tx, now, files); err != nil {
		return err
	}
	return queue.Add(ctx, tx, clearing{Blobs: blobs})
}

// withOriginals adds, to files of which those that nothing shows are forgotten,
// what was kept of these.
func withOriginals(ctx context.Context, tx *db.Tx, ids []string) ([]string, error) {
	out := slices.Clone(ids)
	for some := range slices.Chunk(ids, chunk) {
		in, args := db.In(nil, some)
		going := `file IN (` + in + `) AND NOT EXISTS (SELECT 1 FROM file_use u WHERE u.file = file_original.file)`
		kept, err := db.All[string](ctx, tx, `SELECT kept FROM file_original WHERE `+going, args...)
		if err != nil {
			return nil, err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM file_original WHERE `+going, args...); err != nil {
			return nil, err
		}
		out = append(out, kept...)
	}
	return out, nil
}
