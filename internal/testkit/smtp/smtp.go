// Package smtp is a real mail server for tests: it listens on loopback, takes
// every message and lets the test read it as its recipient would. It knows
// nothing of what the product writes.
package smtp

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
)

// Message as it came.
type Message struct {
	From    string   // of the envelope
	To      []string // of the envelope
	Header  mail.Header
	Subject string // decoded
	Text    string // the text/plain part, decoded
	HTML    string // the text/html part, decoded
	Raw     string
}

// Server is listening until the test ends.
type Server struct {
	addr string

	mu       sync.Mutex
	messages []Message
	taken    map[int]bool // those that Next returned
	refusal  error
	noSuch   error // of every recipient
}

// Start starts a server for one test.
func Start(t testing.TB) *Server {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{addr: l.Addr().String(), taken: map[int]bool{}}
	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth = "localhost", true
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("the mail server stopped: %v", err)
		}
	}()
	t.Cleanup(func() {
		_ = server.Close() // clients still there are cut off
		<-done
	})
	return s
}

// URL is the server's address for MARELLE_SMTP, without a sender.
func (s *Server) URL() string { return "smtp://" + s.addr }

// Messages returns all that came.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Message(nil), s.messages...)
}

// Next waits for a message to that address that Next has not returned yet, the
// oldest first.
func (s *Server) Next(t testing.TB, to string) Message {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		s.mu.Lock()
		for i, m := range s.messages {
			same := func(r string) bool { return strings.EqualFold(r, to) }
			if !s.taken[i] && slices.ContainsFunc(m.To, same) {
				s.taken[i] = true
				s.mu.Unlock()
				return m
			}
		}
		s.mu.Unlock()
	}
	t.Fatalf("no message to %s came", to)
	return Message{}
}

// Refuse makes the server answer every message with this code (450 for "try
// again", 554 for "I do not like it"); 0 takes them again.
func (s *Server) Refuse(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refusal = refusal(code, smtp.NoEnhancedCode)
}

// RefuseTo makes it answer every recipient with this code, and one of RFC 3463
// ({5, 1, 1} for "no such box", {5, 7, 1} for "you may not").
func (s *Server) RefuseTo(code int, enhanced smtp.EnhancedCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noSuch = refusal(code, enhanced)
}

func refusal(code int, enhanced smtp.EnhancedCode) error {
	if code == 0 {
		return nil
	}
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "refused by the test"}
}

// NewSession is called by the SMTP library for each connection.
func (s *Server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

type session struct {
	server *Server
	from   string
	to     []string
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error { c.from = from; return nil }
func (c *session) Reset()                                      { c.from, c.to = "", nil }
func (c *session) Logout() error                               { return nil }

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	c.to = append(c.to, to)
	return c.server.noSuch
}

func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	m := Message{From: c.from, To: c.to, Raw: string(raw)}
	if err := m.read(); err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.NoEnhancedCode, Message: "not a message: " + err.Error()}
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	if c.server.refusal != nil {
		return c.server.refusal
	}
	c.server.messages = append(c.server.messages, m)
	return nil
}

func (m *Message) read() error {
	parsed, err := mail.ReadMessage(strings.NewReader(m.Raw))
	if err != nil {
		return err
	}
	m.Header = parsed.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return err
	}
	return m.part(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body)
}

// part reads one part of a message, and those in it.
func (m *Message) part(contentType, encoding string, body io.Reader) error {
	if contentType == "" {
		contentType = "text/plain"
	}
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		for parts := multipart.NewReader(body, params["boundary"]); ; {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil {
				err = m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p)
			}
			if err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	data, err := io.ReadAll(body)
	text := strings.ReplaceAll(string(data), "\r\n", "\n")
	switch {
	case kind == "text/plain" && m.Text == "":
		m.Text = text
	case kind == "text/html" && m.HTML == "":
		m.HTML = text
	}
	return err
}
