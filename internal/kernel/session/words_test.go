package session_test

import (
	"regexp"

	"marelle/internal/kernel/session"
)

var sixDigits = regexp.MustCompile(`\b(\d{3})[ \x{a0}\x{202f}]?(\d{3})\b`)

// digitsIn finds the six digits of a message.
func digitsIn(text string) string {
	m := sixDigits.FindStringSubmatch(text)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}

// linkOf is what the QR code of somebody's sheet says.
func linkOf(s *site, login string) string {
	return session.CodeLink(s.server.URL, login, s.code(login))
}
