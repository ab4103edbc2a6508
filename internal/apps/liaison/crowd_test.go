package liaison_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

var shownVersion = regexp.MustCompile(`name="version" value="([0-9]+)"`)

// insist taps until the server, which has too many to answer at once, answers.
func insist(p *testapp.Person, path string, pairs ...string) *testapp.Page {
	for {
		page := p.Post(path, pairs...)
		if page.Status != http.StatusServiceUnavailable {
			return page
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// All parents of the school confirm at once while the head corrects the word
// three times, of which one asks everybody again, and two remind: whatever was
// answered is kept under the version that the parent had, bars and feeds say
// what receipts say, and nobody is reminded twice.
func TestConcurrentConfirmationsCorrectionsAndReminders(t *testing.T) {
	a := testapp.New(t)
	ctx := t.Context()
	parents, err := db.All[struct{ ID, Login string }](ctx, a.Core.DB, `SELECT DISTINCT p.id, p.login FROM person p JOIN membership m ON m.person = p.id AND m.profile = 'relative'
		JOIN school s ON s.id = m.school WHERE s.uai = '0809876A' ORDER BY p.id`)
	if err != nil || len(parents) < 380 {
		t.Fatalf("%d parents (%v)", len(parents), err)
	}
	ids := make([]string, len(parents))
	for i, p := range parents {
		ids[i] = p.ID
	}
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) error {
		return session.Settle(ctx, tx, rights.System("test"), ids, testapp.Now.Add(-time.Hour), testapp.Now)
	}); err != nil {
		t.Fatal(err)
	}
	people := make([]*testapp.Person, len(parents))
	for i, p := range parents {
		people[i] = a.As(p.Login)
	}
	head, teacher := a.As("claire.fontaine"), a.As("helene.duvivier")
	w, _, _ := strings.Cut(head.Post("/carnet", "id", id.New(), "titre", "Fête de l’école", "texte", "Samedi.", "a", "school").To(), "?")
	word := strings.TrimPrefix(w, "/carnet/")

	var done atomic.Int64
	var all sync.WaitGroup
	had := make([]string, len(people)) // the version that each had before them
	wait := func(n int64) {            // until so many parents are through
		for done.Load() < n {
			time.Sleep(time.Millisecond)
		}
	}
	for i, p := range people[:len(people)-20] {
		all.Go(func() {
			defer done.Add(1)
			had[i] = "1"
			if i%3 == 0 { // some open it first, and have the version of that moment
				wait(int64(i / 2))
				page := p.Get(w)
				for page.Status == http.StatusServiceUnavailable {
					time.Sleep(100 * time.Millisecond)
					page = p.Get(w)
				}
				m := shownVersion.FindStringSubmatch(page.Body)
				if m == nil {
					t.Errorf("%s: the word shows no version (%d)", p.Login, page.Status)
					return
				}
				had[i] = m[1]
			}
			if page := insist(p, w+"/lu", "version", had[i]); page.Status != http.StatusSeeOther {
				t.Errorf("%s: %d", p.Login, page.Status)
			}
		})
	}
	all.Go(func() {
		for i, again := range []string{"", "1", ""} {
			wait(int64(60 + 100*i))
			form := []string{"version", fmt.Sprint(i + 1), "titre", "Fête de l’école", "texte", fmt.Sprintf("Samedi, à %d h.", 14+i)}
			if again != "" {
				form = append(form, "encore", again)
			}
			if page := insist(head, w+"/corriger", form...); page.Status != http.StatusSeeOther {
				t.Errorf("correction %d: %d", i, page.Status)
			}
		}
	})
	for _, who := range []*testapp.Person{head, teacher} {
		all.Go(func() {
			for i := range 4 {
				wait(int64(30 + 90*i))
				if page := insist(who, w+"/relance"); page.Status != http.StatusSeeOther {
					t.Errorf("%s reminds: %d", who.Login, page.Status)
				}
			}
		})
	}
	// Lines past the first two hundred are a job's, which comes late, and goes on
	// meanwhile.
	all.Go(func() {
		wait(150)
		for done.Load() < int64(len(people)-20) {
			wait(done.Load() + 1)
			if err := a.Core.Jobs.Drain(ctx); err != nil {
				t.Errorf("jobs: %v", err)
				return
			}
		}
	})
	all.Wait()
	if t.Failed() {
		return
	}
	a.Drain()

	versions := map[string]int{}
	for i, p := range people {
		if had[i] == "" {
			continue
		}
		versions[had[i]]++
		if n := one(t, a, `SELECT (SELECT count(*) FROM receipt WHERE word = $1 AND person = $2 AND version = $3 AND read_at IS NOT NULL)
			+ (SELECT count(*) FROM receipt_past WHERE word = $1 AND person = $2 AND version = $3) || ''`, word, p.ID, had[i]); n == "0" {
			t.Errorf("%s read version %s, and nothing says so", p.Login, had[i])
		}
	}
	t.Logf("parents by the version that they had: %v", versions)
	if v := one(t, a, `SELECT version || ' ' || asked FROM word WHERE id = $1`, word); v != "4 3" {
		t.Errorf("version and version asked: %s", v)
	}
	// The bar, the families and what each gave say the same.
	const gave = `EXISTS (SELECT 1 FROM family_link f JOIN receipt rc ON rc.person = f.relative WHERE f.pupil = wp.pupil AND rc.word = wp.word AND rc.version >= w.asked AND rc.read_at IS NOT NULL)`
	for what, text := range map[string]string{
		"families reached without a reading, or read and not reached": `SELECT count(*) || '' FROM word_pupil wp JOIN word w ON w.id = wp.word WHERE w.id = $1 AND (CASE WHEN wp.reached_at IS NOT NULL THEN 1 ELSE 0 END) <> (CASE WHEN ` + gave + ` THEN 1 ELSE 0 END)`,
		"bars that are not the count":                                 `SELECT count(*) || '' FROM word w WHERE w.id = $1 AND w.reached <> (SELECT count(wp.reached_at) FROM word_pupil wp WHERE wp.word = w.id)`,
		"persons reminded twice":                                      `SELECT count(*) || '' FROM (SELECT person FROM reminder WHERE word = $1 GROUP BY person HAVING count(*) > 1) x`,
		"reminders that no feed has, or twice":                        `SELECT count(*) || '' FROM reminder rm WHERE rm.word = $1 AND 1 <> (SELECT count(*) FROM feed f WHERE f.person = rm.person AND f.resource = rm.word AND f.kind = '` + liaison.Reminder + `')`,
		"feeds of a reminder that was none":                           `SELECT count(*) || '' FROM feed f WHERE f.resource = $1 AND f.kind = '` + liaison.Reminder + `' AND NOT EXISTS (SELECT 1 FROM reminder rm WHERE rm.word = f.resource AND rm.person = f.person)`,
		"parents for whom the word waits though they gave, or not once though they did not": `SELECT count(*) || '' FROM (SELECT DISTINCT f.relative, w.asked FROM word w JOIN word_pupil wp ON wp.word = w.id JOIN family_link f ON f.pupil = wp.pupil WHERE w.id = $1) x
			WHERE (SELECT count(*) FROM feed l WHERE l.person = x.relative AND l.resource = $1 AND l.awaits) <>
			(CASE WHEN EXISTS (SELECT 1 FROM receipt rc WHERE rc.word = $1 AND rc.person = x.relative AND rc.version >= x.asked AND rc.read_at IS NOT NULL) THEN 0 ELSE 1 END)`,
		"parents without each of the four lines": `SELECT count(*) || '' FROM (SELECT DISTINCT f.relative FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = $1) x
			WHERE 4 <> (SELECT count(*) FROM feed l WHERE l.person = x.relative AND l.resource = $1 AND l.kind <> '` + liaison.Reminder + `')`,
	} {
		if n := one(t, a, text, word); n != "0" {
			t.Errorf("%s %s", n, what)
		}
	}
	if n := one(t, a, `SELECT count(*) || '' FROM reminder WHERE word = $1`, word); n == "0" {
		t.Error("nobody was reminded: the test proves nothing of it")
	}
	reached := one(t, a, `SELECT reached || '/' || families FROM word WHERE id = $1`, word)
	head.Get(w).OK().Has("<b>" + reached + "</b>")
}
