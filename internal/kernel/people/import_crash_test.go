package people_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

func TestTwoImportsAtOnce(t *testing.T) {
	s := open(t)
	orders := []people.Order{s.order(school("recent")...), s.order(school("recent")...)}
	var wait sync.WaitGroup
	results := make([]people.Result, len(orders))
	failures := make([]error, len(orders))
	for i := range orders {
		wait.Go(func() {
			failures[i] = s.db.Write(context.Background(), func(tx *db.Tx) (err error) {
				results[i], err = people.ApplyImport(context.Background(), tx, system, s.now, orders[i])
				return err
			})
		})
	}
	wait.Wait()
	if err := errors.Join(failures...); err != nil {
		t.Fatal(err)
	}
	a, b := len(results[0].Created), len(results[1].Created)
	if a+b != 487 || a != 0 && b != 0 {
		t.Errorf("created %d and %d", a, b)
	}
	if n := s.count(`SELECT count(*) FROM person`); n != 487 {
		t.Errorf("%d persons", n)
	}
}

func TestOnlyWhoRunsTheSchoolImports(t *testing.T) {
	s := open(t)
	o := s.order(oneClass)
	ctx := context.Background()
	for name, g := range map[string]rights.Grant{
		"nobody":           {},
		"a head elsewhere": head(t, "somewhere else"),
	} {
		if err := s.db.Write(ctx, func(tx *db.Tx) error {
			_, err := people.ApplyImport(ctx, tx, g, s.now, o)
			return err
		}); err == nil {
			t.Errorf("%s imported", name)
		}
		if err := s.db.Write(ctx, func(tx *db.Tx) error {
			return people.UndoImport(ctx, tx, g, s.now, s.school, "x", nil)
		}); err == nil || sentence(err) == "error.not_found" {
			t.Errorf("%s was let in: %v", name, err)
		}
	}
	if n := s.count(`SELECT count(*) FROM person`); n != 0 {
		t.Errorf("%d persons", n)
	}
}

// head is the grant of somebody who runs a school.
func head(t *testing.T, school string) rights.Grant {
	t.Helper()
	v := &rights.Viewer{Person: "p", Memberships: []rights.Membership{{School: school, Profile: rights.Teacher, Head: true}}, Now: november}
	g, err := people.ManageSchool.Resolve(context.Background(), nil, v, "")
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// importAgainAndAgain imports and undoes in the database that a test gave,
// saying each beginning and each end, until the test kills it.
func importAgainAndAgain(dsn string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, dsn)
	if err != nil {
		return err
	}
	id, err := db.Value[string](ctx, d, `SELECT id FROM school`)
	if err != nil {
		return err
	}
	o := people.Order{School: id, Year: 2026}
	for _, n := range school("recent") {
		b, err := os.ReadFile(filepath.Join("onde", "testdata", n))
		if err != nil {
			return err
		}
		o.Given = append(o.Given, people.ImportFile{Name: filepath.Base(n), Data: b})
	}
	if o.Files, err = people.ReadImport(o.Given); err != nil {
		return err
	}
	fmt.Println("ready")
	return d.Write(ctx, func(tx *db.Tx) error {
		_, err := people.ApplyImport(ctx, tx, system, november, o)
		return err
	})
}

// Killed at any moment, an import left all or nothing.
func TestKilledImport(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	nothing, all := 0, 0
	// How long a whole one takes here, then deaths spread over that time.
	var whole time.Duration
	const tries = 8
	for i := range tries {
		s := open(t)
		child := exec.Command(self, "-test.run=^$")
		child.Env = append(os.Environ(), childEnv+"="+s.dsn)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Fatalf("the child said %q (%v)", line, err)
		}
		began := time.Now()
		if i == 0 {
			if err := child.Wait(); err != nil {
				t.Fatal(err)
			}
			whole = time.Since(began)
		} else {
			time.Sleep(time.Duration(float64(whole) * (float64(i-1) + rand.Float64()) / (tries - 1)))
			_ = child.Process.Kill()
			_ = child.Wait()
		}
		switch n := s.count(`SELECT count(*) FROM person`); n {
		case 0:
			nothing++
		case 487:
			all++
		default:
			t.Errorf("%d persons: half an import", n)
		}
		got := fmt.Sprint(s.count(`SELECT count(*) FROM class`), s.count(`SELECT count(*) FROM membership`), s.count(`SELECT count(*) FROM family_link`), s.count(`SELECT count(*) FROM import`), s.count(`SELECT count(*) FROM audit`))
		if got != "0 0 0 0 0" && got != "9 487 393 1 1" {
			t.Errorf("half an import: %s", got)
		}
		// Whatever was left, the next import makes it whole.
		s.apply(s.order(school("recent")...))
		if n := s.count(`SELECT count(*) FROM person`); n != 487 {
			t.Errorf("%d persons after the next import", n)
		}
	}
	t.Logf("a whole import took %v; killed: %d left nothing, %d all", whole.Round(time.Millisecond), nothing, all)
	if nothing == 0 || all == 0 {
		t.Errorf("the deaths missed the import: %d nothing, %d all", nothing, all)
	}
}
