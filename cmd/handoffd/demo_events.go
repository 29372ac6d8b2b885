package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/handoffd/handoffd/state"
)

// happening is something in the life of a handoff, as the demo tells it.
type happening struct {
	at   time.Time
	what string // one of stations, or another stage
	text string
	bare bool // there is little to see in it: a return without a reason
}

// stations are what a life passes through, in this order.
func stations() []string { return []string{"accepted", "returned", "late", "backup", "completed"} }

// happenings are what has become of a handoff since it was assigned, in order.
func happenings(h state.Handoff, buyer string) []happening {
	var out []happening
	add := func(at time.Time, what, format string, args ...any) {
		if !at.IsZero() {
			out = append(out, happening{at: at, what: what, text: fmt.Sprintf(format, args...)})
		}
	}
	add(h.AcceptedAt, "accepted", "%s took up %s after %s", name(h.AcceptedBy), buyer, span(h.AcceptedAt.Sub(h.AssignedAt)))
	for _, clock := range slices.Sorted(maps.Keys(h.Late)) {
		add(h.Late[clock], "late", "%s %s %s in time", name(ownerAt(h, h.Late[clock])), undone(clock), buyer)
	}
	for i, was := range h.Holders {
		next := h.Owner
		if i+1 < len(h.Holders) {
			next = h.Holders[i+1].Who
		}
		add(was.Until, "backup", "%s has %s in place of %s", name(next), buyer, name(was.Who))
	}
	add(h.TouchedAt, "touched", "%s has reached out to %s", name(h.Owner), buyer)
	if r := h.Returned; r != nil {
		add(r.At, "returned", "%s gave back %s: %s", name(r.By), buyer, returnReason(r))
		out[len(out)-1].bare = r.Reason == ""
	}
	if h.Stage == state.Completed {
		add(h.ClosedAt, "completed", "%s, %s after the form", buyer, span(h.ClosedAt.Sub(h.DetectedAt)))
	}
	slices.SortStableFunc(out, func(a, b happening) int { return a.at.Compare(b.at) })
	return out
}

// ownerAt is who had a handoff at an instant.
func ownerAt(h state.Handoff, at time.Time) string {
	for _, was := range h.Holders {
		if at.Before(was.Until) {
			return was.Who
		}
	}
	return h.Owner
}

func returnReason(r *state.Return) string {
	switch {
	case r.Reason != "" && r.Note != "":
		return r.Reason + " (" + r.Note + ")"
	case r.Reason != "" || r.Note != "":
		return r.Reason + r.Note
	case !r.Asked.IsZero():
		return "no reason given, and asked for one"
	}
	return "no reason given"
}

// undone is what has not happened when a clock runs out.
func undone(clock string) string {
	switch clock {
	case "accept":
		return "did not accept"
	case "first_touch":
		return "did not reach out to"
	}
	return "missed " + strings.ReplaceAll(clock, "_", " ") + " of"
}

// name is somebody's address without the part that all share.
func name(who string) string {
	if who == "" {
		return "nobody"
	}
	short, _, _ := strings.Cut(who, "@")
	return short
}

func span(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
