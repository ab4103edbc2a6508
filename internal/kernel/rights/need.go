package rights

import (
	"context"
	"fmt"
	"slices"
	"strings"

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

func (n Need) covers(g Need) bool {
	return n.how == g.how && n.action == g.action && n.kind == g.kind && g.role >= n.role
}

// Resolve mints the grant for a viewer and an object, or says NotFound (what
// they may not know of), Denied (what they may see but not do) or
// Unauthenticated.
func (n Need) Resolve(ctx context.Context, q db.Querier, v *Viewer, object string) (Grant, error) {
	g := Grant{ok: true, viewer: v, need: n, id: object}
	if n.how == public {
		return g, nil
	}
	if !v.SignedIn() {
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
	case inSchool:
		schools := v.SchoolsAs(n.profiles...)
		if len(schools) == 0 {
			return Grant{}, errs.ErrDenied
		}
		g.school = schools[0]
		if object != "" {
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
		row, ok, err := db.One[struct {
			School string
			Role   int
		}](ctx, q, `SELECT r.school AS school, max(rg.role) AS role
			FROM resource r JOIN resource_grant rg ON rg.resource = r.root
			JOIN person_principal pp ON pp.principal = rg.principal AND pp.school = r.school
			WHERE r.id = $1 AND r.kind = $2 AND r.trashed_at IS NULL
			AND pp.person = $3 AND pp.valid_from <= $4 AND pp.valid_to > $4 GROUP BY r.school`, object, string(n.kind), v.Person, now)
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
		return n.resolve(ctx, q, g, `SELECT c.school AS school, pp.principal AS principal FROM class c
			JOIN person_principal pp ON pp.school = c.school
			WHERE c.id = $1 AND pp.person = $2 AND pp.valid_from <= $3 AND pp.valid_to > $3`, object, v.Person, now,
			func(p string) bool { return p == "school:head" || p == "class:"+object+":teacher" },
			func(p string) bool {
				return p == "school:teacher" || p == "school:staff" || strings.HasPrefix(p, "class:"+object+":")
			})
	case onPerson:
		// Principals of both sides meet in a class or in the school.
		return n.resolve(ctx, q, g, `SELECT mine.school AS school, CASE
				WHEN mine.principal = 'school:head' THEN 'charge'
				WHEN theirs.principal IN ('school:teacher', 'school:staff', 'school:head') THEN 'know'
				ELSE 'charge' END AS principal
			FROM person_principal theirs JOIN person_principal mine ON mine.school = theirs.school
			WHERE theirs.person = $1 AND mine.person = $2
			AND theirs.valid_from <= $3 AND theirs.valid_to > $3 AND mine.valid_from <= $3 AND mine.valid_to > $3
			AND (mine.principal = 'school:head'
			  OR (mine.principal = 'school:teacher' AND theirs.principal IN ('school:teacher', 'school:staff'))
			  OR (mine.principal LIKE 'class:%:teacher' AND (
			       theirs.principal = substr(mine.principal, 1, 43) || 'pupil'
			    OR theirs.principal = substr(mine.principal, 1, 43) || 'relative')))`, object, v.Person, now,
			func(p string) bool { return p == "charge" }, func(p string) bool { return p == "know" })
	}
	return Grant{}, errs.ErrDenied
}

func (n Need) resolve(ctx context.Context, q db.Querier, g Grant, text string, object, person string, now int64, may, know func(string) bool) (Grant, error) {
	if !id.Valid(object) {
		return Grant{}, errs.ErrNotFound
	}
	rows, err := db.All[struct{ School, Principal string }](ctx, q, text, object, person, now)
	if err != nil {
		return Grant{}, err
	}
	seen := false
	for _, r := range rows {
		if may(r.Principal) {
			g.school = r.School
			return g, nil
		}
		seen = seen || know(r.Principal)
	}
	if seen {
		return Grant{}, errs.ErrDenied
	}
	return Grant{}, errs.ErrNotFound
}
