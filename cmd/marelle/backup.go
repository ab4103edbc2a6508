package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"marelle/internal/apps"
	"marelle/internal/backup"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/search"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/secret"
	"marelle/internal/server"
)

type backupCmd struct {
	config.Settings
	Output        string `short:"o" help:"Archive to write, such as marelle.tar.zst; - for the standard output."`
	Check         string `help:"Only check that this archive is whole." placeholder:"FILE"`
	WithoutSecret bool   `help:"Leave the secret file out: printed codes will not work after a restore, unless you keep that file elsewhere."`
}

// Help says what the archive is worth.
func (c *backupCmd) Help() string {
	return "Writes one archive of everything: database, files, waiting jobs and the secret file. The server may go on meanwhile. " +
		"The archive holds personal data and, unless --without-secret is said, the secret that protects activation codes: keep it as safe as the server itself."
}

// Run writes an archive, or checks one.
func (c *backupCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case c.Check != "" && c.Output != "":
		return refusal{errors.New("--check and -o do not go together")}
	case c.Check != "":
		f, err := os.Open(c.Check)
		if err != nil {
			return refusal{err}
		}
		defer f.Close()
		m, err := backup.Check(f)
		if err != nil {
			return refusal{fmt.Errorf("%s: %w", c.Check, err)}
		}
		fmt.Printf("%s is whole: %s\n", c.Check, summary(m))
		return nil
	case c.Output == "":
		return refusal{errors.New("name the archive: marelle backup -o FILE, or - for the standard output")}
	}
	core, cfg, err := store(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer core.DB.Close()
	from := backup.Source{DB: core.DB, Blobs: core.Blobs, Program: release(), Now: core.Clock.Now()}
	if !c.WithoutSecret {
		if from.Secret, err = os.ReadFile(cfg.Secret); err != nil {
			return refusal{fmt.Errorf("secret file: %w (or say --without-secret)", err)}
		}
	}
	var m backup.Manifest
	if err := output(c.Output, func(w io.Writer) (err error) {
		m, err = backup.Write(ctx, w, from)
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Backed up %s\n", summary(m))
	if m.Missing > 0 {
		return fmt.Errorf("%d files that the database names are missing in the store: the archive is good, the store is not", m.Missing)
	}
	return nil
}

func summary(m backup.Manifest) string {
	s := fmt.Sprintf("%d rows, %d files (%s), %d jobs, made on %s by Marelle %s on %s", m.Rows(), m.Blobs, i18n.Size(m.Bytes), m.Jobs, m.Made.Format("2006-01-02 15:04 UTC"), m.Program, m.Engine)
	if !m.Secret {
		s += ", without the secret file"
	}
	return s
}

type restoreCmd struct {
	config.Settings
	File string `arg:"" help:"Archive that marelle backup wrote."`
}

// Help says into what.
func (c *restoreCmd) Help() string {
	return "Restores an archive into a new, empty database (SQLite or PostgreSQL, whichever it came from) and into the store of files. " +
		"The archive is checked first; nothing is ever written over. Stop the server before, start it after."
}

// Run checks an archive, then loads it.
func (c *restoreCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f, err := os.Open(c.File)
	if err != nil {
		return refusal{err}
	}
	defer f.Close()
	core, cfg, err := store(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer core.DB.Close()
	core.Apps = append(server.Kernel(core), apps.All(core)...)
	var kept []byte
	to := backup.Target{DB: core.DB, Blobs: core.Blobs, Clock: core.Clock, Secret: func(b []byte) error { kept = b; return nil }}
	for _, a := range core.Apps {
		if a.Migrations != nil {
			to.Migrations = append(to.Migrations, a.Migrations)
		}
		to.Kinds = append(to.Kinds, a.Jobs...)
	}
	m, err := backup.Restore(ctx, f, to)
	var damaged backup.Damaged
	if errors.As(err, &damaged) || errors.Is(err, backup.ErrNotEmpty) {
		return refusal{err}
	}
	if err != nil {
		return err
	}
	if _, err := search.Check(ctx, core.DB, core.Texts, true); err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "Restored %s\n", summary(m))
	if kept == nil {
		fmt.Fprintln(os.Stderr, "The archive has no secret file: put the old one at "+cfg.Secret+" before the server starts. Without it, codes on paper and second factors are lost.")
		return nil
	}
	return place(cfg.Secret, kept)
}

// place puts the archive's secret where the server looks for it; one that is
// there already is kept beside it.
func place(path string, b []byte) error {
	there, err := os.ReadFile(path)
	switch {
	case err == nil && bytes.Equal(there, b):
		return nil
	case err == nil:
		if err := os.Rename(path, path+".before-restore"); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, "The secret file that was there is now "+path+".before-restore")
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		return err
	}
	_, err = secret.Load(path, false)
	return err
}

// store opens database and files alone, without migrating: what a backup must
// not do, and a restore does by itself.
func store(ctx context.Context, set config.Settings) (*app.Core, *config.Config, error) {
	cfg, err := config.Load(set, os.Environ())
	if err != nil {
		return nil, nil, refusal{err}
	}
	core := &app.Core{Base: cfg.Base, Clock: clock.System(), Log: quiet()}
	if core.Blobs, err = blob.Open(ctx, cfg.Blobs, filepath.Join(cfg.Data, "files")); err != nil {
		return nil, nil, refusal{err}
	}
	if core.DB, err = db.Open(ctx, cfg.DSN); err != nil {
		return nil, nil, refusal{err}
	}
	return core, cfg, nil
}
