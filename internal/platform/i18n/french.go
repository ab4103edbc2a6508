package i18n

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

const (
	nbsp = "\u00a0" // before : and inside « »
	thin = "\u202f" // before ; ! ?
)

// Spaces applies French typography to a text typed on a plain keyboard: narrow
// no-break space before ; ! ? and no-break space before : and inside « »
// (Lexique des règles typographiques de l'Imprimerie nationale), curly
// apostrophe, an hour that does not break: 8 h 45. It leaves {{…}} actions alone.
func Spaces(s string) string {
	if !strings.Contains(s, "{{") {
		return spaced(s)
	}
	var b strings.Builder
	for {
		i := strings.Index(s, "{{")
		if i < 0 {
			break
		}
		j := strings.Index(s[i:], "}}")
		if j < 0 {
			break
		}
		b.WriteString(spaced(s[:i]))
		b.WriteString(s[i : i+j+2])
		s = s[i+j+2:]
	}
	b.WriteString(spaced(s))
	return b.String()
}

// spaced goes through a text once, and copies it only from where it changes.
func spaced(s string) string {
	var b strings.Builder
	from := 0
	put := func(i, n int, with string) {
		if from == 0 {
			b.Grow(len(s) + 16)
		}
		b.WriteString(s[from:i])
		b.WriteString(with)
		from = i + n
	}
	for i := 0; i < len(s); i++ {
		if i < from {
			continue
		}
		switch rest := s[i:]; s[i] {
		case '\'':
			put(i, 1, "’")
		case '.':
			if strings.HasPrefix(rest, "...") {
				put(i, 3, "…")
			}
		case "«"[0]:
			if strings.HasPrefix(rest, "« ") {
				put(i, len("« "), "«"+nbsp)
			}
		case ' ':
			switch rest = rest[1:]; {
			case rest == "":
			case rest[0] == ';' || rest[0] == '!' || rest[0] == '?':
				put(i, 1, thin)
			case rest[0] == ':' || strings.HasPrefix(rest, "»"):
				put(i, 1, nbsp)
			case strings.HasPrefix(rest, "h ") && hours(s[:i]) && minutes(rest[2:]):
				put(i, 3, nbsp+"h"+nbsp)
			}
		}
	}
	if from == 0 {
		return s
	}
	b.WriteString(s[from:])
	return b.String()
}

// hours says whether a text ends with one or two digits that are a word,
// minutes whether it begins with two.
func hours(s string) bool {
	n := len(s)
	for n > 0 && digit(s[n-1]) {
		n--
	}
	return len(s)-n >= 1 && len(s)-n <= 2 && (n == 0 || !inWord(s[n-1]))
}

func minutes(s string) bool {
	return len(s) >= 2 && digit(s[0]) && digit(s[1]) && (len(s) == 2 || !inWord(s[2]))
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func inWord(c byte) bool {
	return digit(c) || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

var days = [...]string{"dimanche", "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi"}
var months = [...]string{"", "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre", "octobre", "novembre", "décembre"}

func dayNumber(t time.Time) string {
	if t.Day() == 1 {
		return "1er"
	}
	return strconv.Itoa(t.Day())
}

// Date writes "lundi 23 novembre", with the year when it is not that of now.
func Date(t, now time.Time) string {
	s := days[t.Weekday()] + nbsp + dayNumber(t) + nbsp + months[t.Month()]
	if t.Year() != now.Year() {
		s += nbsp + strconv.Itoa(t.Year())
	}
	return s
}

// LongDate writes "23 novembre 2026".
func LongDate(t time.Time) string {
	return dayNumber(t) + nbsp + months[t.Month()] + nbsp + strconv.Itoa(t.Year())
}

// Hour writes "8 h 05" and "17 h", unbroken.
func Hour(t time.Time) string {
	if t.Minute() == 0 {
		return strconv.Itoa(t.Hour()) + nbsp + "h"
	}
	return fmt.Sprintf("%d%sh%s%02d", t.Hour(), nbsp, nbsp, t.Minute())
}

// Ago writes a moment as people say it on the day now: "aujourd’hui à 8 h 05",
// "hier à 17 h", "lundi à 9 h" within six days, else "23 novembre à 9 h".
// Both times must be in the school's time zone.
func Ago(t, now time.Time) string {
	y, m, d := now.Date()
	midnight := time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	switch since := midnight.Sub(t); {
	case t.Before(midnight.AddDate(0, 0, 1)) && since <= 0:
		return "aujourd’hui à " + Hour(t)
	case since > 0 && since <= 24*time.Hour:
		return "hier à " + Hour(t)
	case since > 0 && since <= 6*24*time.Hour:
		return days[t.Weekday()] + " à " + Hour(t)
	default:
		s := dayNumber(t) + nbsp + months[t.Month()]
		if t.Year() != now.Year() {
			s += nbsp + strconv.Itoa(t.Year())
		}
		return s + " à " + Hour(t)
	}
}

// List joins words: "Inès", "Inès et Yanis", "Inès, Malo et Yanis".
func List(words ...string) string {
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " et " + words[len(words)-1]
}

// Capital begins a sentence: "Lundi 23 novembre".
func Capital(s string) string {
	first, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[n:]
}

// Of writes "de Malo", "d’Assia", "de Yanis", "d’Yves": elision before a vowel
// or a mute h, as first names have it.
func Of(name string) string {
	key := Fold(name)
	if key == "" {
		return "de " + name
	}
	// Y is a vowel before a consonant (Yves), a consonant before a vowel (Yanis).
	y := len(key) > 1 && key[0] == 'y' && !strings.ContainsRune("aeiouy", rune(key[1]))
	if y || strings.ContainsRune("aeiouh", rune(key[0])) {
		return "d’" + name
	}
	return "de " + name
}

// articles are what a class's name may begin with, and what "de" makes of it. A
// name that a no-break space holds together has none: a class called after its
// teacher, Mme Le Goff (see people).
var articles = []struct{ article, of string }{{"les ", "des "}, {"le ", "du "}, {"la ", "de la "}, {"l’", "de l’"}, {"l'", "de l’"}}

// aspirated are beginnings of folded names that keep "de" before their h: names
// of classes are those of animals and plants more often than of persons.
var aspirated = []string{"hamster", "hanneton", "haricot", "herisson", "heron", "hetre", "hibou", "hippie", "hockey", "homard", "houx", "huppe"}

func contracted(label string) (string, bool) {
	for _, a := range articles {
		if n := len(a.article); len(label) > n && strings.EqualFold(label[:n], a.article) {
			return a.of + label[n:], true
		}
	}
	return "", false
}

// OfClass writes "de CE1 B", "des Renards", "du Petit Bois", "d’Orion", whatever
// a school calls its class.
func OfClass(label string) string {
	if of, ok := contracted(label); ok {
		return of
	}
	key := Fold(label)
	if slices.ContainsFunc(aspirated, func(h string) bool { return strings.HasPrefix(key, h) }) {
		return "de " + label
	}
	return Of(label)
}

// TheClass is what follows "la classe": "CE1 B", "des Renards".
func TheClass(label string) string {
	if of, ok := contracted(label); ok {
		return of
	}
	return label
}

// Size writes a number of bytes: "180 Ko", "2,4 Mo", "100 Mo".
func Size(n int64) string {
	tenths := func(unit float64) string {
		return strings.Replace(strings.TrimSuffix(strconv.FormatFloat(float64(n)/unit, 'f', 1, 64), ".0"), ".", ",", 1)
	}
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + nbsp + "octets"
	case n < 1000*1000:
		return strconv.FormatInt((n+500)/1000, 10) + nbsp + "Ko"
	case n < 1000*1000*1000:
		return tenths(1e6) + nbsp + "Mo"
	}
	return tenths(1e9) + nbsp + "Go"
}

// Limit writes the largest size that an operator allows, as they set it: 50M is
// "50 Mo", although it lets through a little more than fifty million bytes.
func Limit(n int64) string {
	for shift, unit := range map[int]int64{10: 1e3, 20: 1e6, 30: 1e9} {
		if whole := n >> shift; whole > 0 && whole < 1000 && whole<<shift == n {
			return Size(whole * unit)
		}
	}
	return Size(n)
}

// Fold gives the key by which names are sorted and found: no accents, lower
// case, œ and æ opened, every sign but . and @ as a single space.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space := false
	put := func(r rune) {
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	for _, r := range norm.NFD.String(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '@':
			put(r)
		case r >= 'A' && r <= 'Z':
			put(r + 'a' - 'A')
		case r < 0x80:
			space = true
		case unicode.Is(unicode.Mn, r):
		case r == 'œ', r == 'Œ':
			put('o')
			put('e')
		case r == 'æ', r == 'Æ':
			put('a')
			put('e')
		case unicode.IsLetter(r), unicode.IsDigit(r):
			put(unicode.ToLower(r))
		default:
			space = true
		}
	}
	return norm.NFC.String(b.String())
}
