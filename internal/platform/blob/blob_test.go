package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	s3test "marelle/internal/testkit/s3"
)

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(t.Context(), "", dir)
	if err != nil {
		t.Fatal(err)
	}
	conformance(t, s)
	if left, _ := os.ReadDir(filepath.Join(dir, "blobs", tmpDir)); len(left) != 0 {
		t.Errorf("half-written files left: %v", left)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "blobs")); len(left) != 1 {
		t.Errorf("emptied folders left: %v", left)
	}
	s.Put(t.Context(), "whole", strings.NewReader("abc"), 3)
	r, err := s.OpenRange(t.Context(), "whole", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, ok := r.(*os.File); !ok {
		t.Errorf("a whole object is a %T: no sendfile", r)
	}
}

func TestFolderClearsOldRemains(t *testing.T) {
	dir := t.TempDir()
	if _, err := NewFolder(dir); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(dir, tmpDir, "OLD"), filepath.Join(dir, tmpDir, "YOUNG")
	os.WriteFile(old, nil, 0o600)
	os.WriteFile(young, nil, 0o600)
	os.Chtimes(old, time.Time{}, time.Now().Add(-25*time.Hour))
	if _, err := NewFolder(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("the remains of a killed process stay for ever")
	}
	if _, err := os.Stat(young); err != nil {
		t.Error("another process lost what it was writing")
	}
}

func TestFolderStaysInside(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(dir, "outside")
	os.MkdirAll(filepath.Join(dir, "in"), 0o700)
	os.WriteFile(outside, []byte("secret"), 0o600)
	os.Symlink(dir, filepath.Join(dir, "in", "~ou"))
	f, err := NewFolder(filepath.Join(dir, "in"))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := f.OpenRange(t.Context(), "outside", 0, -1); err == nil {
		b, _ := io.ReadAll(r)
		t.Fatalf("a symbolic link leads outside: %q", b)
	}
}

// memory is the in-process S3 server.
func memory(t *testing.T) string {
	srv := httptest.NewServer(gofakes3.New(s3mem.New()).Server())
	t.Cleanup(srv.Close)
	return srv.URL
}

// gateway is the real server versitygw on a folder, when it is installed.
func gateway(t *testing.T, bin string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(bin, "--port", addr, "--access", "test-key", "--secret", "test-secret", "posix", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	for range 100 {
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			return "http://" + addr
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("versitygw does not answer")
	return ""
}

func TestS3(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "test-key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
	servers := map[string]func(*testing.T) string{"memory": memory}
	if bin, err := exec.LookPath("versitygw"); err == nil {
		servers["versitygw"] = func(t *testing.T) string { return gateway(t, bin) }
	}
	for name, start := range servers {
		t.Run(name, func(t *testing.T) {
			endpoint := start(t)
			_, host, _ := strings.Cut(endpoint, "://")
			c, err := minio.New(host, &minio.Options{Creds: credentials.NewEnvAWS(), Region: "us-east-1"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), "s3://marelle?endpoint="+endpoint+"&region=us-east-1", ""); err == nil {
				t.Error("a bucket that does not exist was opened")
			}
			if err := c.MakeBucket(t.Context(), "marelle", minio.MakeBucketOptions{}); err != nil {
				t.Fatal(err)
			}
			for _, prefix := range []string{"", "/some/prefix"} {
				s, err := Open(t.Context(), "s3://marelle"+prefix+"?endpoint="+endpoint+"&region=us-east-1", "")
				if err != nil {
					t.Fatal(err)
				}
				conformance(t, s)
			}
		})
	}
}

// What any store must do, a real server does too: the one that MARELLE_TEST_S3
// names.
func TestGivenS3(t *testing.T) {
	at := s3test.Given(t)
	if at == "" {
		t.Skip(s3test.Env + " names no bucket")
	}
	s, err := Open(t.Context(), at, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i, err := range s.List(context.Background(), "") {
			if err == nil {
				err = s.Delete(context.Background(), i.Key)
			}
			if err != nil {
				t.Error(err)
			}
		}
	})
	conformance(t, s)
}

func TestOpenSaysWhy(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	say, err := i18n.New(Messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"s3://", "s3://b?endpoint=http://127.0.0.1:1", "ftp://x", "s3://user:pw@b"} {
		_, err := Open(t.Context(), bad, t.TempDir())
		e := errs.As(err)
		if e == nil {
			t.Errorf("%s: %v", bad, err)
			continue
		}
		if s := say.Render(e.Message.Key, e.Message.Args); s == e.Message.Key || strings.Contains(s+err.Error(), "pw") || strings.Contains(s, "no value") {
			t.Errorf("%s: %q", bad, s)
		}
	}
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"a/b", "../x", "a/./b", "~tmp/x", "a//b", "/a", "a/", "A", "é", "..", ".a", "a..b"} {
		f.Add(s)
	}
	dir := f.TempDir()
	s, err := NewFolder(filepath.Join(dir, "in"))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if valid(key, true) != filepath.IsLocal(key) && valid(key, true) {
			t.Fatalf("%q is not local", key)
		}
		if s.Put(t.Context(), key, strings.NewReader("x"), 1) != nil {
			return
		}
		var got []string
		for i, err := range s.List(t.Context(), key) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, i.Key)
		}
		if !slices.Contains(got, key) {
			t.Fatalf("%q is listed as %q", key, got)
		}
		if err := s.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if all, _ := os.ReadDir(dir); len(all) != 1 {
			t.Fatalf("%q wrote outside", key)
		}
	})
}

// conformance is what any Store must do.
func conformance(t *testing.T, s Store) {
	ctx := t.Context()
	read := func(key string, off, n int64) string {
		t.Helper()
		r, err := s.OpenRange(ctx, key, off, n)
		if err != nil {
			t.Errorf("open %s %d+%d: %v", key, off, n, err)
			return ""
		}
		defer r.Close()
		b, err := io.ReadAll(r)
		if err != nil {
			t.Errorf("read %s: %v", key, err)
		}
		return string(b)
	}
	put := func(key, text string) {
		t.Helper()
		if err := s.Put(ctx, key, strings.NewReader(text), int64(len(text))); err != nil {
			t.Fatalf("put %s: %v", key, err)
		}
	}
	list := func(prefix string) (keys []string) {
		t.Helper()
		for i, err := range s.List(ctx, prefix) {
			if err != nil {
				t.Fatalf("list %q: %v", prefix, err)
			}
			keys = append(keys, fmt.Sprintf("%s:%d", i.Key, i.Size))
			if age := time.Since(i.Modified); age > time.Hour || age < -time.Minute {
				t.Errorf("%s was modified %v", i.Key, i.Modified)
			}
		}
		slices.Sort(keys)
		return keys
	}

	if got := list(""); len(got) != 0 {
		t.Fatalf("not empty: %v", got)
	}
	for _, off := range []int64{0, 3} {
		if _, err := s.OpenRange(ctx, "nothing/here", off, -1); errs.KindOf(err) != errs.NotFound {
			t.Errorf("missing key: %v", err)
		}
	}
	if err := s.Delete(ctx, "nothing/here"); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}

	put("a/bc", "0123456789")
	put("a/bcd", "autre")
	put("x", "")
	put("ecole-1/ab/abcdef.jpg", "image")
	for _, c := range []struct {
		off, n int64
		want   string
	}{{0, -1, "0123456789"}, {0, 4, "0123"}, {3, 4, "3456"}, {7, -1, "789"}, {7, 100, "789"}, {9, 1, "9"}, {10, -1, ""}, {10, 5, ""}, {99, 5, ""}, {0, 0, ""}, {4, 0, ""}} {
		if got := read("a/bc", c.off, c.n); got != c.want {
			t.Errorf("%d+%d: %q, want %q", c.off, c.n, got, c.want)
		}
	}
	if got := read("x", 0, -1); got != "" {
		t.Errorf("empty object: %q", got)
	}
	put("a/bc", "nouveau")
	if got := read("a/bc", 0, -1); got != "nouveau" {
		t.Errorf("replaced: %q", got)
	}
	r, err := s.OpenRange(ctx, "a/bc", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	seeker, ok := r.(io.ReadSeeker)
	if !ok {
		t.Fatalf("%T cannot seek", r)
	}
	if end, err := seeker.Seek(0, io.SeekEnd); err != nil || end != 7 {
		t.Errorf("seek: %d, %v", end, err)
	}
	seeker.Seek(4, io.SeekStart)
	if b, err := io.ReadAll(seeker); err != nil || string(b) != "eau" {
		t.Errorf("after seeking: %q, %v", b, err)
	}
	r.Close()

	for prefix, want := range map[string]string{
		"":         "[a/bc:7 a/bcd:5 ecole-1/ab/abcdef.jpg:5 x:0]",
		"a/":       "[a/bc:7 a/bcd:5]",
		"a/bc":     "[a/bc:7 a/bcd:5]",
		"a/bcd":    "[a/bcd:5]",
		"ecole-1/": "[ecole-1/ab/abcdef.jpg:5]",
		"eco":      "[ecole-1/ab/abcdef.jpg:5]",
		"b":        "[]",
		"zz/":      "[]",
	} {
		if got := fmt.Sprint(list(prefix)); got != want {
			t.Errorf("list %q: %s, want %s", prefix, got, want)
		}
	}
	for range s.List(ctx, "a/") {
		break // leaving early must not hang
	}

	cut := iotest.ErrReader(errors.New("cut"))
	for _, key := range []string{"bad/one", "a/bcd"} {
		for name, c := range map[string]struct {
			r    io.Reader
			size int64
		}{
			"short":  {strings.NewReader("abc"), 4},
			"long":   {strings.NewReader("abcde"), 4},
			"full":   {strings.NewReader("x"), 0},
			"broken": {io.MultiReader(strings.NewReader("ab"), cut), 4},
		} {
			if err := s.Put(ctx, key, c.r, c.size); err == nil {
				t.Errorf("a %s reader was accepted", name)
			}
		}
	}
	if got := list("bad/"); len(got) != 0 {
		t.Errorf("failed puts are kept: %v", got)
	}
	if got := read("a/bcd", 0, -1); got != "autre" {
		t.Errorf("a failed put damaged what was there: %q", got)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if err := s.Put(gone, "gone", strings.NewReader("x"), 1); err == nil {
		t.Error("a cancelled put succeeded")
	}
	for _, key := range []string{"", "/a", "a/", "a//b", "../a", "a/../b", ".", "a/./b", "A", "é", "a b", "~tmp/a", "a\\b", "a\x00", strings.Repeat("a", 600)} {
		if err := s.Put(ctx, key, strings.NewReader("x"), 1); err == nil {
			t.Errorf("key %q was accepted", key)
		}
		if _, err := s.OpenRange(ctx, key, 0, -1); errs.KindOf(err) != errs.NotFound {
			t.Errorf("key %q: %v", key, err)
		}
	}

	big := make([]byte, 20<<20) // more than one part
	rand.Read(big)
	if err := s.Put(ctx, "big", iotest.OneByteReader(bytes.NewReader(big[:1000])), 1000); err != nil {
		t.Error(err)
	}
	if err := s.Put(ctx, "big", struct{ io.Reader }{bytes.NewReader(big)}, int64(len(big))); err != nil {
		t.Error(err)
	}
	if read("big", 0, -1) != string(big) || read("big", 17<<20, 1000) != string(big[17<<20:17<<20+1000]) {
		t.Error("a big object came back altered")
	}

	// Readers of a key that is written over and over see one whole version.
	var wg sync.WaitGroup
	put("hot", strings.Repeat("0", 5000))
	for w := range 4 {
		wg.Go(func() {
			for range 10 {
				if err := s.Put(ctx, "hot", strings.NewReader(strings.Repeat(fmt.Sprint(w), 5000)), 5000); err != nil {
					t.Error(err)
				}
				key := fmt.Sprintf("w/%d", w)
				if err := s.Put(ctx, key, strings.NewReader("x"), 1); err != nil {
					t.Error(err)
				}
				if err := s.Delete(ctx, key); err != nil {
					t.Error(err)
				}
			}
		})
		wg.Go(func() {
			for range 20 {
				if got := read("hot", 0, -1); len(got) != 5000 || strings.Trim(got, got[:1]) != "" {
					t.Errorf("a mixture of %d bytes", len(got))
				}
			}
		})
	}
	wg.Wait()

	for _, i := range list("") {
		key, _, _ := strings.Cut(i, ":")
		if err := s.Delete(ctx, key); err != nil {
			t.Error(err)
		}
		if _, err := s.OpenRange(ctx, key, 0, -1); errs.KindOf(err) != errs.NotFound {
			t.Errorf("%s after deletion: %v", key, err)
		}
	}
	if got := list(""); len(got) != 0 {
		t.Errorf("left: %v", got)
	}
}
