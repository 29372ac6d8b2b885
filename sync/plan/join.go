package plan

import (
	"slices"
	"strconv"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// join adds a further signal to an open handoff. It may raise the tier, never
// lowers it, and no deadline moves away.
func (d *deciding) join(t *typ, f *facts, s signal, h state.Handoff) {
	joined, err := handoff.Join(h, state.Signal{Trigger: s.version, Record: f.rec.Ref, At: s.at, Came: d.now})
	if err != nil {
		d.because(d.why(where(t.pos), "%v", err))
		return
	}
	tier, _ := d.tier(t, f)
	if d.waits(f) {
		return
	}
	d.because(d.why(where(s.spoke[0].pos), "%s; it joins handoff %s", s.spokeText(f), h.ID))
	d.audit("joined", h.ID, map[string]string{"record": f.rec.Ref.String(), "signals": strconv.Itoa(len(joined.Signals))})
	if tier != nil && !tier.none {
		joined = d.hasten(t, f, joined, tier)
	}
	d.put(d.tellTwin(f, d.tellJoined(f, joined, h.Rank, s)))
}

// tellTwin says on another record of the same person in the same CRM where their
// handoff is, so that nobody else takes the buyer up. Whose the record is stays
// as it was.
func (d *deciding) tellTwin(f *facts, h state.Handoff) state.Handoff {
	at := f.rec.Ref
	step := stepTwin + " " + at.String()
	carries := func(o state.Handoff) bool { return o.ID != h.ID && o.Stage.Open() }
	if h.Observed || h.Target.Conn != at.Conn || h.Target.ID == "" || h.Target == at || h.Effects[step].Key != "" || slices.ContainsFunc(d.v.Handoffs(at), carries) {
		return h
	}
	who := h.Target.String()
	if rec, known := d.v.Record(h.Target); known {
		who = accountName(rec)
	}
	set := map[string]any{ownWhy: "This buyer is handed over as " + who + "."}
	return d.intend(h, step, connectors.Write{Ref: at, Set: set, Key: key(h, step, "set")})
}

// tellJoined shows the further signal, and nearer deadlines, on the record.
func (d *deciding) tellJoined(f *facts, h state.Handoff, rank int, s signal) state.Handoff {
	if h.Observed || h.Target.ID == "" || h.Owner == "" {
		return h
	}
	set := map[string]any{}
	if h.Rank < rank {
		set = dueShown(h)
	}
	set[ownReason] = s.spokeText(f)
	return d.intend(h, stepJoin, connectors.Write{Ref: h.Target, Set: set, Key: key(h, stepJoin, s.version)})
}

// dueShown is the tier and the deadlines of a handoff, as its record shows them.
func dueShown(h state.Handoff) map[string]any {
	set := map[string]any{ownTier: h.Tier}
	for name, at := range map[string]time.Time{ownAcceptBy: h.AcceptBy, ownTouchBy: h.TouchBy} {
		if !at.IsZero() {
			set[name] = text(at)
		}
	}
	return set
}

// hasten raises the tier of a handoff.
func (d *deciding) hasten(t *typ, f *facts, h state.Handoff, tier *tier) state.Handoff {
	before := h
	h, err := handoff.Hasten(h, d.clocks(f, tier, h.Owner, h.Signals[len(h.Signals)-1]))
	if err != nil {
		return h // not more urgent
	}
	d.because(d.why(where(t.pos), "tier %s in place of %s", h.Tier, before.Tier))
	d.audit("hastened", h.ID, map[string]string{"tier": h.Tier, "was": before.Tier})
	if h.Stage == state.Assigned {
		d.sooner(t, f, h, tier)
	}
	return h
}
