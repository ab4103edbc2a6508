package onde

import (
	"sort"
	"strings"

	"marelle/internal/platform/errs"
)

// teacher is a teacher of the files, from one row or one per class.
type teacher struct {
	Teacher
	Origin
	key      string
	match    *StaffState
	attached Ref
	labels   []string
}

func (t *teacher) ref() Ref {
	switch {
	case t.attached != "":
		return t.attached
	case t.match != nil:
		return Ref(t.match.ID)
	}
	return Ref("new:t:" + t.key)
}

// teachers joins the rows of the teachers files to the staff by names; an
// address of e-mail chooses between homonyms.
func (c *comparison) teachers() {
	c.gatherTeachers()
	byName := map[string][]*StaffState{}
	for i := range c.now.Staff {
		s := &c.now.Staff[i]
		for _, n := range nameKeys(s.Family, s.Use, s.First) {
			byName[n] = append(byName[n], s)
		}
	}
	taken := map[string]bool{}
	for _, byMail := range []bool{true, false} {
		for _, t := range c.staff {
			for _, n := range nameKeys(t.Family, t.Use, t.First) {
				for _, left := range []bool{false, true} {
					for _, s := range byName[n] {
						if t.match == nil && s.Teacher && s.Left == left && !taken[s.ID] && (!byMail || s.Email != "" && strings.EqualFold(s.Email, t.Email)) {
							t.match, taken[s.ID] = s, true
						}
					}
				}
			}
		}
	}
	for _, t := range c.staff {
		c.otherStaff(t, byName[nameKey(t.Name)])
		c.plan.Teachers = append(c.plan.Teachers, c.teacherOp(t))
	}
	if !c.opt.WholeSchool || len(c.staff) == 0 {
		return
	}
	for i := range c.now.Staff {
		// A head who is missing from a list made by hand is still the head.
		if s := c.now.Staff[i]; s.Teacher && !s.Left && !s.Head && !taken[s.ID] {
			s.Left = true
			c.plan.Teachers = append(c.plan.Teachers, TeacherOp{Action: Leave, Ref: Ref(s.ID), Teacher: s})
		}
	}
}

func (c *comparison) gatherTeachers() {
	type source struct {
		Teacher
		Origin
	}
	var rows []source
	for _, f := range c.files {
		for _, t := range f.Teachers {
			rows = append(rows, source{t, Origin{f.Name, t.Line}})
		}
	}
	sort.SliceStable(rows, func(i, j int) bool { // those with an address first: the others join them
		a, b := rows[i], rows[j]
		if (a.Email == "") != (b.Email == "") {
			return a.Email != ""
		}
		return nameKey(a.Name)+a.Email+strings.Join(a.Classes, "|") < nameKey(b.Name)+b.Email+strings.Join(b.Classes, "|")
	})
	byKey := map[string]*teacher{}
	byName := map[string]*teacher{}
	for _, r := range rows {
		n := nameKey(r.Name)
		t := byKey[n+"|"+r.Email]
		if t == nil && r.Email == "" {
			t = byName[n]
		}
		if t == nil {
			t = &teacher{Teacher: r.Teacher, Origin: r.Origin, key: hash("t", n, r.Email)}
			if first := byName[n]; first == nil {
				byName[n], t.key = t, hash("t", n)
			} else {
				c.settle(Case{Kind: Duplicate, Origin: r.Origin, Choices: []string{Accept}, Message: errs.Msg("onde.case.two_teachers", "name", r.Full())}, n, r.Email, first.Email)
			}
			byKey[n+"|"+r.Email] = t
			c.staff = append(c.staff, t)
		} else {
			t.Name = betterName(t.Name, r.Name)
			t.Civility, t.Head = or(t.Civility, r.Civility), t.Head || r.Head
		}
		for _, l := range r.Classes {
			known := false
			for _, x := range t.labels {
				known = known || label(x) == label(l)
			}
			if !known {
				t.labels = append(t.labels, l)
			}
		}
	}
}

// otherStaff asks whether a teacher is a member of the staff, or a parent of
// the school, who has the same names.
func (c *comparison) otherStaff(t *teacher, same []*StaffState) {
	for _, s := range same {
		if s.Teacher || s.Left || t.match != nil && t.match.ID == s.ID {
			continue
		}
		cs := Case{Kind: StaffParent, Origin: t.Origin, Choices: []string{Attach, New}, Message: errs.Msg("onde.case.teacher_staff", "name", t.Full()),
			Candidates: []Candidate{{Key: "id:" + s.ID, Ref: Ref(s.ID), Label: fullName(s.Family, s.Use, s.First)}}}
		if ch, ok := c.settle(cs, t.key, s.ID); ok && ch.Do == Attach && t.match == nil {
			t.attached = Ref(s.ID)
		}
	}
}

func (c *comparison) teacherOp(t *teacher) TeacherOp {
	c.checkEmail(t.Origin, t.Full(), t.key, &t.Email, t.RawEmail)
	o := TeacherOp{Action: Create, Ref: t.ref(), Attached: t.attached != "", Origin: t.Origin, Teacher: StaffState{
		Civility: t.Civility, Family: t.Family, Use: t.Use, First: t.First, Email: t.Email, Teacher: true, Head: t.Head}}
	has := map[string]bool{}
	if t.match != nil {
		for _, id := range t.match.Classes {
			has[id] = true
		}
	}
	added := map[Ref]bool{}
	for _, l := range t.labels {
		r := c.teacherClass(t, l)
		if r != "" && !has[string(r)] && !added[r] {
			added[r] = true
			o.Classes = append(o.Classes, r)
		}
	}
	if t.match == nil || t.attached != "" {
		return o
	}
	s := *t.match
	want := s
	n := mergeName(Name{Family: s.Family, Use: s.Use, First: s.First}, t.Name)
	want.Family, want.Use, want.First = n.Family, n.Use, n.First
	want.Civility, want.Email = or(t.Civility, s.Civility), or(t.Email, s.Email)
	want.Head, want.Left = s.Head || t.Head, false
	o.Changes = diff(o.Changes, "family", s.Family, want.Family)
	o.Changes = diff(o.Changes, "use", s.Use, want.Use)
	o.Changes = diff(o.Changes, "first", s.First, want.First)
	o.Changes = diff(o.Changes, "civility", s.Civility, want.Civility)
	o.Changes = diff(o.Changes, "email", s.Email, want.Email)
	if want.Head != s.Head {
		o.Changes = append(o.Changes, Change{"head", "", "oui"})
	}
	o.Teacher = want
	switch {
	case s.Left:
		o.Action = Return
	case len(o.Classes) > 0:
		o.Action = Move
	case len(o.Changes) > 0:
		o.Action = Update
	default:
		o.Action = Keep
	}
	return o
}

// teacherClass finds a class by its label among those of the files and of the
// directory. An unknown label is asked about: a slip would make a class with
// nobody in it.
func (c *comparison) teacherClass(t *teacher, l string) Ref {
	if r := c.roomByK[label(l)]; r != nil {
		return r.ref
	}
	for _, s := range c.now.Classes {
		if label(s.Label) == label(l) {
			return Ref(s.ID)
		}
	}
	cs := Case{Kind: UnknownClass, Origin: t.Origin, Choices: []string{Attach, New, Ignore}, Message: errs.Msg("onde.case.unknown_class", "name", t.Full(), "class", l)}
	seen := map[Ref]bool{}
	propose := func(text, onde string, r Ref) {
		if len(cs.Candidates) >= 30 || seen[r] {
			return
		}
		seen[r] = true
		cand := Candidate{Key: hash("c", or(onde, label(text))), Ref: r, Label: text}
		if strings.Contains(label(text), label(t.Family)) && label(t.Family) != "" {
			cand.Hint = errs.Msg("onde.hint.teacher", "name", t.Full())
			cs.Suggested = or(cs.Suggested, cand.Key)
		}
		cs.Candidates = append(cs.Candidates, cand)
	}
	for _, r := range c.rooms {
		propose(r.label, r.onde, r.ref)
	}
	for _, s := range c.now.Classes {
		propose(s.Label, s.ONDE, Ref(s.ID))
	}
	sort.SliceStable(cs.Candidates, func(i, j int) bool { return cs.Candidates[i].Label < cs.Candidates[j].Label })
	ch, ok := c.settle(cs, t.key, label(l))
	if !ok || ch.Do == Ignore {
		return ""
	}
	if ch.Do == Attach {
		for _, cand := range cs.Candidates {
			if cand.Key == ch.Target {
				return cand.Ref
			}
		}
		return ""
	}
	r := &room{label: l}
	r.ref = Ref("new:c:" + hash(r.key()))
	c.roomByK[label(l)] = r
	c.plan.Classes = append(c.plan.Classes, r.op())
	return r.ref
}

// checkEmail asks about an address that looks mistyped or is none.
func (c *comparison) checkEmail(o Origin, name, key string, email *string, raw string) {
	if *email == "" {
		if raw != "" {
			c.settle(Case{Kind: EmailInvalid, Origin: o, Choices: []string{Accept}, Message: errs.Msg("onde.case.email_invalid", "name", name, "email", raw)}, key, raw)
		}
		return
	}
	if hint := mailHint(*email); hint != "" {
		ch, ok := c.settle(Case{Kind: EmailTypo, Origin: o, Choices: []string{Fix, Accept}, Message: errs.Msg("onde.case.email_typo", "name", name, "email", *email, "hint", hint)}, key, *email)
		if ok && ch.Do == Fix {
			*email = hint
		}
	}
}
