package session_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/mail/mailtest"
	"marelle/internal/server"
	"marelle/internal/testkit/postgres"
)

// site is a whole server with a small school in it: a head, a teacher of a
// class, a mother of two of its pupils, and another school with a teacher.
type site struct {
	t      testing.TB
	core   *app.Core
	server *httptest.Server
	mails  *mailtest.Recorder
	ids    map[string]string // by sign-in name
	school string
	class  string
}

var monday = time.Date(2026, time.November, 23, 9, 0, 0, 0, time.UTC)

type option func(*config.Config, *site)

func withMail(c *config.Config, s *site) {
	r, err := mailtest.Start()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = r.Close() })
	s.mails, c.SMTP = r, r.URL()
}

func asDemo(c *config.Config, _ *site) { c.Demo = true }

func open(t testing.TB, options ...option) *site {
	t.Helper()
	s := &site{t: t, ids: map[string]string{}}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	settings := config.Settings{Addr: ln.Addr().String(), Data: t.TempDir(), UploadMax: "1M"}
	if postgres.URL() != "" {
		settings.Database = postgres.Clone(t, template(t, settings))
	}
	cfg, err := config.Load(settings, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Now = monday
	for _, o := range options {
		o(cfg, s)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	sv, err := server.Open(context.Background(), cfg, log)
	if err != nil {
		t.Fatal(err)
	}
	s.core = sv.Core
	s.core.Clock.Freeze(monday)
	s.server = &httptest.Server{Listener: ln, Config: &http.Server{Handler: sv.Handler()}}
	s.server.Start()
	t.Cleanup(func() { s.server.Close(); _ = sv.Close() })
	s.fill()
	return s
}

// template is a database with the tables of this very build and nothing in it.
func template(t testing.TB, settings config.Settings) string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(program)
	if err != nil {
		t.Fatal(err)
	}
	return postgres.Template(t, fmt.Sprint("session ", info.Size(), info.ModTime()), func(dsn string) error {
		settings.Database = dsn
		cfg, err := config.Load(settings, nil)
		if err != nil {
			return err
		}
		sv, err := server.Open(context.Background(), cfg, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		return sv.Close()
	})
}

func (s *site) fill() {
	g := rights.System("test")
	s.write(func(ctx context.Context, tx *db.Tx) error {
		now := s.core.Clock.Now()
		school, err := people.CreateSchool(ctx, tx, g, now, people.School{UAI: "0801234G", Name: "École des Marronniers"})
		if err != nil {
			return err
		}
		other, err := people.CreateSchool(ctx, tx, g, now, people.School{UAI: "0801235H", Name: "École du Port"})
		if err != nil {
			return err
		}
		class, err := people.CreateClass(ctx, tx, g.For(school.ID), now, people.Class{School: school.ID, Year: 2026, Label: "CE1 B", Levels: "CE1"})
		if err != nil {
			return err
		}
		s.school, s.class = school.ID, class.ID
		list, err := people.CreatePersons(ctx, tx, g, now, []people.Person{
			{First: "Odile", Last: "Marchand", Civility: "F"}, {First: "Anne", Last: "Duvivier", Civility: "F"},
			{First: "Nadia", Last: "Kermadec", Civility: "F", ContactEmail: "nadia@exemple.fr"},
			{First: "Inès", Last: "Kermadec", Avatar: "renard"}, {First: "Yanis", Last: "Kermadec", Avatar: "ours"},
			{First: "Bastien", Last: "Perrault", Civility: "M"}, {First: "Paul", Last: "Voisin"},
			{First: "Claire", Last: "Portail"},
		})
		if err != nil {
			return err
		}
		id := func(i int) string { return list[i].ID }
		for _, p := range list {
			s.ids[p.Login] = p.ID
		}
		if err := people.Apply(ctx, tx, g, now, people.Change{School: school.ID,
			Join: []people.Membership{
				member(id(0), school.ID, rights.Teacher, true), member(id(1), school.ID, rights.Teacher, false), member(id(2), school.ID, rights.Relative, false),
				member(id(3), school.ID, rights.Pupil, false), member(id(4), school.ID, rights.Pupil, false), member(id(5), school.ID, rights.Relative, false),
				member(id(7), "", rights.Operator, false),
			},
			Enter: []people.Place{{Person: id(1), Class: class.ID, Profile: rights.Teacher, Level: ""}, {Person: id(3), Class: class.ID, Profile: rights.Pupil, Level: "CE1"}, {Person: id(4), Class: class.ID, Profile: rights.Pupil, Level: "CE1"}},
			Link:  []people.Link{{Relative: id(2), Pupil: id(3)}, {Relative: id(2), Pupil: id(4)}},
		}); err != nil {
			return err
		}
		// Bastien is a teacher elsewhere; Paul teaches in the other school only.
		return people.Apply(ctx, tx, g, now, people.Change{School: other.ID,
			Join: []people.Membership{member(id(5), other.ID, rights.Teacher, false), member(id(6), other.ID, rights.Teacher, false)}})
	})
}

func member(person, school string, profile rights.Profile, head bool) people.Membership {
	return people.Membership{Person: person, School: school, Profile: profile, Head: head}
}

func (s *site) write(f func(ctx context.Context, tx *db.Tx) error) {
	s.t.Helper()
	if err := s.try(f); err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) try(f func(ctx context.Context, tx *db.Tx) error) error {
	ctx := context.Background()
	return s.core.DB.Write(ctx, func(tx *db.Tx) error { return f(ctx, tx) })
}

// code issues and opens the code of somebody.
func (s *site) code(login string) (code string) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *db.Tx) error {
		g, one := rights.System("test"), []string{s.ids[login]}
		if err := session.IssueCodes(ctx, tx, s.core, g, one); err != nil {
			return err
		}
		codes, err := session.OpenCodes(ctx, tx, s.core, g, one)
		code = codes[one[0]]
		return err
	})
	return code
}

const password = "tilleul craie samedi bateau"

// active gives somebody an account with the password, charter accepted.
func (s *site) active(logins ...string) {
	s.t.Helper()
	hash, err := s.core.Hasher.Hash(context.Background(), password)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(func(ctx context.Context, tx *db.Tx) error {
		for _, l := range logins {
			if err := session.SetPassword(ctx, tx, s.core, rights.System("test"), s.ids[l], hash); err != nil {
				return err
			}
			if err := session.AcceptCharter(ctx, tx, s.core, rights.System("test"), s.ids[l]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *site) exec(text string, args ...any) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *db.Tx) error { _, err := tx.Exec(ctx, text, args...); return err })
}

func (s *site) count(text string, args ...any) int {
	s.t.Helper()
	n, err := db.Value[int](context.Background(), s.core.DB, text, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// client is a browser of one person: it keeps cookies (Secure ones too, since
// browsers trust this machine's own address) and follows no redirect.
type client struct {
	s    *site
	http *http.Client
	jar  http.CookieJar
}

func (s *site) client() *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &client{s: s, jar: jar, http: &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// page is an answer, read whole.
type page struct {
	t      testing.TB
	status int
	to     string // of a redirect
	body   string
	header http.Header
}

func (c *client) do(method, path string, form url.Values) page {
	c.s.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, c.s.server.URL+path, body)
	if err != nil {
		c.s.t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	secure := *req.URL
	secure.Scheme = "https"
	for _, k := range c.jar.Cookies(&secure) {
		req.AddCookie(k)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.s.t.Fatal(err)
	}
	defer res.Body.Close()
	for _, k := range res.Cookies() {
		if !k.Secure || !k.HttpOnly || k.Path != "/" || k.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(k.Name, "__Host-") {
			c.s.t.Errorf("%s %s: a cookie that is not guarded: %s", method, path, k)
		}
	}
	c.jar.SetCookies(&secure, res.Cookies())
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.s.t.Fatal(err)
	}
	if res.StatusCode >= 500 && res.StatusCode != http.StatusServiceUnavailable {
		c.s.t.Fatalf("%s %s: %d\n%s", method, path, res.StatusCode, text(string(b)))
	}
	return page{c.s.t, res.StatusCode, res.Header.Get("Location"), string(b), res.Header}
}

func (c *client) get(path string) page { c.s.t.Helper(); return c.do("GET", path, nil) }

// post sends pairs of names and values.
func (c *client) post(path string, pairs ...string) page {
	c.s.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return c.do("POST", path, form)
}

func (c *client) signIn(login string) page {
	c.s.t.Helper()
	return c.post("/connexion", "identifiant", login, "secret", password)
}

// in signs somebody in and insists that it worked.
func (s *site) in(login string) *client {
	s.t.Helper()
	c := s.client()
	c.signIn(login).goesTo("/")
	return c
}

func (p page) goesTo(path string) page {
	p.t.Helper()
	if p.status != http.StatusSeeOther || p.to != path {
		p.t.Fatalf("expected to go to %s, got %d %s\n%s", path, p.status, p.to, text(p.body))
	}
	return p
}

func (p page) is(status int) page {
	p.t.Helper()
	if p.status != status {
		p.t.Fatalf("expected %d, got %d %s\n%s", status, p.status, p.to, text(p.body))
	}
	return p
}

// says looks for words as a person reads them: any space, any apostrophe.
func (p page) says(words ...string) page {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(text(p.body), text(w)) {
			p.t.Fatalf("the page does not say %q:\n%s", w, text(p.body))
		}
	}
	return p
}

func (p page) silent(words ...string) page {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(text(p.body), text(w)) {
			p.t.Fatalf("the page says %q:\n%s", w, text(p.body))
		}
	}
	return p
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`[\s\x{a0}\x{202f}]+`)
)

func text(html string) string {
	s := tags.ReplaceAllString(html, " ")
	s = strings.NewReplacer("&#39;", "'", "’", "'", "&amp;", "&", "&quot;", `"`, "&#34;", `"`).Replace(s)
	return strings.TrimSpace(spaces.ReplaceAllString(s, " "))
}

// work runs every waiting job.
func (s *site) work() {
	s.t.Helper()
	if err := s.core.Jobs.Drain(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}
