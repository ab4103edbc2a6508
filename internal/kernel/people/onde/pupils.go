package onde

import (
	"slices"
	"sort"
	"strings"

	"marelle/internal/platform/errs"
)

// place joins rows of one file and one name, without birth date, to the kids
// and directory pupils of that name. A class that is the same on both sides
// tells; one row and one pupil left over are the same pupil (who moved);
// anything else waits for a person.
func (c *comparison) place(rows []pupilRow, kids []*kid, known []*PupilState) {
	var pool []*kid // a directory pupil is wrapped in a kid without rows
	in := map[string]bool{}
	for _, k := range kids {
		if k.held { // nobody knows yet who that is: the rows of that name wait too
			c.doubted[nameKey(rows[0].Name)] = true
			for _, r := range rows {
				c.holdRow(r, kids)
			}
			return
		}
		pool = append(pool, k)
		if k.match != nil {
			in[k.match.ID] = true
		}
	}
	states := c.free(known, func(p *PupilState) bool { return !p.Left && !in[p.ID] && !c.disputed[p.ID] })
	if len(pool)+len(states) == 0 && len(rows) == 1 {
		// Somebody who left and is back, when there is no doubt who.
		if left := c.free(known, func(p *PupilState) bool { return !c.disputed[p.ID] }); len(left) == 1 {
			states = left
		}
	}
	for _, p := range states {
		pool = append(pool, &kid{match: p})
	}
	byRoom := map[string][]pupilRow{} // by a key that an import does not change, unlike Ref
	var order []string
	for _, r := range rows {
		l := ""
		if room := c.findRoom(r.Pupil); room != nil {
			l = room.key()
		}
		if len(byRoom[l]) == 0 {
			order = append(order, l)
		}
		byRoom[l] = append(byRoom[l], r)
	}
	slices.Sort(order)
	used := map[*kid]bool{}
	var rest []pupilRow
	for _, l := range order {
		group := byRoom[l]
		var here []*kid
		for _, k := range pool {
			if !used[k] && c.inRoom(k, group[0].Pupil) {
				here = append(here, k)
			}
		}
		if len(here) > len(group) {
			c.doubted[nameKey(group[0].Name)] = true
			for _, r := range group {
				c.holdRow(r, here)
			}
			for _, k := range here {
				used[k] = true
			}
			continue
		}
		for i, k := range here {
			used[k] = true
			c.join(k, group[i])
		}
		for i, r := range group[len(here):] {
			if len(here) > 0 || i > 0 { // one more of the same names in one class
				c.holdRow(r, nil)
				continue
			}
			rest = append(rest, r)
		}
	}
	var others []*kid
	for _, k := range pool {
		if !used[k] {
			others = append(others, k)
		}
	}
	name := nameKey(rows[0].Name)
	if len(others) > 0 && len(others)+len(rest) > 2 && len(rest) > 0 {
		c.doubted[name] = true
	}
	for _, r := range rest {
		switch {
		case c.doubted[name]: // also in the files that follow
			c.holdRow(r, others)
		case len(others) == 0:
			c.newKid(r, undatedKey(r))
		default: // one of each
			c.join(others[0], r)
		}
	}
}

func undatedKey(r pupilRow) string { return "u:" + nameKey(r.Name) + "|" + label(r.Class) }

// inRoom says that a row and a kid are in one class: that of the kid's own rows,
// or else the one where the directory has the kid.
func (c *comparison) inRoom(k *kid, p Pupil) bool {
	here := c.findRoom(p)
	if here == nil {
		return false
	}
	placed := false
	for _, r := range k.rooms {
		if room := c.findRoom(r); room != nil {
			if room == here {
				return true
			}
			placed = true
		}
	}
	return !placed && k.match != nil && c.sameClass(p, k.match.Class)
}

func (c *comparison) join(k *kid, r pupilRow) {
	if k.key != "" {
		k.add(r)
		return
	}
	n := c.newKid(r, undatedKey(r))
	n.match, c.taken[k.match.ID] = k.match, true
}

func (c *comparison) holdRow(r pupilRow, near []*kid) {
	cs := Case{Kind: Homonym, Origin: r.Origin, Choices: []string{New, Ignore},
		Message: errs.Msg("onde.case.homonym_row", "name", r.Full(), "class", r.Class)}
	for i, k := range near {
		if k.match != nil {
			c.shielded[k.match.ID] = true
		}
		if i >= 5 {
			continue
		}
		cand := c.kidCandidate(k)
		if k.key == "" {
			cand = c.candidate(k.match)
		}
		cs.Candidates = append(cs.Candidates, cand)
	}
	if len(near) > 0 {
		cs.Choices = []string{Attach, New, Ignore}
	}
	ch, ok := c.settle(cs, undatedKey(r))
	if !ok {
		return
	}
	switch ch.Do {
	case New:
		n := c.newKid(r, undatedKey(r))
		n.match = c.sameAgain(r)
	case Attach:
		for i, cand := range cs.Candidates {
			if cand.Key == ch.Target && (near[i].key != "" || !c.taken[near[i].match.ID]) {
				c.join(near[i], r)
			}
		}
	}
}

// sameAgain finds the pupil whom an earlier import created for a row by choice:
// of these names and class, with no birth date, taken by nobody.
func (c *comparison) sameAgain(r pupilRow) *PupilState {
	for i := range c.now.Pupils {
		p := &c.now.Pupils[i]
		if !c.taken[p.ID] && p.Birth == "" && Key(p.Family)+"|"+Key(p.First) == nameKey(r.Name) && c.sameClass(r.Pupil, p.Class) {
			c.taken[p.ID] = true
			return p
		}
	}
	return nil
}

func (c *comparison) kidCandidate(k *kid) Candidate {
	return Candidate{Key: k.key, Ref: k.ref(), Label: describe(k.Full(), k.Birth, k.Class)}
}

// room is a class of the files.
type room struct {
	ref      Ref
	match    *ClassState
	label    string
	onde     string
	levels   []string
	complete bool
}

// gatherRooms finds the classes of the pupils files, by ONDE id or else by label,
// and joins them to those of the directory.
func (c *comparison) gatherRooms() {
	c.roomByID, c.roomByK = map[string]*room{}, map[string]*room{}
	for _, withID := range []bool{true, false} {
		for _, f := range c.files {
			for _, p := range f.Pupils {
				if label(p.Class) == "" && p.ClassID == "" || (p.ClassID != "") != withID {
					continue
				}
				r := c.findRoom(p)
				if r == nil {
					r = &room{onde: p.ClassID, label: p.Class}
					c.rooms = append(c.rooms, r)
				}
				if p.Class != "" && (r.label == "" || p.Class < r.label) {
					r.label = p.Class
				}
				r.complete = r.complete || f.Complete
				if p.ClassID != "" {
					c.roomByID[p.ClassID] = r
				}
				if k := label(p.Class); k != "" && (c.roomByK[k] == nil || c.roomByK[k].label > r.label) {
					c.roomByK[k] = r
				}
			}
		}
	}
	used := map[string]bool{}
	for _, byID := range []bool{true, false} {
		for _, r := range c.rooms {
			for i := range c.now.Classes {
				s := &c.now.Classes[i]
				if r.match != nil || used[s.ID] {
					continue
				}
				same := s.ONDE != "" && s.ONDE == r.onde
				if !byID {
					same = label(s.Label) == label(r.label) && (s.ONDE == "" || r.onde == "" || c.roomByID[s.ONDE] == nil)
				}
				if same {
					r.match, used[s.ID] = s, true
				}
			}
		}
	}
	for _, r := range c.rooms {
		if r.label == "" {
			r.label = r.onde
		}
		if r.match != nil {
			r.ref = Ref(r.match.ID)
		} else {
			r.ref = Ref("new:c:" + hash(r.key()))
		}
	}
}

// classes gives each kid a class, and says what happens to the classes.
func (c *comparison) classes() {
	for _, k := range c.kids {
		c.seat(k)
	}
	for _, r := range c.rooms {
		c.plan.Classes = append(c.plan.Classes, r.op())
	}
	sort.Slice(c.plan.Classes, func(i, j int) bool {
		a, b := c.plan.Classes[i], c.plan.Classes[j]
		if d := rank(a.Levels) - rank(b.Levels); d != 0 {
			return d < 0
		}
		return a.Label+string(a.Ref) < b.Label+string(b.Ref)
	})
}

func (c *comparison) findRoom(p Pupil) *room {
	if p.ClassID != "" {
		return c.roomByID[p.ClassID]
	}
	return c.roomByK[label(p.Class)]
}

// seat gives a kid its class, and asks when the rows disagree.
func (c *comparison) seat(k *kid) {
	seen := map[*room]bool{}
	var all []*room
	for _, p := range k.rooms {
		if r := c.findRoom(p); r != nil && !seen[r] {
			seen[r] = true
			all = append(all, r)
		}
	}
	if len(all) == 0 {
		return
	}
	sort.Slice(all, func(i, j int) bool { return all[i].key() < all[j].key() })
	k.room = all[0]
	if len(all) > 1 {
		// Already in one of the two: stays there until somebody says.
		for _, r := range all {
			if k.match != nil && r.match != nil && r.match.ID == k.match.Class {
				k.room = r
			}
		}
		cs := Case{Kind: TwoClasses, Origin: k.Origin, Choices: []string{Attach, Accept},
			Message: errs.Msg("onde.case.two_classes", "name", k.Full(), "class", k.room.label)}
		for _, r := range all {
			cs.Candidates = append(cs.Candidates, Candidate{Key: hash("c", r.key()), Ref: r.ref, Label: r.label})
		}
		if ch, ok := c.settle(cs, k.key); ok && ch.Do == Attach {
			for i, cand := range cs.Candidates {
				if cand.Key == ch.Target {
					k.room = all[i]
				}
			}
		}
	}
	if k.Level != "" && !k.held {
		k.room.levels = append(k.room.levels, k.Level)
	}
}

// key names a class by what the files say of it.
func (r *room) key() string { return label(r.label) + "|" + r.onde }

func (r *room) op() ClassOp {
	levels := ordered(r.levels)
	if len(levels) == 0 {
		levels = labelLevels(r.label)
	}
	o := ClassOp{Action: Create, Ref: r.ref, Label: r.label, ONDE: r.onde, Levels: levels}
	if r.match == nil {
		return o
	}
	o.Action = Keep
	if !r.complete || len(r.levels) == 0 {
		o.Levels = ordered(append(append([]string(nil), r.match.Levels...), r.levels...))
	}
	if label(r.label) == label(r.match.Label) {
		o.Label = r.match.Label // case and spaces only: keep what people know
	}
	o.ONDE = or(r.onde, r.match.ONDE)
	o.Changes = diff(o.Changes, "label", r.match.Label, o.Label)
	o.Changes = diff(o.Changes, "onde", r.match.ONDE, o.ONDE)
	o.Changes = diff(o.Changes, "levels", strings.Join(r.match.Levels, "-"), strings.Join(o.Levels, "-"))
	if len(o.Changes) > 0 {
		o.Action = Update
	}
	return o
}

func rank(levels []string) int {
	for i, l := range Levels {
		if len(levels) > 0 && levels[0] == l {
			return i
		}
	}
	return len(Levels)
}

// pupilOps says what happens to each kid that nothing holds.
func (c *comparison) pupilOps() {
	c.back = map[string]bool{}
	byINE, byBirth := map[string]*PersonState{}, map[string]*PersonState{}
	for i := range c.now.Elsewhere {
		e := &c.now.Elsewhere[i]
		if e.INE != "" {
			byINE[e.INE] = e
		}
		if e.Birth != "" {
			byBirth[Key(e.Family)+"|"+Key(e.First)+"|"+e.Birth] = e
		}
	}
	for _, k := range c.kids {
		if k.held {
			continue
		}
		c.elsewhere(k, byINE[k.INE], byBirth[nameKey(k.Name)+"|"+k.Birth])
		o := PupilOp{Action: Create, Ref: k.ref(), Attached: k.attached != "", Origin: k.Origin, Pupil: PupilState{
			Family: k.Family, Use: k.Use, First: k.First, Birth: k.Birth, Sex: k.Sex, INE: k.INE, Level: k.Level}}
		if k.room != nil {
			o.Class = k.room.ref
		}
		if k.match != nil && k.attached == "" {
			o = k.against(*k.match, o)
			if o.Action == Return {
				c.back[k.match.ID] = true
			}
		}
		if o.Class == "" {
			c.settle(Case{Kind: NoClass, Origin: k.Origin, Choices: []string{Accept}, Message: errs.Msg("onde.case.no_class", "name", k.Full())}, k.key)
		}
		c.plan.Pupils = append(c.plan.Pupils, o)
	}
	sortByName(c.plan.Pupils, func(o PupilOp) (string, string, Ref) { return o.Pupil.Family, o.Pupil.First, o.Ref })
}

// elsewhere asks whether a kid is a person known outside the school. Until
// somebody says so, the school gets its own record.
func (c *comparison) elsewhere(k *kid, byINE, byBirth *PersonState) {
	e := byINE
	if k.INE == "" || e == nil {
		e = byBirth
	}
	if e == nil || k.Birth == "" && k.INE == "" || k.match != nil && k.match.ID == e.ID {
		return
	}
	cs := Case{Kind: Elsewhere, Origin: k.Origin, Choices: []string{Attach, New}, Message: errs.Msg("onde.case.pupil_elsewhere", "name", k.Full()),
		Candidates: []Candidate{{Key: "id:" + e.ID, Ref: Ref(e.ID), Label: describe(fullName(e.Family, e.Use, e.First), e.Birth, "")}}}
	if ch, ok := c.settle(cs, k.key, e.ID); ok && ch.Do == Attach && k.match == nil {
		k.attached = Ref(e.ID)
	}
}

// against compares a kid with the pupil it is. An empty cell erases nothing.
func (k *kid) against(p PupilState, o PupilOp) PupilOp {
	want := p
	n := mergeName(Name{Family: p.Family, Use: p.Use, First: p.First}, k.Name)
	want.Family, want.Use, want.First = n.Family, n.Use, n.First
	want.Birth, want.Sex, want.Level = or(k.Birth, p.Birth), or(k.Sex, p.Sex), or(k.Level, p.Level)
	want.INE = or(k.INE, p.INE)
	want.Left = false
	var ch []Change
	ch = diff(ch, "family", p.Family, want.Family)
	ch = diff(ch, "use", p.Use, want.Use)
	ch = diff(ch, "first", p.First, want.First)
	ch = diff(ch, "birth", p.Birth, want.Birth)
	ch = diff(ch, "sex", p.Sex, want.Sex)
	ch = diff(ch, "ine", p.INE, want.INE)
	ch = diff(ch, "level", p.Level, want.Level)
	o.Pupil, o.Changes, o.Action = want, ch, Keep
	if o.Class == "" {
		o.Class = Ref(p.Class)
	}
	switch {
	case p.Left:
		o.Action, o.From = Return, ""
	case string(o.Class) != p.Class:
		o.Action, o.From = Move, Ref(p.Class)
	case len(ch) > 0:
		o.Action = Update
	}
	return o
}

// departures finds the pupils who are in no file though their class is. A class
// that no complete file lists loses nobody unless the whole school was asked.
func (c *comparison) departures() {
	c.leaving = map[string]bool{}
	covered := map[string]bool{}
	listed := false
	for _, r := range c.rooms {
		if r.match != nil && r.complete {
			covered[r.match.ID] = true
		}
	}
	names := map[string]bool{}
	for _, f := range c.files {
		if f.Kind != Pupils {
			continue
		}
		listed = listed || len(f.Pupils) > 0
		for _, r := range f.Rejected {
			if r.name == "" { // anybody might be behind this row
				c.plan.Notices = append(c.plan.Notices, errs.Msg("onde.notice.no_departures", "file", f.Name, "line", r.Line))
				return
			}
			names[r.name] = true
		}
	}
	for _, k := range c.kids {
		if k.held {
			names[nameKey(k.Name)] = true
		}
	}
	for i := range c.now.Pupils {
		p := &c.now.Pupils[i]
		if p.Left || c.taken[p.ID] || c.shielded[p.ID] || names[Key(p.Family)+"|"+Key(p.First)] {
			continue
		}
		if c.opt.WholeSchool && listed || covered[p.Class] {
			c.leaving[p.ID] = true
			gone := *p
			gone.Left = true
			c.plan.Pupils = append(c.plan.Pupils, PupilOp{Action: Leave, Ref: Ref(p.ID), Pupil: gone, From: Ref(p.Class)})
		}
	}
}
