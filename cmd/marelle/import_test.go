package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"marelle/internal/kernel/people/onde"
	"marelle/internal/testkit/postgres"
	"marelle/internal/testkit/testapp"
)

// asCommand has the test binary be the program itself.
const asCommand = "MARELLE_TEST_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
		return
	}
	os.Exit(testapp.Main(m))
}

// shell runs commands on one portal.
type shell struct {
	t   *testing.T
	env []string
}

func open(t *testing.T) *shell {
	t.Helper()
	s := &shell{t: t, env: append(os.Environ(), asCommand+"=1", "MARELLE_DATA="+t.TempDir())}
	if postgres.URL() != "" {
		s.env = append(s.env, "MARELLE_DATABASE="+postgres.Clone(t, "template0"))
	}
	return s
}

func (s *shell) command(args ...string) *exec.Cmd {
	s.t.Helper()
	self, err := os.Executable()
	if err != nil {
		s.t.Fatal(err)
	}
	c := exec.Command(self, args...)
	c.Env = s.env
	return c
}

// run gives the exit status and what was printed.
func (s *shell) run(args ...string) (status int, stdout, stderr string) {
	s.t.Helper()
	c := s.command(args...)
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		var exit *exec.ExitError
		if !errors.As(err, &exit) {
			s.t.Fatal(err)
		}
	}
	return c.ProcessState.ExitCode(), out.String(), errs.String()
}

// ok demands success and gives what was printed.
func (s *shell) ok(args ...string) string {
	s.t.Helper()
	status, out, errs := s.run(args...)
	if status != 0 {
		s.t.Fatalf("%v: status %d\n%s%s", args, status, out, errs)
	}
	return out
}

// refused demands status 2 with the words on standard error.
func (s *shell) refused(words string, args ...string) {
	s.t.Helper()
	status, out, errs := s.run(args...)
	if status != 2 || !strings.Contains(strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(errs), words) || out != "" {
		s.t.Errorf("%v: status %d, printed %q, said %q, want 2 and %q", args, status, out, errs, words)
	}
}

func lists(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob("../../internal/kernel/people/onde/testdata/" + pattern)
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file for %s", pattern)
	}
	return paths
}

// lastLine reads the last line of what was printed, which must be one object
// with the very keys that were promised.
func lastLine(t *testing.T, out string) onde.Summary {
	t.Helper()
	lines := strings.Split(strings.TrimRight(out, "\n"), "\n")
	last := lines[len(lines)-1]
	d := json.NewDecoder(strings.NewReader(last))
	d.DisallowUnknownFields()
	var s onde.Summary
	if err := d.Decode(&s); err != nil {
		t.Fatalf("last line %q: %v", last, err)
	}
	for _, key := range []string{`"schools"`, `"classes"`, `"pupils"`, `"relatives"`, `"teachers"`, `"family_links"`, `"doubtful":[`, `"rejected":[`, `"unchanged"`} {
		if !strings.Contains(last, key) {
			t.Errorf("no %s in %s", key, last)
		}
	}
	return s
}

func TestImportCommand(t *testing.T) {
	s := open(t)
	files := lists(t, "recent/*.csv")
	onto := func(more ...string) []string {
		return append(append([]string{"import", "onde", "--uai", "0801234G"}, more...), files...)
	}
	s.refused("--school", onto()...)
	dry := lastLine(t, s.ok(onto("--school", "École Jules Verne", "--json", "--dry-run")...))
	if dry.Schools != 1 || dry.Pupils.Created != 219 {
		t.Errorf("dry run: %+v", dry)
	}
	s.refused("--school", onto()...) // nothing was written
	done := lastLine(t, s.ok(onto("--school", "École Jules Verne", "--json")...))
	if done.Schools != 1 || done.Classes != 9 || done.Pupils != (onde.Counts{Created: 219}) || done.Relatives != (onde.Counts{Created: 258}) ||
		done.Teachers != (onde.Counts{Created: 10}) || done.FamilyLinks != 393 || len(done.Doubtful) != 9 || len(done.Rejected) != 0 {
		t.Errorf("import: %+v", done)
	}
	again := lastLine(t, s.ok(onto("--json", "--school", "Autre nom")...))
	if again.Schools != 0 || again.Classes != 0 || again.Pupils != (onde.Counts{Unchanged: 219}) || again.Relatives != (onde.Counts{Unchanged: 258}) || again.FamilyLinks != 0 || len(again.Doubtful) != 9 {
		t.Errorf("the same again: %+v", again)
	}
	table := s.ok(onto()...)
	for _, words := range []string{"Élèves", "219", "9 cas à regarder", "personne de nouveau", "import resolve --uai 0801234G"} {
		if !strings.Contains(table, words) {
			t.Errorf("no %q in\n%s", words, table)
		}
	}
	cases := s.ok("import", "resolve", "--uai", "0801234G")
	one := regexp.MustCompile(`([0-9a-f]{16})  responsables.csv, ligne 87[^\n]*\n *attach ([0-9a-f]{16})`).FindStringSubmatch(cases)
	if one == nil {
		t.Fatalf("no homonym in\n%s", cases)
	}
	s.refused("Choix possibles", "import", "resolve", "--uai", "0801234G", one[1], "explode")
	if out := s.ok("import", "resolve", "--uai", "0801234G", one[1], "attach", one[2]); !strings.Contains(out, "Il reste 8 cas") {
		t.Error(out)
	}
	s.refused("Il l’est peut-être déjà", "import", "resolve", "--uai", "0801234G", one[1], "attach", one[2])
	if again := lastLine(t, s.ok(onto("--json")...)); len(again.Doubtful) != 8 || again.Pupils.Unchanged != 219 || again.FamilyLinks != 0 {
		t.Errorf("after a choice: %+v", again)
	}
	if out := s.ok("import", "undo", "--uai", "0801234G"); !strings.Contains(out, "est annulé") {
		t.Error(out)
	}
	s.refused("aucun import", "import", "undo", "--uai", "0801234G")
	if after := lastLine(t, s.ok(onto("--json", "--dry-run")...)); after.Pupils.Created != 219 || after.Classes != 9 {
		t.Errorf("after the undo: %+v", after)
	}
}

func TestImportRefusals(t *testing.T) {
	s := open(t)
	file := lists(t, "recent/eleves.csv")[0]
	s.refused("ne va pas avec ses chiffres", "import", "onde", "--uai", "0801234A", "--school", "X", file)
	s.refused("sept chiffres", "import", "onde", "--uai", "12", "--school", "X", file)
	s.refused("n’est pas une extraction d’ONDE", "import", "onde", "--uai", "0801234G", "--school", "X", file, "import_test.go")
	s.refused("ne peut pas être lu", "import", "onde", "--uai", "0801234G", "--school", "X", "nowhere.csv")
	s.refused("ne peut pas être lu", "import", "onde", "--uai", "0801234G", "--school", "X", t.TempDir())
	s.refused("trop lourd", "import", "onde", "--uai", "0801234G", "--school", "X", "/dev/zero")
	folder := t.TempDir()
	for name, x := range map[string]struct {
		size int64
		data string
		says string
	}{
		"vide.csv":    {says: "est vide"},
		"blanc.csv":   {data: " \n \n", says: "est vide"},
		"énorme.csv":  {size: 200 << 20, says: "trop lourd"},
		"binaire.csv": {data: "\x7fELF\x02\x01\x01\x00\xff\xfe\x00\x80", says: "n’est pas une extraction d’ONDE"},
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(x.data), 0o600); err != nil {
			t.Fatal(err)
		}
		if x.size > 0 {
			if err := os.Truncate(path, x.size); err != nil {
				t.Fatal(err)
			}
		}
		s.refused(x.says, "import", "onde", "--uai", "0801234G", "--school", "X", path)
	}
	locked := filepath.Join(folder, "fermé.csv")
	if err := os.WriteFile(locked, nil, 0); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 { // root reads everything
		s.refused("ne peut pas être lu", "import", "onde", "--uai", "0801234G", "--school", "X", locked)
	}
	s.refused("--year", "import", "onde", "--uai", "0801234G", "--school", "X", "--year", "26", file)
	s.refused("Aucune école", "import", "undo", "--uai", "0801234G")
}

// What is asked wrongly is told in French too, with the status of a refusal.
func TestWrongCommandLines(t *testing.T) {
	s := open(t)
	for says, line := range map[string]string{
		"Il manque --uai=VALEUR":                   "import onde x.csv",
		"Il manque <fichier>":                      "import onde --uai 0801234G",
		"vouliez-vous dire --year":                 "import onde --uai 0801234G --yeer 2026 x.csv",
		"L’option --xyzzy n’existe pas":            "doctor --xyzzy",
		"Il manque une commande":                   "",
		"« dance » est de trop":                    "dance",
		"il faut un nombre, pas « abc »":           "import onde --uai 0801234G --year abc x.csv",
		"--profile : il faut l’un de head,teacher": "user create --profile queen --first A --last B",
		"--format : il faut l’un de pdf":           "sheets --uai 0801234G --format doc -o x",
		"Nommez l’archive":                         "backup",
		"n’existe pas":                             "backup --check nowhere",
		"Aucun réglage ne s’appelle « hots »":      "setting hots",
		"--now « soon »":                           "demo --addr 127.0.0.1:0 --now soon",
		"montrerait à d’autres":                    "demo --addr 192.0.2.1:80",
	} {
		s.refused(says, strings.Fields(line)...)
	}
	help := s.ok("import", "onde", "--help")
	for _, words := range []string{"Usage : marelle import onde", "Options :", "Montrer cette aide", "<fichier>", "MARELLE_DATA"} {
		if !strings.Contains(strings.ReplaceAll(help, "\u00a0", " "), words) {
			t.Errorf("no %q in\n%s", words, help)
		}
	}
	english := regexp.MustCompile(`(?i)\b(the|and|such as|default:|flags|usage:|print|folder|show)\b`)
	for _, line := range []string{"", "demo", "serve", "migrate", "school create", "user create", "import", "import onde", "import resolve", "import undo", "backup", "restore", "doctor", "setting", "sheets", "version"} {
		if out := s.ok(append(strings.Fields(line), "--help")...); english.MatchString(out) {
			t.Errorf("%s: %q in\n%s", line, english.FindString(out), out)
		}
	}
}

// Every setting that cannot be is one sentence.
func TestWrongSettings(t *testing.T) {
	s := open(t)
	for says, setting := range map[string]string{
		"n’est pas un réglage":         "MARELLE_ADR=x",
		"il faut hôte:port":            "MARELLE_ADDR=x",
		"le port est un nombre":        "MARELLE_ADDR=127.0.0.1:http",
		"il faut une adresse":          "MARELLE_BASE_URL=x",
		"il faut https":                "MARELLE_BASE_URL=http://ecole.example",
		"sans chemin":                  "MARELLE_BASE_URL=https://ecole.example/a",
		"vont ensemble":                "MARELLE_TLS_CERT=/nowhere",
		"il faut postgres://":          "MARELLE_DATABASE=mysql://x",
		"n’est ni une adresse":         "MARELLE_TRUSTED_PROXIES=x",
		"n’est pas un hôte comme":      "MARELLE_PUSH_HOSTS=https://push.example.org/",
		"il faut hôte:port ou unix:":   "MARELLE_CLAMD=x",
		"il faut une taille":           "MARELLE_UPLOAD_MAX=big",
		"MARELLE_METRICS_ADDR":         "MARELLE_METRICS_ADDR=x",
		"il faut smtp[s]://":           "MARELLE_SMTP=http://x",
		"l’adresse de l’expéditeur":    "MARELLE_SMTP=smtp://x",
		"« mot » n’existe pas":         "MARELLE_SMTP=smtp://x?mot=1",
		"n’est ni un dossier":          "MARELLE_BLOBS=ftp://x",
		"AWS_ACCESS_KEY_ID":            "MARELLE_BLOBS=s3://x?endpoint=http://127.0.0.1:1",
		"il faut s3://seau?endpoint=…": "MARELLE_BLOBS=s3://a:b@c",
	} {
		one := *s
		one.env = append(slices.Clone(s.env), "AWS_ACCESS_KEY_ID=", setting)
		status, out, errs := one.run("migrate")
		if plain := strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(errs); status != 2 || out != "" || !strings.Contains(plain, says) {
			t.Errorf("%s: status %d, %q %q, want %q", setting, status, out, plain, says)
		}
	}
}

func TestSchoolAndUserCommands(t *testing.T) {
	s := open(t)
	s.ok("school", "create", "--uai", "9741234Y", "--name", "École du Volcan")
	s.refused("existe déjà", "school", "create", "--uai", "9741234y", "--name", "Autre")
	s.refused("fuseau", "school", "create", "--uai", "0801234G", "--name", "Autre", "--timezone", "Lune/Mer")
	out := s.ok("user", "create", "--profile", "head", "--uai", "9741234Y", "--first", "Odile", "--last", "Marchand", "--email", "odile@exemple.fr")
	if !regexp.MustCompile(`Identifiant.: odile\.marchand\n +Code d’activation.: [0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{3}\n`).MatchString(out) {
		t.Error(out)
	}
	if out := s.ok("user", "create", "--profile", "teacher", "--uai", "9741234Y", "--first", "Odile", "--last", "Marchand"); !strings.Contains(out, "odile.marchand2") {
		t.Error(out)
	}
	s.ok("user", "create", "--profile", "operator", "--first", "Anne", "--last", "Portail")
	s.refused("--uai", "user", "create", "--profile", "staff", "--first", "A", "--last", "B")
	s.refused("portail", "user", "create", "--profile", "operator", "--uai", "9741234Y", "--first", "A", "--last", "B")
	s.refused("prénom", "user", "create", "--profile", "operator", "--first", " ", "--last", "B")
}

// Two commands at once on an empty portal, while a server runs on it: one
// creates everything, the other finds it.
func TestImportsAtOnceBesideAServer(t *testing.T) {
	s := open(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	serve := s.command("serve", "--addr", addr)
	if err := serve.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = serve.Process.Signal(os.Interrupt)
		_ = serve.Wait()
	})
	for i := 0; ; i++ {
		if r, err := http.Get("http://" + addr + "/readyz"); err == nil {
			_ = r.Body.Close()
			break
		}
		if i > 200 {
			t.Fatal("the server does not answer")
		}
		time.Sleep(50 * time.Millisecond)
	}
	outs := make([]string, 2)
	var wait sync.WaitGroup
	for i := range outs {
		c := s.command(append([]string{"import", "onde", "--uai", "0801234G", "--school", "École Jules Verne", "--json"}, lists(t, "older/*.csv")...)...)
		wait.Go(func() {
			b, err := c.Output()
			if err != nil {
				t.Error(err)
			}
			outs[i] = string(b)
		})
	}
	wait.Wait()
	a, b := lastLine(t, outs[0]), lastLine(t, outs[1])
	if a.Schools+b.Schools != 1 || a.Pupils.Created+b.Pupils.Created != 217 || a.Pupils.Unchanged+b.Pupils.Unchanged != 217 || a.FamilyLinks+b.FamilyLinks != 388 {
		t.Errorf("%+v\n%+v", a, b)
	}
}
