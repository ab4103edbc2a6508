package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// child is a server started for a measurement.
type child struct {
	cmd  *exec.Cmd
	pid  int
	addr string
}

// floorChild starts the program of bench/floor, which says where it listens.
func floorChild(program string, env []string, args ...string) (*child, error) {
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr, cmd.SysProcAttr = os.Stderr, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s did not start", program), cmd.Process.Kill(), cmd.Wait())
	}
	url, _, _ := strings.Cut(line, " ")
	return &child{cmd, cmd.Process.Pid, strings.Trim(strings.TrimPrefix(url, "http://"), "/")}, nil
}

// productChild starts marelle serve on a free port. Its log goes to a file, as
// an operator's would. It does not wait until the server answers.
func productChild(program, dir, database string, env []string) (*child, error) {
	addr, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{"serve", "--addr", addr, "--data", dir, "--trusted-proxies", "127.0.0.1"}
	if database != "" {
		args = append(args, "--database", database)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr, cmd.SysProcAttr = log, &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	return &child{cmd, cmd.Process.Pid, addr}, nil
}

func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // it may be gone already
	dead := time.AfterFunc(15*time.Second, func() { _ = c.cmd.Process.Kill() })
	_ = c.cmd.Wait()
	dead.Stop()
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
