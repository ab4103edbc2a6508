package documents

import (
	"context"
	"fmt"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Entry is a file or a folder of a ZIP that is made.
type Entry struct {
	ID, Parent, Name, Type, Blob string
	First, Last, Civility        string // of who sent the file
	Failed                       bool   // it could not be made ready
	Folder                       bool
	ChangedAt                    int64 `db:"changed_at"`
}

// Entries lists items and all that lies in them, of which the scope lets its
// viewer read. It names the bytes of each file as they are downloaded: none for
// sound or video of somebody else that is not ready.
func Entries(ctx context.Context, q db.Querier, s rights.Scope, ids []string) ([]Entry, error) {
	return entries(ctx, q, s, ids, `ORDER BY d.folder DESC, d.name_key, d.id`)
}

// Missing lists some of what items hold that the viewer of the scope may read and
// not have yet.
func Missing(ctx context.Context, q db.Querier, s rights.Scope, ids []string, limit int) ([]Entry, error) {
	return entries(ctx, q, s, ids, `AND NOT d.folder AND v.blob IS NULL ORDER BY d.name_key, d.id LIMIT `+fmt.Sprint(limit))
}

// entries are items and what they hold. CROSS JOIN keeps the order on SQLite: the
// tree knows a few of all that there is.
func entries(ctx context.Context, q db.Querier, s rights.Scope, ids []string, which string) ([]Entry, error) {
	in, args := db.In(nil, ids)
	args = append(args, s.Person())
	me := fmt.Sprintf("$%d", len(args))
	scope, args := s.Where("r", rights.Read, args)
	list, err := db.All[Entry](ctx, q, tree(in)+`SELECT d.id, CASE WHEN d.id IN (`+in+`) THEN '' ELSE coalesce(d.parent, '') END AS parent, d.name, d.folder, d.changed_at, coalesce(v.type, '') AS type, coalesce(v.blob, '') AS blob,
			coalesce(fr.state, '') = 'failed' AS failed, coalesce(p.first, '') AS first, coalesce(p.civility, '') AS civility, coalesce(CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END, '') AS last
		FROM (SELECT DISTINCT id FROM tree) t CROSS JOIN document d CROSS JOIN resource r
		LEFT JOIN file f ON f.id = d.file LEFT JOIN file_render fr ON fr.file = d.file LEFT JOIN person p ON p.id = f.owner LEFT JOIN file_variant v ON v.file = d.file AND v.name = (SELECT o.name FROM file_variant o
			WHERE o.file = d.file AND (o.name IN ('original', 'web') OR o.name = 'source' AND f.owner = `+me+`) ORDER BY CASE o.name WHEN 'source' THEN 0 WHEN 'original' THEN 1 ELSE 2 END LIMIT 1)
		WHERE d.id = t.id AND r.id = d.id AND `+scope+` `+which, args...)
	if err != nil {
		return nil, fmt.Errorf("zip: %w", err)
	}
	return list, nil
}
