package liaison

import (
	"net/http"
	"strconv"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/richtext"
	"marelle/internal/platform/web"
)

// corrected reads what a word said before, if it ever said something else.
func (h handler) corrected(r *app.Request, v *view) (err error) {
	if v.word.Version == 1 {
		return nil
	}
	if v.earlier, err = EarlierOf(r.Context(), h.core.DB, r.Grant); err != nil || r.Grant.Role() < rights.Contribute {
		return err
	}
	v.versions, err = Versions(r.Context(), h.core.DB, r.Grant)
	return err
}

// corrected says when the word was, "" if it never was.
func (v view) corrected() string {
	if v.word.CorrectedAt == nil {
		return ""
	}
	return v.r.T("liaison.corrected_at", "when", v.moment(*v.word.CorrectedAt))
}

// moment is a day and its hour.
func (v view) moment(at int64) string {
	t := time.UnixMilli(at).In(v.zone)
	return v.r.T("liaison.moment", "day", i18n.Date(t, v.now()), "hour", i18n.Hour(t))
}

// mine says the same to the one who gave it.
func (v view) mine() string {
	e, ok := v.earlier[v.r.Viewer.Person]
	switch {
	case !ok:
		return ""
	case !e.Replied:
		return v.r.T("liaison.before_mine", "when", v.moment(e.At))
	}
	return v.r.T("liaison.before_yours", "when", v.moment(e.At))
}

// version is the hidden field of the version that a reader has before them.
func (v view) version() string { return strconv.Itoa(v.word.Version) }

func (h handler) correctForm(r *app.Request) (web.Response, error) {
	words, err := List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{Follow: true, ID: r.Grant.ID(), Limit: 1})
	if err == nil && len(words) == 0 {
		err = errs.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	w := words[0]
	shown, err := file.Of(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	f := form{school: r.Grant.School(), kept: shown, seen: int64(w.Version),
		draft: Draft{ID: w.ID, Title: w.Title, Text: richtext.Text(richtext.HTML(w.Body)), Rich: richtext.HTML(w.Body), Theme: w.Theme, Due: w.Due}}
	return r.Page(r.T("liaison.correct"), "liaison", correctPage(f))
}

func (h handler) correct(r *app.Request) (web.Response, error) {
	shown, err := file.Of(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	d, received, err := h.draft(r, shown...)
	if _, ok := r.Faults(err); err != nil && !ok {
		return nil, err
	}
	d.ID = r.Grant.ID() // where the form is sent again
	now := h.core.Clock.Now()
	c := Correction{Seen: number(r.PostFormValue("version")), Title: d.Title, Text: d.Text, Rich: d.Rich, Theme: d.Theme, Due: d.Due, Files: d.Files, Again: r.PostFormValue("encore") != ""}
	if err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			if err := record(r.Context(), tx, r.Grant, now, received); err != nil {
				return err
			}
			_, err := Correct(r.Context(), tx, h.core, r.Grant, now, c)
			return err
		})
	}
	if faults, ok := r.Faults(err); ok {
		cause := err
		kept, err := h.keep(r, received, shown, d.Files)
		if err != nil {
			return nil, err
		}
		f := form{school: r.Grant.School(), kept: kept, seen: c.Seen, again: c.Again, draft: d, faults: faults}
		if errs.As(cause).Fields["titre"].Key == meanwhile {
			words, err := List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{Follow: true, ID: r.Grant.ID(), Limit: 1})
			if err != nil {
				return nil, err
			}
			if len(words) > 0 { // saved again, this text is the one meant
				f.now, f.seen = &words[0], int64(words[0].Version)
			}
		}
		return r.PageWith(http.StatusUnprocessableEntity, r.T("liaison.correct"), "liaison", nil, correctPage(f))
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "?fait=change"), nil
}

// keep records what came with a faulty form and lists the files that it had.
func (h handler) keep(r *app.Request, received []file.Received, shown []file.File, ids []string) ([]file.File, error) {
	if len(received) > 0 {
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return record(r.Context(), tx, r.Grant, h.core.Clock.Now(), received)
		}); err != nil {
			return nil, err
		}
	}
	own, err := file.Own(r.Context(), h.core.DB, r.Viewer.Person, ids...)
	if err != nil {
		return nil, err
	}
	return among(append(shown, own...), ids), nil
}

// among are the files of some ids, each once.
func among(files []file.File, ids []string) (out []file.File) {
	for _, id := range ids {
		for _, f := range files {
			if f.ID == id {
				out = append(out, f)
				break
			}
		}
	}
	return out
}
