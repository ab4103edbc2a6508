// Package search finds items by the words of their titles and texts, among
// those that rights let somebody read. It keeps a copy of what services hold,
// written in their transactions and made again from them when it is lost or
// differs. It refuses to know any service, and people: those are the
// directory's to find.
//
// Words are folded here, in Go, and marked with their school: SQLite (FTS5) and
// PostgreSQL (GIN) are given the same words, hence find the same items.
package search

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
)

//go:embed migrations/*.sql
var files embed.FS

// Migrations are the index, as each engine has it.
func Migrations() fs.FS {
	f, err := fs.Sub(files, "migrations")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Put makes an item of the grant's school found by its title and its text,
// which is plain, instead of what it was found by before.
func Put(ctx context.Context, tx *db.Tx, g rights.Grant, item, title, text string) error {
	return PutAll(ctx, tx, g, Entry{item, title, text})
}

// Entry is an item and what it is found by.
type Entry struct{ Item, Title, Text string }

// PutAll does the same for many, in as few statements.
func PutAll(ctx context.Context, tx *db.Tx, g rights.Grant, list ...Entry) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if g.School() == "" {
		return errs.ErrDenied
	}
	rows := make([][]any, len(list))
	for n, e := range list {
		text := strings.Join(strings.Fields(e.Text), " ")
		rows[n] = []any{e.Item, text, tokens(g.School(), e.Title, text)}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO search_entry (id, text, words) VALUES `,
		`ON CONFLICT (id) DO UPDATE SET text = excluded.text, words = excluded.words`, rows); err != nil {
		return fmt.Errorf("search: %w", err)
	}
	return nil
}

// Remove takes items out; they go before their resources, which their rows name.
func Remove(ctx context.Context, tx *db.Tx, g rights.Grant, items ...string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	for some := range slices.Chunk(items, 400) {
		list, args := db.In(nil, some)
		if _, err := tx.Exec(ctx, `DELETE FROM search_entry WHERE id IN (`+list+`)`, args...); err != nil {
			return fmt.Errorf("search: %w", err)
		}
	}
	return nil
}

// Query is a question and the page of its answers.
type Query struct {
	Words string
	Kinds []rights.Kind // only these; none is all
	After string        // Page.Next of the page before
	Limit int
}

// Hit is an item found. Excerpt is the part of its text that answers best, or
// its beginning.
type Hit struct {
	ID      string
	Kind    rights.Kind
	Title   []Span
	Excerpt []Span
	At      int64
}

// Page is a page of hits; Next, when there are more, is the After of the next.
type Page struct {
	Hits []Hit
	Next string
}

// Source is a database that says which it is.
type Source interface {
	db.Querier
	Dialect() db.Dialect
}

// matched lists the items that answer ($1), those whose title alone answers
// ($2) before the others.
var matched = map[db.Dialect]string{
	// CROSS JOIN keeps the order: the index is read once, never for each entry.
	db.SQLite: `SELECT e.id, CASE WHEN search_index.rowid IN (SELECT rowid FROM search_index WHERE search_index MATCH $2) THEN 0 ELSE 1 END AS tier
		FROM search_index CROSS JOIN search_entry e WHERE search_index MATCH $1 AND e.n = search_index.rowid`,
	db.Postgres: `SELECT e.id, CASE WHEN e.tokens @@ CAST($2 AS text)::tsquery THEN 0 ELSE 1 END AS tier
		FROM search_entry e WHERE e.tokens @@ CAST($1 AS text)::tsquery`,
}

var syntaxes = map[db.Dialect]syntax{
	db.SQLite:   {quote: `"`, prefix: ` *`, and: " AND ", or: " OR "},
	db.Postgres: {quote: `'`, prefix: `:*`, and: " & ", or: " | "},
}

// Find answers a question with what the viewer may read, in one statement:
// items whose title has every word, then the others, newest first. A question
// without a word finds nothing; no question is a fault.
func Find(ctx context.Context, q Source, v *rights.Viewer, o Query) (Page, error) {
	terms := ask(o.Words)
	schools := v.SchoolsAs(rights.Teacher, rights.Pupil, rights.Relative, rights.Staff, rights.Guest, rights.Head, rights.Operator)
	if len(terms) == 0 || len(schools) == 0 {
		return Page{}, nil
	}
	write := syntaxes[q.Dialect()].write
	args := []any{write(anywhere, schools, terms), write(inTitle, schools, terms)}
	more := ""
	if len(o.Kinds) > 0 {
		var in string
		in, args = db.In(args, o.Kinds)
		more += " AND r.kind IN (" + in + ")"
	}
	if tier, at, item, ok := cursor(o.After); ok {
		n := len(args)
		args = append(args, tier, at, item)
		more += fmt.Sprintf(" AND (m.tier > $%[1]d OR (m.tier = $%[1]d AND (r.created_at, r.id) < ($%[2]d, $%[3]d)))", n+1, n+2, n+3)
	}
	limit := max(1, o.Limit)
	args = append(args, limit+1)
	n := strconv.Itoa(len(args))
	scope, args := v.Scope().Where("r", rights.Read, args)
	// The page is cut before texts are read: there may be thousands of answers.
	rows, err := db.All[struct {
		ID, Kind, Title, Text string
		Tier                  int
		At                    int64
	}](ctx, q, `WITH m AS MATERIALIZED (`+matched[q.Dialect()]+`),
		page AS MATERIALIZED (SELECT r.id, r.kind, r.title, r.created_at AS at, m.tier FROM m CROSS JOIN resource r
			WHERE r.id = m.id`+more+` AND `+scope+` ORDER BY m.tier, r.created_at DESC, r.id DESC LIMIT $`+n+`)
		SELECT page.id, page.kind, page.title, page.at, page.tier, e.text FROM page JOIN search_entry e ON e.id = page.id
		ORDER BY page.tier, page.at DESC, page.id DESC`, args...)
	if err != nil {
		return Page{}, fmt.Errorf("search: %w", err)
	}
	var p Page
	for n, r := range rows {
		if n == limit {
			last := rows[n-1]
			p.Next = fmt.Sprintf("%d.%d.%s", last.Tier, last.At, last.ID)
			break
		}
		p.Hits = append(p.Hits, Hit{ID: r.ID, Kind: rights.Kind(r.Kind), At: r.At,
			Title: mark(r.Title, 0, len(r.Title), finds(r.Title, terms)), Excerpt: around(r.Text, terms)})
	}
	return p, nil
}

// Telling are the words of a question that count, as they were typed.
func Telling(words string) []string {
	terms := ask(words)
	var out []string
	for _, w := range split(words) {
		for n, t := range terms {
			if !w.joined && t.fits(w.text) {
				out = append(out, words[w.from:w.to])
				terms = append(terms[:n:n], terms[n+1:]...)
				break
			}
		}
	}
	return out
}

// cursor reads what Next wrote; anything else is the first page.
func cursor(s string) (tier int, at int64, item string, ok bool) {
	part := strings.SplitN(s, ".", 3)
	if len(part) != 3 || !id.Valid(part[2]) {
		return 0, 0, "", false
	}
	tier, err := strconv.Atoi(part[0])
	if err != nil {
		return 0, 0, "", false
	}
	at, err = strconv.ParseInt(part[1], 10, 64)
	return tier, at, part[2], err == nil
}
