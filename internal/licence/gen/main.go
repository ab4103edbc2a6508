// Command gen writes internal/licence/notices.json.gz from the module cache and
// from node_modules: run `npm ci && go generate ./internal/licence` after a
// change of dependencies. It knows nothing of what is done with the notices.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"marelle/internal/licence"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("licence/gen: ", err)
	}
}

func run() error {
	out, err := exec.Command("go", "env", "GOMOD", "GOROOT").Output()
	if err != nil {
		return err
	}
	lines := strings.Split(string(out), "\n")
	root, goroot := filepath.Dir(lines[0]), lines[1]
	golang, spdx, err := texts(goroot)
	if err != nil {
		return err
	}
	list := []licence.Notice{{Name: "Go", Licence: spdx, Text: golang}}
	linked, err := modules(root)
	if err != nil {
		return err
	}
	for _, m := range linked {
		text, spdx, err := texts(m.Dir)
		if err != nil {
			return err
		}
		list = append(list, licence.Notice{Name: m.Path, Version: m.Version, Licence: spdx, Text: text})
	}
	npm, err := bundled(root)
	if err != nil {
		return err
	}
	for _, p := range npm {
		text, spdx, err := texts(filepath.Join(root, p.Dir))
		if err != nil {
			return fmt.Errorf("%w (has npm ci run?)", err)
		}
		list = append(list, licence.Notice{Name: "npm:" + p.Path, Version: p.Version, Licence: cmp.Or(p.Licence, spdx), Text: text})
	}
	slices.SortFunc(list, func(a, b licence.Notice) int { return strings.Compare(a.Name, b.Name) })

	var packed bytes.Buffer
	zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression) // no name, no date: the same bytes each time
	if err != nil {
		return err
	}
	err = json.NewEncoder(zip).Encode(list)
	if err = errors.Join(err, zip.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "internal/licence/notices.json.gz"), packed.Bytes(), 0o644)
}

var isNotice = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-.][a-z0-9_-]+)*(\.(md|txt))?$`)

// texts joins the licence files of a folder, by name; the first ("LICENSE", then
// "LICENSE-3RD-PARTY.md") gives the licence of the work itself.
func texts(dir string) (text, spdx string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", "", err
	}
	var parts []string
	for _, e := range entries {
		if e.IsDir() || !isNotice.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") || strings.Contains(e.Name(), "LOGO") {
			continue
		}
		f, err := os.Open(filepath.Join(dir, e.Name()))
		if err != nil {
			return "", "", err
		}
		text, err := io.ReadAll(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return "", "", err
		}
		parts = append(parts, strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")))
	}
	if len(parts) == 0 {
		return "", "", fmt.Errorf("%s has no licence file", dir)
	}
	return strings.Join(parts, "\n\n"), name(parts[0]), nil
}

// name tells the licence from the words that only its text has.
func name(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, l := range []struct{ spdx, words string }{
		{"Apache-2.0", "Apache License Version 2.0"},
		{"MPL-2.0", "Mozilla Public License Version 2.0"},
		{"MPL-2.0", "Mozilla Public License, version 2.0"},
		{"OFL-1.1", "SIL OPEN FONT LICENSE"},
		{"BSD-3-Clause", "Neither the name"},
		{"BSD-3-Clause", "The names of its contributors may not be used"},
		{"BSD-3-Clause", "may be used to endorse or promote"},
		{"BSD-2-Clause", "Redistribution and use in source and binary forms"},
		{"MIT", "Permission is hereby granted, free of charge"},
		{"ISC", "Permission to use, copy, modify, and/or distribute"},
		{"CC0-1.0", "CC0 1.0 Universal"},
		{"Unlicense", "This is free and unencumbered software"},
	} {
		if strings.Contains(text, l.words) {
			return l.spdx
		}
	}
	return "see text"
}
