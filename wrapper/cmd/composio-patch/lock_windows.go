package main

import (
	"os"

	"golang.org/x/sys/windows"
)

// lock takes a lock on the file that ends with the process, if no other has it. It is on a byte far behind the end, since
// Windows lets nobody else read what is locked.
func lock(file *os.File) bool {
	return windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1 << 30}) == nil
}
