package main

import (
	"syscall"
	"time"
)

// measure returns how long f took, and how much processor time this process used meanwhile. That includes the garbage
// collector, which runs when it has to, as in a service: a call that leaves more garbage pays for it.
func measure(f func() error) (wall, cpu time.Duration, err error) {
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
