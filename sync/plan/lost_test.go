package plan_test

import (
	"maps"
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// What is found to stand whose answer was lost has to have been ours, and what is taken
// back is what was there before it.

// TestNeverLeft: a queued handoff goes to who owns the record already. A restart counts
// its write as tried; that the record shows the handoff, from when it was queued, does not
// say that it was written (C2, 1.88).
func TestNeverLeft(t *testing.T) {
	t.Parallel()
	for _, owner := range []string{"u-cleo", ""} { // from the beginning, or when somebody gives it to them
		r := writing(t, edit(t, "teams.yaml", "# at_most: 12 ", "at_most: 1 "))
		w := newWorld()
		w.load["ana@example.com"], w.load["ben@example.com"], w.load["cleo@example.com"] = 1, 1, 1
		rec := demo("51", "dana@acme.com", "country", "US", "owner", owner)
		w.decide(t, r, monday, see(rec))
		if h := w.only(t); h.Stage != state.Queued {
			t.Fatalf("%s %v", h.Stage, h.Why)
		}
		q := w.steps()["queue"]
		w.came(t, r, monday.Add(time.Second), q, plan.Delivered{Version: "2", Stamp: monday.Add(time.Second)})
		rec = shown(rec, monday.Add(time.Second), "2", "handoff_id", w.only(t).ID, "handoff_accountable", "morgan@example.com")
		w.decide(t, r, monday.Add(5*time.Second), plan.Observed{Record: rec, Via: "poll", Came: monday.Add(5 * time.Second), Read: monday.Add(5 * time.Second)})
		w.load["cleo@example.com"] = 0
		var timer state.Timer
		for _, timer = range w.timers {
		}
		w.decide(t, r, timer.Due, plan.Fired{Timer: timer, Fresh: true})
		h := w.only(t)
		i, waits := w.steps()["assign"]
		if !waits || h.Owner != "cleo@example.com" {
			t.Fatalf("%s %s", h.Stage, h.Owner)
		}
		i.Attempts = 1 // takeUp
		w.intents[i.Write.Key] = i
		at := timer.Due.Add(10 * time.Second)
		if owner == "" {
			rec = shown(rec, at.Add(-time.Second), "21", "owner", "u-cleo")
		}
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "reread", Came: at, Read: at})
		if _, still := w.steps()["assign"]; !still {
			t.Errorf("owned by %q before: gone, and never written: %+v", owner, w.only(t).Effects["assign"])
		}
		rec = shown(rec, at.Add(time.Second), "3") // somebody changes something else
		w.decide(t, r, at, plan.Observed{Record: rec, Via: "reread", Came: at, Read: at})
		w.answered(t, r, at, "assign", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		if _, again := w.steps()["assign"]; !again {
			t.Errorf("owned by %q before: not tried again, and never written: %+v", owner, w.only(t).Effects["assign"])
		}
	}
}

// TestGivenToTheBackupMeanwhile: somebody gives a record that we have made to the backup
// right before we do. What tells of the takeover is written all the same (1.98).
func TestGivenToTheBackupMeanwhile(t *testing.T) {
	t.Parallel()
	r, at := writing(t), func(s int) time.Time { return monday.Add(time.Duration(s) * time.Second) }
	w := newWorld()
	rec := sales("51", "dana@acme.com")
	w.locate(t, r, rec)
	create := w.steps()["create"]
	made := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	w.answered(t, r, at(1), "create", plan.Delivered{Ref: made, Version: "v1", Stamp: at(1)})
	w.done(t, r, at(2))
	l := lead("00Q1", "email", "dana@acme.com", "owner", create.Write.Set["OwnerId"].(string), "handoff_id", w.only(t).ID, "handoff_status", "Assigned", "handoff_assigned_at", monday.Format(time.RFC3339))
	l.Version, l.ModifiedAt = "v1", at(1)
	w.decide(t, r, at(5), plan.Observed{Record: l, Via: "poll", Came: at(5), Read: at(5)})
	w.fireDue(t, r, monday.Add(23*time.Minute))
	i, waits := w.steps()["assign"]
	if !waits {
		t.Fatalf("no takeover: %v %+v", w.said(), w.only(t).Stage)
	}
	ours, _ := i.Write.Set["OwnerId"].(string)
	l = shown(l, monday.Add(22*time.Minute+50*time.Second), "v3", "owner", ours)
	l.ModifiedBy = "u-morgan"
	w.decide(t, r, monday.Add(24*time.Minute), plan.Observed{Record: l, Via: "reread", Came: monday.Add(24 * time.Minute), Read: monday.Add(24 * time.Minute)})
	if _, still := w.steps()["assign"]; still {
		w.answered(t, r, monday.Add(24*time.Minute), "assign", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
	}
	if _, still := w.steps()["assign"]; !still {
		t.Errorf("never tried, and taken for written: %+v", w.only(t).Effects["assign"])
	}
}

// queues is a lead of the queue's.
const queues = "00G-queue"

// adopted is a world with a handoff that was to make a lead where somebody else had made
// one, of the queue's: the lead, and what is to be written on it.
func adopted(t *testing.T, r *plan.Rules) (w *world, source, theirs state.Record, i state.Intent) {
	t.Helper()
	w, source = newWorld(), sales("51", "dana@acme.com")
	w.locate(t, r, source)
	theirs = lead("00Q1", "email", "dana@acme.com", "owner", queues)
	theirs.Version, theirs.ModifiedAt, theirs.CreatedAt = "v1", monday.Add(-time.Hour), monday.Add(-24*time.Hour)
	w.answered(t, r, monday.Add(time.Second), "create", plan.Delivered{Class: connectors.Conflict.String(), Err: "DUPLICATES_DETECTED", Existing: theirs.Ref})
	at := monday.Add(2 * time.Second)
	w.decide(t, r, at, plan.Observed{Record: theirs, Via: "reread", Came: at, Read: at})
	i, waits := w.steps()["assign"]
	if !waits {
		t.Fatal("nothing is to be written")
	}
	return w, source, theirs, i
}

// TestAdoptedIsNotMade: a record that was there already, and whose owner we wrote without
// an answer, goes back to whose it was: we have not made it (G13).
func TestAdoptedIsNotMade(t *testing.T) {
	t.Parallel()
	r, at := writing(t), func(s int) time.Time { return monday.Add(time.Duration(s) * time.Second) }
	w, source, theirs, i := adopted(t, r)
	if i.Expect["OwnerId"] != queues { // who owns it is known only now
		w.answered(t, r, at(2), "assign", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		i = w.steps()["assign"]
	}
	i.Attempts, i.Over = 1, theirs.ModifiedAt // sent, and the answer was lost
	w.intents[i.Write.Key] = i
	shows := shown(theirs, at(3), "v2", "owner", i.Write.Set["OwnerId"].(string), "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
	w.decide(t, r, at(10), plan.Observed{Record: shows, Via: "reread", Came: at(10), Read: at(10)})
	if _, still := w.steps()["assign"]; still {
		w.answered(t, r, at(10), "assign", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
	}
	w.takenBack(t, r, at(20), connectors.Object{Ref: source.Ref, Version: "1"}, connectors.Object{Ref: theirs.Ref, Version: "v2", ModifiedAt: at(3), Fields: i.Write.Set})
	if set := w.steps()["undo"].Write.Set; set["OwnerId"] != queues {
		t.Errorf("it becomes %v; listed %s", set, listingsOf(w, "undo"))
	}
}

// TestAdoptedAndTakenOver: so does one whose takeover by the backup was never answered.
func TestAdoptedAndTakenOver(t *testing.T) {
	t.Parallel()
	r, at := writing(t), func(s int) time.Time { return monday.Add(time.Duration(s) * time.Second) }
	w, source, theirs, i := adopted(t, r)
	made := theirs.Ref
	w.came(t, r, at(3), i, plan.Delivered{Version: "v2", Stamp: at(3)})
	for step, x := range w.steps() {
		d := plan.Delivered{Version: "2", Stamp: at(4)}
		if x.Write.Creates() {
			d.Ref = connectors.Ref{Conn: x.Dest, Kind: connectors.Task, ID: "t-" + step}
		}
		w.came(t, r, at(4), x, d)
	}
	l := shown(theirs, at(3), "v2", "owner", i.Write.Set["OwnerId"].(string), "handoff_id", w.only(t).ID, "handoff_status", "Assigned")
	w.decide(t, r, at(5), plan.Observed{Record: l, Via: "poll", Came: at(5), Read: at(5)})
	w.fireDue(t, r, monday.Add(23*time.Minute))
	i, waits := w.steps()["assign"]
	if !waits {
		t.Fatalf("no takeover")
	}
	i.Attempts, i.Over = 1, at(3)
	w.intents[i.Write.Key] = i
	l = shown(l, monday.Add(23*time.Minute+2*time.Second), "v3", "owner", i.Write.Set["OwnerId"].(string))
	w.decide(t, r, monday.Add(24*time.Minute), plan.Observed{Record: l, Via: "reread", Came: monday.Add(24 * time.Minute), Read: monday.Add(24 * time.Minute)})
	stood := maps.Clone(w.befores[made].Last)
	w.takenBack(t, r, monday.Add(25*time.Minute), connectors.Object{Ref: source.Ref, Version: "2", Fields: w.befores[source.Ref].Last}, connectors.Object{Ref: made, Version: "v3", ModifiedAt: l.ModifiedAt, Fields: stood})
	if set := w.steps()["undo"].Write.Set; set["OwnerId"] != queues {
		t.Errorf("made %v; it becomes %v; listed %s", w.befores[made].Made, set["OwnerId"], listingsOf(w, "undo"))
	}
}

// TestBackUnansweredThenOlder: two handoffs of a record are taken back, the newer first.
// Its restore counts whether it was answered or found to stand (G13).
func TestBackUnansweredThenOlder(t *testing.T) {
	t.Parallel()
	r, at := writing(t), func(s int) time.Time { return monday.Add(time.Duration(s) * time.Second) }
	w := newWorld()
	rec := demo("51", "dana@acme.com", "country", "US")
	w.decide(t, r, monday, see(rec))
	a := w.only(t)
	w.came(t, r, at(1), w.steps()["assign"], plan.Delivered{Version: "2", Stamp: at(1)})
	for _, i := range w.steps() {
		if i.Step == "task" {
			w.came(t, r, at(1), i, plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "tasks", ID: "t1"}})
		}
	}
	// an earlier handoff of the same record, that has left its own values
	b := w.befores[rec.Ref]
	old := state.Handoff{
		ID: "old", Type: a.Type, Tier: a.Tier, Stage: state.Cancelled, Record: rec.Ref, Target: rec.Ref, Owner: "ben@example.com", AssignedAt: at(-1000), DetectedAt: at(-1000), ClosedAt: at(-500), Written: at(-999),
		Effects: map[string]state.Effect{"assign": {Key: "oldk", Ref: rec.Ref, State: "done", Version: "0"}},
	}
	w.handoffs["old"] = old
	found := map[string]any{"hubspot_owner_id": nil, "handoff_id": nil, "handoff_status": nil}
	b.Layers = append([]state.Layer{{Handoff: "old", At: at(-999), Found: found}}, b.Layers...)
	l := b.Layers[1]
	l.Found["hubspot_owner_id"], l.Found["handoff_id"], l.Found["handoff_status"] = "u-ben", "old", "Cancelled"
	b.Layers[1] = l
	w.keepBefore(b)
	stood := maps.Clone(b.Last)
	w.decide(t, r, at(20), plan.Undo{Handoffs: []string{a.ID}, By: "ops", Read: at(20), Found: []connectors.Object{{Ref: rec.Ref, Version: "2", ModifiedAt: at(1), Fields: stood}}})
	back := w.steps()["undo"]
	if back.Write.Set["hubspot_owner_id"] != "u-ben" {
		t.Fatalf("undo %+v", back)
	}
	for _, answered := range []bool{true, false} {
		v := *w
		v.befores = map[connectors.Ref]state.Before{rec.Ref: w.befores[rec.Ref]}
		v.handoffs, v.intents, v.records = maps.Clone(w.handoffs), maps.Clone(w.intents), maps.Clone(w.records)
		if answered {
			v.came(t, r, at(30), back, plan.Delivered{Version: "3", Stamp: at(21)})
		} else {
			now := shown(rec, at(21), "3", "owner", "u-ben", "handoff_id", "old", "handoff_status", "Cancelled")
			v.decide(t, r, at(30), plan.Observed{Record: now, Via: "reread", Came: at(30), Read: at(30)})
			v.answered(t, r, at(30), "undo", plan.Delivered{Class: connectors.Conflict.String(), Err: "the record was changed before it was written"})
		}
		maps.Copy(stood, back.Write.Set)
		v.decide(t, r, at(40), plan.Undo{Handoffs: []string{"old"}, By: "ops", Read: at(40), Found: []connectors.Object{{Ref: rec.Ref, Version: "3", ModifiedAt: at(21), Fields: stood}}})
		if un := v.handoffs["old"].Undone; un == nil || !un.Restored {
			t.Errorf("answered %v: the older one: %+v", answered, un)
		}
	}
}
