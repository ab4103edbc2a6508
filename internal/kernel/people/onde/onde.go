// Package onde reads what a head has in hand, the CSV extractions of ONDE (the
// ministry's pupil database for primary schools) and the hand-made lists that
// go with them, and says what an import would change in a school's directory.
//
// It is pure: bytes and a Snapshot in, values out. It refuses to know the
// database, HTTP, accounts, codes and sessions; whoever applies a Plan writes
// it in one transaction. It decides nothing that a person must decide: doubtful
// cases come out as Cases, with the choices offered, and block nothing else.
//
// The order of work is Read (one File per file), Compare (one Plan), then
// Plan.Summary, Plan.Report or Plan.Write to show it.
package onde

import (
	"embed"
	"io/fs"

	"marelle/internal/platform/errs"
)

//go:embed i18n/fr.json
var embedded embed.FS

// Messages returns the catalogue of this package, fr.json at its root.
func Messages() fs.FS {
	sub, err := fs.Sub(embedded, "i18n")
	if err != nil { // cannot happen: the path above is constant and embedded
		panic(err)
	}
	return sub
}

// Bounds of one file. The largest school of France has under 1,000 pupils: a
// file beyond them is a mistake or an attack.
const (
	MaxBytes = 20_000_000 // bytes
	MaxRows  = 50_000     // rows under the header
	maxCells = 400        // cells of a row: 13 columns and 96 children
	maxCell  = 1_000      // characters of a cell
	maxName  = 100        // characters of a name
)

// Kind says whom a file lists.
type Kind string

// The three kinds of file.
const (
	Pupils    Kind = "pupils"
	Relatives Kind = "relatives"
	Teachers  Kind = "teachers"
)

// File is one file as read. Exactly one of Pupils, Relatives and Teachers is
// filled, as Kind says.
type File struct {
	Name string
	Kind Kind
	// Complete says that each class in the file is there with all its pupils:
	// an extraction of the school or of classes, as opposed to one "par groupe
	// d'élèves" (neither INE nor class) or a hand-made list. Only a complete
	// file can show a departure.
	Complete bool

	Pupils    []Pupil
	Relatives []Relative
	Teachers  []Teacher

	Rejected []Rejected
	// Ignored counts the rows left aside on purpose: "organismes d'accueil",
	// footers, repeated headers, pupils struck off. Blank rows are not counted.
	Ignored int
}

// Rejected is a row that could not be read, and what to do about it.
type Rejected struct {
	File    string
	Line    int // in the file, the header being line 1
	Message errs.Message
	// name is the folded name when it could be read: the person is in the file,
	// so a departure must not be concluded from the missing record.
	name string
}

// Name is a person's civil identity, cased for display ("D’Hautefeuille"); Raw
// keeps the three cells as the file has them.
type Name struct {
	Family, Use, First string
	Raw                RawName
}

// RawName is a name as the file writes it (ONDE: upper-case family names).
type RawName struct{ Family, Use, First string }

// Full writes the name people use: first name, then use name or family name.
func (n Name) Full() string {
	last := n.Use
	if last == "" {
		last = n.Family
	}
	switch {
	case n.First == "":
		return last
	case last == "":
		return n.First
	}
	return n.First + " " + last
}

// Address is a postal address as the file writes it.
type Address struct{ Street, Postcode, City, Country string }

// Pupil is one row of a pupils file.
type Pupil struct {
	Line int
	Name
	Birth   string // 2006-01-02, or "" when the file has none
	Sex     string // "F", "M" or ""
	INE     string // upper case, 10 or 11 characters, or "" when missing or malformed
	RawINE  string
	Class   string // label as written
	ClassID string // "Identifiant classe" of ONDE
	Level   string // TPS … CM2, or ""
	Cycle   string // "1" to "4", or ""

	Addresses []Address
	// Photo is ONDE's "Autorisation photo" ("yes", "no" or ""): a hint for the
	// head. It is not the consent of the law on images, which is per project.
	Photo string
}

// ChildRef is how a parents file names a child: neither INE nor, most often,
// birth date, and a class label that may differ from the pupils file.
type ChildRef struct {
	Name
	Birth string
	Class string
}

// Relative is one row of a parents file.
type Relative struct {
	Line     int
	Civility string // "M.", "Mme" or ""
	Name
	Address  Address
	Email    string // lower case, or "" when missing or not an address
	RawEmail string
	Phones   []string // mobile, home, work; ten digits in pairs when French
	Children []ChildRef
}

// Teacher is one row of a teachers file.
type Teacher struct {
	Line     int
	Civility string
	Name
	Email    string
	RawEmail string
	Phones   []string
	Head     bool // "Directeur" is Oui
	Classes  []string
}
