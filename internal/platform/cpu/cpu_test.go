package cpu

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

// More than there are threads take turns, and none is lost.
func TestConcurrentBehind(t *testing.T) {
	var at, most, done atomic.Int64
	var all sync.WaitGroup
	for range 20 * Cores() {
		all.Go(func() {
			Behind(func() {
				if n := at.Add(1); n > most.Load() {
					most.Store(n)
				}
				runtime.Gosched()
				at.Add(-1)
				done.Add(1)
			})
		})
	}
	all.Wait()
	if done.Load() != int64(20*Cores()) || most.Load() > int64(Cores()) {
		t.Errorf("%d done, %d at once on %d cores", done.Load(), most.Load(), Cores())
	}
}

// A panic is its caller's, and takes no thread away.
func TestPanicBehind(t *testing.T) {
	want := errors.New("no")
	for range 2 * Cores() {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("recovered %v", got)
				}
			}()
			Behind(func() { panic(want) })
			t.Error("no panic")
		}()
	}
	ran := false
	if Behind(func() { ran = true }); !ran {
		t.Error("nothing runs any more")
	}
}
