package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// TestSpeaksOf: what a timer speaks of is read; the record a handoff came from
// in another CRM only where nobody would tell of a change, or where the clock is
// not about the receiver's doing. What people did and shows on no record is
// polled first, and the other CRM's record where a webhook may be lost (1.93).
func TestSpeaksOf(t *testing.T) {
	t.Parallel()
	told := writing(t)
	silent := writing(t, edit(t, "handoffd.yaml", "webhooks: yes", "webhooks: no"))
	here := connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}
	company := connectors.Ref{Conn: "hubspot", Kind: "companies", ID: "7"}
	there := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q1"}
	polled := func(names ...string) (out []plan.Polled) {
		for _, name := range names {
			out = append(out, plan.Polled{Conn: name, Kind: connectors.Activity})
		}
		return out
	}
	for _, tc := range []struct {
		name   string
		rules  *plan.Rules
		record connectors.Ref
		target connectors.Ref
		clock  string
		stage  state.Stage
		want   plan.SpeaksOf
	}{
		{"one record", told, here, here, "accept", state.Assigned, plan.SpeaksOf{Read: []connectors.Ref{here}, Polled: polled("hubspot")}},
		{"accepted", told, here, here, "accept", state.Accepted, plan.SpeaksOf{Read: []connectors.Ref{here}}},
		{"nothing carries it yet", told, here, connectors.Ref{}, "accept", state.Assigned, plan.SpeaksOf{Read: []connectors.Ref{here}, Polled: polled("hubspot")}},
		{"two of one CRM", told, here, company, "accept", state.Assigned, plan.SpeaksOf{Read: []connectors.Ref{company, here}, Polled: polled("hubspot")}},
		{
			"the other CRM tells", told, here, there, "accept", state.Assigned,
			plan.SpeaksOf{Read: []connectors.Ref{there}, Told: here, Polled: append(polled("salesforce", "hubspot"), plan.Polled{Conn: "hubspot", Kind: "contacts"})},
		},
		{"it does not", silent, here, there, "accept", state.Assigned, plan.SpeaksOf{Read: []connectors.Ref{there, here}, Polled: polled("salesforce", "hubspot")}},
		{"what others do", told, here, there, "document", state.Held, plan.SpeaksOf{Read: []connectors.Ref{there, here}, Polled: polled("salesforce", "hubspot")}},
		{"a gate", told, here, there, "hold", state.Held, plan.SpeaksOf{Read: []connectors.Ref{there, here}}},
		{"nobody free", told, here, there, "retry", state.Queued, plan.SpeaksOf{Read: []connectors.Ref{there, here}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got := tc.rules.SpeaksOf(state.Handoff{Record: tc.record, Target: tc.target, Stage: tc.stage}, tc.clock)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTakeoverRests: the owner that a takeover writes rests on the reading made
// for its timer; on none where that failed.
func TestTakeoverRests(t *testing.T) {
	t.Parallel()
	for _, fresh := range []bool{true, false} {
		r := writing(t)
		w, rec := assigned(t, r)
		rec.ModifiedAt = monday.Add(time.Second)
		w.add(rec)
		now := monday.Add(23 * time.Minute)
		read := now.Add(-time.Second)
		for _, timer := range w.due(now) {
			w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: fresh, Read: read})
		}
		want := time.Time{}
		if fresh {
			want = read
		}
		if i := w.steps()["assign"]; w.only(t).Owner != "ben@example.com" || !i.ReadAt.Equal(want) {
			t.Errorf("fresh %v: %s is written on a reading of %s, want %s", fresh, w.only(t).Owner, i.ReadAt, want)
		}
	}
}

// TestTakeoverOnAnOldReading: where the CRM still hides our own write from
// readers, a takeover rests on what we wrote, not on what was read: the owner
// before, when they show at last, are nobody's choice.
func TestTakeoverOnAnOldReading(t *testing.T) {
	t.Parallel()
	r := writing(t)
	w, shown, was := written(t, r)
	now := monday.Add(23 * time.Minute)
	for _, timer := range w.due(now) {
		w.decide(t, r, now, plan.Fired{Timer: timer, Fresh: true, Read: now.Add(-time.Second)})
	}
	h, i := w.only(t), w.steps()["assign"]
	if h.Owner != was.Backup {
		t.Fatalf("owner %s", h.Owner)
	}
	if i.Expect["hubspot_owner_id"] != shown.Fields["owner"] || i.Write.IfVersion != shown.Version || !i.ReadAt.IsZero() || !i.Over.Equal(shown.ModifiedAt) || !i.AtRisk {
		t.Errorf("written over %v of version %q at %s, read %s, at risk %v", i.Expect, i.Write.IfVersion, i.Over, i.ReadAt, i.AtRisk)
	}
	w.decide(t, r, now.Add(time.Second), see(shown))
	if h := w.only(t); h.Owner != was.Backup || h.Stage != state.Assigned {
		t.Errorf("%s, %s: what we had written ourselves was taken for a person's choice", h.Stage, h.Owner)
	}
}
