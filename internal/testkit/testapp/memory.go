package testapp

import (
	"bytes"
	"os"
	"runtime"
	"runtime/metrics"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Memory is what this process takes, in bytes: of the machine (PSS; 0 where there
// is none), and by its own objects, those that nobody holds any more included.
type Memory struct{ PSS, Heap int }

// Peak runs something, and says what the process took before and at most meanwhile.
func Peak(t testing.TB, do func()) (before, most Memory) {
	t.Helper()
	runtime.GC()
	before = taken()
	most = before
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				now := taken()
				most.PSS, most.Heap = max(most.PSS, now.PSS), max(most.Heap, now.Heap)
			}
		}
	})
	do()
	close(done)
	watch.Wait()
	return before, most
}

func taken() Memory {
	heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(heap)
	m := Memory{Heap: int(heap[0].Value.Uint64())}
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return m
	}
	for line := range bytes.Lines(text) {
		if f := bytes.Fields(line); len(f) > 1 && string(f[0]) == "Pss:" {
			m.PSS, _ = strconv.Atoi(string(f[1])) // what the system wrote
			m.PSS <<= 10
		}
	}
	return m
}
