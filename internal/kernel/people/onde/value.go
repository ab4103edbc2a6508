package onde

import (
	"net/mail"
	"strconv"
	"strings"
	"time"
	"unicode"

	"marelle/internal/platform/i18n"
)

// Levels are those of a primary school, in order (code de l'éducation, D311-10).
var Levels = []string{"TPS", "PS", "MS", "GS", "CP", "CE1", "CE2", "CM1", "CM2"}

var levelNames = map[string]string{
	"toute petite section": "TPS", "tout petit": "TPS", "tps": "TPS", "petite section": "PS", "ps": "PS", "moyenne section": "MS", "ms": "MS",
	"grande section": "GS", "gs": "GS", "cp": "CP", "cours preparatoire": "CP", "ce1": "CE1", "ce 1": "CE1", "ce2": "CE2", "ce 2": "CE2",
	"cm1": "CM1", "cm 1": "CM1", "cm2": "CM2", "cm 2": "CM2",
	"cours elementaire 1": "CE1", "cours elementaire 2": "CE2", "cours moyen 1": "CM1", "cours moyen 2": "CM2",
	"cours elementaire 1ere annee": "CE1", "cours elementaire 2eme annee": "CE2", "cours moyen 1ere annee": "CM1", "cours moyen 2eme annee": "CM2",
	"cours elementaire premiere annee": "CE1", "cours elementaire deuxieme annee": "CE2", "cours moyen premiere annee": "CM1", "cours moyen deuxieme annee": "CM2",
}

// Level reads "CE1" or "Petite section"; "" when it is none of the nine.
func Level(s string) string {
	k := i18n.Fold(s)
	if l := levelNames[k]; l != "" {
		return l
	}
	return levelNames[strings.TrimSuffix(k, " maternelle")]
}

// labelLevels finds the levels a class label states: "CE1-CE2 Mme Lesage".
func labelLevels(label string) []string {
	var out []string
	for _, w := range strings.FieldsFunc(i18n.Fold(label), func(r rune) bool { return r == ' ' || r == '.' }) {
		if l := levelNames[w]; l != "" && len(l) == len(w) {
			out = append(out, l)
		}
	}
	return ordered(out)
}

// ordered sorts levels as a school does and drops doubles.
func ordered(in []string) []string {
	var out []string
	for _, l := range Levels {
		for _, x := range in {
			if x == l {
				out = append(out, l)
				break
			}
		}
	}
	return out
}

func readCycle(s string) string {
	k := strings.TrimSpace(strings.TrimPrefix(i18n.Fold(s), "cycle"))
	switch k {
	case "i", "1":
		return "1"
	case "ii", "2":
		return "2"
	case "iii", "3":
		return "3"
	case "iv", "4":
		return "4"
	}
	return ""
}

func readSex(s string) string {
	switch i18n.Fold(s) {
	case "f", "fille", "feminin", "femme":
		return "F"
	case "m", "g", "garcon", "masculin", "homme", "h":
		return "M"
	}
	return ""
}

func readCivility(s string) string {
	switch strings.Trim(i18n.Fold(s), ".") {
	case "m", "mr", "monsieur", "mm":
		return "M."
	case "mme", "mlle", "melle", "mle", "madame", "mademoiselle", "me":
		return "Mme"
	}
	return ""
}

// readYes reads Oui/Non; a date or a mark in the column counts for nothing.
func readYes(s string) string {
	switch i18n.Fold(s) {
	case "oui", "o", "vrai", "true", "1", "x", "yes":
		return "yes"
	case "non", "n", "faux", "false", "0", "no":
		return "no"
	}
	return ""
}

var dateForms = []string{"2/1/2006", "2/1/06", "2006-1-2", "2-1-2006", "2-1-06", "2.1.2006", "2.1.06", "2006/1/2", "20060102"}

// readDate reads a day as ONDE (dd/mm/yyyy) or a spreadsheet writes it. ok is
// false for a cell that is neither blank nor a plausible day.
func readDate(s string) (day string, ok bool) {
	if s == "" {
		return "", true
	}
	if i := strings.IndexAny(s, " T"); i > 0 { // 2020-08-16 00:00:00
		s = s[:i]
	}
	for _, f := range dateForms {
		if t, err := time.Parse(f, s); err == nil {
			return plausible(t)
		}
	}
	if n, err := strconv.Atoi(s); err == nil && len(s) == 5 { // a spreadsheet's day number
		return plausible(time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, n))
	}
	return "", false
}

func plausible(t time.Time) (string, bool) {
	if t.Year() < 1990 || t.Year() > 2060 {
		return "", false
	}
	return t.Format(time.DateOnly), true
}

// readINE checks the form only: national pupil number, 11 characters (ten
// digits and a letter, or nine digits and two letters; ten have been seen).
// A number made of one repeated digit is a filler.
func readINE(s string) string {
	s = strings.ToUpper(strings.Join(strings.Fields(s), ""))
	if len(s) != 10 && len(s) != 11 {
		return ""
	}
	digits := 0
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r < 'A' || r > 'Z':
			return ""
		}
	}
	if digits < 6 || strings.Count(s, s[:1]) == len(s) {
		return ""
	}
	return s
}

// readEmail keeps an address that a mail could be sent to, in lower case. Of
// several in one cell it keeps the first.
func readEmail(s string) string {
	for _, p := range strings.FieldsFunc(s, func(r rune) bool { return r == ';' || r == ',' || r == ' ' || r == '/' }) {
		p = strings.ToLower(strings.TrimPrefix(strings.Trim(p, "<>."), "mailto:"))
		a, err := mail.ParseAddress(p)
		if err != nil || a.Address != p || len(p) > 254 {
			continue
		}
		_, host, _ := strings.Cut(p, "@")
		if strings.Contains(host, ".") && !strings.ContainsAny(host, "[]_") {
			return p
		}
	}
	return ""
}

// readPhone writes a French number in pairs; another number is kept as it is
// when it has at least six digits.
func readPhone(s string) string {
	d := digits(s)
	if len(d) < 6 || len(d) > 15 {
		return ""
	}
	if len(d) == 9 && d[0] >= '1' { // the leading 0 lost by a spreadsheet
		d = "0" + d
	}
	if len(d) != 10 || d[0] != '0' {
		return s
	}
	return d[:2] + " " + d[2:4] + " " + d[4:6] + " " + d[6:8] + " " + d[8:]
}

// digits gives the number by which two telephones are compared.
func digits(s string) string {
	plus := strings.HasPrefix(strings.TrimSpace(s), "+")
	s = strings.ReplaceAll(s, "(0)", "")
	var b strings.Builder
	for _, r := range s {
		if r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	d := b.String()
	if plus || strings.HasPrefix(d, "00") {
		d = strings.TrimPrefix(d, "00")
		if rest, ok := strings.CutPrefix(d, "33"); ok && len(rest) == 9 {
			return "0" + rest
		}
	}
	return d
}

// inner words of a family name stay in lower case, except the first.
var inner = map[string]bool{"de": true, "du": true, "des": true, "d": true, "von": true, "van": true, "der": true, "den": true, "da": true, "dos": true, "di": true, "ben": false}

// Proper cases a name for display. ONDE gives family names in capitals; a name
// that already mixes cases is the choice of whoever typed it and is kept.
func Proper(s string) string {
	s = strings.ReplaceAll(s, "'", "’")
	if upper, lower := strings.ToUpper(s) == s, strings.ToLower(s) == s; !upper && !lower {
		return s
	}
	var b strings.Builder
	word := make([]rune, 0, 16)
	begun := false
	flush := func(next rune) {
		if len(word) == 0 {
			return
		}
		low := strings.ToLower(string(word))
		r := []rune(low)
		if particle := inner[low] && begun && (low == "d") == (next == '’') && next != '-' && next != 0; !particle {
			r[0] = unicode.ToTitle(r[0])
			if strings.HasPrefix(low, "mc") && len(r) > 4 {
				r[2] = unicode.ToTitle(r[2])
			}
		}
		b.WriteString(string(r))
		begun = true
		word = word[:0]
	}
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) {
			word = append(word, r)
			continue
		}
		flush(r)
		b.WriteRune(r)
	}
	flush(0)
	return b.String()
}

// Key folds a name into what two spellings share: no accents, case, spaces,
// hyphens or apostrophes, so that "D'HAUTEFEUILLE" is "d hautefeuille" and
// "Jean-Paul" is "JEAN PAUL".
func Key(s string) string {
	return strings.ReplaceAll(i18n.Fold(s), " ", "")
}

// label folds a class label for comparison.
func label(s string) string { return strings.ReplaceAll(i18n.Fold(s), ".", "") }
