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
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/secret"
	"marelle/internal/server"
)

type backupCmd struct {
	config.Settings
	Output        string `short:"o" help:"Archive à écrire, comme marelle.tar.zst ; - pour la sortie standard."`
	Check         string `help:"Vérifier seulement que cette archive est entière." placeholder:"FICHIER"`
	WithoutSecret bool   `help:"Laisser le fichier du secret de côté : après une restauration, les codes imprimés ne marchent plus, sauf si vous gardez ce fichier ailleurs."`
}

// Help says what the archive is worth.
func (c *backupCmd) Help() string {
	return "Écrit une archive de tout : base, fichiers, tâches en attente et fichier du secret. Le serveur peut continuer pendant ce temps. " +
		"L’archive contient des données personnelles et, sauf avec --without-secret, le secret qui protège les codes d’activation : gardez-la aussi bien que le serveur."
}

// Run writes an archive, or checks one.
func (c *backupCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch {
	case c.Check != "" && c.Output != "":
		return errs.New(errs.Invalid, "cli.backup.both")
	case c.Check != "":
		f, err := os.Open(c.Check)
		if err != nil {
			return refusal{err}
		}
		defer f.Close()
		m, err := backup.Check(f)
		if err != nil {
			return err
		}
		fmt.Println(words().T("cli.backup.whole", "file", c.Check, "what", summary(m)))
		return nil
	case c.Output == "":
		return errs.New(errs.Invalid, "cli.backup.name")
	}
	core, cfg, err := store(ctx, c.Settings)
	if err != nil {
		return err
	}
	defer core.DB.Close()
	from := backup.Source{DB: core.DB, Blobs: core.Blobs, Program: release(), Now: core.Clock.Now()}
	if !c.WithoutSecret {
		if from.Secret, err = os.ReadFile(cfg.Secret); err != nil {
			return errs.Wrap(errs.Invalid, err, "cli.backup.secret", "file", cfg.Secret)
		}
	}
	var m backup.Manifest
	if err := output(c.Output, func(w io.Writer) (err error) {
		m, err = backup.Write(ctx, w, from)
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, words().T("cli.backup.done", "what", summary(m)))
	if m.Missing > 0 {
		return failure{errs.Msg("cli.backup.missing", "n", m.Missing)}
	}
	return nil
}

func summary(m backup.Manifest) string {
	say := words()
	s := say.T("cli.backup.summary", "rows", m.Rows(), "files", m.Blobs, "size", i18n.Size(m.Bytes), "jobs", m.Jobs, "made", m.Made.Format("02/01/2006 15:04"), "program", m.Program, "engine", m.Engine)
	if !m.Secret {
		s += ", " + say.T("cli.backup.no_secret")
	}
	return s
}

type restoreCmd struct {
	config.Settings
	File string `arg:"" help:"Archive écrite par marelle backup."`
}

// Help says into what.
func (c *restoreCmd) Help() string {
	return "Restaure une archive dans une base neuve et vide (SQLite ou PostgreSQL, d’où qu’elle vienne) et dans le stockage des fichiers. " +
		"L’archive est d’abord vérifiée ; rien n’est jamais écrasé. Arrêtez le serveur avant, relancez-le après."
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
	if err != nil {
		return err
	}
	// The secret first: without it what was loaded opens nothing, and nothing is
	// loaded twice.
	if kept != nil {
		if err := place(cfg.Secret, kept); err != nil {
			return err
		}
	}
	if _, err := search.Check(ctx, core.DB, core.Texts, true); err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, words().T("cli.restore.done", "what", summary(m)))
	if kept == nil {
		fmt.Fprintln(os.Stderr, words().T("cli.restore.no_secret", "file", cfg.Secret))
	}
	return nil
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
		fmt.Fprintln(os.Stderr, words().T("cli.restore.kept", "file", path+".before-restore"))
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
