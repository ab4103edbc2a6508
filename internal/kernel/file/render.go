package file

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/media"
)

// What is made of a file after it came, where the machine has the tools. The
// form "original", which everybody who may read a file gets, appears for sound
// and video when it is made; what came is the form "source", its owner's alone.
// So whoever hands out originals need not think of it.

// The three jobs: a picture is soon made, a film keeps others of its lane waiting.
type (
	coverOf struct {
		File string `json:"file"`
	}
	soundOf struct {
		File string `json:"file"`
	}
	filmOf struct {
		File string `json:"file"`
	}
	again struct{}
)

func (coverOf) Kind() string { return "file.cover" }
func (soundOf) Kind() string { return "file.sound" }
func (filmOf) Kind() string  { return "file.film" }
func (again) Kind() string   { return "file.again" }

func renderings(core *app.Core) []jobs.Kind {
	return []jobs.Kind{
		jobs.Handle(func(ctx context.Context, a coverOf) error { return work(ctx, core, a.File) }),
		jobs.Slow("sound", media.FilmTime, func(ctx context.Context, a soundOf) error { return work(ctx, core, a.File) }),
		jobs.Slow("film", media.FilmTime, func(ctx context.Context, a filmOf) error { return work(ctx, core, a.File) }),
		jobs.Handle(func(ctx context.Context, _ again) error { return takeUp(ctx, core) }),
	}
}

func job(file, kind string) jobs.Args {
	switch t := (media.Type{MIME: kind}); {
	case t.Video():
		return filmOf{file}
	case t.Played():
		return soundOf{file}
	}
	return coverOf{file}
}

const (
	// hold time: whoever works says so often; one who has not is dead.
	beat, held = 5 * time.Second, time.Minute
	// askAgain is when a job that was asked for and never began is asked for again.
	askAgain = 15 * time.Minute
	// triesMax is how often a file may take its process with it.
	triesMax = 3
	// olderMax is how many files without a rendering are taken up in a day.
	olderMax = 200
)

// prepare says what is made of a file that is kept as it came.
func (r *Received) prepare(core *app.Core, kind media.Type) {
	switch {
	case kind.Played() && core.Pictures.Plays():
		r.variants[0].name = "source"
	case kind.MIME == "application/pdf" && core.Pictures.Draws():
	default:
		return
	}
	r.render, r.queue = true, core.Jobs
}

// await asks for what is made of a file, in the transaction that keeps it.
func await(ctx context.Context, tx *db.Tx, now time.Time, r Received) error {
	at := now
	if r.queue != nil {
		at = now.Add(askAgain)
		if err := r.queue.Add(ctx, tx, job(r.ID, r.Type)); err != nil {
			return fmt.Errorf("render: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `INSERT INTO file_render (file, state, ask_at) VALUES ($1, 'waiting', $2)`, r.ID, at.UnixMilli())
	return err
}

// takeUp asks again for what nobody works on: whoever did is dead, or never was.
func takeUp(ctx context.Context, core *app.Core) error {
	now := core.Clock.Now()
	list, err := db.All[struct{ File, Type string }](ctx, core.DB, `SELECT r.file, f.type FROM file_render r JOIN file f ON f.id = r.file
		WHERE r.state = 'waiting' AND r.ask_at <= $1 AND r.held_until <= $1 ORDER BY r.ask_at, r.file LIMIT 200`, now.UnixMilli())
	if err != nil || len(list) == 0 {
		return err
	}
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		for _, f := range list {
			n, err := tx.Exec(ctx, `UPDATE file_render SET ask_at = $2 WHERE file = $1 AND state = 'waiting' AND ask_at <= $3`, f.File, now.Add(askAgain).UnixMilli(), now.UnixMilli())
			if err == nil && n > 0 {
				err = core.Jobs.Add(ctx, tx, job(f.File, f.Type))
			}
			if err != nil {
				return fmt.Errorf("render: %w", err)
			}
		}
		return nil
	})
}

// older takes up, some each day, what came before the machine had the tools.
func older(ctx context.Context, core *app.Core) error {
	for _, o := range []struct {
		able       bool
		name, like string
	}{
		{core.Pictures.Plays(), "source", `(f.type LIKE 'audio/%' AND f.type <> 'audio/midi' OR f.type LIKE 'video/%')`},
		{core.Pictures.Draws(), "original", `f.type = 'application/pdf'`},
	} {
		if !o.able {
			continue
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			ids, err := db.All[string](ctx, tx, `SELECT f.id FROM file f JOIN file_variant v ON v.file = f.id AND v.name = 'original'
				WHERE `+o.like+` AND NOT EXISTS (SELECT 1 FROM file_render r WHERE r.file = f.id) ORDER BY f.id DESC LIMIT $1`, olderMax)
			for _, file := range ids {
				if err := errors.Join(
					exec(ctx, tx, `UPDATE file_variant SET name = $2 WHERE file = $1 AND name = 'original'`, file, o.name),
					exec(ctx, tx, `INSERT INTO file_render (file, state) VALUES ($1, 'waiting')`, file)); err != nil {
					return err
				}
			}
			return err
		}); err != nil {
			return fmt.Errorf("render: %w", err)
		}
	}
	return nil
}

func exec(ctx context.Context, tx *db.Tx, text string, args ...any) error {
	_, err := tx.Exec(ctx, text, args...)
	return err
}

// task is one file that something is made of.
type task struct {
	ID, School, Type, Form, Blob string
	Size                         int64
	Tries                        int

	at      time.Time // before anything was stored
	percent atomic.Int64
	kind    string // what the file is found to be, when its first bytes misled
}

// work makes what is to be made of a file, by one at a time however many ask, and
// again as often as it is asked: what is there is not made again.
func work(ctx context.Context, core *app.Core, file string) error {
	t, err := claim(ctx, core, file)
	if err != nil || t == nil {
		return err
	}
	if t.Tries > triesMax {
		return t.end(ctx, core, nil, errs.New(errs.Invalid, "media.unplayable"))
	}
	working, stop := context.WithCancelCause(ctx)
	beating := make(chan struct{})
	go func() {
		defer close(beating)
		t.beats(working, core, stop)
	}()
	made, err := t.make(working, core)
	gone := errors.Is(context.Cause(working), errGone)
	stop(nil)
	<-beating
	if gone {
		return nil
	}
	return t.end(ctx, core, made, err)
}

// errGone ends the work on a file that is no more.
var errGone = errors.New("file: gone")

func claim(ctx context.Context, core *app.Core, file string) (*task, error) {
	var t *task
	err := core.DB.Write(ctx, func(tx *db.Tx) error {
		now := core.Clock.Now()
		n, err := tx.Exec(ctx, `UPDATE file_render SET held_until = $2, ask_at = $3, tries = tries + 1 WHERE file = $1 AND state = 'waiting' AND held_until <= $3`,
			file, now.Add(held).UnixMilli(), now.UnixMilli())
		if err != nil || n == 0 {
			return err
		}
		list, err := db.All[task](ctx, tx, `SELECT f.id, f.school, f.type, v.name AS form, v.blob, v.size, r.tries FROM file f JOIN file_render r ON r.file = f.id
			JOIN file_variant v ON v.file = f.id AND v.name IN ('source', 'original') WHERE f.id = $1 ORDER BY v.name DESC LIMIT 1`, file)
		if len(list) > 0 {
			t = &list[0]
			t.at = now
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return t, nil
}

// beats says that the work goes on and how far it is, and ends it when nobody
// wants it any more.
func (t *task) beats(ctx context.Context, core *app.Core, stop func(error)) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var n int64
		if err := core.DB.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = tx.Exec(ctx, `UPDATE file_render SET held_until = $2, percent = $3 WHERE file = $1 AND state = 'waiting'`,
				t.ID, core.Clock.Now().Add(held).UnixMilli(), t.percent.Load())
			return err
		}); err == nil && n == 0 {
			stop(errGone)
		}
	}
}

// make gives the forms that a file gets, their bytes stored.
func (t *task) make(ctx context.Context, core *app.Core) ([]variant, error) {
	if made, err := t.alike(ctx, core); err != nil || len(made) > 0 {
		return made, err
	}
	in, done, err := t.open(ctx, core)
	if err != nil {
		return nil, err
	}
	defer done()
	if t.Form == "original" {
		return t.pictures(ctx, core, func(w io.Writer, o media.Options) (media.Info, error) { return core.Pictures.Page(ctx, in, w, o) })
	}
	clip, err := core.Pictures.Probe(ctx, in)
	if err != nil {
		return nil, err
	}
	family, sort, _ := strings.Cut(t.Type, "/")
	if clip.Video && family != "video" {
		t.kind = "video/" + sort
	} else if !clip.Video && family != "audio" {
		t.kind = "audio/" + sort
	}
	out, err := core.Spool.Scratch()
	if err != nil {
		return nil, err
	}
	defer out.Close()
	kind, err := core.Pictures.Play(ctx, clip, in, out, func(far float64) { t.percent.Store(int64(far * 100)) })
	if err != nil {
		return nil, err
	}
	size, err := out.Stat()
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	key, err := store(ctx, core.Blobs, t.School, out, size.Size())
	if err != nil {
		return nil, err
	}
	made := []variant{{"original", key, kind.MIME, size.Size(), 0, 0}}
	if !clip.Video {
		return made, nil
	}
	drawn, err := t.pictures(ctx, core, func(w io.Writer, o media.Options) (media.Info, error) {
		return core.Pictures.Poster(ctx, clip, out, w, o)
	})
	if errs.As(err) != nil { // a film without a poster is a film
		return made, nil
	}
	return append(made, drawn...), err
}

// alike finds what was made of the same bytes in the same school.
func (t *task) alike(ctx context.Context, core *app.Core) ([]variant, error) {
	list, err := db.All[struct {
		Name, Blob, Type, Kind string
		Size                   int64
		Width, Height          int
	}](ctx, core.DB, `SELECT v.name, v.blob, v.type, f.type AS kind, v.size, v.width, v.height FROM file_variant v JOIN file f ON f.id = v.file
		WHERE v.name IN ('original', 'cover', 'thumb') AND v.name <> $2 AND v.file = (SELECT min(s.file) FROM file_variant s JOIN file_render r ON r.file = s.file
			WHERE s.blob = $1 AND s.name = $2 AND r.state = 'done')`, t.Blob, t.Form)
	out := make([]variant, len(list))
	for n, v := range list {
		out[n] = variant{v.Name, v.Blob, v.Type, v.Size, v.Width, v.Height}
		t.kind = v.Kind
	}
	return out, err
}

// open gives the bytes as a file of this machine.
func (t *task) open(ctx context.Context, core *app.Core) (*os.File, func(), error) {
	in, err := core.Blobs.OpenRange(ctx, t.Blob, 0, -1)
	if err != nil {
		return nil, nil, fmt.Errorf("render: %w", err)
	}
	if f, ok := in.(*os.File); ok {
		return f, func() { f.Close() }, nil
	}
	defer in.Close()
	f, err := core.Spool.Take(ctx, in, t.Size)
	if err != nil {
		if f != nil {
			f.Close()
		}
		return nil, nil, fmt.Errorf("render: %w", err)
	}
	return f.File, func() { f.Close() }, nil
}

// pictures draws the picture that stands for a file, in two sizes.
func (t *task) pictures(ctx context.Context, core *app.Core, draw func(io.Writer, media.Options) (media.Info, error)) ([]variant, error) {
	var page, thumb bytes.Buffer
	info, err := draw(&page, media.Options{Side: webSide, Thumb: &thumb, ThumbSide: thumbSide})
	if err != nil {
		return nil, err
	}
	var out []variant
	for _, v := range []struct {
		name          string
		bytes         []byte
		width, height int
	}{{"cover", page.Bytes(), info.Width, info.Height}, {"thumb", thumb.Bytes(), info.ThumbWidth, info.ThumbHeight}} {
		size := int64(len(v.bytes))
		key, err := store(ctx, core.Blobs, t.School, bytes.NewReader(v.bytes), size)
		if err != nil {
			return nil, err
		}
		out = append(out, variant{v.name, key, info.Type.MIME, size, v.width, v.height})
	}
	return out, nil
}

// end writes what was made, or that nothing can be. A fault that is none of the
// file's is the job's, which comes back.
func (t *task) end(ctx context.Context, core *app.Core, made []variant, fault error) error {
	e := errs.As(fault)
	if broken := e != nil && (e.Kind == errs.Invalid || e.Kind == errs.TooLarge); fault != nil && !broken {
		left, cancel := context.WithTimeout(context.WithoutCancel(ctx), held)
		defer cancel()
		return errors.Join(fault, core.DB.Write(left, func(tx *db.Tx) error {
			tries := 1 // who stops the server has nothing against the file
			if ctx.Err() == nil {
				tries = 0
			}
			return exec(left, tx, `UPDATE file_render SET held_until = 0, tries = tries - $2 WHERE file = $1 AND state = 'waiting'`, t.ID, tries)
		}))
	}
	err := core.DB.Write(ctx, func(tx *db.Tx) error {
		g := rights.System("what is made of files").For(t.School)
		if err := g.Confirm(ctx, tx); err != nil {
			return err
		}
		// Whoever removes the file comes before, and then there is nothing to write, or
		// after, and removes this too.
		if _, err := db.All[string](ctx, tx, `SELECT file FROM file_render WHERE file = $1`+tx.Hold(), t.ID); err != nil {
			return err
		}
		state := "done"
		if fault != nil {
			state = "failed"
		}
		n, err := tx.Exec(ctx, `UPDATE file_render SET state = $2, percent = 100 WHERE file = $1 AND state = 'waiting'`, t.ID, state)
		if err != nil || n == 0 || fault != nil {
			return err
		}
		rows := make([][]any, len(made))
		for i, v := range made {
			rows[i] = []any{t.ID, v.name, v.blob, v.kind, v.size, v.width, v.height}
		}
		if _, err := db.Insert(ctx, tx, `INSERT INTO file_variant (file, name, blob, type, size, width, height) VALUES `, `ON CONFLICT (file, name) DO NOTHING`, rows); err != nil {
			return fmt.Errorf("render: %w", err)
		}
		if err := there(ctx, tx, Received{at: t.at, variants: made}); err != nil {
			return err
		}
		if t.kind != "" {
			if err := exec(ctx, tx, `UPDATE file SET type = $2 WHERE id = $1`, t.ID, t.kind); err != nil {
				return err
			}
		}
		// Of whoever left meanwhile there is nobody to have the source.
		return exec(ctx, tx, `DELETE FROM file_variant WHERE file = $1 AND name = 'source' AND EXISTS (SELECT 1 FROM file f WHERE f.id = $1 AND f.owner = '')`, t.ID)
	})
	if errs.As(err) != nil && fault == nil { // the same bytes, of another file, were being deleted: it is made again
		return t.end(ctx, core, nil, errors.New("render: what was made was deleted meanwhile"))
	}
	return err
}

// Named is a file's name with the end of what its bytes are, for sound and video:
// what came as .mov or .opus may go out as something else.
func Named(name, kind string) string {
	end, known := map[string]string{"video/mp4": ".mp4", "audio/mp4": ".m4a", "video/webm": ".webm", "audio/webm": ".webm", "video/x-matroska": ".mkv", "audio/x-matroska": ".mka"}[kind]
	if !known {
		return name
	}
	was := filepath.Ext(name)
	if strings.EqualFold(was, end) || len(was) > 6 {
		return name
	}
	return strings.TrimSuffix(name, was) + end
}

// Look is how a file shows in its page to somebody who may read it.
type Look struct {
	State         string // of what is made of it: waiting, failed; "" is nothing to wait for
	Percent       int
	Own           bool   // its source is the viewer's
	Form          string // the form that is played, "" as long as there is none
	Type          string // of that form
	Cover         bool   // the forms cover and thumb are there
	Width, Height int    // of the cover
}

// LookAt reads how a file shows. The caller holds a right on an item that shows it.
func LookAt(ctx context.Context, q db.Querier, viewer, file string) (Look, error) {
	l, _, err := db.One[Look](ctx, q, `SELECT CASE WHEN r.state = 'done' THEN '' ELSE coalesce(r.state, '') END AS state, coalesce(r.percent, 0) AS percent,
			s.file IS NOT NULL AS own, CASE WHEN o.file IS NOT NULL THEN 'original' WHEN s.file IS NOT NULL THEN 'source' ELSE '' END AS form,
			coalesce(o.type, s.type, '') AS type, c.file IS NOT NULL AS cover, coalesce(c.width, 0) AS width, coalesce(c.height, 0) AS height
		FROM file f LEFT JOIN file_render r ON r.file = f.id LEFT JOIN file_variant o ON o.file = f.id AND o.name = 'original'
		LEFT JOIN file_variant s ON s.file = f.id AND s.name = 'source' AND f.owner = $2 LEFT JOIN file_variant c ON c.file = f.id AND c.name = 'cover'
		WHERE f.id = $1`, file, viewer)
	return l, err
}
