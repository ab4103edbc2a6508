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
	"marelle/internal/platform/i18n"
	"marelle/internal/sample"
	"marelle/internal/server"
)

type demoCmd struct {
	Addr   string `default:"127.0.0.1:8080" help:"Address to listen on; port 0 takes a free one."`
	Data   string `help:"Folder to keep the school in (default: a temporary one, removed at the end)."`
	JSON   bool   `name:"json" help:"Print address and accounts as one JSON line."`
	Public bool   `help:"Allow an address that is not this machine's."`
	Now    string `help:"Start the clock at this time, such as 2026-11-23T16:30."`
}

func (c *demoCmd) Run() error {
	host, _, err := net.SplitHostPort(c.Addr)
	if err != nil {
		return fmt.Errorf("--addr %q: expected host:port, such as 127.0.0.1:8080", c.Addr)
	}
	if !config.Loopback(host) && !c.Public {
		return fmt.Errorf("--addr %q would show the demonstration, whose passwords are printed, to others: say --public if you mean it", c.Addr)
	}
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
	accounts, err := sample.School(ctx, s.Core)
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
	names := map[string]string{"relative": "parent", "teacher": "enseignante", "pupil": "élève", "head": "directrice", "operator": "exploitante"}
	fmt.Printf("\n%s vit à l’adresse  %s\n\n", sample.Name, url)
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 3, ' ', 0)
	fmt.Fprintln(w, "  Compte\tIdentifiant\tMot de passe")
	for _, a := range accounts {
		who := names[a.Profile]
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
	fmt.Printf("\nCtrl-C pour arrêter.\n")
}
