package main

import (
	"context"
	"fmt"
	"strings"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

type schoolCmd struct {
	Create schoolCreateCmd `cmd:"" help:"Ajouter une école au portail."`
}

type schoolCreateCmd struct {
	config.Settings
	UAI      string `name:"uai" required:"" help:"Code UAI de l'école, comme 0801234G."`
	Name     string `required:"" help:"Nom de l'école."`
	Address  string `help:"Adresse postale."`
	Timezone string `help:"Fuseau horaire, comme Indian/Reunion (par défaut : celui du département)."`
}

func (c *schoolCreateCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		var s people.School
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			var err error
			s, err = people.CreateSchool(ctx, tx, rights.System("school created on the command line"), core.Clock.Now(),
				people.School{UAI: c.UAI, Name: c.Name, Address: c.Address, Timezone: c.Timezone})
			return err
		}); err != nil {
			return err
		}
		fmt.Println(words().T("cli.created", "name", s.Name, "uai", s.UAI))
		return nil
	})
}

type userCmd struct {
	Create userCreateCmd `cmd:"" help:"Créer un compte et écrire son code d'activation."`
}

type userCreateCmd struct {
	config.Settings
	Profile string `required:"" enum:"head,teacher,staff,operator" help:"head (direction), teacher (enseignant), staff (équipe) ou operator (exploitant)."`
	UAI     string `name:"uai" help:"Code UAI de l'école ; pas pour un exploitant."`
	First   string `required:"" help:"Prénom."`
	Last    string `required:"" help:"Nom."`
	Email   string `help:"Adresse électronique, que la personne confirmera."`
}

func (c *userCreateCmd) Run() error {
	return portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		m := people.Membership{Profile: rights.Profile(c.Profile)}
		switch m.Profile {
		case rights.Operator:
			if c.UAI != "" {
				return errs.New(errs.Invalid, "cli.operator")
			}
		default:
			if c.UAI == "" {
				return errs.New(errs.Invalid, "cli.whose")
			}
			s, err := knownSchool(ctx, core, c.UAI)
			if err != nil {
				return err
			}
			m.School = s.ID
			if m.Profile == rights.Head { // a head is a teacher who runs the school
				m.Profile, m.Head = rights.Teacher, true
			}
		}
		p := people.Person{First: strings.TrimSpace(c.First), Last: strings.TrimSpace(c.Last), ContactEmail: strings.TrimSpace(c.Email)}
		if p.First == "" || p.Last == "" || len(p.First)+len(p.Last) > 200 {
			return errs.New(errs.Invalid, "cli.name")
		}
		var code string
		if err := core.DB.Write(ctx, func(tx *db.Tx) error {
			g := rights.System("account created on the command line").For(m.School)
			list, err := people.CreatePersons(ctx, tx, g, core.Clock.Now(), []people.Person{p})
			if err != nil {
				return err
			}
			p, m.Person = list[0], list[0].ID
			if err := people.Apply(ctx, tx, g, core.Clock.Now(), people.Change{School: m.School, Join: []people.Membership{m}}); err != nil {
				return err
			}
			if err := session.IssueCodes(ctx, tx, core, g, []string{p.ID}); err != nil {
				return err
			}
			codes, err := session.OpenCodes(ctx, tx, core, g, []string{p.ID})
			code = codes[p.ID]
			return err
		}); err != nil {
			return err
		}
		fmt.Println(words().T("cli.account", "name", p.Name(), "login", p.Login, "code", code, "address", core.Base.String()+"/activation"))
		return nil
	})
}
