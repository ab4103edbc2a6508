// Package postgres gives Go tests a real PostgreSQL: the address of the server
// a test run was given, a database of its own for each test, and a throw-away
// server for those who have none.
//
// It refuses to know the schema, the application and its settings: a template
// database is filled by the caller, through the address it is handed.
package postgres

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Env names the variable that says on which server the suite runs. Empty or
// absent means that the tests run on SQLite.
const Env = "MARELLE_TEST_DATABASE"

// URL returns the address of the server that the tests run on, or "" when they
// run on SQLite. The role in it must be allowed to create databases.
func URL() string { return os.Getenv(Env) }

// Template returns the name of a template database which fill has filled once
// per server, whatever the number of test binaries that ask for it at the same
// time. The key must change with what fill writes (a hash of the migrations and
// of the sample): a server that lives on keeps its templates.
func Template(t testing.TB, key string, fill func(databaseURL string) error) string {
	t.Helper()
	sum := sha256.Sum256([]byte(key))
	name := "tpl_" + hex.EncodeToString(sum[:10])
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	conn := connect(ctx, t)
	defer conn.Close(context.Background())
	// Session lock: freed with the connection, also when the test dies. Two
	// keys, so that it can meet no advisory lock of the application.
	mustExec(ctx, t, conn, `SELECT pg_advisory_lock(775533, hashtext($1))`, name)
	var ready bool
	err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1 AND datistemplate)`, name).Scan(&ready)
	if err != nil {
		t.Fatalf("look for the template database: %v", err)
	}
	if ready {
		return name
	}
	mustExec(ctx, t, conn, `DROP DATABASE IF EXISTS `+name+` WITH (FORCE)`)
	mustExec(ctx, t, conn, `CREATE DATABASE `+name)
	if err := fill(DatabaseURL(name)); err != nil {
		t.Fatalf("fill the template database: %v", err)
	}
	// CREATE DATABASE … TEMPLATE fails while anyone is connected to the
	// template: nobody may be, from now on.
	mustExec(ctx, t, conn, `ALTER DATABASE `+name+` ALLOW_CONNECTIONS false`)
	mustExec(ctx, t, conn, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1`, name)
	mustExec(ctx, t, conn, `ALTER DATABASE `+name+` IS_TEMPLATE true`)
	return name
}

// Clone creates a database for this test alone, copied from the template (see
// Template; "template0" gives an empty one), and returns its address. It is
// dropped when the test ends, whoever is still connected.
func Clone(t testing.TB, template string) string {
	t.Helper()
	name := "t_" + strings.ToLower(rand.Text())[:16]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn := connect(ctx, t)
	defer conn.Close(context.Background())
	mustExec(ctx, t, conn, `CREATE DATABASE `+name+` TEMPLATE `+pgx.Identifier{template}.Sanitize())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		conn := connect(ctx, t)
		defer conn.Close(context.Background())
		mustExec(ctx, t, conn, `DROP DATABASE `+name+` WITH (FORCE)`)
	})
	return DatabaseURL(name)
}

// DatabaseURL returns the address of another database of the server of URL.
func DatabaseURL(database string) string {
	u, err := url.Parse(URL())
	if err != nil {
		return ""
	}
	u.Path = "/" + database
	return u.String()
}

func connect(ctx context.Context, t testing.TB) *pgx.Conn {
	t.Helper()
	if URL() == "" {
		t.Fatalf("%s is empty: this test run has no PostgreSQL server", Env)
	}
	conn, err := pgx.Connect(ctx, URL())
	if err != nil {
		t.Fatalf("reach the server of %s: %v", Env, err)
	}
	return conn
}

func mustExec(ctx context.Context, t testing.TB, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(ctx, sql, args...); err != nil {
		t.Fatal(fmt.Errorf("%s: %w", sql, err))
	}
}
