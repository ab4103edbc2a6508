package documents

import (
	"context"
	"fmt"
	"slices"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
)

// wordsOf is the job that reads the words of files, to have them found.
type wordsOf struct {
	Nodes []string `json:"nodes"`
}

// wordsAtOnce is how many files one job reads: a PDF may take twenty seconds.
const wordsAtOnce = 4

// Kind names the job.
func (wordsOf) Kind() string { return "documents.words" }

// later has the words of some files read when they are committed.
func later(ctx context.Context, tx *db.Tx, queue *jobs.Queue, nodes []string) error {
	for some := range slices.Chunk(nodes, wordsAtOnce) {
		if err := queue.Add(ctx, tx, wordsOf{some}); err != nil {
			return err
		}
	}
	return nil
}

// readWords reads those of some files, and writes them for the version that they
// were read of; what has been read is not read again. A version without words
// leaves none of those of the one before.
//
// scope: a job's, which tells nobody
func readWords(ctx context.Context, core *app.Core, ids []string) error {
	in, args := db.In(nil, ids)
	list, err := db.All[struct{ ID, School, File, Blob, Type string }](ctx, core.DB, `SELECT d.id, d.school, d.file, coalesce(v.blob, '') AS blob, coalesce(v.type, '') AS type
		FROM document d LEFT JOIN file_variant v ON v.file = d.file AND v.name = 'original' LEFT JOIN document_text t ON t.node = d.id
		WHERE d.id IN (`+in+`) AND d.file IS NOT NULL AND (t.file IS NULL OR t.file <> d.file) AND (v.blob IS NOT NULL OR t.file IS NOT NULL)`, args...)
	if err != nil {
		return fmt.Errorf("words: %w", err)
	}
	for _, d := range list {
		text, err := words(ctx, core, d.Blob, d.Type)
		if err != nil {
			return fmt.Errorf("words: %w", err)
		}
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			return keepWords(ctx, tx, rights.System("words of documents").For(d.School), d.ID, d.File, text)
		}); err != nil {
			return fmt.Errorf("words: %w", err)
		}
	}
	return nil
}

func words(ctx context.Context, core *app.Core, key, kind string) (string, error) {
	if key == "" {
		return "", nil
	}
	in, err := core.Blobs.OpenRange(ctx, key, 0, -1)
	if err != nil {
		return "", err
	}
	defer in.Close()
	return core.Pictures.Text(ctx, in, kind)
}

// keepWords has a file found by its words, unless it has another version by now.
func keepWords(ctx context.Context, tx *db.Tx, g rights.Grant, item, file, text string) error {
	name, err := db.Value[string](ctx, tx, `SELECT name FROM document WHERE id = $1 AND file = $2`+tx.Hold(), item, file)
	if err != nil || name == "" {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO document_text (node, file, body) VALUES ($1, $2, $3)
		ON CONFLICT (node) DO UPDATE SET file = excluded.file, body = excluded.body`, item, file, text); err != nil {
		return err
	}
	return search.Put(ctx, tx, g, item, name, text)
}

// texts are the words of files, for the index of the search.
//
// scope: the index answers with what a scope lets through
func texts(ctx context.Context, q db.Querier, ids []string) (map[string]string, error) {
	in, args := db.In(nil, ids)
	rows, err := db.All[struct{ Node, Body string }](ctx, q, `SELECT node, body FROM document_text WHERE node IN (`+in+`)`, args...)
	out := make(map[string]string, len(rows))
	for _, r := range rows {
		out[r.Node] = r.Body
	}
	return out, err
}
