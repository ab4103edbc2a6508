package liaison_test

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// run writes by hand, each text with the same arguments.
func run(t *testing.T, a *testapp.App, args []any, texts ...string) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		for _, text := range texts {
			if _, err := tx.Exec(t.Context(), text, args...); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// both sends a word about two children of Nadia.
func both(t *testing.T, a *testapp.App, title string) string {
	t.Helper()
	w, _, _ := strings.Cut(a.As("helene.duvivier").Post("/carnet", "titre", title, "texte", "x", "a", "pupil:"+pupil(t, a, "ines.kermadec"), "a", "pupil:"+pupil(t, a, "yanis.kermadec")).To(), "?")
	return w
}

// Whoever follows a word and has a child in it answers it as a parent, above the
// tracking.
func TestTeacherWithAChildInAWordAnswersIt(t *testing.T) {
	a := testapp.New(t)
	bruno := a.As("antoine.mercier")
	changes(t, a, people.Change{Link: []people.Link{{Relative: bruno.ID, Pupil: pupil(t, a, "ines.kermadec")}}, Enter: []people.Place{{Person: bruno.ID, Class: class(t, a, "CE1 B"), Profile: rights.Teacher}}})
	read, signed := sent(t, a, "À lire", "read"), sent(t, a, "À signer", "sign_both")
	bruno.Get(read).OK().Has(`action="`+read+`/lu"`, `id="suivi"`)
	bruno.Get(bruno.Post(read+"/lu").To()).OK().Has("Vous avez lu ce mot", `id="suivi"`)
	bruno.Get(signed).OK().Has(`name="signe"`, "Antoine Mercier", `id="suivi"`)
	a.As("helene.duvivier").Get(signed).OK().Lacks(`name="signe"`)
}

// A word about two children has a private thread for each.
func TestWordAboutTwoChildrenHasAThreadForEach(t *testing.T) {
	a := testapp.New(t)
	w := strings.TrimPrefix(both(t, a, "La fratrie"), "/carnet/")
	first := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Pour Inès.", "mot", w)
	second := wrote(t, a, "nadia.kermadec", "yanis.kermadec", "Pour Yanis.", "mot", w)
	if again := wrote(t, a, "nadia.kermadec", "yanis.kermadec", "Encore.", "mot", w); first == second || again != second {
		t.Errorf("threads %s, %s and %s", first, second, again)
	}
	a.As("helene.duvivier").Get(second).OK().Has("Yanis Kermadec", "Pour Yanis.").Lacks("Pour Inès.")
}

// What is from one instant is on one page or the next, once.
func TestNoLineIsLostBetweenPages(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	for i := range 24 {
		sent(t, a, fmt.Sprintf("Au même instant %02d.", i), "read")
		wrote(t, a, "nadia.kermadec", "ines.kermadec", fmt.Sprintf("Au même instant %02d.", i))
	}
	line, next := regexp.MustCompile(`Au même instant \d\d\.`), regexp.MustCompile(`href="(/carnet[^"]*avant=[^"]*)"`)
	for _, c := range []struct {
		who  *testapp.Person
		path string
	}{{nadia, "/carnet"}, {helene, "/carnet"}, {nadia, "/carnet/echanges"}, {helene, "/carnet/echanges"}} {
		seen, path := map[string]int{}, c.path
		for range 4 {
			page := c.who.Get(path).OK()
			for _, l := range line.FindAllString(page.Body, -1) {
				seen[l]++
			}
			m := next.FindStringSubmatch(page.Body)
			if m == nil {
				break
			}
			path = strings.ReplaceAll(m[1], "&amp;", "&")
		}
		if len(seen) != 24 {
			t.Errorf("%s sees %d of 24 on %s", c.who.Login, len(seen), c.path)
		}
	}
}

// The words of a school that an author left take no place in their list.
func TestListIsNotCutByASchoolThatWasLeft(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	sent(t, a, "D'ici", "read")
	for range 12 {
		run(t, a, []any{id.New(), helene.ID, a.Core.Clock.Now().UnixMilli() + 1000},
			`INSERT INTO resource (id, school, kind, root, owner, title, created_at, updated_at) SELECT $1, id, 'liaison.word', $1, $2, 'Ailleurs', $3, $3 FROM school WHERE uai <> '0809876A' LIMIT 1`,
			`INSERT INTO word (id, school, author, profile, title, body, audience, published_at, ask) SELECT $1, school, $2, 'teacher', title, '', '', $3, 'read' FROM resource WHERE id = $1`)
	}
	helene.Get("/").OK().Has("D’ici").Lacks("Ailleurs")
}

// However many of the newest words are hidden, the page is as long as another.
func TestListIsNotCutByWhatIsHidden(t *testing.T) {
	a := testapp.New(t)
	nadia, line := a.As("nadia.kermadec"), regexp.MustCompile(`href="/carnet/[0-9a-f-]{36}`)
	for i := range 3 {
		sent(t, a, fmt.Sprintf("Premier %d", i), "read")
	}
	before := len(line.FindAllString(nadia.Get("/carnet").OK().Has("Mots plus anciens").Body, -1))
	newest := `SELECT word FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil WHERE f.relative = $1 ORDER BY wp.published_at DESC, wp.word DESC LIMIT `
	sent(t, a, "Caché", "read")
	run(t, a, []any{nadia.ID}, `UPDATE resource SET trashed_at = 1 WHERE id IN (`+newest+`1)`)
	if got := len(line.FindAllString(nadia.Get("/carnet").OK().Lacks("Caché").Body, -1)); got != before {
		t.Errorf("%d words while the newest is hidden, %d before", got, before)
	}
	for i := range 60 {
		sent(t, a, fmt.Sprintf("Visible %d", i), "read")
	}
	run(t, a, []any{nadia.ID}, `UPDATE resource SET trashed_at = 1 WHERE id IN (`+newest+`50)`)
	if got := len(line.FindAllString(nadia.Get("/carnet").OK().Body, -1)); got != before {
		t.Errorf("%d words while the fifty newest are hidden, %d before", got, before)
	}
}

// A phone shows a word alone: the list that stands beside it on a computer is
// neither read nor sent.
func TestPhoneReadsAWordAlone(t *testing.T) {
	a := testapp.New(t)
	word := sent(t, a, "Piscine", "read")
	for name, agent := range map[string]http.Header{
		"iPhone":  {"User-Agent": {testapp.IPhone}},
		"Android": {"Sec-Ch-Ua-Mobile": {"?1"}},
	} {
		nadia := a.As("nadia.kermadec")
		nadia.Get(word).OK() // opened, which writes
		wide := statements(a, func() { nadia.Get(word).OK().Has("liste-cote", "Piscine") })
		nadia.Header = agent
		phone := statements(a, func() { nadia.Get(word).OK().Has("Piscine", `class="retour"`).Lacks("liste-cote") })
		if phone != wide-1 {
			t.Errorf("%s: %d statements, %d on a computer", name, phone, wide)
		}
		nadia.Get("/carnet").OK().Has(word)
	}
	for name, agent := range map[string]http.Header{
		"iPad":           {"User-Agent": {"Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1 Mobile/15E148 Safari/604.1"}},
		"Android tablet": {"Sec-Ch-Ua-Mobile": {"?0"}, "User-Agent": {"Mozilla/5.0 (Linux; Android 15; Mobile) Firefox/140.0"}},
	} {
		nadia := a.As("nadia.kermadec")
		nadia.Header = agent
		if !strings.Contains(nadia.Get(word).OK().Body, "liste-cote") {
			t.Errorf("%s has no list", name)
		}
	}
}

// A form that is sent several times at once is sent once, and each is answered
// alike.
func TestConcurrentPostsOfOneForm(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	ines, to := pupil(t, a, "ines.kermadec"), "class:"+class(t, a, "CE1 B")
	var all sync.WaitGroup
	for _, c := range []struct {
		who  *testapp.Person
		path string
		form []string
	}{
		{helene, "/carnet", []string{"id", id.New(), "titre", "Une fois", "texte", "x", "a", to}},
		{nadia, "/carnet/ecrire", []string{"id", id.New(), "enfant", ines, "texte", "Une fois."}},
		{nadia, "/carnet/absence", []string{"id", id.New(), "enfant", ines, "du", "2026-11-24", "fin", "apres-midi"}},
	} {
		for range 5 {
			all.Go(func() {
				if to := c.who.Post(c.path, c.form...).To(); !strings.Contains(to, c.form[1]) {
					t.Errorf("%s: sent to %s", c.path, to)
				}
			})
		}
	}
	all.Wait()
	if n := one(t, a, `SELECT (SELECT count(*) FROM word WHERE title = 'Une fois') || ' ' || (SELECT count(*) FROM note_message WHERE body LIKE '%Une fois%') || ' ' || (SELECT count(*) FROM absence WHERE pupil = $1 AND created_at = $2)`, ines, a.Core.Clock.Now().UnixMilli()); n != "1 1 1" {
		t.Errorf("sent %s times", n)
	}
}

// A page that another has overtaken plans no second word.
func TestStalePagePlansNoSecondWord(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	form := func(title, tab string) []string {
		return []string{"titre", title, "texte", "x", "a", "class:" + class(t, a, "CE1 B"), "onglet", tab, "jour", "2026-11-24", "heure", "08:00"}
	}
	draft := []string{"id", id.New()}
	script(t, helene, append(draft, form("Ancien", id.New())...)...)
	script(t, helene, append(draft, append(form("Nouveau", id.New()), "revision", "1")...)...)
	stale := append(draft, form("Ancien", id.New())...)
	helene.Post("/carnet/planifier", stale...).Faulty().Has("Ancien", `name="revision" value="2"`)
	if n := one(t, a, `SELECT count(*) || ' ' || count(send_at) FROM word_draft WHERE author = $1`, helene.ID); n != "1 0" {
		t.Errorf("drafts and planned: %s", n)
	}
	helene.Post("/carnet/planifier", append(stale, "revision", "2")...).To()
}

// Drafts that were dropped take no place; with a hundred that stand, no word is
// used again, and all are shown.
func TestDroppedDraftsTakeNoPlace(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	for i := range 100 {
		run(t, a, []any{id.New(), helene.ID, i}, `INSERT INTO word_draft (id, school, author, title, body, question, choices, due, recipients, files, tab, saved_at, dropped_at)
			SELECT $1, school, $2, 'Vieux', '', '', '', '', '', '', '', $3, 1 FROM membership WHERE person = $2`)
	}
	if k := script(t, helene, "id", id.New(), "onglet", id.New(), "titre", "Neuf"); !strings.Contains(k.Text, "enregistré") {
		t.Errorf("%+v", k)
	}
	run(t, a, nil, `UPDATE word_draft SET dropped_at = NULL`)
	word := sent(t, a, "À reprendre", "read")
	helene.Get(helene.Post(word + "/dupliquer").To()).OK().Has("Vous avez déjà")
	helene.Get("/carnet?vue=brouillons").OK().Has("Neuf")
}

// A pupil of two classes receives a word as one of the class that was chosen; the
// teachers of both follow it.
func TestPupilOfTwoClassesIsOfTheOneChosen(t *testing.T) {
	a := testapp.New(t)
	ines, first, second := pupil(t, a, "ines.kermadec"), class(t, a, "CE1 B"), class(t, a, "CM2")
	changes(t, a, people.Change{Enter: []people.Place{{Person: ines, Class: second, Profile: rights.Pupil}}})
	for _, to := range []string{first, second} {
		w, _, _ := strings.Cut(a.As("helene.duvivier").Post("/carnet", "titre", "Double", "texte", "x", "a", "class:"+to).To(), "?")
		w = strings.TrimPrefix(w, "/carnet/")
		if got := one(t, a, `SELECT class FROM word_pupil WHERE word = $1 AND pupil = $2`, w, ines); got != to {
			t.Errorf("of class %s, not %s", got, to)
		}
		if n := one(t, a, `SELECT count(*) || ' ' || (SELECT count(*) FROM resource_grant WHERE resource = $1 AND principal LIKE 'class:%:teacher') FROM word_class WHERE word = $1`, w); n != "2 2" {
			t.Errorf("classes and their teachers: %s", n)
		}
	}
}

// A pupil who was chosen alone leaves no name in what a word says of those to
// whom it went.
func TestErasedPupilIsNotNamedByAWord(t *testing.T) {
	a := testapp.New(t)
	w := strings.TrimPrefix(both(t, a, "La fratrie"), "/carnet/")
	audience := func() string { return one(t, a, `SELECT audience FROM word WHERE id = $1`, w) }
	if got := audience(); got != "Inès et Yanis" {
		t.Fatal(got)
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return liaison.Erase(t.Context(), tx, a.Core, rights.System("test"), pupil(t, a, "ines.kermadec"))
	}); err != nil {
		t.Fatal(err)
	}
	if got := audience(); got != "Yanis et un ancien élève" {
		t.Error(got)
	}
}

// Absences that are no news cost no writing, and those that are one statement.
func TestAbsencesAreSeenInOneStatement(t *testing.T) {
	a := testapp.New(t)
	morning(a)
	for _, p := range []string{"ines.kermadec", "yanis.kermadec"} {
		announced(t, a, "nadia.kermadec", p, "2026-11-24")
		announced(t, a, "nadia.kermadec", p, "2026-11-26")
	}
	claire := a.As("claire.fontaine")
	for i, want := range []int{1, 0} {
		n := 0
		a.Core.DB.Watch(func(_ context.Context, text string, _ []any) {
			if strings.HasPrefix(text, "UPDATE feed") {
				n++
			}
		})
		claire.Get("/carnet/absences?jour=2026-11-24").OK().Has("Inès", "Yanis")
		a.Core.DB.Watch(nil)
		if n != want {
			t.Errorf("visit %d: %d statements", i+1, n)
		}
	}
}

// A child who has left for another school is in no count of the word that both
// children of a family received.
func TestBarNeverExceedsItsTotal(t *testing.T) {
	a := testapp.New(t)
	w := both(t, a, "La fratrie")
	yanis := pupil(t, a, "yanis.kermadec")
	changes(t, a, people.Change{Leave: []people.Membership{{Person: yanis, Profile: rights.Pupil}}})
	other := one(t, a, `SELECT id FROM school WHERE uai <> '0809876A' ORDER BY id LIMIT 1`)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test").For(other), a.Core.Clock.Now(), people.Change{School: other, Join: []people.Membership{{Person: yanis, School: other, Profile: rights.Pupil}}})
	}); err != nil {
		t.Fatal(err)
	}
	helene := a.As("helene.duvivier")
	helene.Get(w).OK().Has("<b>0/1</b>")
	a.As("nadia.kermadec").Post(w + "/lu").To()
	helene.Get(w).OK().Has("<b>1/1</b>")
}

// A draft keeps what was typed too long, and not without end.
func TestDraftIsBounded(t *testing.T) {
	a := testapp.New(t)
	draft := id.New()
	script(t, a.As("helene.duvivier"), "id", draft, "onglet", id.New(), "titre", strings.Repeat("é", 1000), "texte", strings.Repeat("à", 100_000), "choix", strings.Repeat("x\n", 1000))
	if n := one(t, a, `SELECT length(title) || ' ' || length(body) || ' ' || length(choices) FROM word_draft WHERE id = $1`, draft); n != "450 60000 47" {
		t.Errorf("lengths %s", n)
	}
}

// Of two records' receipts the one that says more stands, with its version.
func TestMergedReceiptKeepsItsVersion(t *testing.T) {
	for _, c := range []struct{ winner, loser, want string }{
		{"1, NULL", "2, 7", "2 7"}, {"2, 7", "1, NULL", "2 7"}, {"2, 7", "1, 5", "2 7"}, {"1, 5", "2, 7", "2 7"}, {"2, NULL", "1, 5", "1 5"},
	} {
		a := testapp.New(t)
		nadia, youssef := a.As("nadia.kermadec"), a.As("youssef.kermadec")
		w := strings.TrimPrefix(sent(t, a, "Règlement", "read"), "/carnet/")
		for who, values := range map[string]string{nadia.ID: c.winner, youssef.ID: c.loser} {
			run(t, a, []any{w, who}, `INSERT INTO receipt (word, person, opened_at, version, read_at) VALUES ($1, $2, 1, `+values+`)`)
		}
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			return liaison.Merge(t.Context(), tx, a.Core, rights.System("test"), nadia.ID, youssef.ID)
		}); err != nil {
			t.Fatal(err)
		}
		if got := one(t, a, `SELECT version || ' ' || read_at FROM receipt WHERE word = $1`, w); got != c.want {
			t.Errorf("%s and %s make %s, not %s", c.winner, c.loser, got, c.want)
		}
	}
}
