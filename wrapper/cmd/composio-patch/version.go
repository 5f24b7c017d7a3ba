package main

import (
	"fmt"
	"runtime/debug"

	"github.com/alecthomas/kong"
)

// versionFlag prints what this is and ends the command.
type versionFlag bool

// BeforeReset is called by kong as soon as it meets the flag.
func (versionFlag) BeforeReset(app *kong.Kong, std *stdio) error {
	std.outf("%s\n", version())
	app.Exit(exitDone)
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
