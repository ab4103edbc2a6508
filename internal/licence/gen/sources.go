package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// source is where the notice of one work is taken from.
type source struct {
	Path, Version string
	Dir           string // absolute for a Go module, below the root for npm
	Licence       string // as declared, "" for a Go module
}

// modules lists the Go modules compiled into the released binary, by path, and
// those whose data are in it as text.
func modules(root string) ([]source, error) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-json=Module", "./cmd/marelle", "./internal/platform/secret/lists")
	cmd.Dir = root
	// What is released; elsewhere a few modules more or less are linked.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var list []source
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if p.Module != nil && !p.Module.Main {
			list = append(list, source{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir})
		}
	}
	return sorted(list), nil
}

// bundled lists the npm packages that the bundles are made from, by name: those
// of package-lock.json that are not for development only.
func bundled(root string) ([]source, error) {
	data, err := os.ReadFile(filepath.Join(root, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version, License string
			Dev, Optional    bool
		}
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		return nil, err
	}
	var list []source
	for dir, p := range lock.Packages {
		if dir == "" || p.Dev || p.Optional {
			continue
		}
		name := dir[strings.LastIndex(dir, "node_modules/")+len("node_modules/"):]
		list = append(list, source{Path: name, Version: p.Version, Dir: dir, Licence: p.License})
	}
	return sorted(list), nil
}

func sorted(list []source) []source {
	slices.SortFunc(list, func(a, b source) int {
		return strings.Compare(a.Path+" "+a.Version, b.Path+" "+b.Version)
	})
	return slices.CompactFunc(list, func(a, b source) bool { return a.Path == b.Path && a.Version == b.Version })
}
