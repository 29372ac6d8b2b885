package main

import "testing"

// unraced skips a test of minutes under the race detector, which would make
// tens of minutes of it and finds nothing there that stories do not show it:
// .ci/run runs these in a step of their own.
func unraced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("SKIPPED under -race: takes minutes; .ci/run runs it without")
	}
}
