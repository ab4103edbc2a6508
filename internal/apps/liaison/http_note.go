package liaison

import (
	"cmp"
	"net/http"
	"slices"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

func notePath(id string) string { return "/echange/" + id }

// writeNote is the form of a note: for which child, when there are several,
// comes before it, because it decides who reads.
func (h handler) writeNote(r *app.Request) (web.Response, error) {
	d := NoteDraft{ID: id.New(), Pupil: r.URL.Query().Get("enfant"), Word: r.URL.Query().Get("mot")}
	if !id.Valid(d.Word) {
		d.Word = ""
	}
	if d.Pupil == "" && len(r.Viewer.Children) == 1 {
		d.Pupil = r.Viewer.Children[0].ID
	}
	return h.noteForm(r, http.StatusOK, d, nil)
}

// noteForm shows a note being written, with what was typed and what is wrong.
func (h handler) noteForm(r *app.Request, status int, d NoteDraft, faults map[string]string) (web.Response, error) {
	f := noteForm{r: r, draft: d, faults: faults}
	if d.Pupil == "" {
		return r.PageWith(status, r.T("liaison.note_write"), "liaison", nil, notePage(f))
	}
	p, err := placeOf(r.Context(), h.core.DB, r.Viewer, d.Pupil)
	if err != nil {
		return nil, err
	}
	if f.to, err = receiving(r.Context(), h.core.DB, r.Viewer, p); err != nil {
		return nil, err
	}
	if d.Word != "" {
		w, ok, err := answering(r.Context(), h.core.DB, r.Viewer, r.Viewer.Scope(), d.Word, d.Pupil)
		if err != nil {
			return nil, err
		}
		switch {
		case ok && w.Note != nil && r.Method == http.MethodGet:
			return web.Redirect(notePath(*w.Note)), nil
		case ok:
			f.word = &w
		default: // its author has left, or it is not for this child: the teachers are there
			f.draft.Word = ""
		}
	}
	if f.kept, err = file.Own(r.Context(), h.core.DB, r.Viewer.Person, d.Files...); err != nil {
		return nil, err
	}
	return r.PageWith(status, r.T("liaison.note_write"), "liaison", nil, notePage(f))
}

// noteDraft reads the form of a message.
func (h handler) noteDraft(r *app.Request) (NoteDraft, []file.Received, error) {
	form, heavy, err := h.sent(r)
	if err != nil {
		return NoteDraft{}, nil, err
	}
	d := NoteDraft{ID: form.Get("id"), Pupil: form.Get("enfant"), Word: form.Get("mot"), Head: form.Has("direction"), Text: form.Get("texte")}
	var received []file.Received
	d.Files, received, err = h.pieces(r, form["fichier"])
	return d, received, cmp.Or(heavy, err)
}

// say reads a message and has it written, in the transaction that records its
// files; faulty shows the form again.
func (h handler) say(r *app.Request, write func(tx *db.Tx, d NoteDraft) error, faulty func(NoteDraft, map[string]string) (web.Response, error)) (web.Response, error) {
	d, received, err := h.noteDraft(r)
	now := h.core.Clock.Now()
	if err == nil {
		if err = d.Check(); err == nil {
			err = h.write(r, func(tx *db.Tx) error {
				if err := record(r.Context(), tx, r.Grant, now, received); err != nil {
					return err
				}
				return write(tx, d)
			})
		}
		if _, ok := r.Faults(err); ok {
			// A faulty form keeps the files that came with it.
			if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return record(r.Context(), tx, r.Grant, now, received) }); err != nil {
				return nil, err
			}
		}
	}
	if faults, ok := r.Faults(err); ok {
		return faulty(d, faults)
	}
	return nil, err
}

func (h handler) sendNote(r *app.Request) (web.Response, error) {
	note := ""
	res, err := h.say(r, func(tx *db.Tx, d NoteDraft) (err error) {
		note, err = SendNote(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), d)
		return err
	}, func(d NoteDraft, faults map[string]string) (web.Response, error) {
		return h.noteForm(r, http.StatusUnprocessableEntity, d, faults)
	})
	if res != nil || err != nil {
		return res, err
	}
	return web.Redirect(notePath(note) + "?fait=envoye"), nil
}

func (h handler) answerNote(r *app.Request) (web.Response, error) {
	res, err := h.say(r, func(tx *db.Tx, d NoteDraft) error {
		return AnswerNote(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), d)
	}, func(d NoteDraft, faults map[string]string) (web.Response, error) {
		return h.thread(r, http.StatusUnprocessableEntity, d, faults)
	})
	if res != nil || err != nil {
		return res, err
	}
	return web.Redirect(notePath(r.Grant.ID()) + "?fait=envoye"), nil
}

// undoNote gives back what was just sent, in the form that it came from.
func (h handler) undoNote(r *app.Request) (web.Response, error) {
	var d NoteDraft
	var gone, ok bool
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		var err error
		d, gone, ok, err = UndoNote(r.Context(), tx, r.Grant, h.core.Clock.Now())
		return err
	}); err != nil {
		return nil, err
	}
	switch {
	case !ok:
		return web.Redirect(notePath(r.Grant.ID()) + "?fait=tard"), nil
	case gone:
		return h.noteForm(r, http.StatusOK, d, nil)
	}
	return h.thread(r, http.StatusOK, d, nil)
}

// notes is the list of threads, of both sides.
func (h handler) notes(r *app.Request) (web.Response, error) {
	v := notesView{r: r}
	var err error
	if v.list, err = NotesOf(r.Context(), h.core.DB, r.Viewer, r.Viewer.Scope(), "", cursor(r.URL.Query().Get("avant")), page+1); err != nil {
		return nil, err
	}
	if len(v.list) > page {
		v.list = v.list[:page]
		v.next = Cursor{v.list[page-1].LastAt, v.list[page-1].ID}
	}
	if v.tabs, err = h.tabs(r, tabNotes, nil); err != nil {
		return nil, err
	}
	return r.Page(r.T("square.liaison"), "liaison", notesPage(v))
}

func (h handler) note(r *app.Request) (web.Response, error) {
	return h.thread(r, http.StatusOK, NoteDraft{ID: id.New()}, nil)
}

// thread shows a note with its answers, and the form of the next one.
func (h handler) thread(r *app.Request, status int, d NoteDraft, faults map[string]string) (web.Response, error) {
	ctx, q := r.Context(), h.core.DB
	list, err := NotesOf(ctx, q, r.Viewer, r.Viewer.Scope(), r.Grant.ID(), Cursor{}, 1)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, errs.ErrNotFound
	}
	v := threadView{r: r, note: list[0], draft: d, faults: faults}
	if v.messages, err = Messages(ctx, q, r.Grant); err != nil {
		return nil, err
	}
	if v.readers, err = Readers(ctx, q, r.Grant); err != nil {
		return nil, err
	}
	if v.files, err = file.Of(ctx, q, r.Grant); err != nil {
		return nil, err
	}
	if len(v.files) > 0 {
		if v.with, err = filed(ctx, q, r.Grant); err != nil {
			return nil, err
		}
	}
	if v.kept, err = file.Own(ctx, q, r.Viewer.Person, d.Files...); err != nil {
		return nil, err
	}
	if v.note.Unread && r.Method == http.MethodGet {
		if err := h.core.DB.Write(ctx, func(tx *db.Tx) error { return SeeNote(ctx, tx, r.Grant, h.core.Clock.Now(), v.note.Messages) }); err != nil {
			return nil, err
		}
	}
	if v.tabs, err = h.tabs(r, tabNotes, nil); err != nil {
		return nil, err
	}
	var toast *ui.Toast
	switch r.URL.Query().Get("fait") {
	case "envoye":
		toast = &ui.Toast{Text: r.T("liaison.note_sent"), Undo: notePath(v.note.ID) + "/annuler"}
	case "tard":
		toast = &ui.Toast{Text: r.T("liaison.undo_late")}
	}
	return r.PageWith(status, v.title(), "liaison", toast, threadPage(v))
}

// answerable are the viewer's children in a word that may be answered.
func (v view) answerable() []rights.Child {
	if v.word == nil || v.word.Ask.Answered() || v.follows() {
		return nil
	}
	return slices.Clone(v.children(*v.word))
}
