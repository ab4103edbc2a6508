package classroom

import (
	"context"
	"io"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/kernel/session/sheet"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Whom sheets are printed for.
const (
	PupilsWithout   = "eleves"    // pupils without an account in use
	FamiliesWithout = "familles"  // adults without an account in use
	StaffWithout    = "personnel" // staff without an account in use; whole school only
	Everybody       = "tous"
)

// Formats of sheets: one A4 for each adult, eight slips a page, lines for a
// spreadsheet, and a page of the site to print.
const (
	FormatPDF   = "pdf"
	FormatSlips = "pdf8"
	FormatCSV   = "csv"
	FormatPage  = "page"
)

// Choice is what is printed: some classes of a school, and whom in them.
type Choice struct {
	Classes []string
	Who     []string // PupilsWithout …, or
	Persons []string // these persons, when not empty
	Staff   bool     // the school's staff may be chosen too
}

// Print is a set of sheets, ready to be written in any format.
type Print struct {
	Sheets []sheet.Sheet
	Slips  []sheet.Slip
	// Kept are those whose codes are the head's, or the operator's, to hand out.
	Kept    []string
	printed time.Time
}

// Prepare opens the codes of a choice, giving one to whoever has none. The
// grant must be in charge of everybody in it (session checks each), and each
// opening is audited.
func Prepare(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, home string, c Choice) (Print, error) {
	if len(c.Who) == 0 && len(c.Persons) == 0 {
		return Print{}, errs.Field("qui", "classroom.fault.nobody")
	}
	now := core.Clock.Now()
	roster, err := Roster(ctx, tx, g, c.Classes, "", now)
	if err != nil {
		return Print{}, err
	}
	var staff []Account
	if c.Staff {
		if staff, err = Staff(ctx, tx, g, now); err != nil {
			return Print{}, err
		}
	}
	p := plan{choice: c, mine: rank(g)}
	p.choose(roster, staff)
	if err := session.IssueCodes(ctx, tx, core, g, p.asleep); err != nil {
		return Print{}, err
	}
	codes, err := session.OpenCodes(ctx, tx, core, g, p.asleep)
	if err != nil {
		return Print{}, err
	}
	return p.draw(core, home, roster, staff, codes), nil
}

// rank is the profile under which codes are handed out; empty for the program.
func rank(g rights.Grant) rights.Profile {
	v := g.Viewer()
	if v == nil {
		return ""
	}
	var here rights.Viewer
	for _, m := range v.Memberships {
		if m.School == g.School() {
			here.Memberships = append(here.Memberships, m)
		}
	}
	return here.Main()
}

// plan chooses who is on paper.
type plan struct {
	choice Choice
	mine   rights.Profile
	chosen map[string]bool
	asleep []string // those whose codes are needed
	kept   []string
}

func (p *plan) wants(a Account, who string) bool {
	if len(p.choice.Persons) > 0 {
		return slices.Contains(p.choice.Persons, a.ID)
	}
	return slices.Contains(p.choice.Who, Everybody) || slices.Contains(p.choice.Who, who) && !a.Active()
}

func (p *plan) choose(roster []Pupil, staff []Account) {
	p.chosen = map[string]bool{}
	needs := map[string]bool{}
	need := func(a Account) {
		if !a.Active() && !needs[a.ID] {
			needs[a.ID] = true
			p.asleep = append(p.asleep, a.ID)
		}
	}
	take := func(a Account, who string) bool {
		switch {
		case p.chosen[a.ID]:
			return true
		case !p.wants(a, who):
			return false
		case !a.Active() && !a.Below(p.mine):
			if !slices.Contains(p.kept, a.Name()) {
				p.kept = append(p.kept, a.Name())
			}
			return false
		}
		p.chosen[a.ID] = true
		need(a)
		return true
	}
	for _, k := range roster {
		take(k.Account, PupilsWithout)
		for _, r := range k.Relatives {
			if take(r, FamiliesWithout) && !r.Suspended && k.Below(p.mine) {
				need(k.Account) // a child's code stands on each parent's sheet
			}
		}
	}
	for _, s := range staff {
		take(s, StaffWithout)
	}
}

func (p *plan) draw(core *app.Core, home string, roster []Pupil, staff []Account, codes map[string]string) Print {
	base := core.Base.String()
	paper := func(a Account) sheet.Person {
		one := sheet.Person{Name: a.Name(), Login: a.Login, Code: codes[a.ID]}
		if one.Code != "" {
			one.URL = session.CodeLink(base, a.Login, one.Code)
		}
		return one
	}
	printed := core.Clock.Now()
	out := Print{Kept: p.kept, printed: printed}
	blank := func(class string) sheet.Sheet {
		return sheet.Sheet{School: home, Class: class, Address: base, Printed: printed}
	}
	at := map[string]int{}       // adult → place in Sheets
	covered := map[string]bool{} // pupils who stand on an adult's sheet
	slipped := map[string]bool{} // who has a slip
	first := map[string]string{} // adult → class of the first child
	slip := func(a Account, class string, child bool, role string) {
		if slipped[a.ID] || !p.chosen[a.ID] {
			return
		}
		slipped[a.ID] = true
		one := paper(a)
		one.Role = role
		out.Slips = append(out.Slips, sheet.Slip{School: home, Class: class, Address: base, Child: child, Person: one})
	}
	for _, k := range roster {
		slip(k.Account, k.Label, true, "")
		for _, r := range k.Relatives {
			if !p.chosen[r.ID] {
				continue
			}
			slip(r, k.Label, false, "")
			i, known := at[r.ID]
			if !known {
				i = len(out.Sheets)
				at[r.ID] = i
				first[r.ID] = k.Label
				s := blank(k.Label)
				adult := paper(r)
				s.Adult = &adult
				out.Sheets = append(out.Sheets, s)
			} else if first[r.ID] != k.Label {
				out.Sheets[i].Class = "" // children of several classes
			}
			if r.Suspended {
				continue // a code of the child's would open what the head has closed
			}
			out.Sheets[i].Children = append(out.Sheets[i].Children, paper(k.Account))
			covered[k.ID] = true
		}
	}
	for _, k := range roster {
		if p.chosen[k.ID] && !covered[k.ID] {
			s := blank(k.Label)
			s.Children = []sheet.Person{paper(k.Account)}
			out.Sheets = append(out.Sheets, s)
		}
	}
	for _, m := range staff {
		if !p.chosen[m.ID] || slipped[m.ID] {
			continue
		}
		role := m.Caption.Public(core.Catalog.T) // a sheet lies about: it tells of nobody's family
		slip(m, "", false, role)
		s := blank("")
		adult := paper(m)
		adult.Role = role
		s.Adult = &adult
		out.Sheets = append(out.Sheets, s)
	}
	return out
}

// Alone prepares the sheet of the grant's person, in charge of whom it is.
func Alone(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, home string) (Print, error) {
	a, err := One(ctx, tx, g, core.Clock.Now())
	if err != nil {
		return Print{}, err
	}
	if err := session.IssueCodes(ctx, tx, core, g, []string{a.ID}); err != nil {
		return Print{}, err
	}
	codes, err := session.OpenCodes(ctx, tx, core, g, []string{a.ID})
	if err != nil {
		return Print{}, err
	}
	p := plan{chosen: map[string]bool{a.ID: true}}
	return p.draw(core, home, nil, []Account{a}, codes), nil
}

// Write writes the sheets in a format of those above, but FormatPage.
func (p Print) Write(w io.Writer, c *i18n.Catalog, format string) error {
	switch format {
	case FormatPDF:
		return sheet.PDF(w, c.T, p.Sheets)
	case FormatSlips:
		return sheet.Slips(w, c.T, p.printed, p.Slips)
	case FormatCSV:
		return sheet.CSV(w, c.T, p.Slips)
	}
	return errs.Field("format", "classroom.fault.format")
}
