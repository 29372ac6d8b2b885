package main

import (
	"time"

	"github.com/handoffd/handoffd/state"
)

// listLeave is the list of sources of absences that cannot be read. Like the
// fields that are missing it is not stored: it empties itself.
const listLeave = "leave"

// unreadLeave is what an admin should know of them: while they cannot be read
// what they said last counts.
func unreadLeave(tx state.Tx, now time.Time) []state.Listing {
	var out []state.Listing
	for _, s := range state.LeaveSources(tx) {
		if s.Error == "" {
			continue
		}
		text := "leave has never been read: " + s.Error
		if !s.ReadAt.IsZero() {
			text = "leave feed not read since " + s.ReadAt.UTC().Format(time.RFC3339) + ", and what it said then counts: " + s.Error
		}
		out = append(out, state.Listing{List: listLeave, Subject: s.Name, Text: text, Count: 1, First: s.Failed, Last: now})
	}
	return out
}
