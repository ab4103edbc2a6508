package push_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/push"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/platform/secret"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// world is a push service, a sender and the time.
type world struct {
	testing.TB
	clock    *clock.Clock
	service  *pushtest.Service
	identity *push.Identity
	hosts    push.Hosts
	sender   *push.Sender
}

func begin(t testing.TB, change func(*push.Options)) *world {
	t.Helper()
	w := &world{TB: t, clock: clock.System()}
	w.clock.Freeze(noon)
	w.identity = identity(t, 1)
	w.service = w.start()
	var err error
	if w.hosts, err = push.ParseHosts([]string{w.service.Host(), strings.Replace(w.service.Host(), "127.0.0.1", "localhost", 1)}); err != nil {
		t.Fatal(err)
	}
	o := push.Options{Identity: w.identity, Hosts: w.hosts, Clock: w.clock, Roots: w.service.Roots()}
	if change != nil {
		change(&o)
	}
	w.hosts = o.Hosts
	w.sender = push.NewSender(o)
	t.Cleanup(w.sender.Close)
	return w
}

func (w *world) start() *pushtest.Service {
	w.Helper()
	s, err := pushtest.Start(w.clock)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() { s.Close() })
	return s
}

func identity(t testing.TB, n byte) *push.Identity {
	t.Helper()
	id, err := push.NewIdentity(secret.NewKeys([32]byte{n}), &url.URL{Scheme: "https", Host: "ecole.example"})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (w *world) browser() (*pushtest.Browser, push.Subscription) {
	w.Helper()
	b, err := w.service.Subscribe(w.identity.PublicKey())
	if err != nil {
		w.Fatal(err)
	}
	s, err := push.ReadSubscription(b.JSON(), w.hosts)
	if err != nil {
		w.Fatal(err)
	}
	return b, s
}

var word = push.Message{Payload: []byte(`{"titre":"Carnet de liaison","texte":"Nouveau mot dans le carnet"}`), TTL: 24 * time.Hour, Urgency: push.High, Topic: "mot-1"}

func TestABrowserReadsWhatIsSent(t *testing.T) {
	w := begin(t, nil)
	b, s := w.browser()
	if r := w.sender.Send(t.Context(), s, word); r != (push.Result{Outcome: push.Sent, Status: 201}) {
		t.Fatalf("sent: %+v, refusals %q", r, w.service.Refusals())
	}
	short := push.Message{Payload: []byte("x")}
	long := push.Message{Payload: []byte(strings.Repeat("é", push.MaxPayload/2))}
	for _, m := range []push.Message{short, long} {
		if r := w.sender.Send(t.Context(), s, m); r.Outcome != push.Sent {
			t.Fatalf("sent: %+v", r)
		}
	}
	got := b.Messages()
	if len(got) != 3 {
		t.Fatalf("%d messages came", len(got))
	}
	first := got[0]
	if first.Text != string(word.Payload) || first.TTL != 86400 || first.Urgency != "high" || first.Topic != "mot-1" || first.Proto != "HTTP/2.0" {
		t.Errorf("the browser got %+v", first)
	}
	if got[1].Text != "x" || got[1].TTL != 0 || got[1].Urgency != "" || got[1].Topic != "" || got[2].Text != string(long.Payload) {
		t.Errorf("the browser got %+v, %+v", got[1], got[2])
	}
	if got[0].Size != got[1].Size || got[1].Size != got[2].Size {
		t.Errorf("the length tells: %d, %d and %d bytes", got[0].Size, got[1].Size, got[2].Size)
	}
}

func TestAnOversizePayloadAsksNobody(t *testing.T) {
	w := begin(t, nil)
	_, s := w.browser()
	m := push.Message{Payload: make([]byte, push.MaxPayload+1)}
	if r := w.sender.Send(t.Context(), s, m); r.Outcome != push.TooLarge || r.Status != 0 || w.service.Asked() != 0 {
		t.Errorf("%+v after %d requests", r, w.service.Asked())
	}
}

func TestAMalformedMessageAsksNobody(t *testing.T) {
	w := begin(t, nil)
	_, s := w.browser()
	for name, change := range map[string]func(*push.Message){
		"no payload":       func(m *push.Message) { m.Payload = nil },
		"a negative TTL":   func(m *push.Message) { m.TTL = -1 },
		"months of TTL":    func(m *push.Message) { m.TTL = 29 * 24 * time.Hour },
		"a long topic":     func(m *push.Message) { m.Topic = strings.Repeat("a", 33) },
		"a topic in words": func(m *push.Message) { m.Topic = "un mot" },
		"a header within":  func(m *push.Message) { m.Topic = "a\r\nX: y" },
		"an urgency":       func(m *push.Message) { m.Urgency = "now" },
	} {
		m := word
		change(&m)
		if r := w.sender.Send(t.Context(), s, m); r.Outcome != push.Refused || r.Reason == "" {
			t.Errorf("%s: %+v", name, r)
		}
	}
	other := s
	other.Endpoint = "https://example.org/push/x"
	if r := w.sender.Send(t.Context(), other, word); r.Outcome != push.Refused {
		t.Errorf("a row that the list of hosts no longer allows: %+v", r)
	}
	if w.service.Asked() != 0 {
		t.Errorf("the service was asked %d times", w.service.Asked())
	}
}

func TestEachAnswerOfAServiceIsTold(t *testing.T) {
	for _, c := range []struct {
		answer pushtest.Answer
		want   push.Outcome
		after  time.Duration
		paused time.Duration
	}{
		{pushtest.Answer{Status: 200}, push.Sent, 0, 0},
		{pushtest.Answer{Status: 202}, push.Sent, 0, 0},
		{pushtest.Answer{Status: 404}, push.Gone, 0, 0},
		{pushtest.Answer{Status: 410}, push.Gone, 0, 0},
		{pushtest.Answer{Status: 413}, push.TooLarge, 0, 0},
		{pushtest.Answer{Status: 400}, push.Refused, 0, 0},
		{pushtest.Answer{Status: 401}, push.Refused, 0, 0},
		{pushtest.Answer{Status: 403}, push.Refused, 0, 0},
		{pushtest.Answer{Status: 429, RetryAfter: "120"}, push.Later, 2 * time.Minute, 2 * time.Minute},
		{pushtest.Answer{Status: 429, RetryAfter: noon.Add(5 * time.Minute).Format(http.TimeFormat)}, push.Later, 5 * time.Minute, 5 * time.Minute},
		{pushtest.Answer{Status: 429}, push.Later, time.Minute, time.Minute},
		{pushtest.Answer{Status: 429, RetryAfter: "0"}, push.Later, time.Second, time.Second},
		{pushtest.Answer{Status: 429, RetryAfter: "soon"}, push.Later, time.Minute, time.Minute},
		{pushtest.Answer{Status: 503, RetryAfter: "99999999999"}, push.Later, 24 * time.Hour, 24 * time.Hour},
		{pushtest.Answer{Status: 503, RetryAfter: "-5"}, push.Later, time.Second, time.Second},
		{pushtest.Answer{Status: 500}, push.Later, 30 * time.Second, 0},
		{pushtest.Answer{Status: 502, RetryAfter: "7"}, push.Later, 7 * time.Second, 0},
	} {
		w := begin(t, nil)
		b, s := w.browser()
		b.Answer(c.answer)
		r := w.sender.Send(t.Context(), s, word)
		if r.Outcome != c.want || r.After != c.after || r.Status != c.answer.Status {
			t.Errorf("%+v: %+v", c.answer, r)
		}
		if (r.Reason == "") != (c.want == push.Sent) || strings.Contains(r.Reason, "/push/") {
			t.Errorf("%+v: the reason is %q", c.answer, r.Reason)
		}
		if p := w.sender.Paused(s.Endpoint); p != c.paused {
			t.Errorf("%+v: paused for %s, want %s", c.answer, p, c.paused)
		}
	}
}

func TestAServiceThatAsksToWaitIsLeftAlone(t *testing.T) {
	w := begin(t, nil)
	busy, first := w.browser()
	quiet, second := w.browser()
	elsewhere := second // the same port by another name is another service
	elsewhere.Endpoint = strings.Replace(second.Endpoint, "127.0.0.1", "localhost", 1)
	busy.Answer(pushtest.Answer{Status: 429, RetryAfter: "60"})
	w.sender.Send(t.Context(), first, word)
	asked := w.service.Asked()
	w.clock.Advance(20 * time.Second)
	if r := w.sender.Send(t.Context(), second, word); r.Outcome != push.Later || r.After != 40*time.Second {
		t.Errorf("in the pause: %+v", r)
	}
	if len(quiet.Messages()) != 0 || w.service.Asked() != asked {
		t.Error("the service was asked in its pause")
	}
	if p := w.sender.Paused(elsewhere.Endpoint); p != 0 {
		t.Errorf("another service pauses too, for %s", p)
	}
	w.clock.Advance(40 * time.Second)
	if r := w.sender.Send(t.Context(), second, word); r.Outcome != push.Sent || w.sender.Paused(second.Endpoint) != 0 {
		t.Errorf("after the pause: %+v", r)
	}
}

func TestOneTokenServesForHoursThenIsRenewed(t *testing.T) {
	w := begin(t, nil)
	b, s := w.browser()
	send := func() string {
		t.Helper()
		if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Sent {
			t.Fatalf("%+v, refusals %q", r, w.service.Refusals())
		}
		got := b.Messages()
		return got[len(got)-1].Token
	}
	first := send()
	w.clock.Advance(5 * time.Hour)
	if send() != first {
		t.Error("signed again after five hours")
	}
	w.clock.Advance(2 * time.Hour)
	second := send()
	if second == first {
		t.Error("not signed again after seven hours")
	}
	w.clock.Advance(48 * time.Hour) // the service refuses a token that is over
	third := send()
	w.clock.Freeze(noon) // and one of the future
	if last := send(); last == third {
		t.Error("a clock that was set back kept its token")
	}
}

func TestATokenSaysWhoToAskAndForWhom(t *testing.T) {
	w := begin(t, nil)
	b, s := w.browser()
	w.sender.Send(t.Context(), s, word)
	claims, err := base64.RawURLEncoding.DecodeString(strings.Split(b.Messages()[0].Token, ".")[1])
	want := fmt.Sprintf(`{"aud":"https://%s","exp":%d,"sub":"https://ecole.example"}`, w.service.Host(), noon.Add(12*time.Hour).Unix())
	if err != nil || string(claims) != want {
		t.Errorf("claims %s, want %s", claims, want)
	}
}

func TestASubscriptionMadeWithAnotherKeyIsRefused(t *testing.T) {
	w := begin(t, nil)
	b, err := w.service.Subscribe(identity(t, 2).PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	s, err := push.ReadSubscription(b.JSON(), w.hosts)
	if err != nil {
		t.Fatal(err)
	}
	if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Refused || r.Status != 403 || len(b.Messages()) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestTheIdentityLivesWithTheSecret(t *testing.T) {
	first, again, other := identity(t, 1).PublicKey(), identity(t, 1).PublicKey(), identity(t, 2).PublicKey()
	if first != again || first == other {
		t.Error("the key does not follow the secret")
	}
	if p, err := base64.RawURLEncoding.DecodeString(identity(t, 1).PublicKey()); err != nil || len(p) != 65 || p[0] != 4 {
		t.Errorf("a public key of %d bytes, %v", len(p), err)
	}
}

func TestARedirectionIsNotFollowed(t *testing.T) {
	w := begin(t, nil)
	b, s := w.browser()
	other, _ := w.browser()
	for _, status := range []int{301, 302, 307, 308} {
		b.Answer(pushtest.Answer{Status: status, Location: other.Endpoint()})
		if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Refused || r.Status != status {
			t.Errorf("%d: %+v", status, r)
		}
	}
	if w.service.Asked() != 4 || len(other.Messages()) != 0 {
		t.Errorf("%d requests, %d followed", w.service.Asked(), len(other.Messages()))
	}
}

func TestASlowServiceDoesNotHoldEverybody(t *testing.T) {
	w := begin(t, func(o *push.Options) { o.Timeout, o.Parallel = 100*time.Millisecond, 1 })
	b, s := w.browser()
	b.Answer(pushtest.Answer{Slow: time.Minute})
	all := make([]push.Push, 50)
	for i := range all {
		all[i] = push.Push{To: s, Message: word}
	}
	for _, r := range w.sender.SendAll(t.Context(), all) {
		if r.Outcome != push.Later || r.After < time.Second {
			t.Fatalf("%+v", r)
		}
	}
	if w.service.Asked() != 3 || w.sender.Paused(s.Endpoint) != 30*time.Second {
		t.Errorf("asked %d times, paused for %s", w.service.Asked(), w.sender.Paused(s.Endpoint))
	}
	// One that answers again starts anew.
	b.Answer(pushtest.Answer{})
	w.clock.Advance(time.Minute)
	if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Sent {
		t.Errorf("%+v", r)
	}
	b.Answer(pushtest.Answer{Slow: time.Minute})
	if w.sender.Send(t.Context(), s, word); w.sender.Paused(s.Endpoint) != 0 {
		t.Error("one silence after an answer pauses the service")
	}
}

func TestAServiceThatIsDownIsForLater(t *testing.T) {
	w := begin(t, nil)
	_, s := w.browser()
	w.service.Close()
	if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Later || r.Reason != "no connection" || r.Status != 0 {
		t.Errorf("%+v", r)
	}
}

func TestACertificateOfNobodyIsNotBelieved(t *testing.T) {
	w := begin(t, func(o *push.Options) { o.Roots = nil })
	b, s := w.browser()
	if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Later || len(b.Messages()) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestWhatIsStoppedIsForLater(t *testing.T) {
	w := begin(t, func(o *push.Options) { o.Parallel = 2 })
	b, s := w.browser()
	b.Answer(pushtest.Answer{Slow: time.Minute})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	for _, r := range w.sender.SendAll(ctx, []push.Push{{To: s, Message: word}, {To: s, Message: word}, {To: s, Message: word}, {To: s, Message: word}, {To: s, Message: word}}) {
		if r.Outcome != push.Later || r.Reason != "stopped" {
			t.Errorf("%+v", r)
		}
	}
	if w.sender.Paused(s.Endpoint) != 0 {
		t.Error("stopping was held against the service")
	}
}

func TestAServiceOfThisMachineMaySpeakHTTP(t *testing.T) {
	var asked atomic.Int64
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusCreated)
	}))
	defer plain.Close()
	w := begin(t, func(o *push.Options) {
		o.Hosts, _ = push.ParseHosts([]string{strings.TrimPrefix(plain.URL, "http://"), "127.0.0.1"})
	})
	_, s := w.browser()
	s.Endpoint = plain.URL + "/push/x"
	if r := w.sender.Send(t.Context(), s, word); r.Outcome != push.Sent || asked.Load() != 1 {
		t.Errorf("%+v after %d requests", r, asked.Load())
	}
}

// An allowed name may lead anywhere: whoever rules its zone could aim us at the
// operator's own network.
func TestANameThatLeadsToAPrivateAddressIsNotDialled(t *testing.T) {
	var asked atomic.Int64
	resolver := names(t, &asked, [4]byte{127, 0, 0, 1})
	w := begin(t, nil)
	_, port, _ := net.SplitHostPort(w.service.Host())
	for _, c := range []struct {
		listed string
		want   push.Outcome
		reason string
	}{
		{"*.push.example.org:" + port, push.Refused, "its name leads to a private address"},
		// The operator named this one: it is dialled, and its certificate looked at.
		{"paris.push.example.org:" + port, push.Later, "no connection"},
	} {
		hosts, err := push.ParseHosts([]string{c.listed})
		if err != nil {
			t.Fatal(err)
		}
		_, s := w.browser()
		s.Endpoint = strings.Replace(s.Endpoint, "127.0.0.1", "paris.push.example.org", 1)
		sender := push.NewSender(push.Options{Identity: w.identity, Hosts: hosts, Clock: w.clock, Roots: w.service.Roots(), Resolver: resolver})
		if r := sender.Send(t.Context(), s, word); r.Outcome != c.want || r.Reason != c.reason {
			t.Errorf("%s: %+v", c.listed, r)
		}
		sender.Close()
	}
	if asked.Load() == 0 {
		t.Error("nobody asked for the address: the test proves nothing")
	}
}

// names is a resolver for which every name has this address.
func names(t *testing.T, asked *atomic.Int64, address [4]byte) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		for buf := make([]byte, 1500); ; {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil || len(m.Questions) != 1 {
				continue
			}
			asked.Add(1)
			q := m.Questions[0]
			answer := dnsmessage.Message{Header: dnsmessage.Header{ID: m.ID, Response: true, Authoritative: true, RecursionAvailable: true}, Questions: m.Questions}
			if q.Type == dnsmessage.TypeA {
				answer.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 1}, Body: &dnsmessage.AResource{A: address}}}
			}
			if packed, err := answer.Pack(); err == nil {
				_, _ = conn.WriteTo(packed, from)
			}
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", conn.LocalAddr().String())
	}}
}

func TestManyAtOnceEachGetsItsOwn(t *testing.T) {
	w := begin(t, nil)
	const n = 300
	browsers, all := make([]*pushtest.Browser, n), make([]push.Push, n)
	for i := range all {
		browsers[i], all[i].To = w.browser()
		all[i].Message = push.Message{Payload: fmt.Appendf(nil, "message %d", i), TTL: time.Hour}
		if i%10 == 3 {
			browsers[i].Answer(pushtest.Answer{Status: 410})
		}
	}
	// Two batches at once share the sender.
	var wait sync.WaitGroup
	results := make([][]push.Result, 2)
	for k := range results {
		wait.Go(func() { results[k] = w.sender.SendAll(t.Context(), all) })
	}
	wait.Wait()
	tokens := map[string]bool{}
	for i, b := range browsers {
		want, came := push.Sent, 2
		if i%10 == 3 {
			want, came = push.Gone, 0
		}
		if results[0][i].Outcome != want || results[1][i].Outcome != want {
			t.Errorf("%d: %+v, %+v", i, results[0][i], results[1][i])
		}
		got := b.Messages()
		if len(got) != came {
			t.Errorf("%d got %d messages", i, len(got))
		}
		for _, m := range got {
			tokens[m.Token] = true
			if m.Text != fmt.Sprintf("message %d", i) {
				t.Errorf("%d got %q", i, m.Text)
			}
		}
	}
	if len(tokens) != 1 {
		t.Errorf("%d tokens were signed for one service", len(tokens))
	}
}
