package main

import (
	"context"
	"fmt"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
)

type quotaCmd struct {
	config.Settings
	UAI     string `name:"uai" help:"Code UAI d'une école (par défaut : toutes celles qui n'ont pas de réglage à elles)."`
	Profile string `arg:"" optional:"" default:"" enum:",pupil,guest,relative,teacher,staff,head,operator" help:"Profil à régler : pupil, guest, relative, teacher, staff, head ou operator."`
	Size    string `arg:"" optional:"" help:"Place pour les fichiers d'une personne, comme 500M ou 5G."`
}

// Run prints or sets how much people may hold.
func (c *quotaCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		school := ""
		if c.UAI != "" {
			s, err := knownSchool(ctx, core, c.UAI)
			if err != nil {
				return err
			}
			school = s.ID
		}
		if c.Profile != "" && c.Size != "" {
			n, err := config.Bytes(c.Size)
			if err != nil {
				return err
			}
			return core.DB.Write(ctx, func(tx *db.Tx) error {
				g := rights.System("quota set on the command line").For(school)
				if err := file.SetQuota(ctx, tx, g, school, rights.Profile(c.Profile), n); err != nil {
					return err
				}
				return audit.Note(ctx, tx, g, core.Clock.Now(), "quota.set", c.Profile, school)
			})
		}
		all, err := file.Quotas(ctx, core.DB, school)
		if err != nil {
			return err
		}
		for _, p := range []rights.Profile{rights.Pupil, rights.Guest, rights.Relative, rights.Teacher, rights.Staff, rights.Head, rights.Operator} {
			if c.Profile == "" || c.Profile == string(p) {
				fmt.Printf("%-9s %s\n", p, i18n.Limit(all[p]))
			}
		}
		return nil
	})
}
