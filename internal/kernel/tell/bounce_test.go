package tell_test

import (
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/tell"
	"marelle/internal/platform/mail"
)

// came is a message that came back to an address, of a recipient.
func came(to, recipient, status string) string {
	return strings.ReplaceAll("To: "+to+`
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.exemple.fr

Final-Recipient: rfc822; `+recipient+`
Action: failed
Status: `+status+`

--b--
`, "\n", "\r\n")
}

// A mail carries where it returns to; what returns is known again, and an address
// that is not there is written to no more.
func TestAMailThatComesBack(t *testing.T) {
	s := open(t)
	var err error
	if s.Core.Mail, err = mail.ParseURL(s.mails.URL() + "?from=marelle@ecole.exemple.fr&returns=retours@ecole.example"); err != nil {
		t.Fatal(err)
	}
	nadia, _ := s.reached("nadia.kermadec")
	s.publish("Un")
	sent := s.mailed("nadia.kermadec")
	if len(sent) != 1 {
		t.Fatalf("%d mails", len(sent))
	}
	at := sent[0].From
	if !strings.HasPrefix(at, "retours+") || !strings.HasSuffix(at, "@ecole.example") || strings.Contains(at, nadia.ID) || strings.Contains(at, "nadia") {
		t.Fatalf("it returns to %q", at)
	}
	back := func(want tell.Returned, text, to string) {
		t.Helper()
		if got, err := tell.ReadReturned(t.Context(), s.Core, strings.NewReader(text), to); err != nil || got != want {
			t.Errorf("%q, %v; want %q", got, err, want)
		}
	}
	mine := "nadia.kermadec@exemple.fr"
	back(tell.NotOurs, "Subject: Bonjour\r\n\r\nAbsente", "")
	back(tell.NotOurs, came("retours@ecole.example", mine, "5.1.1"), "")
	back(tell.NotOurs, came("retours+"+strings.Repeat("0", 39)+"@ecole.example", mine, "5.1.1"), "")
	back(tell.Stale, came(at, "autre@exemple.fr", "5.1.1"), "")
	for range 6 { // a full mailbox, several times in an evening
		back(tell.Passing, came(at, mine, "5.2.2"), "")
	}
	nadia.Get("/compte").OK().Lacks("a été refusée")
	s.Core.Clock.Advance(4 * 24 * time.Hour)
	back(tell.Passing, came("x@y.fr", mine, "5.2.2"), at)
	nadia.Get("/compte").OK().Has("a été refusée") // for days
	s.exec(`DELETE FROM refused_address`)
	back(tell.Refused, came(strings.ToUpper(at), mine, "5.1.1"), "")
	nadia.Get("/compte").OK().Has("a été refusée")
	s.publish("Deux")
	if n := len(s.mailed("nadia.kermadec")); n != 1 {
		t.Errorf("%d mails to an address that is not there", n)
	}
}
