package session

import (
	"context"
	"net/http"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/web"
)

const (
	recoveryLife = 30 * time.Minute
	recoveryHour = 3 // mails to one person in an hour
	atReset      = "/nouveau-mot-de-passe"
)

// seek is the job that looks whether what was asked on a recovery page belongs
// to an account. The page does the same work whatever was asked.
type seek struct {
	ID string `json:"id"`
}

// Kind names the job.
func (seek) Kind() string { return "session.recover" }

// lostForm is a page for a lost password or a lost name.
type lostForm struct {
	What   string // password or name
	At     string
	Typed  string
	Faults map[string]string
	Say    string
	Asked  bool
	Mail   bool
}

func (d *door) lostPasswordPage(r *app.Request) (web.Response, error) {
	return d.showLost(r, http.StatusOK, lostForm{What: "password", Asked: r.URL.Query().Has("envoye")})
}

func (d *door) lostNamePage(r *app.Request) (web.Response, error) {
	return d.showLost(r, http.StatusOK, lostForm{What: "name", Asked: r.URL.Query().Has("envoye")})
}

func (d *door) showLost(r *app.Request, status int, f lostForm) (web.Response, error) {
	f.At, f.Mail = "/mot-de-passe-oublie", CanMail(d.core)
	if f.What == "name" {
		f.At = "/identifiant-oublie"
	}
	return d.gate(r, status, head{doorSteps(r, 0), r.T("session.lost." + f.What + ".title"), ""}, lostView(f))
}

func (d *door) lostPassword(r *app.Request) (web.Response, error) { return d.lost(r, "password") }
func (d *door) lostName(r *app.Request) (web.Response, error)     { return d.lost(r, "name") }

func (d *door) lost(r *app.Request, what string) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	typed := strings.TrimSpace(v.Get("identifiant"))
	f := lostForm{What: what, Typed: typed[:min(len(typed), most)]}
	if !CanMail(d.core) {
		return d.showLost(r, http.StatusUnprocessableEntity, f)
	}
	if typed == "" || len(typed) > most {
		f.Faults = map[string]string{"identifiant": r.T("session.lost." + what + ".missing")}
		return d.showLost(r, http.StatusUnprocessableEntity, f)
	}
	if _, err := mail.Address(typed); what == "name" && err != nil {
		f.Faults = map[string]string{"identifiant": r.T("session.lost.name.form")}
		return d.showLost(r, http.StatusUnprocessableEntity, f)
	}
	if _, err := d.tryAddress(r); err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			f.Say = say
			return d.showLost(r, http.StatusTooManyRequests, f)
		})
	}
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		asked := id.New()
		if _, err := tx.Exec(r.Context(), `INSERT INTO recovery_request (id, what, asked, created_at) VALUES ($1, $2, $3, $4)`,
			asked, what, typed, d.core.Clock.Now().UnixMilli()); err != nil {
			return err
		}
		return d.core.Jobs.Add(r.Context(), tx, seek{asked})
	}); err != nil {
		return nil, err
	}
	return web.Redirect(r.URL.Path + "?envoye"), nil
}

// recover answers a request by mail, or says nothing: to an unknown name, to an
// address confirmed on two accounts, or for the fourth time in an hour.
func (d *door) recover(ctx context.Context, asked string) error {
	row, ok, err := db.One[struct{ What, Asked string }](ctx, d.core.DB, `SELECT what, asked FROM recovery_request WHERE id = $1`, asked)
	if err != nil || !ok {
		return err
	}
	a, found, err := d.recoverable(ctx, row.Asked)
	if err != nil {
		return err
	}
	now := d.core.Clock.Now()
	return d.core.DB.Write(ctx, func(tx *db.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM recovery_request WHERE id = $1`, asked)
		if err != nil || n == 0 || !found {
			return err
		}
		recent, err := db.Value[int](ctx, tx, `SELECT count(*) FROM audit WHERE target = $1 AND action = 'recovery.ask' AND at > $2`, a.ID, now.Add(-time.Hour).UnixMilli())
		if err != nil || recent >= recoveryHour {
			return err
		}
		if err := note(ctx, tx, now, "", a.ID, "recovery.ask", row.What); err != nil {
			return err
		}
		if row.What == "name" {
			return tell(ctx, tx, d.core, a, "session.mail.name")
		}
		token := secret.Token(128)
		if _, err := tx.Exec(ctx, `INSERT INTO recovery (id, person, expires_at) VALUES ($1, $2, $3)`, secret.Hash(token), a.ID, now.Add(recoveryLife).UnixMilli()); err != nil {
			return err
		}
		return post(ctx, tx, d.core, a.ID, a.Email, "session.mail.reset", "name", a.First, "link", d.link(atReset, token))
	})
}

// recoverable finds the one active account that a name or an address means, if
// its own address can be trusted to be its holder's alone.
func (d *door) recoverable(ctx context.Context, asked string) (account, bool, error) {
	address := ""
	if strings.Contains(asked, "@") {
		address, _ = mail.Address(asked) // what is no address finds nobody
	} else {
		a, ok, err := accountByLogin(ctx, d.core.DB, loginKey(asked))
		if err != nil || !ok || a.ActivatedAt == nil {
			return account{}, false, err
		}
		address = a.Email
	}
	list, err := accountsByEmail(ctx, d.core.DB, address)
	if err != nil || len(list) != 1 {
		return account{}, false, err
	}
	return list[0], true, nil
}

func (d *door) resetPage(r *app.Request) (web.Response, error) {
	return d.showReset(r, http.StatusOK, "", nil, "")
}

func (d *door) showReset(r *app.Request, status int, token string, faults map[string]string, say string) (web.Response, error) {
	return d.gate(r, status, head{doorSteps(r, 0), r.T("session.reset.title"), r.T("session.reset.sub")}, resetView(token, faults, say))
}

// reset takes the token of a mail and a new password. The token is used up in
// the transaction that sets the password.
func (d *door) reset(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	token := strings.TrimSpace(v.Get("jeton"))
	if _, after, ok := strings.Cut(token, "#"); ok {
		token = after // the whole link was pasted
	}
	if len(token) > most {
		token = ""
	}
	stale := map[string]string{"jeton": r.T("session.reset.stale")}
	trial, err := d.tryAddress(r)
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			return d.showReset(r, http.StatusTooManyRequests, token, nil, say)
		})
	}
	now := d.core.Clock.Now()
	person, ok, err := db.One[string](r.Context(), d.core.DB, `SELECT person FROM recovery WHERE id = $1 AND expires_at > $2`, secret.Hash(token), now.UnixMilli())
	if err != nil {
		return nil, err
	}
	if !ok {
		return d.showReset(r, http.StatusUnprocessableEntity, "", stale, "")
	}
	a, _, err := accountByID(r.Context(), d.core.DB, person)
	if err != nil {
		return nil, err
	}
	chosen := v.Get("passe")
	if faults, bad := r.Faults(d.checkPassword(chosen, v.Get("passe2"), "", a).Err()); bad {
		return d.showReset(r, http.StatusUnprocessableEntity, token, faults, "")
	}
	hash, err := d.core.Hasher.Hash(r.Context(), plain(chosen))
	if err != nil {
		return nil, err
	}
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		used, err := tx.Exec(r.Context(), `DELETE FROM recovery WHERE id = $1 AND expires_at > $2`, secret.Hash(token), now.UnixMilli())
		if err != nil {
			return err
		}
		if used != 1 {
			return errs.New(errs.Conflict, "session.reset.stale")
		}
		if err := trial.passed(r.Context(), tx); err != nil {
			return err
		}
		return d.changed(r.Context(), tx, a, hash, "", "recovery.use")
	})
	if errs.KindOf(err) == errs.Conflict {
		return d.showReset(r, http.StatusUnprocessableEntity, "", stale, "")
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect("/connexion?apres=motdepasse"), nil
}

// changed writes a new password: every other session ends, application
// passwords and pending recoveries too, and the holder is told.
func (d *door) changed(ctx context.Context, tx *db.Tx, a account, hash, keep, action string) error {
	n, err := tx.Exec(ctx, `UPDATE person SET password = $2 WHERE id = $1 AND activated_at IS NOT NULL`, a.ID, hash)
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.New(errs.Conflict, "session.reset.stale")
	}
	if _, err := tx.Exec(ctx, `DELETE FROM session WHERE person = $1 AND id <> $2`, a.ID, keep); err != nil {
		return err
	}
	for _, table := range []string{"recovery", "entry", "app_password"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, a.ID); err != nil {
			return err
		}
	}
	list, err := places(ctx, tx, a.ID, d.core.Clock.Now())
	if err != nil {
		return err
	}
	if err := note(ctx, tx, d.core.Clock.Now(), schoolOf(list), a.ID, action, ""); err != nil {
		return err
	}
	return tell(ctx, tx, d.core, a, "session.mail.changed")
}
