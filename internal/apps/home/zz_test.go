package home_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/testkit/testapp"
)

func TestZZ(t *testing.T) {
	a := testapp.New(t)
	for _, c := range strings.Split(os.Getenv("ZZ"), ",") {
		login, path, _ := strings.Cut(c, ":")
		p := a.As(login)
		if path == "/carnet/first" {
			path = "/carnet/" + a.One(`SELECT w.word FROM word_class w JOIN class_member m ON m.class = w.class JOIN word_pupil wp ON wp.word=w.word JOIN family_link f ON f.pupil=wp.pupil JOIN person p ON p.id=f.relative WHERE (m.person = $1 OR p.id=$1) ORDER BY w.published_at DESC LIMIT 1`, p.ID)
		}
		p.Get(path).OK()
		var mu sync.Mutex
		type st struct {
			text string
			args []any
		}
		var list []st
		a.Core.DB.Watch(func(_ context.Context, text string, args []any) {
			mu.Lock()
			defer mu.Unlock()
			list = append(list, st{text, args})
		})
		p.Get(path).OK()
		a.Core.DB.Watch(nil)
		ctx := context.Background()
		for _, s := range list {
			best := time.Hour
			n := 0
			for range 300 {
				b := time.Now()
				rows, err := a.Core.DB.QueryContext(ctx, s.text, s.args...)
				if err != nil {
					fmt.Println(err)
					break
				}
				n = 0
				for rows.Next() {
					n++
				}
				rows.Close()
				best = min(best, time.Since(b))
			}
			fmt.Printf("== %s %s: %v, %d rows\n%s\n", login, path, best, n, strings.Join(strings.Fields(s.text), " "))
			rows, err := a.Core.DB.QueryContext(ctx, "EXPLAIN QUERY PLAN "+s.text, s.args...)
			if err == nil {
				for rows.Next() {
					var a, b, c int
					var d string
					rows.Scan(&a, &b, &c, &d)
					fmt.Println("     ", a, b, d)
				}
				rows.Close()
			}
		}
		const N = 400
		best := time.Hour
		for range N {
			b := time.Now()
			p.Get(path).OK()
			best = min(best, time.Since(b))
		}
		fmt.Println("## whole page", best)
	}
}
