// Package documents is the espace documentaire: files and folders of a person,
// shared with people and groups without moving. What is given on a folder holds
// for all that lies in it, for as long as it lies there. It refuses to know how
// bytes are kept, and what a file means to another service that shows it.
package documents

import (
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
)

// Document is the kind of resource that this service makes: a file or a folder.
const Document rights.Kind = "documents.document"

// What people are told of, beside the kind itself.
const (
	Shared    = "documents.shared"
	Added     = "documents.added"
	Versioned = "documents.version"
	Commented = "documents.comment"
	Full      = "documents.full"
)

// Space is the kind of what one is told of one's own space in a school by.
const Space rights.Kind = "documents.space"

// keepers are the profiles that have documents of their own.
var keepers = []rights.Profile{rights.Teacher, rights.Staff, rights.Head, rights.Relative, rights.Pupil}

// The needs of the service. Everybody but a guest has documents of their own;
// the rest is a role on one of them.
var (
	Keep         = rights.Can("documents.keep", keepers...)
	Reading      = rights.On(Document, rights.Read, "id")
	Commenting   = rights.On(Document, rights.Comment, "id")
	Contributing = rights.On(Document, rights.Contribute, "id")
	Managing     = rights.On(Document, rights.Manage, "id")
	Holding      = rights.On(Space, rights.Manage, "id")
	Rule         = rights.Can("documents.rule", rights.Head)
)

// Bounds of a space: what a tree of rights costs must not grow without end.
const (
	deepest     = 12     // folders within folders
	most        = 20_000 // files and folders of one person
	nameMax     = 120    // characters
	filesMax    = 20     // in one form
	choiceMax   = 200    // chosen in one list
	versionsMax = 20     // of one file, kept
	sharesMax   = 50     // in one form
	commentMax  = 2_000  // characters
	page        = 60     // lines of a list
)

// Item is a file or a folder as a page shows it.
type Item struct {
	ID        string
	School    string
	Owner     string
	Author    string
	Parent    string // "" at the top
	Folder    bool
	Name      string
	File      string // of the version in force; "" for a folder
	Type      string
	Size      int64
	Ready     bool   // the viewer may have its bytes: not yet those of somebody else's film that is in preparation
	Thumb     bool   // it has a small picture
	Alt       string // of a picture
	Drawn     int64  // when its points were changed last
	Version   int
	ChangedAt int64  `db:"changed_at"`
	First     string // of the owner
	Last      string
	Civility  string
	Within    int // how many things lie in a folder
	Starred   bool
	Fresh     bool  // still news to the viewer; only when one is asked for
	At        int64 // when it was given to the viewer, in what was shared with them
}

// Changed is when it was written last.
func (i Item) Changed(zone *time.Location) time.Time { return time.UnixMilli(i.ChangedAt).In(zone) }

// From is how others name the owner: "Mme Duvivier".
func (i Item) From() string { return people.Formal(i.Civility, i.First, i.Last) }

// Is says whether the file is of a sort: "image/", "audio/"…
func (i Item) Is(sort string) bool { return strings.HasPrefix(i.Type, sort) }

// face is the icon of a file and its paint.
func (i Item) face() (icon, paint string) {
	switch {
	case i.Folder:
		return "folder", "jaune"
	case i.Is("image/"):
		return "file-image", "rose"
	case i.Is("audio/"):
		return "file-audio", "lilas"
	case i.Is("video/"):
		return "file-video", "lilas"
	case i.Type == "application/pdf":
		return "file-pdf", "orange"
	case i.Type == "application/zip":
		return "file-zip", "jaune"
	case strings.Contains(i.Type, "spreadsheet") || strings.Contains(i.Type, "excel"):
		return "file-xls", "vert"
	}
	return "file-text", "ciel"
}

// cleanName is a name as it is kept: one line, without signs that hide.
func cleanName(field, name string) (string, error) {
	name = strings.Map(func(r rune) rune {
		switch {
		case r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == '/' || r == '\\':
			return ' '
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.Join(strings.Fields(name), " ")
	switch {
	case strings.Trim(name, ". ") == "":
		return "", errs.Field(field, "documents.name_missing")
	case utf8.RuneCountInString(name) > nameMax:
		return "", errs.Field(field, "documents.name_long", "n", nameMax)
	}
	return name, nil
}
