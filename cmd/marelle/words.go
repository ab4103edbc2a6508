package main

import (
	"embed"
	"errors"
	"io/fs"
	"net"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"marelle/internal/apps"
	"marelle/internal/backup"
	"marelle/internal/kernel/app"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/server"
)

//go:embed i18n/fr.json
var catalogue embed.FS

// words is the catalogue of the program: all that its parts can say, and what
// is said at the terminal alone.
func words() *i18n.Catalog {
	core := &app.Core{}
	own, err := fs.Sub(catalogue, "i18n")
	if err != nil {
		panic(err) // cannot happen: the path above is constant and embedded
	}
	c, err := i18n.New(append(server.Sentences(append(server.Kernel(core), apps.All(core)...)), own, backup.Messages)...)
	if err != nil {
		panic(err) // cannot happen: a test reads every sentence
	}
	return c
}

// refusal is what the person at the terminal must change, in the system's words.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// failure is a sentence about what went wrong through nobody's fault.
type failure struct{ errs.Message }

func (f failure) Error() string { return f.Key }

// exitCode tells what the person must change (2) from a failure (1).
func exitCode(err error) int {
	var r refusal
	var p passing
	if errors.As(err, &p) {
		return tempfail
	}
	if e := errs.As(err); errors.As(err, &r) || e != nil && e.Kind != errs.Internal && e.Kind != errs.Unavailable {
		return 2
	}
	return 1
}

// sentences turns an error into French, one sentence for each fault.
func sentences(say *i18n.Catalog, err error) []string {
	var all interface{ Unwrap() []error }
	var f failure
	var e *errs.Error
	switch {
	case errors.Is(err, errUnwell):
		return []string{say.T("cli.unwell")}
	case errors.As(err, &f):
		return []string{say.Render(f.Key, f.Args)}
	case errors.As(err, &all):
		var out []string
		for _, one := range all.Unwrap() {
			out = append(out, sentences(say, one)...)
		}
		return slices.Compact(out) // two addresses of one host refuse alike
	case errors.As(err, &e) && e.Kind != errs.Internal:
		if e.Kind == errs.Unavailable && e.Cause != nil {
			return []string{say.Render(e.Message.Key, e.Message.Args) + " " + ofSystem(say, e.Cause)}
		}
		if len(e.Fields) == 0 {
			return []string{say.Render(e.Message.Key, e.Message.Args)}
		}
		var out []string
		for _, m := range e.Fields {
			out = append(out, say.Render(m.Key, m.Args))
		}
		slices.Sort(out)
		return out
	}
	return []string{ofSystem(say, err)}
}

// ofSystem says in French what systems commonly refuse; the rest is said as it
// came.
func ofSystem(say *i18n.Catalog, err error) string {
	var path *fs.PathError
	var call *net.OpError
	what := err.Error()
	switch {
	case errors.As(err, &path):
		what = path.Path
	case errors.As(err, &call) && call.Addr != nil:
		what = call.Addr.String()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return say.T("cli.absent", "what", what)
	case errors.Is(err, fs.ErrPermission):
		return say.T("cli.forbidden", "what", what)
	case errors.Is(err, syscall.ENOSPC):
		return say.T("cli.no_space")
	case errors.Is(err, syscall.ECONNREFUSED):
		return say.T("cli.refused", "what", what)
	case errors.Is(err, syscall.EADDRINUSE):
		return say.T("cli.in_use", "what", what)
	}
	return say.T("cli.failed", "cause", err.Error())
}

// usages are the faults of a command line that the parser knows, and how they
// are said here.
var usages = []struct {
	form *regexp.Regexp
	key  string
	args []string // what the groups are
}{
	{regexp.MustCompile(`^missing flags: (.*)$`), "cli.usage.flags", []string{"what"}},
	{regexp.MustCompile(`^unknown flag ([^,]*), did you mean (?:one of )?(.*)\?$`), "cli.usage.near", []string{"what", "near"}},
	{regexp.MustCompile(`^unknown flag (\S*)$`), "cli.usage.unknown", []string{"what"}},
	{regexp.MustCompile(`^unexpected argument ([^,]*)`), "cli.usage.argument", []string{"what"}},
	{regexp.MustCompile(`^expected one of (.*)$`), "cli.usage.command", []string{"what"}},
	{regexp.MustCompile(`^expected (.*)$`), "cli.usage.expected", []string{"what"}},
	{regexp.MustCompile(`^(\S+) must be one of (.*) but got (.*)$`), "cli.usage.choice", []string{"what", "choices", "value"}},
	{regexp.MustCompile(`^(\S+): expected a valid \d+ bit int but got (.*)$`), "cli.usage.number", []string{"what", "value"}},
	{regexp.MustCompile(`^(\S+): (?:missing value|expected \S+ value but got)`), "cli.usage.value", []string{"what"}},
}

// usage says in French what is wrong with a command line.
func usage(say *i18n.Catalog, err error) string {
	text := french.Replace(strings.TrimSuffix(strings.ReplaceAll(err.Error(), `"`, ""), " ..."))
	for _, u := range usages {
		found := u.form.FindStringSubmatch(text)
		if found == nil {
			continue
		}
		m := errs.Message{Key: u.key, Args: map[string]any{}}
		for i, name := range u.args {
			m.Args[name] = found[i+1]
		}
		return say.Render(m.Key, m.Args)
	}
	return say.T("cli.usage.other", "what", text)
}
