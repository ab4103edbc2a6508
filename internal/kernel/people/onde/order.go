package onde

import (
	"cmp"
	"slices"
	"strings"
)

// canonical puts files and rows in an order of their own, that of what they
// say, so that what comes first in a file or on the command line decides
// nothing: not even when two rows of one person disagree.
func canonical(files []File) []File {
	type entry struct {
		File
		key string
	}
	all := make([]entry, len(files))
	for i, f := range files {
		var says strings.Builder
		says.WriteString(string(f.Kind))
		if f.Complete {
			says.WriteString(" complete")
		}
		f.Pupils = inOrder(&says, f.Pupils, Pupil.content, func(p Pupil) int { return p.Line })
		f.Relatives = inOrder(&says, f.Relatives, Relative.content, func(r Relative) int { return r.Line })
		f.Teachers = inOrder(&says, f.Teachers, Teacher.content, func(t Teacher) int { return t.Line })
		all[i] = entry{f, says.String()}
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.Name, b.Name))
	})
	out := make([]File, len(all))
	for i, e := range all {
		out[i] = e.File
	}
	return out
}

// inOrder sorts rows by what they say and adds that to what is known of the file.
func inOrder[T any](to *strings.Builder, rows []T, content func(T) string, line func(T) int) []T {
	type entry struct {
		row T
		key string
	}
	all := make([]entry, len(rows))
	for i, r := range rows {
		all[i] = entry{r, content(r)}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(line(a.row), line(b.row))) })
	out := make([]T, len(all))
	for i, e := range all {
		out[i] = e.row
		to.WriteString("\n" + e.key)
	}
	return out
}

func said(parts ...string) string { return strings.Join(parts, "\x00") }

func (n Name) content() string {
	return said(n.Family, n.Use, n.First, n.Raw.Family, n.Raw.Use, n.Raw.First)
}

func (a Address) content() string { return said(a.Street, a.Postcode, a.City, a.Country) }

func (p Pupil) content() string {
	out := said(p.Name.content(), p.Birth, p.RawINE, p.Class, p.ClassID, p.Level, p.Sex, p.Cycle, p.Photo)
	for _, a := range p.Addresses {
		out = said(out, a.content())
	}
	return out
}

func (r Relative) content() string {
	out := said(r.Name.content(), r.Civility, r.RawEmail, r.Address.content(), said(r.Phones...))
	for _, c := range r.Children {
		out = said(out, c.Name.content(), c.Birth, c.Class)
	}
	return out
}

func (t Teacher) content() string {
	head := ""
	if t.Head {
		head = "head"
	}
	return said(t.Name.content(), t.Civility, t.RawEmail, head, said(t.Phones...), said(t.Classes...))
}
