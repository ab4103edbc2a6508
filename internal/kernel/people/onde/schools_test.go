package onde

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
)

// cells reads a sample file without the package: Windows-1252, one row a line,
// semicolons, quotes off.
func cells(t *testing.T, path string) [][]string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	u, err := charmap.Windows1252.NewDecoder().String(string(b))
	if err != nil {
		t.Fatal(err)
	}
	var out [][]string
	for _, line := range strings.Split(u, "\r\n")[1:] {
		row := strings.Split(line, ";")
		full := false
		for i := range row {
			row[i] = strings.TrimSpace(strings.Trim(row[i], `"`))
			full = full || row[i] != ""
		}
		if full && !strings.HasPrefix(row[0], "ORGANISME") {
			out = append(out, row)
		}
	}
	return out
}

// reckon works the counts out of the files by plain rules of its own: a pupil
// is a row; an adult is a family name, first name and telephone or e-mail; a
// link is an adult and a child name that exactly one pupil has.
func reckon(t *testing.T, dir string, classCol, adultCols int) (classes, pupils, relatives, teachers, links, homonyms int) {
	rooms, named := map[string]bool{}, map[string]int{}
	for _, r := range cells(t, filepath.Join(dir, "eleves.csv")) {
		pupils++
		rooms[r[classCol]] = true
		named[r[0]+"/"+r[2]]++
	}
	adults, ties := map[string]bool{}, map[string]bool{}
	for _, r := range cells(t, filepath.Join(dir, "responsables.csv")) {
		contact := r[8]
		if contact == "" {
			contact = r[adultCols-1]
		}
		who := r[2] + "/" + r[3] + "/" + contact
		if contact == "" {
			who += r[4]
		}
		adults[who] = true
		for i := adultCols; i+3 < len(r); i += 4 {
			child := r[i+1] + "/" + r[i+2]
			switch named[child] {
			case 1:
				ties[who+"/"+child] = true
			case 2:
				homonyms++
			default:
				t.Fatalf("%v names %q", r, child)
			}
		}
	}
	return len(rooms), pupils, len(adults), len(cells(t, filepath.Join(dir, "enseignants.csv"))), len(ties), homonyms
}

func TestSchools(t *testing.T) {
	for _, x := range []struct {
		dir                                                           string
		classCol, adultCols                                           int
		classes, pupils, relatives, teachers, links, homonyms, double int
	}{
		{"testdata/recent", 16, 12, 9, 219, 258, 10, 393, 3, 6},
		{"testdata/older", 15, 13, 9, 217, 255, 10, 388, 3, 5},
	} {
		t.Run(x.dir, func(t *testing.T) {
			classes, pupils, relatives, teachers, links, homonyms := reckon(t, x.dir, x.classCol, x.adultCols)
			if got, want := []int{classes, pupils, relatives, teachers, links, homonyms}, []int{x.classes, x.pupils, x.relatives, x.teachers, x.links, x.homonyms}; !reflect.DeepEqual(got, want) {
				t.Fatalf("reckoned %v, the files were counted by hand as %v", got, want)
			}
			files := load(t, x.dir+"/*.csv")
			var s school
			p := s.imports(t, Options{Year: 2026}, files...)
			sum := p.Summary(say)
			want := Summary{Schools: 1, Classes: classes, Pupils: Counts{Created: pupils}, Relatives: Counts{Created: relatives}, Teachers: Counts{Created: teachers}, FamilyLinks: links,
				Doubtful: sum.Doubtful, Rejected: []Refusal{}}
			if !reflect.DeepEqual(sum, want) {
				t.Errorf("got  %+v\nwant %+v", sum, want)
			}
			if k := kinds(p); k[Homonym] != homonyms || len(k) != 2 || k[Duplicate] != x.double {
				t.Errorf("cases: %v", k)
				t.Log(dump(p))
			}
			heads := 0
			for _, o := range p.Teachers {
				if o.Teacher.Head {
					heads++
					if o.Teacher.Family != "Wattel" {
						t.Errorf("head: %v", o.Teacher)
					}
				}
			}
			if heads != 1 {
				t.Errorf("%d heads", heads)
			}
			second := Compare(files, s.Snapshot, Options{Year: 2026}).Summary(say)
			want = Summary{Pupils: Counts{Unchanged: pupils}, Relatives: Counts{Unchanged: relatives}, Teachers: Counts{Unchanged: teachers}, Doubtful: second.Doubtful, Rejected: []Refusal{}}
			if !reflect.DeepEqual(second, want) {
				t.Errorf("again: %+v", second)
			}
		})
	}
}
