package footprint

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// unmap takes the program's own code and constants out of its memory; what is
// used again comes back from the system's cache of the file, a fault away.
// Starting runs through most of it once, and the system maps sixteen pages
// around each that is touched. Only mappings without a page of their own are
// taken; a fault here costs memory and nothing else, and is not told.
func unmap() {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return
	}
	defer f.Close()
	var from, to uintptr
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "Anonymous:") && from != 0 && strings.Fields(line)[1] == "0" {
			_, _, _ = syscall.Syscall(syscall.SYS_MADVISE, from, to-from, syscall.MADV_DONTNEED)
		}
		var access string
		var a, b uintptr
		if n, _ := fmt.Sscanf(line, "%x-%x %4s", &a, &b, &access); n == 3 {
			from = 0
			if strings.HasSuffix(line, " "+exe) && !strings.Contains(access, "w") {
				from, to = a, b
			}
		}
	}
}
