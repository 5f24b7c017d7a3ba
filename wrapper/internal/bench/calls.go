package main

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"
)

// makeCalls makes so many calls, by several callers at once, and returns how long each took, in seconds.
func makeCalls(call func() error, callers, calls int) ([]float64, error) {
	times := make([]float64, calls)
	errs := make([]error, callers)
	var begun atomic.Int64
	var wg sync.WaitGroup
	for caller := range callers {
		wg.Go(func() {
			for errs[caller] == nil {
				i := int(begun.Add(1)) - 1
				if i >= calls {
					return
				}
				start := time.Now()
				errs[caller] = call()
				times[i] = time.Since(start).Seconds()
			}
		})
	}
	wg.Wait()
	return times, cmp.Or(errs...) // where one call fails most do, for the same reason
}
