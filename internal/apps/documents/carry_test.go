package documents_test

import (
	"strings"
	"testing"

	"marelle/internal/testkit/testapp"
)

// told says how often somebody was told of a new file in a folder.
func told(a *testapp.App, person, in string) string {
	a.T.Helper()
	a.Drain()
	return a.One(`SELECT count(*) || '' FROM feed f JOIN event e ON e.id = f.event WHERE e.kind = 'documents.added' AND e.resource = $1 AND f.person = $2`, in, person)
}

// Those who have a folder are told of what is moved or copied into it, as of what
// is deposited there: once, however much it is; not who moved it, nor who has no
// right there; not of what moves where the same people read it; and not when
// whoever moves it says so.
func TestMovingIntoASharedFolderTellsThoseWhoHaveIt(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, antoine := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("antoine.mercier")
	in := folder(t, helene, "", "Pour les familles")
	low := folder(t, helene, in, "Photos")
	own := folder(t, helene, "", "Brouillons")
	give(helene, in, "1", families(a, "CE1 B")).To()
	one, two, three, four := deposit(t, a, helene, "", "un.jpg"), deposit(t, a, helene, "", "deux.jpg"), deposit(t, a, helene, own, "trois.jpg"), deposit(t, a, helene, own, "quatre.jpg")
	expect := func(what, in, want string) {
		t.Helper()
		if n := told(a, nadia.ID, in); n != want {
			t.Errorf("%s: a reader was told %s times, not %s", what, n, want)
		}
		for name, p := range map[string]*testapp.Person{"who moved it": helene, "a stranger to the folder": antoine} {
			if n := told(a, p.ID, in); n != "0" {
				t.Errorf("%s: %s was told", what, name)
			}
		}
	}
	expect("before", in, "0")
	helene.Post("/documents/deplacer", "id", one, "id", two, "vers", in).To()
	expect("two files moved", in, "1")
	helene.Post("/documents/deplacer", "id", one, "vers", low).To()
	expect("moved inside", low, "0")
	helene.Post("/documents/deplacer", "id", one, "vers", in).To()
	expect("moved back up", in, "1")
	helene.Post("/documents/deplacer", "id", own, "vers", low).To()
	expect("a folder with what it holds", low, "1")
	helene.Post("/documents/deplacer", "id", own, "vers", "haut").To()

	helene.Post("/documents/copier", "id", three, "vers", in).To()
	expect("copied", in, "2")
	helene.Post("/documents/copier", "id", three, "vers", own).To()
	expect("copied where nobody else is", own, "0")

	// The page asks, and keeps the answer while one looks for the folder.
	page := helene.Post("/documents/deplacer", "id", three, "dans", in).OK().Has("Prévenir ceux qui ont ce dossier", "checked")
	if !strings.Contains(page.Body, `name="demande"`) {
		t.Error("the form does not say that it asked")
	}
	helene.Post("/documents/deplacer", "id", three, "dans", low, "demande", "1").OK().Has("Prévenir ceux qui ont ce dossier").Lacks("checked")
	helene.Post("/documents/deplacer", "id", three, "dans", own).OK().Lacks("Prévenir ceux qui ont ce dossier")
	helene.Post("/documents/deplacer", "id", three, "vers", in, "demande", "1").To()
	helene.Post("/documents/copier", "id", four, "vers", in, "demande", "1").To()
	expect("left off", in, "2")
	helene.Post("/documents/deplacer", "id", four, "vers", in, "demande", "1", "prevenir", "1").To()
	expect("asked for", in, "3")
}
