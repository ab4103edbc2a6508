// Package sheet draws connection sheets: the paper by which a family, a pupil
// or a colleague first enters, as PDF (one A4 for each adult with the codes of
// the adult's own children, or eight slips a page) and as CSV. It knows neither
// database nor secret: sign-in names, codes and links come ready from the
// caller, who also answers for whose children stand on whose sheet.
package sheet

import (
	"embed"
	"encoding/csv"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

//go:embed i18n
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// T gives the sentence of a key: the method T of i18n.Catalog.
type T func(key string, pairs ...any) string

// Person is one account on paper.
type Person struct {
	Name  string // as shown: "Marie Dupont"
	Role  string // in words; empty for the usual one (responsable, élève)
	Login string
	Code  string // as shown: XXXX-XXXX-XXX; empty when the account is active
	URL   string // for the QR code, with the secret after #; empty without a code
}

// Sheet is one A4 page (more when the children do not fit): an adult with the
// adult's own children, or, with Adult nil, children alone.
type Sheet struct {
	School   string
	Class    string
	Address  string // base URL of the school's server, without the secret
	Printed  time.Time
	Adult    *Person
	Children []Person
}

// Slip is an eighth of a page for one person, and a line of the CSV.
type Slip struct {
	School  string
	Class   string
	Address string
	Child   bool
	Person  Person
}

// CSV writes one line a person: UTF-8 with a byte order mark and semicolons, as
// spreadsheets in French expect. A cell that a spreadsheet would take for a
// formula (first character = + - @, tab or carriage return) gets an apostrophe
// before it (OWASP, CSV injection).
func CSV(w io.Writer, t T, slips []Slip) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return fmt.Errorf("connection sheets as CSV: %w", err)
	}
	c := csv.NewWriter(w)
	c.Comma, c.UseCRLF = ';', true
	c.Write([]string{t("sheet.column_class"), t("sheet.column_name"), t("sheet.column_role"), t("sheet.column_login"), t("sheet.column_code"), t("sheet.column_url")})
	for _, s := range slips {
		role := s.Person.Role
		switch {
		case role != "":
		case s.Child:
			role = t("sheet.role_child")
		default:
			role = t("sheet.role_adult")
		}
		cells := []string{s.Class, s.Person.Name, role, s.Person.Login, s.Person.Code, s.Address}
		for i := range cells {
			cells[i] = Cell(cells[i])
		}
		c.Write(cells)
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("connection sheets as CSV: %w", err)
	}
	return nil
}

// Cell makes a text harmless in a spreadsheet.
func Cell(s string) string {
	if s != "" && strings.IndexByte("=+-@\t\r", s[0]) >= 0 {
		return "'" + s
	}
	return s
}

// host is the address as people type it.
func host(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		rest = address
	}
	return strings.TrimSuffix(rest, "/")
}
