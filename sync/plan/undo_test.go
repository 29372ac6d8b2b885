package plan_test

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// takenBack is an operator's order about every handoff, on what is found.
func (w *world) takenBack(t testing.TB, r *plan.Rules, at time.Time, found ...connectors.Object) {
	t.Helper()
	ev := plan.Undo{By: "ops", Read: at, Found: found}
	for id := range w.handoffs {
		ev.Handoffs = append(ev.Handoffs, id)
	}
	w.decide(t, r, at, ev)
	for id, h := range w.handoffs {
		if h.Undone == nil || !h.Undone.Restored {
			t.Fatalf("%s is left as it is: %+v", id, h.Undone)
		}
	}
}

// came delivers a write as done, after what it found has been kept, as the writer does.
func (w *world) came(t testing.TB, r *plan.Rules, at time.Time, i state.Intent, d plan.Delivered) state.Changes {
	t.Helper()
	if d.Intent = i; d.Ref.IsZero() {
		d.Ref = i.Write.Ref
	}
	delete(w.intents, i.Write.Key)
	w.keepBefore(w.befores[d.Ref].Wrote(i, d.Ref, d.Skipped, at))
	return w.decide(t, r, at, d)
}

// TestUndoneOnTheWay: a handoff is taken back while a write of it is on its way. What
// has come through by then is put back at once, though its answer was lost, and what
// comes through later when it is answered (G13).
func TestUndoneOnTheWay(t *testing.T) {
	t.Parallel()
	r, at := writing(t), func(s int) time.Time { return monday.Add(time.Duration(s) * time.Second) }
	rec := demo("51", "dana@acme.com", "country", "US")
	shows := func(version string, fields map[string]any) connectors.Object {
		return connectors.Object{Ref: rec.Ref, Version: version, ModifiedAt: rec.ModifiedAt, Fields: fields}
	}
	for name, c := range map[string]struct {
		do     func(w *world)
		expect map[string]any // of the owner and handoff_id, under which they are put back
	}{
		"it shows, unanswered": {func(w *world) {
			w.takenBack(t, r, at(10), shows("2", w.steps()["assign"].Write.Set))
		}, map[string]any{"hubspot_owner_id": "u-ana"}},
		"it comes later": {func(w *world) {
			left := w.steps()["assign"]
			w.takenBack(t, r, at(1), shows("1", nil))
			w.came(t, r, at(2), left, plan.Delivered{Version: "2", Stamp: at(1)})
		}, map[string]any{"hubspot_owner_id": "u-ana"}},
		"an order comes later": {func(w *world) {
			w.came(t, r, at(1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: at(1)})
			stood := shows("2", w.befores[rec.Ref].Last)
			w.decide(t, r, at(2), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
			left := w.steps()["reassign"]
			w.takenBack(t, r, at(3), stood)
			w.came(t, r, at(4), left, plan.Delivered{Version: "3", Stamp: at(3)})
		}, map[string]any{"hubspot_owner_id": "u-cleo"}},
	} {
		w := newWorld()
		w.decide(t, r, monday, see(rec))
		id := w.only(t).ID
		c.do(w)
		c.expect["handoff_id"], c.expect["handoff_status"] = id, "Assigned"
		var back []state.Intent
		for _, i := range w.intents {
			if i.Write.Ref == rec.Ref {
				back = append(back, i)
			}
		}
		if len(back) != 1 {
			t.Errorf("%s: %d writes put it back, want one", name, len(back))
			continue
		}
		set := back[0].Write.Set
		if owner, puts := set["hubspot_owner_id"]; !puts || owner != nil || set["handoff_id"] != nil || set["handoff_status"] != nil || set["handoff_why"] != nil {
			t.Errorf("%s: it becomes %v", name, set)
		}
		if diff := cmp.Diff(c.expect, back[0].Expect); diff != "" {
			t.Errorf("%s: put back where it shows (-want +got):\n%s", name, diff)
		}
		if h := w.only(t); len(h.Undone.Records) != 1 || h.Undone.Records[0] != rec.Ref {
			t.Errorf("%s: put back are %v", name, h.Undone.Records)
		}
	}
}

// TestUndoneWhileMade: a record is made after its handoff was taken back. It stays, as
// the list says, and shows nothing of the handoff (G13).
func TestUndoneWhileMade(t *testing.T) {
	t.Parallel()
	r, w := writing(t), newWorld()
	rec := sales("51", "dana@acme.com")
	w.locate(t, r, rec)
	create := w.steps()["create"]
	w.takenBack(t, r, monday.Add(time.Second), connectors.Object{Ref: rec.Ref, Version: "1"})
	made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	w.came(t, r, monday.Add(2*time.Second), create, plan.Delivered{Ref: made, Version: "v1"})
	set := w.steps()["undo"].Write.Set
	if status, puts := set["handoff_status"]; !puts || status != nil || w.steps()["undo"].Write.Ref != made {
		t.Errorf("%+v", w.steps()["undo"].Write)
	}
	for name := range set {
		if !strings.HasPrefix(name, connectors.OwnFieldPrefix) {
			t.Errorf("%s of a record that we have made is cleared", name)
		}
	}
	if listed := listingsOf(w, "undo"); strings.Count(listed, "handoffd made it") != 1 {
		t.Errorf("listed: %s", listed)
	}
}

// TestRecalledTask: the preview of an undo that asks no CRM shows the owner's task as
// its handoff tells, whichever of its steps have written it since: a reminder, another
// owner, or the end. That a person has ticked it off is said once (G13).
func TestRecalledTask(t *testing.T) {
	t.Parallel()
	r := writing(t)
	task := connectors.Ref{Conn: "hubspot", Kind: connectors.Task, ID: "t1"}
	for name, c := range map[string]struct {
		ticked bool
		want   string
	}{"on their list": {false, "open"}, "ticked off by a person": {true, "done"}} {
		w := newWorld()
		w.decide(t, r, monday, see(demo("51", "dana@acme.com", "country", "US")))
		w.answered(t, r, monday, "assign", plan.Delivered{Version: "2", Stamp: monday})
		w.answered(t, r, monday, "task", plan.Delivered{Ref: task})
		w.fireDue(t, r, monday.Add(10*time.Minute))
		w.decide(t, r, monday.Add(11*time.Minute), plan.Reassign{Handoff: w.only(t).ID, To: "cleo@example.com", By: "ops"})
		w.done(t, r, monday.Add(12*time.Minute))
		h := w.only(t)
		var wrote []string
		for step, e := range h.Effects {
			if e.Ref == task {
				wrote = append(wrote, step)
			}
		}
		if len(wrote) < 3 {
			t.Fatalf("only %q have written the task", wrote)
		}
		if c.ticked {
			h.Work = &state.Work{Ticked: monday.Add(13 * time.Minute)}
			w.handoffs[h.ID] = h
		}
		for range 20 {
			ev := r.Recall(w, plan.Undo{Handoffs: []string{h.ID}, By: "ops", Read: monday})
			var got []any
			for _, o := range ev.Found {
				if o.Ref == task {
					got = append(got, o.Fields[connectors.TaskStatus])
				}
			}
			if diff := cmp.Diff([]any{c.want}, got); diff != "" {
				t.Fatalf("%s: %s", name, diff)
			}
		}
		w.decide(t, r, monday.Add(14*time.Minute), r.Recall(w, plan.Undo{Handoffs: []string{h.ID}, By: "ops", Read: monday}))
		said := 0
		for _, touch := range w.only(t).Undone.Touches {
			if touch.Ref == task {
				said++
			}
		}
		if want := map[bool]int{true: 1}[c.ticked]; said != want {
			t.Errorf("%s: it is said %d times that it was touched, want %d", name, said, want)
		}
	}
}

// TestUndoneOfLostAnswers: a write that stood in the CRM and whose answer was lost, with
// the process or without it, is found by reading. It is taken back to what was there
// before it, and not to what it had written itself; a restore that was answered by
// nobody is found the same way, and nobody is said to have changed anything (G13).
func TestUndoneOfLostAnswers(t *testing.T) {
	t.Parallel()
	r, at := writing(t), func(s int) time.Time { return monday.Add(time.Duration(s) * time.Second) }
	t.Run("of an owner", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US")
		w.decide(t, r, monday, see(rec))
		assign := w.steps()["assign"]
		assign.Attempts = 1
		w.intents[assign.Write.Key] = assign
		rec = shown(rec, at(1), "2", "owner", "u-ana", "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
		w.decide(t, r, at(10), plan.Observed{Record: rec, Via: "reread", Came: at(10), Read: at(10)})
		if e := w.only(t).Effects["assign"]; e.State != "done" {
			t.Fatalf("the owner stands: %+v", e)
		}
		w.takenBack(t, r, at(20), connectors.Object{Ref: rec.Ref, Version: "2", ModifiedAt: at(1), Fields: assign.Write.Set})
		back := w.steps()["undo"]
		owner, puts := back.Write.Set["hubspot_owner_id"]
		if _, status := back.Write.Set["handoff_status"]; !puts || owner != nil || !status || back.Write.Set["handoff_status"] != nil {
			t.Fatalf("it becomes %v", back.Write.Set)
		}
		rec = shown(rec, at(21), "3", "owner", "", "handoff_id", "", "handoff_status", "")
		w.decide(t, r, at(30), plan.Observed{Record: rec, Via: "reread", Came: at(30), Read: at(30)})
		w.answered(t, r, at(30), "undo", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		if listed := w.listed("undo"); len(listed) > 0 || w.only(t).Effects["undo"].State != "done" {
			t.Errorf("it is back: %v %+v", listed, w.only(t).Effects["undo"])
		}
	})
	t.Run("of a record", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		rec := sales("51", "dana@acme.com")
		w.locate(t, r, rec)
		create := w.steps()["create"]
		made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
		w.answered(t, r, at(1), "create", plan.Delivered{Class: connectors.Conflict.String(), Err: "DUPLICATES_DETECTED", Existing: made})
		shows := lead("00Q1", "email", "dana@acme.com", "owner", create.Write.Set["OwnerId"].(string), "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
		shows.Version, shows.ModifiedAt = "v1", monday
		w.decide(t, r, at(2), plan.Observed{Record: shows, Via: "reread", Came: at(2), Read: at(2)})
		if _, waits := w.steps()["assign"]; waits {
			w.answered(t, r, at(2), "assign", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		}
		w.takenBack(t, r, at(10), connectors.Object{Ref: rec.Ref, Version: "1"}, connectors.Object{Ref: made, Version: "v1", ModifiedAt: monday, Fields: create.Write.Set})
		set := w.steps()["undo"].Write.Set
		if status, puts := set["handoff_status"]; !puts || status != nil {
			t.Errorf("it becomes %v", set)
		}
		if listed := listingsOf(w, "undo"); strings.Count(listed, "handoffd made it") != 1 {
			t.Errorf("listed: %s", listed)
		}
	})
}

// shown is a record as it has become.
func shown(rec state.Record, at time.Time, version string, pairs ...string) state.Record {
	fields := maps.Clone(rec.Fields)
	for i := 0; i < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	rec.Fields, rec.Version, rec.ModifiedAt = fields, version, at
	return rec
}
