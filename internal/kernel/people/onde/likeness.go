package onde

import (
	"sort"
	"strings"
	"unicode/utf8"

	"marelle/internal/platform/i18n"
)

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func sorted(s ...string) []string {
	sort.Strings(s)
	return s
}

// few keeps a list short enough to be read.
func few(s []string) []string {
	if len(s) > 5 {
		return append(append([]string(nil), s[:5]...), "…")
	}
	return s
}

func diff(to []Change, field, old, new string) []Change {
	if old == new {
		return to
	}
	return append(to, Change{field, old, new})
}

func fullName(family, use, first string) string {
	return Name{Family: family, Use: use, First: first}.Full()
}

// frenchDay writes a day as ONDE does; "" stays "".
func frenchDay(d string) string {
	if len(d) != 10 {
		return d
	}
	return d[8:] + "/" + d[5:7] + "/" + d[:4]
}

// describe names a candidate with what tells it from its homonyms.
func describe(name, birth, class string) string {
	for _, s := range []string{frenchDay(birth), class} {
		if s != "" {
			name += " · " + s
		}
	}
	return name
}

// nameKeys are the keys under which a person is found: by family name and by
// use name.
func nameKeys(family, use, first string) []string {
	f := Key(first)
	keys := []string{Key(family) + "|" + f}
	if u := Key(use); u != "" && u != Key(family) {
		keys = append(keys, u+"|"+f)
	}
	return keys
}

// better chooses between two spellings of a name: a blank changes nothing; the
// same letters keep the old one unless the new one has more accents.
func better(old, new string) string {
	switch {
	case new == "":
		return old
	case old == "":
		return new
	case Key(old) != Key(new):
		return new
	case accents(new) > accents(old):
		return new
	}
	return old
}

func betterName(old, new Name) Name {
	out := old
	out.Family, out.Use, out.First = better(old.Family, new.Family), better(old.Use, new.Use), better(old.First, new.First)
	if Key(out.Use) == Key(out.Family) {
		out.Use = ""
	}
	return out
}

func accents(s string) int {
	s = strings.ReplaceAll(s, "’", "")
	return len(s) - utf8.RuneCountInString(s)
}

// alike says that two names may be one, misspelt or shortened: one part is the
// same and the other nearly so. Twins have first names that differ by more.
func alike(a, b Name) bool {
	for _, x := range []string{a.Family, a.Use} {
		for _, y := range []string{b.Family, b.Use} {
			if x == "" || y == "" {
				continue
			}
			if Key(x) == Key(y) && near(a.First, b.First) || Key(a.First) == Key(b.First) && near(x, y) {
				return true
			}
		}
	}
	return false
}

// near says that one text holds the words of the other ("Lina" in "Lina Rose"),
// or that they are one keystroke apart (two in a long name).
func near(a, b string) bool {
	x, y := Key(a), Key(b)
	if x == y {
		return true
	}
	if x == "" || y == "" {
		return false
	}
	long, short := strings.Fields(i18n.Fold(a)), strings.Fields(i18n.Fold(b))
	if len(long) < len(short) {
		long, short = short, long
	}
	if len(long) > len(short) {
		in := map[string]bool{}
		for _, w := range long {
			in[w] = true
		}
		all := true
		for _, w := range short {
			all = all && in[w]
		}
		if all {
			return true
		}
	}
	limit := 1
	if len(x) > 7 && len(y) > 7 {
		limit = 2
	}
	return min(len(x), len(y)) > 3 && distance(x, y, limit) <= limit
}

// distance is the number of keystrokes (letter added, lost, changed, swapped
// with the next) between two folded texts, or more than limit.
func distance(a, b string, limit int) int {
	if len(a)-len(b) > limit || len(b)-len(a) > limit || len(a) > 200 {
		return limit + 1
	}
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		rows[2][0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[1][j]+1, rows[2][j-1]+1, rows[1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[0][j-2]+1)
			}
			rows[2][j] = d
		}
		rows[0], rows[1], rows[2] = rows[1], rows[2], rows[0]
	}
	return rows[1][len(b)]
}

// hosts are the mail services most families use; one keystroke away from them
// is most likely a slip.
var hosts = []string{"gmail.com", "orange.fr", "free.fr", "hotmail.fr", "hotmail.com", "outlook.fr", "outlook.com", "laposte.net", "sfr.fr",
	"wanadoo.fr", "yahoo.fr", "yahoo.com", "icloud.com", "live.fr", "bbox.fr", "numericable.fr", "neuf.fr", "msn.com", "protonmail.com", "aol.com"}

// near misses that are more than a keystroke away.
var slips = map[string]string{"gmail.fr": "gmail.com", "laposte.fr": "laposte.net", "laposte.com": "laposte.net", "orange.com": "orange.fr",
	"wanadoo.com": "wanadoo.fr", "icloud.fr": "icloud.com", "gmail": "gmail.com", "sfr.com": "sfr.fr", "free.com": "free.fr"}

// mailHint proposes what the person most likely meant, or "". Nothing is ever
// corrected without a human choice.
func mailHint(email string) string {
	user, host, ok := strings.Cut(email, "@")
	if !ok {
		return ""
	}
	if h := slips[host]; h != "" {
		return user + "@" + h
	}
	if real[host] {
		return ""
	}
	name, top, _ := strings.Cut(host, ".")
	for _, h := range hosts {
		n, _, _ := strings.Cut(h, ".")
		if host == h || name == n && countries[top] {
			return "" // hotmail.be exists
		}
	}
	for _, h := range hosts {
		limit := 1
		if len(h) > 9 {
			limit = 2
		}
		if len(h) > 6 && distance(host, h, limit) <= limit {
			return user + "@" + h
		}
	}
	return ""
}

var (
	// services one keystroke away from a better known one
	real      = map[string]bool{"ymail.com": true, "mail.com": true, "email.com": true, "gmx.com": true, "live.com": true, "hotmail.co.uk": true, "mail.fr": true, "me.com": true}
	countries = map[string]bool{"fr": true, "com": true, "net": true, "be": true, "ch": true, "lu": true, "de": true, "it": true, "es": true, "pt": true, "ca": true, "eu": true, "org": true, "nl": true, "pl": true, "ro": true}
)

// addressKey folds an address for comparison; "" without a street.
func addressKey(a Address) string {
	if Key(a.Street) == "" {
		return ""
	}
	return Key(a.Street) + "|" + Key(a.Postcode) + "|" + Key(a.City)
}

func list(names []string) string { return i18n.List(few(names)...) }

// sortByName orders a list as a school does: family name, first name.
func sortByName[T any](in []T, of func(T) (family, first string, ref Ref)) {
	type entry struct {
		key string
		v   T
	}
	all := make([]entry, len(in))
	for i, v := range in {
		family, first, ref := of(v)
		all[i] = entry{Key(family) + " " + Key(first) + " " + string(ref), v}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].key < all[j].key })
	for i := range all {
		in[i] = all[i].v
	}
}
