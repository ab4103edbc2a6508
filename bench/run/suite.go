package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"marelle/internal/testkit/postgres"
)

// suite is a whole measurement.
type suite struct {
	rounds, connections, schools, years int
	slim                                bool
	length                              time.Duration
	only                                []string
	out                                 io.Writer

	dir, product, floor string
	pg                  *postgres.Server
	school, single      *school // single is one school, beside many
}

type scenario struct {
	name string
	run  func(s *suite, ctx context.Context) error
}

func scenarios() []scenario {
	return []scenario{
		{"start", (*suite).start}, {"bytes", (*suite).bytes}, {"home", (*suite).home}, {"track", (*suite).track}, {"read", (*suite).read},
		{"confirm", (*suite).confirm}, {"signin", (*suite).signIn}, {"rush", (*suite).rush}, {"overload", (*suite).overload}, {"rate", (*suite).rate}, {"scale", (*suite).scale},
		{"drive", (*suite).drive}, {"publish", (*suite).publish}, {"push", (*suite).push},
	}
}

func scenarioNames() (out []string) {
	for _, s := range scenarios() {
		out = append(out, s.name)
	}
	return out
}

func (s *suite) run(ctx context.Context, onPostgres bool) (err error) {
	for _, name := range s.only {
		if !slices.Contains(scenarioNames(), name) {
			return fmt.Errorf("no scenario %q", name)
		}
	}
	if s.dir, err = os.MkdirTemp("", "marelle-bench-*"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	s.product, s.floor = filepath.Join(s.dir, "marelle"), filepath.Join(s.dir, "floor")
	for program, pkg := range map[string]string{s.product: "./cmd/marelle", s.floor: "./bench/floor"} {
		build := exec.CommandContext(ctx, "go", "build", "-tags", "nodynamic", "-ldflags=-s -w", "-o", program, pkg)
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build %s: %w", pkg, err)
		}
	}
	if onPostgres {
		if s.pg, err = postgres.Launch(ctx, postgres.Options{Durable: true}); err != nil {
			return err
		}
		defer s.pg.Stop()
	}
	began := time.Now()
	if s.school, err = s.seed(ctx, "many", s.schools, s.years); err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	engine := "SQLite"
	if onPostgres {
		engine = "PostgreSQL"
	}
	info, err := os.Stat(s.product)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s, %s; %d cores, %d connections, %d rounds of %v. %s: %d schools, %d years of words, %d accounts, %d rows of feeds, %d parents with a session (seeded in %v). Binary: %.1f MB stripped.\n",
		time.Now().Format("2006-01-02"), runtime.Version(), runtime.NumCPU(), s.connections, s.rounds, s.length, engine, s.schools, s.years, s.school.accounts, s.school.rows, len(s.school.parents), time.Since(began).Round(time.Second), float64(info.Size())/1e6)
	for _, c := range scenarios() {
		if len(s.only) > 0 && !slices.Contains(s.only, c.name) {
			continue
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := c.run(s, ctx); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

func (s *suite) seed(ctx context.Context, name string, schools, years int) (*school, error) {
	dir, dsn, err := s.place(ctx, name)
	if err != nil {
		return nil, err
	}
	return seed(ctx, dir, dsn, schools, years, s.slim)
}

// place is a folder for data and an empty database.
func (s *suite) place(ctx context.Context, name string) (dir, dsn string, err error) {
	dir = filepath.Join(s.dir, name)
	if err := os.Mkdir(dir, 0o750); err != nil || s.pg == nil {
		return dir, "", err
	}
	u, err := url.Parse(s.pg.URL)
	if err != nil {
		return "", "", err
	}
	u.Path = "/" + name
	return dir, u.String(), createDatabase(ctx, s.pg.URL, name)
}

// serve starts the product on a seeded database and waits for its first page.
func (s *suite) serve(of *school) (*child, time.Duration, error) {
	began := time.Now()
	c, err := productChild(s.product, of.dir, of.dsn, of.env)
	if err != nil {
		return nil, 0, err
	}
	first := request(c.addr, "/", of.parents[0].cookie(), "")
	for time.Since(began) < 30*time.Second {
		if conn, err := dial(c.addr); err == nil {
			status, _, err := conn.ask(first)
			conn.conn.Close()
			if err == nil && status == http.StatusOK {
				return c, time.Since(began), nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	c.stop()
	log, _ := os.ReadFile(filepath.Join(of.dir, "log"))
	return nil, 0, fmt.Errorf("the product does not answer:\n%s", log)
}

// target of a child; the database's processes count with the server's.
func (s *suite) target(name string, c *child, status int, requests ...[]byte) *target {
	t := &target{name: name, addr: c.addr, pids: []int{c.pid}, status: status, requests: requests}
	if s.pg != nil {
		t.pids = append(t.pids, s.pg.PID)
	}
	return t
}

// lay starts a floor with a body and a trace.
func (s *suite) lay(name string, body []byte, trace [][]step, flags ...string) (*target, *child, error) {
	return s.layOn(s.school, name, body, trace, flags...)
}

func (s *suite) layOn(of *school, name string, body []byte, trace [][]step, flags ...string) (*target, *child, error) {
	args := slices.Clone(flags)
	if body != nil {
		file := filepath.Join(s.dir, "body")
		if err := os.WriteFile(file, body, 0o600); err != nil {
			return nil, nil, err
		}
		args = append(args, "-body", file)
	}
	if trace != nil {
		b, err := json.Marshal(trace)
		if err != nil {
			return nil, nil, err
		}
		file := filepath.Join(s.dir, "trace")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			return nil, nil, err
		}
		args = append(args, "-db", of.at(), "-trace", file)
	}
	c, err := floorChild(s.floor, nil, args...)
	if err != nil {
		return nil, nil, err
	}
	status := http.StatusOK
	form := ""
	if slices.Contains(flags, "-write") || slices.Contains(flags, "-hash") {
		status, form = http.StatusSeeOther, "retour=accueil"
	}
	return s.target(name, c, status, request(c.addr, "/", "", form)), c, nil
}

// against alternates the product with its floors; the first floor is the one
// that ratios are taken to.
func (s *suite) against(title string, requests func(addr string) [][]byte, status int, floors ...func() (*target, *child, error)) error {
	var targets []*target
	for _, f := range floors {
		t, c, err := f()
		if err != nil {
			return err
		}
		defer c.stop()
		targets = append(targets, t)
	}
	c, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer c.stop()
	targets = append(targets, s.target("**Marelle**", c, status, requests(c.addr)...))
	if err := alternate(targets, s.rounds, s.length, s.connections, 0); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "\n### %s\n\n", title)
	table(s.out, targets)
	return nil
}

func (s *suite) gets(list []visit, path string, extra ...string) func(addr string) [][]byte {
	return func(addr string) (out [][]byte) {
		for _, v := range list {
			out = append(out, request(addr, path+v.Word, v.cookie(), "", extra...))
		}
		return out
	}
}

func (s *suite) s3g(body string) func() (*target, *child, error) {
	return func() (*target, *child, error) {
		return s.lay("floor: 3 SELECTs + template", s.school.bodies[body], s.school.plain(), "-template")
	}
}

func (s *suite) same(body string) func() (*target, *child, error) {
	return func() (*target, *child, error) {
		return s.lay("floor: the page's own SELECTs and bytes", s.school.bodies[body], s.school.traces[body])
	}
}

func (s *suite) bare(body string) func() (*target, *child, error) {
	return func() (*target, *child, error) { return s.lay("bare: the bytes", s.school.bodies[body], nil) }
}

func (s *suite) home(context.Context) error {
	return s.against(fmt.Sprintf("A parent's home (%d bytes, %d statements)", len(s.school.bodies["home"]), len(s.school.traces["home"][0])),
		s.gets(visits(s.school.parents), "/"), http.StatusOK, s.s3g("home"), s.same("home"), s.bare("home"))
}

func (s *suite) track(ctx context.Context) error {
	if err := s.against(fmt.Sprintf("A word with its tracking, as its teacher (%d bytes, %d statements)", len(s.school.bodies["track"]), len(s.school.traces["track"][0])),
		s.gets(s.school.tracks, "/carnet/"), http.StatusOK, s.s3g("track"), s.same("track")); err != nil {
		return err
	}
	return s.trackGrowth(ctx)
}

func (s *suite) read(context.Context) error {
	title := func(where, name string) string {
		return fmt.Sprintf("A word, as a parent on a %s (%d bytes, %d statements)", where, len(s.school.bodies[name]), len(s.school.traces[name][0]))
	}
	if err := s.against(title("phone", "read"), s.gets(s.school.reads, "/carnet/", "User-Agent: "+phone), http.StatusOK, s.s3g("read"), s.same("read")); err != nil {
		return err
	}
	return s.against(title("computer, with the list beside it", "read wide"), s.gets(s.school.reads, "/carnet/"), http.StatusOK, s.s3g("read wide"), s.same("read wide"))
}

func (s *suite) confirm(context.Context) error {
	posts := func(addr string) (out [][]byte) {
		for _, v := range s.school.confirms {
			out = append(out, request(addr, "/carnet/"+v.Word+"/lu", v.cookie(), "retour=accueil"))
		}
		return out
	}
	return s.against("“J’ai lu” (POST, durable)", posts, http.StatusSeeOther, func() (*target, *child, error) {
		return s.lay("floor: one row of the same kind committed", nil, s.school.commits(), "-write")
	})
}

func (s *suite) signIn(context.Context) error {
	return s.against("Sign-in with a password", s.entries, http.StatusSeeOther, func() (*target, *child, error) {
		return s.lay("floor: argon2id alone, as many at once", nil, nil, "-hash", fmt.Sprint(max(1, runtime.GOMAXPROCS(0)-1)))
	})
}

// rate asks for homes at constant rates: what a closed loop hides shows here.
func (s *suite) rate(context.Context) error {
	c, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer c.stop()
	var targets []*target
	for _, rate := range []int{100, 250, 500, 1000} {
		t := s.target(fmt.Sprintf("%d/s", rate), c, http.StatusOK, s.gets(visits(s.school.parents), "/")(c.addr)...)
		if err := alternate([]*target{t}, s.rounds, s.length, s.connections, rate); err != nil {
			return err
		}
		targets = append(targets, t)
	}
	fmt.Fprint(s.out, "\n### A parent's home at a constant rate\n\n")
	table(s.out, targets)
	return nil
}

// scale compares a database of one school and one year with the other.
func (s *suite) scale(ctx context.Context) error {
	if s.schools == 1 && s.years == 1 {
		return nil
	}
	var err error
	if s.single == nil {
		if s.single, err = s.seed(ctx, "single", 1, 1); err != nil {
			return err
		}
	}
	one, _, err := s.serve(s.single)
	if err != nil {
		return err
	}
	defer one.stop()
	many, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer many.stop()
	for _, page := range []struct {
		title, path string
		of          func(*school) []visit
	}{
		{"home", "/", func(s *school) []visit { return visits(s.parents) }},
		{"word as a parent", "/carnet/", func(s *school) []visit { return s.reads }},
		{"word with its tracking", "/carnet/", func(s *school) []visit { return s.tracks }},
	} {
		var floors []*target
		if page.path == "/" { // the machine's own growth: the same statements, by index alone
			for _, of := range []*school{s.single, s.school} {
				t, c, err := s.layOn(of, "floor: 3 SELECTs + template", of.bodies["home"], of.plain(), "-template")
				if err != nil {
					return err
				}
				defer c.stop()
				floors = append(floors, t)
			}
		}
		targets := []*target{
			s.target("1 school, 1 year", one, http.StatusOK, s.gets(page.of(s.single), page.path)(one.addr)...),
			s.target(fmt.Sprintf("%d schools, %d years", s.schools, s.years), many, http.StatusOK, s.gets(page.of(s.school), page.path)(many.addr)...),
		}
		if err := alternate(append(floors, targets...), s.rounds, s.length, s.connections, 0); err != nil {
			return err
		}
		fmt.Fprintf(s.out, "\n### Growth: %s\n\n", page.title)
		table(s.out, targets)
		if floors != nil {
			fmt.Fprint(s.out, "\nThe floor's own, in the same rounds:\n\n")
			table(s.out, floors)
		}
	}
	return nil
}

// start times the way from the start of the process to the first page of
// somebody signed in, and weighs the process after twenty pages.
func (s *suite) start(context.Context) error {
	var times, sizes, idle []float64
	for range max(3, s.rounds) {
		c, took, err := s.serve(s.school)
		if err != nil {
			return err
		}
		t := s.target("", c, http.StatusOK)
		t.pids = t.pids[:1]
		first, err1 := t.pss()
		conn, err2 := dial(c.addr)
		if err := errors.Join(err1, err2); err != nil {
			c.stop()
			return err
		}
		for i := range 20 {
			v := s.school.parents[i%len(s.school.parents)]
			if _, _, err := conn.ask(request(c.addr, []string{"/", "/carnet"}[i%2], v.cookie(), "")); err != nil {
				c.stop()
				return err
			}
		}
		conn.conn.Close()
		after, err := t.pss()
		c.stop()
		if err != nil {
			return err
		}
		times, idle, sizes = append(times, took.Seconds()*1000), append(idle, first), append(sizes, after)
	}
	fmt.Fprintf(s.out, "\n### Start\n\nStart to first page of somebody signed in: %.0f ms (best %.0f). PSS after it: %.1f MiB; after 20 pages: %.1f MiB.\n",
		median(times), slices.Min(times), median(idle), median(sizes))
	return nil
}

var linked = regexp.MustCompile(`(?:href|src)="(/[^"#?]+\.[a-z0-9]+)[#?"]`)
var font = regexp.MustCompile(`url\("?([^")]+\.woff2)"?\)`)

// bytes weighs a first visit to a parent's home as a browser that accepts gzip
// receives it.
func (s *suite) bytes(context.Context) error {
	c, _, err := s.serve(s.school)
	if err != nil {
		return err
	}
	defer c.stop()
	conn, err := dial(c.addr)
	if err != nil {
		return err
	}
	defer conn.conn.Close()
	seen := map[string]bool{}
	get := func(path string) (size int, plain []byte, err error) {
		seen[path] = true
		status, body, err := conn.ask(request(c.addr, path, s.school.parents[0].cookie(), "", "Accept-Encoding: gzip"))
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("%s: %d", path, status)
		}
		plain = body
		if z, zerr := gzip.NewReader(bytes.NewReader(body)); err == nil && zerr == nil {
			plain, err = io.ReadAll(z)
		}
		return len(body), plain, err
	}
	page, html, err := get("/")
	if err != nil {
		return err
	}
	assets, fonts := 0, 0
	for _, m := range linked.FindAllSubmatch(html, -1) {
		path := string(m[1])
		if seen[path] || strings.HasSuffix(path, ".woff2") {
			continue
		}
		n, plain, err := get(path)
		if err != nil {
			return err
		}
		assets += n
		for _, f := range font.FindAllSubmatch(plain, -1) {
			ref, err := url.Parse(path)
			if err != nil {
				return err
			}
			at, err := ref.Parse(string(f[1]))
			if err != nil {
				return err
			}
			if !seen[at.Path] {
				n, _, err := get(at.Path)
				if err != nil {
					return err
				}
				fonts += n
			}
		}
	}
	fmt.Fprintf(s.out, "\n### Bytes of a parent's home, compressed\n\nPage %.1f kB (%.1f kB plain), %.1f kB with all it links to, and %.1f kB of fonts when every face is used.\n",
		float64(page)/1000, float64(len(html))/1000, float64(page+assets)/1000, float64(fonts)/1000)
	return nil
}
