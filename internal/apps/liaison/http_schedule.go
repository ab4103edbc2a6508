package liaison

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// Where words are planned.
const (
	atPlan    = "/carnet/planifier"
	atUnplan  = "/carnet/planifier/annuler"
	atSendNow = "/carnet/planifier/maintenant"
)

// plan keeps a word to be sent later.
func (h handler) plan(r *app.Request) (web.Response, error) {
	d, received, err := h.draft(r)
	now := h.core.Clock.Now()
	var kept Kept
	if err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			if err := record(r.Context(), tx, r.Grant, now, received); err != nil {
				return err
			}
			var err error
			kept, err = Plan(r.Context(), tx, h.core, r.Grant, r.Viewer.Main(), now, d)
			return err
		})
		if _, ok := r.Faults(err); ok {
			if _, err := h.keep(r, received, nil, nil); err != nil {
				return nil, err
			}
		}
	}
	if faults, ok := r.Faults(err); ok {
		return h.refused(r, d, faults, err)
	}
	if err != nil {
		return nil, err
	}
	if kept.Sent {
		return web.Redirect(path(kept.ID)), nil
	}
	return web.Redirect(atDrafts + "&fait=prevu"), nil
}

func (h handler) unplan(r *app.Request) (web.Response, error) {
	if _, err := h.ofDraft(r, func(ctx context.Context, tx *db.Tx, draft string) error { return Unplan(ctx, tx, r.Grant, draft) }); err != nil {
		return nil, err
	}
	return web.Redirect(atDrafts + "&fait=plusprevu"), nil
}

// sendNow sends a planned word at once; what is wrong with it is told in its form.
func (h handler) sendNow(r *app.Request) (web.Response, error) {
	var d Draft
	now := h.core.Clock.Now()
	word, err := h.ofDraft(r, func(ctx context.Context, tx *db.Tx, draft string) error {
		s, err := DraftOf(ctx, tx, r.Grant, draft)
		if err != nil {
			return err
		}
		d = s.Draft()
		d.Tell = TellAfter
		_, err = Send(ctx, tx, h.core, r.Grant, r.Viewer.Person, r.Viewer.Main(), now, d)
		return err
	})
	if faults, ok := r.Faults(err); ok {
		return h.form(r, http.StatusUnprocessableEntity, d, faults)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(word) + "?fait=envoye"), nil
}

// planned says when a draft is to be sent, "" for never.
func (v view) planned(d Saved) string {
	if d.SendAt == nil {
		return ""
	}
	return v.r.T("liaison.planned_at", "when", v.moment(*d.SendAt))
}

// recall says when the missing are reminded of the open word, "" for never.
func (v view) recall() string {
	if v.word.RecallAt == nil {
		return ""
	}
	return v.r.T("liaison.recall_at", "when", v.moment(*v.word.RecallAt))
}

func (f form) recall(ctx context.Context) ui.FieldProps {
	p := ui.FieldProps{Name: "rappel", Label: i18n.T(ctx, "liaison.recall"), Help: i18n.T(ctx, "liaison.recall_help"), Value: strconv.Itoa(f.draft.Recall), Error: f.faults["rappel"],
		Options: []ui.Option{{Value: "0", Label: i18n.T(ctx, "liaison.recall_none")}}}
	for _, n := range Recalls {
		p.Options = append(p.Options, ui.Option{Value: strconv.Itoa(n), Label: i18n.T(ctx, "liaison.recall_days", "n", n)})
	}
	return p
}

func (f form) day(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "jour", Type: "date", Label: i18n.T(ctx, "liaison.plan_day"), Value: f.draft.Day, Error: f.faults["jour"]}
}

func (f form) hour(ctx context.Context) ui.FieldProps {
	return ui.FieldProps{Name: "heure", Type: "time", Label: i18n.T(ctx, "liaison.plan_hour"), Value: f.draft.Hour}
}

// later says whether the fields of a planned sending are shown open.
func (f form) later() bool { return f.planned != "" || f.draft.Day != "" || f.faults["jour"] != "" }

// plannedIn fills in when a draft is to be sent, in the zone of its school.
func (s Saved) plannedIn(d *Draft, zone *time.Location) {
	if s.SendAt != nil {
		at := time.UnixMilli(*s.SendAt).In(zone)
		d.Day, d.Hour = at.Format(time.DateOnly), at.Format("15:04")
	}
}
