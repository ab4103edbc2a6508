package documents

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Query chooses a page of files and folders.
type Query struct {
	ID      string      // only this one: reading one is the list with an id
	In      string      // what lies in this folder
	Mine    bool        // the top of the viewer's own space
	Star    bool        // what the viewer wants to find at once
	Given   []string    // what was shared with one of these principals, newest first
	Kind    []string    // ids: only these
	Least   rights.Role // held by the viewer
	Folders bool        // these alone
	Owner   string      // only in this one's space
	School  string      // only in this one
	After   string      // Item.ID, the last of the page before
	Limit   int         //
}

// List reads a page of what the scope lets its viewer see, folders first, in
// one statement.
func List(ctx context.Context, q db.Querier, s rights.Scope, o Query) ([]Item, error) {
	args := []any{s.Person()}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	from, at := `document d`, `0`
	order := `CASE WHEN d.folder THEN 0 ELSE 1 END, d.name_key, d.id`
	var where []string
	switch {
	case o.ID != "":
		where = append(where, `d.id = `+arg(o.ID))
	case o.In != "":
		where = append(where, `d.parent = `+arg(o.In))
	case o.Star:
		from = `(SELECT node FROM document_star WHERE person = $1) w JOIN document d ON d.id = w.node`
	case o.Mine:
		where = append(where, `d.owner = $1 AND d.parent IS NULL`)
	case len(o.Kind) > 0:
		var in string
		in, args = db.In(args, o.Kind)
		where = append(where, `d.id IN (`+in+`)`)
	default:
		// What was given itself, wherever it lies: what lies in it is found there.
		var in string
		in, args = db.In(args, o.Given)
		from = `(SELECT node, max(at) AS at FROM document_share WHERE principal IN (` + in + `) GROUP BY node) w JOIN document d ON d.id = w.node`
		at, order = `w.at`, `w.at DESC, d.id DESC`
		where = append(where, `d.owner <> $1`)
		if when, id, ok := strings.Cut(o.After, "."); ok {
			if n, err := strconv.ParseInt(when, 10, 64); err == nil {
				where = append(where, `(w.at, d.id) < (`+arg(n)+`, `+arg(id)+`)`)
			}
		}
		o.After = ""
	}
	if o.School != "" {
		where = append(where, `d.school = `+arg(o.School))
	}
	if o.Owner != "" {
		where = append(where, `d.owner = `+arg(o.Owner))
	}
	if o.Folders {
		where = append(where, `d.folder`)
	}
	if o.After != "" {
		where = append(where, `(CASE WHEN d.folder THEN 0 ELSE 1 END, d.name_key, d.id) > (SELECT CASE WHEN l.folder THEN 0 ELSE 1 END, l.name_key, l.id FROM document l WHERE l.id = `+arg(o.After)+`)`)
	}
	fresh := `FALSE`
	if o.ID != "" { // is still news to the viewer
		fresh = notify.Fresh("d.id", "$1")
	}
	limit := arg(max(1, o.Limit))
	scope, args := s.Where("r", max(o.Least, rights.Read), args)
	// The page is cut before anything is counted of its lines. CROSS JOIN keeps this
	// order on SQLite.
	return db.All[Item](ctx, q, `SELECT d.id, d.school, d.owner, d.author, coalesce(d.parent, '') AS parent, d.folder, d.name, coalesce(d.file, '') AS file,
			coalesce(f.type, '') AS type, coalesce(f.size, 0) AS size, coalesce(f.alt, '') AS alt, coalesce(f.retouched_at, 0) AS drawn, d.version, d.changed_at, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.civility,
			CASE WHEN d.folder THEN (SELECT count(*) FROM document c WHERE c.parent = d.id AND c.taken IS NULL) ELSE 0 END AS within,
			EXISTS (SELECT 1 FROM document_star ds WHERE ds.person = $1 AND ds.node = d.id) AS starred,
			EXISTS (SELECT 1 FROM file_variant fv WHERE fv.file = d.file AND fv.name = 'thumb') AS thumb,
			EXISTS (SELECT 1 FROM file_variant fv WHERE fv.file = d.file AND (fv.name IN ('original', 'web') OR fv.name = 'source' AND f.owner = $1)) AS ready, w.at AS at, `+fresh+` AS fresh
		FROM (SELECT d.id, `+at+` AS at FROM `+from+` CROSS JOIN resource r WHERE r.id = d.id AND `+strings.Join(append(where, scope), ` AND `)+` ORDER BY `+order+` LIMIT `+limit+`) w
		CROSS JOIN document d JOIN person p ON p.id = d.owner LEFT JOIN file f ON f.id = d.file
		WHERE d.id = w.id ORDER BY `+order, args...)
}

// Step is a folder on the way to something.
type Step struct {
	ID   string
	Name string
}

// Way lists the folders above an item, the top first, those alone that the
// viewer may open.
func Way(ctx context.Context, q db.Querier, s rights.Scope, item string) ([]Step, error) {
	scope, args := s.Where("r", rights.Read, []any{item})
	return db.All[Step](ctx, q, `WITH RECURSIVE up(id, n) AS (SELECT d.parent, 1 FROM document d WHERE d.id = $1
			UNION ALL SELECT d.parent, up.n + 1 FROM up JOIN document d ON d.id = up.id WHERE d.parent IS NOT NULL)
		SELECT d.id, d.name FROM up CROSS JOIN document d JOIN resource r ON r.id = d.id WHERE d.id = up.id AND `+scope+` ORDER BY up.n DESC`, args...)
}

// Audience says, for items of whoever manages them, to which principals beside
// their owner they are open.
func Audience(ctx context.Context, q db.Querier, s rights.Scope, items []Item) (map[string][]string, error) {
	ids := make([]string, len(items))
	for n, i := range items {
		ids[n] = i.ID
	}
	in, args := db.In(nil, ids)
	scope, args := s.Where("r", rights.Manage, args)
	rows, err := db.All[struct{ Resource, Principal string }](ctx, q, `SELECT rg.resource, rg.principal FROM resource r JOIN resource_grant rg ON rg.resource = r.id
		WHERE r.id IN (`+in+`) AND rg.principal <> 'person:' || r.owner AND `+scope+` ORDER BY rg.resource, rg.role DESC, rg.principal`, args...)
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Resource] = append(out[r.Resource], r.Principal)
	}
	return out, err
}

// Share is what somebody was given, on an item or on a folder above it.
type Share struct {
	Node      string // where it was given
	Name      string
	Principal string
	Role      rights.Role
}

// Shares lists who has what on the grant's item, and from where.
func Shares(ctx context.Context, q db.Querier, g rights.Grant) ([]Share, error) {
	list, err := db.All[Share](ctx, q, `WITH RECURSIVE up(id, n) AS (SELECT d.id, 0 FROM document d WHERE d.id = $1
			UNION ALL SELECT d.parent, up.n + 1 FROM up JOIN document d ON d.id = up.id WHERE d.parent IS NOT NULL)
		SELECT d.id AS node, d.name, s.principal, s.role FROM up CROSS JOIN document d JOIN document_share s ON s.node = d.id WHERE d.id = up.id
		ORDER BY up.n, s.at, s.principal`, g.ID())
	if err != nil {
		return nil, fmt.Errorf("shares: %w", err)
	}
	return list, nil
}

// Comment is what somebody said of an item.
type Comment struct {
	ID, Author, First, Last, Avatar, Body string
	At                                    int64
}

// Comments lists them, oldest first, the last hundred.
func Comments(ctx context.Context, q db.Querier, g rights.Grant) ([]Comment, error) {
	list, err := db.All[Comment](ctx, q, `SELECT c.id, c.author, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, c.body, c.at
		FROM document_comment c JOIN person p ON p.id = c.author WHERE c.node = $1 ORDER BY c.at DESC, c.id DESC LIMIT 100`, g.ID())
	slices.Reverse(list)
	return list, err
}

// Version is one state of a file.
type Version struct {
	N                 int
	File, First, Last string
	Size              int64
	At                int64
}

// Versions lists those of the grant's file, newest first.
func Versions(ctx context.Context, q db.Querier, g rights.Grant) ([]Version, error) {
	return db.All[Version](ctx, q, `SELECT v.n, v.file, coalesce(p.first, '') AS first, coalesce(CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END, '') AS last, f.size, v.at
		FROM document_version v JOIN file f ON f.id = v.file LEFT JOIN person p ON p.id = v.author WHERE v.node = $1 ORDER BY v.n DESC`, g.ID())
}

// Attached is a file of somebody that an item of a service shows.
type Attached struct {
	File, Name, Type string
	Alt              string // of a picture
	Size             int64
	At               int64
	Resource, Kind   string
	Title            string
}

// InServices lists the viewer's files that items of other services show, among
// those that they may read, newest first, after one that was seen.
func InServices(ctx context.Context, q db.Querier, s rights.Scope, before Attached, limit int) ([]Attached, error) {
	scope, args := s.Where("r", rights.Read, []any{s.Person(), before.At, before.File, before.Resource, limit})
	return db.All[Attached](ctx, q, `SELECT f.id AS file, f.name, f.type, f.alt, f.size, f.created_at AS at, r.id AS resource, r.kind, r.title
		FROM file f JOIN file_use u ON u.file = f.id JOIN resource r ON r.id = u.resource
		WHERE f.owner = $1 AND (f.created_at, f.id, r.id) < ($2, $3, $4) AND r.kind <> '`+string(Document)+`' AND `+scope+`
		ORDER BY f.created_at DESC, f.id DESC, r.id DESC LIMIT $5`, args...)
}

// Removed is something in the trash of its owner.
type Removed struct {
	ID, Name  string
	Folder    bool
	TrashedAt int64 `db:"trashed_at"`
	Within    int
}

// Trashed lists what the viewer can put back, the last removed first. What the
// scope's lists hide is theirs by its owner alone, in a school where they are.
// before is the last of the page before.
func Trashed(ctx context.Context, q db.Querier, s rights.Scope, before Removed, limit int) ([]Removed, error) {
	return db.All[Removed](ctx, q, `SELECT d.id, d.name, d.folder, r.trashed_at, (SELECT count(*) FROM document c WHERE c.taken = d.id) - 1 AS within
		FROM document d JOIN resource r ON r.id = d.id WHERE d.owner = $1 AND d.taken = d.id AND (r.trashed_at, d.id) < ($4, $5) AND `+here+`
		ORDER BY r.trashed_at DESC, d.id DESC LIMIT $3`, s.Person(), s.At(), limit, before.TrashedAt, before.ID)
}

// here is the condition that the owner of d ($1) is in its school at $2.
const here = `EXISTS (SELECT 1 FROM person_principal pp WHERE pp.person = $1 AND pp.principal = 'person:' || d.owner AND pp.school = d.school AND pp.valid_from <= $2 AND pp.valid_to > $2)`
