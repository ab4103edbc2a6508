package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"

	"marelle/internal/platform/config"
	"marelle/internal/platform/cpu"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/sample"
	"marelle/internal/server"
)

type demoCmd struct {
	Addr   string `default:"127.0.0.1:8080" help:"Adresse d'écoute ; le port 0 en prend un libre."`
	Data   string `help:"Dossier où garder l'école (par défaut : un dossier provisoire, supprimé à la fin)."`
	JSON   bool   `name:"json" help:"Écrire l'adresse et les comptes en une ligne JSON."`
	Public bool   `help:"Admettre une adresse qui n'est pas celle de cette machine."`
	Now    string `help:"Mettre l'horloge à cette heure, comme 2026-11-23T16:30."`
}

func (c *demoCmd) Run() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return errs.New(errs.Invalid, "cli.demo_addr", "value", c.Addr)
	}
	if !config.Loopback(host) && !c.Public {
		return errs.New(errs.Invalid, "cli.demo_public", "value", c.Addr)
	}
	cpu.Share()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if c.Data == "" {
		dir, err := os.MkdirTemp("", "marelle-demo-*")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		c.Data = dir
	}
	ln, err := net.Listen("tcp", c.Addr)
	if err != nil {
		return err
	}
	set := config.Settings{Addr: ln.Addr().String(), Data: c.Data, UploadMax: "50M"}
	cfg, err := config.LoadDemo(set)
	if err != nil {
		return err
	}
	if cfg.Now, err = moment(c.Now); err != nil {
		return err
	}
	s, err := server.Open(ctx, cfg, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	defer s.Close()
	accounts, err := sample.Accounts(ctx, s.Core.DB) // a folder that was shown before
	if err == nil && accounts == nil {
		accounts, err = sample.School(ctx, s.Core)
	}
	if err != nil {
		return err
	}
	if err := sample.Open(ctx, s.Core, accounts); err != nil {
		return err
	}
	return s.Run(ctx, ln, func() {
		if c.JSON {
			_ = json.NewEncoder(os.Stdout).Encode(map[string]any{"url": cfg.Base.String(), "accounts": accounts})
			return
		}
		show(cfg.Base.String(), accounts)
	})
}

// show prints where to go and whom to be.
func show(url string, accounts []sample.Account) {
	say := words()
	fmt.Printf("\n%s\n\n", say.T("cli.demo.lives", "name", sample.Name, "url", url))
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 3, ' ', 0)
	fmt.Fprintf(w, "  %s\t%s\t%s\n", say.T("cli.demo.account"), say.T("cli.demo.login"), say.T("cli.demo.password"))
	for _, a := range accounts {
		who := say.T("cli.demo.is." + a.Profile)
		if len(a.Children) > 0 {
			var of []string
			for _, c := range a.Children {
				of = append(of, i18n.Of(c))
			}
			who += " " + i18n.List(of...)
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\n", who, a.Login, a.Password)
	}
	_ = w.Flush()
	fmt.Printf("\n%s\n", say.T("cli.demo.stop"))
}
