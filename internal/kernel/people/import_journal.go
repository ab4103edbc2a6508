package people

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"sort"
)

// journal is what an import changed, row by row: enough to take it back.
type journal struct {
	Persons []edit[personRow] `json:"persons,omitempty"`
	Classes []edit[classRow]  `json:"classes,omitempty"`
	Members []edit[memberRow] `json:"members,omitempty"`
	Places  []edit[placeRow]  `json:"places,omitempty"`
	Links   []edit[linkRow]   `json:"links,omitempty"`
}

// edit is a row before and after: without Was it was created. Rows are never
// deleted by an import.
type edit[R keyed] struct {
	Was *R `json:"was,omitempty"`
	Now R  `json:"now"`
}

// between tells two states of a directory apart. Of a person or a class that
// was created only the id is kept: it will go with everything.
func between(before, after directory) journal {
	j := journal{
		Persons: edits(before.persons, after.persons),
		Classes: edits(before.classes, after.classes),
		Members: edits(before.members, after.members),
		Places:  edits(before.places, after.places),
		Links:   edits(before.links, after.links),
	}
	for i, e := range j.Persons {
		if e.Was == nil {
			j.Persons[i].Now = personRow{ID: e.Now.ID}
		}
	}
	for i, e := range j.Classes {
		if e.Was == nil {
			j.Classes[i].Now = classRow{ID: e.Now.ID}
		}
	}
	return j
}

func edits[R keyed](before, after map[string]R) []edit[R] {
	var out []edit[R]
	for k, now := range after {
		was, had := before[k]
		switch {
		case !had:
			out = append(out, edit[R]{Now: now})
		case was != now:
			out = append(out, edit[R]{Was: &was, Now: now})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Now.key() < out[j].Now.key() })
	return out
}

// empty says that nothing was changed.
func (j journal) empty() bool {
	return len(j.Persons)+len(j.Classes)+len(j.Members)+len(j.Places)+len(j.Links) == 0
}

// then adds what was changed later: of a row changed twice the first state and
// the last one stay.
func (j journal) then(k journal) journal {
	return journal{
		Persons: join(j.Persons, k.Persons),
		Classes: join(j.Classes, k.Classes),
		Members: join(j.Members, k.Members),
		Places:  join(j.Places, k.Places),
		Links:   join(j.Links, k.Links),
	}
}

func join[R keyed](first, second []edit[R]) []edit[R] {
	at := map[string]int{}
	out := append([]edit[R](nil), first...)
	for i, e := range out {
		at[e.Now.key()] = i
	}
	for _, e := range second {
		if i, ok := at[e.Now.key()]; ok {
			out[i].Now = e.Now
		} else {
			out = append(out, e)
		}
	}
	return out
}

// created lists the ids of rows that were not there before.
func created[R keyed](list []edit[R]) []string {
	var out []string
	for _, e := range list {
		if e.Was == nil {
			out = append(out, e.Now.key())
		}
	}
	return out
}

// pack and unpack keep a value in one column: JSON, gzip.
func pack(v any) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := json.NewEncoder(z).Encode(v); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return b.Bytes(), nil
}

func unpack(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	// What was packed here is bounded by what an import takes.
	if err := json.NewDecoder(io.LimitReader(z, 1<<30)).Decode(v); err != nil {
		return fmt.Errorf("unpack: %w", err)
	}
	return nil
}
