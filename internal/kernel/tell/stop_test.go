package tell_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/testkit/smtp"
)

var stopAddress = regexp.MustCompile(`/desabonnement/[A-Za-z0-9_-]+`)

func TestAMailIsStoppedByWhoHoldsIt(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	s.publish("Un")
	m := s.mailed("nadia.kermadec")[0]
	path := stopAddress.FindString(m.Header.Get("List-Unsubscribe"))
	if path == "" || strings.Contains(path, nadia.ID) {
		t.Fatalf("List-Unsubscribe: %q", m.Header.Get("List-Unsubscribe"))
	}
	stranger := s.Stranger()
	stranger.Get(path).OK().Has("Arrêter ces e-mails")
	s.publish("Deux")
	if n := len(s.mailed("nadia.kermadec")); n != 2 {
		t.Fatalf("looking at the page stopped the mails: %d", n)
	}
	if c := stranger.Post(path, "List-Unsubscribe", "One-Click").OK().Header.Values("Set-Cookie"); len(c) != 0 {
		t.Errorf("cookies: %v", c)
	}
	stranger.Get("/notifications").To() // no session was begun
	stranger.Post(path).OK()
	s.publish("Trois")
	if n := len(s.mailed("nadia.kermadec")); n != 2 {
		t.Errorf("%d mails after it was stopped", n)
	}
	if n := len(phone.Messages()); n != 3 {
		t.Errorf("the phone rang %d times", n)
	}
	stranger.Get("/desabonnement/AAAA").NotFound()
	stranger.Post("/desabonnement/" + path[len("/desabonnement/"):len(path)-2]).NotFound()
}

// oneClick asks what a mail program asks when somebody says there that they want
// no such mail: one POST, of nobody it knows, and none of what a browser adds.
func (s *school) oneClick(m smtp.Message) {
	s.t.Helper()
	at, err := url.Parse(strings.Trim(m.Header.Get("List-Unsubscribe"), "<>"))
	if err != nil {
		s.t.Fatal(err)
	}
	if m.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		s.t.Errorf("headers: %v", m.Header)
	}
	r := httptest.NewRequest(http.MethodPost, at.String(), strings.NewReader("List-Unsubscribe=One-Click"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if body, _ := io.ReadAll(w.Result().Body); w.Code != http.StatusOK {
		s.t.Fatalf("one click: %d\n%.300s", w.Code, body)
	}
}

func stopOf(m smtp.Message) string { return stopAddress.FindString(m.Header.Get("List-Unsubscribe")) }

// The link of a summary stops that summary, and with it every kind that comes in
// it, in this one or not; what is sent at once goes on, and the phone rings.
// What was stopped is said, and taken back as it was.
func TestTheLinkOfASummaryStopsThatSummary(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	nadia.Post("/notifications", "page", "1", "a", "7", "de", "20", "resume", "18", "service-liaison", "1", "push-liaison.word", "1", "service-documents", "1",
		"mail-liaison.word", "daily", "mail-liaison.corrected", "daily", "mail-liaison.answer", "weekly", "mail-liaison.reminder", "once").To()
	chosen := func() string {
		return s.One(`SELECT string_agg(kind || ' ' || push || ' ' || mail, ', ') FROM (SELECT kind, CASE WHEN push THEN 'rings' ELSE 'silent' END AS push, mail FROM told_choice WHERE person = $1 AND kind LIKE 'liaison.%' ORDER BY kind) x`, nadia.ID)
	}
	before := chosen()
	word := s.publish("Un")
	s.tick(90 * time.Minute) // 18:00
	summary := s.mailed("nadia.kermadec")[0]
	if !strings.Contains(summary.Text, "Ne plus recevoir ce résumé") || !strings.Contains(summary.HTML, "Ne plus recevoir ce résumé") {
		t.Errorf("the summary says:\n%s", summary.Text)
	}
	stranger, path := s.Stranger(), stopOf(summary)
	stranger.Get(path).OK().Has("Vous ne recevrez plus le résumé du jour, qui contient", "<li>Un nouveau mot</li>", "<li>Un mot corrigé</li>", "Arrêter le résumé du jour", "envoyés tout de suite").Lacks("<li>Une réponse", "<li>Un rappel")
	if chosen() != before {
		t.Fatalf("looking at the page changed %q to %q", before, chosen())
	}
	s.oneClick(summary)
	if got := chosen(); !strings.Contains(got, "liaison.word rings never") || !strings.Contains(got, "liaison.corrected silent never") || !strings.Contains(got, "liaison.answer silent weekly") || !strings.Contains(got, "liaison.reminder silent once") {
		t.Errorf("chosen now: %q", got)
	}
	s.publish("Deux")
	s.As("helene.duvivier").Post(word + "/relance").To()
	s.Drain()
	s.tick(24 * time.Hour)
	mails := s.mailed("nadia.kermadec")
	if len(mails) != 2 || !strings.HasPrefix(mails[1].Subject, "Rappel") {
		t.Errorf("%d mails, not the reminder beside the first summary", len(mails))
	}
	if n := len(phone.Messages()); n != 2 {
		t.Errorf("the phone rang %d times", n)
	}
	// Who comes to the page after their mail program: it says so, and takes it back.
	stranger.Get(path).OK().Has("Vous avez arrêté le résumé du jour", "<li>Un nouveau mot</li>", "Les recevoir à nouveau").Lacks("Arrêter le résumé")
	stranger.Post(path).OK().Has("Vous avez arrêté le résumé du jour")
	stranger.Post(path, "reprendre", "1").OK().Has("vous recevez à nouveau le résumé du jour", "<li>Un nouveau mot</li>", "<li>Un mot corrigé</li>").Lacks("Les recevoir à nouveau")
	if got := chosen(); got != before {
		t.Errorf("taken back, it is %q, and was %q", got, before)
	}
	stranger.Post(path, "List-Unsubscribe", "One-Click").OK().Has("C’est fait", "vous ne recevrez plus le résumé du jour", "<li>Un mot corrigé</li>", "Les recevoir à nouveau")
	// What is chosen since is not taken back.
	nadia.Post("/notifications", "reglage", "rien").To()
	stranger.Get(path).OK().Has("Vous ne recevez déjà plus ces e-mails").Lacks("Les recevoir à nouveau")
	stranger.Post(path, "reprendre", "1").OK()
	nadia.Get("/notifications").OK().Has("Tout est coupé")
}

// A summary of both rhythms, and that of the week, are stopped as such.
func TestTheLinkOfASummarySaysWhich(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	choose(nadia, true, false, "weekly")
	s.publish("Un")
	s.tick(4*24*time.Hour + 90*time.Minute) // Friday, 18:00
	weekly := s.mailed("nadia.kermadec")[0]
	s.Stranger().Get(stopOf(weekly)).OK().Has("Arrêter le résumé de la semaine", "<li>Un nouveau mot</li>")
	nadia.Post("/notifications", "page", "1", "a", "7", "de", "20", "resume", "18", "service-liaison", "1", "mail-liaison.word", "weekly", "mail-liaison.reminder", "daily").To()
	s.tick(6 * 24 * time.Hour)
	word := s.publish("Deux")
	s.As("helene.duvivier").Post(word + "/relance").To()
	s.Drain()
	s.tick(24 * time.Hour) // Friday again
	mails := s.mailed("nadia.kermadec")
	both := mails[len(mails)-1]
	s.Stranger().Get(stopOf(both)).OK().Has("Arrêter les résumés", "<li>Un nouveau mot</li>", "<li>Un rappel")
	s.oneClick(both)
	if n := s.One(`SELECT CAST(count(*) AS TEXT) FROM told_choice WHERE person = $1 AND stopped <> '' AND mail = 'never'`, nadia.ID); n != "2" {
		t.Errorf("%s kinds were stopped", n)
	}
}

// The link of a single mail stops its kind, and no other.
func TestTheLinkOfAMailStopsItsKindAlone(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	nadia.Post("/notifications", "reglage", "tout").To()
	word := s.publish("Un")
	first := s.mailed("nadia.kermadec")[0]
	s.Stranger().Get(stopOf(first)).OK().Has("Vous ne recevrez plus d’e-mails pour", "<li>Un nouveau mot</li>", "Les autres e-mails").Lacks("<li>Un mot corrigé</li>")
	s.oneClick(first)
	s.publish("Deux")
	s.As("helene.duvivier").Post(word+"/corriger", "version", "1", "titre", "Autre", "texte", "Autre.", "encore", "1").To()
	s.Drain()
	if mails := s.mailed("nadia.kermadec"); len(mails) != 2 || !strings.Contains(mails[1].Text, word) {
		t.Errorf("%d mails, not the correction beside the first word", len(mails))
	}
	s.Stranger().Post(stopOf(first), "reprendre", "1").OK().Has("vous recevez à nouveau des e-mails pour")
	s.publish("Trois")
	if n := len(s.mailed("nadia.kermadec")); n != 3 {
		t.Errorf("%d mails once it was taken back", n)
	}
}
