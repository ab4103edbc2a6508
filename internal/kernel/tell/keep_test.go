package tell_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

func (s *school) count(query string, args ...any) string {
	s.t.Helper()
	return s.One(`SELECT CAST(count(*) AS TEXT) FROM `+query, args...)
}

func (s *school) as(f func(ctx context.Context, tx *db.Tx, g rights.Grant) error) {
	s.t.Helper()
	if err := s.Core.DB.Write(s.t.Context(), func(tx *db.Tx) error { return f(s.t.Context(), tx, rights.System("test")) }); err != nil {
		s.t.Fatal(err)
	}
}

// Only what is not usual is kept, so that who changed nothing follows what
// becomes usual.
func TestWhatIsUsualIsNotKept(t *testing.T) {
	s := open(t)
	nadia := s.As("nadia.kermadec")
	s.exec(`UPDATE person SET email = 'n@exemple.fr' WHERE id = $1`, nadia.ID)
	usual := func(mail string, more ...string) {
		nadia.Post("/notifications", append([]string{"page", "1", "service-liaison", "1", "push-liaison.word", "1", "mail-liaison.word", mail,
			"push-liaison.reminder", "1", "mail-liaison.reminder", "once",
			"push-liaison.corrected", "1", "mail-liaison.corrected", "once", "push-liaison.answer", "1", "mail-liaison.answer", "once",
			"service-documents", "1", "push-documents.shared", "1", "mail-documents.shared", "daily", "mail-documents.added", "never",
			"mail-documents.version", "never", "mail-documents.comment", "never", "de", "20", "a", "7", "resume", "18"}, more...)...).To()
	}
	usual("once")
	if n := s.count(`told_choice WHERE person = $1`, nadia.ID); n != "0" {
		t.Errorf("%s choices of who changed nothing", n)
	}
	usual("daily", "jour", "3")
	if n := s.One(`SELECT kind || ' ' || mail FROM told_choice WHERE person = $1`, nadia.ID); n != "liaison.word daily" {
		t.Errorf("kept: %s", n)
	}
	nadia.Get("/notifications").OK().Has(`<option value="3" selected>mercredi`)
	usual("once")
	if n := s.count(`told_choice WHERE person = $1`, nadia.ID); n != "0" {
		t.Errorf("%s choices of who went back", n)
	}
	nadia.Post("/notifications", "page", "1", "resume", "18", "jour", "8").Faulty().Has("jour de la liste")
}

// Of two records of one person, what one chose holds where the other chose
// nothing, what was said is not said again, and nothing is left behind.
func TestSettingsOfTwoRecordsBecomeOne(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	youssef, _ := s.reached("youssef.kermadec")
	word := strings.TrimPrefix(s.publish("Un"), "/carnet/")
	choose(youssef, false, false, "weekly", "silence", "1", "jour", "2")
	youssef.Post("/sourdine/" + word).To()
	said := s.count(`delivery WHERE person IN ($1, $2)`, nadia.ID, youssef.ID)
	s.as(func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
		return notify.Merge(ctx, tx, g, nadia.ID, youssef.ID)
	})
	for what, want := range map[string]string{
		`told_off WHERE person = $1 AND service = 'liaison'`:                                       "1",
		`told_choice WHERE person = $1 AND kind = 'liaison.word' AND mail = 'weekly' AND NOT push`: "1",
		`told_hours WHERE person = $1 AND quiet_from = 20 AND day = 2`:                             "1",
		`muted WHERE person = $1`: "1",
	} {
		if n := s.count(what, nadia.ID); n != want {
			t.Errorf("%s: %s, not %s", what, n, want)
		}
	}
	for _, table := range []string{"told_off", "told_choice", "told_hours", "muted", "delivery", "feed"} {
		if n := s.count(table+` WHERE person = $1`, youssef.ID); n != "0" {
			t.Errorf("%s rows of %s are left", n, table)
		}
	}
	if said == "0" {
		t.Error("nothing was said to either")
	}
	if n := s.count(`(SELECT event, channel, target FROM delivery WHERE person = $1 GROUP BY event, channel, target HAVING count(*) > 1) x`, nadia.ID); n != "0" {
		t.Errorf("%s things would be said twice", n)
	}
	// Who chose to hear of a service keeps hearing of it.
	helene, antoine := s.As("helene.duvivier"), s.As("antoine.mercier")
	choose(helene, true, true, "once")
	choose(antoine, false, true, "once")
	s.as(func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
		return notify.Merge(ctx, tx, g, helene.ID, antoine.ID)
	})
	if n := s.count(`told_off WHERE person = $1 AND service = 'liaison'`, helene.ID); n != "0" {
		t.Error("a service that was chosen is off")
	}
}

// Erasing leaves nothing of what somebody chose, muted or was sent.
func TestErasingForgetsWhatSomebodyChose(t *testing.T) {
	s := open(t)
	nadia, _ := s.reached("nadia.kermadec")
	word := strings.TrimPrefix(s.publish("Un"), "/carnet/")
	choose(nadia, false, true, "weekly", "silence", "1")
	nadia.Post("/sourdine/" + word).To()
	tables := []string{"told_off", "told_choice", "told_hours", "muted", "delivery", "feed"}
	for _, table := range tables {
		if n := s.count(table+` WHERE person = $1`, nadia.ID); n == "0" {
			t.Fatalf("nothing in %s to erase", table)
		}
	}
	s.as(func(ctx context.Context, tx *db.Tx, g rights.Grant) error { return notify.Erase(ctx, tx, g, nadia.ID) })
	for _, table := range tables {
		if n := s.count(table+` WHERE person = $1`, nadia.ID); n != "0" {
			t.Errorf("%s rows of %s are left", n, table)
		}
	}
}

// A lost right hides lines, mails and pushes at once, and what is handed over
// names what may still be read alone.
func TestALostRightHidesAtOnce(t *testing.T) {
	s := open(t)
	nadia, phone := s.reached("nadia.kermadec")
	word := strings.TrimPrefix(s.publish("La gourde égarée"), "/carnet/")
	nadia.Post("/sourdine/" + word).To()
	out := func() string {
		t.Helper()
		all := ""
		if err := notify.Export(t.Context(), s.Core.DB, s.Core.Clock.Now(), nadia.ID, func(name string, v any) error {
			b, err := json.Marshal(v)
			all += name + string(b)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		return all
	}
	if got := out(); strings.Count(got, "La gourde") != 2 {
		t.Errorf("handed over: %s", got)
	}
	s.word("Le dernier mot")
	s.exec(`UPDATE person_principal SET valid_to = $2 WHERE person = $1 AND principal LIKE 'family:%' AND valid_to > $2`, nadia.ID, s.Core.Clock.Now().UnixMilli())
	rung, mails := len(phone.Messages()), len(s.mailed("nadia.kermadec"))
	s.Drain()
	if len(phone.Messages()) != rung || len(s.mailed("nadia.kermadec")) != mails {
		t.Error("told of what may not be read")
	}
	nadia.Get("/").OK().Lacks("Le dernier mot", "La gourde")
	nadia.Get("/notifications").OK().Lacks("La gourde")
	got := out()
	if strings.Contains(got, "gourde") || strings.Contains(got, "dernier mot") || !strings.Contains(got, "liaison.word") {
		t.Errorf("handed over: %s", got)
	}
}
