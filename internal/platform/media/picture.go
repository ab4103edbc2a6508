package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os/exec"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/image/bmp"
	xdraw "golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Limits of a picture that comes in. A decoded point takes up to 8 bytes; what
// is held whole at twice the cost (progressive JPEG, 16 bits a channel) may have
// half the points.
const (
	MaxBytes  = 30_000_000
	MaxPixels = 32_000_000
)

// Sizes of what comes out: the longest side, in points, and the JPEG quality.
const (
	WebSide   = 1600
	ThumbSide = 400
	quality   = 82
)

// Options of one picture. Zero values take the sizes above; no Thumb, no
// thumbnail.
type Options struct {
	Side      int
	Thumb     io.Writer
	ThumbSide int
	PNG       bool // whatever its points, so that the end of a name stays true
}

// Info describes what was written.
type Info struct {
	Type                    Type // image/png when points are transparent, else image/jpeg; the thumbnail's too
	Width, Height           int
	ThumbWidth, ThumbHeight int
}

// Maker decodes pictures, a few at a time: one takes up to some 250 MB.
type Maker struct {
	slots   chan struct{}
	program string // that calls Child, to decode apart
	vips    string // the tool for what we do not read ourselves, if there is one
	films          // those for sound and video
	poppler string // the one that draws a page of a PDF
}

// NewMaker allows so many pictures at once; one is right for most machines. The
// program is the path of one that calls Child; without it no HEIC is read.
func NewMaker(parallel int, program string) *Maker {
	m := &Maker{slots: make(chan struct{}, max(1, parallel)), program: program}
	if program != "" {
		m.vips, _ = exec.LookPath("vipsthumbnail") // absent: those kinds are refused
		m.poppler, _ = exec.LookPath("pdftoppm")   // absent: a PDF has no picture
		m.films = findFilms()
	}
	return m
}

// Reads says whether Picture takes the kind on this machine.
func (m *Maker) Reads(t Type) bool {
	switch {
	case t.anew():
		return true
	case t.heic():
		return m.program != ""
	}
	return t.tooled() && m.vips != ""
}

// Picture reads a JPEG, PNG and GIF (their first image), WebP, BMP or HEIC, and what
// vipsthumbnail reads where it is installed (AVIF, TIFF), and writes it upright,
// within Side, without any metadata. Give r a stored file, not a slow connection:
// a slot is held while reading. Errors with a sentence: Invalid (not a picture,
// HEIC, broken), TooLarge (bytes or points).
func (m *Maker) Picture(ctx context.Context, r io.Reader, w io.Writer, o Options) (Info, error) {
	return m.picture(ctx, r, w, o, func(p *image.RGBA) *image.RGBA { return p })
}

// picture is Picture with a change of the points before they are written.
func (m *Maker) picture(ctx context.Context, r io.Reader, w io.Writer, o Options, change func(*image.RGBA) *image.RGBA) (Info, error) {
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		return Info{}, ctx.Err()
	}
	defer func() { <-m.slots }()

	src, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return Info{}, fmt.Errorf("reading a picture: %w", err)
	}
	if len(src) > MaxBytes {
		return Info{}, errs.New(errs.TooLarge, "media.too_heavy", "max", i18n.Size(MaxBytes))
	}
	img, s, err := m.decode(ctx, src, side(o.Side, WebSide))
	if err != nil {
		return Info{}, err
	}
	src = nil
	web := change(upright(shrink(img, side(o.Side, WebSide)), s.orientation))
	img = nil
	if err := ctx.Err(); err != nil {
		return Info{}, err
	}
	info := Info{Type: Type{"image/jpeg", ".jpg"}, Width: web.Rect.Dx(), Height: web.Rect.Dy()}
	if o.PNG || !web.Opaque() {
		info.Type = Type{"image/png", ".png"}
	}
	if err := encode(w, web, info.Type); err != nil {
		return Info{}, err
	}
	if o.Thumb == nil {
		return info, nil
	}
	thumb := shrink(web, side(o.ThumbSide, ThumbSide))
	info.ThumbWidth, info.ThumbHeight = thumb.Rect.Dx(), thumb.Rect.Dy()
	return info, encode(o.Thumb, thumb, info.Type)
}

func side(n, usual int) int {
	if n <= 0 {
		return usual
	}
	return n
}

// decode reads what Go reads by itself here, the rest apart.
func (m *Maker) decode(ctx context.Context, src []byte, side int) (image.Image, shape, error) {
	switch t := typeOf(mimetype.Detect(src)); {
	case t.heic():
		img, err := m.heic(ctx, src, side)
		return img, shape{}, err
	case t.tooled() && m.vips != "":
		png, err := m.thumbnail(ctx, src, side)
		if err != nil {
			return nil, shape{}, err
		}
		return decode(ctx, png)
	}
	return decode(ctx, src)
}

// decode checks the announced size before it decodes.
func decode(ctx context.Context, src []byte) (image.Image, shape, error) {
	t := typeOf(mimetype.Detect(src))
	var config func(io.Reader) (image.Config, error)
	var read func(io.Reader) (image.Image, error)
	switch {
	case t.MIME == "image/jpeg":
		config, read = jpeg.DecodeConfig, jpeg.Decode
	case t.MIME == "image/png", t.MIME == "image/apng":
		config, read = png.DecodeConfig, png.Decode
	case t.MIME == "image/gif":
		config, read = gif.DecodeConfig, gif.Decode
	case t.MIME == "image/webp":
		config, read = webp.DecodeConfig, webp.Decode
	case t.MIME == "image/bmp":
		config, read = bmp.DecodeConfig, bmp.Decode
	case t.Opaque():
		return nil, shape{}, errs.New(errs.Invalid, t.Unread())
	default:
		return nil, shape{}, errs.New(errs.Invalid, "media.unsupported")
	}
	c, err := config(bytes.NewReader(src))
	if err != nil || c.Width <= 0 || c.Height <= 0 {
		return nil, shape{}, errs.Wrap(errs.Invalid, err, "media.broken")
	}
	s := inspect(src)
	limit := int64(MaxPixels)
	if s.progressive || deep(c) {
		limit /= 2
	}
	if int64(c.Width)*int64(c.Height) > limit {
		return nil, s, errs.New(errs.TooLarge, "media.too_many_pixels", "max", limit/1_000_000)
	}
	img, err := read(&stoppable{ctx, bytes.NewReader(src)})
	switch {
	case ctx.Err() != nil:
		return nil, s, ctx.Err()
	case err != nil:
		return nil, s, errs.Wrap(errs.Invalid, err, "media.broken")
	case img.Bounds().Dx() != c.Width || img.Bounds().Dy() != c.Height:
		return nil, s, errs.New(errs.Invalid, "media.broken")
	}
	return img, s, nil
}

// stoppable ends a decoding in progress with its context.
type stoppable struct {
	ctx context.Context
	r   io.Reader
}

func (s *stoppable) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.r.Read(p[:min(len(p), 1<<16)])
}

// shrink returns the picture with its longest side at most n: halved by 2×2 means
// while it is more than twice too large, then CatmullRom (three times faster than
// CatmullRom alone, and sharp).
func shrink(src image.Image, n int) *image.RGBA {
	for longest(src) > 2*n && src.Bounds().Dx() > 1 && src.Bounds().Dy() > 1 {
		src = half(src)
	}
	b := src.Bounds()
	w, h := b.Dx(), b.Dy()
	if l := longest(src); l > n {
		w, h = max(1, (w*n+l/2)/l), max(1, (h*n+l/2)/l)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if w == b.Dx() && h == b.Dy() {
		draw.Draw(dst, dst.Rect, src, b.Min, draw.Src)
	} else {
		xdraw.CatmullRom.Scale(dst, dst.Rect, src, b, draw.Src, nil)
	}
	return dst
}

func longest(m image.Image) int { return max(m.Bounds().Dx(), m.Bounds().Dy()) }

// half makes each 2×2 block one point, two rows at a time, so that a large
// picture is never held a second time in full. An odd last row or column is left
// out.
func half(src image.Image) *image.RGBA {
	b := src.Bounds()
	w, h := b.Dx()/2, b.Dy()/2
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	band := image.NewRGBA(image.Rect(0, 0, b.Dx(), 2))
	for y := range h {
		draw.Draw(band, band.Rect, src, image.Pt(b.Min.X, b.Min.Y+2*y), draw.Src)
		top, low := band.Pix[:band.Stride], band.Pix[band.Stride:]
		out := dst.Pix[y*dst.Stride:]
		for x := range w {
			for c := range 4 {
				i := 8*x + c
				out[4*x+c] = uint8((uint(top[i]) + uint(top[i+4]) + uint(low[i]) + uint(low[i+4]) + 2) / 4)
			}
		}
	}
	return dst
}

// upright applies an EXIF orientation.
func upright(m *image.RGBA, o int) *image.RGBA {
	if o <= 1 || o > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if o >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			var dx, dy int
			switch o {
			case 2: // mirrored left to right
				dx, dy = w-1-x, y
			case 3: // upside down
				dx, dy = w-1-x, h-1-y
			case 4: // mirrored top to bottom
				dx, dy = x, h-1-y
			case 5: // transposed
				dx, dy = y, x
			case 6: // to be turned clockwise
				dx, dy = h-1-y, x
			case 7: // transposed along the other diagonal
				dx, dy = h-1-y, w-1-x
			case 8: // to be turned anticlockwise
				dx, dy = y, w-1-x
			}
			copy(out.Pix[dy*out.Stride+4*dx:][:4], m.Pix[y*m.Stride+4*x:][:4])
		}
	}
	return out
}

func encode(w io.Writer, m *image.RGBA, t Type) error {
	var err error
	if t.MIME == "image/png" {
		err = (&png.Encoder{CompressionLevel: png.DefaultCompression}).Encode(w, m)
	} else {
		err = jpeg.Encode(w, m, &jpeg.Options{Quality: quality})
	}
	if err != nil {
		return fmt.Errorf("writing a picture: %w", err)
	}
	return nil
}

// deep says whether a point takes 16 bits a channel.
func deep(c image.Config) bool {
	switch c.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model, color.Alpha16Model:
		return true
	}
	return false
}
