package main

import (
	"context"
	"fmt"
	"os"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/tell"
	"marelle/internal/platform/config"
)

type bounceCmd struct {
	config.Settings
	To string `arg:"" optional:"" help:"Adresse à laquelle le message est revenu (par défaut : celle de son en-tête)."`
}

// tempfail tells a mail server to come back later (sysexits.h).
const tempfail = 75

// passing is a failure after which the same is to be tried again.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// Run reads a returned message on the standard input. What is no report is left
// alone: a mail server would only send it back again.
func (c *bounceCmd) Run() error {
	err := portal(c.Settings, func(ctx context.Context, core *app.Core) error {
		out, err := tell.ReadReturned(ctx, core, os.Stdin, c.To)
		if err != nil {
			return err
		}
		fmt.Println(words().T("cli.bounce." + string(out)))
		return nil
	})
	if err != nil {
		return passing{err}
	}
	return nil
}
