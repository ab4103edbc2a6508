package push

import (
	"crypto/ecdh"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"marelle/internal/platform/clock"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/platform/secret"
)

func raw(t *testing.T, s string) []byte {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The example of RFC 8291, appendix A, which does not pad.
func TestEncryptsAsTheRFCDoes(t *testing.T) {
	once, err := ecdh.P256().NewPrivateKey(raw(t, "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"))
	if err != nil {
		t.Fatal(err)
	}
	to, err := Subscription{"https://fcm.googleapis.com/fcm/send/x", SubscriptionKeys{rfcPoint, rfcAuth}}.open(Hosts{})
	if err != nil {
		t.Fatal(err)
	}
	const text = "When I grow up, I want to be a watermelon"
	body, err := seal(once, [16]byte(raw(t, "DGv6ra1nlYgDCS1FRnbzlw")), to, []byte(text), headerSize+len(text)+1+tagSize)
	if err != nil {
		t.Fatal(err)
	}
	const want = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if got := base64.RawURLEncoding.EncodeToString(body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	browser, err := ecdh.P256().NewPrivateKey(raw(t, "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := pushtest.Decrypt(browser, to.auth, body); err != nil || plain != text {
		t.Errorf("read back %q, %v", plain, err)
	}
	body[len(body)-1] ^= 1
	if _, err := pushtest.Decrypt(browser, to.auth, body); err == nil {
		t.Error("an altered body was read")
	}
}

func TestNoTwoBodiesAreAlike(t *testing.T) {
	to, err := Subscription{"https://fcm.googleapis.com/fcm/send/x", SubscriptionKeys{rfcPoint, rfcAuth}}.open(Hosts{})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for range 50 {
		body, err := encrypt(to, []byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		seen["salt "+string(body[:16])], seen["key "+string(body[21:86])], seen["text "+string(body[86:])] = true, true, true
	}
	if len(seen) != 150 {
		t.Errorf("%d parts are new, of 150", len(seen))
	}
}

var payload = []byte(`{"titre":"Carnet de liaison","texte":"Nouveau mot dans le carnet de liaison","url":"/carnet/01936b2e-7f00-7000-8000-000000000000","badge":3}`)

func perSecond(b *testing.B, n int) {
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "pushes/s")
}

// BenchmarkEncrypt is the cost of one body, the browser's key read each time.
func BenchmarkEncrypt(b *testing.B) {
	s := Subscription{"https://fcm.googleapis.com/fcm/send/x", SubscriptionKeys{rfcPoint, rfcAuth}}
	for b.Loop() {
		to, err := s.open(Hosts{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := encrypt(to, payload); err != nil {
			b.Fatal(err)
		}
	}
	perSecond(b, b.N)
}

// BenchmarkSendAll is ten thousand pushes to a service of this machine that
// only counts them, over TLS and HTTP/2: the rate at which this machine
// encrypts and posts, its own answering included.
func BenchmarkSendAll(b *testing.B) {
	const n = 10_000
	c := clock.System()
	service, err := pushtest.Start(c)
	if err != nil {
		b.Fatal(err)
	}
	defer service.Close()
	service.Bare()
	hosts, err := ParseHosts([]string{service.Host()})
	if err != nil {
		b.Fatal(err)
	}
	identity, err := NewIdentity(secret.NewKeys([32]byte{1}), nil)
	if err != nil {
		b.Fatal(err)
	}
	all := make([]Push, n)
	for i := range all {
		all[i] = Push{Subscription{fmt.Sprintf("https://%s/push/%d", service.Host(), i), SubscriptionKeys{rfcPoint, rfcAuth}},
			Message{Payload: payload, TTL: 24 * time.Hour, Topic: "t"}}
	}
	sender := NewSender(Options{Identity: identity, Hosts: hosts, Clock: c, Roots: service.Roots()})
	defer sender.Close()
	for b.Loop() {
		for i, r := range sender.SendAll(b.Context(), all) {
			if r.Outcome != Sent {
				b.Fatalf("%d: %+v", i, r)
			}
		}
	}
	if service.Taken() < n*b.N {
		b.Fatalf("only %d came", service.Taken())
	}
	perSecond(b, n*b.N)
}
