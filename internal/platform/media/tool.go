package media

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// thumbnail draws what only vipsthumbnail reads, upright and within side, as PNG.
func (m *Maker) thumbnail(ctx context.Context, src []byte, side int) ([]byte, error) {
	dir, err := os.MkdirTemp("", "marelle-picture-*")
	if err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // of the system's temporary folder
	in, out := filepath.Join(dir, "in"), filepath.Join(dir, "out.png")
	if err := os.WriteFile(in, src, 0o600); err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, childTime)
	defer cancel()
	var said bytes.Buffer
	c := m.apart(ctx, "run", m.vips, in, "--size", strconv.Itoa(side)+"x"+strconv.Itoa(side)+">", "-o", out+"[strip]")
	c.Env = append(c.Env, "VIPS_CONCURRENCY=1")
	c.Stderr = &said
	if err := c.Run(); err != nil {
		return nil, m.ended(ctx, err, said.String())
	}
	b, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("thumbnail: %w", err)
	}
	return b, nil
}
