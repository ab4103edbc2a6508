package web

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// typedMax is how much of a refused form is kept to be given back.
const typedMax = 512 << 10

// Typed are the fields of a posted form as far as they came, so that the page
// that refuses it can give back what was typed: those that were read already, or
// the first 512 kB of what was not. files says that it also brought files, which
// nobody can give back.
func Typed(w http.ResponseWriter, r *http.Request) (fields url.Values, files bool) {
	kind, params, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if r.PostForm != nil || r.MultipartForm != nil {
		return r.PostForm, r.MultipartForm != nil && len(r.MultipartForm.File) > 0
	}
	if kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
		return nil, false
	}
	head := &prefix{ReadCloser: Steady(w, r)}
	_, _ = io.CopyN(io.Discard, head, typedMax) // what came is enough
	head.give(r, params["boundary"])
	return r.PostForm, r.MultipartForm != nil && len(r.MultipartForm.File) > 0
}

// prefix remembers the first bytes of a body.
type prefix struct {
	io.ReadCloser
	head bytes.Buffer
	more bool
}

func (p *prefix) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	keep := min(n, typedMax-p.head.Len())
	p.head.Write(b[:keep])
	p.more = p.more || keep < n
	return n, err
}

// give puts into r the fields that came whole, of a multipart body with a
// boundary, of an urlencoded one without; and of its files that they were there.
func (p *prefix) give(r *http.Request, boundary string) {
	if boundary == "" {
		s := p.head.String()
		if p.more {
			s = s[:max(strings.LastIndexByte(s, '&'), 0)]
		}
		fields, _ := url.ParseQuery(s) // what can be read of it
		r.PostForm = plainly(fields)
		return
	}
	fields, files := url.Values{}, map[string][]*multipart.FileHeader{}
	for parts := multipart.NewReader(&p.head, boundary); ; {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		name := part.FormName()
		if part.FileName() != "" {
			files[name] = nil
		} else if b, err := io.ReadAll(part); err == nil && name != "" {
			fields.Add(name, string(b))
		}
	}
	r.PostForm, r.MultipartForm = plainly(fields), &multipart.Form{File: files}
}

func plainly(fields url.Values) url.Values {
	for _, vs := range fields {
		for i, v := range vs {
			vs[i] = text(v)
		}
	}
	return fields
}
