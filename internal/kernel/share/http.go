package share

import (
	"context"
	"slices"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// App declares the proposals of the window in which things are shared.
func App(core *app.Core) app.App {
	return app.App{
		Name: "share", Migrations: sub("migrations"), Messages: sub("i18n"),
		Routes: func(r *app.Router) { r.GET("/partage/qui", rights.SignedIn, propose) },
		Export: export, Erase: erase, Merge: merge,
		Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return retain(ctx, tx, g, core.Clock.Now())
		},
	}
}

// proposed is how many people and groups answer what is being typed.
const proposed = 8

// Proposals is the address that answers what is typed in a school.
func Proposals(school string) string { return "/partage/qui?ecole=" + school }

// propose answers the letters typed so far with those whom one may reach.
func propose(r *app.Request) (web.Response, error) {
	school, words := r.URL.Query().Get("ecole"), r.URL.Query().Get("q")
	if school == "" {
		school = r.Grant.School()
	}
	if !slices.ContainsFunc(r.Viewer.Memberships, func(m rights.Membership) bool { return m.School == school }) {
		return nil, errs.ErrNotFound
	}
	if len([]rune(words)) > 100 {
		words = ""
	}
	found, err := Find(r.Context(), r.Core.DB, r.Viewer, r.T, school, words, proposed)
	if err != nil {
		return nil, err
	}
	list := make([]ui.ShareChoice, len(found))
	for n, t := range found {
		list[n] = t.Choice(r, school)
	}
	return web.Page(ui.ShareProposals(list)), nil
}

// Choice is a target as the window shows it.
func (t Target) Choice(r *app.Request, school string) ui.ShareChoice {
	c := ui.ShareChoice{Value: t.Principal, Label: t.Label, Icon: t.Icon(), Starred: t.Starred}
	if t.Kind == "person" {
		face := app.Face(t.Person.ID, t.Person.First, t.Person.Last, t.Person.Avatar, "p")
		c.Person, c.Help = &face, t.Caption.For(r.T, r.Viewer, school)
	}
	return c
}

// Icon stands for a group or a person.
func (t Target) Icon() string {
	switch t.Kind {
	case "pupil":
		return "student"
	case "person":
		return "user"
	}
	return "users"
}
