package media

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// photoEnv names a photo that a process of its own draws, to be measured whole.
const photoEnv = "MARELLE_BENCH_PHOTO"

// drawPhoto draws a photo to 1280 points, or starts and does nothing else.
func drawPhoto(at string) error {
	if at == "none" {
		return nil
	}
	f, err := os.Open(at)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = NewMaker(1, "").Picture(context.Background(), f, new(bytes.Buffer), Options{Side: 1280})
	return err
}

// A photo of 12 million points to 1280, by ourselves and by vipsthumbnail, each in
// a process of its own: processor and peak memory, the least of all runs.
func BenchmarkTwelveMegapixels(b *testing.B) {
	m := image.NewYCbCr(image.Rect(0, 0, 4000, 3000), image.YCbCrSubsampleRatio420)
	r := rand.New(rand.NewPCG(1, 2))
	for y := range 3000 {
		for x := range 4000 {
			m.Y[y*m.YStride+x] = uint8(128 + 60*math.Sin(float64(x)/170)*math.Cos(float64(y)/130) + r.NormFloat64()*6)
		}
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = uint8(110+i%2000/60), uint8(150-i%2000/60)
	}
	at := filepath.Join(b.TempDir(), "photo.jpg")
	var src bytes.Buffer
	if err := jpeg.Encode(&src, m, &jpeg.Options{Quality: 92}); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(at, src.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	b.Logf("%d kB", src.Len()/1000)
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	ways := []struct {
		name, program, photo string
		args                 []string
	}{{"start alone", self, "none", nil}, {"Go", self, at, nil}}
	if vips, err := exec.LookPath("vipsthumbnail"); err == nil {
		ways = append(ways, struct {
			name, program, photo string
			args                 []string
		}{"vipsthumbnail", vips, "", []string{at, "--size", "1280x1280>", "-o", filepath.Join(b.TempDir(), "out.jpg") + "[Q=82,strip]"}})
	}
	for _, way := range ways {
		b.Run(way.name, func(b *testing.B) {
			cpu, memory := time.Hour, int64(math.MaxInt64)
			for b.Loop() {
				c := exec.Command(way.program, way.args...)
				c.Env = append(os.Environ(), photoEnv+"="+way.photo)
				if out, err := c.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				cpu = min(cpu, c.ProcessState.UserTime()+c.ProcessState.SystemTime())
				if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
					memory = min(memory, u.Maxrss)
				}
			}
			b.ReportMetric(float64(cpu.Milliseconds()), "cpu-ms")
			b.ReportMetric(float64(memory)/1024, "peak-MB")
		})
	}
}
