package liaison

import (
	"bytes"
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/richtext"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// sealed is what the square of a slip holds: which word, for whom, as it was
// printed. It says nothing to whoever has not the server's key.
const sealed = "liaison slip"

// mark seals what the square of a slip says.
func mark(keys *secret.Keys, word, pupil string, version int) string {
	w, p := uuid.MustParse(word), uuid.MustParse(pupil)
	plain := append(append(w[:], p[:]...), strconv.Itoa(version)...)
	return base64.RawURLEncoding.EncodeToString(keys.Seal(sealed, plain, nil))
}

// readMark opens the square of a slip.
func readMark(keys *secret.Keys, token string) (word string, s Slip, ok bool) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", s, false
	}
	plain, err := keys.Open(sealed, b, nil)
	if err != nil || len(plain) < 33 {
		return "", s, false
	}
	w, _ := uuid.FromBytes(plain[:16])
	p, _ := uuid.FromBytes(plain[16:32])
	if s.Version, err = strconv.ParseInt(string(plain[32:]), 10, 64); err != nil || s.Version < 1 {
		return "", s, false
	}
	s.Pupil = p.String()
	return w.String(), s, true
}

// slips is the page where slips are printed and noted.
func (h handler) slips(r *app.Request) (web.Response, error) {
	return h.slipsWith(r, http.StatusOK, returning{})
}

// returning is a slip whose note was refused, and why.
type returning struct{ pupil, value, day, fault string }

// changed says what a slip says now that said something else.
func changed(r *app.Request, f Family, choices []Choice) string {
	if f.Paper == nil || f.Paper.Text(choices) == "" {
		return r.T("liaison.slip_changed", "name", f.Name())
	}
	return r.T("liaison.slip_changed_to", "name", f.Name(), "answer", f.Paper.Text(choices))
}

func (h handler) slipsWith(r *app.Request, status int, typed returning) (web.Response, error) {
	t, err := h.followed(r)
	if err != nil {
		return nil, err
	}
	t.page, t.returning = "/talons", typed
	t.part.Filter = Everyone
	now := r.Viewer.Now.UnixMilli()
	if t.sum, err = Summarize(r.Context(), h.core.DB, r.Grant, now); err != nil {
		return nil, err
	}
	one := typed.pupil
	if one == "" {
		one = r.URL.Query().Get("eleve")
	}
	o := t.part
	o.Limit = listed + 1
	if one != "" {
		o = Part{Pupils: []string{one}}
	}
	if one != "" || !t.wide() {
		if t.list, err = Families(r.Context(), h.core.DB, r.Grant, now, o); err != nil {
			return nil, err
		}
		if len(t.list) > listed {
			t.list = t.list[:listed]
			t.more = t.list[listed-1].Pupil
		}
	}
	t.one = one != ""
	zone := r.Viewer.Zone()
	t.day = r.Viewer.Now.In(zone).Format(time.DateOnly)
	if day := r.URL.Query().Get("jour"); typed.day == "" && day != "" {
		typed.day = day
	}
	if day, err := time.Parse(time.DateOnly, typed.day); err == nil && typed.day <= t.day && typed.day >= t.word.At(zone).Format(time.DateOnly) {
		t.day = day.Format(time.DateOnly)
	}
	said := toast(r, t.word)
	if t.one && len(t.list) == 1 {
		fields := map[string]string{"eleve": one}
		switch r.URL.Query().Get("fait") {
		case "recu":
			said = &ui.Toast{Text: r.T("liaison.slip_received", "name", t.list[0].Name()), Undo: path(t.word.ID) + "/talons/annuler", Fields: fields}
		case "dejarecu":
			said = &ui.Toast{Text: r.T("liaison.slip_again", "name", t.list[0].Name())}
		case "reponsechangee":
			fields["avant"] = "1"
			said = &ui.Toast{Text: changed(r, t.list[0], t.choices), Undo: path(t.word.ID) + "/talons/annuler", Fields: fields}
		}
	}
	shell, err := r.Shell(r.T("liaison.slips_of", "title", t.word.Title), "liaison")
	if err != nil {
		return nil, err
	}
	shell.Toast, shell.Scripts = said, []string{ui.Asset("slips.js")}
	return web.PageStatus(status, app.Inside(ui.Layout(shell), slipsPage(t))), nil
}

// noteSlip notes a slip that came back: of the pupil tapped in a list, or whose
// square was read. The camera of the page is answered in a few words.
func (h handler) noteSlip(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	s := Slip{Pupil: f.Get("eleve"), Text: f.Get("reponse"), Day: f.Get("jour")}
	if token := f.Get("talon"); token != "" {
		word, read, ok := readMark(h.core.Keys, token)
		switch {
		case !ok:
			return h.unread(r, returning{fault: r.T("liaison.slip_unknown")})
		case word != r.Grant.ID():
			return h.unread(r, returning{fault: r.T("liaison.slip_other")})
		}
		s.Pupil, s.Version = read.Pupil, read.Version
	}
	if n, err := strconv.ParseInt(s.Text, 10, 64); err == nil {
		s.Choice = n
	}
	if !f.Has("reponse") && wantsWords(r) {
		// The square says whose slip it is; what is on it must be told.
		if w, err := h.words(r, Query{Follow: true, ID: r.Grant.ID(), Limit: 1}); err != nil || len(w) == 1 && w[0].Ask.Answered() {
			if err != nil {
				return nil, err
			}
			return h.answerCamera(r, s.Pupil, func(f Family) spoken {
				return spoken{State: "choice", Said: r.T("liaison.slip_says", "name", f.Name())}
			})
		}
	}
	came := CameFirst
	err = h.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		came, err = NoteReturn(r.Context(), tx, r.Grant, h.core.Clock.Now(), s)
		return err
	})
	if faults, ok := r.Faults(err); ok {
		for _, k := range []string{"talon", "jour", "reponse"} {
			if faults[k] != "" {
				return h.unread(r, returning{pupil: s.Pupil, value: s.Text, day: s.Day, fault: faults[k]})
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if wantsWords(r) {
		var choices []Choice
		if came == CameChanged {
			if choices, err = Choices(r.Context(), h.core.DB, r.Grant); err != nil {
				return nil, err
			}
		}
		return h.answerCamera(r, s.Pupil, func(f Family) spoken {
			switch came {
			case CameAgain: // there is nothing to take back
				return spoken{State: "received", Said: r.T("liaison.slip_again", "name", f.Name())}
			case CameChanged:
				return spoken{State: "received", Said: changed(r, f, choices), Pupil: f.Pupil, Before: true}
			}
			return spoken{State: "received", Said: r.T("liaison.slip_received", "name", f.Name()), Pupil: f.Pupil}
		})
	}
	q := url.Values{"fait": {"recu"}, "eleve": {s.Pupil}}
	switch came {
	case CameAgain:
		q.Set("fait", "dejarecu")
	case CameChanged:
		q.Set("fait", "reponsechangee")
	}
	if s.Day != r.Viewer.Now.In(r.Viewer.Zone()).Format(time.DateOnly) && s.Day != "" {
		q.Set("jour", s.Day)
	}
	return web.Redirect(path(r.Grant.ID()) + "/talons?" + q.Encode()), nil
}

// wantsWords says whether it is the camera of the page that asks.
func wantsWords(r *app.Request) bool { return r.Header.Get("Accept") == "application/json" }

// spoken is what the camera is answered.
type spoken struct {
	State  string `json:"state"` // received, choice, refused
	Said   string `json:"said"`
	Pupil  string `json:"pupil,omitempty"`  // of what can be taken back
	Before bool   `json:"before,omitempty"` // for what was said before it
}

func (h handler) answerCamera(r *app.Request, pupil string, say func(Family) spoken) (web.Response, error) {
	list, err := Families(r.Context(), h.core.DB, r.Grant, r.Viewer.Now.UnixMilli(), Part{Pupils: []string{pupil}})
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return h.unread(r, returning{fault: r.T("liaison.slip_nobody")})
	}
	return web.JSON(http.StatusOK, say(list[0])), nil
}

// unread refuses a slip with a sentence.
func (h handler) unread(r *app.Request, typed returning) (web.Response, error) {
	if wantsWords(r) {
		return web.JSON(http.StatusUnprocessableEntity, spoken{State: "refused", Said: typed.fault}), nil
	}
	return h.slipsWith(r, http.StatusUnprocessableEntity, typed)
}

func (h handler) unnote(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	done := false
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		if f.Has("avant") {
			done, err = RestoreReturn(r.Context(), tx, r.Grant, f.Get("eleve"))
			return err
		}
		done, err = UndoReturn(r.Context(), tx, r.Grant, h.core.Clock.Now(), f.Get("eleve"))
		return err
	}); err != nil {
		return nil, err
	}
	if wantsWords(r) {
		return web.JSON(http.StatusOK, spoken{State: "undone", Said: r.T("liaison.undone")}), nil
	}
	if !done {
		return web.Redirect(path(r.Grant.ID()) + "/talons"), nil
	}
	return web.Redirect(path(r.Grant.ID()) + "/talons?fait=annule"), nil
}

// scanned is where a slip leads that was read by the telephone itself: its
// square is a link whose secret comes after the sign that no browser sends.
func (h handler) scanned(r *app.Request) (web.Response, error) {
	shell, err := r.Shell(r.T("liaison.slip"), "liaison")
	if err != nil {
		return nil, err
	}
	shell.Scripts = []string{ui.Asset("session.js")}
	return web.Page(app.Inside(ui.Layout(shell), scannedPage())), nil
}

// openSlip leads whoever follows the word to the pupil, and a family to the word.
func (h handler) openSlip(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	word, s, ok := readMark(h.core.Keys, strings.TrimSpace(f.Get("talon")))
	if !ok {
		return nil, errs.New(errs.NotFound, "liaison.slip_unknown")
	}
	if !follower(r.Viewer) || slices.ContainsFunc(r.Viewer.Children, func(c rights.Child) bool { return c.ID == s.Pupil }) {
		return web.Redirect(path(word)), nil
	}
	return web.Redirect(path(word) + "/talons?" + url.Values{"eleve": {s.Pupil}}.Encode()), nil
}

// print draws the slips of the families that were ticked, of those without an
// account, or of all that are missing.
func (h handler) print(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	ctx, q := r.Context(), h.core.DB
	words, err := h.words(r, Query{Follow: true, ID: r.Grant.ID(), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(words) == 0 {
		return nil, errs.ErrNotFound
	}
	w := words[0]
	o := Part{Pupils: f["seul"], Class: f.Get("classe")}
	if len(o.Pupils) == 0 {
		o.Pupils = f["id"]
	}
	if len(o.Pupils) == 0 {
		if o.Filter = Without; Filter(f.Get("qui")) == Missing {
			o.Filter = Missing
		}
	}
	if r.URL.Query().Has("choix") && len(o.Pupils) == 0 {
		return web.Redirect(path(w.ID) + "/suivi?fait=personne"), nil
	}
	list, err := Families(ctx, q, r.Grant, r.Viewer.Now.UnixMilli(), o)
	if err != nil {
		return nil, err
	}
	if list = slices.DeleteFunc(list, Family.Reached); len(list) == 0 {
		return web.Redirect(path(w.ID) + "/talons?fait=rien"), nil
	}
	choices, err := Choices(ctx, q, r.Grant)
	if err != nil {
		return nil, err
	}
	files, err := file.Of(ctx, q, r.Grant)
	if err != nil {
		return nil, err
	}
	school, _, err := people.SchoolByID(ctx, q, w.School)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := (handout{
		say: r.T, school: school.Name, title: w.Title, text: richtext.Text(richtext.HTML(w.Body)), from: w.From(), due: dayOf(w.Due, r.Viewer.Now.In(r.Viewer.Zone())),
		ask: w.Ask, asked: w.Question, choices: choices, pieces: len(files), printed: r.Viewer.Now,
		link: func(pupil string) string {
			return h.core.Base.JoinPath("/carnet/talon").String() + "#" + mark(h.core.Keys, w.ID, pupil, w.Version)
		},
	}).write(&b, list); err != nil {
		return nil, err
	}
	return web.Download(r.T("liaison.paper_name"), "application/pdf", func(_ context.Context, to io.Writer) error {
		_, err := b.WriteTo(to)
		return err
	}), nil
}
