package people

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// States of an import.
const (
	ImportPlanned = "planned" // given, shown, waiting for a yes
	ImportQueued  = "queued"  // said yes to, not written yet
	ImportDone    = "done"
	ImportUndone  = "undone"
	ImportFailed  = "failed"
)

// keepImports is how long files and journal are kept, and so how long an import
// can be undone.
const keepImports = 30 * 24 * time.Hour

// Import is an import as recorded. Times are Unix milliseconds.
type Import struct {
	ID        string
	School    string
	Year      int
	Whole     bool
	Actor     string
	State     string
	Summary   string
	Failure   string // key of a sentence
	CreatedAt int64  `db:"created_at"`
	AppliedAt *int64 `db:"applied_at"`
	UndoneAt  *int64 `db:"undone_at"`
}

const importColumns = `id, school, year, whole, actor, state, summary, failure, created_at, applied_at, undone_at`

// ImportCounts is what an import did, without anybody's name.
type ImportCounts struct {
	Classes     int         `json:"classes"`
	Pupils      onde.Counts `json:"pupils"`
	Relatives   onde.Counts `json:"relatives"`
	Teachers    onde.Counts `json:"teachers"`
	FamilyLinks int         `json:"family_links"`
	Doubtful    int         `json:"doubtful"`
	Rejected    int         `json:"rejected"`
}

// Counts are the counts of an import that was applied.
func (i Import) Counts() ImportCounts {
	var c ImportCounts
	if i.Summary != "" {
		_ = json.Unmarshal([]byte(i.Summary), &c) // written by complete alone; else zeros
	}
	return c
}

// CountsOf counts what a plan would do.
func CountsOf(p onde.Plan) ImportCounts {
	s := p.Summary(func(key string, _ map[string]any) string { return key })
	return ImportCounts{Classes: s.Classes, Pupils: s.Pupils, Relatives: s.Relatives, Teachers: s.Teachers, FamilyLinks: s.FamilyLinks,
		Doubtful: len(s.Doubtful), Rejected: len(s.Rejected)}
}

// plus adds what an earlier step of the same import did; what is doubtful is
// what the last step says.
func (c ImportCounts) plus(was ImportCounts) ImportCounts {
	c.Classes += was.Classes
	c.FamilyLinks += was.FamilyLinks
	for _, x := range []struct {
		to   *onde.Counts
		from onde.Counts
	}{{&c.Pupils, was.Pupils}, {&c.Relatives, was.Relatives}, {&c.Teachers, was.Teachers}} {
		x.to.Created += x.from.Created
		x.to.Updated += x.from.Updated
		x.to.Moved += x.from.Moved
		x.to.Left += x.from.Left
		x.to.Unchanged = max(x.to.Unchanged, x.from.Unchanged)
	}
	return c
}

// PlanImport keeps files that somebody wants to import until they say yes;
// ReadImport has read them before. A plan that they left waiting is dropped.
func PlanImport(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school string, year int, whole bool, list []ImportFile) (Import, error) {
	if err := mayImport(ctx, tx, g, school); err != nil {
		return Import{}, err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM import WHERE school = $1 AND state = $2 AND actor = $3`, school, ImportPlanned, g.Actor()); err != nil {
		return Import{}, fmt.Errorf("import: %w", err)
	}
	files, err := pack(given{Year: year, Whole: whole, Files: list})
	if err != nil {
		return Import{}, err
	}
	imp := Import{ID: id.New(), School: school, Year: year, Whole: whole, Actor: g.Actor(), State: ImportPlanned, CreatedAt: now.UnixMilli()}
	_, err = tx.Exec(ctx, `INSERT INTO import (id, school, year, whole, actor, state, files, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		imp.ID, school, year, whole, imp.Actor, imp.State, files, imp.CreatedAt)
	if err != nil {
		return Import{}, fmt.Errorf("import: %w", err)
	}
	return imp, nil
}

// Imports lists a school's imports that were applied, the last first.
func Imports(ctx context.Context, q db.Querier, school string, limit int) ([]Import, error) {
	return db.All[Import](ctx, q, `SELECT `+importColumns+` FROM import WHERE school = $1 AND state IN ($2, $3) ORDER BY applied_at DESC, id DESC LIMIT $4`,
		school, ImportDone, ImportUndone, limit)
}

// ImportByID finds an import of a school.
func ImportByID(ctx context.Context, q db.Querier, school, imp string) (Import, error) {
	i, ok, err := db.One[Import](ctx, q, `SELECT `+importColumns+` FROM import WHERE id = $1 AND school = $2`, imp, school)
	if err == nil && !ok {
		err = errs.ErrNotFound
	}
	return i, err
}

// LastImport is the last import of a school whose files are still kept: the one
// whose doubtful cases can be settled.
func LastImport(ctx context.Context, q db.Querier, school string) (Import, bool, error) {
	return db.One[Import](ctx, q, `SELECT `+importColumns+` FROM import WHERE school = $1 AND state = $2 AND files IS NOT NULL
		ORDER BY applied_at DESC, id DESC LIMIT 1`, school, ImportDone)
}

// Undoable is the import that can be undone, as far as it is the last one that
// changed something; CanUndo and UndoImport look further.
func Undoable(ctx context.Context, q db.Querier, school string) (Import, bool, error) {
	return lastWritten(ctx, q, school)
}

// lastWritten is the last import of a school that changed something.
func lastWritten(ctx context.Context, q db.Querier, school string) (Import, bool, error) {
	return db.One[Import](ctx, q, `SELECT `+importColumns+` FROM import WHERE school = $1 AND state = $2 AND journal IS NOT NULL
		ORDER BY applied_at DESC, id DESC LIMIT 1`, school, ImportDone)
}

// given is what a person asked for, as kept in the column files.
type given struct {
	Year  int          `json:"year"`
	Whole bool         `json:"whole,omitempty"`
	Files []ImportFile `json:"files"`
}

// ImportOrder is the order of an import whose files are still kept; ok is false
// when they are not.
func ImportOrder(ctx context.Context, q db.Querier, imp Import) (o Order, ok bool, err error) {
	kept, err := db.Value[[]byte](ctx, q, `SELECT files FROM import WHERE id = $1`, imp.ID)
	if err != nil || len(kept) == 0 {
		return o, false, err
	}
	var g given
	if err := unpack(kept, &g); err != nil {
		return o, false, err
	}
	o = Order{School: imp.School, Year: g.Year, Whole: g.Whole, Given: g.Files}
	o.Files, err = ReadImport(o.Given)
	return o, err == nil, err
}

// QueueImport says yes to a plan, with the choices made on its page. The caller
// adds the job in the same transaction.
func QueueImport(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school, imp string, made map[string]onde.Choice) error {
	if err := mayImport(ctx, tx, g, school); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `UPDATE import SET state = $3, actor = $4, failure = '' WHERE id = $1 AND school = $2 AND state IN ($5, $6) AND files IS NOT NULL`,
		imp, school, ImportQueued, g.Actor(), ImportPlanned, ImportFailed)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if n == 0 {
		return errs.New(errs.Conflict, "people.import_gone")
	}
	return record(ctx, tx, g, now, school, made)
}

// DropImport forgets a plan and its files.
func DropImport(ctx context.Context, tx *db.Tx, g rights.Grant, school, imp string) error {
	if err := mayImport(ctx, tx, g, school); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM import WHERE id = $1 AND school = $2 AND state IN ($3, $4)`, imp, school, ImportPlanned, ImportFailed)
	return err
}

// QueuedOrder reads, before the transaction that applies it, what an import that
// was said yes to is made of; ok is false when it is no longer queued.
func QueuedOrder(ctx context.Context, q db.Querier, imp string) (o Order, ok bool, err error) {
	i, ok, err := db.One[Import](ctx, q, `SELECT `+importColumns+` FROM import WHERE id = $1 AND state = $2`, imp, ImportQueued)
	if err != nil || !ok {
		return o, false, err
	}
	return ImportOrder(ctx, q, i)
}

// ApplyQueued applies an import that was said yes to, once: ok is false when it
// is no longer queued. Whoever said yes must still run the school.
func ApplyQueued(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, imp string, o Order) (res Result, ok bool, err error) {
	if err := mayImport(ctx, tx, g, o.School); err != nil {
		return res, false, err
	}
	// Under the school's lock the state no longer changes.
	i, ok, err := db.One[Import](ctx, tx, `SELECT `+importColumns+` FROM import WHERE id = $1 AND school = $2 AND state = $3`, imp, o.School, ImportQueued)
	if err != nil || !ok {
		return res, false, err
	}
	runs, err := db.Value[int](ctx, tx, `SELECT count(*) FROM membership WHERE person = $1 AND (school = $2 AND head OR profile = 'operator') AND valid_to > $3`, i.Actor, i.School, now.UnixMilli())
	if err != nil {
		return res, false, err
	}
	if runs == 0 {
		return res, false, errs.ErrDenied
	}
	res, err = apply(ctx, tx, g, now, i, o, nil)
	return res, err == nil, err
}

// FailImport notes that an import could not be applied; nothing of it was. The
// key is that of a sentence.
func FailImport(ctx context.Context, tx *db.Tx, g rights.Grant, imp, key string) error {
	if err := g.Must(ctx, tx, ManageSchool, rights.Operating); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE import SET state = $2, failure = $3 WHERE id = $1 AND school = $4 AND state = $5`, imp, ImportFailed, key, g.School(), ImportQueued)
	return err
}

// Doubts are the doubtful cases of the last import that still wait.
func Doubts(ctx context.Context, q db.Querier, now time.Time, school string) (Import, onde.Plan, error) {
	imp, ok, err := LastImport(ctx, q, school)
	if err != nil || !ok {
		return imp, onde.Plan{}, err
	}
	o, ok, err := ImportOrder(ctx, q, imp)
	if err != nil || !ok {
		return imp, onde.Plan{}, err
	}
	p, err := PreviewImport(ctx, q, now, o)
	return imp, p, err
}

// ResolveImport settles doubtful cases of the last import and writes what
// follows from the choices, as a part of that import.
func ResolveImport(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school string, made map[string]onde.Choice) (Result, error) {
	if err := mayImport(ctx, tx, g, school); err != nil {
		return Result{}, err
	}
	imp, p, err := Doubts(ctx, tx, now, school)
	if err != nil {
		return Result{}, err
	}
	if imp.ID == "" || len(p.Cases) == 0 {
		return Result{}, errs.New(errs.NotFound, "people.import_no_doubt")
	}
	late := make(map[string]onde.Choice, len(made))
	for subject, c := range made {
		if late[subject], err = CheckChoice(p, subject, c); err != nil {
			return Result{}, err
		}
	}
	o, _, err := ImportOrder(ctx, tx, imp)
	if err != nil {
		return Result{}, err
	}
	o.Given = nil // kept already
	return apply(ctx, tx, g, now, imp, o, late)
}

// ExpireImports wipes the files and journals of imports older than 30 days, and
// plans that nobody said yes to within one.
func ExpireImports(ctx context.Context, tx *db.Tx, now time.Time) error {
	if _, err := tx.Exec(ctx, `UPDATE import SET files = NULL, journal = NULL WHERE created_at < $1 AND (files IS NOT NULL OR journal IS NOT NULL)`, now.Add(-keepImports).UnixMilli()); err != nil {
		return fmt.Errorf("imports: %w", err)
	}
	_, err := tx.Exec(ctx, `DELETE FROM import WHERE state IN ($1, $2) AND created_at < $3`, ImportPlanned, ImportFailed, now.Add(-24*time.Hour).UnixMilli())
	return err
}
