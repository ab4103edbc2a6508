package cpu

import (
	"runtime"
	"syscall"
	"testing"
)

// nice is the niceness of the thread that asks; the system call answers 20 less it.
func nice(t *testing.T) int {
	n, err := syscall.Getpriority(syscall.PRIO_PROCESS, 0)
	if err != nil {
		t.Fatal(err)
	}
	return 20 - n
}

func TestBehind(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	before := nice(t)
	var within int
	Behind(func() { within = nice(t) })
	if want := min(19, max(before, niceness)); within != want {
		t.Errorf("niceness %d behind, want %d", within, want)
	}
	if after := nice(t); after != before {
		t.Errorf("niceness %d after, %d before", after, before)
	}
}
