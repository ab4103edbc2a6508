// Package paper draws what is printed and handed out: A4 pages with the fonts and
// the mark, lines that never run out of their width, QR codes that stay sharp
// and lines to cut along. It knows nothing of what is written on them.
package paper

import (
	_ "embed"
	"fmt"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"rsc.io/qr"
)

// The fonts are under the SIL Open Font License (texts beside them).
var (
	//go:embed fonts/AtkinsonHyperlegibleNext_400Regular.ttf
	fontText []byte
	//go:embed fonts/AtkinsonHyperlegibleNext_700Bold.ttf
	fontBold []byte
	//go:embed fonts/AtkinsonHyperlegibleMono_700Bold.ttf
	fontMono []byte
	//go:embed fonts/BricolageGrotesque_800ExtraBold.ttf
	fontTitle []byte
)

// RGB is a colour.
type RGB [3]int

// Colours of the symbol (tokens.css), the only ones on paper.
var (
	Ink    = RGB{0x1A, 0x21, 0x38}
	Grey   = RGB{0x41, 0x49, 0x60}
	yellow = RGB{0xFF, 0xC2, 0x1F}
	sky    = RGB{0x7C, 0xC4, 0xFF}
	pebble = RGB{0xD2, 0x34, 0x1A}
)

// Page draws in millimetres on A4, from the top left corner.
type Page struct{ *fpdf.Fpdf }

// The size of a sheet.
const Width, Height = 210.0, 297.0

const (
	body  = "text"
	title = "title"
	mono  = "mono"
)

// New makes a document without a page yet.
func New(name string, printed time.Time) *Page {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetMargins(0, 0, 0)
	f.SetAutoPageBreak(false, 0)
	f.SetCellMargin(0)
	f.AddUTF8FontFromBytes(body, "", fontText)
	f.AddUTF8FontFromBytes(body, "B", fontBold)
	f.AddUTF8FontFromBytes(mono, "", fontMono)
	f.AddUTF8FontFromBytes(title, "", fontTitle)
	f.SetTitle(name, true)
	f.SetLang("fr")
	f.SetCreator("Marelle", true)
	f.SetCatalogSort(true) // the same pages give the same bytes
	f.SetCreationDate(printed)
	f.SetModificationDate(printed)
	return &Page{f}
}

// Fill chooses the colour of surfaces.
func (p *Page) Fill(c RGB) { p.SetFillColor(c[0], c[1], c[2]) }

// Pen chooses the colour and the width of lines.
func (p *Page) Pen(c RGB, width float64) {
	p.SetDrawColor(c[0], c[1], c[2])
	p.SetLineWidth(width)
}

// Font is a face with its size in points.
type Font struct {
	face, style string
	Size        float64
}

// Plain is the font of texts.
func Plain(size float64) Font { return Font{body, "", size} }

// Bold is Plain, in bold.
func Bold(size float64) Font { return Font{body, "B", size} }

// Heading is the font of titles.
func Heading(size float64) Font { return Font{title, "", size} }

// Mono is the font of what is typed letter by letter.
func Mono(size float64) Font { return Font{mono, "", size} }

// Use chooses a font and its colour.
func (p *Page) Use(f Font, c RGB) {
	p.SetFont(f.face, f.style, f.Size)
	p.SetTextColor(c[0], c[1], c[2])
}

// Put writes s with its baseline at y and returns its width.
func (p *Page) Put(x, y float64, s string, f Font, c RGB) float64 {
	s = Drawable(s)
	p.Use(f, c)
	p.Text(x, y, s)
	return p.GetStringWidth(s)
}

// PutRight writes s so that it ends at x.
func (p *Page) PutRight(x, y float64, s string, f Font, c RGB) {
	s = Drawable(s)
	p.Use(f, c)
	p.Text(x-p.GetStringWidth(s), y, s)
}

// Drawable keeps what the PDF library can draw: the basic plane, no controls.
func Drawable(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r > 0xFFFF:
			return '\uFFFD'
		case r < ' ':
			return ' '
		case r == '\u202f': // the fonts have no narrow space; this one is as unbreakable
			return '\u00a0'
		}
		return r
	}, s)
}

// Fit writes s within width w, smaller if need be (down to least points), then
// on several lines: a name or a sign-in name is never cut. y is the first
// baseline; it returns the last one and the size used.
func (p *Page) Fit(x, y, w float64, s string, f Font, least float64, c RGB) (float64, float64) {
	s = Drawable(s)
	p.Use(f, c)
	if width := p.GetStringWidth(s); width > w {
		f.Size = max(least, f.Size*w/width*0.995)
		p.Use(f, c)
	}
	lines := p.Wrap(s, w)
	for i, l := range lines {
		if i > 0 {
			y += f.Size * 0.3528 * 1.2 // points to millimetres, line height 1.2
		}
		p.Text(x, y, l)
	}
	return y, f.Size
}

// Wrap cuts s into lines of width w in the current font, at spaces, within a
// word only when it is too long for a line of its own.
func (p *Page) Wrap(s string, w float64) []string {
	var lines []string
	cur := ""
	for _, word := range strings.Split(s, " ") {
		if cur != "" && p.GetStringWidth(cur+" "+word) <= w {
			cur += " " + word
			continue
		}
		if cur != "" {
			lines = append(lines, cur)
		}
		cur = ""
		for _, r := range word {
			if cur != "" && p.GetStringWidth(cur+string(r)) > w {
				lines = append(lines, cur)
				cur = ""
			}
			cur += string(r)
		}
	}
	return append(lines, cur)
}

// Paragraph writes a text in lines and returns the last baseline.
func (p *Page) Paragraph(x, y, w float64, s string, f Font, c RGB) float64 {
	last, _ := p.Fit(x, y, w, s+" ", f, f.Size, c)
	return last
}

// symbol draws the mark (symbole.svg, view box 4 6 56 51) with height h.
func (p *Page) symbol(x, y, h float64) float64 {
	k := h / 51
	X := func(v float64) float64 { return x + (v-4)*k }
	Y := func(v float64) float64 { return y + (v-6)*k }
	const r, bend = 11.5, 11.5 * 0.5523 // a quarter circle as a Bézier curve
	arch := func(left float64) {
		p.MoveTo(X(left), Y(56))
		p.LineTo(X(left), Y(23))
		p.CurveBezierCubicTo(X(left), Y(23-bend), X(left+r-bend), Y(23-r), X(left+r), Y(23-r))
		p.CurveBezierCubicTo(X(left+r+bend), Y(23-r), X(left+2*r), Y(23-bend), X(left+2*r), Y(23))
		p.LineTo(X(left+2*r), Y(56))
	}
	p.SetLineJoinStyle("miter")
	p.SetLineCapStyle("butt")
	for _, a := range []struct {
		left float64
		c    RGB
	}{{9, yellow}, {32, sky}} {
		p.Fill(a.c)
		arch(a.left)
		p.ClosePath()
		p.DrawPath("F")
	}
	p.Pen(Ink, 7*k)
	arch(9)
	p.DrawPath("D")
	arch(32)
	p.DrawPath("D")
	p.Fill(pebble)
	p.MoveTo(X(37.2), Y(45.4))
	p.CurveBezierCubicTo(X(37.2), Y(41.5), X(39.9), Y(39.1), X(43.7), Y(39.1))
	p.CurveBezierCubicTo(X(47.5), Y(39.1), X(50), Y(41.8), X(50), Y(45.2))
	p.CurveBezierCubicTo(X(50), Y(48.6), X(47.4), Y(51.5), X(43.5), Y(51.5))
	p.CurveBezierCubicTo(X(39.6), Y(51.5), X(37.2), Y(49.1), X(37.2), Y(45.4))
	p.DrawPath("F")
	return 56 * k
}

// Brand writes the mark and the name; y is the top.
func (p *Page) Brand(x, y, h float64) {
	w := p.symbol(x, y, h)
	p.Put(x+w+h*0.22, y+h*0.78, "Marelle", Heading(h*1.9), Ink)
}

// Court draws the small hopscotch of five squares and its arch, with height h.
func (p *Page) Court(x, y, h float64) {
	k := h / 76
	p.Pen(Ink, 3.5*k)
	p.SetLineJoinStyle("round")
	number := Heading(21 * k / 0.3528)
	for i, s := range [][2]float64{{0, 19}, {38, 19}, {76, 0}, {76, 38}, {114, 19}} {
		p.Rect(x+s[0]*k, y+s[1]*k, 38*k, 38*k, "D")
		n := fmt.Sprint(i + 1)
		p.Use(number, Ink)
		p.Text(x+(s[0]+19)*k-p.GetStringWidth(n)/2, y+(s[1]+26.5)*k, n)
	}
	const a, b = 36 * 0.5523, 38 * 0.5523
	X := func(v float64) float64 { return x + v*k }
	Y := func(v float64) float64 { return y + v*k }
	p.MoveTo(X(152), Y(0))
	p.CurveBezierCubicTo(X(152+a), Y(0), X(188), Y(38-b), X(188), Y(38))
	p.CurveBezierCubicTo(X(188), Y(38+b), X(152+a), Y(76), X(152), Y(76))
	p.ClosePath()
	p.DrawPath("D")
}

// QR draws a QR code of side w, quiet zone included, as runs of vector
// rectangles: sharp at any size, and small.
func (p *Page) QR(x, y, w float64, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	const quiet = 2 // the paper around is white too
	m := w / float64(code.Size+2*quiet)
	p.Fill(RGB{0, 0, 0})
	for row := range code.Size {
		for col := 0; col < code.Size; {
			if !code.Black(col, row) {
				col++
				continue
			}
			from := col
			for col < code.Size && code.Black(col, row) {
				col++
			}
			// A hair of overlap hides the seams of some readers.
			p.Rect(x+float64(quiet+from)*m, y+float64(quiet+row)*m, float64(col-from)*m, m*1.02, "F")
		}
	}
	return nil
}

// Cut draws a dashed line to cut along.
func (p *Page) Cut(x1, y1, x2, y2 float64) {
	p.Pen(Grey, 0.25)
	p.SetDashPattern([]float64{2, 1.6}, 0)
	p.Line(x1, y1, x2, y2)
	p.SetDashPattern(nil, 0)
}
