package main

import (
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// versionCmd prints what this is. As a flag it also ends the command.
type versionCmd struct{}

func (versionCmd) Run(std *stdio) error {
	std.outf("%s\n", version())
	return nil
}

type versionFlag bool

// BeforeReset is called by kong as soon as it meets the flag.
func (versionFlag) BeforeReset(app *kong.Kong, std *stdio) error {
	app.Exit(exitDone)
	return versionCmd{}.Run(std)
}

// version returns the module, its version and that of Go.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return name + ", built without module information"
	}
	return fmt.Sprintf("%s %s %s, %s", name, info.Main.Path, info.Main.Version, info.GoVersion)
}
