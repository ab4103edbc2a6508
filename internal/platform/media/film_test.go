package media

import (
	"bytes"
	"context"
	"encoding/json"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"marelle/internal/platform/errs"
	"marelle/internal/testkit/tools"
)

// equipped is a maker with all that a machine may have; ./test demands it.
func equipped(t testing.TB) *Maker {
	t.Helper()
	m := maker(t)
	tools.Need(t, m.Plays() && m.Draws(), "ffmpeg or pdftoppm")
	return m
}

// filmed makes a clip with the secrets that phones put in.
func filmed(t testing.TB, name string, args ...string) *os.File {
	t.Helper()
	dir := t.TempDir()
	chapters := filepath.Join(dir, "chapters")
	write(t, chapters, ";FFMETADATA1\ntitle=Cachette titre\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=300\ntitle=Cachette chapitre\n")
	words := filepath.Join(dir, "words.srt")
	write(t, words, "1\n00:00:00,000 --> 00:00:00,300\nCachette paroles\n")
	at := filepath.Join(dir, name)
	all := append([]string{"-v", "error", "-y"}, args...)
	for n, a := range all {
		all[n] = strings.NewReplacer("CHAPTERS", chapters, "WORDS", words).Replace(a)
	}
	if out, err := exec.Command("ffmpeg", append(all, at)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	f, err := os.Open(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func write(t testing.TB, at, text string) {
	t.Helper()
	if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func scratch(t testing.TB) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := os.Remove(f.Name()); err != nil {
		t.Fatal(err)
	}
	return f
}

// bare is what a file says of itself, all of it.
func bare(t testing.TB, b []byte) (tags string, streams []string) {
	t.Helper()
	at := filepath.Join(t.TempDir(), "bare")
	write(t, at, string(b))
	out, err := exec.Command("ffprobe", "-v", "error", "-show_streams", "-show_format", "-show_chapters", "-of", "json", at).Output()
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Streams []struct {
			Kind  string            `json:"codec_type"`
			Codec string            `json:"codec_name"`
			Tags  map[string]string `json:"tags"`
		}
		Chapters []any
		Format   struct{ Tags map[string]string }
	}
	if err := json.Unmarshal(out, &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Chapters) > 0 {
		tags += "chapters "
	}
	for k, v := range p.Format.Tags {
		switch k {
		case "major_brand", "minor_version", "compatible_brands":
		default:
			tags += k + "=" + v + " "
		}
	}
	for _, s := range p.Streams {
		streams = append(streams, s.Codec)
		for k, v := range s.Tags {
			if k == "language" && v == "und" || k == "handler_name" && (v == "VideoHandler" || v == "SoundHandler") || k == "vendor_id" && v == "[0][0][0][0]" || k == "encoder" && v == "Lavc libx264" {
				continue
			}
			tags += k + "=" + v + " "
		}
	}
	return tags, streams
}

const place = "+48.8584+002.2945/"

var phone = []string{"-metadata", "title=Cachette", "-metadata", "location=" + place, "-metadata", "com.apple.quicktime.make=Cachette", "-metadata", "creation_time=2026-11-20T10:11:12Z",
	"-metadata:s:v", "handler_name=Cachette", "-metadata:s:a", "handler_name=Cachette", "-movflags", "use_metadata_tags"}

// A film of a phone is written anew: what is seen and heard is left, and nothing
// that it told of where, when, by whom and about what.
func TestAFilmTellsNothingOfItself(t *testing.T) {
	m := equipped(t)
	in := filmed(t, "film.mov", append([]string{"-f", "lavfi", "-i", "testsrc2=s=1600x900:r=10:d=0.4", "-f", "lavfi", "-i", "sine=d=0.4", "-i", "CHAPTERS", "-i", "WORDS", "-map", "0", "-map", "1", "-map", "3", "-map_metadata", "2",
		"-c:v", "libx264", "-preset", "ultrafast", "-c:s", "mov_text", "-timecode", "10:11:12:00"}, phone...)...)
	src, err := os.ReadFile(in.Name())
	if err != nil || !bytes.Contains(src, []byte("Cachette")) || !bytes.Contains(src, []byte(place)) {
		t.Fatalf("the film has nothing to hide: %v", err)
	}
	c, err := m.Probe(t.Context(), in)
	if err != nil || !c.Video || c.Width != 1600 || c.Duration < 300*time.Millisecond {
		t.Fatalf("%+v, %v", c, err)
	}
	encoded := scratch(t)
	var far float64
	kind, err := m.Play(t.Context(), c, in, encoded, func(f float64) { far = f })
	if err != nil || kind.MIME != "video/mp4" || far < 0.5 {
		t.Fatalf("%v, %v, %v", kind, err, far)
	}
	// What is too long to be encoded again is stripped.
	long, kept := c, scratch(t)
	long.Duration = filmLong + 1
	if kind, err := m.Play(t.Context(), long, in, kept, nil); err != nil || kind.MIME != "video/mp4" {
		t.Fatalf("%v, %v", kind, err)
	}
	for name, out := range map[string]*os.File{"encoded": encoded, "stripped": kept} {
		b := make([]byte, 4<<20)
		n, _ := out.ReadAt(b, 0)
		b = b[:n]
		for _, secret := range []string{"Cachette", "48.85", "2026"} {
			if bytes.Contains(b, []byte(secret)) {
				t.Errorf("%s: %s survives", name, secret)
			}
		}
		if tags, streams := bare(t, b); tags != "" || strings.Join(streams, " ") != "h264 aac" {
			t.Errorf("%s: %s, %s", name, tags, streams)
		}
		if moov, mdat := bytes.Index(b, []byte("moov")), bytes.Index(b, []byte("mdat")); moov < 0 || moov > mdat {
			t.Errorf("%s: what is needed first comes last", name)
		}
	}
	var picture, thumb bytes.Buffer
	info, err := m.Poster(t.Context(), c, encoded, &picture, Options{Side: 640, Thumb: &thumb, ThumbSide: 100})
	if err != nil || info.Width != 640 || info.Height != 360 || info.ThumbWidth != 100 {
		t.Errorf("%+v, %v", info, err)
	}
	if after, err := m.Probe(t.Context(), encoded); err != nil || after.Width != 1280 || after.Height != 720 {
		t.Errorf("%+v, %v", after, err)
	}
}

// Sound is AAC for everybody, with neither its cover nor its title; what a browser
// calls video and only sounds is sound.
func TestSoundIsHeardEverywhere(t *testing.T) {
	m := equipped(t)
	for name, in := range map[string]*os.File{
		"recorder.webm": filmed(t, "recorder.webm", "-f", "lavfi", "-i", "sine=d=0.4", "-c:a", "libopus", "-metadata", "title=Cachette", "-live", "1"),
		"song.mp3":      filmed(t, "song.mp3", "-f", "lavfi", "-i", "sine=d=0.4", "-f", "lavfi", "-i", "color=red:s=64x64:d=0.04", "-map", "0", "-map", "1", "-c:v", "png", "-disposition:v", "attached_pic", "-metadata", "title=Cachette"),
	} {
		c, err := m.Probe(t.Context(), in)
		if err != nil || c.Video {
			t.Fatalf("%s: %+v, %v", name, c, err)
		}
		out := scratch(t)
		kind, err := m.Play(t.Context(), c, in, out, nil)
		if err != nil || kind.MIME != "audio/mp4" {
			t.Fatalf("%s: %v, %v", name, kind, err)
		}
		b := make([]byte, 1<<20)
		n, _ := out.ReadAt(b, 0)
		if tags, streams := bare(t, b[:n]); tags != "" || strings.Join(streams, " ") != "aac" || bytes.Contains(b[:n], []byte("Cachette")) {
			t.Errorf("%s: %s, %s", name, tags, streams)
		}
	}
}

// A file that names others, or that is none, is refused, and what takes too long
// ends when it is told to.
func TestFrailFilms(t *testing.T) {
	m := equipped(t)
	for name, text := range map[string]string{
		"a list that names a file": "#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
		"another":                  "ffconcat version 1.0\nfile /etc/passwd\n",
		"a page":                   "<svg xmlns='http://www.w3.org/2000/svg'/>",
		"a head alone":             "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom",
		"nothing":                  "",
	} {
		at := filepath.Join(t.TempDir(), "in.mp4")
		write(t, at, text)
		f, err := os.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Probe(t.Context(), f); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := m.Play(t.Context(), Clip{sound: 0, picture: -1}, f, scratch(t), nil); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := m.Page(t.Context(), f, new(bytes.Buffer), Options{}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s as a PDF: %v", name, err)
		}
		f.Close()
	}
	in := filmed(t, "long.mkv", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=10:d=8", "-c:v", "mpeg4", "-q:v", "30")
	c, err := m.Probe(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	begun := time.Now()
	time.AfterFunc(150*time.Millisecond, cancel)
	if _, err := m.Play(ctx, c, in, scratch(t), nil); err != context.Canceled || time.Since(begun) > 8*time.Second {
		t.Errorf("%v after %v", err, time.Since(begun))
	}
}

// The first page of a PDF is a picture; one that is locked has none, and one as
// large as a field is drawn like the others.
func TestTheFirstPageOfAPDF(t *testing.T) {
	m := equipped(t)
	for _, c := range []struct {
		name, pdf string
		fine      bool
	}{
		{"A4", page(595, 842, ""), true},
		{"immense", page(900000, 1200000, ""), true},
		{"locked", page(595, 842, "/Encrypt << /Filter /Standard /V 1 /R 2 /O (12345678901234567890123456789012) /U (12345678901234567890123456789012) /P -4 >> /ID [(a) (a)]"), false},
	} {
		at := filepath.Join(t.TempDir(), "page.pdf")
		write(t, at, c.pdf)
		f, err := os.Open(at)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var out, thumb bytes.Buffer
		info, err := m.Page(t.Context(), f, &out, Options{Side: 400, Thumb: &thumb, ThumbSide: 40})
		if !c.fine {
			if errs.KindOf(err) != errs.Invalid {
				t.Errorf("%s: %+v, %v", c.name, info, err)
			}
			continue
		}
		if err != nil || info.Height > 401 || info.Height < 390 || info.ThumbHeight != 40 {
			t.Errorf("%s: %+v, %v", c.name, info, err)
		}
		if _, _, err := image.Decode(&out); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// page is a PDF of one page; poppler rebuilds the table that it lacks.
func page(w, h int, trailer string) string {
	return "%PDF-1.4\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n2 0 obj << /Type /Pages /Kids [3 0 R] /Count 1 >> endobj\n" +
		"3 0 obj << /Type /Page /Parent 2 0 R /MediaBox [0 0 " + strconv.Itoa(w) + " " + strconv.Itoa(h) + "] /Contents 4 0 R >> endobj\n" +
		"4 0 obj << /Length 33 >> stream\n1 0 0 rg 0 0 200 200 re f 0 0 m S \nendstream endobj\ntrailer << /Root 1 0 R " + trailer + " >>\n%%EOF\n"
}

// What ffprobe writes of a file that anybody made is read or refused.
func FuzzProbe(f *testing.F) {
	f.Add([]byte(`{"streams":[{"index":0,"codec_name":"h264","codec_type":"video","width":1600,"height":900,"disposition":{"attached_pic":0}},{"index":1,"codec_name":"aac","codec_type":"audio","channels":2}],"format":{"duration":"0.400000"}}`))
	f.Add([]byte(`{"streams":[{"index":0,"codec_type":"audio","channels":1}],"format":{"duration":"N/A"}}`))
	f.Add([]byte(`{"streams":[{"index":-1,"codec_type":"video","width":-5,"height":1e99}],"format":{"duration":"1e400"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := probed(b)
		if err != nil {
			if errs.KindOf(err) != errs.Invalid {
				t.Error(err)
			}
			return
		}
		if c.Duration < 0 || c.sound < 0 && c.picture < 0 || c.Video != (c.picture >= 0) || c.Video && (c.Width <= 0 || c.Height <= 0) || max(c.sound, c.picture) >= streamsMax {
			t.Errorf("%+v", c)
		}
		if kind, form, _ := stripped(c); kind.Ext == "" || form == "" {
			t.Errorf("%+v has no form", c)
		}
	})
}
