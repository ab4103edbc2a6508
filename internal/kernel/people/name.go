package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// CorrectName is of whoever answers for a person: the head for everybody of
// the school, a class's teacher for its pupils and their relatives.
var CorrectName = rights.OnPerson("person.name", "id")

// Rename corrects the name of the grant's person. The sign-in name stays once
// it has served; before, it follows, and the new one is returned.
func Rename(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, first, last, use string) (login string, err error) {
	if err := g.Must(ctx, tx, CorrectName); err != nil {
		return "", err
	}
	if err := turn(ctx, tx, g.School()); err != nil {
		return "", err
	}
	p, ok, err := PersonByID(ctx, tx, g.ID())
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errs.ErrNotFound
	}
	if err := MayRename(ctx, tx, g, now); err != nil {
		return "", err
	}
	was := p
	p.First, p.Last, p.UseName = first, last, use
	if p.First == was.First && p.Last == was.Last && p.UseName == was.UseName {
		return p.Login, nil
	}
	detail := ""
	if base := loginBase(p); p.ActivatedAt == nil && base != loginBase(was) {
		taken, err := takenLogins(ctx, tx, base)
		if err != nil {
			return "", err
		}
		p.Login, detail = freeLogin(base, taken), "new sign-in name"
	}
	// An account activated since it was read keeps the name it signed in with.
	if _, err := tx.Exec(ctx, `UPDATE person SET first = $2, last = $3, use_name = $4, name_key = $5, login = CASE WHEN activated_at IS NULL THEN $6 ELSE login END WHERE id = $1`,
		p.ID, p.First, p.Last, p.UseName, NameKey(p), p.Login); err != nil {
		return "", fmt.Errorf("name: %w", err)
	}
	if err := refresh(ctx, tx, []string{p.ID}); err != nil {
		return "", err
	}
	return p.Login, audit.Note(ctx, tx, g, now, "person.name", p.ID, detail)
}

// MayRename refuses a teacher the names of colleagues, even of those who are
// parents in the class.
func MayRename(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) error {
	if v := g.Viewer(); v == nil || slices.Contains(v.SchoolsAs(rights.Head), g.School()) {
		return nil
	}
	staff, err := db.Value[int](ctx, q, `SELECT count(*) FROM membership WHERE person = $1 AND profile IN ('teacher', 'staff', 'operator') AND valid_to > $2`, g.ID(), now.UnixMilli())
	if err == nil && staff > 0 {
		err = errs.New(errs.Denied, "people.name_staff")
	}
	return err
}

// takenLogins are the sign-in names that begin with a base.
func takenLogins(ctx context.Context, q db.Querier, base string) (map[string]bool, error) {
	list, err := db.All[string](ctx, q, `SELECT login FROM person WHERE login >= $1 AND login < $2`, base, base+":") // ':' follows '9'
	if err != nil {
		return nil, fmt.Errorf("sign-in names: %w", err)
	}
	return set(list), nil
}

// freeLogin is the base, or the base with the first number that is free.
func freeLogin(base string, taken map[string]bool) string {
	login := base
	for n := 2; taken[login]; n++ {
		login = fmt.Sprintf("%s%d", base, n)
	}
	return login
}

// Write runs a transaction that chooses sign-in names. On PostgreSQL two at the
// same moment may choose the same one: the later begins again, and sees it taken.
func Write(ctx context.Context, d *db.DB, f func(tx *db.Tx) error) error {
	for attempt := 0; ; attempt++ {
		err := d.Write(ctx, f)
		if attempt == 3 || !db.IsDuplicate(err) {
			return err
		}
	}
}

// Record is one of two records that may be the same human being, as a head
// compares them.
type Record struct {
	Person
	CreatedAt int64    `db:"created_at"`
	Profiles  []string `db:"-"` // open here
	Classes   []string `db:"-"`
	Kin       []string `db:"-"` // children of a relative, relatives of a pupil
}

// Twins reads two records of the grant's school: the one that would be kept
// (the account in use, else the older one), the one that would go, and why they
// may not become one, as an errs.Conflict.
func Twins(ctx context.Context, q db.Querier, g rights.Grant, now time.Time, a, b string) (keep, gone Record, refused, err error) {
	at := now.UnixMilli()
	rows, err := db.All[Record](ctx, q, `SELECT `+PersonColumns("p")+`, p.created_at FROM person p WHERE p.id IN ($1, $2)
		AND EXISTS (SELECT 1 FROM membership m WHERE m.person = p.id AND m.school = $3 AND m.valid_from <= $4 AND m.valid_to > $4)
		ORDER BY p.activated_at IS NULL, p.created_at, p.id`, a, b, g.School(), at)
	if err == nil && len(rows) != 2 {
		err = errs.ErrNotFound
	}
	if err != nil {
		return keep, gone, nil, err
	}
	members, err := db.All[struct{ Person, School, Profile string }](ctx, q, `SELECT person, school, profile FROM membership WHERE person IN ($1, $2) AND valid_to > $3 ORDER BY profile`, a, b, at)
	if err != nil {
		return keep, gone, nil, err
	}
	places, err := db.All[struct {
		Person, Class, Label string
		Year                 int
	}](ctx, q, `SELECT cm.person, cm.class, c.label, c.year FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.person IN ($1, $2) AND cm.valid_to > $3 ORDER BY c.year, c.label_key`, a, b, at)
	if err != nil {
		return keep, gone, nil, err
	}
	kin, err := db.All[struct{ Person, Name string }](ctx, q, `SELECT f.relative AS person, k.first || ' ' || CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END AS name
		FROM family_link f JOIN person k ON k.id = f.pupil WHERE f.relative IN ($1, $2) AND f.valid_to > $3
		UNION ALL SELECT f.pupil, k.first || ' ' || CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END
		FROM family_link f JOIN person k ON k.id = f.relative WHERE f.pupil IN ($1, $2) AND f.valid_to > $3 ORDER BY name`, a, b, at)
	if err != nil {
		return keep, gone, nil, err
	}
	why := ""
	refuse := func(key string, is bool) {
		if is && why == "" {
			why = key
		}
	}
	classes, pupils := map[int]string{}, 0
	for _, m := range members {
		refuse("people.merge_staff", !slices.Contains([]string{"pupil", "relative", "guest"}, m.Profile))
	}
	for _, m := range members {
		refuse("people.merge_elsewhere", m.School != g.School())
	}
	for i := range rows {
		r := &rows[i]
		for _, m := range members {
			if m.Person == r.ID {
				r.Profiles = append(r.Profiles, m.Profile)
			}
		}
		if slices.Contains(r.Profiles, "pupil") {
			pupils++
		}
		for _, p := range places {
			if p.Person == r.ID {
				r.Classes = append(r.Classes, p.Label)
				refuse("people.merge_classes", classes[p.Year] != "" && classes[p.Year] != p.Class)
				classes[p.Year] = p.Class
			}
		}
		for _, k := range kin {
			if k.Person == r.ID {
				r.Kin = append(r.Kin, k.Name)
			}
		}
	}
	keep, gone = rows[0], rows[1]
	refuse("people.merge_active", keep.ActivatedAt != nil && gone.ActivatedAt != nil)
	refuse("people.merge_kinds", pupils == 1)
	refuse("people.merge_ine", keep.INE != "" && gone.INE != "" && !strings.EqualFold(keep.INE, gone.INE))
	if why != "" {
		refused = errs.New(errs.Conflict, why)
	}
	return keep, gone, refused, nil
}
