package file

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/media"
	"marelle/internal/platform/web"
)

// An upload comes in pieces and goes on after a cut line, on any copy of the
// server, as tus 1.0 writes it (creation, termination, expiration). Nothing is
// locked: a piece counts when it follows what was received, in one conditional
// UPDATE, so that a line which hangs keeps nobody from going on over another.

const (
	tusVersion = "1.0.0"
	// partSize is the largest piece kept by itself; a longer body is several.
	partSize = 8 << 20
	// uploadsMax is how many somebody may have under way.
	uploadsMax = 100
	// FileHeader names, once all is there, the file that an upload became.
	FileHeader = "Marelle-File"
	// examinedHeader says that an antivirus looks at a file before it becomes one.
	examinedHeader = "Marelle-Examined"
)

type upload struct {
	ID, Person, School, Name, Type, File string
	Reading                              bool
	Size, Received                       int64
	Sum                                  []byte
	TouchedAt                            int64 `db:"touched_at"`
	examined                             bool
}

// spoken answers a script with a status and a sentence; whoever does not speak
// the protocol sees the usual page.
func spoken(r *app.Request, err error) (web.Response, error) {
	if err == nil || errs.KindOf(err) == errs.Internal || speaks(r) != nil {
		return nil, err
	}
	e := errs.As(err)
	m := e.Message
	for _, of := range e.Fields {
		m = of
	}
	return web.Func(func(w http.ResponseWriter, hr *http.Request) error {
		h := w.Header()
		h.Set("Tus-Resumable", tusVersion)
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h.Set("Cache-Control", "no-store")
		w.WriteHeader(web.Status(err))
		if hr.Method != http.MethodHead {
			_, _ = io.WriteString(w, r.Say(m)) // a caller who left is no fault
		}
		return nil
	}), nil
}

// answer is what went well.
func (u upload) answer(status int) web.Response {
	return web.Func(func(w http.ResponseWriter, _ *http.Request) error {
		h := w.Header()
		h.Set("Tus-Resumable", tusVersion)
		h.Set("Cache-Control", "no-store")
		h.Set("Upload-Offset", strconv.FormatInt(u.Received, 10))
		h.Set("Upload-Length", strconv.FormatInt(u.Size, 10))
		h.Set("Upload-Expires", time.UnixMilli(u.TouchedAt).Add(wait).UTC().Format(http.TimeFormat))
		if u.File != "" {
			h.Set(FileHeader, u.File)
		}
		if u.examined {
			h.Set(examinedHeader, "1")
		}
		if status == http.StatusCreated {
			h.Set("Location", "/fichiers/envoi/"+u.ID)
		}
		w.WriteHeader(status)
		return nil
	})
}

// speaks demands the version of the protocol that we speak.
func speaks(r *app.Request) error {
	if r.Header.Get("Tus-Resumable") != tusVersion {
		return errs.New(errs.Invalid, "error.form")
	}
	return nil
}

// begin takes the name and the size of a file to come.
func begin(r *app.Request) (web.Response, error) {
	u, err := announced(r)
	if err == nil {
		err = r.Core.DB.Write(r.Context(), func(tx *db.Tx) error {
			if err := r.Grant.Confirm(r.Context(), tx); err != nil {
				return err
			}
			return open(r.Context(), tx, u)
		})
	}
	if err != nil {
		return spoken(r, err)
	}
	return u.answer(http.StatusCreated), nil
}

func announced(r *app.Request) (upload, error) {
	u := upload{ID: id.New(), Person: r.Viewer.Person, School: r.Grant.School(), TouchedAt: r.Core.Clock.Now().UnixMilli(), examined: r.Core.Clamd != nil}
	if err := speaks(r); err != nil {
		return u, err
	}
	if s := r.URL.Query().Get("ecole"); s != "" {
		if !slices.ContainsFunc(r.Viewer.Memberships, func(m rights.Membership) bool { return m.School == s }) {
			return u, errs.ErrNotFound
		}
		u.School = s
	}
	var err error
	if u.Size, err = strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64); err != nil || u.Size < 0 {
		return u, errs.New(errs.Invalid, "error.form")
	}
	for _, pair := range strings.Split(r.Header.Get("Upload-Metadata"), ",") {
		if key, value, _ := strings.Cut(strings.TrimSpace(pair), " "); key == "filename" {
			name, err := base64.StdEncoding.DecodeString(value)
			if err != nil {
				return u, errs.New(errs.Invalid, "error.form")
			}
			u.Name = string(name)
		}
	}
	u.Name = clean(u.Name)
	u.Reading = r.URL.Query().Has("lire")
	switch end, program := (media.Type{}).Program(u.Name); {
	case program:
		return u, errs.Field("piece", "file.program", "kind", end)
	case u.Size == 0:
		return u, errs.Field("piece", "file.empty")
	case u.Size > r.Core.UploadMax:
		return u, tooLarge(r.Core)
	}
	return u, nil
}

// open notes an upload, if what is on its way would fit.
func open(ctx context.Context, tx *db.Tx, u upload) error {
	if err := hold(ctx, tx, u.School, u.Person); err != nil {
		return err
	}
	coming, _, err := db.One[struct{ N, Bytes int64 }](ctx, tx, `SELECT count(*) AS n, coalesce(sum(CASE WHEN school = $2 THEN size ELSE 0 END), 0) AS bytes
		FROM upload WHERE person = $1 AND file = ''`, u.Person, u.School)
	if err != nil {
		return err
	}
	if coming.N >= uploadsMax {
		return errs.Field("piece", "file.uploads_many", "n", uploadsMax)
	}
	if err := Room(ctx, tx, time.UnixMilli(u.TouchedAt), u.School, u.Person, u.Size+coming.Bytes); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO upload (id, person, school, name, reading, size, touched_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		u.ID, u.Person, u.School, u.Name, u.Reading, u.Size, u.TouchedAt)
	return err
}

// under reads the viewer's own upload.
func under(r *app.Request) (upload, error) {
	var u upload
	object := r.PathValue("id")
	if !id.Valid(object) {
		return u, errs.ErrNotFound
	}
	u, ok, err := db.One[upload](r.Context(), r.Core.DB, `SELECT id, person, school, name, reading, size, received, type, sum, file, touched_at FROM upload WHERE id = $1 AND person = $2`,
		object, r.Viewer.Person)
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	if err == nil {
		err = speaks(r)
	}
	u.examined = r.Core.Clamd != nil
	return u, err
}

func offset(r *app.Request) (web.Response, error) {
	u, err := under(r)
	if err != nil {
		return spoken(r, err)
	}
	return u.answer(http.StatusOK), nil
}

func giveUp(r *app.Request) (web.Response, error) {
	u, err := under(r)
	if err != nil {
		return spoken(r, err)
	}
	if err := u.drop(r.Context(), r.Core, r.Grant); err != nil {
		return nil, err
	}
	return u.answer(http.StatusNoContent), nil
}

// goOn takes the bytes that follow. What came before a line was cut is kept.
func goOn(r *app.Request) (web.Response, error) {
	u, err := under(r)
	if err != nil {
		return spoken(r, err)
	}
	at, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		return spoken(r, errs.New(errs.Invalid, "error.form"))
	}
	if at != u.Received {
		return spoken(r, errs.New(errs.Conflict, "file.elsewhere"))
	}
	if u.File != "" {
		return u.answer(http.StatusNoContent), nil
	}
	body := http.MaxBytesReader(r.W, web.Steady(r.W, r.Request), u.Size-u.Received)
	// A caller who left ends the request, not the keeping of what they sent.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), web.Patience(u.Size))
	defer cancel()
	for u.Received < u.Size {
		before := u.Received
		broken, err := u.piece(ctx, r, body)
		if err != nil {
			return u.refused(ctx, r, err)
		}
		if broken != nil || u.Received == before { // no more, or no more for now
			return u.answer(http.StatusNoContent), nil
		}
	}
	if err := u.finish(ctx, r); err != nil {
		return u.refused(ctx, r, err)
	}
	return u.answer(http.StatusNoContent), nil
}

// refused gives up an upload whose file may not be kept, and says why.
func (u upload) refused(ctx context.Context, r *app.Request, err error) (web.Response, error) {
	if errs.KindOf(err) == errs.Invalid {
		if err := u.drop(ctx, r.Core, r.Grant); err != nil {
			return nil, err
		}
	}
	return spoken(r, err)
}

// piece keeps the next piece of a body; broken is how the body ended, if badly.
func (u *upload) piece(ctx context.Context, r *app.Request, body io.Reader) (broken, err error) {
	sum, err := u.hash()
	if err != nil {
		return nil, err
	}
	core := r.Core
	f, err := core.Spool.Go(ctx, io.LimitReader(body, partSize), partSize, sum)
	if f == nil {
		return nil, err
	}
	broken = err
	defer f.Close() // it has no name any more
	if f.Size == 0 {
		return broken, nil
	}
	kind := u.Type
	if u.Received == 0 && (f.Size >= 3072 || f.Size == u.Size) {
		t, err := recognise(core, f, u.Name, !u.Reading)
		if err != nil {
			return nil, err
		}
		if err := f.Rewind(); err != nil {
			return nil, err
		}
		kind = t.MIME
	}
	state, err := sum.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	// Two that send the same piece keep it apart, and one of them counts.
	key := "envoi/" + u.ID + "/" + strings.ToLower(rand.Text())
	if err := core.Blobs.Put(ctx, key, f, f.Size); err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	next := *u
	next.Received, next.Type, next.Sum, next.TouchedAt = u.Received+f.Size, kind, state, core.Clock.Now().UnixMilli()
	if err := core.DB.Write(ctx, func(tx *db.Tx) error {
		if err := r.Grant.Confirm(ctx, tx); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE upload SET received = $2, type = $3, sum = $4, touched_at = $5 WHERE id = $1 AND received = $6`,
			u.ID, next.Received, next.Type, next.Sum, next.TouchedAt, u.Received)
		if err == nil && n == 0 {
			err = errs.New(errs.Conflict, "file.elsewhere")
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO upload_part (upload, at, size, blob) VALUES ($1, $2, $3, $4)`, u.ID, u.Received, f.Size, key)
		return err
	}); err != nil {
		return nil, errors.Join(err, core.Blobs.Delete(ctx, key))
	}
	*u = next
	return broken, nil
}

// hash goes on with the hash of what was received.
func (u *upload) hash() (hash.Hash, error) {
	sum := sha256.New()
	if u.Received == 0 {
		return sum, nil
	}
	return sum, sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.Sum)
}

// finish makes a file of an upload that is all there, once however often it is
// asked.
func (u *upload) finish(ctx context.Context, r *app.Request) error {
	core := r.Core
	parts, err := db.All[string](ctx, core.DB, `SELECT blob FROM upload_part WHERE upload = $1 ORDER BY at`, u.ID)
	if err != nil {
		return err
	}
	looked := &chain{ctx: ctx, from: core.Blobs, keys: parts}
	if err := errors.Join(examine(ctx, core, looked), looked.Close()); err != nil {
		return err
	}
	in := &chain{ctx: ctx, from: core.Blobs, keys: parts}
	defer in.Close()
	sum, err := u.hash()
	if err != nil {
		return err
	}
	got, err := whole(ctx, core, *u, in, fmt.Sprintf("%x", sum.Sum(nil)))
	if err != nil {
		return err
	}
	if err := core.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE upload SET file = $2 WHERE id = $1 AND file = ''`, u.ID, got.ID)
		if err != nil {
			return err
		}
		if n == 0 { // by another line meanwhile, or given up
			got.ID, err = db.Value[string](ctx, tx, `SELECT file FROM upload WHERE id = $1`, u.ID)
			if err == nil && got.ID == "" {
				err = errs.ErrNotFound
			}
			return err
		}
		if err := Record(ctx, tx, r.Grant, core.Clock.Now(), got); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM upload_part WHERE upload = $1`, u.ID)
		return err
	}); err != nil {
		return err
	}
	u.File = got.ID
	return clear(ctx, core.Blobs, parts)
}

// whole stores the bytes of all pieces as one file.
func whole(ctx context.Context, core *app.Core, u upload, in io.Reader, sum string) (Received, error) {
	r := Received{ID: id.New(), School: u.School, Owner: u.Person, Name: u.Name, at: core.Clock.Now()}
	kind := media.Type{MIME: u.Type}
	if u.Type == "" { // its first piece was too short to tell
		head := make([]byte, 3072)
		n, err := io.ReadFull(in, head)
		if err != nil && err != io.ErrUnexpectedEOF {
			return r, err
		}
		if kind, err = recognise(core, strings.NewReader(string(head[:n])), u.Name, !u.Reading); err != nil {
			return r, err
		}
		in = io.MultiReader(strings.NewReader(string(head[:n])), in)
	}
	if core.Pictures.Reads(kind) {
		return r.picture(ctx, core, in)
	}
	if kind.Drawing() {
		return r, r.drawing(ctx, core, kind, in)
	}
	return r, r.keep(ctx, core, kind, sum, in, u.Size)
}

// drop forgets an upload and its pieces; what it became stays.
func (u upload) drop(ctx context.Context, core *app.Core, g rights.Grant) error {
	var parts []string
	if err := core.DB.Write(ctx, func(tx *db.Tx) (err error) {
		if err := g.Confirm(ctx, tx); err != nil {
			return err
		}
		// A piece that is being kept comes before this, or finds no upload.
		if _, err := db.All[string](ctx, tx, `SELECT id FROM upload WHERE id = $1`+tx.Hold(), u.ID); err != nil {
			return err
		}
		if parts, err = db.All[string](ctx, tx, `SELECT blob FROM upload_part WHERE upload = $1`, u.ID); err != nil {
			return err
		}
		for _, text := range []string{`DELETE FROM upload_part WHERE upload = $1`, `DELETE FROM upload WHERE id = $1`} {
			if _, err := tx.Exec(ctx, text, u.ID); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return clear(ctx, core.Blobs, parts)
}

// clear deletes pieces at once; the daily sweep takes those that a crash leaves.
func clear(ctx context.Context, from blob.Store, parts []string) error {
	for _, key := range parts {
		if err := from.Delete(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// expire forgets uploads that nobody has gone on with since. Their pieces are
// swept.
func expire(ctx context.Context, tx *db.Tx, since time.Time) error {
	for _, text := range []string{
		`DELETE FROM upload_part WHERE upload IN (SELECT id FROM upload WHERE touched_at < $1)`,
		`DELETE FROM upload WHERE touched_at < $1`,
	} {
		if _, err := tx.Exec(ctx, text, since.UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}

func tooLarge(core *app.Core) error {
	return errs.Field("piece", "file.too_large", "max", i18n.Limit(core.UploadMax))
}

// chain reads objects one after the other, each opened when its turn comes.
type chain struct {
	ctx  context.Context
	from blob.Store
	keys []string
	now  io.ReadCloser
}

func (c *chain) Read(p []byte) (int, error) {
	for {
		if c.now == nil {
			if len(c.keys) == 0 {
				return 0, io.EOF
			}
			var err error
			if c.now, err = c.from.OpenRange(c.ctx, c.keys[0], 0, -1); err != nil {
				return 0, err
			}
			c.keys = c.keys[1:]
		}
		n, err := c.now.Read(p)
		if err != io.EOF {
			return n, err
		}
		err = c.Close()
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// Close closes the object being read.
func (c *chain) Close() error {
	if c.now == nil {
		return nil
	}
	err := c.now.Close()
	c.now = nil
	return err
}
