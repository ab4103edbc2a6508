// Package i18n turns message keys into sentences, and dates, lists and sizes
// into words, following the typographic rules of the language (French first).
// It knows no message of its own: catalogues come from the packages that show
// them, as embedded i18n/<lang>.json files.
//
// A catalogue is a flat JSON object: a key maps to a text, or to plural forms
// {"one": …, "other": …} chosen by the argument named "n". Arguments are
// written {{.name}}. Texts are typed with plain spaces and straight or curly
// apostrophes; French spacing is applied once, when the catalogue is loaded.
package i18n

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	goi18n "github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

// Catalog holds all messages of the program. It is safe for concurrent use.
type Catalog struct {
	plain  map[string]string   // messages without arguments or plural: the hot path
	filled map[string][]string // those with arguments alone: text, name, text, name, … text
	other  map[string]bool     // keys of those with a plural
	local  *goi18n.Localizer   // their texts
}

var argument = regexp.MustCompile(`\{\{\s*\.([a-z_]+)\s*\}\}`)

// pieces cuts a text at its arguments; it is nil when the text asks for more
// than putting values in.
func pieces(text string) []string {
	var out []string
	at := 0
	for _, m := range argument.FindAllStringSubmatchIndex(text, -1) {
		out = append(out, text[at:m[0]], text[m[2]:m[3]])
		at = m[1]
	}
	out = append(out, text[at:])
	for i := 0; i < len(out); i += 2 {
		if strings.Contains(out[i], "{{") {
			return nil
		}
	}
	return out
}

// fill puts values into the pieces of a text.
func fill(pieces []string, value func(name string) any) string {
	var b strings.Builder
	for i, p := range pieces {
		if i%2 == 0 {
			b.WriteString(p)
		} else if s, ok := value(p).(string); ok {
			b.WriteString(s)
		} else {
			fmt.Fprint(&b, value(p))
		}
	}
	return b.String()
}

// New reads fr.json from the root of each file system. A key defined twice is
// an error: two packages would fight over one sentence.
func New(files ...fs.FS) (*Catalog, error) {
	bundle := goi18n.NewBundle(language.French)
	c := &Catalog{plain: map[string]string{}, filled: map[string][]string{}, other: map[string]bool{}}
	for _, f := range files {
		b, err := fs.ReadFile(f, "fr.json")
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		var raw map[string]json.RawMessage
		if err := json.Unmarshal(b, &raw); err != nil {
			return nil, fmt.Errorf("catalogue %s: %w", path.Base("fr.json"), err)
		}
		for key, v := range raw {
			if c.Has(key) {
				return nil, fmt.Errorf("catalogue: key %q is defined twice", key)
			}
			forms := map[string]string{}
			var text string
			if json.Unmarshal(v, &text) == nil {
				forms["other"] = text
			} else if err := json.Unmarshal(v, &forms); err != nil {
				return nil, fmt.Errorf("catalogue: key %q: %w", key, err)
			}
			for form, t := range forms {
				forms[form] = Spaces(t)
			}
			if len(forms) == 1 && !strings.Contains(forms["other"], "{{") {
				c.plain[key] = forms["other"]
				continue
			}
			if len(forms) == 1 {
				if p := pieces(forms["other"]); p != nil {
					c.filled[key] = p
					continue
				}
			}
			c.other[key] = true
			m := &goi18n.Message{ID: key, One: forms["one"], Other: forms["other"]}
			if m.One == "" {
				m.One = m.Other
			}
			m.Many = m.Other // French: "many" is for millions
			if err := bundle.AddMessages(language.French, m); err != nil {
				return nil, fmt.Errorf("catalogue: key %q: %w", key, err)
			}
		}
	}
	c.local = goi18n.NewLocalizer(bundle, "fr")
	return c, nil
}

// T returns the sentence of a key. Pairs are alternating names and values; the
// value named "n" chooses the plural form. An unknown key comes back as itself.
func (c *Catalog) T(key string, pairs ...any) string {
	if s, ok := c.plain[key]; ok {
		return s
	}
	if p, ok := c.filled[key]; ok {
		return fill(p, func(name string) any {
			for i := 0; i+1 < len(pairs); i += 2 {
				if pairs[i] == name {
					return pairs[i+1]
				}
			}
			return nil
		})
	}
	if len(pairs) == 0 {
		return c.Render(key, nil)
	}
	args := make(map[string]any, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		args[fmt.Sprint(pairs[i])] = pairs[i+1]
	}
	return c.Render(key, args)
}

// Render is T with the arguments in a map, as errs.Message carries them.
func (c *Catalog) Render(key string, args map[string]any) string {
	if s, ok := c.plain[key]; ok {
		return s
	}
	if p, ok := c.filled[key]; ok {
		return fill(p, func(name string) any { return args[name] })
	}
	cfg := &goi18n.LocalizeConfig{MessageID: key, TemplateData: args}
	if n, ok := args["n"]; ok {
		cfg.PluralCount = n
	}
	s, err := c.local.Localize(cfg)
	if err != nil && s == "" {
		return key
	}
	return s
}

// Has says whether a key exists.
func (c *Catalog) Has(key string) bool {
	_, plain := c.plain[key]
	_, filled := c.filled[key]
	return plain || filled || c.other[key]
}

// Keys lists every key, sorted, for the tests that look for missing and dead ones.
func (c *Catalog) Keys() []string {
	keys := slices.Concat(slices.Collect(maps.Keys(c.plain)), slices.Collect(maps.Keys(c.filled)), slices.Collect(maps.Keys(c.other)))
	slices.Sort(keys)
	return keys
}

type ctxKey struct{}

// With puts the catalogue into a request's context, where templates find it.
func With(ctx context.Context, c *Catalog) context.Context {
	return context.WithValue(ctx, ctxKey{}, c)
}

// From takes the catalogue out of a context; it is nil outside a request.
func From(ctx context.Context) *Catalog {
	c, _ := ctx.Value(ctxKey{}).(*Catalog)
	return c
}

// T is Catalog.T with the catalogue of the context.
func T(ctx context.Context, key string, pairs ...any) string {
	if c := From(ctx); c != nil {
		return c.T(key, pairs...)
	}
	return key
}
