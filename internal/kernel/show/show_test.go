package show_test

import (
	"os"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

func TestMain(m *testing.M) { os.Exit(testapp.Main(m)) }

// A sound joined to a word plays for its author at once. Everybody else is told
// that it is being made ready, sees it come, or learns that it cannot.
func TestASoundThatIsNotReady(t *testing.T) {
	a := testapp.New(t)
	set := func(text string, args ...any) {
		t.Helper()
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), text, args...)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	class := a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	word, _, _ := strings.Cut(helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "Chanson.wav", Bytes: []byte("RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00")}},
		"titre", "À chanter", "texte", "Écoutez.", "a", "class:"+class).To(), "?")
	sound := a.One(`SELECT file FROM file_use WHERE resource = $1`, strings.TrimPrefix(word, "/carnet/"))
	set(`DELETE FROM file_render WHERE file = $1`, sound)
	set(`INSERT INTO file_render (file, state, percent) VALUES ($1, 'waiting', 40)`, sound)

	part := "/fichiers/montrer/" + sound
	helene.Get(word).OK().Has(`<audio`).Lacks(part)
	nadia.Get(word).OK().Has(`data-poll="` + part + `"`).Has("40\u00a0%").Lacks(`<audio`)
	nadia.Get(part).OK().Has(`data-poll="` + part + `"`)
	for _, who := range []string{"antoine.mercier", "parent.duport", "odile.portail"} {
		a.As(who).Get(part).NotFound()
	}
	a.Stranger().Get(part).Is(303)

	set(`UPDATE file_render SET state = 'failed' WHERE file = $1`, sound)
	nadia.Get(word).OK().Has("n’a pas pu être préparé").Lacks(`<audio`)
	helene.Get(word).OK().Has(`<audio`)

	set(`UPDATE file_render SET state = 'done' WHERE file = $1`, sound)
	nadia.Get(part).OK().Has(`src="/fichiers/` + sound + `/original"`).Lacks("data-poll")
}
