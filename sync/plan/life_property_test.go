package plan_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestAnyLife: whatever people, clocks and CRMs do to a buyer's handoffs, at every
// instant each open one has exactly one who answers for it and a record carries at
// most one open one of a type; a deadline moves only with a row of the trail that
// names who has it and why, and later only where it counts anew (1.73, 0.12, A4, A5).
func TestAnyLife(t *testing.T) {
	t.Parallel()
	r := writing(t, edit(t, "teams.yaml", "# at_most: 12 ", "at_most: 3 "))
	lived := map[state.Stage]int{}
	rapid.Check(t, func(t *rapid.T) {
		w, now := randomWorld(t), monday
		for n := range rapid.IntRange(2, 9).Draw(t, "events") {
			before, trail := maps.Clone(w.handoffs), len(w.audit)
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "later")) * time.Minute)
			anything(t, w, r, now, n)
			for id, h := range w.handoffs {
				sane(t, h)
				lived[h.Stage]++
				moved(t, before[id], h, w.audit[trail:])
			}
			oneOpen(t, w.handoffs)
		}
	})
	for _, stage := range []state.Stage{state.Accepted, state.Returned, state.Superseded} {
		if lived[stage] == 0 {
			t.Errorf("no handoff was ever %s: %v", stage, lived)
		}
	}
}

// anything is one thing that happens: a form, a timer, an answer, or what a person
// does to the record or about it.
func anything(t *rapid.T, w *world, r *plan.Rules, now time.Time, n int) {
	ids := slices.Sorted(maps.Keys(w.handoffs))
	switch what := rapid.IntRange(0, 6).Draw(t, "what"); {
	case what == 0 || len(ids) == 0:
		observeRandom(t, w, r, now, n+10)
	case what == 1:
		for _, timer := range w.due(now) {
			w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: rapid.Bool().Draw(t, "fresh"), Unheard: rapid.Bool().Draw(t, "unheard")})
			delete(w.timers, timer.ID)
		}
	case what == 2:
		for _, key := range slices.Sorted(maps.Keys(w.intents)) {
			if i, waits := w.intents[key]; waits {
				deliverRandom(t, w, r, now, i)
			}
		}
	case what == 3:
		stands(t, w, r, now)
	case what == 4:
		h := w.handoffs[rapid.SampledFrom(ids).Draw(t, "handoff")]
		call := did(rapid.SampledFrom([]string{"call", "email", "task", "meeting"}).Draw(t, "kind"), "u-"+rapid.SampledFrom(everyone()).Draw(t, "by"), now)
		w.decide(t, r, now, plan.Observed{Record: act(r, fmt.Sprint("calls-", n), call, h.Record), Via: "poll", Came: now})
	default:
		edited(t, w, r, now, n, w.handoffs[rapid.SampledFrom(ids).Draw(t, "handoff")])
	}
}

// edited is a person who changes the record that carries a handoff.
func edited(t *rapid.T, w *world, r *plan.Rules, now time.Time, n int, h state.Handoff) {
	stands(t, w, r, now)
	h = w.handoffs[h.ID]
	rec, ok := w.records[h.Target]
	if !ok || rec.Deleted {
		return
	}
	rec.Fields = fields(rec, "owner", "u-"+strings.TrimSuffix(h.Owner, "@example.com"), "handoff_id", h.ID, "handoff_status", "Assigned")
	switch rapid.IntRange(0, 5).Draw(t, "edit") {
	case 4, 5: // the buyer comes again, and who gives may hand over again, in one reading
		rec.Fields["last_form"], rec.Fields["last_form_at"] = rapid.SampledFrom([]string{"A: Demo request", "B: Contact sales"}).Draw(t, "again"), now.Format(time.RFC3339)
	case 0:
		rec.Fields["handoff_status"] = "Accepted"
	case 1:
		rec.Fields["handoff_status"] = "Returned"
		rec.Fields["handoff_return_reason"] = rapid.SampledFrom([]string{"", "Wrong territory"}).Draw(t, "reason")
	case 2:
		rec.Fields["owner"] = "u-" + rapid.SampledFrom(everyone()).Draw(t, "new owner")
	}
	rec.Version, rec.ModifiedAt = fmt.Sprint(n+10), now
	w.decide(t, r, now, plan.Observed{Record: rec, Via: "webhook", Came: now, Read: now})
}

// stands has the CRMs take all that waits.
func stands(t *rapid.T, w *world, r *plan.Rules, now time.Time) {
	for _, key := range slices.Sorted(maps.Keys(w.intents)) {
		i, waits := w.intents[key]
		if !waits {
			continue
		}
		delete(w.intents, key)
		d := plan.Delivered{Intent: i, Ref: i.Write.Ref, Version: "1"}
		if d.Ref.ID == "" {
			d.Ref.ID = "new-" + key[:5]
		}
		w.decide(t, r, now, d)
	}
}

// moved holds the deadlines of a handoff that is open still.
func moved(t failer, was, h state.Handoff, trail []state.AuditRow) {
	if was.ID == "" || !was.Stage.Open() || was.Stage == state.Queued || was.Stage == state.Held {
		return
	}
	told := slices.ContainsFunc(trail, func(row state.AuditRow) bool {
		return row.Subject == h.ID && (row.Detail["owner"] != "" || row.Detail["because"] != "" || row.Detail["why"] != "" || row.Detail["tier"] != "")
	})
	is, had := deadlines(h), deadlines(was)
	for clock, by := range had {
		now, there := is[clock]
		switch {
		case by.IsZero() || !there || now.Equal(by) || now.IsZero():
		case !told:
			t.Fatalf("%s of %s moved from %s to %s, and nobody is told why: %v", clock, h.ID, by, now, trail)
		case now.After(by) && clock != "no_activity":
			t.Fatalf("%s of %s moved later, from %s to %s: %v", clock, h.ID, by, now, trail)
		}
	}
}

func deadlines(h state.Handoff) map[string]time.Time {
	out := map[string]time.Time{"assign": h.AssignBy, "accept": h.AcceptBy, "touch": h.TouchBy}
	maps.Copy(out, h.Due)
	return out
}

// oneOpen holds that a record carries one open handoff of a type.
func oneOpen(t failer, handoffs map[string]state.Handoff) {
	seen := map[string]string{}
	for id, h := range handoffs {
		at := h.Type + " " + h.Record.String()
		if other := seen[at]; h.Stage.Open() && other != "" {
			t.Fatalf("%s and %s are open side by side: %s", other, id, at)
		}
		if h.Stage.Open() {
			seen[at] = id
		}
	}
}

// TestHandedOverTwice: what came back is handed over again while the buyer has come
// again and that handoff's write is on its way: there is one, not two (4.14).
func TestHandedOverTwice(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec := assigned(t, r)
	came := w.only(t)
	says := func(at time.Time, version string, pairs ...string) {
		rec.Version, rec.ModifiedAt = version, at
		rec.Fields = fields(rec, append([]string{"handoff_id", came.ID}, pairs...)...)
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "webhook", Came: at, Read: at})
	}
	at := monday.Add(5 * time.Minute)
	says(at, "5", "handoff_status", "Returned", "handoff_return_reason", "Wrong territory")
	w.done(t, r, at.Add(time.Second))
	again := at.Add(time.Hour)
	says(again, "6", "handoff_status", "Returned", "owner", "u-jo", "last_form_at", again.Format(time.RFC3339))
	says(again.Add(time.Second), "7", "handoff_status", "Assigned")
	oneOpen(t, w.handoffs)
	if len(w.handoffs) != 2 {
		t.Errorf("%d handoffs, want the returned one and the new one", len(w.handoffs))
	}
}
