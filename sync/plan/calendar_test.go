package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
	"github.com/handoffd/handoffd/sync/plan/plantest"
)

// starterRules are those of the starter pack, writing.
func starterRules(t *testing.T) *plan.Rules {
	t.Helper()
	return plantest.Starter(t).Writing(t).Rules(t)
}

// customer is a company of old, read at an instant.
func customer(at time.Time, more ...string) state.Record {
	r := company("hubspot", "7", map[string]string{"name": "Initrode", "domain": "initrode.example", "is_customer": "yes"})
	r.ModifiedAt, r.Version, r.Asked = at, at.Format(time.RFC3339), "same"
	for i := 0; i < len(more); i += 2 {
		r.Fields[more[i]] = more[i+1]
	}
	return r
}

func looks(r state.Record, at time.Time) plan.Observed {
	return plan.Observed{Record: r, Via: "poll", Came: at, Read: at}
}

// TestListedIsTheBaseline: what a record said when it was only listed is
// history, and what it says since is a signal, also at its first reading (1.36,
// 1.76).
func TestListedIsTheBaseline(t *testing.T) {
	t.Parallel()
	r := starterRules(t)
	other := func(r state.Record) state.Record { r.Asked = "other"; return r }
	later := monday.Add(time.Hour)
	tests := []struct {
		name        string
		listed, now state.Record
		want        int
	}{
		{"it says so since", customer(monday), customer(later, "expansion_signal", "A second country"), 1},
		{"it said so before", customer(monday, "expansion_signal", "A second country"), customer(later, "expansion_signal", "A second country", "segment", "x"), 0},
		{"it says something else since", customer(monday, "expansion_signal", "One"), customer(later, "expansion_signal", "Two"), 1},
		{"nobody asked for that field then", other(customer(monday)), customer(later, "expansion_signal", "A second country"), 0},
		{"it has become a customer since", customer(monday, "is_customer", "no", "expansion_signal", "One"), customer(later, "expansion_signal", "One"), 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.add(test.listed)
			w.decide(t, r, later, looks(test.now, later))
			if len(w.handoffs) != test.want {
				t.Errorf("%d handoffs, want %d", len(w.handoffs), test.want)
			}
		})
	}
}

// TestCalendarStarts: a date that comes within reach starts a handoff without
// anything happening in the CRM, once, from that instant (1.36).
func TestCalendarStarts(t *testing.T) {
	t.Parallel()
	r := starterRules(t)
	on := monday.Add(91 * 24 * time.Hour)
	due := time.Date(on.Year(), on.Month(), on.Day(), 0, 0, 0, 0, time.UTC).Add(-90 * 24 * time.Hour)
	rec := customer(monday, "renewal_on", on.Format(time.DateOnly))
	w := newWorld()
	w.add(rec)
	for _, set := range r.Wakings(rec, monday) {
		w.timers[set.ID] = set
	}
	if got := w.ticking("calendar"); got != 1 {
		t.Fatalf("%d timers of a record that was listed, want 1", got)
	}
	w.fireRecords(t, r, due.Add(-time.Second))
	if len(w.handoffs) != 0 {
		t.Fatal("it started early")
	}
	w.fireRecords(t, r, due)
	h := w.only(t)
	if !h.Signals[0].At.Equal(due) {
		t.Errorf("its clocks count from %s, want %s", h.Signals[0].At, due)
	}
	again := due.Add(time.Hour)
	if w.decide(t, r, again, looks(customer(again, "renewal_on", on.Format(time.DateOnly), "segment", "x"), again)); len(w.handoffs) != 1 {
		t.Error("it started a second time")
	}

	moved := newWorld()
	moved.decide(t, r, monday, looks(rec, monday))
	far := monday.Add(time.Hour)
	moved.decide(t, r, far, looks(customer(far, "renewal_on", "2027-06-15"), far))
	moved.fireRecords(t, r, due)
	if len(moved.handoffs) != 0 || moved.ticking("calendar") != 1 {
		t.Errorf("%d handoffs and %d timers, want none and one of next year", len(moved.handoffs), moved.ticking("calendar"))
	}
	gone := due.Add(time.Hour)
	moved.decide(t, r, gone, looks(customer(gone), gone))
	if moved.ticking("calendar") != 0 {
		t.Error("a date that was taken out still has its timer")
	}
}
