package liaison_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// due works what the clock has reached.
func due(t *testing.T, a *testapp.App) {
	t.Helper()
	for _, f := range []func() error{
		func() error { return liaison.SendDue(t.Context(), a.Core) },
		func() error { return liaison.RecallDue(t.Context(), a.Core) },
	} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWordIsSentAtItsHour(t *testing.T) {
	a := testapp.New(t) // Monday, 16:30 in Paris
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	to := "class:" + class(t, a, "CE1 B")
	plan := func(draft, day, hour string, more ...string) *testapp.Page {
		return helene.Post("/carnet/planifier", append([]string{"id", draft, "onglet", id.New(), "titre", "Demain matin", "texte", "Prenez un bonnet.", "a", to, "jour", day, "heure", hour}, more...)...)
	}
	plan(id.New(), "2026-11-24", "").Faulty().Has("Choisissez un jour et une heure", "Prenez un bonnet.")
	helene.Post("/carnet/planifier", "titre", "", "texte", "Reste").Faulty().Has("Choisissez un jour et une heure", "Il manque le titre", "Choisissez à qui", "Reste")
	plan(id.New(), "2026-11-23", "16:30").Faulty().Has("Ce moment est passé")
	plan(id.New(), "2028-11-23", "16:30").Faulty().Has("dans l’année qui vient")
	plan(id.New(), "2026-11-24", "07:45", "avant", "2026-11-23").Faulty().Has("Cette date est passée")
	draft := id.New()
	list := plan(draft, "2026-11-24", "07:45").To()
	helene.Get(list).OK().Has("Envoi prévu le mardi\u00a024\u00a0novembre à 7\u00a0h\u00a045", "Modifier", "Envoyer maintenant", "Annuler l’envoi")
	helene.Get("/carnet/nouveau?brouillon="+draft).OK().Has("Envoi prévu le", `value="2026-11-24"`, `value="07:45"`).Lacks("data-draft=")
	// A page left open does not change what is to leave.
	if k := script(t, helene, "id", draft, "onglet", id.New(), "titre", "Autre"); !k.Stop || !strings.Contains(k.Text, "déjà prévu") {
		t.Errorf("%+v", k)
	}
	if err := a.Core.Jobs.Drain(t.Context()); err != nil { // too early
		t.Fatal(err)
	}
	nadia.Get("/").OK().Lacks("Demain matin")
	a.Core.Clock.Advance(15*time.Hour + 14*time.Minute)
	due(t, a)
	nadia.Get("/").OK().Lacks("Demain matin")
	a.Core.Clock.Advance(time.Minute)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := liaison.SendDue(t.Context(), a.Core); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	due(t, a)
	w := "/carnet/" + word(t, a, "Demain matin")
	nadia.Get(w).OK().Has("Prenez un bonnet.", "Publié aujourd’hui à 7\u00a0h\u00a045")
	helene.Get(w).OK().Has("<b>0/27</b>")
	helene.Get("/carnet").OK().Lacks("Brouillons")
	if n := one(t, a, `SELECT count(*) || '' FROM word WHERE title = 'Demain matin'`); n != "1" {
		t.Errorf("sent %s times", n)
	}
}

// A reminder before the date is at the school's hour, wherever it is: a word that
// leaves late drops one that is past, and keeps one that is not.
func TestReminderOfAPlannedWordIsAtTheSchoolsHour(t *testing.T) {
	for _, c := range []struct {
		zone, hour string
		late       time.Duration
		want       string
	}{
		{"Europe/Paris", "16:55", 35 * time.Minute, "0"},                // planned before 17 h, the server was back at 17 h 05
		{"Europe/Paris", "16:45", 15 * time.Minute, "1795449600000"},    // in time
		{"America/Martinique", "13:30", 2 * time.Hour, "1795467600000"}, // 17 h 30 in UTC is no matter
		{"Indian/Reunion", "20:30", time.Hour, "0"},                     // 17 h is long past there
	} {
		a := testapp.New(t) // Monday, 15:30 in UTC
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE school SET timezone = $1`, c.zone)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		form := []string{"id", id.New(), "onglet", id.New(), "titre", "Piscine", "texte", "Le bonnet.", "a", "class:" + class(t, a, "CE1 B"), "jour", "2026-11-23", "heure", c.hour, "avant", "2026-11-24", "rappel", "1"}
		page := a.As("helene.duvivier").Post("/carnet/planifier", form...)
		if c.zone == "Indian/Reunion" {
			page.Faulty().Has("rappel")
			continue
		}
		page.To()
		a.Core.Clock.Advance(c.late)
		due(t, a)
		if got := one(t, a, `SELECT coalesce(recall_at, 0) || '' FROM word WHERE id = $1`, form[1]); got != c.want {
			t.Errorf("%s at %s, sent %s later: reminder at %s, not %s", c.zone, c.hour, c.late, got, c.want)
		}
	}
}

func TestPlannedWordIsChangedCancelledAndSentNow(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	to := "class:" + class(t, a, "CE1 B")
	draft := id.New()
	form := []string{"id", draft, "onglet", id.New(), "titre", "Prévu", "texte", "x", "a", to, "jour", "2026-11-24", "heure", "08:00"}
	helene.Post("/carnet/planifier", form...).To()
	form[5], form[len(form)-1] = "Prévu plus tard", "18:00"
	helene.Post("/carnet/planifier", form...).To()
	helene.Get("/carnet?vue=brouillons").OK().Has("Prévu plus tard", "18\u00a0h").Lacks("8\u00a0h\u00a000")
	for _, p := range []*testapp.Person{a.As("antoine.mercier"), a.As("claire.fontaine")} {
		p.Post("/carnet/planifier/annuler", "brouillon", draft).NotFound()
		p.Post("/carnet/planifier/maintenant", "brouillon", draft).NotFound()
	}
	helene.Get(helene.Post("/carnet/planifier/annuler", "brouillon", draft).To()).OK().Has("Le mot ne partira pas", "Prévu plus tard", "Continuer").Lacks("Envoi prévu")
	a.Core.Clock.Advance(48 * time.Hour)
	due(t, a)
	if n := one(t, a, `SELECT count(*) || '' FROM word WHERE id = $1`, draft); n != "0" {
		t.Error("a cancelled word was sent")
	}
	form[len(form)-3] = "2026-11-26"
	helene.Post("/carnet/planifier", form...).To()
	to = helene.Post("/carnet/planifier/maintenant", "brouillon", draft).To()
	if to != "/carnet/"+draft+"?fait=envoye" {
		t.Errorf("sent to %s", to)
	}
	helene.Get(to).OK().Has("Prévu plus tard", "/reprendre")
	a.Core.Clock.Advance(48 * time.Hour)
	due(t, a)
	if n := one(t, a, `SELECT count(*) || '' FROM word WHERE title = 'Prévu plus tard'`); n != "1" {
		t.Errorf("sent %s times", n)
	}
}

// A word that could not leave at its hour tells its author so, at home and outside,
// and nobody else; the drafts say why.
func TestAuthorIsToldOfAWordThatDidNotLeave(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	draft := id.New()
	helene.Post("/carnet/planifier", "id", draft, "onglet", id.New(), "titre", "Le zouave", "texte", "x", "a", "class:"+class(t, a, "CE1 B"), "jour", "2026-11-24", "heure", "08:00", "avant", "2026-11-24").To()
	a.Core.Clock.Advance(72 * time.Hour) // the server was down, and the date has passed
	due(t, a)
	due(t, a)
	helene.Get("/").OK().Has("Pas parti · ", "Le zouave", `href="/carnet?vue=brouillons"`)
	if n := one(t, a, `SELECT count(*) || ' ' || min(f.person) FROM feed f JOIN event e ON e.id = f.event WHERE e.kind = 'liaison.unsent'`); n != "1 "+helene.ID {
		t.Errorf("told: %s", n)
	}
	unread := func() string {
		return one(t, a, `SELECT count(*) || '' FROM feed WHERE kind = 'liaison.unsent' AND read_at IS NULL`)
	}
	if n := unread(); n != "1" {
		t.Errorf("%s are news", n)
	}
	helene.Get("/recherche?q=zouave").OK().Lacks("vue=brouillons")
	helene.Get("/carnet?vue=brouillons").OK().Has("Le zouave")
	if n := unread(); n != "0" {
		t.Errorf("%s are news once the drafts were seen", n)
	}
	a.Core.Clock.Advance(31 * 24 * time.Hour)
	sweep(t, a)
	if n := one(t, a, `SELECT count(*) || '' FROM resource WHERE kind = 'liaison.unsent'`); n != "0" {
		t.Errorf("%s kept", n)
	}
}

func TestPlannedWordOfWhoMayNoMore(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	draft := id.New()
	helene.Post("/carnet/planifier", "id", draft, "onglet", id.New(), "titre", "Sans rien", "texte", "x", "a", "class:"+class(t, a, "CE1 B"), "jour", "2026-11-24", "heure", "08:00").To()
	// She teaches here no more when the hour comes.
	leaves(t, a, helene.ID, rights.Teacher)
	a.Core.Clock.Advance(24 * time.Hour)
	due(t, a)
	due(t, a)
	if n := one(t, a, `SELECT count(*) || '' FROM word WHERE id = $1`, draft); n != "0" {
		t.Error("sent by somebody who left")
	}
	if n := one(t, a, `SELECT refused FROM word_draft WHERE id = $1 AND send_at IS NULL`, draft); n != "liaison.planned_refused" {
		t.Errorf("refused for %q", n)
	}
	if n := one(t, a, `SELECT count(*) || '' FROM audit WHERE action = 'liaison.planned_refused' AND target = $1`, draft); n != "1" {
		t.Errorf("noted %s times", n)
	}
}

// What a planned word needs may go before its hour: its author reads why.
func TestPlannedWordToNobody(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	yanis := one(t, a, `SELECT id FROM person WHERE login = 'yanis.kermadec'`)
	helene.Post("/carnet/planifier", "id", id.New(), "onglet", id.New(), "titre", "Pour Yanis", "texte", "x", "a", "pupil:"+yanis, "jour", "2026-11-24", "heure", "08:00").To()
	leaves(t, a, yanis, rights.Pupil)
	a.Core.Clock.Advance(24 * time.Hour)
	due(t, a)
	helene.Get("/carnet").OK().Has("1 mot n’est pas parti à l’heure prévue")
	helene.Get("/carnet?vue=brouillons").OK().Has("Pour Yanis", "Ce mot n’est pas parti", "n’existe plus", "Continuer")
}

func TestMissingAreRemindedBeforeTheDate(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	send := func(title, day, recall string) *testapp.Page {
		return helene.Post("/carnet", "titre", title, "texte", "x", "a", "class:"+class(t, a, "CE1 B"), "demande", "yesno", "question", "Vient-il ?", "avant", day, "rappel", recall)
	}
	send("Hier", "2026-11-24", "3").Faulty().Has("tomberait dans le passé", `value="3" selected`)
	w, _, _ := strings.Cut(send("Piscine", "2026-11-26", "1").To(), "?")
	none, _, _ := strings.Cut(send("Sans rappel", "2026-11-26", "0").To(), "?")
	id := strings.TrimPrefix(w, "/carnet/")
	helene.Get(w).OK().Has("Rappel automatique le mercredi\u00a025\u00a0novembre à 17\u00a0h")
	nadia.Get(w).OK().Lacks("Rappel automatique")
	nadia.Post(w+"/reponse", "reponse", "1").To()
	reminded := func(path string) string {
		return one(t, a, `SELECT count(DISTINCT event) || ' ' || count(*) FROM feed WHERE resource = $1 AND kind = 'liaison.reminder'`, strings.TrimPrefix(path, "/carnet/"))
	}
	a.Core.Clock.Freeze(time.Date(2026, 11, 25, 15, 59, 0, 0, time.UTC)) // 16:59 in Paris
	due(t, a)
	if n := reminded(w); n != "0 0" {
		t.Errorf("reminded too early: %s", n)
	}
	a.Core.Clock.Advance(time.Minute)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if err := liaison.RecallDue(t.Context(), a.Core); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	missing := one(t, a, `SELECT '1 ' || count(DISTINCT f.relative) FROM word_pupil wp JOIN family_link f ON f.pupil = wp.pupil WHERE wp.word = $1 AND wp.reached_at IS NULL AND f.relative <> $2`, id, nadia.ID)
	if n := reminded(w); n != missing {
		t.Errorf("told %s, want %s", n, missing)
	}
	a.Core.Clock.Advance(5 * time.Hour)
	due(t, a)
	if n := reminded(w); n != missing {
		t.Errorf("reminded again: %s", n)
	}
	if n := reminded(none); n != "0 0" {
		t.Errorf("reminded without being asked: %s", n)
	}
	helene.Get(w).OK().Lacks("Rappel automatique")
}

// Clocks go back on 25 October 2026 in Paris and never in La Réunion; a server
// that was down wakes nobody at night, and forgets a date that is past.
func TestHourOfAReminder(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	at := func(zone string, now time.Time, day string) string {
		a.Core.Clock.Freeze(now)
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE school SET timezone = $1 WHERE id = (SELECT school FROM membership WHERE person = $2 AND profile = 'teacher')`, zone, helene.ID)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		w, _, _ := strings.Cut(helene.Post("/carnet", "titre", zone, "texte", "x", "a", "class:"+class(t, a, "CE1 B"), "avant", day, "rappel", "1").To(), "?")
		ms, err := db.Value[int64](t.Context(), a.Core.DB, `SELECT recall_at FROM word WHERE id = $1`, strings.TrimPrefix(w, "/carnet/"))
		if err != nil {
			t.Fatal(err)
		}
		return time.UnixMilli(ms).UTC().Format("02 15:04")
	}
	start := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	if got := at("Europe/Paris", start, "2027-03-28"); got != "27 16:00" { // the day before clocks go forward
		t.Errorf("before the change: %s", got)
	}
	if got := at("Europe/Paris", start, "2027-03-29"); got != "28 15:00" { // the day itself
		t.Errorf("on the day of the change: %s", got)
	}
	if got := at("Indian/Reunion", start, "2027-03-29"); got != "28 13:00" {
		t.Errorf("in La Réunion: %s", got)
	}
	w := word(t, a, "Indian/Reunion")
	left := func() string {
		return one(t, a, `SELECT CASE WHEN recall_at IS NULL THEN 'done' ELSE 'waits' END || ' ' || (SELECT count(*) FROM reminder WHERE word = w.id AND at > 0) FROM word w WHERE id = $1`, w)
	}
	a.Core.Clock.Freeze(time.Date(2027, 3, 28, 19, 0, 0, 0, time.UTC)) // 23:00 there, when the server comes back
	due(t, a)
	if got := left(); got != "waits 0" {
		t.Errorf("at night: %s", got)
	}
	a.Core.Clock.Freeze(time.Date(2027, 3, 29, 5, 0, 0, 0, time.UTC)) // 9:00
	due(t, a)
	if got := left(); got == "done 0" || !strings.HasPrefix(got, "done") {
		t.Errorf("in the morning: %s", got)
	}
}
