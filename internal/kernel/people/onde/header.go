package onde

import (
	"strings"

	"marelle/internal/platform/i18n"
)

// role is what a column holds.
type role int

const (
	unknown role = iota
	civility
	family
	use
	first
	birth
	sex
	ine
	street
	postcode
	city
	country
	street2
	postcode2
	city2
	country2
	cycle
	level
	class
	classID
	photo
	state
	email
	mobile
	home
	work
	head
	childUse
	childFamily
	childFirst
	childClass
	childBirth
	other // known, of no use here
)

// The vocabulary of headers, reduced by the function reduce: no accents, case,
// spaces, "*", small words or plurals. Subject columns are those of the person
// a row is about; in a pupils file "élève" is that person, in a parents file a
// child. Sources: the public importers and samples (EOLE-CI, Entcore, Laclasse,
// OpenComp) from which the forms of ONDE are known.
var (
	plainRoles = words(map[role]string{
		civility:  "civilite|titre",
		family:    "nom|nom famille|nom naissance|nom patronymique|nnom",
		use:       "nom usage|nom usuel|nom marital|nom epouse",
		first:     "prenom|premier prenom|prenom 1|prprenom|pprenom|prenom usuel",
		birth:     "date naissance|ne e|ne|ne e le|date naissance jj mm aaaa|ddn",
		sex:       "sexe|genre",
		ine:       "ine|numero ine|n ine|identifiant national eleve|identifiant national",
		street:    "adresse|adresse 1|adresse1|adresse complete|rue",
		postcode:  "cp|cp1|cp 1|code postal|code postal 1",
		city:      "commune|commune1|commune 1|ville|ville1",
		country:   "pay|pay1|pay 1|pays1",
		street2:   "adresse2|adresse 2",
		postcode2: "cp2|cp 2",
		city2:     "commune2|commune 2",
		country2:  "pays2|pay 2",
		cycle:     "cycle",
		level:     "niveau|niveau scolaire|niveau classe",
		class:     "classe|libelle classe|classe regroupement|classe ou regroupement|division|nom classe",
		classID:   "identifiant classe|id classe|identifiant onde classe",
		photo:     "autorisation photo",
		state:     "etat|statut",
		email:     "courriel|mail|email|e mail|adresse mail|adresse electronique|adresse courriel|mel|courriel professionnel|adresse email",
		mobile:    "telephone portable|portable|tel portable|mobile|telephone mobile",
		home:      "telephone domicile|telephone|tel|tel domicile|telephone fixe|domicile|telephone personnel",
		work:      "telephone travail|tel travail|telephone professionnel|telephone bureau",
		head:      "directeur|directrice|directeur trice|direction|chef etablissement",
		other: "regroupement|groupe|numero poste|poste|attestation fournie|autorisation association|decision passage|date inscription|deuxieme prenom|troisieme prenom|prenom 2|prenom 3|" +
			"commune naissance|dept naissance|departement naissance|pay naissance|lieu naissance|ville naissance|intervenant|dispositif|pc|pcs|communication adresse|" +
			"multietab|date admission|date radiation|uai|ecole|nationalite|autorite parentale|lien parente|profession|age|code insee",
	})
	childRoles = words(map[role]string{
		childUse:    "nom usage enfant|nom usage eleve|nom usuel enfant|nom usuel eleve",
		childFamily: "nom famille enfant|nom enfant|nom famille eleve|nom eleve|nom naissance eleve|nom naissance enfant|enfant nom|eleve nom",
		childFirst:  "prenom enfant|prenom eleve|prprenom eleve|prprenom enfant|enfant prenom|eleve prenom",
		childClass:  "classe enfant|classe eleve|classe ou regroupement enfant|classe ou regroupement eleve|libelle classe eleve|libelle classe enfant|niveau classe eleve",
		childBirth:  "date naissance eleve|date naissance enfant|ne e enfant|ne e eleve",
	})
	// "Nom élève" in a pupils file is the pupil's own.
	ownRoles = map[role]role{childUse: use, childFamily: family, childFirst: first, childClass: class, childBirth: birth}
)

func words(in map[role]string) map[string]role {
	out := map[string]role{}
	for r, list := range in {
		for _, w := range strings.Split(list, "|") {
			out[strings.ReplaceAll(w, " ", "")] = r
		}
	}
	return out
}

var small = map[string]bool{"de": true, "d": true, "du": true, "des": true, "l": true, "le": true, "la": true, "les": true, "s": true}

// reduce gives the vocabulary form of a header cell: "Nom d’usage Élèves *"
// becomes "nomusageeleve".
func reduce(h string) string {
	var b strings.Builder
	for _, w := range strings.Fields(i18n.Fold(h)) {
		if small[w] {
			continue
		}
		if len(w) > 3 {
			w = strings.TrimRight(w, "sx")
		}
		b.WriteString(w)
	}
	return b.String()
}

// glued undoes small words in headers written without spaces
// ("nomdefamille", "classesdeleleve"), as some tools normalise them.
var glued = strings.NewReplacer("delaleleve", "eleve", "deleleve", "eleve", "delenfant", "enfant", "dusageeleve", "usageeleve",
	"dusage", "usage", "defamille", "famille", "denaissance", "naissance", "classes", "classe", "eleves", "eleve", "enfants", "enfant",
	"regroupements", "regroupement", "dispositifs", "dispositif", "neele", "nee", "paysnaissance", "paynaissance", "adresses", "adresse")

// column recognises one header cell. adult says that the cell names the
// responsible adult in so many words.
func column(h string) (r role, adult bool) {
	k := reduce(h)
	for _, k := range []string{k, glued.Replace(strings.ReplaceAll(i18n.Fold(h), " ", ""))} {
		for _, suffix := range []string{"responsable", "responsablelegal", "responsablelegaux", "parent", "representantlegal"} {
			if base, ok := strings.CutSuffix(k, suffix); ok && base != "" {
				k, adult = base, true
				break
			}
		}
		if !adult {
			if r, ok := childRoles[k]; ok {
				return r, false
			}
		}
		if r, ok := plainRoles[k]; ok {
			return r, adult
		}
		// Any other column about a pupil: "Sexe élève", "INE élève".
		if base, ok := strings.CutSuffix(k, "eleve"); ok {
			if r, ok := plainRoles[base]; ok {
				return r, false
			}
		}
		adult = false
	}
	return unknown, false
}

// layout is a recognised header.
type layout struct {
	kind     Kind
	complete bool
	cols     []role
	block    []role // the roles of one child block, for rows longer than the header
	start    int    // where the first child block begins
	known    int    // recognised cells, to compare readings
}

// recognise says which kind of list has these headers. The zero kind means none.
func recognise(cells []string) layout {
	for len(cells) > 0 && cells[len(cells)-1] == "" {
		cells = cells[:len(cells)-1]
	}
	l := layout{cols: make([]role, len(cells))}
	count := map[role]int{}
	adults, children := false, false
	for i, h := range cells {
		r, adult := column(h)
		l.cols[i] = r
		if r != unknown {
			l.known++
			count[r]++
		}
		adults = adults || adult
		children = children || r == childFirst || r == childFamily
	}
	has := func(r role) bool { return count[r] > 0 }
	named := has(family) || has(use)
	switch {
	case adults && (named || has(civility)), named && has(first) && children && has(childFirst) && !has(ine) && !has(level):
		l.kind = Relatives
		l.blocks()
		return l
	}
	for i, r := range l.cols {
		if own, ok := ownRoles[r]; ok {
			l.cols[i] = own
			count[own]++
		}
	}
	switch {
	case !named && !has(family), !has(first):
	case !children && has(head), !children && has(civility) && !has(birth) && !has(ine) && !has(level) && !has(sex):
		l.kind = Teachers
	case has(birth), has(ine), has(class), has(level), has(classID):
		l.kind = Pupils
		// The older extraction has neither INE nor class id; its other columns
		// tell it from an extraction by group, which lists part of a class.
		l.complete = has(class) && (has(ine) || has(classID) || has(cycle) && has(level) && has(photo))
	}
	return l
}

// blocks finds the repeating child block of a parents file.
func (l *layout) blocks() {
	seen := map[role]bool{}
	for i, r := range l.cols {
		if r < childUse || r > childBirth {
			if len(l.block) > 0 {
				return
			}
			continue
		}
		if seen[r] {
			return
		}
		if len(l.block) == 0 {
			l.start = i
		}
		seen[r] = true
		l.block = append(l.block, r)
	}
}

// role gives what cell i holds, also beyond the header: ONDE
// names the block once per child, yet rows longer than the header are seen.
func (l layout) role(i int) role {
	if i < len(l.cols) {
		return l.cols[i]
	}
	if n := len(l.block); n > 0 && len(l.cols) >= l.start+n && l.cols[len(l.cols)-1] >= childUse && l.cols[len(l.cols)-1] <= childBirth {
		return l.block[(i-l.start)%n]
	}
	return unknown
}
