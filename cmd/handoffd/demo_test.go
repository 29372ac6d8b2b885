package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/handoffd/handoffd/state"
)

// lived are handoffs to which everything has happened that the demo shows.
func lived() shot {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	in := func(s int) time.Time { return at.Add(time.Duration(s) * time.Second) }
	s := shot{buyers: map[string]string{}}
	for _, h := range []state.Handoff{
		{ID: "a", Stage: state.Completed, Owner: "ben@example.com", AcceptedBy: "ben@example.com", AcceptedAt: in(20), TouchedAt: in(22), ClosedAt: in(23), Late: map[string]time.Time{"accept": in(11)}, Holders: []state.Holder{{Who: "ana@example.com", Until: in(15), Why: "backup took over"}}},
		{ID: "b", Stage: state.Returned, Owner: "ana@example.com", ClosedAt: in(9), Returned: &state.Return{By: "ana@example.com", Reason: "Wrong territory", Note: "she sits in another country and has said so more than once", At: in(9)}},
		{ID: "c", Stage: state.Returned, Owner: "ana@example.com", ClosedAt: in(12), Returned: &state.Return{By: "cleo@example.com", At: in(12)}},
		{ID: "d", Stage: state.Assigned, Owner: "bartholomew@example.com"},
	} {
		h.Type, h.DetectedAt, h.AssignedAt = "demo_request_salesforce_and_more", at, in(1)
		s.handoffs = append(s.handoffs, h)
		s.buyers[h.ID] = "Dana Ito-Featherstonehaugh, The Very Long Name Company"
	}
	s.buyers["a"] = "Dana Ito, Acme"
	return s
}

// TestLiveTable: the whole life is seen at a glance, on a terminal of 80 columns and
// 24 lines, and nothing of it moves up or down.
func TestLiveTable(t *testing.T) {
	t.Parallel()
	full, empty := lived().table("handoffd demo", 4, 0.5, 1), shot{}.table("handoffd demo", 0, 0, 0)
	if len(full) != len(empty) || len(full) > 23 {
		t.Errorf("%d lines, %d with nothing to show", len(full), len(empty))
	}
	for _, line := range full {
		if n := utf8.RuneCountInString(line); n > liveWidth {
			t.Errorf("%d columns: %s", n, line)
		}
	}
	all := strings.Join(full, "\n")
	for _, want := range []string{
		"1 accepted, 2 returned, 1 late, 1 taken over, 1 completed",
		"ben took up Dana Ito, Acme after 19.0 s", "ana gave back", "ana did not accept Dana Ito, Acme in time",
		"ben has Dana Ito, Acme in place of ana", "Dana Ito, Acme, 23.0 s after the form",
	} {
		if !strings.Contains(all, want) {
			t.Errorf("not shown: %s in\n%s", want, all)
		}
	}
}

// TestDemoLines: in a pipe everything that happens is one line, once.
func TestDemoLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := &screen{out: &out, mode: "lines", told: map[string]bool{}}
	shot := lived()
	s.lines(shot)
	first := strings.Count(out.String(), "\n")
	s.lines(shot)
	if again := strings.Count(out.String(), "\n"); again != first {
		t.Errorf("%d lines, and %d more the second time:\n%s", first, again-first, out.String())
	}
	if first != 4+5+1+1 {
		t.Errorf("%d lines:\n%s", first, out.String())
	}
	shot.handoffs[3].AcceptedAt, shot.handoffs[3].AcceptedBy = shot.handoffs[3].AssignedAt.Add(time.Second), "bartholomew@example.com"
	s.lines(shot)
	if got := strings.Count(out.String(), "\n"); got != first+1 || !strings.Contains(out.String(), "bartholomew took up") {
		t.Errorf("what is new is not told: %s", out.String())
	}
}
