package main

import (
	"strconv"
	"testing"
)

// TestDangerous: an edit waits that would have changed more than two in a
// hundred handoffs, and five at least (F3).
func TestDangerous(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		differ, of int
		want       bool
	}{
		{0, 100, false},
		{4, 4, false}, // of a handful
		{5, 5, true},
		{5, 249, true},
		{5, 250, false}, // two in a hundred
		{6, 250, true},
	} {
		e := effect{}
		for n := range tc.of {
			e[strconv.Itoa(n)] = n < tc.differ
		}
		if got := e.dangerous(); got != tc.want {
			t.Errorf("%d of %d: waits %v, want %v", tc.differ, tc.of, got, tc.want)
		}
	}
}
