package mail_test

import (
	"errors"
	"strings"
	"testing"

	"marelle/internal/platform/mail"
)

// returned is a report as Postfix writes it.
func returned(action, status string) string {
	return strings.ReplaceAll(`Return-Path: <>
To: retours+abc@ecole.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status;
	boundary="B/ecole"

--B/ecole
Content-Type: text/plain

I'm sorry to have to inform you.

--B/ecole
Content-Type: message/delivery-status

Reporting-MTA: dns; mail.ecole.example
Arrival-Date: Mon, 23 Nov 2026 16:30:00 +0100 (CET)

Final-Recipient: rfc822; Nadia@Exemple.fr
Original-Recipient: rfc822;nadia@exemple.fr
Action: `+action+`
Status: `+status+`
Diagnostic-Code: smtp; 550 no such user

--B/ecole
Content-Type: message/rfc822

Subject: Nouveau mot
--B/ecole--
`, "\n", "\r\n")
}

func TestReportsOfMailServersAreRead(t *testing.T) {
	for _, c := range []struct {
		action, status string
		failed, wrong  bool
	}{
		{"failed", "5.1.1", true, true},
		{"failed", "5.2.1 (disabled)", true, true},
		{"failed", "5.2.2", true, false}, // full
		{"failed", "5.7.1", true, false}, // not liked
		{"failed", "4.4.7", true, false}, // given up
		{"delayed", "4.4.1", false, false},
		{"delivered", "2.0.0", false, false},
	} {
		r, err := mail.ReadReport(strings.NewReader(returned(c.action, c.status)))
		if err != nil || r.Recipient != "nadia@exemple.fr" || len(r.To) != 1 || r.To[0] != "retours+abc@ecole.example" || r.Failed() != c.failed || r.Wrong() != c.wrong {
			t.Errorf("%s %s: %+v, %v", c.action, c.status, r, err)
		}
	}
	for name, text := range map[string]string{
		"empty": "", "a letter": "To: a@b.fr\r\nContent-Type: text/plain\r\n\r\nBonjour",
		"without its part":  "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\n\r\nBonjour\r\n--x--\r\n",
		"without recipient": "Content-Type: multipart/report; report-type=delivery-status; boundary=x\r\n\r\n--x\r\nContent-Type: message/delivery-status\r\n\r\nA: b\r\n\r\n--x--\r\n",
		"without end":       returned("failed", "5.1.1")[:300],
	} {
		if r, err := mail.ReadReport(strings.NewReader(text)); !errors.Is(err, mail.ErrNoReport) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func FuzzReport(f *testing.F) {
	f.Add(returned("failed", "5.1.1"))
	f.Add("Content-Type: multipart/report; report-type=delivery-status\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if r, err := mail.ReadReport(strings.NewReader(text)); err == nil && r.Recipient == "" {
			t.Errorf("a report of nobody: %+v", r)
		}
	})
}
