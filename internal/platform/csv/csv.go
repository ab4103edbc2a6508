// Package csv writes lines for a spreadsheet as people open it in French: UTF-8
// with a byte order mark, semicolons, and no cell that would be run as a
// formula. It knows nothing of what the lines say, and reads none.
package csv

import (
	"encoding/csv"
	"fmt"
	"io"
	"strings"
)

// Write writes rows, the heads first.
func Write(w io.Writer, rows [][]string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	c := csv.NewWriter(w)
	c.Comma, c.UseCRLF = ';', true
	for _, row := range rows {
		cells := make([]string, len(row))
		for i := range row {
			cells[i] = cell(row[i])
		}
		if err := c.Write(cells); err != nil {
			return fmt.Errorf("csv: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("csv: %w", err)
	}
	return nil
}

// cell makes a text harmless in a spreadsheet: one that it would take for a
// formula (first character = + - @, tab or carriage return) gets an apostrophe
// before it (OWASP, CSV injection).
func cell(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}
