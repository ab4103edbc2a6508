// Package media turns files from people into files that are safe to show:
// pictures are decoded and drawn anew, so that nothing but their points
// survives (no place, no date, no name of a phone, no second file hidden in the
// first). It knows neither who sent a file nor where it is kept.
//
// PDFs are kept as they are, metadata and all: rewriting them would break forms
// and signatures. Sound, video and office files are only recognised.
package media

import (
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

//go:embed i18n
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// Type is what a file is by its content, whatever its name says.
type Type struct {
	MIME string // without parameters: "image/jpeg"
	Ext  string // with the dot: ".jpg"; empty when unknown
}

// Picture says whether Maker.Picture can read it.
func (t Type) Picture() bool {
	switch t.MIME {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return true
	}
	return false
}

// Audio and Video go by the family of the type.
func (t Type) Audio() bool { return strings.HasPrefix(t.MIME, "audio/") }
func (t Type) Video() bool { return strings.HasPrefix(t.MIME, "video/") }

// modern says whether it is one of the HEIF family, which we cannot read.
func (t Type) modern() bool {
	return strings.HasPrefix(t.MIME, "image/hei") || t.MIME == "image/avif"
}

// Sniff recognises a file by its first 3,072 bytes, which it takes from r.
func Sniff(r io.Reader) (Type, error) {
	m, err := mimetype.DetectReader(r)
	if err != nil {
		return Type{}, fmt.Errorf("recognising a file: %w", err)
	}
	return typeOf(m), nil
}

func typeOf(m *mimetype.MIME) Type {
	kind, _, _ := strings.Cut(m.String(), ";")
	return Type{MIME: kind, Ext: m.Extension()}
}

// PDF checks that a file of size bytes is one: %PDF- within its first 1,024
// bytes (ISO 32000-1, implementation note 13), and at most max bytes (0: any).
func PDF(r io.Reader, size, max int64) error {
	if max > 0 && size > max {
		return errs.New(errs.TooLarge, "media.pdf_too_heavy", "max", i18n.Size(max))
	}
	head := make([]byte, 1024)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return fmt.Errorf("reading a PDF: %w", err)
	}
	if !strings.Contains(string(head[:n]), "%PDF-") {
		return errs.New(errs.Invalid, "media.not_pdf")
	}
	return nil
}
