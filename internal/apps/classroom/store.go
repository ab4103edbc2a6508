package classroom

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Classes lists the classes that the scope's person teaches, and all those of
// the schools that they lead, from this school year on, in one statement.
func Classes(ctx context.Context, q db.Querier, s rights.Scope, now time.Time) ([]Class, error) {
	const present = `cm.class = c.id AND cm.profile = 'pupil' AND cm.valid_from <= $2 AND cm.valid_to > $2`
	list, err := db.All[Class](ctx, q, `SELECT c.id, c.school, s.name AS home, c.label, c.levels,
			(SELECT count(*) FROM class_member cm WHERE `+present+`) AS pupils,
			(SELECT count(*) FROM class_member cm JOIN person k ON k.id = cm.person WHERE `+present+` AND k.activated_at IS NOT NULL) AS active,
			(SELECT count(DISTINCT cm.person) FROM class_member cm JOIN family_link f ON f.pupil = cm.person AND `+people.LinkHolds("f", "$2")+`
				JOIN person p ON p.id = f.relative AND p.activated_at IS NOT NULL WHERE `+present+`) AS families
		FROM class c JOIN school s ON s.id = c.school
		WHERE c.year >= $3 AND EXISTS (SELECT 1 FROM person_principal pp WHERE pp.person = $1 AND pp.school = c.school AND pp.valid_from <= $2 AND pp.valid_to > $2
			AND (pp.principal = 'school:head' OR pp.principal = 'class:' || c.id || ':teacher'))
		ORDER BY c.year, s.name, c.label_key`, s.Person(), now.UnixMilli(), people.Year(now))
	slices.SortStableFunc(list, func(a, b Class) int { return youngest(a) - youngest(b) })
	return list, err
}

func youngest(c Class) int {
	first, _, _ := strings.Cut(c.Levels, " ")
	return slices.Index(people.Levels, first)
}

// account writes the columns of an Account, prefixed, for the person and code
// aliases; school is where the caption is read.
func account(prefix, p, code, school string) string {
	return fmt.Sprintf(`%[2]s.id AS %[1]sid, %[2]s.first AS %[1]sfirst, CASE WHEN %[2]s.use_name <> '' THEN %[2]s.use_name ELSE %[2]s.last END AS %[1]slast,
		%[2]s.login AS %[1]slogin, %[2]s.avatar AS %[1]savatar, coalesce((SELECT pc.facts FROM person_caption pc WHERE pc.person = %[2]s.id AND pc.school = %[4]s), '') AS %[1]scaption, %[2]s.activated_at AS %[1]sactivated, %[2]s.seen_at AS %[1]sseen,
		%[3]s.expires_at AS %[1]scode_to, (SELECT string_agg(CASE WHEN m.head THEN 'head' ELSE m.profile END, ' ') FROM membership m
			WHERE m.person = %[2]s.id AND m.valid_to > $1) AS %[1]sranks`, prefix, p, code, school)
}

// entry is a line of the roster: a pupil, and perhaps one relative.
type entry struct {
	KID        string         `db:"k_id"`
	KFirst     string         `db:"k_first"`
	KLast      string         `db:"k_last"`
	KLogin     string         `db:"k_login"`
	KAvatar    string         `db:"k_avatar"`
	KCaption   people.Caption `db:"k_caption"`
	KActivated *int64         `db:"k_activated"`
	KSeen      *int64         `db:"k_seen"`
	KCodeTo    *int64         `db:"k_code_to"`
	KRanks     *string        `db:"k_ranks"`
	Class      string
	Label      string
	Level      string
	Birth      string
	RID        *string         `db:"r_id"`
	RFirst     *string         `db:"r_first"`
	RLast      *string         `db:"r_last"`
	RLogin     *string         `db:"r_login"`
	RAvatar    *string         `db:"r_avatar"`
	RCaption   *people.Caption `db:"r_caption"`
	RActivated *int64          `db:"r_activated"`
	RSeen      *int64          `db:"r_seen"`
	RCodeTo    *int64          `db:"r_code_to"`
	RRanks     *string         `db:"r_ranks"`
	Suspended  *bool
}

// Roster lists the pupils of classes with their relatives, by class and name,
// in one statement. The classes must be of the grant's school; others are left
// out. pupil narrows it to one.
func Roster(ctx context.Context, q db.Querier, g rights.Grant, classes []string, pupil string, now time.Time) ([]Pupil, error) {
	list, args := db.In([]any{now.UnixMilli(), g.School()}, classes)
	one := ""
	if pupil != "" {
		args = append(args, pupil)
		one = fmt.Sprintf(" AND k.id = $%d", len(args))
	}
	rows, err := db.All[entry](ctx, q, `SELECT `+account("k_", "k", "kc", "$2")+`, cm.class, c.label, cm.level, k.birth, `+account("r_", "r", "rc", "$2")+`, `+people.Restricted("f", "$1")+` AS suspended
		FROM class_member cm JOIN class c ON c.id = cm.class JOIN person k ON k.id = cm.person
		LEFT JOIN activation_code kc ON kc.person = k.id
		LEFT JOIN family_link f ON f.pupil = k.id AND f.valid_from <= $1 AND f.valid_to > $1
		LEFT JOIN person r ON r.id = f.relative
		LEFT JOIN activation_code rc ON rc.person = r.id
		WHERE cm.profile = 'pupil' AND cm.valid_from <= $1 AND cm.valid_to > $1 AND c.school = $2 AND cm.class IN (`+list+`)`+one+`
		ORDER BY c.label_key, c.id, k.name_key, k.id, r.name_key, r.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("roster: %w", err)
	}
	var out []Pupil
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].ID != r.KID || out[n-1].Class != r.Class {
			out = append(out, Pupil{
				Account: Account{r.KID, r.KFirst, r.KLast, r.KLogin, r.KAvatar, r.KCaption, r.KActivated, r.KSeen, r.KCodeTo, text(r.KRanks), false},
				Class:   r.Class, Label: r.Label, Level: r.Level, Birth: r.Birth,
			})
		}
		if r.RID != nil {
			p := &out[len(out)-1]
			p.Relatives = append(p.Relatives, Account{*r.RID, text(r.RFirst), text(r.RLast), text(r.RLogin), text(r.RAvatar), *r.RCaption, r.RActivated, r.RSeen, r.RCodeTo, text(r.RRanks), *r.Suspended})
		}
	}
	return out, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// adult is a line of a list of adults.
type adult struct {
	ID        string
	First     string
	Last      string
	Login     string
	Avatar    string
	Caption   people.Caption
	Activated *int64
	Seen      *int64
	CodeTo    *int64 `db:"code_to"`
	Ranks     *string
}

func accounts(rows []adult) []Account {
	out := make([]Account, len(rows))
	for i, r := range rows {
		out[i] = Account{r.ID, r.First, r.Last, r.Login, r.Avatar, r.Caption, r.Activated, r.Seen, r.CodeTo, text(r.Ranks), false}
	}
	return out
}

// Team lists the teachers of the grant's class.
func Team(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) ([]Account, error) {
	rows, err := db.All[adult](ctx, q, `SELECT `+account("", "p", "pc", "$2")+` FROM class_member cm JOIN person p ON p.id = cm.person
		LEFT JOIN activation_code pc ON pc.person = p.id
		WHERE cm.class = $3 AND cm.profile = 'teacher' AND cm.valid_from <= $1 AND cm.valid_to > $1 ORDER BY p.name_key, p.id`, now.UnixMilli(), g.School(), g.ID())
	return accounts(rows), err
}

// Staff lists the school's teachers and other staff.
func Staff(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) ([]Account, error) {
	rows, err := db.All[adult](ctx, q, `SELECT `+account("", "p", "pc", "$2")+` FROM person p LEFT JOIN activation_code pc ON pc.person = p.id
		WHERE EXISTS (SELECT 1 FROM membership sm WHERE sm.person = p.id AND sm.school = $2 AND sm.profile IN ('teacher', 'staff', 'guest')
			AND sm.valid_from <= $1 AND sm.valid_to > $1) ORDER BY p.name_key, p.id`, now.UnixMilli(), g.School())
	return accounts(rows), err
}

// Substitutes lists the school's teachers who are not in the grant's class.
func Substitutes(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) ([]Account, error) {
	rows, err := db.All[adult](ctx, q, `SELECT `+account("", "p", "pc", "$2")+` FROM membership sm JOIN person p ON p.id = sm.person
		LEFT JOIN activation_code pc ON pc.person = p.id
		WHERE sm.school = $2 AND sm.profile = 'teacher' AND sm.valid_from <= $1 AND sm.valid_to > $1
		AND NOT EXISTS (SELECT 1 FROM class_member cm WHERE cm.person = p.id AND cm.class = $3 AND cm.profile = 'teacher' AND cm.valid_to > $1)
		ORDER BY p.name_key, p.id`, now.UnixMilli(), g.School(), g.ID())
	return accounts(rows), err
}

// One finds the person that the grant is about.
func One(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) (Account, error) {
	rows, err := db.All[adult](ctx, q, `SELECT `+account("", "p", "pc", "$2")+` FROM person p LEFT JOIN activation_code pc ON pc.person = p.id
		WHERE p.id = $3`, now.UnixMilli(), g.School(), g.ID())
	if err == nil && len(rows) == 0 {
		err = errs.ErrNotFound
	}
	if err != nil {
		return Account{}, err
	}
	return accounts(rows)[0], nil
}

// place is a row of the class's members, open or closed.
func wasHere(ctx context.Context, tx *db.Tx, g rights.Grant, person string, profile rights.Profile, now time.Time) (open, known bool, level string, err error) {
	row, known, err := db.One[struct {
		ValidTo int64 `db:"valid_to"`
		Level   string
	}](ctx, tx, `SELECT valid_to, level FROM class_member WHERE class = $1 AND person = $2 AND profile = $3`, g.ID(), person, string(profile))
	return known && row.ValidTo > now.UnixMilli(), known, row.Level, err
}

// present refuses a pupil who is not in the grant's class.
func present(ctx context.Context, tx *db.Tx, g rights.Grant, pupil string, now time.Time) error {
	open, _, _, err := wasHere(ctx, tx, g, pupil, rights.Pupil, now)
	if err == nil && !open {
		err = errs.ErrNotFound
	}
	return err
}

// AddTeacher puts a teacher of the school in the class.
func AddTeacher(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person string) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM membership WHERE person = $1 AND school = $2 AND profile = 'teacher' AND valid_from <= $3 AND valid_to > $3`,
		person, g.School(), now.UnixMilli())
	if err != nil {
		return err
	}
	if n == 0 {
		return errs.Field("personne", "classroom.fault.teacher")
	}
	if err := people.Apply(ctx, tx, g, now, people.Change{School: g.School(), Enter: []people.Place{{Person: person, Class: g.ID(), Profile: rights.Teacher}}}); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "class.teacher_add", person, g.ID())
}

// RemoveTeacher takes a teacher out of the class. The last one can only be
// taken out by the head, so that a class is not lost by a slip.
func RemoveTeacher(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, person string) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	open, _, _, err := wasHere(ctx, tx, g, person, rights.Teacher, now)
	if err != nil {
		return err
	}
	if !open {
		return errs.ErrNotFound
	}
	team, err := Team(ctx, tx, g, now)
	if err != nil {
		return err
	}
	if len(team) == 1 && !head(g) {
		return errs.New(errs.Conflict, "classroom.last_teacher")
	}
	if err := people.Apply(ctx, tx, g, now, people.Change{School: g.School(), Exit: []people.Place{{Person: person, Class: g.ID(), Profile: rights.Teacher}}}); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "class.teacher_remove", person, g.ID())
}

// head says whether the grant's holder leads the school in which it holds.
func head(g rights.Grant) bool {
	return g.Viewer() != nil && slices.Contains(g.Viewer().SchoolsAs(rights.Head), g.School())
}

// Namesakes finds present persons of the school, of a profile, who bear a name.
func Namesakes(ctx context.Context, q db.Querier, g rights.Grant, profile rights.Profile, first, last string, now time.Time) ([]Account, error) {
	rows, err := db.All[adult](ctx, q, `SELECT `+account("", "p", "pc", "$2")+` FROM person p LEFT JOIN activation_code pc ON pc.person = p.id
		WHERE p.name_key = $3 AND EXISTS (SELECT 1 FROM membership sm WHERE sm.person = p.id AND sm.school = $2 AND sm.profile = $4
			AND sm.valid_from <= $1 AND sm.valid_to > $1) ORDER BY p.name_key, p.id LIMIT 10`,
		now.UnixMilli(), g.School(), i18n.Fold(last+" "+first), string(profile))
	return accounts(rows), err
}

// Kin finds adults of the school by the beginning of a name: those who may be
// relatives of a pupil, who are relatives already or belong to the staff, among
// those whom the grant's holder may reach.
func Kin(ctx context.Context, q db.Querier, g rights.Grant, words, pupil string, now time.Time) ([]Account, error) {
	key := i18n.Fold(words)
	if key == "" {
		return nil, nil
	}
	gate, args := people.Reachable(g.Viewer(), []any{now.UnixMilli(), g.School(), key + "%", "% " + key + "%", pupil})
	rows, err := db.All[adult](ctx, q, `SELECT `+account("", "p", "pc", "$2")+` FROM (SELECT person FROM `+gate+` g WHERE school = $2
			UNION SELECT CAST($6 AS TEXT)) r JOIN person p ON p.id = r.person LEFT JOIN activation_code pc ON pc.person = p.id
		WHERE (p.name_key LIKE $3 OR p.name_key LIKE $4) AND EXISTS (SELECT 1 FROM membership sm WHERE sm.person = p.id AND sm.school = $2
			AND sm.profile IN ('relative', 'teacher', 'staff') AND sm.valid_from <= $1 AND sm.valid_to > $1)
		AND NOT EXISTS (SELECT 1 FROM family_link fl WHERE fl.relative = p.id AND fl.pupil = $5 AND fl.valid_to > $1)
		ORDER BY p.name_key, p.id LIMIT 20`, args...)
	return accounts(rows), err
}

// AddPupil writes a new pupil into the class. Somebody of the school with the
// same name is a fault, until the form says that it is not them.
func AddPupil(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, n Newcomer) (string, error) {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return "", err
	}
	if !n.Anyway {
		same, err := Namesakes(ctx, tx, g, rights.Pupil, n.First, n.Last, now)
		if err != nil {
			return "", err
		}
		if len(same) > 0 {
			return "", errs.Field("memeque", "classroom.fault.namesake")
		}
	}
	made, err := people.CreatePersons(ctx, tx, g, now, []people.Person{{First: n.First, Last: n.Last, Civility: n.Civility, Birth: n.Birth, Avatar: "?"}})
	if err != nil {
		return "", err
	}
	p := made[0].ID
	if err := people.Apply(ctx, tx, g, now, people.Change{School: g.School(),
		Join:  []people.Membership{{Person: p, School: g.School(), Profile: rights.Pupil}},
		Enter: []people.Place{{Person: p, Class: g.ID(), Profile: rights.Pupil, Level: n.Level}}}); err != nil {
		return "", err
	}
	return p, audit.Note(ctx, tx, g, now, "class.pupil_add", p, g.ID())
}

// RemovePupil takes a pupil out of the class; the school and the family keep
// them.
func RemovePupil(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, pupil string) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	if err := present(ctx, tx, g, pupil, now); err != nil {
		return err
	}
	if err := people.Apply(ctx, tx, g, now, people.Change{School: g.School(), Exit: []people.Place{{Person: pupil, Class: g.ID(), Profile: rights.Pupil}}}); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "class.pupil_remove", pupil, g.ID())
}

// RestorePupil puts back a pupil who was taken out of the class and is in no
// other class since.
func RestorePupil(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, pupil string) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	_, known, level, err := wasHere(ctx, tx, g, pupil, rights.Pupil, now)
	if err != nil {
		return err
	}
	row, err := db.Value[struct{ School, Elsewhere int }](ctx, tx, `SELECT
		(SELECT count(*) FROM membership WHERE person = $1 AND school = $2 AND profile = 'pupil' AND valid_to > $3) AS school,
		(SELECT count(*) FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.person = $1 AND cm.profile = 'pupil' AND cm.valid_to > $3
			AND c.id <> $4 AND c.year = (SELECT year FROM class WHERE id = $4)) AS elsewhere`, pupil, g.School(), now.UnixMilli(), g.ID())
	if err != nil {
		return err
	}
	if !known || row.School == 0 {
		return errs.ErrNotFound
	}
	if row.Elsewhere > 0 {
		return errs.New(errs.Conflict, "classroom.elsewhere")
	}
	if err := people.Apply(ctx, tx, g, now, people.Change{School: g.School(), Enter: []people.Place{{Person: pupil, Class: g.ID(), Profile: rights.Pupil, Level: level}}}); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "class.pupil_add", pupil, g.ID())
}

// AddRelative writes a new responsible adult of a pupil of the class.
func AddRelative(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, pupil string, n Newcomer) (string, error) {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return "", err
	}
	if err := present(ctx, tx, g, pupil, now); err != nil {
		return "", err
	}
	if !n.Anyway {
		same, err := Namesakes(ctx, tx, g, rights.Relative, n.First, n.Last, now)
		if err != nil {
			return "", err
		}
		if len(same) > 0 {
			return "", errs.Field("memeque", "classroom.fault.namesake")
		}
	}
	made, err := people.CreatePersons(ctx, tx, g, now, []people.Person{{First: n.First, Last: n.Last, Civility: n.Civility, ContactEmail: n.Email}})
	if err != nil {
		return "", err
	}
	return made[0].ID, link(ctx, tx, g, now, made[0].ID, pupil)
}

// Attach makes a known adult of the school a relative of a pupil of the class.
// A teacher, who may then hand out the adult's codes, attaches only those for
// whom they answer already, or whom they have just detached; the head anybody
// of the school.
func Attach(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, pupil, relative string) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	if err := present(ctx, tx, g, pupil, now); err != nil {
		return err
	}
	row, err := db.Value[struct{ Here, Linked int }](ctx, tx, `SELECT
		(SELECT count(*) FROM membership WHERE person = $1 AND school = $2 AND profile IN ('relative', 'teacher', 'staff') AND valid_to > $3) AS here,
		(SELECT count(*) FROM family_link WHERE relative = $1 AND pupil = $4 AND school = $2 AND valid_to + 3600000 > $3) AS linked`, relative, g.School(), now.UnixMilli(), pupil)
	if err != nil {
		return err
	}
	if row.Linked == 0 {
		if row.Here == 0 {
			return errs.ErrNotFound
		}
		if v := g.Viewer(); v != nil && !head(g) {
			if _, err := Charge.Resolve(ctx, tx, v, relative); err != nil {
				return errs.New(errs.Denied, "classroom.ask_head")
			}
		}
	}
	return link(ctx, tx, g, now, relative, pupil)
}

func link(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, relative, pupil string) error {
	if err := people.Apply(ctx, tx, g, now, people.Change{School: g.School(),
		Join: []people.Membership{{Person: relative, School: g.School(), Profile: rights.Relative}},
		Link: []people.Link{{Relative: relative, Pupil: pupil}}}); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "family.attach", relative, pupil)
}

// Detach ends the link of a relative with a pupil of the class; a relative
// without any other child in the school leaves it.
func Detach(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, pupil, relative string) error {
	if err := g.Must(ctx, tx, people.ManageClass); err != nil {
		return err
	}
	if err := present(ctx, tx, g, pupil, now); err != nil {
		return err
	}
	row, err := db.Value[struct{ Here, Others int }](ctx, tx, `SELECT
		(SELECT count(*) FROM family_link WHERE relative = $1 AND pupil = $2 AND valid_to > $3) AS here,
		(SELECT count(*) FROM family_link WHERE relative = $1 AND pupil <> $2 AND school = $4 AND valid_to > $3) AS others`, relative, pupil, now.UnixMilli(), g.School())
	if err != nil {
		return err
	}
	if row.Here == 0 {
		return errs.ErrNotFound
	}
	c := people.Change{School: g.School(), Unlink: []people.Link{{Relative: relative, Pupil: pupil}}}
	if row.Others == 0 {
		c.Leave = []people.Membership{{Person: relative, School: g.School(), Profile: rights.Relative}}
	}
	if err := people.Apply(ctx, tx, g, now, c); err != nil {
		return err
	}
	return audit.Note(ctx, tx, g, now, "family.detach", relative, pupil)
}
