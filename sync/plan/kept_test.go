package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestHeardBeforeTheBackup: who had a handoff gives it back or takes it up while it is to
// go to their backup, and a program sets the owner meanwhile. It is heard, whether or not
// the CRM has told since when they stood there, and whether or not the program's owner was
// read before (1.98, C11, P2).
func TestHeardBeforeTheBackup(t *testing.T) {
	t.Parallel()
	r := writing(t)
	at := func(minutes, seconds int) time.Time {
		return monday.Add(time.Duration(minutes)*time.Minute + time.Duration(seconds)*time.Second)
	}
	for name, c := range map[string]struct {
		stamped bool
		flips   string // whom a program makes the owner at minute 10
		seen    bool   // before the word is said
		says    string
		stage   state.Stage
	}{
		"unstamped":                      {says: "Returned", stage: state.Returned},
		"unstamped, accepted":            {says: "Accepted", stage: state.Accepted},
		"unstamped, flipped":             {flips: "u-erin", says: "Returned", stage: state.Returned},
		"unstamped, to the very backup":  {flips: "backup", says: "Returned", stage: state.Returned},
		"flipped":                        {stamped: true, flips: "u-erin", says: "Returned", stage: state.Returned},
		"flipped and seen":               {stamped: true, flips: "u-erin", seen: true, says: "Returned", stage: state.Returned},
		"flipped and seen, accepted":     {stamped: true, flips: "u-erin", seen: true, says: "Accepted", stage: state.Accepted},
		"unstamped, flipped and seen":    {flips: "u-erin", seen: true, says: "Returned", stage: state.Returned},
		"to the very backup, unseen yet": {stamped: true, flips: "backup", says: "Accepted", stage: state.Accepted},
	} {
		w := newWorld()
		rec := demo("51", "dana@acme.com", "country", "US", "lead_status", "New")
		w.decide(t, r, monday, see(rec))
		h := w.only(t)
		first, answer := w.steps()["assign"], plan.Delivered{}
		if c.stamped {
			answer = plan.Delivered{Version: "2", Stamp: at(0, 1)}
		}
		w.came(t, r, at(0, 1), first, answer)
		w.done(t, r, at(0, 2))
		ours := value(first.Write.Set["hubspot_owner_id"].(string), at(0, 1), connectors.ActorIntegration)
		rec = shown(rec, rec.ModifiedAt, "1")
		now := shown(rec, at(0, 1), "2", "owner", ours.Value.(string), "handoff_id", h.ID, "handoff_status", "Assigned", "handoff_assigned_at", h.AssignedAt.Format(time.RFC3339))
		if c.stamped {
			w.decide(t, r, at(0, 5), plan.Observed{Record: now, Via: "poll", Came: at(0, 5), Read: at(0, 5)})
		}
		w.fireDue(t, r, at(23, 0))
		i, waits := w.steps()["assign"]
		if !waits || w.only(t).Owner == h.Owner {
			t.Fatalf("%s: no takeover: %v", name, w.said())
		}
		past := []connectors.FieldValue{ours}
		flip := func() {
			to := c.flips
			if to == "backup" {
				to = i.Write.Set["hubspot_owner_id"].(string)
			}
			past = append([]connectors.FieldValue{value(to, at(10, 0), connectors.ActorAutomation)}, past...)
			now = shown(now, at(10, 0), "3", "owner", to)
		}
		look := func(now state.Record, when time.Time) {
			w.trails = map[string]state.Trail{"51": {Values: past}}
			w.decide(t, r, when, plan.Observed{Record: now, Via: "reread", Came: when, Read: when})
		}
		if c.seen {
			flip()
			look(now, at(24, 0))
		}
		now = shown(now, at(25, 0), "4", "handoff_status", c.says)
		now.ModifiedBy = ours.Value.(string)
		if c.flips != "" && !c.seen {
			flip()
			now = shown(now, at(25, 0), "4")
		}
		look(now, at(26, 0))
		got := w.only(t)
		if got.Stage != c.stage || c.stage == state.Accepted && got.Owner != h.Owner || c.stage == state.Returned && got.Returned.By != h.Owner {
			t.Errorf("%s: %s, of %s, returned %+v; want it %s by %s\n%v", name, got.Stage, got.Owner, got.Returned, c.stage, h.Owner, got.Why)
		}
		for step, i := range w.steps() {
			if i.Write.Set["handoff_status"] == "Assigned" {
				t.Errorf("%s: %s writes over what they said", name, step)
			}
		}
	}
}

// TestHeardAfterTheBackup: the write of the backup was done, and its answer is lost. What
// is said then is theirs, and nobody's before them (C2, 1.98).
func TestHeardAfterTheBackup(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, rec, was := written(t, r)
	rec = shown(rec, rec.ModifiedAt, rec.Version, "handoff_id", was.ID, "handoff_status", "Assigned", "handoff_assigned_at", was.AssignedAt.Format(time.RFC3339))
	w.decide(t, r, monday.Add(5*time.Second), plan.Observed{Record: rec, Via: "poll", Came: monday.Add(5 * time.Second), Read: monday.Add(5 * time.Second)})
	first := value(rec.Fields["owner"], rec.ModifiedAt, connectors.ActorSelf)
	w.fireDue(t, r, monday.Add(23*time.Minute))
	i, waits := w.steps()["assign"]
	backup := w.only(t).Owner
	if !waits || backup == was.Owner {
		t.Fatalf("no takeover: %v", w.said())
	}
	i.Attempts = 1
	w.intents[i.Write.Key] = i
	at := monday.Add(24 * time.Minute)
	ours := i.Write.Set["hubspot_owner_id"].(string)
	w.trails = map[string]state.Trail{"51": {Values: []connectors.FieldValue{value(ours, at, connectors.ActorSelf), first}}}
	rec = shown(rec, at.Add(time.Second), "9", "owner", ours, "handoff_status", "Accepted")
	rec.ModifiedBy = ours
	w.decide(t, r, at.Add(5*time.Second), plan.Observed{Record: rec, Via: "reread", Came: at, Read: at.Add(5 * time.Second)})
	if h := w.only(t); h.Owner != backup || h.Stage != state.Accepted || h.AcceptedBy != backup {
		t.Errorf("%s of %s, by %q; want it with %s", h.Stage, h.Owner, h.AcceptedBy, backup)
	}
}
