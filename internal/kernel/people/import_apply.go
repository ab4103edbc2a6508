package people

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
)

// tidy takes out of a plan what the directory has no place for, so that the
// plan shown is the plan written and a second one finds nothing left: the level
// of a pupil without a class, the end of a link that is closed already, and a
// class label that another class has.
func tidy(p onde.Plan, d directory, now time.Time) onde.Plan {
	p.Links = slices.DeleteFunc(p.Links, func(o onde.LinkOp) bool {
		return o.Remove && d.links[linkRow{Relative: string(o.Relative), Pupil: string(o.Pupil)}.key()].To <= now.UnixMilli()
	})
	for i, o := range p.Pupils {
		if o.Action == onde.Update && o.Class == "" && len(o.Changes) == 1 && o.Changes[0].Field == "level" {
			p.Pupils[i].Action, p.Pupils[i].Changes = onde.Keep, nil
		}
	}
	holder := map[string]onde.Ref{}
	for _, c := range d.classes {
		if c.Year == p.Year {
			holder[c.LabelKey] = onde.Ref(c.ID)
		}
	}
	for _, o := range p.Classes { // a label that a class gives up is free
		if was, ok := d.classes[string(o.Ref)]; ok && i18n.Fold(o.Label) != was.LabelKey {
			delete(holder, was.LabelKey)
		}
	}
	for i, o := range p.Classes {
		label := o.Label
		for n := 2; holder[i18n.Fold(label)] != "" && holder[i18n.Fold(label)] != o.Ref; n++ {
			label = fmt.Sprintf("%s (%d)", o.Label, n)
		}
		holder[i18n.Fold(label)] = o.Ref
		was, known := d.classes[string(o.Ref)]
		p.Classes[i].Label = label
		if !known || label == o.Label {
			continue
		}
		p.Classes[i].Changes = slices.DeleteFunc(slices.Clone(o.Changes), func(c onde.Change) bool { return c.Field == "label" && label == was.Label })
		if o.Action == onde.Update && len(p.Classes[i].Changes) == 0 {
			p.Classes[i].Action = onde.Keep
		}
	}
	return p
}

// writing turns a plan into rows of one school.
type writing struct {
	tx     *db.Tx
	school string
	at     time.Time
	plan   onde.Plan
	was    directory
	ids    map[onde.Ref]string
	fresh  []Person
	seats  map[string][]placeRow // open places of pupils, by person
	ties   map[string][]linkRow  // open links, by relative
	change Change
	back   []string // persons who return
}

// write applies a plan to the directory read before, principals and captions
// included.
func write(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school string, p onde.Plan, was directory) (fresh, back []string, err error) {
	was.persons = maps.Clone(was.persons)
	w := &writing{tx: tx, school: school, at: now, plan: p, was: was, ids: map[onde.Ref]string{}, change: Change{School: school},
		seats: map[string][]placeRow{}, ties: map[string][]linkRow{}}
	for _, x := range was.places {
		if x.Profile == string(rights.Pupil) && x.To > now.UnixMilli() {
			w.seats[x.Person] = append(w.seats[x.Person], x)
		}
	}
	for _, l := range was.links {
		if l.School == school && l.To > now.UnixMilli() {
			w.ties[l.Relative] = append(w.ties[l.Relative], l)
		}
	}
	for _, o := range p.Classes {
		w.id(o.Ref)
	}
	if err := w.classes(ctx); err != nil {
		return nil, nil, err
	}
	var edited []personRow
	for _, o := range p.Pupils {
		if r := w.pupil(o); r != nil {
			edited = append(edited, *r)
		}
	}
	for _, o := range p.Relatives {
		if r := w.relative(o); r != nil {
			edited = append(edited, *r)
		}
	}
	for _, o := range p.Teachers {
		if r := w.teacher(o); r != nil {
			edited = append(edited, *r)
		}
	}
	for _, l := range p.Links {
		link := Link{Relative: w.id(l.Relative), Pupil: w.id(l.Pupil)}
		if l.Remove {
			w.change.Unlink = append(w.change.Unlink, link)
		} else {
			w.change.Link = append(w.change.Link, link)
		}
	}
	if _, err := CreatePersons(ctx, tx, g, now, w.fresh); err != nil {
		return nil, nil, err
	}
	if err := updatePersons(ctx, tx, edited); err != nil {
		return nil, nil, err
	}
	for _, r := range edited {
		w.change.Touched = append(w.change.Touched, r.ID)
	}
	for _, x := range w.fresh {
		fresh = append(fresh, x.ID)
	}
	return fresh, w.back, Apply(ctx, tx, g, now, w.change)
}

// id is the directory's id of what a plan points to.
func (w *writing) id(r onde.Ref) string {
	if r == "" || !r.New() {
		return string(r)
	}
	if w.ids[r] == "" {
		w.ids[r] = id.New()
	}
	return w.ids[r]
}

func (w *writing) classes(ctx context.Context) error {
	var rows [][]any
	var edited []classRow
	for _, o := range w.plan.Classes {
		r := classRow{ID: w.id(o.Ref), Year: w.plan.Year, Label: o.Label, LabelKey: i18n.Fold(o.Label), Levels: strings.Join(o.Levels, " "), OndeID: o.ONDE}
		switch o.Action {
		case onde.Create:
			rows = append(rows, []any{r.ID, w.school, r.Year, r.Label, r.LabelKey, r.Levels, r.OndeID, w.at.UnixMilli()})
		case onde.Update:
			edited = append(edited, r)
			for _, p := range w.was.places {
				if p.Class == r.ID && p.To > w.at.UnixMilli() {
					w.change.Touched = append(w.change.Touched, p.Person)
				}
			}
		}
	}
	if err := updateClasses(ctx, w.tx, edited); err != nil {
		return err
	}
	if _, err := db.Insert(ctx, w.tx, `INSERT INTO class (id, school, year, label, label_key, levels, onde_id, created_at) VALUES `, "", rows); err != nil {
		return fmt.Errorf("classes: %w", err)
	}
	return nil
}

// updateClasses writes classes in two passes, since two of them may exchange
// their labels, which are unique.
func updateClasses(ctx context.Context, tx *db.Tx, rows []classRow) error {
	for _, r := range rows {
		if _, err := tx.Exec(ctx, `UPDATE class SET label_key = $2 WHERE id = $1`, r.ID, r.ID); err != nil {
			return fmt.Errorf("classes: %w", err)
		}
	}
	for _, r := range rows {
		if _, err := tx.Exec(ctx, `UPDATE class SET label = $2, label_key = $3, levels = $4, onde_id = $5 WHERE id = $1`,
			r.ID, r.Label, r.LabelKey, r.Levels, r.OndeID); err != nil {
			return fmt.Errorf("classes: %w", err)
		}
	}
	return nil
}

func updatePersons(ctx context.Context, tx *db.Tx, rows []personRow) error {
	for _, r := range rows {
		if _, err := tx.Exec(ctx, `UPDATE person SET first = $2, last = $3, use_name = $4, name_key = $5, civility = $6, birth = $7, ine = $8,
			address = $9, phone = $10, contact_email = $11 WHERE id = $1`,
			r.ID, r.First, r.Last, r.UseName, r.NameKey, r.Civility, r.Birth, r.INE, r.Address, r.Phone, r.ContactEmail); err != nil {
			return fmt.Errorf("persons: %w", err)
		}
	}
	return nil
}

// person says what becomes of a person's own row: a new one, a changed one
// (returned), or nothing. An empty value erases nothing.
func (w *writing) person(action onde.Action, attached bool, ref onde.Ref, want personRow) *personRow {
	want.ID = w.id(ref)
	was, known := w.was.persons[want.ID]
	switch {
	case action == onde.Keep || action == onde.Leave:
		return nil
	case action == onde.Create && !attached:
		p := Person{ID: want.ID, First: want.First, Last: want.Last, UseName: want.UseName, Civility: want.Civility, Birth: want.Birth, INE: want.INE,
			Address: want.Address, Phone: want.Phone, ContactEmail: want.ContactEmail}
		if strings.HasPrefix(string(ref), "new:p:") {
			p.Avatar = "?"
		}
		w.fresh = append(w.fresh, p)
		return nil
	case !known && ref.New(): // one person with two profiles, both new
		return nil
	}
	next := was
	set := func(to *string, v string) {
		if v != "" {
			*to = v
		}
	}
	if !attached || !known || was.Last == "" { // names of somebody known elsewhere stay theirs
		set(&next.First, want.First)
		set(&next.Last, want.Last)
		next.UseName = want.UseName
	}
	set(&next.Civility, want.Civility)
	set(&next.Birth, want.Birth)
	set(&next.INE, want.INE)
	set(&next.Phone, want.Phone)
	set(&next.ContactEmail, want.ContactEmail)
	if address(next.Address) != address(want.Address) {
		set(&next.Address, want.Address)
	}
	next.NameKey = NameKey(Person{First: next.First, Last: next.Last, UseName: next.UseName})
	if next == was {
		return nil
	}
	w.was.persons[next.ID] = next // a second profile of the same person builds on it
	return &next
}

func (w *writing) join(person string, profile rights.Profile, head bool, action onde.Action) {
	w.change.Join = append(w.change.Join, Membership{Person: person, School: w.school, Profile: profile, Head: head})
	if action == onde.Return {
		w.back = append(w.back, person)
	}
}

func (w *writing) pupil(o onde.PupilOp) *personRow {
	person, class := w.id(o.Ref), w.id(o.Class)
	if o.Action == onde.Leave {
		w.change.Leave = append(w.change.Leave, Membership{Person: person, School: w.school, Profile: rights.Pupil})
		return nil
	}
	if o.Action == onde.Create || o.Action == onde.Return {
		w.join(person, rights.Pupil, false, o.Action)
	}
	if o.Action != onde.Keep && class != "" {
		// One place at a time: the class left, and that of the year before.
		for _, p := range w.seats[person] {
			if p.Class != class && w.was.classes[p.Class].Year <= w.plan.Year {
				w.change.Exit = append(w.change.Exit, Place{Person: person, Class: p.Class, Profile: rights.Pupil})
			}
		}
		w.change.Enter = append(w.change.Enter, Place{Person: person, Class: class, Profile: rights.Pupil, Level: o.Pupil.Level})
	}
	s := o.Pupil
	return w.person(o.Action, o.Attached, o.Ref, personRow{First: s.First, Last: s.Family, UseName: s.Use, Civility: s.Sex, Birth: s.Birth, INE: s.INE})
}

func (w *writing) relative(o onde.RelativeOp) *personRow {
	person := w.id(o.Ref)
	if o.Action == onde.Leave {
		w.change.Leave = append(w.change.Leave, Membership{Person: person, School: w.school, Profile: rights.Relative})
		if o.Into != "" { // merged: the children are the other record's now
			for _, l := range w.ties[person] {
				w.change.Unlink = append(w.change.Unlink, Link{Relative: person, Pupil: l.Pupil})
			}
		}
		return nil
	}
	if o.Action == onde.Create || o.Action == onde.Return {
		w.join(person, rights.Relative, false, o.Action)
	}
	s := o.Relative
	return w.person(o.Action, o.Attached, o.Ref, personRow{First: s.First, Last: s.Family, UseName: s.Use, Civility: civility(s.Civility),
		ContactEmail: s.Email, Phone: phoneText(s.Phones), Address: addressText(s.Address)})
}

func (w *writing) teacher(o onde.TeacherOp) *personRow {
	person := w.id(o.Ref)
	if o.Action == onde.Leave {
		w.change.Leave = append(w.change.Leave, Membership{Person: person, School: w.school, Profile: rights.Teacher})
		return nil
	}
	s := o.Teacher
	if o.Action != onde.Keep {
		m := w.was.members[memberRow{Person: person, Profile: string(rights.Teacher)}.key()]
		if m.To <= w.at.UnixMilli() || s.Head && !m.Head {
			w.join(person, rights.Teacher, s.Head, o.Action)
		}
	}
	for _, c := range o.Classes {
		w.change.Enter = append(w.change.Enter, Place{Person: person, Class: w.id(c), Profile: rights.Teacher})
	}
	return w.person(o.Action, o.Attached, o.Ref, personRow{First: s.First, Last: s.Family, UseName: s.Use, Civility: civility(s.Civility), ContactEmail: s.Email})
}
