// Package media turns files from people into files that are safe to show:
// pictures are decoded and drawn anew, so that nothing but their points
// survives (no place, no date, no name of a phone, no second file hidden in the
// first); pictures that it cannot draw are refused. It knows neither who sent a file nor where it is kept.
//
// PDFs are kept as they are, metadata and all: rewriting them would break forms
// and signatures. Sound and video are written anew by ffmpeg where the machine has
// it; office files are only recognised.
package media

import (
	"bytes"
	"embed"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
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

// Drawing says whether it is an SVG, which is shown by <img> alone: there its
// scripts do not run and its links load nothing.
func (t Type) Drawing() bool { return t.MIME == "image/svg+xml" }

// heic says whether it is a photo as phones take them, AVIF aside.
func (t Type) heic() bool { return strings.HasPrefix(t.MIME, "image/hei") }

// anew says whether Go alone draws it anew.
func (t Type) anew() bool {
	return t.Picture() || t.MIME == "image/bmp" || t.MIME == "image/apng"
}

// tooled says whether vipsthumbnail may draw it anew.
func (t Type) tooled() bool {
	switch t.MIME {
	case "image/tiff", "image/jp2", "image/jpx", "image/jpm", "image/jxl", "image/jxr", "image/avif":
		return true
	}
	return t.heic()
}

// Opaque says whether it is a picture that Go alone cannot draw anew: it may carry
// a place and a date, or a whole photo below what is seen. Plans and scanned
// books are documents, as PDFs are.
func (t Type) Opaque() bool {
	switch t.MIME {
	case "image/vnd.dwg", "image/vnd.dxf", "image/vnd.djvu":
		return false
	}
	return strings.HasPrefix(t.MIME, "image/") && !t.anew() && !t.Drawing()
}

// Unread is the key of the sentence that refuses a picture which is not drawn anew.
func (t Type) Unread() string {
	if t.tooled() {
		return "media.heic"
	}
	return "media.layers"
}

// raw are the first bytes of photos as cameras keep them, where they are not a TIFF.
var raw = []string{"IIRO", "IIRS", "MMOR", "IIU\x00", "FUJIFILMCCD-RAW", "\x00MRM", "FOVb", "II\x1a\x00\x00\x00HEAPCCDR"}

func rawPhoto(head []byte) bool {
	if len(head) > 12 && string(head[4:12]) == "ftypcrx " { // Canon's, in the box of a film
		return true
	}
	return slices.ContainsFunc(raw, func(s string) bool { return bytes.HasPrefix(head, []byte(s)) })
}

// programs are what a machine runs, by content.
var programs = []string{
	"application/vnd.microsoft.portable-executable", "application/x-elf", "application/x-executable", "application/x-object",
	"application/x-sharedlib", "application/x-coredump", "application/x-mach-binary", "application/x-java-applet", "application/x-java-class", "application/java-archive", "application/jar",
	"application/vnd.android.package-archive", "application/x-ms-installer", "application/x-ms-shortcut", "application/x-shockwave-flash", "application/wasm",
	"application/x-chrome-extension", "application/x-rpm", "application/vnd.debian.binary-package", "application/x-python", "text/x-python", "text/x-perl", "text/x-ruby", "text/x-lua", "text/x-tcl", "text/x-php", "text/x-shellscript",
}

// scripts are the ends of names that make a computer run a file when it is
// opened with two taps, whatever is in it.
var scripts = []string{
	"apk", "app", "appx", "bat", "cmd", "com", "cpl", "deb", "dll", "exe", "gadget", "hta", "jar", "js", "jse", "lnk", "mjs", "msc", "msi", "msix", "msp",
	"pif", "ps1", "psm1", "reg", "rpm", "scf", "scr", "sh", "vb", "vbe", "vbs", "ws", "wsf", "wsh", "xll",
}

// Program says whether a file is something that a machine runs, by its content or
// by its name, and how it is called: ".exe".
func (t Type) Program(name string) (string, bool) {
	end := strings.ToLower(strings.TrimLeft(path.Ext(strings.TrimRight(name, ". ")), "."))
	if slices.Contains(scripts, end) {
		return "." + end, true
	}
	if slices.Contains(programs, t.MIME) {
		if t.Ext != "" {
			return t.Ext, true
		}
		return t.MIME, true
	}
	return "", false
}

// Served is the type under which a file is handed out. What a browser would run
// or draw by itself (a page, a script) goes out as plain text, and what it does
// not know as bytes.
func Served(mime string) string {
	switch {
	case Type{MIME: mime}.Picture(), Type{MIME: mime}.Drawing(), mime == "application/pdf":
		return mime
	case strings.HasPrefix(mime, "audio/"), strings.HasPrefix(mime, "video/"):
		return mime
	case strings.HasPrefix(mime, "application/vnd."), mime == "application/zip", mime == "application/msword", mime == "application/epub+zip":
		return mime
	case strings.HasPrefix(mime, "text/"), strings.HasSuffix(mime, "+xml"), strings.HasSuffix(mime, "/xml"), strings.HasSuffix(mime, "javascript"), strings.HasSuffix(mime, "json"):
		return "text/plain"
	}
	return "application/octet-stream"
}

// Sniff recognises a file by its first 3,072 bytes, which it takes from r.
func Sniff(r io.Reader) (Type, error) {
	head := make([]byte, sniffed)
	n, err := io.ReadFull(r, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return Type{}, fmt.Errorf("recognising a file: %w", err)
	}
	t := typeOf(mimetype.Detect(head[:n]))
	switch {
	case rawPhoto(head[:n]):
		return Type{MIME: "image/x-raw"}, nil
	case t.MIME == "video/mp4" && heardMP4(head[:n]):
		return Type{MIME: "audio/mp4", Ext: ".m4a"}, nil
	case t.MIME == "video/webm" && bytes.Contains(head[:n], []byte("A_OPUS")) && !bytes.Contains(head[:n], []byte("V_")):
		return Type{MIME: "audio/webm", Ext: ".weba"}, nil
	}
	return t, nil
}

// sniffed is how much of a file is looked at to recognise it.
const sniffed = 3072

// heardMP4 says whether what an MP4 announces at its head is sound alone, as
// browsers record it: the box "moov" whole, with handlers of sound and none of
// pictures (ISO/IEC 14496-12, 8.4.3).
func heardMP4(head []byte) bool {
	for len(head) >= 8 {
		size := int(binary.BigEndian.Uint32(head))
		if size < 8 || size > len(head) {
			return false
		}
		if string(head[4:8]) == "moov" {
			sound := false
			for rest := head[8:size]; ; {
				at := bytes.Index(rest, []byte("hdlr"))
				if at < 0 || len(rest) < at+16 {
					return sound
				}
				switch string(rest[at+12 : at+16]) {
				case "soun":
					sound = true
				case "vide":
					return false
				}
				rest = rest[at+16:]
			}
		}
		head = head[size:]
	}
	return false
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
