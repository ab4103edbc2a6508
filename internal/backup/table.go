package backup

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"marelle/internal/platform/db"
)

// table is a table of the application, as the database's catalogue has it.
type table struct {
	Name    string   `json:"table"`
	Columns []column `json:"columns"`
	key     []string // columns of the primary key
}

// column has one of the few types that both engines share: text, int, bool,
// bytes, real.
type column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func (t table) has(name string) bool {
	return slices.ContainsFunc(t.Columns, func(c column) bool { return c.Name == name })
}

func (t table) columns() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = quote(c.Name)
	}
	return strings.Join(names, ", ")
}

func (t table) order() string {
	if len(t.key) == 0 {
		return ""
	}
	names := make([]string, len(t.key))
	for i, k := range t.key {
		names[i] = quote(k)
	}
	return " ORDER BY " + strings.Join(names, ", ")
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// plain is the form of our own names: anything else in an archive is refused.
var plain = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// ours leaves out the tables of goose, River and the engine itself, and the
// index of the search, which is another thing on each engine and is made again.
func ours(name string) bool {
	return plain.MatchString(name) && !strings.HasPrefix(name, "goose_") && !strings.HasPrefix(name, "river_") && !strings.HasPrefix(name, "sqlite_") &&
		!strings.HasPrefix(name, "search_")
}

// catalogue lists the application's tables by name. Virtual tables and what an
// engine derives (search indexes, generated columns) are left out: they are
// made again from the rows.
func catalogue(ctx context.Context, q *db.Tx) ([]table, error) {
	text := `SELECT c.table_name AS tab, c.column_name AS col, c.data_type AS type,
			coalesce((SELECT k.ordinal_position FROM information_schema.table_constraints tc JOIN information_schema.key_column_usage k
				ON k.constraint_name = tc.constraint_name AND k.constraint_schema = tc.constraint_schema AND k.table_name = tc.table_name
				WHERE tc.constraint_type = 'PRIMARY KEY' AND tc.table_schema = c.table_schema AND tc.table_name = c.table_name AND k.column_name = c.column_name), 0) AS pk
		FROM information_schema.columns c JOIN information_schema.tables t ON t.table_name = c.table_name AND t.table_schema = c.table_schema
		WHERE c.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER' ORDER BY c.table_name, c.ordinal_position`
	if q.Dialect() == db.SQLite {
		text = `SELECT l.name AS tab, x.name AS col, lower(x.type) AS type, x.pk AS pk FROM pragma_table_list l JOIN pragma_table_xinfo(l.name) x
			WHERE l.schema = 'main' AND l.type = 'table' AND x.hidden = 0 ORDER BY l.name, x.cid`
	}
	rows, err := db.All[struct {
		Tab, Col, Type string
		PK             int `db:"pk"`
	}](ctx, q, text)
	if err != nil {
		return nil, err
	}
	var out []table
	keys := map[string]map[int]string{}
	for _, r := range rows {
		if !ours(r.Tab) {
			continue
		}
		kind, err := kindOf(r.Type)
		if err != nil {
			return nil, fmt.Errorf("column %s.%s: %w", r.Tab, r.Col, err)
		}
		if n := len(out); n == 0 || out[n-1].Name != r.Tab {
			out = append(out, table{Name: r.Tab})
			keys[r.Tab] = map[int]string{}
		}
		t := &out[len(out)-1]
		t.Columns = append(t.Columns, column{r.Col, kind})
		if r.PK > 0 {
			keys[r.Tab][r.PK] = r.Col
		}
	}
	for i := range out {
		k := keys[out[i].Name]
		for n := 1; n <= len(k); n++ {
			out[i].key = append(out[i].key, k[n])
		}
	}
	return out, nil
}

func kindOf(declared string) (string, error) {
	switch strings.ToLower(declared) {
	case "text", "character varying":
		return "text", nil
	case "bigint", "integer", "smallint":
		return "int", nil
	case "boolean":
		return "bool", nil
	case "bytea", "blob":
		return "bytes", nil
	case "double precision", "real":
		return "real", nil
	}
	return "", fmt.Errorf("no archive can hold the type %q", declared)
}

// encode gives the form of a value in JSON.
func (c column) encode(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch x := v.(type) {
	case string:
		switch c.Type {
		case "text":
			return x, nil
		case "bytes":
			return base64.StdEncoding.EncodeToString([]byte(x)), nil
		}
	case []byte:
		switch c.Type {
		case "text":
			return string(x), nil
		case "bytes":
			return base64.StdEncoding.EncodeToString(x), nil
		}
	case int64:
		switch c.Type {
		case "int":
			return x, nil
		case "bool":
			return x != 0, nil
		case "real":
			return float64(x), nil
		}
	case bool:
		switch c.Type {
		case "bool":
			return x, nil
		case "int":
			if x {
				return 1, nil
			}
			return 0, nil
		}
	case float64:
		if c.Type == "real" {
			return x, nil
		}
	}
	return nil, fmt.Errorf("column %s: a %T is no %s", c.Name, v, c.Type)
}

// decode gives back what encode was given.
func (c column) decode(v any) (any, error) {
	switch x := v.(type) {
	case nil:
		return nil, nil
	case string:
		switch c.Type {
		case "text":
			return x, nil
		case "bytes":
			return base64.StdEncoding.DecodeString(x)
		}
	case bool:
		if c.Type == "bool" {
			return x, nil
		}
	case json.Number:
		switch c.Type {
		case "int":
			return x.Int64()
		case "real":
			return x.Float64()
		}
	}
	return nil, fmt.Errorf("column %s: %v is no %s", c.Name, v, c.Type)
}

// each hands over the rows of a query one by one.
func each(ctx context.Context, q db.Querier, text string, columns int, f func([]any) error) error {
	rows, err := q.QueryContext(ctx, text)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, into := make([]any, columns), make([]any, columns)
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := f(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// migrations lists those that have run.
func migrations(ctx context.Context, q db.Querier) ([]int64, error) {
	return db.All[int64](ctx, q, `SELECT DISTINCT version_id FROM goose_db_version WHERE version_id > 0 AND is_applied ORDER BY version_id`)
}

// job is one that waits, with the machine's time at which it may run.
type job struct {
	Kind string          `json:"kind"`
	Args json.RawMessage `json:"args"`
	At   time.Time       `json:"at"`
}

func waiting(ctx context.Context, tx *db.Tx) ([]job, error) {
	args := "args::text"
	if tx.Dialect() == db.SQLite {
		args = "json(args)"
	}
	rows, err := db.All[struct {
		Kind string
		Args string
		At   time.Time
	}](ctx, tx, `SELECT kind, `+args+` AS args, scheduled_at AS at FROM river_job
		WHERE state IN ('available', 'running', 'retryable', 'scheduled', 'pending') ORDER BY id`)
	out := make([]job, len(rows))
	for i, r := range rows {
		out[i] = job{r.Kind, json.RawMessage(r.Args), r.At.UTC()}
	}
	return out, err
}
