package media

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/net/html/charset"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// A drawing is written anew like a picture: what is not copied cannot leak. What
// is copied is what is drawn; the photos that it carries pass through the same
// pipeline as photos that come alone.

// What a drawing may carry, all its photos together.
const (
	carriedMax = 200
	carriedPix = 4 * MaxPixels
	nestedMax  = 3 // drawings in drawings
	// carriedSide is larger than that of a page: a photo may be a corner of a poster.
	carriedSide = 2 * WebSide
)

// The names of what is drawn. What drawing programs add of their own (folders of
// who drew, the whole file of the program again) has other ones.
const (
	svgNS   = "http://www.w3.org/2000/svg"
	xlinkNS = "http://www.w3.org/1999/xlink"
	xmlNS   = "http://www.w3.org/XML/1998/namespace"
)

var drawnNS = map[string]bool{"": true, svgNS: true, "http://www.w3.org/1999/xhtml": true, "http://www.w3.org/1998/Math/MathML": true}

// Drawing reads an SVG and writes it without its metadata, its comments and what
// programs noted in it, the photos in it drawn anew. Errors with a sentence:
// Invalid (cannot be read), TooLarge.
func (m *Maker) Drawing(ctx context.Context, r io.Reader, w io.Writer) error {
	select {
	case m.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.slots }()
	src, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return fmt.Errorf("reading a drawing: %w", err)
	}
	if len(src) > MaxBytes {
		return errs.New(errs.TooLarge, "media.too_heavy", "max", i18n.Size(MaxBytes))
	}
	out, err := (&drawing{ctx: ctx, m: m, pictures: carriedMax, points: carriedPix}).clean(src, 0)
	if err != nil {
		return err
	}
	_, err = w.Write(out)
	return err
}

// drawing is what is left of the bounds of one drawing.
type drawing struct {
	ctx      context.Context
	m        *Maker
	pictures int
	points   int
}

var (
	inText = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#13;")
	inAttr = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "\n", "&#10;", "\r", "&#13;", "\t", "&#9;")
)

func (d *drawing) clean(src []byte, depth int) ([]byte, error) {
	if depth > nestedMax {
		return nil, errs.New(errs.Invalid, "media.broken")
	}
	x := xml.NewDecoder(&stoppable{d.ctx, bytes.NewReader(src)})
	x.CharsetReader = charset.NewReaderLabel
	var out bytes.Buffer
	out.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	spaces := []string{""} // those of the elements that are open, and of what is around
	for {
		token, err := x.Token()
		if d.ctx.Err() != nil {
			return nil, d.ctx.Err()
		}
		if err != nil { // or an end before there is a drawing
			return nil, errs.Wrap(errs.Invalid, err, "media.broken")
		}
		switch t := token.(type) {
		case xml.Directive:
			if x.Entity, err = entities(t, bytes.Count(src, []byte("&"))); err != nil {
				return nil, errs.Wrap(errs.Invalid, err, "media.broken")
			}
		case xml.StartElement:
			if !drawnNS[t.Name.Space] || strings.EqualFold(t.Name.Local, "metadata") || strings.EqualFold(t.Name.Local, "script") {
				if len(spaces) == 1 {
					return nil, errs.New(errs.Invalid, "media.broken")
				}
				if err := x.Skip(); err != nil {
					return nil, errs.Wrap(errs.Invalid, err, "media.broken")
				}
				continue
			}
			out.WriteString("<" + t.Name.Local)
			if len(spaces) == 1 {
				out.WriteString(` xmlns:xlink="` + xlinkNS + `"`)
			}
			if t.Name.Space != spaces[len(spaces)-1] {
				out.WriteString(` xmlns="` + t.Name.Space + `"`)
			}
			spaces = append(spaces, t.Name.Space)
			for _, a := range t.Attr {
				if err := d.attribute(&out, a, depth); err != nil {
					return nil, err
				}
			}
			out.WriteString(">")
		case xml.EndElement:
			out.WriteString("</" + t.Name.Local + ">")
			if spaces = spaces[:len(spaces)-1]; len(spaces) == 1 {
				return out.Bytes(), nil // nothing is drawn of what follows
			}
		case xml.CharData:
			if len(spaces) == 1 {
				continue
			}
			text, err := d.text(string(t), depth)
			if err != nil {
				return nil, err
			}
			out.WriteString(inText.Replace(text))
		}
	}
}

// attribute writes what something is drawn by; scripts, and paths on the disk of who
// drew, are not.
func (d *drawing) attribute(out *bytes.Buffer, a xml.Attr, depth int) error {
	name := a.Name.Local
	switch a.Name.Space {
	case "":
		if name == "xmlns" || strings.HasPrefix(strings.ToLower(name), "on") {
			return nil
		}
	case xlinkNS, "xlink":
		name = "xlink:" + name
	case xmlNS:
		name = "xml:" + name
	default:
		return nil
	}
	value := strings.TrimSpace(a.Value)
	var err error
	switch {
	case len(value) > 5 && strings.EqualFold(value[:5], "file:"):
		return nil
	case len(value) > 5 && strings.EqualFold(value[:5], "data:") && strings.Contains(value, ","):
		value, err = d.carried(value, depth)
	default:
		value, err = d.text(a.Value, depth)
	}
	if err == nil {
		out.WriteString(" " + name + `="` + inAttr.Replace(value) + `"`)
	}
	return err
}

var dataURI = regexp.MustCompile(`(?i)\bdata:[a-z0-9.+/-]*(;[a-z0-9.+_-]+(=[^;,"'()\s]*)?)*,`)

// text cleans the data: addresses within a text: styles, mostly.
func (d *drawing) text(s string, depth int) (string, error) {
	var out strings.Builder
	for {
		at := dataURI.FindStringIndex(s)
		if at == nil {
			break
		}
		end := len(s)
		rest := s[at[1]:]
		before := byte(0)
		if at[0] > 0 {
			before = s[at[0]-1]
		}
		switch before {
		case '"', '\'':
			if n := strings.IndexByte(rest, before); n >= 0 {
				end = at[1] + n
			}
		case '(':
			if n := strings.IndexByte(rest, ')'); n >= 0 {
				end = at[1] + n
			}
		default:
			if n := strings.IndexFunc(rest, func(r rune) bool {
				return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("+/=%-_.~", r))
			}); n >= 0 {
				end = at[1] + n
			}
		}
		one, err := d.carried(s[at[0]:end], depth)
		if err != nil {
			return "", err
		}
		out.WriteString(s[:at[0]] + one)
		s = s[end:]
	}
	return out.String() + s, nil
}

// carried cleans one data: address. What is neither a picture, a drawing, a font
// nor a text goes.
func (d *drawing) carried(uri string, depth int) (string, error) {
	const gone = "data:,"
	head, body, _ := strings.Cut(uri, ",")
	plain, err := url.PathUnescape(body)
	if err != nil {
		plain = body // a lone % in a text
	}
	based := strings.HasSuffix(strings.ToLower(strings.TrimSpace(head)), ";base64")
	b, label := []byte(plain), ";base64"
	kind := typeOf(mimetype.Detect(b))
	if !kind.anew() && !kind.Opaque() && !kind.Drawing() { // some write base64 and do not say so
		if decoded, err := unbase(plain); err == nil {
			if k := typeOf(mimetype.Detect(decoded)); based || k.anew() || k.Opaque() || k.Drawing() {
				b, kind = decoded, k
				if !based {
					label = ""
				}
			}
		} else if based {
			return gone, nil
		}
	}
	switch {
	case kind.anew(), kind.Opaque():
		if b, kind, err = d.photo(b, kind); err != nil || b == nil {
			return gone, err
		}
	case kind.Drawing():
		if b, err = d.clean(b, depth+1); err != nil {
			return gone, err
		}
	case strings.HasPrefix(kind.MIME, "font/"), kind.MIME == "application/vnd.ms-fontobject":
	case strings.HasPrefix(kind.MIME, "text/"):
		if depth+1 > nestedMax {
			return gone, nil
		}
		text, err := d.text(string(b), depth+1)
		if err != nil || text == string(b) {
			return uri, err
		}
		return strings.TrimSuffix(head, ";base64") + ";base64," + base64.StdEncoding.EncodeToString([]byte(text)), nil
	default:
		return gone, nil
	}
	return "data:" + kind.MIME + label + "," + base64.StdEncoding.EncodeToString(b), nil
}

// photo draws a picture anew; nothing comes of one that cannot be seen anyway.
func (d *drawing) photo(src []byte, kind Type) ([]byte, Type, error) {
	if !d.m.Reads(kind) {
		return nil, kind, errs.New(errs.Invalid, kind.Unread())
	}
	if d.pictures--; d.pictures < 0 {
		return nil, kind, errs.New(errs.TooLarge, "media.drawing_full", "n", carriedMax)
	}
	img, s, err := d.m.decode(d.ctx, src, carriedSide)
	if e := errs.As(err); e != nil && e.Kind == errs.Invalid {
		return nil, kind, nil
	}
	if err != nil {
		return nil, kind, err
	}
	if d.points -= img.Bounds().Dx() * img.Bounds().Dy(); d.points < 0 {
		return nil, kind, errs.New(errs.TooLarge, "media.drawing_full", "n", carriedMax)
	}
	m := upright(shrink(img, carriedSide), s.orientation)
	to := Type{"image/jpeg", ".jpg"}
	if kind.MIME != "image/jpeg" && kind.MIME != "image/webp" || !m.Opaque() { // lines and letters stay sharp
		to = Type{"image/png", ".png"}
	}
	var out bytes.Buffer
	err = encode(&out, m, to)
	return out.Bytes(), to, err
}

// unbase reads base64 as browsers do: blanks do not count, nor what fills the end.
func unbase(s string) ([]byte, error) {
	s = strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \t\n\f\r", r) {
			return -1
		}
		return r
	}, s)
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(s, "="))
}

var entity = regexp.MustCompile(`<!ENTITY\s+([A-Za-z_][\w.-]*)\s+("[^"]*"|'[^']*')\s*>`)

// entities reads the short names that some programs declare before a drawing,
// unless what they stand for could grow or hide something.
func entities(of xml.Directive, uses int) (map[string]string, error) {
	out := map[string]string{}
	for _, e := range entity.FindAllSubmatch(of, -1) {
		v := string(e[2][1 : len(e[2])-1])
		if strings.ContainsAny(v, "&<%") || len(v)*uses > MaxBytes {
			return nil, fmt.Errorf("entity: %.100q", v)
		}
		out[string(e[1])] = v
	}
	return out, nil
}
