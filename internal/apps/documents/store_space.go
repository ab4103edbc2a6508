package documents

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// nearly is the job that tells those whose space has become nearly full, however
// it did: files are joined in every service.
type nearly struct{}

// Kind names the job.
func (nearly) Kind() string { return "documents.nearly" }

const nearlyEvery = 5 * time.Minute

func tellNearly(ctx context.Context, core *app.Core) error {
	for {
		n := 0
		if err := core.DB.Write(ctx, func(tx *db.Tx) (err error) {
			n, err = tellFull(ctx, tx, core, rights.System("spaces nearly full"), "")
			return err
		}); err != nil || n == 0 {
			return err
		}
	}
}

// tellFull tells a person, or some of all with "", whose space has become nearly
// full: once for each time that it does.
func tellFull(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string) (int, error) {
	list, err := file.Filled(ctx, tx, g, person)
	if err != nil {
		return 0, err
	}
	for _, h := range list {
		own := rights.System("space nearly full").For(h.School)
		item, err := spaceOf(ctx, tx, core, own, h.Owner)
		if err != nil {
			return 0, err
		}
		if _, err := notify.Publish(ctx, tx, core.Jobs, notify.Event{School: h.School, Kind: Full, Resource: item, Actor: h.Owner, Only: []string{h.Owner}, At: core.Clock.Now()}); err != nil {
			return 0, err
		}
	}
	return len(list), nil
}

// spaceOf is the resource of somebody's space in the grant's school, made the
// first time.
func spaceOf(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string) (string, error) {
	made := id.New()
	n, err := tx.Exec(ctx, `INSERT INTO document_space (person, school, resource) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, person, g.School(), made)
	if err != nil {
		return "", fmt.Errorf("space: %w", err)
	}
	if n == 0 {
		return db.Value[string](ctx, tx, `SELECT resource FROM document_space WHERE person = $1 AND school = $2`, person, g.School())
	}
	_, err = resource.Create(ctx, tx, g, core.Clock.Now(), resource.Row{ID: made, School: g.School(), Kind: Space, Owner: person, Title: core.Catalog.T("documents.mine")})
	return made, err
}

// removeSpaces forgets that somebody was told of their spaces.
func removeSpaces(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	gone, err := db.All[string](ctx, tx, `SELECT resource FROM document_space WHERE person = $1`, person)
	if err != nil || len(gone) == 0 {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM document_space WHERE person = $1`, person); err != nil {
		return fmt.Errorf("space: %w", err)
	}
	if err := notify.RemoveAll(ctx, tx, g, gone...); err != nil {
		return err
	}
	return resource.Remove(ctx, tx, g, gone...)
}

// Shelves are what the profiles of a school may hold, and who holds most of it.
type Shelves struct {
	Quotas map[rights.Profile]int64
	Most   []file.Holding
}

// Bounds of what a school may give to one person.
const (
	quotaLeast = 1_000_000
	quotaMost  = 100_000_000_000
)

// Rooms reads them for the grant's school: names and sums, never what the files
// are called.
func Rooms(ctx context.Context, q db.Querier, g rights.Grant) (s Shelves, err error) {
	if s.Quotas, err = file.Quotas(ctx, q, g.School()); err != nil {
		return s, err
	}
	s.Most, err = file.Most(ctx, q, g, g.Viewer().Now, page)
	return s, err
}

// SetRooms writes what profiles may hold in the grant's school; 0 is the usual.
func SetRooms(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, bytes map[rights.Profile]int64) error {
	if err := g.Must(ctx, tx, Rule); err != nil {
		return err
	}
	for _, p := range slices.Sorted(maps.Keys(bytes)) {
		n := bytes[p]
		if n != 0 && (n < quotaLeast || n > quotaMost) {
			return errs.Field(string(p), "documents.quota.bad")
		}
		if err := file.SetQuota(ctx, tx, g, g.School(), p, n); err != nil {
			return err
		}
		if err := audit.Note(ctx, tx, g, now, "quota.set", string(p), g.School()); err != nil {
			return err
		}
	}
	return nil
}

// Heaviest lists the viewer's own documents in a school that take most room.
func Heaviest(ctx context.Context, q db.Querier, s rights.Scope, school string) ([]Item, error) {
	scope, args := s.Where("r", rights.Manage, []any{s.Person(), school, heaviest})
	ids, err := db.All[string](ctx, q, `SELECT d.id FROM document d JOIN file f ON f.id = d.file JOIN resource r ON r.id = d.id
		WHERE d.owner = $1 AND d.school = $2 AND `+scope+` ORDER BY f.size DESC, d.id LIMIT $3`, args...)
	if err != nil || len(ids) == 0 {
		return nil, err
	}
	list, err := List(ctx, q, s, Query{Kind: ids, Limit: len(ids)})
	slices.SortStableFunc(list, func(a, b Item) int { return cmp.Compare(b.Size, a.Size) })
	return list, err
}

const heaviest = 20
