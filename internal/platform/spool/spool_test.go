package spool

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"marelle/internal/platform/errs"
)

func TestWhatCameIsHashedReadBackAndLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	s, err := New(dir, 4<<20)
	if err != nil {
		t.Fatal(err)
	}
	want := bytes.Repeat([]byte("marelle "), 100_000)
	f, err := s.Take(t.Context(), iotest.OneByteReader(bytes.NewReader(want[:1000])), 1000)
	if err != nil || f.Size != 1000 || s.Used() != 1000 {
		t.Fatalf("a full file: %v", err)
	}
	f.Close()
	f, err = s.Take(t.Context(), bytes.NewReader(want), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	sum := sha256.Sum256(want)
	if err != nil || !bytes.Equal(got, want) || f.Sum() != hex.EncodeToString(sum[:]) || s.Used() != f.Size {
		t.Errorf("%d bytes, sum %s, %v", len(got), f.Sum(), err)
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("a file has a name: a killed process would leave it behind")
	}
	f.Close()
	if s.Used() != 0 {
		t.Errorf("%d bytes are still counted", s.Used())
	}
}

func TestTooMuchIsRefusedAndGivesTheRoomBack(t *testing.T) {
	s, err := New(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context(), strings.NewReader("123456"), 5); !errors.Is(err, ErrTooLarge) {
		t.Errorf("six bytes of five: %v", err)
	}
	first, err := s.Take(t.Context(), io.LimitReader(endless{}, 700<<10), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Take(t.Context(), io.LimitReader(endless{}, 700<<10), 1<<20); errs.KindOf(err) != errs.Unavailable {
		t.Errorf("more than the disk is to hold: %v", err)
	}
	first.Close()
	if s.Used() != 0 {
		t.Errorf("%d bytes are still counted", s.Used())
	}
}

// A line that is cut leaves what came, for whoever can go on from there.
func TestACutLineLeavesWhatCame(t *testing.T) {
	s, err := New(t.TempDir(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	cut := errors.New("cut")
	f, err := s.Take(t.Context(), io.MultiReader(strings.NewReader("half"), iotest.ErrReader(cut)), 100)
	if !errors.Is(err, cut) || f == nil {
		t.Fatalf("%v", err)
	}
	defer f.Close()
	if got, _ := io.ReadAll(f); string(got) != "half" {
		t.Errorf("%q", got)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
