package onde

import (
	"sort"

	"marelle/internal/platform/errs"
)

// child is a pupil as the rows of parents may mean one: of the files or of the
// directory.
type child struct {
	Name
	birth, class string
	key          string
	ref          Ref
	held         bool // waits for a human choice
	gone         bool // left, or leaves with this plan
	streets      map[string]bool
}

// indexChildren lists every pupil under each surname with the first name.
// Classes take no part: the two files label them differently.
func (c *comparison) indexChildren() {
	c.pool, c.bySurn, c.byFirst = map[string][]*child{}, map[string][]*child{}, map[string][]*child{}
	add := func(x *child) {
		for _, n := range nameKeys(x.Family, x.Use, x.First) {
			c.pool[n] = append(c.pool[n], x)
		}
		c.bySurn[Key(x.Family)] = append(c.bySurn[Key(x.Family)], x)
		if x.Use != "" {
			c.bySurn[Key(x.Use)] = append(c.bySurn[Key(x.Use)], x)
		}
		c.byFirst[Key(x.First)] = append(c.byFirst[Key(x.First)], x)
	}
	kids := append([]*kid(nil), c.kids...)
	sort.SliceStable(kids, func(i, j int) bool { return kids[i].key < kids[j].key })
	for _, k := range kids {
		x := &child{Name: k.Name, birth: k.Birth, class: k.Class, key: k.key, ref: k.ref(), held: k.held, streets: map[string]bool{}}
		for _, a := range k.Addresses {
			if s := addressKey(a); s != "" {
				x.streets[s] = true
			}
		}
		add(x)
	}
	for i := range c.now.Pupils {
		p := &c.now.Pupils[i]
		if !c.taken[p.ID] {
			add(&child{Name: Name{Family: p.Family, Use: p.Use, First: p.First}, birth: p.Birth, class: c.classLabel(p.Class),
				key: "id:" + p.ID, ref: Ref(p.ID), gone: p.Left || c.leaving[p.ID]})
		}
	}
}

// tie is a child named in a row of parents, with the pupils it may mean.
type tie struct {
	ChildRef
	Origin
	hits []*child
	kind tieKind
}

type tieKind int

const (
	none    tieKind = iota // no such pupil
	matched                // exactly one
	several                // homonyms
	waiting                // a pupil who waits for a choice
	gone                   // a pupil who left
)

// find looks a child up by surname (family or use name, on either side) and
// first name, within the school.
func (c *comparison) find(r ChildRef, o Origin) tie {
	t := tie{ChildRef: r, Origin: o}
	seen := map[*child]bool{}
	var active, held, left []*child
	for _, n := range nameKeys(r.Family, r.Use, r.First) {
		for _, x := range c.pool[n] {
			switch {
			case seen[x]:
			case x.gone:
				left = append(left, x)
			case x.held:
				held = append(held, x)
			default:
				active = append(active, x)
			}
			seen[x] = true
		}
	}
	narrow := func(keep func(*child) bool) {
		var out []*child
		for _, x := range active {
			if keep(x) {
				out = append(out, x)
			}
		}
		if len(out) > 0 {
			active = out
		}
	}
	if r.Birth != "" {
		narrow(func(x *child) bool { return x.birth == r.Birth })
	}
	if len(active) > 1 {
		narrow(func(x *child) bool { return Key(x.Family) == Key(r.Family) })
	}
	switch {
	case len(held) > 0:
		t.kind, t.hits = waiting, append(held, active...)
	case len(active) == 1:
		t.kind, t.hits = matched, active
	case len(active) > 1:
		t.kind, t.hits = several, active
	case len(left) > 0:
		t.kind, t.hits = gone, left
	}
	return t
}

// eliminate uses that nobody names one child twice: a homonym who is already
// another child of the same adult is no candidate.
func eliminate(ties []tie) {
	own := map[*child]bool{}
	for _, t := range ties {
		if t.kind == matched {
			own[t.hits[0]] = true
		}
	}
	for i := range ties {
		t := &ties[i]
		if t.kind != several {
			continue
		}
		var others []*child
		for _, x := range t.hits {
			if !own[x] {
				others = append(others, x)
			}
		}
		if len(others) > 0 {
			t.hits = others
		}
		if len(others) == 1 {
			t.kind = matched
		}
	}
}

// resolve settles the children of an adult: a link that exists already tells
// which homonym is meant; otherwise a person says.
func (c *comparison) resolve(a *adult, existing map[string]bool) {
	for i := range a.ties {
		t := &a.ties[i]
		switch t.kind {
		case several:
			var linked []*child
			for _, x := range t.hits {
				if existing[string(x.ref)] {
					linked = append(linked, x)
				}
			}
			if len(linked) == 1 {
				t.kind, t.hits = matched, linked
				continue
			}
			c.askHomonym(a, t)
		case none:
			c.askUnmatched(a, t)
		}
	}
}

func (c *comparison) askHomonym(a *adult, t *tie) {
	cs := Case{Kind: Homonym, Origin: t.Origin, Choices: []string{Attach, Ignore},
		Message: errs.Msg("onde.case.homonym", "name", a.title(), "child", t.Full(), "n", len(t.hits))}
	byStreet, byClass := "", ""
	streets, classes := 0, 0
	for i, x := range t.hits {
		cand := Candidate{Key: x.key, Ref: x.ref, Label: describe(x.Full(), x.birth, x.class)}
		if t.Class != "" && label(t.Class) == label(x.class) {
			cand.Hint, byClass = errs.Msg("onde.hint.class", "class", x.class), x.key
			classes++
		}
		for s := range a.streets {
			if x.streets[s] {
				cand.Hint, byStreet = errs.Msg("onde.hint.address"), x.key
				streets++
				break
			}
		}
		if i < 10 {
			cs.Candidates = append(cs.Candidates, cand)
		}
	}
	switch { // a suggestion, never a decision
	case streets == 1:
		cs.Suggested = byStreet
	case streets == 0 && classes == 1:
		cs.Suggested = byClass
	}
	ch, ok := c.settle(cs, a.key, nameKey(t.Name))
	if ok && ch.Do == Attach {
		for _, x := range t.hits {
			if x.key == ch.Target {
				t.kind, t.hits = matched, []*child{x}
				return
			}
		}
	}
}

func (c *comparison) askUnmatched(a *adult, t *tie) {
	cs := Case{Kind: Unmatched, Origin: t.Origin, Choices: []string{New, Ignore},
		Message: errs.Msg("onde.case.unmatched", "name", a.title(), "child", t.Full(), "class", t.Class)}
	seen := map[*child]bool{}
	for _, list := range [][]*child{c.bySurn[Key(t.Family)], c.bySurn[Key(t.Use)], c.byFirst[Key(t.First)]} {
		for i, x := range list {
			if i >= 200 || len(cs.Candidates) >= 5 {
				break
			}
			if seen[x] || x.gone || x.held || !alike(t.Name, x.Name) {
				continue
			}
			seen[x] = true
			cs.Candidates = append(cs.Candidates, Candidate{Key: x.key, Ref: x.ref, Label: describe(x.Full(), x.birth, x.class)})
			t.hits = append(t.hits, x)
		}
	}
	if len(cs.Candidates) > 0 {
		cs.Choices = []string{Attach, New, Ignore}
	}
	if len(cs.Candidates) == 1 {
		cs.Suggested = cs.Candidates[0].Key
	}
	ch, ok := c.settle(cs, a.key, nameKey(t.Name))
	switch {
	case ok && ch.Do == New:
		a.wanted = true
	case ok && ch.Do == Attach:
		for _, x := range t.hits {
			if x.key == ch.Target {
				t.kind, t.hits = matched, []*child{x}
				return
			}
		}
	}
	t.hits = nil
}
