package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"marelle/internal/platform/secret"
)

// overload asks for three times as many homes as the server can give, for half
// a minute: most of the peak must still be served, the rest sent away at once.
func (s *suite) overload(context.Context) error {
	c, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer c.stop()
	t := s.target("", c, http.StatusOK, s.gets(visits(s.school.parents), "/")(c.addr)...)
	if _, err := t.measure(2*time.Second, s.connections, 0); err != nil {
		return err
	}
	peak, err := t.measure(s.length, s.connections, 0)
	if err != nil {
		return err
	}
	t.mayRefuse = true
	// Many more callers than the server works for at once: it is for it to choose.
	over, err := t.measure(30*time.Second, 600, int(3*peak.PerSecond))
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n### Three times the peak for 30 s\n\nPeak: %.0f/s (p99 %.0f ms). Offered %.0f/s by 600 connections: %.0f/s served (%.0f %% of the peak, p99 %.0f ms), %.0f/s refused (p99 %.0f ms), %d errors. Times count from when a request was due. The callers are on the same cores: of the server's own CPU, %.0f %% went to what was served, refusing the rest. PSS at the end: %.1f MiB.\n",
		peak.PerSecond, peak.P99, 3*peak.PerSecond, over.PerSecond, 100*over.PerSecond/peak.PerSecond, over.P99, float64(over.Refused)/30, over.Refusal, over.Errors, 100*peak.CPU/over.CPU, over.PSS)
	return nil
}

// rush offers 200 sign-ins a second while others read their home.
func (s *suite) rush(context.Context) error {
	core, err := oneCore(s.length)
	if err != nil {
		return err
	}
	c, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer c.stop()
	homes := s.target("", c, http.StatusOK, s.gets(visits(s.school.parents), "/")(c.addr)...)
	entries := s.target("", c, http.StatusSeeOther, s.entries(c.addr)...)
	entries.mayRefuse = true
	const rate = 50
	if _, err := homes.measure(2*time.Second, s.connections, rate); err != nil {
		return err
	}
	idle, err := homes.measure(s.length, s.connections, rate)
	if err != nil {
		return err
	}
	var busy, in round
	var err1, err2 error
	var wg sync.WaitGroup
	wg.Go(func() { in, err1 = entries.measure(s.length+2*time.Second, 300, 200) })
	wg.Go(func() {
		time.Sleep(time.Second) // the queue has filled
		busy, err2 = homes.measure(s.length, s.connections, rate)
	})
	wg.Wait()
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	offered := (s.length + 2*time.Second).Seconds()
	fmt.Fprintf(s.out, "\n### 200 sign-ins a second offered, %d homes a second beside\n\nargon2id on one core, alone: %.1f/s. Signed in: %.1f/s (%.0f %%), refused with 503: %.1f/s (p99 %.0f ms), errors %d. Home p99: %.1f ms idle, %.1f ms in the rush (× %.1f). PSS %.1f MiB.\n",
		rate, core, in.PerSecond, 100*in.PerSecond/core, float64(in.Refused)/offered, in.Refusal, in.Errors, idle.P99, busy.P99, busy.P99/idle.P99, in.PSS)
	return nil
}

// oneCore is how many hashes a second one core does when nothing else runs.
func oneCore(d time.Duration) (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	h := secret.NewHasher(1, 1)
	n, began := 0.0, time.Now()
	for time.Since(began) < d {
		if _, err := h.Hash(context.Background(), password); err != nil {
			return 0, err
		}
		n++
	}
	return n / time.Since(began).Seconds(), nil
}

// entries are sign-ins from as many households.
func (s *suite) entries(addr string) (out [][]byte) {
	for i, login := range s.school.signIns {
		form := url.Values{"identifiant": {login}, "secret": {password}}
		out = append(out, request(addr, "/connexion", "", form.Encode(), fmt.Sprintf("X-Forwarded-For: 10.0.%d.7", i)))
	}
	return out
}
