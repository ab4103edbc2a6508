package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/browser"
	onpaper "marelle/internal/testkit/paper"
	"marelle/internal/testkit/testapp"
)

// TestFromTheExportToTheWordThatIsRead is the whole way of the first morning: a
// head imports the school's own ONDE lists and prints the sheets; a parent of
// two children activates with the code printed on theirs and confirms an
// address; a teacher writes to two classes; the parent says that it is read;
// the teacher sees the bar move, and who is missing. The same without scripts.
// With them it goes on to what is told outside: see tell.
func TestFromTheExportToTheWordThatIsRead(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, way := range []struct {
		name   string
		option []browser.Option
	}{{"with scripts", nil}, {"without scripts", []browser.Option{browser.NoScript}}} {
		t.Run(way.name, func(t *testing.T) {
			j := journey{t: t, gate: outside(testapp.ServeEmpty(t)), b: b, option: way.option}
			j.importSchool()
			j.activate(j.sheet())
			j.send()
			j.read()
			j.track()
			if way.option == nil {
				j.tell()
			}
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
	author  string    // the teacher's sign-in name
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
	j.Found()
	j.head = j.tab("odile.marchand", browser.Desktop)
	j.head.Go(j.URL + "/")
	j.head.Click("Mon école")
	j.head.Click("Importer depuis ONDE")
	j.head.Upload("Fichiers d'ONDE", exports(j.t)...)
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
	j.parent.Fill("Code reçu par e-mail", strings.Join(sixDigits.FindStringSubmatch(j.mailed(1, "famille@exemple.fr").Text)[1:], ""))
	j.parent.Click("Confirmer")
	j.parent.WaitText("Vous y êtes")
	j.parent.Click("Entrer")
	j.parent.WaitText("Bonjour")
}

func (j *journey) send() {
	login := j.One(`SELECT min(p.login) FROM person p JOIN class_member cm ON cm.person = p.id AND cm.profile = 'teacher' JOIN class c ON c.id = cm.class
		WHERE c.label = $1 AND (SELECT count(*) FROM class_member o WHERE o.person = p.id) = 1`, j.class[0])
	j.settle(login)
	j.author = login
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

// tell goes on from there with what is told outside the portal, to two families
// of one class. The first parent lets the phone ring, is told of a word that
// asks for a signature and of one that asks a question, in the feed, by mail and
// by an encrypted push, signs and answers. The teacher reminds who is missing:
// the other family, and it alone. Their slip comes back on paper, before the
// camera.
func (j *journey) tell() {
	j.calm() // the word before this is told
	before := len(j.to("famille@exemple.fr"))
	phone := j.ring(j.parent)
	missing := j.One(`SELECT min(p.login) FROM person p JOIN family_link f ON f.relative = p.id JOIN class_member m ON m.person = f.pupil AND m.profile = 'pupil' JOIN class c ON c.id = m.class
		WHERE c.label = $1 AND p.login <> $2 AND NOT EXISTS (SELECT 1 FROM family_link x JOIN family_link y ON y.pupil = x.pupil JOIN person q ON q.id = y.relative WHERE x.relative = p.id AND q.login = $2)
		AND (SELECT count(*) FROM family_link f WHERE f.relative = p.id) = 1`, j.class[0], j.login)
	j.settle(missing)
	j.write(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE person SET email = 'ailleurs@exemple.fr' WHERE login = $1`, missing)
		return err
	})
	other := j.out.Phone(j.As(missing))
	told := func(when string, first, second int) {
		j.t.Helper()
		j.calm()
		for who, n := range map[string]int{"famille": first, "ailleurs": second} {
			device, skip := other, 0
			if who == "famille" {
				device, skip = phone, before
			}
			pushes, mails := len(device.Messages()), len(j.to(who+"@exemple.fr"))-skip
			if pushes != n || mails != n {
				j.t.Fatalf("%s: %s heard %d pushes and %d mails, not %d", when, who, pushes, mails, n)
			}
		}
	}
	write := func(title, ask string) string {
		j.teacher.Go(j.URL + "/carnet/nouveau") // her own class is ticked
		j.teacher.Fill("Titre", title)
		j.teacher.Fill("Texte", "À rendre jeudi.")
		j.teacher.Click(ask)
		if ask == "Répondre oui ou non" {
			j.teacher.Click("Question, choix et date")
			j.teacher.Fill("Question", "Mange-t-il à la ferme ?")
		}
		j.teacher.Click("Publier")
		j.teacher.WaitText("Mot publié")
		return j.teacher.Path()
	}
	sign := write("Assurance de la sortie", "Signer : un parent suffit")
	told("the word that is signed", 1, 1)
	ask := write("Repas de la sortie", "Répondre oui ou non")
	told("the word that asks", 2, 2)

	for n, word := range []string{sign, ask} {
		m, rung := j.to("famille@exemple.fr")[before+n], phone.Messages()[n]
		if m.Subject != "Nouveau mot dans le carnet de liaison" || !strings.Contains(m.Text, j.URL+word) {
			j.t.Errorf("the mail says %q:\n%s", m.Subject, m.Text)
		}
		if !strings.Contains(rung.Text, `"url":"`+word+`"`) || strings.Contains(rung.Text, "sortie") {
			j.t.Errorf("the phone says %s", rung.Text)
		}
	}
	if said := j.out.Phones.Refusals(); len(said) > 0 {
		j.t.Errorf("refused by the push service: %q", said)
	}
	j.parent.Go(j.URL + "/")
	j.parent.WaitText("Repas de la sortie")
	j.parent.WaitText("Assurance de la sortie")
	j.parent.Go(j.URL + sign)
	j.parent.Click("Je signe")
	j.parent.WaitText("Signé. L'école le sait.")
	j.parent.Go(j.URL + ask)
	j.parent.Click("Oui")
	j.parent.Click("J'ai lu et je réponds")
	j.parent.WaitText("Vous avez répondu")

	j.teacher.Go(j.URL + sign)
	j.teacher.WaitText("1/")
	j.teacher.Click("Relancer toutes ces familles")
	told("the reminder", 2, 3)
	if m, rung := j.to("ailleurs@exemple.fr")[2], other.Messages()[2]; !strings.HasPrefix(m.Subject, "Rappel") || !strings.Contains(m.Text, j.URL+sign) || !strings.Contains(rung.Text, "Rappel") || !strings.Contains(rung.Text, sign) {
		j.t.Errorf("reminded by %q and %s", m.Subject, rung.Text)
	}

	child := strings.Split(j.One(`SELECT k.id || '|' || k.first || ' ' || CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END FROM person p JOIN family_link f ON f.relative = p.id JOIN person k ON k.id = f.pupil WHERE p.login = $1`, missing), "|")
	sheet := onpaper.Read(j.t, []byte(j.As(j.author).Post(sign+"/talons/imprimer", "seul", child[0]).OK().Body))
	filming := browser.StartFilming(j.t, film(j.t, sheet.Pictures[0])).Tab(j.t, browser.Phone)
	name, value := j.Cookie(j.author)
	filming.SetCookie(j.URL, name, value)
	filming.Go(j.URL + sign + "/talons")
	filming.Click("Ouvrir l'appareil photo")
	filming.WaitText(child[1] + " : reçu")
	filming.Click("Arrêter")
	j.teacher.Go(j.URL + sign)
	j.teacher.WaitText("2/")
	told("the end", 2, 3)
}

// ring taps the switch that lets a phone ring. The browser's own push service
// is far away and answers no test: its subscription is one of ours.
func (j *journey) ring(tab *browser.Tab) *pushtest.Browser {
	j.t.Helper()
	b, err := j.out.Phones.Subscribe(j.Core.Push.Identity.PublicKey())
	if err != nil {
		j.t.Fatal(err)
	}
	if _, err := chromedp.CallBrowser(tab.Context(), cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
		Permission: &cdpbrowser.PermissionDescriptor{Name: "notifications"}, Setting: cdpbrowser.PermissionSettingGranted,
		Origin: j.URL, BrowserContextID: chromedp.FromContext(tab.Context()).BrowserContextID,
	}); err != nil {
		j.t.Fatal(err)
	}
	tab.Go(j.URL + "/notifications")
	tab.WaitText("Cet appareil ne sonne pas")
	key := browser.Eval[string](tab, `(() => {
		PushManager.prototype.subscribe = async options => { window.asked = options; return `+string(b.JSON())+`; };
		return document.querySelector("[data-rings]").dataset.rings;
	})()`)
	if key != j.Core.Push.Identity.PublicKey() {
		j.t.Errorf("the page gives the key %q", key)
	}
	tab.Click("Activer sur cet appareil")
	tab.WaitText("Cet appareil sonne")
	return b
}
