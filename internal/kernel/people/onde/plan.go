package onde

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"

	"marelle/internal/platform/errs"
)

// Snapshot is the directory of one school as it stands, as far as an import
// needs it. Ids are those of the directory; days are 2006-01-02.
type Snapshot struct {
	School    bool // the school exists
	Classes   []ClassState
	Pupils    []PupilState
	Relatives []RelativeState
	Staff     []StaffState
	// Elsewhere holds persons outside the school whom an import might mean.
	// They are never attached without a human choice, and may be left empty.
	Elsewhere []PersonState
}

// ClassState is a class of the school year of the import.
type ClassState struct {
	ID, Label, ONDE string
	Levels          []string
}

// PupilState is a pupil, present or left. Class is the class of the school year
// of the import, or "".
type PupilState struct {
	ID, Family, Use, First, Birth, Sex, INE, Class, Level string
	Left                                                  bool
}

// RelativeState is a responsible adult; Children holds pupil ids, also of those
// who left.
type RelativeState struct {
	ID, Civility, Family, Use, First, Email string
	Phones                                  []string
	Address                                 Address
	Children                                []string
	Left                                    bool
}

// StaffState is anyone with a staff profile; Teacher says that it is a
// teacher's. Classes holds class ids of the year.
type StaffState struct {
	ID, Civility, Family, Use, First, Email string
	Classes                                 []string
	Teacher, Head, Left                     bool
}

// PersonState is a person outside the school.
type PersonState struct{ ID, Family, Use, First, Birth, INE, Email string }

// Options of a comparison.
type Options struct {
	Year  int       // the school year by its first calendar year; 0 takes that of Today
	Today time.Time // serves only to find Year
	// WholeSchool says that the files list the whole school: whoever is in none
	// of them has left. Without it only classes that a complete file lists can
	// lose a pupil.
	WholeSchool bool
	Choices     map[string]Choice // by Case.ID
}

// Choice is what a person decided about a case: Do is one of Case.Choices,
// Target the Key of a candidate (or the id of the person it stands for).
type Choice struct{ Do, Target string }

// What can be chosen.
const (
	Attach = "attach" // it is that candidate
	New    = "create" // it is somebody else, who is created
	Ignore = "ignore" // leave it aside
	Accept = "accept" // seen; nothing to do
	Fix    = "fix"    // take the proposed correction
	Remove = "remove" // take the link away
)

// SchoolYear is the first calendar year of the school year of a day: 2026 for
// 2026-2027. It turns on 1 August, so that a rentrée can be prepared.
func SchoolYear(t time.Time) int {
	if t.Month() >= time.August {
		return t.Year()
	}
	return t.Year() - 1
}

// Ref points to a person or a class: an id of the directory, or "new:…" for one
// that the same plan creates.
type Ref string

// New says that the plan creates what the Ref points to.
func (r Ref) New() bool { return strings.HasPrefix(string(r), "new:") }

// Action is what happens to a person or a class. A pupil who moves and has
// other changes counts once, as moved.
type Action string

// The actions.
const (
	Create Action = "create"
	Update Action = "update"
	Move   Action = "move"   // a pupil to another class, a teacher to one more class
	Leave  Action = "leave"  // leaves the school
	Return Action = "return" // had left, is back; counted as updated
	Keep   Action = "keep"   // nothing to write
)

// Change is one field with its old and new value, for the dry run.
type Change struct{ Field, Old, New string }

// Origin is where an operation comes from; zero for a departure.
type Origin struct {
	File string
	Line int
}

// ClassOp creates, updates or keeps a class. Values are those it will have.
type ClassOp struct {
	Action  Action
	Ref     Ref
	Label   string
	ONDE    string
	Levels  []string
	Changes []Change
}

// PupilOp is what happens to a pupil. The PupilState holds the values to write;
// its ID is "" and Class is void for new ones: use Ref and Class.
type PupilOp struct {
	Action Action
	Ref    Ref
	// Attached says that a human chose to give this profile to the existing
	// person Ref (Action is then Create).
	Attached bool
	Pupil    PupilState
	Class    Ref // "" when the pupil has none
	From     Ref // class left, for Move
	Changes  []Change
	Origin
}

// RelativeOp is what happens to a responsible adult. Family links are in
// Plan.Links, never in Relative.Children.
type RelativeOp struct {
	Action   Action
	Ref      Ref
	Attached bool
	Into     Ref // for Leave after a human choice: the person this one is merged into
	Relative RelativeState
	Changes  []Change
	Origin
}

// TeacherOp is what happens to a teacher. Classes are those to add; none is
// ever taken away, since substitutes and co-teachers are set by hand.
type TeacherOp struct {
	Action   Action
	Ref      Ref
	Attached bool
	Teacher  StaffState
	Classes  []Ref
	Changes  []Change
	Origin
}

// LinkOp adds a family link, or removes one that a human chose to remove.
type LinkOp struct {
	Relative, Pupil Ref
	Remove          bool
}

// Candidate is somebody (or a class) a case might be about.
type Candidate struct {
	Key   string // stable from one plan to the next for the same files
	Ref   Ref
	Label string       // a name, with what tells it from the others
	Hint  errs.Message // why it is likely; zero when nothing points to it
}

// Case is a doubt that waits for a person. ID depends only on its content.
type Case struct {
	ID, Kind string
	Origin
	Message    errs.Message
	Candidates []Candidate
	Choices    []string
	// Suggested is the Key of the likeliest candidate, or "".
	Suggested string
}

// Kinds of doubt.
const (
	Homonym      = "homonym"         // same names, nothing in the file tells which
	Duplicate    = "duplicate"       // two records that may be one person; kept apart
	Unmatched    = "unmatched_child" // a parent's child whom no pupil matches
	Similar      = "similar"         // same birth date, nearly the same names
	INEConflict  = "ine_conflict"    // one INE for two pupils, or two for one
	Elsewhere    = "person_elsewhere"
	StaffParent  = "staff_parent"  // a parent named as a member of the staff
	UnknownClass = "unknown_class" // a teacher's class that does not exist
	TwoClasses   = "two_classes"   // a pupil in two classes
	NoClass      = "no_class"      // a pupil in none
	SharedEmail  = "shared_email"  // two adults with one address
	EmailTypo    = "email_typo"    // gmial.com
	EmailInvalid = "email_invalid" // no address at all
	LinkAbsent   = "link_absent"   // a family link that the files no longer have
	NoChild      = "no_child"      // an adult with no child in the row
)

// Plan is what an import would do. Applying it and comparing again gives a Plan
// without changes and with the same cases.
type Plan struct {
	Year      int
	NewSchool bool
	Classes   []ClassOp
	Pupils    []PupilOp
	Relatives []RelativeOp
	Teachers  []TeacherOp
	Links     []LinkOp
	Cases     []Case
	Rejected  []Rejected
	Notices   []errs.Message // what the person should know besides
	Settled   int            // cases closed by Options.Choices
}

// Empty says that applying the plan would write nothing.
func (p Plan) Empty() bool {
	if p.NewSchool || len(p.Links) > 0 {
		return false
	}
	for _, o := range p.Classes {
		if o.Action != Keep {
			return false
		}
	}
	for _, o := range p.Pupils {
		if o.Action != Keep {
			return false
		}
	}
	for _, o := range p.Relatives {
		if o.Action != Keep {
			return false
		}
	}
	for _, o := range p.Teachers {
		if o.Action != Keep {
			return false
		}
	}
	return true
}

// hash names a content: 16 hexadecimal characters.
func hash(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:8])
}
