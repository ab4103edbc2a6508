package e2e

import (
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
)

// TestAWordIsWrittenWithAForm is a teacher who writes with the editor, by the
// keyboard and by the buttons, leaves, comes back and sends; and the parent who
// reads.
func TestAWordIsWrittenWithAForm(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			w := walk{t: t, gate: openGate(t), b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			tab := w.tab("helene.duvivier")
			tab.Go("/carnet/nouveau")
			tab.Fill("Titre", "Sortie à la ferme")
			tab.Fill("Texte", "Départ à ")
			tab.Press("Ctrl+b", "8 h", "Ctrl+b", " précises.", "Enter")
			tab.Click("Gras")
			tab.Press("Prévoir :")
			tab.Click("Gras")
			tab.Press("Enter")
			tab.Click("Liste")
			if on := browser.Eval[string](tab, `document.querySelector("[data-command=bulletList]").ariaPressed + document.querySelector("[data-command=bold]").ariaPressed`); on != "truefalse" {
				t.Errorf("the buttons say %s", on)
			}
			tab.Press("des bottes", "Enter", "un seau", "Enter", "Enter")
			tab.Click("Lien")
			tab.Fill("Texte à afficher", "Le plan")
			tab.Fill("Adresse", "là bas")
			tab.Click("Valider")
			tab.WaitText("Cette adresse ne mène nulle part")
			if faults := tab.Axe(); len(faults) > 0 {
				t.Error(faults)
			}
			tab.Screenshot("editor-link-" + screen.name)
			tab.Fill("Adresse", "www.exemple.fr/plan")
			tab.Press("Enter")
			tab.Press(".")
			const want = `<p>Départ à <strong>8 h</strong> précises.</p><p><strong>Prévoir :</strong></p><ul><li><p>des bottes</p></li><li><p>un seau</p></li></ul>` +
				`<p><a href="https://www.exemple.fr/plan" rel="nofollow noreferrer">Le plan</a>.</p>`
			w.until("the draft", `SELECT coalesce(max(id), '') FROM word_draft WHERE title = 'Sortie à la ferme' AND rich = $1`, want)
			w.check(tab, "carnet-editeur")

			tab.Go("/carnet?vue=brouillons")
			tab.Click("Continuer")
			if got := browser.Eval[string](tab, `document.getElementById("texte").innerText.replace(/\s+/g, " ")`); got != "Départ à 8 h précises. Prévoir : des bottes un seau Le plan." {
				t.Errorf("the draft comes back as %q", got)
			}
			tab.Click("Publier")
			tab.WaitText("27 familles le reçoivent")
			word := tab.Path()
			w.open("nadia.kermadec", word, "mot-mis-en-forme")
			for css, text := range map[string]string{".texte strong": "8 h", ".texte ul > li + li": "un seau", ".texte a[href='https://www.exemple.fr/plan']": "Le plan"} {
				if got := strings.ReplaceAll(w.tab("nadia.kermadec").Text(css), "\u00a0", " "); got != text {
					t.Errorf("a parent reads %q as %s", got, css)
				}
			}
			// Corrected and left as it was, by the editor, it is no other text.
			tab.Go(word + "/corriger")
			tab.Click("Texte")
			tab.Press("x", "Backspace")
			tab.Click("Enregistrer la correction")
			tab.WaitText("Rien n’a changé")
			// Taken off with the editor, the form is gone.
			tab.Click("Texte")
			tab.Press("Ctrl+a", "Ctrl+b", "Ctrl+b")
			tab.Click("Enregistrer la correction")
			tab.WaitText("Mot corrigé")
			if n := w.tab("helene.duvivier").Count("#mot .texte strong"); n != 0 {
				t.Errorf("%d words are bold", n)
			}
		})
	}
}

// TestTheEditorIsLeftByTheKeyboard walks through its buttons with the arrows, and
// past it with Tab, from a list as well.
func TestTheEditorIsLeftByTheKeyboard(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	w := walk{t: t, gate: openGate(t), b: b, size: browser.Desktop, tabs: map[string]*browser.Tab{}}
	tab := w.tab("helene.duvivier")
	tab.Go("/carnet/nouveau")
	at := func() string {
		return browser.Eval[string](tab, `document.activeElement.ariaLabel || document.activeElement.id || document.activeElement.tagName`)
	}
	is := func(want string) {
		t.Helper()
		if got := at(); got != want {
			t.Errorf("the focus is at %q, not %q", got, want)
		}
	}
	tab.Focus("Thème")
	tab.Press("Tab")
	is("Gras")
	tab.Press("ArrowLeft")
	is("Refaire")
	tab.Press("ArrowRight", "ArrowRight")
	is("Italique")
	tab.Press("End", "Home", "ArrowRight", "Space") // pressed, and still there
	is("Italique")
	tab.Press("Tab")
	is("texte")
	tab.Press("a", "Enter", "- ", "b", "Enter", "c", "Tab")
	if is := at(); is == "texte" {
		t.Error("Tab does not leave the editor")
	}
	tab.Press("Shift+Tab")
	is("texte")
	tab.Press("Shift+Tab")
	is("Italique") // where it was
	tab.Press("Tab", "Ctrl+k")
	tab.WaitText("Texte à afficher")
	tab.Press("Escape")
	is("texte")
	const want = `<p><em>a</em></p><ul><li><p>b</p></li><li><p>c</p></li></ul>`
	if got := browser.Eval[string](tab, `document.querySelector("[name=texte_html]").value`); got != want {
		t.Errorf("%s", got)
	}
}

// TestWhatIsPastedBecomesWhatIsAllowed pastes what word processors and pages put
// on the clipboard.
func TestWhatIsPastedBecomesWhatIsAllowed(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	w := walk{t: t, gate: openGate(t), b: b, size: browser.Desktop, tabs: map[string]*browser.Tab{}}
	tab := w.tab("helene.duvivier")
	tab.Go("/carnet/nouveau")
	for _, c := range []struct{ name, pasted, want string }{
		{"a word processor", `<html><head><style>p{color:red}</style></head><body><p class="MsoNormal" style="margin:0;font-family:Arial"><b>Gras</b> <span style="color:red">rouge</span><o:p></o:p></p>` +
			`<p class="MsoListParagraph" style="mso-list:l0 level1 lfo1"><span style="mso-list:Ignore">·<span>&nbsp;&nbsp;</span></span>un</p><p class="MsoListParagraph" style="mso-list:l0 level1 lfo1"><span style="mso-list:Ignore">·<span>&nbsp;</span></span>deux</p>` +
			`<p class="MsoListParagraph" style="mso-list:l1 level1 lfo2"><span style="mso-list:Ignore">1.<span>&nbsp;</span></span>trois</p></body></html>`,
			`<p><strong>Gras</strong> rouge</p><ul><li><p>un</p></li><li><p>deux</p></li></ul><ol><li><p>trois</p></li></ol>`},
		{"a page", `<h1 onclick="x()">Titre</h1><div><a href="javascript:alert(1)">non</a> <a href="https://exemple.fr" target="_blank" style="color:red">oui</a><img src="https://pisteur.exemple/p.gif"><script>x()</script></div><table><tr><td>une case</td></tr></table>`,
			`<h3>Titre</h3><p>non <a href="https://exemple.fr">oui</a></p><p>une case</p>`},
		{"a document of Google", `<meta charset="utf-8"><b style="font-weight:normal;" id="docs-internal-guid-1"><p dir="ltr" style="line-height:1.38"><span style="font-size:11pt;font-weight:400">Pas gras, </span><span style="font-weight:700;font-style:italic">gras et penché</span></p></b>`,
			`<p>Pas gras, <strong><em>gras et penché</em></strong></p>`},
	} {
		tab.Fill("Texte", "")
		browser.Eval[bool](tab, `(() => {
			const data = new DataTransfer();
			data.setData("text/html", `+"`"+c.pasted+"`"+`);
			return document.getElementById("texte").dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true, cancelable: true}));
		})()`)
		if got := browser.Eval[string](tab, `document.querySelector("[name=texte_html]").value`); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

// TestAWordIsWrittenWithoutTheEditor has the text area alone, and loses no form
// that it does not show.
func TestAWordIsWrittenWithoutTheEditor(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	g := openGate(t)
	tab := b.Tab(t, browser.Phone, browser.NoScript)
	name, value := g.Cookie("helene.duvivier")
	tab.SetCookie(g.URL, name, value)
	tab.Go(g.URL + "/carnet/nouveau")
	tab.Fill("Titre", "Sans script")
	tab.Fill("Texte", "Bonjour.\n\nÀ demain.")
	tab.Click("Publier")
	tab.WaitText("27 familles le reçoivent")
	if got := g.One(`SELECT body FROM word WHERE title = 'Sans script'`); got != "<p>Bonjour.</p><p>À demain.</p>" {
		t.Errorf("%s", got)
	}
	class := g.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	const rich = `<p>Prévoir <strong>des bottes</strong>,<br/>merci.</p><ul><li><p>un seau</p></li></ul>`
	at := g.As("helene.duvivier").Post("/carnet/brouillon", "titre", "Avec une forme", "texte_html", rich, "a", "class:"+class).To()
	tab.Go(g.URL + at)
	tab.WaitText("Ce texte est mis en forme")
	tab.CheckPage("carnet-sans-script")
	tab.Fill("Titre", "Avec sa forme")
	tab.Click("Publier")
	tab.WaitText("27 familles le reçoivent")
	if got := g.One(`SELECT body FROM word WHERE title = 'Avec sa forme'`); got != rich {
		t.Errorf("%s", got)
	}
}

// TestTheEditorWeighsOnItsPagesAlone is what other pages do not load.
func TestTheEditorWeighsOnItsPagesAlone(t *testing.T) {
	a := openGate(t)
	helene := a.As("helene.duvivier")
	word, _, _ := strings.Cut(helene.Post("/carnet", "titre", "Court", "texte", "Bonjour.", "a", "class:"+a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)).To(), "?")
	helene.Get("/carnet/nouveau").OK().Has("/_/editor.", "/_/page-editor.")
	for _, at := range []string{"/", "/carnet", "/carnet?vue=brouillons", word, "/compte"} {
		helene.Get(at).OK().Lacks("/_/editor.", "/_/page-editor.")
	}
}
