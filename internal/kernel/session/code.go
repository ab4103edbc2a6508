package session

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/secret"
)

// codeLife is how long a sheet is good for.
const codeLife = 60 * 24 * time.Hour

// charge is the need of whoever hands out codes: a teacher of the class, the
// head of the school.
var charge = rights.OnPerson("code.issue", "id")

// mac is what a code is looked up by.
func mac(core *app.Core, code string) string {
	return hex.EncodeToString(core.Keys.MAC("code", []byte(code)))
}

// IssueCodes gives a code to each person who is not active and has none in
// force; the others keep what they have. A whole school takes a few statements.
func IssueCodes(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, persons []string) error {
	if err := mayHand(ctx, tx, core, g, persons); err != nil {
		return err
	}
	now := core.Clock.Now()
	for batch := range slices.Chunk(persons, 400) {
		list, args := db.In([]any{now.UnixMilli()}, batch)
		without, err := db.All[string](ctx, tx, `SELECT p.id FROM person p WHERE p.id IN (`+list+`) AND p.activated_at IS NULL
			AND NOT EXISTS (SELECT 1 FROM activation_code c WHERE c.person = p.id AND c.expires_at > $1)`, args...)
		if err != nil {
			return fmt.Errorf("codes: %w", err)
		}
		if _, err := issue(ctx, tx, core, g, without, now, ` WHERE activation_code.expires_at <= excluded.issued_at`); err != nil {
			return err
		}
		if err := audit.NoteAll(ctx, tx, g, now, "code.issue", without); err != nil {
			return err
		}
	}
	return nil
}

// issue writes fresh codes over those that the condition names, "" for all that
// there are, and returns them bare, in the order of the persons. Of two who
// print at once the later keeps the codes of the first.
func issue(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, persons []string, now time.Time, over string) ([]string, error) {
	codes, rows := make([]string, len(persons)), make([][]any, len(persons))
	for i, p := range persons {
		codes[i] = secret.NewCode()
		sealed := base64.RawStdEncoding.EncodeToString(core.Keys.Seal("code", []byte(codes[i]), []byte(p)))
		rows[i] = []any{p, mac(core, codes[i]), sealed, g.Actor(), now.UnixMilli(), now.Add(codeLife).UnixMilli()}
	}
	_, err := db.Insert(ctx, tx, `INSERT INTO activation_code (person, mac, sealed, issued_by, issued_at, expires_at) VALUES `,
		`ON CONFLICT (person) DO UPDATE SET mac = excluded.mac, sealed = excluded.sealed, issued_by = excluded.issued_by,
		issued_at = excluded.issued_at, expires_at = excluded.expires_at`+over, rows)
	if err != nil {
		return nil, fmt.Errorf("codes: %w", err)
	}
	return codes, nil
}

// OpenCodes returns the codes in force, as printed on sheets (XXXX-XXXX-XXX),
// by person; who has none is absent. Each opening is audited.
func OpenCodes(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, persons []string) (map[string]string, error) {
	if err := mayHand(ctx, tx, core, g, persons); err != nil {
		return nil, err
	}
	now := core.Clock.Now()
	out := make(map[string]string, len(persons))
	for batch := range slices.Chunk(persons, 400) {
		list, args := db.In([]any{now.UnixMilli()}, batch)
		rows, err := db.All[struct{ Person, Sealed string }](ctx, tx, `SELECT person, sealed FROM activation_code
			WHERE person IN (`+list+`) AND expires_at > $1`, args...)
		if err != nil {
			return nil, fmt.Errorf("codes: %w", err)
		}
		var opened []string
		for _, row := range rows {
			sealed, err := base64.RawStdEncoding.DecodeString(row.Sealed)
			if err != nil {
				return nil, fmt.Errorf("codes: %w", err)
			}
			code, err := core.Keys.Open("code", sealed, []byte(row.Person))
			if err != nil {
				return nil, fmt.Errorf("codes: %w", err)
			}
			out[row.Person] = secret.FormatCode(string(code))
			opened = append(opened, row.Person)
		}
		if err := audit.NoteAll(ctx, tx, g, now, "code.open", opened); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Reissue gives a person a new code in place of their password: the account
// sleeps until it is activated again, its sessions end, and its holder is told
// where an address was confirmed. That address is forgotten: the wrong person
// may have confirmed it, and it would open the account again. Whoever does it
// outranks every profile of the target in every school. The code comes as
// printed on a sheet.
func Reissue(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string) (string, error) {
	if err := mayHand(ctx, tx, core, g, []string{person}); err != nil {
		return "", err
	}
	now := core.Clock.Now()
	a, ok, err := accountByID(ctx, tx, person)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errs.ErrNotFound
	}
	if _, err := tx.Exec(ctx, `UPDATE person SET password = '', email = '', activated_at = NULL WHERE id = $1`, person); err != nil {
		return "", err
	}
	for _, table := range []string{"session", "known_device", "entry", "recovery", "email_confirmation", "second_factor", "recovery_code", "refused_address", "returned_mail"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE person = $1`, person); err != nil {
			return "", fmt.Errorf("reissue: %w", err)
		}
	}
	codes, err := issue(ctx, tx, core, g, []string{person}, now, "")
	if err != nil {
		return "", err
	}
	if err := audit.Note(ctx, tx, g, now, "code.reissue", person, ""); err != nil {
		return "", err
	}
	if a.ActivatedAt != nil {
		if err := tell(ctx, tx, core, a, "session.mail.reissued"); err != nil {
			return "", err
		}
	}
	return secret.FormatCode(codes[0]), nil
}

// mayHand checks, inside the transaction, that the holder of g is in charge of
// each person and stands above all that the person is anywhere: whoever reads a
// code can become its owner.
func mayHand(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, persons []string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	v := g.Viewer()
	if v == nil {
		if g.Actor() == "" {
			return errors.New("session: codes without somebody to answer for them")
		}
		return nil // the program itself, with its reason
	}
	if v.Is(rights.Operator) {
		return outranks(ctx, tx, rights.Operator, persons, core.Clock.Now())
	}
	schools, err := charge.InCharge(ctx, tx, v, persons)
	if err != nil {
		return err
	}
	in := map[string][]string{}
	for _, p := range persons {
		in[schools[p]] = append(in[schools[p]], p)
	}
	for school, group := range in {
		// What the viewer is in another school gives no rank in this one.
		here := rights.Viewer{}
		for _, m := range v.Memberships {
			if m.School == school {
				here.Memberships = append(here.Memberships, m)
			}
		}
		if err := outranks(ctx, tx, here.Main(), group, core.Clock.Now()); err != nil {
			return err
		}
	}
	return nil
}

// outranks refuses as soon as one person has, anywhere, a profile that does not
// stand below mine.
func outranks(ctx context.Context, tx *db.Tx, mine rights.Profile, persons []string, now time.Time) error {
	for batch := range slices.Chunk(persons, 400) {
		list, args := db.In([]any{now.UnixMilli()}, batch)
		theirs, err := db.All[struct {
			Profile string
			Head    bool
		}](ctx, tx, `SELECT DISTINCT profile, head FROM membership WHERE person IN (`+list+`) AND valid_to > $1`, args...)
		if err != nil {
			return err
		}
		for _, t := range theirs {
			profile := rights.Profile(t.Profile)
			if t.Head {
				profile = rights.Head
			}
			if !rights.Outranks(mine, profile) {
				return errs.New(errs.Denied, "session.outranked")
			}
		}
	}
	return nil
}

// CodeLink is what the QR code of a sheet says: the secret stands in the
// fragment, which browsers never send, and is posted by the page.
func CodeLink(base, login, code string) string {
	return strings.TrimSuffix(base, "/") + EntryPath + "#" + url.PathEscape(login) + "/" + url.PathEscape(code)
}

// holder finds whose code it is, if it is in force and belongs to that sign-in
// name.
func holder(ctx context.Context, q db.Querier, core *app.Core, login, code string) (person string, ok bool, err error) {
	return db.One[string](ctx, q, `SELECT p.id FROM activation_code c JOIN person p ON p.id = c.person
		WHERE c.mac = $1 AND c.expires_at > $2 AND p.login = $3 AND p.activated_at IS NULL`, mac(core, code), core.Clock.Now().UnixMilli(), login)
}
