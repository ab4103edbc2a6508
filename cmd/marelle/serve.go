package main

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"marelle/internal/platform/config"
	"marelle/internal/platform/cpu"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/footprint"
	"marelle/internal/server"
)

type serveCmd struct {
	config.Settings
	Now string `hidden:"" help:"Mettre l'horloge à cette heure, comme 2026-11-23T16:30."`
}

func (c *serveCmd) Run() error {
	cfg, err := config.Load(c.Settings, os.Environ())
	if err != nil {
		return err
	}
	if cfg.Now, err = moment(c.Now); err != nil {
		return err
	}
	cpu.Share()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ln, err := net.Listen("tcp", cfg.Addr)
	if err != nil {
		return err
	}
	s, err := server.Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Run(ctx, ln, func() {
		log.Info("serving", "address", ln.Addr().String(), "base", cfg.Base.String())
		footprint.Settle()
	})
}

type migrateCmd struct{ config.Settings }

func (c *migrateCmd) Run() error {
	cfg, err := config.Load(c.Settings, os.Environ())
	if err != nil {
		return err
	}
	s, err := server.Open(context.Background(), cfg, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	return s.Close()
}

// moment reads the time that a clock should start at, in French time.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		return time.Time{}, err
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", time.RFC3339, "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, s, paris); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errs.New(errs.Invalid, "cli.now", "value", s)
}
