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
	"slices"
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
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/secret"
	"marelle/internal/server"
)

type doctorCmd struct {
	config.Settings
	JSON   bool `name:"json" help:"Écrire ce qui est trouvé en un objet JSON."`
	Repair bool `help:"Refaire les droits d'après l'annuaire et l'index de la recherche, s'ils diffèrent."`
}

// finding is what one check says. Level is ok, note or wrong.
type finding struct {
	Check string `json:"check"`
	Level string `json:"level"`
	Text  string `json:"text"`
}

// errUnwell is the exit status of a doctor who found something.
var errUnwell = errors.New("unwell")

// Run looks at everything that a running portal needs, and changes nothing but
// a test file that it removes.
func (c *doctorCmd) Run() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	d := &doctor{ctx: ctx, repair: c.Repair, words: words()}
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
		for _, f := range d.found {
			fmt.Printf("  %-10s  %-9s  %s\n", d.words.T("cli.level."+f.Level), d.words.T("cli.check."+f.Check), f.Text)
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
	words  *i18n.Catalog
}

func (d *doctor) say(check, level, key string, pairs ...any) {
	d.found = append(d.found, finding{check, level, d.words.T(key, pairs...)})
}

func (d *doctor) ok(check, key string, pairs ...any)    { d.say(check, "ok", key, pairs...) }
func (d *doctor) note(check, key string, pairs ...any)  { d.say(check, "note", key, pairs...) }
func (d *doctor) wrong(check, key string, pairs ...any) { d.say(check, "wrong", key, pairs...) }

// fault tells each sentence of an error apart.
func (d *doctor) fault(check string, err error) {
	for _, text := range sentences(d.words, err) {
		d.found = append(d.found, finding{check, "wrong", text})
	}
}

// cause is an error in as few words as can be.
func (d *doctor) cause(err error) string {
	if err == nil {
		return ""
	}
	return strings.Join(sentences(d.words, err), " ")
}

func (d *doctor) examine(set config.Settings) {
	cfg, err := config.Load(set, os.Environ())
	if err != nil {
		d.fault("settings", err)
	} else {
		d.ok("settings", "cli.doctor.settings")
	}
	d.address(cfg)
	d.folder(cfg)
	d.secret(cfg)
	d.clock()
	d.smtp(cfg)
	d.antivirus(cfg)
	store, err := blob.Open(d.ctx, cfg.Blobs, filepath.Join(cfg.Data, "files"))
	if err != nil {
		d.fault("files", err)
	} else {
		d.files(store)
	}
	d.database(cfg)
}

func (d *doctor) antivirus(cfg *config.Config) {
	if cfg.Antivirus == nil {
		d.note("antivirus", "cli.doctor.no_clamd")
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
	defer cancel()
	if err := cfg.Antivirus.Ping(ctx); err != nil {
		d.wrong("antivirus", "cli.doctor.clamd_away", "cause", err)
		return
	}
	d.ok("antivirus", "cli.doctor.clamd")
}

func (d *doctor) address(cfg *config.Config) {
	host := cfg.Base.Hostname()
	switch {
	case config.Loopback(host):
		d.note("address", "cli.doctor.local", "address", cfg.Base)
	case cfg.Base.Scheme != "https":
		d.wrong("address", "cli.doctor.plain", "address", cfg.Base)
	default:
		ctx, cancel := context.WithTimeout(d.ctx, 5*time.Second)
		defer cancel()
		if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
			d.note("address", "cli.doctor.dns", "host", host)
		} else {
			d.ok("address", "cli.doctor.reached", "address", cfg.Base)
		}
	}
}

// least is the free space under which a portal is about to stop.
const least = 1 << 30

func (d *doctor) folder(cfg *config.Config) {
	info, err := os.Stat(cfg.Data)
	if errors.Is(err, fs.ErrNotExist) {
		d.wrong("data", "cli.doctor.no_folder", "path", cfg.Data)
		return
	}
	if err != nil || !info.IsDir() {
		d.wrong("data", "cli.doctor.not_folder", "path", cfg.Data)
		return
	}
	if info.Mode().Perm()&0o007 != 0 {
		d.wrong("data", "cli.doctor.open_folder", "path", cfg.Data)
	} else {
		d.ok("data", "cli.doctor.folder", "path", cfg.Data)
	}
	f, err := os.CreateTemp(cfg.Data, ".doctor-*")
	if err != nil {
		d.wrong("data", "cli.doctor.read_only", "path", cfg.Data)
	} else if err := errors.Join(f.Close(), os.Remove(f.Name())); err != nil {
		d.wrong("data", "cli.doctor.read_only", "path", cfg.Data)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(cfg.Data, &st); err != nil {
		d.note("disk", "cli.doctor.free_unknown")
		return
	}
	free := int64(st.Bavail) * int64(st.Bsize) //nolint:unconvert // the type differs between systems
	if free < least {
		d.wrong("disk", "cli.doctor.full", "size", i18n.Size(free), "path", cfg.Data)
	} else {
		d.ok("disk", "cli.doctor.free", "size", i18n.Size(free))
	}
}

func (d *doctor) secret(cfg *config.Config) {
	info, err := os.Stat(cfg.Secret)
	if err != nil {
		d.wrong("secret", "cli.doctor.no_secret", "path", cfg.Secret)
		return
	}
	if _, err := secret.Load(cfg.Secret, false); err != nil {
		d.fault("secret", err)
	} else if info.Mode().Perm()&0o077 != 0 {
		d.wrong("secret", "cli.doctor.open_secret", "path", cfg.Secret)
	} else {
		d.ok("secret", "cli.doctor.secret")
	}
}

func (d *doctor) clock() {
	now := time.Now()
	if built := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Before(built) {
		d.wrong("clock", "cli.doctor.past", "time", now.Format("02/01/2006 15:04"))
		return
	}
	if _, err := time.LoadLocation("Europe/Paris"); err != nil {
		d.wrong("clock", "cli.doctor.zones")
		return
	}
	d.ok("clock", "cli.doctor.clock", "time", now.Format("02/01/2006 15:04:05 -0700"))
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
		d.wrong("files", "cli.doctor.store", "cause", d.cause(err))
	case !bytes.Equal(got, bytesIn):
		d.wrong("files", "cli.doctor.store_other")
	default:
		d.ok("files", "cli.doctor.store_ok")
	}
}

func (d *doctor) smtp(cfg *config.Config) {
	if cfg.SMTP == "" {
		d.note("mail", "cli.doctor.no_mail")
		return
	}
	sender, err := mail.ParseURL(cfg.SMTP)
	if err != nil {
		d.fault("mail", err)
		return
	}
	u, err := url.Parse(cfg.SMTP)
	if err != nil {
		d.fault("mail", err)
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
		d.wrong("mail", "cli.doctor.mail_dead", "address", address, "cause", d.cause(err))
		return
	}
	d.ok("mail", "cli.doctor.mail", "address", address, "from", sender.From())
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
			d.wrong("database", "cli.doctor.no_database", "path", path)
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
		d.wrong("database", "cli.doctor.unreachable", "cause", d.cause(err))
		return
	}
	if core.DB.Dialect() == db.Postgres {
		d.postgres(core.DB)
	} else if sound, err := db.Value[string](d.ctx, core.DB, `PRAGMA quick_check(1)`); err != nil || sound != "ok" {
		d.wrong("database", "cli.doctor.sqlite_broken", "cause", strings.TrimSpace(sound+" "+d.cause(err)))
	} else {
		d.ok("database", "cli.doctor.sqlite")
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
		d.wrong("schema", "cli.doctor.schema_unknown", "cause", d.cause(err))
		return
	case pending > 0:
		d.wrong("schema", "cli.doctor.pending", "n", pending)
		return
	default:
		d.ok("schema", "cli.doctor.schema")
	}
	switch n, err := people.Drift(d.ctx, core.DB); {
	case err != nil:
		d.wrong("rights", "cli.doctor.rights_unknown", "cause", d.cause(err))
	case n > 0 && d.repair:
		if err := core.DB.Write(d.ctx, func(tx *db.Tx) error { return people.Rebuild(d.ctx, tx) }); err != nil {
			d.wrong("rights", "cli.doctor.rights_stuck", "cause", d.cause(err))
			break
		}
		d.note("rights", "cli.doctor.rights_mended", "n", n)
	case n > 0:
		d.wrong("rights", "cli.doctor.rights_differ", "n", n)
	default:
		d.ok("rights", "cli.doctor.rights")
	}
	switch n, err := search.Check(d.ctx, core.DB, core.Texts, d.repair); {
	case err != nil:
		d.wrong("search", "cli.doctor.search_unknown", "cause", d.cause(err))
	case n > 0 && d.repair:
		d.note("search", "cli.doctor.search_mended", "n", n)
	case n > 0:
		d.wrong("search", "cli.doctor.search_differs", "n", n)
	default:
		d.ok("search", "cli.doctor.search")
	}
	switch n, err := jobs.Dead(d.ctx, core.DB); {
	case err != nil:
		d.wrong("jobs", "cli.doctor.jobs_unknown", "cause", d.cause(err))
	case n > 0:
		d.wrong("jobs", "cli.doctor.jobs_dead", "n", n)
	default:
		d.ok("jobs", "cli.doctor.jobs")
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
		d.wrong("database", "cli.doctor.pg_unknown", "cause", d.cause(errors.Join(err, convErr)))
		return
	case v < oldest:
		d.wrong("database", "cli.doctor.pg_old", "version", v/10000)
	default:
		d.ok("database", "cli.doctor.pg", "version", v/10000)
	}
	collation, err := db.Value[string](d.ctx, q, `SELECT datcollate FROM pg_database WHERE datname = current_database()`)
	if err != nil {
		d.wrong("database", "cli.doctor.collation_unknown", "cause", d.cause(err))
		return
	}
	if collation != "C" && collation != "POSIX" {
		d.wrong("database", "cli.doctor.collation", "collation", collation,
			"sql", "CREATE DATABASE … TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8'")
	}
}

// legalNames are what the law has the operator say (RGPD, article 13; LCEN,
// article 1-1); what each is in words is "cli.setting." and the name.
var legalNames = []string{"controller", "host", "dpo"}

// settingNames are what the operator may set, and settingValues what some take.
var (
	settingNames  = append(slices.Clone(legalNames), "trash_days")
	settingValues = map[string][]string{"trash_days": {"7", "15", "30", "60", "90"}}
)

func (d *doctor) legal(q db.Querier) {
	rows, err := db.All[struct{ Name, Value string }](d.ctx, q, `SELECT name, value FROM setting WHERE scope = ''`)
	if err != nil {
		d.wrong("legal", "cli.doctor.legal_unknown", "cause", d.cause(err))
		return
	}
	have := map[string]string{}
	for _, r := range rows {
		have[r.Name] = strings.TrimSpace(r.Value)
	}
	complete := true
	for _, name := range legalNames {
		if have[name] == "" {
			complete = false
			d.wrong("legal", "cli.doctor.legal_missing", "what", d.words.T("cli.setting."+name), "name", name)
		}
	}
	if complete {
		d.ok("legal", "cli.doctor.legal")
	}
}

// quiet is a log for commands that speak for themselves.
func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

type settingCmd struct {
	config.Settings
	Name  string  `arg:"" optional:"" help:"Nom d'un réglage du portail : controller, host, dpo ou trash_days."`
	Value *string `arg:"" optional:"" help:"Nouvelle valeur ; sans elle, la valeur actuelle est écrite."`
}

// Run prints or writes what the portal says on its legal page, and how long its
// trash keeps things.
func (c *settingCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		if c.Name == "" {
			for _, name := range settingNames {
				v, err := db.Value[string](ctx, core.DB, `SELECT value FROM setting WHERE scope = '' AND name = $1`, name)
				if err != nil {
					return err
				}
				fmt.Printf("%-11s %s\n%-11s   (%s)\n", name, v, "", words().T("cli.setting."+name))
			}
			return nil
		}
		if !slices.Contains(settingNames, c.Name) {
			return errs.New(errs.Invalid, "cli.setting.unknown", "name", c.Name, "names", i18n.List(settingNames...))
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
			return errs.New(errs.TooLarge, "cli.setting.long")
		}
		if only := settingValues[c.Name]; only != nil && !slices.Contains(only, v) {
			return errs.New(errs.Invalid, "cli.setting.values", "name", c.Name, "values", i18n.List(only...))
		}
		return core.DB.Write(ctx, func(tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO setting (scope, name, value) VALUES ('', $1, $2) ON CONFLICT (scope, name) DO UPDATE SET value = excluded.value`, c.Name, v); err != nil {
				return err
			}
			return audit.Note(ctx, tx, rights.System("setting written on the command line"), core.Clock.Now(), "setting.write", c.Name, "")
		})
	})
}
