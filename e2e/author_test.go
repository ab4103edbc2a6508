package e2e

import (
	"net/url"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
)

// until waits for something that no page shows.
func (w *walk) until(what, text string, args ...any) {
	w.t.Helper()
	wait(w.t, what+" does not come", func() bool { return w.One(text, args...) != "" })
}

// TestAWordIsSavedAsItIsTyped is a teacher who is interrupted: by the network,
// by another page of hers, by the bell.
func TestAWordIsSavedAsItIsTyped(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	w := walk{t: t, gate: openGate(t), b: b, size: browser.Phone, tabs: map[string]*browser.Tab{}}
	const saved = `SELECT coalesce(max(id), '') FROM word_draft WHERE title = $1 AND body = $2`
	tab := w.tab("helene.duvivier")
	tab.Go("/carnet/nouveau")
	tab.Fill("Titre", "Sortie au marché")
	tab.WaitText("Brouillon enregistré à")
	tab.Allow("ERR_INTERNET_DISCONNECTED")
	tab.Offline(true)
	tab.Fill("Texte", "Prenez un panier.")
	tab.WaitText("Pas de réseau")
	tab.Offline(false)
	w.until("the draft", saved, "Sortie au marché", "Prenez un panier.")
	tab.WaitText("Brouillon enregistré à")
	draft := w.One(saved, "Sortie au marché", "Prenez un panier.")

	other := b.Tab(t, browser.Phone)
	name, value := w.Cookie("helene.duvivier")
	other.SetCookie(w.URL, name, value)
	other.Go(w.URL + "/carnet/nouveau?brouillon=" + draft)
	other.Fill("Texte", "Deux paniers.")
	other.WaitText("Brouillon enregistré à")
	tab.Fill("Texte", "Trois paniers.")
	tab.WaitText("gardé dans un second brouillon")
	w.check(tab, "carnet-second-brouillon")
	for _, text := range []string{"Deux paniers.", "Trois paniers."} {
		if w.One(saved, "Sortie au marché", text) == "" {
			t.Errorf("%q is lost", text)
		}
	}
	// The bell rings: she leaves at once.
	tab.Fill("Texte", "Trois paniers, et un sac.")
	tab.Go("/carnet?vue=brouillons")
	w.until("what was typed last", saved, "Sortie au marché", "Trois paniers, et un sac.")
	// Sent too fast, and taken back.
	second := w.One(saved, "Sortie au marché", "Trois paniers, et un sac.")
	tab.Go("/carnet/nouveau?brouillon=" + second)
	tab.Click("Publier")
	tab.WaitText("27 familles le reçoivent")
	tab.Click("Annuler")
	tab.WaitText("Le mot est redevenu un brouillon")
	w.check(tab, "carnet-repris")
	if n := w.One(`SELECT count(*) || '' FROM word_draft WHERE title = 'Sortie au marché'`); n != "2" {
		t.Errorf("%s drafts", n)
	}
	tab.Click("Publier")
	tab.WaitText("27 familles le reçoivent")
	w.check(tab, "carnet-envoye") // takes longer than there is to take it back
}

// TestTheAuthorsPages looks at a word corrected, planned and handed over.
func TestTheAuthorsPages(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for _, screen := range screens {
		t.Run(screen.name, func(t *testing.T) {
			w := walk{t: t, gate: openGate(t), b: b, size: screen.size, tabs: map[string]*browser.Tab{}}
			helene, nadia := w.As("helene.duvivier"), w.As("nadia.kermadec")
			class := "class:" + w.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
			word, _, _ := strings.Cut(helene.Post("/carnet", "titre", "Visite de la ferme", "texte", "Départ à 8 h.\n\nBottes et gourde.", "theme", "trip", "a", class,
				"demande", "sign_one", "avant", "2026-12-04", "rappel", "3").To(), "?")
			nadia.Post(word+"/reponse", "signe", "1").To()
			w.open("helene.duvivier", word+"?fait=envoye", "mot-envoye")
			helene.Post(word+"/corriger", "version", "1", "titre", "Visite de la ferme", "texte", "Départ à 9 h.\n\nBottes et gourde.", "theme", "trip", "avant", "2026-12-04", "encore", "1").To()
			w.open("helene.duvivier", word+"?fait=change", "mot-corrige-suivi")
			w.open("nadia.kermadec", word, "mot-corrige-parent")
			w.open("helene.duvivier", word+"/apercu", "mot-apercu")
			colleague := w.One(`SELECT id FROM person WHERE login = 'antoine.mercier'`)
			helene.Post(word+"/confier", "personne", colleague).To()
			w.open("helene.duvivier", word+"/confier?fait=confie", "mot-confie")
			w.open("antoine.mercier", word, "mot-confie-suivi")
			helene.Post("/carnet/planifier", "titre", "Photo de classe", "texte", "Venez à l'heure.", "a", class, "jour", "2026-11-27", "heure", "07:30").To()
			helene.Post("/carnet/brouillon", "titre", "", "texte", "À suivre").To()
			w.open("helene.duvivier", "/carnet?vue=brouillons&fait=prevu", "carnet-prevus")
			planned := w.One(`SELECT id FROM word_draft WHERE title = 'Photo de classe'`)
			w.open("helene.duvivier", "/carnet/nouveau?"+url.Values{"brouillon": {planned}}.Encode(), "carnet-prevu")
			tab := w.tab("helene.duvivier")
			tab.Go("/carnet/nouveau")
			tab.Click("Envoyer plus tard")
			tab.Fill("Jour", "2026-11-20")
			tab.Fill("Heure", "08:00")
			tab.Click("Prévoir l'envoi")
			w.check(tab, "422-envoi-prevu")
		})
	}
}
