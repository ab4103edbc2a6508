package tell_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	smtpcode "github.com/emersion/go-smtp"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/smtp"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// school is the sample with a real mail server and a real push service.
type school struct {
	*testapp.App
	t       *testing.T
	out     *testapp.Outside
	mails   *smtp.Server
	service *pushtest.Service
}

func open(t *testing.T) *school {
	t.Helper()
	s := &school{App: testapp.New(t), t: t}
	s.out = s.Outside()
	s.mails, s.service = s.out.Mails, s.out.Phones
	s.Drain() // what the sample published is told before the test begins
	return s
}

func (s *school) exec(text string, args ...any) {
	s.t.Helper()
	if err := s.Core.DB.Write(s.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(s.t.Context(), text, args...)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

// reached gives somebody a confirmed address and a phone that rings.
func (s *school) reached(login string) (*testapp.Person, *pushtest.Browser) {
	s.t.Helper()
	p := s.As(login)
	s.exec(`UPDATE person SET email = $2 WHERE id = $1`, p.ID, login+"@exemple.fr")
	return p, s.phone(p)
}

func (s *school) phone(p *testapp.Person) *pushtest.Browser { return s.out.Phone(p) }

// publish writes a word to the families of CE1 B, and works the jobs.
func (s *school) publish(title string) string {
	s.t.Helper()
	to := s.word(title)
	s.Drain()
	return to
}

func (s *school) word(title string) string {
	s.t.Helper()
	class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	to, _, _ := strings.Cut(s.As("helene.duvivier").Post("/carnet", "id", id.New(), "titre", title, "texte", "Inès et les autres.", "a", "class:"+class).To(), "?")
	return to
}

func (s *school) tomorrow() string {
	return s.Core.Clock.Now().AddDate(0, 0, 1).Format(time.DateOnly)
}

func (s *school) ines() string { return s.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`) }

// letter is one of Nadia's to the teachers of Inès.
func (s *school) letter() string {
	s.t.Helper()
	to, _, _ := strings.Cut(s.As("nadia.kermadec").Post("/carnet/ecrire", "enfant", s.ines(), "texte", "Une question.").To(), "?")
	s.Drain()
	return to
}

// folder is one that Hélène shares with Nadia.
func (s *school) folder() string {
	s.t.Helper()
	helene := s.As("helene.duvivier")
	to, _, _ := strings.Cut(helene.Post("/documents/dossier", "nom", "Sorties").To(), "?")
	helene.Post(to+"/partage", "role", "1", "prevenir", "1", "a", "person:"+s.As("nadia.kermadec").ID).To()
	s.Drain()
	return to
}

// deposit is a file in such a folder.
func (s *school) deposit() string {
	s.t.Helper()
	s.As("helene.duvivier").Upload(s.folder()+"/ajouter", []testapp.File{{Field: "piece", Name: "Programme.txt", Bytes: []byte("Départ à 8 h.")}}).To()
	s.Drain()
	return "/documents/" + s.One(`SELECT max(id) FROM document WHERE name = 'Programme.txt'`)
}

func (s *school) mailed(login string) (out []smtp.Message) {
	for _, m := range s.mails.Messages() {
		if slices.Contains(m.To, login+"@exemple.fr") {
			out = append(out, m)
		}
	}
	return out
}

// tick lets an hour or a day pass, and works what became due.
func (s *school) tick(d time.Duration) {
	s.t.Helper()
	s.Core.Clock.Advance(d)
	s.work()
}

// work is what the periodic jobs do.
func (s *school) work() {
	s.t.Helper()
	for _, a := range s.Core.Apps {
		if a.Name != "tell" {
			continue
		}
		for _, p := range a.Periodic {
			if err := s.Core.DB.Write(s.t.Context(), func(tx *db.Tx) error { return s.Core.Jobs.Add(s.t.Context(), tx, p.Args()) }); err != nil {
				s.t.Fatal(err)
			}
		}
	}
	s.Drain()
}

// choose sends the page of settings as a browser does, for words; every other
// kind is silent.
func choose(p *testapp.Person, service, rings bool, mail string, more ...string) {
	chooseOf(p, "liaison.word", service, rings, mail, more...)
}

func chooseOf(p *testapp.Person, kind string, service, rings bool, mail string, more ...string) {
	fields := []string{"page", "1", "mail-" + kind, mail, "a", "7", "resume", "18"}
	for other := range causes {
		if other != kind {
			fields = append(fields, "mail-"+other, "never")
		}
	}
	fields = append(fields, more...)
	if service {
		of, _, _ := strings.Cut(kind, ".")
		fields = append(fields, "service-"+of, "1")
	}
	if rings {
		fields = append(fields, "push-"+kind, "1")
	}
	p.Post("/notifications", append(fields, "de", "20")...).To()
}

func TestAWordReachesThePhoneAndTheMailbox(t *testing.T) {
	s := open(t)
	_, phone := s.reached("nadia.kermadec")
	_, other := s.reached("parent.duport")
	word := s.publish("Inès a perdu son bonnet")

	rung := phone.Wait(1, 5*time.Second)
	if len(rung) != 1 {
		t.Fatalf("the phone rang %d times", len(rung))
	}
	var said struct {
		Titre, Texte, URL string
		Badge             int
	}
	if err := json.Unmarshal([]byte(rung[0].Text), &said); err != nil {
		t.Fatal(err)
	}
	if said.Texte != "Nouveau mot dans le carnet de liaison" || said.URL != word || said.Badge < 1 || strings.Contains(rung[0].Text, "Inès") {
		t.Errorf("the phone says %s", rung[0].Text)
	}
	if rung[0].Topic == "" {
		t.Error("a push without a topic")
	}
	mails := s.mailed("nadia.kermadec")
	if len(mails) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	m := mails[0]
	if m.Subject != "Nouveau mot dans le carnet de liaison" || strings.Contains(m.Text+m.HTML, "Inès") || !strings.Contains(m.Text, word) || !strings.Contains(m.HTML, word) {
		t.Errorf("the mail says %q:\n%s\n%s", m.Subject, m.Text, m.HTML)
	}
	if m.Header.Get("List-Unsubscribe-Post") != "List-Unsubscribe=One-Click" {
		t.Errorf("headers: %v", m.Header)
	}
	if n := len(other.Messages()) + len(s.mailed("parent.duport")); n != 0 {
		t.Errorf("another school was told %d times", n)
	}
	// Worked again, nothing is said again.
	if err := s.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		event := s.One(`SELECT event FROM feed WHERE resource = $1 LIMIT 1`, strings.TrimPrefix(word, "/carnet/"))
		return s.Core.Jobs.Add(t.Context(), tx, notify.Tell{Event: event})
	}); err != nil {
		t.Fatal(err)
	}
	s.work()
	s.tick(10 * time.Minute)
	if len(phone.Messages()) != 1 || len(s.mailed("nadia.kermadec")) != 1 {
		t.Errorf("said again: %d and %d", len(phone.Messages()), len(s.mailed("nadia.kermadec")))
	}
}

// A reminder goes to the families who are missing, and to no other.
func TestAReminderReachesTheMissingAlone(t *testing.T) {
	s := open(t)
	nadia, nadiasPhone := s.reached("nadia.kermadec")
	missing := s.One(`SELECT min(p.login) FROM person p JOIN family_link f ON f.relative = p.id JOIN class_member cm ON cm.person = f.pupil
		JOIN class c ON c.id = cm.class JOIN school sc ON sc.id = c.school
		WHERE c.label = 'CE1 B' AND sc.uai = '0809876A' AND p.activated_at IS NOT NULL AND p.login NOT LIKE '%.kermadec'`)
	_, phone := s.reached(missing)
	word := s.publish("Le bonnet")
	nadia.Post(word + "/lu").To()
	s.As("helene.duvivier").Post(word + "/relance").To()
	s.Drain()
	if rung := phone.Wait(2, 5*time.Second); len(rung) != 2 || !strings.Contains(rung[1].Text, "Rappel") || !strings.Contains(rung[1].Text, word) {
		t.Errorf("%s, who is missing: %d pushes, %v", missing, len(rung), rung)
	}
	if m := s.mailed(missing); len(m) != 2 || !strings.HasPrefix(m[1].Subject, "Rappel") {
		t.Errorf("%s, who is missing: %d mails", missing, len(m))
	}
	if p, m := len(nadiasPhone.Messages()), len(s.mailed("nadia.kermadec")); p != 1 || m != 1 {
		t.Errorf("who has read is told %d and %d times", p, m)
	}
}

// What was in flight when the server died is sent again, under the same name;
// what had arrived is not.
func TestARepeatAfterACrashHasTheSameName(t *testing.T) {
	s := open(t)
	_, phone := s.reached("nadia.kermadec")
	s.publish("Kermesse")
	if len(s.mailed("nadia.kermadec")) != 1 {
		t.Fatal("no mail")
	}
	s.exec(`UPDATE delivery SET done_at = NULL, outcome = '' WHERE done_at IS NOT NULL AND outcome = 'sent'`) // died before it was written down
	s.tick(3 * time.Minute)
	mails, rung := s.mailed("nadia.kermadec"), phone.Messages()
	if len(mails) != 2 || mails[0].Header.Get("Message-Id") != mails[1].Header.Get("Message-Id") || mails[0].Header.Get("Message-Id") == "" {
		t.Errorf("mails: %d", len(mails))
	}
	if len(rung) != 2 || rung[0].Topic != rung[1].Topic {
		t.Errorf("pushes: %d", len(rung))
	}
}

// A right lost between publication and sending is a right lost.
func TestALostRightTellsNobody(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	s.word("Pour plus tard")
	now := s.Core.Clock.Now().UnixMilli()
	s.exec(`UPDATE person_principal SET valid_to = $2 WHERE person = $1 AND valid_to > $2`, nadia.ID, now)
	s.Drain()
	if n := len(phone.Messages()) + len(s.mailed("nadia.kermadec")); n != 0 {
		t.Errorf("told %d times of what may not be read", n)
	}
}

// causes are, for each kind of event that services declare, who is told of it
// here, and how it comes about.
var causes = map[string]struct {
	who   string
	cause func(s *school)
	anew  bool // a school of its own for each setting
}{
	"liaison.word":     {"nadia.kermadec", func(s *school) { s.publish("Un mot") }, false},
	"liaison.reminder": {"nadia.kermadec", func(s *school) { s.As("helene.duvivier").Post(s.publish("Un mot") + "/relance").To(); s.Drain() }, false},
	"liaison.corrected": {"nadia.kermadec", func(s *school) {
		s.As("helene.duvivier").Post(s.publish("Un mot")+"/corriger", "version", "1", "titre", "Un autre", "texte", "Autre.", "encore", "1").To()
		s.Drain()
	}, false},
	"liaison.delegated": {"antoine.mercier", func(s *school) {
		s.As("helene.duvivier").Post(s.publish("Un mot")+"/confier", "personne", s.As("antoine.mercier").ID).To()
		s.Drain()
	}, false},
	"liaison.unsent": {"helene.duvivier", func(s *school) {
		class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
		s.As("helene.duvivier").Post("/carnet/planifier", "titre", "Prévu", "texte", "Bonjour.", "a", "class:"+class, "jour", s.tomorrow(), "heure", "08:00").To()
		s.exec(`UPDATE word_draft SET send_at = 1, due = '2026-11-20' WHERE title = 'Prévu'`) // its hour has come, and the date is past
		s.Drain()
	}, false},
	"liaison.note":   {"helene.duvivier", func(s *school) { s.letter() }, false},
	"liaison.answer": {"nadia.kermadec", func(s *school) { s.As("helene.duvivier").Post(s.letter()+"/message", "texte", "Oui.").To(); s.Drain() }, false},
	"liaison.absence": {"helene.duvivier", func(s *school) {
		s.As("nadia.kermadec").Post("/carnet/absence", "enfant", s.ines(), "du", s.tomorrow()).To()
		s.Drain()
	}, false},
	"documents.shared": {"nadia.kermadec", func(s *school) { s.folder() }, false},
	"documents.added":  {"nadia.kermadec", func(s *school) { s.deposit() }, false},
	"documents.version": {"nadia.kermadec", func(s *school) {
		s.As("helene.duvivier").Upload(s.deposit()+"/version", []testapp.File{{Field: "piece", Name: "Programme.txt", Bytes: []byte("Départ à 9 h.")}}).To()
		s.Drain()
	}, false},
	"documents.comment": {"nadia.kermadec", func(s *school) {
		s.As("helene.duvivier").Post(s.deposit()+"/commentaires", "texte", "Relisez la fin.").To()
		s.Drain()
	}, false},
	"documents.full": {"helene.duvivier", func(s *school) {
		s.deposit()
		s.exec(`UPDATE quota SET bytes = (SELECT max(u.used) FROM file_usage u JOIN person p ON p.id = u.person WHERE p.login = 'helene.duvivier') * 5 / 2 WHERE profile = 'teacher'`)
		s.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "Retour.txt", Bytes: []byte("Retour à 16 h.")}}).To()
		s.Drain()
	}, true},
	"report.made": {"claire.fontaine", func(s *school) {
		word := strings.TrimPrefix(s.publish("Un mot"), "/carnet/")
		s.As("nadia.kermadec").Post("/signaler", "objet", word, "motif", "mistake").To()
		s.Drain()
	}, true}, // a head without a second factor is shown nothing else after two weeks
}

// Kind × channel × setting × silence: what is chosen is what is said, once.
func TestSettingsAreObeyed(t *testing.T) {
	silence := []string{"silence", "1", "de", "16"} // it is 16:30
	settings := []struct {
		name           string
		service, rings bool
		mail           string
		more           []string
		rung, mailed   int // at once
		then, thenMail int // in a day and a half
		week           int // mails in a week
	}{
		{"both", true, true, "once", nil, 1, 1, 0, 0, 0},
		{"no phone", true, false, "once", nil, 0, 1, 0, 0, 0},
		{"no mail", true, true, "never", nil, 1, 0, 0, 0, 0},
		{"neither", true, false, "never", nil, 0, 0, 0, 0, 0},
		{"the service is off", false, true, "once", nil, 0, 0, 0, 0, 0},
		{"daily", true, true, "daily", nil, 1, 0, 0, 1, 0},
		{"weekly", true, true, "weekly", nil, 1, 0, 0, 0, 1},
		{"weekly, tomorrow", true, true, "weekly", []string{"jour", "2"}, 1, 0, 0, 1, 0},
		{"both in the silence", true, true, "once", silence, 0, 0, 1, 1, 0},
		{"daily in the silence", true, true, "daily", silence, 0, 0, 1, 1, 0},
		{"no mail in the silence", true, true, "never", silence, 0, 0, 1, 0, 0},
	}
	for _, kind := range kinds(t) {
		of, ok := causes[kind]
		if !ok {
			t.Errorf("%s: say in causes how it comes about", kind)
			continue
		}
		t.Run(kind, func(t *testing.T) {
			var s *school
			var p *testapp.Person
			var phone *pushtest.Browser
			for _, c := range settings { // a week each
				if s == nil || of.anew {
					s = open(t)
					p, phone = s.reached(of.who)
				}
				seen := [2]int{len(phone.Messages()), len(s.mailed(of.who))}
				since := func(when string, rung, mailed int) {
					t.Helper()
					r, m := len(phone.Messages()), len(s.mailed(of.who))
					if r-seen[0] != rung || m-seen[1] != mailed {
						t.Errorf("%s, %s: rang %d times, %d mails; want %d, %d", c.name, when, r-seen[0], m-seen[1], rung, mailed)
					}
					seen = [2]int{r, m}
				}
				chooseOf(p, kind, c.service, c.rings, c.mail, c.more...)
				of.cause(s)
				since("at once", c.rung, c.mailed)
				s.tick(36 * time.Hour)
				s.tick(4 * time.Hour) // past a silence in which that ended
				since("then", c.then, c.thenMail)
				s.tick(5 * 24 * time.Hour)
				s.tick(8 * time.Hour) // the next begins at this hour of this day
				since("in a week", 0, c.week)
			}
		})
	}
}

// kinds are those of events that services declare.
func kinds(t *testing.T) (out []string) {
	t.Helper()
	for _, a := range testapp.New(t).Core.Apps {
		for _, k := range a.Told {
			out = append(out, k.Kind)
		}
	}
	return out
}

// A school's hour is its own: what is held through the night is said at seven
// there, after a night that is an hour shorter, one that is longer, and in La
// Réunion.
func TestTheHourIsTheSchools(t *testing.T) {
	for _, c := range []struct{ name, zone, evening, seven string }{
		{"the short night", "Europe/Paris", "2027-03-27T20:00:00Z", "2027-03-28T05:00:00Z"},
		{"the long night", "Europe/Paris", "2027-10-30T20:00:00Z", "2027-10-31T06:00:00Z"},
		{"La Réunion", "Indian/Reunion", "2026-11-24T17:00:00Z", "2026-11-25T03:00:00Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			s.exec(`UPDATE school SET timezone = $1 WHERE uai = '0809876A'`, c.zone)
			s.exec(`UPDATE membership SET valid_to = $1 WHERE valid_to < $1`, int64(rights.Forever))
			s.exec(`UPDATE person_principal SET valid_to = $1 WHERE valid_to < $1`, int64(rights.Forever))
			at := func(text string) time.Time {
				t.Helper()
				when, err := time.Parse(time.RFC3339, text)
				if err != nil {
					t.Fatal(err)
				}
				return when
			}
			s.Core.Clock.Advance(at(c.evening).Sub(s.Core.Clock.Now()))
			nadia, phone := s.reached("nadia.kermadec")
			choose(nadia, true, true, "once", "silence", "1")
			before := [2]int{len(phone.Messages()), len(s.mailed("nadia.kermadec"))}
			told := func() int { return len(phone.Messages()) - before[0] + len(s.mailed("nadia.kermadec")) - before[1] }
			s.publish("Le soir")
			if n := told(); n != 0 {
				t.Fatalf("told %d times in the evening", n)
			}
			s.tick(at(c.seven).Add(-time.Minute).Sub(s.Core.Clock.Now()))
			if n := told(); n != 0 {
				t.Errorf("told %d times at 6:59", n)
			}
			s.tick(time.Minute)
			if n := told(); n != 2 {
				t.Errorf("told %d times at seven", n)
			}
		})
	}
}

func TestSilenceHoldsUntilItEnds(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	choose(nadia, true, true, "once", "silence", "1", "de", "16")
	s.publish("Le soir")
	told := func() int { return len(phone.Messages()) + len(s.mailed("nadia.kermadec")) }
	if told() != 0 {
		t.Fatalf("told %d times in the silence", told())
	}
	s.tick(14*time.Hour + 29*time.Minute) // 6:59
	if told() != 0 {
		t.Errorf("told %d times a minute early", told())
	}
	s.tick(time.Minute)
	if told() != 2 {
		t.Errorf("told %d times at the end of the silence", told())
	}
}

func TestASummaryIsOneMail(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	choose(nadia, true, false, "weekly")
	s.publish("Un")
	s.publish("Deux")
	s.tick(3 * 24 * time.Hour)
	if n := len(s.mailed("nadia.kermadec")); n != 0 {
		t.Fatalf("%d mails before Friday", n)
	}
	s.tick(24*time.Hour + 90*time.Minute) // Friday, 18:00
	mails := s.mailed("nadia.kermadec")
	if len(mails) != 1 || mails[0].Subject != "2 nouveautés vous attendent" {
		t.Fatalf("mails: %d", len(mails))
	}
}

func TestSignOutEndsThePhone(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	nadia.Get("/notifications").OK().Has("M’envoyer un essai")
	nadia.Post("/notifications/essai").OK().Has("L’essai est parti")
	if n := len(phone.Wait(1, 5*time.Second)); n != 1 {
		t.Fatalf("the trial rang %d times", n)
	}
	nadia.Post("/deconnexion").To()
	if n := s.One(`SELECT CAST(count(*) AS TEXT) FROM push_subscription`); n != "0" {
		t.Errorf("%s subscriptions outlive the session", n)
	}
	s.publish("Après")
	if n := len(phone.Messages()); n != 1 {
		t.Errorf("it rang %d times", n)
	}
}

func TestAPhoneThatIsGoneIsForgottenAndABusyServiceIsAskedLater(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	phone.Answer(pushtest.Answer{Status: http.StatusServiceUnavailable, RetryAfter: "300"})
	s.publish("Un")
	if n := len(phone.Messages()); n != 0 {
		t.Fatalf("rang %d times", n)
	}
	phone.Answer(pushtest.Answer{})
	s.tick(4 * time.Minute)
	if n := len(phone.Messages()); n != 0 {
		t.Errorf("asked again before it was time: %d", n)
	}
	s.tick(2 * time.Minute)
	if n := len(phone.Messages()); n != 1 {
		t.Errorf("rang %d times once the service was back", n)
	}
	phone.Answer(pushtest.Answer{Status: http.StatusGone})
	s.publish("Deux")
	nadia.Get("/notifications").OK().Has("Cet appareil ne sonne pas")
}

func TestARefusedAddressIsWrittenToNoMore(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	// A message that is not liked, or a server that is not, is no wrong address.
	s.mails.Refuse(554)
	s.publish("Mal vu")
	s.mails.Refuse(0)
	s.mails.RefuseTo(550, smtpcode.EnhancedCode{5, 7, 1})
	s.publish("Mal reçu")
	nadia.Get("/compte").OK().Lacks("a été refusée")
	s.mails.RefuseTo(550, smtpcode.EnhancedCode{5, 1, 1})
	s.publish("Un")
	s.mails.RefuseTo(0, smtpcode.EnhancedCode{})
	nadia.Get("/compte").OK().Has("a été refusée")
	s.publish("Deux")
	s.tick(time.Hour)
	if n := len(s.mailed("nadia.kermadec")); n != 0 {
		t.Errorf("%d mails to a refused address", n)
	}
	s.exec(`UPDATE person SET email = 'autre@exemple.fr' WHERE id = $1`, nadia.ID)
	nadia.Get("/compte").OK().Lacks("a été refusée")
}

func TestABusyMailServerIsAskedLater(t *testing.T) {
	s := open(t)
	s.reached("nadia.kermadec")
	s.mails.Refuse(450)
	s.publish("Un")
	s.mails.Refuse(0)
	s.tick(2 * time.Minute)
	if n := len(s.mailed("nadia.kermadec")); n != 1 {
		t.Errorf("%d mails once the server was back", n)
	}
}

func TestFaultsOfThePageKeepWhatStood(t *testing.T) {
	s := open(t)
	nadia := s.As("nadia.kermadec")
	nadia.Post("/notifications", "page", "1", "silence", "1", "de", "8", "a", "8", "resume", "18").Faulty().Has("choisissez-en deux")
	nadia.Post("/notifications", "page", "1", "de", "20", "a", "7", "resume", "99").Faulty().Has("heure de la liste")
	// What was typed is still there, and nothing of it is kept.
	nadia.Post("/notifications", "page", "1", "silence", "1", "de", "8", "a", "8", "resume", "18").Faulty().Has("Tout est coupé")
	nadia.Get("/notifications").OK().Has("Tout est activé")
	nadia.Post("/notifications", "reglage", "rien").To()
	nadia.Get("/notifications").OK().Has("Tout est coupé")
	nadia.Post("/notifications", "reglage", "essentiel").To()
	nadia.Get("/notifications").OK().Has("Tout est activé")
	nadia.Do(http.MethodPost, "/poche/abonnements", "application/json", strings.NewReader(`{"endpoint":"https://10.0.0.1/x"}`)).Faulty()
}
