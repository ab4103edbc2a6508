package dav_test

import (
	"os"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"

	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// keyOf makes an application password of somebody's.
func keyOf(t testing.TB, a *testapp.App, login string) string {
	t.Helper()
	key := secret.NewKey()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		now := a.Core.Clock.Now().UnixMilli()
		_, err := tx.Exec(t.Context(), `INSERT INTO app_password (id, person, name, created_at, expires_at) SELECT $1, p.id, 'Essai', $3, $3 + 86400000 FROM person p WHERE p.login = $2`, secret.Hash(key), login, now)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return secret.FormatKey(key)
}
