package documents_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// Without room nothing is kept, and one is told before.
func TestRoomRunsOut(t *testing.T) {
	a := testapp.New(t)
	ines := a.As("ines.kermadec")
	deposit(t, a, ines, "", "un.jpg")
	used := a.One(`SELECT used || '' FROM file_usage WHERE person = $1`, ines.ID)
	set := func(bytes string) {
		t.Helper()
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE quota SET bytes = CAST($1 AS BIGINT) WHERE profile = 'pupil'`, bytes)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	ines.Get("/documents").OK().Lacks("Bientôt plus de place")
	set(used)
	ines.Get("/documents").OK().Has("Bientôt plus de place")
	ines.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "deux.jpg", Bytes: drawing(t, 50)}}).Faulty()
	ines.Get("/documents").OK().Lacks("deux.jpg")
}

// Who comes near the end of their room is told once, in their feed, whatever
// service the file was joined in; once there is room again, once more. The head
// says what each profile may hold, and sees who holds most, not what.
func TestOnesOwnSpaceNearlyFullIsTold(t *testing.T) {
	a := testapp.New(t)
	ines, helene, head := a.As("ines.kermadec"), a.As("helene.duvivier"), a.As("claire.fontaine")
	told := func() string {
		t.Helper()
		return a.One(`SELECT count(*) || '' FROM event e JOIN feed f ON f.event = e.id WHERE e.kind = $1 AND f.person = $2`, documents.Full, ines.ID)
	}
	for _, p := range []*testapp.Person{ines, helene} {
		p.Get("/documents/quotas").Denied()
		p.Post("/documents/quotas", "pupil", "100").Denied()
	}
	head.Post("/documents/quotas", "pupil", "beaucoup", "teacher", "300").Faulty().Has("beaucoup", "nombre entier")
	head.Post("/documents/quotas", "pupil", "1", "relative", "", "teacher", "3 000", "staff", "", "head", "").To()
	head.Get("/documents/quotas").OK().Has(`value="3000"`)
	big := func(name string, n int) {
		t.Helper()
		b := bytes.Repeat([]byte(name+" "), n/(len(name)+1))
		ines.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: b}}).To()
	}
	big("petit.txt", 700_000)
	if told() != "0" {
		t.Error("told below four fifths")
	}
	big("moyen.txt", 150_000)
	big("encore.txt", 20_000)
	if told() != "1" {
		t.Errorf("told %s times", told())
	}
	ines.Get("/").OK().Has("Votre espace est presque plein")
	at := "/place/" + a.One(`SELECT resource FROM document_space WHERE person = $1`, ines.ID)
	ines.Get(at).OK().Has("petit.txt", "870\u00a0Ko utilisés")
	helene.Get(at).NotFound()
	head.Get(at).NotFound()
	head.Get("/documents/quotas").OK().Has("Inès Kermadec", "870").Lacks("petit.txt")
	helene.Get("/").Lacks("presque plein")

	one := a.One(`SELECT id FROM document WHERE name = 'petit.txt'`)
	ines.Post("/documents/corbeille", "id", one).To()
	ines.Post("/documents/corbeille/vider", "id", one).To()
	big("autre.txt", 800_000)
	if told() != "2" {
		t.Errorf("told %s times after there was room", told())
	}
	if n := a.One(`SELECT count(*) || '' FROM audit WHERE action = 'quota.set'`); n != "5" {
		t.Errorf("%s lines of audit", n)
	}
}

// An empty space is said by what it can hold, to a child as one speaks to a child.
func TestAnEmptySpaceSaysWhatItHolds(t *testing.T) {
	a := testapp.New(t)
	ines, julien := a.As("ines.kermadec"), a.As("julien.lecoq")
	a.As("claire.fontaine").Post("/documents/quotas", "pupil", "100", "relative", "", "teacher", "1500", "staff", "", "head", "").To()
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM file_usage WHERE person IN ($1, $2)`, ines.ID, julien.ID)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	ines.Get("/documents").OK().Has("Ton espace est vide", "il te reste 100\u00a0Mo").Lacks("0\u00a0octets")
	julien.Get("/documents").OK().Has("Votre espace est vide", "il vous reste 1,5\u00a0Go").Lacks("0\u00a0octets")
	deposit(t, a, ines, "", "un.jpg")
	ines.Get("/documents").OK().Has("octets utilisés sur 100\u00a0Mo").Lacks("espace est vide")
}

// nearly is the job that looks every few minutes who comes near the end of their room.
type nearly struct{}

func (nearly) Kind() string                 { return "documents.nearly" }
func (nearly) MarshalJSON() ([]byte, error) { return []byte("{}"), nil }

// What fills somebody's space without passing through their documents is told by
// a job, once however often it comes back, to them alone.
func TestAJobTellsWhoseSpaceIsNearlyFull(t *testing.T) {
	a := testapp.New(t)
	ines, head := a.As("ines.kermadec"), a.As("claire.fontaine")
	head.Post("/documents/quotas", "pupil", "1", "relative", "", "teacher", "", "staff", "", "head", "").To()
	school := a.One(`SELECT school FROM membership WHERE person = $1 AND profile = 'pupil' LIMIT 1`, ines.ID)
	join := func(name string, n int) {
		t.Helper()
		f, err := file.ReceiveAny(t.Context(), a.Core, school, ines.ID, name, strings.NewReader(strings.Repeat(name+" ", n/(len(name)+1))))
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			return file.Record(t.Context(), tx, rights.System("test").For(school), a.Core.Clock.Now(), f)
		}); err != nil {
			t.Fatal(err)
		}
	}
	work := func() {
		t.Helper()
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error { return a.Core.Jobs.Add(t.Context(), tx, nearly{}) }); err != nil {
			t.Fatal(err)
		}
		a.Drain()
	}
	told := func(want string) {
		t.Helper()
		if n := a.One(`SELECT count(*) || '' FROM event e JOIN feed f ON f.event = e.id WHERE e.kind = $1 AND f.person = $2`, documents.Full, ines.ID); n != want {
			t.Errorf("told %s times, not %s", n, want)
		}
		if n := a.One(`SELECT count(*) || '' FROM event e JOIN feed f ON f.event = e.id WHERE e.kind = $1`, documents.Full); n != want {
			t.Errorf("%s lines in all feeds, not %s", n, want)
		}
	}
	join("petit.txt", 700_000)
	work()
	told("0")
	join("moyen.txt", 150_000)
	told("0") // nothing was asked of her documents
	work()
	told("1")
	work()
	told("1")
	ines.Get("/").OK().Has("Votre espace est presque plein")
}

// Whom one shares with is proposed first, and only while one may reach them.
func TestFavouritesAreThoseOneSharesWith(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, antoine, ines := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("antoine.mercier"), a.As("ines.kermadec")
	school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	at := "/documents/" + folder(t, helene, "", "Un") + "/partage"
	lacks := func() { t.Helper(); helene.Get(at).OK().Lacks("Favoris") }
	lacks()
	give(helene, folder(t, helene, "", "Deux"), "1", "person:"+nadia.ID).To()
	lacks()
	give(helene, folder(t, helene, "", "Trois"), "1", "person:"+nadia.ID).To()
	helene.Get(at).OK().Has("Favoris", "Nadia Kermadec")
	helene.Post(at, "etoile", families(a, "CE2"), "a", "person:"+ines.ID, "role", "2").OK().Has("Retirer Familles de CE2 des favoris", `value="person:`+ines.ID+`" checked`)
	nadia.Post("/documents/"+folder(t, nadia, "", "Mien")+"/partage", "etoile", "person:"+antoine.ID).Faulty().Lacks("Antoine")
	helene.Post(at, "etoile", families(a, "CE2")).OK().Lacks("Retirer Familles de CE2 des favoris")

	helene.Get("/partage/qui?ecole="+school+"&q=ke").OK().Has("Nadia Kermadec", "Inès Kermadec", `role="option"`)
	helene.Get("/partage/qui?ecole=" + school + "&q=k").OK().Lacks("Kermadec")
	nadia.Get("/partage/qui?ecole=" + school + "&q=mer").OK().Lacks("Mercier")
	nadia.Get("/partage/qui?ecole=" + a.One(`SELECT id FROM school WHERE uai <> '0809876A' LIMIT 1`) + "&q=ke").NotFound()
}

// The place where something goes is found folder by folder, however many there are.
func TestAPlaceIsFoundFolderByFolder(t *testing.T) {
	a := testapp.New(t)
	helene, julien := a.As("helene.duvivier"), a.As("julien.lecoq")
	up := folder(t, helene, "", "Archives")
	low := folder(t, helene, up, "Printemps")
	id := deposit(t, a, helene, low, "liste.jpg")
	for n := range 61 {
		folder(t, helene, up, fmt.Sprintf("Sorties %02d", n))
	}
	helene.Get("/documents/"+id+"/deplacer").OK().Has("Archives", "Printemps", `name="vers" value="`+low+`"`)
	page := helene.Post("/documents/deplacer", "id", id, "dans", up).OK().Has("Printemps", "Sorties 00", `value="`+id+`"`, `name="apres"`).Lacks("Sorties 60")
	_, tail, _ := strings.Cut(page.Body, `name="apres" value="`)
	next, _, _ := strings.Cut(tail, `"`)
	helene.Post("/documents/deplacer", "id", id, "dans", up, "apres", next).OK().Has("Sorties 60").Lacks("Sorties 00")
	helene.Post("/documents/deplacer", "id", low, "dans", up).OK().Lacks(`name="dans" value="` + low + `"`)
	julien.Post("/documents/deplacer", "id", id, "dans", up).NotFound()
	// Who manages what lies in somebody else's space goes no further than what they may add to.
	give(helene, low, "4", "person:"+julien.ID).To()
	julien.Get("/documents/"+id+"/deplacer").OK().Has(`value="`+low+`"`).Lacks("Archives", up)
	julien.Post("/documents/deplacer", "id", id, "dans", up).OK().Has("Printemps").Lacks("Archives", up, `name="vers"`)
}

// A folder and something in it, both chosen, are one tree: copied once, thrown
// away and put back as one.
func TestAFolderBringsWhatIsChosenInIt(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	in := folder(t, helene, "", "Photos")
	deep := folder(t, helene, in, "Mars")
	one := deposit(t, a, helene, deep, "mer.jpg")
	count := func(name string) string {
		t.Helper()
		return a.One(`SELECT count(*) || '' FROM document WHERE name = $1 AND taken IS NULL`, name)
	}
	helene.Post("/documents/copier", "id", one, "id", in, "id", deep, "vers", "haut").To()
	for _, name := range []string{"Photos", "Mars", "mer.jpg"} {
		if n := count(name); n != "2" {
			t.Errorf("%s of %q after the copy", n, name)
		}
	}
	helene.Post("/documents/corbeille", "id", deep, "id", one, "id", in).To()
	helene.Get("/documents/corbeille").OK().Has("Photos").Lacks("Mars", "mer.jpg")
	helene.Post("/documents/corbeille/remettre", "id", in).To()
	for _, id := range []string{in, deep, one} {
		helene.Get("/documents/" + id).OK()
	}
}

// How much room is taken is a gauge at the foot of what one keeps, whatever it is;
// of what others share there is none.
func TestTheGaugeIsAlwaysThere(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	gauges := func(path string) int { return strings.Count(helene.Get(path).OK().Body, `class="avance`) }
	if n := gauges("/documents"); n != 1 {
		t.Errorf("%d gauges with little in it", n)
	}
	if n := gauges("/documents/partages"); n != 0 {
		t.Errorf("%d gauges of what others share", n)
	}
	deposit(t, a, helene, "", "Plan.jpg")
	write := func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE quota SET bytes = (SELECT sum(used) FROM file_usage WHERE person = $1) WHERE profile = 'teacher' AND school = ''`, helene.ID)
		return err
	}
	if err := a.Core.DB.Write(t.Context(), write); err != nil {
		t.Fatal(err)
	}
	if n := gauges("/documents"); n != 1 {
		t.Errorf("%d gauges once it is full", n)
	}
}
