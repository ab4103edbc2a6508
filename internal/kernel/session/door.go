package session

import (
	"net/http"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// EntryPath is where somebody signed in goes who has not accepted the charter.
const EntryPath = "/activation"

// Enter finds who asks, and notes that the session lives, at most every five
// minutes.
func Enter(w http.ResponseWriter, r *http.Request, core *app.Core) (*rights.Viewer, error) {
	now := core.Clock.Now()
	v, err := Resolve(r.Context(), core.DB, r, now)
	if err != nil || v == nil {
		return nil, err
	}
	if now.UnixMilli()-v.SeenAt > seenEvery.Milliseconds() {
		expires := now.Add(life)
		if v.Shared {
			expires = now.Add(sharedIdle)
		}
		if err := core.DB.Write(r.Context(), func(tx *db.Tx) error {
			if _, err := tx.Exec(r.Context(), `UPDATE session SET seen_at = $2, expires_at = $3 WHERE id = $1`, v.Session, now.UnixMilli(), expires.UnixMilli()); err != nil {
				return err
			}
			_, err := tx.Exec(r.Context(), `UPDATE person SET seen_at = $2 WHERE id = $1`, v.Person, now.UnixMilli())
			return err
		}); err != nil {
			return nil, err
		}
		// A shared tablet is asked often enough to close by itself.
	}
	return v, nil
}

// setCookie hands the session's token to the browser.
func setCookie(w http.ResponseWriter, token string, lives time.Duration) {
	http.SetCookie(w, &http.Cookie{Name: Cookie, Value: token, Path: "/", MaxAge: int(lives / time.Second), Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
