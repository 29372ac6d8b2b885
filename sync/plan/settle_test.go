package plan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// fire plays what is due at an instant: the record is read anew, then the timer
// speaks.
func (w *world) fireRecords(t *testing.T, r *plan.Rules, now time.Time) {
	t.Helper()
	for id, due := range w.timers {
		if due.Record.IsZero() || due.Due.After(now) {
			continue
		}
		ev := see(w.records[due.Record])
		ev.Via, ev.Came = "timer", now
		delete(w.timers, id)
		w.decide(t, r, now, ev)
		w.decide(t, r, now, plan.Fired{Timer: due, Fresh: true})
	}
}

// TestSettles: what somebody types by hand starts when it has rested, and its
// clock counts from the signal; a form starts at once.
func TestSettles(t *testing.T) {
	t.Parallel()
	rules := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write\nsources:\n  - {name: typed by hand, if: {person.source: CRM_UI}, wait: 2 minutes}"))
	save := func(at time.Time, more ...string) plan.Observed {
		r := demo("51", "dana@acme.com", append([]string{"source", "CRM_UI"}, more...)...)
		r.ModifiedAt, r.Version = at, at.Format(time.RFC3339)
		ev := see(r)
		ev.Came = at
		return ev
	}
	t.Run("it starts once it rests", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.decide(t, rules, monday, save(monday))
		w.decide(t, rules, monday.Add(time.Minute), save(monday.Add(time.Minute), "country", "GB"))
		w.fireRecords(t, rules, monday.Add(2*time.Minute))
		if len(w.handoffs) != 0 {
			t.Fatal("it started while it was typed")
		}
		w.fireRecords(t, rules, monday.Add(3*time.Minute))
		h := w.only(t)
		if h.Owner != "isla@example.com" {
			t.Errorf("%s has it, want who has the country typed last", h.Owner)
		}
		if want := monday.Add(-time.Minute); !h.Signals[0].At.Equal(want) {
			t.Errorf("the clock counts from %s, want the signal at %s", h.Signals[0].At, want)
		}
	})
	t.Run("what was typed and taken back starts nothing", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.decide(t, rules, monday, save(monday))
		w.decide(t, rules, monday.Add(time.Minute), save(monday.Add(time.Minute), "last_form", "Newsletter"))
		w.fireRecords(t, rules, monday.Add(5*time.Minute))
		if len(w.handoffs) != 0 {
			t.Fatal("it started")
		}
	})
	t.Run("a record that never rests is taken all the same", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		at := monday
		for len(w.handoffs) == 0 && at.Before(monday.Add(time.Hour)) {
			at = at.Add(time.Minute)
			w.decide(t, rules, at, save(at, "title", at.String()))
		}
		if took := at.Sub(monday); took > 20*time.Minute {
			t.Errorf("it started after %s", took)
		}
	})
	t.Run("a form does not wait", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.decide(t, rules, monday, see(demo("51", "dana@acme.com", "source", "ORGANIC_SEARCH")))
		w.only(t)
	})
	t.Run("a record that cannot be read is tried again, not for ever", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.decide(t, rules, monday, save(monday))
		n := 0
		for ; len(w.timers) > 0 && n < 1000; n++ {
			for id, due := range w.timers {
				delete(w.timers, id)
				w.decide(t, rules, due.Due, plan.Fired{Timer: due})
			}
		}
		if n < 10 || n >= 1000 || len(w.listings) == 0 {
			t.Errorf("tried %d times, listings %v", n, w.listings)
		}
	})
}

// TestImportsHavePace: of a bulk list so many start a day, the oldest first,
// at the tier of imports; the others wait and are listed (1.69, 1.70).
func TestImportsHavePace(t *testing.T) {
	t.Parallel()
	rules := writing(t, edit(t, "handoffd.yaml", "mode: observe", "mode: write\nimports: {when: {person.source: IMPORT}, use_tier: medium_intent, at_most: 2 a day}"))
	w := newWorld()
	for i := range 5 {
		r := demo(fmt.Sprint(i), fmt.Sprintf("p%d@firm%d.example", i, i), "source", "IMPORT")
		w.decide(t, rules, monday.Add(time.Duration(i)*time.Second), see(r))
	}
	listed := 0
	for _, l := range w.listings {
		if l.List == "imports" {
			listed++
		}
	}
	if listed != 3 {
		t.Errorf("%d are listed, want 3", listed)
	}
	var got []string
	for day := range 4 {
		now := monday.AddDate(0, 0, day)
		if day > 0 {
			now = now.Truncate(24 * time.Hour)
			w.fireRecords(t, rules, now)
		}
		// Looking again in between starts nothing and books no second turn.
		for i := range 5 {
			r := demo(fmt.Sprint(i), fmt.Sprintf("p%d@firm%d.example", i, i), "source", "IMPORT", "title", fmt.Sprint(day))
			w.decide(t, rules, now.Add(time.Minute), see(r))
		}
		ids := ""
		for i := range 5 {
			for _, h := range w.handoffs {
				if h.Record.ID == fmt.Sprint(i) {
					ids += h.Record.ID
					if h.Tier != "medium_intent" {
						t.Errorf("%s has the tier %s", h.Record, h.Tier)
					}
				}
			}
		}
		got = append(got, ids)
	}
	if diff := cmp.Diff([]string{"01", "0123", "01234", "01234"}, got); diff != "" {
		t.Errorf("started after each day (-want +got):\n%s", diff)
	}
	// Who is no import never waits.
	w.decide(t, rules, monday.Add(time.Hour), see(demo("99", "dana@acme.com")))
	if hs := w.Handoffs(demo("99", "").Ref); len(hs) != 1 || hs[0].Stage != state.Assigned {
		t.Errorf("a form among imports: %v", hs)
	}
}
