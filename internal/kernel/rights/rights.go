// Package rights is the only place where authorisation is decided: who somebody
// is (Viewer), what a route asks (Need), the proof that it was granted (Grant)
// and the filter of every list (Scope). It knows roles, principals and the
// common row of a resource; it refuses to know any service, page or form.
package rights

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Forever is the end of what has no end yet, in Unix milliseconds: the largest
// integer that every language along the way keeps exact.
const Forever int64 = 9007199254740991

// Profile is what a person is in a school.
type Profile string

// The profiles of product.md; Head is a teacher or staff member who runs the
// school, Operator runs the portal.
const (
	Teacher  Profile = "teacher"
	Pupil    Profile = "pupil"
	Relative Profile = "relative"
	Staff    Profile = "staff"
	Guest    Profile = "guest"
	Head     Profile = "head"
	Operator Profile = "operator"
)

// rank orders profiles by what their accounts can reach; whoever issues a new
// code must outrank every profile of its target.
var rank = map[Profile]int{Pupil: 1, Guest: 1, Relative: 2, Staff: 3, Teacher: 4, Head: 5, Operator: 6}

// Outranks says whether a stands strictly above b.
func Outranks(a, b Profile) bool { return rank[a] > rank[b] }

// Role is a right on a resource; each includes those below it.
type Role int

// The roles on a resource.
const (
	Read Role = iota + 1
	Comment
	Contribute
	Manage
)

// Membership is one open profile of a viewer.
type Membership struct {
	School  string
	Name    string // the school's
	Zone    string // its time zone
	Profile Profile
	Head    bool
	Caption string // facts of people.Caption
}

// Child is a pupil whose relative the viewer is.
type Child struct {
	ID     string
	First  string
	Avatar string
	Class  string // label
}

// Principal is what a person is in a school, as far as rights are concerned:
// "school:teacher", "class:<id>:relative", "family:<pupil>".
type Principal struct {
	School string
	Name   string
}

// Viewer is the person behind a request. The zero value is a stranger.
type Viewer struct {
	Person      string
	First, Last string
	Avatar      string
	Theme       string
	Reading     string
	Session     string // id of the session row
	Password    string // id of the application password that stands in its place
	SeenAt      int64  // when it was last used, to five minutes
	Shared      bool   // on a tablet of the school
	Pending     bool   // signed in, but the charter in force is not accepted yet
	Memberships []Membership
	Children    []Child
	Principals  []Principal  // what they are at Now, as the directory derived it; none where no session was read
	Now         time.Time    // when the request began
	Clock       *clock.Clock // what time it is since; nil stays at Now
}

// SignedIn says whether somebody is there.
func (v *Viewer) SignedIn() bool { return v != nil && v.Person != "" }

// key is what the viewer came in with: its table and its id.
func (v *Viewer) key() (table, held string) {
	if v.Password != "" {
		return "app_password", v.Password
	}
	return "session", v.Session
}

// Is says whether the viewer has one of the profiles, in any school.
func (v *Viewer) Is(profiles ...Profile) bool { return len(v.SchoolsAs(profiles...)) > 0 }

// SchoolsAs lists the schools where the viewer has one of the profiles.
func (v *Viewer) SchoolsAs(profiles ...Profile) []string {
	var out []string
	if v == nil {
		return nil
	}
	for _, m := range v.Memberships {
		has := slices.Contains(profiles, m.Profile) || m.Head && slices.Contains(profiles, Head)
		if has && !slices.Contains(out, m.School) {
			out = append(out, m.School)
		}
	}
	return out
}

// Main is the profile under which the viewer acts: the highest one.
func (v *Viewer) Main() Profile {
	best := Profile("")
	if v == nil {
		return best
	}
	for _, m := range v.Memberships {
		p := m.Profile
		if m.Head {
			p = Head
		}
		if rank[p] > rank[best] {
			best = p
		}
	}
	return best
}

// Profiles are the viewer's in all their schools.
func (v *Viewer) Profiles() []Profile {
	var out []Profile
	for _, p := range []Profile{Pupil, Guest, Relative, Staff, Teacher, Head, Operator} {
		if v.Is(p) {
			out = append(out, p)
		}
	}
	return out
}

// School is the membership that names the viewer's school on screen.
func (v *Viewer) School() Membership {
	if v == nil || len(v.Memberships) == 0 {
		return Membership{}
	}
	best := v.Memberships[0]
	for _, m := range v.Memberships[1:] {
		if rank[m.Profile] > rank[best.Profile] {
			best = m
		}
	}
	return best
}

// Zone is the time zone in which the viewer reads times.
func (v *Viewer) Zone() *time.Location { return clock.Zone(v.School().Zone) }

// Kind is a kind of resource, as its service declares it.
type Kind string

// Grant is the proof that its viewer may do its action on its object. It is
// minted by this package alone and its zero value proves nothing.
type Grant struct {
	ok     bool
	viewer *Viewer
	system string
	need   Need
	id     string
	school string
	role   Role
}

// Viewer is who was granted; nil for the system.
func (g Grant) Viewer() *Viewer { return g.viewer }

// ID is the object: of a resource, a class or a person, as the need said.
func (g Grant) ID() string { return g.id }

// School is the school in which the right holds.
func (g Grant) School() string { return g.school }

// Role is the role held on a resource, at least the one asked for.
func (g Grant) Role() Role { return g.role }

// Actor is what the audit keeps: the person's id, or the system and its reason.
func (g Grant) Actor() string {
	if g.system != "" {
		return "system: " + g.system
	}
	if g.viewer == nil {
		return ""
	}
	return g.viewer.Person
}

// System is the grant of the program itself (a job, the command line, an
// activation), with the reason that the audit keeps.
func System(reason string) Grant { return Grant{ok: true, system: reason, need: Need{how: public}} }

// For narrows a system grant to one school.
func (g Grant) For(school string) Grant {
	if g.system != "" {
		g.school = school
	}
	return g
}

// Confirm checks the grant again inside the transaction that uses it, as things
// stand by now: rights may have been lost since the request began, the session
// revoked, and a body may take minutes to come.
func (g Grant) Confirm(ctx context.Context, tx *db.Tx) error {
	if !g.ok {
		return fmt.Errorf("rights: a write without a grant")
	}
	if g.system != "" || g.need.how == public {
		return nil
	}
	v := *g.viewer
	if v.Clock != nil {
		v.Now = v.Clock.Now()
	}
	err := g.again(ctx, tx, &v)
	if err == nil || errs.KindOf(err) == errs.Internal {
		return err
	}
	// Refused: by a right that was lost, or for want of the session itself, in
	// which case the caller is asked to sign in.
	table, held := v.key()
	live, lost := db.Value[int](ctx, tx, `SELECT count(*) FROM `+table+` WHERE id = $1 AND person = $2 AND expires_at > $3`, held, v.Person, v.Now.UnixMilli())
	if lost != nil {
		return lost
	}
	if live == 0 {
		return errs.New(errs.Unauthenticated, "error.sign_in")
	}
	return err
}

// again reads in one statement the right and the session that it is used under.
func (g Grant) again(ctx context.Context, tx *db.Tx, v *Viewer) error {
	switch g.need.how {
	case onResource, onClass, onPerson: // these read the database anyway
		again, err := g.need.resolve(ctx, tx, v, g.id, confirming)
		if err == nil && again.school != g.school {
			err = errs.ErrDenied
		}
		return err
	}
	table, held := v.key()
	rows, err := db.All[struct {
		School, Profile string
		Head            bool
	}](ctx, tx, `SELECT m.school, m.profile, m.head FROM membership m WHERE m.person = $1 AND m.valid_from <= $2 AND m.valid_to > $2
		AND EXISTS (SELECT 1 FROM `+table+` s WHERE s.id = $3 AND s.person = $1 AND s.expires_at > $2)`, v.Person, v.Now.UnixMilli(), held)
	if err != nil {
		return err
	}
	v.Memberships = nil
	still := g.need.how == pending
	for _, r := range rows {
		v.Memberships = append(v.Memberships, Membership{School: r.School, Profile: Profile(r.Profile), Head: r.Head})
		still = still || r.School == g.school
	}
	switch g.need.how {
	case portal:
		still = v.Is(Operator)
	case inSchool, byPassword:
		still = slices.Contains(v.SchoolsAs(g.need.profiles...), g.school)
	}
	if !still || len(rows) == 0 {
		return errs.ErrDenied
	}
	return nil
}

// Must is Confirm for a store that also insists on the action it serves.
func (g Grant) Must(ctx context.Context, tx *db.Tx, needs ...Need) error {
	if g.ok && g.system == "" && !slices.ContainsFunc(needs, func(n Need) bool { return n.covers(g.need) }) {
		return fmt.Errorf("rights: grant for %s used elsewhere", g.need)
	}
	return g.Confirm(ctx, tx)
}

// Scope filters every list by what its viewer may see.
type Scope struct {
	person     string
	now        int64
	principals []Principal
	children   []string
}

// Scope gives the viewer's filter. A stranger's matches nothing.
func (v *Viewer) Scope() Scope {
	if v == nil {
		return Scope{}
	}
	children := make([]string, len(v.Children))
	for i, c := range v.Children {
		children[i] = c.ID
	}
	return Scope{v.Person, v.Now.UnixMilli(), v.Principals, children}
}

// ScopeOf is the filter of somebody who is not the viewer, for jobs that tell
// people of what they may read. It reads their principals where it is used.
func ScopeOf(person string, now time.Time) Scope {
	return Scope{person: person, now: now.UnixMilli()}
}

// Person is whose filter it is.
func (s Scope) Person() string { return s.person }

// Children are the pupils whose relative the viewer is.
func (s Scope) Children() []string { return s.children }

// Schools are those where the viewer is something; none where no session was
// read.
func (s Scope) Schools() []string {
	var out []string
	for _, p := range s.principals {
		if !slices.Contains(out, p.School) {
			out = append(out, p.School)
		}
	}
	return out
}

// At is the instant at which it holds, in Unix milliseconds.
func (s Scope) At() int64 { return s.now }

// Where writes the condition that the resource row named by alias may be seen
// with at least the role, and returns args with its own added.
//
// A principal counts in the school where it is held: a pupil who changed school
// left "family:<pupil>" behind in the first. The statement finds the rows and this
// asks about each: CASE keeps SQLite from going through all that a school has.
//
// What went to a class has a right for each of its families, among which the
// viewer's own are looked for one by one first: an entry of an index each, where
// all that the viewer is are ten entries on SQLite, and all the item's rights are
// read on PostgreSQL.
func (s Scope) Where(alias string, least Role, args []any) (string, []any) {
	if len(s.principals) == 0 { // not read with a session
		n := len(args)
		return Sees(alias, fmt.Sprintf("$%d", n+1), fmt.Sprintf("$%d", n+2), least), append(args, s.person, s.now)
	}
	var schools []string
	held := map[string][]string{}
	for _, p := range s.principals {
		if held[p.School] == nil {
			schools = append(schools, p.School)
		}
		held[p.School] = append(held[p.School], p.Name)
	}
	role := ""
	if least > Read { // each includes it, and the key alone is then looked at
		role = fmt.Sprintf(" AND rg.role >= %d", least)
	}
	granted := func(principal string) string {
		return fmt.Sprintf(`EXISTS (SELECT 1 FROM resource_grant rg WHERE rg.resource = %s.root AND rg.principal %s%s)`, alias, principal, role)
	}
	var parts strings.Builder
	for _, school := range schools {
		args = append(args, school)
		fmt.Fprintf(&parts, " WHEN $%d THEN ", len(args))
		for _, name := range s.usual(held[school]) {
			args = append(args, name)
			parts.WriteString(granted(fmt.Sprintf("= $%d", len(args))) + " OR ")
		}
		var list string
		list, args = db.In(args, padded(held[school]))
		parts.WriteString(granted("IN (" + list + ")"))
	}
	args = append(args, s.person)
	return fmt.Sprintf(`(%[1]s.trashed_at IS NULL AND %[2]s AND CASE %[1]s.school%[3]s ELSE FALSE END)`, alias, Opens(alias, fmt.Sprintf("$%d", len(args))), parts.String()), args
}

// usual are the principals of a viewer in a school by which they see most: three at
// most, for each is looked for in vain among what they see otherwise.
func (s Scope) usual(held []string) []string {
	var out []string
	for _, name := range held {
		if len(out) < 3 && (strings.HasPrefix(name, "family:") || strings.HasPrefix(name, "class:") && strings.HasSuffix(name, ":teacher") || name == "person:"+s.person && slices.Contains(held, "school:pupil")) {
			out = append(out, name)
		}
	}
	return out
}

// Opens writes the condition that the resource row of alias is not withheld from
// a person, named by a column: what one relative of a pupil gives to the school
// is withheld from the others, be they teachers or the head. Who was one stays
// one: a link that has ended or is suspended opens nothing. Whoever finds by
// grants who may read asks it as well.
func Opens(alias, person string) string {
	return fmt.Sprintf(`(%[1]s.withheld IS NULL OR %[1]s.owner = %[2]s OR NOT EXISTS (SELECT 1 FROM family_link fl WHERE fl.pupil = %[1]s.withheld AND fl.relative = %[2]s))`, alias, person)
}

// Sees writes the condition that a person, named by a column, may see the
// resource row of alias at an instant: what ScopeOf is for one, for the many that
// a job tells at once.
//
// CROSS JOIN keeps the order on SQLite: a person has a dozen principals, an item
// may have a thousand grants.
func Sees(alias, person, at string, least Role) string {
	return fmt.Sprintf(`(%[1]s.trashed_at IS NULL AND `+Opens(alias, person)+` AND EXISTS (SELECT 1 FROM person_principal pp CROSS JOIN resource_grant rg
	WHERE pp.person = %[2]s AND pp.valid_from <= %[3]s AND pp.valid_to > %[3]s AND pp.school = %[1]s.school
	AND rg.resource = %[1]s.root AND rg.principal = pp.principal AND rg.role >= %[4]d))`, alias, person, at, least)
}

// padded repeats the last name up to a power of two: few texts of SQL then serve
// everybody, and stay prepared.
func padded(names []string) []string {
	n := 4
	for n < len(names) {
		n *= 2
	}
	out := make([]string, n)
	for i := copy(out, names); i < n; i++ {
		out[i] = names[len(names)-1]
	}
	return out
}
