package ui

import (
	"context"

	"marelle/internal/platform/i18n"
)

// PictureProps is a picture to be retouched: turned, cut, faces hidden, put in
// words. Any service shows it for a picture that its viewer may change.
type PictureProps struct {
	Action, Back  string
	Src           string
	Width, Height int
	Done          []string // gestures of a try that was refused
	Error         string   // of the gestures
	Alt, AltError string   // what it shows, in words
	Keep          bool     // whether the picture as it was can be kept
	Kept          bool     // and is
}

func (p PictureProps) alt(ctx context.Context) FieldProps {
	return FieldProps{Name: "description", Label: i18n.T(ctx, "ui.picture.alt"), Help: i18n.T(ctx, "ui.picture.alt_help"), Value: p.Alt, Error: p.AltError, Optional: true, Rows: 2}
}
