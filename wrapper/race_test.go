//go:build race

package composio_test

// raceAllocations is what the race detector adds to the allocations of one call: under it a sync.Pool drops a part of
// what it is given.
const raceAllocations = 4
