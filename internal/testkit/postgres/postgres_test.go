package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Launches a server of its own, so that it proves the harness also in a run on
// SQLite.
func TestServerTemplatesAndClones(t *testing.T) {
	server, err := Launch(t.Context(), Options{Settings: []string{"work_mem=5MB"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	t.Setenv(Env, server.URL)

	var collation, workMem string
	query(t, server.URL, `SELECT datcollate, current_setting('work_mem') FROM pg_database WHERE datname = 'postgres'`, &collation, &workMem)
	if collation != "C" || workMem != "5MB" {
		t.Errorf("collation %q, work_mem %q; want C and 5MB", collation, workMem)
	}

	var filled atomic.Int32
	fill := func(databaseURL string) error {
		filled.Add(1)
		conn, err := pgx.Connect(t.Context(), databaseURL)
		if err != nil {
			return err
		}
		// Left open on purpose: a pool that closes late must not keep the
		// template from being copied.
		_, err = conn.Exec(t.Context(), `CREATE TABLE square (n INTEGER); INSERT INTO square VALUES (1)`)
		return err
	}
	t.Run("many at once", func(t *testing.T) {
		var wg sync.WaitGroup
		for i := range 6 {
			wg.Go(func() {
				name := Template(t, "v1", fill)
				mine := Clone(t, name)
				var before, after int
				query(t, mine, `SELECT n FROM square`, &before)
				query(t, mine, fmt.Sprintf(`UPDATE square SET n = %d RETURNING n`, i+10), &after)
				if before != 1 || after != i+10 {
					t.Errorf("clone %d read %d then %d", i, before, after)
				}
			})
		}
		wg.Wait()
	})
	if filled.Load() != 1 {
		t.Errorf("the template was filled %d times, want once", filled.Load())
	}
	if Template(t, "v1", fill) == Template(t, "v2", fill) || filled.Load() != 2 {
		t.Error("another key must give another template")
	}
	var left int
	query(t, server.URL, `SELECT count(*) FROM pg_database WHERE datname LIKE 't\_%'`, &left)
	if left != 0 {
		t.Errorf("%d clones outlived their test", left)
	}
}

func TestStopLeavesNothing(t *testing.T) {
	server, err := Launch(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if _, err := os.Stat(server.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the data folder is still there: %v", err)
	}
	u, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if conn, err := net.DialTimeout("tcp", u.Host, time.Second); err == nil {
		conn.Close()
		t.Error("the server still listens")
	}
}

func query(t testing.TB, databaseURL, sql string, dest ...any) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		t.Error(err)
		return
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, sql).Scan(dest...); err != nil {
		t.Errorf("%s: %v", sql, err)
	}
}
