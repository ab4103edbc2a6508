package onde

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	uni "golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

var families = []string{"MARTIN", "LEFÈVRE", "D'HAUTEFEUILLE", "SAINT-MARTIN", "LE GOFF", "CŒUR", "NOËL", "L'HOSTIS", "PÉREZ", "ÇELIK", "FRANÇOIS"}
var firsts = []string{"Léa", "Anne-Sophie", "Maël", "Zoé", "Aïcha", "Clémence Lou", "Éthan", "Noé", "Côme", "François", "Loïs"}
var cities = []string{"PÉRONNE", "DOINGT", "MONT-SAINT-QUENTIN", "3, place \"du\" Marché"}

// TestRoundTrip writes pupils in any encoding, separator, quoting and line end,
// and reads the same pupils back.
func TestRoundTrip(t *testing.T) {
	head := strings.Split(strings.TrimSpace(recentPupils), ";")
	rapid.Check(t, func(t *rapid.T) {
		sep := rapid.SampledFrom([]string{";", ",", "\t"}).Draw(t, "separator")
		eol := rapid.SampledFrom([]string{"\r\n", "\n", "\r"}).Draw(t, "end of line")
		quote := rapid.SampledFrom([]string{"all", "needed", "some"}).Draw(t, "quotes")
		order := rapid.Permutation(head).Draw(t, "columns")
		var want []Pupil
		rows := [][]string{order}
		for i := range rapid.IntRange(1, 12).Draw(t, "pupils") {
			p := Pupil{Line: i + 2, Birth: fmt.Sprintf("20%02d-%02d-%02d", rapid.IntRange(12, 24).Draw(t, "y"), rapid.IntRange(1, 12).Draw(t, "m"), rapid.IntRange(1, 28).Draw(t, "d")),
				Sex: rapid.SampledFrom([]string{"F", "M"}).Draw(t, "sex"), Class: "Classe d’Éloïse " + rapid.SampledFrom(Levels).Draw(t, "class"), Level: rapid.SampledFrom(Levels).Draw(t, "level")}
			p.Raw = RawName{Family: rapid.SampledFrom(families).Draw(t, "family"), First: rapid.SampledFrom(firsts).Draw(t, "first")}
			p.Family, p.First = Proper(p.Raw.Family), Proper(p.Raw.First)
			p.Addresses = []Address{{Street: fmt.Sprint(i, " rue A"), City: rapid.SampledFrom(cities).Draw(t, "city")}}
			want = append(want, p)
			cell := map[string]string{"Nom élève": p.Raw.Family, "Prénom élève": p.Raw.First, "Date naissance": frenchDay(p.Birth), "Sexe": p.Sex, "Libellé classe": p.Class, "Niveau": p.Level,
				"Adresse1": p.Addresses[0].Street, "Commune1": p.Addresses[0].City}
			var row []string
			for _, h := range order {
				row = append(row, cell[h])
			}
			rows = append(rows, row)
		}
		var b strings.Builder
		for _, r := range rows {
			for i, c := range r {
				if i > 0 {
					b.WriteString(sep)
				}
				if quote == "all" || strings.ContainsAny(c, sep+`"`) || quote == "some" && len(c)%2 == 0 {
					c = `"` + strings.ReplaceAll(c, `"`, `""`) + `"`
				}
				b.WriteString(c)
			}
			b.WriteString(eol)
		}
		text := b.String()
		encodings := map[string]encoding.Encoding{"1252": charmap.Windows1252, "utf-8": encoding.Nop, "bom": uni.UTF8BOM, "utf-16le": uni.UTF16(uni.LittleEndian, uni.UseBOM), "utf-16be": uni.UTF16(uni.BigEndian, uni.UseBOM)}
		name := rapid.SampledFrom([]string{"1252", "utf-8", "bom", "utf-16le", "utf-16be", "twice"}).Draw(t, "encoding")
		var out string
		var err error
		if name == "twice" {
			out, err = charmap.Windows1252.NewDecoder().String(text)
		} else {
			out, err = encodings[name].NewEncoder().String(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		f, err := Read("x.csv", strings.NewReader(out))
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(f.Pupils, want) || len(f.Rejected) > 0 {
			t.Fatalf("read %+v\nwrote %+v\nrejected %+v", f.Pupils, want, f.Rejected)
		}
	})
}

// TestRowOrder shuffles the rows of the sample schools: counts and cases stay.
func TestRowOrder(t *testing.T) {
	for _, dir := range []string{"recent", "older"} {
		files := load(t, "testdata/"+dir+"/*.csv")
		first := Compare(files, Snapshot{}, Options{Year: 2026})
		rapid.Check(t, func(t *rapid.T) {
			mixed := rapid.Permutation(files).Draw(t, "files")
			for i := range mixed {
				mixed[i].Pupils = rapid.Permutation(mixed[i].Pupils).Draw(t, "pupils")
				mixed[i].Relatives = rapid.Permutation(mixed[i].Relatives).Draw(t, "relatives")
				mixed[i].Teachers = rapid.Permutation(mixed[i].Teachers).Draw(t, "teachers")
			}
			p := Compare(mixed, Snapshot{}, Options{Year: 2026})
			if a, b := counts(first), counts(p); a != b || caseIDs(first) != caseIDs(p) {
				t.Fatalf("%+v\n%+v", a, b)
			}
		})
	}
}

// fewPeople draws the files of a small school from few names, so that homonyms, twins
// and doubles abound.
func fewPeople(t *rapid.T) []File {
	pick := func(what string, of ...string) string { return rapid.SampledFrom(of).Draw(t, what) }
	read := func(name, text string) File {
		f, err := Read(name, strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	var files []File
	for range rapid.IntRange(1, 2).Draw(t, "pupils files") {
		form := pick("form", "full", "dated")
		var b strings.Builder
		b.WriteString(map[string]string{"full": "Nom;Nom d'usage;Prénom;Classe;Date de naissance;INE;Identifiant classe\n", "dated": "Nom;Nom d'usage;Prénom;Classe;Date de naissance\n"}[form])
		for range rapid.IntRange(0, 5).Draw(t, "rows") {
			use := pick("u", "", "", "B")
			fmt.Fprintf(&b, "%s;%s;%s;%s", pick("n", "A", "B"), use, pick("p", "Léa", "Lea", "Noé", "Noé Jean"), pick("c", "", "CP", "CE1"))
			b.WriteString(";" + pick("d", "1/2/2018", "3/2/2018"))
			if form == "full" {
				b.WriteString(";" + pick("i", "", "", "111111112AA", "111111113AA") + ";" + pick("id", "", "7"))
			}
			b.WriteString("\n")
		}
		files = append(files, read(form+".csv", b.String()))
	}
	var b strings.Builder
	b.WriteString("Civilité;Nom responsable;Nom d'usage responsable;Prénom responsable;Adresse responsable;Courriel;Téléphone portable;Nom de famille enfant;Prénom enfant;Nom de famille enfant;Prénom enfant\n")
	for range rapid.IntRange(0, 4).Draw(t, "parents") {
		fmt.Fprintf(&b, "%s;%s;%s;%s;%s;%s;%s;%s;%s;%s;%s\n", pick("civ", "MME", "M."), pick("n", "A", "B"), pick("u", "", "A"), pick("p", "Eva", "Luc"), pick("a", "", "1 rue A"), pick("e", "", "a@b.fr", "c@d.fr"),
			pick("t", "", "0612345678"), pick("n", "A", "B", "C", ""), pick("p", "Léa", "Noé"), pick("n", "A", "B"), pick("p", "Léa", "Noé"))
	}
	return append(files, read("p.csv", b.String()))
}

// TestFew imports again in schools of homonyms: nothing may change, whatever
// came before. Lists without birth dates are not drawn: names alone do not tell
// such rows apart, see place.
func TestFew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s school
		for range rapid.IntRange(1, 3).Draw(t, "imports") {
			files := fewPeople(t)
			opt := Options{Year: 2026, WholeSchool: rapid.Bool().Draw(t, "whole")}
			before := fmt.Sprintf("%+v", s.Snapshot)
			p := Compare(files, s.Snapshot, opt)
			s.apply(t, p)
			again := Compare(files, s.Snapshot, opt)
			if !again.Empty() {
				t.Fatalf("not idle: %s\nafter %s\nfrom %s\n%+v", dump(again), dump(p), before, files)
			}
			if caseIDs(p) != caseIDs(again) {
				t.Fatalf("cases differ: %s\nafter %s\nfrom %s\n%+v", dump(again), dump(p), before, files)
			}
		}
	})
}

// TestFewInAnyOrder imports the files of such a school in another order.
func TestFewInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s school
		s.apply(t, Compare(fewPeople(t), s.Snapshot, Options{Year: 2026}))
		files := fewPeople(t)
		mixed := rapid.Permutation(files).Draw(t, "files")
		a, b := Compare(files, s.Snapshot, Options{Year: 2026}), Compare(mixed, s.Snapshot, Options{Year: 2026})
		if counts(a) != counts(b) || caseIDs(a) != caseIDs(b) {
			t.Fatalf("%s\nin another order %s\n%+v\nfrom %+v", dump(a), dump(b), files, s.Snapshot)
		}
	})
}

// TestOneClassAfterTheSchool imports the complete list of one class after a
// whole school: whoever is in another class stays there, untouched.
func TestOneClassAfterTheSchool(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var s school
		s.apply(t, Compare(fewPeople(t), s.Snapshot, Options{Year: 2026, WholeSchool: true}))
		class := map[string]string{}
		for _, c := range s.Classes {
			class[c.ID] = label(c.Label)
		}
		f, err := Read("cp.csv", strings.NewReader("Nom;Prénom;Date de naissance;INE;Classe\nZ;Ana;5/5/2018;;CP\n"))
		if err != nil {
			t.Fatal(err)
		}
		p := Compare([]File{f}, s.Snapshot, Options{Year: 2026})
		for _, o := range p.Pupils {
			if o.Action == Leave && class[string(o.From)] != label("CP") {
				t.Fatalf("%s %s leaves class %q: %s", o.Pupil.First, o.Pupil.Family, class[string(o.From)], dump(p))
			}
			if o.Action != Leave && o.Pupil.Family != "Z" {
				t.Fatalf("touched: %+v", o)
			}
		}
		for _, o := range p.Relatives {
			if o.Action != Leave {
				t.Fatalf("touched: %+v", o)
			}
			for _, r := range s.Relatives {
				for _, id := range r.Children {
					if Ref(r.ID) == o.Ref && !slices.ContainsFunc(p.Pupils, func(o PupilOp) bool { return o.Action == Leave && o.Ref == Ref(id) }) && !s.left(id) {
						t.Fatalf("%s leaves with a child here", r.First)
					}
				}
			}
		}
	})
}

func (s *school) left(pupil string) bool {
	return slices.ContainsFunc(s.Pupils, func(p PupilState) bool { return p.ID == pupil && p.Left })
}

func seeds(f *testing.F) map[string][]byte {
	out := map[string][]byte{}
	paths, err := filepath.Glob("testdata/*/*.csv")
	if err != nil {
		f.Fatal(err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		lines := bytes.SplitAfterN(b, []byte("\n"), 8)
		out[p] = bytes.Join(lines[:7], nil)
	}
	return out
}

func FuzzRead(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Add([]byte(recentPupils + helene))
	f.Add([]byte("PrPrénom*;Nom*;Classes*\n\"a;b\n\"c\"d;e;f\n"))
	f.Add([]byte("\xff\xfeN\x00o\x00m\x00;\x00P\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Read("x.csv", bytes.NewReader(b))
		if err != nil {
			return
		}
		if n := len(file.Pupils) + len(file.Relatives) + len(file.Teachers); n > MaxRows {
			t.Fatalf("%d records", n)
		}
		for _, p := range file.Pupils {
			if p.Family == "" || p.First == "" || p.Line < 1 || strings.ContainsAny(p.Family+p.First+p.Class, "\x00\r\n") {
				t.Fatalf("%+v", p)
			}
		}
		for _, r := range file.Rejected {
			if s := say(r.Message.Key, r.Message.Args); s == r.Message.Key || strings.Contains(s, "no value") {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// FuzzPlan imports two files twice into an empty school.
func FuzzPlan(f *testing.F) {
	in := seeds(f)
	f.Add(in["testdata/recent/eleves.csv"], in["testdata/recent/responsables.csv"])
	f.Add(in["testdata/older/eleves.csv"], in["testdata/older/responsables.csv"])
	f.Add(in["testdata/recent/enseignants.csv"], in["testdata/recent/responsables.csv"])
	f.Add([]byte("Nom;Prénom;Classe\nA;B;CP\nA;B;CP\nA;B;CE1\n"), []byte("Nom responsable;Prénom responsable;Nom enfant;Prénom enfant\nA;C;A;B\n"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var files []File
		for i, x := range [][]byte{a, b} {
			if file, err := Read(fmt.Sprint(i, ".csv"), bytes.NewReader(x)); err == nil {
				files = append(files, file)
			}
		}
		if len(files) > 0 {
			var s school
			s.imports(t, Options{}, files...)
		}
	})
}
