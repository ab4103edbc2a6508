package app

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/richtext"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// secrets are the fields that no page gives back.
var secrets = []string{"secret", "actuel", "passe", "passe2", "code", "chiffres", "jeton"}

// kept is what a refused form said, for the page that refuses it. Its sender
// alone sees it: a form that another site sends is refused before. A script that
// asks shows no page, and a form with a secret is written again.
func (c *Core) kept(w http.ResponseWriter, r *http.Request, v *rights.Viewer, kind errs.Kind) (k ui.Kept) {
	if r.Method != http.MethodPost || kind == errs.Misdirected || r.Header.Get("Sec-Fetch-Dest") == "empty" {
		return k
	}
	fields, files := web.Typed(w, r)
	for name := range fields {
		if slices.Contains(secrets, name) {
			return k
		}
	}
	var typed []string
	for name, values := range fields {
		for _, s := range values {
			if plain, rich := strings.CutSuffix(name, "_html"); rich {
				if fields.Has(plain) {
					continue // the same words
				}
				s = richtext.Text(richtext.Clean(s))
			}
			if strings.IndexFunc(s, unicode.IsSpace) >= 0 { // words, rather than the name of something
				typed = append(typed, s)
			}
		}
	}
	// The title before the text.
	slices.SortFunc(typed, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) })
	k.Text = strings.Join(typed, "\n\n")
	k.Pupil = v.SignedIn() && v.Main() == rights.Pupil
	switch kind {
	case errs.Unauthenticated:
		k.SignIn = "/connexion"
	case errs.TooMany, errs.Unavailable, errs.Internal:
	case errs.TooLarge:
		if !files {
			return k // as long the second time
		}
	default:
		return k // refused as often as it is sent
	}
	k.Again, k.Fields, k.Files = r.URL.RequestURI(), fields, files
	return k
}
