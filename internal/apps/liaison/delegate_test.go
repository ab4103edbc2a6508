package liaison_test

import (
	"strings"
	"testing"

	"marelle/internal/testkit/testapp"
)

func TestFollowUpIsHandedToAColleague(t *testing.T) {
	a := testapp.New(t)
	helene, antoine, nadia := a.As("helene.duvivier"), a.As("antoine.mercier"), a.As("nadia.kermadec")
	w := sent(t, a, "Signatures", "sign_one")
	nadia.Post(w+"/reponse", "signe", "1").To()
	antoine.Get(w).NotFound()
	helene.Get(w).OK().Has(w + "/confier")
	helene.Get(w+"/confier").OK().Has("À quel collègue", "Antoine Mercier").Lacks("Nadia Kermadec", "Hélène Duvivier ·", "Duport")
	helene.Post(w+"/confier", "personne", "").Faulty().Has("Choisissez un collègue")
	for _, who := range []string{nadia.ID, helene.ID, a.As("maitre.duport").ID} {
		helene.Post(w+"/confier", "personne", who).Faulty().Has("ne travaille pas dans l’école")
	}
	helene.Post(w+"/confier", "personne", antoine.ID).To()
	helene.Post(w+"/confier", "personne", antoine.ID).To() // twice is once
	helene.Get(w+"/confier?fait=confie").OK().Has("Suivi confié", "Voit qui a lu", "Reprendre")
	antoine.Get("/").OK().Has("Suivi confié", "Signatures")
	antoine.Get("/carnet").OK().Has("Signatures", "1/27")
	antoine.Get(w).OK().Has("<b>1/27</b>", "Signé par Nadia Kermadec", "Relancer").Lacks(w+"/corriger", w+"/confier", w+"/dupliquer")
	if to := antoine.Post(w + "/relance").To(); to != w+"?fait=relance" {
		t.Errorf("sent to %s", to)
	}
	// It is the follow-up that was handed, not the word.
	antoine.Get(w + "/corriger").Denied()
	antoine.Post(w+"/confier", "personne", antoine.ID).Denied()
	antoine.Post(w+"/confier/retirer", "personne", antoine.ID).Denied()
	nadia.Get(w + "/confier").Denied()
	helene.Post(w+"/confier/retirer", "personne", antoine.ID).To()
	antoine.Get(w).NotFound()
	antoine.Get("/carnet").OK().Lacks("Signatures")
	antoine.Get("/").OK().Lacks("Signatures")
	helene.Post(w+"/confier/retirer", "personne", antoine.ID).NotFound()
	helene.Post(w+"/confier/retirer", "personne", helene.ID).NotFound()
	helene.Get(w).OK().Has("Signatures")
	if n := one(t, a, `SELECT string_agg(action, ' ') FROM (SELECT action FROM audit WHERE target = $1 AND detail = $2 ORDER BY at, id) x`, strings.TrimPrefix(w, "/carnet/"), antoine.ID); n != "liaison.delegate liaison.delegate_end" {
		t.Errorf("the log says %q", n)
	}
}
