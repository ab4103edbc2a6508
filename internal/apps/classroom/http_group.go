package classroom

import (
	"net/http"
	"slices"

	"marelle/internal/kernel/app"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
)

// composing is a group being made or changed.
type composing struct {
	frame
	group  Group // ID "" for a new one
	mine   bool  // may be changed by the viewer
	label  string
	faults map[string]string
	words  string   // searched
	near   []Member // pupils and relatives of the class
	others []Member // members and found people from elsewhere in the school
}

func (h handler) groups(r *app.Request) (web.Response, error) {
	f, err := h.open(r, "groupes")
	if err != nil {
		return nil, err
	}
	list, err := Groups(r.Context(), h.core.DB, r.Grant, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	return r.PageWith(http.StatusOK, r.T("classroom.title.groups", "of", i18n.OfClass(f.class.Label)), "classroom", f.toast(), groupsPage(f, list))
}

func (h handler) newGroup(r *app.Request) (web.Response, error) {
	return h.compose(r, http.StatusOK, composing{mine: true}, nil, nil)
}

// compose shows the form with those chosen, whatever page they come from.
func (h handler) compose(r *app.Request, status int, v composing, chosen []Member, faults map[string]string) (web.Response, error) {
	var err error
	if v.frame, err = h.open(r, "groupes"); err != nil {
		return nil, err
	}
	v.faults = faults
	in := map[string]bool{}
	for _, m := range chosen {
		in[m.ID] = true
	}
	here := map[string]bool{}
	add := func(a Account) {
		if !here[a.ID] {
			here[a.ID] = true
			v.near = append(v.near, Member{a.ID, a.First, a.Last, a.Avatar, a.Caption, in[a.ID]})
		}
	}
	for _, k := range v.roster {
		add(k.Account)
		for _, p := range k.Relatives {
			add(p)
		}
	}
	found, err := Eligible(r.Context(), h.core.DB, r.Grant, v.words, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	for _, m := range append(slices.Clone(chosen), found...) {
		if !here[m.ID] {
			here[m.ID] = true
			v.others = append(v.others, m)
		}
	}
	title := v.group.Label
	if v.group.ID == "" {
		title = r.T("classroom.new_group")
	}
	return r.PageWith(status, title, "classroom", nil, groupPage(v))
}

func (h handler) createGroup(r *app.Request) (web.Response, error) { return h.store(r, Group{}) }

// store saves a group, or shows the form again with who was found.
func (h handler) store(r *app.Request, gr Group) (web.Response, error) {
	form, err := r.Values()
	if err != nil {
		return nil, err
	}
	v := composing{group: gr, mine: true, label: form.Get("nom"), words: form.Get("chercher-nom")}
	again := func(status int, faults map[string]string) (web.Response, error) {
		chosen, err := Named(r.Context(), h.core.DB, r.Grant, form["membre"], r.Viewer.Now)
		if err != nil {
			return nil, err
		}
		return h.compose(r, status, v, chosen, faults)
	}
	if form.Get("chercher") != "" {
		return again(http.StatusOK, nil)
	}
	err = h.write(r, func(tx *db.Tx) error {
		_, err := SaveGroup(r.Context(), tx, r.Grant, h.core.Clock.Now(), gr.ID, v.label, form["membre"])
		return err
	})
	if faults, ok := r.Faults(err); ok {
		return again(http.StatusUnprocessableEntity, faults)
	}
	if err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "groupes"), "groupe", ""), nil
}

func (h handler) group(r *app.Request) (web.Response, error) {
	gr, err := FindGroup(r.Context(), h.core.DB, r.Grant, r.PathValue("groupe"), false, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	members, err := Members(r.Context(), h.core.DB, r.Grant, gr.ID, r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	return h.compose(r, http.StatusOK, composing{group: gr, mine: own(r.Grant, gr) == nil, label: gr.Label}, members, nil)
}

func (h handler) saveGroup(r *app.Request) (web.Response, error) {
	gr, err := FindGroup(r.Context(), h.core.DB, r.Grant, r.PathValue("groupe"), false, r.Viewer.Now)
	if err == nil {
		err = own(r.Grant, gr)
	}
	if err != nil {
		return nil, err
	}
	return h.store(r, gr)
}

func (h handler) deleteGroup(r *app.Request) (web.Response, error) {
	who := r.PathValue("groupe")
	if err := h.write(r, func(tx *db.Tx) error {
		return CloseGroup(r.Context(), tx, r.Grant, h.core.Clock.Now(), who, true)
	}); err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "groupes"), "groupe-supprime", who), nil
}

func (h handler) restoreGroup(r *app.Request) (web.Response, error) {
	if err := h.write(r, func(tx *db.Tx) error {
		return CloseGroup(r.Context(), tx, r.Grant, h.core.Clock.Now(), r.PathValue("groupe"), false)
	}); err != nil {
		return nil, err
	}
	return after(path(r.Grant.ID(), "groupes"), "groupe", ""), nil
}
