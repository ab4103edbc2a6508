// Package classroom is "Ma classe": a class's pupils with their families, who
// has an account, who signed the charter on paper, connection sheets and new
// codes, the team of a class and manual groups. It keeps nothing itself: people
// writes the directory, session the codes. It refuses to know how anybody signs
// in and what any other service does.
package classroom

import (
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Class is a class in a list, with its counts.
type Class struct {
	ID       string
	School   string
	Home     string // name of the school
	Label    string
	Levels   string
	Pupils   int // present
	Active   int // pupils with an account in use
	Families int // pupils of whom one relative at least has an account in use
}

// Account is somebody as the list of a class shows them.
type Account struct {
	ID        string
	First     string
	Last      string
	Login     string
	Avatar    string
	Caption   people.Caption
	Activated *int64
	Seen      *int64
	CodeTo    *int64 // until when a printed code is good
	Ranks     string // every profile held anywhere: "relative teacher"
	Suspended bool   // a relative whose access to this pupil the head has suspended
}

// Name is "Inès Kermadec".
func (a Account) Name() string { return a.First + " " + a.Last }

// Active says whether the account is in use.
func (a Account) Active() bool { return a.Activated != nil }

// Ready says whether a code waits to be used.
func (a Account) Ready(now time.Time) bool {
	return !a.Active() && a.CodeTo != nil && *a.CodeTo > now.UnixMilli()
}

// Below says whether somebody of the rank may hand codes to this person: only
// when standing above all that the person is, in any school. The empty profile
// is the program itself.
func (a Account) Below(mine rights.Profile) bool {
	if mine == "" {
		return true
	}
	for _, p := range strings.Fields(a.Ranks) {
		if !rights.Outranks(mine, rights.Profile(p)) {
			return false
		}
	}
	return true
}

// Pupil is a pupil of a class with the family.
type Pupil struct {
	Account
	Class     string // id
	Label     string // of the class
	Level     string
	Birth     string
	Relatives []Account
}

// Reached counts the relatives whose account is in use and gives access.
func (p Pupil) Reached() int {
	n := 0
	for _, r := range p.Relatives {
		if r.Active() && !r.Suspended {
			n++
		}
	}
	return n
}

// Entitled counts the relatives whose access is not suspended.
func (p Pupil) Entitled() int {
	n := 0
	for _, r := range p.Relatives {
		if !r.Suspended {
			n++
		}
	}
	return n
}

// Counts are the numbers above a class.
type Counts struct{ Pupils, Active, Families int }

// Missing is how many families have no account in use.
func (c Counts) Missing() int { return c.Pupils - c.Families }

func count(list []Pupil) Counts {
	c := Counts{Pupils: len(list)}
	for _, p := range list {
		if p.Active() {
			c.Active++
		}
		if p.Reached() > 0 {
			c.Families++
		}
	}
	return c
}

// Duplicate is two accounts that may be one person.
type Duplicate struct {
	A, B  Account
	Child string // whose relatives they are; "" for two pupils
}

// duplicates looks for one name twice: two pupils of the class, or two
// relatives of one pupil.
func duplicates(list []Pupil) []Duplicate {
	var out []Duplicate
	seen := map[string]Account{}
	for _, p := range list {
		key := i18n.Fold(p.Name())
		if first, twice := seen[key]; twice {
			out = append(out, Duplicate{A: first, B: p.Account})
		} else {
			seen[key] = p.Account
		}
		kin := map[string]Account{}
		for _, r := range p.Relatives {
			key := i18n.Fold(r.Name())
			if first, twice := kin[key]; twice {
				out = append(out, Duplicate{A: first, B: r, Child: p.Name()})
			} else {
				kin[key] = r
			}
		}
	}
	return out
}

// relatives lists a class's responsible adults once each, in the order of
// their first child.
func relatives(list []Pupil) []Account {
	var out []Account
	seen := map[string]bool{}
	for _, p := range list {
		for _, r := range p.Relatives {
			if !seen[r.ID] {
				seen[r.ID] = true
				out = append(out, r)
			}
		}
	}
	return out
}

// Newcomer is a person typed by hand.
type Newcomer struct {
	First    string
	Last     string
	Civility string
	Birth    string // pupils only
	Level    string // pupils only
	Email    string // relatives only: a contact address, which serves nothing until confirmed
	Anyway   bool   // somebody of that name is known, and it is not them
}

// Naming is a name being corrected.
type Naming struct {
	First string
	Last  string
	Use   string // shown instead of Last
}

// Check finds what is wrong with a name.
func (n *Naming) Check() error {
	f := errs.Fields{}
	for _, s := range []*string{&n.First, &n.Last, &n.Use} {
		*s = strings.Join(strings.Fields(strings.ToValidUTF8(*s, "")), " ")
	}
	name(f, "prenom", n.First)
	name(f, "nom", n.Last)
	if n.Use != "" {
		name(f, "usage", n.Use)
	}
	return f.Err()
}

const longest = 80 // letters of a name

// Check finds what is wrong with a newcomer; levels are those of the class, nil
// for an adult.
func (n *Newcomer) Check(levels []string, now time.Time) error {
	f := errs.Fields{}
	n.First, n.Last, n.Email = strings.Join(strings.Fields(n.First), " "), strings.Join(strings.Fields(n.Last), " "), strings.TrimSpace(n.Email)
	name(f, "prenom", n.First)
	name(f, "nom", n.Last)
	if n.Civility != "" && n.Civility != "M" && n.Civility != "F" {
		f.Add("civilite", "classroom.fault.civility")
	}
	if n.Birth != "" {
		day, err := time.Parse(time.DateOnly, n.Birth)
		if err != nil || day.After(now) || day.Before(now.AddDate(-20, 0, 0)) {
			f.Add("naissance", "classroom.fault.birth")
		}
	}
	if levels != nil {
		if len(levels) == 1 && n.Level == "" {
			n.Level = levels[0]
		}
		if !slices.Contains(levels, n.Level) {
			f.Add("niveau", "classroom.fault.level")
		}
	}
	if n.Email != "" && (len(n.Email) > 200 || !strings.Contains(strings.Trim(n.Email, "@"), "@") || strings.ContainsAny(n.Email, " <>,;\"\r\n")) {
		f.Add("courriel", "classroom.fault.email")
	}
	return f.Err()
}

func name(f errs.Fields, field, s string) {
	switch {
	case s == "":
		f.Add(field, "classroom.fault."+field)
	case len([]rune(s)) > longest:
		f.Add(field, "classroom.fault.long", "n", longest)
	case i18n.Fold(s) == "":
		f.Add(field, "classroom.fault.letters")
	}
}

// levels are those that a class may hold: its own, or all when it names none.
func levels(c people.Class) []string {
	if l := strings.Fields(c.Levels); len(l) > 0 {
		return l
	}
	return people.Levels
}
