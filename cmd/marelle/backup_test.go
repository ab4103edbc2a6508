package main

import (
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// said runs a command and returns what it prints.
func said(t *testing.T, run func() error) (string, error) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	was := os.Stdout
	os.Stdout = w
	read := make(chan string)
	go func() { b, _ := io.ReadAll(r); read <- string(b) }()
	err = run()
	os.Stdout = was
	if closeErr := w.Close(); closeErr != nil {
		t.Fatal(closeErr)
	}
	return <-read, err
}

// settings are those of a folder, without the defaults of the command line.
func settings(dir string) config.Settings {
	return config.Settings{Addr: "127.0.0.1:8080", Data: dir, UploadMax: "20M"}
}

func refused(t *testing.T, err error) {
	t.Helper()
	if err == nil || exitCode(err) != 2 {
		t.Errorf("not refused: %v", err)
	}
}

// A school is backed up while its server lives, restored elsewhere, and prints
// the same codes there.
func TestBackupRestoreAndSheets(t *testing.T) {
	a := testapp.New(t)
	if a.Core.DB.Dialect() != db.SQLite {
		t.Skip("both engines are tried in internal/backup")
	}
	from, to := settings(a.Config.Data), settings(filepath.Join(t.TempDir(), "new"))
	if err := os.MkdirAll(to.Data, 0o700); err != nil {
		t.Fatal(err)
	}
	print := func(set config.Settings, class ...string) string {
		out, err := said(t, (&sheetsCmd{Settings: set, UAI: "0809876A", Class: class, Format: "csv", Output: "-"}).Run)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	whole, one := print(from), print(from, "ce1 b")
	lines, err := csv.NewReader(strings.NewReader(strings.ReplaceAll(one, ";", ","))).ReadAll()
	if err != nil || len(lines) < 2 || len(one) >= len(whole) || strings.Contains(one, "CM2") {
		t.Errorf("a class is not a part of the school: %d lines (%v)", len(lines), err)
	}
	refused(t, (&sheetsCmd{Settings: from, UAI: "0809876A", Class: []string{"CE9"}, Format: "csv", Output: "-"}).Run())
	refused(t, (&sheetsCmd{Settings: from, UAI: "0801234G", Format: "csv", Output: "-"}).Run())

	file := filepath.Join(t.TempDir(), "b.tar.zst")
	if err := (&backupCmd{Settings: from, Output: file}).Run(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the archive (%v)", err)
	}
	if out, err := said(t, (&backupCmd{Check: file}).Run); err == nil {
		if !strings.Contains(out, "est entière") {
			t.Error(out)
		}
	} else {
		t.Error(err)
	}
	refused(t, (&restoreCmd{Settings: from, File: file}).Run())
	if err := (&restoreCmd{Settings: to, File: file}).Run(); err != nil {
		t.Fatal(err)
	}
	if print(to) != whole {
		t.Error("the restored school prints other codes")
	}
	refused(t, (&restoreCmd{Settings: to, File: file}).Run())
	refused(t, (&backupCmd{Settings: from}).Run())
	b, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, b[:len(b)/2], 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	refused(t, (&backupCmd{Check: file}).Run())
}

func TestDoctorSaysWhatIsWrong(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	set := settings(dir)
	look := func(set config.Settings) (string, bool) {
		out, err := said(t, (&doctorCmd{Settings: set}).Run)
		if strings.Contains(out, "cli.") {
			t.Errorf("a key instead of its sentence in\n%s", out)
		}
		return out, err == nil
	}
	has := func(out string, words ...string) {
		t.Helper()
		for _, w := range words {
			if !strings.Contains(out, w) {
				t.Errorf("no %q in\n%s", w, out)
			}
		}
	}
	out, well := look(set)
	if well {
		t.Error("well, without a database")
	}
	has(out, "n’existe pas", "marelle migrate")
	if err := (&migrateCmd{Settings: set}).Run(); err != nil {
		t.Fatal(err)
	}
	out, well = look(set)
	if well {
		t.Error("well, with nobody who answers for the data")
	}
	has(out, "marelle setting controller", "marelle setting host", "marelle setting dpo", "À jour")
	for _, name := range []string{"controller", "host", "dpo"} {
		v := "Mairie, 1 place de l’Église"
		if err := (&settingCmd{Settings: set, Name: name, Value: &v}).Run(); err != nil {
			t.Fatal(err)
		}
	}
	if v, err := said(t, (&settingCmd{Settings: set, Name: "host"}).Run); err != nil || strings.TrimSpace(v) != "Mairie, 1 place de l’Église" {
		t.Errorf("%q (%v)", v, err)
	}
	refused(t, (&settingCmd{Settings: set, Name: "hots"}).Run())
	forever := "0"
	refused(t, (&settingCmd{Settings: set, Name: "trash_days", Value: &forever}).Run())
	if out, well = look(set); !well {
		t.Errorf("unwell:\n%s", out)
	}
	for what, c := range map[string]struct {
		change func(*config.Settings)
		says   string
	}{
		"mail":    {func(s *config.Settings) { s.SMTP = "smtp://127.0.0.1:1?from=ecole@exemple.fr" }, "ne répond pas"},
		"address": {func(s *config.Settings) { s.BaseURL = "http://ecole.exemple" }, "https"},
		"proxies": {func(s *config.Settings) { s.TrustedProxies = "nobody" }, "n’est ni une adresse"},
		"secret":  {func(s *config.Settings) { s.SecretFile = filepath.Join(dir, "marelle.db") }, "hexadécimaux"},
		"blobs":   {func(s *config.Settings) { s.Blobs = "ftp://x" }, "n’est ni un dossier"},
	} {
		sick := set
		c.change(&sick)
		if out, well := look(sick); well || !strings.Contains(out, c.says) {
			t.Errorf("%s:\n%s", what, out)
		}
	}
	if err := os.Chmod(filepath.Join(dir, "secret"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, well := look(set); well || !strings.Contains(out, "chmod 600") {
		t.Errorf("an open secret:\n%s", out)
	}
}
