package testapp

import (
	"archive/zip"
	"io"
	"strings"
	"testing"
)

// Entry is a file of a ZIP; a folder's name ends with a slash.
type Entry struct{ Name, Body string }

// Unzip reads a whole ZIP, in its order.
func Unzip(t testing.TB, body string) []Entry {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(body), int64(len(body)))
	if err != nil {
		t.Fatal(err)
	}
	out := make([]Entry, len(z.File))
	for i, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		out[i] = Entry{f.Name, string(b)}
	}
	return out
}
