package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/sync/handoff"
	"github.com/handoffd/handoffd/sync/plan"
)

// renewal and confirming are a milestone each, after a date and before one.
const (
	renewal    = "milestones: [{at: 30 days after deal.closed_on, do: Plant the renewal, within: 2 working days}]"
	confirming = "milestones: [{at: 1 day before deal.meets_at, do: Confirm the meeting, who: giver}]"
)

// TestMilestoneOfWhoLeft: a milestone that nobody can be given is told of once, and does not
// fire for ever.
func TestMilestoneOfWhoLeft(t *testing.T) {
	t.Parallel()
	r, w := signing(t, "checklist: {}", renewal), newWorld()
	w.decide(t, r, monday, see(deal("1", "the_why", "Churn", "closed_on", "2026-03-16")))
	w.done(t, r, monday)
	over, err := handoff.Complete(accepted(t, w.of(t)), monday.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	w.handoffs[over.ID] = over
	for i := range w.users {
		if w.users[i].Email == over.Owner {
			w.users[i].Active = false
		}
	}
	now := over.Items[0].After
	for range 2 { // when its task is to be made, and when it is due
		w.fire(t, r, now, "item")
		now = over.Items[0].By
	}
	if n, late := w.ticking("item"), w.listed("checklist"); n != 0 || len(late) != 1 || w.audited("item late") != 1 {
		t.Errorf("%d timers are left; listed as late: %q", n, late)
	}
	for range 3 { // nor does a reading begin it anew
		w.decide(t, r, now.Add(time.Hour), plan.Observed{Record: deal("2", "the_why", "Churn", "closed_on", "2026-03-16"), Via: "poll", Came: now, Read: now})
		w.fire(t, r, now.Add(2*time.Hour), "item")
	}
	if n := w.audited("item late"); n != 1 || w.ticking("item") != 0 {
		t.Errorf("late %d times", n)
	}
}

// TestMilestoneUndated: a date that is taken out takes its milestone along, and one that is
// there again brings it back.
func TestMilestoneUndated(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		r, w := signing(t, "checklist: {}", confirming), newWorld()
		meets := monday.Add(72 * time.Hour)
		dated := []string{"the_why", "Churn", "meets_at", meets.Format(time.RFC3339)}
		w.decide(t, r, monday, see(deal("1", dated...)))
		w.done(t, r, monday)
		w.decide(t, r, monday.Add(time.Hour), see(deal("2", "the_why", "Churn")))
		want := 0
		if again {
			w.decide(t, r, monday.Add(2*time.Hour), see(deal("3", dated...)))
			want = 1
		}
		w.done(t, r, monday.Add(2*time.Hour))
		w.fire(t, r, meets.Add(-24*time.Hour), "item")
		if n := w.count("item "); n != want {
			t.Errorf("there again %v: %d tasks ask to confirm it", again, n)
		}
	}
}

// TestMilestoneMovedBack: a date that is moved to where it is over already asks for nothing
// that was to come before it, as one that was over from the start does.
func TestMilestoneMovedBack(t *testing.T) {
	t.Parallel()
	for _, again := range []bool{false, true} {
		r, w := signing(t, "checklist: {}", confirming), newWorld()
		meets := monday.Add(72 * time.Hour)
		on := func(at time.Time) []string { return []string{"the_why", "Churn", "meets_at", at.Format(time.RFC3339)} }
		w.decide(t, r, monday, see(deal("1", on(meets)...)))
		w.done(t, r, monday)
		w.decide(t, r, monday.Add(2*time.Hour), see(deal("2", on(monday.Add(time.Hour))...)))
		want := 0
		if again {
			w.decide(t, r, monday.Add(3*time.Hour), see(deal("3", on(meets)...)))
			want = 1
		}
		w.done(t, r, monday.Add(3*time.Hour))
		w.fire(t, r, meets.Add(-24*time.Hour), "item")
		if n := w.count("item "); n != want || len(w.listed("checklist")) != 0 {
			t.Errorf("moved on again %v: %d tasks, late %q", again, n, w.listed("checklist"))
		}
	}
}
