package session_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

func (s *site) declared(name string) app.App {
	s.t.Helper()
	for _, a := range s.core.Apps {
		if a.Name == name {
			return a
		}
	}
	s.t.Fatalf("no %s", name)
	return app.App{}
}

func TestExportAndErase(t *testing.T) {
	s := open(t, withMail)
	s.active("anne.duvivier", "nadia.kermadec")
	c := s.in("anne.duvivier")
	p := c.get("/compte/deuxieme-facteur")
	c.post("/compte/deuxieme-facteur", "chiffres", s.codeAt(keyIn(p))).is(200)
	c.post("/compte/email", "email", "anne@exemple.fr").goesTo("/compte/email")
	c.post("/compte/email/code", "chiffres", digitsIn(s.mailed("anne@exemple.fr"))).goesTo("/compte?fait=email")
	c.post("/compte/affichage", "prevenir-la", "1", "prevenir", "1").goesTo("/compte?fait=affichage")
	s.code("ines.kermadec")
	own, person := s.declared("session"), s.ids["anne.duvivier"]
	given := map[string]string{}
	if err := own.Export(context.Background(), s.core.DB, person, func(name string, v any) error {
		b, err := json.Marshal(v)
		given[name] = string(b)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(given["charter"], `"version":1`) || !strings.Contains(given["sessions"], `"seen_at"`) {
		t.Errorf("given: %v", given)
	}
	s.write(func(ctx context.Context, tx *db.Tx) error {
		return own.Erase(ctx, tx, rights.System("test"), person)
	})
	for _, table := range []string{"session", "app_password", "known_device", "entry", "activation_code", "charter_acceptance", "email_confirmation", "recovery", "second_factor", "recovery_code", "push_subscription", "refused_address", "outgoing_mail"} {
		if n := s.count(`SELECT count(*) FROM `+table+` WHERE person = $1`, person); n != 0 {
			t.Errorf("%d rows remain in %s", n, table)
		}
	}
	if s.count(`SELECT count(*) FROM activation_code`) != 1 || s.count(`SELECT count(*) FROM charter_acceptance`) != 1 {
		t.Error("somebody else's rows are gone")
	}
	c.get("/compte").goesTo("/connexion?suite=%2Fcompte")
}
