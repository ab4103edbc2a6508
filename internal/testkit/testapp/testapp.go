// Package testapp is the whole server on a real database with the sample
// school in it, a clock that stands still, and people by their sign-in names:
//
//	app := testapp.New(t)
//	app.As("nadia.kermadec").Get("/carnet").OK().Has("Sortie")
//
// The database is SQLite, or a PostgreSQL of the test run when there is one.
package testapp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/session"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/media"
	"marelle/internal/sample"
	"marelle/internal/server"
	"marelle/internal/testkit/postgres"
)

// Now is the moment at which every test begins: Monday 23 November 2026, 16:30
// in Paris.
var Now = time.Date(2026, 11, 23, 15, 30, 0, 0, time.UTC)

// host is the base URL's: requests name it.
const host = "marelle.test"

// App is a server under test.
type App struct {
	*server.Server
	T   testing.TB
	log *locked
}

// Log is what the server has logged so far.
func (a *App) Log() string {
	a.log.mu.Lock()
	defer a.log.mu.Unlock()
	return a.log.String()
}

// New starts a server on a database of its own, a copy of one made once.
func New(t testing.TB) *App {
	t.Helper()
	return open(t, clone(t), true)
}

// Empty starts a server on an empty database.
func Empty(t testing.TB) *App {
	t.Helper()
	return open(t, blank(t), true)
}

func blank(t testing.TB) place {
	t.Helper()
	at := place{dir: t.TempDir(), base: "https://" + host}
	if postgres.URL() != "" {
		at.dsn = postgres.Clone(t, postgres.Template(t, "empty", func(string) error { return nil }))
	}
	return at
}

// place is where a server keeps its data, and its address.
type place struct{ dir, dsn, base string }

func open(t testing.TB, at place, cleanup bool) *App {
	t.Helper()
	log := &locked{}
	s, err := server.Open(t.Context(), configure(t, at), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Core.Clock.Freeze(Now)
	a := &App{Server: s, T: t, log: log}
	if cleanup {
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			if t.Failed() && a.Log() != "" {
				t.Log("server log:\n" + a.Log())
			}
		})
	}
	return a
}

// seal is every test server's secret, so that what the template sealed opens.
var seal = strings.Repeat("5a", 32) + "\n"

func configure(t testing.TB, at place) *config.Config {
	if err := os.WriteFile(filepath.Join(at.dir, "secret"), []byte(seal), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Settings{Addr: "127.0.0.1:0", BaseURL: at.base, Data: at.dir, Database: at.dsn, UploadMax: "20M"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Now = Now
	return cfg
}

// locked is a log that several may write.
type locked struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *locked) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

// TemplatesEnv names a folder where the packages of one run share the seeded
// SQLite database; each seeds its own where it is empty.
const TemplatesEnv = "MARELLE_TEST_TEMPLATES"

var (
	once     sync.Once
	template string // folder of the seeded SQLite database
	failure  error
)

// Main runs a package's tests and removes what they shared.
func Main(m *testing.M) int {
	if media.Child() { // the server under test decodes apart as the real one does
		return 0
	}
	code := m.Run()
	if template != "" {
		_ = os.RemoveAll(template)
	}
	return code
}

// clone copies the seeded database: a file on SQLite, CREATE DATABASE …
// TEMPLATE on PostgreSQL.
func clone(t testing.TB) place {
	t.Helper()
	dir := t.TempDir()
	if postgres.URL() != "" {
		name := postgres.Template(t, "sample", func(dsn string) error { return seed(t, place{t.TempDir(), dsn, "https://" + host}) })
		return place{dir, postgres.Clone(t, name), "https://" + host}
	}
	once.Do(func() {
		if shared() != "" && exists(shared()) {
			return
		}
		// Where it is renamed to, lest that be another disk.
		if template, failure = os.MkdirTemp(os.Getenv(TemplatesEnv), "marelle-template-*"); failure != nil {
			return
		}
		if failure = seed(t, place{dir: template, base: "https://" + host}); failure == nil && shared() != "" {
			failure = os.Rename(filepath.Join(template, database), shared()) // another's was the same
		}
	})
	if failure != nil {
		t.Fatal(failure)
	}
	at := filepath.Join(template, database)
	if shared() != "" {
		at = shared()
	}
	if err := duplicate(filepath.Join(dir, database), at); err != nil {
		t.Fatal(err)
	}
	return place{dir: dir, base: "https://" + host}
}

// database is the file that a server keeps it in.
const database = "marelle.db"

// shared is where the packages of this run share theirs, or "".
func shared() string {
	if dir := os.Getenv(TemplatesEnv); dir != "" {
		return filepath.Join(dir, database)
	}
	return ""
}

// duplicate copies a file without reading it into the test's memory.
func duplicate(to, from string) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	_, err = io.Copy(dst, src)
	return err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func seed(t testing.TB, at place) error {
	s, err := server.Open(context.Background(), configure(t, at), slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return err
	}
	s.Core.Clock.Freeze(Now)
	if _, err := sample.School(context.Background(), s.Core); err != nil {
		return err
	}
	if err := sample.Neighbour(context.Background(), s.Core); err != nil {
		return err
	}
	return s.Close() // SQLite: the last connection folds the log into the file
}

// Restart closes the server and opens another on the same data, as after a
// crash or an upgrade.
func (a *App) Restart() *App {
	a.T.Helper()
	at := place{a.Config.Data, a.Config.Database, a.Config.Base.String()}
	if err := a.Close(); err != nil {
		a.T.Fatal(err)
	}
	b := open(a.T, at, false)
	*a.Server = *b.Server
	return a
}

// Drain works every waiting job.
func (a *App) Drain() {
	a.T.Helper()
	if err := a.Core.Jobs.Drain(a.T.Context()); err != nil {
		a.T.Fatal(err)
	}
}

// IPhone is how the telephone of many parents names itself.
const IPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"

// Person is somebody with a browser, signed in or not.
type Person struct {
	app    *App
	ID     string
	Login  string
	cookie map[string]string
	Addr   string // whence requests come
	Header http.Header
}

// Stranger is nobody in particular.
func (a *App) Stranger() *Person {
	return &Person{app: a, cookie: map[string]string{}, Addr: "192.0.2.1:1234", Header: http.Header{}}
}

// As is a person of the sample, signed in.
func (a *App) As(login string) *Person {
	a.T.Helper()
	p := a.Stranger()
	p.Login = login
	ctx := a.T.Context()
	id, err := db.Value[string](ctx, a.Core.DB, `SELECT id FROM person WHERE login = $1`, login)
	if err != nil || id == "" {
		a.T.Fatalf("nobody signs in as %q (%v)", login, err)
	}
	p.ID = id
	var token string
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) (err error) {
		token, err = session.SignInAs(ctx, tx, a.Core, id)
		return err
	}); err != nil {
		a.T.Fatal(err)
	}
	p.cookie[session.Cookie] = token
	return p
}

// Cookies are what their browser holds, for a request of one's own.
func (p *Person) Cookies() (out []*http.Cookie) {
	for name, value := range p.cookie {
		out = append(out, &http.Cookie{Name: name, Value: value})
	}
	return out
}

// In is the same person within a subtest or one run of a fuzz target.
func (p *Person) In(t testing.TB) *Person {
	a, q := *p.app, *p
	a.T, q.app = t, &a
	return &q
}

// Get asks for a page.
func (p *Person) Get(path string) *Page { p.app.T.Helper(); return p.Do(http.MethodGet, path, "", nil) }

// Post sends a form: alternating names and values.
func (p *Person) Post(path string, pairs ...string) *Page {
	p.app.T.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	return p.Do(http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()))
}

// File is a file in a form.
type File struct {
	Field, Name string
	Bytes       []byte
}

// Upload sends a form with files.
func (p *Person) Upload(path string, files []File, pairs ...string) *Page {
	p.app.T.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = w.WriteField(pairs[i], pairs[i+1])
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.Field, f.Name)
		if err != nil {
			p.app.T.Fatal(err)
		}
		_, _ = part.Write(f.Bytes)
	}
	_ = w.Close()
	return p.Do(http.MethodPost, path, w.FormDataContentType(), &b)
}

// Do sends any request as a browser would: same origin, cookies kept.
func (p *Person) Do(method, path, contentType string, body io.Reader) *Page {
	p.app.T.Helper()
	r := httptest.NewRequestWithContext(p.app.T.Context(), method, p.app.Config.Base.String()+path, body)
	r.RemoteAddr = p.Addr
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if method != http.MethodGet {
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	for k, v := range p.Header {
		r.Header[k] = v
	}
	for _, c := range p.Cookies() {
		r.AddCookie(c)
	}
	w := httptest.NewRecorder()
	p.app.Handler().ServeHTTP(w, r)
	res := w.Result()
	for _, c := range res.Cookies() {
		if c.MaxAge < 0 {
			delete(p.cookie, c.Name)
		} else {
			p.cookie[c.Name] = c.Value
		}
	}
	return &Page{t: p.app.T, what: method + " " + path, Status: res.StatusCode, Header: res.Header, Body: w.Body.String()}
}

// Page is an answer.
type Page struct {
	t      testing.TB
	what   string
	Status int
	Header http.Header
	Body   string
}

// Is demands a status.
func (p *Page) Is(status int) *Page {
	p.t.Helper()
	if p.Status != status {
		p.t.Fatalf("%s: status %d, want %d\n%s", p.what, p.Status, status, excerpt(p.Body))
	}
	return p
}

// OK demands 200, NotFound 404, Denied 403, Faulty 422.
func (p *Page) OK() *Page { p.t.Helper(); return p.Is(http.StatusOK) }

// NotFound demands 404.
func (p *Page) NotFound() *Page { p.t.Helper(); return p.Is(http.StatusNotFound) }

// Denied demands 403.
func (p *Page) Denied() *Page { p.t.Helper(); return p.Is(http.StatusForbidden) }

// Faulty demands 422.
func (p *Page) Faulty() *Page { p.t.Helper(); return p.Is(http.StatusUnprocessableEntity) }

// To demands a redirection after a form and returns where.
func (p *Page) To() string {
	p.t.Helper()
	p.Is(http.StatusSeeOther)
	return p.Header.Get("Location")
}

// Has demands words on the page.
func (p *Page) Has(words ...string) *Page {
	p.t.Helper()
	for _, w := range words {
		if !strings.Contains(p.Body, w) {
			p.t.Fatalf("%s: no %q in\n%s", p.what, w, excerpt(p.Body))
		}
	}
	return p
}

// Lacks demands that words are not on the page.
func (p *Page) Lacks(words ...string) *Page {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(p.Body, w) {
			p.t.Fatalf("%s: %q should not be there", p.what, w)
		}
	}
	return p
}

func excerpt(s string) string {
	if i := strings.Index(s, "<main"); i >= 0 {
		s = s[i:]
	}
	if len(s) > 3000 {
		return fmt.Sprintf("%s… (%d bytes)", s[:3000], len(s))
	}
	return s
}
