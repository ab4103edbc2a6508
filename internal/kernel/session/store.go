package session

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/secret"
)

// account is a person as this package knows them.
type account struct {
	ID          string
	First       string
	Last        string
	Login       string
	Password    string
	Email       string // confirmed
	Contact     string `db:"contact_email"` // as the school gave it
	Theme       string
	Reading     string
	ActivatedAt *int64 `db:"activated_at"`
}

const accountColumns = `p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.login, p.password, p.email, p.contact_email, p.theme, p.reading, p.activated_at`

func accountByLogin(ctx context.Context, q db.Querier, login string) (account, bool, error) {
	return db.One[account](ctx, q, `SELECT `+accountColumns+` FROM person p WHERE p.login = $1`, login)
}

func accountByID(ctx context.Context, q db.Querier, id string) (account, bool, error) {
	return db.One[account](ctx, q, `SELECT `+accountColumns+` FROM person p WHERE p.id = $1`, id)
}

// accountsByEmail lists the active accounts that confirmed an address.
func accountsByEmail(ctx context.Context, q db.Querier, email string) ([]account, error) {
	return db.All[account](ctx, q, `SELECT `+accountColumns+` FROM person p WHERE p.email = $1 AND p.email <> '' AND p.activated_at IS NOT NULL`, email)
}

// place is what a person is, and where, for the audit and the words of a page.
type place struct {
	School  string
	Profile string
	Head    bool
}

// places lists a person's open memberships, the school's profile first.
func places(ctx context.Context, q db.Querier, person string, now time.Time) ([]place, error) {
	return db.All[place](ctx, q, `SELECT school, profile, head FROM membership WHERE person = $1 AND valid_from <= $2 AND valid_to > $2 ORDER BY profile, school`, person, now.UnixMilli())
}

// isPupil says whether a person is nothing but a pupil.
func isPupil(list []place) bool {
	for _, p := range list {
		if p.Profile != string(rights.Pupil) {
			return false
		}
	}
	return len(list) > 0
}

func schoolOf(list []place) string {
	if len(list) == 0 {
		return ""
	}
	return list[0].School
}

// note writes an act of somebody who holds no grant yet.
func note(ctx context.Context, tx *db.Tx, now time.Time, school, person, action, detail string) error {
	return audit.Write(ctx, tx, audit.Act{At: now.UnixMilli(), School: school, Actor: person, Action: action, Target: person, Detail: detail})
}

// opening is a session about to begin.
type opening struct {
	Person string
	Agent  string // "Firefox, Android"
	Shared bool   // a tablet of the class: short life
	Old    string // id of the session that the browser held, which ends
	Device string // id of the device, known from now on; "" for none
}

// hold makes others who change the account wait until the transaction ends: an
// account is held before its sessions, entries and codes are touched.
func hold(ctx context.Context, tx *db.Tx, person string) error {
	_, err := db.Value[string](ctx, tx, `SELECT id FROM person WHERE id = $1`+tx.Hold(), person)
	return err
}

// begin opens a session and returns the token that only the cookie holds. The
// browser's old session ends, so that nobody can have fixed it beforehand.
func begin(ctx context.Context, tx *db.Tx, now time.Time, o opening) (token string, err error) {
	if o.Old != "" {
		if _, err := tx.Exec(ctx, `DELETE FROM session WHERE id = $1`, o.Old); err != nil {
			return "", err
		}
	}
	token = secret.Token(256)
	expires := now.Add(life)
	if o.Shared {
		expires = now.Add(sharedIdle)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO session (id, person, created_at, seen_at, expires_at, agent, shared) VALUES ($1, $2, $3, $3, $4, $5, $6)`,
		secret.Hash(token), o.Person, now.UnixMilli(), expires.UnixMilli(), o.Agent, o.Shared); err != nil {
		return "", fmt.Errorf("session: %w", err)
	}
	if o.Device != "" && !o.Shared {
		if _, err := tx.Exec(ctx, `INSERT INTO known_device (id, person, seen_at) VALUES ($1, $2, $3) ON CONFLICT (id, person) DO UPDATE SET seen_at = excluded.seen_at`,
			o.Device, o.Person, now.UnixMilli()); err != nil {
			return "", fmt.Errorf("device: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE person SET seen_at = $2 WHERE id = $1`, o.Person, now.UnixMilli())
	return token, err
}

// SignInAs opens a session for a person without any secret and returns the
// cookie's value: for tests and for the demonstration alone.
func SignInAs(ctx context.Context, tx *db.Tx, core *app.Core, person string) (token string, err error) {
	return begin(ctx, tx, core.Clock.Now(), opening{Person: person})
}

// SetPassword makes an account active with a password already hashed, as the
// command line and the demonstration do. The code in force is wiped, all
// sessions end. The holder of g is the program or somebody in charge who stands
// above the person; the charter is still to be accepted (AcceptCharter).
func SetPassword(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person, hash string) error {
	if err := mayHand(ctx, tx, core, g, []string{person}); err != nil {
		return err
	}
	now := core.Clock.Now()
	n, err := tx.Exec(ctx, `UPDATE person SET password = $2, activated_at = coalesce(activated_at, $3) WHERE id = $1`, person, hash, now.UnixMilli())
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.ErrNotFound
	}
	if _, err := tx.Exec(ctx, `DELETE FROM activation_code WHERE person = $1`, person); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM session WHERE person = $1`, person); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "password.set", person, "")
}

// entry is somebody on the way in, between two pages.
type entry struct {
	ID       string
	Kind     string // activation or second
	Login    string
	Person   string
	Mac      string
	Phrase   string // sealed
	Accepted bool
	Shared   bool
	Next     string
}

const entryLife = time.Hour

const entryColumns = `id, kind, login, person, mac, phrase, accepted, shared, next`

func entryByID(ctx context.Context, q db.Querier, id string, now time.Time) (entry, bool, error) {
	return db.One[entry](ctx, q, `SELECT `+entryColumns+` FROM entry WHERE id = $1 AND expires_at > $2`, id, now.UnixMilli())
}

// putEntry writes where somebody is on the way in.
func putEntry(ctx context.Context, tx *db.Tx, e entry, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO entry (`+entryColumns+`, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, login = excluded.login, person = excluded.person, mac = excluded.mac, phrase = excluded.phrase,
		accepted = excluded.accepted, shared = excluded.shared, next = excluded.next, expires_at = excluded.expires_at`,
		e.ID, e.Kind, e.Login, e.Person, e.Mac, e.Phrase, e.Accepted, e.Shared, e.Next, now.Add(entryLife).UnixMilli())
	return err
}

// dropEntry removes an entry and says whether it was there.
func dropEntry(ctx context.Context, tx *db.Tx, id string) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM entry WHERE id = $1`, id)
	return n == 1, err
}

// activate is the one moment when an account becomes active: its code is used
// up, its password set, its charter's acceptance recorded, all or nothing. Of
// two at once exactly one gets through; the other is told Conflict.
func activate(ctx context.Context, tx *db.Tx, core *app.Core, e entry, hash string) error {
	now := core.Clock.Now()
	// The account first, as whoever gives a new code does.
	set, err := tx.Exec(ctx, `UPDATE person SET password = $2, activated_at = $3 WHERE id = $1 AND activated_at IS NULL`, e.Person, hash, now.UnixMilli())
	if err != nil {
		return err
	}
	used, err := tx.Exec(ctx, `DELETE FROM activation_code WHERE person = $1 AND mac = $2 AND expires_at > $3`, e.Person, e.Mac, now.UnixMilli())
	if err != nil {
		return err
	}
	if used != 1 || set != 1 {
		return errs.New(errs.Conflict, "session.activation.gone")
	}
	if err := accept(ctx, tx, core, rights.System("activation"), e.Person, ""); err != nil {
		return err
	}
	if err := notify.Backfill(ctx, tx, e.Person, now); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM entry WHERE person = $1 OR id = $2`, e.Person, e.ID); err != nil {
		return err
	}
	list, err := places(ctx, tx, e.Person, now)
	if err != nil {
		return err
	}
	return note(ctx, tx, now, schoolOf(list), e.Person, "session.activate", "")
}

// sweep removes what has expired: codes above all, which must not outlive
// their sheets.
func sweep(ctx context.Context, core *app.Core) error {
	now := core.Clock.Now().UnixMilli()
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		for _, table := range []string{"activation_code", "session", "throttle", "entry", "recovery", "email_confirmation"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE expires_at <= $1`, now); err != nil {
				return fmt.Errorf("sweep %s: %w", table, err)
			}
		}
		for text, age := range map[string]time.Duration{
			`DELETE FROM recovery_request WHERE created_at <= $1`:                      24 * time.Hour,
			`DELETE FROM known_device WHERE seen_at <= $1`:                             400 * 24 * time.Hour,
			`DELETE FROM outgoing_mail WHERE sent_at IS NOT NULL AND created_at <= $1`: 30 * 24 * time.Hour,
			// Given up: the code or the link in it is long dead.
			`DELETE FROM outgoing_mail WHERE sent_at IS NULL AND created_at <= $1`: 3 * 24 * time.Hour,
		} {
			if _, err := tx.Exec(ctx, text, now-age.Milliseconds()); err != nil {
				return fmt.Errorf("sweep: %w", err)
			}
		}
		return nil
	})
}
