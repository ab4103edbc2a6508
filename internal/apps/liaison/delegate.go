package liaison

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// Delegated is the kind of event that says to a colleague that they follow a word.
const Delegated = "liaison.delegated"

// Delegate hands the follow-up of a word to a colleague of its school, who may
// then see who has read it, and remind. Twice changes nothing.
func Delegate(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, person string) error {
	if err := g.Must(ctx, tx, Manage); err != nil {
		return err
	}
	if person == g.Viewer().Person {
		return errs.Field("personne", "liaison.delegate_unknown")
	}
	n, err := tx.Exec(ctx, `INSERT INTO word_delegate (word, person, published_at, at)
		SELECT w.id, $2, w.published_at, $3 FROM word w WHERE w.id = $1 AND EXISTS (SELECT 1 FROM membership m
			WHERE m.person = $2 AND m.school = w.school AND m.profile IN ('teacher', 'staff') AND m.valid_from <= $3 AND m.valid_to > $3)
		ON CONFLICT DO NOTHING`, g.ID(), person, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("delegate: %w", err)
	}
	if n == 0 {
		with, err := Delegates(ctx, tx, g)
		if err == nil && !slices.Contains(with, person) {
			err = errs.Field("personne", "liaison.delegate_unknown")
		}
		return err
	}
	if err := resource.Share(ctx, tx, g.ID(), rights.Contribute, staff(person)); err != nil {
		return err
	}
	if err := audit.Note(ctx, tx, g, now, "liaison.delegate", g.ID(), person); err != nil {
		return err
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: Delegated, Resource: g.ID(), Actor: g.Viewer().Person, Only: []string{person}, At: now})
	return err
}

// Recover takes the follow-up of a word back from a colleague.
func Recover(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person string) error {
	if err := g.Must(ctx, tx, Manage); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM word_delegate WHERE word = $1 AND person = $2`, g.ID(), person)
	if err != nil {
		return fmt.Errorf("delegate: %w", err)
	}
	if n == 0 {
		return errs.ErrNotFound
	}
	if err := resource.Unshare(ctx, tx, g.ID(), staff(person)); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "liaison.delegate_end", g.ID(), person)
}

// Delegates are those to whom the follow-up of a word was handed.
func Delegates(ctx context.Context, q db.Querier, g rights.Grant) ([]string, error) {
	return db.All[string](ctx, q, `SELECT person FROM word_delegate WHERE word = $1`, g.ID())
}

// delegation is the page of those who follow a word.
type delegation struct {
	word      string
	title     string
	with      []people.Colleague // who follow it
	others    []people.Colleague
	fault     string
	colleague func(people.Colleague) string
}

func (h handler) delegates(r *app.Request) (web.Response, error) {
	return h.delegation(r, http.StatusOK, "")
}

func (h handler) delegation(r *app.Request, status int, fault string) (web.Response, error) {
	words, err := List(r.Context(), h.core.DB, r.Viewer.Scope(), Query{Follow: true, ID: r.Grant.ID(), Limit: 1})
	if err == nil && len(words) == 0 {
		err = errs.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	with, err := Delegates(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	all, err := people.Colleagues(r.Context(), h.core.DB, r.Grant.School(), r.Viewer.Now)
	if err != nil {
		return nil, err
	}
	d := delegation{word: r.Grant.ID(), title: words[0].Title, fault: fault, colleague: func(c people.Colleague) string {
		if s := c.Caption.For(r.T, r.Viewer, r.Grant.School()); s != "" {
			return c.Name() + " · " + s
		}
		return c.Name()
	}}
	for _, c := range all {
		switch {
		case slices.Contains(with, c.ID):
			d.with = append(d.with, c)
		case c.ID != r.Viewer.Person && c.ID != words[0].Author:
			d.others = append(d.others, c)
		}
	}
	var toast *ui.Toast
	switch r.URL.Query().Get("fait") {
	case "confie":
		toast = &ui.Toast{Text: r.T("liaison.delegated_now")}
	case "repris":
		toast = &ui.Toast{Text: r.T("liaison.delegate_ended")}
	}
	return r.PageWith(status, r.T("liaison.delegate"), "liaison", toast, delegatePage(d))
}

func (h handler) delegate(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	person := f.Get("personne")
	if !id.Valid(person) {
		err = errs.Field("personne", "liaison.delegate_choose")
	} else {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
			return Delegate(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now(), person)
		})
	}
	if faults, ok := r.Faults(err); ok {
		return h.delegation(r, http.StatusUnprocessableEntity, faults["personne"])
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "/confier?fait=confie"), nil
}

func (h handler) undelegate(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return Recover(r.Context(), tx, r.Grant, h.core.Clock.Now(), f.Get("personne"))
	}); err != nil {
		return nil, err
	}
	return web.Redirect(path(r.Grant.ID()) + "/confier?fait=repris"), nil
}

// choice is the list of colleagues who do not follow the word yet.
func (d delegation) choice(label, none string) ui.FieldProps {
	f := ui.FieldProps{Name: "personne", Label: label, Placeholder: none, Error: d.fault, Required: true}
	for _, c := range d.others {
		f.Options = append(f.Options, ui.Option{Value: c.ID, Label: d.colleague(c)})
	}
	return f
}
