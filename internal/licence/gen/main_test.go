package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"marelle/internal/licence"
)

func TestTheNoticesAreThoseOfTheDependencies(t *testing.T) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	want := []string{"Go "}
	linked, err := modules(root)
	if err != nil {
		t.Fatal(err)
	}
	if len(linked) == 0 {
		t.Fatal("the binary links no module")
	}
	for _, m := range linked {
		want = append(want, m.Path+" "+m.Version)
	}
	npm, err := bundled(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range npm {
		want = append(want, "npm:"+p.Path+" "+p.Version)
	}
	var got []string
	for _, n := range licence.List() {
		got = append(got, n.Name+" "+n.Version)
		if len(n.Text) < 100 || n.Licence == "" {
			t.Errorf("the notice of %s is %q, under %q", n.Name, n.Text, n.Licence)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("no notice of %s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("a notice of %s, which is not used", g)
		}
	}
	if t.Failed() {
		t.Log("run: npm ci && go generate ./internal/licence")
	}
}
