package app

import (
	"context"
	"net/url"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Shelf is where people keep files, as one service lends it to all others: what
// somebody finds on it they may join to whatever they write, as a file of their
// own that what becomes of the first does not touch.
type Shelf struct {
	// Look reads a page of it, as the viewer may see it.
	Look func(r *Request, o Looking) (Shown, error)
	// Take finds the files of some things in a school, among those that the grant's
	// viewer may read by now. One that is missing is all missing; a folder is
	// refused.
	Take func(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school string, ids []string) ([]Taken, error)
	// Retouch is the page where somebody turns, cuts or blurs a picture that they
	// joined to something.
	Retouch func(file string) string
}

// Looking says which part of a shelf is asked for.
type Looking struct {
	School string
	Place  string // Place.ID; the first when it is none
	Folder string // Thing.ID
	Words  string // searched everywhere
	After  string // Shown.Next of the page before
}

// Shown is a page of a shelf.
type Shown struct {
	Places []Place
	Way    []Place // the folders above, and the open one last
	Things []Thing
	Next   string
}

// Place is a part of a shelf, or a folder.
type Place struct {
	ID, Name string
	Current  bool
}

// Thing is a file or a folder on a shelf.
type Thing struct {
	ID, Name    string
	From        string // whose it is, when it is not the viewer's
	Type        string // "" for a folder
	Thumb       string // where its small picture is, if it has one
	Icon, Paint string
	Size        int64
	Within      int // things in a folder
	Folder      bool
}

// Taken is a file, and the name that it has on the shelf.
type Taken struct{ File, Name string }

// Retouching is where a picture of the viewer's is retouched, under its id, before
// one comes back to a page of ours: to what one writes.
func (c *Core) Retouching(file, back string) string {
	s := c.Shelf()
	if s == nil {
		return back
	}
	return s.Retouch(file) + "?" + url.Values{"retour": {back}}.Encode()
}

// Shelf is the one that a service lends; nil without one.
func (c *Core) Shelf() *Shelf {
	for _, a := range c.Apps {
		if a.Shelf != nil {
			return a.Shelf
		}
	}
	return nil
}
