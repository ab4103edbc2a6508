package tell

import (
	"io"
	"net/http"
	"net/url"
	"strconv"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/push"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

type handler struct{ core *app.Core }

// service is one that tells the viewer something.
type service struct {
	app.App
	told []notify.Told
}

// services are those that have something to tell the viewer, in their order.
func (h handler) services(v *rights.Viewer) []service {
	var out []service
	profiles := v.Profiles()
	for _, a := range h.core.Apps {
		s := service{App: a}
		for _, t := range a.Told {
			if _, ok := t.Default(profiles); ok {
				s.told = append(s.told, t)
			}
		}
		if len(s.told) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// usual is how the viewer is told of each kind if they choose nothing.
func (h handler) usual(v *rights.Viewer) map[string]notify.Choice {
	out := map[string]notify.Choice{}
	for _, s := range h.services(v) {
		for _, t := range s.told {
			out[t.Kind], _ = t.Default(v.Profiles())
		}
	}
	return out
}

// view is what the page shows.
type view struct {
	Bands  []ui.Band
	Hours  notify.Hours
	Email  string
	Mails  bool // mail can leave, and goes somewhere
	Pupil  bool
	Device bool // this browser rings
	Key    string
	Faults map[string]string
	Core   *app.Core
	Muted  []notify.Muted
	Trial  trial
}

// trial is what became of one.
type trial struct {
	Said string
	Well bool
	Mail bool // rather than of this browser
}

func (h handler) page(r *app.Request) (web.Response, error) {
	return h.show(r, http.StatusOK, trial{})
}

func (h handler) show(r *app.Request, status int, tried trial) (web.Response, error) {
	settings, err := notify.Settings(r.Context(), h.core.DB, []string{r.Viewer.Person})
	if err != nil {
		return nil, err
	}
	return h.draw(r, status, settings[r.Viewer.Person], nil, tried)
}

// draw shows settings, kept or just typed.
func (h handler) draw(r *app.Request, status int, mine notify.Setting, faults map[string]string, tried trial) (web.Response, error) {
	ctx, v := r.Context(), r.Viewer
	var err error
	w := view{Hours: mine.Hours, Pupil: v.Main() == rights.Pupil, Key: h.core.Push.Identity.PublicKey(), Faults: faults, Core: h.core, Trial: tried}
	if w.Email, err = session.Address(ctx, h.core.DB, v.Person); err != nil {
		return nil, err
	}
	if w.Muted, err = notify.MutedBy(ctx, h.core.DB, v, most); err != nil {
		return nil, err
	}
	w.Mails = w.Email != "" && session.CanMail(h.core)
	device, err := session.Device(ctx, h.core.DB, v.Session)
	if err != nil {
		return nil, err
	}
	w.Device = device != ""
	profiles := v.Profiles()
	for _, s := range h.services(v) {
		b := ui.Band{Key: s.Name, Label: r.T("square." + s.Name), Icon: s.Square.Icon, Paint: s.Square.Paint, Name: "service-" + s.Name, Off: mine.Off[s.Name]}
		for _, t := range s.told {
			c, chosen := mine.Choices[t.Kind]
			if !chosen {
				c, _ = t.Default(profiles)
			}
			line := ui.BandLine{SwitchProps: ui.SwitchProps{Name: "push-" + t.Kind, Label: r.T(t.Label), Help: r.T("tell.push.help"), On: c.Push}}
			if w.Mails {
				line.Choice = ui.FieldProps{Name: "mail-" + t.Kind, Label: r.T("tell.mail.label", "what", r.T(t.Label)), Value: string(c.Mail)}
				for _, m := range notify.Rhythms {
					line.Choice.Options = append(line.Choice.Options, ui.Option{Value: string(m), Label: r.T("tell.mail." + string(m))})
				}
			}
			b.Lines = append(b.Lines, line)
		}
		w.Bands = append(w.Bands, b)
	}
	shell, err := r.Shell(r.T("tell.title"), "account")
	if err != nil {
		return nil, err
	}
	shell.Scripts = []string{ui.Asset("notify.js")}
	if r.URL.Query().Has("fait") {
		shell.Toast = &ui.Toast{Text: r.T("tell.saved")}
	}
	return web.PageStatus(status, app.Inside(ui.Layout(shell), settingsPage(w))), nil
}

// save keeps the whole page, or one of the ready-made choices.
func (h handler) save(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	person := r.Viewer.Person
	hours, faults := readHours(form.Get("silence") != "", form.Get("de"), form.Get("a"), form.Get("dimanche") != "", form.Get("resume"), form.Get("jour"))
	if form.Get("reglage") == "" && form.Has("page") {
		if said, bad := r.Faults(faults.Err()); bad {
			settings, err := notify.Settings(r.Context(), h.core.DB, []string{person})
			if err != nil {
				return nil, err
			}
			return h.draw(r, http.StatusUnprocessableEntity, h.typed(r, form, settings[person], hours), said, trial{})
		}
	}
	preset := form.Get("reglage")
	if preset == "" && !form.Has("page") {
		return nil, errs.Field("reglage", "tell.nothing")
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		settings, err := notify.Settings(r.Context(), tx, []string{person})
		if err != nil {
			return err
		}
		mine := h.typed(r, form, settings[person], hours)
		for _, s := range h.services(r.Viewer) {
			if err := notify.Cut(r.Context(), tx, r.Grant, person, s.Name, preset == "" && mine.Off[s.Name]); err != nil {
				return err
			}
			for _, t := range s.told {
				switch preset {
				case "tout":
					mine.Choices[t.Kind] = notify.Choice{Push: true, Mail: notify.Once}
				case "rien":
					mine.Choices[t.Kind] = notify.Choice{Mail: notify.Never}
				}
			}
		}
		if preset == "essentiel" {
			return notify.Forget(r.Context(), tx, r.Grant, person)
		}
		if err := notify.Choose(r.Context(), tx, r.Grant, person, mine.Choices, h.usual(r.Viewer)); err != nil || preset != "" {
			return err
		}
		return notify.SetHours(r.Context(), tx, r.Grant, person, hours)
	}); err != nil {
		return nil, err
	}
	return web.Redirect(atSettings + "?fait=1"), nil
}

// typed is what the whole page says, over what was kept.
func (h handler) typed(r *app.Request, form url.Values, kept notify.Setting, hours notify.Hours) notify.Setting {
	out := notify.Setting{Choices: map[string]notify.Choice{}, Off: map[string]bool{}, Hours: hours}
	for _, s := range h.services(r.Viewer) {
		out.Off[s.Name] = form.Get("service-"+s.Name) == ""
		for _, t := range s.told {
			c, chosen := kept.Choices[t.Kind]
			if !chosen {
				c, _ = t.Default(r.Viewer.Profiles())
			}
			c.Push = form.Get("push-"+t.Kind) != ""
			if m := notify.Rhythm(form.Get("mail-" + t.Kind)); m.Valid() { // absent without an address
				c.Mail = m
			}
			out.Choices[t.Kind] = c
		}
	}
	return out
}

// readHours reads hours of the day.
func readHours(quiet bool, from, to string, sunday bool, summary, day string) (h notify.Hours, faults errs.Fields) {
	faults = errs.Fields{}
	hour := func(field, s string) int {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 23 {
			faults.Add(field, "tell.hour.unknown")
		}
		return n
	}
	h.Sunday, h.Summary, h.Day = sunday, hour("resume", summary), notify.DefaultHours.Day
	if day != "" {
		var err error
		if h.Day, err = strconv.Atoi(day); err != nil || h.Day < 1 || h.Day > 7 {
			faults.Add("jour", "tell.day.unknown")
		}
	}
	if quiet {
		h.QuietFrom, h.QuietTo = hour("de", from), hour("a", to)
		if h.QuietFrom == h.QuietTo {
			faults.Add("a", "tell.hour.same")
		}
	}
	return h, faults
}

// subscribe lets this browser ring: what it posts is its PushSubscription.
func (h handler) subscribe(r *app.Request) (web.Response, error) {
	body, err := io.ReadAll(http.MaxBytesReader(r.W, r.Body, 8<<10))
	if err != nil {
		return nil, errs.New(errs.Invalid, "tell.device.unreadable")
	}
	s, err := push.ReadSubscription(body, h.core.Push.Hosts)
	if err != nil {
		return nil, errs.New(errs.Invalid, "tell.device.unreadable")
	}
	if r.Viewer.Shared { // a tablet of the class rings for nobody
		return nil, errs.ErrDenied
	}
	return nil, h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return session.Subscribe(r.Context(), tx, r.Grant, h.core.Clock.Now(), s)
	})
}

func (h handler) unsubscribe(r *app.Request) (web.Response, error) {
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return session.Unsubscribe(r.Context(), tx, r.Grant)
	}); err != nil {
		return nil, err
	}
	return web.Redirect(atSettings + "?fait=1"), nil
}
