package session

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"

	"marelle/internal/kernel/app"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/web"
)

// signInForm is the one form by which everybody comes in, with a password or
// an activation code.
type signInForm struct {
	Login  string // as typed, kept on screen
	Secret string
	Next   string // a path of this site, "/" by default
	Shared bool   // a tablet of the class
}

// most is the longest name or secret worth looking at, in bytes.
const most = 400

// decodeSignIn reads the form; the faults are about what is missing, never
// about what is wrong.
func decodeSignIn(v url.Values) (signInForm, errs.Fields) {
	f := signInForm{Login: strings.TrimSpace(v.Get("identifiant")), Secret: v.Get("secret"), Next: samePath(v.Get("suite")), Shared: v.Get("tablette") != ""}
	faults := errs.Fields{}
	if f.Login == "" {
		faults.Add("identifiant", "session.login.missing")
	} else if len(f.Login) > most {
		f.Login = ""
		faults.Add("identifiant", "session.login.long")
	}
	if strings.TrimSpace(f.Secret) == "" {
		faults.Add("secret", "session.secret.missing")
	} else if len(f.Secret) > most {
		faults.Add("secret", "session.secret.long")
	}
	return f, faults
}

// loginKey is a sign-in name as it is stored, from how people type it: with
// capitals, accents or spaces. It keeps the hyphens that names have.
func loginKey(typed string) string {
	part := strings.Split(typed, "-")
	for i, p := range part {
		part[i] = strings.Join(strings.Fields(i18n.Fold(p)), ".")
	}
	return strings.Join(part, "-")
}

// plain is a password as it is hashed: composed characters, and a pupil's
// passphrase in its one form.
func plain(password string) string {
	return norm.NFC.String(secret.NormalizePassphrase(password))
}

// samePath is where to go next: an absolute path of this very site, or "/"; the
// doors themselves are no such path.
func samePath(s string) string {
	u, err := url.Parse(web.Local(s))
	if err != nil || u.Path == "" {
		return "/"
	}
	for _, own := range []string{"/connexion", "/deconnexion", "/changer", "/activation", "/mot-de-passe-oublie", "/nouveau-mot-de-passe", "/identifiant-oublie"} {
		if u.Path == own || strings.HasPrefix(u.Path, own+"/") {
			return "/"
		}
	}
	return s
}

func (d *door) signInPage(r *app.Request) (web.Response, error) {
	if r.Viewer.SignedIn() {
		return web.Redirect(samePath(r.URL.Query().Get("suite"))), nil
	}
	f := signInForm{Next: samePath(r.URL.Query().Get("suite")), Shared: r.URL.Query().Get("tablette") != ""}
	return d.showSignIn(r, http.StatusOK, f, nil, d.arrival(r))
}

// arrival is the sentence above the form when a page sends here, by a word of
// a closed list.
func (d *door) arrival(r *app.Request) string {
	switch word := r.URL.Query().Get("apres"); word {
	case "motdepasse", "sortie":
		return r.T("session.arrival." + word)
	}
	return ""
}

func (d *door) showSignIn(r *app.Request, status int, f signInForm, faults map[string]string, say string) (web.Response, error) {
	school, err := d.portal(r.Context())
	if err != nil {
		return nil, err
	}
	return d.gate(r, status, head{doorSteps(r, 0), r.T("session.signin.title"), school}, signInView(f, faults, say))
}

// portal is what stands under the greeting: the school, where there is one.
func (d *door) portal(ctx context.Context) (string, error) {
	names, err := db.All[string](ctx, d.core.DB, `SELECT name FROM school ORDER BY name LIMIT 2`)
	if err != nil || len(names) != 1 {
		return "", err
	}
	return names[0], nil
}

func (d *door) signIn(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	f, missing := decodeSignIn(v)
	if faults, bad := r.Faults(missing.Err()); bad {
		return d.showSignIn(r, http.StatusUnprocessableEntity, f, faults, "")
	}
	// A crowd is sent away before anything is read or written for it; whoever
	// gets past here when the last place is taken is refused when judged.
	if err := d.core.Hasher.Full(); err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			return d.showSignIn(r, http.StatusServiceUnavailable, f, nil, say)
		})
	}
	login := loginKey(f.Login)
	who, _, err := accountByLogin(r.Context(), d.core.DB, login)
	if err != nil {
		return nil, err
	}
	known, err := d.knownDevice(r, who.ID)
	if err != nil {
		return nil, err
	}
	trial, err := d.try(r, "account", login, known)
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			return d.showSignIn(r, http.StatusTooManyRequests, f, nil, say)
		})
	}
	if code, ok := secret.NormalizeCode(f.Secret); ok {
		person, ok, err := holder(r.Context(), d.core.DB, d.core, login, code)
		if err != nil {
			return nil, err
		}
		if ok {
			return d.codeWasRight(r, trial, entry{Kind: "activation", Login: login, Person: person, Mac: mac(d.core, code), Shared: f.Shared, Next: f.Next})
		}
	}
	// One verification always, whether there is such an account or not: the
	// sentence and the time are the same.
	right, err := d.core.Hasher.Verify(r.Context(), who.Password, plain(f.Secret))
	if err != nil {
		return d.slowDown(r, d.notJudged(r, trial, err), func(say string) (web.Response, error) {
			return d.showSignIn(r, http.StatusServiceUnavailable, f, nil, say)
		})
	}
	now := d.core.Clock.Now()
	list, err := places(r.Context(), d.core.DB, who.ID, now)
	if err != nil {
		return nil, err
	}
	if !right || who.ActivatedAt == nil {
		if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return note(r.Context(), tx, now, schoolOf(list), who.ID, "session.failure", "password")
		}); err != nil {
			return nil, err
		}
		return d.showSignIn(r, http.StatusUnprocessableEntity, f, map[string]string{"secret": r.T("session.wrong")}, "")
	}
	if len(list) == 0 {
		return d.showSignIn(r, http.StatusUnprocessableEntity, f, nil, r.T("session.left"))
	}
	rehash := ""
	if secret.NeedsRehash(who.Password) {
		if rehash, err = d.core.Hasher.Hash(r.Context(), plain(f.Secret)); err != nil {
			return nil, d.notJudged(r, trial, err)
		}
	}
	second, err := hasSecondFactor(r.Context(), d.core.DB, who.ID)
	if err != nil {
		return nil, err
	}
	if second {
		return d.askSecond(r, trial, entry{Kind: "second", Login: login, Person: who.ID, Shared: f.Shared, Next: f.Next})
	}
	res, err := d.enter(r, trial, who.ID, schoolOf(list), f.Shared, f.Next, "password", func(ctx context.Context, tx *db.Tx) error {
		return still(ctx, tx, who, rehash)
	})
	if faults, bad := r.Faults(err); bad {
		return d.showSignIn(r, http.StatusUnprocessableEntity, f, faults, "")
	}
	return res, err
}

// still makes sure, in the transaction that opens a session, that the password
// judged before it is in force: a new one, or a new code, may have come while it
// was being judged, and must leave no session of the old one behind. With rehash
// it is kept under the costs of today.
func still(ctx context.Context, tx *db.Tx, who account, rehash string) error {
	if rehash == "" {
		rehash = who.Password
	}
	n, err := tx.Exec(ctx, `UPDATE person SET password = $2 WHERE id = $1 AND password = $3 AND activated_at IS NOT NULL`, who.ID, rehash, who.Password)
	if err == nil && n == 0 {
		err = errs.Field("secret", "session.wrong")
	}
	return err
}

// enter opens the session of somebody who has shown all their secrets.
func (d *door) enter(r *app.Request, trial *attempt, person, school string, shared bool, next, how string, also func(context.Context, *db.Tx) error) (web.Response, error) {
	now := d.core.Clock.Now()
	o := opening{Person: person, Agent: agent(r.UserAgent()), Shared: shared, Old: held(r.Request, Cookie)}
	device := ""
	if !shared {
		device = deviceToken(r.Request)
		o.Device = secret.Hash(device)
	}
	var token string
	err := d.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		// The account first, as whoever changes it does.
		if err := hold(r.Context(), tx, person); err != nil {
			return err
		}
		if err := trial.passed(r.Context(), tx); err != nil {
			return err
		}
		if also != nil {
			if err := also(r.Context(), tx); err != nil {
				return err
			}
		}
		if token, err = begin(r.Context(), tx, now, o); err != nil {
			return err
		}
		return note(r.Context(), tx, now, school, person, "session.sign_in", how)
	})
	if err != nil {
		return nil, err
	}
	setCookie(r.W, token, shared)
	if device != "" {
		setDevice(r.W, device)
	}
	return web.Redirect(next), nil
}

// slowDown shows the form again when there were too many trials, or too many
// people at once, with the time to wait in the sentence and in the header; any
// other error goes on.
func (d *door) slowDown(r *app.Request, err error, show func(say string) (web.Response, error)) (web.Response, error) {
	e := errs.As(err)
	if e == nil || e.Kind != errs.TooMany && e.Kind != errs.Unavailable {
		return nil, err
	}
	web.RetryAfter(r.W, e.Retry)
	return show(r.Say(e.Message))
}

// notJudged takes a trial back when the server was too busy to judge it.
func (d *door) notJudged(r *app.Request, trial *attempt, err error) error {
	if undone := trial.undo(context.WithoutCancel(r.Context())); undone != nil {
		return undone
	}
	return err
}

// agent names a browser and its device in a few words, for the list of devices
// that people recognise theirs in: "Firefox, Android".
func agent(ua string) string {
	pick := func(pairs ...string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if strings.Contains(ua, pairs[i]) {
				return pairs[i+1]
			}
		}
		return ""
	}
	browser := pick("Edg/", "Edge", "OPR/", "Opera", "SamsungBrowser", "Samsung Internet", "Firefox/", "Firefox", "FxiOS", "Firefox", "CriOS", "Chrome", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := pick("Android", "Android", "iPhone", "iPhone", "iPad", "iPad", "Windows", "Windows", "CrOS", "Chromebook", "Mac OS X", "Mac", "Linux", "Linux")
	switch {
	case browser == "":
		return system
	case system == "":
		return browser
	}
	return browser + ", " + system
}
