package sheet

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/i18n"
	"marelle/internal/testkit/paper"
)

var printed = time.Date(2026, 11, 23, 16, 30, 0, 0, time.UTC)

func french(t testing.TB) T {
	c, err := i18n.New(Messages)
	if err != nil {
		t.Fatal(err)
	}
	return func(key string, pairs ...any) string {
		if !c.Has(key) {
			t.Errorf("no sentence for %s", key)
		}
		return c.T(key, pairs...)
	}
}

func person(name, login, code string) Person {
	p := Person{Name: name, Login: login, Code: code}
	if code != "" {
		p.URL = "https://marronniers.exemple.fr/activation#" + strings.ReplaceAll(code, "-", "")
	}
	return p
}

func sample() []Sheet {
	base := Sheet{School: "École élémentaire Les Marronniers, Berck", Class: "CE1 B", Address: "https://marronniers.exemple.fr", Printed: printed}
	one, none, five, child, long := base, base, base, base, base
	a := person("Nadia Benhamou", "nadia.benhamou", "K7M4-RPXW-D42")
	one.Adult, one.Children = &a, []Person{person("Assia Benhamou", "assia.benhamou", "BX4T-9KLM-7QA"), person("Malo Œuvrard", "malo.oeuvrard", "")}
	b := person("Jean-René Lefèvre", "jean-rene.lefevre", "R2VQ-6HNA-9TT")
	none.Adult = &b
	c := person("Élodie Wacquez", "elodie.wacquez", "H5YK-3GFX-2BC")
	five.Adult = &c
	for i := range 5 {
		five.Children = append(five.Children, person(fmt.Sprintf("Enfant Numéro-%d Wacquez", i+1), fmt.Sprintf("enfant%d.wacquez", i+1), fmt.Sprintf("%d5YK-3GFX-2BC", i+2)))
	}
	child.Children = []Person{person("Gabin Delattre", "gabin.delattre", "T8WD-2PZC-4MN")}
	name := "Marie-Antoinette Joséphine de la Rochefoucauld-Montmorency d’Hautefeuille Lefèvre"
	d := person(name, strings.Repeat("marie-antoinette.", 4)+"rochefouca", "W3RT-8KPL-5XZ")
	long.Adult = &d
	long.School = strings.Repeat("École primaire publique intercommunale ", 3)
	long.Children = []Person{person(name, strings.Repeat("a", 78), "Y4NB-7QWE-6ST")}
	return []Sheet{one, none, five, child, long}
}

func slips() []Slip {
	var out []Slip
	for _, s := range sample() {
		if s.Adult != nil {
			out = append(out, Slip{School: s.School, Class: s.Class, Address: s.Address, Person: *s.Adult})
		}
		for _, c := range s.Children {
			out = append(out, Slip{School: s.School, Class: s.Class, Address: s.Address, Child: true, Person: c})
		}
	}
	return out
}

// read is what a PDF says, and the number of its pages.
func read(t *testing.T, pdf []byte) (text string, codes []string, pages int) {
	t.Helper()
	s := paper.Read(t, pdf)
	return s.Text, s.Codes, len(s.Pictures)
}

func flat(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(s)), " ")
}

func check(t *testing.T, text string, codes []string, people []Person) {
	t.Helper()
	text = flat(text)
	solid := strings.ReplaceAll(text, " ", "")
	var want []string
	for _, o := range people {
		if !strings.Contains(solid, strings.ReplaceAll(o.Code, " ", "")) {
			t.Errorf("code %s is missing", o.Code)
		}
		if len(o.Name) < 40 && !strings.Contains(text, o.Name) {
			t.Errorf("name %s is missing", o.Name)
		}
		if len(o.Login) < 40 && !strings.Contains(text, o.Login) {
			t.Errorf("sign-in name %s is missing", o.Login)
		}
		if o.URL != "" {
			want = append(want, o.URL)
		}
	}
	for _, w := range want {
		if !slices.Contains(codes, w) {
			t.Errorf("no QR code reads %s", w)
		}
	}
	if len(codes) != len(want) {
		t.Errorf("%d QR codes read, want %d", len(codes), len(want))
	}
}

func TestPDF(t *testing.T) {
	var b, again bytes.Buffer
	if err := PDF(&b, french(t), sample()); err != nil {
		t.Fatal(err)
	}
	text, codes, pages := read(t, b.Bytes())
	var people []Person
	for _, s := range slips() {
		people = append(people, s.Person)
	}
	check(t, text, codes, people)
	if pages != 5 {
		t.Errorf("%d pages for 5 sheets", pages)
	}
	for _, want := range []string{"Ne donnez ce code à personne.", "Cinq étapes et vous y êtes.", "Pour votre enfant", "Pour vos enfants", "École élémentaire Les Marronniers", "marronniers.exemple.fr", "23 novembre 2026", "Fiche perdue ou code refusé ?", "compte déjà activé"} {
		if !strings.Contains(flat(text), want) {
			t.Errorf("%q is missing", want)
		}
	}
	if strings.Contains(text, "#") {
		t.Error("a link with its secret is printed in words")
	}
	if err := PDF(&again, french(t), sample()); err != nil || !bytes.Equal(b.Bytes(), again.Bytes()) {
		t.Error("the same sheets give other bytes", err)
	}
}

func TestManyChildren(t *testing.T) {
	s := sample()[0]
	s.Children = nil
	for i := range 13 {
		s.Children = append(s.Children, person(fmt.Sprintf("Enfant %c", 'A'+i), fmt.Sprintf("enfant.%c", 'a'+i), fmt.Sprintf("%c5YK-3GFX-2BC", "23456789ABCDE"[i])))
	}
	var b bytes.Buffer
	if err := PDF(&b, french(t), []Sheet{s}); err != nil {
		t.Fatal(err)
	}
	text, codes, pages := read(t, b.Bytes())
	check(t, text, codes, append(s.Children, *s.Adult))
	if pages < 2 || pages > 3 || !strings.Contains(flat(text), "Nadia Benhamou (suite)") {
		t.Errorf("%d pages", pages)
	}
}

func TestSlips(t *testing.T) {
	var b bytes.Buffer
	all := slips()
	if err := Slips(&b, french(t), printed, all); err != nil {
		t.Fatal(err)
	}
	text, codes, pages := read(t, b.Bytes())
	var people []Person
	for _, s := range all {
		people = append(people, s.Person)
	}
	check(t, text, codes, people)
	if want := (len(all) + 7) / 8; pages != want {
		t.Errorf("%d pages for %d slips, want %d", pages, len(all), want)
	}
}

func TestOddTexts(t *testing.T) {
	p := person("😀 \x00\t\u202eناصر \xff", "", "")
	s := Sheet{Adult: &p, Children: []Person{{}, p}}
	for range 2 {
		if err := PDF(&bytes.Buffer{}, french(t), []Sheet{s, {}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := PDF(&bytes.Buffer{}, french(t), nil); err != nil {
		t.Error(err)
	}
	if err := Slips(&bytes.Buffer{}, french(t), printed, []Slip{{Person: p}, {}}); err != nil {
		t.Error(err)
	}
}

func TestFourHundredSheets(t *testing.T) {
	var many []Sheet
	for i := range 400 {
		many = append(many, sample()[i%3])
	}
	var b bytes.Buffer
	start := time.Now()
	if err := PDF(&b, french(t), many); err != nil {
		t.Fatal(err)
	}
	t.Logf("400 sheets: %v, %d kB", time.Since(start), b.Len()/1000)
	if d := time.Since(start); d > 20*time.Second { // 3 s on a quiet machine: see the benchmark
		t.Errorf("400 sheets take %v", d)
	}
}

func TestCSV(t *testing.T) {
	all := append(slips(), Slip{Class: "=1+1", Person: Person{Name: "@SUM(A1)", Login: "-x", Code: "+1", Role: "\tRôle; \"cité\"\n"}})
	var b bytes.Buffer
	if err := CSV(&b, french(t), all); err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(b.Bytes(), []byte("\ufeffClasse;Nom;Profil;Identifiant;Code;Adresse\r\n")) {
		t.Errorf("%.60q", b.String())
	}
	r := csv.NewReader(strings.NewReader(strings.TrimPrefix(b.String(), "\ufeff")))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != len(all)+1 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	if got := strings.Join(rows[1], "|"); got != "CE1 B|Nadia Benhamou|Responsable|nadia.benhamou|K7M4-RPXW-D42|https://marronniers.exemple.fr" {
		t.Error(got)
	}
	for _, row := range rows {
		for _, cell := range row {
			if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
				t.Errorf("%q is a formula", cell)
			}
		}
	}
}

func BenchmarkPDF400(b *testing.B) {
	var many []Sheet
	for i := range 400 {
		many = append(many, sample()[i%3])
	}
	t := french(b)
	for b.Loop() {
		PDF(&bytes.Buffer{}, t, many)
	}
}
