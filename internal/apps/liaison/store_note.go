package liaison

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/richtext"
)

// placeOf finds where a child of the viewer is at school today; anybody else's
// is not found.
//
// scope: the viewer's own children
func placeOf(ctx context.Context, q db.Querier, v *rights.Viewer, pupil string) (place, error) {
	rows, err := db.All[struct{ First, Last, Avatar, School, Class, Label string }](ctx, q, `SELECT p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar,
			m.school, coalesce(c.id, '') AS class, coalesce(c.label, '') AS label
		FROM family_link f JOIN membership m ON m.person = f.pupil AND m.profile = 'pupil' AND m.valid_from <= $3 AND m.valid_to > $3 JOIN person p ON p.id = f.pupil
		LEFT JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' AND cm.valid_from <= $3 AND cm.valid_to > $3
		LEFT JOIN class c ON c.id = cm.class AND c.school = m.school
		WHERE f.pupil = $1 AND f.relative = $2 AND `+people.LinkHolds("f", "$3")+` ORDER BY c.year DESC, c.label_key, m.school`, pupil, v.Person, v.Now.UnixMilli())
	if err != nil {
		return place{}, fmt.Errorf("child: %w", err)
	}
	if len(rows) == 0 {
		return place{}, errs.ErrNotFound
	}
	first := rows[0]
	for _, r := range rows {
		if r.Class != "" {
			first = r
			break
		}
	}
	out := place{Pupil: pupil, First: first.First, Last: first.Last, Avatar: first.Avatar, School: first.School}
	for _, r := range rows {
		if r.School == out.School && r.Class != "" {
			out.Classes = append(out.Classes, placed{r.Class, r.Label})
		}
	}
	return out, nil
}

// receiving finds who of the school may be written to about a child: the gate
// says whom the viewer reaches.
//
// scope: those whom the viewer may reach
func receiving(ctx context.Context, q db.Querier, v *rights.Viewer, p place) (audienceOf, error) {
	gate, args := people.Reachable(v, []any{p.School, v.Now.UnixMilli(), p.Pupil, "school:head"})
	in, args := db.In(args, append(p.teachers(), "school:head"))
	list, err := db.All[recipient](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.civility, p.avatar,
			max(CASE WHEN pp.principal = $4 THEN 0 ELSE 1 END) = 1 AS teacher, max(CASE WHEN pp.principal = $4 THEN 1 ELSE 0 END) = 1 AS head,
			EXISTS (SELECT 1 FROM family_link f WHERE f.pupil = $3 AND f.relative = p.id AND f.valid_to > $2) AS family
		FROM `+gate+` g JOIN person_principal pp ON pp.person = g.person AND pp.school = g.school AND pp.principal IN (`+in+`) AND pp.valid_from <= $2 AND pp.valid_to > $2
		JOIN person p ON p.id = g.person WHERE g.school = $1 GROUP BY p.id, p.first, p.use_name, p.last, p.civility, p.avatar, p.name_key ORDER BY p.name_key, p.id`, args...)
	if err != nil {
		return audienceOf{}, fmt.Errorf("recipients: %w", err)
	}
	return audienceOf{p, list}, nil
}

// answered is a word that a relative answers privately: its author, while they
// are in the school, and the thread that is already there.
type answered struct {
	Author, First, Last, Civility string
	Title                         string
	Note                          *string
}

// answering finds a word that a relative received about a child, to be answered.
func answering(ctx context.Context, q db.Querier, v *rights.Viewer, s rights.Scope, word, pupil string) (answered, bool, error) {
	scope, args := s.Where("r", rights.Read, []any{word, pupil, v.Person, s.At()})
	return db.One[answered](ctx, q, `SELECT w.author, a.first, CASE WHEN a.use_name <> '' THEN a.use_name ELSE a.last END AS last, a.civility, w.title, n.id AS note
		FROM word w JOIN resource r ON r.id = w.id JOIN word_pupil wp ON wp.word = w.id JOIN person a ON a.id = w.author
		LEFT JOIN note n ON n.word = w.id AND n.author = $3 AND n.pupil = $2
		WHERE w.id = $1 AND wp.pupil = $2 AND NOT EXISTS (SELECT 1 FROM family_link f WHERE f.pupil = $2 AND f.relative = w.author) AND EXISTS (SELECT 1 FROM membership m WHERE m.person = w.author AND m.school = w.school
			AND m.profile IN ('teacher', 'staff') AND m.valid_from <= $4 AND m.valid_to > $4) AND `+scope, args...)
}

// count bounds what a relative writes in a day.
func count(ctx context.Context, tx *db.Tx, g rights.Grant, by *rights.Viewer, now time.Time, field string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO written (person, day, n) VALUES ($1, $2, 1) ON CONFLICT (person, day) DO UPDATE SET n = written.n + 1 WHERE written.n < $3`,
		by.Person, now.In(by.Zone()).Format(time.DateOnly), writtenMax)
	if err == nil && n == 0 {
		err = errs.Field(field, "liaison.written_much")
	}
	return err
}

// SendNote writes to the school about a child: to the teachers of the class
// and, if wished, the head, or to the author of a word. What was already sent
// is not sent again; a word has one thread with each relative about a child.
func SendNote(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, d NoteDraft) (string, error) {
	if err := g.Must(ctx, tx, WriteNote); err != nil {
		return "", err
	}
	if err := d.Check(); err != nil {
		return "", err
	}
	return begin(ctx, tx, core, g, g.Viewer(), now, d)
}

// begin writes a new thread of v, a relative.
func begin(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, v *rights.Viewer, now time.Time, d NoteDraft) (string, error) {
	if err := g.Confirm(ctx, tx); err != nil {
		return "", err
	}
	if note, ok, err := db.One[string](ctx, tx, `SELECT note FROM note_message WHERE id = $1 AND author = $2`, d.ID, v.Person); err != nil || ok {
		return note, err
	}
	p, err := placeOf(ctx, tx, v, d.Pupil)
	if err != nil {
		return "", err
	}
	if p.School != g.School() {
		return "", errs.ErrNotFound
	}
	var to []string
	audience, word := "", any(nil)
	title := core.Catalog.T("liaison.note_about", "of", i18n.Of(p.First))
	if d.Word != "" {
		w, ok, err := answering(ctx, tx, v, v.Scope(), d.Word, d.Pupil)
		if err != nil {
			return "", err
		}
		if !ok {
			return "", errs.ErrNotFound
		}
		if w.Note != nil { // the other tab was faster
			return *w.Note, say(ctx, tx, core, g, v, now, *w.Note, d)
		}
		to, word = []string{staff(w.Author)}, d.Word
		title = core.Catalog.T("liaison.note_reply", "word", w.Title)
	} else {
		a, err := receiving(ctx, tx, v, p)
		if err != nil {
			return "", err
		}
		if to = a.principals(d.Head || len(a.teachers()) == 0); len(to) == 0 {
			return "", errs.Field("texte", "liaison.note_nobody")
		}
		audience = core.Catalog.T("liaison.note_to_teachers", "of", p.of())
		switch {
		case len(a.teachers()) == 0:
			audience = core.Catalog.T("liaison.note_to_head")
		case d.Head && len(a.heads()) > 0:
			audience = core.Catalog.T("liaison.note_to_both", "of", p.of())
		}
	}
	mine := kin(p.Pupil, v.Person)
	if _, err := resource.Create(ctx, tx, g, now, resource.Row{ID: d.ID, School: p.School, Kind: Note, Owner: v.Person, Manager: mine, Withheld: p.Pupil, Title: title}); err != nil {
		return "", err
	}
	if err := resource.Share(ctx, tx, d.ID, rights.Contribute, to...); err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO note (id, school, author, pupil, word, audience, messages, last_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7)`,
		d.ID, p.School, v.Person, p.Pupil, word, audience, now.UnixMilli()); err != nil {
		if db.IsDuplicate(err) {
			err = errs.ErrNotFound // two tabs at once: the other one has the thread
		}
		return "", fmt.Errorf("note: %w", err)
	}
	rows := make([][]any, 0, len(to)+1)
	for _, principal := range append([]string{mine}, to...) {
		rows = append(rows, []any{d.ID, p.School, principal, now.UnixMilli()})
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO note_to (note, school, principal, last_at) VALUES `, `ON CONFLICT DO NOTHING`, rows); err != nil {
		return "", fmt.Errorf("note: %w", err)
	}
	return d.ID, say(ctx, tx, core, g, v, now, d.ID, d)
}

// AnswerNote goes on with a thread: the relative is told of what the school
// says, alone, and the school of what the relative says.
func AnswerNote(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, d NoteDraft) error {
	if err := g.Must(ctx, tx, NoteAnswering); err != nil {
		return err
	}
	if err := d.Check(); err != nil {
		return err
	}
	return say(ctx, tx, core, g, g.Viewer(), now, g.ID(), d)
}

// say writes the next message of a thread.
func say(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, who *rights.Viewer, now time.Time, note string, d NoteDraft) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	by := who.Person
	n, ok, err := db.One[struct {
		School, Author, Pupil, Title string
		Messages                     int64
	}](ctx, tx, `UPDATE note SET messages = messages + 1, last_at = $2 WHERE id = $1 AND messages < $3
		RETURNING school, author, pupil, messages, (SELECT title FROM resource r WHERE r.id = note.id) AS title`, note, now.UnixMilli(), messagesMax)
	if err != nil {
		return fmt.Errorf("message: %w", err)
	}
	if sent, is, err := db.One[string](ctx, tx, `SELECT author FROM note_message WHERE id = $1 AND note = $2`, d.ID, note); err != nil || is && sent == by {
		if err == nil && ok {
			_, err = tx.Exec(ctx, `UPDATE note SET messages = messages - 1, last_at = (SELECT max(m.at) FROM note_message m WHERE m.note = note.id) WHERE id = $1`, note)
		}
		return err
	}
	if !ok {
		return errs.Field("texte", "liaison.note_full")
	}
	e := notify.Event{ID: id.New(), School: n.School, Kind: string(Note), Resource: note, Actor: by, Pupils: []string{n.Pupil}, At: now, Tell: now.Add(undoFor)}
	if by == n.Author {
		if err := count(ctx, tx, g, who, now, "texte"); err != nil {
			return err
		}
		// Those it was written to may all have left, or become relatives of the child.
		heard, err := db.Value[int](ctx, tx, `SELECT count(*) FROM resource r JOIN resource_grant rg ON rg.resource = r.id JOIN person_principal pp ON pp.principal = rg.principal AND pp.school = r.school
			WHERE r.id = $1 AND rg.role = $2 AND pp.valid_from <= $3 AND pp.valid_to > $3 AND `+rights.Opens("r", "pp.person"), note, int(rights.Contribute), now.UnixMilli())
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
		if heard == 0 {
			return errs.Field("texte", "liaison.note_unheard")
		}
	} else {
		e.Kind, e.Only = NoteAnswer, []string{n.Author}
		held, err := db.Value[int](ctx, tx, `SELECT count(*) FROM person_principal WHERE person = $1 AND principal = $2 AND school = $3 AND valid_from <= $4 AND valid_to > $4`,
			n.Author, kin(n.Pupil, n.Author), n.School, now.UnixMilli())
		if err != nil {
			return fmt.Errorf("message: %w", err)
		}
		if held == 0 {
			return errs.Field("texte", "liaison.note_gone")
		}
	}
	if _, err := tx.Exec(ctx, `INSERT INTO note_message (id, note, n, author, event, at, body) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		d.ID, note, n.Messages, by, e.ID, now.UnixMilli(), string(richtext.FromText(d.Text))); err != nil {
		if db.IsDuplicate(err) {
			err = errs.ErrNotFound // an identifier of something else
		}
		return fmt.Errorf("message: %w", err)
	}
	for _, f := range d.Files {
		if err := file.Attach(ctx, tx, by, f, note); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO note_file (note, file, n) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, note, f, n.Messages); err != nil {
			return fmt.Errorf("message: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE note_to SET last_at = $2 WHERE note = $1`, note, now.UnixMilli()); err != nil {
		return fmt.Errorf("message: %w", err)
	}
	if err := seen(ctx, tx, note, by, n.Messages, now); err != nil {
		return err
	}
	if err := found(ctx, tx, g, note, n.School, n.Title); err != nil {
		return err
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, e)
	return err
}

// found has a thread found by all that is said in it.
func found(ctx context.Context, tx *db.Tx, g rights.Grant, note, school, title string) error {
	texts, err := noteTexts(ctx, tx, []string{note})
	if err != nil {
		return err
	}
	if g.School() != school {
		return errs.ErrDenied
	}
	return search.Put(ctx, tx, g, note, title, texts[note])
}

// noteTexts are the words of threads, for the index of the search.
//
// scope: the index answers with what a scope lets through
func noteTexts(ctx context.Context, q db.Querier, ids []string) (map[string]string, error) {
	in, args := db.In(nil, ids)
	rows, err := db.All[struct{ Note, Body string }](ctx, q, `SELECT note, body FROM note_message WHERE note IN (`+in+`) ORDER BY note, n`, args...)
	bodies := map[string][]string{}
	for _, r := range rows {
		bodies[r.Note] = append(bodies[r.Note], r.Body)
	}
	out := make(map[string]string, len(bodies))
	for note, list := range bodies {
		out[note] = searchable(list)
	}
	return out, err
}

// scope: written by whoever holds the grant of its caller
func seen(ctx context.Context, tx *db.Tx, note, person string, n int64, now time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO note_reader (note, person, seen, at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (note, person) DO UPDATE SET seen = excluded.seen, at = excluded.at WHERE note_reader.seen < excluded.seen`, note, person, n, now.UnixMilli())
	if err != nil {
		return fmt.Errorf("seen: %w", err)
	}
	return nil
}

// SeeNote notes that the viewer has read a thread up to a message.
func SeeNote(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, n int64) error {
	if err := g.Must(ctx, tx, NoteReading, NoteAnswering); err != nil {
		return err
	}
	if err := seen(ctx, tx, g.ID(), g.Viewer().Person, n, now); err != nil {
		return err
	}
	return notify.Seen(ctx, tx, g.Viewer().Person, g.ID(), now)
}

// UndoNote takes back the last message of a thread, if the viewer wrote it just
// now, and gives it back to be written again; with its only message the thread
// goes. ok is false when it is too late.
func UndoNote(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (d NoteDraft, gone, ok bool, err error) {
	if err := g.Must(ctx, tx, NoteAnswering); err != nil {
		return d, false, false, err
	}
	m, ok, err := db.One[struct {
		ID, Event, Body, Title, Pupil, Word string
		N                                   int64
		Head                                bool
	}](ctx, tx, `SELECT m.id, m.event, m.body, m.n, r.title, n.pupil, coalesce(n.word, '') AS word,
			EXISTS (SELECT 1 FROM resource_grant rg WHERE rg.resource = n.id AND rg.principal = 'school:head') AS head
		FROM note n JOIN note_message m ON m.note = n.id AND m.n = n.messages JOIN resource r ON r.id = n.id
		WHERE n.id = $1 AND m.author = $2 AND m.at >= $3`, g.ID(), g.Viewer().Person, now.Add(-undoFor).UnixMilli())
	if err != nil || !ok {
		return d, false, false, err
	}
	d = NoteDraft{ID: id.New(), Pupil: m.Pupil, Word: m.Word, Head: m.Head, Text: richtext.Text(richtext.HTML(m.Body))}
	if d.Files, err = db.All[string](ctx, tx, `SELECT file FROM note_file WHERE note = $1 AND n = $2 ORDER BY file`, g.ID(), m.N); err != nil {
		return d, false, false, err
	}
	// Whoever answered meanwhile has the last word: there is nothing to take back.
	held, err := tx.Exec(ctx, `UPDATE note SET messages = messages - 1 WHERE id = $1 AND messages = $2`, g.ID(), m.N)
	if err != nil || held == 0 {
		return d, false, false, err
	}
	if m.N == 1 {
		return d, true, true, forget(ctx, tx, g, g.ID())
	}
	if err := notify.Withdraw(ctx, tx, g, m.Event); err != nil {
		return d, false, false, err
	}
	for _, text := range []string{`DELETE FROM note_file WHERE note = $1 AND n = $2`, `DELETE FROM note_message WHERE note = $1 AND n = $2`,
		`UPDATE note_reader SET seen = $2 - 1 WHERE note = $1 AND seen >= $2`} {
		if _, err := tx.Exec(ctx, text, g.ID(), m.N); err != nil {
			return d, false, false, fmt.Errorf("undo: %w", err)
		}
	}
	for _, text := range []string{`UPDATE note SET last_at = (SELECT max(m.at) FROM note_message m WHERE m.note = note.id) WHERE id = $1`,
		`UPDATE note_to SET last_at = (SELECT n.last_at FROM note n WHERE n.id = note_to.note) WHERE note = $1`} {
		if _, err := tx.Exec(ctx, text, g.ID()); err != nil {
			return d, false, false, fmt.Errorf("undo: %w", err)
		}
	}
	if len(d.Files) > 0 {
		if err := file.Detach(ctx, tx, g.ID(), d.Files...); err != nil {
			return d, false, false, err
		}
	}
	return d, false, true, found(ctx, tx, g, g.ID(), g.School(), m.Title)
}

// forget removes threads for good, with what told of them.
func forget(ctx context.Context, tx *db.Tx, g rights.Grant, notes ...string) error {
	if err := notify.RemoveAll(ctx, tx, g, notes...); err != nil { // which confirms the grant
		return err
	}
	for some := range slices.Chunk(notes, 400) {
		in, args := db.In(nil, some)
		for _, text := range []string{`DELETE FROM note_file WHERE note`, `DELETE FROM note_reader WHERE note`, `DELETE FROM note_message WHERE note`,
			`DELETE FROM note_to WHERE note`, `DELETE FROM note WHERE id`} {
			if _, err := tx.Exec(ctx, text+` IN (`+in+`)`, args...); err != nil {
				return fmt.Errorf("forget: %w", err)
			}
		}
	}
	if err := file.DetachAll(ctx, tx, notes...); err != nil {
		return err
	}
	return resource.Remove(ctx, tx, g, notes...)
}

const threadColumns = `n.id, n.school, n.author, a.first, CASE WHEN a.use_name <> '' THEN a.use_name ELSE a.last END AS last, a.avatar,
	n.pupil, k.first AS pupil_first, CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END AS pupil_last, k.avatar AS pupil_face,
	n.word, coalesce(w.title, '') AS word_title, coalesce(wa.first, '') AS word_first, coalesce(CASE WHEN wa.use_name <> '' THEN wa.use_name ELSE wa.last END, '') AS word_last,
	coalesce(wa.civility, '') AS word_sex, n.audience, n.messages, n.last_at, m.author AS last_by, m.body, coalesce(nr.seen, 0) < n.messages AS unread`

// NotesOf reads a page of the threads that the scope lets its viewer see,
// the last spoken first, in one statement: candidates come from one range of an
// index for each principal that a thread may be shared with. With an id, that one.
func NotesOf(ctx context.Context, q db.Querier, v *rights.Viewer, s rights.Scope, one string, before Cursor, limit int) ([]Thread, error) {
	args := []any{s.Person()}
	arg := func(a any) string {
		args = append(args, a)
		return "$" + strconv.Itoa(len(args))
	}
	var candidates []string
	if one != "" {
		candidates = []string{`SELECT id AS note, last_at FROM note WHERE id = ` + arg(one)}
	} else {
		if before.At == 0 {
			before.At = rights.Forever
		}
		until, most := "("+arg(before.At)+", "+arg(before.ID)+")", arg(2*limit)
		for _, p := range v.Principals {
			if p.Name == staff(v.Person) || p.Name == "school:head" || strings.HasPrefix(p.Name, "kin:") || strings.HasPrefix(p.Name, "class:") && strings.HasSuffix(p.Name, ":teacher") {
				candidates = append(candidates, `SELECT note, last_at FROM note_to WHERE school = `+arg(p.School)+` AND principal = `+arg(p.Name)+` AND (last_at, note) < `+until+` ORDER BY last_at DESC, note DESC LIMIT `+most)
			}
		}
	}
	if len(candidates) == 0 {
		return nil, nil
	}
	most := arg(limit)
	scope, args := s.Where("r", rights.Read, args)
	return db.All[Thread](ctx, q, `WITH page AS MATERIALIZED (SELECT c.note FROM (SELECT * FROM (`+strings.Join(candidates, `) a UNION SELECT * FROM (`)+`) b) c
			JOIN resource r ON r.id = c.note WHERE `+scope+` ORDER BY c.last_at DESC, c.note DESC LIMIT `+most+`)
		SELECT `+threadColumns+` FROM page JOIN note n ON n.id = page.note JOIN person a ON a.id = n.author JOIN person k ON k.id = n.pupil
		JOIN note_message m ON m.note = n.id AND m.n = n.messages LEFT JOIN note_reader nr ON nr.note = n.id AND nr.person = $1
		LEFT JOIN word w ON w.id = n.word LEFT JOIN person wa ON wa.id = w.author ORDER BY n.last_at DESC, n.id DESC`, args...)
}

// Messages reads a thread, in order.
func Messages(ctx context.Context, q db.Querier, g rights.Grant) ([]Message, error) {
	return db.All[Message](ctx, q, `SELECT m.id, m.n, m.author, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.civility, p.avatar, m.at, m.body
		FROM note_message m JOIN person p ON p.id = m.author WHERE m.note = $1 ORDER BY m.n`, g.ID())
}

// Readers are who has read a thread, the viewer aside.
func Readers(ctx context.Context, q db.Querier, g rights.Grant) ([]Reader, error) {
	return db.All[Reader](ctx, q, `SELECT nr.person, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.civility, nr.seen, nr.at
		FROM note_reader nr JOIN person p ON p.id = nr.person WHERE nr.note = $1 AND nr.person <> $2 ORDER BY nr.at`, g.ID(), g.Viewer().Person)
}

// filed says with which message each file of a thread came.
func filed(ctx context.Context, q db.Querier, g rights.Grant) (map[string]int64, error) {
	rows, err := db.All[struct {
		File string
		N    int64
	}](ctx, q, `SELECT file, n FROM note_file WHERE note = $1`, g.ID())
	out := make(map[string]int64, len(rows))
	for _, r := range rows {
		out[r.File] = r.N
	}
	return out, err
}

// eraseNotes forgets the threads of a relative or about a pupil; what a teacher
// answered stays with the family, and loses its author when the account goes.
func eraseNotes(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
	notes, err := db.All[string](ctx, tx, `SELECT id FROM note WHERE author = $1 UNION SELECT id FROM note WHERE pupil = $1`, person)
	if err != nil {
		return err
	}
	if err := forget(ctx, tx, g, notes...); err != nil {
		return err
	}
	for _, text := range []string{`DELETE FROM note_reader WHERE person = $1`, `DELETE FROM written WHERE person = $1`} {
		if _, err := tx.Exec(ctx, text, person); err != nil {
			return fmt.Errorf("erase: %w", err)
		}
	}
	return nil
}

// mergeNotes makes the loser's threads the winner's. Of two with one word about
// one child both stay: the loser's no longer says to which word it belongs.
func mergeNotes(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for _, text := range []string{
		`UPDATE note SET word = NULL WHERE (author = $2 OR pupil = $2) AND word IN (SELECT x.word FROM note x WHERE x.id <> note.id
			AND x.author = CASE WHEN note.author = $2 THEN $1 ELSE note.author END AND x.pupil = CASE WHEN note.pupil = $2 THEN $1 ELSE note.pupil END)`,
		// "kin:", a pupil's 36 letters, ":", a relative's.
		`INSERT INTO note_to (note, school, principal, last_at) SELECT t.note, t.school, 'kin:' || CASE WHEN n.pupil = $2 THEN $1 ELSE n.pupil END || ':' || CASE WHEN n.author = $2 THEN $1 ELSE n.author END, t.last_at
			FROM note n JOIN note_to t ON t.note = n.id AND t.principal = 'kin:' || n.pupil || ':' || n.author WHERE (n.author = $2 OR n.pupil = $2) ON CONFLICT DO NOTHING`,
		`INSERT INTO note_to (note, school, principal, last_at) SELECT note, school, 'staff:' || $1, last_at FROM note_to WHERE school IN (SELECT m.school FROM membership m WHERE m.person = $2)
			AND principal = 'staff:' || $2 ON CONFLICT DO NOTHING`,
		`INSERT INTO note_reader (note, person, seen, at) SELECT note, $1, seen, at FROM note_reader WHERE person = $2
			ON CONFLICT (note, person) DO UPDATE SET seen = CASE WHEN excluded.seen > note_reader.seen THEN excluded.seen ELSE note_reader.seen END`,
		`INSERT INTO written (person, day, n) SELECT $1, day, n FROM written WHERE person = $2 ON CONFLICT (person, day) DO UPDATE SET n = written.n + excluded.n`,
		`UPDATE note_message SET author = $1 WHERE author = $2`,
	} {
		if _, err := tx.Exec(ctx, text, winner, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	for _, text := range []string{
		`DELETE FROM note_to WHERE school IN (SELECT m.school FROM membership m WHERE m.person = $1) AND principal = 'staff:' || $1`,
		`DELETE FROM note_to WHERE note IN (SELECT n.id FROM note n WHERE (n.author = $1 OR n.pupil = $1)) AND principal LIKE 'kin:%' AND (substr(principal, 42) = $1 OR substr(principal, 5, 36) = $1)`,
		`DELETE FROM note_reader WHERE person = $1`, `DELETE FROM written WHERE person = $1`,
	} {
		if _, err := tx.Exec(ctx, text, loser); err != nil {
			return fmt.Errorf("merge: %w", err)
		}
	}
	_, err := tx.Exec(ctx, `UPDATE note SET author = CASE WHEN author = $2 THEN $1 ELSE author END, pupil = CASE WHEN pupil = $2 THEN $1 ELSE pupil END WHERE (author = $2 OR pupil = $2)`, winner, loser)
	return err
}

// exportNotes hands over the threads of a relative, and what somebody else wrote
// in one.
//
// scope: the rows of the person whose data it is
func exportNotes(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
	said, err := db.All[struct {
		Note, Title, Body string
		N, At             int64
		Mine              bool
	}](ctx, q, `SELECT m.note, r.title, m.body, m.n, m.at, m.author = $1 AS mine FROM note_message m JOIN note n ON n.id = m.note JOIN resource r ON r.id = n.id
		WHERE m.id IN (SELECT x.id FROM note_message x WHERE x.author = $1 UNION SELECT y.id FROM note z JOIN note_message y ON y.note = z.id WHERE z.author = $1) ORDER BY m.note, m.n`, person)
	if err != nil {
		return err
	}
	for i := range said {
		said[i].Body = richtext.Text(richtext.HTML(said[i].Body))
	}
	if err := add("liaison/notes", said); err != nil {
		return err
	}
	read, err := db.All[struct {
		Note     string
		Seen, At int64
	}](ctx, q, `SELECT note, seen, at FROM note_reader WHERE person = $1 ORDER BY at, note`, person)
	if err != nil {
		return err
	}
	return add("liaison/notes read", read)
}

// forgetting is the job that forgets what is left of old threads.
type forgetting struct{}

// Kind names the job.
func (forgetting) Kind() string { return "liaison.forget" }

// forgotten is how many threads a transaction forgets: those of a whole year fall
// due on one day.
const forgotten = 200

// retainNotes forgets threads of which nothing was heard since a school year that
// ended three months ago, and what was counted day by day. A job forgets what is
// too much for a transaction.
func retainNotes(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM written WHERE day < $1`, now.AddDate(0, 0, -2).Format(time.DateOnly)); err != nil {
		return fmt.Errorf("retain: %w", err)
	}
	more, err := forgetOld(ctx, tx, g, now)
	if err != nil || !more {
		return err
	}
	return core.Jobs.Add(ctx, tx, forgetting{})
}

// forgetOld forgets some of the threads that are due, and says whether there may
// be more.
func forgetOld(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time) (bool, error) {
	before := time.Date(people.Year(now.AddDate(0, 0, -92)), time.August, 1, 0, 0, 0, 0, time.UTC)
	notes, err := db.All[string](ctx, tx, `SELECT id FROM note WHERE last_at < $1 ORDER BY last_at LIMIT $2`, before.UnixMilli(), forgotten)
	if err != nil {
		return false, fmt.Errorf("retain: %w", err)
	}
	return len(notes) == forgotten, forget(ctx, tx, g, notes...)
}

// forgetRest goes on until nothing is due, one transaction after the other; begun
// again, it forgets what is left.
func forgetRest(ctx context.Context, core *app.Core) error {
	for more := true; more; {
		if err := core.DB.Write(ctx, func(tx *db.Tx) (err error) {
			more, err = forgetOld(ctx, tx, rights.System("retention"), core.Clock.Now())
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
