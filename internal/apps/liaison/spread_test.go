package liaison_test

import (
	"strings"
	"testing"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// A word to a whole school is in the feeds of those past the first two hundred
// when a job has written it there. Who reads it in the carnet before finds it
// done when it comes, and a correction that is told before it takes its place.
func TestWordIsAnsweredBeforeItsLineIsWritten(t *testing.T) {
	a := testapp.New(t)
	last, err := db.All[struct{ ID, Login string }](t.Context(), a.Core.DB, `SELECT DISTINCT p.id, p.login FROM person p JOIN membership m ON m.person = p.id AND m.profile = 'relative'
		JOIN family_link f ON f.relative = p.id JOIN school s ON s.id = m.school WHERE s.uai = '0809876A' ORDER BY p.id DESC LIMIT 5`)
	if err != nil || len(last) < 5 {
		t.Fatalf("%d parents (%v)", len(last), err)
	}
	var ids []string
	for _, p := range last {
		ids = append(ids, p.ID)
	}
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return session.Settle(t.Context(), tx, rights.System("test"), ids, testapp.Now, testapp.Now)
	}); err != nil {
		t.Fatal(err)
	}
	a.Drain()
	head := a.As("claire.fontaine")
	word, _, _ := strings.Cut(head.Post("/carnet", "id", id.New(), "titre", "Fête", "texte", "Samedi.", "a", "school").To(), "?")
	of := func(n int) string { // lines, of which unread and of which waiting
		return one(t, a, `SELECT count(*) || ' ' || count(CASE WHEN read_at IS NULL THEN 1 END) || ' ' || count(CASE WHEN awaits THEN 1 END)
			FROM feed WHERE person = $1 AND resource = $2`, last[n].ID, strings.TrimPrefix(word, "/carnet/"))
	}
	is := func(n int, want, what string) {
		t.Helper()
		if got := of(n); got != want {
			t.Errorf("parent %d, %s: %s lines, unread, waiting; want %s", n, what, got, want)
		}
	}
	is(0, "0 0 0", "before the job")
	for range 2 { // a second tap changes nothing
		a.As(last[0].Login).Post(word+"/lu", "version", "1").To()
	}
	is(0, "1 0 0", "who confirms before the job")
	a.As(last[1].Login).Get(word).OK()
	is(1, "1 0 1", "who opens it before the job")
	is(2, "0 0 0", "before the job")

	head.Post(word+"/corriger", "version", "1", "titre", "Fête", "texte", "Samedi, à 14 h.").To()
	a.As(last[2].Login).Get(word).OK()
	is(2, "2 0 1", "who opens it corrected, before both jobs")
	a.As(last[3].Login).Post(word+"/lu", "version", "2").To()
	is(3, "2 0 0", "who confirms it corrected, before both jobs")

	a.Drain()
	is(0, "2 1 0", "who had confirmed, and is told of the correction")
	is(1, "2 1 1", "who had opened it, and is told of the correction")
	is(2, "2 0 1", "who had opened it corrected")
	is(3, "2 0 0", "who had confirmed it corrected")
	is(4, "2 1 1", "who did nothing")
	if n := one(t, a, `SELECT count(*) || '' FROM event WHERE spreading`); n != "0" {
		t.Errorf("%s events go on for ever", n)
	}

	head.Post(word+"/corriger", "version", "2", "titre", "Fête", "texte", "Samedi, à 15 h.", "encore", "1").To()
	a.Drain()
	is(0, "3 1 1", "who is asked again")
	is(4, "3 1 1", "who did nothing and is asked again")
}

// Of two jobs that write the lines of a word and of its correction, the second
// may come first.
func TestCorrectionMayBeToldBeforeItsWord(t *testing.T) {
	a := testapp.New(t)
	a.Drain()
	head := a.As("claire.fontaine")
	word, _, _ := strings.Cut(head.Post("/carnet", "id", id.New(), "titre", "Fête", "texte", "Samedi.", "a", "school").To(), "?")
	head.Post(word+"/corriger", "version", "1", "titre", "Fête", "texte", "Samedi, à 14 h.").To()
	head.Post(word+"/corriger", "version", "2", "titre", "Fête", "texte", "Samedi, à 15 h.", "encore", "1").To()
	// The first comes last.
	run(t, a, nil, `UPDATE river_job SET id = id + 1000000 WHERE id = (SELECT min(id) FROM river_job WHERE kind = 'notify.spread')`)
	a.Drain()
	for what, text := range map[string]string{
		"people for whom it waits in two lines":             `SELECT count(*) || '' FROM (SELECT person FROM feed WHERE resource = $1 AND awaits GROUP BY person HAVING count(*) > 1) x`,
		"parents for whom it waits in no line":              `SELECT count(*) || '' FROM (SELECT DISTINCT f.relative FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = $1) x WHERE NOT EXISTS (SELECT 1 FROM feed l WHERE l.person = x.relative AND l.resource = $1 AND l.awaits)`,
		"people to whom it is news in more than one line":   `SELECT count(*) || '' FROM (SELECT person FROM feed WHERE resource = $1 AND read_at IS NULL GROUP BY person HAVING count(*) > 1) x`,
		"people without each of the three lines":            `SELECT count(*) || '' FROM (SELECT person FROM feed WHERE resource = $1 GROUP BY person HAVING count(*) <> 3) x`,
		"people for whom an older line than the last waits": `SELECT count(*) || '' FROM feed f WHERE f.resource = $1 AND f.awaits AND EXISTS (SELECT 1 FROM feed n WHERE n.person = f.person AND n.resource = $1 AND (n.at, n.event) > (f.at, f.event))`,
	} {
		if n := one(t, a, text, strings.TrimPrefix(word, "/carnet/")); n != "0" {
			t.Errorf("%s %s", n, what)
		}
	}
}
