package plan

import (
	"slices"
	"time"

	"github.com/handoffd/handoffd/connectors"
	"github.com/handoffd/handoffd/state"
	"github.com/handoffd/handoffd/sync/handoff"
)

// An owner may have been given away and back: the record shows what we wrote, or
// what it had when we decided, and yet a person has had the last word.

// givenBack looks at a record that shows the owner it had when our write of
// another was decided, or one of an earlier write of ours, and was changed since: a
// person may have given it away and back, which is their last word. A hand that the
// CRM does not show is nobody's here: most changes are of something else. It
// reports whether that settles the handoff for now.
func (d *deciding) givenBack(rec *state.Record, h state.Handoff) bool {
	s, now := *h.Stake, rec.Fields[d.r.byName[h.Type].becomes]
	who := d.r.facts(d.now, d.v, rec).user(d.r.byConn[rec.Ref.Conn], now)
	if who == "" || s.Over.IsZero() || !rec.ModifiedAt.After(s.Over) {
		return false
	}
	tr, asked := d.trail(rec, s)
	if !asked {
		return true
	}
	if hand, yes := handAfter(tr, s.Over); yes {
		if last, later := sinceRead(tr, rec); later {
			hand, now = last, valueOf(last)
			who = d.r.facts(d.now, d.v, rec).user(d.r.byConn[rec.Ref.Conn], now)
		}
		h.Stake = ceded(&s, now)
		d.supersede(h, who, hand.By, nil)
		return true
	}
	s.Over = rec.ModifiedAt
	h.Stake = &s
	d.put(h)
	return false
}

// handAfter is the last person's hand in a field after an instant.
func handAfter(tr state.Trail, since time.Time) (connectors.FieldValue, bool) {
	for _, v := range tr.Values {
		if !v.At.After(since) {
			break
		}
		if byHand(v.Actor) {
			return v, true
		}
	}
	return connectors.FieldValue{}, false
}

// noteEdit keeps in mind, before our write hides it, that somebody else has
// changed a record since we wrote its owner.
func (d *deciding) noteEdit(h state.Handoff, w connectors.Write) state.Handoff {
	if s := h.Stake; w.Ref.ID == "" || w.Ref != h.Target || s == nil || s.Edited || s.Stamp.IsZero() || !d.edited(h) {
		return h
	}
	s := *h.Stake
	s.Edited = true
	h.Stake = &s
	return h
}

// edited reports whether somebody else has changed the record that carries a
// handoff since we wrote its owner, as far as it was read.
func (d *deciding) edited(h state.Handoff) bool {
	if h.Stake != nil && h.Stake.Edited {
		return true
	}
	if len(d.c.Records) > 0 && d.c.Records[0].Ref == h.Target {
		return d.editedBy(&d.c.Records[0], h)
	}
	rec, known := d.v.Record(h.Target)
	return known && d.editedBy(&rec, h)
}

// editedBy is what a reading says of that. Where the CRM tells when the owner
// was last set, that says it: a task of ours may change the record too.
func (d *deciding) editedBy(rec *state.Record, h state.Handoff) bool {
	owned, t := fieldTime(rec, connectors.WorkOwnedAt), d.r.byName[h.Type]
	if h.Stake != nil && !owned.IsZero() && t != nil && t.becomes == wordOwner {
		return owned.After(h.Stake.Stamp.Add(sameSetting))
	}
	return age(rec, h) > 0
}

// sameSetting is how much later than our write a CRM may say that the owner it
// wrote was set. Nobody gives a record away and back so fast.
const sameSetting = 2 * time.Second

// theirs reports whether a person has set the owner since we wrote it, and be it
// to whom we had written: nobody takes it from them then. The CRM is asked only
// where somebody has changed the record; asked is false where it has to be, first.
// ask says that it may be: else who it is shows when the write is read again.
func (d *deciding) theirs(t *typ, h state.Handoff, ask bool) (yes, asked bool) {
	rec, known := d.v.Record(h.Target)
	if !known || !writesOwner(h) || h.Stake.Value != rec.Fields[t.becomes] {
		return false, true
	}
	if h.Stake.Ceded == h.Stake.Value {
		return true, true
	}
	if !ask || !d.edited(h) {
		return false, true
	}
	return d.handledSince(t, &rec, h)
}

// handledSince reports whether a person has set the owner since we wrote it,
// although it is again what we wrote: they gave the record to somebody, and back.
// asked is false where the CRM has to say so first.
func (d *deciding) handledSince(t *typ, rec *state.Record, h state.Handoff) (yes, asked bool) {
	s := h.Stake
	if s == nil || s.Stamp.IsZero() || h.Target != rec.Ref || rec.Fields[t.becomes] != s.Value {
		return false, true
	}
	tr, asked := d.trail(rec, *s)
	if !asked || d.unfiled(tr, *s, rec) {
		return false, false
	}
	_, yes = handAfter(tr, s.Stamp)
	return yes, true
}

// stakeOf is what a handoff has written as the owner of its record; of one that was made
// with its owner nothing else is remembered. Nil: it writes none.
func (d *deciding) stakeOf(h state.Handoff) *state.Stake {
	if writesOwner(h) {
		return h.Stake
	}
	t, c, made := d.r.byName[h.Type], d.r.byConn[h.Target.Conn], h.Effects[stepCreate]
	if h.Stake != nil || t == nil || c == nil || made.State != handoff.Done || made.Ref != h.Target {
		return nil
	}
	u, known := d.user(c, h.Owner)
	name, ok := c.m.WriteName(h.Target.Kind, t.becomes)
	if !known || !ok {
		return nil
	}
	return &state.Stake{Field: name, Value: u.ID, Over: h.Written, Stamp: h.Written}
}

// givenBefore looks at whose a record was when what completed its handoff was done: the
// first reading since may show that a person had given it to somebody else before, where
// the CRM that has the record is heard of later than the one that showed the deed. Then it
// is theirs, and not done. It reports whether that settles the handoff for now.
func (d *deciding) givenBefore(t *typ, rec *state.Record, h state.Handoff) bool {
	prev, known := d.v.Record(rec.Ref)
	s, now := d.stakeOf(h), rec.Fields[t.becomes]
	if h.Stage != state.Completed || h.Target != rec.Ref || s == nil || s.Ceded != "" || now == s.Value || !known {
		return false
	}
	if prev.Version == rec.Version && rec.Version != "" { // it has been asked before
		return false
	}
	done := h.TouchedAt
	if h.AcceptedAt.After(done) {
		done = h.AcceptedAt
	}
	if !prev.ModifiedAt.Before(done) {
		return false
	}
	tr, asked := d.trail(rec, *s)
	if !asked {
		return true
	}
	v, gone := givenAway(tr, *s, done)
	if !gone {
		return false
	}
	not, err := handoff.NotDone(h)
	if err != nil {
		return false
	}
	d.because(d.why("", "%s had given it away at %s, before %s did it", handOf(v), v.At.Format(time.RFC3339), h.AcceptedBy))
	d.supersede(not, d.r.facts(d.now, d.v, rec).user(d.r.byConn[rec.Ref.Conn], now), v.By, nil)
	return true
}

// readFirst looks at the record of a handoff again before what one of the receivers has
// done for the buyer counts, where it may be somebody else's by now: one who is not the
// owner may have been given it a moment ago, and a poll brings their deed and that in any
// order; one who is may have lost it to the owner of a record that theirs was merged
// into. What it shows is followed like any other reading. It reports whether the CRM has
// to say so first.
func (d *deciding) readFirst(h state.Handoff, a act) (waits bool) {
	rec, known := d.v.Record(h.Target)
	if !known || !h.Stage.Open() || d.stakeOf(h) == nil || !a.contact() || !d.receives(h, a.owner) || slices.Contains(workOf(h).Seen, a.id) {
		return false
	}
	if u, ok := d.user(d.r.byConn[h.Target.Conn], had(h)); a.owner == had(h) && (!ok || !inherited(h, h.Target) || rec.Fields[d.r.byName[h.Type].becomes] == u.ID) {
		return false
	}
	if !rec.ModifiedAt.Before(a.made) {
		if a.owner == had(h) {
			d.follow(&rec, h, Observed{Record: rec})
		}
		return d.stopped()
	}
	now, later, asked := d.readSince(h, byID(h.Target))
	if !asked || !later {
		return !asked
	}
	return d.followNow(&now, h)
}

// readCarrier looks at the record that carries a handoff again before what somebody says
// on the one it came from is taken for its receiver's doing: it may be somebody else's by
// then, and its CRM is heard of later. A CRM that does not answer holds nothing up: what
// it shows once it does wins all the same. It reports whether it has to be asked first.
func (d *deciding) readCarrier(t *typ, rec *state.Record, h state.Handoff) (waits bool) {
	known, _ := d.v.Record(h.Target)
	s := d.stakeOf(h)
	if h.Target == rec.Ref || h.Target.ID == "" || s == nil || !known.ModifiedAt.Before(rec.ModifiedAt) {
		return false
	}
	if f := d.judged(rec, h); (h.Stage != state.Assigned || !t.accepted.holds(f)) && (!t.returned.given || !t.returned.when.holds(f)) {
		return false
	}
	need := byID(h.Target)
	need.Optional = true
	now, later, asked := d.readSince(h, need)
	if !asked || !later {
		return !asked
	}
	if !isOver(now) && now.ModifiedAt.After(rec.ModifiedAt) { // what was said before it went counts
		tr, asked := d.trail(&now, *s)
		if !asked {
			d.c.Needs[len(d.c.Needs)-1].Optional = true
			return true
		}
		if _, gone := givenAway(tr, *s, rec.ModifiedAt); !gone {
			return false
		}
	}
	return d.followNow(&now, h)
}

// givenAway is the person's hand by which a record was somebody else's at an instant, as
// a trail shows it.
func givenAway(tr state.Trail, s state.Stake, at time.Time) (connectors.FieldValue, bool) {
	i := slices.IndexFunc(tr.Values, func(v connectors.FieldValue) bool { return v.At.Before(at) }) // what stood there then
	if i < 0 || tr.Unseen {
		return connectors.FieldValue{}, false
	}
	v := tr.Values[i]
	return v, byHand(v.Actor) && valueOf(v) != s.Value && v.At.After(s.Stamp)
}

// readSince is the record of a handoff as its CRM shows it now, and whether that is later
// than what is known of it. asked is false where the CRM has to say so first.
func (d *deciding) readSince(h state.Handoff, need state.Need) (now state.Record, later, asked bool) {
	found, asked := d.v.Located(need)
	if !asked {
		d.c.Needs = append(d.c.Needs, need)
		return now, false, false
	}
	known, _ := d.v.Record(h.Target)
	i := slices.IndexFunc(found, func(r state.Record) bool {
		return r.Ref == h.Target && (r.Version > known.Version || isOver(r) && !isOver(known))
	})
	if i < 0 {
		return now, false, true
	}
	return found[i], true, true
}

// followNow follows the record of a handoff that was read on its behalf. It reports
// whether deciding has to stop.
func (d *deciding) followNow(now *state.Record, h state.Handoff) bool {
	if isOver(*now) {
		d.gone(now, []state.Handoff{h})
	} else {
		d.follow(now, h, Observed{Record: *now})
	}
	return d.stopped()
}

// isOver reports whether a record is deleted, or lives on as another.
func isOver(r state.Record) bool { return r.Deleted || !r.MovedTo.IsZero() }
