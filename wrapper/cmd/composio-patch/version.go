package main

import (
	"fmt"
	"runtime/debug"
)

type versionCmd struct{}

func (versionCmd) Run(std *stdio) error {
	std.outf("%s\n", version())
	return nil
}

// version returns the module, its version and that of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return name + ", built without module information"
	}
	return fmt.Sprintf("%s %s %s, %s", name, info.Main.Path, info.Main.Version, info.GoVersion)
}
