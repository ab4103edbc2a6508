package ui

import "net/url"

// PickerProps is the window in which files are chosen among those that somebody
// has here.
type PickerProps struct {
	Action string     // where what is chosen is sent
	Search string     // the window's address, without what Fixed repeats
	Fixed  url.Values // what every address of this window says
	Words  string     // searched
	Places []Tab
	Way    []Crumb // the folders above
	Here   string  // the open folder
	Files  []PickerFile
	Next   string
	Back   string // the form, for who has no script
	Error  string
	Most   int // files at once
}

// PickerFile is a folder, which Href opens, or a file to choose.
type PickerFile struct {
	ID, Name, Caption string
	Icon, Paint       string
	Thumb             string // a small picture of it
	Href              string
	Unfit             bool // may not be joined there
	Chosen            bool
}

// top is the way to the place that an open folder lies in.
func (p PickerProps) top() []Crumb {
	for _, t := range p.Places {
		if t.Current {
			return []Crumb{{Label: t.Label, Href: t.Href}}
		}
	}
	return nil
}
