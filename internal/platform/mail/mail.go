// Package mail hands messages to an SMTP server, and judges addresses. It knows
// no template, no preference and no queue: what to say, to whom and when to try
// again are decided by its callers.
package mail

import (
	"context"
	"crypto/tls"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	netmail "net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

//go:embed i18n
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// Message goes to one person: nobody sees another's address.
type Message struct {
	To      string // an address as Address returns it
	Name    string // of the recipient, may be empty
	Subject string
	Text    string // always
	HTML    string // may be empty
	// MessageID is "left@domain" without brackets. Give the same again when a
	// message is retried, so that a mailbox may know it; empty makes a new one.
	MessageID string
	// Headers are set as they are; a line end in one is an error.
	Headers map[string]string
	// ListUnsubscribe is the https address of RFC 8058 one-click; may be empty.
	ListUnsubscribe string
	// Return is added to the address that undelivered messages return to, where
	// there is one, to be known again; it tells nothing. May be empty.
	Return string
}

// Sender reaches one SMTP server. Its zero value is of no use: see ParseURL.
type Sender struct {
	host, user, password string
	port                 int
	ssl                  bool
	policy               gomail.TLSPolicy
	from                 *netmail.Address
	domain               string
	returns              string // where undelivered messages return to, or ""
	// Timeout bounds the dialogue for one message.
	Timeout time.Duration
}

// ParseURL reads smtp[s]://user:password@host:port?from=…&returns=…: smtps speaks TLS from
// the first byte (port 465, RFC 8314), smtp requires STARTTLS (port 587) unless
// the host is this machine or tls=none is said (tls=starttls asks for it there). The error is one sentence and
// never holds the password.
func ParseURL(s string) (*Sender, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, errs.New(errs.Invalid, "mail.url_form")
	}
	if u.Scheme != "smtp" && u.Scheme != "smtps" {
		return nil, errs.New(errs.Invalid, "mail.url_form")
	}
	m := &Sender{host: u.Hostname(), ssl: u.Scheme == "smtps", port: 587, Timeout: 30 * time.Second}
	if m.host == "" {
		return nil, errs.New(errs.Invalid, "mail.url_host")
	}
	if m.ssl {
		m.port = 465
	}
	if p := u.Port(); p != "" {
		if m.port, err = strconv.Atoi(p); err != nil || m.port < 1 || m.port > 65535 {
			return nil, errs.New(errs.Invalid, "mail.url_port", "value", p)
		}
	}
	if u.User != nil {
		m.user = u.User.Username()
		m.password, _ = u.User.Password()
		if m.user == "" || m.password == "" {
			return nil, errs.New(errs.Invalid, "mail.url_account")
		}
	}
	q := u.Query()
	for k := range q {
		if k != "from" && k != "tls" && k != "returns" {
			return nil, errs.New(errs.Invalid, "mail.url_option", "value", k)
		}
	}
	if q.Get("from") == "" {
		return nil, errs.New(errs.Invalid, "mail.url_no_from")
	}
	if m.from, err = netmail.ParseAddress(q.Get("from")); err != nil {
		return nil, errs.New(errs.Invalid, "mail.url_from", "value", q.Get("from"))
	}
	_, m.domain, _ = strings.Cut(m.from.Address, "@")
	if r := q.Get("returns"); r != "" {
		local, _, _ := strings.Cut(r, "@")
		if m.returns, err = Address(r); err != nil || len(local) > 20 || strings.Contains(local, "+") {
			return nil, errs.New(errs.Invalid, "mail.url_returns", "value", r)
		}
	}
	switch t := q.Get("tls"); {
	case t != "" && t != "none" && t != "starttls":
		return nil, errs.New(errs.Invalid, "mail.url_tls", "value", t)
	case t != "" && m.ssl:
		return nil, errs.New(errs.Invalid, "mail.url_both", "value", t)
	case t == "none" || t == "" && loopback(m.host) || m.ssl:
		m.policy = gomail.NoTLS // no STARTTLS; smtps is within TLS already
	default:
		m.policy = gomail.TLSMandatory
	}
	return m, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// From is the sender's address, for screens and for doctor.
func (s *Sender) From() string { return s.from.Address }

// Send hands one message to the server. See SendAll.
func (s *Sender) Send(ctx context.Context, m Message) error {
	return s.SendAll(ctx, []Message{m})[0]
}

// SendAll hands messages over one connection and returns one error (or nil) for
// each, in order. A permanent error (IsPermanent) will not pass by trying again;
// any other may. No error holds an address.
func (s *Sender) SendAll(ctx context.Context, messages []Message) []error {
	out := make([]error, len(messages))
	var c *gomail.Client
	for i, m := range messages {
		msg, err := s.build(m)
		if err != nil {
			out[i] = &Error{Permanent: true, cause: err}
			continue
		}
		if c == nil {
			stop := func() bool { return true }
			if c, err = s.dial(ctx, &stop); err != nil {
				stop()
				for ; i < len(messages); i++ {
					out[i] = &Error{cause: fmt.Errorf("the server %s cannot be reached: %w", s.host, err)}
				}
				return out
			}
			defer func() { c.Close(); stop() }()
		}
		if err := c.Send(msg); err != nil {
			out[i] = classify(err)
		}
	}
	return out
}

// dial opens a connection that closes with the context: go-mail alone looks at
// the context only while connecting.
func (s *Sender) dial(ctx context.Context, stop *func() bool) (*gomail.Client, error) {
	var open net.Conn
	opts := []gomail.Option{
		gomail.WithPort(s.port), gomail.WithTimeout(s.Timeout), gomail.WithHELO(s.domain), gomail.WithTLSPolicy(s.policy),
		gomail.WithDialContextFunc(func(dialing context.Context, network, addr string) (net.Conn, error) {
			conn, err := (&net.Dialer{Timeout: 15 * time.Second}).DialContext(dialing, network, addr)
			if err != nil {
				return nil, err
			}
			open, *stop = conn, context.AfterFunc(ctx, func() { conn.Close() })
			if !s.ssl {
				return conn, nil
			}
			secured := tls.Client(conn, &tls.Config{ServerName: s.host, MinVersion: tls.VersionTLS12})
			if err := secured.HandshakeContext(dialing); err != nil {
				conn.Close()
				return nil, err
			}
			return secured, nil
		}),
	}
	if s.ssl {
		opts = append(opts, gomail.WithSSL())
	}
	if s.user != "" {
		opts = append(opts, gomail.WithSMTPAuthCustom(&auth{sender: s}))
	}
	c, err := gomail.NewClient(s.host, opts...)
	if err != nil {
		return nil, err
	}
	if err := c.DialWithContext(ctx); err != nil {
		if open != nil {
			open.Close() // a server that is refused after the greeting is left open by go-mail
		}
		return nil, err
	}
	return c, nil
}

// auth takes the first way of signing in that both sides know. In clear text it
// serves only where the operator chose that (tls=none) or within this machine.
type auth struct {
	sender *Sender
	smtp.Auth
}

func (a *auth) Start(server *smtp.ServerInfo) (string, []byte, error) {
	s, clear := a.sender, a.sender.policy == gomail.NoTLS && !a.sender.ssl
	for _, way := range []struct {
		name string
		auth smtp.Auth
	}{
		{"PLAIN", smtp.PlainAuth("", s.user, s.password, s.host, clear)},
		{"LOGIN", smtp.LoginAuth(s.user, s.password, s.host, clear)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(s.user, s.password)},
	} {
		for _, offered := range server.Auth {
			if strings.EqualFold(offered, way.name) {
				a.Auth = way.auth
				return way.auth.Start(server)
			}
		}
	}
	return "", nil, fmt.Errorf("the server offers no known way to sign in (%s)", strings.Join(server.Auth, ", "))
}

var (
	headerName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,60}$`)
	messageID  = regexp.MustCompile(`^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+$`)
)

// build makes the MIME message: text and HTML as alternatives, in UTF-8.
func (s *Sender) build(m Message) (*gomail.Msg, error) {
	to, err := Address(m.To)
	if err != nil {
		return nil, err
	}
	if m.Text == "" {
		return nil, errors.New("a message without text")
	}
	msg := gomail.NewMsg()
	if err := msg.FromFormat(s.from.Name, s.from.Address); err != nil {
		return nil, err
	}
	if err := msg.AddToFormat(oneLine(m.Name), to); err != nil {
		return nil, err
	}
	if s.returns != "" && m.Return != "" {
		local, host, _ := strings.Cut(s.returns, "@")
		if err := msg.EnvelopeFrom(local + "+" + m.Return + "@" + host); err != nil {
			return nil, err
		}
	}
	msg.Subject(oneLine(m.Subject))
	if m.MessageID == "" {
		m.MessageID = id.New() + "@" + s.domain
	}
	if !messageID.MatchString(m.MessageID) {
		return nil, fmt.Errorf("invalid message id %q", m.MessageID)
	}
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday replies
	for k, v := range m.Headers {
		if !headerName.MatchString(k) || strings.ContainsAny(v, "\r\n\x00") {
			return nil, fmt.Errorf("invalid header %q", k)
		}
		msg.SetGenHeader(gomail.Header(k), v)
	}
	if m.ListUnsubscribe != "" {
		u, err := url.Parse(m.ListUnsubscribe)
		if err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u.Hostname()) || strings.ContainsAny(m.ListUnsubscribe, "\r\n<> ") {
			return nil, errors.New("the unsubscription address is no https address")
		}
		msg.SetGenHeaderPreformatted(gomail.HeaderListUnsubscribe, "<"+m.ListUnsubscribe+">")
		msg.SetListUnsubscribePost()
	}
	msg.SetBodyString(gomail.TypeTextPlain, m.Text)
	if m.HTML != "" {
		msg.AddAlternativeString(gomail.TypeTextHTML, m.HTML)
	}
	return msg, nil
}

// oneLine takes out what could begin another header.
func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u2028' || r == '\u2029' }), " ")
}

// Error is why a message was not accepted.
type Error struct {
	Permanent bool
	Recipient bool // it is the address that was refused, not the message
	Code      int  // the server's reply code, 0 without one
	cause     error
}

func (e *Error) Error() string {
	kind := "temporary"
	if e.Permanent {
		kind = "permanent"
	}
	if e.cause == nil {
		return fmt.Sprintf("mail: %s refusal by the server (code %d)", kind, e.Code)
	}
	return fmt.Sprintf("mail: %s failure: %v", kind, e.cause)
}

func (e *Error) Unwrap() error { return e.cause }

// IsPermanent says whether an error of Send will come again however often the
// message is tried: the address does not exist, the message is malformed.
func IsPermanent(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Permanent
}

// classify drops the library's text, which names the recipient, and keeps the
// code. A 5xx to our greeting or password is the operator's to mend, and so no
// permanent fault of the message: only replies about it count.
func classify(err error) error {
	var se *gomail.SendError
	if !errors.As(err, &se) {
		return &Error{cause: errors.New("the connection failed")}
	}
	code := se.ErrorCode()
	switch se.Reason {
	case gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose:
		permanent := code >= 500 && code < 600
		// Of a recipient, 5.7 is a policy: the sender is not liked, the address is right.
		recipient := permanent && se.Reason == gomail.ErrSMTPRcptTo && !strings.HasPrefix(se.EnhancedStatusCode(), "5.7.")
		return &Error{Permanent: permanent, Recipient: recipient, Code: code}
	}
	return &Error{Code: code, cause: fmt.Errorf("%v (code %d)", se.Reason, code)}
}
