package i18n

import (
	"testing"
	"testing/fstest"
	"time"
)

func TestCatalogue(t *testing.T) {
	c, err := New(fstest.MapFS{"fr.json": {Data: []byte(`{"a":"Il manque : l'adresse !","f":{"one":"{{.n}} famille a lu","other":"{{.n}} familles ont lu"},"g":"Bonjour {{.name}} !","h":"{{.a}} à {{ .b }}","i":"{{if .a}}oui{{else}}non{{end}}"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	for want, got := range map[string]string{
		"Il manque\u00a0: l’adresse\u202f!": c.T("a"),
		"0 famille a lu":                    c.T("f", "n", 0),
		"1 famille a lu":                    c.T("f", "n", 1),
		"24 familles ont lu":                c.T("f", "n", 24),
		"Bonjour Nadia\u202f!":              c.T("g", "name", "Nadia"),
		"3 à <b>":                           c.T("h", "b", "<b>", "a", 3),
		"4 à x":                             c.Render("h", map[string]any{"a": 4, "b": "x"}),
		"oui":                               c.T("i", "a", true),
		"nope":                              c.T("nope"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestFrench(t *testing.T) {
	paris, _ := time.LoadLocation("Europe/Paris")
	now := time.Date(2026, 11, 23, 16, 30, 0, 0, paris)
	for want, got := range map[string]string{
		"mardi\u00a01er\u00a0septembre":         Date(time.Date(2026, 9, 1, 8, 0, 0, 0, paris), now),
		"8\u00a0h\u00a005":                      Hour(time.Date(2026, 9, 1, 8, 5, 0, 0, paris)),
		"aujourd’hui à 8\u00a0h":                Ago(time.Date(2026, 11, 23, 8, 0, 0, 0, paris), now),
		"hier à 23\u00a0h\u00a059":              Ago(time.Date(2026, 11, 22, 23, 59, 0, 0, paris), now),
		"vendredi à 16\u00a0h\u00a005":          Ago(time.Date(2026, 11, 20, 16, 5, 0, 0, paris), now),
		"23\u00a0novembre\u00a02025 à 9\u00a0h": Ago(time.Date(2025, 11, 23, 9, 0, 0, 0, paris), now),
		"d’Inès":                                Of("Inès"),
		"de Yanis":                              Of("Yanis"), "d’Yves": Of("Yves"), "de Malo": Of("Malo"),
		"Inès, Malo et Yanis": List("Inès", "Malo", "Yanis"),
		"180\u00a0Ko":         Size(180_000),
		"2,4\u00a0Mo":         Size(2_380_000),
		"100\u00a0Mo":         Size(100_000_000), "1\u00a0Go": Size(1_020_000_000),
		"anne sophie d hautefeuille lefevre coeur": Fold("Anne-Sophie D’Hautefeuille LEFÈVRE Cœur"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// A class is called what its school likes.
func TestClassesInASentence(t *testing.T) {
	for _, c := range []struct{ label, of, the string }{
		{"CE1 B", "de CE1 B", "CE1 B"},
		{"PS-MS", "de PS-MS", "PS-MS"},
		{"ULIS", "d’ULIS", "ULIS"},
		{"Les Renards", "des Renards", "des Renards"},
		{"les écureuils", "des écureuils", "des écureuils"},
		{"LES HIBOUX", "des HIBOUX", "des HIBOUX"},
		{"Le Petit Bois", "du Petit Bois", "du Petit Bois"},
		{"Le\u00a0Goff", "de Le\u00a0Goff", "Le\u00a0Goff"},
		{"La Forêt", "de la Forêt", "de la Forêt"},
		{"L’Étoile", "de l’Étoile", "de l’Étoile"},
		{"L'Arc-en-ciel", "de l’Arc-en-ciel", "de l’Arc-en-ciel"},
		{"Orion", "d’Orion", "Orion"},
		{"Étoiles", "d’Étoiles", "Étoiles"},
		{"Hirondelles", "d’Hirondelles", "Hirondelles"},
		{"Hérissons", "de Hérissons", "Hérissons"},
		{"Lestrade", "de Lestrade", "Lestrade"},
		{"Lapins", "de Lapins", "Lapins"},
		{"Les", "de Les", "Les"},
	} {
		if got := OfClass(c.label); got != c.of {
			t.Errorf("of %q: %q, want %q", c.label, got, c.of)
		}
		if got := TheClass(c.label); got != c.the {
			t.Errorf("the class %q: %q, want %q", c.label, got, c.the)
		}
	}
}

// An hour is one word, wherever it is typed.
func TestHoursDoNotBreak(t *testing.T) {
	for typed, want := range map[string]string{
		"Départ à 8 h 45, retour à 16 h 05.": "Départ à 8\u00a0h\u00a045, retour à 16\u00a0h\u00a005.",
		"8 h 451, 123 h 45, x8 h 45, 8 h":    "8 h 451, 123 h 45, x8 h 45, 8 h",
		"'... ":                              "’… ",
		" ?":                                 "\u202f?",
		"«  » ":                              "«\u00a0\u00a0» ",
		"":                                   "",
		"8 h 15":                             "8\u00a0h\u00a015",
		"De 8 h 30 : déjà":                   "De 8\u00a0h\u00a030\u00a0: déjà",
		"{{.n}} à 9 h 10":                    "{{.n}} à 9\u00a0h\u00a010",
		"Il faut 3 h 5 fois par an":          "Il faut 3 h 5 fois par an", // no minutes
		"le bus 108 h 45":                    "le bus 108 h 45",
		"8h45":                               "8h45",
	} {
		if got := Spaces(typed); got != want {
			t.Errorf("%q is %q, not %q", typed, got, want)
		}
	}
}
