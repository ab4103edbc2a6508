package sheet

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

type rgb [3]int

// Colours of the symbol (tokens.css), the only ones on paper.
var (
	ink    = rgb{0x1A, 0x21, 0x38}
	grey   = rgb{0x41, 0x49, 0x60}
	yellow = rgb{0xFF, 0xC2, 0x1F}
	sky    = rgb{0x7C, 0xC4, 0xFF}
	pebble = rgb{0xD2, 0x34, 0x1A}
)

// page draws in millimetres on A4, from the top left corner.
type page struct {
	*fpdf.Fpdf
	t T
}

const (
	pageW, pageH = 210.0, 297.0
	family       = "text"
)

func newPage(t T, printed time.Time) *page {
	f := fpdf.New("P", "mm", "A4", "")
	f.SetMargins(0, 0, 0)
	f.SetAutoPageBreak(false, 0)
	f.SetCellMargin(0)
	f.AddUTF8FontFromBytes(family, "", fontText)
	f.AddUTF8FontFromBytes(family, "B", fontBold)
	f.AddUTF8FontFromBytes("mono", "", fontMono)
	f.AddUTF8FontFromBytes("title", "", fontTitle)
	f.SetTitle(t("sheet.title"), true)
	f.SetLang("fr")
	f.SetCreator("Marelle", true)
	f.SetCatalogSort(true) // the same sheets give the same bytes
	f.SetCreationDate(printed)
	f.SetModificationDate(printed)
	return &page{f, t}
}

func (p *page) fill(c rgb) { p.SetFillColor(c[0], c[1], c[2]) }
func (p *page) pen(c rgb, width float64) {
	p.SetDrawColor(c[0], c[1], c[2])
	p.SetLineWidth(width)
}

// font is a face of the sheet with its size in points.
type font struct {
	family, style string
	size          float64
}

func (p *page) use(f font, c rgb) {
	p.SetFont(f.family, f.style, f.size)
	p.SetTextColor(c[0], c[1], c[2])
}

// line writes s with its baseline at y and returns its width.
func (p *page) line(x, y float64, s string, f font, c rgb) float64 {
	s = drawable(s)
	p.use(f, c)
	p.Text(x, y, s)
	return p.GetStringWidth(s)
}

// right writes s so that it ends at x.
func (p *page) right(x, y float64, s string, f font, c rgb) {
	s = drawable(s)
	p.use(f, c)
	p.Text(x-p.GetStringWidth(s), y, s)
}

// drawable keeps what the PDF library can draw: the basic plane, no controls.
func drawable(s string) string {
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

// fit writes s within width w, smaller if need be (down to least points), then
// on several lines: a name or a sign-in name is never cut. y is the first
// baseline; it returns the last one and the size used.
func (p *page) fit(x, y, w float64, s string, f font, least float64, c rgb) (float64, float64) {
	s = drawable(s)
	p.use(f, c)
	if width := p.GetStringWidth(s); width > w {
		f.size = max(least, f.size*w/width*0.995)
		p.use(f, c)
	}
	lines := p.wrap(s, w)
	for i, l := range lines {
		if i > 0 {
			y += f.size * 0.3528 * 1.2 // points to millimetres, line height 1.2
		}
		p.Text(x, y, l)
	}
	return y, f.size
}

// wrap cuts s into lines of width w in the current font, at spaces, within a
// word only when it is too long for a line of its own.
func (p *page) wrap(s string, w float64) []string {
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

// paragraph writes a text in lines and returns the last baseline.
func (p *page) paragraph(x, y, w float64, s string, f font, c rgb) float64 {
	last, _ := p.fit(x, y, w, s+" ", font{f.family, f.style, f.size}, f.size, c)
	return last
}

// symbol draws the mark (symbole.svg, view box 4 6 56 51) with height h.
func (p *page) symbol(x, y, h float64) float64 {
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
		c    rgb
	}{{9, yellow}, {32, sky}} {
		p.fill(a.c)
		arch(a.left)
		p.ClosePath()
		p.DrawPath("F")
	}
	p.pen(ink, 7*k)
	arch(9)
	p.DrawPath("D")
	arch(32)
	p.DrawPath("D")
	p.fill(pebble)
	p.MoveTo(X(37.2), Y(45.4))
	p.CurveBezierCubicTo(X(37.2), Y(41.5), X(39.9), Y(39.1), X(43.7), Y(39.1))
	p.CurveBezierCubicTo(X(47.5), Y(39.1), X(50), Y(41.8), X(50), Y(45.2))
	p.CurveBezierCubicTo(X(50), Y(48.6), X(47.4), Y(51.5), X(43.5), Y(51.5))
	p.CurveBezierCubicTo(X(39.6), Y(51.5), X(37.2), Y(49.1), X(37.2), Y(45.4))
	p.DrawPath("F")
	return 56 * k
}

// brand writes the mark and the name; y is the top.
func (p *page) brand(x, y, h float64) {
	w := p.symbol(x, y, h)
	p.line(x+w+h*0.22, y+h*0.78, "Marelle", font{"title", "", h * 1.9}, ink)
}

// court draws the small hopscotch of five squares and its arch, with height h.
func (p *page) court(x, y, h float64) {
	k := h / 76
	p.pen(ink, 3.5*k)
	p.SetLineJoinStyle("round")
	number := font{"title", "", 21 * k / 0.3528}
	for i, s := range [][2]float64{{0, 19}, {38, 19}, {76, 0}, {76, 38}, {114, 19}} {
		p.Rect(x+s[0]*k, y+s[1]*k, 38*k, 38*k, "D")
		n := fmt.Sprint(i + 1)
		p.use(number, ink)
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

// square draws a QR code of side w, quiet zone included, as runs of vector
// rectangles: sharp at any size, and small.
func (p *page) square(x, y, w float64, text string) error {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return fmt.Errorf("QR code: %w", err)
	}
	const quiet = 2 // the paper around is white too
	m := w / float64(code.Size+2*quiet)
	p.fill(rgb{0, 0, 0})
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

// cut draws a dashed line to cut along.
func (p *page) cut(x1, y1, x2, y2 float64) {
	p.pen(grey, 0.25)
	p.SetDashPattern([]float64{2, 1.6}, 0)
	p.Line(x1, y1, x2, y2)
	p.SetDashPattern(nil, 0)
}
