// Package richtext is the one place where text written by people becomes HTML
// that pages may show. It knows the few elements that may remain, and neither
// who wrote them nor where they are shown.
//
// The author's text is kept as typed; French spacing (no-break spaces before
// ; ! ? : and inside « ») is applied when rendering, to text only, never within
// a tag or an address.
package richtext

import (
	"context"
	"embed"
	"html"
	"io"
	"io/fs"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/a-h/templ"
	"github.com/microcosm-cc/bluemonday"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

//go:embed i18n
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// HTML is safe HTML. Only Clean and FromText make it; a store reads back what
// they made. A conversion anywhere else is a fault.
type HTML string

// MaxBytes is the longest text accepted, in bytes, as HTML or plain.
const MaxBytes = 200_000

// Check refuses a text over MaxBytes with a sentence (kind TooLarge).
func Check(s string) error {
	if len(s) > MaxBytes {
		return errs.New(errs.TooLarge, "richtext.too_long", "max", i18n.Size(MaxBytes))
	}
	return nil
}

// Fault notes a text over MaxBytes as the fault of a field.
func Fault(f errs.Fields, field string, h HTML) {
	if err := Check(string(h)); err != nil && f[field].Key == "" {
		f[field] = errs.As(err).Message
	}
}

// policy is built once and only read: bluemonday policies are then safe for
// concurrent use. Alignment comes as a class since the CSP forbids style.
var policy = func() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "strong", "em", "u", "s", "h2", "h3", "ul", "ol", "li", "blockquote",
		"figure", "figcaption", "table", "thead", "tbody", "tr", "th", "td")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^align-(?:center|right)$`)).OnElements("p", "h2", "h3", "th", "td", "figure")
	p.AllowAttrs("start").Matching(regexp.MustCompile(`^[0-9]{1,4}$`)).OnElements("ol")
	p.AllowAttrs("colspan", "rowspan").Matching(regexp.MustCompile(`^[1-9][0-9]?$`)).OnElements("th", "td")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(?:col|row)$`)).OnElements("th")
	p.RequireParseableURLs(true)
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("https", "http", "mailto", "tel")
	// A path of this site, or an address in full; neither //host nor /\host.
	p.AllowAttrs("href").Matching(regexp.MustCompile(`^(?i:https?://[^\s\\]+|mailto:[^\s]+|tel:[^\s]+|/(?:[^/\\\s][^\s\\]*)?)$`)).OnElements("a")
	p.RequireNoFollowOnLinks(true)
	p.RequireNoReferrerOnLinks(true)
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^/fichiers/[A-Za-z0-9_-]+(?:/[A-Za-z0-9_-]+)*$`)).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("width", "height").Matching(regexp.MustCompile(`^[1-9][0-9]{0,3}$`)).OnElements("img")
	return p
}()

// Clean keeps of an editor's HTML what is safe, balanced and known: p, br,
// strong, em, u, s, h2, h3, lists, quotations, links (https, http, mailto, tel
// or a path of this site), pictures of this site (/fichiers/…), figures, simple
// tables, classes align-center and align-right. Clean(Clean(x)) == Clean(x).
// What is beyond MaxBytes is dropped: Check first.
func Clean(s string) HTML { return clean(cut(s, MaxBytes)) }

func clean(s string) HTML {
	cur := policy.Sanitize(s)
	for range 6 {
		next, ok := balance(cur)
		if !ok {
			break
		}
		if next = policy.Sanitize(next); next == cur {
			return HTML(strings.TrimSpace(cur))
		}
		cur = next
	}
	// Markup that will not settle was not made by an editor: keep its words.
	return HTML(paragraphs(Text(HTML(cur))))
}

func cut(s string, most int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return lines(s)
}

// lines ends them as we do: a text area sends \r\n.
func lines(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
}

// Typed reads the two fields of a form with an editor: the text area, which is
// all there is without a script, and what the editor made, which stands in the
// page from the start. Where the text area came too, its plain text is the word of
// the person: when it is that of the HTML the form stands, else it is gone with
// what was changed. The HTML is clean, and "" where there was no editor or
// nothing in it; it may be too long, so that it can be shown again: see Fault.
func Typed(plain, rich []string) (string, HTML) {
	h := HTML("")
	if len(rich) > 0 {
		h = trim(clean(cut(rich[0], 2*MaxBytes)))
	}
	switch {
	case len(plain) == 0:
		return Text(h), h
	case h != "" && Same(h, plain[0]):
		return Text(h), h
	}
	return lines(plain[0]), ""
}

// Same says whether a plain text is that of some HTML, however a text area ended
// its lines.
func Same(h HTML, plain string) bool {
	return strings.TrimSpace(lines(plain)) == strings.TrimSpace(lines(Text(h)))
}

// Plain says whether some HTML is no more than its words: FromText makes the
// same of them.
func Plain(h HTML) bool { return FromText(Text(h)) == h }

// trim takes off the empty paragraphs around a text, and all of one without a
// word or a picture, such as an empty list.
func trim(h HTML) HTML {
	s := string(h)
	for was := ""; was != s; {
		was = s
		s = strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(s, "<p></p>"), "<p></p>"))
	}
	z := nethtml.NewTokenizer(strings.NewReader(s))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return ""
		case nethtml.TextToken:
			if len(strings.TrimSpace(string(z.Text()))) > 0 {
				return HTML(s)
			}
		case nethtml.SelfClosingTagToken, nethtml.StartTagToken:
			if name, _ := z.TagName(); string(name) == "img" {
				return HTML(s)
			}
		}
	}
}

// balance closes what is open, as a browser would read it, so that no text can
// swallow the page around it.
func balance(s string) (string, bool) {
	nodes, err := nethtml.ParseFragment(strings.NewReader(s), &nethtml.Node{Type: nethtml.ElementNode, Data: "div", DataAtom: atom.Div})
	if err != nil {
		return "", false // too deep
	}
	var b strings.Builder
	for _, n := range nodes {
		if nethtml.Render(&b, n) != nil {
			return "", false
		}
	}
	return b.String(), true
}

// FromText makes paragraphs of plain text: a blank line parts them, a line end
// is a br, addresses of pages and of mail become links.
func FromText(plain string) HTML { return Clean(paragraphs(cut(plain, MaxBytes))) }

var blank = regexp.MustCompile(`\n[ \t]*\n\s*`)

func paragraphs(plain string) string {
	var b strings.Builder
	for _, p := range blank.Split(strings.TrimSpace(plain), -1) {
		if p = strings.TrimSpace(p); p == "" {
			continue
		}
		b.WriteString("<p>")
		for i, line := range strings.Split(p, "\n") {
			if i > 0 {
				b.WriteString("<br/>")
			}
			b.WriteString(links(strings.TrimRightFunc(line, unicode.IsSpace)))
		}
		b.WriteString("</p>")
	}
	return b.String()
}

var address = regexp.MustCompile(`https?://[^\s<>"«»\\]+|[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}`)

func links(line string) string {
	var b strings.Builder
	at := 0
	for _, m := range address.FindAllStringIndex(line, -1) {
		url := strings.TrimRight(line[m[0]:m[1]], ".,;:!?'’…)]}")
		if strings.Contains(url, "(") && strings.HasPrefix(line[m[0]+len(url):], ")") {
			url += ")"
		}
		href := url
		if !strings.Contains(url, "://") {
			href = "mailto:" + url
		}
		b.WriteString(html.EscapeString(line[at:m[0]]) + `<a href="` + html.EscapeString(href) + `">` + html.EscapeString(url) + "</a>")
		at = m[0] + len(url)
	}
	b.WriteString(html.EscapeString(line[at:]))
	return b.String()
}

// Text gives the words alone: a line a block, a blank line between paragraphs,
// list items with a dash, the alternative text of pictures.
func Text(h HTML) string {
	var b strings.Builder
	z := nethtml.NewTokenizer(strings.NewReader(string(h)))
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return strings.TrimSpace(tooManyLines.ReplaceAllString(b.String(), "\n\n"))
		case nethtml.TextToken:
			b.Write(z.Text())
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			t := z.Token()
			switch t.DataAtom {
			case atom.Br, atom.Tr, atom.Table, atom.Ul, atom.Ol:
				b.WriteByte('\n')
			case atom.Li:
				b.WriteString("\n- ")
			case atom.Img:
				for _, a := range t.Attr {
					if a.Key == "alt" {
						b.WriteString(a.Val)
					}
				}
			case atom.P, atom.H2, atom.H3, atom.Blockquote, atom.Figure:
				// Within a list item the dash and its text stay together.
				if !strings.HasSuffix(b.String(), "\n- ") {
					b.WriteString("\n\n")
				}
			}
		case nethtml.EndTagToken:
			switch t := z.Token(); t.DataAtom {
			case atom.P, atom.H2, atom.H3, atom.Blockquote, atom.Figure, atom.Table:
				b.WriteString("\n\n")
			case atom.Figcaption, atom.Ul, atom.Ol:
				b.WriteByte('\n')
			case atom.Td, atom.Th:
				b.WriteByte(' ')
			}
		}
	}
}

var tooManyLines = regexp.MustCompile(`[ \t]*\n(?:[ \t]*\n)+`)

// Excerpt gives the first words on one line, at most n characters with the
// ellipsis that marks a cut.
func Excerpt(h HTML, n int) string {
	s := strings.Join(strings.Fields(Text(h)), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	r := []rune(s)[:n]
	end := n - 1
	for end > 0 && !unicode.IsSpace(r[end]) {
		end--
	}
	if end == 0 { // one endless word
		for end = n - 1; end > 0 && unicode.Is(unicode.Mn, r[end]); end-- {
		}
	}
	return strings.TrimRightFunc(string(r[:end]), func(c rune) bool {
		return unicode.IsSpace(c) || strings.ContainsRune(",;:.-–—«(", c)
	}) + "…"
}

// Render writes the HTML into a page, with French spacing.
func Render(h HTML) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, Spaced(h))
		return err
	})
}

// Spaced is the HTML as Render writes it, its words with French spacing (see
// i18n.Spaces).
func Spaced(h HTML) string {
	var b strings.Builder
	b.Grow(len(h) + 16)
	for s := string(h); s != ""; {
		i := strings.IndexByte(s, '<')
		if i < 0 {
			i = len(s)
		}
		b.WriteString(i18n.Spaces(s[:i]))
		s = s[i:]
		j := strings.IndexByte(s, '>') + 1
		if j == 0 { // Clean leaves no lone '<', and escapes '>' in attributes
			j = len(s)
		}
		b.WriteString(s[:j])
		s = s[j:]
	}
	return b.String()
}
