package sheet

import (
	"fmt"
	"io"
	"time"

	"marelle/internal/platform/i18n"
)

const (
	margin = 18.0
	inner  = pageW - 2*margin
	bottom = pageH - 24 // what stays free for the foot
)

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
	p.brand(margin, 15, 11)
	y, _ := p.fit(118, 19.5, pageW-margin-118, s.School, font{family, "B", 11}, 8, ink)
	if s.Class != "" {
		p.fit(118, y+5.5, pageW-margin-118, s.Class, font{family, "", 11}, 8, ink)
	}
	foot := font{family, "", 9.5}
	p.line(margin, pageH-12, p.t("sheet.lost"), foot, grey)
	p.right(pageW-margin, pageH-12, p.t("sheet.printed", "date", i18n.LongDate(s.Printed)), foot, grey)
}

func (p *page) sheet(s Sheet) error {
	p.head(s)
	y := 44.0
	small := 5 // children a page, with full-size boxes on the first
	if s.Adult != nil {
		y, _ = p.fit(margin, y, inner, s.Adult.Name, font{"title", "", 25}, 17, ink)
		y += 7
		p.line(margin, y, role(s.Adult, p.t("sheet.adult")), font{family, "", 12}, ink)
		y += 8
		x := margin + p.line(margin, y, p.t("sheet.open")+"\u00a0", font{family, "", 13}, ink)
		p.fit(x, y, pageW-margin-x, host(s.Address), font{family, "B", 13}, 8, ink)
		y += 5
		if err := p.account(margin, y, inner, 34, *s.Adult, 15); err != nil {
			return err
		}
		y += 34 + 6
		p.court(margin, y, 15)
		x = margin + 44
		p.line(x, y+4.2, p.t("sheet.steps")+" "+p.t("sheet.secret"), font{family, "B", 11}, ink)
		y = max(y+15, p.paragraph(x, y+9.2, pageW-margin-x, p.t("sheet.how"), font{family, "", 10}, ink)) + 10
	} else {
		x := margin + p.line(margin, y, p.t("sheet.open")+"\u00a0", font{family, "", 13}, ink)
		p.fit(x, y, pageW-margin-x, host(s.Address), font{family, "B", 13}, 8, ink)
		y = p.paragraph(margin, y+7, inner, p.t("sheet.secret")+" "+p.t("sheet.how"), font{family, "", 10}, ink) + 10
		small = 6
	}
	if len(s.Children) == 0 {
		return nil
	}
	if s.Adult != nil {
		p.line(margin, y, p.t("sheet.children", "n", len(s.Children)), font{"title", "", 15}, ink)
		y += 4
	}
	height := min(40, max(28, (bottom-y)/float64(min(small, len(s.Children)))))
	for i, c := range s.Children {
		if y+height > bottom+0.01 {
			p.head(s)
			y = 44
			if s.Adult != nil {
				y, _ = p.fit(margin, y, inner, p.t("sheet.continued", "name", s.Adult.Name), font{"title", "", 15}, 11, ink)
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
	p.pen(ink, 0.5)
	p.RoundedRect(x, y, w, h, 1.4, "1234", "D")
	side := h - 3
	inner := w - 8
	if o.URL != "" {
		if err := p.square(x+w-side-2, y+1.5, side, o.URL); err != nil {
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
	p.line(x, y, label, font{family, "", 11}, grey)
	if value == "" {
		p.line(x+column, y, p.t("sheet.active"), font{family, "B", 12}, ink)
		return
	}
	// A long sign-in name shrinks, then takes lines upwards of the label's.
	f := font{"mono", "", size}
	p.use(f, ink)
	if p.GetStringWidth(drawable(value)) > (w-column)*size/8.5 {
		y -= 2.5
	}
	p.fit(x+column, y, w-column, value, f, 8.5, ink)
}

// child draws one child's box.
func (p *page) child(y, h float64, c Person) error {
	p.pen(ink, 0.5)
	p.RoundedRect(margin, y, inner, h, 1.4, "1234", "D")
	side := min(h-2, 32)
	text := inner - 8
	if c.URL != "" {
		if err := p.square(pageW-margin-side-2, y+(h-side)/2, side, c.URL); err != nil {
			return err
		}
		text -= side + 2
	}
	x := margin + 4
	name, kind := font{"title", "", 13}, font{family, "", 9.5}
	p.use(kind, grey)
	r := drawable(role(&c, p.t("sheet.child")))
	beside := p.GetStringWidth(r) + 3
	p.use(name, ink)
	if own := p.GetStringWidth(drawable(c.Name)); own+beside <= text {
		p.line(x, y+h*0.27, c.Name, name, ink)
		p.line(x+own+3, y+h*0.27, r, kind, grey)
	} else {
		at, size := p.fit(x, y+h*0.20, text, c.Name, name, 8.5, ink)
		p.line(x, at+size*0.3528*0.9+1, r, font{family, "", 8.5}, grey)
	}
	p.pair(x, y+h*0.61, text, p.t("sheet.login"), c.Login, 13)
	p.pair(x, y+h*0.87, text, p.t("sheet.code"), c.Code, 15)
	return nil
}

// Slips writes eight slips a page with lines to cut along, two by four.
func Slips(w io.Writer, t T, printed time.Time, slips []Slip) error {
	p := newPage(t, printed)
	const cols, rows = 2, 4
	const sw, sh = pageW / cols, pageH / rows
	for i, s := range slips {
		if i%(cols*rows) == 0 {
			p.AddPage()
			p.cut(sw, 0, sw, pageH)
			for r := 1; r < rows; r++ {
				p.cut(0, sh*float64(r), pageW, sh*float64(r))
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
	p.brand(x, y+6, 6.5)
	class := font{family, "", 9}
	p.use(class, ink)
	if p.GetStringWidth(drawable(s.Class)) <= w-42 {
		p.right(x+w, y+10.5, s.Class, class, ink)
	} else {
		p.fit(x+42, y+10.5, w-42, s.Class, class, 6, ink)
	}
	at, _ := p.fit(x, y+21, w, s.Person.Name, font{"title", "", 14}, 9, ink)
	usual := p.t("sheet.adult")
	if s.Child {
		usual = p.t("sheet.child")
	}
	at += 4.6
	p.line(x, at, role(&s.Person, usual), font{family, "", 9}, ink)
	at += 5.2
	open := p.line(x, at, p.t("sheet.open")+"\u00a0", font{family, "", 9.5}, ink)
	text := w - side - 2
	if s.Person.URL == "" {
		text = w
	} else if err := p.square(x+w-side, y+28, side, s.Person.URL); err != nil {
		return err
	}
	p.fit(x+open, at, text-open, host(s.Address), font{family, "B", 9.5}, 6, ink)
	label := font{family, "", 8.5}
	p.line(x, y+40.5, p.t("sheet.login"), label, grey)
	login := y + 46
	if p.use(font{"mono", "", 7}, ink); p.GetStringWidth(drawable(s.Person.Login)) > text {
		login = y + 44 // several lines of the smallest size
	}
	p.fit(x, login, text, s.Person.Login, font{"mono", "", 12}, 7, ink)
	p.line(x, y+54, p.t("sheet.code"), label, grey)
	if s.Person.Code == "" {
		p.line(x, y+59.5, p.t("sheet.active"), font{family, "B", 10}, ink)
	} else {
		p.line(x, y+60, s.Person.Code, font{"mono", "", 15}, ink)
	}
	p.line(x, y+67.5, p.t("sheet.secret"), font{family, "", 9}, ink)
	return nil
}
