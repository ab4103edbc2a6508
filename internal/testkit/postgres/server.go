package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// Server is a throw-away PostgreSQL server on a free loopback port, with its
// data in a temporary folder, owned by this process: it goes when the process
// goes, even by kill -9.
type Server struct {
	// URL is the address of its database "postgres", as superuser.
	URL string
	// PID is the server's main process; its backends are its children.
	PID int

	dir    string
	cmd    *exec.Cmd
	exited chan struct{}
}

// Options of Launch. The zero value is right for tests.
type Options struct {
	// Durable keeps fsync and synchronous commit on, as a measurement must.
	// Tests can lose their data and go several times faster without.
	Durable bool
	// Settings are added to the server's own, as "name=value".
	Settings []string
}

// Launch creates and starts a server. PostgreSQL refuses to run as root; so the
// server then runs as the system user "postgres", or "nobody" where there is
// none. An absent PostgreSQL is an error that says what to install.
func Launch(ctx context.Context, o Options) (*Server, error) {
	bin, err := binaries()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "marelle-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir}
	if err := s.launch(ctx, bin, o); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func (s *Server) launch(ctx context.Context, bin string, o Options) error {
	attr, err := unprivileged(s.dir)
	if err != nil {
		return err
	}
	data := filepath.Join(s.dir, "data")
	// C collation: the product asks for it, so that both databases sort alike.
	initdb := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", data, "-U", "postgres",
		"--locale=C", "--encoding=UTF8", "--auth=trust", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = s.dir, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	// Another process may take the free port before the server does.
	for try := 0; ; try++ {
		err = s.serve(ctx, filepath.Join(bin, "postgres"), data, attr, o)
		if err == nil || try == 2 || ctx.Err() != nil {
			return err
		}
		s.halt()
	}
}

func (s *Server) serve(ctx context.Context, program, data string, attr *syscall.SysProcAttr, o Options) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	// No Unix socket: its path may be longer than the 107 bytes allowed.
	settings := []string{
		"listen_addresses=127.0.0.1", "port=" + strconv.Itoa(port), "unix_socket_directories=",
		"max_connections=300", "shared_buffers=128MB", "timezone=UTC", "logging_collector=off",
	}
	if !o.Durable {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off")
	}
	args := []string{"-D", data}
	for _, setting := range append(settings, o.Settings...) {
		args = append(args, "-c", setting)
	}
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd = exec.Command(program, args...)
	s.cmd.Dir, s.cmd.SysProcAttr, s.cmd.Stdout, s.cmd.Stderr = s.dir, attr, log, log

	started, exited := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel ties the death signal to the thread that forked, not to
		// the process (prctl(2)): this thread stays until the server is gone.
		runtime.LockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			_ = s.cmd.Wait() // how a server we stop or lose exits says nothing more
		}
		close(exited)
	}()
	if err := <-started; err != nil {
		return err
	}
	s.exited, s.PID = exited, s.cmd.Process.Pid
	s.URL = fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
	return s.ready(ctx)
}

// ready waits until the server answers.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		conn, err := pgx.Connect(ctx, s.URL)
		if err == nil {
			return conn.Close(ctx)
		}
		select {
		case <-s.exited:
			log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
			return fmt.Errorf("the PostgreSQL server stopped at once:\n%s", log)
		case <-ctx.Done():
			return fmt.Errorf("the PostgreSQL server does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Stop ends the server, its clients included, and removes its data.
func (s *Server) Stop() {
	s.halt()
	_ = os.RemoveAll(s.dir) // a temporary folder; the system removes what is left
}

func (s *Server) halt() {
	if s.exited == nil {
		return
	}
	// SIGQUIT is PostgreSQL's "immediate shutdown": the data are thrown away.
	_ = s.cmd.Process.Signal(syscall.SIGQUIT)
	<-s.exited
	s.exited = nil
}

// binaries finds the folder of initdb and postgres; Debian keeps them out of
// PATH, one folder per major version.
func binaries() (string, error) {
	var dirs []string
	if p, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(p))
	}
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(found, func(a, b string) int { return major(b) - major(a) })
	for _, dir := range append(dirs, found...) {
		_, err1 := os.Stat(filepath.Join(dir, "initdb"))
		_, err2 := os.Stat(filepath.Join(dir, "postgres"))
		if err1 == nil && err2 == nil {
			return dir, nil
		}
	}
	return "", errors.New("PostgreSQL's server programs (initdb, postgres) are not installed; on Debian: apt-get install postgresql")
}

func major(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin))) // no number sorts last
	return n
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
