package dav

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"marelle/internal/apps/documents"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// node is a file or a folder as a drive shows it.
type node struct {
	ID, School, Owner, Parent, Name string
	Folder                          bool
	Blob, Type                      string
	Size                            int64
	ChangedAt                       int64 `db:"changed_at"`
	Body                            string
	N                               int // how many steps from the root of the drive that it lies in
}

const columns = `d.id, d.school, d.owner, coalesce(d.parent, '') AS parent, d.name, d.folder, coalesce(f.blob, '') AS blob, coalesce(f.type, '') AS type,
	coalesce(f.size, 0) AS size, d.changed_at, coalesce(p.body, '') AS body`

const joined = ` JOIN resource r ON r.id = d.id LEFT JOIN file f ON f.id = d.file LEFT JOIN dav_property p ON p.node = d.id `

// top is where a way begins: one's own documents in a school, or what was given
// there.
type top struct {
	School string
	Given  []string // principals; none is the viewer's own
}

// where is the condition that d lies at the top, with the viewer as $1.
func (t top) where(args []any) (string, []any) {
	args = append(args, t.School)
	school := "$" + strconv.Itoa(len(args))
	if t.Given == nil {
		return `d.owner = $1 AND d.school = ` + school + ` AND d.parent IS NULL AND d.taken IS NULL`, args
	}
	in, args := db.In(args, t.Given)
	return `d.owner <> $1 AND d.school = ` + school + ` AND d.taken IS NULL AND d.id IN (SELECT s.node FROM document_share s WHERE s.principal IN (` + in + `))`, args
}

// walk reads what stands on a way, in one statement, as far as the scope lets its
// viewer read: all of it when it is as long as the way.
func walk(ctx context.Context, q db.Querier, s rights.Scope, from top, way []step) ([]node, error) {
	args := []any{s.Person()}
	var parts []string
	for n, p := range way {
		i := len(args)
		args = append(args, p.key, p.rawKey, p.raw, p.composed, p.decomposed, p.baseKey, p.base, p.tail)
		parts = append(parts, fmt.Sprintf(`(%d, CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS TEXT), CAST($%d AS TEXT))`, n+1, i+1, i+2, i+3, i+4, i+5, i+6, i+7, i+8))
	}
	at, args := from.where(args)
	scope, args := s.Where("r", rights.Read, args)
	const fits = `(d.name_key IN (p.k, p.rk) AND d.name IN (p.a, p.b, p.c) OR d.name_key = p.bk AND d.name = p.base AND substr(d.id, 31) = p.tail)`
	// Of two of one name the first that was made has it alone.
	return db.All[node](ctx, q, `WITH RECURSIVE part(n, k, rk, a, b, c, bk, base, tail) AS (VALUES `+strings.Join(parts, ", ")+`),
		walk(n, id) AS (SELECT 1, (SELECT min(d.id) FROM document d JOIN part p ON p.n = 1 WHERE `+at+` AND `+fits+`)
			UNION ALL SELECT w.n + 1, (SELECT min(d.id) FROM document d JOIN part p ON p.n = w.n + 1 WHERE d.parent = w.id AND d.taken IS NULL AND `+fits+`)
			FROM walk w WHERE w.id IS NOT NULL AND w.n < `+strconv.Itoa(len(way))+`)
		SELECT `+columns+`, w.n FROM walk w JOIN document d ON d.id = w.id`+joined+`WHERE `+scope+` ORDER BY w.n`, args...)
}

// listMax is more than a space holds: a list that ended early would have a
// program that compares delete the rest.
const listMax = 20_000

// list reads what lies in a folder, or at a top, in one statement.
func list(ctx context.Context, q db.Querier, s rights.Scope, from top, folder string) ([]node, error) {
	args := []any{s.Person()}
	at := `d.parent = $2 AND d.taken IS NULL AND $1 <> ''`
	if folder != "" {
		args = append(args, folder)
	} else {
		at, args = from.where(args)
	}
	scope, args := s.Where("r", rights.Read, args)
	args = append(args, listMax)
	return db.All[node](ctx, q, `SELECT `+columns+`, 0 AS n FROM document d`+joined+`WHERE `+at+` AND `+scope+` ORDER BY d.id LIMIT $`+strconv.Itoa(len(args)), args...)
}

// above names the folders above a document that was shared, the top first: where
// it lies in its owner's space. It is told to nobody.
//
// scope: a document that the caller has read
func above(ctx context.Context, q db.Querier, id string) ([]string, error) {
	return db.All[string](ctx, q, `WITH RECURSIVE up(id, n) AS (SELECT d.parent, 1 FROM document d WHERE d.id = $1
			UNION ALL SELECT d.parent, up.n + 1 FROM up JOIN document d ON d.id = up.id WHERE d.parent IS NOT NULL)
		SELECT d.name FROM up JOIN document d ON d.id = up.id ORDER BY up.n DESC`, id)
}

// lock is what somebody holds.
type lock struct {
	Token, Space, Place, Person, Owner string
	Deep                               bool
	ExpiresAt                          int64 `db:"expires_at"`
	First, Last, Civility              string
}

// locksOf lists those of some spaces that are in force, of which the drive tells
// by name alone whoever may open the same place.
//
// scope: the spaces of documents that the caller has found
func locksOf(ctx context.Context, q db.Querier, now time.Time, spaces ...string) ([]lock, error) {
	in, args := db.In([]any{now.UnixMilli()}, spaces)
	return db.All[lock](ctx, q, `SELECT l.token, l.space, l.place, l.person, l.owner, l.deep, l.expires_at, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.civility
		FROM dav_lock l JOIN person p ON p.id = l.person WHERE l.space IN (`+in+`) AND l.expires_at > $1 ORDER BY l.place`, args...)
}

// locksMax is how many somebody may hold at once, in all their spaces.
const locksMax = 100

// take writes a lock that stands in nobody's way. The owner of the space is held:
// two who lock a folder and what lies in it come one after the other.
func take(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, space string, l lock) error {
	owner, _, _ := strings.Cut(space, ".")
	if _, err := db.All[string](ctx, tx, `SELECT id FROM person WHERE id = $1`+tx.Hold(), owner); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if err := g.Must(ctx, tx, documents.Keep, documents.Contributing); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM dav_lock WHERE expires_at <= $1`, now.UnixMilli()); err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	held, err := locksOf(ctx, tx, now, space)
	if err != nil {
		return err
	}
	for _, h := range held {
		if h.covers(l.Place) || l.Deep && below(h.Place, l.Place) {
			return errLocked
		}
	}
	n, err := tx.Exec(ctx, `INSERT INTO dav_lock (token, space, place, deep, person, owner, expires_at) SELECT $1, $2, $3, $4, p.id, $6, $7 FROM person p
		WHERE p.id = $5 AND (SELECT count(*) FROM dav_lock m WHERE m.person = $5) < $8`, l.Token, space, l.Place, l.Deep, g.Viewer().Person, l.Owner, l.ExpiresAt, locksMax)
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Invalid, "dav.locks_many", "n", locksMax)
	}
	return nil
}

// prolong gives a lock of the grant's viewer more time.
func prolong(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, token string, until time.Time) (lock, bool, error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return lock{}, false, err
	}
	n, err := tx.Exec(ctx, `UPDATE dav_lock SET expires_at = $4 WHERE token = $1 AND person = $2 AND expires_at > $3`, token, g.Viewer().Person, now.UnixMilli(), until.UnixMilli())
	if err != nil || n == 0 {
		return lock{}, false, err
	}
	return db.One[lock](ctx, tx, `SELECT token, space, place, person, owner, deep, expires_at, '' AS first, '' AS last, '' AS civility FROM dav_lock WHERE token = $1`, token)
}

// release ends a lock of the grant's viewer, and says whether it was there, and
// whether it is somebody else's.
func release(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, token string) (there, others bool, err error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return false, false, err
	}
	n, err := tx.Exec(ctx, `DELETE FROM dav_lock WHERE token = $1 AND person = $2`, token, g.Viewer().Person)
	if err != nil || n > 0 {
		return n > 0, false, err
	}
	left, err := db.Value[int](ctx, tx, `SELECT count(*) FROM dav_lock WHERE token = $1 AND expires_at > $2`, token, now.UnixMilli())
	return left > 0, left > 0, err
}

// unlock ends the locks on what is no longer there, which were the viewer's or
// had been shown.
func unlock(ctx context.Context, tx *db.Tx, _ rights.Grant, space, place string) error {
	if _, err := tx.Exec(ctx, `DELETE FROM dav_lock WHERE space = $1 AND (place = $2 OR substr(place, 1, $4) = $3)`, space, place, place+"/", len([]rune(place))+1); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}

// noted reads the properties of the grant's document, held until they are written.
func noted(ctx context.Context, tx *db.Tx, g rights.Grant) (properties, error) {
	if _, err := db.All[string](ctx, tx, `SELECT id FROM document WHERE id = $1`+tx.Hold(), g.ID()); err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	body, err := db.Value[string](ctx, tx, `SELECT body FROM dav_property WHERE node = $1`, g.ID())
	if err != nil {
		return nil, fmt.Errorf("properties: %w", err)
	}
	return parse(body)
}

// noteDown writes them.
func noteDown(ctx context.Context, tx *db.Tx, g rights.Grant, p properties) error {
	if err := g.Must(ctx, tx, documents.Contributing); err != nil {
		return err
	}
	if len(p) == 0 {
		_, err := tx.Exec(ctx, `DELETE FROM dav_property WHERE node = $1`, g.ID())
		return err
	}
	b, err := json.Marshal(p)
	if err != nil {
		return err
	}
	if len(p) > propertiesMax || len(b) > propertiesSize {
		return errs.New(errs.Invalid, "dav.properties_many")
	}
	if _, err := tx.Exec(ctx, `INSERT INTO dav_property (node, body) VALUES ($1, $2) ON CONFLICT (node) DO UPDATE SET body = excluded.body`, g.ID(), string(b)); err != nil {
		return fmt.Errorf("properties: %w", err)
	}
	return nil
}

// alone demands, once something new stands in the grant's folder or at the top of
// its viewer's own documents and the space is held, that nothing else came there
// by that name meanwhile.
func alone(ctx context.Context, tx *db.Tx, g rights.Grant, name string) error {
	in, at := `d.parent IS NULL AND d.owner = $3 AND d.school = $2`, g.School()
	if g.Role() > 0 {
		in, at = `d.parent = $2 AND $3 <> ''`, g.ID()
	}
	n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM document d WHERE d.name = $1 AND d.taken IS NULL AND `+in, name, at, g.Viewer().Person)
	if err == nil && n > 1 {
		err = errs.New(errs.Conflict, "dav.changed")
	}
	return err
}

// export hands over what programs noted beside a person's documents, and the
// locks that they hold.
//
// scope: the rows of the person whose data it is
func export(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	notes, err := db.All[struct{ Node, Body string }](ctx, q, `SELECT p.node, p.body FROM dav_property p JOIN document d ON d.id = p.node WHERE d.owner = $1 ORDER BY p.node`, person)
	if err != nil {
		return err
	}
	if err := add("dav/properties", notes); err != nil {
		return err
	}
	held, err := db.All[struct {
		Place     string
		ExpiresAt int64 `db:"expires_at"`
	}](ctx, q, `SELECT place, expires_at FROM dav_lock WHERE person = $1 ORDER BY place`, person)
	if err != nil {
		return err
	}
	return add("dav/locks", held)
}

// forget ends what a person's programs hold, and what anybody's holds in their
// space; the properties went with the documents.
func forget(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM dav_lock WHERE person = $1 OR substr(space, 1, 36) = $1`, person); err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	return nil
}

// expire removes locks whose time is over.
func expire(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM dav_lock WHERE expires_at <= $1`, now.UnixMilli())
	return err
}
