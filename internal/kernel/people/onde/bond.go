package onde

import "sort"

// bond is what an adult of the files and a relative of the directory, who have
// a name in common, have in common besides.
type bond struct {
	a     *adult
	r     *RelativeState
	stays bool // the relative is in the school once the plan is applied
	sure  int  // e-mail, telephones, address, children
	maybe int  // children who are one of several homonyms
	alive bool // the adult has, or may have, a child in the school
	names int  // how well the names agree
	extra int  // what the directory has and the files do not say
}

// closer orders bonds. The record that an import leaves behind holds all that
// its adult says, under the names it gives; whatever is ranked here must keep
// that record the closest one, or importing again would exchange two namesakes.
func (x bond) closer(y bond) bool {
	switch {
	case x.stays != y.stays:
		return x.stays
	case (x.sure > 0) != (y.sure > 0):
		return x.sure > 0
	case x.sure == 0 && (x.maybe > 0) != (y.maybe > 0):
		return x.maybe > 0
	case x.alive != y.alive: // who waits leaves no record behind
		return x.alive
	case x.sure != y.sure:
		return x.sure > y.sure
	case x.names != y.names:
		return x.names > y.names
	case x.maybe != y.maybe:
		return x.maybe > y.maybe
	case x.extra != y.extra:
		return x.extra < y.extra
	case x.a.key != y.a.key:
		return x.a.key < y.a.key
	}
	return x.r.ID < y.r.ID
}

// matchAdults joins adults to the relatives of the directory, the closest
// first. Without anything sure in common a namesake is joined only when that
// gives nobody another name.
func (c *comparison) matchAdults(adults []*adult) {
	proofs := map[*RelativeState]int{}
	index, bare := map[string][]*RelativeState{}, map[string][]*RelativeState{}
	for i := range c.now.Relatives {
		r := &c.now.Relatives[i]
		known := proofsOf(r.Email, r.Phones, r.Address)
		for _, id := range r.Children {
			known = append(known, "c:"+id)
		}
		proofs[r] = len(known)
		for _, n := range nameKeys(r.Family, r.Use, r.First) {
			for _, p := range known {
				index[n+"|"+p] = append(index[n+"|"+p], r)
			}
			if len(known) == 0 {
				bare[n] = append(bare[n], r)
			}
		}
	}
	var bonds []bond
	for _, a := range adults {
		for _, x := range a.bonds(index, bare) {
			if x.names = agreement(a, x.r); x.sure == 0 && x.names < sameNames {
				continue
			}
			x.stays, x.extra = c.present(x.r), proofs[x.r]-x.sure
			bonds = append(bonds, x)
		}
	}
	sort.Slice(bonds, func(i, j int) bool { return bonds[i].closer(bonds[j]) })
	taken := map[*RelativeState]bool{}
	for _, x := range bonds {
		if x.a.match == nil && !taken[x.r] {
			x.a.match, taken[x.r] = x.r, true
		}
	}
}

// mostNamesakes bounds the records looked at for one name and one proof.
const mostNamesakes = 20

// bonds finds the relatives who have a name and something else in common with
// an adult, or with whom it shares that nothing else is written.
func (a *adult) bonds(index, bare map[string][]*RelativeState) []bond {
	sure, maybe := map[string]bool{}, map[string]bool{}
	for p := range a.proofs {
		sure[p] = true
	}
	alive := false
	for _, t := range a.ties {
		alive = alive || t.kind != none && t.kind != gone
		for i, x := range t.hits {
			if x.ref.New() || i >= mostNamesakes {
				continue
			}
			if t.kind == matched {
				sure["c:"+string(x.ref)] = true
			} else {
				maybe["c:"+string(x.ref)] = true
			}
		}
	}
	found := map[*RelativeState]*bond{}
	var order []*RelativeState
	add := func(in []*RelativeState, count func(*bond)) {
		for i, r := range in {
			if i >= mostNamesakes || !compatible(r.Civility, a.Civility) {
				continue
			}
			if found[r] == nil {
				found[r] = &bond{a: a, r: r, alive: alive}
				order = append(order, r)
			}
			count(found[r])
		}
	}
	names := nameKeys(a.Family, a.Use, a.First)
	for p := range sure {
		add(union(index, names, p), func(x *bond) { x.sure++ })
	}
	for p := range maybe {
		if !sure[p] {
			add(union(index, names, p), func(x *bond) { x.maybe++ })
		}
	}
	if len(a.proofs) == 0 {
		for _, n := range names {
			add(bare[n], func(*bond) {})
		}
	}
	out := make([]bond, len(order))
	for i, r := range order {
		out[i] = *found[r]
	}
	return out
}

// union lists the relatives of any of the names with that proof, each once.
func union(index map[string][]*RelativeState, names []string, proof string) []*RelativeState {
	out := index[names[0]+"|"+proof]
	if len(names) == 1 {
		return out
	}
	seen := map[*RelativeState]bool{}
	for _, r := range out {
		seen[r] = true
	}
	out = out[:len(out):len(out)]
	for _, r := range index[names[1]+"|"+proof] {
		if !seen[r] {
			out = append(out, r)
		}
	}
	return out
}

// sameNames is the least agreement that leaves the names of a record as they
// are, accents aside.
const sameNames = 2

// agreement says how well the names of an adult fit a record: all the same
// before contained before one in common; a civility decides between equals.
func agreement(a *adult, r *RelativeState) int {
	old := Name{Family: r.Family, Use: r.Use, First: r.First}
	merged := mergeName(old, a.Name)
	n := 0
	switch same := Key(a.Family) == Key(r.Family); {
	case same && Key(a.Use) == Key(r.Use):
		n = 2 * sameNames
	case Key(merged.Family) == Key(r.Family) && Key(merged.Use) == Key(r.Use) && same:
		n = sameNames
	}
	if a.Civility == r.Civility {
		n++
	}
	return n
}
