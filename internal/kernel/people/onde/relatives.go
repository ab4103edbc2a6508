package onde

import (
	"sort"
	"strconv"
	"strings"

	"marelle/internal/platform/errs"
)

// adult is a responsible adult of the files, from one row or several.
type adult struct {
	Relative
	Origin
	key      string
	ties     []tie
	proofs   map[string]bool // what tells one person from a homonym: e-mail, telephones, addresses
	streets  map[string]bool
	match    *RelativeState
	attached Ref
	into     *adult
	wanted   bool // created by choice although no child is known
}

func (a *adult) ref() Ref {
	switch {
	case a.into != nil:
		return a.into.ref()
	case a.attached != "":
		return a.attached
	case a.match != nil:
		return Ref(a.match.ID)
	}
	return Ref("new:r:" + a.key)
}

// title names an adult as a message does.
func (a *adult) title() string {
	if a.First == "" && a.Civility != "" {
		return a.Civility + " " + a.Full()
	}
	return a.Full()
}

type adultRow struct {
	Relative
	Origin
	ties []tie
}

// relatives goes from the rows of the parents files to operations and links.
func (c *comparison) relatives() {
	adults := c.gatherAdults()
	c.matchAdults(adults)
	for _, a := range adults {
		c.resolve(a, kin(a.match))
	}
	c.duplicates(adults)
	c.outsiders(adults)
	ops, linked := map[string]int{}, map[string]bool{}
	for _, a := range adults {
		if a.into != nil {
			continue
		}
		c.checkEmail(a.Origin, a.title(), a.key, &a.Email, a.RawEmail)
		o, ok := c.adultOp(a, linked)
		if !ok {
			continue
		}
		if !o.Ref.New() {
			ops[string(o.Ref)] = len(c.plan.Relatives)
		}
		c.plan.Relatives = append(c.plan.Relatives, o)
		c.links(a, linked)
	}
	c.inherit(linked)
	c.sharedEmails(adults)
	c.followChildren(ops, linked)
	sortByName(c.plan.Relatives, func(o RelativeOp) (string, string, Ref) { return o.Relative.Family, o.Relative.First, o.Ref })
	sort.SliceStable(c.plan.Links, func(i, j int) bool {
		a, b := c.plan.Links[i], c.plan.Links[j]
		return string(a.Relative)+string(a.Pupil) < string(b.Relative)+string(b.Pupil)
	})
}

// proofsOf lists what two records of one person share and two homonyms do not.
func proofsOf(email string, phones []string, addr Address) []string {
	var out []string
	if email != "" {
		out = append(out, "e:"+strings.ToLower(email))
	}
	for _, p := range phones {
		out = append(out, "t:"+digits(p))
	}
	if a := addressKey(addr); a != "" {
		out = append(out, "a:"+a)
	}
	return out
}

// gatherAdults joins the rows of one person (a row per child, two class files):
// same names, and an e-mail, a telephone, an address or a child in common.
func (c *comparison) gatherAdults() []*adult {
	var rows []adultRow
	for _, f := range c.files {
		for _, r := range f.Relatives {
			o := Origin{f.Name, r.Line}
			row := adultRow{Relative: r, Origin: o}
			for _, ch := range r.Children {
				row.ties = append(row.ties, c.find(ch, o))
			}
			rows = append(rows, row)
		}
	}
	parent := make([]int, len(rows))
	for i := range parent {
		parent[i] = i
	}
	root := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	first := map[string][]int{} // the first row of each civility with that proof
	for i, r := range rows {
		proofs := proofsOf(r.Email, r.Phones, r.Address)
		for _, t := range r.ties {
			if t.kind == matched {
				proofs = append(proofs, "c:"+t.hits[0].key)
			}
		}
		same := "r:" + r.Civility + nameKey(r.Name) // the very same row, from another file
		for _, t := range r.ties {
			same += "|" + nameKey(t.Name)
		}
		if len(r.ties) > 0 {
			proofs = append(proofs, same+"|"+strings.Join(proofsOf(r.Email, r.Phones, r.Address), "|"))
		}
		for _, n := range nameKeys(r.Family, r.Use, r.First) {
			for _, p := range proofs {
				k := n + "|" + p
				known := false
				for _, j := range first[k] {
					if compatible(rows[j].Civility, r.Civility) {
						parent[root(i)] = root(j)
					}
					known = known || rows[j].Civility == r.Civility
				}
				if !known {
					first[k] = append(first[k], i)
				}
			}
		}
	}
	groups := map[int][]adultRow{}
	var order []int
	for i, r := range rows {
		g := root(i)
		if len(groups[g]) == 0 {
			order = append(order, g)
		}
		groups[g] = append(groups[g], r)
	}
	var out []*adult
	keys := map[string]int{}
	for _, g := range order {
		a := merge(groups[g])
		eliminate(a.ties)
		keys[a.key]++
		if n := keys[a.key]; n > 1 {
			a.key = hash(a.key, strconv.Itoa(n))
		}
		out = append(out, a)
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].key < out[j].key })
	return out
}

func compatible(a, b string) bool { return a == b || a == "" || b == "" }

// merge makes one adult of rows; which row comes first changes nothing.
func merge(rows []adultRow) *adult {
	content := func(r adultRow) string {
		return strings.Join([]string{r.Raw.Family, r.Raw.Use, r.Raw.First, r.Email, strings.Join(r.Phones, ","), r.Address.Street, r.Address.City}, "|")
	}
	origin := rows[0].Origin
	if len(rows) > 1 {
		sort.SliceStable(rows, func(i, j int) bool { return content(rows[i]) < content(rows[j]) })
	}
	a := &adult{Relative: rows[0].Relative, Origin: origin, proofs: map[string]bool{}, streets: map[string]bool{}}
	a.Phones = nil
	seen, met := map[string]bool{}, map[string]bool{}
	for _, r := range rows {
		a.Name = mergeName(a.Name, r.Name)
		a.Civility = or(a.Civility, r.Civility)
		if a.Email == "" {
			a.Email, a.RawEmail = r.Email, or(a.RawEmail, r.RawEmail)
		}
		if k := addressKey(r.Address); k != "" {
			a.streets[k] = true
			if a.Address.Street == "" || addressKey(a.Address) == k && shouting(a.Address.Street) && !shouting(r.Address.Street) {
				a.Address = r.Address
			}
		}
		for _, p := range r.Phones {
			if !seen[digits(p)] {
				seen[digits(p)] = true
				a.Phones = append(a.Phones, p)
			}
		}
		for _, p := range proofsOf(r.Email, r.Phones, r.Address) {
			a.proofs[p] = true
		}
		for _, t := range r.ties {
			id := nameKey(t.Name)
			if t.kind == matched {
				id = t.hits[0].key
			}
			if !met[id] {
				met[id] = true
				a.ties = append(a.ties, t)
			}
		}
	}
	sort.SliceStable(a.ties, func(i, j int) bool { return nameKey(a.ties[i].Name) < nameKey(a.ties[j].Name) })
	parts := []string{nameKey(a.Name), a.Civility}
	for p := range a.proofs {
		parts = append(parts, p)
	}
	if len(a.proofs) == 0 {
		for id := range met {
			parts = append(parts, id)
		}
	}
	sort.Strings(parts[2:])
	a.key = hash(parts...)
	return a
}

func shouting(s string) bool { return s != "" && strings.ToUpper(s) == s }

// mergeName merges two spellings of a person. A row that gives only the use
// name ("Duval" for "Henry, use name Duval") does not rename anybody.
func mergeName(old, new Name) Name {
	switch {
	case Key(old.Family) == Key(new.Family):
		return betterName(old, new)
	case new.Use == "" && Key(new.Family) == Key(old.Use):
		return old
	case old.Use == "" && Key(old.Family) == Key(new.Use):
		return new
	}
	return betterName(old, new)
}

func kin(r *RelativeState) map[string]bool {
	out := map[string]bool{}
	if r != nil {
		for _, id := range r.Children {
			out[id] = true
		}
	}
	return out
}

// duplicates reports adults of the same names who have nothing in common. They
// are kept apart, since joining two persons would show one the other's child.
func (c *comparison) duplicates(adults []*adult) {
	known := map[string][]*RelativeState{}
	used := map[string]bool{}
	for _, a := range adults {
		if a.match != nil {
			used[a.match.ID] = true
		}
	}
	for i := range c.now.Relatives {
		r := &c.now.Relatives[i]
		if !used[r.ID] && c.present(r) {
			n := Key(r.Family) + "|" + Key(r.First)
			known[n] = append(known[n], r)
		}
	}
	met := map[string][]*adult{}
	for _, a := range adults {
		n := nameKey(a.Name)
		if a.First == "" { // a family name alone says nothing
			continue
		}
		cs := Case{Kind: Duplicate, Origin: a.Origin, Choices: []string{Attach, New}, Message: errs.Msg("onde.case.duplicate", "name", a.title())}
		var targets []any
		parts := []string{a.key}
		for _, b := range met[n] {
			if len(targets) < 5 && b.into == nil && compatible(a.Civility, b.Civility) && compatible(Key(a.Use), Key(b.Use)) {
				cs.Candidates = append(cs.Candidates, Candidate{Key: b.key, Ref: b.ref(), Label: b.portrait()})
				targets, parts = append(targets, b), append(parts, b.key)
			}
		}
		for _, r := range known[n] {
			if len(targets) < 10 && compatible(a.Civility, r.Civility) && compatible(Key(a.Use), Key(r.Use)) {
				cs.Candidates = append(cs.Candidates, Candidate{Key: "id:" + r.ID, Ref: Ref(r.ID), Label: describe(fullName(r.Family, r.Use, r.First), "", r.Email)})
				targets, parts = append(targets, r), append(parts, r.ID)
			}
		}
		met[n] = append(met[n], a)
		if len(targets) == 0 {
			continue
		}
		ch, ok := c.settle(cs, parts...)
		if !ok || ch.Do != Attach {
			continue
		}
		for i, cand := range cs.Candidates {
			if cand.Key != ch.Target {
				continue
			}
			switch t := targets[i].(type) {
			case *adult:
				c.absorb(t, a)
			case *RelativeState:
				old := a.match
				a.match = t
				c.retire(old, a)
			}
		}
	}
}

// present says that a record of the directory is in the school once the plan is
// applied: it stays, or comes back with a child.
func (c *comparison) present(r *RelativeState) bool {
	for _, id := range r.Children {
		p := c.pupil(id)
		switch {
		case c.back[id]:
			return true
		case p != nil && !p.Left && !c.leaving[id] && !r.Left:
			return true
		}
	}
	return len(r.Children) == 0 && !r.Left
}

func (a *adult) portrait() string {
	s := a.title()
	if a.Email != "" {
		s += " · " + a.Email
	} else if len(a.Phones) > 0 {
		s += " · " + a.Phones[0]
	}
	for _, t := range a.ties {
		return s + " · " + t.Full()
	}
	return s
}

// absorb makes b's rows a's, by choice.
func (c *comparison) absorb(a, b *adult) {
	b.into = a
	a.ties = append(a.ties, b.ties...)
	a.Email, a.wanted = or(a.Email, b.Email), a.wanted || b.wanted
	if len(a.Phones) == 0 {
		a.Phones = b.Phones
	}
	if a.match == nil {
		a.match = b.match
		return
	}
	c.retire(b.match, a)
}

// retire ends the record of somebody whom a choice merged into an adult.
func (c *comparison) retire(r *RelativeState, into *adult) {
	if r == nil || r.Left || Ref(r.ID) == into.ref() {
		return
	}
	out := *r
	out.Left = true
	c.plan.Relatives = append(c.plan.Relatives, RelativeOp{Action: Leave, Ref: Ref(r.ID), Into: into.ref(), Relative: out})
	c.retired = append(c.retired, retired{r, into})
}

// inherit gives the children of a merged record to the person who stays.
func (c *comparison) inherit(linked map[string]bool) {
	for _, x := range c.retired {
		have := kin(x.into.match)
		for _, id := range x.was.Children {
			k := string(x.into.ref()) + "\x00" + id
			if p := c.pupil(id); p == nil || p.Left || c.leaving[id] || have[id] || linked[k] {
				continue
			}
			linked[k] = true
			c.plan.Links = append(c.plan.Links, LinkOp{Relative: x.into.ref(), Pupil: Ref(id)})
		}
	}
}

// retired is a record that a choice merged into an adult of the files.
type retired struct {
	was  *RelativeState
	into *adult
}

// outsiders asks whether an adult is a member of the staff, or a person known
// outside the school. Until a choice, the adult is a person apart.
func (c *comparison) outsiders(adults []*adult) {
	type other struct {
		key, id string
		ref     Ref
		label   string
	}
	staff := map[string][]other{}
	listed := map[string]bool{}
	for _, t := range c.staff {
		o := other{key: t.key, ref: t.ref(), label: t.Full()}
		if t.match != nil {
			o.id, listed[t.match.ID] = t.match.ID, true
		}
		for _, n := range nameKeys(t.Family, t.Use, t.First) {
			staff[n] = append(staff[n], o)
		}
	}
	for _, s := range c.now.Staff {
		if !s.Left && !listed[s.ID] {
			for _, n := range nameKeys(s.Family, s.Use, s.First) {
				staff[n] = append(staff[n], other{key: "id:" + s.ID, id: s.ID, ref: Ref(s.ID), label: fullName(s.Family, s.Use, s.First)})
			}
		}
	}
	away := map[string][]other{}
	for _, e := range c.now.Elsewhere {
		if e.Email != "" {
			away[Key(e.Family)+"|"+Key(e.First)+"|"+strings.ToLower(e.Email)] = []other{{key: "id:" + e.ID, id: e.ID, ref: Ref(e.ID), label: fullName(e.Family, e.Use, e.First)}}
		}
	}
	ask := func(a *adult, kind, message string, o other) {
		if a.match != nil && a.match.ID == o.id || a.into != nil || a.attached != "" {
			return
		}
		ch, ok := c.settle(Case{Kind: kind, Origin: a.Origin, Choices: []string{Attach, New}, Message: errs.Msg(message, "name", a.title()),
			Candidates: []Candidate{{Key: o.key, Ref: o.ref, Label: o.label}}}, a.key, o.key)
		if !ok || ch.Do != Attach {
			return
		}
		old := a.match
		a.match = nil
		for i := range c.now.Relatives { // already a parent of the school as well
			if o.id != "" && c.now.Relatives[i].ID == o.id {
				a.match = &c.now.Relatives[i]
			}
		}
		if a.match == nil {
			a.attached = o.ref
		}
		c.retire(old, a)
	}
	for _, a := range adults {
		seen := map[string]bool{}
		for _, n := range nameKeys(a.Family, a.Use, a.First) {
			for _, o := range staff[n] {
				if !seen[o.key] && a.First != "" {
					seen[o.key] = true
					ask(a, StaffParent, "onde.case.staff_parent", o)
				}
			}
		}
		for _, o := range away[nameKey(a.Name)+"|"+a.Email] {
			ask(a, Elsewhere, "onde.case.relative_elsewhere", o)
		}
	}
}
