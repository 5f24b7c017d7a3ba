package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// lineSet is a set of line numbers.
type lineSet map[int]bool

// set puts a line in or takes it out.
func (s lineSet) set(line int, in bool) {
	if s[line] = in; !in {
		delete(s, line)
	}
}

// String lists the lines, in ranges.
func (s lineSet) String() string {
	var parts []string
	for _, line := range slices.Sorted(maps.Keys(s)) {
		if s[line-1] {
			continue
		}
		part, last := fmt.Sprint(line), line
		for s[last+1] {
			last++
		}
		if last > line {
			part = fmt.Sprintf("%d-%d", line, last)
		}
		if parts = append(parts, part); len(parts) == 20 {
			parts = append(parts, "…")
			break
		}
	}
	return strings.Join(parts, ", ")
}
