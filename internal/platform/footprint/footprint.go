// Package footprint settles a program that has started: what the start alone
// needed is given back, and the collector gets room. It refuses to know what the
// program does.
package footprint

import (
	"runtime"
	"runtime/debug"
)

// room is what may be allocated between two collections beyond Go's own measure,
// which is as much as lives: a few megabytes here, and a page makes a hundred
// kilobytes of garbage, so that it would collect dozens of times a second under
// load. A larger percentage would do it too, and let the heap grow fivefold
// while pictures are drawn.
const room = 16 << 20

// ballast counts as living and is never touched: it takes addresses, no memory.
var ballast []byte

// Settle is called once, when the program has started. It takes some
// milliseconds.
func Settle() {
	debug.FreeOSMemory()
	ballast = make([]byte, room)
	runtime.KeepAlive(ballast)
	unmap()
}
