package session

import (
	"net/http"
	"slices"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// The pages of one's own account.
const (
	atAccount = "/compte"
	atMail    = "/compte/email"
	atChange  = "/compte/mot-de-passe"
	atDevices = "/compte/appareils"
)

// themes and readings are what anybody may choose; "" follows the device.
var (
	themes   = []string{"", "clair", "sombre", "contraste"}
	readings = []string{"", "debutant", "dyslexie"}
)

// accountPage answers with a page of the account, inside the frame.
func (d *door) accountPage(r *app.Request, status int, title string, body templ.Component) (web.Response, error) {
	s, err := r.Shell(title, "account")
	if err != nil {
		return nil, err
	}
	s.Scripts, s.Styles = []string{ui.Asset("session.js")}, []string{ui.Asset("page-session.css")}
	if done := r.URL.Query().Get("fait"); done != "" && r.Core.Catalog.Has("session.done."+done) {
		s.Toast = &ui.Toast{Text: r.T("session.done." + done)}
	}
	return web.PageStatus(status, app.Inside(ui.Layout(s), accountFrame(title, r.URL.Path != atAccount, body))), nil
}

// accountView is what /compte shows.
type accountView struct {
	Pupil    bool
	Login    string
	Email    string
	Children []rights.Child
	Theme    string
	Reading  string
	Accepted string // "le 3 septembre 2026"
	Devices  int
	Shared   bool
	Staff    bool // may have a second factor
	Keys     bool // may open documents as a drive
	Second   bool
	MustBy   string // day until which a second factor is to be added
	Refused  bool   // the mail server refused the address
}

func (d *door) account(r *app.Request) (web.Response, error) {
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	v := accountView{Pupil: r.Viewer.Main() == rights.Pupil, Login: a.Login, Email: a.Email, Children: r.Viewer.Children, Theme: a.Theme, Reading: a.Reading, Shared: r.Viewer.Shared}
	at, ok, err := acceptance(r.Context(), d.core.DB, a.ID)
	if err != nil {
		return nil, err
	}
	if ok {
		v.Accepted = i18n.LongDate(time.UnixMilli(at).In(r.Viewer.Zone()))
	}
	if v.Devices, err = db.Value[int](r.Context(), d.core.DB, `SELECT count(*) FROM session WHERE person = $1 AND expires_at > $2`, a.ID, r.Viewer.Now.UnixMilli()); err != nil {
		return nil, err
	}
	v.Keys = r.Viewer.Is(driven...)
	v.Staff = r.Viewer.Is(rights.Teacher, rights.Staff, rights.Head, rights.Operator)
	if v.Second, err = hasSecondFactor(r.Context(), d.core.DB, a.ID); err != nil {
		return nil, err
	}
	if !v.Second && mustHaveSecond(r.Viewer) && a.ActivatedAt != nil {
		since, err := headSince(r.Context(), d.core.DB, a.ID, r.Viewer.Now)
		if err != nil {
			return nil, err
		}
		v.MustBy = i18n.LongDate(time.UnixMilli(max(since, *a.ActivatedAt)).Add(factorGrace).In(r.Viewer.Zone()))
	}
	if v.Refused, err = Refused(r.Context(), d.core.DB, a.ID, a.Email); err != nil {
		return nil, err
	}
	return d.accountPage(r, http.StatusOK, word(r, v.Pupil, "session.account.title"), accountBody(v))
}

// skyPage is the end of an activation: looks, and what to be told of.
func (d *door) skyPage(r *app.Request) (web.Response, error) {
	c, err := d.candidate(r.Context(), r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	v := skyView{Pupil: c.Pupil, Children: r.Viewer.Children, Theme: c.Theme, Reading: c.Reading, MailWords: c.Email != "" && CanMail(d.core)}
	title, sub, at := r.T("session.sky.title"), r.T("session.sky.sub"), 6
	if n := len(v.Children); n > 0 {
		sub = r.T("session.sky.children", "n", n)
	}
	if c.Pupil {
		title, sub, at = r.T("session.sky.title.pupil"), r.T("session.sky.sub.pupil"), 5
	}
	return d.gateFor(r, c, http.StatusOK, head{stepsFor(r, c, at), title, sub}, skyForm(v))
}

type skyView struct {
	Pupil          bool
	Children       []rights.Child
	Theme, Reading string
	MailWords      bool
}

func (d *door) saveSky(r *app.Request) (web.Response, error) { return d.saveLooks(r, "/") }

func (d *door) saveAccount(r *app.Request) (web.Response, error) {
	return d.saveLooks(r, "/compte?fait=affichage")
}

// saveLooks keeps theme, reading and how one is told; what is no choice of ours is left
// as it was.
func (d *door) saveLooks(r *app.Request, next string) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	theme, reading := v.Get("theme"), v.Get("lecture")
	if v.Has("theme") && !slices.Contains(themes, theme) || v.Has("lecture") && !slices.Contains(readings, reading) {
		return nil, errs.Field("theme", "session.looks.unknown")
	}
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		if v.Has("theme") {
			if _, err := tx.Exec(r.Context(), `UPDATE person SET theme = $2 WHERE id = $1`, r.Viewer.Person, theme); err != nil {
				return err
			}
		}
		if v.Has("lecture") {
			if _, err := tx.Exec(r.Context(), `UPDATE person SET reading = $2 WHERE id = $1`, r.Viewer.Person, reading); err != nil {
				return err
			}
		}
		if v.Has("prevenir-la") { // the box was on the page
			return d.firstChoice(r, tx, v.Get("prevenir") != "")
		}
		return nil
	}); err != nil {
		return nil, err
	}
	return web.Redirect(next), nil
}

// firstChoice is what the end of an activation asks: to be written to at once of
// all that one's profile is told of, or of nothing. The phone stays as it was.
func (d *door) firstChoice(r *app.Request, tx *db.Tx, wanted bool) error {
	settings, err := notify.Settings(r.Context(), tx, []string{r.Viewer.Person})
	if err != nil {
		return err
	}
	choices, usual := map[string]notify.Choice{}, map[string]notify.Choice{}
	for _, a := range d.core.Apps {
		for _, t := range a.Told {
			if c, ok := settings[r.Viewer.Person].Of(t, r.Viewer.Profiles()); ok {
				c.Mail = notify.Never
				if wanted {
					c.Mail = notify.Once
				}
				choices[t.Kind] = c
				usual[t.Kind], _ = t.Default(r.Viewer.Profiles())
			}
		}
	}
	return notify.Choose(r.Context(), tx, r.Grant, r.Viewer.Person, choices, usual)
}

func (d *door) changePage(r *app.Request) (web.Response, error) {
	return d.showChange(r, http.StatusOK, nil, "")
}

func (d *door) showChange(r *app.Request, status int, faults map[string]string, say string) (web.Response, error) {
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	return d.accountPage(r, status, word(r, r.Viewer.Main() == rights.Pupil, "session.change.title"), changeView(a.Login, r.Viewer.Main() == rights.Pupil, faults, say))
}

// change sets another password, for who knows the present one.
func (d *door) change(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	current := v.Get("actuel")
	faults := errs.Fields{}
	if current == "" || len(current) > most {
		faults.Add("actuel", "session.change.current.missing")
	}
	pupil := r.Viewer.Main() == rights.Pupil
	for f, m := range d.checkPassword(v.Get("passe"), v.Get("passe2"), "", a) {
		faults[f] = m
	}
	if pupil { // a child is told the same in fewer words
		for f, m := range faults {
			if key := m.Key + ".pupil"; r.Core.Catalog.Has(key) {
				faults[f] = errs.Msg(key)
			} else {
				faults[f] = errs.Msg("session.change.weak.pupil")
			}
		}
	}
	if said, bad := r.Faults(faults.Err()); bad {
		return d.showChange(r, http.StatusUnprocessableEntity, said, "")
	}
	trial, err := d.try(r, "change", a.ID, "")
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) { return d.showChange(r, http.StatusTooManyRequests, nil, say) })
	}
	right, err := d.core.Hasher.Verify(r.Context(), a.Password, plain(current))
	if err != nil {
		return nil, d.notJudged(r, trial, err)
	}
	if !right {
		if err := d.failed(r, a.ID, "change"); err != nil {
			return nil, err
		}
		return d.showChange(r, http.StatusUnprocessableEntity, map[string]string{"actuel": word(r, pupil, "session.change.current.wrong")}, "")
	}
	hash, err := d.core.Hasher.Hash(r.Context(), plain(v.Get("passe")))
	if err != nil {
		return nil, d.notJudged(r, trial, err)
	}
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := trial.passed(r.Context(), tx); err != nil {
			return err
		}
		// The session, and the password that was judged, are still in force.
		if err := still(r.Context(), tx, a, ""); err != nil {
			return err
		}
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		return d.changed(r.Context(), tx, a, hash, r.Viewer.Session, "password.change")
	}); errs.KindOf(err) == errs.Invalid {
		return d.showChange(r, http.StatusUnprocessableEntity, map[string]string{"actuel": word(r, pupil, "session.change.current.wrong")}, "")
	} else if err != nil {
		return nil, err
	}
	return web.Redirect("/compte?fait=mot-de-passe"), nil
}

// failed writes down a secret that was wrong.
func (d *door) failed(r *app.Request, person, how string) error {
	return d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return note(r.Context(), tx, d.core.Clock.Now(), r.Viewer.School().School, person, "session.failure", how)
	})
}

// device is a session as its holder sees it.
type device struct {
	ID      string
	Agent   string
	SeenAt  int64 `db:"seen_at"`
	Shared  bool
	Current bool   `db:"-"`
	Seen    string `db:"-"`
}

func (d *door) devicesPage(r *app.Request) (web.Response, error) {
	list, err := db.All[device](r.Context(), d.core.DB, `SELECT id, agent, seen_at, shared FROM session WHERE person = $1 AND expires_at > $2 ORDER BY seen_at DESC`,
		r.Viewer.Person, r.Viewer.Now.UnixMilli())
	if err != nil {
		return nil, err
	}
	zone := r.Viewer.Zone()
	for i := range list {
		list[i].Current = list[i].ID == r.Viewer.Session
		list[i].Seen = i18n.Ago(time.UnixMilli(list[i].SeenAt).In(zone), r.Viewer.Now.In(zone))
	}
	return d.accountPage(r, http.StatusOK, r.T("session.devices.title"), devicesView(list))
}

// closeDevice ends one session, or with "autres" all but this one.
func (d *door) closeDevice(r *app.Request) (web.Response, error) {
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		text, which := `DELETE FROM session WHERE person = $1 AND id = $2`, v.Get("appareil")
		if v.Has("autres") {
			text, which = `DELETE FROM session WHERE person = $1 AND id <> $2`, r.Viewer.Session
			if _, err := tx.Exec(r.Context(), `DELETE FROM known_device WHERE person = $1 AND id <> $2`, r.Viewer.Person, held(r.Request, deviceCookie)); err != nil {
				return err
			}
		}
		n, err := tx.Exec(r.Context(), text, r.Viewer.Person, which)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // gone already
		}
		return note(r.Context(), tx, d.core.Clock.Now(), r.Grant.School(), r.Viewer.Person, "session.revoke", "")
	})
	if err != nil {
		return nil, err
	}
	return web.Redirect("/compte/appareils?fait=appareils"), nil
}

// signOutPage shows a button: a page fetched by a link ends nothing.
func (d *door) signOutPage(r *app.Request) (web.Response, error) {
	if !r.Viewer.SignedIn() {
		return web.Redirect("/connexion"), nil
	}
	return d.gate(r, http.StatusOK, head{doorSteps(r, 0), r.T("session.signout.title"), r.Viewer.First}, signOutView())
}

func (d *door) signOut(r *app.Request) (web.Response, error) {
	if err := d.leave(r); err != nil {
		return nil, err
	}
	return web.Redirect("/connexion?apres=sortie"), nil
}

// changePupilPage is the way to the next child on a tablet that a class shares.
func (d *door) changePupilPage(r *app.Request) (web.Response, error) {
	if !r.Viewer.SignedIn() {
		return web.Redirect("/connexion?tablette=1"), nil
	}
	c, err := d.candidate(r.Context(), r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	return d.gateFor(r, c, http.StatusOK, head{doorSteps(r, 0), word(r, c.Pupil, "session.next.title"), word(r, c.Pupil, "session.next.sub", "name", r.Viewer.First)}, nextPupilView(c.Pupil))
}

func (d *door) changePupil(r *app.Request) (web.Response, error) {
	if err := d.leave(r); err != nil {
		return nil, err
	}
	return web.Redirect("/connexion?tablette=1"), nil
}

// leave ends the session of the browser, if there is one.
func (d *door) leave(r *app.Request) error {
	defer drop(r.W, Cookie)
	drop(r.W, entryCookie)
	if !r.Viewer.SignedIn() {
		return nil
	}
	return d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(r.Context(), `DELETE FROM session WHERE id = $1`, r.Viewer.Session); err != nil {
			return err
		}
		return note(r.Context(), tx, d.core.Clock.Now(), r.Viewer.School().School, r.Viewer.Person, "session.sign_out", "")
	})
}

// childPerson is the avatar of a child.
func childPerson(c rights.Child) ui.Person {
	return app.Face(c.ID, c.First, "", c.Avatar, "")
}
