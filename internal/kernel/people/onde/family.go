package onde

import (
	"sort"

	"marelle/internal/platform/errs"
)

// adultOp says what happens to an adult. An adult none of whose children is a
// pupil of the school waits: the school must not admit strangers.
func (c *comparison) adultOp(a *adult, linked map[string]bool) (RelativeOp, bool) {
	alive := a.wanted
	for _, t := range a.ties {
		alive = alive || t.kind == matched || t.kind == several || t.kind == waiting
	}
	for id := range kin(a.match) {
		alive = alive || c.back[id]
	}
	if alive {
		linked[string(a.ref())] = true // has, or may have, a child in the school
	}
	if a.match == nil && a.attached == "" && len(a.ties) == 0 && !alive {
		ch, ok := c.settle(Case{Kind: NoChild, Origin: a.Origin, Choices: []string{New, Ignore}, Message: errs.Msg("onde.case.no_child", "name", a.title())}, a.key)
		alive = ok && ch.Do == New
	}
	if !alive && (a.match == nil || a.match.Left) {
		return RelativeOp{}, false
	}
	o := RelativeOp{Action: Create, Ref: a.ref(), Attached: a.attached != "", Origin: a.Origin, Relative: RelativeState{
		Civility: a.Civility, Family: a.Family, Use: a.Use, First: a.First, Email: a.Email, Phones: a.Phones, Address: a.Address}}
	if a.match == nil || a.attached != "" {
		return o, true
	}
	r := *a.match
	want := r
	n := mergeName(Name{Family: r.Family, Use: r.Use, First: r.First}, a.Name)
	want.Family, want.Use, want.First = n.Family, n.Use, n.First
	want.Civility, want.Email, want.Left = or(a.Civility, r.Civility), or(a.Email, r.Email), false
	if len(a.Phones) > 0 && !samePhones(a.Phones, r.Phones) {
		want.Phones = a.Phones
	}
	if k := addressKey(a.Address); k != "" && k != addressKey(r.Address) && !a.streets[addressKey(r.Address)] {
		want.Address = a.Address
	}
	o.Changes = diff(o.Changes, "family", r.Family, want.Family)
	o.Changes = diff(o.Changes, "use", r.Use, want.Use)
	o.Changes = diff(o.Changes, "first", r.First, want.First)
	o.Changes = diff(o.Changes, "civility", r.Civility, want.Civility)
	o.Changes = diff(o.Changes, "email", r.Email, want.Email)
	o.Changes = diff(o.Changes, "phones", join(r.Phones), join(want.Phones))
	o.Changes = diff(o.Changes, "address", oneLine(r.Address), oneLine(want.Address))
	o.Relative = want
	switch {
	case r.Left:
		o.Action = Return
	case len(o.Changes) > 0:
		o.Action = Update
	default:
		o.Action = Keep
	}
	return o, true
}

func samePhones(a, b []string) bool {
	x, y := map[string]bool{}, map[string]bool{}
	for _, p := range a {
		x[digits(p)] = true
	}
	for _, p := range b {
		if y[digits(p)] = true; !x[digits(p)] {
			return false
		}
	}
	return len(x) == len(y)
}

func join(phones []string) string {
	out := ""
	for i, p := range phones {
		if i > 0 {
			out += ", "
		}
		out += p
	}
	return out
}

func oneLine(a Address) string {
	out := a.Street
	for _, s := range []string{a.Postcode, a.City} {
		if s != "" {
			out += " " + s
		}
	}
	return out
}

// links adds the family links that the directory lacks, and reports those that
// the files no longer have. Both parents are equal: none is ever removed
// without a human choice.
func (c *comparison) links(a *adult, linked map[string]bool) {
	have := kin(a.match)
	named := map[string]bool{}
	for _, t := range a.ties {
		for _, x := range t.hits {
			named[string(x.ref)] = true
		}
		if t.kind != matched {
			continue
		}
		k := string(a.ref()) + "\x00" + string(t.hits[0].ref)
		if have[string(t.hits[0].ref)] || linked[k] {
			continue
		}
		linked[k] = true
		c.plan.Links = append(c.plan.Links, LinkOp{Relative: a.ref(), Pupil: t.hits[0].ref})
	}
	if a.match == nil {
		return
	}
	ids := append([]string(nil), a.match.Children...)
	sort.Strings(ids)
	for _, id := range ids {
		if named[id] || !c.taken[id] {
			continue
		}
		p := c.pupil(id)
		if p == nil {
			continue
		}
		cs := Case{Kind: LinkAbsent, Origin: a.Origin, Choices: []string{Accept, Remove},
			Message: errs.Msg("onde.case.link_absent", "name", a.title(), "child", fullName(p.Family, p.Use, p.First))}
		if ch, ok := c.settle(cs, a.match.ID, id); ok && ch.Do == Remove {
			c.plan.Links = append(c.plan.Links, LinkOp{Relative: a.ref(), Pupil: Ref(id), Remove: true})
		}
	}
}

func (c *comparison) pupil(id string) *PupilState {
	if c.pupils == nil {
		c.pupils = map[string]*PupilState{}
		for i := range c.now.Pupils {
			c.pupils[c.now.Pupils[i].ID] = &c.now.Pupils[i]
		}
	}
	return c.pupils[id]
}

// sharedEmails notes an address that two adults give: they stay two persons,
// and neither can recover a password by that address.
func (c *comparison) sharedEmails(adults []*adult) {
	by := map[string][]*adult{}
	var order []string
	for _, a := range adults {
		if a.Email == "" || a.into != nil {
			continue
		}
		if len(by[a.Email]) == 0 {
			order = append(order, a.Email)
		}
		by[a.Email] = append(by[a.Email], a)
	}
	sort.Strings(order)
	for _, e := range order {
		if len(by[e]) < 2 {
			continue
		}
		var names []string
		for _, a := range by[e] {
			names = append(names, a.title())
		}
		sort.Strings(names)
		parts := append([]string{e}, names...)
		c.settle(Case{Kind: SharedEmail, Origin: by[e][0].Origin, Choices: []string{Accept},
			Message: errs.Msg("onde.case.shared_email", "email", e, "names", list(names))}, parts...)
	}
}

// followChildren lets the relatives leave whose last child leaves, and brings
// back those whose child is back.
func (c *comparison) followChildren(ops map[string]int, linked map[string]bool) {
	for i := range c.now.Relatives {
		r := c.now.Relatives[i]
		at, has := ops[r.ID]
		leaves, stays, returns := false, false, false
		for _, id := range r.Children {
			p := c.pupil(id)
			switch {
			case c.leaving[id]:
				leaves = true
			case c.back[id]:
				returns, stays = true, true
			case p != nil && !p.Left:
				stays = true
			}
		}
		switch {
		case !r.Left && leaves && !stays && !linked[r.ID]:
			r.Left = true
			o := RelativeOp{Action: Leave, Ref: Ref(r.ID), Relative: r}
			if has {
				c.plan.Relatives[at] = o
			} else if !c.gone(r.ID) {
				c.plan.Relatives = append(c.plan.Relatives, o)
			}
		case r.Left && returns && !has:
			r.Left = false
			c.plan.Relatives = append(c.plan.Relatives, RelativeOp{Action: Return, Ref: Ref(r.ID), Relative: r})
		}
	}
}

// gone says that a choice already ended a relative's record.
func (c *comparison) gone(id string) bool {
	for _, o := range c.plan.Relatives {
		if o.Action == Leave && o.Ref == Ref(id) {
			return true
		}
	}
	return false
}
