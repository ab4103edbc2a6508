package testapp

import (
	"regexp"
	"strings"

	"marelle/internal/kernel/app"
)

// nothing is a well-formed identifier of nothing.
const nothing = "01900000-0000-7000-8000-000000000000"

var param = regexp.MustCompile(`\{([a-z]+)(\.\.\.|\$)?\}`)

// Paths turns the patterns of routes into addresses around the class CE1 B of
// the sample. What it does not know gets an identifier that names nothing; more
// gives others, by the name of the parameter or by the whole pattern before it
// ("/ecole/import/{id}").
func (a *App) Paths(more map[string]string) func(app.Route) string {
	a.T.Helper()
	const trip = `(SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1)`
	of := map[string]string{
		"/sourdine/{id}":                  a.One(`SELECT ` + trip),
		"/carnet/{id}":                    a.One(`SELECT ` + trip),
		"/echange/{id}":                   a.One(`SELECT n.id FROM note n JOIN person p ON p.id = n.author WHERE p.login = 'nadia.kermadec' ORDER BY n.id LIMIT 1`),
		"/absence/{id}":                   a.One(`SELECT a.id FROM absence a JOIN person p ON p.id = a.author WHERE p.login = 'nadia.kermadec' ORDER BY a.id LIMIT 1`),
		"/documents/{id}":                 a.One(`SELECT d.id FROM document d JOIN person p ON p.id = d.owner WHERE d.name = 'Baie de Somme' AND p.login = 'helene.duvivier'`),
		"/classe/{id}":                    a.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`),
		"/classe/personne/{id}":           a.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`),
		"/ecole/famille/{eleve}":          a.One(`SELECT id FROM person WHERE login = 'ines.kermadec'`),
		"/ecole/famille/{eleve}/{parent}": a.One(`SELECT id FROM person WHERE login = 'nadia.kermadec'`),
		"event":                           a.One(`SELECT id FROM event WHERE resource = ` + trip),
		"variant":                         "web",
	}
	for k, v := range more {
		of[k] = v
	}
	return func(r app.Route) string {
		pattern := strings.TrimSuffix(r.Pattern, "{$}")
		var b strings.Builder
		at := 0
		for _, m := range param.FindAllStringSubmatchIndex(pattern, -1) {
			b.WriteString(pattern[at:m[0]])
			at = m[1]
			value := of[pattern[:m[1]]]
			if value == "" {
				value = of[pattern[m[2]:m[3]]]
			}
			if value == "" {
				value = nothing
			}
			b.WriteString(value)
		}
		return b.String() + pattern[at:]
	}
}
