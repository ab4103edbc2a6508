package people

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

// ImportFile is a file as it was given.
type ImportFile struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
}

// MaxImport is how many bytes one import takes, all files together. The largest
// school of France weighs under one megabyte.
const MaxImport = 40 << 20

// ReadImport reads the files of an import; all must be lists that onde knows.
func ReadImport(files []ImportFile) ([]onde.File, error) {
	if len(files) == 0 {
		return nil, errs.Field("fichiers", "people.import_no_file")
	}
	total := 0
	out := make([]onde.File, 0, len(files))
	for _, f := range files {
		if total += len(f.Data); total > MaxImport {
			return nil, errs.New(errs.TooLarge, "people.import_too_large")
		}
		read, err := onde.Read(f.Name, bytes.NewReader(f.Data))
		if err != nil {
			return nil, err
		}
		out = append(out, read)
	}
	return out, nil
}

// Order is what to import: the files, read, for a school year.
type Order struct {
	School string // its id; "" for one that does not exist yet, in a preview
	New    bool   // the school was created for this import, in the same transaction
	Year   int
	Whole  bool // the files list the whole school: whoever is in none has left
	Files  []onde.File
	// Given are the same files as bytes, kept 30 days so that doubtful cases can
	// be settled later.
	Given []ImportFile
	// Choices are about doubtful cases, besides those recorded earlier.
	Choices map[string]onde.Choice
}

// Result is what an import did. The lists hold ids of persons.
type Result struct {
	Import  string // id of its row
	Plan    onde.Plan
	Created []string
	Back    []string // who had left and returns
}

// Newcomers lists whoever may need a code: created or back.
func (r Result) Newcomers() []string { return append(append([]string{}, r.Created...), r.Back...) }

// PreviewImport says what an import would do, and writes nothing.
func PreviewImport(ctx context.Context, q db.Querier, now time.Time, o Order) (onde.Plan, error) {
	p, _, err := plan(ctx, q, now, o)
	return p, err
}

// plan compares files with the directory as q sees it.
func plan(ctx context.Context, q db.Querier, now time.Time, o Order) (onde.Plan, directory, error) {
	opt := onde.Options{Year: o.Year, WholeSchool: o.Whole, Choices: o.Choices}
	if o.School == "" {
		return onde.Compare(o.Files, onde.Snapshot{}, opt), directory{}, nil
	}
	others, err := elsewhere(ctx, q, o.School, o.Files)
	if err != nil {
		return onde.Plan{}, directory{}, err
	}
	outside := make([]string, len(others))
	for i, p := range others {
		outside[i] = p.ID
	}
	d, err := load(ctx, q, o.School, outside)
	if err != nil {
		return onde.Plan{}, directory{}, err
	}
	s := d.snapshot(o.Year, now)
	s.School, s.Elsewhere = !o.New, others
	if opt.Choices, err = choices(ctx, q, o.School, o.Choices); err != nil {
		return onde.Plan{}, directory{}, err
	}
	return tidy(onde.Compare(o.Files, s, opt), d, now), d, nil
}

// ApplyImport imports files into a school, wholly or not at all: it belongs in
// one transaction with whatever else must happen at once (the school's
// creation, the codes of those whom it creates). The plan is made again from
// what the transaction sees. A second import of the same school waits.
func ApplyImport(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, o Order) (Result, error) {
	if err := mayImport(ctx, tx, g, o.School); err != nil {
		return Result{}, err
	}
	imp := Import{ID: id.New(), School: o.School, Year: o.Year, Whole: o.Whole, Actor: g.Actor(), State: ImportDone, CreatedAt: now.UnixMilli()}
	if _, err := db.Insert(ctx, tx, `INSERT INTO import (id, school, year, whole, actor, state, created_at) VALUES `, "",
		[][]any{{imp.ID, imp.School, imp.Year, imp.Whole, imp.Actor, imp.State, imp.CreatedAt}}); err != nil {
		return Result{}, fmt.Errorf("import: %w", err)
	}
	return apply(ctx, tx, g, now, imp, o, nil)
}

// mayImport checks the grant and takes the school's turn: the row stays locked
// until the transaction ends, so that imports of one school follow each other.
func mayImport(ctx context.Context, tx *db.Tx, g rights.Grant, school string) error {
	if err := g.Must(ctx, tx, ManageSchool, rights.Operating); err != nil {
		return err
	}
	if g.Viewer() != nil && !g.Viewer().Is(rights.Operator) && g.School() != school {
		return errs.ErrDenied
	}
	n, err := tx.Exec(ctx, `UPDATE school SET name = name WHERE id = $1`, school)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if n == 0 {
		return errs.ErrNotFound
	}
	return nil
}

// apply writes what the order's plan says, less what the same plan would say
// without the choices in late, and completes the import's row.
func apply(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, imp Import, o Order, late map[string]onde.Choice) (Result, error) {
	res := Result{Import: imp.ID}
	var before onde.Plan
	if late != nil {
		var err error
		if before, _, err = plan(ctx, tx, now, o); err != nil {
			return res, err
		}
	}
	if err := record(ctx, tx, g, now, o.School, o.Choices); err != nil {
		return res, err
	}
	if err := record(ctx, tx, g, now, o.School, late); err != nil {
		return res, err
	}
	var first directory
	// A choice may give a profile to a person whom the same plan creates or
	// whose row it completes: the second round writes what is left of that.
	for round := range 3 {
		p, d, err := plan(ctx, tx, now, o)
		if err != nil {
			return res, err
		}
		if late != nil {
			p = without(p, before)
		}
		if round == 0 {
			first, res.Plan = d, p
		}
		if round > 0 && p.Empty() {
			break
		}
		fresh, back, err := write(ctx, tx, g, now, o.School, p, d)
		if err != nil {
			return res, err
		}
		res.Created, res.Back = append(res.Created, fresh...), append(res.Back, back...)
		if !attaches(p) {
			break
		}
		o.New = false
	}
	if err := complete(ctx, tx, now, imp, o, res, first); err != nil {
		return res, err
	}
	return res, audit.Note(ctx, tx, g.For(o.School), now, "import.apply", imp.ID, fmt.Sprintf("%d persons created", len(res.Created)))
}

func attaches(p onde.Plan) bool {
	for _, o := range p.Pupils {
		if o.Attached {
			return true
		}
	}
	for _, o := range p.Relatives {
		if o.Attached {
			return true
		}
	}
	for _, o := range p.Teachers {
		if o.Attached {
			return true
		}
	}
	return false
}

// complete writes the report and the journal of an import that was applied.
func complete(ctx context.Context, tx *db.Tx, now time.Time, imp Import, o Order, res Result, first directory) error {
	var outside []string
	for p := range first.persons {
		if !first.member(p) {
			outside = append(outside, p)
		}
	}
	after, err := load(ctx, tx, o.School, outside)
	if err != nil {
		return err
	}
	done := between(first, after)
	old, err := db.Value[[]byte](ctx, tx, `SELECT journal FROM import WHERE id = $1`, imp.ID)
	if err != nil {
		return err
	}
	var earlier journal
	if err := unpack(old, &earlier); err != nil {
		return err
	}
	if err := summarise(ctx, tx, imp.ID, CountsOf(res.Plan).plus(imp.Counts())); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE import SET state = $2, applied_at = $3, failure = '' WHERE id = $1`, imp.ID, ImportDone, now.UnixMilli()); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	all := earlier.then(done)
	home := imp // whose doubtful cases and journal these are
	if all.empty() {
		// What changes nothing belongs to the import before: that one can still be
		// taken back, and doubtful cases settled from now on go with it.
		last, ok, err := lastWritten(ctx, tx, o.School)
		if err != nil {
			return err
		}
		if ok {
			home = last
			c := last.Counts()
			c.Doubtful = len(res.Plan.Cases)
			if err := summarise(ctx, tx, last.ID, c); err != nil {
				return err
			}
		}
	} else {
		kept, err := pack(all)
		if err != nil {
			return err
		}
		if err := keep(ctx, tx, "journal", imp, kept); err != nil {
			return err
		}
	}
	if len(o.Given) == 0 {
		return nil
	}
	files, err := pack(given{Year: o.Year, Whole: o.Whole, Files: o.Given})
	if err != nil {
		return err
	}
	return keep(ctx, tx, "files", home, files)
}

func summarise(ctx context.Context, tx *db.Tx, imp string, c ImportCounts) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE import SET summary = $2 WHERE id = $1`, imp, string(text)); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// keep writes a column of one import and wipes it in the school's others: one
// can be completed, the last; one can be taken back, the last that changed
// something.
func keep(ctx context.Context, tx *db.Tx, column string, imp Import, value []byte) error {
	if _, err := tx.Exec(ctx, `UPDATE import SET `+column+` = NULL WHERE school = $1 AND state = $2 AND id <> $3`, imp.School, ImportDone, imp.ID); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	if _, err := tx.Exec(ctx, `UPDATE import SET `+column+` = $2 WHERE id = $1`, imp.ID, value); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

// member says that a person is or was of the school.
func (d directory) member(person string) bool {
	for _, as := range []rights.Profile{rights.Pupil, rights.Relative, rights.Teacher, rights.Staff, rights.Guest} {
		if _, ok := d.members[memberRow{Person: person, Profile: string(as)}.key()]; ok {
			return true
		}
	}
	return false
}

// without keeps of a plan what another does not say, with the new persons and
// classes that it needs: what a choice alone changes. Whatever people changed by
// hand since the files were given stays as they made it.
func without(p, base onde.Plan) onde.Plan {
	out := p
	out.Classes, out.Pupils, out.Relatives, out.Teachers, out.Links = nil, nil, nil, nil, nil
	needed := map[onde.Ref]bool{}
	need := func(refs ...onde.Ref) {
		for _, r := range refs {
			if r.New() {
				needed[r] = true
			}
		}
	}
	out.Links = minus(p.Links, base.Links, func(o onde.LinkOp) bool { need(o.Relative, o.Pupil); return false })
	out.Pupils = minus(p.Pupils, base.Pupils, func(o onde.PupilOp) bool { return needed[o.Ref] })
	out.Relatives = minus(p.Relatives, base.Relatives, func(o onde.RelativeOp) bool { return needed[o.Ref] })
	out.Teachers = minus(p.Teachers, base.Teachers, func(o onde.TeacherOp) bool { return needed[o.Ref] })
	for _, o := range out.Pupils {
		need(o.Class)
	}
	for _, o := range out.Teachers {
		need(o.Classes...)
	}
	out.Classes = minus(p.Classes, base.Classes, func(o onde.ClassOp) bool { return needed[o.Ref] })
	return out
}

func minus[T any](list, base []T, keep func(T) bool) []T {
	var out []T
	for _, o := range list {
		same := false
		for _, b := range base {
			if reflect.DeepEqual(o, b) {
				same = true
				break
			}
		}
		if wanted := keep(o); !same || wanted {
			out = append(out, o)
		}
	}
	return out
}

// choices are those recorded for a school, and those made now.
func choices(ctx context.Context, q db.Querier, school string, now map[string]onde.Choice) (map[string]onde.Choice, error) {
	rows, err := db.All[struct{ Subject, Choice, Target string }](ctx, q, `SELECT subject, choice, target FROM import_choice WHERE school = $1`, school)
	if err != nil {
		return nil, fmt.Errorf("choices: %w", err)
	}
	out := make(map[string]onde.Choice, len(rows)+len(now))
	for _, r := range rows {
		out[r.Subject] = onde.Choice{Do: r.Choice, Target: r.Target}
	}
	for k, c := range now {
		out[k] = c
	}
	return out, nil
}

func record(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, school string, list map[string]onde.Choice) error {
	rows := make([][]any, 0, len(list))
	for subject, c := range list {
		rows = append(rows, []any{school, subject, c.Do, c.Target, g.Actor(), now.UnixMilli()})
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO import_choice (school, subject, choice, target, actor, made_at) VALUES `,
		`ON CONFLICT (school, subject) DO UPDATE SET choice = excluded.choice, target = excluded.target, actor = excluded.actor, made_at = excluded.made_at`, rows); err != nil {
		return fmt.Errorf("choices: %w", err)
	}
	return nil
}

// CheckChoice says whether a case of the plan offers a choice. An empty target
// stands for the only candidate.
func CheckChoice(p onde.Plan, subject string, c onde.Choice) (onde.Choice, error) {
	for _, cs := range p.Cases {
		if cs.ID != subject {
			continue
		}
		offered := false
		for _, do := range cs.Choices {
			offered = offered || do == c.Do
		}
		if !offered {
			return c, errs.Field(subject, "people.import_choice", "choices", strings.Join(cs.Choices, ", "))
		}
		if c.Do != onde.Attach {
			return onde.Choice{Do: c.Do}, nil
		}
		if c.Target == "" && len(cs.Candidates) == 1 {
			c.Target = cs.Candidates[0].Key
		}
		for _, cand := range cs.Candidates {
			if cand.Key == c.Target || string(cand.Ref) == c.Target {
				return onde.Choice{Do: c.Do, Target: cand.Key}, nil
			}
		}
		return c, errs.Field(subject, "people.import_target")
	}
	return c, errs.New(errs.NotFound, "people.import_case", "case", subject)
}
