package tell

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// summaries stand for both, that of the day and that of the week.
const summaries = ""

// stopping is what the link of a mail stops: whose mails, and which. A mail of one
// event stops its kind; a summary stops the summary, with all that comes in it, or
// the next would come with the rest.
type stopping struct {
	person string
	what   string // a kind, the rhythm of a summary, or summaries
}

// token is what a mail carries to be stopped, sealed, so that it tells nothing and
// nobody makes one.
func (s stopping) token(core *app.Core) string {
	return base64.RawURLEncoding.EncodeToString(core.Keys.Seal("unsubscribe", []byte(s.person+" "+s.what), nil))
}

func readStop(core *app.Core, token string) (s stopping, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return s, false
	}
	plain, err := core.Keys.Open("unsubscribe", sealed, nil)
	if err != nil {
		return s, false
	}
	s.person, s.what, ok = strings.Cut(string(plain), " ")
	return s, ok
}

// summary says whether it is of a summary.
func (s stopping) summary() bool {
	return s.what == summaries || notify.Rhythm(s.what).Valid()
}

// covers says whether it stops the mails of a kind that come in a rhythm.
func (s stopping) covers(kind string, r notify.Rhythm) bool {
	switch {
	case r == notify.Never || r == "":
		return false
	case s.what == summaries:
		return r != notify.Once
	case s.summary():
		return string(r) == s.what
	}
	return kind == s.what
}

// summed is what the link of a summary stops: that of the rhythm that its lines
// have.
func summed(items []item) string {
	for _, i := range items {
		if i.Rhythm != items[0].Rhythm {
			return summaries
		}
	}
	if r := items[0].Rhythm; r == notify.Daily || r == notify.Weekly {
		return string(r)
	}
	return summaries // chosen otherwise since
}

// stopView is the page of such a link.
type stopView struct {
	stopping
	action string
	on     []notify.Told // what is still sent
	off    []notify.Told // what was stopped
	done   string        // key of what was just done
}

// key is a sentence about a kind of mail, or about a summary.
func (v stopView) key(key string) string {
	switch v.what {
	case summaries:
		return key + ".summaries"
	case string(notify.Daily):
		return key + ".daily"
	case string(notify.Weekly):
		return key + ".weekly"
	}
	return key
}

// look reads what a link would stop, and what it stopped; there is false for who
// was erased, or is one record with another since.
func (h handler) look(ctx context.Context, q db.Querier, v *stopView) (known wishes, there bool, err error) {
	if there, err = session.Known(ctx, q, v.person); err != nil || !there {
		return known, false, err
	}
	if known, err = read(ctx, q, h.core.Clock.Now(), []string{v.person}); err != nil {
		return known, false, err
	}
	stopped, err := notify.Stopped(ctx, q, v.person)
	if err != nil {
		return known, false, err
	}
	for _, a := range h.core.Apps {
		for _, t := range a.Told {
			c, ok := known.settings[v.person].Of(t, known.profiles[v.person])
			switch {
			case ok && v.covers(t.Kind, c.Mail):
				v.on = append(v.on, t)
			case v.covers(t.Kind, stopped[t.Kind]):
				v.off = append(v.off, t)
			}
		}
	}
	return known, true, nil
}

func (h handler) stopView(r *app.Request) (v stopView, err error) {
	s, ok := readStop(h.core, r.PathValue("token"))
	if !ok {
		return v, errs.ErrNotFound
	}
	return stopView{stopping: s, action: r.URL.Path}, nil
}

// stopPage shows a button: mail programs open every address that they see.
func (h handler) stopPage(r *app.Request) (web.Response, error) {
	v, err := h.stopView(r)
	if err != nil {
		return nil, err
	}
	if _, there, err := h.look(r.Context(), h.core.DB, &v); err != nil || !there {
		return h.stale(r, err)
	}
	return h.gate(r, stopPage(v))
}

// stop ends the mails of a link, or has them sent as before again. Asked twice, it
// has happened.
func (h handler) stop(r *app.Request) (web.Response, error) {
	v, err := h.stopView(r)
	if err != nil {
		return nil, err
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	back, there := form.Get("reprendre") != "", false
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		v.on, v.off = nil, nil
		var known wishes
		var err error
		if known, there, err = h.look(r.Context(), tx, &v); err != nil || !there {
			return err
		}
		if back {
			return h.resume(r.Context(), tx, v, known)
		}
		choices := map[string]notify.Choice{}
		for _, t := range v.on {
			choices[t.Kind], _ = known.settings[v.person].Of(t, known.profiles[v.person])
		}
		return notify.Stop(r.Context(), tx, rights.System("unsubscribe"), v.person, choices)
	}); err != nil || !there {
		return h.stale(r, err)
	}
	// What is shown is what was done now, or what stood already.
	switch {
	case back && len(v.off) > 0:
		v.done, v.on, v.off = v.key("tell.stop.resumed"), v.off, nil
	case !back && len(v.on) > 0:
		v.done, v.on, v.off = v.key("tell.stop.done"), nil, v.on
	}
	return h.gate(r, stopPage(v))
}

// resume has what a link stopped sent as it was.
func (h handler) resume(ctx context.Context, tx *db.Tx, v stopView, known wishes) error {
	stopped, err := notify.Stopped(ctx, tx, v.person)
	if err != nil {
		return err
	}
	choices, usual := map[string]notify.Choice{}, map[string]notify.Choice{}
	for _, t := range v.off {
		choices[t.Kind] = notify.Choice{Push: known.settings[v.person].Choices[t.Kind].Push, Mail: stopped[t.Kind]}
		if c, ok := t.Default(known.profiles[v.person]); ok {
			usual[t.Kind] = c
		}
	}
	return notify.Choose(ctx, tx, rights.System("unsubscribe"), v.person, choices, usual)
}

// stale says that the settings of a link are no longer here, unless it is a fault.
func (h handler) stale(r *app.Request, err error) (web.Response, error) {
	if err != nil {
		return nil, err
	}
	return h.gate(r, staleView())
}

func (h handler) gate(r *app.Request, body templ.Component) (web.Response, error) {
	s, err := r.Shell(r.T("tell.stop.title"), "")
	if err != nil {
		return nil, err
	}
	return web.Page(app.Inside(ui.Gate(s, ui.Steps{}), body)), nil
}
