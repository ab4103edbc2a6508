package file

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// Space is how much somebody holds in a school, and how much they may.
type Space struct {
	Used int64
	Max  int64
}

// Nearly says that four fifths are taken: they are told before there is no room.
func (s Space) Nearly() bool { return s.Used*5 >= s.Max*4 }

// Percent is what a gauge shows, 100 at most.
func (s Space) Percent() int {
	if s.Used >= s.Max {
		return 100
	}
	return int(s.Used * 100 / s.Max)
}

// allowance is how much person $1 may hold in school $2 at instant $3: the most
// of what their profiles give there.
const allowance = `coalesce((SELECT max(coalesce(own.bytes, usual.bytes)) FROM membership m
	JOIN quota usual ON usual.school = '' AND usual.profile = CASE WHEN m.head THEN 'head' ELSE m.profile END
	LEFT JOIN quota own ON own.school = m.school AND own.profile = usual.profile
	WHERE m.person = $1 AND m.school = $2 AND m.valid_from <= $3 AND m.valid_to > $3), 0)`

// Usage reads how much somebody holds in a school.
func Usage(ctx context.Context, q db.Querier, now time.Time, school, person string) (Space, error) {
	s, _, err := db.One[Space](ctx, q, `SELECT coalesce((SELECT used FROM file_usage WHERE person = $1 AND school = $2), 0) AS used, `+allowance+` AS max`,
		person, school, now.UnixMilli())
	return s, err
}

// Usages reads how much somebody holds in each of some schools, in one statement.
func Usages(ctx context.Context, q db.Querier, now time.Time, person string, schools []string) (map[string]Space, error) {
	in, args := db.In([]any{person, now.UnixMilli()}, schools)
	rows, err := db.All[struct {
		School string
		Space
	}](ctx, q, `SELECT s.id AS school, coalesce(u.used, 0) AS used, `+strings.NewReplacer("$2", "s.id", "$3", "$2").Replace(allowance)+` AS max
		FROM school s LEFT JOIN file_usage u ON u.school = s.id AND u.person = $1 WHERE s.id IN (`+in+`)`, args...)
	out := make(map[string]Space, len(rows))
	for _, r := range rows {
		out[r.School] = r.Space
	}
	return out, err
}

// Room refuses early, before the bytes come, what would not fit.
func Room(ctx context.Context, q db.Querier, now time.Time, school, person string, size int64) error {
	s, err := Usage(ctx, q, now, school, person)
	if err == nil && s.Used+size > s.Max {
		err = full(s)
	}
	return err
}

func full(s Space) error {
	return errs.Field("piece", "file.full", "used", i18n.Size(s.Used), "max", i18n.Limit(s.Max))
}

// hold keeps the holder's row for this transaction: bytes that two requests add
// or remove at once are counted one after the other.
func hold(ctx context.Context, tx *db.Tx, school, person string) error {
	_, err := tx.Exec(ctx, `INSERT INTO file_usage (person, school, used) VALUES ($1, $2, 0)
		ON CONFLICT (person, school) DO UPDATE SET used = file_usage.used`, person, school)
	return err
}

// charge counts the files that their owners do not hold yet, or refuses them.
func charge(ctx context.Context, tx *db.Tx, now time.Time, list []Received) error {
	// By holder, in the one order in which rows are held everywhere.
	by := map[Holder]map[string]int64{}
	for _, r := range list {
		h := Holder{r.Owner, r.School}
		if by[h] == nil {
			by[h] = map[string]int64{}
		}
		by[h][r.variants[0].blob] = r.Size
	}
	for _, h := range slices.SortedFunc(maps.Keys(by), Holder.compare) {
		if err := h.charge(ctx, tx, now, by[h]); err != nil {
			return err
		}
	}
	return nil
}

// charge counts bytes, by the key under which they lie.
func (h Holder) charge(ctx context.Context, tx *db.Tx, now time.Time, more map[string]int64) error {
	if err := hold(ctx, tx, h.School, h.Owner); err != nil {
		return err
	}
	for some := range slices.Chunk(slices.Collect(maps.Keys(more)), chunk) {
		in, args := db.In([]any{h.Owner, h.School}, some)
		held, err := db.All[string](ctx, tx, `SELECT DISTINCT blob FROM file WHERE owner = $1 AND school = $2 AND blob IN (`+in+`)`, args...)
		if err != nil {
			return err
		}
		for _, key := range held {
			delete(more, key)
		}
	}
	var size int64
	for _, n := range more {
		size += n
	}
	if size == 0 {
		return nil
	}
	n, err := tx.Exec(ctx, `UPDATE file_usage SET used = used + $4 WHERE person = $1 AND school = $2 AND used + $4 <= `+allowance,
		h.Owner, h.School, now.UnixMilli(), size)
	if err != nil {
		return err
	}
	if n == 0 {
		s, err := Usage(ctx, tx, now, h.School, h.Owner)
		if err != nil {
			return err
		}
		return full(s)
	}
	_, err = tx.Exec(ctx, `UPDATE file_usage SET warned_at = $3 WHERE person = $1 AND school = $2 AND warned_at IS NULL AND used * 5 >= 4 * `+allowance,
		h.Owner, h.School, now.UnixMilli())
	return err
}

// recount counts anew what a holder whose row is held has, after files were
// removed or came from another.
func recount(ctx context.Context, tx *db.Tx, now time.Time, school, person string) error {
	if _, err := tx.Exec(ctx, `UPDATE file_usage SET used = coalesce((SELECT sum(x.size) FROM
			(SELECT f.blob, max(f.size) AS size FROM file f WHERE f.owner = $1 AND f.school = $2 GROUP BY f.blob) x), 0)
		WHERE person = $1 AND school = $2`, person, school); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE file_usage SET warned_at = NULL, told = FALSE WHERE person = $1 AND school = $2 AND warned_at IS NOT NULL AND used * 5 < 4 * `+allowance,
		person, school, now.UnixMilli())
	return err
}

// SetQuota says how much a profile may hold in a school, "" for the usual of all
// schools; 0 goes back to the usual.
func SetQuota(ctx context.Context, tx *db.Tx, g rights.Grant, school string, profile rights.Profile, bytes int64) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if bytes == 0 && school != "" {
		_, err := tx.Exec(ctx, `DELETE FROM quota WHERE school = $1 AND profile = $2`, school, string(profile))
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO quota (school, profile, bytes) VALUES ($1, $2, $3) ON CONFLICT (school, profile) DO UPDATE SET bytes = excluded.bytes`,
		school, string(profile), bytes)
	return err
}

// Quotas lists how much each profile may hold in a school.
func Quotas(ctx context.Context, q db.Querier, school string) (map[rights.Profile]int64, error) {
	rows, err := db.All[struct {
		Profile string
		Bytes   int64
	}](ctx, q, `SELECT usual.profile, coalesce(own.bytes, usual.bytes) AS bytes FROM quota usual
		LEFT JOIN quota own ON own.profile = usual.profile AND own.school = $1 WHERE usual.school = ''`, school)
	out := make(map[rights.Profile]int64, len(rows))
	for _, r := range rows {
		out[rights.Profile(r.Profile)] = r.Bytes
	}
	return out, err
}

// Filled takes those whose space has become nearly full and who were not told yet,
// some of them, or one person with theirs; they count as told from then on.
func Filled(ctx context.Context, tx *db.Tx, g rights.Grant, person string) ([]Holder, error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return nil, err
	}
	list, err := db.All[Holder](ctx, tx, `SELECT person AS owner, school FROM file_usage WHERE warned_at IS NOT NULL AND NOT told AND ($1 = '' OR person = $1)
		ORDER BY warned_at, person, school LIMIT 100`+tx.Hold(), person)
	if err != nil {
		return nil, fmt.Errorf("filled: %w", err)
	}
	for _, h := range list {
		if _, err := tx.Exec(ctx, `UPDATE file_usage SET told = TRUE WHERE person = $1 AND school = $2`, h.Owner, h.School); err != nil {
			return nil, fmt.Errorf("filled: %w", err)
		}
	}
	return list, nil
}

// Holding is how much somebody holds in a school.
type Holding struct {
	Person, First, Last, Avatar, Caption string
	Used                                 int64
}

// Most lists those who hold most in the grant's school at a moment, never what.
func Most(ctx context.Context, q db.Querier, g rights.Grant, now time.Time, limit int) ([]Holding, error) {
	return db.All[Holding](ctx, q, `SELECT p.id AS person, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, coalesce(c.facts, '') AS caption, u.used
		FROM file_usage u JOIN person p ON p.id = u.person LEFT JOIN person_caption c ON c.person = u.person AND c.school = u.school
		WHERE u.school = $1 AND u.used > 0 AND EXISTS (SELECT 1 FROM membership m WHERE m.person = u.person AND m.school = u.school AND m.valid_from <= $2 AND m.valid_to > $2)
		ORDER BY u.used DESC, p.id LIMIT $3`, g.School(), now.UnixMilli(), limit)
}

// Drop has items that go for good show none of their files any more. Those that
// nothing else shows are gone at once, and their owners have the room back.
func Drop(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, resources ...string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	var ids []string
	for some := range slices.Chunk(resources, chunk) {
		in, args := db.In(nil, some)
		shown, err := db.All[string](ctx, tx, `SELECT DISTINCT u.file FROM file_use u JOIN file f ON f.id = u.file WHERE u.resource IN (`+in+`) AND f.kept_until < `+fmt.Sprintf("$%d", len(args)+1), append(args, now.UnixMilli())...)
		if err != nil {
			return err
		}
		ids = append(ids, shown...)
		if _, err := tx.Exec(ctx, `DELETE FROM file_use WHERE resource IN (`+in+`)`, args...); err != nil {
			return err
		}
	}
	return forget(ctx, tx, now, ids)
}

// chunk is how many ids one statement takes.
const chunk = 400

// Holder is somebody who holds files in a school.
type Holder struct{ Owner, School string }

func (h Holder) compare(o Holder) int {
	return cmp.Or(strings.Compare(h.Owner, o.Owner), strings.Compare(h.School, o.School))
}

// holdAll holds rows, which it sorts: all before anything is removed and in one
// order everywhere, so that two who remove wait and do not block.
func holdAll(ctx context.Context, tx *db.Tx, holders []Holder) error {
	slices.SortFunc(holders, Holder.compare)
	for _, h := range slices.Compact(slices.Clone(holders)) {
		if err := hold(ctx, tx, h.School, h.Owner); err != nil {
			return err
		}
	}
	return nil
}

// forget removes those of some files that nothing shows. Their bytes are swept.
func forget(ctx context.Context, tx *db.Tx, now time.Time, ids []string) error {
	ids, err := withOriginals(ctx, tx, ids)
	if err != nil {
		return err
	}
	var holders []Holder
	for some := range slices.Chunk(ids, chunk) {
		in, args := db.In(nil, some)
		list, err := db.All[Holder](ctx, tx, `SELECT DISTINCT owner, school FROM file WHERE owner <> '' AND id IN (`+in+`)`, args...)
		if err != nil {
			return err
		}
		holders = append(holders, list...)
	}
	if err := holdAll(ctx, tx, holders); err != nil {
		return err
	}
	for some := range slices.Chunk(ids, chunk) {
		in, args := db.In(nil, some)
		unshown := `IN (` + in + `) AND NOT EXISTS (SELECT 1 FROM file_use u WHERE u.file = `
		// First what whoever makes something of a file holds while writing it.
		if _, err := tx.Exec(ctx, `DELETE FROM file_render WHERE file `+unshown+`file_render.file)`, args...); err != nil {
			return fmt.Errorf("forget: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM file_variant WHERE file `+unshown+`file_variant.file)`, args...); err != nil {
			return fmt.Errorf("forget: %w", err)
		}
		if _, err := tx.Exec(ctx, `DELETE FROM file WHERE id `+unshown+`file.id)`, args...); err != nil {
			return fmt.Errorf("forget: %w", err)
		}
	}
	for _, h := range slices.Compact(holders) {
		if err := recount(ctx, tx, now, h.School, h.Owner); err != nil {
			return err
		}
	}
	return nil
}
