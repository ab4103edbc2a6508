package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"marelle/internal/apps/school"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/server"
)

// portal opens the portal that the settings name and runs f.
func portal(set config.Settings, f func(ctx context.Context, core *app.Core) error) error {
	cfg, err := config.Load(set, os.Environ())
	if err != nil {
		return err
	}
	ctx := context.Background()
	s, err := server.Open(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer s.Close()
	return f(ctx, s.Core)
}

type importCmd struct {
	Onde    importOndeCmd    `cmd:"" help:"Importer des listes d'ONDE : élèves, responsables, enseignants."`
	Resolve importResolveCmd `cmd:"" help:"Régler un cas du dernier import, ou en donner la liste."`
	Undo    importUndoCmd    `cmd:"" help:"Annuler le dernier import."`
}

type importOndeCmd struct {
	config.Settings
	UAI         string   `name:"uai" required:"" help:"Code UAI de l'école, comme 0801234G."`
	School      string   `help:"Nom de l'école, pour la créer si elle est inconnue."`
	Year        int      `placeholder:"ANNÉE" help:"Année scolaire, par sa première année civile (par défaut : l'année en cours)."`
	DryRun      bool     `help:"Montrer ce qui se passerait, sans rien écrire."`
	JSON        bool     `name:"json" help:"Écrire un objet JSON en dernière ligne."`
	WholeSchool bool     `help:"Les fichiers sont toute l'école : qui n'y est pas est parti."`
	Files       []string `arg:"" name:"file" help:"Fichiers CSV, dans n'importe quel ordre."`
}

func (c *importOndeCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		if err := people.CheckUAI(c.UAI); err != nil {
			return err
		}
		o := people.Order{Year: c.Year, Whole: c.WholeSchool}
		if o.Year == 0 {
			o.Year = people.Year(core.Clock.Now())
		}
		if o.Year < 2000 || o.Year > 2100 {
			return errs.New(errs.Invalid, "cli.year")
		}
		var err error
		if o.Given, err = readFiles(c.Files); err != nil {
			return err
		}
		if o.Files, err = people.ReadImport(o.Given); err != nil {
			return err
		}
		if c.DryRun {
			return c.preview(ctx, core, o)
		}
		var res people.Result
		var fresh bool
		for attempt := 0; ; attempt++ {
			res, fresh, err = c.apply(ctx, core, o)
			// Another command created the school meanwhile: it exists now.
			if e := errs.As(err); attempt > 0 || e == nil || e.Fields["uai"].Key != "people.uai_known" {
				break
			}
		}
		if err != nil {
			return err
		}
		res.Plan.NewSchool = fresh
		last := "cli.done"
		if len(res.Created) == 0 {
			last = "cli.done_none"
		}
		return c.tell(core, res.Plan, last, len(res.Created))
	})
}

// apply imports in one transaction: the school when it is new, everybody, and
// the codes of the newcomers.
func (c *importOndeCmd) apply(ctx context.Context, core *app.Core, o people.Order) (res people.Result, fresh bool, err error) {
	now := core.Clock.Now()
	g := rights.System("import on the command line")
	err = people.Write(ctx, core.DB, func(tx *db.Tx) error {
		s, known, err := people.SchoolByUAI(ctx, tx, c.UAI)
		if err != nil {
			return err
		}
		if !known {
			if c.School == "" {
				return errs.New(errs.Invalid, "cli.unknown", "uai", c.UAI)
			}
			if s, err = people.CreateSchool(ctx, tx, g, now, people.School{UAI: c.UAI, Name: c.School}); err != nil {
				return err
			}
		}
		fresh = !known
		o.School, o.New = s.ID, fresh
		if res, err = people.ApplyImport(ctx, tx, g.For(s.ID), now, o); err != nil {
			return err
		}
		return session.IssueCodes(ctx, tx, core, g.For(s.ID), res.Newcomers())
	})
	return res, fresh, err
}

func (c *importOndeCmd) preview(ctx context.Context, core *app.Core, o people.Order) error {
	var p onde.Plan
	err := core.DB.Snapshot(ctx, func(tx *db.Tx) error {
		s, known, err := people.SchoolByUAI(ctx, tx, c.UAI)
		if err != nil {
			return err
		}
		if !known && c.School == "" {
			return errs.New(errs.Invalid, "cli.unknown", "uai", c.UAI)
		}
		o.School = s.ID
		p, err = people.PreviewImport(ctx, tx, core.Clock.Now(), o)
		return err
	})
	if err != nil {
		return err
	}
	return c.tell(core, p, "cli.dry", 0)
}

// tell prints a plan: tables for people, one line of JSON for programs.
func (c *importOndeCmd) tell(core *app.Core, p onde.Plan, last string, created int) error {
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(p.Summary(core.Catalog.Render))
	}
	if err := p.Write(os.Stdout, core.Catalog.Render); err != nil {
		return err
	}
	fmt.Println()
	fmt.Println(words().T(last, "n", created))
	if len(p.Cases) > 0 {
		fmt.Println(words().T("cli.doubts", "n", len(p.Cases), "uai", c.UAI))
	}
	return nil
}

func readFiles(paths []string) ([]people.ImportFile, error) {
	out := make([]people.ImportFile, 0, len(paths))
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() {
			return nil, errs.Wrap(errs.Invalid, err, "cli.no_file", "file", path)
		}
		if info.Size() > people.MaxImport {
			return nil, errs.New(errs.TooLarge, "people.import_too_large")
		}
		data, err := readBounded(path)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "cli.no_file", "file", path)
		}
		if len(data) > people.MaxImport { // a pipe or a device has no size beforehand
			return nil, errs.New(errs.TooLarge, "people.import_too_large")
		}
		out = append(out, people.ImportFile{Name: filepath.Base(path), Data: data})
	}
	return out, nil
}

// readBounded reads one byte more than an import may have, at most.
func readBounded(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, people.MaxImport+1))
}

type importResolveCmd struct {
	config.Settings
	UAI    string `name:"uai" required:"" help:"Code UAI de l'école."`
	Case   string `arg:"" optional:"" help:"Cas à régler ; sans lui, les cas sont listés."`
	Choice string `arg:"" optional:"" help:"Un des choix listés pour le cas."`
	Target string `arg:"" optional:"" help:"Pour attach : une des réponses listées pour le cas."`
}

func (c *importResolveCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		s, err := knownSchool(ctx, core, c.UAI)
		if err != nil {
			return err
		}
		now := core.Clock.Now()
		if c.Case == "" {
			_, p, err := people.Doubts(ctx, core.DB, now, s.ID)
			if err != nil {
				return err
			}
			return listCases(core, p)
		}
		g := rights.System("import on the command line").For(s.ID)
		var res people.Result
		if err := people.Write(ctx, core.DB, func(tx *db.Tx) error {
			var err error
			if res, err = people.ResolveImport(ctx, tx, g, now, s.ID, map[string]onde.Choice{c.Case: {Do: c.Choice, Target: c.Target}}); err != nil {
				return err
			}
			return session.IssueCodes(ctx, tx, core, g, res.Newcomers())
		}); err != nil {
			return err
		}
		fmt.Println(words().T("cli.resolved", "n", len(res.Plan.Cases)))
		return nil
	})
}

func listCases(core *app.Core, p onde.Plan) error {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	say := core.Catalog.Render
	for _, cs := range p.Cases {
		fmt.Fprintf(w, "%s\t%s\n", cs.ID, say(cs.Message.Key, cs.Message.Args))
		for _, do := range cs.Choices {
			if do != onde.Attach {
				fmt.Fprintf(w, "\t  %s\t%s\n", do, words().T("onde.choice."+do))
				continue
			}
			for _, cand := range cs.Candidates {
				hint := ""
				if cand.Hint.Key != "" {
					hint = " (" + say(cand.Hint.Key, cand.Hint.Args) + ")"
				}
				fmt.Fprintf(w, "\t  %s %s\t%s%s\n", do, cand.Key, cand.Label, hint)
			}
		}
	}
	if len(p.Cases) == 0 {
		fmt.Fprintln(w, words().T("cli.no_doubt"))
	}
	return w.Flush()
}

type importUndoCmd struct {
	config.Settings
	UAI string `name:"uai" required:"" help:"Code UAI de l'école."`
}

func (c *importUndoCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		s, err := knownSchool(ctx, core, c.UAI)
		if err != nil {
			return err
		}
		g := rights.System("import on the command line").For(s.ID)
		var was people.Import
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			var ok bool
			var err error
			if was, ok, err = people.Undoable(ctx, tx, s.ID); err != nil {
				return err
			}
			if !ok {
				return errs.New(errs.NotFound, "people.undo_none")
			}
			return people.UndoImport(ctx, tx, g, core.Clock.Now(), s.ID, was.ID, school.Forget(core, g))
		}); err != nil {
			return err
		}
		fmt.Println(words().T("cli.undone", "date", time.UnixMilli(was.CreatedAt).In(zone(s)).Format("02/01/2006 15:04")))
		return nil
	})
}

// knownSchool finds a school by its national number.
func knownSchool(ctx context.Context, core *app.Core, uai string) (people.School, error) {
	if err := people.CheckUAI(uai); err != nil {
		return people.School{}, err
	}
	s, ok, err := people.SchoolByUAI(ctx, core.DB, uai)
	if err == nil && !ok {
		err = errs.New(errs.NotFound, "cli.unknown", "uai", uai)
	}
	return s, err
}

// zone is the school's time zone.
func zone(s people.School) *time.Location {
	if l, err := time.LoadLocation(s.Timezone); err == nil {
		return l
	}
	return time.Local
}
