package onde

import (
	"sort"
	"strconv"
	"strings"

	"marelle/internal/platform/errs"
)

// Compare says what an import of the files would do to the directory. It is
// pure and total: any files, any snapshot. The result does not depend on the
// order of files or rows.
func Compare(files []File, now Snapshot, opt Options) Plan {
	if opt.Year == 0 {
		opt.Year = SchoolYear(opt.Today)
	}
	c := &comparison{files: canonical(files), now: now, opt: opt, plan: Plan{Year: opt.Year, NewSchool: !now.School}, taken: map[string]bool{}, shielded: map[string]bool{}, disputed: map[string]bool{}, doubted: map[string]bool{},
		asked: map[string]int{}, keyed: map[string]int{}, ines: map[string]bool{}}
	for _, f := range files {
		c.plan.Rejected = append(c.plan.Rejected, f.Rejected...)
	}
	c.gatherRooms()
	c.readPupils()
	c.matchPupils()
	c.undated()
	c.classes()
	c.pupilOps()
	c.departures()
	c.indexChildren()
	c.teachers()
	c.relatives()
	sort.SliceStable(c.plan.Cases, func(i, j int) bool {
		a, b := c.plan.Cases[i], c.plan.Cases[j]
		if a.File != b.File {
			return a.File < b.File
		}
		return a.Line < b.Line
	})
	return c.plan
}

// comparison is the state of one Compare.
type comparison struct {
	files []File
	now   Snapshot
	opt   Options
	plan  Plan

	kids     []*kid
	taken    map[string]bool // pupil ids matched by a kid
	doubted  map[string]bool // names of undated rows that wait
	disputed map[string]bool // pupil ids that a waiting kid may be
	shielded map[string]bool // pupil ids that may not be concluded to have left
	asked    map[string]int  // cases by content
	keyed    map[string]int  // kids by content
	ines     map[string]bool // INE that make a kid
	leaving  map[string]bool // pupil ids that leave with this plan
	back     map[string]bool // pupil ids that return with this plan

	rooms    []*room
	roomByID map[string]*room // by ONDE id
	roomByK  map[string]*room // by folded label

	pool    map[string][]*child // by surname|first
	bySurn  map[string][]*child
	byFirst map[string][]*child

	staff   []*teacher
	retired []retired
	pupils  map[string]*PupilState // by id
}

// kid is a pupil of the files, from one row or several.
type kid struct {
	Pupil
	Origin
	complete bool
	key      string
	match    *PupilState
	held     bool
	rival    *PupilState // who has this INE in the directory under other names
	rivalINE string
	attached Ref // an outside person chosen by a human
	room     *room
	rooms    []Pupil // the rows' classes when they differ
}

func (k *kid) ref() Ref {
	switch {
	case k.attached != "":
		return k.attached
	case k.match != nil:
		return Ref(k.match.ID)
	}
	return Ref("new:p:" + k.key)
}

// settle records a case, unless a human choice closes it: then it returns it.
func (c *comparison) settle(cs Case, parts ...string) (Choice, bool) {
	cs.ID = hash(append([]string{cs.Kind}, parts...)...)
	c.asked[cs.ID]++ // two cases of the same content are two cases
	if n := c.asked[cs.ID]; n > 1 {
		cs.ID = hash(cs.ID, strconv.Itoa(n))
	}
	if cs.Message.Args == nil {
		cs.Message.Args = map[string]any{}
	}
	cs.Message.Args["file"], cs.Message.Args["line"] = cs.File, cs.Line
	ch, ok := c.opt.Choices[cs.ID]
	if ok && offered(cs, &ch) {
		c.plan.Settled++
		return ch, true
	}
	c.plan.Cases = append(c.plan.Cases, cs)
	return Choice{}, false
}

func offered(cs Case, ch *Choice) bool {
	for _, do := range cs.Choices {
		if do != ch.Do {
			continue
		}
		if do != Attach {
			return true
		}
		for _, cand := range cs.Candidates {
			if cand.Key == ch.Target || string(cand.Ref) == ch.Target {
				ch.Target = cand.Key
				return true
			}
		}
	}
	return false
}

// pupilRow is a row with where it comes from.
type pupilRow struct {
	Pupil
	Origin
	complete bool
}

// readPupils groups the rows into kids: by INE, then by names and birth date.
// Rows without either wait for undated.
func (c *comparison) readPupils() {
	var rows []pupilRow
	for _, f := range c.files {
		for _, p := range f.Pupils {
			rows = append(rows, pupilRow{p, Origin{f.Name, p.Line}, f.Complete})
		}
	}
	c.dropDoubtfulINE(rows)
	byINE, byBirth := map[string]*kid{}, map[string]*kid{}
	for _, r := range rows {
		if r.INE == "" {
			continue
		}
		if k := byINE[r.INE]; k != nil {
			k.add(r)
			continue
		}
		k := c.newKid(r, "i:"+r.INE)
		byINE[r.INE], c.ines[r.INE] = k, true
	}
	for _, k := range c.kids {
		if id := k.dated(); id != "" && byBirth[id] == nil {
			byBirth[id] = k
		}
	}
	for _, r := range rows {
		if r.INE != "" || r.Birth == "" {
			continue
		}
		id := nameKey(r.Name) + "|" + r.Birth
		if k := byBirth[id]; k != nil {
			k.add(r)
			continue
		}
		byBirth[id] = c.newKid(r, "b:"+id)
	}
}

func (c *comparison) newKid(r pupilRow, key string) *kid {
	c.keyed[key]++
	if n := c.keyed[key]; n > 1 {
		key += "#" + strconv.Itoa(n)
	}
	k := &kid{Pupil: r.Pupil, Origin: r.Origin, complete: r.complete, key: hash(key), rooms: []Pupil{r.Pupil}}
	c.kids = append(c.kids, k)
	return k
}

// add merges one more row of the same pupil. A complete file wins over a list
// by group; the rest is filled in.
func (k *kid) add(r pupilRow) {
	if k.Class == "" && k.ClassID == "" || r.complete && !k.complete {
		if r.Class != "" || r.ClassID != "" {
			k.Class, k.ClassID = r.Class, r.ClassID
		}
		if r.complete && !k.complete {
			k.rooms = nil
		}
	}
	if r.complete || !k.complete {
		k.rooms = append(k.rooms, r.Pupil)
	}
	k.complete = k.complete || r.complete
	k.Name = mergeName(k.Name, r.Name)
	k.Birth, k.Sex, k.INE, k.Level, k.Cycle = or(k.Birth, r.Birth), or(k.Sex, r.Sex), or(k.INE, r.INE), or(k.Level, r.Level), or(k.Cycle, r.Cycle)
	if len(k.Addresses) == 0 {
		k.Addresses = r.Addresses
	}
}

// dropDoubtfulINE sets aside the INE that rows of different pupils share (a
// filler, a copy and paste): those rows go by names and birth date.
func (c *comparison) dropDoubtfulINE(rows []pupilRow) {
	holder := map[string]int{}
	bad := map[string][]int{}
	for i, r := range rows {
		if r.INE == "" {
			continue
		}
		j, seen := holder[r.INE]
		if !seen {
			holder[r.INE] = i
			continue
		}
		o := rows[j]
		if Key(o.First) == Key(r.First) && (o.Birth == "" || r.Birth == "" || o.Birth == r.Birth) {
			continue
		}
		if len(bad[r.INE]) == 0 {
			bad[r.INE] = []int{j}
		}
		bad[r.INE] = append(bad[r.INE], i)
	}
	for i := range rows {
		if n := bad[rows[i].INE]; len(n) > 0 {
			if i == n[len(n)-1] {
				names := make([]string, 0, len(n))
				for _, j := range n {
					names = append(names, rows[j].Full())
				}
				sort.Strings(names)
				c.settle(Case{Kind: INEConflict, Origin: rows[i].Origin, Choices: []string{Accept},
					Message: errs.Msg("onde.case.shared_ine", "ine", rows[i].INE, "names", list(names))}, rows[i].INE, strings.Join(names, "|"))
			}
		}
	}
	for i := range rows {
		if len(bad[rows[i].INE]) > 0 {
			rows[i].INE = ""
		}
	}
}

// matchPupils joins kids to the pupils of the directory.
func (c *comparison) matchPupils() {
	byINE, byBirth := map[string]*PupilState{}, map[string][]*PupilState{}
	byName := map[string][]*PupilState{}
	for i := range c.now.Pupils {
		p := &c.now.Pupils[i]
		if p.INE != "" && (byINE[p.INE] == nil || byINE[p.INE].Left) {
			byINE[p.INE] = p
		}
		for j, n := range nameKeys(p.Family, p.Use, p.First) {
			if j == 0 { // a use name without a birth date proves nothing
				byName[n] = append(byName[n], p)
			}
			byBirth[n+"|"+p.Birth] = append(byBirth[n+"|"+p.Birth], p)
		}
	}
	for _, k := range c.kids {
		p := byINE[k.INE]
		if k.INE == "" || p == nil {
			continue
		}
		// Not the family name: twins share it, and one's INE gets copied to the other.
		sameBirth := k.Birth == "" || p.Birth == "" || k.Birth == p.Birth
		if !near(k.First, p.First) || !sameBirth && Key(k.First) != Key(p.First) {
			k.rival, k.rivalINE, k.INE = p, k.INE, ""
			continue
		}
		if !c.taken[p.ID] {
			k.match, c.taken[p.ID] = p, true
		}
	}
	c.joinDated()
	// The closest first, so that nobody takes the record of a namesake: all the
	// names, then the family name, then a use name on one side.
	for pass := range 3 {
		c.matchDated(byBirth, pass)
	}
	for _, k := range c.kids {
		switch p := k.rival; {
		case p == nil:
		case k.match == nil && !c.taken[p.ID]: // a new first name, or another child?
			c.hold(k, INEConflict, "onde.case.ine_rename", []*PupilState{p})
		default:
			c.toldRival(k)
		}
	}
	c.matchLoose(byName)
	c.matchSimilar()
}

// dated names a kid by its names and birth date, "" without one.
func (k *kid) dated() string {
	if k.Birth == "" {
		return ""
	}
	return nameKey(k.Name) + "|" + k.Birth
}

// joinDated deals with kids of two INE, the same names and the same birth date.
// Where an INE was set aside nothing tells them apart any more: the rows are one
// pupil's. Otherwise both stay, and somebody is told.
func (c *comparison) joinDated() {
	sure, doubtful := map[string]*kid{}, map[string]*kid{}
	for _, k := range c.kids {
		id := k.dated()
		switch {
		case id == "":
		case k.rival != nil:
			if o := doubtful[id]; o == nil || k.key < o.key {
				doubtful[id] = k
			}
		case sure[id] == nil:
			sure[id] = k
		case k.INE != "" && sure[id].INE != "":
			c.settle(Case{Kind: Duplicate, Origin: k.Origin, Choices: []string{Accept},
				Message: errs.Msg("onde.case.two_ine", "name", k.Full(), "birth", frenchDay(k.Birth))}, sorted(k.INE, sure[id].INE)...)
		}
	}
	var kept []*kid
	for _, k := range c.kids {
		into := sure[k.dated()]
		if into == nil {
			into = doubtful[k.dated()]
		}
		if k.rival == nil || into == nil || into == k {
			kept = append(kept, k)
			continue
		}
		into.add(pupilRow{k.Pupil, k.Origin, k.complete})
		c.toldRival(k)
	}
	c.kids = kept
}

// toldRival reports an INE that is another pupil's.
func (c *comparison) toldRival(k *kid) {
	p := k.rival
	c.settle(Case{Kind: INEConflict, Origin: k.Origin, Choices: []string{Accept},
		Message: errs.Msg("onde.case.ine_of_other", "ine", k.rivalINE, "name", k.Full(), "other", fullName(p.Family, p.Use, p.First))}, k.rivalINE, k.key, p.ID)
}

// likeness is what a kid and a pupil of the directory, of one birth date and
// with a name in common, have in common besides.
type likeness struct {
	k       *kid
	p       *PupilState
	named   bool // the use names agree
	here    bool // the pupil is in the school
	settled bool // nothing would be written
	class   bool // the classes are the same
}

// closer orders likenesses. As for adults, the record that an import leaves
// behind must stay the closest one to its rows.
func (x likeness) closer(y likeness) bool {
	for _, of := range []func(likeness) bool{
		func(l likeness) bool { return l.named }, func(l likeness) bool { return l.here },
		func(l likeness) bool { return l.settled }, func(l likeness) bool { return l.class },
	} {
		if of(x) != of(y) {
			return of(x)
		}
	}
	return x.k.key+x.p.ID < y.k.key+y.p.ID
}

// matchDated joins kids to pupils of the same names and birth date.
func (c *comparison) matchDated(byBirth map[string][]*PupilState, pass int) {
	var all []likeness
	for _, k := range c.kids {
		if k.match != nil || k.Birth == "" {
			continue
		}
		seen := map[*PupilState]bool{}
		for _, n := range nameKeys(k.Family, k.Use, k.First) {
			for _, p := range byBirth[n+"|"+k.Birth] {
				named := Key(p.Use) == Key(k.Use)
				close := pass == 2 || Key(p.Family) == Key(k.Family) && (pass == 1 || named && (k.INE == "" || p.INE == "" || k.INE == p.INE))
				if !close || c.taken[p.ID] || seen[p] {
					continue
				}
				seen[p] = true
				class := c.sameClass(k.Pupil, p.Class)
				settled := len(k.against(*p, PupilOp{}).Changes) == 0 && (class || c.findRoom(k.Pupil) == nil)
				all = append(all, likeness{k, p, named, !p.Left, settled, class})
			}
		}
	}
	sort.Slice(all, func(i, j int) bool { return all[i].closer(all[j]) })
	done := map[*kid]bool{}
	for _, x := range all {
		if !done[x.k] && !c.taken[x.p.ID] {
			done[x.k] = true
			c.joinPupil(x.k, x.p)
		}
	}
}

// joinPupil takes a pupil for a kid, and asks when the INE differ.
func (c *comparison) joinPupil(k *kid, found *PupilState) {
	if found.INE != "" && k.INE != "" && found.INE != k.INE {
		ch, ok := c.settle(Case{Kind: INEConflict, Origin: k.Origin, Choices: []string{Attach, New, Ignore}, Candidates: []Candidate{c.candidate(found)},
			Message: errs.Msg("onde.case.other_ine", "name", k.Full(), "birth", frenchDay(k.Birth), "ine", k.INE, "old", found.INE)}, k.key, found.ID)
		switch {
		case ok && ch.Do == New:
			return
		case ok && ch.Do == Attach:
		default:
			k.INE = found.INE
		}
	}
	k.match, c.taken[found.ID] = found, true
}

// matchLoose deals with kids that have a birth date and directory pupils of the
// same names that have none.
func (c *comparison) matchLoose(byName map[string][]*PupilState) {
	waiting := map[string][]*kid{}
	var order []string
	for _, k := range c.kids {
		if k.match == nil && !k.held {
			n := nameKey(k.Name)
			if len(waiting[n]) == 0 {
				order = append(order, n)
			}
			waiting[n] = append(waiting[n], k)
		}
	}
	sort.Strings(order)
	for _, n := range order {
		kids := waiting[n]
		free := c.free(byName[n], func(p *PupilState) bool { return (p.Birth == "" || p.INE == "") && !c.disputed[p.ID] })
		for _, k := range kids { // the class tells
			for i, p := range free {
				if p != nil && possible(k, p) && c.sameClass(k.Pupil, p.Class) && c.unique(kids, free, k, p) {
					k.match, c.taken[p.ID], free[i] = p, true, nil
					break
				}
			}
		}
		var left []*kid
		for _, k := range kids {
			if k.match == nil {
				left = append(left, k)
			}
		}
		for _, k := range left {
			near := c.free(free, func(p *PupilState) bool { return possible(k, p) })
			rivals := 0
			for _, o := range left {
				if len(near) > 0 && possible(o, near[0]) {
					rivals++
				}
			}
			switch {
			case len(near) == 0:
			case len(near) == 1 && rivals == 1:
				k.match, c.taken[near[0].ID] = near[0], true
			default:
				c.hold(k, Homonym, "onde.case.homonym_pupil", near)
			}
		}
	}
}

// matchSimilar asks about kids who have the birth date of an unmatched pupil and
// nearly the same names.
func (c *comparison) matchSimilar() {
	byDay := map[string][]*PupilState{}
	for i := range c.now.Pupils {
		if p := &c.now.Pupils[i]; !p.Left && p.Birth != "" {
			byDay[p.Birth] = append(byDay[p.Birth], p)
		}
	}
	near := map[*kid][]*PupilState{}
	for _, k := range c.kids {
		if k.match == nil && !k.held && k.Birth != "" {
			near[k] = c.free(byDay[k.Birth], func(p *PupilState) bool {
				return !c.disputed[p.ID] && (p.INE == "" || k.INE == "") && alike(k.Name, Name{Family: p.Family, Use: p.Use, First: p.First})
			})
		}
	}
	for _, k := range c.kids {
		if len(near[k]) > 0 {
			c.hold(k, Similar, "onde.case.similar", near[k])
		}
	}
}

// free keeps the pupils that nobody has matched.
func (c *comparison) free(in []*PupilState, keep func(*PupilState) bool) []*PupilState {
	var out []*PupilState
	for _, p := range in {
		if p != nil && !c.taken[p.ID] && keep(p) {
			out = append(out, p)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return !out[i].Left && out[j].Left })
	return out
}

// possible says that nothing written denies that the kid is that pupil; names
// are the same.
func possible(k *kid, p *PupilState) bool {
	return (k.INE == "" || p.INE == "" || k.INE == p.INE) && (k.Birth == "" || p.Birth == "")
}

// unique says that no other kid or pupil of the same names is in that class.
func (c *comparison) unique(kids []*kid, free []*PupilState, k *kid, p *PupilState) bool {
	for _, o := range kids {
		if o != k && o.match == nil && c.sameClass(o.Pupil, p.Class) {
			return false
		}
	}
	for _, o := range free {
		if o != nil && o != p && o.Class == p.Class {
			return false
		}
	}
	return true
}

// hold makes a case of a kid and keeps it out of the plan until a choice.
func (c *comparison) hold(k *kid, kind, message string, near []*PupilState) {
	cs := Case{Kind: kind, Origin: k.Origin, Choices: []string{Attach, New, Ignore},
		Message: errs.Msg(message, "name", k.Full(), "birth", frenchDay(k.Birth), "n", len(near))}
	for i, p := range near {
		c.shielded[p.ID] = true
		if i < 5 {
			cs.Candidates = append(cs.Candidates, c.candidate(p))
		}
	}
	ch, ok := c.settle(cs, k.key)
	switch {
	case ok && ch.Do == New:
	case ok && ch.Do == Attach:
		for _, p := range near {
			if c.candidate(p).Key == ch.Target && !c.taken[p.ID] {
				k.match, c.taken[p.ID] = p, true
				return
			}
		}
		k.held = true
	default:
		k.held = true
		for _, p := range near {
			c.disputed[p.ID] = true
		}
	}
}

func (c *comparison) candidate(p *PupilState) Candidate {
	return Candidate{Key: "id:" + p.ID, Ref: Ref(p.ID), Label: describe(fullName(p.Family, p.Use, p.First), p.Birth, c.classLabel(p.Class))}
}

func (c *comparison) classLabel(id string) string {
	for _, x := range c.now.Classes {
		if x.ID == id {
			return x.Label
		}
	}
	return ""
}

// sameClass says that a row's class is that class of the directory.
func (c *comparison) sameClass(p Pupil, id string) bool {
	r := c.findRoom(p)
	return r != nil && r.match != nil && r.match.ID == id
}

// undated places the rows that have neither INE nor birth date (extraction by
// group, some hand-made lists): by names, then by class when names are shared.
func (c *comparison) undated() {
	for _, f := range c.files {
		groups := map[string][]pupilRow{}
		var order []string
		for _, p := range f.Pupils {
			if p.Birth != "" || c.ines[p.INE] {
				continue
			}
			p.INE = ""
			n := nameKey(p.Name)
			if len(groups[n]) == 0 {
				order = append(order, n)
			}
			groups[n] = append(groups[n], pupilRow{p, Origin{f.Name, p.Line}, f.Complete})
		}
		if len(order) == 0 {
			continue
		}
		pool := map[string][]*kid{}
		for _, k := range c.kids {
			pool[nameKey(k.Name)] = append(pool[nameKey(k.Name)], k)
		}
		exact, alias := map[string][]*PupilState{}, map[string][]*PupilState{}
		for i := range c.now.Pupils {
			p := &c.now.Pupils[i]
			for j, n := range nameKeys(p.Family, p.Use, p.First) {
				if j == 0 {
					exact[n] = append(exact[n], p)
				} else {
					alias[n] = append(alias[n], p)
				}
			}
		}
		sort.Strings(order)
		// Family names first. A use name alone, without a birth date, proves
		// nothing: a person says.
		for _, byUse := range []bool{false, true} {
			for _, n := range order {
				switch direct := len(pool[n])+len(exact[n]) > 0; {
				case !byUse && direct:
					c.place(groups[n], pool[n], exact[n])
				case byUse && !direct:
					var near []*kid
					for _, p := range alias[n] {
						if !p.Left {
							near = append(near, &kid{match: p})
						}
					}
					if len(near) > 0 {
						for _, r := range groups[n] {
							c.holdRow(r, near)
						}
						continue
					}
					c.place(groups[n], nil, nil)
				}
			}
		}
	}
}
