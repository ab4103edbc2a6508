package people

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"time"

	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// directory is one school's part of the directory, row by row: what an import
// compares the files with, and what an undo compares itself with.
type directory struct {
	persons map[string]personRow
	classes map[string]classRow
	members map[string]memberRow
	places  map[string]placeRow
	links   map[string]linkRow
}

// The rows, with the columns that an import may write. Each is comparable, so
// that two states of the directory can be told apart without a list of fields.
type (
	personRow struct {
		ID           string `json:"id"`
		First        string `json:"first,omitempty"`
		Last         string `json:"last,omitempty"`
		UseName      string `db:"use_name" json:"use,omitempty"`
		NameKey      string `db:"name_key" json:"key,omitempty"`
		Civility     string `json:"civility,omitempty"`
		Birth        string `json:"birth,omitempty"`
		INE          string `db:"ine" json:"ine,omitempty"`
		Address      string `json:"address,omitempty"`
		Phone        string `json:"phone,omitempty"`
		ContactEmail string `db:"contact_email" json:"email,omitempty"`
	}
	classRow struct {
		ID       string `json:"id"`
		Year     int    `json:"year,omitempty"`
		Label    string `json:"label,omitempty"`
		LabelKey string `db:"label_key" json:"key,omitempty"`
		Levels   string `json:"levels,omitempty"`
		OndeID   string `db:"onde_id" json:"onde,omitempty"`
	}
	memberRow struct {
		Person  string `json:"p"`
		Profile string `json:"as"`
		Head    bool   `json:"head,omitempty"`
		HeadAt  int64  `db:"head_at" json:"since,omitempty"`
		From    int64  `db:"valid_from" json:"f"`
		To      int64  `db:"valid_to" json:"t"`
	}
	placeRow struct {
		Person  string `json:"p"`
		Class   string `json:"c"`
		Profile string `json:"as"`
		Level   string `json:"l,omitempty"`
		From    int64  `db:"valid_from" json:"f"`
		To      int64  `db:"valid_to" json:"t"`
	}
	linkRow struct {
		Relative string `json:"r"`
		Pupil    string `json:"p"`
		School   string `json:"s"`
		Note     string `json:"n,omitempty"`
		From     int64  `db:"valid_from" json:"f"`
		To       int64  `db:"valid_to" json:"t"`
	}
)

func (r personRow) key() string { return r.ID }
func (r classRow) key() string  { return r.ID }
func (r memberRow) key() string { return r.Person + " " + r.Profile }
func (r placeRow) key() string  { return r.Person + " " + r.Class + " " + r.Profile }
func (r linkRow) key() string   { return r.Relative + " " + r.Pupil }

type keyed interface {
	comparable
	key() string
}

func index[R keyed](rows []R, err error) (map[string]R, error) {
	if err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	out := make(map[string]R, len(rows))
	for _, r := range rows {
		out[r.key()] = r
	}
	return out, nil
}

const personRowColumns = `p.id, p.first, p.last, p.use_name, p.name_key, p.civility, p.birth, p.ine, p.address, p.phone, p.contact_email`

// load reads a school's directory, past members and past years included, and
// some outside persons with it: seven statements whatever its size.
func load(ctx context.Context, q db.Querier, school string, outside []string) (d directory, err error) {
	if d.persons, err = index(db.All[personRow](ctx, q, `SELECT `+personRowColumns+` FROM person p
		WHERE p.id IN (SELECT person FROM membership WHERE school = $1)`, school)); err != nil {
		return d, err
	}
	if d.classes, err = index(db.All[classRow](ctx, q, `SELECT id, year, label, label_key, levels, onde_id FROM class WHERE school = $1`, school)); err != nil {
		return d, err
	}
	if d.members, err = index(db.All[memberRow](ctx, q, `SELECT person, profile, head, head_at, valid_from, valid_to FROM membership WHERE school = $1`, school)); err != nil {
		return d, err
	}
	if d.places, err = index(db.All[placeRow](ctx, q, `SELECT cm.person, cm.class, cm.profile, cm.level, cm.valid_from, cm.valid_to
		FROM class_member cm JOIN class c ON c.id = cm.class WHERE c.school = $1`, school)); err != nil {
		return d, err
	}
	if d.links, err = index(db.All[linkRow](ctx, q, `SELECT relative, pupil, school, note, valid_from, valid_to FROM family_link WHERE school = $1`, school)); err != nil {
		return d, err
	}
	for len(outside) > 0 {
		n := min(300, len(outside))
		list, args := db.In(nil, outside[:n])
		persons, err := db.All[personRow](ctx, q, `SELECT `+personRowColumns+` FROM person p WHERE p.id IN (`+list+`)`, args...)
		if err != nil {
			return d, fmt.Errorf("directory: %w", err)
		}
		for _, p := range persons {
			d.persons[p.ID] = p
		}
		links, err := db.All[linkRow](ctx, q, `SELECT relative, pupil, school, note, valid_from, valid_to FROM family_link WHERE pupil IN (`+list+`)`, args...)
		if err != nil {
			return d, fmt.Errorf("directory: %w", err)
		}
		for _, l := range links {
			d.links[l.key()] = l
		}
		outside = outside[n:]
	}
	return d, nil
}

func (d directory) snapshot(year int, now time.Time) onde.Snapshot {
	at := now.UnixMilli()
	s := onde.Snapshot{School: true}
	for _, c := range d.classes {
		if c.Year == year {
			s.Classes = append(s.Classes, onde.ClassState{ID: c.ID, Label: c.Label, ONDE: c.OndeID, Levels: strings.Fields(c.Levels)})
		}
	}
	// The place of a pupil in the year: the open one, else the last one held.
	seat, rooms := map[string]placeRow{}, map[string][]string{}
	for _, p := range d.places {
		if d.classes[p.Class].Year != year {
			continue
		}
		switch was, has := seat[p.Person]; {
		case p.Profile == string(rights.Teacher):
			if p.To > at {
				rooms[p.Person] = append(rooms[p.Person], p.Class)
			}
		case p.Profile != string(rights.Pupil):
		case !has, p.To > was.To, p.To == was.To && (p.From > was.From || p.From == was.From && p.Class < was.Class):
			seat[p.Person] = p
		}
	}
	// A link that somebody closed stays known, so that no file opens it again:
	// there may be a judgement behind it.
	children := map[string][]string{}
	for _, l := range d.links {
		children[l.Relative] = append(children[l.Relative], l.Pupil)
	}
	staff := map[string]*onde.StaffState{}
	for _, m := range d.members {
		p, left := d.persons[m.Person], m.To <= at
		switch rights.Profile(m.Profile) {
		case rights.Pupil:
			x := onde.PupilState{ID: p.ID, Family: p.Last, Use: p.UseName, First: p.First, Birth: p.Birth, Sex: p.Civility, INE: p.INE, Left: left}
			if place, ok := seat[p.ID]; ok && (left || place.To > at) {
				x.Class, x.Level = place.Class, place.Level
			}
			s.Pupils = append(s.Pupils, x)
		case rights.Relative:
			kids := children[p.ID]
			sort.Strings(kids)
			s.Relatives = append(s.Relatives, onde.RelativeState{ID: p.ID, Civility: title(p.Civility), Family: p.Last, Use: p.UseName, First: p.First,
				Email: p.ContactEmail, Phones: phones(p.Phone), Address: address(p.Address), Children: kids, Left: left})
		case rights.Teacher, rights.Staff:
			x := staff[p.ID]
			if x == nil {
				x = &onde.StaffState{ID: p.ID, Civility: title(p.Civility), Family: p.Last, Use: p.UseName, First: p.First, Email: p.ContactEmail, Classes: rooms[p.ID], Left: true}
				sort.Strings(x.Classes)
				staff[p.ID] = x
			}
			x.Head = x.Head || m.Head && !left
			x.Left = x.Left && left
		}
	}
	for id, x := range staff {
		m, ok := d.members[memberRow{Person: id, Profile: string(rights.Teacher)}.key()]
		x.Teacher = ok && (m.To > at || x.Left)
		s.Staff = append(s.Staff, *x)
	}
	// Maps have no order; plans and screens do.
	sort.Slice(s.Classes, func(i, j int) bool { return s.Classes[i].ID < s.Classes[j].ID })
	sort.Slice(s.Pupils, func(i, j int) bool { return s.Pupils[i].ID < s.Pupils[j].ID })
	sort.Slice(s.Relatives, func(i, j int) bool { return s.Relatives[i].ID < s.Relatives[j].ID })
	sort.Slice(s.Staff, func(i, j int) bool { return s.Staff[i].ID < s.Staff[j].ID })
	return s
}

// elsewhere finds the persons of the portal who are not of the school and whom
// the files might mean: the same INE, the same family name and birth date, or
// the same e-mail address.
func elsewhere(ctx context.Context, q db.Querier, school string, files []onde.File) ([]onde.PersonState, error) {
	var ines, births, mails []string
	seen := map[string]bool{}
	add := func(list *[]string, kind, v string) {
		if v != "" && !seen[kind+v] {
			seen[kind+v] = true
			*list = append(*list, v)
		}
	}
	for _, f := range files {
		for _, p := range f.Pupils {
			add(&ines, "i", p.INE)
			add(&births, "b", p.Birth)
		}
		for _, r := range f.Relatives {
			add(&mails, "m", r.Email)
		}
	}
	found := map[string]onde.PersonState{}
	for _, by := range []struct {
		column string
		values []string
	}{{"p.ine", ines}, {"p.birth", births}, {"p.contact_email", mails}, {"p.email", mails}} {
		for values := by.values; len(values) > 0; {
			n := min(400, len(values))
			list, args := db.In([]any{school}, values[:n])
			rows, err := db.All[personRow](ctx, q, `SELECT p.id, p.last, p.use_name, p.first, p.birth, p.ine,
				CASE WHEN p.email <> '' THEN p.email ELSE p.contact_email END AS contact_email
				FROM person p WHERE `+by.column+` IN (`+list+`) AND NOT EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.school = $1)`, args...)
			if err != nil {
				return nil, fmt.Errorf("people elsewhere: %w", err)
			}
			for _, r := range rows {
				found[r.ID] = onde.PersonState{ID: r.ID, Family: r.Last, Use: r.UseName, First: r.First, Birth: r.Birth, INE: r.INE, Email: r.ContactEmail}
			}
			values = values[n:]
		}
	}
	out := make([]onde.PersonState, 0, len(found))
	for _, p := range found {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out, nil
}

// title and civility translate between the directory and the files.
func title(civility string) string {
	switch civility {
	case "M":
		return "M."
	case "F":
		return "Mme"
	}
	return ""
}

func civility(title string) string {
	switch title {
	case "M.":
		return "M"
	case "Mme":
		return "F"
	}
	return ""
}

// Telephones are kept in one text, separated by commas; an address as it is
// written on an envelope: street, postcode and town, country.
func phones(s string) []string {
	var out []string
	for p := range strings.SplitSeq(s, ",") {
		if p = strings.TrimSpace(p); p != "" {
			out = append(out, p)
		}
	}
	return out
}

func phoneText(list []string) string {
	out := make([]string, len(list))
	for i, p := range list {
		out[i] = strings.TrimSpace(strings.ReplaceAll(p, ",", " "))
	}
	return strings.Join(out, ", ")
}

func address(s string) onde.Address {
	lines := strings.Split(s, "\n")
	a := onde.Address{Street: strings.TrimSpace(lines[0])}
	if len(lines) > 1 {
		a.City = strings.TrimSpace(lines[1])
		if code, city, ok := strings.Cut(a.City, " "); ok && strings.Trim(code, "0123456789") == "" {
			a.Postcode, a.City = code, city
		}
	}
	if len(lines) > 2 {
		a.Country = strings.TrimSpace(lines[2])
	}
	return a
}

func addressText(a onde.Address) string {
	flat := func(s string) string { return strings.Join(strings.Fields(s), " ") }
	lines := []string{flat(a.Street), flat(a.Postcode + " " + a.City)}
	if c := flat(a.Country); c != "" {
		lines = append(lines, c)
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}
