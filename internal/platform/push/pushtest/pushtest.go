// Package pushtest is a real push service within the process, over TLS and
// HTTP/2, with browsers that subscribe to it: it checks what it is sent as a
// service does, decrypts it as a browser does, and remembers it. It shares no
// code with package push, so that the two prove each other.
package pushtest

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"marelle/internal/platform/clock"
)

// Received is one message as a browser's service worker would get it.
type Received struct {
	Topic, Urgency string
	TTL            int // seconds
	Text           string
	Size           int    // of the encrypted body
	Token          string // that authorized it
	Proto          string // HTTP/2.0
	N              int    // how many the service had taken, this one included
}

// Answer is what the service says to a message instead of taking it.
type Answer struct {
	Status     int           // 0 takes it
	RetryAfter string        // seconds or a date
	Location   string        // of a redirection
	Slow       time.Duration // before anything is said
}

// Service is the push service. It is safe for concurrent use.
type Service struct {
	clock     *clock.Clock
	server    *http.Server
	addr      string
	authority []byte // its certificate, in PEM
	bare      atomic.Bool
	taken     atomic.Int64
	asked     atomic.Int64
	busy      atomic.Int64

	mu       sync.Mutex
	browsers map[string]*Browser // by the path of their endpoint
	refusals []string
}

// Browser is one browser that subscribed.
type Browser struct {
	service  *Service
	path     string
	key      *ecdh.PrivateKey
	auth     []byte
	identity *ecdsa.PublicKey // who may send: the applicationServerKey

	mu       sync.Mutex
	answer   Answer
	messages []Received
	changed  chan struct{}
}

// Start listens on a free loopback port; the clock says when a token is over.
func Start(c *clock.Clock) (*Service, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "push service for tests"},
		// TLS looks at the machine's clock, which no test may choose.
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Service{clock: c, addr: l.Addr().String(), browsers: map[string]*Browser{},
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	s.server = &http.Server{
		Handler: s, ReadHeaderTimeout: 30 * time.Second,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12},
		ErrorLog:  log.New(io.Discard, "", 0), // clients that leave in the middle are part of the tests
	}
	go s.server.ServeTLS(l, "", "")
	return s, nil
}

// Close stops the service and cuts off who is still there.
func (s *Service) Close() error { return s.server.Close() }

// Host is what MARELLE_PUSH_HOSTS would hold to let the service be used.
func (s *Service) Host() string { return s.addr }

// Authority is the service's certificate, in PEM, for SSL_CERT_FILE.
func (s *Service) Authority() []byte { return s.authority }

// Roots is the authority to believe.
func (s *Service) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.authority)
	return pool
}

// Bare makes the service take whatever comes and only count it, to measure who sends.
func (s *Service) Bare() { s.bare.Store(true) }

// Taken counts the messages that were taken, Asked all that came.
func (s *Service) Taken() int { return int(s.taken.Load()) }

// Asked counts the requests, whatever was answered.
func (s *Service) Asked() int { return int(s.asked.Load()) }

// Busy counts the requests that are being answered.
func (s *Service) Busy() int { return int(s.busy.Load()) }

// Refusals says why messages were malformed or not authorized, oldest first.
func (s *Service) Refusals() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refusals)
}

// Subscribe is pushManager.subscribe: only the holder of the private half of
// applicationServerKey may send to this browser.
func (s *Service) Subscribe(applicationServerKey string) (*Browser, error) {
	point, err := base64.RawURLEncoding.DecodeString(applicationServerKey)
	if err != nil {
		return nil, fmt.Errorf("applicationServerKey: %w", err)
	}
	identity, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("applicationServerKey: %w", err)
	}
	b := &Browser{service: s, auth: make([]byte, 16), identity: identity, changed: make(chan struct{})}
	if b.key, err = ecdh.P256().GenerateKey(rand.Reader); err != nil {
		return nil, err
	}
	rand.Read(b.auth)
	b.path = "/push/" + rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.browsers[b.path] = b
	return b, nil
}

// Endpoint is the subscription's address.
func (b *Browser) Endpoint() string { return "https://" + b.service.addr + b.path }

// JSON is the PushSubscription, as its toJSON gives it.
func (b *Browser) JSON() []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	out, _ := json.Marshal(map[string]any{
		"endpoint": b.Endpoint(), "expirationTime": nil,
		"keys": map[string]string{"p256dh": b64(b.key.PublicKey().Bytes()), "auth": b64(b.auth)},
	})
	return out
}

// Answer chooses what is said to this browser's messages from now on.
func (b *Browser) Answer(a Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answer = a
}

// Messages returns what came, oldest first.
func (b *Browser) Messages() []Received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.messages)
}

// Wait returns once n messages are there or the time is over, with what is there.
func (b *Browser) Wait(n int, d time.Duration) []Received {
	over := time.After(d)
	for {
		b.mu.Lock()
		got, changed := slices.Clone(b.messages), b.changed
		b.mu.Unlock()
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

// fault is a status and why.
type fault struct {
	status int
	why    string
}

// ServeHTTP is the service: one POST for each message.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	s.busy.Add(1)
	defer s.busy.Add(-1)
	body, err := io.ReadAll(io.LimitReader(r.Body, 8192))
	if err != nil {
		return
	}
	if s.bare.Load() {
		s.taken.Add(1)
		w.WriteHeader(http.StatusCreated)
		return
	}
	s.mu.Lock()
	b := s.browsers[r.URL.Path]
	s.mu.Unlock()
	if b == nil {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	b.mu.Lock()
	a := b.answer
	b.mu.Unlock()
	if a.Slow > 0 {
		select {
		case <-time.After(a.Slow):
		case <-r.Context().Done():
			return
		}
	}
	// A service looks at who asks and how before it says anything else.
	got, bad := b.read(r, body)
	if bad != nil {
		s.mu.Lock()
		s.refusals = append(s.refusals, bad.why)
		s.mu.Unlock()
		http.Error(w, bad.why, bad.status)
		return
	}
	if a.Status != 0 {
		if a.RetryAfter != "" {
			w.Header().Set("Retry-After", a.RetryAfter)
		}
		if a.Location != "" {
			w.Header().Set("Location", a.Location)
		}
		http.Error(w, "as the test asked, for "+b.path, a.Status)
		return
	}
	b.mu.Lock()
	got.N = int(s.taken.Add(1))
	b.messages = append(b.messages, got)
	close(b.changed)
	b.changed = make(chan struct{})
	b.mu.Unlock()
	w.Header().Set("Location", "https://"+s.addr+"/message/"+rand.Text())
	w.WriteHeader(http.StatusCreated)
}

var topic = regexp.MustCompile(`^[A-Za-z0-9_-]{1,32}$`)

// read checks a message as RFC 8030 asks and decrypts it.
func (b *Browser) read(r *http.Request, body []byte) (Received, *fault) {
	got := Received{Topic: r.Header.Get("Topic"), Urgency: r.Header.Get("Urgency"), Size: len(body), Proto: r.Proto}
	var err error
	if r.Method != http.MethodPost {
		return got, &fault{http.StatusMethodNotAllowed, "only POST"}
	}
	if got.TTL, err = strconv.Atoi(r.Header.Get("TTL")); err != nil || got.TTL < 0 {
		return got, &fault{http.StatusBadRequest, "no TTL"}
	}
	if got.Urgency != "" && !slices.Contains([]string{"very-low", "low", "normal", "high"}, got.Urgency) {
		return got, &fault{http.StatusBadRequest, "no such urgency"}
	}
	if _, said := r.Header["Topic"]; said && !topic.MatchString(got.Topic) {
		return got, &fault{http.StatusBadRequest, "no topic"}
	}
	if r.Header.Get("Content-Encoding") != "aes128gcm" {
		return got, &fault{http.StatusUnsupportedMediaType, "no aes128gcm"}
	}
	if len(body) > 4096 {
		return got, &fault{http.StatusRequestEntityTooLarge, "over 4,096 bytes"}
	}
	if got.Token, err = b.verify(r.Header.Get("Authorization")); err != nil {
		return got, &fault{http.StatusForbidden, err.Error()}
	}
	if got.Text, err = Decrypt(b.key, b.auth, body); err != nil {
		return got, &fault{http.StatusBadRequest, err.Error()}
	}
	return got, nil
}

// origin is what a token must be made out to.
func (s *Service) origin() string { return "https://" + strings.TrimSuffix(s.addr, ":443") }
