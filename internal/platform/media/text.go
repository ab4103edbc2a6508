package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"time"
	"unicode/utf8"

	"marelle/internal/platform/charset"
)

// Bounds of the words of a file: what is read of a text and of a PDF, how many
// pages of it and for how long.
const (
	textMax   = 256 << 10
	textPages = "60"
	textTime  = 20 * time.Second
)

// Text reads the words of a file, to have it found by them: of a plain text, and
// of a PDF where the machine has pdftotext (package poppler-utils). Of anything
// else, and of what cannot be read, there are none.
func (m *Maker) Text(ctx context.Context, r io.Reader, kind string) (string, error) {
	switch {
	case kind == "application/pdf":
		return m.pdfText(ctx, r)
	case kind != "text/plain" && kind != "text/csv" && kind != "text/tab-separated-values":
		return "", nil
	}
	b, err := io.ReadAll(io.LimitReader(r, textMax))
	if err != nil {
		return "", fmt.Errorf("text: %w", err)
	}
	return legible(b), nil
}

// pdfText has a process of its own read a file that anybody may have made: it is
// bound like those that draw, and what it says is bounded in length and time.
func (m *Maker) pdfText(ctx context.Context, r io.Reader) (string, error) {
	program, err := exec.LookPath("pdftotext")
	if err != nil || m.program == "" {
		return "", nil // the words are a comfort that this machine has not
	}
	ctx, cancel := context.WithTimeout(ctx, textTime)
	defer cancel()
	var out bounded
	cmd := m.apart(ctx, "run", program, "-q", "-l", textPages, "-enc", "UTF-8", "-", "-")
	cmd.Stdin, cmd.Stdout = r, &out
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) || ctx.Err() != nil || out.full() {
			return legible(out.b.Bytes()), nil // broken, locked, endless or long: what was read counts
		}
		return "", fmt.Errorf("text: %w", err)
	}
	return legible(out.b.Bytes()), nil
}

// bounded keeps the beginning of what is written.
type bounded struct{ b bytes.Buffer }

func (w *bounded) full() bool { return w.b.Len() >= textMax }

// Write fails when there is enough: the writer ends.
func (w *bounded) Write(p []byte) (int, error) {
	if w.full() {
		return 0, io.ErrShortWrite
	}
	return w.b.Write(p)
}

// legible is a text as it is kept; bytes that are none give nothing.
func legible(b []byte) string {
	s := charset.Legible(b[:min(len(b), textMax)])
	for len(s) > textMax { // two bytes for one
		_, n := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-n]
	}
	return s
}
