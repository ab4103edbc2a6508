package classroom

import (
	"net/http"
	"net/url"
	"slices"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

type handler struct{ core *app.Core }

// write runs f in one transaction, which may choose sign-in names.
func (h handler) write(r *app.Request, f func(tx *db.Tx) error) error {
	return people.Write(r.Context(), h.core.DB, f)
}

func (h handler) list(r *app.Request) (web.Response, error) {
	list, err := Classes(r.Context(), h.core.DB, r.Viewer.Scope(), r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 && !r.Viewer.Is(rights.Head) {
		return web.Redirect(path(list[0].ID)), nil
	}
	return r.Page(r.T("square.classroom"), "classroom", listPage(r, list))
}

// frame is what every page of a class shows.
type frame struct {
	r      *app.Request
	class  people.Class
	tab    string
	roster []Pupil
	counts Counts
}

// class is the one that the grant is for.
func (h handler) class(r *app.Request) (people.Class, error) {
	c, ok, err := people.ClassByID(r.Context(), h.core.DB, r.Grant.ID())
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return c, err
}

// open reads the class and its roster: two statements whatever its size.
func (h handler) open(r *app.Request, tab string) (frame, error) {
	f := frame{r: r, tab: tab}
	class, err := h.class(r)
	if err != nil {
		return f, err
	}
	f.class = class
	if f.roster, err = Roster(r.Context(), h.core.DB, r.Grant, []string{class.ID}, "", r.Viewer.Now); err != nil {
		return f, err
	}
	f.counts = count(f.roster)
	return f, nil
}

func (h handler) pupils(r *app.Request) (web.Response, error) {
	f, err := h.open(r, "")
	if err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, f.class.Label, "classroom", f.toast(), pupilsPage(f))
}

func (h handler) families(r *app.Request) (web.Response, error) {
	f, err := h.open(r, "familles")
	if err != nil {
		return nil, err
	}
	kin := relatives(f.roster)
	ids := make([]string, len(kin))
	for i, a := range kin {
		ids[i] = a.ID
	}
	signed, err := session.PaperCharters(r.Context(), h.core.DB, ids)
	if err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, r.T("classroom.title.families", "of", i18n.OfClass(f.class.Label)), "classroom", f.toast(), familiesPage(f, signed))
}

// toast says what was just done, and offers to undo it.
func (f frame) toast() *ui.Toast {
	q := f.r.URL.Query()
	who := q.Get("qui")
	if !id.Valid(who) {
		who = ""
	}
	class := f.r.Grant.ID()
	undo := func(text, address string, fields map[string]string) *ui.Toast {
		if who == "" {
			address = ""
		}
		return &ui.Toast{Text: f.r.T(text), Undo: address, Fields: fields}
	}
	switch q.Get("fait") {
	case "charte":
		return &ui.Toast{Text: f.r.T("classroom.done.charter")}
	case "charte-retiree":
		return undo("classroom.done.charter_off", "/classe/personne/"+who+"/charte/papier", map[string]string{"signee": "1", "classe": class})
	case "nom":
		return &ui.Toast{Text: f.r.T("classroom.done.name")}
	case "nom-identifiant":
		return &ui.Toast{Text: f.r.T("classroom.done.name_login")}
	case "ajoute":
		return &ui.Toast{Text: f.r.T("classroom.done.pupil_added")}
	case "retire":
		return undo("classroom.done.pupil_removed", path(class, "eleve", who, "remettre"), nil)
	case "remis":
		return &ui.Toast{Text: f.r.T("classroom.done.pupil_restored")}
	case "equipe":
		return &ui.Toast{Text: f.r.T("classroom.done.teacher_added")}
	case "equipe-retire":
		return undo("classroom.done.teacher_removed", path(class, "equipe"), map[string]string{"personne": who})
	case "groupe":
		return &ui.Toast{Text: f.r.T("classroom.done.group")}
	case "groupe-supprime":
		return undo("classroom.done.group_deleted", path(class, "groupe", who, "retablir"), nil)
	case "rattache":
		return &ui.Toast{Text: f.r.T("classroom.done.attached")}
	case "detache":
		return undo("classroom.done.detached", path(class, "eleve", f.r.PathValue("eleve"), "rattacher"), map[string]string{"personne": who})
	}
	return nil
}

// after is where a form leads: a page of a class with what was done.
func after(page, done, who string) web.Response {
	q := url.Values{"fait": {done}}
	if who != "" {
		q.Set("qui", who)
	}
	return web.Redirect(page + "?" + q.Encode())
}

func (h handler) team(r *app.Request) (web.Response, error) { return h.teamWith(r, http.StatusOK, nil) }

func (h handler) teamWith(r *app.Request, status int, faults map[string]string) (web.Response, error) {
	f, err := h.open(r, "equipe")
	if err != nil {
		return nil, err
	}
	in, err := Team(r.Context(), h.core.DB, r.Grant, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	others, err := Substitutes(r.Context(), h.core.DB, r.Grant, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	return r.PageWith(status, r.T("classroom.title.team", "of", i18n.OfClass(f.class.Label)), "classroom", f.toast(), teamPage(f, in, others, faults))
}

func (h handler) addTeacher(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	err = h.write(r, func(tx *db.Tx) error {
		return AddTeacher(r.Context(), tx, r.Grant, h.core.Clock.Now(), form.Get("personne"))
	})
	if faults, ok := r.Faults(err); ok {
		return h.teamWith(r, http.StatusUnprocessableEntity, faults)
	}
	if err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "equipe"), "equipe", ""), nil
}

func (h handler) removeTeacher(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	who := form.Get("personne")
	if err := h.write(r, func(tx *db.Tx) error {
		return RemoveTeacher(r.Context(), tx, r.Grant, h.core.Clock.Now(), who)
	}); err != nil {
		return nil, err
	}
	if who == r.Viewer.Person && !head(r.Grant) {
		return web.Redirect("/classe"), nil // no longer a teacher of this class
	}
	return after(path(r.Grant.ID(), "equipe"), "equipe-retire", who), nil
}

func (h handler) newPupil(r *app.Request) (web.Response, error) {
	return h.pupilForm(r, http.StatusOK, Newcomer{}, nil)
}

func (h handler) pupilForm(r *app.Request, status int, n Newcomer, faults map[string]string) (web.Response, error) {
	class, err := h.class(r)
	if err != nil {
		return nil, err
	}
	var same []Account
	if faults["memeque"] != "" {
		if same, err = Namesakes(r.Context(), h.core.DB, r.Grant, rights.Pupil, n.First, n.Last, r.Viewer.Now); err != nil {
			return nil, err
		}
	}
	return r.PageWith(status, r.T("classroom.add_pupil"), "classroom", nil, newPupilPage(class, n, same, faults))
}

func (h handler) addPupil(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	class, err := h.class(r)
	if err != nil {
		return nil, err
	}
	now := h.core.Clock.Now()
	n := Newcomer{First: form.Get("prenom"), Last: form.Get("nom"), Civility: form.Get("civilite"), Birth: form.Get("naissance"), Level: form.Get("niveau"), Anyway: form.Get("memeque") == "1"}
	pupil := ""
	err = n.Check(levels(class), now)
	if err == nil {
		err = h.write(r, func(tx *db.Tx) (err error) { pupil, err = AddPupil(r.Context(), tx, r.Grant, now, n); return err })
	}
	if faults, ok := r.Faults(err); ok {
		return h.pupilForm(r, http.StatusUnprocessableEntity, n, faults)
	}
	if err != nil {
		return nil, err
	}
	return after(path(class.ID, "eleve", pupil), "ajoute", ""), nil
}

func (h handler) pupil(r *app.Request) (web.Response, error) {
	return h.pupilWith(r, http.StatusOK, Newcomer{}, nil)
}

// pupilWith is the page of a pupil; n and faults are those of the form of a new
// relative.
func (h handler) pupilWith(r *app.Request, status int, n Newcomer, faults map[string]string) (web.Response, error) {
	who := r.PathValue("eleve")
	if !id.Valid(who) {
		return nil, errs.ErrNotFound
	}
	f := frame{r: r}
	var err error
	if f.class, err = h.class(r); err != nil {
		return nil, err
	}
	if f.roster, err = Roster(r.Context(), h.core.DB, r.Grant, []string{f.class.ID}, who, r.Viewer.Now); err != nil {
		return nil, err
	}
	if len(f.roster) == 0 {
		return nil, errs.ErrNotFound
	}
	v := kin{frame: f, pupil: f.roster[0], newcomer: n, faults: faults, words: r.URL.Query().Get("nom")}
	ids := make([]string, len(v.pupil.Relatives))
	for i, a := range v.pupil.Relatives {
		ids[i] = a.ID
	}
	if v.signed, err = session.PaperCharters(r.Context(), h.core.DB, ids); err != nil {
		return nil, err
	}
	if v.found, err = Kin(r.Context(), h.core.DB, r.Grant, v.words, who, r.Viewer.Now); err != nil {
		return nil, err
	}
	if faults["memeque"] != "" {
		if v.same, err = Namesakes(r.Context(), h.core.DB, r.Grant, rights.Relative, n.First, n.Last, r.Viewer.Now); err != nil {
			return nil, err
		}
	}
	return r.PageWith(status, v.pupil.Name(), "classroom", f.toast(), pupilPage(v))
}

func (h handler) removePupil(r *app.Request) (web.Response, error) {
	who := r.PathValue("eleve")
	if err := h.write(r, func(tx *db.Tx) error {
		return RemovePupil(r.Context(), tx, r.Grant, h.core.Clock.Now(), who)
	}); err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID()), "retire", who), nil
}

func (h handler) restorePupil(r *app.Request) (web.Response, error) {
	who := r.PathValue("eleve")
	if err := h.write(r, func(tx *db.Tx) error {
		return RestorePupil(r.Context(), tx, r.Grant, h.core.Clock.Now(), who)
	}); err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID()), "remis", ""), nil
}

func (h handler) newRelative(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	now := h.core.Clock.Now()
	n := Newcomer{First: form.Get("prenom"), Last: form.Get("nom"), Civility: form.Get("civilite"), Email: form.Get("courriel"), Anyway: form.Get("memeque") == "1"}
	who := r.PathValue("eleve")
	err = n.Check(nil, now)
	if err == nil {
		err = h.write(r, func(tx *db.Tx) error {
			_, err := AddRelative(r.Context(), tx, r.Grant, now, who, n)
			return err
		})
	}
	if faults, ok := r.Faults(err); ok {
		return h.pupilWith(r, http.StatusUnprocessableEntity, n, faults)
	}
	if err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "eleve", who), "rattache", ""), nil
}

func (h handler) attach(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	who := r.PathValue("eleve")
	if err := h.write(r, func(tx *db.Tx) error {
		return Attach(r.Context(), tx, r.Grant, h.core.Clock.Now(), who, form.Get("personne"))
	}); err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "eleve", who), "rattache", ""), nil
}

func (h handler) detach(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	who := r.PathValue("eleve")
	if err := h.write(r, func(tx *db.Tx) error {
		return Detach(r.Context(), tx, r.Grant, h.core.Clock.Now(), who, form.Get("personne"))
	}); err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "eleve", who), "detache", form.Get("personne")), nil
}

// back is the page of a class that a form about a person came from: an address
// of ours, whatever was sent.
func back(values url.Values) string {
	class := values.Get("classe")
	if !id.Valid(class) {
		return "/classe"
	}
	if pupil := values.Get("eleve"); id.Valid(pupil) {
		return path(class, "eleve", pupil)
	}
	return path(class, "familles")
}

func (h handler) charter(r *app.Request) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	for k, v := range r.URL.Query() { // buttons of a table say more in their address
		if form.Get(k) == "" {
			form[k] = slices.Clone(v)
		}
	}
	signed := form.Get("signee") == "1"
	if err := h.write(r, func(tx *db.Tx) error {
		return session.NotePaperCharter(r.Context(), tx, h.core, r.Grant, r.Grant.ID(), signed)
	}); err != nil {
		return nil, err
	}
	if signed {
		return after(back(form), "charte", r.Grant.ID()), nil
	}
	return after(back(form), "charte-retiree", r.Grant.ID()), nil
}
