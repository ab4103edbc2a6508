package liaison

import (
	"fmt"
	"io"
	"strings"
	"time"

	"marelle/internal/platform/i18n"
	"marelle/internal/platform/paper"
)

// handout is a word as it is printed for families without a screen.
type handout struct {
	say     func(key string, pairs ...any) string
	school  string
	title   string
	text    string // plain
	from    string
	due     string // in words, or ""
	ask     Ask
	asked   string // the question
	choices []Choice
	pieces  int // files that are not printed
	printed time.Time
	link    func(pupil string) string // of the square
}

// Millimetres.
const (
	edge   = 16.0
	column = paper.Width - 2*edge
	side   = 34.0 // of the square
)

// font sizes in points, and the height of their lines.
const (
	textSize = 11.5
	leading  = textSize * 0.3528 * 1.32
)

// write draws a sheet for each family: the word to keep, a line to cut along,
// and the slip to send back. Short words stand two on a sheet.
func (o handout) write(w io.Writer, families []Family) error {
	p := slipPage{paper.New(o.title, o.printed), o}
	lines := p.lines()
	head, foot := 34+p.titleHeight(), p.slipHeight()
	half := head+float64(len(lines))*leading+foot <= paper.Height/2-8
	for i, f := range families {
		top := 0.0
		if half && i%2 == 1 {
			top = paper.Height / 2
			p.Cut(0, top, paper.Width, top)
		} else {
			p.AddPage()
		}
		bottom := paper.Height
		if half {
			bottom = top + paper.Height/2
		}
		if err := p.sheet(top, bottom, lines, f); err != nil {
			return fmt.Errorf("slips: %w", err)
		}
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("slips: %w", err)
	}
	return nil
}

type slipPage struct {
	*paper.Page
	handout
}

// lines are the text in lines of the column; "" is the space between paragraphs.
func (p slipPage) lines() (out []string) {
	p.Use(paper.Plain(textSize), paper.Ink)
	for _, l := range strings.Split(i18n.Spaces(p.text), "\n") {
		out = append(out, p.Wrap(paper.Drawable(l), column)...)
	}
	if p.pieces > 0 {
		out = append(out, "")
		out = append(out, p.Wrap(paper.Drawable(p.say("liaison.paper_files", "n", p.pieces)), column)...)
	}
	return out
}

func (p slipPage) titleHeight() float64 {
	p.Use(paper.Heading(17), paper.Ink)
	return float64(len(p.Wrap(paper.Drawable(i18n.Spaces(p.title)), column))) * 17 * 0.3528 * 1.2
}

// sheet draws one family's, between top and bottom; a long text goes on.
func (p slipPage) sheet(top, bottom float64, lines []string, f Family) error {
	y := top + 12
	p.Brand(edge, y-4, 8)
	p.PutRight(paper.Width-edge, y, p.school, paper.Bold(10), paper.Ink)
	p.PutRight(paper.Width-edge, y+5, strings.Trim(f.Class+" · "+p.from, " ·"), paper.Plain(10), paper.Ink)
	y, _ = p.Fit(edge, y+15, column, i18n.Spaces(p.title), paper.Heading(17), 17, paper.Ink)
	y += 8
	slip := p.slipHeight()
	for _, l := range lines {
		if y > bottom-slip-4 && y > paper.Height-edge {
			p.AddPage()
			y, bottom = edge+6, paper.Height
		}
		p.Put(edge, y, l, paper.Plain(textSize), paper.Ink)
		y += leading
	}
	if y > bottom-slip-2 {
		p.AddPage()
		bottom = paper.Height
	}
	return p.slip(bottom-slip, f)
}

// rows are what is ticked or filled in on a slip.
func (p slipPage) rows() []string {
	switch {
	case p.ask.Chosen():
		out := make([]string, len(p.choices))
		for i, c := range p.choices {
			out[i] = c.Label
		}
		return out
	case p.ask == AskText:
		return []string{""}
	case p.ask.Signed():
		return []string{p.say("liaison.paper_signed")}
	}
	return []string{p.say("liaison.paper_read")}
}

const row = 8.0

func (p slipPage) question() []string {
	if !p.ask.Answered() {
		return nil
	}
	p.Use(paper.Bold(11), paper.Ink)
	return p.Wrap(paper.Drawable(i18n.Spaces(p.asked)), column-side-8)
}

func (p slipPage) slipHeight() float64 {
	p.Use(paper.Plain(11), paper.Ink)
	n := 0
	for _, r := range p.rows() {
		n += len(p.Wrap(paper.Drawable(r), column-side-18))
	}
	h := 26 + float64(len(p.question()))*5.2 + float64(n)*row + p.signatures()
	return max(h, side+18) + 8
}

func (p slipPage) signatures() float64 {
	switch p.ask {
	case AskText:
		return 2*9 + 14
	case SignBoth:
		return 2 * 14
	}
	return 14
}

// slip draws what is cut off and sent back, from y down.
func (p slipPage) slip(y float64, f Family) error {
	p.Cut(8, y, paper.Width-8, y)
	small := paper.Plain(9)
	back := p.say("liaison.paper_back")
	if p.due != "" {
		back = p.say("liaison.paper_back_before", "day", p.due)
	}
	p.Put(edge, y+6, back, small, paper.Grey)
	if err := p.QR(paper.Width-edge-side+2, y+6, side, p.link(f.Pupil)); err != nil {
		return err
	}
	width := column - side - 6
	at, _ := p.Fit(edge, y+14, width, f.Name(), paper.Heading(15), 10, paper.Ink)
	about := i18n.Spaces(p.title)
	if f.Class != "" {
		about = f.Class + " · " + about
	}
	at, _ = p.Fit(edge, at+5.5, width, about, small, 7, paper.Grey)
	at += 2
	for _, l := range p.question() {
		at += 5.2
		p.Put(edge, at, l, paper.Bold(11), paper.Ink)
	}
	for _, r := range p.rows() {
		at += row
		if p.ask == AskText {
			p.Pen(paper.Grey, 0.2)
			for range 2 {
				p.Line(edge, at, edge+width, at)
				at += 9
			}
			at -= row
			continue
		}
		p.Pen(paper.Ink, 0.5)
		p.Rect(edge, at-4.6, 5.4, 5.4, "D")
		p.Use(paper.Plain(11), paper.Ink)
		for i, l := range p.Wrap(paper.Drawable(r), width-10) {
			if i > 0 {
				at += row * 0.62
			}
			p.Put(edge+9, at, l, paper.Plain(11), paper.Ink)
		}
	}
	n := 1
	if p.ask == SignBoth {
		n = 2
	}
	for range n {
		at += 12
		p.Pen(paper.Grey, 0.2)
		x := edge + p.Put(edge, at, p.say("liaison.paper_date"), small, paper.Grey) + 2
		p.Line(x, at+0.6, x+30, at+0.6)
		x += 34
		x += p.Put(x, at, p.say("liaison.paper_signature"), small, paper.Grey) + 2
		p.Line(x, at+0.6, edge+width, at+0.6)
	}
	return nil
}
