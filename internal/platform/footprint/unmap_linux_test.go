package footprint

import (
	"bufio"
	"os"
	"strconv"
	"strings"
	"testing"
)

// resident is how much of the program's own file is in memory, in kilobytes.
func resident(t *testing.T) int {
	t.Helper()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ours, sum := false, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		line := lines.Text()
		if first, _, _ := strings.Cut(line, " "); strings.Contains(first, "-") {
			ours = strings.HasSuffix(line, " "+exe)
		}
		if ours && strings.HasPrefix(line, "Rss:") {
			n, err := strconv.Atoi(strings.Fields(line)[1])
			if err != nil {
				t.Fatal(err)
			}
			sum += n
		}
	}
	return sum
}

func TestTheStartIsGivenBack(t *testing.T) {
	before := resident(t)
	Settle()
	after := resident(t)
	if before == 0 || after >= before {
		t.Errorf("%d kB of the program before, %d after", before, after)
	}
}
