//go:build unix

package main

import (
	"os"

	"golang.org/x/sys/unix"
)

// lock takes a lock on the file that ends with the process, if no other has it.
func lock(file *os.File) bool { return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil }
