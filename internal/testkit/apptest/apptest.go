// Package apptest is what every service must withstand: each of its kinds is
// tried as a stranger, from another school, by somebody it was not shared with
// and by a pupil who left, in its page, the lists, the search, the feed and its
// files. A service's test calls Conform and names one item of each kind.
package apptest

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// Subject is one item of a kind and the people around it, by sign-in name.
type Subject struct {
	Kind rights.Kind
	ID   string
	// Reader may read it as a relative, Pupil is the reader's child concerned.
	Reader, Pupil string
	// Private is what the pupil does not see.
	Private bool
	// Others are people of the same school whom it was not shared with.
	Others []string
	// Lists are the pages that list items of the kind.
	Lists []string
}

// neighbours belong to another school of the portal.
var neighbours = []string{"directrice.duport", "maitre.duport", "parent.duport", "eleve.duport"}

// Conform runs the whole suite for one service.
func Conform(t *testing.T, name string, subjects func(t *testing.T, a *testapp.App) []Subject) {
	declared := map[rights.Kind]bool{}
	a := testapp.New(t)
	service, ok := find(a, name)
	if !ok {
		t.Fatalf("no service %q", name)
	}
	for _, k := range service.Kinds {
		if !k.Apart { // nobody gives it to others: its own test tries it
			declared[k.Kind] = false
		}
	}
	list := subjects(t, a)
	for _, s := range list {
		if _, ok := declared[s.Kind]; !ok {
			t.Errorf("%s is no kind of %s", s.Kind, name)
		}
		declared[s.Kind] = true
	}
	for k, tried := range declared {
		if !tried {
			t.Errorf("kind %s has no subject: name one", k)
		}
	}
	for n, s := range list {
		t.Run(string(s.Kind), func(t *testing.T) {
			a := testapp.New(t)
			s := subjects(t, a)[n]
			locked(t, a, s)
			suspended(t, a, s)
			merged(t, a, service, s)
			leaving(t, a, s)
			personal(t, a, service, s)
		})
	}
}

func find(a *testapp.App, name string) (app.App, bool) {
	for _, s := range a.Core.Apps {
		if s.Name == name {
			return s, true
		}
	}
	return app.App{}, false
}

// traces are the places where an item could show itself.
type traces struct {
	path  string
	title string
	asked []string // searches that find it: its title, the beginning of its text
	files []string
}

func look(t *testing.T, a *testapp.App, s Subject) traces {
	t.Helper()
	_, k, ok := a.Core.Kind(s.Kind)
	if !ok {
		t.Fatalf("kind %s is not declared", s.Kind)
	}
	title, err := db.Value[string](t.Context(), a.Core.DB, `SELECT title FROM resource WHERE id = $1`, s.ID)
	if err != nil || title == "" {
		t.Fatalf("%s %s has no resource row (%v)", s.Kind, s.ID, err)
	}
	files, err := db.All[string](t.Context(), a.Core.DB, `SELECT '/fichiers/' || v.file || '/' || v.name FROM file_use u JOIN file_variant v ON v.file = u.file WHERE u.resource = $1`, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	asked := []string{title}
	texts, err := a.Core.Texts(t.Context(), a.Core.DB, s.Kind, []string{s.ID})
	if err != nil {
		t.Fatal(err)
	}
	if words := strings.Fields(texts[s.ID]); len(words) > 0 {
		asked = append(asked, strings.Join(words[:min(len(words), 6)], " "))
	} else if k.Texts != nil {
		t.Errorf("%s %s has no text to be found by", s.Kind, s.ID)
	}
	for i, q := range asked {
		asked[i] = "/recherche?q=" + url.QueryEscape(q)
	}
	return traces{k.Path(s.ID), title, asked, files}
}

// hidden demands that nothing of the item shows.
func hidden(t *testing.T, p *testapp.Person, s Subject, w traces) {
	t.Helper()
	p.Get(w.path).NotFound().Lacks(w.title)
	for _, f := range w.files {
		p.Get(f).NotFound()
	}
	for _, list := range slices.Concat([]string{"/"}, w.asked, s.Lists) {
		if page := p.Get(list); strings.Contains(page.Body, s.ID) {
			t.Errorf("%s: %s of %s shows itself to %s", s.Kind, list, w.path, p.Login)
		}
	}
}

func locked(t *testing.T, a *testapp.App, s Subject) {
	w := look(t, a, s)
	reader := a.As(s.Reader)
	reader.Get(w.path).OK().Has(w.title)
	for _, q := range w.asked {
		reader.Get(q).OK().Has(w.path)
	}
	for _, f := range w.files {
		reader.Get(f).OK()
	}
	if to := a.Stranger().Get(w.path).To(); !strings.HasPrefix(to, "/connexion") {
		t.Errorf("a stranger is sent to %s", to)
	}
	for _, f := range w.files {
		a.Stranger().Get(f).To()
	}
	others := slices.Concat(neighbours, s.Others)
	if s.Private {
		others = append(others, s.Pupil)
	}
	for _, login := range others {
		hidden(t, a.As(login), s, w)
	}
}

// leaving takes the pupil out of the school: the family sees nothing any more,
// the feed included.
func leaving(t *testing.T, a *testapp.App, s Subject) {
	w := look(t, a, s)
	ctx := t.Context()
	school, err := db.Value[string](ctx, a.Core.DB, `SELECT school FROM resource WHERE id = $1`, s.ID)
	if err != nil {
		t.Fatal(err)
	}
	pupil, reader := a.As(s.Pupil), a.As(s.Reader)
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		return people.Apply(ctx, tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{
			School: school, Leave: []people.Membership{{Person: pupil.ID, School: school, Profile: rights.Pupil}},
		})
	}); err != nil {
		t.Fatal(err)
	}
	hidden(t, reader, s, w)
	if to := pupil.Get(w.path).To(); !strings.HasPrefix(to, "/connexion") {
		t.Errorf("a pupil who left every school is sent to %s", to)
	}
}

// suspended has the head suspend the reader's access to the pupil for a day:
// nothing shows meanwhile, and all of it comes back.
func suspended(t *testing.T, a *testapp.App, s Subject) {
	w := look(t, a, s)
	ctx := t.Context()
	school := a.One(`SELECT school FROM resource WHERE id = $1`, s.ID)
	reader, pupil := a.As(s.Reader), a.As(s.Pupil)
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		now := a.Core.Clock.Now()
		day := now.Format(time.DateOnly)
		_, err := people.Restrict(ctx, tx, rights.System("test").For(school), now, reader.ID, pupil.ID, day, day, "Décision du juge, pour un jour.")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	hidden(t, reader, s, w)
	if !s.Private {
		pupil.Get(w.path).OK().Has(w.title)
	}
	a.Core.Clock.Advance(24 * time.Hour)
	reader.Get(w.path).OK().Has(w.title)
	for _, f := range w.files {
		reader.Get(f).OK()
	}
}

// merged demands that a service gives all that it holds of one record to
// another of the same person.
func merged(t *testing.T, a *testapp.App, service app.App, s Subject) {
	if service.Merge == nil {
		t.Fatalf("%s must say what becomes of two records of one person", service.Name)
	}
	ctx := context.WithoutCancel(t.Context())
	reader := a.As(s.Reader)
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		made, err := people.CreatePersons(ctx, tx, rights.System("test"), a.Core.Clock.Now(), []people.Person{{First: "Autre", Last: "Fiche"}})
		if err != nil {
			return err
		}
		before := exported(t, tx, service, reader.ID)
		if err := service.Merge(ctx, tx, rights.System("test"), made[0].ID, reader.ID); err != nil {
			return err
		}
		if left, moved := exported(t, tx, service, reader.ID), exported(t, tx, service, made[0].ID); left > 0 || moved != before {
			t.Errorf("of %d bytes %s moved %d and kept %d", before, service.Name, moved, left)
		}
		return errBack
	}); !errors.Is(err, errBack) {
		t.Fatal(err)
	}
}

// errBack takes a transaction back that was only a trial.
var errBack = errors.New("a trial")

// exported counts the bytes of a service's export; empty lists are none.
func exported(t *testing.T, q db.Querier, service app.App, person string) int {
	t.Helper()
	n := 0
	if err := service.Export(t.Context(), q, person, func(_ string, v any) error {
		b, err := json.Marshal(v)
		if list := string(b); list != "null" && list != "[]" {
			n += len(b)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

// personal demands that what a service holds of a person can be handed over and
// forgotten.
func personal(t *testing.T, a *testapp.App, service app.App, s Subject) {
	if service.Export == nil || service.Erase == nil {
		t.Fatalf("%s must export and erase what it holds of a person", service.Name)
	}
	ctx := t.Context()
	reader := a.As(s.Reader)
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		return service.Erase(context.WithoutCancel(ctx), tx, rights.System("test"), reader.ID)
	}); err != nil {
		t.Fatal(err)
	}
	if n := exported(t, a.Core.DB, service, reader.ID); n > 0 {
		t.Errorf("%s still holds %d bytes of somebody it erased", service.Name, n)
	}
}
