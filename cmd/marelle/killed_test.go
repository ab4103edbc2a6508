package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/push"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/postgres"
	"marelle/internal/testkit/smtp"
	"marelle/internal/testkit/testapp"
)

const (
	// deaths are how often the server is killed, always on the same data.
	deaths = 50
	// between is by how much its clock is later at each start: what was on its
	// way when it died may then be taken up.
	between = 3 * time.Minute
	// flying bounds what is on its way at a death: two jobs a channel, and what
	// each claims at once.
	flyingMails, flyingPushes = 2 * 25, 2 * 200
	// head writes to the whole school, where a job writes the lines of feeds.
	head = "claire.fontaine"
)

// mortal is a school whose server is killed while people use it.
type mortal struct {
	t       *testing.T
	dir     string
	dsn     string
	addr    string
	env     []string
	service *pushtest.Service
	mails   *smtp.Server
	cookie  map[string]string // by login
	ids     map[string]string // persons, by login
	phones  map[string]*pushtest.Browser
	family  map[string][]string // logins of relatives, by pupil
	pupils  map[string][]string // of each teacher
	school  int                 // its pupils
	client  *http.Client

	mu    sync.Mutex
	words []sent
	read  map[[2]string]bool // word and login, whose confirmation was answered
	began int                // requests sent, answered or not
	ends  []end
}

// sent is a word whose sending was answered.
type sent struct {
	id     string
	pupils []string // of whom the parents confirm
	to     int      // pupils
}

// end is how much had arrived when the server died.
type end struct{ pushes, mails int }

func newMortal(t *testing.T) *mortal {
	t.Helper()
	a := testapp.New(t)
	a.Drain() // what the sample published is told to nobody
	m := &mortal{t: t, dir: a.Config.Data, dsn: a.Config.DSN, mails: smtp.Start(t), cookie: map[string]string{}, ids: map[string]string{}, phones: map[string]*pushtest.Browser{},
		family: map[string][]string{}, pupils: map[string][]string{}, read: map[[2]string]bool{}}
	var err error
	if m.service, err = pushtest.Start(a.Core.Clock); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.service.Close() })
	authority := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(authority, m.service.Authority(), 0o600); err != nil {
		t.Fatal(err)
	}
	hosts, err := push.ParseHosts([]string{m.service.Host()})
	if err != nil {
		t.Fatal(err)
	}
	a.Core.Push.Hosts = hosts
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.addr = l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	m.env = append(os.Environ(), asCommand+"=1", "SSL_CERT_FILE="+authority, "MARELLE_DATA="+m.dir, "MARELLE_ADDR="+m.addr,
		"MARELLE_PUSH_HOSTS="+m.service.Host(), "MARELLE_SMTP="+m.mails.URL()+"?from=marelle@ecole.exemple.fr")
	if postgres.URL() != "" {
		m.env = append(m.env, "MARELLE_DATABASE="+m.dsn)
	}
	m.client = &http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, teacher := range []string{"helene.duvivier", "antoine.mercier"} {
		m.people(a, teacher)
	}
	m.all(a)
	if err := a.Server.Close(); err != nil { // the data is the child's now
		t.Fatal(err)
	}
	return m
}

// people gives a teacher ten families, each parent with a phone and a mailbox.
func (m *mortal) people(a *testapp.App, teacher string) {
	m.t.Helper()
	ctx := m.t.Context()
	rows, err := db.All[struct{ Pupil, Relative, Login string }](ctx, a.Core.DB, `SELECT x.person AS pupil, f.relative, p.login FROM person t
		JOIN class_member tm ON tm.person = t.id AND tm.profile = 'teacher' JOIN class_member x ON x.class = tm.class AND x.profile = 'pupil'
		JOIN family_link f ON f.pupil = x.person JOIN person p ON p.id = f.relative WHERE t.login = $1 ORDER BY x.person, p.id`, teacher)
	if err != nil {
		m.t.Fatal(err)
	}
	var relatives []string
	for _, r := range rows {
		if !slices.Contains(m.pupils[teacher], r.Pupil) {
			if len(m.pupils[teacher]) == 10 {
				break
			}
			m.pupils[teacher] = append(m.pupils[teacher], r.Pupil)
		}
		m.family[r.Pupil] = append(m.family[r.Pupil], r.Login)
		m.ids[r.Login] = r.Relative
		relatives = append(relatives, r.Relative)
	}
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		if err := session.Settle(ctx, tx, rights.System("test"), relatives, testapp.Now.Add(-time.Hour), testapp.Now); err != nil {
			return err
		}
		list, args := db.In(nil, relatives)
		_, err := tx.Exec(ctx, `UPDATE person SET email = login || '@exemple.fr' WHERE id IN (`+list+`)`, args...)
		return err
	}); err != nil {
		m.t.Fatal(err)
	}
	name, value := a.Cookie(teacher)
	m.cookie[teacher] = name + "=" + value
	for login := range m.ids {
		if m.phones[login] != nil {
			continue
		}
		p := a.As(login)
		b, err := m.service.Subscribe(a.Core.Push.Identity.PublicKey())
		if err != nil {
			m.t.Fatal(err)
		}
		p.Do(http.MethodPost, "/poche/abonnements", "application/json", bytes.NewReader(b.JSON())).Is(http.StatusNoContent)
		m.phones[login] = b
		name, value := a.Cookie(login)
		m.cookie[login] = name + "=" + value
	}
}

// all lets the head write to the whole school, of which those ten families of
// each class alone are told outside the portal.
func (m *mortal) all(a *testapp.App) {
	m.t.Helper()
	ctx := m.t.Context()
	var err error
	if m.school, err = db.Value[int](ctx, a.Core.DB, `SELECT count(DISTINCT x.person) FROM person p JOIN membership h ON h.person = p.id
		JOIN membership x ON x.school = h.school AND x.profile = 'pupil' AND x.valid_to > $2 WHERE p.login = $1`, head, testapp.Now.UnixMilli()); err != nil {
		m.t.Fatal(err)
	}
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		list, args := db.In(nil, slices.Collect(maps.Values(m.ids)))
		_, err := tx.Exec(ctx, `UPDATE person SET email = '' WHERE id NOT IN (`+list+`)`, args...)
		return err
	}); err != nil {
		m.t.Fatal(err)
	}
	name, value := a.Cookie(head)
	m.cookie[head] = name + "=" + value
}

// start starts the server and waits until it answers.
func (m *mortal) start(n int) *exec.Cmd {
	m.t.Helper()
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	c := exec.Command(self, "serve", "--now", testapp.Now.Add(time.Duration(n)*between).Format(time.RFC3339))
	var said bytes.Buffer
	c.Env, c.Stderr = m.env, &said
	if err := c.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = c.Process.Kill() })
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if conn, err := net.Dial("tcp", m.addr); err == nil {
			conn.Close()
			if resp, err := m.client.Get("http://" + m.addr + "/readyz"); err == nil {
				resp.Body.Close()
				return c
			}
		}
	}
	_ = c.Process.Kill()
	_ = c.Wait()
	m.t.Fatalf("start %d: the server does not answer\n%s", n, said.String())
	return nil
}

// post says whether the server answered that it was done.
func (m *mortal) post(ctx context.Context, login, path string, form url.Values) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+m.addr+path, strings.NewReader(form.Encode()))
	if err != nil {
		m.t.Error(err)
		return false
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("Cookie", m.cookie[login])
	m.mu.Lock()
	m.began++
	m.mu.Unlock()
	resp, err := m.client.Do(r)
	if err != nil {
		return false // dead, or dying
	}
	body, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusSeeOther:
		return true // said, whatever becomes of the connection
	case err == nil && resp.StatusCode != http.StatusServiceUnavailable:
		m.t.Errorf("%s as %s: %d\n%.500s", path, login, resp.StatusCode, body)
	}
	return false
}

// teach writes words until the end, each to three families, and sends one that
// was not answered again, as a browser does.
func (m *mortal) teach(ctx context.Context, teacher string) {
	for ctx.Err() == nil {
		w := sent{id: id.New(), to: 3}
		form := url.Values{"id": {w.id}, "titre": {"Mot " + w.id}, "texte": {"Pour les familles."}}
		for _, i := range rand.Perm(len(m.pupils[teacher]))[:3] {
			w.pupils = append(w.pupils, m.pupils[teacher][i])
			form.Add("a", "pupil:"+m.pupils[teacher][i])
		}
		for ctx.Err() == nil && !m.post(ctx, teacher, "/carnet", form) {
			time.Sleep(10 * time.Millisecond)
			if rand.IntN(3) == 0 { // or gives up: it is there whole, or not at all
				w.id = ""
				break
			}
		}
		if ctx.Err() == nil && w.id != "" {
			m.mu.Lock()
			m.words = append(m.words, w)
			m.mu.Unlock()
		}
		time.Sleep(60 * time.Millisecond)
	}
}

// proclaim writes a word to the whole school, and sends it until it is answered.
func (m *mortal) proclaim(ctx context.Context) {
	w := sent{id: id.New(), pupils: slices.Concat(slices.Collect(maps.Values(m.pupils))...), to: m.school}
	form := url.Values{"id": {w.id}, "titre": {"Mot à tous " + w.id}, "texte": {"Pour toutes les familles."}, "a": {"school"}}
	for !m.post(ctx, head, "/carnet", form) {
		if ctx.Err() != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	m.mu.Lock()
	m.words = append(m.words, w)
	m.mu.Unlock()
}

// spreading waits until a job has to write the lines of a word, and then for as
// long as chance wants of what it takes to.
func (m *mortal) spreading(patience time.Duration) {
	m.t.Helper()
	d, err := db.Open(m.t.Context(), m.dsn)
	if err != nil {
		m.t.Fatal(err)
	}
	for end := time.Now().Add(patience); m.count(d, `SELECT count(*) FROM event WHERE spreading`) == 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	d.Close() // before it dies: what it leaves is for its next start alone
	time.Sleep(time.Duration(rand.Int64N(int64(60 * time.Millisecond))))
}

// confirm has parents say that they have read the latest words.
func (m *mortal) confirm(ctx context.Context) {
	for ctx.Err() == nil {
		m.mu.Lock()
		var w sent
		if n := len(m.words); n > 0 {
			w = m.words[max(0, n-1-rand.IntN(10))]
		}
		m.mu.Unlock()
		if w.id == "" {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		family := m.family[w.pupils[rand.IntN(len(w.pupils))]]
		login := family[rand.IntN(len(family))]
		if m.post(ctx, login, "/carnet/"+w.id+"/lu", url.Values{"version": {"1"}}) {
			m.mu.Lock()
			m.read[[2]string{w.id, login}] = true
			m.mu.Unlock()
		}
		time.Sleep(15 * time.Millisecond)
	}
}

// Killed fifty times while teachers write, parents confirm and people are told,
// the server loses nothing that it answered for, leaves nothing by halves, and
// tells everybody of everything: in the feed once, by push and mail once too,
// but for what was on its way when it died, which comes again as the same.
func TestKilledFiftyTimes(t *testing.T) {
	m := newMortal(t)
	ctx, stop := context.WithCancel(t.Context())
	var people sync.WaitGroup
	for teacher := range m.pupils {
		people.Go(func() { m.teach(ctx, teacher) })
	}
	for range 3 {
		people.Go(func() { m.confirm(ctx) })
	}
	began := time.Now()
	for n := range deaths {
		woke := time.Now()
		c := m.start(n)
		if n%4 == 1 {
			people.Go(func() { m.proclaim(ctx) })
			m.spreading(500*time.Millisecond + 3*time.Since(woke))
		} else {
			m.live(n, time.Since(woke))
		}
		if n == deaths-1 { // the last dies with everything that waited under way
			stop()
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = c.Wait()
		m.ends = append(m.ends, m.quiet())
		m.meanwhile()
	}
	stop()
	people.Wait()
	t.Logf("%d deaths in %v; %d requests, %d words and %d confirmations answered; %d pushes and %d mails until then",
		deaths, time.Since(began).Round(time.Second), m.began, len(m.words), len(m.read), m.service.Taken(), m.mails.Taken())

	restarted := time.Now()
	c := m.start(deaths)
	d, err := db.Open(t.Context(), m.dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	m.settled(d)
	t.Logf("all was told %v after the last start", time.Since(restarted).Round(time.Second))
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	m.whole(d)
	m.told(d)
}

// live lets the server live: for as long as chance wants, by how slow the
// machine is; one time in three until somebody is being told.
func (m *mortal) live(n int, starting time.Duration) {
	if n%3 != 2 {
		time.Sleep(time.Duration(rand.Int64N(int64(200*time.Millisecond + starting))))
		return
	}
	arrived := m.service.Taken
	if n%2 == 0 {
		arrived = m.mails.Taken
	}
	for was, end := arrived(), time.Now().Add(500*time.Millisecond+3*starting); arrived() == was && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond)
}

// quiet waits until the push service and the mail server have read what a dead
// server left in their hands, and says how much had arrived.
func (m *mortal) quiet() (e end) {
	for same := 0; same < 4; same++ {
		now := end{m.service.Taken(), m.mails.Taken()}
		if now != e || m.service.Busy() > 0 {
			same = 0
		}
		e = now
		time.Sleep(10 * time.Millisecond)
	}
	return e
}

// meanwhile lets the time pass, by which the server's clock is later at its next
// start, for the queue too, which PostgreSQL's clock rules: what was put off is
// due, and what died with its process is found dead. A server that lives half a
// second never leads the queue, and nobody else would do the first.
func (m *mortal) meanwhile() {
	m.t.Helper()
	if postgres.URL() == "" { // a process takes the lead with the file
		return
	}
	d, err := db.Open(m.t.Context(), m.dsn)
	if err != nil {
		m.t.Fatal(err)
	}
	defer d.Close()
	if err := d.Write(m.t.Context(), func(tx *db.Tx) error {
		for _, text := range []string{
			`UPDATE river_job SET state = 'available', scheduled_at = now() WHERE state = 'scheduled'`,
			`UPDATE river_job SET attempted_at = attempted_at - interval '3 minutes' WHERE state = 'running'`,
		} {
			if _, err := tx.Exec(m.t.Context(), text); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		m.t.Fatal(err)
	}
}

// settled waits, for two minutes at most, until nothing is on its way.
func (m *mortal) settled(d *db.DB) {
	m.t.Helper()
	var left int
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		var err error
		if left, err = db.Value[int](m.t.Context(), d, `SELECT (SELECT count(*) FROM delivery WHERE done_at IS NULL)
			+ (SELECT count(*) FROM river_job WHERE kind IN ('notify.tell', 'notify.spread') AND state NOT IN ('completed', 'discarded', 'cancelled'))`); err != nil {
			m.t.Fatal(err)
		}
		if left == 0 {
			return
		}
	}
	m.t.Errorf("two minutes after the start, %d jobs and deliveries are left", left)
}

func (m *mortal) count(d *db.DB, text string, args ...any) int {
	m.t.Helper()
	n, err := db.Value[int](m.t.Context(), d, text, args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

// whole demands everything that was answered, and nothing by halves.
func (m *mortal) whole(d *db.DB) {
	m.t.Helper()
	if len(m.words) < 20 || len(m.read) < deaths {
		m.t.Errorf("only %d words and %d confirmations were answered: the test proves little", len(m.words), len(m.read))
	}
	for _, w := range m.words {
		if n := m.count(d, `SELECT count(*) FROM word w JOIN word_pupil wp ON wp.word = w.id WHERE w.id = $1`, w.id); n != w.to {
			m.t.Errorf("a word that was answered has %d pupils of %d", n, w.to)
		}
	}
	for what := range m.read {
		if m.count(d, `SELECT count(*) FROM receipt WHERE word = $1 AND person = $2 AND read_at IS NOT NULL`, what[0], m.ids[what[1]]) != 1 {
			m.t.Errorf("%s confirmed, was answered, and nothing says so", what[1])
		}
	}
	if n := m.count(d, `SELECT count(*) FROM river_job WHERE kind = 'notify.spread' AND attempt > 1`); n < 3 {
		m.t.Errorf("only %d deaths fell where a job wrote the lines of a word: the test proves little", n)
	} else {
		m.t.Logf("%d deaths fell where a job wrote the lines of a word", n)
	}
	const mine = ` w.title LIKE 'Mot %' `
	to := fmt.Sprintf(`CASE WHEN w.title LIKE 'Mot à tous %%' THEN %d ELSE 3 END`, m.school)
	readers := `(SELECT DISTINCT pp.person FROM resource_grant g JOIN person_principal pp ON pp.principal = g.principal AND pp.school = w.school
		WHERE g.resource = w.id AND pp.person <> w.author AND pp.valid_from <= w.published_at AND pp.valid_to > w.published_at)`
	for what, text := range map[string]string{
		"words without their item, their index or their pupils": `SELECT count(*) FROM word w WHERE` + mine + `AND (NOT EXISTS (SELECT 1 FROM resource r WHERE r.id = w.id) OR NOT EXISTS (SELECT 1 FROM search_entry s WHERE s.id = w.id)
			OR ` + to + ` <> (SELECT count(*) FROM word_pupil wp WHERE wp.word = w.id) OR ` + to + ` <> w.families)`,
		"items without their word":                   `SELECT count(*) FROM resource r WHERE r.kind = 'liaison.word' AND NOT EXISTS (SELECT 1 FROM word w WHERE w.id = r.id)`,
		"words without one event":                    `SELECT count(*) FROM word w WHERE` + mine + `AND 1 <> (SELECT count(*) FROM event e WHERE e.resource = w.id)`,
		"words that a reader's feed lacks":           `SELECT count(*) FROM word w WHERE` + mine + `AND EXISTS (SELECT 1 FROM ` + readers + ` x WHERE NOT EXISTS (SELECT 1 FROM feed f WHERE f.person = x.person AND f.resource = w.id))`,
		"words to all in fewer than 201 feeds":       `SELECT count(*) FROM word w WHERE w.title LIKE 'Mot à tous %' AND 200 >= (SELECT count(*) FROM feed f WHERE f.resource = w.id)`,
		"words still being spread":                   `SELECT count(*) FROM event WHERE spreading`,
		"lines of feeds that are there twice":        `SELECT count(*) FROM (SELECT f.person, f.resource FROM feed f JOIN word w ON w.id = f.resource WHERE` + mine + `GROUP BY f.person, f.resource HAVING count(*) > 1) x`,
		"words whose bar is not the count":           `SELECT count(*) FROM word w WHERE` + mine + `AND w.reached <> (SELECT count(wp.reached_at) FROM word_pupil wp WHERE wp.word = w.id)`,
		"families reached that nobody confirmed for": `SELECT count(*) FROM word w JOIN word_pupil wp ON wp.word = w.id WHERE` + mine + `AND wp.reached_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM receipt rc JOIN family_link f ON f.relative = rc.person WHERE rc.word = w.id AND f.pupil = wp.pupil AND rc.read_at IS NOT NULL)`,
		"deliveries that did not arrive":             `SELECT count(*) FROM delivery WHERE outcome <> 'sent'`,
	} {
		if n := m.count(d, text); n != 0 {
			m.t.Errorf("%d %s", n, what)
		}
	}
}

var wordIn = regexp.MustCompile(`/carnet/([0-9a-f-]{36})`)

// arrival is a push or a mail as it came: its number among all of them.
type arrival struct {
	mark string // by which a repeat is known: topic, or Message-ID
	n    int
}

// told demands that every parent of every word got a push and a mail, and that
// one that came again was on its way at a death, and is marked the same.
func (m *mortal) told(d *db.DB) {
	m.t.Helper()
	if bad := m.service.Refusals(); len(bad) > 0 {
		m.t.Errorf("the push service refused %d, the first for %s", len(bad), bad[0])
	}
	expected, err := db.All[struct{ Word, Login string }](m.t.Context(), d, `SELECT DISTINCT w.id AS word, p.login FROM word w JOIN word_pupil wp ON wp.word = w.id JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE w.title LIKE 'Mot %'`)
	if err != nil {
		m.t.Fatal(err)
	}
	expected = slices.DeleteFunc(expected, func(x struct{ Word, Login string }) bool { return m.phones[x.Login] == nil })
	pushes, mails := map[[2]string][]arrival{}, map[[2]string][]arrival{}
	for login, b := range m.phones {
		for _, got := range b.Messages() {
			var said struct{ URL string }
			if err := json.Unmarshal([]byte(got.Text), &said); err != nil {
				m.t.Fatal(err)
			}
			to := [2]string{strings.TrimPrefix(said.URL, "/carnet/"), login}
			pushes[to] = append(pushes[to], arrival{got.Topic, got.N})
		}
	}
	for n, got := range m.mails.Messages() {
		login, _, _ := strings.Cut(got.To[0], "@")
		word := wordIn.FindStringSubmatch(got.Text)
		if word == nil {
			m.t.Fatalf("a mail leads to no word:\n%s", got.Text)
		}
		to := [2]string{word[1], login}
		mails[to] = append(mails[to], arrival{got.Header.Get("Message-ID"), n + 1})
	}
	for _, of := range []struct {
		what   string
		came   map[[2]string][]arrival
		flying int
		at     func(end) int
	}{
		{"push", pushes, flyingPushes, func(e end) int { return e.pushes }},
		{"mail", mails, flyingMails, func(e end) int { return e.mails }},
	} {
		repeats := 0
		if len(of.came) != len(expected) {
			m.t.Errorf("%d persons and words by %s, not %d", len(of.came), of.what, len(expected))
		}
		for _, x := range expected {
			list := of.came[[2]string{x.Word, x.Login}]
			if len(list) == 0 {
				m.t.Errorf("%s got no %s of %s", x.Login, of.what, x.Word)
			}
			for i := 1; i < len(list); i++ {
				repeats++
				if list[i].mark != list[0].mark {
					m.t.Errorf("a %s came again as another one: %s, then %s", of.what, list[0].mark, list[i].mark)
				}
				// Between the two the server died, with the first among the last to go.
				if !slices.ContainsFunc(m.ends, func(e end) bool {
					return list[i-1].n <= of.at(e) && of.at(e) < list[i].n && list[i-1].n > of.at(e)-of.flying
				}) {
					m.t.Errorf("a %s came twice, as number %d and %d, and was not on its way at a death", of.what, list[i-1].n, list[i].n)
				}
			}
		}
		m.t.Logf("%d times a %s, of which %d again", len(expected)+repeats, of.what, repeats)
	}
	topics := map[string]string{}
	for to, list := range pushes {
		if was, ok := topics[list[0].mark]; ok && was != to[0] {
			m.t.Errorf("two words have one topic: %s", fmt.Sprint(was, " ", to[0]))
		}
		topics[list[0].mark] = to[0]
	}
}
