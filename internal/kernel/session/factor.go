package session

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"
	"rsc.io/qr"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/web"
)

const (
	atFactor = "/compte/deuxieme-facteur"
	atSecond = "/connexion/deuxieme-facteur"
	// factorGrace is how long heads and operators have, from their activation.
	factorGrace = 14 * 24 * time.Hour
	// period of TOTP in seconds, and how many periods a clock may be off.
	period = 30
	skew   = 1

	recoveryCodes = 8
)

// mustHaveSecond says whether a profile asks for a second factor.
func mustHaveSecond(v *rights.Viewer) bool { return v.Is(rights.Head, rights.Operator) }

// overdue says whether the grace is over, which counts from the activation, or
// from the day of becoming head where that came later. The second is looked up
// only when the first has passed.
func overdue(ctx context.Context, q db.Querier, person string, activated *int64, now time.Time) (bool, error) {
	if activated == nil || now.UnixMilli() <= *activated+factorGrace.Milliseconds() {
		return false, nil
	}
	since, err := headSince(ctx, q, person, now)
	return err == nil && now.UnixMilli() > since+factorGrace.Milliseconds(), err
}

// headSince is when somebody first came to one of the charges that ask for a
// second factor, of those held now; 0 for none.
func headSince(ctx context.Context, q db.Querier, person string, now time.Time) (int64, error) {
	return db.Value[int64](ctx, q, `SELECT coalesce(min(CASE WHEN head THEN head_at ELSE valid_from END), 0) FROM membership
		WHERE person = $1 AND (head OR profile = 'operator') AND valid_from <= $2 AND valid_to > $2`, person, now.UnixMilli())
}

// hasSecondFactor says whether somebody must give a second factor to sign in.
func hasSecondFactor(ctx context.Context, q db.Querier, person string) (bool, error) {
	n, err := db.Value[int](ctx, q, `SELECT count(*) FROM second_factor WHERE person = $1 AND confirmed_at IS NOT NULL`, person)
	return n > 0, err
}

// factor is a person's second factor, its key unsealed (base32).
type factor struct {
	Key       string
	Confirmed bool
	UsedStep  int64
}

func (d *door) factor(ctx context.Context, q db.Querier, person string) (factor, bool, error) {
	row, ok, err := db.One[struct {
		Sealed      string
		ConfirmedAt *int64 `db:"confirmed_at"`
		UsedStep    int64  `db:"used_step"`
	}](ctx, q, `SELECT sealed, confirmed_at, used_step FROM second_factor WHERE person = $1`, person)
	if err != nil || !ok {
		return factor{}, false, err
	}
	sealed, err := base64.RawStdEncoding.DecodeString(row.Sealed)
	if err != nil {
		return factor{}, false, err
	}
	key, err := d.core.Keys.Open("totp", sealed, []byte(person))
	return factor{string(key), row.ConfirmedAt != nil, row.UsedStep}, err == nil, err
}

// prepareFactor draws a key for a person who has none confirmed, once.
func (d *door) prepareFactor(ctx context.Context, person string) error {
	key, err := totp.Generate(totp.GenerateOpts{Issuer: "Marelle", AccountName: person, SecretSize: 20})
	if err != nil {
		return err
	}
	sealed := base64.RawStdEncoding.EncodeToString(d.core.Keys.Seal("totp", []byte(key.Secret()), []byte(person)))
	return d.core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO second_factor (person, sealed) VALUES ($1, $2) ON CONFLICT (person) DO NOTHING`, person, sealed)
		return err
	})
}

// stepOf finds the period whose code was given, later than the last one used.
func stepOf(f factor, digits string, now time.Time) (int64, bool) {
	at := now.Unix() / period
	for s := max(at-skew, f.UsedStep+1); s <= at+skew; s++ {
		ok, err := hotp.ValidateCustom(digits, uint64(s), f.Key, hotp.ValidateOpts{Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err == nil && ok {
			return s, true
		}
	}
	return 0, false
}

// useStep marks a period as used; false when somebody was faster.
func useStep(ctx context.Context, tx *db.Tx, person string, step int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE second_factor SET used_step = $2 WHERE person = $1 AND used_step < $2`, person, step)
	return n == 1, err
}

func (d *door) factorPage(r *app.Request) (web.Response, error) {
	return d.showFactor(r, http.StatusOK, nil, "", nil)
}

type factorView struct {
	On     bool
	Key    string // grouped, to be typed where no camera is
	Must   bool
	Late   bool
	Left   int // recovery codes
	Codes  []string
	Faults map[string]string
	Say    string
}

func (d *door) showFactor(r *app.Request, status int, faults map[string]string, say string, codes []string) (web.Response, error) {
	if !r.Viewer.Is(rights.Teacher, rights.Staff, rights.Head, rights.Operator) {
		return nil, errs.ErrNotFound
	}
	_, accepted, err := acceptance(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	if !accepted {
		return web.Redirect(EntryPath), nil
	}
	f, ok, err := d.factor(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	if !ok {
		if err := d.prepareFactor(r.Context(), r.Viewer.Person); err != nil {
			return nil, err
		}
		if f, _, err = d.factor(r.Context(), d.core.DB, r.Viewer.Person); err != nil {
			return nil, err
		}
	}
	v := factorView{On: f.Confirmed, Must: mustHaveSecond(r.Viewer), Late: r.Viewer.Pending, Faults: faults, Say: say, Codes: codes}
	if !f.Confirmed {
		v.Key = grouped(f.Key, 4)
	} else if v.Left, err = db.Value[int](r.Context(), d.core.DB, `SELECT count(*) FROM recovery_code WHERE person = $1`, r.Viewer.Person); err != nil {
		return nil, err
	}
	return d.accountPage(r, status, r.T("session.factor.title"), factorBody(v))
}

func grouped(s string, n int) string {
	var b strings.Builder
	for i, c := range s {
		if i > 0 && i%n == 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// factorPicture is the QR code of a key that is not confirmed yet, from this
// very site: no policy needs to be loosened for it.
func (d *door) factorPicture(r *app.Request) (web.Response, error) {
	f, ok, err := d.factor(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	if !ok || f.Confirmed {
		return nil, errs.ErrNotFound
	}
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	code, err := qr.Encode("otpauth://totp/Marelle:"+a.Login+"?secret="+f.Key+"&issuer=Marelle", qr.M)
	if err != nil {
		return nil, err
	}
	picture := code.PNG()
	return web.Func(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Cache-Control", "private, no-store")
		_, err := bytes.NewReader(picture).WriteTo(w)
		return err
	}), nil
}

// confirmFactor turns the second factor on with a first right code, and hands
// out the recovery codes, once.
func (d *door) confirmFactor(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	digits, ok := readDigits(v.Get("chiffres"))
	if !ok {
		return d.showFactor(r, http.StatusUnprocessableEntity, map[string]string{"chiffres": r.T("session.factor.form")}, "", nil)
	}
	f, found, err := d.factor(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	if !found || f.Confirmed {
		return web.Redirect(atFactor), nil
	}
	trial, err := d.try(r, "factor", r.Viewer.Person, "")
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			return d.showFactor(r, http.StatusTooManyRequests, nil, say, nil)
		})
	}
	now := d.core.Clock.Now()
	step, right := stepOf(f, digits, now)
	if !right {
		return d.showFactor(r, http.StatusUnprocessableEntity, map[string]string{"chiffres": r.T("session.factor.wrong")}, "", nil)
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		codes[i] = secret.NewCode()
	}
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		n, err := tx.Exec(r.Context(), `UPDATE second_factor SET confirmed_at = $2, used_step = $3 WHERE person = $1 AND confirmed_at IS NULL`, r.Viewer.Person, now.UnixMilli(), step)
		if err != nil {
			return err
		}
		if n != 1 {
			return errs.New(errs.Conflict, "session.factor.twice")
		}
		if err := trial.passed(r.Context(), tx); err != nil {
			return err
		}
		if _, err := tx.Exec(r.Context(), `DELETE FROM recovery_code WHERE person = $1`, r.Viewer.Person); err != nil {
			return err
		}
		for _, c := range codes {
			if _, err := tx.Exec(r.Context(), `INSERT INTO recovery_code (person, mac) VALUES ($1, $2)`, r.Viewer.Person, d.recoveryMAC(r.Viewer.Person, c)); err != nil {
				return err
			}
		}
		return note(r.Context(), tx, now, r.Viewer.School().School, r.Viewer.Person, "factor.on", "")
	})
	if err != nil {
		return nil, err
	}
	for i := range codes {
		codes[i] = secret.FormatCode(codes[i])
	}
	return d.showFactor(r, http.StatusOK, nil, "", codes)
}

func (d *door) recoveryMAC(person, code string) string {
	return hex.EncodeToString(d.core.Keys.MAC("recovery-code", []byte(person+"\x00"+code)))
}

// removeFactor turns it off, for who can still give a code of it; heads and
// operators then have to make a new one.
func (d *door) removeFactor(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	trial, err := d.try(r, "factor", r.Viewer.Person, "")
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			return d.showFactor(r, http.StatusTooManyRequests, nil, say, nil)
		})
	}
	var right bool
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		if right, err = d.useSecond(r.Context(), tx, r.Viewer.Person, v.Get("chiffres")); err != nil || !right {
			return err
		}
		if err := trial.passed(r.Context(), tx); err != nil {
			return err
		}
		for _, table := range []string{"second_factor", "recovery_code"} {
			if _, err := tx.Exec(r.Context(), `DELETE FROM `+table+` WHERE person = $1`, r.Viewer.Person); err != nil {
				return err
			}
		}
		return note(r.Context(), tx, d.core.Clock.Now(), r.Viewer.School().School, r.Viewer.Person, "factor.off", "")
	})
	if err != nil {
		return nil, err
	}
	if !right {
		return d.showFactor(r, http.StatusUnprocessableEntity, map[string]string{"chiffres": r.T("session.factor.wrong")}, "", nil)
	}
	return web.Redirect("/compte?fait=sans-facteur"), nil
}

// useSecond judges a code of the telephone or a recovery code, and uses it up.
func (d *door) useSecond(ctx context.Context, tx *db.Tx, person, typed string) (bool, error) {
	if digits, ok := readDigits(typed); ok {
		f, found, err := d.factor(ctx, tx, person)
		if err != nil || !found || !f.Confirmed {
			return false, err
		}
		step, right := stepOf(f, digits, d.core.Clock.Now())
		if !right {
			return false, nil
		}
		return useStep(ctx, tx, person, step)
	}
	if code, ok := secret.NormalizeCode(typed); ok {
		n, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE person = $1 AND mac = $2`, person, d.recoveryMAC(person, code))
		return n == 1, err
	}
	return false, nil
}

// askSecond sends somebody whose password was right to the page of the second
// factor, which counts its own failures.
func (d *door) askSecond(r *app.Request, trial *attempt, e entry) (web.Response, error) {
	e.ID = ""
	if err := d.save(r, e, trial.passed); err != nil {
		return nil, err
	}
	return web.Redirect(atSecond), nil
}

func (d *door) halfway(r *app.Request) (entry, bool, error) {
	id := held(r.Request, entryCookie)
	if id == "" {
		return entry{}, false, nil
	}
	e, ok, err := entryByID(r.Context(), d.core.DB, id, d.core.Clock.Now())
	return e, ok && e.Kind == "second", err
}

func (d *door) secondPage(r *app.Request) (web.Response, error) {
	_, ok, err := d.halfway(r)
	if err != nil {
		return nil, err
	}
	if !ok {
		return web.Redirect("/connexion"), nil
	}
	return d.showSecond(r, http.StatusOK, nil, "")
}

func (d *door) showSecond(r *app.Request, status int, faults map[string]string, say string) (web.Response, error) {
	return d.gate(r, status, head{doorSteps(r, 0), r.T("session.second.title"), r.T("session.second.sub")}, secondView(faults, say))
}

func (d *door) second(r *app.Request) (web.Response, error) {
	e, ok, err := d.halfway(r)
	if err != nil {
		return nil, err
	}
	if !ok {
		return web.Redirect("/connexion"), nil
	}
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	trial, err := d.try(r, "second", e.Person, "")
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) { return d.showSecond(r, http.StatusTooManyRequests, nil, say) })
	}
	now := d.core.Clock.Now()
	list, err := places(r.Context(), d.core.DB, e.Person, now)
	if err != nil {
		return nil, err
	}
	var right bool
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		if right, err = d.useSecond(r.Context(), tx, e.Person, v.Get("chiffres")); err != nil {
			return err
		}
		if right {
			return nil
		}
		return note(r.Context(), tx, now, schoolOf(list), e.Person, "session.failure", "second")
	}); err != nil {
		return nil, err
	}
	if !right {
		return d.showSecond(r, http.StatusUnprocessableEntity, map[string]string{"chiffres": r.T("session.factor.wrong")}, "")
	}
	drop(r.W, entryCookie)
	return d.enter(r, trial, e.Person, schoolOf(list), e.Shared, e.Next, "second", func(ctx context.Context, tx *db.Tx) error {
		there, err := dropEntry(ctx, tx, e.ID)
		if err == nil && !there { // the password changed meanwhile: begin again
			err = errs.New(errs.Conflict, "session.activation.gone")
		}
		return err
	})
}
