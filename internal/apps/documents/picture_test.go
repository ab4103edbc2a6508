package documents_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// secret is what no form of a picture may hold: where it was taken.
const secret = "GPS-49.8794N-1.7310E"

// traces are secret, and what begins each sort of metadata.
var traces = []string{secret, "Cachette", "Exif\x00\x00", "ns.adobe.com/xap", "Photoshop 3.0", "eXIf", "tEXt", "iTXt", "zTXt", "XMP "}

// taken are photos as phones and programs write them, each with its place in all
// the ways that its format has.
func taken(t testing.TB) map[string][]byte {
	t.Helper()
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x02\x01\x0f\x00\x02\x00\x00\x00\x15\x00\x00\x00\x26\x88\x25\x00\x04\x00\x00\x00\x01\x00\x00\x00\x3c\x00\x00\x00\x00" + secret + "\x00\x00" +
		"\x00\x01\x00\x01\x00\x02\x00\x00\x00\x02N\x00\x00\x00\x00\x00\x00\x00")
	xmp := []byte(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>` + secret + `</exif:GPSLatitude></x:xmpmeta>`)
	var b bytes.Buffer

	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 60, 40)), nil); err != nil {
		t.Fatal(err)
	}
	photo := []byte{0xFF, 0xD8}
	for _, s := range []struct {
		marker byte
		body   string
	}{{0xE1, "Exif\x00\x00" + string(tiff)}, {0xE1, "http://ns.adobe.com/xap/1.0/\x00" + string(xmp)},
		{0xED, "Photoshop 3.0\x008BIM\x04\x04\x00\x00\x00\x00\x00\x20\x1c\x02\x5a\x00\x14" + secret}, {0xFE, secret}} {
		photo = append(photo, 0xFF, s.marker)
		photo = binary.BigEndian.AppendUint16(photo, uint16(len(s.body)+2))
		photo = append(photo, s.body...)
	}
	photo = append(append(photo, b.Bytes()[2:]...), secret...)

	b.Reset()
	clear := image.NewNRGBA(image.Rect(0, 0, 60, 40)) // transparent: it stays a PNG
	if err := png.Encode(&b, clear); err != nil {
		t.Fatal(err)
	}
	drawn := slices.Clone(b.Bytes()[:33]) // the signature and the header
	for _, c := range []struct{ kind, body string }{
		{"eXIf", string(tiff)}, {"tEXt", "Location\x00" + secret}, {"iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00" + string(xmp)},
	} {
		drawn = binary.BigEndian.AppendUint32(drawn, uint32(len(c.body)))
		drawn = append(append(drawn, c.kind...), c.body...)
		drawn = binary.BigEndian.AppendUint32(drawn, crc32.ChecksumIEEE([]byte(c.kind+c.body)))
	}
	drawn = append(drawn, b.Bytes()[33:]...)

	read := func(name string) []byte {
		f, err := os.ReadFile("../../platform/media/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	inner := read("small.webp")
	c, _, err := image.DecodeConfig(bytes.NewReader(inner))
	if err != nil {
		t.Fatal(err)
	}
	var chunks []byte
	chunk := func(kind string, body []byte) {
		chunks = binary.LittleEndian.AppendUint32(append(chunks, kind...), uint32(len(body)))
		chunks = append(chunks, body...)
		if len(body)%2 == 1 {
			chunks = append(chunks, 0)
		}
	}
	w, h := c.Width-1, c.Height-1
	chunk("VP8X", []byte{0x0C, 0, 0, 0, byte(w), byte(w >> 8), 0, byte(h), byte(h >> 8), 0})
	chunks = append(chunks, inner[12:]...)
	chunk("EXIF", tiff)
	chunk("XMP ", xmp)
	webp := append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunks)+4)), append([]byte("WEBP"), chunks...)...)

	b.Reset()
	if err := gif.Encode(&b, image.NewPaletted(image.Rect(0, 0, 60, 40), color.Palette{color.Black, color.White}), nil); err != nil {
		t.Fatal(err)
	}
	comment := append([]byte{0x21, 0xFE, byte(len(secret))}, secret+"\x00"...)
	at := bytes.IndexByte(b.Bytes()[13:], 0x2C) + 13 // where its first image begins
	moving := slices.Concat(b.Bytes()[:at], comment, b.Bytes()[at:])

	return map[string][]byte{"telephone.jpg": photo, "dessin.png": drawn, "web.webp": webp, "anime.gif": moving, "iphone.heic": read("small.heic")}
}

// clean fails on metadata in what somebody gets, in the files of a ZIP too.
func clean(t *testing.T, what string, body []byte) {
	t.Helper()
	if bytes.HasPrefix(body, []byte("PK")) {
		files := testapp.Unzip(t, string(body))
		if len(files) == 0 {
			t.Errorf("%s is an empty ZIP", what)
		}
		for _, f := range files {
			clean(t, what+", "+f.Name, []byte(f.Body))
		}
		return
	}
	for _, trace := range traces {
		if bytes.Contains(body, []byte(trace)) {
			t.Errorf("%s holds %q", what, trace)
		}
	}
}

// A photo that knows where it was taken tells nobody, however it came and
// whoever gets it in whatever form: not even its holder keeps the place.
func TestNoPictureTellsItsPlace(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	photos := taken(t)
	var files []testapp.File
	var pack bytes.Buffer
	z := zip.NewWriter(&pack)
	for name, b := range photos {
		if !bytes.Contains(b, []byte(secret)) && !bytes.Contains(b, []byte("Cachette")) {
			t.Fatalf("%s has nothing to hide", name)
		}
		files = append(files, testapp.File{Field: "piece", Name: name, Bytes: b})
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}

	slices.SortFunc(files, func(a, b testapp.File) int { return strings.Compare(a.Name, b.Name) })

	// Each way in: a deposit, a ZIP that is unpacked, a new version, pieces of a word.
	in := folder(t, helene, "", "Photos")
	give(helene, in, "1", families(a, "CE1 B")).To()
	helene.Upload("/documents/"+in+"/ajouter", files).To()
	first := a.One(`SELECT id FROM document WHERE name = 'telephone.jpg'`)
	helene.Upload("/documents/"+first+"/version", []testapp.File{{Field: "piece", Name: "dessin.png", Bytes: photos["dessin.png"]}}).To()
	helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: "tout.zip", Bytes: pack.Bytes()}}).To()
	packed := a.One(`SELECT id FROM document WHERE name = 'tout.zip'`)
	helene.Post("/documents/" + packed + "/decompresser").To()
	helene.Post("/documents/corbeille", "id", packed).To() // what was sent as an archive is one
	word, _, _ := strings.Cut(helene.Upload("/carnet", files[:2], "titre", "La baie", "texte", "Regardez.", "a", "class:"+class(a, "CE1 B")).To(), "?")
	// And a retouch of which the original is kept.
	kept := a.One(`SELECT id FROM document WHERE name = 'iphone.jpg' AND parent = $1`, in)
	helene.Post("/documents/"+kept+"/retoucher", "geste", "turn 1", "garder", "1").To()
	a.Drain()

	// Every address of bytes: each form of each file, and the ZIP.
	var pages []string
	for id := range strings.SplitSeq(a.One(`SELECT string_agg(f.id, ' ') FROM file f WHERE f.owner = $1 AND f.type LIKE 'image/%'`, helene.ID), " ") {
		for _, form := range []string{"original", "web", "thumb"} {
			pages = append(pages, "/fichiers/"+id+"/"+form)
		}
	}
	pages = append(pages, "/documents/"+in+"/zip")
	// And whatever a page that shows them links to.
	links := regexp.MustCompile(`(?:href|src)="(/fichiers/[^"]+|/documents/[^"]+/zip)"`)
	for _, p := range []*testapp.Person{helene, nadia} {
		for _, at := range []string{word, "/documents/" + in, "/documents/" + first, "/documents/" + kept, "/documents/services"} {
			for _, m := range links.FindAllStringSubmatch(p.Get(at).Body, -1) {
				pages = append(pages, strings.ReplaceAll(m[1], "&amp;", "&"))
			}
		}
	}
	for _, p := range []struct {
		who  *testapp.Person
		name string
		min  int
	}{{helene, "the holder", 20}, {nadia, "a mother", 15}} {
		got := 0
		for _, at := range pages {
			if page := p.who.Get(at); page.Status == 200 {
				got++
				clean(t, p.name+" at "+at, []byte(page.Body))
			}
		}
		if got < p.min {
			t.Errorf("%s got %d of %d addresses", p.name, got, len(pages))
		}
	}
	clean(t, "the choice of a mother", []byte(nadia.Post("/documents/telecharger", "id", first, "id", kept).OK().Body))
	nadia.Get("/fichiers/" + a.One(`SELECT kept FROM file_original`) + "/web").NotFound()

	// And nothing is left of it where no address leads.
	for blob, err := range a.Core.Blobs.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		r, err := a.Core.Blobs.OpenRange(t.Context(), blob.Key, 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, []byte("PK")) {
			clean(t, "the store", b)
		}
	}
}

// seam is a photo with a face in its middle.
func seam(t testing.TB, tone uint8) []byte {
	t.Helper()
	m := image.NewGray(image.Rect(0, 0, 300, 300))
	for y := range 300 {
		for x := range 300 {
			m.Pix[y*m.Stride+x] = tone
			if x >= 140 && x < 160 && y >= 140 && y < 160 && (x/4+y/4)%2 == 0 {
				m.Pix[y*m.Stride+x] = 255
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// faced says whether a photo still shows its face.
func faced(t testing.TB, photo string) bool {
	t.Helper()
	m, err := jpeg.Decode(strings.NewReader(photo))
	if err != nil {
		t.Fatal(err)
	}
	low, high := 255, 0
	for y := 140; y < 160; y++ {
		for x := 140; x < 160; x++ {
			v := int(color.GrayModel.Convert(m.At(x, y)).(color.Gray).Y)
			low, high = min(low, v), max(high, v)
		}
	}
	return high-low > 120
}

// hiding is the gesture that hides it.
const hiding = "oval 0.3 0.3 0.4 0.4"

func kept(a *testapp.App, document string) string {
	return a.One(`SELECT file FROM document WHERE id = $1`, document)
}

// A hidden face is hidden for everybody and everywhere that its holder shows the
// photo: in the document, the ZIP, the word of the carnet. The versions from
// which it could be seen are gone; another turn takes none.
func TestAHiddenFaceIsHiddenEverywhere(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	word, _, _ := strings.Cut(helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "classe.jpg", Bytes: seam(t, 40)}}, "titre", "La classe", "texte", "Voici.", "a", "class:"+class(a, "CE1 B")).To(), "?")
	shown := a.One(`SELECT u.file FROM file_use u JOIN word w ON w.id = u.resource WHERE w.title = 'La classe'`)
	in := folder(t, helene, "", "Photos de classe")
	give(helene, in, "1", families(a, "CE1 B")).To()
	helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: "avant.jpg", Bytes: seam(t, 80)}}).To()
	helene.Post("/documents/"+in+"/ajouter", "fichier", shown).To()
	id := a.One(`SELECT id FROM document WHERE name = 'classe.jpg'`)
	at := "/documents/" + id
	// The version before is another photo of the same thing.
	before := kept(a, a.One(`SELECT id FROM document WHERE name = 'avant.jpg'`))
	helene.Upload(at+"/version", []testapp.File{{Field: "piece", Name: "autre.jpg", Bytes: seam(t, 120)}}).To()
	other := kept(a, id)
	helene.Post(at+"/version/remettre", "version", "1").To()
	if kept(a, id) != shown {
		t.Fatal("the first version is not in force")
	}

	helene.Get(at+"/retoucher").OK().Has("La classe", "efface aussi l’autre version")
	helene.Post(at+"/retoucher", "geste", "turn 2").To()
	nadia.Get("/fichiers/" + other + "/web").OK()
	helene.Post(at+"/retoucher", "geste", hiding, "description", "  La classe,\nde dos ").To()
	a.Drain()
	for name, who := range map[string]*testapp.Person{"her own": helene, "a mother's": nadia} {
		for _, form := range []string{"web", "thumb"} {
			if faced(t, who.Get("/fichiers/"+shown+"/"+form).OK().Body) {
				t.Errorf("%s %s shows the face", name, form)
			}
		}
		who.Get("/fichiers/" + other + "/web").NotFound()
		who.Get(at).OK().Has(`alt="La classe, de dos"`, "/fichiers/"+shown+"/web?v=").Lacks("Remettre cette version")
		who.Get(word).OK().Has(`alt="La classe, de dos"`, "/fichiers/"+shown+"/web?v=")
		files := testapp.Unzip(t, who.Get("/documents/"+in+"/zip").OK().Body)
		if len(files) != 3 {
			t.Fatalf("ZIP of %d", len(files))
		}
		for _, f := range files[1:] { // after their folder
			if got, want := faced(t, f.Body), strings.HasSuffix(f.Name, "avant.jpg"); got != want {
				t.Errorf("%s ZIP: %s shows a face: %t", name, f.Name, got)
			}
		}
	}
	if !faced(t, nadia.Get("/fichiers/"+before+"/web").OK().Body) {
		t.Error("another document has changed")
	}
}

// What was joined to a word is retouched by whoever joined it, from the list of
// such things; every document that shows it forgets its older pictures too.
func TestAPictureOfAWordIsRetouched(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, claire := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("claire.fontaine")
	word, _, _ := strings.Cut(helene.Upload("/carnet", []testapp.File{{Field: "piece", Name: "classe.jpg", Bytes: seam(t, 40)}}, "titre", "La classe", "texte", "Voici.", "a", "class:"+class(a, "CE1 B")).To(), "?")
	shown := a.One(`SELECT u.file FROM file_use u JOIN word w ON w.id = u.resource WHERE w.title = 'La classe'`)
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "avant.jpg", Bytes: seam(t, 80)}}).To()
	id := a.One(`SELECT id FROM document WHERE name = 'avant.jpg'`)
	older := kept(a, id)
	give(helene, id, "1", families(a, "CE1 B")).To()
	write(t, a, func(tx *db.Tx) error { // a version that is the same file
		for _, text := range []string{`UPDATE document SET file = $2, version = 2 WHERE id = $1`, `INSERT INTO document_version (node, n, file, author, at) VALUES ($1, 2, $2, '', 1)`, `INSERT INTO file_use (resource, file) VALUES ($1, $2)`} {
			if _, err := tx.Exec(t.Context(), text, id, shown); err != nil {
				return err
			}
		}
		return nil
	})

	at := "/documents/services/" + shown
	helene.Get("/documents/services").OK().Has(at+"/retoucher", "Retoucher ou décrire")
	helene.Get(at+"/retoucher").OK().Has("avant.jpg, La classe", "l’autre version")
	for _, p := range []*testapp.Person{nadia, claire} {
		p.Get(at + "/retoucher").NotFound()
		p.Post(at+"/retoucher", "geste", hiding).NotFound()
		p.Post(at+"/origine", "remettre", "1").NotFound()
	}
	helene.Post(at+"/retoucher", "geste", hiding, "garder", "1", "description", "De dos").To()
	if faced(t, nadia.Get("/fichiers/"+shown+"/web").OK().Body) {
		t.Error("the word shows the face")
	}
	nadia.Get(word).OK().Has(`alt="De dos"`)
	nadia.Get("/fichiers/" + older + "/web").NotFound()
	if n := a.One(`SELECT count(*) FROM audit WHERE action = 'file.retouch' AND target = $1 AND detail = 'oval'`, shown); n != "1" {
		t.Errorf("%s acts noted", n)
	}
	helene.Post(at+"/origine", "remettre", "1").To()
	if !faced(t, nadia.Get("/fichiers/"+shown+"/web").OK().Body) {
		t.Error("not put back")
	}
}

func write(t *testing.T, a *testapp.App, f func(tx *db.Tx) error) {
	t.Helper()
	if err := a.Core.DB.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

// Whoever holds a photo retouches it, and whoever manages the document; the
// second gets a photo of their own, and what the first shows elsewhere stays.
// Others may replace it, if at all.
func TestWhoMayRetouch(t *testing.T) {
	a := testapp.New(t)
	helene, nadia, julien, antoine := a.As("helene.duvivier"), a.As("nadia.kermadec"), a.As("julien.lecoq"), a.As("antoine.mercier")
	in := folder(t, helene, "", "Commun")
	give(helene, in, "3", "person:"+julien.ID).To()
	give(helene, in, "1", "person:"+nadia.ID).To()
	hers := func(p *testapp.Person, name string, tone uint8) string {
		p.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: seam(t, tone)}}).To()
		return a.One(`SELECT id FROM document WHERE name = $1`, name)
	}
	one, two := hers(helene, "helene.jpg", 40), hers(julien, "julien.jpg", 80)
	for _, way := range []string{"/retoucher", "/origine"} {
		julien.Post("/documents/"+one+way, "geste", hiding, "remettre", "1").Denied()
		nadia.Post("/documents/"+one+way, "geste", hiding, "remettre", "1").Denied()
		antoine.Post("/documents/"+one+way, "geste", hiding, "remettre", "1").NotFound()
	}
	julien.Get("/documents/" + one + "/retoucher").Denied()
	julien.Get("/documents/" + one).OK().Lacks("Retoucher")
	julien.Post("/documents/"+two+"/retoucher", "geste", "turn 1").To()

	// Julien shows the same file in a document of his own.
	theirs := kept(a, two)
	julien.Post("/documents/ajouter", "fichier", theirs).To()
	helene.Get("/documents/" + two + "/retoucher").OK().Has("Une autre personne l’a déposée").Lacks("Garder aussi")
	helene.Post("/documents/"+two+"/retoucher", "geste", hiding).To()
	a.Drain()
	mine := kept(a, two)
	if mine == theirs || a.One(`SELECT owner FROM file WHERE id = $1`, mine) != helene.ID {
		t.Fatalf("%s is not hers", mine)
	}
	if faced(t, nadia.Get("/fichiers/"+mine+"/web").OK().Body) {
		t.Error("the face is shown")
	}
	nadia.Get("/fichiers/" + theirs + "/web").NotFound()
	helene.Get("/fichiers/" + theirs + "/web").NotFound()
	if !faced(t, julien.Get("/fichiers/"+theirs+"/web").OK().Body) {
		t.Error("what he shows himself has changed")
	}
	// When he shows it nowhere else, nothing of it is left.
	three := hers(julien, "encore.jpg", 120)
	gone := kept(a, three)
	helene.Post("/documents/"+three+"/retoucher", "geste", hiding).To()
	julien.Get("/fichiers/" + gone + "/web").NotFound()
	for _, p := range []*testapp.Person{helene, julien} {
		if used, held := a.One(`SELECT used FROM file_usage WHERE person = $1`, p.ID), a.One(`SELECT coalesce(sum(size), 0) FROM (SELECT DISTINCT blob, size FROM file WHERE owner = $1) x`, p.ID); used != held {
			t.Errorf("%s is charged %s for %s", p.Login, used, held)
		}
	}
	// What is no photo is not retouched.
	helene.Upload("/documents/"+in+"/ajouter", []testapp.File{{Field: "piece", Name: "a.txt", Bytes: []byte("a")}}).To()
	for _, id := range []string{in, a.One(`SELECT id FROM document WHERE name = 'a.txt'`)} {
		helene.Get("/documents/" + id + "/retoucher").NotFound()
		helene.Post("/documents/"+id+"/retoucher", "geste", hiding).NotFound()
	}
}

// The photo as it was, when it is kept, is its holder's: put back, or forgotten.
func TestTheOriginalIsKeptWhenAsked(t *testing.T) {
	a := testapp.New(t)
	helene, nadia := a.As("helene.duvivier"), a.As("nadia.kermadec")
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "classe.jpg", Bytes: seam(t, 40)}}).To()
	id := a.One(`SELECT id FROM document WHERE name = 'classe.jpg'`)
	at, shown := "/documents/"+id, kept(a, id)
	give(helene, id, "1", families(a, "CE1 B")).To()
	original := func() string {
		return a.One(`SELECT coalesce(max(kept), '') FROM file_original WHERE file = $1`, shown)
	}

	helene.Post(at+"/retoucher", "geste", hiding, "garder", "1").To()
	one := original()
	helene.Get(at+"/retoucher").OK().Has("/fichiers/"+one+"/web", "Remettre la photo d’origine")
	if !faced(t, helene.Get("/fichiers/"+one+"/web").OK().Body) {
		t.Error("kept another")
	}
	nadia.Get("/fichiers/" + one + "/web").NotFound()
	nadia.Get(at).OK().Lacks(one)
	helene.Post(at+"/origine", "remettre", "1").To()
	if !faced(t, nadia.Get("/fichiers/"+shown+"/web").OK().Body) || original() != "" {
		t.Error("not put back")
	}
	helene.Post(at+"/retoucher", "geste", hiding, "garder", "1").To()
	two := original()
	helene.Post(at + "/origine").To()
	helene.Get("/fichiers/" + two + "/web").NotFound()
	helene.Post(at+"/origine", "remettre", "1").NotFound()

	// Kept once, a further retouch without the box leaves nothing of it.
	helene.Post(at+"/retoucher", "geste", "turn 1", "garder", "1").To()
	three := original()
	helene.Post(at+"/retoucher", "geste", "turn 1").To()
	helene.Get("/fichiers/" + three + "/web").NotFound()
	// And it goes with the document.
	helene.Post(at+"/retoucher", "geste", "turn 1", "garder", "1").To()
	helene.Post("/documents/corbeille", "id", id).To()
	helene.Post("/documents/corbeille/vider", "id", id).To()
	if n := a.One(`SELECT count(*) FROM file WHERE owner = $1 AND name = 'classe.jpg'`, helene.ID); n != "0" {
		t.Errorf("%s files are left", n)
	}
}

// What is refused is said, and the gestures are still there.
func TestARefusedRetouchLosesNothing(t *testing.T) {
	a := testapp.New(t)
	helene := a.As("helene.duvivier")
	helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: "classe.jpg", Bytes: seam(t, 40)}}).To()
	id := a.One(`SELECT id FROM document WHERE name = 'classe.jpg'`)
	at := "/documents/" + id + "/retoucher"
	helene.Post(at, "geste", hiding, "description", strings.Repeat("a", 301)).Faulty().Has("trop longue", `name="geste" value="`+hiding+`"`, strings.Repeat("a", 301))
	for _, strange := range []string{"", "draw", "oval 0 0 2 1", "crop 0 0 0 0"} {
		helene.Post(at, "geste", strange, "description", "Un mot").Faulty().Has("Un mot")
	}
	full := make([]string, 0, 122)
	for range 61 {
		full = append(full, "geste", "turn 1")
	}
	helene.Post(at, full...).Faulty().Has("60 au plus")
	write(t, a, func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), `UPDATE quota SET bytes = 1`)
		return err
	})
	helene.Post(at, "geste", "turn 1", "garder", "1").Faulty().Has("assez de place")
	helene.Post(at, "geste", "crop 0 0 0.5 0.5").To() // what becomes smaller is not refused
	if w := a.One(`SELECT width FROM file_variant WHERE name = 'web' AND file = $1`, kept(a, id)); w != "150" {
		t.Errorf("width %s", w)
	}
	// Words alone draw nothing anew.
	blob := a.One(`SELECT blob FROM file WHERE id = $1`, kept(a, id))
	if to := helene.Post(at, "description", "Un coin").To(); !strings.HasSuffix(to, "fait=decrit") {
		t.Error(to)
	}
	if a.One(`SELECT blob FROM file WHERE id = $1`, kept(a, id)) != blob {
		t.Error("drawn again for nothing")
	}
	helene.Get("/documents/" + id).OK().Has(`alt="Un coin"`).Lacks("Décrire cette photo")
}
