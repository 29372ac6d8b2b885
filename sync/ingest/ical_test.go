package ingest

import (
	"bytes"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/state/bolt"
	"github.com/handoffd/handoffd/sync/engine"
)

func aReader() feedReader {
	return feedReader{who: "ana@example.com", zone: time.UTC, from: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), until: time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)}
}

// TestWholeDaysByDuration (1.88): days of leave may be said by how many they are
// instead of by their end (RFC 5545, 3.6.1).
func TestWholeDaysByDuration(t *testing.T) {
	t.Parallel()
	for said, days := range map[string]int{"P5D": 5, "P2W": 14, "P1D": 1, "PT0S": 1} {
		got, err := aReader().absences(calendarOf("DTSTART;VALUE=DATE:20260316\nDURATION:" + said))
		if err != nil || len(got) != 1 || got[0].Until.Sub(got[0].From) != time.Duration(days)*24*time.Hour {
			t.Errorf("%s: %v, %v", said, got, err)
		}
	}
}

// TestCutFeed (1.88): what breaks off is not taken for all there is.
func TestCutFeed(t *testing.T) {
	t.Parallel()
	raw := calendarOf("DTSTART;VALUE=DATE:20260316", "DTSTART;VALUE=DATE:20260320")
	at := bytes.LastIndex(raw, []byte("BEGIN:VEVENT"))
	for _, part := range [][]byte{raw[:at], raw[:at+20], raw[:len(raw)-18]} {
		if got, err := aReader().absences(part); err == nil {
			t.Errorf("%d of %d bytes are taken for a feed with %d absences", len(part), len(raw), len(got))
		}
	}
}

// TestEndlessRules (1.88): a small feed does not keep the daemon busy for minutes.
func TestEndlessRules(t *testing.T) {
	t.Parallel()
	r, began := aReader(), time.Now()
	r.by = began.Add(time.Second)
	_, err := r.absences(calendarOf(slices.Repeat([]string{"DTSTART;VALUE=DATE:00020101\nRRULE:FREQ=DAILY;UNTIL=20250101"}, 100)...))
	if err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// TestFeedInAnotherZone (1.88): a feed that has not changed is read anew where the
// person lives by another clock now: their days begin at another time.
func TestFeedInAnotherZone(t *testing.T) {
	t.Parallel()
	store, err := bolt.Open(filepath.Join(t.TempDir(), "s.db"), bolt.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 3, 16, 12, 0, 0, 0, time.UTC)
	book := engine.NewBook(rulesWithFeed(t, "ANA_FEED"))
	f := &Feeds{
		Store: store, Book: book, Wall: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler), tried: map[string]time.Time{},
		Lookup: func(name string) (string, bool) { return "https://cal.example/a.ics", name == "ANA_FEED" },
		Transport: webOf(func(r *http.Request) (int, string, string) {
			if r.Header.Get("If-None-Match") == `"1"` {
				return http.StatusNotModified, "", ""
			}
			return http.StatusOK, `"1"`, string(calendarOf("DTSTART;VALUE=DATE:20260320"))
		}),
	}
	for _, want := range []int{4, 0} { // New York, then London: midnight in UTC
		if err := f.round(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = store.View(t.Context(), func(tx state.Tx) error {
			for _, l := range state.LeaveOf(tx, "ana@example.com", now) {
				if got := l.Away[0].From.Hour(); got != want {
					t.Errorf("leave begins at %d:00 UTC, want %d:00", got, want)
				}
			}
			return tx.Err()
		})
		now = now.Add(16 * time.Minute)
		book.Swap(leaveFolder(t).Replace(t, "people.yaml", anasLine, strings.Replace(anasLine, "us_east", "uk", 1)+", leave_feed: ANA_FEED").Rules(t))
	}
}
