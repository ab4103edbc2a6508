package session_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
)

func TestSignIn(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	c := s.client()
	c.get("/connexion").is(200).says("Bonjour !", "Identifiant", "Première visite ?", "Accessibilité : non conforme")
	c.post("/connexion", "identifiant", "nadia.kermadec", "secret", password, "suite", "/compte?x=1").goesTo("/compte?x=1")
	c.get("/compte").is(200).says("nadia.kermadec", "Inès", "CE1 B")
	c.get("/connexion").goesTo("/")
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'session.sign_in' AND actor = $1 AND school = $2`, s.ids["nadia.kermadec"], s.school); n != 1 {
		t.Errorf("%d sign-ins in the audit", n)
	}
}

func TestNamesAsPeopleTypeThem(t *testing.T) {
	s := open(t)
	s.active("ines.kermadec")
	for _, typed := range []string{" Ines.Kermadec ", "INÈS KERMADEC", "inès.kermadec"} {
		s.client().post("/connexion", "identifiant", typed, "secret", password).goesTo("/")
	}
}

// TestUnknownAccountsLookLikeWrongPasswords checks that nothing of the answer,
// and no work spared, tells whether there is an account.
func TestUnknownAccountsLookLikeWrongPasswords(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	answer := func(login string) (string, http.Header) {
		before := s.core.Hasher.Done()
		p := s.client().post("/connexion", "identifiant", login, "secret", "faux mot de passe").is(422)
		if n := s.core.Hasher.Done() - before; n != 1 {
			t.Errorf("%s: %d verifications, expected one", login, n)
		}
		p.says("ne vont pas ensemble")
		if !strings.Contains(p.body, `value="`+login+`"`) {
			t.Errorf("%s: the typed name is gone", login)
		}
		p.header.Del("Date")
		p.header.Del("Content-Length")
		return strings.ReplaceAll(p.body, login, "LOGIN"), p.header
	}
	known, h1 := answer("nadia.kermadec")
	unknown, h2 := answer("personne.ici")
	inactive, _ := answer("ines.kermadec")
	if known != unknown || known != inactive {
		t.Error("the pages differ")
	}
	if len(h1) != len(h2) {
		t.Errorf("the headers differ: %v, %v", h1, h2)
	}
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'session.failure'`); n != 3 {
		t.Errorf("%d failures in the audit, expected 3", n)
	}
}

func TestMissingFields(t *testing.T) {
	s := open(t)
	c := s.client()
	c.post("/connexion", "identifiant", "", "secret", "").is(422).says("Écrivez votre identifiant", "Écrivez votre mot de passe")
	c.post("/connexion", "identifiant", strings.Repeat("x", 5000), "secret", "x").is(422).says("trop long")
	c.post("/connexion", "identifiant", "nadia", "secret", strings.Repeat("x", 5000)).is(422).says("trop long")
	if p := c.do("POST", "/connexion", url.Values{"identifiant": {"\xff\xfe\x00<script>"}, "secret": {"\x00"}}).is(422); !strings.Contains(p.body, `value="&lt;script&gt;"`) {
		t.Error("the typed name is not kept, or not escaped")
	}
	c.post("/connexion", "identifiant", strings.Repeat("y", 300<<10)).is(413)
}

func TestOldSessionEndsAtSignIn(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec", "bastien.perrault")
	c := s.in("nadia.kermadec")
	secure, _ := url.Parse(strings.Replace(s.server.URL, "http:", "https:", 1))
	old := ""
	for _, k := range c.jar.Cookies(secure) {
		if k.Name == session.Cookie {
			old = k.Value
		}
	}
	c.signIn("bastien.perrault").goesTo("/")
	thief := s.client()
	thief.jar.SetCookies(secure, []*http.Cookie{{Name: session.Cookie, Value: old, Secure: true, Path: "/"}})
	thief.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	c.get("/compte").is(200).says("bastien.perrault")
}

func TestWhereToAfterSignIn(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	for next, want := range map[string]string{
		"/carnet/1?x=2#y": "/carnet/1?x=2#y", "": "/", "//evil.example": "/", `/\evil.example`: "/", "https://evil.example": "/", "/\t/evil.example": "/",
		"javascript:alert(1)": "/", "/%2F%2Fevil": "/", "/connexion": "/", "/deconnexion": "/", "evil": "/", "/" + strings.Repeat("a", 3000): "/",
	} {
		if p := s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", password, "suite", next); p.to != want {
			t.Errorf("%q leads to %q, expected %q", next, p.to, want)
		}
	}
}

func TestSignOut(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	c.get("/deconnexion").is(200).says("Se déconnecter ?")
	c.get("/compte").is(200) // the page ended nothing
	c.post("/deconnexion").goesTo("/connexion?apres=sortie")
	c.get("/connexion?apres=sortie").is(200).says("Vous êtes déconnecté")
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	c.post("/deconnexion").goesTo("/connexion?apres=sortie") // twice does no harm
	if n := s.count(`SELECT count(*) FROM audit WHERE action = 'session.sign_out'`); n != 1 {
		t.Errorf("%d sign-outs in the audit", n)
	}
}

func TestSharedTablet(t *testing.T) {
	s := open(t)
	s.active("ines.kermadec")
	c := s.client()
	p := c.post("/connexion", "identifiant", "ines.kermadec", "secret", password, "tablette", "1").goesTo("/")
	for _, k := range (&http.Response{Header: p.header}).Cookies() {
		if k.MaxAge != 0 || !k.Expires.IsZero() {
			t.Errorf("a cookie outlives the window: %s", k)
		}
		if strings.HasSuffix(k.Name, "-d") {
			t.Error("a shared tablet became a known device")
		}
	}
	c.get("/compte").is(200).says("Changer d'élève")
	if got := c.get("/compte").header.Get("Refresh"); !strings.HasSuffix(got, "url=/changer") {
		t.Errorf("Refresh: %q", got)
	}
	c.get("/changer").is(200).says("Au suivant", "Changer d'élève")
	c.post("/changer").goesTo("/connexion?tablette=1")
	if !strings.Contains(c.get("/connexion?tablette=1").body, "checked") {
		t.Error("the box of the shared tablet is not ticked for the next pupil")
	}
	// Left alone, the session dies; used, it lives.
	c.post("/connexion", "identifiant", "ines.kermadec", "secret", password, "tablette", "1").goesTo("/")
	for range 3 {
		s.core.Clock.Advance(20 * time.Minute)
		c.get("/compte").is(200)
	}
	s.core.Clock.Advance(31 * time.Minute)
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	c.get("/changer").goesTo("/connexion?tablette=1")
}

func TestSessionsLiveAndDie(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	for range 4 { // a parent who comes every other month stays signed in
		s.core.Clock.Advance(60 * 24 * time.Hour)
		c.get("/compte").is(200)
	}
	s.core.Clock.Advance(91 * 24 * time.Hour)
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	s.work() // nothing waits
	s.exec(`UPDATE session SET expires_at = 1`)
	if err := s.sweep(); err != nil {
		t.Fatal(err)
	}
	if n := s.count(`SELECT count(*) FROM session`); n != 0 {
		t.Errorf("%d dead sessions remain", n)
	}
}

func TestWhoLeftTheSchool(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	c := s.in("nadia.kermadec")
	s.exec(`UPDATE membership SET valid_to = $2 WHERE person = $1`, s.ids["nadia.kermadec"], s.core.Clock.Now().UnixMilli())
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
	s.client().signIn("nadia.kermadec").is(422).says("n'est plus rattaché")
}

// TestARushKeepsWhatWasTyped fills the one place of a small hasher and its
// queue: who comes then is told to wait, and the trial does not count.
func TestARushKeepsWhatWasTyped(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	s.core.Hasher = secret.NewHasher(1, 1)
	status := make([]page, 24)
	var wg sync.WaitGroup
	for i := range status {
		c := s.client()
		wg.Go(func() { status[i] = c.wrong(fmt.Sprintf("enfant%d.a", i)) })
	}
	wg.Wait()
	busy := 0
	for i, p := range status {
		if p.status == http.StatusServiceUnavailable {
			busy++
			p.says("Beaucoup de personnes")
			if p.header.Get("Retry-After") == "" || !strings.Contains(p.body, fmt.Sprintf(`value="enfant%d.a"`, i)) {
				t.Error("no time to wait, or the typed name is gone")
			}
		}
	}
	if busy == 0 {
		t.Error("24 at once, and nobody was told to wait")
	}
	if n := s.count(`SELECT count(*) FROM throttle WHERE failures > 0 AND blocked_to = 0`); n != 24-busy+1 {
		t.Errorf("%d counts for %d trials that were judged", n-1, 24-busy)
	}
}

// A new code comes while the old password is being judged: no session of the
// old one is left behind.
func TestPasswordReplacedWhileItIsJudged(t *testing.T) {
	s := open(t)
	s.active("nadia.kermadec")
	done := false
	s.core.DB.Watch(func(_ context.Context, text string, _ []any) {
		if done || !strings.Contains(text, "FROM membership") || !strings.Contains(text, "ORDER BY profile, school") {
			return
		}
		done = true // this is after the judgement, before the session
		s.write(func(ctx context.Context, tx *db.Tx) error {
			_, err := session.Reissue(ctx, tx, s.core, rights.System("test"), s.ids["nadia.kermadec"])
			return err
		})
	})
	s.client().post("/connexion", "identifiant", "nadia.kermadec", "secret", password).is(422)
	s.core.DB.Watch(nil)
	if !done {
		t.Fatal("nothing happened in between")
	}
	if n := s.count(`SELECT count(*) FROM session WHERE person = $1`, s.ids["nadia.kermadec"]); n != 0 {
		t.Errorf("%d sessions of a password that was replaced", n)
	}
}
