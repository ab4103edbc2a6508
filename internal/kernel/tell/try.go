package tell

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/push"
	"marelle/internal/platform/web"
)

// waiting is how long somebody waits for what a mail server says, and trials how
// many anybody has in a quarter of an hour.
const (
	waiting = 20 * time.Second
	trials  = 10
)

// try rings this browser at once, or writes to the viewer, and says what became
// of it.
func (h handler) try(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	by := form.Get("par")
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return session.Ration(r.Context(), tx, h.core, "trial", r.Viewer.Person, trials)
	}); errs.KindOf(err) == errs.TooMany {
		web.RetryAfter(r.W, errs.As(err).Retry)
		return h.show(r, http.StatusTooManyRequests, trial{Said: r.T("tell.try.many", "n", int(math.Ceil(errs.As(err).Retry.Minutes()))), Mail: by == mailed})
	} else if err != nil {
		return nil, err
	}
	if by == mailed {
		return h.tryMail(r)
	}
	device, err := session.Device(r.Context(), h.core.DB, r.Viewer.Session)
	if err != nil {
		return nil, err
	}
	if device == "" {
		return h.show(r, http.StatusUnprocessableEntity, trial{Said: r.T("tell.try.none")})
	}
	subscriptions, err := session.Subscriptions(r.Context(), h.core.DB, h.core.Clock.Now(), []string{device})
	if err != nil {
		return nil, err
	}
	body := []byte(`{"titre":` + strconv.Quote(r.T("tell.push.title")) + `,"texte":` + strconv.Quote(r.T("tell.try.text")) + `,"url":"` + atSettings + `"}`)
	res := h.core.Push.Send(r.Context(), subscriptions[device], push.Message{Payload: body, Urgency: push.High})
	switch res.Outcome {
	case push.Sent:
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.sent"), Well: true})
	case push.Later:
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.later", "n", int(math.Ceil(res.After.Minutes())))})
	case push.Gone:
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return session.ForgetDevices(r.Context(), tx, r.Grant, []string{device})
		}); err != nil {
			return nil, err
		}
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.gone")})
	}
	h.core.Log.WarnContext(r.Context(), "push refused", "reason", res.Reason)
	return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.refused")})
}

// tryMail writes to the viewer at once. A server that says that there is no such
// address is believed, as it is of any other mail.
func (h handler) tryMail(r *app.Request) (web.Response, error) {
	email, err := session.Address(r.Context(), h.core.DB, r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	if email == "" || !session.CanMail(h.core) {
		return h.show(r, http.StatusUnprocessableEntity, trial{Said: r.T("tell.try.mail.none"), Mail: true})
	}
	bounced, err := session.Refused(r.Context(), h.core.DB, r.Viewer.Person, email)
	if err != nil {
		return nil, err
	}
	if bounced {
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.mail.refused"), Mail: true})
	}
	m := mail.Message{To: email, Subject: r.T("tell.try.mail.subject"), Text: r.T("tell.try.mail.text") + "\n"}
	if h.core.Mail == nil { // a demonstration, where mails are looked at on a page
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return session.Show(r.Context(), tx, h.core.Clock.Now(), r.Viewer.Person, m.To, m.Subject, m.Text)
		}); err != nil {
			return nil, err
		}
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.mail.sent"), Well: true, Mail: true})
	}
	ctx, stop := context.WithTimeout(r.Context(), waiting)
	defer stop()
	err = h.core.Mail.Send(ctx, m)
	var refusal *mail.Error
	switch {
	case err == nil:
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.mail.sent"), Well: true, Mail: true})
	case errors.As(err, &refusal) && refusal.Permanent && refusal.Recipient:
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return session.Refuse(r.Context(), tx, rights.System("mail refused"), h.core.Clock.Now(), r.Viewer.Person, email)
		}); err != nil {
			return nil, err
		}
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.mail.refused"), Mail: true})
	case refusal != nil && refusal.Permanent:
		h.core.Log.WarnContext(r.Context(), "mail refused for good", "error", err)
		return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.mail.unliked"), Mail: true})
	}
	h.core.Log.WarnContext(r.Context(), "mail not taken", "error", err)
	return h.show(r, http.StatusOK, trial{Said: r.T("tell.try.mail.down"), Mail: true})
}
