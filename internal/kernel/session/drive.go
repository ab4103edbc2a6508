package session

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/web"
)

// DrivePath is where programs open documents as a drive. Application passwords
// count there, and nowhere else; a session does not.
const DrivePath = "/dav"

const atDrive = "/compte/mots-de-passe"

// driven are the profiles that may open their documents as a drive: those who
// work for the school. A key that lives in a program for months, past any second
// factor, is more than a family or a child has use for.
var driven = []rights.Profile{rights.Teacher, rights.Staff, rights.Head}

// Drive is the need of what application passwords open; keepKeys that of the
// page where they are made.
var (
	Drive    = rights.ByPassword("session.drive", driven...)
	keepKeys = rights.Can("session.keys", driven...)
)

const (
	keysMax   = 10 // of one person
	keyName   = 60 // characters
	keyUnused = 400 * 24 * time.Hour
	// keyTrials is what one address may show in wrong keys: none can be guessed,
	// but a computer that was not told of the end of its own asks again and again.
	keyTrials = 400
)

// EnterByPassword finds who shows an application password. A stranger is nil.
//
// It is found by its SHA-256: what an index betrays of a hash by its time helps
// nobody to 128 bits that they do not have.
func EnterByPassword(w http.ResponseWriter, r *http.Request, core *app.Core) (*rights.Viewer, error) {
	if overheard(r, core) {
		return nil, errs.New(errs.Denied, "session.drive.overheard")
	}
	login, shown, ok := r.BasicAuth()
	if !ok {
		return nil, nil
	}
	v, err := byKey(r.Context(), core, login, shown)
	if err != nil {
		return nil, err
	}
	if v == nil {
		d := &door{core}
		at := d.subject("key", web.Door(web.Client(r, core.Proxies)))
		return nil, core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return countWithin(r.Context(), tx, at, core.Clock.Now().UnixMilli(), keyTrials)
		})
	}
	if v.Pending {
		return nil, errs.New(errs.Denied, "session.drive.pending")
	}
	return v, nil
}

func byKey(ctx context.Context, core *app.Core, login, shown string) (*rights.Viewer, error) {
	key, ok := secret.NormalizeKey(shown)
	if !ok || len(login) > most {
		return nil, nil
	}
	held, now := secret.Hash(key), core.Clock.Now()
	v, err := byToken(ctx, core.DB, "app_password", held, now)
	if err != nil || v == nil {
		return nil, err
	}
	a, ok, err := accountByID(ctx, core.DB, v.Person)
	if err != nil || !ok || a.Login != loginKey(login) || a.ActivatedAt == nil {
		return nil, err
	}
	v.Password, v.Clock = held, core.Clock
	if now.UnixMilli()-v.SeenAt <= seenEvery.Milliseconds() {
		return v, nil
	}
	return v, core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE app_password SET seen_at = $2, expires_at = $3 WHERE id = $1`, held, now.UnixMilli(), now.Add(keyUnused).UnixMilli())
		return err
	})
}

// overheard says whether a password on this line could be read on its way: it
// came neither by TLS, nor from this machine, nor through a proxy that the
// operator named and that had it by TLS.
func overheard(r *http.Request, core *app.Core) bool {
	if r.TLS != nil {
		return false
	}
	line := web.Line(r)
	if line.IsLoopback() && core.Base.Scheme == "http" {
		return false
	}
	if core.Base.Scheme != "https" || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "http") {
		return true
	}
	return !line.IsLoopback() && !web.Trusted(line, core.Proxies)
}

// Challenge refuses a program: in plain words, and asking for a password where
// that is what lacks.
func Challenge(w http.ResponseWriter, r *http.Request, core *app.Core, err error) {
	kind, said := errs.KindOf(err), errs.Msg("error.internal")
	if e := errs.As(err); e != nil && kind != errs.Internal {
		said = e.Message
		if e.Retry > 0 {
			web.RetryAfter(w, e.Retry)
		}
	} else if r.Context().Err() == nil {
		core.Log.ErrorContext(r.Context(), "drive", "method", r.Method, "error", err)
	}
	if kind == errs.Unauthenticated {
		w.Header().Set("WWW-Authenticate", `Basic realm="Marelle", charset="UTF-8"`)
		said = errs.Msg("session.drive.key")
	}
	Plain(w, r, web.Status(err), core.Catalog.Render(said.Key, said.Args))
}

// Plain answers a program with a sentence that it may show.
func Plain(w http.ResponseWriter, r *http.Request, status int, sentence string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, sentence+"\n") // a caller who left is no fault
	}
}

// key is an application password as its holder sees it.
type key struct {
	ID, Name  string
	CreatedAt int64  `db:"created_at"`
	SeenAt    *int64 `db:"seen_at"`
	Made      string `db:"-"`
	Seen      string `db:"-"` // "" when it was never used
}

type keysView struct {
	List   []key
	Typed  string
	Login  string
	Server string // the address to open
	Host   string // and without its scheme
	Made   string // the new one, shown once
	Named  string // what it was called
	Faults map[string]string
	Say    string
	Full   bool
}

// Scheme is what file managers of Linux call the way there.
func (v keysView) Scheme() string {
	if strings.HasPrefix(v.Server, "https:") {
		return "davs"
	}
	return "dav"
}

func (d *door) keysPage(r *app.Request) (web.Response, error) {
	return d.showKeys(r, http.StatusOK, keysView{Typed: r.T("session.keys.name.usual")})
}

func (d *door) showKeys(r *app.Request, status int, v keysView) (web.Response, error) {
	var err error
	if v.List, err = keysOf(r.Context(), d.core.DB, r.Viewer.Person, r.Viewer.Now); err != nil {
		return nil, err
	}
	zone := r.Viewer.Zone()
	for i, k := range v.List {
		v.List[i].Made = i18n.LongDate(time.UnixMilli(k.CreatedAt).In(zone))
		if k.SeenAt != nil {
			v.List[i].Seen = i18n.Ago(time.UnixMilli(*k.SeenAt).In(zone), r.Viewer.Now.In(zone))
		}
	}
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	v.Login, v.Full = a.Login, len(v.List) >= keysMax
	v.Server = strings.TrimSuffix(d.core.Base.String(), "/") + DrivePath + "/"
	v.Host = strings.TrimPrefix(strings.TrimPrefix(v.Server, "https://"), "http://")
	return d.accountPage(r, status, r.T("session.keys.title"), keysBody(v))
}

func keysOf(ctx context.Context, q db.Querier, person string, now time.Time) ([]key, error) {
	return db.All[key](ctx, q, `SELECT id, name, created_at, seen_at FROM app_password WHERE person = $1 AND expires_at > $2 ORDER BY created_at DESC, id`, person, now.UnixMilli())
}

// makeKey makes an application password for who gives the account's own, shows
// it once and tells the holder.
func (d *door) makeKey(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	v := keysView{Typed: strings.Join(strings.Fields(form.Get("nom")), " ")}
	current, faults := form.Get("actuel"), errs.Fields{}
	switch {
	case v.Typed == "":
		faults.Add("nom", "session.keys.name.missing")
	case utf8.RuneCountInString(v.Typed) > keyName:
		faults.Add("nom", "session.keys.name.long", "n", keyName)
	}
	if current == "" || len(current) > most {
		faults.Add("actuel", "session.change.current.missing")
	}
	var bad bool
	if v.Faults, bad = r.Faults(faults.Err()); bad {
		return d.showKeys(r, http.StatusUnprocessableEntity, v)
	}
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	trial, err := d.try(r, "change", a.ID, "")
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			v.Say = say
			return d.showKeys(r, http.StatusTooManyRequests, v)
		})
	}
	right, err := d.core.Hasher.Verify(r.Context(), a.Password, plain(current))
	if err != nil {
		return nil, d.notJudged(r, trial, err)
	}
	if !right {
		if err := d.failed(r, a.ID, "key"); err != nil {
			return nil, err
		}
		v.Faults = map[string]string{"actuel": r.T("session.change.current.wrong")}
		return d.showKeys(r, http.StatusUnprocessableEntity, v)
	}
	made, now := secret.NewKey(), d.core.Clock.Now()
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := hold(r.Context(), tx, a.ID); err != nil {
			return err
		}
		if err := r.Grant.Must(r.Context(), tx, keepKeys); err != nil {
			return err
		}
		if err := trial.passed(r.Context(), tx); err != nil {
			return err
		}
		if err := still(r.Context(), tx, a, ""); errs.KindOf(err) == errs.Invalid {
			return errs.Field("actuel", "session.change.current.wrong")
		} else if err != nil {
			return err
		}
		n, err := tx.Exec(r.Context(), `INSERT INTO app_password (id, person, name, created_at, expires_at) SELECT $1, p.id, $3, $4, $5 FROM person p
			WHERE p.id = $2 AND (SELECT count(*) FROM app_password k WHERE k.person = $2 AND k.expires_at > $4) < $6`,
			secret.Hash(made), a.ID, v.Typed, now.UnixMilli(), now.Add(keyUnused).UnixMilli(), keysMax)
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.Field("nom", "session.keys.many", "n", keysMax)
		}
		if err := note(r.Context(), tx, now, r.Grant.School(), a.ID, "app_password.make", ""); err != nil {
			return err
		}
		return tell(r.Context(), tx, d.core, a, "session.mail.key")
	})
	if v.Faults, bad = r.Faults(err); bad {
		return d.showKeys(r, http.StatusUnprocessableEntity, v)
	}
	if err != nil {
		return nil, err
	}
	v.Made, v.Named, v.Typed = secret.FormatKey(made), v.Typed, r.T("session.keys.name.usual")
	return d.showKeys(r, http.StatusOK, v)
}

// endKey ends one at once: what a program does under way is refused too.
func (d *door) endKey(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := r.Grant.Must(r.Context(), tx, keepKeys); err != nil {
			return err
		}
		n, err := tx.Exec(r.Context(), `DELETE FROM app_password WHERE person = $1 AND id = $2`, r.Viewer.Person, form.Get("cle"))
		if err != nil || n == 0 { // gone already
			return err
		}
		return note(r.Context(), tx, d.core.Clock.Now(), r.Grant.School(), r.Viewer.Person, "app_password.end", "")
	}); err != nil {
		return nil, err
	}
	return web.Redirect(atDrive + "?fait=cle-retiree"), nil
}
