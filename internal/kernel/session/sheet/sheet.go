// Package sheet draws connection sheets: the paper by which a family, a pupil
// or a colleague first enters, as PDF (one A4 for each adult with the codes of
// the adult's own children, or eight slips a page) and as CSV. It knows neither
// database nor secret: sign-in names, codes and links come ready from the
// caller, who also answers for whose children stand on whose sheet.
package sheet

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"marelle/internal/platform/csv"
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

// CSV writes one line a person, for a spreadsheet.
func CSV(w io.Writer, t T, slips []Slip) error {
	rows := [][]string{{t("sheet.column_class"), t("sheet.column_name"), t("sheet.column_role"), t("sheet.column_login"), t("sheet.column_code"), t("sheet.column_url")}}
	for _, s := range slips {
		role := s.Person.Role
		switch {
		case role != "":
		case s.Child:
			role = t("sheet.role_child")
		default:
			role = t("sheet.role_adult")
		}
		rows = append(rows, []string{s.Class, s.Person.Name, role, s.Person.Login, s.Person.Code, s.Address})
	}
	if err := csv.Write(w, rows); err != nil {
		return fmt.Errorf("connection sheets: %w", err)
	}
	return nil
}

// host is the address as people type it.
func host(address string) string {
	_, rest, ok := strings.Cut(address, "://")
	if !ok {
		rest = address
	}
	return strings.TrimSuffix(rest, "/")
}
