package report_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"marelle/internal/apps/report"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

func write(a *testapp.App, login, title, text string) (resource string) {
	class := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	to, _, _ := strings.Cut(a.As(login).Post("/carnet", "id", id.New(), "titre", title, "texte", text, "a", "class:"+class).To(), "?")
	return strings.TrimPrefix(to, "/carnet/")
}

func exec(a *testapp.App, text string, args ...any) {
	a.T.Helper()
	if err := a.Core.DB.Write(a.T.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(a.T.Context(), text, args...)
		return err
	}); err != nil {
		a.T.Fatal(err)
	}
}

// A mother reports a word; the head reads it, deals with it, and its author
// learns nothing of it.
func TestAReportGoesToTheHeadAlone(t *testing.T) {
	a := testapp.New(t)
	nadia, claire, helene := a.As("nadia.kermadec"), a.As("claire.fontaine"), a.As("helene.duvivier")
	word := write(a, "helene.duvivier", "La liste de la cantine", "Avec le numéro de téléphone de chacun.")
	at := "/signaler?objet=" + word
	nadia.Get("/carnet/" + word).OK().Has(at)
	nadia.Get(at).OK().Has("La liste de la cantine", "n’en saura rien")
	nadia.Get("/signaler").OK().Has("trois points")
	nadia.Post("/signaler", "objet", word, "texte", "Nos numéros y sont").Faulty().Has("Il reste à choisir ce qui se passe", "Nos numéros y sont")
	nadia.Post("/signaler", "objet", word, "motif", "other").Faulty().Has("quelques mots")
	nadia.Post("/signaler", "objet", word, "motif", "private", "texte", strings.Repeat("a", 1001)).Faulty().Has("trop long")
	nadia.Post("/signaler", "objet", word, "motif", "invented").Faulty()
	nadia.Get(nadia.Post("/signaler", "objet", word, "motif", "private", "texte", "Nos numéros y sont").To()).OK().Has("transmis à la direction")
	nadia.Post("/signaler", "objet", word, "motif", "private", "texte", "Encore").To() // a nervous thumb
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM report`); n != "1" {
		t.Errorf("%s reports", n)
	}
	// The head is told, reads and closes.
	claire.Get("/").OK().Has("Signalements")
	claire.Get("/?service=report").OK().Has("/ecole/signalements")
	one := a.One(`SELECT id FROM report`)
	claire.Get("/ecole/signalements").OK().Has("La liste de la cantine", "Nadia Kermadec", "/ecole/signalements/"+one)
	claire.Get("/ecole").OK().Has("/ecole/signalements")
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM feed WHERE person = $1 AND kind = 'report.made' AND read_at IS NULL`, claire.ID); n != "0" {
		t.Errorf("%s reports are new to who has read the list", n)
	}
	claire.Get("/ecole/signalements/"+one).OK().Has("numéro de téléphone", "Nos numéros y sont", "Hélène Duvivier")
	exec(a, `UPDATE word SET body = 'Corrigé.' WHERE id = $1`, word)
	claire.Get("/ecole/signalements/" + one).OK().Has("numéro de téléphone")
	claire.Post("/ecole/signalements/" + one + "/clore").Faulty().Has("ce qui a été fait")
	claire.Post("/ecole/signalements/"+one+"/clore", "note", "Mot retiré, famille appelée.").To()
	claire.Get("/ecole/signalements/"+one).OK().Has("famille appelée", "Rouvrir")
	claire.Post("/ecole/signalements/" + one + "/rouvrir").To()
	claire.Get("/ecole/signalements/" + one).OK().Has("Clore ce signalement")
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM audit WHERE target = $1`, one); n != "3" {
		t.Errorf("%s acts in the log, not made, closed and reopened", n)
	}
	// Its author, and whoever is not of the school, learn nothing.
	for _, path := range []string{"/", "/notifications", "/carnet/" + word} {
		helene.Get(path).OK().Lacks("Signalement", "Nos numéros", one)
	}
	helene.Get("/ecole/signalements").Denied()
	helene.Get("/signaler?objet=" + word).NotFound()
	for _, login := range []string{"directrice.duport", "parent.duport", "antoine.mercier"} {
		p := a.As(login)
		p.Get("/signaler?objet=" + word).NotFound()
		p.Post("/signaler", "objet", word, "motif", "private").NotFound()
		p.Get("/signaler?objet=nope").NotFound()
	}
	far := a.As("directrice.duport")
	far.Get("/ecole/signalements").OK().Lacks("cantine")
	far.Get("/ecole/signalements/" + one).NotFound()
	far.Post("/ecole/signalements/"+one+"/clore", "note", "x").NotFound()
	far.Post("/ecole/signalements/" + one + "/rouvrir").NotFound()
	a.As("ines.kermadec").Get(at).OK().Has("ce que tu écris", "Ce que tu veux ajouter")
}

// What a head published goes to another head, and is not in the list of the
// first; where there is no other, it is said whom to speak to.
func TestWhatAHeadPublishedIsForAnother(t *testing.T) {
	a := testapp.New(t)
	nadia, claire := a.As("nadia.kermadec"), a.As("claire.fontaine")
	word := write(a, "claire.fontaine", "Une circulaire", "Bonjour.")
	if got := nadia.Post("/signaler", "objet", word, "motif", "mistake"); got.Status != 409 || !strings.Contains(got.Body, "inspection") {
		t.Errorf("with nobody to read it: %d", got.Status)
	}
	exec(a, `UPDATE membership SET head = TRUE WHERE person = $1`, a.As("antoine.mercier").ID)
	exec(a, `UPDATE person SET activated_at = $2 WHERE id = $1`, a.As("antoine.mercier").ID, a.Core.Clock.Now().UnixMilli()) // no second factor yet
	exec(a, `INSERT INTO person_principal (person, principal, school, valid_from, valid_to) SELECT person, 'school:head', school, valid_from, valid_to FROM membership WHERE person = $1`, a.As("antoine.mercier").ID)
	nadia.Post("/signaler", "objet", word, "motif", "mistake").To()
	one := a.One(`SELECT id FROM report`)
	antoine := a.As("antoine.mercier")
	antoine.Get("/ecole/signalements").OK().Has("Une circulaire")
	antoine.Get("/?service=report").OK().Has("Signalements")
	claire.Get("/ecole/signalements").OK().Lacks("Une circulaire")
	claire.Get("/ecole/signalements/" + one).NotFound()
	claire.Post("/ecole/signalements/"+one+"/clore", "note", "Rien à voir").NotFound()
	claire.Get("/").OK().Lacks("Nouveau · ")
}

func exported(t *testing.T, q db.Querier, person string) string {
	t.Helper()
	out := ""
	if err := report.Export(t.Context(), q, person, func(_ string, v any) error {
		b, err := json.Marshal(v)
		out += string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

// What is held of a person is handed over, moved, forgotten.
func TestReportsOfAPerson(t *testing.T) {
	a := testapp.New(t)
	nadia, youssef, helene := a.As("nadia.kermadec"), a.As("youssef.kermadec"), a.As("helene.duvivier")
	word := write(a, "helene.duvivier", "Un mot", "Bonjour.")
	other := write(a, "helene.duvivier", "Un autre", "Bonjour.")
	for _, p := range []*testapp.Person{nadia, youssef} {
		p.Post("/signaler", "objet", word, "motif", "hurtful", "texte", "Par "+p.Login).To()
	}
	youssef.Post("/signaler", "objet", other, "motif", "image").To()
	if out := exported(t, a.Core.DB, nadia.ID); !strings.Contains(out, "Par nadia") {
		t.Errorf("handed over: %s", out)
	}
	if out := exported(t, a.Core.DB, helene.ID); strings.Contains(out, "Par ") {
		t.Errorf("handed over to who is reported: %s", out)
	}
	do := func(f func(ctx context.Context, tx *db.Tx, g rights.Grant) error) {
		t.Helper()
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return f(t.Context(), tx, rights.System("test")) }); err != nil {
			t.Fatal(err)
		}
	}
	do(func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
		return report.Merge(ctx, tx, g, nadia.ID, youssef.ID)
	})
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM report WHERE reporter = $1`, nadia.ID); n != "2" {
		t.Errorf("%s reports after two records became one", n)
	}
	do(func(ctx context.Context, tx *db.Tx, g rights.Grant) error { return report.Erase(ctx, tx, g, nadia.ID) })
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM report WHERE reporter = '' AND said = ''`); n != "2" {
		t.Errorf("%s reports without a name", n)
	}
	a.As("claire.fontaine").Get("/ecole/signalements/" + a.One(`SELECT min(id) FROM report`)).OK().Lacks("Nadia Kermadec,")
	exec(a, `UPDATE report SET closed_at = $1 WHERE resource = $2`, a.Core.Clock.Now().UnixMilli(), word)
	do(func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
		return report.Retain(ctx, tx, g, a.Core.Clock.Now().Add(366*24*time.Hour))
	})
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM report`); n != "1" {
		t.Errorf("%s reports a year after one was closed", n)
	}
	do(func(ctx context.Context, tx *db.Tx, g rights.Grant) error { return report.Erase(ctx, tx, g, helene.ID) })
	if n := a.One(`SELECT CAST(count(*) AS TEXT) FROM report`); n != "0" {
		t.Errorf("%s reports of somebody who is no more", n)
	}
}
