package onde

import "testing"

// TestAgain holds what TestFew found by drawing: schools of homonyms where the
// second import of the same files once wrote something. Each is shrunk to what
// made it fail; imports compares twice.
func TestAgain(t *testing.T) {
	const (
		pupils  = "Nom;Nom d'usage;Prénom;Classe;Date de naissance;INE\n"
		some    = "Nom;Nom d'usage;Prénom;Classe;Date de naissance\n" // not the whole class
		parents = "Civilité;Nom responsable;Nom d'usage responsable;Prénom responsable;Téléphone portable;Courriel;Nom de famille enfant;Prénom enfant;Nom de famille enfant;Prénom enfant\n"
	)
	for name, x := range map[string]struct {
		before, after [2]string // pupils and parents
		check         func(*testing.T, school)
	}{
		// A use name and a child who may be another are no reason to rename
		// somebody: the adult renamed would then be taken for a third one.
		"a use name alone renames nobody": {
			before: [2]string{pupils + "A;;Léa;CP;1/2/2018;\n", "M.;A;;Luc;0612345678;;A;Léa;;\n"},
			after:  [2]string{pupils + "A;;Léa;CP;1/2/2018;\nA;;Léa;CP;3/2/2018;\n", "M.;B;;Luc;0612345678;;A;Léa;;\nM.;B;A;Luc;;;A;Léa;;\n"},
			check: func(t *testing.T, s school) {
				if r := s.Relatives[0]; r.Family != "A" || r.Use != "" {
					t.Errorf("renamed: %+v", r)
				}
			},
		},
		// Having nothing is less in common than perhaps having a child.
		"a record without anything comes last": {
			before: [2]string{pupils + "A;;Léa;CP;1/2/2018;\nA;;Noé;CP;1/2/2018;111111112AA\nA;;Noé;CP;1/2/2018;111111113AA\n", "MME;A;;Eva;;;A;Léa;;\n"},
			after:  [2]string{some + "A;;Léa;CP;3/2/2018\n", "MME;A;;Eva;;;A;Léa;A;Léa\nMME;A;;Eva;;;A;Noé;A;Noé\n"},
		},
		// Who waits, having no child here, does not push out who has one.
		"an adult who waits takes no record": {
			before: [2]string{pupils + "A;;Léa;CP;1/2/2018;\n", "MME;A;;Luc;0612345678;a@b.fr;A;Léa;;\n"},
			after:  [2]string{some, "MME;B;A;Luc;;;A;Léa;;\nMME;B;;Luc;0612345678;a@b.fr;A;Noé;;\n"},
		},
		// An INE set aside no longer tells one row from another.
		"two INE of others on one pupil": {
			before: [2]string{pupils + "A;;Noé;CP;3/2/2018;111111112AA\nA;;Noé;CP;1/2/2018;111111113AA\n"},
			after:  [2]string{pupils + "A;;Noé;CP;3/2/2018;\nB;;Léa;CP;3/2/2018;111111113AA\nB;;Léa;CP;3/2/2018;111111112AA\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s school
			s.imports(t, Options{}, csv(t, "eleves.csv", x.before[0]), csv(t, "parents.csv", parents+x.before[1]))
			s.imports(t, Options{}, csv(t, "eleves.csv", x.after[0]), csv(t, "parents.csv", parents+x.after[1]))
			if x.check != nil {
				x.check(t, s)
			}
		})
	}
}

// The names decide before who is in the school: somebody who comes back with an
// import would otherwise be taken for another at the next.
func TestWhoComesBackIsNobodyElse(t *testing.T) {
	s := school{Snapshot: Snapshot{School: true, Pupils: []PupilState{
		{ID: "0001", Family: "A", Use: "B", First: "Léa", Birth: "2018-02-01", Left: true},
		{ID: "0002", Family: "A", First: "Léa", Birth: "2018-02-01", INE: "111111113AA"},
	}}}
	s.imports(t, Options{WholeSchool: true}, pupils(t, "A,,Léa,1/2/2018,111111112AA,CE1,,CE1", "B,,Léa,1/2/2018,,CP,,CP"))
}

// Of two records of one name, the one that an import left as the file says is
// the one the file means.
func TestTwoRecordsOfOneNameStayApart(t *testing.T) {
	s := school{Snapshot: Snapshot{School: true, Pupils: []PupilState{
		{ID: "0001", Family: "A", Use: "B", First: "Lea", Birth: "2018-02-01", Left: true},
		{ID: "0002", Family: "A", Use: "B", First: "Léa", Birth: "2018-02-01", INE: "111111113AA"},
	}}}
	s.imports(t, Options{}, pupils(t, "A,,Léa,1/2/2018,,CE1,,CE1", "B,,Léa,1/2/2018,,CP,,CP"))
}
