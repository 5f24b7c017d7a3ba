//go:build !race

package composio_test

// raceAllocations is nothing without the race detector: allocations are exact.
const raceAllocations = 0
