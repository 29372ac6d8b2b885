package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
)

// Several handoffs may be open on one record: a deal that goes to a sales
// engineer and to legal at once. The record has handoffd's own fields once, so
// they show one of them, the primary: the first, unless a more urgent one comes.
// What a person sets there speaks of that one alone. The others have their
// task: who ticks it off has accepted.

// sharing are the other open handoffs whose fields would stand on a record.
func (d *deciding) sharing(ref connectors.Ref, h state.Handoff) []state.Handoff {
	var out []state.Handoff
	for _, o := range slices.Concat(d.c.Handoffs, d.v.Handoffs(ref)) {
		o = d.current(o)
		live := o.Stage.Open() && !o.Observed && !o.AssignedAt.IsZero() && (o.Target == ref || o.Record == ref)
		if o.ID != h.ID && live && !slices.ContainsFunc(out, func(x state.Handoff) bool { return x.ID == o.ID }) {
			out = append(out, o)
		}
	}
	return out
}

// parallel reports whether somebody else has another handoff of the record
// that carries this one.
func (d *deciding) parallel(h state.Handoff) bool {
	return slices.ContainsFunc(d.sharing(h.Target, h), func(o state.Handoff) bool { return o.Owner != h.Owner })
}

// shows reports whether the fields of a record are this handoff's: no other
// open one of another receiver comes before it.
func (d *deciding) shows(ref connectors.Ref, h state.Handoff) bool {
	if ref.ID == "" {
		return false
	}
	for _, o := range d.sharing(ref, h) {
		if o.Owner != h.Owner && before(o, h) {
			return false
		}
	}
	return true
}

// before reports whether one handoff is shown in place of another: the more
// urgent one, else the earlier.
func before(o, h state.Handoff) bool {
	switch {
	case o.Rank != h.Rank:
		return o.Rank < h.Rank
	case h.Behind == o.ID, o.Behind == h.ID:
		return h.Behind == o.ID
	case !o.AssignedAt.Equal(h.AssignedAt):
		return h.AssignedAt.IsZero() || o.AssignedAt.Before(h.AssignedAt)
	}
	return o.ID < h.ID
}

// speaksOf reports whether handoffd's own fields on a record, as they were
// read, are about this handoff: its id stands there, or that of another one of
// the same receiver, or none can be read.
func (d *deciding) speaksOf(rec *state.Record, h state.Handoff) bool {
	id := rec.Fields[ownID]
	if id == "" || id == h.ID {
		return true
	}
	shown, ok := d.v.Handoff(id)
	return ok && d.current(shown).Stage.Open() && shown.Owner == h.Owner
}

// showNexts sees to the records whose fields speak of a handoff that has ended
// here, or that is told of once more: they are the next one's.
func (d *deciding) showNexts() {
	var seen []connectors.Ref
	for _, over := range slices.Clone(d.c.Handoffs) {
		if over.Stage.Open() || over.Observed || over.Target.ID == "" || slices.Contains(seen, over.Target) || !d.endsHere(over) {
			continue
		}
		if d.showNext(over) {
			seen = append(seen, over.Target)
		}
	}
}

// endsHere reports whether a handoff that is over was open before, or whether its
// status is about to be written.
func (d *deciding) endsHere(h state.Handoff) bool {
	was, known := d.v.Handoff(h.ID)
	return known && was.Stage.Open() || slices.ContainsFunc(d.c.Intents, func(i state.Intent) bool {
		_, tells := i.Write.Set[ownStatus]
		return tells && i.Handoff == h.ID && i.Write.Ref == h.Target
	})
}

// showNext gives the fields of a record to the handoff they now speak of, after
// the one they spoke of is over. It reports whether there is one.
func (d *deciding) showNext(over state.Handoff) bool {
	for _, h := range d.sharing(over.Target, over) {
		if h.Target != over.Target || h.Written.IsZero() || !d.shows(over.Target, h) || !d.shows(over.Target, over) {
			continue
		}
		k, had := key(h, stepShow, over.ID), len(d.c.Intents)
		if i, waits := d.v.Intent(k); waits && h.Effects[stepShow].Key == k {
			d.c.Intents = append(d.c.Intents, i) // it has not left yet
		} else {
			set := shown(h)
			if rec, known := d.lastRead(h.Target); known {
				clearLeft(set, &rec)
			}
			d.put(d.intend(h, stepShow, connectors.Write{Ref: h.Target, Set: set, Key: k}))
		}
		for n := range d.c.Intents[had:] { // after what ends the other one
			d.c.Intents[had+n].Created, d.c.Intents[had+n].Due = d.now.Add(time.Second), d.now.Add(time.Second)
		}
		return true
	}
	return false
}

// shown is how far a handoff is, as the fields of its record tell.
func shown(h state.Handoff) map[string]any {
	return map[string]any{
		ownID: h.ID, ownType: h.Type, ownStatus: statusOf(h.Stage), ownTier: h.Tier, ownAccountable: h.Accountable,
		ownAcceptBy: text(h.AcceptBy), ownTouchBy: text(h.TouchBy), ownAssignedAt: text(h.AssignedAt),
		ownAcceptedBy: blankNil(h.AcceptedBy), ownAcceptedAt: text(h.AcceptedAt), ownFirstTouch: text(h.TouchedAt),
		ownAttempts: float64(workOf(h).Count),
	}
}

// statusOf is a stage as handoff_status has it.
func statusOf(s state.Stage) string {
	switch s {
	case state.Assigned, state.Stalled:
		return statusAssigned
	case state.Accepted:
		return statusAccepted
	case state.Touched:
		return statusTouched
	case state.Completed:
		return statusCompleted
	case state.Returned:
		return statusReturned
	case state.Superseded, state.Reassigned:
		return statusSuperseded
	case state.Cancelled, state.Refused:
		return statusCancelled
	case state.Detected, state.Held, state.Queued:
	}
	return ""
}

// parallels refuses two types that can be open on one record with two
// receivers, and that one field would accept both. handoffd's own fields may
// be shared, since they speak of one handoff at a time, and so may any where
// both types have the same receiver: the record has room for one owner.
func (c *compiler) parallels() {
	for i, a := range c.r.types {
		for _, b := range c.r.types[:i] {
			if a.about != b.about || a.becomes == b.becomes || !meets(a, b) {
				continue
			}
			for _, f := range a.accepted.fields() {
				if f.noun == a.about && !isOwn(f.word) && slices.Contains(b.accepted.fields(), f) {
					c.bad(a.pos, "shared-acceptance", "name task_done, or a field of its own",
						"%s and %s can be open on one %s, and %s would accept both", b.name, a.name, a.about, f)
				}
			}
		}
	}
}

// meets reports whether two types can be about one record.
func meets(a, b *typ) bool {
	return slices.ContainsFunc(a.conns(), func(n *conn) bool { return slices.Contains(b.conns(), n) })
}
