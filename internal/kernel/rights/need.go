package rights

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

type how int

const (
	public how = iota + 1
	signedIn
	pending // signed in, the charter not accepted yet
	inSchool
	onResource
	onClass
	onPerson
	portal
	byPassword // an application password, which opens nothing else
)

// Need is what a route asks of its caller. Its values come from the functions
// below; the zero value refuses everybody.
type Need struct {
	how      how
	action   string
	profiles []Profile
	kind     Kind
	role     Role
	param    string
}

// Public asks nothing.
var Public = Need{how: public, action: "public"}

// SignedIn asks for a session whose charter is accepted.
var SignedIn = Need{how: signedIn, action: "signed-in"}

// Entering asks for a session, even one that still has to accept the charter.
var Entering = Need{how: pending, action: "entering"}

// Operating asks for the operator of the portal.
var Operating = Need{how: portal, action: "portal"}

// Can asks for one of the profiles in some school; the school is the one named
// by the parameter "ecole", else the first one.
func Can(action string, profiles ...Profile) Need {
	return Need{how: inSchool, action: action, profiles: profiles}
}

// ByPassword asks for an application password, of somebody who has one of the
// profiles in some school. No session stands for it.
func ByPassword(action string, profiles ...Profile) Need {
	return Need{how: byPassword, action: action, profiles: profiles}
}

// On asks for a role on the resource of the kind whose id is the path parameter.
func On(kind Kind, role Role, param string) Need {
	return Need{how: onResource, action: string(kind), kind: kind, role: role, param: param}
}

// OnClass asks for a teacher of the class, or the head of its school.
func OnClass(action, param string) Need { return Need{how: onClass, action: action, param: param} }

// OnPerson asks for somebody in charge of the person: the head of their school,
// a teacher of the class of a pupil or of the pupil's relatives.
func OnPerson(action, param string) Need { return Need{how: onPerson, action: action, param: param} }

func (n Need) String() string {
	if n.how == onResource {
		return fmt.Sprintf("%s≥%d", n.kind, n.role)
	}
	return n.action
}

// Valid is false for the zero value, which a route may not carry.
func (n Need) Valid() bool { return n.how != 0 }

// Param names the path parameter that holds the object's id, "" for none.
func (n Need) Param() string { return n.param }

// NeedsSession says whether a stranger is asked to sign in.
func (n Need) NeedsSession() bool { return n.how != public }

// NeedsPassword says whether a session counts for nothing here.
func (n Need) NeedsPassword() bool { return n.how == byPassword }

func (n Need) covers(g Need) bool {
	return n.how == g.how && n.action == g.action && n.kind == g.kind && g.role >= n.role
}

// moment is when a need is resolved: at the door, where the session has just
// been read, or again inside the transaction, where it may be gone by now.
type moment bool

const (
	atDoor     moment = false
	confirming moment = true
)

// live is the condition that what the viewer came in with is still there, and args with
// its own; nothing at the door. $now is the position of the instant.
func (m moment) live(v *Viewer, now int, args []any) (string, []any) {
	if m == atDoor {
		return "", args
	}
	table, held := v.key()
	return fmt.Sprintf(` AND EXISTS (SELECT 1 FROM %s se WHERE se.id = $%d AND se.person = $%d AND se.expires_at > $%d)`, table, len(args)+1, len(args)+2, now),
		append(args, held, v.Person)
}

// Resolve mints the grant for a viewer and an object, or says NotFound (what
// they may not know of), Denied (what they may see but not do) or
// Unauthenticated.
func (n Need) Resolve(ctx context.Context, q db.Querier, v *Viewer, object string) (Grant, error) {
	return n.resolve(ctx, q, v, object, atDoor)
}

func (n Need) resolve(ctx context.Context, q db.Querier, v *Viewer, object string, at moment) (Grant, error) {
	g := Grant{ok: true, viewer: v, need: n, id: object}
	if n.how == public {
		return g, nil
	}
	if !v.SignedIn() || n.how == byPassword && v.Password == "" {
		return Grant{}, errs.New(errs.Unauthenticated, "error.sign_in")
	}
	now := v.Now.UnixMilli()
	switch n.how {
	case pending:
		return g, nil
	case signedIn:
		g.school = v.School().School
		return g, nil
	case portal:
		if !v.Is(Operator) {
			return Grant{}, errs.ErrNotFound
		}
		return g, nil
	case inSchool, byPassword:
		schools := v.SchoolsAs(n.profiles...)
		if len(schools) == 0 {
			return Grant{}, errs.ErrDenied
		}
		g.school = schools[0]
		if object != "" && n.how == inSchool {
			if !slices.Contains(schools, object) {
				return Grant{}, errs.ErrNotFound
			}
			g.school = object
		}
		return g, nil
	case onResource:
		if !id.Valid(object) {
			return Grant{}, errs.ErrNotFound
		}
		live, args := at.live(v, 4, []any{object, string(n.kind), v.Person, now})
		row, ok, err := db.One[struct {
			School string
			Role   int
		}](ctx, q, `SELECT r.school AS school, max(rg.role) AS role
			FROM resource r CROSS JOIN person_principal pp CROSS JOIN resource_grant rg
			WHERE pp.school = r.school AND rg.resource = r.root AND rg.principal = pp.principal AND r.id = $1 AND r.kind = $2 AND r.trashed_at IS NULL AND `+Opens("r", "$3")+`
			AND pp.person = $3 AND pp.valid_from <= $4 AND pp.valid_to > $4`+live+` GROUP BY r.school`, args...)
		if err != nil {
			return Grant{}, err
		}
		if !ok {
			return Grant{}, errs.ErrNotFound
		}
		if Role(row.Role) < n.role {
			return Grant{}, errs.ErrDenied
		}
		g.school, g.role = row.School, Role(row.Role)
		return g, nil
	case onClass:
		if !id.Valid(object) {
			return Grant{}, errs.ErrNotFound
		}
		live, args := at.live(v, 3, []any{object, v.Person, now})
		rows, err := db.All[struct{ School, Principal string }](ctx, q, `SELECT c.school AS school, pp.principal AS principal FROM class c
			JOIN person_principal pp ON pp.school = c.school
			WHERE c.id = $1 AND pp.person = $2 AND pp.valid_from <= $3 AND pp.valid_to > $3`+live, args...)
		if err != nil {
			return Grant{}, err
		}
		known := false
		for _, r := range rows {
			switch {
			case r.Principal == "school:head" || r.Principal == "class:"+object+":teacher":
				g.school = r.School
				return g, nil
			case r.Principal == "school:teacher" || r.Principal == "school:staff" || strings.HasPrefix(r.Principal, "class:"+object+":"):
				known = true
			}
		}
		if known {
			return Grant{}, errs.ErrDenied
		}
		return Grant{}, errs.ErrNotFound
	case onPerson:
		schools, err := n.inCharge(ctx, q, v, []string{object}, at)
		if err != nil {
			return Grant{}, err
		}
		g.school = schools[object]
		return g, nil
	}
	return Grant{}, errs.ErrDenied
}

// Behalf mints the grant of somebody who asked earlier for what is done now, and
// need not be there: their right in the school is read in the transaction that
// uses it. It is for jobs; what it writes is the system's in the log.
func (n Need) Behalf(ctx context.Context, tx *db.Tx, person, school string, now time.Time) (Grant, error) {
	if n.how != inSchool {
		return Grant{}, fmt.Errorf("rights: %s is not held in a school", n)
	}
	rows, err := db.All[struct {
		Profile string
		Head    bool
	}](ctx, tx, `SELECT profile, head FROM membership WHERE person = $1 AND school = $2 AND valid_from <= $3 AND valid_to > $3`, person, school, now.UnixMilli())
	if err != nil {
		return Grant{}, err
	}
	v := &Viewer{Person: person, Now: now}
	for _, r := range rows {
		v.Memberships = append(v.Memberships, Membership{School: school, Profile: Profile(r.Profile), Head: r.Head})
	}
	g, err := n.Resolve(ctx, tx, v, school)
	if err != nil {
		return Grant{}, err
	}
	g.system = "on behalf of " + person
	return g, nil
}

// InCharge finds, for a need made by OnPerson, the school in which the viewer is
// in charge of each person, in a statement for some hundreds of them. One person
// refused refuses all, as Resolve would that one.
func (n Need) InCharge(ctx context.Context, q db.Querier, v *Viewer, persons []string) (map[string]string, error) {
	if n.how != onPerson {
		return nil, fmt.Errorf("rights: %s is not about persons", n)
	}
	if !v.SignedIn() {
		return nil, errs.New(errs.Unauthenticated, "error.sign_in")
	}
	return n.inCharge(ctx, q, v, persons, atDoor)
}

func (n Need) inCharge(ctx context.Context, q db.Querier, v *Viewer, persons []string, at moment) (map[string]string, error) {
	schools, known := make(map[string]string, len(persons)), map[string]bool{}
	for batch := range slices.Chunk(persons, 400) {
		for _, p := range batch {
			if !id.Valid(p) {
				return nil, errs.ErrNotFound
			}
		}
		live, args := at.live(v, 2, []any{v.Person, v.Now.UnixMilli()})
		list, args := db.In(args, batch)
		// Principals of both sides meet in a class or in the school.
		rows, err := db.All[struct{ Person, School, Meets string }](ctx, q, `SELECT theirs.person AS person, min(mine.school) AS school, CASE
				WHEN mine.principal = 'school:head' THEN 'charge'
				WHEN theirs.principal IN ('school:teacher', 'school:staff', 'school:head') THEN 'know'
				ELSE 'charge' END AS meets
			FROM person_principal theirs JOIN person_principal mine ON mine.school = theirs.school
			WHERE theirs.person IN (`+list+`) AND mine.person = $1
			AND theirs.valid_from <= $2 AND theirs.valid_to > $2 AND mine.valid_from <= $2 AND mine.valid_to > $2
			AND (mine.principal = 'school:head'
			  OR (mine.principal = 'school:teacher' AND theirs.principal IN ('school:teacher', 'school:staff'))
			  OR (mine.principal LIKE 'class:%:teacher' AND (
			       theirs.principal = substr(mine.principal, 1, 43) || 'pupil'
			    OR theirs.principal = substr(mine.principal, 1, 43) || 'relative')))`+live+`
			GROUP BY theirs.person, meets`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Meets == "charge" {
				schools[r.Person] = r.School
			} else {
				known[r.Person] = true
			}
		}
	}
	for _, p := range persons {
		switch {
		case schools[p] != "":
		case known[p]:
			return nil, errs.ErrDenied
		default:
			return nil, errs.ErrNotFound
		}
	}
	return schools, nil
}
