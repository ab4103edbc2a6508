package liaison_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

// wrote has a relative write to the teachers about a child, and is the path of
// the thread.
func wrote(t *testing.T, a *testapp.App, login, child, text string, more ...string) string {
	t.Helper()
	form := append([]string{"enfant", one(t, a, `SELECT id FROM person WHERE login = $1`, child), "texte", text}, more...)
	path, query, _ := strings.Cut(a.As(login).Post("/carnet/ecrire", form...).To(), "?")
	if query != "fait=envoye" {
		t.Fatalf("sent to %s?%s", path, query)
	}
	return path
}

// exports is all that the service hands over of somebody.
func exports(t *testing.T, a *testapp.App, person string) string {
	t.Helper()
	var all strings.Builder
	if err := liaison.Export(t.Context(), a.Core.DB, person, func(name string, v any) error {
		b, err := json.Marshal(v)
		fmt.Fprintf(&all, "%s %s\n", name, b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestParentWritesAndIsAnswered(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	// Two children: which one comes first, because it decides who reads.
	nadia.Get("/carnet/ecrire").OK().Has("Pour quel enfant", "Inès", "Yanis").Lacks("<textarea")
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	nadia.Get("/carnet/ecrire?enfant="+ines).OK().Has("Lu par", "Mme Duvivier", "Inès, CE1 B", "Aussi à la direction")
	nadia.Post("/carnet/ecrire", "enfant", ines, "texte", " ").Faulty().Has("Écrivez votre mot")
	nadia.Post("/carnet/ecrire", "enfant", ines, "texte", "Trop long "+strings.Repeat("é", 3000)).Faulty().Has("trop long", "éééé")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Inès a oublié\nson <b>cartable</b>.")
	nadia.Get(note+"?fait=envoye").OK().Has("C’est envoyé", note+"/annuler", "Pas encore lu", "&lt;b&gt;cartable", "Enseignants de CE1 B")
	helene.Get("/").OK().Has(note, "À propos d’Inès").Lacks("cartable")
	helene.Get("/carnet/echanges").OK().Has("Nadia Kermadec", "À propos d’Inès Kermadec", note, "Inès a oublié", `<span class="palet seul" role="img" aria-label="non lu`)
	helene.Get(note).OK().Has("Répondre à Nadia Kermadec", "Entre l’école et Nadia Kermadec")
	nadia.Get(note).OK().Has("Lu par Mme Duvivier")
	helene.Post(note+"/message", "texte", "Il est resté sous le porte-manteau.").To()
	helene.Get(note).OK().Has("Pas encore lu")
	nadia.Get("/").OK().Has(note)
	nadia.Get("/carnet/echanges").OK().Has("porte-manteau")
	nadia.Get(note).OK().Has("Mme Duvivier", "porte-manteau")
	helene.Get(note).OK().Has("Lu par Mme Kermadec")
	nadia.Post(note+"/message", "texte", "Merci !").To()
	helene.Get("/carnet/echanges").OK().Has("Merci")
	helene.Get("/recherche?q=porte-manteau").OK().Has(note)
	// Neither the head, who was not written to, nor another teacher.
	for _, p := range []string{"claire.fontaine", "antoine.mercier", "martine.wallon", "ines.kermadec"} {
		a.As(p).Get(note).NotFound()
		a.As(p).Post(note+"/message", "texte", "moi aussi").NotFound()
		a.As(p).Post(note + "/annuler").NotFound()
	}
	helene.Post("/carnet/ecrire", "enfant", ines, "texte", "Je ne suis pas parent").Denied()
	a.As("ines.kermadec").Get("/carnet/echanges").Denied()
}

func TestNoteGoesToTheHeadIfWished(t *testing.T) {
	a := testapp.New(t)
	claire := a.As("claire.fontaine")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Une question sur la cantine.", "direction", "1")
	claire.Get("/carnet/echanges").OK().Has(note)
	claire.Post(note+"/message", "texte", "Je m'en occupe.").To()
	a.As("nadia.kermadec").Get(note).OK().Has("Mme Fontaine", "m&#39;en occupe", "Enseignants de CE1 B et direction")
	a.As("helene.duvivier").Get(note).OK().Has("occupe")
}

// Neither the other parent nor the child ever finds what one parent wrote, nor
// what the school answered: on no page, in no list, search, feed, mail or file.
func TestOtherParentNeverSeesANote(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	word := sent(t, a, "Rendez-vous du zouave", "read")
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	notes := []string{
		wrote(t, a, "nadia.kermadec", "ines.kermadec", "Le zouave ne doit pas venir la chercher.", "direction", "1"),
		wrote(t, a, "nadia.kermadec", "ines.kermadec", "Le zouave sera en retard.", "mot", strings.TrimPrefix(word, "/carnet/")),
	}
	for _, n := range notes {
		helene.Post(n+"/message", "texte", "C'est noté pour le zouave.").To()
	}
	for _, login := range []string{"youssef.kermadec", "ines.kermadec"} {
		p := a.As(login)
		for _, n := range notes {
			p.Get(n).NotFound()
			p.Post(n+"/message", "texte", "Et moi ?").NotFound()
			p.Post(n + "/annuler").NotFound()
		}
		for _, path := range []string{"/", "/carnet", word, "/recherche?q=zouave", "/recherche?q=Inès+noté", "/?enfant=" + ines, "/carnet?enfant=" + ines, "/notifications"} {
			page := p.Get(path).OK()
			if strings.Contains(page.Body, "retard") || strings.Contains(page.Body, "noté pour") || strings.Contains(page.Body, "/echange/") || strings.Contains(page.Body, "doit pas venir") {
				t.Errorf("%s sees a note on %s", login, path)
			}
		}
		if all := exports(t, a, p.ID); strings.Contains(all, "retard") || strings.Contains(all, "noté") || strings.Contains(all, "venir") {
			t.Errorf("the export of %s holds a note", login)
		}
		if n := one(t, a, `SELECT count(*) || '' FROM feed f JOIN note n ON n.id = f.resource WHERE f.person = $1 AND n.author <> $1`, p.ID); n != "0" {
			t.Errorf("%s is told of %s notes", login, n)
		}
	}
	a.As("youssef.kermadec").Get("/carnet/echanges").OK().Lacks("zouave")
	if all := exports(t, a, a.As("nadia.kermadec").ID); !strings.Contains(all, "retard") || !strings.Contains(all, "noté") {
		t.Error("an export without one's own notes and their answers")
	}
	a.Drain()
	if n := one(t, a, `SELECT count(*) || '' FROM delivery d JOIN event e ON e.id = d.event WHERE e.kind IN ('liaison.note', 'liaison.answer') AND d.person = $1`, a.As("youssef.kermadec").ID); n != "0" {
		t.Errorf("%s deliveries to the other parent", n)
	}
}

// A parent who teaches the child's class, or runs the school, is no recipient of
// what the other parent writes: the others are.
func TestTeacherOfOwnChildIsNoRecipient(t *testing.T) {
	a := testapp.New(t)
	nadia, youssef, helene := a.As("nadia.kermadec"), a.As("youssef.kermadec"), a.As("helene.duvivier")
	school := one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return people.Apply(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), people.Change{School: school,
			Join:  []people.Membership{{Person: youssef.ID, School: school, Profile: rights.Teacher, Head: true}},
			Enter: []people.Place{{Person: youssef.ID, Class: class(t, a, "CE1 B"), Profile: rights.Teacher}}})
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Second)
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	nadia.Get("/carnet/ecrire?enfant=" + ines).OK().Has("Mme Duvivier").Lacks("M. Kermadec")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Sans lui.", "direction", "1")
	helene.Get(note).OK()
	a.As("claire.fontaine").Get(note).OK()
	// He has to accept the charter again before he sees any page.
	v := rights.Viewer{Person: youssef.ID, Now: a.Core.Clock.Now()}
	if _, err := liaison.NoteReading.Resolve(t.Context(), a.Core.DB, &v, strings.TrimPrefix(note, "/echange/")); errs.KindOf(err) != errs.NotFound {
		t.Errorf("the other parent reads as a teacher (%v)", err)
	}
}

func TestWordIsAnsweredPrivately(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	word := sent(t, a, "Goûter de Noël", "read")
	w := strings.TrimPrefix(word, "/carnet/")
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	form := "/carnet/ecrire?enfant=" + ines + "&amp;mot=" + w
	nadia.Get(word).OK().Has("Répondre à Mme Duvivier", form)
	form = strings.ReplaceAll(form, "&amp;", "&")
	nadia.Get(form).OK().Has("Réponse à", "Goûter de Noël", "Mme Duvivier").Lacks("direction")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "J'apporte un gâteau.", "mot", w)
	// The same thread, however one comes to it.
	if to := nadia.Get(form).To(); to != note {
		t.Errorf("led to %s, not %s", to, note)
	}
	if again := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Et du jus.", "mot", w); again != note {
		t.Errorf("a second thread %s", again)
	}
	helene.Get(note).OK().Has("Réponse à", "Goûter de Noël", "gâteau", "Et du jus", word)
	helene.Post(note+"/message", "texte", "Merci.").To()
	nadia.Get(note).OK().Has("Merci.", "Lu par")
	// A word that asks for an answer has its slip; one of another class has no reader here.
	nadia.Get(sent(t, a, "Piscine", "yesno", "question", "Vient-il ?")).OK().Lacks("Répondre à Mme")
	other := one(t, a, `SELECT w.id FROM word w JOIN word_class wc ON wc.word = w.id JOIN class c ON c.id = wc.class WHERE c.label = 'CM2' ORDER BY w.published_at DESC LIMIT 1`)
	nadia.Post("/carnet/ecrire", "enfant", ines, "mot", other, "texte", "Je devine.").NotFound()
	// The author has left: the teachers of the class are there.
	leaves(t, a, helene.ID, rights.Teacher)
	for _, p := range []*testapp.Person{nadia, a.As("youssef.kermadec")} {
		p.Get(form).OK().Has("Lu par", "Mme Fontaine").Lacks("Mme Duvivier")
	}
}

func TestNoteIsTakenBack(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Je me suis trompée.", "direction", "1")
	helene.Get("/carnet/echanges").OK().Has("trompée")
	helene.Post(note + "/annuler").To() // not hers
	nadia.Post(note+"/annuler").OK().Has("Je me suis trompée.", `name="direction" value="1" checked`, "Envoyer")
	helene.Get(note).NotFound()
	helene.Get("/carnet/echanges").OK().Lacks("trompée")
	helene.Get("/").OK().Lacks(note)
	helene.Get("/recherche?q=trompée").OK().Lacks(note)
	a.Core.Clock.Advance(time.Minute)
	a.Drain()
	if n := one(t, a, `SELECT count(*) || '' FROM event WHERE resource = $1`, strings.TrimPrefix(note, "/echange/")); n != "0" {
		t.Errorf("%s events of what was taken back", n)
	}
	// An answer is taken back alone; after a while nothing is.
	note = wrote(t, a, "nadia.kermadec", "ines.kermadec", "Une question.")
	helene.Post(note+"/message", "texte", "Réponse trop vite.").To()
	helene.Post(note+"/annuler").OK().Has("Une question", ">Réponse trop vite.</textarea>")
	nadia.Get(note).OK().Has("Une question").Lacks("trop vite")
	helene.Post(note+"/message", "texte", "Réponse posée.").To()
	a.Core.Clock.Advance(time.Minute)
	if to := helene.Post(note + "/annuler").To(); to != note+"?fait=tard" {
		t.Errorf("sent to %s", to)
	}
	nadia.Get(note).OK().Has("Réponse posée")
}

func TestNoteHoldsFilesOfBoth(t *testing.T) {
	a := testapp.New(t)
	nadia, helene, youssef := a.As("nadia.kermadec"), a.As("helene.duvivier"), a.As("youssef.kermadec")
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	note, _, _ := strings.Cut(nadia.Upload("/carnet/ecrire", []testapp.File{{Field: "piece", Name: "attestation.pdf", Bytes: pdf(t)}, {Field: "piece", Name: "assurance.pdf", Bytes: pdf(t)}}, "enfant", ines, "texte", "Voici.").To(), "?")
	helene.Get(note).OK().Has("attestation.pdf", "assurance.pdf")
	helene.Upload(note+"/message", []testapp.File{{Field: "piece", Name: "recu.pdf", Bytes: pdf(t)}}, "texte", "Reçu.").To()
	nadia.Get(note).OK().Has("recu.pdf")
	files, err := db.All[string](t.Context(), a.Core.DB, `SELECT file FROM file_use WHERE resource = $1`, strings.TrimPrefix(note, "/echange/"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	for _, f := range files {
		nadia.Get("/fichiers/" + f + "/original").OK()
		helene.Get("/fichiers/" + f + "/original").OK()
		youssef.Get("/fichiers/" + f + "/original").NotFound()
	}
	// Six are too many; what was typed stays.
	six := make([]testapp.File, 6)
	for i := range six {
		six[i] = testapp.File{Field: "piece", Name: "x.pdf", Bytes: pdf(t)}
	}
	nadia.Upload(note+"/message", six, "texte", "Encore").Faulty().Has("5 fichiers au plus", "Encore")
	// An answer taken back leaves no file behind.
	helene.Upload(note+"/message", []testapp.File{{Field: "piece", Name: "erreur.pdf", Bytes: pdf(t)}}, "texte", "Oups").To()
	helene.Post(note + "/annuler").OK().Has("Garder erreur.pdf")
	nadia.Get(note).OK().Lacks("erreur.pdf")
}

// One cannot write without end: neither in a day, nor in one thread. Sending
// twice sends once.
func TestNotesAreBounded(t *testing.T) {
	a := testapp.New(t)
	nadia := a.As("nadia.kermadec")
	ines := one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`)
	form := []string{"id", id.New(), "enfant", ines, "texte", "Une seule fois."}
	if first, second := nadia.Post("/carnet/ecrire", form...).To(), nadia.Post("/carnet/ecrire", form...).To(); first != second {
		t.Errorf("%s and %s", first, second)
	}
	note := "/echange/" + form[1]
	again := []string{"id", id.New(), "texte", "Encore une fois."}
	nadia.Post(note+"/message", again...).To()
	nadia.Post(note+"/message", again...).To()
	if n := one(t, a, `SELECT messages || ' ' || (SELECT count(*) FROM note_message m WHERE m.note = note.id) FROM note WHERE id = $1`, form[1]); n != "2 2" {
		t.Errorf("%s messages", n)
	}
	// The identifier of somebody else's message, or of a word, opens nothing.
	a.As("youssef.kermadec").Post("/carnet/ecrire", form...).NotFound()
	nadia.Post("/carnet/ecrire", "id", word(t, a, trip), "enfant", ines, "texte", "x").NotFound()
	var all sync.WaitGroup
	for i := range 34 {
		all.Go(func() { nadia.Post("/carnet/ecrire", "enfant", ines, "texte", fmt.Sprint("Mot ", i)) })
	}
	all.Wait()
	if n := one(t, a, `SELECT n || '' FROM written WHERE person = $1 ORDER BY day DESC LIMIT 1`, nadia.ID); n != "30" {
		t.Errorf("%s messages in a day", n)
	}
	nadia.Post("/carnet/ecrire", "enfant", ines, "texte", "Un de plus").Faulty().Has("Vous avez beaucoup écrit", "Un de plus")
	a.Core.Clock.Advance(24 * time.Hour)
	nadia.Post("/carnet/ecrire", "enfant", ines, "texte", "Le lendemain").To()
	helene := a.As("helene.duvivier")
	for i := range 38 {
		helene.Post(note+"/message", "texte", fmt.Sprint("Réponse ", i)).To()
	}
	helene.Post(note+"/message", "texte", "Une de trop").Faulty().Has("Cet échange est terminé")
	nadia.Get(note).OK().Has("Cet échange est terminé").Lacks("<textarea")
}

// Both sides write at once: every message is there, each with its number.
func TestConcurrentMessages(t *testing.T) {
	a := testapp.New(t)
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Bonjour.")
	var all sync.WaitGroup
	for _, login := range []string{"nadia.kermadec", "helene.duvivier"} {
		p := a.As(login)
		for i := range 6 {
			all.Go(func() { p.Post(note+"/message", "texte", fmt.Sprint(login, i)).To() })
		}
	}
	all.Wait()
	if n := one(t, a, `SELECT n.messages || ' ' || count(*) || ' ' || max(m.n) FROM note n JOIN note_message m ON m.note = n.id WHERE n.id = $1 GROUP BY n.messages`, strings.TrimPrefix(note, "/echange/")); n != "13 13 13" {
		t.Errorf("messages: %s", n)
	}
}

// Teachers are told of notes as they choose, a parent of answers; nobody rings
// for what can still be taken back, and no text of it leaves.
func TestNotesAreTold(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	helene.Get("/notifications").OK().Has("Un mot d’une famille")
	nadia.Get("/notifications").OK().Has("Une réponse de l’école")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Bonjour.")
	if n := one(t, a, `SELECT count(*) || '' FROM river_job WHERE kind = 'notify.tell' AND state = 'scheduled'`); n == "0" {
		t.Error("told at once, and yet it can be taken back")
	}
	helene.Post(note+"/message", "texte", "Bonsoir.").To()
	told := one(t, a, `SELECT string_agg(e.kind || ' ' || p.login, ', ') FROM (SELECT * FROM feed WHERE resource = $1 ORDER BY kind DESC) f JOIN event e ON e.id = f.event JOIN person p ON p.id = f.person`, strings.TrimPrefix(note, "/echange/"))
	if told != "liaison.note helene.duvivier, liaison.answer nadia.kermadec" && told != "liaison.answer nadia.kermadec, liaison.note helene.duvivier" {
		t.Errorf("told: %s", told)
	}
}

// Who no longer follows the child is not answered in vain.
func TestNoAnswerToASuspendedParent(t *testing.T) {
	a := testapp.New(t)
	nadia, helene := a.As("nadia.kermadec"), a.As("helene.duvivier")
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "Bonjour.")
	school := one(t, a, `SELECT id FROM school WHERE uai = '0809876A'`)
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		day := a.Core.Clock.Now().Format(time.DateOnly)
		_, err := people.Restrict(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), nadia.ID, one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`), day, day, "Décision du juge.")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	nadia.Get(note).NotFound()
	nadia.Get("/carnet/echanges").OK().Lacks(note)
	nadia.Post("/carnet/ecrire", "enfant", one(t, a, `SELECT id FROM person WHERE login = 'ines.kermadec'`), "texte", "Je reviens").NotFound()
	helene.Post(note+"/message", "texte", "Bonjour ?").Faulty().Has("ne suit plus cet enfant", "Bonjour ?")
}

// When the year is over and the summer past, what was said in it goes.
func TestNotesAreForgottenAfterTheYear(t *testing.T) {
	a := testapp.New(t)
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "De cette année.")
	there := func() string {
		return one(t, a, `SELECT count(*) || '' FROM resource WHERE id = $1`, strings.TrimPrefix(note, "/echange/"))
	}
	for _, c := range []struct{ day, want string }{{"2027-10-30", "1"}, {"2027-11-02", "0"}} {
		at, err := time.Parse(time.DateOnly, c.day)
		if err != nil {
			t.Fatal(err)
		}
		a.Core.Clock.Advance(at.Sub(a.Core.Clock.Now()))
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return liaisonApp(t, a).Retain(t.Context(), tx, rights.System("retention")) }); err != nil {
			t.Fatal(err)
		}
		if n := there(); n != c.want {
			t.Errorf("%s: %s notes, not %s", c.day, n, c.want)
		}
	}
}

// The threads of a year fall due on one day: a transaction forgets some of them,
// in as many statements as for one, and a job the rest.
func TestAYearOfNotesIsForgottenInTurns(t *testing.T) {
	a := testapp.New(t)
	note := wrote(t, a, "nadia.kermadec", "ines.kermadec", "De cette année.")
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		for range 450 {
			n := id.New()
			for _, text := range []string{
				`INSERT INTO resource (id, school, kind, root, owner, title, created_at, updated_at, withheld) SELECT $1, school, kind, $1, owner, title, created_at, updated_at, withheld FROM resource WHERE id = $2`,
				`INSERT INTO note (id, school, author, pupil, audience, messages, last_at) SELECT $1, school, author, pupil, audience, 1, last_at FROM note WHERE id = $2`,
				`INSERT INTO note_message (id, note, n, author, event, at, body) SELECT $1, $1, 1, author, $1, at, body FROM note_message WHERE note = $2`,
				`INSERT INTO note_to (note, school, principal, last_at) SELECT $1, school, principal, last_at FROM note_to WHERE note = $2`,
			} {
				if _, err := tx.Exec(t.Context(), text, n, strings.TrimPrefix(note, "/echange/")); err != nil {
					return err
				}
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	left := func() string {
		return one(t, a, `SELECT (SELECT count(*) FROM note) || ' ' || (SELECT count(*) FROM resource WHERE kind = 'liaison.note')`)
	}
	a.Core.Clock.Advance(400 * 24 * time.Hour)
	statements := 0
	a.Core.DB.Watch(func(context.Context, string, []any) { statements++ })
	err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return liaisonApp(t, a).Retain(t.Context(), tx, rights.System("retention")) })
	a.Core.DB.Watch(nil)
	if n := left(); err != nil || n == "0 0" || statements > 40 {
		t.Errorf("%s left after %d statements (%v)", n, statements, err)
	}
	if err := a.Core.Jobs.Drain(t.Context()); err != nil || left() != "0 0" {
		t.Errorf("%s left (%v)", left(), err)
	}
}
