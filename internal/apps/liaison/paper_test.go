package liaison_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/paper"
	"marelle/internal/testkit/testapp"
)

// square is what the square of a slip says, as the server seals it.
func square(a *testapp.App, word, pupil, version string) string {
	w, p := uuid.MustParse(strings.TrimPrefix(word, "/carnet/")), uuid.MustParse(pupil)
	return base64.RawURLEncoding.EncodeToString(a.Core.Keys.Seal("liaison slip", append(append(w[:], p[:]...), version...), nil))
}

func pupil(t *testing.T, a *testapp.App, login string) string {
	t.Helper()
	p := one(t, a, `SELECT id FROM person WHERE login = $1`, login)
	if p == "" {
		t.Fatalf("no %s", login)
	}
	return p
}

func TestPaperReturnIsNotedAsPaper(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w := sent(t, a, "Forêt", "yesno", "question", "Votre enfant vient-il en forêt ?")
	// There is another in the school.
	capucine := one(t, a, `SELECT p.id FROM word_pupil wp JOIN person p ON p.id = wp.pupil WHERE wp.word = $1 AND p.first = 'Capucine' AND p.last = 'Ziane'`, strings.TrimPrefix(w, "/carnet/"))
	helene.Get(w+"/talons").OK().Has("Capucine Ziane", "Oui\u00a0: le talon de Capucine Ziane")
	helene.Post(w+"/talons", "eleve", capucine, "reponse", "").Faulty().Has("Choisissez une réponse", "Capucine Ziane")
	to := helene.Post(w+"/talons", "eleve", capucine, "reponse", "1").To()
	helene.Get(to).OK().Has("Capucine Ziane\u00a0: reçu", w+"/talons/annuler")
	helene.Get(w).OK().Has("<b>1/27</b>", "Sur papier\u00a0: «\u00a0Oui\u00a0», noté par Hélène Duvivier aujourd’hui")
	helene.Get(w+"/suivi?filtre=repondus").OK().Has("Capucine Ziane", "Oui\u00a0: 1", "Sur papier").Lacks("a lu ")
	rows := cells(t, helene.Get(w+"/suivi.csv?filtre=repondus").OK().Body)
	if len(rows) < 3 || rows[1][3] != "(sur papier, noté par Hélène Duvivier)" || rows[1][8] != "Oui" {
		t.Errorf("the spreadsheet says %q", rows)
	}
	// It is nobody's click: no relative has read or answered.
	if n := one(t, a, `SELECT (SELECT count(*) FROM receipt WHERE word = $1) + (SELECT count(*) FROM reply WHERE word = $1) || ''`, strings.TrimPrefix(w, "/carnet/")); n != "0" {
		t.Errorf("%s rows in the name of relatives", n)
	}
	// A family on paper is not reminded.
	helene.Post(w + "/relance").To()
	if n := one(t, a, `SELECT count(*) || '' FROM reminder rm JOIN family_link f ON f.relative = rm.person WHERE rm.word = $1 AND f.pupil = $2`, strings.TrimPrefix(w, "/carnet/"), capucine); n != "0" {
		t.Error("reminded of what it sent back")
	}
	// Noted twice, it counts once, and there is nothing to take back; another answer
	// takes the place of the first, which can come back.
	helene.Get(helene.Post(w+"/talons", "eleve", capucine, "reponse", "1").To()).OK().Has("Capucine Ziane\u00a0: déjà reçu").Lacks(`class="toast" action="`, `name="avant"`)
	change := func() *testapp.Page {
		return helene.Get(helene.Post(w+"/talons", "eleve", capucine, "reponse", "2").To()).OK()
	}
	change().Has("Capucine Ziane\u00a0: la réponse devient «\u00a0Non\u00a0»", `name="avant" value="1"`)
	helene.Post(w+"/talons/annuler", "eleve", capucine, "avant", "1").To()
	helene.Get(w).OK().Has("<b>1/27</b>", "«\u00a0Oui\u00a0», noté par Hélène Duvivier")
	helene.Post(w+"/talons/annuler", "eleve", capucine, "avant", "1").To() // nothing came before
	helene.Get(w).OK().Has("<b>1/27</b>", "«\u00a0Oui\u00a0»")
	change()
	helene.Get(w).OK().Has("<b>1/27</b>", "«\u00a0Non\u00a0», noté par Hélène Duvivier").Lacks("«\u00a0Oui\u00a0»")
	// A parent who answers otherwise stands beside the slip.
	ines := pupil(t, a, "ines.kermadec")
	helene.Post(w+"/talons", "eleve", ines, "reponse", "1").To()
	nadia.Get(w).OK().Has("J’ai lu et je réponds").Lacks("Sur papier", "noté par")
	nadia.Post(w+"/reponse", "reponse", "2").To()
	helene.Get(w+"/suivi?filtre=differentes").OK().Has("Inès Kermadec", "Réponses différentes\u00a0: 1")
	// A parent's undo leaves what came on paper, and the other way round.
	nadia.Post(w + "/annuler").To()
	helene.Get(w).OK().Has("<b>2/27</b>")
	nadia.Post(w+"/reponse", "reponse", "2").To()
	helene.Post(w+"/talons/annuler", "eleve", ines).To()
	helene.Get(w).OK().Has("<b>2/27</b>", "Nadia Kermadec\u00a0: Non").Lacks("Réponses différentes")
	a.Core.Clock.Advance(time.Hour)
	helene.Post(w+"/talons/annuler", "eleve", capucine).To()
	helene.Get(w).OK().Has("<b>1/27</b>").Lacks("Sur papier")
	helene.Post(w+"/talons/annuler", "eleve", capucine).To()
	helene.Get("/carnet").OK().Has("1/27")
	// Nobody else notes for the families.
	for _, p := range []string{"/talons", "/talons/annuler"} {
		nadia.Post(w+p, "eleve", ines, "reponse", "1").Denied()
		a.As("ines.kermadec").Post(w+p, "eleve", ines, "reponse", "1").Denied()
		for _, who := range []string{"antoine.mercier", "maitre.duport", elsewhere(t, a, "CE1 B")} {
			a.As(who).Post(w+p, "eleve", ines, "reponse", "1").NotFound()
		}
	}
	helene.Post(w+"/talons", "eleve", pupil(t, a, "yanis.kermadec"), "reponse", "1").Faulty().Has("n’est plus parmi les destinataires")
}

// A slip may be noted some days after it came back, within the life of its word.
func TestSlipIsNotedLate(t *testing.T) {
	a := testapp.New(t)
	helene, ines := a.As("helene.duvivier"), pupil(t, a, "ines.kermadec")
	w := sent(t, a, "Forêt", "read")
	a.Core.Clock.Advance(72 * time.Hour)
	helene.Get(w+"/talons").OK().Has(`name="jour" value="2026-11-26"`, `min="2026-11-23"`, `max="2026-11-26"`)
	helene.Get(w+"/talons?jour=2026-11-24").OK().Has(`name="jour" value="2026-11-24"`, `data-day="2026-11-24"`)
	for _, day := range []string{"2026-11-22", "2026-11-27", "hier"} {
		helene.Post(w+"/talons", "eleve", ines, "jour", day).Faulty().Has("Choisissez un jour entre")
	}
	helene.Get(helene.Post(w+"/talons", "eleve", ines, "jour", "2026-11-24").To()).OK().Has("mardi", `name="jour" value="2026-11-24"`)
	helene.Get(w).OK().Has("<b>1/27</b>", "noté par Hélène Duvivier mardi")
	helene.Post(w+"/talons/annuler", "eleve", ines).To()
	helene.Get(w).OK().Has("<b>0/27</b>")
	helene.Post(w+"/talons", "eleve", ines, "jour", "2026-11-23").To()
	if n := one(t, a, `SELECT CASE WHEN pa.noted_at >= w.published_at THEN 'in' ELSE 'before' END FROM word_paper pa JOIN word w ON w.id = pa.word WHERE w.id = $1`, strings.TrimPrefix(w, "/carnet/")); n != "in" {
		t.Error("it came back before it was sent")
	}
}

func TestPaperSignatureCountsForTheFamily(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Assurance", "sign_both")
	ines := pupil(t, a, "ines.kermadec")
	helene.Get(w + "/talons").OK().Has("Reçu signé")
	helene.Post(w+"/talons", "eleve", ines).To()
	helene.Get(w).OK().Has("<b>1/27</b>", "Sur papier, noté par Hélène Duvivier")
	text := sent(t, a, "Repas", "text", "question", "Un régime ?")
	helene.Post(text+"/talons", "eleve", ines, "reponse", strings.Repeat("é", 2001)).Faulty().Has("trop longue", "ééé")
	helene.Post(text+"/talons", "eleve", ines, "reponse", "<i>sans porc</i>").To()
	helene.Get(text).OK().Has("&lt;i&gt;sans porc&lt;/i&gt;")
}

// The square of a slip is read by the page, or by the telephone itself.
func TestSquareOfASlipSaysWhoseItIs(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	w, other := sent(t, a, "Celui-ci", "read"), sent(t, a, "Celui-là", "choice", "question", "Quel jour ?", "choix", "lundi\nmardi")
	ines := pupil(t, a, "ines.kermadec")
	camera := a.As("helene.duvivier")
	camera.Header = http.Header{"Accept": {"application/json"}}
	read := func(path, token string, more ...string) (state, said string) {
		t.Helper()
		form := "talon=" + token
		if len(more) > 0 {
			form += "&reponse=" + more[0]
		}
		page := camera.Do(http.MethodPost, path+"/talons", "application/x-www-form-urlencoded", strings.NewReader(form))
		var out struct{ State, Said string }
		if err := json.Unmarshal([]byte(page.Body), &out); err != nil {
			t.Fatalf("%d %s: %v", page.Status, page.Body, err)
		}
		return out.State, out.Said
	}
	for _, c := range []struct {
		path, token, answer string
		state, said         string
	}{
		{w, square(a, w, ines, "1"), "", "received", "Inès Kermadec\u00a0: reçu"},
		{w, square(a, w, ines, "1"), "", "received", "Inès Kermadec\u00a0: déjà reçu"},
		{other, square(a, other, ines, "1"), "1", "received", "Inès Kermadec\u00a0: reçu"},
		{other, square(a, other, ines, "1"), "2", "received", "Inès Kermadec\u00a0: la réponse devient «\u00a0mardi\u00a0»"},
		{other, square(a, w, ines, "1"), "", "refused", "Ce talon est celui d’un autre mot."},
		{other, square(a, other, ines, "1"), "", "choice", "Inès Kermadec\u00a0: que dit le talon\u202f?"},
		{other, square(a, other, ines, "1"), "7", "refused", "Choisissez une réponse."},
		{w, square(a, w, pupil(t, a, "yanis.kermadec"), "1"), "", "refused", "Cet élève n’est plus parmi les destinataires de ce mot."},
		{w, square(a, w, ines, "0"), "", "refused", "Ce n’est pas un talon de ce carnet."},
		{w, strings.Repeat("A", 80), "", "refused", "Ce n’est pas un talon de ce carnet."},
		{w, "x", "", "refused", "Ce n’est pas un talon de ce carnet."},
	} {
		var more []string
		if c.answer != "" {
			more = append(more, c.answer)
		}
		if state, said := read(c.path, c.token, more...); state != c.state || !strings.HasPrefix(said, c.said) {
			t.Errorf("%s %q: %s %q, want %s %q", c.path, c.answer, state, said, c.state, c.said)
		}
	}
	// A correction that asks again is not answered by the slip before it.
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE word SET version = 2, asked = 2 WHERE id = $1`, strings.TrimPrefix(other, "/carnet/"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if state, said := read(other, square(a, other, ines, "1"), "1"); state != "refused" || !strings.HasPrefix(said, "Ce talon date d’avant la correction") {
		t.Errorf("an old slip: %s %q", state, said)
	}
	if state, said := read(other, square(a, other, ines, "2"), "2"); state != "received" {
		t.Errorf("a new slip: %s %q", state, said)
	}
	helene.Get(w).OK().Has("<b>1/27</b>")
	helene.Get(other).OK().Has("<b>1/27</b>", "mardi\u00a0: 1")
	helene.Post(other+"/talons", "talon", square(a, w, ines, "1")).Faulty().Has("celui d’un autre mot")
	// A slip of the same word of another portal.
	helene.Post(w+"/talons", "talon", strings.Repeat("B", 90)).Faulty().Has("pas un talon de ce carnet")
	// The telephone's own camera opens a link.
	helene.Get("/carnet/talon").OK().Has("data-fragment")
	if to := helene.Post("/carnet/talon", "talon", square(a, w, ines, "1")).To(); to != w+"/talons?eleve="+ines {
		t.Errorf("the teacher is led to %s", to)
	}
	helene.Get(w + "/talons?eleve=" + ines).OK().Has("Inès Kermadec").Lacks("Capucine Ziane")
	if to := nadia.Post("/carnet/talon", "talon", square(a, w, ines, "1")).To(); to != w {
		t.Errorf("the mother is led to %s", to)
	}
	helene.Post("/carnet/talon", "talon", "nimporte").NotFound()
	a.As("maitre.duport").Get(a.As("maitre.duport").Post("/carnet/talon", "talon", square(a, w, ines, "1")).To()).NotFound()
}

// What a slip answers is of the family: neither parent reads it in a page or an
// export, and it goes with the pupil.
func TestPaperIsOfTheFamilyAndTheSchool(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Garde", "text", "question", "Qui vient ?")
	id, ines := strings.TrimPrefix(w, "/carnet/"), pupil(t, a, "ines.kermadec")
	helene.Post(w+"/talons", "eleve", ines, "reponse", "Zoubida passera").To()
	export := func(person string) string {
		var b strings.Builder
		if err := liaison.Export(t.Context(), a.Core.DB, person, func(name string, v any) error {
			j, err := json.Marshal(v)
			fmt.Fprintf(&b, "%s %s\n", name, j)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for _, login := range []string{"nadia.kermadec", "youssef.kermadec", "ines.kermadec"} {
		if strings.Contains(a.As(login).Get(w).OK().Body+export(a.As(login).ID), "Zoubida") {
			t.Errorf("%s reads the slip", login)
		}
	}
	if !strings.Contains(export(ines), `liaison/paper [{"Word":"`+id) || !strings.Contains(export(helene.ID), `liaison/paper_noted [{"Word":"`+id) {
		t.Error("the exports do not say that a slip came")
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return liaison.Merge(t.Context(), tx, a.Core, rights.System("test"), pupil(t, a, "iris.blanchard"), ines)
	}); err != nil {
		t.Fatal(err)
	}
	if got := one(t, a, `SELECT p.login FROM word_paper pa JOIN person p ON p.id = pa.pupil WHERE pa.word = $1`, id); got != "iris.blanchard" {
		t.Errorf("merged into %q", got)
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return liaison.Erase(t.Context(), tx, a.Core, rights.System("test"), pupil(t, a, "iris.blanchard"))
	}); err != nil {
		t.Fatal(err)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM word_paper WHERE word = $1`, id); n != "0" {
		t.Errorf("%s slips of an erased pupil", n)
	}
}

// A pile of slips is noted by two teachers at once, and parents answer: the bar
// tells each family once.
func TestConcurrentReturns(t *testing.T) {
	a := testapp.New(t)
	w := sent(t, a, "En même temps", "sign_one")
	id := strings.TrimPrefix(w, "/carnet/")
	pupils, err := db.All[string](t.Context(), a.Core.DB, `SELECT pupil FROM word_pupil WHERE word = $1`, id)
	if err != nil || len(pupils) != 27 {
		t.Fatal(len(pupils), err)
	}
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	var all sync.WaitGroup
	for _, p := range pupils {
		for range 2 {
			all.Go(func() { helene.Post(w+"/talons", "eleve", p).To() })
		}
	}
	all.Go(func() { nadia.Post(w+"/reponse", "signe", "1").To() })
	all.Wait()
	if got := one(t, a, `SELECT reached || ' ' || (SELECT count(*) FROM word_paper WHERE word = $1) FROM word WHERE id = $1`, id); got != "27 27" {
		t.Errorf("the bar and the slips: %s", got)
	}
}

// Slips are printed for the families that no screen reaches: the word to keep,
// what is asked as boxes, and a square that leads back to the pupil.
func TestSlipsArePrinted(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	w := sent(t, a, "Patinoire", "choice", "question", "Quel jour votre enfant peut-il venir ?", "choix", "Mardi matin\nJeudi après-midi", "avant", "2026-12-04")
	id := strings.TrimPrefix(w, "/carnet/")
	page := helene.Post(w + "/talons/imprimer").OK()
	if got := page.Header.Get("Content-Type"); got != "application/pdf" {
		t.Fatalf("%s", got)
	}
	s := paper.Read(t, []byte(page.Body))
	text := strings.Join(strings.Fields(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(s.Text)), " ")
	without, err := db.All[struct{ ID, Name string }](t.Context(), a.Core.DB, `SELECT p.id, p.first || ' ' || p.last AS name FROM word_pupil wp JOIN person p ON p.id = wp.pupil WHERE wp.word = $1
		AND NOT EXISTS (SELECT 1 FROM family_link f JOIN person r ON r.id = f.relative WHERE f.pupil = p.id AND r.activated_at IS NOT NULL) ORDER BY p.name_key`, id)
	if err != nil || len(without) < 2 {
		t.Fatal(len(without), err)
	}
	if len(s.Codes) != len(without) || len(s.Pictures) != (len(without)+1)/2 {
		t.Errorf("%d squares on %d sheets for %d families", len(s.Codes), len(s.Pictures), len(without))
	}
	for _, want := range []string{"Patinoire", "Dites-nous.", "Quel jour votre enfant peut-il venir ?", "Mardi matin", "Jeudi après-midi", "À découper et à rendre à l’école avant la fin du", "Signature :", "École des Marronniers", "CE1 B"} {
		if n := strings.Count(text, want); n < len(without) {
			t.Errorf("%q stands %d times for %d families in\n%s", want, n, len(without), text)
		}
	}
	led := map[string]bool{}
	for _, code := range s.Codes {
		link, token, _ := strings.Cut(code, "#")
		if link != a.Config.Base.String()+"/carnet/talon" || strings.Contains(code, id) {
			t.Errorf("the square says %q", code)
		}
		led[helene.Post("/carnet/talon", "talon", token).To()] = true
	}
	for _, f := range without {
		if !strings.Contains(text, f.Name) {
			t.Errorf("no slip of %s", f.Name)
		}
		if !led[w+"/talons?eleve="+f.ID] {
			t.Errorf("no square leads to %s", f.Name)
		}
	}
	// Those ticked, of this word; what came back is not printed again.
	ines := pupil(t, a, "ines.kermadec")
	s = paper.Read(t, []byte(helene.Post(w+"/talons/imprimer?choix=1", "id", ines, "id", pupil(t, a, "yanis.kermadec")).OK().Body))
	if len(s.Codes) != 1 || !strings.Contains(s.Text, "Inès Kermadec") || strings.Contains(s.Text, "Yanis") {
		t.Errorf("%d squares in\n%s", len(s.Codes), s.Text)
	}
	helene.Post(w+"/talons", "eleve", ines, "reponse", "1").To()
	if to := helene.Post(w+"/talons/imprimer?choix=1", "id", ines).To(); to != w+"/talons?fait=rien" {
		t.Errorf("sent to %s", to)
	}
	// The button of one line leaves the ticks of the others alone.
	if s = paper.Read(t, []byte(helene.Post(w+"/talons/imprimer", "seul", without[0].ID, "id", without[1].ID).OK().Body)); len(s.Codes) != 1 || !strings.Contains(s.Text, without[0].Name) {
		t.Errorf("%d squares in\n%s", len(s.Codes), s.Text)
	}
	if to := helene.Post(w + "/talons/imprimer?choix=1").To(); to != w+"/suivi?fait=personne" {
		t.Errorf("sent to %s", to)
	}
	if s = paper.Read(t, []byte(helene.Post(w+"/talons/imprimer", "qui", "manquants").OK().Body)); len(s.Codes) != 26 {
		t.Errorf("%d squares for 26 families that are missing", len(s.Codes))
	}
	a.As("nadia.kermadec").Post(w+"/talons/imprimer", "id", ines).Denied()
	a.As("antoine.mercier").Post(w+"/talons/imprimer", "id", ines).NotFound()
}

// Nothing is lost of the longest word with the most choices.
func TestLongWordIsPrintedWhole(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	var text, choices strings.Builder
	for i := range 300 {
		fmt.Fprintf(&text, "Phrase%d de ce long texte qui raconte la journée.\n", i)
	}
	for i := range 8 {
		fmt.Fprintf(&choices, "Choix%d %s\n", i, strings.Repeat("assez long ", 10))
	}
	w, _, _ := strings.Cut(helene.Post("/carnet", "titre", strings.Repeat("Titre interminable ", 7), "texte", text.String(), "a", "class:"+class(t, a, "CE1 B"), "demande", "choice", "question", strings.Repeat("Quelle question ", 9), "choix", choices.String()).To(), "?")
	s := paper.Read(t, []byte(helene.Post(w+"/talons/imprimer?choix=1", "id", pupil(t, a, "ines.kermadec")).OK().Body))
	if len(s.Codes) != 1 {
		t.Errorf("%d squares", len(s.Codes))
	}
	for i := range 300 {
		if !strings.Contains(s.Text, fmt.Sprintf("Phrase%d ", i)) {
			t.Fatalf("sentence %d is lost", i)
		}
	}
	for i := range 8 {
		if !strings.Contains(s.Text, fmt.Sprintf("Choix%d ", i)) {
			t.Errorf("choice %d is lost", i)
		}
	}
}
