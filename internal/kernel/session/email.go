package session

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/web"
)

// A six-digit code is good for a quarter of an hour and five trials; an hour
// sees five of them at most, whatever the number of addresses.
const (
	digitsLife  = 15 * time.Minute
	digitsTries = 5
	digitsHour  = 5
)

// CanMail says whether anything sent would leave: with SMTP set, or in a
// demonstration, where messages are kept to be looked at.
func CanMail(core *app.Core) bool { return core.Mail != nil || core.Demo }

// send is the job that hands one waiting message over.
type send struct {
	ID string `json:"id"`
}

// Kind names the job.
func (send) Kind() string { return "session.mail" }

// post writes a message to be sent, in the transaction of what causes it. Key
// names its words: key.subject and key.text.
func post(ctx context.Context, tx *db.Tx, core *app.Core, person, recipient, key string, pairs ...any) error {
	if !CanMail(core) || recipient == "" {
		return nil
	}
	now := core.Clock.Now()
	var sent *int64
	if core.Mail == nil {
		at := now.UnixMilli()
		sent = &at // a demonstration: it goes no further
	}
	m := id.New()
	pairs = append(pairs, "base", core.Base.String())
	if _, err := tx.Exec(ctx, `INSERT INTO outgoing_mail (id, person, recipient, subject, body, created_at, sent_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		m, person, recipient, core.Catalog.T(key+".subject", pairs...), core.Catalog.T(key+".text", pairs...), now.UnixMilli(), sent); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	if sent != nil {
		return nil
	}
	return core.Jobs.Add(ctx, tx, send{m})
}

// tell informs the holder of an account, where an address was confirmed.
func tell(ctx context.Context, tx *db.Tx, core *app.Core, a account, key string) error {
	return post(ctx, tx, core, a.ID, a.Email, key, "name", a.First, "login", a.Login)
}

// deliver sends a waiting message and wipes its words. Again after a crash it
// carries the same Message-ID, so that a mailbox may know it.
func deliver(ctx context.Context, core *app.Core, m string) error {
	row, ok, err := db.One[struct {
		Recipient, Subject, Body string
		SentAt                   *int64 `db:"sent_at"`
	}](ctx, core.DB, `SELECT recipient, subject, body, sent_at FROM outgoing_mail WHERE id = $1`, m)
	if err != nil || !ok || row.SentAt != nil || core.Mail == nil {
		return err
	}
	err = core.Mail.Send(ctx, mail.Message{To: row.Recipient, Subject: row.Subject, Text: row.Body, MessageID: m + "@" + core.Base.Hostname()})
	if err != nil && !mail.IsPermanent(err) {
		return err
	}
	if err != nil {
		core.Log.WarnContext(ctx, "mail refused for good", "mail", m, "error", err)
	}
	body := ""
	if core.Demo {
		body = row.Body
	}
	return core.DB.Write(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE outgoing_mail SET sent_at = $2, body = $3 WHERE id = $1`, m, core.Clock.Now().UnixMilli(), body)
		return err
	})
}

// Refuse notes that a mail server does not want the address of somebody.
func Refuse(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person, email string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO refused_address (person, email, at) VALUES ($1, $2, $3)
		ON CONFLICT (person) DO UPDATE SET email = excluded.email, at = excluded.at`, person, email, now.UnixMilli())
	return err
}

// softMost is how many messages in a row may come back for a reason that passes,
// over how long, before an address is written to no more.
const (
	softMost = 5
	softLong = 3 * 24 * time.Hour
)

// Returned counts a message that came back for a reason that may pass. Many in a
// row, over days, are a refusal.
func Returned(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person, email string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	first, ok, err := db.One[int64](ctx, tx, `INSERT INTO returned_mail (person, email, n, first_at, at) VALUES ($1, $2, 1, $3, $3)
		ON CONFLICT (person) DO UPDATE SET n = CASE WHEN returned_mail.email = excluded.email AND returned_mail.at > $4 THEN returned_mail.n + 1 ELSE 1 END,
		first_at = CASE WHEN returned_mail.email = excluded.email AND returned_mail.at > $4 THEN returned_mail.first_at ELSE excluded.first_at END,
		email = excluded.email, at = excluded.at RETURNING CASE WHEN n >= $5 THEN first_at ELSE 9007199254740991 END`,
		person, email, now.UnixMilli(), now.AddDate(0, 0, -30).UnixMilli(), softMost)
	if err != nil || !ok || now.UnixMilli()-first < softLong.Milliseconds() {
		return err
	}
	return Refuse(ctx, tx, g, now, person, email)
}

// Refused says whether the address of somebody is the one that was refused.
func Refused(ctx context.Context, q db.Querier, person, email string) (bool, error) {
	n, err := db.Value[int](ctx, q, `SELECT count(*) FROM refused_address WHERE person = $1 AND email = $2`, person, email)
	return n > 0, err
}

// Show keeps a message among those that a demonstration shows, where nothing
// leaves.
func Show(ctx context.Context, tx *db.Tx, now time.Time, person, recipient, subject, body string) error {
	_, err := tx.Exec(ctx, `INSERT INTO outgoing_mail (id, person, recipient, subject, body, created_at, sent_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
		id.New(), person, recipient, subject, body, now.UnixMilli())
	return err
}

// askConfirmation sends six digits to an address that a person says is theirs.
// The error is TooMany when that was done too often in an hour.
func askConfirmation(ctx context.Context, tx *db.Tx, core *app.Core, a account, address string) error {
	now := core.Clock.Now()
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000))
	if err != nil {
		return err
	}
	digits := fmt.Sprintf("%06d", n)
	hour := now.Add(-time.Hour).UnixMilli()
	written, err := tx.Exec(ctx, `INSERT INTO email_confirmation (person, email, mac, tries, sent, first_at, expires_at) VALUES ($1, $2, $3, 0, 1, $4, $5)
		ON CONFLICT (person) DO UPDATE SET email = excluded.email, mac = excluded.mac, tries = 0, expires_at = excluded.expires_at,
		sent = CASE WHEN email_confirmation.first_at <= $6 THEN 1 ELSE email_confirmation.sent + 1 END,
		first_at = CASE WHEN email_confirmation.first_at <= $6 THEN excluded.first_at ELSE email_confirmation.first_at END
		WHERE email_confirmation.sent < $7 OR email_confirmation.first_at <= $6`,
		a.ID, address, digitsMAC(core, a.ID, address, digits), now.UnixMilli(), now.Add(digitsLife).UnixMilli(), hour, digitsHour)
	if err != nil {
		return err
	}
	if written == 0 {
		e := errs.New(errs.TooMany, "session.email.too_many")
		e.Retry = time.Hour
		return e
	}
	return post(ctx, tx, core, a.ID, address, "session.mail.confirm", "name", a.First, "code", digits[:3]+" "+digits[3:])
}

func digitsMAC(core *app.Core, person, address, digits string) string {
	return hex.EncodeToString(core.Keys.MAC("email", []byte(person+"\x00"+address+"\x00"+digits)))
}

// readDigits accepts six digits as people type them, with spaces or dashes.
func readDigits(s string) (string, bool) {
	if len(s) > 40 {
		return "", false
	}
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\u00a0\u202f-.", r) {
			return -1
		}
		return r
	}, s)
	if len(s) != 6 || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return s, true
}

// confirm judges the digits. Each call is a trial, counted in the same
// statement that finds the row, so that trials at once gain nothing.
func confirm(ctx context.Context, tx *db.Tx, core *app.Core, person, digits string) (right bool, left int, err error) {
	now := core.Clock.Now()
	row, ok, err := db.One[struct {
		Email, Mac string
		Tries      int
	}](ctx, tx, `UPDATE email_confirmation SET tries = tries + 1 WHERE person = $1 AND expires_at > $2 AND tries < $3 RETURNING email, mac, tries`,
		person, now.UnixMilli(), digitsTries)
	if err != nil || !ok {
		return false, 0, err
	}
	if !hmac.Equal([]byte(row.Mac), []byte(digitsMAC(core, person, row.Email, digits))) {
		return false, digitsTries - row.Tries, nil
	}
	if _, err := tx.Exec(ctx, `UPDATE person SET email = $2 WHERE id = $1`, person, row.Email); err != nil {
		return false, 0, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM email_confirmation WHERE person = $1`, person); err != nil {
		return false, 0, err
	}
	for _, table := range []string{"refused_address", "returned_mail"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, person); err != nil {
			return false, 0, err
		}
	}
	// A link that went to the old address opens nothing any more.
	if _, err := tx.Exec(ctx, `DELETE FROM recovery WHERE person = $1`, person); err != nil {
		return false, 0, err
	}
	return true, 0, note(ctx, tx, now, "", person, "email.confirm", "")
}

// awaiting is the address that waits for its digits, "" for none.
func awaiting(ctx context.Context, q db.Querier, core *app.Core, person string) (string, error) {
	return db.Value[string](ctx, q, `SELECT email FROM email_confirmation WHERE person = $1 AND expires_at > $2 AND tries < $3`,
		person, core.Clock.Now().UnixMilli(), digitsTries)
}

// emailForm is what the pages about one's address show.
type emailForm struct {
	At        string // address of the form: of the activation or of the account
	Typed     string
	Confirmed string
	Awaiting  string
	Possible  bool // mail can leave
	Suggest   string
	Faults    map[string]string
	Say       string
	Entering  bool
}

// emailAt says on which page an e-mail form was posted.
func emailAt(r *app.Request) string {
	if strings.HasPrefix(r.URL.Path, atEmail) {
		return atEmail
	}
	return atMail
}

// A pupil has no address: nothing is written to minors, and nothing opens their
// account but the school.
func (d *door) adult(r *app.Request) error {
	if r.Viewer.Main() == rights.Pupil {
		return errs.ErrNotFound
	}
	return nil
}

func (d *door) emailPage(r *app.Request) (web.Response, error) {
	if err := d.adult(r); err != nil {
		return nil, err
	}
	return d.showEmail(r, http.StatusOK, emailForm{})
}

func (d *door) showEmail(r *app.Request, status int, f emailForm) (web.Response, error) {
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	f.At, f.Possible, f.Confirmed = emailAt(r), CanMail(d.core), a.Email
	f.Entering = f.At == atEmail
	if f.Awaiting, err = awaiting(r.Context(), d.core.DB, d.core, a.ID); err != nil {
		return nil, err
	}
	if f.Typed == "" && f.Awaiting == "" {
		if f.Typed = a.Email; f.Typed == "" {
			f.Typed = a.Contact
		}
	}
	if r.URL.Query().Has("autre") {
		f.Awaiting = ""
	}
	if f.Entering {
		return d.gateFor(r, candidate{account: a}, status, head{doorSteps(r, 5), r.T("session.email.title"), r.T("session.email.sub")}, emailView(f))
	}
	return d.accountPage(r, status, r.T("session.account.email"), emailView(f))
}

// giveEmail takes an address and sends its six digits.
func (d *door) giveEmail(r *app.Request) (web.Response, error) {
	if err := d.adult(r); err != nil {
		return nil, err
	}
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	typed := strings.TrimSpace(v.Get("email"))
	f := emailForm{Typed: typed[:min(len(typed), most)]}
	if typed == "" {
		f.Faults = map[string]string{"email": r.T("session.email.missing")}
		return d.showEmail(r, http.StatusUnprocessableEntity, f)
	}
	if !CanMail(d.core) {
		f.Say = r.T("session.email.impossible")
		return d.showEmail(r, http.StatusUnprocessableEntity, f)
	}
	address, err := mail.Address(typed)
	if err != nil {
		e := errs.As(err)
		if e == nil || e.Kind != errs.Invalid {
			return nil, err
		}
		say := r.Say(e.Message)
		for _, m := range e.Fields {
			say = r.Say(m)
		}
		f.Faults = map[string]string{"email": say}
		return d.showEmail(r, http.StatusUnprocessableEntity, f)
	}
	if s := mail.Suggest(address); s != "" && v.Get("sur") != address {
		f.Suggest = s
		f.Faults = map[string]string{"email": r.T("session.email.suggest", "address", s)}
		return d.showEmail(r, http.StatusUnprocessableEntity, f)
	}
	a, _, err := accountByID(r.Context(), d.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	err = d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		return askConfirmation(r.Context(), tx, d.core, a, address)
	})
	if err != nil {
		return d.slowDown(r, err, func(say string) (web.Response, error) {
			f.Say = say
			return d.showEmail(r, http.StatusTooManyRequests, f)
		})
	}
	return web.Redirect(emailAt(r)), nil
}

// giveDigits takes the six digits.
func (d *door) giveDigits(r *app.Request) (web.Response, error) {
	if err := d.adult(r); err != nil {
		return nil, err
	}
	v, err := r.Values()
	if err != nil {
		return nil, err
	}
	digits, ok := readDigits(v.Get("chiffres"))
	if !ok {
		return d.showEmail(r, http.StatusUnprocessableEntity, emailForm{Faults: map[string]string{"chiffres": r.T("session.email.digits.form")}})
	}
	var right bool
	var left int
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		right, left, err = confirm(r.Context(), tx, d.core, r.Viewer.Person, digits)
		return err
	}); err != nil {
		return nil, err
	}
	if !right {
		key := "session.email.digits.wrong"
		if left == 0 {
			key = "session.email.digits.over"
		}
		f := emailForm{Faults: map[string]string{"chiffres": r.T(key, "n", left)}}
		if left == 0 {
			f = emailForm{Say: r.T(key)}
		}
		return d.showEmail(r, http.StatusUnprocessableEntity, f)
	}
	if emailAt(r) == atEmail {
		return web.Redirect(atSky), nil
	}
	return web.Redirect("/compte?fait=email"), nil
}

// dropEmail forgets the confirmed address and the one that waits.
func (d *door) dropEmail(r *app.Request) (web.Response, error) {
	if err := d.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		if err := r.Grant.Confirm(r.Context(), tx); err != nil {
			return err
		}
		for _, text := range []string{`UPDATE person SET email = '' WHERE id = $1`, `DELETE FROM email_confirmation WHERE person = $1`, `DELETE FROM recovery WHERE person = $1`} {
			if _, err := tx.Exec(r.Context(), text, r.Viewer.Person); err != nil {
				return err
			}
		}
		return note(r.Context(), tx, d.core.Clock.Now(), r.Grant.School(), r.Viewer.Person, "email.remove", "")
	}); err != nil {
		return nil, err
	}
	return web.Redirect("/compte?fait=sans-email"), nil
}

// kept is a message as the demonstration shows it.
type kept struct {
	Recipient, Subject, Body string
	CreatedAt                int64 `db:"created_at"`
}

// mailsPage shows what was sent: in a demonstration only, where nobody is real.
func (d *door) mailsPage(r *app.Request) (web.Response, error) {
	if !d.core.Demo {
		return nil, errs.ErrNotFound
	}
	list, err := db.All[kept](r.Context(), d.core.DB, `SELECT recipient, subject, body, created_at FROM outgoing_mail ORDER BY created_at DESC, id DESC LIMIT 100`)
	if err != nil {
		return nil, err
	}
	return d.sheet(r, r.T("session.mails.title"), mailsView(list))
}

// link is an address of this portal with a secret in its fragment.
func (d *door) link(path, secret string) string {
	return d.core.Base.String() + path + "#" + url.PathEscape(secret)
}
