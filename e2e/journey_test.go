package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestFromTheExportToTheWordThatIsRead is the whole way of the first morning: a
// head imports the school's own ONDE lists and prints the sheets; a parent of
// two children activates with the code printed on theirs and confirms an
// address; a teacher writes to two classes; the parent says that it is read;
// the teacher sees the bar move, and who is missing. The same without scripts.
func TestFromTheExportToTheWordThatIsRead(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, way := range []struct {
		name   string
		option []browser.Option
	}{{"with scripts", nil}, {"without scripts", []browser.Option{browser.NoScript}}} {
		t.Run(way.name, func(t *testing.T) {
			j := journey{t: t, gate: withMail(t, testapp.ServeEmpty(t)), b: b, option: way.option}
			j.importSchool()
			j.activate(j.sheet())
			j.send()
			j.read()
			j.track()
		})
	}
}

type journey struct {
	t *testing.T
	*gate
	b       *browser.Browser
	option  []browser.Option
	head    *browser.Tab
	parent  *browser.Tab
	teacher *browser.Tab
	login   string    // the parent's
	class   [2]string // labels of their children's classes
	word    string    // address
}

// tab opens a browser for somebody who is signed in.
func (j *journey) tab(login string, screen browser.Screen) *browser.Tab {
	tab := j.b.Tab(j.t, screen, j.option...)
	if login != "" {
		name, value := j.Cookie(login)
		tab.SetCookie(j.URL, name, value)
	}
	return tab
}

// settle makes somebody's account active, as after their own activation.
func (j *journey) settle(login string) {
	j.gate.write(func(ctx context.Context, tx *db.Tx) error {
		id, err := db.Value[string](ctx, tx, `SELECT id FROM person WHERE login = $1`, login)
		if err != nil {
			return err
		}
		return session.Settle(ctx, tx, rights.System("test"), []string{id}, j.Core.Clock.Now(), j.Core.Clock.Now())
	})
}

func (j *journey) importSchool() {
	j.gate.write(func(ctx context.Context, tx *db.Tx) error {
		now, g := j.Core.Clock.Now(), rights.System("test")
		s, err := people.CreateSchool(ctx, tx, g, now, people.School{UAI: "0801234G", Name: "École Jules Verne"})
		if err != nil {
			return err
		}
		p, err := people.CreatePersons(ctx, tx, g.For(s.ID), now, []people.Person{{First: "Marie", Last: "Direction", Civility: "F"}})
		if err != nil {
			return err
		}
		return people.Apply(ctx, tx, g.For(s.ID), now, people.Change{School: s.ID,
			Join: []people.Membership{{Person: p[0].ID, School: s.ID, Profile: rights.Teacher, Head: true}}})
	})
	j.settle("marie.direction")
	j.head = j.tab("marie.direction", browser.Desktop)
	j.head.Go(j.URL + "/")
	j.head.Click("Mon école")
	j.head.Click("Importer depuis ONDE")
	lists, err := filepath.Glob("../internal/kernel/people/onde/testdata/recent/*.csv")
	if err != nil || len(lists) != 3 {
		j.t.Fatalf("lists: %v (%v)", lists, err)
	}
	for i := range lists {
		if lists[i], err = filepath.Abs(lists[i]); err != nil {
			j.t.Fatal(err)
		}
	}
	j.head.Upload("Fichiers d'ONDE", lists...)
	j.head.Click("Voir ce qui va changer")
	j.head.WaitText("219")
	j.head.Click("Importer")
	for end := time.Now().Add(30 * time.Second); !j.head.Has("Import fait"); { // without scripts one reloads
		if time.Now().After(end) {
			j.t.Fatal("the import does not end")
		}
		time.Sleep(300 * time.Millisecond)
		j.head.Go(j.head.URL())
	}
	if n := j.One(`SELECT count(*) || '' FROM membership WHERE profile = 'relative'`); n != "258" {
		j.t.Fatalf("%s relatives", n)
	}
}

// sheet prints all sheets and reads the parent's code out of the PDF.
func (j *journey) sheet() (code string) {
	row := strings.Split(j.One(`SELECT p.login || '|' || c1.label || '|' || c2.label FROM person p
		JOIN family_link f1 ON f1.relative = p.id JOIN class_member m1 ON m1.person = f1.pupil AND m1.profile = 'pupil' JOIN class c1 ON c1.id = m1.class
		JOIN family_link f2 ON f2.relative = p.id AND f2.pupil > f1.pupil JOIN class_member m2 ON m2.person = f2.pupil AND m2.profile = 'pupil' JOIN class c2 ON c2.id = m2.class
		WHERE c1.label <> c2.label AND p.contact_email <> ''
		AND (SELECT count(*) FROM family_link f WHERE f.relative = p.id) = 2 ORDER BY p.login LIMIT 1`), "|")
	j.login, j.class = row[0], [2]string{row[1], row[2]}
	j.head.Go(j.URL + "/ecole/fiches")
	_, pdf := j.head.Download("Une page par responsable")
	text := exec.Command("pdftotext", "-layout", "-", "-")
	text.Stdin = bytes.NewReader(pdf)
	words, err := text.Output()
	if err != nil {
		j.t.Fatalf("pdftotext (package poppler-utils): %v", err)
	}
	found := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(j.login) + `\s.*?([2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{4}-[2-9A-HJ-NP-Z]{3})`).FindSubmatch(words)
	if found == nil {
		j.t.Fatalf("no sheet of %s in %d bytes of PDF", j.login, len(pdf))
	}
	return string(found[1])
}

func (j *journey) activate(code string) {
	j.parent = j.tab("", browser.Phone)
	j.parent.Go(j.URL + "/connexion")
	j.parent.Fill("Identifiant", j.login)
	j.parent.Fill("Mot de passe ou code d'activation", code)
	j.parent.Click("Se connecter")
	j.parent.WaitText("La charte, en quatre phrases")
	j.parent.Click("J'ai lu la charte et je la respecterai.")
	j.parent.Click("Accepter")
	j.parent.Fill("Nouveau mot de passe", chosen)
	j.parent.Fill("Le même, une seconde fois", chosen)
	j.parent.Click("Continuer")
	j.parent.Fill("Adresse e-mail", "famille@exemple.fr")
	j.parent.Click("Recevoir le code")
	j.parent.Fill("Code reçu par e-mail", strings.Join(sixDigits.FindStringSubmatch(j.mailed(1, "famille@exemple.fr"))[1:], ""))
	j.parent.Click("Confirmer")
	j.parent.WaitText("Vous y êtes")
	j.parent.Click("Entrer")
	j.parent.WaitText("Bonjour")
}

func (j *journey) send() {
	login := j.One(`SELECT min(p.login) FROM person p JOIN class_member cm ON cm.person = p.id AND cm.profile = 'teacher' JOIN class c ON c.id = cm.class
		WHERE c.label = $1 AND (SELECT count(*) FROM class_member o WHERE o.person = p.id) = 1`, j.class[0])
	j.settle(login)
	teacher := j.tab(login, browser.Desktop)
	teacher.Go(j.URL + "/carnet")
	teacher.Click("Écrire un mot")
	teacher.Click("Autres classes, toute l'école")
	teacher.Click("Familles de " + j.class[1]) // her own class is ticked already
	teacher.Fill("Titre", "Sortie à la ferme")
	teacher.Fill("Texte", "Nous partons jeudi à 8 h 30.\n\nPrévoyez des bottes.")
	teacher.Click("Publier")
	teacher.WaitText("Mot publié")
	teacher.WaitText("Pas encore lu")
	j.word = teacher.URL()
	j.teacher = teacher
}

func (j *journey) read() {
	j.parent.Go(j.URL + "/")
	j.parent.WaitText("Sortie à la ferme")
	j.parent.Click("Lire le mot")
	j.parent.WaitText("Prévoyez des bottes.")
	j.parent.Click("J'ai lu")
	j.parent.WaitText("Vous avez lu ce mot")
	j.parent.Go(j.URL + "/")
	j.parent.WaitText("Tout est à jour")
}

func (j *journey) track() {
	families := j.One(`SELECT count(*) || '' FROM word_pupil wp JOIN word w ON w.id = wp.word WHERE w.title = 'Sortie à la ferme'`)
	j.teacher.Go(strings.Split(j.word, "?")[0])
	// One tap of a parent of two children reaches two families.
	j.teacher.WaitText("2/" + families)
	j.teacher.WaitText("Pas encore lu")
	missing := j.One(`SELECT min(k.first || ' ' || CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END) FROM word_pupil wp JOIN word w ON w.id = wp.word JOIN person k ON k.id = wp.pupil
		WHERE w.title = 'Sortie à la ferme' AND NOT EXISTS (SELECT 1 FROM family_link f JOIN person p ON p.id = f.relative WHERE f.pupil = k.id AND p.login = $1)`, j.login)
	j.teacher.WaitText(missing)
}
