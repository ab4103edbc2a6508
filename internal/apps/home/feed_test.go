package home_test

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// publish has Mme Duvivier write a word to the families of CE1 B.
func publish(a *testapp.App, title string, more ...string) (path string) {
	class := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	to := a.As("helene.duvivier").Post("/carnet", append(more, "id", id.New(), "titre", title, "texte", "Bonjour.", "a", "class:"+class)...).To()
	path, _, _ = strings.Cut(to, "?")
	return path
}

// aside is the column of what waits, rest what follows it.
func aside(t *testing.T, p *testapp.Page) (waits, rest string) {
	t.Helper()
	waits, rest, ok := strings.Cut(p.Body, `id="nouveautes"`)
	if !ok {
		t.Fatal("no feed on the page")
	}
	return waits, rest
}

// A reminder says that it is one, and its word waits once all the same.
func TestAReminderSaysSoAndWaitsOnce(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	count := func() string {
		return a.One(`SELECT CAST(count(*) AS TEXT) FROM feed WHERE person = $1 AND removed_at IS NULL AND (read_at IS NULL OR awaits)`, nadia.ID)
	}
	word := publish(a, "Le bonnet oublié")
	before := count()
	waits, _ := aside(t, nadia.Get("/").OK())
	if strings.Contains(waits, "Rappel") {
		t.Fatal("a word that was published is called a reminder")
	}
	a.Core.Clock.Advance(time.Minute)
	a.As("helene.duvivier").Post(word + "/relance").To()
	once := func(when string, n int) {
		t.Helper()
		waits, _ := aside(t, nadia.Get("/").OK())
		if got := strings.Count(waits, "Le bonnet oublié"); got != n {
			t.Errorf("%s it waits %d times, not %d", when, got, n)
		}
	}
	once("reminded,", 1)
	waits, rest := aside(t, nadia.Get("/").OK())
	for where, body := range map[string]string{"what waits": waits, "the feed": rest} {
		if !strings.Contains(body, `<span class="quoi">Rappel · </span>`) {
			t.Errorf("%s does not say that it is a reminder", where)
		}
	}
	if now := count(); now != before {
		t.Errorf("%s things are new after a reminder, %s before", now, before)
	}
	nadia.Post(word + "/lu").To()
	once("read,", 0)
	nadia.Post(word + "/annuler").To()
	once("taken back,", 1)
}

// Five words within the half hour are one line, which holds them all without a
// script, and the page has as many statements and lines as ever.
func TestABurstIsOneLine(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	a.Core.Clock.Advance(24 * time.Hour) // a day of its own
	for _, title := range []string{"Rafale 1", "Rafale 2"} {
		publish(a, title)
	}
	if _, feed := aside(t, nadia.Get("/").OK()); strings.Contains(feed, "nouveaux mots") {
		t.Error("two words make a burst")
	}
	for _, title := range []string{"Rafale 3", "Rafale 4", "Rafale 5"} {
		publish(a, title)
	}
	a.Core.Clock.Advance(31 * time.Minute)
	publish(a, "Bien après")
	_, feed := aside(t, nadia.Get("/").OK())
	if list := statements(a, nadia, "/"); len(list) > 4 {
		t.Errorf("%d statements", len(list))
	}
	if n := strings.Count(feed, "5 nouveaux mots de Mme Duvivier"); n != 1 {
		t.Errorf("the burst has %d lines of its own", n)
	}
	before, in, _ := strings.Cut(feed, "<details>")
	in, _, _ = strings.Cut(in, "</details>")
	if strings.Count(in, "Rafale ") < 5 || strings.Contains(in, "Bien après") || !strings.Contains(before, "Bien après") {
		t.Errorf("the burst holds the wrong words: %s", in)
	}
	if n := strings.Count(feed, `<li class="`) - 5; n != 12 {
		t.Errorf("a page of %d lines", n)
	}
}

// Pages follow each other, each line on one of them, with or without a script.
func TestTheFeedGoesOn(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	link := regexp.MustCompile(`<p class="plus" data-below data-came="[^"]+"><a class="bouton second" href="([^"]+)"`)
	line := regexp.MustCompile(`href="/fil/([0-9a-f-]{36})"`)
	seen := map[string]bool{}
	pages := 0
	for at := "/?enfant=" + a.As("ines.kermadec").ID; at != ""; pages++ {
		if pages > 20 {
			t.Fatal("without end")
		}
		body := nadia.Get(at).OK().Body
		nadia.Header.Set("Marelle-Fragment", "1")
		part := nadia.Get(at).OK().Body
		nadia.Header.Del("Marelle-Fragment")
		if pages > 0 && (strings.Contains(part, "<html") || !strings.Contains(body, part)) {
			t.Errorf("page %d: the part is no part of the page", pages)
		}
		_, feed, _ := strings.Cut(body, `id="nouveautes"`)
		for _, m := range line.FindAllStringSubmatch(feed, -1) {
			if seen[m[1]] {
				t.Errorf("page %d repeats %s", pages, m[1])
			}
			seen[m[1]] = true
		}
		at = ""
		if m := link.FindStringSubmatch(feed); m != nil {
			at = html.UnescapeString(m[1])
			if !strings.Contains(at, "enfant=") {
				t.Errorf("the next page forgets the child: %s", at)
			}
		}
	}
	all := a.One(`SELECT CAST(count(DISTINCT f.event) AS TEXT) FROM feed f JOIN event_pupil ep ON ep.event = f.event JOIN person p ON p.id = ep.pupil
		WHERE f.person = $1 AND p.login = 'ines.kermadec'`, nadia.ID)
	if fmt.Sprint(len(seen)) != all || pages < 2 {
		t.Errorf("%d lines on %d pages, not %s", len(seen), pages, all)
	}
}

// What somebody muted comes no more, until they take it back.
func TestAMutedWordIsHeardOfNoMore(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	word := publish(a, "La gourde égarée")
	resource := strings.TrimPrefix(word, "/carnet/")
	lines := func() string {
		return a.One(`SELECT CAST(count(*) AS TEXT) FROM feed WHERE person = $1 AND resource = $2`, nadia.ID, resource)
	}
	event := a.One(`SELECT id FROM event WHERE resource = $1`, resource)
	nadia.Get("/fil/"+event).OK().Has("La gourde égarée", "/sourdine/"+resource, "/fil/"+event+"/retirer", "/signaler?objet="+resource)
	nadia.Get(nadia.Post("/sourdine/"+resource).To()).OK().Has("plus de notification à ce sujet", "/sourdine/"+resource+"/lever")
	nadia.Get("/notifications").OK().Has("En sourdine", "La gourde égarée")
	a.Core.Clock.Advance(2 * time.Hour)
	a.As("helene.duvivier").Post(word + "/relance").To()
	if n := lines(); n != "1" {
		t.Errorf("%s lines of a word that was muted", n)
	}
	if waits, _ := aside(t, nadia.Get("/").OK()); !strings.Contains(waits, "La gourde égarée") {
		t.Error("a muted word waits no more")
	}
	nadia.Post("/sourdine/"+resource+"/lever", "retour", "reglages").To()
	nadia.Get("/notifications").OK().Lacks("La gourde égarée")
	a.Core.Clock.Advance(2 * time.Hour)
	a.As("helene.duvivier").Post(word + "/relance").To()
	if n := lines(); n != "2" {
		t.Errorf("%s lines once it was taken back", n)
	}
	// Who may not read it learns nothing of it.
	for _, login := range []string{"antoine.mercier", "parent.duport", "directrice.duport"} {
		p := a.As(login)
		p.Post("/sourdine/" + resource).NotFound()
		p.Get("/fil/" + event).NotFound()
		p.Post("/sourdine/nope").NotFound()
	}
	if to := a.Stranger().Post("/sourdine/" + resource).Status; to == 303 {
		t.Error("a stranger mutes")
	}
}

// "J'ai lu" at home is for what the page showed, and can be taken back there.
func TestConfirmedAtHomeIsWhatWasShown(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	word := publish(a, "Le départ")
	field := regexp.MustCompile(`action="` + word + `/lu"><input type="hidden" name="retour" value="accueil"> ?<input type="hidden" name="vu" value="(\d+)"`)
	m := field.FindStringSubmatch(nadia.Get("/").OK().Body)
	if m == nil {
		t.Fatal("no form at home says when it was drawn")
	}
	a.Core.Clock.Advance(time.Minute)
	helene.Post(word+"/corriger", "version", "1", "titre", "Le départ", "texte", "Une heure plus tôt.", "encore", "1").To()
	a.Core.Clock.Advance(time.Minute)
	if to := nadia.Post(word+"/lu", "retour", "accueil", "vu", m[1]).To(); to != word+"?fait=corrige" {
		t.Errorf("confirmed unseen, and sent to %s", to)
	}
	helene.Get(word).OK().Has("<b>0/27</b>")
	m = field.FindStringSubmatch(nadia.Get("/").OK().Body)
	to := nadia.Post(word+"/lu", "retour", "accueil", "vu", m[1]).To()
	nadia.Get(to).OK().Has(`action="`+word+`/annuler"`, `name="retour" value="accueil"`)
	helene.Get(word).OK().Has("<b>1/27</b>")
	nadia.Get(nadia.Post(word+"/annuler", "retour", "accueil").To()).OK().Has("attend de nouveau", word+"/lu")
	nadia.Get("/?fait=lu.").OK()
	nadia.Get("/?fait=lu.x.y").OK()
}

// What a tap does not answer says so: the button leads to the slip under the word.
func TestTheButtonSaysWhatAWordAsks(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	for _, c := range []struct {
		ask   string
		more  []string
		says  string
		reply []string
	}{
		{"read", nil, "", nil},
		{"yesno", []string{"question", "Vient-elle ?"}, "Répondre", []string{"reponse", "1"}},
		{"choice", []string{"question", "Quel jour ?", "choix", "lundi\nmardi"}, "Répondre", []string{"reponse", "2"}},
		{"text", []string{"question", "Une allergie ?"}, "Répondre", []string{"reponse", "Aucune."}},
		{"sign_one", nil, "Signer", []string{"signe", "1"}},
		{"sign_both", nil, "Signer", []string{"signe", "1"}},
	} {
		word := publish(a, "Le mot qui demande", append(c.more, "demande", c.ask)...)
		waits, _ := aside(t, nadia.Get("/").OK())
		waits = html.UnescapeString(waits)
		link := regexp.MustCompile(`<a class="bouton second" href="` + word + `#retour">.*?</svg> ?(\p{L}+)`).FindStringSubmatch(waits)
		if tap := strings.Contains(waits, `action="`+word+`/lu"`); tap != (c.says == "") {
			t.Errorf("%s: a tap at home says it is read: %v", c.ask, tap)
		}
		if c.says == "" {
			if link != nil {
				t.Errorf("%s: a second way to the word: %q", c.ask, link)
			}
			nadia.Post(word + "/lu").To()
			continue
		}
		if link == nil || link[1] != c.says {
			t.Errorf("%s: the button says %q, want %q", c.ask, link, c.says)
		}
		nadia.Get(word).OK().Has(`id="retour"`)
		nadia.Post(word+"/reponse", append(c.reply, "version", "1")...).To()
		if waits, _ := aside(t, nadia.Get("/").OK()); strings.Contains(waits, word) {
			t.Errorf("%s: it still waits", c.ask)
		}
	}
}

// A word that was reminded or corrected asks the same.
func TestARemindedWordAsksTheSame(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	word := publish(a, "La piscine", "demande", "yesno", "question", "Vient-elle ?")
	asks := func() bool {
		waits, _ := aside(t, nadia.Get("/").OK())
		return strings.Contains(waits, `href="`+word+`#retour"`)
	}
	a.Core.Clock.Advance(time.Hour)
	helene.Post(word + "/relance").To()
	if !asks() {
		t.Error("after a reminder it asks nothing")
	}
	helene.Post(word+"/corriger", "version", "1", "titre", "La piscine", "texte", "À 9 h.", "encore", "1").To()
	if !asks() {
		t.Error("after a correction it asks nothing")
	}
}

// Beyond the first words that wait, their number is said, and the way to all.
func TestHowManyWordsWaitIsSaid(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	for range 6 {
		publish(a, "Encore un mot")
	}
	n := a.One(`SELECT CAST(count(*) AS TEXT) FROM feed WHERE person = $1 AND awaits AND removed_at IS NULL`, nadia.ID)
	nadia.Get("/").OK().Has(n+" mots à lire", "Voir tous les mots")
	child := a.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`)
	nadia.Get("/?enfant="+child).OK().Has("Plus de 5 mots à lire", `href="/carnet?enfant=`+child+`"`)
}
