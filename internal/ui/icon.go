package ui

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"

	"github.com/a-h/templ"
)

// markup is HTML made once when the program starts, written as it is.
type markup string

// Render writes the markup.
func (m markup) Render(_ context.Context, w io.Writer) error {
	_, err := io.WriteString(w, string(m))
	return err
}

// icons holds the markup of every icon of the two sprites. Never written again.
var icons = readIcons("sprite.svg", "extra.svg")

var symbolID = regexp.MustCompile(`<symbol id="([^"]+)"`)

func readIcons(sprites ...string) map[string]templ.Component {
	m := map[string]templ.Component{}
	for _, s := range sprites {
		data, err := dist.ReadFile("dist/" + strings.TrimPrefix(Asset(s), Prefix))
		if err != nil {
			panic(err) // dist holds both sprites or the build is broken
		}
		for _, id := range symbolID.FindAllSubmatch(bytes.TrimSpace(data), -1) {
			name := string(id[1])
			m[name] = markup(`<svg class="i" aria-hidden="true" focusable="false"><use href="` + Asset(s) + `#` + name + `"></use></svg>`)
		}
	}
	return m
}

// Icon draws an icon of web/icons.txt ("bell", "f-bell" for the filled form).
// It is decoration: the words beside it, or the button's aria-label, carry the
// meaning. An unknown name draws nothing; HasIcon lets a test find it.
func Icon(name string) templ.Component {
	if c, ok := icons[name]; ok {
		return c
	}
	return templ.NopComponent
}

// HasIcon says whether Icon draws something for a name.
func HasIcon(name string) bool { _, ok := icons[name]; return ok }

// filled is the active form of an icon where there is one.
func filled(name string) templ.Component {
	if c, ok := icons["f-"+name]; ok {
		return c
	}
	return Icon(name)
}

// Picto draws one of Pictos, for pupils.
func Picto(name string) templ.Component { return pictures["pictos/"+name] }

// Animal draws one of Animals.
func Animal(name string) templ.Component { return pictures["avatars/"+name] }

// Scene draws one of our landscapes (avocette, bottes, cabines, phare, phoques,
// train), 4:3, with its words for those who do not see it.
func Scene(name, alt string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := io.WriteString(w, `<img src="`+Asset("scenes/"+name+".svg")+`" alt="`+templ.EscapeString(alt)+`" width="400" height="300" loading="lazy">`)
		return err
	})
}

// pictures holds the markup of pictos and avatars. Never written again.
var pictures = readPictures()

func readPictures() map[string]templ.Component {
	m := map[string]templ.Component{}
	for _, n := range Pictos() {
		m["pictos/"+n] = markup(`<img class="picto" src="` + Asset("pictos/"+n+".svg") + `" alt="" width="96" height="96">`)
	}
	for _, n := range Animals() {
		m["avatars/"+n] = markup(`<img src="` + Asset("avatars/"+n+".svg") + `" alt="" width="64" height="64">`)
	}
	return m
}

// yard draws a decor of the asphalt; its chestnuts lie apart, since only autumn
// has them.
func yard(name, class string) templ.Component {
	d := Asset("dessins.svg")
	return markup(`<svg class="decor ` + class + `" aria-hidden="true" focusable="false"><use href="` + d + `#` + name + `"></use></svg>` +
		`<svg class="decor marron ` + class + `" aria-hidden="true" focusable="false"><use href="` + d + `#` + name + `-marrons"></use></svg>`)
}

var (
	gateDecor  = yard("cour-ordi", "decor-ordi")
	phoneDecor = yard("cour-tel", "decor-tel")
	pupilDecor = yard("cour-eleve", "")
	emptyDecor = markup(`<span class="dessin"><svg aria-hidden="true" focusable="false"><use href="` + Asset("dessins.svg") + `#vide"></use></svg><svg class="marron" aria-hidden="true" focusable="false"><use href="` + Asset("dessins.svg") + `#vide-marrons"></use></svg></span>`)
	// logo stands in the page itself: it must not wait for the sprite.
	logo = markup(`<svg viewBox="4 6 56 51" class="mark" aria-hidden="true" focusable="false"><path d="M9 56V23a11.5 11.5 0 0 1 23 0v33Z" fill="#FFC21F"/><path d="M32 56V23a11.5 11.5 0 0 1 23 0v33Z" fill="#7CC4FF"/><path d="M9 56V23a11.5 11.5 0 0 1 23 0v33M32 56V23a11.5 11.5 0 0 1 23 0v33" fill="none" stroke="currentColor" stroke-width="7"/><path d="M37.2 45.4c0-3.9 2.7-6.3 6.5-6.3s6.3 2.7 6.3 6.1-2.6 6.3-6.5 6.3-6.3-2.4-6.3-6.100Z" fill="#D2341A"/></svg><span class="nom-l">Marelle</span>`)
)
