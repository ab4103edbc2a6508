package export_test

import (
	"os"
	"strings"
	"testing"

	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// A person takes along what every service keeps of them and their own files,
// byte for byte; nothing of what others gave.
func TestAPersonTakesTheirDataAlong(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	mine := []byte("Des bottes et un bonnet.")
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "liste.txt", Bytes: mine}}).To()
	nadia.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "secret.txt", Bytes: []byte("Rien pour les autres.")}}).To()
	helene.Get("/compte/mes-donnees").OK().Has("Télécharger mes données")
	services := map[string]bool{}
	found := false
	for _, f := range testapp.Unzip(t, helene.Post("/compte/mes-donnees").OK().Body) {
		service, _, _ := strings.Cut(f.Name, "/")
		services[service] = true
		if strings.HasSuffix(f.Name, " liste.txt") {
			found = f.Body == string(mine)
		}
		if strings.Contains(f.Name, "secret") || strings.Contains(f.Body, "Rien pour les autres") || strings.Contains(f.Body, "secret.txt") {
			t.Errorf("%s holds what is another's", f.Name)
		}
	}
	for _, p := range a.Core.Apps {
		if p.Export != nil && !services[p.Name] {
			t.Errorf("nothing of %s", p.Name)
		}
	}
	if !found {
		t.Error("the file is not there as it was given")
	}
	if n := a.One(`SELECT count(*) || '' FROM audit WHERE action = 'person.export'`); n != "1" {
		t.Errorf("%s lines of audit", n)
	}
	if to := a.Stranger().Post("/compte/mes-donnees"); to.Status == 200 {
		t.Error("a stranger takes data along")
	}
}
