package session_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func (c *client) wrong(login string) page {
	c.s.t.Helper()
	return c.post("/connexion", "identifiant", login, "secret", "faux mot de passe")
}

func TestFailuresSlowAnAccountDown(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec", "bastien.perrault")
	c := s.client()
	for range 5 {
		c.wrong("nadia.kermadec").is(422)
	}
	wait := func(p page) time.Duration {
		n, err := strconv.Atoi(p.header.Get("Retry-After"))
		if err != nil || n < 1 {
			t.Fatalf("Retry-After: %q", p.header.Get("Retry-After"))
		}
		return time.Duration(n) * time.Second
	}
	p := c.wrong("nadia.kermadec").is(429).says("trop d'essais", "30 secondes")
	if !strings.Contains(p.body, `value="nadia.kermadec"`) {
		t.Error("the typed name is gone")
	}
	if wait(p) != 30*time.Second {
		t.Errorf("first wait %v", wait(p))
	}
	// Even the right password waits, and a code does, and nobody else does.
	c.signIn("nadia.kermadec").is(429)
	c.post("/activation", "identifiant", "nadia.kermadec").goesTo("/activation/code")
	c.post("/activation/code", "code", "ABCD-EFGH-JKL").is(429).says("trop d'essais")
	s.client().signIn("bastien.perrault").goesTo("/")
	// Each further failure doubles the wait, up to an hour.
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour} {
		got := wait(c.wrong("nadia.kermadec").is(429))
		if got != want {
			t.Errorf("wait of %v, expected %v", got, want)
		}
		s.core.Clock.Advance(got)
		c.wrong("nadia.kermadec").is(422)
	}
	s.core.Clock.Advance(time.Hour)
	c.signIn("nadia.kermadec").goesTo("/") // a success forgets
	d := s.client()
	for range 5 {
		d.wrong("nadia.kermadec").is(422)
	}
}

func TestUnknownNamesAreSlowedAlike(t *testing.T) {
	s := open(t)
	c := s.client()
	for range 5 {
		c.wrong("personne.ici").is(422)
	}
	c.wrong("personne.ici").is(429)
	c.wrong("Personne Ici").is(429) // another way to type it is no other account
}

func TestKnownDevicesAreExempt(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	own := s.in("nadia.kermadec")
	own.post("/deconnexion").goesTo("/connexion?apres=sortie")
	other := s.client()
	for range 6 {
		other.wrong("nadia.kermadec")
	}
	other.signIn("nadia.kermadec").is(429)
	own.signIn("nadia.kermadec").goesTo("/")
	// Its own failures count, though.
	own.post("/deconnexion")
	for range 5 {
		own.wrong("nadia.kermadec").is(422)
	}
	own.wrong("nadia.kermadec").is(429)
}

// TestConcurrentGuesses has a hundred guesses arrive at the same instant.
func TestConcurrentGuesses(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	before := s.core.Hasher.Done()
	status := make([]int, 40)
	var wg sync.WaitGroup
	for i := range status {
		c := s.client()
		wg.Go(func() { status[i] = c.wrong("nadia.kermadec").status })
	}
	wg.Wait()
	judged := 0
	for _, st := range status {
		switch st {
		case http.StatusUnprocessableEntity:
			judged++
		case http.StatusTooManyRequests:
		default:
			t.Errorf("status %d", st)
		}
	}
	if judged != 5 || s.core.Hasher.Done()-before != 5 {
		t.Errorf("%d guesses were judged, %d verified; expected 5", judged, s.core.Hasher.Done()-before)
	}
}

// TestASchoolBehindOneAddress signs in far more children than an account's
// limit; only hundreds of failures close the address.
func TestASchoolBehindOneAddress(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec", "ines.kermadec")
	for i := range 60 {
		s.client().wrong(fmt.Sprintf("enfant%d.a", i)).is(422)
	}
	s.client().signIn("ines.kermadec").goesTo("/")
	known := s.in("nadia.kermadec")
	known.post("/deconnexion")
	s.exec(`UPDATE throttle SET failures = 400 WHERE failures >= 60`)
	p := s.client().signIn("ines.kermadec").is(429).says("trop d'essais")
	if p.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	known.signIn("nadia.kermadec").goesTo("/")
	s.core.Clock.Advance(15 * time.Minute)
	s.client().signIn("ines.kermadec").goesTo("/")
}

// TestForwardedAddresses are believed from a trusted proxy alone, which is none
// here: a made-up header opens no fresh count.
func TestForwardedAddresses(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	for i := range 6 {
		req, err := http.NewRequest("POST", s.server.URL+"/connexion", strings.NewReader("identifiant=nadia.kermadec&secret=faux"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.%d.1", i))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if want := 422; i < 5 && res.StatusCode != want || i == 5 && res.StatusCode != 429 {
			t.Errorf("trial %d: %d", i+1, res.StatusCode)
		}
	}
}
