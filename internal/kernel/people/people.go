// Package people is the directory: persons, schools, classes, dated
// memberships, families and groups, and the principals that rights are given
// to. It refuses to know how anybody signs in and what any service does.
package people

import (
	"context"
	"embed"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

// Migrations are the directory's tables, Messages its sentences.
func Migrations() fs.FS { return sub("migrations") }

// Messages is the directory's catalogue.
func Messages() fs.FS { return sub("i18n") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Year is the school year of a day, by the same rule as that of an import.
func Year(t time.Time) int { return onde.SchoolYear(t) }

// YearBegins is the first instant of a school year where the clocks are set to a
// zone.
func YearBegins(year int, zone *time.Location) time.Time {
	return time.Date(year, time.August, 1, 0, 0, 0, 0, zone)
}

// Levels are the levels of primary school, in order.
var Levels = []string{"TPS", "PS", "MS", "GS", "CP", "CE1", "CE2", "CM1", "CM2"}

// CheckUAI says whether a school's national number is well formed and its key
// letter right: the seven digits modulo 23, in an alphabet without I, O and Q.
func CheckUAI(uai string) error {
	uai = strings.ToUpper(strings.TrimSpace(uai))
	if len(uai) != 8 {
		return errs.Field("uai", "people.uai_form")
	}
	n := 0
	for _, r := range uai[:7] {
		if r < '0' || r > '9' {
			return errs.Field("uai", "people.uai_form")
		}
		n = n*10 + int(r-'0')
	}
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ"
	if uai[7] != letters[n%23] {
		return errs.Field("uai", "people.uai_key", "uai", uai)
	}
	return nil
}

// School is a school as the directory knows it.
type School struct {
	ID       string
	UAI      string
	Name     string
	Address  string
	Phone    string
	Timezone string
}

const schoolColumns = `id, uai, name, address, phone, timezone`

// SchoolByUAI finds a school by its national number.
func SchoolByUAI(ctx context.Context, q db.Querier, uai string) (School, bool, error) {
	return db.One[School](ctx, q, `SELECT `+schoolColumns+` FROM school WHERE uai = $1`, strings.ToUpper(strings.TrimSpace(uai)))
}

// SchoolByID finds a school.
func SchoolByID(ctx context.Context, q db.Querier, id string) (School, bool, error) {
	return db.One[School](ctx, q, `SELECT `+schoolColumns+` FROM school WHERE id = $1`, id)
}

// CreateSchool adds a school to the portal.
func CreateSchool(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, s School) (School, error) {
	if err := g.Must(ctx, tx, rights.Operating); err != nil {
		return School{}, err
	}
	f := errs.Fields{}
	s.UAI, s.Name = strings.ToUpper(strings.TrimSpace(s.UAI)), strings.TrimSpace(s.Name)
	if err := CheckUAI(s.UAI); err != nil {
		return School{}, err
	}
	if s.Name == "" || len(s.Name) > 200 {
		f.Add("name", "people.school_name")
	}
	if s.Timezone == "" {
		s.Timezone = zoneOf(s.UAI)
	}
	if _, err := time.LoadLocation(s.Timezone); err != nil {
		f.Add("timezone", "people.timezone")
	}
	if err := f.Err(); err != nil {
		return School{}, err
	}
	s.ID = id.New()
	_, err := tx.Exec(ctx, `INSERT INTO school (id, uai, name, address, phone, timezone, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		s.ID, s.UAI, s.Name, s.Address, s.Phone, s.Timezone, now.UnixMilli())
	if db.IsDuplicate(err) {
		return School{}, errs.Field("uai", "people.uai_known", "uai", s.UAI)
	}
	return s, err
}

// zoneOf guesses the time zone from the département in the national number.
func zoneOf(uai string) string {
	zones := map[string]string{"974": "Indian/Reunion", "976": "Indian/Mayotte", "971": "America/Guadeloupe", "972": "America/Martinique", "973": "America/Cayenne", "975": "America/Miquelon", "983": "Pacific/Noumea", "984": "Pacific/Tahiti", "986": "Pacific/Wallis"}
	if z := zones[uai[:3]]; z != "" {
		return z
	}
	return "Europe/Paris"
}

// Class is a class of one school year.
type Class struct {
	ID     string
	School string
	Year   int
	Label  string
	Levels string // "CE1 CE2"
	OndeID string `db:"onde_id"`
}

const classColumns = `id, school, year, label, levels, onde_id`

// Classes lists a school's classes of a year, youngest pupils first.
func Classes(ctx context.Context, q db.Querier, school string, year int) ([]Class, error) {
	list, err := db.All[Class](ctx, q, `SELECT `+classColumns+` FROM class WHERE school = $1 AND year = $2 ORDER BY label_key`, school, year)
	slices.SortStableFunc(list, func(a, b Class) int { return levelOf(a.Levels) - levelOf(b.Levels) })
	return list, err
}

// ClassesOf lists the classes that a person teaches.
func ClassesOf(ctx context.Context, q db.Querier, teacher string, now time.Time) ([]Class, error) {
	list, err := db.All[Class](ctx, q, `SELECT c.id, c.school, c.year, c.label, c.levels, c.onde_id FROM class c
		JOIN class_member cm ON cm.class = c.id AND cm.profile = 'teacher'
		WHERE cm.person = $1 AND cm.valid_from <= $2 AND cm.valid_to > $2 ORDER BY c.label_key`, teacher, now.UnixMilli())
	slices.SortStableFunc(list, func(a, b Class) int { return levelOf(a.Levels) - levelOf(b.Levels) })
	return list, err
}

// ClassByID finds a class.
func ClassByID(ctx context.Context, q db.Querier, id string) (Class, bool, error) {
	return db.One[Class](ctx, q, `SELECT `+classColumns+` FROM class WHERE id = $1`, id)
}

func levelOf(levels string) int {
	first, _, _ := strings.Cut(levels, " ")
	return slices.Index(Levels, first)
}

// CreateClass adds a class; the same label twice in a year is a conflict.
func CreateClass(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, c Class) (Class, error) {
	if err := g.Must(ctx, tx, ManageSchool); err != nil {
		return Class{}, err
	}
	c.ID, c.Label = id.New(), strings.TrimSpace(c.Label)
	if c.Label == "" || len(c.Label) > 120 {
		return Class{}, errs.Field("label", "people.class_label")
	}
	_, err := tx.Exec(ctx, `INSERT INTO class (id, school, year, label, label_key, levels, onde_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		c.ID, c.School, c.Year, c.Label, i18n.Fold(c.Label), c.Levels, c.OndeID, now.UnixMilli())
	if db.IsDuplicate(err) {
		return Class{}, errs.Field("label", "people.class_known", "label", c.Label)
	}
	return c, err
}

// Person is a person as the directory knows them.
type Person struct {
	ID           string
	First        string
	Last         string // family name
	UseName      string `db:"use_name"`
	Civility     string // "M", "F" or ""
	Birth        string // 2017-04-24 or ""
	INE          string `db:"ine"`
	Address      string
	Phone        string
	ContactEmail string `db:"contact_email"`
	Login        string
	Avatar       string
	ActivatedAt  *int64 `db:"activated_at"`
	SeenAt       *int64 `db:"seen_at"`
}

// PersonColumns are the columns of Person, each after an alias and a dot.
func PersonColumns(alias string) string {
	names := []string{"id", "first", "last", "use_name", "civility", "birth", "ine", "address", "phone", "contact_email", "login", "avatar", "activated_at", "seen_at"}
	for i, n := range names {
		names[i] = alias + "." + n
	}
	return strings.Join(names, ", ")
}

// Shown is the family name that people use.
func (p Person) Shown() string {
	if p.UseName != "" {
		return p.UseName
	}
	return p.Last
}

// Name is "Inès Kermadec".
func (p Person) Name() string { return p.First + " " + p.Shown() }

// PersonByID finds a person.
func PersonByID(ctx context.Context, q db.Querier, id string) (Person, bool, error) {
	return db.One[Person](ctx, q, `SELECT `+PersonColumns("p")+` FROM person p WHERE p.id = $1`, id)
}

// Any says whether the directory holds anybody yet.
func Any(ctx context.Context, q db.Querier) (bool, error) {
	n, err := db.Value[int](ctx, q, `SELECT count(*) FROM (SELECT 1 FROM person LIMIT 1) x`)
	return n > 0, err
}

// NameKey is how a person is sorted and found.
func NameKey(p Person) string { return i18n.Fold(p.Shown() + " " + p.First) }

// Avatars are the animals that pupils get in turn.
var Avatars = []string{"renard", "chouette", "herisson", "chat", "grenouille", "ours", "phoque", "lapin"}

// CreatePersons adds persons, giving each an id when it has none, a sign-in
// name (prenom.nom, then prenom.nom2 …) and, to those with avatar "?", a drawn
// animal. It returns them as written.
func CreatePersons(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, list []Person) ([]Person, error) {
	if err := g.Must(ctx, tx, ManageSchool, ManageClass, rights.Operating); err != nil {
		return nil, err
	}
	taken := map[string]bool{}
	bases := map[string]bool{}
	for i := range list {
		bases[loginBase(list[i])] = true
	}
	for b := range bases {
		used, err := takenLogins(ctx, tx, b)
		if err != nil {
			return nil, err
		}
		maps.Copy(taken, used)
	}
	rows := make([][]any, len(list))
	for i := range list {
		p := &list[i]
		if p.ID == "" {
			p.ID = id.New()
		}
		p.Login = freeLogin(loginBase(*p), taken)
		taken[p.Login] = true
		if p.Avatar == "?" {
			p.Avatar = Avatars[int(p.ID[len(p.ID)-1]+p.ID[len(p.ID)-2])%len(Avatars)]
		}
		rows[i] = []any{p.ID, p.First, p.Last, p.UseName, NameKey(*p), p.Civility, p.Birth, p.INE, p.Address, p.Phone, p.ContactEmail, p.Login, p.Avatar, now.UnixMilli()}
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO person (id, first, last, use_name, name_key, civility, birth, ine, address, phone, contact_email, login, avatar, created_at) VALUES `, "", rows)
	return list, err
}

// loginBase is "prenom.nom" in plain letters.
func loginBase(p Person) string {
	part := func(s string) string {
		s = strings.ReplaceAll(i18n.Fold(s), " ", "-")
		return strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
				return r
			}
			return -1
		}, s)
	}
	base := strings.Trim(part(p.First)+"."+part(p.Shown()), ".-")
	if base == "" {
		base = "compte"
	}
	if len(base) > 60 {
		base = base[:60]
	}
	// A trailing digit would blur "prenom.nom2" with the second prenom.nom.
	if last := base[len(base)-1]; last >= '0' && last <= '9' {
		base += "-"
	}
	return base
}

// The needs that write to the directory.
var (
	// ManageSchool is the head's.
	ManageSchool = rights.Can("school.manage", rights.Head)
	// ManageClass is a teacher's of the class, or the head's.
	ManageClass = rights.OnClass("class.manage", "id")
)

// Formal is how a family names an adult of the school: "Mme Duvivier", or both
// names where the civility is not known.
func Formal(civility, first, last string) string {
	switch civility {
	case "M":
		return "M. " + last
	case "F":
		return "Mme " + last
	}
	return strings.TrimSpace(first + " " + last)
}
