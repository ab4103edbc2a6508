package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"marelle/internal/apps/classroom"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

type sheetsCmd struct {
	config.Settings
	UAI    string   `name:"uai" required:"" help:"Code UAI de l'école, comme 0801234G."`
	Class  []string `help:"Libellé d'une classe ; peut être répété (par défaut : toute l'école et son équipe)."`
	Format string   `enum:"pdf,pdf8,csv" default:"pdf" help:"pdf (une page A4 par responsable), pdf8 (huit talons par page) ou csv."`
	Output string   `short:"o" required:"" help:"Fichier à écrire ; - pour la sortie standard."`
}

// Run prints the sheets of everybody who has not activated their account yet,
// issuing codes to those who have none.
func (c *sheetsCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		school, err := knownSchool(ctx, core, c.UAI)
		if err != nil {
			return err
		}
		choice := classroom.Choice{Who: []string{classroom.PupilsWithout, classroom.FamiliesWithout, classroom.StaffWithout}, Staff: len(c.Class) == 0}
		classes, err := people.Classes(ctx, core.DB, school.ID, people.Year(core.Clock.Now()))
		if err != nil {
			return err
		}
		if choice.Classes, err = pick(classes, c.Class); err != nil {
			return err
		}
		var p classroom.Print
		if err := core.DB.Write(ctx, func(tx *db.Tx) (err error) {
			p, err = classroom.Prepare(ctx, tx, core, rights.System("command line: sheets").For(school.ID), school.Name, choice)
			return err
		}); err != nil {
			return err
		}
		if len(p.Slips) == 0 {
			return errs.New(errs.NotFound, "cli.sheets.none")
		}
		if err := output(c.Output, func(w io.Writer) error { return p.Write(w, core.Catalog, c.Format) }); err != nil {
			return err
		}
		fmt.Fprintln(os.Stderr, words().T("cli.sheets.done", "people", len(p.Slips), "sheets", len(p.Sheets)))
		return nil
	})
}

// pick finds the identifiers of classes by label, of all when none is named.
func pick(classes []people.Class, labels []string) ([]string, error) {
	var ids, known []string
	for _, k := range classes {
		known = append(known, k.Label)
		if len(labels) == 0 {
			ids = append(ids, k.ID)
		}
	}
	for _, l := range labels {
		n := len(ids)
		for _, k := range classes {
			if strings.EqualFold(strings.TrimSpace(l), k.Label) || l == k.ID {
				ids = append(ids, k.ID)
			}
		}
		if len(ids) == n {
			return nil, errs.New(errs.NotFound, "cli.sheets.class", "class", l, "classes", strings.Join(known, ", "))
		}
	}
	return ids, nil
}

// output writes a file that its owner alone may read, whole or not at all, or
// the standard output.
func output(path string, write func(io.Writer) error) (err error) {
	if path == "-" {
		return write(os.Stdout)
	}
	part := path + ".part"
	f, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(part)
		}
	}()
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(part, path)
}
