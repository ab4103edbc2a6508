package media

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/gen2brain/heic"

	"marelle/internal/platform/errs"
)

// What is large or frail is decoded by another process of this same program, or
// by a tool of the machine that this program starts and binds: what they take or
// break is gone with them.

// childName is the first argument of a process that works for another one.
const childName = "media-child"

// Bounds of such a process.
const (
	childMemory = 1 << 30 // bytes of its own
	childTime   = time.Minute
)

// How a child that draws ends when it is no fault of ours.
const (
	childBroken = 3
	childLarge  = 4
)

// Child does what another process asked, and says whether it did. A program that
// makes pictures calls it before anything else.
func Child() bool {
	if len(os.Args) < 3 || os.Args[1] != childName {
		return false
	}
	seconds := uint64(childTime / time.Second)
	tool := os.Args[3:]
	if os.Args[2] == "toil" && len(tool) > 2 { // for as long and as much as it was told, when nobody else wants to work
		var err1, err2 error
		var most uint64
		seconds, err1 = strconv.ParseUint(tool[0], 10, 32)
		most, err2 = strconv.ParseUint(tool[1], 10, 63)
		if err1 != nil || err2 != nil {
			os.Exit(1)
		}
		_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: most, Max: most})
		_ = syscall.Setpriority(syscall.PRIO_PROCESS, 0, 15) // where that is allowed
		tool = tool[2:]
	}
	// Only Linux counts private memory so; elsewhere the bound on time remains.
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: childMemory, Max: childMemory})
	_ = syscall.Setrlimit(syscall.RLIMIT_CPU, &syscall.Rlimit{Cur: seconds, Max: seconds})
	switch os.Args[2] {
	case "heic":
		os.Exit(drawHEIC(tool))
	case "run", "toil": // becomes the tool, bound as it is
		err := syscall.Exec(tool[0], tool, os.Environ())
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return true
}

// drawHEIC reads a HEIC on its input and writes its size and its points, with
// the longest side as it was asked.
func drawHEIC(args []string) int {
	fail := func(status int, err error) int {
		fmt.Fprintln(os.Stderr, err)
		return status
	}
	if len(args) != 1 {
		return 1
	}
	side, err := strconv.Atoi(args[0])
	if err != nil {
		return fail(1, err)
	}
	src, err := io.ReadAll(io.LimitReader(os.Stdin, MaxBytes))
	if err != nil {
		return fail(1, err)
	}
	c, err := heic.DecodeConfig(bytes.NewReader(src))
	if err != nil {
		return fail(childBroken, err)
	}
	if int64(c.Width)*int64(c.Height) > MaxPixels {
		return childLarge
	}
	if c.Width < 128 || c.Height < 128 { // the decoder mistakes its own rows: no phone makes one
		return fail(childBroken, errors.New("too small"))
	}
	// libheif turns it upright by itself.
	img, err := heic.Decode(bytes.NewReader(src))
	if err != nil {
		return fail(childBroken, err)
	}
	m := shrink(img, side)
	for _, v := range []any{uint32(m.Rect.Dx()), uint32(m.Rect.Dy()), m.Pix} {
		if err := binary.Write(os.Stdout, binary.BigEndian, v); err != nil {
			return fail(1, err)
		}
	}
	return 0
}

// apart is a command of this program that works for it.
func (m *Maker) apart(ctx context.Context, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, m.program, append([]string{childName}, args...)...)
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C", "GOMAXPROCS=1", "GOTRACEBACK=none"}
	c.WaitDelay = time.Second
	together(c)
	return c
}

// heic draws a HEIC within side in another process.
func (m *Maker) heic(ctx context.Context, src []byte, side int) (image.Image, error) {
	if m.program == "" {
		return nil, errs.New(errs.Invalid, "media.heic")
	}
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	var out, said bytes.Buffer
	c := m.apart(ctx, "heic", strconv.Itoa(side))
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(src), &out, &said
	if err := c.Run(); err != nil {
		return nil, m.ended(ctx, err, said.String())
	}
	var size [2]uint32
	if err := binary.Read(&out, binary.BigEndian, &size); err != nil || int(size[0]) > side || int(size[1]) > side || out.Len() != int(4*size[0]*size[1]) {
		return nil, fmt.Errorf("heic: a child wrote %d bytes for %v", out.Len(), size)
	}
	return &image.RGBA{Pix: out.Bytes(), Stride: int(4 * size[0]), Rect: image.Rect(0, 0, int(size[0]), int(size[1]))}, nil
}

// ended says what the end of a child means.
func (m *Maker) ended(ctx context.Context, err error, said string) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return fmt.Errorf("child: %w", err)
	}
	cause := fmt.Errorf("child: %w: %.200s", err, said)
	switch {
	case exit.ExitCode() == childBroken:
		return errs.Wrap(errs.Invalid, cause, "media.broken")
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	}
	// Too many points, or more memory or time than it was given.
	return errs.Wrap(errs.TooLarge, cause, "media.too_many_pixels", "max", int64(MaxPixels/1_000_000))
}
