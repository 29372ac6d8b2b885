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

// every4th leaves three in four of what takes minutes out of a plain `go test`,
// which has ten minutes. CHECK=all does everything, as .ci/run does.
func every4th(t *testing.T, n int) {
	t.Helper()
	if !checkAll() && n%4 != 0 {
		t.Skip("SKIPPED: one in four is done without CHECK=all, with which .ci/run does all")
	}
}

// checkAll reports whether nothing is to be left out: as .ci/run asks, or for
// the one story that is asked for.
func checkAll() bool { return os.Getenv("CHECK") == "all" || os.Getenv("STORY") != "" }
