package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"marelle/internal/licence"
)

// version is set by the release build (-ldflags "-X main.version=…").
var version = ""

type versionCmd struct {
	Licences bool `help:"Écrire les licences de tout ce que contient le programme."`
}

// Run prints the version, or the notices that the program must travel with.
func (c *versionCmd) Run() error {
	if c.Licences {
		_, err := fmt.Print(licence.Text())
		return err
	}
	fmt.Printf("marelle %s, %s %s/%s\n", release(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

// release is the version of the build: the release's, else the commit's.
func release() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "dev"
	}
	commit, dirty := "", ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value[:min(12, len(s.Value))]
		case s.Key == "vcs.modified" && s.Value == "true":
			dirty = "+"
		}
	}
	if commit == "" {
		return "dev"
	}
	return "dev-" + commit + dirty
}
