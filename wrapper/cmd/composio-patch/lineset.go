package main

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// lineSet is a set of line numbers, one bit each.
type lineSet []uint64

func (s lineSet) has(line int) bool { return line/64 < len(s) && s[line/64]&(1<<(line%64)) != 0 }

// set puts a line in or takes it out.
func (s *lineSet) set(line int, in bool) {
	if s.has(line) == in {
		return
	}
	if missing := line/64 + 1 - len(*s); missing > 0 {
		*s = append(*s, slices.Repeat([]uint64{0}, missing)...)
	}
	(*s)[line/64] ^= 1 << (line % 64)
}

// String lists the lines, in ranges.
func (s lineSet) String() string {
	var parts []string
	for line := 1; line < 64*len(s); line++ {
		if !s.has(line) {
			continue
		}
		first := line
		for s.has(line + 1) {
			line++
		}
		part := fmt.Sprint(first)
		if line > first {
			part = fmt.Sprintf("%d-%d", first, line)
		}
		if parts = append(parts, part); len(parts) == 20 {
			parts = append(parts, "…")
			break
		}
	}
	return strings.Join(parts, ", ")
}

// count is how many lines the set has.
func (s lineSet) count() (n int) {
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
