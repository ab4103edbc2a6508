package blob

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestKilledWhileWriting kills a process that writes without pause, several
// times, and finds only whole objects, with every key that it had announced.
func TestKilledWhileWriting(t *testing.T) {
	const size = 300_000
	if dir := os.Getenv("BLOB_WRITER"); dir != "" {
		f, err := NewFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; ; i++ {
			body := bytes.Repeat([]byte{byte('a' + i%26)}, size)
			for _, key := range []string{"same", fmt.Sprintf("n/%d-%d", os.Getpid(), i)} {
				if err := f.Put(t.Context(), key, bytes.NewReader(body), size); err != nil {
					t.Fatal(err)
				}
				fmt.Printf("kept %s\n", key)
			}
		}
	}
	dir := t.TempDir()
	for range 3 {
		var out bytes.Buffer
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilledWhileWriting$")
		cmd.Env = append(os.Environ(), "BLOB_WRITER="+dir)
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		f, err := NewFolder(dir)
		if err != nil {
			t.Fatal(err)
		}
		announced := 0
		for line := range strings.Lines(out.String()) {
			key, ok := strings.CutPrefix(line, "kept ")
			if !ok || !strings.HasSuffix(line, "\n") {
				continue
			}
			announced++
			r, err := f.OpenRange(t.Context(), strings.TrimSpace(key), 0, -1)
			if err != nil {
				t.Fatalf("%s was announced: %v", key, err)
			}
			r.Close()
		}
		if announced == 0 {
			t.Fatal("the writer wrote nothing")
		}
		for i, err := range f.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			r, err := f.OpenRange(t.Context(), i.Key, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			b, err := io.ReadAll(r)
			r.Close()
			if err != nil || len(b) != size || len(bytes.Trim(b, string(b[:1]))) != 0 {
				t.Fatalf("%s holds %d bytes, %v", i.Key, len(b), err)
			}
		}
	}
}
