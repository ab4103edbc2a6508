package session

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/web"
)

// The steps of an activation, in order, with their addresses. What somebody has
// reached is in a row; an address further on leads back to it.
const (
	atLogin    = "/activation"
	atCode     = "/activation/code"
	atCharter  = "/activation/charte"
	atPassword = "/activation/mot-de-passe"
	atEmail    = "/activation/email"
	atSky      = "/activation/ciel"
)

// reached is the address of the step where an entry stands.
func (e entry) reached() string {
	switch {
	case e.Person != "" && e.Accepted:
		return atPassword
	case e.Person != "":
		return atCharter
	case e.Login != "":
		return atCode
	}
	return atLogin
}

// underway finds the activation that the browser is in the middle of.
func (d *door) underway(r *app.Request) (entry, error) {
	id := held(r.Request, entryCookie)
	if id == "" {
		return entry{}, nil
	}
	e, ok, err := entryByID(r.Context(), d.core.DB, id, d.core.Clock.Now())
	if err != nil || !ok || e.Kind != "activation" {
		return entry{}, err
	}
	return e, nil
}

// save writes an entry, under a new cookie when it has none.
func (d *door) save(r *app.Request, e entry, also func(context.Context, *db.Tx) error) error {
	token := ""
	if e.ID == "" {
		token = secret.Token(256)
		e.ID = secret.Hash(token)
	}
	err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if also != nil {
			if err := also(r.Context(), tx); err != nil {
				return err
			}
		}
		return putEntry(r.Context(), tx, e, d.core.Clock.Now())
	})
	if err == nil && token != "" {
		put(r.W, entryCookie, token, 0)
	}
	return err
}

// activationPage is the first step, and the crossroads: who is in the middle of
// an activation goes on, who must accept a new charter does.
func (d *door) activationPage(r *app.Request) (web.Response, error) {
	if r.Viewer.SignedIn() && r.Viewer.Pending {
		return d.pending(r)
	}
	e, err := d.underway(r)
	if err != nil {
		return nil, err
	}
	return d.showLogin(r, http.StatusOK, e.Login, nil, "")
}

func (d *door) showLogin(r *app.Request, status int, login string, faults map[string]string, say string) (web.Response, error) {
	who := ""
	if r.Viewer.SignedIn() {
		who = strings.TrimSpace(r.Viewer.First + " " + r.Viewer.Last)
	}
	return d.gate(r, status, head{doorSteps(r, 1), r.T("session.activation.login.title"), r.T("session.activation.login.sub")}, loginForm(login, faults, say, who))
}

// giveLogin takes the sign-in name. Whether there is such an account is not
// looked at before the code.
func (d *door) giveLogin(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	typed := strings.TrimSpace(v.Get("identifiant"))
	login := loginKey(typed)
	if key := badLogin(typed, login); key != "" {
		return d.showLogin(r, http.StatusUnprocessableEntity, typed[:min(len(typed), most)], map[string]string{"identifiant": r.T(key)}, "")
	}
	if err := d.tryStep(r); err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			return d.showLogin(r, http.StatusTooManyRequests, typed, nil, say)
		})
	}
	e, err := d.underway(r)
	if err != nil {
		return nil, err
	}
	// Another name starts again; what a code proved is forgotten.
	if err := d.save(r, entry{ID: e.ID, Kind: "activation", Login: login, Shared: e.Shared}, nil); err != nil {
		return nil, err
	}
	return web.Redirect(atCode), nil
}

func badLogin(typed, login string) string {
	switch {
	case login == "":
		return "session.login.missing"
	case len(typed) > most:
		return "session.login.long"
	}
	return ""
}

func (d *door) codePage(r *app.Request) (web.Response, error) {
	e, err := d.underway(r)
	if err != nil {
		return nil, err
	}
	if e.Login == "" {
		return web.Redirect(atLogin), nil
	}
	return d.showCode(r, http.StatusOK, e, "", nil, "")
}

func (d *door) showCode(r *app.Request, status int, e entry, typed string, faults map[string]string, say string) (web.Response, error) {
	return d.gate(r, status, head{doorSteps(r, 2), r.T("session.activation.code.title"), r.T("session.activation.code.sub")}, codeForm(e.Login, typed, faults, say))
}

func (d *door) giveCode(r *app.Request) (web.Response, error) {
	e, err := d.underway(r)
	if err != nil {
		return nil, err
	}
	if e.Login == "" {
		return web.Redirect(atLogin), nil
	}
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	typed := strings.TrimSpace(v.Get("code"))
	typed = typed[:min(len(typed), 60)]
	return d.judgeCode(r, e, typed, func(status int, fault, say string) (web.Response, error) {
		var faults map[string]string
		if fault != "" {
			faults = map[string]string{"code": fault}
		}
		return d.showCode(r, status, e, strings.ToValidUTF8(typed, ""), faults, say)
	})
}

// giveLink takes what the fragment of a QR code says, posted by the page.
func (d *door) giveLink(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	login, code, ok := readLink(v.Get("lien"))
	if !ok {
		return d.showLogin(r, http.StatusUnprocessableEntity, "", nil, r.T("session.link.broken"))
	}
	e, err := d.underway(r)
	if err != nil {
		return nil, err
	}
	e = entry{ID: e.ID, Kind: "activation", Login: login, Shared: e.Shared}
	return d.judgeCode(r, e, code, func(status int, fault, say string) (web.Response, error) {
		if say == "" {
			say = r.T("session.link.used")
		}
		return d.showLogin(r, status, login, nil, say)
	})
}

// readLink splits what CodeLink wrote after the '#'.
func readLink(s string) (login, code string, ok bool) {
	if len(s) > most {
		return "", "", false
	}
	l, c, ok := strings.Cut(strings.TrimPrefix(s, "#"), "/")
	l, err1 := url.PathUnescape(l)
	c, err2 := url.PathUnescape(c)
	login = loginKey(l)
	return login, c, ok && err1 == nil && err2 == nil && login != "" && c != ""
}

// judgeCode counts a trial of a code and goes on to the charter when it is
// right. It uses nothing up.
func (d *door) judgeCode(r *app.Request, e entry, typed string, refuse func(status int, fault, say string) (web.Response, error)) (web.Response, error) {
	if typed == "" {
		return refuse(http.StatusUnprocessableEntity, r.T("session.code.missing"), "")
	}
	code, wellFormed := secret.NormalizeCode(typed)
	if !wellFormed {
		return refuse(http.StatusUnprocessableEntity, r.T("session.code.form"), "")
	}
	trial, err := d.try(r, "account", e.Login, "")
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) { return refuse(http.StatusTooManyRequests, "", say) })
	}
	person, ok, err := holder(r.Context(), d.core.DB, d.core, e.Login, code)
	if err != nil {
		return nil, err
	}
	if !ok {
		if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return note(r.Context(), tx, d.core.Clock.Now(), "", "", "session.failure", "code")
		}); err != nil {
			return nil, err
		}
		return refuse(http.StatusUnprocessableEntity, r.T("session.code.wrong"), "")
	}
	e.Person, e.Mac, e.Accepted, e.Phrase = person, mac(d.core, code), false, ""
	return d.codeWasRight(r, trial, e)
}

func (d *door) codeWasRight(r *app.Request, trial *attempt, e entry) (web.Response, error) {
	if err := d.save(r, e, trial.passed); err != nil {
		return nil, err
	}
	return web.Redirect(atCharter), nil
}

// candidate is who is being activated, with the words to use.
type candidate struct {
	account
	Pupil bool
}

func (d *door) candidate(ctx context.Context, person string) (candidate, error) {
	a, ok, err := accountByID(ctx, d.core.DB, person)
	if err != nil {
		return candidate{}, err
	}
	if !ok {
		return candidate{}, errs.ErrNotFound
	}
	list, err := places(ctx, d.core.DB, person, d.core.Clock.Now())
	return candidate{a, isPupil(list)}, err
}

// step loads the entry and its person for the steps after the code; away is
// where to go instead when that step is not reached.
func (d *door) step(r *app.Request, here string) (e entry, c candidate, away string, err error) {
	if e, err = d.underway(r); err != nil {
		return e, c, "", err
	}
	if e.Person == "" || here == atPassword && !e.Accepted {
		switch {
		case e.ID == "" && r.Viewer.SignedIn() && !r.Viewer.Pending:
			return e, c, atSky, nil // done, and the page was asked for again
		case e.ID == "" && r.Viewer.SignedIn():
			return e, c, atLogin, nil
		}
		return e, c, e.reached(), nil
	}
	c, err = d.candidate(r.Context(), e.Person)
	return e, c, "", err
}

func (d *door) charterStep(r *app.Request) (web.Response, error) {
	_, c, away, err := d.step(r, atCharter)
	if err != nil {
		return nil, err
	}
	if away != "" {
		return web.Redirect(away), nil
	}
	return d.showCharter(r, http.StatusOK, c, nil)
}

func (d *door) showCharter(r *app.Request, status int, c candidate, faults map[string]string) (web.Response, error) {
	ch, err := readCharter(charterVersion)
	if err != nil {
		return nil, err
	}
	rules := ch.Simple
	if c.Pupil {
		rules = ch.Pupil
	}
	return d.gateFor(r, c, status, head{stepsFor(r, c, 3), word(r, c.Pupil, "session.activation.charter.title"), word(r, c.Pupil, "session.activation.hello", "name", c.First)}, charterForm(c, rules, faults))
}

func (d *door) acceptStep(r *app.Request) (web.Response, error) {
	e, c, away, err := d.step(r, atCharter)
	if err != nil {
		return nil, err
	}
	if away != "" {
		return web.Redirect(away), nil
	}
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	if v.Get("accord") == "" {
		return d.showCharter(r, http.StatusUnprocessableEntity, c, map[string]string{"accord": word(r, c.Pupil, "session.charter.tick")})
	}
	e.Accepted = true
	if c.Pupil && e.Phrase == "" {
		e.Phrase = d.draw(e.ID)
	}
	if err := d.save(r, e, nil); err != nil {
		return nil, err
	}
	return web.Redirect(atPassword), nil
}

// draw makes a pupil's passphrase and seals it: it waits in a row until the
// child has copied it.
func (d *door) draw(id string) string {
	return base64.RawStdEncoding.EncodeToString(d.core.Keys.Seal("phrase", []byte(secret.Passphrase()), []byte(id)))
}

func (d *door) phrase(e entry) (string, error) {
	sealed, err := base64.RawStdEncoding.DecodeString(e.Phrase)
	if err != nil {
		return "", err
	}
	b, err := d.core.Keys.Open("phrase", sealed, []byte(e.ID))
	return string(b), err
}

func (d *door) passwordStep(r *app.Request) (web.Response, error) {
	e, c, away, err := d.step(r, atPassword)
	if err != nil {
		return nil, err
	}
	if away != "" {
		return web.Redirect(away), nil
	}
	return d.showPassword(r, http.StatusOK, e, c, nil)
}

func (d *door) showPassword(r *app.Request, status int, e entry, c candidate, faults map[string]string) (web.Response, error) {
	var body templ.Component
	if c.Pupil {
		words, err := d.phrase(e)
		if err != nil {
			return nil, err
		}
		body = phraseForm(strings.Split(words, "-"))
	} else {
		body = passwordForm(c, faults, strings.ReplaceAll(secret.Passphrase(), "-", " "))
	}
	return d.gateFor(r, c, status, head{stepsFor(r, c, 4), word(r, c.Pupil, "session.activation.password.title"), word(r, c.Pupil, "session.activation.password.sub")}, body)
}

// redraw gives a pupil another passphrase.
func (d *door) redraw(r *app.Request) (web.Response, error) {
	e, c, away, err := d.step(r, atPassword)
	if err != nil {
		return nil, err
	}
	if away == "" && c.Pupil {
		e.Phrase = d.draw(e.ID)
		if err := d.save(r, e, nil); err != nil {
			return nil, err
		}
	}
	if away == "" {
		away = atPassword
	}
	return web.Redirect(away), nil
}

// setPassword is the last step that counts: hash first, then one transaction.
func (d *door) setPassword(r *app.Request) (web.Response, error) {
	e, c, away, err := d.step(r, atPassword)
	if err != nil {
		return nil, err
	}
	if away != "" {
		return web.Redirect(away), nil
	}
	chosen := ""
	if c.Pupil {
		if chosen, err = d.phrase(e); err != nil {
			return nil, err
		}
	} else {
		v, err := r.Values()
		if err != nil {
			return nil, err
		}
		chosen = v.Get("passe")
		if faults, bad := r.Faults(d.checkPassword(chosen, v.Get("passe2"), e.Mac, c.account).Err()); bad {
			return d.showPassword(r, http.StatusUnprocessableEntity, e, c, faults)
		}
	}
	hash, err := d.core.Hasher.Hash(r.Context(), plain(chosen))
	if err != nil {
		return nil, err
	}
	o := opening{Person: e.Person, Agent: agent(r.UserAgent()), Shared: e.Shared, Old: held(r.Request, Cookie)}
	device := ""
	if !e.Shared {
		device = deviceToken(r.Request)
		o.Device = secret.Hash(device)
	}
	var token string
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		if err := activate(r.Context(), tx, d.core, e, hash); err != nil {
			return err
		}
		token, err = begin(r.Context(), tx, d.core.Clock.Now(), o)
		return err
	})
	if errs.KindOf(err) == errs.Conflict {
		return d.gone(r)
	}
	if err != nil {
		return nil, err
	}
	setCookie(r.W, token, e.Shared)
	if device != "" {
		setDevice(r.W, device)
	}
	drop(r.W, entryCookie)
	if c.Pupil {
		return web.Redirect(atSky), nil
	}
	return web.Redirect(atEmail), nil
}

// gone tells who comes second that the account is active already, or that the
// sheet was replaced in the meantime.
func (d *door) gone(r *app.Request) (web.Response, error) {
	if id := held(r.Request, entryCookie); id != "" {
		if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			_, err := dropEntry(r.Context(), tx, id)
			return err
		}); err != nil {
			return nil, err
		}
	}
	drop(r.W, entryCookie)
	return d.showSignIn(r, http.StatusConflict, signInForm{Next: "/"}, nil, r.T("session.activation.gone"))
}

// checkPassword judges a new password typed twice. The code's mac stands for
// the code itself, which may not become the password.
func (d *door) checkPassword(chosen, again, codeMac string, a account) errs.Fields {
	faults := errs.Fields{}
	if chosen == "" {
		faults.Add("passe", "session.password.missing")
		return faults
	}
	if code, ok := secret.NormalizeCode(chosen); ok && codeMac != "" && mac(d.core, code) == codeMac {
		faults.Add("passe", "session.password.code")
		return faults
	}
	if _, key := secret.Strength(plain(chosen), a.First, a.Last, a.First+" "+a.Last, a.Login, a.Email); key != "" {
		n := secret.MinLength
		if key == "secret.password_long" {
			n = secret.MaxLength
		}
		faults.Add("passe", key, "n", n)
		return faults
	}
	if again == "" {
		faults.Add("passe2", "session.password.again")
	} else if plain(again) != plain(chosen) {
		faults.Add("passe2", "session.password.differ")
	}
	return faults
}

// pending is what somebody signed in must do before anything else: accept a new
// charter, or add the second factor that their profile asks for.
func (d *door) pending(r *app.Request) (web.Response, error) {
	_, accepted, err := acceptance(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	if accepted {
		return web.Redirect(atFactor), nil
	}
	return d.showRenewal(r, http.StatusOK, nil)
}

func (d *door) showRenewal(r *app.Request, status int, faults map[string]string) (web.Response, error) {
	c, err := d.candidate(r.Context(), r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	ch, err := readCharter(charterVersion)
	if err != nil {
		return nil, err
	}
	rules := ch.Simple
	if c.Pupil {
		rules = ch.Pupil
	}
	return d.gateFor(r, c, status, head{doorSteps(r, 0), word(r, c.Pupil, "session.renewal.title"), word(r, c.Pupil, "session.renewal.sub")}, renewalForm(c, rules, faults))
}

// renew records that somebody signed in accepts the charter in force.
func (d *door) renew(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	if v.Get("accord") == "" {
		key := word(r, r.Viewer.Main() == rights.Pupil, "session.charter.tick")
		return d.showRenewal(r, http.StatusUnprocessableEntity, map[string]string{"accord": key})
	}
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return AcceptCharter(r.Context(), tx, d.core, r.Grant, r.Viewer.Person)
	}); err != nil {
		return nil, err
	}
	return web.Redirect("/"), nil
}
