package people_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
)

// The counts were worked out from the files by hand and by an independent
// reading (see onde).
func TestBothSchools(t *testing.T) {
	for _, x := range []struct {
		dir                                                   string
		pupils, relatives, teachers, links, homonyms, doubles int
	}{
		{"recent", 219, 258, 10, 393, 3, 6},
		{"older", 217, 255, 10, 388, 3, 5},
	} {
		t.Run(x.dir, func(t *testing.T) {
			s := open(t)
			empty := s.dump()
			began := time.Now()
			res := s.apply(s.order(school(x.dir)...))
			t.Logf("%d persons in %v", len(res.Created), time.Since(began).Round(time.Millisecond))
			sum := res.Plan.Summary(say)
			want := onde.Summary{Classes: 9, Pupils: onde.Counts{Created: x.pupils}, Relatives: onde.Counts{Created: x.relatives}, Teachers: onde.Counts{Created: x.teachers},
				FamilyLinks: x.links, Doubtful: sum.Doubtful, Rejected: []onde.Refusal{}}
			if !reflect.DeepEqual(sum, want) || len(sum.Doubtful) != x.homonyms+x.doubles {
				t.Errorf("got  %+v\nwant %+v", sum, want)
			}
			for text, n := range map[string]int{
				`SELECT count(*) FROM class WHERE year = 2026`:                                                          9,
				`SELECT count(*) FROM person`:                                                                           x.pupils + x.relatives + x.teachers,
				`SELECT count(*) FROM membership WHERE profile = 'pupil'`:                                               x.pupils,
				`SELECT count(*) FROM membership WHERE profile = 'relative'`:                                            x.relatives,
				`SELECT count(*) FROM membership WHERE profile = 'teacher'`:                                             x.teachers,
				`SELECT count(*) FROM membership WHERE head`:                                                            1,
				`SELECT count(*) FROM class_member WHERE profile = 'pupil' AND level <> ''`:                             x.pupils,
				`SELECT count(*) FROM family_link`:                                                                      x.links,
				`SELECT count(DISTINCT person) FROM person_caption WHERE facts <> ''`:                                   x.pupils + x.relatives + x.teachers,
				`SELECT count(*) FROM person WHERE avatar <> ''`:                                                        x.pupils,
				`SELECT count(*) FROM person p JOIN membership m ON m.person = p.id WHERE m.head AND p.last = 'Wattel'`: 1,
				`SELECT count(DISTINCT login) FROM person`:                                                              x.pupils + x.relatives + x.teachers,
				`SELECT count(*) FROM audit WHERE action = 'import.apply'`:                                              1,
			} {
				if got := s.count(text); got != n {
					t.Errorf("%s: %d, want %d", text, got, n)
				}
			}
			full := s.dump()
			again := s.apply(s.order(school(x.dir)...))
			want = onde.Summary{Pupils: onde.Counts{Unchanged: x.pupils}, Relatives: onde.Counts{Unchanged: x.relatives}, Teachers: onde.Counts{Unchanged: x.teachers}, Doubtful: sum.Doubtful, Rejected: []onde.Refusal{}}
			if got := again.Plan.Summary(say); !reflect.DeepEqual(got, want) {
				t.Errorf("the same again: %+v", got)
			}
			s.same(full, "after the same again")
			if err := s.undo(); err != nil {
				t.Fatal(err)
			}
			s.same(empty, "after the undo")
		})
	}
}

func TestOneClassFileIsNoDeparture(t *testing.T) {
	s := open(t)
	s.imports(s.order(school("recent")...))
	class := s.one(`SELECT c.label FROM class c JOIN class_member m ON m.class = c.id AND m.profile = 'pupil' GROUP BY c.label ORDER BY count(*) DESC LIMIT 1`)
	// The rows of one class of the file, cut by hand.
	all := given(t, "recent/eleves.csv")[0].Data
	lines := bytes.SplitAfter(all, []byte("\n"))
	cut := lines[0]
	kept := 0
	for _, l := range lines[1:] {
		if bytes.Contains(l, latin(class)) {
			cut = append(cut, l...)
			kept++
		}
	}
	if kept < 15 {
		t.Fatalf("%d rows of %s", kept, class)
	}
	o := people.Order{School: s.school, Year: 2026, Given: []people.ImportFile{{Name: "classe.csv", Data: cut}}}
	var err error
	if o.Files, err = people.ReadImport(o.Given); err != nil {
		t.Fatal(err)
	}
	was := s.dump()
	sum := s.apply(o).Plan.Summary(say)
	if sum.Pupils != (onde.Counts{Unchanged: kept}) {
		t.Errorf("%+v", sum.Pupils)
	}
	s.same(was, "after a one-class file")
	o.Whole = true
	left := s.imports(o).Plan.Summary(say)
	if left.Pupils.Left != 219-kept || left.Relatives.Left == 0 {
		t.Errorf("the whole school: %+v %+v", left.Pupils, left.Relatives)
	}
	if n := s.count(`SELECT count(*) FROM person_principal pp JOIN membership m ON m.person = pp.person AND m.profile = 'pupil' WHERE m.valid_to < $1 AND pp.valid_to > $1`, s.now.UnixMilli()); n != 0 {
		t.Errorf("%d principals of pupils who left are open", n)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}

func latin(s string) []byte {
	var out []byte
	for _, r := range s {
		out = append(out, byte(r)) // the samples are Windows-1252, and labels stay in Latin-1
	}
	return out
}

func TestANewYearMovesPupils(t *testing.T) {
	s := open(t)
	s.imports(s.order(oneClass))
	o := s.order("Nom élève;Prénom élève;Date naissance;Classe\nMARTIN;Ana;01/02/2019;CE2 A\nPETIT;Luc;03/04/2019;CE2 A\n")
	o.Year = 2027
	was := s.dump()
	sum := s.imports(o).Plan.Summary(say)
	if sum.Classes != 1 || sum.Pupils != (onde.Counts{Moved: 2}) {
		t.Errorf("%+v", sum)
	}
	if n := s.count(`SELECT count(*) FROM class_member WHERE valid_to > $1`, s.now.UnixMilli()); n != 2 {
		t.Errorf("%d open places", n)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}

const (
	parents  = "Civilité;Nom responsable;Prénom responsable;Courriel;Nom de famille enfant;Prénom enfant\n"
	teachers = "Civilité;Nom;Prénom;Directeur;Classe\nMme;ROUX;Iris;Oui;CE1 A\n"
)

// Two classes of one label, which ONDE allows, and two that exchange theirs.
func TestLabelsOfClasses(t *testing.T) {
	s := open(t)
	head := "Nom élève;Prénom élève;Date naissance;INE;Classe;Identifiant classe\n"
	s.imports(s.order(head + "MARTIN;Ana;01/02/2019;120000000AA;CE1;11\nPETIT;Luc;03/04/2019;120000001AB;CE1;12\n"))
	if got := strings.Join(s.rows(`SELECT label FROM class ORDER BY label`), ", "); got != "CE1, CE1 (2)" {
		t.Errorf("labels %s", got)
	}
	s.imports(s.order(head + "MARTIN;Ana;01/02/2019;120000000AA;CE1 A;11\nPETIT;Luc;03/04/2019;120000001AB;CE1 B;12\n"))
	was := s.dump()
	s.imports(s.order(head + "MARTIN;Ana;01/02/2019;120000000AA;CE1 B;11\nPETIT;Luc;03/04/2019;120000001AB;CE1 A;12\n"))
	if got := s.one(`SELECT label FROM class WHERE onde_id = '11'`); got != "CE1 B" {
		t.Errorf("label %s", got)
	}
	if err := s.undo(); err != nil {
		t.Fatal(err)
	}
	s.same(was, "after the undo")
}
