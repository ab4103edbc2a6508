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

// importUntilKilled imports into the database that a test gave, saying when its
// transaction has begun and when all is written but not yet committed.
func importUntilKilled(dsn string, hold bool) error {
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
	return d.Write(ctx, func(tx *db.Tx) error {
		fmt.Println("begun")
		if _, err := people.ApplyImport(ctx, tx, system, november, o); err != nil {
			return err
		}
		fmt.Println("written")
		if hold {
			time.Sleep(time.Hour)
		}
		return nil
	})
}

// child is a process of its own that imports.
type child struct {
	*exec.Cmd
	out *bufio.Reader
}

func (s *site) child(hold bool) child {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	c := child{Cmd: exec.Command(self, "-test.run=^$")}
	c.Env = append(os.Environ(), childEnv+"="+s.dsn, fmt.Sprint(holdEnv, "=", hold))
	c.Stderr = os.Stderr
	out, err := c.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	c.out = bufio.NewReader(out)
	if err := c.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Process.Kill() })
	c.says(s.t, "begun")
	return c
}

func (c child) says(t testing.TB, want string) {
	t.Helper()
	if line, err := c.out.ReadString('\n'); line != want+"\n" {
		t.Fatalf("the child said %q (%v)", line, err)
	}
}

// kill ends the process as kill -9 does, and says whether it had written all.
func (c child) kill() (written bool) {
	_ = c.Process.Kill()
	line, _ := c.out.ReadString('\n')
	_ = c.Wait()
	return line == "written\n"
}

// whole demands all of an import or nothing, and that the next one makes it
// whole.
func (s *site) whole() (all bool) {
	s.t.Helper()
	n := s.count(`SELECT count(*) FROM person`)
	got := fmt.Sprint(n, s.count(`SELECT count(*) FROM class`), s.count(`SELECT count(*) FROM membership`), s.count(`SELECT count(*) FROM family_link`), s.count(`SELECT count(*) FROM import`), s.count(`SELECT count(*) FROM audit`))
	if got != "0 0 0 0 0 0" && got != "487 9 487 393 1 1" {
		s.t.Errorf("half an import: %s", got)
	}
	s.apply(s.order(school("recent")...))
	if after := s.count(`SELECT count(*) FROM person`); after != 487 {
		s.t.Errorf("%d persons after the next import", after)
	}
	return n > 0
}

// Killed at any moment of its transaction, an import leaves all or nothing.
func TestKilledImport(t *testing.T) {
	// How long the writing takes here.
	s := open(t)
	c := s.child(false)
	began := time.Now()
	c.says(t, "written")
	long := time.Since(began)
	if err := c.Wait(); err != nil {
		t.Fatal(err)
	}
	if !s.whole() {
		t.Error("nobody killed it, and nothing is there")
	}
	// At the last moment: everything is written, nothing is committed.
	s = open(t)
	c = s.child(true)
	c.says(t, "written")
	if c.kill(); s.whole() {
		t.Error("an import that was not committed is there")
	}
	// At random, until enough have died while they wrote.
	middle, tries := 0, 0
	for ; middle < 10 && tries < 60; tries++ {
		s := open(t)
		c := s.child(false)
		time.Sleep(time.Duration(float64(long) * rand.Float64()))
		written := c.kill()
		if all := s.whole(); !written {
			middle++
			if all {
				t.Error("an import that was still writing is there")
			}
		}
	}
	t.Logf("writing takes %v; of %d killed, %d were writing", long.Round(time.Millisecond), tries, middle)
	if middle < 10 {
		t.Errorf("the deaths missed the import: %d of %d", middle, tries)
	}
}
