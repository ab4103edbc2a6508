// Command run compares servers that are already up, by alternation: one round
// of each in turn, so that the machine's drift falls on all alike. It prints a
// markdown table: requests per second, server CPU per request, p50, p99, memory
// (PSS), and the ratio to the first. It knows nothing of what it asks for.
//
//	run -n 5 -d 10s -c 32 \
//	  floor,PID,http://127.0.0.1:8091/ \
//	  home,PID+PID,http://127.0.0.1:8080/,cookies.txt
//
// A target is name, process ids (their children count too: a database's), URL,
// and optionally a file of Cookie header values, one per line, used in turn.
// With -rate the requests leave at a constant rate instead of one after the
// other on each connection, and the time counts from when each was due: a queue
// shows.
package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type target struct {
	name, url string
	pids      []int
	cookies   []string
	turn      atomic.Uint64
	rounds    []round
}

type round struct {
	perSecond, cpu, p50, p99, pss float64 // 1/s, ms, ms, ms, MiB
	errors                        int
}

func main() {
	log.SetFlags(0)
	n := flag.Int("n", 5, "rounds of each target")
	d := flag.Duration("d", 10*time.Second, "length of a round")
	connections := flag.Int("c", 32, "connections")
	rate := flag.Int("rate", 0, "requests per second; 0 for as many as the connections carry")
	flag.Parse()
	var targets []*target
	for _, arg := range flag.Args() {
		t, err := parse(arg)
		if err != nil {
			log.Fatalf("run: %s: %v", arg, err)
		}
		targets = append(targets, t)
	}
	if len(targets) == 0 {
		flag.Usage()
		os.Exit(2)
	}
	for _, t := range targets { // warm up
		if _, err := t.measure(time.Second, *connections, *rate); err != nil {
			log.Fatalf("run: %s: %v", t.name, err)
		}
	}
	for range *n {
		for _, t := range targets {
			r, err := t.measure(*d, *connections, *rate)
			if err != nil {
				log.Fatalf("run: %s: %v", t.name, err)
			}
			t.rounds = append(t.rounds, r)
		}
	}
	table(os.Stdout, targets)
}

func parse(arg string) (*target, error) {
	parts := strings.Split(arg, ",")
	if len(parts) < 3 || len(parts) > 4 {
		return nil, errors.New("want name,pid+pid,url[,cookies]")
	}
	t := &target{name: parts[0], url: parts[2]}
	for p := range strings.SplitSeq(parts[1], "+") {
		pid, err := strconv.Atoi(p)
		if err != nil {
			return nil, err
		}
		t.pids = append(t.pids, pid)
	}
	if len(parts) == 4 {
		data, err := os.ReadFile(parts[3])
		if err != nil {
			return nil, err
		}
		t.cookies = strings.Split(strings.TrimSpace(string(data)), "\n")
	}
	return t, nil
}

// measure runs one round.
func (t *target) measure(d time.Duration, connections, rate int) (round, error) {
	client := &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Timeout:       30 * time.Second,
	}
	defer client.CloseIdleConnections()
	before, err := t.cpu()
	if err != nil {
		return round{}, err
	}
	var (
		mu    sync.Mutex
		times []time.Duration
		bad   int
		wg    sync.WaitGroup
		due   atomic.Int64
	)
	start := time.Now()
	for range connections {
		wg.Go(func() {
			var mine []time.Duration
			var failed int
			for {
				begun := time.Now()
				if rate > 0 {
					begun = start.Add(time.Duration(due.Add(1)-1) * time.Second / time.Duration(rate))
					if begun.Sub(start) < d {
						time.Sleep(time.Until(begun))
					}
				}
				if begun.Sub(start) >= d {
					break
				}
				if err := t.ask(client); err != nil {
					failed++
					continue
				}
				mine = append(mine, time.Since(begun))
			}
			mu.Lock()
			defer mu.Unlock()
			times, bad = append(times, mine...), bad+failed
		})
	}
	wg.Wait()
	took := time.Since(start)
	after, err := t.cpu()
	if err != nil {
		return round{}, err
	}
	if len(times) == 0 {
		return round{}, errors.New("no request succeeded")
	}
	pss, err := t.pss()
	slices.Sort(times)
	ms := func(q float64) float64 { return times[int(q*float64(len(times)-1))].Seconds() * 1000 }
	count := float64(len(times))
	return round{count / took.Seconds(), (after - before) * 1000 / count, ms(0.5), ms(0.99), pss, bad}, err
}

func (t *target) ask(client *http.Client) error {
	req, err := http.NewRequest(http.MethodGet, t.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept-Encoding", "identity")
	if len(t.cookies) > 0 {
		req.Header.Set("Cookie", t.cookies[int(t.turn.Add(1))%len(t.cookies)])
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err = errors.Join(err, resp.Body.Close()); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// cpu is the user and system time of the processes and their children, dead
// ones included, in seconds; see proc_pid_stat(5). A tick is 10 ms on Linux.
func (t *target) cpu() (float64, error) {
	var ticks float64
	err := t.each(func(dir string) error {
		fields, err := stat(dir)
		if err != nil {
			return err
		}
		for _, f := range fields[11:15] { // utime, stime, cutime, cstime
			n, err := strconv.ParseFloat(f, 64)
			if err != nil {
				return err
			}
			ticks += n
		}
		return nil
	})
	return ticks / 100, err
}

// pss is the memory of the same processes in MiB, shared pages divided among
// their users.
func (t *target) pss() (float64, error) {
	var kib float64
	err := t.each(func(dir string) error {
		data, err := os.ReadFile(filepath.Join(dir, "smaps_rollup"))
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(data)) {
			if f := strings.Fields(line); len(f) >= 2 && f[0] == "Pss:" {
				n, err := strconv.ParseFloat(f[1], 64)
				kib += n
				return err
			}
		}
		return fmt.Errorf("%s says no Pss", dir)
	})
	return kib / 1024, err
}

// each visits the processes of the target and their descendants.
func (t *target) each(visit func(dir string) error) error {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return err
	}
	children := map[int][]int{}
	for _, dir := range dirs {
		fields, err := stat(dir)
		if err != nil {
			continue // gone meanwhile
		}
		pid, err1 := strconv.Atoi(filepath.Base(dir))
		parent, err2 := strconv.Atoi(fields[1])
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		children[parent] = append(children[parent], pid)
	}
	todo := slices.Clone(t.pids)
	for len(todo) > 0 {
		pid := todo[0]
		todo = append(todo[1:], children[pid]...)
		err := visit(fmt.Sprintf("/proc/%d", pid))
		if errors.Is(err, os.ErrNotExist) && !slices.Contains(t.pids, pid) {
			continue // a child that ended: its parent counts it
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stat is the fields of /proc/PID/stat after the name, which may hold spaces:
// state, parent…
func stat(dir string) ([]string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	if len(fields) < 15 {
		return nil, fmt.Errorf("%s: unknown form", dir)
	}
	return fields, nil
}

// table prints the median of each figure over the rounds. The ratio is taken
// within each round before its median: that is what alternation is for.
func table(w io.Writer, targets []*target) {
	fmt.Fprintln(w, "| | req/s | CPU ms/request | p50 ms | p99 ms | PSS MiB | errors | CPU, × first | req/s, % of first |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, t := range targets {
		of := func(f func(i int, r round) float64) float64 {
			var all []float64
			for i, r := range t.rounds {
				all = append(all, f(i, r))
			}
			return median(all)
		}
		bad := 0
		for _, r := range t.rounds {
			bad += r.errors
		}
		first := targets[0].rounds
		fmt.Fprintf(w, "| %s | %.0f | %.3f | %.2f | %.2f | %.1f | %d | %.2f | %.0f %% |\n", t.name,
			of(func(_ int, r round) float64 { return r.perSecond }), of(func(_ int, r round) float64 { return r.cpu }),
			of(func(_ int, r round) float64 { return r.p50 }), of(func(_ int, r round) float64 { return r.p99 }),
			of(func(_ int, r round) float64 { return r.pss }), bad,
			of(func(i int, r round) float64 { return r.cpu / first[i].cpu }),
			of(func(i int, r round) float64 { return 100 * r.perSecond / first[i].perSecond }))
	}
}

func median(all []float64) float64 {
	slices.SortFunc(all, cmp.Compare[float64])
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
