package onde

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Read reads one file of any of the three kinds, recognised by its headers: the
// name serves only in messages (every ONDE extraction is "CSVExtraction.csv").
// Errors: errs.Invalid when it is no such list, errs.TooLarge beyond MaxBytes
// or MaxRows. A row that cannot be read is in File.Rejected and stops nothing.
func Read(name string, r io.Reader) (File, error) {
	name = fileName(name)
	b, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return File{}, fmt.Errorf("read %s: %w", name, err)
	}
	if len(b) > MaxBytes {
		return File{}, errs.New(errs.TooLarge, "onde.file.too_large", "file", name, "max", i18n.Size(MaxBytes))
	}
	switch {
	case len(bytes.TrimSpace(b)) == 0:
		return File{}, errs.New(errs.Invalid, "onde.file.empty", "file", name)
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), bytes.HasPrefix(b, []byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1")):
		return File{}, errs.New(errs.Invalid, "onde.file.spreadsheet", "file", name)
	case bytes.HasPrefix(b, []byte("%PDF")):
		return File{}, errs.New(errs.Invalid, "onde.file.pdf", "file", name)
	}
	rows, l, at := best(b)
	if l.kind == "" {
		if bytes.Contains(b, []byte("\xEF\xBF\xBD")) {
			return File{}, errs.New(errs.Invalid, "onde.file.accents", "file", name)
		}
		return File{}, errs.New(errs.Invalid, "onde.file.unknown", "file", name)
	}
	if l.kind == Relatives && len(l.block) == 0 {
		return File{}, errs.New(errs.Invalid, "onde.file.no_children", "file", name)
	}
	if len(rows) > MaxRows+at+1 {
		return File{}, errs.New(errs.TooLarge, "onde.file.too_many_rows", "file", name, "max", "50\u00a0000")
	}
	rd := reader{file: File{Name: name, Kind: l.kind, Complete: l.complete}, layout: l, header: strings.Join(rows[at].cells, ";")}
	rd.last = len(rows)
	for rd.last > 0 && rows[rd.last-1].blank() {
		rd.last--
	}
	for i, row := range rows[at+1:] {
		rd.row(row, at+1+i == rd.last-1)
	}
	return rd.file, nil
}

// best tries each reading of the bytes and each separator, and keeps the one in
// which most headers are recognised. The header is among the first lines: some
// put a title above it.
func best(b []byte) (rows []row, l layout, at int) {
	const above = 10
	for _, text := range texts(b) {
		for _, sep := range []byte{';', '\t', ','} {
			for i, r := range split(text, sep, above) {
				if r.long {
					continue
				}
				got := recognise(r.cells)
				if got.kind != "" && got.known > l.known {
					rows, l, at = []row{{cells: []string{text, string(sep)}}}, got, i
				}
			}
		}
	}
	if l.kind == "" {
		return nil, l, 0
	}
	text, sep := rows[0].cells[0], rows[0].cells[1][0]
	return split(text, sep, MaxRows+above+2), l, at
}

func fileName(s string) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = tidy(strings.ToValidUTF8(s, ""))
	if r := []rune(s); len(r) > 80 {
		s = string(r[:80])
	}
	if s == "" {
		s = "CSVExtraction.csv"
	}
	return s
}

type reader struct {
	file   File
	layout layout
	header string
	last   int
	struck bool // below an "Organismes d'accueil" title
}

var footer = regexp.MustCompile(`[0-9:]|\b(total|fin|extraction|edite|edition|nombre|page|source|onde|liste|confidentiel)\b`)

// values holds the cells of a row by role. A role that comes twice (two
// telephone columns, a "Classe" per class) keeps them in order.
type values map[role][]string

func (v values) one(r role) string {
	for _, s := range v[r] {
		if s != "" {
			return s
		}
	}
	return ""
}

func (rd *reader) row(r row, last bool) {
	if r.blank() {
		return
	}
	filled := 0
	only := ""
	v := values{}
	for i, c := range r.cells {
		if c != "" {
			filled++
			only = c
		}
		ro := unknown
		if i < len(rd.layout.cols) {
			ro = rd.layout.cols[i]
		}
		if c != "" {
			v[ro] = append(v[ro], c)
		}
	}
	switch {
	case strings.Join(r.cells, ";") == rd.header: // two extractions one after the other
		rd.file.Ignored++
	case rd.host(r, filled, only):
		rd.file.Ignored++
	case filled == 1 && last && (footer.MatchString(i18n.Fold(only)) || len(strings.Fields(only)) > 3):
		rd.file.Ignored++
	case r.long:
		rd.reject(r.line, "onde.row.too_long", "")
	case rd.file.Kind == Pupils:
		rd.pupil(r, v)
	case rd.file.Kind == Relatives:
		rd.relative(r, v)
	default:
		rd.teacher(r, v)
	}
}

// host recognises the "organismes d'accueil" (after-school care, town hall…)
// that ONDE adds at the end of the parents file.
func (rd *reader) host(r row, filled int, only string) bool {
	if rd.file.Kind != Relatives {
		return false
	}
	for i, c := range r.cells {
		if i >= 5 {
			break
		}
		if k := i18n.Fold(c); strings.HasPrefix(k, "organisme d accueil") || strings.HasPrefix(k, "organismes d accueil") || k == "organisme" || k == "organismes" {
			rd.struck = rd.struck || filled == 1
			return true
		}
	}
	if rd.struck { // a list of hosts under its title: none has a child
		for i := rd.layout.start; i < len(r.cells); i++ {
			if r.cells[i] != "" {
				return false
			}
		}
		return true
	}
	return false
}

func (rd *reader) reject(line int, key, name string, pairs ...any) {
	pairs = append(pairs, "file", rd.file.Name, "line", line)
	rd.file.Rejected = append(rd.file.Rejected, Rejected{File: rd.file.Name, Line: line, Message: errs.Msg(key, pairs...), name: name})
}

// name reads the three cells of a name. ok is false when the row was rejected.
func (rd *reader) name(line int, family, use, first string, needFirst bool) (Name, bool) {
	n := Name{Raw: RawName{family, use, first}}
	for _, s := range []string{family, use, first} {
		if utf8.RuneCountInString(s) > maxName {
			rd.reject(line, "onde.row.too_long", "")
			return n, false
		}
		if strings.ContainsRune(s, unicode.ReplacementChar) {
			rd.reject(line, "onde.row.accents", "", "name", s)
			return n, false
		}
		if s != "" && strings.IndexFunc(s, unicode.IsLetter) < 0 {
			rd.reject(line, "onde.row.not_a_name", "", "name", s)
			return n, false
		}
	}
	if family == "" {
		family, use = use, ""
	}
	if Key(use) == Key(family) {
		use = ""
	}
	switch {
	case family == "" && first == "":
		rd.reject(line, "onde.row.no_name", "")
		return n, false
	case family == "":
		rd.reject(line, "onde.row.no_family", "", "name", Proper(first))
		return n, false
	case first == "" && needFirst:
		rd.reject(line, "onde.row.no_first", "", "name", Proper(family))
		return n, false
	}
	n.Family, n.Use, n.First = Proper(family), Proper(use), Proper(first)
	return n, true
}

func (rd *reader) pupil(r row, v values) {
	if strings.HasPrefix(i18n.Fold(v.one(state)), "radi") {
		rd.file.Ignored++
		return
	}
	n, ok := rd.name(r.line, v.one(family), v.one(use), v.one(first), true)
	if !ok {
		return
	}
	day, ok := readDate(v.one(birth))
	if !ok {
		rd.reject(r.line, "onde.row.date", nameKey(n), "name", n.Full(), "date", v.one(birth))
		return
	}
	p := Pupil{
		Line: r.line, Name: n, Birth: day, Sex: readSex(v.one(sex)), INE: readINE(v.one(ine)), RawINE: v.one(ine),
		Class: classLabel(v.one(class)), ClassID: classLabel(v.one(classID)), Level: Level(v.one(level)), Cycle: readCycle(v.one(cycle)), Photo: readYes(v.one(photo)),
	}
	for _, a := range []Address{{v.one(street), v.one(postcode), v.one(city), v.one(country)}, {v.one(street2), v.one(postcode2), v.one(city2), v.one(country2)}} {
		if a.Street != "" || a.City != "" {
			p.Addresses = append(p.Addresses, a)
		}
	}
	rd.file.Pupils = append(rd.file.Pupils, p)
}

func (rd *reader) relative(r row, v values) {
	has := false
	for _, c := range rd.layout.cols {
		has = has || c == first
	}
	// Some lists have no first names of parents at all; then the family name
	// and the civility must do.
	n, ok := rd.name(r.line, v.one(family), v.one(use), v.one(first), has)
	if !ok {
		return
	}
	p := Relative{
		Line: r.line, Civility: readCivility(v.one(civility)), Name: n,
		Address: Address{v.one(street), v.one(postcode), v.one(city), v.one(country)},
		Email:   readEmail(v.one(email)), RawEmail: v.one(email), Phones: phones(v),
	}
	for _, c := range rd.children(r.cells) {
		kid, ok := rd.name(r.line, c[childFamily], c[childUse], c[childFirst], true)
		if !ok {
			continue // the child is reported, the adult and the other children stand
		}
		day, _ := readDate(c[childBirth]) // a hint only
		p.Children = append(p.Children, ChildRef{Name: kid, Birth: day, Class: c[childClass]})
	}
	rd.file.Relatives = append(rd.file.Relatives, p)
}

// children cuts the cells of a parents row into one set per child: a block
// begins when a column comes again.
func (rd *reader) children(cells []string) []map[role]string {
	var out []map[role]string
	cur := map[role]string{}
	seen := map[role]bool{}
	flush := func() {
		if cur[childFamily]+cur[childUse]+cur[childFirst] != "" {
			out = append(out, cur)
		}
		cur, seen = map[role]string{}, map[role]bool{}
	}
	for i, c := range cells {
		ro := rd.layout.role(i)
		if ro < childUse || ro > childBirth {
			continue
		}
		if seen[ro] {
			flush()
		}
		seen[ro] = true
		if c != "" {
			cur[ro] = c
		}
	}
	flush()
	return out
}

func (rd *reader) teacher(r row, v values) {
	n, ok := rd.name(r.line, v.one(family), v.one(use), v.one(first), true)
	if !ok {
		return
	}
	t := Teacher{
		Line: r.line, Civility: readCivility(v.one(civility)), Name: n,
		Email: readEmail(v.one(email)), RawEmail: v.one(email), Phones: phones(v), Head: readYes(v.one(head)) == "yes",
	}
	for _, c := range v[class] {
		if classLabel(c) != "" {
			t.Classes = append(t.Classes, c)
		}
	}
	for i, c := range r.cells { // "Classe[;Classe…]" may go on beyond the header
		if i >= len(rd.layout.cols) && classLabel(c) != "" && len(rd.layout.cols) > 0 && rd.layout.cols[len(rd.layout.cols)-1] == class {
			t.Classes = append(t.Classes, c)
		}
	}
	rd.file.Teachers = append(rd.file.Teachers, t)
}

// classLabel drops a label without any letter or digit ("-", "?"): no class.
func classLabel(s string) string {
	if label(s) == "" {
		return ""
	}
	return s
}

func phones(v values) []string {
	var out []string
	for _, ro := range []role{mobile, home, work} {
		for _, s := range v[ro] {
			p := readPhone(s)
			dup := p == ""
			for _, q := range out {
				dup = dup || digits(q) == digits(p)
			}
			if !dup {
				out = append(out, p)
			}
		}
	}
	return out
}

// nameKey is the folded name of a pupil as files and directory share it.
func nameKey(n Name) string { return Key(n.Family) + "|" + Key(n.First) }
