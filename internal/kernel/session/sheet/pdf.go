package sheet

import (
	"fmt"
	"io"
	"time"

	"marelle/internal/platform/i18n"
	"marelle/internal/platform/paper"
)

const (
	margin = 18.0
	inner  = paper.Width - 2*margin
	bottom = paper.Height - 24 // what stays free for the foot
)

// page is paper with the sentences of sheets.
type page struct {
	*paper.Page
	t T
}

func newPage(t T, printed time.Time) *page { return &page{paper.New(t("sheet.title"), printed), t} }

// PDF writes one A4 page for each sheet, black on white but for the mark. Texts
// stay text: they can be searched, copied and read aloud. The output is not
// tagged; the page that offers it should show the same as HTML.
func PDF(w io.Writer, t T, sheets []Sheet) error {
	var printed time.Time
	if len(sheets) > 0 {
		printed = sheets[0].Printed
	}
	p := newPage(t, printed)
	for _, s := range sheets {
		if err := p.sheet(s); err != nil {
			return fmt.Errorf("connection sheet: %w", err)
		}
	}
	if len(sheets) == 0 {
		p.AddPage()
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("connection sheets as PDF: %w", err)
	}
	return nil
}

func (p *page) head(s Sheet) {
	p.AddPage()
	p.Brand(margin, 15, 11)
	y, _ := p.Fit(118, 19.5, paper.Width-margin-118, s.School, paper.Bold(11), 8, paper.Ink)
	if s.Class != "" {
		p.Fit(118, y+5.5, paper.Width-margin-118, s.Class, paper.Plain(11), 8, paper.Ink)
	}
	foot := paper.Plain(9.5)
	p.Put(margin, paper.Height-12, p.t("sheet.lost"), foot, paper.Grey)
	p.PutRight(paper.Width-margin, paper.Height-12, p.t("sheet.printed", "date", i18n.LongDate(s.Printed)), foot, paper.Grey)
}

func (p *page) sheet(s Sheet) error {
	p.head(s)
	y := 44.0
	small := 5 // children a page, with full-size boxes on the first
	if s.Adult != nil {
		y, _ = p.Fit(margin, y, inner, s.Adult.Name, paper.Heading(25), 17, paper.Ink)
		y += 7
		p.Put(margin, y, role(s.Adult, p.t("sheet.adult")), paper.Plain(12), paper.Ink)
		y += 8
		x := margin + p.Put(margin, y, p.t("sheet.open")+"\u00a0", paper.Plain(13), paper.Ink)
		p.Fit(x, y, paper.Width-margin-x, host(s.Address), paper.Bold(13), 8, paper.Ink)
		y += 5
		if err := p.account(margin, y, inner, 34, *s.Adult, 15); err != nil {
			return err
		}
		y += 34 + 6
		p.Court(margin, y, 15)
		x = margin + 44
		p.Put(x, y+4.2, p.t("sheet.steps")+" "+p.t("sheet.secret"), paper.Bold(11), paper.Ink)
		y = max(y+15, p.Paragraph(x, y+9.2, paper.Width-margin-x, p.t("sheet.how"), paper.Plain(10), paper.Ink)) + 10
	} else {
		x := margin + p.Put(margin, y, p.t("sheet.open")+"\u00a0", paper.Plain(13), paper.Ink)
		p.Fit(x, y, paper.Width-margin-x, host(s.Address), paper.Bold(13), 8, paper.Ink)
		y = p.Paragraph(margin, y+7, inner, p.t("sheet.secret")+" "+p.t("sheet.how"), paper.Plain(10), paper.Ink) + 10
		small = 6
	}
	if len(s.Children) == 0 {
		return nil
	}
	if s.Adult != nil {
		p.Put(margin, y, p.t("sheet.children", "n", len(s.Children)), paper.Heading(15), paper.Ink)
		y += 4
	}
	height := min(40, max(28, (bottom-y)/float64(min(small, len(s.Children)))))
	for i, c := range s.Children {
		if y+height > bottom+0.01 {
			p.head(s)
			y = 44
			if s.Adult != nil {
				y, _ = p.Fit(margin, y, inner, p.t("sheet.continued", "name", s.Adult.Name), paper.Heading(15), 11, paper.Ink)
				y += 4
			}
			height = min(40, max(28, (bottom-y)/float64(min(6, len(s.Children)-i))))
		}
		if err := p.child(y, height-2, c); err != nil {
			return err
		}
		y += height
	}
	return nil
}

func role(o *Person, usual string) string {
	if o.Role != "" {
		return o.Role
	}
	return usual
}

// account draws the box with sign-in name, code and QR code.
func (p *page) account(x, y, w, h float64, o Person, size float64) error {
	p.Pen(paper.Ink, 0.5)
	p.RoundedRect(x, y, w, h, 1.4, "1234", "D")
	side := h - 3
	inner := w - 8
	if o.URL != "" {
		if err := p.QR(x+w-side-2, y+1.5, side, o.URL); err != nil {
			return err
		}
		inner -= side + 2
	}
	p.pair(x+4, y+h*0.42, inner, p.t("sheet.login"), o.Login, size)
	p.pair(x+4, y+h*0.78, inner, p.t("sheet.code"), o.Code, size)
	return nil
}

// pair writes a label and, in monospace, what to type.
func (p *page) pair(x, y, w float64, label, value string, size float64) {
	const column = 25
	p.Put(x, y, label, paper.Plain(11), paper.Grey)
	if value == "" {
		p.Put(x+column, y, p.t("sheet.active"), paper.Bold(12), paper.Ink)
		return
	}
	// A long sign-in name shrinks, then takes lines upwards of the label's.
	f := paper.Mono(size)
	p.Use(f, paper.Ink)
	if p.GetStringWidth(paper.Drawable(value)) > (w-column)*size/8.5 {
		y -= 2.5
	}
	p.Fit(x+column, y, w-column, value, f, 8.5, paper.Ink)
}

// child draws one child's box.
func (p *page) child(y, h float64, c Person) error {
	p.Pen(paper.Ink, 0.5)
	p.RoundedRect(margin, y, inner, h, 1.4, "1234", "D")
	side := min(h-2, 32)
	text := inner - 8
	if c.URL != "" {
		if err := p.QR(paper.Width-margin-side-2, y+(h-side)/2, side, c.URL); err != nil {
			return err
		}
		text -= side + 2
	}
	x := margin + 4
	name, kind := paper.Heading(13), paper.Plain(9.5)
	p.Use(kind, paper.Grey)
	r := paper.Drawable(role(&c, p.t("sheet.child")))
	beside := p.GetStringWidth(r) + 3
	p.Use(name, paper.Ink)
	if own := p.GetStringWidth(paper.Drawable(c.Name)); own+beside <= text {
		p.Put(x, y+h*0.27, c.Name, name, paper.Ink)
		p.Put(x+own+3, y+h*0.27, r, kind, paper.Grey)
	} else {
		at, size := p.Fit(x, y+h*0.20, text, c.Name, name, 8.5, paper.Ink)
		p.Put(x, at+size*0.3528*0.9+1, r, paper.Plain(8.5), paper.Grey)
	}
	p.pair(x, y+h*0.61, text, p.t("sheet.login"), c.Login, 13)
	p.pair(x, y+h*0.87, text, p.t("sheet.code"), c.Code, 15)
	return nil
}

// Slips writes eight slips a page with lines to cut along, two by four.
func Slips(w io.Writer, t T, printed time.Time, slips []Slip) error {
	p := newPage(t, printed)
	const cols, rows = 2, 4
	const sw, sh = paper.Width / cols, paper.Height / rows
	for i, s := range slips {
		if i%(cols*rows) == 0 {
			p.AddPage()
			p.Cut(sw, 0, sw, paper.Height)
			for r := 1; r < rows; r++ {
				p.Cut(0, sh*float64(r), paper.Width, sh*float64(r))
			}
		}
		n := i % (cols * rows)
		if err := p.slip(sw*float64(n%cols), sh*float64(n/cols), sw, sh, s); err != nil {
			return fmt.Errorf("connection slip: %w", err)
		}
	}
	if len(slips) == 0 {
		p.AddPage()
	}
	if err := p.Output(w); err != nil {
		return fmt.Errorf("connection slips as PDF: %w", err)
	}
	return nil
}

func (p *page) slip(x, y, w, h float64, s Slip) error {
	const pad, side = 8.0, 27.0
	x, w = x+pad, w-2*pad
	p.Brand(x, y+6, 6.5)
	class := paper.Plain(9)
	p.Use(class, paper.Ink)
	if p.GetStringWidth(paper.Drawable(s.Class)) <= w-42 {
		p.PutRight(x+w, y+10.5, s.Class, class, paper.Ink)
	} else {
		p.Fit(x+42, y+10.5, w-42, s.Class, class, 6, paper.Ink)
	}
	at, _ := p.Fit(x, y+21, w, s.Person.Name, paper.Heading(14), 9, paper.Ink)
	usual := p.t("sheet.adult")
	if s.Child {
		usual = p.t("sheet.child")
	}
	at += 4.6
	p.Put(x, at, role(&s.Person, usual), paper.Plain(9), paper.Ink)
	at += 5.2
	open := p.Put(x, at, p.t("sheet.open")+"\u00a0", paper.Plain(9.5), paper.Ink)
	text := w - side - 2
	if s.Person.URL == "" {
		text = w
	} else if err := p.QR(x+w-side, y+28, side, s.Person.URL); err != nil {
		return err
	}
	p.Fit(x+open, at, text-open, host(s.Address), paper.Bold(9.5), 6, paper.Ink)
	label := paper.Plain(8.5)
	p.Put(x, y+40.5, p.t("sheet.login"), label, paper.Grey)
	login := y + 46
	if p.Use(paper.Mono(7), paper.Ink); p.GetStringWidth(paper.Drawable(s.Person.Login)) > text {
		login = y + 44 // several lines of the smallest size
	}
	p.Fit(x, login, text, s.Person.Login, paper.Mono(12), 7, paper.Ink)
	p.Put(x, y+54, p.t("sheet.code"), label, paper.Grey)
	if s.Person.Code == "" {
		p.Put(x, y+59.5, p.t("sheet.active"), paper.Bold(10), paper.Ink)
	} else {
		p.Put(x, y+60, s.Person.Code, paper.Mono(15), paper.Ink)
	}
	p.Put(x, y+67.5, p.t("sheet.secret"), paper.Plain(9), paper.Ink)
	return nil
}
