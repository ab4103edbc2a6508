// Package mailtest is a real SMTP server within the process, which delivers to
// nobody and remembers what it was given: for tests, and for the demonstration,
// which shows the messages on a page.
package mailtest

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Received is one message as a mail reader would show it.
type Received struct {
	At        time.Time
	From, To  string // of the envelope
	Subject   string
	MessageID string
	Text      string
	HTML      string
	Header    netmail.Header
}

// kept bounds the memory of a demonstration left running.
const kept = 1000

// Recorder is the server. It is safe for concurrent use.
type Recorder struct {
	server   *smtp.Server
	addr     string
	mu       sync.Mutex
	messages []Received
	refused  map[string]int
	changed  chan struct{}
}

// Start listens on a free loopback port.
func Start() (*Recorder, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &Recorder{addr: l.Addr().String(), refused: map[string]int{}, changed: make(chan struct{})}
	r.server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{r: r}, nil }))
	r.server.Domain = "localhost"
	r.server.ReadTimeout, r.server.WriteTimeout = 30*time.Second, 30*time.Second
	r.server.MaxMessageBytes, r.server.MaxRecipients = 10<<20, 50
	go r.server.Serve(l)
	return r, nil
}

// URL is what MARELLE_SMTP would hold to reach the server.
func (r *Recorder) URL() string {
	return "smtp://" + r.addr + "?from=Marelle+%3Cmarelle@ecole.exemple.fr%3E"
}

// Close stops the server.
func (r *Recorder) Close() error { return r.server.Close() }

// Refuse makes the server answer an SMTP code (450, 550…) to a recipient; 0
// accepts again.
func (r *Recorder) Refuse(to string, code int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refused[to] = code
}

// Messages returns what was received, oldest first; the last thousand.
func (r *Recorder) Messages() []Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

// To returns what one address received, oldest first.
func (r *Recorder) To(address string) []Received {
	return slices.DeleteFunc(r.Messages(), func(m Received) bool { return m.To != address })
}

// Reset forgets everything received.
func (r *Recorder) Reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = nil
}

// Wait returns once n messages are there or the time is over, with what is there.
func (r *Recorder) Wait(n int, d time.Duration) []Received {
	over := time.After(d)
	for {
		r.mu.Lock()
		got, changed := slices.Clone(r.messages), r.changed
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-changed:
		case <-over:
			return got
		}
	}
}

func (r *Recorder) add(m Received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, m)
	if extra := len(r.messages) - kept; extra > 0 {
		r.messages = slices.Delete(r.messages, 0, extra)
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

type session struct {
	r    *Recorder
	from string
	to   []string
}

func (s *session) Reset()        { s.from, s.to = "", nil }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.r.mu.Lock()
	code := s.r.refused[to]
	s.r.mu.Unlock()
	if code != 0 {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "refused: " + to}
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	m, err := Parse(r)
	if err != nil {
		return &smtp.SMTPError{Code: 554, Message: "unreadable message: " + err.Error()}
	}
	m.From, m.At = s.from, time.Now()
	for _, m.To = range s.to {
		s.r.add(m)
	}
	return nil
}

// Parse reads a message: headers decoded, its text and HTML parts.
func Parse(r io.Reader) (Received, error) {
	msg, err := netmail.ReadMessage(r)
	if err != nil {
		return Received{}, err
	}
	m := Received{Header: msg.Header, MessageID: strings.Trim(msg.Header.Get("Message-Id"), "<> ")}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return m, err
	}
	return m, m.part(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), msg.Body)
}

func (m *Received) part(contentType, encoding string, r io.Reader) error {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(r, params["boundary"])
		for {
			p, err := parts.NextRawPart()
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p); err != nil {
				return err
			}
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	text := string(bytes.ReplaceAll(b, []byte("\r\n"), []byte("\n")))
	switch kind {
	case "text/plain":
		m.Text += text
	case "text/html":
		m.HTML += text
	}
	return nil
}
