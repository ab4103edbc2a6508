// Package tools is for tests that need a program of the machine. It knows none
// of them.
package tools

import (
	"os"
	"testing"
)

// Env is set where every program must be there, as ./test does.
const Env = "MARELLE_TEST_TOOLS"

// Need skips the test where a program is missing, and fails it where it must be
// there.
func Need(t testing.TB, there bool, what string) {
	t.Helper()
	switch {
	case there:
	case os.Getenv(Env) != "":
		t.Fatalf("%s: missing", what)
	default:
		t.Skipf("%s: missing", what)
	}
}
