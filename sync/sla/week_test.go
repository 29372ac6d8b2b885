package sla_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/mappings"
	"github.com/handoffd/handoffd/sync/sla"
)

// TestHoursInsideHours: of hours that hold others the day ends with the last.
func TestHoursInsideHours(t *testing.T) {
	t.Parallel()
	c := sla.Always().WithHours([]mappings.Hours{hours([]mappings.Span{span(9, 17), span(10, 11)}, 1, 2, 3, 4, 5)})
	monday := time.Date(2026, 3, 16, 9, 30, 0, 0, time.UTC)
	if got, want := c.EndOfDay(monday), time.Date(2026, 3, 16, 17, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("the day ends %s, want %s", got, want)
	}
	if got, want := c.Add(monday, amount(1, mappings.Week, true)), time.Date(2026, 3, 23, 17, 0, 0, 0, time.UTC); !got.Equal(want) {
		t.Errorf("a working week ends %s, want %s", got, want)
	}
}
