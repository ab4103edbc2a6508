package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/platform/errs"
)

func TestMain(m *testing.M) {
	if Child() {
		return
	}
	if at := os.Getenv(photoEnv); at != "" {
		if err := drawPhoto(at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func maker(t testing.TB) *Maker {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return NewMaker(1, program)
}

func iphone(t testing.TB) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/small.heic")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A photo of an iPhone is drawn as any other, and tells nothing more.
func TestHEIC(t *testing.T) {
	src := iphone(t)
	if !bytes.Contains(src, []byte("Cachette")) {
		t.Fatal("the photo has nothing to hide")
	}
	var web, thumb bytes.Buffer
	info, err := maker(t).Picture(context.Background(), bytes.NewReader(src), &web, Options{Side: 60, Thumb: &thumb, ThumbSide: 30})
	if err != nil || info.Width != 60 || info.Height != 40 || info.ThumbWidth != 30 || info.Type.MIME != "image/jpeg" {
		t.Fatalf("%+v, %v", info, err)
	}
	m, _, err := image.Decode(bytes.NewReader(web.Bytes()))
	if err != nil || corners(t, m) != "RGBW" {
		t.Errorf("%v, %v", err, corners(t, m))
	}
	for _, b := range [][]byte{web.Bytes(), thumb.Bytes()} {
		if bytes.Contains(b, []byte("Cachette")) || bytes.Contains(b, []byte("Exif")) {
			t.Error("the name of the phone survives")
		}
	}
}

// What is broken, or says that it is immense, ends its own process and no other.
func TestFrailHEIC(t *testing.T) {
	m := maker(t)
	src := iphone(t)
	at := bytes.Index(src, []byte("ispe"))
	huge := bytes.Clone(src)
	binary.BigEndian.PutUint32(huge[at+8:], 30000)
	binary.BigEndian.PutUint32(huge[at+12:], 30000)
	for name, b := range map[string][]byte{"cut": src[:len(src)/2], "30,000 × 30,000": huge, "only a head": src[:24], "noise": append(bytes.Clone(src[:300]), bytes.Repeat([]byte{0xff, 3}, 4000)...)} {
		_, err := m.Picture(context.Background(), bytes.NewReader(b), new(bytes.Buffer), Options{})
		if k := errs.KindOf(err); k != errs.Invalid && k != errs.TooLarge {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := m.Picture(context.Background(), bytes.NewReader(src), new(bytes.Buffer), Options{}); err != nil {
		t.Errorf("and then a good one: %v", err)
	}
}

// What a tool of the machine reads is drawn anew like the rest; without the tool,
// or when it fails, it is refused.
func TestATool(t *testing.T) {
	avif := []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00avifmif1miaf")
	dir := t.TempDir()
	var drawn bytes.Buffer
	if err := png.Encode(&drawn, quarters(40, 40)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "drawn.png"), drawn.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	m := maker(t)
	tool := func(text string) string {
		p := filepath.Join(t.TempDir(), "tool")
		if err := os.WriteFile(p, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
			t.Fatal(err)
		}
		return p
	}
	kind := Type{MIME: "image/avif"}
	m.vips = ""
	if m.Reads(kind) {
		t.Error("AVIF is read by nothing")
	}
	m.vips = tool(`[ "$2" = --size ] && [ "$3" = "50x50>" ] && grep -q ftypavif "$1" && exec cp ` + dir + `/drawn.png "${5%\[strip\]}"`)
	if !m.Reads(kind) {
		t.Error("AVIF is not read")
	}
	var out bytes.Buffer
	info, err := m.Picture(context.Background(), bytes.NewReader(avif), &out, Options{Side: 50})
	if err != nil || info.Type.MIME != "image/jpeg" || info.Width != 40 {
		t.Errorf("%+v, %v", info, err)
	}
	m.vips = tool("echo no memory >&2; exit 1")
	_, err = m.Picture(context.Background(), bytes.NewReader(avif), &out, Options{})
	if errs.KindOf(err) != errs.TooLarge || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("%v", err)
	}
}

// What anybody sends as a HEIC ends in a picture or a refusal.
func FuzzHEIC(f *testing.F) {
	src := iphone(f)
	f.Add(uint16(40), byte(0xff))
	f.Add(uint16(len(src)-10), byte(0))
	m := maker(f)
	f.Fuzz(func(t *testing.T, at uint16, b byte) {
		changed := bytes.Clone(src)
		changed[int(at)%len(changed)] = b
		_, err := m.Picture(context.Background(), bytes.NewReader(changed), new(bytes.Buffer), Options{})
		if err != nil && errs.KindOf(err) == errs.Internal {
			t.Error(err)
		}
	})
}
