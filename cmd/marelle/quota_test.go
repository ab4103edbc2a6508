package main

import (
	"strings"
	"testing"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/testkit/testapp"
)

// The operator reads what each profile may hold, and sets it for all schools or for
// one: it is in force at once, and in the log of acts. What is no size, no profile
// or no school changes nothing.
func TestQuotasAreReadAndSet(t *testing.T) {
	a := testapp.New(t)
	if a.Core.DB.Dialect() != db.SQLite {
		t.Skip("the command opens a folder")
	}
	set := settings(a.Config.Data)
	line := func(uai, profile string) string {
		t.Helper()
		out, err := said(t, (&quotaCmd{Settings: set, UAI: uai, Profile: profile}).Run)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(out), " ")
	}
	shown := func(size string) string {
		n, err := config.Bytes(size)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(strings.Fields(i18n.Limit(n)), " ")
	}
	all := line("", "")
	for _, p := range []rights.Profile{rights.Pupil, rights.Guest, rights.Relative, rights.Teacher, rights.Staff, rights.Head, rights.Operator} {
		if !strings.Contains(" "+all, " "+string(p)+" ") {
			t.Errorf("%s is not listed: %s", p, all)
		}
	}
	before := line("", "teacher")
	if !strings.HasPrefix(before, "teacher ") || strings.Contains(before, "pupil") {
		t.Errorf("one profile: %s", before)
	}

	if err := (&quotaCmd{Settings: set, UAI: "0809876A", Profile: "teacher", Size: "700M"}).Run(); err != nil {
		t.Fatal(err)
	}
	if one, rest := line("0809876A", "teacher"), line("", "teacher"); one != "teacher "+shown("700M") || rest != before {
		t.Errorf("of the school %q, of the others %q", one, rest)
	}
	helene := a.As("helene.duvivier")
	school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	if s, err := file.Usage(t.Context(), a.Core.DB, a.Core.Clock.Now(), school, helene.ID); err != nil || s.Max != 700<<20 {
		t.Errorf("she may hold %d (%v)", s.Max, err)
	}
	if err := (&quotaCmd{Settings: set, Profile: "relative", Size: "2G"}).Run(); err != nil {
		t.Fatal(err)
	}
	if got := line("", "relative"); got != "relative "+shown("2G") {
		t.Errorf("for all: %q", got)
	}
	if n := a.One(`SELECT count(*) || '' FROM audit WHERE action = 'quota.set'`); n != "2" {
		t.Errorf("%s acts in the log", n)
	}

	all = line("", "")
	for _, bad := range []quotaCmd{{Profile: "teacher", Size: "beaucoup"}, {Profile: "teacher", Size: "-5G"}, {UAI: "0801234G", Profile: "teacher", Size: "1G"}} {
		bad.Settings = set
		if err := bad.Run(); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if now := line("", ""); now != all {
		t.Errorf("what was refused changed something: %s", now)
	}
}
