package main

import (
	"os"
	"testing"
)

// unraced skips a test under the race detector that takes minutes, or that
// tries processes which are not built with it. It finds nothing there that
// stories do not show it; .ci/run runs these in a step of their own.
func unraced(t *testing.T) {
	t.Helper()
	if raced {
		t.Skip("SKIPPED under -race: takes minutes; .ci/run runs it without")
	}
}

// long leaves a test out of a plain `go test`, which has ten minutes for all of them on
// whatever machine it runs. CHECK=all does everything, as .ci/run does, and so does a
// variable that says how much of it is wanted.
func long(t *testing.T, variable string) {
	t.Helper()
	if !checkAll() && os.Getenv(variable) == "" {
		t.Skip("SKIPPED: takes long; CHECK=all runs it, as .ci/run does")
	}
}

// checkAll reports whether nothing is to be left out: as .ci/run asks, or for
// the one story that is asked for.
func checkAll() bool { return os.Getenv("CHECK") == "all" || os.Getenv("STORY") != "" }
