package session_test

import (
	"context"
	"net/http"
	"regexp"
	"strings"

	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
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

// contains looks for words in a message, any apostrophe and any space.
func contains(message, words string) bool { return strings.Contains(text(message), text(words)) }

// withCookie is a request of whoever holds a session's token.
func withCookie(token string) *http.Request {
	r := &http.Request{Header: http.Header{}}
	r.AddCookie(&http.Cookie{Name: session.Cookie, Value: token})
	return r
}

// linkOf is what the QR code of somebody's sheet says.
func linkOf(s *site, login string) string {
	return session.CodeLink(s.server.URL, login, s.code(login))
}

// sweep runs the hourly job at once.
func (s *site) sweep() error {
	s.write(func(ctx context.Context, tx *db.Tx) error { return s.core.Jobs.Add(ctx, tx, tidy{}) })
	return s.core.Jobs.Drain(context.Background())
}

// tidy is the hourly job by its name.
type tidy struct{}

func (tidy) Kind() string { return "session.sweep" }
