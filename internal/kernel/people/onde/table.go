package onde

import (
	"strings"
	"unicode"
)

// row is one record and the line it starts on, the first of the file being 1.
type row struct {
	line  int
	cells []string
	long  bool // a cell or the row itself is absurdly long
}

func (r row) blank() bool {
	for _, c := range r.cells {
		if c != "" {
			return false
		}
	}
	return true
}

// split cuts a text into rows. encoding/csv is not used because these files
// come with quotes that open and never close, which make it swallow every
// pupil up to the next quote, and with lone CR line ends: here a quoted cell
// may span lines only when it then closes properly. It stops after max rows.
func split(text string, sep byte, max int) []row {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	text = strings.ReplaceAll(text, "\r", "\n")
	var rows []row
	width := 0 // cells of the widest one-line row so far
	for line := 1; text != "" && len(rows) < max; {
		end := strings.IndexByte(text, '\n')
		if end < 0 {
			end = len(text)
		}
		cells, open := cut(text[:end], sep)
		used := 1
		if open && width > 0 {
			if c, n, e := joined(text, end, sep, width); n > 0 {
				cells, used, end = c, n, e
			}
		}
		r := row{line: line, cells: cells}
		if used == 1 && len(cells) > width {
			width = len(cells)
		}
		if len(cells) > maxCells {
			r.cells, r.long = cells[:maxCells], true
		}
		for i, c := range r.cells {
			r.cells[i] = tidy(c)
			if len(r.cells[i]) > maxCell {
				r.cells[i], r.long = strings.ToValidUTF8(r.cells[i][:maxCell], ""), true
			}
		}
		rows = append(rows, r)
		line += used
		if end >= len(text) {
			break
		}
		text = text[end+1:]
	}
	return rows
}

// joined tries to close a quote left open at the end of a line with up to four
// lines that follow. The result must look like one row: no wider than the
// others, the cell that spans lines without any separator.
func joined(text string, end int, sep byte, width int) (cells []string, lines, stop int) {
	for n := 2; n <= 5 && end < len(text); n++ {
		next := strings.IndexByte(text[end+1:], '\n')
		if next < 0 {
			next = len(text)
		} else {
			next += end + 1
		}
		end = next
		cells, open := cut(text[:end], sep)
		if open {
			continue
		}
		if len(cells) > width {
			return nil, 0, 0
		}
		for _, c := range cells {
			if strings.Contains(c, "\n") && strings.IndexByte(c, sep) >= 0 {
				return nil, 0, 0
			}
		}
		return cells, n, end
	}
	return nil, 0, 0
}

// cut splits one record. A quote that opens a cell and finds no closing quote
// before a separator or the end is reported as open, and the cells are then
// those of the text taken without quotes. It stops one cell past the most that
// a row may have: a file of nothing but separators would cost a hundred times
// its size.
func cut(s string, sep byte) (cells []string, open bool) {
	rest := s
	for len(cells) <= maxCells {
		lead := strings.TrimLeft(rest, " ")
		if strings.HasPrefix(lead, `"`) {
			cell, after, ok := quoted(lead[1:], sep)
			if !ok {
				plain := strings.SplitN(s, string(sep), maxCells+2)
				for i, c := range plain {
					plain[i] = strings.Trim(strings.TrimSpace(c), `"`)
				}
				return plain, true
			}
			cells = append(cells, cell)
			if after < 0 {
				return cells, false
			}
			rest = lead[1:][after:]
			continue
		}
		i := strings.IndexByte(rest, sep)
		if i < 0 {
			return append(cells, rest), false
		}
		cells = append(cells, rest[:i])
		rest = rest[i+1:]
	}
	return cells, false
}

// quoted reads a cell after its opening quote. after is the offset just past
// the separator that follows, or -1 at the end of the record. A quote that is
// followed by something else than a quote, a separator or the end is a letter.
func quoted(s string, sep byte) (cell string, after int, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		k := i + 1
		for k < len(s) && s[k] == ' ' {
			k++
		}
		switch {
		case k == len(s):
			return b.String(), -1, true
		case s[k] == sep:
			return b.String(), k + 1, true
		case s[i+1] == '"':
			b.WriteByte('"')
			i++
		default:
			b.WriteByte('"')
		}
	}
	return "", 0, false
}

// tidy makes one line of a cell: no control, invisible or direction characters,
// single spaces, no spreadsheet wrapping (="0612345678").
func tidy(s string) string {
	if strings.HasPrefix(s, `="`) && strings.HasSuffix(s, `"`) && len(s) > 3 {
		s = s[2 : len(s)-1]
	}
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = true
			continue
		case r == unicode.ReplacementChar, unicode.Is(unicode.C, r):
			if r != unicode.ReplacementChar {
				continue
			}
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}
