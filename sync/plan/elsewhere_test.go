package plan_test

import (
	"testing"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/plan"
)

// across is a world in which a form in HubSpot has made a lead in Salesforce, which is
// ana's, a second after monday.
func across(t *testing.T, r *plan.Rules) (w *world, source, carrier state.Record, h state.Handoff) {
	t.Helper()
	w, source = newWorld(), sales("51", "dana@acme.com")
	w.locate(t, r, source)
	stamp := monday.Add(time.Second)
	carrier = lead("00Q1", "owner", "u-ana", "handoff_status", "Assigned")
	carrier.Version, carrier.ModifiedAt = "v1", stamp
	w.answered(t, r, stamp, "create", plan.Delivered{Ref: carrier.Ref, Version: "v1", Stamp: stamp})
	h = w.only(t)
	if h.Owner != "ana@example.com" || h.Giver != "jo@example.com" {
		t.Fatalf("%s has it from %s", h.Owner, h.Giver)
	}
	carrier.Fields["handoff_id"] = h.ID
	source.Version, source.ModifiedAt = "2", stamp
	source.Fields = fields(source, "handoff_status", "Assigned", "handoff_id", h.ID)
	return w, source, carrier, h
}

// spokenOf says that the record it came from speaks of a handoff.
func (w *world) spokenOf(t *testing.T, r *plan.Rules) {
	t.Helper()
	w.answered(t, r, monday.Add(time.Second), "source", plan.Delivered{Ref: connectors.Ref{Conn: "hubspot", Kind: "contacts", ID: "51"}, Version: "2", Stamp: monday.Add(time.Second)})
}

// handedOver is a lead that somebody was given, and changed last, at an instant; its
// history says so.
func (w *world) handedOver(carrier state.Record, owner string, at, changed time.Time) state.Record {
	carrier.Fields = fields(carrier, "owner", owner)
	carrier.Version, carrier.ModifiedAt = "v2", changed
	w.trails = map[string]state.Trail{carrier.Ref.ID: {Values: []connectors.FieldValue{value(owner, at, connectors.ActorPerson)}}}
	return carrier
}

// TestSaidElsewhere: what somebody says on the record that a handoff came from is its
// receiver's doing only where the record that carries it was still theirs. That one is
// read first; a CRM that does not answer holds nothing up (1.73, 1.78, C9, C11).
func TestSaidElsewhere(t *testing.T) {
	t.Parallel()
	r := writing(t)
	said := monday.Add(5 * time.Minute)
	before, after := said.Add(-time.Minute), said.Add(time.Minute)
	survivor := connectors.Ref{Conn: "salesforce", Kind: "Lead", ID: "00Q2"}
	for _, c := range []struct {
		name, says  string
		now         func(w *world, carrier state.Record) []state.Record
		unread      bool // nobody has read the lead since it was made
		stage       state.Stage
		accountable string
		here        string // the status that it has in HubSpot from us; blank: none
	}{
		{"given before", "Accepted", func(w *world, l state.Record) []state.Record {
			return []state.Record{w.handedOver(l, "u-vera", before, before)}
		}, false, state.Superseded, "vera@example.com", "Superseded"},
		{"given before it was read", "Accepted", func(w *world, l state.Record) []state.Record {
			return []state.Record{w.handedOver(l, "u-vera", before, before)}
		}, true, state.Superseded, "vera@example.com", "Superseded"},
		{"given before, and changed since", "Accepted", func(w *world, l state.Record) []state.Record {
			return []state.Record{w.handedOver(l, "u-vera", before, after)}
		}, false, state.Superseded, "vera@example.com", "Superseded"},
		{"given afterwards", "Accepted", func(w *world, l state.Record) []state.Record {
			return []state.Record{w.handedOver(l, "u-vera", after, after)}
		}, false, state.Accepted, "ana@example.com", "Accepted"},
		{"still theirs", "Accepted", func(_ *world, l state.Record) []state.Record { return []state.Record{l} }, false, state.Accepted, "ana@example.com", "Accepted"},
		{"no answer", "Accepted", func(*world, state.Record) []state.Record { return nil }, false, state.Accepted, "ana@example.com", "Accepted"},
		{"deleted", "Accepted", func(_ *world, l state.Record) []state.Record {
			l.Version, l.Deleted = "v2", true
			return []state.Record{l}
		}, false, state.Cancelled, "jo@example.com", "Cancelled"},
		{"deleted, and nothing else is known", "Accepted", func(_ *world, l state.Record) []state.Record {
			return []state.Record{{Ref: l.Ref, Deleted: true}}
		}, false, state.Cancelled, "jo@example.com", "Cancelled"},
		{"merged", "Accepted", func(_ *world, l state.Record) []state.Record {
			return []state.Record{{Ref: l.Ref, Version: "v2", Deleted: true, MovedTo: survivor}}
		}, false, state.Accepted, "ana@example.com", "Accepted"},
		{"given before", "Returned", func(w *world, l state.Record) []state.Record {
			return []state.Record{w.handedOver(l, "u-vera", before, before)}
		}, false, state.Superseded, "vera@example.com", "Superseded"},
		{"given afterwards", "Returned", func(w *world, l state.Record) []state.Record {
			return []state.Record{w.handedOver(l, "u-vera", after, after)}
		}, false, state.Returned, "jo@example.com", "Returned"},
		{"no answer", "Returned", func(*world, state.Record) []state.Record { return nil }, false, state.Returned, "jo@example.com", "Returned"},
		{"accepted there before", "Returned", func(_ *world, l state.Record) []state.Record {
			l.Version, l.ModifiedAt, l.Fields = "v2", before, fields(l, "handoff_status", "Accepted")
			return []state.Record{l}
		}, false, state.Returned, "jo@example.com", "Returned"},
	} {
		t.Run(c.says+", "+c.name, func(t *testing.T) {
			t.Parallel()
			w, source, carrier, h := across(t, r)
			w.spokenOf(t, r)
			if !c.unread {
				w.decide(t, r, monday.Add(2*time.Second), see(carrier))
			}
			source.Version, source.ModifiedAt, source.Fields = "3", said, fields(source, "handoff_status", c.says)
			if got := w.decide(t, r, said, see(source)); len(got.Needs) != 1 || got.Needs[0].ID() != byID(carrier.Ref).ID() || !got.Needs[0].Optional {
				t.Fatalf("asked %+v", got.Needs)
			}
			w.located[byID(carrier.Ref).ID()] = c.now(w, carrier)
			w.decide(t, r, after.Add(time.Second), see(source))
			got, here := w.handoffs[h.ID], ""
			for _, i := range w.intents {
				if i.Write.Ref == source.Ref {
					here = shows(source, i, "handoff_status")
				}
			}
			if got.Stage != c.stage || got.Accountable != c.accountable || here != c.here {
				t.Errorf("%s, %s has it, and HubSpot says %q; want %s, %s, %q", got.Stage, got.Accountable, here, c.stage, c.accountable, c.here)
			}
			if ended := c.stage == state.Superseded || c.stage == state.Cancelled; ended && !got.AcceptedAt.IsZero() {
				t.Errorf("accepted at %s", got.AcceptedAt)
			}
		})
	}
}

// TestEndedElsewhere: the record that a handoff came from says how it has ended where it
// lived, also where our first write there is on its way meanwhile, and where it lies in
// the bin; not where it has another handoff by then (1.73, C9).
func TestEndedElsewhere(t *testing.T) {
	t.Parallel()
	r := writing(t)
	at := monday.Add(2 * time.Minute)
	ended := func(w *world) string {
		for _, i := range w.intents {
			if i.Write.Ref.Conn == "hubspot" && i.Step != "source" {
				s, _ := i.Write.Set["handoff_status"].(string)
				return s
			}
		}
		return ""
	}
	t.Run("at once", func(t *testing.T) {
		t.Parallel()
		w, _, carrier, _ := across(t, r)
		w.spokenOf(t, r)
		w.decide(t, r, at, see(w.handedOver(carrier, "u-vera", at, at)))
		if got := ended(w); got != "Superseded" {
			t.Errorf("HubSpot says %q", got)
		}
	})
	t.Run("our first write is on its way", func(t *testing.T) {
		t.Parallel()
		w, source, carrier, _ := across(t, r)
		first := w.steps()["source"]
		w.decide(t, r, at, see(w.handedOver(carrier, "u-vera", at, at)))
		if got := ended(w); got != "" {
			t.Errorf("HubSpot says %q, where it never spoke of it", got)
		}
		w.decide(t, r, at.Add(time.Second), plan.Delivered{Intent: first, Ref: source.Ref, Version: "2", Stamp: at})
		if got := ended(w); got != "Superseded" {
			t.Errorf("HubSpot says %q", got)
		}
	})
	t.Run("it lies in the bin", func(t *testing.T) {
		t.Parallel()
		w, source, carrier, _ := across(t, r)
		w.spokenOf(t, r)
		w.decide(t, r, monday.Add(2*time.Second), see(source))
		bin := source
		bin.Deleted, bin.Version, bin.ModifiedAt = true, "3", monday.Add(time.Minute)
		w.decide(t, r, monday.Add(time.Minute), see(bin))
		w.decide(t, r, at, see(w.handedOver(carrier, "u-vera", at, at)))
		if got := ended(w); got != "" {
			t.Errorf("HubSpot is told %q of what is in the bin", got)
		}
		source.Version, source.ModifiedAt = "4", at.Add(time.Minute)
		w.decide(t, r, at.Add(time.Minute), see(source))
		if got := ended(w); got != "Superseded" {
			t.Errorf("HubSpot says %q", got)
		}
	})
	t.Run("another one is shown where it lived", func(t *testing.T) {
		t.Parallel()
		w, _, carrier, h := across(t, r)
		w.spokenOf(t, r)
		other := w.handoffs[h.ID]
		other.ID, other.Owner, other.Rank, other.Record, other.Effects = "other", "vera@example.com", h.Rank-1, carrier.Ref, map[string]state.Effect{}
		w.handoffs[other.ID] = other
		w.decide(t, r, at, see(w.handedOver(carrier, "u-cleo", at, at)))
		if got := ended(w); got != "Superseded" {
			t.Errorf("HubSpot says %q", got)
		}
	})
	t.Run("it has another one", func(t *testing.T) {
		t.Parallel()
		w, source, carrier, h := across(t, r)
		w.spokenOf(t, r)
		other := w.handoffs[h.ID]
		other.ID, other.Target, other.Written, other.Effects = "other", source.Ref, at, map[string]state.Effect{}
		w.handoffs[other.ID] = other
		carrier.Deleted, carrier.Version, carrier.ModifiedAt = true, "v2", at
		w.decide(t, r, at, see(carrier))
		if got := ended(w); got != "" {
			t.Errorf("HubSpot says %q of the one that goes on there", got)
		}
	})
}
