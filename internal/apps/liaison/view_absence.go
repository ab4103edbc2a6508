package liaison

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// absenceForm is an absence being announced, of one child or of one of several.
type absenceForm struct {
	r      *app.Request
	places []place
	draft  AbsenceDraft
	faults map[string]string
}

// taps are the days that are announced whole by one tap: today while there is
// school, and the next day of school.
func (f absenceForm) taps(p place) []time.Time {
	now := f.r.Viewer.Now.In(memberZone(f.r.Viewer, p.School))
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	var out []time.Time
	if schooled(today, true) && now.Hour() < 16 {
		out = append(out, today)
	}
	return append(out, next(today))
}

// tap is what a button of one tap says.
func (f absenceForm) tap(day time.Time) string {
	now := f.r.Viewer.Now.In(day.Location())
	switch day.Format(time.DateOnly) {
	case now.Format(time.DateOnly):
		return f.r.T("liaison.absence_today")
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return f.r.T("liaison.absence_tomorrow")
	}
	return f.r.T("liaison.absence_whole", "day", i18n.Date(day, now))
}

// one says whether the child is known, so that any day may be chosen.
func (f absenceForm) one() bool { return f.draft.Pupil != "" }

// halfField chooses a half-day beside a day.
func halfField(ctx context.Context, name, label string, afternoon bool) ui.FieldProps {
	value := "matin"
	if afternoon {
		value = "apres-midi"
	}
	return ui.FieldProps{Name: name, Label: label, Value: value, Options: []ui.Option{{Value: "matin", Label: i18n.T(ctx, "liaison.morning")}, {Value: "apres-midi", Label: i18n.T(ctx, "liaison.afternoon")}}}
}

// absenceFields are the fields of an absence, announced or corrected.
type absenceFields struct {
	draft  AbsenceDraft
	faults map[string]string
}

func (f absenceFields) from(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "du", Type: "date", Label: i18n.T(ctx, "liaison.absence_from"), Value: f.draft.From, Error: f.faults["du"], Required: true}
}

func (f absenceFields) start(ctx context.Context) ui.FieldProps {
	return halfField(ctx, "debut", i18n.T(ctx, "liaison.absence_start"), f.draft.FromNoon)
}

func (f absenceFields) to(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "au", Type: "date", Label: i18n.T(ctx, "liaison.absence_to"), Value: f.draft.To, Error: f.faults["au"], Optional: true}
}

func (f absenceFields) end(ctx context.Context) ui.FieldProps {
	return halfField(ctx, "fin", i18n.T(ctx, "liaison.absence_end"), !f.draft.ToNoon)
}

func (f absenceFields) reason(ctx context.Context) ui.FieldProps {
	p := ui.FieldProps{Name: "motif", Label: i18n.T(ctx, "liaison.absence_why"), Help: i18n.T(ctx, "liaison.absence_why_help"), Value: f.draft.Reason, Optional: true,
		Options: []ui.Option{{Label: i18n.T(ctx, "liaison.absence_unsaid"), Selected: f.draft.Reason == ""}}}
	for _, r := range Reasons {
		p.Options = append(p.Options, ui.Option{Value: r, Label: i18n.T(ctx, "liaison.reason."+r)})
	}
	return p
}

func (f absenceFields) words(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "precision", Label: i18n.T(ctx, "liaison.absence_words"), Value: f.draft.Words, Error: f.faults["precision"], Optional: true, Attrs: templ.Attributes{"maxlength": strconv.Itoa(wordsMax)}}
}

// draftOf is an absence as it may be corrected.
func draftOf(a Away) AbsenceDraft {
	d := AbsenceDraft{ID: a.ID, Pupil: a.Pupil, Reason: a.Reason, Words: a.Words}
	if n := len(a.Halves); n > 0 {
		d.From, d.FromNoon, d.To, d.ToNoon = a.Halves[0].Day, a.Halves[0].Afternoon, a.Halves[n-1].Day, !a.Halves[n-1].Afternoon
	}
	return d
}

// absencesView is a day of the school, or what is announced of one's children.
type absencesView struct {
	r       *app.Request
	tabs    []ui.Tab
	follow  bool
	day     time.Time
	class   string
	classes []placed
	list    []Away
}

// classesOf are the classes where somebody is absent.
func classesOf(list []Away) []placed {
	var out []placed
	for _, a := range list {
		if c := (placed{a.Class, a.Label}); a.Class != "" && !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	return out
}

func (v absencesView) now() time.Time { return v.r.Viewer.Now.In(v.r.Viewer.Zone()) }

// heading is "Aujourd'hui, lundi 23 novembre".
func (v absencesView) heading() string {
	day := i18n.Date(v.day, v.now())
	if v.day.Format(time.DateOnly) == v.now().Format(time.DateOnly) {
		return v.r.T("liaison.absence_of_today", "day", day)
	}
	return i18n.Capital(day)
}

// link leads to a day, of the class that is looked at.
func (v absencesView) link(day time.Time, class string) string {
	href := "/carnet/absences?jour=" + day.Format(time.DateOnly)
	if class != "" {
		href += "&classe=" + class
	}
	return href
}

// step is the day before or after, week-ends left out.
func (v absencesView) step(by int) string {
	day := v.day.AddDate(0, 0, by)
	for !schooled(day, false) {
		day = day.AddDate(0, 0, by)
	}
	return v.link(day, v.class)
}

// filter chooses one of the classes.
func (v absencesView) filter() []ui.Tab {
	if len(v.classes) < 2 && v.class == "" {
		return nil
	}
	out := []ui.Tab{{Label: v.r.T("liaison.absence_all"), Href: v.link(v.day, ""), Current: v.class == ""}}
	for _, c := range v.classes {
		out = append(out, ui.Tab{Label: c.Label, Href: v.link(v.day, c.Class), Current: v.class == c.Class})
	}
	return out
}

// of are the absences of a class, in the order of names.
func (v absencesView) of(c placed) []Away {
	return slices.DeleteFunc(slices.Clone(v.list), func(a Away) bool { return a.Class != c.Class })
}

// groups are the classes of the list, with those of none last.
func (v absencesView) groups() []placed {
	out := classesOf(v.list)
	if slices.ContainsFunc(v.list, func(a Away) bool { return a.Class == "" }) {
		out = append(out, placed{})
	}
	return out
}

// pupilsOf names pupils with their class, each once, and not too many.
func pupilsOf(list []Away) []string {
	var out []string
	for _, a := range list {
		name := a.Name()
		if a.Label != "" {
			name += " (" + a.Label + ")"
		}
		if !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

func join(parts ...string) string {
	out := ""
	for _, p := range parts {
		if p != "" && out != "" {
			out += " · "
		}
		out += p
	}
	return out
}

// part says which part of the day.
func (v absencesView) part(a Away) string {
	switch {
	case len(a.Halves) == 2:
		return v.r.T("liaison.absence_all_day")
	case len(a.Halves) == 1 && a.Halves[0].Afternoon:
		return v.r.T("liaison.afternoon")
	}
	return v.r.T("liaison.morning")
}

// line is what the school reads under a name.
func (v absencesView) line(a Away) string { return join(v.part(a), why(v.r, a)) }

// why is the reason, as far as who looks may know it.
func why(r *app.Request, a Away) string {
	reason := ""
	if a.Reason != "" {
		reason = r.T("liaison.reason." + a.Reason)
	}
	return join(reason, a.Words)
}

// mineLine is what a relative reads under the name of their child.
func (v absencesView) mineLine(a Away) string {
	state := ""
	switch {
	case a.Author == "":
		state = v.r.T("liaison.absence_known_too")
	case a.SeenAt != nil:
		state = v.r.T("liaison.absence_seen")
	}
	return join(period(v.r.T, a.Halves, v.now()), state)
}

// absenceView is one absence.
type absenceView struct {
	r      *app.Request
	tabs   []ui.Tab
	away   Away
	draft  AbsenceDraft
	faults map[string]string
}

func (v absenceView) now() time.Time { return v.r.Viewer.Now.In(memberZone(v.r.Viewer, v.away.School)) }

func (v absenceView) title() string {
	key := "liaison.absence_of"
	if v.away.Withdrawn != nil {
		key = "liaison.absence_withdrawn"
	}
	return v.r.T(key, "of", i18n.Of(v.away.Name()))
}

func (v absenceView) mine() bool { return v.r.Grant.Role() >= rights.Manage }

// open says whether something of it has not begun.
func (v absenceView) open() bool { return v.away.Withdrawn == nil && len(v.away.Ahead(v.now())) > 0 }

func (v absenceView) period() string {
	if v.away.Withdrawn != nil {
		return v.r.T("liaison.absence_withdrawn_at", "when", v.ago(*v.away.Withdrawn))
	}
	return i18n.Capital(period(v.r.T, v.away.Halves, v.now()))
}

func (v absenceView) ago(ms int64) string {
	return i18n.Ago(time.UnixMilli(ms).In(v.now().Location()), v.now())
}

// signature says who announced it and when.
func (v absenceView) signature() string {
	if v.away.By == "" {
		return v.r.T("liaison.absence_said", "when", v.ago(v.away.Created))
	}
	return v.r.T("liaison.absence_said_by", "name", v.away.By, "when", v.ago(v.away.Created))
}

func (v absenceView) fields() absenceFields { return absenceFields{v.draft, v.faults} }

// day is where the school comes from: today while it lasts, else its first day.
func (v absenceView) day() string {
	today := v.now().Format(time.DateOnly)
	if len(v.away.Halves) == 0 || slices.ContainsFunc(v.away.Halves, func(h Half) bool { return h.Day == today }) {
		return today
	}
	return v.away.Halves[0].Day
}
