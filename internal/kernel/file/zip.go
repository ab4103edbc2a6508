package file

import (
	"context"
	"io"
	"strings"

	"marelle/internal/platform/blob"
)

// ZipName is a name that every system can unpack: no sign that separates
// folders, hides or is refused by Windows.
func ZipName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	if name = strings.TrimRight(name, ". "); strings.Trim(name, ".") == "" {
		return "_"
	}
	return name
}

// Pour copies what is stored under a key, without holding it in memory.
func Pour(ctx context.Context, store blob.Store, to io.Writer, key string) error {
	in, err := store.OpenRange(ctx, key, 0, -1)
	if err != nil {
		return err
	}
	defer in.Close()
	_, err = io.Copy(to, in)
	return err
}
