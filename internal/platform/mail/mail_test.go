package mail_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	gosmtp "github.com/emersion/go-smtp"
	"pgregory.net/rapid"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/mail/mailtest"
)

func start(t testing.TB) (*mailtest.Recorder, *mail.Sender) {
	t.Helper()
	r, err := mailtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	s, err := mail.ParseURL(r.URL())
	if err != nil {
		t.Fatal(err)
	}
	return r, s
}

func TestSend(t *testing.T) {
	r, s := start(t)
	err := s.Send(t.Context(), mail.Message{
		To: "nadia@exemple.fr", Name: "Nadia Benhamou, CE1", Subject: "Sortie à la mer : « prévoir les bottes » été",
		Text: "Bonjour,\n\nÀ demain.\n.\n" + strings.Repeat("é", 1200), HTML: "<p>Bonjour,</p><p>À demain.</p>",
		MessageID: "feed.12@ecole.exemple.fr", Headers: map[string]string{"X-Kind": "word"},
		ListUnsubscribe: "https://ecole.exemple.fr/desabonnement/abc",
	})
	if err != nil {
		t.Fatal(err)
	}
	got := r.Wait(1, 5*time.Second)
	if len(got) != 1 {
		t.Fatalf("%d messages", len(got))
	}
	m := got[0]
	if m.Subject != "Sortie à la mer : « prévoir les bottes » été" || m.To != "nadia@exemple.fr" || m.From != "marelle@ecole.exemple.fr" || m.MessageID != "feed.12@ecole.exemple.fr" {
		t.Errorf("%+v", m)
	}
	if m.Text != "Bonjour,\n\nÀ demain.\n.\n"+strings.Repeat("é", 1200) || m.HTML != "<p>Bonjour,</p><p>À demain.</p>" {
		t.Errorf("text %q html %q", m.Text, m.HTML)
	}
	for k, want := range map[string]string{
		"List-Unsubscribe": "<https://ecole.exemple.fr/desabonnement/abc>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
		"Auto-Submitted": "auto-generated", "X-Kind": "word",
	} {
		if m.Header.Get(k) != want {
			t.Errorf("%s: %q", k, m.Header.Get(k))
		}
	}
}

func TestSendAll(t *testing.T) {
	r, s := start(t)
	r.Refuse("perdue@exemple.fr", 550)
	r.Refuse("pleine@exemple.fr", 452)
	var all []mail.Message
	for _, to := range []string{"a@exemple.fr", "perdue@exemple.fr", "pleine@exemple.fr", "pas une adresse", "b@exemple.fr"} {
		all = append(all, mail.Message{To: to, Subject: "x", Text: "y"})
	}
	out := s.SendAll(t.Context(), all)
	for i, want := range []string{"", "permanent", "temporary", "permanent", ""} {
		switch err := out[i]; {
		case want == "" && err != nil:
			t.Errorf("%s: %v", all[i].To, err)
		case want != "" && (err == nil || mail.IsPermanent(err) != (want == "permanent")):
			t.Errorf("%s: %v, want %s", all[i].To, err, want)
		case err != nil && strings.Contains(err.Error(), "exemple.fr"):
			t.Errorf("an address in %v", err)
		}
	}
	if got := r.Wait(2, 5*time.Second); len(got) != 2 || len(r.To("b@exemple.fr")) != 1 {
		t.Errorf("%d received", len(got))
	}
}

func TestUnreachable(t *testing.T) {
	_, s := start(t)
	dead, _ := mail.ParseURL("smtp://127.0.0.1:1?from=a@exemple.fr")
	if err := dead.Send(t.Context(), mail.Message{To: "a@exemple.fr", Subject: "x", Text: "y"}); err == nil || mail.IsPermanent(err) {
		t.Errorf("nobody listens: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Send(gone, mail.Message{To: "a@exemple.fr", Subject: "x", Text: "y"}); err == nil || mail.IsPermanent(err) {
		t.Errorf("cancelled: %v", err)
	}
}

// A server that greets and then says nothing must not hold a worker.
func TestSilentServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Write([]byte("220 localhost ESMTP\r\n"))
			go bufio.NewReader(c).ReadString(0)
		}
	}()
	s, err := mail.ParseURL("smtp://" + l.Addr().String() + "?from=a@exemple.fr")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := s.Send(ctx, mail.Message{To: "a@exemple.fr", Subject: "x", Text: "y"}); err == nil {
		t.Error("sent into silence")
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("held for %v", d)
	}
}

// secured is an SMTP server with a certificate for 127.0.0.1, which TestMain
// makes known, asking for a password.
type secured struct{ got atomic.Int64 }

func (b *secured) NewSession(*gosmtp.Conn) (gosmtp.Session, error) { return &securedSession{b: b}, nil }

type securedSession struct {
	b  *secured
	in bool
}

func (s *securedSession) AuthMechanisms() []string { return []string{sasl.Plain} }
func (s *securedSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.in = user == "ecole" && password == "p@ss"; !s.in {
			return gosmtp.ErrAuthFailed
		}
		return nil
	}), nil
}
func (s *securedSession) Mail(string, *gosmtp.MailOptions) error {
	if !s.in {
		return gosmtp.ErrAuthRequired
	}
	return nil
}
func (s *securedSession) Rcpt(string, *gosmtp.RcptOptions) error { return nil }
func (s *securedSession) Reset()                                 {}
func (s *securedSession) Logout() error                          { return nil }
func (s *securedSession) Data(r io.Reader) error {
	s.b.got.Add(1)
	_, err := io.Copy(io.Discard, r)
	return err
}

var certificate tls.Certificate

func TestMain(m *testing.M) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		panic(err)
	}
	certificate = tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	dir, err := os.MkdirTemp("", "mail")
	if err != nil {
		panic(err)
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		panic(err)
	}
	os.Setenv("SSL_CERT_FILE", file)
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

func TestTLS(t *testing.T) {
	b := &secured{}
	serve := func(wrap bool) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s := gosmtp.NewServer(b)
		s.Domain, s.TLSConfig = "localhost", &tls.Config{Certificates: []tls.Certificate{certificate}}
		addr := l.Addr().String()
		if wrap {
			l = tls.NewListener(l, s.TLSConfig)
		}
		go s.Serve(l)
		t.Cleanup(func() { s.Close() })
		return addr
	}
	r, _ := start(t)
	clear := strings.TrimPrefix(strings.Split(r.URL(), "?")[0], "smtp://")
	for _, c := range []struct {
		url string
		ok  bool
	}{
		{"smtps://ecole:p%40ss@" + serve(true) + "?from=a@exemple.fr", true},
		{"smtp://ecole:p%40ss@" + serve(false) + "?from=a@exemple.fr&tls=starttls", true},
		{"smtps://ecole:faux@" + serve(true) + "?from=a@exemple.fr", false},
		{"smtps://ecole:p%40ss@" + strings.Replace(serve(true), "127.0.0.1", "localhost", 1) + "?from=a@exemple.fr", false}, // not the name of the certificate
		{"smtps://" + clear + "?from=a@exemple.fr", false},
		{"smtp://" + clear + "?from=a@exemple.fr&tls=starttls", false},
	} {
		s, err := mail.ParseURL(c.url)
		if err != nil {
			t.Fatal(err)
		}
		before := b.got.Load()
		err = s.Send(t.Context(), mail.Message{To: "a@exemple.fr", Subject: "x", Text: "y"})
		if (err == nil) != c.ok || (b.got.Load() > before) != c.ok {
			t.Errorf("%s: %v", c.url, err)
		}
		if err != nil && (mail.IsPermanent(err) || strings.Contains(err.Error(), "p@ss")) {
			t.Errorf("%s: %v", c.url, err)
		}
	}
	if len(r.Messages()) != 0 {
		t.Error("a message left in clear text though TLS was asked for")
	}
}

func TestParseURL(t *testing.T) {
	say, err := i18n.New(mail.Messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{
		"", "http://x", "smtp://", "smtp://h", "smtp://h?from=x", "smtp://h:0?from=a@b.fr", "smtp://h:99999?from=a@b.fr", "smtp://user@h?from=a@b.fr",
		"smtp://h?from=a@b.fr&tls=maybe", "smtps://h?from=a@b.fr&tls=none", "smtp://u:hunter2@h:x?from=a@b.fr", "smtp://h?from=a@b.fr&form=x", "smtp://u:hunter2@h",
	} {
		_, err := mail.ParseURL(bad)
		e := errs.As(err)
		if e == nil {
			t.Errorf("%q: %v", bad, err)
			continue
		}
		if s := say.Render(e.Message.Key, e.Message.Args); !strings.HasPrefix(s, "MARELLE_SMTP") || strings.Contains(s+err.Error(), "hunter2") || strings.Contains(s, "\n") || strings.Contains(s, "no value") {
			t.Errorf("%q: %q", bad, s)
		}
	}
	for _, good := range []string{"smtp://h?from=a@b.fr", "smtps://u:p%40ss@h:465?from=École <a@b.fr>", "smtp://relay:25?from=a@b.fr&tls=none"} {
		if s, err := mail.ParseURL(good); err != nil || s.From() != "a@b.fr" {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestNoHeaderInjection(t *testing.T) {
	r, s := start(t)
	for _, m := range []mail.Message{
		{To: "a@exemple.fr\r\nBcc: tous@exemple.fr", Subject: "x", Text: "y"},
		{To: "a@exemple.fr", Subject: "x", Text: "y", MessageID: "a@b>\r\nBcc: z@exemple.fr"},
		{To: "a@exemple.fr", Subject: "x", Text: "y", Headers: map[string]string{"X-A": "b\r\nBcc: z@exemple.fr"}},
		{To: "a@exemple.fr", Subject: "x", Text: "y", Headers: map[string]string{"X-A: b\r\nBcc": "z@exemple.fr"}},
		{To: "a@exemple.fr", Subject: "x", Text: "y", ListUnsubscribe: "https://x/>\r\nBcc: z@exemple.fr"},
	} {
		if err := s.Send(t.Context(), m); !mail.IsPermanent(err) {
			t.Errorf("%+v: %v", m, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r.Reset()
		nasty := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-zé"<>,]*(\r\n|\n|\r)(Bcc: z@exemple.fr|X-Evil: 1|\r\n\r\ncorps)?`))
		subject, name := nasty.Draw(t, "subject"), nasty.Draw(t, "name")
		if err := s.Send(context.Background(), mail.Message{To: "a@exemple.fr", Name: name, Subject: subject, Text: "y"}); err != nil {
			if !mail.IsPermanent(err) {
				t.Fatal(err)
			}
			return
		}
		got := r.Wait(1, 5*time.Second)
		if len(got) != 1 || got[0].To != "a@exemple.fr" || strings.TrimSpace(got[0].Text) != "y" || got[0].Header.Get("X-Evil") != "" || got[0].Header.Get("Bcc") != "" {
			t.Fatalf("%+v", got)
		}
	})
}

func TestAddress(t *testing.T) {
	c, err := i18n.New(mail.Messages)
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		" Nadia.B+ecole@Exemple.FR ":      "nadia.b+ecole@exemple.fr",
		"a@sous.domaine.exemple.fr":       "a@sous.domaine.exemple.fr",
		"":                                "mail.address_empty",
		"nadia":                           "mail.address_at",
		"nadia@":                          "mail.address_end",
		"nadia@orange":                    "mail.address_end",
		"nadia@orange.":                   "mail.address_end",
		"élodie@orange.fr":                "mail.address_space",
		"na dia@orange.fr":                "mail.address_space",
		"a@b.fr\r\nBcc: c@d.fr":           "mail.address_space",
		"a@b@c.fr":                        "mail.address_wrong",
		"Nadia<a@b.fr>":                   "mail.address_wrong",
		`"a"@b.fr`:                        "mail.address_wrong",
		"a..b@c.fr":                       "mail.address_wrong",
		"a@-c.fr":                         "mail.address_wrong",
		"a,b@c.fr":                        "mail.address_wrong",
		strings.Repeat("a", 65) + "@c.fr": "mail.address_wrong",
	} {
		got, err := mail.Address(in)
		if err != nil {
			var e *errs.Error
			if !errors.As(err, &e) || e.Kind != errs.Invalid || !c.Has(e.Message.Key) {
				t.Fatalf("%q: %v", in, err)
			}
			got = e.Message.Key
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestSuggest(t *testing.T) {
	for in, want := range map[string]string{
		"a@gmial.com": "a@gmail.com", "a@gmail.con": "a@gmail.com", "a@gmail.fr": "a@gmail.com", "A@Gmal.com": "a@gmail.com",
		"a@orage.fr": "a@orange.fr", "a@orange.com": "a@orange.fr", "a@hotmial.fr": "a@hotmail.fr", "a@wanado.fr": "a@wanadoo.fr", "a@laposte.fr": "a@laposte.net",
		"a@outlok.fr": "a@outlook.fr", "a@yaho.fr": "a@yahoo.fr", "a@fre.fr": "a@free.fr",
		"a@gmail.com": "", "a@ymail.com": "", "a@mairie-berck.fr": "", "a@exemple.fr": "", "a": "", "@gmial.com": "", "a@": "",
	} {
		if got := mail.Suggest(in); got != want {
			t.Errorf("%s: %q, want %q", in, got, want)
		}
	}
}

func FuzzAddress(f *testing.F) {
	f.Add("a@b.fr")
	f.Add("a@b.fr\r\nBcc: c@d.fr")
	f.Fuzz(func(t *testing.T, s string) {
		a, err := mail.Address(s)
		mail.Suggest(s)
		if err != nil {
			return
		}
		if again, err := mail.Address(a); err != nil || again != a || strings.ContainsAny(a, "\r\n <>,\"") {
			t.Fatalf("%q gave %q, then %q, %v", s, a, again, err)
		}
	})
}
