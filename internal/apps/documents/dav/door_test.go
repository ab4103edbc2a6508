package dav_test

import (
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
	"marelle/internal/testkit/testapp"
)

// Nobody comes in but with a password of the drive that is in force, over a line
// that nobody reads.
func TestWhoMayNotOpenTheDrive(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	helene.put("Mes documents/carnet.txt", "à moi").is(201)

	nobody := program{t: t, a: a}
	for _, method := range []string{"OPTIONS", "PROPFIND", "GET", "HEAD", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPPATCH"} {
		got := nobody.do(method, "Mes documents/carnet.txt", "")
		if ask := got.is(401).Header().Get("WWW-Authenticate"); ask != `Basic realm="Marelle", charset="UTF-8"` {
			t.Errorf("%s asks %q", method, ask)
		}
		// A session opens nothing here.
		name, value := a.Cookie("helene.duvivier")
		nobody.do(method, "Mes documents/carnet.txt", "", "Cookie", name+"="+value).is(401)
	}
	nobody.do("POST", "Mes documents/carnet.txt", "").is(404)

	// Nor does a password of the drive open a page.
	if to := helene.raw("GET", "/documents", "").is(303).Header().Get("Location"); !strings.HasPrefix(to, "/connexion") {
		t.Errorf("a password of the drive leads to %s", to)
	}
	for login, want := range map[string]int{"ines.kermadec": 403, "nadia.kermadec": 403, "maitre.duport": 207} {
		p := of(t, a, login)
		got := p.list("").is(want).lacks("carnet")
		if want == 207 {
			p.do("GET", "Mes documents/carnet.txt", "").is(404)
			got.has("Mes%20documents")
		}
		if to := p.put("Mes documents/x.txt", "x").Code; (to == 201) != (want == 207) {
			t.Errorf("%s writes: %d", login, to)
		}
	}
	wrong := helene
	wrong.login = "antoine.mercier"
	wrong.list("").is(401)
	wrong = helene
	wrong.key = secret.FormatKey(secret.NewKey())
	wrong.list("").is(401)
	wrong.key = "secret"
	wrong.list("").is(401)
	wrong.login, wrong.key = "Hélène Duvivier", strings.ToLower(strings.ReplaceAll(helene.key, "-", " "))
	wrong.list("").is(207) // as people type

	line := func(addr, scheme string, pairs ...string) int {
		r := httptest.NewRequestWithContext(t.Context(), "PROPFIND", scheme+"://"+a.Config.Base.Host+"/dav/", nil)
		r.RemoteAddr = addr
		r.SetBasicAuth(helene.login, helene.key)
		r.Header.Set("Depth", "0")
		for i := 0; i+1 < len(pairs); i += 2 {
			r.Header.Set(pairs[i], pairs[i+1])
		}
		w := httptest.NewRecorder()
		a.Handler().ServeHTTP(w, r)
		return w.Code
	}
	for _, c := range []struct {
		got, want int
	}{
		{line("192.0.2.7:4000", "https"), 207}, {line("192.0.2.7:4000", "http"), 403},
		{line("127.0.0.1:4000", "http"), 207}, {line("127.0.0.1:4000", "http", "X-Forwarded-Proto", "http"), 403}, {line("192.0.2.7:4000", "http", "X-Forwarded-Proto", "https"), 403},
	} {
		if c.got != c.want {
			t.Errorf("a line gives %d, want %d", c.got, c.want)
		}
	}

	// A computer that does not know of the end of its password is slowed by itself:
	// others at the same address go on, here and at the door.
	stale := wrong
	stale.login, stale.key = "antoine.mercier", secret.NewKey()
	for range 400 {
		if c := stale.list("").Code; c == 429 {
			break
		}
	}
	if got := stale.list("").is(429); got.Header().Get("Retry-After") == "" {
		t.Error("it is not told when to come back")
	}
	helene.list("").is(207)
	at := a.Stranger()
	at.Addr = "192.0.2.7:4000"
	at.Post("/connexion", "identifiant", "helene.duvivier", "secret", "faux").Faulty()
}

// An application password ends with all that ends an account's sessions, by a tap,
// and by itself; what is under way when it ends is not kept.
func TestAPasswordOfTheDriveEnds(t *testing.T) {
	a := testapp.New(t)
	ctx := context.WithoutCancel(t.Context())
	write := func(f func(tx *db.Tx) error) {
		t.Helper()
		if err := a.Core.DB.Write(ctx, f); err != nil {
			t.Fatal(err)
		}
	}
	helene := of(t, a, "helene.duvivier")
	page := a.As("helene.duvivier")
	page.Get("/compte/mots-de-passe").OK().Has("Essai", "jamais servi")
	helene.list("").is(207)
	page.Get("/compte/mots-de-passe").OK().Has("servi aujourd’hui")
	id := a.One(`SELECT id FROM app_password WHERE person = $1`, page.ID)
	a.As("antoine.mercier").Post("/compte/mots-de-passe/retirer", "cle", id).To()
	helene.list("").is(207)
	page.Post("/compte/mots-de-passe/retirer", "cle", id).To()
	helene.list("").is(401)

	helene = of(t, a, "helene.duvivier")
	r := httptest.NewRequestWithContext(ctx, "PUT", a.Config.Base.String()+"/dav/Mes%20documents/lent.txt", io.MultiReader(strings.NewReader("le début "), ends{func() {
		write(func(tx *db.Tx) error { _, err := tx.Exec(ctx, `DELETE FROM app_password`); return err })
	}}))
	r.SetBasicAuth(helene.login, helene.key)
	w := httptest.NewRecorder()
	a.Handler().ServeHTTP(w, r)
	if w.Code != 401 || idOf(a, "lent.txt") != "" {
		t.Errorf("a file that was under way: %d", w.Code)
	}

	helene = of(t, a, "helene.duvivier")
	a.Core.Clock.Advance(25 * time.Hour) // after the day that it was made for, unused
	helene.list("").is(401)
	helene = of(t, a, "helene.duvivier")
	helene.list("").is(207)
	a.Core.Clock.Advance(300 * 24 * time.Hour)
	helene.list("").is(207) // it is in use
	write(func(tx *db.Tx) error {
		_, err := session.Reissue(ctx, tx, a.Core, rights.System("test"), page.ID)
		return err
	})
	helene.list("").is(401)

	// Whoever leaves the school leaves with nothing.
	antoine := of(t, a, "antoine.mercier")
	antoine.list("").is(207)
	here, his := home(a), a.One(`SELECT id FROM person WHERE login = 'antoine.mercier'`)
	write(func(tx *db.Tx) error {
		return people.Apply(ctx, tx, rights.System("test").For(here), a.Core.Clock.Now(), people.Change{
			School: here, Leave: []people.Membership{{Person: his, School: here, Profile: rights.Teacher}}})
	})
	antoine.list("").is(401)
}

// ends is a body that has something happen before it ends.
type ends struct{ then func() }

func (e ends) Read([]byte) (int, error) { e.then(); return 0, io.EOF }
