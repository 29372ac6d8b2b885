package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// ordered is a world in which ana has had a handoff for a while, and an operator has
// given it to cleo, whose write has not been answered.
func ordered(t *testing.T, r *plan.Rules) (*world, state.Record, state.Intent) {
	t.Helper()
	w, rec := unmoved(t, r)
	w.decide(t, r, monday.Add(5*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
	i, writes := w.steps()["reassign"]
	if !writes || i.Write.Set["hubspot_owner_id"] != "u-cleo" {
		t.Fatalf("written: %v", w.steps())
	}
	return w, rec, i
}

// ownerWrites are the writes of the owner that wait.
func (w *world) ownerWrites() []state.Intent {
	var out []state.Intent
	for _, i := range w.intents {
		if _, sets := i.Write.Set["hubspot_owner_id"]; sets {
			out = append(out, i)
		}
	}
	return out
}

// TestOrderedTwice: who is given a handoff before the write of the one before them
// was answered comes in that one's place, by another order or by an escalation. What
// an earlier write may have left on the record is ours and no person's; what a person
// set there is theirs (C11, 1.98).
func TestOrderedTwice(t *testing.T) {
	t.Parallel()
	r := writing(t)
	again := map[string]struct {
		give func(*world)
		step string
	}{
		"an order": {func(w *world) {
			w.decide(t, r, monday.Add(23*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "revops@example.com", By: "ops"})
		}, "reassign"},
		"an escalation": {func(w *world) { takeover(t, r, w) }, "assign"},
	}
	for name, next := range again {
		for _, c := range []struct {
			sort  string
			shows string // on the record when it is read again before the write leaves
			hand  connectors.Actor
			stage state.Stage
		}{
			{"nothing has left", "u-ana", "", state.Assigned},
			{"the first was on its way", "u-cleo", connectors.ActorIntegration, state.Assigned},
			{"a person came first", "u-erin", connectors.ActorPerson, state.Superseded},
			{"a person gave it to the same", "u-cleo", connectors.ActorPerson, state.Superseded},
		} {
			w, rec, first := ordered(t, r)
			next.give(w)
			waits := w.ownerWrites()
			if len(waits) != 1 || waits[0].Write.Key == first.Write.Key || waits[0].Step != next.step {
				t.Fatalf("%s: %d writes of the owner wait, %v", name, len(waits), waits)
			}
			second := waits[0]
			if backup, set := second.Write.Set["handoff_backup_owner"]; !set || (backup == nil) != (w.only(t).Backup == "") {
				t.Errorf("%s: the backup on the record is %v, want %q", name, backup, w.only(t).Backup)
			}
			if got := w.only(t).Owner; second.Write.Set["hubspot_owner_id"] != "u-"+got[:len(got)-len("@example.com")] {
				t.Errorf("%s: %v is written, %s has it", name, second.Write.Set, got)
			}
			at := monday.Add(24 * time.Minute)
			if c.hand != "" {
				rec = given(rec, c.shows, 23*time.Minute)
				w.trails["51"] = state.Trail{Values: append([]connectors.FieldValue{value(c.shows, rec.ModifiedAt, c.hand)}, w.trails["51"].Values...)}
				w.decide(t, r, at, plan.Delivered{Intent: first, Ref: rec.Ref, Version: rec.Version, Stamp: rec.ModifiedAt})
			}
			w.decide(t, r, at, plan.Observed{Record: rec, Via: "reread", Came: at, Read: at})
			if c.hand != "" && w.only(t).Stage == state.Assigned {
				delete(w.intents, second.Write.Key)
				w.decide(t, r, at, plan.Delivered{Intent: second, Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
			}
			h, left := w.only(t), w.ownerWrites()
			if h.Stage != c.stage || (len(left) == 1) != (c.stage == state.Assigned) {
				t.Errorf("%s, %s: %s (%s), %d writes of the owner", name, c.sort, h.Stage, h.Note, len(left))
				continue
			}
			if len(left) == 1 && (left[0].Expect["hubspot_owner_id"] != c.shows || left[0].Write.Set["hubspot_owner_id"] != second.Write.Set["hubspot_owner_id"]) {
				t.Errorf("%s, %s: %v over %v", name, c.sort, left[0].Write.Set["hubspot_owner_id"], left[0].Expect)
			}
		}
	}
}

// TestOrderRefused: the CRM refuses whoever was to have a handoff by an order. It is
// with whom the CRM shows as it was before, the task included, whether that has moved
// meanwhile or not, and whoever had it in between on paper (C14).
func TestOrderRefused(t *testing.T) {
	t.Parallel()
	r := writing(t)
	for name, c := range map[string]struct{ moved, twice bool }{
		"the task has moved": {moved: true},
		"nothing has moved":  {},
		"the second of two":  {twice: true},
	} {
		w, rec := unmoved(t, r)
		was := w.only(t)
		was.Items = []state.Item{{Step: "item call", Do: "Call", Who: was.Owner}}
		w.handoffs[was.ID] = was
		for n, to := range []string{"cleo@example.com", "vera@example.com"} {
			if n == 0 || c.twice {
				w.decide(t, r, monday.Add(time.Duration(5+n)*time.Minute), plan.Reassign{Handoff: was.ID, To: to, By: "ops"})
			}
		}
		given := w.only(t).Owner
		if c.moved {
			w.answered(t, r, monday.Add(8*time.Minute), "task owner", plan.Delivered{})
		}
		w.answered(t, r, monday.Add(8*time.Minute), "reassign", plan.Delivered{
			Class: connectors.Invalid.String(), Err: "INVALID_OWNER_ID", Fields: []string{"hubspot_owner_id"},
		})
		h := w.only(t)
		if h.Owner != was.Owner || h.Team != was.Team || h.Backup != was.Backup || h.Accountable != was.Accountable || len(h.Holders) != 0 {
			t.Errorf("%s: %s of %q, backup %q, accountable %s, after %v; want %s of %q, backup %q, accountable %s",
				name, h.Owner, h.Team, h.Backup, h.Accountable, h.Holders, was.Owner, was.Team, was.Backup, was.Accountable)
		}
		want := state.Reason{Rule: was.Why[len(was.Why)-1].Rule, Text: was.Owner + ": keeps it, for " + given + " can own nothing in hubspot"}
		if got := h.Why[len(h.Why)-1]; got != want {
			t.Errorf("%s: it has it by %v, want %v", name, got, want)
		}
		if h.Stake.Value != "u-ana" || h.Items[0].Who != was.Owner {
			t.Errorf("%s: at stake is %q, and %s has to do what the owner has", name, h.Stake.Value, h.Items[0].Who)
		}
		var owners []any
		for _, i := range w.intents {
			if i.Step == "task owner" {
				owners = append(owners, i.Write.Set[connectors.TaskOwner])
			}
		}
		if diff := cmp.Diff([]any{"u-ana"}, owners); diff != "" {
			t.Errorf("%s: the task goes to %s", name, diff)
		}
		w.decide(t, r, monday.Add(10*time.Minute), see(rec))
		if now := w.only(t); now.Stage != state.Assigned || now.Owner != was.Owner || len(w.ownerWrites()) != 0 {
			t.Errorf("%s: then %s, %s, %v", name, now.Stage, now.Owner, w.ownerWrites())
		}
	}
}
