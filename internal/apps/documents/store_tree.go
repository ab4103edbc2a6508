package documents

import (
	"context"
	"fmt"
	"slices"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/media"
)

// node is what a change has to know of a file or a folder.
type node struct {
	ID, School, Owner, Parent, Name string
	Folder                          bool
}

// tree begins a statement about some nodes and all that lies below them; top is
// the one of them that each lies in.
//
// scope: the caller's, by the nodes that it names
func tree(in string) string {
	return `WITH RECURSIVE tree(id, top, n) AS (SELECT d.id, d.id, 0 FROM document d WHERE d.id IN (` + in + `)
		UNION ALL SELECT d.id, t.top, t.n + 1 FROM document d JOIN tree t ON d.parent = t.id) `
}

// hold keeps the trees of spaces as they are until the end of the transaction:
// two who move folders into each other, or share while others move, come one
// after the other. Owners are held in order.
func hold(ctx context.Context, tx *db.Tx, _ rights.Grant, owners ...string) error {
	in, args := db.In(nil, owners)
	if _, err := db.All[string](ctx, tx, `SELECT id FROM person WHERE id IN (`+in+`) ORDER BY id`+tx.Hold(), args...); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// holdOf is hold for the spaces in which some nodes lie.
func holdOf(ctx context.Context, tx *db.Tx, _ rights.Grant, nodes ...string) error {
	in, args := db.In(nil, nodes)
	if _, err := db.All[string](ctx, tx, `SELECT id FROM person WHERE id IN (SELECT owner FROM document WHERE id IN (`+in+`)) ORDER BY id`+tx.Hold(), args...); err != nil {
		return fmt.Errorf("hold: %w", err)
	}
	return nil
}

// nodes reads some, on each of which the grant's viewer holds a role by now, and
// holds their spaces. One that is missing is all missing.
func nodes(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, least rights.Role, ids []string) ([]node, error) {
	if err := holdOf(ctx, tx, g, ids...); err != nil {
		return nil, err
	}
	if err := g.Confirm(ctx, tx); err != nil {
		return nil, err
	}
	return look(ctx, tx, g, now, least, ids)
}

// look is nodes without holding anything, for what changes none of them.
func look(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, least rights.Role, ids []string) ([]node, error) {
	in, args := db.In(nil, ids)
	scope, args := rights.ScopeOf(g.Viewer().Person, now).Where("r", least, args)
	list, err := db.All[node](ctx, tx, `SELECT d.id, d.school, d.owner, coalesce(d.parent, '') AS parent, d.name, d.folder FROM document d JOIN resource r ON r.id = d.id
		WHERE d.id IN (`+in+`) AND `+scope+` ORDER BY d.id`, args...)
	if err == nil && (len(ids) == 0 || len(list) != len(ids)) {
		err = errs.ErrNotFound
	}
	return list, err
}

// folder reads the grant's folder, in which something is to lie, and holds its
// space; one without an id is the top of the viewer's own. The caller insists on
// the grant afterwards, when nobody else can change it.
func folder(ctx context.Context, tx *db.Tx, g rights.Grant) (node, error) {
	if g.Role() == 0 { // of no document
		own := node{School: g.School(), Owner: g.Viewer().Person, Folder: true}
		return own, hold(ctx, tx, g, own.Owner)
	}
	if err := holdOf(ctx, tx, g, g.ID()); err != nil {
		return node{}, err
	}
	n, ok, err := db.One[node](ctx, tx, `SELECT d.id, d.school, d.owner, coalesce(d.parent, '') AS parent, d.name, d.folder FROM document d WHERE d.id = $1`, g.ID())
	if err == nil && (!ok || !n.Folder) {
		err = errs.ErrNotFound
	}
	return n, err
}

// room demands that a folder can take some more, height folders high.
func room(ctx context.Context, tx *db.Tx, g rights.Grant, in node, more, height int) error {
	n, err := db.Value[int](ctx, tx, `SELECT count(*) FROM document WHERE owner = $1`, in.Owner)
	if err != nil {
		return err
	}
	if n+more > most {
		return errs.Field("piece", "documents.too_many", "n", most)
	}
	if in.ID == "" {
		return nil
	}
	depth, err := db.Value[int](ctx, tx, `WITH RECURSIVE up(id) AS (SELECT d.id FROM document d WHERE d.id = $1
		UNION ALL SELECT d.parent FROM up JOIN document d ON d.id = up.id WHERE d.parent IS NOT NULL) SELECT count(*) FROM up`, in.ID)
	if err != nil {
		return err
	}
	if depth+height > deepest {
		return errs.Field("vers", "documents.too_deep", "n", deepest)
	}
	return nil
}

// regrant derives the grants of nodes and of all below them from what was given
// on each and on the folders above it: the highest role of each principal. The
// owner manages.
func regrant(ctx context.Context, tx *db.Tx, g rights.Grant, tops ...string) error {
	for some := range slices.Chunk(tops, 400) {
		in, args := db.In(nil, some)
		if _, err := tx.Exec(ctx, tree(in)+`DELETE FROM resource_grant WHERE resource IN (SELECT id FROM tree)`, args...); err != nil {
			return fmt.Errorf("grants: %w", err)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO resource_grant (resource, principal, role) `+tree(in)+`,
				up(node, at) AS (SELECT id, id FROM tree UNION SELECT u.node, d.parent FROM up u JOIN document d ON d.id = u.at WHERE d.parent IS NOT NULL)
			SELECT node, principal, max(role) FROM (
				SELECT d.id AS node, 'person:' || d.owner AS principal, `+fmt.Sprint(int(rights.Manage))+` AS role FROM document d WHERE d.id IN (SELECT id FROM tree)
				UNION ALL SELECT u.node, s.principal, s.role FROM up u JOIN document_share s ON s.node = u.at) x
			GROUP BY node, principal`, args...); err != nil {
			return fmt.Errorf("grants: %w", err)
		}
	}
	return nil
}

// put writes the rows of new nodes, in any order; the names are clean, the space
// is held, there is room.
func put(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, in node, list []Item) error {
	var common []resource.Row
	var rows, versions [][]any
	var ids, files []string
	uses := map[string][]file.Use{}
	for _, i := range upFirst(list) {
		common = append(common, resource.Row{ID: i.ID, School: in.School, Kind: Document, Owner: in.Owner, Title: i.Name})
		var at, kept any
		if i.Parent != "" {
			at = i.Parent
		}
		if i.File != "" {
			kept = i.File
			files = append(files, i.ID)
			versions = append(versions, []any{i.ID, 1, i.File, i.Author, now.UnixMilli()})
			uses[i.Author] = append(uses[i.Author], file.Use{File: i.File, Resource: i.ID})
		}
		ids = append(ids, i.ID)
		rows = append(rows, []any{i.ID, in.School, in.Owner, i.Author, at, i.Folder, i.Name, i18n.Fold(i.Name), kept, now.UnixMilli()})
	}
	if _, err := resource.CreateAll(ctx, tx, g, now, common...); err != nil {
		return err
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO document (id, school, owner, author, parent, folder, name, name_key, file, changed_at) VALUES `, "", rows); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO document_version (node, n, file, author, at) VALUES `, "", versions); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	for author, list := range uses {
		if err := file.AttachAll(ctx, tx, author, list...); err != nil {
			return err
		}
	}
	if err := later(ctx, tx, core.Jobs, files); err != nil {
		return err
	}
	return regrant(ctx, tx, g, ids...)
}

// upFirst puts each folder before what lies in it: a row names the one above it.
func upFirst(list []Item) []Item {
	above := make(map[string]string, len(list))
	for _, i := range list {
		above[i.ID] = i.Parent
	}
	depth := make(map[string]int, len(list))
	for _, i := range list {
		for at := i.Parent; at != ""; at = above[at] {
			depth[i.ID]++
		}
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Item) int { return depth[a.ID] - depth[b.ID] })
	return list
}

// MakeFolder makes one in the grant's folder, or at the top of the viewer's own
// documents.
func MakeFolder(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, name string) (string, error) {
	name, err := cleanName("nom", name)
	if err != nil {
		return "", err
	}
	in, err := folder(ctx, tx, g)
	if err != nil {
		return "", err
	}
	if err := g.Must(ctx, tx, Keep, Contributing); err != nil {
		return "", err
	}
	if err := room(ctx, tx, g, in, 1, 1); err != nil {
		return "", atField(err, "nom")
	}
	made := Item{ID: id.New(), Author: g.Viewer().Person, Parent: in.ID, Folder: true, Name: name}
	return made.ID, put(ctx, tx, core, g, now, in, []Item{made})
}

// atField says a fault of the tree beside the field of another form.
func atField(err error, field string) error {
	if e := errs.As(err); e != nil {
		for _, m := range e.Fields {
			return &errs.Error{Kind: e.Kind, Message: e.Message, Fields: errs.Fields{field: m}, Cause: err}
		}
	}
	return err
}

// Deposit puts files in the grant's folder, or at the top of the viewer's own
// documents, and tells those who may read the folder: those that came with the
// form, and those of the viewer's that had come before.
func Deposit(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, list []file.Received, before []string) (int, error) {
	in, err := folder(ctx, tx, g)
	if err != nil {
		return 0, err
	}
	if err := g.Must(ctx, tx, Keep, Contributing); err != nil {
		return 0, err
	}
	kept, err := sentBefore(ctx, tx, g, in.School, before)
	if err != nil {
		return 0, err
	}
	if err := room(ctx, tx, g, in, len(list)+len(kept), 0); err != nil {
		return 0, err
	}
	items := make([]Item, 0, len(list)+len(kept))
	for _, f := range kept {
		items = append(items, Item{ID: id.New(), Author: g.Viewer().Person, Parent: in.ID, Name: f.Name, File: f.ID})
	}
	if err := file.Record(ctx, tx, g, now, list...); err != nil {
		return 0, err
	}
	for _, f := range list {
		items = append(items, Item{ID: id.New(), Author: g.Viewer().Person, Parent: in.ID, Name: f.Name, File: f.ID})
	}
	if err := put(ctx, tx, core, g, now, in, items); err != nil {
		return 0, err
	}
	if _, err := tellFull(ctx, tx, core, g, g.Viewer().Person); err != nil {
		return 0, err
	}
	return len(items), told(ctx, tx, core, g, now, in.ID, Added)
}

// sent is a file of the viewer's that came before the form.
type sent struct{ ID, Name string }

// sentBefore reads them: a form names those alone that its sender has in the school.
func sentBefore(ctx context.Context, tx *db.Tx, g rights.Grant, school string, ids []string) ([]sent, error) {
	set, args := db.In([]any{g.Viewer().Person, school}, ids)
	kept, err := db.All[sent](ctx, tx, `SELECT f.id, f.name FROM file f WHERE f.owner = $1 AND f.school = $2 AND f.id IN (`+set+`) ORDER BY f.id`, args...)
	if err != nil {
		return nil, fmt.Errorf("sent: %w", err)
	}
	if len(kept) < len(ids) {
		return nil, errs.Field("piece", "documents.file_gone")
	}
	return kept, nil
}

// told tells those who may read an item of what happened to it; nobody when it
// is its owner's alone.
func told(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, item, kind string) error {
	if item == "" {
		return nil
	}
	others, err := db.Value[int](ctx, tx, `SELECT count(*) FROM resource_grant WHERE resource = $1 AND principal <> $2`, item, "person:"+g.Viewer().Person)
	if err != nil || others == 0 {
		return err
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: kind, Resource: item, Actor: g.Viewer().Person, At: now})
	return err
}

// Rename gives the grant's item another name.
func Rename(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, name string) error {
	name, err := cleanName("nom", name)
	if err != nil {
		return err
	}
	if err := g.Must(ctx, tx, Contributing); err != nil {
		return err
	}
	folder, err := db.Value[bool](ctx, tx, `SELECT folder FROM document WHERE id = $1`, g.ID())
	if err != nil {
		return err
	}
	// The name decides what opens a file that somebody takes home.
	if end, program := (media.Type{}).Program(name); program && !folder {
		return errs.Field("nom", "documents.program", "kind", end)
	}
	if _, err := tx.Exec(ctx, `UPDATE document SET name = $2, name_key = $3, changed_at = $4 WHERE id = $1`, g.ID(), name, i18n.Fold(name), now.UnixMilli()); err != nil {
		return fmt.Errorf("rename: %w", err)
	}
	text, err := db.Value[string](ctx, tx, `SELECT body FROM document_text WHERE node = $1`, g.ID())
	if err != nil {
		return err
	}
	return resource.Update(ctx, tx, g, now, resource.Row{ID: g.ID(), Title: name, Text: text})
}

// Move puts items in the folder of another grant, or at the top of their
// owner's documents when that grant is of no folder. What was given on the
// folder that they leave ends, what was given on themselves stays. Those who may
// read that folder are told, as of what is deposited there, unless they are not to
// be or nobody comes to read more than before.
func Move(ctx context.Context, tx *db.Tx, core *app.Core, g, to rights.Grant, now time.Time, ids []string, tell bool) error {
	list, err := nodes(ctx, tx, g, now, rights.Manage, ids)
	if err != nil {
		return err
	}
	in, err := folder(ctx, tx, to)
	if err != nil {
		return err
	}
	if err := to.Must(ctx, tx, Keep, Contributing); err != nil {
		return err
	}
	for _, n := range list {
		if n.Owner != in.Owner || n.School != in.School {
			return errs.Field("vers", "documents.other_space")
		}
	}
	set, args := db.In(nil, ids)
	args = append(args, in.ID)
	below, _, err := db.One[struct {
		High  int
		Cycle bool
	}](ctx, tx, tree(set)+fmt.Sprintf(`SELECT coalesce(max(CASE WHEN d.folder THEN t.n + 1 ELSE 0 END), 0) AS high, count(CASE WHEN d.id = $%d THEN 1 END) > 0 AS cycle
		FROM tree t JOIN document d ON d.id = t.id`, len(args)), args...)
	if err != nil {
		return fmt.Errorf("move: %w", err)
	}
	if below.Cycle {
		return errs.Field("vers", "documents.into_itself")
	}
	if err := room(ctx, tx, g, in, 0, below.High); err != nil {
		return err
	}
	var at any
	if in.ID != "" {
		at = in.ID
	}
	before, err := readers(ctx, tx, g, ids)
	if err != nil {
		return err
	}
	set, args = db.In([]any{at}, ids)
	if _, err := tx.Exec(ctx, `UPDATE document SET parent = $1 WHERE id IN (`+set+`)`, args...); err != nil {
		return fmt.Errorf("move: %w", err)
	}
	if err := regrant(ctx, tx, g, ids...); err != nil || !tell {
		return err
	}
	after, err := readers(ctx, tx, g, ids)
	if err != nil {
		return err
	}
	for r := range after {
		if !before[r] {
			return told(ctx, tx, core, to, now, in.ID, Added)
		}
	}
	return nil
}

// reader is one of those to whom an item is open.
type reader struct{ Resource, Principal string }

// readers are those of some items.
func readers(ctx context.Context, tx *db.Tx, _ rights.Grant, ids []string) (map[reader]bool, error) {
	set, args := db.In(nil, ids)
	list, err := db.All[reader](ctx, tx, `SELECT resource, principal FROM resource_grant WHERE resource IN (`+set+`)`, args...)
	out := make(map[reader]bool, len(list))
	for _, r := range list {
		out[r] = true
	}
	return out, err
}
