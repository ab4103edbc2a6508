package session

import (
	"net/http"
	"strconv"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
)

// EntryPath is where somebody signed in goes who has not accepted the charter,
// and where the QR code of a sheet leads.
const EntryPath = "/activation"

// The other two cookies: of a device from which somebody signed in before, and
// of somebody on the way in. Neither opens anything.
const (
	deviceCookie = "__Host-marelle-d"
	entryCookie  = "__Host-marelle-e"
)

// door serves the pages by which people get in and keep their account.
type door struct{ core *app.Core }

// Enter finds who asks, and notes that the session lives, at most every five
// minutes (every minute on a shared tablet, whose sessions are short).
func Enter(w http.ResponseWriter, r *http.Request, core *app.Core) (*rights.Viewer, error) {
	now := core.Clock.Now()
	v, err := Resolve(r.Context(), core.DB, r, now)
	if err != nil || v == nil {
		return nil, err
	}
	v.Clock = core.Clock
	lives, every := life, seenEvery
	if v.Shared {
		lives, every = sharedIdle, time.Minute
		// A page left open on a shared tablet goes back to the door once the
		// session has died of idleness.
		if r.Method == http.MethodGet {
			w.Header().Set("Refresh", strconv.Itoa(int((sharedIdle+every)/time.Second))+"; url=/changer")
		}
	}
	if now.UnixMilli()-v.SeenAt <= every.Milliseconds() {
		return v, nil
	}
	if err := core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if _, err := tx.Exec(r.Context(), `UPDATE person SET seen_at = $2 WHERE id = $1`, v.Person, now.UnixMilli()); err != nil {
			return err
		}
		_, err := tx.Exec(r.Context(), `UPDATE session SET seen_at = $2, expires_at = $3 WHERE id = $1`, v.Session, now.UnixMilli(), now.Add(lives).UnixMilli())
		return err
	}); err != nil {
		return nil, err
	}
	if c, err := r.Cookie(Cookie); err == nil && !v.Shared {
		setCookie(w, c.Value, false) // the browser's copy lives as long as ours
	}
	return v, nil
}

// setCookie hands the session's token to the browser: for months on one's own
// device, until it closes on a shared one.
func setCookie(w http.ResponseWriter, token string, shared bool) {
	age := int(life / time.Second)
	if shared {
		age = 0
	}
	put(w, Cookie, token, age)
}

func setDevice(w http.ResponseWriter, token string) {
	put(w, deviceCookie, token, int(400*24*time.Hour/time.Second))
}

func put(w http.ResponseWriter, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

func drop(w http.ResponseWriter, name string) { put(w, name, "", -1) }

// held is the id of what the browser's cookie holds, "" for none.
func held(r *http.Request, name string) string {
	c, err := r.Cookie(name)
	if err != nil || len(c.Value) < 20 || len(c.Value) > 200 {
		return ""
	}
	return secret.Hash(c.Value)
}

// deviceToken is the token of this device, a new one where there is none.
func deviceToken(r *http.Request) string {
	if c, err := r.Cookie(deviceCookie); err == nil && len(c.Value) >= 20 && len(c.Value) <= 200 {
		return c.Value
	}
	return secret.Token(256)
}

// knownDevice is the id of the device when the person signed in from it before.
func (d *door) knownDevice(r *app.Request, person string) (string, error) {
	id := held(r.Request, deviceCookie)
	if id == "" || person == "" {
		return "", nil
	}
	n, err := db.Value[int](r.Context(), d.core.DB, `SELECT count(*) FROM known_device WHERE id = $1 AND person = $2`, id, person)
	if err != nil || n == 0 {
		return "", err
	}
	return id, nil
}
