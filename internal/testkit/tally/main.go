// Command tally reads the output of `go test -json` and shows what a person
// wants of it: one line per package, and everything a failing test said. It
// adds one line "passed failed skipped" to the file named by -sum, and fails
// when a test did. It refuses to decide what runs: that is ./test.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`, and `go help
// buildjson` for the lines about a failed build.
type event struct {
	Action, Package, Test, Output, FailedBuild, ImportPath string
}

// result of one test, or of a package where the test's name is empty.
type result struct {
	action string // "" while it runs: it stays so when the process dies under it
	output []string
	parent bool // has subtests, which are counted in its place
	failed bool // a subtest of it failed
}

type tally struct {
	out                     io.Writer
	packages                map[string]map[string]*result
	passed, failed, skipped int
}

func main() {
	sum := flag.String("sum", "", "file to which the line \"passed failed skipped\" is added")
	flag.Parse()
	t := &tally{out: os.Stdout, packages: map[string]map[string]*result{}}
	if err := t.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(1)
	}
	if *sum != "" {
		f, err := os.OpenFile(*sum, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		if err == nil {
			_, err = fmt.Fprintln(f, t.passed, t.failed, t.skipped)
			if cerr := f.Close(); err == nil {
				err = cerr
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "tally:", err)
			os.Exit(1)
		}
	}
	if t.failed > 0 {
		os.Exit(1)
	}
}

func (t *tally) read(in io.Reader) error {
	r := bufio.NewReader(in)
	for {
		line, err := r.ReadString('\n') // a Scanner's limit is shorter than some outputs
		if line != "" {
			t.line(line)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	for pkg := range t.packages { // a go command that died left these without an end
		t.end(pkg, "fail")
	}
	return nil
}

func (t *tally) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(t.out, line) // the go command itself: a bad flag, a download
		return
	}
	if e.Action == "build-output" {
		fmt.Fprint(t.out, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	results := t.packages[e.Package]
	if results == nil {
		results = map[string]*result{}
		t.packages[e.Package] = results
	}
	one := results[e.Test]
	if one == nil {
		one = &result{}
		results[e.Test] = one
		for name := e.Test; strings.Contains(name, "/"); {
			name = name[:strings.LastIndex(name, "/")]
			if up := results[name]; up != nil {
				up.parent = true
			}
		}
	}
	switch e.Action {
	case "output":
		one.output = append(one.output, e.Output)
	case "pass", "fail", "skip":
		one.action = e.Action
		if e.Action == "fail" && strings.Contains(e.Test, "/") {
			if up := results[e.Test[:strings.LastIndex(e.Test, "/")]]; up != nil {
				up.failed = true
			}
		}
		if e.Test == "" {
			t.end(e.Package, e.Action)
		} else if e.Action != "fail" {
			one.output = nil
		}
	}
}

// end counts a package and says what has to be said of it.
func (t *tally) end(pkg, action string) {
	results := t.packages[pkg]
	delete(t.packages, pkg)
	before := t.failed
	for name, r := range results {
		switch {
		case name == "":
		case r.action == "pass" && !r.parent:
			t.passed++
		case r.action == "skip" && !r.parent:
			t.skipped++
		case (r.action == "fail" || r.action == "") && action == "fail":
			if !r.failed {
				t.failed++
			}
			for _, o := range r.output {
				fmt.Fprint(t.out, o)
			}
		}
	}
	if action == "fail" && t.failed == before {
		t.failed++ // it did not build, or died outside of its tests
	}
	if whole := results[""]; whole != nil {
		for _, o := range whole.output {
			if o != "PASS\n" && o != "FAIL\n" && !strings.HasSuffix(o, "[no test files]\n") {
				fmt.Fprint(t.out, o)
			}
		}
	}
}
