package liaison

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// Where drafts are kept.
const (
	atDrafts  = "/carnet?vue=brouillons"
	atCompose = "/carnet/nouveau"
	atSave    = "/carnet/brouillon"
	atDrop    = "/carnet/brouillon/supprimer"
	atPreview = "/carnet/apercu"
	atUndrop  = "/carnet/brouillon/garder"
)

// in is an address of the service in one school.
func in(at, school string, pairs ...string) string {
	q := url.Values{"ecole": {school}}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	return at + "?" + q.Encode()
}

// draftList is what the viewer has begun.
func (h handler) draftList(r *app.Request) (web.Response, error) {
	v := view{r: r, follow: true, zone: r.Viewer.Zone(), drafting: true}
	var err error
	if v.drafts, err = Drafts(r.Context(), h.core.DB, r.Viewer.Scope()); err != nil {
		return nil, err
	}
	v.pile.Total = len(v.drafts)
	if counts, err := r.Unread(); err != nil {
		return nil, err
	} else if counts.Kinds[string(Unsent)] > 0 {
		if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return SeeUnsent(r.Context(), tx, r.Grant, h.core.Clock.Now()) }); err != nil {
			return nil, err
		}
	}
	if v.tabs, err = h.tabs(r, tabDrafts, &v.pile); err != nil {
		return nil, err
	}
	var toast *ui.Toast
	switch done, draft, _ := strings.Cut(r.URL.Query().Get("fait"), "."); done {
	case "supprime":
		if id.Valid(draft) {
			toast = &ui.Toast{Text: r.T("liaison.draft_dropped"), Undo: in(atUndrop, r.URL.Query().Get("ecole")), Fields: map[string]string{"brouillon": draft}}
		}
	case "prevu":
		toast = &ui.Toast{Text: r.T("liaison.planned_now")}
	case "plusprevu":
		toast = &ui.Toast{Text: r.T("liaison.unplanned")}
	case "garde":
		toast = &ui.Toast{Text: r.T("liaison.draft_back")}
	}
	return r.PageWith(http.StatusOK, r.T("liaison.drafts"), "liaison", toast, draftsPage(v))
}

// resume puts a saved draft back into the form.
func (h handler) resume(r *app.Request, draft string) (web.Response, error) {
	s, err := DraftOf(r.Context(), h.core.DB, r.Grant, draft)
	if err != nil {
		return nil, err
	}
	var toast *ui.Toast
	switch r.URL.Query().Get("fait") {
	case "brouillon":
		toast = &ui.Toast{Text: h.savedAt(r, s.SavedAt)}
	case "double":
		toast = &ui.Toast{Text: r.T("liaison.draft_second"), Stays: true}
	case "repris":
		toast = &ui.Toast{Text: r.T("liaison.taken_back"), Stays: true}
	case "retouche":
		toast = &ui.Toast{Text: r.T("liaison.retouched")}
	case "decrit":
		toast = &ui.Toast{Text: r.T("liaison.described")}
	case "copie":
		toast = &ui.Toast{Text: r.T("liaison.duplicated")}
	}
	d := s.Draft()
	s.plannedIn(&d, r.Viewer.Zone())
	for _, f := range r.URL.Query()["fichier"] { // chosen among documents meanwhile
		if id.Valid(f) {
			d.Files = append(d.Files, f)
		}
	}
	return h.formWith(r, http.StatusOK, d, nil, toast)
}

// savedAt says when a draft was saved, in the author's words.
func (h handler) savedAt(r *app.Request, at int64) string {
	return r.T("liaison.draft_saved", "hour", i18n.Hour(time.UnixMilli(at).In(r.Viewer.Zone())))
}

// save keeps a draft: for the button, which comes back to the form or goes to
// the preview, and for the script, which wants JSON.
func (h handler) save(r *app.Request) (web.Response, error) {
	script := r.URL.Query().Get("pour") == "script"
	d, received, err := h.draft(r)
	now := h.core.Clock.Now()
	var kept Kept
	if err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			if err := record(r.Context(), tx, r.Grant, now, received); err != nil {
				return err
			}
			var err error
			kept, err = Save(r.Context(), tx, r.Grant, now, d)
			return err
		})
	}
	if faults, ok := r.Faults(err); ok {
		if script {
			for _, f := range faults {
				return web.JSON(http.StatusUnprocessableEntity, map[string]any{"text": f}), nil
			}
		}
		return h.form(r, http.StatusUnprocessableEntity, d, faults)
	}
	if err != nil {
		return nil, err
	}
	school := r.Grant.School()
	if script {
		out := map[string]any{"id": kept.ID, "revision": kept.Revision, "text": h.savedAt(r, now.UnixMilli())}
		switch {
		case kept.Planned:
			out["stop"], out["text"] = true, r.T("liaison.draft_planned")
		case kept.Sent:
			out["stop"], out["text"] = true, r.T("liaison.draft_sent")
		case kept.Newer != 0:
			out["text"] = r.T("liaison.draft_parted", "hour", i18n.Hour(time.UnixMilli(kept.Newer).In(r.Viewer.Zone())))
		}
		return web.JSON(http.StatusOK, out), nil
	}
	switch {
	case kept.Sent:
		return web.Redirect(path(kept.ID)), nil
	case kept.Planned:
		return web.Redirect(atDrafts), nil
	case r.PostForm.Has("choisir"):
		return web.Redirect(in("/fichiers/choisir", school, "lire", "", "retour", in(atCompose, school, "brouillon", kept.ID))), nil
	case id.Valid(r.PostForm.Get("retoucher")):
		return web.Redirect(h.core.Retouching(r.PostForm.Get("retoucher"), in(atCompose, school, "brouillon", kept.ID))), nil
	case r.PostForm.Has("apercu"):
		return web.Redirect(in(atPreview, school, "brouillon", kept.ID)), nil
	case kept.Newer != 0:
		return web.Redirect(in(atCompose, school, "brouillon", kept.ID, "fait", "double")), nil
	}
	return web.Redirect(in(atCompose, school, "brouillon", kept.ID, "fait", "brouillon")), nil
}

// ofDraft does something to the draft that the form names.
func (h handler) ofDraft(r *app.Request, do func(ctx context.Context, tx *db.Tx, draft string) error) (string, error) {
	f, err := r.Values()
	if err != nil {
		return "", err
	}
	draft := f.Get("brouillon")
	if !id.Valid(draft) {
		return "", errs.ErrNotFound
	}
	return draft, h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return do(r.Context(), tx, draft) })
}

func (h handler) drop(r *app.Request) (web.Response, error) {
	draft, err := h.ofDraft(r, func(ctx context.Context, tx *db.Tx, draft string) error {
		return Drop(ctx, tx, r.Grant, h.core.Clock.Now(), draft)
	})
	if err != nil {
		return nil, err
	}
	return web.Redirect(in("/carnet", r.Grant.School(), "vue", "brouillons", "fait", "supprime."+draft)), nil
}

func (h handler) undrop(r *app.Request) (web.Response, error) {
	if _, err := h.ofDraft(r, func(ctx context.Context, tx *db.Tx, draft string) error { return Undrop(ctx, tx, r.Grant, draft) }); err != nil {
		return nil, err
	}
	return web.Redirect(atDrafts + "&fait=garde"), nil
}

func (h handler) unsend(r *app.Request) (web.Response, error) {
	return h.copied(r, "repris", TakeBack)
}

func (h handler) duplicate(r *app.Request) (web.Response, error) {
	return h.copied(r, "copie", Duplicate)
}

// copied goes on with the draft that was made of a word.
func (h handler) copied(r *app.Request, done string, do copying) (web.Response, error) {
	var draft string
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		draft, err = do(r.Context(), tx, r.Grant, h.core.Clock.Now())
		return err
	}); errs.KindOf(err) == errs.Invalid {
		return web.Redirect(path(r.Grant.ID()) + "?fait=tropdebrouillons"), nil
	} else if err != nil {
		return nil, err
	}
	if draft == "" {
		return web.Redirect(path(r.Grant.ID()) + "?fait=parti"), nil
	}
	return web.Redirect(in(atCompose, r.Grant.School(), "brouillon", draft, "fait", done)), nil
}

// preview shows a draft as a family will see it.
func (h handler) preview(r *app.Request) (web.Response, error) {
	draft := r.URL.Query().Get("brouillon")
	s, err := DraftOf(r.Context(), h.core.DB, r.Grant, draft)
	if err != nil {
		return nil, err
	}
	d := s.Draft()
	files, err := file.Own(r.Context(), h.core.DB, r.Viewer.Person, d.Files...)
	if err != nil {
		return nil, err
	}
	if len(d.Choices) == 1 && d.Choices[0] == "" {
		d.Choices = nil
	}
	choices := d.Choices
	if d.Ask == AskYesNo {
		choices = []string{r.T("liaison.yes"), r.T("liaison.no")}
	}
	v := view{r: r, zone: r.Viewer.Zone(), preview: true, files: files, back: in(atCompose, s.School, "brouillon", s.ID),
		word: &Item{ID: s.ID, School: s.School, Author: r.Viewer.Person, First: r.Viewer.First, Last: r.Viewer.Last, Avatar: r.Viewer.Avatar,
			Title: d.Title, Theme: d.Theme, Body: string(d.Body()), Version: 1, PublishedAt: r.Viewer.Now.UnixMilli(), Ask: d.Ask, Question: d.Question, Due: d.Due}}
	for i, c := range choices {
		v.choices = append(v.choices, Choice{N: int64(i + 1), Label: c})
	}
	return r.Page(r.T("liaison.preview"), "liaison", previewPage(v))
}

// previewOf shows a word that was sent as a family sees it.
func (h handler) previewOf(r *app.Request) (web.Response, error) {
	words, err := h.words(r, Query{Follow: true, ID: r.Grant.ID(), Limit: 1})
	if err == nil && len(words) == 0 {
		err = errs.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	v := view{r: r, zone: r.Viewer.Zone(), preview: true, word: &words[0], back: path(r.Grant.ID())}
	v.word.Replied, v.word.ReadAt = false, nil
	if v.files, err = file.Of(r.Context(), h.core.DB, r.Grant); err != nil {
		return nil, err
	}
	if v.word.Ask.Chosen() {
		if v.choices, err = Choices(r.Context(), h.core.DB, r.Grant); err != nil {
			return nil, err
		}
	}
	return r.Page(r.T("liaison.preview"), "liaison", previewPage(v))
}

// goOn is the whole name of the link to a draft's form.
func (v view) goOn(d Saved) string {
	if d.SendAt != nil {
		return v.r.T("liaison.plan_edit_it", "title", v.name(d))
	}
	return v.r.T("liaison.draft_go_on_with", "title", v.name(d))
}

// signer is who signs the open word; nobody yet in a preview.
func (v view) signer() string {
	if v.preview {
		return v.r.T("liaison.preview_parent")
	}
	return v.r.Viewer.First + " " + v.r.Viewer.Last
}
