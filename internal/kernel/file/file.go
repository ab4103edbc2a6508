// Package file keeps the files that items show: their bytes once per school,
// in the forms that they are served in, readable exactly by those who may read
// an item that shows them. It refuses to know any service.
package file

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/clamav"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/media"
	"marelle/internal/platform/spool"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// App declares the address of files.
func App(core *app.Core) app.App {
	return app.App{
		Name: "file", Migrations: sub("migrations"), Messages: sub("i18n"),
		Routes: func(r *app.Router) {
			r.GET("/fichiers/{id}/{variant}", rights.SignedIn, serve)
			r.POST("/fichiers/envoi", rights.SignedIn, begin)
			r.HEAD("/fichiers/envoi/{id}", rights.SignedIn, offset)
			r.PATCH("/fichiers/envoi/{id}", rights.SignedIn, goOn)
			r.DELETE("/fichiers/envoi/{id}", rights.SignedIn, giveUp)
		},
		Export: export,
		Erase:  erase,
		Merge: func(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
			return merge(ctx, tx, g, core.Clock.Now(), winner, loser)
		},
		Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return retain(ctx, tx, g, core.Clock.Now())
		},
		Jobs: append(renderings(core), jobs.Handle(func(ctx context.Context, _ sweep) error {
			return errors.Join(Sweep(ctx, core), older(ctx, core))
		}), jobs.Handle(func(ctx context.Context, c clearing) error { return c.work(ctx, core) })),
		Periodic: []jobs.Every{
			{Interval: 24 * time.Hour, Args: func() jobs.Args { return sweep{} }},
			{Interval: time.Minute, Args: func() jobs.Args { return again{} }},
		},
	}
}

// File is a file as pages show it.
type File struct {
	ID     string
	Name   string
	Type   string
	Size   int64
	Width  int
	Height int
	Alt    string // what a picture shows, in words
	Drawn  int64  // when its points were changed last

	// Of a sound or a film: "waiting" while it is made ready, "failed" when it
	// cannot be, "" when it plays, as to its owner it always does; how far that is;
	// whether it has the form cover.
	State   string
	Percent int
	Covered bool
}

// shown are the columns of a File f as it shows to the person $2, and shownFrom
// where they are.
const (
	shown = `f.id, f.name, f.type, f.size, coalesce(v.width, c.width, 0) AS width, coalesce(v.height, c.height, 0) AS height, f.alt, f.retouched_at AS drawn,
		CASE WHEN d.state <> 'done' AND f.owner <> $2 THEN d.state ELSE '' END AS state, coalesce(d.percent, 0) AS percent, c.file IS NOT NULL AS covered`
	shownFrom = `LEFT JOIN file_variant v ON v.file = f.id AND v.name = 'web' LEFT JOIN file_variant c ON c.file = f.id AND c.name = 'cover' LEFT JOIN file_render d ON d.file = f.id`
)

// Picture says whether it is shown as one: it then has the forms web and thumb.
func (f File) Picture() bool { return f.kind().Picture() || f.kind().Drawing() }

// Audio and Video say whether it is played in the page.
func (f File) Audio() bool { return f.kind().Audio() }
func (f File) Video() bool { return f.kind().Video() }

func (f File) kind() media.Type { return media.Type{MIME: f.Type} }

// URL is the address of one of its forms: original, web, thumb.
func (f File) URL(variant string) string { return URL(f.ID, variant, f.Drawn) }

// Read is the address at which a PDF is read in a tab, rather than saved.
func (f File) Read() string { return Read(f.ID) }

// Read is the address at which the PDF of an id is read.
func Read(file string) string { return URL(file, "original", 0) + "?ouvrir" }

// PDF says whether it is one.
func (f File) PDF() bool { return f.Type == pdf }

// URL is the address of a form of a file. It changes with the points of a
// picture: what a browser holds of the old address is never drawn again.
func URL(file, variant string, drawn int64) string {
	at := "/fichiers/" + file + "/" + variant
	if drawn > 0 {
		at += "?v=" + strconv.FormatInt(drawn, 36)
	}
	return at
}

// Says is what stands for a picture where it is not seen.
func (f File) Says() string { return cmp.Or(f.Alt, f.Name) }

// Received is a file whose bytes are stored and whose rows are not written yet.
type Received struct {
	ID       string
	School   string
	Owner    string
	Name     string
	Type     string
	Size     int64
	alt      string
	at       time.Time // before its bytes were stored
	variants []variant

	render bool        // something is made of it later
	queue  *jobs.Queue // where that is asked
}

type variant struct {
	name, blob, kind string
	size             int64
	width, height    int
}

// Sides of the forms of a picture, in pixels.
const (
	webSide   = 1600
	thumbSide = 400
)

// Receive takes from a person what is read, seen or heard in a page: a picture is
// decoded, turned upright and written again without any metadata, in two sizes, a
// drawing with what is drawn alone, and their original is not kept; a PDF, sound and video are kept as they are.
// Anything else is refused. No row is written: Record does it in the transaction of the item.
func Receive(ctx context.Context, core *app.Core, school, owner, name string, in io.Reader) (Received, error) {
	return receive(ctx, core, school, owner, name, in, pages)
}

// ReceiveAny takes whatever a school works with: besides what Receive takes,
// texts, office files, sound, video, archives. Programs are refused.
func ReceiveAny(ctx context.Context, core *app.Core, school, owner, name string, in io.Reader) (Received, error) {
	return receive(ctx, core, school, owner, name, in, whatever)
}

// ReceiveDraft takes what ReceiveAny takes, and an empty file besides: programs
// make one before they send what is to be in it.
func ReceiveDraft(ctx context.Context, core *app.Core, school, owner, name string, in io.Reader) (Received, error) {
	return receive(ctx, core, school, owner, name, in, drafts)
}

// taken is what may come: what is read in a page, whatever a school works with,
// and the same with what is empty.
type taken int

const (
	pages taken = iota
	whatever
	drafts
)

// receive reads once: the bytes are hashed on their way to the machine's disk,
// and go from there to the store.
func receive(ctx context.Context, core *app.Core, school, owner, name string, in io.Reader, of taken) (Received, error) {
	r := Received{ID: id.New(), School: school, Owner: owner, Name: clean(name), at: core.Clock.Now()}
	f, err := core.Spool.Take(ctx, in, core.UploadMax)
	if errors.Is(err, spool.ErrTooLarge) {
		return r, tooLarge(core)
	}
	if f != nil {
		defer f.Close() // the file has no name any more
	}
	if err != nil {
		return r, fmt.Errorf("receive: %w", err)
	}
	if f.Size == 0 && of != drafts {
		return r, errs.Field("piece", "file.empty")
	}
	kind, err := recognise(core, f, r.Name, of >= whatever)
	if err != nil {
		return r, err
	}
	if f.Size == 0 {
		kind = media.Type{MIME: "text/plain", Ext: ".txt"}
	}
	if err := f.Rewind(); err != nil {
		return r, err
	}
	if err := errors.Join(examine(ctx, core, f), f.Rewind()); err != nil {
		return r, err
	}
	if core.Pictures.Reads(kind) {
		return r.picture(ctx, core, f)
	}
	if kind.Drawing() {
		return r, r.drawing(ctx, core, kind, f)
	}
	if kind.MIME == "application/pdf" {
		if err := errors.Join(media.PDF(f, f.Size, core.UploadMax), f.Rewind()); err != nil {
			return r, field(err)
		}
	}
	return r, r.keep(ctx, core, kind, f.Sum(), f, f.Size)
}

// recognise says what a file is by its first bytes, and refuses what may not be
// sent.
func recognise(core *app.Core, head io.Reader, name string, whatever bool) (media.Type, error) {
	kind, err := media.Sniff(head)
	if err != nil {
		return kind, errs.Field("piece", "file.kind")
	}
	if strings.EqualFold(filepath.Ext(name), ".svg") && strings.HasPrefix(kind.MIME, "text/") {
		kind = media.Type{MIME: "image/svg+xml", Ext: ".svg"} // behind a long head
	}
	switch end, program := kind.Program(name); {
	case core.Pictures.Reads(kind), kind.MIME == "application/pdf":
		return kind, nil
	case kind.Opaque():
		return kind, errs.Field("piece", kind.Unread())
	case !whatever && !kind.Audio() && !kind.Video():
		return kind, errs.Field("piece", "file.kind")
	case program:
		return kind, errs.Field("piece", "file.program", "kind", end)
	}
	return kind, nil
}

// examine has bytes looked at where the operator named a ClamAV daemon: what it
// knows is refused before anything is kept, and so is all that it could not look
// at.
func examine(ctx context.Context, core *app.Core, in io.Reader) error {
	if core.Clamd == nil {
		return nil
	}
	err := core.Clamd.Scan(ctx, in)
	if _, found := errors.AsType[clamav.FoundError](err); found {
		return errs.Field("piece", "file.virus")
	}
	if err != nil && ctx.Err() == nil {
		err = errs.Wrap(errs.Unavailable, err, "file.unexamined")
	}
	return err
}

// keep stores what is kept as it came.
func (r *Received) keep(ctx context.Context, core *app.Core, kind media.Type, sum string, in io.Reader, size int64) error {
	key := r.School + "/" + sum
	if err := core.Blobs.Put(ctx, key, in, size); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	r.Type, r.Size = kind.MIME, size
	r.variants = []variant{{"original", key, kind.MIME, size, 0, 0}}
	r.prepare(core, kind)
	return nil
}

// drawing keeps what is drawn of a drawing: the same in each form, for it is small
// in bytes whatever its size.
func (r *Received) drawing(ctx context.Context, core *app.Core, kind media.Type, in io.Reader) error {
	var out bytes.Buffer
	if err := core.Pictures.Drawing(ctx, in, &out); err != nil {
		return field(err)
	}
	size := int64(out.Len())
	key, err := store(ctx, core.Blobs, r.School, bytes.NewReader(out.Bytes()), size)
	if err != nil {
		return err
	}
	r.Type, r.Size = kind.MIME, size
	for _, name := range []string{"original", "web", "thumb"} {
		r.variants = append(r.variants, variant{name, key, kind.MIME, size, 0, 0})
	}
	return nil
}

// picture decodes once and keeps two sizes.
func (r Received) picture(ctx context.Context, core *app.Core, in io.Reader) (Received, error) {
	var page, thumb bytes.Buffer
	info, err := core.Pictures.Picture(ctx, in, &page, media.Options{Side: webSide, Thumb: &thumb, ThumbSide: thumbSide})
	if err != nil {
		return r, field(err)
	}
	if err := r.drawn(ctx, core.Blobs, info, page.Bytes(), thumb.Bytes()); err != nil {
		return r, err
	}
	// A name that says HEIC or PNG would not be opened as what it has become.
	r.Name = strings.TrimSuffix(r.Name, filepath.Ext(r.Name)) + info.Type.Ext
	return r, nil
}

// drawn stores the two sizes of a picture.
func (r *Received) drawn(ctx context.Context, to blob.Store, info media.Info, page, thumb []byte) error {
	for _, v := range []struct {
		name          string
		bytes         []byte
		width, height int
	}{{"web", page, info.Width, info.Height}, {"thumb", thumb, info.ThumbWidth, info.ThumbHeight}} {
		size := int64(len(v.bytes))
		key, err := store(ctx, to, r.School, bytes.NewReader(v.bytes), size)
		if err != nil {
			return err
		}
		r.variants = append(r.variants, variant{v.name, key, info.Type.MIME, size, v.width, v.height})
	}
	r.Type, r.Size = r.variants[0].kind, r.variants[0].size
	return nil
}

// field shows a refusal beside the field of the form.
func field(err error) error {
	if e := errs.As(err); e != nil && e.Kind != errs.Unavailable {
		return &errs.Error{Kind: errs.Invalid, Message: errs.Msg("error.invalid"), Fields: errs.Fields{"piece": e.Message}, Cause: err}
	}
	return err
}

// store puts bytes under their hash, within the school: the same bytes are kept
// once in a school, and no school learns what another one has.
func store(ctx context.Context, to blob.Store, school string, in io.ReadSeeker, size int64) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, in); err != nil {
		return "", err
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	key := school + "/" + hex.EncodeToString(h.Sum(nil))
	if err := to.Put(ctx, key, in, size); err != nil {
		return "", fmt.Errorf("store: %w", err)
	}
	return key, nil
}

// clean keeps the last part of a name, without control characters, of at most
// 120 characters.
func clean(name string) string {
	name = filepath.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return -1
		}
		return r
	}, name))
	for utf8.RuneCountInString(name) > 120 {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	if name == "" || name == "." || name == "/" {
		return "fichier"
	}
	return name
}

// Record writes the rows of received files, in the transaction of whatever shows
// them, in as few statements for many as for one. Their owners alone see them
// until they are attached, and have that much less room; without room for all
// none is kept.
func Record(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, list ...Received) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if err := charge(ctx, tx, now, list); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	rows := make([][]any, len(list))
	for n, r := range list {
		rows[n] = []any{r.ID, r.School, r.Owner, r.Name, r.Type, r.Size, r.variants[0].blob, r.alt, now.UnixMilli()}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO file (id, school, owner, name, type, size, blob, alt, created_at) VALUES `, "", rows); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	if err := write(ctx, tx, list...); err != nil {
		return err
	}
	for _, r := range list {
		if r.render {
			if err := await(ctx, tx, now, r); err != nil {
				return err
			}
		}
	}
	return nil
}

// write writes the forms of files.
func write(ctx context.Context, tx *db.Tx, list ...Received) error {
	var rows [][]any
	for _, r := range list {
		for _, v := range r.variants {
			rows = append(rows, []any{r.ID, v.name, v.blob, v.kind, v.size, v.width, v.height})
		}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO file_variant (file, name, blob, type, size, width, height) VALUES `, "", rows); err != nil {
		return fmt.Errorf("file: %w", err)
	}
	return there(ctx, tx, list...)
}

// Attach shows an owner's file in an item: whoever may read the item may read it.
func Attach(ctx context.Context, tx *db.Tx, owner, file, resource string) error {
	return AttachAll(ctx, tx, owner, Use{file, resource})
}

// Use is a file that an item shows.
type Use struct{ File, Resource string }

// AttachAll shows an owner's files, each in an item of its own.
func AttachAll(ctx context.Context, tx *db.Tx, owner string, uses ...Use) error {
	for some := range slices.Chunk(uses, chunk) {
		files := make([]string, len(some))
		rows := make([][]any, len(some))
		for n, u := range some {
			files[n], rows[n] = u.File, []any{u.File, u.Resource}
		}
		slices.Sort(files)
		files = slices.Compact(files)
		in, args := db.In([]any{owner}, files)
		n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM file WHERE owner = $1 AND id IN (`+in+`)`, args...)
		if err != nil {
			return fmt.Errorf("attach: %w", err)
		}
		if n < len(files) {
			return errs.Field("piece", "file.gone")
		}
		if _, err := db.Insert(ctx, tx, `INSERT INTO file_use (file, resource) VALUES `, `ON CONFLICT DO NOTHING`, rows); err != nil {
			return fmt.Errorf("attach: %w", err)
		}
	}
	return nil
}

// Keep has an owner's files stay until a moment though nothing shows them yet.
func Keep(ctx context.Context, tx *db.Tx, owner string, until time.Time, files ...string) error {
	if len(files) == 0 {
		return nil
	}
	in, args := db.In([]any{owner, until.UnixMilli()}, files)
	_, err := tx.Exec(ctx, `UPDATE file SET kept_until = $2 WHERE owner = $1 AND kept_until < $2 AND id IN (`+in+`)`, args...)
	return err
}

// Detach no longer shows files in an item; what nothing shows is swept a day
// later. The caller holds the grant to change the item.
func Detach(ctx context.Context, tx *db.Tx, resource string, files ...string) error {
	if len(files) == 0 {
		return nil
	}
	in, args := db.In([]any{resource}, files)
	_, err := tx.Exec(ctx, `DELETE FROM file_use WHERE resource = $1 AND file IN (`+in+`)`, args...)
	return err
}

// DetachAll no longer shows any file in items that go.
func DetachAll(ctx context.Context, tx *db.Tx, resources ...string) error {
	for some := range slices.Chunk(resources, 400) {
		in, args := db.In(nil, some)
		if _, err := tx.Exec(ctx, `DELETE FROM file_use WHERE resource IN (`+in+`)`, args...); err != nil {
			return err
		}
	}
	return nil
}

// Of lists the files that an item shows.
func Of(ctx context.Context, q db.Querier, g rights.Grant) ([]File, error) {
	return db.All[File](ctx, q, `SELECT `+shown+` FROM file_use u JOIN file f ON f.id = u.file `+shownFrom+`
		WHERE u.resource = $1 ORDER BY u.position, f.id`, g.ID(), g.Actor())
}

// Get finds a file that the viewer may have, or ErrNotFound.
func Get(ctx context.Context, q db.Querier, viewer *rights.Viewer, file string) (File, error) {
	if !id.Valid(file) {
		return File{}, errs.ErrNotFound
	}
	may := viewer.Scope()
	scope, args := may.Where("r", rights.Read, []any{file, may.Person(), may.At()})
	f, ok, err := db.One[File](ctx, q, `SELECT `+shown+` FROM file f `+shownFrom+` WHERE f.id = $1 AND `+fmt.Sprintf(readable, "$2", "$3", scope), args...)
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return f, err
}

// Own finds, among some files, those that a person gave.
func Own(ctx context.Context, q db.Querier, owner string, ids ...string) ([]File, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := db.In([]any{owner}, ids)
	return db.All[File](ctx, q, `SELECT id, name, type, size, 0 AS width, 0 AS height, alt, retouched_at AS drawn FROM file WHERE owner = $1 AND id IN (`+in+`) ORDER BY id`, args...)
}
