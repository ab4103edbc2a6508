package ui

// PictureProps is a picture to be retouched: turned, cut, faces hidden, put in
// words. Any service shows it for a picture that its viewer may change.
type PictureProps struct {
	Action, Back  string
	Src           string
	Width, Height int
	Done          []string // gestures of a try that was refused
	Alt           FieldProps
	Error         string // of the gestures
	Keep          bool   // whether the picture as it was can be kept
	Kept          bool   // and is
}

func (p PictureProps) faults() []FieldError {
	return Errors(FieldProps{Name: "geste", ID: "retouche", Error: p.Error}, p.Alt)
}
