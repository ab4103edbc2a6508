package web

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Local is a path of this very site, or "": what browsers would read as another
// host ("//", a backslash, a tab between) is no such path.
func Local(s string) string {
	if len(s) < 1 || len(s) > 1000 || s[0] != '/' || strings.HasPrefix(s, "//") || !utf8.ValidString(s) ||
		strings.ContainsFunc(s, func(r rune) bool { return r == '\\' || r <= ' ' || r == 0x7f }) {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, `\`) {
		return ""
	}
	return s
}
