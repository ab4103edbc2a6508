// Package licence holds the notices of everybody else's work inside the binary:
// Go modules, and the npm packages (fonts, icons, scripts) that the bundles
// carry. They are generated; it knows nothing of where they are shown.
package licence

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:generate go run ./gen

//go:embed notices.json.gz
var packed []byte

// Notice is one work and the terms it comes under.
type Notice struct {
	Name    string // "modernc.org/sqlite", "npm:@fontsource/andika", "Go"
	Version string // "" for Go itself, which is whatever built the binary
	Licence string // SPDX identifier, or "see text"
	Text    string // the licence and notice files, whole
}

// List returns the notices by name. It unpacks them each time: they are read
// rarely and weigh more than a page.
func List() []Notice {
	list, err := unpack(packed)
	if err != nil {
		panic("licence: the embedded notices are damaged: " + err.Error()) // a test reads them
	}
	return list
}

// Text returns all of them as one plain text.
func Text() string {
	var b strings.Builder
	for _, n := range List() {
		title := strings.TrimSpace(n.Name + " " + n.Version)
		fmt.Fprintf(&b, "%s\n%s · %s\n%[1]s\n\n%[4]s\n\n", strings.Repeat("=", 72), title, n.Licence, strings.TrimSpace(n.Text))
	}
	return b.String()
}

func unpack(data []byte) ([]Notice, error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	var list []Notice
	err = json.NewDecoder(r).Decode(&list)
	return list, err
}
