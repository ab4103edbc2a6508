package server_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"marelle/internal/kernel/app"
	"marelle/internal/testkit/testapp"
)

// attackers are who sends what no page of ours would.
var attackers = []string{"", "nadia.kermadec", "ines.kermadec", "helene.duvivier", "antoine.mercier", "claire.fontaine", "parent.duport", "directrice.duport"}

// mark is in every hostile text: where it is found as it was typed, it was not
// escaped.
const mark = `<zq1`

// hostile are texts that break what does not expect them.
var hostile = []string{
	"", " ", "\x00", "a\x00" + mark, "\xff\xfe" + mark, "\xed\xa0\x80", "%00", "%ff%00",
	mark + ` onload=alert(1)>`, `"'>` + mark + `>`, "{{.}}${7*7}" + mark, "' OR (1=1) --" + mark, "'; DROP TABLE person; --", `\`, "%_%",
	"\u202e" + mark, "\ufeff", "é\u0301\u0301", "\U0001F468\u200d\U0001F469", "İıſK", "\r\nSet-Cookie: a=b" + mark,
	"-1", "0", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "1e309", "NaN", "0x10", "2026-13-45", "0000-00-00", "9999-12-31", "-2026-01-01", "10000-01-01", "2026-02-30",
	"//evil.example/" + mark, `/\evil.example`, "javascript:alert(1)", "../../../etc/passwd", "class:", "pupil:" + mark, "group:x:y:z", "school", "oui", "on", "1",
	strings.Repeat("a", 5000), strings.Repeat("é", 70000), strings.Repeat(mark, 20000),
}

// field finds the names that handlers read of a form or an address.
var field = regexp.MustCompile(`(?:Get|Has)\("([a-z0-9_-]+)"\)|\["([a-z0-9_-]+)"\]`)

// fields are all such names in the source, so that a new one is sent by itself.
func fields(t testing.TB) []string {
	t.Helper()
	seen := map[string]bool{}
	for _, dir := range []string{"../apps", "../kernel"} {
		if err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "_templ.go") {
				return err
			}
			b, err := os.ReadFile(dir + "/" + path)
			for _, m := range field.FindAllSubmatch(b, -1) {
				seen[string(m[1])+string(m[2])] = true
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	names := make([]string, 0, len(seen))
	for n := range seen {
		names = append(names, n)
	}
	slices.Sort(names)
	if len(names) < 30 {
		t.Fatalf("only %d names of fields were found: %v", len(names), names)
	}
	return names
}

// siege is a server with people at its doors.
type siege struct {
	*testapp.App
	posts, gets []app.Route
	path        func(app.Route) string
	names       []string
	values      []string // hostile texts and what names real objects of two schools
	asked       int
}

func besiege(t testing.TB) *siege {
	t.Helper()
	s := &siege{App: testapp.New(t), names: fields(t), values: slices.Clone(hostile)}
	s.path = s.Paths(nil)
	for _, r := range s.Routes() {
		switch {
		case r.Need.NeedsPassword(): // what programs are answered is no page; the drive has its own siege
		case r.Method == http.MethodPost:
			s.posts = append(s.posts, r)
		default:
			s.gets = append(s.gets, r)
		}
	}
	for _, q := range []string{
		`SELECT min(id) FROM word`, `SELECT min(id) FROM event`, `SELECT max(id) FROM class`,
		`SELECT id FROM school WHERE uai <> '0809876A'`, `SELECT id FROM school WHERE uai = '0809876A'`,
		`SELECT id FROM person WHERE login = 'eleve.duport'`, `SELECT id FROM person WHERE login = 'ines.kermadec'`, `SELECT id FROM person WHERE login = 'nadia.kermadec'`,
	} {
		s.values = append(s.values, s.One(q))
	}
	return s
}

// from is somebody at an address of their own, so that no throttle hides what
// stands behind it.
func (s *siege) from(t testing.TB, login string) *testapp.Person {
	t.Helper()
	a := *s.App
	a.T = t
	p := a.Stranger()
	if login != "" && a.One(`SELECT coalesce((SELECT login FROM person WHERE login = $1), '')`, login) != "" {
		p = a.As(login) // else an earlier form has taken the person away
	}
	s.asked++
	p.Addr = fmt.Sprintf("10.%d.%d.1:999", s.asked>>8&255, s.asked&255)
	return p
}

// unharmed demands an answer that says what is wrong and repeats nothing raw.
func unharmed(t testing.TB, what string, page *testapp.Page) {
	t.Helper()
	if len(what) > 300 {
		what = what[:300] + "…"
	}
	if page.Status >= 500 || page.Status < 200 {
		t.Errorf("%s: status %d", what, page.Status)
	}
	if strings.Contains(page.Body, mark) && strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
		t.Errorf("%s: repeated as it was typed", what)
	}
	if page.Status >= 400 && page.Status != http.StatusMethodNotAllowed && !strings.HasPrefix(what, "HEAD ") && !strings.Contains(page.Body, `lang="fr"`) {
		t.Errorf("%s: status %d without a page in French: %q", what, page.Status, page.Body[:min(len(page.Body), 100)])
	}
	if to := page.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.Contains(to, `\`)) {
		t.Errorf("%s: leads to %q", what, to)
	}
	for _, h := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options"} {
		if page.Header.Get(h) == "" {
			t.Errorf("%s: no %s", what, h)
		}
	}
	if c := page.Header.Get("Cache-Control"); strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") && page.Status != http.StatusMethodNotAllowed && !strings.Contains(c, "no-store") {
		t.Errorf("%s: a page that may be kept: %q", what, c)
	}
	if c := page.Header.Get("Set-Cookie"); c != "" && (!strings.Contains(c, "HttpOnly") || !strings.Contains(c, "Secure") || !strings.Contains(c, "SameSite")) {
		t.Errorf("%s: a cookie as %q", what, c)
	}
}

// filled is a form with every name we read and a text for each, by chance.
func (s *siege) filled(chance *rand.Rand) url.Values {
	form := url.Values{}
	for _, n := range s.names {
		for range chance.IntN(3) {
			form.Add(n, s.values[chance.IntN(len(s.values))])
		}
		if form.Get(n) == "" && chance.IntN(4) == 0 {
			form.Set(n, "1")
		}
	}
	form.Set(s.values[chance.IntN(len(hostile))], "x")
	return form
}

func multipartForm(form url.Values, chance *rand.Rand) (kind, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for n, vs := range form {
		for _, v := range vs {
			if len(n) < 200 {
				part, _ := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {"form-data; name=" + strconv.QuoteToASCII(n)}})
				_, _ = part.Write([]byte(v))
			}
		}
	}
	for _, n := range []string{"piece", "fichiers"} {
		part, _ := w.CreateFormFile(n, hostile[chance.IntN(len(hostile)-3)]+".csv")
		_, _ = part.Write([]byte("Nom élève;Prénom élève\r\n" + hostile[chance.IntN(len(hostile))]))
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

// bodies that are broken as a whole.
var broken = []struct{ kind, body string }{
	{"application/x-www-form-urlencoded", "%zz=%&;;;a=%"},
	{"application/x-www-form-urlencoded", strings.Repeat("a=1&", 20000)},
	{"application/x-www-form-urlencoded", strings.Repeat("identifiant=x&", 9000)},
	{"multipart/form-data", "x"},
	{"multipart/form-data; boundary=", "--\r\n"},
	{"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n"},
	{"multipart/form-data; boundary=b", "--b\r\n" + strings.Repeat("X: y\r\n", 20000) + "\r\n\r\n--b--"},
	{"multipart/form-data; boundary=b", strings.Repeat("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\r\n", 3000) + "--b--"},
	{"application/json", `{"a":` + strings.Repeat("[", 10000)},
	{"text/plain\x00", "x"},
	{"", "\x00\xff"},
	{"application/x-www-form-urlencoded", "a=" + strings.Repeat("b", 1<<20)},
}

// Whatever comes at any POST route, from anybody: a page that says what is
// wrong, never an error of ours, nothing repeated raw.
func TestEveryFormWithstandsAnything(t *testing.T) {
	s := besiege(t)
	chance := rand.New(rand.NewPCG(1, 2))
	for _, r := range s.posts {
		for n, login := range attackers {
			form := s.filled(chance)
			what := fmt.Sprintf("POST %s as %q with %.600q", r.Pattern, login, form)
			at := s.path(r)
			unharmed(t, what, s.from(t, login).Do(http.MethodPost, at, "application/x-www-form-urlencoded", strings.NewReader(form.Encode())))
			kind, body := multipartForm(s.filled(chance), chance)
			unharmed(t, "multipart "+what, s.from(t, login).Do(http.MethodPost, at+"?"+s.filled(chance).Encode()[:200]+"=", kind, strings.NewReader(body)))
			b := broken[(n+s.asked)%len(broken)]
			unharmed(t, "broken "+what, s.from(t, login).Do(http.MethodPost, at, b.kind, strings.NewReader(b.body)))
		}
	}
	quiet(t, s)
}

// quiet demands a log without a failure, and without what was typed.
func quiet(t *testing.T, s *siege) {
	t.Helper()
	for _, line := range strings.Split(s.Log(), "\n") {
		if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") || strings.Contains(line, "zq1") {
			t.Errorf("logged: %.500s", line)
		}
	}
}

// One body at one route as one person: go test -fuzz FuzzForms ./internal/server.
func FuzzForms(f *testing.F) {
	s := besiege(f)
	chance := rand.New(rand.NewPCG(3, 4))
	for n := range s.posts {
		form := url.Values{}
		for _, name := range s.names {
			form.Set(name, hostile[chance.IntN(len(hostile)-3)])
		}
		f.Add(uint(n), uint(chance.IntN(len(attackers))), "application/x-www-form-urlencoded", form.Encode())
	}
	f.Fuzz(func(t *testing.T, route, who uint, kind, body string) {
		if strings.ContainsAny(kind, "\r\n\x00") {
			return // no header holds them
		}
		r, login := s.posts[route%uint(len(s.posts))], attackers[who%uint(len(attackers))]
		page := s.from(t, login).Do(http.MethodPost, s.path(r), kind, strings.NewReader(body))
		unharmed(t, r.Pattern+" as "+login, page)
	})
}

var hole = regexp.MustCompile(`\{[a-z]+\}`)

// The same of every address: what follows the question mark, and what stands
// for an identifier.
func TestEveryAddressWithstandsAnything(t *testing.T) {
	s := besiege(t)
	chance := rand.New(rand.NewPCG(5, 6))
	small := slices.DeleteFunc(slices.Clone(s.values), func(v string) bool { return len(v) > 1000 })
	for _, r := range slices.Concat(s.gets, s.posts) {
		for _, login := range attackers {
			q := url.Values{}
			for _, n := range s.names {
				if chance.IntN(2) == 0 {
					q.Add(n, small[chance.IntN(len(small))])
				}
			}
			for _, at := range []string{s.path(r), hole.ReplaceAllStringFunc(strings.TrimSuffix(r.Pattern, "{$}"), func(string) string {
				return url.PathEscape(small[5+chance.IntN(len(small)-5)])
			})} {
				what := fmt.Sprintf("%s %s?%.600s as %q", r.Method, at, q.Encode(), login)
				unharmed(t, what, s.from(t, login).Do(r.Method, at+"?"+q.Encode(), "application/x-www-form-urlencoded", strings.NewReader("")))
				unharmed(t, what+" raw", s.from(t, login).Do(r.Method, at+"?%zz&;&a=%ff%00&page=%00&ecole=%ff", "", nil))
			}
		}
		// Each name alone with bytes that a database refuses.
		for _, n := range s.names {
			if r.Method == http.MethodGet {
				at := s.path(r) + "?" + n + "=" + []string{"%ff%00", "-1", "99999999999999999999"}[s.asked%3]
				unharmed(t, at, s.from(t, attackers[1+s.asked%(len(attackers)-1)]).Get(at))
			}
		}
	}
	quiet(t, s)
}

// What stands above a request is anybody's to invent.
func TestEveryHeaderWithstandsAnything(t *testing.T) {
	s := besiege(t)
	names := []string{"Origin", "Sec-Fetch-Site", "Sec-Fetch-Dest", "X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Cookie", "Content-Type", "Range", "If-Range",
		"If-None-Match", "If-Modified-Since", "Accept-Encoding", "Accept-Language", "User-Agent", "Referer", "Authorization", "X-HTTP-Method-Override"}
	texts := append(slices.DeleteFunc(slices.Clone(hostile), func(v string) bool { return strings.ContainsAny(v, "\r\n\x00") || len(v) > 5000 }),
		"bytes=0-,0-,0-,0-", "bytes=-9999999999999999999", "https://evil.example", "null", "same-origin", "cross-site", "gzip;q=-1,br;q=NaN", "127.0.0.1, 10.0.0.1, ::1%eth0", "__Host-marelle=\"a\"; __Host-marelle=b")
	for _, r := range slices.Concat(s.gets, s.posts) {
		for n, h := range names {
			p := s.from(t, attackers[(n+s.asked)%len(attackers)])
			p.Header.Set(h, texts[s.asked%len(texts)])
			method := r.Method
			if s.asked%5 == 0 {
				method = []string{http.MethodHead, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodTrace, http.MethodPatch, "PROPFIND", "FOO"}[s.asked/5%8]
			}
			what := fmt.Sprintf("%s %s with %s %q", method, r.Pattern, h, p.Header.Get(h))
			page := p.Do(method, s.path(r), "application/x-www-form-urlencoded", strings.NewReader(""))
			if method == http.MethodHead {
				page.Body = `lang="fr"` // none is sent
			}
			unharmed(t, what, page)
			if strings.Contains(page.Body+page.Header.Get("Location"), "evil.example") {
				t.Errorf("%s: repeated", what)
			}
			for name := range page.Header {
				if strings.HasPrefix(name, "Access-Control-") {
					t.Errorf("%s: %s lets others in", what, name)
				}
			}
		}
	}
	quiet(t, s)
}
