package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"marelle/internal/apps"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/secret"
	"marelle/internal/server"
)

type doctorCmd struct {
	config.Settings
	JSON   bool `name:"json" help:"Print the findings as one JSON object."`
	Repair bool `help:"Derive all rights from the directory again, and make the index of the search again, when they differ."`
}

// finding is what one check says. Level is ok, note or wrong.
type finding struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Text  string `json:"text"`
}

// errUnwell is the exit status of a doctor who found something.
var errUnwell = errors.New("something needs your attention, see above")

// Run looks at everything that a running portal needs, and changes nothing but
// a test file that it removes.
func (c *doctorCmd) Run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	d := &doctor{ctx: ctx, repair: c.Repair}
	d.examine(c.Settings)
	wrong := 0
	for _, f := range d.found {
		if f.Level == "wrong" {
			wrong++
		}
	}
	if c.JSON {
		if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": wrong == 0, "version": release(), "findings": d.found}); err != nil {
			return err
		}
	} else {
		mark := map[string]string{"ok": "  ok   ", "note": "  note ", "wrong": "  WRONG"}
		for _, f := range d.found {
			fmt.Printf("%s  %-10s %s\n", mark[f.Level], f.Check, f.Text)
		}
	}
	if wrong > 0 {
		return errUnwell
	}
	return nil
}

type doctor struct {
	ctx    context.Context
	found  []finding
	repair bool
}

func (d *doctor) say(check, level, format string, args ...any) {
	d.found = append(d.found, finding{check, level, fmt.Sprintf(format, args...)})
}

func (d *doctor) ok(check, format string, args ...any)    { d.say(check, "ok", format, args...) }
func (d *doctor) note(check, format string, args ...any)  { d.say(check, "note", format, args...) }
func (d *doctor) wrong(check, format string, args ...any) { d.say(check, "wrong", format, args...) }

func (d *doctor) examine(set config.Settings) {
	cfg, err := config.Load(set, os.Environ())
	if err != nil {
		for _, line := range strings.Split(err.Error(), "\n") {
			d.wrong("settings", "%s", line)
		}
	} else {
		d.ok("settings", "every setting can be read")
	}
	d.address(cfg)
	d.folder(cfg)
	d.secret(cfg)
	d.clock()
	d.smtp(cfg)
	store, err := blob.Open(d.ctx, cfg.Blobs, filepath.Join(cfg.Data, "files"))
	if err != nil {
		d.wrong("files", "%v", err)
	} else {
		d.files(store)
	}
	d.database(cfg)
}

func (d *doctor) address(cfg *config.Config) {
	host := cfg.Base.Hostname()
	switch {
	case config.Loopback(host):
		d.note("address", "%s is this machine alone: set MARELLE_BASE_URL to what people type", cfg.Base)
	case cfg.Base.Scheme != "https":
		d.wrong("address", "%s is not https: sign-in cookies are lost", cfg.Base)
	default:
		ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
		defer cancel()
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			d.note("address", "the name %s is unknown to this machine's DNS: see that people's machines know it", host)
		} else {
			d.ok("address", "people reach the portal at %s", cfg.Base)
		}
	}
}

// least is the free space under which a portal is about to stop.
const least = 1 << 30

func (d *doctor) folder(cfg *config.Config) {
	info, err := os.Stat(cfg.Data)
	if errors.Is(err, fs.ErrNotExist) {
		d.wrong("data", "the folder %s does not exist: marelle serve or marelle migrate makes it", cfg.Data)
		return
	}
	if err != nil || !info.IsDir() {
		d.wrong("data", "%s cannot be used as a folder (%v)", cfg.Data, err)
		return
	}
	if info.Mode().Perm()&0o007 != 0 {
		d.wrong("data", "everybody on this machine may enter %s: chmod 750 %[1]s", cfg.Data)
	} else {
		d.ok("data", "%s is closed to others", cfg.Data)
	}
	f, err := os.CreateTemp(cfg.Data, ".doctor-*")
	if err != nil {
		d.wrong("data", "%s cannot be written to: %v", cfg.Data, err)
	} else if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		d.wrong("data", "%v", err)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(cfg.Data, &st); err != nil {
		d.note("disk", "free space is unknown: %v", err)
		return
	}
	free := int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // the type differs between systems
	if free < least {
		d.wrong("disk", "only %s left for %s: a full disk stops the portal", i18n.Size(free), cfg.Data)
	} else {
		d.ok("disk", "%s left", i18n.Size(free))
	}
}

func (d *doctor) secret(cfg *config.Config) {
	info, err := os.Stat(cfg.Secret)
	if err != nil {
		d.wrong("secret", "the secret file %s cannot be seen: marelle serve makes it, or bring it back from a backup", cfg.Secret)
		return
	}
	if _, err := secret.Load(cfg.Secret, false); err != nil {
		d.wrong("secret", "%v", err)
	} else if info.Mode().Perm()&0o077 != 0 {
		d.wrong("secret", "others may read %s: chmod 600 %[1]s", cfg.Secret)
	} else {
		d.ok("secret", "the secret file is there, for its owner alone")
	}
}

func (d *doctor) clock() {
	now := time.Now()
	if built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(built) {
		d.wrong("clock", "this machine says %s, which is in the past: set its clock", now.Format(time.DateTime))
		return
	}
	if _, err := time.LoadLocation("Europe/Paris"); err != nil {
		d.wrong("clock", "time zones are missing: %v", err)
		return
	}
	d.ok("clock", "it is %s", now.Format("2006-01-02 15:04:05 -0700"))
}

func (d *doctor) files(store blob.Store) {
	key, bytesIn := "doctor/"+id.New(), make([]byte, 1024)
	_, _ = rand.Read(bytesIn)
	err := store.Put(d.ctx, key, bytes.NewReader(bytesIn), int64(len(bytesIn)))
	var got []byte
	if err == nil {
		var r io.ReadCloser
		if r, err = store.OpenRange(d.ctx, key, 0, -1); err == nil {
			got, err = io.ReadAll(r)
			err = errors.Join(err, r.Close())
		}
		err = errors.Join(err, store.Delete(d.ctx, key))
	}
	switch {
	case err != nil:
		d.wrong("files", "the store of files does not keep what it is given: %v", err)
	case !bytes.Equal(got, bytesIn):
		d.wrong("files", "the store of files gives back something else than it was given")
	default:
		d.ok("files", "the store of files writes, reads and deletes")
	}
}

func (d *doctor) smtp(cfg *config.Config) {
	if cfg.SMTP == "" {
		d.note("mail", "MARELLE_SMTP is not set: nobody is told anything by e-mail, and a lost password needs a new code on paper")
		return
	}
	sender, err := mail.ParseURL(cfg.SMTP)
	if err != nil {
		d.wrong("mail", "MARELLE_SMTP: %v", err)
		return
	}
	u, err := url.Parse(cfg.SMTP)
	if err != nil {
		d.wrong("mail", "MARELLE_SMTP cannot be read")
		return
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"smtps": "465"}[u.Scheme]
		if port == "" {
			port = "587"
		}
	}
	address := net.JoinHostPort(u.Hostname(), port)
	if err := greet(d.ctx, address, u.Scheme == "smtps", u.Hostname()); err != nil {
		d.wrong("mail", "the mail server %s does not answer: %v", address, err)
		return
	}
	d.ok("mail", "the mail server %s answers; messages come from %s", address, sender.From())
}

// greet waits for the greeting of a mail server (RFC 5321, 3.1).
func greet(ctx context.Context, address string, secure bool, host string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	dialer := &net.Dialer{}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if secure && err == nil {
		t := tls.Client(conn, &tls.Config{ServerName: host})
		if err = t.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
		}
		conn = t
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReaderSize(conn, 1024).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "220") {
		return fmt.Errorf("it says %q", strings.TrimSpace(line))
	}
	_, err = io.WriteString(conn, "QUIT\r\n")
	return err
}

func (d *doctor) database(cfg *config.Config) {
	if path, postgres := cfg.DSN, strings.HasPrefix(cfg.DSN, "postgres"); !postgres {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			d.wrong("database", "%s does not exist: marelle migrate makes it", path)
			return
		}
	}
	core := &app.Core{Base: cfg.Base, Clock: clock.System(), Log: quiet()}
	var err error
	if core.DB, err = db.Open(d.ctx, cfg.DSN); err == nil {
		defer core.DB.Close()
		err = core.DB.Ping(d.ctx)
	}
	if err != nil {
		d.wrong("database", "the database cannot be reached: %v", err)
		return
	}
	if core.DB.Dialect() == db.Postgres {
		d.postgres(core.DB)
	} else if sound, err := db.Value[string](d.ctx, core.DB, `PRAGMA quick_check(1)`); err != nil || sound != "ok" {
		d.wrong("database", "the SQLite file is damaged (%s%v): restore a backup", sound, err)
	} else {
		d.ok("database", "SQLite, sound")
	}
	core.Apps = append(server.Kernel(core), apps.All(core)...)
	var files []fs.FS
	for _, a := range core.Apps {
		if a.Migrations != nil {
			files = append(files, a.Migrations)
		}
	}
	switch pending, err := core.DB.Pending(d.ctx, files...); {
	case err != nil:
		d.wrong("schema", "migrations cannot be compared: %v", err)
		return
	case pending > 0:
		d.wrong("schema", "%d migrations have not run: marelle migrate, or start the server", pending)
		return
	default:
		d.ok("schema", "up to date")
	}
	switch n, err := people.Drift(d.ctx, core.DB); {
	case err != nil:
		d.wrong("rights", "rights cannot be compared with the directory: %v", err)
	case n > 0 && d.repair:
		if err := core.DB.Write(d.ctx, func(tx *db.Tx) error { return people.Rebuild(d.ctx, tx) }); err != nil {
			d.wrong("rights", "rights cannot be derived again: %v", err)
			break
		}
		d.note("rights", "%d rights differed from the directory and were derived again", n)
	case n > 0:
		d.wrong("rights", "%d rights differ from the directory: somebody wrote to the database by hand; marelle doctor --repair derives them again", n)
	default:
		d.ok("rights", "rights follow the directory")
	}
	switch n, err := search.Check(d.ctx, core.DB, core.Texts, d.repair); {
	case err != nil:
		d.wrong("search", "the index of the search cannot be compared with what it finds: %v; marelle doctor --repair makes it again", err)
	case n > 0 && d.repair:
		d.note("search", "%d items were not found as they should and now are", n)
	case n > 0:
		d.wrong("search", "%d items are not found as they should: the server does it by itself after an upgrade or a restore; if this stays, marelle doctor --repair makes the index again", n)
	default:
		d.ok("search", "everything is found")
	}
	switch n, err := jobs.Dead(d.ctx, core.DB); {
	case err != nil:
		d.wrong("jobs", "jobs cannot be counted: %v", err)
	case n > 0:
		d.wrong("jobs", "%d jobs were given up: look for \"job failed\" in the log", n)
	default:
		d.ok("jobs", "none was given up")
	}
	d.legal(core.DB)
}

// oldest is the oldest PostgreSQL that the tests run on.
const oldest = 150000

func (d *doctor) postgres(q db.Querier) {
	number, err := db.Value[string](d.ctx, q, `SELECT current_setting('server_version_num')`)
	v, convErr := strconv.Atoi(number)
	switch {
	case errors.Join(err, convErr) != nil:
		d.wrong("database", "the version of PostgreSQL cannot be read: %v", errors.Join(err, convErr))
		return
	case v < oldest:
		d.wrong("database", "PostgreSQL %d is too old: 15 or later", v/10000)
	default:
		d.ok("database", "PostgreSQL %d", v/10000)
	}
	collation, err := db.Value[string](d.ctx, q, `SELECT datcollate FROM pg_database WHERE datname = current_database()`)
	if err != nil {
		d.wrong("database", "its collation cannot be read: %v", err)
		return
	}
	if collation != "C" && collation != "POSIX" {
		d.wrong("database", "its collation is %s: make it with CREATE DATABASE … TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8', so that lists sort the same everywhere", collation)
	}
}

// legalNames are what the law has the operator say (RGPD, article 13; LCEN,
// article 1-1), and what each is in words.
var legalNames = []struct{ name, what string }{
	{"controller", "who answers for the processing of personal data (name, address)"},
	{"host", "who hosts the portal (name, address, phone)"},
	{"dpo", "how to reach the data protection officer"},
}

func (d *doctor) legal(q db.Querier) {
	rows, err := db.All[struct{ Name, Value string }](d.ctx, q, `SELECT name, value FROM setting WHERE scope = ''`)
	if err != nil {
		d.wrong("legal", "settings cannot be read: %v", err)
		return
	}
	have := map[string]string{}
	for _, r := range rows {
		have[r.Name] = strings.TrimSpace(r.Value)
	}
	complete := true
	for _, l := range legalNames {
		if have[l.name] == "" {
			complete = false
			d.wrong("legal", "the legal page must say %s: marelle setting %s \"…\"", l.what, l.name)
		}
	}
	if complete {
		d.ok("legal", "controller, host and data protection officer are named")
	}
}

// quiet is a log for commands that speak for themselves.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

type settingCmd struct {
	config.Settings
	Name  string  `arg:"" optional:"" help:"Name of a setting of the portal: controller, host or dpo."`
	Value *string `arg:"" optional:"" help:"New value; without it, the present one is printed."`
}

// Run prints or writes what the portal says on its legal page.
func (c *settingCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		if c.Name == "" {
			for _, l := range legalNames {
				v, err := db.Value[string](ctx, core.DB, `SELECT value FROM setting WHERE scope = '' AND name = $1`, l.name)
				if err != nil {
					return err
				}
				fmt.Printf("%-11s %s\n%-11s   (%s)\n", l.name, v, "", l.what)
			}
			return nil
		}
		var names []string
		known := false
		for _, l := range legalNames {
			known = known || l.name == c.Name
			names = append(names, l.name)
		}
		if !known {
			return refusal{fmt.Errorf("no setting is called %q; there are %s", c.Name, strings.Join(names, ", "))}
		}
		if c.Value == nil {
			v, err := db.Value[string](ctx, core.DB, `SELECT value FROM setting WHERE scope = '' AND name = $1`, c.Name)
			if err == nil {
				fmt.Println(v)
			}
			return err
		}
		v := strings.TrimSpace(*c.Value)
		if len(v) > 2000 {
			return refusal{errors.New("that is too long: 2,000 characters at most")}
		}
		return core.DB.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO setting (scope, name, value) VALUES ('', $1, $2) ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value`, c.Name, v); err != nil {
				return err
			}
			return audit.Note(ctx, tx, rights.System("setting written on the command line"), core.Clock.Now(), "setting.write", c.Name, "")
		})
	})
}
