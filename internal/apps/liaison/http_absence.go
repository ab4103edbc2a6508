package liaison

import (
	"net/http"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

func absencePath(id string) string { return "/absence/" + id }

// How far back, and how many, a relative sees what was announced.
const (
	absencesSince = 60 // days
	absencesShown = 40
)

// announce is the form of an absence; what is said most is one tap.
func (h handler) announce(r *app.Request) (web.Response, error) {
	d := AbsenceDraft{ID: id.New(), Pupil: r.URL.Query().Get("enfant")}
	if d.Pupil == "" && len(r.Viewer.Children) == 1 {
		d.Pupil = r.Viewer.Children[0].ID
	}
	return h.absenceForm(r, http.StatusOK, d, nil)
}

func (h handler) absenceForm(r *app.Request, status int, d AbsenceDraft, faults map[string]string) (web.Response, error) {
	f := absenceForm{r: r, draft: d, faults: faults}
	for _, c := range r.Viewer.Children {
		if d.Pupil != "" && d.Pupil != c.ID {
			continue
		}
		p, err := placeOf(r.Context(), h.core.DB, r.Viewer, c.ID)
		if err != nil {
			return nil, err
		}
		f.places = append(f.places, p)
	}
	if len(f.places) == 0 {
		return nil, errs.ErrNotFound
	}
	if f.draft.From == "" {
		days := f.taps(f.places[0])
		f.draft.From = days[0].Format(time.DateOnly)
	}
	return r.PageWith(status, r.T("liaison.absence_write"), "liaison", nil, announcePage(f))
}

func absenceDraft(r *app.Request) (AbsenceDraft, error) {
	f, err := r.Values()
	if err != nil {
		return AbsenceDraft{}, err
	}
	return AbsenceDraft{ID: f.Get("id"), Pupil: f.Get("enfant"), From: f.Get("du"), FromNoon: f.Get("debut") == "apres-midi", To: f.Get("au"), ToNoon: f.Get("fin") == "matin",
		Reason: f.Get("motif"), Words: f.Get("precision")}, nil
}

func (h handler) sendAbsence(r *app.Request) (web.Response, error) {
	d, err := absenceDraft(r)
	if err != nil {
		return nil, err
	}
	absence := ""
	if !id.Valid(d.ID) {
		d.ID = id.New()
	}
	err = h.write(r, func(tx *db.Tx) (err error) {
		absence, err = AnnounceAbsence(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), d)
		return err
	})
	if faults, ok := r.Faults(err); ok {
		return h.absenceForm(r, http.StatusUnprocessableEntity, d, faults)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(absencePath(absence) + "?fait=annonce"), nil
}

// absences are those of a day for the school, or of one's children.
func (h handler) absences(r *app.Request) (web.Response, error) {
	q, now := r.URL.Query(), r.Viewer.Now.In(r.Viewer.Zone())
	v := absencesView{r: r, follow: follower(r.Viewer)}
	if v.follow && len(r.Viewer.Children) > 0 && q.Get("vue") == "enfants" {
		v.follow = false
	}
	var err error
	if v.follow {
		day, wrong := time.ParseInLocation(time.DateOnly, q.Get("jour"), now.Location())
		if wrong != nil || day.Year() < 2000 || day.Year() > 2200 {
			day = time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
		}
		v.day, v.class = day, q.Get("classe")
		if v.list, err = AbsentOn(r.Context(), h.core.DB, r.Viewer.Scope(), r.Viewer.SchoolsAs(rights.Teacher, rights.Staff, rights.Head), day.Format(time.DateOnly)); err != nil {
			return nil, err
		}
		v.classes = classesOf(v.list)
		if v.class != "" {
			v.list = slices.DeleteFunc(v.list, func(a Away) bool { return a.Class != v.class })
		}
		if err := h.seen(r, v.list); err != nil {
			return nil, err
		}
	} else if v.list, err = AbsencesOf(r.Context(), h.core.DB, r.Viewer.Scope(), now.AddDate(0, 0, -absencesSince).Format(time.DateOnly), absencesShown); err != nil {
		return nil, err
	}
	if v.tabs, err = h.tabs(r, tabAbsences, nil); err != nil {
		return nil, err
	}
	var toast *ui.Toast
	switch q.Get("fait") {
	case "retire":
		toast = &ui.Toast{Text: r.T("liaison.absence_taken")}
	case "vu":
		toast = &ui.Toast{Text: r.T("liaison.absence_noted")}
	}
	return r.PageWith(http.StatusOK, r.T("liaison.tab_absences"), "liaison", toast, absencesPage(v))
}

// seen takes what is shown out of the news, if it still is some.
func (h handler) seen(r *app.Request, list []Away) error {
	if list = fresh(list); len(list) == 0 {
		return nil
	}
	return h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return SeeAbsences(r.Context(), tx, r.Grant, h.core.Clock.Now(), list) })
}

func (h handler) absence(r *app.Request) (web.Response, error) {
	return h.showAbsence(r, http.StatusOK, AbsenceDraft{}, nil)
}

// showAbsence shows one absence; typed is a correction that was refused.
func (h handler) showAbsence(r *app.Request, status int, typed AbsenceDraft, faults map[string]string) (web.Response, error) {
	a, err := AbsenceOf(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	v := absenceView{r: r, away: a, draft: typed, faults: faults}
	if faults == nil {
		v.draft = draftOf(a)
	}
	if r.Method == http.MethodGet {
		if err := h.seen(r, []Away{a}); err != nil {
			return nil, err
		}
	}
	if v.tabs, err = h.tabs(r, tabAbsences, nil); err != nil {
		return nil, err
	}
	var toast *ui.Toast
	switch r.URL.Query().Get("fait") {
	case "annonce":
		toast = &ui.Toast{Text: r.T("liaison.absence_sent"), Undo: absencePath(a.ID) + "/retirer"}
	case "change":
		toast = &ui.Toast{Text: r.T("liaison.absence_changed")}
	case "retire":
		toast = &ui.Toast{Text: r.T("liaison.absence_taken")}
	}
	return r.PageWith(status, v.title(), "liaison", toast, absencePage(v))
}

func (h handler) changeAbsence(r *app.Request) (web.Response, error) {
	d, err := absenceDraft(r)
	if err != nil {
		return nil, err
	}
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return ChangeAbsence(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), d)
	})
	if faults, ok := r.Faults(err); ok {
		return h.showAbsence(r, http.StatusUnprocessableEntity, d, faults)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(absencePath(r.Grant.ID()) + "?fait=change"), nil
}

func (h handler) withdrawAbsence(r *app.Request) (web.Response, error) {
	nothing := false
	err := h.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		nothing, err = WithdrawAbsence(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now())
		return err
	})
	if faults, ok := r.Faults(err); ok {
		return h.showAbsence(r, http.StatusUnprocessableEntity, AbsenceDraft{}, faults)
	}
	if err != nil {
		return nil, err
	}
	if nothing {
		return web.Redirect("/carnet/absences?fait=retire"), nil
	}
	return web.Redirect(absencePath(r.Grant.ID()) + "?fait=retire"), nil
}

// noteAbsence comes back to the day, whose list is where it was said.
func (h handler) noteAbsence(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return NoteAbsence(r.Context(), tx, r.Grant, h.core.Clock.Now()) }); err != nil {
		return nil, err
	}
	back := "/carnet/absences?fait=vu"
	if day, err := time.Parse(time.DateOnly, f.Get("jour")); err == nil {
		back += "&jour=" + day.Format(time.DateOnly)
	}
	if class := f.Get("classe"); id.Valid(class) {
		back += "&classe=" + class
	}
	return web.Redirect(back), nil
}
