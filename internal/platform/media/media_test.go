package media

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/color/palette"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// quarters is a picture of four plain quarters: red, green / blue, white.
func quarters(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.NRGBA{255, 255, 255, 255}
			switch {
			case y < h/2 && x < w/2:
				c = color.NRGBA{255, 0, 0, 255}
			case y < h/2:
				c = color.NRGBA{0, 255, 0, 255}
			case x < w/2:
				c = color.NRGBA{0, 0, 255, 255}
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// corners names the colours of the four corners: top left, top right, bottom
// left, bottom right.
func corners(t *testing.T, m image.Image) string {
	t.Helper()
	b := m.Bounds()
	name := func(x, y int) string {
		r, g, bl, _ := m.At(x, y).RGBA()
		switch {
		case r > 0xC000 && g > 0xC000 && bl > 0xC000:
			return "W"
		case r > 0xC000:
			return "R"
		case g > 0xC000:
			return "G"
		case bl > 0xC000:
			return "B"
		}
		return "?"
	}
	i := 3
	return name(b.Min.X+i, b.Min.Y+i) + name(b.Max.X-1-i, b.Min.Y+i) + name(b.Min.X+i, b.Max.Y-1-i) + name(b.Max.X-1-i, b.Max.Y-1-i)
}

// exif is an APP1 body with an orientation and a place (GPS directory), as a
// phone writes it.
func exif(order binary.ByteOrder, orientation uint16) []byte {
	var b bytes.Buffer
	put := func(v any) { binary.Write(&b, order, v) }
	if order == binary.LittleEndian {
		b.WriteString("II*\x00")
	} else {
		b.WriteString("MM\x00*")
	}
	put(uint32(8))
	put(uint16(3))
	put([]uint16{0x010F, 2})
	put([]uint32{9, 50}) // the maker: "PhoneGPS1"
	put([]uint16{0x0112, 3})
	put(uint32(1))
	put([]uint16{orientation, 0})
	put([]uint16{0x8825, 4})
	put([]uint32{1, 60}) // the GPS directory
	put(uint32(0))
	b.WriteString("PhoneGPS1\x00")
	put(uint16(1))
	put([]uint16{0x0001, 2})
	put(uint32(2))
	b.WriteString("N\x00\x00\x00")
	put(uint32(0))
	return append([]byte("Exif\x00\x00"), b.Bytes()...)
}

// tagged is a JPEG with EXIF, XMP, a comment, a colour profile and a ZIP behind.
func tagged(t testing.TB, w, h int, order binary.ByteOrder, orientation uint16) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, quarters(w, h), &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	out := []byte{0xFF, 0xD8}
	segment := func(marker byte, body []byte) {
		out = append(out, 0xFF, marker)
		out = binary.BigEndian.AppendUint16(out, uint16(len(body)+2))
		out = append(out, body...)
	}
	segment(0xE1, exif(order, orientation))
	segment(0xE1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>SECRET</x:xmpmeta>"))
	segment(0xE2, []byte("ICC_PROFILE\x00\x01\x01SECRET"))
	segment(0xFE, []byte("SECRET comment"))
	return append(append(out, b.Bytes()[2:]...), []byte("PK\x03\x04SECRET<script>")...)
}

func picture(t testing.TB, src []byte, o Options) ([]byte, Info, error) {
	t.Helper()
	var b bytes.Buffer
	info, err := NewMaker(1, "").Picture(context.Background(), bytes.NewReader(src), &b, o)
	return b.Bytes(), info, err
}

// counted is a source that knows how many are read at once, and how many were.
type counted struct {
	io.Reader
	now, most *atomic.Int32
	begun     bool
}

func (c *counted) Read(b []byte) (int, error) {
	if !c.begun {
		c.begun = true
		n := c.now.Add(1)
		for m := c.most.Load(); n > m && !c.most.CompareAndSwap(m, n); m = c.most.Load() {
		}
	}
	n, err := c.Reader.Read(b)
	if err == io.EOF {
		time.Sleep(5 * time.Millisecond) // for others to come in, if they may
		c.now.Add(-1)
	}
	return n, err
}

// Pictures made at once are each what they are alone, and no more are read than
// the maker was given.
func TestConcurrentPictures(t *testing.T) {
	var now, most atomic.Int32
	m := NewMaker(2, "")
	var g sync.WaitGroup
	for n := range 8 {
		src := tagged(t, 60+n, 40, binary.BigEndian, uint16(1+n))
		want, _, err := picture(t, src, Options{})
		if err != nil {
			t.Fatal(err)
		}
		g.Go(func() {
			var got, thumb bytes.Buffer
			if _, err := m.Picture(t.Context(), &counted{Reader: bytes.NewReader(src), now: &now, most: &most}, &got, Options{Thumb: &thumb, ThumbSide: 20}); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(got.Bytes(), want) || thumb.Len() == 0 {
				t.Errorf("picture %d is another than alone (%d bytes, %d)", n, got.Len(), len(want))
			}
		})
	}
	g.Wait()
	if n := most.Load(); n != 2 {
		t.Errorf("%d were read at once, of 2", n)
	}
}

func TestOrientations(t *testing.T) {
	// What a viewer must show for each value (EXIF 2.3, figure of tag 0x0112).
	want := []string{"", "RGBW", "GRWB", "WBGR", "BWRG", "RBGW", "BRWG", "WGBR", "GWRB"}
	for o := 1; o <= 8; o++ {
		for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
			out, info, err := picture(t, tagged(t, 80, 40, order, uint16(o)), Options{})
			if err != nil {
				t.Fatal(err)
			}
			m, err := jpeg.Decode(bytes.NewReader(out))
			if err != nil {
				t.Fatal(err)
			}
			w, h := 80, 40
			if o >= 5 {
				w, h = h, w
			}
			if got := corners(t, m); got != want[o] || m.Bounds().Dx() != w || m.Bounds().Dy() != h || info.Width != w || info.Height != h {
				t.Errorf("orientation %d: %s %v %+v, want %s %dx%d", o, got, m.Bounds(), info, want[o], w, h)
			}
		}
	}
	for _, o := range []uint16{0, 9, 65535} {
		if s := inspect(tagged(t, 8, 8, binary.BigEndian, o)); s.orientation != 1 {
			t.Errorf("nonsense %d gives %d", o, s.orientation)
		}
	}
}

func TestNothingButPointsSurvives(t *testing.T) {
	src := tagged(t, 600, 400, binary.LittleEndian, 6)
	if !bytes.Contains(src, []byte("PhoneGPS1")) || !bytes.Contains(src, []byte("SECRET")) {
		t.Fatal("the test picture holds nothing to lose")
	}
	var thumb bytes.Buffer
	out, info, err := picture(t, src, Options{Thumb: &thumb, ThumbSide: 100})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"picture": out, "thumbnail": thumb.Bytes()} {
		for _, trace := range []string{"Exif", "PhoneGPS1", "SECRET", "ICC_PROFILE", "xmpmeta", "PK\x03\x04", "<script"} {
			if bytes.Contains(b, []byte(trace)) {
				t.Errorf("%q survives in the %s", trace, name)
			}
		}
		for i := 2; i+4 < len(b) && b[i] == 0xFF && b[i+1] != 0xDA; i += 2 + int(binary.BigEndian.Uint16(b[i+2:])) {
			if m := b[i+1]; m >= 0xE1 && m <= 0xEF || m == 0xFE {
				t.Errorf("segment %X in the %s", m, name)
			}
		}
	}
	if info.ThumbWidth != 67 || info.ThumbHeight != 100 || info.Type.MIME != "image/jpeg" {
		t.Errorf("%+v", info)
	}
}

func TestSizes(t *testing.T) {
	for _, c := range []struct{ w, h, side, ww, wh int }{
		{4000, 3000, 0, 1600, 1200}, {3000, 4001, 0, 1200, 1600}, {1601, 10, 0, 1600, 10}, {100, 50, 0, 100, 50}, {5000, 1, 0, 1600, 1}, {1, 1, 0, 1, 1}, {999, 777, 100, 100, 78},
	} {
		var b bytes.Buffer
		if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, c.w, c.h)), nil); err != nil {
			t.Fatal(err)
		}
		_, info, err := picture(t, b.Bytes(), Options{Side: c.side})
		if err != nil || info.Width != c.ww || info.Height != c.wh {
			t.Errorf("%dx%d within %d: %+v, %v", c.w, c.h, c.side, info, err)
		}
	}
	var b bytes.Buffer
	png.Encode(&b, quarters(3000, 2000))
	out, _, err := picture(t, b.Bytes(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, err := jpeg.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if got := corners(t, m); got != "RGBW" {
		t.Errorf("shrinking moves colours: %s", got)
	}
}

func TestFormats(t *testing.T) {
	var opaque, clear, anim bytes.Buffer
	png.Encode(&opaque, quarters(40, 40))
	m := quarters(40, 40)
	m.SetNRGBA(5, 5, color.NRGBA{0, 0, 0, 0})
	png.Encode(&clear, m)
	p := image.NewPaletted(image.Rect(0, 0, 30, 20), palette.Plan9)
	gif.EncodeAll(&anim, &gif.GIF{Image: []*image.Paletted{p, p}, Delay: []int{1, 1}})
	webp, err := os.ReadFile("testdata/small.webp")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		src  []byte
		mime string
	}{"opaque PNG": {opaque.Bytes(), "image/jpeg"}, "transparent PNG": {clear.Bytes(), "image/png"}, "GIF": {anim.Bytes(), "image/jpeg"}, "WebP": {webp, "image/jpeg"}} {
		out, info, err := picture(t, c.src, Options{})
		if err != nil || info.Type.MIME != c.mime {
			t.Errorf("%s: %+v, %v", name, info, err)
			continue
		}
		if got, _ := Sniff(bytes.NewReader(out)); got != info.Type {
			t.Errorf("%s came out as %+v, announced %+v", name, got, info.Type)
		}
	}
	for name, c := range map[string]struct{ src, key string }{
		"HEIC":      {"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "media.heic"},
		"AVIF":      {"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf", "media.heic"},
		"SVG":       {`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, "media.unsupported"},
		"text":      {"bonjour", "media.unsupported"},
		"nothing":   {"", "media.unsupported"},
		"cut JPEG":  {string(tagged(t, 80, 40, binary.LittleEndian, 1)[:600]), "media.broken"},
		"cut PNG":   {opaque.String()[:60], "media.broken"},
		"empty PNG": {"\x89PNG\r\n\x1a\n", "media.broken"},
	} {
		_, _, err := picture(t, []byte(c.src), Options{})
		if e := errs.As(err); e == nil || e.Kind != errs.Invalid || e.Message.Key != c.key {
			t.Errorf("%s: %v, want %s", name, err, c.key)
		}
	}
	cat, err := i18n.New(Messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"heic", "unsupported", "too_many_pixels", "too_heavy", "broken", "not_pdf", "pdf_too_heavy"} {
		if !cat.Has("media." + k) {
			t.Errorf("no sentence for %s", k)
		}
	}
}

// bomb is a PNG of w × h grey points in a few kilobytes.
func bomb(w, h uint32, depth byte) []byte {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, body []byte) {
		binary.Write(&b, binary.BigEndian, uint32(len(body)))
		b.WriteString(kind)
		b.Write(body)
		binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE(append([]byte(kind), body...)))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
	chunk("IHDR", append(head, depth, 6, 0, 0, 0))
	var z bytes.Buffer
	zw := zlib.NewWriter(&z)
	zw.Write(make([]byte, 1<<20))
	zw.Close()
	chunk("IDAT", z.Bytes())
	chunk("IEND", nil)
	return b.Bytes()
}

func TestBombs(t *testing.T) {
	gifBomb := []byte("GIF89a\x30\x75\x30\x75\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x30\x75\x30\x75\x00\x02\x02\x44\x01\x00;")
	jpegBomb := tagged(t, 16, 16, binary.LittleEndian, 1)
	at := bytes.Index(jpegBomb, []byte{0xFF, 0xC0})
	binary.BigEndian.PutUint16(jpegBomb[at+5:], 30000)
	binary.BigEndian.PutUint16(jpegBomb[at+7:], 30000)
	webp := []byte("RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x2f\x75\x00\x2f\x75\x00VP8 \x00\x00\x00\x00")
	progressive := tagged(t, 16, 16, binary.LittleEndian, 1)
	at = bytes.Index(progressive, []byte{0xFF, 0xC0})
	progressive[at+1] = 0xC2
	binary.BigEndian.PutUint16(progressive[at+5:], 5000)
	binary.BigEndian.PutUint16(progressive[at+7:], 4000)
	for name, src := range map[string][]byte{
		"PNG": bomb(30000, 30000, 8), "PNG of 16 bits": bomb(5000, 4000, 16), "GIF": gifBomb, "JPEG": jpegBomb, "WebP": webp, "progressive JPEG": progressive,
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _, err := picture(t, src, Options{})
		runtime.ReadMemStats(&after)
		if errs.KindOf(err) != errs.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: %d MB taken before the refusal", name, used>>20)
		}
	}
	_, _, err := picture(t, append([]byte("\xFF\xD8\xFF\xE0"), make([]byte, MaxBytes)...), Options{})
	if errs.KindOf(err) != errs.TooLarge {
		t.Errorf("too heavy: %v", err)
	}
}

func TestOneAtATime(t *testing.T) {
	m := NewMaker(1, "")
	m.slots <- struct{}{}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	src := tagged(t, 80, 40, binary.LittleEndian, 1)
	if _, err := m.Picture(ctx, bytes.NewReader(src), &bytes.Buffer{}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("waited for ever or went in: %v", err)
	}
	<-m.slots
	if _, err := m.Picture(ctx, bytes.NewReader(src), &bytes.Buffer{}, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("decoded for somebody who left: %v", err)
	}
	if len(m.slots) != 0 {
		t.Error("a slot is lost")
	}
}

func TestPDF(t *testing.T) {
	for src, ok := range map[string]bool{
		"%PDF-1.7\n": true, "\xef\xbb\xbf\n%PDF-1.4": true, "bonjour": false, "": false, strings.Repeat(" ", 1024) + "%PDF-1.7": false,
	} {
		if err := PDF(strings.NewReader(src), int64(len(src)), 0); (err == nil) != ok {
			t.Errorf("%.20q: %v", src, err)
		}
	}
	if err := PDF(strings.NewReader("%PDF-1.7"), 100, 50); errs.KindOf(err) != errs.TooLarge {
		t.Error(err)
	}
}

func TestSniff(t *testing.T) {
	for src, want := range map[string]string{
		"%PDF-1.7": "application/pdf", "<!DOCTYPE html><html>": "text/html", "\x89PNG\r\n\x1a\n": "image/png", "PK\x03\x04": "application/zip", "": "text/plain",
	} {
		if got, err := Sniff(strings.NewReader(src)); err != nil || got.MIME != want {
			t.Errorf("%q: %+v, %v", src, got, err)
		}
	}
	box := func(kind, in string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(in)+8))) + kind + in
	}
	handler := func(kind string) string {
		return box("trak", box("mdia", box("hdlr", "\x00\x00\x00\x00\x00\x00\x00\x00"+kind+"\x00\x00\x00\x00")))
	}
	ftyp := box("ftyp", "isom\x00\x00\x02\x00isomiso5")
	webm := "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
	for name, c := range map[string]struct{ src, want string }{
		"recorded sound":    {ftyp + box("moov", box("mvhd", "")+handler("soun")) + box("moof", ""), "audio/mp4"},
		"recorded film":     {ftyp + box("moov", handler("soun")+handler("vide")), "video/mp4"},
		"what was not read": {ftyp + box("moov", handler("soun")+strings.Repeat("x", 4000)), "video/mp4"},
		"told at the end":   {ftyp + box("mdat", "soun"), "video/mp4"},
		"a broken box":      {ftyp + "\x00\x00\x00\x01moovhdlr", "video/mp4"},
		"recorded as webm":  {webm + "\x86\x86A_OPUS", "audio/webm"},
		"filmed as webm":    {webm + "\x86\x86A_OPUS\x86\x85V_VP8", "video/webm"},
	} {
		if got, err := Sniff(strings.NewReader(c.src)); err != nil || got.MIME != c.want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if !(Type{MIME: "image/webp"}).Picture() || (Type{MIME: "image/svg+xml"}).Picture() || !(Type{MIME: "audio/mpeg"}).Audio() || !(Type{MIME: "video/mp4"}).Video() {
		t.Error("families")
	}
}

func FuzzPicture(f *testing.F) {
	f.Add(tagged(f, 16, 8, binary.LittleEndian, 6))
	f.Add(tagged(f, 8, 16, binary.BigEndian, 3))
	f.Add(bomb(30000, 30000, 8))
	f.Add(bomb(8, 8, 8))
	if b, err := os.ReadFile("testdata/small.webp"); err == nil {
		f.Add(b)
	}
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00;"))
	m := NewMaker(2, "")
	f.Fuzz(func(t *testing.T, src []byte) {
		if s := inspect(src); s.orientation < 1 || s.orientation > 8 {
			t.Fatalf("orientation %d", s.orientation)
		}
		orientation(src)
		var b bytes.Buffer
		info, err := m.Picture(context.Background(), bytes.NewReader(src), &b, Options{Side: 64})
		if err != nil {
			if e := errs.As(err); e == nil || e.Message.Key == "" {
				t.Fatalf("no sentence: %v", err)
			}
			return
		}
		if info.Width < 1 || info.Height < 1 || info.Width > 64 || info.Height > 64 {
			t.Fatalf("%+v", info)
		}
		if _, _, err := image.Decode(&b); err != nil {
			t.Fatal(err)
		}
	})
}
