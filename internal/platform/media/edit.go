package media

import (
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"io"
	"math"
	"strconv"
	"strings"

	xdraw "golang.org/x/image/draw"

	"marelle/internal/platform/errs"
)

// EditsMax is how many gestures one edit takes: a whole class, face by face.
const EditsMax = 60

// Edit is one gesture on a picture: a turn, a cut, a place made unreadable.
type Edit struct {
	what string
	n    int // quarter turns, clockwise
	// Where, in parts of the picture as the gestures before it left it.
	x, y, w, h float64
}

// The gestures, as forms write them: "turn 1", "crop x y w h", "oval x y w h".
const (
	turn = "turn"
	crop = "crop"
	rect = "rect" // made unreadable
	oval = "oval" // made unreadable
)

// Hides says whether something that was seen is no longer: then what the picture
// was before must not stay where others find it.
func (e Edit) Hides() bool { return e.what != turn }

// ParseEdits reads gestures, in their order. What no form of ours writes is
// refused.
func ParseEdits(list []string) ([]Edit, error) {
	if len(list) > EditsMax {
		return nil, errs.New(errs.Invalid, "media.edits_many", "n", EditsMax)
	}
	out := make([]Edit, len(list))
	for n, s := range list {
		var err error
		if out[n], err = parseEdit(s); err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "error.form")
		}
	}
	return out, nil
}

func parseEdit(s string) (Edit, error) {
	words := strings.Fields(s)
	if len(s) > 120 || len(words) == 0 {
		return Edit{}, fmt.Errorf("edit: %.120q", s)
	}
	e := Edit{what: words[0]}
	var err error
	switch {
	case e.what == turn && len(words) == 2:
		if e.n, err = strconv.Atoi(words[1]); err == nil && e.n >= 1 && e.n <= 3 {
			return e, nil
		}
	case (e.what == crop || e.what == rect || e.what == oval) && len(words) == 5:
		for n, to := range []*float64{&e.x, &e.y, &e.w, &e.h} {
			if *to, err = strconv.ParseFloat(words[n+1], 64); err != nil || !(*to >= 0 && *to <= 1) { // NaN is neither
				return e, fmt.Errorf("edit: %q", s)
			}
		}
		if e.w > 0 && e.h > 0 {
			return e, nil
		}
	}
	return e, fmt.Errorf("edit: %q", s)
}

// Edited applies gestures to a picture and writes it, and a thumbnail, as
// Picture does: what the gestures took away is in neither.
func (m *Maker) Edited(ctx context.Context, r io.Reader, w io.Writer, list []Edit, o Options) (Info, error) {
	return m.picture(ctx, r, w, o, func(p *image.RGBA) *image.RGBA {
		for _, e := range list {
			p = e.on(p)
		}
		return p
	})
}

func (e Edit) on(m *image.RGBA) *image.RGBA {
	switch e.what {
	case turn:
		return upright(m, []int{1, 6, 3, 8}[e.n])
	case crop:
		out := e.place(m.Rect)
		c := image.NewRGBA(image.Rect(0, 0, out.Dx(), out.Dy()))
		draw.Draw(c, c.Rect, m, out.Min, draw.Src)
		return c
	}
	blur(m, e.place(m.Rect), e.what == oval)
	return m
}

// place is where the gesture is, in points: at least one, and none left out that
// it touches.
func (e Edit) place(b image.Rectangle) image.Rectangle {
	w, h := float64(b.Dx()), float64(b.Dy())
	x0, y0 := min(int(e.x*w), b.Dx()-1), min(int(e.y*h), b.Dy()-1)
	x1, y1 := min(int(math.Ceil((e.x+e.w)*w)), b.Dx()), min(int(math.Ceil((e.y+e.h)*h)), b.Dy())
	return image.Rect(x0, y0, max(x1, x0+1), max(y1, y0+1)).Add(b.Min)
}

// cells is how many squares the longer side of a place made unreadable has.
const cells = 5

// blur makes a place unreadable for good. A blur alone can be undone, for it only
// mixes points (deconvolution finds them again), and small squares can be matched
// with faces that one knows. So the place becomes squares first, five along its
// longer side whatever its size in points: some twenty colours, rounded to
// sixteen steps each, are all that is left of it. They are drawn large again with
// soft edges, for the eye; that can give nothing back.
func blur(m *image.RGBA, at image.Rectangle, round bool) {
	side := max(1, (max(at.Dx(), at.Dy())+cells-1)/cells)
	few := image.NewRGBA(image.Rect(0, 0, (at.Dx()+side-1)/side, (at.Dy()+side-1)/side))
	for y := range few.Rect.Dy() {
		for x := range few.Rect.Dx() {
			square := image.Rect(x, y, x+1, y+1)
			square = image.Rectangle{square.Min.Mul(side), square.Max.Mul(side)}.Add(at.Min).Intersect(at)
			few.SetRGBA(x, y, mean(m, square))
		}
	}
	soft := image.NewRGBA(image.Rect(0, 0, at.Dx(), at.Dy()))
	xdraw.BiLinear.Scale(soft, soft.Rect, few, few.Rect, draw.Src, nil)
	for y := range at.Dy() {
		from, to := 0, at.Dx()
		if round { // the points of the row that the oval touches
			v := max(0, math.Abs(float64(2*y+1-at.Dy()))-1) / float64(at.Dy())
			half := math.Sqrt(1-v*v) * float64(at.Dx()) / 2
			from, to = max(0, int(float64(at.Dx())/2-half)), min(at.Dx(), int(math.Ceil(float64(at.Dx())/2+half)))
		}
		copy(m.Pix[m.PixOffset(at.Min.X+from, at.Min.Y+y):][:4*(to-from)], soft.Pix[soft.PixOffset(from, y):])
	}
}

// mean is the colour of a square, in sixteen steps.
func mean(m *image.RGBA, square image.Rectangle) color.RGBA {
	var sum [4]int
	for y := square.Min.Y; y < square.Max.Y; y++ {
		row := m.Pix[m.PixOffset(square.Min.X, y):]
		for x := range square.Dx() {
			for c := range sum {
				sum[c] += int(row[4*x+c])
			}
		}
	}
	n := square.Dx() * square.Dy()
	a := uint8(sum[3] / n)
	step := func(c int) uint8 { return min(uint8(sum[c]/n/16*16+8), a) } // premultiplied: no colour exceeds it
	return color.RGBA{step(0), step(1), step(2), a}
}
