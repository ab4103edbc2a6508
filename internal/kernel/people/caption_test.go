package people_test

import (
	"testing"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
)

func TestACaptionTellsOfKinshipOnlyToThoseWhoMayKnow(t *testing.T) {
	words, err := i18n.New(people.Messages())
	if err != nil {
		t.Fatal(err)
	}
	const facts = people.Caption("is relative F\nis teacher F\nin CE1 B\nof k1 Inès\nof k2 Yanis")
	in := func(school string, p rights.Profile) []rights.Membership {
		return []rights.Membership{{School: school, Profile: p}}
	}
	for _, c := range []struct {
		who  string
		v    rights.Viewer
		want string
	}{
		{"a colleague", rights.Viewer{Memberships: in("here", rights.Staff)}, "Enseignante du CE1 B, mère d’Inès et de Yanis"},
		{"another family", rights.Viewer{Memberships: in("here", rights.Relative), Children: []rights.Child{{ID: "k9"}}}, "Enseignante du CE1 B"},
		{"the father of one child", rights.Viewer{Memberships: in("here", rights.Relative), Children: []rights.Child{{ID: "k1"}}}, "Enseignante du CE1 B, mère d’Inès"},
		{"the child", rights.Viewer{Person: "k2", Memberships: in("here", rights.Pupil)}, "Enseignante du CE1 B, mère de Yanis"},
		{"a teacher of elsewhere", rights.Viewer{Memberships: in("there", rights.Teacher)}, "Enseignante du CE1 B"},
	} {
		if got := facts.For(words.T, &c.v, "here"); got != c.want {
			t.Errorf("%s reads %q, not %q", c.who, got, c.want)
		}
	}
	for facts, want := range map[people.Caption]string{
		"is relative M\nof k1 Inès":                 "Parent",
		"is pupil F\nin CM2":                        "Élève du CM2",
		"is head M":                                 "Directeur",
		"is teacher M\nin Les Renards\nin PS":       "Enseignant de la classe des Renards et de la classe PS",
		"is teacher M\nin CP\nin CE1\nin CE2\nin X": "Enseignant",
		"": "",
	} {
		if got := facts.Public(words.T); got != want {
			t.Errorf("%q is said %q, not %q", facts, got, want)
		}
	}
}
