// Package push sends encrypted messages to the push services of browsers (Web
// Push: RFC 8030, 8188, 8291, 8292). It knows nobody, no event and no
// preference, and keeps no row: what to say, to which subscriptions, when to
// try again and which subscriptions to forget are decided by its callers.
package push

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/cpu"
)

// Urgency is how much a message is worth waking a phone for (RFC 8030 § 5.3).
type Urgency string

// The urgencies. The empty one is Normal.
const (
	VeryLow Urgency = "very-low"
	Low     Urgency = "low"
	Normal  Urgency = "normal"
	High    Urgency = "high"
)

// Message is what a service worker receives. The push service sees all of it
// but the payload.
type Message struct {
	Payload []byte // MaxPayload bytes at most
	// TTL is how long the service keeps it for a device that is off, to the
	// second; 0 delivers now or never, 28 days are the most that is asked.
	TTL     time.Duration
	Urgency Urgency
	// Topic makes a message replace the one of the same topic that was not
	// delivered yet: 32 letters of base64url at most, or empty.
	Topic string
}

const maxTTL = 28 * 24 * time.Hour

// check says what is wrong with a message.
func (m Message) check() error {
	switch {
	case len(m.Payload) == 0:
		return errors.New("no payload")
	case m.TTL < 0 || m.TTL > maxTTL:
		return errors.New("a time to live out of bounds")
	case len(m.Topic) > 32 || strings.Trim(m.Topic, base64url) != "":
		return errors.New("a topic that is not 32 letters of base64url at most")
	}
	switch m.Urgency {
	case "", VeryLow, Low, Normal, High:
		return nil
	}
	return errors.New("an unknown urgency")
}

const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Outcome is what became of one message.
type Outcome int

// The outcomes.
const (
	Refused  Outcome = iota // as it is, it will not pass; Reason says why
	Sent                    // the service took it
	Gone                    // the subscription does not exist any more: forget it
	TooLarge                // the payload is too long, here or for the service
	Later                   // try again once After has passed
)

func (o Outcome) String() string {
	return [...]string{"refused", "sent", "gone", "too large", "later"}[o]
}

// Result is the answer to one message.
type Result struct {
	Outcome Outcome
	After   time.Duration // of Later: at least a second
	Status  int           // of the service's answer, 0 without one
	// Reason is for the log: it names no endpoint and repeats nothing that the
	// service wrote. Empty when sent.
	Reason string
}

// Push is one message to one subscription.
type Push struct {
	To      Subscription
	Message Message
}

// Options are what a Sender needs.
type Options struct {
	Identity *Identity
	Hosts    Hosts
	Clock    *clock.Clock
	// Roots are the authorities believed; nil for the machine's.
	Roots *x509.CertPool
	// Resolver finds addresses; nil for the machine's.
	Resolver *net.Resolver
	// Timeout bounds one exchange, Parallel the exchanges of one SendAll; 0 for
	// 15 seconds and 64.
	Timeout  time.Duration
	Parallel int
}

// Sender hands messages to push services. It is safe for concurrent use.
type Sender struct {
	Options
	client *http.Client
	// A place to encrypt in: each message goes on to its service beside pages, and
	// so fewer at a time are made than could be.
	work chan struct{}

	mu       sync.Mutex
	services map[string]*service // by origin
}

// service is what is known of one push service.
type service struct {
	authorization string
	renew         time.Time // the authorization, from then on
	until         time.Time // it asked to be left alone
	silent        int       // exchanges in a row that got no answer
}

const (
	// conns of HTTP/2 carry a hundred exchanges each; over HTTP/1.1, which only a
	// service of this machine may speak, one.
	conns = 16
	// knownServices bounds the memory that invented names under an allowed
	// domain may take.
	knownServices = 1000
	// unasked is the pause when a service wants one and does not say how long.
	unasked = time.Minute
	// longest is the most that a service may make its messages wait.
	longest = 24 * time.Hour
	// retry is when a message is tried again that got no answer.
	retry = 30 * time.Second
	// silences in a row make a service pause: else each of ten thousand messages
	// would wait for the end of its time.
	silences = 3
)

// errAddress is what the dial guard answers.
var errAddress = errors.New("its name leads to a private address")

// NewSender makes a Sender, which opens nothing before the first message.
func NewSender(o Options) *Sender {
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.Parallel <= 0 {
		o.Parallel = 64
	}
	s := &Sender{Options: o, services: map[string]*service{}, work: make(chan struct{}, max(1, cpu.Cores()/2))}
	free := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Resolver: o.Resolver}
	guarded := *free
	// The address that is dialled is looked at, not the one that a first look-up gave.
	guarded.Control = func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !public(to.Addr()) {
			return errAddress
		}
		return nil
	}
	s.client = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		// No proxy: its address would be dialled, and the guard see nothing.
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				if o.Hosts.named(address) {
					return free.DialContext(ctx, network, address)
				}
				return guarded.DialContext(ctx, network, address)
			},
			TLSClientConfig:        &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        conns,
			MaxIdleConnsPerHost:    conns,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 32 << 10,
			DisableCompression:     true,
		},
	}
	return s
}

// Close lets go of the idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Paused says for how long the service of an endpoint is to be left alone; 0 if
// it is not. Until then Send answers Later and asks nobody.
func (s *Sender) Paused(endpoint string) time.Duration {
	at, err := s.Hosts.locate(endpoint)
	if err != nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused(s.service(at.origin))
}

// SendAll sends many at once and returns one result for each, in order. When
// the context ends, what was not sent is for Later.
func (s *Sender) SendAll(ctx context.Context, all []Push) []Result {
	out := make([]Result, len(all))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(s.Parallel, len(all)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(all)); i = next.Add(1) - 1 {
				out[i] = s.Send(ctx, all[i].To, all[i].Message)
			}
		})
	}
	workers.Wait()
	return out
}

// Send hands one message to its push service.
func (s *Sender) Send(ctx context.Context, to Subscription, m Message) Result {
	if err := m.check(); err != nil {
		return Result{Outcome: Refused, Reason: "a message with " + err.Error()}
	}
	if len(m.Payload) > MaxPayload {
		return Result{Outcome: TooLarge, Reason: "a payload over " + strconv.Itoa(MaxPayload) + " bytes"}
	}
	// Again, for a row may be older than today's list of hosts.
	at, err := to.open(s.Hosts)
	if err != nil {
		return Result{Outcome: Refused, Reason: err.Error()}
	}
	if ctx.Err() != nil {
		return later(time.Second, "stopped")
	}
	authorization, wait, err := s.enter(at.origin)
	if err != nil {
		return Result{Outcome: Refused, Reason: "our token cannot be signed"}
	}
	if wait > 0 {
		return later(wait, "the service asked to wait")
	}
	var body []byte
	s.work <- struct{}{}
	cpu.Behind(func() { body, err = encrypt(at, m.Payload) })
	<-s.work
	if err != nil {
		return Result{Outcome: Refused, Reason: "the payload cannot be encrypted"}
	}
	return s.post(ctx, at, m, authorization, body)
}

func (s *Sender) post(ctx context.Context, at *target, m Message, authorization string, body []byte) Result {
	bounded, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(bounded, http.MethodPost, at.endpoint, bytes.NewReader(body))
	if err != nil {
		return Result{Outcome: Refused, Reason: "an endpoint that is no address"}
	}
	req.Header = http.Header{
		"Authorization":    {authorization},
		"Content-Encoding": {"aes128gcm"},
		"Content-Type":     {"application/octet-stream"},
		"Ttl":              {strconv.Itoa(int(m.TTL / time.Second))},
		"User-Agent":       {"Marelle"},
	}
	if m.Urgency != "" && m.Urgency != Normal {
		req.Header.Set("Urgency", string(m.Urgency))
	}
	if m.Topic != "" {
		req.Header.Set("Topic", m.Topic)
	}
	resp, err := s.client.Do(req)
	if err != nil { // its text holds the endpoint, and so goes nowhere
		switch {
		case ctx.Err() != nil:
			return later(time.Second, "stopped")
		case errors.Is(err, errAddress):
			return Result{Outcome: Refused, Reason: errAddress.Error()}
		}
		return s.silent(at.origin, bounded.Err() != nil)
	}
	// What it wrote is for nobody; read a little, so that HTTP/1.1 keeps the connection.
	_, _ = io.CopyN(io.Discard, resp.Body, 4<<10)
	resp.Body.Close()
	return s.answered(at.origin, resp)
}

// answered reads what a service said.
func (s *Sender) answered(origin string, resp *http.Response) Result {
	r := Result{Status: resp.StatusCode, Reason: "status " + strconv.Itoa(resp.StatusCode)}
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.service(origin)
	known.silent = 0
	switch status := resp.StatusCode; {
	case status >= 200 && status < 300:
		r.Outcome, r.Reason = Sent, ""
	case status == http.StatusNotFound || status == http.StatusGone:
		r.Outcome = Gone
	case status == http.StatusRequestEntityTooLarge:
		r.Outcome = TooLarge
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		r.Outcome = Later
		r.After = after(resp.Header.Get("Retry-After"), s.Clock.Now(), unasked)
		s.pause(known, r.After)
	case status >= 500:
		r.Outcome = Later
		r.After = after(resp.Header.Get("Retry-After"), s.Clock.Now(), retry)
	case status >= 300 && status < 400:
		r.Reason += ": a push service has no business sending elsewhere"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		// The likely causes, for the service's own words are not kept.
		r.Reason += ": the subscription was made with another key, or the clock is wrong"
	}
	return r
}

// silent notes an exchange that got no answer.
func (s *Sender) silent(origin string, timeout bool) Result {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.service(origin)
	if known.silent++; known.silent >= silences {
		s.pause(known, retry)
	}
	if timeout {
		return later(retry, "no answer in time")
	}
	return later(retry, "no connection")
}

// enter gives the authorization for a service, or how long to leave it alone.
// One signature serves every message of some hours: signing each would cost half
// as much again as encrypting it.
func (s *Sender) enter(origin string) (authorization string, wait time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.service(origin)
	if wait = s.paused(known); wait > 0 {
		return "", wait, nil
	}
	now := s.Clock.Now()
	// A clock that was set back must not keep a token of the future.
	if !now.Before(known.renew) || known.renew.Sub(now) > tokenServes {
		if known.authorization, err = s.Identity.authorize(origin, now.Add(tokenLife)); err != nil {
			return "", 0, fmt.Errorf("signing for a push service: %w", err)
		}
		known.renew = now.Add(tokenServes)
	}
	return known.authorization, 0, nil
}

// service, paused and pause are called with the lock.
func (s *Sender) service(origin string) *service {
	known := s.services[origin]
	if known == nil {
		if len(s.services) >= knownServices {
			clear(s.services) // a token to sign again, at worst a pause unheeded
		}
		known = &service{}
		s.services[origin] = known
	}
	return known
}

func (s *Sender) paused(known *service) time.Duration {
	wait := known.until.Sub(s.Clock.Now())
	if wait <= 0 {
		return 0
	}
	return max(wait, time.Second)
}

func (s *Sender) pause(known *service, d time.Duration) {
	// An answer that was on its way must not shorten what a later one asked.
	if until := s.Clock.Now().Add(d); until.After(known.until) {
		known.until = until
	}
}

func later(d time.Duration, reason string) Result {
	return Result{Outcome: Later, After: d, Reason: reason}
}

// after reads a Retry-After: seconds or a date.
func after(header string, now time.Time, missing time.Duration) time.Duration {
	d := missing
	if n, err := strconv.ParseInt(header, 10, 64); err == nil {
		d = time.Duration(min(max(n, 0), int64(longest/time.Second))) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		d = at.Sub(now)
	}
	return min(max(d, time.Second), longest)
}
