package dav

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/webdav"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// Bounds of what programs note beside one document.
const (
	propertiesMax  = 50
	propertiesSize = 16 << 10 // bytes
)

// properties are what programs note beside a document.
type properties []property

type property struct {
	Space string `json:"space,omitempty"`
	Name  string `json:"name"`
	Lang  string `json:"lang,omitempty"`
	XML   string `json:"xml,omitempty"`
}

func parse(body string) (p properties, err error) {
	if body == "" {
		return nil, nil
	}
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	return p, nil
}

func (p properties) set(x property) properties {
	p = p.drop(x)
	return append(p, x)
}

func (p properties) drop(x property) properties {
	var out properties
	for _, one := range p {
		if one.Space != x.Space || one.Name != x.Name {
			out = append(out, one)
		}
	}
	return out
}

// DeadProps are the properties that the library has no answer for: those that
// programs noted, and on demand who holds a lock and how much room there is.
func (f *reading) DeadProps() (map[xml.Name]webdav.Property, error) {
	noted, err := parse(f.e.Body)
	if err != nil {
		return nil, f.d.fails(err)
	}
	out := map[xml.Name]webdav.Property{}
	for _, p := range noted {
		name := xml.Name{Space: p.Space, Local: p.Name}
		out[name] = webdav.Property{XMLName: name, Lang: p.Lang, InnerXML: []byte(p.XML)}
	}
	own := func(local, inner string) {
		name := xml.Name{Space: "DAV:", Local: local}
		out[name] = webdav.Property{XMLName: name, InnerXML: []byte(inner)}
	}
	if f.d.discover && f.d.r.Method == "PROPFIND" {
		inner, err := f.d.discovered(f)
		if err != nil {
			return nil, f.d.fails(err)
		}
		own("lockdiscovery", inner)
	}
	if f.d.quota && f.e.dir() && f.e.school != "" && f.d.r.Method == "PROPFIND" {
		s, err := f.d.usage(f.e)
		if err != nil {
			return nil, f.d.fails(err)
		}
		own("quota-used-bytes", strconv.FormatInt(s.Used, 10))
		own("quota-available-bytes", strconv.FormatInt(max(0, s.Max-s.Used), 10))
	}
	return out, nil
}

// discovered writes the locks on an entry (RFC 4918, 15.8). The program's own
// word for whoever uses it goes back to its holder alone; others read a name.
func (d *drive) discovered(f *reading) (string, error) {
	if f.e.sort != thing {
		return "", nil
	}
	held, err := d.locks(f.ctx, f.e.space)
	if err != nil || len(held) == 0 {
		return "", err
	}
	place, err := d.placeOf(f.ctx, d.core.DB, f.e)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, l := range held {
		if l.Place != place && !(l.Deep && below(place, l.Place)) {
			continue
		}
		depth, owner, token := "0", l.Owner, `<D:locktoken><D:href>`+l.Token+`</D:href></D:locktoken>`
		if l.Deep {
			depth = "infinity"
		}
		if l.Person != d.r.Viewer.Person {
			var name strings.Builder
			_ = xml.EscapeText(&name, []byte(people.Formal(l.Civility, l.First, l.Last))) // into memory
			owner, token = name.String(), ""
		}
		left := max(1, (l.ExpiresAt-d.core.Clock.Now().UnixMilli())/1000)
		b.WriteString(`<D:activelock xmlns:D="DAV:"><D:locktype><D:write/></D:locktype><D:lockscope><D:exclusive/></D:lockscope><D:depth>` + depth + `</D:depth><D:owner>` + owner +
			`</D:owner><D:timeout>Second-` + strconv.FormatInt(left, 10) + `</D:timeout>` + token + `</D:activelock>`)
	}
	return b.String(), nil
}

// Patch notes what a program wants to be reminded of, all of it or nothing.
func (f *reading) Patch(patches []webdav.Proppatch) ([]webdav.Propstat, error) {
	all := webdav.Propstat{Status: http.StatusOK}
	reserved := false
	for _, patch := range patches {
		for _, p := range patch.Props {
			all.Props = append(all.Props, webdav.Property{XMLName: p.XMLName})
			reserved = reserved || p.XMLName.Space == "DAV:"
		}
	}
	if f.e.sort != thing || reserved {
		all.Status = http.StatusForbidden
		return []webdav.Propstat{all}, nil
	}
	err := f.d.write(f.ctx, func(tx *db.Tx, _ time.Time) error {
		g, err := f.d.grant(f.ctx, tx, f.e, rights.Contribute)
		if err != nil {
			return seen(err)
		}
		now, err := noted(f.ctx, tx, g)
		if err != nil {
			return err
		}
		for _, patch := range patches {
			for _, p := range patch.Props {
				one := property{p.XMLName.Space, p.XMLName.Local, p.Lang, strings.ReplaceAll(string(p.InnerXML), "\x00", "")}
				if patch.Remove {
					now = now.drop(one)
				} else {
					now = now.set(one)
				}
			}
		}
		slices.SortFunc(now, func(a, b property) int { return strings.Compare(a.Space+" "+a.Name, b.Space+" "+b.Name) })
		return noteDown(f.ctx, tx, g, now)
	})
	switch errs.KindOf(err) { // told for each property
	case errs.Invalid:
		all.Status, err, f.d.fault = webdav.StatusInsufficientStorage, nil, nil
	case errs.Denied:
		all.Status, err, f.d.fault = http.StatusForbidden, nil, nil
	}
	return []webdav.Propstat{all}, err
}
