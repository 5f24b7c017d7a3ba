package main

import (
	"runtime"
	"slices"
	"syscall"
	"time"
)

// measure returns how long f took, and how much processor time this process used meanwhile, the garbage collector's
// share included.
func measure(f func() error) (wall, cpu time.Duration, err error) {
	runtime.GC() // nobody pays for the garbage of the one before
	usedBefore, err := processorTime()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return 0, 0, err
	}
	wall = time.Since(start)
	usedAfter, err := processorTime()
	return wall, usedAfter - usedBefore, err
}

func processorTime() (time.Duration, error) {
	var usage syscall.Rusage
	err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), err
}

// takeTurns returns all, begun with another one in each turn, so that none always has the same one before it.
func takeTurns[T any](all []T, turn int) []T {
	first := turn % len(all)
	return slices.Concat(all[first:], all[:first])
}
