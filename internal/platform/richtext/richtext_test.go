package richtext

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"pgregory.net/rapid"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		`<p>Bonjour <strong>à tous</strong><br>et <em>merci</em></p>`:                   `<p>Bonjour <strong>à tous</strong><br/>et <em>merci</em></p>`,
		`<h1>Titre</h1><h2 class="align-center">Sous-titre</h2>`:                        `Titre<h2 class="align-center">Sous-titre</h2>`,
		`<p class="align-right x" style="color:red" id="a">a</p>`:                       `<p>a</p>`,
		`<ol start="3"><li><p>trois</p></li></ol>`:                                      `<ol start="3"><li><p>trois</p></li></ol>`,
		`<a href="https://exemple.fr/?a=1&amp;b=2">x</a>`:                               `<a href="https://exemple.fr/?a=1&amp;b=2" rel="nofollow noreferrer">x</a>`,
		`<a href="mailto:a@b.fr">x</a><a href="tel:+33321000000">y</a>`:                 `<a href="mailto:a@b.fr" rel="nofollow noreferrer">x</a><a href="tel:+33321000000" rel="nofollow noreferrer">y</a>`,
		`<a href="/blog/1" target="_blank">x</a>`:                                       `<a href="/blog/1" rel="nofollow noreferrer">x</a>`,
		`<a href="//mal.exemple/">x</a><a href="/\mal.exemple">y</a>`:                   `xy`,
		`<a href="javascript:alert(1)">x</a>`:                                           `x`,
		"<a href=\"java\tscript:alert(1)\">x</a>":                                       `x`,
		`<a href="data:text/html,x">x</a>`:                                              `x`,
		`<img src="/fichiers/0198-ab/web" alt="La mer" width="400" onerror="x()">`:      `<img src="/fichiers/0198-ab/web" alt="La mer" width="400"/>`,
		`<img src="https://pisteur.exemple/p.gif">`:                                     ``,
		`<img src="/fichiers/../compte">`:                                               ``,
		`<img src="data:image/svg+xml,x">`:                                              ``,
		`<script>alert(1)</script><style>p{}</style>ok`:                                 `ok`,
		`<svg><a xlink:href="javascript:x"><text>b</text></a></svg>`:                    `b`,
		`<p>Non fermé <strong>gras`:                                                     `<p>Non fermé <strong>gras</strong></p>`,
		`</div></main><blockquote>cité`:                                                 `<blockquote>cité</blockquote>`,
		`<table><tr><th scope="col" colspan="2">a</th></tr><tr><td>b</td></tr></table>`: `<table><tbody><tr><th scope="col" colspan="2">a</th></tr><tr><td>b</td></tr></tbody></table>`,
		`<figure><img src="/fichiers/a/web"><figcaption>Légende</figcaption></figure>`:  `<figure><img src="/fichiers/a/web"/><figcaption>Légende</figcaption></figure>`,
		`<iframe src="https://x"></iframe><form><input></form>reste`:                    `reste`,
		`3 < 4 & 5 > 2`: `3 &lt; 4 &amp; 5 &gt; 2`,
	} {
		if got := string(Clean(in)); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestFromText(t *testing.T) {
	for in, want := range map[string]string{
		"Bonjour,\nà demain.\n\n\n  Élodie ": "<p>Bonjour,<br/>à demain.</p><p>Élodie</p>",
		"":                                   "",
		"<b>non</b> & voilà":                 "<p>&lt;b&gt;non&lt;/b&gt; &amp; voilà</p>",
		"Voir https://exemple.fr/a?b=1&c=2.": `<p>Voir <a href="https://exemple.fr/a?b=1&amp;c=2" rel="nofollow noreferrer">https://exemple.fr/a?b=1&amp;c=2</a>.</p>`,
		"(https://fr.wikipedia.org/wiki/Marelle_(jeu))": `<p>(<a href="https://fr.wikipedia.org/wiki/Marelle_(jeu)" rel="nofollow noreferrer">https://fr.wikipedia.org/wiki/Marelle_(jeu)</a>)</p>`,
		"Écrire à ecole@exemple.fr !":                   `<p>Écrire à <a href="mailto:ecole@exemple.fr" rel="nofollow noreferrer">ecole@exemple.fr</a> !</p>`,
		"javascript:alert(1)":                           "<p>javascript:alert(1)</p>",
		"a\r\nb":                                        "<p>a<br/>b</p>",
	} {
		if got := string(FromText(in)); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
}

func TestTextAndExcerpt(t *testing.T) {
	h := Clean(`<h2>Sortie</h2><p>Prévoir&nbsp;: l&#39;eau<br>et un chapeau</p><ul><li><p>bottes</p></li><li>gants</li></ul><p><img src="/fichiers/a/web" alt="La plage"></p><table><tr><td>1</td><td>2</td></tr></table>`)
	want := "Sortie\n\nPrévoir\u00a0: l'eau\net un chapeau\n\n- bottes\n\n- gants\n\nLa plage\n\n1 2"
	if got := Text(h); got != want {
		t.Errorf("%q", got)
	}
	for n, want := range map[int]string{
		1000: "Sortie Prévoir : l'eau et un chapeau - bottes - gants La plage 1 2",
		20:   "Sortie Prévoir…", // no mark of punctuation before the ellipsis
		4:    "Sor…",
		0:    "",
	} {
		if got := strings.ReplaceAll(Excerpt(h, n), "\u00a0", " "); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestRender(t *testing.T) {
	h := Clean(`<p>Qui vient ? Moi ! Note : « oui » ; <a href="https://exemple.fr/?a ;b">lien : ici</a></p>`)
	var b bytes.Buffer
	if err := Render(h).Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	got := b.String()
	for _, want := range []string{"vient\u202f?", "Moi\u202f!", "Note\u00a0:", "«\u00a0oui\u00a0»\u202f;", "lien\u00a0: ici"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q lacks %q", got, want)
		}
	}
	plain := Clean(`<p>Voir <a href="https://exemple.fr/a:b?c">https://exemple.fr/a:b?c</a></p>`)
	if Spaced(plain) != string(plain) {
		t.Errorf("an address was altered: %s", Spaced(plain))
	}
}

func TestCheck(t *testing.T) {
	if err := Check(strings.Repeat("a", MaxBytes)); err != nil {
		t.Error(err)
	}
	long := strings.Repeat("é", MaxBytes)
	err := Check(long)
	if errs.KindOf(err) != errs.TooLarge {
		t.Error(err)
	}
	c, cerr := i18n.New(Messages)
	if cerr != nil {
		t.Fatal(cerr)
	}
	if m := errs.As(err).Message; c.Render(m.Key, m.Args) == m.Key {
		t.Error("no sentence")
	}
	if got := FromText(long); len(got) > 2*MaxBytes || !utf8.ValidString(string(got)) {
		t.Errorf("%d bytes", len(got))
	}
	if deep := Clean(strings.Repeat("<blockquote>", 5000) + "fond"); Text(deep) != "fond" {
		t.Errorf("%.200s", deep)
	}
}

var allowed = regexp.MustCompile(`^(?:p|br|strong|em|u|s|h2|h3|ul|ol|li|blockquote|a|img|figure|figcaption|table|thead|tbody|tr|th|td)$`)

// safe reads the output as a browser would and checks every element and attribute.
func safe(t interface{ Fatalf(string, ...any) }, in string, h HTML) {
	if again := Clean(string(h)); again != h {
		t.Fatalf("not stable for %q:\n%q\n%q", in, h, again)
	}
	nodes, err := nethtml.ParseFragment(strings.NewReader(string(h)), &nethtml.Node{Type: nethtml.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		t.Fatalf("%v", err)
	}
	var walk func(n *nethtml.Node)
	walk = func(n *nethtml.Node) {
		if n.Type == nethtml.CommentNode {
			t.Fatalf("comment in %q", h)
		}
		if n.Type == nethtml.ElementNode {
			if !allowed.MatchString(n.Data) {
				t.Fatalf("element %s in %q from %q", n.Data, h, in)
			}
			for _, a := range n.Attr {
				v := strings.ToLower(a.Val)
				if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "id" ||
					(a.Key == "href" || a.Key == "src") && !regexp.MustCompile(`^(https?:|mailto:|tel:|/)`).MatchString(v) ||
					a.Key == "src" && !strings.HasPrefix(v, "/fichiers/") {
					t.Fatalf("attribute %s=%q in %q from %q", a.Key, a.Val, h, in)
				}
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c)
		}
	}
	for _, n := range nodes {
		walk(n)
	}
	if Text(HTML(Spaced(h))) == "" && Text(h) != "" {
		t.Fatalf("rendering loses the text of %q", h)
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{
		`<p>a</p>`, `<a href="x"><a href="/y">b</a>`, `<table><p>x<td>y`, `<math><mi><table><mglyph><style><img src=x onerror=alert(1)>`,
		`<svg></p><style><a id="</style><img src=1 onerror=alert(1)>">`, `<noscript><p title="</noscript><img src=x onerror=alert(1)>">`,
		`<p><h2>x</p></h2>`, `<li><ul><li></p>`, `<scr<script>ipt>alert(1)</script>`, `<a href=" javascript:x">`, "<a href='/a\u0000b'>x</a>", `&lt;script&gt;`,
		`<table><tr><td><table><a href=/x>`, `<strong><p></strong><em></p>`, `<!--<img src="--><img src=x onerror=y>`, `<![CDATA[<p>]]>`, `<br></br>`, "\r\n<p>\r",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { safe(t, s, Clean(s)) })
}

func FuzzFromText(f *testing.F) {
	for _, s := range []string{"a\n\nb", "https://a.b/<script>", "x@y.fr.", "https://a.b/\"onclick=", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) { safe(t, s, FromText(s)) })
}

func TestStableUnderAnyNesting(t *testing.T) {
	piece := rapid.SampledFrom([]string{"<p>", "</p>", "<strong>", "</strong>", "<em>", "</em>", "<ul>", "</ul>", "<li>", "</li>", "<h2>", "</h2>",
		"<table>", "</table>", "<tr>", "<td>", "</td>", "<th>", "<blockquote>", "</blockquote>", `<a href="/x">`, "</a>", "<br>", "mot ", "&amp;", "<script>", "</script>",
		`<img src="/fichiers/a/web">`, "<figure>", "</figure>", "<svg>", "<style>", "</style>", "<!--", "-->", "<thead>", "<tbody>", "\n"})
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Join(rapid.SliceOfN(piece, 0, 14).Draw(t, "pieces"), "")
		safe(t, s, Clean(s))
	})
}

func BenchmarkSpaced(b *testing.B) {
	h := Clean(strings.Repeat(`<p>Qui vient ? Moi ! Un mot assez long pour la mesure.</p>`, 20))
	for b.Loop() {
		Spaced(h)
	}
}

// A form with an editor sends its HTML alone; without a script, the text area and
// the HTML that the page was made with.
func TestWhatAFormWithAnEditorSends(t *testing.T) {
	const rich = `<p>Prévoir <strong>des bottes</strong></p><ul><li><p>un seau</p></li><li><p>une pelle</p></li></ul>`
	long := `<p><strong>` + strings.Repeat("é", MaxBytes/2) + `</strong></p>`
	for _, c := range []struct {
		name         string
		plain, rich  []string
		text, markup string
	}{
		{"the editor", nil, []string{rich}, "Prévoir des bottes\n\n- un seau\n\n- une pelle", rich},
		{"the editor, with what may not stand", nil, []string{`<p onclick="x()" style="color:red">a<script>b</script></p><img src="https://pisteur.exemple/p.gif">`}, "a", "<p>a</p>"},
		{"the editor, emptied", nil, []string{"<p></p><p></p>"}, "", ""},
		{"the editor, with nothing but an empty list", nil, []string{"<ul><li><p> </p></li></ul><blockquote><p><br></p></blockquote>"}, "", ""},
		{"the editor, with empty paragraphs around", nil, []string{"<p></p><p></p><p>a</p><p></p><p>b</p><p></p>"}, "a\n\nb", "<p>a</p><p></p><p>b</p>"},
		{"a text area left as it was", []string{"Prévoir des bottes\r\n\r\n- un seau\r\n\r\n- une pelle"}, []string{rich}, "Prévoir des bottes\n\n- un seau\n\n- une pelle", rich},
		{"a text area with another word", []string{"Prévoir des bottes\r\n\r\n- un seau"}, []string{rich}, "Prévoir des bottes\n\n- un seau", ""},
		{"a text area emptied", []string{""}, []string{rich}, "", ""},
		{"a text area of a new text", []string{"Bonjour <b>"}, []string{""}, "Bonjour <b>", ""},
		{"a text area alone", []string{"Bonjour"}, nil, "Bonjour", ""},
		{"nothing", nil, nil, "", ""},
		{"too much, to be shortened", nil, []string{long}, strings.Repeat("é", MaxBytes/2), long},
	} {
		text, h := Typed(c.plain, c.rich)
		if text != c.text || string(h) != c.markup {
			t.Errorf("%s: %.80q %.200q", c.name, text, h)
		}
		if h != "" && len(h) <= MaxBytes {
			safe(t, c.name, h)
		}
		f := errs.Fields{}
		Fault(f, "texte", h)
		if long := len(h) > MaxBytes; (len(f) > 0) != long {
			t.Errorf("%s: %v", c.name, f)
		}
	}
	if _, h := Typed(nil, []string{strings.Repeat("<p>a</p>", MaxBytes)}); len(h) > 2*MaxBytes {
		t.Errorf("%d bytes are kept", len(h))
	}
	if Plain(rich) || !Plain(FromText("Voir https://exemple.fr\nmerci\n\nÀ demain")) {
		t.Error("a form is taken for plain text, or the reverse")
	}
}
