package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// target is a server and what it is asked, in turn.
type target struct {
	name, addr string
	pids       []int
	requests   [][]byte // whole, as they go on the wire
	status     int
	mayRefuse  bool // 503 with Retry-After is an answer too, counted apart
	stamped    bool // the last bytes of each request differ
	turn       atomic.Uint64
	rounds     []round
}

type round struct {
	PerSecond, CPU, P50, P99, PSS float64 // 1/s, ms, ms, ms, MiB
	Errors, Refused               int
	Refusal                       float64 // p99 of the refusals, ms
}

// request writes an HTTP/1.1 request; form makes it a POST.
func request(host, path, cookie, form string, extra ...string) []byte {
	var b strings.Builder
	method := http.MethodGet
	if form != "" {
		method = http.MethodPost
	}
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	if cookie != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", cookie)
	}
	for _, h := range extra {
		b.WriteString(h + "\r\n")
	}
	if form != "" {
		fmt.Fprintf(&b, "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", len(form))
	}
	b.WriteString("\r\n" + form)
	return []byte(b.String())
}

// parse reads a target of the command line: name,pid+pid,url[,cookies].
func parse(arg string) (*target, error) {
	parts := strings.Split(arg, ",")
	if len(parts) < 3 || len(parts) > 4 {
		return nil, errors.New("want name,pid+pid,url[,cookies]")
	}
	u, err := url.Parse(parts[2])
	if err != nil {
		return nil, err
	}
	t := &target{name: parts[0], addr: u.Host, status: http.StatusOK}
	for p := range strings.SplitSeq(parts[1], "+") {
		pid, err := strconv.Atoi(p)
		if err != nil {
			return nil, err
		}
		t.pids = append(t.pids, pid)
	}
	cookies := []string{""}
	if len(parts) == 4 {
		data, err := os.ReadFile(parts[3])
		if err != nil {
			return nil, err
		}
		cookies = strings.Split(strings.TrimSpace(string(data)), "\n")
	}
	for _, c := range cookies {
		t.requests = append(t.requests, request(u.Host, u.RequestURI(), c, ""))
	}
	return t, nil
}

// connection is one client, which asks and waits.
type connection struct {
	conn net.Conn
	in   *bufio.Reader
}

func dial(addr string) (*connection, error) {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	return &connection{c, bufio.NewReaderSize(c, 64<<10)}, nil
}

// ask sends a request and reads the whole answer.
func (c *connection) ask(raw []byte) (int, []byte, error) {
	status, size, body, err := c.exchange(raw, true)
	_ = size
	return status, body, err
}

func (c *connection) exchange(raw []byte, keep bool) (status int, size int64, body []byte, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return 0, 0, nil, err
	}
	if _, err := c.conn.Write(raw); err != nil {
		return 0, 0, nil, err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return 0, 0, nil, err
	}
	if keep {
		body, err = io.ReadAll(resp.Body)
		size = int64(len(body))
	} else {
		size, err = io.Copy(io.Discard, resp.Body)
	}
	return resp.StatusCode, size, body, errors.Join(err, resp.Body.Close())
}

// measure runs one round. With a rate, requests leave when they are due and
// their time counts from then: a queue shows.
func (t *target) measure(d time.Duration, connections, rate int) (round, error) {
	clients := make([]*connection, connections)
	for i := range clients {
		var err error
		if clients[i], err = dial(t.addr); err != nil {
			return round{}, err
		}
		defer clients[i].conn.Close()
	}
	before, err := t.cpu()
	if err != nil {
		return round{}, err
	}
	var (
		mu    sync.Mutex
		times []time.Duration
		away  []time.Duration // time to be refused
		bad   int
		first error
		wg    sync.WaitGroup
		due   atomic.Int64
	)
	start := time.Now()
	for _, c := range clients {
		wg.Go(func() {
			var mine, refused []time.Duration
			var failed int
			var why error
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
				turn := t.turn.Add(1) - 1
				raw := t.requests[int(turn)%len(t.requests)]
				if t.stamped {
					raw = slices.Clone(raw)
					binary.BigEndian.PutUint64(raw[len(raw)-8:], turn)
				}
				status, _, _, err := c.exchange(raw, false)
				if err == nil && t.mayRefuse && status == http.StatusServiceUnavailable {
					refused = append(refused, time.Since(begun))
					continue
				}
				if err == nil && status != t.status {
					err = errors.New(strconv.Itoa(status))
					failed++
					why = err
					continue
				}
				if err != nil {
					failed++
					why = err
					break // the connection is of no more use
				}
				mine = append(mine, time.Since(begun))
			}
			mu.Lock()
			defer mu.Unlock()
			times, away, bad = append(times, mine...), append(away, refused...), bad+failed
			if first == nil {
				first = why
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	after, err := t.cpu()
	if err != nil {
		return round{}, err
	}
	if len(times) == 0 {
		return round{}, fmt.Errorf("no request succeeded: %w", first)
	}
	pss, err := t.pss()
	ms := func(of []time.Duration, q float64) float64 {
		if len(of) == 0 {
			return 0
		}
		slices.Sort(of)
		return of[int(q*float64(len(of)-1))].Seconds() * 1000
	}
	count := float64(len(times))
	return round{PerSecond: count / took.Seconds(), CPU: (after - before) * 1000 / count, P50: ms(times, 0.5), P99: ms(times, 0.99), PSS: pss,
		Errors: bad, Refused: len(away), Refusal: ms(away, 0.99)}, err
}

// apart is measure in a process of its own: a page asked for beside thousands of
// pushes does not stand in line behind the push service of this one.
func (t *target) apart(d time.Duration, connections, rate int) (r round, err error) {
	program, err := os.Executable()
	if err != nil {
		return r, err
	}
	order, err := json.Marshal(errand{t.addr, t.pids, t.requests, t.status, d, connections, rate})
	if err != nil {
		return r, err
	}
	cmd := exec.Command(program, "-errand")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(order), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("measure apart: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}

// errand is a measurement that another process of this program does.
type errand struct {
	Addr              string
	PIDs              []int
	Requests          [][]byte
	Status            int
	Length            time.Duration
	Connections, Rate int
}

// runErrand reads an errand, and writes its round.
func runErrand(in io.Reader, out io.Writer) error {
	var e errand
	if err := json.NewDecoder(in).Decode(&e); err != nil {
		return err
	}
	r, err := (&target{addr: e.Addr, pids: e.PIDs, requests: e.Requests, status: e.Status}).measure(e.Length, e.Connections, e.Rate)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}

// alternate runs n rounds of each target in turn, after a warm-up.
func alternate(targets []*target, n int, d time.Duration, connections, rate int) error {
	for i := range n + 1 {
		for _, t := range targets {
			length := d
			if i == 0 {
				length = min(d, 2*time.Second)
			}
			r, err := t.measure(length, connections, rate)
			if err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if i > 0 {
				t.rounds = append(t.rounds, r)
			}
		}
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
