// Command run measures servers by alternation: one round of each in turn, so
// that the machine's drift falls on all alike. It prints markdown tables:
// requests per second, server CPU per request, p50, p99, memory (PSS), and the
// ratio to the first.
//
//	go run ./bench/run -suite                       all of docs/performance.md, on SQLite
//	go run ./bench/run -suite -postgres             the same on a PostgreSQL it starts
//	go run ./bench/run -suite -schools 50           the same among fifty schools
//	go run ./bench/run -suite -only home,start      some of it
//	go run ./bench/run -suite -schools 1750 -slim -only scale   a million accounts
//
// The suite seeds a database of its own in a temporary folder, builds and
// starts the product and the programs of bench/floor, and stops them at the
// end. Without -suite the servers are named, and already up:
//
//	go run ./bench/run -n 5 -d 10s -c 32 \
//	  floor,PID,http://127.0.0.1:8091/ \
//	  home,PID+PID,http://127.0.0.1:8080/,cookies.txt
//
// A target is name, process ids (their children count too: a database's), URL,
// and optionally a file of Cookie header values, one per line, used in turn.
// With -rate the requests leave at a constant rate instead of one after the
// other on each connection.
package main

import (
	"context"
	"flag"
	"log"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("run: ", err)
	}
}

func run() error {
	n := flag.Int("n", 5, "rounds of each target")
	d := flag.Duration("d", 5*time.Second, "length of a round")
	connections := flag.Int("c", 32, "connections")
	rate := flag.Int("rate", 0, "requests per second; 0 for as many as the connections carry")
	whole := flag.Bool("suite", false, "measure the product against its floors")
	postgres := flag.Bool("postgres", false, "with -suite: on PostgreSQL")
	schools := flag.Int("schools", 1, "with -suite: schools in the database")
	slim := flag.Bool("slim", false, "with -suite: schools but the first have people and rights, no words")
	years := flag.Int("years", 1, "with -suite: years of words in the first school")
	only := flag.String("only", "", "with -suite: some scenarios, of "+strings.Join(scenarioNames(), ","))
	order := flag.Bool("errand", false, "measure what standard input says; for this program's own use")
	flag.Parse()
	if *order {
		return runErrand(os.Stdin, os.Stdout)
	}

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if *whole {
		s := suite{rounds: *n, length: *d, connections: *connections, schools: *schools, slim: *slim, years: *years, out: os.Stdout}
		if *only != "" {
			s.only = strings.Split(*only, ",")
		}
		return s.run(ctx, *postgres)
	}
	var targets []*target
	for _, arg := range flag.Args() {
		t, err := parse(arg)
		if err != nil {
			return err
		}
		targets = append(targets, t)
	}
	if len(targets) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := alternate(targets, *n, *d, *connections, *rate); err != nil {
		return err
	}
	table(os.Stdout, targets)
	return nil
}
