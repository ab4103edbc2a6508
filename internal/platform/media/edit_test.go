package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"marelle/internal/platform/errs"
)

func edited(t testing.TB, m image.Image, list ...string) (*image.RGBA, Info) {
	t.Helper()
	edits, err := ParseEdits(list)
	if err != nil {
		t.Fatal(err)
	}
	var src, out bytes.Buffer
	if err := png.Encode(&src, m); err != nil {
		t.Fatal(err)
	}
	info, err := NewMaker(1, "").Edited(context.Background(), &src, &out, edits, Options{PNG: true})
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(&out)
	if err != nil {
		t.Fatal(err)
	}
	c := image.NewRGBA(got.Bounds())
	for y := range c.Rect.Dy() {
		for x := range c.Rect.Dx() {
			c.Set(x, y, got.At(x, y))
		}
	}
	return c, info
}

// Each gesture is on the picture as the one before left it.
func TestGesturesFollowEachOther(t *testing.T) {
	for _, c := range []struct {
		list   string
		w, h   int
		colour string
	}{
		{"turn 1", 60, 80, "BRWG"},
		{"turn 2", 80, 60, "WBGR"},
		{"turn 3", 60, 80, "GWRB"},
		{"turn 1, turn 3", 80, 60, "RGBW"},
		{"crop 0.5 0 0.5 1", 40, 60, "GGWW"},
		{"turn 1, crop 0 0 0.5 1", 30, 80, "BBWW"},
		{"crop 0 0 0.5 0.5, turn 1", 30, 40, "RRRR"},
		{"crop 0.99999 0.99999 1 1", 1, 1, ""},
	} {
		m, info := edited(t, quarters(80, 60), strings.Split(c.list, ", ")...)
		if m.Rect.Dx() != c.w || m.Rect.Dy() != c.h || info.Width != c.w || info.Height != c.h {
			t.Errorf("%s: %v, %+v, want %d × %d", c.list, m.Rect, info, c.w, c.h)
			continue
		}
		if c.colour != "" && corners(t, m) != c.colour {
			t.Errorf("%s: %s, want %s", c.list, corners(t, m), c.colour)
		}
	}
}

// noise is a picture of which no two places are alike.
func noise(w, h int, seed uint64) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	r := rand.New(rand.NewPCG(seed, 1))
	for i := range m.Pix {
		m.Pix[i] = uint8(r.Uint32())
		if i%4 == 3 {
			m.Pix[i] = 255
		}
	}
	return m
}

// What is blurred depends on a handful of colours alone: two faces with the same
// ones are the same picture, so nobody can say which it was. What is around has
// not changed.
func TestABlurGivesNothingBack(t *testing.T) {
	for _, shape := range []string{"rect", "oval"} {
		for _, side := range []int{40, 400} {
			a := noise(2*side, 2*side, 7)
			at := image.Rect(side/2, side/2, side/2+side, side/2+side)
			// Another face: the points of each square of the first, turned around.
			b := image.NewRGBA(a.Rect)
			copy(b.Pix, a.Pix)
			cell := side / cells
			for y := range side {
				for x := range side {
					fx, fy := x/cell*cell+cell-1-x%cell, y/cell*cell+cell-1-y%cell
					b.SetRGBA(at.Min.X+x, at.Min.Y+y, a.RGBAAt(at.Min.X+fx, at.Min.Y+fy))
				}
			}
			gesture := shape + " 0.25 0.25 0.5 0.5"
			one, _ := edited(t, a, gesture)
			two, _ := edited(t, b, gesture)
			colours := map[color.RGBA]bool{}
			for y := range 2 * side {
				for x := range 2 * side {
					p := image.Pt(x, y)
					dx, dy := float64(2*x+1-2*side)/float64(side), float64(2*y+1-2*side)/float64(side)
					hidden := p.In(at) && (shape == "rect" || dx*dx+dy*dy <= 1)
					switch {
					case hidden && one.RGBAAt(x, y) != two.RGBAAt(x, y):
						t.Fatalf("%s of %d: the point %v tells two faces apart", shape, side, p)
					case !p.In(at) && one.RGBAAt(x, y) != a.RGBAAt(x, y):
						t.Fatalf("%s of %d: the point %v around has changed", shape, side, p)
					case hidden && x%cell == cell/2 && y%cell == cell/2:
						colours[one.RGBAAt(x, y)] = true
					}
				}
			}
			if len(colours) > cells*cells {
				t.Errorf("%s of %d: %d colours", shape, side, len(colours))
			}
		}
	}
}

// A place of any size and form can be hidden, to its last point.
func TestAnyPlaceIsHidden(t *testing.T) {
	for _, c := range []struct{ w, h int }{{1, 1}, {3, 200}, {200, 3}, {37, 53}} {
		m, _ := edited(t, noise(c.w, c.h, 3), "rect 0 0 1 1")
		seen := map[color.RGBA]bool{}
		for y := range c.h {
			for x := range c.w {
				seen[m.RGBAAt(x, y)] = true
			}
		}
		if c.w*c.h > 100 && len(seen) > c.w*c.h/2 {
			t.Errorf("%d × %d: %d colours stay", c.w, c.h, len(seen))
		}
	}
	clear := image.NewNRGBA(image.Rect(0, 0, 40, 40))
	m, _ := edited(t, clear, "oval 0 0 1 1")
	if p := m.RGBAAt(20, 20); p != (color.RGBA{}) {
		t.Errorf("what is transparent is %v", p)
	}
}

func TestStrangeGesturesAreRefused(t *testing.T) {
	for _, s := range []string{
		"", "turn", "turn 0", "turn 4", "turn -1", "turn 1 1", "crop", "crop 0 0 0 0", "crop 0 0 1", "rect -0.1 0 1 1", "rect 0 0 2 1", "oval NaN 0 1 1",
		"oval 0 0 Inf 1", "oval 0 0 1 1 1", "draw 0 0 1 1", "rect 0 0 1e-400 1", strings.Repeat("rect ", 100),
	} {
		if _, err := ParseEdits([]string{s}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := ParseEdits(slices.Repeat([]string{"turn 1"}, EditsMax+1)); errs.KindOf(err) != errs.Invalid {
		t.Errorf("any number: %v", err)
	}
}

func FuzzEdits(f *testing.F) {
	f.Add("turn 1\nrect 0.1 0.2 0.3 0.4\ncrop 0.5 0.5 1e-9 1")
	f.Add("oval 0 0 1 1\ncrop 1 1 1 1\noval 0.999 0 1 1")
	m := image.NewRGBA(image.Rect(0, 0, 37, 23))
	f.Fuzz(func(t *testing.T, s string) {
		list, err := ParseEdits(strings.Split(s, "\n"))
		if err != nil {
			return
		}
		p := image.NewRGBA(m.Rect)
		for _, e := range list {
			if p = e.on(p); p.Rect.Empty() {
				t.Fatalf("%q leaves nothing", s)
			}
		}
	})
}
