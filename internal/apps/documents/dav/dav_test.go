package dav_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/clamav"
	"marelle/internal/platform/clamav/clamavtest"
	"marelle/internal/platform/db"
	"marelle/internal/platform/media"
	"marelle/internal/platform/secret"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// keyOf makes an application password of somebody's.
func keyOf(t testing.TB, a *testapp.App, login string) string {
	t.Helper()
	key := secret.NewKey()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		now := a.Core.Clock.Now().UnixMilli()
		_, err := tx.Exec(t.Context(), `INSERT INTO app_password (id, person, name, created_at, expires_at) SELECT $1, p.id, 'Essai', $3, $4 FROM person p WHERE p.login = $2`, secret.Hash(key), login, now, now+86400000)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return secret.FormatKey(key)
}

// program opens somebody's documents as a drive.
type program struct {
	t          testing.TB
	a          *testapp.App
	login, key string
}

func of(t testing.TB, a *testapp.App, login string) program {
	t.Helper()
	return program{t, a, login, keyOf(t, a, login)}
}

type reply struct {
	t testing.TB
	*httptest.ResponseRecorder
	what string
}

// do sends a request; pairs are headers. The path is as a person reads it.
func (p program) do(method, path, body string, pairs ...string) reply {
	p.t.Helper()
	return p.raw(method, (&url.URL{Path: "/dav/" + path}).EscapedPath(), body, pairs...)
}

func (p program) raw(method, path, body string, pairs ...string) reply {
	p.t.Helper()
	r := httptest.NewRequestWithContext(p.t.Context(), method, p.a.Config.Base.String()+path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:4000"
	if p.key != "" {
		r.SetBasicAuth(p.login, p.key)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		r.Header.Set(pairs[i], pairs[i+1])
	}
	w := httptest.NewRecorder()
	p.a.Handler().ServeHTTP(w, r)
	return reply{p.t, w, method + " " + path}
}

func (p program) put(path, body string, pairs ...string) reply {
	p.t.Helper()
	return p.do("PUT", path, body, pairs...)
}

func (p program) move(from, to string, pairs ...string) reply {
	p.t.Helper()
	return p.do("MOVE", from, "", append(pairs, "Destination", p.a.Config.Base.String()+(&url.URL{Path: "/dav/" + to}).EscapedPath())...)
}

func (p program) copy(from, to string, pairs ...string) reply {
	p.t.Helper()
	return p.do("COPY", from, "", append(pairs, "Destination", p.a.Config.Base.String()+(&url.URL{Path: "/dav/" + to}).EscapedPath())...)
}

func (p program) list(path string) reply {
	p.t.Helper()
	return p.do("PROPFIND", path, "", "Depth", "1")
}

func (p program) lock(path string, pairs ...string) reply {
	p.t.Helper()
	return p.do("LOCK", path, `<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>Poste 3</D:owner></D:lockinfo>`, pairs...)
}

func (r reply) is(status int) reply {
	r.t.Helper()
	if r.Code != status {
		r.t.Fatalf("%s: %d, want %d\n%.800s", r.what, r.Code, status, r.Body)
	}
	return r
}

func (r reply) has(words ...string) reply {
	r.t.Helper()
	for _, w := range words {
		if !strings.Contains(r.Body.String(), w) {
			r.t.Fatalf("%s: no %q in\n%.3000s", r.what, w, r.Body)
		}
	}
	return r
}

func (r reply) lacks(words ...string) reply {
	r.t.Helper()
	for _, w := range words {
		if strings.Contains(r.Body.String(), w) {
			r.t.Fatalf("%s: %q should not be there", r.what, w)
		}
	}
	return r
}

func idOf(a *testapp.App, name string) string {
	return a.One(`SELECT id FROM document WHERE name = $1 ORDER BY id DESC LIMIT 1`, name)
}

func home(a *testapp.App) string { return a.One(`SELECT id FROM school WHERE uai = '0809876A'`) }

// share gives something to somebody by the page, and takes it back.
func share(p *testapp.Person, id, role, to string) {
	p.Post("/documents/"+id+"/partage", "role", role, "a", "person:"+to).To()
}

func unshare(p *testapp.Person, id, from string) {
	p.Post("/documents/"+id+"/partage/retirer", "a", "person:"+from).To()
}

// What is shared is on the colleague's drive at once, as far as it was given, and
// gone from it at once: the whole folder and what lies in it.
func TestWhatIsTakenBackIsGoneFromTheDrive(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := of(t, a, "helene.duvivier"), of(t, a, "antoine.mercier")
	his := a.As("antoine.mercier").ID
	helene.do("MKCOL", "Mes documents/Sortie au phare", "").is(201)
	helene.put("Mes documents/Sortie au phare/plan.txt", "Prendre le sentier.").is(201)
	folder := idOf(a, "Sortie au phare")
	page := a.As("helene.duvivier")
	page.Get("/documents/" + folder).OK().Has("plan.txt")
	const there = "Partagés avec moi/Sortie au phare/plan.txt"
	antoine.do("GET", there, "").is(404)
	antoine.list("Partagés avec moi").is(207).lacks("phare")

	share(page, folder, "1", his)
	antoine.list("Partagés avec moi").is(207).has("Sortie%20au%20phare")
	antoine.list("Partagés avec moi/Sortie au phare").is(207).has("plan.txt")
	antoine.do("GET", there, "").is(200).has("Prendre le sentier.")
	// Read is read.
	antoine.put(there, "Autre chose").is(403)
	antoine.put("Partagés avec moi/Sortie au phare/intrus.txt", "x").is(403)
	antoine.do("MKCOL", "Partagés avec moi/Sortie au phare/intrus", "").is(403)
	antoine.do("DELETE", there, "").is(403)
	antoine.move(there, "Mes documents/plan.txt").is(403)
	antoine.lock(there).is(403)
	antoine.do("PROPPATCH", there, `<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><x:a xmlns:x="x:">1</x:a></D:prop></D:set></D:propertyupdate>`).is(207).has("403 Forbidden")
	antoine.copy(there, "Mes documents/ma copie.txt").is(201)
	antoine.do("GET", "Mes documents/ma copie.txt", "").is(200).has("Prendre le sentier.")
	antoine.put("Partagés avec moi/rien.txt", "x").is(403)
	antoine.put("rien.txt", "x").is(403)

	unshare(page, folder, his)
	antoine.do("GET", there, "").is(404)
	antoine.do("HEAD", there, "").is(404)
	antoine.do("PROPFIND", there, "", "Depth", "0").is(404)
	antoine.list("Partagés avec moi/Sortie au phare").is(404)
	antoine.list("Partagés avec moi").is(207).lacks("phare")
	antoine.put(there, "x").is(409)
	antoine.copy(there, "Mes documents/encore.txt").is(404)
	antoine.do("GET", "Mes documents/ma copie.txt", "").is(200)

	// Who may add may add, and not remove.
	share(page, folder, "3", his)
	antoine.put(there, "Par la plage.").is(204)
	antoine.put("Partagés avec moi/Sortie au phare/liste.txt", "Bottes").is(201)
	antoine.do("DELETE", there, "").is(403)
	helene.do("GET", "Mes documents/Sortie au phare/plan.txt", "").is(200).has("Par la plage.")
	page.Get("/documents/" + idOf(a, "plan.txt")).OK().Has("Version 2")
}

// Programs save in their own ways; each leaves what the pages would have left.
func TestProgramsSave(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	page := a.As("helene.duvivier")
	const at = "Mes documents/Liste.txt"
	versions := func() string {
		return a.One(`SELECT CAST(count(*) AS TEXT) FROM document_version v JOIN document d ON d.id = v.node WHERE d.name = 'Liste.txt' AND d.taken IS NULL`)
	}
	// Windows: an empty file, a lock, the bytes.
	helene.put(at, "").is(201)
	page.Get("/documents/" + idOf(a, "Liste.txt")).OK()
	token := helene.lock(at, "Timeout", "Second-600").is(200).has("Second-600").Header().Get("Lock-Token")
	helene.put(at, "Bottes").is(423)
	etag := helene.put(at, "Bottes", "If", "("+token+")").is(204).Header().Get("ETag")
	helene.do("UNLOCK", at, "", "Lock-Token", token).is(204)
	if n := versions(); n != "1" {
		t.Errorf("%s versions of what was saved once", n)
	}
	got := helene.do("GET", at, "").is(200).has("Bottes")
	if got.Header().Get("ETag") != etag || etag == "" {
		t.Errorf("ETag %q, then %q", etag, got.Header().Get("ETag"))
	}
	helene.do("GET", at, "", "Range", "bytes=2-3").is(206)
	if b := helene.do("GET", at, "", "Range", "bytes=2-3").Body.String(); b != "tt" {
		t.Errorf("a range gives %q", b)
	}
	helene.do("GET", at, "", "If-None-Match", etag).is(304)
	helene.put(at, "x", "If-None-Match", "*").is(412)
	helene.put(at, "x", "If-Match", `"autre"`).is(412)
	helene.put("Mes documents/absent.txt", "x", "If-Match", etag).is(412)
	// A lock before there is anything.
	token = helene.lock("Mes documents/neuf.odt").is(201).Header().Get("Lock-Token")
	helene.put("Mes documents/neuf.odt", "du texte", "If", "("+token+")").is(204)
	helene.do("UNLOCK", "Mes documents/neuf.odt", "", "Lock-Token", token).is(204)
	// Saved beside, then put in its place: it is another version, shares and all.
	before := idOf(a, "Liste.txt")
	helene.put("Mes documents/Liste.tmp", "Bottes et jumelles").is(201)
	helene.move("Mes documents/Liste.tmp", at, "Overwrite", "F").is(412)
	helene.move("Mes documents/Liste.tmp", at).is(204)
	if n := versions(); n != "2" || idOf(a, "Liste.txt") != before || idOf(a, "Liste.tmp") != "" {
		t.Errorf("%s versions, %s was %s", n, idOf(a, "Liste.txt"), before)
	}
	helene.do("GET", at, "").has("jumelles")
	page.Post("/documents/"+before+"/version/remettre", "version", "1").To()
	helene.do("GET", at, "").is(200).lacks("jumelles")

	// What is removed is in the trash, with all that lies in it.
	helene.do("MKCOL", "Mes documents/Phare", "").is(201)
	helene.do("MKCOL", "Mes documents/Phare", "").is(405)
	helene.do("MKCOL", "Mes documents/Rien/Phare", "").is(409)
	helene.copy(at, "Mes documents/Phare/Bagages.txt").is(201)
	helene.copy("Mes documents/Phare", "Mes documents/Phare/Phare").is(403)
	helene.copy("Mes documents/Phare", "Mes documents/Copie").is(201)
	helene.do("GET", "Mes documents/Copie/Bagages.txt", "").is(200).has("Bottes")
	helene.do("DELETE", "Mes documents/Phare", "").is(204)
	helene.do("GET", "Mes documents/Phare/Bagages.txt", "").is(404)
	page.Get("/documents/corbeille").OK().Has("Phare")
	page.Post("/documents/corbeille/remettre", "id", idOf(a, "Phare")).To()
	helene.do("GET", "Mes documents/Phare/Bagages.txt", "").is(200)
	helene.move("Mes documents/Phare", "Mes documents/Copie/Vieux phare").is(201)
	helene.do("GET", "Mes documents/Copie/Vieux phare/Bagages.txt", "").is(200)
	for _, path := range []string{"", "Mes documents", "Partagés avec moi"} {
		helene.do("DELETE", path, "").is(403)
		helene.move(path, "Mes documents/x").is(403)
	}

	// What a browser opens runs nothing.
	helene.put("Mes documents/piege.html", "<html><script>alert(1)</script></html>").is(201)
	h := helene.do("GET", "Mes documents/piege.html", "").is(200).Header()
	if h.Get("Content-Type") != "text/plain" || !strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
		t.Errorf("a page is served as %v", h)
	}
	helene.raw("OPTIONS", "/dav", "").is(200)
	helene.raw("PROPFIND", "/dav", "", "Depth", "1").is(207).has("Mes%20documents")
}

// What may not be kept is refused with the status that programs know.
func TestWhatTheDriveRefuses(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	helene.put("Mes documents/jeu.exe", "MZ").is(415)
	helene.put("Mes documents/jeu.txt", "MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00\xb8\x00\x00\x00").is(415)
	helene.lock("Mes documents/jeu.exe").is(415)
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM dav_lock`); n != "0" {
		t.Errorf("%s locks on what could not be made", n)
	}
	helene.put("Mes documents/trop.txt", strings.Repeat("x", 21<<20)).is(413)
	helene.put("Mes documents/"+strings.Repeat("n", 121)+".txt", "x").is(403)
	helene.do("MKCOL", "Mes documents/"+strings.Repeat("n", 121), "").is(403)
	for _, name := range []string{".DS_Store", "._Liste.txt", "Thumbs.db", "desktop.ini", "~$Liste.docx", ".~lock.Liste.odt#"} {
		helene.put("Mes documents/"+name, "x").is(403).has("gardé")
		helene.do("GET", "Mes documents/"+name, "").is(404)
		helene.do("PROPFIND", "Mes documents/"+name, "", "Depth", "0").is(404)
		helene.do("MKCOL", "Mes documents/"+name, "").is(403)
		helene.lock("Mes documents/" + name).is(403)
	}
	helene.put("Mes documents/bon.txt", "x").is(201)
	helene.move("Mes documents/bon.txt", "Mes documents/.DS_Store").is(403)
	helene.copy("Mes documents/bon.txt", "Mes documents/._bon.txt").is(403)
	helene.do("PROPFIND", "", "").is(403).has("propfind-finite-depth")
	helene.do("PROPFIND", "", "", "Depth", "infinity").is(403).has("propfind-finite-depth")
	helene.do("PROPFIND", "", strings.Repeat(" ", 65<<10), "Depth", "0").is(413)

	a.Core.Clamd, _ = clamav.Parse(clamavtest.Start(t))
	helene.put("Mes documents/lettre.txt", "bonjour "+clamavtest.Virus).is(403).has("virus")
	a.Core.Clamd, _ = clamav.Parse("127.0.0.1:1")
	helene.put("Mes documents/lettre.txt", "bonjour").is(503).has("ne répond pas")
	a.Core.Clamd = nil
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return file.SetQuota(context.WithoutCancel(t.Context()), tx, rights.System("test"), "", rights.Teacher, 1000)
	}); err != nil {
		t.Fatal(err)
	}
	helene.put("Mes documents/gros.txt", strings.Repeat("x", 2000)).is(507).has("plus assez de place")
	helene.do("PROPFIND", "Mes documents", `<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/></D:prop></D:propfind>`, "Depth", "0").is(207).has("quota-available-bytes")
	if idOf(a, "lettre.txt")+idOf(a, "gros.txt")+idOf(a, "trop.txt") != "" {
		t.Error("something of it is kept")
	}
}

// A folder of a thousand files is listed in as many statements as an empty one.
func TestAFolderIsListedInTwoStatements(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	helene.do("MKCOL", "Mes documents/Grand", "").is(201)
	helene.put("Mes documents/Grand/un.txt", "x").is(201)
	antoine := of(t, a, "antoine.mercier")
	share(a.As("helene.duvivier"), idOf(a, "Grand"), "3", a.As("antoine.mercier").ID)
	helene.lock("Mes documents/Grand/un.txt").is(200)
	count := func() (n, told int) {
		defer a.Core.DB.Watch(nil)
		a.Core.DB.Watch(func(context.Context, string, []any) { n++ })
		helene.list("Mes documents/Grand").is(207)
		a.Core.DB.Watch(func(context.Context, string, []any) { told++ })
		antoine.do("PROPFIND", "Partagés avec moi/Grand", `<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/><D:quota-used-bytes/></D:prop></D:propfind>`, "Depth", "1").is(207).has("Mme Duvivier")
		return n, told
	}
	helene.list("").is(207)
	antoine.list("").is(207)
	few, told := count()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		for n, text := range []string{
			`INSERT INTO resource (id, school, kind, root, owner, title, summary, created_at, updated_at) SELECT substr(r.id, 1, 30) || x.n, r.school, r.kind, substr(r.id, 1, 30) || x.n, r.owner, r.title, r.summary, r.created_at, r.updated_at`,
			`INSERT INTO resource_grant (resource, principal, role) SELECT substr(r.id, 1, 30) || x.n, g.principal, g.role`,
			`INSERT INTO document (id, school, owner, author, parent, folder, name, name_key, file, changed_at) SELECT substr(r.id, 1, 30) || x.n, d.school, d.owner, d.author, d.parent, d.folder, x.n || d.name, x.n || d.name_key, d.file, d.changed_at`,
		} {
			if _, err := tx.Exec(t.Context(), `WITH RECURSIVE x0(i) AS (SELECT 100001 UNION ALL SELECT i + 1 FROM x0 WHERE i < 101000), x(n) AS (SELECT CAST(i AS TEXT) FROM x0) `+text+` FROM x CROSS JOIN document d JOIN resource r ON r.id = d.id `+[]string{``, `JOIN resource_grant g ON g.resource = r.id `, ``}[n]+`WHERE d.name = 'un.txt'`); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(helene.list("Mes documents/Grand").Body.String(), "<D:response>"); n != 1002 {
		t.Fatalf("%d are listed", n)
	}
	// Who asks, whose key it is, where the folder is, and what lies in it.
	if many, and := count(); many != few || many > 4 || and != told || and > 7 {
		t.Errorf("%d statements for one file, %d for a thousand; with locks and room %d, %d", few, many, told, and)
	}
}

// A lock is everybody's, wherever they see what is locked; it has an end, and
// nobody holds too many.
func TestProgramsWaitForEachOther(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := of(t, a, "helene.duvivier"), of(t, a, "antoine.mercier")
	page, his := a.As("helene.duvivier"), a.As("antoine.mercier").ID
	helene.do("MKCOL", "Mes documents/Projet", "").is(201)
	helene.do("MKCOL", "Mes documents/Projet/Phare", "").is(201)
	helene.put("Mes documents/Projet/Phare/plan.txt", "un").is(201)
	share(page, idOf(a, "Phare"), "3", his)
	const mine, theirs = "Mes documents/Projet/Phare/plan.txt", "Partagés avec moi/Phare/plan.txt"

	token := helene.lock(mine).is(200).Header().Get("Lock-Token")
	antoine.put(theirs, "deux").is(423).has("Quelqu")
	antoine.lock(theirs).is(423)
	antoine.lock("Partagés avec moi/Phare").is(423)
	antoine.put(theirs, "deux", "If", "("+token+")").is(412) // a token is its holder's
	antoine.put(theirs, "deux", "If", "(Not <DAV:no-lock>)").is(423)
	antoine.put(theirs, "deux", "If", "</dav/Mes%20documents> (Not <DAV:no-lock>)").is(423)
	antoine.do("UNLOCK", theirs, "", "Lock-Token", token).is(403)
	antoine.do("PROPFIND", theirs, `<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/></D:prop></D:propfind>`, "Depth", "0").is(207).has("Mme Duvivier").lacks("Poste 3", "urn:uuid")
	helene.do("PROPFIND", mine, `<D:propfind xmlns:D="DAV:"><D:prop><D:lockdiscovery/></D:prop></D:propfind>`, "Depth", "0").is(207).has("Poste 3", "urn:uuid")
	antoine.put("Partagés avec moi/Phare/autre.txt", "trois").is(201) // beside it
	a.Restart()
	antoine.put(theirs, "deux").is(423) // a lock is a row
	a.Core.Clock.Advance(59 * time.Minute)
	antoine.put(theirs, "deux").is(423)
	helene.do("LOCK", mine, "", "If", "("+token+")").is(200)
	a.Core.Clock.Advance(59 * time.Minute)
	antoine.put(theirs, "deux").is(423)
	a.Core.Clock.Advance(2 * time.Minute)
	antoine.put(theirs, "deux").is(204)
	helene.put(mine, "trois", "If", "("+token+")").is(412)

	// A folder is locked with all that lies in it.
	token = helene.lock("Mes documents/Projet", "Depth", "infinity").is(200).Header().Get("Lock-Token")
	antoine.put(theirs, "quatre").is(423)
	antoine.put("Partagés avec moi/Phare/nouveau.txt", "quatre").is(423)
	helene.put(mine, "quatre", "If", "</dav/Mes%20documents/Projet> ("+token+")").is(204)
	helene.do("DELETE", "Mes documents/Projet", "", "If", "("+token+")").is(204)
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM dav_lock`); n != "0" {
		t.Errorf("%s locks are left of what is gone", n)
	}
	for n := range 101 {
		want := 201
		if n == 100 {
			want = 507
		}
		helene.lock(fmt.Sprintf("Mes documents/%d.txt", n)).is(want)
	}
}

// Somebody of two schools has a folder for each, and moves nothing between them.
func TestEachSchoolIsAFolder(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	helene.put("Mes documents/ici.txt", "ici").is(201)
	other, hers := a.One(`SELECT id FROM school WHERE uai <> '0809876A'`), a.As("helene.duvivier").ID
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(context.WithoutCancel(t.Context()), tx, rights.System("test").For(other), a.Core.Clock.Now(), people.Change{
			School: other, Join: []people.Membership{{Person: hers, School: other, Profile: rights.Teacher}}})
	}); err != nil {
		t.Fatal(err)
	}
	here, there := a.One(`SELECT name FROM school WHERE uai = '0809876A'`), a.One(`SELECT name FROM school WHERE id = $1`, other)
	helene.list("").is(207).has(url.PathEscape(here), url.PathEscape(there)).lacks("ici.txt")
	helene.list(here + "/Mes documents").is(207).has("ici.txt")
	helene.list(there + "/Mes documents").is(207).lacks("ici.txt")
	helene.do("GET", "Mes documents/ici.txt", "").is(404)
	helene.do("GET", here+"/Mes documents/ici.txt", "").is(200)
	helene.put(there+"/Mes documents/là-bas.txt", "là").is(201)
	if at := a.One(`SELECT school FROM document WHERE name = 'là-bas.txt'`); at != other {
		t.Errorf("it lies in the school %s", at)
	}
	helene.copy(here+"/Mes documents/ici.txt", there+"/Mes documents/ici.txt").is(403)
	helene.move(here+"/Mes documents/ici.txt", there+"/Mes documents/ici.txt").is(403)
	helene.move(here+"/Mes documents/ici.txt", there+"/Mes documents/là-bas.txt").is(403)
	helene.do("MKCOL", "Nouvelle école", "").is(403)
	helene.put(here+"/x.txt", "x").is(403)
}

// A photo keeps the name that it was sent by, and nothing of what it hides.
func TestAPhotoTellsNothing(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	photo := placed(t)
	for _, name := range []string{"phoque.jpg", "phoque.png"} {
		helene.put("Mes documents/"+name, photo).is(201)
		got := helene.do("GET", "Mes documents/"+name, "").is(200).lacks("Cachette")
		if _, _, err := image.Decode(bytes.NewReader(got.Body.Bytes())); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if size := helene.do("PROPFIND", "Mes documents/"+name, "", "Depth", "0"); !strings.Contains(size.Body.String(), fmt.Sprintf("<D:getcontentlength>%d<", got.Body.Len())) {
			t.Errorf("%s is told of another size than its %d bytes", name, got.Body.Len())
		}
	}
}

// A program that copies a folder takes what it gets for all of it: so nothing is
// copied while something in it is not ready.
func TestAFolderThatIsNotReadyIsNotCopied(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := of(t, a, "helene.duvivier"), of(t, a, "antoine.mercier")
	helene.do("MKCOL", "Mes documents/Spectacle", "").is(201)
	helene.put("Mes documents/Spectacle/mot.txt", "Bonjour").is(201)
	helene.put("Mes documents/Spectacle/danse.mp4", "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"+strings.Repeat("\x07", 4000)).is(201)
	share(a.As("helene.duvivier"), idOf(a, "Spectacle"), "1", a.As("antoine.mercier").ID)
	if got := antoine.copy("Partagés avec moi/Spectacle", "Mes documents/Spectacle"); got.Code < 400 || got.Code >= 500 {
		t.Errorf("%d", got.Code)
	}
	antoine.do("PROPFIND", "Mes documents/Spectacle", "", "Depth", "0").is(404)
	antoine.copy("Partagés avec moi/Spectacle/mot.txt", "Mes documents/mot.txt").is(201)
	helene.copy("Mes documents/Spectacle", "Mes documents/Spectacle (2)").is(201)
}

// placed is a photo that says where it was taken.
func placed(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 200, 100)), nil); err != nil {
		t.Fatal(err)
	}
	const hidden = "Exif\x00\x00MM\x00*\x00\x00\x00\x08 Cachette, 50 N"
	return b.String()[:2] + "\xff\xe1\x00" + string(rune(len(hidden)+2)) + hidden + b.String()[2:]
}

// Whatever sort of picture it is, nobody gets the place where it was taken: not in
// a page, not in a form of it, not in a ZIP, not on a drive.
func TestNoSortOfPictureTellsItsPlace(t *testing.T) {
	a := testapp.New(t)
	helene, antoine := of(t, a, "helene.duvivier"), of(t, a, "antoine.mercier")
	helene.do("MKCOL", "Mes documents/Phare", "").is(201)
	tiff := "MM\x00*\x00\x00\x00\x08\x00\x09" // one grey point, and a directory of GPS
	for _, e := range [][4]int{{256, 3, 1, 1 << 16}, {257, 3, 1, 1 << 16}, {258, 3, 1, 8 << 16}, {259, 3, 1, 1 << 16}, {262, 3, 1, 1 << 16}, {273, 4, 1, 8}, {278, 3, 1, 1 << 16}, {279, 4, 1, 1}, {0x8825, 4, 1, 122}} {
		tiff += string(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, uint16(e[0])), uint16(e[1])), uint32(e[2])), uint32(e[3])))
	}
	tiff += "\x00\x00\x00\x00" + "\x00\x01\x00\x1d\x00\x02\x00\x00\x00\x0f\x00\x00\x00\x8c\x00\x00\x00\x00Cachette, 50 N\x00"
	for name, c := range map[string]struct {
		bytes string
		taken bool // or perhaps refused
	}{
		"phare.svg": {`<svg xmlns="http://www.w3.org/2000/svg"><metadata>Cachette</metadata><image width="20" height="10" href="data:image/jpeg;base64,` + base64.StdEncoding.EncodeToString([]byte(placed(t))) + `"/></svg>`, true},
		"vu.svg":    {"<?xml version=\"1.0\"?><!--" + strings.Repeat("Cachette ", 500) + `--><svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`, true},
		"phare.psd": {"8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x01\x00\x00\x00\x01\x00\x08\x00\x03\x00\x00\x00\x00\x00\x00\x00\x20" + "8BIM\x04\x24\x00\x00\x00\x00\x00\x0e<x>Cachette</x>" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00", false},
		"phare.tif": {tiff, a.Core.Pictures.Reads(media.Type{MIME: "image/tiff"})},
		"phare.bmp": {"BM\x4a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\x01\x00\x00\x00\x01\x00\x00\x00\x01\x00\x18\x00" + strings.Repeat("\x00", 24) + "abc\x00Cachette", true},
	} {
		put := helene.put("Mes documents/Phare/"+name, c.bytes)
		if put.Code != 201 {
			if c.taken || put.Code >= 500 {
				t.Errorf("%s: %d %s", name, put.Code, put.Body)
			}
			a.As("helene.duvivier").Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: []byte(c.bytes)}}).Faulty().Has("garde en elle le lieu")
			continue
		}
		if !c.taken {
			t.Errorf("%s is taken", name)
		}
	}
	folder := idOf(a, "Phare")
	share(a.As("helene.duvivier"), folder, "1", a.As("antoine.mercier").ID)
	reads := a.As("antoine.mercier")
	clean := func(what, body string) {
		t.Helper()
		for _, trace := range []string{"Cachette", "RXhpZg", "V4aWYA", "FeGlmA", "Q2FjaGV0dG", "NhY2hldHRl", "DYWNoZXR0Z"} {
			if strings.Contains(body, trace) {
				t.Errorf("%s: %s comes out", what, trace)
			}
		}
	}
	inside, err := db.All[struct{ Name, File string }](t.Context(), a.Core.DB, `SELECT name, file FROM document WHERE parent = $1 ORDER BY name`, folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, d := range inside {
		name, file := d.Name, d.File
		names = append(names, name)
		clean(name+" on a drive", antoine.do("GET", "Partagés avec moi/Phare/"+name, "").is(200).Body.String())
		for _, form := range []string{"original", "web", "thumb", "source"} {
			clean(name+" as "+form, reads.Get("/fichiers/"+file+"/"+form).Body)
		}
	}
	if !slices.Contains(names, "phare.svg") || !slices.Contains(names, "phare.bmp") || slices.Contains(names, "phare.psd") {
		t.Errorf("there are %v", names)
	}
	for _, f := range testapp.Unzip(t, reads.Get("/documents/"+folder+"/zip").OK().Body) {
		clean(f.Name+" in a ZIP", f.Body)
	}
}

// Of programs that make one file at the same time one makes it.
func TestOneNameIsMadeOnceByManyAtOnce(t *testing.T) {
	a := testapp.New(t)
	helene := of(t, a, "helene.duvivier")
	var all sync.WaitGroup
	var made, saved atomic.Int32
	for n := range 8 {
		all.Go(func() {
			switch r := helene.put("Mes documents/ensemble.txt", fmt.Sprint("programme ", n)); r.Code {
			case 201:
				made.Add(1)
			case 204:
				saved.Add(1)
			case 412:
			default:
				t.Errorf("%d %s", r.Code, r.Body)
			}
		})
	}
	all.Wait()
	n := a.One(`SELECT CAST(count(*) AS TEXT) FROM document WHERE name = 'ensemble.txt'`)
	versions := a.One(`SELECT CAST(count(*) AS TEXT) FROM document_version v JOIN document d ON d.id = v.node WHERE d.name = 'ensemble.txt'`)
	if n != "1" || made.Load() != 1 || versions != fmt.Sprint(1+saved.Load()) {
		t.Errorf("%s files, made %d times, %s versions of %d saves", n, made.Load(), versions, saved.Load())
	}
}

// Names come as systems write them, and two documents of one name are two files.
func TestNames(t *testing.T) {
	a := testapp.New(t)
	helene, page := of(t, a, "helene.duvivier"), a.As("helene.duvivier")
	helene.put("Mes documents/E\u0301te\u0301  2026.txt", "composé").is(201)
	for _, name := range []string{"Été 2026.txt", "E\u0301te\u0301 2026.txt", "Été  2026.txt"} {
		helene.do("GET", "Mes documents/"+name, "").is(200).has("composé")
	}
	helene.put("Mes documents/Été 2026.txt", "le même").is(204)
	for _, said := range []string{"premier", "second"} {
		page.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "double.txt", Bytes: []byte(said)}}).To()
	}
	second := a.One(`SELECT max(id) FROM document WHERE name = 'double.txt'`)
	shown := "double [" + second[30:] + "].txt"
	helene.list("Mes documents").is(207).has("/double.txt<", url.PathEscape(shown))
	helene.do("GET", "Mes documents/double.txt", "").is(200).has("premier")
	helene.do("GET", "Mes documents/"+shown, "").is(200).has("second")
	helene.do("DELETE", "Mes documents/double.txt", "").is(204)
	helene.do("GET", "Mes documents/double.txt", "").is(200).has("second")
}

// Whatever a path is made of, it stays within the drive and breaks nothing.
func FuzzPaths(f *testing.F) {
	for _, s := range []string{"../", "Mes%20documents/../../../etc/passwd", "Mes%20documents%2F..%2F..", "%2e%2e/%2e%2e/documents", "Mes%20documents/a%00b", "Mes%20documents/%ff%fe", "//", "%2F", "Mes%20documents/" + strings.Repeat("a", 3000),
		strings.Repeat("a/", 400), "Mes%20documents/a%5cb", "Mes%20documents/%E2%80%AEtxt.exe", "Mes%20documents/x [000000].txt", "Mes%20documents/%20", "Mes%20documents/.%20.", "Partag%C3%A9s%20avec%20moi/%27%3B--", "Mes documents/a?b#c"} {
		f.Add(s)
	}
	a := testapp.New(f)
	key := keyOf(f, a, "helene.duvivier")
	f.Fuzz(func(t *testing.T, path string) {
		p := program{t, a, "helene.duvivier", key}
		u, err := url.Parse(a.Config.Base.String() + "/dav/" + path)
		if err != nil || len(path) > 5000 {
			return
		}
		for _, method := range []string{"PROPFIND", "GET", "PUT", "MKCOL", "LOCK", "DELETE"} {
			r := httptest.NewRequestWithContext(t.Context(), method, a.Config.Base.String(), strings.NewReader(""))
			r.URL, r.RequestURI = u, u.RequestURI()
			r.SetBasicAuth(p.login, p.key)
			r.Header.Set("Depth", "0")
			w := httptest.NewRecorder()
			a.Handler().ServeHTTP(w, r)
			if w.Code >= 500 && w.Code != 507 || strings.Contains(w.Body.String(), "passwd:") {
				t.Fatalf("%s %q: %d %.300s", method, path, w.Code, w.Body)
			}
		}
		r := p.move("Mes documents/témoin.txt", path)
		if r.Code >= 500 && r.Code != http.StatusBadGateway {
			t.Fatalf("MOVE to %q: %d", path, r.Code)
		}
		n, err := db.Value[int](t.Context(), a.Core.DB, `SELECT count(*) FROM document WHERE name LIKE '%/%' OR name IN ('.', '..', '')`)
		if err != nil || n != 0 {
			t.Fatalf("%q leaves a name that no path may hold", path)
		}
	})
}
