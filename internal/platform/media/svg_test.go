package media

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

func redrawn(t testing.TB, src string) (string, error) {
	t.Helper()
	var b bytes.Buffer
	err := NewMaker(1, "").Drawing(context.Background(), strings.NewReader(src), &b)
	return b.String(), err
}

// carriedIn decodes all that a drawing carries, however deep.
func carriedIn(t *testing.T, s string) (out [][]byte) {
	t.Helper()
	for _, m := range regexp.MustCompile(`data:[^,"]*,([A-Za-z0-9+/=]*)`).FindAllStringSubmatch(s, -1) {
		b, err := base64.StdEncoding.DecodeString(m[1])
		if err != nil {
			t.Fatalf("%v: %.80s", err, m[0])
		}
		out = append(out, b)
		if bytes.Contains(b, []byte("<svg")) {
			out = append(out, carriedIn(t, string(b))...)
		}
	}
	return out
}

// Wherever a photo is in a drawing, nothing but its points comes out, upright.
func TestPhotosInADrawing(t *testing.T) {
	jpg := tagged(t, 80, 40, binary.LittleEndian, 6)
	in64 := base64.StdEncoding.EncodeToString(jpg)
	broken := strings.NewReplacer("/", "%2F", "+", "%2B").Replace(in64[:76]) + "\n  " + in64[76:]
	for name, c := range map[string]string{
		"linked":           `<image width="8" height="4" href="data:image/jpeg;base64,` + in64 + `"/>`,
		"as Inkscape does": `<image xlink:href="` + "\n" + `data:image/jpeg;base64,` + broken + `"/>`,
		"another prefix":   `<image xmlns:l="http://www.w3.org/1999/xlink" l:href="data:image/jpeg;base64,` + in64 + `"/>`,
		"a style":          `<rect style="fill:red;background:url('data:image/jpeg;base64,` + in64 + `')"/>`,
		"a style sheet":    `<style><![CDATA[ rect > a { background: url(data:image/jpeg;base64,` + in64 + `) } ]]></style>`,
		"said to be else":  `<image href="DATA:text/plain;charset=utf-8;base64,` + in64 + `"/>`,
		"percents":         `<image href="data:image/jpeg,` + strings.ReplaceAll(url.QueryEscape(string(jpg)), "+", "%20") + `"/>`,
		"base64 unsaid":    `<rect content="image=data:image/jpeg,` + in64 + `;x=1"/>`,
		"a page within":    `<foreignObject><div xmlns="http://www.w3.org/1999/xhtml"><img src="data:image/jpeg;base64,` + in64 + `"/></div></foreignObject>`,
		"drawing within":   `<image href="data:image/svg+xml;base64,` + base64.StdEncoding.EncodeToString([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><metadata>PhoneGPS1</metadata><image href="data:image/jpeg;base64,`+in64+`"/></svg>`)) + `"/>`,
	} {
		src := `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + c + `<text>fin</text></svg>`
		out, err := redrawn(t, src)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		seen := false
		for _, b := range append(carriedIn(t, out), []byte(out)) {
			if i := bytes.Index(b, []byte("PhoneGPS1")); i >= 0 || bytes.Contains(b, []byte("SECRET")) {
				t.Errorf("%s: the place comes out", name)
			}
			if m, kind, err := image.Decode(bytes.NewReader(b)); err == nil {
				seen = true
				if kind != "jpeg" || m.Bounds().Dx() != 40 || m.Bounds().Dy() != 80 {
					t.Errorf("%s: a %s of %v", name, kind, m.Bounds())
				}
			}
		}
		if !seen || !strings.Contains(out, "<text>fin</text></svg>") {
			t.Errorf("%s: the photo is lost: %.300s", name, out)
		}
		again, err := redrawn(t, out)
		if err != nil {
			t.Errorf("%s: what came out is not read again: %v", name, err)
		}
		if strings.Count(again, "data:") != strings.Count(out, "data:") {
			t.Errorf("%s: %.300s", name, again)
		}
	}
}

// What programs note in a drawing goes, what is drawn stays.
func TestADrawingIsWrittenAnew(t *testing.T) {
	out, err := redrawn(t, `<?xml version="1.0" encoding="ISO-8859-1" standalone="no"?>
<!-- made by SECRET -->
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" [ <!ENTITY ns_svg "http://www.w3.org/2000/svg"> <!ENTITY ns_ai "http://ns.adobe.com/AI/"> ]>
<?xpacket SECRET?>
<s:svg xmlns:s="&ns_svg;" xmlns:i="&ns_ai;" xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
	inkscape:export-filename="/home/SECRET/a.png" viewBox="0 0 10 10" onload="SECRET()">
 <s:title>Le pr`+"\xe9"+` &amp; l'&lt;ete&gt;</s:title>
 <s:metadata><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">SECRET</rdf:RDF></s:metadata>
 <sodipodi:namedview><s:rect id="SECRET"/></sodipodi:namedview>
 <i:pgf><![CDATA[SECRET]]></i:pgf><s:script>SECRET</s:script>
 <s:image sodipodi:absref="/home/SECRET/p.jpg" href="file:///home/SECRET/p.jpg" width="1"/>
 <s:path d="M 0,0 &#10; L 1,1" xml:space="preserve" fill='url(#a)' data-nom="a&quot;b"/>
</s:svg><!-- SECRET -->`)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out, "SECRET") {
		t.Errorf("something comes out: %s", out)
	}
	for _, want := range []string{`xmlns="http://www.w3.org/2000/svg"`, `viewBox="0 0 10 10"`, `<title>Le pré &amp; l'&lt;ete&gt;</title>`, `<image width="1">`, `<path d="M 0,0 &#10; L 1,1" xml:space="preserve" fill="url(#a)" data-nom="a&quot;b"></path>`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %s in %s", want, out)
		}
	}
	if again, err := redrawn(t, out); err != nil || again != out {
		t.Errorf("written once more it changes: %v\n%s", err, again)
	}
}

// A font, a style and a picture with lines stay what they are; what nobody draws
// goes.
func TestWhatADrawingCarries(t *testing.T) {
	var lines bytes.Buffer
	png.Encode(&lines, quarters(30, 20))
	font := "d09GMgABAAAA" + strings.Repeat("A", 400)
	out, err := redrawn(t, `<svg xmlns="http://www.w3.org/2000/svg"><style>@font-face { src: url("data:font/woff2;base64,`+font+`") }</style>
<style>@import "data:text/css,rect%20%7B%7D";</style><image href="data:image/png;base64,`+base64.StdEncoding.EncodeToString(lines.Bytes())+`"/>
<a href="data:application/zip;base64,UEsDBAAAAAA="/><a href="data:image/jpeg;base64,/9j/4AAQ"/><text>metadata: rien, les data: rien</text></svg>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{font, "data:text/css,rect", "data:image/png;base64,", `<a href="data:,"></a><a href="data:,"></a>`, "metadata: rien, les data: rien"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %.60s in %s", want, out)
		}
	}
}

func TestRefusedDrawings(t *testing.T) {
	head := `<svg xmlns="http://www.w3.org/2000/svg">`
	small := func(n int) string {
		var b bytes.Buffer
		png.Encode(&b, image.NewPaletted(image.Rect(0, 0, n, n), color.Palette{color.Black}))
		return `<image href="data:image/png;base64,` + base64.StdEncoding.EncodeToString(b.Bytes()) + `"/>`
	}
	nested := head + "</svg>"
	for range nestedMax + 1 {
		nested = head + `<image href="data:image/svg+xml;base64,` + base64.StdEncoding.EncodeToString([]byte(nested)) + `"/></svg>`
	}
	for name, c := range map[string]struct{ src, key string }{
		"cut":             {head + "<g>", "media.broken"},
		"not XML":         {head + "<g></svg>", "media.broken"},
		"another root":    {`<x:svg xmlns:x="urn:x"/>`, "media.broken"},
		"unknown entity":  {head + "&nbsp;</svg>", "media.broken"},
		"growing entity":  {`<!DOCTYPE svg [<!ENTITY a "` + strings.Repeat("a", 20_000) + `">]>` + head + strings.Repeat("&a;", 2000) + "</svg>", "media.broken"},
		"entity of other": {`<!DOCTYPE svg [<!ENTITY a "aa"><!ENTITY b "&a;&a;">]>` + head + "&b;</svg>", "media.broken"},
		"deep":            {nested, "media.broken"},
		"heavy":           {head + strings.Repeat(" ", MaxBytes) + "</svg>", "media.too_heavy"},
		"many photos":     {head + strings.Repeat(small(1), carriedMax+1) + "</svg>", "media.drawing_full"},
		"a larger one":    {head + small(6000) + "</svg>", "media.too_many_pixels"},
		"a HEIC":          {head + `<image href="data:image/heic;base64,` + base64.StdEncoding.EncodeToString([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic")) + `"/></svg>`, "media.heic"},
		"a Photoshop":     {head + `<image href="data:image/png;base64,` + base64.StdEncoding.EncodeToString([]byte("8BPS\x00\x01\x00\x00\x00\x00")) + `"/></svg>`, "media.layers"},
	} {
		_, err := redrawn(t, c.src)
		if e := errs.As(err); e == nil || e.Message.Key != c.key {
			t.Errorf("%s: %v, want %s", name, err, c.key)
		}
	}
	large := &drawing{ctx: t.Context(), m: NewMaker(1, ""), pictures: 3, points: 200}
	if _, err := large.clean([]byte(head+small(10)+small(10)+small(1)+"</svg>"), 0); errs.As(err) == nil || errs.As(err).Message.Key != "media.drawing_full" {
		t.Errorf("too many points: %v", err)
	}
	cat, err := i18n.New(Messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"layers", "drawing_full"} {
		if !cat.Has("media." + k) {
			t.Errorf("no sentence for %s", k)
		}
	}
}

// No kind of picture passes as it came: it is drawn anew, or refused.
func TestNoPictureIsKeptAsItCame(t *testing.T) {
	m := NewMaker(1, "")
	for name, c := range map[string]struct{ src, key string }{
		"PSD":             {"8BPS\x00\x01\x00\x00\x00\x00\x00\x00\x00\x03", "media.layers"},
		"GIMP":            {"gimp xcf v011\x00", "media.layers"},
		"icon":            {"\x00\x00\x01\x00\x01\x00\x10\x10", "media.layers"},
		"Olympus":         {"IIRO\x08\x00\x00\x00", "media.layers"},
		"Panasonic":       {"IIU\x00\x18\x00\x00\x00", "media.layers"},
		"Fujifilm":        {"FUJIFILMCCD-RAW 0201", "media.layers"},
		"Minolta":         {"\x00MRM\x00\x00\x00\x00", "media.layers"},
		"Sigma":           {"FOVb\x00\x00\x00\x00", "media.layers"},
		"Canon CR3":       {"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "media.layers"},
		"Canon CRW":       {"II\x1a\x00\x00\x00HEAPCCDR\x02\x00", "media.layers"},
		"Canon CR2":       {"II*\x00\x10\x00\x00\x00CR\x02\x00", "media.heic"},
		"TIFF":            {"MM\x00*\x00\x00\x00\x08", "media.heic"},
		"JPEG XL":         {"\xff\x0a\x00\x00", "media.heic"},
		"JPEG 2000":       {"\x00\x00\x00\x0cjP  \x0d\x0a\x87\x0a\x00\x00\x00\x14ftypjp2 ", "media.heic"},
		"HEIC sequence":   {"\x00\x00\x00\x18ftyphevc\x00\x00\x00\x00msf1hevc", "media.heic"},
		"HEIF sequence":   {"\x00\x00\x00\x18ftypmsf1\x00\x00\x00\x00msf1hevc", "media.heic"},
		"AVIF sequence":   {"\x00\x00\x00\x1cftypavis\x00\x00\x00\x00avisavif", "media.heic"},
		"Radiance":        {"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n", "media.layers"},
		"portable map":    {"P6\n# SECRET\n1 1\n255\nabc", "media.layers"},
		"Better Pictures": {"BPG\xfb\x00\x00", "media.layers"},
	} {
		kind, err := Sniff(strings.NewReader(c.src))
		if err != nil || !kind.Opaque() || m.Reads(kind) || kind.Unread() != c.key {
			t.Errorf("%s: %+v, %v, %s, %v", name, kind, kind.Opaque(), kind.Unread(), err)
		}
	}
	for _, plan := range []string{"AC1032\x00\x00", "AT&TFORM\x00\x00\x00\x00DJVM"} {
		if kind, err := Sniff(strings.NewReader(plan)); err != nil || kind.Opaque() || !strings.HasPrefix(kind.MIME, "image/") {
			t.Errorf("%q: %+v, %v", plan, kind, err)
		}
	}

	// An animated PNG and a BMP, with something behind.
	var still, old bytes.Buffer
	png.Encode(&still, quarters(40, 40))
	bmp.Encode(&old, quarters(40, 40))
	chunk := func(kind string, body []byte) []byte {
		b := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
		b = append(append(b, kind...), body...)
		return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
	}
	ihdr := 8 + 25
	apng := append([]byte(nil), still.Bytes()[:ihdr]...)
	apng = append(apng, chunk("acTL", []byte{0, 0, 0, 1, 0, 0, 0, 0})...)
	apng = append(apng, chunk("eXIf", exif(binary.BigEndian, 1)[6:])...)
	apng = append(apng, still.Bytes()[ihdr:]...)
	for name, src := range map[string][]byte{"image/apng": apng, "image/bmp": append(old.Bytes(), "PhoneGPS1"...)} {
		kind, err := Sniff(bytes.NewReader(src))
		if err != nil || kind.MIME != name || !m.Reads(kind) || !bytes.Contains(src, []byte("PhoneGPS1")) {
			t.Errorf("%s: %+v, %v", name, kind, err)
		}
		out, _, err := picture(t, src, Options{})
		if err != nil || bytes.Contains(out, []byte("PhoneGPS1")) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		img, _, err := image.Decode(bytes.NewReader(out))
		if err != nil || corners(t, img) != "RGBW" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDrawing(f *testing.F) {
	f.Add(`<svg xmlns="http://www.w3.org/2000/svg"><style>a{b:url(data:image/png;base64,AA)}</style></svg>`)
	f.Add(`<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns:x="http://www.w3.org/1999/xlink" x:href="data:,&a;"/>`)
	m := NewMaker(1, "")
	f.Fuzz(func(t *testing.T, src string) {
		var b bytes.Buffer
		if err := m.Drawing(context.Background(), strings.NewReader(src), &b); err != nil {
			if e := errs.As(err); e == nil || e.Message.Key == "" {
				t.Fatalf("no sentence: %v", err)
			}
			return
		}
		x := xml.NewDecoder(&b)
		for {
			if _, err := x.Token(); err == io.EOF {
				return
			} else if err != nil {
				t.Fatalf("what came out is not XML: %v\n%q", err, src)
			}
		}
	})
}
