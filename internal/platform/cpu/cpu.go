// Package cpu has pages computed before what nobody waits for. It knows neither
// pages nor work: it keeps threads to which the machine gives what the others
// leave, and enough places for both to run. It starts no process.
package cpu

import (
	"os"
	"runtime"
	"sync"
)

// cores are those that the runtime found, a container's limit counted in.
var cores = runtime.GOMAXPROCS(0)

// Cores is how much can be computed at once.
func Cores() int { return cores }

// Share lets twice as many goroutines compute at once as there are cores, unless
// GOMAXPROCS says how many. Among goroutines a long computation keeps its place
// for 10 ms, and so a page waited for two; among threads the system takes turns
// by the millisecond, and knows which come last.
func Share() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(2 * cores)
	}
}

// behind has its threads from the first use on, one for each core.
var behind = sync.OnceValue(func() chan<- func() {
	work := make(chan func())
	for range cores {
		go func() {
			runtime.LockOSThread() // for good: its priority goes with it
			lower()
			for f := range work {
				f()
			}
		}()
	}
	return work
})

// Behind runs f on a thread of low priority, of which there are as many as cores,
// and returns when it has. It is for computing of some milliseconds of which
// nobody waits for the end, and that holds nothing a page may need meanwhile: no
// transaction that writes. In f it must not be called again.
func Behind(f func()) {
	var panicked any
	done := make(chan struct{})
	behind() <- func() {
		defer close(done)
		defer func() { panicked = recover() }()
		f()
	}
	<-done
	if panicked != nil {
		panic(panicked) // where somebody may recover it
	}
}
