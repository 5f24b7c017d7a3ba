package main

import (
	"errors"
	"fmt"

	composio "example.com/composio/wrapper"
)

// The exit statuses. Where several would fit, the first of these counts: unknown, usage, failed, output.
const (
	exitDone    = 0
	exitFailed  = 1 // not applied, refused or unreachable
	exitUsage   = 2 // wrong usage or refused locally
	exitUnknown = 3 // the update may have been applied
	exitOutput  = 4 // all is done, but what was to be printed could not be
)

// exitHelp is a part of the help.
const exitHelp = `Exit status:
  0  done
  1  not applied: refused by Composio, or Composio was not reached
  2  wrong usage, or refused before anything was sent
  3  outcome unknown: the update may have been applied
  4  done, but the output could not be written`

// problem is an error of the command's own, of which the wrapper knows nothing.
type problem struct {
	status int
	text   string // each line is a problem of its own; "" if all has been said
	fix    string // "" for a reference to the command's help
}

func (p *problem) Error() string { return p.text }

// usagef returns the error of a command line that makes no sense.
func usagef(format string, args ...any) error {
	return &problem{exitUsage, fmt.Sprintf(format, args...), ""}
}

// exitStatus is the status for an error of the wrapper's.
func exitStatus(e *composio.Error) int {
	switch {
	case errors.Is(e, composio.ErrOutcomeUnknown):
		return exitUnknown
	case errors.Is(e, composio.ErrInvalid):
		return exitUsage
	}
	return exitFailed
}
