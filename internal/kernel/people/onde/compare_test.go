package onde

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

// pupils makes a complete pupils file: "family,use,first,birth,ine,class,id,level" per line.
func pupils(t testing.TB, lines ...string) File {
	t.Helper()
	var b strings.Builder
	b.WriteString("Nom élève;Nom d'usage élève;Prénom élève;Date naissance;INE;Libellé classe;Identifiant classe;Niveau;Adresse1;Commune1\n")
	for _, l := range lines {
		b.WriteString(strings.ReplaceAll(l, ",", ";") + "\n")
	}
	return csv(t, "eleves.csv", b.String())
}

// parents makes a parents file: "civility,use,family,first,street,email,mobile" then "use,family,first,class" per child.
func parents(t testing.TB, lines ...string) File {
	t.Helper()
	var b strings.Builder
	b.WriteString("Civilité Responsable;Nom usage responsable;Nom responsable;Prénom responsable;Adresse responsable;Courriel;Téléphone portable;Nom d'usage enfant;Nom de famille enfant;Prénom enfant;Classes enfants\n")
	for _, l := range lines {
		b.WriteString(strings.ReplaceAll(l, ",", ";") + "\n")
	}
	return csv(t, "responsables.csv", b.String())
}

func staff(t testing.TB, lines ...string) File {
	t.Helper()
	return csv(t, "enseignants.csv", "Civilité;Nom usage;Nom;Prénom;Courriel;Directeur;Classe;Classe\n"+strings.ReplaceAll(strings.Join(lines, "\n"), ",", ";")+"\n")
}

const (
	lea  = "MARTIN,,Léa,16/08/2018,111111112AA,CP A,1,CP"
	hugo = "MARTIN,,Hugo,16/08/2018,111111113AA,CP A,1,CP"
	noe  = "PETIT,,Noé,01/02/2017,111111114AA,CE1 B,2,CE1"
	zoe  = "GRAND,,Zoé,03/02/2017,111111115AA,CE1 B,2,CE1"
	// noe without INE, and without birth date
	noeBare = "PETIT,,Noé,01/02/2017,,CE1 B,2,CE1"
)

func counts(p Plan) [4]Counts {
	s := p.Summary(say)
	return [4]Counts{s.Pupils, s.Relatives, s.Teachers, {Created: s.FamilyLinks}}
}

func wantKinds(t *testing.T, p Plan, want map[string]int) {
	t.Helper()
	if want == nil {
		want = map[string]int{}
	}
	if got := kinds(p); !reflect.DeepEqual(got, want) {
		t.Errorf("cases %v, want %v\n%s", got, want, dump(p))
	}
}

func TestTwins(t *testing.T) {
	var s school
	p := s.imports(t, Options{}, pupils(t, lea, hugo, "MARTIN,,Lé,16/08/2018,,CP A,1,CP"))
	if p.Summary(say).Pupils.Created != 3 {
		t.Error(dump(p))
	}
	wantKinds(t, p, nil)
}

func TestPupilKeys(t *testing.T) {
	for name, x := range map[string]struct{ before, after, field string }{
		"INE holds though the name changes":       {lea, "DURAND,,Léa,16/08/2018,111111112AA,CP A,1,CP", "family"},
		"INE arrives":                             {noeBare, noe, "ine"},
		"accents arrive":                          {"PETIT,,NOE,01/02/2017,,CE1 B,2,CE1", noeBare, "first"},
		"a birth date is corrected under one INE": {lea, "MARTIN,,Léa,17/08/2018,111111112AA,CP A,1,CP", "birth"},
		"use name arrives":                        {noeBare, "PETIT,GRAND,Noé,01/02/2017,,CE1 B,2,CE1", "use"},
		"level changes":                           {noeBare, "PETIT,,Noé,01/02/2017,,CE1 B,2,CE2", "level"},
	} {
		t.Run(name, func(t *testing.T) {
			var s school
			s.imports(t, Options{}, pupils(t, x.before))
			p := s.imports(t, Options{}, pupils(t, x.after))
			if c := p.Summary(say).Pupils; c != (Counts{Updated: 1}) || len(p.Pupils[0].Changes) != 1 || p.Pupils[0].Changes[0].Field != x.field {
				t.Errorf("%+v %+v", c, p.Pupils)
			}
			wantKinds(t, p, nil)
		})
	}
	// Spelling alone changes nothing: hyphens, spaces, apostrophes, particles, lost accents.
	for before, after := range map[string]string{
		"D'HAUTEFEUILLE,,Anne-Sophie,1/2/2018,,CP,,": "D HAUTEFEUILLE,,Anne Sophie,1/2/2018,,CP,,",
		"LE GOFF,,Maël,1/2/2018,,CP,,":               "LEGOFF,,MAEL,01/02/2018,,cp,,",
		"LEFÈVRE,,Zoé,1/2/2018,,CP A,,":              "LEFEVRE,,Zoe,1/2/2018,,Cp  a,,",
		"MARTIN,PETIT,Zoé,1/2/2018,,CP A,,":          "PETIT,,Zoé,1/2/2018,,CP A,,",
	} {
		var s school
		s.imports(t, Options{}, pupils(t, before))
		p := Compare([]File{pupils(t, after)}, s.Snapshot, Options{Year: 2026})
		if c := p.Summary(say).Pupils; c.Created != 0 || c.Left != 0 {
			t.Errorf("%s → %s: %s", before, after, dump(p))
		}
	}
}

func TestMovesAndDepartures(t *testing.T) {
	var s school
	s.imports(t, Options{}, pupils(t, lea, hugo, noe, zoe))
	t.Run("move", func(t *testing.T) {
		s := s
		s.Snapshot.Pupils = append([]PupilState(nil), s.Pupils...)
		p := s.imports(t, Options{}, pupils(t, lea, strings.Replace(hugo, "CP A,1", "CE1 B,2", 1), noe, zoe))
		if c := p.Summary(say).Pupils; c != (Counts{Moved: 1, Unchanged: 3}) {
			t.Errorf("%+v", c)
		}
	})
	t.Run("a one-class file takes nobody else away", func(t *testing.T) {
		p := Compare([]File{pupils(t, lea)}, s.Snapshot, Options{Year: 2026})
		if c := p.Summary(say).Pupils; c != (Counts{Left: 1, Unchanged: 1}) {
			t.Errorf("%+v: Hugo alone leaves, his class is in the file", c)
		}
	})
	t.Run("unless the whole school is meant", func(t *testing.T) {
		p := Compare([]File{pupils(t, lea)}, s.Snapshot, Options{Year: 2026, WholeSchool: true})
		if c := p.Summary(say).Pupils; c != (Counts{Left: 3, Unchanged: 1}) {
			t.Errorf("%+v", c)
		}
	})
	t.Run("a list by group takes nobody away", func(t *testing.T) {
		p := Compare([]File{csv(t, "g.csv", "Nom élève;Prénom élève;Date naissance;Classe\nMARTIN;Léa;16/08/2018;CP A\n")}, s.Snapshot, Options{Year: 2026})
		if c := p.Summary(say).Pupils; c != (Counts{Unchanged: 1}) {
			t.Errorf("%+v", c)
		}
	})
	t.Run("an unreadable row takes nobody away", func(t *testing.T) {
		p := Compare([]File{pupils(t, lea, strings.Replace(hugo, "16/08/2018", "31/02/2018", 1))}, s.Snapshot, Options{Year: 2026})
		if c := p.Summary(say).Pupils; c != (Counts{Unchanged: 1}) || len(p.Rejected) != 1 {
			t.Errorf("%+v", c)
		}
		p = Compare([]File{pupils(t, lea, ",,,1/2/2018,,CP A,1,CP")}, s.Snapshot, Options{Year: 2026})
		if c := p.Summary(say).Pupils; c != (Counts{Unchanged: 1}) || len(p.Notices) != 1 {
			t.Errorf("%+v %v", c, p.Notices)
		}
	})
}

func TestFamilyFollows(t *testing.T) {
	var s school
	kids := pupils(t, lea, hugo, noe)
	adults := parents(t, "MME,,MARTIN,Eva,1 rue A,eva@poste.example,,,MARTIN,Léa,x", "M.,,PETIT,Paul,,paul@poste.example,,,PETIT,Noé,y", "MME,MARTIN,ROUX,Ines,,,0612345678,,MARTIN,Léa,CP A,,MARTIN,Hugo,CP A")
	p := s.imports(t, Options{}, kids, adults)
	if got := counts(p); got != [4]Counts{{Created: 3}, {Created: 3}, {}, {Created: 4}} {
		t.Fatalf("%+v %s", got, dump(p))
	}
	gone := pupils(t, hugo, noe)
	p = s.imports(t, Options{}, gone, adults)
	if got := counts(p); got != [4]Counts{{Left: 1, Unchanged: 2}, {Left: 1, Unchanged: 2}, {}, {}} {
		t.Fatalf("%+v %s", got, dump(p))
	}
	p = s.imports(t, Options{}, kids)
	if got := counts(p); got != [4]Counts{{Updated: 1, Unchanged: 2}, {Updated: 1}, {}, {}} || p.Pupils[1].Action != Return {
		t.Fatalf("back: %+v %s", got, dump(p))
	}
	wantKinds(t, p, nil)
}

func TestJoin(t *testing.T) {
	kids := pupils(t, "D'HAUTEFEUILLE,,Anne-Sophie,1/2/2018,,Classe de M Machin,7,CP", "LEGRAND,ROUX,Maël,1/2/2019,,CLASSE  CE2,8,CE2", noe)
	for name, x := range map[string]struct {
		adult string
		links int
		kinds map[string]int
	}{
		"labels differ":                  {"M.,,A,B,,,,,PETIT,Noé,CLASSE  CE2", 1, nil},
		"apostrophe, hyphen, accents":    {"M.,,A,B,,,,,D HAUTEFEUILLE,ANNE SOPHIE,CP", 1, nil},
		"use name for family name":       {"M.,,A,B,,,,,ROUX,Mael,CE2", 1, nil},
		"both names":                     {"M.,,A,B,,,,ROUX,LEGRAND,Maël,CE2", 1, nil},
		"unknown child":                  {"M.,,A,B,,,,,PETIT,Noémie,CE1 B,,PETIT,Noé,", 1, map[string]int{Unmatched: 1}},
		"unknown child only: no account": {"M.,,A,B,,,,,NOBODY,Noémie,CE1 B", 0, map[string]int{Unmatched: 1}},
		"no child":                       {"M.,,A,B,,,,,,,", 0, map[string]int{NoChild: 1}},
		"same child twice":               {"M.,,A,B,,,,,PETIT,Noé,x,,PETIT,NOE,y", 1, nil},
	} {
		t.Run(name, func(t *testing.T) {
			var s school
			p := s.imports(t, Options{}, kids, parents(t, x.adult))
			if got := counts(p); got[3].Created != x.links || got[1].Created != min(x.links, 1) {
				t.Errorf("%+v\n%s", got, dump(p))
			}
			wantKinds(t, p, x.kinds)
		})
	}
}

func TestHomonym(t *testing.T) {
	kids := pupils(t, "MARTIN,,Léa,16/08/2018,111111112AA,CP A,1,CP,3 rue A,P", "MARTIN,,Léa,17/01/2017,,CE1 B,2,CE1,9 rue B,P")
	adults := parents(t, "MME,,MARTIN,Eva,9 rue B,eva@poste.example,,,MARTIN,Léa,CP A")
	var s school
	p := s.imports(t, Options{}, kids, adults)
	wantKinds(t, p, map[string]int{Homonym: 1})
	if got := counts(p); got != [4]Counts{{Created: 2}, {Created: 1}, {}, {}} {
		t.Fatalf("%+v", got)
	}
	c := p.Cases[0]
	if len(c.Candidates) != 2 || c.File != "responsables.csv" || c.Line != 2 {
		t.Fatalf("%+v", c)
	}
	for i, cand := range c.Candidates {
		s := school{Snapshot: s.Snapshot, next: s.next}
		s.Relatives = append([]RelativeState(nil), s.Relatives...)
		opt := Options{Choices: map[string]Choice{c.ID: {Attach, cand.Key}}}
		p := s.imports(t, opt, kids, adults)
		if len(p.Links) != 1 || p.Settled != 1 || len(p.Cases) != 0 {
			t.Fatalf("candidate %d: %s", i, dump(p))
		}
		// The link tells from now on, with or without the recorded choice.
		if p := Compare([]File{kids, adults}, s.Snapshot, Options{Year: 2026}); !p.Empty() || len(p.Cases) != 0 {
			t.Errorf("asked again: %s", dump(p))
		}
	}
	// A choice made on the dry run of an empty school holds as well; a false one is no choice.
	p = Compare([]File{kids, adults}, Snapshot{}, Options{Year: 2026, Choices: map[string]Choice{c.ID: {Attach, c.Candidates[0].Key}}})
	if len(p.Links) != 1 {
		t.Error(dump(p))
	}
	p = Compare([]File{kids, adults}, Snapshot{}, Options{Year: 2026, Choices: map[string]Choice{c.ID: {Attach, "id:other"}}})
	wantKinds(t, p, map[string]int{Homonym: 1})
	// A birth date in the parents file answers by itself.
	dated := csv(t, "p.csv", "Nom responsable;Prénom responsable;Nom de famille élève;Prénom élève;Date de naissance élève\nMARTIN;Eva;MARTIN;Léa;17/01/2017\n")
	p = Compare([]File{kids, dated}, Snapshot{}, Options{Year: 2026})
	if wantKinds(t, p, nil); len(p.Links) != 1 {
		t.Error(dump(p))
	}
	// Home address suggests, never decides.
	p = Compare([]File{kids, parents(t, "MME,,MARTIN,Eva,9 rue B,,,,MARTIN,Léa,")}, Snapshot{}, Options{Year: 2026})
	if p.Cases[0].Suggested == "" && p.Cases[0].Candidates[0].Hint.Key == "" && len(p.Links) > 0 {
		t.Error(dump(p))
	}
}

func TestHomonymRows(t *testing.T) {
	head := "Nom;Prénom;Classe\n"
	var s school
	p := s.imports(t, Options{}, csv(t, "l.csv", head+"MARTIN;Léa;CP A\nMARTIN;Léa;CE1 B\nPETIT;Noé;CP A\n"))
	if c := p.Summary(say).Pupils; c.Created != 3 {
		t.Fatalf("%+v", c)
	}
	wantKinds(t, p, nil)
	p = s.imports(t, Options{}, csv(t, "l.csv", head+"PETIT;Noé;CE1 B\n"))
	if c := p.Summary(say).Pupils; c != (Counts{Moved: 1}) {
		t.Fatalf("one of that name: moved, got %+v", c)
	}
	p = s.imports(t, Options{}, csv(t, "l.csv", head+"MARTIN;Léa;CM1\n"))
	if c := p.Summary(say).Pupils; c != (Counts{}) {
		t.Fatalf("two of that name: asked, got %+v", c)
	}
	wantKinds(t, p, map[string]int{Homonym: 1})
	file := csv(t, "l.csv", head+"BLANC;Eva;CP A\nBLANC;Eva;CP A\n")
	p = s.imports(t, Options{}, file)
	if c := p.Summary(say).Pupils; c != (Counts{Created: 1}) {
		t.Fatalf("twice in a class: one and a question, got %+v", c)
	}
	wantKinds(t, p, map[string]int{Homonym: 1})
	p = s.imports(t, Options{Choices: map[string]Choice{p.Cases[0].ID: {Do: New}}}, file)
	if c := p.Summary(say).Pupils; c != (Counts{Created: 1, Unchanged: 1}) {
		t.Fatalf("two by choice, got %+v", c)
	}
}

func TestINE(t *testing.T) {
	var s school
	p := s.imports(t, Options{}, pupils(t, lea, strings.Replace(noe, "111111114AA", "111111112AA", 1)))
	if c := p.Summary(say).Pupils; c != (Counts{Created: 2}) || s.Pupils[0].INE+s.Pupils[1].INE != "" {
		t.Errorf("%+v %+v", c, s.Pupils)
	}
	wantKinds(t, p, map[string]int{INEConflict: 1})
	t.Run("of another pupil of the school", func(t *testing.T) {
		var s school
		s.imports(t, Options{}, pupils(t, lea))
		p := s.imports(t, Options{}, pupils(t, strings.Replace(noe, "111111114AA", "111111112AA", 1)))
		if c := p.Summary(say).Pupils; c != (Counts{}) {
			t.Errorf("asked, and nobody leaves: %+v", c)
		}
		wantKinds(t, p, map[string]int{INEConflict: 1})
		p = s.imports(t, Options{}, pupils(t, lea, strings.Replace(noe, "111111114AA", "", 1)), pupils(t, strings.Replace(hugo, "111111113AA", "111111112AA", 1)))
		if c := p.Summary(say).Pupils; c != (Counts{Created: 2, Unchanged: 1}) {
			t.Errorf("a twin keeps her record: %+v", c)
		}
	})
	t.Run("another one for the same pupil", func(t *testing.T) {
		var s school
		s.imports(t, Options{}, pupils(t, lea))
		other := pupils(t, strings.Replace(lea, "111111112AA", "999999999AB", 1))
		p := s.imports(t, Options{}, other)
		if c := p.Summary(say).Pupils; c != (Counts{Unchanged: 1}) {
			t.Errorf("%+v", c)
		}
		wantKinds(t, p, map[string]int{INEConflict: 1})
		p = Compare([]File{other}, s.Snapshot, Options{Year: 2026, Choices: map[string]Choice{p.Cases[0].ID: {Attach, p.Cases[0].Candidates[0].Key}}})
		if c := p.Summary(say).Pupils; c != (Counts{Updated: 1}) {
			t.Errorf("by choice: %+v", c)
		}
	})
}

func TestSimilar(t *testing.T) {
	var s school
	s.imports(t, Options{}, pupils(t, noeBare, zoe))
	after := pupils(t, "PETIT,,Noé Jean,01/02/2017,,CE1 B,2,CE1", zoe)
	p := s.imports(t, Options{}, after)
	if c := p.Summary(say).Pupils; c != (Counts{Unchanged: 1}) {
		t.Errorf("nobody leaves while asked: %+v", c)
	}
	wantKinds(t, p, map[string]int{Similar: 1})
	p = s.imports(t, Options{Choices: map[string]Choice{p.Cases[0].ID: {Attach, p.Cases[0].Candidates[0].Key}}}, after)
	if c := p.Summary(say).Pupils; c != (Counts{Updated: 1, Unchanged: 1}) {
		t.Errorf("%+v", c)
	}
}

func TestSameParent(t *testing.T) {
	kids := pupils(t, lea, noe)
	for name, x := range map[string]struct {
		a, b  string
		want  int
		kinds map[string]int
	}{
		"same e-mail":                   {"MME,,MARTIN,Eva,1 rue A,eva@poste.example,", "MME,,MARTIN,Eva,2 rue B,EVA@poste.example,", 1, nil},
		"same telephone":                {"MME,,MARTIN,Eva,,,0612345678", "MME,,Martin,EVA,,,+33 6 12 34 56 78", 1, nil},
		"same address, in capitals":     {"MME,,MARTIN,Eva,1 rue A,,", "MME,,MARTIN,Eva,1 RUE A,,", 1, nil},
		"use name on one row":           {"MME,MARTIN,ROUX,Eva,,eva@poste.example,", "MME,,MARTIN,Eva,,eva@poste.example,", 1, nil},
		"nothing in common":             {"MME,,MARTIN,Eva,1 rue A,eva@poste.example,", "MME,,MARTIN,Eva,2 rue B,eva2@poste.example,", 2, map[string]int{Duplicate: 1}},
		"two use names":                 {"MME,A,MARTIN,Eva,,eva@poste.example,", "MME,B,MARTIN,Eva,,eva2@poste.example,", 2, nil},
		"two civilities":                {"MME,,MARTIN,Dominique,,eva@poste.example,", "M.,,MARTIN,Dominique,,eva@poste.example,", 2, map[string]int{SharedEmail: 1}},
		"two parents share one address": {"MME,,MARTIN,Eva,1 rue A,famille@poste.example,", "M.,,MARTIN,Luc,1 rue A,famille@poste.example,", 2, map[string]int{SharedEmail: 1}},
		"mistyped address":              {"MME,,MARTIN,Eva,,eva@gmial.com,", "M.,,MARTIN,Luc,,luc@gmail.com,", 2, map[string]int{EmailTypo: 1}},
		"no address":                    {"MME,,MARTIN,Eva,,néant,", "M.,,MARTIN,Luc,,luc@gmail.com,", 2, map[string]int{EmailInvalid: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, order := range [][2]int{{0, 1}, {1, 0}} {
				rows := []string{x.a + ",,MARTIN,Léa,CP A", x.b + ",,PETIT,Noé,CE1 B"}
				var s school
				p := s.imports(t, Options{}, kids, parents(t, rows[order[0]], rows[order[1]]))
				if got := counts(p); got[1] != (Counts{Created: x.want}) || got[3].Created != 2 {
					t.Errorf("%+v %s", got, dump(p))
				}
				wantKinds(t, p, x.kinds)
			}
		})
	}
	t.Run("in two class files", func(t *testing.T) {
		var s school
		p := s.imports(t, Options{}, kids, parents(t, "MME,,MARTIN,Eva,,,,,MARTIN,Léa,CP A,,PETIT,Noé,"), parents(t, "MME,,MARTIN,Eva,,,,,MARTIN,Léa,CP A,,PETIT,Noé,"))
		if got := counts(p); got[1] != (Counts{Created: 1}) || got[3].Created != 2 {
			t.Errorf("%+v %s", got, dump(p))
		}
		wantKinds(t, p, nil)
	})
	t.Run("fixed by choice", func(t *testing.T) {
		var s school
		adults := parents(t, "MME,,MARTIN,Eva,,eva@gmial.com,,,MARTIN,Léa,CP A")
		p := s.imports(t, Options{}, kids, adults)
		if s.Relatives[0].Email != "eva@gmial.com" {
			t.Error("corrected without a choice")
		}
		s.imports(t, Options{Choices: map[string]Choice{p.Cases[0].ID: {Do: Fix}}}, kids, adults)
		if s.Relatives[0].Email != "eva@gmail.com" {
			t.Error(s.Relatives)
		}
	})
}

func TestDuplicateChoice(t *testing.T) {
	kids := pupils(t, lea, noe)
	adults := parents(t, "MME,,MARTIN,Eva,1 rue A,eva@poste.example,,,MARTIN,Léa,", "MME,,MARTIN,Eva,2 rue B,eva2@poste.example,,,PETIT,Noé,")
	var dry school
	c := Compare([]File{kids, adults}, dry.Snapshot, Options{Year: 2026}).Cases[0]
	opt := Options{Choices: map[string]Choice{c.ID: {Attach, c.Candidates[0].Key}}}
	p := dry.imports(t, opt, kids, adults)
	if got := counts(p); got[1] != (Counts{Created: 1}) || got[3].Created != 2 {
		t.Errorf("joined before: %+v %s", got, dump(p))
	}
	var s school
	s.imports(t, Options{}, kids, adults)
	p = s.imports(t, opt, kids, adults)
	if got := counts(p); got[1] != (Counts{Left: 1, Unchanged: 1}) || got[3].Created != 1 {
		t.Errorf("joined after: %+v %s", got, dump(p))
	}
	// A homonym of the directory who is in no file is a doubt too.
	s = school{}
	s.imports(t, Options{}, kids, parents(t, "MME,,MARTIN,Eva,1 rue A,eva@poste.example,,,MARTIN,Léa,"))
	p = s.imports(t, Options{}, kids, parents(t, "MME,,MARTIN,Eva,2 rue B,eva2@poste.example,,,PETIT,Noé,"))
	wantKinds(t, p, map[string]int{Duplicate: 1})
}

func TestStaffParent(t *testing.T) {
	kids := pupils(t, lea)
	adults := parents(t, "MME,,WATTEL,Anne,,anne@poste.example,,,MARTIN,Léa,")
	teachers := staff(t, "MME,,WATTEL,Anne,wattel@ecole.example,Oui,CP A,")
	var s school
	p := s.imports(t, Options{}, kids, adults, teachers)
	if got := counts(p); got[1] != (Counts{Created: 1}) || got[2] != (Counts{Created: 1}) {
		t.Errorf("two persons until somebody says: %+v", got)
	}
	wantKinds(t, p, map[string]int{StaffParent: 1})
	opt := Options{Choices: map[string]Choice{p.Cases[0].ID: {Attach, p.Cases[0].Candidates[0].Key}}}
	p = s.imports(t, opt, kids, adults, teachers)
	if got := counts(p); got[1] != (Counts{Created: 1, Left: 1}) || s.Relatives[1].ID != s.Staff[0].ID || len(s.Relatives[1].Children) != 1 {
		t.Errorf("one person by choice: %+v\n%+v", got, s.Relatives)
	}
	p = s.imports(t, Options{}, kids, adults, teachers)
	if !p.Empty() {
		t.Errorf("without the recorded choice: %s", dump(p))
	}
}

func TestElsewhere(t *testing.T) {
	s := school{Snapshot: Snapshot{Elsewhere: []PersonState{{ID: "x1", Family: "Martin", First: "Léa", Birth: "2018-08-16", INE: "111111112AA"}, {ID: "x2", Family: "Martin", First: "Eva", Email: "eva@poste.example"}}}}
	p := s.imports(t, Options{}, pupils(t, lea), parents(t, "MME,,MARTIN,Eva,,eva@poste.example,,,MARTIN,Léa,"))
	wantKinds(t, p, map[string]int{Elsewhere: 2})
	for _, o := range p.Pupils {
		if !o.Ref.New() || o.Attached {
			t.Error("attached without a choice")
		}
	}
	choices := map[string]Choice{}
	for _, c := range p.Cases {
		choices[c.ID] = Choice{Attach, c.Candidates[0].Key}
	}
	s = school{Snapshot: Snapshot{Elsewhere: s.Elsewhere}}
	p = s.imports(t, Options{Choices: choices}, pupils(t, lea), parents(t, "MME,,MARTIN,Eva,,eva@poste.example,,,MARTIN,Léa,"))
	if s.Pupils[0].ID != "x1" || s.Relatives[0].ID != "x2" || !reflect.DeepEqual(s.Relatives[0].Children, []string{"x1"}) {
		t.Errorf("%+v %+v", s.Pupils, s.Relatives)
	}
}

func TestLinkAbsent(t *testing.T) {
	kids := pupils(t, lea, hugo)
	var s school
	s.imports(t, Options{}, kids, parents(t, "MME,,MARTIN,Eva,,eva@poste.example,,,MARTIN,Léa,,,MARTIN,Hugo,"))
	less := parents(t, "MME,,MARTIN,Eva,,eva@poste.example,,,MARTIN,Léa,")
	p := s.imports(t, Options{}, kids, less)
	wantKinds(t, p, map[string]int{LinkAbsent: 1})
	if len(s.Relatives[0].Children) != 2 {
		t.Error("removed without a choice")
	}
	p = Compare([]File{kids, less}, s.Snapshot, Options{Year: 2026, Choices: map[string]Choice{p.Cases[0].ID: {Do: Remove}}})
	if len(p.Links) != 1 || !p.Links[0].Remove {
		t.Error(dump(p))
	}
}

func TestTeachers(t *testing.T) {
	kids := pupils(t, lea, noe)
	rows := []string{"MME,,WATTEL,Anne,a@ecole.example,Oui,cp  a,", "M.,,CAUDRON,David,d@ecole.example,Non,CP A,CE1 B", "M.,,CAUDRON,David,,Non,CE1 B,"}
	var s school
	p := s.imports(t, Options{}, kids, staff(t, rows...))
	if got := counts(p); got[2] != (Counts{Created: 2}) || len(s.Staff) != 2 {
		t.Fatalf("%+v", got)
	}
	wantKinds(t, p, nil)
	for _, x := range s.Staff {
		if x.Head != (x.Family == "Wattel") || x.Family == "Caudron" && len(x.Classes) != 2 {
			t.Errorf("%+v", x)
		}
	}
	p = s.imports(t, Options{}, staff(t, "MME,,WATTEL,Anne,new@ecole.example,Non,CP A,CE1 B"))
	if got := counts(p); got[2] != (Counts{Moved: 1}) || !s.Staff[1].Head && !s.Staff[0].Head {
		t.Errorf("one more class, still head: %+v", got)
	}
	p = s.imports(t, Options{}, staff(t, "M.,,FLAMENT,Luc,,Non,CM2 de M. Flament,"))
	wantKinds(t, p, map[string]int{UnknownClass: 1})
	p = s.imports(t, Options{Choices: map[string]Choice{p.Cases[0].ID: {Do: New}}}, staff(t, "M.,,FLAMENT,Luc,,Non,CM2 de M. Flament,"))
	if p.Summary(say).Classes != 1 {
		t.Error(dump(p))
	}
	p = Compare([]File{staff(t, "M.,,FLAMENT,Luc,,Non,,")}, s.Snapshot, Options{Year: 2026, WholeSchool: true})
	if got := counts(p); got[2] != (Counts{Left: 1, Unchanged: 1}) {
		t.Errorf("the head stays: %+v", got)
	}
}

func TestClasses(t *testing.T) {
	var s school
	s.imports(t, Options{}, csv(t, "l.csv", "Nom;Prénom;Date de naissance;Classe;Niveau\nA;B;1/2/2018;CP-CE1;CP\nC;D;1/2/2018;CP-CE1;CE1\n"))
	if c := s.Classes; len(c) != 1 || !reflect.DeepEqual(c[0].Levels, []string{"CP", "CE1"}) {
		t.Fatalf("%+v", c)
	}
	p := s.imports(t, Options{}, pupils(t, "A,,B,1/2/2018,,CP-CE1,77,CP", "C,,D,1/2/2018,,CP-CE1,77,CE1"))
	if len(p.Classes) != 1 || p.Classes[0].Action != Update || s.Classes[0].ONDE != "77" {
		t.Fatalf("the ONDE id arrives: %+v", p.Classes)
	}
	p = s.imports(t, Options{}, pupils(t, "A,,B,1/2/2018,,Classe de Zoé,77,CP", "C,,D,1/2/2018,,Classe de Zoé,77,CE1"))
	if c := p.Summary(say); p.Classes[0].Action != Update || c.Pupils.Unchanged != 2 || s.Classes[0].Label != "Classe de Zoé" {
		t.Fatalf("the label changes: %+v", p.Classes)
	}
	p = s.imports(t, Options{}, pupils(t, "A,,B,1/2/2018,,Zoé,1,CP", "C,,D,1/2/2018,,Zoé,2,CE1"))
	if p.Summary(say).Classes != 2 {
		t.Fatalf("one label, two ids: %+v", p.Classes)
	}
	p = s.imports(t, Options{}, pupils(t, "A,,B,1/2/2018,,Zoé,1,CP", "A,,B,1/2/2018,,Zoé,2,CP", "C,,D,1/2/2018,,Zoé,2,CE1"))
	wantKinds(t, p, map[string]int{TwoClasses: 1})
	p = s.imports(t, Options{}, pupils(t, "E,,F,1/2/2018,,,,CP"))
	wantKinds(t, p, map[string]int{NoClass: 1})
}

func TestSchoolYear(t *testing.T) {
	for day, want := range map[string]int{"2026-07-31": 2025, "2026-08-01": 2026, "2027-01-15": 2026} {
		d, _ := time.Parse(time.DateOnly, day)
		if p := Compare(nil, Snapshot{}, Options{Today: d}); p.Year != want {
			t.Errorf("%s: %d", day, p.Year)
		}
	}
}

func TestReport(t *testing.T) {
	var s school
	s.imports(t, Options{}, pupils(t, lea, hugo, noe), parents(t, "MME,,MARTIN,Eva,,,0612345678,,MARTIN,Léa,"))
	p := Compare([]File{pupils(t, strings.Replace(lea, "CP A,1", "CE1 B,2", 1), "MARTIN,,Hugo,17/08/2018,111111113AA,CP A,1,CP", zoe)}, s.Snapshot, Options{Year: 2026})
	var keys []string
	for _, sec := range p.Report() {
		keys = append(keys, fmt.Sprintf("%s %d", sec.Key, len(sec.Rows)))
	}
	want := []string{"pupils.leave 1", "pupils.move 1", "classes.update 1", "pupils.update 1", "pupils.create 1"}
	if !reflect.DeepEqual(keys, want) {
		t.Errorf("%q", keys)
	}
	out := dump(p)
	for _, s := range []string{"1 élève s’en va", "CP A", "CE1 B", "16/08/2018 → 17/08/2018", "Grand Zoé"} {
		if !strings.Contains(out, s) {
			t.Errorf("no %q in\n%s", s, out)
		}
	}
	if strings.Contains(out, "onde.") || strings.Contains(out, "no value") {
		t.Error(out)
	}
}
