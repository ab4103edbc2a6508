package search_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// kind is of no service: what is put has no other text than the one given.
const kind rights.Kind = "test.item"

// desk writes items and asks questions in a school of the sample.
type desk struct {
	*testapp.App
	t      *testing.T
	school string
	now    time.Time
}

func open(t *testing.T) *desk {
	a := testapp.New(t)
	return &desk{a, t, a.One(`SELECT id FROM school WHERE uai = '0809876A'`), testapp.Now}
}

// grant is the system's, in the school.
func (d *desk) grant() rights.Grant { return rights.System("test").For(d.school) }

func (d *desk) write(f func(tx *db.Tx) error) {
	d.t.Helper()
	if err := d.Core.DB.Write(d.t.Context(), f); err != nil {
		d.t.Fatal(err)
	}
}

// item publishes something, a minute after the last, for the principals.
func (d *desk) item(title, text string, to ...string) string {
	d.t.Helper()
	d.now = d.now.Add(time.Minute)
	var id string
	d.write(func(tx *db.Tx) error {
		r, err := resource.Create(d.t.Context(), tx, d.grant(), d.now, resource.Row{School: d.school, Kind: kind, Owner: "x", Title: title, Text: text})
		id = r.ID
		if err != nil {
			return err
		}
		return resource.Share(d.t.Context(), tx, r.ID, rights.Read, to...)
	})
	return id
}

// viewer is somebody of the sample, with their schools.
func (d *desk) viewer(login string) *rights.Viewer {
	d.t.Helper()
	v := &rights.Viewer{Person: d.One(`SELECT id FROM person WHERE login = $1`, login), Now: d.now.Add(time.Hour)}
	list, err := db.All[struct{ School, Profile string }](d.t.Context(), d.Core.DB, `SELECT school, profile FROM membership WHERE person = $1`, v.Person)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, m := range list {
		v.Memberships = append(v.Memberships, rights.Membership{School: m.School, Profile: rights.Profile(m.Profile)})
	}
	return v
}

func (d *desk) find(login, words string) []search.Hit {
	d.t.Helper()
	p, err := search.Find(d.t.Context(), d.Core.DB, d.viewer(login), search.Query{Words: words, Kinds: []rights.Kind{kind}, Limit: 50})
	if err != nil {
		d.t.Fatalf("%q: %v", words, err)
	}
	return p.Hits
}

func plain(list []search.Span) string {
	var b strings.Builder
	for _, s := range list {
		if s.Found {
			b.WriteString("[" + s.Text + "]")
		} else {
			b.WriteString(s.Text)
		}
	}
	return b.String()
}

func titles(list []search.Hit) string {
	var out []string
	for _, h := range list {
		out = append(out, strings.NewReplacer("[", "", "]", "").Replace(plain(h.Title)))
	}
	return strings.Join(out, " | ")
}

// The same questions get the same answers, in the same order, on both
// databases: what is expected here was written once.
func TestWhatPeopleType(t *testing.T) {
	d := open(t)
	all := "school:teacher"
	d.item("Sortie en forêt", "Les CE1 partent de l’école à 8 h 30. Prévoir un pique-nique.", all)
	d.item("Réunion", "La sortie en forêt et l'école dehors : on en parle aujourd’hui.", all)
	d.item("Conseil d'école n° 2", "Ordre du jour : les chevaux du manège, 2 œufs et du cœur.", all)
	d.item("Journal de la CE1 B", "Le cheval a mangé. Rendez-vous à la bibliothèque, groupe B, 06 12 34.", all)
	d.item("Chorale", "Sorties du groupe A. ΑΘΗΝΑ, Łódź, ŒUVRE, 10 000 € et 50 %.", all)
	for words, want := range map[string]string{
		"foret ecole":                 "Réunion | Sortie en forêt",
		"FORÊT":                       "Sortie en forêt | Réunion",
		"ecole":                       "Conseil d'école n° 2 | Réunion | Sortie en forêt",
		"l'école":                     "Conseil d'école n° 2 | Réunion | Sortie en forêt",
		"l’école":                     "Conseil d'école n° 2 | Réunion | Sortie en forêt",
		"lecole":                      "Réunion | Sortie en forêt",
		"l' école":                    "Conseil d'école n° 2 | Réunion | Sortie en forêt",
		"aujourd’hui":                 "Réunion",
		"aujourd'hui":                 "Réunion",
		"aujourdhui":                  "Réunion",
		"aujourd":                     "Réunion",
		"sorties":                     "Sortie en forêt | Chorale | Réunion",
		"sortie":                      "Sortie en forêt | Chorale | Réunion",
		"cheval":                      "Journal de la CE1 B | Conseil d'école n° 2",
		"chevaux":                     "Journal de la CE1 B | Conseil d'école n° 2",
		"chev":                        "Journal de la CE1 B | Conseil d'école n° 2",
		"journaux":                    "Journal de la CE1 B",
		"oeuf":                        "Conseil d'école n° 2",
		"œufs":                        "Conseil d'école n° 2",
		"coeur":                       "Conseil d'école n° 2",
		"oeuvre":                      "Chorale",
		"rendez-vous":                 "Journal de la CE1 B",
		"rendez vous":                 "Journal de la CE1 B",
		"rendezvous":                  "Journal de la CE1 B",
		"pique-nique":                 "Sortie en forêt",
		"B":                           "Journal de la CE1 B",
		"groupe b":                    "Journal de la CE1 B",
		"2":                           "Conseil d'école n° 2",
		"n°2":                         "Conseil d'école n° 2",
		"8h30":                        "",
		"8 h 30":                      "Sortie en forêt",
		"06 12":                       "Journal de la CE1 B",
		"10 000 €":                    "Chorale",
		"50%":                         "Chorale",
		"αθηνα":                       "Chorale",
		"la sortie en forêt":          "Sortie en forêt | Réunion",
		"le":                          "Journal de la CE1 B | Conseil d'école n° 2 | Réunion | Sortie en forêt",
		"bibliotheque":                "Journal de la CE1 B",
		"biblio":                      "Journal de la CE1 B",
		"ê":                           "",
		"":                            "",
		"   ":                         "",
		"!?…":                         "",
		"sortie -forêt":               "Sortie en forêt | Réunion",
		`"sortie en forêt"`:           "Sortie en forêt | Réunion",
		"sortie OR forêt":             "",
		"sortie AND forêt":            "",
		"NEAR(sortie forêt)":          "",
		"words:sortie":                "",
		"sortie*":                     "Sortie en forêt | Chorale | Réunion",
		"sortie & forêt | (école)":    "Réunion | Sortie en forêt",
		`sortie:*A\' ''`:              "Chorale | Sortie en forêt",
		"groupe A":                    "Chorale | Journal de la CE1 B",
		"^sortie":                     "Sortie en forêt | Chorale | Réunion",
		strings.Repeat("sortie ", 29): "Sortie en forêt | Chorale | Réunion",
		strings.Repeat("x", 200):      "",
		strings.Repeat("é'", 100):     "",
		"sortie\x00forêt\xff":         "Sortie en forêt | Réunion",
	} {
		if got := titles(d.find("antoine.mercier", words)); got != want {
			t.Errorf("%q\n finds  %s\n not    %s", words, got, want)
		}
	}
}

func TestExcerptsShowWhatWasFound(t *testing.T) {
	d := open(t)
	long := strings.Repeat("Il fait beau et les enfants jouent dans la cour. ", 20)
	d.item("Piscine", long+"Apportez un bonnet et des lunettes pour la piscine.\n\nLe bonnet est obligatoire ; l’école en prête. "+long, "school:teacher")
	for words, want := range map[string][2]string{
		"bonnet":        {"Piscine", "… jouent dans la cour. Apportez un [bonnet] et des lunettes pour la piscine. Le [bonnet] est obligatoire ; l’école en prête. Il fait beau et les enfants jouent dans la cour. Il fait…"},
		"piscine ecole": {"[Piscine]", "… un bonnet et des lunettes pour la [piscine]. Le bonnet est obligatoire ; l’[école] en prête."},
		"lecole":        {"Piscine", "… piscine. Le bonnet est obligatoire ; [l’école] en prête."},
		"PISCINES":      {"[Piscine]", "… un bonnet et des lunettes pour la [piscine]. Le"},
	} {
		list := d.find("antoine.mercier", words)
		if len(list) != 1 {
			t.Fatalf("%q: %d found", words, len(list))
		}
		title, text := plain(list[0].Title), plain(list[0].Excerpt)
		if title != want[0] || !strings.HasPrefix(text, want[1]) {
			t.Errorf("%q: %s\n%s\nnot\n%s", words, title, text, want[1])
		}
		if n := len([]rune(text)); n > 200 {
			t.Errorf("%q: an excerpt of %d characters", words, n)
		}
	}
	d.item("Sans texte", "", "school:teacher")
	if list := d.find("antoine.mercier", "sans texte"); len(list) != 1 || len(list[0].Excerpt) != 0 {
		t.Errorf("%+v", list)
	}
	// Nothing is made of what looks like a page.
	d.item("<b>Gras</b>", "<script>alert('gras')</script>", "school:teacher")
	if got := plain(d.find("antoine.mercier", "gras")[0].Excerpt); got != "<script>alert('[gras]')</script>" {
		t.Errorf("%s", got)
	}
}

func TestPagesFollowEachOther(t *testing.T) {
	d := open(t)
	for n := range 23 {
		title := fmt.Sprintf("Note %d", n)
		if n%3 == 0 {
			title = fmt.Sprintf("Kayak %d", n)
		}
		d.item(title, "Une séance de kayak.", "school:teacher")
		if n%5 == 0 { // born at the same moment
			d.now = d.now.Add(-time.Minute)
		}
	}
	var want []string
	for _, h := range d.find("antoine.mercier", "kayak") {
		want = append(want, h.ID)
	}
	if len(want) != 23 {
		t.Fatalf("%d found", len(want))
	}
	var got []string
	o := search.Query{Words: "kayak", Limit: 4}
	for pages := 0; ; pages++ {
		p, err := search.Find(t.Context(), d.Core.DB, d.viewer("antoine.mercier"), o)
		if err != nil || pages > 6 {
			t.Fatal(pages, err)
		}
		for _, h := range p.Hits {
			got = append(got, h.ID)
		}
		if o.After = p.Next; o.After == "" {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("pages give\n%v\nnot\n%v", got, want)
	}
	// A cursor that nobody gave is the first page.
	for _, after := range []string{"x", "1.2", "1.2.3", "99999999999999999999.1." + want[0], "0.x." + want[0]} {
		p, err := search.Find(t.Context(), d.Core.DB, d.viewer("antoine.mercier"), search.Query{Words: "kayak", Limit: 4, After: after})
		if err != nil || len(p.Hits) != 4 || p.Hits[0].ID != want[0] {
			t.Errorf("after %q: %v, %d hits", after, err, len(p.Hits))
		}
	}
}

func TestOnlyWhatMayBeRead(t *testing.T) {
	d := open(t)
	ines := d.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`)
	word := d.item("Kayak", "Pour Inès.", "family:"+ines)
	if n := len(d.find("nadia.kermadec", "kayak")); n != 1 {
		t.Fatalf("the mother finds %d", n)
	}
	for _, login := range []string{"antoine.mercier", "parent.duport", "directrice.duport", "odile.portail"} {
		if n := len(d.find(login, "kayak")); n != 0 {
			t.Errorf("%s finds %d", login, n)
		}
	}
	if p, err := search.Find(t.Context(), d.Core.DB, nil, search.Query{Words: "kayak"}); err != nil || len(p.Hits) != 0 {
		t.Errorf("a stranger finds %v (%v)", p, err)
	}
	// The family link is lost, then the item goes to the trash.
	nadia := d.One(`SELECT id FROM person WHERE login = 'nadia.kermadec'`)
	d.write(func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, d.grant(), d.now, people.Change{School: d.school, Unlink: []people.Link{{Relative: nadia, Pupil: ines}}})
	})
	if n := len(d.find("nadia.kermadec", "kayak")); n != 0 {
		t.Errorf("a mother who lost her link finds %d", n)
	}
	other := d.item("Kayak", "Pour l'équipe.", "school:teacher")
	d.write(func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE resource SET trashed_at = 1 WHERE id = $1`, other)
		return err
	})
	if n := len(d.find("antoine.mercier", "kayak")); n != 0 {
		t.Errorf("what is in the trash is found: %d", n)
	}
	d.write(func(tx *db.Tx) error { return search.Remove(t.Context(), tx, d.grant(), word) })
	if n := d.One(`SELECT text FROM search_entry WHERE id = $1`, word); n != "" {
		t.Errorf("%q is left of what was removed", n)
	}
	d.write(func(tx *db.Tx) error {
		if err := search.Put(t.Context(), tx, rights.Grant{}, word, "x", "y"); err == nil {
			t.Error("written without a grant")
		}
		if err := search.Remove(t.Context(), tx, rights.Grant{}, word); err == nil {
			t.Error("removed without a grant")
		}
		return nil
	})
}

// What is written, changed and left undone is found, or not, accordingly.
func TestTheIndexFollows(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	id := d.item("Kayak", "Lundi.", "school:teacher")
	d.write(func(tx *db.Tx) error { return search.Put(ctx, tx, d.grant(), id, "Canoë", "Mardi.") })
	if len(d.find("antoine.mercier", "kayak"))+len(d.find("antoine.mercier", "lundi")) != 0 || len(d.find("antoine.mercier", "mardi")) != 1 {
		t.Error("a change is not followed")
	}
	// The title of a hit is the item's own.
	_ = d.Core.DB.Write(ctx, func(tx *db.Tx) error {
		if err := search.Put(ctx, tx, d.grant(), id, "Canoë", "Mercredi."); err != nil {
			t.Error(err)
		}
		return context.Canceled
	})
	if len(d.find("antoine.mercier", "mercredi")) != 0 {
		t.Error("what was not committed is found")
	}
}

func TestTheIndexIsMadeAgain(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	check := func(repair bool, want int) {
		t.Helper()
		n, err := search.Check(ctx, d.Core.DB, d.Core.Texts, repair)
		if err != nil || n != want {
			t.Errorf("%d differ, not %d (%v)", n, want, err)
		}
	}
	find := func(words string) int {
		t.Helper()
		p, err := search.Find(ctx, d.Core.DB, d.viewer("helene.duvivier"), search.Query{Words: words, Limit: 50})
		if err != nil {
			t.Fatal(err)
		}
		return len(p.Hits)
	}
	check(false, 0)
	before := find("pique-nique")
	if before == 0 {
		t.Fatal("the sample has no picnic")
	}
	// An upgrade, or a restore: nothing is in the index, and the start fills it.
	d.write(func(tx *db.Tx) error { _, err := tx.Exec(ctx, `DELETE FROM search_entry`); return err })
	if find("pique-nique") != 0 {
		t.Fatal("the index is not empty")
	}
	d.write(func(tx *db.Tx) error { return d.Core.Jobs.Add(ctx, tx, search.Fill{}) })
	d.Drain()
	if got := find("pique-nique"); got != before {
		t.Errorf("%d found of %d", got, before)
	}
	check(false, 0)
	if d.Core.DB.Dialect() == db.SQLite { // the index alone is damaged
		d.write(func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO search_index (search_index) VALUES ('delete-all')`)
			return err
		})
		if _, err := search.Check(ctx, d.Core.DB, d.Core.Texts, false); err == nil || find("pique-nique") != 0 {
			t.Errorf("a damaged index passes: %v", err)
		}
		check(true, 0)
		if got := find("pique-nique"); got != before {
			t.Errorf("%d found of %d", got, before)
		}
	}
	// Somebody wrote by hand, something was thrown away, something lost.
	list, err := db.All[string](ctx, d.Core.DB, `SELECT id FROM search_entry ORDER BY id LIMIT 3`)
	if err != nil {
		t.Fatal(err)
	}
	d.write(func(tx *db.Tx) error {
		for i, text := range []string{`UPDATE search_entry SET words = 'x' WHERE id = $1`, `DELETE FROM search_entry WHERE id = $1`, `UPDATE resource SET trashed_at = 1 WHERE id = $1`} {
			if _, err := tx.Exec(ctx, text, list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	check(false, 3)
	check(true, 3)
	check(false, 0)
}

func TestFillingGoesOnInBatches(t *testing.T) {
	d := open(t)
	ctx := t.Context()
	for n := range 450 {
		d.item(fmt.Sprintf("Kayak %d", n), "", "school:teacher")
	}
	d.write(func(tx *db.Tx) error { _, err := tx.Exec(ctx, `DELETE FROM search_entry`); return err })
	d.write(func(tx *db.Tx) error { return d.Core.Jobs.Add(ctx, tx, search.Fill{}) })
	d.Drain()
	if n, err := search.Check(ctx, d.Core.DB, d.Core.Texts, false); err != nil || n != 0 {
		t.Errorf("%d are left (%v)", n, err)
	}
}

func TestOneStatement(t *testing.T) {
	d := open(t)
	for n := range 30 {
		d.item(fmt.Sprintf("Kayak %d", n), "Une séance.", "school:teacher")
	}
	v := d.viewer("antoine.mercier")
	var mu sync.Mutex
	for words, want := range map[string]int{"kayak": 1, "zzzz": 1, "": 0, "kayak séance": 1} {
		count := 0
		d.Core.DB.Watch(func(context.Context, string, []any) { mu.Lock(); count++; mu.Unlock() })
		if _, err := search.Find(t.Context(), d.Core.DB, v, search.Query{Words: words, Limit: 20}); err != nil {
			t.Fatal(err)
		}
		d.Core.DB.Watch(nil)
		if count != want {
			t.Errorf("%q: %d statements, not %d", words, count, want)
		}
	}
}
