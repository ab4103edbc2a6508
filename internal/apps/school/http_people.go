package school

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/web"
)

// returning is the job that gives back to a relative, when a restriction ends,
// the news of the last thirty days.
type returning struct {
	Person string `json:"person"`
}

// Kind names the job.
func (returning) Kind() string { return "school.return" }

func returns(core *app.Core) jobs.Kind {
	return jobs.Handle(func(ctx context.Context, j returning) error {
		return core.DB.Write(ctx, func(tx *db.Tx) error { return notify.Backfill(ctx, tx, j.Person, core.Clock.Now()) })
	})
}

func (h handler) reach(r *app.Request) (web.Response, error) {
	list, err := people.Matrix(r.Context(), h.core.DB, r.Grant.School())
	if err != nil {
		return nil, err
	}
	return page(r, http.StatusOK, r.T("school.reach.title"), reachPage(reachView{r, list}))
}

func (h handler) saveReach(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	on := form["joint"]
	return h.setReach(r, "joindre", func(p people.Pair) bool { return slices.Contains(on, pairName(p)) })
}

func (h handler) resetReach(r *app.Request) (web.Response, error) {
	return h.setReach(r, "joindre-habituel", nil)
}

func (h handler) setReach(r *app.Request, done string, allowed func(people.Pair) bool) (web.Response, error) {
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return people.SetReach(r.Context(), tx, r.Grant, h.core.Clock.Now(), allowed)
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/joindre?fait="+done)), nil
}

// link is the family link that the address names.
func (h handler) link(r *app.Request) (people.Kinship, error) {
	pupil, relative := r.PathValue("eleve"), r.PathValue("parent")
	if !id.Valid(pupil) || !id.Valid(relative) {
		return people.Kinship{}, errs.ErrNotFound
	}
	return people.KinshipOf(r.Context(), h.core.DB, r.Grant, h.core.Clock.Now(), relative, pupil)
}

func (h handler) kinship(r *app.Request) (web.Response, error) {
	k, err := h.link(r)
	if err != nil {
		return nil, err
	}
	v := kinshipView{r: r, k: k}
	v.fill()
	return page(r, http.StatusOK, r.T("school.access.title"), kinshipPage(v))
}

func (h handler) restrict(r *app.Request) (web.Response, error) {
	k, err := h.link(r)
	if err != nil {
		return nil, err
	}
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	v := kinshipView{r: r, k: k, from: form.Get("from"), to: form.Get("to"), note: form.Get("note")}
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		until, err := people.Restrict(r.Context(), tx, r.Grant, h.core.Clock.Now(), k.Relative, k.Pupil, v.from, v.to, v.note)
		if err != nil {
			return err
		}
		return h.core.Jobs.AddAt(r.Context(), tx, until, returning{Person: k.Relative})
	})
	var ok bool
	if v.faults, ok = r.Faults(err); ok {
		return page(r, http.StatusUnprocessableEntity, r.T("school.access.title"), kinshipPage(v))
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(here(r, kinshipPath(k), "?fait=suspendu")), nil
}

func (h handler) lift(r *app.Request) (web.Response, error) {
	k, err := h.link(r)
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		now := h.core.Clock.Now()
		if err := people.Lift(r.Context(), tx, r.Grant, now, k.Relative, k.Pupil); err != nil {
			return err
		}
		return notify.Backfill(r.Context(), tx, k.Relative, now)
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, kinshipPath(k), "?fait=retabli")), nil
}

func kinshipPath(k people.Kinship) string { return "/famille/" + k.Pupil + "/" + k.Relative }

// twins shows two records side by side, or helps to find them.
func (h handler) twins(r *app.Request) (web.Response, error) {
	ctx, q := r.Context(), r.URL.Query()
	if two := q["fiche"]; len(two) == 2 && two[0] != two[1] {
		v := twinsView{r: r}
		var err error
		if v.keep, v.gone, v.refused, err = people.Twins(ctx, h.core.DB, r.Grant, r.Viewer.Now, two[0], two[1]); err != nil {
			return nil, err
		}
		return page(r, http.StatusOK, r.T("school.merge.title"), twinsPage(v))
	}
	v := seekView{r: r, words: strings.TrimSpace(q.Get("nom")), few: len(q["fiche"]) > 0}
	var err error
	if v.pairs, err = suspects(ctx, h.core.DB, r.Grant, r.Viewer.Now); err != nil {
		return nil, err
	}
	if v.found, err = records(ctx, h.core.DB, r.Grant, v.words, r.Viewer.Now); err != nil {
		return nil, err
	}
	return page(r, http.StatusOK, r.T("school.merge.title"), seekPage(v))
}

func (h handler) merge(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	two := form["fiche"]
	if len(two) != 2 || two[0] == two[1] {
		return nil, errs.ErrNotFound
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		_, err := h.core.Merge(r.Context(), tx, r.Grant, h.core.Clock.Now(), two[0], two[1])
		return err
	}); err != nil {
		return nil, err
	}
	return web.Redirect(here(r, "/fusion?fait=reunies")), nil
}

// two is the address where two records are compared.
func two(r *app.Request, a, b string) string {
	return here(r, "/fusion?"+url.Values{"fiche": {a, b}}.Encode())
}

// day is an instant as the school's calendar has it, "" for none.
func day(r *app.Request, at int64) string {
	if at == 0 {
		return ""
	}
	return time.UnixMilli(at).In(r.Viewer.Zone()).Format(time.DateOnly)
}
