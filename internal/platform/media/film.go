package media

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"marelle/internal/platform/errs"
)

// Sound and video are written anew by ffmpeg, so that every browser plays them
// and nothing but what is heard and seen survives: no place, no date, no name of
// a phone, no title, no chapters, no subtitles, no attached picture or data.
// The tools read and write files that have no name, by their numbers: whatever
// ends them leaves nothing behind.

// films are the tools, both or none.
type films struct{ ffmpeg, ffprobe string }

func findFilms() films {
	var f films
	if runtime.GOOS != "linux" { // elsewhere a number is not opened anew
		return f
	}
	var err1, err2 error
	f.ffmpeg, err1 = exec.LookPath("ffmpeg")
	f.ffprobe, err2 = exec.LookPath("ffprobe")
	if err1 != nil || err2 != nil {
		return films{}
	}
	return f
}

// Bounds of what is encoded again; what is longer is only stripped.
const (
	filmLong   = 30 * time.Minute
	soundLong  = 3 * time.Hour
	filmPixels = 4096 * 2304 // of one frame
	streamsMax = 64
	// FilmTime is how long a film may take in all, sound much less.
	FilmTime = time.Hour
)

// Plays says whether sound and video are made ready on this machine.
func (m *Maker) Plays() bool { return m.ffmpeg != "" }

// Played says whether a file is sound or video that Play takes. MIDI is notes.
func (t Type) Played() bool {
	return t.Audio() && t.MIME != "audio/midi" || t.Video() || t.MIME == "application/ogg"
}

// Clip is what a file of sound or video holds.
type Clip struct {
	Video         bool
	Duration      time.Duration // 0: it does not say
	Width, Height int

	sound, picture         int // numbers of the streams, -1 without
	soundCodec, videoCodec string
	channels               int
}

// read are the arguments with which a tool opens descriptor 3: that file and no
// other, of a kind that names no other.
func read(more ...string) []string {
	return append(more, "-v", "error", "-protocol_whitelist", "file,pipe",
		"-format_whitelist", "aac,aiff,amr,amrnb,amrwb,asf,avi,caf,flac,flv,matroska,webm,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,ogg,wav", "-i", "/dev/fd/3")
}

// toil starts a tool for seconds of processor and most bytes of each file.
func (m *Maker) toil(ctx context.Context, seconds int, most int64, files []*os.File, program string, args ...string) *exec.Cmd {
	c := m.apart(ctx, append([]string{"toil", strconv.Itoa(seconds), strconv.FormatInt(most, 10), program}, args...)...)
	c.ExtraFiles = files
	return c
}

// Probe reads what a file holds. What is neither sound nor video is Invalid.
func (m *Maker) Probe(ctx context.Context, in *os.File) (Clip, error) {
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	var out bounded
	var said bytes.Buffer
	c := m.toil(ctx, 20, 0, []*os.File{in}, m.ffprobe, append(read(),
		"-show_entries", "format=duration:stream=index,codec_type,codec_name,width,height,channels:stream_disposition=attached_pic", "-of", "json")...)
	c.Stdout, c.Stderr = &out, &first{&said}
	if err := c.Run(); err != nil {
		return Clip{}, unplayable(ctx, err, said.String())
	}
	return probed(out.b.Bytes())
}

// unplayable says what the end of a tool means for a file.
func unplayable(ctx context.Context, err error, said string) error {
	var exit *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	case !errors.As(err, &exit) && !errors.Is(err, io.ErrShortWrite) && ctx.Err() == nil:
		return fmt.Errorf("film: %w", err)
	}
	return errs.Wrap(errs.Invalid, fmt.Errorf("film: %w: %.200s", err, said), "media.unplayable")
}

// probed reads what ffprobe wrote.
func probed(b []byte) (Clip, error) {
	var p struct {
		Streams []struct {
			Index         int    `json:"index"`
			Kind          string `json:"codec_type"`
			Codec         string `json:"codec_name"`
			Width, Height int
			Channels      int
			Disposition   struct {
				Attached int `json:"attached_pic"`
			}
		}
		Format struct{ Duration string }
	}
	c := Clip{sound: -1, picture: -1}
	if err := json.Unmarshal(b, &p); err != nil || len(p.Streams) > streamsMax {
		return c, errs.Wrap(errs.Invalid, err, "media.unplayable")
	}
	for _, s := range p.Streams {
		switch {
		case s.Index < 0 || s.Index >= streamsMax:
		case s.Kind == "audio" && c.sound < 0 && s.Channels > 0:
			c.sound, c.soundCodec, c.channels = s.Index, s.Codec, s.Channels
		case s.Kind == "video" && c.picture < 0 && s.Disposition.Attached == 0 && s.Width > 0 && s.Height > 0:
			c.picture, c.videoCodec, c.Width, c.Height, c.Video = s.Index, s.Codec, s.Width, s.Height, true
		}
	}
	if c.sound < 0 && c.picture < 0 {
		return c, errs.New(errs.Invalid, "media.unplayable")
	}
	if d, err := strconv.ParseFloat(p.Format.Duration, 64); err == nil && d > 0 && d < math.MaxInt32 {
		c.Duration = time.Duration(d * float64(time.Second))
	}
	return c, nil
}

// Play writes what is heard and seen of in to out, both without a name: sound as
// AAC, video as H.264 within 1280 × 720, and at most 30 images a second. What is
// too long or too much for that keeps its encoding and loses all the rest. It
// tells how far it is, from 0 to 1, when it knows; the type is what out became.
func (m *Maker) Play(ctx context.Context, c Clip, in, out *os.File, far func(float64)) (Type, error) {
	size, err := in.Stat()
	if err != nil {
		return Type{}, fmt.Errorf("film: %w", err)
	}
	long := soundLong
	if c.Video {
		long = filmLong
	}
	if c.Duration <= long && int64(c.Width)*int64(c.Height) <= filmPixels {
		var t Type
		if t, err = m.encode(ctx, c, in, out, far); err == nil || errs.KindOf(err) != errs.Invalid {
			return t, err
		}
	}
	t, form, filters := stripped(c)
	args := append([]string{"-nostdin", "-y"}, append(read(), keep(c)...)...)
	args = append(append(args, "-c", "copy"), append(filters, "-f", form, "/dev/fd/4")...)
	if serr := m.write(ctx, args, 300, size.Size()+size.Size()/8+1<<20, 10*time.Minute, []*os.File{in, out}, 0, nil); serr != nil {
		return t, errors.Join(err, serr)
	}
	return t, nil
}

// keep names what passes: one picture, one sound, nothing that is said of them.
func keep(c Clip) []string {
	var out []string
	for _, n := range []int{c.picture, c.sound} {
		if n >= 0 {
			out = append(out, "-map", "0:"+strconv.Itoa(n))
		}
	}
	return append(out, "-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
		"-max_muxing_queue_size", "2048")
}

func (m *Maker) encode(ctx context.Context, c Clip, in, out *os.File, far func(float64)) (Type, error) {
	t, seconds, rate, patience := Type{"audio/mp4", ".m4a"}, 600, int64(40_000), 12*time.Minute
	args := append(append([]string{"-nostdin", "-y"}, read("-threads", "1")...), keep(c)...)
	if c.Video {
		t, seconds, rate, patience = Type{"video/mp4", ".mp4"}, 2400, 450_000, FilmTime-15*time.Minute
		args = append(args, "-vf", "scale=w='if(gte(iw,ih),1280,720)':h='if(gte(iw,ih),720,1280)':force_original_aspect_ratio=decrease:force_divisible_by=2",
			"-fpsmax", "30", "-c:v", "libx264", "-preset", "veryfast", "-crf", "24", "-maxrate", "2500k", "-bufsize", "5000k", "-pix_fmt", "yuv420p")
		if c.Width <= 1280 && c.Height <= 1280 && c.Width*c.Height <= 1280*720 { // is not made larger
			args[slices.Index(args, "-vf")+1] = "scale=w='trunc(iw/2)*2':h='trunc(ih/2)*2'"
		}
	}
	if c.sound >= 0 {
		args = append(args, "-c:a", "aac", "-b:a", "128k", "-ar", "48000")
		if c.channels > 2 {
			args = append(args, "-ac", "2")
		}
	}
	form := "mp4"
	if !c.Video {
		form = "ipod"
	}
	args = append(args, "-threads", "1", "-filter_threads", "1", "-movflags", "+faststart", "-progress", "pipe:1", "-nostats", "-f", form, "/dev/fd/4")
	length := c.Duration
	if length == 0 {
		length = filmLong
	}
	return t, m.write(ctx, args, seconds, 10<<20+rate*int64(length/time.Second+1), patience, []*os.File{in, out}, c.Duration, far)
}

// write runs ffmpeg to its end.
func (m *Maker) write(ctx context.Context, args []string, seconds int, most int64, patience time.Duration, files []*os.File, length time.Duration, far func(float64)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var said bytes.Buffer
	cmd := m.toil(ctx, seconds, most, files, m.ffmpeg, args...)
	cmd.Stderr = &first{&said}
	progress, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("film: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("film: %w", err)
	}
	lines := bufio.NewScanner(progress)
	for lines.Scan() {
		if f, ok := advance(lines.Text(), length); ok && far != nil {
			far(f)
		}
	}
	_, _ = io.Copy(io.Discard, progress) // after a line that is none: how it ends is what counts
	if err := cmd.Wait(); err != nil {
		return unplayable(ctx, err, said.String())
	}
	return nil
}

// advance reads a line of what ffmpeg tells: "out_time_us=1200000".
func advance(line string, length time.Duration) (float64, bool) {
	us, ok := strings.CutPrefix(line, "out_time_us=")
	n, err := strconv.ParseInt(us, 10, 64)
	if !ok || err != nil || n < 0 || length <= 0 {
		return 0, false
	}
	return min(1, float64(n)/float64(length.Microseconds())), true
}

// stripped is the form that holds what is kept as it was encoded, and what takes
// words out of the stream itself.
func stripped(c Clip) (t Type, form string, filters []string) {
	inMP4 := []string{"", "h264", "hevc", "mpeg4", "av1", "aac", "mp3", "ac3", "eac3", "alac"}
	inWebM := []string{"", "vp8", "vp9", "av1", "opus", "vorbis"}
	switch c.videoCodec {
	case "h264":
		filters = []string{"-bsf:v", "filter_units=remove_types=6"}
	case "hevc":
		filters = []string{"-bsf:v", "filter_units=remove_types=39-40"}
	}
	family := "audio/"
	if c.Video {
		family = "video/"
	}
	switch {
	case slices.Contains(inMP4, c.videoCodec) && slices.Contains(inMP4, c.soundCodec):
		if c.Video {
			return Type{"video/mp4", ".mp4"}, "mp4", append(filters, "-movflags", "+faststart")
		}
		return Type{"audio/mp4", ".m4a"}, "mp4", []string{"-movflags", "+faststart"}
	case slices.Contains(inWebM, c.videoCodec) && slices.Contains(inWebM, c.soundCodec):
		return Type{family + "webm", ".webm"}, "webm", nil
	}
	return Type{family + "x-matroska", ".mkv"}, "matroska", filters
}

// Poster draws one image of a film, near its beginning, as Picture does.
func (m *Maker) Poster(ctx context.Context, c Clip, in *os.File, w io.Writer, o Options) (Info, error) {
	at := min(time.Second, c.Duration/3)
	args := append([]string{"-nostdin"}, read("-threads", "1", "-ss", strconv.FormatFloat(at.Seconds(), 'f', 3, 64))...)
	png, err := m.draw(ctx, in, m.ffmpeg, append(args, "-map", "0:v:0", "-map_metadata", "-1", "-frames:v", "1", "-c:v", "png", "-threads", "1", "-f", "image2pipe", "pipe:1")...)
	if err != nil {
		return Info{}, err
	}
	return m.Picture(ctx, png, w, o)
}

// Page draws the first page of a PDF, as Picture does. One that is locked, broken
// or too much to draw is Invalid.
func (m *Maker) Page(ctx context.Context, in *os.File, w io.Writer, o Options) (Info, error) {
	png, err := m.draw(ctx, in, m.poppler, "-q", "-f", "1", "-l", "1", "-singlefile", "-scale-to", strconv.Itoa(side(o.Side, WebSide)), "-png", "/dev/fd/3")
	if err != nil {
		return Info{}, err
	}
	return m.Picture(ctx, png, w, o)
}

// Draws says whether PDFs get a picture on this machine.
func (m *Maker) Draws() bool { return m.poppler != "" && runtime.GOOS == "linux" }

// draw has a tool write one picture; one of them works at a time.
func (m *Maker) draw(ctx context.Context, in *os.File, program string, args ...string) (io.Reader, error) {
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-m.slots }()
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	var out, said bytes.Buffer
	c := m.toil(ctx, 20, 0, []*os.File{in}, program, args...)
	c.Stdout, c.Stderr = &capped{&out, MaxBytes}, &first{&said}
	if err := c.Run(); err != nil {
		return nil, unplayable(ctx, err, said.String())
	}
	return &out, nil
}

// capped fails when more comes than there is room for.
type capped struct {
	to   *bytes.Buffer
	room int
}

func (c *capped) Write(p []byte) (int, error) {
	if c.room -= len(p); c.room < 0 {
		return 0, io.ErrShortWrite
	}
	return c.to.Write(p)
}

// first keeps the first words of what a tool complains of.
type first struct{ to *bytes.Buffer }

func (f *first) Write(p []byte) (int, error) {
	f.to.Write(p[:min(len(p), max(0, 400-f.to.Len()))])
	return len(p), nil
}
