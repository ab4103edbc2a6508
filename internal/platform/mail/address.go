package mail

import (
	netmail "net/mail"
	"regexp"
	"strings"

	"marelle/internal/platform/errs"
)

var domain = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$`)

// Address returns the address in the one form to store and compare: bare, in
// small letters. Otherwise an Invalid error says which part is wrong. Accepted
// are addr-specs of RFC 5322 without quotes or comments, in ASCII, whose domain
// has a dot; 254 characters at most (RFC 5321).
func Address(s string) (string, error) {
	s = strings.ToLower(strings.TrimSpace(s))
	local, host, at := strings.Cut(s, "@")
	wrong := func(key string) (string, error) { return "", errs.New(errs.Invalid, key) }
	switch {
	case s == "":
		return wrong("mail.address_empty")
	case strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }):
		return wrong("mail.address_space")
	case !at:
		return wrong("mail.address_at")
	case !strings.Contains(host, ".") || strings.HasSuffix(host, "."):
		return wrong("mail.address_end")
	case len(s) > 254 || len(local) > 64 || strings.ContainsAny(s, `"(),:;<>[\]`) || !domain.MatchString(host):
		return wrong("mail.address_wrong")
	}
	if a, err := netmail.ParseAddress(s); err != nil || a.Address != s {
		return wrong("mail.address_wrong")
	}
	return s, nil
}

// known are the domains French families use most, and a few true ones that
// look like a slip of them.
var known = strings.Fields(`gmail.com orange.fr free.fr wanadoo.fr hotmail.fr hotmail.com outlook.fr outlook.com
yahoo.fr yahoo.com laposte.net sfr.fr live.fr icloud.com bbox.fr neuf.fr numericable.fr protonmail.com proton.me
gmx.fr gmx.com aol.com msn.com me.com mac.com club-internet.fr aliceadsl.fr cegetel.net bouyguestelecom.fr
ymail.com mail.com email.com live.com googlemail.com hotmail.be yahoo.be skynet.be voila.fr ac-lille.fr`)

var endings = strings.NewReplacer("gmail.fr", "gmail.com", "googlemail.fr", "gmail.com", "laposte.fr", "laposte.net", "laposte.com", "laposte.net",
	"orange.com", "orange.fr", "wanadoo.com", "wanadoo.fr", "free.com", "free.fr", "sfr.com", "sfr.fr", "icloud.fr", "icloud.com")

// Suggest proposes the address probably meant when the domain looks like a slip
// of a common one ("gmial.com" → "gmail.com"), else nothing. It is a hint to
// show, never a correction to make.
func Suggest(s string) string {
	local, host, ok := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "@")
	if !ok || local == "" || len(host) > 30 {
		return ""
	}
	best, least := "", 3
	for _, k := range known {
		if k == host {
			return ""
		}
		allowed := 1
		if len(k) >= 9 {
			allowed = 2
		}
		if d := distance(host, k); d <= allowed && d < least {
			best, least = k, d
		}
	}
	if m := endings.Replace(host); m != host && domain.MatchString(m) {
		for _, k := range known {
			if k == m {
				best = m
			}
		}
	}
	if best == "" {
		return ""
	}
	return local + "@" + best
}

// distance counts letters added, lost, changed, and neighbours swapped
// (optimal string alignment).
func distance(a, b string) int {
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
