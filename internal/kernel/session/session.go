// Package session is how people get in and stay in: codes, sign-in, activation,
// the charter, devices, recovery and throttling. It refuses to know what
// anybody may do once in: that is rights.
package session

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/secret"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

// Migrations are the tables of sessions, codes and the charter.
func Migrations() fs.FS { return sub("migrations") }

// Messages is the catalogue of the entry pages.
func Messages() fs.FS { return sub("i18n") }

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Cookie is the only cookie of a person who is signed in. Its prefix has
// browsers refuse it unless it is Secure, of this host alone and for any path.
const Cookie = "__Host-marelle"

// How long a session lives: long on a person's own device (signing in is the
// dearest thing the server does), short on a tablet that children share.
const (
	life       = 90 * 24 * time.Hour
	sharedIdle = 30 * time.Minute
	seenEvery  = 5 * time.Minute
)

// Version of the charter in force; a new text raises it and asks everyone again.
const charterVersion = 1

// Resolve finds who holds the cookie of a request, in one statement. A stranger
// is nil.
func Resolve(ctx context.Context, q db.Querier, r *http.Request, now time.Time) (*rights.Viewer, error) {
	c, err := r.Cookie(Cookie)
	if err != nil || len(c.Value) < 20 {
		return nil, nil //nolint:nilerr // no cookie is a stranger
	}
	return byToken(ctx, q, secret.Hash(c.Value), now)
}

// principals reads "school principal|school principal".
func principals(held string) []rights.Principal {
	var out []rights.Principal
	for one := range strings.SplitSeq(held, "|") {
		if school, name, ok := strings.Cut(one, " "); ok {
			out = append(out, rights.Principal{School: school, Name: name})
		}
	}
	return out
}

func byToken(ctx context.Context, q db.Querier, token string, now time.Time) (*rights.Viewer, error) {
	rows, err := q.QueryContext(ctx, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END, p.avatar, p.theme, p.reading,
			s.shared, s.seen_at, p.activated_at, CASE WHEN EXISTS (SELECT 1 FROM second_factor sf WHERE sf.person = p.id AND sf.confirmed_at IS NOT NULL) THEN 1 ELSE 0 END,
			CASE WHEN EXISTS (SELECT 1 FROM charter_acceptance ca WHERE ca.person = p.id AND ca.version >= $3 AND ca.paper_by = '') THEN 1 ELSE 0 END,
			coalesce((SELECT string_agg(pp.school || ' ' || pp.principal, '|') FROM person_principal pp
				WHERE pp.person = (SELECT person FROM session WHERE id = $1) AND pp.valid_from <= $2 AND pp.valid_to > $2), ''),
			x.kind, x.a, x.b, x.c, x.d, x.head, x.facts
		FROM session s JOIN person p ON p.id = s.person
		LEFT JOIN (
			SELECT m.person AS person, 'member' AS kind, m.school AS a, coalesce(sc.name, '') AS b, coalesce(sc.timezone, '') AS c, m.profile AS d, m.head AS head, '' AS ord, coalesce(pc.facts, '') AS facts
			FROM membership m LEFT JOIN school sc ON sc.id = m.school
			LEFT JOIN person_caption pc ON pc.person = m.person AND pc.school = m.school
			WHERE m.valid_from <= $2 AND m.valid_to > $2
			AND m.person = (SELECT person FROM session WHERE id = $1)
			UNION ALL
			SELECT f.relative, 'child', k.id, k.first, k.avatar, coalesce((SELECT cl.label FROM class_member cm JOIN class cl ON cl.id = cm.class
				WHERE cm.person = k.id AND cm.profile = 'pupil' AND cm.valid_from <= $2 AND cm.valid_to > $2 ORDER BY cl.year DESC LIMIT 1), ''), FALSE, k.birth || k.first, ''
			FROM family_link f JOIN person k ON k.id = f.pupil
			JOIN membership km ON km.person = k.id AND km.profile = 'pupil' AND km.valid_from <= $2 AND km.valid_to > $2
			WHERE `+people.LinkHolds("f", "$2")+` AND f.relative = (SELECT person FROM session WHERE id = $1)
		) x ON x.person = p.id
		WHERE s.id = $1 AND s.expires_at > $2 ORDER BY x.kind, x.ord, x.b`, token, now.UnixMilli(), charterVersion)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var v *rights.Viewer
	var seen int64
	var activated *int64
	var second int
	for rows.Next() {
		var one rights.Viewer
		var accepted int
		var held string
		var kind, a, b, c, d, facts *string
		var head *bool
		if err := rows.Scan(&one.Person, &one.First, &one.Last, &one.Avatar, &one.Theme, &one.Reading, &one.Shared, &seen, &activated, &second, &accepted,
			&held, &kind, &a, &b, &c, &d, &head, &facts); err != nil {
			return nil, err
		}
		if v == nil {
			one.Principals = principals(held)
			one.Session, one.Now, one.Pending, one.SeenAt = token, now, accepted == 0, seen
			v = &one
		}
		switch {
		case kind == nil:
		case *kind == "member":
			v.Memberships = append(v.Memberships, rights.Membership{School: *a, Name: *b, Zone: *c, Profile: rights.Profile(*d), Head: *head, Caption: *facts})
		case *kind == "child":
			v.Children = append(v.Children, rights.Child{ID: *a, First: *b, Avatar: *c, Class: *d})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if v != nil && len(v.Memberships) == 0 {
		return nil, nil // has left every school
	}
	// Heads and operators add a second factor within the grace of two weeks.
	if v != nil && second == 0 && mustHaveSecond(v) {
		late, err := overdue(ctx, q, v.Person, activated, now)
		if err != nil {
			return nil, err
		}
		v.Pending = v.Pending || late
	}
	return v, nil
}
