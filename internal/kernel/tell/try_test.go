package tell_test

import (
	"net"
	"net/http"
	"testing"
	"time"

	smtpcode "github.com/emersion/go-smtp"

	"marelle/internal/platform/mail"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/testapp"
)

// A trial says what became of it, whatever that is, and leaves behind what any
// other push or mail would.
func TestATrialSaysWhatBecameOfIt(t *testing.T) {
	const push, byMail = "", "mail"
	for _, c := range []struct {
		name, by string
		before   func(s *school, nadia *testapp.Person)
		phone    pushtest.Answer
		status   int
		says     string
		came     int // pushes or mails
		then     string
	}{
		{"accepted", push, nil, pushtest.Answer{}, http.StatusOK, "L’essai est parti", 1, "Cet appareil sonne quand"},
		{"no subscription", push, func(s *school, nadia *testapp.Person) { nadia.Post("/poche/abonnements/retirer").To() }, pushtest.Answer{}, http.StatusUnprocessableEntity, "Il faut d’abord activer les notifications sur cet appareil", 0, "Cet appareil ne sonne pas"},
		{"the subscription is gone", push, nil, pushtest.Answer{Status: http.StatusGone}, http.StatusOK, "Cet appareil n’était plus abonné. Activez-le à nouveau.", 0, "Cet appareil ne sonne pas"},
		{"the service is busy", push, nil, pushtest.Answer{Status: http.StatusTooManyRequests, RetryAfter: "300"}, http.StatusOK, "Le service de notification est occupé. Réessayez dans 5 minutes.", 0, "Cet appareil sonne quand"},
		{"the service is busy for a moment", push, nil, pushtest.Answer{Status: http.StatusTooManyRequests, RetryAfter: "20"}, http.StatusOK, "Réessayez dans une minute.", 0, "Cet appareil sonne quand"},
		{"the service refuses", push, nil, pushtest.Answer{Status: http.StatusBadRequest}, http.StatusOK, "Le service de notification a refusé l’essai", 0, "Cet appareil sonne quand"},
		{"accepted", byMail, nil, pushtest.Answer{}, http.StatusOK, "L’essai est parti\u00a0: le serveur de messagerie l’a accepté", 1, "M’envoyer un e-mail d’essai"},
		{"no address", byMail, func(s *school, nadia *testapp.Person) { s.exec(`UPDATE person SET email = '' WHERE id = $1`, nadia.ID) }, pushtest.Answer{}, http.StatusUnprocessableEntity, "Il faut d’abord confirmer une adresse e-mail", 0, "Aucune adresse confirmée"},
		{"no such address", byMail, func(s *school, _ *testapp.Person) { s.mails.RefuseTo(550, smtpcode.EnhancedCode{5, 1, 1}) }, pushtest.Answer{}, http.StatusOK, "cette adresse n’existe pas\u00a0: plus rien n’y est envoyé", 0, ""},
		{"the message is not liked", byMail, func(s *school, _ *testapp.Person) { s.mails.Refuse(554) }, pushtest.Answer{}, http.StatusOK, "Votre adresse n’est pas en cause", 0, ""},
		{"the server is busy", byMail, func(s *school, _ *testapp.Person) { s.mails.Refuse(450) }, pushtest.Answer{}, http.StatusOK, "Le serveur de messagerie ne répond pas pour le moment", 0, ""},
		{"the server is down", byMail, func(s *school, _ *testapp.Person) { s.unplug() }, pushtest.Answer{}, http.StatusOK, "Le serveur de messagerie ne répond pas pour le moment", 0, ""},
	} {
		t.Run(c.by+" "+c.name, func(t *testing.T) {
			s := open(t)
			nadia, phone := s.reached("nadia.kermadec")
			phone.Answer(c.phone)
			if c.before != nil {
				c.before(s, nadia)
			}
			page := nadia.Post("/notifications/essai", "par", c.by).Is(c.status).Has(c.says, `role="status"`)
			if c.then != "" {
				page.Has(c.then)
				nadia.Get("/notifications").OK().Has(c.then).Lacks(c.says)
			}
			rang, wrote := 0, 0
			if c.by == push {
				rang = c.came
			} else {
				wrote = c.came
			}
			if got := phone.Wait(rang, 5*time.Second); len(got) != rang {
				t.Errorf("rang %d times", len(got))
			}
			if n := len(s.mailed("nadia.kermadec")); n != wrote {
				t.Errorf("%d mails", n)
			}
		})
	}
}

// unplug has nobody listen where the mail server was.
func (s *school) unplug() {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	at := l.Addr().String()
	l.Close()
	if s.Core.Mail, err = mail.ParseURL("smtp://" + at + "?from=marelle@ecole.exemple.fr"); err != nil {
		s.t.Fatal(err)
	}
}

// An address that the trial shows not to exist is written to no more, and is
// tried again once it was confirmed again.
func TestATrialOfAWrongAddressIsBelieved(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	s.mails.RefuseTo(550, smtpcode.EnhancedCode{5, 1, 1})
	nadia.Post("/notifications/essai", "par", "mail").OK()
	s.mails.RefuseTo(0, smtpcode.EnhancedCode{})
	nadia.Get("/compte").OK().Has("a été refusée")
	nadia.Post("/notifications/essai", "par", "mail").OK().Has("n’existe pas")
	s.publish("Un")
	if n := len(s.mailed("nadia.kermadec")); n != 0 {
		t.Errorf("%d mails to an address that was refused", n)
	}
	s.exec(`UPDATE person SET email = 'nadia.kermadec@exemple.org' WHERE id = $1`, nadia.ID)
	nadia.Post("/notifications/essai", "par", "mail").OK().Has("l’a accepté")
	if m := s.mails.Messages(); len(m) != 1 || m[0].Subject != "Essai de Marelle" {
		t.Errorf("%d mails", len(m))
	}
}

// Nobody has the mail server work for them without end.
func TestTrialsAreCounted(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	for range 10 {
		nadia.Post("/notifications/essai", "par", "mail").OK()
	}
	page := nadia.Post("/notifications/essai", "par", "mail").Is(http.StatusTooManyRequests).Has("15 minutes")
	if page.Header.Get("Retry-After") == "" {
		t.Error("nothing says for how long")
	}
	if n := len(s.mailed("nadia.kermadec")); n != 10 {
		t.Errorf("%d mails", n)
	}
	youssef, _ := s.reached("youssef.kermadec")
	youssef.Post("/notifications/essai", "par", "mail").OK() // counted apart
}
