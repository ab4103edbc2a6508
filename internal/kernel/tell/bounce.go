package tell

import (
	"context"
	"crypto/hmac"
	"encoding/base32"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/mail"
)

// token is how a returned message is known again: the delivery, and a sign that
// it was ours. Mail servers do not tell capitals from small letters.
var token = base32.HexEncoding.WithPadding(base32.NoPadding)

// signed is how much of the sign is kept.
const signed = 8

func returnToken(core *app.Core, delivery string) string {
	id, err := uuid.Parse(delivery)
	if err != nil {
		return ""
	}
	return strings.ToLower(token.EncodeToString(append(id[:], core.Keys.MAC("mail return", id[:])[:signed]...)))
}

func readReturn(core *app.Core, text string) (delivery string, ok bool) {
	b, err := token.DecodeString(strings.ToUpper(text))
	if err != nil || len(b) != len(uuid.UUID{})+signed {
		return "", false
	}
	id := uuid.UUID(b[:len(uuid.UUID{})])
	return id.String(), hmac.Equal(core.Keys.MAC("mail return", id[:])[:signed], b[len(id):])
}

// Returned is what became of a returned message.
type Returned string

// What may become of one.
const (
	NotOurs Returned = "unknown" // no report, or of no message of ours
	Stale   Returned = "stale"   // of an address that is no longer theirs
	Passing Returned = "passing" // it may pass: counted
	Refused Returned = "refused" // there is no such address: written to no more
)

// ReadReturned reads a message that came back, and what address it came back
// to ("" asks its head lines).
func ReadReturned(ctx context.Context, core *app.Core, from io.Reader, to string) (Returned, error) {
	report, err := mail.ReadReport(from)
	if err != nil || !report.Failed() {
		return NotOurs, nil // whatever else comes to that address is nothing to us
	}
	if to != "" {
		report.To = []string{to}
	}
	for _, address := range report.To {
		local, _, _ := strings.Cut(address, "@")
		_, text, _ := strings.Cut(local, "+")
		delivery, ok := readReturn(core, text)
		if !ok {
			continue
		}
		out := NotOurs
		err := core.DB.Write(ctx, func(tx *db.Tx) error {
			p, ok, err := db.One[struct{ Person, Email string }](ctx, tx, `SELECT p.id AS person, p.email FROM delivery d JOIN person p ON p.id = d.person WHERE d.id = $1`, delivery)
			switch {
			case err != nil:
				return fmt.Errorf("returned: %w", err)
			case !ok:
				return nil
			case p.Email == "" || p.Email != report.Recipient:
				out = Stale
				return nil
			case report.Wrong():
				out = Refused
				return session.Refuse(ctx, tx, rights.System("mail returned"), core.Clock.Now(), p.Person, p.Email)
			}
			out = Passing
			return session.Returned(ctx, tx, rights.System("mail returned"), core.Clock.Now(), p.Person, p.Email)
		})
		return out, err
	}
	return NotOurs, nil
}
