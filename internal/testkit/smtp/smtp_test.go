package smtp

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wneessen/go-mail"
)

// The client is the product's own library.
func TestReadsWhatIsSent(t *testing.T) {
	s := Start(t)
	if err := send(t, s, "malo@example.org", "Votre code : 123456", "Été\nCode : 123456\n"); err != nil {
		t.Fatal(err)
	}
	if err := send(t, s, "luc@example.org", "Autre", "Autre"); err != nil {
		t.Fatal(err)
	}
	m := s.Next(t, "luc@example.org")
	if m.Subject != "Autre" || m.From != "ecole@example.org" {
		t.Errorf("got %q from %s", m.Subject, m.From)
	}
	first := s.Next(t, "malo@example.org")
	if first.Subject != "Votre code : 123456" || !strings.Contains(first.Text, "Été\nCode : 123456") || !strings.Contains(first.HTML, "<b>Été") {
		t.Errorf("read %+v", first)
	}
	s.Refuse(550)
	if err := send(t, s, "malo@example.org", "Refusé", "x"); err == nil || !strings.Contains(err.Error(), "550") {
		t.Errorf("a refused message gave %v", err)
	}
	s.Refuse(0)
	if err := send(t, s, "malo@example.org", "Encore", "x"); err != nil || s.Next(t, "malo@example.org").Subject != "Encore" {
		t.Errorf("taken again: %v", err)
	}
}

func send(t *testing.T, s *Server, to, subject, body string) error {
	t.Helper()
	host, port, err := net.SplitHostPort(strings.TrimPrefix(s.URL(), "smtp://"))
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	m := mail.NewMsg()
	if err := m.From("ecole@example.org"); err != nil {
		t.Fatal(err)
	}
	if err := m.To(to); err != nil {
		t.Fatal(err)
	}
	m.Subject(subject)
	m.SetBodyString(mail.TypeTextPlain, body)
	m.AddAlternativeString(mail.TypeTextHTML, "<b>"+body+"</b>")
	c, err := mail.NewClient(host, mail.WithPort(n), mail.WithTLSPolicy(mail.NoTLS))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return c.DialAndSendWithContext(ctx, m)
}
