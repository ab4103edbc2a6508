// Package sample makes a school that lives: invented people, nine classes, and
// what each service's Sample adds. The demonstration shows it and the tests
// walk through it by name. Everything comes from one seed: the same school each
// time.
package sample

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
)

// UAI is the invented school's number, well formed and given to nobody here.
const UAI = "0809876A"

// Name is the invented school's.
const Name = "École des Marronniers"

// Account is a person worth trying, by sign-in name.
type Account struct {
	Login    string   `json:"login"`
	Password string   `json:"password"`
	Profile  string   `json:"profile"` // relative, teacher, pupil, head, operator
	Children []string `json:"children,omitempty"`
	person   string
}

// class is a class to make: who teaches it and how many pupils it has.
type class struct {
	label   string
	levels  []string
	teacher [3]string // first, last, civility
	pupils  int
}

var classes = []class{
	{"PS-MS", []string{"PS", "MS"}, [3]string{"Thomas", "Lerouge", "M"}, 25},
	{"GS", []string{"GS"}, [3]string{"Sophie", "Vandamme", "F"}, 24},
	{"CP A", []string{"CP"}, [3]string{"Karim", "Haddad", "M"}, 23},
	{"CP-CE1", []string{"CP", "CE1"}, [3]string{"Lucie", "Prévost", "F"}, 22},
	{"CE1 B", []string{"CE1"}, [3]string{"Hélène", "Duvivier", "F"}, 27},
	{"CE2", []string{"CE2"}, [3]string{"Antoine", "Mercier", "M"}, 26},
	{"CE2-CM1", []string{"CE2", "CM1"}, [3]string{"Fatima", "Benhaddou", "F"}, 24},
	{"CM1", []string{"CM1"}, [3]string{"Julien", "Lecoq", "M"}, 25},
	{"CM2", []string{"CM2"}, [3]string{"Claire", "Fontaine", "F"}, 24},
}

// births is the year in which pupils of a level were born, for the school year 2026.
var births = map[string]int{"TPS": 2024, "PS": 2023, "MS": 2022, "GS": 2021, "CP": 2020, "CE1": 2019, "CE2": 2018, "CM1": 2017, "CM2": 2016}

// School writes the whole sample in one transaction and returns the accounts
// worth trying, without passwords yet.
func School(ctx context.Context, core *app.Core) ([]Account, error) {
	var accounts []Account
	err := core.DB.Write(ctx, func(tx *db.Tx) error {
		m := maker{ctx: ctx, tx: tx, core: core, rnd: rand.New(rand.NewPCG(2026, 11)), now: core.Clock.Now()}
		var err error
		accounts, err = m.school()
		return err
	})
	return accounts, err
}

type maker struct {
	ctx    context.Context
	tx     *db.Tx
	core   *app.Core
	rnd    *rand.Rand
	now    time.Time
	home   people.School
	g      rights.Grant
	change people.Change
	active []string
}

func (m *maker) school() ([]Account, error) {
	system := rights.System("sample")
	s, err := people.CreateSchool(m.ctx, m.tx, system, m.now, people.School{UAI: UAI, Name: Name, Address: "12 rue des Écoles, 80000 Saint-Ravy-sur-Lys", Phone: "03 22 00 00 01"})
	if err != nil {
		return nil, err
	}
	m.home, m.g = s, system.For(s.ID)
	m.change.School = s.ID
	began := m.now.AddDate(-1, 0, 0)

	var made []people.Class
	for _, c := range classes {
		levels := ""
		for i, l := range c.levels {
			if i > 0 {
				levels += " "
			}
			levels += l
		}
		one, err := people.CreateClass(m.ctx, m.tx, m.g, began, people.Class{School: s.ID, Year: people.Year(m.now), Label: c.label, Levels: levels})
		if err != nil {
			return nil, err
		}
		made = append(made, one)
	}
	staff, err := m.staff(made)
	if err != nil {
		return nil, err
	}
	if err := m.families(made); err != nil {
		return nil, err
	}
	if err := people.Apply(m.ctx, m.tx, m.g, began, m.change); err != nil {
		return nil, err
	}
	// The operator belongs to no school.
	operator, err := people.CreatePersons(m.ctx, m.tx, m.g, began, []people.Person{{First: "Odile", Last: "Portail", Civility: "F"}})
	if err != nil {
		return nil, err
	}
	if err := people.Apply(m.ctx, m.tx, system, began, people.Change{Join: []people.Membership{{Person: operator[0].ID, Profile: rights.Operator}}}); err != nil {
		return nil, err
	}
	if err := session.Settle(m.ctx, m.tx, m.g, m.active, began.AddDate(0, 0, 3), m.now); err != nil {
		return nil, err
	}
	// Head and operator came two days ago: their second factor may still wait.
	if err := session.Settle(m.ctx, m.tx, m.g, []string{operator[0].ID, staff[8].ID}, m.now.AddDate(0, 0, -2), m.now); err != nil {
		return nil, err
	}
	// Whoever has not come yet has a sheet waiting.
	var asleep []string
	for _, j := range m.change.Join {
		if !slices.Contains(m.active, j.Person) && j.Person != staff[8].ID {
			asleep = append(asleep, j.Person)
		}
	}
	if err := session.IssueCodes(m.ctx, m.tx, m.core, m.g, asleep); err != nil {
		return nil, err
	}
	for _, a := range m.core.Apps {
		if a.Sample != nil {
			if err := a.Sample(m.ctx, m.tx, m.g); err != nil {
				return nil, fmt.Errorf("sample of %s: %w", a.Name, err)
			}
		}
	}
	return Accounts(m.ctx, m.tx)
}

// staff makes the twelve adults of the school: nine class teachers, of whom one
// is the head, a substitute and two who are no teachers.
func (m *maker) staff(made []people.Class) ([]people.Person, error) {
	var list []people.Person
	for _, c := range classes {
		list = append(list, people.Person{First: c.teacher[0], Last: c.teacher[1], Civility: c.teacher[2]})
	}
	list = append(list,
		people.Person{First: "Romain", Last: "Caudron", Civility: "M"},
		people.Person{First: "Martine", Last: "Wallon", Civility: "F"},
		people.Person{First: "Josiane", Last: "Petit", Civility: "F"},
	)
	list, err := people.CreatePersons(m.ctx, m.tx, m.g, m.now, list)
	if err != nil {
		return nil, err
	}
	for i, p := range list {
		profile := rights.Teacher
		if i > 9 {
			profile = rights.Staff
		}
		m.change.Join = append(m.change.Join, people.Membership{Person: p.ID, School: m.home.ID, Profile: profile, Head: i == 8})
		if i < 9 {
			m.change.Enter = append(m.change.Enter, people.Place{Person: p.ID, Class: made[i].ID, Profile: rights.Teacher})
		}
		if i != 8 {
			m.active = append(m.active, p.ID)
		}
	}
	m.change.Enter = append(m.change.Enter, people.Place{Person: list[9].ID, Class: made[3].ID, Profile: rights.Teacher})
	return list, nil
}

// families makes the pupils and their relatives: families of one to three
// children over all classes, most with two adults, one in twelve without an
// active account.
func (m *maker) families(made []people.Class) error {
	type seat struct{ class, level int }
	var seats []seat
	for ci, c := range classes {
		for n := range c.pupils {
			seats = append(seats, seat{ci, n * len(c.levels) / c.pupils})
		}
	}
	m.rnd.Shuffle(len(seats), func(i, j int) { seats[i], seats[j] = seats[j], seats[i] })
	take := func(label, level string) seat {
		for i, s := range seats {
			if classes[s.class].label == label && classes[s.class].levels[s.level] == level {
				seats = append(seats[:i], seats[i+1:]...)
				return s
			}
		}
		panic("sample: no seat in " + label) // the table above is ours
	}
	var persons []people.Person
	add := func(p people.Person) int { persons = append(persons, p); return len(persons) - 1 }
	type kin struct{ relative, pupil int }
	var links []kin
	var pupils, relatives []int
	places := map[int]seat{}
	asleep := map[int]bool{}
	pupil := func(first, last, civility, avatar string, s seat) int {
		c := classes[s.class]
		birth := fmt.Sprintf("%d-%02d-%02d", births[c.levels[s.level]], 1+m.rnd.IntN(12), 1+m.rnd.IntN(28))
		i := add(people.Person{First: first, Last: last, Civility: civility, Birth: birth, Avatar: avatar})
		pupils = append(pupils, i)
		places[i] = s
		return i
	}
	relative := func(first, last, civility string) int {
		i := add(people.Person{First: first, Last: last, Civility: civility})
		relatives = append(relatives, i)
		return i
	}

	// The family that the documentation follows.
	in := pupil("Inès", "Kermadec", "F", "renard", take("CE1 B", "CE1"))
	ya := pupil("Yanis", "Kermadec", "M", "ours", take("PS-MS", "MS"))
	na := relative("Nadia", "Kermadec", "F")
	yo := relative("Youssef", "Kermadec", "M")
	links = append(links, kin{na, in}, kin{na, ya}, kin{yo, in}, kin{yo, ya})

	for n := 0; len(seats) > 0; n++ {
		last := lasts[(n*7+n/len(lasts))%len(lasts)]
		size := min([]int{1, 1, 1, 2, 1, 1, 1, 1}[n%8], len(seats))
		var kids []int
		for range size {
			s := seats[len(seats)-1]
			seats = seats[:len(seats)-1]
			if m.rnd.IntN(2) == 0 {
				kids = append(kids, pupil(girls[m.rnd.IntN(len(girls))], last, "F", "?", s))
			} else {
				kids = append(kids, pupil(boys[m.rnd.IntN(len(boys))], last, "M", "?", s))
			}
		}
		adults := 2
		if n%40 == 39 {
			adults = 3
		} else if n%15 == 6 {
			adults = 1
		}
		sleeps := n%12 == 11
		for a := range adults {
			name := last
			if a == 1 && n%4 == 1 {
				name = lasts[(n*11+3)%len(lasts)]
			}
			var r int
			if a%2 == 0 {
				r = relative(mothers[m.rnd.IntN(len(mothers))], name, "F")
			} else {
				r = relative(fathers[m.rnd.IntN(len(fathers))], name, "M")
			}
			asleep[r] = sleeps || a == 1 && n%6 == 5
			for _, k := range kids {
				links = append(links, kin{r, k})
				asleep[k] = sleeps || n%3 == 2
			}
		}
	}
	persons, err := people.CreatePersons(m.ctx, m.tx, m.g, m.now, persons)
	if err != nil {
		return err
	}
	for _, i := range pupils {
		s := places[i]
		m.change.Join = append(m.change.Join, people.Membership{Person: persons[i].ID, School: m.home.ID, Profile: rights.Pupil})
		m.change.Enter = append(m.change.Enter, people.Place{Person: persons[i].ID, Class: made[s.class].ID, Profile: rights.Pupil, Level: classes[s.class].levels[s.level]})
	}
	for _, i := range relatives {
		m.change.Join = append(m.change.Join, people.Membership{Person: persons[i].ID, School: m.home.ID, Profile: rights.Relative})
	}
	for _, l := range links {
		m.change.Link = append(m.change.Link, people.Link{Relative: persons[l.relative].ID, Pupil: persons[l.pupil].ID})
	}
	for i, p := range persons {
		if !asleep[i] {
			m.active = append(m.active, p.ID)
		}
	}
	return nil
}

// Accounts are those worth trying of a sample that was made, without passwords;
// none where there is no such school.
func Accounts(ctx context.Context, q db.Querier) (out []Account, err error) {
	if n, err := db.Value[int](ctx, q, `SELECT count(*) FROM school WHERE uai = $1`, UAI); err != nil || n == 0 {
		return nil, err
	}
	for _, a := range []Account{
		{Login: "nadia.kermadec", Profile: "relative", Children: []string{"Inès", "Yanis"}},
		{Login: "helene.duvivier", Profile: "teacher"},
		{Login: "ines.kermadec", Profile: "pupil"},
		{Login: "claire.fontaine", Profile: "head"},
		{Login: "odile.portail", Profile: "operator"},
	} {
		var here bool // or another name was given since
		if a.person, here, err = db.One[string](ctx, q, `SELECT id FROM person WHERE login = $1`, a.Login); err != nil {
			return nil, fmt.Errorf("sample: %w", err)
		}
		if here {
			out = append(out, a)
		}
	}
	return out, nil
}

// Open gives the accounts worth trying a password each.
func Open(ctx context.Context, core *app.Core, accounts []Account) error {
	for i := range accounts {
		a := &accounts[i]
		a.Password = "marelle-" + a.Profile
		hash, err := core.Hasher.Hash(ctx, a.Password)
		if err != nil {
			return err
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			return session.SetPassword(ctx, tx, core, rights.System("sample"), a.person, hash)
		}); err != nil {
			return err
		}
	}
	return nil
}
