// Command cluster runs a throw-away PostgreSQL server for a test run. It knows
// nothing of the tests themselves.
//
//	cluster -- go test ./internal/…   runs the command on it and ends with it
//	cluster                           prints its address, and ends with its standard input
//
// The second form serves a script: the server cannot outlive it, because the
// system closes the pipe of a script that dies.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"marelle/internal/testkit/postgres"
)

func main() {
	durable := flag.Bool("durable", false, "keep fsync and synchronous commit on")
	flag.Parse()
	code, err := run(postgres.Options{Durable: *durable}, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		code = 1
	}
	os.Exit(code)
}

func run(o postgres.Options, command []string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	server, err := postgres.Launch(ctx, o)
	if err != nil {
		return 1, err
	}
	defer server.Stop()
	if len(command) == 0 {
		fmt.Println(server.URL)
		closed := make(chan struct{})
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // any end of it is the end
			close(closed)
		}()
		select {
		case <-ctx.Done():
		case <-closed:
		}
		return 0, nil
	}
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), postgres.Env+"="+server.URL)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err = cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), nil
	}
	return 0, err
}
