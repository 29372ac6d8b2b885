package main

import "testing"

// unraced skips a test under the race detector that takes minutes, or that
// tries processes which are not built with it. It finds nothing there that
// stories do not show it; .ci/run runs these in a step of their own.
func unraced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("SKIPPED under -race: takes minutes; .ci/run runs it without")
	}
}
